//! The system calls of a worker: which are let through, with which arguments, and which are refused.
//!
//! Found by watching real runs of all engines, panics, aborts, overflows and failing allocations (`strace -f`), and widened
//! by what other C libraries and later versions of them may do in the same places. What is on no list here ends the
//! process.

use std::collections::BTreeMap;

use libc::c_long;
use seccompiler::{BackendError, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompRule};

/// Reading sources and commands, and writing frames and last words: all on descriptors that are open already, or come over
/// the one socket, which nobody but the coordinator writes to. What may be done with each is fixed in how it was opened.
const DESCRIPTORS: &[c_long] = &[
    libc::SYS_recvmsg,
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_pread64,
    libc::SYS_preadv,
    libc::SYS_preadv2,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_close,
    libc::SYS_fstat,
    libc::SYS_ppoll,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_poll,
];

/// Memory that nothing can be executed from; those that take a protection are in [`with_arguments`].
const MEMORY: &[c_long] = &[libc::SYS_munmap, libc::SYS_mremap, libc::SYS_brk];

/// Handlers of signals that are there already (of a stack overflow), and what surrounds an abort.
const SIGNALS: &[c_long] = &[
    libc::SYS_rt_sigreturn,
    libc::SYS_rt_sigprocmask,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
];

/// Leaving.
const LEAVING: &[c_long] = &[libc::SYS_exit, libc::SYS_exit_group];

/// Facts about this process and this machine that it could have asked for before it was locked in.
const FACTS: &[c_long] = &[
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_getrusage,
    libc::SYS_sched_getaffinity,
    libc::SYS_sysinfo,
    libc::SYS_uname,
    libc::SYS_getcpu,
];

/// Clocks, which are system calls where the kernel's page of them cannot be used, and waiting.
const TIME: &[c_long] = &[
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_nanosleep,
    libc::SYS_sched_yield,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_time,
];

/// What locks (with the [`WAITING`] of them) and allocators are made of, in C libraries of any age, for the one thread that
/// there is; and random numbers, which hash tables are seeded with.
const LIBRARY: &[c_long] = &[
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_membarrier,
    libc::SYS_getrandom,
];

/// What futex(2) is let through for: to wait and to wake. Locks that lend their priority, where most of its holes were, are
/// for threads with priorities.
const WAITING: [i32; 7] = [
    libc::FUTEX_WAIT,
    libc::FUTEX_WAKE,
    libc::FUTEX_REQUEUE,
    libc::FUTEX_CMP_REQUEUE,
    libc::FUTEX_WAKE_OP,
    libc::FUTEX_WAIT_BITSET,
    libc::FUTEX_WAKE_BITSET,
];

/// What looks something up by a path. C libraries and the runtime do it in passing and can do without: a panic wants to
/// read the executable's symbols and to know the directory, an allocator how many processors there are.
const BY_PATH: &[c_long] = &[
    libc::SYS_openat,
    libc::SYS_openat2,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_readlinkat,
    libc::SYS_getcwd,
    libc::SYS_statfs,
];

/// The same, as older calls that only this processor has.
#[cfg(target_arch = "x86_64")]
const BY_PATH_OLDER: &[c_long] = &[
    libc::SYS_open,
    libc::SYS_creat,
    libc::SYS_stat,
    libc::SYS_lstat,
    libc::SYS_access,
    libc::SYS_readlink,
];

/// Newer processors have none.
#[cfg(not(target_arch = "x86_64"))]
const BY_PATH_OLDER: &[c_long] = &[];

/// From here on advice about memory (`MADV_HWPOISON` and the like) is for testing the machine, and breaks it.
const ADVICE_THAT_BREAKS: c_long = 100;

/// Names a mapping in `/proc` (prctl(2)).
const PR_SET_VMA: c_long = 0x5356_4d41;

/// The only thing that it does.
const PR_SET_VMA_ANON_NAME: c_long = 0;

/// The calls that give EACCES.
pub(super) fn refused() -> impl Iterator<Item = c_long> {
    BY_PATH.iter().chain(BY_PATH_OLDER).copied()
}

/// The calls that are let through in process `own`. One without rules is let through whatever its arguments are, one
/// with rules where one of them matches.
///
/// # Errors
///
/// None: the conditions are sound.
pub(super) fn allowed(own: u32) -> Result<BTreeMap<c_long, Vec<SeccompRule>>, BackendError> {
    let plain = [DESCRIPTORS, MEMORY, SIGNALS, LEAVING, FACTS, TIME, LIBRARY];
    let mut calls: BTreeMap<_, _> = plain.into_iter().flatten().map(|call| (*call, Vec::new())).collect();
    for (call, conditions) in with_arguments(own) {
        let conditions: Result<_, _> = conditions.into_iter().map(Condition::compile).collect();
        calls.entry(call).or_default().push(SeccompRule::new(conditions?)?);
    }
    Ok(calls)
}

/// What is asked of one argument of a call.
struct Condition {
    /// The argument, from 0.
    argument: u8,
    /// How many of its bits are compared: 32 where the kernel looks at no others.
    bits: SeccompCmpArgLen,
    is: SeccompCmpOp,
    value: u64,
}

impl Condition {
    fn compile(self) -> Result<SeccompCondition, BackendError> {
        SeccompCondition::new(self.argument, self.bits, self.is, self.value)
    }
}

/// A condition on an argument that the kernel takes as an `int` or an `unsigned`.
fn int(argument: u8, is: SeccompCmpOp, value: impl Into<i64>) -> Condition {
    Condition {
        argument,
        bits: SeccompCmpArgLen::Dword,
        is,
        value: value.into() as u64,
    }
}

/// A condition on an argument that the kernel takes as a `long` or a pointer.
fn long(argument: u8, is: SeccompCmpOp, value: impl Into<i64>) -> Condition {
    Condition {
        bits: SeccompCmpArgLen::Qword,
        ..int(argument, is, value)
    }
}

/// The calls that are let through with some arguments only, each with what is asked of them: one that is there twice, with
/// either.
fn with_arguments(own: u32) -> Vec<(c_long, Vec<Condition>)> {
    use SeccompCmpOp::{Eq, Lt, MaskedEq, Ne};
    const EXECUTABLE: u64 = libc::PROT_EXEC as u64;
    /// Memory that the limit on data does not count: what is shared, and what grows like a stack.
    const UNCOUNTED: u64 = (libc::MAP_SHARED | libc::MAP_GROWSDOWN) as u64;
    /// The part of a futex's operation that says what it is; the rest says how.
    const OPERATION: u64 = libc::FUTEX_CMD_MASK as u32 as u64;
    const NULL: i64 = 0;
    const THIS: i64 = 0;
    let futex = |operation: i32| (libc::SYS_futex, vec![int(1, MaskedEq(OPERATION), operation)]);
    let mut calls: Vec<_> = WAITING.into_iter().map(futex).collect();
    calls.extend([
        // No new code, and no memory beyond the limit.
        (
            libc::SYS_mmap,
            vec![long(2, MaskedEq(EXECUTABLE), 0), long(3, MaskedEq(UNCOUNTED), 0)],
        ),
        (libc::SYS_mprotect, vec![long(2, MaskedEq(EXECUTABLE), 0)]),
        (libc::SYS_madvise, vec![int(2, Lt, ADVICE_THAT_BREAKS)]),
        // An abort is a signal to itself; the second is how musl sends it.
        (libc::SYS_tgkill, vec![int(0, Eq, own)]),
        (libc::SYS_tkill, vec![int(0, Eq, own)]),
        // Nobody gets to hear that the sandbox stops it but the handler that is there.
        (libc::SYS_rt_sigaction, vec![int(0, Ne, libc::SIGSYS)]),
        // Another number for what it holds already, and questions about that. The second is for programs that could start
        // others, and is what musl does behind the first.
        (libc::SYS_fcntl, vec![int(1, Eq, libc::F_DUPFD_CLOEXEC)]),
        (libc::SYS_fcntl, vec![int(1, Eq, libc::F_SETFD)]),
        (libc::SYS_fcntl, vec![int(1, Eq, libc::F_GETFD)]),
        (libc::SYS_fcntl, vec![int(1, Eq, libc::F_GETFL)]),
        // Its own limits, for reading.
        (libc::SYS_prlimit64, vec![int(0, Eq, THIS), long(2, Eq, NULL)]),
        // Newer allocators name their mappings.
        (
            libc::SYS_prctl,
            vec![int(0, Eq, PR_SET_VMA), long(1, Eq, PR_SET_VMA_ANON_NAME)],
        ),
    ]);
    calls
}

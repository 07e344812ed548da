//! Ways out of the sandbox that a worker tries, for tests of what comes of it.
//!
//! A member whose name holds `poison-escape-WORD.` has its worker try the way of that word. What the kernel answers goes to
//! standard error, as `escape WORD: EACCES`; where it does not even answer, the worker is dead. Arguments are chosen so that
//! a call that nothing stops does no harm.
#![expect(unsafe_code, reason = "what an intruder would do is not in the standard library")]

use std::ffi::CStr;
use std::io::{self, Write};
use std::sync::atomic::AtomicU32;

use libc::c_long;
use nix::errno::Errno;

/// A way out: what the kernel returns for it, -1 where it refuses.
type Escape = fn() -> c_long;

/// What goes before the word in a member's name.
const PREFIX: &str = "poison-escape-";

/// Tries what the name of a member says, if it says anything of this kind.
pub(super) fn attempt(name: &str) {
    let word = name.split_once(PREFIX).and_then(|(_, rest)| rest.split('.').next());
    let Some((word, escape)) = word.and_then(|word| ESCAPES.iter().find(|(known, _)| *known == word)) else {
        return;
    };
    let answer = match Errno::result(escape()) {
        Ok(_) => "nothing stops it".to_owned(),
        Err(errno) => format!("{errno:?}"),
    };
    // The test listens.
    writeln!(io::stderr(), "escape {word}: {answer}").ok();
}

/// Makes a system call, whose other arguments are 0.
fn call(number: c_long, arguments: &[c_long]) -> c_long {
    let mut all = [0; 6];
    all[..arguments.len()].copy_from_slice(arguments);
    let [a, b, c, d, e, f] = all;
    // SAFETY: the calls of this module write to no memory of this process that anything else uses: what is a pointer in their
    // arguments is null, or to text that is read.
    unsafe { libc::syscall(number, a, b, c, d, e, f) }
}

fn text(text: &'static CStr) -> c_long {
    text.as_ptr() as c_long
}

/// A call by which there may be a second process, which then leaves at once.
fn fork_by(number: c_long, arguments: &[c_long]) -> c_long {
    match call(number, arguments) {
        // SAFETY: it is the child, and nothing of it is wanted.
        0 => unsafe { libc::_exit(0) },
        answer => answer,
    }
}

/// The coordinator's process id, as it stands on this worker's command line.
fn coordinator() -> c_long {
    let argument = std::env::args().nth(2);
    argument.and_then(|id| id.parse().ok()).unwrap_or_default()
}

/// A process id next to its own: another worker's, if several are started one after the other.
fn sibling() -> c_long {
    c_long::from(std::process::id()) + 1
}

/// The source of members' bytes: the only file that this worker holds.
fn source() -> c_long {
    const MOST: c_long = 64;
    let is_file = |number: &c_long| {
        let mut status = std::mem::MaybeUninit::<libc::stat>::zeroed();
        // SAFETY: the call writes what a `stat` is, to one.
        let known = unsafe { libc::fstat(*number as i32, status.as_mut_ptr()) } == 0;
        // SAFETY: zeros are a `stat`, and so is what the call wrote.
        known && unsafe { status.assume_init() }.st_mode & libc::S_IFMT == libc::S_IFREG
    };
    (0..MOST).find(is_file).unwrap_or(-1)
}

/// The socket over which sources come: the last descriptor on this worker's command line.
fn sources() -> c_long {
    let argument = std::env::args().next_back();
    argument.and_then(|number| number.parse().ok()).unwrap_or(-1)
}

/// Opens a path, from the root.
fn open(path: &str, flags: i32) -> c_long {
    let path = std::ffi::CString::new(path).unwrap_or_default();
    let (flags, mode) = (c_long::from(flags), 0o600);
    call(libc::SYS_openat, &[HERE, path.as_ptr() as c_long, flags, mode])
}

/// Makes a socket of TCP, and a call on it with an address.
fn on_socket(number: c_long) -> c_long {
    match call(libc::SYS_socket, &[c_long::from(libc::AF_INET), STREAM]) {
        -1 => -1,
        socket => call(number, &[socket, ADDRESS.as_ptr() as c_long, ADDRESS.len() as c_long]),
    }
}

/// A page that nothing else uses, made with these rights.
fn page(rights: i32) -> c_long {
    page_of(rights, libc::MAP_PRIVATE)
}

/// A page of this kind, made with these rights.
fn page_of(rights: i32, kind: i32) -> c_long {
    const ANYWHERE: c_long = 0;
    let flags = kind | libc::MAP_ANONYMOUS;
    call(
        libc::SYS_mmap,
        &[ANYWHERE, PAGE, c_long::from(rights), c_long::from(flags), -1],
    )
}

/// `struct open_how` that asks for nothing but to read, `struct clone_args` that asks for a process with SIGCHLD, and any
/// other that may be of zeros.
static HOW: [u64; 11] = [0; 11];
static PROCESS: [u64; 11] = [0, 0, 0, 0, libc::SIGCHLD as u64, 0, 0, 0, 0, 0, 0];

/// An address of TCP on this machine, port 9: family, port and address as the network orders them.
static ADDRESS: [u8; 16] = [libc::AF_INET as u8, 0, 0, 9, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];

const HERE: c_long = libc::AT_FDCWD as c_long;
const PAGE: c_long = 4096;
const NOBODY: c_long = -1;
const STREAM: c_long = libc::SOCK_STREAM as c_long;
const SIGCHLD: c_long = libc::SIGCHLD as c_long;

/// The ways, by what they are after: the file system, other code, other processes, the network, memory, rights, and
/// descriptors.
const ESCAPES: &[(&str, Escape)] = &[
    ("open", || open("/etc/passwd", libc::O_RDONLY)),
    ("create", || {
        open("/tmp/tarquet-escaped", libc::O_WRONLY | libc::O_CREAT)
    }),
    ("open-directory", || open("/", libc::O_RDONLY | libc::O_DIRECTORY)),
    ("open-memory-of-parent", || {
        open(&format!("/proc/{}/mem", coordinator()), libc::O_RDWR)
    }),
    ("reopen-source", || {
        open(&format!("/proc/self/fd/{}", source()), libc::O_RDWR)
    }),
    ("openat2", || {
        call(
            libc::SYS_openat2,
            &[HERE, text(c"/etc/passwd"), HOW.as_ptr() as c_long, 24],
        )
    }),
    ("stat", || call(libc::SYS_newfstatat, &[HERE, text(c"/etc/passwd")])),
    ("statx", || call(libc::SYS_statx, &[HERE, text(c"/etc/passwd")])),
    ("access", || call(libc::SYS_faccessat, &[HERE, text(c"/etc/passwd")])),
    ("readlink", || {
        call(libc::SYS_readlinkat, &[HERE, text(c"/proc/self/exe")])
    }),
    ("getcwd", || call(libc::SYS_getcwd, &[])),
    ("unlink", || {
        call(libc::SYS_unlinkat, &[HERE, text(c"/tmp/tarquet-escaped")])
    }),
    ("rename", || {
        let (from, to) = (text(c"/tmp/tarquet-escaped"), text(c"/tmp/tarquet-escaped-too"));
        call(libc::SYS_renameat2, &[HERE, from, HERE, to])
    }),
    ("mkdir", || call(libc::SYS_mkdirat, &[HERE, text(c"/")])),
    ("link", || {
        call(libc::SYS_linkat, &[HERE, text(c"/etc/passwd"), HERE, text(c"/")])
    }),
    ("symlink", || {
        call(libc::SYS_symlinkat, &[text(c"/etc/passwd"), HERE, text(c"/")])
    }),
    ("mknod", || call(libc::SYS_mknodat, &[HERE, text(c"/")])),
    ("chdir", || call(libc::SYS_chdir, &[text(c"/")])),
    ("chroot", || call(libc::SYS_chroot, &[text(c"/")])),
    ("mount", || call(libc::SYS_mount, &[])),
    ("open_tree", || call(libc::SYS_open_tree, &[HERE, text(c"/")])),
    ("open_by_handle_at", || call(libc::SYS_open_by_handle_at, &[HERE])),
    ("inotify", || call(libc::SYS_inotify_init1, &[])),
    ("execve", || call(libc::SYS_execve, &[text(c"/bin/true")])),
    ("execveat", || call(libc::SYS_execveat, &[HERE, text(c"/bin/true")])),
    #[cfg(target_arch = "x86_64")]
    ("fork", || fork_by(libc::SYS_fork, &[])),
    #[cfg(target_arch = "x86_64")]
    ("vfork", || fork_by(libc::SYS_vfork, &[])),
    ("clone", || fork_by(libc::SYS_clone, &[SIGCHLD])),
    ("clone3", || {
        fork_by(
            libc::SYS_clone3,
            &[PROCESS.as_ptr() as c_long, size_of_val(&PROCESS) as c_long],
        )
    }),
    ("mprotect-exec", || {
        let page = page(libc::PROT_READ | libc::PROT_WRITE);
        call(
            libc::SYS_mprotect,
            &[page, PAGE, c_long::from(libc::PROT_READ | libc::PROT_EXEC)],
        )
    }),
    ("mmap-exec", || page(libc::PROT_READ | libc::PROT_EXEC)),
    // Memory that RLIMIT_DATA does not count.
    ("mmap-shared", || {
        page_of(libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED)
    }),
    ("mmap-stack", || {
        page_of(
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_GROWSDOWN,
        )
    }),
    ("futex-lends-priority", || {
        static LOCK: AtomicU32 = AtomicU32::new(0);
        call(
            libc::SYS_futex,
            &[
                LOCK.as_ptr() as c_long,
                c_long::from(libc::FUTEX_LOCK_PI | libc::FUTEX_PRIVATE_FLAG),
            ],
        )
    }),
    ("pkey_mprotect", || call(libc::SYS_pkey_mprotect, &[])),
    ("memfd_create", || call(libc::SYS_memfd_create, &[text(c"code")])),
    ("personality", || call(libc::SYS_personality, &[])),
    ("madvise-poison", || {
        call(libc::SYS_madvise, &[0, 0, c_long::from(libc::MADV_HWPOISON)])
    }),
    ("userfaultfd", || call(libc::SYS_userfaultfd, &[])),
    ("bpf", || call(libc::SYS_bpf, &[])),
    ("perf_event_open", || call(libc::SYS_perf_event_open, &[])),
    ("io_uring_setup", || call(libc::SYS_io_uring_setup, &[1])),
    ("ptrace", || {
        call(libc::SYS_ptrace, &[c_long::from(libc::PTRACE_SEIZE), coordinator()])
    }),
    ("kill-parent", || call(libc::SYS_kill, &[coordinator()])),
    ("kill-sibling", || call(libc::SYS_kill, &[sibling()])),
    ("kill-all", || call(libc::SYS_kill, &[NOBODY])),
    ("tgkill-parent", || {
        call(libc::SYS_tgkill, &[coordinator(), coordinator()])
    }),
    ("tkill-parent", || call(libc::SYS_tkill, &[coordinator()])),
    ("sigqueue-parent", || call(libc::SYS_rt_sigqueueinfo, &[coordinator()])),
    ("process_vm_readv", || {
        call(libc::SYS_process_vm_readv, &[coordinator()])
    }),
    ("process_vm_writev", || {
        call(libc::SYS_process_vm_writev, &[coordinator()])
    }),
    ("pidfd_open", || call(libc::SYS_pidfd_open, &[coordinator()])),
    ("pidfd_getfd", || call(libc::SYS_pidfd_getfd, &[NOBODY])),
    ("prlimit-parent", || call(libc::SYS_prlimit64, &[coordinator()])),
    ("setpriority", || call(libc::SYS_setpriority, &[])),
    ("keyctl", || call(libc::SYS_keyctl, &[])),
    ("shmget", || call(libc::SYS_shmget, &[])),
    ("msgget", || call(libc::SYS_msgget, &[])),
    ("semget", || call(libc::SYS_semget, &[])),
    ("mq_open", || call(libc::SYS_mq_open, &[text(c"nowhere")])),
    ("socket-tcp", || {
        call(libc::SYS_socket, &[c_long::from(libc::AF_INET), STREAM])
    }),
    ("socket-udp", || {
        call(
            libc::SYS_socket,
            &[c_long::from(libc::AF_INET6), c_long::from(libc::SOCK_DGRAM)],
        )
    }),
    ("socket-unix", || {
        call(libc::SYS_socket, &[c_long::from(libc::AF_UNIX), STREAM])
    }),
    ("socket-netlink", || {
        call(
            libc::SYS_socket,
            &[c_long::from(libc::AF_NETLINK), c_long::from(libc::SOCK_RAW)],
        )
    }),
    ("socketpair", || call(libc::SYS_socketpair, &[])),
    ("connect", || {
        call(
            libc::SYS_connect,
            &[source(), ADDRESS.as_ptr() as c_long, ADDRESS.len() as c_long],
        )
    }),
    ("bind", || {
        call(
            libc::SYS_bind,
            &[source(), ADDRESS.as_ptr() as c_long, ADDRESS.len() as c_long],
        )
    }),
    ("tcp-connect", || on_socket(libc::SYS_connect)),
    ("tcp-bind", || on_socket(libc::SYS_bind)),
    ("sendmsg", || call(libc::SYS_sendmsg, &[sources()])),
    ("write-sources", || call(libc::SYS_write, &[sources(), text(c"x"), 1])),
    ("unshare", || call(libc::SYS_unshare, &[])),
    ("setns", || call(libc::SYS_setns, &[NOBODY])),
    ("setuid", || call(libc::SYS_setresuid, &[NOBODY, NOBODY, NOBODY])),
    ("capset", || call(libc::SYS_capset, &[])),
    ("prctl-dumpable", || {
        call(libc::SYS_prctl, &[c_long::from(libc::PR_SET_DUMPABLE), 1])
    }),
    ("prctl-outlive-parent", || {
        call(libc::SYS_prctl, &[c_long::from(libc::PR_SET_PDEATHSIG), 0])
    }),
    ("raise-limit", || {
        const UNLIMITED: [u64; 2] = [libc::RLIM_INFINITY; 2];
        call(
            libc::SYS_prlimit64,
            &[0, c_long::from(libc::RLIMIT_DATA as i32), UNLIMITED.as_ptr() as c_long],
        )
    }),
    ("catch-sigsys", || {
        call(libc::SYS_rt_sigaction, &[c_long::from(libc::SIGSYS), 0, 0, 8])
    }),
    ("another-filter", || call(libc::SYS_seccomp, &[])),
    ("reboot", || call(libc::SYS_reboot, &[])),
    ("set-clock", || call(libc::SYS_settimeofday, &[])),
    ("syslog", || call(libc::SYS_syslog, &[])),
    ("write-source", || call(libc::SYS_write, &[source(), text(c"x"), 1])),
    ("pwrite-source", || call(libc::SYS_pwrite64, &[source(), text(c"x"), 1])),
    ("truncate-source", || call(libc::SYS_ftruncate, &[source(), NOBODY])),
    ("chmod-source", || call(libc::SYS_fchmod, &[source(), 0o600])),
    ("chown-source", || call(libc::SYS_fchown, &[source(), NOBODY, NOBODY])),
    ("touch-source", || call(libc::SYS_utimensat, &[source()])),
    ("label-source", || {
        call(libc::SYS_fsetxattr, &[source(), text(c"user.x")])
    }),
    ("lock-source", || {
        call(libc::SYS_flock, &[source(), c_long::from(libc::LOCK_UN)])
    }),
    ("own-source", || {
        call(
            libc::SYS_fcntl,
            &[source(), c_long::from(libc::F_SETOWN), coordinator()],
        )
    }),
    ("ioctl", || {
        call(libc::SYS_ioctl, &[0, libc::TIOCSTI as c_long, text(c"x")])
    }),
    ("replace-stderr", || {
        call(libc::SYS_dup3, &[source(), c_long::from(libc::STDERR_FILENO)])
    }),
    ("pipe", || call(libc::SYS_pipe2, &[])),
    ("splice", || call(libc::SYS_splice, &[source()])),
    ("sendfile", || call(libc::SYS_sendfile, &[NOBODY, source()])),
    ("foreign-call", || call(X32_GETPID, &[])),
];

/// getpid(2) of the x32 interface, which this processor's kernel may have as well; elsewhere, no call at all.
const X32_GETPID: c_long = 0x4000_0000 + 39;

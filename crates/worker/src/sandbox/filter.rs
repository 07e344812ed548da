//! The two seccomp filters of a worker.
//!
//! The kernel asks both for every call, and the stricter answer counts. One filter alone has two answers only; what is
//! wanted has three: yes, EACCES, and the end.
#![expect(
    unsafe_code,
    reason = "whether there is seccomp is only had by a system call of its own"
)]

use std::collections::BTreeMap;
use std::env::consts::ARCH;
use std::io;

use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch, apply_filter};

use super::{Lack, calls, trap};

/// What is to be done about a call that no worker makes: the kernel does not make it, and sends SIGSYS, which cannot be
/// blocked or ignored. It is caught [once](trap), to say which call it was; where nothing catches it, it kills.
const STOP: SeccompAction = SeccompAction::Trap;

/// Whether the kernel has filters, and all that these need.
pub(super) fn check() -> Result<(), Lack> {
    for action in [
        libc::SECCOMP_RET_ALLOW,
        libc::SECCOMP_RET_ERRNO,
        libc::SECCOMP_RET_TRAP,
        libc::SECCOMP_RET_KILL_PROCESS,
    ] {
        // SAFETY: the call reads the four bytes of `action`, which live as long as it, and changes nothing.
        let known = unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_GET_ACTION_AVAIL, 0, &raw const action) };
        if known != 0 {
            return Err(Lack::Seccomp(io::Error::last_os_error()));
        }
    }
    Ok(())
}

/// Takes the filters on, for good.
pub(super) fn enter() -> Result<(), Lack> {
    trap::set().map_err(|errno| Lack::Seccomp(errno.into()))?;
    let refuse = refused().and_then(BpfProgram::try_from);
    let stop = allowed().and_then(BpfProgram::try_from);
    let (refuse, stop) = (
        refuse.map_err(seccompiler::Error::from)?,
        stop.map_err(seccompiler::Error::from)?,
    );
    apply_filter(&refuse)?;
    // It allows no further filter, so it is the last.
    Ok(apply_filter(&stop)?)
}

/// Gives EACCES to calls that look something up.
fn refused() -> Result<SeccompFilter, seccompiler::BackendError> {
    let rules: BTreeMap<_, _> = calls::refused().map(|call| (call, Vec::new())).collect();
    let refuse = SeccompAction::Errno(libc::EACCES as u32);
    SeccompFilter::new(rules, SeccompAction::Allow, refuse, target()?)
}

/// Stops at every call that is neither allowed nor refused.
fn allowed() -> Result<SeccompFilter, seccompiler::BackendError> {
    let mut rules = calls::allowed(std::process::id())?;
    rules.extend(calls::refused().map(|call| (call, Vec::new())));
    SeccompFilter::new(rules, STOP, SeccompAction::Allow, target()?)
}

/// The processor whose system calls these are. Those of another (32-bit ones, say) end the process.
fn target() -> Result<TargetArch, seccompiler::BackendError> {
    TargetArch::try_from(ARCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filters_are_programs_that_the_kernel_takes() {
        /// `BPF_MAXINSNS`.
        const MOST: usize = 4096;
        for filter in [refused(), allowed()] {
            let program = BpfProgram::try_from(filter.unwrap()).unwrap();
            assert!((10..MOST).contains(&program.len()), "{}", program.len());
        }
    }

    #[test]
    fn no_call_is_both_allowed_and_refused() {
        let allowed = calls::allowed(1).unwrap();
        for call in calls::refused() {
            assert!(!allowed.contains_key(&call), "system call {call}");
        }
    }
}

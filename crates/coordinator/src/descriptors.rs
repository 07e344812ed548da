//! Descriptors: how many there may be, and that workers inherit those that they are given and no others.
#![expect(
    unsafe_code,
    reason = "a descriptor that somebody else opened is known by its number alone"
)]

use std::fs;
use std::io;
use std::os::fd::{BorrowedFd, RawFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Keeps every descriptor but the standard three from processes that are started from now on.
///
/// What this process opens is kept from them anyway. This is for what whoever started it left open: the end of a pipe
/// that a worker holds would keep others from seeing that it has ended.
///
/// # Errors
///
/// When `/proc/self/fd` cannot be listed.
pub(crate) fn keep_from_workers() -> io::Result<()> {
    for entry in fs::read_dir("/proc/self/fd")? {
        let number = entry?.file_name().to_str().and_then(|name| name.parse::<RawFd>().ok());
        if let Some(number @ 3..) = number {
            keep(number)?;
        }
    }
    Ok(())
}

/// Lets this process have as many descriptors as it may: it has four for each worker, and many systems let a process have
/// 1,024 if it does not ask for more. Where it may not have more, starting a worker says so.
pub(crate) fn have_as_many_as_may_be() {
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
        && soft < hard
    {
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard).ok();
    }
}

fn keep(number: RawFd) -> io::Result<()> {
    // SAFETY: the borrow ends with this statement, in which only a flag changes; whether the descriptor is still open is
    // for the kernel to say.
    let kept = fcntl(
        unsafe { BorrowedFd::borrow_raw(number) },
        FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC),
    );
    match kept {
        // Another thread has closed it, or it was the listing's own.
        Ok(_) | Err(Errno::EBADF) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

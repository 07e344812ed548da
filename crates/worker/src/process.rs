//! What makes a process a worker.
#![expect(unsafe_code, reason = "an inherited descriptor is known by its number alone")]

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, IntoRawFd, RawFd};

use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{SigSet, Signal};
use nix::unistd::{dup2_stdout, getppid};

use crate::serve::{WorkerError, serve};

/// The last of the standard descriptors.
const STDERR_FILENO: RawFd = 2;

/// Serves the coordinator with process id `coordinator` over standard input and output until it says
/// [`Finish`](tarquet_wire::message::ToWorker::Finish) or goes away.
///
/// # Errors
///
/// Whatever ends a worker early, for its last line on standard error.
pub fn run(coordinator: i32) -> Result<(), WorkerError> {
    die_with(coordinator)?;
    be_killable()?;
    let input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let output = take_stdout()?;
    // It stays open until this process has ended, so that to the coordinator the pipe's end is the process's, and what is
    // said on standard error before it is heard.
    let _kept = output.try_clone()?.into_raw_fd();
    serve(input, output, inherited)
}

/// Asks the kernel to kill this process when the coordinator dies. End of file on the pipe says it too, but not to a
/// worker that is busy.
fn die_with(coordinator: i32) -> Result<(), WorkerError> {
    set_pdeathsig(Signal::SIGKILL).map_err(io::Error::from)?;
    // It may have died before the request was made.
    match getppid().as_raw() == coordinator {
        true => Ok(()),
        false => Err(WorkerError::Orphan),
    }
}

/// Lets this process be ended by any signal. It inherits the coordinator's mask, which keeps those that stop a run from
/// all threads but one.
fn be_killable() -> io::Result<()> {
    Ok(SigSet::empty().thread_set_mask()?)
}

/// Takes the pipe that is standard output and leaves standard error in its place, so that a stray print cannot
/// corrupt a frame.
fn take_stdout() -> io::Result<File> {
    let output = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    dup2_stdout(io::stderr())?;
    Ok(output)
}

/// The descriptor `number`, which the coordinator let this process inherit.
fn inherited(number: RawFd) -> io::Result<File> {
    if number <= STDERR_FILENO {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("descriptor {number} is not for sources"),
        ));
    }
    // SAFETY: the borrow ends with this statement, in which nothing closes a descriptor; whether it is open at all is
    // for the kernel to say.
    let source = unsafe { BorrowedFd::borrow_raw(number) }.try_clone_to_owned()?;
    Ok(File::from(source))
}

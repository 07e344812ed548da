//! What makes a process a worker.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, IntoRawFd};

use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{SigSet, Signal};
use nix::unistd::{dup2_stdout, getppid};

use tarquet_wire::source;
use tarquet_wire::start::Start;

use crate::serve::{NextSource, WorkerError, serve};
use crate::{descriptors, limits, sandbox};

/// Makes this process the worker that `start` says, and serves the coordinator over standard input and output until it
/// says [`Finish`](tarquet_wire::message::ToWorker::Finish) or goes away.
///
/// It leaves at once when it holds a descriptor that it was not told of. Before it reads the first byte, it has taken on its
/// limits and has locked itself in, as far as `start` demands it and the system lets it.
///
/// # Errors
///
/// Whatever ends a worker early, for its last line on standard error.
pub fn run(start: &Start) -> Result<(), WorkerError> {
    die_with(start.coordinator)?;
    limits::be_taken_first();
    let declared = &start.inherited;
    // Before this process opens anything itself.
    descriptors::check(declared)?;
    be_killable().map_err(setup("unblock signals"))?;
    let input = io::stdin().as_fd().try_clone_to_owned();
    let input = File::from(input.map_err(setup("take its standard input"))?);
    let output = take_stdout().map_err(setup("take its standard output"))?;
    // It stays open until this process has ended, so that to the coordinator the pipe's end is the process's, and what
    // is said on standard error before it is heard.
    let _kept = output
        .try_clone()
        .map_err(setup("keep its standard output"))?
        .into_raw_fd();
    limits::hold_memory(start.memory)?;
    let sandbox = sandbox::enter(start.sandbox)?;
    serve(input, output, sandbox, |hello| {
        let socket = descriptors::sources(hello.sources, declared)?;
        Ok(Box::new(move || {
            let (id, descriptor) = source::receive(&socket)?;
            Ok((id, File::from(descriptor)))
        }) as NextSource<File>)
    })
}

fn setup(what: &'static str) -> impl Fn(io::Error) -> WorkerError {
    move |error| WorkerError::Setup { what, error }
}

/// Asks the kernel to kill this process when the coordinator dies. End of file on the pipe says it too, but not to a
/// worker that is busy.
fn die_with(coordinator: u32) -> Result<(), WorkerError> {
    set_pdeathsig(Signal::SIGKILL).map_err(|errno| setup("tie its life to the coordinator's")(errno.into()))?;
    // It may have died before the request was made.
    match u32::try_from(getppid().as_raw()) == Ok(coordinator) {
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

//! File system calls that fail on demand: in builds with the feature `failpoints` alone, for tests.
//!
//! The environment variable `TARQUET_FAILPOINT` holds one failpoint, `<op>:<n>:<fault>`: the `n`th call (from 1, counted
//! over all threads of the process) of the kind `<op>` goes wrong, once.
//!
//! | op | calls |
//! |---|---|
//! | `open` | opening a file or directory, creating a file, a second handle of one |
//! | `write` | writing to a file, cutting it |
//! | `fsync` | of a file or a directory |
//! | `rename` | rename, link |
//! | `mkdir` | creating a directory |
//! | `unlink` | removing a file or a directory |
//! | `read` | reading a file, moving in it, listing a directory, looking at either |
//! | `any` | all of them |
//!
//! | fault | what happens |
//! |---|---|
//! | `EIO`, `ENOSPC`, `EINVAL`, `EINTR` | the call fails with this error and does nothing |
//! | `short` | a write or a read takes half of its bytes, at least one; other calls go well |
//! | `kill` | the process kills itself (SIGKILL) before the call |
//! | `kill-after` | the same, after the call went well |
//! | `stall` | the call waits until someone opens the FIFO named by `TARQUET_FAILPOINT_FIFO` for writing |
//! | `crash` | this call and every later one fails: for this process the file system stays as it is, as if it had been killed |
//!
//! A call that was interrupted and is made again counts again. A failpoint that cannot be read is a panic: a test that
//! misspells it would pass for nothing.
//!
//! Inside a test, [`arm`] does the same as the environment, and [`Armed::on_fsync`] tells what is durable.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::errno::Errno;
use nix::sys::signal::{Signal, raise};

use crate::files::Op;

/// The variable that holds a failpoint.
pub const FAILPOINT: &str = "TARQUET_FAILPOINT";

/// The variable that names the FIFO of a `stall`.
pub const FAILPOINT_FIFO: &str = "TARQUET_FAILPOINT_FIFO";

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Error(Errno),
    Short,
    Kill,
    KillAfter,
    Stall,
    Crash,
}

/// A failpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Failpoint {
    /// `None` for any.
    op: Option<Op>,
    number: u64,
    fault: Fault,
}

/// What the process knows about its failpoint.
struct State {
    failpoint: Option<Failpoint>,
    /// Calls of the failpoint's kind so far.
    calls: u64,
    crashed: bool,
    on_fsync: Option<Observer>,
}

/// Gets every file and directory whose fsync went well.
type Observer = Box<dyn FnMut(&File) + Send>;

static STATE: Mutex<Option<State>> = Mutex::new(None);

/// Who has armed a failpoint, one at a time.
static ARMED: Mutex<()> = Mutex::new(());

/// A failpoint that is armed in this process until this is dropped.
#[derive(Debug)]
pub struct Armed {
    _alone: MutexGuard<'static, ()>,
}

/// Arms a failpoint, written as in the environment, and starts to count. Waits while another is armed, so tests that
/// all hold one are alone with the count; others in the same process would be counted too.
///
/// # Panics
///
/// If `failpoint` is none.
pub fn arm(failpoint: &str) -> Armed {
    let failpoint = parse(failpoint);
    let alone = ARMED.lock().unwrap_or_else(PoisonError::into_inner);
    *state() = Some(State::new(Some(failpoint)));
    Armed { _alone: alone }
}

impl Armed {
    /// How many calls of the failpoint's kind there were.
    pub fn calls(&self) -> u64 {
        state().as_ref().map_or(0, |state| state.calls)
    }

    /// Calls `observer` with each file and directory from now on that was made durable, before anything else happens.
    pub fn on_fsync(&self, observer: impl FnMut(&File) + Send + 'static) {
        if let Some(state) = state().as_mut() {
            state.on_fsync = Some(Box::new(observer));
        }
    }
}

impl Drop for Armed {
    fn drop(&mut self) {
        *state() = Some(State::new(None));
    }
}

/// Makes one call, unless its failpoint says otherwise.
pub(crate) fn at_point<T>(op: Op, len: usize, run: &mut impl FnMut(usize) -> io::Result<T>) -> io::Result<T> {
    match next(op) {
        None => run(len),
        Some(Fault::Error(errno)) => Err(errno.into()),
        Some(Fault::Short) => run(len.div_ceil(2)),
        Some(Fault::Kill) => die(),
        Some(Fault::KillAfter) => run(len).map(|_| die()),
        Some(Fault::Stall) => {
            stall();
            run(len)
        }
        Some(Fault::Crash) => Err(io::Error::other("a simulated crash")),
    }
}

/// Tells whoever wants to know that a file or directory is durable.
pub(crate) fn synced(file: &File) {
    if let Some(observer) = state().as_mut().and_then(|state| state.on_fsync.as_mut()) {
        observer(file);
    }
}

/// Counts a call, and says what is to happen to it.
fn next(op: Op) -> Option<Fault> {
    let mut state = state();
    let state = state.get_or_insert_with(|| State::new(std::env::var(FAILPOINT).ok().map(|text| parse(&text))));
    if state.crashed {
        return Some(Fault::Crash);
    }
    let failpoint = state.failpoint?;
    if failpoint.op.is_some_and(|wanted| wanted != op) {
        return None;
    }
    state.calls += 1;
    if state.calls != failpoint.number {
        return None;
    }
    state.crashed = failpoint.fault == Fault::Crash;
    Some(failpoint.fault)
}

impl State {
    fn new(failpoint: Option<Failpoint>) -> State {
        State {
            failpoint,
            calls: 0,
            crashed: false,
            on_fsync: None,
        }
    }
}

fn state() -> MutexGuard<'static, Option<State>> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn die() -> ! {
    raise(Signal::SIGKILL).expect("a process may kill itself");
    unreachable!("a process that killed itself")
}

fn stall() {
    let fifo = std::env::var_os(FAILPOINT_FIFO).map(PathBuf::from);
    let fifo = fifo.unwrap_or_else(|| panic!("a stall needs {FAILPOINT_FIFO}"));
    // Opening a FIFO for reading waits for a writer (fifo(7)).
    File::open(&fifo).unwrap_or_else(|error| panic!("cannot open {}: {error}", fifo.display()));
}

fn parse(text: &str) -> Failpoint {
    text.parse()
        .unwrap_or_else(|why| panic!("{FAILPOINT} is {text:?}: {why}"))
}

impl FromStr for Failpoint {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Failpoint, Self::Err> {
        let mut fields = text.split(':');
        let (Some(op), Some(number), Some(fault), None) = (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return Err("it is not <op>:<n>:<fault>");
        };
        Ok(Failpoint {
            op: parse_op(op)?,
            number: number.parse().map_err(|_| "<n> is no number")?,
            fault: parse_fault(fault)?,
        })
    }
}

fn parse_op(text: &str) -> Result<Option<Op>, &'static str> {
    Ok(Some(match text {
        "any" => return Ok(None),
        "open" => Op::Open,
        "write" => Op::Write,
        "fsync" => Op::Fsync,
        "rename" => Op::Rename,
        "mkdir" => Op::Mkdir,
        "unlink" => Op::Unlink,
        "read" => Op::Read,
        _ => return Err("<op> is none of any, open, write, fsync, rename, mkdir, unlink, read"),
    }))
}

fn parse_fault(text: &str) -> Result<Fault, &'static str> {
    Ok(match text {
        "EIO" => Fault::Error(Errno::EIO),
        "ENOSPC" => Fault::Error(Errno::ENOSPC),
        "EINVAL" => Fault::Error(Errno::EINVAL),
        "EINTR" => Fault::Error(Errno::EINTR),
        "short" => Fault::Short,
        "kill" => Fault::Kill,
        "kill-after" => Fault::KillAfter,
        "stall" => Fault::Stall,
        "crash" => Fault::Crash,
        _ => return Err("<fault> is none of EIO, ENOSPC, EINVAL, EINTR, short, kill, kill-after, stall, crash"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failpoints_are_read_strictly() {
        let sound: Failpoint = "fsync:3:EIO".parse().expect("sound");
        let expected = Failpoint {
            op: Some(Op::Fsync),
            number: 3,
            fault: Fault::Error(Errno::EIO),
        };
        assert_eq!(sound, expected);
        assert_eq!("any:1:kill-after".parse::<Failpoint>().expect("sound").op, None);
        for bad in [
            "",
            "any",
            "any:1",
            "any:x:EIO",
            "any:1:EPERM",
            "chmod:1:EIO",
            "any:1:EIO:2",
        ] {
            assert!(bad.parse::<Failpoint>().is_err(), "{bad}");
        }
    }
}

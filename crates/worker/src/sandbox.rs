//! How a worker locks itself in: what parses a hostile archive can compute and talk to the coordinator, and nothing else.
//!
//! Three layers, each of which would do for most of it:
//!
//! - `no_new_privs`: nothing that this process could ever start has more rights than it has;
//! - a Landlock [domain] in which no path may be used for anything, no port of TCP or UDP, and no signal and no abstract
//!   socket reaches out of it;
//! - two seccomp [filters](filter): calls that look something up by a path give EACCES, so that a C library that would
//!   like to look at something goes on without; of all others, those on a [list](calls) are let through, and the rest ends
//!   the process, which [says](trap) which one it was.
//!
//! Nor does the kernel write a core file for it. All of it is set once, while the process has one thread, and before it reads a byte from anybody. Nothing takes it away
//! again: the kernel only ever lets a process be restricted further.

mod calls;
mod domain;
mod filter;
mod trap;

use std::fs;
use std::io;

use nix::sys::prctl::set_no_new_privs;
use nix::sys::resource::{Resource, setrlimit};
use tarquet_wire::sandbox::{Demand, Held};
use thiserror::Error;

#[cfg(feature = "failpoints")]
use crate::failpoints;
use crate::serve::WorkerError;

/// Where the kernel lists the threads of this process.
const THREADS: &str = "/proc/self/task";

/// Why a part of the sandbox is not to be had.
#[derive(Debug, Error)]
enum Lack {
    /// The system refuses to bind a process to its rights.
    #[error("no no_new_privs ({0})")]
    NoNewPrivs(nix::Error),
    /// There is no Landlock.
    #[error(
        "no Landlock ({0}): it needs Linux 5.13 with CONFIG_SECURITY_LANDLOCK, `landlock` among the kernel's lsm= and, in a \
         container, a seccomp profile that lets its system calls through"
    )]
    Landlock(io::Error),
    /// The ruleset cannot be made or taken on.
    #[error("no Landlock ({0})")]
    Ruleset(#[from] ::landlock::RulesetError),
    /// Landlock is too old to do all that is wanted of it.
    #[error(
        "Landlock is of ABI {0}, which leaves signals and sockets to seccomp: all of it needs ABI {full} (Linux 6.12)",
        full = domain::ABI_IN_FULL
    )]
    OldLandlock(u32),
    /// There are no filters of system calls, or the system refuses them.
    #[error(
        "no seccomp ({0}): it needs CONFIG_SECCOMP_FILTER and, in a container, a profile that lets seccomp(2) through"
    )]
    Seccomp(io::Error),
    /// A filter cannot be made or taken on.
    #[error("no seccomp ({0})")]
    Filter(#[from] seccompiler::Error),
}

/// What workers would lack if they locked themselves in here, each a clause for people. Nothing is changed by asking; a
/// system can still refuse what it says that it has.
pub fn lacks() -> Vec<String> {
    let lacks = [domain::check().err(), filter::check().err()];
    lacks.into_iter().flatten().map(|lack| lack.to_string()).collect()
}

/// Locks this process in as far as the system lets it, unless it is not to, and says what holds.
///
/// # Errors
///
/// [`WorkerError::Threads`] where it has another thread, which would stay free.
pub(crate) fn enter(demand: Demand) -> Result<Held, WorkerError> {
    if demand == Demand::Off {
        return Ok(Held::default());
    }
    check_that_it_is_alone()?;
    leave_no_core()?;
    let privileges = set_no_new_privs().map_err(Lack::NoNewPrivs);
    let landlock = domain::enter();
    let old = landlock.as_ref().ok().filter(|abi| **abi < domain::ABI_IN_FULL);
    let old = old.map(|abi| Lack::OldLandlock(*abi));
    #[cfg(feature = "failpoints")]
    if failpoints::landlock_alone() {
        return Ok(Held::default());
    }
    // From here on nothing can be looked up.
    let seccomp = filter::enter();
    let mut held = Held {
        landlock: landlock.as_ref().ok().copied(),
        seccomp: seccomp.is_ok(),
        lacks: Vec::new(),
    };
    let lacks = [privileges.err(), landlock.err(), old, seccomp.err()];
    held.lacks
        .extend(lacks.into_iter().flatten().map(|lack| lack.to_string()));
    Ok(held)
}

/// Has the kernel write no file when this process crashes: it would be one that the process made.
fn leave_no_core() -> Result<(), WorkerError> {
    setrlimit(Resource::RLIMIT_CORE, 0, 0).map_err(|errno| WorkerError::Setup {
        what: "do without a core file",
        error: errno.into(),
    })
}

/// Refuses to lock one thread in while others stay free.
fn check_that_it_is_alone() -> Result<(), WorkerError> {
    let threads = fs::read_dir(THREADS).map_err(|error| WorkerError::Setup {
        what: "count its threads",
        error,
    })?;
    match threads.count() {
        1 => Ok(()),
        count => Err(WorkerError::Threads { count }),
    }
}

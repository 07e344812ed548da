//! What a worker may take of the machine.

use std::fs;
use std::io;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::serve::WorkerError;

/// The highest `oom_score_adj` there is (proc(5)).
const TAKEN_FIRST: &str = "1000";

/// Makes the kernel, when memory runs out, take this process before the coordinator. Raising the score needs no
/// privilege; where it cannot be raised all the same, the worker works without.
pub(crate) fn be_taken_first() {
    fs::write("/proc/self/oom_score_adj", TAKEN_FIRST).ok();
}

/// Lets this process have at most so many bytes of data, for good: an allocation beyond them fails and ends it. A
/// lower limit that is there already, and cannot be raised, stays.
///
/// It is the limit on data (`RLIMIT_DATA`: heap and private writable mappings, since Linux 4.7), not on address space,
/// which says little of what is used: a reserved range or a mapped file costs nothing.
///
/// # Errors
///
/// [`WorkerError::Memory`] for less than what is in use already, which the kernel would take without a word.
pub(crate) fn hold_memory(limit: u64) -> Result<(), WorkerError> {
    let used = data_in_use().map_err(|error| WorkerError::Setup {
        what: "see how much memory it uses",
        error,
    })?;
    if used > limit {
        return Err(WorkerError::Memory { limit, used });
    }
    let lowered = getrlimit(Resource::RLIMIT_DATA).and_then(|(_, hard)| {
        let limit = limit.min(hard);
        setrlimit(Resource::RLIMIT_DATA, limit, limit)
    });
    lowered.map_err(|errno| WorkerError::Setup {
        what: "limit its memory",
        error: errno.into(),
    })
}

/// What counts against the limit now, in bytes: `VmData` of proc_pid_status(5).
fn data_in_use() -> io::Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let field = status.lines().find_map(|line| line.strip_prefix("VmData:"));
    let kib = field.and_then(|field| field.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    let error = || io::Error::new(io::ErrorKind::InvalidData, "/proc/self/status has no VmData in kB");
    kib.map(|kib| kib << 10).ok_or_else(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_allocated_is_in_use() {
        const MIB: usize = 1 << 20;
        let held = vec![1_u8; 64 * MIB];
        let used = data_in_use().unwrap();
        assert!(used >= held.len() as u64, "{used}");
    }

    #[test]
    fn less_than_is_in_use_is_refused() {
        match hold_memory(4096) {
            Err(WorkerError::Memory { limit: 4096, used }) => assert!(used > 4096),
            other => panic!("{other:?}"),
        }
    }
}

//! The descriptors that a worker holds: the standard three, those it was told of, and no others.
#![expect(unsafe_code, reason = "an inherited descriptor is known by its number alone")]

use std::fs;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd, RawFd};

use crate::serve::WorkerError;

/// Where the kernel lists this process's descriptors.
const LISTING: &str = "/proc/self/fd";

/// The last of the standard descriptors.
const STDERR_FILENO: RawFd = 2;

/// Refuses to go on with a descriptor that is not standard or `declared`: whatever else was inherited is not a worker's
/// to hold. The end of another worker's pipe, for one, would keep the coordinator from seeing that one end.
///
/// # Errors
///
/// [`WorkerError::Descriptor`] for the first that is too many.
pub(crate) fn check(declared: &[RawFd]) -> Result<(), WorkerError> {
    let setup = |error| WorkerError::Setup {
        what: "list its descriptors",
        error,
    };
    let mut held = list().map_err(setup)?;
    held.sort_unstable();
    for number in held {
        if number <= STDERR_FILENO || declared.contains(&number) {
            continue;
        }
        // The listing's own is closed by now.
        match fs::read_link(format!("{LISTING}/{number}")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(setup(error)),
            Ok(refers_to) => return Err(WorkerError::Descriptor { number, refers_to }),
        }
    }
    Ok(())
}

/// The numbers of the open descriptors, that of the listing itself among them.
fn list() -> io::Result<Vec<RawFd>> {
    let number = |entry: io::Result<fs::DirEntry>| {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.parse().ok());
        number.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "a descriptor without a number"))
    };
    fs::read_dir(LISTING)?.map(number).collect()
}

/// The socket for sources behind a descriptor.
///
/// # Errors
///
/// [`WorkerError::Undeclared`] for one that is not `declared`, [`WorkerError::Setup`] for one that is not open.
pub(crate) fn sources(number: RawFd, declared: &[RawFd]) -> Result<OwnedFd, WorkerError> {
    if number <= STDERR_FILENO || !declared.contains(&number) {
        return Err(WorkerError::Undeclared { number });
    }
    // SAFETY: the borrow ends with this statement, in which nothing closes a descriptor; whether it is open at all is
    // for the kernel to say.
    let socket = unsafe { BorrowedFd::borrow_raw(number) }.try_clone_to_owned();
    socket.map_err(|error| WorkerError::Setup {
        what: "take the socket for its sources",
        error,
    })
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;

    use super::*;

    #[test]
    fn only_what_is_declared_is_taken() {
        let file = tempfile::tempfile().unwrap();
        let number = file.as_raw_fd();
        assert!(sources(number, &[number]).is_ok());
        for (number, declared) in [(number, vec![]), (number, vec![number + 1]), (0, vec![0]), (-1, vec![])] {
            let error = sources(number, &declared).unwrap_err();
            assert!(matches!(error, WorkerError::Undeclared { .. }), "{error}");
        }
    }
}

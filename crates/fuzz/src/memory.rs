//! Files that are only in memory.

use std::fs::File;
use std::os::unix::fs::FileExt;

use nix::sys::memfd::{MFdFlags, memfd_create};

/// A file of these bytes, which is read from its start.
pub(crate) fn in_memory(bytes: &[u8]) -> File {
    let file = memfd_create("tarquet-fuzz", MFdFlags::MFD_CLOEXEC).expect("a file in memory");
    let file = File::from(file);
    file.write_all_at(bytes, 0).expect("room for the bytes");
    file
}

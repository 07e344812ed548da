//! The tar formats: v7, ustar, GNU and PAX, from header blocks to entries.
//!
//! Sources: POSIX.1-2017, pax, "EXTENDED DESCRIPTION"; GNU tar manual, "Basic Tar Format"; star(5) for the common
//! ground of the dialects. The fields' places come from `tar::Header`; the walk over entries and PAX records is ours.

mod entries;
mod header;
mod metadata;
mod pax;

pub(crate) use entries::{Entries, Start};
pub(crate) use header::{BLOCK, Block, classify};

/// The most bytes that the metadata headers of one member (PAX headers, GNU long names) may have together: 1 MiB.
pub const METADATA_LIMIT: u64 = 1024 * 1024;

/// The longest name, in bytes, that a global PAX header may give to every member behind it: that of Linux's longest path. A
/// longer one would cost its length for each header block, of which a small file can hold millions.
pub const GLOBAL_NAME_LIMIT: usize = 4096;

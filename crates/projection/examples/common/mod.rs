//! Archives as `cargo xtask sample` writes them: regular files in ustar, no long names.

use std::error::Error;

/// When a projector is flushed, in bytes of rows, as a worker would flush it.
pub(crate) const FLUSH_BYTES: usize = 1 << 20;

/// Why an archive is not read.
pub(crate) const NOT_A_SAMPLE: &str = "this is not a tar as `cargo xtask sample` writes it";

/// What a member's header says.
pub(crate) struct Header<'a> {
    /// The member's name.
    pub(crate) name: &'a str,
    /// The length of its content in bytes.
    pub(crate) size: usize,
    /// How far it is from the content's start to the next header.
    pub(crate) room: usize,
}

impl<'a> Header<'a> {
    /// Reads a header block (POSIX.1-2017, pax, "ustar Interchange Format"); `None` at the end of the archive.
    pub(crate) fn read(block: &'a [u8; 512]) -> Option<Result<Self, Box<dyn Error>>> {
        (block[0] != 0).then(|| {
            let name = block[..100].split(|byte| *byte == 0).next().unwrap_or_default();
            let size = usize::from_str_radix(std::str::from_utf8(&block[124..135])?, 8)?;
            // Both say a regular file.
            if !matches!(block[156], b'0' | 0) {
                return Err(NOT_A_SAMPLE.into());
            }
            Ok(Self {
                name: std::str::from_utf8(name)?,
                size,
                room: size.next_multiple_of(block.len()),
            })
        })
    }
}

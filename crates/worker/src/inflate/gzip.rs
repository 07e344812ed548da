//! gzip (RFC 1952): one member after the other, then nothing, or zeros.

use flate2::{Decompress, FlushDecompress, Status};

use super::{Format, InflateError, Room};

/// The first two bytes of every gzip member.
pub(super) const MAGIC: [u8; 2] = [0x1F, 0x8B];

/// The base-2 logarithm of the largest window that deflate has (RFC 1951, section 2).
const WINDOW_BITS: u8 = 15;

/// The decompressor, once it was needed.
#[derive(Debug, Default)]
pub(super) struct Gunzip {
    decompress: Option<Decompress>,
}

impl Gunzip {
    /// Inflates gzip members, of which there is at least the beginning of one.
    pub(super) fn inflate(&mut self, compressed: &[u8], room: &mut Room<'_>) -> Result<(), InflateError> {
        let mut at = 0;
        loop {
            at = self.member(compressed, at, room)?;
            let rest = &compressed[at..];
            if !(rest.starts_with(&MAGIC) || rest == &MAGIC[..1]) {
                return check_padding(rest, at);
            }
        }
    }

    /// Inflates the member that begins at `at`, and gives where it ends.
    fn member(&mut self, compressed: &[u8], mut at: usize, room: &mut Room<'_>) -> Result<usize, InflateError> {
        let decompress = match &mut self.decompress {
            Some(decompress) => {
                // With the header that it was made for, which is gzip's.
                decompress.reset(true);
                decompress
            }
            none => none.insert(Decompress::new_gzip(WINDOW_BITS)),
        };
        loop {
            let free = room.free()?;
            let most = free.len();
            let before = (decompress.total_in(), decompress.total_out());
            let result = decompress.decompress(&compressed[at..], free, FlushDecompress::None);
            // Both are within the slices.
            let eaten = (decompress.total_in() - before.0) as usize;
            let given = (decompress.total_out() - before.1) as usize;
            at += eaten;
            room.advance(given);
            match result {
                Ok(Status::StreamEnd) => return Ok(at),
                Ok(_) if at == compressed.len() && given < most => {
                    let (format, at) = (Format::Gzip, at as u64);
                    return Err(InflateError::Cut { format, at });
                }
                Ok(_) if eaten + given > 0 => {}
                Ok(_) => return Err(corrupt(at, "no progress is possible")),
                Err(error) => return Err(corrupt(at, error.message().unwrap_or("it is no gzip data"))),
            }
        }
    }
}

fn corrupt(at: usize, what: &str) -> InflateError {
    InflateError::CorruptGzip {
        at: at as u64,
        what: what.to_owned(),
    }
}

/// Checks that nothing but zeros follows the last member, as gzip itself allows.
fn check_padding(rest: &[u8], at: usize) -> Result<(), InflateError> {
    let garbage = rest.iter().position(|&byte| byte != 0);
    garbage.map_or(Ok(()), |position| {
        Err(InflateError::TrailingGarbage {
            format: Format::Gzip,
            at: (at + position) as u64,
        })
    })
}

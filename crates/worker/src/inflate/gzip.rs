//! gzip (RFC 1952): one member after the other, then nothing, or zeros.

use flate2::{Decompress, FlushDecompress, Status};

use super::{Format, InflateError, Next, Pumped};

/// The first two bytes of every gzip member.
pub(super) const MAGIC: [u8; 2] = [0x1F, 0x8B];

/// The base-2 logarithm of the largest window that deflate has (RFC 1951, section 2).
const WINDOW_BITS: u8 = 15;

/// The decompressor, once it was needed, and what it is at.
#[derive(Debug, Default)]
pub(super) struct Gunzip {
    decompress: Option<Decompress>,
    phase: Phase,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Before a gzip member, or behind the last one.
    #[default]
    Between,
    /// Inside one.
    Member,
    /// Behind the last one.
    Padding,
}

impl Gunzip {
    /// Forgets what it was at: other compressed bytes follow.
    pub(super) fn begin(&mut self) {
        self.phase = Phase::Between;
    }

    /// Goes on with `input`, the first byte of which is at `at`; nothing comes behind it if it `is_last`.
    pub(super) fn pump(
        &mut self,
        input: &[u8],
        at: u64,
        is_last: bool,
        out: &mut [u8],
    ) -> Result<Pumped, InflateError> {
        match self.phase {
            Phase::Between if input.len() < MAGIC.len() && !is_last => Ok(Pumped::hungry()),
            Phase::Between => {
                let is_member = input.starts_with(&MAGIC) || input == &MAGIC[..1];
                if is_member {
                    self.reset();
                }
                self.phase = if is_member { Phase::Member } else { Phase::Padding };
                Ok(Pumped::default())
            }
            Phase::Member => self.member(input, at, is_last, out),
            Phase::Padding => {
                check_padding(input, at)?;
                Ok(Pumped {
                    eaten: input.len(),
                    given: 0,
                    next: if is_last { Next::Done } else { Next::Hungry },
                })
            }
        }
    }

    fn reset(&mut self) {
        match &mut self.decompress {
            Some(decompress) => decompress.reset(true),
            none => *none = Some(Decompress::new_gzip(WINDOW_BITS)),
        }
    }

    fn member(&mut self, input: &[u8], at: u64, is_last: bool, out: &mut [u8]) -> Result<Pumped, InflateError> {
        let decompress = self.decompress.get_or_insert_with(|| Decompress::new_gzip(WINDOW_BITS));
        let before = (decompress.total_in(), decompress.total_out());
        let result = decompress.decompress(input, out, FlushDecompress::None);
        // Both are within the slices.
        let eaten = (decompress.total_in() - before.0) as usize;
        let given = (decompress.total_out() - before.1) as usize;
        let at = at + eaten as u64;
        let next = match result {
            Ok(Status::StreamEnd) => {
                self.phase = Phase::Between;
                Next::Going
            }
            Ok(_) if eaten == input.len() && given < out.len() => {
                if is_last {
                    let format = Format::Gzip;
                    return Err(InflateError::Cut { format, at });
                }
                Next::Hungry
            }
            Ok(_) if eaten + given > 0 => Next::Going,
            Ok(_) => return Err(corrupt(at, "no progress is possible")),
            Err(error) => return Err(corrupt(at, error.message().unwrap_or("it is no gzip data"))),
        };
        Ok(Pumped { eaten, given, next })
    }
}

fn corrupt(at: u64, what: &str) -> InflateError {
    InflateError::CorruptGzip {
        at,
        what: what.to_owned(),
    }
}

/// Checks that nothing but zeros follows the last member, as gzip itself allows.
fn check_padding(rest: &[u8], at: u64) -> Result<(), InflateError> {
    let garbage = rest.iter().position(|&byte| byte != 0);
    garbage.map_or(Ok(()), |position| {
        Err(InflateError::TrailingGarbage {
            format: Format::Gzip,
            at: at + position as u64,
        })
    })
}

//! Inflating members that are compressed themselves: gzip (RFC 1952) and zstd (RFC 8878), told by their first bytes.
//!
//! A compressed member is in memory as a whole, as any other is. What it inflates to goes into one buffer, which is used
//! again, grows as bytes come and never beyond one byte more than a document may have: so a bomb costs its member, and no
//! more memory than a document of the largest size.
//!
//! How far the buffer grows at a time depends on the member alone, not on what the buffer was used for before. So a member
//! that is damaged fails with the same words, at the same byte, whatever was read before it.

mod gzip;
mod stream;
mod zstd;

use std::fmt;

use thiserror::Error;

use crate::buffer::{KEPT_CAPACITY, reserve};
use gzip::Gunzip;
pub(crate) use stream::{Stream, StreamError};
use zstd::Unzstd;

/// What members may be compressed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}

impl Format {
    /// What these bytes are compressed with, if they are. Neither begins as JSON may.
    pub(crate) fn of(content: &[u8]) -> Option<Format> {
        if content.starts_with(&gzip::MAGIC) {
            Some(Format::Gzip)
        } else if zstd::begins_frame(content) {
            Some(Format::Zstd)
        } else {
            None
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Format::Gzip => "gzip",
            Format::Zstd => "zstd",
        })
    }
}

/// Why a compressed member gives no document. Offsets are in its compressed bytes, from 0.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum InflateError {
    #[error("it is compressed with {format} and inflates to more than {most} bytes; --max-document-bytes is {most}")]
    TooLarge { format: Format, most: u64 },
    #[error("the gzip data is corrupt at byte {at}: {what}")]
    CorruptGzip { at: u64, what: String },
    #[error("the zstd data is corrupt in the frame that begins at byte {at}: {what}")]
    CorruptZstd { at: u64, what: &'static str },
    #[error("the {format} data is cut short: it ends at byte {at}, and more has to follow")]
    Cut { format: Format, at: u64 },
    #[error("after the end of the {format} data, at byte {at}, there are other bytes")]
    TrailingGarbage { format: Format, at: u64 },
    #[error(
        "the zstd frame at byte {at} needs a window of {window} bytes; at most {} are used: compress it again, with \
         --long=27 at the most",
        zstd::MAX_WINDOW
    )]
    Window { at: u64, window: u64 },
    #[error("the zstd frame at byte {at} needs dictionary {id}, which is not a part of it: compress it again without")]
    Dictionary { at: u64, id: u32 },
}

impl InflateError {
    /// The word for it in `failed.log`.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too_large",
            Self::CorruptGzip { .. } | Self::CorruptZstd { .. } | Self::Cut { .. } | Self::TrailingGarbage { .. } => {
                "compression"
            }
            Self::Window { .. } | Self::Dictionary { .. } => "unsupported",
        }
    }

    /// Where in the compressed member it is, if it is in one place.
    pub(crate) fn offset(&self) -> Option<u64> {
        match *self {
            Self::TooLarge { .. } => None,
            Self::CorruptGzip { at, .. }
            | Self::CorruptZstd { at, .. }
            | Self::Cut { at, .. }
            | Self::TrailingGarbage { at, .. }
            | Self::Window { at, .. }
            | Self::Dictionary { at, .. } => Some(at),
        }
    }
}

/// What came of a call of a decompressor.
#[derive(Debug, Clone, Copy, Default)]
struct Pumped {
    /// Bytes of the input that are not needed any more.
    eaten: usize,
    /// Bytes of the output that are there.
    given: usize,
    next: Next,
}

impl Pumped {
    /// Nothing came of it: there has to be more input first.
    fn hungry() -> Pumped {
        Pumped {
            next: Next::Hungry,
            ..Pumped::default()
        }
    }
}

/// What comes next.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Next {
    /// It goes on, with or without more input.
    #[default]
    Going,
    /// Nothing without more input.
    Hungry,
    /// Nothing: the compressed bytes are at their end, and were whole.
    Done,
}

/// The decompressors, each made when it is needed first.
#[derive(Debug, Default)]
struct Pumps {
    gunzip: Gunzip,
    unzstd: Unzstd,
}

impl Pumps {
    fn begin(&mut self) {
        self.gunzip.begin();
        self.unzstd.begin();
    }

    /// Goes on with `input`, the first byte of which is at `at` of what is compressed; nothing comes behind it if it
    /// `is_last`. There has to be some room in `out`.
    fn pump(
        &mut self,
        format: Format,
        input: &[u8],
        at: u64,
        is_last: bool,
        out: &mut [u8],
    ) -> Result<Pumped, InflateError> {
        match format {
            Format::Gzip => self.gunzip.pump(input, at, is_last, out),
            Format::Zstd => self.unzstd.pump(input, at, is_last, out),
        }
    }
}

/// Inflates one member after the other.
#[derive(Debug)]
pub(crate) struct Inflater {
    /// What the last one inflated to, and room.
    buffer: Vec<u8>,
    /// The largest document, in bytes.
    most: u64,
    pumps: Pumps,
}

impl Inflater {
    /// For documents of at most `most` bytes.
    pub(crate) fn new(most: u64) -> Inflater {
        Inflater {
            buffer: Vec::new(),
            most,
            pumps: Pumps::default(),
        }
    }

    /// What `compressed` inflates to: all that its gzip members, or its zstd frames, hold together.
    ///
    /// # Errors
    ///
    /// Anything but whole members or frames, whose checksums are right, of no more bytes than a document may have. After
    /// gzip, zeros may follow.
    pub(crate) fn inflate(&mut self, format: Format, compressed: &[u8]) -> Result<&[u8], InflateError> {
        let mut room = Room::new(&mut self.buffer, format, compressed.len(), self.most);
        self.pumps.begin();
        let mut at = 0;
        loop {
            let rest = &compressed[at..];
            let pumped = self.pumps.pump(format, rest, at as u64, true, room.free()?)?;
            at += pumped.eaten;
            room.advance(pumped.given);
            if pumped.next == Next::Done {
                break;
            }
        }
        let filled = room.finish()?;
        Ok(&self.buffer[..filled])
    }

    /// Gives back the memory that only a large member needed.
    pub(crate) fn give_back(&mut self) {
        reserve(&mut self.buffer, 0);
        self.pumps.unzstd.give_back(KEPT_CAPACITY);
    }
}

/// What a member inflates to that begins as gzip or zstd, if it is of at most `most` bytes; or why it fails. For fuzzing.
#[cfg(feature = "fuzzing")]
pub fn inflate_member(content: &[u8], most: u64) -> Option<Result<Vec<u8>, String>> {
    let mut inflater = Inflater::new(most);
    let inflated = inflater.inflate(Format::of(content)?, content);
    Some(inflated.map(<[u8]>::to_vec).map_err(|error| error.to_string()))
}

/// At least so much room is made at once, in bytes.
const LEAST_ROOM: usize = 64 << 10;

/// Room is first made for a document of so many times the compressed length: what JSON often inflates to.
const USUAL_RATIO: usize = 8;

/// Where inflated bytes go: the front of a buffer, which grows behind them.
struct Room<'a> {
    buffer: &'a mut Vec<u8>,
    format: Format,
    /// How many bytes there are.
    filled: usize,
    /// How many there may be before there has to be more room.
    end: usize,
    /// The largest document, in bytes.
    most: u64,
}

impl Room<'_> {
    fn new(buffer: &mut Vec<u8>, format: Format, compressed: usize, most: u64) -> Room<'_> {
        let mut room = Room {
            buffer,
            format,
            filled: 0,
            end: 0,
            most,
        };
        room.grow_to(compressed.saturating_mul(USUAL_RATIO).max(LEAST_ROOM));
        room
    }

    /// The room behind what is there already, never empty.
    ///
    /// # Errors
    ///
    /// There is more already than a document may have.
    fn free(&mut self) -> Result<&mut [u8], InflateError> {
        if self.filled == self.end {
            self.finish()?;
            self.grow_to(self.end.saturating_mul(2));
        }
        Ok(&mut self.buffer[self.filled..self.end])
    }

    /// So many bytes of the room are used.
    fn advance(&mut self, count: usize) {
        self.filled += count;
    }

    /// How many bytes there are now.
    ///
    /// # Errors
    ///
    /// They are more than a document may have.
    fn finish(&self) -> Result<usize, InflateError> {
        let (format, most) = (self.format, self.most);
        match self.filled as u64 > most {
            true => Err(InflateError::TooLarge { format, most }),
            false => Ok(self.filled),
        }
    }

    /// Makes room for `end` bytes, or for one more than a document may have, which is enough to tell.
    fn grow_to(&mut self, end: usize) {
        let most = usize::try_from(self.most.saturating_add(1)).unwrap_or(usize::MAX);
        self.end = end.min(most);
        reserve(self.buffer, self.end);
    }
}

#[cfg(test)]
mod tests;

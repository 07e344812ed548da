//! A gzip stream (RFC 1952) of one or several members, decompressed on demand.
//!
//! What is asked for in pieces of at least [`BUFFER`] bytes is decompressed straight into the caller's memory. Smaller
//! pieces (headers, small members) come out of a buffer, so that they do not cost a call of the decompressor each.
//! Header, CRC-32 and length of every gzip member are checked by the decompressor.

use std::fs::File;
use std::ops::Range;
use std::sync::Arc;

use flate2::{Decompress, FlushDecompress, Status};

use crate::error::DamageKind;
use crate::source::{Fault, Source, read_at_most};

/// Compressed bytes read at once.
const INPUT: usize = 256 * 1024;
/// Decompressed bytes that are buffered ahead of small requests.
const BUFFER: usize = 64 * 1024;
/// The largest window that deflate has, as a power of two (RFC 1951, section 2).
const WINDOW_BITS: u8 = 15;
/// The first two bytes of every gzip member (RFC 1952, section 2.3.1).
const MAGIC: [u8; 2] = [0x1F, 0x8B];

/// A file that is a gzip stream.
pub(crate) struct GzipSource {
    inflater: Inflater,
    buffer: Box<[u8]>,
    /// The part of `buffer` that was not given yet.
    unread: Range<usize>,
    /// How many decompressed bytes were given.
    given: u64,
}

impl GzipSource {
    pub(crate) fn new(file: Arc<File>) -> Self {
        Self {
            inflater: Inflater::new(file),
            buffer: vec![0; BUFFER].into(),
            unread: 0..0,
            given: 0,
        }
    }

    /// Decompresses into the buffer, once it is used up.
    fn refill(&mut self) -> Result<(), Fault> {
        if self.unread.is_empty() {
            self.unread = 0..self.inflater.inflate(&mut self.buffer)?;
        }
        Ok(())
    }

    /// Takes at most `most` bytes from the buffer.
    fn take(&mut self, most: usize) -> &[u8] {
        let start = self.unread.start;
        let end = start + self.unread.len().min(most);
        self.unread.start = end;
        &self.buffer[start..end]
    }
}

impl Source for GzipSource {
    fn fill(&mut self, out: &mut [u8]) -> Result<usize, Fault> {
        let mut filled = 0;
        while filled < out.len() {
            let rest = &mut out[filled..];
            let given = if self.unread.is_empty() && rest.len() >= BUFFER {
                self.inflater.inflate(rest)?
            } else {
                self.refill()?;
                let taken = self.take(rest.len());
                rest[..taken.len()].copy_from_slice(taken);
                taken.len()
            };
            if given == 0 {
                break;
            }
            filled += given;
            self.given += given as u64;
        }
        Ok(filled)
    }

    fn skip(&mut self, count: u64) -> Result<u64, Fault> {
        let mut left = count;
        while left > 0 {
            self.refill()?;
            let taken = self.take(usize::try_from(left).unwrap_or(usize::MAX)).len();
            if taken == 0 {
                break;
            }
            left -= taken as u64;
            self.given += taken as u64;
        }
        Ok(count - left)
    }

    fn position(&self) -> u64 {
        self.given
    }

    fn consumed(&self) -> u64 {
        self.inflater.position()
    }
}

/// The decompressor and the compressed bytes that it eats.
struct Inflater {
    file: Arc<File>,
    /// The offset in the file at which the next input is read.
    read_at: u64,
    input: Box<[u8]>,
    /// The part of `input` that was not eaten yet.
    unread: Range<usize>,
    decompress: Decompress,
    state: State,
}

/// Where in the stream the decompressor stands.
enum State {
    /// Inside a gzip member, its header and trailer included.
    Inside,
    /// After a gzip member, of which there was at least one.
    Between,
    /// In the zeros that may follow the last gzip member.
    Padding,
    /// At the end of the file, and all is well.
    Ended,
    /// Nothing more can be had.
    Broken { at: u64, kind: DamageKind },
}

impl Inflater {
    fn new(file: Arc<File>) -> Self {
        Self {
            file,
            read_at: 0,
            input: vec![0; INPUT].into(),
            unread: 0..0,
            decompress: Decompress::new_gzip(WINDOW_BITS),
            state: State::Inside,
        }
    }

    /// The offset in the file of the next byte to eat.
    fn position(&self) -> u64 {
        self.read_at - self.unread.len() as u64
    }

    /// Decompresses into `out`, which is not empty, until it is full or nothing more is to be had. 0 is the clean end.
    ///
    /// A stream that breaks gives what was there before, and its fault with the next call.
    fn inflate(&mut self, out: &mut [u8]) -> Result<usize, Fault> {
        let mut filled = 0;
        while filled < out.len() {
            match &self.state {
                State::Inside => filled += self.step(&mut out[filled..])?,
                State::Between => self.begin_another()?,
                State::Padding => self.pass_padding()?,
                State::Ended => break,
                State::Broken { .. } if filled > 0 => break,
                State::Broken { at, kind } => {
                    return Err(Fault::Stream {
                        file: *at,
                        kind: kind.clone(),
                    });
                }
            }
        }
        Ok(filled)
    }

    /// One call of the decompressor. Returns how many bytes it gave.
    fn step(&mut self, out: &mut [u8]) -> Result<usize, Fault> {
        if !self.has_input(1)? {
            self.broken(DamageKind::CutGzip);
            return Ok(0);
        }
        let (eaten, given) = (self.decompress.total_in(), self.decompress.total_out());
        let result = self
            .decompress
            .decompress(&self.input[self.unread.clone()], out, FlushDecompress::None);
        let eaten = (self.decompress.total_in() - eaten) as usize;
        let given = (self.decompress.total_out() - given) as usize;
        self.unread.start += eaten;
        match result {
            Ok(Status::StreamEnd) => self.state = State::Between,
            Ok(Status::Ok | Status::BufError) if eaten + given > 0 => {}
            Ok(Status::Ok | Status::BufError) => self.corrupt("no progress is possible"),
            Err(error) => self.corrupt(error.message().unwrap_or("invalid data")),
        }
        Ok(given)
    }

    /// Decides what follows a gzip member: another one, padding, the end, or something that does not belong there.
    fn begin_another(&mut self) -> Result<(), Fault> {
        let two = self.has_input(2)?;
        let head = &self.input[self.unread.clone()];
        if head.is_empty() {
            self.state = State::Ended;
        } else if head.starts_with(&MAGIC) || (!two && head[0] == MAGIC[0]) {
            self.decompress = Decompress::new_gzip(WINDOW_BITS);
            self.state = State::Inside;
        } else {
            self.state = State::Padding;
        }
        Ok(())
    }

    /// Passes over zeros to the end of the file. Anything else among them is damage.
    fn pass_padding(&mut self) -> Result<(), Fault> {
        if !self.has_input(1)? {
            self.state = State::Ended;
            return Ok(());
        }
        let zeros = self.input[self.unread.clone()]
            .iter()
            .take_while(|&&byte| byte == 0)
            .count();
        self.unread.start += zeros;
        if !self.unread.is_empty() {
            self.broken(DamageKind::TrailingGarbage);
        }
        Ok(())
    }

    /// Makes sure of `count` bytes of input. Says whether the file still had them.
    fn has_input(&mut self, count: usize) -> Result<bool, Fault> {
        if self.unread.len() < count {
            self.input.copy_within(self.unread.clone(), 0);
            self.unread = 0..self.unread.len();
        }
        while self.unread.len() < count {
            let space = &mut self.input[self.unread.end..];
            let read = read_at_most(&self.file, space, self.read_at).map_err(|source| Fault::Read {
                offset: self.read_at,
                source,
            })?;
            if read == 0 {
                return Ok(false);
            }
            self.unread.end += read;
            self.read_at += read as u64;
        }
        Ok(true)
    }

    fn corrupt(&mut self, detail: &str) {
        self.broken(DamageKind::Gzip {
            detail: detail.to_owned(),
        });
    }

    fn broken(&mut self, kind: DamageKind) {
        self.state = State::Broken {
            at: self.position(),
            kind,
        };
    }
}

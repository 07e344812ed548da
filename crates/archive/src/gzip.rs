//! A gzip stream (RFC 1952) of one or several members, decompressed on demand.
//!
//! Header, CRC-32 and length of every gzip member are checked by the decompressor.

use std::ops::Range;

use flate2::{Decompress, FlushDecompress, Status};

use crate::error::DamageKind;
use crate::raw::RawBytes;
use crate::source::{Fault, Pull};

/// Compressed bytes read at once.
const INPUT: usize = 256 * 1024;
/// The largest window that deflate has, as a power of two (RFC 1951, section 2).
const WINDOW_BITS: u8 = 15;
/// The first two bytes of every gzip member (RFC 1952, section 2.3.1).
const MAGIC: [u8; 2] = [0x1F, 0x8B];

/// The decompressor and the compressed bytes that it eats.
pub(crate) struct Inflater {
    raw: RawBytes,
    /// How many bytes of the file were read into `input`.
    read: u64,
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

impl Pull for Inflater {
    fn pull(&mut self, out: &mut [u8]) -> Result<usize, Fault> {
        self.inflate(out)
    }

    fn consumed(&self) -> u64 {
        self.position()
    }

    fn settle(&mut self) -> Result<(), Fault> {
        self.raw.settle()
    }
}

impl Inflater {
    pub(crate) fn new(raw: RawBytes) -> Self {
        Self {
            raw,
            read: 0,
            input: vec![0; INPUT].into(),
            unread: 0..0,
            decompress: Decompress::new_gzip(WINDOW_BITS),
            state: State::Inside,
        }
    }

    /// The offset in the file of the next byte to eat.
    fn position(&self) -> u64 {
        self.read - self.unread.len() as u64
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
            Err(error) => self.corrupt(what_is_wrong(error.message().unwrap_or("invalid data"))),
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
            let read = self.raw.pull(&mut self.input[self.unread.end..])?;
            if read == 0 {
                return Ok(false);
            }
            self.unread.end += read;
            self.read += read as u64;
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

/// What is wrong, in words that depend on the stream alone.
///
/// zlib-rs has two loops over the codes of a block, a fast one where there is much input and room, and they say
/// different things, or nothing of use, of the same code. What is said of a damaged archive must not depend on how its
/// bytes came, or on which members were read.
fn what_is_wrong(message: &str) -> &str {
    match message {
        "invalid literal/length code"
        | "invalid distance code"
        | "invalid distance too far back"
        | "invalid distance code too far back"
        | "repeated call with bad state" => "a code inside a block is invalid",
        other => other,
    }
}

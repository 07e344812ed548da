//! The pieces in which a file is decoded.

use std::collections::VecDeque;

use super::deflate::{Decoder, FULL, Halt, Input};
use super::tokens::Tokens;
use crate::prefix::Prefix;
use crate::source::{Fault, Pull};

/// How a file is cut into chunks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    /// The length of a chunk, in bytes.
    pub(super) chunk: usize,
    /// How far decoding may go beyond a chunk's end, in bytes, to come to the end of a block.
    pub(super) beyond: usize,
    /// After how many chunks of which less than half were of use nothing more is expected of threads.
    pub(super) patience: u64,
}

/// A part of the file, and what follows it.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    pub(super) bytes: Vec<u8>,
    /// Where it starts in the file, in bytes.
    pub(super) offset: u64,
    /// The offset in the file of the first bit that is the next chunk's. The last chunk has none.
    pub(super) until: u64,
    /// Whether nothing follows.
    pub(super) is_last: bool,
}

impl Chunk {
    pub(super) fn input(&self) -> Input<'_> {
        Input {
            bytes: &self.bytes,
            offset: self.offset,
        }
    }

    /// The offset in the file of what follows its bytes.
    pub(super) fn end(&self) -> u64 {
        self.offset + self.bytes.len() as u64
    }

    /// Its length in bits, with what follows it.
    pub(super) fn bits(&self) -> u64 {
        self.bytes.len() as u64 * 8
    }
}

/// What was decoded of a chunk, and who goes on.
pub(super) struct Work {
    pub(super) tokens: Tokens,
    pub(super) decoder: Decoder,
    pub(super) halt: Halt,
}

impl Work {
    /// Nothing yet. Who goes on stands where a block, or a gzip member, starts.
    pub(super) fn new(decoder: Decoder) -> Self {
        Self {
            tokens: Tokens::with_room(FULL + (1 << 20)),
            decoder,
            halt: Halt::Boundary,
        }
    }

    /// Decodes anew, from where the decoder stands to the first block or gzip member at or after the file's bit `until`.
    pub(super) fn go_on(&mut self, chunk: &Chunk, until: u64) {
        self.tokens.clear();
        self.halt = self.decoder.run(chunk.input(), until, &mut self.tokens);
    }
}

/// Cuts a file into chunks.
pub(super) struct Cutter<P> {
    raw: P,
    sizes: Sizes,
    /// What follows the last chunk, as far as it was read.
    ahead: Vec<u8>,
    /// Where that starts in the file, in bytes.
    offset: u64,
    ended: bool,
    /// Why nothing more can be read.
    pub(super) fault: Option<Fault>,
    /// Memory of chunks that are done with.
    spare: Vec<Vec<u8>>,
    /// Prefixes of the file behind which hashing can go on, in order.
    prefixes: VecDeque<Prefix>,
}

impl<P: Pull> Cutter<P> {
    /// From where `raw` stands.
    pub(super) fn new(raw: P, sizes: Sizes) -> Self {
        let mut cutter = Self {
            offset: raw.consumed(),
            raw,
            sizes,
            ahead: Vec::new(),
            ended: false,
            fault: None,
            spare: Vec::new(),
            prefixes: VecDeque::new(),
        };
        cutter.note_prefix();
        cutter
    }

    /// The next chunk; `None` after the last. One that cannot be read to its end is the last one.
    pub(super) fn next(&mut self) -> Option<Chunk> {
        if self.ended {
            return None;
        }
        let Sizes { chunk, beyond, .. } = self.sizes;
        let mut bytes = self.spare.pop().unwrap_or_default();
        let known = self.ahead.len();
        bytes.resize(chunk + beyond, 0);
        bytes[..known].copy_from_slice(&self.ahead);
        let filled = known + self.fill(&mut bytes[known..]);
        bytes.truncate(filled);
        let offset = self.offset;
        self.ahead.clear();
        if !self.ended {
            self.ahead.extend_from_slice(&bytes[chunk..]);
            self.offset += chunk as u64;
        }
        Some(Chunk {
            bytes,
            offset,
            until: if self.ended { u64::MAX } else { self.offset * 8 },
            is_last: self.ended,
        })
    }

    /// Fills `out`, unless the file ends or a fault is met.
    fn fill(&mut self, out: &mut [u8]) -> usize {
        let mut filled = 0;
        while filled < out.len() {
            match self.raw.pull(&mut out[filled..]) {
                Ok(read) if read > 0 => {
                    filled += read;
                    self.note_prefix();
                }
                end => {
                    self.fault = end.err();
                    self.ended = true;
                    break;
                }
            }
        }
        filled
    }

    /// Notes the last prefix behind which hashing can go on.
    fn note_prefix(&mut self) {
        let last = self.raw.prefix_before(u64::MAX);
        if last != self.prefixes.back().copied() {
            self.prefixes.extend(last);
        }
    }

    /// The last prefix up to the file's byte `at` behind which hashing can go on. Those before it are forgotten.
    pub(super) fn prefix_before(&mut self, at: u64) -> Option<Prefix> {
        let before = self.prefixes.partition_point(|prefix| prefix.bytes <= at);
        self.prefixes.drain(..before.saturating_sub(1));
        self.prefixes.front().copied().filter(|_| before > 0)
    }

    /// Takes back what a chunk was made of.
    pub(super) fn take_back(&mut self, chunk: Chunk) {
        self.spare.push(chunk.bytes);
    }

    /// What the file is read through.
    pub(super) fn into_raw(self) -> P {
        self.raw
    }

    /// As [`Pull::settle`].
    pub(super) fn settle(&mut self) -> Result<(), Fault> {
        match self.fault.take() {
            Some(fault) => Err(fault),
            None => self.raw.settle(),
        }
    }
}

//! Consecutive frames that one thread decompresses.

use crate::error::{PIECE_BYTES, Place};
use crate::marks::{Mark, Marks};
use crate::prefix::Prefix;
use crate::source::{Fault, Pull};
use crate::zstd::Decoder;

/// Whole frames, in memory.
#[derive(Debug)]
pub(super) struct Batch {
    /// Where it starts in the file, in bytes.
    pub(super) start: u64,
    bytes: Vec<u8>,
    /// How many bytes it may give.
    most: usize,
    /// A prefix of the file that ends before it.
    pub(super) prefix: Option<Prefix>,
    /// How many bytes were read of it.
    read: usize,
}

/// What a batch gives.
pub(super) struct Done {
    /// It begins with so many bytes that the batch gives.
    pub(super) content: Vec<u8>,
    pub(super) len: usize,
    /// The pieces of the file that it comes from, in a stream that begins with it.
    pub(super) marks: Marks,
}

impl Batch {
    pub(super) fn new(start: u64, bytes: Vec<u8>, most: usize, prefix: Option<Prefix>) -> Self {
        Self {
            start,
            bytes,
            most,
            prefix,
            read: 0,
        }
    }

    /// Where it ends in the file, in bytes.
    pub(super) fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }

    /// How many bytes of memory it takes, with what it gives into `content`.
    pub(super) fn weight(&self, content: &Vec<u8>) -> usize {
        self.bytes.len() + self.most.max(content.capacity())
    }

    /// Decompresses it into `content`, or where that is too small into another, with what was used for the one before, if
    /// there was one. `None` where anything is wrong with it.
    pub(super) fn decompress(self, mut content: Vec<u8>, spare: &mut Option<Decoder<Batch>>) -> Option<Done> {
        let most = self.most;
        // The last cut before it, as one who reads in order has it.
        let mark = Mark {
            file: self.start.saturating_sub(1) / PIECE_BYTES * PIECE_BYTES,
            stream: 0,
        };
        let marks = Marks::begin_at(mark, most as u64 + 1);
        let mut decoder = match spare.take() {
            Some(decoder) => decoder.over(self, marks),
            None => Decoder::go_on(self, 0, 0, marks, None),
        };
        // There is room for one byte more, so that the end is seen.
        if content.len() <= most {
            content = vec![0; most + 1];
        }
        let mut len = 0;
        loop {
            match decoder.pull(&mut content[len..=most]) {
                Ok(0) => break,
                Ok(given) if len + given <= most => len += given,
                Ok(_) | Err(_) => return None,
            }
        }
        let marks = decoder.marks.clone();
        *spare = Some(decoder);
        Some(Done { content, len, marks })
    }
}

impl Pull for Batch {
    fn pull(&mut self, out: &mut [u8]) -> Result<usize, Fault> {
        let rest = &self.bytes[self.read..];
        let count = rest.len().min(out.len());
        out[..count].copy_from_slice(&rest[..count]);
        self.read += count;
        Ok(count)
    }

    fn place(&self, at: u64) -> Place {
        Place::in_file(at, None)
    }

    fn consumed(&self) -> u64 {
        self.start + self.read as u64
    }

    fn settle(&mut self) -> Result<(), Fault> {
        Ok(())
    }
}

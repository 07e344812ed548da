//! A buffer between a stream and those who ask for small pieces of it.
//!
//! What is asked for in large pieces comes straight into the caller's memory. Smaller ones (headers, small members) come
//! out of a buffer, so that they do not cost a call of the decompressor, or a system call, each. How much is read into
//! the buffer doubles while small pieces follow one another, and is little after a large one: of what lies between large
//! members, most would only be copied once more.

use std::ops::Range;

use crate::error::Place;
use crate::point::{Point, Spacing};
use crate::source::{Fault, Pull, Source};

/// Bytes that are buffered ahead of small requests, at most.
pub(crate) const BUFFER: usize = 64 * 1024;

/// Bytes that are buffered ahead of the first small request after a large one: a header, and little of a body.
const LEAST: usize = 2 * 1024;

/// A request of so many bytes is a large one.
const LARGE: usize = 16 * 1024;

/// A source over a stream that comes in pieces.
pub(crate) struct Buffered<P> {
    stream: P,
    buffer: Box<[u8]>,
    /// The part of `buffer` that was not given yet.
    unread: Range<usize>,
    /// How much is read into `buffer` next.
    ahead: usize,
    /// How many bytes were given, those before the beginning included.
    given: u64,
}

impl<P: Pull> Buffered<P> {
    pub(crate) fn new(stream: P) -> Self {
        Self::begin_at(stream, 0)
    }

    /// Over a stream that begins behind so many bytes.
    pub(crate) fn begin_at(stream: P, given: u64) -> Self {
        Self {
            stream,
            buffer: vec![0; BUFFER].into(),
            unread: 0..0,
            ahead: LEAST,
            given,
        }
    }

    /// Fills the buffer anew, once it is used up.
    fn refill(&mut self) -> Result<(), Fault> {
        if self.unread.is_empty() {
            self.unread = 0..self.stream.pull(&mut self.buffer[..self.ahead])?;
            self.ahead = BUFFER.min(2 * self.ahead);
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

impl<P: Pull> Source for Buffered<P> {
    fn fill(&mut self, out: &mut [u8]) -> Result<usize, Fault> {
        let mut filled = 0;
        while filled < out.len() {
            let rest = &mut out[filled..];
            let given = if self.unread.is_empty() && rest.len() >= LARGE {
                self.ahead = LEAST;
                self.stream.pull(rest)?
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

    fn place(&self, at: u64) -> Place {
        self.stream.place(at)
    }

    fn consumed(&self) -> u64 {
        self.stream.consumed()
    }

    fn settle(&mut self) -> Result<(), Fault> {
        self.stream.settle()
    }

    fn make_points(&mut self, spacing: Spacing) {
        self.stream.make_points(spacing);
    }

    fn point_before(&mut self, at: u64) -> Option<Point> {
        self.stream.point_before(at)
    }
}

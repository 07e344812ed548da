//! The part of a member's content that is in memory.

use crate::buffer::reserve;

/// A part of some content. The memory is used again for the next.
#[derive(Debug, Default)]
pub(crate) struct Window {
    buffer: Vec<u8>,
    /// How much of the buffer is filled.
    filled: usize,
    /// Where in the content the buffer begins.
    begin: u64,
    /// Whether the content ends with it.
    is_ended: bool,
}

impl Window {
    /// Holds nothing, of other content, from `begin` on.
    pub(crate) fn begin_at(&mut self, begin: u64) {
        (self.filled, self.begin, self.is_ended) = (0, begin, false);
    }

    /// Where in the content it ends.
    pub(crate) fn end(&self) -> u64 {
        self.begin + self.filled as u64
    }

    /// Whether the content ends there.
    pub(crate) fn is_ended(&self) -> bool {
        self.is_ended
    }

    /// All from `at` on, which is in it or its end.
    pub(crate) fn from(&self, at: u64) -> &[u8] {
        &self.buffer[(at - self.begin) as usize..self.filled]
    }

    /// What is from `from` to `to`.
    pub(crate) fn range(&self, from: u64, to: u64) -> &[u8] {
        &self.from(from)[..(to - from) as usize]
    }

    /// Forgets what is before `kept`, and makes room for so many bytes behind the end.
    pub(crate) fn room(&mut self, kept: u64, count: usize) -> &mut [u8] {
        let passed = (kept - self.begin) as usize;
        self.buffer.copy_within(passed..self.filled, 0);
        self.filled -= passed;
        self.begin = kept;
        reserve(&mut self.buffer, self.filled + count);
        &mut self.buffer[self.filled..self.filled + count]
    }

    /// So many bytes of the room are filled; with none the content is at its end.
    pub(crate) fn advance(&mut self, count: usize) {
        self.filled += count;
        self.is_ended = count == 0;
    }
}

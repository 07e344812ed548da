//! Which part of a compressed file a byte of its stream comes from.
//!
//! How far a decompressor has read when it gives a byte depends on how much it was asked for and how its input came. What
//! is told of an archive must not: it goes into logs that are the same for every run. So the file is cut into pieces of
//! [`PIECE_BYTES`], no call of the decompressor reads across a cut before everything is taken that the bytes before it
//! hold, and a byte of the stream comes from the piece that had to be read for it.

use std::collections::VecDeque;

use crate::error::PIECE_BYTES;

/// A cut of the file, and how many bytes of the stream all that is before it gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Mark {
    pub(crate) file: u64,
    pub(crate) stream: u64,
}

/// The cuts behind the decompressor, as many as are still asked for.
#[derive(Clone)]
pub(crate) struct Marks {
    /// Never empty, ascending in both.
    passed: VecDeque<Mark>,
    /// How far before the last mark places are still asked for, in bytes of the stream.
    look_back: u64,
}

impl Marks {
    pub(crate) fn new(look_back: u64) -> Self {
        Self::begin_at(Mark { file: 0, stream: 0 }, look_back)
    }

    /// Behind a cut: for whoever asks for no byte that comes from before it.
    pub(crate) fn begin_at(mark: Mark, look_back: u64) -> Self {
        Self {
            passed: VecDeque::from([mark]),
            look_back,
        }
    }

    /// The cut that was passed last. It is the place of whatever is given next.
    pub(crate) fn last(&self) -> Mark {
        self.passed.back().copied().unwrap_or(Mark { file: 0, stream: 0 })
    }

    /// The offset in the file of the next cut.
    pub(crate) fn next(&self) -> u64 {
        self.last().file + PIECE_BYTES
    }

    /// All that is before the next cut gives this many bytes of the stream.
    pub(crate) fn pass(&mut self, stream: u64) {
        let file = self.next();
        self.add(Mark { file, stream });
    }

    /// Passes the cuts that another one has passed, which went on from here in a stream of its own: it starts behind so
    /// many bytes of this one.
    pub(crate) fn append(&mut self, other: &Marks, before: u64) {
        let last = self.last().file;
        for mark in other.passed.iter().filter(|mark| mark.file > last) {
            self.add(Mark {
                file: mark.file,
                stream: before + mark.stream,
            });
        }
    }

    fn add(&mut self, mark: Mark) {
        let stream = mark.stream;
        // A piece that gave nothing is not where any byte comes from.
        while self.passed.back().is_some_and(|last| last.stream == stream) {
            self.passed.pop_back();
        }
        self.passed.push_back(mark);
        while self
            .passed
            .get(1)
            .is_some_and(|second| second.stream + self.look_back <= stream)
        {
            self.passed.pop_front();
        }
    }

    /// Where the piece starts that the stream's byte `at` comes from.
    pub(crate) fn piece_of(&self, at: u64) -> u64 {
        debug_assert!(
            self.passed.front().is_some_and(|first| first.stream <= at),
            "byte {at} of the stream is further back than was said"
        );
        let before = self.passed.partition_point(|mark| mark.stream <= at);
        before.checked_sub(1).map_or(0, |last| self.passed[last].file)
    }
}

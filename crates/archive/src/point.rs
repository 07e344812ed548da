//! Points of a compressed stream at which decompressing can begin again.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::error::PIECE_BYTES;
use crate::gzip::{Boundary, Sums};
use crate::marks::Mark;
use crate::prefix::{BLOCK, Prefix};

/// Points that are kept until somebody asks for them. Nobody may for long, in a member that is larger than what lies
/// between two points, or behind the end of the archive; then the last ones are those that matter.
const MOST_KEPT: usize = 4;

/// The most bytes that are given for one: a zstd block of four bytes, of which one is repeated, gives 128 KiB. (Deflate gives
/// at most 1,032 for one: four matches of 258 bytes, of a bit for each of their codes.)
const MOST_GIVEN: u64 = (128 << 10) / 4;

/// How far points are apart, at least: both of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spacing {
    /// Bytes of the decompressed stream. It bounds how much is decompressed once more for a start in the middle.
    pub stream: u64,
    /// Bytes of the file. It bounds how much an index of points takes, which are up to 32 KiB each.
    pub file: u64,
}

impl Default for Spacing {
    /// 256 MiB of the stream, which are inflated in a quarter of a second, and 8 MiB of the file: an index has at most
    /// 1/256 of the size of its archive.
    fn default() -> Self {
        Spacing {
            stream: 256 << 20,
            file: 8 << 20,
        }
    }
}

/// A point at which decompressing can begin again, with all that the bytes before it leave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Point {
    /// How many bytes of the file were eaten before it.
    pub(crate) file: u64,
    /// How many bytes of the stream were given before it.
    pub(crate) stream: u64,
    /// Where the piece of the file starts that the next byte comes from.
    pub(crate) mark: Mark,
    /// A prefix of the file that ends at most a block before the point, so that hashing can go on as well.
    pub(crate) prefix: Prefix,
    /// `None` where a gzip member or a zstd frame starts.
    pub(crate) inside: Option<Inside>,
}

/// The middle of a gzip member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Inside {
    pub(crate) boundary: Boundary,
    /// What the member gave before.
    pub(crate) sums: Sums,
}

impl Point {
    /// Whether it can be one: it may come from a file that anybody has written. Beginning at any sound point is safe,
    /// whatever comes of it.
    pub(crate) fn is_sound(&self) -> bool {
        let Point {
            file,
            stream,
            mark,
            prefix,
            inside,
        } = self;
        let is_in_piece = mark.file <= *file && file - mark.file <= PIECE_BYTES && mark.stream <= *stream;
        // Whoever begins there counts back over the bits and the window, and on from the stream's length.
        let is_behind = |inside: &Inside| *file > 0 && inside.boundary.window.len() as u64 <= *stream;
        let is_small = stream / MOST_GIVEN <= *file;
        let is_near = prefix.bytes <= *file && file - prefix.bytes <= 2 * BLOCK && prefix.bytes % BLOCK == 0;
        let is_inside = |inside: &Inside| inside.boundary.is_sound() && is_behind(inside);
        is_in_piece && is_near && is_small && inside.as_ref().is_none_or(is_inside)
    }
}

/// Who decides where points are, and keeps them until they are asked for.
pub(crate) struct Points {
    spacing: Spacing,
    /// Where the last one was, or where reading began: in the file, and in the stream.
    last: (u64, u64),
    kept: VecDeque<Point>,
}

impl Points {
    /// For a stream that begins here, in the file and in the stream.
    pub(crate) fn new(spacing: Spacing, file: u64, stream: u64) -> Points {
        Points {
            spacing,
            last: (file, stream),
            kept: VecDeque::new(),
        }
    }

    /// Whether there should be one as soon as there can be.
    pub(crate) fn is_due(&self, file: u64, stream: u64) -> bool {
        let (last_file, last_stream) = self.last;
        stream - last_stream >= self.spacing.stream && file.saturating_sub(last_file) >= self.spacing.file
    }

    /// Takes the point that is here; `None` where there should be one and it could not be made.
    pub(crate) fn add(&mut self, file: u64, stream: u64, point: Option<Point>) {
        self.last = (file, stream);
        self.kept.extend(point);
        if self.kept.len() > MOST_KEPT {
            self.kept.pop_front();
        }
    }

    /// Gives the last point that has no more than `at` bytes of the stream before it, and forgets those before it.
    pub(crate) fn last_before(&mut self, at: u64) -> Option<Point> {
        let before = self.kept.partition_point(|point| point.stream <= at);
        self.kept.drain(..before).next_back()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point() -> Point {
        Point {
            file: 1000,
            stream: 300,
            mark: Mark { file: 0, stream: 0 },
            prefix: Prefix::default(),
            inside: Some(Inside {
                boundary: Boundary {
                    bits: 7,
                    byte: 255,
                    window: vec![0; 300],
                },
                sums: Sums::default(),
            }),
        }
    }

    #[test]
    fn a_point_that_counts_back_before_the_start_is_none() {
        assert!(point().is_sound());
        assert!(!Point { stream: 299, ..point() }.is_sound(), "the window");
        let at_start = Point {
            file: 0,
            inside: point().inside.map(|mut inside| {
                inside.boundary.window.clear();
                inside
            }),
            stream: 0,
            ..point()
        };
        assert!(!at_start.is_sound(), "the bits");
        assert!(
            Point {
                inside: None,
                ..at_start
            }
            .is_sound()
        );
    }

    #[test]
    fn a_point_behind_more_than_a_file_can_give_is_none() {
        for (stream, is_sound) in [(1000 << 15, true), (1001 << 15, false), (u64::MAX, false)] {
            assert_eq!(Point { stream, ..point() }.is_sound(), is_sound, "{stream}");
        }
    }
}

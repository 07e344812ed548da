//! Beginning a walk in the middle of a compressed file.

use serde::{Deserialize, Serialize};

use crate::archive::Container;
use crate::point::Point;
use crate::prefix::Prefix;
use crate::tar::Start;

/// A place at which a walk over a gzip or zstd file can begin again, so that nothing before it is decompressed: what
/// that needs there, and what the walk over the tar needs at the next header.
///
/// It is made by [`Walk::take_point`](crate::Walk::take_point), and holds for a file that has the same bytes up to there.
/// It is about 32 KiB large inside a gzip member, and tiny where one, or a zstd frame, starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeekPoint {
    pub(crate) point: Point,
    pub(crate) start: Start,
}

impl SeekPoint {
    /// The point in bytes, as [`SeekPoint::decode`] takes it.
    pub fn encode(&self) -> Vec<u8> {
        // Writing to memory fails for nothing that these types are made of.
        postcard::to_allocvec(self).unwrap_or_default()
    }

    /// The point that these bytes are; `None` if they are none. They may come from a file that anybody has written.
    pub fn decode(bytes: &[u8]) -> Option<SeekPoint> {
        let (point, rest) = postcard::take_from_bytes::<SeekPoint>(bytes).ok()?;
        (rest.is_empty() && point.is_sound()).then_some(point)
    }

    /// How many bytes of the file need not be decompressed.
    pub fn file(&self) -> u64 {
        self.point.file
    }

    /// Whether it can be one of an archive that is wrapped so.
    pub(crate) fn fits(&self, container: Container) -> bool {
        match container {
            Container::Tar => false,
            Container::Gzip => true,
            Container::Zstd => self.point.inside.is_none(),
        }
    }

    /// What has to be known of the file for the point to hold.
    pub(crate) fn prefix(&self) -> Prefix {
        self.point.prefix
    }

    fn is_sound(&self) -> bool {
        self.point.is_sound() && self.point.stream <= self.start.header
    }
}

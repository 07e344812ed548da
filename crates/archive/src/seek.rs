//! Beginning a walk in the middle of a gzip file.

use serde::{Deserialize, Serialize};

use crate::gzip::Point;
use crate::prefix::Prefix;
use crate::tar::Start;

/// A place at which a walk over a gzip file can begin again, so that nothing before it is inflated: what inflating needs
/// there, and what the walk over the tar needs at the next header.
///
/// It is made by [`Walk::take_point`](crate::Walk::take_point), and holds for a file that has the same bytes up to there.
/// It is about 32 KiB large.
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

    /// How many bytes of the file need not be inflated.
    pub fn file(&self) -> u64 {
        self.point.file
    }

    /// What has to be known of the file for the point to hold.
    pub(crate) fn prefix(&self) -> Prefix {
        self.point.prefix
    }

    fn is_sound(&self) -> bool {
        self.point.is_sound() && self.point.stream <= self.start.header
    }
}

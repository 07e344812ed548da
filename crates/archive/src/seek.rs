//! Beginning a walk in the middle of a compressed file.

use serde::{Deserialize, Serialize};

use crate::archive::Container;
use crate::point::Point;
use crate::prefix::Prefix;
use crate::tar::{BLOCK, Start};

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
            Container::Tar | Container::Files => false,
            Container::Gzip => true,
            Container::Zstd => self.point.inside.is_none(),
        }
    }

    /// What has to be known of the file for the point to hold.
    pub(crate) fn prefix(&self) -> Prefix {
        self.point.prefix
    }

    fn is_sound(&self) -> bool {
        // Each member has a header of its own.
        let members = self.start.header / BLOCK as u64;
        self.point.is_sound() && self.point.stream <= self.start.header && self.start.index <= members
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::marks::Mark;

    fn point(header: u64, index: u64) -> SeekPoint {
        SeekPoint {
            point: Point {
                file: 1000,
                stream: 1024,
                mark: Mark { file: 0, stream: 0 },
                prefix: Prefix::default(),
                inside: None,
            },
            start: Start {
                header,
                index,
                globals: Default::default(),
            },
        }
    }

    #[test]
    fn a_header_that_cannot_be_there_is_none() {
        for (header, index, is_sound) in [
            (1024, 2, true),
            (1023, 1, false),
            (1024, 3, false),
            (u64::MAX, u64::MAX, false),
        ] {
            let found = SeekPoint::decode(&point(header, index).encode());
            assert_eq!(found.is_some(), is_sound, "member {index} at {header}");
        }
    }
}

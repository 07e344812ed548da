//! A member's content in order, piece by piece: its bytes, or what they inflate to.

use std::io;

use tarquet_wire::message::{Member, Stretch};

use crate::inflate::{Format, Stream, StreamError};
use crate::reader::{MemberReader, Source};

/// How many bytes tell what a member is compressed with.
const MAGIC_BYTES: usize = 4;

/// A member's content, from some place on.
#[derive(Debug)]
pub(crate) struct Content {
    /// Where in the content the next byte is.
    at: u64,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// The extents hold the content itself, from this byte on.
    Plain { begin: u64 },
    /// The extents hold it compressed; so many bytes of them were read.
    Compressed { stream: Box<Stream>, read: u64 },
}

impl Content {
    /// The content of which `stretch` is a part, from byte `from` on, or, where it is compressed, from its beginning.
    ///
    /// # Errors
    ///
    /// What the source gives.
    pub(crate) fn open<S: Source>(
        reader: &MemberReader<S>,
        member: &Member,
        stretch: &Stretch,
        from: u64,
    ) -> io::Result<Content> {
        // Nothing compressed is cut into ranges.
        let format = match stretch.at == 0 && stretch.end == u64::MAX {
            true => format(reader, member)?,
            false => None,
        };
        Ok(match format {
            Some(format) => Content {
                at: 0,
                kind: Kind::Compressed {
                    stream: Box::new(Stream::new(format)),
                    read: 0,
                },
            },
            None => Content {
                at: from,
                kind: Kind::Plain { begin: stretch.at },
            },
        })
    }

    /// Where in the content the next byte is.
    pub(crate) fn at(&self) -> u64 {
        self.at
    }

    /// The next bytes, as many as `out` has room for and as are at hand; none at the end.
    pub(crate) fn read<S: Source>(
        &mut self,
        reader: &MemberReader<S>,
        member: &Member,
        out: &mut [u8],
    ) -> Result<usize, StreamError> {
        let count = match &mut self.kind {
            Kind::Plain { begin } => {
                let read = reader.read_at(member, self.at.saturating_sub(*begin), out);
                read.map_err(StreamError::Source)?
            }
            Kind::Compressed { stream, read } => stream.read(out, &mut |input| {
                let count = reader.read_at(member, *read, input)?;
                *read += count as u64;
                Ok(count)
            })?,
        };
        self.at += count as u64;
        Ok(count)
    }
}

/// What the member is compressed with.
fn format<S: Source>(reader: &MemberReader<S>, member: &Member) -> io::Result<Option<Format>> {
    let mut magic = [0; MAGIC_BYTES];
    let count = reader.read_at(member, 0, &mut magic)?;
    Ok(Format::of(&magic[..count]))
}

//! From a member's extents to its document.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use tarquet_wire::message::{Extent, Failure, Member};
use tarquet_wire::source::SourceId;

use crate::buffer::reserve;
use crate::inflate::{Format, InflateError, Inflater};

/// Something that byte ranges can be read from: an archive, or the spool.
pub trait Source {
    /// Fills `buffer` with the bytes from `offset` on.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::UnexpectedEof`] where the source ends before, else what the system gives.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;
}

impl Source for File {
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        FileExt::read_exact_at(self, buffer, offset)
    }
}

/// Why a member gives no document.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// The member's own fault.
    Member(Failure),
    /// The member is compressed, and what it holds cannot be had.
    Inflate(InflateError),
    /// The source cannot be read any more.
    Source(io::Error),
}

/// Reads members, one at a time or a few together, into one buffer.
#[derive(Debug)]
pub(crate) struct MemberReader<S> {
    /// What extents are ranges of now.
    source: Option<(SourceId, S)>,
    /// What was read, from the front on. It is as long as it ever had to be: bytes that are overwritten need no zeros
    /// before.
    buffer: Vec<u8>,
    /// Which part of the source the buffer begins with, where several members were read together.
    gathered: Range<u64>,
    inflater: Inflater,
}

/// How much may lie between members that are read together, whatever they hold themselves, in bytes.
const LARGE_SPAN: u64 = 1 << 20;

/// Members are read together if no more than this lies between one and the next, in bytes: in a tar, padding and a
/// header at least.
const LARGEST_GAP: u64 = 4096;

impl<S: Source> MemberReader<S> {
    /// Of documents that have at most `max_document_bytes` bytes, once they are inflated.
    pub(crate) fn new(max_document_bytes: u64) -> MemberReader<S> {
        MemberReader {
            source: None,
            buffer: Vec::new(),
            gathered: 0..0,
            inflater: Inflater::new(max_document_bytes),
        }
    }

    /// What is read from now, if there was anything yet.
    pub(crate) fn source(&self) -> Option<SourceId> {
        self.source.as_ref().map(|(id, _)| *id)
    }

    /// Reads from another source from here on.
    pub(crate) fn turn_to(&mut self, id: SourceId, source: S) {
        self.forget();
        self.source = Some((id, source));
    }

    /// Reads what these members have with one call, if they lie close to one another, so that a small one does not cost
    /// a call of its own. What cannot be read so is read with its member, which then is the one to blame.
    pub(crate) fn gather(&mut self, members: &[Member]) {
        self.forget();
        let Some(span) = span(members) else { return };
        let len = (span.end - span.start) as usize;
        reserve(&mut self.buffer, len);
        if read_exact_at(&self.source, &mut self.buffer[..len], span.start).is_ok() {
            self.gathered = span;
        }
    }

    /// The document that is the member's content, or that its content inflates to.
    pub(crate) fn read(&mut self, member: &Member) -> Result<&[u8], ReadError> {
        self.inflater.give_back();
        if let Some(failure) = &member.failed {
            return Err(ReadError::Member(failure.clone()));
        }
        #[cfg(feature = "failpoints")]
        crate::failpoints::strike(&member.name);
        let place = match self.gathered_place(member) {
            Some(place) => place,
            None => self.fill(member).map_err(ReadError::Source)?,
        };
        let content = &self.buffer[place];
        match Format::of(content) {
            Some(format) => self.inflater.inflate(format, content).map_err(ReadError::Inflate),
            None => Ok(content),
        }
    }

    /// Fills `out` with the member's bytes from `offset` on, as far as they go, and says how many these are.
    ///
    /// # Errors
    ///
    /// What the source gives.
    pub(crate) fn read_at(&self, member: &Member, offset: u64, out: &mut [u8]) -> io::Result<usize> {
        let (mut filled, mut before) = (0, 0);
        for extent in &member.extents {
            let passed = (offset + filled as u64).saturating_sub(before);
            before += extent.len;
            let Some(rest) = extent.len.checked_sub(passed).filter(|rest| *rest > 0) else {
                continue;
            };
            let count = usize::try_from(rest).unwrap_or(usize::MAX).min(out.len() - filled);
            let part = &mut out[filled..filled + count];
            match self.gathered_range(extent.offset + passed, count as u64) {
                Some(place) => part.copy_from_slice(&self.buffer[place]),
                None => read_exact_at(&self.source, part, extent.offset + passed)?,
            }
            filled += count;
            if filled == out.len() {
                break;
            }
        }
        Ok(filled)
    }

    /// Where in the buffer the member is, if it was gathered.
    fn gathered_place(&self, member: &Member) -> Option<Range<usize>> {
        let (offset, len) = match *member.extents {
            [Extent { offset, len }] => (offset, len),
            // An empty member is anywhere.
            [] => (self.gathered.start, 0),
            _ => return None,
        };
        self.gathered_range(offset, len).filter(|_| len == member.size)
    }

    /// Where in the buffer a range of the source is, if it was gathered.
    fn gathered_range(&self, offset: u64, len: u64) -> Option<Range<usize>> {
        let start = offset.checked_sub(self.gathered.start)?;
        let end = start.checked_add(len)?;
        let inside = end <= self.gathered.end - self.gathered.start && !self.gathered.is_empty();
        inside.then_some(start as usize..end as usize)
    }

    /// Reads the member alone, and gives where in the buffer it is.
    fn fill(&mut self, member: &Member) -> io::Result<Range<usize>> {
        self.forget();
        // The size is within --max-document-bytes, and the extents were checked when the member was located.
        let size = member.size as usize;
        reserve(&mut self.buffer, size);
        let mut rest = &mut self.buffer[..size];
        for &Extent { offset, len } in &member.extents {
            let (part, after) = rest
                .split_at_mut_checked(len as usize)
                .ok_or(io::ErrorKind::InvalidInput)?;
            read_exact_at(&self.source, part, offset)?;
            rest = after;
        }
        match rest.is_empty() {
            true => Ok(0..size),
            false => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "its ranges are shorter than its size",
            )),
        }
    }

    /// Nothing in the buffer counts any more.
    fn forget(&mut self) {
        self.gathered = 0..0;
    }
}

fn read_exact_at<S: Source>(source: &Option<(SourceId, S)>, out: &mut [u8], offset: u64) -> io::Result<()> {
    match source {
        Some((_, source)) => source.read_exact_at(out, offset),
        None => Err(io::Error::new(io::ErrorKind::NotFound, "no source was given")),
    }
}

/// The part of the source in which all these members lie, in their order and close to one another; `None` where they do
/// not, where much more lies between them than they hold, or where there is nothing to gain.
fn span(members: &[Member]) -> Option<Range<u64>> {
    let mut span: Option<Range<u64>> = None;
    let (mut count, mut between, mut held) = (0, 0, 0);
    for member in members
        .iter()
        .filter(|member| member.failed.is_none() && member.size > 0)
    {
        let [Extent { offset, len }] = *member.extents else {
            return None;
        };
        let end = offset.checked_add(len)?;
        let start = span.as_ref().map_or(offset, |span| span.start);
        let gap = offset.checked_sub(span.map_or(offset, |span| span.end))?;
        if gap > LARGEST_GAP {
            return None;
        }
        span = Some(start..end);
        count += 1;
        between += gap;
        held += len;
    }
    span.filter(|_| count > 1 && between <= LARGE_SPAN.max(held))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::buffer::KEPT_CAPACITY;

    impl Source for Vec<u8> {
        fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
            let start = usize::try_from(offset).map_err(|_| io::ErrorKind::UnexpectedEof)?;
            let bytes = self.get(start..).and_then(|tail| tail.get(..buffer.len()));
            buffer.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
            Ok(())
        }
    }

    fn member(name: &str, size: u64, extents: &[(u64, u64)]) -> Member {
        let extents = extents.iter().map(|&(offset, len)| Extent { offset, len }).collect();
        Member {
            name: name.as_bytes().to_vec(),
            offset: 0,
            size,
            extents,
            failed: None,
            stretch: None,
        }
    }

    fn reader(bytes: &[u8]) -> MemberReader<Vec<u8>> {
        reader_of(bytes.to_vec())
    }

    fn reader_of<S: Source>(source: S) -> MemberReader<S> {
        let mut reader = MemberReader::new(1 << 20);
        reader.turn_to(SourceId(0), source);
        reader
    }

    #[test]
    fn extents_follow_one_another() {
        let mut reader = reader(b"abcdefgh");
        assert_eq!(reader.read(&member("m", 5, &[(6, 2), (0, 3)])).unwrap(), b"ghabc");
        assert_eq!(reader.read(&member("m", 0, &[])).unwrap(), b"");
    }

    /// A source that counts how often it is read.
    struct Counting(Vec<u8>, Cell<usize>);

    impl Source for Counting {
        fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
            self.1.set(self.1.get() + 1);
            self.0.read_exact_at(buffer, offset)
        }
    }

    /// However members lie, each is what it is alone, in any order and more than once.
    #[test]
    fn members_that_are_read_together_are_what_they_are_alone() {
        let bytes: Vec<u8> = (1..=250).cycle().take(40_000).collect();
        let far = LARGEST_GAP + 1;
        // Offsets and lengths, and how many reads they take.
        let cases: [(&[(u64, u64)], usize); 6] = [
            (&[(0, 10), (10, 20), (30, 7)], 1),
            (&[(512, 100), (1536, 3000), (5120, 1)], 1),
            (&[(0, 10), (0, 0), (10 + LARGEST_GAP, 5)], 1),
            (&[(0, 10), (10 + far, 5)], 2),
            (&[(100, 10), (50, 10)], 2),
            (&[(39_000, 1000)], 1),
        ];
        for (places, reads) in cases {
            let extents = |&(offset, len): &(u64, u64)| if len > 0 { vec![(offset, len)] } else { vec![] };
            let members: Vec<Member> = places.iter().map(|at| member("m", at.1, &extents(at))).collect();
            let mut reader = reader_of(Counting(bytes.clone(), Cell::new(0)));
            reader.gather(&members);
            for (member, &(offset, len)) in members.iter().zip(places) {
                let document = reader.read(member).unwrap();
                assert_eq!(document, &bytes[offset as usize..][..len as usize], "{places:?}");
            }
            let (_, source) = reader.source.as_ref().unwrap();
            assert_eq!(source.1.get(), reads, "{places:?}");
            for (member, &(offset, len)) in members.iter().zip(places).rev().filter(|(member, _)| member.size > 0) {
                let expected = &bytes[offset as usize..][..len as usize];
                assert_eq!(reader.read(member).unwrap(), expected, "{places:?}");
            }
        }
    }

    #[test]
    fn of_members_that_are_read_together_the_one_that_cannot_be_read_is_told() {
        let mut reader = reader(b"abcdefgh");
        let members = [member("a", 4, &[(0, 4)]), member("b", 8, &[(4, 8)])];
        reader.gather(&members);
        assert_eq!(reader.read(&members[0]).unwrap(), b"abcd");
        assert!(matches!(reader.read(&members[1]), Err(ReadError::Source(_))));
    }

    #[test]
    fn what_one_large_member_took_is_given_back() {
        let large = 3 * KEPT_CAPACITY;
        let mut reader = reader_of(vec![1; large]);
        assert_eq!(
            reader
                .read(&member("m", large as u64, &[(0, large as u64)]))
                .unwrap()
                .len(),
            large
        );
        assert_eq!(reader.read(&member("m", 2, &[(0, 2)])).unwrap(), [1, 1]);
        assert!(reader.buffer.capacity() <= KEPT_CAPACITY);
    }

    #[test]
    fn nothing_is_left_of_the_source_before() {
        let mut reader = reader(b"abcdefgh");
        let members = [member("a", 4, &[(0, 4)]), member("b", 4, &[(4, 4)])];
        reader.gather(&members);
        reader.turn_to(SourceId(1), b"ABCDEFGH".to_vec());
        assert_eq!(reader.read(&members[1]).unwrap(), b"EFGH");
        let nothing = MemberReader::<Vec<u8>>::new(1 << 20).read(&members[0]).unwrap_err();
        assert!(matches!(nothing, ReadError::Source(_)), "{nothing:?}");
    }

    #[test]
    fn ranges_that_do_not_make_up_the_size_are_the_sources_fault() {
        for extents in [vec![(0, 3)], vec![(0, 5)], vec![(7, 4)]] {
            let error = reader(b"abcdefgh").read(&member("m", 4, &extents)).unwrap_err();
            assert!(matches!(error, ReadError::Source(_)), "{error:?}");
        }
    }

    #[test]
    fn compressed_members_are_read_as_what_they_hold() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        io::Write::write_all(&mut encoder, b"[1]").unwrap();
        let gzip = encoder.finish().unwrap();
        // One raw block.
        let zstd = b"\x28\xb5\x2f\xfd\x20\x03\x19\0\0[2]";
        let bytes = [&gzip[..], zstd, b"[3]"].concat();
        let (first, second) = (gzip.len() as u64, (gzip.len() + zstd.len()) as u64);
        let members = [
            member("a", first, &[(0, first)]),
            member("b", zstd.len() as u64, &[(first, zstd.len() as u64)]),
            member("c", 3, &[(second, 3)]),
            member("cut", first - 1, &[(0, first - 1)]),
            // In two ranges.
            member("d", first, &[(0, 5), (5, first - 5)]),
        ];
        let mut reader = reader(&bytes);
        for gathered in [&members[..3], &[]] {
            reader.gather(gathered);
            for (member, document) in members
                .iter()
                .zip([Some(b"[1]"), Some(b"[2]"), Some(b"[3]"), None, Some(b"[1]")])
            {
                match (reader.read(member), document) {
                    (Ok(found), Some(document)) => assert_eq!(found, document),
                    (Err(ReadError::Inflate(error)), None) => assert_eq!(error.reason(), "compression"),
                    (other, _) => panic!("{other:?}"),
                }
            }
        }
    }
}

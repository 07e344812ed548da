//! From a member's extents to its bytes.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use tarquet_wire::message::{Extent, Failure, Member};

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
    /// The source cannot be read any more.
    Source(io::Error),
}

/// Reads members, one at a time, into one buffer.
#[derive(Debug)]
pub(crate) struct MemberReader<S> {
    source: S,
    buffer: Vec<u8>,
}

/// A buffer that grew for one large member shrinks to this before the next, in bytes.
const KEPT_CAPACITY: usize = 16 << 20;

impl<S: Source> MemberReader<S> {
    pub(crate) fn new(source: S) -> MemberReader<S> {
        MemberReader {
            source,
            buffer: Vec::new(),
        }
    }

    /// The document that is the member's content.
    pub(crate) fn read(&mut self, member: &Member) -> Result<&[u8], ReadError> {
        if let Some(failure) = &member.failed {
            return Err(ReadError::Member(failure.clone()));
        }
        #[cfg(feature = "failpoints")]
        crate::failpoints::strike(&member.name);
        self.fill(member).map_err(ReadError::Source)?;
        match unsupported(&member.name, &self.buffer) {
            Some(failure) => Err(ReadError::Member(failure)),
            None => Ok(&self.buffer),
        }
    }

    fn fill(&mut self, member: &Member) -> io::Result<()> {
        self.buffer.clear();
        self.buffer.shrink_to(KEPT_CAPACITY);
        // The size is within --max-document-bytes, and the extents were checked when the member was located.
        self.buffer.resize(member.size as usize, 0);
        let mut rest = self.buffer.as_mut_slice();
        for &Extent { offset, len } in &member.extents {
            let (part, after) = rest
                .split_at_mut_checked(len as usize)
                .ok_or(io::ErrorKind::InvalidInput)?;
            self.source.read_exact_at(part, offset)?;
            rest = after;
        }
        match rest.is_empty() {
            true => Ok(()),
            false => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "its ranges are shorter than its size",
            )),
        }
    }
}

/// What is not read yet, told by content where it can be, and by name where only that says it.
fn unsupported(name: &[u8], content: &[u8]) -> Option<Failure> {
    let what = match content {
        [0x1f, 0x8b, ..] => "it is compressed with gzip",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "it is compressed with zstd",
        _ if has_extension(name, b".ndjson") || has_extension(name, b".jsonl") => {
            "it holds one document a line (NDJSON)"
        }
        _ => return None,
    };
    let detail = format!("{what}, which this version does not read inside an archive");
    Some(Failure {
        reason: "unsupported".to_owned(),
        detail,
    })
}

fn has_extension(name: &[u8], extension: &[u8]) -> bool {
    let tail = name.len().checked_sub(extension.len()).map(|at| &name[at..]);
    tail.is_some_and(|tail| tail.eq_ignore_ascii_case(extension))
}

#[cfg(test)]
mod tests {
    use super::*;

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
        }
    }

    fn reader(bytes: &[u8]) -> MemberReader<Vec<u8>> {
        MemberReader::new(bytes.to_vec())
    }

    #[test]
    fn extents_follow_one_another() {
        let mut reader = reader(b"abcdefgh");
        assert_eq!(reader.read(&member("m", 5, &[(6, 2), (0, 3)])).unwrap(), b"ghabc");
        assert_eq!(reader.read(&member("m", 0, &[])).unwrap(), b"");
    }

    #[test]
    fn ranges_that_do_not_make_up_the_size_are_the_sources_fault() {
        for extents in [vec![(0, 3)], vec![(0, 5)], vec![(7, 4)]] {
            let error = reader(b"abcdefgh").read(&member("m", 4, &extents)).unwrap_err();
            assert!(matches!(error, ReadError::Source(_)), "{error:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_fails_by_itself() {
        let cases: [(&str, &[u8], &str); 4] = [
            ("a.json", b"\x1f\x8b\x08", "compressed with gzip"),
            ("a.json", b"\x28\xb5\x2f\xfd", "compressed with zstd"),
            ("a.NDJSON", b"{}", "one document a line"),
            ("a.jsonl", b"{}", "one document a line"),
        ];
        for (name, content, word) in cases {
            let size = content.len() as u64;
            match reader(content).read(&member(name, size, &[(0, size)])) {
                Err(ReadError::Member(failure)) => assert!(failure.detail.contains(word), "{failure:?}"),
                other => panic!("{name}: {other:?}"),
            }
        }
        assert!(reader(b"{}").read(&member("jsonl", 2, &[(0, 2)])).is_ok());
    }
}

//! Checksums of files, as the ledger records them.

use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::files::File;

/// How much of a file is read at a time.
const CHUNK: usize = 256 << 10;

/// A CRC-32 (ISO-HDLC, as in gzip), written as eight hexadecimal digits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Crc32(pub(crate) u32);

/// Length and checksum of a file's contents; those of an empty one by default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Checksum {
    pub(crate) bytes: u64,
    pub(crate) crc32: Crc32,
}

impl Checksum {
    /// Of the file at `path`; `None` if nothing is there.
    pub(crate) fn of_file(path: &Path) -> io::Result<Option<Checksum>> {
        match File::open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            result => Checksum::of(&mut result?).map(Some),
        }
    }

    /// Of the first `bytes` bytes of the file at `path`, or of all of a shorter one; `None` if nothing is there.
    pub(crate) fn of_prefix(path: &Path, bytes: u64) -> io::Result<Option<Checksum>> {
        match File::open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            result => Checksum::of(&mut result?.take(bytes)).map(Some),
        }
    }

    /// Of these contents.
    pub(crate) fn of_bytes(contents: &[u8]) -> Checksum {
        Checksum {
            bytes: contents.len() as u64,
            crc32: Crc32(crc32fast::hash(contents)),
        }
    }

    /// Of all that is to be read.
    pub(crate) fn of(reader: &mut impl Read) -> io::Result<Checksum> {
        let mut sum = Checksummed::new(io::sink());
        let mut chunk = Vec::with_capacity(CHUNK);
        loop {
            chunk.clear();
            reader.by_ref().take(CHUNK as u64).read_to_end(&mut chunk)?;
            if chunk.is_empty() {
                return Ok(sum.checksum());
            }
            sum.write_all(&chunk)?;
        }
    }
}

impl From<Crc32> for String {
    fn from(crc: Crc32) -> String {
        format!("{:08x}", crc.0)
    }
}

impl TryFrom<String> for Crc32 {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Crc32, Self::Error> {
        u32::from_str_radix(&text, 16).map(Crc32)
    }
}

/// A writer that sums up what goes through it.
#[derive(Debug)]
pub(crate) struct Checksummed<W> {
    inner: W,
    bytes: u64,
    crc32: crc32fast::Hasher,
}

impl<W> Checksummed<W> {
    pub(crate) fn new(inner: W) -> Checksummed<W> {
        Checksummed::behind(inner, Checksum::default())
    }

    /// A writer that goes on where `before` was written already.
    pub(crate) fn behind(inner: W, before: Checksum) -> Checksummed<W> {
        Checksummed {
            inner,
            bytes: before.bytes,
            crc32: crc32fast::Hasher::new_with_initial_len(before.crc32.0, before.bytes),
        }
    }

    /// Of what was written so far.
    pub(crate) fn checksum(&self) -> Checksum {
        Checksum {
            bytes: self.bytes,
            crc32: Crc32(self.crc32.clone().finalize()),
        }
    }

    pub(crate) fn inner(&self) -> &W {
        &self.inner
    }
}

impl<W: Write> Write for Checksummed<W> {
    #[expect(
        clippy::disallowed_methods,
        reason = "an implementation of `write` may be as short as the one below it"
    )]
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(buf)?;
        self.crc32.update(&buf[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_summed_up_as_it_was_written() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("file");
        assert_eq!(Checksum::of_file(&path).expect("looks"), None);
        for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 7] {
            let contents: Vec<u8> = (0..length).map(|index| (index % 251) as u8).collect();
            let mut written = Checksummed::new(std::fs::File::create(&path).expect("creates"));
            written.write_all(&contents).expect("writes");
            let expected = Checksum {
                bytes: length as u64,
                crc32: Crc32(crc32fast::hash(&contents)),
            };
            assert_eq!(written.checksum(), expected);
            assert_eq!(Checksum::of_file(&path).expect("reads"), Some(expected));
            assert_eq!(Checksum::of_bytes(&contents), expected);
            let half = Checksum::of_prefix(&path, expected.bytes / 2).expect("reads");
            let half = half.expect("it is there");
            assert_eq!(half, Checksum::of_bytes(&contents[..length / 2]));
            let mut rest = Checksummed::behind(io::sink(), half);
            rest.write_all(&contents[length / 2..]).expect("writes");
            assert_eq!(rest.checksum(), expected);
        }
    }
}

//! Archives, byte by byte as the test wants them.

use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, EntryType, Header};

/// A tar that is being put together.
pub(crate) struct Tar {
    builder: Builder<Vec<u8>>,
}

impl Tar {
    /// One without members.
    pub(crate) fn new() -> Tar {
        Tar {
            builder: Builder::new(Vec::new()),
        }
    }

    /// Adds a regular file; a name of more than 100 bytes becomes a GNU long name.
    pub(crate) fn file(mut self, name: &str, content: impl AsRef<[u8]>) -> Tar {
        self.entry(EntryType::Regular, name.as_bytes(), content.as_ref());
        self
    }

    /// Adds a regular file whose name need not be UTF-8.
    pub(crate) fn file_named(mut self, name: &[u8], content: impl AsRef<[u8]>) -> Tar {
        self.entry(EntryType::Regular, name, content.as_ref());
        self
    }

    /// Adds a regular file whose name is in a PAX record.
    pub(crate) fn pax_file(mut self, name: &str, content: impl AsRef<[u8]>) -> Tar {
        self.builder
            .append_pax_extensions([("path", name.as_bytes())])
            .expect("a vector takes any bytes");
        self.entry(EntryType::Regular, b"short-name-that-does-not-count", content.as_ref());
        self
    }

    /// Adds an entry of any type that stores `content`.
    pub(crate) fn special(mut self, kind: EntryType, name: &str, content: impl AsRef<[u8]>) -> Tar {
        self.entry(kind, name.as_bytes(), content.as_ref());
        self
    }

    /// Adds a directory.
    pub(crate) fn directory(self, name: &str) -> Tar {
        self.special(EntryType::Directory, name, b"")
    }

    /// Adds a symbolic or hard link.
    pub(crate) fn link(mut self, kind: EntryType, name: &str, target: &str) -> Tar {
        let mut header = header(kind, 0);
        self.builder
            .append_link(&mut header, name, target)
            .expect("a vector takes any bytes");
        self
    }

    fn entry(&mut self, kind: EntryType, name: &[u8], content: &[u8]) {
        let mut header = header(kind, content.len());
        self.builder
            .append_data(&mut header, OsStr::from_bytes(name), content)
            .expect("a vector takes any bytes");
    }

    /// The archive, with its end marker.
    pub(crate) fn finish(self) -> Vec<u8> {
        self.builder.into_inner().expect("a vector takes any bytes")
    }
}

fn header(kind: EntryType, size: usize) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_size(size as u64);
    header
}

/// A header that says something of every member after it, before all others of an archive.
pub(crate) fn global_header(keyword: &str, value: &str) -> Vec<u8> {
    let record = |length: usize| format!("{length} {keyword}={value}\n");
    let length = (0..).find(|length| record(*length).len() == *length);
    let body = record(length.expect("one that counts itself"));
    let mut tar = Tar::new();
    tar.entry(EntryType::XGlobalHeader, b"global", body.as_bytes());
    let mut bytes = tar.finish();
    // Without the end marker.
    bytes.truncate(1_024);
    bytes
}

/// A tar of regular files.
pub(crate) fn tar<N: AsRef<str>, C: AsRef<[u8]>>(files: &[(N, C)]) -> Vec<u8> {
    let add = |tar: Tar, (name, content): &(N, C)| tar.file(name.as_ref(), content);
    files.iter().fold(Tar::new(), add).finish()
}

/// Bytes in one gzip member, of many blocks: at its fastest, this compressor would make one block of everything.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(3));
    encoder.write_all(bytes).expect("a vector takes any bytes");
    encoder.finish().expect("a vector takes any bytes")
}

/// Bytes in one zstd frame, which has no checksum.
pub(crate) fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut frame = vec![0; zstd_safe::compress_bound(bytes.len())];
    let len = zstd_safe::compress(frame.as_mut_slice(), bytes, 3).expect("there is room for it");
    frame.truncate(len);
    frame
}

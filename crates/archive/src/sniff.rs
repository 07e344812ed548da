//! What a file is, told from its first bytes.

use std::fmt;

use crate::archive::Container;
use crate::tar::{BLOCK, Block, classify};
use crate::zstd::Magic;

/// The bytes that [`sniff`] wants to see: one tar block.
pub(crate) const SNIFF_BYTES: usize = BLOCK;

/// How many bytes tell whether something is compressed.
pub(crate) const MAGIC_BYTES: usize = 4;

/// Whether these bytes begin as a gzip member (RFC 1952) or a zstd frame (RFC 8878) does, one that is passed over included.
pub(crate) fn is_compressed(bytes: &[u8]) -> bool {
    match bytes {
        [0x1F, 0x8B, ..] | [0x28, 0xB5, 0x2F, 0xFD, ..] => true,
        [first, 0x2A, 0x4D, 0x18, ..] => first & 0xF0 == 0x50,
        _ => false,
    }
}

/// What a file turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sniffed {
    /// A container. For a compressed one, what is inside is not known yet.
    Container(Container),
    /// Anything else.
    Other(LooksLike),
}

/// What a file that is no archive looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LooksLike {
    /// A file without a byte.
    Empty,
    /// Text that starts like a JSON object or array.
    Json,
    /// Other text.
    Text,
    /// A format that is known by its first bytes.
    Known {
        /// The format's name.
        format: &'static str,
        /// How to make a tar of it, or what to do instead.
        advice: &'static str,
    },
    /// Nothing that is known.
    Binary,
    /// Compressed, but no tar.
    Compressed {
        /// How.
        with: Container,
        /// What is inside.
        inner: Box<LooksLike>,
    },
}

impl LooksLike {
    /// What its owner can do, as the end of a sentence.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Empty => "was it downloaded whole?",
            Self::Text => "pack the files into one first: tar -cf ARCHIVE.tar FILES",
            Self::Json => {
                "pack the files into one first (tar -cf ARCHIVE.tar FILES), or give the directory that they are in"
            }
            Self::Known { advice, .. } => advice,
            Self::Binary => CHECK,
            Self::Compressed { with, inner } => match (&**inner, with) {
                (Self::Json | Self::Text, Container::Zstd) => {
                    "decompress it and pack it first: tar --zstd -cf ARCHIVE.tar.zst FILES"
                }
                (Self::Json | Self::Text, _) => "decompress it and pack it first: tar -czf ARCHIVE.tar.gz FILES",
                (Self::Known { advice, .. }, _) if *advice != CHECK => once(*with),
                _ => CHECK,
            },
        }
    }
}

impl fmt::Display for LooksLike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("an empty file"),
            Self::Json => f.write_str("JSON text"),
            Self::Text => f.write_str("plain text"),
            Self::Known { format, .. } => f.write_str(format),
            Self::Binary => f.write_str("binary data"),
            Self::Compressed { with, inner } => write!(f, "{with} around {inner}"),
        }
    }
}

/// Formats that people mistake for a tar, by their first bytes, with what to do about each.
const KNOWN: &[(&[u8], &str, &str)] = &[
    (b"PK\x03\x04", "a zip archive", REPACK),
    (b"PK\x05\x06", "an empty zip archive", REPACK),
    (b"7z\xBC\xAF\x27\x1C", "a 7z archive", REPACK),
    (b"Rar!\x1A\x07", "a RAR archive", REPACK),
    (b"BZh", "bzip2", "decompress it first: bzip2 -dc FILE > FILE.tar"),
    (b"\xFD7zXZ\x00", "xz", "decompress it first: xz -dc FILE > FILE.tar"),
    (b"LZIP", "lzip", "decompress it first: lzip -dc FILE > FILE.tar"),
    (
        b"\x04\x22\x4D\x18",
        "lz4",
        "decompress it first: lz4 -dc FILE > FILE.tar",
    ),
    (
        b"\x1F\x9D",
        "a compress (.Z) file",
        "decompress it first: gzip -dc FILE > FILE.tar",
    ),
    (b"PAR1", "a Parquet file", CHECK),
    (b"ARROW1", "an Arrow file", CHECK),
    (b"\x7FELF", "a program", CHECK),
];

/// What to do with what nothing can be made of.
const CHECK: &str = "check that this is the right file";

const REPACK: &str = "unpack it and pack it again: tar -cf ARCHIVE.tar DIRECTORY";

/// How to look at what is inside, as the end of a sentence.
pub(crate) fn once(with: Container) -> &'static str {
    match with {
        Container::Zstd => "decompress it once first: zstd -dc FILE > INNER",
        Container::Tar | Container::Files | Container::Gzip => "decompress it once first: gzip -dc FILE > INNER",
    }
}

/// Tells what a stream is from its first [`SNIFF_BYTES`] (fewer only where it is shorter). A header with a right checksum
/// goes first, as in GNU tar: the name of a tar's first member may begin as compressed data does.
pub(crate) fn sniff(head: &[u8]) -> Sniffed {
    if is_tar(head) {
        return Sniffed::Container(Container::Tar);
    }
    match compressed_with(head) {
        Some(with) => Sniffed::Container(with),
        None => Sniffed::Other(looks_like(head)),
    }
}

/// How a stream is compressed, by its first bytes alone.
pub(crate) fn compressed_with(head: &[u8]) -> Option<Container> {
    if head.starts_with(&[0x1F, 0x8B]) {
        return Some(Container::Gzip);
    }
    matches!(Magic::of(head), Magic::Frame | Magic::Skippable).then_some(Container::Zstd)
}

/// What looks like a tar and like compressed data with a tar inside. GNU tar reads the one, and Python's tarfile the other.
pub(crate) const BOTH: LooksLike = LooksLike::Known {
    format: "a tar and a compressed tar at once",
    advice: CHECK,
};

/// A whole header with a right checksum; or an end marker, which is an archive without members.
fn is_tar(head: &[u8]) -> bool {
    <&[u8; BLOCK]>::try_from(head).is_ok_and(|block| matches!(classify(block), Block::Header | Block::Zeros))
}

/// What a stream that is no container looks like.
fn looks_like(head: &[u8]) -> LooksLike {
    if head.is_empty() {
        return LooksLike::Empty;
    }
    if let Some(&(_, format, advice)) = KNOWN.iter().find(|(magic, ..)| head.starts_with(magic)) {
        return LooksLike::Known { format, advice };
    }
    let text = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    if !is_text(text) {
        return LooksLike::Binary;
    }
    match text.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{' | b'[') => LooksLike::Json,
        _ => LooksLike::Text,
    }
}

/// UTF-8 without control characters; a character may be cut at the end.
fn is_text(head: &[u8]) -> bool {
    let whole = match std::str::from_utf8(head) {
        Ok(text) => text.len(),
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        Err(_) => return false,
    };
    head[..whole]
        .iter()
        .all(|&byte| byte >= 0x20 && byte != 0x7F || byte.is_ascii_whitespace())
}

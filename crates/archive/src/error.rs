//! What can go wrong, from opening an archive to its last byte.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::member::Member;
use crate::prefix::PrefixDiffers;
use crate::sniff::LooksLike;

/// The path that stands for standard input.
pub(crate) const STANDARD_INPUT: &str = "-";

/// Why an archive cannot be opened or walked.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The file cannot be opened.
    #[error("cannot open {}: {source}", shown(path))]
    Open {
        /// The archive's path, as it was given; `-` for standard input.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file of a directory that is taken as an archive cannot be looked at.
    #[error(transparent)]
    Listed(#[from] Box<WalkError>),
    /// The path is a pipe, a socket or a device.
    #[error(
        "{} is not a regular file; an archive must be one, so that it can be read at any place",
        shown(path)
    )]
    NotRegular {
        /// The archive's path, as it was given; `-` for standard input.
        path: PathBuf,
    },
    /// Standard input is a terminal.
    #[error("standard input is a terminal, not an archive; give an archive to it: COMMAND < ARCHIVE")]
    Terminal,
    /// Standard input was walked before.
    #[error("standard input was read before, and can be read only once")]
    ReadBefore,
    /// The file cannot be read.
    #[error("cannot read {} at byte {offset}: {source}", shown(path))]
    Read {
        /// The archive's path, as it was given; `-` for standard input.
        path: PathBuf,
        /// Where, in bytes from the start of the file.
        offset: u64,
        /// What the system said.
        source: io::Error,
    },
    /// The content is something else.
    #[error("{} is not a tar archive: it looks like {looks_like}; {}", shown(path), looks_like.advice())]
    NotAnArchive {
        /// The archive's path, as it was given; `-` for standard input.
        path: PathBuf,
        /// What the content is instead.
        looks_like: LooksLike,
    },
    /// It is compressed in a way that is not read, though nothing is wrong with it.
    #[error("{} cannot be read: {reason}", shown(path))]
    Unsupported {
        /// The archive's path, as it was given; `-` for standard input.
        path: PathBuf,
        /// Which way, and what to do: of those for which [`DamageKind::is_refusal`] holds.
        reason: DamageKind,
    },
    /// The archive is damaged before its first member.
    #[error("{} has no readable member: {damage}", shown(path))]
    Damaged {
        /// The archive's path, as it was given; `-` for standard input.
        path: PathBuf,
        /// What is wrong.
        damage: Damage,
    },
    /// The spool, into which an archive is read that is compressed or a stream, cannot be made.
    #[error("cannot make the spool (a file in memory): {source}")]
    Spool {
        /// What the system said.
        source: io::Error,
    },
}

/// How a path is called in a message.
fn shown(path: &Path) -> impl fmt::Display {
    if path.as_os_str() == STANDARD_INPUT {
        Path::new("standard input").display()
    } else {
        path.display()
    }
}

/// Why a walk stops before the archive's end.
#[derive(Debug, thiserror::Error)]
pub enum WalkError {
    /// The archive's bytes are wrong. What was given before stands, and nothing comes after.
    #[error(transparent)]
    Damage(#[from] Damage),
    /// The archive's file cannot be read. Nothing is known of the bytes.
    #[error("cannot read the archive at byte {offset}: {source}")]
    Read {
        /// Where, in bytes from the start of the file.
        offset: u64,
        /// What the system said.
        source: io::Error,
    },
    /// A file of a directory cannot be read. Nothing is known of its bytes.
    #[error("cannot read {}: {source}", path.display())]
    ReadFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file of a directory may not be read. The walk goes on behind it.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file of a directory is not what it was when the directory was listed.
    #[error("{} is not what it was when its directory was listed", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// The archive does not start as [`Walk::expect_prefix`](crate::Walk::expect_prefix) was told. It may also be
    /// damaged.
    #[error(transparent)]
    PrefixDiffers(#[from] PrefixDiffers),
    /// The spool cannot grow by another slot.
    #[error("cannot get memory for the spool, into which the archive is read: {source}")]
    Spool {
        /// What the system said.
        source: io::Error,
    },
    /// [`Releaser::close`](crate::Releaser::close) was called.
    #[error("the walk was told to stop")]
    Closed,
}

/// Damage of an archive, and where it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Damage {
    /// Where it is.
    pub place: Place,
    /// What it is. Its text is the message.
    #[source]
    pub kind: DamageKind,
    /// The member whose bytes it cuts, when it is inside one. `Walk::next` has given this member before.
    pub member: Option<Box<Member>>,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.kind.is_refusal() {
            "cannot be read on"
        } else {
            "is damaged"
        };
        write!(f, "the archive {what} at {}", self.place)?;
        if let Some(member) = &self.member {
            write!(f, ", inside member {:?}", String::from_utf8_lossy(&member.name))?;
        }
        write!(f, ": {}", self.kind)
    }
}

/// How closely the file's part is told that a byte of the decompressed stream comes from: in pieces of 64 KiB.
pub const PIECE_BYTES: u64 = 64 * 1024;

/// A place in an archive. It depends on the archive's bytes alone, and not on who reads which of them and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Bytes from the start of the file.
    pub file: u64,
    /// Whether the place is `file` itself. If not, it is one in the decompressed stream, and `file` is where the piece
    /// of [`PIECE_BYTES`] of the file starts without which the byte there could not be decompressed.
    pub is_exact: bool,
    /// Bytes from the start of the decompressed stream; `None` for a plain tar, whose stream is the file.
    pub stream: Option<u64>,
}

impl Place {
    /// A place in the file, and up to where the stream, if it is another one, can be had.
    pub(crate) fn in_file(file: u64, stream: Option<u64>) -> Place {
        Place {
            file,
            is_exact: true,
            stream,
        }
    }

    /// A place in the decompressed stream, and where the piece of the file starts that it comes from.
    pub(crate) fn in_stream(stream: u64, piece: u64) -> Place {
        Place {
            file: piece,
            is_exact: false,
            stream: Some(stream),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { file, is_exact, stream } = self;
        match stream {
            None => write!(f, "byte {file}"),
            Some(stream) if *is_exact => write!(f, "byte {file} (byte {stream} decompressed)"),
            Some(stream) => write!(
                f,
                "byte {stream} decompressed (out of the {} KiB from byte {file} of the file)",
                PIECE_BYTES / 1024
            ),
        }
    }
}

/// What is wrong with an archive.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DamageKind {
    /// The file ends inside a header.
    #[error("it ends inside a header")]
    CutHeader,
    /// The file ends inside the records of a metadata header.
    #[error("it ends inside a metadata header")]
    CutMetadata,
    /// The file ends inside a member's bytes.
    #[error("it ends {missing} bytes before the member does")]
    CutBody {
        /// How many of the member's bytes are not there.
        missing: u64,
    },
    /// The file ends inside the padding after a member's bytes, which are whole.
    #[error("it ends inside the padding after a member")]
    CutPadding,
    /// A header cannot be understood, so nothing after it can be located.
    #[error(transparent)]
    Header(#[from] HeaderFault),
    /// The records of a PAX header cannot be understood: the next member's name and size are unknown.
    #[error("a PAX header is malformed: {0}")]
    Pax(#[from] PaxFault),
    /// The metadata headers of one member are larger than [`METADATA_LIMIT`](crate::METADATA_LIMIT).
    #[error(
        "the metadata headers of one member claim {size} bytes; at most {} are read",
        crate::METADATA_LIMIT
    )]
    MetadataTooLarge {
        /// What they claim together, in bytes.
        size: u64,
    },
    /// Metadata headers that describe the next member, and no next member.
    #[error("a metadata header is not followed by the member that it describes")]
    DanglingMetadata,
    /// A block of zeros and then more: half of an end marker.
    #[error("a lone block of zeros is followed by other bytes")]
    LoneZeroBlock,
    /// A link or a device claims bytes, which none has. Python's tarfile goes on right behind its header, and GNU tar behind
    /// as many bytes.
    #[error("a link or device claims {size} bytes, and readers disagree on whether they are there")]
    ClaimedBytes {
        /// How many, in bytes.
        size: u64,
    },
    /// A global PAX header overrides the size of a member that says otherwise; readers disagree on which holds.
    #[error("a global PAX header gives every member the size {global}, and this one's header says {header}")]
    GlobalSize {
        /// The size in the global header, in bytes.
        global: u64,
        /// The size in the member's header, in bytes.
        header: u64,
    },
    /// The compressed stream is corrupt, or a checksum over what it gave does not hold.
    #[error("the gzip data is corrupt: {detail}")]
    Gzip {
        /// What the decompressor says.
        detail: String,
    },
    /// The compressed stream stops early.
    #[error("the gzip data is cut short")]
    CutGzip,
    /// After the compressed stream's end, and the zeros that may pad it, comes something else.
    #[error("after the end of the gzip data there are other bytes")]
    TrailingGarbage,
    /// A zstd frame is corrupt, or its checksum does not hold.
    #[error("the zstd data is corrupt: {detail}")]
    Zstd {
        /// What is wrong.
        detail: &'static str,
    },
    /// A zstd frame stops early.
    #[error("the zstd data is cut short")]
    CutZstd,
    /// After a zstd frame comes something that is none.
    #[error("after the end of the zstd data there are other bytes")]
    GarbageAfterZstd,
    /// A zstd frame needs a larger window than there may be.
    #[error(
        "a zstd frame needs a window of {window} bytes, and no more than {} MiB are held for one; compress it again \
         with a smaller one: zstd -dc --long=31 FILE | zstd -o NEW",
        crate::zstd::WINDOW_LIMIT >> 20
    )]
    ZstdWindow {
        /// How large, in bytes.
        window: u64,
    },
    /// A zstd frame needs a dictionary.
    #[error(
        "a zstd frame needs the dictionary {id}, which is not in the archive; compress it again without one: \
         zstd -dc -D DICTIONARY FILE | zstd -o NEW"
    )]
    ZstdDictionary {
        /// The dictionary's number.
        id: u32,
    },
}

impl DamageKind {
    /// Whether nothing is wrong with the bytes, and they are only not read.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::ZstdWindow { .. } | Self::ZstdDictionary { .. })
    }
}

/// What is wrong with one header block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeaderFault {
    /// The checksum is not that of the block.
    #[error("a header's checksum is wrong, so this is no header")]
    Checksum,
    /// The size is no number.
    #[error("a header's size is not a number")]
    Size,
    /// The size is negative, or so large that no stream can have it.
    #[error("a header's size is out of range")]
    SizeRange,
}

/// What is wrong with a PAX record. Format: POSIX.1-2017, pax, "pax Extended Header".
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PaxFault {
    /// It does not start with its length in decimal digits and a space.
    #[error("a record does not start with its length")]
    Length,
    /// Its length leads outside the header, or to something else than a newline.
    #[error("a record is not as long as it says")]
    Extent,
    /// It has no `=`, or nothing before it.
    #[error("a record has no keyword")]
    Keyword,
    /// `size` is not a decimal number of bytes.
    #[error("its size is not a decimal number of bytes")]
    Size,
    /// It is a global header with `GNU.sparse.*`.
    #[error("it is global and says that every file is sparse")]
    GlobalSparse,
    /// It is a global header with several names, or sizes. Of those GNU tar takes the first, though of a local header the
    /// last.
    #[error("it is global and gives several names or sizes")]
    GlobalRepeats,
    /// It is a global header with a name that is longer than [`GLOBAL_NAME_LIMIT`](crate::GLOBAL_NAME_LIMIT).
    #[error(
        "it is global and gives every member a name of more than {} bytes",
        crate::GLOBAL_NAME_LIMIT
    )]
    GlobalName,
    /// Of several PAX headers before one member, the last and another one do not give the same size: readers disagree on
    /// which holds.
    #[error("it and another one of the same member do not give it the same size")]
    TwoSizes,
    /// `GNU.sparse.*` before a header that is not a regular file's: readers disagree on where that member ends.
    #[error("it is of a sparse file, and the header behind it is of another type")]
    SparseType,
}

//! What a walk gives: one member of an archive.

use std::fmt;

/// One member of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its position among the archive's members, from 0. Metadata headers (long names, PAX records) are not members.
    pub index: u64,
    /// Its whole name as it is in the archive, unescaped and not necessarily UTF-8.
    pub name: Vec<u8>,
    /// What it is.
    pub kind: MemberKind,
    /// Where its first header starts, the metadata headers that describe it alone included; in bytes from the start of
    /// the tar stream, which for a compressed archive is the decompressed stream.
    pub header_offset: u64,
    /// Where its bytes start, in bytes from the start of the tar stream.
    pub data_offset: u64,
    /// How many bytes it has in the archive. 0 for links and devices, which have none whatever their header claims.
    pub size: u64,
}

/// What a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberKind {
    /// A regular file: the only kind that has bytes worth reading.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    SymbolicLink,
    /// A hard link to another member.
    HardLink,
    /// A named pipe.
    Fifo,
    /// A character device.
    CharacterDevice,
    /// A block device.
    BlockDevice,
    /// The label of a GNU volume: a name without bytes.
    VolumeLabel,
    /// A member that is there but whose content cannot be told with certainty. The walk passes over it and goes on.
    Refused(Refusal),
}

/// Why a member is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// A sparse file (GNU type `S`, or PAX records `GNU.sparse.*`): its stored bytes are not its content.
    Sparse,
    /// A piece of a file that began in another volume (GNU type `M`, or PAX records `GNU.volume.*`).
    Continuation,
    /// Renamings of the oldest GNU format (type `N`).
    OldLongNames,
    /// A type flag that no format read here gives a meaning.
    UnknownType(u8),
    /// Several metadata headers that give it different names: readers disagree on which holds.
    TwoNames,
    /// A PAX path with a NUL in it: readers disagree on what the name is.
    NulInName,
}

impl Refusal {
    /// A short name of the reason, for logs that are read by programs.
    pub fn code(self) -> &'static str {
        match self {
            Self::Sparse => "sparse",
            Self::Continuation => "continuation",
            Self::OldLongNames => "old_long_names",
            Self::UnknownType(_) => "unknown_type",
            Self::TwoNames => "two_names",
            Self::NulInName => "nul_in_name",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sparse => f.write_str("a sparse file, whose stored bytes are not its content"),
            Self::Continuation => f.write_str("the continuation of a file from another volume"),
            Self::OldLongNames => f.write_str("a list of renamings in the oldest GNU format"),
            Self::UnknownType(flag) => write!(f, "a member of the unknown type {:?}", char::from(*flag)),
            Self::TwoNames => f.write_str("a member to which several headers give different names"),
            Self::NulInName => f.write_str("a member whose name contains a NUL"),
        }
    }
}

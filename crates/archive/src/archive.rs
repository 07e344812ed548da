//! Opening an archive: what it is, told by content.

use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{ArchiveError, Damage, Place};
use crate::gzip::GzipSource;
use crate::sniff::{LooksLike, SNIFF_BYTES, Sniffed, sniff};
use crate::source::{Fault, FileSource, Source};
use crate::spool::SpoolOptions;
use crate::walk::Walk;

/// How an archive is wrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Container {
    /// A plain tar: members are byte ranges of the file.
    Tar,
    /// A tar in gzip, of one or several gzip members.
    Gzip,
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tar => "tar",
            Self::Gzip => "gzip",
        })
    }
}

/// An archive that is open and known to be one.
#[derive(Debug)]
pub struct Archive {
    path: PathBuf,
    file: Arc<File>,
    container: Container,
    len: u64,
}

impl Archive {
    /// Opens the archive at `path` and looks at its first bytes, through gzip if need be.
    ///
    /// # Errors
    ///
    /// When the file is missing, unreadable, a directory or no regular file, or when it is no archive: the error says
    /// what it looks like and what to do.
    pub fn open(path: &Path) -> Result<Archive, ArchiveError> {
        let file = Arc::new(open_regular(path)?);
        let len = file.metadata().map_err(|source| open_error(path, source))?.len();
        let container = told_by_content(path, &file, len)?;
        Ok(Archive {
            path: path.to_owned(),
            file,
            container,
            len,
        })
    }

    /// How it is wrapped.
    pub fn container(&self) -> Container {
        self.container
    }

    /// The length of the file in bytes, when it was opened: the whole of what [`Walk::consumed`] counts.
    #[expect(
        clippy::len_without_is_empty,
        reason = "an empty file is no archive and is never open as one"
    )]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// The path it was opened by.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The open file, read-only: for its identity (device, inode, size, times).
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Starts a walk over the members, from the first. Several may run at once.
    ///
    /// # Errors
    ///
    /// When the spool of a compressed archive cannot be made.
    pub fn walk(&self, spool: SpoolOptions) -> Result<Walk, ArchiveError> {
        Walk::start(Arc::clone(&self.file), self.len, self.container, spool)
            .map_err(|source| ArchiveError::Spool { source })
    }
}

/// Opens a regular file. What it is is asked first: opening a pipe would wait for its other end.
fn open_regular(path: &Path) -> Result<File, ArchiveError> {
    let metadata = std::fs::metadata(path).map_err(|source| open_error(path, source))?;
    let kind = metadata.file_type();
    if kind.is_dir() {
        return Err(ArchiveError::Directory { path: path.to_owned() });
    }
    if !kind.is_file() {
        return Err(ArchiveError::NotRegular { path: path.to_owned() });
    }
    File::open(path).map_err(|source| open_error(path, source))
}

fn open_error(path: &Path, source: io::Error) -> ArchiveError {
    ArchiveError::Open {
        path: path.to_owned(),
        source,
    }
}

/// Tells the container, and makes sure that a tar is inside.
fn told_by_content(path: &Path, file: &Arc<File>, len: u64) -> Result<Container, ArchiveError> {
    let head = read_head(path, &mut FileSource::new(Arc::clone(file), len))?;
    let looks_like = match sniff(&head) {
        Sniffed::Container(Container::Tar) => return Ok(Container::Tar),
        Sniffed::Container(Container::Gzip) => {
            let inner = read_head(path, &mut GzipSource::new(Arc::clone(file)))?;
            match sniff(&inner) {
                Sniffed::Container(Container::Tar) => return Ok(Container::Gzip),
                inner => LooksLike::Gzipped(Box::new(inside_gzip(inner))),
            }
        }
        Sniffed::Zstd => {
            return Err(ArchiveError::Unsupported {
                path: path.to_owned(),
                format: "zstd",
            });
        }
        Sniffed::Other(other) => other,
    };
    Err(ArchiveError::NotAnArchive {
        path: path.to_owned(),
        looks_like,
    })
}

/// What a gzip stream holds that does not hold a tar.
fn inside_gzip(inner: Sniffed) -> LooksLike {
    let format = match inner {
        Sniffed::Other(other) => return other,
        Sniffed::Container(_) => "gzip again",
        Sniffed::Zstd => "zstd",
    };
    LooksLike::Known {
        format,
        advice: "decompress it once first: gzip -dc FILE > INNER",
    }
}

/// The first bytes of a stream.
fn read_head(path: &Path, source: &mut dyn Source) -> Result<Vec<u8>, ArchiveError> {
    let mut head = vec![0; SNIFF_BYTES];
    let filled = source.fill(&mut head).map_err(|fault| match fault {
        Fault::Read { offset, source } => ArchiveError::Read {
            path: path.to_owned(),
            offset,
            source,
        },
        Fault::Stream { file, kind } => {
            let place = Place { file, stream: Some(0) };
            ArchiveError::Damaged {
                path: path.to_owned(),
                damage: Damage {
                    place,
                    kind,
                    member: None,
                },
            }
        }
    })?;
    head.truncate(filled);
    Ok(head)
}

//! Opening an archive: what it is, told by content.

use std::fmt;
use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::buffered::Buffered;
use crate::directory::Listing;
use crate::error::{ArchiveError, Damage, Place, STANDARD_INPUT};
use crate::fingerprint::{Fingerprint, fingerprint};
use crate::gzip::Inflater;
use crate::prefix::Prefix;
use crate::raw::{Origin, RawBytes};
use crate::seek::SeekPoint;
use crate::sniff::{BOTH, LooksLike, SNIFF_BYTES, Sniffed, compressed_with, once, sniff};
use crate::source::{Fault, Pull, Source};
use crate::spool::{Spool, SpoolOptions};
use crate::stream::Stream;
use crate::walk::Walk;
use crate::zstd::Decoder;

/// How an archive is wrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Container {
    /// A plain tar: members are byte ranges of it.
    Tar,
    /// A tar in gzip, of one or several gzip members.
    Gzip,
    /// A tar in zstd, of one or several frames.
    Zstd,
    /// No container: files that lie loose in a directory.
    Files,
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tar => "tar",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Files => "a directory",
        })
    }
}

/// An archive that is open and known to be one.
#[derive(Debug)]
pub struct Archive {
    path: PathBuf,
    origin: Origin,
    container: Container,
    /// How many threads inflate it.
    inflate_threads: usize,
}

impl Archive {
    /// Opens the archive at `path` and looks at its first bytes, decompressed if need be. The path `-` is standard
    /// input, as for [`Archive::stdin`]; a directory is taken as [`Archive::directory`] does.
    ///
    /// # Errors
    ///
    /// When the file is missing, unreadable or no regular file, or when it is no archive: the error says what it looks
    /// like and what to do.
    pub fn open(path: &Path) -> Result<Archive, ArchiveError> {
        if path.as_os_str() == STANDARD_INPUT {
            return Archive::stdin();
        }
        if std::fs::metadata(path).is_ok_and(|metadata| metadata.is_dir()) {
            return Archive::directory(path, None);
        }
        let file = open_regular(path)?;
        let len = file.metadata().map_err(|source| open_error(path, source))?.len();
        let file = Arc::new(file);
        Archive::tell(path, Origin::File { file, len })
    }

    /// Takes the files of a directory, at any depth, for the members of an archive, in the order of the bytes of their
    /// names: their paths from the directory on. It lists them now; files that are made later are none of it. What is in the
    /// directory `except` is left out.
    ///
    /// # Errors
    ///
    /// When something of it cannot be listed.
    pub fn directory(path: &Path, except: Option<&Path>) -> Result<Archive, ArchiveError> {
        Ok(Archive {
            path: path.to_owned(),
            origin: Origin::Directory(Arc::new(Listing::of(path, except)?)),
            container: Container::Files,
            inflate_threads: 1,
        })
    }

    /// Takes standard input for an archive, whatever it is: a pipe, a file or a named pipe. It waits for the first
    /// bytes, and can be walked once.
    ///
    /// # Errors
    ///
    /// When it is a terminal, cannot be read, or when it is no archive.
    pub fn stdin() -> Result<Archive, ArchiveError> {
        let duplicate = io::stdin().as_fd().try_clone_to_owned();
        let duplicate = duplicate.map_err(|source| open_error(Path::new(STANDARD_INPUT), source))?;
        Archive::stream(File::from(duplicate))
    }

    /// Takes what a descriptor gives for an archive, from where it stands, as [`Archive::stdin`] does.
    ///
    /// # Errors
    ///
    /// As for [`Archive::stdin`].
    pub fn stream(file: File) -> Result<Archive, ArchiveError> {
        if file.is_terminal() {
            return Err(ArchiveError::Terminal);
        }
        let path = Path::new(STANDARD_INPUT);
        let stream = Stream::new(file).map_err(|source| open_error(path, source))?;
        Archive::tell(path, Origin::Stream(Arc::new(stream)))
    }

    fn tell(path: &Path, origin: Origin) -> Result<Archive, ArchiveError> {
        let container = told_by_content(path, &origin)?;
        Ok(Archive {
            path: path.to_owned(),
            origin,
            container,
            inflate_threads: 1,
        })
    }

    /// Has a compressed file decompressed by so many threads from its next walk on, besides the one that walks; 1, as it
    /// is at first, is that one alone. What is given is the same. For gzip they hold up to 5 MiB each for what they are at,
    /// and as much for what is to come; for zstd up to 25 MiB each, and 85 MiB besides. A small
    /// file, a stream, and from a zstd frame of more than 9 MiB on the rest of the file, is always decompressed by one.
    pub fn set_inflate_threads(&mut self, threads: usize) {
        self.inflate_threads = threads;
    }

    /// How it is wrapped.
    pub fn container(&self) -> Container {
        self.container
    }

    /// The length of the file in bytes, when it was opened, or of all files of a directory: the whole of what
    /// [`Walk::consumed`] counts. `None` for standard input.
    #[expect(
        clippy::len_without_is_empty,
        reason = "an empty file is no archive and is never open as one"
    )]
    pub fn len(&self) -> Option<u64> {
        match self.origin {
            Origin::File { len, .. } => Some(len),
            Origin::Directory(ref listing) => Some(listing.total()),
            Origin::Stream(_) => None,
        }
    }

    /// The path it was opened by; `-` for standard input.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The open file, read-only: for its identity (device, inode, size, times). `None` for standard input, of which
    /// nothing but what is read counts ([`Walk::prefix`]), and for a directory, whose files are looked at when they are read.
    pub fn file(&self) -> Option<&File> {
        match &self.origin {
            Origin::File { file, .. } => Some(file),
            Origin::Stream(_) | Origin::Directory(_) => None,
        }
    }

    /// What tells the file from another one, whatever its path and its times are. It reads the file: up to 64 MiB as a
    /// whole, 16 MiB of a larger one. Of a directory the names and lengths of its files count, and as much of their
    /// content. `None` for standard input.
    ///
    /// # Errors
    ///
    /// [`ArchiveError::Read`] when the file cannot be read, or became shorter since it was opened.
    pub fn fingerprint(&self) -> Result<Option<Fingerprint>, ArchiveError> {
        self.fingerprint_among(self.len().unwrap_or(0))
    }

    /// The same of one among archives that have `total` bytes together: of all of them as much is read as of one that is as
    /// large, though of each at least 64 KiB.
    ///
    /// # Errors
    ///
    /// As [`Archive::fingerprint`].
    pub fn fingerprint_among(&self, total: u64) -> Result<Option<Fingerprint>, ArchiveError> {
        let (file, len) = match &self.origin {
            Origin::File { file, len } => (file, *len),
            Origin::Directory(listing) => {
                let fingerprint = listing.fingerprint();
                return fingerprint.map(Some).map_err(|error| Box::new(error).into());
            }
            Origin::Stream(_) => return Ok(None),
        };
        match fingerprint(file, len, total) {
            Ok(fingerprint) => Ok(Some(fingerprint)),
            Err((offset, source)) => Err(ArchiveError::Read {
                path: self.path.clone(),
                offset,
                source,
            }),
        }
    }

    /// When it was modified, in words that can be compared: a time of the file in seconds, or a hash of the times of a
    /// directory's files. `None` for standard input, and where the system does not say.
    pub fn modified(&self) -> Option<String> {
        match &self.origin {
            Origin::File { file, .. } => {
                let metadata = file.metadata().ok()?;
                Some(format!("{}.{:09}", metadata.mtime(), metadata.mtime_nsec()))
            }
            Origin::Directory(listing) => Some(format!("{:016x}", listing.modified())),
            Origin::Stream(_) => None,
        }
    }

    /// Whether members are read where they lie in the file, so that no spool is needed.
    pub fn is_in_place(&self) -> bool {
        matches!(self.origin, Origin::File { .. }) && self.container == Container::Tar
    }

    /// A spool for walks over this archive; one without memory where it needs none. Of standard input it has to be this one.
    ///
    /// # Errors
    ///
    /// [`ArchiveError::Spool`].
    pub fn spool(&self, options: SpoolOptions) -> Result<Spool, ArchiveError> {
        match self.is_in_place() {
            true => Ok(Spool::without_memory()),
            false => Spool::with_stop(options, self.origin.stop()),
        }
    }

    /// Starts a walk over the members, from the first, with a spool of its own. Of a file several may run at once.
    ///
    /// # Errors
    ///
    /// When the spool of an archive that is no plain file cannot be made, and for the second walk over standard input.
    pub fn walk(&self, spool: SpoolOptions) -> Result<Walk, ArchiveError> {
        self.walk_in(self.spool(spool)?)
    }

    /// Starts a walk over the members, from the first, that stores what has to be stored in `spool`.
    ///
    /// # Errors
    ///
    /// For the second walk over standard input.
    pub fn walk_in(&self, spool: Spool) -> Result<Walk, ArchiveError> {
        if let Origin::Stream(stream) = &self.origin
            && !stream.begin_walk()
        {
            return Err(ArchiveError::ReadBefore);
        }
        Ok(Walk::start(
            self.origin.clone(),
            self.container,
            spool,
            self.inflate_threads,
        ))
    }
}

impl Archive {
    /// Starts a walk as [`Archive::walk_from_in`] does, with a spool of its own; `None` where it cannot begin at the point.
    ///
    /// # Errors
    ///
    /// As [`Archive::can_begin_at`] and [`Archive::spool`].
    pub fn walk_from(&self, point: SeekPoint, read: Prefix, spool: SpoolOptions) -> Result<Option<Walk>, ArchiveError> {
        match self.can_begin_at(&point, read)? {
            true => Ok(Some(self.walk_from_in(point, self.spool(spool)?))),
            false => Ok(None),
        }
    }

    /// Starts a walk over the members of a compressed file, from a point on that a walk over the same file has made
    /// ([`Archive::can_begin_at`]). What it gives, and what it tells of damage, is what an unbroken walk gives and tells from
    /// there on.
    pub fn walk_from_in(&self, point: SeekPoint, spool: Spool) -> Walk {
        Walk::begin_at(point, self.origin.clone(), self.container, spool, self.inflate_threads)
    }

    /// Whether a walk can begin at a point.
    ///
    /// `read` is what is known to have been read of the file, by which it is known again: the bytes between the point
    /// and its end are read and compared. Those before the point are not, so whether they are the same has to be known
    /// otherwise ([`Archive::fingerprint`]). [`Walk::prefix`] goes on with the hash of all of them.
    ///
    /// It cannot where the point is of another file, behind what was read, or the archive is not compressed as it is for the
    /// point.
    ///
    /// # Errors
    ///
    /// [`ArchiveError::Read`] when the file cannot be read.
    pub fn can_begin_at(&self, point: &SeekPoint, read: Prefix) -> Result<bool, ArchiveError> {
        Ok(point.fits(self.container) && self.continues(point.prefix(), read)? && point.file() <= read.bytes)
    }

    /// Whether the archive is a file whose bytes make the prefix `read` of the prefix `start`.
    fn continues(&self, start: Prefix, read: Prefix) -> Result<bool, ArchiveError> {
        let Origin::File { len, .. } = self.origin else {
            return Ok(false);
        };
        if start.bytes > read.bytes || read.bytes > len {
            return Ok(false);
        }
        let mut raw = RawBytes::after(self.origin.clone(), self.origin.stop(), start);
        raw.running().expect(read);
        match raw.settle() {
            Ok(()) => Ok(true),
            Err(Fault::Read { offset, source }) => Err(ArchiveError::Read {
                path: self.path.clone(),
                offset,
                source,
            }),
            Err(Fault::Differs(_) | Fault::Stream { .. } | Fault::Stopped) => Ok(false),
        }
    }
}

/// Opens a regular file. What it is is asked first: opening a pipe would wait for its other end.
fn open_regular(path: &Path) -> Result<File, ArchiveError> {
    let metadata = std::fs::metadata(path).map_err(|source| open_error(path, source))?;
    let kind = metadata.file_type();
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
fn told_by_content(path: &Path, origin: &Origin) -> Result<Container, ArchiveError> {
    let head = |container| {
        let raw = RawBytes::new(origin.clone(), origin.stop());
        read_head(path, &mut *in_order(raw, container))
    };
    let outer = head(Container::Tar)?;
    let looks_like = match sniff(&outer) {
        Sniffed::Container(Container::Tar) => {
            let inner = compressed_with(&outer).and_then(|with| head(with).ok());
            match inner.map(|inner| sniff(&inner)) {
                Some(Sniffed::Container(Container::Tar)) => BOTH,
                _ => return Ok(Container::Tar),
            }
        }
        Sniffed::Container(with) => {
            let inner = head(with);
            let is_told = inner.as_ref().is_ok_and(|inner| inner.len() == SNIFF_BYTES);
            if !is_told && origin.has_more_than_its_head() {
                // The walk will see what is inside.
                return Ok(with);
            }
            match sniff(&inner?) {
                Sniffed::Container(Container::Tar) => return Ok(with),
                inner => LooksLike::Compressed {
                    with,
                    inner: Box::new(inside(with, inner)),
                },
            }
        }
        Sniffed::Other(other) => other,
    };
    Err(ArchiveError::NotAnArchive {
        path: path.to_owned(),
        looks_like,
    })
}

/// What a compressed stream holds that does not hold a tar.
fn inside(with: Container, inner: Sniffed) -> LooksLike {
    let format = match inner {
        Sniffed::Other(other) => return other,
        Sniffed::Container(Container::Tar | Container::Files) => "tar",
        Sniffed::Container(Container::Gzip) if with == Container::Gzip => "gzip again",
        Sniffed::Container(Container::Gzip) => "gzip",
        Sniffed::Container(Container::Zstd) if with == Container::Zstd => "zstd again",
        Sniffed::Container(Container::Zstd) => "zstd",
    };
    LooksLike::Known {
        format,
        advice: once(with),
    }
}

/// The stream in a container, from its start, decompressed by the one who reads it.
pub(crate) fn in_order(raw: RawBytes, container: Container) -> Box<dyn Source> {
    match container {
        Container::Tar | Container::Files => Box::new(Buffered::new(raw)),
        Container::Gzip => Box::new(Buffered::new(Inflater::new(raw))),
        Container::Zstd => Box::new(Buffered::new(Decoder::new(raw))),
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
        Fault::Stream { kind, .. } if kind.is_refusal() => ArchiveError::Unsupported {
            path: path.to_owned(),
            reason: kind,
        },
        Fault::Stream { file, kind } => {
            let place = Place::in_file(file, Some(0));
            ArchiveError::Damaged {
                path: path.to_owned(),
                damage: Damage {
                    place,
                    kind,
                    member: None,
                },
            }
        }
        Fault::Differs(_) | Fault::Stopped => {
            unreachable!("before the walk nothing is expected, and nobody can stop it")
        }
    })?;
    head.truncate(filled);
    Ok(head)
}

//! Files that lie loose in a directory, taken as an archive.
//!
//! The members are what the directory holds, at any depth, in the order of the bytes of their names: paths from the
//! directory on, with slashes, such as `tar -C DIRECTORY` would give them. Directories are no members, and links are not
//! followed. All is listed once; a file that is not what it was then, before or after it is read, ends the walk. What is
//! made in the directory later is no part of it.
//!
//! Files are read in order, into the spool, since a worker can open none.

use std::fs::{File, FileType, Metadata, OpenOptions};
use std::hash::Hasher as _;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use twox_hash::XxHash3_64;
use walkdir::WalkDir;

use crate::error::{ArchiveError, WalkError};
use crate::fingerprint::{self, Fingerprint};
use crate::member::{Member, MemberKind};
use crate::raw::read_at_most;

/// What a directory held when it was listed.
pub(crate) struct Listing {
    root: PathBuf,
    /// All names, one behind the other.
    names: Vec<u8>,
    entries: Vec<Listed>,
    /// The bytes of all files.
    total: u64,
}

impl std::fmt::Debug for Listing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listing")
            .field("root", &self.root)
            .field("entries", &self.entries.len())
            .finish_non_exhaustive()
    }
}

/// One name in it.
struct Listed {
    /// Where the name ends; it begins where the one before ends.
    name_end: usize,
    kind: MemberKind,
    stamp: Stamp,
}

/// What tells whether a file is still what it was.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    len: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(metadata: &Metadata) -> Stamp {
        Stamp {
            device: metadata.dev(),
            inode: metadata.ino(),
            len: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

impl Listing {
    /// Lists what the directory holds, but for the directory `except`, if that is in it.
    pub(crate) fn of(root: &Path, except: Option<&Path>) -> Result<Listing, ArchiveError> {
        let failed = |path: &Path, source| ArchiveError::Open {
            path: path.to_owned(),
            source,
        };
        let except = except.and_then(|except| std::fs::metadata(except).ok());
        let is_wanted = |entry: &walkdir::DirEntry| {
            let is_it = |except: &Metadata| {
                let found = entry.metadata();
                found.is_ok_and(|found| (found.dev(), found.ino()) == (except.dev(), except.ino()))
            };
            !(entry.file_type().is_dir() && except.as_ref().is_some_and(is_it))
        };
        let mut found = Vec::new();
        for entry in WalkDir::new(root).min_depth(1).into_iter().filter_entry(is_wanted) {
            let entry = entry.map_err(|error| {
                let path = error.path().unwrap_or(root).to_owned();
                failed(&path, error.into())
            })?;
            if entry.file_type().is_dir() {
                continue;
            }
            let kind = kind(entry.file_type());
            let stamp = match kind {
                MemberKind::File => {
                    let metadata = entry.metadata().map_err(|error| failed(entry.path(), error.into()))?;
                    Stamp::of(&metadata)
                }
                _ => Stamp::default(),
            };
            let name = entry.path().strip_prefix(root).unwrap_or(entry.path());
            found.push((name.as_os_str().as_bytes().to_vec(), kind, stamp));
        }
        found.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        let mut listing = Listing {
            root: root.to_owned(),
            names: Vec::with_capacity(found.iter().map(|(name, ..)| name.len()).sum()),
            entries: Vec::with_capacity(found.len()),
            total: found.iter().map(|(.., stamp)| stamp.len).sum(),
        };
        for (name, kind, stamp) in found {
            listing.names.extend(name);
            listing.entries.push(Listed {
                name_end: listing.names.len(),
                kind,
                stamp,
            });
        }
        Ok(listing)
    }

    /// The bytes of all files.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    fn name(&self, index: usize) -> &[u8] {
        let start = index.checked_sub(1).map_or(0, |before| self.entries[before].name_end);
        &self.names[start..self.entries[index].name_end]
    }

    fn path(&self, index: usize) -> PathBuf {
        self.root.join(std::ffi::OsStr::from_bytes(self.name(index)))
    }

    /// Opens a file that is what it was.
    fn open(&self, index: usize) -> Result<File, WalkError> {
        let path = self.path(index);
        // Whatever stands in its place now, a pipe or a link to somewhere, is neither waited for nor followed.
        let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
        match OpenOptions::new().read(true).custom_flags(flags.bits()).open(&path) {
            Ok(file) => self.check(index, &file).map(|()| file),
            Err(source) if source.kind() == ErrorKind::PermissionDenied => Err(WalkError::Unreadable { path, source }),
            // The second is a link.
            Err(source)
                if [Errno::ENOENT, Errno::ELOOP]
                    .map(|errno| Some(errno as i32))
                    .contains(&source.raw_os_error()) =>
            {
                Err(WalkError::Changed { path })
            }
            Err(source) => Err(WalkError::ReadFile { path, source }),
        }
    }

    /// Makes sure that an open file is what it was.
    fn check(&self, index: usize, file: &File) -> Result<(), WalkError> {
        match file.metadata() {
            Ok(metadata) if Stamp::of(&metadata) == self.entries[index].stamp => Ok(()),
            Ok(_) => Err(WalkError::Changed { path: self.path(index) }),
            Err(source) => Err(WalkError::ReadFile {
                path: self.path(index),
                source,
            }),
        }
    }

    /// What tells the files from others, whatever their times are: the hash of all names, kinds and lengths, and of
    /// samples of the content as of a large archive, in which the files lie one behind the other.
    pub(crate) fn fingerprint(&self) -> Result<Fingerprint, WalkError> {
        let mut hasher = XxHash3_64::new();
        for (index, entry) in self.entries.iter().enumerate() {
            let name = self.name(index);
            hasher.write_u64(name.len() as u64);
            hasher.write(name);
            hasher.write_u8(u8::from(entry.kind == MemberKind::File));
            hasher.write_u64(entry.stamp.len);
        }
        let (mut index, mut begin) = (0, 0);
        let mut sample = Vec::new();
        for start in fingerprint::samples(self.total) {
            while begin + self.entries[index].stamp.len <= start {
                begin += self.entries[index].stamp.len;
                index += 1;
            }
            let at = start - begin;
            let len = (self.entries[index].stamp.len - at).min(fingerprint::BLOCK);
            sample.resize(len as usize, 0);
            match self.open(index) {
                Ok(file) => self.read_exact(index, &file, &mut sample, at)?,
                // It will be a member that fails.
                Err(WalkError::Unreadable { .. }) => sample.clear(),
                Err(error) => return Err(error),
            }
            hasher.write(&sample);
        }
        Ok(Fingerprint {
            len: self.total,
            hash: hasher.finish(),
        })
    }

    /// A hash of when all files were modified.
    pub(crate) fn modified(&self) -> u64 {
        let mut hasher = XxHash3_64::new();
        for entry in &self.entries {
            hasher.write_i64(entry.stamp.modified.0);
            hasher.write_i64(entry.stamp.modified.1);
        }
        hasher.finish()
    }

    fn read_exact(&self, index: usize, file: &File, mut out: &mut [u8], mut at: u64) -> Result<(), WalkError> {
        while !out.is_empty() {
            match read_at_most(file, out, at) {
                Ok(0) => return Err(WalkError::Changed { path: self.path(index) }),
                Ok(read) => {
                    out = &mut out[read..];
                    at += read as u64;
                }
                Err(source) => {
                    return Err(WalkError::ReadFile {
                        path: self.path(index),
                        source,
                    });
                }
            }
        }
        Ok(())
    }
}

fn kind(file_type: FileType) -> MemberKind {
    match file_type {
        _ if file_type.is_file() => MemberKind::File,
        _ if file_type.is_symlink() => MemberKind::SymbolicLink,
        _ if file_type.is_block_device() => MemberKind::BlockDevice,
        _ if file_type.is_char_device() => MemberKind::CharacterDevice,
        // So is a socket: nothing that could be read.
        _ => MemberKind::Fifo,
    }
}

/// The files of a listing, one after the other.
pub(crate) struct Files {
    listing: Arc<Listing>,
    /// How many were given.
    given: usize,
    /// Where the last one begins and ends, were all files one behind the other.
    begin: u64,
    end: u64,
    /// The last one, once its bytes are wanted, and how many of them were read.
    open: Option<(File, u64)>,
}

impl Files {
    pub(crate) fn new(listing: Arc<Listing>) -> Files {
        Files {
            listing,
            given: 0,
            begin: 0,
            end: 0,
            open: None,
        }
    }

    /// The next one, opened or not.
    pub(crate) fn next(&mut self) -> Option<Member> {
        let index = self.given;
        (self.begin, self.open) = (self.end, None);
        let entry = self.listing.entries.get(index)?;
        self.given += 1;
        self.end += entry.stamp.len;
        Some(Member {
            index: index as u64,
            name: self.listing.name(index).to_vec(),
            kind: entry.kind,
            header_offset: self.begin,
            data_offset: self.begin,
            size: entry.stamp.len,
        })
    }

    /// Opens the last one.
    pub(crate) fn open(&mut self) -> Result<(), WalkError> {
        self.open = Some((self.listing.open(self.given - 1)?, 0));
        Ok(())
    }

    /// The next bytes of the last one, which is open. When they are its last, it still has to be what it was.
    pub(crate) fn read(&mut self, out: &mut [u8]) -> Result<(), WalkError> {
        let index = self.given - 1;
        let Some((file, read)) = &mut self.open else {
            return Err(WalkError::Closed);
        };
        self.listing.read_exact(index, file, out, *read)?;
        *read += out.len() as u64;
        match *read == self.end - self.begin {
            true => self.listing.check(index, file),
            false => Ok(()),
        }
    }

    /// How many bytes of files were used up.
    pub(crate) fn consumed(&self) -> u64 {
        match &self.open {
            Some((_, read)) => self.begin + read,
            None => self.begin,
        }
    }
}

//! Every call of this crate to the file system.
//!
//! Each is a *point*: an operation that can be made to fail in test builds (the crate's feature `failpoints`). A call
//! that a signal interrupted (`EINTR`) is made again, and a write that took less than it was given goes on, so that
//! neither leaves a trace.
//!
//! That holds for `fsync` too, although an fsync that fails is never tried again: `EINTR` is no failure to write. The
//! kernel reports a page that it could not write as `EIO`, `ENOSPC` or `EDQUOT` and drops it; `EINTR` says that waiting
//! ended before the outcome was known (`fsync(2)`), every page that is not written is still dirty, and an error of
//! writeback is still to be reported to this descriptor. So the next call waits for the same pages and tells.

use std::fs::{self, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek as _, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::OFlag;

/// The kinds of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    /// Opening a file or a directory, creating a file too, or a second handle.
    Open,
    /// Writing to a file, cutting it too.
    Write,
    /// Making a file or a directory durable.
    Fsync,
    /// Giving a file another name, a second one too.
    Rename,
    /// Creating a directory.
    Mkdir,
    /// Removing a file or a directory.
    Unlink,
    /// Reading from a file, moving to another place in it, listing a directory, or looking at either.
    Read,
}

/// Something stands where a file of a dataset should.
fn odd(what: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, what)
}

/// A file or a directory that is open.
#[derive(Debug)]
pub(crate) struct File {
    file: fs::File,
}

impl File {
    /// Opens a directory.
    pub(crate) fn open_dir(path: &Path) -> io::Result<File> {
        let file = call(Op::Open, || {
            OpenOptions::new()
                .read(true)
                .custom_flags(OFlag::O_DIRECTORY.bits())
                .open(path)
        })?;
        Ok(File { file })
    }

    /// Opens a file that is there, for reading.
    pub(crate) fn open(path: &Path) -> io::Result<File> {
        File::open_as(path, OpenOptions::new().read(true))
    }

    /// Creates a file that is not there yet, for writing.
    pub(crate) fn create_new(path: &Path) -> io::Result<File> {
        File::open_as(path, OpenOptions::new().write(true).create_new(true))
    }

    /// Opens a file for writing, creating it if it is not there, and leaves what it holds.
    pub(crate) fn open_for_writing(path: &Path) -> io::Result<File> {
        File::open_as(path, OpenOptions::new().write(true).create(true).truncate(false))
    }

    /// Opens a file for reading and writing, at its start, creating it if it is not there.
    pub(crate) fn open_to_go_on(path: &Path) -> io::Result<File> {
        File::open_as(
            path,
            OpenOptions::new().read(true).write(true).create(true).truncate(false),
        )
    }

    /// Opens a regular file, and nothing else: what a link points at is not the dataset's, and a pipe would be waited for.
    fn open_as(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
        options.custom_flags((OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits());
        let file = match call(Op::Open, || options.open(path)) {
            Err(error) if error.raw_os_error() == Some(Errno::ELOOP as i32) => {
                return Err(odd("it is a symbolic link, and a dataset has none"));
            }
            opened => opened?,
        };
        match file.metadata()?.is_file() {
            true => Ok(File { file }),
            false => Err(odd("it is not a regular file")),
        }
    }

    /// Makes the contents durable; of a directory, the names in it.
    pub(crate) fn sync(&self) -> io::Result<()> {
        call(Op::Fsync, || self.file.sync_all())?;
        #[cfg(feature = "failpoints")]
        crate::failpoint::synced(&self.file);
        Ok(())
    }

    /// How many bytes the file holds.
    pub(crate) fn len(&self) -> io::Result<u64> {
        call(Op::Read, || self.file.metadata()).map(|metadata| metadata.len())
    }

    /// Cuts the file to `bytes` bytes, and goes on writing there.
    pub(crate) fn cut(&mut self, bytes: u64) -> io::Result<()> {
        call(Op::Write, || self.file.set_len(bytes))?;
        self.seek(bytes)
    }

    /// Goes on reading or writing at this byte.
    pub(crate) fn seek(&mut self, to: u64) -> io::Result<()> {
        call(Op::Read, || self.file.seek(SeekFrom::Start(to))).map(drop)
    }

    /// Another handle of the same file; they share one position.
    pub(crate) fn try_clone(&self) -> io::Result<File> {
        let file = call(Op::Open, || self.file.try_clone())?;
        Ok(File { file })
    }

    /// The file itself, to be locked.
    pub(crate) fn into_inner(self) -> fs::File {
        self.file
    }
}

impl Read for File {
    #[expect(
        clippy::disallowed_methods,
        reason = "an implementation of `read` may be as short as the one below it"
    )]
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        transfer(Op::Read, buf.len(), |len| self.file.read(&mut buf[..len]))
    }
}

impl Write for File {
    #[expect(
        clippy::disallowed_methods,
        reason = "an implementation of `write` may be as short as the one below it"
    )]
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        transfer(Op::Write, buf.len(), |len| self.file.write(&buf[..len]))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The contents of a file; `None` if it is not there.
pub(crate) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut contents = Vec::new();
    match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        result => result?.read_to_end(&mut contents)?,
    };
    Ok(Some(contents))
}

/// What stands at `path`, a link not followed; `None` if nothing does.
pub(crate) fn look_at(path: &Path) -> io::Result<Option<Metadata>> {
    match call(Op::Read, || fs::symlink_metadata(path)) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        result => result.map(Some),
    }
}

/// What stands at `path` or at what it links to.
pub(crate) fn metadata(path: &Path) -> io::Result<Metadata> {
    call(Op::Read, || fs::metadata(path))
}

/// The paths in a directory, in no particular order; none if it is not there.
pub(crate) fn list(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let list = || {
        fs::read_dir(dir)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect()
    };
    match call(Op::Read, list) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        result => result,
    }
}

/// Creates a directory.
pub(crate) fn make_dir(path: &Path) -> io::Result<()> {
    call(Op::Mkdir, || fs::create_dir(path))
}

/// Removes a file.
pub(crate) fn remove_file(path: &Path) -> io::Result<()> {
    call(Op::Unlink, || fs::remove_file(path))
}

/// Removes an empty directory.
pub(crate) fn remove_dir(path: &Path) -> io::Result<()> {
    call(Op::Unlink, || fs::remove_dir(path))
}

/// Renames `from` to `to`, whatever stands there.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    call(Op::Rename, || fs::rename(from, to))
}

/// Renames `from` to `to` unless something stands there (`renameat2` with `RENAME_NOREPLACE`).
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn rename_without_replacing(from: &Path, to: &Path) -> io::Result<()> {
    use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};

    let rename = || renameat2(AT_FDCWD, from, AT_FDCWD, to, RenameFlags::RENAME_NOREPLACE);
    call(Op::Rename, || rename().map_err(io::Error::from))
}

/// There is no such call here (nix binds it for glibc alone), so that a link and an unlink do it.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn rename_without_replacing(_from: &Path, _to: &Path) -> io::Result<()> {
    Err(io::Error::from(ErrorKind::Unsupported))
}

/// Gives the file `from` the name `to` as well, unless something stands there.
pub(crate) fn link(from: &Path, to: &Path) -> io::Result<()> {
    call(Op::Rename, || fs::hard_link(from, to))
}

/// One call, until no signal interrupts it.
fn call<T>(op: Op, mut run: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    transfer(op, 0, |_| run())
}

/// One call that moves at most `len` bytes, until no signal interrupts it.
fn transfer<T>(op: Op, len: usize, mut run: impl FnMut(usize) -> io::Result<T>) -> io::Result<T> {
    loop {
        match at_point(op, len, &mut run) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

#[cfg(not(feature = "failpoints"))]
fn at_point<T>(_op: Op, len: usize, run: &mut impl FnMut(usize) -> io::Result<T>) -> io::Result<T> {
    run(len)
}

#[cfg(feature = "failpoints")]
use crate::failpoint::at_point;

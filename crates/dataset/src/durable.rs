//! Changes to a directory tree that survive a crash.
//!
//! A file's contents are durable after its own fsync, its name only after the fsync of the directory it stands in
//! (`fsync(2)`). Each function here does both where it says so, and none tries a failed fsync again.

use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use nix::errno::Errno;

use crate::error::DatasetError;
use crate::files::{self, File};

/// Makes the names in the directory `path` durable, where the file system has a call for that.
pub(crate) fn sync_dir(path: &Path) -> Result<(), DatasetError> {
    let dir = File::open_dir(path).map_err(DatasetError::io("fsync", path))?;
    match dir.sync() {
        Err(error) if is_without_sync_of_directories(&error) => Ok(()),
        result => result.map_err(DatasetError::io("fsync", path)),
    }
}

/// Creates the directory and those above it that are missing, each of them durable. One that is there is fine.
///
/// Whoever made it may have ended before its name was durable, so that is seen to. Above it nothing is left to do: a
/// directory is only made in one whose name is durable.
pub(crate) fn create_dir(path: &Path) -> Result<(), DatasetError> {
    let parent = parent(path);
    if is_dir(path)? {
        return sync_readable_dir(parent);
    }
    if parent != path {
        create_dir(parent)?;
    }
    make_dir(path)?;
    sync_dir(parent)
}

/// Creates directories in `parent`, which is there, all of them durable. Those that are there are fine.
pub(crate) fn create_dirs_in(parent: &Path, mut paths: impl Iterator<Item = PathBuf>) -> Result<(), DatasetError> {
    paths.try_for_each(|path| make_dir(&path))?;
    sync_dir(parent)
}

/// Creates the directory unless it is there. Not yet durable.
fn make_dir(path: &Path) -> Result<(), DatasetError> {
    match files::make_dir(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists && is_dir(path)? => Ok(()),
        result => result.map_err(DatasetError::io("create the directory", path)),
    }
}

/// The same as [`sync_dir`] for a directory that others may have made, and that may not be ours to read: a directory
/// that was made by this crate is in one that it could read and fsync, or its run ended there with an error.
fn sync_readable_dir(path: &Path) -> Result<(), DatasetError> {
    match sync_dir(path) {
        Err(DatasetError::Io { error, .. }) if error.kind() == ErrorKind::PermissionDenied => Ok(()),
        result => result,
    }
}

/// Whether the file system has no fsync for directories, as some network and FUSE file systems say with EINVAL, EBADF or
/// ENOTSUP. Then a name is as durable as it gets, and failing every run there would help nobody; PostgreSQL's
/// `fsync_fname` passes over it too. None of the three tells of a write that failed.
fn is_without_sync_of_directories(error: &io::Error) -> bool {
    let errno = error.raw_os_error().map(Errno::from_raw);
    matches!(errno, Some(Errno::EINVAL | Errno::EBADF | Errno::ENOTSUP))
}

/// Whether there is a directory, or a link to one.
pub(crate) fn is_dir(path: &Path) -> Result<bool, DatasetError> {
    match files::metadata(path) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(false),
        result => result
            .map(|metadata| metadata.is_dir())
            .map_err(DatasetError::io("look at", path)),
    }
}

/// Whether anything stands at `path`, a link that leads nowhere too.
pub(crate) fn exists(path: &Path) -> Result<bool, DatasetError> {
    files::look_at(path)
        .map(|metadata| metadata.is_some())
        .map_err(DatasetError::io("look at", path))
}

/// Creates a file that is not there yet, for writing.
pub(crate) fn create_file(path: &Path) -> Result<File, DatasetError> {
    File::create_new(path).map_err(DatasetError::io("create", path))
}

/// Replaces the file `target` as a whole, durably: a reader, and whoever comes after a crash, sees the old contents or
/// the new. The contents are written to `draft`, which must be on the same file system.
pub(crate) fn replace_file(target: &Path, draft: &Path, contents: &[u8]) -> Result<(), DatasetError> {
    // A new file each time, not the one that an earlier attempt left: if its fsync failed, another would say nothing.
    remove_file(draft)?;
    let mut file = create_file(draft)?;
    file.write_all(contents).map_err(DatasetError::io("write", draft))?;
    file.sync().map_err(DatasetError::io("fsync", draft))?;
    drop(file);
    files::rename(draft, target).map_err(DatasetError::io("rename a finished file to", target))?;
    sync_dir(parent(target))
}

/// Renames `from` to `to`, on the same file system, unless something stands at `to`. Not yet durable.
pub(crate) fn rename_into_place(from: &Path, to: &Path) -> Result<(), DatasetError> {
    let renamed = match files::rename_without_replacing(from, to) {
        Err(error) if is_unsupported(&error) => link_without_replacing(from, to),
        result => result,
    };
    match renamed {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            Err(DatasetError::PartInTheWay { path: to.to_owned() })
        }
        result => result.map_err(DatasetError::io("rename a finished part to", to)),
    }
}

/// Whether a file in the directory `from` can be renamed into the directory `to`, by asking the kernel to rename what
/// cannot be renamed: `from/.` to `to/.`. Linux looks at the mounts first (EXDEV, also for two mounts of one file system),
/// and then at the names (EBUSY): `do_renameat2` in `fs/namei.c`. So nothing is ever moved, and readers see nothing.
pub(crate) fn can_rename_between(from: &Path, to: &Path) -> Result<bool, DatasetError> {
    match files::rename(&from.join("."), &to.join(".")) {
        Err(error) if error.kind() == ErrorKind::CrossesDevices => Ok(false),
        // Real trouble is told; any other way of saying no to the names is as good as Linux's.
        Err(error)
            if matches!(
                error.raw_os_error().map(Errno::from_raw),
                Some(Errno::EIO | Errno::ENOSPC) | None
            ) =>
        {
            Err(DatasetError::io("try a rename into", to)(error))
        }
        Ok(()) | Err(_) => Ok(true),
    }
}

/// Removes the file; one that is not there is fine.
pub(crate) fn remove_file(path: &Path) -> Result<(), DatasetError> {
    match files::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        result => result.map_err(DatasetError::io("remove", path)),
    }
}

/// Removes the directory if it is empty; one that is not, or that is not there, is left.
pub(crate) fn remove_dir_if_empty(path: &Path) -> Result<(), DatasetError> {
    match files::remove_dir(path) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::DirectoryNotEmpty) => Ok(()),
        result => result.map_err(DatasetError::io("remove the directory", path)),
    }
}

/// The directory in which `path` stands; `.` for a bare name.
pub(crate) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => path,
    }
}

/// Whether the kernel or the file system does not know `RENAME_NOREPLACE` (`rename(2)`: EINVAL from the file system,
/// ENOSYS from a kernel before 3.15).
fn is_unsupported(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::InvalidInput)
}

/// The same with a link, which never replaces. A crash between the two calls leaves both names; the one in `run/tmp`
/// goes when the run goes on.
fn link_without_replacing(from: &Path, to: &Path) -> io::Result<()> {
    files::link(from, to)?;
    files::remove_file(from)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// One way of renaming without replacing.
    type Rename = fn(&Path, &Path) -> io::Result<()>;

    #[test]
    fn neither_way_of_renaming_replaces_anything() {
        let ways: [(&str, Rename); 2] = [
            ("rename", files::rename_without_replacing),
            ("link", link_without_replacing),
        ];
        for (name, rename) in ways {
            let dir = tempfile::tempdir().expect("a directory");
            let [from, to] = ["from", "to"].map(|name| dir.path().join(name));
            fs::write(&from, "new").expect("writes");
            match rename(&from, &to) {
                Err(error) if is_unsupported(&error) => continue,
                result => result.expect(name),
            }
            assert_eq!(fs::read(&to).expect("reads"), b"new", "{name}");
            assert!(!from.exists(), "{name}");
            fs::write(&from, "newer").expect("writes");
            let error = rename(&from, &to).expect_err(name);
            assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{name}");
            assert_eq!(fs::read(&to).expect("reads"), b"new", "{name}");
            assert_eq!(fs::read(&from).expect("reads"), b"newer", "{name}");
        }
    }

    #[test]
    fn directories_are_created_with_those_above_them() {
        let dir = tempfile::tempdir().expect("a directory");
        let deep = dir.path().join("a/b/c");
        create_dir(&deep).expect("creates");
        create_dir(&deep).expect("one that is there is fine");
        assert!(deep.is_dir());
        fs::write(dir.path().join("file"), "").expect("writes");
        let error = create_dir(&dir.path().join("file/d"))
            .expect_err("a file is in the way")
            .to_string();
        assert!(
            error.contains("create the directory") && error.contains("in the way"),
            "{error}"
        );
    }

    #[test]
    fn removing_what_is_not_there_is_fine_and_full_directories_stay() {
        let dir = tempfile::tempdir().expect("a directory");
        remove_file(&dir.path().join("nothing")).expect("fine");
        remove_dir_if_empty(&dir.path().join("nothing")).expect("fine");
        let full = dir.path().join("full");
        create_dir(&full.join("empty")).expect("creates");
        remove_dir_if_empty(&full).expect("left");
        assert!(full.is_dir());
        remove_dir_if_empty(&full.join("empty")).expect("removes");
        assert!(!full.join("empty").exists());
    }
}

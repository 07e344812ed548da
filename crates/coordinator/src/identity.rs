//! Whether an archive is still the one that was opened.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::error::RunError;

/// What an archive's file was at the start of a run.
#[derive(Debug)]
pub(crate) struct Identity {
    path: PathBuf,
    file: File,
    then: Metadata,
}

impl Identity {
    /// Looks at an archive that was just opened.
    pub(crate) fn of(path: &Path, file: &File) -> io::Result<Identity> {
        Ok(Identity {
            path: path.to_owned(),
            file: file.try_clone()?,
            then: file.metadata()?,
        })
    }

    /// Refuses an archive that is another than it was, in the file that is open or under its name.
    pub(crate) fn check(&self) -> Result<(), RunError> {
        let now = self.file.metadata().map_err(|error| RunError::Start {
            what: "looking at the archive",
            error,
        })?;
        let then = &self.then;
        let named = std::fs::metadata(&self.path).ok();
        let named = named.is_some_and(|named| (named.dev(), named.ino()) == (then.dev(), then.ino()));
        let what = match () {
            () if now.len() != then.len() => "its size",
            () if (now.mtime(), now.mtime_nsec()) != (then.mtime(), then.mtime_nsec()) => "its time of modification",
            () if !named => "the file of that name",
            // Writing changes this one too, and nobody can set it back. So does a new link or owner; those do no harm,
            // but cannot be told apart.
            () if (now.ctime(), now.ctime_nsec()) != (then.ctime(), then.ctime_nsec()) => "its time of change",
            () => return Ok(()),
        };
        Err(RunError::ArchiveChanged {
            archive: self.path.clone(),
            what,
        })
    }
}

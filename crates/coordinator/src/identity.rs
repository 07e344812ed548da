//! Whether an archive is still the one that was opened.

use std::fs::{File, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::error::RunError;

/// What an archive's file was at the start of a run. It holds no descriptor: there may be ten thousand archives.
#[derive(Debug)]
pub(crate) struct Identity {
    path: PathBuf,
    then: Metadata,
}

impl Identity {
    /// Looks at an archive that was just opened.
    ///
    /// # Errors
    ///
    /// [`RunError::Start`] when the system does not say what the file is.
    pub(crate) fn of(path: &Path, file: &File) -> Result<Identity, RunError> {
        Ok(Identity {
            path: path.to_owned(),
            then: file.metadata().map_err(unknown)?,
        })
    }

    /// When it was modified, in seconds.
    pub(crate) fn modified(&self) -> String {
        format!("{}.{:09}", self.then.mtime(), self.then.mtime_nsec())
    }

    /// Refuses an archive that is another than it was, under its name: the file of that name is another, or was written to.
    pub(crate) fn check(&self) -> Result<(), RunError> {
        self.compare(std::fs::metadata(&self.path).ok().as_ref())
    }

    /// Refuses a file that is another than it was.
    pub(crate) fn check_file(&self, file: &File) -> Result<(), RunError> {
        self.compare(Some(&file.metadata().map_err(unknown)?))
    }

    fn compare(&self, now: Option<&Metadata>) -> Result<(), RunError> {
        let then = &self.then;
        let now = now.filter(|now| (now.dev(), now.ino()) == (then.dev(), then.ino()));
        let what = match now {
            None => "the file of that name",
            Some(now) if now.len() != then.len() => "its size",
            Some(now) if (now.mtime(), now.mtime_nsec()) != (then.mtime(), then.mtime_nsec()) => {
                "its time of modification"
            }
            // Writing changes this one too, and nobody can set it back. So does a new link or owner; those do no harm,
            // but cannot be told apart.
            Some(now) if (now.ctime(), now.ctime_nsec()) != (then.ctime(), then.ctime_nsec()) => "its time of change",
            Some(_) => return Ok(()),
        };
        Err(RunError::ArchiveChanged {
            archive: self.path.clone(),
            what,
        })
    }
}

fn unknown(error: std::io::Error) -> RunError {
    RunError::Start {
        what: "looking at the archive",
        error,
    }
}

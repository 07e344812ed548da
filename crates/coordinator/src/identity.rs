//! Whether an archive is still the one that was opened.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use tarquet_archive::Archive;

use crate::error::RunError;

/// What an archive was at the start of a run.
#[derive(Debug)]
pub(crate) struct Identity {
    path: PathBuf,
    archive: Archive,
    then: Metadata,
}

impl Identity {
    /// Looks at an archive that was just opened.
    pub(crate) fn of(archive: Archive) -> Result<Identity, RunError> {
        let path = archive.path().to_owned();
        let then = look(&archive)?;
        Ok(Identity { path, archive, then })
    }

    /// Refuses an archive that is another than it was, in the file that is open or under its name.
    pub(crate) fn check(&self) -> Result<(), RunError> {
        let (now, then) = (look(&self.archive)?, &self.then);
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

fn look(archive: &Archive) -> Result<Metadata, RunError> {
    let looked = archive.file().metadata();
    looked.map_err(|error| RunError::Start {
        what: "reading the archive",
        error,
    })
}

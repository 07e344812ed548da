//! What workers read from, as the coordinator holds it: whose descriptor they are sent.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;

use tarquet_archive::ArchiveError;
use tarquet_wire::source::SourceId;

use crate::error::RunError;
use crate::identity::Identity;

/// The spool's number. Archives that workers read themselves have those behind it, in their order.
const SPOOL: SourceId = SourceId(0);

/// Something that workers read byte ranges of.
#[derive(Debug)]
pub(crate) struct WorkerSource {
    id: SourceId,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// It is open as long as the run.
    Open(OwnedFd),
    /// It is opened whenever a worker is to be sent it: of ten thousand archives, no more are open than are being read.
    Named { path: PathBuf, identity: Arc<Identity> },
}

impl WorkerSource {
    /// The spool.
    pub(crate) fn spool(descriptor: OwnedFd) -> WorkerSource {
        WorkerSource {
            id: SPOOL,
            kind: Kind::Open(descriptor),
        }
    }

    /// The only archive, a plain tar that is open.
    pub(crate) fn only(descriptor: OwnedFd) -> WorkerSource {
        WorkerSource {
            id: SourceId(SPOOL.0 + 1),
            kind: Kind::Open(descriptor),
        }
    }

    /// The plain tar in this position among several.
    pub(crate) fn of_several(position: usize, path: PathBuf, identity: Arc<Identity>) -> WorkerSource {
        WorkerSource {
            id: SourceId(SPOOL.0 + 1 + position as u64),
            kind: Kind::Named { path, identity },
        }
    }

    /// Its number.
    pub(crate) fn id(&self) -> SourceId {
        self.id
    }

    /// Whether it is the spool, to which ranges are given back.
    pub(crate) fn is_spool(&self) -> bool {
        self.id == SPOOL
    }

    /// Its descriptor, for reading only, for `send`.
    ///
    /// # Errors
    ///
    /// [`RunError::ArchiveChanged`] where the file is another than it was, [`RunError::Archive`] where it cannot be opened.
    pub(crate) fn with_descriptor<T>(&self, send: impl FnOnce(&dyn AsFd) -> T) -> Result<T, RunError> {
        match &self.kind {
            Kind::Open(descriptor) => Ok(send(descriptor)),
            Kind::Named { path, identity } => {
                let file = File::open(path).map_err(|source| {
                    let path = path.clone();
                    RunError::Archive(ArchiveError::Open { path, source })
                })?;
                identity.check_file(&file)?;
                Ok(send(&file))
            }
        }
    }
}

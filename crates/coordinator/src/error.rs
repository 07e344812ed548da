//! Why a run did not finish.

use std::io;
use std::path::PathBuf;

use tarquet_archive::{ArchiveError, WalkError};
use tarquet_dataset::DatasetError;
use tarquet_feature_map::SchemaError;
use thiserror::Error;

use crate::machine::Death;
use crate::resume::Difference;

/// Why a run did not finish.
#[derive(Debug, Error)]
pub enum RunError {
    /// The archive cannot be opened.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The archive cannot be read to its end.
    #[error(transparent)]
    Walk(#[from] WalkError),
    /// A worker cannot read the archive.
    #[error("cannot read the archive at member {member:?}: {error}")]
    Source {
        /// The member that it was reading.
        member: String,
        /// What the system said.
        error: String,
    },
    /// The archive is not what it was at the start.
    #[error(
        "{archive:?} changed while it was read: {what} is another. Nothing more was committed. --resume goes on if the content is what it was; else --overwrite begins \
         anew"
    )]
    ArchiveChanged {
        /// The archive.
        archive: PathBuf,
        /// What differs.
        what: &'static str,
    },
    /// What is to be resumed is another run.
    #[error(
        "cannot resume in {out_dir:?}: the run there was begun with something else.{}\nResume with what it was begun \
         with, or start again with --overwrite",
        listed(differences)
    )]
    Another {
        /// The dataset's directory.
        out_dir: PathBuf,
        /// What differs.
        differences: Vec<Difference>,
    },
    /// A map that tarquet wrote itself cannot be read.
    #[error("the resolved feature map that the ledger holds cannot be used: {error}")]
    Map {
        /// What is wrong with it.
        error: String,
    },
    /// The archive has fewer members than the run that is resumed had committed.
    #[error(
        "the archive is not the one that the run was begun with: {lacking} fewer of its members are wanted than were \
         committed. Resume with the same archive, or start again with --overwrite"
    )]
    FewerMembers {
        /// How many it lacks.
        lacking: u64,
    },
    /// The dataset cannot be written.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The resolved plan has no schema.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// A process or a thread cannot be started.
    #[error("cannot start {what}: {error}{}", remedy(error))]
    Start {
        /// What.
        what: &'static str,
        /// What the system said.
        error: io::Error,
    },
    /// A thread of this process panicked, which is a bug.
    #[error("{what} panicked; this is a bug of tarquet. What is committed stays")]
    Panicked {
        /// Whose thread.
        what: &'static str,
    },
    /// Workers die one after the other.
    #[error(
        "worker after worker died and nothing got done; the last one {death}{}",
        said(last_lines)
    )]
    Workers {
        /// How the last one died.
        death: Death,
        /// What it said last.
        last_lines: Vec<String>,
    },
    /// The sandbox stops one worker after the other.
    #[error(
        "the sandbox stops worker after worker; the last one {death}{}\nEither the archive is made to take workers over, and they \
         are held; or this system's C library makes a call that tarquet does not know, which is a bug to report. For an \
         archive that is to be trusted, --sandbox off goes on without (members that are in failed.log stay there: \
         --overwrite begins anew)",
        said(last_lines)
    )]
    Sandboxed {
        /// How the last one died.
        death: Death,
        /// What it said last.
        last_lines: Vec<String>,
    },
    /// The sandbox is required, and workers cannot lock themselves in.
    #[error("{}", lacking(lacks))]
    Sandbox {
        /// What they lack, each a clause.
        lacks: Vec<String>,
    },
    /// Somebody stopped the run.
    #[error("stopped")]
    Stopped,
}

impl RunError {
    /// Whether what was delivered before can still be committed: the archive and the dataset are sound.
    pub(crate) fn spares_the_dataset(&self) -> bool {
        match self {
            RunError::Stopped
            | RunError::Workers { .. }
            | RunError::Sandboxed { .. }
            | RunError::Sandbox { .. }
            | RunError::Source { .. }
            | RunError::Start { .. } => true,
            RunError::Walk(error) => !matches!(error, WalkError::PrefixDiffers(_)),
            RunError::Archive(_)
            | RunError::ArchiveChanged { .. }
            | RunError::Another { .. }
            | RunError::Map { .. }
            | RunError::FewerMembers { .. }
            | RunError::Dataset(_)
            | RunError::Schema(_)
            | RunError::Panicked { .. } => false,
        }
    }

    /// Whether the same run can go on where it stopped, once what was wrong is mended.
    pub fn can_be_resumed(&self) -> bool {
        self.spares_the_dataset()
            || matches!(
                self,
                RunError::Dataset(_) | RunError::Panicked { .. } | RunError::ArchiveChanged { .. }
            )
    }
}

/// Differences, each on a line of its own.
fn listed(differences: &[Difference]) -> String {
    differences
        .iter()
        .map(|difference| format!("\n  {difference}"))
        .collect()
}

/// Why there is no sandbox, where one is required.
pub(crate) fn lacking(lacks: &[String]) -> String {
    format!(
        "workers cannot lock themselves in, as --sandbox require demands: {}. --sandbox auto goes on with what the system \
         has",
        lacks.join("; ")
    )
}

/// What to do about an error of the system, behind a message.
fn remedy(error: &io::Error) -> &'static str {
    const TOO_MANY_OPEN_FILES: i32 = 24;
    match error.raw_os_error() {
        Some(TOO_MANY_OPEN_FILES) => ". Allow more (ulimit -n), or lower --workers",
        _ => "",
    }
}

/// A worker's last lines, behind a message.
pub(crate) fn said(lines: &[String]) -> String {
    match lines {
        [] => String::new(),
        lines => format!(". It said last:\n  {}", lines.join("\n  ")),
    }
}

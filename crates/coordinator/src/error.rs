//! Why a run did not finish.

use std::io;
use std::path::PathBuf;

use tarquet_archive::{ArchiveError, WalkError};
use tarquet_dataset::DatasetError;
use tarquet_feature_map::SchemaError;
use thiserror::Error;

use crate::machine::Death;

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
        "{archive:?} changed while it was read: {what} is another. Nothing more was written; start again with --overwrite"
    )]
    ArchiveChanged {
        /// The archive.
        archive: PathBuf,
        /// What differs.
        what: &'static str,
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
    #[error("{what} panicked; this is a bug of tarquet. What is published stays")]
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
    /// Somebody stopped the run.
    #[error("stopped")]
    Stopped,
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

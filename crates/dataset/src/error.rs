//! What can go wrong, said so that the reader knows what to do.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use arrow_schema::ArrowError;
use parquet::errors::ParquetError;

/// Why a dataset cannot be begun, continued or published.
///
/// A message is whole: it holds the cause's text, so [`std::error::Error::source`] gives nothing more.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// The operating system refused something.
    #[error("cannot {action} {}: {error}; {}", path.display(), advice(error))]
    Io {
        /// What was tried, as a verb: `create the directory`, `write`, `fsync`, …
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the operating system said.
        error: io::Error,
    },

    /// The directory holds a dataset and may not be overwritten.
    #[error(
        "{} already holds a dataset of {parts} part(s): choose another --out-dir, or replace it with --overwrite",
        dir.display()
    )]
    Exists {
        /// The dataset's directory.
        dir: PathBuf,
        /// How many parts its ledger names.
        parts: usize,
    },

    /// The directory holds a dataset that is not finished and may not be overwritten.
    #[error(
        "{} already holds an unfinished dataset of {parts} part(s): go on with it with --resume, replace it with --overwrite, \
         or choose another --out-dir",
        dir.display()
    )]
    Unfinished {
        /// The dataset's directory.
        dir: PathBuf,
        /// How many parts its ledger names.
        parts: usize,
    },

    /// The directory holds a dataset that was being replaced when that was cut off.
    #[error(
        "{} holds what is left of a dataset that was being replaced with --overwrite when that run was cut off: run again \
         with --overwrite or --resume, either of which starts from nothing, or choose another --out-dir",
        dir.display()
    )]
    HalfReplaced {
        /// The dataset's directory.
        dir: PathBuf,
    },

    /// There is no run that could go on.
    #[error("{} holds no run that could be resumed: run without --resume", dir.display())]
    NotResumable {
        /// The directory.
        dir: PathBuf,
    },

    /// The directory is not the one that was taken.
    #[error(
        "{} was moved or removed while this run was writing to it, and nothing more is written there: move it back and run \
         again with --resume, or begin anew",
        dir.display()
    )]
    Moved {
        /// The dataset's directory.
        dir: PathBuf,
    },

    /// A finished dataset was given more. A defect of whoever did it, not of the input.
    #[error("the dataset in {} is finished and takes nothing more; this is a defect in tarquet, please report it", dir.display())]
    Finished {
        /// The dataset's directory.
        dir: PathBuf,
    },

    /// What was published was asked of a dataset that is not finished. A defect of whoever asked, not of the input.
    #[error("the dataset in {} is not finished; this is a defect in tarquet, please report it", dir.display())]
    NotFinished {
        /// The dataset's directory.
        dir: PathBuf,
    },

    /// There is nothing to verify.
    #[error("{} holds no dataset of tarquet: there is no {}", dir.display(), ledger.display())]
    NoDataset {
        /// The directory.
        dir: PathBuf,
        /// Where the ledger would be.
        ledger: PathBuf,
    },

    /// A run cannot go on with other tables.
    #[error(
        "cannot resume the run in {}: its features are {committed:?}, those of the feature map now are {given:?}; take the \
         map it was begun with, or start anew with --overwrite",
        dir.display()
    )]
    TablesDiffer {
        /// The dataset's directory.
        dir: PathBuf,
        /// The tables it was begun with.
        committed: Vec<String>,
        /// The tables of now.
        given: Vec<String>,
    },

    /// The resolved map is not the one that the run was begun with.
    #[error(
        "cannot resume: {} was changed since the run began, and a run cannot go on with another map; put it back (or remove \
         it: it will be written again as it was), or start anew with --overwrite",
        path.display()
    )]
    MapChanged {
        /// The resolved map.
        path: PathBuf,
    },

    /// A log is shorter than it was.
    #[error(
        "cannot resume: {} has {found} bytes, but {committed} were committed, so lines of it are lost: put it back, or start \
         anew with --overwrite",
        path.display()
    )]
    LogCut {
        /// The log.
        path: PathBuf,
        /// Its length in bytes.
        found: u64,
        /// The length that was committed, in bytes.
        committed: u64,
    },

    /// A log does not begin with the lines that were committed.
    #[error(
        "cannot resume: {} was changed: what was committed of it has another checksum; put it back, or start anew with \
         --overwrite",
        path.display()
    )]
    LogChanged {
        /// The log.
        path: PathBuf,
    },

    /// A part is not what the ledger says.
    #[error(
        "cannot resume: {} {fault}; see what else is wrong with `tarquet verify`, then put it back, or start anew with \
         --overwrite",
        path.display()
    )]
    Part {
        /// The part.
        path: PathBuf,
        /// What is wrong with it.
        fault: PartFault,
    },

    /// The file of a checkpoint cannot be used or written.
    #[error("the checkpoint {} {fault}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: CheckpointFault,
    },

    /// Another run holds the directory's lock.
    #[error(
        "another run is writing to {} (it holds {}): wait for it to end, or choose another --out-dir",
        dir.display(), lock.display()
    )]
    Locked {
        /// The dataset's directory.
        dir: PathBuf,
        /// The lock.
        lock: PathBuf,
    },

    /// Something that no ledger names stands where the dataset's own files go. Nothing was deleted.
    #[error(
        "{} is in the way and was not made by tarquet as far as the ledger in this directory tells; nothing was deleted: \
         move it away, or choose another --out-dir",
        path.display()
    )]
    Foreign {
        /// What is in the way.
        path: PathBuf,
    },

    /// A part cannot be renamed into place: something came to stand there during the run.
    #[error(
        "cannot publish {}: something stands there already, made by someone else; it was left as it is: move it away \
         and run again with --resume",
        path.display()
    )]
    PartInTheWay {
        /// Where the part belongs.
        path: PathBuf,
    },

    /// Parts could not be renamed from one directory to the other.
    #[error(
        "{} and {} are on different file systems or mounts, so finished parts cannot be renamed into place: choose an --out-dir that \
         lies within one mount of one file system",
        one.display(), other.display()
    )]
    FileSystems {
        /// Where parts are written.
        one: PathBuf,
        /// Where they are published.
        other: PathBuf,
    },

    /// The ledger that is there cannot be used.
    #[error(
        "cannot use the ledger {}: {fault}; nothing was deleted: choose another --out-dir, or look through this directory \
         and remove what is no longer wanted by hand",
        path.display()
    )]
    Ledger {
        /// The ledger.
        path: PathBuf,
        /// What is wrong with it.
        fault: LedgerFault,
    },

    /// An option is outside what is possible.
    #[error("{option} is {value}, but must be {allowed}")]
    Option {
        /// The option's name on the command line.
        option: &'static str,
        /// Its value.
        value: u64,
        /// What it may be.
        allowed: &'static str,
    },

    /// Two tables have the same name.
    #[error("two tables are named {name:?}: every feature needs a name of its own")]
    DuplicateTable {
        /// The name.
        name: String,
    },

    /// A unit contradicts itself or the tables. A defect of whoever made the unit, not of the input.
    #[error("a unit of rows is inconsistent: {0}; this is a defect in tarquet, please report it")]
    Unit(UnitFault),

    /// Rows cannot be put together.
    #[error("cannot put together the rows of table {table:?}: {error}; this is a defect in tarquet, please report it")]
    Rows {
        /// The table.
        table: String,
        /// What arrow said.
        error: ArrowError,
    },

    /// A part cannot be encoded as Parquet, for a reason other than I/O.
    #[error("cannot encode {}: {error}; this is a defect in tarquet, please report it", path.display())]
    Encode {
        /// The part, in `run/tmp`.
        path: PathBuf,
        /// What the Parquet writer said.
        error: ParquetError,
    },

    /// An encoder thread panicked.
    #[error("encoding a part of table {table:?} panicked: {message}; this is a defect in tarquet, please report it")]
    EncoderPanicked {
        /// The table.
        table: String,
        /// The panic's message.
        message: String,
    },

    /// No encoder thread can be started.
    #[error("cannot start a thread that encodes parts: {error}; raise the limit on threads (ulimit -u) or free memory")]
    Thread {
        /// What the operating system said.
        error: io::Error,
    },

    /// All encoder threads ended before their work was done.
    #[error("the threads that encode parts have all ended; this is a defect in tarquet, please report it")]
    EncodersGone,

    /// The summary cannot be written as JSON.
    #[error("cannot write {} as JSON: {error}", path.display())]
    Summary {
        /// The summary.
        path: PathBuf,
        /// What the serializer said.
        error: serde_json::Error,
    },

    /// An earlier call failed; the dataset takes nothing more.
    #[error("the dataset in {} was stopped by an earlier error", dir.display())]
    Stopped {
        /// The dataset's directory.
        dir: PathBuf,
    },
}

impl DatasetError {
    /// For `map_err`: the operating system refused `action` on `path`.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> DatasetError {
        move |error| DatasetError::Io {
            action,
            path: path.to_owned(),
            error,
        }
    }
}

/// What is wrong with a ledger.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerFault {
    /// It is not the JSON that this crate writes.
    #[error("it is damaged ({0})")]
    Json(serde_json::Error),
    /// It was written by a version with another format.
    #[error("it has format {found}, this version of tarquet knows format {known}")]
    Format {
        /// The format it has.
        found: u32,
        /// The format that is known.
        known: u32,
    },
    /// It does not say what was written.
    #[error("its checksum does not match: it was edited or damaged")]
    Checksum,
    /// It names a directory or a file that no run makes.
    #[error("it names {name:?}, where a run would have made {expected:?}")]
    Name {
        /// The name it has.
        name: String,
        /// The name that belongs there.
        expected: String,
    },
    /// Its numbers contradict each other.
    #[error("it is damaged ({what})")]
    Contradiction {
        /// The contradiction.
        what: &'static str,
    },
}

/// What is wrong with a part.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PartFault {
    /// It is neither where it belongs nor in `run/tmp`.
    #[error("is not there")]
    Missing,
    /// It is not as long as it was.
    #[error("has {found} bytes, but {expected} were written")]
    Length {
        /// Its length in bytes.
        found: u64,
        /// What it was when it was written, in bytes.
        expected: u64,
    },
    /// Its contents are not those that were written.
    #[error("is not what was written there: its checksum differs")]
    Changed,
}

impl PartFault {
    pub(crate) fn at(self, path: PathBuf) -> DatasetError {
        DatasetError::Part { path, fault: self }
    }
}

/// What is wrong with the file of a checkpoint.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointFault {
    /// It is not there.
    #[error("is missing: put it back, or start anew with --overwrite")]
    Missing,
    /// Its contents are not those that were written.
    #[error(
        "is not what was written there (its length or checksum differs): put it back, or start anew with --overwrite"
    )]
    Changed,
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Read(io::Error),
    /// It is no Arrow IPC stream, although its checksum is right.
    #[error("cannot be decoded: {0}; this is a defect in tarquet, please report it")]
    Decode(ArrowError),
    /// Decoding it panicked.
    #[error("cannot be decoded: its decoder panicked; this is a defect in tarquet, please report it")]
    Panic,
    /// The types of its columns are not those of the tables.
    #[error("holds columns of other types than the feature map of now: take the map that the run was begun with")]
    Schema,
    /// It does not have the rows that the ledger says.
    #[error("holds {found} rows of table {table:?}, the ledger says {expected}; start anew with --overwrite")]
    Rows {
        /// The table.
        table: String,
        /// The rows it has.
        found: u64,
        /// The rows it should have.
        expected: u64,
    },
    /// It cannot be encoded, for a reason other than I/O.
    #[error("cannot be encoded: {0}; this is a defect in tarquet, please report it")]
    Encode(ArrowError),
}

impl CheckpointFault {
    pub(crate) fn at(self, path: &Path) -> DatasetError {
        match self {
            CheckpointFault::Read(error) => DatasetError::io("read", path)(error),
            fault => DatasetError::Checkpoint {
                path: path.to_owned(),
                fault,
            },
        }
    }
}

/// How a [`Unit`](crate::Unit) contradicts itself or the tables.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnitFault {
    /// More members failed than it closes.
    #[error("it closes {members} members, of which {failed} failed")]
    Members {
        /// The members.
        members: u64,
        /// The failed ones of them.
        failed: u64,
    },
    /// `rows` or `bytes` does not have one entry a document and table.
    #[error("`{field}` has {found} entries, not {documents} documents × {tables} tables")]
    Shape {
        /// `rows` or `bytes`.
        field: &'static str,
        /// How many entries it has.
        found: usize,
        /// The unit's documents.
        documents: usize,
        /// The dataset's tables.
        tables: usize,
    },
    /// A batch is for a table that is not there.
    #[error("a batch is for table {table}, but there are {tables}, counted from 0")]
    Table {
        /// The table's index.
        table: usize,
        /// The dataset's tables.
        tables: usize,
    },
    /// A table's batches do not have the rows that the documents account for.
    #[error("the documents account for {declared} rows of table {table:?}, the batches hold {delivered}")]
    Rows {
        /// The table.
        table: String,
        /// The sum of `rows`.
        declared: u64,
        /// The rows of the batches.
        delivered: u64,
    },
    /// A batch does not have its table's columns.
    #[error("a batch for table {table:?} does not have its columns: {why}")]
    Columns {
        /// The table.
        table: String,
        /// The difference.
        why: String,
    },
}

/// What to do about an error of the operating system.
fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "free space there and run again with --resume",
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => "make it writable, or choose another --out-dir",
        ErrorKind::AlreadyExists | ErrorKind::NotADirectory | ErrorKind::IsADirectory => {
            "move what is in the way, or choose another --out-dir"
        }
        ErrorKind::InvalidFilename => "shorten the feature's name or the path of --out-dir",
        ErrorKind::CrossesDevices => {
            "run/ and features_raw/ must be on one mount of one file system: choose another --out-dir"
        }
        _ => "once the cause is removed, run again with --resume; parts that are published are whole",
    }
}

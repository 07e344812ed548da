//! Parts of Parquet, their publication, checkpoints, the ledger and the logs of a run.
//!
//! [`Target::claim`] takes a directory; [`Target::begin`] makes it ready for a run's tables, or [`Target::resume`] goes on
//! with the run that is there. A [`Dataset`] then takes [`Unit`]s of whole documents, in archive order.
//! [`Dataset::checkpoint`] commits what it has, [`Dataset::finish`] all of it. [`verify()`] holds a directory against its
//! ledger.
//!
//! ```text
//! DIR/
//!   features_raw/feature=<name>/part-00000.parquet   nothing but finished Parquet is ever in here
//!   failed.log                                       one JSON object a line
//!   rescued.ndjson                                   one JSON object a line
//!   feature_map.resolved.yaml
//!   summary.json
//!   report.html                                      for people; no run needs it
//!   run/ledger.json                                  what is committed, and how to go on from there
//!   run/checkpoint-<n>                               the rows that were buffered at checkpoint n
//!   run/lock                                         held (`flock`) while a run writes
//!   run/tmp/                                         parts that no checkpoint holds yet
//! ```
//!
//! # The life of a dataset
//!
//! ```text
//!              begin              checkpoint            finish
//!  (nothing) ────────▶ running 0 ────────────▶ running n ──────▶ finished
//!      ▲                                           │                 │
//!      └───────────── replacing ◀──────────────────┴─────────────────┘  begin, with Existing::Overwrite
//! ```
//!
//! The state is a word in the ledger, and the ledger is replaced as a whole: so there is always exactly one. A checkpoint
//! is committed when its ledger is in place. It comes after everything that it names is durable in `run/`, and before
//! anything of it can be seen:
//!
//! | a crash | leaves | and `--resume` |
//! |---|---|---|
//! | while `begin` makes tables, map and logs | running 0, some of them missing | makes what is missing |
//! | while documents are appended | running n; parts in `run/tmp` and lines in the logs that n does not know | removes the parts, cuts the logs back |
//! | while a checkpoint is made, before its ledger | the same, and a `run/checkpoint-<n+1>` or half a ledger under another name | removes those too |
//! | after its ledger, before its last rename | running n+1, some of its parts still in `run/tmp` | renames them |
//! | after that | running n+1, perhaps with `run/checkpoint-<n>` | removes that |
//! | while `finish` does the same | finished, or running n | as above |
//! | while an old dataset is removed | replacing; part of it is gone | removes the rest, and begins |
//!
//! # What the rest of the crate keeps to
//!
//! - **The bytes are a function of the documents.** Where a part ends, and so every byte of it, depends on the sequence
//!   of documents and on [`Options::buffer_rows`] and [`Options::buffer_bytes`] alone: never on how documents were
//!   grouped into units or batches, on the number of encoders, on timing, or on where checkpoints were and whether the
//!   run was resumed there. For that a checkpoint keeps the open buffers, and the length of their values.
//! - **A reader sees whole parts only.** A part is written and fsynced in `run/tmp`, named in the ledger, and only then
//!   renamed into place, without replacing anything.
//! - **Nothing is deleted that this crate did not make.** What `--overwrite` removes is what the old ledger names; of the
//!   last checkpoint, whose renames may not have happened, only what has the recorded checksum. A resolved map that
//!   somebody has edited stays until the new ledger is stored, and is then kept under another name.
//! - **An fsync of a file that fails is never tried again**: the kernel may have dropped the pages, so a second success
//!   would say nothing. The run stops; one that is resumed writes a new file, from the rows. A directory's fsync is
//!   asked for again when the run goes on: parts that can be seen are never moved back for it, and a file system that
//!   cannot write its own names goes read-only. A name that is lost all the same is missed by `--resume` and `verify`.
//!
//! With the feature `failpoints`, which is for tests, the module `failpoint` makes any file system call go wrong.

mod buffer;
mod checkpoint;
mod checksum;
mod commit;
mod dataset;
mod dictionary;
mod durable;
mod encoders;
mod error;
#[cfg(feature = "failpoints")]
pub mod failpoint;
mod files;
mod hive;
mod inspect;
mod layout;
mod ledger;
mod log;
mod map;
mod part;
mod position;
mod recover;
mod replace;
mod review;
mod row_group;
mod seek_index;
mod target;
mod unit;
mod verify;

pub use dataset::{BUFFER_BYTES, Dataset, Options, Progress, Published, PublishedTable, Table};
pub use error::{CheckpointFault, DatasetError, LedgerFault, PartFault, UnitFault};
pub use part::ROW_GROUP_ROWS;
pub use position::{Description, Input, OpenMember, Position, SourcePrefix};
pub use review::{ColumnNulls, MOST_PARTS_REVIEWED, Review};
pub use seek_index::SeekIndexFile;
pub use target::{Existing, Resumable, Target};
pub use unit::{FailedMember, RescuedValue, Unit};
pub use verify::{Depth, Fault, Verified, verify};

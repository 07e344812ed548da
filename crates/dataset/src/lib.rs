//! Parts of Parquet, their publication, the ledger and the logs of a run.
//!
//! A dataset is made in three steps: [`Target::claim`] takes the directory, [`Target::begin`] makes it ready for the
//! run's tables, and a [`Dataset`] takes [`Unit`]s of whole documents, in archive order, until [`Dataset::finish`].
//!
//! ```text
//! DIR/
//!   features_raw/feature=<name>/part-00000.parquet   nothing but finished Parquet is ever in here
//!   failed.log                                       one JSON object a line
//!   rescued.ndjson                                   one JSON object a line
//!   feature_map.resolved.yaml
//!   summary.json
//!   run/ledger.json                                  what is published; named here before it appears
//!   run/lock                                         held (`flock`) while a run writes
//!   run/tmp/                                         parts that are being written
//! ```
//!
//! What the rest of the crate keeps to:
//!
//! - **The bytes are a function of the documents.** Where a part ends, and so every byte of it, depends on the sequence
//!   of documents and on [`Options::buffer_rows`] and [`Options::buffer_bytes`] alone: never on how documents were
//!   grouped into units or batches, on the number of encoders, or on timing.
//! - **A reader sees whole parts only.** A part is written and fsynced in `run/tmp`, named in the ledger, and only then
//!   renamed into place, without replacing anything.
//! - **Nothing is deleted that this crate did not make.** What `--overwrite` removes is what the old ledger names.
//! - **An fsync that fails is never tried again**: the kernel may have dropped the pages, so a second success would say
//!   nothing. The run stops.

mod buffer;
mod checkpoint;
mod checksum;
mod commit;
mod dataset;
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
mod part;
mod position;
mod recover;
mod replace;
mod target;
mod unit;
mod verify;

pub use dataset::{BUFFER_BYTES, Dataset, Options, Progress, Published, PublishedTable, Table};
pub use error::{CheckpointFault, DatasetError, LedgerFault, PartFault, UnitFault};
pub use part::ROW_GROUP_ROWS;
pub use position::{Description, Input, Position, SourcePrefix};
pub use target::{Existing, Resumable, Target};
pub use unit::{FailedMember, RescuedValue, Unit};
pub use verify::{Depth, Fault, Verified, verify};

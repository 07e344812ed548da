//! What a run needs to know, and what it was.

use std::path::PathBuf;
use std::time::Duration;

use tarquet_archive::Damage;
use tarquet_dataset::{Existing, Options, Published, PublishedTable};
use tarquet_feature_map::Plan;

use crate::counters::Progress;
use crate::feeder::Include;

/// What a run needs to know.
pub struct Settings {
    /// The archive.
    pub archive: PathBuf,
    /// Where the dataset goes.
    pub out_dir: PathBuf,
    /// What happens to a dataset that is there already.
    pub existing: Existing,
    /// The checked feature map.
    pub plan: Plan,
    /// How many members decide the types, where some are not written.
    pub sample: u64,
    /// Which members are wanted, by name.
    pub include: Include,
    /// Worker processes, at most.
    pub workers: usize,
    /// The projection engine's name.
    pub engine: String,
    /// Documents larger than this fail, in bytes.
    pub max_document_bytes: u64,
    /// How parts are cut and written.
    pub parts: Options,
    /// What is started as a worker, with [`tarquet_wire::WORKER_SUBCOMMAND`].
    pub executable: PathBuf,
}

/// What a finished run was.
#[derive(Debug)]
pub struct Report {
    /// The counts at the end.
    pub progress: Progress,
    /// The tables, in the order of the map.
    pub tables: Vec<PublishedTable>,
    /// Where and why the archive ended early.
    pub damage: Option<Damage>,
    /// Whether the archive ends without an end-of-archive marker.
    pub unmarked_end: bool,
    /// A member name whose id some member before had.
    pub repeated_id: Option<String>,
    /// Whether the types were inferred.
    pub sampled: bool,
    /// How long it took.
    pub elapsed: Duration,
    /// The dataset, still locked, for its summary.
    pub published: Published,
}

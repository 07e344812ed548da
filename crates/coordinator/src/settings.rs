//! What a run needs to know, and what it was.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use tarquet_dataset::{Existing, Options, Published, PublishedTable};
use tarquet_feature_map::Plan;
use tarquet_wire::message::Shape;
use tarquet_wire::sandbox::{Demand, Held};

use crate::counters::Progress;
use crate::ending::Ending;
use crate::history::Timeline;
use crate::notes::Notes;

/// What whoever reads archives needs to know.
pub struct Settings {
    /// The archives, in order; at least one.
    pub sources: Vec<Source>,
    /// Whether there are several, or could be: what is said of members then names their archives, be there one or more.
    pub several: Several,
    /// Whether an end-of-archive marker is passed over, so that archives one behind the other are read as one.
    pub ignore_zeros: bool,
    /// The checked feature map.
    pub plan: Plan,
    /// How many members decide the types, where some are not written.
    pub sample: u64,
    /// Which members are wanted.
    pub selection: Selection,
    /// Which of them hold many documents.
    pub documents: Documents,
    /// Worker processes, at most.
    pub workers: usize,
    /// What a worker may allocate, in bytes.
    pub worker_memory: u64,
    /// How many threads inflate a compressed archive: see [`tarquet_archive::Archive::set_inflate_threads`].
    pub inflate_threads: usize,
    /// Whether workers lock themselves in.
    pub sandbox: Demand,
    /// How long a worker may be at one member before it is killed. What counts is its time on a processor: see `watch`.
    pub member_timeout: Duration,
    /// The projection engine's name.
    pub engine: String,
    /// Documents larger than this fail, in bytes.
    pub max_document_bytes: u64,
    /// What is started as a worker, with [`tarquet_wire::WORKER_SUBCOMMAND`]. Its contents are a part of what a run has
    /// to share with the one that it resumes.
    pub executable: PathBuf,
}

/// Where what is extracted goes.
pub struct Output {
    /// The dataset's directory.
    pub out_dir: PathBuf,
    /// What happens to a dataset that is there already.
    pub existing: Existing,
    /// How parts are cut and written.
    pub parts: Options,
    /// How long after a checkpoint the next one is made, if there is something new.
    pub checkpoint_every: Duration,
}

/// Where an archive is read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file, or a directory of loose files.
    File(PathBuf),
    /// Standard input, which is read once and in order, and is the only archive.
    StandardInput,
}

/// Whether a run has several archives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Several {
    /// It has one.
    No,
    /// It has several, or one of what may be several.
    Yes,
}

/// How the documents of a member are told from one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Documents {
    /// By the member's name: one whose extension is `.ndjson` or `.jsonl`, or these with `.gz` or `.zst` behind, in letters
    /// of any case, has one on each line; any other is one.
    Auto,
    /// Every member is one.
    Json,
    /// Every member has one on each line.
    Ndjson,
    /// Every member is one array of them.
    Array,
}

impl Documents {
    /// How the member of this name holds many documents; `None` if it is one.
    pub(crate) fn shape(self, name: &[u8]) -> Option<Shape> {
        match self {
            Documents::Auto => has_extension_of_lines(name).then_some(Shape::Lines),
            Documents::Json => None,
            Documents::Ndjson => Some(Shape::Lines),
            Documents::Array => Some(Shape::Array),
        }
    }
}

/// As the flag has it.
impl fmt::Display for Documents {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Documents::Auto => "auto",
            Documents::Json => "json",
            Documents::Ndjson => "ndjson",
            Documents::Array => "array",
        })
    }
}

fn has_extension_of_lines(name: &[u8]) -> bool {
    let plain = [".gz", ".zst"].iter().find_map(|extension| without(name, extension));
    let plain = plain.unwrap_or(name);
    [".ndjson", ".jsonl"]
        .iter()
        .any(|extension| without(plain, extension).is_some())
}

/// The name without this extension, in letters of any case, if it has it.
fn without<'a>(name: &'a [u8], extension: &str) -> Option<&'a [u8]> {
    let (stem, tail) = name.split_at_checked(name.len().checked_sub(extension.len())?)?;
    tail.eq_ignore_ascii_case(extension.as_bytes()).then_some(stem)
}

/// Whether a member is wanted, by name.
pub type Wanted = Box<dyn Fn(&[u8]) -> bool + Send>;

/// Which members are wanted.
pub struct Selection {
    /// Whether a member is.
    pub wanted: Wanted,
    /// What `wanted` goes by, as it is shown to people and compared when a run is resumed: the flag's name and its value.
    pub flags: Vec<(&'static str, String)>,
}

/// How a run ended that did not fail.
pub enum Ended {
    /// It finished.
    Finished(Box<Report>),
    /// There was nothing left to do: the run that was to be resumed is finished. What it had done.
    Already(Progress),
}

/// What a finished run was.
#[derive(Debug)]
pub struct Report {
    /// The counts at the end, what was done before a resume included.
    pub progress: Progress,
    /// The tables, in the order of the map.
    pub tables: Vec<PublishedTable>,
    /// How many archives there were, if there were, or could be, several.
    pub archives: Option<u64>,
    /// How archives ended, of those whose end is worth a word, in order.
    pub endings: Vec<Ending>,
    /// A member name whose id some member before had.
    pub repeated_id: Option<String>,
    /// A member of many documents, all of which have the id that its name gives.
    pub shared_id: Option<String>,
    /// Whether the run went on with an earlier one.
    pub resumed: bool,
    /// Whether types were inferred, by this run or by the one that it went on with.
    pub sampled: bool,
    /// What held every worker of this run in; `None` where there was none.
    pub sandbox: Option<Held>,
    /// What this run did when; `None` where it had nothing left to extract.
    pub timeline: Option<Timeline>,
    /// How long it took.
    pub elapsed: Duration,
    /// The dataset, still locked, for its summary.
    pub published: Published,
}

impl Report {
    /// What `notes` say of the archive of which `published` was made.
    pub(crate) fn of(progress: Progress, notes: Notes, published: Published) -> Report {
        Report {
            progress,
            tables: published.tables.clone(),
            archives: notes.archives,
            endings: notes.endings,
            repeated_id: notes.repeated_id,
            shared_id: notes.shared_id,
            resumed: false,
            sampled: false,
            sandbox: None,
            timeline: None,
            elapsed: Duration::ZERO,
            published,
        }
    }
}

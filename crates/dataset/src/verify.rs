//! Is every published part whole, and exactly what the ledger says?

use std::fmt;
use std::path::{Path, PathBuf};

use arrow_schema::SchemaRef;
use nix::fcntl::FlockArg;

use crate::checkpoint;
use crate::checksum::Checksum;
use crate::dataset::{PublishedTable, published_tables};
use crate::error::{DatasetError, LedgerFault};
use crate::files::{self, File};
use crate::inspect::{Contents, inspect};
use crate::layout::Layout;
use crate::ledger::{Ledger, LedgerTable, NamedPart, State};
use crate::map;
use crate::replace::{unknown_files, unknown_in_run};
use crate::target::{Lock, lock};

/// How deep to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Length, footer and number of rows of each part, the lengths of the logs, and what else is there.
    Quick,
    /// The checksums of parts and logs too, and every page of each part decoded.
    Full,
}

/// What was found.
#[derive(Debug, Clone)]
pub struct Verified {
    /// Whether the dataset is finished; otherwise a run was stopped and can go on.
    pub finished: bool,
    /// Members of the archive that the ledger accounts for.
    pub members: u64,
    /// The tables, as the ledger says.
    pub tables: Vec<PublishedTable>,
    /// Everything that is not as the ledger says, in the order of tables and parts.
    pub faults: Vec<Fault>,
}

/// One thing that is not as the ledger says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What it is about.
    pub path: PathBuf,
    /// What is wrong, and where it can be helped, what to do.
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.what)
    }
}

/// Compares the dataset in `dir` with its ledger. Nothing is written, so a read-only file system will do.
///
/// A part, a log or a directory that cannot be read is a [`Fault`] like any other. So is a damaged ledger; then it is the
/// only one, since there is nothing to hold the rest against.
///
/// # Errors
///
/// [`DatasetError::NoDataset`], [`DatasetError::Ledger`] if it is another version's, [`DatasetError::Locked`] while a run writes there, and
/// [`DatasetError::Io`] where the ledger cannot be read.
pub fn verify(dir: &Path, depth: Depth) -> Result<Verified, DatasetError> {
    let layout = Layout::new(dir);
    let _lock = take_shared_lock(&layout)?;
    let ledger = match Ledger::load(&layout) {
        Err(DatasetError::Ledger { path, fault }) if !matches!(fault, LedgerFault::Format { .. }) => {
            return Ok(Verified::without_ledger(path, &fault));
        }
        result => result?.ok_or_else(|| DatasetError::NoDataset {
            dir: dir.to_owned(),
            ledger: layout.ledger(),
        })?,
    };
    let mut verifier = Verifier {
        layout,
        ledger: &ledger,
        depth,
        faults: Vec::new(),
    };
    verifier.verify();
    Ok(Verified {
        finished: ledger.state == State::Finished,
        members: ledger.position.members,
        tables: published_tables(&verifier.layout, &ledger),
        faults: verifier.faults,
    })
}

impl Verified {
    fn without_ledger(path: PathBuf, fault: &LedgerFault) -> Verified {
        Verified {
            finished: false,
            members: 0,
            tables: Vec::new(),
            faults: vec![Fault {
                path,
                what: fault.to_string(),
            }],
        }
    }
}

/// Takes the lock if there is one: a dataset that was copied without it is nobody's to write.
fn take_shared_lock(layout: &Layout) -> Result<Option<Lock>, DatasetError> {
    let path = layout.lock();
    if files::look_at(&path)
        .map_err(DatasetError::io("look at", &path))?
        .is_none()
    {
        return Ok(None);
    }
    let file = File::open(&path).map_err(DatasetError::io("open", &path))?;
    lock(layout, file, FlockArg::LockSharedNonblock).map(Some)
}

struct Verifier<'a> {
    layout: Layout,
    ledger: &'a Ledger,
    depth: Depth,
    faults: Vec<Fault>,
}

impl<'a> Verifier<'a> {
    fn verify(&mut self) {
        if self.ledger.state == State::Replacing {
            let what = "this dataset was being replaced with --overwrite when that run was cut off: run it again with \
                        --overwrite or --resume";
            self.fault(self.layout.ledger(), what);
            return;
        }
        for (index, table) in self.ledger.tables.iter().enumerate() {
            self.check_table(index, table);
        }
        self.check_unknown();
        self.check_logs();
        self.check_map();
        self.check_summary();
        self.check_checkpoint();
    }

    fn check_table(&mut self, index: usize, table: &'a LedgerTable) {
        let mut schema = None;
        for (number, part) in table.parts.iter().enumerate() {
            let named = NamedPart {
                index,
                table,
                number,
                part,
            };
            let path = self.layout.part(&table.directory, number);
            match self.check_part(&named, &path) {
                Ok(found) => self.check_schema(&mut schema, found, path),
                Err(what) => self.fault(path, what),
            }
        }
    }

    /// The part's schema, or what is wrong with it.
    fn check_part(&self, named: &NamedPart<'_>, path: &Path) -> Result<SchemaRef, String> {
        let part = named.part;
        let metadata = files::look_at(path).map_err(cannot_be_read)?;
        let Some(metadata) = metadata else {
            return Err(self.why_missing(named));
        };
        if metadata.len() != part.bytes {
            return Err(format!("has {} bytes, the ledger says {}", metadata.len(), part.bytes));
        }
        if self.depth == Depth::Full {
            check_sum(path, part.checksum())?;
        }
        let Contents { schema, rows } = inspect(path, self.depth)?;
        if rows != part.rows {
            return Err(format!("has {rows} rows, the ledger says {}", part.rows));
        }
        Ok(schema)
    }

    fn why_missing(&self, named: &NamedPart<'_>) -> String {
        let waiting = self.layout.unpublished_part(named.index, named.number);
        if self.ledger.is_of_last_checkpoint(named.part) && matches!(files::look_at(&waiting), Ok(Some(_))) {
            return format!(
                "is not in its place yet but in {}: the run was interrupted; --resume puts it there",
                waiting.display()
            );
        }
        "is missing".to_owned()
    }

    fn check_schema(&mut self, of_table: &mut Option<SchemaRef>, found: SchemaRef, path: PathBuf) {
        if *of_table.get_or_insert_with(|| found.clone()) != found {
            self.fault(path, "has other columns than the table's first part");
        }
    }

    fn check_unknown(&mut self) {
        let published = unknown_files(&self.layout, self.ledger);
        self.note_unknown(self.layout.features(), published);
        self.note_unknown(self.layout.run(), unknown_in_run(&self.layout));
    }

    fn note_unknown(&mut self, dir: PathBuf, unknown: Result<Vec<PathBuf>, DatasetError>) {
        match unknown {
            Ok(unknown) => unknown
                .into_iter()
                .for_each(|path| self.fault(path, "unknown file: no run of tarquet made it")),
            Err(error) => self.fault(dir, error.to_string()),
        }
    }

    fn check_logs(&mut self) {
        let logs = self.ledger.logs;
        for (path, committed) in [
            (self.layout.failed_log(), logs.failed),
            (self.layout.rescued(), logs.rescued),
        ] {
            if let Err(what) = self.check_log(&path, committed) {
                self.fault(path, what);
            }
        }
    }

    /// Lines behind what was committed are a stopped run's; in a finished dataset they are somebody else's.
    fn check_log(&self, path: &Path, committed: Checksum) -> Result<(), String> {
        let metadata = files::look_at(path).map_err(cannot_be_read)?;
        let found = metadata.map_or(0, |metadata| metadata.len());
        let finished = self.ledger.state == State::Finished;
        if found < committed.bytes || (finished && found > committed.bytes) {
            return Err(format!("has {found} bytes, the ledger says {}", committed.bytes));
        }
        if self.depth == Depth::Quick || committed.bytes == 0 {
            return Ok(());
        }
        let prefix = Checksum::of_prefix(path, committed.bytes).map_err(cannot_be_read)?;
        match prefix {
            Some(prefix) if prefix != committed => Err(damaged(prefix, committed)),
            Some(_) | None => Ok(()),
        }
    }

    fn check_summary(&mut self) {
        let path = self.layout.summary();
        if self.ledger.state != State::Finished {
            return;
        }
        match files::look_at(&path) {
            Ok(Some(_)) => {}
            Ok(None) => self.fault(path, "is missing: --resume writes it"),
            Err(error) => self.fault(path, cannot_be_read(error)),
        }
    }

    fn check_map(&mut self) {
        let path = self.layout.resolved_map();
        match files::read(&path) {
            Ok(Some(text)) if map::is_expected(&text, self.ledger) => {}
            Ok(Some(_)) => self.fault(path, "is not the map that the dataset was made with"),
            // A run that was cut off before it wrote the map does so when it goes on.
            Ok(None) if self.ledger.checkpoint.number == 0 => {}
            Ok(None) => self.fault(path, "is missing"),
            Err(error) => self.fault(path, cannot_be_read(error)),
        }
    }

    fn check_checkpoint(&mut self) {
        let Some(expected) = self.ledger.checkpoint.file else {
            return;
        };
        let path = self.layout.checkpoint(self.ledger.checkpoint.number);
        if let Err(error) = checkpoint::check(&path, expected) {
            let what = match error {
                DatasetError::Checkpoint { fault, .. } => fault.to_string(),
                DatasetError::Io { error, .. } => cannot_be_read(error),
                error => error.to_string(),
            };
            self.fault(path, what);
        }
    }

    fn fault(&mut self, path: PathBuf, what: impl Into<String>) {
        self.faults.push(Fault {
            path,
            what: what.into(),
        });
    }
}

fn check_sum(path: &Path, expected: Checksum) -> Result<(), String> {
    match Checksum::of_file(path).map_err(cannot_be_read)? {
        Some(found) if found == expected => Ok(()),
        Some(found) => Err(damaged(found, expected)),
        None => Err("is missing".to_owned()),
    }
}

fn damaged(found: Checksum, expected: Checksum) -> String {
    format!(
        "is damaged: its CRC-32 is {}, the ledger says {}",
        String::from(found.crc32),
        String::from(expected.crc32)
    )
}

fn cannot_be_read(error: std::io::Error) -> String {
    format!("cannot be read: {error}")
}

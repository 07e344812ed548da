//! From finished files in `run/tmp` to published parts.
//!
//! The order is what a crash at any point depends on: the files' names in `run/tmp` durable, then the ledger that names
//! them, then the renames, then the directories they are now in.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Instant;

use crate::durable;
use crate::error::DatasetError;
use crate::layout::{Layout, part_file_name};
use crate::ledger::{Ledger, LedgerPart};
use crate::part::FileSummary;

/// A publication may take one part in so many of the run's time: its fsyncs are as slow as the disk, and the ledger
/// grows with every part.
const SHARE_OF_TIME: u32 = 16;

/// A part that is finished in `run/tmp`.
#[derive(Debug)]
pub(crate) struct FinishedPart {
    pub(crate) table: usize,
    pub(crate) part: usize,
    pub(crate) file: FileSummary,
}

/// A part on its way into place.
#[derive(Debug)]
struct Rename {
    table: usize,
    from: PathBuf,
    to: PathBuf,
    bytes: u64,
}

/// Publishes parts, each table's in order.
#[derive(Debug)]
pub(crate) struct Publisher {
    layout: Layout,
    ledger: Ledger,
    /// Finished parts that are not published, by table and number.
    waiting: Vec<BTreeMap<usize, FileSummary>>,
    parts: u64,
    bytes: u64,
    /// When the next publication may be.
    not_before: Option<Instant>,
}

impl Publisher {
    /// Publishes into the tables of `ledger`, which is the dataset's.
    pub(crate) fn new(layout: Layout, ledger: Ledger) -> Publisher {
        let waiting = ledger.tables.iter().map(|_| BTreeMap::new()).collect();
        Publisher {
            layout,
            ledger,
            waiting,
            parts: 0,
            bytes: 0,
            not_before: None,
        }
    }

    /// What is published.
    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// How many parts are published, and their bytes.
    pub(crate) fn published(&self) -> (u64, u64) {
        (self.parts, self.bytes)
    }

    /// Takes parts that are finished.
    pub(crate) fn add(&mut self, parts: impl IntoIterator<Item = FinishedPart>) {
        for part in parts {
            self.waiting[part.table].insert(part.part, part.file);
        }
    }

    /// Whether something can be published, and the last publication was long enough ago.
    pub(crate) fn is_due(&self) -> bool {
        self.has_next() && self.not_before.is_none_or(|instant| Instant::now() >= instant)
    }

    /// Publishes all that is next in its table.
    pub(crate) fn publish(&mut self) -> Result<(), DatasetError> {
        let started = Instant::now();
        let renames = self.enter_into_ledger();
        if renames.is_empty() {
            return Ok(());
        }
        durable::sync_dir(&self.layout.tmp())?;
        self.ledger.store(&self.layout)?;
        for (index, Rename { from, to, .. }) in renames.iter().enumerate() {
            if let Err(error) = durable::rename_into_place(from, to) {
                return Err(self.disown(&renames[index..], error));
            }
        }
        let directories: BTreeSet<_> = renames.iter().filter_map(|rename| rename.to.parent()).collect();
        directories.into_iter().try_for_each(durable::sync_dir)?;
        self.parts += renames.len() as u64;
        self.bytes += renames.iter().map(|rename| rename.bytes).sum::<u64>();
        self.not_before = Some(started + started.elapsed() * SHARE_OF_TIME);
        Ok(())
    }

    fn has_next(&self) -> bool {
        let mut tables = self.waiting.iter().zip(&self.ledger.tables);
        tables.any(|(waiting, table)| waiting.contains_key(&table.parts.len()))
    }

    /// Moves what is next in its table from `waiting` to the ledger, which is not stored yet.
    fn enter_into_ledger(&mut self) -> Vec<Rename> {
        let mut renames = Vec::new();
        for (table, (waiting, entry)) in self.waiting.iter_mut().zip(&mut self.ledger.tables).enumerate() {
            while let Some(FileSummary { rows, bytes, crc32 }) = waiting.remove(&entry.parts.len()) {
                let number = entry.parts.len();
                let from = self.layout.unpublished_part(table, number);
                renames.push(Rename {
                    table,
                    from,
                    to: self.layout.part(&entry.directory, number),
                    bytes,
                });
                entry.parts.push(LedgerPart {
                    file: part_file_name(number),
                    rows,
                    bytes,
                    crc32,
                });
            }
        }
        renames
    }

    /// Takes the parts that were not renamed out of the ledger, if that is because someone else's file stands in the
    /// way: what the ledger names may be removed by `--overwrite`. Gives `error`, which tells more than what may go
    /// wrong here.
    fn disown(&mut self, not_renamed: &[Rename], error: DatasetError) -> DatasetError {
        if matches!(error, DatasetError::PartInTheWay { .. }) {
            for rename in not_renamed {
                self.ledger.tables[rename.table].parts.pop();
            }
            drop(self.ledger.store(&self.layout));
        }
        error
    }
}

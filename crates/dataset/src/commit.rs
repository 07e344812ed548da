//! The order in which a checkpoint becomes true.
//!
//! 1. every part before the cut durable in `run/tmp`: each file when its encoder ended, now the directory;
//! 2. the logs durable;
//! 3. `run/checkpoint-<n>`, which holds the open buffers, durable with its name;
//! 4. the ledger replaced: this is the commit;
//! 5. its parts renamed into place, and the directories they are now in durable;
//! 6. the file of checkpoint n−1 removed.
//!
//! Before step 4 a crash leaves checkpoint n−1, and files in `run/` that nobody knows of. After it, it leaves checkpoint
//! n: what is missing of steps 5 and 6 is done when the run goes on.

use std::collections::{BTreeMap, BTreeSet};

use crate::buffer::Buffers;
use crate::checkpoint::{self, Written};
use crate::durable;
use crate::error::DatasetError;
use crate::layout::{Layout, part_file_name};
use crate::ledger::{Checkpoint, Ledger, LedgerBuffer, LedgerPart, NamedPart, State};
use crate::log::Logs;
use crate::part::FileSummary;
use crate::position::Position;

/// A part that is finished in `run/tmp`.
#[derive(Debug)]
pub(crate) struct FinishedPart {
    pub(crate) table: usize,
    pub(crate) part: usize,
    pub(crate) file: FileSummary,
}

/// One place in the run, between two documents.
#[derive(Debug)]
pub(crate) struct Cut<'a> {
    /// How far the run is there.
    pub(crate) position: Position,
    /// The lines before it.
    pub(crate) logs: &'a mut Logs,
    pub(crate) rest: Rest<'a>,
}

/// What a cut leaves for later.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Rest<'a> {
    /// The rows before it that are in no part.
    Buffered(&'a Buffers),
    /// Nothing: it is the end of the run. The caller's notes of it.
    End { notes: &'a str },
}

/// Commits checkpoint after checkpoint.
#[derive(Debug)]
pub(crate) struct Committer {
    layout: Layout,
    /// As it is stored.
    ledger: Ledger,
    /// Finished parts that no checkpoint holds, by table and number.
    waiting: Vec<BTreeMap<usize, FileSummary>>,
    parts: u64,
    bytes: u64,
}

impl Committer {
    /// Goes on from `ledger`, which is stored, and whose parts are all in place.
    pub(crate) fn new(layout: Layout, ledger: Ledger) -> Committer {
        Committer {
            layout,
            waiting: ledger.tables.iter().map(|_| BTreeMap::new()).collect(),
            parts: ledger.part_count() as u64,
            bytes: ledger.parts().map(|named| named.part.bytes).sum(),
            ledger,
        }
    }

    /// What is committed.
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

    /// Commits a cut, before which all parts are finished and were [added](Committer::add).
    pub(crate) fn commit(&mut self, cut: Cut<'_>) -> Result<(), DatasetError> {
        let previous = self.ledger.checkpoint;
        let number = previous.number + 1;
        let mut next = self.ledger.clone();
        if self.enter_parts(&mut next, number) {
            durable::sync_dir(&self.layout.tmp())?;
        }
        let logs = cut.logs.sync()?;
        let written = self.write_rest(number, cut.rest)?;
        // By now the new map is in place, durably.
        next.map_before = None;
        next.position = cut.position;
        next.logs = logs;
        enter_rest(&mut next, number, cut.rest, written);
        next.store(&self.layout)?;
        self.ledger = next;
        self.publish()?;
        if previous.file.is_some() {
            durable::remove_file(&self.layout.checkpoint(previous.number))?;
        }
        Ok(())
    }

    /// Moves the finished parts to the ledger, and says whether there were any.
    fn enter_parts(&mut self, next: &mut Ledger, checkpoint: u64) -> bool {
        let mut any = false;
        for (waiting, table) in self.waiting.iter_mut().zip(&mut next.tables) {
            for (number, FileSummary { rows, checksum }) in std::mem::take(waiting) {
                debug_assert_eq!(number, table.parts.len(), "a part before the cut is not finished");
                table.parts.push(LedgerPart {
                    file: part_file_name(number),
                    rows,
                    bytes: checksum.bytes,
                    crc32: checksum.crc32,
                    checkpoint,
                });
                any = true;
            }
        }
        any
    }

    fn write_rest(&self, number: u64, rest: Rest<'_>) -> Result<Written, DatasetError> {
        let Rest::Buffered(buffers) = rest else {
            let buffers = vec![LedgerBuffer::default(); self.ledger.tables.len()];
            return Ok(Written { file: None, buffers });
        };
        let written = checkpoint::write(&self.layout.checkpoint(number), &buffers.settled())?;
        durable::sync_dir(&self.layout.run())?;
        Ok(written)
    }

    /// Renames the parts of the last checkpoint into place, durably.
    fn publish(&mut self) -> Result<(), DatasetError> {
        let last: Vec<_> = self
            .ledger
            .parts()
            .filter(|named| self.ledger.is_of_last_checkpoint(named.part))
            .collect();
        let mut directories = BTreeSet::new();
        for NamedPart {
            index, table, number, ..
        } in &last
        {
            let to = self.layout.part(&table.directory, *number);
            durable::rename_into_place(&self.layout.unpublished_part(*index, *number), &to)?;
            directories.insert(self.layout.table(&table.directory));
        }
        directories
            .iter()
            .try_for_each(|directory| durable::sync_dir(directory))?;
        self.parts += last.len() as u64;
        self.bytes += last.iter().map(|named| named.part.bytes).sum::<u64>();
        Ok(())
    }
}

fn enter_rest(next: &mut Ledger, number: u64, rest: Rest<'_>, written: Written) {
    (next.state, next.notes) = match rest {
        Rest::Buffered(_) => (State::Running, None),
        Rest::End { notes } => (State::Finished, Some(notes.to_owned())),
    };
    next.checkpoint = Checkpoint {
        number,
        file: written.file,
    };
    for (table, buffer) in next.tables.iter_mut().zip(written.buffers) {
        table.buffer = buffer;
    }
}

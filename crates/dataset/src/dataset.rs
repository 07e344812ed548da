//! A dataset that is being written.

use std::fs::Metadata;
use std::ops::RangeInclusive;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_schema::{ArrowError, SchemaRef};
use serde::Serialize;

use crate::buffer::{Buffers, Contents, RowQueue};
use crate::commit::{Committer, Cut, FinishedPart, Rest};
use crate::durable;
use crate::encoders::{Encoders, Job};
use crate::error::DatasetError;
use crate::layout::Layout;
use crate::ledger::{Ledger, State};
use crate::log::Logs;
use crate::part::write_part;
use crate::position::{Position, SourcePrefix};
use crate::recover::Recovered;
use crate::review::Review;
use crate::target::Lock;
use crate::unit::Unit;

/// The bytes that open buffers may be allowed. No more, because a column of a part is one arrow array, which holds fewer
/// than 2 GiB of text, and the document that fills a buffer comes on top.
pub const BUFFER_BYTES: RangeInclusive<u64> = 1..=1 << 30;

/// One table of a dataset.
#[derive(Debug, Clone)]
pub struct Table {
    /// The feature's name, as in `feature=NAME` before percent-encoding.
    pub name: String,
    /// Its columns; every batch has exactly these.
    pub schema: SchemaRef,
}

/// How a dataset is written. `buffer_rows` and `buffer_bytes` shape its bytes, `encoders` does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Rows at which a table's buffer becomes a part, at the next document boundary. At least 1.
    pub buffer_rows: u64,
    /// Bytes, as [`Unit::bytes`] counts them, that all open buffers may hold together at a document boundary; beyond it
    /// the largest become parts. At least 1, at most 1 GiB.
    ///
    /// Memory: open buffers hold this much and one document; closed ones that are being encoded or wait for it hold this
    /// much for each encoder; each encoder also holds a copy of up to four columns of a row group, and its encoded pages.
    pub buffer_bytes: u64,
    /// Threads that encode parts. At least 1.
    pub encoders: usize,
}

/// How far a dataset is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Rows that were appended, by table, those before a resume included.
    pub rows: Vec<u64>,
    /// Parts that are published, those before a resume included.
    pub parts: u64,
    /// Bytes of the parts that are published.
    pub bytes: u64,
}

/// A dataset that is being written; made by [`Target::begin`](crate::Target::begin) or
/// [`Target::resume`](crate::Target::resume).
///
/// Dropped without [`Dataset::finish`], it keeps what its last checkpoint committed, and can be resumed.
#[derive(Debug)]
pub struct Dataset {
    tables: Vec<Table>,
    buffers: Buffers,
    /// Parts closed so far, by table: the number of the next.
    closed: Vec<usize>,
    /// How far the run is, what is not committed included.
    position: Position,
    logs: Logs,
    committer: Committer,
    /// Whether something was appended since the last checkpoint.
    changed: bool,
    /// Whether an earlier call failed.
    stopped: bool,
    layout: Layout,
    encoders: Encoders<ClosedPart, FinishedPart>,
    /// Last, so that it is given back after the encoders have ended.
    lock: Lock,
}

/// A buffer on its way to an encoder.
#[derive(Debug)]
struct ClosedPart {
    table: usize,
    part: usize,
    rows: RowQueue,
}

/// A dataset that is finished. Its directory is locked until this is dropped.
#[derive(Debug)]
pub struct Published {
    /// The tables, in the order of the map.
    pub tables: Vec<PublishedTable>,
    layout: Layout,
    _lock: Lock,
}

/// What was published of one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PublishedTable {
    /// The feature's name.
    pub name: String,
    /// Its directory.
    pub directory: PathBuf,
    /// Rows in all its parts.
    pub rows: u64,
    /// Its parts.
    pub parts: u64,
    /// Bytes of all its parts.
    pub bytes: u64,
}

impl Options {
    /// Refuses what is not possible.
    pub(crate) fn check(&self) -> Result<(), DatasetError> {
        let refuse = |option, value, allowed| Err(DatasetError::Option { option, value, allowed });
        match *self {
            Options { buffer_rows: 0, .. } => refuse("--buffer-rows", 0, "at least 1"),
            Options { buffer_bytes, .. } if !BUFFER_BYTES.contains(&buffer_bytes) => refuse(
                "--buffer-bytes",
                buffer_bytes,
                "at least 1 and at most 1GiB (1073741824)",
            ),
            Options { encoders: 0, .. } => refuse("the number of encoders", 0, "at least 1"),
            _ => Ok(()),
        }
    }
}

impl Dataset {
    /// A dataset in a directory that is ready, of which nothing is committed.
    pub(crate) fn new(
        tables: Vec<Table>,
        options: Options,
        layout: Layout,
        ledger: Ledger,
        logs: Logs,
        lock: Lock,
    ) -> Result<Dataset, DatasetError> {
        let recovered = Recovered {
            logs,
            buffers: vec![Vec::new(); tables.len()],
        };
        Dataset::resumed(tables, options, layout, ledger, recovered, lock)
    }

    /// A dataset in a directory that is as `ledger` says.
    pub(crate) fn resumed(
        tables: Vec<Table>,
        options: Options,
        layout: Layout,
        ledger: Ledger,
        recovered: Recovered,
        lock: Lock,
    ) -> Result<Dataset, DatasetError> {
        let schemas = tables.iter().map(|table| table.schema.clone());
        let mut buffers = Buffers::new(schemas, options.buffer_rows, options.buffer_bytes);
        for (index, (batches, table)) in recovered.buffers.into_iter().zip(&ledger.tables).enumerate() {
            let restored = buffers.restore(index, batches, table.buffer.rows, table.buffer.bytes);
            restored.map_err(|error| rows_error(&tables[index], error))?;
        }
        Ok(Dataset {
            buffers,
            closed: ledger.tables.iter().map(|table| table.parts.len()).collect(),
            position: ledger.position.clone(),
            logs: recovered.logs,
            changed: false,
            stopped: false,
            encoders: start_encoders(&tables, options, layout.clone())?,
            committer: Committer::new(layout.clone(), ledger),
            tables,
            layout,
            lock,
        })
    }

    /// Appends the documents of a unit, which follow those of the units before in archive order. Waits while too much is
    /// being encoded. Nothing of it can be seen, and a crash forgets it, until the next [`Dataset::checkpoint`].
    ///
    /// # Errors
    ///
    /// [`DatasetError::Unit`] for a unit that contradicts itself; it is not appended. [`DatasetError::Finished`] for a
    /// dataset that was finished before it was resumed. Otherwise whatever went wrong since the last call, in an encoder
    /// too. After any error the dataset takes nothing more: [`DatasetError::Stopped`].
    pub fn append(&mut self, unit: Unit) -> Result<(), DatasetError> {
        self.or_stop(|dataset| dataset.try_append(unit))
    }

    /// Whether something was appended since the last checkpoint.
    pub fn is_changed(&self) -> bool {
        self.changed
    }

    /// Whether all of it is committed: by [`Dataset::finish`], or before it was resumed. Then it takes nothing more.
    fn is_finished(&self) -> bool {
        self.committer.ledger().state == State::Finished
    }

    /// Commits everything that was appended, with how much of the source was read for it, and publishes the parts that
    /// are full. Waits for all encoders. Does nothing if nothing was appended since the last checkpoint.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Io`], [`DatasetError::PartInTheWay`], and what went wrong in an encoder. The last checkpoint stands,
    /// or this one if its ledger was written already; either can be resumed. After any error the dataset takes nothing
    /// more.
    pub fn checkpoint(&mut self, source: Option<SourcePrefix>) -> Result<(), DatasetError> {
        self.or_stop(|dataset| {
            if !dataset.changed {
                return Ok(());
            }
            dataset.position.source = source;
            dataset.commit(None)
        })
    }

    /// What the last checkpoint committed: a run that is resumed goes on here.
    pub fn position(&self) -> &Position {
        &self.committer.ledger().position
    }

    /// Turns what is buffered into parts, gives a table without rows its empty part, and commits and publishes
    /// everything. `notes` is kept in the ledger for the caller, who gets it back in
    /// [`Resumable::notes`](crate::Resumable::notes): what it needs to write a summary that a crash has cost.
    ///
    /// Of a dataset that was finished before, only what that left to do is done; its notes stay.
    ///
    /// # Errors
    ///
    /// As [`Dataset::checkpoint`]; [`Dataset::position`] says what is committed.
    pub fn finish(&mut self, notes: &str) -> Result<(), DatasetError> {
        self.or_stop(|dataset| {
            if !dataset.is_finished() {
                dataset.close_all()?;
                dataset.commit(Some(notes))?;
            }
            durable::remove_dir_if_empty(&dataset.layout.tmp())?;
            // So that nothing in there comes back once the summary says that all is done.
            durable::sync_dir(&dataset.layout.run())
        })
    }

    /// What was published, of a dataset that is finished.
    ///
    /// # Errors
    ///
    /// [`DatasetError::NotFinished`], or [`DatasetError::Stopped`] after an error.
    pub fn into_published(self) -> Result<Published, DatasetError> {
        self.refuse_if_stopped()?;
        if !self.is_finished() {
            return Err(DatasetError::NotFinished {
                dir: self.layout.dir().to_owned(),
            });
        }
        let tables = published_tables(&self.layout, self.committer.ledger());
        Ok(Published {
            tables,
            layout: self.layout,
            _lock: self.lock,
        })
    }

    /// How far the dataset is.
    pub fn progress(&self) -> Progress {
        let (parts, bytes) = self.committer.published();
        Progress {
            rows: self.position.rows.clone(),
            parts,
            bytes,
        }
    }

    /// After an error the dataset takes nothing more: part of what was asked for may have happened.
    fn or_stop<T>(&mut self, act: impl FnOnce(&mut Dataset) -> Result<T, DatasetError>) -> Result<T, DatasetError> {
        self.refuse_if_stopped()?;
        let result = act(self);
        self.stopped = result.is_err();
        result
    }

    fn refuse_if_stopped(&self) -> Result<(), DatasetError> {
        if self.stopped {
            Err(DatasetError::Stopped {
                dir: self.layout.dir().to_owned(),
            })
        } else {
            Ok(())
        }
    }

    fn try_append(&mut self, mut unit: Unit) -> Result<(), DatasetError> {
        if self.is_finished() {
            return Err(DatasetError::Finished {
                dir: self.layout.dir().to_owned(),
            });
        }
        unit.conform(&self.tables).map_err(DatasetError::Unit)?;
        for (table, batch) in std::mem::take(&mut unit.batches) {
            self.buffers.arrive(table, batch);
        }
        for (rows, bytes) in unit.documents(self.tables.len()) {
            self.buffers.count(rows, bytes);
            let sums = self.position.rows.iter_mut().zip(rows);
            sums.for_each(|(sum, rows)| *sum += u64::from(*rows));
            while let Some(table) = self.buffers.due() {
                self.close(table)?;
            }
        }
        let settled = self.buffers.settle();
        settled.map_err(|(table, error)| rows_error(&self.tables[table], error))?;
        self.logs.append(&unit.failures, &unit.rescued)?;
        self.position.members += unit.members;
        self.position.failed += unit.failed;
        self.position.documents += unit.documents as u64;
        self.position.failures += unit.failures.iter().filter(|failure| failure.member.is_some()).count() as u64;
        self.position.rescued += unit.rescued.len() as u64;
        self.changed |= !unit.is_empty();
        self.position.open = unit.open;
        let finished = self.encoders.take_finished()?;
        self.committer.add(finished);
        Ok(())
    }

    /// Makes a part of the table's buffer and hands it to the encoders.
    fn close(&mut self, table: usize) -> Result<(), DatasetError> {
        self.check_place()?;
        let Contents { rows, bytes } = self.buffers.take(table);
        let part = self.closed[table];
        self.closed[table] += 1;
        self.encoders.submit(Job {
            work: ClosedPart { table, part, rows },
            bytes,
        })
    }

    /// Refuses to go on where the directory is another one than was taken. It was moved or removed, and somebody else may
    /// have taken what stands there now: the lock is on a file, and everything else goes by path.
    fn check_place(&self) -> Result<(), DatasetError> {
        match is_at(&self.lock, &self.layout.lock()) {
            true => Ok(()),
            false => Err(DatasetError::Moved {
                dir: self.layout.dir().to_owned(),
            }),
        }
    }

    /// Makes parts of all that is buffered, and an empty one for a table that has none.
    fn close_all(&mut self) -> Result<(), DatasetError> {
        for table in 0..self.tables.len() {
            if self.buffers.holds_rows(table) || self.closed[table] == 0 {
                self.close(table)?;
            }
        }
        Ok(())
    }

    /// Commits all that was appended; at the end, which has notes, nothing of it is buffered.
    fn commit(&mut self, notes_at_end: Option<&str>) -> Result<(), DatasetError> {
        let finished = self.encoders.wait_for_all()?;
        self.committer.add(finished);
        self.check_place()?;
        self.committer.commit(Cut {
            position: self.position.clone(),
            logs: &mut self.logs,
            rest: match notes_at_end {
                None => Rest::Buffered(&self.buffers),
                Some(notes) => Rest::End { notes },
            },
        })?;
        self.changed = false;
        Ok(())
    }
}

impl Published {
    /// Removes the file of [`Target::seek_index`](crate::Target::seek_index), if there is one: of a dataset that is finished
    /// nothing is left to be read.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Io`]. The dataset is as good with it.
    pub fn remove_seek_index(&self) -> Result<(), DatasetError> {
        durable::remove_file(&self.layout.seek_index())
    }

    /// Writes `summary.json`, replacing it as a whole.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Summary`] if it is no JSON, [`DatasetError::Io`].
    pub fn write_summary(&self, summary: &impl Serialize) -> Result<(), DatasetError> {
        let path = self.layout.summary();
        let mut contents = serde_json::to_vec_pretty(summary).map_err(|error| DatasetError::Summary {
            path: path.clone(),
            error,
        })?;
        contents.push(b'\n');
        durable::replace_file(&path, &self.layout.draft(&path), &contents)
    }

    /// Looks at what was published, for a report.
    ///
    /// # Errors
    ///
    /// [`DatasetError::NoDataset`] where the ledger was removed meanwhile, [`DatasetError::Ledger`], [`DatasetError::Io`].
    pub fn review(&self) -> Result<Review, DatasetError> {
        Review::of(&self.layout)
    }

    /// Writes `report.html`, replacing it as a whole.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Io`]. The dataset is as good without it.
    pub fn write_report(&self, html: &str) -> Result<(), DatasetError> {
        let path = self.layout.report();
        durable::replace_file(&path, &self.layout.draft(&path), html.as_bytes())
    }
}

/// Whether the lock is the file of that name.
fn is_at(lock: &Lock, path: &Path) -> bool {
    let identity = |metadata: Metadata| (metadata.dev(), metadata.ino());
    let held = lock.metadata().map(identity);
    let named = std::fs::symlink_metadata(path).map(identity);
    matches!((held, named), (Ok(held), Ok(named)) if held == named)
}

fn rows_error(table: &Table, error: ArrowError) -> DatasetError {
    DatasetError::Rows {
        table: table.name.clone(),
        error,
    }
}

fn start_encoders(
    tables: &[Table],
    options: Options,
    layout: Layout,
) -> Result<Encoders<ClosedPart, FinishedPart>, DatasetError> {
    let tables: Arc<[Table]> = tables.into();
    let names = Arc::clone(&tables);
    let bytes_limit = options.buffer_bytes.saturating_mul(options.encoders as u64);
    let encode = move |closed: ClosedPart| {
        let ClosedPart { table, part, rows } = closed;
        let Table { name, schema } = &tables[table];
        let file = write_part(&layout.unpublished_part(table, part), name, schema, rows)?;
        Ok(FinishedPart { table, part, file })
    };
    Encoders::start(
        options.encoders,
        bytes_limit,
        move |closed| names[closed.table].name.clone(),
        encode,
    )
}

/// What a ledger says of its tables.
pub(crate) fn published_tables(layout: &Layout, ledger: &Ledger) -> Vec<PublishedTable> {
    let published = ledger.tables.iter().map(|table| PublishedTable {
        name: table.name.clone(),
        directory: layout.table(&table.directory),
        rows: table.parts.iter().map(|part| part.rows).sum(),
        parts: table.parts.len() as u64,
        bytes: table.parts.iter().map(|part| part.bytes).sum(),
    });
    published.collect()
}

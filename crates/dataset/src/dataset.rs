//! A dataset that is being written.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;

use arrow_schema::SchemaRef;
use serde::Serialize;

use crate::buffer::{Buffers, Contents, RowQueue};
use crate::durable;
use crate::encoders::{Encoders, Job};
use crate::error::DatasetError;
use crate::layout::Layout;
use crate::ledger::Ledger;
use crate::log::Logs;
use crate::part::write_part;
use crate::publisher::{FinishedPart, Publisher};
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
    /// much for each encoder; each encoder also holds a copy of one row group and its encoded pages.
    pub buffer_bytes: u64,
    /// Threads that encode parts. At least 1.
    pub encoders: usize,
}

/// How far a dataset is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Rows that were appended, by table.
    pub rows: Vec<u64>,
    /// Parts that are published.
    pub parts: u64,
    /// Bytes of the parts that are published.
    pub bytes: u64,
}

/// A dataset that is being written; made by [`Target::begin`](crate::Target::begin).
///
/// Dropped without [`Dataset::finish`], it keeps what is published and leaves the rest unfinished in `run/`.
#[derive(Debug)]
pub struct Dataset {
    tables: Vec<Table>,
    buffers: Buffers,
    /// Parts closed so far, by table: the number of the next.
    closed: Vec<usize>,
    rows: Vec<u64>,
    logs: Logs,
    publisher: Publisher,
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
    /// Starts the encoders for a directory that is ready.
    pub(crate) fn new(
        tables: Vec<Table>,
        options: Options,
        layout: Layout,
        ledger: Ledger,
        logs: Logs,
        lock: Lock,
    ) -> Result<Dataset, DatasetError> {
        let schemas = tables.iter().map(|table| table.schema.clone());
        Ok(Dataset {
            buffers: Buffers::new(schemas, options.buffer_rows, options.buffer_bytes),
            closed: vec![0; tables.len()],
            rows: vec![0; tables.len()],
            logs,
            publisher: Publisher::new(layout.clone(), ledger),
            stopped: false,
            encoders: start_encoders(&tables, options, layout.clone())?,
            tables,
            layout,
            lock,
        })
    }

    /// Appends the documents of a unit, which follow those of the units before in archive order. Waits while too much is
    /// being encoded.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Unit`] for a unit that contradicts itself; it is not appended. Otherwise whatever went wrong
    /// since the last call, in an encoder too. After any error the dataset takes nothing more:
    /// [`DatasetError::Stopped`].
    pub fn append(&mut self, unit: Unit) -> Result<(), DatasetError> {
        self.refuse_if_stopped()?;
        let result = self.try_append(unit);
        self.stopped = result.is_err();
        result
    }

    /// Turns what is buffered into parts, gives a table without rows its empty part, and publishes everything.
    ///
    /// # Errors
    ///
    /// As [`Dataset::append`].
    pub fn finish(mut self) -> Result<Published, DatasetError> {
        self.refuse_if_stopped()?;
        for table in 0..self.tables.len() {
            if self.buffers.holds_rows(table) || self.closed[table] == 0 {
                self.close(table)?;
            }
        }
        let finished = self.encoders.finish()?;
        self.publisher.add(finished);
        self.logs.sync()?;
        self.publisher.publish()?;
        durable::remove_dir_if_empty(&self.layout.tmp())?;
        let tables = published_tables(&self.layout, self.publisher.ledger());
        Ok(Published {
            tables,
            layout: self.layout,
            _lock: self.lock,
        })
    }

    /// How far the dataset is.
    pub fn progress(&self) -> Progress {
        let (parts, bytes) = self.publisher.published();
        Progress {
            rows: self.rows.clone(),
            parts,
            bytes,
        }
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
        unit.conform(&self.tables).map_err(DatasetError::Unit)?;
        for (table, batch) in std::mem::take(&mut unit.batches) {
            self.buffers.arrive(table, batch);
        }
        for (rows, bytes) in unit.documents(self.tables.len()) {
            self.buffers.count(rows, bytes);
            self.rows
                .iter_mut()
                .zip(rows)
                .for_each(|(sum, rows)| *sum += u64::from(*rows));
            while let Some(table) = self.buffers.due() {
                self.close(table)?;
            }
        }
        let settled = self.buffers.settle();
        settled.map_err(|(table, error)| DatasetError::Rows {
            table: self.tables[table].name.clone(),
            error,
        })?;
        self.logs.append(&unit.failures, &unit.rescued)?;
        self.publish_if_due()
    }

    /// Makes a part of the table's buffer and hands it to the encoders.
    fn close(&mut self, table: usize) -> Result<(), DatasetError> {
        let Contents { rows, bytes } = self.buffers.take(table);
        let part = self.closed[table];
        self.closed[table] += 1;
        self.encoders.submit(Job {
            work: ClosedPart { table, part, rows },
            bytes,
        })
    }

    fn publish_if_due(&mut self) -> Result<(), DatasetError> {
        let finished = self.encoders.take_finished()?;
        self.publisher.add(finished);
        if self.publisher.is_due() {
            self.logs.sync()?;
            self.publisher.publish()?;
        }
        Ok(())
    }
}

impl Published {
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

fn published_tables(layout: &Layout, ledger: &Ledger) -> Vec<PublishedTable> {
    let published = ledger.tables.iter().map(|table| PublishedTable {
        name: table.name.clone(),
        directory: layout.table(&table.directory),
        rows: table.parts.iter().map(|part| part.rows).sum(),
        parts: table.parts.len() as u64,
        bytes: table.parts.iter().map(|part| part.bytes).sum(),
    });
    published.collect()
}

//! What a worker says, checked and put together: the reader's half of a [link](crate::link).

use std::io::Read;
use std::sync::mpsc::Sender;
use std::sync::{Arc, OnceLock};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use tarquet_dataset::{FailedMember, RescuedValue, Unit};
use tarquet_wire::BUILD;
use tarquet_wire::batch::{BatchError, TableDecoder};
use tarquet_wire::frame::{Frame, FrameError, FrameReader, Kind};
use tarquet_wire::message::{FromWorker, TaskId, UnitDone, decode};
use tarquet_wire::sandbox::Held;
use tarquet_wire::tables::{
    FailureRow, RescuedRow, failure_rows, failures_table, rescued_rows, rescued_table, value_bytes,
};

use crate::input::{Input, OnPanic};
use crate::machine::{Closes, Event, WorkerId};
use crate::numbering::Sent;

/// The schemas of all tables, the reserved ones too, once they are fixed.
pub(crate) type Schemas = Arc<OnceLock<Vec<SchemaRef>>>;

/// The most that the batches of one unit may weigh, in bytes: as much as one batch may, since it is one document whose
/// rows can be so large, in whatever tables they are.
const MAX_UNIT_BYTES: u64 = Kind::Batch.max_len() as u64;

/// How much of a worker's text is shown, in characters.
const MAX_SHOWN: usize = 4096;

/// Reads a worker's frames until its pipe ends or something in it is broken, and passes on what they say.
pub(crate) fn receive(worker: WorkerId, pipe: impl Read, schemas: &Schemas, inputs: &Sender<Input>) {
    let broken = Some("what it sent made its reader panic".to_owned());
    let _guard = OnPanic::new(inputs, Input::Hangup { worker, broken });
    let mut frames = FrameReader::new(pipe);
    let mut receiver = Receiver {
        worker,
        ready: false,
        schemas,
        decoders: Vec::new(),
        open: OpenUnit::default(),
    };
    let broken = loop {
        match frames.read() {
            Ok(Some(frame)) => match receiver.take(frame) {
                Ok(None) => {}
                Ok(Some(input)) => {
                    if inputs.send(input).is_err() {
                        return;
                    }
                }
                Err(broken) => break Some(broken),
            },
            // What a worker was writing when it died is cut short.
            Ok(None) | Err(FrameError::Truncated { .. }) => break None,
            Err(error) => break Some(error.to_string()),
        }
    };
    // Nobody listens any more when the run is over.
    inputs.send(Input::Hangup { worker, broken }).ok();
}

struct Receiver<'a> {
    worker: WorkerId,
    /// Whether it said that it is ready.
    ready: bool,
    schemas: &'a Schemas,
    decoders: Vec<TableDecoder>,
    open: OpenUnit,
}

/// The batches that no `UnitDone` has closed yet.
#[derive(Default)]
struct OpenUnit {
    task: Option<u64>,
    /// By table.
    batches: Vec<(usize, RecordBatch)>,
    bytes: u64,
}

impl Receiver<'_> {
    fn take(&mut self, frame: Frame) -> Result<Option<Input>, String> {
        match frame.kind {
            Kind::Batch => self.batch(frame).map(|()| None),
            Kind::Message => {
                let message: FromWorker = decode(&frame).map_err(|error| error.to_string())?;
                self.message(message).map(Some)
            }
        }
    }

    fn batch(&mut self, frame: Frame) -> Result<(), String> {
        if self.decoders.is_empty() {
            let schemas = self
                .schemas
                .get()
                .ok_or("it sent a batch before the schema was fixed")?;
            let decoders: Result<_, _> = schemas.iter().cloned().map(TableDecoder::new).collect();
            self.decoders = decoders.map_err(|error: BatchError| error.to_string())?;
        }
        if self.open.task.is_some_and(|task| task != frame.task) {
            return Err("it mixed batches of two tasks".to_owned());
        }
        let table = frame.table as usize;
        if self.open.batches.last().is_some_and(|(last, _)| *last >= table) {
            return Err("it sent a table twice in one unit, or one behind a later one".to_owned());
        }
        let decoder = self
            .decoders
            .get(table)
            .ok_or("it sent a batch of a table that there is not")?;
        self.open.task = Some(frame.task);
        self.open.bytes += frame.body.len() as u64;
        if self.open.bytes > MAX_UNIT_BYTES {
            return Err(format!(
                "it sent {} bytes of batches in one unit; the most is {MAX_UNIT_BYTES}",
                self.open.bytes
            ));
        }
        let batch = decoder.decode(&frame.body).map_err(|error| error.to_string())?;
        self.open.batches.push((table, batch));
        Ok(())
    }

    fn message(&mut self, message: FromWorker) -> Result<Input, String> {
        let worker = self.worker;
        let event = match message {
            FromWorker::Ready { build, sandbox } if build == BUILD => {
                // What holds it in is known before it reads of the archive, and cannot be known better after.
                if std::mem::replace(&mut self.ready, true) {
                    return Err("it said twice that it is ready".to_owned());
                }
                let sandbox = shown(sandbox);
                return Ok(Input::Ready { worker, sandbox });
            }
            FromWorker::Ready { build, .. } => return Err(format!("it is build {}, not {BUILD}", printable(&build))),
            FromWorker::SampleDone {
                task,
                evidence,
                left,
                cut,
            } => Event::SampleDone {
                worker,
                task,
                evidence,
                left,
                cut,
            },
            FromWorker::Started {
                task,
                first,
                count,
                span,
            } => Event::Started {
                worker,
                task,
                first,
                count,
                span,
            },
            FromWorker::UnitDone(done) => self.unit(done)?,
            FromWorker::TaskDone { task } => Event::TaskDone { worker, task },
            FromWorker::Blocked { task, request, .. } => Event::Blocked { worker, task, request },
            FromWorker::SourceFailed { member, error } => {
                let (member, error) = (printable(&member), printable(&error));
                return Ok(Input::SourceFailed { member, error });
            }
        };
        Ok(Input::Machine(event))
    }

    fn unit(&mut self, mut done: UnitDone) -> Result<Event<Sent>, String> {
        let OpenUnit { task, batches, bytes } = std::mem::take(&mut self.open);
        if task.is_some_and(|task| task != done.task) {
            return Err("it closed a unit of another task than the unit's batches".to_owned());
        }
        let tables = self.schemas.get().map_or(0, |schemas| schemas.len());
        let features = tables
            .checked_sub(2)
            .ok_or("it closed a unit before the schema was fixed")?;
        check_counts(&done, &batches, features)?;
        let closes = Closes {
            members: done.members,
            ended: done.ended,
            within: done.within,
            documents: u64::from(done.documents) + u64::from(done.failures),
        };
        Ok(Event::Unit {
            worker: self.worker,
            task: TaskId(done.task),
            closes,
            cut: done.cut.take(),
            bytes,
            unit: Sent {
                is_continued: done.is_continued,
                open: done.open,
                unit: unit(done, batches, features),
            },
        })
    }
}

/// A worker's text as it may be shown: of a bounded length, and without what a terminal would take for a command.
pub(crate) fn printable(text: &str) -> String {
    let shown = |character: char| if character.is_control() { '\u{fffd}' } else { character };
    text.chars().take(MAX_SHOWN).map(shown).collect()
}

/// What holds a worker in, as it may be shown.
fn shown(sandbox: Held) -> Held {
    Held {
        lacks: sandbox.lacks.iter().map(|lack| printable(lack)).collect(),
        ..sandbox
    }
}

/// Refuses counts that do not add up, here where it is clear whose fault it is: those of members and documents, those
/// of rows, those of the rows' bytes, which decide where parts end, and those of failures, which must each have a
/// line.
fn check_counts(done: &UnitDone, batches: &[(usize, RecordBatch)], features: usize) -> Result<(), String> {
    let cells = (done.documents as usize).checked_mul(features);
    let shaped = cells == Some(done.rows.len()) && cells == Some(done.bytes.len());
    let own = done.open.map_or(0, |open| open.documents);
    let counted = done.failed <= done.ended
        && done.ended <= done.members
        && done.failed <= done.failures
        && own <= done.documents;
    match shaped && counted && sent(batches, features) == told(done, features) {
        true => Ok(()),
        false => Err("the counts of a unit do not add up".to_owned()),
    }
}

/// What a unit comes to.
#[derive(Debug, PartialEq)]
struct Totals {
    /// Rows in each feature's table.
    rows: Vec<u64>,
    /// What they count in bytes.
    bytes: Vec<u64>,
    /// Lines for `failed.log`.
    failures: u64,
}

/// What the batches of a unit come to.
fn sent(batches: &[(usize, RecordBatch)], features: usize) -> Totals {
    let mut totals = Totals {
        rows: vec![0; features],
        bytes: vec![0; features],
        failures: 0,
    };
    for (table, batch) in batches {
        if *table < features {
            totals.rows[*table] += batch.num_rows() as u64;
            totals.bytes[*table] += value_bytes(batch);
        } else if *table == failures_table(features) {
            totals.failures += batch.num_rows() as u64;
        }
    }
    totals
}

/// What a unit is said to come to.
fn told(done: &UnitDone, features: usize) -> Totals {
    Totals {
        rows: sums(done.rows.iter().map(|rows| u64::from(*rows)), features),
        bytes: sums(done.bytes.iter().copied(), features),
        failures: u64::from(done.failures),
    }
}

/// What all documents have in each table, where `cells` has them document by document. A sum too large for 64 bits is
/// no true one either way.
fn sums(cells: impl Iterator<Item = u64>, features: usize) -> Vec<u64> {
    let mut sums = vec![0_u64; features];
    for (sum, cell) in (0..features).cycle().zip(cells) {
        sums[sum] = sums[sum].saturating_add(cell);
    }
    sums
}

/// Takes the reserved tables out of a unit's batches.
fn unit(done: UnitDone, batches: Vec<(usize, RecordBatch)>, features: usize) -> Unit {
    let mut unit = Unit {
        members: u64::from(done.ended),
        failed: u64::from(done.failed),
        documents: done.documents as usize,
        rows: done.rows,
        bytes: done.bytes,
        ..Unit::default()
    };
    for (table, batch) in batches {
        if table == failures_table(features) {
            unit.failures
                .extend(failure_rows(&batch).into_iter().map(failed_member));
        } else if table == rescued_table(features) {
            unit.rescued.extend(rescued_rows(&batch).into_iter().map(rescued_value));
        } else {
            unit.batches.push((table, batch));
        }
    }
    unit
}

fn failed_member(row: FailureRow) -> FailedMember {
    let FailureRow {
        member,
        offset,
        line,
        reason,
        detail,
    } = row;
    FailedMember {
        archive: None,
        member: Some(member),
        offset,
        line,
        reason,
        detail,
    }
}

fn rescued_value(row: RescuedRow) -> RescuedValue {
    let RescuedRow {
        member,
        feature,
        row,
        line,
        column,
        expected,
        value,
    } = row;
    RescuedValue {
        archive: None,
        member,
        feature,
        row,
        line,
        column,
        expected,
        value,
    }
}

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod judge;
#[cfg(test)]
mod tests;

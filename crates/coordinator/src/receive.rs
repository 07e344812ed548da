//! What a worker says, checked and put together: the reader's half of a [link](crate::link).

use std::io::Read;
use std::sync::mpsc::Sender;
use std::sync::{Arc, OnceLock};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use tarquet_dataset::{FailedMember, RescuedValue, Unit};
use tarquet_wire::BUILD;
use tarquet_wire::frame::{Frame, FrameError, FrameReader, Kind};
use tarquet_wire::message::{FromWorker, TaskId, UnitDone, decode};
use tarquet_wire::tables::{
    FailureRow, RescuedRow, TableDecoder, failure_rows, failures_table, rescued_rows, rescued_table,
};

use crate::input::{Input, OnPanic, Rows};
use crate::machine::{Event, WorkerId};

/// The schemas of all tables, the reserved ones too, once they are fixed.
pub(crate) type Schemas = Arc<OnceLock<Vec<SchemaRef>>>;

/// Reads a worker's frames until its pipe ends or something in it is broken, and passes on what they say.
pub(crate) fn receive(worker: WorkerId, pipe: impl Read, schemas: &Schemas, inputs: &Sender<Input>) {
    let broken = Some("what it sent made its reader panic".to_owned());
    let _guard = OnPanic::new(inputs, Input::Hangup { worker, broken });
    let mut frames = FrameReader::new(pipe);
    let mut receiver = Receiver {
        worker,
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
            self.decoders = schemas.iter().cloned().map(TableDecoder::new).collect();
        }
        if self.open.task.is_some_and(|task| task != frame.task) {
            return Err("it mixed batches of two tasks".to_owned());
        }
        let table = frame.table as usize;
        let decoder = self
            .decoders
            .get_mut(table)
            .ok_or("it sent a batch of a table that there is not")?;
        self.open.task = Some(frame.task);
        self.open.bytes += frame.body.len() as u64;
        let batch = decoder.decode(frame.body).map_err(|error| error.to_string())?;
        self.open.batches.push((table, batch));
        Ok(())
    }

    fn message(&mut self, message: FromWorker) -> Result<Input, String> {
        let worker = self.worker;
        let event = match message {
            FromWorker::Ready { build } if build == BUILD => Event::Ready(worker),
            FromWorker::Ready { build } => return Err(format!("it is build {build}, not {BUILD}")),
            FromWorker::SampleDone { task, evidence } => Event::SampleDone { worker, task, evidence },
            FromWorker::Started { task, first, count } => Event::Started {
                worker,
                task,
                first,
                count,
            },
            FromWorker::UnitDone(done) => self.unit(done)?,
            FromWorker::TaskDone { task } => Event::TaskDone { worker, task },
            FromWorker::Blocked { task, request, .. } => Event::Blocked { worker, task, request },
            FromWorker::SourceFailed { member, error } => return Ok(Input::SourceFailed { member, error }),
        };
        Ok(Input::Machine(event))
    }

    fn unit(&mut self, done: UnitDone) -> Result<Event<Rows>, String> {
        let OpenUnit { task, batches, bytes } = std::mem::take(&mut self.open);
        if task.is_some_and(|task| task != done.task) {
            return Err("it closed a unit of another task than the unit's batches".to_owned());
        }
        let tables = self.schemas.get().map_or(0, |schemas| schemas.len());
        let features = tables
            .checked_sub(2)
            .ok_or("it closed a unit before the schema was fixed")?;
        check_counts(&done, &batches, features)?;
        let (members, failed) = (done.members, u64::from(done.failed));
        let task = TaskId(done.task);
        let unit = unit(done, batches, features);
        let rows = Rows {
            members: u64::from(members),
            failed,
            unit,
        };
        Ok(Event::Unit {
            worker: self.worker,
            task,
            members,
            bytes,
            unit: rows,
        })
    }
}

/// Refuses counts that do not add up, here where it is clear whose fault it is.
fn check_counts(done: &UnitDone, batches: &[(usize, RecordBatch)], features: usize) -> Result<(), String> {
    let cells = (done.documents as usize).checked_mul(features);
    let shaped = cells == Some(done.rows.len()) && cells == Some(done.bytes.len());
    let counted = done.failed <= done.members && done.documents <= done.members - done.failed;
    let mut sent = vec![0_u64; features];
    for (table, batch) in batches {
        if let Some(rows) = sent.get_mut(*table) {
            *rows += batch.num_rows() as u64;
        }
    }
    let mut told = vec![0_u64; features];
    for document in done.rows.chunks_exact(features.max(1)) {
        told.iter_mut()
            .zip(document)
            .for_each(|(sum, rows)| *sum += u64::from(*rows));
    }
    match shaped && counted && sent == told {
        true => Ok(()),
        false => Err("the counts of a unit do not add up".to_owned()),
    }
}

/// Takes the reserved tables out of a unit's batches.
fn unit(done: UnitDone, batches: Vec<(usize, RecordBatch)>, features: usize) -> Unit {
    let mut unit = Unit {
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
        column,
        expected,
        value,
    } = row;
    RescuedValue {
        member,
        feature,
        row,
        column,
        expected,
        value,
    }
}

#[cfg(test)]
mod tests;

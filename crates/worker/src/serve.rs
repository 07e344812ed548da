//! A worker's life: from `Hello` to `Finish`.

mod stretch;

use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_schema::ArrowError;
use tarquet_feature_map::{Evidence, Plan, SchemaError, display_name};
use tarquet_projection::{DocumentError, EngineKind, FlushError};
use tarquet_wire::batch::TableEncoder;
use tarquet_wire::frame::{FrameWriter, Kind, Outgoing};
use tarquet_wire::message::{
    FromWorker, Hello, Member, MessageError, Product, Span, Task, TaskId, ToWorker, encode, send,
};
use tarquet_wire::sandbox::Held;
use tarquet_wire::source::SourceId;
use tarquet_wire::tables::{FailureRow, schemas};
use tarquet_wire::{BUILD, PROTOCOL};
use thiserror::Error;

use crate::commands::Commands;
use crate::foreign;
use crate::product::Maker;
use crate::reader::{MemberReader, ReadError, Source};
use crate::unit::Unit;
use crate::window::Window;

/// Small members are announced together up to this many bytes; larger ones alone.
const ANNOUNCED_TOGETHER: u64 = 256 << 10;

/// What ends a worker before its time.
#[derive(Debug, Error)]
pub enum WorkerError {
    /// The process cannot be made a worker.
    #[error("a worker cannot {what}: {error}")]
    Setup {
        /// What it cannot do.
        what: &'static str,
        /// What the system said.
        error: io::Error,
    },
    /// The process holds a descriptor that nobody declared.
    #[error(
        "a worker holds descriptor {number} ({}), which it was not told of: the coordinator left it open",
        refers_to.display()
    )]
    Descriptor {
        /// Its number.
        number: i32,
        /// What it refers to, as `/proc/self/fd` shows it.
        refers_to: PathBuf,
    },
    /// The socket for sources is not among the descriptors that the worker was started with.
    #[error("the coordinator named descriptor {number} as the socket for sources, which it did not declare")]
    Undeclared {
        /// Its number.
        number: i32,
    },
    /// The limit on memory is below what the worker uses before it has read anything.
    #[error(
        "a worker may have {limit} bytes of memory and uses {used} before it has read anything: raise --worker-memory"
    )]
    Memory {
        /// The limit, in bytes.
        limit: u64,
        /// What is in use, in bytes.
        used: u64,
    },
    /// The process cannot be locked in thread by thread.
    #[error("a worker has {count} threads where it is to lock itself in, and must have one")]
    Threads {
        /// How many it has.
        count: usize,
    },
    /// What the worker says does not reach the coordinator.
    #[error("writing to the coordinator: {0}")]
    Output(#[from] io::Error),
    /// The coordinator sent what cannot be read.
    #[error("reading what the coordinator says: {0}")]
    Message(#[from] MessageError),
    /// The coordinator sent something at the wrong time.
    #[error("the coordinator said {what}, which breaks the protocol")]
    Unexpected {
        /// What it said.
        what: &'static str,
    },
    /// The coordinator is another build.
    #[error(
        "the coordinator is build {coordinator} (protocol {protocol}), this worker is {BUILD} (protocol {PROTOCOL})"
    )]
    Build {
        /// The coordinator's build.
        coordinator: String,
        /// The coordinator's protocol.
        protocol: u32,
    },
    /// There is no such engine.
    #[error("the coordinator asks for the projection engine `{name}`, which there is not")]
    Engine {
        /// The engine's name.
        name: String,
    },
    /// The plan is not fit for extraction.
    #[error("the plan gives no tables: {0}")]
    Schema(#[from] SchemaError),
    /// Rows could not be made into batches.
    #[error(transparent)]
    Flush(#[from] FlushError),
    /// A batch could not be encoded.
    #[error("rows cannot be sent: {0}")]
    Arrow(#[from] ArrowError),
    /// A profile cannot be encoded.
    #[error("what documents hold cannot be sent: {0}")]
    Profile(#[from] serde_json::Error),
    /// The run ends before this worker's rows were wanted.
    #[error("the run ended while rows were waiting for credit")]
    Abandoned,
    /// The coordinator is gone.
    #[error("the process that started this worker is gone, or is not the coordinator that it names")]
    Orphan,
    /// The descriptor of what is to be read does not come.
    #[error("waiting for the descriptor of a source: {0}")]
    NoSource(io::Error),
    /// The archive cannot be read; the coordinator was told.
    #[error("reading the archive: {0}")]
    Source(io::Error),
}

/// Waits for the next source of members' bytes, and gives it with its number.
pub type NextSource<S> = Box<dyn FnMut() -> io::Result<(SourceId, S)>>;

/// Serves a coordinator over `input` and `output` until it says `Finish` or goes away.
///
/// `sandbox` is what the coordinator is told of how this process is held in. `enter` gives where the sources of members'
/// bytes come from, as `Hello` names it; the coordinator has not been answered yet.
///
/// # Errors
///
/// Whatever ends a worker early.
pub fn serve<R, W, S>(
    input: R,
    output: W,
    sandbox: Held,
    enter: impl FnOnce(&Hello) -> Result<NextSource<S>, WorkerError>,
) -> Result<(), WorkerError>
where
    R: Read,
    W: Write,
    S: Source,
{
    let mut commands = Commands::new(input);
    let hello = match commands.next()? {
        ToWorker::Hello(hello) => *hello,
        ToWorker::Finish => return Ok(()),
        _ => {
            return Err(WorkerError::Unexpected {
                what: "something else before Hello",
            });
        }
    };
    let mut worker = Worker::greet(hello, commands, output, enter)?;
    worker.tell_ready(sandbox)?;
    match worker.work() {
        Err(WorkerError::Abandoned) => Ok(()),
        ended => ended,
    }
}

struct Worker<R, W, S> {
    commands: Commands<R>,
    output: FrameWriter<W>,
    next_source: NextSource<S>,
    reader: MemberReader<S>,
    engine: EngineKind,
    unit_bytes: u64,
    max_document_bytes: u64,
    /// What is read of a member that holds many documents.
    window: Window,
    plan: Arc<Plan>,
    product: Product,
    maker: Maker,
    /// One for each table, once every value has a type.
    encoders: Option<Vec<TableEncoder>>,
    /// How often this worker said that it is blocked.
    requests: u64,
}

impl<R: Read, W: Write, S: Source> Worker<R, W, S> {
    fn greet(
        hello: Hello,
        mut commands: Commands<R>,
        output: W,
        enter: impl FnOnce(&Hello) -> Result<NextSource<S>, WorkerError>,
    ) -> Result<Worker<R, W, S>, WorkerError> {
        if hello.protocol != PROTOCOL || hello.build != BUILD {
            return Err(WorkerError::Build {
                coordinator: hello.build,
                protocol: hello.protocol,
            });
        }
        let engine: EngineKind = hello.engine.parse().map_err(|_| WorkerError::Engine {
            name: hello.engine.clone(),
        })?;
        let next_source = enter(&hello)?;
        commands.balance().restore(hello.credit);
        let plan = Arc::new(hello.plan);
        Ok(Worker {
            commands,
            output: FrameWriter::new(output),
            next_source,
            reader: MemberReader::new(hello.max_document_bytes),
            engine,
            unit_bytes: hello.unit_bytes,
            max_document_bytes: hello.max_document_bytes,
            window: Window::default(),
            product: hello.product,
            maker: Maker::new(hello.product, &plan, engine)?,
            encoders: if plan.is_typed() { Some(encoders(&plan)?) } else { None },
            plan,
            requests: 0,
        })
    }

    fn tell_ready(&mut self, sandbox: Held) -> io::Result<()> {
        let build = BUILD.to_owned();
        send(&mut self.output, &FromWorker::Ready { build, sandbox })
    }

    fn work(&mut self) -> Result<(), WorkerError> {
        loop {
            match self.commands.next()? {
                ToWorker::Sample(task) => self.sample(&task)?,
                ToWorker::Schema(plan) => self.fix_schema(*plan)?,
                ToWorker::Task(task) => self.extract(&task)?,
                ToWorker::Finish => return Ok(()),
                ToWorker::Hello(_) => return Err(WorkerError::Unexpected { what: "Hello twice" }),
                ToWorker::Credit { .. } | ToWorker::Pass { .. } => {}
            }
        }
    }

    fn fix_schema(&mut self, plan: Plan) -> Result<(), WorkerError> {
        self.plan = Arc::new(plan);
        self.encoders = Some(encoders(&self.plan)?);
        self.maker = Maker::new(self.product, &self.plan, self.engine)?;
        Ok(())
    }

    /// Goes over to the task's source, if it is another one than that of the task before.
    fn turn_to(&mut self, task: &Task) -> Result<(), WorkerError> {
        if self.reader.source() == Some(task.source) {
            return Ok(());
        }
        let (id, source) = (self.next_source)().map_err(WorkerError::NoSource)?;
        self.reader.turn_to(id, source);
        match id == task.source {
            true => Ok(()),
            false => Err(WorkerError::Unexpected {
                what: "a task of another source than the one whose descriptor it sent",
            }),
        }
    }

    fn sample(&mut self, task: &Task) -> Result<(), WorkerError> {
        self.turn_to(task)?;
        let mut evidence = Evidence::new(&self.plan);
        let (mut left, mut cut) = (None, None);
        for group in announced(task) {
            self.prepare(task, &group)?;
            for position in group {
                let member = &task.members[position];
                match &member.stretch {
                    Some(_) if member.failed.is_none() => {
                        let (behind, at) = self.sample_stretch(task, position, &mut evidence)?;
                        (left, cut) = (Some(behind), at);
                    }
                    _ => self.observe(member, &mut evidence)?,
                }
            }
        }
        let task = task.id;
        let done = FromWorker::SampleDone {
            task,
            evidence,
            left,
            cut,
        };
        Ok(send(&mut self.output, &done)?)
    }

    /// Looks at the types of a member that is one document. One that fails says nothing of types; it fails again, and for
    /// good, when it is extracted.
    fn observe(&mut self, member: &Member, evidence: &mut Evidence) -> Result<(), WorkerError> {
        match self.reader.read(member) {
            Ok(document) => {
                let name = display_name(&member.name);
                let _failed = self.maker.observe(document, &name, evidence);
                Ok(())
            }
            Err(ReadError::Member(_) | ReadError::Inflate(_)) => Ok(()),
            Err(ReadError::Source(error)) => Err(self.source_failed(member, error)),
        }
    }

    fn extract(&mut self, task: &Task) -> Result<(), WorkerError> {
        if self.encoders.is_none() {
            return Err(WorkerError::Unexpected {
                what: "Task before Schema",
            });
        }
        self.turn_to(task)?;
        let mut unit = Unit::default();
        for group in announced(task) {
            self.prepare(task, &group)?;
            for position in group {
                let member = &task.members[position];
                match &member.stretch {
                    Some(_) if member.failed.is_none() => self.extract_stretch(task, position, &mut unit)?,
                    _ => self.project(member, &mut unit)?,
                }
                if task.careful || self.is_full(&unit) || unit.is_complete() {
                    self.close(task.id, std::mem::take(&mut unit), &[])?;
                }
            }
        }
        let done = FromWorker::TaskDone { task: task.id };
        match unit.is_empty() {
            true => Ok(send(&mut self.output, &done)?),
            false => self.close(task.id, unit, &[done]),
        }
    }

    /// Whether the unit is to be sent.
    fn is_full(&self, unit: &Unit) -> bool {
        (self.maker.buffered_bytes() + unit.weight()) as u64 >= self.unit_bytes
    }

    /// Announces members and reads those that are small. A stretch that is not small is announced piece by piece.
    fn prepare(&mut self, task: &Task, group: &std::ops::Range<usize>) -> io::Result<()> {
        let members = &task.members[group.clone()];
        if !members
            .iter()
            .any(|member| stretch::is_announced_in_pieces(task, member))
        {
            // A task's members are counted in 32 bits by whoever makes tasks.
            self.announce(task.id, group.start as u32, group.len() as u32, None)?;
        }
        self.reader.gather(members);
        Ok(())
    }

    fn announce(&mut self, task: TaskId, first: u32, count: u32, span: Option<Span>) -> io::Result<()> {
        let started = FromWorker::Started {
            task,
            first,
            count,
            span,
        };
        send(&mut self.output, &started)
    }

    fn project(&mut self, member: &Member, unit: &mut Unit) -> Result<(), WorkerError> {
        let name = display_name(&member.name);
        let failure = match self.reader.read(member) {
            Ok(document) => match self.maker.add(document, &*name) {
                Ok(()) => {
                    unit.add_document(name.into_owned());
                    return Ok(());
                }
                Err(error) => refused(document, error),
            },
            Err(ReadError::Member(failure)) => (None, failure.reason, failure.detail),
            Err(ReadError::Inflate(error)) => (error.offset(), error.reason().to_owned(), error.to_string()),
            Err(ReadError::Source(error)) => return Err(self.source_failed(member, error)),
        };
        let (offset, reason, detail) = failure;
        unit.add_failure(FailureRow {
            member: name.into_owned(),
            offset,
            line: None,
            reason,
            detail,
        });
        Ok(())
    }

    /// Tells the coordinator that the source cannot be read, and gives what ends the worker.
    fn source_failed(&mut self, member: &Member, error: io::Error) -> WorkerError {
        let failed = FromWorker::SourceFailed {
            member: display_name(&member.name).into_owned(),
            error: error.to_string(),
        };
        match send(&mut self.output, &failed) {
            Ok(()) => WorkerError::Source(error),
            Err(error) => error.into(),
        }
    }

    /// Sends the unit's batches, once credit covers them all, closes them, and says what follows.
    fn close(&mut self, task: TaskId, unit: Unit, behind: &[FromWorker]) -> Result<(), WorkerError> {
        let (batches, done) = unit.close(task, &self.plan, self.maker.flush()?)?;
        let encoded = self.encode(&batches)?;
        let bytes = encoded
            .iter()
            .flat_map(|(_, pieces)| pieces)
            .map(|piece| piece.len() as u64)
            .sum();
        self.take_credit(task, bytes)?;
        let batches = encoded.iter().map(|(table, pieces)| Outgoing {
            kind: Kind::Batch,
            table: *table,
            task: task.0,
            pieces: pieces.iter().map(Buffer::as_slice).collect(),
        });
        let messages: Vec<Vec<u8>> = std::iter::once(&FromWorker::UnitDone(done))
            .chain(behind)
            .map(encode)
            .collect::<io::Result<_>>()?;
        let messages = messages.iter().map(|body| Outgoing {
            kind: Kind::Message,
            table: 0,
            task: 0,
            pieces: vec![body],
        });
        let frames: Vec<Outgoing<'_>> = batches.chain(messages).collect();
        Ok(self.output.write_together(&frames)?)
    }

    fn encode(&mut self, batches: &[(usize, RecordBatch)]) -> Result<Vec<(u32, Vec<Buffer>)>, WorkerError> {
        let encoders = self.encoders.as_mut().ok_or(WorkerError::Unexpected {
            what: "Task before Schema",
        })?;
        let encode = |(table, batch): &(usize, RecordBatch)| Ok((*table as u32, encoders[*table].encode(batch)?));
        batches.iter().map(encode).collect()
    }

    fn take_credit(&mut self, task: TaskId, bytes: u64) -> Result<(), WorkerError> {
        if !self.commands.balance().covers(bytes) {
            let request = self.requests;
            self.requests += 1;
            send(&mut self.output, &FromWorker::Blocked { task, request, bytes })?;
            self.commands.wait_for_credit(bytes, request)?;
        }
        self.commands.balance().spend(bytes);
        Ok(())
    }
}

/// Where, by what word and why a document fails that the projector refused.
fn refused(document: &[u8], error: DocumentError) -> (Option<u64>, String, String) {
    match foreign::named(document, error.kind) {
        Some(detail) => (None, "unsupported".to_owned(), detail),
        None => (error.offset, error.kind.code().to_owned(), error.detail),
    }
}

fn encoders(plan: &Plan) -> Result<Vec<TableEncoder>, WorkerError> {
    schemas(plan)?
        .iter()
        .map(|schema| Ok(TableEncoder::new(schema)?))
        .collect()
}

/// Cuts a task's members into the groups that are announced together.
fn announced(task: &Task) -> Vec<std::ops::Range<usize>> {
    let mut groups: Vec<std::ops::Range<usize>> = Vec::new();
    let mut bytes = 0;
    for (position, member) in task.members.iter().enumerate() {
        let alone = task.careful || stretch::is_announced_in_pieces(task, member);
        bytes += member.size;
        match groups.last_mut() {
            Some(group) if !alone && bytes <= ANNOUNCED_TOGETHER => group.end = position + 1,
            _ => {
                groups.push(position..position + 1);
                // Nothing joins one that is announced in pieces.
                bytes = if alone { ANNOUNCED_TOGETHER } else { member.size };
            }
        }
    }
    groups
}

#[cfg(test)]
mod tests;

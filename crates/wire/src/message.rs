//! The messages, as `postcard` encodes them.

use std::io::{self, ErrorKind, Read, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tarquet_feature_map::Evidence;
use tarquet_feature_map::Plan;
use thiserror::Error;

use crate::frame::{Frame, FrameError, FrameReader, FrameWriter, Kind};
use crate::sandbox::Held;

/// A task's number. Tasks are numbered in archive order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TaskId(pub u64);

/// What a worker is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ToWorker {
    /// The first message.
    Hello(Box<Hello>),
    /// Look at the types of these members' documents.
    Sample(Task),
    /// The run's schema is fixed; tasks may follow.
    Schema(Box<Plan>),
    /// Extract these members.
    Task(Task),
    /// So many bytes of credit are back.
    Credit {
        /// Bytes of batches.
        bytes: u64,
    },
    /// The unit that the worker said it is [blocked](FromWorker::Blocked) with may be sent whatever it weighs.
    Pass {
        /// The number of that `Blocked`.
        request: u64,
    },
    /// The sentinel: no more work, leave.
    Finish,
}

/// How a worker is to work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hello {
    /// [`crate::PROTOCOL`] of the coordinator.
    pub protocol: u32,
    /// [`crate::BUILD`] of the coordinator.
    pub build: String,
    /// The plan; with untyped values a [`ToWorker::Schema`] follows before the first task.
    pub plan: Plan,
    /// The projection engine's name.
    pub engine: String,
    /// The descriptor that the members' bytes are read from: one of those that the worker was started with.
    pub source: i32,
    /// Rows are sent once they weigh this much, in Arrow bytes, or when the task ends.
    pub unit_bytes: u64,
    /// Documents inside compressed members that are larger than this fail, in bytes. (Of others, the task says it.)
    pub max_document_bytes: u64,
    /// The credit to start with, in bytes.
    pub credit: u64,
}

/// Consecutive members of an archive.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// The task's number.
    pub id: TaskId,
    /// The members, in archive order. A retry has those that no unit has closed.
    pub members: Vec<Member>,
    /// Whether every member is announced alone and closed by a unit of its own: a worker died with this task, and the
    /// next death has to name its member.
    pub careful: bool,
}

/// A member and where its bytes are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The name, as it stands in the archive.
    pub name: Vec<u8>,
    /// Where the member's header is, in bytes of the (decompressed) archive.
    pub offset: u64,
    /// The member's size in bytes.
    pub size: u64,
    /// Where its bytes are; one after the other they are `size` long.
    pub extents: Vec<Extent>,
    /// A reason for which the member fails unread: its line in `failed.log` takes its place in the order.
    pub failed: Option<Failure>,
}

/// A range of the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extent {
    /// Where it begins, in bytes.
    pub offset: u64,
    /// How long it is, in bytes.
    pub len: u64,
}

/// Why a member failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// A word that programs can match.
    pub reason: String,
    /// A sentence for people.
    pub detail: String,
}

/// What a worker tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum FromWorker {
    /// The answer to [`ToWorker::Hello`].
    Ready {
        /// [`crate::BUILD`] of the worker.
        build: String,
        /// What holds it in.
        sandbox: Held,
    },
    /// The types that a sample's documents hold.
    SampleDone {
        /// The sample's number.
        task: TaskId,
        /// What was seen.
        evidence: Evidence,
    },
    /// These members are about to be read, and none before them will be again. A large member is announced alone,
    /// small ones together, and in a careful task each one alone.
    Started {
        /// The task.
        task: TaskId,
        /// The first one's position among the members that the task was sent with.
        first: u32,
        /// How many they are; never 0.
        count: u32,
    },
    /// The batches that came before this, and no others, are the rows of these documents: at most one of each table, the
    /// tables in ascending order.
    UnitDone(UnitDone),
    /// All members of the task are closed.
    TaskDone {
        /// The task.
        task: TaskId,
    },
    /// The next unit waits for credit.
    Blocked {
        /// The unit's task.
        task: TaskId,
        /// The number of this message among the worker's, from 0.
        request: u64,
        /// What the unit weighs, in bytes of batches.
        bytes: u64,
    },
    /// The archive cannot be read any more: the run has to stop.
    SourceFailed {
        /// The member that was being read, for people.
        member: String,
        /// What the system said.
        error: String,
    },
}

/// The end of a unit: whole documents whose rows are now final.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitDone {
    /// The task.
    pub task: u64,
    /// How many members of the task this closes, following those that are closed already.
    pub members: u32,
    /// How many of these members failed.
    pub failed: u32,
    /// How many documents the unit has.
    pub documents: u32,
    /// Rows of each document in each table, documents × tables.
    pub rows: Vec<u32>,
    /// Value lengths of each document in each table, in bytes, documents × tables.
    pub bytes: Vec<u64>,
}

/// Why a message could not be read.
#[derive(Debug, Error)]
pub enum MessageError {
    /// The frame could not be read.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The frame's body is no message.
    #[error("a message that cannot be decoded: {0}")]
    Decode(#[from] postcard::Error),
    /// A batch where only a message can be.
    #[error("a batch where a message was expected")]
    UnexpectedBatch,
}

/// Writes one message.
///
/// # Errors
///
/// What the pipe gives.
pub fn send<W: Write>(writer: &mut FrameWriter<W>, message: &impl Serialize) -> io::Result<()> {
    writer.write(Kind::Message, 0, 0, &[&encode(message)?])
}

/// The body of the frame that carries a message.
///
/// # Errors
///
/// [`ErrorKind::InvalidData`] for what cannot be expressed, which no message is.
pub fn encode(message: &impl Serialize) -> io::Result<Vec<u8>> {
    postcard::to_stdvec(message).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))
}

/// The message that a frame of [`Kind::Message`] holds.
///
/// # Errors
///
/// [`MessageError::Decode`] where the body is no such message, or more than one.
pub fn decode<T: DeserializeOwned>(frame: &Frame) -> Result<T, MessageError> {
    match postcard::take_from_bytes(&frame.body)? {
        (message, []) => Ok(message),
        _ => Err(MessageError::Decode(postcard::Error::DeserializeBadEncoding)),
    }
}

/// The next message, or `None` at the end of the stream, where only messages can come.
///
/// # Errors
///
/// Whatever makes the rest of the stream meaningless.
pub fn receive<T: DeserializeOwned, R: Read>(reader: &mut FrameReader<R>) -> Result<Option<T>, MessageError> {
    let Some(frame) = reader.read()? else { return Ok(None) };
    match frame.kind {
        Kind::Message => decode(&frame).map(Some),
        Kind::Batch => Err(MessageError::UnexpectedBatch),
    }
}

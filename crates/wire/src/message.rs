//! The messages, as `postcard` encodes them.

use std::io::{self, ErrorKind, Read, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tarquet_feature_map::Evidence;
use tarquet_feature_map::Plan;
use thiserror::Error;

use crate::array::{ArrayState, Cut};
use crate::frame::{Frame, FrameError, FrameReader, FrameWriter, Kind};
use crate::sandbox::Held;
use crate::source::SourceId;

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
    /// What is made of documents.
    pub product: Product,
    /// The socket over which the descriptors come that members' bytes are read from: one of the descriptors that the worker
    /// was started with.
    pub sources: i32,
    /// Rows are sent once they weigh this much, in Arrow bytes, or when the task ends.
    pub unit_bytes: u64,
    /// Documents inside compressed members that are larger than this fail, in bytes. (Of others, the task says it.)
    pub max_document_bytes: u64,
    /// The credit to start with, in bytes.
    pub credit: u64,
}

/// What a worker makes of documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Product {
    /// The rows that the plan gives.
    Rows,
    /// For each unit one row of the plan's only table, whose column behind the ids says which values the unit's documents
    /// have.
    Profile,
}

/// Consecutive members of an archive, or stretches of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// The task's number.
    pub id: TaskId,
    /// What the members' extents are ranges of.
    pub source: SourceId,
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
    /// The member's size in bytes; of a stretch, how many of the member's bytes it stands for.
    pub size: u64,
    /// Where its bytes are; one after the other they are `size` long, but those of a stretch may be more.
    pub extents: Vec<Extent>,
    /// A reason for which the member fails unread: its line in `failed.log` takes its place in the order.
    pub failed: Option<Failure>,
    /// Where the member holds documents one behind the other, those of them that are meant; `None` where its content is
    /// one document.
    pub stretch: Option<Stretch>,
}

impl Member {
    /// Whether nothing of the member comes after this.
    pub fn is_last(&self) -> bool {
        self.stretch.as_ref().is_none_or(|stretch| stretch.is_last)
    }
}

/// How a member's content is cut into documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Shape {
    /// Each line is one (NDJSON, JSON Lines); lines of nothing but white space are none.
    Lines,
    /// The content is one JSON array; each element is one.
    Array,
}

/// Some of the documents of a member that holds many.
///
/// Offsets are in the member's content, which is what it inflates to where it is compressed. Of lines, a stretch has those
/// that begin in it: where a line begins is told by the line end before it, so ranges can be cut anywhere. Its last line may
/// end behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretch {
    /// How the documents are told from one another.
    pub shape: Shape,
    /// Which byte of the content is the first of the member's [extents](Member::extents). If it is not the content's first
    /// one, a document begins there.
    pub at: u64,
    /// Documents that begin here or behind are meant. It is not 0 where others of the same member come before these.
    pub start: u64,
    /// Documents that begin here or behind are not.
    pub end: u64,
    /// Whether the member ends with this stretch.
    pub is_last: bool,
    /// Of an array: whether the next stretch waits for the [`Cut`] that comes with what closes this one. What breaks the array
    /// is then told in the cut, and in no other way: the stretch in which the member ends has it in its place.
    pub is_open: bool,
    /// Of an array: what the first byte of the extents is a part of. It does not count where documents behind that byte are
    /// closed already; then the byte at `start` is the one behind an element.
    pub state: ArrayState,
    /// Whether the content goes on behind the extents, where nobody can read it: a line that does not end before is none.
    pub is_cut: bool,
    /// In a careful task, documents that begin before this are announced alone, and closed by a unit of their own.
    pub careful_to: u64,
    /// Documents that fail unread, because workers died over them.
    pub failed: Vec<FailedAt>,
    /// Of a sample: how much of it is looked at. No more documents, once there were so many of them or of their bytes.
    pub sample: SampleLimit,
}

/// A place in a member from which something fails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedAt {
    /// Where the document begins, in bytes of the content.
    pub at: u64,
    /// Whether nothing of the member can be read from there on; else it is the one document that begins there.
    pub is_rest: bool,
    /// Why.
    pub failure: Failure,
}

/// An amount of documents.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleLimit {
    /// How many.
    pub documents: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl SampleLimit {
    /// What is left of it behind a document of so many bytes.
    pub fn take(&mut self, bytes: u64) {
        self.documents = self.documents.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    /// Whether there is to be no more.
    pub fn is_reached(&self) -> bool {
        self.documents == 0 || self.bytes == 0
    }
}

/// Some consecutive documents of one member, by their bytes in its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Where the first one begins.
    pub from: u64,
    /// Where the last one ends. The same as `from` while the next one is being looked for.
    pub to: u64,
    /// Whether it is one document.
    pub is_one: bool,
}

/// A range of the task's source.
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
        /// What is left of the limit of the last stretch among the members, if there is one.
        left: Option<SampleLimit>,
        /// Where that one ends, if it is open and was looked at to its end.
        cut: Option<Cut>,
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
        /// The documents, where not all of one member is meant.
        span: Option<Span>,
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
    /// How many members of the task this closes, following those that are closed already; a stretch counts as one.
    pub members: u32,
    /// How many of these are the last of their members.
    pub ended: u32,
    /// How many members failed. One that holds many documents fails where it cannot be read to its end.
    pub failed: u32,
    /// How many documents failed, those members included.
    pub failures: u32,
    /// Up to where the stretch behind the closed ones is closed, in bytes of its content: a document ends before, and the
    /// next one begins at or behind it. 0 if nothing of it is.
    pub within: u64,
    /// Whether the unit begins in the midst of a member, behind other units of it. It then holds nothing else but this
    /// member's documents, and their numbers count from the unit's beginning.
    pub is_continued: bool,
    /// The member in whose midst the unit ends.
    pub open: Option<Open>,
    /// Where the unit's last stretch ends, if that is an open one.
    pub cut: Option<Cut>,
    /// How many documents the unit has.
    pub documents: u32,
    /// Rows of each document in each table, documents × tables.
    pub rows: Vec<u32>,
    /// Value lengths of each document in each table, in bytes, documents × tables.
    pub bytes: Vec<u64>,
}

/// How far a member is that goes on behind a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// The documents that begin before this are in this unit or in those before, in bytes of the content.
    pub byte: u64,
    /// How many lines of it the unit has, empty ones included; of an array, elements.
    pub lines: u64,
    /// How many of the unit's documents are its own.
    pub documents: u32,
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

//! What the machine is told, and what it answers.

use std::fmt;

use tarquet_feature_map::{Evidence, Plan};
use tarquet_wire::message::{Extent, Member, TaskId, ToWorker};

/// A worker process. A replacement is another worker: numbers are never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkerId(pub u64);

impl fmt::Display for WorkerId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "worker {}", self.0)
    }
}

/// How a worker ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Death {
    /// By a signal.
    Signal(i32),
    /// By leaving with this status.
    Exit(i32),
    /// By breaking the protocol.
    Protocol(String),
}

impl Death {
    /// Whether it may have come from outside: by SIGKILL or SIGTERM.
    pub(super) fn is_foreign(&self) -> bool {
        const SIGKILL: i32 = 9;
        const SIGTERM: i32 = 15;
        matches!(self, Death::Signal(SIGKILL | SIGTERM))
    }
}

impl fmt::Display for Death {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Death::Signal(signal) => write!(formatter, "killed by signal {signal}"),
            Death::Exit(status) => write!(formatter, "left with status {status}"),
            Death::Protocol(error) => write!(formatter, "broke the protocol: {error}"),
        }
    }
}

/// What happened.
#[derive(Debug)]
pub enum Event<U> {
    /// The walk found the next task. While the sample lasts, tasks belong to it.
    Work {
        /// The members; the task's number is the next one.
        members: Vec<Member>,
    },
    /// The tasks so far are the whole sample.
    SampleEnded,
    /// There is no more work.
    WorkEnded,
    /// The types are decided: the answer to [`Action::FixSchema`].
    SchemaFixed(Box<Plan>),
    /// A worker can be given tasks.
    Ready(WorkerId),
    /// A worker is done with a task of the sample.
    SampleDone {
        /// The worker.
        worker: WorkerId,
        /// The task.
        task: TaskId,
        /// What it saw.
        evidence: Evidence,
    },
    /// A worker begins with some members.
    Started {
        /// The worker.
        worker: WorkerId,
        /// The task.
        task: TaskId,
        /// The first one's position among the members that the task was sent with.
        first: u32,
        /// How many they are.
        count: u32,
    },
    /// A worker closed a unit.
    Unit {
        /// The worker.
        worker: WorkerId,
        /// The task.
        task: TaskId,
        /// How many members it closes.
        members: u32,
        /// What it weighs, in bytes of batches.
        bytes: u64,
        /// The rows.
        unit: U,
    },
    /// A worker is done with a task.
    TaskDone {
        /// The worker.
        worker: WorkerId,
        /// The task.
        task: TaskId,
    },
    /// A worker's next unit waits for credit.
    Blocked {
        /// The worker.
        worker: WorkerId,
        /// The task.
        task: TaskId,
        /// The number of the request.
        request: u64,
    },
    /// A delivered unit has left the window.
    Absorbed {
        /// The worker that sent it.
        worker: WorkerId,
        /// What it weighed, in bytes.
        bytes: u64,
    },
    /// A worker is gone.
    Died {
        /// The worker.
        worker: WorkerId,
        /// How.
        death: Death,
    },
}

/// What is to be done.
#[derive(Debug)]
#[must_use]
pub enum Action<U> {
    /// Start a worker.
    Spawn(WorkerId),
    /// Tell a worker.
    Send(WorkerId, ToWorker),
    /// End a worker that cannot be trusted any more; its death follows as an event.
    Kill(WorkerId, String),
    /// Decide the types.
    FixSchema(Evidence),
    /// The next rows in archive order. [`Event::Absorbed`] answers.
    Deliver {
        /// The worker that sent them.
        worker: WorkerId,
        /// What they weigh, in bytes.
        bytes: u64,
        /// The rows.
        unit: U,
    },
    /// A task is done: the bytes of its members are not needed any more, and another task may be walked to.
    Release {
        /// The task.
        task: TaskId,
        /// How many bytes its members had.
        bytes: u64,
        /// Where they were.
        extents: Vec<Extent>,
    },
    /// A worker died and was or will be replaced.
    Replaced(WorkerId, Death),
    /// All rows are delivered and all workers gone.
    Finished,
    /// The run cannot go on: workers die one after the other and nothing gets done.
    GiveUp(Death),
}

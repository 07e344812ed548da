//! What the machine is told, and what it answers.

use std::env::consts::ARCH;
use std::fmt;

use nix::sys::signal::Signal;
use tarquet_feature_map::{Evidence, Plan};
use tarquet_wire::array::Cut;
use tarquet_wire::message::{Extent, Member, SampleLimit, Span, TaskId, ToWorker};
use tarquet_wire::source::SourceId;

/// A worker process. A replacement is another worker: numbers are never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkerId(pub u64);

impl fmt::Display for WorkerId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "worker {}", self.0)
    }
}

/// How a worker ended. Displayed, it goes on from a subject: "was killed by SIGSEGV".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Death {
    /// By a signal.
    Signal(i32),
    /// By leaving with this status.
    Exit(i32),
    /// It was killed for breaking the protocol in the way that this says.
    Protocol(String),
    /// It was killed for being too long at a member.
    Timeout,
    /// It wanted more memory than it may have.
    Memory,
    /// By SIGSYS: a sandbox stopped it at a system call that it does not let through.
    Sandbox {
        /// The call's number on this processor, if it was tarquet's own sandbox and the worker could say it.
        call: Option<u32>,
    },
}

impl Death {
    /// Whether it may have come from outside: by SIGKILL or SIGTERM.
    pub(super) fn is_foreign(&self) -> bool {
        const FOREIGN: [i32; 2] = [Signal::SIGKILL as i32, Signal::SIGTERM as i32];
        matches!(self, Death::Signal(signal) if FOREIGN.contains(signal))
    }
}

impl fmt::Display for Death {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Death::Signal(signal) => match Signal::try_from(*signal) {
                Ok(signal) => write!(formatter, "was killed by {signal}"),
                // Real-time signals have numbers only.
                Err(_) => write!(formatter, "was killed by signal {signal}"),
            },
            Death::Exit(status) => write!(formatter, "left with status {status}"),
            Death::Protocol(error) => write!(formatter, "broke the protocol: {error}"),
            Death::Memory => formatter.write_str("needed more memory than --worker-memory allows"),
            Death::Sandbox { call: Some(call) } => write!(
                formatter,
                "was stopped at system call {call} ({ARCH}), which the sandbox does not let through"
            ),
            Death::Sandbox { call: None } => {
                formatter.write_str("was killed by SIGSYS, which is how a sandbox stops a process")
            }
            Death::Timeout => formatter.write_str("was killed for taking longer than --member-timeout allows"),
        }
    }
}

/// What happened.
#[derive(Debug)]
pub enum Event<U> {
    /// The walk found the next task. While the sample lasts, tasks belong to it.
    Work {
        /// What their extents are ranges of.
        source: SourceId,
        /// The members, at least one; the task's number is the next one.
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
        /// What is left of the limit of the task's last stretch.
        left: Option<SampleLimit>,
        /// Where that stretch ends, if it is open.
        cut: Option<Cut>,
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
        /// Their documents, where not all of one member is meant.
        span: Option<Span>,
    },
    /// A worker closed a unit.
    Unit {
        /// The worker.
        worker: WorkerId,
        /// The task.
        task: TaskId,
        /// What it closes.
        closes: Closes,
        /// Where the open stretch ends that it closes.
        cut: Option<Cut>,
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
    /// A worker has been at the members in hand for longer than a member may take.
    Overdue {
        /// The worker.
        worker: WorkerId,
    },
    /// A worker is gone.
    Died {
        /// The worker.
        worker: WorkerId,
        /// How: of one that was killed by [`Action::Kill`], the death that came with it.
        death: Death,
    },
    /// The run is to stop: nothing new is begun, and [`Action::Drained`] follows once every worker is gone. A worker
    /// leaves when it is done with what it has; whoever gets impatient may kill it.
    Stop,
}

/// What a unit closes, behind what is closed of its task already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Closes {
    /// How many members; a stretch of one counts as one.
    pub members: u32,
    /// How many of them are the last of their members.
    pub ended: u32,
    /// Up to where the stretch behind them is closed, in bytes of its content; 0 for nothing of it.
    pub within: u64,
    /// How many documents it has, failed ones included.
    pub documents: u64,
}

/// What is to be done.
#[derive(Debug)]
#[must_use]
pub enum Action<U> {
    /// Start a worker.
    Spawn {
        /// Its number.
        worker: WorkerId,
        /// The credit it starts with, in bytes.
        credit: u64,
    },
    /// Tell a worker.
    Send(WorkerId, ToWorker),
    /// Kill a worker; that it died follows as an event, with this death.
    Kill(WorkerId, Death),
    /// A stretch was looked at for its types, and so much is left of its limit.
    Sampled(SampleLimit),
    /// This is where an open stretch ends. Its bytes from there on are released by whoever waits for this, and not with
    /// its task.
    Cut(Cut),
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
    /// The run was told to stop, and all workers are gone: what is delivered is all there will be.
    Drained,
    /// The run cannot go on: workers die one after the other and nothing gets done, or the sandbox stops too many.
    GiveUp(Death),
}

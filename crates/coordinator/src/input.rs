//! All that can come to the coordinator's one loop.

use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread;

use tarquet_dataset::Published;
use tarquet_wire::message::Member;
use tarquet_wire::sandbox::Held;

use crate::error::RunError;
use crate::feeder::Walked;
use crate::machine::{Event, WorkerId};
use crate::numbering::Sent;
use crate::source::WorkerSource;

/// Something that happened.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all that comes is for the machine, which is the largest"
)]
pub(crate) enum Input {
    /// For the machine as it is.
    Machine(Event<Sent>),
    /// A worker can be given tasks.
    Ready {
        /// The worker.
        worker: WorkerId,
        /// What holds it in.
        sandbox: Held,
    },
    /// The walk found a task.
    Work {
        /// What workers read them from.
        source: Arc<WorkerSource>,
        /// Its members.
        members: Vec<Member>,
        /// How many bytes of the archive it stands for.
        archive_bytes: u64,
    },
    /// The walk has ended, at the archive's end or at damage.
    Walked(Walked),
    /// An archive cannot be read.
    WalkFailed(RunError),
    /// What a worker is to read cannot be given to it.
    SourceLost(RunError),
    /// A worker cannot read the archive.
    SourceFailed {
        /// The member that it was reading.
        member: String,
        /// What the system said.
        error: String,
    },
    /// A worker's pipe has ended, by end of file or because what came through it is broken.
    Hangup {
        /// The worker.
        worker: WorkerId,
        /// What was broken.
        broken: Option<String>,
    },
    /// The archive has fewer members than the run that is resumed had committed.
    FewerMembers {
        /// How many it lacks.
        lacking: u64,
    },
    /// Nothing more can be committed.
    WriterFailed(RunError),
    /// The dataset is finished.
    Published(Published),
    /// A survey's sink has all units.
    Gathered,
    /// A survey's sink wants no more of them.
    Enough,
    /// What was delivered is committed, and the dataset is closed.
    Suspended,
    /// A thread of this process panicked.
    Panicked {
        /// Whose thread.
        what: &'static str,
    },
    /// Somebody wants the run to stop.
    Stop,
}

/// Says something if the thread that holds it panics: a thread that ends in silence would be waited for without end.
pub(crate) struct OnPanic {
    inputs: Sender<Input>,
    input: Option<Input>,
}

impl OnPanic {
    /// Will say `input`.
    pub(crate) fn new(inputs: &Sender<Input>, input: Input) -> OnPanic {
        OnPanic {
            inputs: inputs.clone(),
            input: Some(input),
        }
    }
}

impl Drop for OnPanic {
    fn drop(&mut self) {
        if let Some(input) = self.input.take().filter(|_| thread::panicking()) {
            // The loop may have ended.
            self.inputs.send(input).ok();
        }
    }
}

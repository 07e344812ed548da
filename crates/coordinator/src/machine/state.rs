//! What the machine knows of a worker and of a task.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

use tarquet_wire::credit::Account;
use tarquet_wire::message::{Member, TaskId};

use super::blame::{Blame, DEATHS_THAT_FAIL, failure};
use super::event::{Death, WorkerId};

/// A worker that lives.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) ready: bool,
    /// Told to end; what still comes from it does not count.
    pub(super) condemned: bool,
    /// The tasks it has, ascending; the first is the one in hand.
    pub(super) tasks: VecDeque<Given>,
    pub(super) in_hand: Option<InHand>,
    pub(super) blocked: Option<Blocked>,
    /// The credit it has in all, in bytes: at hand, on its way, or spent on units that are not absorbed.
    pub(super) granted: u64,
    pub(super) account: Account,
}

impl Worker {
    /// A worker that is being started with this credit, in bytes.
    pub(super) fn new(granted: u64) -> Worker {
        Worker {
            ready: false,
            condemned: false,
            tasks: VecDeque::new(),
            in_hand: None,
            blocked: None,
            granted,
            account: Account::default(),
        }
    }

    /// Whether it can have had the credit, or a pass, for a unit of `bytes` that just arrived.
    pub(super) fn may_have_sent(&self, bytes: u64) -> bool {
        let passed = self.blocked.is_some_and(|blocked| blocked.passed);
        // What is on its way to it may have arrived before it sent the unit.
        let most = self
            .granted
            .saturating_sub(self.account.in_flight() + self.account.owed());
        passed || bytes <= most
    }
}

/// A task that a worker was sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Given {
    pub(super) task: TaskId,
    /// How many members were closed when it was sent: positions in messages count from there.
    pub(super) base: usize,
}

/// The members that a worker announced last, as positions in the task.
#[derive(Debug, Clone, Copy)]
pub(super) struct InHand {
    pub(super) task: TaskId,
    pub(super) first: usize,
    pub(super) count: usize,
}

/// A unit that waits for credit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Blocked {
    pub(super) task: TaskId,
    pub(super) request: u64,
    pub(super) passed: bool,
}

/// A task that is not final.
#[derive(Debug)]
pub(super) struct TaskState<U> {
    pub(super) members: Vec<Member>,
    /// How many members, from the first, are closed.
    pub(super) closed: usize,
    pub(super) done: bool,
    pub(super) sampled: bool,
    /// Closed units that have to wait for older tasks.
    pub(super) units: VecDeque<(WorkerId, u64, U)>,
    /// The deaths that single members are responsible for, by position.
    pub(super) blame: BTreeMap<usize, Blame>,
    /// The deaths that one of several members is responsible for, and which ones these are.
    pub(super) suspicion: Option<(Range<usize>, Blame)>,
    pub(super) careful: bool,
}

impl<U> TaskState<U> {
    /// A task that nobody has begun.
    pub(super) fn new(members: Vec<Member>) -> TaskState<U> {
        TaskState {
            members,
            closed: 0,
            done: false,
            sampled: false,
            units: VecDeque::new(),
            blame: BTreeMap::new(),
            suspicion: None,
            careful: false,
        }
    }

    /// Holds the members that a dead worker had in hand responsible: the one, if it is known; else all are suspected, and
    /// the next death in the task tells.
    ///
    /// Gives whether that fails a member.
    pub(super) fn blame(&mut self, in_hand: InHand, death: &Death) -> bool {
        self.careful = true;
        let suspects = in_hand.first.max(self.closed)..in_hand.first + in_hand.count;
        match suspects.len() {
            0 => false,
            1 => self.blame_one(suspects.start, death),
            _ => {
                self.suspicion.get_or_insert((suspects, Blame::default())).1.add(death);
                false
            }
        }
    }

    fn blame_one(&mut self, member: usize, death: &Death) -> bool {
        let blame = self.blame.entry(member).or_default();
        blame.add(death);
        if let Some((_, suspicion)) = self.suspicion.take_if(|(suspects, _)| suspects.contains(&member)) {
            blame.take_over(suspicion);
        }
        // What it failed by stays, whoever dies while it is announced as failed.
        let fails = blame.counts() >= DEATHS_THAT_FAIL && self.members[member].failed.is_none();
        if fails {
            self.members[member].failed = Some(failure(death));
        }
        fails
    }
}

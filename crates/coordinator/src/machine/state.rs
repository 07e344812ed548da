//! What the machine knows of a worker and of a task.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

use tarquet_wire::credit::Account;
use tarquet_wire::message::{FailedAt, Failure, Member, SampleLimit, TaskId};
use tarquet_wire::source::SourceId;

use super::blame::{Blame, DEATHS_THAT_FAIL, failure};
use super::event::{Closes, Death, WorkerId};

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

/// A place in a task, before a member or a document of one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// The member's position in the task; a stretch of one counts as one.
    pub(super) member: usize,
    /// In the stretch, bytes of the content.
    pub(super) byte: u64,
}

impl Place {
    /// Before a member.
    pub(super) fn before(member: usize) -> Place {
        Place { member, byte: 0 }
    }
}

/// What a worker announced last.
#[derive(Debug, Clone, Copy)]
pub(super) struct InHand {
    pub(super) task: TaskId,
    pub(super) first: Place,
    /// Behind the last. The same as `first` for a search for the next document of a stretch.
    pub(super) end: Place,
    /// Whether it is one document of a stretch.
    pub(super) is_document: bool,
}

impl InHand {
    /// Whether the worker looks for the next document of a stretch.
    pub(super) fn is_search(&self) -> bool {
        self.first == self.end
    }

    /// Whether it can be announced behind `before`: nothing is announced twice, but of a stretch that was announced as a whole
    /// its documents can be.
    pub(super) fn may_follow(&self, before: InHand) -> bool {
        self.first >= before.end || self.first > before.first && self.first.byte > 0
    }
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
    pub(super) source: SourceId,
    pub(super) members: Vec<Member>,
    /// Up to where it is closed.
    pub(super) closed: Place,
    pub(super) done: bool,
    pub(super) sampled: bool,
    /// Closed units that have to wait for older tasks.
    pub(super) units: VecDeque<(WorkerId, u64, U)>,
    /// The deaths that single members and documents are responsible for.
    pub(super) blame: BTreeMap<Place, Blame>,
    /// The deaths that one of several is responsible for, and which ones these are.
    pub(super) suspicion: Option<(Range<Place>, Blame)>,
    pub(super) careful: bool,
}

impl<U> TaskState<U> {
    /// A task that nobody has begun.
    pub(super) fn new(source: SourceId, members: Vec<Member>) -> TaskState<U> {
        TaskState {
            source,
            members,
            closed: Place::default(),
            done: false,
            sampled: false,
            units: VecDeque::new(),
            blame: BTreeMap::new(),
            suspicion: None,
            careful: false,
        }
    }

    /// Whether all of it is closed.
    pub(super) fn is_closed(&self) -> bool {
        self.closed.member == self.members.len()
    }

    /// What is not closed.
    pub(super) fn rest(&self) -> Vec<Member> {
        let mut rest = self.members[self.closed.member..].to_vec();
        if self.closed.byte > 0
            && let Some(stretch) = rest.first_mut().and_then(|member| member.stretch.as_mut())
        {
            stretch.start = self.closed.byte;
        }
        rest
    }

    /// Whether a sample of it can leave that much of the limit of its last stretch, if it has any.
    pub(super) fn can_leave(&self, left: Option<SampleLimit>) -> bool {
        let stretches = self.members.iter().filter_map(|member| member.stretch.as_ref());
        match (stretches.map(|stretch| stretch.sample).next_back(), left) {
            (Some(limit), Some(left)) => left.documents <= limit.documents && left.bytes <= limit.bytes,
            (limit, left) => limit.is_none() && left.is_none(),
        }
    }

    /// Where it is closed up to behind a unit; `None` if it cannot be such a unit.
    pub(super) fn behind(&self, closes: Closes) -> Option<Place> {
        let member = self.closed.member.checked_add(closes.members as usize)?;
        let closed = self.members.get(self.closed.member..member)?;
        let behind = Place {
            member,
            byte: closes.within,
        };
        let ended = closed.iter().filter(|member| member.is_last()).count();
        let next = self.members.get(member).and_then(|member| member.stretch.as_ref());
        let is_plain = closes.within == 0 && closed.iter().all(|member| member.stretch.is_none());
        let fits = behind > self.closed
            && ended == closes.ended as usize
            && (closes.within == 0 || next.is_some())
            && (!is_plain || closes.documents <= u64::from(closes.members));
        fits.then_some(behind)
    }

    /// Holds what a dead worker had in hand responsible: the one member or document, if it is known; else all are
    /// suspected, and the next death in the task tells.
    ///
    /// Gives whether that fails a member or a document.
    pub(super) fn blame(&mut self, in_hand: InHand, death: &Death) -> bool {
        self.careful = true;
        let first = in_hand.first.max(self.closed);
        if in_hand.is_search() {
            return self.blame_one(first, true, death);
        }
        if first >= in_hand.end {
            return false;
        }
        let is_member = in_hand.end == Place::before(first.member + 1) && self.members[first.member].stretch.is_none();
        if in_hand.is_document || is_member {
            return self.blame_one(first, false, death);
        }
        self.suspect(first..in_hand.end, death);
        false
    }

    fn suspect(&mut self, suspects: Range<Place>, death: &Death) {
        for (position, member) in self.members.iter_mut().enumerate().skip(suspects.start.member) {
            if Place::before(position) >= suspects.end {
                break;
            }
            if let Some(stretch) = &mut member.stretch {
                let to = if suspects.end.member == position {
                    suspects.end.byte
                } else {
                    u64::MAX
                };
                stretch.careful_to = stretch.careful_to.max(to);
            }
        }
        self.suspicion.get_or_insert((suspects, Blame::default())).1.add(death);
    }

    /// Blames a member, a document of a stretch, or, in a search, what is left of one.
    fn blame_one(&mut self, place: Place, is_search: bool, death: &Death) -> bool {
        let blame = self.blame.entry(place).or_default();
        blame.add(death);
        if let Some((_, suspicion)) = self.suspicion.take_if(|(suspects, _)| suspects.contains(&place)) {
            blame.take_over(suspicion);
        }
        blame.counts() >= DEATHS_THAT_FAIL && self.fail(place, is_search, failure(death))
    }

    /// What it failed by stays, whoever dies while it is announced as failed.
    fn fail(&mut self, place: Place, is_rest: bool, failure: Failure) -> bool {
        let member = &mut self.members[place.member];
        let Some(stretch) = &mut member.stretch else {
            let is_new = member.failed.is_none();
            member.failed.get_or_insert(failure);
            return is_new;
        };
        let at = place.byte;
        let is_new = !stretch
            .failed
            .iter()
            .any(|failed| failed.at == at && failed.is_rest == is_rest);
        if is_new {
            stretch.failed.push(FailedAt { at, is_rest, failure });
        }
        is_new
    }
}

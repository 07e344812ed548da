//! What a worker says of its work, held against what it was told: whoever contradicts that is killed.

use tarquet_feature_map::Evidence;
use tarquet_wire::array::Cut;
use tarquet_wire::message::{SampleLimit, Span, TaskId, ToWorker};

use super::event::{Action, Closes, Death, WorkerId};
use super::state::{Blocked, Given, InHand, Place, TaskState, Worker};
use super::{Machine, Phase};

impl<U> Machine<U> {
    pub(super) fn ready(&mut self, worker: WorkerId) {
        match self.workers.get_mut(&worker) {
            Some(state) if !state.ready => {
                state.ready = true;
                self.stillborn = 0;
                let schema = self.schema.clone();
                let tell = |plan| Action::Send(worker, ToWorker::Schema(plan));
                self.actions.extend(schema.map(tell));
            }
            Some(_) => self.refuse(worker, "it said twice that it is ready"),
            None => {}
        }
    }

    pub(super) fn sample_done(
        &mut self,
        worker: WorkerId,
        id: TaskId,
        evidence: &Evidence,
        left: Option<SampleLimit>,
        cut: Option<Cut>,
    ) {
        if self.given(worker, id).is_none() {
            return;
        }
        let task = self.tasks.get_mut(&id).filter(|_| self.phase == Phase::Sampling);
        let fits = evidence.slots.len() == self.evidence.slots.len();
        // Where the sample ends within an open stretch, only extracting it tells where that one ends.
        let is_all = left.is_some_and(|left| !left.is_reached());
        let left_over = self.limits.left_over;
        let open = |task: &TaskState<U>| task.open().filter(|_| is_all);
        let is_sound = |task: &&mut TaskState<U>| {
            fits && task.can_leave(left) && task.ends_at(open(task), cut.as_ref(), left_over)
        };
        if let Some(task) = task.filter(is_sound) {
            task.sampled = true;
            self.evidence.merge(evidence);
            self.actions.extend(left.map(Action::Sampled));
            if let (Some(position), Some(cut)) = (open(task), cut) {
                task.end_at(position, &cut);
                self.actions.push(Action::Cut(cut));
            }
            self.task_leaves(worker);
        } else {
            self.refuse(worker, "it gave a sample that is not one");
        }
    }

    pub(super) fn started(&mut self, worker: WorkerId, id: TaskId, first: u32, count: u32, span: Option<Span>) {
        let Some(given) = self.given(worker, id) else { return };
        let in_hand = self.in_hand(given, first, count, span);
        if let Some(in_hand) = in_hand
            && let Some(state) = self.workers.get_mut(&worker)
            && state.in_hand.is_none_or(|before| in_hand.may_follow(before))
        {
            state.in_hand = Some(in_hand);
        } else {
            self.refuse(worker, "it started members that its task does not have, or had started");
        }
    }

    /// What a worker that was given a task has in hand, if the task has that and it is not closed.
    fn in_hand(&self, given: Given, first: u32, count: u32, span: Option<Span>) -> Option<InHand> {
        let task = self.tasks.get(&given.task)?;
        let first = given.base + first as usize;
        let end = first.checked_add(count as usize)?;
        let members = task.members.get(first..end).filter(|members| !members.is_empty())?;
        let place = |byte| Place { member: first, byte };
        let in_hand = |first, end, is_document| InHand {
            task: given.task,
            first,
            end,
            is_document,
        };
        match (span, members) {
            (None, _) => Some(in_hand(place(0), Place::before(end), false)),
            (Some(span), [member]) if member.stretch.is_some() && span.from <= span.to => {
                Some(in_hand(place(span.from), place(span.to), span.is_one))
            }
            _ => None,
        }
        .filter(|_| first >= task.closed.member)
    }

    pub(super) fn unit(
        &mut self,
        worker: WorkerId,
        id: TaskId,
        (closes, cut): (Closes, Option<Cut>),
        bytes: u64,
        unit: U,
    ) {
        if self.given(worker, id).is_none() {
            return;
        }
        let covered = self
            .workers
            .get(&worker)
            .is_some_and(|state| state.may_have_sent(bytes));
        if !covered {
            return self.refuse(worker, "it sent more than its credit covers");
        }
        let extracting = self.phase == Phase::Extracting;
        let task = self.tasks.get_mut(&id).filter(|_| extracting);
        let Some((task, behind)) = task.and_then(|task| task.behind(closes).map(|behind| (task, behind))) else {
            return self.refuse(worker, "it closed members that its task does not have");
        };
        let open = task.open_among(closes);
        if !task.ends_at(open, cut.as_ref(), self.limits.left_over) {
            return self.refuse(worker, "it ended a part of an array where that cannot end");
        }
        if let (Some(position), Some(cut)) = (open, cut) {
            task.end_at(position, &cut);
            self.actions.push(Action::Cut(cut));
        }
        task.closed = behind;
        task.units.push_back((worker, bytes, unit));
        self.barren_deaths = 0;
        if let Some(state) = self.workers.get_mut(&worker) {
            state.account.received(bytes);
            state.blocked = None;
        }
    }

    pub(super) fn task_done(&mut self, worker: WorkerId, id: TaskId) {
        if self.given(worker, id).is_none() {
            return;
        }
        match self.complete(id) {
            true => self.task_leaves(worker),
            false => self.refuse(worker, "it left members of its task open"),
        }
    }

    pub(super) fn blocked(&mut self, worker: WorkerId, task: TaskId, request: u64) {
        if self.given(worker, task).is_none() {
            return;
        }
        let Some(state) = self.workers.get_mut(&worker) else {
            return;
        };
        if state.blocked.is_some() {
            return self.refuse(worker, "it said twice that one unit waits for credit");
        }
        state.blocked = Some(Blocked {
            task,
            request,
            passed: false,
        });
        Self::return_credit(&mut self.actions, worker, state, 0);
    }

    /// The worker, if what it says still counts.
    fn trusted(&mut self, worker: WorkerId) -> Option<&mut Worker> {
        self.workers
            .get_mut(&worker)
            .filter(|state| state.ready && !state.condemned)
    }

    /// The worker's task in hand, if it is this one; a worker that speaks of another is broken.
    fn given(&mut self, worker: WorkerId, task: TaskId) -> Option<Given> {
        let state = self.trusted(worker)?;
        match state.tasks.front() {
            Some(given) if given.task == task => Some(*given),
            _ => {
                self.refuse(worker, "it speaks of a task that it does not have in hand");
                None
            }
        }
    }

    fn task_leaves(&mut self, worker: WorkerId) {
        self.barren_deaths = 0;
        if let Some(state) = self.workers.get_mut(&worker) {
            state.tasks.pop_front();
            state.in_hand = None;
        }
    }

    fn refuse(&mut self, worker: WorkerId, why: &str) {
        self.condemn(worker, Death::Protocol(why.to_owned()));
    }
}

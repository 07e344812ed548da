//! The coordinator's decisions, and nothing else: no I/O, no clock, no threads.
//!
//! [`Machine::handle`] takes what happened and gives what is to be done. Its state is the *window*: the tasks that are
//! known and not final yet, in archive order. What it upholds, whatever the order of events and whoever dies:
//!
//! - every member of every task is closed by exactly one unit, and units are delivered in archive order;
//! - a unit is final once it arrived; what a worker had not closed when it died is given to another;
//! - dispatch never runs further ahead of the oldest unfinished task than [`Limits::window`];
//! - a worker has its tasks in ascending order, so the oldest unfinished task of all is always somebody's first, and
//!   whoever has it can go on: with credit, or with a pass. So nothing waits in a circle;
//! - a member that keeps killing workers is failed in its place, and workers that die without anything ever getting
//!   done stop the run.

mod blame;
mod event;
#[cfg(test)]
mod model;
mod state;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use tarquet_feature_map::{Evidence, Plan};
use tarquet_wire::message::{Member, Task, TaskId, ToWorker};

use blame::{DEATHS_THAT_FAIL, FOREIGN_DEATHS_FORGIVEN};
pub use event::{Action, Death, Event, WorkerId};
use state::{Blocked, Given, InHand, TaskState, Worker};

/// How far things may go.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The most workers that live at the same time.
    pub workers: usize,
    /// How many tasks, from the oldest unfinished one, may be given out.
    pub window: u64,
    /// The most tasks that a worker has at a time.
    pub tasks_per_worker: usize,
    /// Credit goes back in returns of at least so many bytes, unless its worker waits for it.
    pub credit_return: u64,
}

/// What the run is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Tasks are looked at for their types.
    Sampling,
    /// The sample is complete; the schema is being decided.
    Deciding,
    /// Tasks are extracted.
    Extracting,
    /// Everything is delivered; workers are leaving.
    Leaving,
    /// Nothing is to be done any more.
    Over,
}

/// See the [module](self).
#[derive(Debug)]
pub struct Machine<U> {
    limits: Limits,
    phase: Phase,
    workers: BTreeMap<WorkerId, Worker>,
    spawned: u64,
    /// Every task that is not final, from the oldest on.
    tasks: BTreeMap<TaskId, TaskState<U>>,
    /// Those of `tasks` that nobody has.
    waiting: BTreeSet<TaskId>,
    next_task: u64,
    /// The number of the first task after the sample, once it is known.
    sample_end: Option<TaskId>,
    /// The typed plan, where it had to be decided.
    schema: Option<Box<Plan>>,
    work_ended: bool,
    evidence: Evidence,
    /// Units that were delivered and have not been absorbed.
    leaving_window: usize,
    /// Deaths since anything got done.
    barren_deaths: usize,
    actions: Vec<Action<U>>,
}

impl<U> Machine<U> {
    /// A machine for a run that begins with a sample if `sampling`.
    pub fn new(limits: Limits, sampling: bool, evidence: Evidence) -> Machine<U> {
        Machine {
            limits,
            phase: if sampling { Phase::Sampling } else { Phase::Extracting },
            workers: BTreeMap::new(),
            spawned: 0,
            tasks: BTreeMap::new(),
            waiting: BTreeSet::new(),
            next_task: 0,
            sample_end: None,
            schema: None,
            work_ended: false,
            evidence,
            leaving_window: 0,
            barren_deaths: 0,
            actions: Vec::new(),
        }
    }

    /// Takes in what happened and says what is to be done, in this order.
    pub fn handle(&mut self, event: Event<U>) -> Vec<Action<U>> {
        if self.phase != Phase::Over {
            self.take_in(event);
            self.move_on();
        }
        std::mem::take(&mut self.actions)
    }

    fn take_in(&mut self, event: Event<U>) {
        match event {
            Event::Work { members } => self.add_task(members),
            Event::SampleEnded => self.sample_end = Some(TaskId(self.next_task)),
            Event::WorkEnded => self.work_ended = true,
            Event::SchemaFixed(plan) => self.fix_schema(plan),
            Event::Ready(worker) => self.ready(worker),
            Event::SampleDone { worker, task, evidence } => self.sample_done(worker, task, &evidence),
            Event::Started {
                worker,
                task,
                first,
                count,
            } => self.started(worker, task, first, count),
            Event::Unit {
                worker,
                task,
                members,
                bytes,
                unit,
            } => self.unit(worker, task, members, bytes, unit),
            Event::TaskDone { worker, task } => self.task_done(worker, task),
            Event::Blocked { worker, task, request } => self.blocked(worker, task, request),
            Event::Absorbed { worker, bytes } => self.absorbed(worker, bytes),
            Event::Died { worker, death } => self.died(worker, death),
        }
    }

    /// What follows from the state, whatever happened.
    fn move_on(&mut self) {
        if self.phase == Phase::Sampling
            && let Some(end) = self.sample_end
            && self.tasks.range(..end).all(|(_, task)| task.sampled)
        {
            self.phase = Phase::Deciding;
            self.actions.push(Action::FixSchema(std::mem::take(&mut self.evidence)));
        }
        if self.phase == Phase::Extracting {
            self.deliver();
            if self.work_ended && self.tasks.is_empty() {
                self.phase = Phase::Leaving;
                let workers: Vec<WorkerId> = self.workers.keys().copied().collect();
                self.actions
                    .extend(workers.into_iter().map(|worker| Action::Send(worker, ToWorker::Finish)));
            }
        }
        if matches!(self.phase, Phase::Sampling | Phase::Extracting) {
            self.dispatch();
            self.give_pass();
        }
        if self.phase == Phase::Leaving && self.workers.is_empty() {
            self.phase = Phase::Over;
            self.actions.push(Action::Finished);
        }
    }

    fn add_task(&mut self, members: Vec<Member>) {
        let id = TaskId(self.next_task);
        self.next_task += 1;
        self.tasks.insert(id, TaskState::new(members));
        self.waiting.insert(id);
    }

    fn fix_schema(&mut self, plan: Box<Plan>) {
        self.phase = Phase::Extracting;
        self.waiting = self.tasks.keys().copied().collect();
        for (&worker, _) in self.workers.iter().filter(|(_, state)| state.ready) {
            self.actions.push(Action::Send(worker, ToWorker::Schema(plan.clone())));
        }
        self.schema = Some(plan);
    }

    fn ready(&mut self, worker: WorkerId) {
        match self.workers.get_mut(&worker) {
            Some(state) if !state.ready => {
                state.ready = true;
                let schema = self
                    .schema
                    .clone()
                    .map(|plan| Action::Send(worker, ToWorker::Schema(plan)));
                self.actions.extend(schema);
            }
            Some(_) => self.condemn(worker, "it said twice that it is ready"),
            None => {}
        }
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
                self.condemn(worker, "it speaks of a task that it does not have in hand");
                None
            }
        }
    }

    fn condemn(&mut self, worker: WorkerId, why: &str) {
        if let Some(state) = self.workers.get_mut(&worker)
            && !state.condemned
        {
            state.condemned = true;
            self.actions.push(Action::Kill(worker, why.to_owned()));
        }
    }

    fn sample_done(&mut self, worker: WorkerId, id: TaskId, evidence: &Evidence) {
        if self.given(worker, id).is_none() {
            return;
        }
        let task = self.tasks.get_mut(&id).filter(|_| self.phase == Phase::Sampling);
        if let Some(task) = task.filter(|_| evidence.slots.len() == self.evidence.slots.len()) {
            task.sampled = true;
            self.evidence.merge(evidence);
            self.task_leaves(worker);
        } else {
            self.condemn(worker, "it gave a sample that is not one");
        }
    }

    fn started(&mut self, worker: WorkerId, id: TaskId, first: u32, count: u32) {
        let Some(given) = self.given(worker, id) else { return };
        let first = given.base + first as usize;
        let fits = self.tasks.get(&id).is_some_and(|task| {
            let end = first.checked_add(count as usize);
            count > 0 && first >= task.closed && end.is_some_and(|end| end <= task.members.len())
        });
        if fits && let Some(state) = self.workers.get_mut(&worker) {
            state.in_hand = Some(InHand {
                task: id,
                first,
                count: count as usize,
            });
        } else {
            self.condemn(worker, "it started members that its task does not have");
        }
    }

    fn unit(&mut self, worker: WorkerId, id: TaskId, members: u32, bytes: u64, unit: U) {
        if self.given(worker, id).is_none() {
            return;
        }
        let extracting = self.phase == Phase::Extracting;
        let task = self
            .tasks
            .get_mut(&id)
            .filter(|task| extracting && members > 0 && members as usize <= task.members.len() - task.closed);
        let Some(task) = task else {
            return self.condemn(worker, "it closed members that its task does not have");
        };
        task.closed += members as usize;
        task.units.push_back((worker, bytes, unit));
        self.barren_deaths = 0;
        if let Some(state) = self.workers.get_mut(&worker) {
            state.account.received(bytes);
            state.blocked = None;
        }
    }

    fn task_done(&mut self, worker: WorkerId, id: TaskId) {
        if self.given(worker, id).is_none() {
            return;
        }
        let Some(task) = self.tasks.get_mut(&id).filter(|task| task.closed == task.members.len()) else {
            return self.condemn(worker, "it left members of its task open");
        };
        task.done = true;
        let extents = task
            .members
            .iter_mut()
            .flat_map(|member| std::mem::take(&mut member.extents))
            .collect();
        let bytes = task.members.iter().map(|member| member.size).sum();
        self.actions.push(Action::Release {
            task: id,
            bytes,
            extents,
        });
        self.task_leaves(worker);
    }

    fn task_leaves(&mut self, worker: WorkerId) {
        self.barren_deaths = 0;
        if let Some(state) = self.workers.get_mut(&worker) {
            state.tasks.pop_front();
            state.in_hand = None;
        }
    }

    fn blocked(&mut self, worker: WorkerId, task: TaskId, request: u64) {
        if self.given(worker, task).is_none() {
            return;
        }
        if let Some(state) = self.workers.get_mut(&worker) {
            state.blocked = Some(Blocked {
                task,
                request,
                passed: false,
            });
            Self::return_credit(&mut self.actions, worker, state, 0);
        }
    }

    fn absorbed(&mut self, worker: WorkerId, bytes: u64) {
        self.leaving_window = self.leaving_window.saturating_sub(1);
        // A worker that died took its account with it.
        if let Some(state) = self.workers.get_mut(&worker) {
            state.account.absorbed(bytes);
            let threshold = if state.blocked.is_some() {
                0
            } else {
                self.limits.credit_return
            };
            Self::return_credit(&mut self.actions, worker, state, threshold);
        }
    }

    fn return_credit(actions: &mut Vec<Action<U>>, worker: WorkerId, state: &mut Worker, threshold: u64) {
        if let Some(bytes) = state.account.settle(threshold) {
            actions.push(Action::Send(worker, ToWorker::Credit { bytes }));
        }
    }

    fn died(&mut self, worker: WorkerId, death: Death) {
        let Some(state) = self.workers.remove(&worker) else {
            return;
        };
        if self.phase == Phase::Leaving {
            return;
        }
        if let Some(in_hand) = state.in_hand
            && let Some(task) = self.tasks.get_mut(&in_hand.task)
        {
            task.blame(in_hand, &death);
        }
        self.waiting.extend(state.tasks.iter().map(|given| given.task));
        self.barren_deaths += 1;
        // Enough for every worker to have a poisonous member in hand and to be killed from outside as well.
        let patience = (self.limits.workers + 1) * (DEATHS_THAT_FAIL + FOREIGN_DEATHS_FORGIVEN) as usize;
        if self.barren_deaths > patience {
            self.phase = Phase::Over;
            self.actions.push(Action::GiveUp(death));
        } else {
            self.actions.push(Action::Replaced(worker, death));
        }
    }

    /// Delivers, in order, what the oldest tasks have; drops those that are final.
    fn deliver(&mut self) {
        while let Some(mut entry) = self.tasks.first_entry() {
            let task = entry.get_mut();
            self.leaving_window += task.units.len();
            for (worker, bytes, unit) in task.units.drain(..) {
                self.actions.push(Action::Deliver { worker, bytes, unit });
            }
            if !task.done {
                break;
            }
            entry.remove();
        }
    }

    /// Gives waiting tasks, oldest first, to workers that can take them, and starts workers while there are more.
    fn dispatch(&mut self) {
        let horizon = match (self.phase, self.tasks.first_key_value()) {
            (Phase::Extracting, Some((oldest, _))) => TaskId(oldest.0.saturating_add(self.limits.window)),
            _ => self.sample_end.unwrap_or(TaskId(u64::MAX)),
        };
        let mut left = 0;
        let mut next = self.waiting.range(..horizon).next().copied();
        while let Some(task) = next
            && left < self.limits.workers
        {
            match self.worker_for(task) {
                Some(worker) => self.give(worker, task),
                None => left += 1,
            }
            next = self
                .waiting
                .range((Bound::Excluded(task), Bound::Excluded(horizon)))
                .next()
                .copied();
        }
        let starting = self.workers.values().filter(|state| !state.ready).count();
        for _ in starting..left {
            if self.workers.len() >= self.limits.workers {
                break;
            }
            let worker = WorkerId(self.spawned);
            self.spawned += 1;
            self.workers.insert(worker, Worker::default());
            self.actions.push(Action::Spawn(worker));
        }
    }

    /// The worker with the fewest tasks among those that can have one more and have none behind it.
    fn worker_for(&self, task: TaskId) -> Option<WorkerId> {
        self.workers
            .iter()
            .filter(|(_, state)| state.ready && !state.condemned)
            .filter(|(_, state)| state.tasks.len() < self.limits.tasks_per_worker)
            .filter(|(_, state)| state.tasks.back().is_none_or(|given| given.task < task))
            .min_by_key(|(_, state)| state.tasks.len())
            .map(|(worker, _)| *worker)
    }

    fn give(&mut self, worker: WorkerId, id: TaskId) {
        let (Some(state), Some(task)) = (self.workers.get_mut(&worker), self.tasks.get(&id)) else {
            return;
        };
        self.waiting.remove(&id);
        state.tasks.push_back(Given {
            task: id,
            base: task.closed,
        });
        let message = Task {
            id,
            members: task.members[task.closed..].to_vec(),
            careful: task.careful,
        };
        let message = match self.phase {
            Phase::Sampling => ToWorker::Sample(message),
            _ => ToWorker::Task(message),
        };
        self.actions.push(Action::Send(worker, message));
    }

    /// Lets the worker with the oldest unfinished task send a unit that its credit does not cover, once all that was
    /// delivered before has left the window.
    ///
    /// What the worker has in the window of *later* tasks must not count: after a death it may have been given a task
    /// older than those it had finished, and their units leave only after this one's.
    fn give_pass(&mut self) {
        if self.leaving_window > 0 {
            return;
        }
        let Some((&oldest, _)) = self.tasks.first_key_value() else {
            return;
        };
        for (&worker, state) in &mut self.workers {
            if let Some(blocked) = &mut state.blocked
                && blocked.task == oldest
                && !blocked.passed
            {
                blocked.passed = true;
                self.actions.push(Action::Send(
                    worker,
                    ToWorker::Pass {
                        request: blocked.request,
                    },
                ));
            }
        }
    }
}

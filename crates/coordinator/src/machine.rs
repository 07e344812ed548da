//! The coordinator's decisions, and nothing else: no I/O, no clock, no threads.
//!
//! [`Machine::handle`] takes what happened and gives what is to be done. Its state is the *window*: the tasks that are
//! known and not final yet, in archive order. What it upholds, whatever the order of events and whoever dies:
//!
//! - every member of every task is closed by exactly one unit, and units are delivered in archive order;
//! - a unit is final once it arrived; what a worker had not closed when it died is given to another;
//! - dispatch never runs further ahead of the oldest unfinished task than [`Limits::window`];
//! - what was sent and not absorbed never weighs more than [`Limits::credit`] allows, whoever dies;
//! - a worker has its tasks in ascending order, so the oldest unfinished task of all is always somebody's first, and
//!   whoever has it can go on: with credit, or with a pass. So nothing waits in a circle;
//! - a member that keeps killing workers, or keeps them busy for too long, is failed in its place, and of one that holds
//!   many documents the one document; workers that die
//!   without anything ever getting done stop the run, and so does the sandbox when it fails member after member;
//! - once it is told to stop, nothing new is begun; what still arrives is delivered in order, until every worker is gone.

mod blame;
mod cut;
mod dispatch;
mod event;
#[cfg(test)]
mod model;
mod pool;
mod reports;
mod state;

use std::collections::{BTreeMap, BTreeSet};

use tarquet_feature_map::{Evidence, Plan};
use tarquet_wire::message::{Member, TaskId, ToWorker};
use tarquet_wire::source::SourceId;

use blame::{DEATHS_THAT_FAIL, FOREIGN_DEATHS_FORGIVEN};
pub use event::{Action, Closes, Death, Event, WorkerId};
use pool::Pool;
use state::{TaskState, Worker};

/// Once the sandbox failed so many members, the run stops. One or two may be what an archive is made to harm with; more are
/// either an attack that somebody should look at, or a system on which the sandbox stops what is harmless, and would fail
/// one member after the other.
const SANDBOXED_THAT_STOP: usize = 3;

/// Once so many workers in a row died before they were ready, the next ones would too.
const STILLBORN_THAT_STOP: usize = 10;

/// How far things may go.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The most workers that live at the same time.
    pub workers: usize,
    /// How many tasks, from the oldest unfinished one, may be given out.
    pub window: u64,
    /// The most tasks that a worker has at a time.
    pub tasks_per_worker: usize,
    /// The credit of a worker, in bytes of units.
    ///
    /// It bounds memory: the units that workers sent and that were not [absorbed](Event::Absorbed) yet weigh, at any
    /// moment and all together, at most
    ///
    /// ```text
    /// workers × credit + one unit
    /// ```
    ///
    /// where the one unit is one that was sent on a pass. Units of workers that died count: as long as they are not
    /// absorbed, their weight is missing in what the replacements may send.
    pub credit: u64,
    /// Credit goes back in returns of at least so many bytes, unless its worker waits for it.
    pub credit_return: u64,
    /// The most bytes of an open stretch that may be left to the next one.
    pub left_over: u64,
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
    /// Whether the run is to stop: what was begun may end, and nothing is begun.
    stopping: bool,
    workers: BTreeMap<WorkerId, Worker>,
    spawned: u64,
    pool: Pool,
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
    /// Workers that died before they were ready, since one was.
    stillborn: usize,
    /// Members that were failed because the sandbox stopped whoever had them in hand.
    sandboxed: usize,
    actions: Vec<Action<U>>,
}

impl<U> Machine<U> {
    /// A machine for a run that begins with a sample if `sampling`.
    pub fn new(limits: Limits, sampling: bool, evidence: Evidence) -> Machine<U> {
        Machine {
            limits,
            phase: if sampling { Phase::Sampling } else { Phase::Extracting },
            stopping: false,
            workers: BTreeMap::new(),
            spawned: 0,
            pool: Pool::new(limits.workers, limits.credit),
            tasks: BTreeMap::new(),
            waiting: BTreeSet::new(),
            next_task: 0,
            sample_end: None,
            schema: None,
            work_ended: false,
            evidence,
            leaving_window: 0,
            barren_deaths: 0,
            stillborn: 0,
            sandboxed: 0,
            actions: Vec::new(),
        }
    }

    /// How many tasks workers have.
    pub fn in_flight(&self) -> usize {
        self.workers.values().map(|worker| worker.tasks.len()).sum()
    }

    /// The members that workers have announced last, and have not closed.
    pub fn at_hand(&self) -> impl Iterator<Item = (WorkerId, &Member)> {
        self.workers.iter().filter_map(|(id, worker)| {
            let state::InHand { task, first, .. } = worker.in_hand?;
            let member = self.tasks.get(&task)?.members.get(first.member)?;
            Some((*id, member))
        })
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
            Event::Work { source, members } => self.add_task(source, members),
            Event::SampleEnded => self.sample_end = Some(TaskId(self.next_task)),
            Event::WorkEnded => self.work_ended = true,
            Event::SchemaFixed(plan) => self.fix_schema(plan),
            Event::Ready(worker) => self.ready(worker),
            Event::SampleDone {
                worker,
                task,
                evidence,
                left,
                cut,
            } => self.sample_done(worker, task, &evidence, left, cut),
            Event::Started {
                worker,
                task,
                first,
                count,
                span,
            } => self.started(worker, task, first, count, span),
            Event::Unit {
                worker,
                task,
                closes,
                cut,
                bytes,
                unit,
            } => self.unit(worker, task, (closes, cut), bytes, unit),
            Event::TaskDone { worker, task } => self.task_done(worker, task),
            Event::Blocked { worker, task, request } => self.blocked(worker, task, request),
            Event::Absorbed { worker, bytes } => self.absorbed(worker, bytes),
            Event::Overdue { worker } => self.overdue(worker),
            Event::Died { worker, death } => self.died(worker, death),
            Event::Stop => self.stop(),
        }
    }

    /// What follows from the state, whatever happened.
    fn move_on(&mut self) {
        if self.phase == Phase::Extracting {
            self.deliver();
        }
        if !self.stopping {
            self.change_phase();
            if matches!(self.phase, Phase::Sampling | Phase::Extracting) {
                self.dispatch();
            }
        }
        if self.phase == Phase::Extracting {
            self.give_pass();
        }
        let leaving = self.stopping || self.phase == Phase::Leaving;
        if leaving && self.phase != Phase::Over && self.workers.is_empty() {
            self.phase = Phase::Over;
            self.actions.push(match self.stopping {
                true => Action::Drained,
                false => Action::Finished,
            });
        }
    }

    fn change_phase(&mut self) {
        if self.phase == Phase::Sampling
            && let Some(end) = self.sample_end
            && self.tasks.range(..end).all(|(_, task)| task.sampled)
        {
            self.phase = Phase::Deciding;
            self.actions.push(Action::FixSchema(std::mem::take(&mut self.evidence)));
        }
        if self.phase == Phase::Extracting && self.work_ended && self.tasks.is_empty() {
            self.phase = Phase::Leaving;
            self.send_away();
        }
    }

    fn add_task(&mut self, source: SourceId, members: Vec<Member>) {
        let id = TaskId(self.next_task);
        self.next_task += 1;
        self.tasks.insert(id, TaskState::new(source, members));
        self.waiting.insert(id);
    }

    fn fix_schema(&mut self, plan: Box<Plan>) {
        if self.stopping {
            return;
        }
        self.phase = Phase::Extracting;
        self.waiting = self.tasks.keys().copied().collect();
        for (&worker, _) in self.workers.iter().filter(|(_, state)| state.ready) {
            self.actions.push(Action::Send(worker, ToWorker::Schema(plan.clone())));
        }
        self.schema = Some(plan);
    }

    fn stop(&mut self) {
        // Those that are leaving were told.
        if !self.stopping && self.phase != Phase::Leaving {
            self.send_away();
        }
        self.stopping = true;
    }

    fn send_away(&mut self) {
        let workers = self.workers.keys();
        self.actions
            .extend(workers.map(|&worker| Action::Send(worker, ToWorker::Finish)));
    }

    fn overdue(&mut self, worker: WorkerId) {
        // One that has nothing in hand any more is not too long at it.
        if self.workers.get(&worker).is_some_and(|state| state.in_hand.is_some()) {
            self.condemn(worker, Death::Timeout);
        }
    }

    fn condemn(&mut self, worker: WorkerId, death: Death) {
        if let Some(state) = self.workers.get_mut(&worker)
            && !state.condemned
        {
            state.condemned = true;
            self.actions.push(Action::Kill(worker, death));
        }
    }

    fn absorbed(&mut self, worker: WorkerId, bytes: u64) {
        self.leaving_window = self.leaving_window.saturating_sub(1);
        let Some(state) = self.workers.get_mut(&worker) else {
            self.pool.absorbed(bytes);
            return self.share_credit();
        };
        state.account.absorbed(bytes);
        let threshold = if state.blocked.is_some() {
            0
        } else {
            self.limits.credit_return
        };
        Self::return_credit(&mut self.actions, worker, state, threshold);
    }

    fn return_credit(actions: &mut Vec<Action<U>>, worker: WorkerId, state: &mut Worker, threshold: u64) {
        if let Some(bytes) = state.account.settle(threshold) {
            actions.push(Action::Send(worker, ToWorker::Credit { bytes }));
        }
    }

    /// Gives what dead workers held to the workers that had to begin with less than all their credit.
    fn share_credit(&mut self) {
        for (&worker, state) in &mut self.workers {
            let bytes = self.pool.top_up(state.granted);
            if bytes > 0 {
                state.granted += bytes;
                self.actions.push(Action::Send(worker, ToWorker::Credit { bytes }));
            }
        }
    }

    /// Takes a task as done, if all its members are closed.
    fn complete(&mut self, id: TaskId) -> bool {
        let Some(task) = self.tasks.get_mut(&id).filter(|task| task.is_closed()) else {
            return false;
        };
        task.done = true;
        let members = task.members.iter_mut();
        let extents = members.flat_map(|member| std::mem::take(&mut member.extents)).collect();
        let bytes = task.members.iter().map(|member| member.size).sum();
        self.actions.push(Action::Release {
            task: id,
            bytes,
            extents,
        });
        true
    }

    fn died(&mut self, worker: WorkerId, death: Death) {
        let Some(state) = self.workers.remove(&worker) else {
            return;
        };
        self.pool.bury(state.granted, state.account.in_flight());
        for given in &state.tasks {
            // Of one that was closed to its last member, only the word for it is lost.
            if !self.complete(given.task) {
                self.waiting.insert(given.task);
            }
        }
        if self.stopping || self.phase == Phase::Leaving {
            return;
        }
        self.share_credit();
        // One that waits for credit is done with what it has in hand and may wait for long: whoever kills it then says
        // nothing about the member, nor about workers.
        let waited = state.blocked.is_some() && death.is_foreign();
        self.barren_deaths += usize::from(!waited);
        if let Some(in_hand) = state.in_hand.filter(|_| !waited)
            && let Some(task) = self.tasks.get_mut(&in_hand.task)
            && task.blame(in_hand, &death)
        {
            // A member that is failed is done with, if in the worst way.
            self.barren_deaths = 0;
            self.sandboxed += usize::from(matches!(death, Death::Sandbox { .. }));
        }
        self.stillborn += usize::from(!state.ready);
        if self.barren_deaths > self.patience()
            || self.stillborn >= STILLBORN_THAT_STOP
            || self.sandboxed >= SANDBOXED_THAT_STOP
        {
            self.phase = Phase::Over;
            self.actions.push(Action::GiveUp(death));
        } else {
            self.actions.push(Action::Replaced(worker, death));
        }
    }

    /// How many deaths without anything done are put up with: enough for every worker to have a poisonous member in hand
    /// and to be killed from outside as well.
    fn patience(&self) -> usize {
        (self.limits.workers + 1) * (DEATHS_THAT_FAIL + FOREIGN_DEATHS_FORGIVEN) as usize
    }
}

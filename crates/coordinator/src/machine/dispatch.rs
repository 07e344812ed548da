//! Who gets which task, what is delivered, and who may send without credit.

use std::ops::Bound;

use tarquet_wire::message::{Task, TaskId, ToWorker};

use super::event::{Action, WorkerId};
use super::state::{Given, Worker};
use super::{Machine, Phase};

impl<U> Machine<U> {
    /// Delivers, in order, what the oldest tasks have; drops those that are final.
    pub(super) fn deliver(&mut self) {
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
    pub(super) fn dispatch(&mut self) {
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
            self.spawn();
        }
    }

    fn spawn(&mut self) {
        let worker = WorkerId(self.spawned);
        self.spawned += 1;
        let credit = self.pool.grant();
        self.workers.insert(worker, Worker::new(credit));
        self.actions.push(Action::Spawn { worker, credit });
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
            base: task.closed.member,
        });
        let message = Task {
            id,
            source: task.source,
            members: task.rest(),
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
    pub(super) fn give_pass(&mut self) {
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

//! How far the walk may run ahead of the workers, and what it waits for of them.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use tarquet_wire::array::Cut;
use tarquet_wire::message::SampleLimit;

/// How many tasks may be known that are not done yet. It bounds the memory for ranges, not for bytes.
pub(super) const TASKS_AHEAD: usize = 256;

/// How many bytes of names those tasks may have together, one task more or less: a member's name may be a mebibyte long.
pub(super) const NAMES_AHEAD: usize = 16 << 20;

/// Lets the feeder know that tasks are done.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gate {
    shared: Arc<(Mutex<GateState>, Condvar)>,
}

#[derive(Debug, Default)]
struct GateState {
    /// How many bytes of names each open task has, as they were opened.
    open_tasks: VecDeque<usize>,
    /// How many they have together.
    names: usize,
    /// What a stretch has left of the sample's limit, until somebody has asked for that.
    sampled: Option<SampleLimit>,
    /// Where an open stretch ends, until somebody has asked for that.
    cut: Option<Cut>,
    closed: bool,
}

impl Gate {
    /// Waits until there is room for one more task, with so many bytes of names, and opens it. `false` when the run ends.
    pub(super) fn enter(&self, names: usize, room: Room) -> bool {
        let (state, changed) = &*self.shared;
        let state = state.lock().unwrap_or_else(PoisonError::into_inner);
        let is_full = |state: &GateState| state.open_tasks.len() >= TASKS_AHEAD || state.names >= NAMES_AHEAD;
        let waits = |state: &mut GateState| room == Room::Limited && !state.closed && is_full(state);
        let mut state = changed.wait_while(state, waits).unwrap_or_else(PoisonError::into_inner);
        state.open_tasks.push_back(names);
        state.names += names;
        !state.closed
    }

    /// One task is done. It counts as the oldest one, which it is, but for the few that workers have in hand.
    pub(crate) fn leave(&self) {
        self.change(|state| state.names -= state.open_tasks.pop_front().unwrap_or(0));
    }

    /// A stretch was looked at for its types, and so much is left of its limit.
    pub(crate) fn sampled(&self, left: SampleLimit) {
        self.change(|state| state.sampled = Some(left));
    }

    /// Waits until a stretch was looked at for its types; gives what is left of its limit, or `None` when the run ends.
    pub(super) fn wait_for_sampled(&self) -> Option<SampleLimit> {
        self.wait_for(|state| &mut state.sampled)
    }

    /// This is where an open stretch ends.
    pub(crate) fn cut(&self, cut: Cut) {
        self.change(|state| state.cut = Some(cut));
    }

    /// Waits until it is known where an open stretch ends; `None` when the run ends.
    pub(super) fn wait_for_cut(&self) -> Option<Cut> {
        self.wait_for(|state| &mut state.cut)
    }

    /// Waits for an answer, and takes it; `None` when the run ends.
    fn wait_for<T>(&self, answer: impl Fn(&mut GateState) -> &mut Option<T>) -> Option<T> {
        let (state, changed) = &*self.shared;
        let state = state.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = |state: &mut GateState| !state.closed && answer(state).is_none();
        let mut state = changed.wait_while(state, waits).unwrap_or_else(PoisonError::into_inner);
        answer(&mut state).take()
    }

    /// The run ends: nobody waits any more.
    pub(crate) fn close(&self) {
        self.change(|state| state.closed = true);
    }

    fn change(&self, change: impl FnOnce(&mut GateState)) {
        let (state, changed) = &*self.shared;
        change(&mut state.lock().unwrap_or_else(PoisonError::into_inner));
        changed.notify_all();
    }
}

/// Whether a task may have to wait until others are done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    /// It may.
    Limited,
    /// It must not.
    Unlimited,
}

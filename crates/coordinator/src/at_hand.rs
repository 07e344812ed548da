//! What each worker has in hand, for whoever shows it, if anybody does.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// So often it is noted what workers have in hand.
const NOTED_EVERY: Duration = Duration::from_millis(100);

/// What workers have in hand, as it was noted last.
#[derive(Debug, Default)]
pub(crate) struct AtHand {
    is_wanted: AtomicBool,
    noted: Mutex<Noted>,
}

#[derive(Debug, Default)]
struct Noted {
    at: Option<Instant>,
    workers: Vec<Busy>,
}

/// A worker that is busy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Busy {
    /// Its number, from 0, among all that were started.
    pub worker: u64,
    /// The member that it reads, or the first of several small ones, as it is shown.
    pub member: String,
}

impl AtHand {
    /// Has it noted from now on.
    pub(crate) fn want(&self) {
        self.is_wanted.store(true, Ordering::Relaxed);
    }

    /// Notes it, if that is wanted and the last time was long ago.
    pub(crate) fn note(&self, workers: impl FnOnce() -> Vec<Busy>) {
        if !self.is_wanted.load(Ordering::Relaxed) {
            return;
        }
        let mut noted = self.lock();
        if noted.at.is_none_or(|at| at.elapsed() >= NOTED_EVERY) {
            noted.at = Some(Instant::now());
            noted.workers = workers();
        }
    }

    pub(crate) fn workers(&self) -> Vec<Busy> {
        self.lock().workers.clone()
    }

    /// A panic of another holder can only have been before a change, which is whole.
    fn lock(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! The credit of all workers together.
//!
//! A worker's units outlive it: when it dies, what it sent may still be in the window. Its replacement gets that much less
//! to begin with, and the rest when those units are absorbed. So what is in the window is bounded whoever dies, and how
//! often.

/// How the credit that a run has is divided, in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pool {
    /// What one worker may have.
    each: u64,
    /// What the run has.
    total: u64,
    /// What living workers have.
    granted: u64,
    /// What units that are not absorbed weigh, of workers that are dead.
    pub(super) orphaned: u64,
}

impl Pool {
    /// The credit of `workers` workers of which each has `each` bytes.
    pub(super) fn new(workers: usize, each: u64) -> Pool {
        Pool {
            each,
            total: each.saturating_mul(workers as u64),
            granted: 0,
            orphaned: 0,
        }
    }

    /// Takes out what a new worker begins with.
    pub(super) fn grant(&mut self) -> u64 {
        self.top_up(0)
    }

    /// Takes out what a worker with `granted` bytes can be given more.
    pub(super) fn top_up(&mut self, granted: u64) -> u64 {
        // A unit that was sent on a pass can make it all less than nothing.
        let free = self.total.saturating_sub(self.granted + self.orphaned);
        let more = free.min(self.each.saturating_sub(granted));
        self.granted += more;
        more
    }

    /// Takes back what a worker had that died: all but what its units, of `in_flight` bytes, hold until they are
    /// absorbed.
    pub(super) fn bury(&mut self, granted: u64, in_flight: u64) {
        self.granted -= granted;
        self.orphaned += in_flight;
    }

    /// Takes back what a dead worker's unit held.
    pub(super) fn absorbed(&mut self, bytes: u64) {
        debug_assert!(bytes <= self.orphaned, "more is absorbed than dead workers sent");
        self.orphaned -= bytes;
    }
}

//! Byte credit: how much of batches a worker may have on their way.
//!
//! A worker starts with a capacity, spends the length of every batch's body, and waits when a unit does not fit what is
//! left. The coordinator gives the bytes back when a unit has left the reorder window for the part buffers. At any
//! moment, with what is under way in the pipes counted, `balance + in flight + owed = capacity`.
//!
//! A unit can be larger than what is left, or than the capacity. The worker that holds the oldest unfinished task may
//! send such a unit all the same (a *pass*), once all rows before it have left the window; its balance then goes below
//! zero and comes back like any other. Whoever is oldest can therefore always go on, so there is no cycle of waiting.

/// A worker's side: what it may still send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Balance {
    bytes: i64,
}

impl Balance {
    /// A full balance of `capacity` bytes.
    pub fn new(capacity: u64) -> Balance {
        Balance { bytes: capacity as i64 }
    }

    /// Whether a unit of `bytes` may be sent without a pass.
    pub fn covers(self, bytes: u64) -> bool {
        self.bytes >= bytes as i64
    }

    /// Takes off what was sent; with a pass this can go below zero.
    pub fn spend(&mut self, bytes: u64) {
        self.bytes -= bytes as i64;
    }

    /// Adds what came back.
    pub fn restore(&mut self, bytes: u64) {
        self.bytes += bytes as i64;
    }

    /// The bytes that may be sent; negative after a pass.
    pub fn bytes(self) -> i64 {
        self.bytes
    }
}

/// The coordinator's side: where a worker's credit is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Account {
    in_flight: u64,
    owed: u64,
}

impl Account {
    /// A unit of `bytes` arrived.
    pub fn received(&mut self, bytes: u64) {
        self.in_flight += bytes;
    }

    /// `bytes` of what arrived have left the window: they are owed to the worker.
    pub fn absorbed(&mut self, bytes: u64) {
        debug_assert!(bytes <= self.in_flight, "more credit comes back than was spent");
        self.in_flight -= bytes;
        self.owed += bytes;
    }

    /// What is to be given back now, once it is at least `threshold` bytes: small returns are worth no frame.
    pub fn settle(&mut self, threshold: u64) -> Option<u64> {
        (self.owed > 0 && self.owed >= threshold).then(|| std::mem::take(&mut self.owed))
    }

    /// Bytes that arrived and have not left the window.
    pub fn in_flight(self) -> u64 {
        self.in_flight
    }

    /// Bytes that left the window and have not been given back.
    pub fn owed(self) -> u64 {
        self.owed
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Random units, absorbed and settled at random moments: no byte of credit is made or lost.
        #[test]
        fn credit_is_conserved(steps in prop::collection::vec((0u8..3, 0u64..5_000), 1..200), threshold in 0u64..4_000) {
            let capacity = 10_000;
            let (mut balance, mut account) = (Balance::new(capacity), Account::default());
            for (step, bytes) in steps {
                match step {
                    0 => { balance.spend(bytes); account.received(bytes); }
                    1 => account.absorbed(bytes.min(account.in_flight())),
                    _ => if let Some(bytes) = account.settle(threshold) { balance.restore(bytes) },
                }
                prop_assert_eq!(balance.bytes() + (account.in_flight() + account.owed()) as i64, capacity as i64);
            }
            account.absorbed(account.in_flight());
            balance.restore(account.settle(0).unwrap_or(0));
            prop_assert_eq!(balance, Balance::new(capacity));
        }
    }

    #[test]
    fn only_what_is_there_covers() {
        let mut balance = Balance::new(10);
        assert!(balance.covers(10) && !balance.covers(11));
        balance.spend(11);
        assert!(
            !balance.covers(0),
            "nothing may follow a unit that was sent on a pass until credit is back"
        );
        balance.restore(1);
        assert!(balance.covers(0));
    }
}

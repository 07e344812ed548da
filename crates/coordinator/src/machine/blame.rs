//! Which deaths count against a member, and what is said of one that they failed.

use tarquet_wire::message::Failure;

use super::event::Death;

/// A member is failed once so many deaths count against it.
pub(super) const DEATHS_THAT_FAIL: u32 = 2;

/// So many deaths by a signal that anybody may have sent do not count against the member in hand.
pub(super) const FOREIGN_DEATHS_FORGIVEN: u32 = 3;

/// The deaths that a member, or some members of which one is to blame, had a worker die by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Blame {
    own: u32,
    pub(super) foreign: u32,
}

impl Blame {
    /// Adds a death.
    pub(super) fn add(&mut self, death: &Death) {
        match death.is_foreign() {
            true => self.foreign += 1,
            false => self.own += 1,
        }
    }

    /// Adds what another has on it.
    pub(super) fn take_over(&mut self, other: Blame) {
        self.own += other.own;
        self.foreign += other.foreign;
    }

    /// How many deaths count.
    pub(super) fn counts(self) -> u32 {
        self.own + self.foreign.saturating_sub(FOREIGN_DEATHS_FORGIVEN)
    }
}

/// What is said of a member that was failed because its workers died, the last time by `death`.
///
/// It depends on nothing else: a line of `failed.log` is the same in every run that the member is failed in so.
pub(super) fn failure(death: &Death) -> Failure {
    let reason = match death {
        Death::Timeout => "timeout",
        Death::Signal(_) | Death::Exit(_) | Death::Memory | Death::Sandbox { .. } | Death::Protocol(_) => "crash",
    };
    Failure {
        reason: reason.to_owned(),
        detail: format!("its worker died each time it was tried; the last time it {death}"),
    }
}

//! Open stretches: those of an array whose next one begins where the worker says.

use tarquet_wire::array::Cut;
use tarquet_wire::message::{Extent, Member};

use super::event::Closes;
use super::state::TaskState;

impl<U> TaskState<U> {
    /// The open stretch that is among the members which `closes` closes, if there is one. It is the task's last.
    pub(super) fn open_among(&self, closes: Closes) -> Option<usize> {
        let last = self.members.len().checked_sub(1)?;
        let is_closed = self.closed.member + closes.members as usize > last;
        (is_closed && self.is_open(last)).then_some(last)
    }

    /// The task's open stretch, if it has one.
    pub(super) fn open(&self) -> Option<usize> {
        let last = self.members.len().checked_sub(1)?;
        self.is_open(last).then_some(last)
    }

    fn is_open(&self, position: usize) -> bool {
        let stretch = self.members[position].stretch.as_ref();
        stretch.is_some_and(|stretch| stretch.is_open)
    }

    /// Whether a worker may say this of the open stretch at a position, if there is one: where it ends, with no more than so
    /// many bytes left to the next one.
    pub(super) fn ends_at(&self, open: Option<usize>, cut: Option<&Cut>, left_over: u64) -> bool {
        match (open, cut) {
            (Some(position), Some(cut)) => self.can_end_at(position, cut, left_over),
            (open, cut) => open.is_none() && cut.is_none(),
        }
    }

    fn can_end_at(&self, position: usize, cut: &Cut, left_over: u64) -> bool {
        let member = &self.members[position];
        let Some(stretch) = &member.stretch else { return false };
        let len: u64 = member.extents.iter().map(|extent| extent.len).sum();
        let left = cut.at.checked_sub(stretch.at).and_then(|kept| len.checked_sub(kept));
        let is_over = cut.state.is_over();
        left.is_some_and(|left| is_over || left <= left_over) && (stretch.start..=cut.at).contains(&cut.start)
    }

    /// Ends the open stretch at a position: what is behind the cut is not its own.
    pub(super) fn end_at(&mut self, position: usize, cut: &Cut) {
        let member = &mut self.members[position];
        if let Some(stretch) = &mut member.stretch {
            stretch.is_open = false;
            let kept = cut.at.saturating_sub(stretch.at);
            keep(member, kept);
        }
    }
}

/// Shortens a member's extents to their first `kept` bytes.
fn keep(member: &mut Member, mut kept: u64) {
    let shorten = |extent: &mut Extent| {
        extent.len = extent.len.min(kept);
        kept -= extent.len;
        extent.len > 0
    };
    member.extents.retain_mut(shorten);
}

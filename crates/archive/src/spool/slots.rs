//! Who holds which slot: the spool's accounts, without its memory.

use std::collections::BTreeSet;

use crate::spool::{Extent, SLOT_BYTES};

/// Room inside one slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) slot: u32,
    /// Where in the slot it starts.
    pub(crate) start: u64,
    pub(crate) len: u64,
    /// Whether the slot's memory has to be got from the system first.
    pub(crate) fresh: bool,
}

impl Piece {
    pub(crate) fn extent(self) -> Extent {
        Extent {
            offset: u64::from(self.slot) * SLOT_BYTES + self.start,
            len: self.len,
        }
    }
}

/// The slot that is being filled.
#[derive(Debug, Clone, Copy)]
struct Current {
    slot: u32,
    filled: u64,
}

/// The accounts. A slot is exactly one of: current, in use (stored bytes, not current), free, a hole.
#[derive(Debug)]
pub(crate) struct Slots {
    /// How many slots may hold memory.
    capacity: u64,
    unlimited: bool,
    /// Stored bytes by slot. Its length is how many slots there ever were.
    stored: Vec<u64>,
    total: u64,
    current: Option<Current>,
    /// Slots that hold memory and no bytes.
    free: BTreeSet<u32>,
    /// Slots whose memory was given back.
    holes: BTreeSet<u32>,
}

impl Slots {
    /// `capacity` is in bytes.
    pub(crate) fn new(capacity: u64) -> Slots {
        Slots {
            capacity: capacity.div_ceil(SLOT_BYTES).max(1),
            unlimited: false,
            stored: Vec::new(),
            total: 0,
            current: None,
            free: BTreeSet::new(),
            holes: BTreeSet::new(),
        }
    }

    /// How many bytes are stored.
    pub(crate) fn stored(&self) -> u64 {
        self.total
    }

    /// How many slots hold memory.
    pub(crate) fn held(&self) -> u64 {
        (self.stored.len() - self.holes.len()) as u64
    }

    pub(crate) fn set_unlimited(&mut self, unlimited: bool) {
        self.unlimited = unlimited;
    }

    /// Takes room for at most `want` bytes (at least 1) of a member of which at most `own` bytes are stored already; `None`
    /// while there is none.
    pub(crate) fn take(&mut self, want: u64, own: u64) -> Option<Piece> {
        let mut fresh = false;
        let current = match self.current {
            Some(current) if current.filled < SLOT_BYTES => current,
            _ => {
                let slot;
                (slot, fresh) = self.next_slot(own)?;
                Current { slot, filled: 0 }
            }
        };
        let len = want.min(SLOT_BYTES - current.filled);
        self.current = Some(Current {
            slot: current.slot,
            filled: current.filled + len,
        });
        self.stored[current.slot as usize] += len;
        self.total += len;
        Some(Piece {
            slot: current.slot,
            start: current.filled,
            len,
            fresh,
        })
    }

    /// The slot to fill next, and whether it is fresh.
    fn next_slot(&mut self, own: u64) -> Option<(u32, bool)> {
        if let Some(slot) = self.preferred_free() {
            self.free.remove(&slot);
            return Some((slot, false));
        }
        // Of its own bytes, some may have been released meanwhile.
        let alone = self.total <= own;
        if self.held() >= self.capacity && !self.unlimited && !alone {
            return None;
        }
        let slot = self.holes.pop_first().or_else(|| {
            let slot = u32::try_from(self.stored.len()).ok()?;
            self.stored.push(0);
            Some(slot)
        })?;
        Some((slot, true))
    }

    /// The free slot after the current one, so that a member that goes on there stays in one extent; else the lowest.
    fn preferred_free(&self) -> Option<u32> {
        let after = self.current.and_then(|current| current.slot.checked_add(1));
        after
            .filter(|slot| self.free.contains(slot))
            .or_else(|| self.free.first().copied())
    }

    /// Takes an extent's bytes back.
    pub(crate) fn release(&mut self, extent: Extent) {
        let mut offset = extent.offset;
        while offset < extent.end() {
            let slot = offset / SLOT_BYTES;
            let end = extent.end().min((slot + 1) * SLOT_BYTES);
            self.release_in(slot, end - offset);
            offset = end;
        }
    }

    fn release_in(&mut self, slot: u64, len: u64) {
        let index = slot as usize;
        let left = self.stored.get(index).and_then(|stored| stored.checked_sub(len));
        let left = left.unwrap_or_else(|| panic!("{len} bytes of slot {slot} are released that are not stored"));
        self.stored[index] = left;
        self.total -= len;
        if left == 0 {
            self.emptied(slot as u32);
        }
    }

    /// The last byte of a slot was released. The current slot starts again at its beginning.
    fn emptied(&mut self, slot: u32) {
        match &mut self.current {
            Some(current) if current.slot == slot => current.filled = 0,
            _ => {
                self.free.insert(slot);
            }
        }
    }

    /// A free slot that the capacity has no place for.
    pub(crate) fn surplus(&self) -> Option<u32> {
        if self.unlimited || self.held() <= self.capacity {
            None
        } else {
            self.free.last().copied()
        }
    }

    /// A surplus slot's memory was given back.
    pub(crate) fn given_back(&mut self, slot: u32) {
        self.free.remove(&slot);
        self.holes.insert(slot);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_slot_is_shared_then_left_then_used_again() {
        let mut slots = Slots::new(2 * SLOT_BYTES);
        let first = slots.take(100, 0).expect("room");
        let second = slots.take(2 * SLOT_BYTES, 0).expect("room");
        let third = slots.take(2 * SLOT_BYTES, second.len).expect("room");
        assert_eq!(
            first,
            Piece {
                slot: 0,
                start: 0,
                len: 100,
                fresh: true
            }
        );
        assert_eq!(
            second,
            Piece {
                slot: 0,
                start: 100,
                len: SLOT_BYTES - 100,
                fresh: false
            }
        );
        assert_eq!(
            third,
            Piece {
                slot: 1,
                start: 0,
                len: SLOT_BYTES,
                fresh: true
            }
        );
        assert_eq!(slots.take(1, 0), None);
        slots.release(first.extent());
        assert_eq!(slots.take(1, 0), None, "half of the slot is still in use");
        slots.release(second.extent());
        assert_eq!(
            slots.take(1, 0),
            Some(Piece {
                slot: 0,
                start: 0,
                len: 1,
                fresh: false
            })
        );
    }

    #[test]
    fn a_member_alone_grows_beyond_the_capacity_and_its_slots_go_back() {
        let mut slots = Slots::new(SLOT_BYTES);
        let other = slots.take(1, 0).expect("room");
        let first = slots.take(5 * SLOT_BYTES, 0).expect("room");
        assert_eq!(slots.take(4 * SLOT_BYTES, first.len), None, "something else is stored");
        slots.release(other.extent());
        let second = slots
            .take(4 * SLOT_BYTES, first.len)
            .expect("room, now that it is alone");
        assert_eq!((second.slot, slots.held()), (1, 2));
        slots.release(first.extent());
        assert_eq!(slots.surplus(), Some(0));
        slots.given_back(0);
        assert_eq!((slots.held(), slots.surplus()), (1, None));
    }

    #[test]
    #[should_panic(expected = "15 bytes of slot 0 are released that are not stored")]
    fn bytes_are_released_once() {
        let mut slots = Slots::new(SLOT_BYTES);
        let piece = slots.take(15, 0).expect("room");
        slots.release(Extent { offset: 0, len: 10 });
        slots.release(Extent {
            offset: 0,
            ..piece.extent()
        });
    }

    #[derive(Debug, Clone)]
    enum Step {
        /// Store a member of this size, as far as there is room.
        Store(u64),
        /// Release the bytes at this position among those stored, at most so many.
        Release(prop::sample::Index, u64),
        Unlimited(bool),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let size = prop_oneof![1..2000_u64, 1..4 * SLOT_BYTES];
        let step = prop_oneof![
            4 => size.clone().prop_map(Step::Store),
            4 => (any::<prop::sample::Index>(), size).prop_map(|(index, len)| Step::Release(index, len)),
            1 => any::<bool>().prop_map(Step::Unlimited),
        ];
        prop::collection::vec(step, 1..120)
    }

    /// The accounts beside the plainest model of them: the list of the extents that are stored.
    struct Model {
        slots: Slots,
        capacity: u64,
        unlimited: bool,
        stored: Vec<Extent>,
    }

    impl Model {
        fn store(&mut self, size: u64) {
            let mut own = 0;
            while own < size {
                let held = self.slots.held();
                let Some(piece) = self.slots.take(size - own, own) else {
                    break;
                };
                let extent = piece.extent();
                assert!(piece.len > 0 && piece.len <= size - own && piece.start + piece.len <= SLOT_BYTES);
                let touched = self
                    .stored
                    .iter()
                    .find(|other| other.offset < extent.end() && extent.offset < other.end());
                assert_eq!(touched, None, "{extent:?} is given out twice");
                let alone = self.total() == own;
                assert!(held == self.slots.held() || held < self.capacity || self.unlimited || alone);
                assert_eq!(
                    piece.fresh,
                    held < self.slots.held(),
                    "memory is got exactly when a slot is added"
                );
                self.stored.push(extent);
                own += piece.len;
            }
        }

        fn release(&mut self, at: usize, len: u64) {
            let extent = &mut self.stored[at];
            let len = len.min(extent.len);
            self.slots.release(Extent {
                offset: extent.offset,
                len,
            });
            extent.offset += len;
            extent.len -= len;
            if extent.len == 0 {
                self.stored.swap_remove(at);
            }
            self.give_back();
        }

        fn give_back(&mut self) {
            while let Some(slot) = self.slots.surplus() {
                let range = u64::from(slot) * SLOT_BYTES..u64::from(slot + 1) * SLOT_BYTES;
                assert!(
                    !self.stored.iter().any(|extent| range.contains(&extent.offset)),
                    "slot {slot} is in use"
                );
                self.slots.given_back(slot);
            }
        }

        fn total(&self) -> u64 {
            self.stored.iter().map(|extent| extent.len).sum()
        }

        /// Without limit nothing goes back; with it, only what is in use is beyond the capacity.
        fn check(&self) {
            assert_eq!(self.slots.stored(), self.total());
            let used: BTreeSet<u64> = self.stored.iter().map(|extent| extent.offset / SLOT_BYTES).collect();
            if !self.unlimited {
                assert!(self.slots.held() <= self.capacity.max(used.len() as u64 + 1));
            }
        }
    }

    proptest! {
        #[test]
        fn slots_agree_with_a_list_of_extents(capacity in 1..5_u64, steps in steps()) {
            let slots = Slots::new(capacity * SLOT_BYTES);
            let mut model = Model { slots, capacity, unlimited: false, stored: Vec::new() };
            for step in steps {
                match step {
                    Step::Store(size) => model.store(size),
                    Step::Release(..) if model.stored.is_empty() => {}
                    Step::Release(index, len) => model.release(index.index(model.stored.len()), len),
                    Step::Unlimited(unlimited) => {
                        model.unlimited = unlimited;
                        model.slots.set_unlimited(unlimited);
                        model.give_back();
                    }
                }
                model.check();
            }
            while !model.stored.is_empty() {
                model.release(0, u64::MAX);
            }
            prop_assert_eq!(model.slots.stored(), 0);
        }
    }
}

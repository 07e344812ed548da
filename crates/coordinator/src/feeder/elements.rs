//! An array in an archive that is read in order, cut part by part.
//!
//! Where an element ends, only a worker can tell. So what is stored goes out as an *open* stretch, and whoever extracts it
//! says from which byte on the next one has to have it: what is behind that is kept, and the next part comes behind it.
//! Meanwhile that part is being stored. Of an element that is larger than a document may be, nothing is kept, but in the midst
//! of what the next stretch begins.

use tarquet_archive::{Extent, Member as Found, WalkError};
use tarquet_wire::array::{ArrayState, Cut};
use tarquet_wire::message::{Shape, Stretch};

use super::Feeding;
use super::stretches::{len, split};

/// So many parts are sent together, if no more have to be: what a worker has to do for each stretch is then little beside
/// what it has to do for the bytes.
const PARTS_TOGETHER: u64 = 4;

/// What is stored of an array and no task's own.
struct Kept {
    /// Where the next stretch begins.
    next: Cut,
    /// The bytes from there on, as far as they are stored, but for those that are in the open stretch.
    extents: Vec<Extent>,
    /// How many of them the stretch before left over.
    left_over: u64,
    /// How many bytes no stretch stands for.
    new: u64,
    /// The stretch that is open, of which it is not known yet where it ends.
    open: Option<Open>,
}

/// An open stretch.
struct Open {
    at: u64,
    extents: Vec<Extent>,
}

impl Kept {
    /// Of an array that is committed up to here.
    fn new(committed: u64) -> Kept {
        Kept {
            next: Cut {
                start: committed,
                at: committed,
                state: ArrayState::Before,
            },
            extents: Vec::new(),
            left_over: 0,
            new: 0,
            open: None,
        }
    }

    /// How many bytes are stored, those in the open stretch included.
    fn stored(&self) -> u64 {
        len(&self.extents) + self.open.as_ref().map_or(0, |open| len(&open.extents))
    }

    /// How many new bytes the next stretch has, `least` of them, if the array goes on: where an element has not ended in one,
    /// it is not looked at again and again for a few bytes more.
    fn wanted(&self, least: u64, most: u64) -> u64 {
        let rest = most.saturating_add(1).saturating_sub(self.left_over);
        self.left_over.min(rest).max(least)
    }
}

impl Feeding {
    /// Adds an array whose bytes come in order, as far as it is not committed.
    pub(super) fn cut_elements(&mut self, found: &Found, committed: u64) -> Result<(), WalkError> {
        let stretch_bytes = self.feeder.stretch_bytes;
        let together = stretch_bytes * PARTS_TOGETHER;
        let releaser = self.feeder.walk.releaser();
        let mut kept = Kept::new(committed);
        let mut stored = 0;
        loop {
            let size = (stretch_bytes - stored % stretch_bytes).min(found.size - stored);
            let part = match self.store(size, kept.stored()) {
                Ok(part) => part,
                Err(error) => return Err(self.end_elements(found, kept, error)?),
            };
            if stored == 0 && part.is_compressed {
                return self.store_whole(found, Shape::Array, committed, part.extents);
            }
            let (before, extents) = split(part.extents, committed.saturating_sub(stored));
            releaser.release(&before);
            stored += size;
            kept.new += len(&extents);
            kept.extents.extend(extents);
            let is_last = stored == found.size;
            if is_last || kept.new >= together {
                self.close_open(&mut kept)?;
            }
            if kept.next.state.is_over() {
                return self.end_broken(found, kept, found.size - stored);
            }
            if is_last {
                return self.add_elements(found, &mut kept, true);
            }
            if kept.open.is_none() && kept.new >= kept.wanted(together, self.feeder.max_document_bytes) {
                self.add_elements(found, &mut kept, false)?;
                self.flush()?;
            }
        }
    }

    /// Waits until it is known where the open stretch ends, if there is one.
    fn close_open(&mut self, kept: &mut Kept) -> Result<(), WalkError> {
        let Some(open) = kept.open.take() else { return Ok(()) };
        kept.next = self.feeder.gate.wait_for_cut().ok_or(WalkError::Closed)?;
        let (_, mut extents) = split(open.extents, kept.next.at.saturating_sub(open.at));
        kept.left_over = len(&extents);
        extents.append(&mut kept.extents);
        kept.extents = extents;
        Ok(())
    }

    /// Adds a stretch of all that is kept: the last of the array, or an open one.
    fn add_elements(&mut self, found: &Found, kept: &mut Kept, is_last: bool) -> Result<(), WalkError> {
        let extents = std::mem::take(&mut kept.extents);
        let stretch = Stretch {
            is_last,
            is_open: !is_last,
            ..elements(self, found, &kept.next)
        };
        if !is_last {
            kept.open = Some(Open {
                at: kept.next.at,
                extents: extents.clone(),
            });
        }
        self.add_stretch(found, stretch, extents, std::mem::take(&mut kept.new))
    }

    /// Nothing more of the array can be read: it fails in its place, behind the bytes that it still has.
    fn end_broken(&mut self, found: &Found, kept: Kept, rest: u64) -> Result<(), WalkError> {
        self.feeder.walk.releaser().release(&kept.extents);
        if let Err(error) = self.pass_in_order(rest) {
            return Err(self.explain(found, error)?);
        }
        let stretch = elements(self, found, &kept.next);
        self.add_stretch(found, stretch, Vec::new(), kept.new + rest)
    }

    /// The archive ends within the array, or cannot be read: what is there of it is extracted. Gives what ends the walk.
    fn end_elements(&mut self, found: &Found, mut kept: Kept, error: WalkError) -> Result<WalkError, WalkError> {
        let WalkError::Damage(damage) = error else {
            return Ok(error);
        };
        self.close_open(&mut kept)?;
        if kept.next.state.is_over() {
            self.feeder.walk.releaser().release(&kept.extents);
        } else if !kept.extents.is_empty() {
            let stretch = Stretch {
                is_last: false,
                is_cut: true,
                ..elements(self, found, &kept.next)
            };
            self.add_stretch(found, stretch, kept.extents, kept.new)?;
        }
        self.fail_by_damage(found, damage)
    }
}

/// The elements from a cut on, all of them.
fn elements(feeding: &Feeding, found: &Found, from: &Cut) -> Stretch {
    Stretch {
        // It is not compressed.
        end: found.size,
        state: from.state.clone(),
        ..feeding.stretch(Shape::Array, from.at, from.start)
    }
}

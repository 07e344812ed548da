//! Members that hold many documents, cut into stretches.
//!
//! A member of lines is cut at multiples of a number of bytes. Where workers read the archive themselves, a stretch is a
//! range, and the worker finds the lines that begin in it. Where the bytes come in order, they are cut at the last line end
//! of each part, and what is behind it goes with the next: so every byte is stored once, and belongs to one stretch. What
//! is compressed is one stretch, and so is an array that workers read themselves.

use tarquet_archive::{Damage, Extent, Member as Found, MemberKind, Part, Parts, Releaser, WalkError};
use tarquet_wire::array::ArrayState;
use tarquet_wire::message::{Failure, Member, SampleLimit, Shape, Stretch};

use super::{Feeding, located, on_the_wire, unread, unreadable};

/// Bytes of a member that are stored and in no stretch yet, from a document's beginning on.
struct Held {
    /// Where in the member they begin.
    at: u64,
    extents: Vec<Extent>,
    /// How many they are.
    len: u64,
    /// Documents begin here or behind.
    start: u64,
    /// Whether they are inside a line that is too large: what comes up to its end is nobody's.
    is_dropping: bool,
}

impl Held {
    /// Where they end.
    fn end(&self) -> u64 {
        self.at + self.len
    }

    fn push(&mut self, extents: Vec<Extent>) {
        self.len += len(&extents);
        self.extents.extend(extents);
    }

    /// Takes all of them; others follow.
    fn take(&mut self) -> Held {
        let end = self.end();
        let next = Held {
            at: end,
            extents: Vec::new(),
            len: 0,
            start: end,
            is_dropping: false,
        };
        std::mem::replace(self, next)
    }

    /// Forgets all of them, which are released.
    fn drop(&mut self, releaser: &Releaser) {
        releaser.release(&self.take().extents);
    }
}

impl Feeding {
    /// How the member holds many documents, if it does and can be read.
    pub(super) fn shape(&self, found: &Found) -> Option<Shape> {
        let is_file = found.kind == MemberKind::File;
        self.feeder.documents.shape(&found.name).filter(|_| is_file)
    }

    /// Adds a member that holds many documents, as far as it is not committed.
    pub(super) fn take_many(&mut self, found: &Found, shape: Shape) -> Result<(), WalkError> {
        self.names.see_many(&found.name);
        let committed = std::mem::take(&mut self.feeder.committed_bytes);
        self.count_resumed(committed.min(found.size), 0);
        match self.feeder.walk.locate_parts(found) {
            Err(WalkError::Unreadable { source, .. }) => self.add(unread(found, unreadable(&source))),
            Err(error) => Err(error),
            Ok(Parts::InPlace { extent, damage }) => self.cut_in_place(found, shape, committed, extent, damage),
            Ok(Parts::InOrder) => match shape {
                Shape::Lines => self.cut_in_order(found, committed),
                Shape::Array => self.cut_elements(found, committed),
            },
        }
    }

    /// Looks whether the end of the archive cuts off a member that is committed.
    pub(super) fn look_for_the_end(&mut self, found: &Found) -> Result<(), WalkError> {
        match self.feeder.walk.locate_parts(found)? {
            Parts::InPlace { damage: None, .. } => Ok(()),
            Parts::InPlace {
                damage: Some(damage), ..
            } => Err(damage.into()),
            Parts::InOrder => self.pass_in_order(found.size),
        }
    }

    /// Passes over so many bytes of the last member.
    pub(super) fn pass_in_order(&mut self, mut bytes: u64) -> Result<(), WalkError> {
        while bytes > 0 {
            let size = bytes.min(self.feeder.stretch_bytes);
            let part = self.store(size, 0)?;
            self.feeder.walk.releaser().release(&part.extents);
            bytes -= size;
        }
        Ok(())
    }

    fn cut_in_place(
        &mut self,
        found: &Found,
        shape: Shape,
        committed: u64,
        extent: Extent,
        damage: Option<Damage>,
    ) -> Result<(), WalkError> {
        let size = self.feeder.stretch_bytes;
        let is_array = shape == Shape::Array;
        let is_asked = damage.is_some() || !is_array && extent.len > size;
        let is_compressed = is_asked && self.feeder.walk.is_compressed(extent)?;
        // What is kept of a member that is cut off is whole parts, as it is where they come in order.
        let len = match damage {
            Some(_) if is_compressed => 0,
            Some(_) => extent.len - extent.len % size,
            None => extent.len,
        };
        let whole = || Extent { len, ..extent };
        let is_one = is_compressed || damage.is_none() && (is_array || len <= size);
        let mut start = committed;
        while start < len && !is_one {
            let end = match is_array {
                true => len,
                false => (start - start % size).saturating_add(size).min(len),
            };
            let is_last = end == len && damage.is_none();
            let stretch = Stretch {
                end,
                is_last,
                is_cut: damage.is_some(),
                ..self.stretch(shape, 0, start)
            };
            self.add_stretch(found, stretch, vec![whole()], end - start)?;
            start = end;
        }
        match damage {
            Some(damage) => Err(self.fail_by_damage(found, damage)?),
            // The last stretch was it.
            None if !is_one && committed < len => Ok(()),
            None => {
                let stretch = self.stretch(shape, 0, committed);
                let extents = if len > 0 { vec![whole()] } else { Vec::new() };
                self.add_stretch(found, stretch, extents, len.saturating_sub(committed))
            }
        }
    }

    fn cut_in_order(&mut self, found: &Found, committed: u64) -> Result<(), WalkError> {
        let releaser = self.feeder.walk.releaser();
        let mut held = Held {
            at: 0,
            extents: Vec::new(),
            len: 0,
            start: 0,
            is_dropping: false,
        };
        let mut stored = 0;
        loop {
            let size = (self.feeder.stretch_bytes - stored % self.feeder.stretch_bytes).min(found.size - stored);
            let part = match self.store(size, held.len) {
                Ok(part) => part,
                Err(error) => {
                    held.drop(&releaser);
                    return Err(self.explain(found, error)?);
                }
            };
            if stored == 0 && part.is_compressed {
                return self.store_whole(found, Shape::Lines, committed, part.extents);
            }
            stored += size;
            // The byte before the first document that is wanted tells whether one begins there.
            let passed = committed.saturating_sub(1);
            let is_last = stored == found.size;
            match stored <= passed && !is_last {
                true => {
                    held.push(part.extents);
                    held.drop(&releaser);
                }
                false => self.cut_part(found, &mut held, part, committed, is_last)?,
            }
            if is_last {
                return Ok(());
            }
        }
    }

    /// Cuts what is held and the part behind it at the part's last line end.
    fn cut_part(
        &mut self,
        found: &Found,
        held: &mut Held,
        part: Part,
        committed: u64,
        is_last: bool,
    ) -> Result<(), WalkError> {
        let releaser = self.feeder.walk.releaser();
        let begin = held.end();
        let (mut extents, mut cut) = (part.extents, part.all_lines);
        let passed = match held.is_dropping {
            true => part.first_line,
            false => committed.checked_sub(1).and_then(|passed| passed.checked_sub(begin)),
        };
        if let Some(passed) = passed {
            let (before, behind) = split(extents, passed);
            held.push(before);
            held.drop(&releaser);
            held.start = held.at.max(committed);
            (extents, cut) = (
                behind,
                cut.and_then(|cut| cut.checked_sub(passed)).filter(|cut| *cut > 0),
            );
        } else if held.is_dropping {
            held.push(extents);
            held.drop(&releaser);
            held.is_dropping = true;
            extents = Vec::new();
        }
        if is_last {
            held.push(extents);
            return self.add_held(found, held.take(), true);
        }
        if let Some(cut) = cut.filter(|_| !held.is_dropping) {
            let (lines, rest) = split(extents, cut);
            held.push(lines);
            self.add_held(found, held.take(), false)?;
            held.push(rest);
        } else {
            held.push(extents);
        }
        if held.len > self.feeder.max_document_bytes {
            self.add_held(found, held.take(), false)?;
            held.is_dropping = true;
        }
        Ok(())
    }

    fn add_held(&mut self, found: &Found, held: Held, is_last: bool) -> Result<(), WalkError> {
        let stretch = Stretch {
            end: held.end().max(held.start),
            is_last,
            ..self.stretch(Shape::Lines, held.at, held.start)
        };
        self.add_stretch(found, stretch, held.extents, held.len)
    }

    /// Stores what is left of a compressed member behind `extents`, and adds it as one stretch.
    pub(super) fn store_whole(
        &mut self,
        found: &Found,
        shape: Shape,
        committed: u64,
        mut extents: Vec<Extent>,
    ) -> Result<(), WalkError> {
        let releaser = self.feeder.walk.releaser();
        let most = self.feeder.max_document_bytes;
        let stored = self::len(&extents);
        if found.size > most {
            releaser.release(&extents);
            let failure = Failure {
                reason: "too_large".to_owned(),
                detail: format!(
                    "it has {} bytes, and a compressed member of an archive that is read in order is held as a whole; \
                     --max-document-bytes is {most}. In a plain tar it can be larger",
                    found.size
                ),
            };
            return self.add(unread(found, failure));
        }
        match self.store(found.size - stored, stored) {
            Ok(part) => extents.extend(part.extents),
            Err(error) => {
                releaser.release(&extents);
                return Err(self.explain(found, error)?);
            }
        }
        self.add_stretch(found, self.stretch(shape, 0, committed), extents, found.size)
    }

    /// Stores the next bytes of the last member. Room becomes free only when tasks are done, so what is held back goes out
    /// before the walk waits.
    pub(super) fn store(&mut self, size: u64, held: u64) -> Result<Part, WalkError> {
        let Feeding { feeder, batch, .. } = self;
        let super::Feeder {
            walk,
            source,
            inputs,
            gate,
            ..
        } = feeder;
        let mut ended = false;
        let part = walk.store_part(size, held, &mut |_| {
            ended |= !batch.send(source, 0, inputs, gate, super::gate::Room::Unlimited)
        });
        match part {
            Ok(part) if ended => {
                walk.releaser().release(&part.extents);
                Err(WalkError::Closed)
            }
            part => part,
        }
    }

    /// Has the member fail if it is the archive that is damaged; gives what ends the walk.
    pub(super) fn explain(&mut self, found: &Found, error: WalkError) -> Result<WalkError, WalkError> {
        match error {
            WalkError::Damage(damage) => self.fail_by_damage(found, damage),
            error => Ok(error),
        }
    }

    /// All documents of a member from `start` on, in extents that begin at `at`.
    pub(super) fn stretch(&self, shape: Shape, at: u64, start: u64) -> Stretch {
        Stretch {
            shape,
            at,
            start,
            end: u64::MAX,
            is_last: true,
            is_open: false,
            state: ArrayState::Before,
            is_cut: false,
            careful_to: 0,
            failed: Vec::new(),
            sample: SampleLimit::default(),
        }
    }

    /// Adds a stretch that stands for `size` bytes. While the sample lasts it is a task of its own, since only who has looked
    /// at it knows how many documents it has.
    pub(super) fn add_stretch(
        &mut self,
        found: &Found,
        stretch: Stretch,
        extents: Vec<Extent>,
        size: u64,
    ) -> Result<(), WalkError> {
        self.passed.document_bytes += size;
        let mut member = Member {
            size,
            extents: extents.into_iter().map(on_the_wire).collect(),
            stretch: Some(stretch),
            ..located(found, Vec::new())
        };
        let Some(limit) = self.sample else {
            return self.push(member);
        };
        if let Some(stretch) = &mut member.stretch {
            stretch.sample = limit;
        }
        self.flush()?;
        self.push(member)?;
        self.flush()?;
        self.sample = Some(self.feeder.gate.wait_for_sampled().ok_or(WalkError::Closed)?);
        self.end_sample_if_reached()
    }
}

/// How many bytes some extents have.
pub(super) fn len(extents: &[Extent]) -> u64 {
    extents.iter().map(|extent| extent.len).sum()
}

/// The first `len` bytes of some extents, and the others.
pub(super) fn split(extents: Vec<Extent>, len: u64) -> (Vec<Extent>, Vec<Extent>) {
    let (mut head, mut tail) = (Vec::new(), Vec::new());
    let mut left = len;
    for extent in extents {
        let here = left.min(extent.len);
        left -= here;
        let parts = [
            Extent { len: here, ..extent },
            Extent {
                offset: extent.offset + here,
                len: extent.len - here,
            },
        ];
        head.extend(parts.first().filter(|part| part.len > 0));
        tail.extend(parts.last().filter(|part| part.len > 0));
    }
    (head, tail)
}

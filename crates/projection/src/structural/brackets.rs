//! The brackets of a document: where they are, and which belong together.

use super::grammar::Found;
use super::lens::{LIST, Lens, ROW};
use crate::reference::MAX_DEPTH;

/// How much above the document a row can lead before it is looked at.
const MARGIN: usize = ROW;

/// What a bracket is, as bits.
const OPEN: u8 = 1;
const BRACE: u8 = 2;
/// Since the bracket before it there is what only an object can have.
const OBJECT: u8 = 4;
/// Since the bracket before it there is what no object can have.
const ARRAY: u8 = 8;

/// For the containers, in which bit `b` says that a bracket that is `b` (of the four above) cannot stand in it or end it.
const IN_ARRAY: u16 = {
    let mut wrong = 0;
    let mut bracket = 0;
    while bracket < 16 {
        if bracket & OBJECT != 0 || bracket & (OPEN | BRACE) == BRACE {
            wrong |= 1 << bracket;
        }
        bracket += 1;
    }
    wrong
};
const IN_OBJECT: u16 = {
    let mut wrong = 0;
    let mut bracket = 0;
    while bracket < 16 {
        if bracket & ARRAY != 0 || bracket & (OPEN | BRACE) == 0 {
            wrong |= 1 << bracket;
        }
        bracket += 1;
    }
    wrong
};
/// Outside of all containers one begins, with nothing before it.
const IN_DOCUMENT: u16 = !(1 << OPEN | 1 << (OPEN | BRACE));

/// For how many brackets room is kept from one document to the next.
const KEPT_BRACKETS: usize = 1 << 18;

/// A power of two, so that a depth cannot lead out of it.
const ROOM: usize = 4096;

const _: () = assert!(MARGIN + MAX_DEPTH + 2 * ROW < ROOM);

/// The brackets of a document, in order.
#[derive(Debug)]
pub(super) struct Brackets {
    /// The position of each in the document.
    positions: Vec<u32>,
    /// For each opening bracket, its closing one. For a closing one this means nothing.
    partners: Vec<u32>,
    len: usize,
    /// How many this document may have.
    most: usize,
    /// How many containers are open, from [`MARGIN`] on.
    depth: usize,
    /// For each depth, the opening bracket of its container, and what is wrong in it.
    open: Box<[Container; ROOM]>,
    flags: Box<[u8; LIST]>,
}

/// An open container, as one word, so that it is written and read back at once.
#[derive(Debug, Clone, Copy)]
struct Container(u64);

/// No container: what the document is in.
const OUTSIDE: Container = Container::new(0, IN_DOCUMENT);

impl Container {
    /// One whose opening bracket is this one. `wrong` says which brackets cannot stand in it.
    #[inline(always)]
    const fn new(bracket: u32, wrong: u16) -> Self {
        Self((wrong as u64) << 32 | bracket as u64)
    }

    /// Its opening bracket.
    #[inline(always)]
    fn bracket(self) -> u32 {
        self.0 as u32
    }

    /// Whether a bracket with these flags is wrong in it: in bit 0 of what it gives.
    #[inline(always)]
    fn wrong(self, flags: u8) -> u64 {
        self.0 >> 32 >> (flags & 15)
    }
}

impl Default for Brackets {
    fn default() -> Self {
        Self {
            positions: Vec::new(),
            partners: Vec::new(),
            len: 0,
            most: 0,
            depth: MARGIN,
            open: Box::new([OUTSIDE; ROOM]),
            flags: Box::new([0; LIST]),
        }
    }
}

impl Brackets {
    /// Forgets all brackets, for the next document, of this many bytes.
    ///
    /// A bracket takes eight bytes here. So that they take no more than the document's length (and 2 MiB), one that is brackets
    /// in more than every eighth byte is not taken.
    pub(super) fn clear(&mut self, bytes: usize) {
        self.most = bytes / 8 + KEPT_BRACKETS;
        self.len = 0;
        self.depth = MARGIN;
        self.open[MARGIN] = OUTSIDE;
    }

    /// Gives back memory that documents do not usually need.
    pub(super) fn shrink(&mut self) {
        if self.positions.len() > KEPT_BRACKETS {
            for room in [&mut self.positions, &mut self.partners] {
                room.truncate(KEPT_BRACKETS);
                room.shrink_to(KEPT_BRACKETS);
            }
            // A document that closed more than it opened has left brackets here for which there is no room any more.
            self.open.fill(OUTSIDE);
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The position of a bracket in the document.
    #[inline]
    pub(super) fn position(&self, bracket: usize) -> usize {
        self.positions[bracket] as usize
    }

    /// The closing bracket of an opening one.
    #[inline]
    pub(super) fn partner(&self, bracket: usize) -> usize {
        self.partners[bracket] as usize
    }

    /// Adds the brackets of the row that starts at `at`. Gives whether all is well so far.
    #[inline(always)]
    pub(super) fn add<L: Lens>(&mut self, lens: L, found: &Found<L::Set>, at: usize) -> bool {
        let first = self.len;
        if self.positions.len() < first + LIST && !self.grow() {
            return false;
        }
        let Some(positions) = self.positions[first..].first_chunk_mut() else {
            return false;
        };
        let sets = [found.open, found.brace, found.object, found.array];
        let count = lens.list(found.bracket, sets, at as u32, positions, &mut self.flags);
        let partners = self.partners.as_mut_slice();
        let open = &mut *self.open;
        let mut depth = self.depth;
        let mut wrong = 0;
        for (bracket, flags) in (first as u32..).zip(&self.flags[..count.min(LIST)]) {
            let container = open[depth % ROOM];
            wrong |= container.wrong(*flags);
            // Both are written whichever it is: what an opening bracket writes into its container's place, the
            // container's own end overwrites; what a closing one writes above itself, the next opening one does.
            partners[container.bracket() as usize] = bracket;
            let within = if flags & BRACE == 0 { IN_ARRAY } else { IN_OBJECT };
            open[(depth + 1) % ROOM] = Container::new(bracket, within);
            depth = (depth + 2 * usize::from(flags & OPEN)).wrapping_sub(1);
        }
        let deep = self.depth + count > MARGIN + MAX_DEPTH;
        if deep && self.deepest(count) > MARGIN + MAX_DEPTH {
            return false;
        }
        self.depth = depth;
        self.len = first + count;
        wrong & 1 == 0
    }

    /// How deep the first brackets of a row lead.
    #[cold]
    fn deepest(&self, count: usize) -> usize {
        let depth_after = |depth: &mut usize, flags: &u8| {
            *depth = if flags & OPEN != 0 {
                *depth + 1
            } else {
                depth.saturating_sub(1)
            };
            Some(*depth)
        };
        self.flags[..count]
            .iter()
            .scan(self.depth, depth_after)
            .max()
            .unwrap_or(self.depth)
    }

    /// Whether the brackets are those of one container, the document.
    pub(super) fn make_one(&self) -> bool {
        self.len > 0 && self.depth == MARGIN && self.partner(0) == self.len - 1
    }

    /// Makes room for more, unless there are too many already.
    #[cold]
    #[inline(never)]
    fn grow(&mut self) -> bool {
        let room = (2 * self.positions.len()).clamp(4 * LIST, self.most + 2 * LIST);
        if self.positions.len() >= room {
            return false;
        }
        for words in [&mut self.positions, &mut self.partners] {
            words.reserve_exact(room - words.len());
            words.resize(room, 0);
        }
        true
    }
}

//! The documents of a member that holds many.

use tarquet_wire::array::ArrayState;
use tarquet_wire::message::{Shape, Stretch};

use crate::elements::Elements;
use crate::lines::{Lines, Step};
use crate::window::Window;

/// The documents of a stretch, however they are told from one another.
#[derive(Debug)]
pub(crate) enum Documents {
    Lines(Lines),
    Elements(Elements),
}

impl Documents {
    /// Those of `stretch`, none of which may have more than `most` bytes.
    pub(crate) fn new(stretch: &Stretch, most: u64) -> Documents {
        match stretch.shape {
            Shape::Lines => Documents::Lines(Lines::new(stretch, most)),
            Shape::Array => Documents::Elements(Elements::new(stretch, most)),
        }
    }

    /// What is before this is not needed any more; documents that begin here or behind have not been given.
    pub(crate) fn next(&self) -> u64 {
        match self {
            Documents::Lines(lines) => lines.next(),
            Documents::Elements(elements) => elements.next(),
        }
    }

    /// Where a stretch of what is left can begin.
    pub(crate) fn place(&self) -> u64 {
        match self {
            Documents::Lines(lines) => lines.next(),
            Documents::Elements(elements) => elements.place(),
        }
    }

    /// Whether all documents that were given are before [`Documents::place`].
    pub(crate) fn can_pause(&self) -> bool {
        match self {
            Documents::Lines(_) => true,
            Documents::Elements(elements) => elements.can_pause(),
        }
    }

    /// From which byte on, and as what, an array goes on where an open stretch of it ends.
    pub(crate) fn cut(&self) -> (u64, ArrayState) {
        match self {
            Documents::Lines(lines) => (lines.next(), ArrayState::Before),
            Documents::Elements(elements) => elements.cut(),
        }
    }

    /// How many were passed, empty lines included, since the last call of [`Documents::take_passed`]: the number of the last
    /// one, from 1.
    pub(crate) fn passed(&self) -> u64 {
        match self {
            Documents::Lines(lines) => lines.passed(),
            Documents::Elements(elements) => elements.passed(),
        }
    }

    /// Has them counted from here on.
    pub(crate) fn take_passed(&mut self) -> u64 {
        match self {
            Documents::Lines(lines) => lines.take_passed(),
            Documents::Elements(elements) => elements.take_passed(),
        }
    }

    /// How many bytes to read next.
    pub(crate) fn wanted(&self, window: &Window) -> u64 {
        match self {
            Documents::Lines(lines) => lines.wanted(window),
            Documents::Elements(elements) => elements.wanted(window),
        }
    }

    /// The next document in what was read.
    pub(crate) fn step(&mut self, window: &Window) -> Step {
        match self {
            Documents::Lines(lines) => lines.step(window),
            Documents::Elements(elements) => elements.step(window),
        }
    }
}

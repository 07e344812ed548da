//! How far an array was read whose bytes come part by part.
//!
//! Where the coordinator cannot hand out all bytes of an array at a time, it hands out the first of them as an *open*
//! stretch. Only who reads it knows where an element ends, so the unit that closes the stretch says with a [`Cut`] from where
//! on the next one has to have the bytes. The coordinator carries it from one worker to the next, and does not look into it.

use serde::{Deserialize, Serialize};

use crate::message::Failure;

/// Where an open stretch of an array ends and the next one begins, in bytes of the content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    /// The next stretch's [start](crate::message::Stretch::start): the byte behind the last element that was read to its end,
    /// 0 if there was none. A stopped run goes on there, so it needs no state.
    pub start: u64,
    /// The first byte that the next stretch needs: where an element begins that does not end before the stretch does, or the
    /// stretch's end.
    pub at: u64,
    /// What the byte at `at` is a part of.
    pub state: ArrayState,
}

/// What a byte of an array is a part of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ArrayState {
    /// White space before the array, or its bracket.
    #[default]
    Before,
    /// White space before an element, or the element.
    Between {
        /// Whether it is the first, in whose place the array may end.
        is_first: bool,
    },
    /// An element that is larger than a document may be: only its end is wanted.
    Passed(Inside),
    /// White space behind the array.
    Behind,
    /// Nothing that can be read: the array stops being one before.
    Broken {
        /// Where, in bytes of the content; `None` where that is not known.
        offset: Option<u64>,
        /// Why.
        failure: Failure,
    },
}

/// A place inside an element.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inside {
    /// Where the element began, in bytes of the content.
    pub from: u64,
    /// How many of its brackets are open.
    pub depth: u64,
    /// Whether it is inside a string.
    pub is_string: bool,
}

impl ArrayState {
    /// Whether nothing of the array is read any more.
    pub fn is_over(&self) -> bool {
        matches!(self, ArrayState::Broken { .. })
    }
}

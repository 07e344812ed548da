//! The structural engine: an index of the whole document, made and validated with vector instructions, and a walk over it
//! that touches only what the plan asks for.
//!
//! 1. `lens` looks at 512 bytes at once and sorts them into sets of positions: quotes, brackets, digits, …
//! 2. `grammar` finds strings and checks everything that RFC 8259 asks for, on those sets.
//! 3. `brackets` matches brackets.
//! 4. `walk` goes along the trie: the members of an object are its colons, the elements of an array its commas, and a
//!    container of which nothing is wanted is one step.
//!
//! What it does not take (what is not valid, nests too deep, is too large for its index, or is neither object nor array)
//! says nothing yet of the document: the reference decides.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod brackets;
mod grammar;
mod index;
#[cfg(any(test, feature = "fuzzing"))]
mod judges;
mod lens;
mod names;
#[cfg(target_arch = "aarch64")]
mod neon;
mod number;
mod portable;
#[cfg(test)]
mod tests;
mod text;
mod walk;
mod width;
mod words;

use tarquet_feature_map::Plan;
use tarquet_feature_map::trie::Trie;

use self::index::Index;
#[cfg(any(test, feature = "fuzzing"))]
pub use self::judges::Judges;
use self::names::Names;
use self::walk::Walk;
use self::width::Width;
pub use self::width::{UnavailableSimd, simd};
use crate::engine::{Engine, NotTaken, Offsets};
use crate::matcher::Matcher;
use crate::reference::BYTE_ORDER_MARK;
use crate::selection::{Key, Selection};

/// The structural engine. Its index is used again for the next document.
#[derive(Debug)]
pub(crate) struct Structural {
    index: Index,
    names: Names,
    width: Width,
}

impl Structural {
    /// Prepares the engine for a plan.
    ///
    /// # Panics
    ///
    /// Where [`simd`] gives an error.
    pub(crate) fn new(plan: &Plan) -> Self {
        Self {
            index: Index::default(),
            names: Names::new(plan),
            width: Width::chosen().unwrap_or_else(|error| panic!("{error}")),
        }
    }
}

impl Offsets for Structural {
    fn offset(&self, mark: u32, _document: &[u8]) -> usize {
        mark as usize
    }
}

impl Engine for Structural {
    type Refusal = NotTaken;

    fn select(&mut self, document: &[u8], matcher: &Matcher, out: &mut Selection) -> Result<(), NotTaken> {
        let text = document.strip_prefix(BYTE_ORDER_MARK).unwrap_or(document);
        let taken = self.width.build(&mut self.index, text);
        if taken {
            Walk {
                text,
                document,
                index: &self.index,
                matcher,
                names: &self.names,
                out,
            }
            .container(0, Key::Root, Trie::ROOT);
        }
        // Before the rows, or the reference, need memory themselves.
        self.index.shrink();
        taken.then_some(()).ok_or(NotTaken)
    }
}

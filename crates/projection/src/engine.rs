//! What an engine does: one walk over a document, which gives a selection or a verdict.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::matcher::Matcher;
use crate::selection::Selection;

/// Which parser reads the documents. They give the same rows and the same errors; they differ in speed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum EngineKind {
    /// The scalar parser of this crate, which is the judge of what is valid.
    Reference,
    /// simd-json; what it refuses is read again by the reference.
    SimdJson,
    /// The vector engine of this crate; what it does not take is read by the reference.
    #[default]
    Structural,
}

/// The name of no engine.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("there is no JSON engine `{0}`; there are `reference`, `simd-json` and `structural`")]
pub struct UnknownEngine(String);

impl EngineKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Reference, Self::SimdJson, Self::Structural];

    fn name(self) -> &'static str {
        match self {
            Self::Reference => "reference",
            Self::SimdJson => "simd-json",
            Self::Structural => "structural",
        }
    }
}

impl fmt::Display for EngineKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl FromStr for EngineKind {
    type Err = UnknownEngine;

    fn from_str(name: &str) -> Result<Self, UnknownEngine> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == name)
            .ok_or_else(|| UnknownEngine(name.to_owned()))
    }
}

/// A parser that prunes a document to what a plan's paths can reach.
pub(crate) trait Engine: Offsets {
    /// Why it gives no selection: a verdict, or that this engine does not judge.
    type Refusal;

    /// Walks over the whole `document` and fills `out`, which is empty, with what `matcher` wants of it.
    fn select(&mut self, document: &[u8], matcher: &Matcher, out: &mut Selection) -> Result<(), Self::Refusal>;
}

/// Where the values of the last selected document start.
pub(crate) trait Offsets {
    /// The position in `document`, in bytes, of the value whose node has this mark.
    fn offset(&self, mark: u32, document: &[u8]) -> usize;
}

/// An engine does not take the document, which says nothing yet about the document.
#[derive(Debug)]
pub(crate) struct NotTaken;

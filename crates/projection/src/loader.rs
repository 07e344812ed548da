//! Reads documents with the engine that was chosen, and leaves the verdict to the reference.

use tarquet_feature_map::Plan;

use crate::engine::{Engine, EngineKind, Offsets};
use crate::error::{DocumentError, DocumentErrorKind};
use crate::matcher::Matcher;
use crate::memo::Memo;
use crate::reference::Reference;
use crate::selection::Selection;
use crate::structural::Structural;
use crate::tape::SimdJson;
use crate::view::View;

/// Reads documents, one at a time.
pub(crate) struct Loader {
    matcher: Matcher,
    reference: Reference,
    /// What is tried before the reference.
    fast: Option<Fast>,
    selection: Selection,
    memo: Memo,
}

/// An engine that leaves what it does not take to the reference.
enum Fast {
    SimdJson(SimdJson),
    Structural(Structural),
}

impl Loader {
    /// Prepares an engine for the paths of `plan`.
    pub(crate) fn new(plan: &Plan, engine: EngineKind) -> Self {
        Self {
            matcher: Matcher::new(plan),
            reference: Reference::default(),
            fast: match engine {
                EngineKind::Reference => None,
                EngineKind::SimdJson => Some(Fast::SimdJson(SimdJson::new())),
                EngineKind::Structural => Some(Fast::Structural(Structural::new(plan))),
            },
            selection: Selection::default(),
            memo: Memo::default(),
        }
    }

    /// Reads a document.
    pub(crate) fn load<'a>(&'a mut self, document: &'a [u8]) -> Result<View<'a>, DocumentError> {
        // Selections count in 32 bits.
        if u32::try_from(document.len()).is_err() {
            return Err(DocumentError::whole(
                DocumentErrorKind::TooLarge,
                "the document is 4 GiB or larger",
            ));
        }
        self.memo.clear();
        let fast = self.fast.as_mut().is_some_and(|fast| {
            self.selection.clear();
            match fast {
                Fast::SimdJson(engine) => engine.select(document, &self.matcher, &mut self.selection),
                Fast::Structural(engine) => engine.select(document, &self.matcher, &mut self.selection),
            }
            .is_ok()
        });
        if !fast {
            self.selection.clear();
            self.reference.select(document, &self.matcher, &mut self.selection)?;
        }
        let offsets: &dyn Offsets = match &self.fast {
            Some(Fast::SimdJson(engine)) if fast => engine,
            Some(Fast::Structural(engine)) if fast => engine,
            _ => &self.reference,
        };
        Ok(View {
            document,
            selection: &self.selection,
            offsets,
            memo: &self.memo,
        })
    }
}

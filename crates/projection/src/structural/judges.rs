//! The structural engine, held to the reference under every lens that the machine has: it takes exactly the documents
//! that are valid and are an array or an object (and have no more brackets than its index may hold), and keeps the same of
//! them. For tests, and for fuzzing.

use tarquet_feature_map::Plan;
use tarquet_feature_map::trie::TrieId;

use super::Structural;
use super::index::Index;
use super::names::Names;
use super::width::Width;
use crate::engine::Engine;
use crate::matcher::Matcher;
use crate::reference::{BYTE_ORDER_MARK, Reference};
use crate::selection::{Key, Node, Number, Selection, Text, Value};

/// The reference and the structural engine under each lens, for one plan. They are used again for every document, as in
/// a run.
#[derive(Debug)]
pub struct Judges {
    matcher: Matcher,
    reference: Reference,
    expected: Selection,
    structural: Vec<(Width, Structural)>,
    /// What the last lens kept of the last document.
    pub(super) found: Selection,
}

impl Judges {
    /// Prepares all of them for the paths of `plan`.
    pub fn new(plan: &Plan) -> Self {
        let engine = |width| {
            let engine = Structural {
                index: Index::default(),
                names: Names::new(plan),
                width,
            };
            (width, engine)
        };
        Self {
            matcher: Matcher::new(plan),
            reference: Reference::default(),
            expected: Selection::default(),
            structural: Width::all().into_iter().map(engine).collect(),
            found: Selection::default(),
        }
    }

    /// Holds the engine against the reference on one document, under all lenses. Gives whether the document is valid.
    ///
    /// # Panics
    ///
    /// Where the engine differs from the reference.
    pub fn check(&mut self, document: &[u8]) -> bool {
        self.expected.clear();
        let valid = self
            .reference
            .select(document, &self.matcher, &mut self.expected)
            .is_ok();
        let taken = valid && is_container(document);
        for (width, engine) in &mut self.structural {
            self.found.clear();
            let took = engine.select(document, &self.matcher, &mut self.found).is_ok();
            assert_eq!(took, taken, "{width:?} took it: {}", shown(document));
            if took {
                let [found, expected] = [&self.found, &self.expected].map(|selection| kept(selection, document));
                assert_eq!(found, expected, "{width:?}: {}", shown(document));
            }
        }
        valid
    }
}

/// Whether the first byte of the text is a bracket.
fn is_container(document: &[u8]) -> bool {
    let text = document.strip_prefix(BYTE_ORDER_MARK).unwrap_or(document);
    let first = text.iter().find(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
    matches!(first, Some(b'{' | b'['))
}

fn shown(document: &[u8]) -> String {
    format!("{} bytes: {}", document.len(), document.escape_ascii())
}

/// A node, with its texts in place of where they stand.
#[derive(Debug, PartialEq)]
struct Kept<'a> {
    key: Key,
    name: &'a [u8],
    value: Value,
    /// Of a fraction, so that zeros of either sign differ.
    bits: u64,
    text: &'a [u8],
    span: u32,
    mark: u32,
    place: TrieId,
}

fn kept<'a>(selection: &'a Selection, document: &'a [u8]) -> Vec<Kept<'a>> {
    selection
        .nodes()
        .iter()
        .map(|node| Kept::new(node, selection, document))
        .collect()
}

impl<'a> Kept<'a> {
    fn new(node: &Node, selection: &'a Selection, document: &'a [u8]) -> Self {
        let nowhere = |text: Text| Text { start: 0, ..text };
        let (key, name) = match node.key() {
            Key::Member(text) => (Key::Member(nowhere(text)), selection.bytes(text, document)),
            key => (key, &[][..]),
        };
        let (value, text, bits) = match node.value() {
            Value::String(text) => (Value::String(nowhere(text)), selection.bytes(text, document), 0),
            Value::Number(Number::Fraction(number)) => (node.value(), &[][..], number.to_bits()),
            value => (value, &[][..], 0),
        };
        Self {
            key,
            name,
            value,
            bits,
            text,
            span: node.span,
            mark: node.mark,
            place: node.place,
        }
    }
}

//! The simd-json engine: the document becomes a tape (SIMD over the bytes, then one pass over what is structural), and
//! the walk over the tape skips what is not wanted by a single step.
//!
//! The tape has parsed values and no positions. Positions are had when a text is asked for: the structural characters
//! that simd-json has found, less the closing and the separating ones, are the starts of the tape's nodes, in order.

use std::cell::RefCell;

use simd_json::{Buffers, INPUT_PADDING, Node, StaticNode, Tape};
use tarquet_feature_map::trie::{Trie, TrieId};

use crate::engine::{Engine, NotTaken, Offsets};
use crate::matcher::{Matcher, Member};
use crate::reference::{BYTE_ORDER_MARK, MAX_DEPTH};
use crate::selection::{Key, MembersSeen, Number, Selection, Text, TextForm, Value};

/// The largest document, in bytes, that is put on a tape. One byte of JSON can need 28 bytes of tape and structural
/// indices, so what is larger is left to the reference, which needs nothing for what is not wanted.
const MAX_TAPE_DOCUMENT: usize = 4 << 20;

/// The simd-json engine. Its buffers are used again for the next document.
pub(crate) struct SimdJson {
    buffers: Buffers,
    /// The document, which simd-json writes unescaped strings into, and padding.
    scratch: Vec<u8>,
    tape: Tape<'static>,
    /// How many bytes before the document's text are no part of `scratch`.
    skipped: usize,
    /// The starts of the tape's nodes in the document, once one has been asked for.
    starts: RefCell<Vec<u32>>,
}

impl SimdJson {
    pub(crate) fn new() -> Self {
        Self {
            buffers: Buffers::with_max_depth(0, MAX_DEPTH),
            scratch: Vec::new(),
            tape: Tape(Vec::new()),
            skipped: 0,
            starts: RefCell::default(),
        }
    }

    fn find_starts(&self, document: &[u8], starts: &mut Vec<u32>) {
        let opens_node = |at: &&u32| !matches!(document[**at as usize + self.skipped], b',' | b':' | b'}' | b']');
        starts.extend(self.buffers.structural_indexes().iter().filter(opens_node));
    }
}

impl Offsets for SimdJson {
    fn offset(&self, mark: u32, document: &[u8]) -> usize {
        let mut starts = self.starts.borrow_mut();
        if starts.is_empty() {
            self.find_starts(document, &mut starts);
        }
        starts[mark as usize] as usize + self.skipped
    }
}

impl Engine for SimdJson {
    type Refusal = NotTaken;

    fn select(&mut self, document: &[u8], matcher: &Matcher, out: &mut Selection) -> Result<(), NotTaken> {
        if document.len() > MAX_TAPE_DOCUMENT {
            return Err(NotTaken);
        }
        let text = document.strip_prefix(BYTE_ORDER_MARK).unwrap_or(document);
        self.skipped = document.len() - text.len();
        self.starts.get_mut().clear();
        self.scratch.clear();
        self.scratch.extend_from_slice(text);
        self.scratch.resize(text.len() + INPUT_PADDING, 0);
        let mut tape = std::mem::replace(&mut self.tape, Tape(Vec::new())).reset();
        let base = self.scratch.as_ptr() as usize;
        let parsed = simd_json::fill_tape_padded(&mut self.scratch, text.len(), &mut self.buffers, &mut tape);
        if parsed.is_ok() {
            Walk {
                tape: &tape.0,
                base,
                document,
                skipped: self.skipped,
                matcher,
                out,
            }
            .value(0, Key::Root, Trie::ROOT);
        }
        self.tape = tape.reset();
        parsed.map_err(|_| NotTaken)
    }
}

/// One walk over one tape. It goes no deeper than the trie, and so than the longest path.
struct Walk<'a> {
    tape: &'a [Node<'a>],
    /// The address of the first byte that simd-json was given.
    base: usize,
    document: &'a [u8],
    skipped: usize,
    matcher: &'a Matcher,
    out: &'a mut Selection,
}

impl Walk<'_> {
    /// Keeps the value at `at`.
    fn value(&mut self, at: usize, key: Key, place: TrieId) {
        let value = match self.tape[at] {
            Node::Object { len, .. } => return self.object(at, len, key, place),
            Node::Array { len, .. } => return self.array(at, len, key, place),
            Node::String(text) => Value::String(self.text(text)),
            Node::Static(value) => scalar(value),
        };
        self.out.push(key, value, at as u32, place);
    }

    fn object(&mut self, at: usize, len: usize, key: Key, place: TrieId) {
        let node = self.out.push(key, Value::Object, at as u32, place);
        let place = self.matcher.place(place);
        let mut seen = MembersSeen::default();
        if place.wants_members() {
            let mut at = at + 1;
            for _ in 0..len {
                if let Node::String(name) = self.tape[at]
                    && let Some(member) = place.member(name.as_bytes())
                {
                    self.member(at + 1, name, member, &mut seen);
                }
                at = self.after(at + 1);
            }
        }
        self.out.close_object(node, seen, self.document);
    }

    fn member(&mut self, at: usize, text: &str, member: Member, seen: &mut MembersSeen) {
        match member {
            Member::Named { name, position, to } => {
                seen.name(position);
                self.value(at, Key::Name(name), to);
            }
            Member::Other { to } => {
                seen.member(text.as_bytes());
                let text = self.text(text);
                self.value(at, Key::Member(text), to);
            }
        }
    }

    fn array(&mut self, at: usize, len: usize, key: Key, place: TrieId) {
        let node = self.out.push(key, Value::Array { len: 0 }, at as u32, place);
        let place = self.matcher.place(place);
        if place.wants_elements() {
            let mut at = at + 1;
            for index in 0..len as u32 {
                if let Some(to) = place.element(index) {
                    self.value(at, Key::Element(index), to);
                }
                at = self.after(at);
            }
        }
        self.out.close_array(node, len as u32);
    }

    /// The position after the value at `at`.
    fn after(&self, at: usize) -> usize {
        match self.tape[at] {
            Node::Object { count, .. } | Node::Array { count, .. } => at + 1 + count,
            Node::String(_) | Node::Static(_) => at + 1,
        }
    }

    /// Where the text of a string stands. simd-json unescapes in place, so its start is where it was written.
    fn text(&mut self, text: &str) -> Text {
        let start = text.as_ptr() as usize - self.base + self.skipped;
        let end = start + text.len();
        // With escapes the written text is longer, and a quote at this place would be an escaped one.
        let verbatim = self.document[end] == b'"' && (text.is_empty() || self.document[end - 1] != b'\\');
        if verbatim {
            return Text {
                start: start as u32,
                len: text.len() as u32,
                form: TextForm::Verbatim,
            };
        }
        let bytes = self.out.unescaped_mut();
        let from = bytes.len();
        bytes.extend_from_slice(text.as_bytes());
        Text {
            start: from as u32,
            len: text.len() as u32,
            form: TextForm::Unescaped,
        }
    }
}

fn scalar(value: StaticNode) -> Value {
    match value {
        StaticNode::Null => Value::Null,
        StaticNode::Bool(value) => Value::Bool(value),
        StaticNode::I64(value) => Value::Number(Number::Int(value)),
        StaticNode::U64(value) => Value::Number(i64::try_from(value).map_or(Number::HugeInt, Number::Int)),
        StaticNode::F64(value) => Value::Number(Number::Fraction(value)),
    }
}

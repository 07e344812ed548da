//! What a document walk keeps: the document's tree, pruned to the places that the plan's paths can reach.
//!
//! The seam between the engines and everything else. An engine walks the document once, along the plan's trie, and
//! fills a [`Selection`]; loops, paths, filters and types are then worked out on the selection alone. It is an arena
//! that is used again for the next document: the nodes stand in document order, each before its children, and a
//! node's `span` (its own place and those of all below it) leads to its next sibling. Nothing is allocated per node.
//!
//! A value's *exact text* is not stored: a node has a mark from which its engine can tell where in the document the
//! value starts (see [`Offsets`](crate::engine::Offsets)), for the few values whose text is asked for.

use std::collections::HashMap;

use tarquet_feature_map::plan::NameId;
use tarquet_feature_map::trie::{Trie, TrieId};

use crate::repeats::{self, Repeats};

/// A node of a [`Selection`], by its position.
pub(crate) type NodeId = u32;

/// No node: documents are below 4 GiB, and a node takes two bytes of them.
pub(crate) const NO_NODE: NodeId = NodeId::MAX;

/// For how many nodes room is kept from one document to the next.
const KEPT_NODES: usize = 1 << 20;

/// For how many bytes of unescaped strings room is kept from one document to the next.
const KEPT_UNESCAPED_BYTES: usize = 16 << 20;

/// The pruned tree of one document.
#[derive(Debug, Default)]
pub(crate) struct Selection {
    nodes: Vec<Node>,
    unescaped: Vec<u8>,
    repeats: Repeats,
}

/// One kept value: 32 bytes, so that two of them share a cache line.
///
/// What it is and how it was reached are enumerations whose tags would each take the room of a whole word; here the
/// tags stand side by side.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Node {
    /// The bits of a number, or the start and the length of a text, or the length of an array.
    payload: u64,
    /// What the key's kind has to tell: a name, a position, or where the text of a name starts.
    key: u32,
    /// How long the text of a name is.
    key_len: u32,
    /// How many nodes its subtree has, itself included.
    pub(crate) span: u32,
    /// From which its engine tells where its text starts.
    pub(crate) mark: u32,
    /// The place of the plan's trie at which it was reached.
    pub(crate) place: TrieId,
    /// What it is.
    pub(crate) kind: Kind,
    key_kind: KeyKind,
}

/// What a node is, without its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// [`Value::Null`]
    Null,
    /// [`Value::Bool`] of `false`.
    False,
    /// [`Value::Bool`] of `true`.
    True,
    /// [`Number::Int`]
    Int,
    /// [`Number::HugeInt`]
    HugeInt,
    /// [`Number::Fraction`]
    Fraction,
    /// [`Number::HugeFraction`]
    HugeFraction,
    /// A [`Value::String`] that is [`TextForm::Verbatim`].
    Verbatim,
    /// A [`Value::String`] that is [`TextForm::Unescaped`].
    Unescaped,
    /// A [`Value::String`] that is [`TextForm::Lone`].
    Lone,
    /// [`Value::Array`]
    Array,
    /// [`Value::Object`]
    Object,
}

/// What a key is, without what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum KeyKind {
    Root,
    Name,
    Element,
    Verbatim,
    Unescaped,
    Lone,
}

impl Node {
    /// A node that is null and nowhere.
    pub(crate) const NULL: Self = Self {
        payload: 0,
        key: 0,
        key_len: 0,
        span: 1,
        mark: 0,
        place: Trie::ROOT,
        kind: Kind::Null,
        key_kind: KeyKind::Root,
    };

    #[inline(always)]
    fn new(key: Key, value: Value, mark: u32, place: TrieId) -> Self {
        let (key_kind, key, key_len) = match key {
            Key::Root => (KeyKind::Root, 0, 0),
            Key::Name(name) => (KeyKind::Name, name.0, 0),
            Key::Element(index) => (KeyKind::Element, index, 0),
            Key::Member(Text { start, len, form }) => {
                let kind = match form {
                    TextForm::Verbatim => KeyKind::Verbatim,
                    TextForm::Unescaped => KeyKind::Unescaped,
                    TextForm::Lone => KeyKind::Lone,
                };
                (kind, start, len)
            }
        };
        let (kind, payload) = pack(value);
        Self {
            payload,
            key,
            key_len,
            span: 1,
            mark,
            place,
            kind,
            key_kind,
        }
    }

    /// Whether it is the member with this name of the plan.
    #[inline]
    pub(crate) fn is_named(&self, name: NameId) -> bool {
        self.key == name.0 && self.key_kind == KeyKind::Name
    }

    /// Whether it is the element at this position.
    #[inline]
    pub(crate) fn is_at(&self, index: u32) -> bool {
        self.key == index && self.key_kind == KeyKind::Element
    }

    /// What it is.
    #[inline]
    pub(crate) fn value(&self) -> Value {
        match self.kind {
            Kind::Null => Value::Null,
            Kind::False => Value::Bool(false),
            Kind::True => Value::Bool(true),
            Kind::Int => Value::Number(Number::Int(self.int())),
            Kind::HugeInt => Value::Number(Number::HugeInt),
            Kind::Fraction => Value::Number(Number::Fraction(self.fraction())),
            Kind::HugeFraction => Value::Number(Number::HugeFraction),
            Kind::Verbatim => Value::String(self.text(TextForm::Verbatim)),
            Kind::Unescaped => Value::String(self.text(TextForm::Unescaped)),
            Kind::Lone => Value::String(self.text(TextForm::Lone)),
            Kind::Array => Value::Array {
                len: self.payload as u32,
            },
            Kind::Object => Value::Object,
        }
    }

    /// The number that a node of [`Kind::Int`] is.
    #[inline]
    pub(crate) fn int(&self) -> i64 {
        self.payload as i64
    }

    /// The number that a node of [`Kind::Fraction`] is.
    #[inline]
    pub(crate) fn fraction(&self) -> f64 {
        f64::from_bits(self.payload)
    }

    /// The text that a node of [`Kind::Verbatim`] is.
    #[inline]
    pub(crate) fn verbatim(&self) -> Option<Text> {
        (self.kind == Kind::Verbatim).then(|| self.text(TextForm::Verbatim))
    }

    /// The text that a string is, of the form that its kind says.
    #[inline]
    fn text(&self, form: TextForm) -> Text {
        Text {
            start: self.payload as u32,
            len: (self.payload >> 32) as u32,
            form,
        }
    }

    /// How it was reached from the node above it.
    #[inline]
    pub(crate) fn key(&self) -> Key {
        let member = |form| {
            Key::Member(Text {
                start: self.key,
                len: self.key_len,
                form,
            })
        };
        match self.key_kind {
            KeyKind::Root => Key::Root,
            KeyKind::Name => Key::Name(NameId(self.key)),
            KeyKind::Element => Key::Element(self.key),
            KeyKind::Verbatim => member(TextForm::Verbatim),
            KeyKind::Unescaped => member(TextForm::Unescaped),
            KeyKind::Lone => member(TextForm::Lone),
        }
    }
}

#[inline(always)]
fn pack(value: Value) -> (Kind, u64) {
    match value {
        Value::Null => (Kind::Null, 0),
        Value::Bool(false) => (Kind::False, 0),
        Value::Bool(true) => (Kind::True, 0),
        Value::Number(Number::Int(value)) => (Kind::Int, value as u64),
        Value::Number(Number::HugeInt) => (Kind::HugeInt, 0),
        Value::Number(Number::Fraction(value)) => (Kind::Fraction, value.to_bits()),
        Value::Number(Number::HugeFraction) => (Kind::HugeFraction, 0),
        Value::String(Text { start, len, form }) => {
            let kind = match form {
                TextForm::Verbatim => Kind::Verbatim,
                TextForm::Unescaped => Kind::Unescaped,
                TextForm::Lone => Kind::Lone,
            };
            (kind, u64::from(len) << 32 | u64::from(start))
        }
        Value::Array { len } => (Kind::Array, u64::from(len)),
        Value::Object => (Kind::Object, 0),
    }
}

/// A kept value. The children of a container are the nodes after it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Value {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string.
    String(Text),
    /// An array that has `len` elements, kept or not.
    Array {
        /// The number of all its elements.
        len: u32,
    },
    /// An object.
    Object,
}

/// A number, as far as machine types go.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Number {
    /// Written without `.` and exponent, and within 64 bits. `-0` is 0.
    Int(i64),
    /// Written without `.` and exponent, and outside 64 bits.
    HugeInt,
    /// Written with `.` or an exponent: the nearest `f64`, ties to even; finite.
    Fraction(f64),
    /// Written with `.` or an exponent, and beyond the finite `f64`.
    HugeFraction,
}

/// A string or a member's name, without its quotes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Text {
    /// Where it starts: in the document, or for [`TextForm::Unescaped`] in the selection's own bytes.
    pub(crate) start: u32,
    /// How many bytes it has there.
    pub(crate) len: u32,
    /// What it takes to read it.
    pub(crate) form: TextForm,
}

/// What it takes to read a [`Text`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TextForm {
    /// The document's bytes are the text.
    Verbatim,
    /// It has escapes; the text stands unescaped in the selection's own bytes.
    Unescaped,
    /// It has an escape of a lone surrogate, so there is no such text. The span is of the bytes as written.
    Lone,
}

/// How a node was reached from the node above it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Key {
    /// It is the document.
    Root,
    /// It is the member with this name of the plan.
    Name(NameId),
    /// It is a member whose name no path that leads here mentions.
    Member(Text),
    /// It is the element at this position, from 0.
    Element(u32),
}

impl Selection {
    /// Forgets everything, and keeps the memory, unless it is more than documents usually need.
    pub(crate) fn clear(&mut self) {
        self.nodes.clear();
        self.nodes.shrink_to(KEPT_NODES);
        self.unescaped.clear();
        self.unescaped.shrink_to(KEPT_UNESCAPED_BYTES);
        self.repeats.shrink();
    }

    /// Adds a node that was reached at `place` of the plan's trie. A container's children are to follow, then
    /// [`close_array`](Self::close_array) or [`close_object`](Self::close_object).
    #[inline(always)]
    pub(crate) fn push(&mut self, key: Key, value: Value, mark: u32, place: TrieId) -> NodeId {
        let id = self.nodes.len() as NodeId;
        if self.nodes.len() == self.nodes.capacity() {
            self.grow();
        }
        self.nodes.push(Node::new(key, value, mark, place));
        id
    }

    /// Makes room for half as many nodes again: twice as many may be more than there is memory for.
    #[cold]
    #[inline(never)]
    fn grow(&mut self) {
        self.nodes.reserve_exact((self.nodes.len() / 2).max(1024));
    }

    /// Ends an array: `len` is the number of all its elements.
    #[inline]
    pub(crate) fn close_array(&mut self, id: NodeId, len: u32) {
        self.close(id);
        self.nodes[id as usize].payload = u64::from(len);
    }

    /// Ends an object. `members` is what was noted of its kept members.
    #[inline]
    pub(crate) fn close_object(&mut self, id: NodeId, members: MembersSeen, document: &[u8]) {
        if members.suspect {
            self.look_for_repeats(id, members.count, document);
        }
        self.close(id);
    }

    #[inline(never)]
    fn look_for_repeats(&mut self, id: NodeId, count: u32, document: &[u8]) {
        if self.may_repeat(id, count, document) {
            self.settle_repeats(id, document);
        }
    }

    #[inline]
    fn close(&mut self, id: NodeId) {
        self.nodes[id as usize].span = (self.nodes.len() - id as usize) as u32;
    }

    /// The node at `id`.
    pub(crate) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id as usize]
    }

    /// All nodes, in document order.
    pub(crate) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The children that were kept of the node at `id`, in document order.
    pub(crate) fn children(&self, id: NodeId) -> Children<'_> {
        Children {
            nodes: &self.nodes,
            next: id + 1,
            end: id + self.node(id).span,
        }
    }

    /// The bytes of unescaped strings, to which an engine appends.
    pub(crate) fn unescaped_mut(&mut self) -> &mut Vec<u8> {
        &mut self.unescaped
    }

    /// The bytes of a text. For a [`TextForm::Lone`] one they are the escaped bytes.
    pub(crate) fn bytes<'a>(&'a self, text: Text, document: &'a [u8]) -> &'a [u8] {
        let source = match text.form {
            TextForm::Verbatim | TextForm::Lone => document,
            TextForm::Unescaped => &self.unescaped,
        };
        &source[text.start as usize..][..text.len as usize]
    }

    /// Whether two of the `count` members of the open object at `id` could have one name.
    fn may_repeat(&mut self, id: NodeId, count: u32, document: &[u8]) -> bool {
        let mut repeats = std::mem::take(&mut self.repeats);
        let hashes = self.members(id).map(|child| match self.node(child).key() {
            Key::Member(text) => repeats::hash(self.bytes(text, document)),
            Key::Name(name) => repeats::hash(&name.0.to_le_bytes()),
            Key::Root | Key::Element(_) => unreachable!("the children of an object are members"),
        });
        let any = repeats.any(count as usize, hashes);
        self.repeats = repeats;
        any
    }

    /// The members so far of the open object at `id`.
    fn members(&self, id: NodeId) -> Children<'_> {
        Children {
            nodes: &self.nodes,
            next: id + 1,
            end: self.nodes.len() as u32,
        }
    }

    /// Of the members of the open object at `id`, keeps of each name the first's place and the last's value.
    fn settle_repeats(&mut self, id: NodeId, document: &[u8]) {
        let mut last_of: Vec<NodeId> = Vec::new();
        let mut places = HashMap::new();
        let mut repeats = false;
        for child in self.members(id) {
            let place = *places.entry(self.identity(child, document)).or_insert(last_of.len());
            match last_of.get_mut(place) {
                Some(last) => (*last, repeats) = (child, true),
                None => last_of.push(child),
            }
        }
        drop(places);
        if !repeats {
            return;
        }
        let written = self.nodes.split_off(id as usize + 1);
        for child in last_of {
            let start = (child - id - 1) as usize;
            self.nodes
                .extend_from_slice(&written[start..][..written[start].span as usize]);
        }
    }

    /// What two members have in common when one repeats the other. Names with lone surrogates are compared as written.
    fn identity<'a>(&'a self, child: NodeId, document: &'a [u8]) -> (Option<NameId>, bool, &'a [u8]) {
        match self.node(child).key() {
            Key::Name(name) => (Some(name), false, &[]),
            Key::Member(text) => (None, text.form == TextForm::Lone, self.bytes(text, document)),
            Key::Root | Key::Element(_) => unreachable!("the children of an object are members"),
        }
    }
}

/// Walks over the kept children of a node.
#[derive(Debug, Clone)]
pub(crate) struct Children<'a> {
    nodes: &'a [Node],
    next: NodeId,
    end: NodeId,
}

impl Iterator for Children<'_> {
    type Item = NodeId;

    fn next(&mut self) -> Option<NodeId> {
        if self.next >= self.end {
            return None;
        }
        let id = self.next;
        self.next += self.nodes[id as usize].span;
        Some(id)
    }
}

/// The members kept of an object so far, as a filter that tells cheaply that no name has come twice.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct MembersSeen {
    bits: u64,
    suspect: bool,
    /// How many they are.
    count: u32,
}

impl MembersSeen {
    /// Notes a member that paths mention by name; `position` is the name's among those wanted of the object.
    pub(crate) fn name(&mut self, position: u32) {
        self.note(position);
    }

    /// Notes a member under a name that is the document's own.
    pub(crate) fn member(&mut self, name: &[u8]) {
        let ends = name
            .first()
            .zip(name.last())
            .map_or(0, |(first, last)| u32::from(*first) + 31 * u32::from(*last));
        self.note(ends + name.len() as u32);
    }

    fn note(&mut self, hash: u32) {
        let bit = 1 << (hash & 63);
        self.suspect |= self.bits & bit != 0;
        self.bits |= bit;
        self.count += 1;
    }
}

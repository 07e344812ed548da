//! The reference engine: a scalar parser, in one forward pass, that alone decides whether a document is valid and where
//! it stops being so.
//!
//! It keeps to RFC 8259 in full, also in what no path asks for. Beyond it: a leading UTF-8 byte order mark is skipped,
//! and nesting ends at [`MAX_DEPTH`]. The stack is its own, so no document can overflow the thread's.

mod lexer;

use tarquet_feature_map::trie::{Trie, TrieId};

use self::lexer::{Lexer, StringToken};
pub(crate) use self::lexer::{nearest_f64, number_end, number_text, read_number, string_end, unescape, value_end};
use crate::engine::{Engine, Offsets};
use crate::error::{DocumentError, DocumentErrorKind};
use crate::matcher::{Matcher, Member};
use crate::selection::{Key, MembersSeen, NodeId, Selection, Text, TextForm, Value};

/// How deep arrays and objects may nest.
pub const MAX_DEPTH: usize = 1024;

/// The UTF-8 byte order mark.
pub(crate) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The reference engine.
#[derive(Debug, Default)]
pub(crate) struct Reference {
    stack: Vec<Frame>,
}

/// A container whose end has not been reached.
#[derive(Debug)]
struct Frame {
    kind: Container,
    /// Its node and its place in the trie, if anything of it is wanted.
    kept: Option<(NodeId, TrieId)>,
    /// How many elements have begun.
    elements: u32,
    members: MembersSeen,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Container {
    Array,
    Object,
}

/// Where a value that is wanted is kept.
type Slot = Option<(Key, TrieId)>;

impl Offsets for Reference {
    fn offset(&self, mark: u32, _document: &[u8]) -> usize {
        mark as usize
    }
}

impl Engine for Reference {
    type Refusal = DocumentError;

    fn select(&mut self, document: &[u8], matcher: &Matcher, out: &mut Selection) -> Result<(), DocumentError> {
        self.stack.clear();
        let lexer = Lexer::new(document);
        Walk {
            document,
            lexer,
            matcher,
            out,
            stack: &mut self.stack,
        }
        .document()
    }
}

/// One walk over one document.
struct Walk<'a> {
    document: &'a [u8],
    lexer: Lexer<'a>,
    matcher: &'a Matcher,
    out: &'a mut Selection,
    stack: &'a mut Vec<Frame>,
}

/// What comes after a value.
enum Next {
    Value(usize, Slot),
    End(usize),
}

impl Walk<'_> {
    fn document(mut self) -> Result<(), DocumentError> {
        let mut at = self.lexer.skip_space(self.start()?);
        if at == self.lexer.len() {
            return Err(DocumentError::at(DocumentErrorKind::Empty, at, "the document is empty"));
        }
        let mut slot = Some((Key::Root, Trie::ROOT));
        loop {
            match self.value(at, slot)? {
                Next::Value(next, next_slot) => (at, slot) = (next, next_slot),
                Next::End(end) => return self.nothing_more(end),
            }
        }
    }

    /// The position after the byte order mark, if there is one.
    fn start(&self) -> Result<usize, DocumentError> {
        if self.document.starts_with(BYTE_ORDER_MARK) {
            return Ok(BYTE_ORDER_MARK.len());
        }
        let begun = BYTE_ORDER_MARK
            .iter()
            .zip(self.document)
            .take_while(|(mark, byte)| mark == byte)
            .count();
        if begun == 0 {
            Ok(0)
        } else {
            Err(self.lexer.refuse(begun, "a byte order mark is EF BB BF"))
        }
    }

    fn nothing_more(&self, end: usize) -> Result<(), DocumentError> {
        let at = self.lexer.skip_space(end);
        if at == self.lexer.len() {
            return Ok(());
        }
        Err(self
            .lexer
            .refuse(at, "nothing but white space may follow the document's value"))
    }

    /// Reads from the first byte of a value to the first byte of the next.
    fn value(&mut self, at: usize, slot: Slot) -> Result<Next, DocumentError> {
        let end = match self.lexer.peek(at) {
            Some(b'{') => return self.open(at, slot, Container::Object),
            Some(b'[') => return self.open(at, slot, Container::Array),
            Some(b'"') => self.string(at, slot)?,
            Some(b'-' | b'0'..=b'9') => self.number(at, slot)?,
            Some(b'n') => self.word(at, slot, "null", Value::Null)?,
            Some(b't') => self.word(at, slot, "true", Value::Bool(true))?,
            Some(b'f') => self.word(at, slot, "false", Value::Bool(false))?,
            _ => return Err(self.lexer.refuse(at, "expected a JSON value")),
        };
        self.after_value(end)
    }

    fn string(&mut self, at: usize, slot: Slot) -> Result<usize, DocumentError> {
        let token = self.lexer.string(at + 1)?;
        if let Some((key, place)) = slot {
            let text = self.text(at + 1, token);
            self.out.push(key, Value::String(text), at as u32, place);
        }
        Ok(token.end + 1)
    }

    fn number(&mut self, at: usize, slot: Slot) -> Result<usize, DocumentError> {
        let token = self.lexer.number(at)?;
        if let Some((key, place)) = slot {
            let number = read_number(&self.document[at..token.end], token.integer);
            self.out.push(key, Value::Number(number), at as u32, place);
        }
        Ok(token.end)
    }

    fn word(&mut self, at: usize, slot: Slot, word: &str, value: Value) -> Result<usize, DocumentError> {
        let end = self.lexer.word(at, word)?;
        if let Some((key, place)) = slot {
            self.out.push(key, value, at as u32, place);
        }
        Ok(end)
    }

    fn open(&mut self, at: usize, slot: Slot, kind: Container) -> Result<Next, DocumentError> {
        if self.stack.len() == MAX_DEPTH {
            let detail = format!("arrays and objects nest deeper than {MAX_DEPTH}");
            return Err(DocumentError::at(DocumentErrorKind::Depth, at, detail));
        }
        let (value, close) = match kind {
            Container::Array => (Value::Array { len: 0 }, b']'),
            Container::Object => (Value::Object, b'}'),
        };
        let kept = slot.map(|(key, place)| (self.out.push(key, value, at as u32, place), place));
        self.stack.push(Frame {
            kind,
            kept,
            elements: 0,
            members: MembersSeen::default(),
        });
        let at = self.lexer.skip_space(at + 1);
        if self.lexer.peek(at) == Some(close) {
            self.close();
            return self.after_value(at + 1);
        }
        self.child(at)
    }

    /// Reads to the first byte of a container's next value, from where its element or its member begins.
    fn child(&mut self, at: usize) -> Result<Next, DocumentError> {
        let top = self.stack.last_mut().expect("a child has a container");
        if top.kind == Container::Object {
            return self.member(at);
        }
        let index = top.elements;
        top.elements += 1;
        let to = top.kept.and_then(|(_, place)| self.matcher.place(place).element(index));
        Ok(Next::Value(at, to.map(|to| (Key::Element(index), to))))
    }

    fn member(&mut self, at: usize) -> Result<Next, DocumentError> {
        if self.lexer.peek(at) != Some(b'"') {
            return Err(self.lexer.refuse(at, "expected a member's name, in quotes"));
        }
        let token = self.lexer.string(at + 1)?;
        let colon = self.lexer.skip_space(token.end + 1);
        if self.lexer.peek(colon) != Some(b':') {
            return Err(self.lexer.refuse(colon, "expected `:` after a member's name"));
        }
        let slot = self.member_slot(at + 1, token);
        Ok(Next::Value(self.lexer.skip_space(colon + 1), slot))
    }

    /// Where the value of the member whose name starts at `start` is kept.
    fn member_slot(&mut self, start: usize, token: StringToken) -> Slot {
        let (_, place) = self.stack.last()?.kept?;
        let place = self.matcher.place(place);
        if !place.wants_members() {
            return None;
        }
        let text = self.text(start, token);
        let name = self.out.bytes(text, self.document);
        let found = if text.form == TextForm::Lone {
            place.unnamed_member()
        } else {
            place.member(name)
        };
        let seen = &mut self.stack.last_mut()?.members;
        match found? {
            Member::Named { name, position, to } => {
                seen.name(position);
                Some((Key::Name(name), to))
            }
            Member::Other { to } => {
                seen.member(name);
                Some((Key::Member(text), to))
            }
        }
    }

    fn after_value(&mut self, end: usize) -> Result<Next, DocumentError> {
        let mut end = end;
        loop {
            let Some(top) = self.stack.last() else {
                return Ok(Next::End(end));
            };
            let (close, rule) = match top.kind {
                Container::Array => (b']', "expected `,` or `]` after an element"),
                Container::Object => (b'}', "expected `,` or `}` after a member"),
            };
            let at = self.lexer.skip_space(end);
            match self.lexer.peek(at) {
                Some(b',') => return self.child(self.lexer.skip_space(at + 1)),
                Some(byte) if byte == close => {
                    self.close();
                    end = at + 1;
                }
                _ => return Err(self.lexer.refuse(at, rule)),
            }
        }
    }

    fn close(&mut self) {
        let Some(frame) = self.stack.pop() else { return };
        let Some((node, _)) = frame.kept else { return };
        match frame.kind {
            Container::Array => self.out.close_array(node, frame.elements),
            Container::Object => self.out.close_object(node, frame.members, self.document),
        }
    }

    /// The text of a string that starts after the quote at `start`, unescaped if it has to be.
    fn text(&mut self, start: usize, token: StringToken) -> Text {
        let written = &self.document[start..token.end];
        if token.form != TextForm::Unescaped {
            return Text {
                start: start as u32,
                len: written.len() as u32,
                form: token.form,
            };
        }
        let bytes = self.out.unescaped_mut();
        let from = bytes.len();
        unescape(written, bytes);
        Text {
            start: from as u32,
            len: (bytes.len() - from) as u32,
            form: TextForm::Unescaped,
        }
    }
}

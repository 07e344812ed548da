//! The walk over an indexed document: along the trie, from bracket to bracket, past everything else.

use tarquet_feature_map::trie::TrieId;

use super::index::Index;
use super::names::{Ending, Endings};
use super::number::number;
use super::text::form;
use crate::matcher::{Matcher, Member};
use crate::reference::unescape;
use crate::selection::{Key, MembersSeen, Selection, Text, TextForm, Value};

/// One walk over one valid document. It goes no deeper than the trie, and so than the longest path.
pub(super) struct Walk<'a> {
    /// The document's text.
    pub(super) text: &'a [u8],
    /// The document: the text, and perhaps a byte order mark before it.
    pub(super) document: &'a [u8],
    /// The text's index.
    pub(super) index: &'a Index,
    pub(super) matcher: &'a Matcher,
    pub(super) endings: &'a Endings,
    pub(super) out: &'a mut Selection,
}

impl Walk<'_> {
    /// Keeps the container that starts with a bracket.
    pub(super) fn container(&mut self, bracket: usize, key: Key, place: TrieId) {
        if self.text[self.index.brackets.position(bracket)] == b'{' {
            self.object(bracket, key, place);
        } else {
            self.array(bracket, key, place);
        }
    }

    fn object(&mut self, bracket: usize, key: Key, place: TrieId) {
        let mark = self.mark(self.index.brackets.position(bracket));
        let node = self.out.push(key, Value::Object, mark, place);
        let mut seen = MembersSeen::default();
        if self.matcher.place(place).wants_members() {
            let ending = self.endings.of(place.0);
            let index = self.index;
            for segment in index.segments(bracket) {
                for colon in index.colons(segment.from, segment.until) {
                    if let Some((key, to)) = self.member(colon, ending, place, &mut seen) {
                        self.value(colon + 1, segment, key, to);
                    }
                }
            }
        }
        self.out.close_object(node, seen, self.document);
    }

    fn array(&mut self, bracket: usize, key: Key, place: TrieId) {
        let mark = self.mark(self.index.brackets.position(bracket));
        let node = self.out.push(key, Value::Array { len: 0 }, mark, place);
        let mut len = 0;
        if !self.is_empty(bracket) {
            let wanted = self.matcher.place(place).wants_elements();
            let index = self.index;
            for segment in index.segments(bracket) {
                if !wanted {
                    len += index.commas(segment.from, segment.until).count() as u32;
                    continue;
                }
                if segment.next == bracket + 1 {
                    self.element(segment.from, segment, 0, place);
                }
                for comma in index.commas(segment.from, segment.until) {
                    len += 1;
                    self.element(comma + 1, segment, len, place);
                }
            }
            len += 1;
        }
        self.out.close_array(node, len);
    }

    fn element(&mut self, at: usize, segment: Segment, index: u32, place: TrieId) {
        if let Some(to) = self.matcher.place(place).element(index) {
            self.value(at, segment, Key::Element(index), to);
        }
    }

    /// Whether the container that starts with a bracket has nothing in it.
    fn is_empty(&self, bracket: usize) -> bool {
        let brackets = &self.index.brackets;
        let start = self.skip_space(brackets.position(bracket) + 1);
        start == brackets.position(brackets.partner(bracket))
    }

    /// Keeps the value that begins at `at` or after white space there.
    #[inline]
    fn value(&mut self, at: usize, segment: Segment, key: Key, place: TrieId) {
        let at = self.skip_space(at);
        if at == segment.until {
            return self.container(segment.next, key, place);
        }
        let value = match self.text[at] {
            b'"' => Value::String(self.string(at, self.index.quote_after(at))),
            b'n' => Value::Null,
            b't' => Value::Bool(true),
            b'f' => Value::Bool(false),
            _ => Value::Number(number(&self.text[at..segment.until])),
        };
        self.out.push(key, value, self.mark(at), place);
    }

    /// How the member is kept whose colon this is, and its place.
    #[inline(always)]
    fn member(&mut self, colon: usize, ending: &Ending, place: TrieId, seen: &mut MembersSeen) -> Option<(Key, TrieId)> {
        let mut end = colon - 1;
        while self.text[end] != b'"' {
            end -= 1;
        }
        if let Some(last) = end.checked_sub(8).and_then(|from| self.text[from..].first_chunk::<8>())
            && !has_backslash(*last)
            && !ending.may_be([last[5], last[6], last[7]])
        {
            return None;
        }
        self.named(end, place, seen)
    }

    /// The same, of the member whose name ends with the quote at `end`.
    #[inline(never)]
    fn named(&mut self, end: usize, place: TrieId, seen: &mut MembersSeen) -> Option<(Key, TrieId)> {
        let place = self.matcher.place(place);
        let start = self.index.quote_before(end);
        let written = &self.text[start + 1..end];
        if !written.contains(&b'\\') {
            let text = Text {
                start: self.mark(start + 1),
                len: written.len() as u32,
                form: TextForm::Verbatim,
            };
            return keep(place.member(written)?, text, written, seen);
        }
        let text = self.string(start, end);
        let name = self.out.bytes(text, self.document);
        let found = if text.form == TextForm::Lone {
            place.unnamed_member()
        } else {
            place.member(name)
        };
        keep(found?, text, name, seen)
    }

    /// The text between two quotes, unescaped if it has to be.
    #[inline]
    fn string(&mut self, start: usize, end: usize) -> Text {
        let written = &self.text[start + 1..end];
        let form = form(written);
        if form != TextForm::Unescaped {
            return Text {
                start: self.mark(start + 1),
                len: written.len() as u32,
                form,
            };
        }
        let bytes = self.out.unescaped_mut();
        let from = bytes.len();
        unescape(written, bytes);
        Text {
            start: from as u32,
            len: (bytes.len() - from) as u32,
            form,
        }
    }

    /// The position in the document of a position in its text.
    #[inline(always)]
    fn mark(&self, at: usize) -> u32 {
        (self.document.len() - self.text.len() + at) as u32
    }

    #[inline(always)]
    fn skip_space(&self, mut at: usize) -> usize {
        while matches!(self.text[at], b' ' | b'\t' | b'\n' | b'\r') {
            at += 1;
        }
        at
    }
}

fn keep(member: Member, text: Text, name: &[u8], seen: &mut MembersSeen) -> Option<(Key, TrieId)> {
    Some(match member {
        Member::Named { name, position, to } => {
            seen.name(position);
            (Key::Name(name), to)
        }
        Member::Other { to } => {
            seen.member(name);
            (Key::Member(text), to)
        }
    })
}

/// A part of a container that has no brackets in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segment {
    /// Where it starts.
    pub(super) from: usize,
    /// Where the next bracket is.
    pub(super) until: usize,
    /// That bracket.
    pub(super) next: usize,
}

/// Whether one of eight bytes is a backslash.
#[inline(always)]
fn has_backslash(bytes: [u8; 8]) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let word = u64::from_le_bytes(bytes) ^ (ONES * b'\\' as u64);
    word.wrapping_sub(ONES) & !word & (ONES << 7) != 0
}

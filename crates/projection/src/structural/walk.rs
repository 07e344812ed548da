//! The walk over an indexed document: along the trie, from bracket to bracket, past everything else.

use tarquet_feature_map::trie::TrieId;

use super::index::Index;
use super::names::{Found, Name, Names};
use super::number::number;
use super::text::{has_backslash, has_lone_surrogate};
use crate::matcher::{Matcher, Member};
use crate::reference::unescape;
use crate::selection::{Key, MembersSeen, Number, Selection, Text, TextForm, Value};

/// One walk over one valid document. It goes no deeper than the trie, and so than the longest path.
pub(super) struct Walk<'a> {
    /// The document's text.
    pub(super) text: &'a [u8],
    /// The document: the text, and perhaps a byte order mark before it.
    pub(super) document: &'a [u8],
    /// The text's index.
    pub(super) index: &'a Index,
    pub(super) matcher: &'a Matcher,
    pub(super) names: &'a Names,
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
            let (index, names) = (self.index, self.names.of(place.0));
            let mut parts = Parts::of(index, bracket);
            while let Some(part) = parts.next(index) {
                let mut colons = part.bits(|word| index.colons(word));
                while let Some(colon) = colons.next(|word| index.colons(word)) {
                    let end = self.name_end(colon);
                    match names.find(self.text, end) {
                        Found::Nothing => {}
                        Found::Name(name) => {
                            seen.name(name.position);
                            self.named_value(colon + 1, part, name);
                        }
                        Found::Unclear => self.any_value(colon + 1, part, end, place, &mut seen),
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
            let mut parts = Parts::of(index, bracket);
            while let Some(part) = parts.next(index) {
                if wanted && part.next == bracket + 1 {
                    self.element(part.from, part, 0, place);
                }
                let mut commas = part.bits(|word| index.commas(word));
                while let Some(comma) = commas.next(|word| index.commas(word)) {
                    len += 1;
                    if wanted {
                        self.element(comma + 1, part, len, place);
                    }
                }
            }
            len += 1;
        }
        self.out.close_array(node, len);
    }

    #[inline(always)]
    fn element(&mut self, at: usize, part: Part, index: u32, place: TrieId) {
        if let Some(to) = self.matcher.place(place).element(index) {
            self.value(at, part, Key::Element(index), to);
        }
    }

    /// Keeps the value of a member with a name that is looked for.
    fn named_value(&mut self, at: usize, part: Part, name: &Name) {
        self.value(at, part, Key::Name(name.id), name.to);
    }

    /// Keeps the value of the member whose name ends with the quote at `end`, if it is wanted.
    #[inline(never)]
    fn any_value(&mut self, at: usize, part: Part, end: usize, place: TrieId, seen: &mut MembersSeen) {
        let place = self.matcher.place(place);
        let text = self.string(self.index.quote_before(end), end);
        let name = self.out.bytes(text, self.document);
        let found = if text.form == TextForm::Lone {
            place.unnamed_member()
        } else {
            place.member(name)
        };
        match found {
            Some(Member::Named { name, position, to }) => {
                seen.name(position);
                self.value(at, part, Key::Name(name), to);
            }
            Some(Member::Other { to }) => {
                seen.member(name);
                self.value(at, part, Key::Member(text), to);
            }
            None => {}
        }
    }

    /// The closing quote of the name before a colon.
    #[inline(always)]
    fn name_end(&self, colon: usize) -> usize {
        let mut end = colon - 1;
        while self.text[end] != b'"' {
            end -= 1;
        }
        end
    }

    /// Whether the container that starts with a bracket has nothing in it.
    fn is_empty(&self, bracket: usize) -> bool {
        let brackets = &self.index.brackets;
        let start = self.skip_space(brackets.position(bracket) + 1);
        start == brackets.position(brackets.partner(bracket))
    }

    /// Keeps the value that begins at `at` or after white space there.
    #[inline(always)]
    fn value(&mut self, at: usize, part: Part, key: Key, place: TrieId) {
        let at = self.skip_space(at);
        if at == part.until {
            return self.container(part.next, key, place);
        }
        // Each branch pushes by itself, so that what it pushes is known when this is compiled.
        let mark = self.mark(at);
        match self.text[at] {
            b'"' => {
                let end = self.index.quote_after(at);
                if has_backslash(self.text, at + 1, end) {
                    let text = self.escaped_string(at, end);
                    self.out.push(key, Value::String(text), mark, place);
                } else {
                    let text = self.verbatim(at, end);
                    self.out.push(key, Value::String(text), mark, place);
                }
            }
            b'-' | b'0'..=b'9' => match number(&self.text[at..part.until]) {
                Number::Int(value) => {
                    self.out.push(key, Value::Number(Number::Int(value)), mark, place);
                }
                Number::Fraction(value) => {
                    self.out.push(key, Value::Number(Number::Fraction(value)), mark, place);
                }
                huge => {
                    self.out.push(key, Value::Number(huge), mark, place);
                }
            },
            b'n' => {
                self.out.push(key, Value::Null, mark, place);
            }
            word => {
                self.out.push(key, Value::Bool(word == b't'), mark, place);
            }
        }
    }

    /// The text between two quotes, unescaped if it has to be.
    fn string(&mut self, start: usize, end: usize) -> Text {
        if has_backslash(self.text, start + 1, end) {
            self.escaped_string(start, end)
        } else {
            self.verbatim(start, end)
        }
    }

    /// The text between two quotes that has no escapes.
    #[inline(always)]
    fn verbatim(&self, start: usize, end: usize) -> Text {
        Text {
            start: self.mark(start + 1),
            len: (end - start - 1) as u32,
            form: TextForm::Verbatim,
        }
    }

    #[cold]
    #[inline(never)]
    fn escaped_string(&mut self, start: usize, end: usize) -> Text {
        let written = &self.text[start + 1..end];
        if has_lone_surrogate(written) {
            return Text {
                start: self.mark(start + 1),
                len: written.len() as u32,
                form: TextForm::Lone,
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

/// Goes over the parts of a container that lie between the brackets of what is in it.
struct Parts {
    from: usize,
    next: usize,
    last: usize,
}

/// A part of a container that has no brackets in it.
#[derive(Debug, Clone, Copy)]
struct Part {
    /// Where it starts.
    from: usize,
    /// Where the next bracket is.
    until: usize,
    /// That bracket.
    next: usize,
}

impl Parts {
    #[inline(always)]
    fn of(index: &Index, bracket: usize) -> Self {
        Self {
            from: index.brackets.position(bracket) + 1,
            next: bracket + 1,
            last: index.brackets.partner(bracket),
        }
    }

    #[inline(always)]
    fn next(&mut self, index: &Index) -> Option<Part> {
        let next = self.next;
        if next > self.last {
            return None;
        }
        let part = Part {
            from: self.from,
            until: index.brackets.position(next),
            next,
        };
        // Behind the last bracket there is nothing; every other one opens, and what it opens is passed over.
        self.next = usize::MAX;
        if next < self.last {
            let closing = index.brackets.partner(next);
            self.from = index.brackets.position(closing) + 1;
            self.next = closing + 1;
        }
        Some(part)
    }
}

/// The positions in a part of what sets have.
struct Positions {
    word: usize,
    bits: u64,
    last: usize,
    /// Which positions of the last word count.
    upto: u64,
}

impl Part {
    #[inline(always)]
    fn bits(&self, words: impl Fn(usize) -> u64) -> Positions {
        let (word, last) = (self.from / 64, self.until / 64);
        let upto = !(!0 << (self.until % 64));
        let bits = words(word) & (!0 << (self.from % 64));
        Positions {
            word,
            bits: if word == last { bits & upto } else { bits },
            last,
            upto,
        }
    }
}

impl Positions {
    #[inline(always)]
    fn next(&mut self, words: impl Fn(usize) -> u64) -> Option<usize> {
        while self.bits == 0 {
            if self.word >= self.last {
                return None;
            }
            self.word += 1;
            self.bits = words(self.word);
            if self.word == self.last {
                self.bits &= self.upto;
            }
        }
        let bit = self.bits.trailing_zeros() as usize;
        self.bits &= self.bits - 1;
        Some(64 * self.word + bit)
    }
}

//! The index of a document: the quotes, separators and brackets of a valid one.

use super::brackets::Brackets;
use super::grammar::Grammar;
use super::lens::{Bits, Lens, ROW, Set, WORDS};
use super::walk::Segment;

/// The index of a document. Its memory is used again for the next one.
#[derive(Debug, Default)]
pub(super) struct Index {
    rows: Vec<Row>,
    pub(super) brackets: Brackets,
}

/// What of a row is kept, as sets of positions.
#[derive(Debug, Clone, Copy)]
struct Row {
    quote: Bits,
    colon: Bits,
    comma: Bits,
}

impl Index {
    /// Makes the index of `document`, unless it is not valid, or is no array and no object.
    #[inline(always)]
    pub(super) fn build<L: Lens>(&mut self, lens: L, document: &[u8]) -> bool {
        self.rows.clear();
        self.brackets.clear();
        self.rows.reserve(document.len().div_ceil(ROW));
        let mut grammar = Grammar::new(lens);
        let mut utf8 = Utf8 { from: None };
        let (rows, rest) = document.as_chunks::<ROW>();
        for (number, row) in rows.iter().enumerate() {
            if !self.row(lens, &mut grammar, &mut utf8, row, document, number * ROW) {
                return false;
            }
        }
        if !rest.is_empty() {
            let mut last = [b' '; ROW];
            last[..rest.len()].copy_from_slice(rest);
            if !self.row(lens, &mut grammar, &mut utf8, &last, document, rows.len() * ROW) {
                return false;
            }
        }
        !grammar.in_string() && self.brackets.make_one() && utf8.end(document) && self.alone(document)
    }

    #[inline(always)]
    fn row<L: Lens>(
        &mut self,
        lens: L,
        grammar: &mut Grammar<L::Set>,
        utf8: &mut Utf8,
        row: &[u8; ROW],
        document: &[u8],
        at: usize,
    ) -> bool {
        let bytes = lens.classify(row);
        let found = grammar.row(lens, &bytes, document, at);
        self.rows.push(Row {
            quote: found.quote.bits(),
            colon: found.colon.bits(),
            comma: found.comma.bits(),
        });
        !found.wrong.any() && self.brackets.add(lens, &found, at) && utf8.row(bytes.non_ascii, document, at)
    }

    /// Whether there is nothing but white space around the document's brackets.
    fn alone(&self, document: &[u8]) -> bool {
        let first = self.brackets.position(0);
        let last = self.brackets.position(self.brackets.len() - 1);
        let space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        document[..first].iter().all(space) && document[last + 1..].iter().all(space)
    }

    /// The parts of the container that starts with a bracket, between the brackets of what is in it.
    #[inline]
    pub(super) fn segments(&self, bracket: usize) -> impl Iterator<Item = Segment> {
        let brackets = &self.brackets;
        let last = brackets.partner(bracket);
        // The bracket before the next part, and whether there is one.
        let mut before = Some(bracket);
        std::iter::from_fn(move || {
            let closed = before?;
            let next = closed + 1;
            before = (next != last).then(|| brackets.partner(next));
            Some(Segment {
                from: brackets.position(closed) + 1,
                until: brackets.position(next),
                next,
            })
        })
    }

    /// The colons of a part of the document.
    #[inline]
    pub(super) fn colons(&self, from: usize, until: usize) -> impl Iterator<Item = usize> {
        positions(from, until, |word| self.rows[word / WORDS].colon[word % WORDS])
    }

    /// The commas of a part of the document.
    #[inline]
    pub(super) fn commas(&self, from: usize, until: usize) -> impl Iterator<Item = usize> {
        positions(from, until, |word| self.rows[word / WORDS].comma[word % WORDS])
    }

    /// The first quote after `at`. There is one.
    #[inline]
    pub(super) fn quote_after(&self, at: usize) -> usize {
        let mut word = (at + 1) / 64;
        let mut quotes = self.quotes(word) & (!0 << ((at + 1) % 64));
        while quotes == 0 {
            word += 1;
            quotes = self.quotes(word);
        }
        64 * word + quotes.trailing_zeros() as usize
    }

    /// The last quote before `at`. There is one.
    #[inline]
    pub(super) fn quote_before(&self, at: usize) -> usize {
        let mut word = at / 64;
        let mut quotes = self.quotes(word) & !(!0 << (at % 64));
        while quotes == 0 {
            word -= 1;
            quotes = self.quotes(word);
        }
        64 * word + 63 - quotes.leading_zeros() as usize
    }

    #[inline]
    fn quotes(&self, word: usize) -> u64 {
        self.rows[word / WORDS].quote[word % WORDS]
    }
}

/// The positions of bits in words, from `from` on up to `until`.
#[inline]
fn positions(from: usize, until: usize, words: impl Fn(usize) -> u64) -> impl Iterator<Item = usize> {
    let mut word = from / 64;
    let last = until / 64;
    let upto = !(!0u64 << (until % 64));
    let cut = move |word: usize, bits: u64| if word == last { bits & upto } else { bits };
    let mut bits = if from < until { cut(word, words(word) & (!0 << (from % 64))) } else { 0 };
    std::iter::from_fn(move || {
        while bits == 0 {
            if word >= last {
                return None;
            }
            word += 1;
            bits = cut(word, words(word));
        }
        let bit = bits.trailing_zeros() as usize;
        bits &= bits - 1;
        Some(64 * word + bit)
    })
}

/// Validates UTF-8 where there is anything but ASCII: run by run of rows that have some.
struct Utf8 {
    /// Where the run began that is open. Before it is ASCII.
    from: Option<usize>,
}

impl Utf8 {
    #[inline(always)]
    fn row(&mut self, non_ascii: bool, document: &[u8], at: usize) -> bool {
        if non_ascii {
            self.from.get_or_insert(at);
            return true;
        }
        match self.from.take() {
            Some(from) => is_utf8(&document[from..at]),
            None => true,
        }
    }

    fn end(&self, document: &[u8]) -> bool {
        self.from.is_none_or(|from| is_utf8(&document[from..]))
    }
}

#[inline(never)]
fn is_utf8(bytes: &[u8]) -> bool {
    simdutf8::basic::from_utf8(bytes).is_ok()
}

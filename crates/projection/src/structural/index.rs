//! The index of a document: the quotes, separators and brackets of a valid one.

use super::brackets::Brackets;
use super::grammar::Grammar;
use super::lens::{Lens, ROW, Set, WORDS};

/// For how many words of a kind room is kept from one document to the next: those of 16 MiB.
const KEPT_WORDS: usize = 1 << 18;

/// The index of a document. Its memory is used again for the next one.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// The quotes that begin and end strings, as sets of positions.
    quotes: Vec<u64>,
    /// The colons outside of strings.
    colons: Vec<u64>,
    /// The commas outside of strings.
    commas: Vec<u64>,
    pub(super) brackets: Brackets,
}

impl Index {
    /// Makes the index of `document`, unless it is not valid, is no array and no object, nests too deep, or has too many
    /// brackets.
    #[inline(always)]
    pub(super) fn build<L: Lens>(&mut self, lens: L, document: &[u8]) -> bool {
        for words in [&mut self.quotes, &mut self.colons, &mut self.commas] {
            words.clear();
            words.reserve_exact(document.len().div_ceil(ROW) * WORDS);
        }
        self.brackets.clear(document.len());
        let mut grammar = Grammar::new();
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

    /// Gives back memory that documents do not usually need, with all that it held.
    pub(super) fn shrink(&mut self) {
        for words in [&mut self.quotes, &mut self.colons, &mut self.commas] {
            words.truncate(KEPT_WORDS);
            words.shrink_to(KEPT_WORDS);
        }
        self.brackets.shrink();
    }

    #[inline(always)]
    fn row<L: Lens>(
        &mut self,
        lens: L,
        grammar: &mut Grammar<L>,
        utf8: &mut Utf8,
        row: &[u8; ROW],
        document: &[u8],
        at: usize,
    ) -> bool {
        let classes = lens.classify(row);
        let found = grammar.row(lens, &classes, document, at);
        self.quotes.extend_from_slice(&found.quote.bits());
        self.colons.extend_from_slice(&found.colon.bits());
        self.commas.extend_from_slice(&found.comma.bits());
        !found.wrong.any() && self.brackets.add(lens, &found, at) && utf8.row(classes.bytes.non_ascii, document, at)
    }

    /// Whether there is nothing but white space around the document's brackets.
    fn alone(&self, document: &[u8]) -> bool {
        let first = self.brackets.position(0);
        let last = self.brackets.position(self.brackets.len() - 1);
        let space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        document[..first].iter().all(space) && document[last + 1..].iter().all(space)
    }

    /// The colons of the bytes from `64 * word` on, outside of strings.
    #[inline(always)]
    pub(super) fn colons(&self, word: usize) -> u64 {
        self.colons[word]
    }

    /// The commas of the bytes from `64 * word` on, outside of strings.
    #[inline(always)]
    pub(super) fn commas(&self, word: usize) -> u64 {
        self.commas[word]
    }

    /// The first quote after `at`. There is one.
    #[inline]
    pub(super) fn quote_after(&self, at: usize) -> usize {
        let mut word = (at + 1) / 64;
        let mut quotes = self.quotes[word] & (!0 << ((at + 1) % 64));
        while quotes == 0 {
            word += 1;
            quotes = self.quotes[word];
        }
        64 * word + quotes.trailing_zeros() as usize
    }

    /// The last quote before `at`. There is one.
    #[inline]
    pub(super) fn quote_before(&self, at: usize) -> usize {
        let mut word = at / 64;
        let mut quotes = self.quotes[word] & !(!0 << (at % 64));
        while quotes == 0 {
            word -= 1;
            quotes = self.quotes[word];
        }
        64 * word + 63 - quotes.leading_zeros() as usize
    }
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

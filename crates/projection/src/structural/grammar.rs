//! The grammar of RFC 8259, checked for 512 bytes at a time.
//!
//! Nothing here looks at bytes one by one, but for escapes and exponents. Everything else is arithmetic on sets of
//! positions, in the manner of simdjson (Langdale and Lemire, "Parsing Gigabytes of JSON per Second", 2019) and of JSONSki
//! (Jiang and Zhao, 2022), taken further: *which token may follow which* is decided for all tokens of a row together. Two
//! ideas carry it:
//!
//! - *After.* Where the next token begins is one bit further on, and white space in between is crossed by an addition: a
//!   bit at the start of a run of ones, added to it, comes out behind the run (see [`Pending::cross`]).
//! - *Context.* Only whether a comma or a colon stands in an object or in an array needs a stack, and only brackets
//!   change it. So for each bracket two bits are worked out of all that stands between it and the bracket before:
//!   whether that can only be in an object, and whether it can only be in an array. What is left to do one by one is to
//!   match brackets (see [`brackets`](super::brackets)).
//!
//! It is asked whether a document is valid, not where it is not: that, the reference tells.

use super::lens::{Bits, Classes, Lens, Set, WORDS};
use super::words::{self, Words};

/// What of earlier rows matters to the next one. Of one document.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grammar<L: Lens> {
    /// Whether the next row's first byte is escaped: 0 or 1.
    escaped: u64,
    /// Whether the next row starts in a string: 0 or 1.
    inside: u64,
    after_separator: Pending<L::Set>,
    after_open: Pending<L::Set>,
    after_text: Pending<L::Set>,
    /// Of commas and opening braces, for the separator or bracket that comes next.
    after_comma: Pending<L::Set>,
    /// Whether there was a colon since the last bracket: 0 or 1.
    colons: u64,
    /// Whether there was something since the last bracket that cannot be in an object: 0 or 1.
    elements: u64,
    numbers: Numbers<L::Set, L::Words>,
}

/// What of the numbers and words in earlier rows matters to the next one.
#[derive(Debug, Clone, Copy)]
struct Numbers<S: Set, W> {
    scalar: S::Carry,
    digit: S::Carry,
    /// A minus sign began a number.
    minus: S::Carry,
    /// A digit has to come.
    wanting: S::Carry,
    /// A zero is at the front of a number.
    leading_zero: S::Carry,
    fraction: Pending<S>,
    words: W,
    exponents: Exponents,
}

/// What of the exponents in earlier rows matters to the next one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Exponents {
    letter: u64,
    sign: u64,
    digits: u64,
}

/// What a row turned out to have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found<S> {
    /// Whatever is wrong.
    pub(super) wrong: S,
    /// The quotes that begin and end strings.
    pub(super) quote: S,
    /// Outside of strings, as all that follows.
    pub(super) comma: S,
    /// `:`
    pub(super) colon: S,
    /// `{` and `[`
    pub(super) open: S,
    /// All brackets.
    pub(super) bracket: S,
    /// Of the brackets, the braces.
    pub(super) brace: S,
    /// Of the brackets, those before which there is, since the bracket before, what only an object can have.
    pub(super) object: S,
    /// The same of what no object can have.
    pub(super) array: S,
}

/// Marks that cross from a row into the next.
#[derive(Debug, Clone, Copy)]
struct Pending<S: Set> {
    moved: S::Carry,
    /// Whether one crosses a run that reaches into the next row: 0 or 1.
    run: u64,
}

impl<S: Set> Pending<S> {
    fn new(marked: bool) -> Self {
        Self {
            moved: S::carry(marked),
            run: 0,
        }
    }

    /// Moves each mark one byte on, and from there over all of `run` to the first byte that is not in it. No mark is in
    /// `run`. What it sets in `run` means nothing.
    #[inline(always)]
    fn cross(&mut self, marks: S, run: S) -> S {
        marks.next(&mut self.moved).add(run, &mut self.run)
    }
}

impl<L: Lens> Grammar<L> {
    /// At the start of a document.
    #[inline(always)]
    pub(super) fn new() -> Self {
        let none = L::Set::carry(false);
        Self {
            escaped: 0,
            inside: 0,
            // A document begins like a value after a separator.
            after_separator: Pending::new(true),
            after_open: Pending::new(false),
            after_text: Pending::new(false),
            after_comma: Pending::new(false),
            colons: 0,
            elements: 0,
            numbers: Numbers {
                scalar: none,
                digit: none,
                minus: none,
                wanting: none,
                leading_zero: none,
                fraction: Pending::new(false),
                words: L::Words::new(),
                exponents: Exponents::default(),
            },
        }
    }

    /// Whether a string reaches beyond the last row.
    pub(super) fn in_string(&self) -> bool {
        self.inside != 0
    }

    /// Takes the next row, which starts at `at` in `document`. A document's last row is filled up with spaces.
    #[inline(always)]
    pub(super) fn row(&mut self, lens: L, row: &Classes<L>, document: &[u8], at: usize) -> Found<L::Set> {
        let bytes = &row.bytes;
        let mut quote = bytes.quote;
        let mut escaped = None;
        if self.escaped != 0 || bytes.backslash.any() {
            let set = lens.set(self.escaped(bytes.backslash.bits()));
            quote = quote & !set;
            escaped = Some(set);
        }
        // From the opening quote on to the last byte before the closing one.
        let inside = quote.parity(&mut self.inside);
        let outside = !inside;
        let closing = quote & outside;
        let open = bytes.open & outside;
        let bracket = (bytes.open | bytes.close) & outside;
        let close = bytes.close & outside;
        let comma = bytes.comma & outside;
        let colon = bytes.colon & outside;
        let space = bytes.space & outside;
        let separator = comma | colon;
        let scalar = !(inside | closing | separator | bracket | space);
        let scalar_start = scalar & !scalar.next(&mut self.numbers.scalar);
        let value = (quote & inside) | scalar_start | open;

        let after_separator = self.after_separator.cross(separator, space) & !space;
        let after_open = self.after_open.cross(open, space) & !space;
        let after_text = self.after_text.cross(closing, space);
        let expected = after_separator | after_open;
        let mut wrong = (bytes.control & inside)
            | (value & !expected)
            | (separator & expected)
            | (close & after_separator)
            | (colon & !after_text);

        // A comma of an object, and an opening brace, have a name behind them, and so a colon before any other of these.
        let plain = !(separator | bracket);
        let named = self.after_comma.cross(comma | (open & bytes.brace), plain) & !plain;
        wrong = wrong | (colon & !named);
        let element = named & !colon & !(close & after_open);
        // An addition to a run of ones of any of its bits comes out behind it.
        let within = !bracket;
        let object = colon.add(within, &mut self.colons) & bracket;
        let array = ((element & within).add(within, &mut self.elements) | element) & bracket;

        wrong = wrong | self.scalars(lens, row, scalar, scalar_start, document, at);
        if let Some(escaped) = escaped
            && !escapes_are_valid((escaped & inside).bits(), document, at)
        {
            wrong = !(wrong & !wrong);
        }
        Found {
            wrong,
            quote,
            comma,
            colon,
            open,
            bracket,
            brace: bytes.brace & bracket,
            object,
            array,
        }
    }

    /// The bytes that a backslash before them escapes (from simdjson, `json_escape_scanner`).
    #[inline(always)]
    fn escaped(&mut self, backslash: Bits) -> Bits {
        const ODD: u64 = 0xaaaa_aaaa_aaaa_aaaa;
        backslash.map(|backslash| {
            let starts = backslash & !self.escaped;
            let maybe_escaped = starts << 1;
            let even_series = (maybe_escaped | ODD).wrapping_sub(starts) ^ ODD;
            let escaped = even_series ^ (backslash | self.escaped);
            self.escaped = (even_series & backslash) >> 63;
            escaped
        })
    }

    /// Checks the numbers and words. Gives what is wrong.
    #[inline(always)]
    fn scalars(
        &mut self,
        lens: L,
        row: &Classes<L>,
        scalar: L::Set,
        start: L::Set,
        document: &[u8],
        at: usize,
    ) -> L::Set {
        let numbers = &mut self.numbers;
        let bytes = &row.bytes;
        let digit = bytes.digit & scalar;
        let minus = bytes.minus & scalar;
        let dot = bytes.dot & scalar;
        let after_digit = digit.next(&mut numbers.digit);
        let front = minus & start;
        let after_front = front.next(&mut numbers.minus);
        let wanting = (front | dot).next(&mut numbers.wanting);
        let leading_zero = (bytes.zero & (start | after_front)).next(&mut numbers.leading_zero);
        let fraction_end = numbers.fraction.cross(dot, digit) & !digit;
        let mut wrong = (dot & (!after_digit | fraction_end)) | (wanting & !digit) | (leading_zero & digit);

        let other = scalar & !(digit | minus | dot);
        let candidates = words::Row { scalar, start, other };
        let found = numbers.words.row(lens, &candidates, &row.letters, document, at);
        wrong = wrong | found.wrong;
        let other = other & !found.words;
        let signs = minus & !start;
        if numbers.exponents != Exponents::default() || (other | signs).any() {
            let row = Row {
                digit: digit.bits(),
                dot: dot.bits(),
                after_digit: after_digit.bits(),
                signs: signs.bits(),
                other: other.bits(),
            };
            if !numbers.exponents.are_valid(&row, document, at) {
                wrong = !(wrong & !wrong);
            }
        }
        wrong
    }
}

/// The bytes of numbers in a row that has more of them than digits, points and signs at the front.
struct Row {
    digit: Bits,
    dot: Bits,
    after_digit: Bits,
    /// Minus signs that do not begin a number.
    signs: Bits,
    /// What is neither a digit nor a minus sign nor a point, nor of a word.
    other: Bits,
}

impl Exponents {
    /// Whether the exponents are, and there is nothing else.
    #[inline(never)]
    fn are_valid(&mut self, row: &Row, document: &[u8], at: usize) -> bool {
        let mut wrong = 0;
        for word in 0..WORDS {
            let (mut letter, mut plus) = (0u64, 0u64);
            let mut rest = row.other[word];
            while rest != 0 {
                let bit = rest & rest.wrapping_neg();
                rest ^= bit;
                match document.get(at + 64 * word + bit.trailing_zeros() as usize) {
                    Some(b'e' | b'E') => letter |= bit,
                    Some(b'+') => plus |= bit,
                    _ => wrong |= bit,
                }
            }
            let digit = row.digit[word];
            let sign = plus | row.signs[word];
            let after_letter = letter << 1 | self.letter;
            let after_sign = sign << 1 | self.sign;
            // As in `Pending::cross`.
            let (moved, over) = ((letter | sign) << 1 | self.digits).overflowing_add(digit);
            let digits_end = moved & !digit;
            self.letter = letter >> 63;
            self.sign = sign >> 63;
            self.digits = u64::from(over) | (letter | sign) >> 63;
            wrong |= (letter & !row.after_digit[word])
                | (after_letter & !(digit | sign))
                | (sign & !after_letter)
                | (after_sign & !digit)
                | (digits_end & (letter | row.dot[word]));
        }
        wrong == 0
    }
}

/// Whether the escapes are valid whose bytes after the backslash are at `escaped`.
#[inline(never)]
fn escapes_are_valid(escaped: Bits, document: &[u8], at: usize) -> bool {
    escaped.into_iter().enumerate().all(|(word, mut bits)| {
        while bits != 0 {
            let position = at + 64 * word + bits.trailing_zeros() as usize;
            bits &= bits - 1;
            let valid = match document.get(position) {
                Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => true,
                Some(b'u') => document
                    .get(position + 1..position + 5)
                    .is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)),
                _ => false,
            };
            if !valid {
                return false;
            }
        }
        true
    })
}

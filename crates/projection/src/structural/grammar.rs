//! The grammar of RFC 8259, checked for 512 bytes at a time.
//!
//! Nothing here looks at bytes one by one, but for escapes, `null`, `true`, `false` and exponents. Everything else is
//! arithmetic on sets of positions, in the manner of simdjson (Langdale and Lemire, "Parsing Gigabytes of JSON per
//! Second", 2019) and of JSONSki (Jiang and Zhao, 2022), taken further: *which token may follow which* is decided for
//! all tokens of a row together. Two ideas carry it:
//!
//! - *After.* Where the next token begins is one bit further on, and white space in between is crossed by an addition: a
//!   bit at the start of a run of ones, added to it, comes out behind the run (see [`Pending::cross`]).
//! - *Context.* Only whether a comma or a colon stands in an object or in an array needs a stack, and only brackets
//!   change it. So for each bracket two bits are worked out of all that stands between it and the bracket before:
//!   whether that can only be in an object, and whether it can only be in an array. What is left to do one by one is to
//!   match brackets (see [`brackets`](super::brackets)).
//!
//! It is asked whether a document is valid, not where it is not: that, the reference tells.

use super::lens::{Bits, Bytes, Lens, Set, WORDS};

/// What of earlier rows matters to the next one. Of one document.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grammar<S: Set> {
    /// Whether the next row's first byte is escaped: 0 or 1.
    escaped: u64,
    /// Whether the next row starts in a string: 0 or 1.
    inside: u64,
    after_separator: Pending<S>,
    after_open: Pending<S>,
    after_text: Pending<S>,
    /// Of commas and opening braces, for the separator or bracket that comes next.
    after_comma: Pending<S>,
    /// Whether there was a colon since the last bracket: 0 or 1.
    colons: u64,
    /// Whether there was something since the last bracket that cannot be in an object: 0 or 1.
    elements: u64,
    numbers: Numbers<S>,
}

/// What of the numbers and words in earlier rows matters to the next one.
#[derive(Debug, Clone, Copy)]
struct Numbers<S: Set> {
    scalar: S::Carry,
    digit: S::Carry,
    /// A minus sign began a number.
    minus: S::Carry,
    /// A digit has to come.
    wanting: S::Carry,
    /// A zero is at the front of a number.
    leading_zero: S::Carry,
    fraction: Pending<S>,
    /// The rest of `null`, `true` or `false`, from bit 0 on.
    word: u64,
    /// Whether the row before had a word.
    words: bool,
    word_ended: S::Carry,
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

impl<S: Set> Grammar<S> {
    /// At the start of a document. A value of `lens` is what makes sets possible.
    #[inline(always)]
    pub(super) fn new<L: Lens<Set = S>>(_lens: L) -> Self {
        let none = S::carry(false);
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
                word: 0,
                words: false,
                word_ended: none,
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
    pub(super) fn row<L: Lens<Set = S>>(&mut self, lens: L, bytes: &Bytes<S>, document: &[u8], at: usize) -> Found<S> {
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

        wrong = wrong | self.scalars(lens, bytes, scalar, scalar_start, document, at);
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
    fn scalars<L: Lens<Set = S>>(
        &mut self,
        lens: L,
        bytes: &Bytes<S>,
        scalar: S,
        start: S,
        document: &[u8],
        at: usize,
    ) -> S {
        let numbers = &mut self.numbers;
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

        let mut other = scalar & !(digit | minus | dot);
        let signs = minus & !start;
        let any = other.any();
        if any | numbers.words {
            numbers.words = any;
            let words = lens.set(numbers.words((other & start).bits(), document, at));
            // The byte after a word is none of a number or a word.
            let after_word = words.next(&mut numbers.word_ended);
            wrong = wrong | (after_word & scalar & !words);
            other = other & !words;
        }
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

impl<S: Set> Numbers<S> {
    /// The bytes of the words `null`, `true` and `false` that begin at `starts`, and of the one that began before.
    #[inline(always)]
    fn words(&mut self, starts: Bits, document: &[u8], at: usize) -> Bits {
        let mut words = [0; WORDS];
        let mut over = std::mem::take(&mut self.word);
        for (number, mut starts) in starts.into_iter().enumerate() {
            let mut word = std::mem::take(&mut over);
            while starts != 0 {
                let offset = starts.trailing_zeros();
                starts &= starts - 1;
                let here = u128::from(word_at(document, at + 64 * number + offset as usize)) << offset;
                word |= here as u64;
                over |= (here >> 64) as u64;
            }
            words[number] = word;
        }
        self.word = over;
        words
    }
}

/// The bits of the word `null`, `true` or `false` that starts at `at`, from bit 0 on; 0 if there is none.
#[inline(always)]
fn word_at(document: &[u8], at: usize) -> u64 {
    const NULL: u64 = u64::from_le_bytes(*b"null\0\0\0\0");
    const TRUE: u64 = u64::from_le_bytes(*b"true\0\0\0\0");
    const FALSE: u64 = u64::from_le_bytes(*b"false\0\0\0");
    let rest = document.get(at..).unwrap_or(&[]);
    let bytes = match rest.first_chunk() {
        Some(chunk) => u64::from_le_bytes(*chunk),
        None => rest.iter().rev().fold(0, |bytes, byte| bytes << 8 | u64::from(*byte)),
    };
    let four = bytes & 0xffff_ffff;
    let five = bytes & 0xff_ffff_ffff;
    (u64::from(four == NULL || four == TRUE) * 0b1111) | (u64::from(five == FALSE) * 0b1_1111)
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

//! The tokens of RFC 8259, and the exact byte at which a document stops being one.

use crate::error::{DocumentError, DocumentErrorKind};
use crate::selection::{Number, TextForm};

/// A document, and how far it is UTF-8.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lexer<'a> {
    bytes: &'a [u8],
    /// The length of the longest prefix that is UTF-8.
    utf8: usize,
}

/// A string, at its closing quote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StringToken {
    /// The position of the closing quote.
    pub(crate) end: usize,
    /// What it takes to read it.
    pub(crate) form: TextForm,
}

/// A number, at the byte after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NumberToken {
    /// The position after its last byte.
    pub(crate) end: usize,
    /// Whether it has neither `.` nor an exponent.
    pub(crate) integer: bool,
}

const LONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// The bytes of `word` that are zero, as their high bits; exact up to and including the first one.
fn zero_bytes(word: u64) -> u64 {
    word.wrapping_sub(LONES) & !word & HIGHS
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        let utf8 = std::str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len);
        Self { bytes, utf8 }
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn peek(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    /// The first position from `at` on that holds no white space.
    pub(crate) fn skip_space(&self, mut at: usize) -> usize {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.bytes.get(at) {
            at += 1;
        }
        at
    }

    /// Reads the rest of a string whose first byte after the quote is at `at`.
    pub(crate) fn string(&self, mut at: usize) -> Result<StringToken, DocumentError> {
        let mut form = TextForm::Verbatim;
        loop {
            at = self.skip_plain(at);
            match self.text_byte(at)? {
                b'"' => return Ok(StringToken { end: at, form }),
                b'\\' => {
                    let (next, lone) = self.escape(at)?;
                    at = next;
                    form = if lone || form == TextForm::Lone {
                        TextForm::Lone
                    } else {
                        TextForm::Unescaped
                    };
                }
                _ => return Err(self.refuse(at, "a string ends with `\"`, and control characters in it are escaped")),
            }
        }
    }

    /// The first position from `at` on that holds a quote, a backslash or a control character, or the text's end.
    fn skip_plain(&self, mut at: usize) -> usize {
        let text = &self.bytes[..self.utf8];
        while let Some(chunk) = text.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
            let word = u64::from_le_bytes(*chunk);
            let controls = word.wrapping_sub(LONES * 0x20) & !word & HIGHS;
            let stops = controls | zero_bytes(word ^ (LONES * 0x22)) | zero_bytes(word ^ (LONES * 0x5c));
            if stops != 0 {
                return at + (stops.trailing_zeros() / 8) as usize;
            }
            at += 8;
        }
        while text
            .get(at)
            .is_some_and(|byte| *byte >= 0x20 && *byte != b'"' && *byte != b'\\')
        {
            at += 1;
        }
        at
    }

    /// The byte at `at` inside a string.
    fn text_byte(&self, at: usize) -> Result<u8, DocumentError> {
        if at < self.utf8 {
            Ok(self.bytes[at])
        } else {
            Err(self.not_utf8())
        }
    }

    /// The byte at `at` inside an escape, where none but ASCII can stand.
    fn escape_byte(&self, at: usize) -> Result<u8, DocumentError> {
        self.peek(at).ok_or_else(|| self.cut())
    }

    /// The error of a string that reaches the end of what is UTF-8.
    fn not_utf8(&self) -> DocumentError {
        let rest = &self.bytes[self.utf8..];
        let Some(broken) = std::str::from_utf8(rest).err().and_then(|error| error.error_len()) else {
            return self.cut();
        };
        // `broken` bytes are a valid beginning, unless it is one byte that begins nothing.
        let beginning = if matches!(rest[0], 0xc2..=0xf4) { broken } else { 0 };
        self.refuse_as(
            DocumentErrorKind::Utf8,
            self.utf8 + beginning,
            "the bytes of a string are not UTF-8",
        )
    }

    /// Checks the escape whose backslash is at `at`. Gives the position after it, and whether it is a lone surrogate.
    fn escape(&self, at: usize) -> Result<(usize, bool), DocumentError> {
        match self.escape_byte(at + 1)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok((at + 2, false)),
            b'u' => match self.code_unit(at + 2)? {
                0xd800..=0xdbff => self.second_half(at + 6),
                0xdc00..=0xdfff => Ok((at + 6, true)),
                _ => Ok((at + 6, false)),
            },
            _ => Err(self.refuse(at + 1, "`\\` is followed by one of `\" \\ / b f n r t u`")),
        }
    }

    /// What follows a high surrogate that ends before `at`.
    fn second_half(&self, at: usize) -> Result<(usize, bool), DocumentError> {
        if self.bytes[at..].starts_with(b"\\u") && matches!(self.code_unit(at + 2)?, 0xdc00..=0xdfff) {
            return Ok((at + 6, false));
        }
        Ok((at, true))
    }

    /// The four hexadecimal digits at `at`.
    fn code_unit(&self, at: usize) -> Result<u32, DocumentError> {
        let mut unit = 0;
        for at in at..at + 4 {
            let byte = self.escape_byte(at)?;
            let digit = (byte as char).to_digit(16);
            unit = unit * 16 + digit.ok_or_else(|| self.refuse(at, "`\\u` is followed by four hexadecimal digits"))?;
        }
        Ok(unit)
    }

    /// Reads the number that starts at `at` with `-` or a digit.
    pub(crate) fn number(&self, at: usize) -> Result<NumberToken, DocumentError> {
        let start = at + usize::from(self.peek(at) == Some(b'-'));
        let whole = if self.peek(start) == Some(b'0') {
            start + 1
        } else {
            self.digits(start)?
        };
        let fraction = if self.peek(whole) == Some(b'.') {
            self.digits(whole + 1)?
        } else {
            whole
        };
        let end = match self.peek(fraction) {
            Some(b'e' | b'E') => {
                let sign = usize::from(matches!(self.peek(fraction + 1), Some(b'+' | b'-')));
                self.digits(fraction + 1 + sign)?
            }
            _ => fraction,
        };
        Ok(NumberToken {
            end,
            integer: end == whole,
        })
    }

    /// The position after the digits at `at`, of which there is at least one.
    fn digits(&self, at: usize) -> Result<usize, DocumentError> {
        let count = self.bytes[at.min(self.len())..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        if count == 0 {
            Err(self.refuse(at, "a number needs a digit here"))
        } else {
            Ok(at + count)
        }
    }

    /// Reads `word`, one of `null`, `true` and `false`, whose first byte is at `at`. Gives the position after it.
    pub(crate) fn word(&self, at: usize, word: &str) -> Result<usize, DocumentError> {
        for (at, wanted) in (at..).zip(word.bytes()) {
            if self.peek(at) != Some(wanted) {
                return Err(self.refuse(at, &format!("expected `{word}`")));
            }
        }
        Ok(at + word.len())
    }

    /// The error of a byte that cannot continue the document, or of the document's end in its place.
    pub(crate) fn refuse(&self, at: usize, rule: &str) -> DocumentError {
        if at >= self.len() {
            return self.cut();
        }
        // A byte is outside of UTF-8 only where the valid prefix ends; what follows is never reached.
        let kind = if at >= self.utf8 {
            DocumentErrorKind::Utf8
        } else {
            DocumentErrorKind::Syntax
        };
        self.refuse_as(kind, at, rule)
    }

    fn refuse_as(&self, kind: DocumentErrorKind, at: usize, rule: &str) -> DocumentError {
        match self.other_encoding() {
            Some(encoding) => refuse_encoding(encoding, at),
            None => DocumentError::at(kind, at, format!("found {}: {rule}", self.show(at))),
        }
    }

    fn cut(&self) -> DocumentError {
        match self.other_encoding() {
            Some(encoding) => refuse_encoding(encoding, self.len()),
            None => DocumentError::at(DocumentErrorKind::Truncated, self.len(), "the document is cut short"),
        }
    }

    /// The name of the encoding that the first bytes tell of, if it is not UTF-8.
    fn other_encoding(&self) -> Option<&'static str> {
        match self.bytes {
            [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] | [0, 0, 0, 1..=0xff, ..] | [1..=0xff, 0, 0, 0, ..] => {
                Some("it is UTF-32")
            }
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, 1..=0xff, ..] | [1..=0xff, 0, ..] => Some("it is UTF-16"),
            _ => None,
        }
    }

    /// The character at `at`, as a message shows it.
    fn show(&self, at: usize) -> String {
        let text = &self.bytes[at..self.utf8.max(at)];
        let character = std::str::from_utf8(text).ok().and_then(|text| text.chars().next());
        match character {
            Some(character) if !character.is_control() => format!("`{character}`"),
            Some(character) => format!("`{}`", character.escape_default()),
            None => format!("byte 0x{:02x}", self.bytes[at]),
        }
    }
}

/// What is said of a document in another encoding, at its first byte that JSON cannot have.
fn refuse_encoding(encoding: &str, at: usize) -> DocumentError {
    let detail = format!("{encoding}; JSON is UTF-8 (RFC 8259): convert it first, with iconv for example");
    DocumentError::at(DocumentErrorKind::Utf8, at, detail)
}

/// What the number `text`, which is one by RFC 8259, is to a machine.
pub(crate) fn read_number(text: &[u8], integer: bool) -> Number {
    if integer {
        return read_integer(text).map_or(Number::HugeInt, Number::Int);
    }
    let value = nearest_f64(text);
    if value.is_finite() {
        Number::Fraction(value)
    } else {
        Number::HugeFraction
    }
}

fn read_integer(text: &[u8]) -> Option<i64> {
    let (negative, digits) = text.strip_prefix(b"-").map_or((false, text), |digits| (true, digits));
    let mut value: i64 = 0;
    for digit in digits {
        let digit = i64::from(digit - b'0');
        value = value
            .checked_mul(10)?
            .checked_add(if negative { -digit } else { digit })?;
    }
    Some(value)
}

/// The `f64` nearest to the number `text`, ties to even; infinite beyond the finite ones.
pub(crate) fn nearest_f64(text: &[u8]) -> f64 {
    std::str::from_utf8(text)
        .ok()
        .and_then(|text| text.parse().ok())
        .expect("the grammar of JSON numbers is within that of Rust's floats")
}

/// Whether the whole of `text` is one JSON number.
pub(crate) fn number_text(text: &[u8]) -> Option<NumberToken> {
    if !matches!(text.first(), Some(b'-' | b'0'..=b'9')) {
        return None;
    }
    Lexer {
        bytes: text,
        utf8: text.len(),
    }
    .number(0)
    .ok()
    .filter(|token| token.end == text.len())
}

/// Appends to `out` what the escaped `text` of a string means. It is valid and has no lone surrogate.
pub(crate) fn unescape(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        out.extend_from_slice(&rest[..at]);
        let (character, len) = escaped_character(&rest[at + 1..]);
        out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        rest = &rest[at + 1 + len..];
    }
    out.extend_from_slice(rest);
}

/// The character of the escape whose bytes after the backslash are at the start of `rest`, and how many they are.
fn escaped_character(rest: &[u8]) -> (char, usize) {
    let simple = match rest[0] {
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return escaped_code_point(rest),
        other => other as char,
    };
    (simple, 1)
}

fn escaped_code_point(rest: &[u8]) -> (char, usize) {
    let unit = |at: usize| rest[at..at + 4].iter().fold(0, |unit, digit| unit * 16 + hex(*digit));
    let first = unit(1);
    match char::from_u32(first) {
        Some(character) => (character, 5),
        None => {
            let code = 0x10000 + ((first - 0xd800) << 10) + (unit(7) - 0xdc00);
            (char::from_u32(code).expect("two surrogates make a character"), 11)
        }
    }
}

fn hex(digit: u8) -> u32 {
    (digit as char)
        .to_digit(16)
        .expect("the digits of an escape have been checked")
}

/// The position after the value that starts at `start` in a valid document.
pub(crate) fn value_end(document: &[u8], start: usize) -> usize {
    let mut depth = 0usize;
    let mut at = start;
    loop {
        match document[at] {
            b'"' => at = string_end(document, at + 1),
            b'{' | b'[' => {
                depth += 1;
                at += 1;
            }
            b'}' | b']' => {
                depth -= 1;
                at += 1;
            }
            b',' | b':' | b' ' | b'\t' | b'\n' | b'\r' => at += 1,
            _ => at += document[at..].iter().take_while(|byte| is_scalar_byte(**byte)).count(),
        }
        if depth == 0 {
            return at;
        }
    }
}

/// Whether the byte can stand in a number or in `null`, `true` and `false`.
fn is_scalar_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')
}

/// The position after the number that starts at `start` in a valid document, and whether it has neither `.` nor an exponent.
pub(crate) fn number_end(document: &[u8], start: usize) -> (usize, bool) {
    let len = document[start..]
        .iter()
        .take_while(|byte| is_scalar_byte(**byte))
        .count();
    let text = &document[start..start + len];
    let is_integer = !text.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E'));
    (start + len, is_integer)
}

/// The position after the closing quote of a valid string whose first byte is at `at`.
pub(crate) fn string_end(document: &[u8], mut at: usize) -> usize {
    loop {
        match document[at] {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

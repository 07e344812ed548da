//! Strings of a valid document.

use crate::selection::TextForm;

/// What it takes to read what is written between two quotes.
#[inline]
pub(super) fn form(written: &[u8]) -> TextForm {
    match written.iter().position(|byte| *byte == b'\\') {
        None => TextForm::Verbatim,
        Some(first) => escaped(&written[first..]),
    }
}

/// The same, from the first backslash on.
#[cold]
fn escaped(mut rest: &[u8]) -> TextForm {
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        rest = &rest[at..];
        let unit = code_unit(rest);
        rest = match unit {
            Some(0xdc00..=0xdfff) => return TextForm::Lone,
            Some(0xd800..=0xdbff) => match code_unit(&rest[6..]) {
                Some(0xdc00..=0xdfff) => &rest[12..],
                _ => return TextForm::Lone,
            },
            Some(_) => &rest[6..],
            None => &rest[2..],
        };
    }
    TextForm::Unescaped
}

/// The code unit of an escape `\uXXXX` at the start of `rest`, if there is one.
fn code_unit(rest: &[u8]) -> Option<u32> {
    let digits = rest.strip_prefix(b"\\u")?.get(..4)?;
    u32::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
}

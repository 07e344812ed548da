//! Texts that come out of archives: of any length, and of any characters.

use std::fmt::Write as _;

use crate::quantity::counted;
use crate::visible::is_visible;

/// The text as it can be shown: cut to `most` characters, and with what a reader would not see, or would see something else
/// for, written out. It still has to be escaped.
pub(super) fn shown(text: &str, most: usize) -> String {
    let mut out = String::with_capacity(text.len().min(most) + 8);
    let mut rest = text.chars();
    for character in rest.by_ref().take(most) {
        match is_visible(character) {
            true => out.push(character),
            // A string takes any text.
            false => write!(out, "\\u{{{:x}}}", u32::from(character)).unwrap_or_default(),
        }
    }
    if !rest.as_str().is_empty() {
        let left = counted(rest.as_str().len() as u64, "byte");
        write!(out, "… ({left} more)").unwrap_or_default();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_not_be_seen_is_written_out() {
        for (text, expected) in [
            ("raw/a.json", "raw/a.json"),
            ("naïve ж 日本", "naïve ж 日本"),
            ("a\0b\x1b[31m\n", "a\\u{0}b\\u{1b}[31m\\u{a}"),
            ("a\u{202e}nosj.exe", "a\\u{202e}nosj.exe"),
            ("", ""),
        ] {
            assert_eq!(shown(text, 40), expected);
        }
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(shown("äöü", 3), "äöü");
        assert_eq!(shown("äöüß", 3), "äöü… (2 bytes more)");
        assert!(shown(&"x".repeat(1 << 20), 100).len() < 140);
    }
}

//! Texts as YAML that reads back as the same text, everywhere.

use std::fmt::Write as _;

/// A key: as it is where that is safe, else quoted.
pub fn key(text: &str) -> String {
    let safe = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
        && !means_something_else(text);
    if safe { text.to_owned() } else { quote(text) }
}

/// Whether a plain word is no text: in YAML 1.2, or in the 1.1 that some readers still speak.
fn means_something_else(word: &str) -> bool {
    matches!(
        word.to_ascii_lowercase().as_str(),
        "null" | "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n"
    )
}

/// A text in quotes: single ones, unless double ones are easier to read or the text has what single ones cannot hold.
pub fn quote(text: &str) -> String {
    if !text.chars().all(is_printable) {
        return escaped(text);
    }
    let readable_in_double = !text.contains(['"', '\\']);
    if text.contains('\'') && readable_in_double {
        format!("\"{text}\"")
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
}

fn escaped(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            _ if is_printable(c) => quoted.push(c),
            _ => write!(quoted, "\\U{:08X}", c as u32).expect("a String takes any text"),
        }
    }
    quoted.push('"');
    quoted
}

/// Whether a character may stand in a quoted text on one line (YAML 1.2.2, sections 5.1 and 5.4), and is visible there.
pub fn is_printable(c: char) -> bool {
    match c {
        ' '..='~' => true,
        '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => false,
        // What is not seen, or turns the direction of what is.
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => false,
        _ => c >= '\u{a0}',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_quoted_where_they_must_be() {
        let cases = [
            ("name", "name"),
            ("x-y.z_1", "x-y.z_1"),
            ("null", "'null'"),
            ("Yes", "'Yes'"),
            ("n", "'n'"),
            ("1", "'1'"),
            ("", "''"),
            ("a b", "'a b'"),
            ("é", "'é'"),
            ("- a", "'- a'"),
        ];
        for (text, expected) in cases {
            assert_eq!(key(text), expected);
        }
    }

    #[test]
    fn quotes_are_those_that_read_best() {
        let cases = [
            ("$.a", "'$.a'"),
            ("$['a']", "\"$['a']\""),
            ("@.a == \"x\"", "'@.a == \"x\"'"),
            ("'\"", "'''\"'"),
            ("it's \\d", "'it''s \\d'"),
            ("a\nb\t\"", "\"a\\nb\\t\\\"\""),
            ("\u{7f}\u{85}\u{2028}", "\"\\U0000007F\\U00000085\\U00002028\""),
        ];
        for (text, expected) in cases {
            assert_eq!(quote(text), expected);
        }
    }
}

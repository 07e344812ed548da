//! From a position in a scalar's value to the position in the YAML text.
//!
//! A path's error knows where in the path it is, and the path may be quoted, escaped or folded over lines. So the text
//! is walked beside the value that the YAML parser made of it (YAML 1.2.2, chapters 7.3 and 8.1).

use std::ops::Range;

use crate::yaml::Style;

/// Finds the characters of `chars` that became the bytes `part` of a scalar's `value`. The scalar stands at `span` and
/// is written in `style`. `None` where text and value cannot be matched.
pub(crate) fn locate(
    chars: &[char],
    span: Range<usize>,
    style: Style,
    value: &str,
    part: Range<usize>,
) -> Option<Range<usize>> {
    let starts = align(&chars[..span.end], span.start, style, value)?;
    let index = |byte: usize| value[..byte].chars().count();
    let (first, last) = (index(part.start), index(part.end));
    let start = starts[first];
    // The end of the last character, not the start of the one after it: between them may be a line's end.
    let end = if last > first {
        starts[last - 1] + width(chars, starts[last - 1], style)
    } else {
        start
    };
    Some(start..end)
}

/// The position of each character of `value`, and of the place after the last.
fn align(chars: &[char], start: usize, style: Style, value: &str) -> Option<Vec<usize>> {
    let mut at = start;
    match style {
        Style::SingleQuoted | Style::DoubleQuoted => at += 1,
        Style::Plain | Style::Block => {}
    }
    let mut starts = Vec::with_capacity(value.len() + 1);
    let mut value = value.chars().peekable();
    while let Some(c) = value.next() {
        let break_length = line_break(chars, at);
        if c.is_ascii_whitespace() && break_length > 0 {
            // One folded line break is a blank; several are as many breaks, less one.
            starts.push(at);
            while value.peek() == Some(&'\n') {
                starts.push(at);
                value.next();
            }
            at += break_length;
            continue;
        }
        if style == Style::DoubleQuoted && chars.get(at) == Some(&'\\') {
            // An escaped line break stands for nothing, and the blanks after it neither.
            at += escaped_break(chars, at);
        }
        if style == Style::DoubleQuoted && chars.get(at) == Some(&'\\') {
            starts.push(at);
            at += width(chars, at, style);
            continue;
        }
        if chars.get(at) != Some(&c) {
            return None;
        }
        starts.push(at);
        at += width(chars, at, style);
    }
    starts.push(at);
    Some(starts)
}

/// How long the run of blanks at `at` is if there is a line's end in it, else 0.
fn line_break(chars: &[char], at: usize) -> usize {
    let blanks = chars[at.min(chars.len())..]
        .iter()
        .take_while(|c| c.is_ascii_whitespace());
    let length = blanks.clone().count();
    if blanks.clone().any(|&c| c == '\n' || c == '\r') {
        length
    } else {
        0
    }
}

/// How long the `\` at `at` is with the line's end and the blanks after it; 0 if no line ends there.
fn escaped_break(chars: &[char], at: usize) -> usize {
    match chars.get(at + 1) {
        Some('\n' | '\r') => 1 + line_break(chars, at + 1),
        _ => 0,
    }
}

/// How many characters of text the one character at `at` takes.
fn width(chars: &[char], at: usize, style: Style) -> usize {
    match (style, chars.get(at)) {
        (Style::SingleQuoted, Some('\'')) => 2,
        (Style::DoubleQuoted, Some('\\')) => match chars.get(at + 1) {
            Some('x') => 4,
            Some('u') => 6,
            Some('U') => 10,
            _ => 2,
        },
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text that became `part` of the scalar's value, where `text` is the whole scalar as it is written.
    fn located(text: &str, style: Style, value: &str, part: &str) -> Option<String> {
        let chars: Vec<char> = text.chars().collect();
        let start = value.find(part).expect("a part of the value");
        let found = locate(&chars, 0..chars.len(), style, value, start..start + part.len())?;
        Some(chars[found].iter().collect())
    }

    #[test]
    fn parts_of_scalars() {
        use Style::*;
        let cases = [
            ("$.a.b", Plain, "$.a.b", ".b", ".b"),
            ("é.ü.x", Plain, "é.ü.x", "ü", "ü"),
            ("$.a\n   .b", Plain, "$.a .b", ".b", ".b"),
            ("$.a\n\n  .b", Plain, "$.a\n.b", ".b", ".b"),
            ("$.a\r\n  .b", Plain, "$.a .b", ".b", ".b"),
            ("'it''s.x'", SingleQuoted, "it's.x", ".x", ".x"),
            ("'it''s.x'", SingleQuoted, "it's.x", "'", "''"),
            ("'a\n  b'", SingleQuoted, "a b", "b", "b"),
            (
                r#""a\"b\\c\u00e9\x41\U0001F600.z""#,
                DoubleQuoted,
                "a\"b\\céA😀.z",
                ".z",
                ".z",
            ),
            (r#""a\"b\u00e9c""#, DoubleQuoted, "a\"béc", "é", "\\u00e9"),
            ("\"a\\\n  b\"", DoubleQuoted, "ab", "b", "b"),
            ("one\n  two\n", Block, "one\ntwo\n", "two", "two"),
            ("one\n  two\n", Block, "one two\n", "two", "two"),
            ("a.b", Plain, "a.b", "", ""),
        ];
        for (text, style, value, part, expected) in cases {
            assert_eq!(located(text, style, value, part).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_does_not_match_is_not_guessed() {
        assert_eq!(located("!!str a.b", Style::Plain, "a.b", "b"), None);
    }
}

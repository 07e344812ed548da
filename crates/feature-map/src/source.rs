//! The text of a map: from a range of its characters to an error that shows the place.

use std::ops::Range;

use crate::error::MapError;

/// A map's text, by lines.
pub(crate) struct Source<'t> {
    file: &'t str,
    chars: Vec<char>,
    /// The position of each line's first character.
    lines: Vec<usize>,
}

impl<'t> Source<'t> {
    /// Reads the lines of `text`, which `file` names in messages.
    pub(crate) fn new(file: &'t str, text: &str) -> Self {
        let chars: Vec<char> = text.chars().collect();
        let mut lines = vec![0];
        for (position, &c) in chars.iter().enumerate() {
            if c == '\n' || (c == '\r' && chars.get(position + 1) != Some(&'\n')) {
                lines.push(position + 1);
            }
        }
        Self { file, chars, lines }
    }

    /// All characters.
    pub(crate) fn chars(&self) -> &[char] {
        &self.chars
    }

    /// The line, from 1, of the character at `position`.
    pub(crate) fn line(&self, position: usize) -> usize {
        self.lines.partition_point(|&start| start <= position)
    }

    /// The characters of a line, from 1, without its end.
    pub(crate) fn line_range(&self, line: usize) -> Range<usize> {
        let start = self.lines[line - 1];
        let length = self.chars[start..]
            .iter()
            .take_while(|&&c| c != '\n' && c != '\r')
            .count();
        start..start + length
    }

    /// The text of a range of characters.
    pub(crate) fn text(&self, range: Range<usize>) -> String {
        self.chars[range].iter().collect()
    }

    /// An error at a range of characters. Blanks at its end do not count.
    pub(crate) fn error(&self, range: Range<usize>, message: impl Into<String>, help: impl Into<String>) -> MapError {
        // A YAML parser may place an error after the last line's end; the line itself is what there is to show.
        let mut start = range.start.min(self.chars.len());
        if start == self.chars.len() && start > 0 && self.line_range(self.line(start)).is_empty() {
            let visible = self.chars.iter().rposition(|c| !c.is_whitespace());
            start = visible.map_or(0, |last| last + 1);
        }
        // It may count wrong, and so point between the two characters of a line's end.
        let line = self.line(start);
        start = start.min(self.line_range(line).end);
        let text = self.text(start..range.end.clamp(start, self.chars.len()));
        MapError {
            file: self.file.to_owned(),
            line,
            column: start - self.lines[line - 1] + 1,
            text: text.trim_end().to_owned(),
            source_line: self.text(self.line_range(line)),
            message: message.into(),
            help: help.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        let source = Source::new("m.yaml", "ab\r\ncdé\n\n  x\n");
        let cases = [
            (0..1, (1, 1, "a", "ab")),
            (3..4, (1, 3, "", "ab")),
            (4..7, (2, 1, "cdé", "cdé")),
            (6..8, (2, 3, "é", "cdé")),
            (8..8, (3, 1, "", "")),
            (11..12, (4, 3, "x", "  x")),
            (13..13, (4, 4, "", "  x")),
            (99..120, (4, 4, "", "  x")),
        ];
        for (range, expected) in cases {
            let error = source.error(range.clone(), "m", "h");
            let place = (
                error.line,
                error.column,
                error.text.as_str(),
                error.source_line.as_str(),
            );
            assert_eq!(place, expected, "{range:?}");
        }
    }

    #[test]
    fn an_empty_text_has_a_place() {
        let error = Source::new("m.yaml", "").error(0..0, "m", "h");
        assert_eq!((error.line, error.column), (1, 1));
    }
}

//! What is wrong with a feature map, and where.

use std::fmt;

/// Everything that is wrong with one feature map: at least one error, in the order of the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct MapErrors(Vec<MapError>);

/// One thing that is wrong with a feature map.
///
/// Its `Display` reads like a compiler's message: the error, its place, the line with the offending text marked, and
/// what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapError {
    /// The map's name, as it was given to [`parse`](crate::parse).
    pub file: String,
    /// The line of the offending text, from 1.
    pub line: usize,
    /// The column of the offending text, from 1, in characters.
    pub column: usize,
    /// The offending text. Empty where something is missing at the end of a line.
    pub text: String,
    /// The whole line in which it stands, without its end.
    pub source_line: String,
    /// What is wrong, and why.
    pub message: String,
    /// What would be right.
    pub help: String,
}

impl MapErrors {
    /// Puts the errors in the order of the text; `None` if there are none.
    pub(crate) fn new(mut errors: Vec<MapError>) -> Option<Self> {
        errors.sort_by_key(|error| (error.line, error.column));
        errors.dedup();
        (!errors.is_empty()).then_some(Self(errors))
    }

    /// The errors, in the order of the text. Never empty.
    pub fn errors(&self) -> &[MapError] {
        &self.0
    }
}

impl fmt::Display for MapErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, error) in self.0.iter().enumerate() {
            if position > 0 {
                writeln!(f)?;
            }
            writeln!(f, "{error}")?;
        }
        let (count, noun) = (self.0.len(), if self.0.len() == 1 { "error" } else { "errors" });
        write!(f, "{count} {noun} in the feature map {}", self.0[0].file)
    }
}

impl fmt::Display for MapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.line.to_string();
        let gutter = " ".repeat(number.len());
        writeln!(f, "error: {}", self.message)?;
        writeln!(f, "{gutter}--> {}:{}:{}", self.file, self.line, self.column)?;
        writeln!(f, "{gutter} |")?;
        writeln!(f, "{number} | {}", self.source_line)?;
        writeln!(f, "{gutter} | {}{}", self.indent(), "^".repeat(self.width()))?;
        write!(f, "{gutter} = help: {}", self.help)
    }
}

impl MapError {
    /// What stands before the carets: blanks, but tabs where the line has tabs, so that the carets stay under their text.
    fn indent(&self) -> String {
        self.source_line
            .chars()
            .take(self.column - 1)
            .map(|c| if c == '\t' { '\t' } else { ' ' })
            .collect()
    }

    /// How many carets: the text's part on this line, at least one.
    fn width(&self) -> usize {
        self.text
            .chars()
            .take_while(|c| !matches!(c, '\n' | '\r'))
            .count()
            .max(1)
    }
}

//! The parser of paths: RFC 9535 JSONPath from `$` or a loop's name.
//!
//! Recursive descent over the grammar of RFC 9535, appendix A. What that grammar has and a feature map has not (`..`,
//! functions, comparisons of two paths) is recognised, so that it can be refused by its name. Filters are in
//! [`filter`](crate::filter).

use std::ops::Range;

use crate::names::Names;
use crate::plan::{Path, Segment, Selector};

/// The largest magnitude of an index: what I-JSON (RFC 7493) holds exactly. RFC 9535, section 2.1.
const MAX_INDEX: i64 = (1 << 53) - 1;

/// How deep filters and parentheses may nest in one path, so that no text can exhaust the stack.
const MAX_DEPTH: usize = 64;

/// What is wrong with a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PathError {
    /// The offending part of the text, in bytes.
    pub(crate) range: Range<usize>,
    /// What is wrong.
    pub(crate) message: String,
    /// What would be right.
    pub(crate) help: String,
}

/// Where a path starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Start {
    /// `$`
    Document,
    /// A name, to be looked up among the loops.
    Loop(String),
}

/// A path that a feature map gives: its start, then the segments.
pub(crate) fn parse_path(text: &str, names: &mut Names) -> Result<(Start, Path), PathError> {
    let mut parser = PathParser::new(text, names);
    let start = parser.start()?;
    let segments = parser.segments()?;
    parser.end()?;
    Ok((
        start,
        Path {
            segments,
            text: text.to_owned(),
        },
    ))
}

/// A parser at a position of a text.
pub(crate) struct PathParser<'t, 'n> {
    pub(crate) text: &'t str,
    /// The position, in bytes.
    pub(crate) at: usize,
    names: &'n mut Names,
    depth: usize,
}

impl<'t, 'n> PathParser<'t, 'n> {
    pub(crate) fn new(text: &'t str, names: &'n mut Names) -> Self {
        Self {
            text,
            at: 0,
            names,
            depth: 0,
        }
    }

    fn start(&mut self) -> Result<Start, PathError> {
        match self.peek() {
            Some('$') => {
                self.at += 1;
                Ok(Start::Document)
            }
            Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                let end = self.run_end(|c| c.is_ascii_alphanumeric() || c == '_');
                let name = self.text[self.at..end].to_owned();
                self.at = end;
                Ok(Start::Loop(name))
            }
            Some('@') => Err(self.error_here(
                "`@` is the element under test, which only a filter has",
                "start at the document (`$`) or at a loop, by its name",
            )),
            Some(_) => Err(self.error_here(
                "a path starts at the document (`$`) or at a loop, by its name",
                "for example `$.data.id`, or `option.id` where a loop is named `option`",
            )),
            None => Err(self.error_here(
                "the path is empty",
                "`$` is the whole document, `$.data.id` a value in it",
            )),
        }
    }

    /// `segments` of the grammar: as many as follow, with the blanks between them.
    pub(crate) fn segments(&mut self) -> Result<Vec<Segment>, PathError> {
        let mut segments = Vec::new();
        loop {
            let before = self.at;
            self.skip_blanks();
            match self.peek() {
                Some('.') => segments.push(self.dot_segment()?),
                Some('[') => segments.push(self.bracket_segment()?),
                _ => {
                    self.at = before;
                    return Ok(segments);
                }
            }
        }
    }

    fn dot_segment(&mut self) -> Result<Segment, PathError> {
        let dot = self.at;
        self.at += 1;
        let selector = match self.peek() {
            Some('*') => {
                self.at += 1;
                Selector::Wildcard
            }
            Some(c) if is_name_first(c) => self.shorthand_name(),
            Some('.') => {
                return Err(self.error(
                    dot..self.at + 1,
                    "`..` (a descendant at any depth) is not supported: such a value has no fixed place",
                    "write the names that lead there, with `*` or `[*]` where any will do",
                ));
            }
            _ => return Err(self.no_name_after_dot()),
        };
        Ok(Segment {
            selectors: vec![selector],
        })
    }

    fn shorthand_name(&mut self) -> Selector {
        let end = self.run_end(is_name_char);
        let name = self.names.intern(&self.text[self.at..end]);
        self.at = end;
        Selector::Name(name)
    }

    fn no_name_after_dot(&self) -> PathError {
        let end = self.run_end(|c| !is_delimiter(c));
        let word = &self.text[self.at..end];
        match self.peek() {
            None => self.error_here(
                "a name is missing after `.`",
                "write the member's name, or leave the `.` out",
            ),
            Some(c) if c.is_ascii_digit() && word.bytes().all(|b| b.is_ascii_digit()) => self.error(
                self.at..end,
                format!("`{word}` after `.` is neither a name nor a position"),
                format!("write `[{word}]` for the element of an array, or `['{word}']` for a member of that name"),
            ),
            Some(c) if !is_delimiter(c) => self.error(
                self.at..end,
                format!("`{word}` cannot stand after `.`: such a name needs brackets and quotes"),
                format!("write `['{word}']`, without the `.`"),
            ),
            Some(c) if is_blank(c) => {
                self.error_here("a blank cannot stand after `.`", "write the name right after it")
            }
            Some('[') => self.error_here("`[` cannot stand after `.`", "leave the `.` out"),
            Some(_) => self.error_here(
                "a name is missing after `.`",
                "write the member's name, for example `.id`",
            ),
        }
    }

    fn bracket_segment(&mut self) -> Result<Segment, PathError> {
        let open = self.at;
        self.at += 1;
        let mut selectors = Vec::new();
        loop {
            self.skip_blanks();
            selectors.push(self.selector()?);
            self.skip_blanks();
            match self.peek() {
                Some(',') => self.at += 1,
                Some(']') => {
                    self.at += 1;
                    return Ok(Segment { selectors });
                }
                Some(_) => return Err(self.error_here("`,` or `]` belongs here", "close the bracket with `]`")),
                None => {
                    return Err(self.error(
                        open..self.text.len(),
                        "the bracket is never closed",
                        "close it with `]`",
                    ));
                }
            }
        }
    }

    fn selector(&mut self) -> Result<Selector, PathError> {
        match self.peek() {
            Some('\'' | '"') => {
                let name = self.quoted()?;
                Ok(Selector::Name(self.names.intern(&name)))
            }
            Some('*') => {
                self.at += 1;
                Ok(Selector::Wildcard)
            }
            Some('?') => {
                self.at += 1;
                self.skip_blanks();
                self.nested(Self::condition).map(Selector::Filter)
            }
            Some(c) if c == '-' || c == ':' || c.is_ascii_digit() => self.index_or_slice(),
            Some(']' | ',') => Err(self.error_here(
                "a selector is missing",
                "write a position (`0`), a quoted name (`'id'`), a slice (`0:3`), `*`, or a filter (`?@.id == 1`)",
            )),
            Some(_) => Err(self.no_selector()),
            None => Err(self.error_here("the bracket is never closed", "close it with `]`")),
        }
    }

    fn no_selector(&self) -> PathError {
        let end = self.run_end(|c| !is_delimiter(c));
        let word = &self.text[self.at..end];
        if word.is_empty() || word.starts_with('@') {
            return self.error_here(
                "no selector starts like this",
                "write a position (`0`), a quoted name (`'id'`), a slice (`0:3`), `*`, or a filter (`?@.id == 1`)",
            );
        }
        self.error(
            self.at..end,
            format!("`{word}` is no selector: a name in brackets needs quotes"),
            format!("write `'{word}'`"),
        )
    }

    fn index_or_slice(&mut self) -> Result<Selector, PathError> {
        let start = self.optional_int()?;
        if !self.after_blanks(':') {
            return start
                .map(Selector::Index)
                .ok_or_else(|| self.error_here("a position is missing", "write a whole number"));
        }
        self.skip_blanks();
        let end = self.optional_int()?;
        let mut step = None;
        if self.after_blanks(':') {
            let before = self.at;
            self.skip_blanks();
            step = self.optional_int()?;
            if step.is_none() {
                self.at = before;
            }
        }
        Ok(Selector::Slice {
            start,
            end,
            step: step.unwrap_or(1),
        })
    }

    /// Steps over blanks and then `c`; stays where it is if `c` is not there.
    fn after_blanks(&mut self, c: char) -> bool {
        let before = self.at;
        self.skip_blanks();
        let found = self.eat(c);
        if !found {
            self.at = before;
        }
        found
    }

    fn optional_int(&mut self) -> Result<Option<i64>, PathError> {
        if !self.peek().is_some_and(|c| c == '-' || c.is_ascii_digit()) {
            return Ok(None);
        }
        let from = self.at;
        self.eat('-');
        self.at = self.run_end(|c| c.is_ascii_digit());
        let written = &self.text[from..self.at];
        let digits = written.trim_start_matches('-');
        let problem = if digits.is_empty() {
            Some("`-` without a number")
        } else if written == "-0" {
            Some("`-0` is not a position")
        } else if digits.len() > 1 && digits.starts_with('0') {
            Some("a position has no leading zeros")
        } else {
            None
        };
        if let Some(problem) = problem {
            return Err(self.error(
                from..self.at,
                problem,
                "write a position like `0`, or `-1` for the last element",
            ));
        }
        match written.parse::<i64>() {
            Ok(number) if number.abs() <= MAX_INDEX => Ok(Some(number)),
            _ => Err(self.error(
                from..self.at,
                "the number is too large for a position",
                "the largest is 9007199254740991 (2^53 - 1)",
            )),
        }
    }

    /// Runs `inner` one level deeper.
    pub(crate) fn nested<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T, PathError>) -> Result<T, PathError> {
        if self.depth == MAX_DEPTH {
            return Err(self.error_here(
                format!("filters and parentheses nest deeper than {MAX_DEPTH} levels"),
                "write a simpler condition",
            ));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    /// Checks that nothing follows.
    pub(crate) fn end(&self) -> Result<(), PathError> {
        let Some(c) = self.peek() else { return Ok(()) };
        if is_blank(c) {
            let rest = &self.text[self.at..];
            let message = if rest.trim_matches(is_blank).is_empty() {
                "the path ends in blanks"
            } else {
                "the path ends before this blank"
            };
            return Err(self.error(self.at..self.text.len(), message, "leave out what stands there"));
        }
        let end = self.run_end(|c| !is_blank(c));
        let rest = &self.text[self.at..end];
        if c == '/' {
            let help = format!("write `{}`", dotted(self.text));
            return Err(self.error(self.at..end, "`/` does not separate names in a path", help));
        }
        Err(self.error(
            self.at..end,
            format!("`{rest}` cannot follow here: a segment starts with `.` or `[`"),
            "a name with other characters than letters, digits and `_` is written in brackets: `['some-name']`",
        ))
    }

    pub(crate) fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    pub(crate) fn starts_with(&self, prefix: &str) -> bool {
        self.text[self.at..].starts_with(prefix)
    }

    pub(crate) fn eat(&mut self, c: char) -> bool {
        let found = self.peek() == Some(c);
        if found {
            self.at += c.len_utf8();
        }
        found
    }

    /// `S` of the grammar.
    pub(crate) fn skip_blanks(&mut self) {
        self.at = self.run_end(is_blank);
    }

    /// Where the run of characters from here that pass `test` ends.
    pub(crate) fn run_end(&self, test: impl Fn(char) -> bool) -> usize {
        self.text[self.at..]
            .find(|c| !test(c))
            .map_or(self.text.len(), |length| self.at + length)
    }

    pub(crate) fn error(&self, range: Range<usize>, message: impl Into<String>, help: impl Into<String>) -> PathError {
        PathError {
            range,
            message: message.into(),
            help: help.into(),
        }
    }

    /// An error at the character that stands here.
    pub(crate) fn error_here(&self, message: impl Into<String>, help: impl Into<String>) -> PathError {
        let width = self.peek().map_or(0, char::len_utf8);
        self.error(self.at..self.at + width, message, help)
    }
}

/// What someone means who writes a path of the document with slashes.
fn dotted(slashes: &str) -> String {
    let words = slashes
        .trim_start_matches('$')
        .split('/')
        .filter(|word| !word.is_empty());
    let segments = words.map(|word| match word {
        "*" => "[*]".to_owned(),
        _ if word.bytes().all(|b| b.is_ascii_digit()) => format!("[{word}]"),
        _ if word.starts_with(is_name_first) && word.chars().all(is_name_char) => format!(".{word}"),
        _ => format!("['{word}']"),
    });
    format!("${}", segments.collect::<String>())
}

/// `B` of the grammar.
pub(crate) fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

/// `name-first` of the grammar.
pub(crate) fn is_name_first(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || !c.is_ascii()
}

/// `name-char` of the grammar.
pub(crate) fn is_name_char(c: char) -> bool {
    c.is_ascii_digit() || is_name_first(c)
}

/// Whether a character surely is not part of a name that someone forgot to quote.
fn is_delimiter(c: char) -> bool {
    is_blank(c)
        || matches!(
            c,
            '.' | '[' | ']' | ',' | '(' | ')' | '\'' | '"' | '=' | '!' | '<' | '>' | '&' | '|'
        )
}

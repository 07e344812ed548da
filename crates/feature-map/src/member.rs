//! Ids that are made from a member's name.

use std::borrow::Cow;
use std::fmt::Write as _;

use regex::Regex;

use crate::plan::{IdSource, Plan};

/// Makes the ids that come from a member's name.
#[derive(Debug, Clone)]
pub struct MemberIds {
    /// One for each id column.
    makers: Vec<Maker>,
}

/// How one id column is made from a member's name.
#[derive(Debug, Clone)]
enum Maker {
    BaseName,
    Pattern(Regex),
    /// Not from the name at all: the id is a value of the document.
    Document,
}

/// A plan holds a pattern that is no regular expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the pattern of id column `{column}` is no regular expression: {reason}")]
pub struct PatternError {
    /// The id column.
    pub column: String,
    /// What is wrong with the pattern.
    pub reason: String,
}

impl MemberIds {
    /// Compiles the patterns of `plan`'s ids.
    ///
    /// # Errors
    ///
    /// When a pattern is no regular expression. Those of a plan from [`parse`](crate::parse) always are.
    pub fn new(plan: &Plan) -> Result<Self, PatternError> {
        let maker = |id: &crate::plan::IdColumn| match &id.source {
            IdSource::BaseName => Ok(Maker::BaseName),
            IdSource::Value(_) => Ok(Maker::Document),
            IdSource::Pattern(pattern) => match Regex::new(pattern) {
                Ok(regex) => Ok(Maker::Pattern(regex)),
                Err(error) => Err(PatternError {
                    column: id.name.clone(),
                    reason: regex_reason(&error),
                }),
            },
        };
        Ok(Self {
            makers: plan.ids.iter().map(maker).collect::<Result<_, _>>()?,
        })
    }

    /// The id in the column at position `column` for the member of this name.
    ///
    /// `None` where the pattern does not match the name, and for a column whose value is in the document.
    pub fn id<'n>(&self, column: usize, member_name: &'n str) -> Option<Cow<'n, str>> {
        match self.makers.get(column)? {
            Maker::BaseName => Some(Cow::Borrowed(base_name(member_name))),
            Maker::Pattern(regex) => regex
                .captures(member_name)?
                .get(1)
                .map(|group| Cow::Borrowed(group.as_str())),
            Maker::Document => None,
        }
    }
}

/// What is wrong with a regular expression, on one line.
pub(crate) fn regex_reason(error: &regex::Error) -> String {
    // The crate draws the pattern with carets over several lines; the reason is the last of them.
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

/// A member's name without its directories and without `.json`, `.ndjson` or `.jsonl` (with or without `.gz` or `.zst`
/// after it). A name that would be empty then is kept whole, and so is any other ending.
pub fn base_name(member_name: &str) -> &str {
    let file = member_name.rsplit('/').next().unwrap_or(member_name);
    let plain = [".gz", ".zst"]
        .iter()
        .find_map(|ending| file.strip_suffix(ending))
        .unwrap_or(file);
    [".json", ".ndjson", ".jsonl"]
        .iter()
        .find_map(|ending| plain.strip_suffix(ending))
        .filter(|stem| !stem.is_empty())
        .unwrap_or(file)
}

/// A member's name as text: as it is where it is UTF-8; otherwise with each byte that is not, and each `%`, written as
/// `%` and two hexadecimal digits.
///
/// Names that are escaped differ where the bytes do. A UTF-8 name is never escaped, not even its `%` (names that are
/// percent-encoded URLs are common), so one that is spelled like an escaped name is the one case of two names alike.
pub fn display_name(name: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(name) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(name.len() + 16);
    for chunk in name.utf8_chunks() {
        text.push_str(&chunk.valid().replace('%', "%25"));
        for byte in chunk.invalid() {
            write!(text, "%{byte:02X}").expect("a String takes any text");
        }
    }
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_names() {
        let cases = [
            ("raw/ab12.json", "ab12"),
            ("ab12.json", "ab12"),
            ("a/b/c.ndjson", "c"),
            ("c.jsonl", "c"),
            ("c.json.gz", "c"),
            ("c.jsonl.zst", "c"),
            ("v1.2.json", "v1.2"),
            ("a.json.json", "a.json"),
            ("a.gz", "a.gz"),
            ("a.tar.gz", "a.tar.gz"),
            ("a.json.gz.zst", "a.json.gz.zst"),
            ("a.gz.json", "a.gz"),
            ("a.JSON", "a.JSON"),
            ("dir.json/a", "a"),
            ("dir/.json", ".json"),
            (".json.gz", ".json.gz"),
            ("", ""),
        ];
        for (name, expected) in cases {
            assert_eq!(base_name(name), expected, "{name}");
        }
    }

    #[test]
    fn names_that_are_not_utf8_can_be_shown() {
        let cases: [(&[u8], &str); 6] = [
            (b"a/b.json", "a/b.json"),
            ("é%41".as_bytes(), "é%41"),
            (b"a\xff", "a%FF"),
            (b"100%\xff", "100%25%FF"),
            (b"\xc3\xa9\xc3(", "é%C3("),
            (b"\xed\xa0\x80", "%ED%A0%80"),
        ];
        for (name, expected) in cases {
            assert_eq!(display_name(name), expected);
        }
        assert!(matches!(display_name(b"plain"), Cow::Borrowed(_)));
    }

    #[test]
    fn ids_come_from_the_name_or_not_at_all() {
        let map = "id: [{column: file, pattern: '(\\d+)-(\\w+)\\.json$|x(y)?'}, base, {column: d, path: $.d}]\nfeatures: {a: $.a}";
        let ids = MemberIds::new(&crate::parse("m", map).expect("a valid map")).expect("valid patterns");
        assert_eq!(ids.id(0, "raw/12-ab.json").as_deref(), Some("12"));
        assert_eq!(ids.id(0, "raw/ab.json"), None);
        assert_eq!(ids.id(0, "x"), None, "the group took no part in the match");
        assert_eq!(ids.id(1, "raw/12-ab.json").as_deref(), Some("12-ab"));
        assert_eq!(ids.id(2, "raw/12-ab.json"), None);
        assert_eq!(ids.id(3, "raw/12-ab.json"), None);
    }

    #[test]
    fn a_broken_pattern_is_an_error() {
        let mut plan = crate::parse("m", "id: x\nfeatures: {a: $.a}").expect("a valid map");
        plan.ids[0].source = IdSource::Pattern("(".to_owned());
        let error = MemberIds::new(&plan).expect_err("no regular expression");
        assert_eq!(
            error.to_string(),
            "the pattern of id column `x` is no regular expression: unclosed group"
        );
    }
}

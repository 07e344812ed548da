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

/// A member's name as text: each part of it between slashes as it is, where that is UTF-8 without control characters.
/// In another part each byte that is not UTF-8, each control character (ASCII's) and each `%` is written as `%` and two
/// hexadecimal digits.
///
/// No two names give the same text, and no two last parts do. So a part that is only spelled as if it had been escaped
/// (`caf%E9`, or that again with its `%` escaped, and so on) has each `%` escaped too. Those of other percent-encoded
/// names (`a%20b`, `caf%C3%A9`) stand as they are: what they decode to would not have been escaped.
pub fn display_name(name: &[u8]) -> Cow<'_, str> {
    match plain_text(name) {
        Some(text) if !text.contains('%') => Cow::Borrowed(text),
        _ => {
            let parts: Vec<Cow<str>> = name.split(|&byte| byte == b'/').map(display_part).collect();
            Cow::Owned(parts.join("/"))
        }
    }
}

/// What needs no escape: UTF-8 without control characters.
fn plain_text(name: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(name).ok()?;
    let has_control = name.iter().any(u8::is_ascii_control);
    (!has_control).then_some(text)
}

/// One part of a name, which has no slash in it.
fn display_part(part: &[u8]) -> Cow<'_, str> {
    match plain_text(part) {
        Some(text) if is_spelled_as_escaped(text) => Cow::Owned(escape_percents(text)),
        Some(text) => Cow::Borrowed(text),
        None => Cow::Owned(escape(part)),
    }
}

/// A part of a name with all that is no plain text, and each `%`, escaped.
fn escape(part: &[u8]) -> String {
    let mut text = String::with_capacity(part.len() + 16);
    for chunk in part.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '%' => text.push_str("%25"),
                control if control.is_ascii_control() => push_escaped(&mut text, control as u8),
                other => text.push(other),
            }
        }
        chunk.invalid().iter().for_each(|&byte| push_escaped(&mut text, byte));
    }
    text
}

fn push_escaped(text: &mut String, byte: u8) {
    write!(text, "%{byte:02X}").expect("a String takes any text");
}

fn escape_percents(text: &str) -> String {
    text.replace('%', "%25")
}

/// Whether this is what [`display_part`] gives for another part than this one.
fn is_spelled_as_escaped(text: &str) -> bool {
    let mut text = Cow::Borrowed(text);
    while text.contains('%') {
        let Some(part) = unescape(&text) else { return false };
        match plain_text(&part) {
            None => return escape(&part) == *text,
            // Its escape is of a part that is itself spelled so, or it is nobody's.
            Some(before) if escape_percents(before) == *text => text = Cow::Owned(before.to_owned()),
            Some(_) => return false,
        }
    }
    false
}

/// The bytes that `text` is the escape of; `None` where a `%` is followed by anything but two digits as we write them.
fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => hexadecimal(rest.next()?)? * 16 + hexadecimal(rest.next()?)?,
            other => other,
        });
    }
    Some(bytes)
}

fn hexadecimal(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
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
    fn any_name_can_be_shown() {
        let cases: [(&[u8], &str); 17] = [
            (b"a/b.json", "a/b.json"),
            ("é%41".as_bytes(), "é%41"),
            (b"a\xff", "a%FF"),
            (b"100%\xff", "100%25%FF"),
            (b"\xc3\xa9\xc3(", "é%C3("),
            (b"\xed\xa0\x80", "%ED%A0%80"),
            (b"a\nb\0c\x7f", "a%0Ab%00c%7F"),
            (b"100%/\xff%", "100%/%FF%25"),
            // Percent-encoded by others, and not as we do it.
            (b"a%20b%2Fc", "a%20b%2Fc"),
            (b"caf%C3%A9", "caf%C3%A9"),
            (b"caf%e9", "caf%e9"),
            (b"100%25", "100%25"),
            (b"%25%0", "%25%0"),
            // As we do it.
            (b"caf%E9", "caf%25E9"),
            (b"caf%25E9", "caf%2525E9"),
            (b"x%0Ay/caf%E9", "x%250Ay/caf%25E9"),
            (b"caf%E9%41", "caf%E9%41"),
        ];
        for (name, expected) in cases {
            assert_eq!(display_name(name), expected);
        }
        assert!(matches!(display_name(b"plain"), Cow::Borrowed(_)));
    }

    /// Every name of up to six bytes of which some are escaped, and some are what escapes are spelled with.
    #[test]
    fn no_two_names_are_shown_alike() {
        const BYTES: &[u8] = b"%25F\xff\n";
        let mut names = vec![Vec::new()];
        let mut shown = std::collections::HashMap::new();
        for _ in 0..7 {
            let longer = |name: &Vec<u8>| {
                BYTES
                    .iter()
                    .map(|&byte| [name, &[byte][..]].concat())
                    .collect::<Vec<_>>()
            };
            for name in &names {
                if let Some(other) = shown.insert(display_name(name).into_owned(), name.clone()) {
                    panic!("{name:?} is shown as {other:?} is");
                }
            }
            names = names.iter().flat_map(longer).collect();
        }
        assert_eq!(shown.len(), (0..7).map(|length| 6_usize.pow(length)).sum::<usize>());
        for (name, spelled) in [("%FF", "%25FF"), ("%25FF", "%2525FF")] {
            assert_eq!(display_name(name.as_bytes()), spelled);
        }
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

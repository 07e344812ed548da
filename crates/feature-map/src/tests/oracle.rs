//! Our parser of paths, held against an independent one: what one accepts, the other does, with the same structure,
//! but for what we refuse by its name.

use jsonpath_rust::parser::model as theirs;
use proptest::collection::vec;
use proptest::prelude::*;

use super::generate;
use super::laws::clear;
use crate::names::Names;
use crate::path::{PathError, Start, parse_path};
use crate::path_text::path_text;
use crate::plan::*;

const NAMES: [&str; 12] = ["a", "b", "ab", "_", "é", "a b", "it's", "\"", "\\", "\n", "0", ""];

/// What edits put in: the characters of the grammar, and a few that are in none of its tokens.
const EDITS: &str = "$@.[]()'\"\\*?:,!&|=<>-+019eE ab_é/#{u";

/// Their structure as ours.
struct Translation {
    names: Names,
}

/// They accept what a feature map has no use for.
struct Unsupported;

impl Translation {
    fn path(&mut self, segments: &[theirs::Segment]) -> Result<Path, Unsupported> {
        let segments = segments
            .iter()
            .map(|segment| self.segment(segment))
            .collect::<Result<_, _>>()?;
        Ok(Path {
            segments,
            text: String::new(),
        })
    }

    fn segment(&mut self, segment: &theirs::Segment) -> Result<Segment, Unsupported> {
        let selectors = match segment {
            theirs::Segment::Descendant(_) => return Err(Unsupported),
            theirs::Segment::Selector(selector) => std::slice::from_ref(selector),
            theirs::Segment::Selectors(selectors) => selectors,
        };
        let selectors = selectors
            .iter()
            .map(|selector| self.selector(selector))
            .collect::<Result<_, _>>()?;
        Ok(Segment { selectors })
    }

    fn selector(&mut self, selector: &theirs::Selector) -> Result<Selector, Unsupported> {
        Ok(match selector {
            theirs::Selector::Name(name) => Selector::Name(self.names.intern(name)),
            theirs::Selector::Wildcard => Selector::Wildcard,
            theirs::Selector::Index(index) => Selector::Index(*index),
            theirs::Selector::Slice(start, end, step) => Selector::Slice {
                start: *start,
                end: *end,
                step: step.unwrap_or(1),
            },
            theirs::Selector::Filter(filter) => Selector::Filter(self.filter(filter)?),
        })
    }

    fn filter(&mut self, filter: &theirs::Filter) -> Result<Filter, Unsupported> {
        let mut all = |parts: &[theirs::Filter]| {
            parts
                .iter()
                .map(|part| self.filter(part))
                .collect::<Result<Vec<_>, _>>()
        };
        let (inner, not) = match filter {
            theirs::Filter::Or(parts) => return all(parts).map(Filter::Or),
            theirs::Filter::And(parts) => return all(parts).map(Filter::And),
            theirs::Filter::Atom(theirs::FilterAtom::Comparison(comparison)) => return self.comparison(comparison),
            theirs::Filter::Atom(theirs::FilterAtom::Filter { expr, not }) => (self.filter(expr)?, *not),
            theirs::Filter::Atom(theirs::FilterAtom::Test { expr, not }) => (self.test(expr)?, *not),
        };
        Ok(if not { Filter::Not(Box::new(inner)) } else { inner })
    }

    fn test(&mut self, test: &theirs::Test) -> Result<Filter, Unsupported> {
        let (root, segments) = match test {
            theirs::Test::RelQuery(segments) => (FilterRoot::Current, segments),
            theirs::Test::AbsQuery(query) => (FilterRoot::Document, &query.segments),
            theirs::Test::Function(_) => return Err(Unsupported),
        };
        Ok(Filter::Exists(FilterPath {
            root,
            path: self.path(segments)?,
        }))
    }

    fn comparison(&mut self, comparison: &theirs::Comparison) -> Result<Filter, Unsupported> {
        use theirs::Comparison as C;
        let (op, mirrored) = match comparison {
            C::Eq(..) => (CompareOp::Equal, CompareOp::Equal),
            C::Ne(..) => (CompareOp::NotEqual, CompareOp::NotEqual),
            C::Lt(..) => (CompareOp::Less, CompareOp::Greater),
            C::Lte(..) => (CompareOp::LessOrEqual, CompareOp::GreaterOrEqual),
            C::Gt(..) => (CompareOp::Greater, CompareOp::Less),
            C::Gte(..) => (CompareOp::GreaterOrEqual, CompareOp::LessOrEqual),
        };
        use theirs::Comparable::{Literal as L, SingularQuery as Q};
        let (query, literal, op) = match comparison.vals() {
            (Q(query), L(literal)) => (query, literal, op),
            (L(literal), Q(query)) => (query, literal, mirrored),
            _ => return Err(Unsupported),
        };
        Ok(Filter::Compare {
            path: self.query(query),
            op,
            literal: translated(literal),
        })
    }

    fn query(&mut self, query: &theirs::SingularQuery) -> FilterPath {
        let (root, segments) = match query {
            theirs::SingularQuery::Current(segments) => (FilterRoot::Current, segments),
            theirs::SingularQuery::Root(segments) => (FilterRoot::Document, segments),
        };
        let selector = |segment: &theirs::SingularQuerySegment| match segment {
            theirs::SingularQuerySegment::Index(index) => Selector::Index(*index),
            theirs::SingularQuerySegment::Name(name) => Selector::Name(self.names.intern(name)),
        };
        let segments = segments
            .iter()
            .map(selector)
            .map(|selector| Segment {
                selectors: vec![selector],
            })
            .collect();
        FilterPath {
            root,
            path: Path {
                segments,
                text: String::new(),
            },
        }
    }
}

fn translated(literal: &theirs::Literal) -> Literal {
    match literal {
        theirs::Literal::Int(number) => Literal::Number(number_key(&number.to_string())),
        theirs::Literal::Float(number) => Literal::Number(number_key(&number.to_string())),
        theirs::Literal::String(text) => Literal::String(text.clone()),
        theirs::Literal::Bool(value) => Literal::Bool(*value),
        theirs::Literal::Null => Literal::Null,
    }
}

/// Their numbers are machine numbers; ours keep their text. Both as the nearest `f64`.
fn number_key(text: &str) -> String {
    let number = text.parse::<f64>().expect("a number");
    format!("{:?}", if number == 0.0 { 0.0 } else { number })
}

fn number_keys(path: &mut Path) {
    for selector in path.segments.iter_mut().flat_map(|segment| &mut segment.selectors) {
        if let Selector::Filter(filter) = selector {
            number_keys_of(filter);
        }
    }
}

fn number_keys_of(filter: &mut Filter) {
    match filter {
        Filter::And(parts) | Filter::Or(parts) => parts.iter_mut().for_each(number_keys_of),
        Filter::Not(inner) => number_keys_of(inner),
        Filter::Exists(path) => number_keys(&mut path.path),
        Filter::Compare {
            literal: Literal::Number(number),
            ..
        } => *number = number_key(number),
        Filter::Compare { .. } => {}
    }
}

/// Where the other parser is known to differ from RFC 9535: it skips blanks inside of names and numbers.
fn has_blank_in_word(text: &str) -> bool {
    let words: Vec<char> = text.chars().collect();
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '+' | '.');
    (1..words.len()).any(|at| {
        let after = words[at..].iter().find(|c| **c != ' ');
        words[at] == ' '
            && words[..at]
                .iter()
                .rev()
                .find(|c| **c != ' ')
                .is_some_and(|c| is_word(*c))
            && after.is_some_and(|c| is_word(*c))
    })
}

/// Where the other parser is known to refuse what RFC 9535 has: literals beyond its machine integers.
fn has_huge_integer(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_digit())
        .any(|digits| digits.len() > 15)
}

/// Whether an error refuses something that RFC 9535 has.
fn is_named_refusal(error: &PathError) -> bool {
    error.message.contains("not supported") || error.message == "a comparison of two literals is always the same"
}

fn compare(text: &str) -> Result<(), TestCaseError> {
    let mut translation = Translation {
        names: Names::default(),
    };
    let ours = parse_path(text, &mut translation.names);
    let theirs = jsonpath_rust::parser::parse_json_path(text);
    match (ours, theirs) {
        (Err(_), Err(_)) => {}
        // RFC 9535 has no blanks around a whole path (section 2.1.1); they skip them.
        (Err(error), Ok(_)) if error.message == "the path ends in blanks" => {}
        (Err(error), Ok(query)) => {
            prop_assert!(
                is_named_refusal(&error),
                "{text}: we refuse with {error:?}, they read {query:?}"
            );
        }
        (Ok(_), Err(error)) => {
            prop_assert!(has_huge_integer(text), "{text}: we accept, they say {error}");
        }
        (Ok((start, mut ours)), Ok(query)) => {
            prop_assert_eq!(start, Start::Document);
            clear(&mut ours);
            number_keys(&mut ours);
            let Ok(theirs) = translation.path(&query.segments) else {
                return Err(TestCaseError::fail(format!("{text}: we accept {ours:?}")));
            };
            prop_assert_eq!(ours, theirs, "{}", text);
        }
    }
    Ok(())
}

fn edited(mut text: Vec<char>, edits: &[(usize, usize, u8)]) -> String {
    let alphabet: Vec<char> = EDITS.chars().collect();
    for &(place, character, kind) in edits {
        let at = 1 + place % text.len();
        let c = alphabet[character % alphabet.len()];
        match kind % 3 {
            0 => text.insert(at, c),
            1 if at < text.len() => text[at] = c,
            _ if at < text.len() => {
                text.remove(at);
            }
            _ => text.push(c),
        }
    }
    text.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_parsers_agree(path in generate::path(2), edits in vec((any::<usize>(), any::<usize>(), any::<u8>()), 0..4)) {
        let text = path_text("$", &path, &NAMES.map(str::to_owned));
        let text = edited(text.chars().collect(), &edits);
        if !has_blank_in_word(&text) {
            compare(&text)?;
        }
    }

    #[test]
    fn both_parsers_agree_on_soup(tokens in vec(proptest::sample::select(vec![
        "$", "@", ".", "..", "[", "]", "?", "*", ":", ",", "(", ")", "!", "==", "<=", "&&", "||", "'a'", "\"b\\u00e9\"", "a", "é", "0", "-1", "1.5e3", "true", "null", " ", "\n", "length(@)",
        "[?@.a]", "['a']", "[0]", "[1:2]", ".a", "@.b", "$.c", "9007199254740991", "9007199254740992", "-0", "01",
    ]), 0..9)) {
        let text = format!("${}", tokens.concat());
        if !has_blank_in_word(&text.replace('\n', " ")) {
            compare(&text)?;
        }
    }
}

//! YAML text → a tree that knows where each of its nodes stands.
//!
//! Built from the parser's events, because they keep what a feature map's errors need and a ready-made tree loses: the
//! place and the style of each scalar, and every one of several repeated keys.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};

use crate::error::MapError;
use crate::source::Source;
use crate::yaml_syntax;

/// How deep a map's YAML may nest; a feature map needs six levels.
const MAX_DEPTH: usize = 64;

/// How many nodes aliases may add, so that aliases of aliases cannot exhaust the memory.
const MAX_ALIASED_NODES: usize = 100_000;

/// The message where they add more.
const ALIASES_TOO_LARGE: &str = "aliases stand for more than 100000 nodes together";

/// One node.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    /// Where it stands, in characters of the text. Empty, and at its beginning, for a collection in block style.
    pub(crate) span: Range<usize>,
    /// What it is.
    pub(crate) kind: Kind,
}

/// What a node is.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    /// A scalar: its value as text, and how it is written.
    Scalar(String, Style),
    /// A sequence.
    Sequence(Vec<Node>),
    /// A mapping: keys and values, in the order of the text.
    Mapping(Vec<(Node, Node)>),
}

/// How a scalar is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// As it is: alone these may be something else than a string.
    Plain,
    /// In `'`.
    SingleQuoted,
    /// In `"`.
    DoubleQuoted,
    /// After `|` or `>`.
    Block,
}

/// What a scalar means (YAML 1.2.2, section 10.3: the core schema).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    Null,
    Bool(bool),
    Number,
    String,
}

impl Node {
    /// What kind of node this is, for messages.
    pub(crate) fn kind_name(&self) -> &'static str {
        match &self.kind {
            Kind::Sequence(_) => "a list",
            Kind::Mapping(_) => "a mapping",
            Kind::Scalar(text, style) => match meaning(text, *style) {
                Meaning::Null => "nothing (null)",
                Meaning::Bool(_) => "true or false",
                Meaning::Number => "a number",
                Meaning::String => "a text",
            },
        }
    }

    /// Whether nothing is written here, or `null`.
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.kind, Kind::Scalar(text, style) if meaning(text, *style) == Meaning::Null)
    }

    fn count(&self) -> usize {
        1 + match &self.kind {
            Kind::Scalar(..) => 0,
            Kind::Sequence(items) => items.iter().map(Self::count).sum(),
            Kind::Mapping(entries) => entries.iter().map(|(key, value)| key.count() + value.count()).sum(),
        }
    }
}

/// What a scalar means. Quoted ones and blocks are strings.
pub(crate) fn meaning(text: &str, style: Style) -> Meaning {
    if style != Style::Plain {
        return Meaning::String;
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Meaning::Null,
        "true" | "True" | "TRUE" => Meaning::Bool(true),
        "false" | "False" | "FALSE" => Meaning::Bool(false),
        _ if is_number(text) => Meaning::Number,
        _ => Meaning::String,
    }
}

fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let based = |prefix: &str, radix: u32| {
        let digits = text.strip_prefix(prefix).unwrap_or_default();
        !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix))
    };
    let decimal = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && unsigned.contains(|c: char| c.is_ascii_digit())
        && unsigned.parse::<f64>().is_ok();
    decimal
        || based("0x", 16)
        || based("0o", 8)
        || matches!(unsigned, ".inf" | ".Inf" | ".INF")
        || matches!(text, ".nan" | ".NaN" | ".NAN")
}

/// Reads the one document of a map. What is wrong goes to `errors`; there is no tree if the text is no YAML.
pub(crate) fn read(source: &Source<'_>, text: &str, errors: &mut Vec<MapError>) -> Option<Node> {
    let mut builder = Builder::new(source, errors);
    for event in Parser::new_from_str(text) {
        match event {
            Ok((event, span)) => builder.event(event, &span)?,
            Err(error) => {
                let error = yaml_syntax::explain(source, builder.last_scalar, &error);
                errors.push(error);
                return None;
            }
        }
    }
    let root = builder.root;
    if root.is_none() {
        errors.push(source.error(
            0..0,
            "the feature map is empty",
            "write at least `version: 1`, `id: NAME` and `features:` with one feature",
        ));
    }
    root
}

/// A collection that is not closed yet.
struct Open {
    span: Range<usize>,
    anchor: usize,
    /// The key that waits for its value.
    key: Option<Node>,
    kind: Kind,
}

/// Builds the tree from events.
struct Builder<'s, 't, 'e> {
    source: &'s Source<'t>,
    errors: &'e mut Vec<MapError>,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    aliased_nodes: usize,
    root: Option<Node>,
    last_scalar: Option<Range<usize>>,
}

impl<'s, 't, 'e> Builder<'s, 't, 'e> {
    fn new(source: &'s Source<'t>, errors: &'e mut Vec<MapError>) -> Self {
        Self {
            source,
            errors,
            open: Vec::new(),
            anchors: HashMap::new(),
            aliased_nodes: 0,
            root: None,
            last_scalar: None,
        }
    }

    /// Adds an event to the tree; `None` where there is no going on.
    fn event(&mut self, event: Event<'_>, span: &Span) -> Option<()> {
        let range = span.start.index()..span.end.index();
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Some(()),
            Event::DocumentStart(_) if self.root.is_some() => self.stop(
                range,
                "a feature map is one YAML document, and here a second one begins",
                "leave out this `---` and what follows, or put it into a file of its own",
            ),
            Event::DocumentStart(_) => Some(()),
            Event::Alias(anchor) => self.alias(anchor, range),
            Event::Scalar(text, style, anchor, tag) => {
                self.last_scalar = Some(range.clone());
                self.refuse_tag(tag, &range);
                let kind = Kind::Scalar(text.into_owned(), style.into());
                self.close(Node { span: range, kind }, anchor);
                Some(())
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_tag(tag, &range);
                self.begin(Kind::Sequence(Vec::new()), anchor, range)
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_tag(tag, &range);
                self.begin(Kind::Mapping(Vec::new()), anchor, range)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Open {
                    mut span, anchor, kind, ..
                } = self.open.pop()?;
                // In flow style the beginning and the end are brackets; in block style neither is written.
                if !span.is_empty() {
                    span.end = range.end;
                }
                self.close(Node { span, kind }, anchor);
                Some(())
            }
        }
    }

    fn begin(&mut self, kind: Kind, anchor: usize, span: Range<usize>) -> Option<()> {
        if self.open.len() == MAX_DEPTH {
            return self.stop(
                span,
                "the YAML nests too deeply for a feature map",
                "close brackets that are open",
            );
        }
        self.open.push(Open {
            span,
            anchor,
            key: None,
            kind,
        });
        Some(())
    }

    /// Puts a finished node where it belongs.
    fn close(&mut self, node: Node, anchor: usize) {
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return;
        };
        match (&mut open.kind, open.key.take()) {
            (Kind::Mapping(_), None) => {
                open.key = Some(node);
                self.check_key();
            }
            (Kind::Mapping(entries), Some(key)) => entries.push((key, node)),
            (Kind::Sequence(items), _) => items.push(node),
            (Kind::Scalar(..), _) => unreachable!("only collections are opened"),
        }
    }

    /// Checks the key that was just read: it is a text, and new in its mapping.
    fn check_key(&mut self) {
        let Some(Open {
            key: Some(key),
            kind: Kind::Mapping(entries),
            ..
        }) = self.open.last()
        else {
            return;
        };
        let error = match &key.kind {
            Kind::Scalar(text, style) if meaning(text, *style) != Meaning::Null => {
                let first = entries
                    .iter()
                    .find(|(other, _)| matches!(&other.kind, Kind::Scalar(other, _) if other == text));
                first.map(|(first, _)| {
                    self.source.error(
                        key.span.clone(),
                        format!("the key `{text}` is repeated in this mapping"),
                        format!(
                            "it is already on line {}: keep one of them",
                            self.source.line(first.span.start)
                        ),
                    )
                })
            }
            _ => Some(self.source.error(
                key.span.clone(),
                format!("a key must be a text, and this one is {}", key.kind_name()),
                "write a name before the `:`, in quotes if need be",
            )),
        };
        self.errors.extend(error);
    }

    fn alias(&mut self, anchor: usize, span: Range<usize>) -> Option<()> {
        let Some(node) = self.anchors.get(&anchor) else {
            return self.stop(
                span,
                "this alias is inside the node that it stands for",
                "write the node out",
            );
        };
        self.aliased_nodes += node.count();
        if self.aliased_nodes > MAX_ALIASED_NODES {
            return self.stop(span, ALIASES_TOO_LARGE, "use fewer aliases of aliases");
        }
        let node = node.clone();
        self.close(node, 0);
        Some(())
    }

    fn refuse_tag(&mut self, tag: Option<Cow<'_, Tag>>, span: &Range<usize>) {
        if tag.is_some() {
            self.errors.push(self.source.error(
                span.clone(),
                "YAML tags (`!…`) have no meaning in a feature map",
                "leave the tag out; a text that looks like something else goes in quotes",
            ));
        }
    }

    /// Notes an error after which there is no going on.
    fn stop(&mut self, place: Range<usize>, message: &str, help: &str) -> Option<()> {
        self.errors.push(self.source.error(place, message, help));
        None
    }
}

impl From<ScalarStyle> for Style {
    fn from(style: ScalarStyle) -> Self {
        match style {
            ScalarStyle::Plain => Self::Plain,
            ScalarStyle::SingleQuoted => Self::SingleQuoted,
            ScalarStyle::DoubleQuoted => Self::DoubleQuoted,
            ScalarStyle::Literal | ScalarStyle::Folded => Self::Block,
        }
    }
}

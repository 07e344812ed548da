//! What reading any part of a map needs: keys that are known, values of the right kind, and a place to put errors.

use std::ops::Range;

use crate::error::MapError;
use crate::filter::parse_filter;
use crate::locate::locate;
use crate::names::Names;
use crate::path::{PathError, Start, parse_path};
use crate::plan::{Filter, Path};
use crate::source::Source;
use crate::suggest::did_you_mean;
use crate::yaml::{Kind, Meaning, Node, Style, meaning};

/// Reads the parts of one map. An error is noted and reading goes on, so that one run shows many errors.
pub(crate) struct Reader<'t> {
    pub(crate) source: Source<'t>,
    pub(crate) names: Names,
    pub(crate) errors: Vec<MapError>,
}

/// A key and its value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry<'n> {
    pub(crate) key: &'n str,
    pub(crate) key_node: &'n Node,
    pub(crate) value: &'n Node,
}

/// A mapping with known keys.
#[derive(Debug, Clone)]
pub(crate) struct Fields<'n> {
    entries: Vec<Entry<'n>>,
    /// Whether all keys were known. Where one was not, what seems to be missing may be there, misspelt.
    whole: bool,
}

impl<'n> Fields<'n> {
    /// The entry with this key.
    pub(crate) fn get(&self, key: &str) -> Option<Entry<'n>> {
        self.entries.iter().copied().find(|entry| entry.key == key)
    }

    /// The first entry, in the order of the text, that has one of these keys.
    pub(crate) fn first_of(&self, keys: &[&str]) -> Option<Entry<'n>> {
        self.entries.iter().copied().find(|entry| keys.contains(&entry.key))
    }
}

impl Entry<'_> {
    /// Where to point for the value: at the key, where nothing is written after it.
    pub(crate) fn place(&self) -> Range<usize> {
        if self.value.span.is_empty() {
            self.key_node.span.clone()
        } else {
            self.value.span.clone()
        }
    }
}

impl<'t> Reader<'t> {
    /// A reader over `source` that has met no names and no errors.
    pub(crate) fn new(source: Source<'t>) -> Self {
        Self {
            source,
            names: Names::default(),
            errors: Vec::new(),
        }
    }

    /// Notes an error at `place`. Gives `None`, for whoever has nothing else to give then.
    pub(crate) fn error<T>(
        &mut self,
        place: Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Option<T> {
        self.errors.push(self.source.error(place, message, help));
        None
    }

    /// Notes that `fields` lack something, unless a key there is unknown: that is one error already, and not two.
    pub(crate) fn missing<T>(
        &mut self,
        fields: &Fields<'_>,
        place: Range<usize>,
        message: &str,
        help: &str,
    ) -> Option<T> {
        if fields.whole {
            self.error(place, message, help)
        } else {
            None
        }
    }

    /// The entries of a mapping whose keys are names that the map gives. `what` says what it is; `place` is where to
    /// point if it is something else.
    pub(crate) fn entries<'n>(
        &mut self,
        node: &'n Node,
        place: Range<usize>,
        what: &str,
        help: &str,
    ) -> Option<Vec<Entry<'n>>> {
        let Kind::Mapping(entries) = &node.kind else {
            if node.is_null() {
                return self.error(place, format!("{what} is empty"), help);
            }
            return self.error(
                place,
                format!(
                    "{what} must be a mapping (`key: value`), and this is {}",
                    node.kind_name()
                ),
                help,
            );
        };
        // A key that is no text is refused already where the YAML is read, and so is the second of two that are alike.
        let mut unique: Vec<Entry<'n>> = Vec::with_capacity(entries.len());
        for (key_node, value) in entries {
            let Kind::Scalar(key, _) = &key_node.kind else { continue };
            if unique.iter().all(|entry| entry.key != key) {
                unique.push(Entry { key, key_node, value });
            }
        }
        Some(unique)
    }

    /// The entries of a mapping whose keys are words of ours. Others are refused, and left out.
    pub(crate) fn fields<'n>(
        &mut self,
        node: &'n Node,
        place: Range<usize>,
        what: &str,
        known: &[&str],
    ) -> Option<Fields<'n>> {
        let help = format!(
            "its keys are {}",
            known
                .iter()
                .map(|key| format!("`{key}`"))
                .collect::<Vec<_>>()
                .join(", ")
        );
        let mut entries = self.entries(node, place, what, &help)?;
        let count = entries.len();
        entries.retain(|entry| {
            let is_known = known.contains(&entry.key);
            if !is_known {
                let help = did_you_mean(entry.key, "its keys", known.iter().copied());
                self.error::<()>(
                    entry.key_node.span.clone(),
                    format!("{what} has no key `{}`", entry.key),
                    help,
                );
            }
            is_known
        });
        let whole = entries.len() == count;
        Some(Fields { entries, whole })
    }

    /// The text of a value that must be one.
    pub(crate) fn string<'n>(&mut self, entry: Entry<'n>, help: &str) -> Option<&'n str> {
        self.text(entry.value, entry.place(), &format!("`{}`", entry.key), help)
    }

    /// The text of a node that must be one. `what` names it.
    pub(crate) fn text<'n>(&mut self, node: &'n Node, place: Range<usize>, what: &str, help: &str) -> Option<&'n str> {
        if let Kind::Scalar(text, style) = &node.kind {
            match meaning(text, *style) {
                Meaning::String => return Some(text),
                Meaning::Null => return self.error(place, format!("{what} is empty"), help),
                Meaning::Bool(_) | Meaning::Number => {}
            }
        }
        let quotes = if matches!(node.kind, Kind::Scalar(..)) {
            "; put it in quotes if it is meant as a text"
        } else {
            ""
        };
        self.error(
            place,
            format!("{what} must be a text, and this is {}", node.kind_name()),
            format!("{help}{quotes}"),
        )
    }

    /// A value that must be `true` or `false`.
    pub(crate) fn bool(&mut self, entry: Entry<'_>) -> Option<bool> {
        if let Kind::Scalar(text, style) = &entry.value.kind
            && let Meaning::Bool(value) = meaning(text, *style)
        {
            return Some(value);
        }
        let kind = entry.value.kind_name();
        self.error(
            entry.place(),
            format!("`{}` must be true or false, and this is {kind}", entry.key),
            "write `true` or `false`",
        )
    }

    /// One of the words in `known`, as what it stands for. `what` names them, in the plural.
    pub(crate) fn word<T: Copy>(&mut self, entry: Entry<'_>, what: &str, known: &[(&str, T)]) -> Option<T> {
        let words = || known.iter().map(|(word, _)| *word);
        let all = words().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        let text = self.string(entry, &format!("{what} are {all}"))?;
        if let Some((_, value)) = known.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let help = did_you_mean(text, what, words());
        self.error(entry.place(), format!("`{}` has no value `{text}`", entry.key), help)
    }

    /// A path, in a node that must be a text.
    pub(crate) fn path(&mut self, node: &Node, place: Range<usize>, what: &str) -> Option<(Start, Path)> {
        let text = self.text(node, place, what, "a path is a text like `$.data.id`")?;
        let trimmed = without_block_end(node, text);
        let parsed = parse_path(trimmed, &mut self.names);
        parsed.map_err(|error| self.path_error(node, text, error)).ok()
    }

    /// A filter, in a node that must be a text.
    pub(crate) fn filter(&mut self, entry: Entry<'_>) -> Option<Filter> {
        let text = self.string(entry, "a condition is a text like '@.currency == \"EUR\"'")?;
        let parsed = parse_filter(text, &mut self.names);
        parsed.map_err(|error| self.path_error(entry.value, text, error)).ok()
    }

    /// Notes an error of a path or filter, at its place inside the scalar `node` with the value `text`.
    pub(crate) fn path_error(&mut self, node: &Node, text: &str, error: PathError) {
        let place = self.inside(node, text, error.range);
        self.error::<()>(place, error.message, error.help);
    }

    /// Where the bytes `part` of a scalar's value stand in the map; the scalar itself if that cannot be told.
    pub(crate) fn inside(&self, node: &Node, text: &str, part: Range<usize>) -> Range<usize> {
        let Kind::Scalar(_, style) = &node.kind else {
            return node.span.clone();
        };
        locate(self.source.chars(), node.span.clone(), *style, text, part).unwrap_or_else(|| node.span.clone())
    }
}

/// A text without the line's end that a YAML block (`|`, `>`) leaves at its end.
fn without_block_end<'n>(node: &Node, text: &'n str) -> &'n str {
    match node.kind {
        Kind::Scalar(_, Style::Block) => text.trim_end_matches('\n'),
        _ => text,
    }
}

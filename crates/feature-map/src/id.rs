//! The id columns of a map.

use std::ops::Range;

use regex::Regex;

use crate::member::regex_reason;
use crate::plan::{ColumnType, IdColumn, IdSource, Take};
use crate::reader::{Entry, Fields, Reader};
use crate::yaml::{Kind, Node};

/// The keys of an id that is a mapping.
const ID_KEYS: [&str; 6] = ["column", "pattern", "path", "type", "cast", "unit"];

/// What an id may be, for messages.
const FORMS: &str =
    "write a column's name, `{column: NAME, pattern: REGEX}`, `{column: NAME, path: PATH}`, or a list of these";

/// An id column and where its name stands.
pub(crate) struct PlacedId {
    pub(crate) id: IdColumn,
    pub(crate) place: Range<usize>,
}

impl Reader<'_> {
    /// The ids of the key `id`. `scope` names the map's own loops.
    pub(crate) fn ids(&mut self, entry: Entry<'_>, scope: &[String]) -> Option<Vec<PlacedId>> {
        let Kind::Sequence(nodes) = &entry.value.kind else {
            return self.id(entry.value, entry.place(), scope).map(|id| vec![id]);
        };
        if nodes.is_empty() {
            return self.error(entry.place(), "`id` is an empty list", FORMS);
        }
        let ids: Vec<_> = nodes
            .iter()
            .map(|node| self.id(node, node.span.clone(), scope))
            .collect();
        ids.into_iter().collect()
    }

    fn id(&mut self, node: &Node, place: Range<usize>, scope: &[String]) -> Option<PlacedId> {
        if !matches!(node.kind, Kind::Mapping(_)) {
            let name = self.text(node, place.clone(), "`id`", FORMS)?.to_owned();
            return Some(PlacedId {
                id: IdColumn {
                    name,
                    source: IdSource::BaseName,
                },
                place,
            });
        }
        let fields = self.fields(node, place.clone(), "`id`", &ID_KEYS)?;
        let place = fields
            .first_of(&ID_KEYS)
            .map_or(place, |entry| entry.key_node.span.clone());
        let source = self.id_source(&fields, place.clone(), scope);
        let Some(column) = fields.get("column") else {
            return self.missing(
                &fields,
                place,
                "this id has no `column`",
                "write `column: NAME` with the column's name",
            );
        };
        let name = self.string(column, "write the column's name")?.to_owned();
        Some(PlacedId {
            id: IdColumn { name, source: source? },
            place: column.place(),
        })
    }

    fn id_source(&mut self, fields: &Fields<'_>, place: Range<usize>, scope: &[String]) -> Option<IdSource> {
        match (fields.get("pattern"), fields.get("path")) {
            (None, Some(_)) => self.id_value(fields, place, scope),
            (Some(pattern), None) => match fields.first_of(&["type", "cast", "unit"]) {
                None => self.pattern(pattern),
                Some(stray) => self.error(
                    stray.key_node.span.clone(),
                    format!(
                        "`{}` is for an id with a `path`: one from the member's name is a string",
                        stray.key
                    ),
                    "leave it out",
                ),
            },
            (Some(_), Some(path)) => self.error(
                path.key_node.span.clone(),
                "an id is either from the member's name (`pattern`) or from the document (`path`)",
                "leave one of them out, or write a list of two ids",
            ),
            (None, None) => self.missing(fields, place, "this id has neither `pattern` nor `path`", FORMS),
        }
    }

    fn pattern(&mut self, entry: Entry<'_>) -> Option<IdSource> {
        let help = "write a regular expression with a group, for example '([^/]+)\\.json$'";
        let pattern = self.string(entry, help)?;
        match Regex::new(pattern) {
            Err(error) => {
                let reason = regex_reason(&error);
                self.error(entry.place(), format!("this is no regular expression: {reason}"), help)
            }
            Ok(regex) if regex.captures_len() < 2 => self.error(
                entry.place(),
                "the pattern has no group, so nothing says which part of the name is the id",
                help,
            ),
            Ok(_) => Some(IdSource::Pattern(pattern.to_owned())),
        }
    }

    fn id_value(&mut self, fields: &Fields<'_>, place: Range<usize>, scope: &[String]) -> Option<IdSource> {
        let value = self.value(fields, place, scope)?;
        if let (Some(Take::List), Some(path)) = (&value.take, fields.get("path")) {
            return self.error(
                path.place(),
                "an id is one value, and this path may match several",
                "use only names and positions",
            );
        }
        if let (Some(ty @ ColumnType::List(_)), Some(entry)) = (value.ty, fields.get("type")) {
            return self.error(
                entry.place(),
                format!("an id is one value, and {ty} is a list"),
                "write the type of one value",
            );
        }
        Some(IdSource::Value(value))
    }
}

//! One feature of a map: its loops, its rows, its columns.

use std::ops::Range;

use crate::path::Start;
use crate::plan::{Column, ColumnSource, ColumnType, Feature, Loop, Path, Scalar, Value};
use crate::reader::{Entry, Fields, Reader};
use crate::value::VALUE_KEYS;
use crate::yaml::{Kind, Node};

/// The keys of a feature with columns.
const TABLE_KEYS: [&str; 4] = ["for", "where", "keep_empty", "columns"];

/// The keys of a column that says where a loop's element was.
const POSITION_KEYS: [&str; 2] = ["index", "key"];

/// The loops of a `for`, as far as they could be read.
pub(crate) struct Loops {
    /// Every loop that has a name, so that paths which start at it can be checked.
    pub(crate) list: Vec<Loop>,
    /// Whether nothing is wrong with any of them.
    pub(crate) whole: bool,
}

impl Reader<'_> {
    /// A feature under its name. `shared` are the map's own loops.
    pub(crate) fn feature(&mut self, entry: Entry<'_>, shared: &[Loop]) -> Option<Feature> {
        if !matches!(entry.value.kind, Kind::Mapping(_)) {
            let value = self.plain_value(entry.value, entry.place(), "a feature", &loop_names(shared))?;
            return Some(one_column(entry.key, shared, value));
        }
        let known = [TABLE_KEYS.as_slice(), &VALUE_KEYS].concat();
        let fields = self.fields(entry.value, entry.place(), "a feature", &known)?;
        if let Some(table_key) = fields.first_of(&TABLE_KEYS) {
            if let Some(stray) = fields.first_of(&VALUE_KEYS) {
                return self.error(
                    stray.key_node.span.clone(),
                    format!(
                        "`{}` is for a feature of one value, and this one has `{}`",
                        stray.key, table_key.key
                    ),
                    "write each value under `columns`, as `NAME: {path: …}`",
                );
            }
            return self.table(entry, &fields, shared);
        }
        let value = self.value(&fields, entry.key_node.span.clone(), &loop_names(shared))?;
        Some(one_column(entry.key, shared, value))
    }

    fn table(&mut self, entry: Entry<'_>, fields: &Fields<'_>, shared: &[Loop]) -> Option<Feature> {
        let loops = match fields.get("for") {
            Some(entry) => self.loops(entry, shared),
            None => Loops {
                list: shared.to_vec(),
                whole: true,
            },
        };
        let filter = fields.get("where").map(|entry| self.filter(entry));
        let keep_empty = fields.get("keep_empty").map_or(Some(false), |entry| self.bool(entry));
        let columns = match fields.get("columns") {
            Some(columns) => self.columns(columns, &loop_names(&loops.list)),
            None => self.missing(
                fields,
                entry.key_node.span.clone(),
                &format!("the feature `{}` has no `columns`", entry.key),
                "write `columns:` with at least one `NAME: PATH`",
            ),
        };
        let filter = match filter {
            Some(filter) => Some(filter?),
            None => None,
        };
        let loops = loops.whole.then_some(loops.list);
        Some(Feature {
            name: entry.key.to_owned(),
            loops: loops?,
            filter,
            keep_empty: keep_empty?,
            columns: columns?,
        })
    }

    /// The loops of a `for`, after those in `outer`.
    pub(crate) fn loops(&mut self, entry: Entry<'_>, outer: &[Loop]) -> Loops {
        let help = "write `for: {item: '$.items[*]'}`: a name for each loop, and where its elements are";
        let entries = self.entries(entry.value, entry.place(), "`for`", help);
        let mut loops = Loops {
            list: outer.to_vec(),
            whole: entries.is_some(),
        };
        let entries = entries.unwrap_or_default();
        if loops.whole && entries.is_empty() {
            self.error::<()>(
                entry.place(),
                "`for` has no loops",
                "write at least one `NAME: PATH`, or leave `for` out",
            );
            loops.whole = false;
        }
        for entry in entries {
            let valid = self.check_loop_name(entry, &loops.list);
            let paths = self.loop_paths(entry, &loops.list);
            loops.whole &= valid && paths.is_some();
            loops.list.push(Loop {
                name: entry.key.to_owned(),
                paths: paths.unwrap_or_default(),
            });
        }
        loops
    }

    fn check_loop_name(&mut self, entry: Entry<'_>, loops: &[Loop]) -> bool {
        let name = entry.key;
        let place = entry.key_node.span.clone();
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !is_name {
            let help = "use letters (a-z, A-Z), digits and `_`, and begin with no digit";
            self.error::<()>(place, format!("`{name}` cannot name a loop"), help);
            return false;
        }
        let is_new = loops.iter().all(|known| known.name != name);
        if !is_new {
            self.error::<()>(
                place,
                format!("the loop name `{name}` is bound twice"),
                "give this loop another name",
            );
        }
        is_new
    }

    /// The path, or the list of paths, of the loop after `loops`.
    fn loop_paths(&mut self, entry: Entry<'_>, loops: &[Loop]) -> Option<Vec<Path>> {
        let Kind::Sequence(nodes) = &entry.value.kind else {
            let what = format!("the loop `{}`", entry.key);
            return self
                .loop_path(entry.value, entry.place(), &what, loops)
                .map(|path| vec![path]);
        };
        if nodes.is_empty() {
            return self.error(entry.place(), "this list of paths is empty", "write at least one path");
        }
        let paths: Vec<_> = nodes
            .iter()
            .map(|node| self.loop_path(node, node.span.clone(), "a path", loops))
            .collect();
        paths.into_iter().collect()
    }

    /// A path from the innermost of `loops`, or from the document without loops.
    fn loop_path(&mut self, node: &Node, place: Range<usize>, what: &str, loops: &[Loop]) -> Option<Path> {
        let (start, path) = self.path(node, place, what)?;
        let (written, name) = match &start {
            Start::Document => ("$", None),
            Start::Loop(name) => (name.as_str(), Some(name)),
        };
        if name == loops.last().map(|innermost| &innermost.name) {
            return Some(path);
        }
        let Some(innermost) = loops.last() else {
            return self.unknown_start(node, &path.text, written, &[]);
        };
        let place = self.inside(node, &path.text, 0..written.len());
        if name.is_some_and(|name| loops.iter().all(|known| known.name != *name)) {
            let help = format!("start it at the loop before it, `{}`", innermost.name);
            return self.error(place, format!("no loop before this one is named `{written}`"), help);
        }
        self.error(
            place,
            format!("this loop starts at `{written}`, not at the loop before it: that would pair every element with every other (a cross product)"),
            format!("start it at `{}`, or write two features", innermost.name),
        )
    }

    fn columns(&mut self, entry: Entry<'_>, scope: &[String]) -> Option<Vec<Column>> {
        let entries = self.entries(
            entry.value,
            entry.place(),
            "`columns`",
            "write `NAME: PATH` for each column",
        )?;
        if entries.is_empty() {
            return self.error(entry.place(), "`columns` is empty", "write at least one `NAME: PATH`");
        }
        let columns: Vec<_> = entries.into_iter().map(|entry| self.column(entry, scope)).collect();
        columns.into_iter().collect()
    }

    fn column(&mut self, entry: Entry<'_>, scope: &[String]) -> Option<Column> {
        let source = self.column_source(entry, scope)?;
        Some(Column {
            name: entry.key.to_owned(),
            source,
        })
    }

    fn column_source(&mut self, entry: Entry<'_>, scope: &[String]) -> Option<ColumnSource> {
        if matches!(entry.value.kind, Kind::Sequence(_)) {
            return self.error(
                entry.place(),
                "a column must be a path or a mapping, and this is a list",
                "write `{path: […]}` for the first of several paths",
            );
        }
        if !matches!(entry.value.kind, Kind::Mapping(_)) {
            return self
                .plain_value(entry.value, entry.place(), "a column", scope)
                .map(ColumnSource::Value);
        }
        let known = [VALUE_KEYS.as_slice(), &POSITION_KEYS].concat();
        let fields = self.fields(entry.value, entry.place(), "a column", &known)?;
        match fields.first_of(&POSITION_KEYS) {
            Some(position) => self.position(&fields, position, scope),
            None => self
                .value(&fields, entry.key_node.span.clone(), scope)
                .map(ColumnSource::Value),
        }
    }

    /// A column with `index` or `key`, which is `position`.
    fn position(&mut self, fields: &Fields<'_>, position: Entry<'_>, scope: &[String]) -> Option<ColumnSource> {
        let is_index = position.key == "index";
        let others: Vec<_> = [VALUE_KEYS.as_slice(), &POSITION_KEYS].concat();
        let others: Vec<_> = others
            .into_iter()
            .filter(|key| *key != position.key && *key != "type")
            .collect();
        if let Some(stray) = fields.first_of(&others) {
            return self.error(
                stray.key_node.span.clone(),
                format!("`{}` cannot stand beside `{}`", stray.key, position.key),
                format!("leave it out: `{{{}: NAME}}` is all of such a column", position.key),
            );
        }
        let ty = self.column_type(fields)?;
        let fixed = ColumnType::Scalar(if is_index { Scalar::Int64 } else { Scalar::String });
        if let (Some(ty), Some(entry)) = (ty.filter(|ty| *ty != fixed), fields.get("type")) {
            return self.error(
                entry.place(),
                format!("a column with `{}` is of type {fixed}, never {ty}", position.key),
                format!("write `type: {fixed}`, or leave it out"),
            );
        }
        let of = self.loop_name(position, scope)?;
        Some(if is_index {
            ColumnSource::Index { of }
        } else {
            ColumnSource::Key { of }
        })
    }
}

/// A feature of one column that is named like it.
pub(crate) fn one_column(name: &str, shared: &[Loop], value: Value) -> Feature {
    let column = Column {
        name: name.to_owned(),
        source: ColumnSource::Value(value),
    };
    Feature {
        name: name.to_owned(),
        loops: shared.to_vec(),
        filter: None,
        keep_empty: false,
        columns: vec![column],
    }
}

pub(crate) fn loop_names(loops: &[Loop]) -> Vec<String> {
    loops.iter().map(|known| known.name.clone()).collect()
}

//! A plan as a feature map: what a run writes out to be reviewed, edited and pinned.

use std::fmt::Write as _;

use crate::emit::{key, quote};
use crate::path_text::{filter_text, path_text};
use crate::plan::{
    Column, ColumnSource, ColumnType, Feature, IdColumn, IdSource, Loop, Mismatch, Origin, Path, Plan, Scalar, Take,
    Value,
};
use crate::value::DEFAULT_SEPARATOR;

/// The first lines of a written map.
const HEADER: &str = "\
# The feature map of this dataset, with the type of every column filled in.
# Use it with --feature-map to get the same schema from any archive.
";

/// The longest key that may stand without a question mark before it, in characters. Source: YAML 1.2.2, section 7.4.2.
const MAX_IMPLICIT_KEY: usize = 1024;

impl Plan {
    /// The plan as a feature map of version 1, with every type that it has.
    ///
    /// [`parse`](crate::parse) makes the same plan of it, but for [`Path::text`].
    pub fn to_yaml(&self) -> String {
        let mut writer = Writer {
            out: HEADER.to_owned(),
            names: &self.names,
        };
        writer.line(0, "version: 1");
        writer.ids(&self.ids, self.shared());
        if self.provenance {
            writer.line(0, "provenance: true");
        }
        if !self.shared().is_empty() {
            writer.line(0, "for:");
            writer.loops(1, &[], self.shared());
        }
        writer.line(0, "features:");
        for feature in &self.features {
            writer.feature(feature, self.shared_loops);
        }
        writer.out
    }

    /// The map's own loops.
    fn shared(&self) -> &[Loop] {
        self.features
            .first()
            .map_or(&[], |feature| &feature.loops[..self.shared_loops])
    }
}

struct Writer<'p> {
    out: String,
    names: &'p [String],
}

impl Writer<'_> {
    fn line(&mut self, depth: usize, text: &str) {
        writeln!(self.out, "{:indent$}{text}", "", indent = depth * 2).expect("a String takes any text");
    }

    /// A key, and what follows its colon on the same line.
    fn entry(&mut self, depth: usize, name: &str, value: &str) {
        let (key, space) = (key(name), if value.is_empty() { "" } else { " " });
        if key.chars().count() <= MAX_IMPLICIT_KEY {
            return self.line(depth, &format!("{key}:{space}{value}"));
        }
        self.line(depth, &format!("? {key}"));
        self.line(depth, &format!(":{space}{value}"));
    }

    fn ids(&mut self, ids: &[IdColumn], shared: &[Loop]) {
        if let [id] = ids {
            let id = self.id(id, shared);
            return self.line(0, &format!("id: {id}"));
        }
        self.line(0, "id:");
        for id in ids {
            let id = self.id(id, shared);
            self.line(1, &format!("- {id}"));
        }
    }

    fn id(&self, id: &IdColumn, shared: &[Loop]) -> String {
        let column = format!("column: {}", key(&id.name));
        match &id.source {
            IdSource::BaseName => key(&id.name),
            IdSource::Pattern(pattern) => format!("{{{column}, pattern: {}}}", quote(pattern)),
            IdSource::Value(value) => format!("{{{column}, {}}}", self.value(value, shared)),
        }
    }

    fn feature(&mut self, feature: &Feature, shared: usize) {
        self.entry(1, &feature.name, "");
        let (outer, own) = feature.loops.split_at(shared);
        if !own.is_empty() {
            self.line(2, "for:");
            self.loops(3, outer, own);
        }
        if let Some(filter) = &feature.filter {
            let filter = quote(&filter_text(filter, self.names));
            self.line(2, &format!("where: {filter}"));
        }
        if feature.keep_empty {
            self.line(2, "keep_empty: true");
        }
        self.line(2, "columns:");
        for column in &feature.columns {
            let source = self.column(column, &feature.loops);
            self.entry(3, &column.name, &format!("{{{source}}}"));
        }
    }

    /// The loops `own`, the first of which starts at the last of `outer`.
    fn loops(&mut self, depth: usize, outer: &[Loop], own: &[Loop]) {
        let mut start = outer.last().map_or("$", |innermost| &innermost.name);
        for a_loop in own {
            let paths: Vec<_> = a_loop.paths.iter().map(|path| self.path(start, path)).collect();
            let paths = one_or_list(&paths);
            self.entry(depth, &a_loop.name, &paths);
            start = &a_loop.name;
        }
    }

    fn column(&self, column: &Column, loops: &[Loop]) -> String {
        match &column.source {
            ColumnSource::Index { of } => format!("index: {}, type: int64", key(&loops[*of].name)),
            ColumnSource::Key { of } => format!("key: {}, type: string", key(&loops[*of].name)),
            ColumnSource::Value(value) => self.value(value, loops),
        }
    }

    /// The keys of a value, for a mapping in braces.
    fn value(&self, value: &Value, loops: &[Loop]) -> String {
        let start = |from| match from {
            Origin::Document => "$",
            Origin::Loop(of) => loops[of].name.as_str(),
        };
        let paths: Vec<_> = value
            .paths
            .iter()
            .map(|path| self.path(start(path.from), &path.path))
            .collect();
        let mut text = format!("path: {}", one_or_list(&paths));
        if let Some(word) = value.take.as_ref().and_then(take_word) {
            text += &format!(", take: {word}");
        }
        if let Some(Take::Join { separator }) = &value.take
            && separator != DEFAULT_SEPARATOR
        {
            text += &format!(", sep: {}", quote(separator));
        }
        if let Some(ty) = value.ty {
            text += &format!(", type: {ty}{}", unit(ty));
        }
        if value.cast {
            text += ", cast: true";
        }
        if value.mismatch == Mismatch::Ignore {
            text += ", mismatch: ignore";
        }
        text
    }

    fn path(&self, start: &str, path: &Path) -> String {
        quote(&path_text(start, path, self.names))
    }
}

/// The word for a `take`; none for a list, which is what a path with several matches gives anyway.
fn take_word(take: &Take) -> Option<&'static str> {
    match take {
        Take::List => None,
        Take::First => Some("first"),
        Take::Last => Some("last"),
        Take::Count => Some("count"),
        Take::Min => Some("min"),
        Take::Max => Some("max"),
        Take::Sum => Some("sum"),
        Take::Join { .. } => Some("join"),
    }
}

fn unit(ty: ColumnType) -> String {
    match ty.scalar() {
        Scalar::Timestamp { unit: Some(unit) } => format!(", unit: {unit}"),
        _ => String::new(),
    }
}

fn one_or_list(paths: &[String]) -> String {
    match paths {
        [path] => path.clone(),
        paths => format!("[{}]", paths.join(", ")),
    }
}

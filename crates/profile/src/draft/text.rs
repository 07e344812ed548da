//! A draft as YAML.

use std::fmt::Write as _;

use tarquet_feature_map::writing::{is_printable, key, quote};

use super::tables::{Column, Loop, Source, Table};
use super::{Draft, ID_COLUMN, Id};

/// Comments of columns begin here, unless the line is longer.
const COMMENT_AT: usize = 70;

/// Comments are cut so that lines are not much longer than this.
const WIDTH: usize = 130;

/// The map's text.
pub(super) fn yaml(draft: &Draft) -> String {
    let mut yaml = Yaml(String::new());
    yaml.header(draft);
    draft.tables.iter().for_each(|table| yaml.table(table, draft.documents));
    yaml.0
}

struct Yaml(String);

impl Yaml {
    fn header(&mut self, draft: &Draft) {
        let documents = grouped(draft.documents);
        self.line(&format!(
            "# A feature map to start from, made by `tarquet inspect` of {documents} document{}.",
            if draft.documents == 1 { "" } else { "s" }
        ));
        self.line("# Comments say how often a value is there and not null, and what was found. Leave out what you do not need.");
        if draft.left_out > 0 {
            let left_out = draft.left_out;
            self.line(&format!(
                "# {left_out} more tables could be made: --include chooses members that are more alike."
            ));
        }
        self.line("version: 1");
        match &draft.id {
            Id::BaseName => self.commented(&format!("id: {ID_COLUMN}"), "the member's base name without .json"),
            Id::WholeName => self.commented(
                &format!("id: {{column: {ID_COLUMN}, pattern: '^(.*)$'}}"),
                "the member's whole name: base names repeat",
            ),
            Id::Member { column, name, ty } => {
                let path = format!("${}", tarquet_feature_map::writing::member_step(name));
                let id = format!("id: {{column: {}, path: {}, type: {ty}}}", key(column), text(&path));
                self.commented(&id, "different in every document, or nearly so");
            }
            Id::Provenance => {
                self.commented(
                    &format!("id: {ID_COLUMN}"),
                    "the member's base name: one for all documents of a member",
                );
                self.commented("provenance: true", "so that _member and _line tell documents apart");
            }
        }
        self.line("features:");
    }

    fn table(&mut self, table: &Table, documents: u64) {
        let rows = match (table.loops.is_empty(), documents) {
            (true, _) => "one row a document".to_owned(),
            (false, 0) => String::new(),
            (false, documents) => {
                let mean = table.rows as f64 / documents as f64;
                format!(
                    "{} rows a document",
                    if mean < 10.0 {
                        format!("{mean:.1}")
                    } else {
                        grouped(mean.round() as u64)
                    }
                )
            }
        };
        self.commented(&format!("  {}:", key(&table.name)), &rows);
        if !table.loops.is_empty() {
            self.line("    for:");
            table.loops.iter().for_each(|element| self.element(element));
        }
        if table.loops.last().is_some_and(|innermost| innermost.paths.len() > 1) {
            // In the place of an empty array, the second path selects that array itself, in which nothing is.
            self.line(&format!("    where: {}", quote("@.*")));
        }
        self.line("    columns:");
        table.columns.iter().for_each(|column| self.column(column));
    }

    fn element(&mut self, element: &Loop) {
        let paths = match &element.paths[..] {
            [path] => text(path),
            paths => format!(
                "[{}]",
                paths.iter().map(|path| quote(path)).collect::<Vec<_>>().join(", ")
            ),
        };
        self.line(&format!("      {}: {paths}", key(&element.name)));
    }

    fn column(&mut self, column: &Column) {
        let name = key(&column.name);
        match &column.source {
            Source::Index(element) => self.line(&format!("      {name}: {{index: {}}}", key(element))),
            Source::Key(element) => self.line(&format!("      {name}: {{key: {}}}", key(element))),
            Source::Path { path, ty } => {
                let mut comment = vec![percent(column.presence)];
                comment.extend(column.remark.clone());
                if !column.examples.is_empty() {
                    comment.push(column.examples.join(", "));
                }
                let column = format!("      {name}: {{path: {}, type: {}}}", text(path), type_text(ty));
                self.commented(&column, &comment.join("; "));
            }
        }
    }

    fn commented(&mut self, text: &str, comment: &str) {
        if comment.is_empty() {
            return self.line(text);
        }
        let width = text.chars().count();
        let room = WIDTH.saturating_sub(width.max(COMMENT_AT)).max(30);
        self.line(&format!("{text:COMMENT_AT$} # {}", one_line(comment, room)));
    }

    fn line(&mut self, text: &str) {
        // A String takes any text.
        writeln!(self.0, "{}", text.trim_end()).ok();
    }
}

/// A path where a mapping is written on one line.
fn text(path: &str) -> String {
    let is_plain = path
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '$'));
    match is_plain {
        true if path.contains(['.', '$']) => path.to_owned(),
        // A word may be one that means something.
        true => key(path),
        false => quote(path),
    }
}

/// A type, in quotes where a `<` is in it: not needed, but easier on the eyes of readers of YAML.
fn type_text(ty: &str) -> String {
    if ty.contains('<') { quote(ty) } else { ty.to_owned() }
}

/// A comment in one line: no character in it ends one, and it is no longer than there is room.
fn one_line(comment: &str, room: usize) -> String {
    let visible = |c: char| if is_printable(c) { c } else { '\u{fffd}' };
    let mut shown: String = comment.chars().map(visible).take(room).collect();
    if comment.chars().count() > room {
        shown.push('…');
    }
    shown
}

fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent >= 99.95 {
        "100 %".to_owned()
    } else if percent >= 10.0 {
        format!("{percent:.0} %").replace("100", "99")
    } else {
        format!("{percent:.1} %")
    }
}

/// A number with its thousands apart.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

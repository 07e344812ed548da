//! One value of a map: its paths, and how its matches become a cell.

use std::ops::Range;

use crate::path::Start;
use crate::plan::{ColumnType, Mismatch, Origin, Scalar, Take, TimeUnit, Value, ValuePath};
use crate::reader::{Entry, Fields, Reader};
use crate::suggest::{did_you_mean, nearest};
use crate::types::{SCALARS, UNITS};
use crate::yaml::{Kind, Node};

/// The keys of a value.
pub(crate) const VALUE_KEYS: [&str; 7] = ["path", "type", "take", "sep", "cast", "mismatch", "unit"];

/// What stands between joined texts where the map does not say.
pub(crate) const DEFAULT_SEPARATOR: &str = ",";

const TAKES: [(&str, TakeWord); 8] = [
    ("list", TakeWord::List),
    ("first", TakeWord::First),
    ("last", TakeWord::Last),
    ("count", TakeWord::Count),
    ("min", TakeWord::Min),
    ("max", TakeWord::Max),
    ("sum", TakeWord::Sum),
    ("join", TakeWord::Join),
];

/// `take` as it is written, without its separator.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TakeWord {
    List,
    First,
    Last,
    Count,
    Min,
    Max,
    Sum,
    Join,
}

impl Reader<'_> {
    /// A value that is only a path.
    pub(crate) fn plain_value(
        &mut self,
        node: &Node,
        place: Range<usize>,
        what: &str,
        scope: &[String],
    ) -> Option<Value> {
        let path = self.value_path(node, place, what, scope)?;
        let take = (!path.path.is_singular()).then_some(Take::List);
        Some(Value {
            paths: vec![path],
            take,
            ty: None,
            cast: false,
            mismatch: Mismatch::Rescue,
        })
    }

    /// A value from the keys [`VALUE_KEYS`]. `owner` is where to point if `path` is missing.
    pub(crate) fn value(&mut self, fields: &Fields<'_>, owner: Range<usize>, scope: &[String]) -> Option<Value> {
        let paths = match fields.get("path") {
            Some(entry) => self.value_paths(entry, scope),
            None => self.missing(
                fields,
                owner,
                "a `path` is missing here",
                "write `path:` with where the value is, for example `$.data.id`",
            ),
        };
        let ty = self.column_type(fields);
        let take = fields
            .get("take")
            .map(|entry| self.word(entry, "the values of `take`", &TAKES));
        let cast = fields.get("cast").map_or(Some(false), |entry| self.bool(entry));
        let mismatch = fields
            .get("mismatch")
            .map_or(Some(Mismatch::Rescue), |entry| self.mismatch(entry));
        let separator = self.separator(fields, take);

        let (paths, ty, cast, mismatch) = (paths?, ty?, cast?, mismatch?);
        let take = match take {
            Some(word) => Some(word?),
            None => None,
        };
        let take = self
            .checked_take(fields, &paths, take)?
            .map(|word| word.with(separator));
        let mut value = Value {
            paths,
            take,
            ty,
            cast,
            mismatch,
        };
        self.check_type(fields, &value)?;
        value.ty = value.ty.or_else(|| fixed_type(value.take.as_ref()));
        Some(value)
    }

    /// The one path or the list of paths of a value.
    fn value_paths(&mut self, entry: Entry<'_>, scope: &[String]) -> Option<Vec<ValuePath>> {
        let Kind::Sequence(nodes) = &entry.value.kind else {
            return self
                .value_path(entry.value, entry.place(), "`path`", scope)
                .map(|path| vec![path]);
        };
        if nodes.is_empty() {
            return self.error(entry.place(), "this list of paths is empty", "write at least one path");
        }
        let paths: Vec<_> = nodes
            .iter()
            .map(|node| self.value_path(node, node.span.clone(), "a path", scope))
            .collect();
        paths.into_iter().collect()
    }

    /// A path from the document or from a loop of `scope`.
    fn value_path(&mut self, node: &Node, place: Range<usize>, what: &str, scope: &[String]) -> Option<ValuePath> {
        let (start, path) = self.path(node, place, what)?;
        let from = match start {
            Start::Document => Origin::Document,
            Start::Loop(name) => match scope.iter().position(|known| *known == name) {
                Some(of) => Origin::Loop(of),
                None => return self.unknown_start(node, &path.text, &name, scope),
            },
        };
        Some(ValuePath { from, path })
    }

    /// Refuses a path that starts at a name which no loop binds.
    pub(crate) fn unknown_start<T>(&mut self, node: &Node, text: &str, name: &str, scope: &[String]) -> Option<T> {
        let place = self.inside(node, text, 0..name.len());
        let help = match nearest(name, scope.iter().map(String::as_str)) {
            Some(known) => format!("did you mean `{known}`?"),
            None => format!("write `$.{text}` for a value of the document, or bind `{name}` in `for`"),
        };
        self.error(place, format!("no loop here is named `{name}`"), help)
    }

    /// The loop that `index` or `key` names, as its position in `scope`.
    pub(crate) fn loop_name(&mut self, entry: Entry<'_>, scope: &[String]) -> Option<usize> {
        let name = self.string(entry, "write the name of a loop")?;
        let found = scope.iter().position(|known| known == name);
        if found.is_some() {
            return found;
        }
        let help = if scope.is_empty() {
            "there are no loops here: bind one in `for`".to_owned()
        } else {
            did_you_mean(name, "the loops here", scope.iter().map(String::as_str))
        };
        self.error(entry.place(), format!("no loop here is named `{name}`"), help)
    }

    /// The type with its unit; `Some(None)` where none is written.
    pub(crate) fn column_type(&mut self, fields: &Fields<'_>) -> Option<Option<ColumnType>> {
        let ty = match fields.get("type") {
            Some(entry) => Some(self.type_name(entry)?),
            None => None,
        };
        let Some(entry) = fields.get("unit") else {
            return Some(ty);
        };
        let unit = self.word(entry, "the units", &UNITS)?;
        let timestamp = Scalar::Timestamp { unit: None };
        match ty {
            Some(ty) if ty.scalar() == timestamp => Some(Some(ty.with_unit(unit))),
            Some(ty) => self.error(
                entry.key_node.span.clone(),
                format!("`unit` says how a number is a timestamp, and the type here is {ty}"),
                "leave `unit` out, or write `type: timestamp`",
            ),
            None => self.error(
                entry.key_node.span.clone(),
                "`unit` says how a number is a timestamp, and no type is written here",
                "write `type: timestamp` too",
            ),
        }
    }

    fn type_name(&mut self, entry: Entry<'_>) -> Option<ColumnType> {
        let text = self.string(entry, "write a type, for example `int64`")?;
        if let Ok(ty) = text.parse() {
            return Some(ty);
        }
        let words = SCALARS.iter().map(|(word, _)| *word);
        let element = text.strip_prefix("list<").and_then(|rest| rest.strip_suffix('>'));
        let help = match (element, alias_of(element.unwrap_or(text))) {
            (None, Some(known)) => format!("write `{known}`"),
            (Some(_), Some(known)) => format!("write `list<{known}>`"),
            (None, None) if text == "list" => "say of what: `list<string>`, `list<int64>`, …".to_owned(),
            (Some(element), None) if element.starts_with("list") => {
                "there are no lists of lists: write `json` for their exact text".to_owned()
            }
            (element, None) => format!(
                "{}; each of them also as `list<T>`",
                did_you_mean(element.unwrap_or(text), "the types", words)
            ),
        };
        self.error(entry.place(), format!("there is no type `{text}`"), help)
    }

    fn mismatch(&mut self, entry: Entry<'_>) -> Option<Mismatch> {
        self.word(
            entry,
            "the values of `mismatch`",
            &[("rescue", Mismatch::Rescue), ("ignore", Mismatch::Ignore)],
        )
    }

    /// The separator, for a `take` that is not written (`None`), that cannot be read (`Some(None)`), or that is there.
    fn separator(&mut self, fields: &Fields<'_>, take: Option<Option<TakeWord>>) -> String {
        let Some(entry) = fields.get("sep") else {
            return DEFAULT_SEPARATOR.to_owned();
        };
        if !matches!(take, Some(None | Some(TakeWord::Join))) {
            self.error::<()>(
                entry.key_node.span.clone(),
                "`sep` is what stands between joined texts, and nothing is joined here",
                "leave `sep` out, or write `take: join`",
            );
        }
        let separator = self.string(entry, "write the separator in quotes, for example `\", \"`");
        separator.unwrap_or(DEFAULT_SEPARATOR).to_owned()
    }

    /// The `take` that these paths have; refuses one where there is at most one match.
    fn checked_take(
        &mut self,
        fields: &Fields<'_>,
        paths: &[ValuePath],
        take: Option<TakeWord>,
    ) -> Option<Option<TakeWord>> {
        let several = paths.iter().any(|path| !path.path.is_singular());
        match (several, take, fields.get("take")) {
            (false, Some(_), Some(entry)) => self.error(
                entry.key_node.span.clone(),
                format!(
                    "`take` reduces several matches to one, and `{}` has one match at most",
                    paths[0].path.text
                ),
                "leave `take` out: a path of only names and positions gives its value as it is",
            ),
            (true, None, _) => Some(Some(TakeWord::List)),
            _ => Some(take),
        }
    }

    /// Refuses a type that nothing the value can be would ever fit.
    fn check_type(&mut self, fields: &Fields<'_>, value: &Value) -> Option<()> {
        let (Some(ty), Some(take), Some(entry)) = (value.ty, &value.take, fields.get("type")) else {
            return Some(());
        };
        let Some((what, help)) = misfit(ty, take, value.cast) else {
            return Some(());
        };
        self.error(entry.place(), format!("{what}, which never fits the type {ty}"), help)
    }
}

impl TakeWord {
    fn with(self, separator: String) -> Take {
        match self {
            Self::List => Take::List,
            Self::First => Take::First,
            Self::Last => Take::Last,
            Self::Count => Take::Count,
            Self::Min => Take::Min,
            Self::Max => Take::Max,
            Self::Sum => Take::Sum,
            Self::Join => Take::Join { separator },
        }
    }
}

impl ColumnType {
    /// The same type, with its timestamps read as numbers of `unit`.
    fn with_unit(self, unit: TimeUnit) -> Self {
        let timestamp = Scalar::Timestamp { unit: Some(unit) };
        match self {
            Self::Scalar(_) => Self::Scalar(timestamp),
            Self::List(_) => Self::List(timestamp),
        }
    }
}

/// The type that a `take` has whatever it takes.
fn fixed_type(take: Option<&Take>) -> Option<ColumnType> {
    match take {
        Some(Take::Count) => Some(ColumnType::Scalar(Scalar::Int64)),
        Some(Take::Join { .. }) => Some(ColumnType::Scalar(Scalar::String)),
        _ => None,
    }
}

/// What `take` gives and what to do, where that never fits `ty`.
fn misfit(ty: ColumnType, take: &Take, cast: bool) -> Option<(&'static str, String)> {
    let scalar = match ty {
        ColumnType::Scalar(scalar) => scalar,
        ColumnType::List(_) => match take {
            Take::List | Take::First | Take::Last => return None,
            Take::Count => return Some(("`take: count` gives a number", "write `type: int64`".to_owned())),
            Take::Sum => {
                return Some((
                    "`take: sum` gives one number",
                    "write `type: int64` or `type: float64`".to_owned(),
                ));
            }
            Take::Min | Take::Max => {
                return Some(("this `take` gives one value", format!("write `type: {}`", ty.scalar())));
            }
            Take::Join { .. } => return Some(("`take: join` gives one text", "write `type: string`".to_owned())),
        },
    };
    match take {
        Take::List => Some((
            "a path that may match several values gives a list",
            format!("write `type: list<{scalar}>`, or choose one match with `take: first`"),
        )),
        Take::Count if scalar != Scalar::Int64 => {
            Some(("`take: count` gives a number", "write `type: int64`".to_owned()))
        }
        Take::Sum if !matches!(scalar, Scalar::Int64 | Scalar::Float64) => Some((
            "`take: sum` gives a number",
            "write `type: int64` or `type: float64`".to_owned(),
        )),
        Take::Min | Take::Max if matches!(scalar, Scalar::Bool | Scalar::Json) => Some((
            "`take: min` and `max` compare numbers, texts or times",
            "write a type with an order, or `take: first`".to_owned(),
        )),
        Take::Join { .. } if scalar == Scalar::Json => Some((
            "`take: join` gives a text that stands nowhere in the document",
            "write `type: string`".to_owned(),
        )),
        Take::Join { .. } if !cast && needs_number_or_bool(scalar) => Some((
            "`take: join` gives a text",
            "write `type: string`, or add `cast: true`".to_owned(),
        )),
        _ => None,
    }
}

fn needs_number_or_bool(scalar: Scalar) -> bool {
    matches!(
        scalar,
        Scalar::Int64 | Scalar::Float64 | Scalar::Bool | Scalar::Timestamp { unit: Some(_) }
    )
}

/// The type that someone means who writes it as other tools do.
fn alias_of(word: &str) -> Option<&'static str> {
    Some(match word.to_ascii_lowercase().as_str() {
        "int" | "integer" | "long" | "bigint" | "i64" | "int32" => "int64",
        "float" | "double" | "number" | "real" | "f64" | "float32" => "float64",
        "boolean" => "bool",
        "str" | "text" | "utf8" | "varchar" => "string",
        "timestamptz" => "timestamp",
        "object" | "any" | "variant" | "struct" => "json",
        _ => return None,
    })
}

//! What a plan makes of a document, worked out the slow and obvious way on the document as a tree of values.
//!
//! Nothing of the crate's own code is used: not its parsers, not its order of evaluation, not its arithmetic.

use tarquet_feature_map::plan::{
    ColumnSource, ColumnType, CompareOp, Feature, Filter, FilterRoot, IdSource, Literal, Loop, Mismatch, Origin, Path,
    Plan, Scalar, Selector, Take, TimeUnit, Value,
};
use tarquet_feature_map::{Evidence, Seen, SlotEvidence};

use super::cells::Cell;
use super::document::{Doc, Str};

/// A value that does not fit: the feature, the row, the column, the type, the text.
pub(crate) type RescuedText = (usize, u64, String, String, String);

/// The rows of one document.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tables {
    /// For each feature the rows, for each row the cells.
    pub(crate) rows: Vec<Vec<Vec<Cell>>>,
    pub(crate) rescued: Vec<RescuedText>,
    /// The bytes of each feature's rows.
    pub(crate) bytes: Vec<u64>,
}

/// The document has no id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoId;

/// A value and how it was reached.
#[derive(Clone, Copy)]
struct Node<'d> {
    doc: &'d Doc,
    key: Option<&'d Str>,
    index: Option<usize>,
}

/// The element of each loop; `None` where a loop found nothing.
type Scope<'d> = Vec<Option<Node<'d>>>;

/// What a value's paths select, and whether there was anything to start from.
struct Found<'d> {
    bound: bool,
    nodes: Vec<Node<'d>>,
}

pub(crate) struct Model<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) document: &'a Doc,
    pub(crate) member: &'a str,
}

impl<'a> Model<'a> {
    pub(crate) fn tables(&self) -> Result<Tables, NoId> {
        let mut tables = Tables {
            rows: Vec::new(),
            rescued: Vec::new(),
            bytes: Vec::new(),
        };
        for (position, feature) in self.plan.features.iter().enumerate() {
            self.ids_of_combinations(feature)?;
            let mut rows = Vec::new();
            let mut bytes = 0;
            for scope in self.rows(feature) {
                let mut cells = self.ids(&scope)?;
                if self.plan.provenance {
                    // The member is one document, and has no lines.
                    cells.extend([Cell::Text(self.member.to_owned()), Cell::Null]);
                }
                bytes += cells
                    .iter()
                    .zip(self.id_types())
                    .map(|(cell, ty)| width(cell, ty))
                    .sum::<u64>();
                for column in &feature.columns {
                    let ty = column_type(&column.source);
                    let (cell, misfits) = self.cell(&column.source, &scope);
                    for text in misfits {
                        tables
                            .rescued
                            .push((position, rows.len() as u64, column.name.clone(), ty.to_string(), text));
                    }
                    bytes += width(&cell, ty);
                    cells.push(cell);
                }
                rows.push(cells);
            }
            tables.rows.push(rows);
            tables.bytes.push(bytes);
        }
        Ok(tables)
    }

    pub(crate) fn evidence(&self) -> Result<Evidence, NoId> {
        let mut evidence = Evidence::new(self.plan);
        for feature in &self.plan.features {
            for scope in self.ids_of_combinations(feature)? {
                let ids = self.plan.ids.iter().filter_map(|id| {
                    if let IdSource::Value(value) = &id.source {
                        Some(value)
                    } else {
                        None
                    }
                });
                for (slot, value) in ids.filter(|value| value.ty.is_none()).enumerate() {
                    note(&mut evidence.slots[slot], value, &self.find(value, &scope));
                }
            }
        }
        let all = |feature: &'a Feature| feature.columns.iter().map(move |column| (feature, &column.source));
        let values = self
            .plan
            .features
            .iter()
            .flat_map(all)
            .filter_map(|(feature, source)| match source {
                ColumnSource::Value(value) if value.ty.is_none() => Some((feature, value)),
                _ => None,
            });
        let first = evidence.slots.len() - values.clone().count();
        for (slot, (feature, value)) in values.enumerate() {
            for scope in self.rows(feature) {
                note(&mut evidence.slots[first + slot], value, &self.find(value, &scope));
            }
        }
        Ok(evidence)
    }

    fn root(&self) -> Node<'a> {
        Node {
            doc: self.document,
            key: None,
            index: None,
        }
    }

    /// The combinations of the elements of some loops.
    fn scopes(&self, loops: &'a [Loop], keep_empty: bool) -> Vec<Scope<'a>> {
        let Some((innermost, outer)) = loops.split_last() else {
            return vec![Vec::new()];
        };
        let mut scopes = Vec::new();
        for scope in self.scopes(outer, keep_empty) {
            let parent = scope.last().copied().unwrap_or(Some(self.root()));
            let elements = parent.map_or_else(Vec::new, |parent| {
                let all = innermost.paths.iter().map(|path| self.select(parent, path));
                all.into_iter().find(|nodes| !nodes.is_empty()).unwrap_or_default()
            });
            if elements.is_empty() && keep_empty {
                scopes.push([scope.clone(), vec![None]].concat());
            }
            scopes.extend(
                elements
                    .into_iter()
                    .map(|element| [scope.clone(), vec![Some(element)]].concat()),
            );
        }
        scopes
    }

    fn rows(&self, feature: &'a Feature) -> Vec<Scope<'a>> {
        let passes = |scope: &Scope<'a>| {
            let current = scope.last().copied().unwrap_or(Some(self.root()));
            feature.filter.as_ref().is_none_or(|filter| self.holds(filter, current))
        };
        self.scopes(&feature.loops, feature.keep_empty)
            .into_iter()
            .filter(passes)
            .collect()
    }

    /// The combinations of the elements of the map's own loops, each of which has its ids.
    fn ids_of_combinations(&self, feature: &'a Feature) -> Result<Vec<Scope<'a>>, NoId> {
        let scopes = self.scopes(&feature.loops[..self.plan.shared_loops], feature.keep_empty);
        scopes.iter().try_for_each(|scope| self.ids(scope).map(drop))?;
        Ok(scopes)
    }

    fn ids(&self, scope: &Scope<'a>) -> Result<Vec<Cell>, NoId> {
        let id = |source: &'a IdSource| match source {
            IdSource::Value(value) if value.ty.is_none() => {
                let found = self.find(value, scope);
                if found.nodes.iter().all(|node| *node.doc == Doc::Null) {
                    Err(NoId)
                } else {
                    Ok(Cell::Null)
                }
            }
            IdSource::Value(value) => {
                let (cell, fits) = self.value(value, &self.find(value, scope));
                if fits && cell != Cell::Null {
                    Ok(cell)
                } else {
                    Err(NoId)
                }
            }
            // The one member that the tests have: both ways of naming it give the same.
            IdSource::BaseName | IdSource::Pattern(_) => Ok(Cell::Text("doc-1".to_owned())),
        };
        self.plan.ids.iter().map(|column| id(&column.source)).collect()
    }

    fn id_types(&self) -> Vec<ColumnType> {
        let string = ColumnType::Scalar(Scalar::String);
        let id = |source: &IdSource| {
            if let IdSource::Value(value) = source {
                value.ty.expect("typed")
            } else {
                string
            }
        };
        self.plan
            .ids
            .iter()
            .map(|column| id(&column.source))
            .chain([string, ColumnType::Scalar(Scalar::Int64)])
            .collect()
    }

    /// The cell of a column, and the texts of what does not fit in it.
    fn cell(&self, source: &'a ColumnSource, scope: &Scope<'a>) -> (Cell, Vec<String>) {
        match source {
            ColumnSource::Index { of } => {
                let index = scope[*of].and_then(|node| node.index);
                (index.map_or(Cell::Null, |index| Cell::Int(index as i64)), Vec::new())
            }
            ColumnSource::Key { of } => match scope[*of].and_then(|node| node.key) {
                None => (Cell::Null, Vec::new()),
                Some(Str { text: Some(text), .. }) => (Cell::Text(text.clone()), Vec::new()),
                Some(name) => (Cell::Null, vec![name.exact()]),
            },
            ColumnSource::Value(value) => {
                let found = self.find(value, scope);
                let (cell, misfits) = self.value_with_texts(value, &found);
                (
                    cell,
                    if value.mismatch == Mismatch::Rescue {
                        misfits
                    } else {
                        Vec::new()
                    },
                )
            }
        }
    }

    fn value(&self, value: &Value, found: &Found<'a>) -> (Cell, bool) {
        let (cell, misfits) = self.value_with_texts(value, found);
        (cell, misfits.is_empty())
    }

    fn value_with_texts(&self, value: &Value, found: &Found<'a>) -> (Cell, Vec<String>) {
        let ty = value.ty.expect("typed");
        let docs: Vec<&Doc> = found.nodes.iter().map(|node| node.doc).collect();
        if !found.bound {
            return (Cell::Null, Vec::new());
        }
        match (&value.take, ty) {
            (Some(Take::List), ColumnType::List(scalar)) => elements(docs.into_iter(), scalar, value.cast),
            (None | Some(Take::First), _) => one(docs.first().copied(), ty, value.cast),
            (Some(Take::Last), _) => one(docs.last().copied(), ty, value.cast),
            (Some(take), _) => match reduce(take, &docs, ty.scalar(), value.cast) {
                Some(cell) => (cell, Vec::new()),
                None => {
                    let texts: Vec<String> = docs.iter().map(|doc| doc.text()).collect();
                    (Cell::Null, vec![format!("[{}]", texts.join(","))])
                }
            },
        }
    }

    fn find(&self, value: &Value, scope: &Scope<'a>) -> Found<'a> {
        let start = |origin| match origin {
            Origin::Document => Some(self.root()),
            Origin::Loop(of) => scope[of],
        };
        let starts: Vec<_> = value
            .paths
            .iter()
            .filter_map(|path| Some((start(path.from)?, &path.path)))
            .collect();
        let all: Vec<_> = starts.iter().map(|(start, path)| self.select(*start, path)).collect();
        let something = all.iter().find(|nodes| nodes.iter().any(|node| *node.doc != Doc::Null));
        let nodes = something
            .or_else(|| all.iter().find(|nodes| !nodes.is_empty()))
            .cloned()
            .unwrap_or_default();
        Found {
            bound: !starts.is_empty(),
            nodes,
        }
    }

    fn select(&self, start: Node<'a>, path: &Path) -> Vec<Node<'a>> {
        let mut nodes = vec![start];
        for segment in &path.segments {
            let step = |node| {
                segment
                    .selectors
                    .iter()
                    .flat_map(move |selector| self.step(node, selector))
            };
            nodes = nodes.into_iter().flat_map(step).collect();
        }
        nodes
    }

    fn step(&self, node: Node<'a>, selector: &Selector) -> Vec<Node<'a>> {
        let children = children(node.doc);
        match selector {
            Selector::Name(name) => {
                let name = &self.plan.names[name.0 as usize];
                children
                    .into_iter()
                    .filter(|child| child.key.is_some_and(|key| key.text.as_ref() == Some(name)))
                    .collect()
            }
            Selector::Index(_) | Selector::Slice { .. } if !matches!(node.doc, Doc::Array(..)) => Vec::new(),
            Selector::Index(index) => {
                let index = if *index < 0 {
                    index + children.len() as i64
                } else {
                    *index
                };
                children
                    .into_iter()
                    .filter(|child| child.index.map(|at| at as i64) == Some(index))
                    .collect()
            }
            Selector::Slice { start, end, step } => sliced(children.len() as i64, *start, *end, *step)
                .into_iter()
                .map(|at| children[at as usize])
                .collect(),
            Selector::Wildcard => children,
            Selector::Filter(filter) => children
                .into_iter()
                .filter(|child| self.holds(filter, Some(*child)))
                .collect(),
        }
    }

    fn holds(&self, filter: &Filter, current: Option<Node<'a>>) -> bool {
        let select = |root: FilterRoot, path: &Path| {
            let start = if root == FilterRoot::Document {
                Some(self.root())
            } else {
                current
            };
            start.map_or_else(Vec::new, |start| self.select(start, path))
        };
        match filter {
            Filter::And(all) => !all.iter().any(|filter| !self.holds(filter, current)),
            Filter::Or(any) => any.iter().any(|filter| self.holds(filter, current)),
            Filter::Not(filter) => !self.holds(filter, current),
            Filter::Exists(path) => !select(path.root, &path.path).is_empty(),
            Filter::Compare { path, op, literal } => {
                let node = select(path.root, &path.path).first().map(|node| node.doc);
                let equal = node.is_some_and(|doc| equals(doc, literal));
                let less = node.is_some_and(|doc| less(doc, literal));
                let ordered = node.is_some_and(|doc| comparable(doc, literal));
                match op {
                    CompareOp::Equal => equal,
                    CompareOp::NotEqual => !equal,
                    CompareOp::Less => less,
                    CompareOp::LessOrEqual => less || equal,
                    CompareOp::Greater => ordered && !less && !equal,
                    CompareOp::GreaterOrEqual => equal || ordered && !less,
                }
            }
        }
    }
}

fn children(doc: &Doc) -> Vec<Node<'_>> {
    match doc {
        Doc::Array(_, elements) => {
            let element = |(index, doc)| Node {
                doc,
                key: None,
                index: Some(index),
            };
            elements.iter().enumerate().map(element).collect()
        }
        doc => doc
            .members()
            .into_iter()
            .map(|(key, doc)| Node {
                doc,
                key: Some(key),
                index: None,
            })
            .collect(),
    }
}

/// RFC 9535, section 2.3.4.2.2, as it is written there.
fn sliced(len: i64, start: Option<i64>, end: Option<i64>, step: i64) -> Vec<i64> {
    let normalize = |index: i64| if index >= 0 { index } else { len + index };
    let start = normalize(start.unwrap_or(if step >= 0 { 0 } else { len - 1 }));
    let end = end.map_or(if step >= 0 { len } else { -1 }, normalize);
    let mut chosen = Vec::new();
    if step > 0 {
        let (lower, upper) = (start.max(0).min(len), end.max(0).min(len));
        let mut at = lower;
        while at < upper {
            chosen.push(at);
            at += step;
        }
    } else if step < 0 {
        let (upper, lower) = (start.max(-1).min(len - 1), end.max(-1).min(len - 1));
        let mut at = upper;
        while lower < at {
            chosen.push(at);
            at += step;
        }
    }
    chosen
}

fn equals(doc: &Doc, literal: &Literal) -> bool {
    match (doc, literal) {
        (Doc::Null, Literal::Null) => true,
        (Doc::Bool(value), Literal::Bool(literal)) => value == literal,
        (Doc::Number(value), Literal::Number(literal)) => ordinal(value) == ordinal(literal),
        (Doc::String(value), Literal::String(literal)) => value.text.as_ref() == Some(literal),
        _ => false,
    }
}

fn comparable(doc: &Doc, literal: &Literal) -> bool {
    match (doc, literal) {
        (Doc::Number(_), Literal::Number(_)) => true,
        (Doc::String(value), Literal::String(_)) => value.text.is_some(),
        _ => false,
    }
}

fn less(doc: &Doc, literal: &Literal) -> bool {
    match (doc, literal) {
        (Doc::Number(value), Literal::Number(literal)) => ordinal(value) < ordinal(literal),
        (Doc::String(value), Literal::String(literal)) => {
            value.text.as_ref().is_some_and(|text| text.chars().lt(literal.chars()))
        }
        _ => false,
    }
}

/// How many digits a number is written out with on either side of its point. More than any test number needs.
const PLACES: usize = 520;

/// A number written out in full, without an exponent: whether it is negative, and its digits on both sides of the point.
fn written_out(text: &str) -> (bool, String, String) {
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut before = before.to_owned();
    let mut after = after.to_owned();
    let exponent: i64 = exponent.parse().expect("test exponents are small");
    for _ in 0..exponent {
        after.push('0');
        before.push(after.remove(0));
    }
    for _ in exponent..0 {
        before.insert(0, '0');
        after.insert(0, before.pop().expect("a digit"));
    }
    (
        negative,
        before.trim_start_matches('0').to_owned(),
        after.trim_end_matches('0').to_owned(),
    )
}

/// Something that orders as the number does.
fn ordinal(text: &str) -> (i8, String) {
    let (negative, before, after) = written_out(text);
    let digits = format!("{before:0>PLACES$}.{after:0<PLACES$}");
    match (negative, before.is_empty() && after.is_empty()) {
        (_, true) => (0, String::new()),
        (false, false) => (1, digits),
        // The nines' complement turns the order round.
        (true, false) => (
            -1,
            digits
                .chars()
                .map(|digit| digit.to_digit(10).map_or('.', |d| char::from(b'9' - d as u8)))
                .collect(),
        ),
    }
}

fn whole(text: &str) -> Option<i64> {
    let (negative, before, after) = written_out(text);
    let sign = if negative { "-" } else { "" };
    if !after.is_empty() {
        return None;
    }
    if before.is_empty() {
        Some(0)
    } else {
        format!("{sign}{before}").parse().ok()
    }
}

fn float(text: &str) -> Option<Cell> {
    let value: f64 = if text == "-0" {
        0.0
    } else {
        text.parse().expect("JSON numbers are Rust's")
    };
    value.is_finite().then(|| Cell::Float(value.to_bits()))
}

/// Whether `text` is a JSON number, as another parser sees it.
fn is_number(text: &str) -> bool {
    text.starts_with(|first: char| first == '-' || first.is_ascii_digit())
        && text.ends_with(|last: char| last.is_ascii_digit())
        && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

fn one(doc: Option<&Doc>, ty: ColumnType, cast: bool) -> (Cell, Vec<String>) {
    match (doc, ty) {
        (None | Some(Doc::Null), _) => (Cell::Null, Vec::new()),
        (Some(Doc::Array(_, docs)), ColumnType::List(scalar)) => elements(docs.iter(), scalar, cast),
        (Some(doc), ty) => match (scalar(doc, ty.scalar(), cast), ty) {
            (None, _) => (Cell::Null, vec![doc.text()]),
            (Some(cell), ColumnType::List(_)) => (Cell::List(vec![cell]), Vec::new()),
            (Some(cell), ColumnType::Scalar(_)) => (cell, Vec::new()),
        },
    }
}

fn elements<'d>(docs: impl Iterator<Item = &'d Doc>, ty: Scalar, cast: bool) -> (Cell, Vec<String>) {
    let mut misfits = Vec::new();
    let mut cells = Vec::new();
    for doc in docs {
        let cell = scalar(doc, ty, cast);
        misfits.extend(cell.is_none().then(|| doc.text()));
        cells.push(cell.unwrap_or(Cell::Null));
    }
    (Cell::List(cells), misfits)
}

/// The cell for a value; `None` if it does not fit.
fn scalar(doc: &Doc, ty: Scalar, cast: bool) -> Option<Cell> {
    match (doc, ty) {
        (Doc::Null, _) => Some(Cell::Null),
        (doc, Scalar::Json) => Some(Cell::Text(doc.text())),
        (Doc::Bool(value), Scalar::Bool) => Some(Cell::Bool(*value)),
        (Doc::Bool(value), Scalar::String) if cast => Some(Cell::Text(value.to_string())),
        (Doc::Number(text), Scalar::String) if cast => Some(Cell::Text(text.clone())),
        (Doc::Number(text), ty) => from_number(text, ty),
        (Doc::String(string), ty) => from_string(string.text.as_ref()?, ty, cast),
        _ => None,
    }
}

fn from_number(text: &str, ty: Scalar) -> Option<Cell> {
    match ty {
        Scalar::Int64 => whole(text).map(Cell::Int),
        Scalar::Float64 => float(text),
        Scalar::Timestamp { unit: Some(unit) } => {
            let places = match unit {
                TimeUnit::Second => 6,
                TimeUnit::Millisecond => 3,
                TimeUnit::Microsecond => 0,
            };
            let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
            let exponent: i64 = exponent.parse().expect("test exponents are small");
            whole(&format!("{mantissa}e{}", exponent + places)).map(Cell::Int)
        }
        _ => None,
    }
}

fn from_string(text: &str, ty: Scalar, cast: bool) -> Option<Cell> {
    // The times that the test documents have. 19_782 days lead from 1970-01-01 to 2024-02-29.
    let noon = (19_782 * 86_400 + 43_200) * 1_000_000;
    match (ty, text) {
        (Scalar::String, _) => Some(Cell::Text(text.to_owned())),
        (Scalar::Timestamp { unit: None }, "2024-02-29T12:00:00Z") => Some(Cell::Int(noon)),
        (Scalar::Timestamp { unit: None }, "2024-02-29T12:00:00.5+01:00") => Some(Cell::Int(noon - 3_599_500_000)),
        (Scalar::Datetime, "2024-02-29T12:00:00") => Some(Cell::Int(noon)),
        (Scalar::Date, "2024-02-29") => Some(Cell::Days(19_782)),
        (Scalar::Bool, "true") if cast => Some(Cell::Bool(true)),
        (Scalar::Bool, "false") if cast => Some(Cell::Bool(false)),
        (Scalar::Int64 | Scalar::Float64 | Scalar::Timestamp { unit: Some(_) }, text) if cast && is_number(text) => {
            from_number(text, ty)
        }
        _ => None,
    }
}

/// One cell of many values; `None` if it does not fit.
fn reduce(take: &Take, docs: &[&Doc], ty: Scalar, cast: bool) -> Option<Cell> {
    let text = matches!(take, Take::Join { .. });
    let element_type = if text { Scalar::String } else { ty };
    if *take == Take::Count {
        return Some(Cell::Int(docs.len() as i64));
    }
    let cells: Vec<Cell> = docs
        .iter()
        .map(|doc| scalar(doc, element_type, cast))
        .collect::<Option<_>>()?;
    let cells: Vec<Cell> = cells.into_iter().filter(|cell| *cell != Cell::Null).collect();
    if cells.is_empty() {
        return Some(Cell::Null);
    }
    match take {
        Take::Min => Some(extreme(cells, |left, right| left < right)),
        Take::Max => Some(extreme(cells, |left, right| left > right)),
        Take::Sum if ty == Scalar::Int64 => {
            let sum: i128 = cells
                .iter()
                .map(|cell| {
                    if let Cell::Int(value) = cell {
                        i128::from(*value)
                    } else {
                        0
                    }
                })
                .sum();
            sum.try_into().ok().map(Cell::Int)
        }
        Take::Sum => {
            let values = cells.iter().map(|cell| {
                if let Cell::Float(bits) = cell {
                    f64::from_bits(*bits)
                } else {
                    0.0
                }
            });
            let sum = values.reduce(|sum, value| sum + value).expect("there are some");
            sum.is_finite().then(|| Cell::Float(sum.to_bits()))
        }
        Take::Join { separator } => {
            let texts: Vec<String> = cells
                .into_iter()
                .map(|cell| {
                    if let Cell::Text(text) = cell {
                        text
                    } else {
                        String::new()
                    }
                })
                .collect();
            from_string(&texts.join(separator), ty, cast)
        }
        Take::List | Take::First | Take::Last | Take::Count => unreachable!("handled before"),
    }
}

fn extreme(cells: Vec<Cell>, beats: fn(&Comparable, &Comparable) -> bool) -> Cell {
    let better = |best: Cell, cell: Cell| {
        if beats(&comparable_cell(&cell), &comparable_cell(&best)) {
            cell
        } else {
            best
        }
    };
    cells.into_iter().reduce(better).expect("there are some")
}

#[derive(PartialEq, PartialOrd)]
enum Comparable {
    Whole(i64),
    Real(f64),
    Text(String),
}

fn comparable_cell(cell: &Cell) -> Comparable {
    match cell {
        Cell::Int(value) => Comparable::Whole(*value),
        Cell::Days(value) => Comparable::Whole(i64::from(*value)),
        Cell::Float(bits) => Comparable::Real(f64::from_bits(*bits)),
        Cell::Text(text) => Comparable::Text(text.clone()),
        other => unreachable!("{other:?} has no order"),
    }
}

fn column_type(source: &ColumnSource) -> ColumnType {
    match source {
        ColumnSource::Index { .. } => ColumnType::Scalar(Scalar::Int64),
        ColumnSource::Key { .. } => ColumnType::Scalar(Scalar::String),
        ColumnSource::Value(value) => value.ty.expect("typed"),
    }
}

/// The bytes that a cell counts.
fn width(cell: &Cell, ty: ColumnType) -> u64 {
    match (cell, ty) {
        (Cell::List(cells), ColumnType::List(scalar)) => {
            4 + cells
                .iter()
                .map(|cell| width(cell, ColumnType::Scalar(scalar)))
                .sum::<u64>()
        }
        (_, ColumnType::List(_)) => 4,
        (Cell::Text(text), _) => 4 + text.len() as u64,
        (_, ColumnType::Scalar(Scalar::String | Scalar::Json | Scalar::Date)) => 4,
        (_, ColumnType::Scalar(Scalar::Bool)) => 1,
        (_, ColumnType::Scalar(_)) => 8,
    }
}

fn note(slot: &mut SlotEvidence, value: &Value, found: &Found<'_>) {
    let docs: Vec<&Doc> = found.nodes.iter().map(|node| node.doc).collect();
    let looked_at = match value.take {
        Some(Take::List) => {
            docs.iter().for_each(|doc| slot.element(seen(doc)));
            &[]
        }
        None | Some(Take::First) => &docs[..docs.len().min(1)],
        Some(Take::Last) => &docs[docs.len().saturating_sub(1)..],
        Some(_) => &docs[..],
    };
    for doc in looked_at {
        match doc {
            Doc::Array(_, elements) => {
                slot.array();
                elements.iter().for_each(|element| slot.element(seen(element)));
            }
            doc => slot.value(seen(doc)),
        }
    }
}

fn seen(doc: &Doc) -> Seen {
    match doc {
        Doc::Null => Seen::Null,
        Doc::Bool(_) => Seen::Bool,
        Doc::String(text) if text.text.is_some() => Seen::String,
        Doc::String(_) | Doc::Array(..) | Doc::Object(..) => Seen::JsonOnly,
        Doc::Number(text) if text.contains(['.', 'e', 'E']) => match text.parse::<f64>() {
            Ok(value) if value.is_finite() => Seen::Fraction,
            _ => Seen::JsonOnly,
        },
        Doc::Number(text) => match text.parse::<i64>() {
            Err(_) => Seen::HugeInt,
            Ok(value) if (-(1 << 53)..=1 << 53).contains(&value) => Seen::Int,
            Ok(_) => Seen::WideInt,
        },
    }
}

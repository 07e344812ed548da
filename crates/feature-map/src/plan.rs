//! The checked form of a feature map: what a worker needs to turn a document into rows.
//!
//! A [`Plan`] holds no text that still has to be parsed and no name that still has to be looked up. It travels to the
//! workers as it is (it is `serde`), and a plan whose every column has a type is what fixes the dataset's schema.

use serde::{Deserialize, Serialize};

use crate::trie::Trie;

/// A checked feature map.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The id columns, which come first in every table, in this order. Never empty.
    pub ids: Vec<IdColumn>,
    /// Whether every table also carries `_member` and `_line`, after the ids.
    pub provenance: bool,
    /// How many of every feature's first loops are the map's own (`for` at its top). Ids may use these loops' names.
    pub shared_loops: usize,
    /// The features, in the order of the map.
    pub features: Vec<Feature>,
    /// The member names that paths mention; a [`NameId`] is an index into it. Unescaped, and each one once.
    pub names: Vec<String>,
    /// Every path of the map, merged: what a document walk has to keep.
    pub trie: Trie,
}

/// A name of [`Plan::names`], by its position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NameId(pub u32);

/// One id column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IdColumn {
    /// The column's name.
    pub name: String,
    /// Where its value comes from.
    pub source: IdSource,
}

/// Where an id comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum IdSource {
    /// The member's base name without its extension (`.json`, `.ndjson`, `.jsonl`, and `.gz` or `.zst` after it).
    BaseName,
    /// The first capture group of this regular expression over the member's whole name.
    Pattern(String),
    /// A value of the document. Its paths start at the document or at one of the map's own loops.
    Value(Value),
}

/// One table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Feature {
    /// The table's name, as in `feature=NAME` before percent-encoding.
    pub name: String,
    /// The loops, outermost first, the map's own before the feature's. Without any, a document is one row.
    pub loops: Vec<Loop>,
    /// Rows whose innermost element (the document, without loops) does not pass are dropped.
    pub filter: Option<Filter>,
    /// Whether a loop that finds nothing gives one row whose values under that loop are null.
    ///
    /// `filter` sees such a row with an `@` from which every path selects nothing.
    pub keep_empty: bool,
    /// The feature's own columns, after the ids and the provenance, in the order of the map.
    pub columns: Vec<Column>,
}

/// One loop of a feature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Loop {
    /// The name that later loops and columns use for the loop's element.
    pub name: String,
    /// Where the elements are, from the element of the loop before it (from the document for the first): the first of
    /// these that selects any node. Never empty.
    pub paths: Vec<Path>,
}

/// One column of a feature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// The column's name.
    pub name: String,
    /// What it holds.
    pub source: ColumnSource,
}

/// What a column holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ColumnSource {
    /// The position, from 0, of a loop's element in the array it came from; null for a member of an object. `int64`.
    Index {
        /// The loop, as an index into [`Feature::loops`].
        of: usize,
    },
    /// The member name by which a loop's element was reached; null for an element of an array. `string`.
    Key {
        /// The loop, as an index into [`Feature::loops`].
        of: usize,
    },
    /// A value of the document.
    Value(Value),
}

/// A value that is looked up, reduced and typed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Value {
    /// Where it is: the first of these that gives something not null. Never empty.
    pub paths: Vec<ValuePath>,
    /// How several matches become one value. `None` for paths that are all singular (they have at most one match);
    /// [`Take::List`] is what a path that is not singular has without a `take`.
    pub take: Option<Take>,
    /// The column's type; `None` until it is inferred. With [`Take::List`] always a list, or `json` elements in one.
    pub ty: Option<ColumnType>,
    /// Whether number ↔ string and bool ↔ string are converted, by exact text.
    pub cast: bool,
    /// What happens to a value that does not fit the type.
    pub mismatch: Mismatch,
}

/// A path and the node it starts at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ValuePath {
    /// Where the path starts.
    pub from: Origin,
    /// The path.
    pub path: Path,
}

/// The node at which a path starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Origin {
    /// The document, `$`.
    Document,
    /// The element of a loop, as an index into [`Feature::loops`].
    Loop(usize),
}

/// A JSONPath (RFC 9535) without its start: the segments that follow `$` or a loop's name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Path {
    /// The segments; empty for the start itself.
    pub segments: Vec<Segment>,
    /// The path as it was written, its start included: for messages. The resolved map has a spelling of its own.
    pub text: String,
}

impl Path {
    /// Whether the path can match at most one node: it has only names and indices (RFC 9535, section 2.3.5.1).
    pub fn is_singular(&self) -> bool {
        self.segments
            .iter()
            .all(|segment| matches!(segment.selectors.as_slice(), [Selector::Name(_) | Selector::Index(_)]))
    }
}

/// A child segment: the selectors between one pair of brackets, in order (several are a union).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// The selectors. Never empty. Their results follow one another, repeats included (RFC 9535, section 2.5.1.2).
    pub selectors: Vec<Selector>,
}

/// A selector (RFC 9535, section 2.3).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Selector {
    /// The member of an object with this name.
    Name(NameId),
    /// The element of an array at this position; negative counts from the end.
    Index(i64),
    /// `start:end:step` over an array (RFC 9535, section 2.3.4).
    Slice {
        /// Where to start; `None` is the first element in the step's direction.
        start: Option<i64>,
        /// Where to stop, not included; `None` is beyond the last element in the step's direction.
        end: Option<i64>,
        /// The step; may be negative; 0 selects nothing.
        step: i64,
    },
    /// All elements of an array, or all values of an object in document order.
    Wildcard,
    /// The elements or values for which the filter holds.
    Filter(Filter),
}

/// A filter's condition (RFC 9535, section 2.3.5, without functions).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Filter {
    /// All hold.
    And(Vec<Filter>),
    /// At least one holds.
    Or(Vec<Filter>),
    /// It does not hold.
    Not(Box<Filter>),
    /// The path selects at least one node (a null is a node).
    Exists(FilterPath),
    /// The path's node compares so with the literal; the path is singular and is the left side.
    Compare {
        /// The left side.
        path: FilterPath,
        /// How.
        op: CompareOp,
        /// The right side.
        literal: Literal,
    },
}

/// A path inside a filter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FilterPath {
    /// Where it starts.
    pub root: FilterRoot,
    /// The path.
    pub path: Path,
}

/// Where a path inside a filter starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FilterRoot {
    /// `@`: the node under test.
    Current,
    /// `$`: the document.
    Document,
}

/// A comparison (RFC 9535, section 2.3.5.2.2). A path that selects nothing is only `!=` to every literal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CompareOp {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// A literal in a filter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Literal {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as it was written (it may exceed every machine type).
    Number(String),
    /// A string, unescaped.
    String(String),
}

/// How several matches become one value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Take {
    /// All of them, as a list; nulls are elements.
    List,
    /// The first, null included.
    First,
    /// The last, null included.
    Last,
    /// How many; 0 of nothing. `int64`.
    Count,
    /// The least that is not null.
    Min,
    /// The greatest that is not null.
    Max,
    /// The sum of those that are not null; null of nothing; one that overflows does not fit.
    Sum,
    /// Those that are not null, joined. `string`.
    Join {
        /// What stands between two of them.
        separator: String,
    },
}

/// What happens to a value that does not fit. The cell is null either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mismatch {
    /// A line goes to `rescued.ndjson`.
    Rescue,
    /// Nothing is kept.
    Ignore,
}

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ColumnType {
    /// One value.
    Scalar(Scalar),
    /// A list of values, each of which may be null.
    List(Scalar),
}

/// The type of one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Scalar {
    /// A number that is whole and fits 64 bits. Arrow `Int64`.
    Int64,
    /// A finite number, correctly rounded. Arrow `Float64`.
    Float64,
    /// `true` or `false`. Arrow `Boolean`.
    Bool,
    /// A string. Arrow `Utf8`.
    String,
    /// An instant. Arrow `Timestamp(Microsecond, "UTC")`.
    Timestamp {
        /// `None`: a string, ISO 8601 / RFC 3339 with an offset or `Z`. `Some`: a number of these since 1970.
        unit: Option<TimeUnit>,
    },
    /// A wall-clock time: a string, ISO 8601 / RFC 3339 without an offset. Arrow `Timestamp(Microsecond)`.
    Datetime,
    /// A day: a string `YYYY-MM-DD`. Arrow `Date32`.
    Date,
    /// Any value, as its exact text. Arrow `Utf8`.
    Json,
}

/// The unit of a number that is an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TimeUnit {
    /// Seconds.
    Second,
    /// Milliseconds.
    Millisecond,
    /// Microseconds.
    Microsecond,
}

//! The tables of a draft.

use std::collections::VecDeque;

use tarquet_feature_map::Seen;
use tarquet_feature_map::plan::{ColumnType, Scalar};
use tarquet_feature_map::writing::member_step;

use super::names::{Taken, loop_name, snake_case};
use crate::node::{Lengths, Node, NodeId};
use crate::profile::{Profile, share};

/// More tables are not made: a map is there to be read.
pub(super) const MOST_TABLES: usize = 60;

/// More columns does no table get; what is left becomes `json`, or is left out.
const MOST_COLUMNS: usize = 250;

/// Where such a share of values is of one kind, what the others are is left out.
const MOST: f64 = 0.9;

/// An object at the root that so few documents have gets no table: all other documents would have a row of nulls in it.
const RARE: f64 = 0.01;

/// More loops does no table get.
const MOST_LOOPS: usize = 5;

/// Names that no column may have.
pub(super) const RESERVED: [&str; 4] = ["feature", "_member", "_line", "_archive"];

/// A table of a draft.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) loops: Vec<Loop>,
    pub(super) columns: Vec<Column>,
    /// How many rows: those of all documents of the sample together.
    pub(super) rows: u64,
}

/// A loop of a table.
#[derive(Debug, Clone)]
pub(super) struct Loop {
    pub(super) name: String,
    /// The first that selects anything counts.
    pub(super) paths: Vec<String>,
    is_map: bool,
}

/// A column of a table.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) source: Source,
    /// How often it is there, among the rows.
    pub(super) presence: f64,
    pub(super) examples: Vec<String>,
    /// What there is to say besides.
    pub(super) remark: Option<String>,
}

/// Where a column's values come from.
#[derive(Debug)]
pub(super) enum Source {
    Index(String),
    Key(String),
    Path { path: String, ty: String },
}

/// Makes tables.
pub(super) struct Tables<'p> {
    profile: &'p mut Profile,
    names: Taken,
    id: String,
    /// The member of documents that is the id already.
    known: Option<String>,
    /// How many tables are made at the most.
    most: usize,
    pub(super) done: Vec<Table>,
    pub(super) left_out: usize,
}

/// A table that is yet to be made.
struct Plan {
    /// Names for it, the best first.
    candidates: Vec<String>,
    loops: Vec<Loop>,
    /// What its rows are.
    row: NodeId,
    /// Whether the objects at the root's members have tables of their own.
    is_root: bool,
    /// Where below the innermost element `row` is: of a table without loops, an object at the root.
    start: Option<String>,
    rows: u64,
}

/// The columns of a table, while they are made.
#[derive(Default)]
pub(super) struct Columns {
    list: Vec<Column>,
    taken: Taken,
    /// Tables for what is below.
    below: Vec<Plan>,
}

impl<'p> Tables<'p> {
    /// The tables for a profile whose id column has this name; it is the member `known` of documents, if it is one.
    pub(super) fn of(profile: &'p mut Profile, id: &str, known: Option<&str>, most: usize) -> Tables<'p> {
        let root = profile.root();
        let rows = profile.documents();
        let mut tables = Tables {
            profile,
            names: Taken::default(),
            id: id.to_owned(),
            known: known.map(str::to_owned),
            most,
            done: Vec::new(),
            left_out: 0,
        };
        let mut ahead = VecDeque::from([Plan {
            candidates: vec!["document".to_owned()],
            loops: Vec::new(),
            row: root,
            is_root: true,
            start: None,
            rows,
        }]);
        // What is near the root comes first: there it is decided what is too much.
        while let Some(plan) = ahead.pop_front() {
            ahead.extend(tables.table(plan));
        }
        if tables.done.is_empty() {
            tables.whole_documents();
        }
        tables
    }

    /// Of documents in which nothing can be told apart.
    fn whole_documents(&mut self) {
        let columns = vec![Column {
            name: "document".to_owned(),
            source: path("$".to_owned(), "json".to_owned()),
            presence: 1.0,
            examples: Vec::new(),
            remark: Some("the whole document".to_owned()),
        }];
        self.done.push(Table {
            name: "document".to_owned(),
            loops: Vec::new(),
            columns,
            rows: self.profile.documents(),
        });
    }

    /// Makes a table, if it has columns; gives those for what is below it.
    fn table(&mut self, plan: Plan) -> Vec<Plan> {
        let mut columns = Columns {
            taken: Taken::with(RESERVED.into_iter().chain([self.id.as_str()])),
            ..Columns::default()
        };
        for element in &plan.loops {
            columns.position_of(element);
        }
        let positions = columns.list.len();
        let start = match (&plan.start, plan.loops.last()) {
            (Some(start), _) => start.clone(),
            (None, Some(innermost)) => innermost.name.clone(),
            (None, None) => "$".to_owned(),
        };
        let is_map_of_objects = plan.loops.last().is_some_and(|innermost| innermost.is_map)
            && self.profile.node(plan.row).kinds.objects > 0;
        let at = At {
            path: start,
            words: Vec::new(),
            rows: plan.rows,
        };
        self.value(&mut columns, &plan, plan.row, &at);
        let has_own = columns.list.len() > positions || (is_map_of_objects && columns.below.is_empty());
        if has_own {
            if self.done.len() >= self.most {
                self.left_out += 1;
            } else {
                let name = self.names.take(plan.candidates.clone());
                self.done.push(Table {
                    name,
                    loops: plan.loops,
                    columns: columns.list,
                    rows: plan.rows,
                });
            }
        }
        columns.below
    }

    /// Adds the columns for a value, or plans tables for it.
    fn value(&mut self, columns: &mut Columns, plan: &Plan, id: NodeId, at: &At) {
        let node = self.profile.node(id);
        let kinds = node.kinds;
        let element = self.profile.element(node);
        let has_objects_in_arrays = element.is_some_and(|element| {
            let kinds = element.kinds;
            kinds.objects > 0 && share(kinds.objects, kinds.present()) >= MOST
        });
        let is_row_itself = at.words.is_empty();
        let is_most = |count: u64| count > 0 && share(count, kinds.present()) >= MOST;
        match () {
            () if kinds.present() == 0 && is_row_itself => {}
            // Objects, and hardly anything else.
            () if is_most(kinds.objects) && (node.any.is_none() || kinds.arrays == 0) => {
                if node.any.is_some() {
                    self.map(columns, plan, id, at);
                } else if node.members.is_empty() {
                    if !is_row_itself {
                        columns.json(node, at);
                    }
                } else if plan.is_root && at.words.len() == 1 && share(kinds.objects, plan.rows) < RARE {
                    self.left_out += 1;
                } else if plan.is_root && at.words.len() == 1 {
                    columns.below.push(Plan {
                        candidates: candidates(&at.words),
                        loops: Vec::new(),
                        row: id,
                        is_root: false,
                        start: Some(at.path.clone()),
                        rows: plan.rows,
                    });
                } else {
                    self.members(columns, plan, id, at);
                }
            }
            // Arrays of objects, or lone ones in their place.
            () if has_objects_in_arrays && is_most(kinds.arrays + kinds.objects) => {
                self.array(columns, plan, id, at);
            }
            () => columns.scalar(node, element, at),
        }
    }

    /// The columns of an object's members.
    fn members(&mut self, columns: &mut Columns, plan: &Plan, id: NodeId, at: &At) {
        let members = self.profile.node(id).members.clone();
        for (name, child) in &members {
            if columns.list.len() >= MOST_COLUMNS {
                columns.remark_of_more();
                return;
            }
            if has_lone_surrogate(name) {
                // No path can name it.
                continue;
            }
            if plan.is_root && at.words.is_empty() && self.known.as_ref() == Some(name) {
                continue;
            }
            let is_twin = |other: &str| other != name && snake_case(other) == snake_case(name);
            let has_twin = members.iter().any(|(other, _)| is_twin(other));
            let word = if has_twin { spelled(name) } else { name.clone() };
            self.value(columns, plan, *child, &at.member(name, word));
        }
    }

    /// Plans a table for the members of an object that is used as a map.
    fn map(&mut self, columns: &mut Columns, plan: &Plan, id: NodeId, at: &At) {
        let node = self.profile.node(id);
        let (Some(any), sizes) = (node.any, node.sizes) else {
            return;
        };
        if plan.loops.len() >= MOST_LOOPS {
            return columns.json(node, at);
        }
        let element = plan.next_loop(at, vec![format!("{}.*", at.path)], true);
        columns.below.push(plan.below(at, element, any, sizes));
    }

    /// Plans a table for the elements of arrays, or for lone objects in their place.
    fn array(&mut self, columns: &mut Columns, plan: &Plan, id: NodeId, at: &At) {
        let node = self.profile.node(id);
        let (Some(element), lengths) = (node.element, node.lengths) else {
            return;
        };
        if plan.loops.len() >= MOST_LOOPS {
            return columns.json(node, at);
        }
        let lone = node.kinds.objects;
        if lone == 0 {
            let next = plan.next_loop(at, vec![format!("{}[:]", at.path)], false);
            return columns.below.push(plan.below(at, next, element, lengths));
        }
        self.profile.absorb_lone(id);
        let next = plan.next_loop(at, vec![format!("{}[:]", at.path), at.path.clone()], false);
        let rows = Lengths {
            total: lengths.total + lone,
            ..lengths
        };
        columns.below.push(plan.below(at, next, element, rows));
    }
}

/// Where a value is, below the row of a table.
#[derive(Clone)]
struct At {
    /// The path from the row's name.
    path: String,
    /// The names on the way.
    words: Vec<String>,
    /// How many rows there are.
    rows: u64,
}

impl At {
    /// The member of this name, which columns call so.
    fn member(&self, name: &str, word: String) -> At {
        At {
            path: format!("{}{}", self.path, member_step(name)),
            words: self.words.iter().cloned().chain([word]).collect(),
            rows: self.rows,
        }
    }
}

impl Plan {
    /// A loop below the row of this table.
    fn next_loop(&self, at: &At, paths: Vec<String>, is_map: bool) -> Loop {
        let word = at.words.last().map_or("element", String::as_str);
        let mut taken = Taken::with(self.loops.iter().map(|outer| outer.name.as_str()));
        Loop {
            name: taken.take([loop_name(word)]),
            paths,
            is_map,
        }
    }

    /// The table of such a loop.
    fn below(&self, at: &At, next: Loop, row: NodeId, rows: Lengths) -> Plan {
        let words: Vec<String> = match at.words.is_empty() {
            // A map or an array in the place of a row.
            true => self.candidates.first().cloned().into_iter().collect(),
            false => at.words.clone(),
        };
        let mut candidates = candidates(&words);
        if let (Some(own), Some(outer)) = (candidates.last().cloned(), self.candidates.first()) {
            candidates.push(format!("{outer}_{own}"));
        }
        Plan {
            candidates,
            loops: self.loops.iter().cloned().chain([next]).collect(),
            row,
            is_root: false,
            start: None,
            rows: rows.total,
        }
    }
}

/// A name with its first sign spelled out, so that `$id` and `id` are two names of columns.
fn spelled(name: &str) -> String {
    let signs = [('$', "dollar "), ('@', "at "), ('#', "hash "), ('_', "under ")];
    let sign = signs
        .iter()
        .find_map(|(sign, word)| Some(format!("{word}{}", name.strip_prefix(*sign)?)));
    sign.unwrap_or_else(|| name.to_owned())
}

/// Whether a name may have had half of a surrogate pair, which is then in it as it was written.
fn has_lone_surrogate(name: &str) -> bool {
    let mut escapes = name.match_indices("\\u");
    escapes.any(|(at, _)| {
        name.get(at + 2..at + 4).is_some_and(|digits| {
            matches!(
                digits.as_bytes(),
                [b'd' | b'D', b'8' | b'9' | b'a'..=b'f' | b'A'..=b'F']
            )
        })
    })
}

/// Names for a table of what is at the end of these names: the last, the last two, and so on.
fn candidates(words: &[String]) -> Vec<String> {
    let from_end = (0..words.len()).rev();
    from_end.map(|from| snake_case(&words[from..].join(" "))).collect()
}

fn path(path: String, ty: String) -> Source {
    Source::Path { path, ty }
}

impl Columns {
    /// The column that says which element of a loop a row is of.
    fn position_of(&mut self, element: &Loop) {
        let (name, source) = match element.is_map {
            true => (element.name.clone(), Source::Key(element.name.clone())),
            false => (format!("{}_index", element.name), Source::Index(element.name.clone())),
        };
        let name = self.taken.take([name]);
        self.list.push(Column {
            name,
            source,
            presence: 1.0,
            examples: Vec::new(),
            remark: None,
        });
    }

    /// A column of scalars, of lists of them, or of whatever it may be.
    fn scalar(&mut self, node: &Node, element: Option<&Node>, at: &At) {
        let (ty, is_json) = match (Columns::scalar_type(node), node.evidence(element).column_type()) {
            (Some(ty), _) => (ty, false),
            (None, ColumnType::List(scalar)) => (format!("list<{}>", list_scalar(element, scalar)), false),
            (None, ty) => (ty.to_string(), true),
        };
        let remark = match (node.kinds.present(), is_json) {
            (0, _) => Some("nothing but null so far".to_owned()),
            (_, true) => Some(kinds_of(node)),
            _ => None,
        };
        let examples = match element.filter(|_| node.kinds.arrays > 0) {
            Some(element) if !is_json => &element.examples,
            _ => &node.examples,
        };
        self.add(node, at, ty, examples.clone(), remark);
    }

    /// A column of the exact text.
    fn json(&mut self, node: &Node, at: &At) {
        let remark = Some(kinds_of(node));
        self.add(node, at, "json".to_owned(), Vec::new(), remark);
    }

    fn add(&mut self, node: &Node, at: &At, ty: String, examples: Vec<String>, remark: Option<String>) {
        let name = match at.words.is_empty() {
            true => "value".to_owned(),
            false => snake_case(&at.words.join(" ")),
        };
        let name = self.taken.take([name]);
        self.list.push(Column {
            name,
            source: path(at.path.clone(), ty),
            presence: share(node.kinds.present(), at.rows),
            examples,
            remark,
        });
    }

    fn remark_of_more(&mut self) {
        if let Some(last) = self.list.last_mut() {
            last.remark = Some(format!(
                "the last of {MOST_COLUMNS}; there are more members, which have no column"
            ));
        }
    }

    /// The type of a column of scalars; `None` for all else.
    pub(super) fn scalar_type(node: &Node) -> Option<String> {
        if node.kinds.arrays + node.kinds.objects > 0 || node.kinds.present() == 0 {
            return None;
        }
        match node.evidence(None).column_type() {
            ColumnType::Scalar(Scalar::Json) => None,
            ColumnType::Scalar(Scalar::String) => Some(time_type(node).unwrap_or("string").to_owned()),
            ty => Some(ty.to_string()),
        }
    }
}

/// The type of a list's elements.
fn list_scalar(element: Option<&Node>, scalar: Scalar) -> String {
    let time = element.filter(|_| scalar == Scalar::String).and_then(time_type);
    time.map_or_else(|| ColumnType::Scalar(scalar).to_string(), str::to_owned)
}

/// The type of strings that are all times.
fn time_type(node: &Node) -> Option<&'static str> {
    let strings = node.kinds.of(Seen::String);
    let times = node.times;
    [
        (times.instants, "timestamp"),
        (times.wall_clocks, "datetime"),
        (times.days, "date"),
    ]
    .into_iter()
    .find_map(|(count, ty)| (count == strings && count > 0).then_some(ty))
}

/// What a column of exact texts has, for people.
fn kinds_of(node: &Node) -> String {
    let kinds = node.kinds;
    let parts = [
        (kinds.objects, "object"),
        (kinds.arrays, "array"),
        (kinds.scalars(), "scalar"),
    ];
    let parts: Vec<&str> = parts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(_, name)| name)
        .collect();
    parts.join(" or ")
}

//! Random plans, as a map could have made them, and random documents that fit their names.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Map, Value as Json};

use crate::names::Names;
use crate::plan::*;
use crate::trie::Trie;

/// Member names; few, so that paths and documents meet, and awkward ones among them.
const NAMES: [&str; 12] = [
    "a",
    "b",
    "c",
    "_x1",
    "é",
    "a b",
    "it's",
    "\"q\"",
    "back\\slash",
    "tab\tnew\nline",
    "0",
    "",
];

/// The largest trie of a random plan. Wildcards and unions multiply, and a large one shows nothing that a small one hides.
const MOST_NODES: usize = 3000;

/// Names of features and columns that YAML could take for something else.
const LABELS: [&str; 14] = [
    "plain",
    "null",
    "yes",
    "1",
    "3.5",
    "with space",
    "it's",
    "a: b",
    "# no",
    "-",
    "é\u{2028}",
    "tab\t",
    "x.y",
    "~",
];

pub(crate) fn names() -> impl Strategy<Value = NameId> {
    (0..NAMES.len() as u32).prop_map(NameId)
}

pub(crate) fn selector(depth: u32) -> BoxedStrategy<Selector> {
    let bound = || option::of(-3_i64..4);
    let simple = prop_oneof![
        5 => names().prop_map(Selector::Name),
        2 => (-3_i64..4).prop_map(Selector::Index),
        1 => (bound(), bound(), -2_i64..3).prop_map(|(start, end, step)| Selector::Slice { start, end, step }),
        2 => Just(Selector::Wildcard),
    ];
    if depth == 0 {
        return simple.boxed();
    }
    prop_oneof![6 => simple, 1 => filter(depth - 1).prop_map(Selector::Filter)].boxed()
}

pub(crate) fn path(depth: u32) -> BoxedStrategy<Path> {
    let segment = prop_oneof![
        9 => selector(depth).prop_map(|selector| vec![selector]),
        1 => vec(selector(depth), 2..4),
    ];
    vec(segment.prop_map(|selectors| Segment { selectors }), 0..4)
        .prop_map(untold)
        .boxed()
}

fn singular_path() -> BoxedStrategy<Path> {
    let selector = prop_oneof![3 => names().prop_map(Selector::Name), 1 => (-3_i64..4).prop_map(Selector::Index)];
    vec(
        selector.prop_map(|selector| Segment {
            selectors: vec![selector],
        }),
        0..4,
    )
    .prop_map(untold)
    .boxed()
}

fn untold(segments: Vec<Segment>) -> Path {
    Path {
        segments,
        text: String::new(),
    }
}

pub(crate) fn filter(depth: u32) -> BoxedStrategy<Filter> {
    let root = || prop_oneof![3 => Just(FilterRoot::Current), 1 => Just(FilterRoot::Document)];
    let exists = (root(), path(depth)).prop_map(|(root, path)| Filter::Exists(FilterPath { root, path }));
    let compare =
        (root(), singular_path(), compare_op(), literal()).prop_map(|(root, path, op, literal)| Filter::Compare {
            path: FilterPath { root, path },
            op,
            literal,
        });
    let atom = prop_oneof![exists, compare];
    atom.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 2..4).prop_map(Filter::And),
            vec(inner.clone(), 2..4).prop_map(Filter::Or),
            inner.prop_map(|inner| Filter::Not(Box::new(inner))),
        ]
    })
    .boxed()
}

fn compare_op() -> impl Strategy<Value = CompareOp> {
    use CompareOp::*;
    proptest::sample::select(vec![Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual])
}

fn literal() -> impl Strategy<Value = Literal> {
    let numbers = [
        "0",
        "-0",
        "31",
        "-1.50",
        "1e400",
        "12345678901234567890",
        "0.1E-7",
        "2e+3",
    ];
    prop_oneof![
        Just(Literal::Null),
        any::<bool>().prop_map(Literal::Bool),
        proptest::sample::select(numbers.to_vec()).prop_map(|number| Literal::Number(number.to_owned())),
        "\\PC{0,3}|['\"\\\\\n\t\u{1}]{0,3}".prop_map(Literal::String),
    ]
}

fn scalar() -> impl Strategy<Value = Scalar> {
    use TimeUnit::*;
    let timestamps = [None, Some(Second), Some(Millisecond), Some(Microsecond)].map(|unit| Scalar::Timestamp { unit });
    let others = [
        Scalar::Int64,
        Scalar::Float64,
        Scalar::Bool,
        Scalar::String,
        Scalar::Datetime,
        Scalar::Date,
        Scalar::Json,
    ];
    proptest::sample::select([timestamps.as_slice(), &others].concat())
}

/// A type that goes with this `take`.
fn type_for(take: Option<Take>) -> BoxedStrategy<(Option<Take>, Option<ColumnType>)> {
    let single = scalar().prop_map(ColumnType::Scalar);
    let list = scalar().prop_map(ColumnType::List);
    let with = |scalars: &[Scalar]| {
        option::of(proptest::sample::select(scalars.to_vec()).prop_map(ColumnType::Scalar)).boxed()
    };
    let ty = match &take {
        None | Some(Take::First | Take::Last) => option::of(prop_oneof![single, list]).boxed(),
        Some(Take::List) => option::of(list).boxed(),
        Some(Take::Count) => Just(Some(ColumnType::Scalar(Scalar::Int64))).boxed(),
        Some(Take::Join { .. }) => Just(Some(ColumnType::Scalar(Scalar::String))).boxed(),
        Some(Take::Sum) => with(&[Scalar::Int64, Scalar::Float64]),
        Some(Take::Min | Take::Max) => with(&[Scalar::Int64, Scalar::String, Scalar::Date]),
    };
    ty.prop_map(move |ty| (take.clone(), ty)).boxed()
}

fn plural_take() -> impl Strategy<Value = Take> {
    let join = "\\PC{0,2}|\n|'".prop_map(|separator| Take::Join { separator });
    let plain = [
        Take::List,
        Take::First,
        Take::Last,
        Take::Count,
        Take::Min,
        Take::Max,
        Take::Sum,
    ];
    prop_oneof![6 => proptest::sample::select(plain.to_vec()), 2 => join]
}

/// A value whose paths start at the document or at one of the first `loops` loops.
fn value(loops: usize, singular: bool) -> BoxedStrategy<Value> {
    let one = if singular {
        singular_path()
    } else {
        prop_oneof![singular_path(), path(1)].boxed()
    };
    let origin = (0..=loops).prop_map(|of| of.checked_sub(1).map_or(Origin::Document, Origin::Loop));
    let paths = vec((origin, one).prop_map(|(from, path)| ValuePath { from, path }), 1..3);
    let mismatch = prop_oneof![Just(Mismatch::Rescue), Just(Mismatch::Ignore)];
    (paths, plural_take(), any::<bool>(), mismatch)
        .prop_flat_map(|(paths, take, cast, mismatch)| {
            let take = paths.iter().any(|path| !path.path.is_singular()).then_some(take);
            type_for(take).prop_map(move |(take, ty)| Value {
                paths: paths.clone(),
                take,
                ty,
                cast,
                mismatch,
            })
        })
        .boxed()
}

fn id(loops: usize) -> BoxedStrategy<IdSource> {
    let scalar_only = |value: &Value| !matches!(value.ty, Some(ColumnType::List(_)));
    prop_oneof![
        Just(IdSource::BaseName),
        Just(IdSource::Pattern("(it's \"it\"\\.)?$".to_owned())),
        value(loops, true)
            .prop_filter("an id is no list", scalar_only)
            .prop_map(|value| IdSource::Value(Value {
                mismatch: Mismatch::Rescue,
                ..value
            })),
    ]
    .boxed()
}

fn loops(count: usize) -> impl Strategy<Value = Vec<Vec<Path>>> {
    vec(vec(path(1), 1..3), count)
}

/// A feature's own loops, its filter, whether it keeps empty loops, and its columns.
type FeatureParts = (Vec<Vec<Path>>, Option<Filter>, bool, Vec<ColumnSource>);

fn feature(shared: usize) -> BoxedStrategy<FeatureParts> {
    (0_usize..3)
        .prop_flat_map(move |own| {
            let all = shared + own;
            let column = match all {
                0 => value(0, false).prop_map(ColumnSource::Value).boxed(),
                _ => prop_oneof![
                    4 => value(all, false).prop_map(ColumnSource::Value),
                    1 => (0..all).prop_map(|of| ColumnSource::Index { of }),
                    1 => (0..all).prop_map(|of| ColumnSource::Key { of }),
                ]
                .boxed(),
            };
            (loops(own), option::of(filter(1)), any::<bool>(), vec(column, 1..4))
        })
        .boxed()
}

/// A whole plan, with its names in the order in which a map's reader meets them.
pub(crate) fn plan() -> BoxedStrategy<Plan> {
    (0_usize..3)
        .prop_flat_map(|shared| {
            (
                loops(shared),
                vec(id(shared), 1..3),
                any::<bool>(),
                vec(feature(shared), 1..4),
            )
        })
        .prop_filter_map("the trie stays small", |(shared, ids, provenance, features)| {
            let ids = ids.into_iter().enumerate();
            let plan = Plan {
                ids: ids
                    .map(|(position, source)| IdColumn {
                        name: format!("id{position}"),
                        source,
                    })
                    .collect(),
                provenance,
                shared_loops: shared.len(),
                features: features
                    .into_iter()
                    .enumerate()
                    .map(|parts| assemble(&shared, parts))
                    .collect(),
                names: NAMES.map(str::to_owned).to_vec(),
                trie: Trie::default(),
            };
            in_reading_order(plan)
        })
        .boxed()
}

fn assemble(shared: &[Vec<Path>], (position, parts): (usize, FeatureParts)) -> Feature {
    let (own, filter, keep_empty, columns) = parts;
    let loops = shared.iter().cloned().chain(own).enumerate();
    let label = |position: usize| LABELS[position % LABELS.len()];
    Feature {
        name: format!("{}{position}", label(position * 5)),
        loops: loops
            .map(|(position, paths)| Loop {
                name: format!("null{position}"),
                paths,
            })
            .collect(),
        filter,
        keep_empty,
        columns: columns
            .into_iter()
            .enumerate()
            .map(|(at, source)| Column {
                name: label(position * 3 + at).to_owned(),
                source,
            })
            .collect(),
    }
}

/// Renumbers the names as they are met: the map's loops, its ids, then each feature's loops, filter and columns.
fn in_reading_order(mut plan: Plan) -> Option<Plan> {
    let mut renaming = Renaming {
        old: std::mem::take(&mut plan.names),
        new: Names::default(),
    };
    let shared = plan.shared_loops;
    // The first feature's copies of the map's loops stand for all; later ones meet no new names.
    plan.features[0].loops[..shared]
        .iter_mut()
        .for_each(|a_loop| renaming.paths(&mut a_loop.paths));
    for id in &mut plan.ids {
        if let IdSource::Value(value) = &mut id.source {
            renaming.value(value);
        }
    }
    for (position, feature) in plan.features.iter_mut().enumerate() {
        let done = if position == 0 { shared } else { 0 };
        feature.loops[done..]
            .iter_mut()
            .for_each(|a_loop| renaming.paths(&mut a_loop.paths));
        feature.filter.iter_mut().for_each(|filter| renaming.filter(filter));
        for column in &mut feature.columns {
            if let ColumnSource::Value(value) = &mut column.source {
                renaming.value(value);
            }
        }
    }
    plan.names = renaming.new.into_list();
    plan.trie = Trie::compile(&plan)
        .ok()
        .filter(|trie| trie.nodes.len() <= MOST_NODES)?;
    Some(plan)
}

struct Renaming {
    old: Vec<String>,
    new: Names,
}

impl Renaming {
    fn value(&mut self, value: &mut Value) {
        value.paths.iter_mut().for_each(|path| self.path(&mut path.path));
    }

    fn paths(&mut self, paths: &mut [Path]) {
        paths.iter_mut().for_each(|path| self.path(path));
    }

    fn path(&mut self, path: &mut Path) {
        for selector in path.segments.iter_mut().flat_map(|segment| &mut segment.selectors) {
            match selector {
                Selector::Name(name) => *name = self.new.intern(&self.old[name.0 as usize]),
                Selector::Filter(filter) => self.filter(filter),
                Selector::Index(_) | Selector::Slice { .. } | Selector::Wildcard => {}
            }
        }
    }

    fn filter(&mut self, filter: &mut Filter) {
        match filter {
            Filter::And(parts) | Filter::Or(parts) => parts.iter_mut().for_each(|part| self.filter(part)),
            Filter::Not(inner) => self.filter(inner),
            Filter::Exists(path) | Filter::Compare { path, .. } => self.path(&mut path.path),
        }
    }
}

/// A document over the same names.
pub(crate) fn document() -> BoxedStrategy<Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Bool),
        (-3_i64..40).prop_map(Json::from),
        "[a-c]{0,2}".prop_map(Json::String),
    ];
    leaf.prop_recursive(4, 40, 4, |inner| {
        let member = (proptest::sample::select(NAMES.to_vec()), inner.clone());
        let object = vec(member, 0..5).prop_map(|members| {
            Json::Object(
                members
                    .into_iter()
                    .map(|(k, v)| (k.to_owned(), v))
                    .collect::<Map<_, _>>(),
            )
        });
        prop_oneof![object, vec(inner, 0..4).prop_map(Json::Array)]
    })
    .boxed()
}

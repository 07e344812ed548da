//! Random feature maps over the names that random documents have.

use proptest::prelude::*;
use proptest::sample::select;
use tarquet_feature_map::Plan;

/// A path's text after its start.
fn segments(singular: bool) -> impl Strategy<Value = String> {
    let steps = select(vec![
        ".a",
        ".b",
        ".c",
        "['a']",
        "['\u{e9}']",
        "['']",
        "[0]",
        "[1]",
        "[-1]",
        "[7]",
    ]);
    let many = select(vec![
        "[*]",
        "[*]",
        "[*]",
        "[*]",
        "[*]",
        "[*]",
        ".*",
        ".*",
        "[:]",
        "[1:]",
        "[:-1]",
        "[-2:]",
        "[::-1]",
        "[::2]",
        "[5:0:-2]",
        "['a','b']",
        "[0,0]",
        "['b',-1]",
        "[*,0]",
        "[?@.a]",
        "[?@.a == 1]",
        "[?@ > 1.5]",
        "[?@ <= 31]",
        "[?@ == 'a' || @ == 'x']",
        "[?@.b != null]",
        "[?!@.c && @[0] != true]",
        "[?@[*]]",
        "[?$.a == 1]",
        "[?@ >= 9007199254740993]",
        "[?@ < 'b']",
        "[?@ == 1e400]",
        "[?@['a'] == 'RUB']",
    ]);
    let steps = steps.prop_map(str::to_owned).boxed();
    let any = prop_oneof![1 => steps.clone(), 1 => many.prop_map(str::to_owned)].boxed();
    prop::collection::vec(if singular { steps } else { any }, 0..3).prop_map(|parts| parts.concat())
}

/// A loop's path: it should select something now and then.
fn loop_segments() -> impl Strategy<Value = String> {
    let often = select(vec!["[*]", ".*", ".a[*]", ".b.*", ".a", "[:]", "['a','b']"]).prop_map(str::to_owned);
    prop_oneof![4 => often, 1 => segments(false)]
}

fn scalar() -> impl Strategy<Value = &'static str> {
    select(vec![
        "int64",
        "float64",
        "bool",
        "string",
        "json",
        "timestamp",
        "datetime",
        "date",
    ])
}

/// A value, as the body of a mapping in YAML's flow style. Its paths start at `$` or at one of `names`.
fn value(names: Vec<String>) -> impl Strategy<Value = String> {
    let start = select([vec!["$".to_owned()], names.clone(), names].concat());
    let path =
        move |singular: bool| (start.clone(), segments(singular)).prop_map(|(start, rest)| format!("{start}{rest}"));
    let one = (prop::collection::vec(path(true), 1..3), ty(), any::<bool>(), mismatch());
    let one = one.prop_map(|(paths, ty, cast, mismatch)| format!("path: {}{ty}, cast: {cast}{mismatch}", list(&paths)));
    let many = (
        prop::collection::vec(path(false), 1..3),
        take(),
        any::<bool>(),
        mismatch(),
    );
    let many =
        many.prop_map(|(paths, take, cast, mismatch)| format!("path: {}{take}, cast: {cast}{mismatch}", list(&paths)));
    prop_oneof![one, many]
}

fn list(paths: &[String]) -> String {
    let quoted: Vec<String> = paths
        .iter()
        .map(|path| serde_json::to_string(path).expect("text"))
        .collect();
    if let [path] = quoted.as_slice() {
        path.clone()
    } else {
        format!("[{}]", quoted.join(", "))
    }
}

fn mismatch() -> impl Strategy<Value = &'static str> {
    prop_oneof![3 => Just(""), 1 => Just(", mismatch: ignore")]
}

/// A type, or none.
fn ty() -> impl Strategy<Value = String> {
    let unit = select(vec!["s", "ms", "us"]);
    prop_oneof![
        2 => Just(String::new()),
        4 => scalar().prop_map(|ty| format!(", type: {ty}")),
        3 => scalar().prop_map(|ty| format!(", type: 'list<{ty}>'")),
        1 => unit.clone().prop_map(|unit| format!(", type: timestamp, unit: {unit}")),
        1 => unit.prop_map(|unit| format!(", type: 'list<timestamp>', unit: {unit}")),
    ]
}

/// A `take` with a type that goes with it.
fn take() -> impl Strategy<Value = String> {
    let listed = scalar().prop_map(|ty| format!(", type: 'list<{ty}>'"));
    let ordered = select(vec!["int64", "float64", "string", "timestamp", "date", "datetime"]);
    prop_oneof![
        2 => Just(String::new()),
        2 => listed,
        2 => (select(vec!["first", "last"]), ty()).prop_map(|(take, ty)| format!(", take: {take}{ty}")),
        1 => Just(", take: count".to_owned()),
        2 => (select(vec!["min", "max"]), ordered).prop_map(|(take, ty)| format!(", take: {take}, type: {ty}")),
        1 => select(vec!["int64", "float64"]).prop_map(|ty| format!(", take: sum, type: {ty}")),
        1 => select(vec!["min", "max", "sum"]).prop_map(|take| format!(", take: {take}")),
        1 => select(vec!["", ", sep: ' | '", ", type: string", ", type: int64", ", type: float64", ", type: bool"])
            .prop_map(|rest| format!(", take: join{rest}")),
    ]
}

fn column(names: Vec<String>) -> BoxedStrategy<String> {
    if names.is_empty() {
        return value(names).boxed();
    }
    let position =
        (select(vec!["index", "key"]), select(names.clone())).prop_map(|(what, name)| format!("{what}: {name}"));
    prop_oneof![1 => position, 4 => value(names)].boxed()
}

/// Loops called `{prefix}0`, `{prefix}1`, …, the first from `outer` (the document, where that is empty).
fn loops(prefix: &'static str, outer: String, count: usize) -> impl Strategy<Value = Vec<(String, String)>> {
    let alternatives = prop::collection::vec(loop_segments(), 1..3);
    prop::collection::vec(alternatives, count).prop_map(move |all| {
        let mut start = if outer.is_empty() {
            "$".to_owned()
        } else {
            outer.clone()
        };
        let mut loops = Vec::new();
        for (at, alternatives) in all.into_iter().enumerate() {
            let paths: Vec<String> = alternatives.iter().map(|rest| format!("{start}{rest}")).collect();
            start = format!("{prefix}{at}");
            loops.push((start.clone(), list(&paths)));
        }
        loops
    })
}

fn for_text(loops: &[(String, String)]) -> String {
    let each: Vec<String> = loops.iter().map(|(name, paths)| format!("{name}: {paths}")).collect();
    if each.is_empty() {
        String::new()
    } else {
        format!("for: {{{}}}, ", each.join(", "))
    }
}

fn condition() -> impl Strategy<Value = &'static str> {
    let conditions = [
        "@.a",
        "!@.a",
        "@.a != 1",
        "@ == 'a' || @.b",
        "$.a && !(@ == null)",
        "@[0] >= 0 || @.c < 'x' || !@.b",
    ];
    prop_oneof![3 => Just(""), 1 => select(conditions.to_vec())]
}

fn feature(shared: Vec<String>) -> impl Strategy<Value = String> {
    (0usize..3).prop_flat_map(move |count| {
        let mut names = shared.clone();
        names.extend((0..count).map(|at| format!("l{at}")));
        let columns = prop::collection::vec(column(names), 1..5);
        let outer = shared.last().cloned().unwrap_or_default();
        (loops("l", outer, count), condition(), any::<bool>(), columns).prop_map(
            |(loops, condition, keep_empty, columns)| {
                let columns: Vec<String> = columns
                    .iter()
                    .enumerate()
                    .map(|(at, body)| format!("c{at}: {{{body}}}"))
                    .collect();
                let condition = if condition.is_empty() {
                    String::new()
                } else {
                    format!("where: \"{condition}\", ")
                };
                format!(
                    "{{{}{condition}keep_empty: {keep_empty}, columns: {{{}}}}}",
                    for_text(&loops),
                    columns.join(", ")
                )
            },
        )
    })
}

fn id(shared: Vec<String>) -> impl Strategy<Value = String> {
    let pattern = Just("[{column: file, pattern: '([^/]+)[.]json$'}, other]".to_owned());
    let start = select([vec!["$".to_owned()], shared.clone(), shared].concat());
    let types = select(vec![
        "",
        ", type: string",
        ", type: int64",
        ", type: float64",
        ", type: bool",
        ", type: date",
    ]);
    let typed = (start, segments(true), types, any::<bool>()).prop_map(|(start, rest, ty, cast)| {
        format!("{{column: key, path: {}{ty}, cast: {cast}}}", list(&[start + &rest]))
    });
    let easy = select(vec!["$.a", "$"]).prop_map(|path| format!("[file, {{column: key, path: {path}, type: json}}]"));
    prop_oneof![4 => Just("file".to_owned()), 1 => pattern, 3 => typed, 3 => easy]
}

/// A feature map that is valid, with its text.
pub(crate) fn any_plan() -> impl Strategy<Value = (String, Plan)> {
    let map = (0usize..2, any::<bool>()).prop_flat_map(|(count, provenance)| {
        let shared: Vec<String> = (0..count).map(|at| format!("s{at}")).collect();
        let features = prop::collection::vec(feature(shared.clone()), 1..3);
        (loops("s", String::new(), count), id(shared), features).prop_map(move |(loops, id, features)| {
            let features: Vec<String> = features
                .iter()
                .enumerate()
                .map(|(at, body)| format!("f{at}: {body}"))
                .collect();
            format!(
                "{{version: 1, id: {id}, provenance: {provenance}, {}features: {{{}}}}}",
                for_text(&loops),
                features.join(", ")
            )
        })
    });
    map.prop_filter_map("valid", |text| {
        tarquet_feature_map::parse("map.yaml", &text)
            .ok()
            .map(|plan| (text, plan))
    })
}

//! What maps mean, case by case, under every engine.

mod common;

use std::sync::Arc;

use common::cells::{Cell, rows};
use common::{MEMBER, flights, plan, project};
use proptest::prelude::*;
use tarquet_feature_map::{Evidence, Plan};
use tarquet_projection::{DocumentErrorKind, EngineKind, MAX_DOCUMENT_BYTES, Origin, Projected, Projector, Rescued};

fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

fn texts(all: &[&str]) -> Cell {
    Cell::List(all.iter().map(|one| text(one)).collect())
}

fn float(value: f64) -> Cell {
    Cell::Float(value.to_bits())
}

/// The rows of one document, the same under every engine.
fn projected(plan: &Plan, document: &str) -> Projected {
    let [reference, others @ ..] = EngineKind::ALL.map(|engine| project(plan, engine, document.as_bytes()));
    for other in others {
        assert_eq!(reference, other, "{document}");
    }
    reference.unwrap_or_else(|error| panic!("{document}: {error}"))
}

/// The rows of a feature, without the id.
fn table(plan: &Plan, projected: &Projected, feature: &str) -> Vec<Vec<Cell>> {
    let position = plan
        .features
        .iter()
        .position(|known| known.name == feature)
        .expect("the map has the feature");
    let batch = projected.batches.iter().find(|(of, _)| *of == position);
    let rows = batch.map_or_else(Vec::new, |(_, batch)| rows(batch));
    rows.into_iter().map(|row| row[plan.ids.len()..].to_vec()).collect()
}

/// What one column, given as the body of a mapping, makes of a document, and the texts that it rescues.
fn column(body: &str, document: &str) -> (Cell, Vec<String>) {
    let plan = plan(&format!("{{version: 1, id: id, features: {{f: {{{body}}}}}}}"));
    let projected = projected(&plan, document);
    let [row] = table(&plan, &projected, "f").try_into().expect("one row a document");
    let [cell] = row.try_into().expect("one column");
    (
        cell,
        projected
            .rescued
            .iter()
            .map(|rescued| rescued.value.to_owned())
            .collect(),
    )
}

#[test]
fn paths_select_what_rfc_9535_says() {
    // Most of the cases are the RFC's own examples.
    let object = r#"{"o": {"j j": {"k.k": 3}}, "'": {"@": 2}}"#;
    let letters = r#"["a","b","c","d","e","f","g"]"#;
    let filters = r#"{"a":[3,5,1,2,4,6,{"b":"j"},{"b":"k"},{"b":{}},{"b":"kilo"}],"o":{"p":1,"q":2,"r":3,"s":5,"t":{"u":6}},"e":"f"}"#;
    let nulls = r#"{"a": null, "b": [null], "c": [{}], "null": 1}"#;
    let cases: [(&str, &str, &[&str]); 46] = [
        ("$.o['j j'][*]", object, &["3"]),
        ("$[\"'\"][*]", object, &["2"]),
        ("$[*][*]", object, &[r#"{"k.k": 3}"#, "2"]),
        ("$[1:3]", letters, &["\"b\"", "\"c\""]),
        ("$[5:]", letters, &["\"f\"", "\"g\""]),
        ("$[1:5:2]", letters, &["\"b\"", "\"d\""]),
        ("$[5:1:-2]", letters, &["\"f\"", "\"d\""]),
        (
            "$[::-1]",
            letters,
            &["\"g\"", "\"f\"", "\"e\"", "\"d\"", "\"c\"", "\"b\"", "\"a\""],
        ),
        ("$[0:2:0]", letters, &[]),
        ("$[-2:]", letters, &["\"f\"", "\"g\""]),
        ("$[:-5]", letters, &["\"a\"", "\"b\""]),
        ("$[-100:2]", letters, &["\"a\"", "\"b\""]),
        ("$[100:-100:-3]", letters, &["\"g\"", "\"d\"", "\"a\""]),
        ("$[3:1]", letters, &[]),
        ("$[0,3]", letters, &["\"a\"", "\"d\""]),
        ("$[0:2,5]", letters, &["\"a\"", "\"b\"", "\"f\""]),
        ("$[0,0]", letters, &["\"a\"", "\"a\""]),
        ("$[-1,-8]", letters, &["\"g\""]),
        ("$['a',0]", letters, &["\"a\""]),
        ("$.a[?@.b == 'kilo']", filters, &[r#"{"b":"kilo"}"#]),
        ("$.a[?(@.b == 'kilo')]", filters, &[r#"{"b":"kilo"}"#]),
        ("$.a[?@>3.5]", filters, &["5", "4", "6"]),
        (
            "$.a[?@.b]",
            filters,
            &[r#"{"b":"j"}"#, r#"{"b":"k"}"#, r#"{"b":{}}"#, r#"{"b":"kilo"}"#],
        ),
        (
            "$[?@[*]]",
            filters,
            &[
                r#"[3,5,1,2,4,6,{"b":"j"},{"b":"k"},{"b":{}},{"b":"kilo"}]"#,
                r#"{"p":1,"q":2,"r":3,"s":5,"t":{"u":6}}"#,
            ],
        ),
        ("$.a[?@<2 || @.b == \"k\"]", filters, &["1", r#"{"b":"k"}"#]),
        ("$.o[?@>1 && @<4]", filters, &["2", "3"]),
        ("$.o[?@.u || @.x]", filters, &[r#"{"u":6}"#]),
        (
            "$.a[?@.b != 'j' && @.b]",
            filters,
            &[r#"{"b":"k"}"#, r#"{"b":{}}"#, r#"{"b":"kilo"}"#],
        ),
        ("$.a[?@ >= 'a']", filters, &[]),
        ("$.a[?@.b >= 'k']", filters, &[r#"{"b":"k"}"#, r#"{"b":"kilo"}"#]),
        ("$.a[?$.e == 'f' && @ == 3]", filters, &["3"]),
        ("$.a[?!@.b][?@]", filters, &[]),
        ("$[?@ == null]", nulls, &["null"]),
        ("$[?@ <= null]", nulls, &["null"]),
        ("$[?@ < null]", nulls, &[]),
        ("$[?@.x == null]", nulls, &[]),
        ("$[?@.x != null]", nulls, &["null", "[null]", "[{}]", "1"]),
        ("$.b[?@ == null]", nulls, &["null"]),
        ("$.b[?@]", nulls, &["null"]),
        ("$.a[*]", nulls, &[]),
        ("$.c[*].x", nulls, &[]),
        ("$.a.*", nulls, &[]),
        ("$.null[*]", nulls, &[]),
        ("$['null','a']", nulls, &["1", "null"]),
        ("$[?@ == true]", "[true, false, 1, \"true\"]", &["true"]),
        (
            "$[?@ == 1.0]",
            "[1, 1.0, 10e-1, \"1\", 2, 1.00000000000000000001]",
            &["1", "1.0", "10e-1"],
        ),
    ];
    for (path, document, expected) in cases {
        let body = format!(
            "path: {}, type: 'list<json>'",
            serde_json::to_string(path).expect("text")
        );
        let expected: Vec<Cell> = expected
            .iter()
            .map(|one| if *one == "null" { Cell::Null } else { text(one) })
            .collect();
        assert_eq!(column(&body, document), (Cell::List(expected), Vec::new()), "{path}");
    }
}

#[test]
fn values_fit_their_types_or_are_rescued() {
    let int = Cell::Int;
    let cases: [(&str, &str, Option<Cell>); 71] = [
        ("int64", "3.0", Some(int(3))),
        ("int64", "1e2", Some(int(100))),
        ("int64", "-0.0", Some(int(0))),
        ("int64", "-0", Some(int(0))),
        ("int64", "3.5", None),
        ("int64", "1e30", None),
        ("int64", "9223372036854775807", Some(int(i64::MAX))),
        ("int64", "-9223372036854775808", Some(int(i64::MIN))),
        ("int64", "9223372036854775808", None),
        ("int64", "9007199254740993.0", Some(int(9_007_199_254_740_993))),
        ("int64", "\"3\"", None),
        ("int64", "true", None),
        ("int64", "[3]", None),
        ("float64", "3", Some(float(3.0))),
        ("float64", "-0", Some(float(0.0))),
        ("float64", "-0.0", Some(float(-0.0))),
        ("float64", "0.1", Some(float(0.1))),
        ("float64", "9007199254740993", Some(float(9_007_199_254_740_992.0))),
        (
            "float64",
            "123456789012345678901234567890",
            Some(float(1.234_567_890_123_456_8e29)),
        ),
        ("float64", "1e400", None),
        ("float64", "1e-400", Some(float(0.0))),
        ("float64", "\"1.5\"", None),
        ("bool", "true", Some(Cell::Bool(true))),
        ("bool", "0", None),
        ("bool", "\"true\"", None),
        ("string", "\"caf\\u00e9\"", Some(text("café"))),
        ("string", "\"\\ud83d\\ude00\"", Some(text("😀"))),
        ("string", "\"\\ud83d\"", None),
        ("string", "3", None),
        ("string", "{}", None),
        ("json", "\"\\ud83d\"", Some(text("\"\\ud83d\""))),
        (
            "json",
            "{ \"a\" : [ 1e0 , \"\\u0041\" ] }",
            Some(text("{ \"a\" : [ 1e0 , \"\\u0041\" ] }")),
        ),
        ("json", "1.50", Some(text("1.50"))),
        ("json", "-0", Some(text("-0"))),
        ("date", "\"2024-02-29\"", Some(Cell::Days(19_782))),
        ("date", "\"2023-02-29\"", None),
        ("date", "\"2024-02-29T00:00:00\"", None),
        ("datetime", "\"1970-01-01T00:00:01.5\"", Some(int(1_500_000))),
        ("datetime", "\"1970-01-01T00:00:01Z\"", None),
        ("timestamp", "\"1970-01-01T00:00:01.5Z\"", Some(int(1_500_000))),
        ("timestamp", "\"1970-01-01T01:00:00+01:00\"", Some(int(0))),
        ("timestamp", "\"1970-01-01T00:00:01\"", None),
        ("timestamp", "1", None),
        ("timestamp, unit: s", "1.5", Some(int(1_500_000))),
        ("timestamp, unit: s", "-1e-6", Some(int(-1))),
        ("timestamp, unit: s", "0.0000001", None),
        ("timestamp, unit: ms", "1700000000123", Some(int(1_700_000_000_123_000))),
        ("timestamp, unit: us", "7", Some(int(7))),
        ("timestamp, unit: us", "7.5", None),
        ("timestamp, unit: s", "9223372036855", None),
        ("timestamp, unit: s", "\"1970-01-01T00:00:01Z\"", None),
        ("int64, cast: true", "\"3.0\"", Some(int(3))),
        ("int64, cast: true", "\" 3\"", None),
        ("int64, cast: true", "\"03\"", None),
        ("int64, cast: true", "\"\"", None),
        ("int64, cast: true", "true", None),
        ("float64, cast: true", "\"1e1\"", Some(float(10.0))),
        ("float64, cast: true", "\"NaN\"", None),
        ("float64, cast: true", "\"-0\"", Some(float(0.0))),
        ("string, cast: true", "1.50", Some(text("1.50"))),
        ("string, cast: true", "-0", Some(text("-0"))),
        ("string, cast: true", "false", Some(text("false"))),
        ("string, cast: true", "[]", None),
        ("bool, cast: true", "\"false\"", Some(Cell::Bool(false))),
        ("bool, cast: true", "\"False\"", None),
        ("bool, cast: true", "1", None),
        ("timestamp, unit: ms, cast: true", "\"1.001\"", Some(int(1_001))),
        ("'list<int64>'", "[1, 2.0]", Some(Cell::List(vec![int(1), int(2)]))),
        ("'list<int64>'", "7", Some(Cell::List(vec![int(7)]))),
        ("'list<int64>'", "[]", Some(Cell::List(Vec::new()))),
        ("'list<json>'", "[[1 ,2], {}]", Some(texts(&["[1 ,2]", "{}"]))),
    ];
    for (ty, value, expected) in cases {
        let document = format!("{{\"v\": {value}}}");
        let rescued = if expected.is_none() {
            vec![value.to_owned()]
        } else {
            Vec::new()
        };
        let found = column(&format!("path: $.v, type: {ty}"), &document);
        assert_eq!(
            found,
            (expected.clone().unwrap_or(Cell::Null), rescued),
            "{ty}: {value}"
        );
        let ignored = column(&format!("path: $.v, type: {ty}, mismatch: ignore"), &document);
        assert_eq!(ignored, (expected.unwrap_or(Cell::Null), Vec::new()), "{ty}: {value}");
        assert_eq!(
            column(&format!("path: $.v, type: {ty}"), "{\"v\": null}"),
            (Cell::Null, Vec::new())
        );
        assert_eq!(
            column(&format!("path: '$.v.w[0]', type: {ty}"), &document),
            (Cell::Null, Vec::new())
        );
    }
}

#[test]
fn an_element_that_does_not_fit_is_null_and_rescued_alone() {
    let (cell, rescued) = column(
        "path: $.v, type: 'list<int64>'",
        r#"{"v": [1, null, "x", [2], 3.5, 4]}"#,
    );
    let expected = [
        Cell::Int(1),
        Cell::Null,
        Cell::Null,
        Cell::Null,
        Cell::Null,
        Cell::Int(4),
    ];
    assert_eq!(cell, Cell::List(expected.to_vec()));
    assert_eq!(rescued, ["\"x\"", "[2]", "3.5"]);
    assert_eq!(
        column("path: $.v, type: 'list<int64>'", r#"{"v": "x"}"#),
        (Cell::Null, vec!["\"x\"".to_owned()])
    );
}

#[test]
fn several_matches_become_one_value_by_take() {
    let document = r#"{"n": [{"v": 3}, {"v": null}, {}, {"v": 1.5}, {"v": 2}], "s": [{"v": "b"}, {"v": "é"}, {"v": "a"}], "e": [],
        "big": [{"v": 9223372036854775807}, {"v": 1}, {"v": -1}], "max": [{"v": 1e308}, {"v": 1e308}],
        "zero": [-0.0, -0.0]}"#;
    let null = || (Cell::Null, Vec::new());
    let fits = |cell| (cell, Vec::new());
    let cases = [
        (
            "path: '$.n[*].v'",
            fits(Cell::List(vec![float(3.0), Cell::Null, float(1.5), float(2.0)])),
        ),
        ("path: '$.e[*].v', type: 'list<int64>'", fits(Cell::List(Vec::new()))),
        ("path: '$.none[*]', type: 'list<int64>'", fits(Cell::List(Vec::new()))),
        ("path: '$.n[*].v', take: first, type: int64", fits(Cell::Int(3))),
        ("path: '$.n[1:].v', take: first, type: int64", null()),
        ("path: '$.n[*].v', take: last, type: int64", fits(Cell::Int(2))),
        ("path: '$.e[*].v', take: last, type: int64", null()),
        ("path: '$.n[*].v', take: count", fits(Cell::Int(4))),
        ("path: '$.e[*].v', take: count", fits(Cell::Int(0))),
        ("path: '$.n[*].v', take: min, type: float64", fits(float(1.5))),
        ("path: '$.n[*].v', take: max, type: float64", fits(float(3.0))),
        ("path: '$.n[*].v', take: sum, type: float64", fits(float(6.5))),
        (
            "path: '$.n[*].v', take: sum, type: int64",
            (Cell::Null, vec!["[3,null,1.5,2]".to_owned()]),
        ),
        ("path: '$.e[*].v', take: sum, type: int64", null()),
        ("path: '$.n[1:3].v', take: max, type: int64", null()),
        ("path: '$.s[*].v', take: min, type: string", fits(text("a"))),
        ("path: '$.s[*].v', take: max, type: string", fits(text("é"))),
        ("path: '$.big[*].v', take: sum, type: int64", fits(Cell::Int(i64::MAX))),
        (
            "path: '$.big[:2].v', take: sum, type: int64",
            (Cell::Null, vec!["[9223372036854775807,1]".to_owned()]),
        ),
        (
            "path: '$.max[*].v', take: sum, type: float64",
            (Cell::Null, vec!["[1e308,1e308]".to_owned()]),
        ),
        ("path: '$.s[*].v', take: join", fits(text("b,é,a"))),
        ("path: '$.s[*].v', take: join, sep: ' | '", fits(text("b | é | a"))),
        (
            "path: '$.n[*].v', take: join",
            (Cell::Null, vec!["[3,null,1.5,2]".to_owned()]),
        ),
        ("path: '$.n[*].v', take: join, cast: true", fits(text("3,1.5,2"))),
        (
            "path: '$.n[:1].v', take: join, cast: true, type: int64",
            fits(Cell::Int(3)),
        ),
        (
            "path: '$.n[*].v', take: join, cast: true, type: int64",
            (Cell::Null, vec!["[3,null,1.5,2]".to_owned()]),
        ),
        ("path: '$.e[*].v', take: join", null()),
        ("path: '$.zero[*]', take: sum, type: float64", fits(float(-0.0))),
        ("path: '$.zero[*]', take: min, type: float64", fits(float(-0.0))),
        ("path: '$.zero[*]', take: sum, type: int64", fits(Cell::Int(0))),
    ];
    for (body, expected) in cases {
        let typed = body.contains("type") || body.contains("take");
        let body = if typed {
            body.to_owned()
        } else {
            format!("{body}, type: 'list<float64>'")
        };
        assert_eq!(column(&body, document), expected, "{body}");
    }
}

#[test]
fn the_first_path_that_gives_something_is_chosen_before_typing() {
    let document = r#"{"a": null, "b": "x", "c": 1, "l": [null], "k": [null, null], "m": [], "n": [2, null]}"#;
    let cases = [
        (
            "path: [$.a, $.b, $.c], type: int64",
            (Cell::Null, vec!["\"x\"".to_owned()]),
        ),
        ("path: [$.a, $.none, $.c], type: int64", (Cell::Int(1), Vec::new())),
        ("path: [$.a, $.none], type: int64", (Cell::Null, Vec::new())),
        (
            "path: ['$.m[*]', '$.l[*]', '$.n[*]'], type: 'list<int64>'",
            (Cell::List(vec![Cell::Int(2), Cell::Null]), Vec::new()),
        ),
        (
            "path: ['$.m[*]', '$.l[*]'], type: 'list<int64>'",
            (Cell::List(vec![Cell::Null]), Vec::new()),
        ),
        (
            "path: ['$.m[*]', $.c], type: 'list<int64>'",
            (Cell::List(vec![Cell::Int(1)]), Vec::new()),
        ),
        ("path: ['$.l[*]', '$.k[*]'], take: count", (Cell::Int(1), Vec::new())),
        ("path: ['$.l[*]', '$.n[*]'], take: count", (Cell::Int(2), Vec::new())),
    ];
    for (body, expected) in cases {
        assert_eq!(column(body, document), expected, "{body}");
    }
}

#[test]
fn a_repeated_name_keeps_its_first_place_and_its_last_value() {
    let map = plan(
        "{version: 1, id: id, features: {a: {path: $.a, type: int64}, all: {for: {m: '$.*'}, columns: {k: {key: m}, v: {path: m, type: json}}}, \
         deep: {path: $.o.x, type: json}}}",
    );
    let found = projected(
        &map,
        r#"{"a": {"x": 0}, "b": 2, "\u0061": 3, "o": {"x": 1}, "b": [4], "o": {"y": 1}}"#,
    );
    assert_eq!(table(&map, &found, "a"), [[Cell::Int(3)]]);
    let expected = [
        [text("a"), text("3")],
        [text("b"), text("[4]")],
        [text("o"), text("{\"y\": 1}")],
    ];
    assert_eq!(table(&map, &found, "all"), expected);
    assert_eq!(table(&map, &found, "deep"), [[Cell::Null]]);
}

/// So many rows ask for so much of a large object that looking at all its members each time would take hours.
#[test]
fn rows_that_ask_for_parts_of_a_large_object_do_not_search_all_of_it() {
    let many = 200_000;
    let map = plan(
        "{version: 1, id: id, features: {all: {for: {m: '$.m.*'}, columns: {k: {key: m}, v: {path: m.x, type: int64}}}, \
         one: {for: {r: '$.r[*]'}, where: '$.m.main.x == 7 && $.m[?@.x == 7] && !$.m[?@.y] && @ < 3', columns: \
         {v: {path: r, type: int64}, main: {path: [r.none, $.m.main.x], type: int64}, last: {path: ['r.none', '$.r[-2]'], type: int64}}}}}",
    );
    let members: String = (0..many).map(|at| format!("\"k{at}\": {{\"x\": 1}}, ")).collect();
    let rows: String = (0..many).map(|at| format!("{}, ", at % 4)).collect();
    let document = format!("{{\"m\": {{{members}\"main\": {{\"x\": 7}}}}, \"r\": [{rows}9]}}");
    let found = projected(&map, &document);
    assert_eq!(found.rows, [many + 1, many / 4 * 3]);
    let row = |v| vec![Cell::Int(v), Cell::Int(7), Cell::Int(i64::from((many - 1) % 4))];
    assert_eq!(table(&map, &found, "one")[..4], [row(0), row(1), row(2), row(0)]);
}

#[test]
fn names_with_lone_surrogates_are_members_without_a_name() {
    let map = plan(
        "{version: 1, id: id, features: {all: {for: {m: '$.*'}, columns: {k: {key: m}, v: {path: m, type: int64}}}}}",
    );
    let found = projected(&map, r#"{"\ud800": 1, "x": 2}"#);
    assert_eq!(
        table(&map, &found, "all"),
        [[Cell::Null, Cell::Int(1)], [text("x"), Cell::Int(2)]]
    );
    let rescued = Rescued {
        document: 0,
        feature: 0,
        row: 0,
        column: 0,
        value: "\"\\ud800\"",
    };
    assert!(found.rescued.iter().eq([rescued]), "{:?}", found.rescued);
}

#[test]
fn loops_run_over_every_node_and_empty_ones_can_be_kept() {
    let map = |keep: bool| {
        plan(&format!(
            "{{version: 1, id: id, features: {{f: {{for: {{o: '$.o[*]', p: ['o.p[*]', 'o.q[*]']}}, where: '@ != 3', keep_empty: {keep}, columns: \
             {{i: {{index: o}}, j: {{index: p}}, k: {{key: p}}, p: {{path: p, type: int64}}, n: {{path: 'p[*]', take: count}}, id: {{path: o.id, type: int64}}}}}}}}}}"
        ).replace("id: {path: o.id", "oid: {path: o.id"))
    };
    let document = r#"{"o": [{"id": 5, "p": [1, null, 3]}, {"id": 6, "p": []}, null, {"q": {"x": 4}}]}"#;
    let (int, null) = (Cell::Int, Cell::Null);
    let inner = [
        [int(0), int(0), null.clone(), int(1), int(0), int(5)],
        [int(0), int(1), null.clone(), null.clone(), int(0), int(5)],
        [int(3), null.clone(), text("x"), int(4), int(0), null.clone()],
    ];
    let inner_map = map(false);
    assert_eq!(table(&inner_map, &projected(&inner_map, document), "f"), inner);
    let nothing = |o: i64, id: Cell| [int(o), null.clone(), null.clone(), null.clone(), null.clone(), id];
    let [first, second, last] = inner;
    let outer = [first, second, nothing(1, int(6)), nothing(2, null.clone()), last];
    let outer_map = map(true);
    assert_eq!(table(&outer_map, &projected(&outer_map, document), "f"), outer);
    let none = [
        null.clone(),
        null.clone(),
        null.clone(),
        null.clone(),
        null.clone(),
        null.clone(),
    ];
    assert_eq!(table(&outer_map, &projected(&outer_map, "7"), "f"), [none]);
    assert_eq!(projected(&inner_map, "7").rows, [0]);
}

#[test]
fn ids_come_from_the_member_the_document_or_a_loop() {
    let map = plan(
        "{version: 1, provenance: true, id: [file, {column: part, pattern: '/([^/-]+)-'}, {column: event, path: e.id, type: int64}], \
         for: {e: '$.events[*]'}, features: {f: {columns: {i: {index: e}}}, g: {for: {x: 'e.x[*]'}, columns: {x: {path: x, type: int64}}}}}",
    );
    let found = projected(&map, r#"{"events": [{"id": 7, "x": [1, 2]}, {"id": 8}]}"#);
    let ids = |event: i64| vec![text("doc-1"), text("doc"), Cell::Int(event), text(MEMBER), Cell::Null];
    let all = |at: usize| rows(&found.batches[at].1);
    assert_eq!(
        all(0),
        [
            [ids(7), vec![Cell::Int(0)]].concat(),
            [ids(8), vec![Cell::Int(1)]].concat()
        ]
    );
    assert_eq!(
        all(1),
        [
            [ids(7), vec![Cell::Int(1)]].concat(),
            [ids(7), vec![Cell::Int(2)]].concat()
        ]
    );
    for bad in [
        r#"[{"id": 7}, {}]"#,
        r#"[{"id": null}]"#,
        r#"[{"id": "7"}]"#,
        r#"[{"id": 7}, 3]"#,
    ] {
        for engine in EngineKind::ALL {
            let error = project(&map, engine, format!("{{\"events\": {bad}}}").as_bytes()).unwrap_err();
            assert_eq!((error.kind, error.offset), (DocumentErrorKind::Id, None), "{bad}");
            assert!(error.detail.contains("`event`"), "{}", error.detail);
        }
    }
    // Of a document on a line, all rows have its number, and a name that gives no id gives none the next time either.
    let mut projector = Projector::new(Arc::new(map.clone()), EngineKind::Reference);
    let line = |member, line| Origin {
        member,
        line: Some(line),
    };
    let document = br#"{"events": [{"id": 7}, {"id": 8}]}"#;
    projector.project(document, line(MEMBER, 5)).unwrap();
    for _ in 0..2 {
        let error = projector.project(document, line("no-match.json", 6)).unwrap_err();
        assert_eq!(error.kind, DocumentErrorKind::Id);
    }
    projector.project(document, line(MEMBER, 7)).unwrap();
    let flushed = projector.flush().unwrap();
    let lines: Vec<Cell> = rows(&flushed.batches[0].1).iter().map(|row| row[4].clone()).collect();
    assert_eq!(lines, [5, 5, 7, 7].map(Cell::Int));

    let mut projector = Projector::new(Arc::new(map), EngineKind::Reference);
    let error = projector.project(b"{}", "no-match.json").unwrap_err();
    assert_eq!(error.kind, DocumentErrorKind::Id);
    assert!(error.detail.contains("`part`"), "{}", error.detail);
}

#[test]
fn one_row_of_many_large_cells_is_stopped_in_its_midst() {
    let columns: Vec<String> = (0..300).map(|at| format!("c{at}: {{path: $, type: json}}")).collect();
    let map = plan(&format!(
        "{{version: 1, id: id, features: {{f: {{columns: {{{}}}}}}}}}",
        columns.join(", ")
    ));
    let document = format!("[\"{}\"]", "t".repeat(2 << 20));
    for engine in EngineKind::ALL {
        let mut projector = Projector::new(Arc::new(map.clone()), engine);
        assert_eq!(
            projector.project(document.as_bytes(), "a.json").unwrap_err().kind,
            DocumentErrorKind::TooLarge
        );
        projector.project(b"1", "b.json").unwrap();
        let projected = projector.flush().unwrap();
        assert_eq!((projected.documents, projected.bytes), (1, vec![5 + 300 * 5]));
    }
}

#[test]
fn a_projector_can_be_handed_to_another_thread() {
    let mut projector = Projector::new(
        Arc::new(plan("{version: 1, id: id, features: {f: $.a}}")),
        EngineKind::SimdJson,
    );
    let mut evidence = Evidence { slots: Vec::new() };
    std::thread::spawn(move || projector.observe(b"{}", "a.json", &mut evidence))
        .join()
        .unwrap()
        .unwrap();
}

#[test]
fn a_document_too_large_for_a_tape_gives_the_same_rows() {
    let map = plan(
        "{version: 1, id: id, features: {f: {path: '$[-1:]', type: 'list<json>'}, n: {path: '$[*]', take: count}}}",
    );
    let document = format!("[{}{{\"a\": 1.0}}]", "[0, \"some text\", null],\n".repeat(250_000));
    let found = projected(&map, &document);
    assert_eq!(table(&map, &found, "f"), [[texts(&["{\"a\": 1.0}"])]]);
    assert_eq!(table(&map, &found, "n"), [[Cell::Int(250_001)]]);
}

#[test]
fn a_document_that_fails_after_some_rows_takes_them_along() {
    let map = Arc::new(plan(
        "{version: 1, id: {column: event, path: e.id, type: string}, for: {e: '$.events[*]'}, features: \
         {f: {columns: {t: {path: e.t, type: int64}, l: {path: 'e.l[*]', type: 'list<string>'}}}, g: {for: {x: 'e.l[*]'}, columns: {b: {path: x, type: bool}}}}}",
    ));
    let good = r#"{"events": [{"id": "a", "t": 1, "l": ["x", "y"]}, {"id": "b", "t": "no"}]}"#;
    let bad = r#"{"events": [{"id": "c", "t": "no", "l": [true, "z"]}, {"t": 2}]}"#;
    for engine in EngineKind::ALL {
        let after = |documents: &[&str]| {
            let mut projector = Projector::new(map.clone(), engine);
            for document in documents {
                assert_eq!(
                    projector.project(document.as_bytes(), MEMBER).is_ok(),
                    *document == good
                );
            }
            projector.flush().unwrap()
        };
        assert_eq!(after(&[bad, bad]), after(&[]));
        assert_eq!(after(&[bad]), Projected::default());
        assert_eq!(after(&[bad, good, bad, bad, good, bad]), after(&[good, good]));
        assert_eq!(after(&[good, good]).rows, [2, 2, 2, 2]);
    }
}

#[test]
fn rescued_values_tell_their_places() {
    let map = plan(
        "{version: 1, id: id, features: {a: {path: $.a, type: int64}, b: {for: {x: '$.b[*]'}, columns: {l: {path: 'x[*]', type: 'list<bool>'}, s: {path: x, type: string}}}}}",
    );
    let mut projector = Projector::new(Arc::new(map), EngineKind::SimdJson);
    projector.project(br#"{"a": 1, "b": []}"#, "0.json").unwrap();
    projector
        .project(br#"{"a": "x" , "b": [ "y", [ true , 1 ] ]}"#, "1.json")
        .unwrap();
    let flushed = projector.flush().unwrap();
    let rescued = |feature, row, column, value| Rescued {
        document: 1,
        feature,
        row,
        column,
        value,
    };
    let expected = [
        rescued(0, 0, 0, "\"x\""),
        rescued(1, 1, 0, "1"),
        rescued(1, 1, 1, "[ true , 1 ]"),
    ];
    assert!(flushed.rescued.iter().eq(expected), "{:?}", flushed.rescued);
    assert_eq!((flushed.rescued.len(), flushed.rescued.is_empty()), (3, false));
}

/// A rescued value counts 128 bytes, its text and the names that are repeated with it; here the member's name is most.
#[test]
fn rescued_values_count_as_what_they_come_to() {
    let map =
        plan("{version: 1, id: {column: i, path: $.id, type: int64}, features: {f: {path: $.l, type: 'list<int64>'}}}");
    let member = "m".repeat(1 << 20);
    let each = 8 + 128 + member.len() + "f".len() + "f".len() + "\"x\"".len();
    let most = (MAX_DOCUMENT_BYTES as usize - 8 - 4) / each;
    let document = |values: usize| format!("{{\"id\": 1, \"l\": [{}]}}", vec!["\"x\""; values].join(","));
    for engine in EngineKind::ALL {
        let mut projector = Projector::new(Arc::new(map.clone()), engine);
        let error = projector.project(document(most + 1).as_bytes(), &member).unwrap_err();
        assert_eq!(error.kind, DocumentErrorKind::TooLarge);
        let empty = projector.buffered_bytes();
        projector.project(document(most).as_bytes(), &member).unwrap();
        assert!(projector.buffered_bytes() - empty >= most * each);
        assert_eq!(projector.flush().unwrap().rescued.len(), most);
        assert!(projector.buffered_bytes() <= empty);
    }
}

#[test]
fn a_document_whose_rows_are_too_large_leaves_none() {
    let map = "{version: 1, id: id, features: {f: {for: {x: '$.x[*]'}, columns: {t: {path: $.t, type: TYPE}}}}}";
    let document = format!("{{\"t\": \"{}\", \"x\": [{}0]}}", "t".repeat(1 << 20), "0,".repeat(300));
    for (ty, engine) in [
        ("string", EngineKind::Reference),
        ("string", EngineKind::SimdJson),
        ("int64", EngineKind::SimdJson),
    ] {
        let mut projector = Projector::new(Arc::new(plan(&map.replace("TYPE", ty))), engine);
        projector.project(b"{\"t\": null, \"x\": [1]}", "a.json").unwrap();
        let held = projector.buffered_bytes();
        let error = projector.project(document.as_bytes(), "b.json").unwrap_err();
        assert_eq!((error.kind.code(), error.offset), ("too_large", None), "{ty}");
        assert_eq!((projector.buffered_bytes(), projector.buffered_documents()), (held, 1));
        let flushed = projector.flush().unwrap();
        assert_eq!((flushed.rows, flushed.rescued.len()), (vec![1], 0));
    }
}

#[test]
fn the_map_of_the_reference_data_gives_what_another_parser_finds() {
    let plan = plan(flights::MAP);
    let document = flights::document(7, 40);
    let mut evidence = Evidence::new(&plan);
    let untyped = Arc::new(plan.clone());
    Projector::new(untyped, EngineKind::SimdJson)
        .observe(document.as_bytes(), MEMBER, &mut evidence)
        .unwrap();
    let plan = plan.resolve(&evidence).plan;
    let found = projected(&plan, &document);
    assert!(found.rescued.is_empty(), "{:?}", found.rescued);

    let value: serde_json::Value = serde_json::from_str(&document).unwrap();
    let offers = value["data"]["$values"].as_array().unwrap();
    let list = |value: &serde_json::Value, key: &str| value[key].as_array().cloned().unwrap_or_default();
    let string = |value: &serde_json::Value| value.as_str().map_or(Cell::Null, text);
    let mut prices = Vec::new();
    let mut segments = Vec::new();
    for (at, offer) in offers.iter().enumerate() {
        for pricing in list(offer, "pricings") {
            let fee = |category: i64| {
                let rules = list(&pricing, "miniRules");
                let rule = rules.iter().find(|rule| rule["category"] == category).cloned();
                rule.map_or(Cell::Null, |rule| Cell::Int(rule["monetaryAmount"].as_i64().unwrap()))
            };
            let labels = list(&pricing, "labels").iter().map(string).collect();
            let price = float(pricing["totalPrice"].as_f64().unwrap());
            let carrier = string(&offer["validatingCarrier"]);
            prices.push([
                Cell::Int(at as i64),
                string(&pricing["id"]),
                price,
                Cell::List(labels),
                fee(31),
                fee(33),
                carrier,
            ]);
        }
        for (leg_at, leg) in list(offer, "legs").iter().enumerate() {
            for segment in list(leg, "segments") {
                let to = string(&segment["arrivalTo"]["airport"]["iata"]);
                segments.push([
                    Cell::Int(at as i64),
                    Cell::Int(leg_at as i64),
                    string(&segment["flightNumber"]),
                    to,
                ]);
            }
        }
    }
    let pick = |feature: &str, columns: &[&str]| -> Vec<Vec<Cell>> {
        let of = plan.features.iter().find(|known| known.name == feature).unwrap();
        let at = |name: &&str| of.columns.iter().position(|column| column.name == *name).unwrap();
        let at: Vec<usize> = columns.iter().map(at).collect();
        table(&plan, &found, feature)
            .into_iter()
            .map(|row| at.iter().map(|at| row[*at].clone()).collect())
            .collect()
    };
    let names = [
        "option_index",
        "pricing_id",
        "total_price",
        "labels",
        "cancel_fee",
        "exchange_fee",
        "carrier",
    ];
    assert_eq!(pick("pricings", &names), prices);
    assert_eq!(
        pick("segments", &["option_index", "leg_index", "flight", "to"]),
        segments
    );
    assert_eq!(table(&plan, &found, "search_route"), [[text("MOWALA/ALAMOW")]]);
    assert_eq!(
        table(&plan, &found, "traveller"),
        [[Cell::Bool(true), Cell::Int(1983), text("SU/S7")]]
    );
}

/// Numbers that are hard to round, and ordinary ones.
fn float_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<f64>().prop_filter_map("finite", |value| value.is_finite().then(|| format!("{value:?}"))),
        any::<f64>().prop_filter_map("finite", |value| value.is_finite().then(|| format!("{value:.40e}"))),
        any::<u64>().prop_map(|bits| format!("{:e}", f64::from_bits(bits & !(0x7ff << 52) | (0x3ff << 52)))),
        // Halfway between two neighbours, exactly and nearly.
        (1u64 << 52..1 << 53, 0u32..11, "[0-9]{0,3}")
            .prop_map(|(odd, shift, tail)| { format!("{}.0{tail}", (u128::from(odd) * 2 + 1) << shift) }),
        (1u64 << 52..1 << 53, prop::sample::select(vec!["", "0000000001"]))
            .prop_map(|(value, tail)| format!("{value}.5{tail}")),
        "-?[1-9][0-9]{0,30}\\.[0-9]{1,30}([eE][+-]?[0-9]{1,3})?",
        "-?0\\.0{0,20}[0-9]{1,20}([eE][+-]?[0-9]{1,3})?",
        (0u32..20, -345i32..310)
            .prop_map(|(digits, exponent)| format!("{}e{exponent}", &"12345678901234567890"[..=digits as usize % 20])),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn floats_are_rounded_correctly_under_every_engine(texts in prop::collection::vec(float_text(), 1..60)) {
        let map = plan("{version: 1, id: id, features: {f: {path: '$[*]', type: 'list<float64>'}}}");
        let found = projected(&map, &format!("[{}]", texts.join(",")));
        let expected = texts.iter().map(|text| text.parse::<f64>().unwrap()).map(|value| if value.is_finite() { float(value) } else { Cell::Null });
        prop_assert_eq!(table(&map, &found, "f"), [[Cell::List(expected.collect())]]);
    }

    #[test]
    fn repeated_names_of_large_objects_keep_their_first_place_and_their_last_value(
        names in prop::collection::vec("[a-d]{0,9}|[ab]{1,3}", 0..300), again in prop::collection::vec(any::<prop::sample::Index>(), 0..3),
    ) {
        let map = plan(
            "{version: 1, id: id, features: {all: {for: {m: '$.*'}, columns: {k: {key: m}, v: {path: m, type: int64}}}, ab: {path: $.ab, type: int64}}}",
        );
        let mut members: Vec<(String, i64)> = Vec::new();
        let mut written = String::new();
        let repeated = again.iter().filter(|_| !names.is_empty()).map(|at| at.get(&names));
        for (value, name) in (0..).zip(names.iter().chain(repeated)) {
            written += &format!("{}\"{name}\": {value}", if value > 0 { ", " } else { "" });
            match members.iter_mut().find(|(known, _)| known == name) {
                Some((_, last)) => *last = value,
                None => members.push((name.clone(), value)),
            }
        }
        let found = projected(&map, &format!("{{{written}}}"));
        let expected: Vec<_> = members.iter().map(|(name, value)| vec![text(name), Cell::Int(*value)]).collect();
        prop_assert_eq!(table(&map, &found, "all"), expected);
        let ab = members.iter().find(|(name, _)| name == "ab").map_or(Cell::Null, |(_, value)| Cell::Int(*value));
        prop_assert_eq!(table(&map, &found, "ab"), [[ab]]);
    }

    #[test]
    fn a_document_that_fails_leaves_no_trace(
        (map, plan) in common::plans::any_plan(),
        documents in prop::collection::vec((common::document::any_document(), prop::option::of(any::<prop::sample::Index>())), 1..6),
        flush_after in 0usize..6,
    ) {
        let plan = Arc::new(plan.resolve(&Evidence::new(&plan)).plan);
        for engine in EngineKind::ALL {
            let mut all = Projector::new(plan.clone(), engine);
            let mut good = Projector::new(plan.clone(), engine);
            for (at, (document, cut)) in documents.iter().enumerate() {
                let text = document.text();
                let mut bytes = text.as_bytes();
                if let Some(cut) = cut {
                    bytes = &bytes[..cut.index(bytes.len())];
                }
                if all.project(bytes, MEMBER).is_ok() {
                    good.project(bytes, MEMBER).unwrap();
                }
                if at == flush_after {
                    prop_assert_eq!(all.flush().unwrap(), good.flush().unwrap(), "{}", &map);
                }
                prop_assert_eq!(all.buffered_bytes(), good.buffered_bytes());
                prop_assert_eq!(all.buffered_documents(), good.buffered_documents());
            }
            let (all, good) = (all.flush().unwrap(), good.flush().unwrap());
            prop_assert_eq!(all.rows.len(), all.documents * plan.features.len());
            prop_assert_eq!(all, good, "{}", &map);
        }
    }
}

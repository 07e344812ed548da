//! Documents of more rows than are written at once.

mod common;

use common::cells::{Cell, rows};
use common::document::{Doc, any_document};
use common::model::{Model, Tables};
use common::plans::any_plan;
use common::{MEMBER, plan, project};
use proptest::prelude::*;
use tarquet_feature_map::{Evidence, Plan};
use tarquet_projection::{EngineKind, Projected};

/// What was projected, as the model says it.
fn tables(plan: &Plan, projected: &Projected) -> Tables {
    let mut tables = Tables {
        rows: vec![Vec::new(); plan.features.len()],
        rescued: Vec::new(),
        bytes: projected.bytes.clone(),
    };
    for (feature, batch) in &projected.batches {
        tables.rows[*feature] = rows(batch);
    }
    for value in projected.rescued.iter() {
        let column = &plan.features[value.feature].columns[value.column];
        let expected = column.source.column_type().expect("a typed plan").to_string();
        let text = value.value.to_owned();
        tables
            .rescued
            .push((value.feature, value.row, column.name.clone(), expected, text));
    }
    tables
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, max_shrink_iters: 2_000, ..ProptestConfig::default() })]

    /// The document is an array of `count` elements that are alike in turns, so that most loops give many rows.
    #[test]
    fn many_rows_are_those_of_the_model(
        (map, plan) in any_plan(),
        kinds in prop::collection::vec(any_document(), 1..4),
        count in 60usize..200,
    ) {
        let document = Doc::Array("", (0..count).map(|at| kinds[at % kinds.len()].clone()).collect());
        let model = Model { plan: &plan, document: &document, member: MEMBER };
        let evidence = model.evidence().unwrap_or_else(|_| Evidence::new(&plan));
        let typed = plan.resolve(&evidence).plan;
        let expected = Model { plan: &typed, document: &document, member: MEMBER }.tables().ok();
        let found = project(&typed, EngineKind::Reference, document.text().as_bytes());
        let found = found.ok().map(|projected| tables(&typed, &projected));
        prop_assert_eq!(found, expected, "{}\n{}", map, document.text());
    }
}

/// The lists of outer elements last as long as there are rows within them, however many lists there are in between.
#[test]
fn long_lists_are_those_of_their_own_rows() {
    let map = "{version: 1, id: file, features: {f: {for: {o: '$.os[*]', i: 'o.is[*]'}, columns: {
        all: {path: '$.all[*]', type: list<int64>},
        outer: {path: 'o.l[*]', type: list<int64>},
        inner: {path: 'i[*]', type: list<int64>},
        either: {path: ['i.none[*]', 'o.l[*]', '$.all[*]'], take: sum, type: int64}}}}}";
    let numbers = |from: usize, count: usize| {
        let numbers: Vec<String> = (from..from + count).map(|number| number.to_string()).collect();
        format!("[{}]", numbers.join(","))
    };
    let (outers, inners, long) = (12, 100, 400);
    let outer = |outer: usize| {
        let inner: Vec<String> = (0..inners).map(|inner| numbers(outer * 1000 + inner, long)).collect();
        format!("{{\"l\": {}, \"is\": [{}]}}", numbers(outer, 50), inner.join(","))
    };
    let all: Vec<String> = (0..outers).map(outer).collect();
    let document = format!("{{\"all\": {}, \"os\": [{}]}}", numbers(7, 300), all.join(","));
    let list =
        |from: usize, count: usize| Cell::List((from..from + count).map(|number| Cell::Int(number as i64)).collect());
    let plan = plan(map);
    for engine in EngineKind::ALL {
        let projected = project(&plan, engine, document.as_bytes()).expect("a document");
        let found = rows(&projected.batches[0].1);
        assert_eq!(found.len(), outers * inners);
        for (at, row) in found.iter().enumerate() {
            let (outer, inner) = (at / inners, at % inners);
            let sum: usize = (outer..outer + 50).sum();
            let expected = [
                list(7, 300),
                list(outer, 50),
                list(outer * 1000 + inner, long),
                Cell::Int(sum as i64),
            ];
            assert_eq!(row[1..], expected, "{engine}: row {at}");
        }
    }
}

//! The rows of random documents under random maps, held against a slow model and between the engines.

mod common;

use std::sync::Arc;

use common::cells::rows;
use common::document::{Doc, any_document};
use common::model::{Model, NoId, Tables};
use common::plans::any_plan;
use common::{MEMBER, project};
use proptest::prelude::*;
use tarquet_feature_map::{Evidence, Plan};
use tarquet_projection::{DocumentErrorKind, EngineKind, Projected, Projector};

/// What was projected, as the model says it.
fn tables(plan: &Plan, projected: &Projected) -> Tables {
    let mut tables = Tables {
        rows: vec![Vec::new(); plan.features.len()],
        rescued: Vec::new(),
        bytes: projected.bytes.clone(),
    };
    for (feature, batch) in &projected.batches {
        assert_eq!(batch.schema(), plan.table_schema(*feature).expect("a typed plan"));
        assert!(batch.num_rows() > 0);
        tables.rows[*feature] = rows(batch);
    }
    let counts: Vec<u32> = tables.rows.iter().map(|rows| rows.len() as u32).collect();
    assert_eq!(projected.rows, counts);
    for value in projected.rescued.iter() {
        assert_eq!(value.document, 0);
        let column = &plan.features[value.feature].columns[value.column];
        let expected = column.source.column_type().expect("a typed plan").to_string();
        tables.rescued.push((
            value.feature,
            value.row,
            column.name.clone(),
            expected,
            value.value.to_owned(),
        ));
    }
    tables
}

fn evidence(plan: &Arc<Plan>, engine: EngineKind, document: &str) -> Option<Evidence> {
    let mut evidence = Evidence::new(plan);
    let result = Projector::new(plan.clone(), engine).observe(document.as_bytes(), MEMBER, &mut evidence);
    match result {
        Ok(()) => Some(evidence),
        Err(error) => {
            assert_eq!(error.kind, DocumentErrorKind::Id, "{error}");
            assert_eq!(evidence, Evidence::new(plan), "a document that fails is no evidence");
            None
        }
    }
}

/// Holds one document under one map against the model, under every engine.
fn check(map: &str, plan: &Plan, document: &Doc) {
    let text = document.text();
    let untyped = Arc::new(plan.clone());
    let model = Model {
        plan,
        document,
        member: MEMBER,
    };
    let expected = model.evidence().ok();
    for engine in EngineKind::ALL {
        assert_eq!(evidence(&untyped, engine, &text), expected, "{engine}: {map}\n{text}");
    }
    let typed = plan.resolve(&expected.unwrap_or_else(|| Evidence::new(plan))).plan;
    let expected = Model {
        plan: &typed,
        document,
        member: MEMBER,
    }
    .tables();
    for engine in EngineKind::ALL {
        let found = match project(&typed, engine, text.as_bytes()) {
            Ok(projected) => Ok(tables(&typed, &projected)),
            Err(error) => {
                assert_eq!((error.kind, error.offset), (DocumentErrorKind::Id, None), "{error}");
                Err(NoId)
            }
        };
        assert_eq!(found, expected, "{engine}: {map}\n{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, max_shrink_iters: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn rows_and_evidence_are_those_of_the_model((map, plan) in any_plan(), documents in prop::collection::vec(any_document(), 6)) {
        documents.iter().for_each(|document| check(&map, &plan, document));
    }
}

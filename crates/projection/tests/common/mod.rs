//! What the tests share.

#![expect(dead_code, reason = "each test binary uses its own part of it")]

pub(crate) mod cells;
pub(crate) mod document;
pub(crate) mod flights;
pub(crate) mod model;
pub(crate) mod plans;

use std::sync::Arc;

use tarquet_feature_map::Plan;
use tarquet_projection::{DocumentError, EngineKind, Projected, Projector};

/// The plan of a map that has no error.
pub(crate) fn plan(map: &str) -> Plan {
    tarquet_feature_map::parse("map.yaml", map).unwrap_or_else(|errors| panic!("{map}\n{errors}"))
}

/// The rows of one document under one engine.
pub(crate) fn project(plan: &Plan, engine: EngineKind, document: &[u8]) -> Result<Projected, DocumentError> {
    let mut projector = Projector::new(Arc::new(plan.clone()), engine);
    projector.project(document, MEMBER)?;
    Ok(projector.flush().expect("rows make batches"))
}

/// The member that test documents are said to come from.
pub(crate) const MEMBER: &str = "raw/doc-1.json";

//! Documents that need much room, and what they leave for the next one.

use std::sync::Arc;

use super::{EVERYTHING, judges_of};
use crate::structural::lens::ROW;
use crate::{EngineKind, Projector};

/// Elements whose brackets take more room than is kept for the next document, and which are long enough to be taken.
const ELEMENT: &str = "[12345678],";
const MANY: usize = 200_000;

/// Where a document ended that closes more than it opens must not matter to one that has less room.
#[test]
#[cfg_attr(miri, ignore = "too much for Miri")]
fn too_many_closing_brackets_after_a_large_document() {
    let mut judges = judges_of(EVERYTHING);
    let ends = "[]]]]]]]]";
    let large = format!("[{}{ends}", ELEMENT.repeat(MANY));
    assert!(
        large.len() % ROW > ends.len(),
        "the brackets that are too many stand in one row"
    );
    for small in ["[]]]]]]]", "{}}}}}}}", "[[]]"] {
        judges.check(large.as_bytes());
        judges.check(small.as_bytes());
    }
}

/// What is hardly anything but brackets has no index, which would take many times its length, but it has its rows.
#[test]
#[cfg_attr(miri, ignore = "too much for Miri")]
fn a_document_of_too_many_brackets_for_an_index() {
    let map = "{version: 1, id: file, features: {f: {columns: {all: {path: '$[*]', type: 'list<json>'}}}}}";
    let plan = Arc::new(tarquet_feature_map::parse("map.yaml", map).expect("a map"));
    let document = format!("[{}[]]", "[],".repeat(2 * MANY));
    let [reference, structural] = [EngineKind::Reference, EngineKind::Structural].map(|engine| {
        let mut projector = Projector::new(plan.clone(), engine);
        projector.project(document.as_bytes(), "1.json").expect("a document");
        projector.flush().expect("rows make batches")
    });
    assert_eq!(structural, reference);
}

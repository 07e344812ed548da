//! The structural engine, held to the reference under every lens that the machine has.

mod documents;
mod exhaustive;
mod lenses;
mod memory;
#[path = "../../../tests/common/document.rs"]
#[expect(dead_code, reason = "of the documents only the text is needed here")]
mod model_documents;
#[path = "../../../tests/common/plans.rs"]
mod model_plans;
mod mutations;
mod names;
mod numbers;
mod selections;
mod sets;
mod suite;
mod words;

use super::judges::Judges;

/// A map that keeps all of a document, down to eight levels.
const EVERYTHING: &str =
    "{version: 1, id: file, features: {f: {columns: {all: {path: '$[*][*][*][*][*][*][*][*]', type: 'list<json>'}}}}}";

/// How often a property is tried: under Miri, which is slow and is there for what is unsafe, hardly.
const fn cases(count: u32) -> u32 {
    if cfg!(miri) { 2 } else { count }
}

fn judges_of(map: &str) -> Judges {
    Judges::new(&tarquet_feature_map::parse("map.yaml", map).expect("a map"))
}

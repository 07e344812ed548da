//! One document under all engines and all lenses: the same rows, the same verdict, the same offset of what is wrong.
//!
//! `cargo +nightly fuzz run engines`; a corpus to start from is any folder of JSON files, given behind the name.
#![no_main]

use std::cell::RefCell;
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use tarquet_projection::{EngineKind, Judges, Projector};

/// Looks at the names and elements of a document in the ways that there are: by name, by position, by wildcard.
const MAP: &str = "{version: 1, id: file, features: {
    whole: {path: $, type: json},
    names: {columns: {a: {path: $.a, type: json}, bc: {path: $.bc, type: json}, id: {path: $.a.option_id, type: int64}, none: {path: \"$['']\", type: string}}},
    parts: {for: {part: '$.*'}, columns: {
        key: {key: part}, index: {index: part}, a: {path: part.a, type: float64}, first: {path: 'part[0]', type: json},
        all: {path: 'part[*]', type: 'list<json>'}, deep: {path: 'part[*].a[*]', type: 'list<json>'}}}}}";

/// How many spaces stand before a document, so that it lies across the ends of words of 64 bytes and of rows of 512.
const OFFSETS: [usize; 4] = [0, 59, 500, 1021];

thread_local! {
    /// All that reads documents. It is kept from one to the next, as in a run.
    static READERS: RefCell<Readers> = RefCell::new(Readers::new());
}

struct Readers {
    judges: Judges,
    projectors: [Projector; 3],
}

impl Readers {
    fn new() -> Self {
        let plan = Arc::new(tarquet_feature_map::parse("map.yaml", MAP).expect("the map is valid"));
        Self {
            judges: Judges::new(&plan),
            projectors: EngineKind::ALL.map(|engine| Projector::new(Arc::clone(&plan), engine)),
        }
    }

    fn check(&mut self, document: &[u8]) {
        for offset in OFFSETS {
            self.judges.check(&[&vec![b' '; offset], document].concat());
        }
        let [reference, others @ ..] = self.projectors.each_mut().map(|projector| {
            let verdict = projector.project(document, "1.json");
            (verdict, projector.flush().expect("rows make batches"))
        });
        for other in others {
            assert_eq!(reference, other);
        }
    }
}

fuzz_target!(|document: &[u8]| READERS.with_borrow_mut(|readers| readers.check(document)));

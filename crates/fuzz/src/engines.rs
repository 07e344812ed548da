//! One document under all engines and all widths of vectors: the same rows, the same verdict, the same place of what is
//! wrong.

use std::cell::RefCell;
use std::sync::Arc;

use tarquet_feature_map::{Evidence, Plan, parse};
use tarquet_projection::{EngineKind, Judges, Projector};

use crate::Verdict;
use crate::input::Input;

/// Maps that look at documents in the ways that there are, over names that are short and alike, so that documents are
/// found which have them.
const MAPS: [&str; 6] = [
    // By name, by position, by wildcard.
    "{version: 1, id: file, features: {
        whole: {path: $, type: json},
        names: {columns: {a: {path: $.a, type: json}, bc: {path: $.bc, type: json}, id: {path: $.a.option_id, type: int64}, none: {path: \"$['']\", type: string}}},
        parts: {for: {part: '$.*'}, columns: {
            key: {key: part}, index: {index: part}, a: {path: part.a, type: float64}, first: {path: 'part[0]', type: json},
            all: {path: 'part[*]', type: 'list<json>'}, deep: {path: 'part[*].a[*]', type: 'list<json>'}}}}}",
    // Every type, with casts and without, rescued and not.
    "{version: 1, id: file, provenance: true, features: {types: {columns: {
        i: {path: $.a, type: int64}, f: {path: $.a, type: float64}, b: {path: $.a, type: bool}, s: {path: $.a, type: string},
        t: {path: $.a, type: timestamp}, u: {path: $.a, type: timestamp, unit: ms}, n: {path: $.a, type: datetime}, d: {path: $.a, type: date},
        ic: {path: $.b, type: int64, cast: true}, fc: {path: $.b, type: float64, cast: true}, bc: {path: $.b, type: bool, cast: true},
        sc: {path: $.b, type: string, cast: true, mismatch: ignore}, j: {path: $.b, type: json}, li: {path: '$.b[*]', type: 'list<int64>'}}}}}",
    // Loops within loops, with alternatives, filters and empty ones.
    "{version: 1, id: file, features: {
        inner: {for: {o: ['$.a[*]', '$[*]'], p: 'o.b[?@.c != 1]'}, where: '@.c || $.a', keep_empty: true, columns: {
            oi: {index: o}, pi: {index: p}, pk: {key: p}, oa: {path: [o.a, o.b], type: json}, c: {path: p.c, type: int64}, top: {path: $.c, type: string}}},
        slices: {for: {s: '$.b[1:5:2]'}, columns: {x: {path: 's[-1]', type: json}, y: {path: \"s['a','b']\", type: 'list<string>'}}}}}",
    // What is taken of lists.
    "{version: 1, id: file, features: {takes: {columns: {
        first: {path: '$.a[*]', take: first, type: json}, last: {path: '$.a[*]', take: last, type: string}, count: {path: '$.a[*]', take: count},
        min: {path: '$.a[*]', take: min, type: int64}, max: {path: '$.a[*].b', take: max, type: float64}, low: {path: '$.b.*', take: min, type: string},
        sum: {path: ['$.a[*]', '$.b[*]'], take: sum, type: int64}, total: {path: '$.b[*]', take: sum, type: float64},
        join: {path: '$.c[*]', take: join}, joined: {path: '$.b[*]', take: join, sep: ' | '}}}}}",
    // Ids out of the document, and loops that all features share.
    "{version: 1, id: [{column: file, pattern: '([^/]+)\\.json$'}, {column: n, path: $.a, type: int64}, {column: e, path: o.b}],
      for: {o: '$.c[*]'}, features: {
        one: {columns: {k: {key: o}, x: {path: o.x, type: json}}},
        two: {for: {p: o.b}, columns: {p: {path: p, type: string, cast: true}}}}}",
    // Types that are inferred of the document itself.
    "{version: 1, id: file, features: {
        a: $.a, b: $.b, c: {path: '$.c[*]'}, d: {path: '$.a.*', take: first},
        rows: {for: {r: '$[*]'}, columns: {x: r, y: r.a, z: {path: 'r.*', take: max}}}}}",
];

/// A document that goes between two of what is looked at, so that rows of a failing one would be seen.
const BETWEEN: &[u8] = br#"{"a":[{"b":[1,2]},3],"b":{"c":"x"},"c":[{"b":"y","x":null}]}"#;

/// How many spaces stand before a document, at most a multiple of 255 of this, so that it lies across the ends of words
/// of 64 bytes and of rows of 512.
const STEP: usize = 5;

thread_local! {
    /// All that reads documents, for each of the maps. It is kept from one document to the next, as in a run.
    static READERS: RefCell<Vec<Readers>> =
        RefCell::new(MAPS.iter().map(|map| Readers::new(parse("map.yaml", map).expect("the map is valid"))).collect());
}

/// Reads a document under all engines.
///
/// The first byte says by which map; the second, behind how many spaces. One of the maps stands before the document itself,
/// and ends with a byte of zero.
///
/// # Panics
///
/// Where two engines differ.
pub fn engines(data: &[u8]) -> Verdict {
    let mut input = Input::new(data);
    let map = usize::from(input.byte() % 8);
    let spaces = STEP * usize::from(input.byte());
    let rest = input.rest();
    if map < MAPS.len() {
        return READERS.with_borrow_mut(|readers| readers[map].check(rest, spaces));
    }
    let mut halves = rest.splitn(2, |byte| *byte == 0);
    let (Some(map), Some(document)) = (halves.next(), halves.next()) else {
        return Verdict::Refused;
    };
    match std::str::from_utf8(map).map(|map| parse("map.yaml", map)) {
        Ok(Ok(plan)) => Readers::new(plan).check(document, spaces),
        _ => Verdict::Refused,
    }
}

struct Readers {
    plan: Arc<Plan>,
    judges: Judges,
    engines: Engines,
}

impl Readers {
    fn new(plan: Plan) -> Readers {
        let plan = Arc::new(plan);
        Readers {
            judges: Judges::new(&plan),
            engines: engines_for(&plan),
            plan,
        }
    }

    fn check(&mut self, document: &[u8], spaces: usize) -> Verdict {
        let document = [&vec![b' '; spaces], document].concat();
        let is_valid = self.judges.check(&document);
        if self.plan.is_typed() {
            project(&mut self.engines, &document);
        } else {
            let evidence = observe(&self.plan, &mut self.engines, &document);
            project(
                &mut engines_for(&Arc::new(self.plan.resolve(&evidence).plan)),
                &document,
            );
        }
        Verdict::of(is_valid)
    }
}

/// A projector for each engine, the reference first.
type Engines = [Projector; EngineKind::ALL.len()];

fn engines_for(plan: &Arc<Plan>) -> Engines {
    EngineKind::ALL.map(|engine| Projector::new(Arc::clone(plan), engine))
}

/// What all engines see of the values without a type.
fn observe(plan: &Plan, engines: &mut Engines, document: &[u8]) -> Evidence {
    let [reference, others @ ..] = engines.each_mut().map(|projector| {
        let mut evidence = Evidence::new(plan);
        let verdict = projector.observe(document, "a/1.json", &mut evidence);
        (verdict, evidence)
    });
    for other in others {
        assert_eq!(reference, other);
    }
    reference.1
}

fn project(engines: &mut Engines, document: &[u8]) {
    let [reference, others @ ..] = engines.each_mut().map(|projector| {
        let documents = [(document, "a/1.json"), (BETWEEN, "a/2.json"), (document, "3.json")];
        let verdicts = documents.map(|(document, member)| projector.project(document, member));
        (verdicts, projector.flush().expect("rows make batches"))
    });
    for other in others {
        assert_eq!(reference, other);
    }
}

//! The law: a dataset's bytes are a function of its documents, not of how they came.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::support::{
    Document, OPTIONS, Source, TABLES, begin, check_rows, finish, rows, scratch, tree, unit_without_rows,
};
use proptest::prelude::*;
use tarquet_dataset::{Existing, FailedMember, Options, RescuedValue, Unit};

/// How documents are put into units and rows into batches.
#[derive(Debug, Clone)]
pub(crate) struct Grouping {
    /// Documents in each unit, over and over.
    pub(crate) units: Vec<usize>,
    /// Rows in each batch, over and over, starting again with each unit and table.
    pub(crate) batches: Vec<u64>,
    /// Whether batches are slices of larger ones, as nulls, offsets and memory go.
    pub(crate) sliced: bool,
    pub(crate) encoders: usize,
}

impl Grouping {
    pub(crate) fn one_by_one() -> Grouping {
        Grouping {
            units: vec![1],
            batches: vec![1],
            sliced: false,
            encoders: 1,
        }
    }

    /// All documents as units.
    fn units(&self, documents: &[Document]) -> Vec<Unit> {
        let mut source = Source::new();
        let mut at = 0;
        let mut units = Vec::new();
        for size in self.units.iter().cycle() {
            if at == documents.len() {
                break;
            }
            let end = documents.len().min(at + size);
            units.push(self.unit(documents, at..end, &mut source));
            at = end;
        }
        units
    }

    /// The unit of some of the documents, with lines for both logs that are a function of where it stands.
    pub(crate) fn unit(&self, documents: &[Document], range: Range<usize>, source: &mut Source) -> Unit {
        let documents = &documents[range.clone()];
        let mut unit = unit_without_rows(documents);
        for (table, next) in source.next.iter_mut().enumerate() {
            let count: u64 = documents.iter().map(|document| u64::from(document.rows[table])).sum();
            unit.batches.extend(self.batches(table, *next, *next + count));
            *next += count;
        }
        unit.failures = range.clone().filter(|index| index % 3 == 0).map(failure).collect();
        unit.failed = unit.failures.len() as u64;
        unit.rescued = range.filter(|index| index % 4 == 0).map(rescued).collect();
        unit
    }

    fn batches(&self, table: usize, mut from: u64, to: u64) -> Vec<(usize, arrow_array::RecordBatch)> {
        let whole = self.sliced.then(|| (from, rows(table, from..to + 50)));
        let mut batches = Vec::new();
        for size in self.batches.iter().cycle() {
            if from == to {
                break;
            }
            let end = to.min(from + size);
            batches.push(match &whole {
                Some((start, whole)) => (table, whole.slice((from - start) as usize, (end - from) as usize)),
                None => (table, rows(table, from..end)),
            });
            from = end;
        }
        batches
    }
}

fn failure(index: usize) -> FailedMember {
    FailedMember {
        archive: None,
        member: index.is_multiple_of(2).then(|| format!("raw/{index}.json")),
        offset: Some(index as u64),
        line: None,
        reason: "syntax".to_owned(),
        detail: "line\nbreak \"quoted\"".to_owned(),
    }
}

fn rescued(index: usize) -> RescuedValue {
    RescuedValue {
        archive: None,
        member: format!("raw/{index}.json"),
        feature: "wide".to_owned(),
        row: index as u64,
        line: None,
        column: "number".to_owned(),
        expected: "int64".to_owned(),
        value: "\"three\"".to_owned(),
    }
}

/// What a run leaves for these documents.
fn written(documents: &[Document], grouping: &Grouping, options: Options) -> BTreeMap<PathBuf, Vec<u8>> {
    let dir = scratch();
    let options = Options {
        encoders: grouping.encoders,
        ..options
    };
    let mut dataset = begin(dir.path(), Existing::Refuse, options).expect("begins");
    for unit in grouping.units(documents) {
        dataset.append(unit).expect("appends");
    }
    finish(dataset);
    tree(dir.path())
}

/// The rows of each part, by the contract's own words: after each document, tables with enough rows close; then, while
/// all buffers together hold too many bytes, the largest closes, ties by order.
fn expected_parts(documents: &[Document], options: Options) -> Vec<Vec<u64>> {
    let mut parts = vec![Vec::new(); TABLES.len()];
    let mut open = vec![(0_u64, 0_u64); TABLES.len()];
    for document in documents {
        for (table, (rows, bytes)) in open.iter_mut().enumerate() {
            *rows += u64::from(document.rows[table]);
            *bytes += document.bytes[table];
            if *rows >= options.buffer_rows {
                parts[table].push(*rows);
                (*rows, *bytes) = (0, 0);
            }
        }
        while open.iter().map(|(_, bytes)| bytes).sum::<u64>() > options.buffer_bytes {
            let most = open.iter().map(|(_, bytes)| *bytes).max().expect("tables");
            let largest = open.iter().position(|(_, bytes)| *bytes == most).expect("the largest");
            parts[largest].push(open[largest].0);
            open[largest] = (0, 0);
        }
    }
    for (table, (rows, _)) in open.into_iter().enumerate() {
        if rows > 0 || parts[table].is_empty() {
            parts[table].push(rows);
        }
    }
    parts
}

pub(crate) fn documents() -> impl Strategy<Value = Vec<Document>> {
    let rows = prop_oneof![4 => 0..4_u32, 1 => Just(0_u32), 1 => 200..700_u32];
    let cell = (rows, 1..20_u64).prop_map(|(rows, width)| (rows, u64::from(rows) * width));
    let document = proptest::collection::vec(cell, 3).prop_map(|mut cells| {
        cells.push((0, 0));
        Document {
            rows: cells.iter().map(|cell| cell.0).collect(),
            bytes: cells.iter().map(|cell| cell.1).collect(),
        }
    });
    proptest::collection::vec(document, 0..40)
}

pub(crate) fn grouping() -> impl Strategy<Value = Grouping> {
    let units = proptest::collection::vec(1..9_usize, 1..5);
    let batches = proptest::collection::vec(prop_oneof![1..5_u64, 1..900_u64], 1..4);
    (units, batches, any::<bool>(), 1..5_usize).prop_map(|(units, batches, sliced, encoders)| Grouping {
        units,
        batches,
        sliced,
        encoders,
    })
}

pub(crate) fn options() -> impl Strategy<Value = Options> {
    let rows = prop_oneof![1..8_u64, 100..2_000_u64];
    let bytes = prop_oneof![1..200_u64, 1_000..20_000_u64, Just(1 << 30)];
    (rows, bytes).prop_map(|(buffer_rows, buffer_bytes)| Options {
        buffer_rows,
        buffer_bytes,
        encoders: 1,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_grouping_gives_the_same_bytes(documents in documents(), grouping in grouping(), options in options()) {
        let reference = written(&documents, &Grouping::one_by_one(), options);
        let other = written(&documents, &grouping, options);
        prop_assert_eq!(reference.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
        for (path, contents) in &reference {
            prop_assert!(contents == &other[path], "{} differs", path.display());
        }
    }

    #[test]
    fn parts_end_where_the_contract_says(documents in documents(), grouping in grouping(), options in options()) {
        let dir = scratch();
        let mut dataset = begin(dir.path(), Existing::Refuse, options).expect("begins");
        for unit in grouping.units(&documents) {
            dataset.append(unit).expect("appends");
        }
        let published = finish(dataset);
        let expected = expected_parts(&documents, options);
        for (table, directory) in ["wide", "search_route", "a%2Fb", "never"].into_iter().enumerate() {
            let counts = check_rows(dir.path(), table, &format!("feature={directory}"));
            prop_assert_eq!(&counts, &expected[table], "{}", directory);
            prop_assert_eq!(published.tables[table].rows, counts.iter().sum::<u64>());
            prop_assert_eq!(published.tables[table].parts, counts.len() as u64);
        }
    }
}

/// At the size of real parts: row groups that span hundreds of batches, parts that end inside a batch.
#[test]
fn any_grouping_gives_the_same_bytes_at_size() {
    let documents: Vec<_> = (0..700)
        .map(|index| Document::with_rows(&[200 + index % 150, 1, index % 2, 0]))
        .collect();
    let options = Options {
        buffer_rows: 140_000,
        ..OPTIONS
    };
    let groupings = [
        Grouping {
            units: vec![1],
            batches: vec![u64::MAX >> 1],
            sliced: false,
            encoders: 1,
        },
        Grouping {
            units: vec![700],
            batches: vec![40_000],
            sliced: true,
            encoders: 3,
        },
        Grouping {
            units: vec![3, 90],
            batches: vec![90, 7, 1_000],
            sliced: false,
            encoders: 2,
        },
    ];
    let reference = written(&documents, &groupings[0], options);
    assert!(reference.contains_key(Path::new("features_raw/feature=wide/part-00001.parquet")));
    for grouping in &groupings[1..] {
        let other = written(&documents, grouping, options);
        assert!(reference == other, "{grouping:?} gave other bytes");
    }
}

#[test]
fn logs_are_lines_of_json_in_order() {
    let documents = vec![Document::with_rows(&[1, 1, 0, 0]); 10];
    let grouping = Grouping {
        units: vec![4],
        batches: vec![2],
        sliced: false,
        encoders: 1,
    };
    let files = written(&documents, &grouping, OPTIONS);
    let lines = |name: &str| {
        let text = String::from_utf8(files[Path::new(name)].clone()).expect("UTF-8");
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let failed = lines("failed.log");
    assert_eq!(
        failed[1],
        r#"{"member":null,"offset":3,"line":null,"reason":"syntax","detail":"line\nbreak \"quoted\""}"#
    );
    let offsets = failed
        .iter()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON")["offset"].clone());
    assert_eq!(offsets.collect::<Vec<_>>(), [0, 3, 6, 9]);
    assert_eq!(
        lines("rescued.ndjson")[1],
        r#"{"member":"raw/4.json","feature":"wide","row":4,"column":"number","expected":"int64","value":"\"three\""}"#
    );
}

#[test]
fn a_unit_of_failures_alone_is_fine() {
    let dir = scratch();
    let mut dataset = begin(dir.path(), Existing::Refuse, OPTIONS).expect("begins");
    dataset
        .append(Unit {
            failures: vec![failure(0)],
            ..Unit::default()
        })
        .expect("appends");
    dataset.append(Source::new().unit(&[])).expect("appends");
    finish(dataset);
    assert_eq!(
        std::fs::read_to_string(dir.path().join("failed.log"))
            .expect("a log")
            .lines()
            .count(),
        1
    );
    assert_eq!(std::fs::read(dir.path().join("rescued.ndjson")).expect("a log"), b"");
}

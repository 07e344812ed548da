//! A small run that uses everything: two checkpoints and an end, each with parts, buffered rows and lines of the logs.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use tarquet_dataset::{
    Dataset, DatasetError, Depth, Existing, FailedMember, Options, RescuedValue, SourcePrefix, Target, verify,
};

use crate::support::{Document, NOTES, Source, TABLES, check_rows, description, finish, result, tables};

/// How many documents the run has.
const DOCUMENTS: u64 = 9;

/// The documents after which there is a checkpoint.
const CHECKPOINTS: [u64; 2] = [3, 6];

/// One encoder, so that the calls of two runs are nearly the same.
const OPTIONS: Options = Options {
    buffer_rows: 12,
    buffer_bytes: 1 << 20,
    encoders: 1,
};

/// Writes the dataset of the scenario into `dir`, from nothing or from where an earlier run was.
pub(crate) fn run(dir: &Path, existing: Existing) -> Result<(), DatasetError> {
    let target = Target::claim(dir, existing)?;
    let mut dataset = match target.resumable() {
        Some(run) if run.complete => return Ok(()),
        Some(run) if run.finished => target.resume(tables(), OPTIONS)?,
        Some(_) => write(target.resume(tables(), OPTIONS)?)?,
        None => write(target.begin(tables(), description(), OPTIONS)?)?,
    };
    dataset.finish(NOTES)?;
    dataset.into_published()?.write_summary(&"done")
}

fn write(mut dataset: Dataset) -> Result<Dataset, DatasetError> {
    let mut source = Source::behind(&dataset);
    for index in dataset.position().members..DOCUMENTS {
        let mut unit = source.unit(&[Document::with_rows(&[5, 1, index as u32 % 2, 0])]);
        unit.failures.push(failure(index));
        unit.rescued.push(rescued(index));
        dataset.append(unit)?;
        let done = index + 1;
        if CHECKPOINTS.contains(&done) {
            dataset.checkpoint(Some(SourcePrefix {
                archive: 0,
                bytes: done,
                hash: 7,
            }))?;
        }
    }
    Ok(dataset)
}

fn failure(index: u64) -> FailedMember {
    FailedMember {
        archive: None,
        member: Some(format!("raw/{index}.json")),
        offset: Some(index),
        line: None,
        reason: "syntax".to_owned(),
        detail: "a detail".to_owned(),
    }
}

fn rescued(index: u64) -> RescuedValue {
    RescuedValue {
        archive: None,
        member: format!("raw/{index}.json"),
        feature: "wide".to_owned(),
        row: index,
        line: None,
        column: "number".to_owned(),
        expected: "int64".to_owned(),
        value: "\"three\"".to_owned(),
    }
}

/// What the run leaves if nothing happens to it.
pub(crate) fn undisturbed() -> BTreeMap<PathBuf, Vec<u8>> {
    let dir = crate::support::scratch();
    run(dir.path(), Existing::Refuse).expect("runs");
    result(dir.path())
}

/// Whatever happened: every part is whole, and holds the rows that belong there.
pub(crate) fn check_whole(dir: &Path) {
    for (table, name) in TABLES.iter().enumerate() {
        let directory = format!("feature={}", name.replace('/', "%2F"));
        if dir.join("features_raw").join(&directory).exists() {
            check_rows(dir, table, &directory);
        }
    }
}

/// The run that goes on completes, and leaves what an undisturbed one leaves.
pub(crate) fn check_completes(dir: &Path, existing: Existing, undisturbed: &BTreeMap<PathBuf, Vec<u8>>, what: &str) {
    run(dir, existing).unwrap_or_else(|error| panic!("{what}: {error}"));
    let found = result(dir);
    assert_eq!(
        found.keys().collect::<Vec<_>>(),
        undisturbed.keys().collect::<Vec<_>>(),
        "{what}"
    );
    assert!(found == *undisturbed, "{what}: other bytes");
    let verified = verify(dir, Depth::Full).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(
        verified.finished && verified.faults.is_empty(),
        "{what}: {:?}",
        verified.faults
    );
    assert_eq!(verified.members, DOCUMENTS);
}

/// An older dataset, of other tables' rows, that a run may replace.
pub(crate) fn write_older(dir: &Path) {
    let target = Target::claim(dir, Existing::Refuse).expect("claims");
    let mut dataset = target.begin(tables(), description(), OPTIONS).expect("begins");
    let mut source = Source::new();
    for _ in 0..4 {
        dataset
            .append(source.unit(&[Document::with_rows(&[7, 0, 1, 2])]))
            .expect("appends");
        dataset.checkpoint(None).expect("commits");
    }
    let published = finish(dataset);
    published.write_summary(&"older").expect("writes");
}

/// Whether the summary in `dir` is that of the older dataset.
pub(crate) fn is_older(dir: &Path) -> bool {
    fs::read(dir.join("summary.json")).is_ok_and(|text| text == b"\"older\"\n")
}

//! What a report reads back of a dataset.

use arrow_array::Array;
use tarquet_dataset::{ColumnNulls, Existing, FailedMember, Options, RescuedValue, Unit};

use crate::support::{Document, OPTIONS, Source, begin, finish, parts, read, resume, scratch, tables};

/// Small parts, but for the one with a document of more than a row group.
const SMALL: Options = Options {
    buffer_rows: 500,
    ..OPTIONS
};

fn failure(number: u64) -> FailedMember {
    FailedMember {
        archive: (number == 1).then(|| "a.tar".to_owned()),
        member: (number > 0).then(|| format!("m\n{number}")),
        offset: Some(number),
        line: None,
        reason: "syntax".to_owned(),
        detail: "\u{1}\"".to_owned(),
    }
}

fn rescued(number: u64) -> RescuedValue {
    RescuedValue {
        archive: None,
        member: "m".to_owned(),
        feature: "wide".to_owned(),
        row: number,
        line: (number == 1).then_some(7),
        column: "price".to_owned(),
        expected: "float64".to_owned(),
        value: "\"free\"".to_owned(),
    }
}

/// A document, a failure and a misfit.
fn unit(source: &mut Source, number: u64) -> Unit {
    let rows = if number == 3 { 70_000 } else { 90 };
    Unit {
        failures: vec![failure(number)],
        rescued: vec![rescued(number)],
        ..source.unit(&[Document::with_rows(&[rows, 5, 40, 0])])
    }
}

#[test]
fn nulls_and_lines_are_those_that_were_written_before_and_after_a_resume() {
    let dir = scratch();
    let mut dataset = begin(dir.path(), Existing::Refuse, SMALL).expect("begins");
    let mut source = Source::new();
    for number in 0..6 {
        dataset.append(unit(&mut source, number)).expect("appends");
    }
    dataset.checkpoint(None).expect("commits");
    // This one is forgotten.
    dataset.append(unit(&mut source, 99)).expect("appends");
    drop(dataset);
    let mut dataset = resume(dir.path(), SMALL).expect("resumes");
    let mut source = Source::behind(&dataset);
    for number in 6..12 {
        dataset.append(unit(&mut source, number)).expect("appends");
    }
    let published = finish(dataset);
    let review = published.review().expect("it can be read");

    let (mut failures, mut misfits) = (Vec::new(), Vec::new());
    review.failures(|failure| failures.push(failure)).expect("reads");
    review.rescued(|value| misfits.push(value)).expect("reads");
    assert_eq!(failures, (0..12).map(failure).collect::<Vec<_>>());
    assert_eq!(misfits, (0..12).map(rescued).collect::<Vec<_>>());

    let found = review.columns();
    for (table, columns) in tables().iter().zip(found) {
        let directory = format!("feature={}", table.name.replace('/', "%2F"));
        let batches: Vec<_> = parts(dir.path(), &directory)
            .iter()
            .flat_map(|part| read(part))
            .collect();
        let expected = table
            .schema
            .fields()
            .iter()
            .enumerate()
            .map(|(column, field)| ColumnNulls {
                name: field.name().clone(),
                nulls: Some(
                    batches
                        .iter()
                        .map(|batch| batch.column(column).null_count() as u64)
                        .sum(),
                ),
            });
        let columns = columns.expect("its parts can be read");
        assert_eq!(columns, expected.collect::<Vec<_>>(), "{}", table.name);
        let nulls: u64 = columns.iter().filter_map(|column| column.nulls).sum();
        assert!(nulls > 100 || table.name != "wide", "there are nulls, in lists too");
    }
}

#[test]
fn a_part_that_cannot_be_read_is_named() {
    let dir = scratch();
    let mut dataset = begin(dir.path(), Existing::Refuse, SMALL).expect("begins");
    dataset.append(unit(&mut Source::new(), 0)).expect("appends");
    let published = finish(dataset);
    std::fs::write(&parts(dir.path(), "feature=wide")[0], "no Parquet").expect("writes");
    let columns = published.review().expect("the ledger is whole").columns();
    let fault = columns[0].as_ref().expect_err("it is no Parquet").to_string();
    assert!(fault.contains("feature=wide/part-00000.parquet: is damaged"), "{fault}");
    assert!(columns[1].as_ref().is_ok_and(|columns| columns.len() == 2));
}

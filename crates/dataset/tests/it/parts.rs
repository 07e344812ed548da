//! What is inside a part.

use std::path::{Path, PathBuf};

use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use tarquet_dataset::{Existing, Options, ROW_GROUP_ROWS};

use crate::support::{Document, OPTIONS, Source, begin, check_rows, open, parts, rows, schema, scratch, tree, write};

/// Rows of each row group of the parts of a table.
fn row_groups(dir: &Path, directory: &str) -> Vec<Vec<i64>> {
    let groups = |part: &PathBuf| {
        open(part)
            .metadata()
            .row_groups()
            .iter()
            .map(|group| group.num_rows())
            .collect::<Vec<_>>()
    };
    parts(dir, directory).iter().map(groups).collect()
}

#[test]
fn row_groups_are_full_but_for_the_last() {
    let full = ROW_GROUP_ROWS as i64;
    let cases: [(u32, Vec<i64>); 6] = [
        (1, vec![1]),
        (65_535, vec![full - 1]),
        (65_536, vec![full]),
        (65_537, vec![full, 1]),
        (131_072, vec![full, full]),
        (150_000, vec![full, full, 150_000 - 2 * full]),
    ];
    for (rows, expected) in cases {
        let dir = scratch();
        // One document, so that one part holds them all however many they are.
        write(
            dir.path(),
            Existing::Refuse,
            OPTIONS,
            &[Document::with_rows(&[0, rows, 0, 0])],
        );
        assert_eq!(
            row_groups(dir.path(), "feature=search_route"),
            [expected],
            "{rows} rows"
        );
        check_rows(dir.path(), 1, "feature=search_route");
    }
}

/// The bytes are those of a plain `ArrowWriter` that gets each row group in one write, however the rows came.
#[test]
fn a_part_is_one_write_a_row_group() {
    const ROWS: u64 = 70_000;
    let dir = scratch();
    let documents = vec![Document::with_rows(&[700, 0, 0, 0]); 100];
    write(dir.path(), Existing::Refuse, OPTIONS, &documents);
    let properties = WriterProperties::builder()
        .set_created_by(concat!("tarquet version ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::SNAPPY)
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), schema(0), Some(properties)).expect("a writer");
    for range in [0..ROW_GROUP_ROWS as u64, ROW_GROUP_ROWS as u64..ROWS] {
        writer.write(&rows(0, range)).expect("writes");
        writer.flush().expect("flushes");
    }
    let part = std::fs::read(&parts(dir.path(), "feature=wide")[0]).expect("reads");
    assert!(part == writer.into_inner().expect("finishes"));
}

#[test]
fn every_column_is_snappy_with_statistics_and_page_index() {
    let dir = scratch();
    write(
        dir.path(),
        Existing::Refuse,
        OPTIONS,
        &[Document::with_rows(&[70_000, 0, 0, 0])],
    );
    let part = &parts(dir.path(), "feature=wide")[0];
    let metadata = open(part).metadata().clone();
    let file = metadata.file_metadata();
    assert_eq!(
        file.created_by(),
        Some(concat!("tarquet version ", env!("CARGO_PKG_VERSION")))
    );
    let keys: Vec<_> = file
        .key_value_metadata()
        .into_iter()
        .flatten()
        .map(|entry| entry.key.as_str())
        .collect();
    assert_eq!(keys, ["ARROW:schema"]);
    for column in metadata.row_groups().iter().flat_map(|group| group.columns()) {
        assert_eq!(column.compression(), Compression::SNAPPY, "{}", column.column_path());
        assert!(column.statistics().is_some(), "{}", column.column_path());
        assert!(column.column_index_range().is_some(), "{}", column.column_path());
        assert!(column.offset_index_range().is_some(), "{}", column.column_path());
    }
}

#[test]
fn tables_without_rows_have_one_empty_part() {
    let dir = scratch();
    let published = write(dir.path(), Existing::Refuse, OPTIONS, &[]);
    assert_eq!(
        published
            .tables
            .iter()
            .map(|table| (table.rows, table.parts))
            .collect::<Vec<_>>(),
        [(0, 1); 4]
    );
    for (table, directory) in ["wide", "search_route", "a%2Fb", "never"].into_iter().enumerate() {
        assert_eq!(check_rows(dir.path(), table, &format!("feature={directory}")), [0]);
        assert!(row_groups(dir.path(), &format!("feature={directory}"))[0].is_empty());
    }
}

#[test]
fn one_document_may_be_larger_than_every_limit() {
    let dir = scratch();
    let options = Options {
        buffer_rows: 10,
        buffer_bytes: 1,
        encoders: 1,
    };
    write(
        dir.path(),
        Existing::Refuse,
        options,
        &[Document::with_rows(&[500, 3, 0, 0]), Document::with_rows(&[1, 0, 0, 0])],
    );
    assert_eq!(check_rows(dir.path(), 0, "feature=wide"), [500, 1]);
    assert_eq!(check_rows(dir.path(), 1, "feature=search_route"), [3]);
}

#[test]
fn the_ledger_and_the_report_say_what_the_files_are() {
    let dir = scratch();
    let options = Options {
        buffer_rows: 40,
        ..OPTIONS
    };
    let documents = vec![Document::with_rows(&[7, 1, 2, 0]); 50];
    let published = write(dir.path(), Existing::Refuse, options, &documents);
    let files = tree(dir.path());
    let ledger = crate::support::ledger(dir.path());
    assert_eq!(ledger["format"], 4);
    assert_eq!(ledger["state"], "finished");
    let mut named = 0;
    for (table, report) in ledger["tables"]
        .as_array()
        .expect("tables")
        .iter()
        .zip(&published.tables)
    {
        assert_eq!(table["name"], report.name);
        let directory = dir
            .path()
            .join("features_raw")
            .join(table["directory"].as_str().expect("a name"));
        assert_eq!(directory, report.directory);
        let mut sums = (0, 0, 0);
        for part in table["parts"].as_array().expect("parts") {
            let path = directory.join(part["file"].as_str().expect("a name"));
            let contents = &files[path.strip_prefix(dir.path()).expect("inside")];
            assert_eq!(part["bytes"], contents.len());
            assert_eq!(part["crc32"], format!("{:08x}", crc32fast::hash(contents)));
            assert_eq!(part["rows"], open(&path).metadata().file_metadata().num_rows());
            sums = (
                sums.0 + part["rows"].as_u64().expect("rows"),
                sums.1 + 1,
                sums.2 + contents.len() as u64,
            );
            named += 1;
        }
        assert_eq!(sums, (report.rows, report.parts, report.bytes));
    }
    assert_eq!(
        named,
        files.keys().filter(|path| path.starts_with("features_raw")).count()
    );
}

#[test]
fn progress_counts_rows_and_published_parts() {
    let dir = scratch();
    let options = Options {
        buffer_rows: 1,
        ..OPTIONS
    };
    let mut dataset = begin(dir.path(), Existing::Refuse, options).expect("begins");
    let mut source = Source::new();
    assert_eq!(dataset.progress().rows, [0; 4]);
    for appended in 1..10 {
        dataset
            .append(source.unit(&[Document::with_rows(&[2, 1, 0, 0])]))
            .expect("appends");
        assert_eq!(dataset.progress().rows, [2 * appended, appended, 0, 0]);
        // Nothing is seen before the next checkpoint, however many parts are done.
        let committed = (appended - 1) / 3 * 3;
        assert_eq!(parts(dir.path(), "feature=wide").len() as u64, committed);
        assert_eq!(dataset.progress().parts, 2 * committed);
        assert_eq!(dataset.position().members, committed);
        assert!(dataset.is_changed());
        if appended % 3 == 0 {
            dataset.checkpoint(None).expect("commits");
            assert!(!dataset.is_changed());
            assert_eq!(dataset.progress().parts, 2 * appended);
            assert_eq!(dataset.position().rows, dataset.progress().rows);
        }
    }
}

#[test]
fn the_summary_is_replaced_as_a_whole() {
    let dir = scratch();
    let published = write(dir.path(), Existing::Refuse, OPTIONS, &[]);
    for members in [10, 7] {
        published
            .write_summary(&serde_json::json!({"members": members}))
            .expect("writes");
        let text = std::fs::read_to_string(dir.path().join("summary.json")).expect("a summary");
        assert_eq!(text, format!("{{\n  \"members\": {members}\n}}\n"));
    }
    assert_eq!(tree(&dir.path().join("run")).len(), 2, "only the ledger and the lock");
}

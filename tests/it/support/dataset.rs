//! A dataset as its reader has it: rows of plain values, and lines of logs.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::metadata::ParquetMetaData;
use serde_json::Value;
use tempfile::TempDir;

/// What a run left in its directory.
pub(crate) struct Dataset {
    /// Keeps the files there for as long as they can be asked for.
    _scene: Rc<TempDir>,
    dir: PathBuf,
}

/// Every file of a dataset that has to be the same whenever its input is, by path.
pub(crate) type Contents = BTreeMap<PathBuf, Vec<u8>>;

impl Dataset {
    /// The dataset in the directory `out` of a scene.
    pub(crate) fn at(scene: Rc<TempDir>, out: &str) -> Dataset {
        Dataset {
            dir: scene.path().join(out),
            _scene: scene,
        }
    }

    /// The rows of a feature, part by part: each an array of its cells, in the order of the columns.
    pub(crate) fn rows(&self, feature: &str) -> Vec<Value> {
        let batches = self.parts(feature).into_iter().flat_map(|part| batches(&part));
        batches.flat_map(|batch| rows(&batch)).collect()
    }

    /// The column `column` of a feature.
    pub(crate) fn column(&self, feature: &str, column: &str) -> Vec<Value> {
        let position = self.columns(feature).iter().position(|(name, _)| name == column);
        let position = position.unwrap_or_else(|| panic!("no column {column} in {:?}", self.columns(feature)));
        self.rows(feature).iter().map(|row| row[position].clone()).collect()
    }

    /// The columns of a feature, with their types, as its first part has them.
    pub(crate) fn columns(&self, feature: &str) -> Vec<(String, DataType)> {
        let first = &self.parts(feature)[0];
        let schema = open(first).schema().clone();
        let fields = schema.fields().iter();
        fields
            .map(|field| (field.name().clone(), field.data_type().clone()))
            .collect()
    }

    /// The parts of a feature, in order.
    pub(crate) fn parts(&self, feature: &str) -> Vec<PathBuf> {
        let directory = self.dir.join("features_raw").join(format!("feature={feature}"));
        let entries = fs::read_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
        let mut parts: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
        parts.sort();
        parts
    }

    /// The footer of each part of a feature.
    pub(crate) fn footers(&self, feature: &str) -> Vec<ParquetMetaData> {
        let parts = self.parts(feature);
        parts
            .iter()
            .map(|part| open(part).metadata().as_ref().clone())
            .collect()
    }

    /// The lines of `failed.log`.
    pub(crate) fn failed(&self) -> Vec<Value> {
        self.lines("failed.log")
    }

    /// Member and reason of each line of `failed.log`.
    pub(crate) fn reasons(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or("(none)").to_owned();
        let failed = self.failed();
        failed
            .iter()
            .map(|line| (text(&line["member"]), text(&line["reason"])))
            .collect()
    }

    /// The lines of `rescued.ndjson`.
    pub(crate) fn rescued(&self) -> Vec<Value> {
        self.lines("rescued.ndjson")
    }

    fn lines(&self, name: &str) -> Vec<Value> {
        let text = self.text(name);
        assert!(text.is_empty() || text.ends_with('\n'), "{name} ends inside a line");
        let parse = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line:?}"));
        text.lines().map(parse).collect()
    }

    /// `summary.json`.
    pub(crate) fn summary(&self) -> Value {
        serde_json::from_str(&self.text("summary.json")).expect("summary.json is JSON")
    }

    /// How many members were extracted, failed and skipped, as `summary.json` says it.
    pub(crate) fn members(&self) -> [u64; 3] {
        let summary = self.summary();
        ["extracted", "failed", "skipped"].map(|count| summary["members"][count].as_u64().expect("a count"))
    }

    /// A file of the dataset, as text.
    pub(crate) fn text(&self, name: &str) -> String {
        fs::read_to_string(self.dir.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// What has to be the same whenever the input is: the parts, the logs and the resolved map.
    pub(crate) fn contents(&self) -> Contents {
        let mut contents = Contents::new();
        for name in [
            "features_raw",
            "failed.log",
            "rescued.ndjson",
            "feature_map.resolved.yaml",
        ] {
            collect(&self.dir, Path::new(name), &mut contents);
        }
        contents
    }
}

/// Asserts that two datasets are the same byte for byte, and says which files are not.
#[track_caller]
pub(crate) fn assert_same(one: &Contents, other: &Contents, what: &str) {
    assert_eq!(
        one.keys().collect::<Vec<_>>(),
        other.keys().collect::<Vec<_>>(),
        "{what}: other files"
    );
    let differing: Vec<&PathBuf> = one.keys().filter(|path| one[*path] != other[*path]).collect();
    assert!(differing.is_empty(), "{what}: {differing:?} differ");
}

fn collect(root: &Path, relative: &Path, contents: &mut Contents) {
    let path = root.join(relative);
    if !path.is_dir() {
        let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        contents.insert(relative.to_owned(), bytes);
        return;
    }
    for entry in fs::read_dir(&path).expect("a directory") {
        collect(root, &relative.join(entry.expect("an entry").file_name()), contents);
    }
}

fn open(part: &Path) -> ParquetRecordBatchReaderBuilder<File> {
    let file = File::open(part).expect("a part can be read");
    ParquetRecordBatchReaderBuilder::try_new(file).unwrap_or_else(|error| panic!("{}: {error}", part.display()))
}

fn batches(part: &Path) -> Vec<RecordBatch> {
    let reader = open(part).build().expect("a part can be read");
    reader.map(|batch| batch.expect("a part can be read")).collect()
}

fn rows(batch: &RecordBatch) -> Vec<Value> {
    let row = |row| batch.columns().iter().map(|column| cell(column, row)).collect();
    (0..batch.num_rows()).map(row).collect()
}

/// A cell as JSON: instants and wall-clock times in microseconds, days since 1970.
fn cell(column: &dyn Array, row: usize) -> Value {
    if column.is_null(row) {
        return Value::Null;
    }
    match column.data_type() {
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).into(),
        DataType::Float64 => column.as_primitive::<Float64Type>().value(row).into(),
        DataType::Boolean => column.as_boolean().value(row).into(),
        DataType::Utf8 => column.as_string::<i32>().value(row).into(),
        DataType::Date32 => column.as_primitive::<Date32Type>().value(row).into(),
        DataType::Timestamp(..) => column.as_primitive::<TimestampMicrosecondType>().value(row).into(),
        DataType::List(_) => {
            let elements = column.as_list::<i32>().value(row);
            (0..elements.len()).map(|element| cell(&elements, element)).collect()
        }
        other => panic!("no dataset has the type {other}"),
    }
}

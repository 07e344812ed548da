//! Made-up documents: every value is a function of its table, its row and its column, so that what is read back can be
//! held against what was written without keeping either.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::types::Float64Type;
use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, ListArray, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tarquet_dataset::{Dataset, DatasetError, Description, Existing, Input, Options, Published, Table, Target, Unit};

/// The tables: one of every type, a narrow one, one whose name needs escapes, and one that stays empty.
pub(crate) const TABLES: [&str; 4] = ["wide", "search_route", "a/b", "never"];

/// A schema with every type that columns have. All tables share it but for `search_route`.
pub(crate) fn schema(table: usize) -> SchemaRef {
    let timestamp = |zone: Option<&str>| DataType::Timestamp(TimeUnit::Microsecond, zone.map(Arc::from));
    let list = |item: DataType| DataType::List(Arc::new(Field::new("item", item, true)));
    let mut fields = vec![
        Field::new("id", DataType::Utf8, false),
        Field::new("number", DataType::Int64, true),
    ];
    if table != 1 {
        fields.extend([
            Field::new("price", DataType::Float64, true),
            Field::new("flag", DataType::Boolean, true),
            Field::new("at", timestamp(Some("UTC")), true),
            Field::new("local", timestamp(None), true),
            Field::new("day", DataType::Date32, true),
            Field::new("labels", list(DataType::Utf8), true),
            Field::new("fees", list(DataType::Float64), true),
            Field::new("never_null", DataType::Int64, true),
        ]);
    }
    Arc::new(Schema::new(fields))
}

pub(crate) fn tables() -> Vec<Table> {
    let table = |(index, name): (usize, &&str)| Table {
        name: (*name).to_owned(),
        schema: schema(index),
    };
    TABLES.iter().enumerate().map(table).collect()
}

/// The rows of a table, from values alone: two calls share no memory.
pub(crate) fn rows(table: usize, range: Range<u64>) -> RecordBatch {
    let seed = |row: u64, column: u64| mix(row ^ mix(column ^ ((table as u64) << 32)));
    let cells = |column: u64| {
        range
            .clone()
            .map(move |row| (row, seed(row, column)))
            .collect::<Vec<_>>()
    };
    // One value in 40 is null, so that some batches have nulls in a column and others have none.
    let some = |seed: u64| !seed.is_multiple_of(40);
    let id: StringArray = cells(0)
        .into_iter()
        .map(|(row, _)| Some(format!("id-{:x}", row / 3)))
        .collect();
    let number: Int64Array = cells(1)
        .into_iter()
        .map(|(_, s)| some(s).then_some((s % 1000) as i64 - 500))
        .collect();
    let mut columns: Vec<ArrayRef> = vec![Arc::new(id), Arc::new(number)];
    if table != 1 {
        let price: Float64Array = cells(2)
            .into_iter()
            .map(|(_, s)| some(s).then_some(s as f64 / 1e6))
            .collect();
        let flag: BooleanArray = cells(3)
            .into_iter()
            .map(|(_, s)| some(s).then_some(s & 64 == 0))
            .collect();
        let micros = |column| {
            cells(column)
                .into_iter()
                .map(|(_, s)| some(s).then_some((s >> 12) as i64))
        };
        let at = micros(4).collect::<TimestampMicrosecondArray>().with_timezone("UTC");
        let local: TimestampMicrosecondArray = micros(5).collect();
        let day: Date32Array = cells(6)
            .into_iter()
            .map(|(_, s)| some(s).then_some((s % 40_000) as i32))
            .collect();
        let fees = cells(8)
            .into_iter()
            .map(|(_, s)| some(s).then(move || (0..s % 4).map(move |n| Some((s >> n) as f64))));
        let fees = ListArray::from_iter_primitive::<Float64Type, _, _>(fees);
        let never_null = Int64Array::from(cells(9).into_iter().map(|(row, _)| row as i64).collect::<Vec<_>>());
        columns.extend([
            Arc::new(price) as ArrayRef,
            Arc::new(flag),
            Arc::new(at),
            Arc::new(local),
            Arc::new(day),
        ]);
        columns.extend([
            Arc::new(labels(&cells(7))) as ArrayRef,
            Arc::new(fees),
            Arc::new(never_null),
        ]);
    }
    RecordBatch::try_new(schema(table), columns).expect("rows of the schema")
}

/// Lists of zero to four strings, null elements and null lists among them.
fn labels(cells: &[(u64, u64)]) -> ListArray {
    let mut lists = ListBuilder::new(StringBuilder::new());
    for (_, seed) in cells {
        for element in 0..seed % 5 {
            let text = format!("label {} é", (seed >> element) % 30);
            lists
                .values()
                .append_option((!(seed >> element).is_multiple_of(7)).then_some(text));
        }
        lists.append(!seed.is_multiple_of(40));
    }
    lists.finish()
}

/// The finalizer of splitmix64 (Steele, Lea, Flood 2014): seeds that differ give values that look unrelated.
pub(crate) fn mix(seed: u64) -> u64 {
    let z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// One document: rows and bytes in each table.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Document {
    pub(crate) rows: Vec<u32>,
    pub(crate) bytes: Vec<u64>,
}

impl Document {
    /// A document with these rows, each of them 10 bytes.
    pub(crate) fn with_rows(rows: &[u32]) -> Document {
        Document {
            rows: rows.to_vec(),
            bytes: rows.iter().map(|rows| u64::from(*rows) * 10).collect(),
        }
    }
}

/// The unit of these documents, without rows: its batches are the caller's to make.
pub(crate) fn unit_without_rows(documents: &[Document]) -> Unit {
    Unit {
        members: documents.len() as u64,
        documents: documents.len(),
        rows: documents.iter().flat_map(|document| document.rows.clone()).collect(),
        bytes: documents.iter().flat_map(|document| document.bytes.clone()).collect(),
        ..Unit::default()
    }
}

/// Makes units of consecutive documents, one batch a table.
#[derive(Debug)]
pub(crate) struct Source {
    /// The next row of each table.
    pub(crate) next: Vec<u64>,
}

impl Source {
    pub(crate) fn new() -> Source {
        Source {
            next: vec![0; TABLES.len()],
        }
    }

    /// Goes on behind what is committed.
    pub(crate) fn behind(dataset: &Dataset) -> Source {
        Source {
            next: dataset.position().rows.clone(),
        }
    }

    pub(crate) fn unit(&mut self, documents: &[Document]) -> Unit {
        let mut unit = unit_without_rows(documents);
        for (table, next) in self.next.iter_mut().enumerate() {
            let count: u64 = documents.iter().map(|document| u64::from(document.rows[table])).sum();
            unit.batches.push((table, rows(table, *next..*next + count)));
            *next += count;
        }
        unit
    }
}

/// A directory in memory where there is one, for tests that write much and whose law is not the disk's.
pub(crate) fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .expect("a directory")
}

pub(crate) const OPTIONS: Options = Options {
    buffer_rows: 100_000,
    buffer_bytes: 96 << 20,
    encoders: 2,
};

/// What runs are begun with.
pub(crate) fn description() -> Description {
    Description {
        inputs: vec![Input {
            name: "archive size".to_owned(),
            value: "7".to_owned(),
        }],
        resolved_map: "version: 1\n".to_owned(),
    }
}

/// A fresh dataset of [`TABLES`] in `dir`.
pub(crate) fn begin(dir: &Path, existing: Existing, options: Options) -> Result<Dataset, DatasetError> {
    Target::claim(dir, existing)?.begin(tables(), description(), options)
}

/// The run that is in `dir`, where its last checkpoint was.
pub(crate) fn resume(dir: &Path, options: Options) -> Result<Dataset, DatasetError> {
    Target::claim(dir, Existing::Resume)?.resume(tables(), options)
}

/// Writes these documents, each a unit, and finishes.
pub(crate) fn write(dir: &Path, existing: Existing, options: Options, documents: &[Document]) -> Published {
    let mut dataset = begin(dir, existing, options).expect("begins");
    let mut source = Source::new();
    for document in documents {
        dataset
            .append(source.unit(std::slice::from_ref(document)))
            .expect("appends");
    }
    finish(dataset)
}

/// What callers note at the end of their runs.
pub(crate) const NOTES: &str = "notes of the end";

/// Ends a run.
pub(crate) fn finish(mut dataset: Dataset) -> Published {
    dataset.finish(NOTES).expect("finishes");
    dataset.into_published().expect("it is finished")
}

/// Every file under `dir` with its contents, by its path from there; directories without files count as one.
pub(crate) fn tree(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut todo = vec![dir.to_owned()];
    while let Some(next) = todo.pop() {
        let entries: Vec<_> = fs::read_dir(&next)
            .expect("lists")
            .map(|entry| entry.expect("an entry").path())
            .collect();
        if entries.is_empty() && next != dir {
            files.insert(next.strip_prefix(dir).expect("inside").join(""), Vec::new());
        }
        for path in entries {
            if path.is_dir() {
                todo.push(path);
            } else {
                files.insert(
                    path.strip_prefix(dir).expect("inside").to_owned(),
                    fs::read(&path).expect("reads"),
                );
            }
        }
    }
    files
}

/// What has to be the same however a run went: everything but the ledger, which numbers its checkpoints.
pub(crate) fn result(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = tree(dir);
    files.remove(Path::new("run/ledger.json"));
    files
}

/// The parts of a table, by number.
pub(crate) fn parts(dir: &Path, directory: &str) -> Vec<PathBuf> {
    let table = dir.join("features_raw").join(directory);
    let mut parts: Vec<_> = fs::read_dir(table)
        .expect("lists")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    parts.sort();
    parts
}

/// A reader of one part; it fails on anything that is not whole.
pub(crate) fn open(part: &Path) -> ParquetRecordBatchReaderBuilder<File> {
    let file = File::open(part).expect("opens");
    ParquetRecordBatchReaderBuilder::try_new(file).unwrap_or_else(|error| panic!("{}: {error}", part.display()))
}

/// All rows of one part.
pub(crate) fn read(part: &Path) -> Vec<RecordBatch> {
    let reader = open(part).build().expect("a reader");
    reader.map(|batch| batch.expect("a batch")).collect()
}

/// Holds all parts of a table against the rows that were written; gives the rows of each part.
pub(crate) fn check_rows(dir: &Path, table: usize, directory: &str) -> Vec<u64> {
    let mut at = 0;
    let mut counts = Vec::new();
    for part in parts(dir, directory) {
        let start = at;
        assert_eq!(open(&part).schema(), &schema(table), "{}", part.display());
        for batch in read(&part) {
            let next = at + batch.num_rows() as u64;
            assert_eq!(batch, rows(table, at..next), "{} from row {at}", part.display());
            at = next;
        }
        counts.push(at - start);
    }
    counts
}

/// The ledger, as anyone can read it.
pub(crate) fn ledger(dir: &Path) -> serde_json::Value {
    let text = fs::read(dir.join("run/ledger.json")).expect("a ledger");
    serde_json::from_slice(&text).expect("JSON")
}

/// Changes the ledger, as somebody would who knows its checksum.
pub(crate) fn edit_ledger(dir: &Path, change: impl FnOnce(&mut serde_json::Value)) {
    let mut ledger = ledger(dir);
    change(&mut ledger);
    ledger["ledger_crc32"] = "00000000".into();
    let text = serde_json::to_string_pretty(&ledger).expect("serializes");
    let sum = format!("\"ledger_crc32\": \"{:08x}\"", crc32fast::hash(text.as_bytes()));
    let text = text.replace("\"ledger_crc32\": \"00000000\"", &sum);
    fs::write(dir.join("run/ledger.json"), text).expect("writes");
}

/// A line for whoever runs the tests.
pub(crate) fn say(line: &str) {
    use std::io::Write as _;

    writeln!(std::io::stderr(), "{line}").expect("standard error");
}

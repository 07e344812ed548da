//! Bytes that no worker of ours would send: whatever they are, the reader ends with a hang-up and what came before it
//! holds together.
//!
//! `TARQUET_TORTURE=long` flips a million times rather than twenty thousand; `TARQUET_SEED` repeats a fresh seed.

use std::fs;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::{Path, PathBuf};

use arrow_array::ArrayRef;
use arrow_array::builder::{
    BooleanBuilder, Date32Builder, Float64Builder, Int64Builder, ListBuilder, StringBuilder,
    TimestampMicrosecondBuilder,
};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use tarquet_wire::frame::HEADER_LEN;
use tarquet_wire::tables::{RescuedRow, rescued_batch};

use super::judge::{check, heard};
use super::*;

const MAP: &str = "{id: doc, provenance: true, features: {\
    scalars: {columns: {i: {path: $.i, type: int64}, f: {path: $.f, type: float64}, b: {path: $.b, type: bool}, \
        s: {path: $.s, type: string}, t: {path: $.t, type: timestamp}, d: {path: $.d, type: date}}}, \
    lists: {columns: {s: {path: '$.s[*]', type: list<string>}, i: {path: '$.i[*]', type: list<int64>}}}}}";

const SCALARS: u32 = 0;
const LISTS: u32 = 1;
const FAILURES: u32 = 2;
const RESCUED: u32 = 3;

fn tables() -> Schemas {
    let plan = tarquet_feature_map::parse("map.yaml", MAP).unwrap();
    Arc::new(OnceLock::from(schemas(&plan).unwrap()))
}

/// Names for the columns that every table begins with.
fn names(rows: usize, suffix: &str) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(
        (0..rows).map(|row| format!("document {row}{suffix}")),
    ))
}

fn scalars(rows: usize) -> RecordBatch {
    let (mut ints, mut floats, mut flags) = (Int64Builder::new(), Float64Builder::new(), BooleanBuilder::new());
    let (mut texts, mut days) = (StringBuilder::new(), Date32Builder::new());
    let mut times = TimestampMicrosecondBuilder::new().with_timezone("UTC");
    for row in 0..rows {
        let there = row % 3 > 0;
        ints.append_option(there.then_some(row as i64));
        floats.append_option(there.then_some(row as f64 / 3.0));
        flags.append_option(there.then_some(row % 2 == 0));
        texts.append_option(there.then(|| "ü".repeat(row)));
        days.append_option(there.then_some(row as i32));
        times.append_option(there.then_some(row as i64));
    }
    let columns: Vec<ArrayRef> = vec![
        names(rows, ""),
        names(rows, ".json"),
        lines(rows),
        Arc::new(ints.finish()),
        Arc::new(floats.finish()),
        Arc::new(flags.finish()),
        Arc::new(texts.finish()),
        Arc::new(times.finish()),
        Arc::new(days.finish()),
    ];
    RecordBatch::try_new(Arc::clone(&tables().get().unwrap()[SCALARS as usize]), columns).unwrap()
}

fn lines(rows: usize) -> ArrayRef {
    Arc::new(Int64Array::from_iter(
        (0..rows as i64).map(|row| (row % 2 == 0).then_some(row)),
    ))
}

fn lists(rows: usize) -> RecordBatch {
    let mut texts = ListBuilder::new(StringBuilder::new());
    let mut numbers = ListBuilder::new(Int64Builder::new());
    for row in 0..rows {
        let of = |len: usize| (0..len).map(|at| (at % 2 == 0).then_some(at)).collect::<Vec<_>>();
        texts.append_option((row % 4 > 0).then(|| of(row).into_iter().map(|at| at.map(|at| "x".repeat(at)))));
        numbers.append_option((row % 3 > 0).then(|| of(row).into_iter().map(|at| at.map(|at| at as i64))));
    }
    let columns: Vec<ArrayRef> = vec![
        names(rows, ""),
        names(rows, ".json"),
        lines(rows),
        Arc::new(texts.finish()),
        Arc::new(numbers.finish()),
    ];
    RecordBatch::try_new(Arc::clone(&tables().get().unwrap()[LISTS as usize]), columns).unwrap()
}

fn rescued() -> RecordBatch {
    let row = |row| RescuedRow {
        member: "a.json",
        feature: "scalars",
        row,
        line: None,
        column: "i",
        expected: "int64",
        value: "\"x\"",
    };
    rescued_batch([row(0), row(1)].into_iter()).unwrap()
}

/// A unit of some documents, whose rows in each table are `rows` batches' and all of the first document.
fn closing(task: u64, failed: u32, batches: &[(u32, &RecordBatch)]) -> UnitDone {
    let mut done = UnitDone {
        task,
        members: 2 + failed,
        ended: 2 + failed,
        failed,
        failures: failed,
        documents: 2,
        rows: vec![0; 4],
        bytes: vec![0; 4],
        ..UnitDone::default()
    };
    for &(table, batch) in batches.iter().filter(|(table, _)| *table < FAILURES) {
        done.rows[table as usize] = batch.num_rows() as u32;
        done.bytes[table as usize] = value_bytes(batch);
    }
    done
}

/// What a worker says over two tasks: all kinds of messages, batches of all tables and types.
fn stream() -> Vec<u8> {
    let (small, large) = (scalars(5), scalars(40));
    let (texts, failure, rescued) = (lists(9), failure(), rescued());
    let started = |task, first, count| FromWorker::Started {
        task: TaskId(task),
        first,
        count,
        span: None,
    };
    Script::default()
        .say(&FromWorker::Ready {
            build: BUILD.into(),
            sandbox: Held::default(),
        })
        .say(&started(0, 0, 3))
        .batch(SCALARS, 0, &small)
        .batch(LISTS, 0, &texts)
        .batch(FAILURES, 0, &failure)
        .batch(RESCUED, 0, &rescued)
        .done(closing(0, 1, &[(SCALARS, &small), (LISTS, &texts)]))
        .say(&FromWorker::TaskDone { task: TaskId(0) })
        .say(&started(1, 0, 2))
        .say(&FromWorker::Blocked {
            task: TaskId(1),
            request: 0,
            bytes: 4096,
        })
        .batch(SCALARS, 1, &large)
        .done(closing(1, 0, &[(SCALARS, &large)]))
        .say(&FromWorker::TaskDone { task: TaskId(1) })
        .bytes
}

#[test]
fn what_is_broken_here_is_whole_to_begin_with() {
    let inputs = heard(&stream(), &tables());
    check(&inputs, &tables());
    assert!(
        matches!(inputs.last(), Some(Input::Hangup { broken: None, .. })),
        "{:?}",
        inputs.last()
    );
    let units = inputs
        .iter()
        .filter(|input| matches!(input, Input::Machine(Event::Unit { .. })));
    assert_eq!(units.count(), 2);
    assert_eq!(inputs.len(), 9);
}

/// The frames of a stream.
fn frames(stream: &[u8]) -> Vec<Frame> {
    let mut reader = FrameReader::new(stream);
    std::iter::from_fn(|| reader.read().unwrap()).collect()
}

/// How often bits are flipped in each way.
fn count() -> usize {
    match std::env::var("TARQUET_TORTURE").is_ok_and(|value| value == "long") {
        true => 1_000_000,
        false => 20_000,
    }
}

/// Calls `trial` as often as there are flips, half of them from a seed that is always the same, half from one that
/// never is, which is printed.
#[expect(clippy::print_stderr, reason = "a failure has to be repeated")]
fn flips(mut trial: impl FnMut(&mut SmallRng)) {
    let fresh = match std::env::var("TARQUET_SEED") {
        Ok(seed) => seed.parse().expect("TARQUET_SEED is a number"),
        Err(_) => RandomState::new().build_hasher().finish(),
    };
    for seed in [0x7a72_7175_6574, fresh] {
        eprintln!("flips from TARQUET_SEED={seed}");
        let mut random = SmallRng::seed_from_u64(seed);
        for _ in 0..count() / 2 {
            trial(&mut random);
        }
    }
}

fn flip(random: &mut SmallRng, bytes: &mut [u8]) {
    let bit = random.random_range(0..bytes.len() * 8);
    bytes[bit / 8] ^= 1 << (bit % 8);
}

/// A flipped bit anywhere: what came before its frame counts, and nothing after.
#[test]
fn a_stale_checksum_ends_a_worker_at_the_damage() {
    let (stream, schemas) = (stream(), tables());
    let frames = frames(&stream);
    flips(|random| {
        let mut bytes = stream.clone();
        let bit = random.random_range(0..bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        let mut start = 0;
        let whole = frames.iter().take_while(|frame| {
            start += HEADER_LEN + frame.body.len();
            start <= bit / 8
        });
        let before = whole.filter(|frame| frame.kind == Kind::Message).count();
        let inputs = heard(&bytes, &schemas);
        check(&inputs, &schemas);
        assert_eq!(inputs.len(), before + 1, "bit {bit}: {inputs:?}");
    });
}

/// Damage that a checksum does not show, since it was worked out after: in what a frame says of itself and in what it
/// holds.
#[test]
fn a_sealed_lie_is_seen_through_or_harms_nobody() {
    let (stream, schemas) = (stream(), tables());
    let frames = frames(&stream);
    let mut broken = 0;
    flips(|random| {
        let at = random.random_range(0..frames.len());
        let mut bytes = Vec::with_capacity(stream.len() + HEADER_LEN);
        for (position, frame) in frames.iter().enumerate() {
            let Frame {
                mut kind,
                mut table,
                mut task,
                ..
            } = *frame;
            let mut body = frame.body.to_vec();
            if position == at {
                match random.random_range(0..20) {
                    0 => table ^= 1 << random.random_range(0..32),
                    1 => task ^= 1 << random.random_range(0..64),
                    2 => {
                        kind = if kind == Kind::Batch {
                            Kind::Message
                        } else {
                            Kind::Batch
                        }
                    }
                    3 => body.truncate(random.random_range(0..body.len())),
                    flips => (0..1 + flips % 3).for_each(|_| flip(random, &mut body)),
                }
            }
            FrameWriter::new(&mut bytes).write(kind, table, task, &[&body]).unwrap();
        }
        let inputs = heard(&bytes, &schemas);
        check(&inputs, &schemas);
        if let Some(Input::Hangup { broken: Some(_), .. }) = inputs.last() {
            broken += 1;
        }
    });
    // A flipped bit of a value is another value; but most of a stream is not free to be anything.
    assert!(broken > count() / 4, "{broken}");
}

/// The files of the Arrow project's own corpus of broken streams, and where they lie.
fn corpus() -> Vec<(PathBuf, Vec<u8>)> {
    let root = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/corpora/arrow-testing/data"
    ));
    let folders = ["arrow-ipc-file", "arrow-ipc-stream"].map(|folder| fs::read_dir(root.join(folder)));
    let files = folders
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.unwrap().path());
    files.map(|file| (file.clone(), fs::read(file).unwrap())).collect()
}

#[test]
#[expect(clippy::print_stderr, reason = "a test that is skipped has to say so")]
fn broken_arrow_streams_end_a_worker() {
    let (corpus, schemas) = (corpus(), tables());
    if corpus.is_empty() {
        eprintln!("skipped: the corpus of broken Arrow streams is not there");
    }
    let sealed = |kind, body: &[u8]| {
        let mut bytes = Script::default()
            .say(&FromWorker::Ready {
                build: BUILD.into(),
                sandbox: Held::default(),
            })
            .bytes;
        FrameWriter::new(&mut bytes).write(kind, LISTS, 0, &[body]).unwrap();
        bytes
    };
    for (file, content) in corpus {
        // As if it were all that a worker says.
        let raw = heard(&content, &schemas);
        assert!(
            matches!(&raw[..], [Input::Hangup { .. }]),
            "{}: {raw:?}",
            file.display()
        );
        // As the body of a frame: whole, and without what a file has before its first message.
        let bodies = [&content[..], content.get(8..).unwrap_or_default()];
        for (kind, body) in [Kind::Batch, Kind::Message]
            .into_iter()
            .flat_map(|kind| bodies.map(|body| (kind, body)))
        {
            let inputs = heard(&sealed(kind, body), &schemas);
            check(&inputs, &schemas);
            assert_eq!(inputs.len(), 2, "{}: {inputs:?}", file.display());
            assert!(!broken(&inputs).is_empty());
        }
    }
}

/// Batches that no `UnitDone` ever closes: what they hold is bounded, in bytes and in number.
#[test]
fn a_unit_without_end_ends_its_worker() {
    let twice = Script::default().batch(LISTS, 0, &lists(1)).batch(LISTS, 0, &lists(1));
    assert!(broken(&twice.heard(&tables())).contains("twice in one unit"));
    let backwards = Script::default()
        .batch(LISTS, 0, &lists(1))
        .batch(SCALARS, 0, &scalars(1));
    assert!(broken(&backwards.heard(&tables())).contains("behind a later one"));

    let schemas = tables();
    let mut receiver = Receiver {
        worker: WORKER,
        ready: false,
        schemas: &schemas,
        decoders: Vec::new(),
        open: OpenUnit::default(),
    };
    let mut frames = frames(
        &Script::default()
            .batch(SCALARS, 0, &scalars(1))
            .batch(LISTS, 0, &lists(1))
            .bytes,
    );
    let (second, first) = (frames.pop().unwrap(), frames.pop().unwrap());
    receiver.take(first).unwrap();
    receiver.open.bytes = MAX_UNIT_BYTES;
    assert!(receiver.take(second).unwrap_err().contains("in one unit; the most is"));
}

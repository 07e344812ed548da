//! What a worker may say, and what is its end.

mod hostile;

use arrow_array::{Int64Array, RecordBatch, StringArray};
use tarquet_wire::batch::TableEncoder;
use tarquet_wire::frame::FrameWriter;
use tarquet_wire::message::{Open, send};
use tarquet_wire::tables::{FailureRow, failures_batch, schemas};

use super::judge::WORKER;
use super::*;

/// One feature, so tables 0 (rows), 1 (failures) and 2 (rescued values).
fn fixed() -> Schemas {
    let plan = tarquet_feature_map::parse("map.yaml", "{id: doc, features: {a: {path: $.a, type: int64}}}").unwrap();
    let lock = OnceLock::new();
    lock.set(schemas(&plan).unwrap()).unwrap();
    Arc::new(lock)
}

fn rows(count: i64) -> RecordBatch {
    let ids = StringArray::from_iter_values((0..count).map(|row| format!("doc{row}")));
    let values = Int64Array::from_iter_values(0..count);
    RecordBatch::try_new(
        Arc::clone(&fixed().get().unwrap()[0]),
        vec![Arc::new(ids), Arc::new(values)],
    )
    .unwrap()
}

fn failure() -> RecordBatch {
    failures_batch(&[FailureRow {
        member: "bad.json".into(),
        offset: Some(4),
        line: None,
        reason: "syntax".into(),
        detail: "x".into(),
    }])
    .unwrap()
}

/// What a worker writes, frame by frame.
#[derive(Default)]
struct Script {
    bytes: Vec<u8>,
}

impl Script {
    fn batch(mut self, table: u32, task: u64, batch: &RecordBatch) -> Script {
        let pieces = TableEncoder::new(&batch.schema()).unwrap().encode(batch).unwrap();
        let body: Vec<u8> = pieces.iter().flat_map(|piece| piece.as_slice().to_vec()).collect();
        FrameWriter::new(&mut self.bytes)
            .write(Kind::Batch, table, task, &[&body])
            .unwrap();
        self
    }

    fn say(mut self, message: &FromWorker) -> Script {
        send(&mut FrameWriter::new(&mut self.bytes), message).unwrap();
        self
    }

    fn done(self, done: UnitDone) -> Script {
        self.say(&FromWorker::UnitDone(done))
    }

    /// Everything that reaches the loop, the hang-up last.
    fn heard(self, schemas: &Schemas) -> Vec<Input> {
        judge::heard(&self.bytes, schemas)
    }
}

/// Two documents with one row each, and a member that failed.
fn done() -> UnitDone {
    UnitDone {
        task: 7,
        members: 3,
        ended: 3,
        failed: 1,
        failures: 1,
        documents: 2,
        rows: vec![1, 1],
        bytes: vec![16, 16],
        ..UnitDone::default()
    }
}

fn broken(inputs: &[Input]) -> &str {
    match inputs {
        [
            ..,
            Input::Hangup {
                worker: WORKER,
                broken: Some(broken),
            },
        ] => broken,
        other => panic!("the worker is not ended: {other:?}"),
    }
}

#[test]
fn a_unit_is_its_batches_and_their_counts() {
    let inputs = Script::default()
        .batch(0, 7, &rows(2))
        .batch(1, 7, &failure())
        .done(done())
        .heard(&fixed());
    let [
        Input::Machine(Event::Unit {
            worker,
            task,
            closes,
            cut: None,
            bytes,
            unit: Sent { unit, .. },
        }),
        Input::Hangup { broken: None, .. },
    ] = &inputs[..]
    else {
        panic!("{inputs:?}");
    };
    let expected = Closes {
        members: 3,
        ended: 3,
        within: 0,
        documents: 3,
    };
    assert_eq!((*worker, *task, *closes), (WORKER, TaskId(7), expected));
    assert!(*bytes > 0);
    assert_eq!((unit.members, unit.failed, unit.documents), (3, 1, 2));
    assert_eq!(unit.batches.len(), 1, "the reserved tables are taken out");
    assert_eq!(unit.failures[0].member.as_deref(), Some("bad.json"));
}

#[test]
fn an_open_unit_ends_with_its_worker() {
    let mut script = Script::default()
        .batch(1, 0, &failure())
        .done(UnitDone {
            members: 1,
            ended: 1,
            failed: 1,
            failures: 1,
            ..UnitDone::default()
        })
        .batch(0, 7, &rows(2));
    // It dies while it writes the next frame.
    script.bytes.extend_from_slice(&[9, 0, 0, 0, 1]);
    let inputs = script.heard(&fixed());
    assert!(
        matches!(
            &inputs[..],
            [Input::Machine(Event::Unit { .. }), Input::Hangup { broken: None, .. }]
        ),
        "{inputs:?}"
    );
}

#[test]
fn a_worker_that_contradicts_itself_is_ended() {
    let cases: Vec<(&str, Script)> = vec![
        (
            "two tasks",
            Script::default().batch(0, 7, &rows(1)).batch(0, 8, &rows(1)),
        ),
        ("another task", Script::default().batch(0, 8, &rows(2)).done(done())),
        ("there is not", Script::default().batch(3, 7, &rows(1))),
        ("another schema", Script::default().batch(1, 7, &rows(1))),
        (
            "build",
            Script::default().say(&FromWorker::Ready {
                build: "0.0.0".into(),
                sandbox: Held::default(),
            }),
        ),
    ];
    for (word, script) in cases {
        let inputs = script.heard(&fixed());
        assert!(broken(&inputs).contains(word), "{word}: {inputs:?}");
        assert_eq!(inputs.len(), 1, "nothing of it counts: {inputs:?}");
    }
}

/// What it says of its sandbox once it has read of the archive may be whatever the archive makes it say.
#[test]
fn a_worker_tells_once_what_holds_it_in() {
    let ready = |seccomp, lack: &str| FromWorker::Ready {
        build: BUILD.into(),
        sandbox: Held {
            landlock: Some(7),
            seccomp,
            lacks: vec![lack.to_owned()],
        },
    };
    let inputs = Script::default()
        .say(&ready(true, "no \u{1b}[31mred"))
        .say(&ready(false, "nothing"))
        .heard(&fixed());
    let [
        Input::Ready { worker, sandbox },
        Input::Hangup { broken: Some(why), .. },
    ] = &inputs[..]
    else {
        panic!("{inputs:?}");
    };
    assert_eq!((*worker, sandbox.landlock, sandbox.seccomp), (WORKER, Some(7), true));
    assert_eq!(sandbox.lacks, ["no \u{fffd}[31mred"], "it may be shown");
    assert!(why.contains("twice"), "{why}");
}

#[test]
fn counts_that_do_not_add_up_end_a_worker() {
    let sent = || Script::default().batch(0, 7, &rows(2)).batch(1, 7, &failure());
    assert!(matches!(
        sent().done(done()).heard(&fixed())[..],
        [Input::Machine(_), Input::Hangup { broken: None, .. }]
    ));
    let lies: [fn(&mut UnitDone); 13] = [
        |done| done.rows = vec![2, 1],
        |done| done.rows = vec![2],
        |done| done.rows = vec![1, 1, 0],
        |done| done.bytes = vec![16, 17],
        // A sum that does not fit.
        |done| done.bytes = vec![u64::MAX, 33],
        |done| done.bytes = vec![32],
        |done| done.members = 2,
        |done| done.failed = 4,
        |done| done.ended = 0,
        // A failure without a line for `failed.log`, or a line without a failure.
        |done| done.failures = 0,
        |done| done.failed = 2,
        |done| {
            done.open = Some(Open {
                byte: 9,
                lines: 9,
                documents: 3,
            });
        },
        |done| done.documents = u32::MAX,
    ];
    let lies = lies.into_iter().map(|lie| {
        let mut done = done();
        lie(&mut done);
        sent().done(done)
    });
    let missing = [
        Script::default().done(done()),
        Script::default().batch(0, 7, &rows(2)).done(done()),
        Script::default()
            .batch(0, 7, &rows(1))
            .batch(1, 7, &failure())
            .done(done()),
    ];
    for (number, script) in lies.chain(missing).enumerate() {
        let inputs = script.heard(&fixed());
        assert!(broken(&inputs).contains("add up"), "{number}: {inputs:?}");
        assert_eq!(inputs.len(), 1, "{number}: nothing of it counts: {inputs:?}");
    }
}

#[test]
fn nothing_can_be_extracted_before_the_schema_is_fixed() {
    let open: Schemas = Arc::default();
    for script in [
        Script::default().batch(0, 7, &rows(1)),
        Script::default().done(UnitDone::default()),
    ] {
        assert!(broken(&script.heard(&open)).contains("before the schema"));
    }
}

#[test]
fn what_a_worker_says_of_itself_is_no_command_to_a_terminal() {
    let say = |text: &str| FromWorker::SourceFailed {
        member: text.to_owned(),
        error: text.repeat(1000),
    };
    let inputs = Script::default().say(&say("\u{1b}[2Jä\n")).heard(&fixed());
    let [Input::SourceFailed { member, error }, _] = &inputs[..] else {
        panic!("{inputs:?}");
    };
    assert_eq!(member, "\u{fffd}[2Jä\u{fffd}");
    assert_eq!(error.chars().count(), MAX_SHOWN);
}

#[test]
fn bytes_that_are_no_frames_end_a_worker() {
    let batch_of_nonsense = |body: &[u8]| {
        let mut script = Script::default();
        FrameWriter::new(&mut script.bytes)
            .write(Kind::Batch, 0, 7, &[body])
            .unwrap();
        script
    };
    let mut trailing = postcard_of(&FromWorker::TaskDone { task: TaskId(1) });
    trailing.push(0);
    let mut message = Script::default();
    FrameWriter::new(&mut message.bytes)
        .write(Kind::Message, 0, 0, &[&trailing])
        .unwrap();
    for script in [
        batch_of_nonsense(b""),
        batch_of_nonsense(&[0xff; 300]),
        message,
        Script { bytes: vec![b'n'; 40] },
    ] {
        assert!(!broken(&script.heard(&fixed())).is_empty());
    }
}

/// The body of a message's frame.
fn postcard_of(message: &FromWorker) -> Vec<u8> {
    let mut bytes = Vec::new();
    send(&mut FrameWriter::new(&mut bytes), message).unwrap();
    FrameReader::new(bytes.as_slice())
        .read()
        .unwrap()
        .unwrap()
        .body
        .to_vec()
}

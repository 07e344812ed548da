//! What workers and coordinators send each other.

use std::sync::Arc;

use tarquet_feature_map::{Evidence, Plan, Seen, parse};
use tarquet_fuzz::FRAMES_MAP;
use tarquet_projection::{EngineKind, Projected, Projector};
use tarquet_wire::BUILD;
use tarquet_wire::array::{ArrayState, Cut};
use tarquet_wire::batch::TableEncoder;
use tarquet_wire::frame::{Frame, FrameReader, FrameWriter, Kind};
use tarquet_wire::message::{
    Extent, Failure, FromWorker, Hello, Member, SampleLimit, Span, Task, TaskId, ToWorker, UnitDone, encode, send,
};
use tarquet_wire::sandbox::Held;
use tarquet_wire::source::SourceId;
use tarquet_wire::tables::{FailureRow, failures_batch, failures_table};

const DOCUMENTS: [&str; 3] = [
    r#"{"i":1,"f":2.5,"b":true,"s":"text","t":"2024-02-29T12:30:00Z"}"#,
    r#"{"d":"2024-02-29","s":["a",null,"é"],"i":[1,null,3]}"#,
    "{}",
];

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let plan = parse("map.yaml", FRAMES_MAP).expect("the map is valid");
    let stream = stream(&plan);
    let frames = frames(&stream);
    let mut seeds = vec![
        [&[0], &stream[..]].concat(),
        [&[0], &stream[..stream.len() - 7]].concat(),
        [&[1], &opened(&frames)[..]].concat(),
    ];
    // The last frame is what matters of each; the first, which tells the build, is only in the ones above.
    for count in 2..frames.len() {
        seeds.push([&[1], &opened(&frames[1..count])[..]].concat());
    }
    // Out of order, of another table, and with a bit of their bodies changed.
    seeds.push([&[1], &opened(&[frames[3].clone(), frames[3].clone()])[..]].concat());
    for (number, frame) in frames.iter().enumerate().skip(1) {
        let mut lie = opened(std::slice::from_ref(frame));
        let at = if number % 2 == 0 { 1 } else { lie.len() / 2 };
        lie[at] ^= 1;
        seeds.push([&[1], &lie[..]].concat());
    }
    let messages = frames.iter().filter(|frame| frame.kind == Kind::Message);
    seeds.extend(messages.map(|frame| [&[2], frame.body.as_slice()].concat()));
    let told = to_worker(&plan)
        .into_iter()
        .map(|message| encode(&message).expect("a message"));
    seeds.extend(told.map(|body| [&[3], &body[..]].concat()));
    seeds
}

/// What a worker sends over one task.
fn stream(plan: &Plan) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = FrameWriter::new(&mut bytes);
    let say = |writer: &mut FrameWriter<_>, message: &FromWorker| send(writer, message).expect("memory");
    let task = TaskId(0);
    let sandbox = Held {
        landlock: Some(7),
        seccomp: true,
        lacks: vec!["scopes".to_owned()],
    };
    let build = BUILD.to_owned();
    say(&mut writer, &FromWorker::Ready { build, sandbox });
    let mut evidence = Evidence::new(&parse("map.yaml", "{id: doc, features: {a: $.a}}").expect("a map"));
    evidence.slots[0].value(Seen::Int);
    say(
        &mut writer,
        &FromWorker::SampleDone {
            task,
            evidence,
            left: Some(SampleLimit {
                documents: 3,
                bytes: 900,
            }),
            cut: Some(Cut {
                start: 70,
                at: 71,
                state: ArrayState::Between { is_first: false },
            }),
        },
    );
    say(
        &mut writer,
        &FromWorker::Started {
            task,
            first: 0,
            count: 4,
            span: Some(Span {
                from: 0,
                to: 70,
                is_one: false,
            }),
        },
    );
    let (projected, failures) = (project(plan), failures());
    let features = plan.features.len();
    let mut batches = projected.batches;
    batches.push((failures_table(features), failures));
    for (table, batch) in &batches {
        let pieces = TableEncoder::new(&batch.schema()).and_then(|mut encoder| encoder.encode(batch));
        let pieces = pieces.expect("a batch can be encoded");
        let pieces: Vec<&[u8]> = pieces.iter().map(|piece| piece.as_slice()).collect();
        writer.write(Kind::Batch, *table as u32, 0, &pieces).expect("memory");
    }
    let done = UnitDone {
        task: 0,
        members: 4,
        ended: 4,
        failed: 1,
        failures: 1,
        documents: 3,
        rows: projected.rows,
        bytes: projected.bytes,
        ..UnitDone::default()
    };
    say(&mut writer, &FromWorker::UnitDone(done));
    say(
        &mut writer,
        &FromWorker::Blocked {
            task,
            request: 0,
            bytes: 4096,
        },
    );
    say(&mut writer, &FromWorker::TaskDone { task });
    let (member, error) = ("a.json".to_owned(), "Input/output error".to_owned());
    say(&mut writer, &FromWorker::SourceFailed { member, error });
    bytes
}

fn project(plan: &Plan) -> Projected {
    let mut projector = Projector::new(Arc::new(plan.clone()), EngineKind::Reference);
    for (number, document) in DOCUMENTS.iter().enumerate() {
        let member = format!("{number}.json");
        projector.project(document.as_bytes(), &member).expect("a document");
    }
    projector.flush().expect("rows make batches")
}

fn failures() -> arrow_array::RecordBatch {
    let row = FailureRow {
        member: "bad.json".to_owned(),
        offset: Some(4),
        line: None,
        reason: "syntax".to_owned(),
        detail: "a comma is missing".to_owned(),
    };
    failures_batch(&[row]).expect("a batch")
}

/// Everything that a worker is told.
fn to_worker(plan: &Plan) -> Vec<ToWorker> {
    let task = Task {
        id: TaskId(300),
        source: SourceId(2),
        members: vec![
            member(b"a.json", 700, None),
            member(b"\xff", 0, Some(("truncated", "it ends early"))),
        ],
        careful: true,
    };
    let hello = Hello {
        protocol: tarquet_wire::PROTOCOL,
        build: BUILD.to_owned(),
        plan: plan.clone(),
        engine: "structural".to_owned(),
        product: tarquet_wire::message::Product::Rows,
        sources: 3,
        unit_bytes: 1 << 20,
        credit: 8 << 20,
        max_document_bytes: 256 << 20,
    };
    vec![
        ToWorker::Hello(Box::new(hello)),
        ToWorker::Sample(task.clone()),
        ToWorker::Task(task),
        ToWorker::Credit { bytes: 70_000 },
        ToWorker::Pass { request: 3 },
        ToWorker::Finish,
    ]
}

fn member(name: &[u8], size: u64, failed: Option<(&str, &str)>) -> Member {
    Member {
        name: name.to_vec(),
        offset: 512,
        size,
        extents: vec![Extent {
            offset: 1024,
            len: size,
        }],
        stretch: None,
        failed: failed.map(|(reason, detail)| Failure {
            reason: reason.to_owned(),
            detail: detail.to_owned(),
        }),
    }
}

fn frames(stream: &[u8]) -> Vec<Frame> {
    let mut reader = FrameReader::new(stream);
    std::iter::from_fn(|| reader.read().expect("whole frames")).collect()
}

/// Frames without their headers, as the target takes them.
fn opened(frames: &[Frame]) -> Vec<u8> {
    let open = |frame: &Frame| {
        let kind = u8::from(frame.kind == Kind::Message);
        let len = (frame.body.len() as u16).to_le_bytes();
        [&[kind, frame.table as u8, frame.task as u8], &len[..], &frame.body].concat()
    };
    frames.iter().flat_map(open).collect()
}

//! A worker over in-memory pipes: a script of commands in, the frames it answers with out.

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use tarquet_wire::batch::TableDecoder;
use tarquet_wire::frame::FrameReader;
use tarquet_wire::message::{Extent, Failure, UnitDone, decode};
use tarquet_wire::tables::{failure_rows, failures_table, rescued_rows, rescued_table, value_bytes};

use super::*;

mod open;

const MAP: &str = "{id: doc, features: {number: {path: $.n, type: int64}, items: {for: {item: '$.items[*]'}, columns: {item: {path: item, type: string}}}}}";

const DOCUMENTS: [&str; 4] = [
    r#"{"n": 1, "items": ["a", "b"]}"#,
    r#"{"n": 2, "items": []}"#,
    r#"{"n": "#,
    r#"{"n": "x", "items": ["c"]}"#,
];

fn plan(map: &str) -> Plan {
    tarquet_feature_map::parse("map.yaml", map).unwrap()
}

fn hello(credit: u64) -> ToWorker {
    ToWorker::Hello(Box::new(Hello {
        protocol: PROTOCOL,
        build: BUILD.to_owned(),
        plan: plan(MAP),
        engine: EngineKind::SimdJson.to_string(),
        product: tarquet_wire::message::Product::Rows,
        sources: 3,
        unit_bytes: 1 << 20,
        max_document_bytes: 1 << 20,
        credit,
    }))
}

fn archive() -> Vec<u8> {
    DOCUMENTS.concat().into_bytes()
}

/// The members of `archive`, `doc0.json` and so on.
fn members() -> Vec<Member> {
    members_of(&DOCUMENTS)
}

/// The members of an archive that is these documents.
fn members_of(documents: &[&str]) -> Vec<Member> {
    let mut offset = 0;
    let member = |(number, document): (usize, &&str)| {
        let len = document.len() as u64;
        offset += len;
        let extents = vec![Extent {
            offset: offset - len,
            len,
        }];
        Member {
            name: format!("doc{number}.json").into_bytes(),
            offset: 0,
            size: len,
            extents,
            failed: None,
            stretch: None,
        }
    };
    documents.iter().enumerate().map(member).collect()
}

fn task(id: u64, members: Vec<Member>, careful: bool) -> Task {
    Task {
        id: TaskId(id),
        source: SourceId(0),
        members,
        careful,
    }
}

/// A frame from the worker.
#[derive(Debug, PartialEq)]
enum Said {
    Message(FromWorker),
    Batch { table: usize, batch: RecordBatch },
}

/// Runs a worker with the plan of `MAP` over `commands`, then the end of the pipe.
fn run(commands: &[ToWorker], archive: &[u8]) -> (Result<(), WorkerError>, Vec<Said>) {
    run_map(MAP, commands, archive)
}

fn run_map(map: &str, commands: &[ToWorker], archive: &[u8]) -> (Result<(), WorkerError>, Vec<Said>) {
    run_sources(map, commands, &[(SourceId(0), archive.to_vec())])
}

/// With these sources, in the order in which they come.
fn run_sources(
    map: &str,
    commands: &[ToWorker],
    sources: &[(SourceId, Vec<u8>)],
) -> (Result<(), WorkerError>, Vec<Said>) {
    let (mut input, mut output) = (Vec::new(), Vec::new());
    let mut writer = FrameWriter::new(&mut input);
    commands.iter().for_each(|command| send(&mut writer, command).unwrap());
    let ended = serve(input.as_slice(), &mut output, Held::default(), |hello| {
        assert_eq!(hello.sources, 3);
        let sources = sources.to_vec();
        let mut sources = sources.into_iter();
        Ok(Box::new(move || sources.next().ok_or(io::ErrorKind::UnexpectedEof.into())) as NextSource<Vec<u8>>)
    });
    let decoders: Vec<TableDecoder> = schemas(&plan(map))
        .unwrap()
        .into_iter()
        .map(|schema| TableDecoder::new(schema).unwrap())
        .collect();
    let mut frames = FrameReader::new(output.as_slice());
    let mut said = Vec::new();
    while let Some(frame) = frames.read().unwrap() {
        said.push(match frame.kind {
            Kind::Message => Said::Message(decode(&frame).unwrap()),
            Kind::Batch => {
                let table = frame.table as usize;
                Said::Batch {
                    table,
                    batch: decoders[table].decode(&frame.body).unwrap(),
                }
            }
        });
    }
    (ended, said)
}

/// The kinds of frames, in order.
fn outline(said: &[Said]) -> Vec<&'static str> {
    said.iter()
        .map(|frame| match frame {
            Said::Message(FromWorker::Ready { .. }) => "ready",
            Said::Message(FromWorker::SampleDone { .. }) => "sample done",
            Said::Message(FromWorker::Started { .. }) => "started",
            Said::Message(FromWorker::UnitDone(_)) => "unit done",
            Said::Message(FromWorker::TaskDone { .. }) => "task done",
            Said::Message(FromWorker::Blocked { .. }) => "blocked",
            Said::Message(FromWorker::SourceFailed { .. }) => "source failed",
            Said::Batch { .. } => "batch",
        })
        .collect()
}

fn units(said: &[Said]) -> Vec<&UnitDone> {
    let units = said.iter().map(|frame| {
        if let Said::Message(FromWorker::UnitDone(done)) = frame {
            Some(done)
        } else {
            None
        }
    });
    units.flatten().collect()
}

fn batches(said: &[Said], of: usize) -> Vec<&RecordBatch> {
    let batches = said.iter().map(|frame| match frame {
        Said::Batch { table, batch } if *table == of => Some(batch),
        _ => None,
    });
    batches.flatten().collect()
}

#[test]
fn a_task_becomes_one_closed_unit() {
    let (ended, said) = run(
        &[
            hello(1 << 20),
            ToWorker::Task(task(7, members(), false)),
            ToWorker::Finish,
        ],
        &archive(),
    );
    ended.unwrap();
    // Two features, the failures and the rescued values.
    assert_eq!(
        outline(&said),
        [
            "ready",
            "started",
            "batch",
            "batch",
            "batch",
            "batch",
            "unit done",
            "task done"
        ]
    );
    let unit = units(&said)[0];
    assert_eq!((unit.task, unit.members, unit.failed, unit.documents), (7, 4, 1, 3));
    assert_eq!(unit.rows, [1, 2, 1, 0, 1, 1], "rows of each document in each feature");

    let items = batches(&said, 1)[0];
    let texts: Vec<_> = items.column(1).as_string::<i32>().iter().flatten().collect();
    assert_eq!(texts, ["a", "b", "c"]);
    let failures = failure_rows(batches(&said, failures_table(2))[0]);
    assert_eq!(
        (failures[0].member.as_str(), failures[0].reason.as_str()),
        ("doc2.json", "truncated")
    );
    assert_eq!(failures[0].offset, Some(DOCUMENTS[2].len() as u64));
    let rescued = rescued_rows(batches(&said, rescued_table(2))[0]);
    assert_eq!(
        (rescued[0].member.as_str(), rescued[0].value.as_str(), rescued[0].row),
        ("doc3.json", "\"x\"", 0)
    );
}

/// What the coordinator holds a worker to: the bytes of a unit's documents are those of its batches' rows, tables come
/// in ascending order, and each failed member has its line.
#[test]
fn a_units_counts_are_those_of_its_batches() {
    const EVERY_TYPE: &str = "{id: doc, provenance: true, features: {\
        one: {columns: {i: {path: $.i, type: int64}, f: {path: $.f, type: float64}, b: {path: $.b, type: bool}, \
            s: {path: $.s, type: string}, t: {path: $.t, type: timestamp}, n: {path: $.n, type: datetime}, \
            d: {path: $.d, type: date}, j: {path: $.j, type: json}}}, \
        many: {for: {e: '$.e[*]'}, columns: {at: {index: e}, i: {path: 'e[*]', type: list<int64>}, \
            s: {path: 'e[*]', type: list<string>}, b: {path: 'e[*]', type: list<bool>}}}}}";
    let documents = [
        r#"{"i": 1, "f": 0.5, "b": true, "s": "ä", "t": "2020-01-01T00:00:00Z", "n": "2020-01-01T00:00:00", "d": "2020-01-01"}"#,
        r#"{"i": "x", "f": null, "j": {"a": [1, 2]}, "s": "", "e": [[1, "two", true, null], [], 3, null]}"#,
        r#"{"e": ["#,
        r#"{"e": [["a", "bc"], [null], [{"x": 1}], "lone"], "d": 7}"#,
        "{}",
    ];
    for (careful, closed) in [(false, 1), (true, 5)] {
        let ToWorker::Hello(mut hello) = hello(1 << 20) else {
            unreachable!()
        };
        hello.plan = plan(EVERY_TYPE);
        let task = ToWorker::Task(task(0, members_of(&documents), careful));
        let (ended, said) = run_map(
            EVERY_TYPE,
            &[ToWorker::Hello(hello), task],
            documents.concat().as_bytes(),
        );
        ended.unwrap();
        assert_eq!(units(&said).len(), closed);
        let mut open: Vec<(usize, &RecordBatch)> = Vec::new();
        for frame in &said {
            match frame {
                Said::Batch { table, batch } => open.push((*table, batch)),
                Said::Message(FromWorker::UnitDone(done)) => check_unit(done, &std::mem::take(&mut open)),
                Said::Message(_) => {}
            }
        }
        assert!(open.is_empty());
    }
}

fn check_unit(done: &UnitDone, batches: &[(usize, &RecordBatch)]) {
    assert!(batches.is_sorted_by(|(one, _), (next, _)| one < next));
    let of = |table: usize| batches.iter().find(|(of, _)| *of == table).map(|(_, batch)| *batch);
    for feature in 0..2 {
        let told: u64 = done.bytes.chunks_exact(2).map(|document| document[feature]).sum();
        assert_eq!(
            told,
            of(feature).map_or(0, value_bytes),
            "feature {feature} of {done:?}"
        );
    }
    assert_eq!(
        of(failures_table(2)).map_or(0, RecordBatch::num_rows),
        done.failed as usize
    );
}

#[test]
fn a_careful_task_closes_every_member_alone() {
    let (ended, said) = run(&[hello(1 << 20), ToWorker::Task(task(0, members(), true))], &archive());
    ended.unwrap();
    let started: Vec<(u32, u32)> = said
        .iter()
        .filter_map(|frame| match frame {
            Said::Message(FromWorker::Started { first, count, .. }) => Some((*first, *count)),
            _ => None,
        })
        .collect();
    assert_eq!(started, [(0, 1), (1, 1), (2, 1), (3, 1)]);
    assert_eq!(
        units(&said).iter().map(|unit| unit.members).collect::<Vec<_>>(),
        [1, 1, 1, 1]
    );
    assert_eq!(units(&said)[2].failed, 1);
}

#[test]
fn rows_that_weigh_enough_close_a_unit() {
    let ToWorker::Hello(mut hello) = hello(1 << 20) else {
        unreachable!()
    };
    hello.unit_bytes = 1;
    let (ended, said) = run(
        &[ToWorker::Hello(hello), ToWorker::Task(task(0, members(), false))],
        &archive(),
    );
    ended.unwrap();
    // The third has failed, and what is said of it has a weight too.
    assert_eq!(
        units(&said).iter().map(|unit| unit.members).collect::<Vec<_>>(),
        [1, 1, 1, 1]
    );
    assert_eq!(
        units(&said).iter().map(|unit| unit.failed).collect::<Vec<_>>(),
        [0, 0, 1, 0]
    );
}

#[test]
fn without_credit_a_unit_waits_for_its_pass() {
    let commands = [
        hello(0),
        ToWorker::Task(task(0, members(), false)),
        ToWorker::Task(task(1, members(), false)),
        ToWorker::Pass { request: 9 },
        ToWorker::Pass { request: 0 },
        ToWorker::Credit { bytes: 1 << 20 },
    ];
    let (ended, said) = run(&commands, &archive());
    ended.unwrap();
    let first: Vec<&str> = outline(&said).into_iter().skip(1).take(4).collect();
    assert_eq!(first, ["started", "blocked", "batch", "batch"]);
    // The second task was kept while the first one waited; credit alone lets it go on.
    assert_eq!(outline(&said).iter().filter(|kind| **kind == "task done").count(), 2);
    assert_eq!(outline(&said).iter().filter(|kind| **kind == "blocked").count(), 2);
}

#[test]
fn a_blocked_worker_leaves_when_told_to() {
    let commands = [hello(0), ToWorker::Task(task(0, members(), false)), ToWorker::Finish];
    let (ended, said) = run(&commands, &archive());
    ended.unwrap();
    assert_eq!(
        outline(&said),
        ["ready", "started", "blocked"],
        "an open unit is not sent"
    );
    // The end of the pipe says the same.
    let (ended, _) = run(&commands[..2], &archive());
    ended.unwrap();
}

#[test]
fn a_member_that_has_failed_already_takes_its_place() {
    let mut members = members();
    members[1].failed = Some(Failure {
        reason: "crash".into(),
        detail: "it crashed".into(),
    });
    members[1].extents.clear();
    let (ended, said) = run(&[hello(1 << 20), ToWorker::Task(task(0, members, false))], &archive());
    ended.unwrap();
    let failures = failure_rows(batches(&said, failures_table(2))[0]);
    let reasons: Vec<&str> = failures.iter().map(|failure| failure.reason.as_str()).collect();
    assert_eq!(reasons, ["crash", "truncated"]);
}

#[test]
fn a_sample_is_looked_at_and_then_the_schema_is_fixed() {
    let ToWorker::Hello(mut hello) = hello(1 << 20) else {
        unreachable!()
    };
    hello.plan = plan(&MAP.replace(", type: int64", "").replace(", type: string", ""));
    let untyped = hello.plan.clone();
    let sample = ToWorker::Sample(task(0, members(), false));
    let (ended, said) = run(&[ToWorker::Hello(hello.clone()), sample.clone()], &archive());
    ended.unwrap();
    let Some(Said::Message(FromWorker::SampleDone { evidence, .. })) = said.last() else {
        panic!("{said:?}")
    };
    let resolved = untyped.resolve(evidence).plan;
    assert!(resolved.is_typed());

    let commands = [
        ToWorker::Hello(hello.clone()),
        sample,
        ToWorker::Schema(Box::new(plan(MAP))),
        ToWorker::Task(task(0, members(), false)),
    ];
    let (ended, said) = run(&commands, &archive());
    ended.unwrap();
    assert_eq!(units(&said)[0].rows, [1, 2, 1, 0, 1, 1]);

    let (ended, _) = run(
        &[ToWorker::Hello(hello), ToWorker::Task(task(0, members(), false))],
        &archive(),
    );
    assert!(matches!(ended, Err(WorkerError::Unexpected { .. })), "{ended:?}");
}

#[test]
fn an_archive_that_cannot_be_read_ends_the_worker() {
    for commands in [
        ToWorker::Task(task(0, members(), false)),
        ToWorker::Sample(task(0, members(), false)),
    ] {
        let (ended, said) = run(&[hello(1 << 20), commands], &archive()[..5]);
        assert!(matches!(ended, Err(WorkerError::Source(_))), "{ended:?}");
        assert_eq!(outline(&said), ["ready", "started", "source failed"]);
    }
}

#[test]
fn a_coordinator_that_speaks_otherwise_is_refused() {
    let ToWorker::Hello(hello) = hello(0) else {
        unreachable!()
    };
    let builds = [(PROTOCOL + 1, BUILD), (PROTOCOL, "0.0.0")].map(|(protocol, build)| {
        ToWorker::Hello(Box::new(Hello {
            protocol,
            build: build.to_owned(),
            ..(*hello).clone()
        }))
    });
    for command in builds {
        assert!(matches!(run(&[command], &[]).0, Err(WorkerError::Build { .. })));
    }
    let engine = ToWorker::Hello(Box::new(Hello {
        engine: "steam".to_owned(),
        ..(*hello).clone()
    }));
    assert!(matches!(run(&[engine], &[]).0, Err(WorkerError::Engine { .. })));
    assert!(matches!(
        run(&[ToWorker::Schema(Box::new(plan(MAP)))], &[]).0,
        Err(WorkerError::Unexpected { .. })
    ));
    let hello = ToWorker::Hello(hello);
    assert!(matches!(
        run(&[hello.clone(), hello], &[]).0,
        Err(WorkerError::Unexpected { .. })
    ));
    assert!(run(&[], &[]).0.is_ok() && run(&[ToWorker::Finish], &[]).0.is_ok());
}

#[test]
fn small_members_are_announced_together_and_large_ones_alone() {
    let member = |size| Member {
        name: Vec::new(),
        offset: 0,
        size,
        extents: Vec::new(),
        failed: None,
        stretch: None,
    };
    let kib = 1 << 10;
    let task = |careful| Task {
        id: TaskId(0),
        source: SourceId(0),
        members: [40, 80, 160, 120, 400, 20, 256, 256]
            .map(|size| member(size * kib))
            .to_vec(),
        careful,
    };
    assert_eq!(announced(&task(false)), [0..2, 2..3, 3..4, 4..5, 5..6, 6..7, 7..8]);
    assert_eq!(announced(&task(true)).len(), 8);
}

#[test]
fn a_task_is_read_from_its_source() {
    let documents = [[r#"{"n": 1, "items": ["a"]}"#], [r#"{"n": 2, "items": ["b"]}"#]];
    let source = |number: usize| (SourceId(number as u64), documents[number].concat().into_bytes());
    let task = |id, number: usize| {
        let task = task(id, members_of(&documents[number]), false);
        ToWorker::Task(Task {
            source: SourceId(number as u64),
            ..task
        })
    };
    let commands = [hello(1 << 40), task(0, 0), task(1, 1), task(2, 1), task(3, 0)];
    // One that goes on with its source is sent no descriptor; one that comes back to it is.
    let (ended, said) = run_sources(MAP, &commands, &[source(0), source(1), source(0)]);
    ended.unwrap();
    let rows = said.iter().filter_map(|frame| match frame {
        Said::Batch { table: 0, batch } => Some(batch.column(1).as_primitive::<Int64Type>().value(0)),
        _ => None,
    });
    assert_eq!(rows.collect::<Vec<_>>(), [1, 2, 2, 1]);

    let (ended, _) = run_sources(MAP, &commands, &[source(0), source(0)]);
    assert!(matches!(ended, Err(WorkerError::Unexpected { .. })), "{ended:?}");
    let (ended, _) = run_sources(MAP, &commands, &[source(0)]);
    assert!(matches!(ended, Err(WorkerError::NoSource(_))), "{ended:?}");
}

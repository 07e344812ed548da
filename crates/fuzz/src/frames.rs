//! Frames and messages, both ways, and what a worker sends as the coordinator takes it.

use std::fmt::Debug;
use std::sync::LazyLock;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tarquet_coordinator::hear;
use tarquet_feature_map::Plan;
use tarquet_wire::frame::{Frame, FrameReader, FrameWriter, Kind};
use tarquet_wire::message::{FromWorker, ToWorker, decode, encode};

use crate::Verdict;
use crate::counting::peak;
use crate::input::Input;

/// The feature map of the run that a worker is heard in: all types of columns.
pub const MAP: &str = "{id: doc, provenance: true, features: {\
    scalars: {columns: {i: {path: $.i, type: int64}, f: {path: $.f, type: float64}, b: {path: $.b, type: bool}, \
        s: {path: $.s, type: string}, t: {path: $.t, type: timestamp}, d: {path: $.d, type: date}}}, \
    lists: {columns: {s: {path: '$.s[*]', type: list<string>}, i: {path: '$.i[*]', type: list<int64>}}}}}";

static PLAN: LazyLock<Plan> = LazyLock::new(|| tarquet_feature_map::parse("map.yaml", MAP).expect("the map is valid"));

/// The longest message to a worker that is looked at, in bytes. The coordinator alone writes these, and filters in its plan
/// nest as deep as the map's author nested them: here it would be the stack that ends it.
const LONGEST_PLAN: usize = 1 << 10;

/// Reads frames and messages.
///
/// The first byte says what the others are: what comes through a pipe; frames without their checksums; the body of a
/// message from a worker, or of one to it. What is read is written the same; what a worker sends reaches the
/// coordinator's loop as something that holds together, or ends the worker; and nothing takes more memory than its length
/// allows.
///
/// # Panics
///
/// Where one of this does not hold.
pub fn frames(data: &[u8]) -> Verdict {
    let mut input = Input::new(data);
    match input.byte() % 4 {
        0 => stream(input.rest()),
        1 => stream(&sealed(input)),
        2 => message::<FromWorker>(input.rest(), 32),
        _ if input.len() > LONGEST_PLAN => Verdict::Refused,
        // A member without a name and without a place is six bytes, and takes some hundred.
        _ => message::<ToWorker>(input.rest(), 512),
    }
}

/// Frames, one behind the other: kind, table and task of a byte each, the body's length of two, and the body.
fn sealed(mut input: Input<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = FrameWriter::new(&mut bytes);
    while !input.is_empty() {
        let kind = if input.byte().is_multiple_of(2) {
            Kind::Batch
        } else {
            Kind::Message
        };
        let (table, task) = (u32::from(input.byte()), u64::from(input.byte()));
        let len = usize::from(input.short());
        let (head, tail) = halves(input.bytes(len));
        writer
            .write(kind, table, task, &[head, tail])
            .expect("memory to write to");
    }
    bytes
}

fn halves(bytes: &[u8]) -> (&[u8], &[u8]) {
    bytes.split_at(bytes.len() / 2)
}

/// What comes through a worker's pipe.
fn stream(sent: &[u8]) -> Verdict {
    let (frames, is_whole) = read(sent);
    let mut again = Vec::new();
    let mut writer = FrameWriter::new(&mut again);
    for frame in &frames {
        let (head, tail) = halves(&frame.body);
        let written = writer.write(frame.kind, frame.table, frame.task, &[head, tail]);
        written.expect("memory to write to");
    }
    assert_eq!(read(&again), (frames, true));
    let heard = hear(&PLAN, sent);
    Verdict::of(is_whole && heard.broken.is_none())
}

/// All frames up to the end, or to what is none. Whether it is the end.
fn read(sent: &[u8]) -> (Vec<Frame>, bool) {
    // What is read ahead, and the first step of a body.
    let bound = (3 * sent.len()).max(8 << 20) + (8 << 10);
    let mut frames = Vec::new();
    let mut reader = FrameReader::new(sent);
    loop {
        let (frame, most) = peak(|| reader.read());
        assert!(most <= bound, "{most} bytes for a frame out of {}", sent.len());
        match frame {
            Ok(Some(frame)) => frames.push(frame),
            Ok(None) => return (frames, true),
            Err(_) => return (frames, false),
        }
    }
}

/// The body of a message, of which each byte may take so many, and a claimed length 1 MiB at each level of lists.
fn message<T>(body: &[u8], factor: usize) -> Verdict
where
    T: Serialize + DeserializeOwned + Debug,
{
    let frame = frame(body);
    let (decoded, most) = peak(|| decode::<T>(&frame));
    let bound = (4 << 20) + factor * body.len();
    assert!(most <= bound, "{most} bytes for a message of {}", body.len());
    let Ok(decoded) = decoded else {
        return Verdict::Refused;
    };
    // What was read may be longer than need be, and a number that is none is not equal to itself.
    let written = encode(&decoded).expect("a message can be written");
    let again: T = decode(&self::frame(&written)).expect("what was written is a message");
    assert_eq!(
        encode(&again).expect("a message can be written"),
        written,
        "{decoded:?}"
    );
    Verdict::Sound
}

/// A frame around a message's body.
fn frame(body: &[u8]) -> Frame {
    Frame {
        kind: Kind::Message,
        table: 0,
        task: 0,
        body: body.into(),
    }
}

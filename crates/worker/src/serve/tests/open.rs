//! Open stretches of an array: what the unit that closes one says of where it ends.

use tarquet_wire::array::{ArrayState, Cut, Inside};
use tarquet_wire::message::{FailedAt, SampleLimit, Shape, Stretch};

use super::*;

/// The largest element of these tests, in bytes.
const MOST: u64 = 20;

fn open(content: &str) -> Stretch {
    Stretch {
        shape: Shape::Array,
        at: 0,
        start: 0,
        end: content.len() as u64 + 100,
        is_last: false,
        is_open: true,
        state: ArrayState::Before,
        is_cut: false,
        careful_to: 0,
        failed: Vec::new(),
        sample: SampleLimit {
            documents: 100,
            bytes: 1 << 20,
        },
    }
}

/// What a worker says of the part of an array that is `content`.
fn extract(content: &str, stretch: Stretch) -> Vec<Said> {
    let ToWorker::Hello(mut hello) = hello(1 << 20) else {
        unreachable!()
    };
    hello.max_document_bytes = MOST;
    let mut members = members_of(&[content]);
    members[0].stretch = Some(stretch);
    let commands = [
        ToWorker::Hello(hello),
        ToWorker::Sample(task(0, members.clone(), false)),
        ToWorker::Task(task(1, members, false)),
    ];
    let (ended, said) = run(&commands, content.as_bytes());
    ended.unwrap();
    said
}

/// What it says of the part's end, when it is sampled and when it is extracted, which must be the same.
fn cut(said: &[Said]) -> Option<Cut> {
    let sampled = said.iter().find_map(|frame| match frame {
        Said::Message(FromWorker::SampleDone { cut, .. }) => Some(cut.clone()),
        _ => None,
    });
    let extracted = units(said).last().expect("a unit").cut.clone();
    assert_eq!(sampled, Some(extracted.clone()));
    extracted
}

fn failures(said: &[Said]) -> Vec<(Option<u64>, Option<u64>, String)> {
    let rows = batches(said, failures_table(2)).into_iter().flat_map(failure_rows);
    rows.map(|row| (row.line, row.offset, row.reason)).collect()
}

fn broken(start: u64, at: u64, offset: Option<u64>, reason: &str) -> Option<(u64, u64, Option<u64>, String)> {
    Some((start, at, offset, reason.to_owned()))
}

#[test]
fn an_open_stretch_ends_before_what_does_not_end_in_it() {
    let inside = |from, depth, is_string| ArrayState::Passed(Inside { from, depth, is_string });
    let next = ArrayState::Between { is_first: false };
    let cases = [
        ("", 0, 0, 0, ArrayState::Before),
        ("    ", 0, 4, 0, ArrayState::Before),
        // It may be half a byte order mark.
        ("[ ", 0, 0, 0, ArrayState::Before),
        ("[  ", 0, 3, 0, ArrayState::Between { is_first: true }),
        ("[1, 2", 2, 4, 1, next.clone()),
        ("[1, 2 , ", 6, 8, 2, next.clone()),
        ("[1, [\"]\"", 2, 4, 1, next),
        ("[1] ", 2, 4, 1, ArrayState::Behind),
        // One that is too large is told of where it ends.
        ("[1, [\"aaaaaaaaaaaaaaaaaaaaaaaaa", 2, 31, 1, inside(4, 1, true)),
        ("[1, [[\"a\"]         9       , 7", 2, 30, 1, inside(4, 1, false)),
    ];
    for (content, start, at, lines, state) in cases {
        let said = extract(content, open(content));
        assert_eq!(cut(&said), Some(Cut { start, at, state }), "{content:?}");
        let unit = units(&said)[0];
        assert_eq!((unit.members, unit.ended), (1, 0), "{content:?}");
        let open = unit.open.expect("the member goes on");
        assert_eq!((open.byte, open.lines), (start, lines), "{content:?}");
    }
}

/// What breaks the array is told in the cut, and by the last stretch.
#[test]
fn what_breaks_an_array_is_handed_on() {
    let rest = FailedAt {
        at: 3,
        is_rest: true,
        failure: Failure {
            reason: "crash".to_owned(),
            detail: String::new(),
        },
    };
    let cases = [
        ("[{\"n\":1},{\"n\" 2},{}", vec![], broken(8, 9, Some(14), "syntax")),
        ("[{\"n\":1},,{}", vec![], broken(8, 9, Some(9), "syntax")),
        ("{ }", vec![], broken(0, 0, Some(0), "syntax")),
        // Who goes on reading dies.
        (
            "[{\"n\":1}, 2",
            vec![FailedAt { at: 9, ..rest.clone() }],
            broken(8, 9, None, "crash"),
        ),
    ];
    for (content, failed, expected) in cases {
        let said = extract(
            content,
            Stretch {
                failed,
                ..open(content)
            },
        );
        assert_eq!(failures(&said), [], "{content}");
        let Some(Cut { start, at, state }) = cut(&said) else {
            panic!("{content}: no cut");
        };
        let ArrayState::Broken { offset, failure } = &state else {
            panic!("{content}: {state:?}");
        };
        assert_eq!(
            Some((start, at, *offset, failure.reason.clone())),
            expected,
            "{content}"
        );
        let last = Stretch {
            is_last: true,
            is_open: false,
            at,
            start,
            state: state.clone(),
            ..open("")
        };
        let said = extract("", last);
        assert_eq!(
            failures(&said),
            [(Some(1), *offset, failure.reason.clone())],
            "{content}"
        );
        let unit = units(&said)[0];
        assert_eq!(
            (unit.members, unit.ended, unit.failed, unit.cut.as_ref()),
            (1, 1, 1, None)
        );
        assert_eq!(unit.is_continued, start > 0);
    }
}

/// Of an array that is cut off, only the end of the archive is told, which is not a worker's affair.
#[test]
fn what_breaks_an_array_that_is_cut_off_is_not_told() {
    let content = "[{\"n\":1},{\"n\" 2},{}";
    let cut = Stretch {
        is_open: false,
        is_cut: true,
        ..open(content)
    };
    let said = extract(content, cut);
    assert_eq!(failures(&said), []);
    let unit = units(&said)[0];
    assert_eq!((unit.documents, unit.ended, unit.cut.as_ref()), (1, 0, None));
}

/// The sample's limit may be reached before the stretch's end: then nobody knows where that is.
#[test]
fn a_sample_that_ends_within_a_stretch_does_not_know_its_end() {
    let content = "[{\"n\":1},{\"n\":2},{\"n\":3},4";
    for (documents, is_told) in [(2, false), (3, false), (4, true)] {
        let sample = SampleLimit {
            documents,
            bytes: 1 << 20,
        };
        let said = extract(
            content,
            Stretch {
                sample,
                ..open(content)
            },
        );
        let told = said.iter().find_map(|frame| match frame {
            Said::Message(FromWorker::SampleDone { left, cut, .. }) => Some((left.expect("a stretch"), cut.is_some())),
            _ => None,
        });
        let (left, told) = told.expect("a sample");
        assert_eq!((left.is_reached(), told), (!is_told, is_told), "{documents}");
        assert_eq!(units(&said)[0].cut.as_ref().map(|cut| cut.start), Some(24));
    }
}

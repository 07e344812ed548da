//! Members of many documents, however they are cut, read and gone on with, held to a plain reader of the whole content.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use tarquet_wire::array::ArrayState;
use tarquet_wire::message::{SampleLimit, Shape, Stretch};
use tarquet_worker::{Cut, Cutting};

use crate::Verdict;
use crate::input::Input;
use crate::plain_documents::{elements, lines};

/// In the first byte: an array, and not lines.
const ARRAY: u8 = 1;
/// In the first byte: the member is cut off, and what is behind its bytes cannot be read. Only of lines.
const CUT_OFF: u8 = 2;
/// In the first byte: others who go on have only what they want.
const NO_MORE: u8 = 4;
/// In the first byte: of what is compressed, a byte is changed, or nothing comes behind it.
const HARM: u8 = 8;
/// In the first byte: the harmed byte is the last one.
const SHORT: u8 = 16;
/// Behind these, the first byte says how the member comes.
const WAY: u8 = 5;

/// Bytes of a content that is compressed over and over: several times what is inflated at once.
const COMPRESSED: usize = 400 << 10;

/// Cuts a member of many documents: the same documents, with the same numbers and offsets, and the same failures, as a plain
/// reader of the whole content finds, whatever is read at once, wherever it is cut and however often others go on. What is
/// compressed and broken gives the same, however it is read.
///
/// The first byte says what the member is and how it comes, the second how large a document may be. Six bytes say how much is
/// read at once and after how many documents others go on, and eight where it is cut. The content is what follows.
///
/// # Panics
///
/// Where two ways differ.
pub fn stretches(data: &[u8]) -> Verdict {
    let mut input = Input::new(data);
    let how = input.byte();
    let most = match input.byte() {
        255 => 1 << 20,
        most => u64::from(most),
    };
    let cutting = Cutting {
        most,
        reads: (0..3).map(|_| 1 + usize::from(input.byte()).pow(2) / 8).collect(),
        pauses: (0..3).map(|_| usize::from(input.byte() % 8)).collect(),
        has_no_more: how & NO_MORE != 0,
    };
    let places: Vec<usize> = (0..4).map(|_| usize::from(input.short())).collect();
    let content = input.rest();
    let shape = if how & ARRAY != 0 { Shape::Array } else { Shape::Lines };
    let is_cut = how & CUT_OFF != 0 && shape == Shape::Lines;
    let mut cuts: Vec<usize> = places.iter().map(|place| place % (content.len() + 1)).collect();
    cuts.sort_unstable();
    let expected = match shape {
        Shape::Lines => lines(content, most, is_cut),
        Shape::Array => elements(content, most),
    };
    let found = match (how >> WAY, shape) {
        (0 | 1, Shape::Lines) => in_place(&cutting, content, &cuts, is_cut),
        // What is cut off while it comes in order is not extracted.
        (2 | 3, Shape::Lines) if !is_cut => in_order(&cutting, content, &cuts),
        (2 | 3, Shape::Array) if !begins_compressed(content) => open(&cutting, content, &cuts),
        (4..8, _) if !is_cut => return compressed(&cutting, how, shape, content, &places),
        _ if begins_compressed(content) => return Verdict::Refused,
        _ => cutting.cut(&Stretch { is_cut, ..all(shape) }, content),
    };
    assert_eq!(found, expected);
    Verdict::of(found.broken.is_none() && found.found.iter().all(|found| found.document.is_some()))
}

/// All documents of a member.
fn all(shape: Shape) -> Stretch {
    Stretch {
        shape,
        at: 0,
        start: 0,
        end: u64::MAX,
        is_last: true,
        is_open: false,
        state: ArrayState::Before,
        is_cut: false,
        careful_to: 0,
        failed: Vec::new(),
        sample: SampleLimit::default(),
    }
}

/// Ranges that are cut anywhere, of a content that all can read.
fn in_place(cutting: &Cutting, content: &[u8], cuts: &[usize], is_cut: bool) -> Cut {
    let mut together = Cut::default();
    let mut start = 0;
    for end in cuts.iter().copied().chain([content.len()]) {
        let stretch = Stretch {
            start: start as u64,
            end: end as u64,
            is_cut,
            ..all(Shape::Lines)
        };
        add(&mut together, cutting.cut(&stretch, content));
        start = end;
    }
    together
}

/// Parts that come in order, each cut at its last line end; a line that is too large is let go when it is known to be.
fn in_order(cutting: &Cutting, content: &[u8], cuts: &[usize]) -> Cut {
    let mut together = Cut::default();
    let mut part = |from: usize, to: usize| {
        let stretch = Stretch {
            at: from as u64,
            start: from as u64,
            end: to as u64,
            is_last: to == content.len(),
            ..all(Shape::Lines)
        };
        add(&mut together, cutting.cut(&stretch, &content[from..to]));
    };
    let line_end = |from: usize, to: usize| content[from..to].iter().rposition(|byte| *byte == b'\n');
    let mut held = 0;
    for &end in cuts {
        if end < held {
            continue;
        }
        if let Some(last) = line_end(held, end) {
            part(held, held + last + 1);
            held += last + 1;
        }
        if (end - held) as u64 > cutting.most {
            part(held, end);
            let behind = content[end..].iter().position(|byte| *byte == b'\n');
            held = behind.map_or(content.len(), |behind| end + behind + 1);
        }
    }
    part(held, content.len());
    together
}

/// The same of an array: who has read a part says where the next one begins.
fn open(cutting: &Cutting, content: &[u8], cuts: &[usize]) -> Cut {
    let mut together = Cut::default();
    let mut next = all(Shape::Array);
    for &end in cuts {
        let stretch = Stretch {
            is_last: false,
            is_open: true,
            ..next
        };
        let (cut, rest) = cutting.cut_open(&stretch, &content[stretch.at as usize..end]);
        assert!(stretch.at <= rest.at && rest.at <= end as u64, "{rest:?}");
        add(&mut together, cut);
        if together.broken.is_some() {
            return together;
        }
        next = Stretch {
            at: rest.at,
            start: rest.start,
            state: rest.state,
            ..all(Shape::Array)
        };
    }
    add(&mut together, cutting.cut(&next, &content[next.at as usize..]));
    together
}

/// Adds what a stretch has to what those before it have.
fn add(together: &mut Cut, cut: Cut) {
    let before = together.passed;
    together.passed += cut.passed;
    together.broken = cut.broken;
    together.found.extend(cut.found.into_iter().map(|mut found| {
        found.number += before;
        found
    }));
}

/// A member that is compressed, whole or broken.
fn compressed(cutting: &Cutting, how: u8, shape: Shape, content: &[u8], places: &[usize]) -> Verdict {
    // Longer than what is inflated at once, where it can be repeated.
    let times = match (shape, places[0] % 4) {
        (Shape::Lines, 0) if !content.is_empty() => COMPRESSED.div_ceil(content.len()).min(200),
        _ => 1,
    };
    let content = content.repeat(times);
    // Whoever goes on inflates all that is before, so there are only some.
    let cutting = Cutting {
        pauses: cutting
            .pauses
            .iter()
            .map(|pause| pause * (1 + content.len() / 64))
            .collect(),
        ..cutting.clone()
    };
    let mut member = if how & 1 << WAY == 0 {
        gzip(&content)
    } else {
        zstd(&content)
    };
    if how & HARM == 0 {
        let expected = match shape {
            Shape::Lines => lines(&content, cutting.most, false),
            Shape::Array => elements(&content, cutting.most),
        };
        let found = cutting.cut(&all(shape), &member);
        assert!(
            found == expected,
            "{} of {} documents, {:?}",
            found.found.len(),
            expected.found.len(),
            found.broken
        );
        return Verdict::of(found.broken.is_none());
    }
    // Not its magic number, by which it is told.
    let at = 4 + places[1] % (member.len() - 4);
    match how & SHORT != 0 {
        true => member.truncate(at),
        false => member[at] ^= 1 << (places[2] % 8),
    }
    let at_once = Cutting {
        reads: vec![usize::MAX],
        pauses: vec![0],
        ..cutting.clone()
    };
    let (found, expected) = (cutting.cut(&all(shape), &member), at_once.cut(&all(shape), &member));
    assert!(
        found == expected,
        "{:?}, and at once {:?}",
        found.broken,
        expected.broken
    );
    Verdict::of(found.broken.is_none())
}

/// Whether a member that begins so is inflated.
fn begins_compressed(content: &[u8]) -> bool {
    let is_zstd = matches!(
        content,
        [0x28, 0xB5, 0x2F, 0xFD, ..] | [0x50..=0x5F, 0x2A, 0x4D, 0x18, ..]
    );
    content.starts_with(&[0x1F, 0x8B]) || is_zstd
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).expect("memory to write to");
    encoder.finish().expect("memory to write to")
}

fn zstd(content: &[u8]) -> Vec<u8> {
    let mut frame = vec![0; zstd_safe::compress_bound(content.len())];
    let len = zstd_safe::compress(&mut frame[..], content, 1).expect("room for the frame");
    frame.truncate(len);
    frame
}

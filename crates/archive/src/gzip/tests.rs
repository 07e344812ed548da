//! Streams of every shape, in pieces of every size, from every point.

use std::io::Write;

use flate2::write::GzEncoder;
use flate2::{Compression, Decompress, FlushDecompress, Status as DecompressStatus};
use proptest::prelude::*;
use proptest::sample::Index;

use super::deflate::WINDOW;
use super::*;
use crate::error::PIECE_BYTES;
use crate::pieces::Pieces;
use crate::prefix::Prefix;

/// What a stream holds, and what breaks it where.
type Held = (Vec<u8>, Option<(u64, DamageKind)>);

/// Reads a stream to its end, with pulls of these sizes. `look` is shown the stream after every pull, and how many bytes it
/// has given.
fn read(
    inflater: &mut Inflater<Pieces<'_>>,
    output: &[usize],
    look: &mut dyn FnMut(&mut Inflater<Pieces<'_>>, u64),
) -> Held {
    let mut held = Vec::new();
    for &size in output.iter().cycle() {
        let mut out = vec![0; size];
        match inflater.pull(&mut out) {
            Ok(0) => break,
            Ok(given) => held.extend(&out[..given]),
            Err(Fault::Stream { file, kind }) => return (held, Some((file, kind))),
            Err(fault) => unreachable!("nothing else is wrong with memory: {fault:?}"),
        }
        look(inflater, held.len() as u64);
    }
    (held, None)
}

/// A stream from its start, whose bytes come in these pieces.
fn stream<'a>(bytes: &'a [u8], input: &'a [usize]) -> Inflater<Pieces<'a>> {
    Inflater::new(Pieces::after(bytes, input, Prefix::default()))
}

/// A stream from a point of it on, whose bytes come in these pieces.
fn stream_from<'a>(bytes: &'a [u8], input: &'a [usize], point: &Point) -> Inflater<Pieces<'a>> {
    assert!(point.is_sound(), "{point:?}");
    Inflater::begin_at(Pieces::after(bytes, input, point.prefix), point.clone())
}

/// What a stream holds.
fn at_once(bytes: &[u8]) -> Held {
    read(&mut stream(bytes, &[usize::MAX]), &[1 << 20], &mut |_, _| {})
}

/// What a stream holds that makes points on the way, and the points.
fn with_points(bytes: &[u8], input: &[usize], output: &[usize], spacing: Spacing) -> (Held, Vec<Point>) {
    let mut points = Vec::new();
    let mut inflater = stream(bytes, input);
    inflater.make_points(spacing);
    let held = read(&mut inflater, output, &mut |inflater, given| {
        points.extend(inflater.point_before(given));
    });
    (held, points)
}

/// Where the last byte of every pull is, and the first that may still be asked for, of a stream that begins at `start`.
fn places(inflater: &mut Inflater<Pieces<'_>>, start: u64, output: &[usize]) -> Vec<(u64, Place)> {
    let mut places = Vec::new();
    read(inflater, output, &mut |inflater, given| {
        let last = start + given - 1;
        let back = start.max(last.saturating_sub(LOOK_BACK - 1));
        places.extend([last, back].map(|at| (at, inflater.place(at))));
    });
    places
}

/// Codes of every kind: bytes of few values, repeated from near and far.
fn content() -> impl Strategy<Value = Vec<u8>> {
    let literals = prop::collection::vec(0..40_u8, 1..300);
    let copy = (any::<Index>(), 3..400_usize);
    prop::collection::vec((literals, copy), 1..60).prop_map(|parts| {
        let mut content = Vec::new();
        for (literals, (from, len)) in parts {
            content.extend(literals);
            let from = from.index(content.len());
            let copied = content[from..content.len().min(from + len)].to_vec();
            content.extend(copied);
        }
        content
    })
}

/// Compresses into one gzip member, with the end of a block between pieces of so many bytes.
fn compressed(content: &[u8], level: u32, piece: usize) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(level));
    for (number, piece) in content.chunks(piece).enumerate() {
        if number > 0 {
            encoder.flush().expect("memory to write to");
        }
        encoder.write_all(piece).expect("memory to write to");
    }
    encoder.finish().expect("memory to write to")
}

/// A stream of one or two members, perhaps with a flipped bit, perhaps cut.
fn any_stream() -> impl Strategy<Value = Vec<u8>> {
    let level = prop::sample::select(vec![0, 1, 6, 9]);
    let flip = prop::option::of((any::<Index>(), 0..8_u8));
    let piece = prop_oneof![Just(usize::MAX), 100..4_000_usize];
    let content = (content(), prop::option::of(content()));
    (content, level, piece, flip, prop::option::of(any::<Index>())).prop_map(|((one, two), level, piece, flip, cut)| {
        let mut bytes = compressed(&one, level, piece);
        bytes.extend(two.map_or_else(Vec::new, |two| compressed(&two, level, piece)));
        if let Some((at, bit)) = flip {
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
        }
        bytes.truncate(cut.map_or(bytes.len(), |cut| cut.index(bytes.len())));
        bytes
    })
}

fn spacing() -> impl Strategy<Value = Spacing> {
    (1..5_000_u64, 1..1_000_u64).prop_map(|(stream, file)| Spacing { stream, file })
}

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(prop_oneof![1..30_usize, 1..1000_usize, 1..20_000_usize], 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// All that is before the damage is given, and it is found at the same place.
    #[test]
    fn a_stream_is_a_function_of_its_bytes(bytes in any_stream(), input in sizes(), output in sizes(), spacing in spacing()) {
        let expected = at_once(&bytes);
        let plain = read(&mut stream(&bytes, &input), &output, &mut |_, _| {});
        prop_assert_eq!(&plain, &expected);
        let (held, _) = with_points(&bytes, &input, &output, spacing);
        prop_assert_eq!(&held, &expected);
    }

    /// What comes behind a point is what comes there of the whole, and so is what breaks it.
    #[test]
    fn from_any_point_the_rest_is_the_same(
        bytes in any_stream(),
        spacing in spacing(),
        input in sizes(),
        output in sizes(),
        again in sizes(),
    ) {
        let ((held, broken), points) = with_points(&bytes, &[usize::MAX], &output, spacing);
        for point in points {
            let rest = read(&mut stream_from(&bytes, &input, &point), &again, &mut |_, _| {});
            let expected = (held[point.stream as usize..].to_vec(), broken.clone());
            prop_assert_eq!(rest, expected, "from {:?}", point);
        }
    }
}

/// The points of a stream that nothing is wrong with, one at every block.
#[test]
fn there_are_points_at_bits_of_all_numbers_and_at_members() {
    let content: Vec<u8> = (0..200_000_u32)
        .flat_map(|number| number.wrapping_mul(number).to_le_bytes())
        .collect();
    let one = compressed(&content, 6, 1_000);
    let bytes = [one.clone(), one].concat();
    let spacing = Spacing { stream: 1, file: 1 };
    let (_, points) = with_points(&bytes, &[usize::MAX], &[500], spacing);
    let inside = points.iter().filter_map(|point| point.inside.as_ref());
    let bits: std::collections::BTreeSet<u8> = inside.clone().map(|inside| inside.boundary.bits).collect();
    assert_eq!(Vec::from_iter(bits), [0, 1, 2, 3, 4, 5, 6, 7]);
    let whole_windows = inside.filter(|inside| inside.boundary.window.len() == WINDOW).count();
    assert!(whole_windows > 100, "{whole_windows}");
    assert_eq!(points.iter().filter(|point| point.inside.is_none()).count(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// A byte's piece is the one without which it cannot be had, from wherever reading began.
    #[test]
    fn a_byte_comes_from_its_piece(
        parts in prop::collection::vec((content(), 1..400_usize, prop::sample::select(vec![0, 1, 6])), 1..5),
        input in sizes(),
        output in sizes(),
        begin in any::<Index>(),
    ) {
        let parts = parts.iter().map(|(content, times, level)| compressed(&content.repeat(*times), *level, usize::MAX));
        let bytes: Vec<u8> = parts.flatten().collect();
        let pieces = bytes.len() as u64 / PIECE_BYTES;
        let given = |pieces: u64| at_once(&bytes[..(pieces * PIECE_BYTES) as usize]).0.len() as u64;
        let given: Vec<u64> = (0..=pieces).map(given).collect();
        let mut found = places(&mut stream(&bytes, &input), 0, &output);
        let (_, points) = with_points(&bytes, &[usize::MAX], &[1 << 12], Spacing { stream: 30_000, file: 1 });
        if !points.is_empty() {
            let point = begin.get(&points);
            found.extend(places(&mut stream_from(&bytes, &input, point), point.stream, &output));
        }
        let expected = |at: u64| {
            let piece = given.partition_point(|&given| given <= at) as u64 - 1;
            Place::in_stream(at, piece * PIECE_BYTES)
        };
        let wrong: Vec<_> = found.iter().filter(|(at, place)| *place != expected(*at)).collect();
        prop_assert_eq!(wrong, Vec::<&(u64, Place)>::new());
    }
}

/// What another reader of gzip, with zlib's own reading of headers and trailers, says of a single member: what it gives,
/// and where it stops and why. What follows the member is not looked at.
fn judged(bytes: &[u8]) -> (Held, usize) {
    let mut judge = Decompress::new_gzip(15);
    let mut held = Vec::with_capacity(1 << 20);
    let broken = loop {
        let before = (judge.total_in(), judge.total_out());
        let rest = &bytes[judge.total_in() as usize..];
        match judge.decompress_vec(rest, &mut held, FlushDecompress::None) {
            Ok(DecompressStatus::StreamEnd) => break None,
            Ok(_) if before == (judge.total_in(), judge.total_out()) => break Some(DamageKind::CutGzip),
            Ok(_) => {}
            Err(error) => {
                let detail = what_is_wrong(error.message().expect("zlib says what is wrong")).to_owned();
                break Some(DamageKind::Gzip { detail });
            }
        }
    };
    let end = judge.total_in();
    ((held, broken.map(|kind| (end, kind))), end as usize)
}

/// A member with any header: flags, fields, and a checksum over them that may be right. Each may be anything else.
fn any_header() -> impl Strategy<Value = Vec<u8>> {
    let flags = prop_oneof![8 => 0..32_u8, 1 => any::<u8>()];
    let text = || prop::collection::vec(1..=255_u8, 0..20);
    let fields = (flags, prop::collection::vec(any::<u8>(), 0..300), text(), text());
    (fields, any::<bool>(), any::<[u8; 6]>()).prop_map(|((flags, extra, name, comment), is_right, times)| {
        let mut header = [&[0x1F, 0x8B, 8, flags], &times[..]].concat();
        if flags & 4 != 0 {
            header.extend((extra.len() as u16).to_le_bytes());
            header.extend(extra);
        }
        for (flag, text) in [(8, name), (16, comment)] {
            if flags & flag != 0 {
                header.extend(text);
                header.push(0);
            }
        }
        if flags & 2 != 0 {
            let checksum = crc32fast::hash(&header) as u16 ^ u16::from(!is_right);
            header.extend(checksum.to_le_bytes());
        }
        header
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Headers and trailers are read as zlib reads them, and what is wrong is said of the same byte in the same words.
    #[test]
    fn a_member_is_framed_as_zlib_has_it(
        header in any_header(),
        content in prop::collection::vec(any::<u8>(), 0..50),
        flip in prop::option::of((any::<Index>(), 0..8_u8)),
        cut in prop::option::of(any::<Index>()),
        input in sizes(),
    ) {
        // Behind the header of the compressor, which has no fields.
        let mut bytes = [&header[..], &compressed(&content, 6, usize::MAX)[10..]].concat();
        if let Some((at, bit)) = flip {
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
        }
        bytes.truncate(cut.map_or(bytes.len(), |cut| cut.index(bytes.len())));
        let (expected, end) = judged(&bytes);
        bytes.truncate(end);
        let held = read(&mut stream(&bytes, &input), &[1 << 20], &mut |_, _| {});
        prop_assert_eq!(held, expected);
    }
}

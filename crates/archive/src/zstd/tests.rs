//! Streams of every shape, in pieces of every size, held against libzstd's decoder of whole buffers.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use proptest::prelude::*;
use proptest::sample::Index;
use zstd_safe::{CCtx, CParameter};

use super::*;
use crate::error::PIECE_BYTES;
use crate::pieces::Pieces;
use crate::prefix::Prefix;
use crate::reading::Held;

/// Reads a stream to its end, whose bytes come in these pieces, with pulls of these sizes. `look` is shown the stream
/// after every pull, and how many bytes it has given.
fn read(bytes: &[u8], input: &[usize], output: &[usize], look: &mut dyn FnMut(&Decoder<Pieces<'_>>, u64)) -> Held {
    let mut decoder = Decoder::new(Pieces::after(bytes, input, Prefix::default()));
    let mut held = Vec::new();
    for &size in output.iter().cycle() {
        let mut out = vec![0; size];
        match decoder.pull(&mut out) {
            Ok(0) => break,
            Ok(given) => held.extend(&out[..given]),
            Err(Fault::Stream { file, kind }) => return (held, Some((file, kind))),
            Err(fault) => unreachable!("nothing else is wrong with memory: {fault:?}"),
        }
        look(&decoder, held.len() as u64);
    }
    assert_eq!(decoder.consumed(), bytes.len() as u64, "the end is the file's");
    (held, None)
}

/// What a stream holds.
fn at_once(bytes: &[u8]) -> Held {
    read(bytes, &[usize::MAX], &[1 << 20], &mut |_, _| {})
}

/// How a frame is made.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) level: i32,
    pub(super) has_checksum: bool,
    /// The header says how long the content is.
    pub(super) says_length: bool,
    pub(super) window_log: u32,
    /// A block ends after so many bytes.
    pub(super) piece: usize,
}

/// Compresses into one frame.
pub(super) fn compressed(content: &[u8], settings: &Settings) -> Vec<u8> {
    let mut encoder = CCtx::create();
    for parameter in [
        CParameter::CompressionLevel(settings.level),
        CParameter::ChecksumFlag(settings.has_checksum),
        CParameter::ContentSizeFlag(settings.says_length),
        CParameter::WindowLog(settings.window_log),
    ] {
        encoder.set_parameter(parameter).expect("a parameter that there is");
    }
    if settings.says_length {
        let length = Some(content.len() as u64);
        encoder.set_pledged_src_size(length).expect("before the first byte");
    }
    let mut frame = vec![0; 2 * content.len() + 1000 + 20 * content.len().div_ceil(settings.piece)];
    let mut output = OutBuffer::around(&mut frame[..]);
    for piece in content.chunks(settings.piece) {
        let mut input = InBuffer::around(piece);
        encoder
            .compress_stream(&mut output, &mut input)
            .expect("memory to write to");
        assert_eq!(input.pos(), piece.len());
        assert_eq!(encoder.flush_stream(&mut output), Ok(0), "all of it is written");
    }
    assert_eq!(encoder.end_stream(&mut output), Ok(0), "all of it is written");
    let len = output.pos();
    frame.truncate(len);
    frame
}

/// Whoever reads an index takes sound points alone, and zeros give more than any other format would.
#[test]
fn a_point_behind_zeros_is_sound() {
    let settings = Settings {
        level: 3,
        has_checksum: true,
        says_length: true,
        window_log: 20,
        piece: 1 << 20,
    };
    let frame = compressed(&vec![0; 8 << 20], &settings);
    let bytes = [frame.clone(), frame].concat();
    let mut decoder = Decoder::new(Pieces::after(&bytes, &[usize::MAX], Prefix::default()));
    decoder.make_points(Spacing { stream: 1, file: 1 });
    let (mut out, mut points) = (vec![0; 1 << 20], Vec::new());
    while decoder.pull(&mut out).expect("a stream that is whole") > 0 {
        points.extend(decoder.point_before(u64::MAX));
    }
    let point = points.last().expect("a point at the second frame");
    assert!(point.stream > 2000 * point.file, "{} to {}", point.file, point.stream);
    assert!(point.is_sound());
}

/// libzstd keeps the memory of a larger window, and then takes blocks that refer beyond the window of their own frame. A
/// resumed run that begins at that frame would not take them.
#[test]
fn what_a_frame_gives_does_not_depend_on_those_before() {
    const WINDOW_OF_128_KIB: u8 = (17 - 10) << 3;
    let settings = Settings {
        level: 3,
        has_checksum: true,
        says_length: false,
        window_log: 22,
        piece: usize::MAX,
    };
    // SplitMix64 (Steele, Lea, Flood 2014): bytes that do not compress.
    let mut state = 0_u64;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        (mixed ^ (mixed >> 27)) as u8
    });
    let content: Vec<u8> = noise.take(1_000_000).collect();
    let before = compressed(&content.repeat(5), &settings);
    let mut crafted = compressed(&content.repeat(2), &settings);
    assert!(crafted.len() < 1_100_000, "the second half refers to the first");
    crafted[5] = WINDOW_OF_128_KIB;
    let (alone, fault) = at_once(&crafted);
    let (both, fault_behind) = at_once(&[&before[..], &crafted].concat());
    assert!(both[5 * content.len()..] == alone);
    let fault = fault.map(|(file, kind)| (before.len() as u64 + file, kind));
    assert_eq!(fault_behind, fault);
}

/// Bytes of few values, repeated from near and far.
fn content() -> impl Strategy<Value = Vec<u8>> {
    let literals = prop::collection::vec(0..40_u8, 1..300);
    let copy = (any::<Index>(), 3..400_usize);
    prop::collection::vec((literals, copy), 0..60).prop_map(|parts| {
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

fn settings() -> impl Strategy<Value = Settings> {
    let level = prop::sample::select(vec![-5, 1, 3, 9, 16]);
    let piece = prop_oneof![Just(usize::MAX), 100..4_000_usize];
    (level, any::<bool>(), any::<bool>(), 10..=18_u32, piece).prop_map(
        |(level, has_checksum, says_length, window_log, piece)| Settings {
            level,
            has_checksum,
            says_length,
            window_log,
            piece,
        },
    )
}

/// A frame that a compressor makes.
pub(super) fn compressed_frame() -> impl Strategy<Value = Vec<u8>> {
    (content(), settings()).prop_map(|(content, settings)| compressed(&content, &settings))
}

/// A frame with any header and any blocks, most of which are sound: as they are, repeated, empty, or of a type that
/// there is not. The dictionary, of which the length is any, is none.
pub(super) fn handmade_frame() -> impl Strategy<Value = Vec<u8>> {
    let block = (
        prop_oneof![10 => 0..2_u32, 1 => 2..4_u32],
        prop_oneof![0..300_usize, 0..3_000_usize],
        any::<u8>(),
    );
    let window = prop_oneof![4 => 0..=0x88_u8, 1 => any::<u8>()];
    let descriptor = prop_oneof![8 => any::<u8>().prop_map(|bits| bits & !0b1_1100), 1 => any::<u8>()];
    (descriptor, window, prop::collection::vec(block, 1..5), 0..20_u64).prop_map(|(descriptor, window, blocks, lie)| {
        let of_blocks = blocks.iter().map(|(kind, len, _)| if *kind < 2 { *len } else { 0 });
        let content = of_blocks.sum::<usize>() as u64 + lie.saturating_sub(17);
        let mut frame = vec![0x28, 0xB5, 0x2F, 0xFD, descriptor];
        let is_single = descriptor & 0x20 != 0;
        frame.extend((!is_single).then_some(window));
        frame.extend(vec![0; [0, 1, 2, 4][usize::from(descriptor & 3)]]);
        match descriptor >> 6 {
            0 if is_single => frame.push(content as u8),
            0 => {}
            1 => frame.extend((content.wrapping_sub(256) as u16).to_le_bytes()),
            2 => frame.extend((content as u32).to_le_bytes()),
            _ => frame.extend(content.to_le_bytes()),
        }
        for (number, (kind, len, byte)) in blocks.iter().enumerate() {
            let is_last = number + 1 == blocks.len();
            let header = (*len as u32) << 3 | kind << 1 | u32::from(is_last);
            frame.extend(&header.to_le_bytes()[..3]);
            frame.extend(vec![*byte; if *kind == 1 { 1 } else { *len }]);
        }
        frame
    })
}

pub(super) fn skippable_frame() -> impl Strategy<Value = Vec<u8>> {
    (0..16_u8, prop::collection::vec(any::<u8>(), 0..500)).prop_map(|(number, content)| {
        let len = (content.len() as u32).to_le_bytes();
        [&[0x50 | number, 0x2A, 0x4D, 0x18], &len[..], &content].concat()
    })
}

/// A stream of one to three frames, perhaps with a flipped bit, perhaps cut, perhaps with something behind it.
fn any_stream() -> impl Strategy<Value = Vec<u8>> {
    let frame = prop_oneof![
        6 => compressed_frame(),
        3 => handmade_frame(),
        1 => skippable_frame(),
    ];
    let flip = prop::option::of((any::<Index>(), 0..8_u8));
    let garbage = prop_oneof![6 => Just(Vec::new()), 1 => prop::collection::vec(any::<u8>(), 1..9)];
    let frames = prop::collection::vec(frame, 1..4);
    (frames, flip, garbage, prop::option::of(any::<Index>())).prop_map(|(frames, flip, garbage, cut)| {
        let mut bytes = [frames.concat(), garbage].concat();
        if let Some((at, bit)) = flip {
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
        }
        bytes.truncate(cut.map_or(bytes.len(), |cut| cut.index(bytes.len())));
        bytes
    })
}

pub(super) fn sizes() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(prop_oneof![1..30_usize, 1..1000_usize, 1..20_000_usize], 1..6)
}

/// What libzstd's decoder of whole buffers makes of a stream.
fn judged(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = vec![0; 4 << 20];
    let len = zstd_safe::decompress(&mut out[..], bytes).ok()?;
    out.truncate(len);
    Some(out)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// All that is before the damage is given, and it is found at the same place and told in the same words.
    #[test]
    fn a_stream_is_a_function_of_its_bytes(bytes in any_stream(), input in sizes(), output in sizes()) {
        prop_assert_eq!(read(&bytes, &input, &output, &mut |_, _| {}), at_once(&bytes));
    }

    /// What is read is what another decoder reads, and what it refuses is refused.
    #[test]
    fn a_stream_holds_what_another_decoder_says(bytes in any_stream()) {
        let (held, broken) = at_once(&bytes);
        let judged = judged(&bytes);
        match broken {
            None => prop_assert!(judged.is_some_and(|judged| judged == held), "it is another one"),
            Some((_, DamageKind::ZstdWindow { window })) => prop_assert!(window > WINDOW_LIMIT),
            // The other decoder does not look at this where a block is not compressed.
            Some((_, DamageKind::Zstd { detail: OVERSIZED })) => {}
            Some(broken) => prop_assert!(judged.is_none(), "it is read, and here {broken:?}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// A byte's piece is the one without which it cannot be had.
    #[test]
    fn a_byte_comes_from_its_piece(
        parts in prop::collection::vec((content(), 1..400_usize, settings()), 1..5),
        skipped in 0..200_000_u32,
        input in sizes(),
        output in sizes(),
    ) {
        // Bytes that do not compress, too.
        let noise = Settings { level: 1, has_checksum: true, says_length: true, window_log: 18, piece: usize::MAX };
        let mut bytes = compressed(&noisy(300_000), &noise);
        bytes.extend([&[0x50, 0x2A, 0x4D, 0x18][..], &skipped.to_le_bytes(), &vec![0; skipped as usize]].concat());
        for (content, times, settings) in &parts {
            bytes.extend(compressed(&content.repeat(*times), settings));
        }
        let pieces = bytes.len() as u64 / PIECE_BYTES;
        let given = |pieces: u64| at_once(&bytes[..(pieces * PIECE_BYTES) as usize]).0.len() as u64;
        let given: Vec<u64> = (0..=pieces).map(given).collect();
        let mut wrong = Vec::new();
        read(&bytes, &input, &output, &mut |decoder, so_far| {
            let last = so_far - 1;
            for at in [last, last.saturating_sub(LOOK_BACK - 1)] {
                let piece = given.partition_point(|&given| given <= at) as u64 - 1;
                let expected = Place::in_stream(at, piece * PIECE_BYTES);
                wrong.extend((decoder.place(at) != expected).then_some((at, decoder.place(at), expected)));
            }
        });
        prop_assert_eq!(wrong, Vec::new());
    }
}

/// Bytes that do not compress.
pub(super) fn noisy(len: u32) -> Vec<u8> {
    (0..len)
        .map(|at| (at.wrapping_mul(2_654_435_761) ^ at.rotate_left(13).wrapping_mul(40_503)).to_le_bytes()[3])
        .collect()
}

/// A frame of one block as it is, with this descriptor and these fields of the header after it.
fn plain(descriptor: u8, fields: &[u8], content: &[u8]) -> Vec<u8> {
    let block = (content.len() as u32) << 3 | 1;
    [
        &[0x28, 0xB5, 0x2F, 0xFD, descriptor],
        fields,
        &block.to_le_bytes()[..3],
        content,
    ]
    .concat()
}

/// Each kind of damage, at its offset. All that was before is given.
#[test]
fn what_is_wrong_is_told_with_its_offset() {
    let whole = plain(0x20, &[5], b"hello");
    let checked = Settings {
        level: 3,
        has_checksum: true,
        says_length: false,
        window_log: 20,
        piece: usize::MAX,
    };
    let checked = compressed(b"hello", &checked);
    let mut wrong_sum = checked.clone();
    *wrong_sum.last_mut().expect("a checksum") ^= 1;
    let zstd = |detail| DamageKind::Zstd { detail };
    let cases: [(Vec<u8>, usize, DamageKind); 16] = [
        (b"x".to_vec(), 0, DamageKind::GarbageAfterZstd),
        (b"\0\0\0\0\0\0\0\0\0\0".to_vec(), 0, DamageKind::GarbageAfterZstd),
        (b"\x28\xB5\x2F".to_vec(), 3, DamageKind::CutZstd),
        (b"\x28\xB5\x2F\xFD".to_vec(), 4, DamageKind::CutZstd),
        (b"\x28\xB5\x2E".to_vec(), 0, DamageKind::GarbageAfterZstd),
        (b"\x57\x2A\x4D\x18\x08\0\0\0\0".to_vec(), 9, DamageKind::CutZstd),
        (whole[..whole.len() - 1].to_vec(), whole.len() - 1, DamageKind::CutZstd),
        (
            checked[..checked.len() - 1].to_vec(),
            checked.len() - 1,
            DamageKind::CutZstd,
        ),
        (
            wrong_sum,
            checked.len() - 4,
            zstd("the checksum is not that of the content"),
        ),
        (
            plain(0x28, &[5], b"hello"),
            0,
            zstd("a frame's header has a bit that must not be set"),
        ),
        (
            plain(0, &[0x88], b"hello"),
            0,
            DamageKind::ZstdWindow { window: 1 << 27 },
        ),
        (
            plain(0, &[0x89], b"hello"),
            0,
            DamageKind::ZstdWindow { window: 9 << 24 },
        ),
        (
            plain(0xE0, &(u64::MAX).to_le_bytes(), b"hello"),
            0,
            DamageKind::ZstdWindow { window: u64::MAX },
        ),
        (plain(0x21, &[7, 5], b"hello"), 0, DamageKind::ZstdDictionary { id: 7 }),
        (
            plain(0x20, &[6], b"hello"),
            6,
            zstd("the last block is invalid, or the frame is not as long as its header says"),
        ),
        (
            [b"\x28\xB5\x2F\xFD\x20\x06\x28\0\0hello\x01\0\0".as_slice()].concat(),
            17,
            zstd("a frame is not as long as its header says"),
        ),
    ];
    for (number, (bytes, at, kind)) in cases.into_iter().enumerate() {
        let (held, broken) = at_once(&[&whole[..], &bytes].concat());
        // 128 MiB are held: nothing is wrong with the eleventh.
        let expected = (number != 10).then_some(((whole.len() + at) as u64, kind));
        assert_eq!(broken, expected, "{number}");
        assert_eq!(held.get(..5), Some(&b"hello"[..]), "{number}");
    }
}

/// 256 MiB out of 8 KiB, with the memory of one window.
#[test]
fn a_bomb_is_given_piece_by_piece() {
    let mut bytes = vec![0x28, 0xB5, 0x2F, 0xFD, 0, 0x38];
    let block = |is_last| [&((128 << 10) << 3 | 2 | u32::from(is_last)).to_le_bytes()[..3], &[0]].concat();
    bytes.extend(block(false).repeat(2047));
    bytes.extend(block(true));
    let mut decoder = Decoder::new(Pieces::after(&bytes, &[usize::MAX], Prefix::default()));
    let mut out = vec![0; 1 << 20];
    let mut given = 0;
    loop {
        match decoder.pull(&mut out).expect("nothing is wrong") {
            0 => break,
            count => given += count,
        }
        assert!(decoder.libzstd.sizeof() < 1 << 20, "{}", decoder.libzstd.sizeof());
    }
    assert_eq!(given, 256 << 20);
}

/// The files of zstd's own tests, good and bad. None where they are not beside the checkout.
pub(super) fn corpus() -> Vec<PathBuf> {
    let corpus = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/corpora/zstd-golden/tests"
    ));
    let folders = ["golden-decompression", "golden-decompression-errors"].map(|folder| corpus.join(folder));
    let files = folders
        .iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flatten();
    files.map(|file| file.expect("a readable folder").path()).collect()
}

/// What the `zstd` tool makes of a stream: what it gives, if it takes all of it. `None` where it is not installed.
fn tool(bytes: &[u8]) -> Option<Option<Vec<u8>>> {
    let mut command = Command::new("zstd");
    command
        .args(["-d", "-c", "-q"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command.spawn().ok()?;
    let mut input = child.stdin.take().expect("it is piped");
    let bytes = bytes.to_vec();
    // It may stop reading before the end.
    let writer = std::thread::spawn(move || input.write_all(&bytes).ok());
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("writing does not panic");
    Some(output.status.success().then_some(output.stdout))
}

#[test]
#[expect(clippy::print_stderr, reason = "that a test was skipped is to be seen")]
fn the_files_of_zstds_own_tests_are_read_or_refused_as_by_others() {
    let files = corpus();
    if files.is_empty() {
        eprintln!("skipped: zstd's files are not beside the checkout");
    }
    for file in files {
        let bytes = std::fs::read(&file).expect("a readable file");
        let is_good = file
            .parent()
            .is_some_and(|folder| folder.ends_with("golden-decompression"));
        let (held, broken) = at_once(&bytes);
        let held = broken.is_none().then_some(held);
        assert_eq!(held.is_some(), is_good, "{}: {broken:?}", file.display());
        assert!(held == judged(&bytes), "{}", file.display());
        // Old tools refuse some of the good ones, and take some of the bad ones.
        match tool(&bytes) {
            Some(theirs) if is_good => assert!(theirs.is_none() || held == theirs, "{}", file.display()),
            Some(_) => {}
            None => eprintln!("skipped: the zstd tool is not installed"),
        }
    }
}

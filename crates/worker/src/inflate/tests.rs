use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use zstd_safe::{CCtx, CParameter, compress_bound};

use super::*;

const FORMATS: [Format; 2] = [Format::Gzip, Format::Zstd];

/// More than any of these tests' documents has, except where the limit is what is tested.
const AMPLE: u64 = 64 << 20;

fn gzip(content: &[u8], level: u32) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(level));
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// One frame with a checksum, which says its content's size or does not.
fn zstd(content: &[u8], level: i32, sized: bool) -> Vec<u8> {
    let mut context = CCtx::create();
    context.set_parameter(CParameter::CompressionLevel(level)).unwrap();
    context.set_parameter(CParameter::ChecksumFlag(true)).unwrap();
    context.set_parameter(CParameter::ContentSizeFlag(sized)).unwrap();
    let mut frame = vec![0; compress_bound(content.len())];
    let len = context.compress2(frame.as_mut_slice(), content).unwrap();
    frame.truncate(len);
    frame
}

/// A frame that is passed over.
fn skippable(content: &[u8]) -> Vec<u8> {
    let len = (content.len() as u32).to_le_bytes();
    [&[0x5A, 0x2A, 0x4D, 0x18], &len[..], content].concat()
}

/// A frame of one stored block, with this window descriptor.
fn stored(window: u8, content: &[u8]) -> Vec<u8> {
    let block = (content.len() as u32) << 3 | 1;
    let header = [0x28, 0xB5, 0x2F, 0xFD, 0, window];
    [&header, &block.to_le_bytes()[..3], content].concat()
}

fn inflate(format: Format, compressed: &[u8], most: u64) -> Result<Vec<u8>, InflateError> {
    Inflater::new(most).inflate(format, compressed).map(<[u8]>::to_vec)
}

/// A member: what is compressed, piece by piece.
#[derive(Debug, Clone)]
struct Packed {
    format: Format,
    pieces: Vec<Vec<u8>>,
    /// Each piece as a gzip member or a zstd frame of its own.
    compressed: Vec<Vec<u8>>,
}

impl Packed {
    fn content(&self) -> Vec<u8> {
        self.pieces.concat()
    }

    fn bytes(&self) -> Vec<u8> {
        self.compressed.concat()
    }
}

/// Bytes that compress well, badly and not at all, some longer than the least room.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        2 => vec(any::<u8>(), 0..300),
        2 => (vec(any::<u8>(), 1..40), 0..400_usize).prop_map(|(unit, count)| unit.repeat(count)),
        1 => (any::<u8>(), 0..300_000_usize).prop_map(|(byte, count)| vec![byte; count]),
        1 => (any::<u64>(), 0..100_000_usize).prop_map(|(seed, count)| noise(seed, count)),
    ]
}

/// Bytes that do not compress: xorshift64.
fn noise(seed: u64, count: usize) -> Vec<u8> {
    let mut state = seed | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..count).map(|_| next()).collect()
}

fn packed() -> impl Strategy<Value = Packed> {
    let pieces = vec((piece(), 0..10_u32, any::<bool>()), 1..4);
    (prop::sample::select(FORMATS.to_vec()), pieces).prop_map(|(format, pieces)| {
        let compress = |(content, level, sized): &(Vec<u8>, u32, bool)| match format {
            Format::Gzip => gzip(content, *level),
            Format::Zstd => zstd(content, *level as i32 * 2 - 3, *sized),
        };
        Packed {
            format,
            compressed: pieces.iter().map(compress).collect(),
            pieces: pieces.into_iter().map(|(content, ..)| content).collect(),
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_was_compressed_comes_back_whole(packed in packed()) {
        prop_assert_eq!(Format::of(&packed.bytes()), Some(packed.format));
        let content = packed.content();
        prop_assert_eq!(inflate(packed.format, &packed.bytes(), AMPLE), Ok(content));
    }

    #[test]
    fn a_document_is_as_large_as_may_be_and_no_larger(packed in packed(), near in -2_i64..3, any in any::<Index>()) {
        let content = packed.content();
        let (format, len) = (packed.format, content.len() as u64);
        for most in [len.saturating_add_signed(near), any.index(content.len() + 1) as u64] {
            let expected = match most < len {
                true => Err(InflateError::TooLarge { format, most }),
                false => Ok(content.clone()),
            };
            prop_assert_eq!(inflate(format, &packed.bytes(), most), expected);
        }
    }

    #[test]
    fn a_member_that_is_cut_is_refused_or_ends_where_a_piece_does(packed in packed(), at in any::<Index>()) {
        let bytes = packed.bytes();
        let cut = &bytes[..at.index(bytes.len() - 1) + 1];
        let mut end = 0;
        let whole = packed.compressed.iter().take_while(|piece| { end += piece.len(); end <= cut.len() }).count();
        let ends: usize = packed.compressed[..whole].iter().map(Vec::len).sum();
        let (format, at) = (packed.format, cut.len() as u64);
        let expected = match cut.len() - ends {
            0 => Ok(packed.pieces[..whole].concat()),
            // Less than its magic tells of no frame behind others.
            1..4 if format == Format::Zstd && whole > 0 => Err(InflateError::TrailingGarbage { format, at: ends as u64 }),
            1..4 if format == Format::Zstd => return Ok(()),
            _ => Err(InflateError::Cut { format, at }),
        };
        prop_assert_eq!(inflate(format, cut, AMPLE), expected);
    }

    #[test]
    fn a_bit_that_is_wrong_is_found_or_does_no_harm(packed in packed(), at in any::<Index>(), bit in 0..8_u32) {
        let mut bytes = packed.bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        match inflate(packed.format, &bytes, AMPLE) {
            // In a gzip header's time, for example.
            Ok(content) => prop_assert_eq!(content, packed.content()),
            Err(error) => prop_assert!(error.offset().is_none_or(|at| at <= bytes.len() as u64), "{}", error),
        }
    }

    #[test]
    fn gzip_is_read_as_a_decoder_of_whole_files_reads_it(bytes in prop_oneof![
        vec(any::<u8>(), 0..200).prop_map(|tail| [&gzip::MAGIC[..], &tail].concat()),
        (packed(), any::<Index>(), any::<u8>()).prop_map(|(packed, at, byte)| {
            let content = packed.content();
            let mut bytes = gzip(&content, 6);
            let at = at.index(bytes.len());
            bytes[at] = byte;
            bytes
        }),
    ]) {
        let mut expected = Vec::new();
        let judge = MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut expected);
        let found = inflate(Format::Gzip, &bytes, AMPLE);
        match judge {
            Ok(_) => prop_assert_eq!(found, Ok(expected)),
            Err(error) => prop_assert!(found.is_err(), "{}", error),
        }
    }

    #[test]
    fn zstd_is_read_as_a_decoder_of_whole_frames_reads_it(
        packed in packed(), at in any::<Index>(), byte in any::<u8>(), level in 1..10,
    ) {
        let content = packed.content();
        let mut bytes = zstd(&content, level, true);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let mut judged = vec![0; content.len() + 1];
        let judge = zstd_safe::decompress(judged.as_mut_slice(), &bytes);
        match (judge, inflate(Format::Zstd, &bytes, AMPLE)) {
            (Ok(len), found) => prop_assert_eq!(found, Ok(judged[..len].to_vec())),
            (Err(_), found) => prop_assert!(found.is_err()),
        }
    }

    /// What is said of a member does not depend on those before it, nor on the memory that they left.
    #[test]
    fn members_do_not_know_of_one_another(members in vec((packed(), any::<Index>(), any::<bool>()), 1..5)) {
        let mut used = Inflater::new(200_000);
        for (packed, at, is_broken) in members {
            let mut bytes = packed.bytes();
            if is_broken {
                let at = at.index(bytes.len());
                bytes[at] ^= 0x55;
            }
            let found = used.inflate(packed.format, &bytes).map(<[u8]>::to_vec);
            prop_assert_eq!(found, inflate(packed.format, &bytes, 200_000));
            used.give_back();
        }
    }
}

#[test]
fn what_is_compressed_is_told_by_its_first_bytes() {
    let cases: [(&[u8], Option<Format>); 9] = [
        (b"\x1f\x8b", Some(Format::Gzip)),
        (b"\x1f\x8b\x08\0", Some(Format::Gzip)),
        (b"\x28\xb5\x2f\xfd", Some(Format::Zstd)),
        (b"\x50\x2a\x4d\x18", Some(Format::Zstd)),
        (b"\x5f\x2a\x4d\x18\0", Some(Format::Zstd)),
        (b"\x60\x2a\x4d\x18", None),
        (b"\x28\xb5\x2f", None),
        (b"\x1f", None),
        (b"", None),
    ];
    for (content, format) in cases {
        assert_eq!(Format::of(content), format, "{content:x?}");
    }
}

#[test]
fn after_gzip_zeros_may_follow_and_nothing_else() {
    let one = gzip(b"{}", 6);
    let zeros = [&one[..], &[0; 512]].concat();
    assert_eq!(inflate(Format::Gzip, &zeros, AMPLE), Ok(b"{}".to_vec()));
    for (tail, distance) in [(&b"x"[..], 0), (b"\0\0x", 2), (b"{}", 0), (b"\x8b\x1f", 0)] {
        let at = (one.len() + distance) as u64;
        let format = Format::Gzip;
        let found = inflate(format, &[&one[..], tail].concat(), AMPLE);
        assert_eq!(found, Err(InflateError::TrailingGarbage { format, at }), "{tail:?}");
    }
}

#[test]
fn after_zstd_nothing_follows_but_frames() {
    let one = zstd(b"{}", 3, true);
    let skipped = [skippable(b"abc"), one.clone(), skippable(b""), skippable(&one)].concat();
    assert_eq!(inflate(Format::Zstd, &skipped, AMPLE), Ok(b"{}".to_vec()));
    assert_eq!(inflate(Format::Zstd, &skippable(b"abc"), AMPLE), Ok(Vec::new()));
    for tail in [&b"\0"[..], b"\0\0\0\0\0", b"{}", b"\x28\xb5\x2f\xfe"] {
        let (format, at) = (Format::Zstd, one.len() as u64);
        let found = inflate(format, &[&one[..], tail].concat(), AMPLE);
        assert_eq!(found, Err(InflateError::TrailingGarbage { format, at }), "{tail:?}");
    }
}

#[test]
fn a_checksum_that_is_wrong_is_told_as_such() {
    let mut bytes = [gzip(b"[1]", 6), gzip(b"[2]", 6)].concat();
    let at = bytes.len() - 8;
    bytes[at] ^= 1;
    let error = inflate(Format::Gzip, &bytes, AMPLE).unwrap_err();
    assert_eq!(error.reason(), "compression");
    assert!(error.to_string().contains("incorrect data check"), "{error}");
    assert!(
        error
            .offset()
            .is_some_and(|found| (at as u64..=at as u64 + 8).contains(&found)),
        "{error}"
    );

    let first = zstd(b"[1]", 3, true);
    let mut bytes = [first.clone(), zstd(b"[2]", 3, true)].concat();
    *bytes.last_mut().unwrap() ^= 1;
    let error = inflate(Format::Zstd, &bytes, AMPLE).unwrap_err();
    assert_eq!(
        (error.reason(), error.offset()),
        ("compression", Some(first.len() as u64))
    );
    assert!(error.to_string().contains("checksum"), "{error}");
}

#[test]
fn windows_are_used_up_to_the_largest() {
    // The exponent is in the upper five bits; the lower three are eighths of the power to add.
    let largest = (27 - 10) << 3;
    assert_eq!(
        inflate(Format::Zstd, &stored(largest, b"{}"), AMPLE),
        Ok(b"{}".to_vec())
    );
    let cases = [
        (largest | 1, (1 << 27) + (1 << 24)),
        (21 << 3, 1 << 31),
        (31 << 3 | 7, (1 << 41) / 8 * 15),
    ];
    for (descriptor, window) in cases {
        let first = zstd(b" ", 3, true);
        let found = inflate(
            Format::Zstd,
            &[first.clone(), stored(descriptor, b"{}")].concat(),
            AMPLE,
        );
        let at = first.len() as u64;
        assert_eq!(found, Err(InflateError::Window { at, window }));
    }
}

#[test]
fn a_content_that_is_its_own_window_counts_as_one() {
    // A single segment, whose size is in four bytes.
    let frame = [&[0x28, 0xB5, 0x2F, 0xFD, 0xA0, 0, 0, 0, 0x80][..], b"\x11\0\0{}"].concat();
    let found = inflate(Format::Zstd, &frame, AMPLE);
    assert_eq!(found, Err(InflateError::Window { at: 0, window: 1 << 31 }));
}

#[test]
fn a_dictionary_that_is_not_there_is_named() {
    let frame = [&[0x28, 0xB5, 0x2F, 0xFD, 0x01, 0, 77][..], b"\x11\0\0{}"].concat();
    let error = inflate(Format::Zstd, &frame, AMPLE).unwrap_err();
    assert_eq!(error, InflateError::Dictionary { at: 0, id: 77 });
    assert_eq!(error.reason(), "unsupported");
}

#[test]
fn a_bomb_takes_no_more_than_a_document_may() {
    const MOST: u64 = 1 << 20;
    let zeros = vec![0; 64 << 20];
    for (format, bomb) in [(Format::Gzip, gzip(&zeros, 6)), (Format::Zstd, zstd(&zeros, 3, false))] {
        let bombs = bomb.repeat(20);
        let mut inflater = Inflater::new(MOST);
        let found = inflater.inflate(format, &bombs).map(<[u8]>::len);
        assert_eq!(found, Err(InflateError::TooLarge { format, most: MOST }));
        assert!(
            inflater.buffer.capacity() as u64 <= MOST + 1,
            "{}",
            inflater.buffer.capacity()
        );
    }
}

#[test]
fn what_one_large_document_took_is_given_back() {
    let zeros = vec![0; 3 * KEPT_CAPACITY];
    for (format, large) in [(Format::Gzip, gzip(&zeros, 6)), (Format::Zstd, zstd(&zeros, 22, false))] {
        let mut inflater = Inflater::new(AMPLE);
        assert_eq!(inflater.inflate(format, &large).map(<[u8]>::len), Ok(zeros.len()));
        inflater.give_back();
        assert!(inflater.buffer.capacity() <= KEPT_CAPACITY, "{format}");
    }
    // Of a large window, too.
    let mut inflater = Inflater::new(AMPLE);
    inflater.inflate(Format::Zstd, &stored((27 - 10) << 3, b"{}")).unwrap();
    assert!(inflater.pumps.unzstd.held() > KEPT_CAPACITY);
    inflater.give_back();
    assert_eq!(inflater.pumps.unzstd.held(), 0);
    assert_eq!(inflater.inflate(Format::Zstd, &stored(0, b"[]")), Ok(&b"[]"[..]));
    inflater.give_back();
    assert_ne!(inflater.pumps.unzstd.held(), 0, "a small one is kept");
}

/// Files that other implementations are tested with.
#[test]
#[expect(clippy::print_stderr, reason = "a test that is skipped has to say so")]
fn the_corpora_are_read_as_their_folders_say() {
    let corpora = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpora"));
    if !corpora.is_dir() {
        eprintln!("skipped: {} is not there", corpora.display());
        return;
    }
    let (mut good, mut bad) = (0, 0);
    for (folder, format, is_good) in [
        ("flate2/tests", Format::Gzip, true),
        ("zstd-golden/tests/golden-decompression", Format::Zstd, true),
        ("zstd-golden/tests/golden-decompression-errors", Format::Zstd, false),
    ] {
        for path in files(&corpora.join(folder)) {
            let bytes = std::fs::read(&path).unwrap();
            assert_eq!(Format::of(&bytes), Some(format), "{}", path.display());
            let found = inflate(format, &bytes, AMPLE);
            assert_eq!(found.is_ok(), is_good, "{}: {found:?}", path.display());
            if let Ok(content) = found {
                assert_eq!(content, judged(format, &bytes), "{}", path.display());
            }
            *if is_good { &mut good } else { &mut bad } += 1;
        }
    }
    assert!(good > 0 && bad > 0, "the folders are empty");
}

/// The compressed files in a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.extension().is_some_and(|it| it == "gz" || it == "zst"))
        .collect()
}

/// What a decoder of whole files makes of it.
fn judged(format: Format, bytes: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    match format {
        Format::Gzip => drop(MultiGzDecoder::new(bytes).read_to_end(&mut content).unwrap()),
        Format::Zstd => {
            content.resize(8 << 20, 0);
            let len = zstd_safe::decompress(content.as_mut_slice(), bytes).unwrap();
            content.truncate(len);
        }
    }
    content
}

/// What a stream gives, read so many bytes at a time, and how it ends.
fn streamed(format: Format, bytes: &[u8], at_once: usize) -> (Vec<u8>, Option<InflateError>) {
    let mut stream = Stream::new(format);
    let (mut rest, mut content) = (bytes, Vec::new());
    loop {
        let mut out = vec![0; at_once];
        let read = stream.read(&mut out, &mut |input| {
            let (given, behind) = rest.split_at(rest.len().min(input.len()));
            input[..given.len()].copy_from_slice(given);
            rest = behind;
            Ok(given.len())
        });
        match read {
            Ok(0) => return (content, None),
            Ok(count) => content.extend_from_slice(&out[..count]),
            Err(StreamError::Inflate(error)) => return (content, Some(error)),
            Err(StreamError::Source(error)) => panic!("a slice can be read: {error}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Piece by piece, a member inflates to what it does as a whole, and what is damaged is damaged: the pieces' sizes
    /// change nothing.
    #[test]
    fn a_stream_gives_what_is_there(
        packed in packed(), copies in 1..40_usize, at in any::<Index>(), byte in any::<u8>(), is_broken in any::<bool>(),
        at_once in 1..5000_usize,
    ) {
        let mut bytes = packed.bytes().repeat(copies);
        if is_broken && !bytes.is_empty() {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let (content, failure) = streamed(packed.format, &bytes, at_once);
        prop_assert_eq!(&streamed(packed.format, &bytes, 1 << 20), &(content.clone(), failure.clone()));
        match inflate(packed.format, &bytes, AMPLE) {
            Ok(whole) => prop_assert_eq!((content, failure), (whole, None)),
            Err(_) => prop_assert!(failure.is_some()),
        }
    }
}

/// A frame whose blocks refer further back than its header says: 1 MB, with a window of 128 KiB.
fn beyond_its_window() -> Vec<u8> {
    const WINDOW_OF_128_KIB: u8 = (17 - 10) << 3;
    let mut context = CCtx::create();
    context.set_parameter(CParameter::ContentSizeFlag(false)).unwrap();
    context.set_parameter(CParameter::WindowLog(22)).unwrap();
    let content = noise(1, 1_000_000).repeat(2);
    let mut frame = vec![0; compress_bound(content.len())];
    let len = context.compress2(frame.as_mut_slice(), &content).unwrap();
    frame.truncate(len);
    assert!(len < 1_100_000, "the second half refers to the first");
    frame[5] = WINDOW_OF_128_KIB;
    frame
}

/// libzstd keeps the memory of a larger window, and then takes what it refuses when it is new.
#[test]
fn what_a_frame_gives_does_not_depend_on_those_before() {
    let crafted = beyond_its_window();
    let mut inflater = Inflater::new(AMPLE);
    let alone = inflater.inflate(Format::Zstd, &crafted).map(<[u8]>::to_vec);
    let large = zstd(&noise(2, 4 << 20), 3, false);
    inflater.inflate(Format::Zstd, &large).unwrap();
    let after = inflater.inflate(Format::Zstd, &crafted).map(<[u8]>::to_vec);
    assert!(after == alone, "{:?} and {:?}", after.err(), alone.err());
    // A frame behind another one in the same member.
    let mut both = noise(2, 4 << 20);
    let behind = inflate(Format::Zstd, &[large, crafted].concat(), AMPLE);
    assert_eq!(
        behind.is_ok(),
        alone.is_ok(),
        "{:?} behind another frame",
        behind.as_ref().err()
    );
    if let (Ok(behind), Ok(alone)) = (behind, alone) {
        both.extend(alone);
        assert!(behind == both);
    }
}

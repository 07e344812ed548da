//! What a walk tells is a function of the archive's bytes alone: never of which members are located, of how the bytes
//! come, or of what is known of them. A run that goes on where another one stopped passes over what that one read, and
//! has to write the same log.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use proptest::sample::Index;
use tarquet_archive::{
    Archive, Damage, DamageKind, HeaderFault, Member, MemberKind, PIECE_BYTES, SpoolOptions, WalkError,
};

use crate::build::{Dialect, Spec, Tar, Twist, specs};
use crate::stream::sizes;
use crate::support::{Scratch, noise, pipe, prefix, slots, zstd};

/// All that a walk tells.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    members: Vec<Member>,
    damage: Option<Damage>,
    /// The damage's text, as it goes into logs.
    text: Option<String>,
    unmarked_end: bool,
}

/// How an archive is walked.
#[derive(Debug, Clone)]
struct Way {
    /// The sizes of the pieces in which a pipe gives it; `None` for a file.
    pipe: Option<Vec<usize>>,
    /// Which members are located, over and over.
    located: Vec<bool>,
    /// How much of it is expected.
    expected: Option<Index>,
    spool: SpoolOptions,
}

fn way() -> impl Strategy<Value = Way> {
    let located = prop_oneof![
        1 => Just(vec![true]),
        1 => Just(vec![false]),
        4 => prop::collection::vec(any::<bool>(), 1..12),
    ];
    let expected = prop::option::of(any::<Index>());
    (prop::option::of(sizes()), located, expected, 1..4_u64).prop_map(|(pipe, located, expected, count)| Way {
        pipe,
        located,
        expected,
        spool: slots(count),
    })
}

/// Walks; `Err` with what is said of something that is no archive.
fn walk(scratch: &Scratch, bytes: &[u8], way: &Way) -> Result<Told, String> {
    let archive = match &way.pipe {
        Some(sizes) => Archive::stream(pipe(bytes, sizes)),
        None => Archive::open(&scratch.file("archive", bytes)),
    };
    let path = scratch.path().join("archive").display().to_string();
    let archive = archive.map_err(|error| error.to_string().replace(&path, "standard input"))?;
    let mut walk = archive.walk(way.spool).expect("a walk");
    if let Some(expected) = way.expected {
        walk.expect_prefix(prefix(bytes, expected.index(bytes.len() + 1)));
    }
    let (mut members, mut located) = (Vec::new(), way.located.iter().cycle());
    let damage = loop {
        let result = walk.next().and_then(|member| {
            let Some(member) = member else { return Ok(false) };
            members.push(member.clone());
            if located.next() == Some(&true) && member.kind == MemberKind::File {
                let extents = walk.locate(&member, &mut |_| panic!("nothing else is stored"))?;
                walk.releaser().release(&extents);
            }
            Ok(true)
        });
        match result {
            Ok(true) => {}
            Ok(false) => break None,
            Err(WalkError::Damage(damage)) => break Some(damage),
            Err(error) => panic!("the same bytes can be read: {error}"),
        }
    };
    Ok(Told {
        members,
        text: damage.as_ref().map(ToString::to_string),
        damage,
        unmarked_end: walk.has_unmarked_end(),
    })
}

/// Something that happens to some bytes.
#[derive(Debug, Clone)]
enum Harm {
    Flip(Index, u8),
    Cut(Index),
    /// Zeros over some bytes: a block of a disk that was lost.
    Lose(Index, usize),
}

impl Harm {
    fn apply(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        match self {
            Harm::Flip(at, bit) => {
                let at = at.index(bytes.len());
                bytes[at] ^= 1 << bit;
            }
            Harm::Cut(at) => bytes.truncate(at.index(bytes.len())),
            Harm::Lose(at, len) => {
                let start = at.index(bytes.len());
                let end = (start + len).min(bytes.len());
                bytes[start..end].fill(0);
            }
        }
    }
}

fn harm() -> impl Strategy<Value = Vec<Harm>> {
    let one = prop_oneof![
        3 => (any::<Index>(), 0..8_u8).prop_map(|(at, bit)| Harm::Flip(at, bit)),
        1 => any::<Index>().prop_map(Harm::Cut),
        1 => (any::<Index>(), 1..2000_usize).prop_map(|(at, len)| Harm::Lose(at, len)),
    ];
    prop::collection::vec(one, 0..2)
}

/// A member of any size up to several hundred kB, which compresses well, badly, or not at all.
fn large() -> impl Strategy<Value = Spec> {
    let len = prop_oneof![0..2000_usize, 60_000..70_000_usize, 0..400_000_usize];
    (len, 0..3_u8).prop_map(|(len, texture)| Spec {
        dialect: Dialect::Ustar,
        name: format!("{len}.json"),
        flag: b'0',
        body: match texture {
            0 => vec![b'7'; len],
            1 => noise(len)
                .iter()
                .map(|byte| b"0123456789,[]{}:"[usize::from(byte % 16)])
                .collect(),
            _ => noise(len),
        },
        twist: Twist::None,
    })
}

/// A tar that may be harmed: anywhere, or in one of its headers.
fn tar() -> impl Strategy<Value = Vec<u8>> {
    let members = (specs(4), prop::collection::vec(large(), 0..6)).prop_map(|(small, large)| [small, large].concat());
    let in_header = prop::option::of((any::<Index>(), 0..512_usize, 0..8_u8));
    (members.prop_shuffle(), in_header, harm()).prop_map(|(members, in_header, harm)| {
        let mut tar = Tar::of(&members);
        tar.end(2);
        if let (Some((header, at, bit)), false) = (in_header, tar.headers.is_empty()) {
            let header = tar.headers.iter().nth(header.index(tar.headers.len()));
            tar.bytes[header.expect("one of them") + at] ^= 1 << bit;
        }
        harm.iter().for_each(|harm| harm.apply(&mut tar.bytes));
        tar.bytes
    })
}

/// Compresses into gzip members, each of so many bytes at most.
pub(crate) fn gzip_members(bytes: &[u8], most: usize, level: u32) -> Vec<u8> {
    let compress = |piece: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::new(level));
        encoder.write_all(piece).expect("memory to write to");
        encoder.finish().expect("memory to write to")
    };
    bytes.chunks(most).flat_map(compress).collect()
}

/// Compresses into zstd frames, each of so many bytes at most, and with a frame of nothing behind each.
pub(crate) fn zstd_frames(bytes: &[u8], most: usize) -> Vec<u8> {
    let frame = |piece: &[u8]| [zstd(piece), b"\x5E\x2A\x4D\x18\x02\0\0\0hi".to_vec()].concat();
    bytes.chunks(most).flat_map(frame).collect()
}

/// An archive, plain or compressed, and harmed or not before and after.
pub(crate) fn archive() -> impl Strategy<Value = Vec<u8>> {
    let most = prop_oneof![Just(usize::MAX), 30_000..300_000_usize];
    // The level of gzip; none for zstd.
    let level = prop_oneof![
        3 => prop::sample::select(vec![0, 1, 6]).prop_map(Some),
        2 => Just(None),
    ];
    let packed = prop::option::weighted(0.8, (most, level));
    (tar(), packed, harm()).prop_map(|(tar, packed, harm)| match packed {
        None => tar,
        Some((most, level)) => {
            let mut bytes = match level {
                Some(level) => gzip_members(&tar, most, level),
                None => zstd_frames(&tar, most),
            };
            harm.iter().for_each(|harm| harm.apply(&mut bytes));
            bytes
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn whatever_is_located_and_however_the_bytes_come(bytes in archive(), ways in prop::collection::vec(way(), 3)) {
        let scratch = Scratch::new();
        let plainly = Way { pipe: None, located: vec![true], expected: None, spool: SpoolOptions::default() };
        let told = walk(&scratch, &bytes, &plainly);
        for way in ways {
            prop_assert_eq!(&walk(&scratch, &bytes, &way), &told, "{:?}", way);
        }
    }
}

/// How many bytes the start of a gzip stream gives, as another decoder has it.
fn given(start: &[u8]) -> u64 {
    let mut given = Vec::new();
    let cut = MultiGzDecoder::new(start).read_to_end(&mut given);
    assert!(cut.is_err(), "it is cut");
    given.len() as u64
}

/// A header that is none, 1.5 MB into a stream: what was read ahead of it differs with every choice of members.
#[test]
fn a_broken_header_is_told_by_its_byte_and_by_the_piece_that_it_comes_from() {
    let spec = |len: usize| Spec {
        dialect: Dialect::Ustar,
        name: format!("{len}.json"),
        flag: b'0',
        body: noise(len),
        twist: Twist::None,
    };
    let mut tar = Tar::of(&[
        spec(70_000),
        spec(300_001),
        spec(1_100_000),
        spec(90_000),
        spec(5),
        spec(80_000),
    ]);
    tar.end(2);
    let header = tar.expected[4].header_offset;
    tar.bytes[header as usize] ^= 1;
    let bytes = gzip_members(&tar.bytes, usize::MAX, 1);
    let piece_bytes = PIECE_BYTES as usize;
    let pieces = (0..bytes.len() / piece_bytes).take_while(|piece| given(&bytes[..piece * piece_bytes]) <= header);
    let piece = pieces.last().expect("the first") as u64 * PIECE_BYTES;
    assert!(piece > 0);
    let scratch = Scratch::new();
    for choice in 0..16 {
        let way = Way {
            pipe: (choice % 3 == 0).then(|| vec![50_000, 7]),
            located: (0..4).map(|member| choice & (1 << member) != 0).collect(),
            expected: None,
            spool: SpoolOptions::default(),
        };
        let damage = walk(&scratch, &bytes, &way)
            .expect("an archive")
            .damage
            .expect("damage");
        assert_eq!(damage.kind, DamageKind::Header(HeaderFault::Checksum));
        assert_eq!((damage.place.stream, damage.place.is_exact), (Some(header), false));
        assert_eq!(damage.place.file, piece, "choice {choice}");
        assert_eq!(
            damage.to_string(),
            format!(
                "the archive is damaged at byte {header} decompressed (out of the 64 KiB from byte {} of the file): \
                 a header's checksum is wrong, so this is no header",
                damage.place.file
            )
        );
    }
}

//! Several threads give what one gives, on anything.

use std::io::Write;

use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;
use crate::gzip::Inflater;
use crate::prefix::Prefix;
use crate::raw::{Origin, RawBytes};
use crate::reading::{expected, file_of, fill, raw, read, read_expecting};

/// A gzip member, which is too long to be shown.
#[derive(Clone)]
struct Member(Vec<u8>);

impl std::fmt::Debug for Member {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

fn in_order(file: &Arc<File>, point: Option<Point>) -> Inflater<RawBytes> {
    match point {
        Some(point) => Inflater::begin_at(raw(file, point.prefix), point),
        None => Inflater::new(raw(file, Prefix::default())),
    }
}

/// Small chunks, so that there are many.
#[derive(Debug, Clone, Copy)]
struct Team {
    threads: usize,
    chunk: usize,
    beyond: usize,
    patience: u64,
}

fn team() -> impl Strategy<Value = Team> {
    let sizes = (
        select(vec![300, 2_000, 20_000, 100_000]),
        select(vec![100, 1_000, 30_000]),
    );
    (1..4_usize, sizes, select(vec![3, u64::MAX])).prop_map(|(threads, (chunk, beyond), patience)| Team {
        threads,
        chunk,
        beyond,
        patience,
    })
}

fn together(file: &Arc<File>, point: Option<Point>, team: Team) -> Parallel<RawBytes> {
    let raw = raw(file, point.as_ref().map_or(Prefix::default(), |point| point.prefix));
    let mut parallel = Parallel::new(raw, Arc::clone(file), Arc::default(), team.threads);
    parallel.sizes = Sizes {
        chunk: team.chunk,
        beyond: team.beyond,
        patience: team.patience,
    };
    match point {
        Some(point) => parallel.begin_at(point),
        None => parallel,
    }
}

/// Codes of every kind: bytes of few values or of all, repeated from near and far.
fn content() -> impl Strategy<Value = Vec<u8>> {
    let literals = prop_oneof![
        prop::collection::vec(0..40_u8, 1..300),
        prop::collection::vec(any::<u8>(), 1..600),
    ];
    let copy = (any::<Index>(), 3..400_usize);
    (prop::collection::vec((literals, copy), 1..60), 1..12_usize).prop_map(|(parts, times)| {
        let mut content = Vec::new();
        for (literals, (from, len)) in parts.iter().cycle().take(parts.len() * times) {
            content.extend(literals);
            let from = from.index(content.len());
            let copied = content[from..content.len().min(from + len)].to_vec();
            content.extend(copied);
        }
        content
    })
}

/// A gzip member with blocks of any kind, most of them short.
fn member() -> impl Strategy<Value = Member> {
    let level = select(vec![0, 1, 6, 9]);
    let named = (any::<bool>(), any::<bool>(), any::<bool>());
    (prop::collection::vec((content(), any::<bool>()), 0..8), level, named).prop_map(
        |(parts, level, (name, comment, extra))| {
            let mut builder = GzBuilder::new();
            if name {
                builder = builder.filename("name");
            }
            if comment {
                builder = builder.comment("comment");
            }
            if extra {
                builder = builder.extra(vec![7; 300]);
            }
            let mut encoder: GzEncoder<Vec<u8>> = builder.write(Vec::new(), Compression::new(level));
            for (content, flush) in parts {
                encoder.write_all(&content).expect("memory to write to");
                if flush {
                    encoder.flush().expect("memory to write to");
                }
            }
            Member(encoder.finish().expect("memory to write to"))
        },
    )
}

/// What may be wrong with a file, or unusual about it.
#[derive(Debug, Clone)]
enum Twist {
    None,
    Flip(Index, u8),
    Cut(Index),
    Zeros(usize),
    Garbage(usize, u8),
    WrongTrailer(u8),
}

fn twist() -> impl Strategy<Value = Twist> {
    prop_oneof![
        3 => Just(Twist::None),
        3 => (any::<Index>(), 0..8_u8).prop_map(|(at, bit)| Twist::Flip(at, bit)),
        2 => any::<Index>().prop_map(Twist::Cut),
        1 => (1..5_000_usize).prop_map(Twist::Zeros),
        1 => (0..3_000_usize, any::<u8>()).prop_map(|(zeros, byte)| Twist::Garbage(zeros, byte)),
        1 => (1..9_u8).prop_map(Twist::WrongTrailer),
    ]
}

fn twisted(members: &[Member], twist: &Twist) -> Vec<u8> {
    let mut bytes = members.iter().map(|member| &*member.0).collect::<Vec<_>>().concat();
    let len = bytes.len();
    match *twist {
        Twist::None => {}
        Twist::Flip(at, bit) => bytes[at.index(len)] ^= 1 << bit,
        Twist::Cut(at) => bytes.truncate(at.index(len)),
        Twist::Zeros(count) => bytes.resize(len + count, 0),
        Twist::Garbage(zeros, byte) => {
            bytes.resize(len + zeros, 0);
            bytes.push(byte);
        }
        Twist::WrongTrailer(back) => bytes[len - usize::from(back)] ^= 1,
    }
    bytes
}

fn pulls() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(prop_oneof![1..3_000_usize, 1..100_000_usize, Just(1 << 20)], 1..5)
}

/// Text of which every 20 KiB or so, compressed, are a block: about 1.5 MiB compressed.
fn long_text() -> Vec<u8> {
    let mut number = 7_u64;
    let mut text = Vec::new();
    while text.len() < 6 << 20 {
        number = number
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let (price, carrier) = (number >> 44, ["SU", "S7", "U6", "DP"][(number >> 33) as usize % 4]);
        text.extend(format!(r#"{{"price":{price},"carrier":"{carrier}","refund":null}},"#).bytes());
    }
    text
}

fn compressed(content: &[u8], level: u32) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(level));
    encoder.write_all(content).expect("memory to write to");
    encoder.finish().expect("memory to write to")
}

const CHUNKS: Team = Team {
    threads: 2,
    chunk: 40_000,
    beyond: 30_000,
    patience: u64::MAX,
};

/// How many chunks there are, and of how many threads found what comes first.
fn found(file: &Arc<File>, team: Team) -> (u64, u64) {
    let mut stream = together(file, None, team);
    let mut out = vec![0; 1 << 20];
    while stream.pull(&mut out).expect("a stream that is whole") > 0 {}
    let State::Team(team) = &stream.state else {
        panic!("nothing is in doubt")
    };
    (team.taken, team.adopted)
}

#[test]
fn threads_find_nearly_every_block() {
    let text = long_text();
    let members = text.chunks(30_000).map(|content| compressed(content, 6));
    let noise: Vec<u8> = (0..3_000_000_u64)
        .map(|at| (at.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 29) as u8)
        .collect();
    // Stored blocks are up to 64 KiB long.
    let large = Team {
        chunk: 100_000,
        beyond: 70_000,
        ..CHUNKS
    };
    for (what, bytes, team) in [
        ("one member", compressed(&text, 6), CHUNKS),
        ("another level", compressed(&text, 9), CHUNKS),
        ("many members", members.collect::<Vec<_>>().concat(), CHUNKS),
        ("stored blocks", compressed(&noise, 0), large),
    ] {
        let (chunks, found) = found(&file_of(&bytes), team);
        assert!(chunks >= 10 && found * 10 >= chunks * 8, "{what}: {found} of {chunks}");
    }
}

/// The judge and a resumed run begin near, also in a file of members of one block each, as `bgzip` and `cat` make them.
#[test]
fn points_are_also_where_members_start() {
    let members = long_text()
        .chunks(30_000)
        .map(|content| compressed(content, 6))
        .collect::<Vec<_>>();
    let bytes = members.concat();
    let file = file_of(&bytes);
    let mut stream = together(&file, None, CHUNKS);
    stream.make_points(EVERYWHERE);
    let mut points = Vec::new();
    let held = read(&mut stream, 0, &[1 << 16], &mut Vec::new(), &mut points);
    assert_eq!((held.0.len(), held.1), (long_text().len(), None));
    let chunks = bytes.len() / CHUNKS.chunk;
    assert!(points.len() * 10 >= chunks * 8, "{} in {chunks} chunks", points.len());
    let State::Team(team) = &stream.state else {
        panic!("nothing is in doubt")
    };
    let last = team.point.as_ref().map_or(0, |point| point.file) as usize;
    assert!(
        bytes.len() - last < 2 * CHUNKS.chunk,
        "the last one is at {last} of {}",
        bytes.len()
    );
}

/// What no thread can find is inflated all the same.
#[test]
fn blocks_that_cannot_be_found_are_decoded_by_who_pulls() {
    // Fixed codes of 8 and 9 bits, in one block of 3 MB.
    let mut bits = vec![1, 1, 0];
    let text = long_text();
    for &byte in &text[..3_000_000] {
        let (code, count) = if byte < 144 {
            (0x30 + u32::from(byte), 8)
        } else {
            (0x100 + u32::from(byte), 9)
        };
        bits.extend((0..count).rev().map(|bit| (code >> bit & 1) as u8));
    }
    bits.extend([0; 7]);
    let mut bytes = vec![0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255];
    bytes
        .extend(bits.chunks(8).map(|byte| {
            byte.iter().rev().fold(0, |byte, bit| byte << 1 | bit) << (8 - byte.len()) >> (8 - byte.len())
        }));
    bytes.extend(crc32fast::hash(&text[..3_000_000]).to_le_bytes());
    bytes.extend(3_000_000_u32.to_le_bytes());
    let file = file_of(&bytes);
    for (patience, is_judged) in [(u64::MAX, false), (8, true)] {
        let mut stream = together(&file, None, Team { patience, ..CHUNKS });
        let held = read(&mut stream, 0, &[1 << 20], &mut Vec::new(), &mut Vec::new());
        assert!(
            held == (text[..3_000_000].to_vec(), None),
            "{} bytes, {:?}",
            held.0.len(),
            held.1
        );
        assert_eq!(
            matches!(stream.state, State::Judge(_)),
            is_judged,
            "after {patience} chunks"
        );
    }
}

#[test]
fn a_stop_and_the_end_of_the_walk_wait_for_nothing() {
    let bytes = compressed(&long_text(), 6);
    let file = file_of(&bytes);
    let stop = Arc::new(Stop::default());
    let origin = Origin::File {
        file: Arc::clone(&file),
        len: bytes.len() as u64,
    };
    let raw = RawBytes::new(origin, Arc::clone(&stop));
    let mut stream = Parallel::new(raw, file, Arc::clone(&stop), 3);
    stream.sizes = Sizes {
        chunk: 10_000,
        beyond: 10_000,
        patience: 1000,
    };
    let mut out = vec![0; 1000];
    assert_eq!(stream.pull(&mut out).expect("a stream that is whole"), 1000);
    stop.tell();
    let fault = stream.pull(&mut out).expect_err("nothing more is wanted");
    assert!(matches!(fault, Fault::Stopped), "{fault:?}");
    // Waits for the threads: the test ends only if they do.
    drop(stream);
}

/// A thread that panics takes its chunk with it. Another way is found, and nobody waits for it.
#[test]
fn a_thread_that_is_gone_is_not_waited_for() {
    let text = long_text();
    let file = file_of(&compressed(&text, 6));
    let mut stream = together(&file, None, CHUNKS);
    let mut held = vec![0; 1 << 20];
    fill(&mut stream, &mut held).expect("a stream that is whole");
    let State::Team(team) = &mut stream.state else {
        panic!("nothing is in doubt")
    };
    // What is left when a thread dies with a chunk: the other end of its channel is gone.
    team.handed_out[1] = std::sync::mpsc::sync_channel(1).1;
    let (rest, fault) = read(
        &mut stream,
        held.len() as u64,
        &[1 << 20],
        &mut Vec::new(),
        &mut Vec::new(),
    );
    held.extend(rest);
    assert!(held == text && fault.is_none(), "{} bytes, {fault:?}", held.len());
    assert!(matches!(stream.state, State::Judge(_)));
}

/// What others have seen go wrong, and what they read.
#[test]
fn the_corpora_are_read_as_by_one_thread() {
    let corpora = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpora");
    let mut folders = vec![std::path::PathBuf::from(corpora)];
    let mut read_all = 0;
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            writeln!(std::io::stderr(), "skipped: {} is not there", folder.display()).ok();
            return;
        };
        for entry in entries {
            let path = entry.expect("a folder that can be listed").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).expect("a file that can be read");
            if !bytes.starts_with(&[0x1F, 0x8B]) {
                continue;
            }
            let file = file_of(&bytes);
            let read = |stream: &mut dyn Pull| {
                let mut places = Vec::new();
                let held = read(stream, 0, &[5000, 100_000], &mut places, &mut Vec::new());
                (held, places)
            };
            let one = read(&mut in_order(&file, None));
            for team in [300, 5000].map(|chunk| Team { chunk, ..CHUNKS }) {
                assert!(read(&mut together(&file, None, team)) == one, "{}", path.display());
            }
            read_all += 1;
        }
    }
    assert!(read_all > 3, "only {read_all} files are gzip");
}

/// Points wherever there can be one.
const EVERYWHERE: Spacing = Spacing { stream: 1, file: 1 };

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// The same bytes, the same damage at the same place, and every byte from the same place; and whoever begins at a
    /// point that either made gives the same rest.
    #[test]
    fn several_threads_give_what_one_gives(
        members in prop::collection::vec(member(), 1..5),
        twist in twist(),
        team in team(),
        pulls in pulls(),
        chosen in any::<Index>(),
    ) {
        let bytes = twisted(&members, &twist);
        let file = file_of(&bytes);
        let (mut places, mut points) = (Vec::new(), Vec::new());
        let mut one = in_order(&file, None);
        one.make_points(EVERYWHERE);
        let held = read(&mut one, 0, &pulls, &mut places, &mut points);
        let (mut places_too, mut points_too) = (Vec::new(), Vec::new());
        let mut several = together(&file, None, team);
        several.make_points(EVERYWHERE);
        let held_too = read(&mut several, 0, &pulls, &mut places_too, &mut points_too);
        prop_assert_eq!(held_too.1, held.1.clone());
        prop_assert!(held_too.0 == held.0, "{} bytes, not {}", held_too.0.len(), held.0.len());
        prop_assert_eq!(places_too, places);
        if held.1.is_none() {
            prop_assert_eq!(several.consumed(), one.consumed());
        }
        points.extend(points_too);
        if !points.is_empty() {
            let point = chosen.get(&points).clone();
            prop_assert!(point.is_sound());
            let rest = (held.0[point.stream as usize..].to_vec(), held.1);
            let mut again = in_order(&file, Some(point.clone()));
            let (mut places, mut places_too) = (Vec::new(), Vec::new());
            let from_it = read(&mut again, point.stream, &pulls, &mut places, &mut Vec::new());
            prop_assert!(from_it == rest, "in order, from {}", point.file);
            let mut again = together(&file, Some(point.clone()), team);
            let from_it = read(&mut again, point.stream, &pulls, &mut places_too, &mut Vec::new());
            prop_assert!(from_it == rest, "with threads, from {}", point.file);
            prop_assert_eq!(places_too, places);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// What was read before is looked for in the same way: the hash is over the same bytes, in their order.
    #[test]
    fn another_start_of_the_file_is_told_alike(
        members in prop::collection::vec(member(), 1..4),
        team in team(),
        bytes in any::<Index>(),
        is_same in any::<bool>(),
        is_longer in any::<bool>(),
    ) {
        let file = file_of(&twisted(&members, &Twist::None));
        let len = file.metadata().expect("a file that is open").len();
        let mut whole = in_order(&file, None);
        read_expecting(&mut whole);
        let prefix = match is_longer {
            true => Prefix { bytes: len + 1, hash: 0 },
            false => expected(&file, bytes.index(len as usize) as u64 + 1, is_same),
        };
        let expecting = || {
            let raw = raw(&file, Prefix::default());
            raw.running().expect(prefix);
            (raw.running().probe(), raw)
        };
        let (probe, raw) = expecting();
        let (held, fault) = read_expecting(&mut Inflater::new(raw));
        let (probe_too, raw) = expecting();
        let mut several = Parallel::new(raw, Arc::clone(&file), Arc::default(), team.threads);
        several.sizes = Sizes { chunk: team.chunk, beyond: team.beyond, patience: team.patience };
        let (held_too, fault_too) = read_expecting(&mut several);
        prop_assert_eq!(format!("{fault_too:?}"), format!("{fault:?}"));
        // What was read last before a difference is not given, and how much that is depends on who reads.
        let common = held.len().min(held_too.len());
        prop_assert!(held[..common] == held_too[..common]);
        if fault.is_none() {
            prop_assert_eq!(held_too.len(), held.len());
        }
        prop_assert_eq!(probe_too.is_confirmed(), probe.is_confirmed());
        prop_assert_eq!(probe_too.is_confirmed(), is_same && !is_longer);
        prop_assert_eq!(probe_too.prefix(), probe.prefix());
    }
}

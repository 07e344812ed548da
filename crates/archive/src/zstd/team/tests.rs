//! Several threads give what one gives, on anything.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;
use crate::raw::{Origin, RawBytes};
use crate::reading::{expected, file_of, raw, read, read_expecting};
use crate::zstd::tests::{
    Settings, compressed, compressed_frame, corpus, handmade_frame, noisy, sizes, skippable_frame,
};

/// Points wherever there can be one.
const EVERYWHERE: Spacing = Spacing { stream: 1, file: 1 };

/// Small batches, so that there are many; of no thread at all, too.
fn team() -> impl Strategy<Value = (usize, Sizes)> {
    let limits = (
        select(vec![1, 300, 5_000, 200_000]),
        select(vec![1, 1_000, 300_000]),
        select(vec![400, 20_000, 1 << 20]),
    );
    (0..4_usize, limits).prop_map(|(threads, (file, stream, frame))| (threads, Sizes { file, stream, frame }))
}

fn in_order(file: &Arc<File>, point: Option<&Point>) -> Decoder<RawBytes> {
    match point {
        Some(point) => Decoder::begin_at(raw(file, point.prefix), point),
        None => Decoder::new(raw(file, Prefix::default())),
    }
}

fn together(file: &Arc<File>, point: Option<&Point>, (threads, sizes): (usize, Sizes)) -> Frames<RawBytes> {
    let raw = raw(file, point.map_or(Prefix::default(), |point| point.prefix));
    Frames::with(sizes, raw, point, Arc::clone(file), Arc::default(), threads)
}

/// A frame of bytes that do not compress, so that the file has many pieces.
fn noisy_frame() -> impl Strategy<Value = Vec<u8>> {
    let settings = (any::<bool>(), any::<bool>(), select(vec![usize::MAX, 3_000]));
    (0..300_000_u32, settings).prop_map(|(len, (has_checksum, says_length, piece))| {
        let settings = Settings {
            level: 1,
            has_checksum,
            says_length,
            window_log: 18,
            piece,
        };
        compressed(&noisy(len), &settings)
    })
}

/// Up to a dozen frames, nearly all of them sound, perhaps with a flipped bit, perhaps cut, perhaps with something behind.
fn many_frames() -> impl Strategy<Value = Vec<u8>> {
    let frame = prop_oneof![
        20 => compressed_frame(),
        4 => noisy_frame(),
        5 => skippable_frame(),
        1 => handmade_frame(),
    ];
    let harm = prop_oneof![
        4 => Just(None),
        2 => (any::<Index>(), 1..=255_u8).prop_map(|(at, change)| Some((at, Some(change)))),
        1 => any::<Index>().prop_map(|at| Some((at, None))),
    ];
    let garbage = prop_oneof![6 => Just(Vec::new()), 1 => prop::collection::vec(any::<u8>(), 1..9)];
    (prop::collection::vec(frame, 1..12), harm, garbage).prop_map(|(frames, harm, garbage)| {
        let mut bytes = [frames.concat(), garbage].concat();
        match harm {
            Some((at, Some(change))) => {
                let at = at.index(bytes.len());
                bytes[at] ^= change;
            }
            Some((at, None)) => bytes.truncate(at.index(bytes.len())),
            None => {}
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(250))]

    /// The same bytes, the same damage at the same place, and every byte from the same place; and whoever begins at a
    /// point that either made gives the same rest.
    #[test]
    fn several_threads_give_what_one_gives(
        bytes in many_frames(),
        team in team(),
        pulls in sizes(),
        chosen in any::<Index>(),
    ) {
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
            let point = chosen.get(&points);
            prop_assert!(point.is_sound());
            let rest = (held.0[point.stream as usize..].to_vec(), held.1);
            let (mut places, mut places_too) = (Vec::new(), Vec::new());
            let mut again = in_order(&file, Some(point));
            let from_it = read(&mut again, point.stream, &pulls, &mut places, &mut Vec::new());
            prop_assert!(from_it == rest, "in order, from {}", point.file);
            let mut again = together(&file, Some(point), team);
            let from_it = read(&mut again, point.stream, &pulls, &mut places_too, &mut Vec::new());
            prop_assert!(from_it == rest, "with threads, from {}", point.file);
            prop_assert_eq!(places_too, places);
        }
    }

    /// What was read before is looked for in the same way: the hash is over the same bytes, in their order.
    #[test]
    fn another_start_of_the_file_is_told_alike(
        frames in prop::collection::vec(compressed_frame(), 1..6),
        team in team(),
        bytes in any::<Index>(),
        is_same in any::<bool>(),
        is_longer in any::<bool>(),
    ) {
        let content = frames.concat();
        let len = content.len();
        let file = file_of(&content);
        let prefix = match is_longer {
            true => Prefix { bytes: len as u64 + 1, hash: 0 },
            false => expected(&file, bytes.index(len) as u64 + 1, is_same),
        };
        let expecting = || {
            let raw = raw(&file, Prefix::default());
            raw.running().expect(prefix);
            (raw.running().probe(), raw)
        };
        let (probe, raw) = expecting();
        let (held, fault) = read_expecting(&mut Decoder::new(raw));
        let (probe_too, raw) = expecting();
        let mut several = Frames::with(team.1, raw, None, Arc::clone(&file), Arc::default(), team.0);
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

/// So many frames of 100 kB each that compress to less than half.
fn frames(count: usize, says_length: bool) -> (Vec<u8>, Vec<u8>) {
    let settings = Settings {
        level: 3,
        has_checksum: true,
        says_length,
        window_log: 17,
        piece: usize::MAX,
    };
    let content: Vec<u8> = noisy(count as u32 * 100_000).iter().map(|byte| byte % 5).collect();
    let frame = |content| compressed(content, &settings);
    (content.chunks(100_000).flat_map(frame).collect(), content)
}

/// All of it, or else the threads would be for nothing.
#[test]
fn threads_decompress_whatever_is_in_small_frames() {
    for says_length in [false, true] {
        let (bytes, content) = frames(60, says_length);
        let file = file_of(&bytes);
        let mut several = together(&file, None, (3, SIZES));
        let (mut held, mut out): (Vec<u8>, _) = (Vec::new(), vec![0; 70_000]);
        while held.len() < content.len() {
            let given = several.pull(&mut out).expect("a stream that is whole");
            held.extend(&out[..given]);
            assert!(matches!(several.state, State::Team(_)), "after {} bytes", held.len());
        }
        assert!(held == content);
        assert_eq!(several.pull(&mut out).expect("a clean end"), 0);
    }
}

/// What threads have weighs no more than it may, and one batch.
#[test]
fn what_is_ahead_is_bounded() {
    // Frames of 8 MiB of one byte, which say so in 20 bytes; without a length, as `pzstd` makes them.
    let block = |is_last: bool| [&((128 << 10) << 3 | 2 | u32::from(is_last)).to_le_bytes()[..3], &[0]].concat();
    let frame = [&b"\x28\xB5\x2F\xFD\0\x58"[..], &block(false).repeat(63), &block(true)].concat();
    let file = file_of(&frame.repeat(40));
    let mut several = together(&file, None, (2, SIZES));
    let (mut given, mut out) = (0, vec![0; 1 << 20]);
    loop {
        given += match several.pull(&mut out).expect("a stream that is whole") {
            0 => break,
            given => given,
        };
        if let State::Team(team) = &several.state {
            assert!(team.weight < 2 * WEIGHT + (14 << 20), "{}", team.weight);
        }
    }
    assert_eq!(given, 40 * (8 << 20));
}

#[test]
fn a_stop_and_the_end_of_the_walk_wait_for_nothing() {
    let (bytes, _) = frames(20, true);
    let file = file_of(&bytes);
    let stop = Arc::new(Stop::default());
    let origin = Origin::File {
        file: Arc::clone(&file),
        len: bytes.len() as u64,
    };
    let raw = RawBytes::new(origin, Arc::clone(&stop));
    let mut stream = Frames::new(raw, None, file, Arc::clone(&stop), 3);
    let mut out = vec![0; 1000];
    assert_eq!(stream.pull(&mut out).expect("a stream that is whole"), 1000);
    stop.tell();
    let fault = stream.pull(&mut out).expect_err("nothing more is wanted");
    assert!(matches!(fault, Fault::Stopped), "{fault:?}");
    // Waits for the threads: the test ends only if they do.
    drop(stream);
}

/// A file that cannot be read on from some byte on.
struct Failing<P> {
    raw: P,
    from: u64,
}

impl<P: Pull> Pull for Failing<P> {
    fn pull(&mut self, out: &mut [u8]) -> Result<usize, Fault> {
        let offset = self.raw.consumed();
        let most = usize::try_from(self.from - offset).unwrap_or(usize::MAX).min(out.len());
        if most == 0 {
            let source = io::ErrorKind::TimedOut.into();
            return Err(Fault::Read { offset, source });
        }
        self.raw.pull(&mut out[..most])
    }

    fn place(&self, at: u64) -> Place {
        self.raw.place(at)
    }

    fn consumed(&self) -> u64 {
        self.raw.consumed()
    }

    fn settle(&mut self) -> Result<(), Fault> {
        self.raw.settle()
    }
}

/// What was read before the failure is given, and then it is told, as often as anybody asks.
#[test]
fn a_file_that_cannot_be_read_on_gives_what_was_read() {
    let (bytes, content) = frames(60, true);
    let file = file_of(&bytes);
    let from = bytes.len() as u64 / 2;
    let raw = raw(&file, Prefix::default());
    let failing = Failing { raw, from };
    let mut several = Frames::new(failing, None, Arc::clone(&file), Arc::default(), 2);
    let (held, fault) = read_expecting(&mut several);
    assert!(held.len() >= 2_800_000 && content.starts_with(&held), "{}", held.len());
    for fault in [fault, read_expecting(&mut several).1] {
        assert!(
            matches!(fault, Some(Fault::Read { offset, .. }) if offset == from),
            "{fault:?}"
        );
    }
}

/// What others have seen go wrong, and what they read.
#[test]
#[expect(clippy::print_stderr, reason = "that a test was skipped is to be seen")]
fn the_corpora_are_read_as_by_one_thread() {
    let files = corpus();
    if files.is_empty() {
        eprintln!("skipped: zstd's files are not beside the checkout");
    }
    for path in files {
        let bytes = std::fs::read(&path).expect("a readable file");
        // Behind a frame that threads take.
        let (first, _) = frames(2, true);
        for bytes in [bytes.clone(), [first, bytes].concat()] {
            let file = file_of(&bytes);
            let (mut places, mut places_too) = (Vec::new(), Vec::new());
            let held = read(&mut in_order(&file, None), 0, &[50_000], &mut places, &mut Vec::new());
            let mut several = together(&file, None, (2, SIZES));
            let held_too = read(&mut several, 0, &[50_000], &mut places_too, &mut Vec::new());
            assert!(held == held_too, "{}", path.display());
            assert_eq!(places, places_too, "{}", path.display());
        }
    }
}

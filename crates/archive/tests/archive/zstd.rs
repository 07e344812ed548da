//! Archives in zstd, whole and damaged.

use std::collections::BTreeSet;

use proptest::prelude::*;
use tarquet_archive::{Archive, Damage, DamageKind, SpoolOptions, WalkError};

use crate::build::{Dialect, Spec, Tar, Twist, specs};
use crate::support::{Scratch, noise, pipe, read_all, zstd};

/// A tar with a member of so many bytes that do not compress, and a small one behind it.
fn noisy(len: usize) -> Tar {
    let spec = |name: &str, body| Spec {
        dialect: Dialect::Ustar,
        name: name.to_owned(),
        flag: b'0',
        body,
        twist: Twist::None,
    };
    let mut tar = Tar::of(&[spec("noise.json", noise(len)), spec("last.json", b"{}".to_vec())]);
    tar.end(20);
    tar
}

/// A skippable frame of so many bytes.
fn skippable(len: usize) -> Vec<u8> {
    [
        &[0x5E, 0x2A, 0x4D, 0x18],
        &(len as u32).to_le_bytes()[..],
        &vec![7; len],
    ]
    .concat()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Also where a seek table follows, which is a skippable frame.
    #[test]
    fn several_frames_are_one_stream(
        specs in specs(6),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), prop::option::of(0..3000_usize)), 0..6),
    ) {
        let mut tar = Tar::of(&specs);
        tar.end(2);
        let mut cuts: Vec<_> = cuts.iter().map(|(cut, skip)| (cut.index(tar.bytes.len()), *skip)).collect();
        cuts.sort_unstable();
        cuts.push((tar.bytes.len(), Some(100)));
        let mut bytes = skippable(10);
        let mut start = 0;
        for (end, skip) in cuts {
            bytes.extend(zstd(&tar.bytes[start..end]));
            bytes.extend(skip.map(skippable).unwrap_or_default());
            start = end;
        }
        let listing = read_all(&Scratch::new().archive(&bytes));
        prop_assert_eq!(&listing.damage, &None);
        prop_assert_eq!(&listing.expected(), &tar.expected);
    }

    /// A bit that is flipped either changes nothing that counts, or is told.
    #[test]
    fn a_flipped_bit_never_changes_a_member_silently(specs in specs(4), at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let mut tar = Tar::of(&specs);
        tar.end(2);
        let mut bytes = zstd(&tar.bytes);
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let scratch = Scratch::new();
        let Ok(archive) = Archive::open(&scratch.file("archive", &bytes)) else { return Ok(()) };
        let listing = read_all(&archive);
        if listing.damage.is_none() {
            prop_assert_eq!(&listing.expected(), &tar.expected);
        }
    }
}

/// They cost their bytes and give none, before the first header, inside a member and behind the end.
#[test]
fn any_number_of_empty_frames_is_passed_over() {
    let tar = noisy(1_000);
    let nothing = [zstd(b""), skippable(0)].concat().repeat(5_000);
    let (one, other) = tar.bytes.split_at(700);
    let parts = [&nothing, &zstd(one), &nothing, &zstd(other), &nothing];
    let scratch = Scratch::new();
    let found = read_all(&scratch.archive(&parts.map(Vec::as_slice).concat()));
    assert_eq!(found, read_all(&scratch.archive(&zstd(&tar.bytes))));
}

/// A seek table: of each frame the length in the file and in the stream. Format: zstd's `contrib/seekable_format`.
fn seek_table(entries: &[(u32, u32)]) -> Vec<u8> {
    let mut content: Vec<u8> = entries
        .iter()
        .flat_map(|(file, stream)| [file.to_le_bytes(), stream.to_le_bytes()].concat())
        .collect();
    content.extend((entries.len() as u32).to_le_bytes());
    // No checksums.
    content.push(0);
    content.extend(0x8F92_EAB1_u32.to_le_bytes());
    [
        &0x184D_2A5E_u32.to_le_bytes()[..],
        &(content.len() as u32).to_le_bytes(),
        &content,
    ]
    .concat()
}

/// Whoever believed it would see other members than those who decompress.
#[test]
fn a_seek_table_that_lies_changes_nothing() {
    let tar = noisy(3_000_000);
    let pieces: Vec<&[u8]> = tar.bytes.chunks(100_000).collect();
    let frames: Vec<Vec<u8>> = pieces.iter().map(|piece| zstd(piece)).collect();
    let sizes = |frame: &Vec<u8>, piece: &&[u8]| (frame.len() as u32, piece.len() as u32);
    let right: Vec<(u32, u32)> = frames
        .iter()
        .zip(&pieces)
        .map(|(frame, piece)| sizes(frame, piece))
        .collect();
    let mut swapped = right.clone();
    swapped.reverse();
    let longer: Vec<_> = right.iter().map(|&(file, stream)| (file, stream + 512)).collect();
    let beyond = vec![(u32::MAX, u32::MAX); right.len()];
    for table in [right, swapped, longer, beyond, Vec::new()] {
        let bytes = [frames.concat(), seek_table(&table)].concat();
        for threads in [1, 3] {
            let scratch = Scratch::new();
            let mut archive = scratch.archive(&bytes);
            archive.set_inflate_threads(threads);
            let listing = read_all(&archive);
            assert_eq!(listing.damage, None);
            assert_eq!(listing.expected(), tar.expected);
        }
    }
}

/// The damage that a change of a whole stream leads to, with the members that came before.
fn damage(change: impl FnOnce(&mut Vec<u8>)) -> (String, u64, usize) {
    let mut bytes = zstd(&noisy(500_000).bytes);
    change(&mut bytes);
    let listing = read_all(&Scratch::new().archive(&bytes));
    let damage = listing.damage.expect("damage is told");
    (damage.kind.to_string(), damage.place.file, listing.members.len())
}

#[test]
fn damage_is_told_after_all_that_was_before() {
    let len = zstd(&noisy(500_000).bytes).len() as u64;
    let told = |text: &str, at, members| (text.to_owned(), at, members);
    let garbage = "after the end of the zstd data there are other bytes";
    let cut = "the zstd data is cut short";
    assert_eq!(damage(|bytes| bytes.extend(b"garbage")), told(garbage, len, 2));
    assert_eq!(damage(|bytes| bytes.extend([0; 512])), told(garbage, len, 2));
    assert_eq!(damage(|bytes| bytes.extend([0x28])), told(cut, len + 1, 2));
    assert_eq!(
        damage(|bytes| bytes.extend(&skippable(90)[..50])),
        told(cut, len + 50, 2)
    );
    assert_eq!(
        damage(|bytes| *bytes.last_mut().expect("a checksum") ^= 1),
        told(
            "the zstd data is corrupt: the checksum is not that of the content",
            len - 4,
            2
        )
    );
    let (text, at, members) = damage(|bytes| {
        let at = bytes.len() - 600;
        bytes[at..].fill(0xFF);
    });
    assert!(text.starts_with("the zstd data is corrupt: "), "{text}");
    // The block's start, not before the one that the noise ends in.
    assert!((len - (128 << 10)..len).contains(&at), "{at} of {len}");
    assert!(members <= 1, "{members}");
}

#[test]
fn a_window_that_is_too_large_ends_the_archive_where_it_is_asked_for() {
    let tar = noisy(1000);
    let (one, other) = tar.bytes.split_at(2048);
    let wide = [b"\x28\xB5\x2F\xFD\0\xA8".to_vec(), zstd(other)].concat();
    let bytes = [zstd(one), wide].concat();
    let listing = read_all(&Scratch::new().archive(&bytes));
    assert_eq!(listing.expected(), tar.expected[..1]);
    let damage = listing.damage.expect("it is told");
    assert_eq!(damage.kind, DamageKind::ZstdWindow { window: 1 << 31 });
    let text = damage.to_string();
    let start = format!("the archive cannot be read on at byte {} ", zstd(one).len());
    assert!(
        text.starts_with(&start) && text.contains("zstd -dc --long=31"),
        "{text}"
    );
}

/// The damage of an archive whose members are passed over.
fn damage_unread(archive: &Archive) -> Option<Damage> {
    let mut walk = archive.walk(SpoolOptions::default()).expect("a walk");
    loop {
        match walk.next() {
            Ok(Some(_)) => {}
            Ok(None) => return None,
            Err(WalkError::Damage(damage)) => return Some(damage),
            Err(error) => panic!("the archive can be read: {error}"),
        }
    }
}

/// How much the decompressor has at once, and what it may give at once, must not show in what is said of damage: it goes
/// into logs that are the same for every run.
#[test]
fn damage_is_told_in_the_same_words_however_it_is_met() {
    let words: Vec<String> = noise(40_000).iter().map(|byte| format!("{:x},", byte % 40)).collect();
    let mut tar = Tar::default();
    for (index, body) in words.chunks(10_000).enumerate() {
        tar.add(&Spec {
            dialect: Dialect::Ustar,
            name: format!("{index}.json"),
            flag: b'0',
            body: body.concat().into_bytes(),
            twist: Twist::None,
        });
    }
    tar.end(2);
    let whole: Vec<u8> = tar.bytes.chunks(30_000).flat_map(zstd).collect();
    let scratch = Scratch::new();
    let mut kinds = BTreeSet::new();
    for at in (0..whole.len()).step_by(whole.len() / 150) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        let path = scratch.file("archive", &bytes);
        let Ok(archive) = Archive::open(&path) else { continue };
        let damage = read_all(&archive).damage;
        let piped = |sizes| Archive::stream(pipe(&bytes, sizes)).expect("an archive");
        assert_eq!(damage_unread(&archive), damage, "passed over, byte {at}");
        assert_eq!(
            damage_unread(&piped(&[100])),
            damage,
            "passed over in a pipe, byte {at}"
        );
        assert_eq!(read_all(&piped(&[37])).damage, damage, "in a pipe, byte {at}");
        kinds.extend(damage.map(|damage| damage.kind.to_string()));
    }
    assert!(kinds.len() > 1, "{kinds:?}");
}

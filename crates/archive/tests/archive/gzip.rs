//! gzip streams of every shape, whole and damaged.

use std::io::Write;

use flate2::{Compression, GzBuilder};
use proptest::prelude::*;
use tarquet_archive::{Archive, Damage, DamageKind, SpoolOptions, WalkError};

use crate::build::{Dialect, Spec, Tar, Twist, specs};
use crate::support::{Scratch, gzip, noise, pipe, read_all};

/// A gzip member with every optional field of its header.
fn gzip_with_fields(bytes: &[u8], level: u32) -> Vec<u8> {
    let builder = GzBuilder::new()
        .filename("archive.tar")
        .comment("made by hand")
        .extra(vec![1, 2, 3, 4])
        .mtime(7);
    let mut encoder = builder.write(Vec::new(), Compression::new(level));
    encoder.write_all(bytes).expect("memory to write to");
    encoder.finish().expect("memory to write to")
}

/// A tar whose first member, of this many bytes, does not compress, so that its gzip has many blocks.
fn noisy(len: usize) -> Tar {
    let spec = |name: &str, body| {
        let name = name.to_owned();
        Spec {
            dialect: Dialect::Ustar,
            name,
            flag: b'0',
            body,
            twist: Twist::None,
        }
    };
    let mut tar = Tar::of(&[spec("noise.json", noise(len)), spec("last.json", b"{}".to_vec())]);
    tar.end(20);
    tar
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn several_gzip_members_are_one_stream(
        specs in specs(6),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        level in 0..=9_u32,
        zeros in prop_oneof![Just(0), 1..2000_usize],
    ) {
        let mut tar = Tar::of(&specs);
        tar.end(2);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(tar.bytes.len())).collect();
        cuts.extend([0, tar.bytes.len()]);
        cuts.sort_unstable();
        let mut bytes: Vec<u8> = cuts.windows(2).flat_map(|cut| gzip_with_fields(&tar.bytes[cut[0]..cut[1]], level)).collect();
        bytes.resize(bytes.len() + zeros, 0);
        let listing = read_all(&Scratch::new().archive(&bytes));
        prop_assert_eq!(&listing.damage, &None);
        prop_assert_eq!(&listing.expected(), &tar.expected);
    }

    /// A bit that is flipped either changes nothing that counts (a time or a name in the gzip header), or is told.
    #[test]
    fn a_flipped_bit_never_changes_a_member_silently(specs in specs(4), at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let mut tar = Tar::of(&specs);
        tar.end(2);
        let mut bytes = gzip_with_fields(&tar.bytes, 6);
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let scratch = Scratch::new();
        let Ok(archive) = tarquet_archive::Archive::open(&scratch.file("archive", &bytes)) else { return Ok(()) };
        let listing = read_all(&archive);
        if listing.damage.is_none() {
            prop_assert_eq!(&listing.expected(), &tar.expected);
        }
    }
}

/// The damage that a change of a whole stream leads to, with the members that came before.
fn damage(change: impl FnOnce(&mut Vec<u8>)) -> (DamageKind, u64, usize) {
    let mut bytes = gzip(&noisy(500_000).bytes);
    change(&mut bytes);
    let listing = read_all(&Scratch::new().archive(&bytes));
    let damage = listing.damage.expect("damage is told");
    (damage.kind, damage.place.file, listing.members.len())
}

#[test]
fn damage_of_the_stream_is_told_after_all_that_was_before() {
    let len = gzip(&noisy(500_000).bytes).len() as u64;
    let corrupt = |detail: &str| DamageKind::Gzip {
        detail: detail.to_owned(),
    };
    let crc = damage(|bytes| *bytes.iter_mut().nth_back(7).expect("a trailer") ^= 1);
    assert_eq!((crc.0, crc.2), (corrupt("incorrect data check"), 2));
    let length = damage(|bytes| *bytes.iter_mut().nth_back(3).expect("a trailer") ^= 1);
    assert_eq!((length.0, length.2), (corrupt("incorrect length check"), 2));
    assert_eq!(
        damage(|bytes| bytes.extend(b"garbage")),
        (DamageKind::TrailingGarbage, len, 2)
    );
    assert_eq!(
        damage(|bytes| bytes.extend(b"\0\0\0garbage")),
        (DamageKind::TrailingGarbage, len + 3, 2)
    );
    assert_eq!(damage(|bytes| bytes.extend([0x1F])), (DamageKind::CutGzip, len + 1, 2));
    assert_eq!(
        damage(|bytes| bytes.extend([0x1F, 0x8B, 8, 0, 0])),
        (DamageKind::CutGzip, len + 5, 2)
    );
    assert_eq!(
        damage(|bytes| bytes.extend([0x1F, 0x8B, 7, 0, 0])).0,
        corrupt("unknown compression method")
    );
    let middle = damage(|bytes| {
        let at = bytes.len() / 2;
        bytes[at..at + 64].fill(0xFF);
    });
    assert!(matches!(middle.0, DamageKind::Gzip { .. }), "{middle:?}");
    assert!(middle.1 >= len / 2, "told where it is, not before: {middle:?}");
}

/// They cost their bytes and give none, before the first header, inside a member and behind the end.
#[test]
fn any_number_of_empty_gzip_members_is_passed_over() {
    let tar = noisy(1_000);
    let nothing = gzip(b"").repeat(20_000);
    let (one, other) = tar.bytes.split_at(700);
    let parts = [&nothing, &gzip(one), &nothing, &gzip(other), &nothing];
    let scratch = Scratch::new();
    let found = read_all(&scratch.archive(&parts.map(Vec::as_slice).concat()));
    assert_eq!(found, read_all(&scratch.archive(&gzip(&tar.bytes))));
}

#[test]
fn the_checksum_is_verified_although_the_end_marker_comes_before() {
    let mut tar = noisy(10);
    tar.bytes.resize(tar.bytes.len() + 300_000, 0);
    let mut bytes = gzip(&tar.bytes);
    *bytes.iter_mut().nth_back(7).expect("a trailer") ^= 1;
    let listing = read_all(&Scratch::new().archive(&bytes));
    assert_eq!(listing.expected(), tar.expected);
    assert!(matches!(
        listing.damage.map(|damage| damage.kind),
        Some(DamageKind::Gzip { .. })
    ));
}

/// A tar of text that compresses well, so that most of its gzip is codes inside of blocks.
fn wordy() -> Vec<u8> {
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
    tar.bytes
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
    let whole = gzip(&wordy());
    let scratch = Scratch::new();
    let mut kinds = std::collections::BTreeSet::new();
    for at in (1000..whole.len() - 8).step_by(whole.len() / 150) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        let archive = scratch.archive(&bytes);
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
    assert!(
        kinds.contains("the gzip data is corrupt: a code inside a block is invalid"),
        "{kinds:?}"
    );
}

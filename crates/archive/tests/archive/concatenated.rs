//! Archives one behind the other, and other things behind an end marker.

use proptest::prelude::*;
use tarquet_archive::{AfterEnd, Archive, DamageKind, Spacing, SpoolOptions, Walk};

use crate::build::{BLOCK, Expected, Tar, specs};
use crate::support::{Scratch, gzip, noise, pipe, prefix, read_all, read_walk};

/// Archives with end markers of so many blocks, one behind the other, and all that is in them.
fn concatenated() -> impl Strategy<Value = (Vec<u8>, Vec<Expected>)> {
    prop::collection::vec((specs(4), 1..8_usize), 1..5).prop_map(|archives| {
        let (mut bytes, mut members) = (Vec::new(), Vec::new());
        for (specs, blocks) in archives {
            let tar = Tar::of(&specs);
            let start = bytes.len() as u64;
            members.extend(tar.expected.into_iter().map(|member| Expected {
                header_offset: start + member.header_offset,
                data_offset: start + member.data_offset,
                ..member
            }));
            bytes.extend(tar.bytes);
            bytes.resize(bytes.len() + blocks * BLOCK, 0);
        }
        (bytes, members)
    })
}

fn ignoring_zeros(archive: &Archive) -> Walk {
    let mut walk = archive.walk(SpoolOptions::default()).expect("a walk");
    walk.ignore_zeros();
    walk
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn where_zeros_are_ignored_all_archives_are_one((bytes, members) in concatenated()) {
        let scratch = Scratch::new();
        let archives = [
            scratch.archive(&bytes),
            Archive::open(&scratch.file("gzip", &gzip(&bytes))).expect("an archive"),
            Archive::stream(pipe(&bytes, &[700])).expect("an archive"),
        ];
        for archive in archives {
            let mut walk = ignoring_zeros(&archive);
            let listing = read_walk(&mut walk).expect("it can be read");
            prop_assert_eq!(&listing.damage, &None);
            prop_assert_eq!(&listing.expected(), &members);
            prop_assert_eq!((walk.has_unmarked_end(), walk.after_end()), (false, None));
        }
    }

    #[test]
    fn what_is_behind_the_end_marker_is_told_with_its_place(
        specs in specs(4),
        zeros in 0..3 * BLOCK,
        other in prop::collection::vec(any::<u8>(), 0..2_000),
        blocks in 2..5_usize,
    ) {
        let mut tar = Tar::of(&specs);
        tar.end(blocks);
        let start = tar.bytes.len();
        tar.bytes.resize(start + zeros, 0);
        tar.bytes.extend(other);
        let first = tar.bytes[start..].iter().position(|&byte| byte != 0).map(|at| (start + at) as u64);
        let scratch = Scratch::new();
        let mut walk = scratch.archive(&tar.bytes).walk(SpoolOptions::default()).expect("a walk");
        prop_assert_eq!(read_walk(&mut walk).expect("it can be read").expected(), tar.expected);
        prop_assert_eq!(walk.after_end().map(|after| (after.place.file, after.is_header)), first.map(|at| (at, false)));
    }
}

#[test]
fn another_archive_behind_the_end_marker_is_told_as_one() {
    let mut tar = Tar::default();
    tar.end(3);
    tar.meta(b'g', b"");
    let scratch = Scratch::new();
    let after = |archive: Archive| {
        let mut walk = archive.walk(SpoolOptions::default()).expect("a walk");
        assert_eq!(read_walk(&mut walk).expect("it can be read").damage, None);
        walk.after_end().expect("something is behind it")
    };
    let AfterEnd { place, is_header } = after(scratch.archive(&tar.bytes));
    assert_eq!((place.file, place.stream, is_header), (3 * BLOCK as u64, None, true));
    let AfterEnd { place, is_header } = after(scratch.archive(&gzip(&tar.bytes)));
    assert_eq!((place.file, place.stream, is_header), (0, Some(3 * BLOCK as u64), true));
}

#[test]
fn zeros_between_a_metadata_header_and_its_member_are_never_passed_over() {
    let mut tar = Tar::default();
    tar.meta(b'L', b"long\0");
    let header = tar.bytes.len() as u64;
    tar.end(2);
    tar.meta(b'g', b"");
    let scratch = Scratch::new();
    let mut walk = ignoring_zeros(&scratch.archive(&tar.bytes));
    let damage = read_walk(&mut walk).expect("it can be read").damage.expect("damage");
    assert_eq!((damage.kind, damage.place.file), (DamageKind::DanglingMetadata, header));
}

/// A walk that begins at a point goes on over end markers as an unbroken one does.
#[test]
fn points_are_good_in_every_archive() {
    let mut bytes = Vec::new();
    for _ in 0..6 {
        let mut tar = Tar::default();
        tar.add(&crate::dialects::file("noise.json", &noise(300_000)));
        tar.end(4);
        bytes.extend(tar.bytes);
    }
    let scratch = Scratch::new();
    let packed = gzip(&bytes);
    let archive = scratch.archive(&packed);
    let whole = read_walk(&mut ignoring_zeros(&archive)).expect("it can be read");
    let mut walk = ignoring_zeros(&archive);
    walk.make_points(Spacing {
        stream: 50_000,
        file: 1,
    });
    let mut points = Vec::new();
    while let Some(member) = walk.next().expect("it can be read") {
        points.extend(walk.take_point().map(|point| (member.index as usize, point)));
    }
    assert!(points.len() >= 3, "only {} points", points.len());
    for (before, point) in points {
        let read = prefix(&packed, packed.len());
        let walk = archive
            .walk_from(point, read, SpoolOptions::default())
            .expect("it can be read");
        let mut walk = walk.expect("a point of this file");
        walk.ignore_zeros();
        let mut rest = Vec::new();
        while let Some(member) = walk.next().expect("it can be read") {
            rest.push(member);
        }
        let expected: Vec<_> = whole.members[before..]
            .iter()
            .map(|(member, _)| member.clone())
            .collect();
        assert_eq!(rest, expected, "behind {before} members");
    }
    assert_eq!(read_all(&archive).members.len(), 1, "the first archive alone");
}

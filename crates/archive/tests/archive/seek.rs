//! Beginning in the middle of a compressed file: from any point the rest is what an unbroken walk gives.

use proptest::prelude::*;
use proptest::sample::Index;
use tarquet_archive::{Archive, Damage, Member, MemberKind, Prefix, SeekPoint, Spacing, SpoolOptions, Walk, WalkError};

use crate::build::{Dialect, Spec, Tar, Twist, record};
use crate::same::{archive, gzip_members, zstd_frames};
use crate::support::{Scratch, gzip, noise, prefix, read_member};

/// What a walk gives and tells.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    members: Vec<(Member, Option<Vec<u8>>)>,
    damage: Option<(Damage, String)>,
    unmarked_end: bool,
    /// The hash of the whole file, if it is sound.
    read: Option<Prefix>,
}

/// A point, and how many members come before it.
type Found = (usize, SeekPoint);

/// Walks to the end, with the bytes of those members that `located` has, over and over.
fn tell(walk: &mut Walk, located: &[bool]) -> (Told, Vec<Found>) {
    let (mut members, mut points, mut located) = (Vec::new(), Vec::new(), located.iter().cycle());
    let damage = loop {
        match walk.next() {
            Ok(Some(member)) => {
                points.extend(walk.take_point().map(|point| (members.len(), point)));
                let wanted = located.next() == Some(&true) && member.kind == MemberKind::File;
                match wanted.then(|| read_member(walk, &member)).transpose() {
                    Ok(body) => members.push((member, body)),
                    Err(WalkError::Damage(damage)) => {
                        members.push((member, None));
                        break Some(damage);
                    }
                    Err(error) => panic!("the file can be read: {error}"),
                }
            }
            Ok(None) => break None,
            Err(WalkError::Damage(damage)) => break Some(damage),
            Err(error) => panic!("the file can be read: {error}"),
        }
    };
    // Of a file that is damaged, how far it was read depends on what was read ahead.
    let read = walk.prefix().filter(|_| damage.is_none()).map(|probe| probe.prefix());
    let told = Told {
        members,
        damage: damage.map(|damage| (damage.clone(), damage.to_string())),
        unmarked_end: walk.has_unmarked_end(),
        read,
    };
    (told, points)
}

/// An unbroken walk that makes points.
fn unbroken(archive: &Archive, spacing: Spacing) -> (Told, Vec<Found>) {
    let mut walk = archive.walk(SpoolOptions::default()).expect("a walk");
    walk.make_points(spacing);
    tell(&mut walk, &[true])
}

/// What an unbroken walk tells behind so many members.
fn rest(told: &Told, members: usize) -> Told {
    Told {
        members: told.members[members..].to_vec(),
        damage: told.damage.clone(),
        ..*told
    }
}

fn spacing() -> impl Strategy<Value = Spacing> {
    (1..200_000_u64, 1..20_000_u64).prop_map(|(stream, file)| Spacing { stream, file })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// Members, bytes, damage, its text, and the hash of the whole file.
    #[test]
    fn from_any_point_the_rest_is_told_as_without_a_break(
        bytes in archive(),
        spacing in spacing(),
        read in any::<Index>(),
        encoded in any::<bool>(),
    ) {
        let scratch = Scratch::new();
        let path = scratch.file("archive", &bytes);
        let Ok(archive) = Archive::open(&path) else { return Ok(()) };
        let (told, points) = unbroken(&archive, spacing);
        for (before, point) in points {
            let file = point.file() as usize;
            let read = prefix(&bytes, file + read.index(bytes.len() - file + 1));
            let point = if encoded { SeekPoint::decode(&point.encode()).expect("a point") } else { point };
            let walk = archive.walk_from(point, read, SpoolOptions::default()).expect("it can be read");
            let (again, _) = tell(&mut walk.expect("a point of this file"), &[true]);
            prop_assert_eq!(again, rest(&told, before), "behind {} members", before);
        }
    }

    /// Points of the rest are as good.
    #[test]
    fn points_are_made_behind_points(bytes in archive(), spacing in spacing(), choice in any::<Index>(), next in any::<Index>()) {
        let scratch = Scratch::new();
        let Ok(archive) = Archive::open(&scratch.file("archive", &bytes)) else { return Ok(()) };
        let (told, points) = unbroken(&archive, spacing);
        if points.is_empty() {
            return Ok(());
        }
        let (before, point) = choice.get(&points).clone();
        let all = prefix(&bytes, bytes.len());
        let begin = |point| archive.walk_from(point, all, SpoolOptions::default()).expect("it can be read").expect("its point");
        let mut walk = begin(point);
        walk.make_points(spacing);
        let (_, points) = tell(&mut walk, &[true, false]);
        if !points.is_empty() {
            let (between, point) = next.get(&points).clone();
            let (again, _) = tell(&mut begin(point), &[true]);
            prop_assert_eq!(again, rest(&told, before + between));
        }
    }

    /// A point that anybody has written is none, or begins a walk that ends like any other.
    #[test]
    fn a_point_that_was_changed_harms_nobody(
        frames in any::<bool>(),
        choice in any::<Index>(),
        at in any::<Index>(),
        change in 1..=255_u8,
    ) {
        let scratch = Scratch::new();
        let bytes = if frames { zstd_frames(&many(40), 20_000) } else { gzip(&many(40)) };
        let archive = scratch.archive(&bytes);
        let (_, points) = unbroken(&archive, Spacing { stream: 1, file: 1 });
        let (_, point) = choice.get(&points).clone();
        let mut encoded = point.encode();
        // What comes before the window and after it is as likely to be changed as the window.
        let edge = encoded.len().min(60);
        let at = match at.index(3) {
            0 => at.index(edge),
            1 => encoded.len() - 1 - at.index(edge),
            _ => at.index(encoded.len()),
        };
        encoded[at] ^= change;
        let Some(point) = SeekPoint::decode(&encoded) else { return Ok(()) };
        let walk = archive.walk_from(point, prefix(&bytes, bytes.len()), SpoolOptions::default()).expect("it can be read");
        let Some(mut walk) = walk else { return Ok(()) };
        while let Ok(Some(_)) = walk.next() {}
    }
}

/// A tar of so many members, which do not compress.
fn many(members: usize) -> Vec<u8> {
    let bodies = noise(members * 9_001);
    let spec = |(number, body): (usize, &[u8])| Spec {
        dialect: Dialect::Ustar,
        name: format!("{number}.json"),
        flag: b'0',
        body: body.to_vec(),
        twist: Twist::None,
    };
    let mut tar = Tar::of(&Vec::from_iter(bodies.chunks(9_001).enumerate().map(spec)));
    tar.end(2);
    tar.bytes
}

/// A tar may say once, at its start, what every member is called.
#[test]
fn global_records_from_before_a_point_hold_behind_it() {
    let mut tar = Tar::default();
    tar.meta(b'g', &record("path", b"everywhere.json"));
    tar.bytes.extend(many(30));
    for bytes in [gzip_members(&tar.bytes, 50_000, 6), zstd_frames(&tar.bytes, 50_000)] {
        global_records_hold_behind_a_point(&bytes);
    }
}

fn global_records_hold_behind_a_point(bytes: &[u8]) {
    let archive = Scratch::new().archive(bytes);
    let (told, points) = unbroken(&archive, Spacing { stream: 1, file: 1 });
    let (before, point) = points.last().expect("points").clone();
    let walk = archive.walk_from(point, prefix(bytes, bytes.len()), SpoolOptions::default());
    let (again, _) = tell(&mut walk.expect("it can be read").expect("its point"), &[true]);
    assert!(before > 20 && !again.members.is_empty());
    assert!(
        again
            .members
            .iter()
            .all(|(member, _)| member.name == b"everywhere.json")
    );
    assert_eq!(again, rest(&told, before));
}

/// Nothing that lies before the point is decompressed: it is not even read.
#[test]
fn what_lies_before_a_point_is_not_read() {
    for bytes in [gzip(&many(200)), zstd_frames(&many(200), 30_000)] {
        begins_at_the_last_point_alone(&bytes);
    }
}

fn begins_at_the_last_point_alone(bytes: &[u8]) {
    let scratch = Scratch::new();
    let archive = scratch.archive(bytes);
    let (told, points) = unbroken(&archive, Spacing { stream: 1, file: 1 });
    let (before, point) = points.last().expect("points").clone();
    let mut harmed = bytes.to_vec();
    // What tells a tar is read when it is opened; then the last block of the running hash before the point, and what follows.
    harmed[40_000..1_000_000].fill(0);
    assert!(point.file() > 1_500_000, "{}", point.file());
    let archive = scratch.archive(&harmed);
    let walk = archive.walk_from(point, prefix(bytes, bytes.len()), SpoolOptions::default());
    let (again, _) = tell(&mut walk.expect("it can be read").expect("its point"), &[true]);
    assert_eq!(again, rest(&told, before));
}

/// Where no walk can begin, the whole has to be read.
#[test]
fn a_point_of_another_file_is_none() {
    for bytes in [gzip(&many(200)), zstd_frames(&many(200), 30_000)] {
        begins_in_no_other_file(&bytes);
    }
}

fn begins_in_no_other_file(bytes: &[u8]) {
    let scratch = Scratch::new();
    let archive = scratch.archive(bytes);
    let (_, points) = unbroken(&archive, Spacing { stream: 1, file: 1 });
    let (_, point) = points.last().expect("points").clone();
    let file = point.file() as usize;
    let begins = |archive: &Archive, read| {
        let walk = archive.walk_from(point.clone(), read, SpoolOptions::default());
        walk.expect("it can be read").is_some()
    };
    assert!(begins(&archive, prefix(bytes, bytes.len())));
    assert!(begins(&archive, prefix(bytes, file)));
    assert!(
        !begins(&archive, prefix(bytes, file - 1)),
        "less was read than the point needs"
    );
    let whole = prefix(bytes, bytes.len());
    let (longer, wrong) = (whole.bytes + 1, whole.hash ^ 1);
    assert!(
        !begins(&archive, Prefix { bytes: longer, ..whole }),
        "the file is shorter"
    );
    assert!(!begins(&archive, Prefix { hash: wrong, ..whole }), "another was read");
    let mut other = bytes.to_vec();
    other[file + 10] ^= 1;
    assert!(
        !begins(&scratch.archive(&other), whole),
        "it has other bytes behind the point"
    );
    assert!(!begins(&scratch.archive(&many(200)), whole), "it is not compressed");
}

/// Where a deflate block starts, no zstd frame does, whatever an index says.
#[test]
fn a_point_inside_a_gzip_member_is_none_of_another_container() {
    let scratch = Scratch::new();
    let (_, points) = unbroken(&scratch.archive(&gzip(&many(200))), Spacing { stream: 1, file: 1 });
    // It is so near the start that nothing before it has to be the same.
    let (_, point) = points.first().expect("points").clone();
    assert!(point.file() < 200_000);
    let bytes = zstd_frames(&many(200), 30_000);
    let walk = scratch
        .archive(&bytes)
        .walk_from(point, prefix(&bytes, bytes.len()), SpoolOptions::default());
    assert!(walk.expect("it can be read").is_none());
}

/// 32,000 bytes for one.
#[test]
fn a_point_behind_what_compresses_best_is_one() {
    let spec = |number| Spec {
        dialect: Dialect::Ustar,
        name: format!("{number}.json"),
        flag: b'0',
        body: vec![b' '; 2_000_000],
        twist: Twist::None,
    };
    let tar = Tar::of(&Vec::from_iter((0..10).map(spec)));
    let bytes = zstd_frames(&tar.bytes, 4_000_000);
    assert!(bytes.len() < tar.bytes.len() / 5_000, "{} bytes", bytes.len());
    let archive = Scratch::new().archive(&bytes);
    let (told, points) = unbroken(&archive, Spacing { stream: 1, file: 1 });
    assert!(points.len() > 3, "{}", points.len());
    for (before, point) in points {
        let point = SeekPoint::decode(&point.encode()).expect("a point");
        let walk = archive.walk_from(point, prefix(&bytes, bytes.len()), SpoolOptions::default());
        let (again, _) = tell(&mut walk.expect("it can be read").expect("its point"), &[true]);
        assert_eq!(again, rest(&told, before));
    }
}

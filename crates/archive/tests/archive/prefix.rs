//! The hash of what is read in order: the same archive is known again, and any other one is told.

use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::thread;

use proptest::prelude::*;
use proptest::sample::Index;
use tarquet_archive::{Archive, Prefix, PrefixDiffers, SpoolOptions, Walk, WalkError};

use crate::stream::{any_archive, sizes, tar_of};
use crate::support::{Listing, Scratch, gzip, pipe, prefix, read_walk, zstd};

/// How an archive is opened.
#[derive(Debug, Clone)]
enum Way {
    /// As a file, which has a running hash only when it is compressed.
    File,
    /// Through a pipe, in pieces of these sizes.
    Pipe(Vec<usize>),
}

fn way() -> impl Strategy<Value = Way> {
    prop_oneof![1 => Just(Way::File), 2 => sizes().prop_map(Way::Pipe)]
}

/// A walk over an archive, if it is one.
fn walk(scratch: &Scratch, bytes: &[u8], way: &Way) -> Option<Walk> {
    let archive = match way {
        Way::File => Archive::open(&scratch.file("archive", bytes)),
        Way::Pipe(sizes) => Archive::stream(pipe(bytes, sizes)),
    };
    archive.ok()?.walk(SpoolOptions::default()).ok()
}

/// Reads an archive that is expected to start so.
fn read_expecting(
    scratch: &Scratch,
    bytes: &[u8],
    way: &Way,
    expected: Prefix,
) -> Option<(Walk, Result<Listing, WalkError>)> {
    let mut walk = walk(scratch, bytes, way)?;
    walk.expect_prefix(expected);
    let listing = read_walk(&mut walk);
    Some((walk, listing))
}

/// What was told instead of a difference, if anything was.
fn not_told(walk: &mut Walk, result: &Result<Listing, WalkError>, told: PrefixDiffers) -> Option<String> {
    let is = |error: &WalkError| matches!(error, WalkError::PrefixDiffers(differs) if *differs == told);
    match (result, walk.next()) {
        (Err(first), Err(second)) if is(first) && is(&second) => {}
        other => return Some(format!("{other:?}, not {told}")),
    }
    let probe = walk.prefix().expect("a stream that is hashed");
    (probe.is_confirmed() || probe.prefix() != told.read).then(|| format!("{probe:?} after {told}"))
}

fn is_for_any_thread(_: &(impl Clone + Send + Sync)) {}

/// A byte that is changed, or a place at which the archive is cut.
fn change() -> impl Strategy<Value = (Index, Option<u8>)> {
    (any::<Index>(), prop::option::of(1..=255_u8))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whole or damaged, it is read as without an expectation.
    #[test]
    fn the_same_archive_is_known_again(bytes in any_archive(), cut in any::<Index>(), first in way(), second in way()) {
        let scratch = Scratch::new();
        let Some(mut undisturbed) = walk(&scratch, &bytes, &first) else { return Ok(()) };
        let listing = read_walk(&mut undisturbed).expect("nothing is expected");
        let expected = prefix(&bytes, cut.index(bytes.len() + 1));
        let (walk, again) = read_expecting(&scratch, &bytes, &second, expected).expect("an archive, as before");
        prop_assert_eq!(again.expect("the same archive"), listing);
        if let Some(probe) = walk.prefix() {
            prop_assert!(probe.is_confirmed());
            prop_assert!(probe.prefix().bytes >= expected.bytes);
        }
    }

    /// What another walk had read when it was left, however its bytes came.
    #[test]
    fn what_was_read_before_is_what_is_expected(bytes in any_archive(), steps in 0..6_usize, first in sizes(), second in way()) {
        let scratch = Scratch::new();
        let Some(mut left) = walk(&scratch, &bytes, &Way::Pipe(first)) else { return Ok(()) };
        for _ in 0..steps {
            left.next().ok();
        }
        let expected = left.prefix().expect("a stream is hashed").prefix();
        prop_assert_eq!(expected, prefix(&bytes, expected.bytes as usize));
        let (walk, again) = read_expecting(&scratch, &bytes, &second, expected).expect("an archive, as before");
        prop_assert!(again.is_ok(), "{:?}", again);
        prop_assert!(walk.prefix().is_none_or(|probe| probe.is_confirmed()));
    }

    /// Also where the change, or the end, makes damage of it: another archive is told as another one, not as a damaged one.
    #[test]
    fn another_archive_is_told(bytes in any_archive(), len in any::<Index>(), (at, change) in change(), way in way()) {
        let scratch = Scratch::new();
        if bytes.is_empty() {
            return Ok(());
        }
        let expected = prefix(&bytes, 1 + len.index(bytes.len()));
        let at = at.index(expected.bytes as usize);
        let mut other = bytes;
        match change {
            Some(change) => other[at] ^= change,
            None => other.truncate(at),
        }
        let Some((mut walk, result)) = read_expecting(&scratch, &other, &way, expected) else { return Ok(()) };
        if walk.prefix().is_none() {
            return Ok(()); // A plain tar in a file: its fingerprint tells.
        }
        let read = prefix(&other, other.len().min(expected.bytes as usize));
        let wrong = not_told(&mut walk, &result, PrefixDiffers { expected, read });
        prop_assert!(wrong.is_none(), "{}", wrong.unwrap_or_default());
    }

    /// Something behind the prefix may be new.
    #[test]
    fn a_longer_archive_starts_the_same(sizes in sizes(), compress in any::<bool>(), more in 1..3000_usize) {
        let scratch = Scratch::new();
        let mut bytes = if compress { gzip(&tar_of(&[10, 70_000])) } else { tar_of(&[10, 70_000]) };
        let expected = prefix(&bytes, bytes.len());
        bytes.resize(bytes.len() + more, 0);
        let (walk, result) = read_expecting(&scratch, &bytes, &Way::Pipe(sizes), expected).expect("an archive");
        prop_assert_eq!(result.expect("zeros do not matter").members.len(), 2);
        let probe = walk.prefix().expect("a stream is hashed");
        prop_assert!(probe.is_confirmed());
        prop_assert_eq!(probe.prefix(), prefix(&bytes, bytes.len()));
    }

    /// The hash is always that of the bytes that were read, and they are all that a member needs.
    #[test]
    fn the_prefix_covers_every_member_that_was_given(bytes in any_archive(), sizes in sizes()) {
        let Some(mut walk) = walk(&Scratch::new(), &bytes, &Way::Pipe(sizes)) else { return Ok(()) };
        let probe = walk.prefix().expect("a stream is hashed");
        is_for_any_thread(&probe);
        prop_assert!(probe.is_confirmed(), "nothing is expected");
        prop_assert_eq!(probe.prefix(), prefix(&bytes, 0));
        while let Ok(Some(_)) = walk.next() {
            let read = probe.prefix();
            prop_assert!(read.bytes >= walk.consumed());
            prop_assert_eq!(read, prefix(&bytes, read.bytes as usize));
        }
    }
}

/// Both the difference is seen and the wait ends at the prefix's last byte, although the pipe stays open and silent.
#[test]
fn reading_stops_exactly_where_the_prefix_ends() {
    // Half of it is more than the first block of zstd, which is decompressed as a whole.
    let tar = tar_of(&[400_000]);
    for bytes in [gzip(&tar), zstd(&tar), tar] {
        let half = bytes.len() / 2;
        let (reader, mut writer) = std::io::pipe().expect("a pipe");
        let given = bytes[..half].to_vec();
        let writer = thread::spawn(move || {
            writer.write_all(&given).expect("a reader");
            writer
        });
        let archive = Archive::stream(File::from(OwnedFd::from(reader))).expect("an archive");
        let mut walk = archive.walk(SpoolOptions::default()).expect("a walk");
        let mut expected = prefix(&bytes, half);
        expected.hash ^= 1;
        walk.expect_prefix(expected);
        let result = read_walk(&mut walk);
        let read = prefix(&bytes, half);
        assert_eq!(not_told(&mut walk, &result, PrefixDiffers { expected, read }), None);
        drop(writer.join().expect("a writer without a failure"));
    }
}

#[test]
fn an_expectation_of_nothing_is_compared_too() {
    let bytes = tar_of(&[1]);
    let scratch = Scratch::new();
    let way = Way::Pipe(vec![100]);
    let expected = prefix(&bytes, 0);
    let (walk, result) = read_expecting(&scratch, &bytes, &way, expected).expect("an archive");
    assert!(result.is_ok() && walk.prefix().is_some_and(|probe| probe.is_confirmed()));
    let expected = Prefix { bytes: 0, hash: 1 };
    let (mut walk, result) = read_expecting(&scratch, &bytes, &way, expected).expect("an archive");
    let read = prefix(&bytes, 0);
    assert_eq!(not_told(&mut walk, &result, PrefixDiffers { expected, read }), None);
}

#[test]
fn a_plain_tar_in_a_file_is_not_read_in_order() {
    let bytes = tar_of(&[1]);
    let expected = Prefix { bytes: 3, hash: 4 };
    let (walk, result) = read_expecting(&Scratch::new(), &bytes, &Way::File, expected).expect("an archive");
    assert!(result.is_ok() && walk.prefix().is_none());
}

#[test]
#[should_panic(expected = "before the first byte is read")]
fn a_prefix_is_expected_before_anything_is_read() {
    let bytes = gzip(&tar_of(&[1]));
    let mut walk = walk(&Scratch::new(), &bytes, &Way::File).expect("an archive");
    walk.next().expect("a whole archive");
    walk.expect_prefix(prefix(&bytes, 3));
}

#[test]
fn messages_say_what_differs() {
    let (hash, expected) = (7, Prefix { bytes: 10, hash: 8 });
    let message = |bytes| {
        let read = Prefix { bytes, hash };
        WalkError::from(PrefixDiffers { expected, read }).to_string()
    };
    assert_eq!(
        message(10),
        "the archive is another one than before: its first 10 bytes have another hash; \
         give the same archive again, or begin anew"
    );
    assert_eq!(
        message(4),
        "the archive is another one than before: it ends at byte 4, and 10 had been read; \
         give the same archive again, or begin anew"
    );
}

//! The fingerprint of an archive's file: every byte of a small one counts, and nothing but bytes.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use proptest::prelude::*;
use tarquet_archive::{Archive, ArchiveError, Fingerprint};
use twox_hash::XxHash3_64;

use crate::build::{Tar, specs};
use crate::support::{Scratch, gzip};

fn fingerprint(archive: &Archive) -> Fingerprint {
    archive.fingerprint().expect("a readable file").expect("a file")
}

fn open(path: &Path) -> Archive {
    Archive::open(path).expect("an archive")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn any_changed_byte_of_a_small_file_is_seen(
        specs in specs(6),
        compress in any::<bool>(),
        at in any::<prop::sample::Index>(),
        change in 1..=255_u8,
    ) {
        let mut tar = Tar::of(&specs);
        tar.end(2);
        let mut bytes = if compress { gzip(&tar.bytes) } else { tar.bytes };
        let scratch = Scratch::new();
        let path = scratch.file("archive", &bytes);
        let archive = open(&path);
        let before = fingerprint(&archive);
        prop_assert_eq!(before, Fingerprint { len: bytes.len() as u64, hash: XxHash3_64::oneshot(&bytes) });
        let at = at.index(bytes.len());
        bytes[at] ^= change;
        OpenOptions::new().write(true).open(&path).and_then(|file| file.write_all_at(&bytes, 0)).expect("a file to write");
        prop_assert_ne!(fingerprint(&archive), before);
    }
}

/// A file of this length that is a tar, and a hole behind its first header.
fn sparse(path: &Path, len: u64) -> File {
    let mut tar = Tar::default();
    tar.meta(b'g', b"");
    let file = File::options()
        .read(true)
        .write(true)
        .create_new(true)
        .open(path)
        .expect("a new file");
    file.write_all_at(&tar.bytes, 0).expect("a file to write");
    file.set_len(len).expect("a longer file");
    file
}

#[test]
fn of_a_large_file_the_first_and_the_last_byte_count_and_so_does_the_length() {
    const LEN: u64 = 300 << 20;
    let scratch = Scratch::new();
    let path = scratch.path().join("large");
    let file = sparse(&path, LEN);
    let archive = open(&path);
    let before = fingerprint(&archive);
    assert_eq!(before.len, LEN);
    for at in [0, LEN - 1] {
        let mut byte = [0];
        file.read_exact_at(&mut byte, at).expect("the file");
        file.write_all_at(b"x", at).expect("a file to write");
        assert_ne!(fingerprint(&archive).hash, before.hash, "byte {at}");
        file.write_all_at(&byte, at).expect("a file to write");
    }
    assert_eq!(fingerprint(&archive), before);
    file.set_len(LEN + 1).expect("a longer file");
    assert_eq!(fingerprint(&open(&path)).len, LEN + 1);
}

#[test]
fn neither_path_nor_times_count() {
    let scratch = Scratch::new();
    let mut tar = Tar::default();
    tar.end(2);
    let here = scratch.file("here.tar", &tar.bytes);
    let before = fingerprint(&open(&here));
    let file = OpenOptions::new().write(true).open(&here).expect("the file");
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1))
        .expect("a file of ours");
    let there = scratch.path().join("there.tar.kaggle");
    std::fs::rename(&here, &there).expect("a file of ours");
    assert_eq!(fingerprint(&open(&there)), before);
    assert_eq!(fingerprint(&open(&scratch.file("copy", &tar.bytes))), before);
}

#[test]
fn a_file_that_became_shorter_has_none() {
    let scratch = Scratch::new();
    let path = scratch.path().join("shrinks");
    let file = sparse(&path, 1 << 20);
    let archive = open(&path);
    file.set_len(70_000).expect("a shorter file");
    let error = archive.fingerprint().expect_err("a shorter file");
    assert!(matches!(error, ArchiveError::Read { offset: 70_000, .. }), "{error}");
    assert!(
        error.to_string().ends_with("at byte 70000: the file became shorter"),
        "{error}"
    );
}

#[test]
fn it_is_shown_as_sixteen_digits() {
    let fingerprint = Fingerprint { len: 5, hash: 0xAB };
    assert_eq!(fingerprint.to_string(), "00000000000000ab");
}

//! Archives that end too early or are damaged: everything before that is extracted, and the place is named.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Run, Scene, Tar, gzip, tar};

const MAP: &str = "version: 1\nid: doc\nfeatures: {n: {path: $.n, type: int64}}\n";

/// A tar of `count` documents of exactly `size` bytes.
fn documents(count: usize, size: usize) -> Vec<u8> {
    let files: Vec<(String, String)> = (0..count)
        .map(|number| (format!("{number:03}.json"), document(number, size)))
        .collect();
    tar(&files)
}

fn document(number: usize, size: usize) -> String {
    let head = format!("{{\"n\":{number},\"pad\":\"");
    let pad = size - head.len() - 2;
    format!("{head}{}\"}}", "x".repeat(pad))
}

fn rows(count: usize) -> Vec<Value> {
    (0..count)
        .map(|number| json!([format!("{number:03}"), number]))
        .collect()
}

/// The one line on standard error, which names the damage and the byte.
#[track_caller]
fn expect_one_line(run: &Run, byte: usize) {
    run.expect_code(3);
    assert_eq!(run.stderr.lines().count(), 1, "{run:#?}");
    run.expect_stderr(&["error: the archive is damaged at byte", &format!("byte {byte}")]);
}

#[test]
fn a_tar_that_is_cut_anywhere_gives_every_whole_document_before() {
    // Each document takes a header of 512 bytes, 700 bytes, and 324 bytes of padding.
    const STRIDE: usize = 512 + 1_024;
    const COUNT: usize = 4;
    let whole = documents(COUNT, 700);
    for (within, documents_there) in [(1, 0), (511, 0), (512, 0), (513, 0), (1_211, 0), (1_212, 1), (1_500, 1)] {
        for first in [0, 2] {
            let cut = first * STRIDE + within;
            if cut < 512 {
                continue;
            }
            let scene = Scene::new(&whole[..cut], MAP);
            let run = scene.run(&[]);
            expect_one_line(&run, cut);
            let dataset = scene.dataset("out");
            assert_eq!(dataset.rows("n"), rows(first + documents_there), "cut at {cut}");
            // The document that is cut in its bytes is a member that failed; else the archive itself is to blame.
            let member = match within {
                512..1_212 => json!(format!("{first:03}.json")),
                _ => Value::Null,
            };
            let failed = dataset.failed();
            assert_eq!(failed.len(), 1, "cut at {cut}: {failed:?}");
            assert_eq!(failed[0]["member"], member, "cut at {cut}");
            assert_eq!(failed[0]["reason"], "archive_damaged", "cut at {cut}");
            let summary = dataset.summary();
            assert!(
                summary["archive_damage"]
                    .as_str()
                    .is_some_and(|text| text.contains(&cut.to_string()))
            );
        }
    }
}

#[test]
fn a_tar_without_its_end_marker_is_whole_but_for_a_warning() {
    let whole = documents(3, 700);
    let scene = Scene::new(&whole[..3 * 1_536], MAP);
    let run = scene.run(&[]);
    run.expect_code(0).expect_stderr(&["no end-of-archive marker"]);
    let dataset = scene.dataset("out");
    assert_eq!(dataset.rows("n"), rows(3));
    assert_eq!(dataset.summary()["archive_damage"], Value::Null);
}

#[test]
fn a_gzip_that_is_cut_gives_the_documents_before() {
    // Documents that do not compress, so that the middle of the file is the middle of them.
    let files: Vec<(String, String)> = (0..60)
        .map(|number| (format!("{number:03}.json"), noise(number)))
        .collect();
    let whole = gzip(&tar(&files));
    for cut in [whole.len() / 2, whole.len() * 3 / 4, whole.len() - 4] {
        let scene = Scene::new(&whole[..cut], MAP);
        let run = scene.run(&[]);
        run.expect_code(3)
            .expect_stderr(&["error: the archive is damaged at byte", "cut short"]);
        let dataset = scene.dataset("out");
        let there = dataset.rows("n");
        assert_eq!(there, rows(there.len()), "cut at {cut}");
        let least = 60 * cut / whole.len();
        assert!(
            there.len() + 2 >= least && there.len() <= least + 1,
            "{} of {least} at {cut}",
            there.len()
        );
        assert_eq!(dataset.failed().len(), 1, "cut at {cut}");
        assert_eq!(dataset.failed()[0]["reason"], "archive_damaged", "cut at {cut}");
    }
}

/// A document of about 4 KiB in which no two bytes tell of a third.
fn noise(number: u64) -> String {
    let mut state = number;
    let digits: Vec<String> = (0..256)
        .map(|_| {
            state = (state ^ (state >> 29))
                .wrapping_mul(0xBF58_476D_1CE4_E5B9)
                .wrapping_add(number + 1);
            format!("{state:016x}")
        })
        .collect();
    format!("{{\"n\":{number},\"pad\":\"{}\"}}", digits.concat())
}

#[test]
fn a_flipped_byte_in_a_gzip_is_told_and_costs_nothing_that_is_before_it() {
    let files: Vec<(String, String)> = (0..60)
        .map(|number| (format!("{number:03}.json"), noise(number)))
        .collect();
    let mut bytes = gzip(&tar(&files));
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x40;
    let scene = Scene::new(&bytes, MAP);
    let run = scene.run(&[]);
    run.expect_code(3)
        .expect_stderr(&["error: the archive is damaged at byte", "gzip data is corrupt"]);
    let dataset = scene.dataset("out");
    assert_eq!(dataset.rows("n")[..28], rows(28));
    let (_, reason) = dataset.reasons().pop().expect("a line about the damage");
    assert_eq!(reason, "archive_damaged");
    // A run that died before its summary writes one of what the ledger knows, which needs no archive.
    let summary = dataset.summary();
    fs::remove_file(scene.path("out/summary.json")).expect("it was written");
    scene.run(&["--resume"]).expect_code(3);
    for what in ["members", "rows", "archive_damage", "document_bytes", "archive_bytes"] {
        assert!(!summary[what].is_null(), "{what} in {summary:#}");
        assert_eq!(scene.dataset("out").summary()[what], summary[what], "{what}");
    }
}

#[test]
fn damage_behind_members_that_are_not_wanted_is_in_the_log_too() {
    let archive = Tar::new()
        .file("000.json", document(0, 700))
        .file("notes.txt", vec![b'x'; 10_000])
        .finish();
    let cut = 1_536 + 512 + 5_000;
    for content in [archive[..cut].to_vec(), gzip(&archive[..cut])] {
        let scene = Scene::new(&content, MAP);
        let run = scene.run(&[]);
        run.expect_code(3)
            .expect_stderr(&["error: the archive is damaged at byte"]);
        let dataset = scene.dataset("out");
        assert_eq!(dataset.rows("n"), rows(1));
        let failed = dataset.failed();
        assert_eq!(failed.len(), 1, "{failed:?}");
        assert_eq!(failed[0]["reason"], "archive_damaged");
        assert_eq!(failed[0]["member"], Value::Null);
        assert!(
            failed[0]["detail"]
                .as_str()
                .is_some_and(|detail| detail.contains("notes.txt"))
        );
        assert_eq!(dataset.members(), [1, 0, 1]);
    }
}

#[test]
fn a_header_that_is_no_header_ends_the_archive_with_its_byte() {
    let mut archive = documents(4, 700);
    archive[2 * 1_536 + 10] ^= 1;
    let scene = Scene::new(&archive, MAP);
    let run = scene.run(&[]);
    expect_one_line(&run, 2 * 1_536);
    run.expect_stderr(&["checksum"]);
    let dataset = scene.dataset("out");
    assert_eq!(dataset.rows("n"), rows(2));
    assert_eq!(dataset.failed()[0]["offset"], 2 * 1_536);
}

#[test]
fn failures_that_are_allowed_do_not_excuse_damage() {
    let archive = documents(4, 700);
    let scene = Scene::new(&archive[..5_000], MAP);
    scene.run(&["--allow-failed", "100%"]).expect_code(3);
}

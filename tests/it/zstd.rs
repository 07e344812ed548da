//! Archives in zstd: the rows of the tar that is inside, and what is said of those that are damaged or need too much.

use std::fs::File;

use serde_json::json;

use crate::support::dataset::{Contents, assert_same};
use crate::support::documents::{Fault, searches};
use crate::support::process::wait_for;
use crate::support::{Dataset, Run, Scene, Tar, documents, tar, zstd};

const MAP: &str = "version: 1\nid: doc\nfeatures: {n: {path: $.n, type: int64}}\n";

/// The exit code of a run in which members failed, or whose archive is damaged.
const SOME_FAILED: i32 = 3;

/// A frame's header that asks for a window of 2 GiB, and no block.
const WIDE: [u8; 6] = *b"\x28\xB5\x2F\xFD\0\xA8";

/// The bytes in frames of so many each, with frames between them that hold nothing.
fn frames(bytes: &[u8], each: usize) -> Vec<u8> {
    let skippable = b"\x50\x2A\x4D\x18\x03\0\0\0abc";
    let frame = |bytes: &[u8]| [zstd(bytes), skippable.to_vec()].concat();
    bytes.chunks(each).flat_map(frame).collect()
}

/// What is extracted of the archive, which is a file of this name or standard input.
fn extracted(scene: &Scene, archive: &str, out: &str) -> Contents {
    let mut command = scene.tarquet(&[
        "extract",
        "--feature-map",
        "map.yaml",
        "--workers",
        "2",
        "--sample",
        "30",
    ]);
    command.args(["--buffer-rows", "2000", "--out-dir", out]);
    match archive.strip_prefix("< ") {
        Some(input) => command
            .args(["--tar-path", "-"])
            .stdin(File::open(scene.path(input)).expect("it is there")),
        None => command.args(["--tar-path", archive]),
    };
    Run::of(&mut command).expect_code(SOME_FAILED);
    scene.dataset(out).contents()
}

/// Whatever it is called, in however many frames it is, and from wherever it comes. Types are inferred.
#[test]
fn an_archive_in_zstd_gives_what_its_tar_gives() {
    let plain = searches(400, 60, |number| (number == 9).then_some(Fault::Cut));
    let scene = Scene::new(&plain, documents::MAP);
    let expected = extracted(&scene, "archive.tar", "expected");
    assert!(scene.dataset("expected").parts("offers").len() > 2);
    scene.write("archive.tar.zst", zstd(&plain));
    scene.write("frames.tar.gz", frames(&plain, 300_000));
    for (number, archive) in [
        "archive.tar.zst",
        "frames.tar.gz",
        "< archive.tar.zst",
        "< frames.tar.gz",
    ]
    .into_iter()
    .enumerate()
    {
        let out = format!("out{number}");
        assert_same(&expected, &extracted(&scene, archive, &out), archive);
        Run::of(&mut scene.tarquet(&["verify", "--out-dir", &out])).expect_code(0);
    }
}

/// The tar of documents that do not compress, about 4 kB each.
fn noise(count: u64) -> Vec<u8> {
    let files: Vec<(String, String)> = (0..count)
        .map(|number| (format!("{number:03}.json"), noisy(number)))
        .collect();
    tar(&files)
}

fn noisy(number: u64) -> String {
    let mut state = number;
    let mut next = || {
        state = (state ^ (state >> 29))
            .wrapping_mul(0xBF58_476D_1CE4_E5B9)
            .wrapping_add(number + 1);
        format!("{state:016x}")
    };
    let digits: String = (0..256).map(|_| next()).collect();
    format!("{{\"n\":{number},\"pad\":\"{digits}\"}}")
}

/// A run on a damaged archive: it says so with these texts, and keeps at least so many documents before the damage.
#[track_caller]
fn expect_damage(archive: &[u8], least: usize, texts: &[&str]) -> Dataset {
    let scene = Scene::new(archive, MAP);
    let run = scene.run(&[]);
    run.expect_code(SOME_FAILED).expect_stderr(texts);
    assert_eq!(run.stderr.lines().count(), 1, "{run:#?}");
    let dataset = scene.dataset("out");
    let rows = dataset.rows("n");
    let before: Vec<_> = (0..rows.len())
        .map(|number| json!([format!("{number:03}"), number]))
        .collect();
    assert_eq!(rows, before);
    assert!(rows.len() >= least, "{} of {least}", rows.len());
    let (_, reason) = dataset.reasons().pop().expect("a line about the damage");
    assert_eq!(reason, "archive_damaged");
    assert_eq!(dataset.failed().len(), 1);
    dataset
}

#[test]
fn damage_is_told_with_its_byte_and_all_before_it_is_kept() {
    let plain = noise(60);
    let whole = zstd(&plain);
    let len = whole.len();
    let at = |byte: usize, what: &str| format!("error: the archive is damaged at byte {byte} {what}");

    for part in [len / 2, len * 3 / 4] {
        // All but a last block, of 128 KiB, and the document that it begins in.
        let least = (60 * part / len).saturating_sub(60 * (128 << 10) / plain.len() + 2);
        let dataset = expect_damage(&whole[..part], least, &[&at(part, ""), "the zstd data is cut short"]);
        let detail = dataset.failed()[0]["detail"].to_string();
        assert!(detail.contains(&format!("byte {part} ")), "{detail}");
    }

    let garbage = [&whole[..], b"garbage"].concat();
    let other = "after the end of the zstd data there are other bytes";
    let dataset = expect_damage(&garbage, 60, &[&at(len, ""), other]);
    assert_eq!(dataset.failed()[0]["offset"], len);
    assert_eq!(dataset.members(), [60, 0, 0]);

    let mut checked = [&whole[..], &[0; 4]].concat();
    // The bit that says that a checksum follows.
    checked[4] |= 1 << 2;
    let wrong = "the zstd data is corrupt: the checksum is not that of the content";
    expect_damage(&checked, 60, &[&at(len, ""), wrong]);

    let (one, other) = plain.split_at(plain.len() / 2);
    let (one, mut other) = (zstd(one), zstd(other));
    // The bit that must not be set.
    other[4] |= 1 << 3;
    let wrong = "the zstd data is corrupt: a frame's header has a bit that must not be set";
    expect_damage(&[&one[..], &other].concat(), 28, &[&at(one.len(), ""), wrong]);
}

#[test]
fn a_window_of_two_gibibytes_is_refused_with_what_to_do() {
    let what = [
        "a zstd frame needs a window of 2147483648 bytes, and no more than 128 MiB are held for one",
        "zstd -dc --long=31 FILE | zstd -o NEW",
    ];
    let scene = Scene::new(&[&WIDE[..], &[1, 0, 0]].concat(), MAP);
    let run = scene.run(&[]);
    run.expect_code(1)
        .expect_stderr(&["error: archive.tar cannot be read: "])
        .expect_stderr(&what);
    assert!(!scene.path("out").exists(), "a directory for nothing");

    let one = zstd(&noise(60));
    let dataset = expect_damage(
        &[&one[..], &WIDE, &[1, 0, 0]].concat(),
        60,
        &[
            &format!("error: the archive cannot be read on at byte {} ", one.len()),
            what[0],
            what[1],
        ],
    );
    assert_eq!(dataset.members(), [60, 0, 0]);
}

/// A gibibyte of spaces, in 32 KiB.
#[test]
fn a_bomb_costs_time_and_no_memory() {
    const BLOCK: usize = 128 << 10;
    const BLOCKS: usize = 8 << 10;
    let header = |size: u64| {
        let mut header = tar::Header::new_gnu();
        header.set_size(size);
        header.set_path("bomb.json").expect("a short name");
        header.set_cksum();
        header.as_bytes().to_vec()
    };
    // A block of one byte, repeated; without the bit that says that it is the last.
    let block = [&((BLOCK << 3 | 2) as u32).to_le_bytes()[..3], b" "].concat();
    let last = [1, 0, 0];
    let bomb = [&b"\x28\xB5\x2F\xFD\0\x38"[..], &block.repeat(BLOCKS), &last].concat();
    let rest = Tar::new().file("last.json", r#"{"n":3}"#).finish();
    let archive = [zstd(&header((BLOCK * BLOCKS) as u64)), bomb, zstd(&rest)].concat();
    assert!(archive.len() < 64 << 10);

    let scene = Scene::new(&archive, MAP);
    let mut run = scene.start("out", &["--max-document-bytes", "1MiB"]);
    let mut peak = 0;
    wait_for("the end", || {
        peak = peak.max(run.peak_memory());
        (!run.is_running()).then_some(())
    });
    run.end().expect_code(SOME_FAILED);
    assert!(0 < peak && peak < 256 << 20, "{} MiB", peak >> 20);
    let dataset = scene.dataset("out");
    assert_eq!(dataset.rows("n"), [json!(["last", 3])]);
    assert_eq!(dataset.reasons(), [("bomb.json".to_owned(), "too_large".to_owned())]);
}

/// An archive that a colleague compressed again is no tar, and is told by what it is.
#[test]
fn what_is_compressed_twice_is_told() {
    let scene = Scene::new(&zstd(&zstd(&noise(3))), MAP);
    let run = scene.run(&[]);
    run.expect_code(1)
        .expect_stderr(&["zstd around zstd again", "zstd -dc FILE > INNER"]);
    assert!(!scene.path("out").exists(), "a directory for nothing");
}

//! What is an archive and what is not, and which of its members count.

use serde_json::json;
use tar::EntryType;

use crate::support::{Dataset, Run, Scene, Tar, gzip, tar};

const MAP: &str = "version: 1\nid: doc\nfeatures: {a: {path: $.a, type: int64}}\n";

/// Runs on a file that is no archive: exit 1, one line that says what it is, and nothing is made.
#[track_caller]
fn expect_refused(content: &[u8], texts: &[&str]) {
    let scene = Scene::new(content, MAP);
    let run = scene.run(&[]);
    run.expect_code(1)
        .expect_stderr(&["error: archive.tar"])
        .expect_stderr(texts);
    assert_eq!(run.stderr.lines().count(), 1, "{run:#?}");
    assert_eq!(run.stdout, "");
    assert!(!scene.path("out").exists(), "a directory for nothing");
}

#[test]
fn what_is_no_archive_is_told_by_content() {
    let text = b"The quick brown fox jumps over the lazy dog.\n".repeat(40);
    expect_refused(&text, &["plain text", "tar -cf"]);
    expect_refused(b"{\"a\": 1}\n", &["JSON text", "tar -cf"]);
    expect_refused(b"", &["an empty file"]);
    expect_refused(b"PK\x03\x04rest of a zip", &["a zip archive"]);
    expect_refused(b"\xfd7zXZ\0rest", &["xz"]);
    expect_refused(b"\x28\xb5\x2f\xfd\x20\x00\x01\x00\x00", &["zstd"]);
    expect_refused(&gzip(&text), &["gzip around plain text"]);
    expect_refused(&gzip(&gzip(&tar(&[("a.json", "{}")]))), &["gzip again"]);
}

#[test]
fn an_archive_that_is_not_there_is_named_once() {
    let scene = Scene::new(b"", MAP);
    let run = Run::of(&mut scene.tarquet(&[
        "extract",
        "--tar-path",
        "no/such.tar",
        "--feature-map",
        "map.yaml",
        "--out-dir",
        "out",
    ]));
    run.expect_code(1);
    assert_eq!(
        run.stderr,
        "error: cannot open no/such.tar: No such file or directory (os error 2)\n"
    );
    assert!(!scene.path("out").exists());
}

#[test]
fn an_archive_without_members_gives_a_dataset_without_rows() {
    for archive in [vec![0; 1_024], gzip(&[0; 1_024]), vec![0; 10_240]] {
        let scene = Scene::new(&archive, MAP);
        let run = scene.run(&[]);
        run.expect_code(0).expect_stderr(&["warning: "]);
        let dataset = scene.dataset("out");
        assert_eq!(dataset.members(), [0, 0, 0]);
        assert_eq!(dataset.parts("a").len(), 1);
        assert!(dataset.rows("a").is_empty());
        assert_eq!(dataset.columns("a").len(), 2);
    }
}

#[test]
fn the_name_of_a_file_does_not_tell_what_it_is() {
    let plain = tar(&[("x.json", r#"{"a":1}"#)]);
    for (name, content) in [
        ("x.tar.kaggle", gzip(&plain)),
        ("x.tgz", plain.clone()),
        ("x.txt", gzip(&plain)),
    ] {
        let scene = Scene::new(b"", MAP);
        scene.write(name, content);
        let run = Run::of(&mut scene.tarquet(&[
            "extract",
            "--tar-path",
            name,
            "--feature-map",
            "map.yaml",
            "--out-dir",
            "out",
            "--workers",
            "1",
        ]));
        run.expect_code(0);
        assert_eq!(scene.dataset("out").rows("a"), [json!(["x", 1])], "{name}");
    }
}

#[test]
fn a_gzip_of_several_members_is_one_archive() {
    let plain = tar(&[("1.json", r#"{"a":1}"#), ("2.json", r#"{"a":2}"#)]);
    let (one, other) = plain.split_at(700);
    let archive = [gzip(one), gzip(other)].concat();
    let dataset = Scene::new(&archive, MAP).extract(&[]);
    assert_eq!(dataset.rows("a"), [json!(["1", 1]), json!(["2", 2])]);
}

#[test]
fn every_member_is_extracted_failed_or_skipped() {
    let archive = Tar::new()
        .directory("raw/")
        .file("raw/1.json", r#"{"a":1}"#)
        .link(EntryType::Symlink, "raw/symlink.json", "1.json")
        .link(EntryType::Link, "raw/hardlink.json", "raw/1.json")
        .special(EntryType::Fifo, "raw/pipe.json", b"")
        .file("README.txt", "not for us")
        .special(EntryType::new(b'Z'), "raw/odd.json", b"what is this")
        .special(EntryType::GNUSparse, "raw/sparse.json", b"{}")
        .file("raw/2.json", r#"{"a":"#)
        .file("raw/3.json", r#"{"a":3}"#)
        .finish();
    let scene = Scene::new(&archive, MAP);
    scene.run(&[]).expect_code(3);
    let dataset = scene.dataset("out");
    assert_eq!(dataset.rows("a"), [json!(["1", 1]), json!(["3", 3])]);
    let failed = [
        ("raw/odd.json", "unknown_type"),
        ("raw/sparse.json", "sparse"),
        ("raw/2.json", "truncated"),
    ];
    assert_eq!(
        dataset.reasons(),
        failed.map(|(name, reason)| (name.to_owned(), reason.to_owned()))
    );
    assert_eq!(dataset.members(), [2, 3, 5]);
}

#[test]
fn names_of_every_dialect_are_whole() {
    let long = format!("{}/{}.json", "d".repeat(150), "n".repeat(120));
    let pax = format!("{}/café-{}.json", "p".repeat(300), "q".repeat(50));
    let archive = Tar::new()
        .file(&long, r#"{"a":1}"#)
        .pax_file(&pax, r#"{"a":2}"#)
        .file("plain.json", r#"{"a":3}"#)
        .file("Ünïcode/日本.json", r#"{"a":4}"#)
        .finish();
    let map = "id: doc\nprovenance: true\nfeatures: {a: {path: $.a, type: int64}}\n";
    let dataset = Scene::new(&archive, map).extract(&[]);
    let expected = [
        json!(["n".repeat(120), long, null, 1]),
        json!([format!("café-{}", "q".repeat(50)), pax, null, 2]),
        json!(["plain", "plain.json", null, 3]),
        json!(["日本", "Ünïcode/日本.json", null, 4]),
    ];
    assert_eq!(dataset.rows("a"), expected);
    let columns: Vec<String> = dataset.columns("a").into_iter().map(|(name, _)| name).collect();
    assert_eq!(columns, ["doc", "_member", "_line", "a"]);
}

#[test]
fn a_name_that_is_not_utf8_is_shown_escaped_and_stays_distinct() {
    let archive = Tar::new()
        .file_named(b"caf\xe9.json", r#"{"a":1}"#)
        .file_named(b"caf\xe8.json", r#"{"a":2}"#)
        .file_named(b"bad\xff%.json", r#"{"a":"#)
        .finish();
    let scene = Scene::new(&archive, MAP);
    let run = scene.run(&[]);
    run.expect_code(3).expect_quiet_stderr();
    let dataset = scene.dataset("out");
    assert_eq!(dataset.rows("a"), [json!(["caf%E9", 1]), json!(["caf%E8", 2])]);
    assert_eq!(
        dataset.reasons(),
        [("bad%FF%25.json".to_owned(), "truncated".to_owned())]
    );
}

#[test]
fn a_name_that_repeats_is_kept_twice_and_warned_about_once() {
    let archive = Tar::new()
        .file("x.json", r#"{"a":1}"#)
        .file("y.json", r#"{"a":2}"#)
        .file("x.json", r#"{"a":3}"#)
        .file("deep/y.json", r#"{"a":4}"#)
        .file("x.json", r#"{"a":5}"#)
        .finish();
    let scene = Scene::new(&archive, MAP);
    let run = scene.run(&[]);
    run.expect_code(0)
        .expect_stderr(&["warning: ids made from member names repeat", "\"x.json\""]);
    assert_eq!(run.stderr.matches("warning:").count(), 1, "{run:#?}");
    let rows: Vec<_> = [("x", 1), ("y", 2), ("x", 3), ("y", 4), ("x", 5)]
        .map(|(id, a)| json!([id, a]))
        .into();
    assert_eq!(scene.dataset("out").rows("a"), rows);
}

#[test]
fn globs_choose_members() {
    let archive = Tar::new()
        .file("raw/1.json", r#"{"a":1}"#)
        .file("raw/two words.json", r#"{"a":2}"#)
        .file("raw/3.min.json", r#"{"a":3}"#)
        .file("4.dat", r#"{"a":4}"#)
        .finish();
    let scene = Scene::new(&archive, MAP);
    let chosen = |arguments: &[&str]| {
        let dataset: Dataset = scene.extract(&[arguments, &["--overwrite"]].concat());
        let [extracted, failed, skipped] = dataset.members();
        assert_eq!((extracted + skipped, failed), (4, 0), "{arguments:?}");
        dataset.column("a", "a")
    };
    assert_eq!(chosen(&[]), [1, 2, 3]);
    assert_eq!(chosen(&["--include", "*.dat"]), [4]);
    assert_eq!(chosen(&["--include", "*.dat", "--include", "raw/1*"]), [1, 4]);
    assert_eq!(chosen(&["--exclude", "*.min.json"]), [1, 2]);
    assert_eq!(
        chosen(&["--include", "raw/*", "--exclude", "*.min.json", "--exclude", "*/1.json"]),
        [2]
    );
    assert_eq!(chosen(&["--include", "raw/two words.json"]), [2]);

    let mut command = scene.command("out", &["--overwrite"]);
    Run::of(command.env("TARQUET_INCLUDE", "{*.dat,raw/two words.json}")).expect_code(0);
    assert_eq!(scene.dataset("out").column("a", "a"), [2, 4]);

    let run = scene.run(&["--include", "raw/[", "--overwrite"]);
    run.expect_code(2).expect_stderr(&["raw/["]);
}

//! What a run does when the machine does not give it what it needs, or takes it away.

use std::fs::{self, OpenOptions};
use std::io::Write;

use serde_json::json;

use crate::support::documents::{MAP, searches};
use crate::support::process::{Running, wait_for};
use crate::support::scene::after;
use crate::support::{Run, Scene, Tar, gzip};

const SETTINGS: [&str; 4] = ["--workers", "2", "--buffer-rows", "4000"];

fn scene() -> Scene {
    Scene::new(&searches(1_500, 120, |_| None), MAP)
}

#[test]
fn a_file_that_cannot_grow_stops_the_run_with_its_name_and_leaves_whole_parts() {
    let scene = scene();
    // A file may have 64 blocks of 512 bytes, and nobody dies of the signal that says so.
    let limited = after(
        "trap '' XFSZ && ulimit -f 64",
        &scene.command("out", &["--buffer-rows", "60000"]),
    );
    let run = Run::of(&mut { limited });
    run.expect_code(1)
        .expect_stderr(&["error: cannot write", "out/run/tmp/", "File too large"]);
    let dataset = scene.dataset("out");
    for feature in ["route", "traveller", "offers"] {
        // It may not have come so far as to make the directory.
        if scene.path(format!("out/features_raw/feature={feature}")).exists() {
            dataset.footers(feature);
        }
    }
    assert!(
        !scene.path("out/summary.json").exists(),
        "a summary of a run that did not finish"
    );
    let again = scene.extract(&["--overwrite"]);
    assert_eq!(again.rows("route").len(), 1_500);
}

#[test]
fn a_summary_that_cannot_be_written_is_an_error() {
    let scene = scene();
    let run = Run::of(&mut after("exec >/dev/full", &scene.command("out", &[])));
    run.expect_code(1).expect_stderr(&[
        "error: the dataset is finished, but its summary cannot be shown",
        "No space left on device",
    ]);
    assert_eq!(
        scene.dataset("out").rows("route").len(),
        1_500,
        "the dataset is there all the same"
    );
}

#[test]
fn an_oversized_member_costs_no_memory() {
    const MEMBER: usize = 400 << 20;
    let archive = Tar::new()
        .file("1.json", r#"{"a":1}"#)
        .file("huge.json", vec![b' '; MEMBER])
        .file("3.json", r#"{"a":3}"#)
        .finish();
    let scene = Scene::new(&gzip(&archive), "id: doc\nfeatures: {a: {path: $.a, type: int64}}\n");
    drop(archive);
    let mut run = scene.start("out", &["--max-document-bytes", "1MiB"]);
    let mut peak = 0;
    wait_for("the end", || {
        peak = peak.max(run.peak_memory());
        (!run.is_running()).then_some(())
    });
    run.end().expect_code(3);
    assert!(0 < peak && peak < MEMBER as u64 / 2, "{} MiB", peak >> 20);
    let dataset = scene.dataset("out");
    assert_eq!(dataset.rows("a"), [json!(["1", 1]), json!(["3", 3])]);
    assert_eq!(dataset.reasons(), [("huge.json".to_owned(), "too_large".to_owned())]);
}

#[test]
fn documents_with_more_rows_than_any_buffer_holds_are_all_there() {
    const DOCUMENTS: usize = 5;
    const ROWS: usize = 30;
    let mut archive = Tar::new();
    for number in 0..DOCUMENTS {
        let text = format!("{number}").repeat(1 << 20);
        let elements: Vec<String> = (0..ROWS).map(|element| element.to_string()).collect();
        let document = format!("{{\"t\":\"{text}\",\"e\":[{}]}}", elements.join(","));
        archive = archive.file(&format!("{number}.json"), document);
    }
    let map = "\
id: doc
features:
  f:
    for: {e: '$.e[*]'}
    columns: {e: {path: e, type: int64}, t: {path: $.t, type: string}}
";
    let scene = Scene::new(&archive.finish(), map);
    let dataset = scene.extract(&["--workers", "4", "--buffer-bytes", "1MiB"]);
    assert_eq!(dataset.parts("f").len(), DOCUMENTS, "each document fills a part");
    let rows = dataset.rows("f");
    assert_eq!(rows.len(), DOCUMENTS * ROWS);
    for (row, number) in rows.iter().zip(0..) {
        let (document, element) = (number / ROWS, number % ROWS);
        assert_eq!((&row[0], &row[1]), (&json!(document.to_string()), &json!(element)));
        let text = row[2].as_str().expect("a text");
        let digit = char::from_digit(document as u32, 10).expect("a digit");
        assert!(
            text.len() == 1 << 20 && text.chars().all(|c| c == digit),
            "row {number}"
        );
    }
}

/// A run that is past its start and not near its end.
fn at_work(scene: &Scene) -> Running {
    let mut run = scene.start("out", &SETTINGS);
    wait_for("a worker at work", || {
        assert!(run.is_running(), "it ended before anything was done to it");
        run.workers()
            .iter()
            .any(|worker| worker.bytes_read() > 1 << 20)
            .then_some(())
    });
    run
}

#[test]
fn an_archive_that_changes_while_it_is_read_stops_the_run() {
    let scene = scene();
    let run = at_work(&scene);
    let archive = OpenOptions::new().append(true).open(scene.path("archive.tar"));
    archive
        .and_then(|mut file| file.write_all(&[0; 512]))
        .expect("it can be written to");
    let run = run.end();
    run.expect_code(1)
        .expect_stderr(&["error: ", "archive.tar", "changed while it was read", "size"]);
    assert!(!scene.path("out/summary.json").exists());
}

#[test]
fn an_archive_that_is_replaced_while_it_is_read_stops_the_run() {
    let scene = scene();
    scene.write("other.tar", fs::read(scene.path("archive.tar")).expect("it is there"));
    let run = at_work(&scene);
    fs::rename(scene.path("other.tar"), scene.path("archive.tar")).expect("it can be renamed");
    run.end()
        .expect_code(1)
        .expect_stderr(&["error: ", "archive.tar", "changed while it was read"]);
}

#[test]
fn a_second_run_on_the_same_directory_is_refused_and_does_the_first_no_harm() {
    let scene = scene();
    let first = at_work(&scene);
    for arguments in [&["--overwrite"][..], &[]] {
        scene
            .run(arguments)
            .expect_code(1)
            .expect_stderr(&["error: another run is writing to out"]);
    }
    first.end().expect_code(0);
    assert_eq!(scene.dataset("out").rows("route").len(), 1_500);
}

/// A run that cannot say anything still tells by its exit code.
#[test]
fn a_full_or_closed_standard_error_changes_no_exit_code() {
    let scene = Scene::new(&searches(3, 2, |_| None), MAP);
    scene.write("bad.yaml", "features: [");
    let cases = [
        ("archive.tar", "map.yaml", "*.json", 0),
        // Nothing is wanted, which is a warning.
        ("archive.tar", "map.yaml", "*.xml", 0),
        ("missing.tar", "map.yaml", "*.json", 1),
        ("archive.tar", "bad.yaml", "*.json", 2),
    ];
    for (archive, map, include, code) in cases {
        for preparation in ["exec 2>/dev/full", "exec 2>&-"] {
            let files = ["--tar-path", archive, "--feature-map", map, "--include", include];
            let command = scene.tarquet(&[&["extract", "--out-dir", "out", "--overwrite"][..], &files].concat());
            let status = after(preparation, &command).status().expect("it starts");
            assert_eq!(status.code(), Some(code), "{preparation}: {files:?}");
        }
    }
}

#[test]
fn a_reader_of_the_summary_may_leave_early() {
    let scene = Scene::new(&searches(3, 2, |_| None), MAP);
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let status = scene.command("out", &[]).stdout(writer).status().expect("it starts");
    assert_eq!(status.code(), Some(0));
    assert_eq!(scene.dataset("out").rows("route").len(), 3);
}

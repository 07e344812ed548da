//! The directory of a dataset: whose it is, and what a run may do in it.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;

use nix::fcntl::{Flock, FlockArg};
use serde_json::json;

use crate::support::dataset::assert_same;
use crate::support::{Run, Scene, tar};

const MAP: &str = "version: 1\nid: doc\nfeatures: {a: {path: $.a, type: int64}}\n";

fn scene() -> Scene {
    Scene::new(&tar(&[("1.json", r#"{"a":1}"#), ("2.json", r#"{"a":2}"#)]), MAP)
}

#[test]
fn an_existing_dataset_is_refused_and_stays_as_it_is() {
    let scene = scene();
    let before = scene.extract(&[]).contents();
    let summary = scene.dataset("out").text("summary.json");
    let run = scene.run(&[]);
    run.expect_code(1)
        .expect_stderr(&["error: out already holds a dataset", "--overwrite"]);
    assert_same(&before, &scene.dataset("out").contents(), "a refused run");
    assert_eq!(scene.dataset("out").text("summary.json"), summary);
}

#[test]
fn overwrite_replaces_the_dataset_and_leaves_what_is_not_its_own() {
    let scene = scene();
    scene.write("map.yaml", "id: doc\nfeatures: {a: $.a, old: $.a}\n");
    scene.extract(&["--buffer-rows", "1"]);
    assert_eq!(scene.dataset("out").parts("old").len(), 2);
    scene.write("out/notes.txt", "mine");
    scene.write("out/run/mine.txt", "mine too");

    scene.write("map.yaml", MAP);
    scene.write("archive.tar", tar(&[("3.json", r#"{"a":3}"#)]));
    let dataset = scene.extract(&["--overwrite"]);
    assert_eq!(dataset.rows("a"), [json!(["3", 3])]);
    assert_eq!(dataset.parts("a").len(), 1);
    assert!(
        !scene.path("out/features_raw/feature=old").exists(),
        "a table of the old dataset"
    );
    assert_eq!(
        fs::read_to_string(scene.path("out/notes.txt")).expect("it is there"),
        "mine"
    );
    assert_eq!(
        fs::read_to_string(scene.path("out/run/mine.txt")).expect("it is there"),
        "mine too"
    );
}

#[test]
fn a_file_of_somebody_else_among_the_parts_is_never_deleted() {
    let scene = scene();
    scene.extract(&[]);
    scene.write("out/features_raw/feature=a/mine.parquet", "mine");
    let run = scene.run(&["--overwrite"]);
    run.expect_code(1)
        .expect_stderr(&["out/features_raw/feature=a/mine.parquet", "nothing was deleted"]);
    fs::remove_file(scene.path("out/features_raw/feature=a/mine.parquet")).expect("it is there");
    assert_eq!(scene.dataset("out").rows("a").len(), 2);
    scene.extract(&["--overwrite"]);
}

#[test]
fn overwrite_without_a_dataset_is_just_a_run() {
    let dataset = scene().extract(&["--overwrite"]);
    assert_eq!(dataset.rows("a").len(), 2);
}

#[test]
fn foreign_files_beside_a_new_dataset_are_left_alone() {
    let scene = scene();
    scene.write("out/notes.txt", "mine");
    scene.extract(&[]);
    assert_eq!(
        fs::read_to_string(scene.path("out/notes.txt")).expect("it is there"),
        "mine"
    );
    let scene = self::scene();
    scene.write("out/failed.log", "the log of another program");
    scene
        .run(&[])
        .expect_code(1)
        .expect_stderr(&["out/failed.log", "nothing was deleted"]);
    let log = fs::read_to_string(scene.path("out/failed.log")).expect("it is there");
    assert_eq!(log, "the log of another program");
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let scene = scene();
    scene.write("out", "a file in the way");
    scene.run(&[]).expect_code(1).expect_stderr(&["error: ", "out"]);
    assert_eq!(
        fs::read_to_string(scene.path("out")).expect("it is there"),
        "a file in the way"
    );

    scene.write("file", "a file in the way");
    let run = Run::of(&mut scene.command("file/below/out", &[]));
    run.expect_code(1).expect_stderr(&["error: ", "file/below"]);
}

#[test]
fn a_file_where_a_directory_of_the_dataset_goes_is_named() {
    for name in ["out/run", "out/features_raw"] {
        let scene = scene();
        scene.write(name, "a file in the way");
        let run = scene.run(&[]);
        run.expect_code(1).expect_stderr(&["error: ", name]);
        assert_eq!(
            fs::read_to_string(scene.path(name)).expect("it is there"),
            "a file in the way"
        );
    }
}

#[test]
fn a_second_run_on_the_same_directory_is_refused_while_the_first_goes_on() {
    let scene = scene();
    let before = scene.extract(&[]).contents();
    let lock = File::options()
        .write(true)
        .open(scene.path("out/run/lock"))
        .expect("a run leaves its lock");
    let held = Flock::lock(lock, FlockArg::LockExclusiveNonblock).expect("the first run has ended");
    for arguments in [&["--overwrite"][..], &[]] {
        let run = scene.run(arguments);
        run.expect_code(1)
            .expect_stderr(&["error: another run is writing to out", "out/run/lock"]);
    }
    assert_same(&before, &scene.dataset("out").contents(), "a run that was refused");
    drop(held);
    scene.extract(&["--overwrite"]);
}

#[test]
fn directories_above_are_made() {
    let scene = scene();
    let dataset = scene.extract_to("not/yet/there", &[]);
    assert_eq!(dataset.rows("a").len(), 2);
}

#[test]
fn a_directory_may_have_any_name() {
    let scene = scene();
    let out = OsStr::from_bytes(b"two words \xff");
    let mut command = scene.tarquet(&["extract", "--tar-path", "archive.tar", "--feature-map", "map.yaml"]);
    let run = Run::of(command.arg("--out-dir").arg(out));
    run.expect_code(0).expect_quiet_stderr();
    fs::rename(scene.path(out), scene.path("out")).expect("it is there");
    assert_eq!(scene.dataset("out").members(), [2, 0, 0]);
    assert_eq!(scene.dataset("out").rows("a").len(), 2);
}

#[test]
fn nothing_is_left_in_run_that_a_reader_could_take_for_rows() {
    let scene = scene();
    scene.extract(&["--buffer-rows", "1"]);
    let left = fs::read_dir(scene.path("out/run/tmp")).map_or(0, |entries| entries.count());
    assert_eq!(left, 0, "temporary files of a run that is finished");
}

//! `tarquet verify`: every fault is named, and nothing is called one that is none.

use std::fs;

use nix::sys::signal::Signal;

use crate::support::documents::{Fault, MAP, searches};
use crate::support::ledger::Ledger;
use crate::support::process::wait_for;
use crate::support::{Run, Scene};

const SETTINGS: [&str; 6] = ["--buffer-rows", "1000", "--sample", "50", "--progress", "none"];

/// What `verify` says when something is wrong.
const FAULTY: i32 = 3;

/// A part in the middle of a table.
const PART: &str = "out/features_raw/feature=offers/part-00001.parquet";

/// A finished dataset of several parts, with a line in each log.
fn scene() -> Scene {
    let archive = searches(300, 20, |number| match number {
        7 => Some(Fault::Cut),
        200 => Some(Fault::Misfit),
        _ => None,
    });
    let scene = Scene::new(&archive, MAP);
    scene.run(&SETTINGS).expect_code(3);
    assert!(scene.dataset("out").parts("offers").len() >= 3);
    scene
}

fn verify(scene: &Scene, arguments: &[&str]) -> Run {
    Run::of(scene.tarquet(&["verify", "--out-dir", "out"]).args(arguments))
}

#[test]
fn a_sound_dataset_has_no_fault_and_is_left_as_it_is() {
    let scene = scene();
    let before = fs::read(scene.path("out/run/ledger.json")).expect("it is there");
    for arguments in [&[][..], &["--quick"]] {
        let run = verify(&scene, arguments);
        run.expect_code(0).expect_quiet_stderr();
        assert!(run.stdout.starts_with("out: every part "), "{run:#?}");
        assert!(run.stdout.contains("3 features, "), "{run:#?}");
    }
    assert_eq!(
        fs::read(scene.path("out/run/ledger.json")).expect("it is there"),
        before
    );
}

/// Damages one file of a sound dataset and asserts what is said of it; `quick` is what `--quick` has to find.
#[track_caller]
fn expect_fault(name: &str, change: impl FnOnce(&mut Vec<u8>), says: &str, quick: bool) {
    let scene = scene();
    let mut bytes = fs::read(scene.path(name)).unwrap_or_default();
    change(&mut bytes);
    scene.write(name, bytes);
    expect_only(&scene, name, says, quick);
}

/// Asserts that this is the one fault.
#[track_caller]
fn expect_only(scene: &Scene, name: &str, says: &str, quick: bool) {
    let run = verify(scene, &["--quiet"]);
    run.expect_code(FAULTY);
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert!(
        lines.len() == 1 && lines[0].starts_with(name) && lines[0].contains(says),
        "{says}: {run:#?}"
    );
    verify(scene, &["--quick"]).expect_code(if quick { FAULTY } else { 0 });
}

#[test]
fn a_flipped_bit_of_a_part_is_found() {
    expect_fault(PART, |bytes| bytes[100] ^= 1, "is damaged: its CRC-32 is ", false);
}

#[test]
fn a_part_that_is_cut_short_or_went_on_is_found() {
    expect_fault(
        PART,
        |bytes| bytes.truncate(bytes.len() - 1),
        " bytes, the ledger says ",
        true,
    );
    expect_fault(PART, |bytes| bytes.push(0), " bytes, the ledger says ", true);
}

#[test]
fn a_part_that_is_missing_is_found() {
    let scene = scene();
    fs::remove_file(scene.path(PART)).expect("it is there");
    expect_only(&scene, PART, "is missing", true);
}

#[test]
fn files_that_nobody_knows_are_named() {
    expect_fault(
        "out/features_raw/feature=offers/mine.parquet",
        |_| {},
        "unknown file",
        true,
    );
    expect_fault("out/features_raw/mine", |_| {}, "unknown file", true);
}

#[test]
fn logs_and_the_map_that_are_not_what_was_written_are_found() {
    expect_fault(
        "out/failed.log",
        |bytes| bytes.truncate(3),
        "has 3 bytes, the ledger says ",
        true,
    );
    expect_fault(
        "out/rescued.ndjson",
        |bytes| bytes.push(b'\n'),
        " bytes, the ledger says ",
        true,
    );
    expect_fault(
        "out/feature_map.resolved.yaml",
        |bytes| bytes.push(b'\n'),
        "is not the map ",
        true,
    );
}

#[test]
fn every_fault_is_named() {
    let scene = scene();
    let parts = [PART.to_owned(), PART.replace("offers/part-00001", "route/part-00000")];
    for part in &parts {
        fs::write(scene.path(part), "no Parquet").expect("the scene is writable");
    }
    let run = verify(&scene, &[]);
    run.expect_code(FAULTY);
    for part in &parts {
        assert!(run.stdout.contains(part), "no {part} in {run:#?}");
    }
    assert!(run.stdout.contains("out: 2 faults found; "), "{run:#?}");
}

#[test]
fn a_directory_without_a_dataset_is_no_dataset() {
    let scene = scene();
    for out in ["nowhere", "."] {
        let run = Run::of(&mut scene.tarquet(&["verify", "--out-dir", out]));
        run.expect_code(1).expect_stderr(&["error: ", out, "holds no dataset"]);
    }
}

#[test]
fn an_unfinished_run_is_told() {
    let archive = searches(1_500, 120, |_| None);
    let scene = Scene::new(&archive, MAP);
    let mut running = scene.start("out", &["--checkpoint-every", "5ms", "--buffer-rows", "4000"]);
    wait_for("a commit", || {
        assert!(running.is_running(), "it ended before anything was done to it");
        Ledger::read(&scene.path("out")).filter(|ledger| ledger.members() > 0)
    });
    running.signal(Signal::SIGKILL);
    running.end().expect_signal(Signal::SIGKILL as i32);
    let ledger = Ledger::read(&scene.path("out")).expect("it was begun");
    assert_eq!(ledger.state(), "running");
    let run = verify(&scene, &[]);
    // Parts that are not in their place are a fault that a resume mends.
    run.expect_code(if ledger.pending(&scene.path("out")).is_empty() {
        0
    } else {
        FAULTY
    });
    assert!(run.stdout.contains("the run is not finished: "), "{run:#?}");
    assert!(run.stdout.contains("--resume goes on"), "{run:#?}");
}

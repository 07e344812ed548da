//! Workers that cannot work: shell scripts in the place of the executable.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use tarquet_coordinator::machine::Death;
use tarquet_coordinator::{Coordinator, RunError, Settings};
use tarquet_dataset::{Existing, Options};

/// Every new worker dies at once: the run has to stop within this.
const STOPS_WITHIN: Duration = Duration::from_secs(5);

/// Runs an archive of one document through a worker that is this script; gives why it stopped.
fn run(script: &str) -> RunError {
    let dir = tempfile::tempdir().unwrap();
    let executable = dir.path().join("worker");
    fs::write(&executable, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&executable, Permissions::from_mode(0o755)).unwrap();
    let archive = dir.path().join("archive.tar");
    write_archive(&archive);
    let plan = tarquet_feature_map::parse("map.yaml", "{id: doc, features: {a: {path: $.a, type: int64}}}").unwrap();
    let settings = Settings {
        archive,
        out_dir: dir.path().join("out"),
        existing: Existing::Refuse,
        plan,
        sample: 1,
        include: Box::new(|_| true),
        workers: 8,
        engine: "simd-json".to_owned(),
        max_document_bytes: 1 << 20,
        parts: Options {
            buffer_rows: 100,
            buffer_bytes: 1 << 20,
            encoders: 1,
        },
        executable,
    };
    let started = Instant::now();
    let error = Coordinator::new(settings).run().expect_err("no worker works");
    assert!(started.elapsed() < STOPS_WITHIN, "it took {:?}", started.elapsed());
    assert_eq!(
        fs::read_dir(dir.path().join("out/features_raw/feature=a"))
            .unwrap()
            .count(),
        0
    );
    error
}

fn write_archive(path: &Path) {
    let mut header = tar::Header::new_ustar();
    header.set_size(8);
    header.set_mode(0o644);
    let mut archive = tar::Builder::new(fs::File::create(path).unwrap());
    archive.append_data(&mut header, "a.json", &b"{\"a\": 1}"[..]).unwrap();
    archive.finish().unwrap();
}

#[test]
fn workers_that_leave_at_once_stop_the_run_with_their_last_words() {
    let error = run("echo 'there is no room for me' >&2; exit 7");
    let text = error.to_string();
    match error {
        RunError::Workers { death, last_lines } => {
            assert_eq!(death, Death::Exit(7));
            assert_eq!(last_lines, ["there is no room for me"]);
        }
        other => panic!("{other}"),
    }
    assert!(
        text.contains("left with status 7") && text.contains("there is no room for me"),
        "{text}"
    );
}

#[test]
fn how_a_worker_died_is_told_as_it_was() {
    for (script, expected) in [("kill -ABRT $$", Death::Signal(6)), ("exit 0", Death::Exit(0))] {
        match run(script) {
            RunError::Workers { death, .. } => assert_eq!(death, expected, "{script}"),
            other => panic!("{script}: {other}"),
        }
    }
}

#[test]
fn workers_that_speak_nonsense_are_ended() {
    match run("yes nonsense") {
        RunError::Workers {
            death: Death::Protocol(why),
            ..
        } => assert!(why.contains("frame"), "{why}"),
        other => panic!("{other}"),
    }
}

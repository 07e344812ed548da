//! Workers that cannot work: shell scripts in the place of the executable.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tarquet_coordinator::machine::Death;
use tarquet_coordinator::{Coordinator, Output, RunError, Selection, Settings, Several, Source};
use tarquet_dataset::{Existing, Options};
use tarquet_wire::sandbox::Demand;
use tarquet_wire::start::WORKER_SUBCOMMAND;

/// Every new worker dies at once: the run has to stop within this.
const STOPS_WITHIN: Duration = Duration::from_secs(5);

/// One run at a time: it keeps all of the process's descriptors from its workers, and so would those of another run; and a
/// worker that is just being started holds whatever another test has open for writing, which then cannot be executed.
static ONE_RUN: Mutex<()> = Mutex::new(());

/// Runs an archive of so many members through workers that are this script, one a member; gives why it stopped.
fn run(script: &str, workers: usize) -> RunError {
    let _one = ONE_RUN.lock().unwrap_or_else(PoisonError::into_inner);
    let dir = tempfile::tempdir().unwrap();
    let archive = dir.path().join("archive.tar");
    write_archive(&archive, workers as u64);
    let plan = tarquet_feature_map::parse("map.yaml", "{id: doc, features: {a: {path: $.a, type: int64}}}").unwrap();
    let settings = Settings {
        documents: tarquet_coordinator::Documents::Auto,
        sources: vec![Source::File(archive)],
        several: Several::No,
        ignore_zeros: false,
        plan,
        sample: 1,
        selection: Selection {
            wanted: Box::new(|_| true),
            flags: Vec::new(),
        },
        workers,
        worker_memory: 1 << 30,
        inflate_threads: 1,
        sandbox: Demand::Auto,
        member_timeout: Duration::from_secs(60),
        engine: "simd-json".to_owned(),
        max_document_bytes: 1 << 20,
        executable: write_script(dir.path(), script),
    };
    let output = Output {
        out_dir: dir.path().join("out"),
        existing: Existing::Refuse,
        parts: Options {
            buffer_rows: 100,
            buffer_bytes: 1 << 20,
            encoders: 1,
        },
        checkpoint_every: Duration::from_secs(30),
    };
    let started = Instant::now();
    let Err(error) = Coordinator::open(settings, output).unwrap().run() else {
        panic!("no worker works");
    };
    assert!(started.elapsed() < STOPS_WITHIN, "it took {:?}", started.elapsed());
    let published = fs::read_dir(dir.path().join("out/features_raw/feature=a")).unwrap();
    assert_eq!(published.count(), 0);
    error
}

fn write_script(dir: &Path, script: &str) -> PathBuf {
    let path = dir.join("worker");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    path
}

/// Writes an archive of members of 1 MiB, each of which makes a task. They are holes: nobody gets to read them.
fn write_archive(path: &Path, members: u64) {
    const SIZE: u64 = 1 << 20;
    let file = File::create(path).unwrap();
    for number in 0..members {
        let mut header = tar::Header::new_ustar();
        header.set_path(format!("{number}.json")).unwrap();
        header.set_size(SIZE);
        header.set_mode(0o644);
        header.set_cksum();
        file.write_all_at(header.as_bytes(), number * (512 + SIZE)).unwrap();
    }
    file.set_len(members * (512 + SIZE) + 1024).unwrap();
}

#[test]
fn workers_that_leave_at_once_stop_the_run_with_their_last_words() {
    for workers in [1, 8, 256] {
        let error = run("echo 'there is no room for me' >&2; exit 7", workers);
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
}

#[test]
fn how_a_worker_died_is_told_as_it_was() {
    for (script, expected) in [("kill -ABRT $$", Death::Signal(6)), ("exit 0", Death::Exit(0))] {
        match run(script, 8) {
            RunError::Workers { death, .. } => assert_eq!(death, expected, "{script}"),
            other => panic!("{script}: {other}"),
        }
    }
}

#[test]
fn workers_that_speak_nonsense_are_ended() {
    // The second one would live on.
    for script in ["yes nonsense", "yes nonsense | head -c 4096; exec sleep 1000"] {
        match run(script, 8) {
            RunError::Workers {
                death: Death::Protocol(why),
                ..
            } => assert!(why.contains("frame"), "{script}: {why}"),
            other => panic!("{script}: {other}"),
        }
    }
}

#[test]
fn a_worker_is_told_whose_it_is_and_what_it_may_read() {
    match run(
        r#"echo "$# $1 $2 $3 $4" >&2; test -e "/proc/self/fd/$5" && echo open >&2; exit 1"#,
        1,
    ) {
        RunError::Workers { last_lines, .. } => {
            let told = format!("5 {WORKER_SUBCOMMAND} {} auto {}", std::process::id(), 1 << 30);
            assert_eq!(last_lines, [told.as_str(), "open"]);
        }
        other => panic!("{other}"),
    }
}

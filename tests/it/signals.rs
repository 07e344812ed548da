//! The end of a run that somebody wants to end: by the signal, soon, and without a child left behind.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};

use crate::support::dataset::assert_same;
use crate::support::documents::{MAP, searches};
use crate::support::process::{Running, children_of, wait_for, wait_within, workers_of};
use crate::support::scene::after;
use crate::support::{Run, Scene, gzip};

const SETTINGS: [&str; 4] = ["--workers", "3", "--buffer-rows", "4000"];

/// How long a worker may live after its coordinator.
const ORPHANED: Duration = Duration::from_millis(500);

fn archive() -> Vec<u8> {
    searches(1_500, 120, |_| None)
}

fn scene() -> Scene {
    Scene::new(&archive(), MAP)
}

/// A run of `scene` that has all its workers.
fn at_work(scene: &Scene, out: &str, arguments: &[&str]) -> Running {
    let mut run = scene.start(out, &[&SETTINGS, arguments].concat());
    wait_for("three workers", || {
        assert!(run.is_running(), "it ended before anything was done to it");
        (run.workers().len() == 3).then_some(())
    });
    run
}

/// Sends a signal to a run, and asserts that it ends in order.
#[track_caller]
fn stop(scene: &Scene, out: &str, run: Running, signal: Signal) {
    let (pid, sent) = (run.pid(), Instant::now());
    run.signal(signal);
    let run = run.end();
    let took = sent.elapsed();
    run.expect_signal(signal as i32);
    let last = run.stderr.lines().last().unwrap_or_default();
    let binary = env!("CARGO_BIN_EXE_tarquet");
    assert!(last.starts_with(&format!("stopped by {signal}: ")), "{run:#?}");
    assert!(
        last.contains(&format!(". To go on: {binary} extract --tar-path ")),
        "{run:#?}"
    );
    assert!(last.ends_with(" --resume"), "{run:#?}");
    assert!(took < Duration::from_secs(2), "{signal}: it took {took:?}");
    assert!(workers_of(pid).is_empty(), "{signal}: workers are left");
    assert_eq!(run.stdout, "", "a summary of a run that was stopped");
    assert!(!scene.path(out).join("summary.json").exists());
}

#[test]
fn a_signal_ends_the_run_by_that_signal_within_two_seconds() {
    let scene = scene();
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let out = signal.as_str();
        stop(&scene, out, at_work(&scene, out, &[]), signal);
    }
}

#[test]
fn a_signal_ends_a_run_that_is_at_its_sample_or_its_spool_too() {
    let scene = scene();
    let sampling = at_work(&scene, "sampling", &["--sample", "1000000"]);
    stop(&scene, "sampling", sampling, Signal::SIGINT);

    scene.write("archive.tar", gzip(&archive()));
    let sampling = at_work(&scene, "spooled sample", &["--sample", "1000000"]);
    stop(&scene, "spooled sample", sampling, Signal::SIGINT);
    let spooling = at_work(&scene, "spooling", &["--sample", "1"]);
    stop(&scene, "spooling", spooling, Signal::SIGTERM);
}

#[test]
fn a_second_signal_ends_the_run_too() {
    let scene = scene();
    let run = at_work(&scene, "out", &[]);
    let pid = run.pid();
    run.signal(Signal::SIGINT);
    run.signal(Signal::SIGTERM);
    let run = run.end();
    let by = run.status.signal();
    assert!(
        [Some(Signal::SIGINT as i32), Some(Signal::SIGTERM as i32)].contains(&by),
        "{run:#?}"
    );
    wait_within(ORPHANED, "no worker", || workers_of(pid).is_empty().then_some(()));
}

/// It sends its signal twice: to the process, and to the group.
#[test]
fn a_run_that_timeout_stops_ends_in_order() {
    let scene = scene();
    let command = scene.command("out", &SETTINGS);
    let mut timeout = Command::new("timeout");
    timeout.args(["--signal", "TERM", "0.5"]).arg(command.get_program());
    let run = Run::of(timeout.args(command.get_args()).current_dir(scene.path("")));
    let finished = run.stdout.contains("1,500 members extracted");
    assert!(finished || run.stderr.contains("stopped by SIGTERM: "), "{run:#?}");
}

#[test]
fn a_run_that_was_stopped_can_go_on_or_be_started_again() {
    let scene = scene();
    let expected = scene.extract_to("undisturbed", &SETTINGS).contents();
    for (out, flag) in [("resumed", "--resume"), ("begun again", "--overwrite")] {
        stop(&scene, out, at_work(&scene, out, &[]), Signal::SIGTERM);
        let again = scene.extract_to(out, &[&SETTINGS[..], &[flag]].concat()).contents();
        assert_same(&expected, &again, out);
    }
}

/// The command of the last line, as a shell reads it, ends what was begun.
#[test]
fn the_command_of_the_last_line_goes_on() {
    let scene = Scene::new(&archive(), MAP);
    let expected = scene.extract_to("undisturbed", &SETTINGS).contents();
    let out = "two words";
    let run = at_work(&scene, out, &["--overwrite"]);
    run.signal(Signal::SIGINT);
    let run = run.end();
    let (_, command) = run.stderr.split_once("To go on: ").expect("the last line");
    let status = Command::new("sh")
        .args(["-euc", command])
        .current_dir(scene.path(""))
        .output()
        .expect("a shell")
        .status;
    assert!(status.success(), "{status}: {command}");
    assert_same(&expected, &scene.dataset(out).contents(), "resumed");
}

#[test]
fn no_worker_outlives_a_coordinator_that_is_killed() {
    let scene = scene();
    for out in ["once", "twice", "thrice"] {
        let run = at_work(&scene, out, &[]);
        let pid = run.pid();
        run.signal(Signal::SIGKILL);
        wait_within(ORPHANED, "no worker", || workers_of(pid).is_empty().then_some(()));
        run.end().expect_signal(Signal::SIGKILL as i32);
    }
}

#[test]
fn a_run_whose_coordinator_was_killed_leaves_no_lock() {
    let scene = scene();
    let run = at_work(&scene, "out", &[]);
    run.signal(Signal::SIGKILL);
    run.end().expect_signal(Signal::SIGKILL as i32);
    scene.extract(&["--overwrite"]);
}

#[test]
fn what_an_unfinished_run_has_published_is_what_a_finished_one_publishes() {
    const SMALL: [&str; 8] = [
        "--workers",
        "3",
        "--buffer-rows",
        "1000",
        "--sample",
        "50",
        "--checkpoint-every",
        "5ms",
    ];
    let scene = scene();
    let whole = scene.extract_to("undisturbed", &SMALL).contents();
    let mut unfinished = 0;
    for (signal, parts) in [
        (Signal::SIGKILL, 1),
        (Signal::SIGTERM, 1),
        (Signal::SIGKILL, 8),
        (Signal::SIGTERM, 8),
    ] {
        let out = format!("{signal} {parts}");
        let mut run = scene.start(&out, &SMALL);
        wait_for("published parts, or the end", || {
            let enough = published(&scene, &out).len() >= parts;
            (enough || !run.is_running()).then_some(())
        });
        // Checkpoints are made by the clock, so a run may be at its end by then.
        if run.is_running() {
            run.signal(signal);
        }
        let run = run.end();
        assert!(
            run.status.success() || run.status.signal() == Some(signal as i32),
            "{run:#?}"
        );
        unfinished += usize::from(!run.status.success());
        let published = published(&scene, &out);
        assert!(published.len() >= parts, "{out}: {published:?}");
        for path in published {
            let bytes = fs::read(scene.path(&out).join(&path)).expect("it is there");
            assert!(whole.get(&path) == Some(&bytes), "{out}: {} is another", path.display());
        }
    }
    assert!(unfinished > 0, "no run was ended before its end");
}

/// The files among the features of `out`, as paths in it.
fn published(scene: &Scene, out: &str) -> Vec<PathBuf> {
    let features = ["route", "traveller", "offers"].map(|name| format!("features_raw/feature={name}"));
    let files = features.iter().flat_map(|feature| {
        let entries = fs::read_dir(scene.path(out).join(feature)).into_iter().flatten();
        entries.map(move |entry| Path::new(feature).join(entry.expect("an entry").file_name()))
    });
    files.collect()
}

/// The first process of a container is not killed by signals that it sends to itself: it has to exit as a shell would.
#[test]
#[expect(clippy::print_stderr, reason = "a test that cannot run here says so")]
fn as_process_one_the_exit_code_tells_the_signal() {
    let in_a_namespace = |command: &Command| {
        let mut unshare = Command::new("unshare");
        unshare.args(["--pid", "--fork", "--kill-child"]);
        unshare.arg(command.get_program()).args(command.get_args());
        unshare
    };
    let possible = in_a_namespace(&Command::new("true")).output();
    if !possible.is_ok_and(|output| output.status.success()) {
        return eprintln!("skipped: no process namespace can be made here");
    }
    let scene = scene();
    for (signal, code) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
        let command = scene.command(signal.as_str(), &SETTINGS);
        let mut run = Running::start_slowly(in_a_namespace(&command).current_dir(scene.path("")));
        let first = wait_for("three workers of process 1", || {
            assert!(run.is_running(), "it ended before anything was done to it");
            let first = children_of(run.pid()).first().copied()?;
            (children_of(first).len() == 3).then_some(first)
        });
        kill(first, signal).expect("it is still there");
        let run: Run = run.end();
        run.expect_code(code).expect_stderr(&[&format!("stopped by {signal}")]);
    }
}

/// As `nohup` and a shell's `&` in a script have it.
#[test]
fn a_signal_that_is_ignored_from_the_start_is_ignored() {
    let scene = scene();
    for signal in [Signal::SIGHUP, Signal::SIGINT] {
        let (name, out) = (signal.as_str().trim_start_matches("SIG"), signal.as_str());
        let run = Running::start_slowly(&mut after(&format!("trap '' {name}"), &scene.command(out, &SETTINGS)));
        wait_for("three workers", || (run.workers().len() == 3).then_some(()));
        run.signal(signal);
        run.end().expect_code(0);
        assert_eq!(scene.dataset(out).rows("route").len(), 1_500, "{signal}");
    }
}

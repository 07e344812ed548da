//! Worker processes: what they hold, and what comes of it when they die.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::json;

use crate::support::dataset::assert_same;
use crate::support::documents::{MAP, searches};
use crate::support::process::{Descriptor, Running, Worker, wait_for, wait_within, workers_of};
use crate::support::scene::after;
use crate::support::{Run, Scene, Tar, gzip};

const SETTINGS: [&str; 6] = ["--workers", "3", "--buffer-rows", "4000", "--sample", "50"];

/// An archive that keeps some workers busy for a while.
fn archive() -> Vec<u8> {
    searches(1_500, 120, |_| None)
}

/// Waits until some worker that is not in `killed` has read so many bytes; `None` when the run ends before.
fn worker_that_read(run: &mut Running, bytes: u64, killed: &BTreeSet<Worker>) -> Option<Worker> {
    wait_for("a worker that has read something, or the end", || {
        let workers = run.workers();
        let worker = workers.difference(killed).find(|worker| worker.bytes_read() >= bytes);
        match worker {
            Some(worker) => Some(Some(*worker)),
            None if run.is_running() => None,
            None => Some(None),
        }
    })
}

/// Kills every worker once it has read so many bytes, but no more than `most` of them. Gives how many it killed.
fn disturb(run: &mut Running, bytes: u64, most: usize, signal: Signal) -> usize {
    let mut killed = BTreeSet::new();
    while killed.len() < most
        && let Some(worker) = worker_that_read(run, bytes, &killed)
    {
        worker.kill(signal);
        killed.insert(worker);
    }
    killed.len()
}

#[test]
fn workers_that_are_killed_leave_no_trace_in_the_dataset() {
    let plain = archive();
    let packed = gzip(&plain);
    let scene = Scene::new(&plain, MAP);
    let expected = scene.extract_to("undisturbed", &SETTINGS).contents();
    for (out, content, signal) in [
        ("killed", &plain, Signal::SIGKILL),
        ("terminated", &plain, Signal::SIGTERM),
        ("spooled", &packed, Signal::SIGKILL),
    ] {
        scene.write("archive.tar", content);
        let mut run = scene.start(out, &SETTINGS);
        // Each has done a task of a mebibyte or two by then, so the run gets on.
        let killed = disturb(&mut run, 2 << 20, usize::MAX, signal);
        let run = run.end();
        run.expect_code(0);
        assert!(killed >= 1, "{out}: it ended before anybody was killed");
        let dataset = scene.dataset(out);
        assert_eq!(dataset.text("failed.log"), "", "{out}");
        let replaced = dataset.summary()["workers_replaced"].as_u64().expect("a count");
        // Those that die when no work is left for them are not missed.
        assert!(
            replaced >= 1 && replaced <= killed as u64,
            "{out}: {replaced} of {killed}"
        );
        assert_eq!(
            run.stderr.matches("another one gets what it had in hand").count() as u64,
            replaced,
            "{run:#?}"
        );
        assert_same(&expected, &dataset.contents(), out);
    }
}

#[test]
fn workers_that_are_killed_while_types_are_inferred_change_no_type() {
    let scene = Scene::new(&archive(), MAP);
    let settings = ["--workers", "3", "--sample", "1000000"];
    let expected = scene.extract_to("undisturbed", &settings).contents();
    let mut run = scene.start("out", &settings);
    let killed = disturb(&mut run, 1 << 20, 3, Signal::SIGKILL);
    assert!(
        killed == 3 && !scene.path("out/feature_map.resolved.yaml").exists(),
        "the sample was over too soon"
    );
    run.end().expect_code(0);
    assert_same(&expected, &scene.dataset("out").contents(), "killed in the sample");
}

/// Documents of which one is so large that whoever reads it is busy with it for a while.
fn archive_with_a_giant() -> Vec<u8> {
    let giant = format!("{{\"a\":2,\"pad\":[{}0]}}", "10,".repeat(GIANT as usize / 3));
    Tar::new()
        .file("1.json", r#"{"a":1}"#)
        .file("giant.json", giant)
        .file("3.json", r#"{"a":3}"#)
        .finish()
}

/// The size of the giant, in bytes.
const GIANT: u64 = 8 << 20;

/// The sums take long to make.
const GIANT_MAP: &str = "\
id: doc
features:
  a: {path: $.a, type: int64}
  sums:
    columns:
      one: {path: '$.pad[?@ > 1]', take: sum, type: int64}
      two: {path: '$.pad[?@ > 2]', take: sum, type: int64}
      three: {path: '$.pad[?@ > 3]', take: sum, type: int64}
      four: {path: '$.pad[?@ > 4]', take: sum, type: int64}
";

/// Runs over the giant, kills so many workers that have it in hand, and gives the scene and the exit code.
fn kill_at_the_giant(deaths: usize, signal: Signal) -> (Scene, Option<i32>) {
    let scene = Scene::new(&archive_with_a_giant(), GIANT_MAP);
    let mut run = scene.start("out", &["--workers", "1", "--engine", "reference"]);
    assert_eq!(disturb(&mut run, GIANT, deaths, signal), deaths, "it was done too soon");
    let run = run.end();
    (scene, run.status.code())
}

#[test]
fn a_member_whose_worker_dies_twice_fails_and_the_others_do_not() {
    let (scene, code) = kill_at_the_giant(2, Signal::SIGABRT);
    assert_eq!(code, Some(3));
    let dataset = scene.dataset("out");
    assert_eq!(dataset.reasons(), [("giant.json".to_owned(), "crash".to_owned())]);
    assert_eq!(dataset.rows("a"), [json!(["1", 1]), json!(["3", 3])]);
    assert_eq!(dataset.members(), [2, 1, 0]);
    assert_eq!(dataset.summary()["workers_replaced"], 2);
}

#[test]
fn a_member_whose_worker_dies_once_is_tried_again() {
    let (scene, code) = kill_at_the_giant(1, Signal::SIGABRT);
    assert_eq!(code, Some(0));
    let rows = [json!(["1", 1]), json!(["giant", 2]), json!(["3", 3])];
    assert_eq!(scene.dataset("out").rows("a"), rows);
}

#[test]
fn kills_from_outside_count_against_a_member_only_from_the_fourth() {
    let (scene, code) = kill_at_the_giant(4, Signal::SIGKILL);
    assert_eq!(code, Some(0));
    assert_eq!(scene.dataset("out").rows("a").len(), 3);
    let (scene, code) = kill_at_the_giant(5, Signal::SIGKILL);
    assert_eq!(code, Some(3));
    assert_eq!(
        scene.dataset("out").reasons(),
        [("giant.json".to_owned(), "crash".to_owned())]
    );
}

/// One that is busy does not see that its pipe has ended.
#[test]
fn a_busy_worker_dies_with_its_coordinator() {
    let scene = Scene::new(&archive_with_a_giant(), GIANT_MAP);
    let mut run = scene.start("out", &["--workers", "1", "--engine", "reference"]);
    let coordinator = run.pid();
    worker_that_read(&mut run, GIANT, &BTreeSet::new()).expect("it was done too soon");
    run.signal(Signal::SIGKILL);
    let gone = || workers_of(coordinator).is_empty().then_some(());
    wait_within(Duration::from_millis(250), "no worker", gone);
    run.end().expect_signal(Signal::SIGKILL as i32);
}

#[test]
fn a_worker_holds_its_pipes_its_socket_and_the_source_and_nothing_else() {
    for (what, archive, source) in [
        ("a plain tar", archive(), "archive.tar"),
        ("a gzip", gzip(&archive()), "memfd:"),
    ] {
        let scene = Scene::new(&archive, MAP);
        // Whoever starts the run has something open that is not for its workers.
        let mut run = Running::start(&mut after("exec 7<map.yaml 8>&1", &scene.command("out", &SETTINGS)));
        let mut channels_of_others: BTreeSet<PathBuf> = BTreeSet::new();
        let workers = wait_for("three workers at work", || {
            assert!(run.is_running(), "{what}: it ended before it was looked at");
            let workers = run.workers();
            let at_work = workers.iter().all(|worker| worker.bytes_read() > 1 << 20);
            (workers.len() == 3 && at_work).then_some(workers)
        });
        for worker in workers {
            let held = worker
                .descriptors()
                .unwrap_or_else(|| panic!("{what}: a worker left at once"));
            expect_own(&held, source);
            let channels: BTreeSet<PathBuf> = channels(&held).map(|channel| channel.target.clone()).collect();
            assert!(
                channels.is_disjoint(&channels_of_others),
                "{what}: a pipe or the socket of another worker: {held:#?}"
            );
            channels_of_others.extend(channels);
        }
        run.end().expect_code(0);
    }
}

/// Asserts that these are the descriptors of a worker: three pipes, the socket over which its sources come, and the source for
/// reading only.
fn expect_own(held: &[Descriptor], source: &str) {
    let channels: BTreeSet<&PathBuf> = channels(held).map(|channel| &channel.target).collect();
    assert_eq!(
        channels.len(),
        4,
        "its input, its output, its errors and its socket: {held:#?}"
    );
    let sockets = channels
        .iter()
        .filter(|target| target.to_string_lossy().starts_with("socket:"));
    assert_eq!(sockets.count(), 1, "{held:#?}");
    for descriptor in held.iter().filter(|descriptor| !descriptor.is_channel()) {
        let is_source = descriptor.target.to_string_lossy().contains(source);
        assert!(is_source && !descriptor.writable, "{descriptor:?} in {held:#?}");
    }
}

fn channels(held: &[Descriptor]) -> impl Iterator<Item = &Descriptor> {
    held.iter().filter(|descriptor| descriptor.is_channel())
}

#[test]
fn a_worker_that_cannot_be_started_is_told() {
    let scene = Scene::new(&archive(), MAP);
    let run = Run::of(&mut after("ulimit -n 20", &scene.command("out", &["--workers", "12"])));
    run.expect_code(1)
        .expect_stderr(&["error: cannot start a worker process", "Too many open files"]);
}

#[test]
fn without_a_number_there_are_eight_to_twelve() {
    let scene = Scene::new(&archive(), MAP);
    let mut command = scene.tarquet(&["extract", "--tar-path", "archive.tar", "--feature-map", "map.yaml"]);
    let mut run = Running::start(command.args(["--out-dir", "out"]));
    let mut most = 0;
    wait_for("the end", || {
        most = most.max(run.workers().len());
        (!run.is_running()).then_some(())
    });
    run.end().expect_code(0);
    assert!((8..=12).contains(&most), "{most} workers");
}

#[test]
fn there_are_never_more_workers_than_asked_for_nor_more_than_there_is_work() {
    let scene = Scene::new(&archive(), MAP);
    let mut run = scene.start("out", &SETTINGS);
    wait_for("the end", || {
        let workers = run.workers();
        assert!(workers.len() <= 3, "{workers:?}");
        (!run.is_running()).then_some(())
    });
    run.end().expect_code(0);

    let scene = Scene::new(
        &crate::support::tar(&[("1.json", r#"{"a":1}"#)]),
        "id: doc\nfeatures: {a: {path: $.a, type: int64}}\n",
    );
    let dataset = scene.extract(&["--workers", "256"]);
    assert_eq!(dataset.rows("a"), [json!(["1", 1])]);
}

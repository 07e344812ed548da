//! A disk that stands still: what is on its way to it stays within the budget that the README states.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use nix::libc::O_NONBLOCK;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use crate::arena::MAP;
use crate::support::dataset::{Contents, assert_same};
use crate::support::documents::{Random, name, search};
use crate::support::process::{Running, wait_for};
use crate::support::{Scene, Tar, gzip};
use crate::sweep::{Tally, sweep, times};

const WORKERS: u64 = 3;

/// What open parts may hold, in bytes.
const BUFFERS: u64 = 4 << 20;

/// What the spool holds of an archive that is compressed, in bytes.
const SPOOL: u64 = 64 << 20;

/// Calls that do not return: the `n`th or one soon after, when parts are being written and published.
const STALLS: [(&str, u64); 3] = [("fsync", 20), ("write", 100), ("rename", 6)];

/// A run whose processes did nothing for so long does nothing more.
const AT_REST: Duration = Duration::from_millis(500);

/// The README's formula, in bytes: itself, the spool, open parts and those being encoded with Arrow's own tenth, credit.
fn budget(spool: u64) -> u64 {
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get) as u64;
    let encoders = (cores / 2).clamp(1, 4);
    (48 << 20) + spool + BUFFERS * (1 + encoders) * 11 / 10 + WORKERS * (4 << 20)
}

#[test]
fn a_stalled_writer_keeps_memory_within_its_budget() {
    sweep("a disk that stands still, and then goes on", stall, |tally| {
        assert!(tally.of("stalls") >= 2, "{} stalls", tally.of("stalls"));
    });
}

fn stall(random: &mut Random, tally: &mut Tally) {
    let first = random.below(900_000) as usize;
    let add = |tar: Tar, number| tar.file(&name(number), search(number, 200));
    let archive = (first..first + times(4_000, 8_000)).fold(Tar::new(), add).finish();
    let scene = Scene::new(&archive, MAP);
    let expected = scene
        .extract_to("undisturbed", &arguments(&["--checkpoint-every", "200ms"]))
        .contents();
    for spool in [0, SPOOL].into_iter().take(times(1, 2)) {
        expect_more_than(&scene, budget(spool));
        if spool > 0 {
            scene.write("archive.tar", gzip(&archive));
        }
        for (operation, first) in STALLS.into_iter().take(times(1, 3)) {
            let failpoint = format!("{operation}:{}:stall", first + random.below(first));
            stall_once(&scene, &failpoint, &expected, budget(spool), tally);
        }
    }
}

/// Two parts at a time are encoded, so the writer can stand still while there is more to come.
fn arguments<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let always = [
        "--workers",
        "3",
        "--buffer-bytes",
        "4MiB",
        "--sample",
        "50",
        "--progress",
        "none",
    ];
    [&always, more].concat()
}

/// Asserts that the rows of the archive do not fit the budget: else it would not show that anything is bounded.
fn expect_more_than(scene: &Scene, budget: u64) {
    let summary = scene.dataset("undisturbed").summary();
    let bytes = summary["document_bytes"].as_u64().expect("a size");
    assert!(
        bytes > budget,
        "{bytes} bytes of documents are no test of a budget of {budget}"
    );
}

/// Runs with a call to the file system that does not return until it is told to.
fn stall_once(scene: &Scene, failpoint: &str, expected: &Contents, budget: u64, tally: &mut Tally) {
    let fifo = scene.path("fifo");
    mkfifo(&fifo, Mode::S_IRWXU).expect("the scene is writable");
    let mut command = scene.command("out", &arguments(&["--checkpoint-every", "200ms"]));
    command
        .env("TARQUET_FAILPOINT", failpoint)
        .env("TARQUET_FAILPOINT_FIFO", &fifo);
    let mut running = Running::start(&mut command);
    wait_until_at_rest(&mut running, failpoint);
    let peak = running.peak_memory();
    assert!(
        peak <= budget,
        "{failpoint}: {peak} bytes at the most, the budget is {budget}"
    );
    assert!(peak > 0 && running.is_running(), "{failpoint}: it did not stand still");
    // Somebody who writes is what the call waits for.
    drop(writer(&fifo, failpoint));
    running.end().expect_code(0);
    assert_same(expected, &scene.dataset("out").contents(), failpoint);
    tally.count("stalls");
    tally.raise("MiB of memory at the most", peak >> 20);
    tally.raise("MiB of budget", budget >> 20);
    fs::remove_file(fifo).expect("it is there");
    fs::remove_dir_all(scene.path("out")).expect("it is there");
}

/// Waits until no worker has read anything for a while.
fn wait_until_at_rest(running: &mut Running, failpoint: &str) {
    let read = |running: &Running| -> u64 { running.workers().into_iter().map(|worker| worker.bytes_read()).sum() };
    let mut last = (0, Instant::now());
    wait_for("a run that stands still", || {
        assert!(running.is_running(), "{failpoint}: it did not stand still");
        let now = read(running);
        if now != last.0 || now == 0 {
            last = (now, Instant::now());
        }
        (last.1.elapsed() >= AT_REST).then_some(())
    });
}

/// Opens the FIFO for writing, which succeeds only while somebody waits for that (`fifo(7)`).
fn writer(fifo: &PathBuf, failpoint: &str) -> File {
    let opened = OpenOptions::new().write(true).custom_flags(O_NONBLOCK).open(fifo);
    opened.unwrap_or_else(|error| panic!("{failpoint}: nobody waits: {error}"))
}

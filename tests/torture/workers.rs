//! A worker that somebody kills, again and again.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::arena::MAP;
use crate::support::dataset::{Contents, assert_same};
use crate::support::documents::{Random, name, search};
use crate::support::process::{Running, Worker};
use crate::support::{Dataset, Scene, Tar};
use crate::sweep::{Tally, is_long, sweep, times, wait_until};

/// How often a worker is killed.
const EVERY: Duration = Duration::from_millis(50);

const ARGUMENTS: [&str; 8] = [
    "--workers",
    "4",
    "--buffer-rows",
    "20000",
    "--sample",
    "50",
    "--progress",
    "none",
];

/// What is measured.
const UNDISTURBED: &str = "undisturbed";
const DISTURBED: &str = "disturbed";

#[test]
fn a_worker_is_killed_every_50_ms() {
    sweep("a random worker killed every 50 ms", kill_workers, |tally| {
        assert!(
            tally.of("workers killed") >= 10,
            "{} workers were killed",
            tally.of("workers killed")
        );
        let [undisturbed, disturbed] = [UNDISTURBED, DISTURBED].map(|what| tally.percentile(what, 50));
        let percent = 100 * undisturbed.as_millis() / disturbed.as_millis().max(1);
        tally.raise("% of undisturbed throughput", percent as u64);
        // A short run is over before it tells anything of its pace.
        assert!(!is_long() || percent >= 70, "{percent} % of undisturbed throughput");
    });
}

fn kill_workers(random: &mut Random, tally: &mut Tally) {
    let documents = times(3_000, 10_000);
    let first = random.below(900_000) as usize;
    let add = |tar: Tar, number| tar.file(&name(number), search(number, 250));
    let archive = (first..first + documents).fold(Tar::new(), add).finish();
    let scene = Scene::new(&archive, MAP);
    tally.add("members", documents as u64);
    let mut expected: Option<Contents> = None;
    for round in 0..times(1, 3) {
        let undisturbed = scene.extract_to(&format!("undisturbed {round}"), &ARGUMENTS);
        tally.took(UNDISTURBED, elapsed(&undisturbed));
        let expected = expected.get_or_insert_with(|| undisturbed.contents());
        let out = format!("disturbed {round}");
        let killed = disturb(scene.start(&out, &ARGUMENTS), random);
        let disturbed = scene.dataset(&out);
        tally.took(DISTURBED, elapsed(&disturbed));
        assert_eq!(disturbed.text("failed.log"), "");
        assert_same(expected, &disturbed.contents(), &out);
        let replaced = disturbed.summary()["workers_replaced"].as_u64().expect("a count");
        assert!(replaced > 0 && replaced <= killed, "{replaced} of {killed} replaced");
        tally.add("workers killed", killed);
    }
}

/// How long a run says that it took.
fn elapsed(dataset: &Dataset) -> Duration {
    Duration::from_secs_f64(dataset.summary()["elapsed_seconds"].as_f64().expect("seconds"))
}

/// Kills one of the workers every 50 ms until the run ends, which has to succeed; how many were killed.
fn disturb(mut running: Running, random: &mut Random) -> u64 {
    let mut killed = 0;
    let mut next = Instant::now();
    while running.is_running() {
        let workers: Vec<Worker> = running.workers().into_iter().collect();
        if !workers.is_empty() {
            workers[random.below(workers.len() as u64) as usize].kill(Signal::SIGKILL);
            killed += 1;
        }
        next += EVERY;
        wait_until(next);
    }
    running.end().expect_code(0);
    killed
}

//! The watch with made-up readings, and the readings of real processes.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Instant;

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use proptest::prelude::*;

use super::*;

const LIMIT: Duration = Duration::from_secs(60);

const WORKER: WorkerId = WorkerId(7);

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Ticks once for each of these readings of [`WORKER`]'s time, in seconds; tells at which ones it is overdue.
fn overdue_at(watch: &mut Watch, readings: &[u64]) -> Vec<usize> {
    let overdue = |used: u64| !watch.tick(|_| Some(seconds(used))).is_empty();
    let found: Vec<bool> = readings.iter().copied().map(overdue).collect();
    (0..found.len()).filter(|&at| found[at]).collect()
}

#[test]
fn what_a_worker_used_before_its_announcement_does_not_count() {
    let mut watch = Watch::new(LIMIT);
    watch.announced(WORKER);
    assert_eq!(overdue_at(&mut watch, &[1_000, 1_030, 1_060]), [0; 0]);
    assert_eq!(overdue_at(&mut watch, &[1_061, 1_062]), [1]);
}

#[test]
fn the_limit_itself_may_be_used() {
    let mut watch = Watch::new(LIMIT);
    watch.announced(WORKER);
    assert_eq!(overdue_at(&mut watch, &[0, 60, 60, 60]), [0; 0]);
}

#[test]
fn an_overdue_worker_is_told_once() {
    let mut watch = Watch::new(LIMIT);
    watch.announced(WORKER);
    assert_eq!(overdue_at(&mut watch, &[0, 61, 62, 200, 400]), [2]);
}

#[test]
fn what_is_heard_between_two_ticks_clears_a_worker() {
    let mut watch = Watch::new(LIMIT);
    watch.announced(WORKER);
    assert_eq!(overdue_at(&mut watch, &[0, 500]), [0; 0]);
    watch.announced(WORKER);
    assert_eq!(overdue_at(&mut watch, &[501, 561]), [0; 0]);
    watch.idle(WORKER);
    assert_eq!(overdue_at(&mut watch, &[5_000, 6_000, 7_000]), [0; 0]);
}

#[test]
fn a_worker_whose_time_cannot_be_read_is_not_overdue() {
    let mut watch = Watch::new(LIMIT);
    watch.announced(WORKER);
    assert_eq!(overdue_at(&mut watch, &[0, 100]), [0; 0]);
    assert!(watch.tick(|_| None).is_empty());
    assert_eq!(overdue_at(&mut watch, &[101]), [0], "the base line is kept");
}

#[test]
fn each_worker_has_its_own_time() {
    let mut watch = Watch::new(LIMIT);
    let workers = [WorkerId(1), WorkerId(2), WorkerId(3)];
    workers.iter().for_each(|&worker| watch.announced(worker));
    // Each one takes as many times the pace of the first as its number says.
    for (at, expected) in [
        (0, vec![]),
        (25, vec![]),
        (31, vec![WorkerId(3)]),
        (61, vec![WorkerId(2)]),
        (62, vec![WorkerId(1)]),
    ] {
        assert_eq!(
            watch.tick(|worker| Some(seconds(at * worker.0))),
            expected,
            "after {at} s"
        );
    }
}

#[test]
fn ticks_are_a_tenth_of_the_limit_apart_within_bounds() {
    for (limit, period) in [(1, 10), (100, 10), (2_000, 200), (10_000, 1_000), (3_600_000, 1_000)] {
        assert_eq!(
            Watch::new(Duration::from_millis(limit)).period(),
            Duration::from_millis(period)
        );
    }
}

proptest! {
    /// Announcements and pauses at random, time that goes on at random: a worker is told exactly when, since its last
    /// announcement, two ticks in a row were more than the limit past the first, and only once.
    #[test]
    fn a_worker_is_overdue_at_the_second_tick_past_the_limit(steps in prop::collection::vec((0_u8..8, 0_u64..40), 0..60)) {
        let mut watch = Watch::new(LIMIT);
        let (mut now, mut ticks): (u64, Option<Vec<u64>>) = (0, None);
        for (step, passed) in steps {
            now += passed;
            match step {
                0 => { watch.announced(WORKER); ticks = Some(Vec::new()); }
                1 => { watch.idle(WORKER); ticks = None; }
                _ => {
                    let told = !watch.tick(|_| Some(seconds(now))).is_empty();
                    let mut expected = false;
                    if let Some(ticks) = &mut ticks {
                        ticks.push(now);
                        expected = ticks.iter().filter(|&&at| at - ticks[0] > LIMIT.as_secs()).count() == 2;
                    }
                    prop_assert_eq!(told, expected);
                }
            }
        }
    }
}

#[test]
fn the_kernels_statistics_are_read() {
    assert_eq!(of_schedstat("961590 48011 3\n"), Some(Duration::from_nanos(961_590)));
    for uncounted in ["0 0 0\n", "", "1 2", "1 x 3"] {
        assert_eq!(of_schedstat(uncounted), None, "{uncounted:?}");
    }
    let stat = "12133 (a) b (c) R 12122 12122 3012 0 -1 4194304 102 0 0 0 150 25 0 0 20 0 1 0 1275107 3133440 416";
    assert_eq!(of_stat(stat), Some(Duration::from_millis(1_750)));
    for broken in [
        "",
        "12133 cat R 1 1",
        "12133 (cat) R 1 1 1 1",
        "1 (x) R 1 1 1 1 1 1 1 1 1 1 u s",
    ] {
        assert_eq!(of_stat(broken), None, "{broken:?}");
    }
}

/// A process that is killed and waited for in the end.
struct Process(Child);

impl Process {
    fn start(script: &str) -> Process {
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        Process(command.spawn().unwrap())
    }

    /// Waits until it says something.
    fn hear(&mut self) {
        self.0.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
    }

    fn used(&self) -> Duration {
        time_used(self.0.id()).expect("it is there until it is waited for")
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.0.id() as i32)
    }

    /// Stops it, and waits until it is stopped.
    fn stop(&self) {
        kill(self.pid(), Signal::SIGSTOP).unwrap();
        let status = waitpid(self.pid(), Some(WaitPidFlag::WUNTRACED)).unwrap();
        assert!(matches!(status, WaitStatus::Stopped(..)), "{status:?}");
    }

    /// Waits until it has used so much more.
    fn use_up(&self, more: Duration) {
        let (base, until) = (self.used(), Instant::now() + seconds(30));
        while self.used() < base + more {
            assert!(Instant::now() < until, "it used {:?} in 30 s", self.used() - base);
            thread::yield_now();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

const BUSY: &str = "while :; do :; done";

#[test]
fn only_a_process_that_runs_uses_time() {
    const WHILE: Duration = Duration::from_millis(300);
    let busy = Process::start(BUSY);
    let stopped = Process::start(BUSY);
    stopped.use_up(Duration::from_millis(20));
    stopped.stop();
    // It reads a pipe on which nothing comes: a worker without credit.
    let mut waiting = Process::start("echo; read line");
    waiting.hear();
    let before = [stopped.used(), waiting.used()];
    busy.use_up(WHILE);
    let after = [stopped.used(), waiting.used()];
    assert_eq!(after[0], before[0], "a stopped process used time");
    // It may still have been on its way to the pipe.
    assert!(
        after[1] - before[1] < WHILE / 3,
        "a waiting process used {:?}",
        after[1] - before[1]
    );
    kill(stopped.pid(), Signal::SIGCONT).unwrap();
    stopped.use_up(Duration::from_millis(20));
}

#[test]
fn a_process_that_ended_uses_none_and_one_that_is_not_there_has_none() {
    let mut ended = Process::start("exit 0");
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
    nix::sys::wait::waitid(nix::sys::wait::Id::Pid(ended.pid()), flags).unwrap();
    assert_eq!(ended.used(), ended.used());
    ended.0.wait().unwrap();
    assert_eq!(time_used(u32::MAX), None);
}

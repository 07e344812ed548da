//! Ctrl-C, at any instant.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::unistd::Pid;

use crate::arena::{Arena, Input, SOME_FAILED, Size};
use crate::support::Run;
use crate::support::documents::Random;
use crate::support::process::{Running, wait_for, wait_within, workers_of};
use crate::sweep::{Tally, moment, sweep, times, wait_until};

/// Long enough that most signals come while there is something to drain and to commit.
const SIZE: Size = Size {
    documents: 2_000,
    offers: 40,
    buffer_rows: 5_000,
    checkpoint_every: "20ms",
};

/// How soon a run that is to stop has stopped, but for one of a hundred.
const SOON: Duration = Duration::from_secs(2);

/// How soon it has stopped once the second signal came.
const AT_ONCE: Duration = Duration::from_millis(200);

/// No child is there any more so long after the end.
const CHILDLESS: Duration = Duration::from_millis(100);

/// The same signal is a second one only if it comes later than this: some programs send theirs twice.
const SAME_WISH: Duration = Duration::from_millis(25);

/// What is measured: from the last signal to the end.
const ENDED: &str = "to end";

/// Mostly what Ctrl-C sends.
fn any_signal(random: &mut Random) -> Signal {
    match random.below(4) {
        0 => Signal::SIGTERM,
        1 => Signal::SIGHUP,
        _ => Signal::SIGINT,
    }
}

#[test]
fn one_signal_at_random_instants() {
    sweep("Ctrl-C at random instants, then --resume", interrupt_many, |tally| {
        assert!(tally.of("with something committed") > 0);
        let most = tally.percentile(ENDED, 99);
        assert!(most <= SOON, "{most:?}");
    });
}

fn interrupt_many(random: &mut Random, tally: &mut Tally) {
    let signals = [times(6, 40), times(4, 30), times(4, 30), times(4, 30)];
    for (input, signals) in Input::ALL.into_iter().zip(signals) {
        let arena = Arena::new(SIZE, input, random);
        let wanted = tally.of("signals") + signals as u64;
        while tally.of("signals") < wanted {
            interrupt(&arena, "out", random, tally);
        }
    }
}

/// Starts a run, sends it a signal, and resumes it.
fn interrupt(arena: &Arena, out: &str, random: &mut Random, tally: &mut Tally) {
    let (signal, instant) = (any_signal(random), moment(random, arena.clean()));
    let when = format!("{out}: {signal} after {instant:?}");
    let running = arena.start(out, &[]);
    wait_until(Instant::now() + instant);
    let (run, took) = stop(running, signal);
    arena.expect_whole_parts(out, &when);
    if run.status.signal() == Some(signal as i32) {
        tally.count("signals");
        tally.took(ENDED, took);
        expect_last_line(&run, signal, out, tally);
    } else {
        run.expect_code(SOME_FAILED);
    }
    arena.finish(out, &when);
    arena.verify(out);
    arena.remove(out);
}

/// Sends a signal, waits for the end, and asserts that no child is left.
fn stop(running: Running, signal: Signal) -> (Run, Duration) {
    let (pid, sent) = (running.pid(), Instant::now());
    running.signal(signal);
    let run = running.end();
    let took = sent.elapsed();
    wait_within(CHILDLESS, "no child", || workers_of(pid).is_empty().then_some(()));
    (run, took)
}

/// A run that had come so far that it watched for signals says how to go on.
fn expect_last_line(run: &Run, signal: Signal, out: &str, tally: &mut Tally) {
    if !run.stdout.is_empty() {
        return tally.count("when all was done");
    }
    let Some(last) = run.stderr.lines().last() else {
        return tally.count("before anything was begun");
    };
    let told = last.strip_prefix(&format!("stopped by {signal}: "));
    let told = told.unwrap_or_else(|| panic!("{run:#?}"));
    assert!(last.ends_with("--resume"), "{last}");
    if told.contains(&format!("committed in {out}. To go on: ")) {
        tally.count("with something committed");
    } else {
        assert!(told.starts_with("nothing is committed yet. To go on: "), "{last}");
        tally.count("with nothing committed");
    }
}

#[test]
fn a_second_signal_ends_a_run_at_once() {
    sweep("Ctrl-C twice, then --resume", interrupt_many_twice, |tally| {
        let most = tally.percentile(ENDED, 99);
        assert!(most <= AT_ONCE, "{most:?}");
    });
}

fn interrupt_many_twice(random: &mut Random, tally: &mut Tally) {
    let input = Input::any(random);
    let arena = Arena::within(&memory(), SIZE, input, &["--workers", "3"], random);
    let wanted = tally.of("second signals") + times(5, 50) as u64;
    while tally.of("second signals") < wanted {
        interrupt_twice(&arena, "out", random, tally);
    }
}

/// Where files are in memory: a process that waits for a disk does not end before the disk has answered, whatever it is
/// sent, and how long disks take is not what is measured here.
fn memory() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    if memory.is_dir() { memory } else { std::env::temp_dir() }
}

/// Whether a signal waits for some thread of the process to take it (`proc(5)`).
fn has_pending_signal(process: Pid) -> bool {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let pending = status.lines().find_map(|line| line.strip_prefix("ShdPnd:"));
    pending.is_some_and(|mask| mask.trim().chars().any(|digit| digit != '0'))
}

/// Starts a run, sends it two signals with a moment between them, and resumes it.
fn interrupt_twice(arena: &Arena, out: &str, random: &mut Random, tally: &mut Tally) {
    let mut running = arena.start(out, &[]);
    wait_for("a worker", || (!running.workers().is_empty()).then_some(()));
    wait_until(Instant::now() + moment(random, arena.clean() / 2));
    let first = any_signal(random);
    let (second, pause) = match random.below(3) {
        0 if first != Signal::SIGTERM => (Signal::SIGTERM, Duration::ZERO),
        _ => (first, SAME_WISH),
    };
    running.signal(first);
    // Two that are on their way at the same time can become one (signal(7)).
    wait_for("the first signal to be taken in", || {
        (!has_pending_signal(running.pid())).then_some(())
    });
    wait_until(Instant::now() + pause + moment(random, Duration::from_millis(5)));
    let run = if running.is_running() {
        let (run, took) = stop(running, second);
        tally.count("second signals");
        tally.took(ENDED, took);
        run
    } else {
        running.end()
    };
    arena.expect_whole_parts(out, out);
    assert!(
        run.status.signal().is_some() || run.status.code() == Some(SOME_FAILED),
        "{run:#?}"
    );
    arena.finish(out, out);
    arena.remove(out);
}

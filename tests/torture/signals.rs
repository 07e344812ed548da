//! Ctrl-C, at any instant.

use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::arena::{Arena, Input, SOME_FAILED, Size};
use crate::support::Run;
use crate::support::documents::Random;
use crate::support::process::{Running, wait_for, wait_within, workers_of};
use crate::sweep::{Tally, moment, sweep, times, wait_until};

/// Long enough that most signals come while there is something to drain and to commit.
const SIZE: Size = Size {
    documents: 2_500,
    offers: 40,
    buffer_rows: 5_000,
};

/// How soon a run that is to stop has stopped, but for one of a hundred.
const SOON: Duration = Duration::from_secs(2);

/// How soon it has stopped once the second signal came.
const AT_ONCE: Duration = Duration::from_millis(200);

/// No child is there any more so long after the end.
const CHILDLESS: Duration = Duration::from_millis(100);

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
        assert!(tally.of("signals") >= 10 && tally.of("with something committed") > 0);
        let most = tally.percentile(ENDED, 99);
        assert!(most <= SOON, "{most:?}");
    });
}

fn interrupt_many(random: &mut Random, tally: &mut Tally) {
    for (input, signals) in Input::ALL.into_iter().zip([times(6, 40), times(5, 30), times(5, 30)]) {
        let arena = Arena::new(SIZE, input, random);
        for number in 0..signals {
            interrupt(&arena, &format!("{input:?} {number}"), random, tally);
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
        assert!(
            tally.of("second signals") > 0,
            "each run was over before the second signal"
        );
        let most = tally.percentile(ENDED, 100);
        assert!(most <= AT_ONCE, "{most:?}");
    });
}

fn interrupt_many_twice(random: &mut Random, tally: &mut Tally) {
    let arena = Arena::new(SIZE, Input::ALL[random.below(3) as usize], random);
    for number in 0..times(5, 50) {
        interrupt_twice(&arena, &format!("out {number}"), random, tally);
    }
}

/// Starts a run, sends it two signals with a moment between them, and resumes it.
fn interrupt_twice(arena: &Arena, out: &str, random: &mut Random, tally: &mut Tally) {
    let mut running = arena.start(out, &[]);
    wait_for("a worker", || (!running.workers().is_empty()).then_some(()));
    wait_until(Instant::now() + moment(random, arena.clean() / 2));
    running.signal(any_signal(random));
    wait_until(Instant::now() + moment(random, Duration::from_millis(5)));
    let in_time = running.is_running();
    let (run, took) = stop(running, Signal::SIGINT);
    arena.expect_whole_parts(out, out);
    assert!(
        run.status.signal().is_some() || run.status.code() == Some(SOME_FAILED),
        "{run:#?}"
    );
    if in_time {
        tally.count("second signals");
        tally.took(ENDED, took);
    }
    arena.finish(out, out);
    arena.remove(out);
}

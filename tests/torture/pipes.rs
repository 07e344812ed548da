//! Pipes of a page, a byte of credit, many workers that have much to say, and one that says nothing: no run may hang.

use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::arena::{Arena, Input, SOME_FAILED, Size};
use crate::support::documents::Random;
use crate::support::process::{Running, Worker, wait_within};
use crate::sweep::{Tally, moment, sweep, times, wait_until};

const SIZE: Size = Size {
    documents: 400,
    offers: 60,
    buffer_rows: 2_000,
    checkpoint_every: "20ms",
};

/// A run takes a second or two; one that has not ended by then never will.
const HUNG: Duration = Duration::from_secs(60);

/// How long a worker is stopped at most: longer than a member may take, because that time does not count.
const STOPPED: Duration = Duration::from_millis(1_500);

/// Bytes of lines that a worker writes to standard error for each member: more than a pipe takes.
const FLOOD: &str = "100000";

/// What happens to one of the workers.
#[derive(Debug, Clone, Copy)]
enum Disturbance {
    Nothing,
    /// It is stopped, and goes on.
    Stopped,
    /// It is stopped, and is killed while it is.
    StoppedAndKilled,
}

#[test]
fn narrow_pipes_hang_nobody() {
    let name = "4 KiB pipes, one byte of credit, 12 workers flooding stderr, one stopped by SIGSTOP";
    sweep(name, run_many, |tally| {
        assert!(tally.of("workers that were stopped") > 0 && tally.of("workers killed while they were stopped") > 0);
    });
}

fn run_many(random: &mut Random, tally: &mut Tally) {
    let runs = [times(2, 20), times(1, 15), times(1, 15), times(2, 15)];
    for (input, runs) in Input::ALL.into_iter().zip(runs) {
        let arena = Arena::with(SIZE, input, &["--workers", "12", "--member-timeout", "1s"], random);
        for number in 0..runs {
            let disturbance = match number % 3 {
                0 => Disturbance::Stopped,
                1 => Disturbance::StoppedAndKilled,
                _ => Disturbance::Nothing,
            };
            let out = format!("{input:?} {number} {disturbance:?}");
            run_through_narrow_pipes(&arena, &out, disturbance, random, tally);
        }
    }
}

fn run_through_narrow_pipes(
    arena: &Arena,
    out: &str,
    disturbance: Disturbance,
    random: &mut Random,
    tally: &mut Tally,
) {
    let mut command: Command = arena.command(out, &[]);
    command.env("TARQUET_TEST_PIPE", "4096").env("TARQUET_TEST_CREDIT", "1");
    let mut running = Running::start(command.env("TARQUET_WORKER_FLOOD", FLOOD));
    if !matches!(disturbance, Disturbance::Nothing)
        && let Some(worker) = some_worker(&mut running, random)
    {
        worker.kill(Signal::SIGSTOP);
        tally.count("workers that were stopped");
        wait_until(Instant::now() + moment(random, STOPPED));
        match disturbance {
            Disturbance::StoppedAndKilled => {
                worker.kill(Signal::SIGKILL);
                tally.count("workers killed while they were stopped");
            }
            _ => worker.kill(Signal::SIGCONT),
        }
    }
    wait_within(HUNG, "the end", || (!running.is_running()).then_some(()));
    running.end().expect_code(SOME_FAILED);
    arena.expect_equal(out, out);
    arena.remove(out);
    tally.count("runs");
}

/// One of the workers, once there are some; `None` if the run ends before.
fn some_worker(running: &mut Running, random: &mut Random) -> Option<Worker> {
    let workers = wait_within(HUNG, "workers, or the end", || {
        let workers: Vec<Worker> = running.workers().into_iter().collect();
        (workers.len() > 1 || !running.is_running()).then_some(workers)
    });
    let chosen = random.below(workers.len().max(1) as u64) as usize;
    workers.get(chosen).copied()
}

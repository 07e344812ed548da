//! SIGKILL of the coordinator, at any instant.

use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::arena::{Arena, Input, Size, was_killed};
use crate::state::Found;
use crate::support::Run;
use crate::support::documents::Random;
use crate::support::ledger::Ledger;
use crate::support::process::{Running, wait_within, workers_of};
use crate::sweep::{Tally, is_long, moment, sweep, times, wait_until};

/// Long enough that kills hit many checkpoints, short enough that there can be many kills.
const SIZE: Size = Size {
    documents: 1_500,
    offers: 40,
    buffer_rows: 4_000,
    checkpoint_every: "10ms",
};

/// No worker may live longer after its coordinator.
const ORPHANED: Duration = Duration::from_millis(500);

/// A run is killed, resumed, killed again, until it comes to its end; then it has to be what nobody disturbed.
#[test]
fn kills_at_random_instants() {
    sweep(
        "SIGKILL of the coordinator at random instants, then --resume",
        kill_many,
        |tally| {
            assert!(tally.of("kills") > 0 && tally.of("resumed runs that were killed") > 0);
            // Few kills need not hit each of them.
            let must = [
                Found::BeforeTheLedger,
                Found::BetweenCheckpoints,
                Found::WithinACheckpoint,
                Found::DuringPublication,
            ];
            let in_the_middle = tally.of("resumed in the middle of a compressed archive");
            assert!(
                !is_long() || in_the_middle > 0,
                "every compressed archive was decompressed from its start"
            );
            for found in must {
                assert!(!is_long() || tally.of(found.name()) > 0, "no kill hit {found:?}");
            }
        },
    );
}

fn kill_many(random: &mut Random, tally: &mut Tally) {
    let kills = [times(6, 80), times(4, 60), times(4, 60), times(4, 60)];
    for (input, kills) in Input::ALL.into_iter().zip(kills) {
        let arena = Arena::new(SIZE, input, random);
        let mut left = kills;
        let mut chain = 0;
        while left > 0 {
            kill_chain(&arena, &mut left, &format!("{input:?} {chain}"), random, tally);
            chain += 1;
        }
    }
}

/// Kills one run and those that resume it, at most `left` times, until one comes to its end.
fn kill_chain(arena: &Arena, left: &mut usize, out: &str, random: &mut Random, tally: &mut Tally) {
    let mut resume: &[&str] = &[];
    // Every other chain goes on until a run is faster than its kill.
    let ends = random.below(2) == 0;
    while *left > 0 {
        // Some kills come too late; then the end was undisturbed, but for the kills before it.
        let instant = moment(random, arena.clean().mul_f64(1.1));
        let when = format!("{out}: {resume:?}, killed after {instant:?}");
        let running = arena.start(out, resume);
        wait_until(Instant::now() + instant);
        let run = kill(running);
        arena.expect_whole_parts(out, &when);
        if !was_killed(&run, &when) {
            break;
        }
        *left -= 1;
        count_kill(arena, out, !resume.is_empty(), tally);
        resume = &["--resume"];
        if ends {
            break;
        }
    }
    let committed = Ledger::read(&arena.path(out)).filter(|ledger| ledger.state() == "running");
    let run = arena.finish(out, out);
    if run.stderr.contains("decompression goes on at byte") {
        tally.count("resumed in the middle of a compressed archive");
    }
    if let Some(ledger) = committed {
        let begun_at = &arena.scene().dataset(out).summary()["resumed_at_member"];
        assert_eq!(*begun_at, ledger.members(), "{out}: what was committed was done again");
    }
    arena.verify(out);
    tally.count("datasets compared");
    arena.remove(out);
}

fn count_kill(arena: &Arena, out: &str, resumed: bool, tally: &mut Tally) {
    tally.count("kills");
    tally.count(Found::at(&arena.path(out)).name());
    if resumed {
        tally.count("resumed runs that were killed");
    }
}

/// Kills a run, unless it has ended, and asserts that no worker outlives it.
fn kill(running: Running) -> Run {
    let pid = running.pid();
    running.signal(Signal::SIGKILL);
    let run = running.end();
    if run.status.signal().is_some() {
        wait_within(ORPHANED, "no worker", || workers_of(pid).is_empty().then_some(()));
    }
    run
}

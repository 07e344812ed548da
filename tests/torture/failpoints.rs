//! Every call to the file system that a run makes, one after the other: the run is killed there, or the call fails.

use crate::arena::{Arena, Input, SOME_FAILED, Size, copy, expect_whole_parts, was_killed};
use crate::state::Found;
use crate::support::dataset::{Contents, assert_same};
use crate::support::documents::{MAP as OTHER_MAP, Random, searches};
use crate::support::ledger::Ledger;
use crate::support::{Run, Scene};
use crate::sweep::{Points, Tally, is_long, sweep, times};

/// Small, so that a run makes a few hundred calls; it still has several checkpoints and parts.
const SIZE: Size = Size {
    documents: 500,
    offers: 60,
    buffer_rows: 6_000,
    checkpoint_every: "1ms",
};

/// Beyond the last call nothing fails. How many runs in a row have to show that: they do not all make as many calls.
const UNDISTURBED: usize = 3;

/// A failpoint that the process dies at: before the call, or right after it.
const DEATHS: [&str; 2] = ["kill", "kill-after"];

#[test]
fn kills_at_every_call_of_a_run() {
    let name = "SIGKILL before and after every call to the file system, then --resume";
    sweep(name, kill_runs, |tally| {
        assert!(tally.of("kills") >= 8, "{} kills", tally.of("kills"));
        for found in [
            Found::BeforeTheLedger,
            Found::WithinACheckpoint,
            Found::DuringPublication,
        ] {
            assert!(!is_long() || tally.of(found.name()) > 0, "no kill hit {found:?}");
        }
    });
}

fn kill_runs(random: &mut Random, tally: &mut Tally) {
    for (input, death) in [(Input::Tar, "kill"), (Input::Gzip, "kill-after")] {
        let arena = Arena::new(SIZE, input, random);
        at_every_point(60, random, |point| {
            let when = format!("{input:?} any:{point}:{death}");
            let run = Run::of(&mut arena.failing("out", &[], &format!("any:{point}:{death}")));
            arena.expect_whole_parts("out", &when);
            let killed = was_killed(&run, &when);
            if killed {
                tally.count("kills");
                tally.count(Found::at(&arena.path("out")).name());
            }
            arena.finish("out", &when);
            arena.remove("out");
            killed
        });
    }
}

#[test]
fn kills_at_every_call_of_a_resume() {
    let name = "SIGKILL at every call of a resume, then --resume";
    sweep(name, kill_resumes, |tally| {
        assert!(tally.of("kills") >= 6, "{} kills", tally.of("kills"))
    });
}

/// Each resume begins with the same half-published dataset: parts are committed and not in their place.
fn kill_resumes(random: &mut Random, tally: &mut Tally) {
    let arena = Arena::new(SIZE, Input::any(random), random);
    let rename = (1..).find(|rename| {
        arena.remove("cut off");
        let run = Run::of(&mut arena.failing("cut off", &[], &format!("rename:{rename}:kill")));
        assert!(
            was_killed(&run, "cut off"),
            "no run is cut off while parts are put in their place"
        );
        Ledger::read(&arena.path("cut off")).is_some_and(|ledger| !ledger.pending(&arena.path("cut off")).is_empty())
    });
    for death in DEATHS {
        at_every_point(40, random, |point| {
            let when = format!("any:{point}:{death} of a resume, cut off at rename {rename:?}");
            copy(&arena.path("cut off"), &arena.path("out"));
            let run = Run::of(&mut arena.failing("out", &["--resume"], &format!("any:{point}:{death}")));
            arena.expect_whole_parts("out", &when);
            let killed = was_killed(&run, &when);
            tally.add("kills", u64::from(killed));
            arena.finish("out", &when);
            arena.remove("out");
            killed
        });
    }
}

#[test]
fn kills_at_every_call_of_an_overwrite() {
    let name = "SIGKILL at every call of --overwrite, then --resume";
    sweep(name, kill_overwrites, |tally| {
        assert!(tally.of("kills") >= 10, "{} kills", tally.of("kills"));
        let touched = tally.of(Found::Replacing.name()) > 0 && tally.of("old datasets untouched") > 0;
        assert!(
            !is_long() || touched,
            "the old dataset was never half removed, or never left alone"
        );
    });
}

/// The old dataset has other features and other rows.
fn kill_overwrites(random: &mut Random, tally: &mut Tally) {
    let arena = Arena::new(SIZE, Input::Tar, random);
    let other = Scene::new(&searches(80, 20, |_| None), OTHER_MAP);
    let old = other.extract_to("old", &["--buffer-rows", "300"]).contents();
    for death in DEATHS {
        at_every_point(60, random, |point| {
            let when = format!("any:{point}:{death} of --overwrite");
            copy(&other.path("old"), &arena.path("out"));
            let run = Run::of(&mut arena.failing("out", &["--overwrite"], &format!("any:{point}:{death}")));
            let killed = was_killed(&run, &when);
            expect_whole_parts(&arena.path("out"), &[arena.expected(), &old], &when);
            if killed {
                tally.count("kills");
                tally.count(Found::at(&arena.path("out")).name());
            }
            go_on(&arena, &old, &when, tally);
            arena.remove("out");
            killed
        });
    }
}

/// Resumes a run that was to replace another dataset. Where it had not begun to, that dataset is still there, whole, and
/// not the one to be resumed: it is replaced then.
fn go_on(arena: &Arena, old: &Contents, when: &str, tally: &mut Tally) {
    let resumed = Run::of(&mut arena.command("out", &["--resume"]));
    if resumed.status.code() == Some(1) {
        resumed.expect_stderr(&["cannot resume in"]);
        assert_same(old, &arena.scene().dataset("out").contents(), when);
        tally.count("old datasets untouched");
        Run::of(&mut arena.command("out", &["--overwrite"])).expect_code(SOME_FAILED);
    }
    arena.expect_equal("out", when);
}

/// The kinds of calls.
const OPERATIONS: [&str; 7] = ["open", "write", "fsync", "rename", "mkdir", "unlink", "read"];

/// Errors that a call can fail with, and what the system calls them.
const ERRORS: [(&str, &str); 2] = [
    ("EIO", "Input/output error (os error 5)"),
    ("ENOSPC", "No space left on device (os error 28)"),
];

#[test]
fn every_call_fails_once() {
    let name = "every call to the file system failing once, then --resume";
    sweep(name, fail_calls, |tally| {
        for (error, _) in ERRORS {
            assert!(tally.of(error) >= 10, "{} calls failed with {error}", tally.of(error));
        }
        assert!(tally.of("EINTR") >= 8 && tally.of("short") >= 2);
    });
}

fn fail_calls(random: &mut Random, tally: &mut Tally) {
    let arena = Arena::new(SIZE, Input::any(random), random);
    for operation in OPERATIONS {
        let mut calls = 0;
        for (error, text) in ERRORS {
            calls = calls.max(fail(&arena, operation, (error, text), random, tally));
        }
        let harmless: &[&str] = match operation {
            "write" | "read" => &["EINTR", "short"],
            _ => &["EINTR"],
        };
        for fault in harmless {
            survive(&arena, operation, fault, calls, random, tally);
        }
    }
}

/// Has the calls of a kind fail, one a run, and gives the number of the last one that did.
fn fail(
    arena: &Arena,
    operation: &str,
    (error, text): (&'static str, &str),
    random: &mut Random,
    tally: &mut Tally,
) -> u64 {
    let mut last = 0;
    at_every_point(40, random, |point| {
        let when = format!("{operation}:{point}:{error}");
        let run = Run::of(&mut arena.failing("out", &[], &when));
        arena.expect_whole_parts("out", &when);
        let failed = run.status.code() != Some(SOME_FAILED);
        if failed {
            assert_eq!(run.status.code(), Some(1), "{when}: {run:#?}");
            run.expect_stderr(&["error: cannot ", text]);
            // The first of them is the directory above.
            let named = [" out", " .:"].iter().any(|path| run.stderr.contains(path));
            assert!(named, "{when}: no path in {run:#?}");
            last = point;
            tally.count(error);
        }
        arena.finish("out", &when);
        arena.remove("out");
        // Without the seek index a run goes on, and without a report it is finished.
        failed || run.stderr.contains("the seek index") || run.stderr.contains("report.html")
    });
    last
}

/// Has calls of a kind be interrupted or short, of which a run makes about so many: nobody may notice.
fn survive(arena: &Arena, operation: &str, fault: &'static str, calls: u64, random: &mut Random, tally: &mut Tally) {
    let mut points = Points::new(random, 40.min(calls.max(1)));
    loop {
        let point = points.next(random);
        if point > calls {
            break;
        }
        let when = format!("{operation}:{point}:{fault}");
        let run = Run::of(&mut arena.failing("out", &[], &when));
        assert_eq!(run.status.code(), Some(SOME_FAILED), "{when}: {run:#?}");
        arena.expect_equal("out", &when);
        arena.remove("out");
        tally.count(fault);
    }
}

/// Calls `disturb` for the number of one call after the other until it says, several times, that there is no such call;
/// in a short sweep for one of `stride` calls.
fn at_every_point(stride: u64, random: &mut Random, mut disturb: impl FnMut(u64) -> bool) {
    let mut points = Points::new(random, stride);
    let mut undisturbed = 0;
    while undisturbed < times(1, UNDISTURBED) {
        let point = points.next(random);
        undisturbed = if disturb(point) { 0 } else { undisturbed + 1 };
    }
}

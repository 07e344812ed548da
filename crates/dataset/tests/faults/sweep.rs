//! Every call of a run, failing in every way, in this process.

use std::cell::Cell;
use std::path::Path;

use tarquet_dataset::failpoint::{Armed, arm};
use tarquet_dataset::{DatasetError, Existing, Target};

use crate::scenario::{check_completes, check_whole, is_older, run, undisturbed, write_older};
use crate::support::{say, scratch};

/// A failpoint that counts and never fires.
fn count_only() -> Armed {
    arm("any:0:crash")
}

/// Runs with one failpoint after the other, until one is past the last call. `prepare` makes the directory; `check` gets
/// what the run said, and whether the failpoint was reached.
fn sweep(
    op: &str,
    fault: &str,
    existing: Existing,
    prepare: impl Fn(&Path),
    check: impl Fn(&Path, Result<(), DatasetError>, bool, &str),
) -> u64 {
    for number in 1.. {
        let what = format!("{op}:{number}:{fault}");
        let dir = scratch();
        prepare(dir.path());
        let armed = arm(&what);
        let said = run(dir.path(), existing);
        let calls = armed.calls();
        drop(armed);
        let _still = count_only();
        check(dir.path(), said, calls >= number, &what);
        if calls < number {
            say(&format!("{op}, {fault}: {} calls", number - 1));
            return number - 1;
        }
    }
    unreachable!("a run ends")
}

fn no_preparation(_: &Path) {}

/// What a run says of a fault: what was tried, where, and why.
fn check_message(error: &DatasetError, dir: &Path, what: &str) {
    let message = error.to_string();
    let parent = dir.parent().expect("a parent").display();
    let is_about_dir = message.contains(dir.to_str().expect("UTF-8"));
    assert!(
        is_about_dir || message.contains(&format!("fsync {parent}: ")),
        "{what}: {message}"
    );
    assert!(
        message.contains("os error 5") || message.contains("os error 28"),
        "{what}: {message}"
    );
}

#[test]
fn a_run_that_fails_anywhere_goes_on() {
    let expected = {
        let _alone = count_only();
        undisturbed()
    };
    for fault in ["EIO", "ENOSPC"] {
        let calls = sweep(
            "any",
            fault,
            Existing::Resume,
            no_preparation,
            |dir, said, fired, what| {
                match said {
                    Err(error) => check_message(&error, dir, what),
                    Ok(()) => assert!(!fired, "{what}: a call failed and nothing was said"),
                }
                check_whole(dir);
                check_completes(dir, Existing::Resume, &expected, what);
            },
        );
        assert!(calls > 100, "only {calls} calls");
    }
}

#[test]
fn a_run_that_crashes_anywhere_goes_on() {
    let expected = {
        let _alone = count_only();
        undisturbed()
    };
    sweep("any", "crash", Existing::Resume, no_preparation, |dir, _, _, what| {
        check_whole(dir);
        check_completes(dir, Existing::Resume, &expected, what);
    });
}

#[test]
fn an_interrupted_call_or_a_short_one_leaves_no_trace() {
    let expected = {
        let _alone = count_only();
        undisturbed()
    };
    for (op, fault) in [("any", "EINTR"), ("write", "short"), ("read", "short")] {
        sweep(op, fault, Existing::Resume, no_preparation, |dir, said, _, what| {
            said.unwrap_or_else(|error| panic!("{what}: {error}"));
            check_completes(dir, Existing::Resume, &expected, what);
        });
    }
}

/// A file system without fsync for directories says EINVAL there, and that is as good as it gets; of a file it stops the
/// run.
#[test]
fn directories_without_fsync_stop_nothing() {
    let expected = {
        let _alone = count_only();
        undisturbed()
    };
    let (passed, stopped) = (Cell::new(0), Cell::new(0));
    sweep(
        "fsync",
        "EINVAL",
        Existing::Resume,
        no_preparation,
        |dir, said, fired, what| {
            match said {
                Ok(()) => passed.set(passed.get() + u32::from(fired)),
                Err(error) => {
                    let message = error.to_string();
                    assert!(
                        message.contains("fsync") && message.contains("os error 22"),
                        "{what}: {message}"
                    );
                    stopped.set(stopped.get() + 1);
                }
            }
            check_completes(dir, Existing::Resume, &expected, what);
        },
    );
    let both = (passed.get(), stopped.get());
    assert!(both.0 > 10 && both.1 > 10, "{both:?}");
}

/// Whenever the replacing of a dataset is cut off: the old one is there and whole, or the new one can go on.
#[test]
fn an_overwriting_that_crashes_anywhere_can_be_completed() {
    let expected = {
        let _alone = count_only();
        undisturbed()
    };
    let write_older = |dir: &Path| {
        let _alone = count_only();
        write_older(dir);
    };
    sweep("any", "crash", Existing::Overwrite, write_older, |dir, _, _, what| {
        check_whole_or_older(dir, what);
        // The map may be what the new run reads, so there is always one.
        assert!(dir.join("feature_map.resolved.yaml").is_file(), "{what}");
        let target = Target::claim(dir, Existing::Resume).unwrap_or_else(|error| panic!("{what}: {error}"));
        let untouched = target.resumable().is_some_and(|run| run.complete) && is_older(dir);
        drop(target);
        let existing = if untouched {
            Existing::Overwrite
        } else {
            Existing::Resume
        };
        check_completes(dir, existing, &expected, what);
    });
}

/// A part of the older dataset is as whole as one of the new.
fn check_whole_or_older(dir: &Path, what: &str) {
    for directory in std::fs::read_dir(dir.join("features_raw")).into_iter().flatten() {
        for part in std::fs::read_dir(directory.expect("an entry").path()).expect("lists") {
            let part = part.expect("an entry").path();
            let rows: usize = crate::support::read(&part).iter().map(|batch| batch.num_rows()).sum();
            let declared = crate::support::open(&part).metadata().file_metadata().num_rows();
            assert_eq!(rows as i64, declared, "{what}: {}", part.display());
        }
    }
}

/// A crash, and then another while the run goes on: at every call of it, for some of the first.
#[test]
fn a_resumption_that_crashes_anywhere_goes_on() {
    /// Every so many calls, a run crashes for the first time. Prime, so that over all runs every kind of call is hit.
    const STRIDE: usize = 23;
    let expected = {
        let _alone = count_only();
        undisturbed()
    };
    let calls = {
        let dir = scratch();
        let armed = count_only();
        run(dir.path(), Existing::Resume).expect("runs");
        armed.calls()
    };
    for first in (1..=calls).rev().step_by(STRIDE) {
        let crash_first = |dir: &Path| {
            let _armed = arm(&format!("any:{first}:crash"));
            run(dir, Existing::Resume).err();
        };
        sweep("any", "crash", Existing::Resume, crash_first, |dir, _, _, what| {
            let what = format!("after any:{first}:crash, {what}");
            check_whole(dir);
            check_completes(dir, Existing::Resume, &expected, &what);
        });
    }
}

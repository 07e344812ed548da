//! Members that whoever reads them dies of.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::arena::{MAP, SOME_FAILED, expect_whole_parts, was_killed};
use crate::support::dataset::{Contents, assert_same};
use crate::support::documents::{Random, name, search};
use crate::support::{Dataset, Run, Scene, Tar};
use crate::sweep::{Tally, moment, sweep, times, wait_until};

/// What a member can do, by its name, the reason that it fails for then, and what the detail has to name.
const POISONS: [(&str, &str, &str); 4] = [
    ("poison-abort", "crash", "SIGABRT"),
    // The runtime aborts once it has said what happened.
    ("poison-overflow", "crash", "SIGABRT"),
    ("poison-memory", "crash", "--worker-memory"),
    ("poison-loop", "timeout", "--member-timeout"),
];

/// How many there are of each. An endless loop takes all the time that a member may take, twice.
fn of_each() -> usize {
    times(1, 5)
}

/// How many there are.
fn poison_members() -> usize {
    POISONS.len() * of_each()
}

const ARGUMENTS: [&str; 14] = [
    "--sample",
    "50",
    "--buffer-rows",
    "5000",
    "--checkpoint-every",
    "20ms",
    "--worker-memory",
    "128MiB",
    "--member-timeout",
    "1s",
    "--progress",
    "none",
    "--log",
    "error",
];

#[test]
fn twenty_members_that_kill_their_worker() {
    sweep(
        "members that abort, overflow the stack, take all memory or never end, for 1, 4 and 12 workers, and with a kill and --resume",
        poison,
        |tally| {
            assert!(tally.of("runs") >= 8 && tally.of("runs killed and resumed") > 0);
        },
    );
}

fn poison(random: &mut Random, tally: &mut Tally) {
    let documents = times(1_500, 10_000);
    let (sound, poisoned) = archives(documents, random);
    let scene = Scene::new(&sound, MAP);
    let sound = scene.extract_to("sound", &ARGUMENTS).contents();
    scene.write("archive.tar", poisoned);
    let mut expected: Option<Contents> = None;
    let mut longest = Duration::ZERO;
    for workers in ["1", "4", "12"] {
        let started = Instant::now();
        let arguments = [&ARGUMENTS[..], &["--workers", workers]].concat();
        Run::of(&mut scene.command(workers, &arguments)).expect_code(SOME_FAILED);
        longest = longest.max(started.elapsed());
        let dataset = scene.dataset(workers);
        expect_the_rest(&dataset, &sound, workers);
        expect_tries(&dataset, workers);
        let contents = dataset.contents();
        assert_same(expected.get_or_insert_with(|| dataset.contents()), &contents, workers);
        tally.count("runs");
    }
    let expected = expected.expect("there were runs");
    for number in 0..times(1, 5) {
        kill_and_resume(&scene, &format!("killed {number}"), &expected, longest, random, tally);
    }
    tally.add("members", (documents + poison_members()) as u64);
    tally.add("poison members", poison_members() as u64);
}

/// An archive of sound members, and the same with poison among them, some of it among those that decide the types.
fn archives(documents: usize, random: &mut Random) -> (Vec<u8>, Vec<u8>) {
    let first = random.below(900_000) as usize;
    let mut poison: Vec<(usize, &str)> = Vec::new();
    for (word, ..) in POISONS {
        poison.push((random.below(40) as usize, word));
        poison.extend((1..of_each()).map(|_| (random.below(documents as u64) as usize, word)));
    }
    let (mut sound, mut poisoned) = (Tar::new(), Tar::new());
    for number in 0..documents {
        let before = poison.iter().enumerate().filter(|(_, (place, _))| *place == number);
        for (each, (_, word)) in before {
            poisoned = poisoned.file(&format!("raw/{number}-{each}-{word}.json"), search(number, 20));
        }
        let (name, text) = (name(first + number), search(first + number, 60));
        sound = sound.file(&name, &text);
        poisoned = poisoned.file(&name, &text);
    }
    (sound.finish(), poisoned.finish())
}

/// Asserts that every poison member is one line of `failed.log`, and that all else is as if they were not there.
fn expect_the_rest(dataset: &Dataset, sound: &Contents, when: &str) {
    let contents = dataset.contents();
    let rest = |contents: &Contents| -> Contents {
        let kept = contents.iter().filter(|(path, _)| !path.ends_with("failed.log"));
        kept.map(|(path, bytes)| (path.clone(), bytes.clone())).collect()
    };
    assert_same(&rest(sound), &rest(&contents), when);
    let failed = dataset.failed();
    assert_eq!(failed.len(), poison_members(), "{when}: {failed:#?}");
    for (word, reason, named) in POISONS {
        let lines = failed
            .iter()
            .filter(|line| line["member"].as_str().expect("a name").contains(word));
        let lines: Vec<&Value> = lines.collect();
        assert_eq!(lines.len(), of_each(), "{when}: {word} in {failed:#?}");
        for line in lines {
            assert_eq!(line["reason"], reason, "{when}: {line}");
            let detail = line["detail"].as_str().expect("a detail");
            assert!(detail.contains(named), "{when}: {line}");
        }
    }
}

/// Asserts that no member had more than two workers.
fn expect_tries(dataset: &Dataset, when: &str) {
    let replaced = dataset.summary()["workers_replaced"].as_u64().expect("a count") as usize;
    // The last one to die need not be replaced.
    let tries = poison_members()..=2 * poison_members();
    assert!(tries.contains(&replaced), "{when}: {replaced} workers were replaced");
}

/// Kills a run at some instant, and asserts that the one that resumes it ends with the same.
fn kill_and_resume(
    scene: &Scene,
    out: &str,
    expected: &Contents,
    longest: Duration,
    random: &mut Random,
    tally: &mut Tally,
) {
    let arguments = [&ARGUMENTS[..], &["--workers", "4"]].concat();
    let running = scene.start(out, &arguments);
    let instant = moment(random, longest.mul_f64(0.5));
    wait_until(Instant::now() + instant);
    running.signal(Signal::SIGKILL);
    let when = format!("{out}, after {instant:?}");
    let killed = was_killed(&running.end(), &when);
    tally.add("runs killed and resumed", u64::from(killed));
    expect_whole_parts(&scene.path(out), &[expected], &when);
    let run = Run::of(&mut scene.command(out, &[&arguments[..], &["--resume"]].concat()));
    assert!(matches!(run.status.code(), Some(0 | SOME_FAILED)), "{when}: {run:#?}");
    assert_same(expected, &scene.dataset(out).contents(), &when);
    tally.count("runs");
}

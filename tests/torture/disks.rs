//! Disks that are full, cannot be written to, or are two: what stops root too. Each test has mounts of its own, in a
//! namespace that ends with its shell.

use std::process::Command;

use crate::arena::{Arena, Input, SOME_FAILED, Size, expect_whole_parts, was_killed};
use crate::support::Run;
use crate::support::documents::Random;
use crate::sweep::{Tally, skipped, sweep, times};

const SIZE: Size = Size {
    documents: 600,
    offers: 40,
    buffer_rows: 2_000,
    checkpoint_every: "5ms",
};

/// A shell script in a mount namespace of its own, in which `"$@"` is `command`.
fn in_own_mounts(script: &str, command: &Command) -> Command {
    let mut unshare = Command::new("unshare");
    unshare.args(["--mount", "sh", "-euc", script, "sh"]);
    unshare.arg(command.get_program()).args(command.get_args());
    unshare.current_dir(command.get_current_dir().expect("a scene's command has one"));
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => unshare.env(name, value),
            None => unshare.env_remove(name),
        };
    }
    unshare
}

/// Whether something can be mounted here, which takes root, or it is said that it cannot.
fn can_mount(arena: &Arena) -> bool {
    let mut command = Command::new("true");
    let mut shell = in_own_mounts(
        "mkdir -p probe; mount -t tmpfs tmpfs probe",
        command.current_dir(arena.path("")),
    );
    let can = shell.output().is_ok_and(|output| output.status.success());
    if !can {
        skipped("nothing can be mounted here");
    }
    can
}

/// What a run does on a file system of `$SIZE` bytes; how the dataset looks then; and how it goes on when there is room.
const FILL: &str = r#"
mkdir disk
mount -t tmpfs -o size="$SIZE" tmpfs disk
code=0; "$@" 2>first.err || code=$?; echo "$code" >first.code
cp -r disk/out first
mount -o remount,size=256m disk
code=0; "$@" --resume 2>second.err || code=$?; echo "$code" >second.code
cp -r disk/out second
"#;

#[test]
fn a_disk_that_fills_up() {
    sweep(
        "a file system that fills up, then --resume with more room",
        fill_disks,
        |tally| {
            assert!(
                tally.of("skipped") > 0 || tally.of("full disks") >= 6,
                "{} full disks",
                tally.of("full disks")
            );
        },
    );
}

fn fill_disks(random: &mut Random, tally: &mut Tally) {
    let arena = Arena::new(SIZE, Input::Tar, random);
    if !can_mount(&arena) {
        return tally.count("skipped");
    }
    let needed: u64 = arena.expected().values().map(|bytes| bytes.len() as u64).sum();
    for _ in 0..times(6, 60) {
        let size = (8 << 10) + random.below(needed);
        fill_disk(&arena, size, tally);
    }
}

fn fill_disk(arena: &Arena, size: u64, tally: &mut Tally) {
    let when = format!("a disk of {size} bytes");
    let command = arena.command("disk/out", &[]);
    let shell = Run::of(in_own_mounts(FILL, &command).env("SIZE", size.to_string()));
    shell.expect_code(0);
    let scene = arena.scene();
    let text = |name: &str| std::fs::read_to_string(scene.path(name)).expect("the script wrote it");
    let (first, second) = (text("first.code"), text("second.code"));
    expect_whole_parts(&scene.path("first"), &[arena.expected()], &when);
    if first.trim() == "1" {
        let said = text("first.err");
        assert!(
            said.contains("disk/out") && said.contains("No space left on device"),
            "{when}: {said}"
        );
        tally.count("full disks");
    } else {
        assert_eq!(first.trim(), SOME_FAILED.to_string(), "{when}: {}", text("first.err"));
    }
    assert!(["0", "3"].contains(&second.trim()), "{when}: {}", text("second.err"));
    arena.expect_equal("second", &when);
    ["first", "second", "disk"].iter().for_each(|out| arena.remove(out));
}

/// A part of a dataset that cannot be written to, and how.
const IN_THE_WAY: [(&str, &str, &str); 5] = [
    (
        "mount --bind out out; mount -o remount,ro,bind out",
        "out",
        "Read-only file system",
    ),
    (
        "mount --bind out/run out/run; mount -o remount,ro,bind out/run",
        "out/run",
        "Read-only file system",
    ),
    (
        "mount --bind out/features_raw out/features_raw; mount -o remount,ro,bind out/features_raw",
        "out/features_raw",
        "file system",
    ),
    (
        "table=out/features_raw/feature=offers; mount --bind $table $table; mount -o remount,ro,bind $table",
        "out/features_raw/feature=offers",
        "file system",
    ),
    (
        "mv out/run run; mkdir out/run; mount -t tmpfs tmpfs out/run; cp -r run/. out/run",
        "out/run",
        "different file systems",
    ),
];

#[test]
fn directories_that_cannot_be_written_to() {
    sweep(
        "read-only mounts, and two file systems, then --resume",
        write_nowhere,
        |tally| {
            assert!(tally.of("skipped") > 0 || tally.of("mounts that stopped a run") == 2 * IN_THE_WAY.len() as u64);
        },
    );
}

/// A run is cut off, and what resumes it finds that it cannot write.
fn write_nowhere(random: &mut Random, tally: &mut Tally) {
    let arena = Arena::new(SIZE, Input::Tar, random);
    if !can_mount(&arena) {
        return tally.count("skipped");
    }
    for (mounts, path, error) in IN_THE_WAY {
        let cut_off = Run::of(&mut arena.failing("out", &[], "rename:12:kill"));
        assert!(was_killed(&cut_off, mounts), "{mounts}: the run was at its end by then");
        let command = arena.command("out", &["--resume"]);
        let stopped = Run::of(&mut in_own_mounts(&format!("{mounts}; exec \"$@\""), &command));
        stopped.expect_code(1).expect_stderr(&["error: ", path, error]);
        arena.expect_whole_parts("out", mounts);
        if arena.path("run").exists() {
            std::fs::remove_dir(arena.path("out/run")).expect("what was mounted there is gone");
            std::fs::rename(arena.path("run"), arena.path("out/run")).expect("the script moved it away");
        }
        arena.finish("out", mounts);
        arena.remove("out");
        tally.count("mounts that stopped a run");
    }
}

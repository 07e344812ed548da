//! A compressed archive that several threads decompress gives what it gives when one does.

use std::process::Command;

use nix::sys::signal::Signal;

use crate::support::dataset::{Contents, assert_same};
use crate::support::documents::{Fault, MAP, searches};
use crate::support::ledger::Ledger;
use crate::support::process::{Running, wait_for};
use crate::support::{Run, Scene, gzip, zstd};

/// The exit code of a run in which members failed, as in all runs here.
const SOME_FAILED: i32 = 3;

/// In gzip, and in zstd of many frames; both are long enough for several threads.
fn archives() -> [Vec<u8>; 2] {
    let plain = searches(2_700, 120, |number| (number == 700).then_some(Fault::Cut));
    let archives = [gzip(&plain), plain.chunks(200_000).flat_map(zstd).collect()];
    for archive in &archives {
        assert!(
            archive.len() > 5 << 19,
            "{} bytes are too few to be shared",
            archive.len()
        );
    }
    archives
}

fn command(scene: &Scene, out: &str, threads: &str, arguments: &[&str]) -> Command {
    let settings = [
        "--workers",
        "2",
        "--buffer-rows",
        "4000",
        "--sample",
        "50",
        "--checkpoint-every",
        "5ms",
    ];
    let mut command = scene.command(out, &[&settings, arguments].concat());
    command.args(["--inflate-threads", threads, "--progress", "none"]);
    command.env("TARQUET_TEST_SEEK_SPACING", "300000");
    command
}

fn contents(scene: &Scene, threads: &str) -> Contents {
    Run::of(&mut command(scene, threads, threads, &[])).expect_code(SOME_FAILED);
    scene.dataset(threads).contents()
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let whole = archives();
    let cut = whole.each_ref().map(|whole| whole[..whole.len() - 100_000].to_vec());
    for (what, archive) in whole
        .map(|whole| ("whole", whole))
        .into_iter()
        .chain(cut.map(|cut| ("cut", cut)))
    {
        let scene = Scene::new(&archive, MAP);
        let one = contents(&scene, "1");
        for threads in ["2", "4"] {
            assert_same(&one, &contents(&scene, threads), &format!("{what}, {threads} threads"));
        }
    }
}

/// In whichever way it was begun, and goes on.
#[test]
fn a_run_goes_on_after_a_kill_with_another_number_of_threads() {
    for archive in archives() {
        goes_on_after_a_kill(&archive);
    }
}

fn goes_on_after_a_kill(archive: &[u8]) {
    let scene = Scene::new(archive, MAP);
    let undisturbed = contents(&scene, "1");
    for (before, after) in [("4", "4"), ("4", "1"), ("1", "3")] {
        let out = format!("{before}-{after}");
        let mut running = Running::start_slowly(&mut command(&scene, &out, before, &[]));
        wait_for("published parts", || {
            assert!(running.is_running(), "it ended before anything was done to it");
            let ledger = Ledger::read(&scene.path(&out))?;
            let published = ledger.parts().len() - ledger.pending(&scene.path(&out)).len();
            (published >= 4).then_some(())
        });
        running.signal(Signal::SIGKILL);
        running.end().expect_signal(Signal::SIGKILL as i32);
        Run::of(&mut command(&scene, &out, after, &["--resume"])).expect_code(SOME_FAILED);
        assert_same(&undisturbed, &scene.dataset(&out).contents(), &out);
    }
}

//! Going on with a run that was cut off: with the same archive, map, build and flags, or not at all.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sys::signal::Signal;

use crate::support::dataset::{Contents, assert_same};
use crate::support::documents::{Fault, MAP, name, searches};
use crate::support::ledger::Ledger;
use crate::support::process::{Running, wait_for};
use crate::support::{Run, Scene, gzip, zstd};

const SETTINGS: [&str; 10] = [
    "--workers",
    "2",
    "--buffer-rows",
    "4000",
    "--sample",
    "50",
    "--checkpoint-every",
    "5ms",
    "--progress",
    "none",
];

/// The exit code of a run in which members failed, as in all runs here.
const SOME_FAILED: i32 = 3;

/// Its third member fails, so that there is something in the log from the first commit on.
fn scene() -> Scene {
    let archive = searches(1_500, 120, |number| (number == 2).then_some(Fault::Cut));
    Scene::new(&archive, MAP)
}

/// The command that extracts or resumes into `out`.
fn command(scene: &Scene, arguments: &[&str]) -> Command {
    let mut command = scene.command("out", &[&SETTINGS, arguments].concat());
    // So that there are places in a small archive at which a resumed run can begin.
    command.env("TARQUET_TEST_SEEK_SPACING", "300000");
    // Several threads note fewer: one in each of their chunks.
    command.env("TARQUET_INFLATE_THREADS", "1");
    command
}

/// Starts a run, and waits until parts of it are published.
fn committed(scene: &Scene, command: &mut Command) -> Running {
    let mut running = Running::start_slowly(command);
    wait_for("published parts", || {
        assert!(running.is_running(), "it ended before anything was done to it");
        let ledger = Ledger::read(&scene.path("out"))?;
        let published = ledger.parts().len() - ledger.pending(&scene.path("out")).len();
        (published >= 2).then_some(())
    });
    running
}

/// A run that was killed when parts of it were published.
fn cut_off(scene: &Scene) {
    let running = committed(scene, &mut command(scene, &[]));
    running.signal(Signal::SIGKILL);
    running.end().expect_signal(Signal::SIGKILL as i32);
}

/// What an undisturbed run writes.
fn expected(scene: &Scene) -> Contents {
    Run::of(&mut scene.command("undisturbed", &SETTINGS)).expect_code(SOME_FAILED);
    scene.dataset("undisturbed").contents()
}

/// Changes the bytes of a file of the scene.
fn edit(scene: &Scene, name: impl AsRef<Path>, change: impl FnOnce(&mut Vec<u8>)) {
    let path = scene.path(name);
    let mut bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    change(&mut bytes);
    fs::write(path, bytes).expect("the scene is writable");
}

/// Changes a file, has the resume refused with these texts, and undoes the change.
#[track_caller]
fn refused_after(scene: &Scene, name: impl AsRef<Path>, change: impl FnOnce(&mut Vec<u8>), texts: &[&str]) {
    let path = scene.path(&name);
    let before = fs::read(&path).expect("it is there");
    edit(scene, &name, change);
    refused(scene, &mut command(scene, &["--resume"]), texts);
    fs::write(path, before).expect("the scene is writable");
}

/// Asserts that a resume is refused with these texts, and changes nothing.
#[track_caller]
fn refused(scene: &Scene, command: &mut Command, texts: &[&str]) {
    let before = (
        fs::read(scene.path("out/run/ledger.json")).ok(),
        scene.dataset("out").contents(),
    );
    Run::of(command)
        .expect_code(1)
        .expect_stderr(&["error: "])
        .expect_stderr(texts);
    assert_eq!(
        before.0,
        fs::read(scene.path("out/run/ledger.json")).ok(),
        "the ledger of a refused run"
    );
    assert_same(&before.1, &scene.dataset("out").contents(), "a refused run");
}

/// Asserts that a resume of standard input is refused once it was read, and commits nothing. By then it has put in its place
/// what was committed before, as every resume does first: parts that were to be published, and logs of that length.
#[track_caller]
fn refused_while_reading(scene: &Scene, command: &mut Command, expected: &Contents) {
    let ledger = Ledger::read(&scene.path("out")).expect("it was committed");
    Run::of(command)
        .expect_code(1)
        .expect_stderr(&["error: ", "the archive is another one than before"]);
    assert_eq!(
        Some(ledger.clone()),
        Ledger::read(&scene.path("out")),
        "the ledger of a refused run"
    );
    assert!(
        ledger.pending(&scene.path("out")).is_empty(),
        "what is committed is published"
    );
    let logs = ["failed.log", "rescued.ndjson"].map(Path::new);
    for (path, bytes) in &scene.dataset("out").contents() {
        let whole = &expected[path];
        match logs.contains(&path.as_path()) {
            true => assert!(whole.starts_with(bytes), "{} of a refused run", path.display()),
            false => assert!(whole == bytes, "{} of a refused run", path.display()),
        }
    }
}

#[test]
fn another_archive_map_flag_or_build_is_refused_by_name() {
    let scene = scene();
    let expected = expected(&scene);
    cut_off(&scene);
    let another = "cannot resume in";
    refused_after(
        &scene,
        "archive.tar",
        |bytes| bytes[1_000_000] ^= 1,
        &[another, "the archive's content"],
    );
    refused_after(
        &scene,
        "archive.tar",
        |bytes| bytes.extend([0; 512]),
        &[another, "the archive's size in bytes"],
    );
    refused_after(
        &scene,
        "archive.tar",
        |bytes| bytes.truncate(bytes.len() - 512),
        &[another, "the archive's size"],
    );
    let more = |bytes: &mut Vec<u8>| bytes.extend(b"  more: $.more\n");
    refused_after(&scene, "map.yaml", more, &[another, "the feature map", "more"]);
    for (flag, value, was) in [
        ("--buffer-rows", "4001", "4000"),
        ("--buffer-bytes", "1MiB", "100663296"),
        ("--sample", "51", "50"),
        ("--max-document-bytes", "1MiB", "268435456"),
        ("--include", "*.txt", "*.json"),
        ("--exclude", "*7.json", ""),
    ] {
        let arguments = [
            "extract",
            "--tar-path",
            "archive.tar",
            "--feature-map",
            "map.yaml",
            "--out-dir",
            "out",
        ];
        let mut settings: Vec<&str> = SETTINGS.to_vec();
        if let Some(at) = settings.iter().position(|argument| *argument == flag) {
            settings.drain(at..at + 2);
        }
        let mut command = scene.tarquet(&arguments);
        refused(
            &scene,
            command.args(settings).args([flag, value, "--resume"]),
            &[another, flag, was],
        );
    }
    refused(&scene, &mut by_another_build(&scene), &[another, "the executable"]);
    resumed(&scene, &expected);
}

/// What is refused can still be resumed.
#[track_caller]
fn resumed(scene: &Scene, expected: &Contents) {
    Run::of(&mut command(scene, &["--resume"])).expect_code(SOME_FAILED);
    assert_same(expected, &scene.dataset("out").contents(), "resumed");
}

/// The resume, by an executable that does the same and is another.
fn by_another_build(scene: &Scene) -> Command {
    let executable = scene.path("tarquet");
    fs::copy(env!("CARGO_BIN_EXE_tarquet"), &executable).expect("the scene is writable");
    let mut file = File::options().append(true).open(&executable).expect("it is there");
    file.write_all(b"\0").expect("the scene is writable");
    let same = command(scene, &["--resume"]);
    let mut another = Command::new(executable);
    another.args(same.get_args()).current_dir(scene.path(""));
    another
}

#[test]
fn flags_that_shape_nothing_may_differ() {
    let scene = scene();
    let expected = expected(&scene);
    cut_off(&scene);
    let arguments = [
        "extract",
        "--tar-path",
        "archive.tar",
        "--feature-map",
        "map.yaml",
        "--out-dir",
        "out",
    ];
    let others = [
        "--workers",
        "5",
        "--checkpoint-every",
        "1h",
        "--allow-failed",
        "1",
        "--member-timeout",
        "1h",
    ];
    let same = ["--buffer-rows", "4000", "--sample", "50", "--resume"];
    Run::of(scene.tarquet(&arguments).args(others).args(same)).expect_code(0);
    assert_same(&expected, &scene.dataset("out").contents(), "resumed");
}

#[test]
fn what_was_committed_and_is_not_there_any_more_is_refused_by_name() {
    let scene = scene();
    let expected = expected(&scene);
    cut_off(&scene);
    refused_after(
        &scene,
        "out/feature_map.resolved.yaml",
        |bytes| bytes.extend(b"# mine\n"),
        &["out/feature_map.resolved.yaml", "changed since the run began"],
    );
    refused_after(
        &scene,
        "out/failed.log",
        |bytes| bytes.truncate(5),
        &["out/failed.log", "has 5 bytes"],
    );
    let checkpoint = checkpoint(&scene);
    let flip = |bytes: &mut Vec<u8>| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
    };
    refused_after(
        &scene,
        &checkpoint,
        flip,
        &[&checkpoint.display().to_string(), "is not what was written"],
    );
    refused_without(&scene, &checkpoint);
    let ledger = Ledger::read(&scene.path("out")).expect("it was begun");
    refused_without(&scene, &Path::new("out").join(&ledger.parts()[0]));
    resumed(&scene, &expected);
}

/// Where damage stands is a line of the log too, and must not depend on what was read before it.
#[test]
fn a_damaged_archive_is_resumed_with_the_same_line_about_the_damage() {
    for pack in [None, Some(packed as fn(&[u8]) -> Vec<u8>), Some(in_frames)] {
        let scene = scene();
        edit(&scene, "archive.tar", |bytes| {
            let header = name(1_400);
            let header = header.as_bytes();
            let at = bytes.windows(header.len()).position(|window| window == header);
            // Its checksum tells.
            bytes[at.expect("a member of that name")] ^= 1;
            if let Some(pack) = pack {
                *bytes = pack(bytes);
            }
        });
        let expected = expected(&scene);
        let log = String::from_utf8_lossy(&expected[Path::new("failed.log")]).into_owned();
        assert!(log.contains("archive_damaged"), "{log}");
        cut_off(&scene);
        match pack {
            Some(_) => drop(resumed_in_the_middle(&scene, &expected)),
            None => resumed(&scene, &expected),
        }
    }
}

/// What a resumed run says that does not decompress its archive from the start.
const IN_THE_MIDDLE: &str = "decompression goes on at byte ";

/// What is resumed, without decompressing what comes long before the position.
#[track_caller]
fn resumed_in_the_middle(scene: &Scene, expected: &Contents) -> Run {
    let run = Run::of(&mut command(scene, &["--resume", "--log", "info"]));
    run.expect_code(SOME_FAILED).expect_stderr(&[IN_THE_MIDDLE]);
    assert_same(expected, &scene.dataset("out").contents(), "resumed");
    run
}

/// A gzip archive of several gzip members.
fn packed(archive: &[u8]) -> Vec<u8> {
    archive.chunks(1_000_000).flat_map(gzip).collect()
}

/// A zstd archive of several frames.
fn in_frames(archive: &[u8]) -> Vec<u8> {
    archive.chunks(300_000).flat_map(zstd).collect()
}

/// Scenes of gzip archives whose runs note many places.
fn packed_scenes() -> [Scene; 2] {
    let documents = searches(1_500, 120, |number| (number == 2).then_some(Fault::Cut));
    // A tar may say once, at its start, what every member is called. Then no two ids differ.
    let one_name = [crate::support::global_header("path", "raw/one.json"), documents.clone()].concat();
    [documents, one_name].map(|archive| Scene::new(&packed(&archive), MAP))
}

/// The scene of a zstd archive whose runs note many places.
fn framed_scene() -> Scene {
    let scene = scene();
    edit(&scene, "archive.tar", |bytes| *bytes = in_frames(bytes));
    scene
}

#[test]
fn a_compressed_archive_is_not_decompressed_from_its_start_again() {
    let [one, repeats] = packed_scenes();
    for (scene, repeats) in [(one, false), (repeats, true), (framed_scene(), false)] {
        let expected = expected(&scene);
        cut_off(&scene);
        assert!(scene.path("out/run/seek-index").exists());
        let verified = Run::of(&mut scene.tarquet(&["verify", "--out-dir", "out"]));
        assert!(!verified.stdout.contains("seek-index"), "{verified:#?}");
        let run = resumed_in_the_middle(&scene, &expected);
        let told = run
            .stderr
            .contains("ids made from member names repeat: \"raw/one.json\"");
        assert_eq!(told, repeats, "{run:#?}");
        let [summary, undisturbed] = ["out", "undisturbed"].map(|out| scene.dataset(out).summary());
        for count in ["members", "rows", "document_bytes", "archive_bytes"] {
            assert!(!undisturbed[count].is_null(), "{count} in {undisturbed:#}");
            assert_eq!(summary[count], undisturbed[count], "{count}");
        }
        assert!(
            !scene.path("out/run/seek-index").exists(),
            "nothing is left to be resumed"
        );
        Run::of(&mut scene.tarquet(&["verify", "--out-dir", "out"])).expect_code(0);
    }
}

/// One frame has no place in it at which decompression can begin.
#[test]
fn a_zstd_archive_of_one_frame_is_compared_and_read_from_its_start_again() {
    let scene = scene();
    edit(&scene, "archive.tar", |bytes| *bytes = zstd(bytes));
    let expected = expected(&scene);
    cut_off(&scene);
    let run = Run::of(&mut command(&scene, &["--resume", "--log", "info"]));
    run.expect_code(SOME_FAILED);
    assert!(!run.stderr.contains(IN_THE_MIDDLE), "{run:#?}");
    assert_same(&expected, &scene.dataset("out").contents(), "resumed");
}

/// Whatever happens to the index, the run goes on: at an earlier place, or at the archive's start.
#[test]
fn an_index_that_is_not_what_was_written_costs_time_and_nothing_else() {
    let [scene, other] = packed_scenes();
    let expected = expected(&scene);
    cut_off(&other);
    let foreign = fs::read(other.path("out/run/seek-index")).expect("it is there");
    type Harm = Box<dyn Fn(&mut Vec<u8>)>;
    let harms: [(Harm, bool); 6] = [
        (Box::new(|_| {}), true),
        (Box::new(|index| index.truncate(index.len() / 2)), true),
        (Box::new(|index| index.truncate(100)), false),
        (Box::new(|index| index[30] ^= 1), false),
        (Box::new(|index| index.clear()), false),
        (Box::new(move |index| index.clone_from(&foreign)), false),
    ];
    for (number, (harm, in_the_middle)) in harms.iter().enumerate() {
        cut_off(&scene);
        edit(&scene, "out/run/seek-index", harm);
        let run = Run::of(&mut command(&scene, &["--resume", "--log", "info"]));
        run.expect_code(SOME_FAILED);
        assert_eq!(run.stderr.contains(IN_THE_MIDDLE), *in_the_middle, "{number}: {run:#?}");
        assert_same(&expected, &scene.dataset("out").contents(), "resumed");
        fs::remove_dir_all(scene.path("out")).expect("it is the test's own");
    }
}

#[test]
fn another_compressed_archive_is_refused_whatever_the_index_says() {
    let [scene, _] = packed_scenes();
    for scene in [scene, framed_scene()] {
        refuses_another(&scene);
    }
}

fn refuses_another(scene: &Scene) {
    let expected = expected(scene);
    cut_off(scene);
    for at in [1_000, 200_000] {
        let change = |bytes: &mut Vec<u8>| bytes[at] ^= 1;
        refused_after(
            scene,
            "archive.tar",
            change,
            &["cannot resume in", "the archive's content"],
        );
    }
    resumed_in_the_middle(scene, &expected);
}

/// The file of the last checkpoint.
fn checkpoint(scene: &Scene) -> PathBuf {
    let number = Ledger::read(&scene.path("out")).expect("it was begun").checkpoint();
    PathBuf::from(format!("out/run/checkpoint-{number}"))
}

/// Asserts that a resume without this file is refused and names it.
#[track_caller]
fn refused_without(scene: &Scene, path: &Path) {
    fs::rename(scene.path(path), scene.path("elsewhere")).expect("it is there");
    let name = path.display().to_string();
    refused(scene, &mut command(scene, &["--resume"]), &[&name]);
    fs::rename(scene.path("elsewhere"), scene.path(path)).expect("the scene is writable");
}

#[test]
fn an_archive_that_changes_while_it_is_read_stops_the_run_before_its_next_commit() {
    // The change may come when the last commit is on its way already: then there is none that it could stop.
    let in_time = (0..20).any(|_| changes_in_time(&scene()));
    assert!(in_time, "no change came before the last commit");
}

/// Changes the archive under a run that has committed something; says whether the run had not finished by then.
fn changes_in_time(scene: &Scene) -> bool {
    let running = committed(scene, &mut command(scene, &[]));
    running.signal(Signal::SIGSTOP);
    let before = Ledger::read(&scene.path("out")).expect("it was begun").checkpoint();
    edit(scene, "archive.tar", |bytes| bytes.extend([0; 512]));
    running.signal(Signal::SIGCONT);
    let run = running.end();
    let after = Ledger::read(&scene.path("out")).expect("it was begun").checkpoint();
    // One that was checked before may have been on its way.
    assert!(
        after <= before + 1,
        "checkpoint {after}, when the archive changed after {before}"
    );
    if run.status.code() == Some(SOME_FAILED) {
        return false;
    }
    run.expect_code(1)
        .expect_stderr(&["error: ", "archive.tar", "changed while it was read"]);
    refused(
        scene,
        &mut command(scene, &["--resume"]),
        &["cannot resume in", "the archive's size"],
    );
    true
}

#[test]
fn standard_input_is_resumed_with_the_same_bytes_and_no_others() {
    let scene = scene();
    let expected = expected(&scene);
    let reading = |archive: &str| {
        let mut command = scene.tarquet(&["extract", "--tar-path", "-", "--feature-map", "map.yaml"]);
        command.args(["--out-dir", "out"]).args(SETTINGS);
        command.stdin(File::open(scene.path(archive)).expect("it is there"));
        command
    };
    // As late as in the midst of a publication, which is what the first thing that a resume does is about.
    let is_cut_off = (1..40).any(|rename| {
        fs::remove_dir_all(scene.path("out")).ok();
        let mut killed = reading("archive.tar");
        killed.env("TARQUET_FAILPOINT", format!("rename:{rename}:kill"));
        Run::of(&mut killed).expect_signal(Signal::SIGKILL as i32);
        let ledger = Ledger::read(&scene.path("out"));
        ledger.is_some_and(|ledger| {
            ledger.parts().len() > ledger.pending(&scene.path("out")).len()
                && !ledger.pending(&scene.path("out")).is_empty()
        })
    });
    assert!(is_cut_off, "no run was killed between two parts of a publication");
    scene.write("other.tar", fs::read(scene.path("archive.tar")).expect("it is there"));
    edit(&scene, "other.tar", |bytes| bytes[600] ^= 1);
    refused_while_reading(&scene, reading("other.tar").arg("--resume"), &expected);
    edit(&scene, "other.tar", |bytes| bytes.truncate(4_096));
    refused_while_reading(&scene, reading("other.tar").arg("--resume"), &expected);
    Run::of(reading("archive.tar").arg("--resume")).expect_code(SOME_FAILED);
    assert_same(&expected, &scene.dataset("out").contents(), "resumed");
}

#[test]
fn a_run_that_is_finished_is_not_done_again() {
    let scene = scene();
    Run::of(&mut command(&scene, &[])).expect_code(SOME_FAILED);
    let before = scene.dataset("out").contents();
    let run = Run::of(&mut command(&scene, &["--resume"]));
    run.expect_code(0).expect_quiet_stderr();
    assert!(
        run.stdout
            .starts_with("out is finished already: 1,499 members extracted, 1 failed, "),
        "{run:#?}"
    );
    assert_same(&before, &scene.dataset("out").contents(), "resumed");
}

#[test]
fn resume_begins_where_there_is_nothing() {
    let scene = scene();
    let expected = expected(&scene);
    resumed(&scene, &expected);
}

#[test]
fn the_lock_is_held_by_one_run_and_dies_with_it() {
    let scene = scene();
    let expected = expected(&scene);
    let running = committed(&scene, &mut command(&scene, &[]));
    running.signal(Signal::SIGSTOP);
    for flag in ["--resume", "--overwrite"] {
        let run = Run::of(&mut command(&scene, &[flag]));
        run.expect_code(1)
            .expect_stderr(&["error: another run is writing to out", "out/run/lock"]);
    }
    Run::of(&mut scene.tarquet(&["verify", "--out-dir", "out"]))
        .expect_code(1)
        .expect_stderr(&["out/run/lock"]);
    running.signal(Signal::SIGKILL);
    running.end().expect_signal(Signal::SIGKILL as i32);
    resumed(&scene, &expected);
}

#[test]
fn a_file_in_the_place_of_a_table_is_named_and_left_alone() {
    let scene = scene();
    let expected = expected(&scene);
    scene.write("out/features_raw/feature=offers", "a file in the way");
    let run = Run::of(&mut command(&scene, &[]));
    run.expect_code(1).expect_stderr(&["out/features_raw/feature=offers"]);
    let left = fs::read_to_string(scene.path("out/features_raw/feature=offers")).expect("it is there");
    assert_eq!(left, "a file in the way");
    fs::remove_file(scene.path("out/features_raw/feature=offers")).expect("it is there");
    resumed(&scene, &expected);
}

/// Before it has begun, an overwrite has changed nothing, and there is nothing to be resumed.
#[test]
fn an_overwrite_that_is_stopped_before_it_begins_says_how_to_begin() {
    let scene = scene();
    Run::of(&mut command(&scene, &[])).expect_code(SOME_FAILED);
    let old = scene.dataset("out").contents();
    let mut running = scene.start("out", &["--overwrite", "--sample", "1000000"]);
    wait_for("workers at the sample", || {
        assert!(running.is_running(), "it ended before anything was done to it");
        (!running.workers().is_empty()).then_some(())
    });
    running.signal(Signal::SIGINT);
    let run = running.end();
    run.expect_signal(Signal::SIGINT as i32)
        .expect_stderr(&["stopped by SIGINT: nothing is committed yet. To go on: "]);
    let last = run.stderr.lines().last().unwrap_or_default();
    assert!(last.contains(" --overwrite") && !last.contains("--resume"), "{run:#?}");
    assert_same(&old, &scene.dataset("out").contents(), "what was to be overwritten");
}

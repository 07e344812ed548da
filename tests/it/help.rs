//! What the real binary shows of itself: help as it was agreed to, suggestions, colours, its version.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{Run, Scene};

fn scene() -> Scene {
    Scene::new(b"", "")
}

#[test]
fn help_is_what_the_snapshots_say() {
    let scene = scene();
    let snapshots = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/cli/snapshots");
    let mut seen = 0;
    for snapshot in fs::read_dir(snapshots).expect("there are snapshots") {
        let path = snapshot.expect("it can be listed").path();
        let name = path.file_stem().and_then(|name| name.to_str()).expect("names are text");
        // tarquet-extract--help, tarquet-extract-h.
        let (command, flag) = match name.strip_suffix("--help") {
            Some(command) => (command, "--help"),
            None => (name.strip_suffix("-h").expect("short or long"), "-h"),
        };
        let words = command.split('-').skip(1).chain([flag]).collect::<Vec<_>>();
        let run = Run::of(scene.tarquet(&words).env("COLUMNS", "100"));
        run.expect_code(0).expect_quiet_stderr();
        assert_eq!(run.stdout, fs::read_to_string(&path).expect("it is text"), "{words:?}");
        seen += 1;
    }
    assert!(seen >= 8, "{seen} snapshots");
}

#[test]
#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
fn manual_pages_are_sound() {
    let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("contrib/man");
    for page in fs::read_dir(pages).expect("there are pages") {
        let page = page.expect("it can be listed").path();
        // All warnings, for a terminal, and the page itself is not shown.
        let mut groff = Command::new("groff");
        let Ok(output) = groff.args(["-man", "-Tutf8", "-ww", "-z"]).arg(&page).output() else {
            println!("SKIPPED: groff is not here");
            return;
        };
        assert!(output.status.success(), "{output:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{}", page.display());
    }
}

#[test]
fn the_nearest_is_suggested() {
    let scene = scene();
    for (words, nearest) in [
        (&["extrct"][..], "'extract'"),
        (&["extract", "--outdir", "o"], "'--out-dir'"),
        (&["extract", "--engine", "structral"], "'structural'"),
        (&["completions", "bahs"], "'bash'"),
    ] {
        Run::of(&mut scene.tarquet(words))
            .expect_code(2)
            .expect_stderr(&["tip: ", nearest]);
    }
}

#[test]
fn colours_are_for_terminals_and_nobody_gets_them_against_their_will() {
    let scene = scene();
    let coloured = |variables: &[(&str, &str)]| {
        let mut command = scene.tarquet(&["extract", "-h"]);
        for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
            command.env_remove(name);
        }
        let run = Run::of(command.envs(variables.iter().copied()));
        run.expect_code(0);
        run.stdout.contains('\u{1b}')
    };
    assert!(!coloured(&[]));
    assert!(coloured(&[("CLICOLOR_FORCE", "1")]));
    assert!(!coloured(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
}

#[test]
fn the_version_names_commit_target_and_engine() {
    let scene = scene();
    let run = Run::of(&mut scene.tarquet(&["-V"]));
    run.expect_code(0).expect_quiet_stderr();
    let short = run.stdout.trim_end();
    let plain = concat!("tarquet ", env!("CARGO_PKG_VERSION"));
    // Where there is no git, it says no more than it knows.
    let commit = commit().map(|commit| format!("{plain} ({commit})"));
    assert_eq!(short, commit.as_deref().unwrap_or(plain));

    let run = Run::of(scene.tarquet(&["--version"]).env("TARQUET_SIMD", "portable"));
    run.expect_code(0).expect_quiet_stderr();
    let lines: Vec<&str> = run.stdout.lines().collect();
    let [first, target, engine] = lines[..] else {
        panic!("{lines:?}")
    };
    assert_eq!(first, short);
    assert!(
        target.starts_with(&format!("target: {}-", std::env::consts::ARCH)),
        "{target}"
    );
    assert_eq!(engine, "engine: structural (portable)");

    let run = Run::of(scene.tarquet(&["--version"]).env("TARQUET_SIMD", "abacus"));
    run.expect_code(0).expect_quiet_stderr();
    assert!(
        run.stdout
            .contains("engine: structural, but TARQUET_SIMD asks for `abacus`"),
        "{run:#?}"
    );
}

/// The commit that is checked out, as git shows it.
fn commit() -> Option<String> {
    let mut git = Command::new("git");
    git.args(["log", "-1", "--date=short", "--abbrev=9", "--format=%h %cd"]);
    let output = git.current_dir(env!("CARGO_MANIFEST_DIR")).output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}

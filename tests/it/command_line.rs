//! Arguments, environment, streams and exit codes.

use serde_json::Value;

use crate::support::{Run, Scene, Tar, gzip, tar};

const MAP: &str = "version: 1\nid: doc\nfeatures: {a: $.a}\n";

fn archive() -> Vec<u8> {
    tar(&[("1.json", r#"{"a":1}"#), ("2.json", r#"{"a":2}"#)])
}

fn scene() -> Scene {
    Scene::new(&archive(), MAP)
}

#[test]
fn help_names_every_flag_and_every_exit_code() {
    let scene = scene();
    let run = Run::of(&mut scene.tarquet(&["extract", "--help"]));
    run.expect_code(0).expect_quiet_stderr();
    for flag in [
        "--tar-path",
        "--out-dir",
        "--feature-map",
        "--workers",
        "--buffer-rows",
        "--buffer-bytes",
        "--sample",
        "--overwrite",
        "--include",
        "--exclude",
        "--max-document-bytes",
        "--allow-failed",
        "--engine",
        "--progress",
        "--summary",
        "--log",
        "--verbose",
        "--quiet",
    ] {
        assert!(run.stdout.contains(flag), "no {flag} in {}", run.stdout);
    }
    for text in [
        "config/json_feature_map.yaml",
        "100000",
        "96MiB",
        "1000",
        "256MiB",
        "TARQUET_OUT_DIR",
        "  0  ",
        "  1  ",
        "  2  ",
        "  3  ",
    ] {
        assert!(run.stdout.contains(text), "no {text} in {}", run.stdout);
    }
    assert!(!run.stdout.contains("__worker"), "the hidden subcommand is shown");
}

#[test]
fn the_command_alone_shows_help_and_a_version() {
    let scene = scene();
    let run = Run::of(&mut scene.tarquet(&[]));
    run.expect_code(2).expect_stderr(&["Usage: tarquet", "extract"]);
    let run = Run::of(&mut scene.tarquet(&["--version"]));
    run.expect_code(0);
    let version = concat!("tarquet ", env!("CARGO_PKG_VERSION"));
    assert!(run.stdout.starts_with(version), "{run:#?}");
}

#[test]
fn wrong_usage_is_refused_with_what_would_be_right() {
    let scene = scene();
    let cases: &[(&[&str], &[&str])] = &[
        (&["--workers", "0"], &["--workers", "1..=256"]),
        (&["--workers", "257"], &["--workers", "1..=256"]),
        (&["--workers", "many"], &["--workers"]),
        (&["--buffer-rows", "0"], &["--buffer-rows"]),
        (&["--buffer-rows", "-1"], &["-1"]),
        (&["--buffer-bytes", "lots"], &["--buffer-bytes", "64MiB"]),
        (&["--sample", "0"], &["--sample"]),
        (&["--allow-failed", "101%"], &["--allow-failed", "100%"]),
        (&["--allow-failed", "some"], &["--allow-failed"]),
        (&["--progress", "loud"], &["--progress", "plain"]),
        (&["--engine", "magic"], &["--engine", "reference"]),
        (&["--buffer-row", "5"], &["--buffer-row", "--buffer-rows"]),
        (&["-q", "-v"], &["--quiet", "--verbose"]),
    ];
    for (arguments, texts) in cases {
        let run = scene.run(arguments);
        run.expect_code(2).expect_stderr(texts);
        assert_eq!(run.stdout, "", "{arguments:?}");
    }
    let run = Run::of(&mut scene.tarquet(&["extract"]));
    run.expect_code(2).expect_stderr(&["--tar-path", "--out-dir"]);
    assert!(!scene.path("out").exists());
}

#[test]
fn every_setting_can_come_from_the_environment_and_a_flag_wins() {
    let scene = scene();
    let mut command = scene.tarquet(&["extract"]);
    command
        .env("TARQUET_TAR_PATH", "archive.tar")
        .env("TARQUET_OUT_DIR", "from-env")
        .env("TARQUET_FEATURE_MAP", "map.yaml")
        .env("TARQUET_WORKERS", "1")
        .env("TARQUET_BUFFER_ROWS", "1")
        .env("TARQUET_SUMMARY", "json")
        .env("TARQUET_PROGRESS", "none");
    let run = Run::of(&mut command);
    run.expect_code(0).expect_quiet_stderr();
    assert_eq!(run.json()["members"]["extracted"], 2);
    assert_eq!(scene.dataset("from-env").parts("a").len(), 2);

    command.args(["--out-dir", "from-flag", "--buffer-rows", "10"]);
    Run::of(&mut command).expect_code(0);
    assert_eq!(scene.dataset("from-flag").parts("a").len(), 1);

    command.env("TARQUET_OVERWRITE", "true").env("TARQUET_EXCLUDE", "1.*");
    Run::of(&mut command).expect_code(0);
    assert_eq!(scene.dataset("from-flag").members(), [1, 0, 1]);

    command.env("TARQUET_WORKERS", "none");
    Run::of(&mut command).expect_code(2).expect_stderr(&["--workers"]);
}

#[test]
fn the_summary_is_for_people_unless_asked_otherwise() {
    let archive = Tar::new()
        .file("1.json", r#"{"a":1}"#)
        .file("2.json", "{")
        .file("3.txt", "")
        .file("4.json", r#"{"a":"x"}"#)
        .finish();
    let scene = Scene::new(&archive, "id: doc\nfeatures: {a: {path: $.a, type: int64}}\n");
    let run = scene.run(&[]);
    run.expect_code(3);
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(
        lines[0].split_whitespace().collect::<Vec<_>>(),
        ["feature", "rows", "parts", "size"]
    );
    assert_eq!(lines[1].split_whitespace().take(3).collect::<Vec<_>>(), ["a", "2", "1"]);
    let counts = "2 members extracted, 1 failed (failed.log), 1 skipped; 1 value did not fit (rescued.ndjson)";
    assert!(lines.contains(&counts), "{run:#?}");

    let run = scene.run(&["--overwrite", "--summary", "json", "-v"]);
    run.expect_code(3);
    assert_eq!(run.json(), scene.dataset("out").summary(), "stdout and summary.json");
}

#[test]
fn quiet_says_nothing_but_errors() {
    let archive = tar(&[("1.json", r#"{"a":1}"#), ("1.json", r#"{"a":null}"#)]);
    let scene = Scene::new(&archive, "id: doc\nfeatures: {a: $.a, b: $.none}\n");
    let run = scene.run(&[]);
    run.expect_code(0).expect_stderr(&["warning: "]);
    let run = scene.run(&["-q", "--overwrite"]);
    run.expect_code(0).expect_quiet_stderr();
    assert_eq!(run.stdout, "");
    let run = scene.run(&["-q", "--overwrite", "--summary", "json"]);
    assert_eq!(run.json()["members"]["extracted"], 2);
    let run = scene.run(&["-q"]);
    run.expect_code(1)
        .expect_stderr(&["error: out already holds a dataset"]);
}

#[test]
fn progress_goes_to_standard_error_in_the_form_that_was_asked_for() {
    let scene = scene();
    scene.write("archive.tar", gzip(&archive()));
    let run = scene.run(&["--progress", "json"]);
    run.expect_code(0);
    let lines: Vec<Value> = run
        .stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line:?}")))
        .collect();
    let last = lines.last().expect("the end is told");
    assert_eq!(last["members_extracted"], 2);
    assert_eq!(last["rows"], 2);
    assert_eq!(last["sampling"], false);
    assert_eq!(last["archive_bytes"], last["archive_len"]);

    for kind in ["plain", "none", "auto"] {
        let run = scene.run(&["--progress", kind, "--overwrite"]);
        run.expect_code(0);
        assert!(
            run.stderr.lines().all(|line| line.contains(" % · ")),
            "{kind}: {run:#?}"
        );
        assert!(kind != "none" || run.stderr.is_empty(), "{run:#?}");
    }
}

#[test]
fn nothing_is_coloured_or_redrawn_where_there_is_no_terminal() {
    let scene = scene();
    let is_plain = |text: &str| !text.contains(['\u{1b}', '\r']);
    for arguments in [
        &["-vv", "--overwrite"][..],
        &["--progress", "auto", "--overwrite"],
        &["--workers", "0"],
    ] {
        let run = scene.run(arguments);
        assert!(is_plain(&run.stdout) && is_plain(&run.stderr), "{run:#?}");
    }
}

#[test]
fn log_levels_decide_what_is_said() {
    // A feature whose type rests on nothing is warned about.
    let scene = Scene::new(&tar(&[("1.json", r#"{"a":1}"#)]), "id: doc\nfeatures: {a: $.none}\n");
    let stderr = |arguments: &[&str]| {
        let run = scene.run(&[arguments, &["--overwrite"]].concat());
        run.expect_code(0);
        run.stderr
    };
    assert!(stderr(&[]).starts_with("warning: "));
    assert!(stderr(&["--log", "warn"]).starts_with("warning: "));
    assert_eq!(stderr(&["--log", "error"]), "");
    assert_eq!(stderr(&["--log", "off"]), "");
    assert!(stderr(&["-v"]).contains("warning: "));
    assert!(stderr(&["--log", "trace"]).contains("warning: "));
}

#[test]
fn a_worker_that_is_started_by_hand_leaves() {
    let scene = scene();
    let run = Run::of(&mut scene.tarquet(&["__worker", "1"]));
    assert!(!run.status.success(), "{run:#?}");
    assert_eq!(run.stdout, "", "{run:#?}");
    assert!(!run.stderr.contains("panicked"), "{run:#?}");
}

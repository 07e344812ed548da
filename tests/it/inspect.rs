//! `tarquet inspect`: what is in an archive, and a map that runs as it is.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Run, Scene, gzip, tar};

/// Searches of different shapes, one of which is no JSON.
fn archive() -> Vec<u8> {
    tar(&[
        (
            "raw/a.json",
            r#"{"id": 1, "price": 2.5, "tags": ["x", "y"], "legs": [{"from": "MOW"}, {"from": "LED"}]}"#,
        ),
        (
            "raw/b.json",
            r#"{"id": 2, "price": 3, "legs": [{"from": "SVO", "to": null}]}"#,
        ),
        ("raw/c.json", "{"),
        (
            "raw/d.json",
            r#"{"id": 3, "price": null, "when": "2024-05-01T10:00:00Z"}"#,
        ),
        ("raw/e.txt", "no JSON"),
    ])
}

fn scene() -> Scene {
    Scene::new(&archive(), "")
}

fn inspect(scene: &Scene, arguments: &[&str]) -> Run {
    let mut command = scene.tarquet(&["inspect", "--tar-path", "archive.tar", "--workers", "2"]);
    Run::of(command.args(arguments))
}

/// The report's entry of a path.
fn path<'r>(report: &'r Value, path: &str) -> &'r Value {
    let paths = report["paths"].as_array().expect("a list");
    let found = paths.iter().find(|entry| entry["path"] == path);
    found.unwrap_or_else(|| panic!("no {path} in {report:#}"))
}

#[test]
fn every_path_is_shown_with_what_is_there() {
    let run = inspect(&scene(), &[]);
    run.expect_code(0).expect_stderr(&[
        "warning: 1 document could not be read and is left out; the first is \"raw/c.json\": truncated",
    ]);
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines[0], "3 documents (all there are), 1 failed");
    let columns = |at: usize| {
        lines[at]
            .split("  ")
            .filter(|text| !text.is_empty())
            .map(str::trim)
            .collect::<Vec<_>>()
    };
    assert_eq!(columns(2), ["path", "present", "type", "null", "distinct", "examples"]);
    assert_eq!(columns(3), ["$", "100%", "object"]);
    assert_eq!(columns(4), ["├─ id", "100%", "int64", "3", "1, 2, 3"]);
    assert_eq!(columns(5), ["├─ price", "100%", "float64", "33%", "2", "2.5, 3"]);
    assert_eq!(columns(6), ["├─ tags", "33%", "array of 2"]);
    assert_eq!(columns(8), ["├─ legs", "67%", "array of 1–2 (mean 1.5)"]);
    assert_eq!(
        columns(12),
        ["└─ when", "33%", "timestamp", "1", "\"2024-05-01T10:00:00Z\""]
    );
    assert_eq!(lines.len(), 13, "{run:#?}");
}

#[test]
fn programs_get_numbers() {
    let report = inspect(&scene(), &["--format", "json"]).json();
    assert_eq!(
        (&report["documents"], &report["failed"], &report["is_whole"]),
        (&json!(3), &json!(1), &json!(true))
    );
    let price = path(&report, "$.price");
    assert_eq!(price["count"], 3);
    assert_eq!(price["nulls"], 1);
    assert_eq!(price["types"], json!({"float64": 2}));
    assert_eq!((&price["least"], &price["greatest"]), (&json!(2.5), &json!(3.0)));
    let legs = path(&report, "$.legs");
    assert_eq!(legs["array_lengths"], json!({"least": 1, "most": 2, "mean": 1.5}));
    assert_eq!(legs["count"], 2);
    assert_eq!(path(&report, "$.legs[*].from")["distinct"], 3);
    let csv = inspect(&scene(), &["--format", "csv"]).stdout;
    assert!(csv.contains("\n$.price,3,1,1,float64=2,2,2.5,3,,,,2.5 3\n"), "{csv}");
    assert!(
        csv.contains("\n$.tags[*],2,1,0,string=2,2,,,,,,\"\"\"x\"\" \"\"y\"\"\"\n"),
        "{csv}"
    );
}

#[test]
fn the_result_does_not_depend_on_who_looks() {
    let documents: Vec<(String, String)> = (0..4_000)
        .map(|number| {
            let document = format!(
                r#"{{"id": {number}, "kind": "k{}", "by": {{"user{number}": {{"n": {number}}}, "u{number}": {{"n": 1}}}}, "pad": "{}"}}"#,
                number % 7,
                "x".repeat(number % 900)
            );
            (format!("{number}.json"), document)
        })
        .collect();
    let archive = tar(&documents);
    let scene = Scene::new(&archive, "");
    scene.write("archive.tar.gz", gzip(&archive));
    let lines: String = documents.iter().map(|(_, document)| format!("{document}\n")).collect();
    scene.write("lines.tar", tar(&[("all.ndjson", lines)]));
    let of = |archive: &str, workers: &str| {
        let mut command = scene.tarquet(&["inspect", "--sample", "all", "--format", "json", "--tar-path", archive]);
        Run::of(command.args(["--workers", workers])).json()
    };
    let expected = of("archive.tar", "1");
    assert_eq!(path(&expected, "$.by.*.n")["count"], 8_000);
    assert_eq!(path(&expected, "$.kind")["distinct"], 7);
    for (archive, workers) in [("archive.tar", "8"), ("archive.tar.gz", "3"), ("lines.tar", "2")] {
        assert_eq!(of(archive, workers), expected, "{archive}, {workers} workers");
    }
}

#[test]
fn a_sample_is_the_first_documents_or_some_from_everywhere() {
    let documents: Vec<(String, String)> = (0..500)
        .map(|number| {
            (
                format!("{number}.json"),
                format!(r#"{{"n": {number}, "pad": "{}"}}"#, "x".repeat(2_000)),
            )
        })
        .collect();
    let scene = Scene::new(&tar(&documents), "");
    let numbers = |arguments: &[&str]| {
        let report = inspect(&scene, &[&["--format", "json"], arguments].concat()).json();
        let n = path(&report, "$.n").clone();
        (
            report["documents"].as_u64().unwrap(),
            n["least"].as_f64().unwrap(),
            n["greatest"].as_f64().unwrap(),
            report["is_whole"] == true,
        )
    };
    assert_eq!(numbers(&["--sample", "20"]), (20, 0.0, 19.0, false));
    assert_eq!(numbers(&["--sample", "500"]), (500, 0.0, 499.0, true));
    assert_eq!(numbers(&["--sample", "all"]), (500, 0.0, 499.0, true));
    let (count, least, greatest, is_whole) = numbers(&["--sample", "20", "--spread"]);
    assert!(
        (15..=20).contains(&count) && least == 0.0 && greatest > 450.0 && !is_whole,
        "{count} {greatest}"
    );
    let shown = inspect(&scene, &["--sample", "20"]).stdout;
    assert!(
        shown.starts_with("20 documents (the first ones; there are more)\n"),
        "{shown}"
    );
    inspect(&scene, &["--sample", "0"])
        .expect_code(2)
        .expect_stderr(&["a number of documents from 1 on, or `all`"]);
}

#[test]
fn the_map_that_is_written_runs_and_nothing_is_lost() {
    let scene = scene();
    let run = inspect(&scene, &["--write-map", "made.yaml"]);
    run.expect_code(0).expect_stderr(&[
        "wrote made.yaml: 2 features, 7 columns. Next:\n  tarquet check --feature-map made.yaml --tar-path archive.tar\n",
    ]);
    scene.write("map.yaml", fs::read(scene.path("made.yaml")).expect("it was written"));
    scene.run(&[]).expect_code(3);
    let dataset = scene.dataset("out");
    assert_eq!(
        dataset.rows("document"),
        [
            json!(["a", 1, 2.5, ["x", "y"], null]),
            json!(["b", 2, 3.0, null, null]),
            json!(["d", 3, null, null, 1_714_557_600_000_000_u64]),
        ]
    );
    assert_eq!(dataset.column("legs", "from"), ["MOW", "LED", "SVO"]);
    assert_eq!(dataset.column("legs", "leg_index"), [0, 1, 0]);
    assert!(dataset.rescued().is_empty());
    // A file that is there may have been edited.
    let before = fs::read(scene.path("made.yaml")).unwrap();
    inspect(&scene, &["--write-map", "made.yaml"])
        .expect_code(1)
        .expect_stderr(&["error: made.yaml is there already, and is not replaced"]);
    assert_eq!(fs::read(scene.path("made.yaml")).unwrap(), before);
    let piped = inspect(&scene, &["--write-map", "-"]);
    assert_eq!(piped.stdout.as_bytes(), before);
}

#[test]
fn members_of_many_documents_and_repeated_names_get_other_ids() {
    let scene = Scene::new(&tar(&[("a.ndjson", "{\"key\": \"x\"}\n{\"key\": \"y\"}\n")]), "");
    let map = inspect(&scene, &["--write-map", "-"]).stdout;
    assert!(map.contains("\nid: {column: key, path: $.key, type: string}"), "{map}");
    let scene = Scene::new(&tar(&[("a/x.json", "{\"n\": 1}"), ("b/x.json", "{\"n\": 2}")]), "");
    let map = inspect(&scene, &["--write-map", "-"]).stdout;
    assert!(map.contains("\nid: {column: file, pattern: '^(.*)$'}"), "{map}");
}

#[test]
fn what_is_to_be_run_next_reads_the_same() {
    let scene = Scene::new(&tar(&[("a.json", "{\"n\": 1}\n{\"n\": 2}\n")]), "");
    let run = inspect(
        &scene,
        &[
            "--documents",
            "ndjson",
            "--include",
            "*.json",
            "--write-map",
            "made.yaml",
        ],
    );
    run.expect_code(0).expect_stderr(&[
        "  tarquet check --feature-map made.yaml --tar-path archive.tar --include '*.json' --documents ndjson\n",
    ]);
    // What a document on each line looks like to whoever takes a member for one.
    inspect(&scene, &[]).expect_stderr(&["--documents ndjson reads them"]);
    inspect(&scene, &["--write-map", "none/made.yaml"])
        .expect_code(1)
        .expect_stderr(&["error: cannot write none/made.yaml: there is no directory none"]);
}

#[test]
fn of_a_damaged_archive_it_says_how_far_it_was_read() {
    let archive = archive();
    let scene = Scene::new(&archive[..1_600], "");
    let run = inspect(&scene, &[]);
    run.expect_code(0)
        .expect_stderr(&["Everything before it was looked at"]);
    assert!(
        run.stdout
            .starts_with("2 documents (up to where the archive is damaged)"),
        "{run:#?}"
    );
    let report = inspect(&scene, &["--format", "json"]).json();
    assert_eq!(report["is_whole"], false);
    assert!(report["damage"].is_string(), "{report:#}");
    scene.write(
        "map.yaml",
        "{version: 1, id: doc, features: {id: {path: $.id, type: int64}}}",
    );
    let mut check = scene.tarquet(&["check", "--feature-map", "map.yaml", "--tar-path", "archive.tar"]);
    Run::of(&mut check).expect_code(3);
}

#[test]
fn a_member_that_kills_its_worker_is_left_out() {
    let scene = Scene::new(
        &tar(&[
            ("a.json", "{\"n\": 1}"),
            ("poison-abort.json", "{\"n\": 2}"),
            ("c.json", "{\"n\": 3}"),
        ]),
        "",
    );
    let run = inspect(&scene, &["--format", "json"]);
    run.expect_code(0).expect_stderr(&["poison-abort.json", "crash"]);
    assert_eq!(path(&run.json(), "$.n")["count"], 2);
}

#[test]
fn where_there_is_nothing_that_is_said() {
    let scene = Scene::new(&tar(&[("a.txt", "x")]), "");
    inspect(&scene, &[])
        .expect_code(0)
        .expect_stderr(&["warning: no member of the archive was wanted (1 skipped); --include says which are"]);
    inspect(&scene, &["--write-map", "made.yaml"])
        .expect_code(1)
        .expect_stderr(&["error: there is no document to make a feature map of"]);
    assert!(!scene.path("made.yaml").exists());
    let mut missing = scene.tarquet(&["inspect", "--tar-path", "none.tar"]);
    Run::of(&mut missing).expect_code(1).expect_stderr(&["none.tar"]);
    inspect(&scene, &["--formt", "json"])
        .expect_code(2)
        .expect_stderr(&["--format"]);
}

#[test]
fn names_from_an_archive_are_no_commands_to_a_terminal() {
    let scene = Scene::new(
        &tar(&[("a.json", "{\"\\u001b[2J\\u202e\": \"\\u001b]0;x\\u0007\"}")]),
        "",
    );
    for format in ["table", "json", "csv"] {
        let shown = inspect(&scene, &["--format", format, "--write-map", &format!("{format}.yaml")]);
        shown.expect_code(0);
        let map = fs::read_to_string(scene.path(format!("{format}.yaml"))).unwrap();
        for text in [&shown.stdout, &map] {
            let hidden: Vec<char> = text
                .chars()
                .filter(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}')
                .collect();
            // JSON escapes controls, and is for programs.
            assert!(hidden.is_empty() || format != "table", "{hidden:?} in {text}");
        }
    }
}

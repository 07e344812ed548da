//! Members with a document on each line: each is what a member of its own would be, however they are cut and whoever
//! reads them.

use std::collections::BTreeMap;
use std::process::Command;

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::support::dataset::{Contents, assert_same};
use crate::support::process::{Running, wait_for};
use crate::support::{Dataset, Run, Scene, Tar, gzip, zstd};

/// The id is the member's name up to what tells apart the lines of one member, where each is a member.
const MAP: &str = "\
id: {column: doc, pattern: '^([^#]*)'}
provenance: true
features:
  number: {path: $.n, type: int64}
  items: {for: {item: '$.items[*]'}, columns: {item: {path: item, type: int64}}}
";

/// The same with types that are inferred.
const UNTYPED: &str = "\
id: {column: doc, pattern: '^([^#]*)'}
provenance: true
features:
  number: $.n
  items: {for: {item: '$.items[*]'}, columns: {item: item}}
";

/// Numbers that look random and are the same each time.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, most: u64) -> u64 {
        // Knuth's MMIX generator; its upper bits are the good ones.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

/// A line of some kind, without its end.
fn line(random: &mut Random, number: u64) -> String {
    match random.below(20) {
        0 => String::new(),
        1 => " \t ".to_owned(),
        2 => r#"{"n": 1, "items": ["#.to_owned(),
        3 => format!(r#"{{"n": "x{number}", "items": [1, "y", 2]}}"#),
        4 => "]".to_owned(),
        5 => format!(
            r#"{{"n": {number}, "pad": "{}"}}"#,
            "p".repeat(random.below(400) as usize)
        ),
        6 => format!("\u{feff}{{\"n\": {number}}}"),
        items => format!(
            r#"{{"n": {number}, "items": {:?}}}"#,
            (0..items % 5).collect::<Vec<u64>>()
        ),
    }
}

/// Lines of all kinds, and of all kinds of ends.
fn lines(seed: u64, count: u64) -> Vec<u8> {
    let mut random = Random(seed);
    let mut text = String::new();
    for number in 0..count {
        text.push_str(&line(&mut random, number));
        text.push_str(if random.below(4) == 0 { "\r\n" } else { "\n" });
    }
    if random.below(2) == 0 {
        text.push_str(r#"{"n": 0, "items": [9]}"#);
    }
    text.into_bytes()
}

/// Members of lines, among members that are documents.
fn members(seed: u64) -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("one.json", br#"{"n": 1, "items": [1, 2]}"#.to_vec()),
        ("small.ndjson", lines(seed, 7)),
        ("two.json", br#"{"n": "#.to_vec()),
        ("large.jsonl", lines(seed + 1, 900)),
        ("none.NDJSON", Vec::new()),
        ("blank.ndjson", b"\xEF\xBB\xBF \r\n\n\t".to_vec()),
        ("middle.jsonl", lines(seed + 2, 150)),
        ("three.json", br#"{"n": 3}"#.to_vec()),
    ]
}

fn archive(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let tar = members
        .iter()
        .fold(Tar::new(), |tar, (name, content)| tar.file(name, content));
    tar.finish()
}

/// The archive in which each line is a member, `name#line`, and where in its member each line begins.
fn one_by_one(members: &[(&str, Vec<u8>)]) -> (Vec<u8>, BTreeMap<(String, u64), u64>) {
    let mut tar = Tar::new();
    let mut begins = BTreeMap::new();
    for (name, content) in members {
        if name.ends_with(".json") {
            tar = tar.file(name, content);
            continue;
        }
        let mut at = 0;
        for (number, line) in content.split(|byte| *byte == b'\n').enumerate() {
            let text = line.strip_prefix(b"\xEF\xBB\xBF").filter(|_| at == 0).unwrap_or(line);
            if !text.iter().all(u8::is_ascii_whitespace) {
                let number = number as u64 + 1;
                tar = tar.file(&format!("{name}#{number}"), line);
                begins.insert(((*name).to_owned(), number), at);
            }
            at += line.len() as u64 + 1;
        }
    }
    (tar.finish(), begins)
}

/// The member and the line that a name stands for.
fn parted(name: &Value) -> (String, Option<u64>) {
    let name = name.as_str().expect("a name");
    match name.split_once('#') {
        Some((name, line)) => (name.to_owned(), line.parse().ok()),
        None => (name.to_owned(), None),
    }
}

/// What a dataset says: rows by feature, failures and rescued values.
#[derive(Debug, PartialEq)]
struct Content {
    rows: [Vec<Value>; 2],
    failed: Vec<Value>,
    rescued: Vec<Value>,
}

const FEATURES: [&str; 2] = ["number", "items"];

impl Content {
    fn of(dataset: &Dataset) -> Content {
        Content {
            rows: FEATURES.map(|feature| dataset.rows(feature)),
            failed: dataset.failed(),
            rescued: dataset.rescued(),
        }
    }

    /// The same, of a dataset in which each line was a member.
    fn put_together(dataset: &Dataset, begins: &BTreeMap<(String, u64), u64>) -> Content {
        let rows = FEATURES.map(|feature| {
            let mut rows = dataset.rows(feature);
            for row in &mut rows {
                let (member, line) = parted(&row[1]);
                (row[1], row[2]) = (json!(member), json!(line));
            }
            rows
        });
        let mut failed = dataset.failed();
        for failure in &mut failed {
            let (member, line) = parted(&failure["member"]);
            if let (Some(line), Some(offset)) = (line, failure["offset"].as_u64()) {
                failure["offset"] = json!(offset + begins[&(member.clone(), line)]);
            }
            (failure["member"], failure["line"]) = (json!(member), json!(line));
        }
        let mut rescued = dataset.rescued();
        for value in &mut rescued {
            let (member, line) = parted(&value["member"]);
            let feature = FEATURES.iter().position(|feature| value["feature"] == *feature);
            let rows = &rows[feature.expect("a feature")];
            let before = rows.iter().filter(|row| row[1] == member && row[2].as_u64() < line);
            value["row"] = json!(value["row"].as_u64().expect("a row") + before.count() as u64);
            value["member"] = json!(member);
            if let Some(line) = line {
                value["line"] = json!(line);
            }
        }
        Content { rows, failed, rescued }
    }
}

/// Extracts into `out`, with stretches of so many bytes.
fn extract(scene: &Scene, out: &str, stretch: u64, workers: &str, arguments: &[&str]) -> Dataset {
    let mut command = scene.command(out, &[&["--workers", workers], arguments].concat());
    command.env("TARQUET_TEST_STRETCH", stretch.to_string());
    let run = Run::of(&mut command);
    assert!(matches!(run.status.code(), Some(0 | 3)), "{run:#?}");
    scene.dataset(out)
}

/// Every line is what it is as a member, plain and compressed, cut anywhere, read by any number of workers.
#[test]
fn a_line_is_what_it_is_as_a_member() {
    for (seed, map) in [(1, MAP), (2, MAP), (3, UNTYPED)] {
        let members = members(seed);
        let (reference, begins) = one_by_one(&members);
        let settings = ["--sample", "200", "--buffer-rows", "300", "--include", "*"];
        let scene = Scene::new(&reference, map);
        let expected = Content::put_together(&extract(&scene, "reference", 1 << 20, "2", &settings), &begins);
        assert!(expected.failed.len() > 20 && expected.rows[0].len() > 500);

        let plain = archive(&members);
        let mut whole: Option<Contents> = None;
        for (name, content) in [("plain", plain.clone()), ("gzip", gzip(&plain))] {
            scene.write("archive.tar", content);
            for (stretch, workers) in [(1 << 20, "1"), (1, "3"), (37, "8"), (5_000, "3")] {
                let out = format!("{name}-{stretch}");
                let dataset = extract(&scene, &out, stretch, workers, &settings);
                let what = format!("seed {seed}, {out}");
                if whole.is_none() {
                    assert_eq!(Content::of(&dataset), expected, "{what}");
                }
                let contents = dataset.contents();
                assert_same(whole.get_or_insert(contents.clone()), &contents, &what);
            }
        }
    }
}

/// What is compressed is read line by line as well.
#[test]
fn lines_may_be_compressed() {
    let scene = Scene::new(&[], MAP);
    let content = lines(5, 900);
    let reference = [("a.ndjson", content.clone())];
    let (tar, begins) = one_by_one(&reference);
    scene.write("archive.tar", tar);
    let expected = Content::put_together(
        &extract(&scene, "reference", 1 << 20, "2", &["--include", "*"]),
        &begins,
    );
    let halves = content.split_at(content.len() / 2);
    let packed: [(&str, Vec<u8>); 4] = [
        ("gz", gzip(&content)),
        ("gz-twice", [gzip(halves.0), gzip(halves.1)].concat()),
        ("zst", zstd(&content)),
        ("zst-twice", [zstd(halves.0), zstd(halves.1)].concat()),
    ];
    for (name, bytes) in packed {
        // By content, not by name.
        let tar = Tar::new().file("a.ndjson", bytes).finish();
        for (outside, tar) in [("tar", tar.clone()), ("gzip", gzip(&tar))] {
            scene.write("archive.tar", tar);
            let out = format!("{name}-{outside}");
            let dataset = extract(&scene, &out, 64, "3", &[]);
            assert_eq!(Content::of(&dataset), expected, "{out}");
            assert_eq!(dataset.members(), [1, 0, 0], "{out}");
        }
    }
}

/// A compressed member that is damaged fails where that is, and keeps what came before.
#[test]
fn damage_inside_a_compressed_member_costs_what_is_behind_it() {
    let content: String = (0..60_000).map(|number| format!("{{\"n\": {number}}}\n")).collect();
    let mut packed = gzip(content.as_bytes());
    packed.truncate(packed.len() / 2);
    let tar = Tar::new()
        .file("a.ndjson.gz", packed)
        .file("b.json", r#"{"n": 7}"#)
        .finish();
    let scene = Scene::new(&tar, MAP);
    let dataset = extract(&scene, "out", 1 << 20, "2", &[]);
    let failed = dataset.failed();
    assert_eq!(failed.len(), 1);
    let rows = dataset.rows("number");
    let kept = rows.len() as u64 - 1;
    assert!(kept > 1000, "{kept}");
    assert_eq!(
        (&failed[0]["reason"], &failed[0]["line"]),
        (&json!("compression"), &json!(kept + 1))
    );
    assert_eq!(rows[kept as usize - 1][2], json!(kept));
    assert_eq!(dataset.members(), [1, 1, 0]);
    assert_eq!(
        dataset.summary()["documents"],
        json!({"extracted": kept + 1, "failed": 1})
    );
}

/// A line of more bytes than a document may have fails alone, however much of it is held at a time.
#[test]
fn a_line_that_is_too_large_fails_alone() {
    let long = |length: usize| format!("{{\"n\": 1, \"pad\": \"{}\"}}", "x".repeat(length));
    // Just as large as one may be, a byte more, and much more; the last one without an end.
    let fitting = 1000 - long(0).len();
    let content = [
        r#"{"n": 1}"#.to_owned(),
        long(fitting),
        long(fitting + 1),
        r#"{"n": 4}"#.to_owned(),
        long(300_000),
        String::new(),
        r#"{"n": 7}"#.to_owned(),
        long(70_000),
    ]
    .join("\n");
    let tar = Tar::new()
        .file("a.ndjson", &content)
        .file("b.ndjson.gz", gzip(content.as_bytes()))
        .file("c.json", r#"{"n": 9}"#)
        .finish();
    let scene = Scene::new(&tar, MAP);
    let mut whole: Option<Contents> = None;
    for (name, bytes) in [("plain", tar.clone()), ("gzip", gzip(&tar))] {
        scene.write("archive.tar", bytes);
        for (stretch, workers) in [(1 << 20, "1"), (700, "3"), (1000, "3"), (1024, "8"), (9, "2")] {
            let out = format!("{name}-{stretch}");
            let limit = ["--max-document-bytes", "1000"];
            let dataset = extract(&scene, &out, stretch, workers, &limit);
            let failed: Vec<(Value, Value)> = dataset
                .failed()
                .into_iter()
                .map(|failure| (failure["line"].clone(), failure["reason"].clone()))
                .collect();
            let too_large = [3, 5, 8].map(|line| (json!(line), json!("too_large")));
            if bytes_are_held_as_a_whole(name, &content) {
                assert_eq!(failed[..3], too_large, "{out}");
                assert_eq!(failed.len(), 4, "{out}: what is compressed is too large itself");
            } else {
                assert_eq!(failed, [too_large.clone(), too_large].concat(), "{out}");
                let lines = dataset.column("number", "_line");
                assert_eq!(
                    lines,
                    [1, 2, 4, 7, 1, 2, 4, 7]
                        .map(Value::from)
                        .into_iter()
                        .chain([Value::Null])
                        .collect::<Vec<_>>()
                );
            }
            if name == "plain" {
                let contents = dataset.contents();
                assert_same(whole.get_or_insert(contents.clone()), &contents, &out);
            }
        }
    }
}

/// In an archive that is read in order, a compressed member is in the spool as a whole, and so within the limit.
fn bytes_are_held_as_a_whole(name: &str, content: &str) -> bool {
    name == "gzip" && gzip(content.as_bytes()).len() > 1000
}

/// A line that kills or holds up whoever reads it costs itself and nothing else.
#[test]
fn a_line_that_breaks_its_worker_is_named() {
    let mut lines: Vec<String> = (1..=600).map(|number| format!("{{\"n\": {number}}}")).collect();
    for poisoned in [1, 250, 251, 600] {
        lines[poisoned - 1] = r#"{"n": "poison-abort"}"#.to_owned();
    }
    let content = lines.join("\n");
    let packed = gzip(content.as_bytes());
    for (name, bytes) in [("a.ndjson", content.into_bytes()), ("a.ndjson.gz", packed)] {
        let tar = Tar::new().file(name, bytes).file("b.json", r#"{"n": 9}"#).finish();
        let scene = Scene::new(&tar, MAP);
        let mut whole: Option<Contents> = None;
        for (out, tar, stretch, workers) in [
            ("one", tar.clone(), 1 << 20, "1"),
            ("cut", tar.clone(), 400, "3"),
            ("in order", gzip(&tar), 1000, "3"),
        ] {
            scene.write("archive.tar", tar);
            let dataset = extract(&scene, out, stretch, workers, &[]);
            let failed: Vec<Value> = dataset.failed().iter().map(|failure| failure["line"].clone()).collect();
            assert_eq!(failed, [1, 250, 251, 600], "{name}, {out}");
            assert!(
                dataset.reasons().iter().all(|(_, reason)| reason == "crash"),
                "{name}, {out}"
            );
            assert_eq!(dataset.rows("number").len(), 597, "{name}, {out}");
            assert_eq!(dataset.members(), [2, 0, 0], "{name}, {out}");
            let contents = dataset.contents();
            assert_same(
                whole.get_or_insert(contents.clone()),
                &contents,
                &format!("{name}, {out}"),
            );
        }
    }
}

#[test]
fn a_line_that_hangs_is_given_up() {
    let content = "{\"n\": 1}\n{\"n\": \"poison-loop\"}\n{\"n\": 3}\n";
    let tar = Tar::new().file("a.ndjson", content).finish();
    let scene = Scene::new(&tar, MAP);
    let dataset = extract(&scene, "out", 1 << 20, "2", &["--member-timeout", "500ms"]);
    let failed = dataset.failed();
    assert_eq!(
        (failed.len(), &failed[0]["line"], &failed[0]["reason"]),
        (1, &json!(2), &json!("timeout"))
    );
    assert_eq!(dataset.column("number", "_line"), [1, 3]);
}

/// Many lines, in an archive of three members.
fn long_archive(name: &str, pack: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let content: String = (0..120_000)
        .map(|number| match number % 1000 {
            7 => "{\"n\": ]\n".to_owned(),
            8 => "{\"n\": \"x\"}\n".to_owned(),
            _ => format!("{{\"n\": {number}, \"items\": [1, 2, 3]}}\n"),
        })
        .collect();
    Tar::new()
        .file("before.json", r#"{"n": 1}"#)
        .file(name, pack(content.as_bytes()))
        .file("behind.json", r#"{"n": 2}"#)
        .finish()
}

const SETTINGS: [&str; 8] = [
    "--workers",
    "3",
    "--buffer-rows",
    "9000",
    "--checkpoint-every",
    "1ms",
    "--progress",
    "none",
];

/// Kills a run, again and again, each time in the midst of a member if it gets there, until one comes to its end; gives how
/// often.
pub(crate) fn killed_until_done(scene: &Scene, out: &str, command: impl Fn(&Scene, &str) -> Command) -> usize {
    let mut kills = 0;
    loop {
        let mut command = command(scene, out);
        command.arg(if kills == 0 { "--overwrite" } else { "--resume" });
        let mut running = Running::start_slowly(&mut command);
        let before = lines_committed(scene, out);
        let got_on = wait_for("lines that are committed, or the end", || {
            let got_on = lines_committed(scene, out) > before;
            (got_on || !running.is_running()).then_some(got_on)
        });
        if !got_on || kills == 6 {
            running.end().expect_code(3);
            return kills;
        }
        running.signal(Signal::SIGKILL);
        running.end();
        kills += 1;
    }
}

fn command(scene: &Scene, out: &str) -> Command {
    let mut command = scene.command(out, &SETTINGS);
    command.env("TARQUET_TEST_STRETCH", "60000");
    command.env("TARQUET_TEST_SEEK_SPACING", "300000");
    command.env("TARQUET_INFLATE_THREADS", "1");
    command
}

/// How many lines of the member at hand the ledger knows of.
pub(crate) fn lines_committed(scene: &Scene, out: &str) -> u64 {
    let ledger = std::fs::read(scene.path(out).join("run/ledger.json")).unwrap_or_default();
    let ledger: Value = serde_json::from_slice(&ledger).unwrap_or_default();
    ledger["position"]["open"]["line"].as_u64().unwrap_or(0)
}

#[test]
fn a_run_that_is_killed_in_the_midst_of_a_member_goes_on_there() {
    for (name, archive) in [
        ("plain", long_archive("lines.ndjson", <[u8]>::to_vec)),
        ("in order", gzip(&long_archive("lines.ndjson", <[u8]>::to_vec))),
        ("compressed", long_archive("lines.ndjson.zst", zstd)),
    ] {
        let scene = Scene::new(&archive, MAP);
        Run::of(&mut command(&scene, "undisturbed")).expect_code(3);
        let expected = scene.dataset("undisturbed").contents();
        let kills = killed_until_done(&scene, "out", command);
        assert!(kills > 0, "{name}: it was never killed in the midst of the member");
        let dataset = scene.dataset("out");
        assert_same(&expected, &dataset.contents(), name);
        assert_eq!(
            dataset.summary()["documents"],
            json!({"extracted": 119_882, "failed": 120}),
            "{name}"
        );
    }
}

/// Of a member that the archive's end cuts off, the lines before are kept, and the last one is not taken for whole.
#[test]
fn a_member_that_is_cut_off_keeps_lines_and_fails() {
    // Cut behind a digit of a number, so that what is left of the line is JSON.
    let content: String = (100_000..103_000).map(|number| format!("{number}\n")).collect();
    let tar = Tar::new().file("a.ndjson", &content).finish();
    let map = "{id: doc, provenance: true, features: {n: {path: $, type: int64}}}";
    let scene = Scene::new(&tar, map);
    for (name, bytes) in [
        ("plain", tar[..512 + 7 * 1000 + 3].to_vec()),
        ("in order", cut_gzip(&tar)),
    ] {
        scene.write("archive.tar", bytes);
        let dataset = extract(&scene, name, 100, "3", &[]);
        let failed = dataset.failed();
        assert_eq!(failed.len(), 1, "{name}: {failed:?}");
        assert_eq!(failed[0]["reason"], "archive_damaged", "{name}");
        let rows = dataset.rows("n");
        assert!(!rows.is_empty() && rows.len() < 3000, "{name}: {}", rows.len());
        assert!(name != "plain" || rows.len() == 1000, "{}", rows.len());
        for (row, number) in rows.iter().zip(100_000..) {
            assert_eq!((&row[2], &row[3]), (&json!(number - 99_999), &json!(number)), "{name}");
        }
        assert_eq!(dataset.members(), [0, 1, 0], "{name}");
    }
}

/// A gzip stream of which the end is missing.
fn cut_gzip(tar: &[u8]) -> Vec<u8> {
    let mut packed = gzip(tar);
    packed.truncate(packed.len() / 2);
    packed
}

#[test]
fn what_failed_is_counted_by_documents() {
    let content = "{\"n\": 1}\n{\n{\"n\": 3}\n{\"n\": 4}\n";
    let tar = Tar::new().file("a.ndjson", content).file("b.json", "{").finish();
    let scene = Scene::new(&tar, MAP);
    let run = scene.run(&[]);
    run.expect_code(3);
    assert!(
        run.stdout.contains(
            "1 member extracted, 1 failed (failed.log), 0 skipped; 3 documents extracted, 2 failed (failed.log)"
        ),
        "{run:#?}"
    );
    for (allowed, code) in [("1", 3), ("2", 0), ("39%", 3), ("40%", 0)] {
        Run::of(&mut scene.command("allowed", &["--overwrite", "--allow-failed", allowed])).expect_code(code);
    }
}

#[test]
fn the_flag_says_what_members_hold() {
    let tar = Tar::new()
        .file("a.json", "{\"n\": 1}\n{\"n\": 2}\n")
        .file("b.ndjson", "{\"n\":\n3}\n")
        .finish();
    let scene = Scene::new(&tar, MAP);
    let reasons = |out: &str, how: &str| {
        let run = Run::of(&mut scene.command(out, &["--documents", how]));
        assert!(matches!(run.status.code(), Some(0 | 3)), "{run:#?}");
        (
            scene.dataset(out).reasons().len(),
            scene.dataset(out).column("number", "_line"),
        )
    };
    assert_eq!(reasons("auto", "auto"), (3, Vec::new()));
    assert_eq!(reasons("json", "json"), (1, vec![Value::Null]));
    assert_eq!(reasons("ndjson", "ndjson"), (2, vec![json!(1), json!(2)]));

    Run::of(&mut scene.command("auto", &["--documents", "ndjson", "--resume"]))
        .expect_code(1)
        .expect_stderr(&["--documents is ndjson; it was auto"]);
}

#[test]
fn ids_that_all_lines_share_are_warned_of_once() {
    let content = "{\"n\": 1}\n".repeat(50);
    let tar = Tar::new()
        .file("a.ndjson", &content)
        .file("b.ndjson", &content)
        .finish();
    let scene = Scene::new(&tar, "{id: doc, features: {n: {path: $.n, type: int64}}}");
    let run = scene.run(&[]);
    run.expect_code(0);
    assert_eq!(run.stderr.matches("warning").count(), 1, "{run:#?}");
    run.expect_stderr(&["\"a.ndjson\" holds many documents"]);
}

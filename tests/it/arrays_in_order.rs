//! Arrays in archives that are read in order: cut part by part, they are what they are in a plain tar.

use std::fs::File;
use std::process::Command;

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::lines::{Random, killed_until_done, lines_committed};
use crate::support::dataset::{Contents, assert_same};
use crate::support::process::{Running, wait_for};
use crate::support::{Dataset, Run, Scene, Tar, gzip, zstd};

const MAP: &str = "\
id: {column: n, path: $.n, type: int64}
provenance: true
features:
  a: {path: $.a, type: int64}
  items: {for: {item: '$.items[*]'}, columns: {item: {path: item, type: int64}}}
";

/// The same with types that are inferred.
const UNTYPED: &str = "\
id: {column: n, path: $.n, type: int64}
provenance: true
features:
  a: $.a
  items: {for: {item: '$.items[*]'}, columns: {item: item}}
";

/// The largest element, in bytes.
const MOST: u64 = 2_000;

/// An element of some kind.
fn element(random: &mut Random, number: u64) -> String {
    match random.below(24) {
        0 => "{}".to_owned(),
        1 => format!("[{number}]"),
        2 => format!(r#"{{"n": {number}, "a": "x{number}"}}"#),
        3 => format!(
            r#"{{"n": {number}, "pad": "{}"}}"#,
            r#"]}\"\\,["#.repeat(random.below(600) as usize)
        ),
        4 => format!(r#"{{"n": {number}, "pad": {}{} }}"#, "[".repeat(1030), "]".repeat(1030)),
        5 => format!("\"{}\"", "[[1, 2], ".repeat(random.below(2_000) as usize)),
        items => format!(
            r#"{{"n": {number}, "a": {number}, "items": {:?}}}"#,
            (0..items % 5).collect::<Vec<u64>>()
        ),
    }
}

/// Elements of all kinds, with white space around.
fn elements(seed: u64, count: u64) -> Vec<String> {
    let mut random = Random(seed);
    let mut blank = |most| [" ", "\n", "\t", "\r\n"][random.below(4) as usize].repeat(random.below(most) as usize);
    let blanks: Vec<[String; 2]> = (0..count).map(|_| [blank(3), blank(9)]).collect();
    let spaced =
        |(number, [before, behind]): (u64, [String; 2])| format!("{before}{}{behind}", element(&mut random, number));
    (0..count).zip(blanks).map(spaced).collect()
}

/// Arrays that end well and badly.
fn members(seed: u64) -> Vec<(&'static str, Vec<u8>)> {
    let array = |seed, count| format!("[{}]", elements(seed, count).join(","));
    let some = elements(seed + 3, 90).join(",");
    vec![
        ("small.json", array(seed, 7).into_bytes()),
        (
            "large.json",
            format!("\u{feff} {}\n", array(seed + 1, 400)).into_bytes(),
        ),
        ("none.json", " [ ] ".into()),
        ("empty.json", Vec::new()),
        ("object.json", r#"{"n": 1}"#.into()),
        ("broken.json", format!("[{some}, {{\"n\" 2}}, {some}]").into_bytes()),
        ("gap.json", format!("[{some},, {some}]").into_bytes()),
        ("cut.json", format!("[{some}, {{\"n\": 3, \"pad\": \"").into_bytes()),
        (
            "cut-large.json",
            format!("[{some}, \"{}", "x".repeat(9_000)).into_bytes(),
        ),
        (
            "behind.json",
            format!("[{some}]{}x{some}", " ".repeat(5_000)).into_bytes(),
        ),
        (
            "blank.json",
            format!("{}[{some}{}]", " ".repeat(5_000), " ".repeat(7_000)).into_bytes(),
        ),
        ("packed.json.gz", gzip(array(seed + 4, 9).as_bytes())),
        ("middle.json", array(seed + 5, 120).into_bytes()),
    ]
}

fn archive(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let tar = members
        .iter()
        .fold(Tar::new(), |tar, (name, content)| tar.file(name, content));
    tar.finish()
}

/// The command that extracts the scene's archive, from standard input if `is_stream`, in parts of so many bytes.
fn command(scene: &Scene, out: &str, part: u64, is_stream: bool, arguments: &[&str]) -> Command {
    let arguments = [&["--documents", "array"], arguments].concat();
    let mut command = match is_stream {
        false => scene.command(out, &arguments),
        true => {
            let mut command = scene.tarquet(&["extract", "--tar-path", "-", "--feature-map", "map.yaml"]);
            command.args(["--out-dir", out]).args(&arguments);
            command.stdin(File::open(scene.path("archive.tar")).expect("it is there"));
            command
        }
    };
    command.env("TARQUET_TEST_STRETCH", part.to_string());
    command
}

fn extract(scene: &Scene, out: &str, part: u64, is_stream: bool, arguments: &[&str]) -> Dataset {
    let run = Run::of(&mut command(scene, out, part, is_stream, arguments));
    assert!(matches!(run.status.code(), Some(0 | 3)), "{run:#?}");
    scene.dataset(out)
}

/// A container, whether it comes by standard input, the size of parts, and how many workers there are.
type How = (&'static str, bool, u64, &'static str);

#[test]
fn an_array_is_the_same_however_it_comes() {
    const HOW: [How; 8] = [
        ("plain", false, 1 << 20, "1"),
        ("plain", true, 1 << 20, "3"),
        ("plain", true, 4, "8"),
        ("gzip", false, 37, "1"),
        ("gzip", false, 900, "8"),
        ("zstd", false, 5_000, "12"),
        ("gzip", true, 70, "12"),
        ("zstd", false, 333, "3"),
    ];
    for (seed, map, sample) in [
        (1, MAP, "9"),
        (2, MAP, "9"),
        (3, UNTYPED, "300"),
        (4, UNTYPED, "900"),
        (5, UNTYPED, "50000"),
    ] {
        let plain = archive(&members(seed));
        let scene = Scene::new(&plain, map);
        let mut whole: Option<Contents> = None;
        for (container, is_stream, part, workers) in HOW {
            scene.write("archive.tar", pack(container, &plain));
            let out = format!("{container}-{is_stream}-{part}");
            let most = MOST.to_string();
            let arguments = [
                "--workers",
                workers,
                "--sample",
                sample,
                "--buffer-rows",
                "300",
                "--max-document-bytes",
                &most,
            ];
            let dataset = extract(&scene, &out, part, is_stream, &arguments);
            if whole.is_none() {
                assert!(dataset.rows("a").len() > 500 && dataset.failed().len() > 50);
                let failed = dataset.summary()["members"]["failed"].clone();
                assert_eq!(failed, json!(7), "{:#?}", dataset.failed());
            }
            let contents = dataset.contents();
            assert_same(
                whole.get_or_insert(contents.clone()),
                &contents,
                &format!("seed {seed}, {out}"),
            );
        }
    }
}

fn pack(container: &str, tar: &[u8]) -> Vec<u8> {
    match container {
        "gzip" => gzip(tar),
        "zstd" => zstd(tar),
        _ => tar.to_vec(),
    }
}

/// Of an array that the archive's end cuts off, the same is kept of a file and of a stream.
#[test]
fn an_array_that_is_cut_off_keeps_its_whole_parts() {
    let some = elements(7, 200).join(",");
    for content in [format!("[{some}]"), format!("[{some}, {{\"n\" 2}}, {some}]")] {
        let tar = Tar::new()
            .file("a.json", r#"[{"n": 1}]"#)
            .file("b.json", &content)
            .finish();
        for (map, part) in [(MAP, 100), (MAP, 3_000), (UNTYPED, 100)] {
            for left in [content.len() / 3, content.len() - 7] {
                let cut = &tar[..3 * 512 + left];
                let scene = Scene::new(cut, map);
                let limit = ["--max-document-bytes", "2000", "--workers", "3"];
                let plain = extract(&scene, "plain", part, false, &limit);
                let stream = extract(&scene, "stream", part, true, &limit);
                let what = format!("{part}, {left}");
                assert_same(&plain.contents(), &stream.contents(), &what);
                assert!(plain.rows("a").len() > 20, "{what}");
                let last = plain.failed().pop().expect("a failure");
                assert_eq!(
                    (&last["member"], &last["reason"]),
                    (&json!("b.json"), &json!("archive_damaged"))
                );
                assert_eq!(plain.members(), [1, 1, 0], "{what}");
            }
        }
    }
}

/// An element that kills or holds up whoever reads it costs itself.
#[test]
fn an_element_that_breaks_its_worker_is_named() {
    let mut elements: Vec<String> = (1..=400)
        .map(|number| format!("{{\"n\": {number}, \"a\": 1}}"))
        .collect();
    for poisoned in [1, 150, 151, 400] {
        elements[poisoned - 1] = r#"{"n": 7, "a": "poison-abort"}"#.to_owned();
    }
    elements[300] = r#"{"n": 7, "a": "poison-loop"}"#.to_owned();
    elements[20] = format!("\"{}\"", "x".repeat(5_000));
    let tar = Tar::new()
        .file("a.json", format!("[{}]", elements.join(",")))
        .file("b.json", "[{\"n\": 9}]")
        .finish();
    for map in [MAP, UNTYPED] {
        let scene = Scene::new(&tar, map);
        let mut whole: Option<Contents> = None;
        for (container, is_stream, part, workers) in [
            ("plain", false, 1 << 20, "1"),
            ("gzip", false, 150, "3"),
            ("plain", true, 700, "2"),
            ("gzip", false, 1 << 20, "8"),
        ] {
            scene.write("archive.tar", pack(container, &tar));
            let out = format!("{container}-{is_stream}-{part}");
            let arguments = [
                "--workers",
                workers,
                "--max-document-bytes",
                "2000",
                "--member-timeout",
                "500ms",
                "--sample",
                "60",
            ];
            let dataset = extract(&scene, &out, part, is_stream, &arguments);
            let failed: Vec<(Value, Value)> = dataset
                .failed()
                .into_iter()
                .map(|failure| (failure["line"].clone(), failure["reason"].clone()))
                .collect();
            let expected = [
                (1, "crash"),
                (21, "too_large"),
                (150, "crash"),
                (151, "crash"),
                (301, "timeout"),
                (400, "crash"),
            ];
            assert_eq!(
                failed,
                expected.map(|(line, reason)| (json!(line), json!(reason))),
                "{out}"
            );
            assert_eq!((dataset.rows("a").len(), dataset.members()), (395, [2, 0, 0]), "{out}");
            let contents = dataset.contents();
            assert_same(whole.get_or_insert(contents.clone()), &contents, &out);
        }
    }
}

/// An array of so many bytes at least, in an archive of three members.
fn long_archive(bytes: usize) -> (Vec<u8>, u64) {
    let (mut content, mut number) = (String::from("["), 0_u64);
    while content.len() < bytes {
        content += &match number % 1_000 {
            7 => "{\"n\": \"x\"},\n".to_owned(),
            8 => format!("{{\"n\": {number}, \"a\": \"x\"}},\n"),
            9 => format!("{{\"n\": {number}, \"a\": \"{}\"}},\n", "[".repeat(3_000)),
            _ => format!(
                "{{\"n\": {number}, \"a\": 1, \"items\": [1, 2], \"pad\": \"{}\"}},\n",
                "]".repeat(number as usize % 300)
            ),
        };
        number += 1;
    }
    content += "{\"n\": 0}]\n";
    let tar = Tar::new()
        .file("before.json", r#"[{"n": 1}]"#)
        .file("long.json", content)
        .file("behind.json", r#"[{"n": 2}]"#)
        .finish();
    (tar, number + 1)
}

/// An array that is larger than the spool, and than a document may be, goes through the spool.
#[test]
fn an_array_is_larger_than_the_spool() {
    const BYTES: usize = 160 << 20;
    let (tar, elements) = long_archive(BYTES);
    let packed = gzip(&tar);
    let scene = Scene::new(&tar, MAP);
    drop(tar);
    let settings = [
        "--workers",
        "2",
        "--buffer-bytes",
        "4MiB",
        "--max-document-bytes",
        "2000",
    ];
    let plain = extract(&scene, "plain", 1 << 20, false, &settings);
    let documents = &plain.summary()["documents"];
    let all = documents["extracted"].as_u64().zip(documents["failed"].as_u64());
    assert_eq!(all.map(|(extracted, failed)| extracted + failed), Some(elements + 2));
    scene.write("archive.tar", packed);
    let mut run = Running::start(&mut command(&scene, "gzip", 1 << 20, false, &settings));
    let mut peak = 0;
    wait_for("the end", || {
        peak = peak.max(run.peak_memory());
        (!run.is_running()).then_some(())
    });
    run.end().expect_code(3);
    assert!(0 < peak && peak < BYTES as u64, "{} MiB", peak >> 20);
    assert_same(&plain.contents(), &scene.dataset("gzip").contents(), "gzip");
}

fn long_command(scene: &Scene, out: &str) -> Command {
    let settings = [
        "--workers",
        "3",
        "--buffer-rows",
        "9000",
        "--checkpoint-every",
        "1ms",
        "--progress",
        "none",
        "--max-document-bytes",
        "2000",
    ];
    let mut command = command(scene, out, 60_000, false, &settings);
    command.env("TARQUET_TEST_SEEK_SPACING", "300000");
    command.env("TARQUET_INFLATE_THREADS", "1");
    command
}

#[test]
fn a_run_that_is_killed_in_the_midst_of_an_array_goes_on_there() {
    let (tar, elements) = long_archive(12 << 20);
    let scene = Scene::new(&tar, MAP);
    Run::of(&mut long_command(&scene, "plain")).expect_code(3);
    let expected = scene.dataset("plain").contents();
    for container in ["plain", "gzip", "zstd"] {
        scene.write("archive.tar", pack(container, &tar));
        let kills = killed_until_done(&scene, container, long_command);
        assert!(kills > 0, "{container}: it was never killed in the midst of the member");
        let dataset = scene.dataset(container);
        assert_same(&expected, &dataset.contents(), container);
        let documents = &dataset.summary()["documents"];
        let all = documents["extracted"].as_u64().zip(documents["failed"].as_u64());
        assert_eq!(all.map(|(extracted, failed)| extracted + failed), Some(elements + 2));
    }
}

#[test]
fn workers_that_are_killed_in_the_midst_of_an_array_lose_nothing() {
    let (tar, _) = long_archive(12 << 20);
    let scene = Scene::new(&tar, MAP);
    Run::of(&mut long_command(&scene, "plain")).expect_code(3);
    let expected = scene.dataset("plain").contents();
    scene.write("archive.tar", gzip(&tar));
    let mut running = Running::start_slowly(&mut long_command(&scene, "gzip"));
    let mut kills = 0;
    loop {
        let before = lines_committed(&scene, "gzip");
        let got_on = wait_for("elements that are committed, or the end", || {
            let got_on = lines_committed(&scene, "gzip") > before;
            (got_on || !running.is_running()).then_some(got_on)
        });
        if !got_on {
            break;
        }
        running
            .workers()
            .into_iter()
            .for_each(|worker| worker.kill(Signal::SIGKILL));
        kills += 1;
    }
    running.end().expect_code(3);
    assert!(kills > 2, "they were killed {kills} times");
    assert_same(&expected, &scene.dataset("gzip").contents(), "gzip");
}

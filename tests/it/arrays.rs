//! Members that are one array of documents.

use serde_json::{Value, json};

use crate::support::dataset::{Contents, assert_same};
use crate::support::{Dataset, Run, Scene, Tar, gzip, zstd};

const MAP: &str = "\
id: {column: n, path: $.n, type: int64}
provenance: true
features:
  a: {path: $.a, type: int64}
";

fn extract(scene: &Scene, out: &str, arguments: &[&str]) -> Dataset {
    let run = Run::of(&mut scene.command(out, &[&["--documents", "array"], arguments].concat()));
    assert!(matches!(run.status.code(), Some(0 | 3)), "{run:#?}");
    scene.dataset(out)
}

/// Place of a failure: element, offset and reason.
fn failures(dataset: &Dataset) -> Vec<[Value; 3]> {
    let failed = dataset.failed();
    failed
        .iter()
        .map(|failure| ["line", "offset", "reason"].map(|key| failure[key].clone()))
        .collect()
}

#[test]
fn each_element_is_a_document() {
    let elements: Vec<String> = (1..=30_000)
        .map(|n| format!("{{\"n\": {n}, \"a\": {}}}", n * 2))
        .collect();
    let array = format!("[{}]\n", elements.join(",\n"));
    let tar = Tar::new()
        .file("a.json", &array)
        .file("b.json.gz", gzip(array.as_bytes()))
        .file("c.json.zst", zstd(array.as_bytes()))
        .file("empty.json", " [ ] ")
        .finish();
    let scene = Scene::new(&tar, MAP);
    let mut whole: Option<Contents> = None;
    for (out, bytes, workers) in [
        ("one", tar.clone(), "1"),
        ("many", tar.clone(), "8"),
        ("gzip", gzip(&tar), "3"),
    ] {
        scene.write("archive.tar", bytes);
        let dataset = extract(&scene, out, &["--workers", workers, "--buffer-rows", "20000"]);
        let rows = dataset.rows("a");
        assert_eq!(rows.len(), 90_000);
        for (row, position) in rows.iter().zip(0..) {
            let (number, member) = (
                position % 30_000 + 1,
                ["a.json", "b.json.gz", "c.json.zst"][position / 30_000],
            );
            assert_eq!(*row, json!([number, member, number, number * 2]));
        }
        assert_eq!(dataset.members(), [4, 0, 0]);
        assert_eq!(
            dataset.summary()["documents"],
            json!({"extracted": 90_000, "failed": 0})
        );
        let contents = dataset.contents();
        assert_same(whole.get_or_insert(contents.clone()), &contents, out);
    }
}

#[test]
fn what_is_no_array_fails_and_keeps_what_came_before() {
    /// A member, how many rows it gives, what fails (line, offset, reason), and the summary's counts.
    type Case<'a> = (&'a str, usize, &'a [[Value; 3]], [u64; 3]);
    let cases: [Case<'_>; 8] = [
        ("{\"n\": 1}", 0, &[[json!(1), json!(0), json!("syntax")]], [0, 1, 0]),
        ("", 0, &[[json!(1), json!(0), json!("truncated")]], [0, 1, 0]),
        (
            "[{\"n\": 1}, {\"n\": 2}",
            1,
            &[[json!(2), json!(19), json!("truncated")]],
            [0, 1, 0],
        ),
        (
            "[{\"n\": 1}] x",
            1,
            &[[json!(2), json!(11), json!("syntax")]],
            [0, 1, 0],
        ),
        // What brackets mean behind it, nobody knows.
        (
            "[{\"n\": 1}, {\"n\" 2}, {\"n\": 3}]",
            1,
            &[[json!(2), json!(16), json!("syntax")]],
            [0, 1, 0],
        ),
        // These are JSON, and fail alone.
        (
            "[{\"n\": 1}, {}, {\"n\": 3}]",
            2,
            &[[json!(2), Value::Null, json!("id")]],
            [1, 0, 0],
        ),
        (
            "[{\"n\": 1}, 2, {\"n\": 3}]",
            2,
            &[[json!(2), Value::Null, json!("id")]],
            [1, 0, 0],
        ),
        ("[{\"n\": 1},]", 1, &[[json!(2), json!(10), json!("syntax")]], [0, 1, 0]),
    ];
    for (content, rows, failed, members) in cases {
        let scene = Scene::new(&Tar::new().file("a.json", content).finish(), MAP);
        let dataset = extract(&scene, "out", &[]);
        assert_eq!(dataset.rows("a").len(), rows, "{content}");
        assert_eq!(failures(&dataset), failed, "{content}");
        assert_eq!(dataset.members(), members, "{content}");
    }
}

#[test]
fn an_element_that_is_too_large_or_kills_fails_alone() {
    let elements = [
        "{\"n\": 1}".to_owned(),
        format!("{{\"n\": 2, \"pad\": \"{}\"}}", "]".repeat(5000)),
        "{\"n\": 3, \"a\": \"poison-abort\"}".to_owned(),
        "{\"n\": 4}".to_owned(),
        "{\"n\": 5, \"a\": \"poison-abort\"}".to_owned(),
    ];
    let tar = Tar::new().file("a.json", format!("[{}]", elements.join(", "))).finish();
    let scene = Scene::new(&tar, MAP);
    let dataset = extract(&scene, "out", &["--max-document-bytes", "1000"]);
    let places: Vec<[Value; 3]> = failures(&dataset);
    let expected = [(2, "too_large"), (3, "crash"), (5, "crash")];
    assert_eq!(
        places,
        expected.map(|(line, reason)| [json!(line), Value::Null, json!(reason)])
    );
    assert_eq!(dataset.column("a", "_line"), [1, 4]);
}

//! What members are called, and what comes of it in ids and logs.

use serde_json::{Value, json};

use crate::support::blocks::{Blocks, end};
use crate::support::{Scene, Tar};

const MAP: &str = "id: doc\nprovenance: true\nfeatures: {n: {path: $.n, type: int64}}\n";

/// Names, the ids that they give, and how they are shown where that is not as they stand.
const NAMES: &[(&[u8], &str, Option<&str>)] = &[
    (b"../../up.json", "up", None),
    (b"/from/the/root.json", "root", None),
    (b"caf\xe9.json", "caf%E9", Some("caf%E9.json")),
    (b"caf%E9.json", "caf%25E9", Some("caf%25E9.json")),
    (b"caf%25E9.json", "caf%2525E9", Some("caf%2525E9.json")),
    ("café.json".as_bytes(), "café", None),
    (b"caf%C3%A9.json", "caf%C3%A9", None),
    (b"new\nline.json", "new%0Aline", Some("new%0Aline.json")),
    (b"new%0Aline.json", "new%250Aline", Some("new%250Aline.json")),
    // What is escaped in one part changes nothing in another.
    (b"\xff/100%.json", "100%", Some("%FF/100%.json")),
    (b"100%25.json", "100%25", None),
    (b"\xff%.json", "%FF%25", Some("%FF%25.json")),
    (b"two words.json", "two words", None),
];

#[test]
fn no_two_names_give_the_same_id() {
    let mut archive = Blocks::default();
    for (number, (name, ..)) in NAMES.iter().enumerate() {
        archive = archive.file(name, format!(r#"{{"n":{number}}}"#).as_bytes());
    }
    let scene = Scene::new(&[archive.0, end()].concat(), MAP);
    let run = scene.run(&[]);
    // It would warn of ids that repeat.
    run.expect_code(0).expect_quiet_stderr();
    let row = |(number, (name, id, shown)): (usize, &(&[u8], &str, Option<&str>))| {
        let shown = shown.map_or_else(|| String::from_utf8_lossy(name).into_owned(), str::to_owned);
        json!([id, shown, null, number])
    };
    let rows: Vec<Value> = NAMES.iter().enumerate().map(row).collect();
    assert_eq!(scene.dataset("out").rows("n"), rows);
}

#[test]
fn a_name_of_64_kib_is_whole() {
    let long = format!("{}/{}.json", "d".repeat(32 << 10), "n".repeat((32 << 10) - 6));
    assert_eq!(long.len(), 64 << 10);
    let archive = Tar::new()
        .pax_file(&long, r#"{"n":1}"#)
        .file(&long, r#"{"n":"#)
        .finish();
    let scene = Scene::new(&archive, MAP);
    scene.run(&[]).expect_code(3);
    let dataset = scene.dataset("out");
    assert_eq!(dataset.rows("n"), [json!(["n".repeat((32 << 10) - 6), long, null, 1])]);
    assert_eq!(dataset.reasons(), [(long, "truncated".to_owned())]);
}

#[test]
fn a_nul_in_a_name_is_shown_and_costs_that_member() {
    let archive = Tar::new()
        .file("1.json", r#"{"n":1}"#)
        .pax_file("x\0y.json", r#"{"n":2}"#)
        .file("3.json", r#"{"n":3}"#);
    let scene = Scene::new(&archive.finish(), MAP);
    scene.run(&[]).expect_code(3).expect_quiet_stderr();
    let dataset = scene.dataset("out");
    assert_eq!(dataset.column("n", "n"), [1, 3]);
    let line = json!({
        "member": "x%00y.json", "offset": null, "line": null, "reason": "nul_in_name",
        "detail": "it is a member whose name contains a NUL",
    });
    assert_eq!(dataset.failed(), [line]);
}

#[test]
fn the_same_name_twice_gives_both_in_order() {
    let archive = Tar::new()
        .file("x.json", r#"{"n":2}"#)
        .file("y.json", r#"{"n":5}"#)
        .file("x.json", r#"{"n":1}"#)
        .finish();
    let scene = Scene::new(&archive, MAP);
    let run = scene.run(&[]);
    run.expect_code(0)
        .expect_stderr(&["warning: ids made from member names repeat: \"x.json\""]);
    let rows = [("x", 2), ("y", 5), ("x", 1)].map(|(id, n)| json!([id, format!("{id}.json"), null, n]));
    assert_eq!(scene.dataset("out").rows("n"), rows);
}

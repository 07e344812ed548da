//! `tarquet preview`: the first rows, of what `extract` would write.

use std::fs::File;
use std::io::Cursor;
use std::os::unix::fs::FileExt;

use arrow_ipc::reader::StreamReader;
use serde_json::{Value, json};

use crate::support::documents::{Fault, MAP, searches};
use crate::support::{Run, Scene, tar};

fn preview(scene: &Scene, arguments: &[&str]) -> Run {
    let mut command = scene.tarquet(&[
        "preview",
        "--tar-path",
        "archive.tar",
        "--feature-map",
        "map.yaml",
        "--workers",
        "2",
    ]);
    Run::of(command.args(arguments))
}

fn lines(run: &Run) -> Vec<Value> {
    run.stdout
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

#[test]
fn the_rows_are_the_first_ones_of_a_run() {
    let scene = Scene::new(&searches(60, 20, |number| (number == 2).then_some(Fault::Cut)), MAP);
    scene.run(&[]).expect_code(3);
    let run = preview(&scene, &["--rows", "50", "--format", "json", "--feature", "offers"]);
    run.expect_code(0)
        .expect_stderr(&["1 document could not be read and is left out"]);
    let shown = lines(&run);
    let dataset = scene.dataset("out");
    let columns = dataset.columns("offers");
    let named = |row: Value| {
        let values = row.as_array().expect("a row").clone().into_iter();
        let named = columns.iter().map(|(name, _)| name.clone()).zip(values);
        Value::from_iter([("feature".to_owned(), json!("offers"))].into_iter().chain(named))
    };
    let expected: Vec<Value> = dataset.rows("offers").into_iter().take(50).map(named).collect();
    assert_eq!(shown, expected);
    assert!(!scene.path("out2").exists());
    let table = preview(&scene, &["--rows", "3", "--feature", "offers"]).stdout;
    assert!(table.contains("\n\noffers (first 3 rows, "), "{table}");
    assert_eq!(table.lines().count(), 7, "{table}");
}

#[test]
fn arrow_comes_back_as_arrow() {
    let scene = Scene::new(&searches(10, 5, |_| None), MAP);
    let mut command = scene.tarquet(&["preview", "--tar-path", "archive.tar", "--feature-map", "map.yaml"]);
    let output = command
        .args(["--format", "arrow", "--rows", "7", "--feature", "offers"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let reader = StreamReader::try_new(Cursor::new(output.stdout), None).unwrap();
    let rows: usize = reader.map(|batch| batch.unwrap().num_rows()).sum();
    assert_eq!(rows, 7);
}

#[test]
fn no_more_is_read_than_is_needed() {
    // A terabyte, which is a hole.
    let archive = searches(50, 20, |_| None);
    let scene = Scene::new(&archive, MAP);
    let file = File::options().write(true).open(scene.path("archive.tar")).unwrap();
    let member = tar(&[("hole.json", "")]);
    let mut header = tar::Header::from_byte_slice(&member[..512]).clone();
    header.set_size(1 << 40);
    header.set_cksum();
    file.write_all_at(header.as_bytes(), archive.len() as u64 - 1024)
        .unwrap();
    file.set_len(archive.len() as u64 + (1 << 40)).unwrap();
    preview(&scene, &["--rows", "5", "--sample", "10"])
        .expect_code(0)
        .expect_quiet_stderr();
}

#[test]
fn features_are_chosen_by_name() {
    let scene = Scene::new(
        &tar(&[("a.json", "{\"a\": 1, \"b\": [1, null]}")]),
        "{version: 1, id: doc, features: {alpha: $.a, beta: $.b}}",
    );
    let run = preview(&scene, &["--feature", "beta", "--format", "json"]);
    assert_eq!(run.stdout, "{\"feature\":\"beta\",\"doc\":\"a\",\"beta\":[1,null]}\n");
    preview(&scene, &["--feature", "alpa"])
        .expect_code(2)
        .expect_stderr(&["error: --feature: map.yaml has no feature `alpa`; did you mean `alpha`?"]);
    preview(&scene, &["--format", "arrow"])
        .expect_code(2)
        .expect_stderr(&["--format arrow writes a stream of one table, and 2 are wanted: name one with --feature"]);
}

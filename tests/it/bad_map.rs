//! A map that is wrong is refused before any byte of the archive is read, with its place.

use crate::support::{Run, Scene};

/// Runs with a map that is wrong, on an archive that is not there: the map comes first.
#[track_caller]
fn expect_refused(map: &str, texts: &[&str]) -> Run {
    let scene = Scene::new(b"", map);
    let run = Run::of(&mut scene.tarquet(&[
        "extract",
        "--tar-path",
        "no-such.tar",
        "--feature-map",
        "map.yaml",
        "--out-dir",
        "out",
    ]));
    run.expect_code(2).expect_stderr(texts);
    assert!(
        !run.stderr.contains("no-such.tar"),
        "the archive was looked at: {run:#?}"
    );
    assert_eq!(run.stdout, "");
    assert!(!scene.path("out").exists(), "a directory for nothing");
    run
}

#[test]
fn an_unknown_key_is_placed_and_the_nearest_one_named() {
    let map = "version: 1\nid: doc\nfeatures:\n  été: {path: $.a, tipe: int64}\n";
    let run = expect_refused(map, &["map.yaml:4:20", "`tipe`", "did you mean `type`?"]);
    let expected = "\
error: a feature has no key `tipe`
 --> map.yaml:4:20
  |
4 |   été: {path: $.a, tipe: int64}
  |                    ^^^^
  = help: did you mean `type`?
1 error in the feature map map.yaml
";
    assert_eq!(run.stderr, expected);
}

#[test]
fn a_broken_path_is_placed_inside_its_text() {
    expect_refused("id: doc\nfeatures:\n  a: '$.a[?@.b = 1]'\n", &["map.yaml:3:"]);
    expect_refused("id: doc\nfeatures:\n  a: $..b\n", &["map.yaml:3:", "`..`"]);
    expect_refused(
        "id: doc\nfeatures:\n  a: {path: $.a[*].b}\n",
        &["map.yaml:3:", "put the path in quotes"],
    );
    expect_refused(
        "id: doc\nfeatures:\n  a: {path: nosuch.a}\n",
        &["map.yaml:3:", "nosuch"],
    );
}

#[test]
fn every_error_of_a_map_is_told_at_once() {
    let map =
        "id: doc\nfeatures:\n  feature: {columns: {feature: $.a, x: $.b, X: $.c}}\n  b: {path: $.b, type: integer}\n";
    let run = expect_refused(
        map,
        &[
            "map.yaml:3:",
            "map.yaml:4:",
            "int64",
            "errors in the feature map map.yaml",
        ],
    );
    assert!(run.stderr.matches("error: ").count() >= 3, "{run:#?}");
}

#[test]
fn text_that_is_no_yaml_is_placed() {
    expect_refused("id: doc\nfeatures:\n  a: [1\n", &["map.yaml:"]);
    expect_refused("", &["map.yaml:1:1", "empty"]);
    expect_refused(
        "id: doc\nfeatures:\n  a: $.a\n  a: $.b\n",
        &["map.yaml:4:3", "repeated"],
    );
}

#[test]
fn a_map_that_cannot_be_read_is_named() {
    let scene = Scene::new(b"", "");
    let run = |map: &str| {
        Run::of(&mut scene.tarquet(&[
            "extract",
            "--tar-path",
            "archive.tar",
            "--feature-map",
            map,
            "--out-dir",
            "out",
        ]))
    };
    run("nowhere.yaml")
        .expect_code(2)
        .expect_stderr(&["nowhere.yaml", "No such file", "--feature-map"]);
    run(".").expect_code(2).expect_stderr(&["error: ", "directory"]);
    scene.write("latin.yaml", b"id: caf\xe9\n");
    run("latin.yaml").expect_code(2).expect_stderr(&["latin.yaml", "UTF-8"]);
    assert!(!scene.path("out").exists());
}

#[test]
fn without_a_map_the_default_one_is_looked_for() {
    let scene = Scene::new(b"", "");
    let run = Run::of(&mut scene.tarquet(&["extract", "--tar-path", "archive.tar", "--out-dir", "out"]));
    run.expect_code(2).expect_stderr(&["config/json_feature_map.yaml"]);
}

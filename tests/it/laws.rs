//! What holds for every dataset: it depends on the archive and the map, and on nothing else.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::dataset::{Contents, assert_same};
use crate::support::documents::{Fault, MAP, searches};
use crate::support::{Dataset, Run, Scene, gzip, tar};

/// Small enough that every feature has several parts.
const SMALL_PARTS: [&str; 4] = ["--buffer-rows", "2000", "--buffer-bytes", "64kB"];

/// An archive with everything in it that a run has to keep in order: rows, failures, and values that do not fit.
fn archive() -> Vec<u8> {
    searches(600, 40, |number| match number % 97 {
        13 => Some(Fault::Cut),
        // Behind the sample, so that they do not widen the type.
        55 if number > 100 => Some(Fault::Misfit),
        _ => None,
    })
}

/// Runs with failures, which is what `archive` has, and gives what has to be the same.
fn contents(scene: &Scene, out: &str, arguments: &[&str]) -> Contents {
    let arguments = [arguments, &["--sample", "100"], &SMALL_PARTS].concat();
    Run::of(&mut scene.command(out, &arguments)).expect_code(3);
    scene.dataset(out).contents()
}

#[test]
fn any_number_of_workers_gives_the_same_bytes() {
    let scene = Scene::new(&archive(), MAP);
    let one = contents(&scene, "one", &["--workers", "1"]);
    let dataset = scene.dataset("one");
    assert!(
        dataset.parts("offers").len() >= 3,
        "several parts, or there is no order to keep"
    );
    assert!(!dataset.failed().is_empty() && !dataset.rescued().is_empty());
    for workers in ["2", "8", "12"] {
        assert_same(&one, &contents(&scene, workers, &["--workers", workers]), workers);
    }
}

#[test]
fn all_engines_give_the_same_bytes() {
    let scene = Scene::new(&archive(), MAP);
    let one = contents(&scene, "reference", &["--engine", "reference"]);
    for engine in ["simd-json", "structural"] {
        assert_same(&one, &contents(&scene, engine, &["--engine", engine]), engine);
    }
}

/// The sample archive of the repository, under every engine and every lens of the structural one.
#[test]
fn all_engines_and_lenses_give_the_same_bytes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| fs::read(root.join(name)).expect("the repository has it");
    let map = String::from_utf8(read("config/json_feature_map.yaml")).expect("a map is text");
    let scene = Scene::new(&read("examples/flights.tar.kaggle"), &map);
    let contents = |engine: &str, lens: &str| {
        let out = format!("{engine}-{lens}");
        let mut command = scene.command(&out, &["--engine", engine, "--buffer-rows", "5000"]);
        Run::of(command.env("TARQUET_SIMD", lens)).expect_code(0);
        scene.dataset(&out).contents()
    };
    let reference = contents("reference", "");
    assert_same(&reference, &contents("simd-json", ""), "simd-json");
    let lenses = lenses(&scene);
    assert!(lenses.iter().any(|lens| lens == "portable"), "{lenses:?}");
    for lens in lenses {
        assert_same(&reference, &contents("structural", &lens), &lens);
    }
}

/// The lenses that this machine has, as a run says that is asked for one that there is not.
fn lenses(scene: &Scene) -> Vec<String> {
    let mut command = scene.command("none", &["--engine", "structural"]);
    let run = Run::of(command.env("TARQUET_SIMD", "magic"));
    run.expect_code(2).expect_stderr(&["TARQUET_SIMD", "`magic`"]);
    assert!(!scene.path("none").exists(), "nothing is begun");
    let (_, list) = run
        .stderr
        .split_once("set it to one of ")
        .expect("it says what there is");
    let (list, _) = list.split_once("; ").expect("it says what else can be done");
    list.split(", ").map(str::to_owned).collect()
}

#[test]
fn plain_and_gzip_give_the_same_bytes() {
    let plain = archive();
    let scene = Scene::new(&plain, MAP);
    let one = contents(&scene, "plain", &[]);
    scene.write("archive.tar", gzip(&plain));
    assert_same(&one, &contents(&scene, "gzip", &["--workers", "3"]), "gzip");
    let (head, tail) = plain.split_at(plain.len() / 3);
    scene.write("archive.tar", [gzip(head), gzip(tail)].concat());
    assert_same(&one, &contents(&scene, "two members", &[]), "gzip of two members");
}

#[test]
fn the_resolved_map_gives_the_same_bytes_without_a_sample() {
    let scene = Scene::new(&archive(), MAP);
    let one = contents(&scene, "one", &[]);
    assert_eq!(scene.dataset("one").summary()["types_inferred"], true);
    scene.write("map.yaml", scene.dataset("one").text("feature_map.resolved.yaml"));
    assert_same(&one, &contents(&scene, "other", &[]), "the resolved map");
    assert_eq!(scene.dataset("other").summary()["types_inferred"], false);
}

#[test]
fn the_sample_is_the_first_documents_in_archive_order() {
    let files: Vec<(String, String)> = (0..30)
        .map(|number| {
            (
                format!("{number:02}.json"),
                format!("{{\"a\":{}}}", if number < 20 { "1" } else { "1.5" }),
            )
        })
        .collect();
    let scene = Scene::new(&tar(&files), "id: doc\nfeatures: {a: $.a}\n");
    let ty = |sample: &str| {
        let out = format!("out-{sample}");
        let dataset = scene.extract_to(&out, &["--sample", sample, "--workers", "8"]);
        (dataset.columns("a")[1].1.to_string(), dataset.rescued().len())
    };
    assert_eq!(ty("20"), ("Int64".to_owned(), 10));
    assert_eq!(ty("21"), ("Float64".to_owned(), 0));
    assert_eq!(ty("1000"), ("Float64".to_owned(), 0));
}

#[test]
fn rows_stand_in_archive_order_and_none_is_missing() {
    let files: Vec<(String, String)> = (0..3_000)
        .map(|number| {
            (
                format!("d{}.json", number * 7_919 % 3_000),
                format!("{{\"n\":{number},\"e\":[1,2,3]}}"),
            )
        })
        .collect();
    let map = "id: doc\nfeatures:\n  n: $.n\n  e:\n    for: {e: '$.e[*]'}\n    columns: {at: {index: e}, n: $.n}\n";
    let dataset = Scene::new(&tar(&files), map).extract(&["--workers", "8", "--buffer-rows", "700"]);
    let number = |number: usize| json!(format!("d{}", number * 7_919 % 3_000));
    let expected: Vec<Value> = (0..3_000).map(|n| json!([number(n), n])).collect();
    assert_eq!(dataset.rows("n"), expected);
    let expected: Vec<Value> = (0..9_000)
        .map(|row| json!([number(row / 3), row % 3, row / 3]))
        .collect();
    assert_eq!(dataset.rows("e"), expected);
}

#[test]
fn a_document_that_fails_gives_no_row_in_any_feature() {
    let scene = Scene::new(&archive(), MAP);
    contents(&scene, "out", &[]);
    let dataset = scene.dataset("out");
    let failed: Vec<String> = dataset.reasons().into_iter().map(|(member, _)| member).collect();
    let expected: Vec<String> = (0..600)
        .filter(|number| number % 97 == 13)
        .map(|number| format!("raw/{number:06}.json"))
        .collect();
    assert_eq!(failed, expected);
    let extracted: Vec<Value> = (0..600)
        .filter(|number| number % 97 != 13)
        .map(|number| json!(format!("{number:06}")))
        .collect();
    assert_eq!(dataset.column("route", "search"), extracted);
    assert_eq!(dataset.column("traveller", "search"), extracted);
    let mut with_offers = dataset.column("offers", "search");
    with_offers.dedup();
    assert_eq!(with_offers, extracted);
}

#[test]
fn the_summary_agrees_with_what_is_there() {
    let scene = Scene::new(&archive(), MAP);
    contents(&scene, "out", &[]);
    let dataset = scene.dataset("out");
    let summary = dataset.summary();
    let failed = dataset.failed().len() as u64;
    assert_eq!(dataset.members(), [600 - failed, failed, 0]);
    assert_eq!(summary["values_rescued"], dataset.rescued().len());
    assert_eq!(summary["archive_bytes"], archive().len());
    assert_eq!(summary["workers_replaced"], 0);
    assert_eq!(summary["archive_damage"], Value::Null);
    let features = summary["features"].as_array().expect("a list");
    let names: Vec<&Value> = features.iter().map(|feature| &feature["name"]).collect();
    assert_eq!(names, ["route", "traveller", "offers"], "the order of the map");
    for feature in features {
        expect_feature(&dataset, feature);
    }
    let rows: u64 = features
        .iter()
        .map(|feature| feature["rows"].as_u64().expect("a count"))
        .sum();
    assert_eq!(summary["rows"], rows);
}

fn expect_feature(dataset: &Dataset, feature: &Value) {
    let name = feature["name"].as_str().expect("a name");
    assert_eq!(feature["rows"], dataset.rows(name).len(), "{name}");
    let parts = dataset.parts(name);
    assert_eq!(feature["parts"], parts.len(), "{name}");
    let bytes: u64 = parts
        .iter()
        .map(|part| part.metadata().expect("it is there").len())
        .sum();
    assert_eq!(feature["bytes"], bytes, "{name}");
}

#[test]
fn failures_within_what_is_allowed_are_no_failure_of_the_run() {
    // Two of 40 members fail: 5 %.
    let files: Vec<(String, &str)> = (0..40)
        .map(|number| {
            (
                format!("{number}.json"),
                if number % 20 == 7 { "{" } else { "{\"a\":1}" },
            )
        })
        .collect();
    let scene = Scene::new(&tar(&files), "id: doc\nfeatures: {a: {path: $.a, type: int64}}\n");
    for (allowed, code) in [
        ("0", 3),
        ("1", 3),
        ("2", 0),
        ("4.9%", 3),
        ("5%", 0),
        ("100%", 0),
        ("0%", 3),
    ] {
        let run = scene.run(&["--overwrite", "--allow-failed", allowed]);
        run.expect_code(code);
        let dataset = scene.dataset("out");
        assert_eq!(dataset.members(), [38, 2, 0], "{allowed}");
        assert_eq!(dataset.rows("a").len(), 38, "{allowed}");
    }
}

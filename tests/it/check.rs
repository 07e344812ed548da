//! `tarquet check`: a map, and what it finds in an archive.

use crate::support::{Run, Scene, tar};

const MAP: &str = "\
version: 1
id: doc
features:
  flat: {path: $.flot, type: int64}
  prices:
    for: {offer: '$.data.offers[*]'}
    columns:
      total: {path: offer.totalPrise, type: float64}
      carrier: {path: offer.carrier, type: int64}
      always: offer.id
  none:
    for: {leg: '$.data.legs[*]'}
    columns: {from: leg.from}
";

fn scene(map: &str) -> Scene {
    let offers = r#"{"flat": 1, "data": {"offers": [{"id": 1, "totalPrice": 2.5, "carrier": "SU"}, {"id": 2, "carrier": 7}], "leg": []}}"#;
    Scene::new(&tar(&[("a.json", offers), ("b.json", offers)]), map)
}

fn check(scene: &Scene, arguments: &[&str]) -> Run {
    Run::of(scene.tarquet(&["check", "--feature-map", "map.yaml"]).args(arguments))
}

#[test]
fn a_map_alone_is_valid_or_not() {
    let run = check(&scene(MAP), &[]);
    run.expect_code(0).expect_quiet_stderr();
    assert_eq!(
        run.stdout,
        "map.yaml is valid: 3 features, 5 columns; the types of 2 values are inferred\n"
    );
    check(&scene("{version: 1, id: doc, featurs: {}}"), &[])
        .expect_code(2)
        .expect_stderr(&["did you mean `features`?"]);
}

#[test]
fn against_an_archive_it_says_what_finds_nothing_and_what_is_near() {
    let run = check(&scene(MAP), &["--tar-path", "archive.tar", "--workers", "2"]);
    run.expect_code(3);
    let told: Vec<&str> = run
        .stdout
        .lines()
        .filter(|line| line.starts_with("warning") || line.contains("help:"))
        .collect();
    assert_eq!(
        told,
        [
            "warning: column `flat`: `$.flot` finds nothing in 2 rows",
            "  = help: `$.flat` is there",
            "warning: column `total`: `offer.totalPrise` finds nothing in 4 rows",
            "  = help: `$.data.offers[*].totalPrice` is there",
            "warning: column `carrier`: 2 values in 4 rows do not fit int64, \"SU\" for example",
            "  = help: they become null, and go to rescued.ndjson; `type: json` keeps any value",
            "warning: feature `none`: `$.data.legs[*]` finds nothing, so there are no rows",
            "  = help: `$.data.leg` is there",
        ],
        "{run:#?}"
    );
    assert!(
        run.stdout
            .contains("\nprices (4 rows)\ndoc  total  carrier  always\na     null     null       1\n"),
        "{run:#?}"
    );
    assert!(run.stdout.ends_with("\n4 things to look at\n"), "{run:#?}");
}

#[test]
fn what_is_always_null_is_there() {
    let scene = Scene::new(
        &tar(&[("a.json", "{\"a\": null}")]),
        "{version: 1, id: doc, features: {a: {path: $.a, type: int64}}}",
    );
    check(&scene, &["--tar-path", "archive.tar"]).expect_code(0);
}

#[test]
fn a_map_that_finds_everything_is_fine() {
    let map = "{version: 1, id: doc, features: {flat: $.flat, offers: {for: {offer: '$.data.offers[*]'}, columns: {id: offer.id}}}}";
    let run = check(&scene(map), &["--tar-path", "archive.tar", "--rows", "1"]);
    run.expect_code(0).expect_quiet_stderr();
    assert!(
        run.stdout
            .contains("\n2 documents (all there are)\n\nflat (2 rows)\ndoc  flat\na       1\n\noffers (4 rows)\n"),
        "{run:#?}"
    );
    assert!(
        run.stdout.ends_with("\nevery column finds something that fits\n"),
        "{run:#?}"
    );
}

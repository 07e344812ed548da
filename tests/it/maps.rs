//! Maps as the manual shows them, from the text to the rows.

use std::path::Path;

use serde_json::json;

use crate::support::dataset::assert_same;
use crate::support::{Run, Scene, Tar, tar};

/// Two documents of the shape that the manual's map is for.
fn searches() -> Vec<u8> {
    let first = r#"{
        "routeData": {"searchRoute": "MOWALA/ALAMOW"},
        "personalData": {"companyID": 42, "sex": true, "yearOfBirth": 1990},
        "data": {"$values": [
            {"id": "o1", "validatingCarrier": null, "carrier": "S7", "pricings": [
                {"currencyCode": "RUB", "totalPrice": 1000, "labels": ["BestPrice", "MinTime"], "miniRules": [
                    {"category": 33, "monetaryAmount": 1}, {"category": 31, "monetaryAmount": 70},
                    {"category": 31, "monetaryAmount": 80}]},
                {"currencyCode": "EUR", "totalPrice": 11.5}]},
            {"id": "o2", "pricings": []},
            {"id": "o3", "validatingCarrier": "SU", "pricings": [{"currencyCode": "RUB", "totalPrice": 2000.25}]}
        ]},
        "operations": {"get": {"http": {"method": "GET"}}, "put/it": {"http": {}}}
    }"#;
    let second = r#"{"routeData": null, "data": {"$values": null}, "operations": ["list"]}"#;
    tar(&[("raw/r1.json", first), ("raw/r2.json", second)])
}

const MAP: &str = r#"
version: 1
id: ranker_id
features:
  search_route: $.routeData.searchRoute
  company_id: {path: $.personalData.companyID, type: int64}
  traveller:
    columns: {sex: $.personalData.sex, birth: $.personalData.yearOfBirth}
  pricings:
    for:
      option: "$.data['$values'][*]"
      pricing: 'option.pricings[*]'
    where: '@.currencyCode == "RUB"'
    keep_empty: false
    columns:
      option_index: {index: option}
      option_id: option.id
      total_price: {path: pricing.totalPrice, type: float64}
      labels: 'pricing.labels[*]'
      cancel_fee: {path: 'pricing.miniRules[?@.category == 31].monetaryAmount', take: first}
      carrier: {path: [option.validatingCarrier, option.carrier]}
  operations:
    for: {operation: $.operations.*}
    columns: {name: {key: operation}, method: operation.http.method}
"#;

#[test]
fn the_map_of_the_manual_gives_the_rows_that_it_says() {
    let dataset = Scene::new(&searches(), MAP).extract(&[]);
    assert_eq!(
        dataset.rows("search_route"),
        [json!(["r1", "MOWALA/ALAMOW"]), json!(["r2", null])]
    );
    assert_eq!(dataset.rows("company_id"), [json!(["r1", 42]), json!(["r2", null])]);
    assert_eq!(
        dataset.rows("traveller"),
        [json!(["r1", true, 1990]), json!(["r2", null, null])]
    );
    let pricings = [
        json!(["r1", 0, "o1", 1000.0, ["BestPrice", "MinTime"], 70, "S7"]),
        json!(["r1", 2, "o3", 2000.25, [], null, "SU"]),
    ];
    assert_eq!(dataset.rows("pricings"), pricings);
    let operations = [
        json!(["r1", "get", "GET"]),
        json!(["r1", "put/it", null]),
        json!(["r2", null, null]),
    ];
    assert_eq!(dataset.rows("operations"), operations);
}

#[test]
fn empty_loops_are_kept_where_the_map_says_so() {
    let map = MAP
        .replace("keep_empty: false", "keep_empty: true")
        .replace("    where: '@.currencyCode == \"RUB\"'\n", "");
    let dataset = Scene::new(&searches(), &map).extract(&[]);
    let expected = [
        json!(["r1", 0, "o1"]),
        json!(["r1", 0, "o1"]),
        json!(["r1", 1, "o2"]),
        json!(["r1", 2, "o3"]),
        json!(["r2", null, null]),
    ];
    let rows: Vec<_> = dataset
        .rows("pricings")
        .iter()
        .map(|row| json!([row[0], row[1], row[2]]))
        .collect();
    assert_eq!(rows, expected);
}

#[test]
fn the_older_list_form_is_accepted_as_it_is() {
    let map = "\
features:
  - {name: search_route, path: routeData/searchRoute, dtype: str}
  - {name: company_id, path: personalData/companyID, dtype: int}
  - {name: ids, path: data/$values/*/id, dtype: str}
";
    let scene = Scene::new(&searches(), map);
    let dataset = scene.extract(&[]);
    assert_eq!(
        dataset.column("search_route", "search_route"),
        [json!("MOWALA/ALAMOW"), json!(null)]
    );
    assert_eq!(dataset.column("company_id", "company_id"), [json!(42), json!(null)]);
    assert_eq!(dataset.column("ids", "ids"), [json!("o1,o2,o3"), json!(null)]);
}

#[test]
fn ids_come_from_names_patterns_and_values() {
    let map = "\
id:
  - {column: run, pattern: '^run-(\\d+)/'}
  - {column: event, path: $.id, type: int64}
  - doc
features: {a: {path: $.a, type: int64}}
";
    let archive = Tar::new()
        .file("run-7/x.json", r#"{"id":1,"a":10}"#)
        .file("run-08/x.json", r#"{"id":2,"a":20}"#);
    let dataset = Scene::new(&archive.finish(), map).extract(&[]);
    assert_eq!(dataset.rows("a"), [json!(["7", 1, "x", 10]), json!(["08", 2, "x", 20])]);
}

/// A run that is resumed knows the map's paths only as the resolved map spells them.
#[test]
fn how_a_map_spells_its_paths_is_in_no_output() {
    let archive = tar(&[("1.json", r#"{"a":{"b":1}}"#), ("2.json", r#"{"a":{}}"#)]);
    let outputs = [r#"$["a"]['b']"#, "$.a.b"].map(|path| {
        let map = format!(
            "id: {{column: key, path: '{}', type: int64}}\nfeatures: {{x: $.a}}\n",
            path.replace('\'', "''")
        );
        let scene = Scene::new(&archive, &map);
        scene.run(&[]).expect_code(3);
        scene.dataset("out").contents()
    });
    assert!(!outputs[0][Path::new("failed.log")].is_empty());
    assert_same(&outputs[0], &outputs[1], "another spelling");
}

/// What the repository shows a newcomer has to work as it stands.
#[test]
fn the_example_archive_goes_through_the_default_map() {
    let root = env!("CARGO_MANIFEST_DIR");
    let scene = Scene::new(b"", "");
    let extract = |out: &str, arguments: &[&str]| {
        let mut command = scene.tarquet(&["extract", "--tar-path", "examples/flights.tar.kaggle", "--workers", "2"]);
        command.arg("--out-dir").arg(scene.path(out)).args(arguments);
        Run::of(command.current_dir(root)).expect_code(0);
        scene.dataset(out)
    };
    let dataset = extract("out", &[]);
    assert_eq!(dataset.members(), [300, 0, 0]);
    assert_eq!(dataset.column("route", "ranker_id").len(), 300);
    assert!(dataset.rows("pricings").len() > 300);
    assert_eq!(dataset.text("rescued.ndjson"), "");

    let resolved = scene.path("out/feature_map.resolved.yaml").display().to_string();
    let again = extract("again", &["--feature-map", &resolved]);
    assert_same(&dataset.contents(), &again.contents(), "the resolved map");
}

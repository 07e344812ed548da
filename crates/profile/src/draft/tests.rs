use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};
use tarquet_projection::{EngineKind, Projected, Projector};

use super::*;
use crate::Profiler;

fn draft<D: AsRef<str>>(documents: &[D], identity: Identity) -> String {
    let mut profiler = Profiler::new(EngineKind::Structural);
    for document in documents {
        profiler.add(document.as_ref().as_bytes()).unwrap();
    }
    let mut profile = profiler.take();
    profile.fold_maps();
    let draft = Draft::of(&profile, identity).unwrap_or_else(|errors| panic!("{errors}"));
    draft.yaml().to_owned()
}

/// The map without comments.
fn bare(map: &str) -> String {
    let lines = map
        .lines()
        .map(|line| line.split(" # ").next().unwrap_or("").trim_end());
    let lines = lines.filter(|line| !line.starts_with('#'));
    lines.collect::<Vec<_>>().join("\n")
}

/// What the map gives of the documents.
fn extract<D: AsRef<str>>(map: &str, documents: &[D]) -> Projected {
    let plan = tarquet_feature_map::parse("draft.yaml", map).unwrap_or_else(|errors| panic!("{errors}\n{map}"));
    assert!(plan.is_typed(), "{map}");
    let mut projector = Projector::new(Arc::new(plan), EngineKind::Reference);
    for document in documents {
        let projected = projector.project(document.as_ref().as_bytes(), "member.json");
        projected.unwrap_or_else(|error| panic!("{error:?}\n{map}"));
    }
    projector.flush().unwrap()
}

#[test]
fn tables_are_made_for_objects_arrays_and_maps() {
    let documents = [
        r#"{"rankerId": "a", "price": 1, "when": "2024-05-01T10:00:00Z", "tags": ["x", "y"],
            "route": {"from": "MOW", "leg": {"km": 1.5}},
            "data": {"$values": [{"id": 1, "pricings": [{"total": 2}, {"total": 3.5}]}, {"id": 2, "pricings": []}]},
            "time": {"1.0": "2024-05-01", "1.1": "2024-05-02", "2.0": "2024-05-03", "2.1": "2024-05-04"},
            "mixed": 1, "nothing": null, "empty": {}}"#,
        r#"{"rankerId": "b", "price": 2.5, "when": "2024-05-01T10:00:00+03:00", "route": {"from": "LED"}, "mixed": "x"}"#,
    ];
    let map = draft(&documents, Identity::default());
    let expected = "\
version: 1
id: file
features:
  document:
    columns:
      ranker_id: {path: $.rankerId, type: string}
      price: {path: $.price, type: float64}
      when: {path: $.when, type: timestamp}
      tags: {path: $.tags, type: 'list<string>'}
      mixed: {path: $.mixed, type: json}
      nothing: {path: $.nothing, type: json}
      empty: {path: $.empty, type: json}
  route:
    columns:
      from: {path: $.route.from, type: string}
      leg_km: {path: $.route.leg.km, type: float64}
  time:
    for:
      time: '$.time.*'
    columns:
      time: {key: time}
      value: {path: time, type: date}
  values:
    for:
      value: \"$.data['$values'][:]\"
    columns:
      value_index: {index: value}
      id: {path: value.id, type: int64}
  pricings:
    for:
      value: \"$.data['$values'][:]\"
      pricing: 'value.pricings[:]'
    columns:
      value_index: {index: value}
      pricing_index: {index: pricing}
      total: {path: pricing.total, type: float64}";
    assert_eq!(bare(&map), expected, "{map}");
    let projected = extract(&map, &documents);
    assert_eq!(projected.rows, [1, 1, 4, 2, 2, 1, 1, 0, 0, 0]);
}

#[test]
fn comments_say_how_often_a_value_is_there_and_what_it_is() {
    let map = draft(
        &["{\"a\": \"x\"}", "{\"a\": null}", "{\"a\": \"y\\n\"}"],
        Identity::default(),
    );
    assert!(map.contains("# 67 %; \"x\", \"y\\n\"\n"), "{map}");
    assert!(
        map.starts_with("# A feature map to start from, made by `tarquet inspect` of 3 documents.\n"),
        "{map}"
    );
}

#[test]
fn one_or_many_is_a_loop_with_a_fallback_that_an_empty_array_does_not_take() {
    let documents = [
        "{\"items\": {\"a\": 1}}",
        "{\"items\": [{\"a\": 2}, {\"a\": 3}]}",
        "{\"items\": []}",
        "{}",
    ];
    let map = draft(&documents, Identity::default());
    assert!(map.contains("item: ['$.items[:]', '$.items']"), "{map}");
    let projected = extract(&map, &documents);
    assert_eq!(projected.rows, [1, 2, 0, 0]);
}

#[test]
fn what_a_sample_has_not_seen_makes_no_rows_of_nothing() {
    // A lone object where there were arrays, and an object without the member that all others had.
    let sample = ["{\"items\": [{\"id\": 1, \"p\": 2}]}", "{\"items\": {\"id\": 1}}"];
    let map = draft(&sample[..1], Identity::default());
    assert_eq!(extract(&map, &sample).rows, [1, 0], "{map}");
    let map = draft(&sample, Identity::default());
    let others = [
        "{\"items\": {\"p\": 1}}",
        "{\"items\": []}",
        "{\"items\": [{\"p\": 1}]}",
    ];
    assert_eq!(extract(&map, &others).rows, [1, 0, 1], "{map}");
    // An array where there were maps is no map.
    let versions = |number: usize| format!("{{\"m\": {{\"1.{number}\": 1, \"2.0\": 2, \"3.0\": 3, \"4.0\": 4}}}}");
    let documents: Vec<String> = (0..20).map(versions).chain(["{\"m\": [\"x\"]}".to_owned()]).collect();
    let map = draft(&documents, Identity::default());
    assert!(extract(&map, &documents).rescued.iter().next().is_none(), "{map}");
}

#[test]
fn names_that_mean_something_else_or_are_long_are_written_so_that_they_can_be_read() {
    let long = "x".repeat(1_100);
    for document in [
        "{\"null\": [{\"a\": 1}]}".to_owned(),
        "{\"true\": {\"1.0\": 1, \"1.1\": 1, \"1.2\": 1, \"1.3\": 1}}".to_owned(),
        format!("{{\"{long}\": [{{\"{long}\": 1, \"{long}y\": 2}}]}}"),
        "{\"\\ud800\": 1, \"a\": 2}".to_owned(),
    ] {
        let map = draft(&[&document], Identity::default());
        let projected = extract(&map, &[&document]);
        assert!(projected.rescued.iter().next().is_none(), "{map}");
        assert!(
            map.lines()
                .all(|line| !line.starts_with("      ") || line.find(':').is_none_or(|at| at < 80)),
            "{map}"
        );
    }
}

#[test]
fn ids_are_found_where_names_are_none() {
    let many = Identity {
        many_a_member: true,
        ..Identity::default()
    };
    let map = draft(
        &["{\"type\": \"a\", \"eventId\": 7}", "{\"type\": \"a\", \"eventId\": 8}"],
        many,
    );
    assert!(
        bare(&map).contains("\nid: {column: event_id, path: $.eventId, type: int64}\n"),
        "{map}"
    );
    let map = draft(&["{\"type\": \"a\"}", "{\"type\": \"a\"}"], many);
    assert!(bare(&map).contains("\nid: file\nprovenance: true\n"), "{map}");
    let repeated = Identity {
        repeated_names: true,
        ..Identity::default()
    };
    let map = draft(&["{\"file\": 1}"], repeated);
    assert!(
        bare(&map).contains("\nid: {column: file, pattern: '^(.*)$'}\n"),
        "{map}"
    );
    assert!(bare(&map).contains("file_2: {path: $.file, type: int64}"), "{map}");
}

#[test]
fn documents_of_nothing_make_a_map_too() {
    for document in ["null", "[]", "{}", "7", "[1, [2]]", "[{}]", "{\"a\": {}}"] {
        let map = draft(&[document], Identity::default());
        extract(&map, &[document]);
    }
    extract(&draft::<&str>(&[], Identity::default()), &["{}"]);
}

/// Names that are hard to write, and such that collide.
fn any_name() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => prop::sample::select(vec!["a", "b", "A", "items", "id", "feature", "file", "_member", "true", "value", "key"])
            .prop_map(str::to_owned),
        1 => any::<String>(),
        1 => ".{0,3}['\"#:\\\\\n\u{2028}].{0,3}",
    ]
}

fn any_document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<i32>().prop_map(|number| json!(f64::from(number) / 8.0)),
        any::<u64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(json!("2024-05-01")),
        Just(json!("2024-05-01T00:00:00Z")),
    ];
    leaf.prop_recursive(6, 80, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((any_name(), inner), 0..8).prop_map(Value::from_iter),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever documents hold: the map made of them is valid, and every value of theirs fits it.
    #[test]
    fn a_draft_runs_and_loses_nothing(documents in prop::collection::vec(any_document(), 1..6), many: bool, repeated: bool) {
        let documents: Vec<String> = documents.iter().map(Value::to_string).collect();
        let map = draft(&documents, Identity { many_a_member: many, repeated_names: repeated });
        let projected = extract(&map, &documents);
        let rescued: Vec<_> = projected.rescued.iter().map(|value| value.value.to_owned()).collect();
        prop_assert!(rescued.is_empty(), "{rescued:?}\n{map}");
    }

    /// Documents can be looked at one by one, in any parts.
    #[test]
    fn profiles_merge_to_that_of_all_documents(documents in prop::collection::vec(any_document(), 0..8), cut in 0..8_usize) {
        let documents: Vec<String> = documents.iter().map(Value::to_string).collect();
        let profile = |documents: &[String]| {
            let mut profiler = Profiler::new(EngineKind::Reference);
            documents.iter().for_each(|document| profiler.add(document.as_bytes()).unwrap());
            profiler.take()
        };
        let (one, other) = documents.split_at(cut.min(documents.len()));
        let mut merged = profile(one);
        // As it comes out of a worker.
        let text = serde_json::to_string(&profile(other)).unwrap();
        merged.merge(&serde_json::from_str(&text).unwrap());
        let entries = |profile: &Profile| -> Vec<_> {
            let mut entries: Vec<_> = profile.entries().map(|entry| (entry.path.clone(), own(entry.node))).collect();
            // Names stand in the order in which they were found.
            entries.sort_by(|(one, _), (other, _)| one.cmp(other));
            entries
        };
        prop_assert_eq!(entries(&merged), entries(&profile(&documents)));
    }
}

/// A node without its place in the tree.
fn own(node: &crate::Node) -> String {
    let mut value = serde_json::to_value(node).unwrap();
    for place in ["members", "any", "element"] {
        value.as_object_mut().unwrap().remove(place);
    }
    value.to_string()
}

/// What a worker that was taken over may send is refused, or is a profile like any other.
#[test]
fn nodes_that_are_no_tree_are_refused() {
    let node = |rest: &str| format!(r#"{{"kinds":{{"scalars":[0,0,0,0,0,0,0,0],"arrays":0,"objects":1}}{rest}}}"#);
    let profile = |nodes: &[String]| {
        serde_json::from_str::<Profile>(&format!(r#"{{"documents":1,"nodes":[{}]}}"#, nodes.join(",")))
    };
    assert!(profile(&[node("")]).is_ok());
    assert!(profile(&[node(r#","element":1"#), node("")]).is_ok());
    for nodes in [
        vec![],
        vec![node(r#","element":0"#)],
        vec![node(r#","element":7"#)],
        vec![node(r#","element":1,"any":1"#), node("")],
        vec![node(""), node("")],
        vec![node(r#","element":1"#), node(r#","element":0"#)],
    ] {
        assert!(profile(&nodes).is_err(), "{nodes:?}");
    }
    let deep: Vec<String> = (1..=70)
        .map(|child| node(&format!(r#","element":{child}"#)))
        .chain([node("")])
        .collect();
    assert!(profile(&deep).is_err());
    let most = u64::MAX;
    let huge =
        format!(r#"{{"kinds":{{"scalars":[{most},{most},{most},0,0,0,0,0],"arrays":{most},"objects":{most}}}}}"#);
    let mut hostile = profile(&[huge]).unwrap();
    hostile.merge(&hostile.clone());
    hostile.fold_maps();
    extract::<&str>(Draft::of(&hostile, Identity::default()).unwrap().yaml(), &[]);
}

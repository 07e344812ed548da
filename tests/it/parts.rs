//! How rows become files: order, cuts, row groups, types, and the names of directories.

use arrow_schema::{DataType, TimeUnit};
use parquet::basic::Compression;
use serde_json::{Value, json};

use crate::support::{Dataset, Scene, Tar, tar};

/// The rows of each part of a feature.
fn part_rows(dataset: &Dataset, feature: &str) -> Vec<i64> {
    let footers = dataset.footers(feature);
    footers.iter().map(|footer| footer.file_metadata().num_rows()).collect()
}

#[test]
fn a_huge_document_is_whole_in_order_and_in_row_groups_of_65536() {
    const ROWS: usize = 200_000;
    let elements: Vec<String> = (0..ROWS).map(|number| number.to_string()).collect();
    let archive = Tar::new()
        .file("1.json", r#"{"e":[-1,-2]}"#)
        .file("huge.json", format!("{{\"e\":[{}]}}", elements.join(",")))
        .file("3.json", r#"{"e":[-3]}"#)
        .finish();
    let map =
        "id: doc\nfeatures:\n  f:\n    for: {e: '$.e[*]'}\n    columns: {at: {index: e}, v: {path: e, type: int64}}\n";
    let dataset = Scene::new(&archive, map).extract(&[]);

    // The part ends behind the document with which it is full: 2 + 200,000 rows, then the last one.
    assert_eq!(part_rows(&dataset, "f"), [2 + ROWS as i64, 1]);
    let groups: Vec<i64> = dataset.footers("f")[0]
        .row_groups()
        .iter()
        .map(|group| group.num_rows())
        .collect();
    assert_eq!(groups, [65_536, 65_536, 65_536, 200_002 - 3 * 65_536]);
    let mut expected: Vec<Value> = vec![json!(["1", 0, -1]), json!(["1", 1, -2])];
    expected.extend((0..ROWS).map(|number| json!(["huge", number, number])));
    expected.push(json!(["3", 0, -3]));
    assert!(dataset.rows("f") == expected, "rows are missing, wrong or out of order");
}

#[test]
fn a_part_ends_at_the_first_document_with_which_it_is_full() {
    let sizes = [3, 3, 3, 10, 1, 1, 1, 1, 0, 5];
    let files: Vec<(String, String)> = sizes
        .iter()
        .enumerate()
        .map(|(number, size)| (format!("{number}.json"), format!("{{\"e\":{:?}}}", vec![number; *size])))
        .collect();
    let map = "id: doc\nfeatures:\n  many:\n    for: {e: '$.e[*]'}\n    columns: {v: e}\n  one: '$.e[0]'\n";
    let dataset = Scene::new(&tar(&files), map).extract(&["--buffer-rows", "5"]);
    assert_eq!(part_rows(&dataset, "many"), [6, 13, 9]);
    assert_eq!(part_rows(&dataset, "one"), [5, 5]);
    let expected: Vec<Value> = sizes
        .iter()
        .enumerate()
        .flat_map(|(number, size)| vec![json!([number.to_string(), number]); *size])
        .collect();
    assert_eq!(dataset.rows("many"), expected);
    let names: Vec<_> = dataset
        .parts("many")
        .iter()
        .map(|part| part.file_name().unwrap().to_owned())
        .collect();
    assert_eq!(
        names,
        ["part-00000.parquet", "part-00001.parquet", "part-00002.parquet"]
    );
}

#[test]
fn small_buffers_close_the_largest_first() {
    // Texts of 1,000 bytes in one feature, and numbers in the other: only the texts can fill the buffers.
    let files: Vec<(String, String)> = (0..40)
        .map(|number| {
            (
                format!("{number:02}.json"),
                format!("{{\"n\":{number},\"t\":\"{}\"}}", "t".repeat(1_000)),
            )
        })
        .collect();
    let map = "id: doc\nfeatures: {n: {path: $.n, type: int64}, t: {path: $.t, type: string}}\n";
    let dataset = Scene::new(&tar(&files), map).extract(&["--buffer-bytes", "10kB"]);
    assert_eq!(part_rows(&dataset, "n"), [40]);
    let parts = part_rows(&dataset, "t");
    assert!(parts.len() >= 3 && parts.iter().all(|rows| *rows <= 10), "{parts:?}");
    assert_eq!(parts.iter().sum::<i64>(), 40);
    assert_eq!(
        dataset.column("n", "n"),
        (0..40).map(|number| json!(number)).collect::<Vec<_>>()
    );
}

#[test]
fn a_feature_without_rows_is_one_empty_part_with_its_schema() {
    let map = "\
id: doc
features:
  none:
    for: {e: '$.none[*]'}
    columns: {v: {path: e.v, type: 'list<timestamp>'}, at: {index: e}}
  a: {path: $.a, type: int64}
";
    let dataset = Scene::new(&tar(&[("1.json", r#"{"a":1}"#)]), map).extract(&[]);
    assert_eq!(part_rows(&dataset, "none"), [0]);
    let columns = dataset.columns("none");
    let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["doc", "v", "at"]);
    let instant = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    match &columns[1].1 {
        DataType::List(element) => assert_eq!(*element.data_type(), instant),
        other => panic!("{other}"),
    }
    assert_eq!(columns[2].1, DataType::Int64);
}

#[test]
fn every_type_comes_back_as_what_was_written() {
    let document = r#"{
        "i": -9007199254740993, "f": 0.1, "b": false, "s": "тест \"x\"", "t": "2025-01-02T03:04:05.000006+03:00",
        "d": "2025-01-02T03:04:05", "y": "2025-01-02", "j": {"k": [1, 2.50, null]}, "e": 1700000000, "l": [1, null, 3]
    }"#;
    let map = "\
id: doc
features:
  all:
    columns:
      i: {path: $.i, type: int64}
      f: {path: $.f, type: float64}
      b: {path: $.b, type: bool}
      s: {path: $.s, type: string}
      t: {path: $.t, type: timestamp}
      d: {path: $.d, type: datetime}
      y: {path: $.y, type: date}
      j: {path: $.j, type: json}
      e: {path: $.e, type: timestamp, unit: s}
      l: {path: '$.l[*]', type: list<int64>}
      whole: {path: $.l, type: list<int64>}
      count: {path: '$.l[*]', take: count}
      sum: {path: '$.l[*]', take: sum, type: int64}
      join: {path: '$.l[*]', take: join, sep: ';', cast: true}
";
    let dataset = Scene::new(&tar(&[("x.json", document)]), map).extract(&[]);
    let expected = json!([
        "x",
        -9_007_199_254_740_993_i64,
        0.1,
        false,
        "тест \"x\"",
        1_735_776_245_000_006_i64,
        1_735_787_045_000_000_i64,
        20_090,
        r#"{"k": [1, 2.50, null]}"#,
        1_700_000_000_000_000_i64,
        [1, null, 3],
        [1, null, 3],
        3,
        4,
        "1;3"
    ]);
    assert_eq!(dataset.rows("all"), [expected]);
    assert!(dataset.rescued().is_empty(), "{:?}", dataset.rescued());
}

#[test]
fn parts_are_compressed_with_snappy() {
    let dataset = Scene::new(&tar(&[("1.json", r#"{"a":"x"}"#)]), "id: doc\nfeatures: {a: $.a}\n").extract(&[]);
    for footer in dataset.footers("a") {
        for column in footer.row_groups().iter().flat_map(|group| group.columns()) {
            assert_eq!(column.compression(), Compression::SNAPPY);
        }
    }
}

#[test]
fn partition_values_are_percent_encoded_as_hive_does() {
    let map = "id: doc\nfeatures:\n  'a/b=c%d': $.a\n  'two words é': $.a\n";
    let dataset = Scene::new(&tar(&[("1.json", r#"{"a":1}"#)]), map).extract(&[]);
    assert_eq!(dataset.rows("a%2Fb%3Dc%25d"), [json!(["1", 1])]);
    assert_eq!(dataset.rows("two words é"), [json!(["1", 1])]);
}

#[test]
fn there_is_nothing_but_parts_among_the_features() {
    let scene = Scene::new(
        &tar(&[("1.json", r#"{"a":1}"#)]),
        "id: doc\nfeatures: {a: $.a, b: $.b}\n",
    );
    let contents = scene.extract(&[]).contents();
    let names: Vec<String> = contents.keys().map(|path| path.display().to_string()).collect();
    let expected = [
        "failed.log",
        "feature_map.resolved.yaml",
        "features_raw/feature=a/part-00000.parquet",
        "features_raw/feature=b/part-00000.parquet",
        "rescued.ndjson",
    ];
    assert_eq!(names, expected);
}

//! Documents that are not what they should be: each fails alone or gives a null, and everything else is there.

use serde_json::{Value, json};

use crate::support::{Dataset, Scene, Tar};

/// One row a document: (doc, a, s).
const MAP: &str = "\
version: 1
id: doc
features:
  values:
    columns:
      a: {path: $.a, type: int64}
      s: {path: $.s, type: string}
";

const ENGINES: [&str; 3] = ["reference", "simd-json", "structural"];

/// Broken documents, the reason that each fails for, and the first byte that cannot continue a valid document.
const BROKEN: &[(&str, &[u8], &str, usize)] = &[
    ("cut in a string", br#"{"a":1,"s":"x"#, "truncated", 13),
    ("cut after a name", br#"{"a""#, "truncated", 4),
    ("cut in a character", b"{\"s\":\"\xd0", "truncated", 7),
    ("cut in an escape", br#"{"s":"\u00"#, "truncated", 10),
    ("cut in a word", br#"{"a":tr"#, "truncated", 7),
    ("empty", b"", "empty", 0),
    ("blank", b" \r\n\t", "empty", 4),
    ("a byte order mark alone", b"\xef\xbb\xbf", "empty", 3),
    ("not UTF-8", b"{\"s\":\"\xff\"}", "utf8", 6),
    ("an overlong character", b"{\"s\":\"\xc0\x80\"}", "utf8", 6),
    ("a surrogate in UTF-8", b"{\"s\":\"\xed\xa0\x80\"}", "utf8", 7),
    ("UTF-16", b"\xff\xfe{\0}\0", "utf8", 0),
    ("no colon", br#"{"a" 1}"#, "syntax", 5),
    ("two values", br#"{"a":1} {"a":2}"#, "syntax", 8),
    ("a leading zero", br#"{"a":01}"#, "syntax", 6),
    ("NaN", br#"{"a":NaN}"#, "syntax", 5),
    ("a trailing comma", br#"{"a":1,}"#, "syntax", 7),
    ("a control character", b"{\"s\":\"\x01\"}", "syntax", 6),
    ("a wrong escape", br#"{"s":"\x41"}"#, "syntax", 7),
    ("single quotes", b"{'a':1}", "syntax", 1),
    ("a mark behind a mark", b"\xef\xbb\xbf\xef\xbb\xbf{}", "syntax", 3),
    ("an error behind a mark", b"\xef\xbb\xbf{\"a\" 1}", "syntax", 8),
];

#[test]
fn a_broken_document_fails_alone_and_is_named_with_its_first_wrong_byte() {
    let mut archive = Tar::new();
    for (number, (name, content, ..)) in BROKEN.iter().enumerate() {
        archive = archive
            .file(&format!("{number:02}.json"), format!(r#"{{"a":{number},"s":"good"}}"#))
            .file(&format!("broken/{name}.json"), content);
    }
    let deep = [vec![b'['; 2_000], vec![b']'; 2_000]].concat();
    let archive = archive.file("broken/deep.json", deep).file("last.json", "{}").finish();
    let scene = Scene::new(&archive, MAP);

    let mut rows: Vec<Value> = (0..BROKEN.len())
        .map(|number| json!([format!("{number:02}"), number, "good"]))
        .collect();
    rows.push(json!(["last", null, null]));
    let mut failed: Vec<(String, String, u64)> = BROKEN
        .iter()
        .map(|(name, _, reason, offset)| (format!("broken/{name}.json"), (*reason).to_owned(), *offset as u64))
        .collect();
    failed.push(("broken/deep.json".to_owned(), "depth".to_owned(), 1_024));

    for engine in ENGINES {
        let run = scene.run(&["--engine", engine, "--overwrite"]);
        run.expect_code(3).expect_quiet_stderr();
        let dataset = scene.dataset("out");
        assert_eq!(places(&dataset), failed, "{engine}");
        assert_eq!(dataset.rows("values"), rows, "{engine}");
        assert_eq!(
            dataset.members(),
            [rows.len() as u64, failed.len() as u64, 0],
            "{engine}"
        );
        assert!(dataset.rescued().is_empty(), "{engine}");
    }
}

/// Member, reason and offset of each line of `failed.log`; each also has a detail for people, and no line number.
fn places(dataset: &Dataset) -> Vec<(String, String, u64)> {
    let place = |line: &Value| {
        assert!(
            line["detail"].as_str().is_some_and(|detail| !detail.is_empty()),
            "{line}"
        );
        assert_eq!(line["line"], Value::Null);
        let text = |key: &str| {
            line[key]
                .as_str()
                .unwrap_or_else(|| panic!("no {key}: {line}"))
                .to_owned()
        };
        let offset = line["offset"].as_u64().unwrap_or_else(|| panic!("no offset: {line}"));
        (text("member"), text("reason"), offset)
    };
    dataset.failed().iter().map(place).collect()
}

#[test]
fn what_is_valid_is_extracted_however_odd() {
    let nested = |depth: usize| format!("{{\"a\":1,\"x\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    let archive = Tar::new()
        .file("mark.json", b"\xef\xbb\xbf{\"a\":2}")
        .file("spaced.json", " \r\n\t{ \"a\" : 3 }\n\n")
        .file("deepest.json", nested(1_023))
        .file("scalar.json", "7")
        .file("null.json", "null")
        .file("array.json", "[{\"a\":1}]")
        .file("repeated.json", r#"{"a":1,"s":"first","a":5,"s":"last"}"#)
        .file("escaped.json", r#"{"\u0061":6,"s":"\ud83d\ude00\u0000\/"}"#)
        .file("whole.json", r#"{"a":3.0e0,"s":""}"#)
        .finish();
    let scene = Scene::new(&archive, MAP);
    for engine in ENGINES {
        let dataset = scene.extract(&["--engine", engine, "--overwrite"]);
        let expected = [
            json!(["mark", 2, null]),
            json!(["spaced", 3, null]),
            json!(["deepest", 1, null]),
            json!(["scalar", null, null]),
            json!(["null", null, null]),
            json!(["array", null, null]),
            json!(["repeated", 5, "last"]),
            json!(["escaped", 6, "😀\0/"]),
            json!(["whole", 3, ""]),
        ];
        assert_eq!(dataset.rows("values"), expected, "{engine}");
        assert!(dataset.failed().is_empty() && dataset.rescued().is_empty(), "{engine}");
    }
}

#[test]
fn a_value_that_does_not_fit_is_null_and_rescued_with_its_exact_text() {
    let digits = "9".repeat(400);
    let values = [
        (r#""\ud800""#.to_owned(), "s", "string"),
        (r#""a\udc00b""#.to_owned(), "s", "string"),
        (digits.clone(), "a", "int64"),
        ("9223372036854775808".to_owned(), "a", "int64"),
        ("3.5".to_owned(), "a", "int64"),
        ("1e30".to_owned(), "a", "int64"),
        (r#""7""#.to_owned(), "a", "int64"),
        (r#"{ "b" : [ 1 , "\u00e9" ] }"#.to_owned(), "a", "int64"),
        ("true".to_owned(), "s", "string"),
    ];
    let mut archive = Tar::new();
    for (number, (value, column, _)) in values.iter().enumerate() {
        archive = archive
            .file(&format!("{number}.json"), format!("{{\"{column}\": {value} }}"))
            .file(&format!("{number}-good.json"), r#"{"a":1,"s":"x"}"#);
    }
    let scene = Scene::new(&archive.finish(), MAP);
    for engine in ENGINES {
        let dataset = scene.extract(&["--engine", engine, "--overwrite"]);
        let expected: Vec<Value> = (0..values.len())
            .flat_map(|number| {
                let good = format!("{number}-good");
                [json!([number.to_string(), null, null]), json!([good, 1, "x"])]
            })
            .collect();
        assert_eq!(dataset.rows("values"), expected, "{engine}");
        let line = |(number, (value, column, expected)): (usize, &(String, &str, &str))| {
            json!({
                "member": format!("{number}.json"), "feature": "values", "row": 0,
                "column": column, "expected": expected, "value": value,
            })
        };
        let expected: Vec<Value> = values.iter().enumerate().map(line).collect();
        assert_eq!(dataset.rescued(), expected, "{engine}");
        assert!(dataset.failed().is_empty(), "{engine}");
        assert_eq!(dataset.summary()["values_rescued"], values.len(), "{engine}");
    }
}

#[test]
fn numbers_beyond_every_type_keep_their_text_where_the_type_is_open() {
    let digits = "8".repeat(400);
    let archive = Tar::new()
        .file("1.json", format!("{{\"a\":{digits}}}"))
        .file("2.json", r#"{"a":1}"#)
        .finish();
    let scene = Scene::new(&archive, "id: doc\nfeatures: {a: $.a, f: {path: $.a, type: float64}}\n");
    let dataset = scene.extract(&[]);
    assert_eq!(dataset.rows("a"), [json!(["1", digits]), json!(["2", "1"])]);
    assert_eq!(dataset.rows("f"), [json!(["1", null]), json!(["2", 1.0])]);
    let rescued = json!({
        "member": "1.json", "feature": "f", "row": 0, "column": "f", "expected": "float64", "value": digits,
    });
    assert_eq!(dataset.rescued(), [rescued]);
    assert!(dataset.text("feature_map.resolved.yaml").contains("type: json"));
}

#[test]
fn a_wrong_type_far_behind_a_clean_sample_is_rescued_in_its_row() {
    const DOCUMENTS: usize = 5_100;
    const WRONG: usize = 5_000;
    let mut archive = Tar::new();
    for number in 0..DOCUMENTS {
        let content = match number {
            WRONG => r#"{"n":"many","of":[{"x":1},{"x":"two"},{"x":null},{"x":4}]}"#.to_owned(),
            _ => format!(r#"{{"n":{number},"of":[{{"x":{number}}}]}}"#),
        };
        archive = archive.file(&format!("d{number}.json"), content);
    }
    let map =
        "id: doc\nfeatures:\n  n: $.n\n  of:\n    for: {e: '$.of[*]'}\n    columns: {x: e.x}\n  all: '$.of[*].x'\n";
    let scene = Scene::new(&archive.finish(), map);
    let dataset = scene.extract(&[]);

    let number = |number: usize| if number == WRONG { Value::Null } else { json!(number) };
    assert_eq!(dataset.column("n", "n"), (0..DOCUMENTS).map(number).collect::<Vec<_>>());
    let elements = |number: usize| match number {
        WRONG => vec![json!(1), Value::Null, Value::Null, json!(4)],
        _ => vec![json!(number)],
    };
    assert_eq!(
        dataset.column("of", "x"),
        (0..DOCUMENTS).flat_map(elements).collect::<Vec<_>>()
    );
    let lists: Vec<Value> = (0..DOCUMENTS).map(|number| elements(number).into()).collect();
    assert_eq!(dataset.column("all", "all"), lists);

    let rescued = |feature: &str, row: usize, column: &str, expected: &str, value: &str| {
        json!({
            "member": format!("d{WRONG}.json"), "feature": feature, "row": row,
            "column": column, "expected": expected, "value": value,
        })
    };
    let expected = [
        rescued("n", 0, "n", "int64", r#""many""#),
        rescued("of", 1, "x", "int64", r#""two""#),
        rescued("all", 0, "all", "list<int64>", r#""two""#),
    ];
    assert_eq!(dataset.rescued(), expected);
}

#[test]
fn ignored_mismatches_leave_no_line() {
    let map = "id: doc\nfeatures: {a: {path: $.a, type: int64, mismatch: ignore}}\n";
    let archive = Tar::new().file("1.json", r#"{"a":"x"}"#).file("2.json", r#"{"a":2}"#);
    let dataset = Scene::new(&archive.finish(), map).extract(&[]);
    assert_eq!(dataset.rows("a"), [json!(["1", null]), json!(["2", 2])]);
    assert_eq!(dataset.text("rescued.ndjson"), "");
    assert_eq!(dataset.summary()["values_rescued"], 0);
}

#[test]
fn a_document_without_its_id_fails_with_the_reason_id() {
    let archive = Tar::new()
        .file("1.json", r#"{"id":10,"a":1}"#)
        .file("missing.json", r#"{"a":2}"#)
        .file("null.json", r#"{"id":null,"a":3}"#)
        .file("misfit.json", r#"{"id":"ten","a":4}"#)
        .file("5.json", r#"{"id":50,"a":5}"#)
        .finish();
    let map = "id: {column: event, path: $.id, type: int64}\nfeatures: {a: $.a}\n";
    let scene = Scene::new(&archive, map);
    scene.run(&[]).expect_code(3);
    let dataset = scene.dataset("out");
    assert_eq!(dataset.rows("a"), [json!([10, 1]), json!([50, 5])]);
    let failed = ["missing.json", "null.json", "misfit.json"].map(|name| (name.to_owned(), "id".to_owned()));
    assert_eq!(dataset.reasons(), failed);
    for line in dataset.failed() {
        assert!(
            line["detail"].as_str().is_some_and(|detail| detail.contains("event")),
            "{line}"
        );
    }
    assert!(dataset.rescued().is_empty());
}

#[test]
fn a_name_that_the_id_pattern_does_not_match_fails_with_the_reason_id() {
    let archive = Tar::new()
        .file("run-7/a.json", r#"{"a":1}"#)
        .file("b.json", r#"{"a":2}"#);
    let map = "id: {column: run, pattern: '^run-(\\d+)/'}\nfeatures: {a: $.a}\n";
    let scene = Scene::new(&archive.finish(), map);
    scene.run(&[]).expect_code(3);
    let dataset = scene.dataset("out");
    assert_eq!(dataset.rows("a"), [json!(["7", 1])]);
    assert_eq!(dataset.reasons(), [("b.json".to_owned(), "id".to_owned())]);
}

#[test]
fn a_document_over_the_limit_fails_and_one_at_the_limit_does_not() {
    let document = |bytes: usize| format!("{{\"a\":1,\"s\":\"{}\"}}", "x".repeat(bytes - 14));
    let archive = Tar::new()
        .file("at.json", document(4_096))
        .file("over.json", document(4_097))
        .file("small.json", document(20))
        .finish();
    let scene = Scene::new(&archive, MAP);
    scene.run(&["--max-document-bytes", "4KiB"]).expect_code(3);
    let dataset = scene.dataset("out");
    assert_eq!(dataset.column("values", "doc"), ["at", "small"]);
    assert_eq!(dataset.reasons(), [("over.json".to_owned(), "too_large".to_owned())]);
    let detail = dataset.failed()[0]["detail"].clone();
    let detail = detail.as_str().expect("a text");
    assert!(
        detail.contains("4097") && detail.contains("--max-document-bytes"),
        "{detail}"
    );
}

#[test]
fn a_document_whose_rows_weigh_too_much_fails_alone() {
    // 300 rows of a mebibyte each: more than the 256 MiB that the rows of one document may have.
    let elements = vec!["{}"; 300].join(",");
    let huge = format!("{{\"s\":\"{}\",\"e\":[{elements}]}}", "x".repeat(1 << 20));
    let archive = Tar::new()
        .file("1.json", r#"{"s":"y","e":[{},{}]}"#)
        .file("huge.json", huge)
        .file("3.json", r#"{"s":"z","e":[{}]}"#)
        .finish();
    let map = "id: doc\nfeatures:\n  f:\n    for: {e: '$.e[*]'}\n    columns: {s: {path: $.s, type: string}}\n";
    let scene = Scene::new(&archive, map);
    scene.run(&[]).expect_code(3);
    let dataset = scene.dataset("out");
    assert_eq!(
        dataset.rows("f"),
        [json!(["1", "y"]), json!(["1", "y"]), json!(["3", "z"])]
    );
    assert_eq!(dataset.reasons(), [("huge.json".to_owned(), "too_large".to_owned())]);
}

#[test]
fn another_encoding_is_named_and_a_byte_order_mark_is_not_one() {
    let utf16 = |order: fn(u16) -> [u8; 2]| r#"{"a":1}"#.encode_utf16().flat_map(order).collect::<Vec<u8>>();
    let (little, big) = (utf16(u16::to_le_bytes), utf16(u16::to_be_bytes));
    let marked = "\u{feff}{\"a\":7}";
    let archive = Tar::new()
        .file("marked.json", marked)
        .file("little.json", &little)
        .file("big.json", &big)
        .file("marked-little.json", [b"\xff\xfe", &little[..]].concat())
        .file("marked-big.json", [b"\xfe\xff", &big[..]].concat())
        .file("packed.json.gz", crate::support::gzip(&little))
        .file("packed-marked.json.zst", crate::support::zstd(marked.as_bytes()))
        .finish();
    let scene = Scene::new(&archive, MAP);
    let failed = [
        ("little.json", 1),
        ("big.json", 0),
        ("marked-little.json", 0),
        ("marked-big.json", 0),
        ("packed.json.gz", 1),
    ]
    .map(|(name, offset)| (name.to_owned(), "utf8".to_owned(), offset));
    for engine in ENGINES {
        scene.run(&["--engine", engine, "--overwrite"]).expect_code(3);
        let dataset = scene.dataset("out");
        let rows = [json!(["marked", 7, null]), json!(["packed-marked", 7, null])];
        assert_eq!(dataset.rows("values"), rows, "{engine}");
        assert_eq!(places(&dataset), failed, "{engine}");
        for line in dataset.failed() {
            let detail = line["detail"].as_str().expect("a text");
            assert!(detail.contains("UTF-16") && detail.contains("convert"), "{line}");
        }
    }
}

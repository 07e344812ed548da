//! What a map means, sentence by sentence of the design's section on feature maps.

use super::{column_source, features, plan, value};
use crate::plan::*;

const EXAMPLE: &str = r#"
version: 1
id: ranker_id                     # the id column
provenance: false
features:
  search_route: $.routeData.searchRoute                  # one row a document: (ranker_id, search_route)
  company_id: {path: $.personalData.companyID, type: int64}
  traveller:                                             # no `for`: one row a document, several columns
    columns: {sex: $.personalData.sex, birth: $.personalData.yearOfBirth}
  pricings:                                              # one row an innermost element
    for:                                                 # loops, outermost first, each binding a name for the next
      option: $.data['$values'][*]
      pricing: option.pricings[*]
    where: '@.currencyCode == "RUB"'                     # optional
    keep_empty: false
    columns:
      option_index: {index: option}                      # position of the element in its array, from 0
      option_id: option.id
      total_price: {path: pricing.totalPrice, type: float64}
      labels: 'pricing.labels[*]'                        # several matches: a list
      cancel_fee: {path: 'pricing.miniRules[?@.category == 31].monetaryAmount', take: first}
      carrier: {path: [option.validatingCarrier, option.carrier]}   # the first that is there and not null
  operations:                                            # an object used as a map: its keys are data
    for: {operation: $.operations.*}
    columns: {name: {key: operation}, method: operation.http.method}
"#;

/// A path's segments, written in one way.
fn written(plan: &Plan, path: &Path) -> String {
    crate::path_text::path_text("", path, &plan.names)
}

fn paths(plan: &Plan, value: &Value) -> Vec<(Origin, String)> {
    value
        .paths
        .iter()
        .map(|path| (path.from, written(plan, &path.path)))
        .collect()
}

fn scalar(ty: Scalar) -> Option<ColumnType> {
    Some(ColumnType::Scalar(ty))
}

#[test]
fn the_example_of_the_design() {
    let plan = plan(EXAMPLE);
    assert_eq!(
        plan.ids,
        [IdColumn {
            name: "ranker_id".to_owned(),
            source: IdSource::BaseName
        }]
    );
    assert!(!plan.provenance);
    assert_eq!(plan.shared_loops, 0);
    let names: Vec<_> = plan.features.iter().map(|feature| feature.name.as_str()).collect();
    assert_eq!(
        names,
        ["search_route", "company_id", "traveller", "pricings", "operations"]
    );

    let route = value(&plan, "search_route", "search_route");
    assert_eq!(
        paths(&plan, route),
        [(Origin::Document, ".routeData.searchRoute".to_owned())]
    );
    assert_eq!(
        (&route.take, route.ty, route.cast, route.mismatch),
        (&None, None, false, Mismatch::Rescue)
    );
    assert_eq!(value(&plan, "company_id", "company_id").ty, scalar(Scalar::Int64));
    assert_eq!(plan.features[2].columns.len(), 2);
    assert!(
        plan.features[..3]
            .iter()
            .all(|feature| feature.loops.is_empty() && feature.filter.is_none())
    );

    let pricings = &plan.features[3];
    let loops: Vec<_> = pricings
        .loops
        .iter()
        .map(|a_loop| (a_loop.name.as_str(), written(&plan, &a_loop.paths[0])))
        .collect();
    assert_eq!(
        loops,
        [
            ("option", ".data['$values'][*]".to_owned()),
            ("pricing", ".pricings[*]".to_owned())
        ]
    );
    let Some(Filter::Compare {
        path,
        op: CompareOp::Equal,
        literal,
    }) = &pricings.filter
    else {
        panic!("{:?}", pricings.filter);
    };
    assert_eq!(
        (path.root, written(&plan, &path.path)),
        (FilterRoot::Current, ".currencyCode".to_owned())
    );
    assert_eq!(literal, &Literal::String("RUB".to_owned()));
    assert!(!pricings.keep_empty);
    let columns: Vec<_> = pricings.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(
        columns,
        [
            "option_index",
            "option_id",
            "total_price",
            "labels",
            "cancel_fee",
            "carrier"
        ]
    );
    assert_eq!(
        column_source(&plan, "pricings", "option_index"),
        &ColumnSource::Index { of: 0 }
    );
    assert_eq!(
        paths(&plan, value(&plan, "pricings", "option_id")),
        [(Origin::Loop(0), ".id".to_owned())]
    );
    assert_eq!(value(&plan, "pricings", "labels").take, Some(Take::List));
    let fee = value(&plan, "pricings", "cancel_fee");
    assert_eq!(
        paths(&plan, fee),
        [(
            Origin::Loop(1),
            ".miniRules[?@.category == 31].monetaryAmount".to_owned()
        )]
    );
    assert_eq!(fee.take, Some(Take::First));
    let carrier = value(&plan, "pricings", "carrier");
    let both = [".validatingCarrier", ".carrier"].map(|path| (Origin::Loop(0), path.to_owned()));
    assert_eq!((paths(&plan, carrier), &carrier.take), (both.to_vec(), &None));

    assert_eq!(column_source(&plan, "operations", "name"), &ColumnSource::Key { of: 0 });
    assert_eq!(written(&plan, &plan.features[4].loops[0].paths[0]), ".operations[*]");
}

#[test]
fn ids() {
    let with = |id: &str| plan(&format!("id: {id}\nfeatures: {{a: $.a}}")).ids;
    let column = |name: &str, source| IdColumn {
        name: name.to_owned(),
        source,
    };
    assert_eq!(with("doc"), [column("doc", IdSource::BaseName)]);
    let pattern = IdSource::Pattern(r"([^/]+)\.json$".to_owned());
    assert_eq!(
        with(r"{column: file, pattern: '([^/]+)\.json$'}"),
        [column("file", pattern.clone())]
    );
    let [
        IdColumn {
            name,
            source: IdSource::Value(value),
        },
    ] = &with("{column: event_id, path: $.id}")[..]
    else {
        panic!("an id of the document");
    };
    assert_eq!(
        (name.as_str(), value.paths[0].path.text.as_str(), value.ty),
        ("event_id", "$.id", None)
    );
    let [
        IdColumn {
            source: IdSource::Value(value),
            ..
        },
    ] = &with("{column: at, path: [$.at, $.time], type: timestamp, unit: ms, cast: true}")[..]
    else {
        panic!("an id of the document");
    };
    assert_eq!(
        value.ty,
        scalar(Scalar::Timestamp {
            unit: Some(TimeUnit::Millisecond)
        })
    );
    assert_eq!((value.paths.len(), value.cast), (2, true));
    let several = with(r"[doc, {column: file, pattern: '([^/]+)\.json$'}]");
    assert_eq!(several, [column("doc", IdSource::BaseName), column("file", pattern)]);
}

#[test]
fn the_version_may_be_left_out() {
    assert_eq!(
        plan("id: d\nfeatures: {a: $.a}"),
        plan("version: 1\nid: d\nfeatures: {a: $.a}")
    );
}

#[test]
fn provenance() {
    let with = |provenance: &str| plan(&format!("id: d\n{provenance}\nfeatures: {{a: $.a}}")).provenance;
    assert!(!with(""));
    assert!(!with("provenance: false"));
    assert!(with("provenance: true"));
}

#[test]
fn loops_of_the_map_begin_every_features_loops() {
    let plan = plan(
        "for: {item: '$.items[*]'}\nid: [doc, {column: item_id, path: item.id}]\nfeatures:\n  name: item.name\n  tags:\n    for: {tag: 'item.tags[:]'}\n    columns: {tag: tag, item: {index: item}, at: {index: tag}}\n  plain: {columns: {v: item.v, d: $.d}}\n",
    );
    assert_eq!(plan.shared_loops, 1);
    let loops = |feature: usize| {
        plan.features[feature]
            .loops
            .iter()
            .map(|a_loop| a_loop.name.as_str())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        (loops(0), loops(1), loops(2)),
        (vec!["item"], vec!["item", "tag"], vec!["item"])
    );
    let id = plan.ids[1].source.value().expect("of the document");
    assert_eq!(paths(&plan, id), [(Origin::Loop(0), ".id".to_owned())]);
    assert_eq!(
        paths(&plan, value(&plan, "name", "name")),
        [(Origin::Loop(0), ".name".to_owned())]
    );
    assert_eq!(
        paths(&plan, value(&plan, "tags", "tag")),
        [(Origin::Loop(1), String::new())]
    );
    assert_eq!(column_source(&plan, "tags", "at"), &ColumnSource::Index { of: 1 });
}

#[test]
fn a_list_of_paths_for_a_loop() {
    let plan = features("  a: {for: {o: [$.a, '$.b[*]'], p: [o, o.x]}, columns: {x: p}}");
    let written: Vec<_> = plan.features[0]
        .loops
        .iter()
        .map(|a_loop| a_loop.paths.iter().map(|path| written(&plan, path)).collect::<Vec<_>>())
        .collect();
    assert_eq!(
        written,
        [
            vec![".a".to_owned(), ".b[*]".to_owned()],
            vec![String::new(), ".x".to_owned()]
        ]
    );
}

#[test]
fn a_path_that_is_not_singular_has_a_take() {
    let join = |separator: &str| {
        Some(Take::Join {
            separator: separator.to_owned(),
        })
    };
    let cases = [
        ("path: $.a", None),
        ("path: '$.a[-1]'", None),
        ("path: '$.a[*]'", Some(Take::List)),
        ("path: '$.a[0:1]'", Some(Take::List)),
        ("path: \"$['a','b']\"", Some(Take::List)),
        ("path: '$.a[?@.b]'", Some(Take::List)),
        ("path: [$.a, '$.b[*]']", Some(Take::List)),
        ("path: [$.a, '$.b[*]'], take: first", Some(Take::First)),
        ("path: '$.a[*]', take: list", Some(Take::List)),
        ("path: '$.a[*]', take: last", Some(Take::Last)),
        ("path: '$.a[*]', take: count", Some(Take::Count)),
        ("path: '$.a[*]', take: min", Some(Take::Min)),
        ("path: '$.a[*]', take: max", Some(Take::Max)),
        ("path: '$.a[*]', take: sum", Some(Take::Sum)),
        ("path: '$.a[*]', take: join", join(",")),
        ("path: '$.a[*]', take: join, sep: ' | '", join(" | ")),
        ("path: '$.a[*]', take: join, sep: ''", join("")),
    ];
    for (text, expected) in cases {
        let plan = features(&format!("  a: {{{text}}}"));
        assert_eq!(value(&plan, "a", "a").take, expected, "{text}");
    }
}

#[test]
fn types_and_what_goes_with_them() {
    let timestamp = |unit| ColumnType::Scalar(Scalar::Timestamp { unit });
    let cases = [
        ("", None),
        ("type: int64", scalar(Scalar::Int64)),
        ("type: float64", scalar(Scalar::Float64)),
        ("type: bool", scalar(Scalar::Bool)),
        ("type: string", scalar(Scalar::String)),
        ("type: datetime", scalar(Scalar::Datetime)),
        ("type: date", scalar(Scalar::Date)),
        ("type: json", scalar(Scalar::Json)),
        ("type: timestamp", Some(timestamp(None))),
        ("type: timestamp, unit: s", Some(timestamp(Some(TimeUnit::Second)))),
        (
            "type: timestamp, unit: ms",
            Some(timestamp(Some(TimeUnit::Millisecond))),
        ),
        (
            "unit: us, type: timestamp",
            Some(timestamp(Some(TimeUnit::Microsecond))),
        ),
        ("type: list<string>", Some(ColumnType::List(Scalar::String))),
        (
            "type: list<timestamp>, unit: s",
            Some(ColumnType::List(Scalar::Timestamp {
                unit: Some(TimeUnit::Second),
            })),
        ),
    ];
    for (text, expected) in cases {
        let plan = features(&format!("  a: {{path: $.a, {text}}}"));
        assert_eq!(value(&plan, "a", "a").ty, expected, "{text}");
    }
    let plan = features("  a: {path: '$.a[*]', take: count}\n  b: {path: '$.b[*]', take: join}");
    assert_eq!(value(&plan, "a", "a").ty, scalar(Scalar::Int64));
    assert_eq!(value(&plan, "b", "b").ty, scalar(Scalar::String));
}

#[test]
fn casts_and_mismatches() {
    let cases = [
        ("", (false, Mismatch::Rescue)),
        ("cast: true", (true, Mismatch::Rescue)),
        ("cast: false, mismatch: rescue", (false, Mismatch::Rescue)),
        ("mismatch: ignore", (false, Mismatch::Ignore)),
    ];
    for (text, expected) in cases {
        let plan = features(&format!("  a: {{path: $.a, {text}}}"));
        let value = value(&plan, "a", "a");
        assert_eq!((value.cast, value.mismatch), expected, "{text}");
    }
}

#[test]
fn positions_and_keys_may_name_their_type() {
    let plan = features("  a: {for: {o: $.o}, columns: {i: {index: o, type: int64}, k: {key: o, type: string}}}");
    assert_eq!(column_source(&plan, "a", "i"), &ColumnSource::Index { of: 0 });
    assert_eq!(column_source(&plan, "a", "k"), &ColumnSource::Key { of: 0 });
}

#[test]
fn keys_are_texts_whatever_they_look_like() {
    let plan = features("  1: $.a\n  true: {columns: {2.5: $.b, no: $.c}}");
    let names: Vec<_> = plan.features.iter().map(|feature| feature.name.as_str()).collect();
    let columns: Vec<_> = plan.features[1]
        .columns
        .iter()
        .map(|column| column.name.as_str())
        .collect();
    assert_eq!((names, columns), (vec!["1", "true"], vec!["2.5", "no"]));
}

#[test]
fn paths_may_be_written_over_several_lines() {
    let plan = features(
        "  a:\n    path: >\n      $.data\n      .id\n  b:\n    columns: {x: $.x}\n    where: |\n      @.x == 1\n      && @.y\n",
    );
    assert_eq!(
        paths(&plan, value(&plan, "a", "a")),
        [(Origin::Document, ".data.id".to_owned())]
    );
    assert!(matches!(&plan.features[1].filter, Some(Filter::And(parts)) if parts.len() == 2));
}

#[test]
fn byte_order_marks_and_other_line_ends_do_not_matter() {
    let text = "id: d\nfeatures:\n  a: $.a\n";
    assert_eq!(plan(&format!("\u{feff}{text}")), plan(text));
    assert_eq!(plan(&text.replace('\n', "\r\n")), plan(text));
    let error = crate::parse("m", "\u{feff}id: d\r\nfeatures: {a: $..a}\r\n").expect_err("`..`");
    assert_eq!((error.errors()[0].line, error.errors()[0].column), (2, 16));
    let error = crate::parse("m", "\u{feff}idd: d\nfeatures: {a: $.a}\n").expect_err("unknown");
    assert_eq!((error.errors()[0].line, error.errors()[0].column), (1, 1));
}

#[test]
fn the_older_list_form() {
    let old = plan("features: [{name: search_route, path: routeData/searchRoute, dtype: str}]\n");
    assert_eq!(
        old.ids,
        [IdColumn {
            name: "ranker_id".to_owned(),
            source: IdSource::BaseName
        }]
    );
    let route = value(&old, "search_route", "search_route");
    assert_eq!(
        paths(&old, route),
        [(Origin::Document, ".routeData.searchRoute".to_owned())]
    );
    assert_eq!(
        (&route.take, route.ty, route.cast),
        (&None, scalar(Scalar::String), true)
    );

    let cases = [
        ("a", "str", ".a", Scalar::String),
        ("a/b c/$values", "int", ".a['b c']['$values']", Scalar::Int64),
        ("a/*/b", "float", ".a[*].b", Scalar::Float64),
        ("legs/0/id", "bool", ".legs['0', 0].id", Scalar::Bool),
        ("a/10", "str", ".a['10', 10]", Scalar::String),
        ("a/01/-1/1.5", "str", ".a['01']['-1']['1.5']", Scalar::String),
        (
            "9007199254740991",
            "str",
            "['9007199254740991', 9007199254740991]",
            Scalar::String,
        ),
        ("9007199254740992", "str", "['9007199254740992']", Scalar::String),
    ];
    for (path, dtype, expected, ty) in cases {
        let old = plan(&format!(
            "features:\n  - name: x\n    path: '{path}'\n    dtype: {dtype}\n"
        ));
        let x = value(&old, "x", "x");
        assert_eq!(paths(&old, x), [(Origin::Document, expected.to_owned())], "{path}");
        let joined = !x.paths[0].path.is_singular();
        assert_eq!(
            x.take,
            joined.then(|| Take::Join {
                separator: ",".to_owned()
            }),
            "{path}"
        );
        assert_eq!((x.ty, x.cast), (scalar(ty), true), "{path}");
    }
}

#[test]
fn the_older_form_may_have_ids_and_is_written_in_the_new_form() {
    let old = plan(
        "version: 1\nid: {column: at, path: $.at, type: date}\nprovenance: true\nfeatures:\n  - {name: legs, path: legs/0/*, dtype: int}\n  - {name: plain, path: a/b, dtype: str}\n",
    );
    assert_eq!(old.ids[0].name, "at");
    assert!(old.provenance);
    let expected = "\
# The feature map of this dataset, with the type of every column filled in.
# Use it with --feature-map to get the same schema from any archive.
version: 1
id: {column: at, path: '$.at', type: date}
provenance: true
features:
  legs:
    columns:
      legs: {path: \"$.legs['0', 0][*]\", take: join, type: int64, cast: true}
  plain:
    columns:
      plain: {path: '$.a.b', type: string, cast: true}
";
    assert_eq!(old.to_yaml(), expected);
    let new = plan(expected);
    assert_eq!((new.names, new.trie), (old.names, old.trie));
}

//! What an invalid map is told: the place, the offending text, what is wrong and what would be right.
//!
//! Tables have a case a line, however long, and so are left alone by rustfmt.

/// A whole map of version 1 around the features, which start in line 3.
fn in_features(features: &str) -> String {
    format!("id: doc\nfeatures:\n{features}\n")
}

/// The one error of a map: its place, its text, its message and its help.
fn error(map: &str) -> (usize, usize, String, String, String) {
    let errors = match crate::parse("map.yaml", map) {
        Ok(plan) => panic!("{map}\nis valid: {plan:?}"),
        Err(errors) => errors,
    };
    match errors.errors() {
        [error] => (
            error.line,
            error.column,
            error.text.clone(),
            error.message.clone(),
            error.help.clone(),
        ),
        _ => panic!("{map}\nhas several errors:\n{errors}"),
    }
}

/// The map, the line and column and text of its one error, and the beginnings of its message and its help.
type Case<'c> = (&'c str, (usize, usize), &'c str, &'c str, &'c str);

fn check(cases: &[Case<'_>], around: fn(&str) -> String) {
    for (map, (line, column), text, message, help) in cases {
        let map = around(map);
        let found = error(&map);
        let found = (found.0, found.1, found.2.as_str(), found.3.as_str(), found.4.as_str());
        assert_eq!(found, (*line, *column, *text, *message, *help), "{map}");
    }
}

#[test]
fn a_message_reads_like_a_compilers() {
    let map = "version: 1\nid: doc\nfeatures:\n  é: {pth: $.a}\n\tx: 1\n";
    let errors = crate::parse("maps/my.yaml", map).expect_err("a tab");
    assert_eq!(errors.errors().len(), 1);

    let map = "version: 1\nid: doc\nfeatures:\n  été: {path: $.a, tipe: int64}\n  b: '$.x[?@.a == $.b]'\n";
    let errors = crate::parse("maps/my.yaml", map).expect_err("two errors");
    let expected = "\
error: a feature has no key `tipe`
 --> maps/my.yaml:4:20
  |
4 |   été: {path: $.a, tipe: int64}
  |                    ^^^^
  = help: did you mean `type`?

error: a comparison of two paths is not supported
 --> maps/my.yaml:5:12
  |
5 |   b: '$.x[?@.a == $.b]'
  |            ^^^^^^^^^^
  = help: compare each with a literal, or extract both as columns and compare them later
2 errors in the feature map maps/my.yaml";
    assert_eq!(errors.to_string(), expected);
}

#[test]
fn carets_stay_under_their_text_behind_tabs() {
    let errors = crate::parse("m", "id: doc\nfeatures: {a:\t\t$..x}\n").expect_err("`..`");
    let text = errors.to_string();
    assert!(
        text.contains("2 | features: {a:\t\t$..x}\n  |              \t\t ^^\n"),
        "{text}"
    );
}

#[test]
#[rustfmt::skip]
fn the_map_itself() {
    let cases: &[Case<'_>] = &[
        ("", (1, 1), "", "the feature map is empty", "write at least `version: 1`, `id: NAME` and `features:` with one feature"),
        ("# nothing\n", (1, 1), "", "the feature map is empty", "write at least `version: 1`, `id: NAME` and `features:` with one feature"),
        ("just text", (1, 1), "just text", "the feature map must be a mapping (`key: value`), and this is a text", "its keys are `version`, `id`, `provenance`, `for`, `features`"),
        ("[1]", (1, 1), "[1]", "the feature map must be a mapping (`key: value`), and this is a list", "its keys are `version`, `id`, `provenance`, `for`, `features`"),
        ("id: doc\n", (1, 1), "", "the feature map has no `features`", "write `features:` with at least one `NAME: PATH`"),
        ("features: {a: $.a}\n", (1, 1), "", "the feature map has no `id`, so nothing would say which document a row comes from", "write `id: doc_id` to name each document by its file's base name"),
        ("id: doc\nfeatures: {}\n", (2, 11), "{}", "the feature map has no features", "write at least one `NAME: PATH` under `features`"),
        ("id: doc\nfeatures: []\n", (2, 11), "[]", "the feature map has no features", "write at least one `NAME: PATH` under `features`"),
        ("id: doc\nfeatures:\n", (2, 1), "features", "`features` is empty", "write `NAME: PATH` for each feature"),
        ("id: doc\nfeatures: $.a\n", (2, 11), "$.a", "`features` must be a mapping (`key: value`), and this is a text", "write `NAME: PATH` for each feature"),
        ("version: 2\nid: doc\nfeatures: {a: $.a}", (1, 10), "2", "the version of a feature map is the number 1, and this is 2", "write `version: 1`"),
        ("version: '1'\nid: doc\nfeatures: {a: $.a}", (1, 10), "'1'", "the version of a feature map is the number 1, and this is a text", "write `version: 1`"),
        ("version:\nid: doc\nfeatures: {a: $.a}", (1, 1), "version", "the version of a feature map is the number 1, and this is nothing (null)", "write `version: 1`"),
        ("version: [1]\nid: doc\nfeatures: {a: $.a}", (1, 10), "[1]", "the version of a feature map is the number 1, and this is a list", "write `version: 1`"),
        ("id: doc\nfeatrues: {a: $.a}", (2, 1), "featrues", "the feature map has no key `featrues`", "did you mean `features`?"),
        ("id: doc\nzzz: 1\nfeatures: {a: $.a}", (2, 1), "zzz", "the feature map has no key `zzz`", "its keys are `version`, `id`, `provenance`, `for`, `features`"),
        ("id: doc\nprovenance: yes\nfeatures: {a: $.a}", (2, 13), "yes", "`provenance` must be true or false, and this is a text", "write `true` or `false`"),
        ("id: doc\nid: doc\nfeatures: {a: $.a}", (2, 1), "id", "the key `id` is repeated in this mapping", "it is already on line 1: keep one of them"),
        ("id: doc\nfeatures: {a: $.a, a: $.b}", (2, 20), "a", "the key `a` is repeated in this mapping", "it is already on line 2: keep one of them"),
        ("id: doc\nfeatures: {a: {path: $.a, path: $.b}}", (2, 27), "path", "the key `path` is repeated in this mapping", "it is already on line 2: keep one of them"),
        ("id: doc\nfeatures: {~: $.a, b: $.b}", (2, 12), "~", "a key must be a text, and this one is nothing (null)", "write a name before the `:`, in quotes if need be"),
        ("id: doc\nfeatures: {a: $.a}\n---\nx: 1\n", (3, 1), "---", "a feature map is one YAML document, and here a second one begins", "leave out this `---` and what follows, or put it into a file of its own"),
        ("id: doc\nfeatures: {a: !!str $.a}\n", (2, 15), "!!str $.a", "YAML tags (`!…`) have no meaning in a feature map", "leave the tag out; a text that looks like something else goes in quotes"),
    ];
    check(cases, str::to_owned);
}

#[test]
#[rustfmt::skip]
fn yaml_takes_parts_of_paths_for_its_own() {
    let quotes = |path: &str| format!("put the path in quotes: {path}");
    let cases: &[(&str, (usize, usize), &str, String)] = &[
        ("  a: {path: $.a[*].b, take: first}", (3, 16), "[", quotes("'$.a[*].b'")),
        ("  a: {path: $.a[0].b, take: first}", (3, 16), "[", quotes("'$.a[0].b'")),
        ("  a: {for: {o: $.data['$values'][*]}, columns: {x: o.x}}", (3, 22), "[", quotes("\"$.data['$values'][*]\"")),
        ("  a: {for: {o: $.o}, columns: {x: o[1]}}", (3, 36), "[", quotes("'o[1]'")),
        ("  a: {path: [$.a, $.b[0]]}", (3, 22), "[", quotes("'$.b[0]'")),
        ("  a: {path: $.a{x}}", (3, 16), "{", quotes("'$.a{x}'")),
        ("  a: {where: @.x == 1, columns: {b: $.b}}", (3, 14), "@", quotes("'@.x == 1'")),
        ("  a:\n    where: @.x == 1", (4, 12), "@", quotes("'@.x == 1'")),
        ("  a: $.a[?@.b == 'a: b']", (3, 20), ":", quotes("\"$.a[?@.b == 'a: b']\"")),
        ("  a: $.a: b", (3, 9), ":", quotes("'$.a: b'")),
    ];
    for (features, (line, column), found, help) in cases {
        let map = in_features(features);
        let error = error(&map);
        let message = format!("YAML takes `{found}` for its own here, because the path is not quoted");
        assert_eq!((error.0, error.1, error.2.as_str()), (*line, *column, *found), "{map}");
        assert_eq!((error.3, &error.4), (message, help), "{map}");
    }
}

#[test]
fn other_yaml_errors() {
    let elsewhere = "check the indentation, the brackets and the quotes here and on the line before";
    let cases: &[(&str, (usize, usize), &str)] = &[
        ("  a: 'unclosed\n  b: $.b", (3, 6), elsewhere),
        ("  a: `b`", (3, 6), "put the text in quotes"),
        ("  a: *b", (3, 6), "put the text in quotes"),
        ("  a: {path: $.a", (3, 16), elsewhere),
    ];
    for (features, place, help) in cases {
        let error = error(&in_features(features));
        assert_eq!(
            ((error.0, error.1), error.4.as_str()),
            (*place, *help),
            "{features}\n{}",
            error.3
        );
        assert!(error.3.starts_with("this is not valid YAML: "), "{features}");
    }
}

#[test]
#[rustfmt::skip]
fn features() {
    let cases: &[Case<'_>] = &[
        ("  a:", (3, 3), "a", "a feature is empty", "a path is a text like `$.data.id`"),
        ("  a: 3", (3, 6), "3", "a feature must be a text, and this is a number", "a path is a text like `$.data.id`; put it in quotes if it is meant as a text"),
        ("  a: [$.a]", (3, 6), "[$.a]", "a feature must be a text, and this is a list", "a path is a text like `$.data.id`"),
        ("  a: {}", (3, 3), "a", "a `path` is missing here", "write `path:` with where the value is, for example `$.data.id`"),
        ("  a: {type: int64}", (3, 3), "a", "a `path` is missing here", "write `path:` with where the value is, for example `$.data.id`"),
        ("  a: {for: {o: $.o}}", (3, 3), "a", "the feature `a` has no `columns`", "write `columns:` with at least one `NAME: PATH`"),
        ("  a: {colunms: {b: $.b}, path: $.a}", (3, 7), "colunms", "a feature has no key `colunms`", "did you mean `columns`?"),
        ("  a: {columns: {}}", (3, 16), "{}", "`columns` is empty", "write at least one `NAME: PATH`"),
        ("  a: {columns: [b]}", (3, 16), "[b]", "`columns` must be a mapping (`key: value`), and this is a list", "write `NAME: PATH` for each column"),
        ("  a: {columns: {b: $.b}, path: $.a}", (3, 26), "path", "`path` is for a feature of one value, and this one has `columns`", "write each value under `columns`, as `NAME: {path: …}`"),
        ("  a: {columns: {b: $.b}, keep_empty: 1}", (3, 38), "1", "`keep_empty` must be true or false, and this is a number", "write `true` or `false`"),
        ("  a: {columns: {b: $.b}, where: }", (3, 26), "where", "`where` is empty", "a condition is a text like '@.currency == \"EUR\"'"),
        ("  a: {columns: {b: $.b}, where: true}", (3, 33), "true", "`where` must be a text, and this is true or false", "a condition is a text like '@.currency == \"EUR\"'; put it in quotes if it is meant as a text"),
        ("  a: {columns: {b: $.b}, where: '@.x = 1'}", (3, 38), "=", "`=` is no comparison", "write `==`"),
        ("  '': {columns: {x: $.a}}", (3, 3), "''", "a feature's name is empty", "give it a name"),
        ("  b: {columns: {x: $.a}}\n  B: {columns: {x: $.a}}", (4, 3), "B", "two features are named `b` and `B`: engines take names that differ only in case for the same", "rename one of them"),
        ("  É: {columns: {x: $.a}}\n  é: {columns: {x: $.a}}", (4, 3), "é", "two features are named `É` and `é`: engines take names that differ only in case for the same", "rename one of them"),
    ];
    check(cases, in_features);
}

#[test]
#[rustfmt::skip]
fn loops() {
    let in_for = |text: &str| in_features(&format!("  a:\n    columns: {{x: $.x}}\n    for: {text}"));
    let cross = "this loop starts at `$`, not at the loop before it: that would pair every element with every other (a cross product)";
    let names = "use letters (a-z, A-Z), digits and `_`, and begin with no digit";
    let cases: &[Case<'_>] = &[
        ("", (5, 5), "for", "`for` is empty", "write `for: {item: '$.items[*]'}`: a name for each loop, and where its elements are"),
        ("{}", (5, 10), "{}", "`for` has no loops", "write at least one `NAME: PATH`, or leave `for` out"),
        ("$.o", (5, 10), "$.o", "`for` must be a mapping (`key: value`), and this is a text", "write `for: {item: '$.items[*]'}`: a name for each loop, and where its elements are"),
        ("{o: }", (5, 11), "o", "the loop `o` is empty", "a path is a text like `$.data.id`"),
        ("{o: []}", (5, 14), "[]", "this list of paths is empty", "write at least one path"),
        ("{1o: $.o}", (5, 11), "1o", "`1o` cannot name a loop", names),
        ("{a b: $.o}", (5, 11), "a b", "`a b` cannot name a loop", names),
        ("{é: $.o}", (5, 11), "é", "`é` cannot name a loop", names),
        ("{'': $.o}", (5, 11), "''", "`` cannot name a loop", names),
        ("{o: $.o, p: $.p}", (5, 22), "$", cross, "start it at `o`, or write two features"),
        ("{o: $.o, p: o.p, q: o.q}", (5, 30), "o", &cross.replace('$', "o"), "start it at `p`, or write two features"),
        ("{o: $.o, p: [o.p, '$.p']}", (5, 29), "$", cross, "start it at `o`, or write two features"),
        ("{option: $.o, p: optoin.p}", (5, 27), "optoin", "no loop before this one is named `optoin`", "start it at the loop before it, `option`"),
        ("{o: x.o}", (5, 14), "x", "no loop here is named `x`", "write `$.x.o` for a value of the document, or bind `x` in `for`"),
        ("{o: '@.o'}", (5, 15), "@", "`@` is the element under test, which only a filter has", "start at the document (`$`) or at a loop, by its name"),
    ];
    check(cases, in_for);
    let twice = "id: doc\nfor: {o: $.o}\nfeatures:\n  a: {for: {o: o.p}, columns: {x: o.x}}\n";
    let found = error(twice);
    assert_eq!(
        (found.0, found.1, found.3.as_str()),
        (4, 13, "the loop name `o` is bound twice")
    );
}

#[test]
#[rustfmt::skip]
fn columns() {
    let in_columns = |text: &str| in_features(&format!("  a:\n    for: {{option: $.o}}\n    columns:\n      {text}"));
    let cases: &[Case<'_>] = &[
        ("x:", (6, 7), "x", "a column is empty", "a path is a text like `$.data.id`"),
        ("x: [$.a, $.b]", (6, 10), "[$.a, $.b]", "a column must be a path or a mapping, and this is a list", "write `{path: […]}` for the first of several paths"),
        ("x: true", (6, 10), "true", "a column must be a text, and this is true or false", "a path is a text like `$.data.id`; put it in quotes if it is meant as a text"),
        ("x: optoin.id", (6, 10), "optoin", "no loop here is named `optoin`", "did you mean `option`?"),
        ("x: routeData/searchRoute", (6, 19), "/searchRoute", "`/` does not separate names in a path", "write `$.routeData.searchRoute`"),
        ("x: $/a/$b/0/*/é", (6, 11), "/a/$b/0/*/é", "`/` does not separate names in a path", "write `$.a['$b'][0][*].é`"),
        ("x: {index: optoin}", (6, 18), "optoin", "no loop here is named `optoin`", "did you mean `option`?"),
        ("x: {key: zzzzzz}", (6, 16), "zzzzzz", "no loop here is named `zzzzzz`", "the loops here are `option`"),
        ("x: {index: option, path: $.a}", (6, 26), "path", "`path` cannot stand beside `index`", "leave it out: `{index: NAME}` is all of such a column"),
        ("x: {key: option, index: option}", (6, 24), "index", "`index` cannot stand beside `key`", "leave it out: `{key: NAME}` is all of such a column"),
        ("x: {index: option, type: string}", (6, 32), "string", "a column with `index` is of type int64, never string", "write `type: int64`, or leave it out"),
        ("x: {key: option, type: list<string>}", (6, 30), "list<string>", "a column with `key` is of type string, never list<string>", "write `type: string`, or leave it out"),
        ("x: {pth: $.a, type: int64}", (6, 11), "pth", "a column has no key `pth`", "did you mean `path`?"),
        ("x: {path: []}", (6, 17), "[]", "this list of paths is empty", "write at least one path"),
        ("x: {path: [$.a, 3]}", (6, 23), "3", "a path must be a text, and this is a number", "a path is a text like `$.data.id`; put it in quotes if it is meant as a text"),
        ("x: {path: $.a, type: int}", (6, 28), "int", "there is no type `int`", "write `int64`"),
        ("x: {path: $.a, type: list<str>}", (6, 28), "list<str>", "there is no type `list<str>`", "write `list<string>`"),
        ("x: {path: $.a, type: list}", (6, 28), "list", "there is no type `list`", "say of what: `list<string>`, `list<int64>`, …"),
        ("x: {path: $.a, type: 'list<list<json>>'}", (6, 28), "'list<list<json>>'", "there is no type `list<list<json>>`", "there are no lists of lists: write `json` for their exact text"),
        ("x: {path: $.a, type: timestmp}", (6, 28), "timestmp", "there is no type `timestmp`", "did you mean `timestamp`?; each of them also as `list<T>`"),
        ("x: {path: $.a, type: 3}", (6, 28), "3", "`type` must be a text, and this is a number", "write a type, for example `int64`; put it in quotes if it is meant as a text"),
        ("x: {path: $.a, take: first}", (6, 22), "take", "`take` reduces several matches to one, and `$.a` has one match at most", "leave `take` out: a path of only names and positions gives its value as it is"),
        ("x: {path: '$.a[*]', take: frist}", (6, 33), "frist", "`take` has no value `frist`", "did you mean `first`?"),
        ("x: {path: '$.a[*]', take: jion, sep: '-'}", (6, 33), "jion", "`take` has no value `jion`", "did you mean `join`?"),
        ("x: {path: '$.a[*]', take: ~}", (6, 33), "~", "`take` is empty", "the values of `take` are `list`, `first`, `last`, `count`, `min`, `max`, `sum`, `join`"),
        ("x: {path: '$.a[*]', sep: '-'}", (6, 27), "sep", "`sep` is what stands between joined texts, and nothing is joined here", "leave `sep` out, or write `take: join`"),
        ("x: {path: '$.a[*]', take: join, sep: 1}", (6, 44), "1", "`sep` must be a text, and this is a number", "write the separator in quotes, for example `\", \"`; put it in quotes if it is meant as a text"),
        ("x: {path: $.a, unit: ms}", (6, 22), "unit", "`unit` says how a number is a timestamp, and no type is written here", "write `type: timestamp` too"),
        ("x: {path: $.a, type: int64, unit: ms}", (6, 35), "unit", "`unit` says how a number is a timestamp, and the type here is int64", "leave `unit` out, or write `type: timestamp`"),
        ("x: {path: $.a, type: datetime, unit: ms}", (6, 38), "unit", "`unit` says how a number is a timestamp, and the type here is datetime", "leave `unit` out, or write `type: timestamp`"),
        ("x: {path: $.a, type: timestamp, unit: ns}", (6, 45), "ns", "`unit` has no value `ns`", "did you mean `s`?"),
        ("x: {path: $.a, mismatch: drop}", (6, 32), "drop", "`mismatch` has no value `drop`", "the values of `mismatch` are `rescue`, `ignore`"),
        ("x: {path: $.a, cast: 1}", (6, 28), "1", "`cast` must be true or false, and this is a number", "write `true` or `false`"),
        ("x: $.x\n      X: $.y", (7, 7), "X", "two columns are named `x` and `X`: engines take names that differ only in case for the same", "rename one of them"),
        ("DOC: $.x", (6, 7), "DOC", "a column cannot be named `DOC`: an id column is named `doc` already", "give it another name"),
        ("Feature: $.x", (6, 7), "Feature", "a column cannot be named `Feature`: engines read a column `feature` from the directories `feature=NAME`", "give it another name"),
        ("'': $.x", (6, 7), "''", "a column's name is empty", "give it a name"),
    ];
    check(cases, in_columns);
}

#[test]
#[rustfmt::skip]
fn types_that_never_fit() {
    let in_column = |text: &str| in_features(&format!("  a: {{path: '$.a[*]', {text}}}"));
    let list = "a path that may match several values gives a list, which never fits the type";
    let order = "`take: min` and `max` compare numbers, texts or times, which never fits the type";
    let cases: &[(&str, String, &str)] = &[
        ("type: int64", format!("{list} int64"), "write `type: list<int64>`, or choose one match with `take: first`"),
        ("type: json", format!("{list} json"), "write `type: list<json>`, or choose one match with `take: first`"),
        ("type: string, cast: true", format!("{list} string"), "write `type: list<string>`, or choose one match with `take: first`"),
        ("take: list, type: date", format!("{list} date"), "write `type: list<date>`, or choose one match with `take: first`"),
        ("take: count, type: string", "`take: count` gives a number, which never fits the type string".into(), "write `type: int64`"),
        ("take: count, type: list<int64>", "`take: count` gives a number, which never fits the type list<int64>".into(), "write `type: int64`"),
        ("take: sum, type: bool", "`take: sum` gives a number, which never fits the type bool".into(), "write `type: int64` or `type: float64`"),
        ("take: sum, type: string, cast: true", "`take: sum` gives a number, which never fits the type string".into(), "write `type: int64` or `type: float64`"),
        ("take: sum, type: list<int64>", "`take: sum` gives one number, which never fits the type list<int64>".into(), "write `type: int64` or `type: float64`"),
        ("take: min, type: bool", format!("{order} bool"), "write a type with an order, or `take: first`"),
        ("take: max, type: json", format!("{order} json"), "write a type with an order, or `take: first`"),
        ("take: min, type: list<date>", "this `take` gives one value, which never fits the type list<date>".into(), "write `type: date`"),
        ("take: join, type: int64", "`take: join` gives a text, which never fits the type int64".into(), "write `type: string`, or add `cast: true`"),
        ("take: join, type: bool", "`take: join` gives a text, which never fits the type bool".into(), "write `type: string`, or add `cast: true`"),
        ("take: join, type: timestamp, unit: s", "`take: join` gives a text, which never fits the type timestamp".into(), "write `type: string`, or add `cast: true`"),
        ("take: join, type: list<string>", "`take: join` gives one text, which never fits the type list<string>".into(), "write `type: string`"),
        ("take: join, type: json", "`take: join` gives a text that stands nowhere in the document, which never fits the type json".into(), "write `type: string`"),
    ];
    for (text, message, help) in cases {
        let found = error(&in_column(text));
        assert_eq!((&found.3, found.4.as_str()), (message, *help), "{text}");
    }
    let allowed = [
        "take: list, type: list<json>",
        "type: list<timestamp>, unit: ms",
        "take: first, type: list<int64>",
        "take: last, type: json",
        "take: count, type: int64",
        "take: sum, type: float64",
        "take: min, type: string",
        "take: max, type: timestamp",
        "take: min, type: timestamp, unit: us",
        "take: join, type: string",
        "take: join, type: int64, cast: true",
        "take: join, type: date",
    ];
    for text in allowed {
        super::plan(&in_column(text));
    }
}

#[test]
#[rustfmt::skip]
fn ids() {
    let with_id = |text: &str| format!("{text}\nfeatures: {{a: $.a}}\n");
    let forms =
        "write a column's name, `{column: NAME, pattern: REGEX}`, `{column: NAME, path: PATH}`, or a list of these";
    let regex = "write a regular expression with a group, for example '([^/]+)\\.json$'";
    let cases: &[Case<'_>] = &[
        ("id:", (1, 1), "id", "`id` is empty", forms),
        ("id: 3", (1, 5), "3", "`id` must be a text, and this is a number", &format!("{forms}; put it in quotes if it is meant as a text")),
        ("id: []", (1, 5), "[]", "`id` is an empty list", forms),
        ("id: {column: x}", (1, 6), "column", "this id has neither `pattern` nor `path`", forms),
        ("id: {pattern: '(x)'}", (1, 6), "pattern", "this id has no `column`", "write `column: NAME` with the column's name"),
        ("id: {column: x, patern: '(x)', path: $.x}", (1, 17), "patern", "`id` has no key `patern`", "did you mean `pattern`?"),
        ("id: {column: x, pattern: x}", (1, 26), "x", "the pattern has no group, so nothing says which part of the name is the id", regex),
        ("id: {column: x, pattern: '(?:x)'}", (1, 26), "'(?:x)'", "the pattern has no group, so nothing says which part of the name is the id", regex),
        ("id: {column: x, pattern: '(x'}", (1, 26), "'(x'", "this is no regular expression: unclosed group", regex),
        ("id: {column: x, pattern: '(x)', path: $.x}", (1, 33), "path", "an id is either from the member's name (`pattern`) or from the document (`path`)", "leave one of them out, or write a list of two ids"),
        ("id: {column: x, pattern: '(x)', type: int64}", (1, 33), "type", "`type` is for an id with a `path`: one from the member's name is a string", "leave it out"),
        ("id: {column: x, path: '$.x[*]'}", (1, 23), "'$.x[*]'", "an id is one value, and this path may match several", "use only names and positions"),
        ("id: {column: x, path: $.x, type: list<int64>}", (1, 34), "list<int64>", "an id is one value, and list<int64> is a list", "write the type of one value"),
        ("id: {column: x, path: item.x}", (1, 23), "item", "no loop here is named `item`", "write `$.item.x` for a value of the document, or bind `item` in `for`"),
        ("id: feature", (1, 5), "feature", "a column cannot be named `feature`: engines read a column `feature` from the directories `feature=NAME`", "give it another name"),
        ("id: [x, X]", (1, 9), "X", "a column cannot be named `X`: an id column is named `x` already", "give it another name"),
        ("provenance: true\nid: _Line", (2, 5), "_Line", "a column cannot be named `_Line`: `provenance: true` adds a column `_line`", "give it another name"),
        ("provenance: true\nid: {column: _archive, path: $.x}", (2, 14), "_archive", "a column cannot be named `_archive`: `provenance: true` adds a column `_archive`", "give it another name"),
        ("id: a", (2, 12), "a", "a column cannot be named `a`: an id column is named `a` already", "give it another name"),
    ];
    check(cases, with_id);
    let found = error("id: d\nprovenance: true\nfeatures: {a: {columns: {_MEMBER: $.a}}}");
    assert_eq!(found.3, "a column cannot be named `_MEMBER`: `provenance: true` adds a column `_member`");
    // Names that are only taken with `provenance: true`, and loops' names, which are no columns.
    super::plan("id: _member\nfeatures: {_line: $.a}\n");
    super::plan("id: x\nprovenance: true\nfor: {_line: $.x}\nfeatures: {a: $.a}\n");
}

#[test]
#[rustfmt::skip]
fn the_older_form() {
    let in_list = |item: &str| format!("features:\n  - {item}\n");
    let keys = "a feature in the list form has no key";
    let cases: &[Case<'_>] = &[
        ("{name: a, path: a/b, dtype: str, x: 1}", (2, 38), "x", &format!("{keys} `x`"), "its keys are `name`, `path`, `dtype`"),
        ("{path: a/b, dtype: str}", (2, 6), "path", "this feature has no `name`", "write the table's name"),
        ("{name: a, dtype: str}", (2, 6), "name", "this feature has no `path`", "write a path like `routeData/searchRoute`"),
        ("{name: a, path: a}", (2, 6), "name", "this feature has no `dtype`", "the dtypes are `str`, `int`, `float`, `bool`"),
        ("{name: a, path: a, dtype: strr}", (2, 31), "strr", "`dtype` has no value `strr`", "did you mean `str`?"),
        ("{name: a, path: a, dtype: int64}", (2, 31), "int64", "`dtype` has no value `int64`", "the dtypes are `str`, `int`, `float`, `bool`"),
        ("{name: a, path: a//b, dtype: str}", (2, 23), "/", "a name is missing in this slash path", "write names with one `/` between two, as in `routeData/searchRoute`"),
        ("{name: a, path: /a, dtype: str}", (2, 21), "/", "a name is missing in this slash path", "write names with one `/` between two, as in `routeData/searchRoute`"),
        ("{name: a, path: a/, dtype: str}", (2, 23), "", "a name is missing in this slash path", "write names with one `/` between two, as in `routeData/searchRoute`"),
        ("{name: a, path: a, dtype: str}\n  - {name: a, path: b, dtype: str}", (3, 12), "a", "two features are named `a`", "rename one of them"),
        ("{name: a, path: a, dtype: str}\n  - {name: A, path: b, dtype: str}", (3, 12), "A", "two features are named `a` and `A`: engines take names that differ only in case for the same", "rename one of them"),
        ("{name: ranker_id, path: a, dtype: str}", (2, 12), "ranker_id", "a column cannot be named `ranker_id`: an id column is named `ranker_id` already", "give it another name"),
        ("a/b", (2, 5), "a/b", "a feature in the list form must be a mapping (`key: value`), and this is a text", "its keys are `name`, `path`, `dtype`"),
    ];
    check(cases, in_list);
    let found = error("for: {o: $.o}\nfeatures: [{name: a, path: a, dtype: str}]");
    assert_eq!(
        (found.0, found.1, found.3.as_str()),
        (1, 1, "`for` has no meaning where `features` is a list")
    );
}

#[test]
fn places_inside_of_every_kind_of_scalar() {
    let cases = [
        ("  a: $.b..c", (3, 9)),
        ("  a: '$.b..c'", (3, 10)),
        ("  a: \"$['\\u00e9']..c\"", (3, 18)),
        ("  a: '$[''b'']..c'", (3, 15)),
        ("  a:\n    $.b\n    .c..d", (5, 7)),
        ("  a: >-\n    $.b\n    .c..d", (5, 7)),
        ("  a: |\n    $.b\n    .c..d", (5, 7)),
        ("  a: \"$.b\\\n    .c..d\"", (4, 7)),
    ];
    for (features, place) in cases {
        let map = in_features(features);
        let found = error(&map);
        assert_eq!(((found.0, found.1), found.2.as_str()), (place, ".."), "{map}");
    }
}

#[test]
fn many_errors_are_shown_at_once_in_the_order_of_the_text() {
    let map = "version: 3\nid: {column: x}\nfeatures:\n  a: $..b\n  b: {for: {o: x.y}, columns: {x: $.x, y: oo.y, o: {index: q}}}\n  feature: $.c\n";
    let errors = crate::parse("m", map).expect_err("many");
    let places: Vec<_> = errors.errors().iter().map(|error| (error.line, error.column)).collect();
    assert_eq!(
        places,
        [(1, 10), (2, 6), (4, 7), (5, 16), (5, 43), (5, 60), (6, 3)],
        "{errors}"
    );
    assert!(errors.to_string().ends_with("7 errors in the feature map m"));
}

//! No text makes the reader panic, and every error points into the text.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::MapError;

/// A map that uses nearly everything.
const MAP: &str = r#"version: 1
id: [{column: file, pattern: '([^/]+)\.json$'}, {column: event, path: item.id, type: int64}]
provenance: true
for: {item: "$.items['a b'][*]"}
features:
  plain: $.a.b
  typed: {path: $.t, type: timestamp, unit: ms, cast: true, mismatch: ignore}
  table:
    for:
      inner: ['item.x[:]', "item['it\\'s']"]
    where: '@.n == "é" && !(@.k > 1.5)'
    keep_empty: true
    columns:
      at: {index: inner}
      named: {key: item}
      joined: {path: 'inner.l[*]', take: join, sep: ", "}
      folded: >-
        inner.a
        .b
      "quoted": "inner[\"q\"]"
"#;

fn check(text: &str) -> Result<(), TestCaseError> {
    let Err(errors) = crate::parse("map.yaml", text) else {
        return Ok(());
    };
    prop_assert!(!errors.errors().is_empty());
    errors.errors().iter().try_for_each(|error| check_place(text, error))?;
    prop_assert!(errors.to_string().contains("error: "));
    Ok(())
}

fn check_place(text: &str, error: &MapError) -> Result<(), TestCaseError> {
    let text = text
        .strip_prefix('\u{feff}')
        .unwrap_or(text)
        .replace("\r\n", "\n")
        .replace('\r', "\n");
    let line = text.split('\n').nth(error.line - 1);
    prop_assert_eq!(Some(error.source_line.as_str()), line, "{:?}", error);
    prop_assert!(error.column <= error.source_line.chars().count() + 1, "{:?}", error);
    let rest: String = error.source_line.chars().skip(error.column - 1).collect();
    let shown = error.text.split(['\n', '\r']).next().unwrap_or_default();
    prop_assert!(rest.starts_with(shown), "{:?}", error);
    prop_assert!(!error.message.is_empty() && !error.help.is_empty(), "{:?}", error);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_map_is_read_or_refused(edits in vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0_u8..4), 1..6)) {
        let pieces: Vec<char> = "[]{}:,'\"\\@$*&!?|>-#% \n\t.~é0\r".chars().collect();
        let mut text: Vec<char> = MAP.chars().collect();
        for (place, piece, kind) in edits {
            let at = place.index(text.len());
            let c = pieces[piece.index(pieces.len())];
            match kind {
                0 => text.insert(at, c),
                1 => text[at] = c,
                2 => { text.remove(at); }
                _ => {
                    let other = piece.index(text.len());
                    text.swap(at, other);
                }
            }
        }
        check(&text.into_iter().collect::<String>())?;
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,60}|[ \\-:{}\\[\\]a-c'\"\n\r\t#&*!|>]{0,60}") {
        check(&text)?;
    }
}

#[test]
fn the_undamaged_map_is_valid() {
    super::plan(MAP);
}

#[test]
fn deep_yaml_is_refused() {
    for text in ["[".repeat(100_000), "{a: ".repeat(100_000), "- ".repeat(10_000)] {
        let errors = crate::parse("map.yaml", &text).expect_err("too deep");
        let message = &errors.errors()[0].message;
        assert!(
            message.contains("nests too deeply") || message.contains("recursion limit"),
            "{message}"
        );
    }
}

#[test]
fn aliases_are_read_and_bounded() {
    let plan = super::plan("id: doc\nfeatures:\n  a: {columns: &all {x: $.x, y: $.y}}\n  b: {columns: *all}\n");
    assert_eq!(plan.features[0].columns, plan.features[1].columns);

    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let below = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb += &format!("a{level}: &a{level} [{below}]\n");
    }
    let errors = crate::parse("map.yaml", &bomb).expect_err("a bomb");
    assert!(
        errors.to_string().contains("aliases stand for more than 100000 nodes"),
        "{errors}"
    );
    let errors = crate::parse("map.yaml", "a: &a [*a]").expect_err("a cycle");
    assert!(
        errors.to_string().contains("inside the node that it stands for"),
        "{errors}"
    );
}

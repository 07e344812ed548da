//! The grammar of paths and filters, case by case.

use crate::filter::parse_filter;
use crate::names::Names;
use crate::path::{PathError, Start, parse_path};
use crate::path_text::{filter_text, path_text};
use crate::plan::*;

/// A path in its one spelling, or the offending text with the message.
fn path(text: &str) -> Result<String, String> {
    let mut names = Names::default();
    let (start, path) = parse_path(text, &mut names).map_err(|error| described(text, &error))?;
    let start = match start {
        Start::Document => "$".to_owned(),
        Start::Loop(name) => name,
    };
    Ok(path_text(&start, &path, &names.into_list()))
}

fn filter(text: &str) -> Result<String, String> {
    let mut names = Names::default();
    let filter = parse_filter(text, &mut names).map_err(|error| described(text, &error))?;
    Ok(filter_text(&filter, &names.into_list()))
}

fn described(text: &str, error: &PathError) -> String {
    assert!(!error.help.is_empty(), "{text}");
    format!("`{}`: {}", &text[error.range.clone()], error.message)
}

#[test]
fn accepted_paths() {
    let cases = [
        ("$", "$"),
        ("option", "option"),
        ("_x1.a", "_x1.a"),
        ("$.a.b_1", "$.a.b_1"),
        ("$.é", "$['é']"),
        ("$.日本.x", "$['日本'].x"),
        ("$['a']", "$.a"),
        ("$[\"a b\"]", "$['a b']"),
        ("$['$values'][*]", "$['$values'][*]"),
        ("$['it\\'s']", "$['it\\'s']"),
        ("$[\"it's\"]", "$['it\\'s']"),
        ("$['\\u00e9\\u00E9']", "$['éé']"),
        ("$['\\ud83d\\uDE00']", "$['😀']"),
        ("$['\\b\\f\\n\\r\\t\\/\\\\']", "$['\\u0008\\u000c\\n\\r\\t/\\\\']"),
        ("$['']", "$['']"),
        ("$.*", "$[*]"),
        ("$[*]", "$[*]"),
        ("$[0]", "$[0]"),
        ("$[-1]", "$[-1]"),
        ("$[9007199254740991]", "$[9007199254740991]"),
        ("$[-9007199254740991]", "$[-9007199254740991]"),
        ("$[:]", "$[:]"),
        ("$[::]", "$[:]"),
        ("$[1:]", "$[1:]"),
        ("$[:-1]", "$[:-1]"),
        ("$[1:5:2]", "$[1:5:2]"),
        ("$[ 1 : 5 : 2 ]", "$[1:5:2]"),
        ("$[1: 5 :]", "$[1:5]"),
        ("$[::-1]", "$[::-1]"),
        ("$[::0]", "$[::0]"),
        ("$['a', \"b\" ,0,*,1:2]", "$['a', 'b', 0, *, 1:2]"),
        ("$ .a\t[0]\n\r.b", "$.a[0].b"),
        ("$[ 'a' ]", "$.a"),
        ("$[?@.a]", "$[?@.a]"),
        ("$[? @.a == 1 ].b", "$[?@.a == 1].b"),
        ("$[?@['a'] == 'x', ?@.b]", "$[?@.a == \"x\", ?@.b]"),
        ("$[?@[?@.a > 1]]", "$[?@[?@.a > 1]]"),
    ];
    for (text, expected) in cases {
        assert_eq!(path(text).as_deref(), Ok(expected), "{text}");
        assert_eq!(path(expected).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn refused_paths() {
    let cases = [
        ("", "``: the path is empty"),
        ("@.a", "`@`: `@` is the element under test, which only a filter has"),
        (
            ".a",
            "`.`: a path starts at the document (`$`) or at a loop, by its name",
        ),
        (
            " $.a",
            "` `: a path starts at the document (`$`) or at a loop, by its name",
        ),
        (
            "0",
            "`0`: a path starts at the document (`$`) or at a loop, by its name",
        ),
        ("$.a ", "` `: the path ends in blanks"),
        ("$.a b", "` b`: the path ends before this blank"),
        ("$a", "`a`: `a` cannot follow here: a segment starts with `.` or `[`"),
        (
            "$.a-b",
            "`-b`: `-b` cannot follow here: a segment starts with `.` or `[`",
        ),
        ("$/a/b", "`/a/b`: `/` does not separate names in a path"),
        ("$.", "``: a name is missing after `.`"),
        ("$. a", "` `: a blank cannot stand after `.`"),
        ("$.[0]", "`[`: `[` cannot stand after `.`"),
        ("$.0", "`0`: `0` after `.` is neither a name nor a position"),
        (
            "$.1a",
            "`1a`: `1a` cannot stand after `.`: such a name needs brackets and quotes",
        ),
        (
            "$.data.$values",
            "`$values`: `$values` cannot stand after `.`: such a name needs brackets and quotes",
        ),
        ("$.'a'", "`'`: a name is missing after `.`"),
        (
            "$..a",
            "`..`: `..` (a descendant at any depth) is not supported: such a value has no fixed place",
        ),
        (
            "$..[*]",
            "`..`: `..` (a descendant at any depth) is not supported: such a value has no fixed place",
        ),
        ("$[", "``: the bracket is never closed"),
        ("$['a'", "`['a'`: the bracket is never closed"),
        ("$[]", "`]`: a selector is missing"),
        ("$[0,]", "`]`: a selector is missing"),
        ("$[0 1]", "`1`: `,` or `]` belongs here"),
        ("$[a]", "`a`: `a` is no selector: a name in brackets needs quotes"),
        (
            "$[$values]",
            "`$values`: `$values` is no selector: a name in brackets needs quotes",
        ),
        ("$[@.a]", "`@`: no selector starts like this"),
        ("$[01]", "`01`: a position has no leading zeros"),
        ("$[-0]", "`-0`: `-0` is not a position"),
        ("$[-01]", "`-01`: a position has no leading zeros"),
        ("$[-]", "`-`: `-` without a number"),
        ("$[1.5]", "`.`: `,` or `]` belongs here"),
        (
            "$[9007199254740992]",
            "`9007199254740992`: the number is too large for a position",
        ),
        (
            "$[-9007199254740992]",
            "`-9007199254740992`: the number is too large for a position",
        ),
        (
            "$[99999999999999999999]",
            "`99999999999999999999`: the number is too large for a position",
        ),
        ("$[1:2:3:4]", "`:`: `,` or `]` belongs here"),
        ("$['a]", "`'a]`: the quoted text is never closed"),
        ("$['\\x']", "`\\x`: this is no escape"),
        ("$['\\\"']", "`\\\"`: this is no escape"),
        ("$[\"\\'\"]", "`\\'`: this is no escape"),
        ("$['\\u12']", "`\\u`: `\\u` needs four hexadecimal digits"),
        ("$['\\u12é4']", "`\\u`: `\\u` needs four hexadecimal digits"),
        ("$['\\ud800']", "`\\ud800`: half of a surrogate pair is no character"),
        (
            "$['\\udc00\\ud800']",
            "`\\udc00`: half of a surrogate pair is no character",
        ),
        (
            "$['\\ud800\\u0041']",
            "`\\ud800\\u0041`: half of a surrogate pair is no character",
        ),
        (
            "$['\t']",
            "`\t`: a control character cannot stand in a quoted text as it is",
        ),
        ("$[?]", "`]`: `]` cannot stand here in a condition"),
        ("$[?@.a", "`[?@.a`: the bracket is never closed"),
    ];
    for (text, expected) in cases {
        assert_eq!(path(text).unwrap_err(), expected, "{text}");
    }
}

#[test]
fn accepted_filters() {
    let cases = [
        ("@", "@"),
        ("$", "$"),
        ("$.a[0]", "$.a[0]"),
        ("  @.a  ", "@.a"),
        ("@.a\n", "@.a"),
        ("@.a[*].b", "@.a[*].b"),
        ("!@.a", "!@.a"),
        ("! @.a", "!@.a"),
        ("!(@.a)", "!@.a"),
        ("!(!@.a)", "!(!@.a)"),
        ("((@.a))", "@.a"),
        ("@.a==1", "@.a == 1"),
        ("@ == 'y'", "@ == \"y\""),
        ("1 < @.a", "@.a > 1"),
        ("1 <= @.a", "@.a >= 1"),
        ("1 > @.a", "@.a < 1"),
        ("1>=@.a", "@.a <= 1"),
        ("null != @.a", "@.a != null"),
        ("@.a == -0", "@.a == -0"),
        ("@.a == -1.50E+03", "@.a == -1.50E+03"),
        (
            "@.a == 123456789012345678901234567890",
            "@.a == 123456789012345678901234567890",
        ),
        ("@.a == true && @.b == false", "@.a == true && @.b == false"),
        ("@.a && @.b || @.c && @.d", "(@.a && @.b) || (@.c && @.d)"),
        ("@.a && (@.b || @.c)", "@.a && (@.b || @.c)"),
        ("@.a||@.b||@.c", "@.a || @.b || @.c"),
        ("!(@.a == 1)", "!(@.a == 1)"),
        ("@['a b'][0] == \"\\\"\"", "@['a b'][0] == \"\\\"\""),
    ];
    for (text, expected) in cases {
        assert_eq!(filter(text).as_deref(), Ok(expected), "{text}");
        assert_eq!(filter(expected).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn refused_filters() {
    let no_condition = "cannot stand here in a condition";
    let cases = [
        ("", "``: the condition is empty"),
        ("  ", "``: the condition is empty"),
        ("?@.a", "`?`: `where` is a condition without `?`"),
        (
            "length(@.a) > 1",
            "`length`: the function `length` is not supported: filters have no functions",
        ),
        (
            "@.a == count(@.b)",
            "`count`: the function `count` is not supported: filters have no functions",
        ),
        (
            "!match(@.a, 'x')",
            "`match`: the function `match` is not supported: filters have no functions",
        ),
        ("@.a == @.b", "`@.a == @.b`: a comparison of two paths is not supported"),
        (
            "@.a == $.b && @.c",
            "`@.a == $.b`: a comparison of two paths is not supported",
        ),
        ("1 == 1", "`1 == 1`: a comparison of two literals is always the same"),
        ("true", "`true`: a literal alone is no condition"),
        ("@.a && 'x'", "`'x'`: a literal alone is no condition"),
        ("!true", "`!true`: a literal alone is no condition"),
        (
            "@.a[*] == 1",
            "`@.a[*]`: `@.a[*]` may match several values, so it cannot be compared",
        ),
        (
            "1 == @['a','b']",
            "`@['a','b']`: `@['a','b']` may match several values, so it cannot be compared",
        ),
        ("!@.a == 1", "`!@.a`: `!` cannot stand before one side of a comparison"),
        ("(@.a) == 1", "`(@.a)`: a condition in parentheses cannot be compared"),
        ("@.a = 1", "`=`: `=` is no comparison"),
        (
            "@.a =~ 'x'",
            "`=~`: `=~` is not supported: filters have no regular expressions",
        ),
        ("@.a & @.b", "`&`: a single `&` or `|` is no operator"),
        ("@.a | @.b", "`|`: a single `&` or `|` is no operator"),
        ("@.a and @.b", &format!("`and`: `and` {no_condition}")),
        ("not @.a", "`not`: `not` is neither a path nor a literal"),
        ("@.a == True", "`True`: `True` is neither a path nor a literal"),
        ("@.a == None", "`None`: `None` is neither a path nor a literal"),
        (
            "currency == 'EUR'",
            "`currency`: `currency` is neither a path nor a literal",
        ),
        (
            "option.currency == 'EUR'",
            "`option`: a path in a condition starts at `@` or `$`, not at `option`",
        ),
        ("@.a ==", "``: the condition ends too early"),
        ("@.a &&", "``: the condition ends too early"),
        ("(@.a", "`(@.a`: the parenthesis is never closed"),
        ("@.a)", &format!("`)`: `)` {no_condition}")),
        ("@.a == 01", "`01`: `01` is no number"),
        ("@.a == .5", &format!("`.`: `.` {no_condition}")),
        ("@.a == 1.", "`1.`: `1.` is no number"),
        ("@.a == 1e", "`1e`: `1e` is no number"),
        ("@.a == +1", &format!("`+`: `+` {no_condition}")),
        ("@.a == - 1", "`-`: `-` is no number"),
        ("@.a == 1 == 2", &format!("`=`: `=` {no_condition}")),
        (
            "@..a",
            "`..`: `..` (a descendant at any depth) is not supported: such a value has no fixed place",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(filter(text).unwrap_err(), expected, "{text}");
    }
}

#[test]
fn nesting_is_bounded() {
    let nested = |levels: usize| format!("{}@.a{}", "(".repeat(levels), ")".repeat(levels));
    assert!(filter(&nested(64)).is_ok());
    assert!(filter(&nested(65)).unwrap_err().contains("nest deeper than 64 levels"));
    assert!(filter(&nested(100_000)).is_err());
    assert!(filter(&"!(".repeat(100_000)).is_err());
    assert!(path(&"$[?@".repeat(100_000)).is_err());
}

#[test]
fn singular_paths_have_only_names_and_positions() {
    let cases = [
        ("$", true),
        ("$.a['b'][0][-1]", true),
        ("$.*", false),
        ("$[0:1]", false),
        ("$['a','b']", false),
        ("$[?@.a]", false),
    ];
    for (text, expected) in cases {
        let (_, path) = parse_path(text, &mut Names::default()).expect("valid");
        assert_eq!(path.is_singular(), expected, "{text}");
    }
}

#[test]
fn conditions_have_their_structure() {
    let mut names = Names::default();
    let parsed = parse_filter("@.a && !(2 > $.b) || @", &mut names).expect("valid");
    let at = |root, segments: &[u32], text: &str| FilterPath {
        root,
        path: Path {
            segments: segments
                .iter()
                .map(|name| Segment {
                    selectors: vec![Selector::Name(NameId(*name))],
                })
                .collect(),
            text: text.to_owned(),
        },
    };
    let less = Filter::Compare {
        path: at(FilterRoot::Document, &[1], "$.b"),
        op: CompareOp::Less,
        literal: Literal::Number("2".to_owned()),
    };
    let both = Filter::And(vec![
        Filter::Exists(at(FilterRoot::Current, &[0], "@.a")),
        Filter::Not(Box::new(less)),
    ]);
    assert_eq!(
        parsed,
        Filter::Or(vec![both, Filter::Exists(at(FilterRoot::Current, &[], "@"))])
    );
    assert_eq!(names.into_list(), ["a", "b"]);
}

//! Random documents, made to lie across the ends of words and rows.

use proptest::prelude::*;
use proptest::sample::select;

use crate::reference::MAX_DEPTH;
use crate::structural::lens::ROW;

/// White space: mostly none or little, now and then as much as a word or a row.
fn space() -> impl Strategy<Value = String> {
    prop_oneof![
        20 => Just(String::new()),
        6 => select(vec![" ", "\n", "\t", "\r", "\r\n  ", "\t \n"]).prop_map(str::to_owned),
        2 => (58usize..70).prop_map(|len| " ".repeat(len)),
        1 => (ROW - 6..ROW + 6).prop_map(|len| "\n".repeat(len)),
    ]
}

/// Lengths, with those at which words and rows end.
fn length() -> impl Strategy<Value = usize> {
    prop_oneof![12 => 0usize..20, 4 => 58usize..70, 2 => 122usize..134, 1 => ROW - 6..ROW + 6]
}

/// A piece of a string, as it is written.
fn piece() -> impl Strategy<Value = String> {
    let plain = (
        length(),
        select(vec!["a", "/", " ", "{", "}", "[", "]", ",", ":", "-", "1"]),
    );
    let escapes = vec![
        "\\\"",
        "\\\\",
        "\\/",
        "\\b",
        "\\f",
        "\\n",
        "\\r",
        "\\t",
        "\\u0041",
        "\\u00e9",
        "\\ud83d\\ude00",
        "\\uD834\\uDD1E",
        "\\ud800",
        "\\udc00",
        "\\ud800\\ud800",
        "\\ud800\\u0041",
        "\\u0000",
        "\\\\u0041",
    ];
    prop_oneof![
        8 => plain.prop_map(|(len, byte)| byte.repeat(len)),
        4 => select(escapes).prop_map(str::to_owned),
        3 => select(vec!["\u{80}", "é", "\u{7ff}", "\u{800}", "€", "\u{ffff}", "\u{10000}", "😀", "\u{7f}"]).prop_map(str::to_owned),
        1 => (1usize..40).prop_map(|count| "\\\\".repeat(count)),
        1 => (30usize..36).prop_map(|count| "\\\"".repeat(count)),
        1 => (60usize..70).prop_map(|count| "é".repeat(count)),
    ]
}

pub(super) fn string() -> impl Strategy<Value = String> {
    prop::collection::vec(piece(), 0..5).prop_map(|pieces| format!("\"{}\"", pieces.concat()))
}

/// A number of any shape.
pub(super) fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => select(vec!["0", "-0", "1", "-1", "10", "0.0", "-0.0", "1e0", "0e0", "1E+1", "-1.5e-7", "1e400", "-1e400", "0.1"])
            .prop_map(str::to_owned),
        3 => "-?(0|[1-9][0-9]{0,24})(\\.[0-9]{1,24})?([eE][+-]?[0-9]{1,3})?",
        1 => length().prop_map(|len| format!("-1{}", "0".repeat(len))),
        1 => (length(), length()).prop_map(|(zeros, ones)| format!("0.{}{}e-{}", "0".repeat(zeros), "1".repeat(ones + 1), ones)),
    ]
}

fn scalar() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => select(vec!["null", "true", "false"]).prop_map(str::to_owned),
        5 => number(),
        5 => string(),
    ]
}

/// A name, mostly one of `names`.
fn name(names: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop_oneof![6 => select(names).prop_map(|name| format!("\"{name}\"")), 1 => string()]
}

/// What stands between brackets: values or members, with white space at every place where it can be.
fn listed(parts: &[(String, String, String)], open: char, close: char, inner: &str) -> String {
    let parts: Vec<String> = parts
        .iter()
        .map(|(before, part, after)| format!("{before}{part}{after}"))
        .collect();
    let parts = if parts.is_empty() {
        inner.to_owned()
    } else {
        parts.join(",")
    };
    format!("{open}{parts}{close}")
}

/// A value of any kind, with names that are mostly of `names`, as they are written.
pub(super) fn value(names: &'static [&'static str]) -> impl Strategy<Value = String> {
    scalar().prop_recursive(6, 60, 6, move |inner| {
        let element = (space(), inner.clone(), space());
        let member = (space(), name(names), space(), space(), inner.clone(), space())
            .prop_map(|(before, name, colon, value, inner, after)| (before, format!("{name}{colon}:{value}{inner}"), after));
        prop_oneof![
            3 => (prop::collection::vec(element, 0..6), space()).prop_map(|(parts, inner)| listed(&parts, '[', ']', &inner)),
            4 => (prop::collection::vec(member, 0..6), space()).prop_map(|(parts, inner)| listed(&parts, '{', '}', &inner)),
            1 => (inner.clone(), 0usize..150).prop_map(|(value, count)| format!("[{}]", vec![value; count].join(","))),
            1 => (inner, nesting()).prop_map(|(value, depth)| {
                let depth = if value.len() > 4 * ROW { 1 } else { depth };
                format!("{}{value}{}", "[{\"a\":".repeat(depth), "}]".repeat(depth))
            }),
        ]
    })
}

/// How deep a value lies, in pairs of containers: up to what is allowed, and a little more.
fn nesting() -> impl Strategy<Value = usize> {
    prop_oneof![6 => 0usize..4, 1 => 30usize..40, 1 => MAX_DEPTH / 2 - 5..MAX_DEPTH / 2 + 2]
}

/// A document, moved on by any part of two rows. Most are valid and are arrays or objects.
pub(super) fn document(names: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let moved = prop_oneof![1 => Just(0usize), 2 => 0usize..70, 2 => 0usize..2 * ROW];
    let mark = prop_oneof![12 => Just(""), 1 => Just("\u{feff}")];
    (mark, moved, prop::collection::vec(value(names), 1..4), space()).prop_map(|(mark, moved, values, after)| {
        let values = values.join(",");
        format!("{mark}{}[{values}]{after}", " ".repeat(moved)).into_bytes()
    })
}

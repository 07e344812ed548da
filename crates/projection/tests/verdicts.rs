//! Which documents are valid, and where the others stop being so.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use common::{plan, project};
use proptest::prelude::*;
use serde::de::IgnoredAny;
use tarquet_feature_map::Plan;
use tarquet_projection::{DocumentError, EngineKind, MAX_DEPTH};

/// A map that looks at much of a document and whose columns take anything.
fn any_map() -> Plan {
    plan(
        "{version: 1, id: id, features: {whole: {path: $, type: json}, \
         parts: {for: {part: '$.*'}, columns: {key: {key: part}, a: {path: part.a, type: json}, b: {path: 'part[*]', type: 'list<json>'}}}}}",
    )
}

/// The verdict, the same under all engines.
fn verdict(plan: &Plan, document: &[u8]) -> Result<(), DocumentError> {
    let [reference, others @ ..] = EngineKind::ALL.map(|engine| project(plan, engine, document));
    for other in others {
        assert_eq!(reference, other, "{:?}", String::from_utf8_lossy(document));
    }
    reference.map(drop)
}

fn place(plan: &Plan, document: &[u8]) -> (&'static str, u64) {
    let error = verdict(plan, document).expect_err(&String::from_utf8_lossy(document));
    (
        error.kind.code(),
        error.offset.expect("a document that is no JSON is so at a place"),
    )
}

#[test]
fn errors_stand_at_the_first_byte_that_cannot_continue_a_document() {
    let cases: [(&[u8], &str, u64); 67] = [
        (b"", "empty", 0),
        (b" \t\r\n", "empty", 4),
        (b"\xef\xbb\xbf", "empty", 3),
        (b"\xef\xbb\xbf ", "empty", 4),
        (b"\xef\xbb", "truncated", 2),
        (b"\xef\xbb{}", "utf8", 2),
        (b"\xef\xbb\xbf\xef\xbb\xbf1", "syntax", 3),
        (b"{", "truncated", 1),
        (b"[1,", "truncated", 3),
        (b"{\"a\"", "truncated", 4),
        (b"{\"a\":", "truncated", 5),
        (b"{\"a\":1", "truncated", 6),
        (b"\"abc", "truncated", 4),
        (b"\"abc\\", "truncated", 5),
        (b"\"\\u12", "truncated", 5),
        (b"\"\\ud800\\u", "truncated", 9),
        (b"\"\xf0\x9f\x98", "truncated", 4),
        (b"-", "truncated", 1),
        (b"1.", "truncated", 2),
        (b"1e", "truncated", 2),
        (b"1e+", "truncated", 3),
        (b"tru", "truncated", 3),
        (b"nul", "truncated", 3),
        (b"{}}", "syntax", 2),
        (b"[1 2]", "syntax", 3),
        (b"[1,]", "syntax", 3),
        (b"[,1]", "syntax", 1),
        (b"{\"a\":1,}", "syntax", 7),
        (b"{\"a\" 1}", "syntax", 5),
        (b"{\"a\",1}", "syntax", 4),
        (b"{a:1}", "syntax", 1),
        (b"{1:1}", "syntax", 1),
        (b"[1}", "syntax", 2),
        (b"{\"a\":1]", "syntax", 6),
        (b"01", "syntax", 1),
        (b"-01", "syntax", 2),
        (b"+1", "syntax", 0),
        (b".5", "syntax", 0),
        (b"1.e5", "syntax", 2),
        (b"1.5.5", "syntax", 3),
        (b"1e5e", "syntax", 3),
        (b"-a", "syntax", 1),
        (b"0x10", "syntax", 1),
        (b"1 1", "syntax", 2),
        (b"nulL", "syntax", 3),
        (b"True", "syntax", 0),
        (b"truee", "syntax", 4),
        (b"NaN", "syntax", 0),
        (b"'a'", "syntax", 0),
        (b"\"a\nb\"", "syntax", 2),
        (b"\"a\x00b\"", "syntax", 2),
        (b"\"\\x\"", "syntax", 2),
        (b"\"\\u12G4\"", "syntax", 5),
        (b"\"\\ud800\\u12x\"", "syntax", 11),
        (b"[1]// no", "syntax", 3),
        (b"[\x0c1]", "syntax", 1),
        ("[\u{a0}1]".as_bytes(), "syntax", 1),
        (b"\"\xff\"", "utf8", 1),
        (b"\"\xc0\x80\"", "utf8", 1),
        (b"\"\xe2\x28\xa1\"", "utf8", 2),
        (b"\"\xed\xa0\x80\"", "utf8", 2),
        (b"\"\xf4\x90\x80\x80\"", "utf8", 2),
        (b"\"\xf0\x9f\x98\"", "utf8", 4),
        (b"[\xff]", "utf8", 1),
        (b"\"\\\xc2d\"", "utf8", 2),
        (b"\"\\\xc2", "utf8", 2),
        (b"\"\\u00\xc3\xa9\"", "syntax", 5),
    ];
    let plan = any_map();
    for (document, kind, offset) in cases {
        assert_eq!(
            place(&plan, document),
            (kind, offset),
            "{:?}",
            String::from_utf8_lossy(document)
        );
    }
}

#[test]
fn a_document_in_another_encoding_is_told_so() {
    let plan = any_map();
    let utf16 = |order: fn(u16) -> [u8; 2]| "{\"a\": 1}".encode_utf16().flat_map(order).collect::<Vec<u8>>();
    let little = utf16(u16::to_le_bytes);
    let big = utf16(u16::to_be_bytes);
    let marked_little = [b"\xff\xfe".as_slice(), &little].concat();
    let marked_big = [b"\xfe\xff".as_slice(), &big].concat();
    for (document, encoding, offset) in [
        (&little[..], "UTF-16", 1),
        (&big, "UTF-16", 0),
        (&marked_little, "UTF-16", 0),
        (&marked_big, "UTF-16", 0),
        (b"\0\0\0[", "UTF-32", 0),
        (b"[\0\0\0", "UTF-32", 1),
        (b"\xff\xfe\0\0[\0\0\0", "UTF-32", 0),
        (b"\0\0\xfe\xff\0\0\0[", "UTF-32", 0),
    ] {
        let error = verdict(&plan, document).unwrap_err();
        assert_eq!(
            (error.kind.code(), error.offset),
            ("utf8", Some(offset)),
            "{document:x?}"
        );
        assert!(error.detail.contains(encoding), "{}", error.detail);
    }
}

/// As a system leaves files that it had no time to fill.
#[test]
fn nothing_but_zeros_is_no_encoding() {
    assert_eq!(place(&any_map(), &[0; 64]), ("syntax", 0));
}

#[test]
fn a_byte_order_mark_counts_in_offsets() {
    let plan = any_map();
    assert_eq!(verdict(&plan, "\u{feff}{\"a\": [\"\\u00e9\", 1.5]}".as_bytes()), Ok(()));
    assert_eq!(place(&plan, "\u{feff}[x".as_bytes()), ("syntax", 4));
}

#[test]
fn nesting_ends_at_the_limit() {
    let plan = any_map();
    let nested = |depth: usize| ["[".repeat(depth), "]".repeat(depth)].concat();
    let objects = |depth: usize| ["{\"a\":".repeat(depth), "1".to_owned(), "}".repeat(depth)].concat();
    assert_eq!(verdict(&plan, nested(MAX_DEPTH).as_bytes()), Ok(()));
    assert_eq!(verdict(&plan, objects(MAX_DEPTH).as_bytes()), Ok(()));
    assert_eq!(
        place(&plan, nested(MAX_DEPTH + 1).as_bytes()),
        ("depth", MAX_DEPTH as u64)
    );
    assert_eq!(
        place(&plan, objects(MAX_DEPTH + 1).as_bytes()),
        ("depth", 5 * MAX_DEPTH as u64)
    );
    assert_eq!(place(&plan, &[b'['; 1_000_000]), ("depth", MAX_DEPTH as u64));
}

/// Where the files of the JSON test suite are, by their names (Seriot, "Parsing JSON is a Minefield", 2016).
const SUITE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../../shared/corpora/json-testsuite/test_parsing"
);

/// The verdicts on the files of the JSON test suite, by their names; `None`, with a word, where they are not there.
fn suite() -> Option<BTreeMap<String, Result<(), DocumentError>>> {
    let folder = Path::new(SUITE);
    let Ok(files) = fs::read_dir(folder) else {
        eprintln_skipped(folder);
        return None;
    };
    let plan = any_map();
    let judged = files.map(|file| {
        let path = file.expect("the folder can be read").path();
        let name = path
            .file_name()
            .expect("a file has a name")
            .to_string_lossy()
            .into_owned();
        (name, verdict(&plan, &fs::read(&path).expect("the file can be read")))
    });
    Some(judged.collect())
}

#[test]
fn the_json_test_suite_is_judged_as_it_is_named() {
    let Some(verdicts) = suite() else { return };
    let mut counts = BTreeMap::new();
    for (name, found) in verdicts {
        let (class, _) = name.split_once('_').expect("names begin with a class");
        match class {
            "y" => assert_eq!(found, Ok(()), "{name}"),
            "n" => assert!(found.is_err(), "{name}"),
            _ => {}
        }
        *counts.entry(class.to_owned()).or_insert(0) += 1;
    }
    assert_eq!(
        (counts["y"], counts["n"], counts["i"]),
        (95, 188, 35),
        "all files there are"
    );
}

/// The table of `docs/json.md` has a line for each file that the suite leaves open, and says what really happens.
#[test]
fn what_the_json_test_suite_leaves_open_is_judged_as_it_is_documented() {
    let Some(verdicts) = suite() else { return };
    let page =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/json.md")).expect("the page is there");
    let lines = page.lines().filter_map(|line| line.strip_prefix("| `i_"));
    let documented: BTreeMap<String, String> = lines
        .map(|line| {
            let mut cells = line.split(" | ");
            let name = cells
                .next()
                .and_then(|name| name.strip_suffix('`'))
                .expect("a name in code");
            (format!("i_{name}"), cells.next().expect("a verdict").to_owned())
        })
        .collect();
    let found = verdicts.into_iter().filter(|(name, _)| name.starts_with("i_"));
    let found: BTreeMap<String, String> = found.map(|(name, verdict)| (name, in_words(verdict))).collect();
    assert_eq!(documented, found);
}

/// A verdict as the table has it.
fn in_words(verdict: Result<(), DocumentError>) -> String {
    match verdict {
        Ok(()) => "accepted".to_owned(),
        Err(error) => {
            let offset = error.offset.expect("what is no JSON is so at a place");
            format!("refused, `{}` at {offset}", error.kind.code())
        }
    }
}

#[expect(clippy::print_stderr, reason = "a test that is skipped has to say so")]
fn eprintln_skipped(folder: &Path) {
    eprintln!("skipped: there is no {}", folder.display());
}

/// Whether another parser takes the document. Nothing here is a number or a string that it could not hold.
fn accepted_elsewhere(document: &[u8]) -> bool {
    std::str::from_utf8(document).is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok())
}

/// Whether some end can be found that makes a document of a beginning.
fn can_be_completed(beginning: &[u8]) -> bool {
    let tokens: [&[u8]; 28] = [
        b"",
        b"0",
        b"\"",
        b"n\"",
        b"u0000\"",
        b"0000\"",
        b"000\"",
        b"00\"",
        b"0\"",
        b"ull",
        b"ll",
        b"l",
        b"rue",
        b"ue",
        b"e",
        b"alse",
        b"lse",
        b"se",
        b"\x80\"",
        b"\x80\x80\"",
        b"\xa0\x80\"",
        b"\x80\x80\x80\"",
        b"\x90\x80\x80\"",
        b"\xbb\xbf0",
        b"\xbf0",
        b"]",
        b"}",
        b"\\udc00\"",
    ];
    let middles: [&[u8]; 4] = [b"", b":0", b"0", b"\"\":0"];
    let closers = closers(beginning);
    tokens.iter().any(|token| {
        middles.iter().any(|middle| {
            (0..=closers.len()).any(|skipped| {
                let document = [beginning, token, middle, &closers[skipped..]].concat();
                let text = document.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&document);
                accepted_elsewhere(text)
            })
        })
    })
}

/// The brackets that are open at the end of a beginning, closed, innermost first.
fn closers(beginning: &[u8]) -> Vec<u8> {
    let mut open = Vec::new();
    let mut in_string = false;
    let mut escaped = false;
    for byte in beginning {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' if !in_string => open.push(b']'),
            b'{' if !in_string => open.push(b'}'),
            b']' | b'}' if !in_string => drop(open.pop()),
            _ => {}
        }
    }
    open.reverse();
    open
}

/// Documents, and documents with a few bytes wrong.
fn broken_documents() -> impl Strategy<Value = Vec<u8>> {
    let change = (
        any::<prop::sample::Index>(),
        prop_oneof![
            Just(None),
            prop::sample::select(br#"[]{}":,\-+.eE019tfnu/ "#.to_vec()).prop_map(Some),
            any::<u8>().prop_map(Some),
        ],
        any::<bool>(),
    );
    (
        common::document::any_document(),
        prop::collection::vec(change, 0..3),
        prop::option::of(any::<prop::sample::Index>()),
    )
        .prop_map(|(document, changes, cut)| {
            let mut bytes = document.text().into_bytes();
            for (at, byte, insert) in changes {
                let at = at.index(bytes.len() + 1);
                match byte {
                    Some(byte) if insert || at == bytes.len() => bytes.insert(at, byte),
                    Some(byte) => bytes[at] = byte,
                    None => drop(bytes.splice(at..(at + 1).min(bytes.len()), [])),
                }
            }
            if let Some(cut) = cut {
                bytes.truncate(cut.index(bytes.len() + 1));
            }
            bytes
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn another_parser_gives_the_same_verdict(document in broken_documents()) {
        let plan = any_map();
        let text = document.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&document);
        let found = verdict(&plan, &document);
        prop_assert_eq!(found.is_ok(), accepted_elsewhere(text), "{:?}", found);
    }

    #[test]
    fn what_stands_before_an_error_is_a_beginning_and_with_it_is_none(document in broken_documents()) {
        let plan = any_map();
        let Err(error) = verdict(&plan, &document) else { return Ok(()) };
        let offset = error.offset.expect("an error has a place") as usize;
        prop_assert!(can_be_completed(&document[..offset]), "{:?}", error);
        if offset < document.len() {
            prop_assert!(!can_be_completed(&document[..=offset]), "{:?}", error);
            let again = verdict(&plan, &document[..=offset]).unwrap_err();
            prop_assert_eq!(again.offset, error.offset);
        } else {
            prop_assert!(matches!(error.kind.code(), "truncated" | "empty"), "{:?}", error);
        }
    }
}

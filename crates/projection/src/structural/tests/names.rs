//! Members found by their names, whatever the names look like and whatever else stands in the document.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use tarquet_feature_map::Plan;

use super::cases;
use crate::structural::judges::Judges;

/// Names that end alike, that begin alike, that are short, empty, long, not ASCII, or made of what has a meaning in JSON.
const NAMES: [&str; 54] = [
    "",
    "a",
    "b",
    "ab",
    "ba",
    "abc",
    "bc",
    "c",
    "xabc",
    "yabc",
    "id",
    "Id",
    "option_id",
    "optionId",
    "pricing_id",
    "n_id",
    "12345678",
    "\"12345678",
    "x\\12345678",
    "x12345678",
    "123456789",
    "abcdefgh",
    "xabcdefgh",
    "abcdefghi",
    "abcdefghijklmnop",
    "xabcdefghijklmnop",
    "yabcdefghijklmnop",
    "abcdefghijklmnopq",
    "é",
    "aé",
    "éa",
    "😀",
    "x😀",
    "\"",
    "a\"",
    "\"a",
    "a\"b",
    "\":\"",
    ",\"b",
    "\",\"b",
    "{\"b",
    " \"b",
    "\\",
    "a\\",
    "\\a",
    "\\\"",
    "\\\"a",
    "\n",
    "a\tb",
    "u0061",
    ":",
    ",",
    " a",
    "\u{7f}",
];

/// A plan with a column for each of these members of the document.
fn plan_of<T: AsRef<str>>(names: &[T]) -> Plan {
    let quoted = |text: &str| serde_json::to_string(text).expect("text");
    let column = |(at, name): (usize, &T)| {
        format!(
            "c{at}: {{path: {}, type: json}}",
            quoted(&format!("$[{}]", quoted(name.as_ref())))
        )
    };
    let columns: Vec<String> = names.iter().enumerate().map(column).collect();
    let map = format!(
        "{{version: 1, id: file, features: {{f: {{columns: {{{}}}}}}}}}",
        columns.join(", ")
    );
    tarquet_feature_map::parse("map.yaml", &map).unwrap_or_else(|errors| panic!("{map}\n{errors}"))
}

/// A string as it may be written: the bits of `escapes` say which characters are escaped that need not be.
fn written(text: &str, escapes: u32) -> String {
    let part = |(at, part): (usize, char)| {
        let mut units = [0; 2];
        let mut escaped = || {
            part.encode_utf16(&mut units)
                .iter()
                .map(|unit| format!("\\u{unit:04x}"))
                .collect::<String>()
        };
        match part {
            _ if escapes >> (at % 32) & 1 == 1 => escaped(),
            '"' | '\\' => format!("\\{part}"),
            '\0'..'\x20' => escaped(),
            _ => part.to_string(),
        }
    };
    format!("\"{}\"", text.chars().enumerate().map(part).collect::<String>())
}

/// Which characters of a name are escaped: mostly none.
fn escapes() -> impl Strategy<Value = u32> {
    prop_oneof![6 => Just(0), 1 => any::<u32>(), 2 => (0u32..24).prop_map(|at| 1 << at)]
}

/// A string of which many look like names, or like what stands around them.
fn string() -> impl Strategy<Value = String> {
    (select(&NAMES[..]), escapes()).prop_map(|(text, escapes)| written(text, escapes))
}

/// An object whose members have such names, some of them more than once.
fn object() -> impl Strategy<Value = String> {
    let scalar =
        prop_oneof![4 => string(), 2 => select(vec!["1", "null", "-0.5", "[]", "{}", "[1,2]"]).prop_map(str::to_owned)];
    scalar.prop_recursive(2, 30, 12, |inner| {
        let space = || prop_oneof![8 => Just(""), 1 => select(vec![" ", "\n", "\t\r\n "])];
        let member = (space(), string(), space(), space(), inner, space())
            .prop_map(|(a, name, b, c, value, d)| format!("{a}{name}{b}:{c}{value}{d}"));
        prop::collection::vec(member, 0..12).prop_map(|members| format!("{{{}}}", members.join(",")))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(2000), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn members_by_name(names in subsequence(&NAMES[..], 1..12), objects in prop::collection::vec(object(), 8), offset in 0usize..80) {
        let mut judges = Judges::new(&plan_of(&names));
        for object in objects {
            judges.check(format!("{}{object}", " ".repeat(offset)).as_bytes());
        }
    }
}

/// Every name alone against every two members, so that whatever stands before a name has been there.
#[test]
#[cfg_attr(miri, ignore = "too much for Miri")]
fn every_name_behind_every_string() {
    for wanted in NAMES {
        let mut judges = Judges::new(&plan_of(&[wanted]));
        for before in NAMES {
            for name in NAMES {
                let [before, name] = [before, name].map(|text| written(text, 0));
                judges.check(format!("{{{before}:{before},{name}:{name}}}").as_bytes());
                judges.check(format!("[{{}}, {{\"filled up\":{before} ,{name}:1}}]").as_bytes());
            }
        }
    }
}

/// As many names as there are slots, and more; some of them ending alike, some in all three bytes.
#[test]
#[cfg_attr(miri, ignore = "too much for Miri")]
fn many_names_at_one_place() {
    let all: Vec<String> = (0..600)
        .map(|number| format!("{}{number:02}", ["", "name_", "a_longer_name_"][number % 3]))
        .collect();
    let unwanted = all.iter().map(|name| format!("x{name}"));
    let members: Vec<String> = all
        .iter()
        .cloned()
        .chain(unwanted)
        .map(|name| format!("\"{name}\":\"{name}\""))
        .collect();
    let document = format!("{{{}}}", members.join(","));
    for count in [
        1, 2, 23, 24, 25, 40, 120, 250, 251, 252, 253, 254, 255, 256, 257, 300, 600,
    ] {
        let mut judges = Judges::new(&plan_of(&all[..count]));
        assert!(judges.check(document.as_bytes()));
        assert_eq!(
            judges.found.nodes().len(),
            1 + count,
            "the document, and a value for each name"
        );
    }
}

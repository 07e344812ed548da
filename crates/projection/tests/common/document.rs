//! Random documents whose text and whose meaning are both known.

use proptest::prelude::*;

/// A JSON value together with how it is written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Doc {
    Null,
    Bool(bool),
    /// Its text.
    Number(String),
    String(Str),
    /// The white space between its tokens, and its elements.
    Array(&'static str, Vec<Doc>),
    /// The white space between its tokens, and its members as they are written, repeats included.
    Object(&'static str, Vec<(Str, Doc)>),
}

/// A string together with how it is written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Str {
    /// What stands between the quotes.
    pub(crate) raw: String,
    /// What it means; `None` with a lone surrogate.
    pub(crate) text: Option<String>,
}

impl Str {
    pub(crate) fn plain(text: &str) -> Self {
        let quoted = serde_json::to_string(text).expect("a string can be written");
        Self {
            raw: quoted[1..quoted.len() - 1].to_owned(),
            text: Some(text.to_owned()),
        }
    }

    fn escaped(raw: &str, text: Option<&str>) -> Self {
        Self {
            raw: raw.to_owned(),
            text: text.map(str::to_owned),
        }
    }

    /// The string with its quotes.
    pub(crate) fn exact(&self) -> String {
        format!("\"{}\"", self.raw)
    }
}

impl Doc {
    /// The exact text.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Number(text) => text.clone(),
            Self::String(string) => string.exact(),
            Self::Array(space, elements) => {
                let elements: Vec<String> = elements.iter().map(Self::text).collect();
                format!("[{space}{}{space}]", elements.join(&format!("{space},{space}")))
            }
            Self::Object(space, members) => {
                let member = |(name, value): &(Str, Self)| format!("{}{space}:{space}{}", name.exact(), value.text());
                let members: Vec<String> = members.iter().map(member).collect();
                format!("{{{space}{}{space}}}", members.join(&format!("{space},{space}")))
            }
        }
    }

    /// An object's members: of a name that comes more than once, the first's place and the last's value.
    pub(crate) fn members(&self) -> Vec<(&Str, &Self)> {
        let Self::Object(_, written) = self else {
            return Vec::new();
        };
        let mut members: Vec<(&Str, &Self)> = Vec::new();
        for (name, value) in written {
            let same = |known: &Str| known.text == name.text && (name.text.is_some() || known.raw == name.raw);
            match members.iter_mut().find(|(known, _)| same(known)) {
                Some(member) => member.1 = value,
                None => members.push((name, value)),
            }
        }
        members
    }
}

/// Numbers that many filters and types take.
const SMALL_NUMBERS: [&str; 8] = ["1", "2", "31", "-1", "1.0", "1.5", "-0.0", "0"];

fn number() -> impl Strategy<Value = Doc> {
    let known = [
        "0",
        "-0",
        "1",
        "2",
        "3",
        "31",
        "-1",
        "1.0",
        "-0.0",
        "0.5",
        "1.5",
        "2.50",
        "1e2",
        "1E-2",
        "100e-2",
        "12.5e1",
        "1e400",
        "-1e400",
        "1e-400",
        "9007199254740992",
        "9007199254740993",
        "9007199254740993.0",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "-9223372036854775809",
        "18446744073709551615",
        "18446744073709551616",
        "123456789012345678901234567890",
        "0.1",
        "0.1000000000000000055511151231257827",
        "1700000000",
        "1700000000.25",
        "1700000000.1234567",
        "5e-324",
        "2.2250738585072011e-308",
        "1.7976931348623157e308",
    ];
    prop_oneof![
        4 => prop::sample::select(known.to_vec()).prop_map(str::to_owned),
        1 => any::<i64>().prop_map(|value| value.to_string()),
        1 => any::<f64>().prop_filter_map("finite", |value| value.is_finite().then(|| format!("{value:?}"))),
        1 => "-?(0|[1-9][0-9]{0,24})(\\.[0-9]{1,24})?([eE][+-]?[0-9]{1,2})?",
    ]
    .prop_map(Doc::Number)
}

fn string() -> impl Strategy<Value = Str> {
    let plain = [
        "",
        "a",
        "b",
        "x",
        "true",
        "false",
        "31",
        "1",
        "-0",
        "1e2",
        "1.5",
        " 1",
        "01",
        "1e400",
        "null",
        "é",
        "😀",
        "RUB",
        "2024-02-29",
        "2024-02-29T12:00:00Z",
        "2024-02-29T12:00:00.5+01:00",
        "2024-02-29T12:00:00",
        "2024-02-30T12:00:00",
        "a string that is longer than one step of any parser, with é in it",
        "tab\tquote\"back\\slash/end",
    ];
    let escaped = [
        Str::escaped("\\u0061", Some("a")),
        Str::escaped("\\/\\b\\f\\n\\r\\t", Some("/\u{8}\u{c}\n\r\t")),
        Str::escaped("\\ud83d\\ude00", Some("😀")),
        Str::escaped("\\u00e9\\uD83D\\uDE00.", Some("é😀.")),
        Str::escaped("\\u0000", Some("\0")),
        Str::escaped("aa\\\"", Some("aa\"")),
        Str::escaped("\\\\", Some("\\")),
        Str::escaped("\\ud800", None),
        Str::escaped("x\\udc00y", None),
        Str::escaped("\\ud800\\u0061", None),
        Str::escaped("\\ud800\\n", None),
    ];
    prop_oneof![
        6 => prop::sample::select(plain.to_vec()).prop_map(Str::plain),
        2 => prop::sample::select(escaped.to_vec()),
        1 => any::<String>().prop_map(|text| Str::plain(&text)),
    ]
}

fn name() -> impl Strategy<Value = Str> {
    prop_oneof![
        12 => prop::sample::select(vec!["a", "b", "c"]).prop_map(Str::plain),
        1 => prop::sample::select(vec!["é", "", "d e", "0", "1", "-1"]).prop_map(Str::plain),
        1 => string(),
    ]
}

fn space() -> impl Strategy<Value = &'static str> {
    prop_oneof![5 => Just(""), 1 => prop::sample::select(vec![" ", "\n", "\t ", "\r\n  "])]
}

/// A document of up to about a hundred values, with what is hard about JSON in it.
pub(crate) fn any_document() -> impl Strategy<Value = Doc> {
    let leaf = prop_oneof![
        1 => Just(Doc::Null),
        1 => any::<bool>().prop_map(Doc::Bool),
        3 => number(),
        3 => string().prop_map(Doc::String),
    ];
    let alike = prop_oneof![
        prop::collection::vec(prop::sample::select(SMALL_NUMBERS.to_vec()), 0..5)
            .prop_map(|all| all.into_iter().map(|text| Doc::Number(text.to_owned())).collect()),
        prop::collection::vec(
            prop::sample::select(vec!["a", "b", "x", "true", "31", "2024-02-29"]),
            0..5
        )
        .prop_map(|all| all.into_iter().map(|text| Doc::String(Str::plain(text))).collect()),
    ];
    let alike = alike.prop_map(|elements| Doc::Array("", elements));
    let leaf = prop_oneof![3 => leaf, 1 => alike];
    leaf.prop_recursive(5, 100, 5, |inner| {
        prop_oneof![
            2 => (space(), prop::collection::vec(inner.clone(), 0..5)).prop_map(|(space, elements)| Doc::Array(space, elements)),
            3 => (space(), prop::collection::vec((name(), inner), 0..6)).prop_map(|(space, members)| Doc::Object(space, members)),
        ]
    })
}

//! Feature maps: any text is a map, or it is refused by its line and column.

use serde_json::Value;
use tarquet_feature_map::{Evidence, MapError, Plan, Seen, parse};
use tarquet_wire::message::encode;

use crate::Verdict;

/// What untyped values were seen to be, in turns, by the length of the text.
const SEEN: [Seen; 8] = [
    Seen::Bool,
    Seen::Int,
    Seen::WideInt,
    Seen::HugeInt,
    Seen::Fraction,
    Seen::String,
    Seen::JsonOnly,
    Seen::Null,
];

/// Reads a text as a feature map. An error points at what it quotes; a map reads back from what is written of it as the same
/// plan, before and after types are inferred, and then has a schema for every table.
///
/// # Panics
///
/// Where one of this does not hold.
pub fn feature_map(data: &[u8]) -> Verdict {
    let Ok(text) = std::str::from_utf8(data) else {
        return Verdict::Refused;
    };
    match parse("map.yaml", text) {
        Ok(plan) => {
            check_plan(&plan, text.len());
            Verdict::Sound
        }
        Err(errors) => {
            assert!(!errors.errors().is_empty());
            let text = lines(text);
            errors.errors().iter().for_each(|error| check_error(&text, error));
            assert!(errors.to_string().contains("error: "));
            Verdict::Refused
        }
    }
}

fn check_plan(plan: &Plan, seed: usize) {
    reads_back(plan);
    let mut evidence = Evidence::new(plan);
    for (at, slot) in evidence.slots.iter_mut().enumerate() {
        slot.value(SEEN[(seed + at) % SEEN.len()]);
        if (seed + at).is_multiple_of(3) {
            slot.array();
            slot.element(SEEN[(seed / 8 + at) % SEEN.len()]);
        }
    }
    let resolved = plan.resolve(&evidence).plan;
    assert!(resolved.is_typed());
    reads_back(&resolved);
    assert_eq!(resolved.resolve(&evidence).plan, resolved, "types that are there stay");
    for feature in 0..resolved.features.len() {
        resolved.table_schema(feature).expect("a table with types has a schema");
    }
}

/// What is written of a plan is read as that plan, and is written again the same.
fn reads_back(plan: &Plan) {
    let written = plan.to_yaml();
    let read = parse("written.yaml", &written).unwrap_or_else(|errors| panic!("{written}\n{errors}"));
    assert_eq!(read.to_yaml(), written, "writing is a fixed point");
    assert_eq!(without_texts(&read), without_texts(plan), "{written}");
    encode(plan).expect("a plan can be sent");
}

/// The plan as plain data, without the texts of its paths, which a written map has in one spelling.
fn without_texts(plan: &Plan) -> Value {
    let mut value = serde_json::to_value(plan).expect("a plan is plain data");
    remove_texts(&mut value);
    value
}

fn remove_texts(value: &mut Value) {
    match value {
        Value::Array(elements) => elements.iter_mut().for_each(remove_texts),
        Value::Object(members) => {
            members.remove("text");
            members.values_mut().for_each(remove_texts);
        }
        _ => {}
    }
}

/// The text as its lines are counted.
fn lines(text: &str) -> String {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    text.replace("\r\n", "\n").replace('\r', "\n")
}

fn check_error(text: &str, error: &MapError) {
    let line = text.split('\n').nth(error.line - 1);
    assert_eq!(Some(error.source_line.as_str()), line, "{error:?}");
    assert!(error.column <= error.source_line.chars().count() + 1, "{error:?}");
    let rest: String = error.source_line.chars().skip(error.column - 1).collect();
    let shown = error.text.split(['\n', '\r']).next().unwrap_or_default();
    assert!(rest.starts_with(shown), "{error:?}");
    assert!(!error.message.is_empty() && !error.help.is_empty(), "{error:?}");
}

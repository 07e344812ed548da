//! All values of a document, one after the other: for whoever wants to know what is in documents of which no path is known.

use std::sync::Arc;

use tarquet_feature_map::{Plan, Seen};

use crate::engine::EngineKind;
use crate::error::DocumentError;
use crate::loader::Loader;
use crate::observe::seen_number;
use crate::reference::{BYTE_ORDER_MARK, number_end, read_number, string_end, unescape};
use crate::time;

/// What a container is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Container {
    /// `[…]`
    Array,
    /// `{…}`
    Object,
}

/// Is told of a document's values, in document order.
pub trait Visitor {
    /// A value that is no container. `text` is it as it stands in the document; of a string what it means, or, where it has
    /// half of a surrogate pair and means nothing, what stands between its quotes.
    fn scalar(&mut self, seen: Seen, text: &[u8]);

    /// A container begins.
    fn open(&mut self, container: Container);

    /// The next value is the member of this name, as `scalar` has strings.
    fn name(&mut self, name: &[u8]);

    /// The container ends that began last and has not ended.
    fn close(&mut self);
}

/// Walks over whole documents.
pub struct DocumentWalk {
    /// Gives the verdict.
    loader: Loader,
    /// The containers that are open: whether each is an object.
    open: Vec<bool>,
    scratch: Vec<u8>,
}

impl DocumentWalk {
    /// A walk over documents that `engine` judges.
    ///
    /// # Panics
    ///
    /// As [`Projector::new`](crate::Projector::new).
    pub fn new(engine: EngineKind) -> DocumentWalk {
        DocumentWalk {
            loader: Loader::new(&nothing(), engine),
            open: Vec::new(),
            scratch: Vec::new(),
        }
    }

    /// Tells `visitor` of every value of the document, if it is valid.
    ///
    /// # Errors
    ///
    /// When it is not valid JSON; then `visitor` is told of nothing.
    pub fn visit(&mut self, document: &[u8], visitor: &mut impl Visitor) -> Result<(), DocumentError> {
        self.loader.load(document)?;
        self.open.clear();
        let mut at = match document.starts_with(BYTE_ORDER_MARK) {
            true => BYTE_ORDER_MARK.len(),
            false => 0,
        };
        // It is valid, so what is not one thing is another.
        while let Some(&byte) = document.get(at) {
            at = match byte {
                b'{' | b'[' => {
                    let is_object = byte == b'{';
                    self.open.push(is_object);
                    visitor.open(if is_object { Container::Object } else { Container::Array });
                    at + 1
                }
                b'}' | b']' => {
                    self.open.pop();
                    visitor.close();
                    at + 1
                }
                b'"' => self.string(document, at, visitor),
                b'-' | b'0'..=b'9' => {
                    let (end, is_integer) = number_end(document, at);
                    let text = &document[at..end];
                    visitor.scalar(seen_number(read_number(text, is_integer)), text);
                    end
                }
                b'n' => word(Seen::Null, document, at, 4, visitor),
                b't' => word(Seen::Bool, document, at, 4, visitor),
                b'f' => word(Seen::Bool, document, at, 5, visitor),
                _ => at + 1,
            };
        }
        Ok(())
    }

    /// A string that is a value or, where a `:` follows, a name; gives where it ends.
    fn string(&mut self, document: &[u8], at: usize, visitor: &mut impl Visitor) -> usize {
        let end = string_end(document, at + 1);
        let written = &document[at + 1..end - 1];
        let is_lone = written.contains(&b'\\') && has_lone_surrogate(written);
        let text = if is_lone || !written.contains(&b'\\') {
            written
        } else {
            self.scratch.clear();
            unescape(written, &mut self.scratch);
            &self.scratch
        };
        let is_object = self.open.last() == Some(&true);
        let space = document[end..].iter().take_while(|byte| byte.is_ascii_whitespace());
        let behind = end + if is_object { space.count() } else { 0 };
        if is_object && document.get(behind) == Some(&b':') {
            visitor.name(text);
            return behind + 1;
        }
        let seen = if is_lone { Seen::JsonOnly } else { Seen::String };
        visitor.scalar(seen, text);
        end
    }
}

fn word(seen: Seen, document: &[u8], at: usize, len: usize, visitor: &mut impl Visitor) -> usize {
    visitor.scalar(seen, &document[at..at + len]);
    at + len
}

/// Whether a valid string's text has half of a surrogate pair.
fn has_lone_surrogate(text: &[u8]) -> bool {
    let unit = |at: usize| {
        let digits = text.get(at..at + 6)?.strip_prefix(b"\\u")?;
        u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    let mut at = 0;
    while let Some(found) = text[at..].iter().position(|byte| *byte == b'\\') {
        at += found;
        at += match unit(at) {
            Some(0xd800..=0xdbff) if matches!(unit(at + 6), Some(0xdc00..=0xdfff)) => 12,
            Some(0xd800..=0xdfff) => return true,
            Some(_) => 6,
            None => 2,
        };
    }
    false
}

/// A plan that wants nothing but the document's verdict.
fn nothing() -> Arc<Plan> {
    let map = "{version: 1, id: file, features: {document: {path: $, type: json}}}";
    Arc::new(tarquet_feature_map::parse("", map).expect("it is a feature map"))
}

/// The time that a string is, as a type of a column would take it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Time {
    /// An instant, with an offset: `timestamp`.
    Instant,
    /// A wall-clock time, without one: `datetime`.
    WallClock,
    /// A day: `date`.
    Day,
}

impl Time {
    /// The time that this text is.
    pub fn of(text: &[u8]) -> Option<Time> {
        // The shortest is a day, the longest an instant of nanoseconds.
        if !(10..=40).contains(&text.len()) || !text[0].is_ascii_digit() {
            return None;
        }
        if time::day(text).is_some() {
            Some(Time::Day)
        } else if time::wall_clock(text).is_some() {
            Some(Time::WallClock)
        } else {
            time::instant(text).map(|_| Time::Instant)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    /// Puts the document together again.
    #[derive(Default)]
    struct Builder {
        root: Option<Value>,
        open: Vec<(Value, Option<String>)>,
        name: Option<String>,
    }

    impl Builder {
        fn add(&mut self, value: Value) {
            match self.open.last_mut() {
                None => assert!(self.root.replace(value).is_none()),
                Some((Value::Array(elements), _)) => elements.push(value),
                Some((Value::Object(members), _)) => {
                    members.insert(self.name.take().expect("a name"), value);
                }
                Some(_) => unreachable!("these are all containers"),
            }
        }
    }

    impl Visitor for Builder {
        fn scalar(&mut self, seen: Seen, text: &[u8]) {
            let text = std::str::from_utf8(text).unwrap();
            self.add(match seen {
                Seen::String => json!(text),
                _ => serde_json::from_str(text).unwrap(),
            });
        }

        fn open(&mut self, container: Container) {
            let value = match container {
                Container::Array => json!([]),
                Container::Object => json!({}),
            };
            self.open.push((value, self.name.take()));
        }

        fn name(&mut self, name: &[u8]) {
            assert!(self.name.replace(String::from_utf8(name.to_vec()).unwrap()).is_none());
        }

        fn close(&mut self) {
            let (value, name) = self.open.pop().expect("one is open");
            self.name = name;
            self.add(value);
        }
    }

    fn rebuilt(document: &str, engine: EngineKind) -> Value {
        let mut builder = Builder::default();
        DocumentWalk::new(engine)
            .visit(document.as_bytes(), &mut builder)
            .unwrap();
        assert!(builder.open.is_empty());
        builder.root.expect("a value")
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            // What serde_json reads back as it was.
            any::<i32>().prop_map(|number| json!(f64::from(number) / 8.0)),
            any::<String>().prop_map(Value::from),
            ".*[\"\\\\:{}\\[\\],].*".prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 60, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::hash_map(any::<String>(), inner, 0..6)
                    .prop_map(|members| Value::from_iter(members.into_iter().collect::<Vec<_>>())),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_value_is_told_in_order(value in any_value(), pretty in any::<bool>()) {
            let text = match pretty {
                true => serde_json::to_string_pretty(&value),
                false => serde_json::to_string(&value),
            };
            let text = text.unwrap();
            for engine in [EngineKind::Reference, EngineKind::Structural] {
                prop_assert_eq!(&rebuilt(&text, engine), &value);
            }
            prop_assert_eq!(&rebuilt(&format!("\u{feff} \n{text}\t"), EngineKind::Structural), &value);
        }
    }

    #[derive(Default, PartialEq, Debug)]
    struct Scalars(Vec<(Seen, String)>);

    impl Visitor for Scalars {
        fn scalar(&mut self, seen: Seen, text: &[u8]) {
            self.0.push((seen, String::from_utf8_lossy(text).into_owned()));
        }
        fn open(&mut self, _: Container) {}
        fn name(&mut self, _: &[u8]) {}
        fn close(&mut self) {}
    }

    #[test]
    fn scalars_are_told_apart_as_inference_does() {
        let document = r#"[null, true, 1, 9007199254740993, 99999999999999999999, 1.0, 1e999, "\u00e9\n", "\ud800x", "\ud83d\ude00", "a\\u"]"#;
        let mut scalars = Scalars::default();
        DocumentWalk::new(EngineKind::Structural)
            .visit(document.as_bytes(), &mut scalars)
            .unwrap();
        let expected = [
            (Seen::Null, "null"),
            (Seen::Bool, "true"),
            (Seen::Int, "1"),
            (Seen::WideInt, "9007199254740993"),
            (Seen::HugeInt, "99999999999999999999"),
            (Seen::Fraction, "1.0"),
            (Seen::JsonOnly, "1e999"),
            (Seen::String, "é\n"),
            (Seen::JsonOnly, "\\ud800x"),
            (Seen::String, "😀"),
            (Seen::String, "a\\u"),
        ];
        assert_eq!(scalars.0, expected.map(|(seen, text)| (seen, text.to_owned())));
    }

    #[test]
    fn of_what_is_no_json_nothing_is_told() {
        let mut scalars = Scalars::default();
        let error = DocumentWalk::new(EngineKind::Structural)
            .visit(br#"{"a": 1, "b": }"#, &mut scalars)
            .unwrap_err();
        assert_eq!((error.offset, scalars), (Some(14), Scalars::default()));
    }

    #[test]
    fn times_are_those_that_columns_take() {
        for (text, time) in [
            ("2024-02-29", Some(Time::Day)),
            ("2024-02-30", None),
            ("2024-02-29T12:00:00", Some(Time::WallClock)),
            ("2024-02-29T12:00:00Z", Some(Time::Instant)),
            ("2024-02-29 12:00:00.123456+0300", Some(Time::Instant)),
            ("20240229", None),
            ("", None),
            ("2024-02-29T12", None),
        ] {
            assert_eq!(Time::of(text.as_bytes()), time, "{text}");
        }
    }
}

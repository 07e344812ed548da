//! A writer of compact JSON in which every object carries a running `"$id"`, as the reference data's does.

use std::fmt::Write;

/// Which characters a document's strings escape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Escapes {
    /// What RFC 8259 asks for and no more: quotes, backslashes and control characters.
    Needed,
    /// Also the slash, and everything outside ASCII as `\uXXXX`, with surrogate pairs.
    Ascii,
}

/// One document that is being written.
#[derive(Debug)]
pub(crate) struct Json {
    text: String,
    objects: u32,
    escapes: Escapes,
}

impl Json {
    /// An empty document.
    pub(crate) fn new(escapes: Escapes) -> Self {
        Self {
            text: String::new(),
            objects: 0,
            escapes,
        }
    }

    /// The text that was written.
    pub(crate) fn into_text(self) -> String {
        self.text
    }

    /// Writes an object: its `"$id"`, then what `members` writes with [`Json::member`].
    pub(crate) fn object(&mut self, members: impl FnOnce(&mut Self)) {
        self.objects += 1;
        self.text.push_str("{\"$id\":\"");
        self.digits(i64::from(self.objects));
        self.text.push('"');
        members(self);
        self.text.push('}');
    }

    /// Writes the name of a member; its value comes next. `name` must need no escapes.
    pub(crate) fn member(&mut self, name: &str) -> &mut Self {
        self.text.push_str(",\"");
        self.text.push_str(name);
        self.text.push_str("\":");
        self
    }

    /// Writes an array: `element` writes one value for each of `items`.
    pub(crate) fn array<T>(&mut self, items: impl IntoIterator<Item = T>, mut element: impl FnMut(&mut Self, T)) {
        self.text.push('[');
        for (position, item) in items.into_iter().enumerate() {
            if position > 0 {
                self.text.push(',');
            }
            element(self, item);
        }
        self.text.push(']');
    }

    /// Writes a string.
    pub(crate) fn string(&mut self, value: &str) {
        self.text.push('"');
        for character in value.chars() {
            self.character(character);
        }
        self.text.push('"');
    }

    /// Writes a string, or null.
    pub(crate) fn optional_string(&mut self, value: Option<&str>) {
        match value {
            Some(value) => self.string(value),
            None => self.null(),
        }
    }

    /// Writes a whole number.
    pub(crate) fn int(&mut self, value: i64) {
        self.digits(value);
    }

    /// Writes a whole number, or null.
    pub(crate) fn optional_int(&mut self, value: Option<i64>) {
        match value {
            Some(value) => self.int(value),
            None => self.null(),
        }
    }

    /// Writes a sum of money, not negative, with as few decimals as it has: `1200`, `1200.5`, `1200.05`.
    pub(crate) fn amount(&mut self, hundredths: i64) {
        self.digits(hundredths / 100);
        match hundredths % 100 {
            0 => {}
            rest if rest % 10 == 0 => {
                self.text.push('.');
                self.digits(rest / 10);
            }
            rest => {
                self.text.push('.');
                self.text.push(char::from(b'0' + (rest / 10) as u8));
                self.text.push(char::from(b'0' + (rest % 10) as u8));
            }
        }
    }

    /// Writes `true` or `false`.
    pub(crate) fn bool(&mut self, value: bool) {
        self.text.push_str(if value { "true" } else { "false" });
    }

    /// Writes `null`.
    pub(crate) fn null(&mut self) {
        self.text.push_str("null");
    }

    fn digits(&mut self, value: i64) {
        write!(self.text, "{value}").expect("a String takes every write");
    }

    fn character(&mut self, character: char) {
        match character {
            '"' => self.text.push_str("\\\""),
            '\\' => self.text.push_str("\\\\"),
            '\n' => self.text.push_str("\\n"),
            '\t' => self.text.push_str("\\t"),
            '/' if self.escapes == Escapes::Ascii => self.text.push_str("\\/"),
            c if c < ' ' || (self.escapes == Escapes::Ascii && !c.is_ascii()) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    write!(self.text, "\\u{unit:04x}").expect("a String takes every write");
                }
            }
            c => self.text.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NASTY: &str = "a/b \"q\" \\ \n\t\u{1} Москва 🛫";

    fn document(escapes: Escapes) -> String {
        let mut json = Json::new(escapes);
        json.object(|json| {
            json.member("s").string(NASTY);
            json.member("list")
                .array([1, 2], |json, n| json.object(|json| json.member("n").int(n)));
            json.member("none").optional_string(None);
        });
        json.into_text()
    }

    #[test]
    fn objects_are_numbered_in_the_order_they_open() {
        let text = document(Escapes::Needed);
        assert!(text.starts_with("{\"$id\":\"1\",\"s\":"), "{text}");
        assert!(
            text.ends_with(r#","list":[{"$id":"2","n":1},{"$id":"3","n":2}],"none":null}"#),
            "{text}"
        );
    }

    #[test]
    fn both_ways_to_escape_say_the_same() {
        for escapes in [Escapes::Needed, Escapes::Ascii] {
            let text = document(escapes);
            let value: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(value["s"], NASTY);
            assert_eq!(text.is_ascii(), escapes == Escapes::Ascii);
        }
    }

    #[test]
    fn amounts_have_the_decimals_that_they_need() {
        for (hundredths, text) in [
            (0, "0"),
            (120_000, "1200"),
            (120_050, "1200.5"),
            (120_005, "1200.05"),
            (99, "0.99"),
        ] {
            let mut json = Json::new(Escapes::Needed);
            json.amount(hundredths);
            assert_eq!(json.into_text(), text);
        }
    }
}

//! Quoted strings inside paths (RFC 9535, section 2.3.1.1): member names in brackets, and literals in filters.

use crate::path::{PathError, PathParser};

impl PathParser<'_, '_> {
    /// `string-literal` of the grammar, unescaped.
    pub(crate) fn quoted(&mut self) -> Result<String, PathError> {
        let open = self.at;
        let quote = self.peek().expect("the caller saw the quote");
        self.at += 1;
        let mut value = String::new();
        loop {
            match self.peek() {
                Some(c) if c == quote => {
                    self.at += 1;
                    return Ok(value);
                }
                Some('\\') => value.push(self.escape(quote)?),
                Some(c) if c < ' ' => {
                    return Err(self.error_here(
                        "a control character cannot stand in a quoted text as it is",
                        format!("write it as `\\u{:04x}`", c as u32),
                    ));
                }
                Some(c) => {
                    value.push(c);
                    self.at += c.len_utf8();
                }
                None => {
                    let help = format!("close it with `{quote}`");
                    return Err(self.error(open..self.text.len(), "the quoted text is never closed", help));
                }
            }
        }
    }

    fn escape(&mut self, quote: char) -> Result<char, PathError> {
        let from = self.at;
        self.at += 1;
        let escaped = self.peek();
        let value = match escaped {
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some(c @ ('/' | '\\')) => c,
            Some(c) if c == quote => c,
            Some('u') => return self.unicode_escape(from),
            _ => {
                let end = self.at + escaped.map_or(0, char::len_utf8);
                return Err(self.error(
                    from..end,
                    "this is no escape",
                    format!(
                        "escapes are \\b \\f \\n \\r \\t \\/ \\\\ \\{quote} and \\uXXXX; a backslash itself is `\\\\`"
                    ),
                ));
            }
        };
        self.at += 1;
        Ok(value)
    }

    /// `\uXXXX`, or two of them for a character beyond U+FFFF. The parser stands at the `u`.
    fn unicode_escape(&mut self, from: usize) -> Result<char, PathError> {
        let mut code = self.hex_digits(from)?;
        if (0xD800..0xDC00).contains(&code) && self.starts_with("\\u") {
            self.at += 1;
            let low = self.hex_digits(from)?;
            if (0xDC00..0xE000).contains(&low) {
                code = 0x1_0000 + ((code - 0xD800) << 10) + (low - 0xDC00);
            }
        }
        char::from_u32(code).ok_or_else(|| {
            self.error(
                from..self.at,
                "half of a surrogate pair is no character",
                "write both halves, the high one first, as in `\\ud83d\\ude00`",
            )
        })
    }

    /// The four digits after a `u`, at which the parser stands.
    fn hex_digits(&mut self, from: usize) -> Result<u32, PathError> {
        let digits = self
            .text
            .get(self.at + 1..self.at + 5)
            .filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        match digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()) {
            Some(code) => {
                self.at += 5;
                Ok(code)
            }
            None => Err(self.error(
                from..self.at + 1,
                "`\\u` needs four hexadecimal digits",
                "write for example `\\u00e9`",
            )),
        }
    }
}

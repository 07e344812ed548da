//! The parser of filters (RFC 9535, section 2.3.5): conditions over `@`, the element under test, and `$`, the document.

use std::ops::Range;

use crate::names::Names;
use crate::path::{PathError, PathParser, is_name_char, is_name_first};
use crate::plan::{CompareOp, Filter, FilterPath, FilterRoot, Literal, Path};

/// The comparisons, longer ones before those that begin them.
const OPERATORS: [(&str, CompareOp); 6] = [
    ("==", CompareOp::Equal),
    ("!=", CompareOp::NotEqual),
    ("<=", CompareOp::LessOrEqual),
    (">=", CompareOp::GreaterOrEqual),
    ("<", CompareOp::Less),
    (">", CompareOp::Greater),
];

/// The text of a `where`: a condition, with blanks around it as they may stand around one in brackets.
pub(crate) fn parse_filter(text: &str, names: &mut Names) -> Result<Filter, PathError> {
    let mut parser = PathParser::new(text, names);
    parser.skip_blanks();
    if parser.peek().is_none() {
        return Err(parser.error_here(
            "the condition is empty",
            "write one, for example `@.currency == \"EUR\"`, or leave `where` out",
        ));
    }
    if parser.peek() == Some('?') {
        return Err(parser.error_here(
            "`where` is a condition without `?`",
            "leave the `?` out: it belongs into brackets",
        ));
    }
    let filter = parser.condition()?;
    parser.skip_blanks();
    match parser.peek() {
        None => Ok(filter),
        Some(_) => Err(parser.not_a_condition()),
    }
}

/// One side of a comparison.
enum Operand {
    Query(FilterPath),
    Literal(Literal),
}

impl PathParser<'_, '_> {
    /// `logical-expr` of the grammar.
    pub(crate) fn condition(&mut self) -> Result<Filter, PathError> {
        self.chain("||", Filter::Or, |parser| parser.chain("&&", Filter::And, Self::basic))
    }

    /// One or more `part`s with `operator` between them.
    fn chain(
        &mut self,
        operator: &str,
        combine: fn(Vec<Filter>) -> Filter,
        part: impl Fn(&mut Self) -> Result<Filter, PathError>,
    ) -> Result<Filter, PathError> {
        let first = part(self)?;
        let mut parts = vec![first];
        loop {
            let before = self.at;
            self.skip_blanks();
            if !self.starts_with(operator) {
                self.at = before;
                break;
            }
            self.at += operator.len();
            self.skip_blanks();
            parts.push(part(self)?);
        }
        Ok(if parts.len() == 1 {
            parts.remove(0)
        } else {
            combine(parts)
        })
    }

    /// `basic-expr` of the grammar.
    fn basic(&mut self) -> Result<Filter, PathError> {
        if self.peek() == Some('(') {
            return self.group();
        }
        if self.peek() != Some('!') {
            return self.comparison_or_test();
        }
        let not = self.at;
        self.at += 1;
        self.skip_blanks();
        let inner = match self.peek() {
            Some('(') => self.group()?,
            _ => match self.operand()? {
                Operand::Query(path) => Filter::Exists(path),
                Operand::Literal(_) => return Err(self.lone_literal(not..self.at)),
            },
        };
        if self.operator_follows() {
            return Err(self.error(
                not..self.at,
                "`!` cannot stand before one side of a comparison",
                "negate the whole comparison: `!(@.id == 1)`, or write `!=`",
            ));
        }
        Ok(Filter::Not(Box::new(inner)))
    }

    /// `paren-expr` of the grammar, after its `!`.
    fn group(&mut self) -> Result<Filter, PathError> {
        let open = self.at;
        self.at += 1;
        self.skip_blanks();
        let inner = self.nested(Self::condition)?;
        self.skip_blanks();
        if !self.eat(')') {
            return Err(match self.peek() {
                None => self.error(
                    open..self.text.len(),
                    "the parenthesis is never closed",
                    "close it with `)`",
                ),
                Some(_) => self.not_a_condition(),
            });
        }
        if self.operator_follows() {
            return Err(self.error(
                open..self.at,
                "a condition in parentheses cannot be compared",
                "compare a path with a literal, for example `@.id == 1`",
            ));
        }
        Ok(inner)
    }

    /// `comparison-expr` or `test-expr` of the grammar.
    fn comparison_or_test(&mut self) -> Result<Filter, PathError> {
        let from = self.at;
        let left = self.operand()?;
        let left_end = self.at;
        let Some(op) = self.operator()? else {
            return match left {
                Operand::Query(path) => Ok(Filter::Exists(path)),
                Operand::Literal(_) => Err(self.lone_literal(from..left_end)),
            };
        };
        self.skip_blanks();
        let right_from = self.at;
        let right = self.operand()?;
        match (left, right) {
            (Operand::Query(path), Operand::Literal(literal)) => self.compare(path, op, literal, from..left_end),
            (Operand::Literal(literal), Operand::Query(path)) => {
                self.compare(path, mirrored(op), literal, right_from..self.at)
            }
            (Operand::Query(_), Operand::Query(_)) => Err(self.error(
                from..self.at,
                "a comparison of two paths is not supported",
                "compare each with a literal, or extract both as columns and compare them later",
            )),
            (Operand::Literal(_), Operand::Literal(_)) => Err(self.error(
                from..self.at,
                "a comparison of two literals is always the same",
                "compare a path with a literal, for example `@.id == 1`",
            )),
        }
    }

    fn compare(
        &self,
        path: FilterPath,
        op: CompareOp,
        literal: Literal,
        range: Range<usize>,
    ) -> Result<Filter, PathError> {
        if path.path.is_singular() {
            return Ok(Filter::Compare { path, op, literal });
        }
        Err(self.error(
            range,
            format!(
                "`{}` may match several values, so it cannot be compared",
                path.path.text
            ),
            "use only names and positions, or put the comparison into a filter: `@.items[?@.id == 1]`",
        ))
    }

    fn lone_literal(&self, range: Range<usize>) -> PathError {
        self.error(
            range,
            "a literal alone is no condition",
            "compare a path with it, for example `@.id == 1`",
        )
    }

    /// One side of a comparison, or the path of a test.
    fn operand(&mut self) -> Result<Operand, PathError> {
        match self.peek() {
            Some('@') => self.query(FilterRoot::Current).map(Operand::Query),
            Some('$') => self.query(FilterRoot::Document).map(Operand::Query),
            Some('\'' | '"') => self.quoted().map(|text| Operand::Literal(Literal::String(text))),
            Some(c) if c == '-' || c.is_ascii_digit() => self.number().map(Operand::Literal),
            Some(c) if is_name_first(c) => self.word().map(Operand::Literal),
            Some(_) => Err(self.not_a_condition()),
            None => Err(self.error_here(
                "the condition ends too early",
                "a condition is a path (`@.id`), or its comparison with a literal (`@.id == 1`)",
            )),
        }
    }

    fn query(&mut self, root: FilterRoot) -> Result<FilterPath, PathError> {
        let from = self.at;
        self.at += 1;
        let segments = self.segments()?;
        Ok(FilterPath {
            root,
            path: Path {
                segments,
                text: self.text[from..self.at].to_owned(),
            },
        })
    }

    /// `number` of the grammar, as it is written.
    fn number(&mut self) -> Result<Literal, PathError> {
        let from = self.at;
        self.eat('-');
        let digits = self.digits();
        let leading_zero = digits.len() > 1 && self.text[digits.clone()].starts_with('0');
        let mut whole = !digits.is_empty() && !leading_zero;
        if self.eat('.') {
            whole &= !self.digits().is_empty();
        }
        if self.eat('e') || self.eat('E') {
            if !self.eat('+') {
                self.eat('-');
            }
            whole &= !self.digits().is_empty();
        }
        if whole {
            return Ok(Literal::Number(self.text[from..self.at].to_owned()));
        }
        Err(self.error(
            from..self.at,
            format!("`{}` is no number", &self.text[from..self.at]),
            "write it as in JSON: `-12`, `0.5`, `1e6`",
        ))
    }

    fn digits(&mut self) -> Range<usize> {
        let from = self.at;
        self.at = self.run_end(|c| c.is_ascii_digit());
        from..self.at
    }

    /// `true`, `false`, `null`; and whatever else is written like a word, to refuse it by its name.
    fn word(&mut self) -> Result<Literal, PathError> {
        let from = self.at;
        self.at = self.run_end(is_name_char);
        let word = &self.text[from..self.at];
        if self.peek() == Some('(') {
            return Err(self.error(
                from..self.at,
                format!("the function `{word}` is not supported: filters have no functions"),
                "compare paths with literals, or extract the value as a column and compute later",
            ));
        }
        match word {
            "true" => return Ok(Literal::Bool(true)),
            "false" => return Ok(Literal::Bool(false)),
            "null" => return Ok(Literal::Null),
            _ => {}
        }
        if matches!(self.peek(), Some('.' | '[')) {
            let message = format!("a path in a condition starts at `@` or `$`, not at `{word}`");
            let help = "`@` is the element under test (in `where` that of the innermost loop), `$` is the document";
            return Err(self.error(from..self.at, message, help));
        }
        let help = match word.to_ascii_lowercase().as_str() {
            "true" | "false" | "null" => format!("write `{}`", word.to_ascii_lowercase()),
            "none" | "nil" => "write `null`".to_owned(),
            "and" => "write `&&`".to_owned(),
            "or" => "write `||`".to_owned(),
            "not" => "write `!`".to_owned(),
            _ => format!("write `@.{word}` for a value of the element under test, `\"{word}\"` for a text"),
        };
        Err(self.error(from..self.at, format!("`{word}` is neither a path nor a literal"), help))
    }

    /// The comparison that follows, if one does. Stays where it is if none does.
    fn operator(&mut self) -> Result<Option<CompareOp>, PathError> {
        let before = self.at;
        self.skip_blanks();
        for (text, op) in OPERATORS {
            if self.starts_with(text) {
                self.at += text.len();
                return Ok(Some(op));
            }
        }
        if self.starts_with("=~") {
            return Err(self.error(
                self.at..self.at + 2,
                "`=~` is not supported: filters have no regular expressions",
                "compare with `==`",
            ));
        }
        if self.starts_with("=") {
            return Err(self.error_here("`=` is no comparison", "write `==`"));
        }
        self.at = before;
        Ok(None)
    }

    fn operator_follows(&mut self) -> bool {
        let before = self.at;
        let follows = matches!(self.operator(), Ok(Some(_)) | Err(_));
        self.at = before;
        follows
    }

    fn not_a_condition(&self) -> PathError {
        if self.starts_with("&") || self.starts_with("|") {
            return self.error_here("a single `&` or `|` is no operator", "write `&&` or `||`");
        }
        let end = self
            .run_end(is_name_char)
            .max(self.at + self.peek().map_or(0, char::len_utf8));
        let rest = &self.text[self.at..end];
        let help = match rest {
            "and" => "write `&&`",
            "or" => "write `||`",
            _ => "conditions are paths (`@.id`) and comparisons (`@.id == 1`), joined by `&&` and `||`",
        };
        self.error(self.at..end, format!("`{rest}` cannot stand here in a condition"), help)
    }
}

/// The comparison with its sides exchanged.
fn mirrored(op: CompareOp) -> CompareOp {
    match op {
        CompareOp::Equal | CompareOp::NotEqual => op,
        CompareOp::Less => CompareOp::Greater,
        CompareOp::LessOrEqual => CompareOp::GreaterOrEqual,
        CompareOp::Greater => CompareOp::Less,
        CompareOp::GreaterOrEqual => CompareOp::LessOrEqual,
    }
}

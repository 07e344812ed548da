//! Paths and filters as text: the inverse of [`path`](crate::path) and [`filter`](crate::filter).

use std::fmt::Write as _;

use crate::plan::{CompareOp, Filter, FilterPath, FilterRoot, Literal, NameId, Path, Segment, Selector};

/// The text of a path that starts at `start`: `$`, or a loop's name. `names` are the plan's.
pub(crate) fn path_text(start: &str, path: &Path, names: &[String]) -> String {
    let mut writer = Writer {
        out: start.to_owned(),
        names,
    };
    writer.segments(&path.segments);
    writer.out
}

/// The text of a condition.
pub(crate) fn filter_text(filter: &Filter, names: &[String]) -> String {
    let mut writer = Writer {
        out: String::new(),
        names,
    };
    writer.condition(filter);
    writer.out
}

struct Writer<'n> {
    out: String,
    names: &'n [String],
}

impl Writer<'_> {
    fn segments(&mut self, segments: &[Segment]) {
        for segment in segments {
            match segment.selectors.as_slice() {
                [Selector::Name(name)] if is_shorthand(self.name(*name)) => {
                    self.out.push('.');
                    let name = self.name(*name).to_owned();
                    self.out.push_str(&name);
                }
                selectors => self.bracket(selectors),
            }
        }
    }

    fn name(&self, id: NameId) -> &str {
        &self.names[id.0 as usize]
    }

    fn bracket(&mut self, selectors: &[Selector]) {
        self.out.push('[');
        self.separated(selectors, ", ", Self::selector);
        self.out.push(']');
    }

    fn separated<T>(&mut self, items: &[T], separator: &str, write: impl Fn(&mut Self, &T)) {
        for (position, item) in items.iter().enumerate() {
            if position > 0 {
                self.out.push_str(separator);
            }
            write(self, item);
        }
    }

    fn selector(&mut self, selector: &Selector) {
        match selector {
            Selector::Name(name) => {
                let name = self.name(*name).to_owned();
                self.quoted(&name, '\'');
            }
            Selector::Index(index) => self.number(*index),
            Selector::Slice { start, end, step } => self.slice(*start, *end, *step),
            Selector::Wildcard => self.out.push('*'),
            Selector::Filter(filter) => {
                self.out.push('?');
                self.condition(filter);
            }
        }
    }

    fn slice(&mut self, start: Option<i64>, end: Option<i64>, step: i64) {
        if let Some(start) = start {
            self.number(start);
        }
        self.out.push(':');
        if let Some(end) = end {
            self.number(end);
        }
        if step != 1 {
            self.out.push(':');
            self.number(step);
        }
    }

    fn number(&mut self, number: i64) {
        write!(self.out, "{number}").expect("a String takes any text");
    }

    fn condition(&mut self, filter: &Filter) {
        match filter {
            Filter::And(parts) => self.separated(parts, " && ", Self::part),
            Filter::Or(parts) => self.separated(parts, " || ", Self::part),
            Filter::Not(inner) => {
                self.out.push('!');
                match **inner {
                    Filter::Exists(ref path) => self.query(path),
                    ref inner => self.group(inner),
                }
            }
            Filter::Exists(path) => self.query(path),
            Filter::Compare { path, op, literal } => {
                self.query(path);
                self.out.push_str(operator(*op));
                self.literal(literal);
            }
        }
    }

    /// A part of `&&` or `||`: in parentheses where it is itself one of these.
    fn part(&mut self, filter: &Filter) {
        match filter {
            Filter::And(_) | Filter::Or(_) => self.group(filter),
            _ => self.condition(filter),
        }
    }

    fn group(&mut self, filter: &Filter) {
        self.out.push('(');
        self.condition(filter);
        self.out.push(')');
    }

    fn query(&mut self, path: &FilterPath) {
        self.out.push(match path.root {
            FilterRoot::Current => '@',
            FilterRoot::Document => '$',
        });
        self.segments(&path.path.segments);
    }

    fn literal(&mut self, literal: &Literal) {
        match literal {
            Literal::Null => self.out.push_str("null"),
            Literal::Bool(true) => self.out.push_str("true"),
            Literal::Bool(false) => self.out.push_str("false"),
            Literal::Number(number) => self.out.push_str(number),
            Literal::String(text) => self.quoted(text, '"'),
        }
    }

    fn quoted(&mut self, text: &str, quote: char) {
        self.out.push(quote);
        for c in text.chars() {
            match c {
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                '\t' => self.out.push_str("\\t"),
                c if c == quote || c == '\\' => self.out.extend(['\\', c]),
                c if c < ' ' => write!(self.out, "\\u{:04x}", c as u32).expect("a String takes any text"),
                c => self.out.push(c),
            }
        }
        self.out.push(quote);
    }
}

/// The step of a path to the member of this name: `.name`, or `['name']` where it has to be quoted.
pub fn member_step(name: &str) -> String {
    if is_shorthand(name) {
        return format!(".{name}");
    }
    let mut writer = Writer {
        out: "[".to_owned(),
        names: &[],
    };
    writer.quoted(name, '\'');
    writer.out.push(']');
    writer.out
}

/// Whether a name may follow a `.` as it is. Names beyond ASCII might too, but are easier to tell apart in quotes.
fn is_shorthand(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn operator(op: CompareOp) -> &'static str {
    match op {
        CompareOp::Equal => " == ",
        CompareOp::NotEqual => " != ",
        CompareOp::Less => " < ",
        CompareOp::LessOrEqual => " <= ",
        CompareOp::Greater => " > ",
        CompareOp::GreaterOrEqual => " >= ",
    }
}

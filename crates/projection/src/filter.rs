//! Filters (RFC 9535, section 2.3.5) on a selection.

use std::cmp::Ordering;

use tarquet_feature_map::plan::{self, CompareOp, Filter, FilterPath, FilterRoot};

use crate::decimal::Decimal;
use crate::path::{self, Path};
use crate::reference::nearest_f64;
use crate::selection::{Kind, NodeId, Number, Value};
use crate::view::View;

/// A filter that is ready to be asked: [`Filter`] with its literals read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Condition {
    And(Vec<Condition>),
    Or(Vec<Condition>),
    Not(Box<Condition>),
    /// A question about what a path leads to.
    Test {
        root: Root,
        path: Path,
        test: Test,
    },
}

/// Where a path of a condition starts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Root {
    /// `@`
    Current,
    /// `$`; the answer is the same in all of a document, so it is kept, under this number.
    Document { question: usize },
}

/// What is asked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Test {
    /// Whether the path selects any node.
    Exists,
    /// Whether its node compares so with a literal.
    Compare(CompareOp, Literal),
}

/// As [`plan::Literal`].
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Literal {
    Null,
    Bool(bool),
    Number {
        text: String,
        /// Its value, where that is whole and written as such and fits.
        int: Option<i64>,
        nearest: f64,
    },
    String(String),
}

impl Condition {
    /// Makes a filter ready. `questions` counts the conditions of the plan that start at `$`.
    pub(crate) fn new(filter: &Filter, questions: &mut usize) -> Self {
        let mut all = |filters: &[Filter]| filters.iter().map(|filter| Self::new(filter, questions)).collect();
        match filter {
            Filter::And(filters) => Self::And(all(filters)),
            Filter::Or(filters) => Self::Or(all(filters)),
            Filter::Not(filter) => Self::Not(Box::new(Self::new(filter, questions))),
            Filter::Exists(path) => Self::test(path, Test::Exists, questions),
            Filter::Compare { path, op, literal } => {
                Self::test(path, Test::Compare(*op, Literal::new(literal)), questions)
            }
        }
    }

    fn test(path: &FilterPath, test: Test, questions: &mut usize) -> Self {
        let root = match path.root {
            FilterRoot::Current => Root::Current,
            FilterRoot::Document => {
                *questions += 1;
                Root::Document {
                    question: *questions - 1,
                }
            }
        };
        Self::Test {
            root,
            path: Path::new(&path.path.segments, questions),
            test,
        }
    }

    /// Whether it holds where `@` is the node `current`. From no node, every path of `@` selects nothing.
    pub(crate) fn holds(&self, view: &View<'_>, current: Option<NodeId>) -> bool {
        match self {
            Self::And(conditions) => conditions.iter().all(|condition| condition.holds(view, current)),
            Self::Or(conditions) => conditions.iter().any(|condition| condition.holds(view, current)),
            Self::Not(condition) => !condition.holds(view, current),
            Self::Test { root, path, test } => match *root {
                Root::Current => test.holds(view, current, path),
                Root::Document { question } => view.memo.answer(question, || test.holds(view, Some(View::ROOT), path)),
            },
        }
    }
}

impl Test {
    fn holds(&self, view: &View<'_>, start: Option<NodeId>, path: &Path) -> bool {
        let node = start.and_then(|start| path::first(view, start, path));
        match self {
            Self::Exists => node.is_some(),
            Self::Compare(op, literal) => compares(view, node, *op, literal),
        }
    }
}

impl Literal {
    fn new(literal: &plan::Literal) -> Self {
        match literal {
            plan::Literal::Null => Self::Null,
            plan::Literal::Bool(value) => Self::Bool(*value),
            plan::Literal::Number(text) => Self::Number {
                text: text.clone(),
                int: text.parse().ok(),
                nearest: nearest_f64(text.as_bytes()),
            },
            plan::Literal::String(text) => Self::String(text.clone()),
        }
    }
}

/// RFC 9535, section 2.3.5.2.2: `<` and `>` are for two numbers or two strings; `<=` and `>=` add equality, of
/// whatever kind; nothing equals no literal.
fn compares(view: &View<'_>, node: Option<NodeId>, op: CompareOp, literal: &Literal) -> bool {
    if let (Some(node), CompareOp::Equal, Literal::Number { int: Some(literal), .. }) = (node, op, literal)
        && view.node(node).kind == Kind::Int
    {
        // What is asked most, of every element of a list.
        return view.node(node).int() == *literal;
    }
    let equal = || node.is_some_and(|node| equals(view, node, literal));
    let order = || node.and_then(|node| order(view, node, literal));
    match op {
        CompareOp::Equal => equal(),
        CompareOp::NotEqual => !equal(),
        CompareOp::Less => order() == Some(Ordering::Less),
        CompareOp::Greater => order() == Some(Ordering::Greater),
        CompareOp::LessOrEqual => order() == Some(Ordering::Less) || equal(),
        CompareOp::GreaterOrEqual => order() == Some(Ordering::Greater) || equal(),
    }
}

fn equals(view: &View<'_>, node: NodeId, literal: &Literal) -> bool {
    match (view.value(node), literal) {
        (Value::Null, Literal::Null) => true,
        (Value::Bool(value), Literal::Bool(literal)) => value == *literal,
        _ => order(view, node, literal) == Some(Ordering::Equal),
    }
}

/// How a number compares with a number, or a string with a string. A string with a lone surrogate has no order.
fn order(view: &View<'_>, node: NodeId, literal: &Literal) -> Option<Ordering> {
    match (view.value(node), literal) {
        (Value::Number(Number::Int(number)), Literal::Number { int: Some(literal), .. }) => Some(number.cmp(literal)),
        (Value::Number(number), Literal::Number { text, nearest, .. }) => {
            Some(number_order(view, node, number, text, *nearest))
        }
        // The order of UTF-8 bytes is that of the Unicode scalar values.
        (Value::String(text), Literal::String(literal)) => Some(view.text(text)?.cmp(literal.as_bytes())),
        _ => None,
    }
}

/// Numbers compare by their exact values, whatever their size; machine types decide where they can.
fn number_order(view: &View<'_>, node: NodeId, number: Number, literal: &str, nearest: f64) -> Ordering {
    if let Number::Fraction(number) = number {
        // Rounding keeps the order, so only equals have to be looked at.
        match number.partial_cmp(&nearest) {
            Some(Ordering::Equal) | None => {}
            Some(order) => return order,
        }
    }
    Decimal::read(view.exact(node)).compare(&Decimal::read(literal.as_bytes()))
}

//! Filters (RFC 9535, section 2.3.5) on a selection.

use std::cmp::Ordering;

use tarquet_feature_map::plan::{CompareOp, Filter, FilterPath, FilterRoot, Literal};

use crate::decimal::Decimal;
use crate::path;
use crate::reference::nearest_f64;
use crate::selection::{NodeId, Number, Value};
use crate::view::View;

/// Whether `filter` holds where `@` is the node `current`. From no node, every path of `@` selects nothing.
pub(crate) fn holds(view: &View<'_>, filter: &Filter, current: Option<NodeId>) -> bool {
    match filter {
        Filter::And(filters) => filters.iter().all(|filter| holds(view, filter, current)),
        Filter::Or(filters) => filters.iter().any(|filter| holds(view, filter, current)),
        Filter::Not(filter) => !holds(view, filter, current),
        Filter::Exists(path) => once(view, filter, path.root, || {
            start(path, current).is_some_and(|start| path::selects_any(view, start, &path.path))
        }),
        Filter::Compare { path, op, literal } => once(view, filter, path.root, || {
            let node = start(path, current).and_then(|start| path::walk(view, start, &path.path));
            compares(view, node, *op, literal)
        }),
    }
}

/// What starts at `$` depends on no `@`, so it is worked out once a document.
fn once(view: &View<'_>, filter: &Filter, root: FilterRoot, find: impl FnOnce() -> bool) -> bool {
    match root {
        FilterRoot::Current => find(),
        FilterRoot::Document => view.memo.holds(filter, find),
    }
}

fn start(path: &FilterPath, current: Option<NodeId>) -> Option<NodeId> {
    match path.root {
        FilterRoot::Current => current,
        FilterRoot::Document => Some(View::ROOT),
    }
}

/// RFC 9535, section 2.3.5.2.2: `<` and `>` are for two numbers or two strings; `<=` and `>=` add equality, of
/// whatever kind; nothing equals no literal.
fn compares(view: &View<'_>, node: Option<NodeId>, op: CompareOp, literal: &Literal) -> bool {
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
        (Value::Number(number), Literal::Number(literal)) => Some(number_order(view, node, number, literal)),
        // The order of UTF-8 bytes is that of the Unicode scalar values.
        (Value::String(text), Literal::String(literal)) => Some(view.text(text)?.cmp(literal.as_bytes())),
        _ => None,
    }
}

/// Numbers compare by their exact values, whatever their size; machine types decide where they can.
fn number_order(view: &View<'_>, node: NodeId, number: Number, literal: &str) -> Ordering {
    if let (Number::Int(number), Ok(literal)) = (number, literal.parse::<i64>()) {
        return number.cmp(&literal);
    }
    if let Number::Fraction(number) = number {
        // Rounding keeps the order, so only equals have to be looked at.
        match number.partial_cmp(&nearest_f64(literal.as_bytes())) {
            Some(Ordering::Equal) | None => {}
            Some(order) => return order,
        }
    }
    Decimal::read(view.exact(node)).compare(&Decimal::read(literal.as_bytes()))
}

//! From the nodes that a column's paths have picked to one value.

use std::borrow::Cow;
use std::cmp::Ordering;

use tarquet_feature_map::plan::{ColumnType, Scalar, Take, Value};

use crate::convert::{Cell, Fit, Misfit, Target};
use crate::lists::{ListId, Lists};
use crate::program::Source;
use crate::selection::{NO_NODE, NodeId};
use crate::view::View;

/// What a value comes down to before it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken<'p> {
    /// Nothing: null.
    Nothing,
    /// One node, which may be null or an array.
    One(NodeId),
    /// A list of nodes.
    List(&'p [NodeId]),
    /// One value made of many nodes.
    Reduced(&'p [NodeId], Reduction<'p>),
}

/// How one value is made of many nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reduction<'p> {
    /// Their number.
    Count,
    /// The least.
    Min,
    /// The greatest.
    Max,
    /// Their sum.
    Sum,
    /// Their texts, with this between two of them.
    Join(&'p str),
}

/// Takes from the list in a cell what the map wants of it. Only `keep_empty` leaves a cell without a list.
pub(crate) fn take<'p>(value: &'p Value, cell: ListId, lists: &'p Lists) -> Taken<'p> {
    if cell == NO_NODE {
        return Taken::Nothing;
    }
    let nodes = lists.nodes(cell);
    let one = |node: Option<&NodeId>| node.map_or(Taken::Nothing, |node| Taken::One(*node));
    match &value.take {
        None | Some(Take::First) => one(nodes.first()),
        Some(Take::Last) => one(nodes.last()),
        Some(Take::List) => Taken::List(nodes),
        Some(Take::Count) => Taken::Reduced(nodes, Reduction::Count),
        Some(Take::Min) => Taken::Reduced(nodes, Reduction::Min),
        Some(Take::Max) => Taken::Reduced(nodes, Reduction::Max),
        Some(Take::Sum) => Taken::Reduced(nodes, Reduction::Sum),
        Some(Take::Join { separator }) => Taken::Reduced(nodes, Reduction::Join(separator)),
    }
}

/// What is in a cell.
pub(crate) fn taken<'p>(value: &'p Value, source: Source, cell: NodeId, lists: &'p Lists) -> Taken<'p> {
    match source {
        Source::List(_) => take(value, cell, lists),
        _ if cell == NO_NODE => Taken::Nothing,
        _ => Taken::One(cell),
    }
}

impl<'p> Taken<'p> {
    /// The nodes of which there may be many.
    pub(crate) fn nodes(&self) -> &[NodeId] {
        match self {
            Self::Nothing => &[],
            Self::One(node) => std::slice::from_ref(node),
            Self::List(nodes) | Self::Reduced(nodes, _) => nodes,
        }
    }

    /// The cell in a column that holds no lists. `scratch` takes a text that stands nowhere in the document.
    pub(crate) fn cell<'s>(&self, view: &View<'s>, target: Target, scratch: &'s mut Vec<u8>) -> Fit<'s> {
        match *self {
            Self::Nothing => Ok(None),
            Self::One(node) => target.cell(view, node),
            Self::List(_) => Err(Misfit),
            Self::Reduced(nodes, Reduction::Count) => count(nodes.len(), target),
            Self::Reduced(nodes, Reduction::Min) => extreme(view, nodes, target, Ordering::Less),
            Self::Reduced(nodes, Reduction::Max) => extreme(view, nodes, target, Ordering::Greater),
            Self::Reduced(nodes, Reduction::Sum) => sum(view, nodes, target),
            Self::Reduced(nodes, Reduction::Join(separator)) => join(view, nodes, separator, target, scratch),
        }
    }

    /// What is written of a value that does not fit: its exact text, or a JSON array of the exact texts of many.
    pub(crate) fn exact<'v>(&self, view: &View<'v>) -> Cow<'v, [u8]> {
        if let Self::One(node) = self {
            return Cow::Borrowed(view.exact(*node));
        }
        let texts: Vec<&[u8]> = self.nodes().iter().map(|node| view.exact(*node)).collect();
        Cow::Owned([b"[", texts.join(&b',').as_slice(), b"]"].concat())
    }
}

/// The type of one value in a column, and how it may be written.
pub(crate) fn target(value: &Value, ty: ColumnType) -> Target {
    Target {
        ty: ty.scalar(),
        cast: value.cast,
    }
}

fn count<'a>(count: usize, target: Target) -> Fit<'a> {
    if target.ty == Scalar::Int64 {
        Ok(Some(Cell::Int(count as i64)))
    } else {
        Err(Misfit)
    }
}

/// The first of those than which none is further to `side`. One that does not fit the type leaves no answer.
fn extreme<'a>(view: &View<'a>, nodes: &[NodeId], target: Target, side: Ordering) -> Fit<'a> {
    let mut best = None;
    for node in nodes {
        let Some(cell) = target.cell(view, *node)? else {
            continue;
        };
        best = match best {
            Some(best) if order(&cell, &best, target.ty)? != side => Some(best),
            _ => Some(cell),
        };
    }
    Ok(best)
}

/// How two cells of one type compare; values that are only known by their JSON text do not.
fn order(left: &Cell<'_>, right: &Cell<'_>, ty: Scalar) -> Result<Ordering, Misfit> {
    match (left, right) {
        (Cell::Int(left), Cell::Int(right)) => Ok(left.cmp(right)),
        (Cell::Float(left), Cell::Float(right)) => left.partial_cmp(right).ok_or(Misfit),
        (Cell::Days(left), Cell::Days(right)) => Ok(left.cmp(right)),
        (Cell::Text(left), Cell::Text(right)) if ty == Scalar::String => Ok(left.cmp(right)),
        _ => Err(Misfit),
    }
}

/// Integers add up exactly, whatever their order; floats are added in the order of the path.
fn sum<'a>(view: &View<'a>, nodes: &[NodeId], target: Target) -> Fit<'a> {
    let mut whole = 0i128;
    let mut float = -0.0f64;
    let mut any = false;
    for node in nodes {
        match target.cell(view, *node)? {
            None => continue,
            Some(Cell::Int(value)) if target.ty == Scalar::Int64 => whole += i128::from(value),
            Some(Cell::Float(value)) => float += value,
            Some(_) => return Err(Misfit),
        }
        any = true;
    }
    match target.ty {
        _ if !any => Ok(None),
        Scalar::Int64 => i64::try_from(whole).map(|sum| Some(Cell::Int(sum))).map_err(|_| Misfit),
        _ if float.is_finite() => Ok(Some(Cell::Float(float))),
        _ => Err(Misfit),
    }
}

/// Joins texts; with `cast` also those of numbers, `true` and `false`. Of nothing it is null.
///
/// In a column that is not `string`, what has been joined is read as a string that is to be cast.
fn join<'a>(view: &View<'a>, nodes: &[NodeId], separator: &str, target: Target, scratch: &'a mut Vec<u8>) -> Fit<'a> {
    let text = Target {
        ty: Scalar::String,
        ..target
    };
    let mut any = false;
    scratch.clear();
    for node in nodes {
        let Some(Cell::Text(part)) = text.cell(view, *node)? else {
            continue;
        };
        if any {
            scratch.extend_from_slice(separator.as_bytes());
        }
        scratch.extend_from_slice(part);
        any = true;
    }
    if any {
        target.string_cell(scratch).map(Some).ok_or(Misfit)
    } else {
        Ok(None)
    }
}

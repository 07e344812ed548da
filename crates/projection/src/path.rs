//! JSONPath (RFC 9535) on a selection.
//!
//! Nodes are visited depth first. For child segments, the only ones there are, that is the order of RFC 9535: the
//! results of a segment for one node follow those for the node before it.

use std::ops::ControlFlow;

use tarquet_feature_map::plan::{NameId, Path, Segment, Selector};

use crate::filter;
use crate::selection::{Key, NodeId, Value};
use crate::view::View;

/// How many children are looked at one by one.
const LOOKED_AT: u32 = 32;

/// The node that a singular path leads to from `start`.
pub(crate) fn walk(view: &View<'_>, start: NodeId, path: &Path) -> Option<NodeId> {
    path.segments
        .iter()
        .try_fold(start, |node, segment| match segment.selectors.as_slice() {
            [Selector::Name(name)] => member(view, node, *name),
            [Selector::Index(index)] => element(view, node, *index),
            _ => None,
        })
}

/// Appends to `out` the nodes that a path selects from `start`, in order, repeats included.
pub(crate) fn select(view: &View<'_>, start: NodeId, path: &Path, out: &mut Vec<NodeId>) {
    let everything = visit(view, start, &path.segments, &mut |node| {
        out.push(node);
        ControlFlow::Continue(())
    });
    debug_assert!(everything.is_continue(), "the visitor never stops");
}

/// Whether a path selects any node from `start`.
pub(crate) fn selects_any(view: &View<'_>, start: NodeId, path: &Path) -> bool {
    visit(view, start, &path.segments, &mut |_| ControlFlow::Break(())).is_break()
}

/// Calls `visitor` for each node that the segments select from `node`, until it breaks.
fn visit<F>(view: &View<'_>, node: NodeId, segments: &[Segment], visitor: &mut F) -> ControlFlow<()>
where
    F: FnMut(NodeId) -> ControlFlow<()>,
{
    let Some((segment, rest)) = segments.split_first() else {
        return visitor(node);
    };
    for selector in &segment.selectors {
        match selector {
            Selector::Name(name) => visit_one(view, member(view, node, *name), rest, visitor)?,
            Selector::Index(index) => visit_one(view, element(view, node, *index), rest, visitor)?,
            Selector::Slice { start, end, step } => {
                for child in slice(view, node, *start, *end, *step) {
                    visit(view, child, rest, visitor)?;
                }
            }
            Selector::Wildcard => {
                for child in view.selection.children(node) {
                    visit(view, child, rest, visitor)?;
                }
            }
            Selector::Filter(filter) => {
                for child in view.selection.children(node) {
                    if filter::holds(view, filter, Some(child)) {
                        visit(view, child, rest, visitor)?;
                    }
                }
            }
        }
    }
    ControlFlow::Continue(())
}

fn visit_one<F>(view: &View<'_>, node: Option<NodeId>, rest: &[Segment], visitor: &mut F) -> ControlFlow<()>
where
    F: FnMut(NodeId) -> ControlFlow<()>,
{
    node.map_or(ControlFlow::Continue(()), |node| visit(view, node, rest, visitor))
}

fn member(view: &View<'_>, node: NodeId, name: NameId) -> Option<NodeId> {
    child(view, node, Key::Name(name))
}

fn element(view: &View<'_>, node: NodeId, index: i64) -> Option<NodeId> {
    let Value::Array { len } = view.value(node) else {
        return None;
    };
    let index = if index < 0 {
        index.checked_add(i64::from(len))?
    } else {
        index
    };
    let index = u32::try_from(index).ok().filter(|index| *index < len)?;
    child(view, node, Key::Element(index))
}

/// The child that was reached by `key`.
#[inline]
fn child(view: &View<'_>, node: NodeId, key: Key) -> Option<NodeId> {
    if view.node(node).span > LOOKED_AT {
        return child_of_many(view, node, key);
    }
    view.selection.children(node).find(|child| view.node(*child).key == key)
}

/// The child that was reached by `key`, where there may be many: of those there is an index, since every row may ask.
#[inline(never)]
fn child_of_many(view: &View<'_>, node: NodeId, key: Key) -> Option<NodeId> {
    let mut children = view.selection.children(node);
    let mut few = children.by_ref().take(LOOKED_AT as usize);
    let first = few.find(|child| view.node(*child).key == key);
    if first.is_some() || children.next().is_none() {
        return first;
    }
    view.memo.child(view.selection, node, key)
}

/// The elements of a slice, in its order (RFC 9535, section 2.3.4.2.2).
fn slice(view: &View<'_>, node: NodeId, start: Option<i64>, end: Option<i64>, step: i64) -> Vec<NodeId> {
    let Value::Array { len } = view.value(node) else {
        return Vec::new();
    };
    let len = i64::from(len);
    let from_end = |index: i64| if index < 0 { index.saturating_add(len) } else { index };
    let (first, last) = if step >= 0 { (0, len) } else { (len - 1, -1) };
    let lowest = if step >= 0 { 0 } else { -1 };
    let clamp = |index: i64| from_end(index).clamp(lowest, lowest + len);
    let start = start.map_or(first, clamp);
    let end = end.map_or(last, clamp);
    let inside = |index: i64| match step {
        0 => false,
        1.. => start <= index && index < end && (index - start) % step == 0,
        _ => end < index && index <= start && (start - index) % step.checked_neg().unwrap_or(i64::MAX) == 0,
    };
    let chosen = |child: &NodeId| view.index(*child).is_some_and(|index| inside(i64::from(index)));
    let mut elements: Vec<NodeId> = view.selection.children(node).filter(chosen).collect();
    if step < 0 {
        elements.reverse();
    }
    elements
}

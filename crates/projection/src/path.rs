//! JSONPath (RFC 9535) on a selection.
//!
//! Nodes are visited depth first. For child segments, the only ones there are, that is the order of RFC 9535: the
//! results of a segment for one node follow those for the node before it.

use std::ops::ControlFlow;

use tarquet_feature_map::plan::{self, NameId};

use crate::filter::Condition;
use crate::selection::{Key, NodeId, Value};
use crate::view::View;

/// How many children are looked at one by one.
const LOOKED_AT: u32 = 32;

/// A path that is ready to be followed: [`plan::Path`] with the literals of its filters read. It goes by steps as far
/// as it leads to one node, and may branch from there.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Path {
    steps: Vec<Step>,
    branch: Option<Box<Branch>>,
}

/// A segment that may select any number of nodes, and the path from each of them.
#[derive(Debug, Clone, PartialEq)]
struct Branch {
    selectors: Vec<Selector>,
    rest: Path,
}

/// A step of a path to one child at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// To the member of an object with this name.
    Name(NameId),
    /// To the element of an array at this position, from 0.
    Index(u32),
}

/// As [`plan::Selector`].
#[derive(Debug, Clone, PartialEq)]
enum Selector {
    Step(Step),
    /// A position that is counted from the end, or is beyond any array.
    Index(i64),
    Slice {
        start: Option<i64>,
        end: Option<i64>,
        step: i64,
    },
    Wildcard,
    Filter(Condition),
}

impl Path {
    /// Makes the segments of a path ready. `questions` counts the conditions of the plan that start at `$`.
    pub(crate) fn new(segments: &[plan::Segment], questions: &mut usize) -> Self {
        let steps: Vec<Step> = segments.iter().map_while(only_step).collect();
        let branch = segments[steps.len()..].split_first().map(|(segment, rest)| {
            let selectors = segment.selectors.iter();
            Box::new(Branch {
                selectors: selectors.map(|selector| Selector::new(selector, questions)).collect(),
                rest: Self::new(rest, questions),
            })
        });
        Self { steps, branch }
    }

    /// The steps that the path begins with, and the rest.
    pub(crate) fn split(self) -> (Vec<Step>, Self) {
        let rest = Self {
            steps: Vec::new(),
            branch: self.branch,
        };
        (self.steps, rest)
    }

    /// Whether the path is where it starts.
    pub(crate) fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.branch.is_none()
    }
}

/// The step that a segment is, if that is all it is.
fn only_step(segment: &plan::Segment) -> Option<Step> {
    match segment.selectors.as_slice() {
        [selector] => step(selector),
        _ => None,
    }
}

fn step(selector: &plan::Selector) -> Option<Step> {
    match *selector {
        plan::Selector::Name(name) => Some(Step::Name(name)),
        plan::Selector::Index(index) => u32::try_from(index).ok().map(Step::Index),
        _ => None,
    }
}

impl Selector {
    fn new(selector: &plan::Selector, questions: &mut usize) -> Self {
        if let Some(step) = step(selector) {
            return Self::Step(step);
        }
        match selector {
            plan::Selector::Name(name) => Self::Step(Step::Name(*name)),
            plan::Selector::Index(index) => Self::Index(*index),
            plan::Selector::Slice { start, end, step } => Self::Slice {
                start: *start,
                end: *end,
                step: *step,
            },
            plan::Selector::Wildcard => Self::Wildcard,
            plan::Selector::Filter(filter) => Self::Filter(Condition::new(filter, questions)),
        }
    }
}

/// The first node that a path selects from `start`: for a singular path, the only one.
pub(crate) fn first(view: &View<'_>, start: NodeId, path: &Path) -> Option<NodeId> {
    let node = walk(view, start, &path.steps)?;
    match &path.branch {
        None => Some(node),
        Some(branch) => visit_branch(view, node, branch, &mut ControlFlow::Break).break_value(),
    }
}

/// The last node that a path selects from `start`.
pub(crate) fn last(view: &View<'_>, start: NodeId, path: &Path) -> Option<NodeId> {
    let mut last = None;
    each(view, start, path, |node| last = Some(node));
    last
}

/// Appends to `out` the nodes that a path selects from `start`, in order, repeats included.
pub(crate) fn select(view: &View<'_>, start: NodeId, path: &Path, out: &mut Vec<NodeId>) {
    each(view, start, path, |node| out.push(node));
}

/// The node that steps lead to from `start`.
pub(crate) fn walk(view: &View<'_>, start: NodeId, steps: &[Step]) -> Option<NodeId> {
    steps.iter().try_fold(start, |node, step| child(view, node, *step))
}

fn each(view: &View<'_>, start: NodeId, path: &Path, mut visitor: impl FnMut(NodeId)) {
    let everything = visit(view, start, path, &mut |node| {
        visitor(node);
        ControlFlow::Continue(())
    });
    debug_assert!(everything.is_continue(), "the visitor never stops");
}

/// Calls `visitor` for each node that the path selects from `node`, until it breaks.
fn visit<F>(view: &View<'_>, node: NodeId, path: &Path, visitor: &mut F) -> ControlFlow<NodeId>
where
    F: FnMut(NodeId) -> ControlFlow<NodeId>,
{
    match (walk(view, node, &path.steps), &path.branch) {
        (None, _) => ControlFlow::Continue(()),
        (Some(node), None) => visitor(node),
        (Some(node), Some(branch)) => visit_branch(view, node, branch, visitor),
    }
}

fn visit_branch<F>(view: &View<'_>, node: NodeId, branch: &Branch, visitor: &mut F) -> ControlFlow<NodeId>
where
    F: FnMut(NodeId) -> ControlFlow<NodeId>,
{
    for selector in &branch.selectors {
        let mut go_on = |child| visit(view, child, &branch.rest, visitor);
        match selector {
            Selector::Step(step) => child(view, node, *step).map_or(ControlFlow::Continue(()), go_on)?,
            Selector::Index(index) => element(view, node, *index).map_or(ControlFlow::Continue(()), go_on)?,
            Selector::Slice { start, end, step } => {
                slice(view, node, *start, *end, *step).into_iter().try_for_each(go_on)?;
            }
            Selector::Wildcard => view.selection.children(node).try_for_each(go_on)?,
            Selector::Filter(condition) => {
                let mut children = view.selection.children(node);
                children.try_for_each(|child| match condition.holds(view, Some(child)) {
                    true => go_on(child),
                    false => ControlFlow::Continue(()),
                })?;
            }
        }
    }
    ControlFlow::Continue(())
}

/// The element at a position that may be counted from the end.
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
    child(view, node, Step::Index(index))
}

/// The child that a step leads to.
#[inline]
fn child(view: &View<'_>, node: NodeId, step: Step) -> Option<NodeId> {
    if view.node(node).span > LOOKED_AT {
        return child_of_many(view, node, step);
    }
    look_at(view, view.selection.children(node), step)
}

#[inline]
fn look_at(view: &View<'_>, mut children: impl Iterator<Item = NodeId>, step: Step) -> Option<NodeId> {
    match step {
        Step::Name(name) => children.find(|child| view.node(*child).is_named(name)),
        Step::Index(index) => children.find(|child| view.node(*child).is_at(index)),
    }
}

/// The child that a step leads to, where there may be many: of those there is an index, since every row may ask.
#[inline(never)]
fn child_of_many(view: &View<'_>, node: NodeId, step: Step) -> Option<NodeId> {
    let mut children = view.selection.children(node);
    let first = look_at(view, children.by_ref().take(LOOKED_AT as usize), step);
    if first.is_some() || children.next().is_none() {
        return first;
    }
    let key = match step {
        Step::Name(name) => Key::Name(name),
        Step::Index(index) => Key::Element(index),
    };
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

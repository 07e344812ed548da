//! From a document to rows: loops in loops, each column picked once for every element that it depends on.

use tarquet_feature_map::Plan;
use tarquet_feature_map::plan::{Feature, Loop, Origin, Value};

use crate::error::DocumentError;
use crate::filter;
use crate::path;
use crate::selection::NodeId;
use crate::take::Picked;
use crate::view::View;

/// What is done with the rows of a document.
pub(crate) trait RowSink {
    /// A combination of elements of the map's own loops begins, in which the ids' paths pick `ids`. Rows follow.
    fn begin(&mut self, view: &View<'_>, ids: &[Picked]) -> Result<(), DocumentError>;

    /// A row of the feature at position `feature`.
    fn row(&mut self, view: &View<'_>, feature: usize, row: Row<'_>) -> Result<(), DocumentError>;
}

/// One row, before it is typed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'a> {
    /// The element of each loop; `None` for a loop that found nothing.
    pub(crate) scope: &'a [Option<NodeId>],
    /// What the paths of each column pick.
    pub(crate) columns: &'a [Picked],
}

/// Finds the rows of documents. The memory is used again from row to row.
#[derive(Debug)]
pub(crate) struct Rows {
    /// For each feature and each number of loops, the columns that depend on just so many of them.
    levels: Vec<Vec<Vec<usize>>>,
    scope: Vec<Option<NodeId>>,
    ids: Vec<Picked>,
    columns: Vec<Picked>,
    /// For each depth, the elements of the loop there.
    found: Vec<Vec<NodeId>>,
}

impl Rows {
    /// Prepares the loops of `plan`.
    pub(crate) fn new(plan: &Plan) -> Self {
        let most = |count: fn(&Feature) -> usize| plan.features.iter().map(count).max().unwrap_or(0);
        let columns = most(|feature| feature.columns.len());
        let loops = most(|feature| feature.loops.len());
        Self {
            levels: plan.features.iter().map(levels).collect(),
            scope: vec![None; loops],
            ids: plan.ids.iter().map(|_| Picked::default()).collect(),
            columns: (0..columns).map(|_| Picked::default()).collect(),
            found: vec![Vec::new(); loops],
        }
    }

    /// Hands all rows of a document to `sink`, feature by feature. Ends at the first error.
    pub(crate) fn run(&mut self, plan: &Plan, view: &View<'_>, sink: &mut impl RowSink) -> Result<(), DocumentError> {
        (0..plan.features.len()).try_for_each(|feature| self.level(plan, view, feature, 0, sink))
    }

    /// The rows within the elements that the first `depth` loops have.
    fn level(
        &mut self,
        plan: &Plan,
        view: &View<'_>,
        position: usize,
        depth: usize,
        sink: &mut impl RowSink,
    ) -> Result<(), DocumentError> {
        let feature = &plan.features[position];
        let scope = &self.scope[..depth];
        for &column in &self.levels[position][depth] {
            if let Some(value) = feature.columns[column].source.value() {
                pick(view, scope, value, &mut self.columns[column]);
            }
        }
        if depth == plan.shared_loops {
            self.begin(plan, view, sink)?;
        }
        match feature.loops.get(depth) {
            Some(a_loop) => self.elements(plan, view, position, depth, a_loop, sink),
            None => self.row(view, position, feature, sink),
        }
    }

    fn begin(&mut self, plan: &Plan, view: &View<'_>, sink: &mut impl RowSink) -> Result<(), DocumentError> {
        let scope = &self.scope[..plan.shared_loops];
        for (id, picked) in plan.ids.iter().zip(&mut self.ids) {
            if let Some(value) = id.source.value() {
                pick(view, scope, value, picked);
            }
        }
        sink.begin(view, &self.ids)
    }

    /// The rows of each element of the loop at `depth`.
    fn elements(
        &mut self,
        plan: &Plan,
        view: &View<'_>,
        position: usize,
        depth: usize,
        a_loop: &Loop,
        sink: &mut impl RowSink,
    ) -> Result<(), DocumentError> {
        let mut found = std::mem::take(&mut self.found[depth]);
        find(view, innermost(&self.scope[..depth]), a_loop, &mut found);
        if found.is_empty() && plan.features[position].keep_empty {
            self.scope[depth] = None;
            self.level(plan, view, position, depth + 1, sink)?;
        }
        for &element in &found {
            self.scope[depth] = Some(element);
            self.level(plan, view, position, depth + 1, sink)?;
        }
        self.found[depth] = found;
        Ok(())
    }

    fn row(
        &self,
        view: &View<'_>,
        position: usize,
        feature: &Feature,
        sink: &mut impl RowSink,
    ) -> Result<(), DocumentError> {
        let scope = &self.scope[..feature.loops.len()];
        if let Some(condition) = &feature.filter
            && !filter::holds(view, condition, innermost(scope))
        {
            return Ok(());
        }
        sink.row(
            view,
            position,
            Row {
                scope,
                columns: &self.columns[..feature.columns.len()],
            },
        )
    }
}

/// The element of the innermost loop; the document without loops.
fn innermost(scope: &[Option<NodeId>]) -> Option<NodeId> {
    scope.last().copied().unwrap_or(Some(View::ROOT))
}

/// Sorts a feature's columns by how many loops they depend on.
fn levels(feature: &Feature) -> Vec<Vec<usize>> {
    let mut levels = vec![Vec::new(); feature.loops.len() + 1];
    for (at, column) in feature.columns.iter().enumerate() {
        if let Some(value) = column.source.value() {
            levels[depth_of(value)].push(at);
        }
    }
    levels
}

fn depth_of(value: &Value) -> usize {
    let depth = |origin| match origin {
        Origin::Document => 0,
        Origin::Loop(of) => of + 1,
    };
    value.paths.iter().map(|path| depth(path.from)).max().unwrap_or(0)
}

/// Finds a loop's elements: those of the first path that selects any node.
fn find(view: &View<'_>, parent: Option<NodeId>, a_loop: &Loop, found: &mut Vec<NodeId>) {
    found.clear();
    let Some(parent) = parent else { return };
    for path in &a_loop.paths {
        path::select(view, parent, path, found);
        if !found.is_empty() {
            return;
        }
    }
}

/// Picks a value's nodes: those of the first path that selects something other than null; failing that, those of the
/// first that selects anything.
fn pick(view: &View<'_>, scope: &[Option<NodeId>], value: &Value, picked: &mut Picked) {
    picked.bound = false;
    picked.nodes.clear();
    for path in &value.paths {
        let start = match path.from {
            Origin::Document => Some(View::ROOT),
            Origin::Loop(of) => scope[of],
        };
        let Some(start) = start else { continue };
        picked.bound = true;
        let before = picked.nodes.len();
        match &value.take {
            None => picked.nodes.extend(path::walk(view, start, &path.path)),
            Some(_) => path::select(view, start, &path.path, &mut picked.nodes),
        }
        if picked.nodes[before..].iter().any(|node| !view.is_null(*node)) {
            picked.nodes.drain(..before);
            return;
        }
        if before > 0 {
            picked.nodes.truncate(before);
        }
    }
}

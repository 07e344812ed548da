//! From a document to rows: loops in loops, and what is looked for from each element looked for once.
//!
//! Rows are handed over in *chunks*: up to 64 rows of one feature, so that a column's values can be typed and written
//! one after the other.

use tarquet_feature_map::Plan;
use tarquet_feature_map::trie::Trie;

use crate::bits::WORD;
use crate::cells::Cells;
use crate::error::DocumentError;
use crate::level::{Frame, Level};
use crate::lists::{Lists, Mark};
use crate::path::{self, Path};
use crate::program::{FeatureProgram, Layout, LoopProgram, Program};
use crate::scan::Slot;
use crate::selection::{NO_NODE, NodeId};
use crate::view::View;

/// How many rows a chunk has at most: as many as a word has bits, so that a word says which values are there.
pub(crate) const CHUNK_ROWS: usize = WORD;

/// With how many nodes in lists a chunk is handed over before it is full.
const CHUNK_LISTED: usize = 1 << 14;

/// What is done with the rows of a document.
pub(crate) trait RowSink {
    /// Checks the ids of a combination of elements of the map's own loops. Comes at least once for each.
    fn check_ids(&mut self, view: &View<'_>, ids: Chunk<'_>) -> Result<(), DocumentError>;

    /// Rows of the feature at position `feature`, after those before.
    fn rows(&mut self, view: &View<'_>, feature: usize, rows: Chunk<'_>) -> Result<(), DocumentError>;
}

/// Some rows of one feature, before they are typed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chunk<'a> {
    /// Where what is in their frames.
    pub(crate) layout: &'a Layout,
    /// What cells of lists stand for.
    pub(crate) lists: &'a Lists,
    frames: &'a Frame,
}

impl<'a> Chunk<'a> {
    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.frames.len() / self.layout.width
    }

    /// The cell of the first row in a slot.
    pub(crate) fn cell(&self, slot: Slot) -> NodeId {
        self.frames[slot]
    }

    /// The cells in a slot, row by row.
    pub(crate) fn cells(&self, slot: Slot) -> Cells<'a> {
        Cells::of_frames(&self.frames[slot..], self.layout.width)
    }
}

/// Finds the rows of documents. The memory is used again from row to row.
#[derive(Debug)]
pub(crate) struct Rows {
    program: Program,
    /// The cells of the document.
    document: Vec<NodeId>,
    /// The cells of the elements of all loops but the innermost; those of the innermost are empty.
    outer: Vec<NodeId>,
    /// The frames of the rows that have not been handed over.
    frames: Vec<NodeId>,
    lists: Lists,
    /// For each depth, the elements of the loop there.
    found: Vec<Vec<NodeId>>,
}

impl Rows {
    /// Prepares the loops of `plan`.
    pub(crate) fn new(plan: &Plan) -> Self {
        let loops = plan.features.iter().map(|feature| feature.loops.len());
        Self {
            program: Program::new(plan),
            document: Vec::new(),
            outer: Vec::new(),
            frames: Vec::new(),
            lists: Lists::default(),
            found: vec![Vec::new(); loops.max().unwrap_or(0)],
        }
    }

    /// Hands all rows of a document to `sink`, feature by feature. Ends at the first error.
    pub(crate) fn run(&mut self, plan: &Plan, view: &View<'_>, sink: &mut impl RowSink) -> Result<(), DocumentError> {
        let Program {
            document,
            document_width,
            features,
        } = &mut self.program;
        self.lists.clear();
        self.document.clear();
        self.document.resize(*document_width, NO_NODE);
        document.fill(&plan.trie, view, Some(View::ROOT), &mut self.document, &mut self.lists);
        for (position, FeatureProgram { layout, loops }) in features.iter_mut().enumerate() {
            self.outer.clear();
            self.outer.resize(layout.width, NO_NODE);
            for (from, to) in &layout.imports {
                self.outer[*to] = self.document[*from];
            }
            self.frames.clear();
            let walk = Walk {
                trie: &plan.trie,
                view,
                shared_loops: plan.shared_loops,
                position,
                layout,
                outer: &mut self.outer,
                frames: &mut self.frames,
                lists: &mut self.lists,
                sink,
            };
            walk.run(loops, &mut self.found)?;
        }
        Ok(())
    }
}

/// Finds the rows of one feature in one document.
struct Walk<'w, 'v, S> {
    trie: &'w Trie,
    view: &'w View<'v>,
    shared_loops: usize,
    /// The feature's position in the plan.
    position: usize,
    layout: &'w Layout,
    outer: &'w mut Frame,
    frames: &'w mut Vec<NodeId>,
    lists: &'w mut Lists,
    sink: &'w mut S,
}

impl<S: RowSink> Walk<'_, '_, S> {
    fn run(mut self, loops: &mut [LoopProgram], found: &mut [Vec<NodeId>]) -> Result<(), DocumentError> {
        if self.checks_ids_within(0) {
            self.check_ids()?;
        }
        if !loops.is_empty() {
            self.elements(0, Some(View::ROOT), loops, found)?;
        } else if self.passes(Some(View::ROOT)) {
            self.frames.extend_from_slice(self.outer);
        }
        self.hand_over()
    }

    /// The rows of each element that the first of `loops`, at `depth`, finds from `parent`.
    fn elements(
        &mut self,
        depth: usize,
        parent: Option<NodeId>,
        loops: &mut [LoopProgram],
        found: &mut [Vec<NodeId>],
    ) -> Result<(), DocumentError> {
        let (Some((first, inner)), Some((elements, found))) = (loops.split_first_mut(), found.split_first_mut()) else {
            return Ok(());
        };
        find(self.view, parent, &first.paths, elements);
        let nothing = (elements.is_empty() && self.layout.keep_empty).then_some(None);
        let mark = self.lists.mark();
        for element in nothing.into_iter().chain(elements.iter().copied().map(Some)) {
            self.make_room(mark)?;
            if inner.is_empty() {
                self.row(depth, element, &mut first.level)?;
                continue;
            }
            first.level.reset(self.outer);
            first.level.fill(self.trie, self.view, element, self.outer, self.lists);
            if self.checks_ids_within(depth + 1) {
                self.check_ids()?;
            }
            self.elements(depth + 1, element, inner, found)?;
        }
        Ok(())
    }

    /// The row of an element of the innermost loop, which is at `depth`.
    fn row(&mut self, depth: usize, element: Option<NodeId>, level: &mut Level) -> Result<(), DocumentError> {
        let passes = self.passes(element);
        let checks_ids = self.checks_ids_within(depth + 1);
        if !passes && !checks_ids {
            return Ok(());
        }
        let start = self.frames.len();
        self.frames.extend_from_slice(self.outer);
        level.fill(self.trie, self.view, element, &mut self.frames[start..], self.lists);
        if checks_ids {
            let ids = Chunk {
                layout: self.layout,
                lists: self.lists,
                frames: &self.frames[start..],
            };
            self.sink.check_ids(self.view, ids)?;
        }
        if !passes {
            self.frames.truncate(start);
        }
        Ok(())
    }

    /// Whether the innermost element (the document, without loops) is to be a row.
    fn passes(&self, innermost: Option<NodeId>) -> bool {
        let filter = self.layout.filter.as_ref();
        filter.is_none_or(|filter| filter.holds(self.view, innermost))
    }

    /// Whether the ids are known and to be checked when the first `depth` loops have their elements.
    fn checks_ids_within(&self, depth: usize) -> bool {
        self.layout.checks_ids && depth == self.shared_loops
    }

    fn check_ids(&mut self) -> Result<(), DocumentError> {
        let ids = Chunk {
            layout: self.layout,
            lists: self.lists,
            frames: self.outer,
        };
        self.sink.check_ids(self.view, ids)
    }

    /// Hands rows over where there are many, or long lists, and forgets the lists that were added since `mark` once
    /// no row needs them.
    fn make_room(&mut self, mark: Mark) -> Result<(), DocumentError> {
        let full = self.frames.len() == CHUNK_ROWS * self.layout.width;
        if full || self.lists.since(mark) > CHUNK_LISTED {
            self.hand_over()?;
        }
        if self.frames.is_empty() {
            self.lists.roll_back(mark);
        }
        Ok(())
    }

    fn hand_over(&mut self) -> Result<(), DocumentError> {
        if self.frames.is_empty() {
            return Ok(());
        }
        let rows = Chunk {
            layout: self.layout,
            lists: self.lists,
            frames: self.frames,
        };
        self.sink.rows(self.view, self.position, rows)?;
        self.frames.clear();
        Ok(())
    }
}

/// Finds a loop's elements: those of the first path that selects any node.
fn find(view: &View<'_>, parent: Option<NodeId>, paths: &[Path], found: &mut Vec<NodeId>) {
    found.clear();
    let Some(parent) = parent else { return };
    for path in paths {
        path::select(view, parent, path, found);
        if !found.is_empty() {
            return;
        }
    }
}

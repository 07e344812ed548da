//! What is looked for from one element: of one loop, or the document.
//!
//! All that is found goes into a *frame*: one cell for each thing that a row is made of, a node or a list of nodes. A
//! frame is filled loop by loop, from the outermost, so that what depends on outer elements alone is found once.

use tarquet_feature_map::plan;
use tarquet_feature_map::trie::Trie;

use crate::lists::Lists;
use crate::path::{self, Path};
use crate::scan::{Scan, Slot, WASTE};
use crate::selection::{NO_NODE, NodeId};
use crate::view::View;

/// The cells of one row, by slot: [`NO_NODE`], a node, or the id of a list.
pub(crate) type Frame = [NodeId];

/// What is looked for from the element of one loop, or from the document.
#[derive(Debug)]
pub(crate) struct Level {
    /// Where the element itself goes.
    pub(crate) element: Slot,
    scan: Scan,
    picks: Vec<Pick>,
    choices: Vec<Choice>,
    /// All slots that are written here.
    slots: Vec<Slot>,
}

/// The rest of a path, after the steps that it begins with.
#[derive(Debug)]
struct Pick {
    /// Where the node is that the steps lead to.
    start: Slot,
    rest: Path,
    what: What,
    out: Slot,
}

/// What is kept of the nodes that a path selects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// The first.
    First,
    /// The last.
    Last,
    /// The list of them all.
    List,
}

/// The choice between the paths of one value.
#[derive(Debug)]
struct Choice {
    of: Vec<Slot>,
    /// Whether these are lists.
    lists: bool,
    out: Slot,
}

/// Gives slots of a frame, one after the other.
#[derive(Debug)]
pub(crate) struct Slots {
    next: Slot,
}

impl Slots {
    /// The slots of an empty frame.
    pub(crate) fn new() -> Self {
        Self { next: WASTE + 1 }
    }

    /// A new slot.
    pub(crate) fn allocate(&mut self) -> Slot {
        self.next += 1;
        self.next - 1
    }

    /// How many cells a frame needs.
    pub(crate) fn width(&self) -> usize {
        self.next
    }
}

impl Level {
    /// A level at which nothing is looked for but the element.
    pub(crate) fn new(slots: &mut Slots) -> Self {
        let element = slots.allocate();
        Self {
            element,
            scan: Scan::default(),
            picks: Vec::new(),
            choices: Vec::new(),
            slots: vec![element],
        }
    }

    /// Looks for `path`. Gives the slot of what is kept of its nodes.
    pub(crate) fn path(&mut self, path: &plan::Path, what: What, slots: &mut Slots, questions: &mut usize) -> Slot {
        let (steps, rest) = Path::new(&path.segments, questions).split();
        let start = if steps.is_empty() {
            self.element
        } else {
            let own = &mut self.slots;
            self.scan.slot(&steps, || new_slot(slots, own))
        };
        if rest.is_empty() && what != What::List {
            return start;
        }
        let out = new_slot(slots, &mut self.slots);
        self.picks.push(Pick { start, rest, what, out });
        out
    }

    /// Chooses, of the cells `of`, the first that is something other than null; failing that, the first that is
    /// anything. They are of this level or of those before it.
    pub(crate) fn choice(&mut self, of: Vec<Slot>, lists: bool, slots: &mut Slots) -> Slot {
        let out = new_slot(slots, &mut self.slots);
        self.choices.push(Choice { of, lists, out });
        out
    }

    /// Empties the cells of this level.
    pub(crate) fn reset(&self, frame: &mut Frame) {
        self.slots.iter().for_each(|slot| frame[*slot] = NO_NODE);
    }

    /// Fills the cells of this level, which are empty, from `element`; `None` for a loop that found nothing.
    pub(crate) fn fill(
        &mut self,
        trie: &Trie,
        view: &View<'_>,
        element: Option<NodeId>,
        frame: &mut Frame,
        lists: &mut Lists,
    ) {
        if let Some(element) = element {
            frame[self.element] = element;
            self.scan.run(trie, view, element, frame);
            self.picks.iter().for_each(|pick| pick.run(view, frame, lists));
        }
        self.choices.iter().for_each(|choice| choice.run(view, frame, lists));
    }
}

fn new_slot(slots: &mut Slots, own: &mut Vec<Slot>) -> Slot {
    let slot = slots.allocate();
    own.push(slot);
    slot
}

impl Pick {
    fn run(&self, view: &View<'_>, frame: &mut Frame, lists: &mut Lists) {
        let start = Some(frame[self.start]).filter(|node| *node != NO_NODE);
        let found = match self.what {
            What::First => start.and_then(|start| path::first(view, start, &self.rest)),
            What::Last => start.and_then(|start| path::last(view, start, &self.rest)),
            What::List => Some(lists.add(view, |out| {
                if let Some(start) = start {
                    path::select(view, start, &self.rest, out);
                }
            })),
        };
        frame[self.out] = found.unwrap_or(NO_NODE);
    }
}

impl Choice {
    fn run(&self, view: &View<'_>, frame: &mut Frame, lists: &Lists) {
        let rank = |cell: NodeId| match (cell, self.lists) {
            (NO_NODE, _) => 0,
            (list, true) if lists.any(list) => 3,
            (list, true) => 1 + u8::from(!lists.nodes(list).is_empty()),
            (node, false) => 2 + u8::from(!view.is_null(node)),
        };
        let mut best = (0, NO_NODE);
        for slot in &self.of {
            let cell = frame[*slot];
            let rank = rank(cell);
            if rank > best.0 {
                best = (rank, cell);
            }
            if rank == 3 {
                break;
            }
        }
        frame[self.out] = best.1;
    }
}

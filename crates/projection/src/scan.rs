//! Singular paths from one node, all found in one pass over what is below it.
//!
//! A place of the trie stands for one sequence of steps from the document, so below a node of a known place, a path of
//! names and positions leads to exactly the nodes of one other place. For each place that an element can have, a table
//! says of every place that can be met below it whether to go down, to step over the whole subtree, or to note the
//! node. Two nodes below one element never have a place that a table notes: names are kept once, positions are unique.
//!
//! The pass meets all children that were kept of the nodes it goes down to, whoever wanted them. Where these can be
//! many more than the paths look for, the paths are walked one by one instead.

use tarquet_feature_map::plan::NameId;
use tarquet_feature_map::trie::{Trie, TrieId, TrieNode};

use crate::path::{self, Step};
use crate::selection::{NO_NODE, Node, NodeId};
use crate::view::View;

/// A place in a frame, the cells that one row is made of.
pub(crate) type Slot = usize;

/// The slot that nothing reads: nodes that nobody looks for are noted there, which is cheaper than to ask.
pub(crate) const WASTE: Slot = 0;

/// How many places a pass may meet for each of the paths that it looks for.
const MET_PER_PATH: usize = 8;

/// As how many places a wildcard counts, whose nodes may be any number.
const WILDCARD: usize = 32;

/// How far apart, for each path, the places may be that a pass meets: the size of its table.
const WIDTH_PER_PATH: usize = 64;

/// The singular paths that are looked for from one kind of element.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    targets: Vec<Target>,
    /// How to find them, by the element's place, ascending.
    tables: Vec<(TrieId, Option<Table>)>,
    /// Which table was used last.
    last: usize,
}

/// A path and where the node goes that it leads to.
#[derive(Debug)]
struct Target {
    steps: Vec<Step>,
    slot: Slot,
}

/// What to do at each place that can be met.
#[derive(Debug)]
struct Table {
    /// The first place of the table.
    base: u32,
    actions: Vec<Action>,
}

/// The slot in which a node is noted, and whether to go down to its children.
#[derive(Debug, Clone, Copy, Default)]
struct Action {
    slot: u32,
    descend: bool,
}

impl Scan {
    /// The slot of the node that `steps`, at least one, lead to; `allocate` gives a new one.
    pub(crate) fn slot(&mut self, steps: &[Step], allocate: impl FnOnce() -> Slot) -> Slot {
        if let Some(known) = self.targets.iter().find(|target| target.steps == steps) {
            return known.slot;
        }
        let slot = allocate();
        self.targets.push(Target {
            steps: steps.to_vec(),
            slot,
        });
        slot
    }

    /// Notes in `frame`, whose slots of the paths are empty, what the paths lead to from `element`.
    pub(crate) fn run(&mut self, trie: &Trie, view: &View<'_>, element: NodeId, frame: &mut [NodeId]) {
        if self.targets.is_empty() {
            return;
        }
        match self.table(trie, view.node(element).place) {
            Some(table) => table.run(view.selection.nodes(), element, frame),
            None => self.walk(view, element, frame),
        }
    }

    fn table(&mut self, trie: &Trie, place: TrieId) -> Option<&Table> {
        if self.tables.get(self.last).is_none_or(|(known, _)| *known != place) {
            let found = self.tables.binary_search_by_key(&place, |(known, _)| *known);
            self.last = found.unwrap_or_else(|at| {
                let table = Table::new(trie, place, &self.targets);
                self.tables.insert(at, (place, table));
                at
            });
        }
        self.tables[self.last].1.as_ref()
    }

    fn walk(&self, view: &View<'_>, element: NodeId, frame: &mut [NodeId]) {
        for Target { steps, slot } in &self.targets {
            let end = steps.iter().try_fold(element, |node, step| path::child(view, node, *step));
            frame[*slot] = end.unwrap_or(NO_NODE);
        }
    }
}

impl Table {
    /// The table for elements at `place`, if a pass is the way to find the targets there.
    fn new(trie: &Trie, place: TrieId, targets: &[Target]) -> Option<Self> {
        let mut actions = Actions {
            trie,
            known: Vec::new(),
        };
        for target in targets {
            actions.add(place, target)?;
        }
        actions.table(place, targets.len())
    }

    fn run(&self, nodes: &[Node], element: NodeId, frame: &mut [NodeId]) {
        let end = element + nodes[element as usize].span;
        let mut at = element + 1;
        while at < end {
            let node = &nodes[at as usize];
            let action = self.actions[node.place.0.wrapping_sub(self.base) as usize];
            frame[action.slot as usize] = at;
            at += if action.descend { 1 } else { node.span };
        }
    }
}

/// The actions of a table that is being made.
struct Actions<'t> {
    trie: &'t Trie,
    /// Each place once.
    known: Vec<(TrieId, Action)>,
}

impl Actions<'_> {
    /// Adds the way to a target; `None` if its nodes share their place with others.
    fn add(&mut self, place: TrieId, target: &Target) -> Option<()> {
        let mut at = place;
        for step in &target.steps {
            self.of(at).descend = true;
            match next(self.trie.node(at), *step) {
                Next::Place(place) => at = place,
                Next::Nowhere => return Some(()),
                Next::Shared => return None,
            }
        }
        self.of(at).slot = target.slot as u32;
        Some(())
    }

    fn of(&mut self, place: TrieId) -> &mut Action {
        let at = self.known.iter().position(|(known, _)| *known == place);
        let at = at.unwrap_or_else(|| {
            self.known.push((place, Action::default()));
            self.known.len() - 1
        });
        &mut self.known[at].1
    }

    fn table(&self, element: TrieId, targets: usize) -> Option<Table> {
        let entered = self.known.iter().filter(|(_, action)| action.descend);
        let entered = entered.map(|(place, _)| self.trie.node(*place));
        let met: usize = entered.clone().map(breadth).sum();
        let places = || entered.clone().flat_map(children);
        let base = places().map(|place| place.0).min().unwrap_or(0);
        let width = places().map(|place| (place.0 - base) as usize + 1).max().unwrap_or(0);
        if met > MET_PER_PATH * targets + WILDCARD || width > WIDTH_PER_PATH * (targets + 4) {
            return None;
        }
        let mut actions = vec![Action::default(); width];
        for (place, action) in self.known.iter().filter(|(place, _)| *place != element) {
            actions[(place.0 - base) as usize] = *action;
        }
        Some(Table { base, actions })
    }
}

/// Where a step leads from a place.
enum Next {
    Place(TrieId),
    /// Nothing is ever kept there.
    Nowhere,
    /// To a place that other nodes have too.
    Shared,
}

fn next(node: &TrieNode, step: Step) -> Next {
    let place = |found: Option<TrieId>| found.map_or(Next::Nowhere, Next::Place);
    match step {
        Step::Name(name) => place(find(&node.names, name)),
        Step::Index(index) => match (find(&node.indices, u64::from(index)), node.element) {
            (None, Some(_)) => Next::Shared,
            (found, _) => place(found),
        },
    }
}

fn find<K: Ord + Copy>(edges: &[(K, TrieId)], key: K) -> Option<TrieId> {
    let at = edges.binary_search_by_key(&key, |(key, _)| *key).ok()?;
    Some(edges[at].1)
}

/// The places that the children of a node can have.
fn children(node: &TrieNode) -> impl Iterator<Item = TrieId> {
    let names = node.names.iter().map(|(_, place): &(NameId, TrieId)| *place);
    let indices = node.indices.iter().map(|(_, place)| *place);
    names.chain(indices).chain(node.member).chain(node.element)
}

/// How many children a node may be expected to have, at most.
fn breadth(node: &TrieNode) -> usize {
    let wildcards = usize::from(node.member.is_some()) + usize::from(node.element.is_some());
    node.names.len() + node.indices.len() + WILDCARD * wildcards
}

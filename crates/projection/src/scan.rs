//! Singular paths from one node, all found in one pass over what is below it.
//!
//! A place of the trie stands for one sequence of steps from the document, so below a node of a known place, a path of
//! names and positions leads to exactly the nodes of one other place. For each place that an element can have, a table
//! says of every place that can be met below it whether to go down, to step over the whole subtree, or to note the
//! node. Two nodes below one element never have a place that a table notes: names are kept once, positions are unique.
//!
//! The pass meets all children that were kept of the nodes it goes down to, whoever wanted them. Where these can be
//! many more than the paths look for, the paths are walked one by one instead.

use std::collections::HashMap;

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

/// How large a table may be however few the paths.
const WIDTH: usize = 256;

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
            frame[*slot] = path::walk(view, element, steps).unwrap_or(NO_NODE);
        }
    }
}

impl Table {
    /// The table for elements at `place`, if a pass is the way to find the targets there.
    fn new(trie: &Trie, place: TrieId, targets: &[Target]) -> Option<Self> {
        let mut actions = Actions {
            trie,
            known: HashMap::new(),
        };
        for target in targets {
            actions.add(place, target)?;
        }
        actions.pays(targets.len()).then(|| actions.table(place))
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
    known: HashMap<TrieId, Action>,
}

impl Actions<'_> {
    /// Adds the way to a target; `None` if its nodes share their place with others.
    fn add(&mut self, place: TrieId, target: &Target) -> Option<()> {
        let mut at = place;
        for step in &target.steps {
            self.known.entry(at).or_default().descend = true;
            match next(self.trie.node(at), *step) {
                Next::Place(place) => at = place,
                Next::Nowhere => return Some(()),
                Next::Shared => return None,
            }
        }
        self.known.entry(at).or_default().slot = target.slot as u32;
        Some(())
    }

    /// The places that can be met.
    fn met(&self) -> impl Iterator<Item = TrieId> + Clone {
        let entered = self.known.iter().filter(|(_, action)| action.descend);
        entered.flat_map(|(place, _)| children(self.trie.node(*place)))
    }

    /// The first of the places that can be met, and how many there are from it to the last.
    fn range(&self) -> (u32, usize) {
        let places = || self.met().map(|place| place.0);
        let base = places().min().unwrap_or(0);
        let last = places().max().unwrap_or(0);
        (base, (last - base) as usize + 1)
    }

    /// Whether a pass is the way to find so many targets.
    fn pays(&self, targets: usize) -> bool {
        let entered = self.known.iter().filter(|(_, action)| action.descend);
        let nodes: usize = entered.map(|(place, _)| breadth(self.trie.node(*place))).sum();
        let (_, width) = self.range();
        nodes <= MET_PER_PATH * targets + WILDCARD && width <= WIDTH_PER_PATH * targets + WIDTH
    }

    fn table(&self, element: TrieId) -> Table {
        let (base, width) = self.range();
        let mut actions = vec![Action::default(); width];
        for (place, action) in self.known.iter().filter(|(place, _)| **place != element) {
            actions[(place.0 - base) as usize] = *action;
        }
        Table { base, actions }
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
fn children(node: &TrieNode) -> impl Iterator<Item = TrieId> + Clone {
    let names = node.names.iter().map(|(_, place): &(NameId, TrieId)| *place);
    let indices = node.indices.iter().map(|(_, place)| *place);
    names.chain(indices).chain(node.member).chain(node.element)
}

/// How many children a node may be expected to have, as an object or as an array.
fn breadth(node: &TrieNode) -> usize {
    let wildcard = |place: Option<TrieId>| if place.is_some() { WILDCARD } else { 0 };
    let members = node.names.len() + wildcard(node.member);
    members.max(node.indices.len() + wildcard(node.element))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;
    use tarquet_feature_map::Plan;
    use tarquet_feature_map::plan::ColumnSource;

    use super::*;
    use crate::engine::Engine as _;
    use crate::matcher::Matcher;
    use crate::memo::Memo;
    use crate::path::Path;
    use crate::reference::Reference;
    use crate::selection::Selection;

    /// Small documents, with names that come twice, over the names that paths mention.
    fn document() -> impl Strategy<Value = String> {
        let leaf = select(vec!["1", "null", "\"x\"", "[]", "{}", "[7, null]"]).prop_map(str::to_owned);
        leaf.prop_recursive(5, 80, 5, |inner| {
            let member = (select(vec!["a", "b", "c", "d"]), inner.clone());
            let member = member.prop_map(|(name, value)| format!("\"{name}\": {value}"));
            prop_oneof![
                prop::collection::vec(inner, 0..5).prop_map(|elements| format!("[{}]", elements.join(", "))),
                prop::collection::vec(member, 0..6).prop_map(|members| format!("{{{}}}", members.join(", "))),
            ]
        })
    }

    /// Maps of one loop, of singular paths from its element, and of other paths that lead to the same places.
    fn map() -> impl Strategy<Value = String> {
        let a_loop = select(vec![
            "$",
            "$[*]",
            "$.*",
            "$.a[*]",
            "$[*][*]",
            "$['a','b']",
            "$[0,1,1]",
            "$[1:]",
            "$[*]['a',0]",
        ]);
        let step = select(vec![".a", ".b", ".c", "[0]", "[1]", "[2]"]);
        let path = prop::collection::vec(step, 1..4).prop_map(|steps| format!("l{}", steps.concat()));
        let other = select(vec![
            "l.*",
            "l[*].a",
            "l.a[*]",
            "l.a.*",
            "l[1:]",
            "l.b[?@.a]",
            "$.*.b",
            "$[1]['a','d']",
            "$[*][*][*]",
            "l['a','b'][0]",
        ]);
        let others = prop::collection::vec(other, 0..4);
        (a_loop, prop::collection::vec(path, 1..6), others).prop_map(|(a_loop, paths, others)| {
            let singular = paths.iter().map(|path| format!("path: \"{path}\", type: json"));
            let others = others.iter().map(|path| format!("path: \"{path}\", take: count"));
            let columns = singular.chain(others).enumerate();
            let columns: Vec<String> = columns.map(|(at, column)| format!("c{at}: {{{column}}}")).collect();
            format!(
                "{{version: 1, id: file, features: {{f: {{for: {{l: \"{a_loop}\"}}, columns: {{{}}}}}}}}}",
                columns.join(", ")
            )
        })
    }

    fn scan(plan: &Plan) -> (Scan, usize) {
        let mut scan = Scan::default();
        let mut next = WASTE + 1;
        for column in &plan.features[0].columns {
            let ColumnSource::Value(value) = &column.source else {
                continue;
            };
            let path = &value.paths[0].path;
            if path.is_singular() {
                let (steps, _) = Path::new(&path.segments, &mut 0).split();
                let slot = scan.slot(&steps, || next);
                next = next.max(slot + 1);
            }
        }
        (scan, next)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

        /// Also where a pass would not pay.
        #[test]
        fn one_pass_finds_what_the_paths_lead_to(map in map(), document in document()) {
            let plan = tarquet_feature_map::parse("map.yaml", &map).expect("a map");
            let mut engine = Reference::default();
            let mut selection = Selection::default();
            engine.select(document.as_bytes(), &Matcher::new(&plan), &mut selection).expect("a document");
            let view = View { document: document.as_bytes(), selection: &selection, offsets: &engine, memo: &Memo::default() };
            let (scan, width) = scan(&plan);
            let mut elements = Vec::new();
            let a_loop = &plan.features[0].loops[0];
            path::select(&view, View::ROOT, &Path::new(&a_loop.paths[0].segments, &mut 0), &mut elements);
            for element in elements {
                let [mut passed, mut walked] = [vec![NO_NODE; width], vec![NO_NODE; width]];
                let place = view.node(element).place;
                let mut actions = Actions { trie: &plan.trie, known: HashMap::new() };
                for target in &scan.targets {
                    prop_assert_eq!(actions.add(place, target), Some(()), "every index of a path has a place of its own");
                }
                actions.table(place).run(selection.nodes(), element, &mut passed);
                scan.walk(&view, element, &mut walked);
                passed[WASTE] = NO_NODE;
                prop_assert_eq!(&passed, &walked, "{}\n{}", map, document);
            }
        }
    }

    #[test]
    fn a_pass_is_made_where_it_pays() {
        let cases = [
            ("c0: {path: l.a, type: json}, c1: {path: l.b.c, type: json}", true),
            (
                "c0: {path: 'l[0].a', type: json}, c1: {path: 'l[*].b', take: count}",
                true,
            ),
            (
                "c0: {path: l.a.b.c, type: json}, c1: {path: 'l.*.*.*', take: count}",
                false,
            ),
        ];
        for (columns, pays) in cases {
            let map =
                format!("{{version: 1, id: file, features: {{f: {{for: {{l: '$[*]'}}, columns: {{{columns}}}}}}}}}");
            let plan = tarquet_feature_map::parse("map.yaml", &map).expect("a map");
            let (scan, _) = scan(&plan);
            let place = plan.trie.node(Trie::ROOT).element.expect("elements are wanted");
            assert_eq!(
                Table::new(&plan.trie, place, &scan.targets).is_some(),
                pays,
                "{columns}"
            );
        }
    }
}

//! Merges every path of a plan into its [`Trie`].
//!
//! First the paths go into a tree of requests in which a name and a wildcard may both lead to the same member; then
//! that tree is made deterministic, by the subset construction: a node of the trie stands for all requests that the
//! walk may be in there at once.

use std::collections::BTreeMap;

use crate::plan::{
    ColumnType, Feature, Filter, FilterRoot, NameId, Origin, Path, Plan, Segment, Selector, Take, Value,
};
use crate::trie::{Trie, TrieId, TrieNode};

/// The most nodes that a trie may have. Maps that people write have some hundreds; unions of names with wildcards,
/// many levels deep, would need exponentially many.
pub const MAX_NODES: usize = 1 << 16;

/// How deep a trie may be: no deeper than documents may nest.
pub const MAX_DEPTH: usize = 1024;

/// Why the paths of a map make no trie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TrieError {
    /// They need more than [`MAX_NODES`] nodes.
    #[error("the paths of the map lead to more than {MAX_NODES} places in a document")]
    TooManyPlaces,
    /// One of them, with the loops it starts at, has more than [`MAX_DEPTH`] segments.
    #[error("a path of the map leads deeper than {MAX_DEPTH} levels, and no document may nest so deep")]
    TooDeep,
}

impl Trie {
    /// Merges every path of `plan`.
    ///
    /// # Errors
    ///
    /// When the result would have more than [`MAX_NODES`] nodes, or more than [`MAX_DEPTH`] levels.
    pub fn compile(plan: &Plan) -> Result<Self, TrieError> {
        let mut requests = Requests {
            nodes: vec![Request::default()],
        };
        requests.add_plan(plan)?;
        let mut trie = Self::default();
        requests.merge(&[Requests::ROOT], &mut trie)?;
        Ok(trie)
    }
}

/// The paths as a tree, not yet deterministic.
struct Requests {
    nodes: Vec<Request>,
}

#[derive(Default)]
struct Request {
    names: BTreeMap<NameId, usize>,
    member: Option<usize>,
    indices: BTreeMap<u64, usize>,
    element: Option<usize>,
    value: bool,
    /// How many steps lead here from the document.
    depth: usize,
}

/// A step from one node of [`Requests`] to another.
#[derive(Clone, Copy)]
enum Step {
    Name(NameId),
    Member,
    Index(u64),
    Element,
}

/// The nodes at which a path may be, ascending, each once.
type Frontier = Vec<usize>;

impl Requests {
    const ROOT: usize = 0;

    fn add_plan(&mut self, plan: &Plan) -> Result<(), TrieError> {
        for feature in &plan.features {
            let loops = self.add_loops(feature)?;
            let innermost = loops.last().cloned().unwrap_or_else(|| vec![Self::ROOT]);
            if let Some(filter) = &feature.filter {
                self.add_filter(&innermost, filter)?;
            }
            for value in feature.columns.iter().filter_map(|column| column.source.value()) {
                self.add_value(&loops, value)?;
            }
            // The map's own loops come first in every feature, so the ids' origins mean the same in each of them.
            for value in plan.ids.iter().filter_map(|id| id.source.value()) {
                self.add_value(&loops, value)?;
            }
        }
        Ok(())
    }

    /// Adds a feature's loops and gives the frontier of each.
    fn add_loops(&mut self, feature: &Feature) -> Result<Vec<Frontier>, TrieError> {
        let mut frontiers: Vec<Frontier> = Vec::with_capacity(feature.loops.len());
        for a_loop in &feature.loops {
            let start = frontiers.last().cloned().unwrap_or_else(|| vec![Self::ROOT]);
            let mut frontier = Frontier::new();
            for path in &a_loop.paths {
                frontier.extend(self.add_path(&start, path)?);
            }
            frontiers.push(sorted(frontier));
        }
        Ok(frontiers)
    }

    fn add_value(&mut self, loops: &[Frontier], value: &Value) -> Result<(), TrieError> {
        for path in &value.paths {
            let root = vec![Self::ROOT];
            let start = match path.from {
                Origin::Document => &root,
                Origin::Loop(of) => &loops[of],
            };
            let ends = self.add_path(start, &path.path)?;
            self.mark(&ends);
            if reads_elements(value) {
                let elements = self.step(&ends, Step::Element)?;
                self.mark(&elements);
            }
        }
        Ok(())
    }

    fn add_path(&mut self, start: &Frontier, path: &Path) -> Result<Frontier, TrieError> {
        let mut frontier = start.clone();
        for segment in &path.segments {
            frontier = self.add_segment(&frontier, segment)?;
        }
        Ok(frontier)
    }

    fn add_segment(&mut self, start: &Frontier, segment: &Segment) -> Result<Frontier, TrieError> {
        let mut frontier = Frontier::new();
        for selector in &segment.selectors {
            let steps: &[Step] = match *selector {
                Selector::Name(name) => &[Step::Name(name)],
                Selector::Index(index) => match u64::try_from(index) {
                    Ok(index) => &[Step::Index(index)],
                    Err(_) => &[Step::Element],
                },
                Selector::Slice { step: 0, .. } => &[],
                Selector::Slice { .. } => &[Step::Element],
                Selector::Wildcard | Selector::Filter(_) => &[Step::Member, Step::Element],
            };
            let mut selected = Frontier::new();
            for &step in steps {
                selected.extend(self.step(start, step)?);
            }
            if let Selector::Filter(filter) = selector {
                self.add_filter(&selected, filter)?;
            }
            frontier.extend(selected);
        }
        Ok(sorted(frontier))
    }

    /// Adds the paths of a filter over the nodes `current`.
    fn add_filter(&mut self, current: &Frontier, filter: &Filter) -> Result<(), TrieError> {
        let path = match filter {
            Filter::And(filters) | Filter::Or(filters) => {
                return filters.iter().try_for_each(|filter| self.add_filter(current, filter));
            }
            Filter::Not(filter) => return self.add_filter(current, filter),
            Filter::Exists(path) | Filter::Compare { path, .. } => path,
        };
        let root = vec![Self::ROOT];
        let start = match path.root {
            FilterRoot::Current => current,
            FilterRoot::Document => &root,
        };
        let ends = self.add_path(start, &path.path)?;
        self.mark(&ends);
        Ok(())
    }

    fn mark(&mut self, ends: &Frontier) {
        for &end in ends {
            self.nodes[end].value = true;
        }
    }

    /// The nodes that one step leads to, made where they are not there yet.
    fn step(&mut self, from: &Frontier, step: Step) -> Result<Frontier, TrieError> {
        from.iter().map(|&node| self.child(node, step)).collect()
    }

    fn child(&mut self, node: usize, step: Step) -> Result<usize, TrieError> {
        let next = self.nodes.len();
        let node = &mut self.nodes[node];
        let depth = node.depth + 1;
        let child = match step {
            Step::Name(name) => *node.names.entry(name).or_insert(next),
            Step::Member => *node.member.get_or_insert(next),
            Step::Index(index) => *node.indices.entry(index).or_insert(next),
            Step::Element => *node.element.get_or_insert(next),
        };
        if child == next {
            if next == MAX_NODES {
                return Err(TrieError::TooManyPlaces);
            }
            if depth > MAX_DEPTH {
                return Err(TrieError::TooDeep);
            }
            self.nodes.push(Request {
                depth,
                ..Request::default()
            });
        }
        Ok(child)
    }

    /// Adds one node to `trie` that stands for all of `set`, and everything under it.
    fn merge(&self, set: &[usize], trie: &mut Trie) -> Result<TrieId, TrieError> {
        if trie.nodes.len() == MAX_NODES {
            return Err(TrieError::TooManyPlaces);
        }
        let id = TrieId(trie.nodes.len() as u32);
        trie.nodes.push(TrieNode::default());

        let nodes = || set.iter().map(|&node| &self.nodes[node]);
        let members: Frontier = nodes().filter_map(|node| node.member).collect();
        let elements: Frontier = nodes().filter_map(|node| node.element).collect();
        let mut names = BTreeMap::new();
        let mut indices = BTreeMap::new();
        for node in nodes() {
            for (&name, &child) in &node.names {
                names.entry(name).or_insert_with(|| members.clone()).push(child);
            }
            for (&index, &child) in &node.indices {
                indices.entry(index).or_insert_with(|| elements.clone()).push(child);
            }
        }

        let mut merged = TrieNode {
            value: nodes().any(|node| node.value),
            ..TrieNode::default()
        };
        for (name, children) in names {
            merged.names.push((name, self.merge(&children, trie)?));
        }
        for (index, children) in indices {
            merged.indices.push((index, self.merge(&children, trie)?));
        }
        if !members.is_empty() {
            merged.member = Some(self.merge(&members, trie)?);
        }
        if !elements.is_empty() {
            merged.element = Some(self.merge(&elements, trie)?);
        }
        trie.nodes[id.0 as usize] = merged;
        Ok(id)
    }
}

/// Whether an array at the end of the value's paths may be read as a list, so that its elements are needed too.
fn reads_elements(value: &Value) -> bool {
    match (&value.take, value.ty) {
        // The matches themselves are the elements, are only counted, or are joined.
        (Some(Take::List | Take::Count | Take::Join { .. }), _) => false,
        (_, None | Some(ColumnType::List(_))) => true,
        (_, Some(ColumnType::Scalar(_))) => false,
    }
}

fn sorted(mut frontier: Frontier) -> Frontier {
    frontier.sort_unstable();
    frontier.dedup();
    frontier
}

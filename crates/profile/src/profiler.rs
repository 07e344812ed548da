//! From documents to a profile.

use std::collections::HashMap;

use tarquet_feature_map::Seen;
use tarquet_projection::{Container, DocumentError, DocumentWalk, EngineKind, Visitor};

use crate::node::NodeId;
use crate::profile::{MAX_DEPTH, MAX_NODES, Profile};

/// Looks at documents.
pub struct Profiler {
    walk: DocumentWalk,
    growing: Growing,
}

impl Profiler {
    /// One that has seen nothing, and has documents judged by `engine`.
    ///
    /// # Panics
    ///
    /// As [`DocumentWalk::new`].
    pub fn new(engine: EngineKind) -> Profiler {
        Profiler {
            walk: DocumentWalk::new(engine),
            growing: Growing::default(),
        }
    }

    /// Looks at a document.
    ///
    /// # Errors
    ///
    /// When it is not valid JSON; then it counts for nothing.
    pub fn add(&mut self, document: &[u8]) -> Result<(), DocumentError> {
        self.walk.visit(document, &mut self.growing)?;
        self.growing.end_document();
        self.growing.shrink();
        Ok(())
    }

    /// How many documents were looked at since the last [`take`](Profiler::take).
    pub fn documents(&self) -> u64 {
        self.growing.profile.documents()
    }

    /// What was found since the last time, and forgets it.
    pub fn take(&mut self) -> Profile {
        std::mem::take(&mut self.growing).profile
    }
}

/// The profile, and where in it the document at hand is.
#[derive(Default)]
struct Growing {
    profile: Profile,
    open: Vec<Open>,
    /// Containers that are open and nested too deep to be looked at.
    deeper: usize,
    /// The node of the value to come, where it is a member.
    named: Option<NodeId>,
    /// With how many nodes it is tried again to make them fewer.
    shrink_at: usize,
    /// Members of nodes that have many, by their names.
    positions: HashMap<NodeId, HashMap<String, NodeId>>,
}

/// A container that is not at its end.
struct Open {
    node: NodeId,
    kind: Container,
    /// How many values it has so far.
    len: u64,
    /// Where in the node's members the next name is expected.
    next: usize,
}

/// From so many members on, names are looked up in a table.
const MANY: usize = 16;

/// From so many paths on, objects that look like maps are folded before others have seen more of them: there may be as many
/// paths in each part of an archive, and each part is sent.
const MANY_PATHS: usize = 5_000;

impl Growing {
    /// Folds what looks like a map, if there are many paths.
    fn shrink(&mut self) {
        if self.profile.len() > self.shrink_at.max(MANY_PATHS) {
            self.profile.fold_clear(MAX_NODES / 2);
            // Nodes have other places now.
            self.positions.clear();
            self.shrink_at = 2 * self.profile.len();
        }
    }

    fn end_document(&mut self) {
        self.profile.add_document();
        self.open.clear();
        self.deeper = 0;
        self.named = None;
    }

    /// The node of the value to come.
    fn place(&mut self) -> NodeId {
        match self.open.last_mut() {
            None => self.profile.root(),
            Some(open) if open.kind == Container::Array => {
                open.len += 1;
                self.profile.element_of(open.node)
            }
            // A name comes before each.
            Some(_) => self.named.take().unwrap_or_else(|| self.profile.root()),
        }
    }

    /// The node of a member of the object that is open.
    fn member(&mut self, name: &str) -> Option<NodeId> {
        let open = self.open.last_mut()?;
        open.len += 1;
        let node = self.profile.node(open.node);
        if let Some(any) = node.any {
            self.profile.node_mut(open.node).add_key(name);
            return Some(any);
        }
        // Most objects have their names in the same order.
        if let Some((_, child)) = node.members.get(open.next).filter(|(known, _)| known == name) {
            open.next += 1;
            return Some(*child);
        }
        let found = if node.members.len() < MANY {
            let position = node.members.iter().position(|(known, _)| known == name);
            position.map(|at| {
                open.next = at + 1;
                node.members[at].1
            })
        } else {
            let known = self
                .positions
                .entry(open.node)
                .or_insert_with(|| node.members.iter().cloned().collect());
            known.get(name).copied()
        };
        if found.is_some() {
            return found;
        }
        let child = self.profile.add_member(open.node, name);
        match self.profile.node(open.node).any {
            // Those that were told apart are no nodes any more; nobody looks for them.
            Some(_) => drop(self.positions.remove(&open.node)),
            None => {
                open.next = self.profile.node(open.node).members.len();
                if let Some(known) = self.positions.get_mut(&open.node) {
                    known.insert(name.to_owned(), child);
                }
            }
        }
        Some(child)
    }
}

impl Visitor for Growing {
    fn scalar(&mut self, seen: Seen, text: &[u8]) {
        if self.deeper == 0 {
            let id = self.place();
            self.profile.node_mut(id).add_scalar(seen, text);
        }
    }

    fn open(&mut self, kind: Container) {
        if self.deeper > 0 || self.open.len() == MAX_DEPTH {
            if self.deeper == 0 {
                self.place();
            }
            self.deeper += 1;
            return;
        }
        let node = self.place();
        self.open.push(Open {
            node,
            kind,
            len: 0,
            next: 0,
        });
    }

    fn name(&mut self, name: &[u8]) {
        if self.deeper == 0 {
            self.named = self.member(&String::from_utf8_lossy(name));
        }
    }

    fn close(&mut self) {
        if self.deeper > 0 {
            self.deeper -= 1;
            return;
        }
        let Some(Open { node, kind, len, .. }) = self.open.pop() else {
            return;
        };
        let node = self.profile.node_mut(node);
        match kind {
            Container::Array => {
                node.kinds.arrays += 1;
                node.lengths.add(len);
            }
            Container::Object => {
                node.kinds.objects += 1;
                node.sizes.add(len);
            }
        }
    }
}

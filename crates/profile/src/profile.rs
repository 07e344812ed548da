//! The tree of paths.

use std::collections::HashMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use tarquet_feature_map::writing::member_step;

use crate::node::{Node, NodeId};

/// How many names of an object's members are told apart.
pub const MAX_MEMBERS: usize = 1_000;

/// How many paths are told apart, about: beyond, objects are folded that are not yet known.
pub const MAX_NODES: usize = 100_000;

/// Values that are nested deeper are not looked at.
pub const MAX_DEPTH: usize = 64;

/// What was found in documents, path by path.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Nodes", into = "Nodes")]
pub struct Profile {
    /// Documents that were looked at.
    documents: u64,
    /// The root comes first.
    nodes: Vec<Node>,
}

/// A profile as it travels: a node's children come behind it, each node once.
#[derive(Serialize, Deserialize)]
struct Nodes {
    documents: u64,
    nodes: Vec<Node>,
}

/// What was received is no profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

impl fmt::Display for Malformed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("these nodes are no tree")
    }
}

impl std::error::Error for Malformed {}

impl From<Profile> for Nodes {
    fn from(profile: Profile) -> Nodes {
        let Profile { documents, nodes } = profile.in_order();
        Nodes { documents, nodes }
    }
}

impl TryFrom<Nodes> for Profile {
    type Error = Malformed;

    fn try_from(Nodes { documents, nodes }: Nodes) -> Result<Profile, Malformed> {
        let mut depths = vec![None; nodes.len()];
        *depths.first_mut().ok_or(Malformed)? = Some(0);
        for (id, node) in nodes.iter().enumerate() {
            let depth = depths[id].ok_or(Malformed)?;
            if depth > MAX_DEPTH {
                return Err(Malformed);
            }
            for child in node.children() {
                match depths.get_mut(child as usize) {
                    Some(free @ None) if child as usize > id => *free = Some(depth + 1),
                    _ => return Err(Malformed),
                }
            }
        }
        Ok(Profile { documents, nodes })
    }
}

impl Default for Profile {
    fn default() -> Profile {
        Profile {
            documents: 0,
            nodes: vec![Node::default()],
        }
    }
}

/// The last step of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'p> {
    /// None: the document.
    Root,
    /// The member of this name.
    Member(&'p str),
    /// Any member.
    AnyMember,
    /// Any element.
    Element,
}

impl fmt::Display for Step<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Root => out.write_str("$"),
            Step::Member(name) => out.write_str(&member_step(name)),
            Step::AnyMember => out.write_str(".*"),
            Step::Element => out.write_str("[*]"),
        }
    }
}

/// A path of a profile, as it is listed.
#[derive(Debug, Clone)]
pub struct Entry<'p> {
    /// The path, as a feature map has it.
    pub path: String,
    /// Its last step.
    pub step: Step<'p>,
    /// How many steps it has.
    pub depth: usize,
    /// Whether nothing comes behind it below the same path, from the first step to the last: what a drawing of the tree needs.
    pub is_last: Vec<bool>,
    /// What was found there.
    pub node: &'p Node,
    /// What was found one step before.
    pub parent: Option<&'p Node>,
}

impl Entry<'_> {
    /// The share of the places where it could be at which it is: of documents, of the objects that could have the member; for
    /// elements, and members of any name, 1.
    pub fn presence(&self) -> f64 {
        match (self.step, self.parent) {
            (Step::Member(_), Some(parent)) => share(self.node.kinds.all(), parent.kinds.objects),
            _ => 1.0,
        }
    }

    /// The share of values that are null.
    pub fn null_share(&self) -> f64 {
        let kinds = self.node.kinds;
        share(kinds.all() - kinds.present(), kinds.all())
    }
}

/// A share, at most 1: an object can have a member twice.
pub(crate) fn share(part: u64, whole: u64) -> f64 {
    (part as f64 / whole.max(1) as f64).min(1.0)
}

impl Node {
    pub(crate) fn children(&self) -> impl Iterator<Item = NodeId> {
        let members = self.members.iter().map(|(_, member)| *member);
        members.chain(self.any).chain(self.element)
    }
}

impl Profile {
    /// Documents that were looked at.
    pub fn documents(&self) -> u64 {
        self.documents
    }

    pub(crate) fn add_document(&mut self) {
        self.documents += 1;
    }

    /// How many nodes there are, those included that are nobody's child any more.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(crate) fn root(&self) -> NodeId {
        0
    }

    pub(crate) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id as usize]
    }

    pub(crate) fn node_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id as usize]
    }

    /// The elements of a node.
    pub(crate) fn element(&self, node: &Node) -> Option<&Node> {
        node.element.map(|id| self.node(id))
    }

    /// A new node that is nobody's child.
    pub(crate) fn push(&mut self) -> NodeId {
        self.nodes.push(Node::default());
        // Far fewer than that are told apart.
        (self.nodes.len() - 1) as NodeId
    }

    /// All paths in order, each before those that it is the beginning of.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        let mut entries = Vec::new();
        self.list(
            self.root(),
            Entry {
                path: "$".to_owned(),
                step: Step::Root,
                depth: 0,
                is_last: Vec::new(),
                node: self.node(self.root()),
                parent: None,
            },
            &mut entries,
        );
        entries.into_iter()
    }

    fn list<'p>(&'p self, id: NodeId, entry: Entry<'p>, entries: &mut Vec<Entry<'p>>) {
        let node = self.node(id);
        let (path, depth, is_last) = (entry.path.clone(), entry.depth, entry.is_last.clone());
        entries.push(entry);
        let members = node.members.iter().map(|(name, child)| (Step::Member(name), *child));
        let any = node.any.map(|child| (Step::AnyMember, child));
        let element = node.element.map(|child| (Step::Element, child));
        let children: Vec<_> = members.chain(any).chain(element).collect();
        let last = children.len().saturating_sub(1);
        for (at, (step, child)) in children.into_iter().enumerate() {
            let mut is_last = is_last.clone();
            is_last.push(at == last);
            let entry = Entry {
                path: format!("{path}{step}"),
                step,
                depth: depth + 1,
                is_last,
                node: self.node(child),
                parent: Some(node),
            };
            self.list(child, entry, entries);
        }
    }

    /// Adds what was found in other documents. Where that makes too many paths, objects are folded that look like maps, and if that
    /// is not enough, those with the most names.
    pub fn merge(&mut self, other: &Profile) {
        self.documents = self.documents.saturating_add(other.documents);
        self.merge_from(self.root(), other, other.root());
        self.shrink(MAX_NODES / 2);
    }

    /// Folds objects until there are no more paths than this.
    pub(crate) fn shrink(&mut self, most: usize) {
        if self.nodes.len() > most {
            self.fold_clear(most);
        }
    }

    /// Folds objects that look like maps, and then others until there are no more paths than this.
    pub(crate) fn fold_clear(&mut self, most: usize) {
        self.fold_maps();
        *self = std::mem::take(self).in_order();
        while self.nodes.len() > most {
            let names = self.nodes.iter().map(|node| node.members.len()).max().unwrap_or(0);
            if names < 2 {
                return;
            }
            // From the root on: what is below a name may be gone when its turn comes.
            for id in 0..self.nodes.len() {
                if self.nodes[id].members.len() > names / 2 {
                    self.fold(id as NodeId);
                }
            }
            *self = std::mem::take(self).in_order();
        }
    }

    fn merge_from(&mut self, id: NodeId, other: &Profile, theirs: NodeId) {
        let node = other.node(theirs);
        self.node_mut(id).merge_own(node);
        if let Some(element) = node.element {
            let ours = self.element_of(id);
            self.merge_from(ours, other, element);
        }
        if let Some(any) = node.any {
            let ours = self.fold(id);
            self.merge_from(ours, other, any);
        }
        let positions = self.positions(id, node.members.len());
        for (name, member) in &node.members {
            let ours = self.member_of(id, name, positions.as_ref());
            self.merge_from(ours, other, *member);
        }
    }

    /// Where names are among a node's members, if they are so many that looking for them one by one takes long.
    fn positions(&self, id: NodeId, wanted: usize) -> Option<HashMap<String, usize>> {
        const FEW: usize = 16;
        let members = &self.node(id).members;
        (members.len().min(wanted) > FEW).then(|| {
            let positions = members.iter().enumerate();
            positions.map(|(at, (name, _))| (name.clone(), at)).collect()
        })
    }

    /// The node of the elements of a node, made if there is none.
    pub(crate) fn element_of(&mut self, id: NodeId) -> NodeId {
        if let Some(element) = self.node(id).element {
            return element;
        }
        let element = self.push();
        self.node_mut(id).element = Some(element);
        element
    }

    /// The node of a member by its name, made if there is none. That of any member, where names are not told apart, or are
    /// not any more because this would be one too many.
    fn member_of(&mut self, id: NodeId, name: &str, positions: Option<&HashMap<String, usize>>) -> NodeId {
        if let Some(any) = self.node(id).any {
            self.node_mut(id).add_key(name);
            return any;
        }
        let members = &self.node(id).members;
        let known = positions.and_then(|positions| positions.get(name).copied());
        let mut behind = members.iter().skip(positions.map_or(0, HashMap::len));
        let found = known.map(|at| members[at].1);
        let found = found.or_else(|| behind.find(|(known, _)| known == name).map(|(_, child)| *child));
        match found {
            Some(child) => child,
            None => self.add_member(id, name),
        }
    }

    /// A new member of a node, or the one of any name, where there are too many.
    pub(crate) fn add_member(&mut self, id: NodeId, name: &str) -> NodeId {
        if self.node(id).members.len() >= MAX_MEMBERS || self.nodes.len() >= MAX_NODES {
            let any = self.fold(id);
            self.node_mut(id).add_key(name);
            return any;
        }
        let child = self.push();
        self.node_mut(id).members.push((name.to_owned(), child));
        child
    }

    /// Tells the members of a node no longer apart; gives the node of any of them.
    pub(crate) fn fold(&mut self, id: NodeId) -> NodeId {
        if let Some(any) = self.node(id).any {
            return any;
        }
        let members = std::mem::take(&mut self.node_mut(id).members);
        let any = self.push();
        self.node_mut(id).any = Some(any);
        for (name, child) in members {
            self.node_mut(id).add_key(&name);
            self.absorb(any, child);
        }
        any
    }

    /// Merges a node, which is nobody's child any more, into another one.
    fn absorb(&mut self, id: NodeId, other: NodeId) {
        let node = std::mem::take(self.node_mut(other));
        self.node_mut(id).merge_own(&node);
        if let Some(element) = node.element {
            let ours = self.element_of(id);
            self.absorb(ours, element);
        }
        if let Some(any) = node.any {
            let ours = self.fold(id);
            self.absorb(ours, any);
        }
        let positions = self.positions(id, node.members.len());
        for (name, member) in node.members {
            let ours = self.member_of(id, &name, positions.as_ref());
            self.absorb(ours, member);
        }
    }

    /// Counts lone objects, which stand where arrays of them could be, as elements of these.
    pub(crate) fn absorb_lone(&mut self, id: NodeId) {
        let element = self.element_of(id);
        let node = self.node_mut(id);
        let mut lone = Node {
            members: std::mem::take(&mut node.members),
            any: node.any.take(),
            keys: std::mem::take(&mut node.keys),
            key_examples: std::mem::take(&mut node.key_examples),
            sizes: std::mem::take(&mut node.sizes),
            ..Node::default()
        };
        lone.kinds.objects = std::mem::take(&mut node.kinds.objects);
        let other = self.push();
        *self.node_mut(other) = lone;
        self.absorb(element, other);
    }

    /// The same without nodes that are nobody's child, and every node before its children.
    fn in_order(mut self) -> Profile {
        let mut nodes = Vec::with_capacity(self.nodes.len());
        let mut next = vec![self.root()];
        // Breadth first: children get their places when their parent is moved, and keep that order.
        let mut at = 0;
        while at < next.len() {
            let mut node = std::mem::take(self.node_mut(next[at]));
            let mut place = |child: &mut NodeId| {
                next.push(*child);
                *child = (next.len() - 1) as NodeId;
            };
            node.members.iter_mut().for_each(|(_, child)| place(child));
            node.any.iter_mut().for_each(&mut place);
            node.element.iter_mut().for_each(&mut place);
            nodes.push(node);
            at += 1;
        }
        Profile {
            documents: self.documents,
            nodes,
        }
    }
}

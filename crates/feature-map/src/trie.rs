//! Every path of a feature map, merged into one tree that a document walk follows.
//!
//! A node of the trie is a place in documents. For each value that it meets, a walk has exactly one node or none: the
//! trie is deterministic, so where a name and a wildcard lead to the same member, the node under the name already
//! holds all that is under the wildcard too. What the trie cannot decide while walking forward (negative indices,
//! slices, filters) it over-approximates with [`TrieNode::element`] or [`TrieNode::member`]; the exact choice is made
//! on what the walk kept.

use serde::{Deserialize, Serialize};

use crate::plan::NameId;

/// A node of a [`Trie`], by its position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TrieId(pub u32);

/// The merged paths of a map.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Trie {
    /// The nodes; the first is the document.
    pub nodes: Vec<TrieNode>,
}

/// One place in documents.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TrieNode {
    /// The members of an object that are wanted by name, ascending by id, each once.
    pub names: Vec<(NameId, TrieId)>,
    /// What is wanted of the members that `names` does not have.
    pub member: Option<TrieId>,
    /// The elements of an array that are wanted by position, ascending, each once.
    pub indices: Vec<(u64, TrieId)>,
    /// What is wanted of the elements that `indices` does not have.
    pub element: Option<TrieId>,
    /// Whether the value itself is read (by a column, an id or a comparison), and not only what is inside it.
    pub value: bool,
}

impl Trie {
    /// The node of the document.
    pub const ROOT: TrieId = TrieId(0);

    /// The node at `id`.
    pub fn node(&self, id: TrieId) -> &TrieNode {
        &self.nodes[id.0 as usize]
    }
}

//! The nodes that paths with several matches select, kept until the rows that they belong to are written.

use crate::selection::NodeId;
use crate::view::View;

/// A list, by its position; takes the place of a node in the cells of such a path.
pub(crate) type ListId = u32;

/// For how many nodes room is kept from one document to the next.
const KEPT_NODES: usize = 1 << 16;

/// Lists of nodes, one after the other. The last ones can be taken off again.
#[derive(Debug, Default)]
pub(crate) struct Lists {
    nodes: Vec<NodeId>,
    lists: Vec<List>,
}

#[derive(Debug, Clone, Copy)]
struct List {
    start: usize,
    end: usize,
    /// Whether one of the nodes is not null.
    any: bool,
}

/// How much there is, to go back to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    nodes: usize,
    lists: usize,
}

impl Lists {
    /// Adds the list of the nodes that `select` appends.
    pub(crate) fn add(&mut self, view: &View<'_>, select: impl FnOnce(&mut Vec<NodeId>)) -> ListId {
        let start = self.nodes.len();
        select(&mut self.nodes);
        let id = self.lists.len() as ListId;
        self.lists.push(List {
            start,
            end: self.nodes.len(),
            any: self.nodes[start..].iter().any(|node| !view.is_null(*node)),
        });
        id
    }

    /// The nodes of a list, in the order of the path.
    pub(crate) fn nodes(&self, id: ListId) -> &[NodeId] {
        let List { start, end, .. } = self.lists[id as usize];
        &self.nodes[start..end]
    }

    /// Whether a list has a node that is not null.
    pub(crate) fn any(&self, id: ListId) -> bool {
        self.lists[id as usize].any
    }

    /// How much there is.
    pub(crate) fn mark(&self) -> Mark {
        Mark {
            nodes: self.nodes.len(),
            lists: self.lists.len(),
        }
    }

    /// How much has been added since `mark`.
    pub(crate) fn since(&self, mark: Mark) -> usize {
        self.nodes.len() - mark.nodes + self.lists.len() - mark.lists
    }

    /// Takes off what was added since `mark`.
    pub(crate) fn roll_back(&mut self, mark: Mark) {
        self.nodes.truncate(mark.nodes);
        self.lists.truncate(mark.lists);
    }

    /// Forgets everything, and keeps the memory, unless it is more than documents usually need.
    pub(crate) fn clear(&mut self) {
        self.nodes.clear();
        self.nodes.shrink_to(KEPT_NODES);
        self.lists.clear();
        self.lists.shrink_to(KEPT_NODES);
    }
}

//! The plan's trie, made ready for looking up member names and element positions while walking a document.

use std::collections::HashMap;

use tarquet_feature_map::Plan;
use tarquet_feature_map::plan::NameId;
use tarquet_feature_map::trie::{TrieId, TrieNode};

/// From how many names on a hash table is quicker than comparing one by one.
const HASH_FROM: usize = 24;

/// The trie of a plan.
#[derive(Debug)]
pub(crate) struct Matcher {
    places: Vec<Place>,
}

/// One node of the trie.
#[derive(Debug)]
pub(crate) struct Place {
    /// The marks of all names together: what most unwanted names fail at.
    marks: u64,
    names: Vec<Wanted>,
    hashed: HashMap<Box<[u8]>, usize>,
    member: Option<TrieId>,
    indices: Vec<(u64, TrieId)>,
    element: Option<TrieId>,
}

#[derive(Debug)]
struct Wanted {
    text: Box<[u8]>,
    name: NameId,
    position: u32,
    to: TrieId,
}

/// Where a member leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Member {
    /// A path mentions its name.
    Named {
        /// The name.
        name: NameId,
        /// Its position among the names that are wanted at this place.
        position: u32,
        /// The place of its value.
        to: TrieId,
    },
    /// It is wanted whatever its name.
    Other {
        /// The place of its value.
        to: TrieId,
    },
}

impl Matcher {
    /// Prepares the trie of `plan`.
    pub(crate) fn new(plan: &Plan) -> Self {
        Self {
            places: plan.trie.nodes.iter().map(|node| Place::new(plan, node)).collect(),
        }
    }

    /// The place at `id`.
    pub(crate) fn place(&self, id: TrieId) -> &Place {
        &self.places[id.0 as usize]
    }
}

impl Place {
    fn new(plan: &Plan, node: &TrieNode) -> Self {
        let wanted = |(position, &(name, to)): (u32, &(NameId, TrieId))| Wanted {
            text: plan.names[name.0 as usize].as_bytes().into(),
            name,
            position,
            to,
        };
        let names: Vec<Wanted> = (0..).zip(&node.names).map(wanted).collect();
        let hashed = match names.len() {
            HASH_FROM.. => names
                .iter()
                .enumerate()
                .map(|(at, wanted)| (wanted.text.clone(), at))
                .collect(),
            _ => HashMap::new(),
        };
        Self {
            marks: names.iter().fold(0, |marks, wanted| marks | mark(&wanted.text)),
            names,
            hashed,
            member: node.member,
            indices: node.indices.clone(),
            element: node.element,
        }
    }

    /// Where the member under `name` leads, if anything of it is wanted.
    pub(crate) fn member(&self, name: &[u8]) -> Option<Member> {
        let known = if self.marks & mark(name) == 0 {
            None
        } else {
            self.find(name)
        };
        match known {
            Some(wanted) => Some(Member::Named {
                name: wanted.name,
                position: wanted.position,
                to: wanted.to,
            }),
            None => self.unnamed_member(),
        }
    }

    /// Where a member leads whose name no path can mention.
    pub(crate) fn unnamed_member(&self) -> Option<Member> {
        self.member.map(|to| Member::Other { to })
    }

    fn find(&self, name: &[u8]) -> Option<&Wanted> {
        if self.hashed.is_empty() {
            self.names.iter().find(|wanted| *wanted.text == *name)
        } else {
            self.hashed.get(name).map(|at| &self.names[*at])
        }
    }

    /// Where the element at `index` leads, if anything of it is wanted.
    pub(crate) fn element(&self, index: u32) -> Option<TrieId> {
        if self.indices.is_empty() {
            return self.element;
        }
        match self
            .indices
            .binary_search_by_key(&u64::from(index), |(index, _)| *index)
        {
            Ok(at) => Some(self.indices[at].1),
            Err(_) => self.element,
        }
    }

    /// Whether anything is wanted of the members of an object.
    pub(crate) fn wants_members(&self) -> bool {
        self.member.is_some() || !self.names.is_empty()
    }

    /// Whether anything is wanted of the elements of an array.
    pub(crate) fn wants_elements(&self) -> bool {
        self.element.is_some() || !self.indices.is_empty()
    }
}

/// One bit of 64 for a name, by its length and its ends.
fn mark(name: &[u8]) -> u64 {
    let [first, last] = [name.first(), name.last()].map(|byte| byte.map_or(0, |byte| usize::from(*byte)));
    1 << ((name.len() * 7 + first + last * 3) & 63)
}

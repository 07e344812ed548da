//! What is worked out at most once a document, however often it is asked for: where the members and elements of large
//! containers are, and which parts of filters that start at `$` hold.
//!
//! Rows ask such questions one by one, so without an answer that is kept, a document of many rows and one large
//! container would take the product of both.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;

use crate::selection::{Key, NodeId, Selection};

/// For how many children of large containers room is kept from one document to the next.
const KEPT_CHILDREN: usize = 1 << 16;

/// For how many large containers room is kept from one document to the next.
const KEPT_CONTAINERS: usize = 1 << 10;

/// The answers for one document.
#[derive(Debug, Default)]
pub(crate) struct Memo {
    /// By the number of the question.
    answers: RefCell<Vec<Option<bool>>>,
    indexes: RefCell<Indexes>,
}

/// The children of large containers that have been asked for, sorted.
#[derive(Debug, Default)]
struct Indexes {
    of: HashMap<NodeId, Range<usize>>,
    children: Vec<(u32, NodeId)>,
}

impl Memo {
    /// Forgets everything, for the next document.
    pub(crate) fn clear(&mut self) {
        self.answers.get_mut().clear();
        let indexes = self.indexes.get_mut();
        if !indexes.of.is_empty() {
            indexes.of.clear();
            indexes.of.shrink_to(KEPT_CONTAINERS);
            indexes.children.clear();
            indexes.children.shrink_to(KEPT_CHILDREN);
        }
    }

    /// The answer to a question that depends on the document alone: `find` tells, if it has not been asked before.
    pub(crate) fn answer(&self, question: usize, find: impl FnOnce() -> bool) -> bool {
        let known = self.answers.borrow().get(question).copied().flatten();
        known.unwrap_or_else(|| {
            // Questions within this one are asked in between.
            let answer = find();
            let mut answers = self.answers.borrow_mut();
            let len = answers.len().max(question + 1);
            answers.resize(len, None);
            answers[question] = Some(answer);
            answer
        })
    }

    /// The child of a node that was reached by `key`, a name of the plan or a position.
    pub(crate) fn child(&self, selection: &Selection, node: NodeId, key: Key) -> Option<NodeId> {
        let Indexes { of, children } = &mut *self.indexes.borrow_mut();
        let range = of.entry(node).or_insert_with(|| {
            let start = children.len();
            let ordered = |child| ordinal(selection.node(child).key()).map(|at| (at, child));
            children.extend(selection.children(node).filter_map(ordered));
            children[start..].sort_unstable();
            start..children.len()
        });
        let index = &children[range.clone()];
        let wanted = ordinal(key)?;
        let at = index.binary_search_by_key(&wanted, |(ordinal, _)| *ordinal).ok()?;
        // A name's number is also a position, but no array has members, and no object elements.
        Some(index[at].1).filter(|child| selection.node(*child).key() == key)
    }
}

/// By what the children of one container are sorted.
fn ordinal(key: Key) -> Option<u32> {
    match key {
        Key::Name(name) => Some(name.0),
        Key::Element(index) => Some(index),
        Key::Root | Key::Member(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::selection::{MembersSeen, Value};
    use tarquet_feature_map::plan::NameId;
    use tarquet_feature_map::trie::Trie;

    #[test]
    fn a_question_is_asked_once_a_document() {
        let mut memo = Memo::default();
        for _ in 0..2 {
            assert!(memo.answer(1, || memo.answer(0, || true)));
            assert!((0..2).all(|question| memo.answer(question, || unreachable!())));
            memo.clear();
        }
        assert!(!memo.answer(0, || false));
    }

    #[test]
    fn children_are_found_by_name_and_by_position() {
        let mut selection = Selection::default();
        let root = selection.push(Key::Root, Value::Object, 0, Trie::ROOT);
        let list = selection.push(Key::Name(NameId(9)), Value::Array { len: 0 }, 0, Trie::ROOT);
        let elements = [2, 3, 7].map(|at| (at, selection.push(Key::Element(at), Value::Null, 0, Trie::ROOT)));
        selection.close_array(list, 8);
        let named = [5, 4, 8].map(|name| {
            (
                name,
                selection.push(Key::Name(NameId(name)), Value::Null, 0, Trie::ROOT),
            )
        });
        selection.close_object(root, MembersSeen::default(), b"");
        let memo = Memo::default();
        for _ in 0..2 {
            for (at, element) in elements {
                assert_eq!(memo.child(&selection, list, Key::Element(at)), Some(element));
                assert_eq!(memo.child(&selection, list, Key::Element(at + 1)).is_some(), at == 2);
                assert_eq!(memo.child(&selection, list, Key::Name(NameId(at))), None);
            }
            for (name, member) in named {
                assert_eq!(memo.child(&selection, root, Key::Name(NameId(name))), Some(member));
                assert_eq!(memo.child(&selection, root, Key::Element(name)), None);
            }
            assert_eq!(memo.child(&selection, root, Key::Name(NameId(9))), Some(list));
            assert_eq!(memo.child(&selection, root, Key::Name(NameId(6))), None);
        }
    }
}

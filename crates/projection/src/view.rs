//! One document as the paths see it: its selection, its bytes, and where its values start.

use crate::engine::Offsets;
use crate::memo::Memo;
use crate::reference::value_end;
use crate::selection::{Key, Node, NodeId, Selection, Text, TextForm, Value};

/// One document as the paths see it.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    /// The document.
    pub(crate) document: &'a [u8],
    /// What was kept of it.
    pub(crate) selection: &'a Selection,
    /// Where its values start.
    pub(crate) offsets: &'a dyn Offsets,
    /// What has been worked out of it.
    pub(crate) memo: &'a Memo,
}

impl<'a> View<'a> {
    /// The node of the document itself.
    pub(crate) const ROOT: NodeId = 0;

    /// The node at `id`.
    pub(crate) fn node(&self, id: NodeId) -> &'a Node {
        self.selection.node(id)
    }

    /// The value of the node at `id`.
    pub(crate) fn value(&self, id: NodeId) -> Value {
        self.node(id).value()
    }

    /// Whether the node at `id` is `null`.
    pub(crate) fn is_null(&self, id: NodeId) -> bool {
        self.value(id) == Value::Null
    }

    /// The bytes of a text, unless it has a lone surrogate.
    pub(crate) fn text(&self, text: Text) -> Option<&'a [u8]> {
        (text.form != TextForm::Lone).then(|| self.selection.bytes(text, self.document))
    }

    /// The name of a member as it stands in the document, with its quotes, if it is [`TextForm::Lone`] or
    /// [`TextForm::Verbatim`].
    pub(crate) fn quoted(&self, name: Text) -> &'a [u8] {
        let (start, len) = (name.start as usize, name.len as usize);
        &self.document[start - 1..start + len + 1]
    }

    /// The exact text of the value at `id`, as it stands in the document.
    pub(crate) fn exact(&self, id: NodeId) -> &'a [u8] {
        let start = self.offsets.offset(self.node(id).mark, self.document);
        &self.document[start..value_end(self.document, start)]
    }

    /// The position of an element in its array; `None` for what is no element.
    pub(crate) fn index(&self, id: NodeId) -> Option<u32> {
        match self.node(id).key() {
            Key::Element(index) => Some(index),
            Key::Root | Key::Name(_) | Key::Member(_) => None,
        }
    }
}

//! The cells of one column.

use crate::selection::NodeId;

/// The cells of one column, in as many rows as there are: [`NO_NODE`](crate::selection::NO_NODE), nodes or lists.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cells<'a> {
    cells: &'a [NodeId],
    /// How far the cell of a row is from that of the row before.
    stride: usize,
}

impl<'a> Cells<'a> {
    /// Those that are `width` apart, from the first on.
    pub(crate) fn of_frames(cells: &'a [NodeId], width: usize) -> Self {
        Self { cells, stride: width }
    }

    /// All of these.
    pub(crate) fn all(cells: &'a [NodeId]) -> Self {
        Self { cells, stride: 1 }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.cells.len().div_ceil(self.stride)
    }

    /// The cell of a row.
    pub(crate) fn get(&self, row: usize) -> NodeId {
        self.cells[row * self.stride]
    }

    /// All cells, row by row.
    #[inline]
    pub(crate) fn iter(&self) -> impl Iterator<Item = NodeId> + use<'a> {
        self.cells.chunks(self.stride).map(|frame| frame[0])
    }
}

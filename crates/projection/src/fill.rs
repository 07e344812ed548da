//! From the nodes that one column has in some rows to its values.
//!
//! A column's type is looked at once for all of them, and what most values of that type are is told by the kind of the
//! node alone. Whatever else a value may be is left to [`Target::cell`].

use tarquet_feature_map::plan::Scalar;

use crate::bits::WORD;
use crate::cells::Cells;
use crate::columns::{LENGTH_BYTES, ScalarColumn, Values};
use crate::convert::{Cell, Fit, Misfit, Target};
use crate::selection::{Kind, Node, NodeId};
use crate::view::View;

/// Up to how many bytes of a text are copied without asking how many they are. Most ids and codes are shorter.
const SHORT_TEXT: usize = 48;

/// What became of some cells.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Filled {
    /// The bytes that they count.
    pub(crate) bytes: usize,
    /// Which of them, counted from the lowest bit, do not fit. They are null.
    pub(crate) misfits: u64,
}

/// Which of some cells are values, and which do not fit.
#[derive(Default)]
struct Seen {
    there: u64,
    misfits: u64,
}

impl Seen {
    /// Notes the cell at `at`. Gives the value, if there is one.
    #[inline]
    fn note<'a>(&mut self, at: usize, fit: Fit<'a>) -> Option<Cell<'a>> {
        match fit {
            Ok(cell) => {
                self.there |= u64::from(cell.is_some()) << at;
                cell
            }
            Err(Misfit) => {
                self.misfits |= 1 << at;
                None
            }
        }
    }
}

impl ScalarColumn {
    /// Adds the values of up to 64 nodes, or nulls where there are none. Ends early, with more than `room` bytes
    /// counted and the column not whole, once its texts exceed `room`.
    pub(crate) fn fill(&mut self, view: &View<'_>, target: Target, cells: Cells<'_>, room: usize) -> Filled {
        let count = cells.len();
        debug_assert!(count <= WORD, "as many as a word has bits");
        let nodes = Nodes { view, target, cells };
        let width = count * self.width();
        let mut texts = 0;
        let seen = match (&mut self.values, target.ty) {
            (Values::Int(values), Scalar::Int64) => nodes.values(values, whole, Cell::into_int),
            (Values::Int(values), _) => nodes.values(values, unknown, Cell::into_int),
            (Values::Float(values), _) => nodes.values(values, float, Cell::into_float),
            (Values::Days(values), _) => nodes.values(values, unknown, Cell::into_days),
            (Values::Bool(values), _) => {
                let (seen, bits) = nodes.bools();
                values.push(bits, count);
                seen
            }
            (Values::Text { offsets, bytes }, _) => {
                let before = bytes.len();
                let seen = nodes.texts(offsets, bytes, room);
                texts = bytes.len() - before;
                seen
            }
        };
        self.validity.push(seen.there, count);
        Filled {
            bytes: width + texts,
            misfits: seen.misfits,
        }
    }

    /// Adds one text `count` times, at least once. Gives the bytes that it counts.
    pub(crate) fn repeat(&mut self, text: &[u8], count: usize) -> usize {
        let Values::Text { offsets, bytes } = &mut self.values else {
            unreachable!("ids of member names are strings");
        };
        let start = bytes.len();
        bytes.reserve(text.len() * count);
        bytes.extend_from_slice(text);
        let mut done = 1;
        while done < count {
            let more = done.min(count - done);
            bytes.extend_from_within(start..start + more * text.len());
            done += more;
        }
        offsets.extend((1..=count).map(|at| (start + at * text.len()) as i32));
        for done in (0..count).step_by(WORD) {
            self.validity.push(u64::MAX, WORD.min(count - done));
        }
        count * (LENGTH_BYTES + text.len())
    }
}

/// What a node is as an `int64`: whether that is known, and what.
#[inline]
fn whole(node: &Node) -> (bool, i64) {
    let known = node.kind == Kind::Int;
    (known, if known { node.int() } else { 0 })
}

/// What a node is as a `float64`.
#[inline]
fn float(node: &Node) -> (bool, f64) {
    let (int, fraction) = (node.kind == Kind::Int, node.kind == Kind::Fraction);
    let whole = if int { node.int() } else { 0 } as f64;
    (int | fraction, if fraction { node.fraction() } else { whole })
}

/// What a node is as something that is read from a text.
#[inline]
fn unknown<T: Default>(_: &Node) -> (bool, T) {
    (false, T::default())
}

/// Some nodes that are to become values of one type.
struct Nodes<'c, 'v> {
    view: &'c View<'v>,
    target: Target,
    cells: Cells<'c>,
}

impl<'v> Nodes<'_, 'v> {
    /// The node, or one that is null where there is none: its id is beyond all nodes.
    #[inline]
    fn node(&self, id: NodeId) -> &'v Node {
        self.view.selection.nodes().get(id as usize).unwrap_or(&Node::NULL)
    }

    /// Adds values of a machine type. `quick` tells those that are known by their nodes.
    ///
    /// Whether the next value is null, or whole, is anybody's guess, so the loop has no branches: what is neither null
    /// nor known is looked at afterwards.
    #[inline]
    fn values<T: Copy + Default>(
        &self,
        values: &mut Vec<T>,
        quick: impl Fn(&Node) -> (bool, T),
        slow: impl Fn(Cell<'v>) -> T,
    ) -> Seen {
        let start = values.len();
        let (mut there, mut others) = (0, 0);
        values.extend(self.cells.iter().enumerate().map(|(at, id)| {
            let node = self.node(id);
            let (known, value) = quick(node);
            there |= u64::from(known) << at;
            others |= u64::from(!known & (node.kind != Kind::Null)) << at;
            value
        }));
        let mut seen = Seen { there, misfits: 0 };
        for at in ones(others) {
            let cell = seen.note(at, self.target.cell(self.view, self.cells.get(at)));
            values[start + at] = cell.map_or(T::default(), &slow);
        }
        seen
    }

    fn bools(&self) -> (Seen, u64) {
        let (mut there, mut bits, mut others) = (0, 0, 0);
        for (at, id) in self.cells.iter().enumerate() {
            let kind = self.node(id).kind;
            let known = (kind == Kind::True) | (kind == Kind::False);
            there |= u64::from(known) << at;
            bits |= u64::from(kind == Kind::True) << at;
            others |= u64::from(!known & (kind != Kind::Null)) << at;
        }
        let mut seen = Seen { there, misfits: 0 };
        for at in ones(others) {
            let cell = seen.note(at, self.target.cell(self.view, self.cells.get(at)));
            bits |= u64::from(cell == Some(Cell::Bool(true))) << at;
        }
        (seen, bits)
    }

    fn texts(&self, offsets: &mut Vec<i32>, bytes: &mut Vec<u8>, room: usize) -> Seen {
        let mut seen = Seen::default();
        let document = self.view.document;
        let verbatim = self.target.ty == Scalar::String;
        let most = bytes.len().saturating_add(room);
        for (at, id) in self.cells.iter().enumerate() {
            let node = self.node(id);
            match node.verbatim() {
                Some(text) if verbatim => {
                    append_part(bytes, document, text.start as usize, text.len as usize);
                    seen.there |= 1 << at;
                }
                _ if node.kind == Kind::Null => {}
                _ => {
                    if let Some(Cell::Text(text)) = seen.note(at, self.target.cell(self.view, id)) {
                        bytes.extend_from_slice(text);
                    }
                }
            }
            offsets.push(bytes.len() as i32);
            if bytes.len() > most {
                break;
            }
        }
        seen
    }
}

/// The positions of the bits that are set.
pub(crate) fn ones(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let at = bits.trailing_zeros() as usize;
        bits &= bits.checked_sub(1)?;
        Some(at)
    })
}

/// Appends `len` bytes of `source` from `start` on.
#[inline]
fn append_part(bytes: &mut Vec<u8>, source: &[u8], start: usize, len: usize) {
    // A fixed number of bytes is copied without a call; what is too much is taken off again.
    match source[start..].first_chunk::<SHORT_TEXT>() {
        Some(chunk) if len <= SHORT_TEXT => {
            let end = bytes.len() + len;
            bytes.extend_from_slice(chunk);
            bytes.truncate(end);
        }
        _ => bytes.extend_from_slice(&source[start..][..len]),
    }
}

//! From rows to the columns of the tables, column by column.

use std::borrow::Cow;

use tarquet_feature_map::Plan;
use tarquet_feature_map::plan::{ColumnSource, Mismatch, Value};

use crate::bits::WORD;
use crate::cells::Cells;
use crate::columns::{Column, ListColumn, ScalarColumn};
use crate::convert::{Cell, Misfit, Target};
use crate::error::{DocumentError, DocumentErrorKind};
use crate::fill::{Filled, ones};
use crate::ids::{self, Ids};
use crate::origin::Origin;
use crate::program::Source;
use crate::rescued::{Rescued, RescuedValues, counted_bytes};
use crate::rows::{Chunk, RowSink};
use crate::scan::Slot;
use crate::selection::{Key, NO_NODE, NodeId, Text, Value as Kept};
use crate::table::Table;
use crate::take::{Taken, taken, target};
use crate::view::View;

/// How much the rows of one document may hold: 256 MiB, as [`Projected::bytes`](crate::Projected::bytes) counts them,
/// with its rescued values: each counts its text, the names of its member, feature and column, and 128 bytes.
pub const MAX_DOCUMENT_BYTES: u64 = 256 << 20;

/// Writes the rows of one document.
pub(crate) struct Writer<'a> {
    /// What to write.
    pub(crate) plan: &'a Plan,
    /// The tables, one a feature.
    pub(crate) tables: &'a mut [Table],
    /// The ids from the member's name.
    pub(crate) ids: &'a Ids,
    /// Where the document comes from.
    pub(crate) origin: Origin<'a>,
    /// Where values go that do not fit.
    pub(crate) rescue: RescueLog<'a>,
    /// Room for a text that stands nowhere in the document.
    pub(crate) scratch: &'a mut Vec<u8>,
    /// What the document's rows count so far.
    pub(crate) budget: Budget,
}

/// Notes the values of one document that do not fit.
pub(crate) struct RescueLog<'a> {
    /// The document's position among those held.
    pub(crate) document: usize,
    /// What has been noted, of all documents held.
    pub(crate) rescued: &'a mut RescuedValues,
}

/// What the rows of one document count, their rescued values included.
///
/// One cell can be as large as the document, and one value of a list as costly as a row: so all that is written is
/// counted before there is much more of it, not document by document.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    used: u64,
}

impl Budget {
    /// Counts `bytes`, and gives them back.
    fn spend(&mut self, bytes: usize) -> Result<usize, DocumentError> {
        self.used += bytes as u64;
        if self.used <= MAX_DOCUMENT_BYTES {
            return Ok(bytes);
        }
        let detail = format!("the rows of the document exceed {} MiB", MAX_DOCUMENT_BYTES >> 20);
        Err(DocumentError::whole(DocumentErrorKind::TooLarge, detail))
    }

    /// How many bytes there is still room for.
    fn room(&self) -> usize {
        MAX_DOCUMENT_BYTES.saturating_sub(self.used) as usize
    }
}

impl RowSink for Writer<'_> {
    fn check_ids(&mut self, view: &View<'_>, ids: Chunk<'_>) -> Result<(), DocumentError> {
        ids::check(self.plan, view, ids, self.scratch)
    }

    fn rows(&mut self, view: &View<'_>, feature: usize, rows: Chunk<'_>) -> Result<(), DocumentError> {
        let table = &mut self.tables[feature];
        let mut writer = ChunkWriter {
            view,
            plan: self.plan,
            feature,
            origin: self.origin,
            rows,
            misplaced: Vec::new(),
            scratch: self.scratch,
            budget: &mut self.budget,
        };
        let bytes = writer.write(self.ids, table)?;
        let first = table.open_rows() as u64;
        table.end_rows(rows.len(), bytes as u64);
        if !writer.misplaced.is_empty() {
            writer.rescue(first, &mut self.rescue)?;
        }
        Ok(())
    }
}

/// Writes some rows of one feature.
struct ChunkWriter<'w, 'v> {
    view: &'w View<'v>,
    plan: &'w Plan,
    feature: usize,
    origin: Origin<'w>,
    rows: Chunk<'w>,
    /// The values that do not fit and are to be noted, column by column.
    misplaced: Vec<Misplaced<'w>>,
    scratch: &'w mut Vec<u8>,
    budget: &'w mut Budget,
}

/// A value that does not fit.
struct Misplaced<'a> {
    /// Its row among those that are being written.
    row: usize,
    /// Its column among the feature's own.
    column: usize,
    what: Unfit<'a>,
}

/// What does not fit.
#[derive(Clone, Copy)]
enum Unfit<'a> {
    Value(Taken<'a>),
    /// The name of a member.
    Name(Text),
}

impl<'w> ChunkWriter<'w, '_> {
    /// Writes all columns of the rows. Gives the bytes that they count.
    fn write(&mut self, ids: &Ids, table: &mut Table) -> Result<usize, DocumentError> {
        let (plan, layout) = (self.plan, self.rows.layout);
        let mut columns = table.columns_mut().iter_mut();
        let mut bytes = 0;
        for (at, (id, source)) in plan.ids.iter().zip(&layout.ids).enumerate() {
            let column = scalar(columns.next());
            bytes += match id.source.value() {
                Some(value) => self.id(value, *source, column)?,
                None => self.repeat(ids.of_member(at), column)?,
            };
        }
        if plan.provenance {
            bytes += self.repeat(self.origin.member, scalar(columns.next()))?;
            bytes += self.line(scalar(columns.next()))?;
        }
        let own = plan.features[self.feature].columns.iter().zip(&layout.columns);
        for (position, ((column, source), written)) in own.zip(columns).enumerate() {
            bytes += match (&column.source, *source) {
                (_, Source::Index(slot)) => self.indices(slot, scalar(Some(written)))?,
                (_, Source::Key(slot)) => self.names(position, slot, scalar(Some(written)))?,
                (ColumnSource::Value(value), source) => self.values(position, value, source, written)?,
                _ => unreachable!("positions and names have sources of their own"),
            };
        }
        Ok(bytes)
    }

    /// Writes a text that all rows have.
    fn repeat(&mut self, text: &str, column: &mut ScalarColumn) -> Result<usize, DocumentError> {
        // Counted first: a long text in many rows may be more than there is room for.
        let rows = self.rows.len();
        self.budget.spend(rows * text.len())?;
        let bytes = column.repeat(text.as_bytes(), rows);
        self.budget.spend(bytes - rows * text.len())?;
        Ok(bytes)
    }

    /// Writes the number of the document's line, which all rows have.
    fn line(&mut self, column: &mut ScalarColumn) -> Result<usize, DocumentError> {
        let line = self.origin.line.map(|line| Cell::Int(line.cast_signed()));
        let bytes = (0..self.rows.len()).map(|_| column.push(line)).sum();
        self.budget.spend(bytes)
    }

    /// Writes an id of the document, which has been checked.
    fn id(&mut self, value: &'w Value, source: Source, column: &mut ScalarColumn) -> Result<usize, DocumentError> {
        let filled = self.scalars(value, source, column)?;
        debug_assert_eq!(filled.misfits, 0, "ids are checked before the rows that they are in");
        Ok(filled.bytes)
    }

    /// Writes the positions of elements in their arrays.
    fn indices(&mut self, slot: Slot, column: &mut ScalarColumn) -> Result<usize, DocumentError> {
        let cells = self.rows.cells(slot);
        let index = |cell| (cell != NO_NODE).then(|| self.view.index(cell)).flatten();
        let indices = cells.iter().map(index);
        let bytes = indices.map(|index| column.push(index.map(|index| Cell::Int(i64::from(index)))));
        let bytes = bytes.sum();
        self.budget.spend(bytes)
    }

    /// Writes the names by which members were reached. One with a lone surrogate does not fit a string.
    fn names(&mut self, position: usize, slot: Slot, column: &mut ScalarColumn) -> Result<usize, DocumentError> {
        let cells = self.rows.cells(slot);
        let mut bytes = 0;
        for (row, cell) in cells.iter().enumerate() {
            let key = (cell != NO_NODE).then(|| self.view.node(cell).key());
            let name = match key {
                None | Some(Key::Root | Key::Element(_)) => None,
                Some(Key::Name(name)) => Some(self.plan.names[name.0 as usize].as_bytes()),
                Some(Key::Member(text)) => {
                    let name = self.view.text(text);
                    if name.is_none() {
                        self.misplace(row, position, Unfit::Name(text))?;
                    }
                    name
                }
            };
            bytes += self.budget.spend(column.push(name.map(Cell::Text)))?;
        }
        Ok(bytes)
    }

    /// Writes the values of a column of the feature's own.
    fn values(
        &mut self,
        position: usize,
        value: &'w Value,
        source: Source,
        column: &mut Column,
    ) -> Result<usize, DocumentError> {
        match column {
            Column::Scalar(column) => {
                let filled = self.scalars(value, source, column)?;
                self.misplace_all(position, value, source, filled.misfits)?;
                Ok(filled.bytes)
            }
            Column::List(column) => self.lists(position, value, source, column),
        }
    }

    /// Writes values of which each is one cell.
    fn scalars(
        &mut self,
        value: &'w Value,
        source: Source,
        column: &mut ScalarColumn,
    ) -> Result<Filled, DocumentError> {
        let one = target(value, value.ty.expect("a table's columns have types"));
        let Source::List(slot) = source else {
            let cells = self.rows.cells(node_slot(source));
            let filled = column.fill(self.view, one, cells, self.budget.room());
            self.budget.spend(filled.bytes)?;
            return Ok(filled);
        };
        let cells = self.rows.cells(slot);
        let mut filled = Filled::default();
        for (row, cell) in cells.iter().enumerate() {
            let fit = taken(value, source, cell, self.rows.lists).cell(self.view, one, self.scratch);
            filled.misfits |= u64::from(fit == Err(Misfit)) << row;
            filled.bytes += self.budget.spend(column.push(fit.unwrap_or(None)))?;
        }
        Ok(filled)
    }

    /// Writes lists: the nodes of several matches, the elements of an array, or a lone value as a list of one.
    fn lists(
        &mut self,
        position: usize,
        value: &'w Value,
        source: Source,
        column: &mut ListColumn,
    ) -> Result<usize, DocumentError> {
        let one = target(value, value.ty.expect("a table's columns have types"));
        let (Source::Node(slot) | Source::List(slot)) = source else {
            unreachable!("only values are lists");
        };
        let cells = self.rows.cells(slot);
        let mut bytes = 0;
        for (row, cell) in cells.iter().enumerate() {
            let taken = taken(value, source, cell, self.rows.lists);
            let mut list = ListWriter {
                chunk: self,
                value,
                one,
                row,
                position,
            };
            let elements = list.write(taken, column)?;
            let length = self.budget.spend(column.end_list(elements.is_some()))?;
            bytes += elements.unwrap_or(0) + length;
        }
        Ok(bytes)
    }

    fn misplace_all(
        &mut self,
        position: usize,
        value: &'w Value,
        source: Source,
        misfits: u64,
    ) -> Result<(), DocumentError> {
        let (Source::Node(slot) | Source::List(slot)) = source else {
            return Ok(());
        };
        if misfits == 0 || value.mismatch == Mismatch::Ignore {
            return Ok(());
        }
        let cells = self.rows.cells(slot);
        for row in ones(misfits) {
            let taken = taken(value, source, cells.get(row), self.rows.lists);
            self.misplace(row, position, Unfit::Value(taken))?;
        }
        Ok(())
    }

    /// Notes what does not fit. It counts, but for its text, at once: there may be as many as a document has values.
    fn misplace(&mut self, row: usize, column: usize, what: Unfit<'w>) -> Result<(), DocumentError> {
        let plan = &self.plan.features[self.feature];
        let names = self.origin.member.len() + plan.name.len() + plan.columns[column].name.len();
        self.budget.spend(counted_bytes(0, names))?;
        self.misplaced.push(Misplaced { row, column, what });
        Ok(())
    }

    /// Hands over what does not fit, row by row. The first of the rows is the document's row `first`.
    fn rescue(mut self, first: u64, log: &mut RescueLog<'_>) -> Result<(), DocumentError> {
        let feature = &self.plan.features[self.feature];
        // The order is stable: within a row, columns and elements stay as they are.
        self.misplaced.sort_by_key(|misplaced| misplaced.row);
        for Misplaced { row, column, what } in &self.misplaced {
            let text: Cow<'_, [u8]> = match what {
                Unfit::Value(taken) => taken.exact(self.view),
                Unfit::Name(text) => Cow::Borrowed(self.view.quoted(*text)),
            };
            self.budget.spend(text.len())?;
            let names = self.origin.member.len() + feature.name.len() + feature.columns[*column].name.len();
            let value = Rescued {
                document: log.document,
                feature: self.feature,
                row: first + *row as u64,
                column: *column,
                value: str::from_utf8(&text).expect("a document that is valid is UTF-8"),
            };
            log.rescued.push(value, counted_bytes(text.len(), names));
        }
        Ok(())
    }
}

/// Writes one list.
struct ListWriter<'c, 'w, 'v> {
    chunk: &'c mut ChunkWriter<'w, 'v>,
    value: &'w Value,
    /// The type of an element.
    one: Target,
    row: usize,
    /// The column's position among the feature's own.
    position: usize,
}

impl<'w> ListWriter<'_, 'w, '_> {
    /// Writes the elements of a list. Gives the bytes that they count; `None` if there is no list.
    fn write(&mut self, taken: Taken<'w>, column: &mut ListColumn) -> Result<Option<usize>, DocumentError> {
        let view = self.chunk.view;
        match taken {
            Taken::Nothing => Ok(None),
            Taken::List(nodes) => self.elements(nodes.iter().copied(), column).map(Some),
            Taken::One(node) if view.is_null(node) => Ok(None),
            Taken::One(node) if matches!(view.value(node), Kept::Array { .. }) => {
                self.elements(view.selection.children(node), column).map(Some)
            }
            Taken::One(_) | Taken::Reduced(..) => match taken.cell(view, self.one, self.chunk.scratch) {
                Ok(Some(cell)) => self.chunk.budget.spend(column.elements.push(Some(cell))).map(Some),
                Ok(None) => Ok(None),
                Err(Misfit) => self.misplace(taken).map(|()| None),
            },
        }
    }

    /// Writes the elements of a list. One that does not fit becomes a null element.
    fn elements(
        &mut self,
        mut nodes: impl Iterator<Item = NodeId>,
        column: &mut ListColumn,
    ) -> Result<usize, DocumentError> {
        let mut bytes = 0;
        loop {
            let mut some = [NO_NODE; WORD];
            let filled = some.iter_mut().zip(&mut nodes).map(|(some, node)| *some = node).count();
            if filled == 0 {
                return Ok(bytes);
            }
            let Filled {
                bytes: counted,
                misfits,
            } = column.elements.fill(
                self.chunk.view,
                self.one,
                Cells::all(&some[..filled]),
                self.chunk.budget.room(),
            );
            bytes += self.chunk.budget.spend(counted)?;
            for at in ones(misfits) {
                self.misplace(Taken::One(some[at]))?;
            }
        }
    }

    fn misplace(&mut self, taken: Taken<'w>) -> Result<(), DocumentError> {
        match self.value.mismatch {
            Mismatch::Rescue => self.chunk.misplace(self.row, self.position, Unfit::Value(taken)),
            Mismatch::Ignore => Ok(()),
        }
    }
}

fn node_slot(source: Source) -> Slot {
    match source {
        Source::Index(slot) | Source::Key(slot) | Source::Node(slot) | Source::List(slot) => slot,
        Source::Member => unreachable!("what comes from the member's name is in no cell"),
    }
}

/// The column, which holds no lists.
fn scalar(column: Option<&mut Column>) -> &mut ScalarColumn {
    match column {
        Some(Column::Scalar(column)) => column,
        _ => unreachable!("ids, positions and names have columns, and these hold no lists"),
    }
}

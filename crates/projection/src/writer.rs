//! From rows to the columns of the tables.

use tarquet_feature_map::Plan;
use tarquet_feature_map::plan::{ColumnSource, Mismatch, Value};

use crate::columns::{Column, ListColumn};
use crate::convert::{Cell, Misfit, Target};
use crate::error::{DocumentError, DocumentErrorKind};
use crate::ids::Ids;
use crate::rescued::{Rescued, RescuedValues, counted_bytes};
use crate::rows::{Row, RowSink};
use crate::selection::{Key, NodeId, Value as Kept};
use crate::table::Table;
use crate::take::{Picked, Taken, take, target};
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
    /// The ids; those from the member's name are set.
    pub(crate) ids: &'a mut Ids,
    /// The display name of the document's member.
    pub(crate) member: &'a str,
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
/// counted at once, not row by row.
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
}

impl RowSink for Writer<'_> {
    fn begin(&mut self, view: &View<'_>, picked: &[Picked]) -> Result<(), DocumentError> {
        self.ids.set_values(self.plan, view, picked, self.scratch)
    }

    fn row(&mut self, view: &View<'_>, feature: usize, row: Row<'_>) -> Result<(), DocumentError> {
        let table = &mut self.tables[feature];
        let position = table.open_rows() as u64;
        let member = self.plan.provenance.then_some(Cell::Text(self.member.as_bytes()));
        let (mut at, mut bytes) = (0, 0);
        for cell in self.ids.cells().chain(member) {
            bytes += self.budget.spend(push(table.column_mut(at), Some(cell)))?;
            at += 1;
        }
        for (column, picked) in row.columns.iter().enumerate() {
            let mut writer = CellWriter {
                view,
                plan: self.plan,
                address: Address {
                    member: self.member,
                    feature,
                    row: position,
                    column,
                },
                rescue: &mut self.rescue,
                scratch: self.scratch,
                budget: &mut self.budget,
            };
            bytes += writer.write(&row, picked, table.column_mut(at))?;
            at += 1;
        }
        table.end_row(bytes as u64);
        Ok(())
    }
}

/// Adds a cell to a column that holds no lists.
fn push(column: &mut Column, cell: Option<Cell<'_>>) -> usize {
    match column {
        Column::Scalar(column) => column.push(cell),
        Column::List(_) => unreachable!("ids, positions and names are no lists"),
    }
}

/// Which cell is being written.
#[derive(Clone, Copy)]
struct Address<'a> {
    /// The name of the member that the document is of.
    member: &'a str,
    feature: usize,
    /// The row's position among the document's.
    row: u64,
    /// The column's position among the feature's own.
    column: usize,
}

/// Writes one cell.
struct CellWriter<'w, 'r, 'v> {
    view: &'w View<'v>,
    plan: &'w Plan,
    address: Address<'w>,
    rescue: &'w mut RescueLog<'r>,
    scratch: &'w mut Vec<u8>,
    budget: &'w mut Budget,
}

impl<'w> CellWriter<'w, '_, '_> {
    /// Writes what `picked` comes down to. Gives the bytes that the cell counts.
    fn write(&mut self, row: &Row<'_>, picked: &Picked, column: &mut Column) -> Result<usize, DocumentError> {
        let plan = self.plan;
        match &plan.features[self.address.feature].columns[self.address.column].source {
            ColumnSource::Index { of } => {
                let index = row.scope[*of].and_then(|node| self.view.index(node));
                self.budget
                    .spend(push(column, index.map(|index| Cell::Int(i64::from(index)))))
            }
            ColumnSource::Key { of } => {
                let name = match row.scope[*of] {
                    Some(node) => self.key(node)?,
                    None => None,
                };
                self.budget.spend(push(column, name.map(Cell::Text)))
            }
            ColumnSource::Value(value) => {
                let ty = value.ty.expect("a table's columns have types");
                let taken = take(value, picked);
                match column {
                    Column::Scalar(column) => {
                        let fit = taken.cell(self.view, target(value, ty), self.scratch);
                        let bytes = column.push(fit.unwrap_or(None));
                        if fit == Err(Misfit) {
                            self.rescue_taken(value, taken)?;
                        }
                        self.budget.spend(bytes)
                    }
                    Column::List(column) => self.list(value, target(value, ty), taken, column),
                }
            }
        }
    }

    /// The name by which a member was reached. One with a lone surrogate does not fit a string.
    fn key(&mut self, node: NodeId) -> Result<Option<&'w [u8]>, DocumentError> {
        match self.view.node(node).key {
            Key::Root | Key::Element(_) => Ok(None),
            Key::Name(name) => Ok(Some(self.plan.names[name.0 as usize].as_bytes())),
            Key::Member(text) => {
                let name = self.view.text(text);
                if name.is_none() {
                    let (start, end) = (text.start as usize - 1, (text.start + text.len) as usize + 1);
                    self.note(&self.view.document[start..end])?;
                }
                Ok(name)
            }
        }
    }

    /// Writes a list: the nodes of several matches, the elements of an array, or a lone value as a list of one.
    fn list(
        &mut self,
        value: &Value,
        one: Target,
        taken: Taken<'_>,
        column: &mut ListColumn,
    ) -> Result<usize, DocumentError> {
        let elements = match taken {
            Taken::Nothing => None,
            Taken::List(nodes) => Some(self.elements(value, one, nodes.iter().copied(), column)?),
            Taken::One(node) if self.view.is_null(node) => None,
            Taken::One(node) if matches!(self.view.value(node), Kept::Array { .. }) => {
                Some(self.elements(value, one, self.view.selection.children(node), column)?)
            }
            Taken::One(_) | Taken::Reduced(..) => match taken.cell(self.view, one, self.scratch) {
                Ok(Some(cell)) => Some(self.budget.spend(column.push_element(Some(cell)))?),
                Ok(None) => None,
                Err(Misfit) => {
                    self.rescue_taken(value, taken)?;
                    None
                }
            },
        };
        let length = self.budget.spend(column.end_list(elements.is_some()))?;
        Ok(elements.unwrap_or(0) + length)
    }

    /// Writes the elements of a list. One that does not fit becomes a null element.
    fn elements(
        &mut self,
        value: &Value,
        one: Target,
        nodes: impl Iterator<Item = NodeId>,
        column: &mut ListColumn,
    ) -> Result<usize, DocumentError> {
        let mut bytes = 0;
        for node in nodes {
            let fit = one.cell(self.view, node);
            bytes += self.budget.spend(column.push_element(fit.unwrap_or(None)))?;
            if fit == Err(Misfit) {
                self.rescue_taken(value, Taken::One(node))?;
            }
        }
        Ok(bytes)
    }

    fn rescue_taken(&mut self, value: &Value, taken: Taken<'_>) -> Result<(), DocumentError> {
        match value.mismatch {
            Mismatch::Rescue => self.note(&taken.exact(self.view)),
            Mismatch::Ignore => Ok(()),
        }
    }

    /// Notes a value, by its exact text, that does not fit its column.
    fn note(&mut self, text: &[u8]) -> Result<(), DocumentError> {
        let Address {
            member,
            feature,
            row,
            column,
        } = self.address;
        let plan = &self.plan.features[feature];
        let names = member.len() + plan.name.len() + plan.columns[column].name.len();
        let counted = self.budget.spend(counted_bytes(text.len(), names))?;
        let value = Rescued {
            document: self.rescue.document,
            feature,
            row,
            column,
            value: str::from_utf8(text).expect("a document that is valid is UTF-8"),
        };
        self.rescue.rescued.push(value, counted);
        Ok(())
    }
}

//! From rows to the columns of the tables.

use tarquet_feature_map::Plan;
use tarquet_feature_map::plan::{Column as ColumnPlan, ColumnSource, ColumnType, Mismatch, Scalar, Value};

use crate::columns::{Column, ListColumn};
use crate::convert::{Cell, Misfit, Target};
use crate::error::{DocumentError, DocumentErrorKind};
use crate::ids::Ids;
use crate::projected::Rescued;
use crate::rows::{Row, RowSink};
use crate::selection::{Key, NodeId, Value as Kept};
use crate::table::Table;
use crate::take::{Picked, Taken, take, target};
use crate::view::View;

/// How much the rows of one document may hold: 256 MiB, as [`Projected::bytes`](crate::Projected::bytes) counts them,
/// with the texts of its rescued values.
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
    /// The bytes that the document's rows count so far.
    pub(crate) used: u64,
}

/// Notes the values of one document that do not fit.
pub(crate) struct RescueLog<'a> {
    /// The document's position among those held.
    pub(crate) document: usize,
    /// What has been noted, of all documents held.
    pub(crate) rescued: &'a mut Vec<Rescued>,
    /// The bytes of the texts that this document has added.
    pub(crate) text_bytes: u64,
}

impl RowSink for Writer<'_> {
    fn begin(&mut self, view: &View<'_>, picked: &[Picked]) -> Result<(), DocumentError> {
        self.ids.set_values(self.plan, view, picked, self.scratch)
    }

    fn row(&mut self, view: &View<'_>, feature: usize, row: Row<'_>) -> Result<(), DocumentError> {
        let table = &mut self.tables[feature];
        let position = table.open_rows() as u64;
        let before = self.used;
        let member = self.plan.provenance.then_some(Cell::Text(self.member.as_bytes()));
        let mut at = 0;
        for cell in self.ids.cells().chain(member) {
            self.used += push(table.column_mut(at), Some(cell)) as u64;
            at += 1;
        }
        for (column, picked) in self.plan.features[feature].columns.iter().zip(row.columns) {
            let address = Address {
                feature,
                row: position,
                column,
            };
            let mut writer = CellWriter {
                view,
                plan: self.plan,
                address,
                rescue: &mut self.rescue,
                scratch: self.scratch,
            };
            self.used += writer.write(&row, picked, table.column_mut(at)) as u64;
            at += 1;
            // One cell can be as large as the document, so a row may not be waited for.
            check_size(self.used + self.rescue.text_bytes)?;
        }
        table.end_row(self.used - before);
        Ok(())
    }
}

fn check_size(used: u64) -> Result<(), DocumentError> {
    if used <= MAX_DOCUMENT_BYTES {
        return Ok(());
    }
    let detail = format!("the rows of the document exceed {} MiB", MAX_DOCUMENT_BYTES >> 20);
    Err(DocumentError::whole(DocumentErrorKind::TooLarge, detail))
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
    feature: usize,
    /// The row's position among the document's.
    row: u64,
    column: &'a ColumnPlan,
}

/// Writes one cell.
struct CellWriter<'w, 'r, 'v> {
    view: &'w View<'v>,
    plan: &'w Plan,
    address: Address<'w>,
    rescue: &'w mut RescueLog<'r>,
    scratch: &'w mut Vec<u8>,
}

impl CellWriter<'_, '_, '_> {
    /// Writes what `picked` comes down to. Gives the bytes that the cell counts.
    fn write(&mut self, row: &Row<'_>, picked: &Picked, column: &mut Column) -> usize {
        match &self.address.column.source {
            ColumnSource::Index { of } => {
                let index = row.scope[*of].and_then(|node| self.view.index(node));
                push(column, index.map(|index| Cell::Int(i64::from(index))))
            }
            ColumnSource::Key { of } => {
                let name = row.scope[*of].and_then(|node| self.key(node));
                push(column, name.map(Cell::Text))
            }
            ColumnSource::Value(value) => {
                let ty = value.ty.expect("a table's columns have types");
                let taken = take(value, picked);
                match column {
                    Column::Scalar(column) => {
                        let fit = taken.cell(self.view, target(value, ty), self.scratch);
                        let bytes = column.push(fit.unwrap_or(None));
                        if fit == Err(Misfit) {
                            self.rescue_taken(value, ty, taken);
                        }
                        bytes
                    }
                    Column::List(column) => self.list(value, ty, taken, column),
                }
            }
        }
    }

    /// The name by which a member was reached. One with a lone surrogate does not fit a string.
    fn key(&mut self, node: NodeId) -> Option<&[u8]> {
        match self.view.node(node).key {
            Key::Root | Key::Element(_) => None,
            Key::Name(name) => Some(self.plan.names[name.0 as usize].as_bytes()),
            Key::Member(text) => {
                let name = self.view.text(text);
                if name.is_none() {
                    let (start, end) = (text.start as usize - 1, (text.start + text.len) as usize + 1);
                    self.note(
                        ColumnType::Scalar(Scalar::String),
                        self.view.document[start..end].to_vec(),
                    );
                }
                name
            }
        }
    }

    /// Writes a list: the nodes of several matches, the elements of an array, or a lone value as a list of one.
    fn list(&mut self, value: &Value, ty: ColumnType, taken: Taken<'_>, column: &mut ListColumn) -> usize {
        let one = target(value, ty);
        match taken {
            Taken::Nothing => column.end_list(false),
            Taken::List(nodes) => self.elements(value, one, nodes.iter().copied(), column),
            Taken::One(node) if self.view.is_null(node) => column.end_list(false),
            Taken::One(node) if matches!(self.view.value(node), Kept::Array { .. }) => {
                self.elements(value, one, self.view.selection.children(node), column)
            }
            Taken::One(_) | Taken::Reduced(..) => match taken.cell(self.view, one, self.scratch) {
                Ok(Some(cell)) => column.push_element(Some(cell)) + column.end_list(true),
                Ok(None) => column.end_list(false),
                Err(Misfit) => {
                    self.rescue_taken(value, ty, taken);
                    column.end_list(false)
                }
            },
        }
    }

    /// Writes a list of nodes. One that does not fit becomes a null element.
    fn elements(
        &mut self,
        value: &Value,
        one: Target,
        nodes: impl Iterator<Item = NodeId>,
        column: &mut ListColumn,
    ) -> usize {
        let mut bytes = 0;
        for node in nodes {
            let fit = one.cell(self.view, node);
            bytes += column.push_element(fit.unwrap_or(None));
            if fit == Err(Misfit) {
                self.rescue_taken(value, ColumnType::List(one.ty), Taken::One(node));
            }
        }
        bytes + column.end_list(true)
    }

    fn rescue_taken(&mut self, value: &Value, ty: ColumnType, taken: Taken<'_>) {
        if value.mismatch == Mismatch::Rescue {
            self.note(ty, taken.exact(self.view));
        }
    }

    /// Notes a value, by its exact text, that does not fit `ty`.
    fn note(&mut self, ty: ColumnType, text: Vec<u8>) {
        self.rescue.text_bytes += text.len() as u64;
        self.rescue.rescued.push(Rescued {
            document: self.rescue.document,
            feature: self.address.feature,
            row: self.address.row,
            column: self.address.column.name.clone(),
            expected: ty.to_string(),
            value: String::from_utf8(text).expect("a document that is valid is UTF-8"),
        });
    }
}

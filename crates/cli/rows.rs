//! The first rows of every feature, and what all rows of a sample are like.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, SchemaRef};
use tarquet_coordinator::Sink;
use tarquet_dataset::{Table, Unit};
use tarquet_feature_map::Plan;
use tarquet_wire::message::Product;

use crate::cells;
use crate::survey::Seen;
use crate::table::{self, Cell, Head};
use crate::visible::harmless;

/// Keeps the first rows of features, and counts the others.
pub(crate) struct Rows {
    pub(crate) seen: Seen,
    /// The plan with all types.
    pub(crate) plan: Option<Plan>,
    pub(crate) tables: Vec<TableRows>,
    /// How many rows of each are kept.
    rows: usize,
    /// How many documents are enough.
    documents: u64,
    /// Whether so many rows are enough too, and of which features, by name; none for all.
    first_rows_of: Option<Vec<String>>,
}

/// The rows of a feature.
pub(crate) struct TableRows {
    pub(crate) name: String,
    pub(crate) schema: SchemaRef,
    /// The first rows.
    pub(crate) kept: Vec<RecordBatch>,
    /// How many are kept.
    kept_rows: usize,
    /// How many there were.
    pub(crate) rows: u64,
    /// In how many there was something, for each column.
    pub(crate) found: Vec<u64>,
    /// Values that did not fit, by column.
    pub(crate) misfits: BTreeMap<String, Misfits>,
}

/// Values that do not fit their column.
pub(crate) struct Misfits {
    pub(crate) count: u64,
    /// The type that they do not fit.
    pub(crate) expected: String,
    /// The first one's text.
    pub(crate) first: String,
}

impl Rows {
    /// All of so many documents, of which so many rows are kept.
    pub(crate) fn of_documents(documents: u64, rows: usize) -> Rows {
        Rows {
            seen: Seen::default(),
            plan: None,
            tables: Vec::new(),
            rows,
            documents,
            first_rows_of: None,
        }
    }

    /// No more than is needed for so many rows of these features, or of all if none is named.
    pub(crate) fn first(documents: u64, rows: usize, features: Vec<String>) -> Rows {
        Rows {
            first_rows_of: Some(features),
            ..Rows::of_documents(documents, rows)
        }
    }

    fn has_enough(&self) -> bool {
        let is_wanted = |table: &&TableRows| {
            let wanted = self.first_rows_of.as_ref();
            wanted.is_some_and(|wanted| wanted.is_empty() || wanted.contains(&table.name))
        };
        let mut wanted = self.tables.iter().filter(is_wanted).peekable();
        let have_rows = wanted.peek().is_some() && wanted.all(|table| table.kept_rows >= self.rows);
        self.seen.is_enough(self.documents) || have_rows
    }
}

impl Sink for Rows {
    const PRODUCT: Product = Product::Rows;

    fn begin(&mut self, plan: &Plan, tables: &[Table]) {
        self.plan = Some(plan.clone());
        let rows = |table: &Table| TableRows {
            name: table.name.clone(),
            schema: table.schema.clone(),
            kept: Vec::new(),
            kept_rows: 0,
            rows: 0,
            found: vec![0; table.schema.fields().len()],
            misfits: BTreeMap::new(),
        };
        self.tables = tables.iter().map(rows).collect();
    }

    fn take(&mut self, unit: Unit) -> ControlFlow<()> {
        self.seen.add(&unit);
        for (table, batch) in unit.batches {
            if let Some(table) = self.tables.get_mut(table) {
                table.add(&batch, self.rows);
            }
        }
        for value in unit.rescued {
            let table = self.tables.iter_mut().find(|table| table.name == value.feature);
            let Some(table) = table else { continue };
            let misfits = table.misfits.entry(value.column).or_insert(Misfits {
                count: 0,
                expected: value.expected,
                first: value.value,
            });
            misfits.count += 1;
        }
        match self.has_enough() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }
}

impl TableRows {
    fn add(&mut self, batch: &RecordBatch, most: usize) {
        self.rows += batch.num_rows() as u64;
        for (found, column) in self.found.iter_mut().zip(batch.columns()) {
            *found += something(column);
        }
        let missing = most.saturating_sub(self.kept_rows).min(batch.num_rows());
        if missing > 0 {
            self.kept.push(batch.slice(0, missing));
            self.kept_rows += missing;
        }
    }

    /// The kept rows as a table, no wider than `width`.
    pub(crate) fn render(&self, width: Option<usize>) -> String {
        let fields = self.schema.fields();
        let head: Vec<Head> = fields
            .iter()
            .map(|field| match cells::is_number(field.data_type()) {
                true => Head::right(field.name()),
                false => Head::left(field.name()),
            })
            .collect();
        let rows = self.kept.iter().flat_map(|batch| {
            (0..batch.num_rows()).map(|row| {
                let cells = batch.columns().iter();
                cells.map(|column| cell(column, row)).collect()
            })
        });
        table::render(&head, &rows.collect::<Vec<Vec<Cell>>>(), width)
    }
}

/// How long a cell's text is at the most, in characters, where nothing else cuts it.
const LONGEST: usize = 120;

fn cell(column: &ArrayRef, row: usize) -> Cell {
    if column.is_null(row) {
        return Cell::dim("null");
    }
    let text = cells::text(column, row);
    let mut shown: String = text.chars().take(LONGEST).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    harmless(&shown).into()
}

/// In how many rows a column has something: no null, and no empty list, which is what a path of several matches finds where
/// there is none.
fn something(column: &ArrayRef) -> u64 {
    let is_empty = |row: usize| match column.data_type() {
        DataType::List(_) => column.as_list::<i32>().value_length(row) == 0,
        _ => false,
    };
    (0..column.len())
        .filter(|row| column.is_valid(*row) && !is_empty(*row))
        .count() as u64
}

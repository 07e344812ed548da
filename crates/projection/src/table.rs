//! The rows of one feature, with those of the open document apart, so that they can be taken off again.

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, SchemaRef};
use tarquet_feature_map::plan::{ColumnType, Scalar};
use tarquet_feature_map::{Plan, SchemaError};
use thiserror::Error;

use crate::columns::Column;

/// Why the rows held do not become batches. It is a defect of the program, never of a document.
#[derive(Debug, Error)]
pub enum FlushError {
    /// The plan has no schema for the table.
    #[error("the table of feature `{feature}` has no schema")]
    Schema {
        /// The feature's name.
        feature: String,
        /// Why.
        source: SchemaError,
    },
    /// Arrow does not take the columns.
    #[error("the rows of feature `{feature}` make no record batch")]
    Arrow {
        /// The feature's name.
        feature: String,
        /// Why.
        source: ArrowError,
    },
}

/// The rows of one feature.
#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<Column>,
    /// The schema of the batches, once one has been made.
    schema: Option<SchemaRef>,
    rows: usize,
    /// How many of the rows are not of the open document.
    closed: usize,
    /// The bytes that the rows of the open document count.
    open_bytes: u64,
}

impl Table {
    /// An empty table for the feature at position `feature`; `None` while one of its columns has no type.
    pub(crate) fn new(plan: &Plan, feature: usize) -> Option<Self> {
        let string = ColumnType::Scalar(Scalar::String);
        let id = plan
            .ids
            .iter()
            .map(|id| id.source.value().map_or(Some(string), |value| value.ty));
        let provenance = [string, ColumnType::Scalar(Scalar::Int64)];
        let provenance = provenance.into_iter().filter(|_| plan.provenance).map(Some);
        let own = plan.features[feature]
            .columns
            .iter()
            .map(|column| column.source.column_type());
        let columns = id
            .chain(provenance)
            .chain(own)
            .map(|ty| ty.map(Column::new))
            .collect::<Option<_>>()?;
        Some(Self {
            columns,
            schema: None,
            rows: 0,
            closed: 0,
            open_bytes: 0,
        })
    }

    /// Begins the next document.
    pub(crate) fn open(&mut self) {
        self.closed = self.rows;
        self.open_bytes = 0;
    }

    /// Takes off the rows of the open document.
    pub(crate) fn roll_back(&mut self) {
        self.rows = self.closed;
        self.columns.iter_mut().for_each(|column| column.truncate(self.closed));
        self.open_bytes = 0;
    }

    /// The columns, in the order of the table's schema.
    pub(crate) fn columns_mut(&mut self) -> &mut [Column] {
        &mut self.columns
    }

    /// Ends some rows, of which every column has been written, and which count so many bytes.
    pub(crate) fn end_rows(&mut self, rows: usize, bytes: u64) {
        self.rows += rows;
        self.open_bytes += bytes;
    }

    /// How many rows the open document has.
    pub(crate) fn open_rows(&self) -> usize {
        self.rows - self.closed
    }

    /// The bytes that the rows of the open document count.
    pub(crate) fn open_bytes(&self) -> u64 {
        self.open_bytes
    }

    /// Takes all rows, as a batch of the schema that the plan has for the table; `None` without rows.
    pub(crate) fn finish(&mut self, plan: &Plan, feature: usize) -> Result<Option<RecordBatch>, FlushError> {
        if self.rows == 0 {
            return Ok(None);
        }
        let name = || plan.features[feature].name.clone();
        let schema = match &self.schema {
            Some(schema) => schema.clone(),
            None => {
                let schema = plan.table_schema(feature);
                let schema = schema.map_err(|source| FlushError::Schema {
                    feature: name(),
                    source,
                })?;
                self.schema.insert(schema).clone()
            }
        };
        let arrays: Result<Vec<ArrayRef>, ArrowError> = self.columns.iter_mut().map(Column::finish).collect();
        (self.rows, self.closed) = (0, 0);
        let batch = arrays.and_then(|arrays| RecordBatch::try_new(schema, arrays));
        batch.map(Some).map_err(|source| FlushError::Arrow {
            feature: name(),
            source,
        })
    }
}

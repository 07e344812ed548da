//! What a projector gives away at a flush.

use arrow_array::RecordBatch;

use crate::rescued::RescuedValues;

/// The rows of some documents.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Projected {
    /// How many documents they are of, those without rows included and those that failed not.
    pub documents: usize,
    /// How many rows each document has in each feature: row-major, documents × features.
    pub rows: Vec<u32>,
    /// How many bytes each document's rows count in each feature: row-major, documents × features.
    ///
    /// A value counts its width, null or not (8 bytes an `int64`, `float64`, `timestamp` or `datetime`, 4 a `date`, 1
    /// a `bool`); a string counts 4 and its bytes, a list 4 and its elements. Ids and `_member` are included.
    pub bytes: Vec<u64>,
    /// For each feature that has rows, its position and its rows, in the schema that the plan has for its table.
    pub batches: Vec<(usize, RecordBatch)>,
    /// The values that do not fit their columns: by document, then by feature, row and column.
    pub rescued: RescuedValues,
}

//! What a projector gives away at a flush.

use arrow_array::RecordBatch;

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
    pub rescued: Vec<Rescued>,
}

/// A value that does not fit its column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rescued {
    /// The document, by its position among the [`Projected::documents`].
    pub document: usize,
    /// The feature, by its position in the plan.
    pub feature: usize,
    /// The row, by its position, from 0, among those that the document has in the feature.
    pub row: u64,
    /// The column's name.
    pub column: String,
    /// The column's type.
    pub expected: String,
    /// The value's exact text; for one value made of many, a JSON array of their exact texts; for the name of a
    /// member, the name with its quotes.
    pub value: String,
}

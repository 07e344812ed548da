//! Which columns of a part are written without a dictionary.
//!
//! The Parquet writer begins every column with a dictionary, and gives it up once the dictionary's page is full. Of a
//! column in which every text is another, such as an id, all that is in vain: the hashing, and a page of texts that are
//! referred to once. Which columns these are is looked for in the part's first rows, so it is a function of the rows.

use std::collections::HashSet;

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, Schema};
use parquet::file::properties::DEFAULT_DICTIONARY_PAGE_SIZE_LIMIT;

/// How many places are looked at, spread evenly over the rows. Texts of a few kinds repeat from place to place, those of an
/// outer loop, or of a document, from one row to the next: so at each place, two neighbours are compared with all others.
/// A column that a dictionary makes much smaller has repeats of one or the other kind.
const COMPARED: usize = 2048;

/// The positions of columns of text in which no text repeats, as far as is seen in these rows, and whose dictionary
/// would be given up for its size.
pub(crate) fn columns_without(schema: &Schema, first_rows: &[RecordBatch]) -> Vec<usize> {
    let is_text = |column: &usize| *schema.field(*column).data_type() == DataType::Utf8;
    (0..schema.fields().len())
        .filter(is_text)
        .filter(|&column| overflows(first_rows, column) && is_unique(first_rows, column))
        .collect()
}

/// Whether the texts, each with its length of 4 bytes, are more than a dictionary's page holds.
fn overflows(batches: &[RecordBatch], column: usize) -> bool {
    let bytes = batches.iter().map(|batch| {
        let texts = batch.column(column).as_string::<i32>();
        let (first, last) = (texts.value_offsets()[0], texts.value_offsets()[texts.len()]);
        (last - first) as usize + size_of::<u32>() * (texts.len() - texts.null_count())
    });
    bytes.sum::<usize>() > DEFAULT_DICTIONARY_PAGE_SIZE_LIMIT
}

/// Whether no text repeats among those that are compared.
fn is_unique(batches: &[RecordBatch], column: usize) -> bool {
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    let stride = rows.div_ceil(COMPARED).max(1);
    let places = (0..rows).step_by(stride);
    let mut compared = places.flat_map(|row| row..rows.min(row + stride.min(2))).peekable();
    let mut seen = HashSet::with_capacity(2 * COMPARED);
    let mut before = 0;
    for batch in batches {
        let texts = batch.column(column).as_string::<i32>();
        while let Some(row) = compared.next_if(|row| *row < before + texts.len()) {
            let row = row - before;
            if texts.is_valid(row) && !seen.insert(texts.value(row)) {
                return false;
            }
        }
        before += texts.len();
    }
    true
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int64Array, StringArray};

    use super::*;

    const ROWS: usize = 60_000;

    /// A table of such columns, in batches of `size` rows.
    fn batches(size: usize) -> Vec<RecordBatch> {
        let text = |of: &dyn Fn(usize) -> String| Arc::new((0..ROWS).map(|row| Some(of(row))).collect::<StringArray>());
        let columns: [(&str, ArrayRef); 6] = [
            ("unique", text(&|row| format!("{row:032}"))),
            ("number", Arc::new((0..ROWS as i64).collect::<Int64Array>())),
            ("repeated", text(&|row| format!("{:032}", row % 5000))),
            ("in runs", text(&|row| format!("{:032}", row / 3))),
            ("short", text(&|row| format!("{row}"))),
            ("null", Arc::new(StringArray::new_null(ROWS))),
        ];
        let whole = RecordBatch::try_from_iter(columns).unwrap();
        (0..ROWS)
            .step_by(size)
            .map(|row| whole.slice(row, size.min(ROWS - row)))
            .collect()
    }

    #[test]
    fn a_column_of_long_texts_that_are_all_different_has_none() {
        for size in [1, 7, 1000, 4096, ROWS] {
            let batches = batches(size);
            assert_eq!(
                columns_without(&batches[0].schema(), &batches),
                [0],
                "batches of {size} rows"
            );
        }
    }

    #[test]
    fn without_rows_nothing_is_known() {
        let schema = batches(ROWS)[0].schema();
        assert!(columns_without(&schema, &[]).is_empty());
        assert!(columns_without(&schema, &[RecordBatch::new_empty(Arc::clone(&schema))]).is_empty());
    }
}

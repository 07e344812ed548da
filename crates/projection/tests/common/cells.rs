//! The values of record batches, so that tests can compare them.

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;

/// A value of a table. Floats are held as their bits, so that zeros of different signs differ.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    Null,
    Int(i64),
    Float(u64),
    Bool(bool),
    Days(i32),
    Text(String),
    List(Vec<Cell>),
}

/// The cell of an array at a row.
fn cell(array: &dyn Array, row: usize) -> Cell {
    if array.is_null(row) {
        return Cell::Null;
    }
    match array.data_type() {
        DataType::Int64 => Cell::Int(array.as_primitive::<Int64Type>().value(row)),
        DataType::Timestamp(..) => Cell::Int(array.as_primitive::<TimestampMicrosecondType>().value(row)),
        DataType::Float64 => Cell::Float(array.as_primitive::<Float64Type>().value(row).to_bits()),
        DataType::Date32 => Cell::Days(array.as_primitive::<Date32Type>().value(row)),
        DataType::Boolean => Cell::Bool(array.as_boolean().value(row)),
        DataType::Utf8 => Cell::Text(array.as_string::<i32>().value(row).to_owned()),
        DataType::List(_) => {
            let elements = array.as_list::<i32>().value(row);
            Cell::List((0..elements.len()).map(|at| cell(&elements, at)).collect())
        }
        other => panic!("no column is of type {other}"),
    }
}

/// The rows of a batch.
pub(crate) fn rows(batch: &RecordBatch) -> Vec<Vec<Cell>> {
    let row = |row| batch.columns().iter().map(|column| cell(column, row)).collect();
    (0..batch.num_rows()).map(row).collect()
}

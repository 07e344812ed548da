//! The tables whose rows a worker sends, and what their rows count.
//!
//! After a plan's features come two reserved tables, [`failures`](failures_table) and [`rescued`](rescued_table):
//! whatever can be large travels as a batch, so that credit meters it.

use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use arrow_array::{Array, ArrayRef, RecordBatch, UInt64Array};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use tarquet_feature_map::Plan;
use tarquet_feature_map::SchemaError;

/// The reserved table of failed documents, of a plan with so many features.
pub fn failures_table(features: usize) -> usize {
    features
}

/// The reserved table of values that do not fit, of a plan with so many features.
pub fn rescued_table(features: usize) -> usize {
    features + 1
}

/// The schemas of all tables that a worker sends: the plan's features, then the reserved ones.
///
/// # Errors
///
/// A plan in which some value has no type yet.
pub fn schemas(plan: &Plan) -> Result<Vec<SchemaRef>, SchemaError> {
    let mut schemas = (0..plan.features.len())
        .map(|feature| plan.table_schema(feature))
        .collect::<Result<Vec<_>, _>>()?;
    schemas.push(failures_schema());
    schemas.push(rescued_schema());
    Ok(schemas)
}

/// A failed document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailureRow {
    /// The member's name.
    pub member: String,
    /// The byte of the member's content that could not be read, from 0.
    pub offset: Option<u64>,
    /// The line of an NDJSON member, from 1; counted from the unit's beginning where that
    /// [continues](crate::message::UnitDone::is_continued) the member.
    pub line: Option<u64>,
    /// A word that programs can match.
    pub reason: String,
    /// A sentence for people.
    pub detail: String,
}

/// A value that does not fit its column. Its texts are its own, or stand elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RescuedRow<Text = String> {
    /// The member's name.
    pub member: Text,
    /// The feature.
    pub feature: Text,
    /// The row's position among the member's rows of the feature, from 0; counted from the unit's beginning where that
    /// [continues](crate::message::UnitDone::is_continued) the member.
    pub row: u64,
    /// The line of an NDJSON member, from 1, counted likewise.
    pub line: Option<u64>,
    /// The column.
    pub column: Text,
    /// The column's type.
    pub expected: Text,
    /// The value's exact text.
    pub value: Text,
}

fn failures_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("member", DataType::Utf8, false),
        Field::new("offset", DataType::UInt64, true),
        Field::new("line", DataType::UInt64, true),
        Field::new("reason", DataType::Utf8, false),
        Field::new("detail", DataType::Utf8, false),
    ]))
}

fn rescued_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("member", DataType::Utf8, false),
        Field::new("feature", DataType::Utf8, false),
        Field::new("row", DataType::UInt64, false),
        Field::new("line", DataType::UInt64, true),
        Field::new("column", DataType::Utf8, false),
        Field::new("expected", DataType::Utf8, false),
        Field::new("value", DataType::Utf8, false),
    ]))
}

/// A column of texts, in memory that is measured before it is filled.
fn strings<'a>(texts: impl ExactSizeIterator<Item = &'a str> + Clone) -> Result<ArrayRef, ArrowError> {
    let bytes = texts.clone().map(str::len).sum();
    i32::try_from(bytes).map_err(|_| ArrowError::OffsetOverflowError(bytes))?;
    let mut column = StringBuilder::with_capacity(texts.len(), bytes);
    texts.for_each(|text| column.append_value(text));
    Ok(Arc::new(column.finish()))
}

/// The batch of failed documents.
///
/// # Errors
///
/// Texts of more than 2 GiB in a column.
pub fn failures_batch(rows: &[FailureRow]) -> Result<RecordBatch, ArrowError> {
    let rows = rows.iter();
    RecordBatch::try_new(
        failures_schema(),
        vec![
            strings(rows.clone().map(|row| row.member.as_str()))?,
            Arc::new(UInt64Array::from_iter(rows.clone().map(|row| row.offset))),
            Arc::new(UInt64Array::from_iter(rows.clone().map(|row| row.line))),
            strings(rows.clone().map(|row| row.reason.as_str()))?,
            strings(rows.map(|row| row.detail.as_str()))?,
        ],
    )
}

/// The batch of values that do not fit. It is written column by column, so `rows` is gone through often.
///
/// # Errors
///
/// Texts of more than 2 GiB in a column.
pub fn rescued_batch<'a, Rows>(rows: Rows) -> Result<RecordBatch, ArrowError>
where
    Rows: ExactSizeIterator<Item = RescuedRow<&'a str>> + Clone,
{
    RecordBatch::try_new(
        rescued_schema(),
        vec![
            strings(rows.clone().map(|row| row.member))?,
            strings(rows.clone().map(|row| row.feature))?,
            Arc::new(UInt64Array::from_iter_values(rows.clone().map(|row| row.row))),
            Arc::new(UInt64Array::from_iter(rows.clone().map(|row| row.line))),
            strings(rows.clone().map(|row| row.column))?,
            strings(rows.clone().map(|row| row.expected))?,
            strings(rows.map(|row| row.value))?,
        ],
    )
}

/// The rows of a batch of [`failures_batch`]; its schema has been checked by a
/// [`TableDecoder`](crate::batch::TableDecoder).
pub fn failure_rows(batch: &RecordBatch) -> Vec<FailureRow> {
    (0..batch.num_rows())
        .map(|row| FailureRow {
            member: text(batch, 0, row),
            offset: number(batch, 1, row),
            line: number(batch, 2, row),
            reason: text(batch, 3, row),
            detail: text(batch, 4, row),
        })
        .collect()
}

/// The rows of a batch of [`rescued_batch`]; its schema has been checked by a
/// [`TableDecoder`](crate::batch::TableDecoder).
pub fn rescued_rows(batch: &RecordBatch) -> Vec<RescuedRow> {
    (0..batch.num_rows())
        .map(|row| RescuedRow {
            member: text(batch, 0, row),
            feature: text(batch, 1, row),
            row: batch.column(2).as_primitive::<UInt64Type>().value(row),
            line: number(batch, 3, row),
            column: text(batch, 4, row),
            expected: text(batch, 5, row),
            value: text(batch, 6, row),
        })
        .collect()
}

fn text(batch: &RecordBatch, column: usize, row: usize) -> String {
    batch.column(column).as_string::<i32>().value(row).to_owned()
}

fn number(batch: &RecordBatch, column: usize, row: usize) -> Option<u64> {
    let numbers = batch.column(column).as_primitive::<UInt64Type>();
    numbers.is_valid(row).then(|| numbers.value(row))
}

/// What a table's rows count in bytes, as [`UnitDone::bytes`](crate::message::UnitDone::bytes) does: a number or a time
/// its width, a bool 1, a string 4 and its text, a list 4 and its elements; a null as much as an empty value.
///
/// It is a function of the rows, not of how they are cut into batches, and it is worked out in a time that does not
/// depend on how many there are.
pub fn value_bytes(batch: &RecordBatch) -> u64 {
    batch.columns().iter().map(column_bytes).sum()
}

fn column_bytes(column: &ArrayRef) -> u64 {
    let each = |width: usize| (column.len() * width) as u64;
    match column.data_type() {
        DataType::Boolean => each(size_of::<bool>()),
        DataType::Utf8 => {
            let offsets = column.as_string::<i32>().offsets();
            each(size_of::<i32>()) + (offsets[column.len()] - offsets[0]) as u64
        }
        DataType::List(_) => {
            let lists = column.as_list::<i32>();
            let (first, last) = (lists.offsets()[0] as usize, lists.offsets()[column.len()] as usize);
            each(size_of::<i32>()) + column_bytes(&lists.values().slice(first, last - first))
        }
        other => each(other.primitive_width().unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::builder::ListBuilder;
    use arrow_array::{BooleanArray, Date32Array, StringArray};

    use super::*;

    fn failures() -> Vec<FailureRow> {
        vec![
            FailureRow {
                member: "raw/ä.json".into(),
                offset: Some(7),
                line: None,
                reason: "syntax".into(),
                detail: "a".into(),
            },
            FailureRow {
                member: "b".into(),
                offset: None,
                line: Some(3),
                reason: "id".into(),
                detail: String::new(),
            },
        ]
    }

    #[test]
    fn reserved_tables_come_back_row_by_row() {
        assert_eq!(failure_rows(&failures_batch(&failures()).unwrap()), failures());
        let rescued = RescuedRow {
            member: "m",
            feature: "f",
            row: u64::MAX,
            line: Some(7),
            column: "c",
            expected: "int64",
            value: "1e999",
        };
        let received = RescuedRow {
            member: "m".to_owned(),
            feature: "f".to_owned(),
            row: u64::MAX,
            line: Some(7),
            column: "c".to_owned(),
            expected: "int64".to_owned(),
            value: "1e999".to_owned(),
        };
        assert_eq!(
            rescued_rows(&rescued_batch([rescued, rescued].into_iter()).unwrap()),
            [received.clone(), received]
        );
    }

    #[test]
    fn rows_count_their_values_however_they_are_cut() {
        let mut lists = ListBuilder::new(StringBuilder::new());
        lists.append_option(Some(vec![Some("ab"), None]));
        lists.append_option(None::<Vec<Option<&str>>>);
        lists.append_option(Some(vec![Some("c")]));
        let columns: [(&str, ArrayRef); 4] = [
            ("text", Arc::new(StringArray::from(vec![Some("xyz"), None, Some("")]))),
            (
                "flag",
                Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)])),
            ),
            ("day", Arc::new(Date32Array::from(vec![Some(1), None, Some(3)]))),
            ("texts", Arc::new(lists.finish())),
        ];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let rows = [
            (4 + 3) + 1 + 4 + (4 + (4 + 2) + 4),
            4 + 1 + 4 + 4,
            4 + 1 + 4 + (4 + (4 + 1)),
        ];
        for (row, bytes) in rows.into_iter().enumerate() {
            assert_eq!(value_bytes(&batch.slice(row, 1)), bytes, "row {row}");
        }
        assert_eq!(value_bytes(&batch), rows.iter().sum::<u64>());
        assert_eq!(value_bytes(&batch.slice(0, 0)), 0);
    }
}

//! Batches: record batches of a table as pieces of one Arrow IPC stream a worker and table.
//!
//! After a plan's features come two reserved tables, [`failures`](failures_table) and [`rescued`](rescued_table):
//! whatever can be large travels as a batch, so that credit meters it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use arrow_array::{Array, ArrayRef, RecordBatch, UInt64Array};
use arrow_buffer::Buffer;
use arrow_ipc::reader::StreamDecoder;
use arrow_ipc::writer::StreamEncoder;
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use tarquet_feature_map::Plan;
use tarquet_feature_map::SchemaError;
use thiserror::Error;

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
    /// The byte of the document (the member) that could not be read, from 0.
    pub offset: Option<u64>,
    /// The line of an NDJSON member, from 1.
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
    /// The row's position among the member's rows of the feature, from 0.
    pub row: u64,
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
            strings(rows.clone().map(|row| row.column))?,
            strings(rows.clone().map(|row| row.expected))?,
            strings(rows.map(|row| row.value))?,
        ],
    )
}

/// The rows of a batch of [`failures_batch`]; its schema has been checked by a [`TableDecoder`].
pub fn failure_rows(batch: &RecordBatch) -> Vec<FailureRow> {
    let text = |column: usize, row: usize| batch.column(column).as_string::<i32>().value(row).to_owned();
    let number = |column: usize, row: usize| {
        let numbers = batch.column(column).as_primitive::<UInt64Type>();
        numbers.is_valid(row).then(|| numbers.value(row))
    };
    (0..batch.num_rows())
        .map(|row| FailureRow {
            member: text(0, row),
            offset: number(1, row),
            line: number(2, row),
            reason: text(3, row),
            detail: text(4, row),
        })
        .collect()
}

/// The rows of a batch of [`rescued_batch`]; its schema has been checked by a [`TableDecoder`].
pub fn rescued_rows(batch: &RecordBatch) -> Vec<RescuedRow> {
    let text = |column: usize, row: usize| batch.column(column).as_string::<i32>().value(row).to_owned();
    (0..batch.num_rows())
        .map(|row| RescuedRow {
            member: text(0, row),
            feature: text(1, row),
            row: batch.column(2).as_primitive::<UInt64Type>().value(row),
            column: text(3, row),
            expected: text(4, row),
            value: text(5, row),
        })
        .collect()
}

/// A worker's end of one table's stream.
pub struct TableEncoder {
    encoder: StreamEncoder,
}

impl TableEncoder {
    /// An encoder of batches of `schema`.
    ///
    /// # Errors
    ///
    /// A schema that Arrow IPC cannot express.
    pub fn new(schema: &Schema) -> Result<TableEncoder, ArrowError> {
        Ok(TableEncoder {
            encoder: StreamEncoder::try_new(schema)?,
        })
    }

    /// The body of the frame that carries `batch`, in pieces that share the batch's memory. The first one of a stream
    /// begins with the schema.
    ///
    /// # Errors
    ///
    /// What Arrow IPC cannot express.
    pub fn encode(&mut self, batch: &RecordBatch) -> Result<Vec<Buffer>, ArrowError> {
        self.encoder.encode(batch)
    }
}

/// Why a batch could not be decoded: the worker that sent it is broken.
#[derive(Debug, Error)]
pub enum BatchError {
    /// The bytes are no valid record batch.
    #[error("a batch that is not valid Arrow: {0}")]
    Arrow(#[from] ArrowError),
    /// Decoding panicked, which arrow-ipc can still do on crafted bytes.
    #[error("a batch that makes the Arrow decoder panic")]
    Panic,
    /// The schema is another than the run's.
    #[error("a batch of another schema than the table's")]
    Schema,
    /// The frame does not hold exactly one batch.
    #[error("a frame that does not hold exactly one batch")]
    NotOne,
}

/// The coordinator's end of one table's stream. It validates all it decodes.
#[derive(Debug)]
pub struct TableDecoder {
    decoder: StreamDecoder,
    schema: SchemaRef,
}

impl TableDecoder {
    /// A decoder of batches that have to be of `schema`.
    pub fn new(schema: SchemaRef) -> TableDecoder {
        TableDecoder {
            decoder: StreamDecoder::new(),
            schema,
        }
    }

    /// The batch that a frame's body holds; its arrays share the body's memory. After an error the stream is over.
    ///
    /// # Errors
    ///
    /// Whatever shows that the worker is broken. It never panics.
    pub fn decode(&mut self, body: Buffer) -> Result<RecordBatch, BatchError> {
        let decoder = &mut self.decoder;
        let decoded = catch_unwind(AssertUnwindSafe(|| {
            let mut rest = body;
            let batch = decoder.decode(&mut rest)?;
            Ok::<_, ArrowError>(batch.filter(|_| rest.is_empty()))
        }));
        let batch = decoded.map_err(|_| BatchError::Panic)??.ok_or(BatchError::NotOne)?;
        if batch.schema() != self.schema {
            return Err(BatchError::Schema);
        }
        Ok(batch)
    }
}

#[cfg(test)]
mod tests {
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

    fn joined(pieces: &[Buffer]) -> Buffer {
        Buffer::from_vec(
            pieces
                .iter()
                .flat_map(|piece| piece.as_slice().to_vec())
                .collect::<Vec<u8>>(),
        )
    }

    #[test]
    fn reserved_tables_come_back_row_by_row() {
        assert_eq!(failure_rows(&failures_batch(&failures()).unwrap()), failures());
        let rescued = RescuedRow {
            member: "m",
            feature: "f",
            row: u64::MAX,
            column: "c",
            expected: "int64",
            value: "1e999",
        };
        let received = RescuedRow {
            member: "m".to_owned(),
            feature: "f".to_owned(),
            row: u64::MAX,
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
    fn a_stream_of_batches_comes_back_batch_by_batch() {
        let batch = failures_batch(&failures()).unwrap();
        let mut encoder = TableEncoder::new(&batch.schema()).unwrap();
        let mut decoder = TableDecoder::new(batch.schema());
        for rows in [2, 1, 0, 2] {
            let sent = batch.slice(0, rows);
            assert_eq!(decoder.decode(joined(&encoder.encode(&sent).unwrap())).unwrap(), sent);
        }
    }

    #[test]
    fn another_schema_is_refused() {
        let batch = failures_batch(&failures()).unwrap();
        let body = joined(&TableEncoder::new(&batch.schema()).unwrap().encode(&batch).unwrap());
        let error = TableDecoder::new(rescued_schema()).decode(body).unwrap_err();
        assert!(matches!(error, BatchError::Schema), "{error}");
    }

    #[test]
    fn a_frame_holds_exactly_one_batch() {
        let batch = failures_batch(&failures()).unwrap();
        let mut encoder = TableEncoder::new(&batch.schema()).unwrap();
        let first = encoder.encode(&batch).unwrap();
        let both = [first.clone(), encoder.encode(&batch).unwrap()].concat();
        for body in [joined(&both), joined(&first[..1]), Buffer::from_vec(Vec::<u8>::new())] {
            let error = TableDecoder::new(batch.schema()).decode(body).unwrap_err();
            assert!(matches!(error, BatchError::NotOne | BatchError::Arrow(_)), "{error}");
        }
    }

    /// Every single bit of a frame's body flipped: an error or a batch of the same schema, never a panic.
    #[test]
    fn flipped_bits_never_panic() {
        let batch = failures_batch(&failures()).unwrap();
        let body = joined(&TableEncoder::new(&batch.schema()).unwrap().encode(&batch).unwrap());
        for bit in 0..body.len() * 8 {
            let mut bytes = body.to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            if let Ok(decoded) = TableDecoder::new(batch.schema()).decode(Buffer::from_vec(bytes)) {
                assert_eq!(decoded.schema(), batch.schema());
            }
        }
    }
}

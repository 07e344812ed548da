//! Frames and batches that no worker of ours would send: none makes the decoder panic, or hold more than its bound.

mod corpus;
mod counting;
mod crafted;
mod lengths;
mod messages;

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_buffer::{Buffer, MutableBuffer};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use tarquet_wire::batch::{BatchError, TableDecoder};

#[global_allocator]
static COUNTING: counting::Counting = counting::Counting;

/// The most that decoding may allocate, in bytes, for a table of so many columns, whatever the body is: the arrays'
/// descriptions, or an error. What the columns hold stays in the body.
fn bound(columns: usize) -> usize {
    (8 << 10) + columns * (2 << 10)
}

/// Decodes a body and checks what decoding it took.
fn decode(schema: &SchemaRef, body: &[u8]) -> Result<RecordBatch, BatchError> {
    let decoder = TableDecoder::new(Arc::clone(schema)).unwrap();
    decode_with(&decoder, schema.fields().len(), body)
}

fn decode_with(decoder: &TableDecoder, columns: usize, body: &[u8]) -> Result<RecordBatch, BatchError> {
    let body = aligned(body);
    let (decoded, peak) = counting::peak(|| decoder.decode(&body));
    assert!(
        peak <= bound(columns),
        "{peak} bytes for {columns} columns: {decoded:?}"
    );
    if let Ok(batch) = &decoded {
        for column in batch.columns() {
            column.to_data().validate_full().unwrap();
        }
    }
    decoded
}

/// A body as a frame's reader aligns it.
fn aligned(body: &[u8]) -> Buffer {
    let mut buffer = MutableBuffer::new(body.len());
    buffer.extend_from_slice(body);
    buffer.into()
}

fn schema(columns: &[(&str, DataType)]) -> SchemaRef {
    let field = |(name, ty): &(&str, DataType)| Field::new(*name, ty.clone(), true);
    Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()))
}

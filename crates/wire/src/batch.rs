//! Batches: a table's rows as the body of a frame.
//!
//! A body is one record batch message of an Arrow IPC stream
//! ([format](https://arrow.apache.org/docs/format/Columnar.html#encapsulated-message-format)), without compression:
//!
//! ```text
//!  0          4          8                       a multiple of 64
//!  ┌──────────┬──────────┬──────────────┬────────┬────────────────────────────┐
//!  │ ff ff ff │ length   │ metadata     │ 0…     │ the columns' buffers       │
//!  │ ff       │          │ (flatbuffer) │        │ one behind the other       │
//!  └──────────┴──────────┴──────────────┴────────┴────────────────────────────┘
//! ```
//!
//! The schema does not travel: both ends have it from the plan, and a sender that could choose one could make the
//! receiver build whatever fits a flatbuffer. So a frame holds nothing but rows, of a layout that is known before.
//!
//! What the metadata says is compared with that layout before Arrow sees it: how many arrays and buffers there are,
//! that buffers lie in line and behind one another inside the body, that no array claims more values than bits have
//! arrived. Therefore no crafted batch is known that makes Arrow panic, and what is decoded shares the body's memory:
//! all columns together are never more than the body.

use std::collections::HashMap;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::reader::RecordBatchDecoder;
use arrow_ipc::writer::StreamEncoder;
use arrow_ipc::{FieldNode, MetadataVersion, root_as_message};
use arrow_schema::{ArrowError, DataType, SchemaRef};
use thiserror::Error;

/// What a message begins with.
const CONTINUATION: [u8; 4] = [0xff; 4];

/// Bytes before the metadata: the continuation marker and the metadata's length.
const PREFIX_LEN: usize = 8;

/// Where a buffer begins is a multiple of this, in bytes: what the widest value of a table, 64 bits, needs.
const ALIGNMENT: usize = 8;

/// How much longer a batch's metadata may be than that of a batch without rows. It has the same arrays and buffers, and
/// numbers that are zero are left out of a flatbuffer.
const METADATA_SLACK: usize = 64;

/// A worker's end of one table's batches.
pub struct TableEncoder {
    encoder: StreamEncoder,
}

impl TableEncoder {
    /// An encoder of batches of `schema`.
    ///
    /// # Errors
    ///
    /// A schema that Arrow IPC cannot express.
    pub fn new(schema: &SchemaRef) -> Result<TableEncoder, ArrowError> {
        let mut encoder = StreamEncoder::try_new(schema)?;
        // The schema goes out before the first batch. It has no business on the wire.
        encoder.encode(&RecordBatch::new_empty(SchemaRef::clone(schema)))?;
        Ok(TableEncoder { encoder })
    }

    /// The body of the frame that carries `batch`, in pieces that share the batch's memory.
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
    /// The body is not one message of the table's layout.
    #[error("a batch {what}")]
    Layout {
        /// What is wrong with it.
        what: &'static str,
    },
    /// The columns are not valid.
    #[error("a batch that is not valid Arrow: {0}")]
    Arrow(#[from] ArrowError),
    /// Decoding panicked, which arrow-ipc can still do on crafted bytes.
    #[error("a batch that makes the Arrow decoder panic")]
    Panic,
}

/// The coordinator's end of one table's batches. It validates all it decodes.
#[derive(Debug)]
pub struct TableDecoder {
    schema: SchemaRef,
    layout: Layout,
}

/// What the metadata of every batch of a table has in common.
#[derive(Debug)]
struct Layout {
    /// Arrays, nested ones counted each.
    nodes: usize,
    /// How wide the values of each array's buffers are, in bytes.
    widths: Vec<usize>,
    /// The longest metadata, in bytes.
    metadata: usize,
}

impl TableDecoder {
    /// A decoder of batches of `schema`.
    ///
    /// # Errors
    ///
    /// A schema that Arrow IPC cannot express, or with columns of types that no table has.
    pub fn new(schema: SchemaRef) -> Result<TableDecoder, BatchError> {
        let empty = TableEncoder::new(&schema)?.encode(&RecordBatch::new_empty(SchemaRef::clone(&schema)))?;
        let body: Vec<u8> = empty.iter().flat_map(|piece| piece.as_slice()).copied().collect();
        let message = Message::of(&body.into())?;
        let batch = message.batch()?;
        let mut widths = Vec::new();
        for field in schema.fields() {
            buffer_widths(field.data_type(), &mut widths);
        }
        if batch.buffers().map_or(0, |buffers| buffers.len()) != widths.len() {
            return Err(refused("with a column of a type that no table has"));
        }
        let layout = Layout {
            nodes: batch.nodes().map_or(0, |nodes| nodes.len()),
            widths,
            metadata: message.metadata.len() + METADATA_SLACK,
        };
        Ok(TableDecoder { schema, layout })
    }

    /// The batch that a frame's body holds; its arrays share the body's memory, which has to be aligned as
    /// [`FrameReader`](crate::frame::FrameReader) aligns it.
    ///
    /// # Errors
    ///
    /// Whatever shows that the worker is broken. It never panics.
    pub fn decode(&self, body: &Buffer) -> Result<RecordBatch, BatchError> {
        catch_unwind(AssertUnwindSafe(|| self.decode_unguarded(body))).map_err(|_| BatchError::Panic)?
    }

    fn decode_unguarded(&self, body: &Buffer) -> Result<RecordBatch, BatchError> {
        let message = Message::of(body)?;
        if message.metadata.len() > self.layout.metadata {
            return Err(refused("with more metadata than its table's have"));
        }
        let batch = message.batch()?;
        self.layout.check(&batch, &message.columns)?;
        let dictionaries = HashMap::new();
        let schema = SchemaRef::clone(&self.schema);
        let decoder =
            RecordBatchDecoder::try_new(&message.columns, batch, schema, &dictionaries, &MetadataVersion::V5)?;
        // What is out of line would be copied otherwise; nothing is.
        Ok(decoder.with_require_alignment(true).read_record_batch()?)
    }
}

impl Layout {
    /// Compares what metadata says of `columns` with the layout.
    fn check(&self, batch: &arrow_ipc::RecordBatch<'_>, columns: &Buffer) -> Result<(), BatchError> {
        let (Some(nodes), Some(buffers)) = (batch.nodes(), batch.buffers()) else {
            return Err(refused("without columns"));
        };
        if batch.compression().is_some() {
            return Err(refused("that is compressed"));
        }
        if nodes.len() != self.nodes || buffers.len() != self.widths.len() || batch.variadicBufferCounts().is_some() {
            return Err(refused("of another schema than its table's"));
        }
        // A value takes a bit at least, in a column of booleans.
        let fits = |count: i64| usize::try_from(count).is_ok_and(|count| count <= columns.len().saturating_mul(8));
        let counts = |node: &FieldNode| fits(node.length()) && (0..=node.length()).contains(&node.null_count());
        if !fits(batch.length()) || !nodes.iter().all(counts) {
            return Err(refused("that claims more rows than it holds"));
        }
        let mut end = 0;
        for (buffer, width) in buffers.iter().zip(&self.widths) {
            let range = range_of(buffer).filter(|range| end <= range.start && range.end <= columns.len());
            let range = range.ok_or(refused("whose buffers do not lie behind one another inside of it"))?;
            let start = columns.as_ptr() as usize + range.start;
            if !start.is_multiple_of(ALIGNMENT) || !range.len().is_multiple_of(*width) {
                return Err(refused("whose buffers are out of line"));
            }
            end = range.end;
        }
        Ok(())
    }
}

/// Adds how wide the values are that the buffers of an array hold, in bytes, in the order of the format: validity first,
/// a bitmap as if of bytes.
fn buffer_widths(ty: &DataType, widths: &mut Vec<usize>) {
    widths.push(1);
    match ty {
        DataType::Boolean => widths.push(1),
        DataType::Utf8 => widths.extend([size_of::<i32>(), 1]),
        DataType::List(item) => {
            widths.push(size_of::<i32>());
            buffer_widths(item.data_type(), widths);
        }
        other => widths.extend(other.primitive_width()),
    }
}

/// Where among the columns' bytes a buffer says that it lies.
fn range_of(buffer: &arrow_ipc::Buffer) -> Option<Range<usize>> {
    let start = usize::try_from(buffer.offset()).ok()?;
    let len = usize::try_from(buffer.length()).ok()?;
    Some(start..start.checked_add(len)?)
}

fn refused(what: &'static str) -> BatchError {
    BatchError::Layout { what }
}

/// A body's metadata and its columns' bytes.
struct Message {
    metadata: Buffer,
    columns: Buffer,
}

impl Message {
    /// Cuts a body in two.
    fn of(body: &Buffer) -> Result<Message, BatchError> {
        let prefix = body.first_chunk::<PREFIX_LEN>();
        let len = prefix.and_then(|prefix| {
            let len = prefix.strip_prefix(&CONTINUATION)?.first_chunk()?;
            usize::try_from(u32::from_le_bytes(*len)).ok()
        });
        match len.filter(|len| *len <= body.len() - PREFIX_LEN) {
            Some(len) => Ok(Message {
                metadata: body.slice_with_length(PREFIX_LEN, len),
                columns: body.slice(PREFIX_LEN + len),
            }),
            None => Err(refused("that is no Arrow IPC message")),
        }
    }

    /// What the metadata says of the columns.
    fn batch(&self) -> Result<arrow_ipc::RecordBatch<'_>, BatchError> {
        let message = root_as_message(&self.metadata).map_err(|_| refused("whose metadata is no flatbuffer"))?;
        if message.version() != MetadataVersion::V5 {
            return Err(refused("of another version of Arrow IPC"));
        }
        if usize::try_from(message.bodyLength()) != Ok(self.columns.len()) {
            return Err(refused("that says that it is of another length than it is"));
        }
        message
            .header_as_record_batch()
            .ok_or(refused("that is another message of Arrow IPC"))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::builder::{BooleanBuilder, Int64Builder, ListBuilder, StringBuilder};
    use arrow_array::{ArrayRef, Int64Array, StringArray};
    use arrow_buffer::MutableBuffer;
    use arrow_schema::{DataType, Field, Schema};
    use proptest::prelude::*;

    use super::*;

    /// The body that a frame would carry, aligned as a frame's is.
    fn body(encoder: &mut TableEncoder, batch: &RecordBatch) -> Buffer {
        let mut body = MutableBuffer::new(0);
        let pieces = encoder.encode(batch).unwrap();
        pieces.iter().for_each(|piece| body.extend_from_slice(piece));
        body.into()
    }

    fn schema() -> SchemaRef {
        let list = |ty| DataType::List(Arc::new(Field::new_list_field(ty, true)));
        Arc::new(Schema::new(vec![
            Field::new("id", DataType::Utf8, false),
            Field::new("number", DataType::Int64, true),
            Field::new("flag", DataType::Boolean, true),
            Field::new("texts", list(DataType::Utf8), true),
            Field::new("numbers", list(DataType::Int64), true),
        ]))
    }

    /// A row: everything but the id may be null.
    type Row = (
        String,
        Option<i64>,
        Option<bool>,
        Option<Vec<Option<String>>>,
        Option<Vec<Option<i64>>>,
    );

    fn batch(rows: &[Row]) -> RecordBatch {
        let ids = StringArray::from_iter_values(rows.iter().map(|row| &row.0));
        let numbers = Int64Array::from_iter(rows.iter().map(|row| row.1));
        let (mut flags, mut texts) = (BooleanBuilder::new(), ListBuilder::new(StringBuilder::new()));
        let mut lists = ListBuilder::new(Int64Builder::new());
        for (_, _, flag, text, list) in rows {
            flags.append_option(*flag);
            texts.append_option(text.clone());
            lists.append_option(list.clone());
        }
        let columns: Vec<ArrayRef> = vec![
            Arc::new(ids),
            Arc::new(numbers),
            Arc::new(flags.finish()),
            Arc::new(texts.finish()),
            Arc::new(lists.finish()),
        ];
        RecordBatch::try_new(schema(), columns).unwrap()
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(sent in prop::collection::vec(prop::collection::vec(any::<Row>(), 0..20), 1..4)) {
            let mut encoder = TableEncoder::new(&schema()).unwrap();
            let decoder = TableDecoder::new(schema()).unwrap();
            for rows in sent {
                let batch = batch(&rows);
                prop_assert_eq!(decoder.decode(&body(&mut encoder, &batch)).unwrap(), batch);
            }
        }
    }

    #[test]
    fn a_slice_is_sent_alone() {
        let batch = batch(&[
            Row::default(),
            Row::default(),
            ("x".into(), Some(1), None, Some(vec![]), None),
        ]);
        let mut encoder = TableEncoder::new(&schema()).unwrap();
        let decoded = TableDecoder::new(schema())
            .unwrap()
            .decode(&body(&mut encoder, &batch.slice(2, 1)));
        assert_eq!(decoded.unwrap(), batch.slice(2, 1));
    }

    /// What is decoded is the body's memory: nothing of the columns is copied.
    #[test]
    fn columns_share_the_bodys_memory() {
        let rows: Vec<Row> = (0..100)
            .map(|row| (format!("{row}"), Some(row), None, None, Some(vec![Some(row)])))
            .collect();
        let body = body(&mut TableEncoder::new(&schema()).unwrap(), &batch(&rows));
        let within = body.as_slice().as_ptr_range();
        let decoded = TableDecoder::new(schema()).unwrap().decode(&body).unwrap();
        for column in decoded.columns() {
            let data = column.to_data();
            let nested = data.child_data().iter().flat_map(|child| child.buffers());
            for buffer in data.buffers().iter().chain(nested).filter(|buffer| !buffer.is_empty()) {
                assert!(within.contains(&buffer.as_ptr()));
            }
        }
    }
}

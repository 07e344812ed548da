//! Bodies with metadata that an encoder would not write.

use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_ipc::{
    BodyCompression, BodyCompressionArgs, Buffer, CompressionType, DictionaryBatch, DictionaryBatchArgs, FieldNode,
    Message, MessageArgs, MessageHeader, MetadataVersion, RecordBatch as Columns, RecordBatchArgs, root_as_message,
};
use arrow_schema::{DataType, Field, SchemaRef};
use flatbuffers::FlatBufferBuilder;
use tarquet_wire::batch::{BatchError, TableDecoder, TableEncoder};

use crate::{decode, schema};

/// What a message says.
#[derive(Clone)]
struct Spec {
    header: MessageHeader,
    version: MetadataVersion,
    rows: i64,
    /// Length and nulls of each array.
    nodes: Vec<(i64, i64)>,
    /// Offset and length of each buffer.
    buffers: Vec<(i64, i64)>,
    compression: Option<CompressionType>,
    variadic: Option<Vec<i64>>,
    /// How long it says that its columns are.
    claimed: i64,
    columns: Vec<u8>,
}

/// Two columns: a string and an integer.
fn table() -> SchemaRef {
    schema(&[("text", DataType::Utf8), ("number", DataType::Int64)])
}

/// Two rows of [`table`] that are as they should be: "ab" and 1, "" and 2.
fn sound() -> Spec {
    let mut columns = vec![0; 192];
    [0_i32, 2, 2]
        .iter()
        .enumerate()
        .for_each(|(at, offset)| columns[4 * at..][..4].copy_from_slice(&offset.to_le_bytes()));
    columns[64..66].copy_from_slice(b"ab");
    [1_i64, 2]
        .iter()
        .enumerate()
        .for_each(|(at, value)| columns[128 + 8 * at..][..8].copy_from_slice(&value.to_le_bytes()));
    Spec {
        header: MessageHeader::RecordBatch,
        version: MetadataVersion::V5,
        rows: 2,
        nodes: vec![(2, 0), (2, 0)],
        buffers: vec![(0, 0), (0, 12), (64, 2), (128, 0), (128, 16)],
        compression: None,
        variadic: None,
        claimed: 192,
        columns,
    }
}

/// The body that says so.
fn body(spec: &Spec) -> Vec<u8> {
    let mut builder = FlatBufferBuilder::new();
    let nodes: Vec<FieldNode> = spec
        .nodes
        .iter()
        .map(|&(len, nulls)| FieldNode::new(len, nulls))
        .collect();
    let buffers: Vec<Buffer> = spec
        .buffers
        .iter()
        .map(|&(start, len)| Buffer::new(start, len))
        .collect();
    let columns = RecordBatchArgs {
        length: spec.rows,
        nodes: Some(builder.create_vector(&nodes)),
        buffers: Some(builder.create_vector(&buffers)),
        compression: spec.compression.map(|codec| {
            let codec = BodyCompressionArgs {
                codec,
                ..BodyCompressionArgs::default()
            };
            BodyCompression::create(&mut builder, &codec)
        }),
        variadicBufferCounts: spec.variadic.as_ref().map(|counts| builder.create_vector(counts)),
    };
    let columns = Columns::create(&mut builder, &columns);
    let header = match spec.header {
        MessageHeader::DictionaryBatch => {
            let dictionary = DictionaryBatchArgs {
                data: Some(columns),
                ..DictionaryBatchArgs::default()
            };
            DictionaryBatch::create(&mut builder, &dictionary).as_union_value()
        }
        _ => columns.as_union_value(),
    };
    let message = MessageArgs {
        version: spec.version,
        header_type: spec.header,
        header: Some(header),
        bodyLength: spec.claimed,
        custom_metadata: None,
    };
    let message = Message::create(&mut builder, &message);
    builder.finish(message, None);
    wrapped(builder.finished_data(), &spec.columns)
}

/// A body of metadata and columns, the columns where an encoder would put them.
fn wrapped(metadata: &[u8], columns: &[u8]) -> Vec<u8> {
    let padded = (8 + metadata.len()).next_multiple_of(64);
    let mut body = vec![0xff; 4];
    body.extend_from_slice(&((padded - 8) as u32).to_le_bytes());
    body.extend_from_slice(metadata);
    body.resize(padded, 0);
    body.extend_from_slice(columns);
    body
}

#[test]
fn what_is_crafted_here_is_sound_to_begin_with() {
    let batch = decode(&table(), &body(&sound())).unwrap();
    assert_eq!(batch.num_rows(), 2);
}

#[test]
fn lies_about_the_layout_are_refused_before_they_cost_anything() {
    let (rows, inside) = ("more rows than it holds", "inside of it");
    let (shape, length) = ("another schema", "another length");
    type Lie = fn(&mut Spec);
    let lies: [(&str, Lie); 27] = [
        (rows, |spec| spec.rows = i64::MAX),
        (rows, |spec| spec.rows = -1),
        (rows, |spec| spec.nodes = vec![(i64::MAX, 0); 2]),
        (rows, |spec| spec.nodes[1] = (i64::MAX, i64::MAX)),
        (rows, |spec| spec.nodes[0] = (-1, 0)),
        (rows, |spec| spec.nodes[0] = (2, 3)),
        (rows, |spec| spec.nodes[0] = (2, -1)),
        (rows, |spec| {
            spec.columns.clear();
            spec.claimed = 0;
        }),
        (shape, |spec| spec.nodes.push((2, 0))),
        (shape, |spec| spec.nodes.truncate(1)),
        (shape, |spec| spec.buffers.push((192, 0))),
        (shape, |spec| spec.buffers.clear()),
        (shape, |spec| spec.variadic = Some(vec![i64::MAX])),
        (inside, |spec| spec.buffers[4] = (128, 65)),
        (inside, |spec| spec.buffers[4] = (193, 0)),
        (inside, |spec| spec.buffers[4] = (i64::MAX, i64::MAX)),
        (inside, |spec| spec.buffers[2] = (-64, 2)),
        (inside, |spec| spec.buffers[2] = (64, -2)),
        // Two columns of the same bytes: each column of many could be as large as the body.
        (inside, |spec| spec.buffers[4] = (64, 16)),
        ("out of line", |spec| spec.buffers[4] = (129, 16)),
        // Half an offset, half a number.
        ("out of line", |spec| spec.buffers[1] = (0, 14)),
        ("out of line", |spec| spec.buffers[4] = (128, 20)),
        (length, |spec| spec.claimed = i64::MAX),
        (length, |spec| spec.claimed = -1),
        ("compressed", |spec| spec.compression = Some(CompressionType::ZSTD)),
        ("another version", |spec| spec.version = MetadataVersion::V4),
        ("another message", |spec| spec.header = MessageHeader::DictionaryBatch),
    ];
    for (number, (word, lie)) in lies.into_iter().enumerate() {
        let mut spec = sound();
        lie(&mut spec);
        let error = decode(&table(), &body(&spec)).unwrap_err();
        assert!(matches!(error, BatchError::Layout { .. }), "{number}: {error}");
        assert!(
            error.to_string().contains(word),
            "{number}: {error} is not about {word}"
        );
    }
}

#[test]
fn columns_that_are_not_valid_are_refused() {
    type Lie = fn(&mut Spec);
    let lies: [Lie; 7] = [
        // Offsets that go back, that are negative, and that lead behind the text.
        |spec| spec.columns[4] = 3,
        |spec| spec.columns[3] = 0x80,
        |spec| spec.columns[8] = 200,
        // No UTF-8, and half a character.
        |spec| spec.columns[64] = 0xff,
        |spec| spec.columns[64..66].copy_from_slice("ü".as_bytes().split_at(1).0.repeat(2).as_slice()),
        // Columns of different lengths, nulls that no bitmap shows.
        |spec| spec.nodes[1] = (1, 0),
        |spec| spec.nodes[0] = (2, 1),
    ];
    for (number, lie) in lies.into_iter().enumerate() {
        let mut spec = sound();
        lie(&mut spec);
        let error = decode(&table(), &body(&spec)).expect_err(&number.to_string());
        assert!(matches!(error, BatchError::Arrow(_)), "{number}: {error}");
    }
}

#[test]
fn columns_that_take_no_bytes_are_in_no_table() {
    let nulls = schema(&[("nothing", DataType::Null)]);
    assert!(TableDecoder::new(nulls).is_err());
    let rows = Spec {
        nodes: vec![],
        buffers: vec![],
        columns: vec![],
        claimed: 0,
        rows: 1 << 40,
        ..sound()
    };
    assert!(decode(&schema(&[]), &body(&rows)).is_err());
}

#[test]
fn what_is_no_message_is_refused() {
    let sound = body(&sound());
    for len in 0..sound.len() {
        assert!(decode(&table(), &sound[..len]).is_err(), "{len} bytes");
    }
    let mut longer = sound.clone();
    longer.push(0);
    assert!(decode(&table(), &longer).is_err());
    for claimed in [0, 8, u32::MAX, i32::MAX as u32, sound.len() as u32] {
        let mut body = sound.clone();
        body[4..8].copy_from_slice(&claimed.to_le_bytes());
        assert!(decode(&table(), &body).is_err(), "metadata of {claimed} bytes");
    }
    // A message of the legacy format, without the marker.
    assert!(decode(&table(), &sound[4..]).is_err());
    let padded = wrapped(&vec![0; 4096], &[]);
    let error = decode(&table(), &padded).unwrap_err();
    assert!(error.to_string().contains("more metadata"), "{error}");
}

/// Lists in whose strings every single bit is flipped, in the metadata and in the columns: the offsets of both levels
/// are among them.
#[test]
fn every_bit_of_nested_columns() {
    let mut lists = ListBuilder::new(StringBuilder::new());
    lists.append_option(Some(vec![Some("ab"), None]));
    lists.append_option(None::<Vec<Option<&str>>>);
    lists.append_option(Some(vec![Some("cde")]));
    let lists: ArrayRef = Arc::new(lists.finish());
    let table = schema(&[(
        "lists",
        DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true))),
    )]);
    let batch = RecordBatch::try_new(Arc::clone(&table), vec![lists]).unwrap();
    let pieces = TableEncoder::new(&table).unwrap().encode(&batch).unwrap();
    let body: Vec<u8> = pieces.iter().flat_map(|piece| piece.as_slice()).copied().collect();
    assert_eq!(decode(&table, &body).unwrap(), batch);
    for bit in 0..body.len() * 8 {
        let mut flipped = body.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        if let Ok(decoded) = decode(&table, &flipped) {
            assert_eq!(decoded.num_rows(), 3, "bit {bit}");
        }
    }
    assert!(root_as_message(&body[8..]).is_ok());
}

//! The file of a checkpoint: the rows that are in no part yet.
//!
//! `run/checkpoint-<n>` holds one Arrow IPC stream (schema, batches, end of stream; [the format's own
//! page](https://arrow.apache.org/docs/format/Columnar.html#ipc-streaming-format)) for each table with buffered rows, one
//! behind the other in the order of the map. Where each begins, how long it is and the whole file's checksum are in the
//! ledger. The checksum is compared before anything is decoded, and decoding validates all the same.

use std::io::{BufReader, BufWriter, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use arrow_array::RecordBatch;
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, SchemaRef};

use crate::buffer::Settled;
use crate::checksum::{Checksum, Checksummed};
use crate::dataset::Table;
use crate::durable;
use crate::error::{CheckpointFault, DatasetError};
use crate::files::File;
use crate::ledger::{LedgerBuffer, Place};

/// What was written of a checkpoint.
#[derive(Debug)]
pub(crate) struct Written {
    /// The file, if any table had rows.
    pub(crate) file: Option<Checksum>,
    /// The tables' buffers, with their places in it.
    pub(crate) buffers: Vec<LedgerBuffer>,
}

/// Writes the buffers to a new file at `path` and fsyncs it; its name becomes durable with the next fsync of its
/// directory. Without rows there is no file.
pub(crate) fn write(path: &Path, buffers: &[Settled<'_>]) -> Result<Written, DatasetError> {
    if buffers.iter().all(|buffer| buffer.rows == 0) {
        let buffers = buffers.iter().map(|buffer| buffer_at(buffer, None)).collect();
        return Ok(Written { file: None, buffers });
    }
    let mut file = Checksummed::new(BufWriter::new(durable::create_file(path)?));
    let buffers: Result<Vec<_>, _> = buffers.iter().map(|buffer| append(&mut file, buffer)).collect();
    let buffers = buffers.map_err(|error| encode_error(path, error))?;
    file.flush().map_err(DatasetError::io("write", path))?;
    file.inner().get_ref().sync().map_err(DatasetError::io("fsync", path))?;
    Ok(Written {
        file: Some(file.checksum()),
        buffers,
    })
}

/// Appends one buffer's stream, if it has rows.
fn append<W: Write>(file: &mut Checksummed<W>, buffer: &Settled<'_>) -> Result<LedgerBuffer, ArrowError> {
    if buffer.rows == 0 {
        return Ok(buffer_at(buffer, None));
    }
    let offset = file.checksum().bytes;
    let mut stream = StreamWriter::try_new(&mut *file, buffer.schema)?;
    buffer.batches.iter().try_for_each(|batch| stream.write(batch))?;
    stream.finish()?;
    let bytes = file.checksum().bytes - offset;
    Ok(buffer_at(buffer, Some(Place { offset, bytes })))
}

fn buffer_at(buffer: &Settled<'_>, stream: Option<Place>) -> LedgerBuffer {
    LedgerBuffer {
        rows: buffer.rows,
        bytes: buffer.bytes,
        stream,
    }
}

/// Reads the file back: the batches of each table.
pub(crate) fn read(
    path: &Path,
    expected: Option<Checksum>,
    tables: &[Table],
    buffers: &[LedgerBuffer],
) -> Result<Vec<Vec<RecordBatch>>, DatasetError> {
    let Some(expected) = expected else {
        return Ok(vec![Vec::new(); tables.len()]);
    };
    check(path, expected)?;
    let mut file = File::open(path).map_err(DatasetError::io("open", path))?;
    let mut batches = Vec::with_capacity(tables.len());
    for (table, buffer) in tables.iter().zip(buffers) {
        batches.push(read_buffer(&mut file, table, buffer).map_err(|fault| fault.at(path))?);
    }
    Ok(batches)
}

/// Refuses a file that is not the one that was written.
pub(crate) fn check(path: &Path, expected: Checksum) -> Result<(), DatasetError> {
    match Checksum::of_file(path).map_err(DatasetError::io("read", path))? {
        Some(found) if found == expected => Ok(()),
        Some(_) => Err(CheckpointFault::Changed.at(path)),
        None => Err(CheckpointFault::Missing.at(path)),
    }
}

fn read_buffer(file: &mut File, table: &Table, buffer: &LedgerBuffer) -> Result<Vec<RecordBatch>, CheckpointFault> {
    let Some(place) = buffer.stream else {
        return Ok(Vec::new());
    };
    file.seek(place.offset).map_err(CheckpointFault::Read)?;
    let stream = BufReader::new(file).take(place.bytes);
    let decoded = catch_unwind(AssertUnwindSafe(|| decode(stream, &table.schema)));
    let batches = decoded.map_err(|_| CheckpointFault::Panic)??;
    let rows: u64 = batches.iter().map(|batch| batch.num_rows() as u64).sum();
    if rows != buffer.rows {
        return Err(CheckpointFault::Rows {
            table: table.name.clone(),
            found: rows,
            expected: buffer.rows,
        });
    }
    Ok(batches)
}

fn decode(stream: impl Read, schema: &SchemaRef) -> Result<Vec<RecordBatch>, CheckpointFault> {
    let reader = StreamReader::try_new(stream, None).map_err(decode_error)?;
    if reader.schema() != *schema {
        return Err(CheckpointFault::Schema);
    }
    reader
        .map(|batch| batch.map_err(decode_error))
        .collect::<Result<_, _>>()
}

fn decode_error(error: ArrowError) -> CheckpointFault {
    match error {
        ArrowError::IoError(_, error) => CheckpointFault::Read(error),
        error => CheckpointFault::Decode(error),
    }
}

fn encode_error(path: &Path, error: ArrowError) -> DatasetError {
    match error {
        ArrowError::IoError(_, error) => DatasetError::io("write", path)(error),
        error => CheckpointFault::Encode(error).at(path),
    }
}

//! One row group: rows to encoded columns, on as many threads as there are processors to spare.
//!
//! A column is put together and encoded by itself, as one write: the Parquet writer lays out pages write by write, and
//! other cuts would give other bytes. So what a column becomes depends on its rows alone, whichever thread it is on, and
//! no more than a column for each thread is copied at a time.

use std::num::NonZero;
use std::panic::resume_unwind;
use std::sync::{Mutex, PoisonError};
use std::thread;

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, Schema};
use arrow_select::concat::concat;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowColumnWriter, compute_leaves};
use parquet::errors::ParquetError;
use parquet::schema::types::SchemaDescriptor;
use thiserror::Error;

/// The most threads for one row group. What one of them has in hand is in memory, and where there are more processors,
/// there are more encoders.
const MOST_THREADS: usize = 4;

/// Rows below which another thread costs more than it does.
const ROWS_WORTH_A_THREAD: usize = 4096;

/// Why rows did not become a row group.
#[derive(Debug, Error)]
pub(crate) enum RowGroupError {
    /// They cannot be put together.
    #[error(transparent)]
    Rows(#[from] ArrowError),
    /// The Parquet writer failed.
    #[error(transparent)]
    Encode(#[from] ParquetError),
}

/// A column on its way to a thread: its position, and the writers of its leaves.
type Waiting = (usize, Vec<ArrowColumnWriter>);

/// Encodes the rows of `batches`, of which there is at least one, by `writers`: those of all leaves of `leaves`, whose
/// roots are the columns of `schema`.
pub(crate) fn encode(
    schema: &Schema,
    leaves: &SchemaDescriptor,
    batches: &[RecordBatch],
    writers: Vec<ArrowColumnWriter>,
) -> Result<Vec<ArrowColumnChunk>, RowGroupError> {
    let columns = Mutex::new(by_column(leaves, writers).into_iter());
    let next = || columns.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || {
        let encoded = std::iter::from_fn(next).map(|(column, writers)| {
            let chunks = encode_column(schema, batches, column, writers)?;
            Ok((column, chunks))
        });
        encoded.collect::<Result<Vec<_>, RowGroupError>>()
    };
    let mut encoded = thread::scope(|scope| {
        let helper = |_| {
            thread::Builder::new()
                .name("columns".to_owned())
                .spawn_scoped(scope, work)
        };
        // One that cannot be started is done without.
        let helpers: Vec<_> = (1..threads(batches)).filter_map(|number| helper(number).ok()).collect();
        let mut encoded = work()?;
        for helper in helpers {
            encoded.extend(helper.join().unwrap_or_else(|panic| resume_unwind(panic))?);
        }
        Ok::<_, RowGroupError>(encoded)
    })?;
    encoded.sort_unstable_by_key(|(column, _)| *column);
    Ok(encoded.into_iter().flat_map(|(_, chunks)| chunks).collect())
}

/// How many threads these rows are worth.
fn threads(batches: &[RecordBatch]) -> usize {
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    (rows / ROWS_WORTH_A_THREAD).clamp(1, processors.min(MOST_THREADS))
}

/// The writers of leaves, by the columns that these belong to.
fn by_column(leaves: &SchemaDescriptor, writers: Vec<ArrowColumnWriter>) -> Vec<Waiting> {
    let mut columns: Vec<Waiting> = Vec::new();
    for (leaf, writer) in writers.into_iter().enumerate() {
        let column = leaves.get_column_root_idx(leaf);
        match columns.last_mut() {
            Some((last, writers)) if *last == column => writers.push(writer),
            _ => columns.push((column, vec![writer])),
        }
    }
    columns
}

fn encode_column(
    schema: &Schema,
    batches: &[RecordBatch],
    column: usize,
    writers: Vec<ArrowColumnWriter>,
) -> Result<Vec<ArrowColumnChunk>, RowGroupError> {
    let leaves = compute_leaves(schema.field(column), &together(batches, column)?)?;
    let chunks = writers.into_iter().zip(leaves).map(|(mut writer, leaf)| {
        writer.write(&leaf)?;
        Ok(writer.close()?)
    });
    chunks.collect()
}

/// All rows of a column, in memory of their own. A slice knows of nulls that are not in it, and where there may be nulls the
/// Parquet writer lays out other pages than where there are none. `concat` looks again, but not when it is given one array
/// alone; so there is always an empty one too.
fn together(batches: &[RecordBatch], column: usize) -> Result<ArrayRef, ArrowError> {
    let pieces = batches.iter().map(|batch| batch.column(column));
    let empty = pieces.clone().next().map(|piece| piece.slice(0, 0));
    concat(&Vec::from_iter(pieces.chain(&empty).map(AsRef::as_ref)))
}

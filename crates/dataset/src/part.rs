//! One part: rows to a finished, durable Parquet file.

use std::io::{self, Write};
use std::path::Path;

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowColumnChunk;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;

use crate::buffer::RowQueue;
use crate::checksum::{Checksum, Checksummed};
use crate::dictionary;
use crate::durable;
use crate::error::DatasetError;
use crate::row_group::{self, RowGroupError};

/// Rows of every row group but a part's last.
pub const ROW_GROUP_ROWS: usize = 65_536;

/// What a finished file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileSummary {
    pub(crate) rows: u64,
    pub(crate) checksum: Checksum,
}

/// Writes the rows to a new file and fsyncs it. Each row group is one write of all its rows.
pub(crate) fn write_part(
    path: &Path,
    table: &str,
    schema: &SchemaRef,
    mut rows: RowQueue,
) -> Result<FileSummary, DatasetError> {
    let total = rows.rows();
    let file = Checksummed::new(durable::create_file(path)?);
    let mut batches = rows.take(ROW_GROUP_ROWS as u64);
    let properties = properties(schema, &batches);
    let writer = ArrowWriter::try_new(file, schema.clone(), Some(properties));
    let (mut writer, columns) = writer
        .and_then(ArrowWriter::into_serialized_writer)
        .map_err(encode_error(path))?;
    while !batches.is_empty() {
        let number = writer.flushed_row_groups().len();
        let columns = columns.create_column_writers(number).map_err(encode_error(path))?;
        let chunks = row_group::encode(schema, writer.schema_descr(), &batches, columns);
        let chunks = chunks.map_err(row_group_error(path, table))?;
        append(&mut writer, chunks).map_err(encode_error(path))?;
        batches = rows.take(ROW_GROUP_ROWS as u64);
    }
    writer.finish().map_err(encode_error(path))?;
    // Not left to `into_inner`, which makes text of the system's error.
    writer.flush().map_err(DatasetError::io("write", path))?;
    let file = writer.inner();
    file.inner().sync().map_err(DatasetError::io("fsync", path))?;
    Ok(FileSummary {
        rows: total,
        checksum: file.checksum(),
    })
}

/// Writes a row group's columns.
fn append<W: Write + Send>(
    writer: &mut SerializedFileWriter<W>,
    chunks: Vec<ArrowColumnChunk>,
) -> Result<(), ParquetError> {
    let mut row_group = writer.next_row_group()?;
    for chunk in chunks {
        chunk.append_to_row_group(&mut row_group)?;
    }
    row_group.close().map(drop)
}

/// The settings for a part that begins with these rows. Nothing else is in them, and so nothing in the file depends on
/// time or place.
fn properties(schema: &Schema, first_rows: &[RecordBatch]) -> WriterProperties {
    let mut properties = WriterProperties::builder()
        // The form that parquet.thrift asks for (`FileMetaData.created_by`); readers parse it.
        .set_created_by(format!("tarquet version {}", env!("CARGO_PKG_VERSION")))
        .set_compression(Compression::SNAPPY)
        .set_dictionary_enabled(true)
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS));
    for column in dictionary::columns_without(schema, first_rows) {
        let path = ColumnPath::new(vec![schema.field(column).name().clone()]);
        properties = properties.set_column_dictionary_enabled(path, false);
    }
    properties.build()
}

/// For `map_err`: rows did not become a row group.
fn row_group_error(path: &Path, table: &str) -> impl FnOnce(RowGroupError) -> DatasetError {
    let (encode, table) = (encode_error(path), table.to_owned());
    move |error| match error {
        RowGroupError::Rows(error) => DatasetError::Rows { table, error },
        RowGroupError::Encode(error) => encode(error),
    }
}

/// For `map_err`: the Parquet writer failed, mostly because a write did.
fn encode_error(path: &Path) -> impl FnOnce(ParquetError) -> DatasetError {
    let encode = |error| DatasetError::Encode {
        path: path.to_owned(),
        error,
    };
    move |error| match error {
        ParquetError::External(external) => match external.downcast::<io::Error>() {
            Ok(error) => DatasetError::Io {
                action: "write",
                path: path.to_owned(),
                error: *error,
            },
            Err(other) => encode(ParquetError::External(other)),
        },
        error => encode(error),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Arc;

    use arrow_array::builder::{ListBuilder, StringBuilder};
    use arrow_array::{ArrayRef, BooleanArray, Float64Array, StringArray};

    use super::*;

    /// More than a page of a column has rows, so that a page ends among them.
    const ROWS: usize = 30_000;

    /// Rows of which the last one alone is null.
    fn rows_before_a_null() -> RecordBatch {
        let cells = || (0..=ROWS).map(|row| (row < ROWS).then_some(row));
        let mut lists = ListBuilder::new(StringBuilder::new());
        for cell in cells() {
            lists.append_value([cell.map(|row| format!("{}", row % 7000)), Some("same".to_owned())]);
        }
        let columns: [(&str, ArrayRef); 4] = [
            (
                "price",
                Arc::new(
                    cells()
                        .map(|cell| cell.map(|row| (row % 9000) as f64))
                        .collect::<Float64Array>(),
                ),
            ),
            (
                "text",
                Arc::new(
                    cells()
                        .map(|cell| cell.map(|row| format!("{}", row % 8000)))
                        .collect::<StringArray>(),
                ),
            ),
            (
                "flag",
                Arc::new(
                    cells()
                        .map(|cell| cell.map(|row| row % 3 == 0))
                        .collect::<BooleanArray>(),
                ),
            ),
            ("lists", Arc::new(lists.finish())),
        ];
        RecordBatch::try_from_iter_with_nullable(columns.map(|(name, array)| (name, array, true))).unwrap()
    }

    /// What a part of these rows is, cut into batches of `size` rows.
    fn part(rows: &RecordBatch, size: usize) -> Vec<u8> {
        let starts = (0..rows.num_rows()).step_by(size);
        let batches = starts.map(|start| rows.slice(start, size.min(rows.num_rows() - start)));
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("part");
        write_part(&path, "table", &rows.schema(), batches.collect()).unwrap();
        fs::read(path).unwrap()
    }

    /// Where the batches of a run are cut depends on where it was resumed, and a null in one is known to all slices of it.
    #[test]
    fn a_part_does_not_depend_on_rows_that_are_not_in_it() {
        let rows = rows_before_a_null().slice(0, ROWS);
        let expected = part(&rows, 1_000);
        for size in [ROWS, ROWS - 1, 20_000, 7] {
            assert!(part(&rows, size) == expected, "in batches of {size} rows");
        }
    }
}

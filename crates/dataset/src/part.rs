//! One part: rows to a finished, durable Parquet file.

use std::io;
use std::path::Path;

use arrow_schema::SchemaRef;
use arrow_select::concat::concat_batches;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use crate::buffer::RowQueue;
use crate::checksum::{Checksum, Checksummed};
use crate::durable;
use crate::error::DatasetError;

/// Rows of every row group but a part's last.
pub const ROW_GROUP_ROWS: usize = 65_536;

/// What a finished file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileSummary {
    pub(crate) rows: u64,
    pub(crate) checksum: Checksum,
}

/// Writes the rows to a new file and fsyncs it.
///
/// Each row group is one `ArrowWriter::write` of rows that were put together before, because the Parquet writer lays out
/// pages write by write: other cuts would give other bytes.
pub(crate) fn write_part(
    path: &Path,
    table: &str,
    schema: &SchemaRef,
    mut rows: RowQueue,
) -> Result<FileSummary, DatasetError> {
    let total = rows.rows();
    let file = Checksummed::new(durable::create_file(path)?);
    let mut writer = ArrowWriter::try_new(file, schema.clone(), Some(properties())).map_err(encode_error(path))?;
    while rows.rows() > 0 {
        let chunks = rows.take(ROW_GROUP_ROWS as u64);
        let row_group = concat_batches(schema, &chunks).map_err(|error| DatasetError::Rows {
            table: table.to_owned(),
            error,
        })?;
        drop(chunks);
        writer
            .write(&row_group)
            .and_then(|()| writer.flush())
            .map_err(encode_error(path))?;
    }
    writer.finish().map_err(encode_error(path))?;
    // Not left to `into_inner`, which makes text of the system's error.
    writer.sync().map_err(DatasetError::io("write", path))?;
    let file = writer.inner();
    file.inner().sync().map_err(DatasetError::io("fsync", path))?;
    Ok(FileSummary {
        rows: total,
        checksum: file.checksum(),
    })
}

/// The writer's settings: nothing in them, and so nothing in the file, depends on time or place.
fn properties() -> WriterProperties {
    WriterProperties::builder()
        // The form that parquet.thrift asks for (`FileMetaData.created_by`); readers parse it.
        .set_created_by(format!("tarquet version {}", env!("CARGO_PKG_VERSION")))
        .set_compression(Compression::SNAPPY)
        .set_dictionary_enabled(true)
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .build()
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

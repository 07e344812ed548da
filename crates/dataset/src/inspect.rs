//! Reading a part back, without trust in what it holds.

use std::io::{BufReader, Read as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use arrow_schema::SchemaRef;
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use parquet::file::reader::{ChunkReader, Length};

use crate::files::File;
use crate::verify::Depth;

/// What a part holds.
#[derive(Debug)]
pub(crate) struct Contents {
    pub(crate) schema: SchemaRef,
    pub(crate) rows: u64,
}

/// Reads the footer, and at [`Depth::Full`] every page of every column. Gives what is wrong otherwise; a panic of the
/// decoder too.
pub(crate) fn inspect(path: &Path, depth: Depth) -> Result<Contents, String> {
    let inspected = catch_unwind(AssertUnwindSafe(|| read(path, depth)));
    let result = inspected.map_err(|_| "is damaged: decoding it panicked".to_owned())?;
    result.map_err(|error| format!("is damaged: {error}"))
}

/// Reads the footer alone. Gives what is wrong otherwise; a panic of the decoder too.
pub(crate) fn footer(path: &Path) -> Result<ParquetMetaData, String> {
    let read = || ParquetMetaDataReader::new().parse_and_finish(&PartFile::open(path)?);
    let footer = catch_unwind(AssertUnwindSafe(read));
    let footer = footer.map_err(|_| "is damaged: decoding it panicked".to_owned())?;
    footer.map_err(|error| format!("is damaged: {error}"))
}

fn read(path: &Path, depth: Depth) -> Result<Contents, ParquetError> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(PartFile::open(path)?)?;
    let schema = builder.schema().clone();
    let declared = u64::try_from(builder.metadata().file_metadata().num_rows());
    let declared = declared.map_err(|_| ParquetError::General("its number of rows is negative".to_owned()))?;
    if depth == Depth::Full {
        let decoded = builder
            .build()?
            .try_fold(0_u64, |sum, batch| batch.map(|batch| sum + batch.num_rows() as u64))?;
        if decoded != declared {
            let why = format!("its pages hold {decoded} rows, its footer says {declared}");
            return Err(ParquetError::General(why));
        }
    }
    Ok(Contents { schema, rows: declared })
}

/// A part as the Parquet reader wants it. It is read by one thread: the handles share a position.
struct PartFile {
    file: File,
    bytes: u64,
}

impl PartFile {
    fn open(path: &Path) -> Result<PartFile, ParquetError> {
        let file = File::open(path)?;
        let bytes = file.len()?;
        Ok(PartFile { file, bytes })
    }
}

impl Length for PartFile {
    fn len(&self) -> u64 {
        self.bytes
    }
}

impl ChunkReader for PartFile {
    type T = BufReader<File>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        let mut file = self.file.try_clone()?;
        file.seek(start)?;
        Ok(BufReader::new(file))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        // Nothing is allocated for bytes that the file does not have.
        let end = start.checked_add(length as u64);
        if end.is_none_or(|end| end > self.bytes) {
            return Err(ParquetError::EOF(format!(
                "{length} bytes at {start} are beyond its end"
            )));
        }
        let mut file = self.file.try_clone()?;
        file.seek(start)?;
        let mut bytes = Vec::with_capacity(length);
        file.take(length as u64).read_to_end(&mut bytes)?;
        match bytes.len() == length {
            true => Ok(bytes.into()),
            false => Err(ParquetError::EOF(format!("it ended at {}", start + bytes.len() as u64))),
        }
    }
}

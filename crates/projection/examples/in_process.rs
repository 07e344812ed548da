//! Extraction in one thread of one process, to compare the whole program with:
//! `cargo run --release -p tarquet-projection --example in_process -- ARCHIVE MAP OUT_DIR`.
//!
//! Reads member after member, projects it, and writes one Parquet file a feature, Snappy, with row groups as tarquet's, which
//! it fsyncs. There is no other process, nothing is put in order, and nothing can be resumed. Prints the rows as JSON.

mod common;

use std::error::Error;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;

use common::{FLUSH_BYTES, Header};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use tarquet_feature_map::Plan;
use tarquet_projection::{EngineKind, Projector};

/// Rows of a row group.
const ROW_GROUP_ROWS: usize = 65_536;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [archive, map, out] = arguments.as_slice() else {
        return Err("usage: in_process ARCHIVE MAP OUT_DIR".into());
    };
    let archive = File::open(archive).map_err(|error| format!("cannot open {archive}: {error}"))?;
    let plan = Arc::new(tarquet_feature_map::parse(map, &std::fs::read_to_string(map)?)?);
    let mut writers = writers(&plan, Path::new(out))?;
    let mut projector = Projector::new(plan, EngineKind::default());
    each_member(&archive, |name, document| {
        projector.project(document, name)?;
        if projector.buffered_bytes() >= FLUSH_BYTES {
            write(&mut projector, &mut writers)?;
        }
        Ok(())
    })?;
    write(&mut projector, &mut writers)?;
    let mut rows = 0;
    for writer in writers {
        rows += finish(writer)?;
    }
    writeln!(std::io::stdout(), "{{\"rows\": {rows}}}")?;
    Ok(())
}

/// One file a feature.
fn writers(plan: &Plan, out: &Path) -> Result<Vec<ArrowWriter<File>>, Box<dyn Error>> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .build();
    let mut writers = Vec::new();
    for (feature, table) in plan.features.iter().enumerate() {
        let file = File::create(out.join(format!("{}.parquet", table.name)))?;
        let schema = plan.table_schema(feature)?;
        writers.push(ArrowWriter::try_new(file, schema, Some(properties.clone()))?);
    }
    Ok(writers)
}

/// Gives each member's name and content to `take`, read into one buffer over and over.
fn each_member(
    archive: &File,
    mut take: impl FnMut(&str, &[u8]) -> Result<(), Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    let mut block = [0; 512];
    let mut document = Vec::new();
    let mut at = 0;
    loop {
        archive.read_exact_at(&mut block, at)?;
        let Some(header) = Header::read(&block) else {
            return Ok(());
        };
        let header = header?;
        at += block.len() as u64;
        // It only grows, so that bytes are not cleared again that are read over.
        document.resize(header.size.max(document.len()), 0);
        archive.read_exact_at(&mut document[..header.size], at)?;
        take(header.name, &document[..header.size])?;
        at += header.room as u64;
    }
}

/// Writes what the projector holds.
fn write(projector: &mut Projector, writers: &mut [ArrowWriter<File>]) -> Result<(), Box<dyn Error>> {
    for (feature, batch) in projector.flush()?.batches {
        writers[feature].write(&batch)?;
    }
    Ok(())
}

/// Ends a file, durably. Gives its rows.
fn finish(mut writer: ArrowWriter<File>) -> Result<i64, Box<dyn Error>> {
    let metadata = writer.finish()?;
    writer.inner().sync_all()?;
    Ok(metadata.file_metadata().num_rows())
}

//! How fast an engine makes rows of the documents of an archive that is in memory, on one core:
//! `cargo run --release -p tarquet-projection --example throughput -- ARCHIVE MAP [--engine ENGINE] [--passes PASSES]`.
//!
//! Prints one line of JSON: the engine and all that there are, the rows and checksums of every table, which the first pass
//! adds up, and the seconds of processor time of each pass after it, the walk over tar headers included. Rows are dropped
//! when they reach a mebibyte, as a worker sends them. `xtask/bench/ondemand` does the same with simdjson's On-Demand.

mod common;

use std::error::Error;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array as _, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use common::{FLUSH_BYTES, Header, NOT_A_SAMPLE};
use tarquet_feature_map::Plan;
use tarquet_projection::{EngineKind, Projector};

/// What follows the last document in memory, so that an engine may read whole blocks.
const PADDING: usize = 64;

fn main() -> Result<(), Box<dyn Error>> {
    let Options {
        archive,
        map,
        engine,
        passes,
    } = Options::read()?;
    let archive = Archive::read(&archive)?;
    let plan = Arc::new(tarquet_feature_map::parse(&map, &std::fs::read_to_string(&map)?)?);
    let mut projector = Projector::new(plan.clone(), engine);
    let mut tables: Vec<Table> = plan.features.iter().map(|_| Table::default()).collect();
    pass(&archive, &mut projector, |feature, batch| tables[feature].add(batch))?;
    let mut seconds = Vec::new();
    for _ in 0..passes {
        let time = pass(&archive, &mut projector, |_, _| Ok(()))?;
        seconds.push(format!("{:.6}", time.as_secs_f64()));
    }
    let engines = EngineKind::ALL.map(|engine| format!("\"{engine}\""));
    writeln!(
        std::io::stdout(),
        "{{\"engine\": \"{engine}\", \"engines\": [{}], \"tables\": [{}], \"seconds\": [{}]}}",
        engines.join(", "),
        tables_json(&plan, &tables)?,
        seconds.join(", ")
    )?;
    Ok(())
}

/// What the command line says.
struct Options {
    archive: String,
    map: String,
    engine: EngineKind,
    passes: usize,
}

impl Options {
    fn read() -> Result<Self, Box<dyn Error>> {
        let usage = "usage: throughput ARCHIVE MAP [--engine ENGINE] [--passes PASSES]";
        let mut arguments = std::env::args().skip(1);
        let mut options = Self {
            archive: arguments.next().ok_or(usage)?,
            map: arguments.next().ok_or(usage)?,
            engine: EngineKind::default(),
            passes: 5,
        };
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or(usage)?;
            match name.as_str() {
                "--engine" => options.engine = value.parse()?,
                "--passes" => options.passes = value.parse()?,
                _ => return Err(usage.into()),
            }
        }
        Ok(options)
    }
}

/// One pass over all documents, whose batches go to `take` with their features' positions. Gives its processor time.
fn pass(
    archive: &Archive,
    projector: &mut Projector,
    mut take: impl FnMut(usize, &RecordBatch) -> Result<(), Box<dyn Error>>,
) -> Result<Duration, Box<dyn Error>> {
    let start = processor_time()?;
    let mut flush = |projector: &mut Projector| -> Result<(), Box<dyn Error>> {
        for (feature, batch) in projector.flush()?.batches {
            take(feature, &batch)?;
        }
        Ok(())
    };
    for member in archive.members() {
        let (name, document) = member?;
        projector.project(document, name)?;
        if projector.buffered_bytes() >= FLUSH_BYTES {
            flush(projector)?;
        }
    }
    flush(projector)?;
    Ok(processor_time()? - start)
}

/// The time that this thread has been on a processor, so that a busy machine does not change the answer much: the first
/// field of its `schedstat`, in nanoseconds.
fn processor_time() -> Result<Duration, Box<dyn Error>> {
    // The field grows when the scheduler looks at the thread, which it does now.
    std::thread::yield_now();
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds = stat.split(' ').next().ok_or("an empty schedstat")?;
    Ok(Duration::from_nanos(nanoseconds.parse()?))
}

/// A tar in memory.
struct Archive {
    bytes: Vec<u8>,
    /// Without the padding.
    size: usize,
}

impl Archive {
    fn read(path: &str) -> Result<Self, Box<dyn Error>> {
        let mut file = File::open(path).map_err(|error| format!("cannot open {path}: {error}"))?;
        let mut bytes = Vec::with_capacity(file.metadata()?.len() as usize + PADDING);
        let size = file.read_to_end(&mut bytes)?;
        bytes.resize(size + PADDING, 0);
        Ok(Self { bytes, size })
    }

    /// Names and contents.
    fn members(&self) -> impl Iterator<Item = Result<(&str, &[u8]), Box<dyn Error>>> {
        let mut rest = &self.bytes[..self.size];
        std::iter::from_fn(move || {
            let (block, content) = rest.split_first_chunk()?;
            let header = Header::read(block)?;
            Some(header.and_then(|Header { name, size, room }| {
                let document = content.get(..size).ok_or(NOT_A_SAMPLE)?;
                rest = content.get(room..).ok_or(NOT_A_SAMPLE)?;
                Ok((name, document))
            }))
        })
    }
}

/// What the first pass saw of a table.
#[derive(Default)]
struct Table {
    rows: usize,
    checksums: Vec<u64>,
}

impl Table {
    fn add(&mut self, batch: &RecordBatch) -> Result<(), Box<dyn Error>> {
        self.rows += batch.num_rows();
        self.checksums.resize(batch.num_columns(), 0);
        for (checksum, column) in self.checksums.iter_mut().zip(batch.columns()) {
            let values: Vec<Option<u64>> = match column.data_type() {
                DataType::Int64 => column
                    .as_primitive::<Int64Type>()
                    .iter()
                    .map(|value| value.map(|value| value as u64))
                    .collect(),
                DataType::Float64 => column
                    .as_primitive::<Float64Type>()
                    .iter()
                    .map(|value| value.map(f64::to_bits))
                    .collect(),
                DataType::Timestamp(TimeUnit::Microsecond, _) => column
                    .as_primitive::<TimestampMicrosecondType>()
                    .iter()
                    .map(|value| value.map(|value| value as u64))
                    .collect(),
                DataType::Boolean => column.as_boolean().iter().map(|value| value.map(u64::from)).collect(),
                DataType::Utf8 => column.as_string::<i32>().iter().map(|text| text.map(fnv)).collect(),
                other => return Err(format!("no checksum for columns of type {other}").into()),
            };
            *checksum = values.into_iter().fold(*checksum, add);
        }
        Ok(())
    }
}

/// The prime of 64-bit FNV.
const PRIME: u64 = 0x100_0000_01b3;

/// A column's checksum with one more value, or null.
fn add(checksum: u64, value: Option<u64>) -> u64 {
    let term = value.map_or(0, |value| value.wrapping_add(1));
    checksum.wrapping_mul(PRIME).wrapping_add(term)
}

/// The FNV-1a of a string (<http://www.isthe.com/chongo/tech/comp/fnv/>).
fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(PRIME)
    })
}

/// As the peer in C++ writes it: one object a table.
fn tables_json(plan: &Plan, tables: &[Table]) -> Result<String, Box<dyn Error>> {
    let mut objects = Vec::new();
    for (feature, table) in tables.iter().enumerate() {
        let schema = plan.table_schema(feature)?;
        let columns = schema.fields().iter().zip(&table.checksums);
        let checksums: Vec<String> = columns
            .map(|(field, checksum)| format!("\"{}\": \"{checksum:016x}\"", field.name()))
            .collect();
        objects.push(format!(
            "{{\"table\": \"{}\", \"rows\": {}, \"checksums\": {{{}}}}}",
            plan.features[feature].name,
            table.rows,
            checksums.join(", ")
        ));
    }
    Ok(objects.join(", "))
}

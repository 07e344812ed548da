//! How fast documents become rows: `cargo run --release -p tarquet-projection --example throughput [SECONDS [ENGINE]]`.
//!
//! Prints the speed of each engine over documents like those of the reference data, in megabytes of JSON a second of
//! processor time, as Linux accounts it, so that a busy machine does not change the answer much.

#[path = "../tests/common/flights.rs"]
mod flights;

use std::error::Error;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use tarquet_feature_map::{Evidence, Plan};
use tarquet_projection::{EngineKind, Projector};

/// When a projector is flushed, as a worker would flush it.
const FLUSH_BYTES: usize = 1 << 20;

fn main() -> Result<(), Box<dyn Error>> {
    let seconds = std::env::args().nth(1).map_or(Ok(2.0), |text| text.parse())?;
    let documents: Vec<String> = (0..40)
        .map(|seed| flights::document(seed, 60 + 5 * seed as usize))
        .collect();
    let plan = typed_plan(&documents)?;
    let engines = std::env::args()
        .nth(2)
        .map_or(Ok(EngineKind::ALL.to_vec()), |name| name.parse().map(|one| vec![one]))?;
    for engine in engines {
        let (bytes, time, rows) = measure(&plan, engine, &documents, Duration::from_secs_f64(seconds))?;
        let speed = bytes as f64 / 1e6 / time.as_secs_f64();
        writeln!(std::io::stdout(), "{engine}: {speed:.0} MB/s ({rows} rows)")?;
    }
    Ok(())
}

fn typed_plan(documents: &[String]) -> Result<Arc<Plan>, Box<dyn Error>> {
    let plan = Arc::new(tarquet_feature_map::parse("map.yaml", flights::MAP)?);
    let mut evidence = Evidence::new(&plan);
    let mut projector = Projector::new(plan.clone(), EngineKind::SimdJson);
    for document in documents {
        projector.observe(document.as_bytes(), "raw/a.json", &mut evidence)?;
    }
    Ok(Arc::new(plan.resolve(&evidence).plan))
}

/// Projects the documents over and over. Gives the bytes read, the time taken and the rows made.
fn measure(
    plan: &Arc<Plan>,
    engine: EngineKind,
    documents: &[String],
    limit: Duration,
) -> Result<(usize, Duration, usize), Box<dyn Error>> {
    let mut projector = Projector::new(plan.clone(), engine);
    let (mut bytes, mut rows) = (0, 0);
    let start = processor_time()?;
    for document in documents.iter().cycle() {
        projector.project(document.as_bytes(), "raw/a.json")?;
        bytes += document.len();
        if projector.buffered_bytes() >= FLUSH_BYTES {
            rows += projector.flush()?.rows.iter().map(|rows| *rows as usize).sum::<usize>();
        }
        if processor_time()? - start >= limit {
            break;
        }
    }
    Ok((bytes, processor_time()? - start, rows))
}

/// The time that this thread has been on a processor: the first field of its `schedstat`, in nanoseconds.
fn processor_time() -> Result<Duration, Box<dyn Error>> {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds = stat.split(' ').next().ok_or("an empty schedstat")?;
    Ok(Duration::from_nanos(nanoseconds.parse()?))
}

//! The results as a table.

use std::fs;
use std::thread;

use super::measure::Measured;
use super::{Outcome, Series};

/// The results of all archives as Markdown.
pub(crate) fn text(all: &[Series], runs: usize) -> String {
    let mut text = format!(
        "# Benchmark\n\nMade by `cargo xtask bench` on {}. Each line is the run of median time of {runs}, with the \
         archive in the page cache.\n\nCPU is user and system time of all processes. Memory is the largest resident \
         size of the first process, that of the largest other process, and the most that all held at once (anonymous \
         memory, shared memory once); only the first two count mapped files.\n",
        machine()
    );
    for series in all {
        text.push_str(&table(series));
    }
    text
}

fn table(series: &Series) -> String {
    let mut table = format!(
        "\n## {}: {} documents, {:.0} MB\n\n\
         | | wall s | files/s | MB/s | CPU s | first MB | largest other MB | all MB | rows |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|---:|\n",
        series.name,
        series.documents,
        megabytes(series.bytes)
    );
    for result in &series.results {
        table.push_str(&line(series, result));
    }
    table
}

fn line(series: &Series, Outcome { label, median, rows }: &Outcome) -> String {
    let Measured {
        wall,
        cpu,
        first_peak,
        other_peak,
        total_peak,
        ..
    } = median;
    let seconds = wall.as_secs_f64();
    format!(
        "| {label} | {seconds:.2} | {:.0} | {:.0} | {:.2} | {:.0} | {:.0} | {:.0} | {rows} |\n",
        series.documents as f64 / seconds,
        megabytes(series.bytes) / seconds,
        cpu.as_secs_f64(),
        megabytes(*first_peak),
        megabytes(*other_peak),
        megabytes(*total_peak),
    )
}

/// Millions of bytes.
pub(crate) fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// The processor and how many of it there are.
fn machine() -> String {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.trim().strip_prefix(':'));
    format!("{cores} cores of {}", model.unwrap_or("an unknown processor").trim())
}

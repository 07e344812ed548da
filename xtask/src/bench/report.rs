//! The results as tables.

use super::engine::Engines;
use super::measure::Measured;
use super::race::{Finish, Outcome, SectionResult};
use super::results::Results;
use super::targets::{Target, targets};

/// The results as the text of `docs/bench.md`.
pub(crate) fn text(results: &Results) -> String {
    let mut text = format!("# Benchmark\n\n{}\n", origin(results));
    if results.is_full_size {
        text.push_str(&format!("\n## Targets\n\n{}", target_table(&targets(results))));
    }
    text.push_str(&pictures(results));
    for section in &results.sections {
        text.push_str(&format!("\n## {}\n\n{}", heading(section), table(section)));
    }
    if let Some(engines) = &results.engines {
        text.push_str(&engine_table(engines));
    }
    text.push_str(METHOD);
    text
}

/// Where the figures are from, in one paragraph.
fn origin(results: &Results) -> String {
    let place = &results.place;
    let minutes = results.took.as_secs_f64() / 60.0;
    let (runs, peer_runs) = results.runs;
    let of_peers = if results.has_peers && peer_runs != runs {
        format!(" ({peer_runs} of other systems)")
    } else {
        String::new()
    };
    format!(
        "Made by `cargo xtask bench` of commit `{}` in {minutes:.0} minutes on {} cores of {}, {:.0} GB of memory, Linux {}. \
         Each line is the run of median time of {runs}{of_peers}, with the archive in the page cache. All figures, those of \
         every run among them, are in [bench.jsonl](bench.jsonl). How it is measured is at the end.",
        place.commit,
        place.cores,
        place.processor,
        place.memory as f64 / 1e9,
        place.kernel,
    )
}

/// The targets as a table.
pub(crate) fn target_table(targets: &[Target]) -> String {
    let mut table = "| case | wanted | got | |\n|---|---|---:|---|\n".to_owned();
    for target in targets {
        let mark = match target.is_reached() {
            Some(true) => "✓",
            Some(false) => "✗",
            None => "",
        };
        table.push_str(&format!(
            "| {} | {} | {} | {mark} |\n",
            target.case,
            target.wanted_text(),
            target.got_text()
        ));
    }
    table
}

fn pictures(results: &Results) -> String {
    let names = super::plot::all(results)
        .into_iter()
        .map(|plot| (plot.file, plot.title));
    names.map(|(file, title)| format!("\n![{title}]({file})\n")).collect()
}

/// What a section is about, in one line.
pub(crate) fn heading(section: &SectionResult) -> String {
    let archive = &section.archive;
    let mut heading = format!(
        "{}: {} documents, {:.0} MB",
        section.title,
        thousands(archive.documents),
        megabytes(archive.tar_bytes)
    );
    if archive.file_bytes != archive.tar_bytes {
        heading.push_str(&format!(", {:.0} MB compressed", megabytes(archive.file_bytes)));
    }
    heading
}

/// A section's outcomes as a table.
pub(crate) fn table(section: &SectionResult) -> String {
    let mut table = "| | wall s | files/s | MB/s | CPU s | first MB | largest other MB | all MB | rows |\n\
                     |---|---:|---:|---:|---:|---:|---:|---:|---:|\n"
        .to_owned();
    for outcome in &section.outcomes {
        table.push_str(&line(section, outcome));
    }
    table
}

fn line(section: &SectionResult, outcome: &Outcome) -> String {
    let (run, rows) = match &outcome.result {
        Finish::Median { run, rows, .. } => (run, rows),
        Finish::Over(limit) => return format!("| {} | over {} | | | | | | | |\n", outcome.label, limit.as_secs()),
    };
    let Measured {
        wall,
        cpu,
        first_peak,
        other_peak,
        total_peak,
        ..
    } = run.as_ref();
    let seconds = wall.as_secs_f64();
    let other = match other_peak {
        0 => String::new(),
        bytes => format!("{:.0}", megabytes(*bytes)),
    };
    format!(
        "| {} | {seconds:.3} | {} | {:.0} | {:.2} | {:.0} | {other} | {:.0} | {} |\n",
        outcome.label,
        thousands((section.archive.documents as f64 / seconds) as u64),
        megabytes(section.archive.tar_bytes) / seconds,
        cpu.as_secs_f64(),
        megabytes(*first_peak),
        megabytes(*total_peak),
        rows.map_or_else(String::new, thousands),
    )
}

fn engine_table(engines: &Engines) -> String {
    let gigabytes = engines.bytes as f64 / 1e9;
    let mut table = format!(
        "\n## The engine alone, one core, {:.0} MB in memory\n\n\
         | | median s | best s | GB/s | times On-Demand |\n|---|---:|---:|---:|---:|\n",
        megabytes(engines.bytes)
    );
    let peer = engines.peer.as_ref();
    for speed in engines.ours.iter().chain(peer) {
        let median = speed.median();
        let ratio = peer.map_or_else(|_| String::new(), |peer| format!("{:.2}", peer.median() / median));
        table.push_str(&format!(
            "| {} | {median:.3} | {:.3} | {:.2} | {ratio} |\n",
            speed.name,
            speed.best(),
            gigabytes / median
        ));
    }
    if let Err(reason) = peer {
        table.push_str(&format!("\nC++ On-Demand was {reason}.\n"));
    }
    table
}

/// What the figures mean.
const METHOD: &str = "
## How it is measured

**Archives.** `cargo xtask sample` makes them, the same bytes everywhere: flight searches of the reference data's shape, large
ones of half a megabyte on average (a few of several megabytes), small ones of 6 kB; tiny documents are single prices of 300
bytes. They are read once before, so they are in the page cache; output goes to the disk that the repository is on, and
tarquet's parts and their directories are fsynced, which is in its times.

**Columns.** `xtask/bench/flights_typed.yaml` where nothing else is said: 5 columns a search and 12 a price, with the id before
each, all types written. The wide map is all of `config/json_feature_map.yaml`; the narrow one has one column. *Types inferred*
is the map without its types: the first 1,000 documents are then read twice.

**Figures.** Contenders run in turns, forwards and then backwards. Wall time is from start to end of the first process. CPU is user
and system time of all processes. MB/s are of the tar, before compression. Memory is the largest resident size of the first
process (tarquet's coordinator), that of the largest other process, and the most that all held at once (anonymous memory,
shared memory once); only the first two count mapped files. It is read every 25 ms.

**Other systems** (`xtask/bench/peers/`) are given the shape, so that they infer nothing and can skip what is not wanted, and
write the same two tables as Snappy Parquet, once for both. Their rows are compared with tarquet's, value by value, after every
run. ClickHouse reads members of a tar or tar.gz where they stand; DuckDB and Polars read no tar, so `tar -x` comes first and is
counted. Who takes longer than `--peer-limit` is stopped, and not run again.

**One process** (*its engine and a Parquet writer*) is the same engine in one thread that reads each member, extracts, writes one
Snappy Parquet file a table and fsyncs it: no other process, no order to keep, no ledger
(`crates/projection/examples/in_process.rs`). **Inflating alone** is the same library into one buffer of a mebibyte, with the
checksum. **1 column into memory** has the output on a tmpfs, where an fsync costs nothing: what is left is mostly the start of
the processes, their handshake and their end, so it bounds the time until 8 workers are ready from above. Workers are started
when there is work for them, and 14 MB are work for 8.

**The engine alone** is `crates/projection/examples/throughput.rs` against `xtask/bench/ondemand` (`g++ -O3 -march=native`), in
turns; seconds are processor time. Both walk over the tar headers in memory and append the same values to columns, which are
dropped at each mebibyte; checksums of every column agree. On-Demand does less: it does not look at what it skips, so it accepts
documents that are not JSON, and notes validity with a byte a value; ours validates every document in full.

**Comparing commits.** `cargo xtask bench --compare BASE` builds BASE from its tree and runs it and the working tree in turns
(A B, B A, …) on every case, 9 times unless `--runs` says otherwise. For each case it takes the ratio of the two wall times of
each turn, and gives the median ratio with the interval that holds the true one with 95 % (the sign test's: no assumption on
how times are distributed). A case is suspected of a loss when that whole interval is above 1.02; then it runs as often again, and
only if the new runs say the same by themselves it counts as a loss, and the command fails.
";

/// Millions of bytes.
pub(crate) fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// A number with commas between its thousands.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::engine::Speed;
    use super::super::fixture::{outcome, results, section, stopped};
    use super::*;

    #[test]
    fn thousands_have_commas() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (12_345_678, "12,345,678")] {
            assert_eq!(thousands(number), text);
        }
    }

    #[test]
    fn a_line_has_all_figures() {
        let section = section("large", 2_000, [outcome("tarquet-8", 500), stopped("duckdb")]);
        let table = table(&section);
        assert!(
            table.contains("| tarquet-8 & co | 0.500 | 4,000 | 80 | 1.00 | 50 | 40 | 90 | 3 |\n"),
            "{table}"
        );
        assert!(table.contains("| duckdb | over 120 | | | | | | | |\n"), "{table}");
    }

    #[test]
    fn what_is_compressed_says_so() {
        let mut section = section("gz", 2_000, [outcome("tarquet-8", 500)]);
        assert_eq!(heading(&section), "The gz ones: 2,000 documents, 40 MB");
        section.archive.file_bytes = 5_000_000;
        assert_eq!(
            heading(&section),
            "The gz ones: 2,000 documents, 40 MB, 5 MB compressed"
        );
    }

    #[test]
    fn engines_are_given_beside_on_demand_or_the_reason() {
        let speed = |name: &str, seconds| Speed {
            name: name.to_owned(),
            seconds: vec![seconds],
        };
        let mut engines = Engines {
            bytes: 1_000_000_000,
            ours: vec![speed("ours", 0.25)],
            peer: Ok(speed("theirs", 0.5)),
        };
        let table = engine_table(&engines);
        assert!(table.contains("| ours | 0.250 | 0.250 | 4.00 | 2.00 |\n"), "{table}");
        assert!(table.contains("| theirs | 0.500 | 0.500 | 2.00 | 1.00 |\n"), "{table}");
        engines.peer = Err("left out: no compiler".to_owned());
        let table = engine_table(&engines);
        assert!(table.contains("| ours | 0.250 | 0.250 | 4.00 |  |\n") && table.contains("left out: no compiler"));
    }

    #[test]
    fn targets_are_given_only_for_archives_of_full_size() {
        let mut results = results([section("large", 10, [outcome("tarquet-8", 100)])]);
        assert!(text(&results).contains("## Targets"));
        results.is_full_size = false;
        assert!(!text(&results).contains("## Targets"));
        assert!(text(&results).contains("## The large ones"));
    }
}

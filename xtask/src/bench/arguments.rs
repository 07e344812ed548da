//! What can be asked of `cargo xtask bench`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::compare;

/// Runs of each contender where no other is compared.
const DEFAULT_RUNS: u32 = 5;

/// The options of `cargo xtask bench`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Also measures ClickHouse, DuckDB, Polars and Python, installed from PyPI into `bench/venv`
    #[arg(long)]
    pub(crate) peers: bool,
    /// Measures only these
    #[arg(long, value_enum, num_args = 1.., value_name = "NAME")]
    pub(crate) only: Vec<Group>,
    /// How often each one runs [default: 5, with --compare 9]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    runs: Option<u32>,
    /// How often each peer runs
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..), requires = "peers")]
    pub(crate) peer_runs: u32,
    /// After how many seconds a peer is stopped; it then counts as slower than that
    #[arg(long, default_value = "120", value_name = "SECONDS", value_parser = seconds, requires = "peers")]
    pub(crate) peer_limit: Duration,
    /// The numbers of workers to compare [default: 1, 2, 4, 8, 12 and on to as many as there are cores]
    #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=256))]
    pub(crate) workers: Vec<u32>,
    /// Makes every archive of this part of its documents, for a quicker look; the targets then mean nothing
    #[arg(long, default_value_t = 1.0, value_name = "FRACTION", value_parser = fraction)]
    pub(crate) scale: f64,
    /// The directory for `bench.md`, `bench.jsonl` and the plots
    #[arg(long, default_value = "docs")]
    pub(crate) out: PathBuf,
    /// Measures this commit too, in turns with the working tree, and fails if the working tree is slower
    #[arg(long, value_name = "BASE", conflicts_with_all = ["peers", "out"])]
    pub(crate) compare: Option<String>,
}

/// What is measured together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Group {
    /// Large documents with several numbers of workers, and in one process
    Large,
    /// Small documents with several numbers of workers
    Small,
    /// Both compressed with gzip, and inflating alone
    Gzip,
    /// Large documents through a narrow and a wide map, and one without types
    Maps,
    /// Tiny documents: from 1,000 to 1,000,000
    Scaling,
    /// A small archive into memory: how long a run takes that has little to do
    Start,
    /// The engine alone, against C++ simdjson
    Engine,
}

impl Arguments {
    /// Whether to measure `group`.
    pub(crate) fn wants(&self, group: Group) -> bool {
        self.only.is_empty() || self.only.contains(&group)
    }

    /// How often each contender runs.
    pub(crate) fn runs(&self) -> u32 {
        let default = match self.compare {
            Some(_) => compare::DEFAULT_RUNS,
            None => DEFAULT_RUNS,
        };
        self.runs.unwrap_or(default)
    }

    /// Whether nothing is left out, so that the figures may stand for the program.
    pub(crate) fn is_whole(&self) -> bool {
        self.peers && self.only.is_empty() && self.workers.is_empty() && self.scale == 1.0
    }

    /// The numbers of workers to compare on a machine of `cores`, among them `default`, the number without `--workers`.
    pub(crate) fn worker_counts(&self, cores: u32, default: u32) -> Vec<u32> {
        let mut counts = match self.workers.as_slice() {
            [] => up_to(cores),
            wanted => wanted.to_vec(),
        };
        counts.push(default);
        counts.sort_unstable();
        counts.dedup();
        counts
    }
}

/// Numbers of workers up to 12, and on in steps of a third to a half up to `cores`, which is one of them.
fn up_to(cores: u32) -> Vec<u32> {
    let more = (4..8).flat_map(|power| [1 << power, (1 << power) + (1 << (power - 1))]);
    let mut counts = vec![1, 2, 4, 8, 12];
    counts.extend(more.filter(|&count| count < cores));
    // 256 is the most that `--workers` takes.
    counts.extend((cores > 12).then_some(cores.min(256)));
    counts
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: u64 = text
        .trim_end_matches('s')
        .parse()
        .map_err(|_| "not a number of seconds")?;
    Ok(Duration::from_secs(seconds))
}

fn fraction(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(fraction) if fraction > 0.0 && fraction <= 1.0 => Ok(fraction),
        _ => Err("not a number above 0 and up to 1".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn parse(arguments: &[&str]) -> Arguments {
        Command::parse_from([&["bench"], arguments].concat()).arguments
    }

    #[test]
    fn worker_counts_go_up_with_the_cores() {
        let arguments = parse(&[]);
        assert_eq!(arguments.worker_counts(2, 8), [1, 2, 4, 8, 12]);
        assert_eq!(arguments.worker_counts(16, 12), [1, 2, 4, 8, 12, 16]);
        assert_eq!(arguments.worker_counts(40, 12), [1, 2, 4, 8, 12, 16, 24, 32, 40]);
        assert_eq!(arguments.worker_counts(1024, 12).last(), Some(&256));
    }

    #[test]
    fn the_default_is_always_among_the_counts() {
        assert_eq!(parse(&["--workers", "2,3"]).worker_counts(2, 8), [2, 3, 8]);
        assert_eq!(parse(&["--workers", "8"]).worker_counts(2, 8), [8]);
    }

    #[test]
    fn only_a_run_of_everything_is_whole() {
        assert!(parse(&["--peers"]).is_whole());
        for part in [
            &["--runs", "5"][..],
            &["--peers", "--only", "large", "gzip"],
            &["--peers", "--scale", "0.5"],
            &["--peers", "--workers", "2"],
        ] {
            assert!(!parse(part).is_whole(), "{part:?}");
        }
        let some = parse(&["--only", "large", "gzip"]);
        assert!(some.wants(Group::Gzip) && !some.wants(Group::Small));
    }

    #[test]
    fn limits_and_fractions_are_checked() {
        assert_eq!(
            parse(&["--peers", "--peer-limit", "90s"]).peer_limit,
            Duration::from_secs(90)
        );
        assert!(seconds("2m").is_err());
        assert_eq!(fraction("0.25"), Ok(0.25));
        for wrong in ["0", "1.5", "-1", "x", "NaN"] {
            assert!(fraction(wrong).is_err(), "{wrong}");
        }
    }
}

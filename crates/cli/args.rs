//! The arguments as they are written. What they mean is [`crate::extract`]'s affair.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use crate::quantity::{
    AllowedFailures, parse_allowed_failures, parse_buffer_bytes, parse_bytes, parse_duration, parse_worker_memory,
};

/// Turns a huge archive of JSON files into a typed, partitioned Parquet dataset.
#[derive(Debug, Parser)]
#[command(name = "tarquet", version, propagate_version = true, arg_required_else_help = true)]
pub(crate) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Extract the features that a feature map names into DIR/features_raw/feature=NAME/part-*.parquet
    #[command(after_help = EXTRACT_HELP)]
    Extract(Box<ExtractArguments>),
    /// Check that every part of a dataset is whole and exactly what its ledger says
    #[command(after_help = VERIFY_HELP)]
    Verify(VerifyArguments),
}

const EXTRACT_HELP: &str = "\
Examples:
  tarquet extract --tar-path jsons_raw.tar.kaggle --out-dir out
  tarquet extract --tar-path apis.tgz --out-dir apis --feature-map config/examples/aws_sdk.yaml --workers 4
  tarquet extract --tar-path jsons_raw.tar.kaggle --out-dir out --resume
  tarquet extract --tar-path 'crawl/2026-*.tar.gz' --tar-path late.tar --out-dir crawl
  tarquet extract --tar-path raw/ --out-dir out

Every flag also reads an environment variable: --buffer-rows reads TARQUET_BUFFER_ROWS. Several globs of members in one
are written in braces: TARQUET_INCLUDE='{*.json,*.txt}'.

Exit codes:
  0  every document was extracted (or failures are within --allow-failed)
  1  stopped by an error; what is committed stays, and --resume goes on
  2  wrong usage, or an invalid feature map
  3  finished, but some documents failed, or the archive is damaged; the dataset is whole for the rest
A run that SIGINT, SIGTERM or SIGHUP stops commits what is done and dies by that signal; a second one ends it at once.";

const VERIFY_HELP: &str = "\
Examples:
  tarquet verify --out-dir out
  tarquet verify --out-dir out --quick

Exit codes:
  0  everything is as the ledger says
  1  the directory cannot be looked at, or holds no dataset
  2  wrong usage
  3  something is missing, damaged or unknown; it is named";

/// The arguments of `verify`.
#[derive(Debug, Args)]
pub(crate) struct VerifyArguments {
    /// The dataset's directory
    #[arg(long, value_name = "DIR", env = "TARQUET_OUT_DIR")]
    pub(crate) out_dir: PathBuf,

    /// Look at sizes and at Parquet's own counts, but do not read the pages
    #[arg(long, env = "TARQUET_QUICK", value_parser = BoolishValueParser::new())]
    pub(crate) quick: bool,

    /// Show nothing but what is wrong
    #[arg(short, long, env = "TARQUET_QUIET", value_parser = BoolishValueParser::new())]
    pub(crate) quiet: bool,
}

/// The arguments of `extract`.
#[derive(Debug, Args)]
pub(crate) struct ExtractArguments {
    /// The archive: a tar, plain or compressed with gzip or zstd (told by its content, never by its name); a directory of loose
    /// files; or `-` for standard input. Repeatable, and may be a glob: all of them make one dataset, in this order
    #[arg(
        long,
        value_name = "ARCHIVE",
        env = "TARQUET_TAR_PATH",
        required = true,
        help_heading = "Input"
    )]
    pub(crate) tar_path: Vec<PathBuf>,

    /// Take only members whose name matches this glob (repeatable) [default: *.json *.ndjson *.jsonl, each also .gz and .zst]
    #[arg(long, value_name = "GLOB", env = "TARQUET_INCLUDE", help_heading = "Input")]
    pub(crate) include: Vec<String>,

    /// Leave out members whose name matches this glob (repeatable); it wins over --include
    #[arg(long, value_name = "GLOB", env = "TARQUET_EXCLUDE", help_heading = "Input")]
    pub(crate) exclude: Vec<String>,

    /// Read on behind an end-of-archive marker: for archives that were put one behind the other (cat a.tar b.tar)
    #[arg(long, env = "TARQUET_IGNORE_ZEROS", value_parser = BoolishValueParser::new(), help_heading = "Input")]
    pub(crate) ignore_zeros: bool,

    /// How a member's documents are told from one another
    #[arg(long, value_enum, value_name = "HOW", env = "TARQUET_DOCUMENTS", default_value_t = DocumentsKind::Auto, help_heading = "Input")]
    pub(crate) documents: DocumentsKind,

    /// Documents larger than this fail
    #[arg(long, value_name = "SIZE", env = "TARQUET_MAX_DOCUMENT_BYTES", default_value = "256MiB", value_parser = parse_bytes, help_heading = "Input")]
    pub(crate) max_document_bytes: u64,

    /// The feature map: which fields become which columns of which table
    #[arg(
        long,
        value_name = "FILE",
        env = "TARQUET_FEATURE_MAP",
        default_value = "config/json_feature_map.yaml",
        help_heading = "Features"
    )]
    pub(crate) feature_map: PathBuf,

    /// How many documents decide the types that the map leaves open
    #[arg(long, value_name = "N", env = "TARQUET_SAMPLE", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..), help_heading = "Features")]
    pub(crate) sample: u64,

    /// Where the dataset goes
    #[arg(long, value_name = "DIR", env = "TARQUET_OUT_DIR", help_heading = "Output")]
    pub(crate) out_dir: PathBuf,

    /// Go on with the run that was stopped in DIR, from its last checkpoint; where there is none, begin
    #[arg(long, env = "TARQUET_RESUME", value_parser = BoolishValueParser::new(), conflicts_with = "overwrite", help_heading = "Output")]
    pub(crate) resume: bool,

    /// Replace the dataset that DIR holds (removes only what its ledger names)
    #[arg(long, env = "TARQUET_OVERWRITE", value_parser = BoolishValueParser::new(), help_heading = "Output")]
    pub(crate) overwrite: bool,

    /// A feature's part ends at the first document boundary with this many rows
    #[arg(long, value_name = "ROWS", env = "TARQUET_BUFFER_ROWS", default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..), help_heading = "Output")]
    pub(crate) buffer_rows: u64,

    /// The largest part ends when all open parts together exceed this
    #[arg(long, value_name = "SIZE", env = "TARQUET_BUFFER_BYTES", default_value = "96MiB", value_parser = parse_buffer_bytes, help_heading = "Output")]
    pub(crate) buffer_bytes: u64,

    /// Worker processes [default: one for each core, but at least 8 and at most 12]
    #[arg(long, value_name = "N", env = "TARQUET_WORKERS", value_parser = clap::value_parser!(u16).range(1..=256), help_heading = "Running")]
    pub(crate) workers: Option<u16>,

    /// Threads that decompress an archive in gzip, or in zstd of many frames, if it is a file; the rows are the same
    /// [default: 1 with fewer than 8 cores, else one for each third core, but at most 4]
    #[arg(long, value_name = "N", env = "TARQUET_INFLATE_THREADS", value_parser = clap::value_parser!(u8).range(1..=64), help_heading = "Running")]
    pub(crate) inflate_threads: Option<u8>,

    /// What each worker may allocate; a member that needs more fails
    #[arg(long, value_name = "SIZE", env = "TARQUET_WORKER_MEMORY", default_value = "2GiB", value_parser = parse_worker_memory, help_heading = "Running")]
    pub(crate) worker_memory: u64,

    /// How long a worker may compute on one member; only time on a processor counts, no waiting
    #[arg(long, value_name = "TIME", env = "TARQUET_MEMBER_TIMEOUT", default_value = "60s", value_parser = parse_duration, help_heading = "Running")]
    pub(crate) member_timeout: Duration,

    /// How often what is done is committed: what a crash costs at most
    #[arg(long, value_name = "TIME", env = "TARQUET_CHECKPOINT_EVERY", default_value = "30s", value_parser = parse_duration, help_heading = "Running")]
    pub(crate) checkpoint_every: Duration,

    /// How many documents (N), or which share of them (P%), may fail before the run counts as failed; of a member that has
    /// one on each line, each counts
    #[arg(long, value_name = "N|P%", env = "TARQUET_ALLOW_FAILED", default_value = "0", value_parser = parse_allowed_failures, help_heading = "Running")]
    pub(crate) allow_failed: AllowedFailures,

    /// Whether workers, which parse what is in the archive, lock themselves in (Landlock, seccomp)
    #[arg(long, value_enum, env = "TARQUET_SANDBOX", default_value_t = Sandbox::Auto, help_heading = "Running")]
    pub(crate) sandbox: Sandbox,

    /// What parses documents; the rows are the same
    #[arg(long, value_enum, env = "TARQUET_ENGINE", default_value_t = Engine::Structural, help_heading = "Running")]
    pub(crate) engine: Engine,

    /// How progress is shown on standard error
    #[arg(long, value_enum, env = "TARQUET_PROGRESS", default_value_t = ProgressKind::Auto, help_heading = "Display")]
    pub(crate) progress: ProgressKind,

    /// How the summary is written to standard output
    #[arg(long, value_enum, env = "TARQUET_SUMMARY", default_value_t = SummaryKind::Text, help_heading = "Display")]
    pub(crate) summary: SummaryKind,

    /// What is logged to standard error
    #[arg(long, value_enum, value_name = "LEVEL", env = "TARQUET_LOG", default_value_t = LogLevel::Warn, help_heading = "Display")]
    pub(crate) log: LogLevel,

    /// Log more (-v: info, -vv: debug)
    #[arg(short, long, action = ArgAction::Count, conflicts_with = "quiet", help_heading = "Display")]
    pub(crate) verbose: u8,

    /// Show nothing but errors
    #[arg(short, long, env = "TARQUET_QUIET", value_parser = BoolishValueParser::new(), help_heading = "Display")]
    pub(crate) quiet: bool,
}

/// How a member's documents are told from one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DocumentsKind {
    /// `.ndjson` and `.jsonl` (also with `.gz` or `.zst`) have one on each line; any other member is one.
    Auto,
    /// Every member is one document.
    Json,
    /// Every member has one document on each line.
    Ndjson,
    /// Every member is one JSON array of documents.
    Array,
}

/// A projection engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Engine {
    /// The scalar parser that decides what is valid.
    Reference,
    /// simd-json's tape; what it cannot give exactly goes to the reference.
    SimdJson,
    /// The vector engine that indexes a document and takes only what the map asks for.
    Structural,
}

/// Whether workers lock themselves in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Sandbox {
    /// As far as the system lets them; the summary says how far.
    Auto,
    /// In full, or nothing is run.
    Require,
    /// Not at all.
    Off,
}

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProgressKind {
    /// A bar on a terminal, else plain lines.
    Auto,
    /// A line every ten seconds.
    Plain,
    /// A JSON object on a line of its own every second.
    Json,
    /// Nothing.
    None,
}

/// How the summary is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SummaryKind {
    /// A table for people.
    Text,
    /// What is in summary.json.
    Json,
}

/// What is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum LogLevel {
    /// Nothing.
    Off,
    /// What stops the run.
    Error,
    /// What may need attention.
    Warn,
    /// What happens.
    Info,
    /// What the workers say.
    Debug,
    /// Everything.
    Trace,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_flag_with_a_value_reads_the_environment() {
        let command = Arguments::command();
        for argument in command.get_subcommands().flat_map(|command| command.get_arguments()) {
            let name = argument.get_id().as_str();
            if !matches!(name, "verbose" | "help" | "version") {
                let variable = format!("TARQUET_{}", name.to_uppercase());
                assert_eq!(
                    argument.get_env().and_then(|name| name.to_str()),
                    Some(variable.as_str())
                );
            }
        }
    }
}

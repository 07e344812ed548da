//! The arguments as they are written. What they mean is [`crate::extract`]'s affair.

mod groups;
mod surveys;

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};

pub(crate) use self::groups::{DisplayArguments, InputArguments, MapArguments, RunningArguments};
pub(crate) use self::surveys::{CheckArguments, InspectArguments, InspectFormat, PreviewArguments, PreviewFormat};
use crate::completions::{self, CompletionsArguments};
use crate::quantity::{AllowedFailures, parse_allowed_failures, parse_buffer_bytes, parse_duration};
use crate::version;

/// Turns a huge archive of JSON files into a typed, partitioned Parquet dataset.
///
/// Nothing is unpacked. A small YAML file, the feature map, says which fields become which columns of which table; several
/// processes read the archive, and the rows stand in its order. A run that was stopped goes on where it was.
#[derive(Debug, Parser)]
#[command(
    name = "tarquet",
    version = version::SHORT,
    long_version = version::long(),
    propagate_version = true,
    arg_required_else_help = true,
    after_long_help = HELP
)]
pub(crate) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Extract what a feature map names into a Parquet dataset
    ///
    /// The dataset is made of DIR/features_raw/feature=NAME/part-*.parquet: one table for each feature of the map, of whole Parquet
    /// files that can be read while the run goes on.
    #[command(after_long_help = EXTRACT_HELP)]
    Extract(Box<ExtractArguments>),
    /// Show what is in an archive, and write a feature map to start from
    ///
    /// Which paths documents have, how often, of which types, with how many nulls and different values, and examples. Of a sample,
    /// or of everything.
    #[command(after_long_help = surveys::INSPECT_HELP)]
    Inspect(Box<InspectArguments>),
    /// Check a feature map, alone or against an archive
    ///
    /// Against an archive it says which columns find nothing, and which paths are near, which values do not fit, and shows rows.
    #[command(after_long_help = surveys::CHECK_HELP)]
    Check(Box<CheckArguments>),
    /// Show the first rows of every feature
    ///
    /// It reads no more of the archive than it needs, and writes no dataset.
    #[command(after_long_help = surveys::PREVIEW_HELP)]
    Preview(Box<PreviewArguments>),
    /// Check that every part of a dataset is whole and exactly what its ledger says
    ///
    /// Every part has to be there, to have its recorded size and checksum, to be readable to its last page and to have its rows.
    /// What is wrong is named, and so is what the ledger does not know.
    #[command(after_long_help = VERIFY_HELP)]
    Verify(VerifyArguments),
    /// Write what makes a shell complete this command line to standard output
    #[command(after_long_help = completions::HELP)]
    Completions(CompletionsArguments),
}

const HELP: &str = "\
Examples:
  tarquet inspect --tar-path jsons_raw.tar.kaggle --write-map map.yaml
  tarquet preview --tar-path jsons_raw.tar.kaggle --feature-map map.yaml
  tarquet extract --tar-path jsons_raw.tar.kaggle --feature-map map.yaml --out-dir out
  tarquet verify --out-dir out

Environment:
  Every flag of a command that has a value, and most others, can be set by a variable, too: that of
  --buffer-rows is TARQUET_BUFFER_ROWS. The command line wins. --help names each.

Exit codes:
  0  all went well
  1  stopped by an error
  2  wrong usage, or an invalid feature map
  3  done, but something was found wrong with the archive, its documents or the dataset";

const EXTRACT_HELP: &str = "\
Examples:
  tarquet extract --tar-path jsons_raw.tar.kaggle --out-dir out
  tarquet extract --tar-path jsons_raw.tar.kaggle --out-dir out --resume
  tarquet extract --tar-path apis.tgz --out-dir apis --feature-map config/examples/aws_sdk.yaml
  tarquet extract --tar-path 'crawl/2026-*.tar.gz' --tar-path late.tar --out-dir crawl
  tarquet extract --tar-path raw/ --out-dir out
  curl -L https://example.org/a.tar.gz | tarquet extract --tar-path - --out-dir out

Environment:
  Every flag but -v can be set by the variable that is named with it; the command line wins. Several
  globs of members in one are written in braces: TARQUET_INCLUDE='{*.json,*.txt}'.

Exit codes:
  0  every document was extracted (or failures are within --allow-failed)
  1  stopped by an error; what is committed stays, and --resume goes on
  2  wrong usage, or an invalid feature map
  3  finished, but documents failed, or the archive is damaged; the dataset is whole for the rest

Signals:
  A run that SIGINT, SIGTERM or SIGHUP stops commits what is done and dies by that signal; a second
  one ends it at once.";

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
    #[arg(long, value_name = "DIR", env = "TARQUET_OUT_DIR", value_hint = ValueHint::DirPath)]
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
    #[command(flatten)]
    pub(crate) input: InputArguments,

    #[command(flatten)]
    pub(crate) map: MapArguments,

    /// How many documents decide the types that are open
    ///
    /// Types that the map does not say are those that hold every value of the first N documents.
    #[arg(long, value_name = "N", env = "TARQUET_SAMPLE", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..), help_heading = "Features")]
    pub(crate) sample: u64,

    /// Where the dataset goes
    #[arg(long, value_name = "DIR", env = "TARQUET_OUT_DIR", value_hint = ValueHint::DirPath, help_heading = "Output")]
    pub(crate) out_dir: PathBuf,

    /// Go on with the run that was stopped in DIR
    ///
    /// It goes on from its last checkpoint, and ends with exactly the bytes of a run that nothing stopped. Where there is none it
    /// begins, and where it is finished there is nothing to do. Another archive, map or build is refused.
    #[arg(long, env = "TARQUET_RESUME", value_parser = BoolishValueParser::new(), conflicts_with = "overwrite", help_heading = "Output")]
    pub(crate) resume: bool,

    /// Replace the dataset that DIR holds
    ///
    /// Only what its ledger names is removed.
    #[arg(long, env = "TARQUET_OVERWRITE", value_parser = BoolishValueParser::new(), help_heading = "Output")]
    pub(crate) overwrite: bool,

    /// A part ends once it has this many rows
    ///
    /// It ends at the first document boundary, so it may have some more.
    #[arg(long, value_name = "ROWS", env = "TARQUET_BUFFER_ROWS", default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..), help_heading = "Output")]
    pub(crate) buffer_rows: u64,

    /// The largest part ends once all open ones exceed this
    ///
    /// It bounds the memory of rows that are waiting to be written. Lengths of values count. A size reads like 96MiB.
    #[arg(long, value_name = "SIZE", env = "TARQUET_BUFFER_BYTES", default_value = "96MiB", value_parser = parse_buffer_bytes, help_heading = "Output")]
    pub(crate) buffer_bytes: u64,

    #[command(flatten)]
    pub(crate) running: RunningArguments,

    /// How often what is done is committed
    ///
    /// It is what a crash costs at most. A time reads like 30s, 500ms or 1.5m.
    #[arg(long, value_name = "TIME", env = "TARQUET_CHECKPOINT_EVERY", default_value = "30s", value_parser = parse_duration, help_heading = "Running")]
    pub(crate) checkpoint_every: Duration,

    /// How many documents may fail
    ///
    /// A number of documents, or a share of them (0.5%), that may fail before the exit code is 3. Of members of many documents, each
    /// document counts.
    #[arg(long, value_name = "N|P%", env = "TARQUET_ALLOW_FAILED", default_value = "0", value_parser = parse_allowed_failures, help_heading = "Running")]
    pub(crate) allow_failed: AllowedFailures,

    #[command(flatten)]
    pub(crate) display: DisplayArguments,

    /// The summary on standard output: text, json
    #[arg(long, value_enum, value_name = "HOW", env = "TARQUET_SUMMARY", default_value_t = SummaryKind::Text, help_heading = "Display")]
    pub(crate) summary: SummaryKind,
}

/// How a member's documents are told from one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DocumentsKind {
    /// By name: `.ndjson` and `.jsonl` have one on each line, others are one.
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
    /// simd-json's tape; what it cannot give exactly is the reference's.
    SimdJson,
    /// An index made with vector instructions; only what is asked for is read.
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
        for argument in command.get_subcommands().flat_map(|command| command.get_opts()) {
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

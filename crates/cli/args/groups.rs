//! Arguments that several commands have.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{ArgAction, Args, ValueHint};

use super::{DocumentsKind, Engine, LogLevel, ProgressKind, Sandbox};
use crate::quantity::{parse_bytes, parse_duration, parse_worker_memory};

/// What is read.
#[derive(Debug, Args)]
pub(crate) struct InputArguments {
    /// A tar (or gzip, zstd), a directory, - for stdin; repeatable
    ///
    /// A tar, plain or compressed with gzip or zstd, is told by its content, never by its name. Of a directory the files in it,
    /// at any depth, are the members. It may be a glob (in quotes, so that the shell does not expand it); all that is given and
    /// found makes one dataset, in this order.
    #[arg(
        long,
        value_name = "ARCHIVE",
        env = "TARQUET_TAR_PATH",
        required = true,
        value_hint = ValueHint::FilePath,
        help_heading = "Input"
    )]
    pub(crate) tar_path: Vec<PathBuf>,

    /// Take only members with such names, a glob; repeatable
    ///
    /// Where it is not given, members are taken whose name ends in .json, .ndjson or .jsonl, also with .gz or .zst behind it.
    #[arg(long, value_name = "GLOB", env = "TARQUET_INCLUDE", help_heading = "Input")]
    pub(crate) include: Vec<String>,

    /// Leave out members with such names, a glob; repeatable
    ///
    /// It wins over --include.
    #[arg(long, value_name = "GLOB", env = "TARQUET_EXCLUDE", help_heading = "Input")]
    pub(crate) exclude: Vec<String>,

    /// Read on behind an end-of-archive marker
    ///
    /// For archives that were put one behind the other (cat a.tar b.tar).
    #[arg(long, env = "TARQUET_IGNORE_ZEROS", value_parser = BoolishValueParser::new(), help_heading = "Input")]
    pub(crate) ignore_zeros: bool,

    /// A member's documents: auto, json, ndjson, array
    ///
    /// How they are told from one another; none of these is guessed from content.
    #[arg(long, value_enum, value_name = "HOW", env = "TARQUET_DOCUMENTS", default_value_t = DocumentsKind::Auto, help_heading = "Input")]
    pub(crate) documents: DocumentsKind,

    /// Documents larger than this fail
    ///
    /// A size reads like 256MiB, 1.5GB or 4096. What counts of a compressed member is what it inflates to; of members of many
    /// documents, each line or element counts alone.
    #[arg(long, value_name = "SIZE", env = "TARQUET_MAX_DOCUMENT_BYTES", default_value = "256MiB", value_parser = parse_bytes, help_heading = "Input")]
    pub(crate) max_document_bytes: u64,
}

/// Which features.
#[derive(Debug, Args)]
pub(crate) struct MapArguments {
    /// The map from fields to columns
    ///
    /// The feature map, in YAML: which fields become which columns of which table.
    #[arg(
        long,
        value_name = "FILE",
        env = "TARQUET_FEATURE_MAP",
        default_value = "config/json_feature_map.yaml",
        value_hint = ValueHint::FilePath,
        help_heading = "Features"
    )]
    pub(crate) feature_map: PathBuf,
}

/// How it is read.
#[derive(Debug, Args)]
pub(crate) struct RunningArguments {
    /// Worker processes [default: as many as cores, from 8 to 12]
    ///
    /// One for each core, but at least 8 and at most 12, if it is not given. The dataset is the same whatever their number.
    #[arg(long, value_name = "N", env = "TARQUET_WORKERS", value_parser = clap::value_parser!(u16).range(1..=256), help_heading = "Running")]
    pub(crate) workers: Option<u16>,

    /// Threads that decompress [default: a third of the cores, up to 4]
    ///
    /// They share an archive in gzip, or in zstd of many frames, if it is a file; the rows are the same. With fewer than 8 cores
    /// the default is 1.
    #[arg(long, value_name = "N", env = "TARQUET_INFLATE_THREADS", value_parser = clap::value_parser!(u8).range(1..=64), help_heading = "Running")]
    pub(crate) inflate_threads: Option<u8>,

    /// What each worker may allocate
    ///
    /// A member that needs more fails. A size reads like 2GiB or 512MB.
    #[arg(long, value_name = "SIZE", env = "TARQUET_WORKER_MEMORY", default_value = "2GiB", value_parser = parse_worker_memory, help_heading = "Running")]
    pub(crate) worker_memory: u64,

    /// How long a worker may compute on one member
    ///
    /// Only time on a processor counts, no waiting. A member that takes more is tried once more alone, then it fails. A time reads
    /// like 60s, 500ms or 1.5m.
    #[arg(long, value_name = "TIME", env = "TARQUET_MEMBER_TIMEOUT", default_value = "60s", value_parser = parse_duration, help_heading = "Running")]
    pub(crate) member_timeout: Duration,

    /// How workers lock themselves in: auto, require, off
    ///
    /// Workers parse what is in the archive, which nobody may vouch for. With Landlock and seccomp they can read what they are
    /// given, write to their pipes, use memory, and do nothing else.
    #[arg(long, value_enum, value_name = "HOW", env = "TARQUET_SANDBOX", default_value_t = Sandbox::Auto, help_heading = "Running")]
    pub(crate) sandbox: Sandbox,

    /// A parser: structural, simd-json, reference
    ///
    /// The rows are the same. The others are there to compare with.
    #[arg(long, value_enum, value_name = "NAME", env = "TARQUET_ENGINE", default_value_t = Engine::Structural, help_heading = "Running")]
    pub(crate) engine: Engine,
}

/// What is shown on the way.
#[derive(Debug, Args)]
pub(crate) struct DisplayArguments {
    /// Progress on standard error: auto, plain, json, none
    #[arg(long, value_enum, value_name = "HOW", env = "TARQUET_PROGRESS", default_value_t = ProgressKind::Auto, help_heading = "Display")]
    pub(crate) progress: ProgressKind,

    /// What is logged: off, error, warn, info, debug, trace
    ///
    /// Log lines go to standard error.
    #[arg(long, value_enum, value_name = "LEVEL", env = "TARQUET_LOG", default_value_t = LogLevel::Warn, help_heading = "Display")]
    pub(crate) log: LogLevel,

    /// Log more (-v: info, -vv: debug)
    #[arg(short, long, action = ArgAction::Count, conflicts_with = "quiet", help_heading = "Display")]
    pub(crate) verbose: u8,

    /// Show nothing but errors
    #[arg(short, long, env = "TARQUET_QUIET", value_parser = BoolishValueParser::new(), help_heading = "Display")]
    pub(crate) quiet: bool,
}

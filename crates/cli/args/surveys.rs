//! The arguments of commands that look into archives and write no dataset.

use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::BoolishValueParser;
use clap::{Args, ValueEnum, ValueHint};
use tarquet_coordinator::Extent;

use super::{DisplayArguments, InputArguments, MapArguments, RunningArguments};

pub(super) const INSPECT_HELP: &str = "\
Examples:
  tarquet inspect --tar-path jsons_raw.tar.kaggle
  tarquet inspect --tar-path jsons_raw.tar.kaggle --spread --write-map map.yaml
  tarquet inspect --tar-path apis.tgz --include '*.min.json' --sample all --format csv

Exit codes:
  0  it is shown; documents that cannot be read are counted and left out
  1  stopped by an error; or there is no document to make a map of
  2  wrong usage";

pub(super) const CHECK_HELP: &str = "\
Examples:
  tarquet check --feature-map map.yaml
  tarquet check --feature-map map.yaml --tar-path jsons_raw.tar.kaggle

Exit codes:
  0  the map is valid and, in the sample, every column finds something that fits
  1  stopped by an error
  2  wrong usage, or an invalid feature map
  3  the map is valid, but in the sample a column finds nothing, or values do not fit";

pub(super) const PREVIEW_HELP: &str = "\
Examples:
  tarquet preview --tar-path jsons_raw.tar.kaggle --feature-map map.yaml
  tarquet preview --tar-path a.tgz --feature-map map.yaml --feature pricings --rows 50
  tarquet preview --tar-path a.tgz --feature-map map.yaml --format json | jq .
  tarquet preview --tar-path a.tgz --feature-map map.yaml --feature pricings --format arrow

Exit codes:
  0  the rows are shown; documents that cannot be read are counted and left out
  1  stopped by an error
  2  wrong usage, or an invalid feature map";

/// How many documents are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SampleSize {
    /// So many.
    Documents(u64),
    /// All of them.
    All,
}

impl SampleSize {
    /// The members that are read for it.
    pub(crate) fn extent(self, is_spread: bool) -> Extent {
        match self {
            SampleSize::All => Extent::All,
            SampleSize::Documents(count) if is_spread => Extent::Spread(count),
            SampleSize::Documents(count) => Extent::First(count),
        }
    }

    /// How many documents are enough.
    pub(crate) fn most(self) -> u64 {
        match self {
            SampleSize::All => u64::MAX,
            SampleSize::Documents(count) => count,
        }
    }
}

impl FromStr for SampleSize {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<SampleSize, &'static str> {
        match text.replace([',', '_'], "").parse() {
            _ if text == "all" => Ok(SampleSize::All),
            Ok(count @ 1..) => Ok(SampleSize::Documents(count)),
            _ => Err("a number of documents from 1 on, or `all`"),
        }
    }
}

/// The arguments of `inspect`.
#[derive(Debug, Args)]
pub(crate) struct InspectArguments {
    #[command(flatten)]
    pub(crate) input: InputArguments,

    /// How many documents are looked at, or `all`
    ///
    /// The first ones, unless --spread is given. Of members of many documents some more may be looked at.
    #[arg(
        long,
        value_name = "N|all",
        env = "TARQUET_SAMPLE",
        default_value = "1000",
        help_heading = "Sample"
    )]
    pub(crate) sample: SampleSize,

    /// Take the sample from all over the archive
    ///
    /// Members are taken as far apart as their number allows, by bytes of the archive, instead of the first ones. A compressed
    /// archive has to be read to its end for that. Of standard input the first ones are taken all the same.
    #[arg(long, env = "TARQUET_SPREAD", value_parser = BoolishValueParser::new(), help_heading = "Sample")]
    pub(crate) spread: bool,

    /// How it is shown: table, json, csv
    #[arg(long, value_enum, value_name = "HOW", env = "TARQUET_FORMAT", default_value_t = InspectFormat::Table, help_heading = "Output")]
    pub(crate) format: InspectFormat,

    /// Write a feature map that can be run as it is
    ///
    /// A table for each object at the root, for each array of objects, and for each object that is used as a map, with types filled
    /// in and comments that say what was found. `-` writes it to standard output, and then nothing else is shown there. A file that is
    /// there already is left alone.
    #[arg(long, value_name = "FILE", env = "TARQUET_WRITE_MAP", value_hint = ValueHint::FilePath, help_heading = "Output")]
    pub(crate) write_map: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) running: RunningArguments,

    #[command(flatten)]
    pub(crate) display: DisplayArguments,
}

/// How `inspect` shows paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum InspectFormat {
    /// A tree for people.
    Table,
    /// One JSON object, with a list of paths.
    Json,
    /// A line for each path.
    Csv,
}

/// The arguments of `check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    /// The feature map to check
    #[arg(
        long,
        value_name = "FILE",
        env = "TARQUET_FEATURE_MAP",
        default_value = "config/json_feature_map.yaml",
        value_hint = ValueHint::FilePath,
        help_heading = "Features"
    )]
    pub(crate) feature_map: PathBuf,

    /// How many documents are looked at, or `all`
    #[arg(
        long,
        value_name = "N|all",
        env = "TARQUET_SAMPLE",
        default_value = "1000",
        help_heading = "Features"
    )]
    pub(crate) sample: SampleSize,

    /// How many rows of each feature are shown
    #[arg(
        long,
        value_name = "N",
        env = "TARQUET_ROWS",
        default_value_t = 5,
        help_heading = "Output"
    )]
    pub(crate) rows: usize,

    #[command(flatten)]
    pub(crate) input: InputArguments,

    #[command(flatten)]
    pub(crate) running: RunningArguments,

    #[command(flatten)]
    pub(crate) display: DisplayArguments,
}

/// The arguments of `preview`.
#[derive(Debug, Args)]
pub(crate) struct PreviewArguments {
    #[command(flatten)]
    pub(crate) input: InputArguments,

    #[command(flatten)]
    pub(crate) map: MapArguments,

    /// Show only this feature; repeatable
    #[arg(long, value_name = "NAME", env = "TARQUET_FEATURE", help_heading = "Features")]
    pub(crate) feature: Vec<String>,

    /// How many documents are looked at for rows, and types
    ///
    /// No more than so many are read, even if a feature has fewer rows by then; and types that the map leaves open are those that
    /// hold every value of the first tenth of them, so they may differ from those of `extract`.
    #[arg(
        long,
        value_name = "N|all",
        env = "TARQUET_SAMPLE",
        default_value = "1000",
        help_heading = "Features"
    )]
    pub(crate) sample: SampleSize,

    /// How many rows of each feature are shown
    #[arg(
        long,
        value_name = "N",
        env = "TARQUET_ROWS",
        default_value_t = 10,
        help_heading = "Output"
    )]
    pub(crate) rows: usize,

    /// How they are shown: table, json, arrow
    #[arg(long, value_enum, value_name = "HOW", env = "TARQUET_FORMAT", default_value_t = PreviewFormat::Table, help_heading = "Output")]
    pub(crate) format: PreviewFormat,

    #[command(flatten)]
    pub(crate) running: RunningArguments,

    #[command(flatten)]
    pub(crate) display: DisplayArguments,
}

/// How `preview` shows rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PreviewFormat {
    /// A table for each feature, for people.
    Table,
    /// A JSON object for each row, on a line of its own, with the feature's name as `feature`.
    Json,
    /// An Arrow IPC stream, of one feature.
    Arrow,
}

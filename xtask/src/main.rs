//! Chores of the project: `cargo xtask sample`, `cargo xtask bench`, `cargo xtask torture`.

mod bench;
mod sample;
mod torture;

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::{Args, Parser, Subcommand, ValueEnum};

use sample::{Recipe, Shape};

/// The seed of archives for which none is given: with it, the mean is as close to 110 offers as can be.
const DEFAULT_SEED: u64 = 7;

#[derive(Debug, Parser)]
#[command(name = "xtask", about = "tarquet's own chores")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes a sample archive of the reference data's shape: the same bytes for the same numbers, on every machine
    Sample(SampleArguments),
    /// Measures the extraction with several numbers of workers and, on request, other systems that do the same
    Bench(bench::Arguments),
    /// Inflates an archive and does nothing with it, for `bench` to measure
    #[command(hide = true)]
    Inflate {
        /// The archive, one gzip stream
        archive: PathBuf,
    },
    /// Kills, fills and tears what it can, at length, and checks that nothing is ever lost
    Torture(TortureArguments),
}

#[derive(Debug, Args)]
struct TortureArguments {
    /// What the random numbers of each sweep's second half start from [default: another number each time]
    #[arg(long)]
    seed: Option<u64>,
    /// Runs only the sweeps whose names have this in them: `kills`, `signals::`, `poison`
    #[arg(long)]
    only: Option<String>,
}

#[derive(Debug, Args)]
struct SampleArguments {
    /// The archive to write; `.gz`, `.tgz` and `.tar.kaggle` are compressed with gzip
    #[arg(required_unless_present_any = ["example", "check"])]
    out: Option<PathBuf>,
    /// What the defaults of the other numbers are for
    #[arg(long, value_enum, default_value_t = Kind::Flights)]
    kind: Kind,
    /// How many documents
    #[arg(long)]
    documents: Option<u64>,
    /// How many offers a flight search has on average (lognormal; each has at least one)
    #[arg(long)]
    mean_offers: Option<f64>,
    /// What the random numbers start from
    #[arg(long, default_value_t = DEFAULT_SEED)]
    seed: u64,
    /// Compresses whatever the name
    #[arg(long)]
    gzip: bool,
    /// Makes the archive that is kept in the repository, `examples/flights.tar.kaggle`, again
    #[arg(long, conflicts_with_all = ["out", "check", "kind", "documents", "mean_offers", "seed", "gzip"])]
    example: bool,
    /// Checks that the archive that is kept in the repository is what its recipe gives now, before compression
    #[arg(long, conflicts_with_all = ["out", "kind", "documents", "mean_offers", "seed", "gzip"])]
    check: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    /// Large documents: 1,500 with 110 offers each on average, about 700 MB
    Flights,
    /// Small documents: 60,000 with about one offer each, about 370 MB
    Small,
    /// Tiny documents: 1,000,000 of about 300 bytes, about 1 GB with their headers
    Tiny,
}

impl Kind {
    fn recipe(self, seed: u64) -> Recipe {
        let (documents, shape) = match self {
            Self::Flights => (1_500, Shape::Flights { mean_offers: 110.0 }),
            Self::Small => (60_000, Shape::Flights { mean_offers: 0.7 }),
            Self::Tiny => (1_000_000, Shape::Tiny),
        };
        Recipe { documents, shape, seed }
    }
}

fn main() -> Result<()> {
    match Arguments::parse().command {
        Command::Sample(arguments) => make_sample(&arguments),
        Command::Bench(arguments) => {
            say(bench::run(repository(), &arguments)?.trim_end());
            Ok(())
        }
        Command::Inflate { archive } => {
            say(&format!("{{\"bytes\": {}}}", bench::inflate(&archive)?));
            Ok(())
        }
        Command::Torture(TortureArguments { seed, only }) => {
            say(&torture::run(repository(), &torture::Settings { seed, only })?);
            Ok(())
        }
    }
}

fn make_sample(arguments: &SampleArguments) -> Result<()> {
    let example = repository().join("examples/flights.tar.kaggle");
    if arguments.check {
        return sample::check_file(&sample::EXAMPLE, &example);
    }
    let (recipe, out) = match &arguments.out {
        Some(out) => (arguments.recipe()?, out),
        None => (sample::EXAMPLE, &example),
    };
    let written = sample::write_file(&recipe, out, arguments.gzip || sample::is_gzip_name(out))?;
    say(&format!(
        "{}: {} documents, {} bytes of JSON, the largest {}",
        out.display(),
        recipe.documents,
        written.document_bytes,
        written.largest_document
    ));
    Ok(())
}

impl SampleArguments {
    fn recipe(&self) -> Result<Recipe> {
        let mut recipe = self.kind.recipe(self.seed);
        recipe.documents = self.documents.unwrap_or(recipe.documents);
        if let Some(wanted) = self.mean_offers {
            match &mut recipe.shape {
                Shape::Flights { mean_offers } => *mean_offers = wanted,
                Shape::Tiny => bail!("--mean-offers is for flight searches; a document of kind `tiny` has no offers"),
            }
        }
        Ok(recipe)
    }
}

/// The root of the repository.
fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask lies in the repository")
}

#[expect(clippy::print_stdout, reason = "the one place where a chore says what it did")]
fn say(line: &str) {
    println!("{line}");
}

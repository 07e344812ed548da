//! `cargo xtask bench`: how fast is the extraction with how many workers, and how fast are others?
//!
//! What is run in turns, forwards and then backwards, so that a machine that slows down or warms up does so for all. The
//! archives are read once before, so all runs find them in the page cache. Of each contender's runs the one with the
//! median time is reported, whole.

mod contender;
mod measure;
mod plot;
mod processes;
mod report;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::sample::{self, Recipe};
use contender::{Contender, Workplace};
use measure::Measured;

/// What is to be measured.
#[derive(Debug)]
pub(crate) struct Settings {
    /// The numbers of workers to compare.
    pub(crate) workers: Vec<u32>,
    /// How often each contender runs.
    pub(crate) runs: usize,
    /// Whether other systems run too.
    pub(crate) peers: bool,
    /// Where the table and the plot go.
    pub(crate) out: PathBuf,
    /// The archives of large and of small documents.
    pub(crate) archives: [Input; 2],
}

/// An archive to measure with.
#[derive(Debug)]
pub(crate) struct Input {
    /// The name of the archive and of its map: `flights` or `small`.
    pub(crate) name: &'static str,
    /// What it is made from.
    pub(crate) recipe: Recipe,
}

/// An archive as it lies there.
#[derive(Debug)]
struct Archive {
    path: PathBuf,
    documents: u64,
    bytes: u64,
}

/// The results for one archive.
#[derive(Debug)]
struct Series {
    name: &'static str,
    documents: u64,
    /// The archive's size in bytes.
    bytes: u64,
    results: Vec<Outcome>,
}

/// A contender's median run.
#[derive(Debug)]
struct Outcome {
    label: String,
    median: Measured,
    rows: u64,
}

/// Measures everything, writes `bench.md` and `bench.svg` and gives the former's text.
pub(crate) fn run(repository: &Path, settings: &Settings) -> Result<String> {
    let workplace = Workplace::prepare(repository, settings.peers)?;
    let mut all = Vec::new();
    for input in &settings.archives {
        let archive = prepare_archive(&workplace.directory, input)?;
        let contenders = contender::all(&workplace, settings, input.name)?;
        let results = compete(&workplace, &contenders, &archive, settings.runs)?;
        all.push(Series {
            name: input.name,
            documents: archive.documents,
            bytes: archive.bytes,
            results,
        });
    }
    let text = report::text(&all, settings.runs);
    fs::create_dir_all(&settings.out)?;
    for (name, content) in [("bench.md", &text), ("bench.svg", &plot::svg(&all))] {
        let path = settings.out.join(name);
        fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(text)
}

/// Makes the archive where it is not there yet, and reads it into the page cache.
fn prepare_archive(directory: &Path, input: &Input) -> Result<Archive> {
    let Recipe {
        documents,
        mean_offers,
        seed,
    } = input.recipe;
    // The recipe is in the name, so that an archive of another recipe is never taken for it.
    let path = directory.join(format!("{}-{documents}-{mean_offers}-{seed}.tar", input.name));
    if !path.exists() {
        let unfinished = path.with_extension("unfinished");
        sample::write_file(&input.recipe, &unfinished, false)?;
        fs::rename(&unfinished, &path)?;
    }
    let bytes = io::copy(&mut File::open(&path)?, &mut io::sink())?;
    Ok(Archive { path, documents, bytes })
}

/// Runs every contender `runs` times and gives each one's median run.
fn compete(workplace: &Workplace, contenders: &[Contender], archive: &Archive, runs: usize) -> Result<Vec<Outcome>> {
    let mut measured: Vec<Vec<(Measured, u64)>> = vec![Vec::new(); contenders.len()];
    for run in 0..runs {
        let mut turn: Vec<usize> = (0..contenders.len()).collect();
        if run % 2 == 1 {
            turn.reverse();
        }
        for position in turn {
            measured[position].push(contenders[position].run(workplace, &archive.path)?);
        }
    }
    let outcomes: Vec<Outcome> = contenders
        .iter()
        .zip(measured)
        .map(|(contender, mut runs)| {
            runs.sort_by_key(|(run, _)| run.wall);
            let (median, rows) = runs.swap_remove(runs.len() / 2);
            Outcome {
                label: contender.label.clone(),
                median,
                rows,
            }
        })
        .collect();
    let rows = outcomes[0].rows;
    for outcome in &outcomes {
        ensure!(
            outcome.rows == rows,
            "{} gives {} rows where {} gives {rows}",
            outcome.label,
            outcome.rows,
            outcomes[0].label
        );
    }
    Ok(outcomes)
}

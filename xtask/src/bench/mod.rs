//! `cargo xtask bench`: how fast is the extraction, and how fast are others?
//!
//! `suite` says what is measured, `race` runs it in turns, `targets`, `report`, `records`, `plot` and `readme` say what came
//! out. The engine alone is measured by `engine`, and another commit by `compare`.

mod arguments;
mod compare;
mod contender;
mod corpus;
mod engine;
#[cfg(test)]
mod fixture;
mod inflate;
mod machine;
mod measure;
mod plot;
mod processes;
mod race;
mod readme;
mod records;
mod report;
mod results;
mod statistics;
mod suite;
mod targets;
mod workplace;

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};

pub(crate) use arguments::Arguments;
use arguments::Group;
use corpus::Corpus;
pub(crate) use inflate::inflate;
use machine::Place;
use results::Results;
use workplace::Workplace;

/// Measures what `arguments` ask for in the repository at `root`. Gives the tables, which are also written to files.
///
/// # Errors
///
/// Where something cannot be built, run or written, where contenders disagree, and where a comparison is lost.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> Result<String> {
    let workplace = Workplace::prepare(root)?;
    let sections = suite::sections(&workplace, arguments)?;
    if let Some(base) = &arguments.compare {
        return compare::run(&workplace, &sections, base, arguments.runs());
    }
    if arguments.peers {
        workplace.install_peers()?;
    }
    let start = Instant::now();
    let mut results = Results::new(Place::here(root)?, suite::default_workers(), arguments);
    for section in &sections {
        let result = race::run(&workplace, section, arguments.runs(), arguments.peer_runs)?;
        results.sections.push(result);
    }
    if arguments.wants(Group::Engine) {
        tell("engine: making ready");
        let archive = Corpus::large().scaled(arguments.scale).prepare(&workplace.directory)?;
        results.engines = Some(engine::run(&workplace, &archive, arguments.runs())?);
    }
    results.took = start.elapsed();
    write(root, arguments, &results)
}

/// Writes all files and gives the tables.
fn write(root: &Path, arguments: &Arguments, results: &Results) -> Result<String> {
    let text = report::text(results);
    fs::create_dir_all(&arguments.out)?;
    let write = |path: &Path, content: &str| {
        fs::write(path, content).with_context(|| format!("cannot write {}", path.display()))
    };
    write(&arguments.out.join("bench.md"), &text)?;
    write(&arguments.out.join("bench.jsonl"), &records::text(results))?;
    for plot in plot::all(results) {
        write(&arguments.out.join(plot.file), &plot.svg)?;
    }
    let readme = root.join("README.md");
    if arguments.is_whole() && fs::canonicalize(&arguments.out)? == fs::canonicalize(root.join("docs"))? {
        write(&readme, &readme::renew(&fs::read_to_string(&readme)?, results, "docs")?)?;
    }
    Ok(text)
}

/// Says on standard error what goes on.
#[expect(clippy::print_stderr, reason = "a run takes many minutes; this says how far it is")]
fn tell(line: &str) {
    eprintln!("{line}");
}

//! `tarquet extract`: from arguments to settings, and from a run's end to an exit code.

use std::io;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use indicatif::MultiProgress;
use tarquet_coordinator::{Coordinator, Ended, Ending, Output, Progress, Report, RunError};
use tarquet_dataset::{Existing, Options};

use crate::args::{ExtractArguments, SummaryKind};
use crate::attend::attend;
use crate::failure::{self, End, Failure, Kept};
use crate::print;
use crate::quantity::{AllowedFailures, counted, grouped};
use crate::reading::{self, cores, read_map, settings};
use crate::report::{self, Asked, Outcome};
use crate::signals::Watch;
use crate::summary::Summary;

/// The most threads that encode parts. Workers have the other cores.
const MOST_ENCODERS: usize = 4;

/// The exit code of a run that extracted everything.
const COMPLETE: u8 = 0;

/// The exit code of a run that finished, but in which documents failed.
const SOME_FAILED: u8 = 3;

/// Runs `tarquet extract`.
pub(crate) fn run(arguments: &ExtractArguments) -> ExitCode {
    let work = |bars: &MultiProgress| extract(arguments, bars);
    failure::command(&arguments.display, Some(&arguments.out_dir), work)
}

fn extract(arguments: &ExtractArguments, bars: &MultiProgress) -> Result<End, Failure> {
    reading::check(&arguments.running)?;
    let plan = read_map(&arguments.map.feature_map)?;
    let (allowed, summary, quiet) = (arguments.allow_failed, arguments.summary, arguments.display.quiet);
    let out_dir = arguments.out_dir.as_path();
    let settings = settings(
        &arguments.input,
        &arguments.running,
        Some(out_dir),
        plan,
        arguments.sample,
    )?;
    let asked = Asked::new(&settings.sources, out_dir, settings.workers);
    let coordinator = Coordinator::open(settings, output(arguments));
    let coordinator = coordinator.map_err(|error| Failure::Run(error, Kept::default()))?;
    let counters = coordinator.counters();
    let (stopper, watch) = (coordinator.stopper(), Watch::default());
    let run = move || coordinator.run();
    let ended = attend(run, &counters, stopper, &watch, &arguments.display, bars)?;
    match (ended, watch.signal()) {
        (Ok(ended), signal) => {
            let outcome = match ended {
                Ended::Finished(report) => finish(&report, &asked, allowed, summary, quiet),
                Ended::Already(done) => already(&done, out_dir, summary, quiet),
            };
            // A signal came too late to stop anything, but whoever sent it expects this.
            outcome.map(|code| signal.map_or(End::Code(code), End::Signal))
        }
        (Err(RunError::Stopped), Some(signal)) => Err(Failure::Stopped(signal, Kept::of(counters.progress()), None)),
        (Err(error), Some(signal)) => Err(Failure::Stopped(signal, Kept::of(counters.progress()), Some(error))),
        (Err(error), None) => Err(Failure::Run(error, Kept::of(counters.progress()))),
    }
}

fn output(arguments: &ExtractArguments) -> Output {
    Output {
        out_dir: arguments.out_dir.clone(),
        existing: match (arguments.resume, arguments.overwrite) {
            (true, _) => Existing::Resume,
            (false, true) => Existing::Overwrite,
            (false, false) => Existing::Refuse,
        },
        parts: Options {
            buffer_rows: arguments.buffer_rows,
            buffer_bytes: arguments.buffer_bytes,
            encoders: (cores() / 2).clamp(1, MOST_ENCODERS),
        },
        checkpoint_every: arguments.checkpoint_every,
    }
}

fn finish(
    report: &Report,
    asked: &Asked,
    allowed: AllowedFailures,
    kind: SummaryKind,
    quiet: bool,
) -> Result<u8, Failure> {
    let documents = report.progress.documents + report.progress.failures;
    let is_whole = report.endings.iter().all(|ending| ending.damage.is_none());
    let outcome = match is_whole && allowed.allow(report.progress.failures, documents) {
        true => Outcome::Complete,
        false => Outcome::SomeFailed,
    };
    // Before the summary, with which a run has nothing left to do. The dataset is whole without a report, and nobody goes by
    // one, so it is no error that it cannot be written. A full disk still is: the summary comes next.
    if let Err(error) = report::write(report, asked, outcome) {
        tracing::warn!("{error}. The dataset is whole, but has no report.html");
    }
    let summary = Summary::of(report);
    report
        .published
        .write_summary(&summary)
        .map_err(|error| Failure::Run(error.into(), Kept::of(report.progress)))?;
    warn(report);
    show(&summary, kind, quiet)
        .context("the dataset is finished, but its summary cannot be shown (it is in summary.json)")
        .map_err(Failure::System)?;
    Ok(match outcome {
        Outcome::Complete => COMPLETE,
        Outcome::SomeFailed => SOME_FAILED,
    })
}

/// Says that there was nothing left to do.
fn already(done: &Progress, out_dir: &Path, kind: SummaryKind, quiet: bool) -> Result<u8, Failure> {
    let text = match kind {
        SummaryKind::Json => std::fs::read_to_string(out_dir.join("summary.json")),
        SummaryKind::Text if quiet => return Ok(COMPLETE),
        SummaryKind::Text => Ok(format!(
            "{} is finished already: {} extracted, {} failed, {}; there is nothing left to do\n",
            out_dir.display(),
            counted(done.extracted, "member"),
            grouped(done.failed),
            counted(done.rows, "row"),
        )),
    };
    text.and_then(|text| print(&text))
        .context("cannot show the summary")
        .map_err(Failure::System)?;
    Ok(COMPLETE)
}

fn warn(report: &Report) {
    report.endings.iter().take(ENDINGS_SHOWN).for_each(warn_of_ending);
    let (all, shown) = (report.endings.len(), report.endings.len().min(ENDINGS_SHOWN));
    if all > shown {
        tracing::warn!(
            "{} archives more have such ends; summary.json has them all",
            all - shown
        );
    }
    if let Some(member) = &report.repeated_id {
        tracing::warn!(
            "ids made from member names repeat: {member:?} has the id of a member before it, so rows of both share it. \
             An id with a `pattern` over the whole name, or `provenance: true`, tells them apart"
        );
    }
    if let Some(member) = &report.shared_id {
        tracing::warn!(
            "ids are made from member names, and {member:?} holds many documents, so rows of all of them share one. An id \
             with a `path` in the document, or `provenance: true`, tells them apart"
        );
    }
    if report.progress.extracted + report.progress.failed == 0 {
        match report.progress.skipped {
            0 => tracing::warn!("the archive has no members"),
            skipped => {
                tracing::warn!("no member of the archive was wanted ({skipped} skipped); --include says which are")
            }
        }
    }
}

/// Of so many archives it is shown how they ended; the others are in `summary.json`.
const ENDINGS_SHOWN: usize = 20;

fn warn_of_ending(ending: &Ending) {
    let of = ending
        .archive
        .as_ref()
        .map(|archive| format!("{archive}: "))
        .unwrap_or_default();
    if let Some(damage) = &ending.damage {
        match ending.is_unreadable() {
            // It says itself which archive.
            true => tracing::error!("{damage}"),
            false => tracing::error!("{of}{damage}. Everything before it was extracted"),
        }
    }
    if ending.unmarked_end {
        tracing::warn!(
            "{of}the archive has no end-of-archive marker. Some writers leave it out; if this one does not, the archive was \
             cut off between two members and more were in it"
        );
    }
    if let Some(after) = &ending.after_end {
        tracing::warn!("{of}{after}. Nothing of it was read; --ignore-zeros reads on behind the marker");
    }
}

/// Writes the summary to standard output.
fn show(summary: &Summary, kind: SummaryKind, quiet: bool) -> io::Result<()> {
    match kind {
        SummaryKind::Json => print(&(serde_json::to_string_pretty(summary)? + "\n")),
        SummaryKind::Text if quiet => Ok(()),
        SummaryKind::Text => print(&summary.to_string()),
    }
}

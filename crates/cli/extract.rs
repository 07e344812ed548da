//! `tarquet extract`: from arguments to settings, and from a run's end to an exit code.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;

use anyhow::Context;
use globset::{Glob, GlobSet, GlobSetBuilder};
use indicatif::MultiProgress;
use nix::sys::signal::Signal;
use tarquet_coordinator::{
    Coordinator, Documents, Ended, Ending, Progress, Report, RunError, Selection, Settings, Several, Source, Wanted,
};
use tarquet_dataset::{Existing, Options};
use tarquet_feature_map::Plan;
use tarquet_wire::sandbox::Demand;

use crate::args::{DocumentsKind, Engine, ExtractArguments, LogLevel, Sandbox, SummaryKind};
use crate::logging::Stderr;
use crate::progress::Display;
use crate::quantity::{AllowedFailures, counted, grouped};
use crate::report::{Asked, Outcome};
use crate::sources::sources;
use crate::summary::Summary;
use crate::{command_line, logging, report, signals};

/// What members are wanted when nothing is said.
const DEFAULT_EXTENSIONS: [&str; 3] = ["json", "ndjson", "jsonl"];

/// How many workers there are when nothing is said: one for each core within these.
const DEFAULT_WORKERS: std::ops::RangeInclusive<usize> = 8..=12;

/// The most threads that encode parts. Workers have the other cores.
const MOST_ENCODERS: usize = 4;

/// With fewer cores than this, one thread inflates: the others are busy with what it gives.
const CORES_TO_INFLATE: usize = 8;

/// The most threads that inflate when nothing is said.
const MOST_TO_INFLATE: usize = 4;

/// Why the command fails, by exit code.
enum Failure {
    /// Wrong usage, or an invalid map.
    Usage(anyhow::Error),
    /// The run could not go on.
    Run(RunError, Kept),
    /// Something else could not be done.
    System(anyhow::Error),
    /// Somebody stopped it, by a signal; and what went wrong while it ended.
    Stopped(Signal, Kept, Option<RunError>),
}

/// What a run that did not finish leaves.
#[derive(Debug, Clone, Copy, Default)]
struct Kept {
    /// Whether there is anything that could be resumed.
    begun: bool,
    /// Members that are committed.
    members: u64,
    /// Documents that are committed.
    documents: u64,
}

impl Kept {
    fn of(progress: Progress) -> Kept {
        Kept {
            begun: progress.begun,
            members: progress.committed,
            documents: progress.committed_documents,
        }
    }
}

/// The exit code of a run that extracted everything.
const COMPLETE: u8 = 0;

/// The exit code of a run that finished, but in which documents failed.
const SOME_FAILED: u8 = 3;

/// Runs `tarquet extract`.
pub(crate) fn run(arguments: ExtractArguments) -> ExitCode {
    let bars = MultiProgress::new();
    let stderr = match logging::start(log_level(&arguments), bars.clone()) {
        Ok(stderr) => stderr,
        Err(error) => {
            writeln!(io::stderr(), "error: cannot start a thread: {error}").ok();
            return ExitCode::FAILURE;
        }
    };
    let out_dir = arguments.out_dir.clone();
    let end = match extract(arguments, bars) {
        Ok(end) => end,
        Err(failure) => failure.report(&stderr, &out_dir),
    };
    stderr.wait_until_heard();
    match end {
        End::Code(code) => ExitCode::from(code),
        End::Signal(signal) => signals::die_by(signal),
    }
}

/// How the process ends.
enum End {
    Code(u8),
    Signal(Signal),
}

impl Failure {
    /// Says why the command fails, even where nothing is logged, and how the process ends.
    fn report(self, stderr: &Stderr, out_dir: &Path) -> End {
        let report = |text: &str| {
            // A map's errors say `error:` themselves, one by one.
            let label = if text.starts_with("error") { "" } else { "error: " };
            stderr.say(&format!("{label}{text}"));
        };
        match self {
            Failure::Usage(error) => {
                report(&format!("{error:#}"));
                End::Code(2)
            }
            Failure::System(error) => {
                report(&format!("{error:#}"));
                End::Code(1)
            }
            Failure::Run(error, kept) => {
                // These errors say what caused them in their own words.
                report(&error.to_string());
                if kept.begun && error.can_be_resumed() {
                    stderr.say(&to_go_on(kept, out_dir));
                }
                End::Code(1)
            }
            Failure::Stopped(signal, kept, error) => {
                let can_go_on = error.as_ref().is_none_or(RunError::can_be_resumed);
                if let Some(error) = error {
                    report(&error.to_string());
                }
                let stopped = format!("stopped by {}", signal.as_str());
                match can_go_on {
                    true => stderr.say(&format!("{stopped}: {}", to_go_on(kept, out_dir))),
                    false => stderr.say(&stopped),
                }
                End::Signal(signal)
            }
        }
    }
}

/// What of a run is kept, and the command that goes on from there.
fn to_go_on(kept: Kept, out_dir: &Path) -> String {
    let committed = match (kept.members, kept.documents) {
        (0, 0) => "nothing is committed yet".to_owned(),
        (0, documents) => format!("{} committed in {}", counted(documents, "document"), out_dir.display()),
        (members, _) => format!("{} committed in {}", counted(members, "member"), out_dir.display()),
    };
    format!("{committed}. To go on: {}", command_line::to_go_on(kept.begun))
}

fn log_level(arguments: &ExtractArguments) -> LogLevel {
    let asked = match arguments.verbose {
        0 => LogLevel::Off,
        1 => LogLevel::Info,
        _ => LogLevel::Debug,
    };
    match arguments.quiet {
        true => LogLevel::Error,
        false => arguments.log.max(asked),
    }
}

fn extract(arguments: ExtractArguments, bars: MultiProgress) -> Result<End, Failure> {
    if arguments.engine == Engine::Structural {
        // Each worker would find the same.
        tarquet_worker::check_simd().map_err(|error| Failure::Usage(error.into()))?;
    }
    if arguments.sandbox == Sandbox::Require {
        // Before anything is there that would have to be resumed.
        match &tarquet_worker::sandbox_lacks()[..] {
            [] => {}
            lacks => {
                return Err(Failure::Run(
                    RunError::Sandbox { lacks: lacks.to_vec() },
                    Kept::default(),
                ));
            }
        }
    }
    let plan = read_map(&arguments.feature_map)?;
    let (allowed, summary, quiet) = (arguments.allow_failed, arguments.summary, arguments.quiet);
    let (out_dir, progress) = (arguments.out_dir.clone(), arguments.progress);
    let (sources, several) = sources(&arguments.tar_path, &arguments.out_dir).map_err(Failure::System)?;
    let settings = settings(arguments, sources, several, plan)?;
    let asked = Asked::new(&settings.sources, &out_dir, settings.workers);
    let coordinator = Coordinator::open(settings);
    let coordinator = coordinator.map_err(|error| Failure::Run(error, Kept::default()))?;
    let counters = coordinator.counters();

    // Before any other thread, so that all of them leave the signals to the one that waits for them.
    signals::block()
        .context("cannot block signals")
        .map_err(Failure::System)?;
    let received = signals::watch(coordinator.stopper())
        .context("cannot start a thread")
        .map_err(Failure::System)?;
    let display = Display::start(progress, quiet, Arc::clone(&counters), bars)
        .context("cannot start a thread")
        .map_err(Failure::System)?;
    // The loop has a thread of its own, so that workers are started by one that lives as long as the run.
    let run = thread::Builder::new()
        .name("coordinator".to_owned())
        .spawn(move || coordinator.run());
    let ended = run.context("cannot start a thread").map_err(Failure::System)?.join();
    display.end();
    let ended = ended.map_err(|_| Failure::System(anyhow::anyhow!("the coordinator panicked; this is a bug")))?;

    match (ended, received.signal()) {
        (Ok(ended), signal) => {
            let outcome = match ended {
                Ended::Finished(report) => finish(&report, &asked, allowed, summary, quiet),
                Ended::Already(done) => already(&done, &out_dir, summary, quiet),
            };
            // A signal came too late to stop anything, but whoever sent it expects this.
            outcome.map(|code| signal.map_or(End::Code(code), End::Signal))
        }
        (Err(RunError::Stopped), Some(signal)) => Err(Failure::Stopped(signal, Kept::of(counters.progress()), None)),
        (Err(error), Some(signal)) => Err(Failure::Stopped(signal, Kept::of(counters.progress()), Some(error))),
        (Err(error), None) => Err(Failure::Run(error, Kept::of(counters.progress()))),
    }
}

fn read_map(file: &Path) -> Result<Plan, Failure> {
    let text = std::fs::read_to_string(file)
        .with_context(|| {
            format!(
                "cannot read the feature map {} (--feature-map names another)",
                file.display()
            )
        })
        .map_err(Failure::Usage)?;
    tarquet_feature_map::parse(&file.display().to_string(), &text).map_err(|errors| Failure::Usage(errors.into()))
}

fn settings(
    arguments: ExtractArguments,
    sources: Vec<Source>,
    several: Several,
    plan: Plan,
) -> Result<Settings, Failure> {
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Ok(Settings {
        documents: documents(arguments.documents),
        selection: selection(&arguments.include, &arguments.exclude).map_err(Failure::Usage)?,
        sources,
        several,
        ignore_zeros: arguments.ignore_zeros,
        out_dir: arguments.out_dir,
        existing: match (arguments.resume, arguments.overwrite) {
            (true, _) => Existing::Resume,
            (false, true) => Existing::Overwrite,
            (false, false) => Existing::Refuse,
        },
        plan,
        sample: arguments.sample,
        workers: arguments.workers.map_or(
            cores.clamp(*DEFAULT_WORKERS.start(), *DEFAULT_WORKERS.end()),
            usize::from,
        ),
        worker_memory: arguments.worker_memory,
        inflate_threads: arguments
            .inflate_threads
            .map_or_else(|| inflate_threads(cores), usize::from),
        sandbox: demand(arguments.sandbox),
        member_timeout: arguments.member_timeout,
        checkpoint_every: arguments.checkpoint_every,
        engine: engine(arguments.engine).to_owned(),
        max_document_bytes: arguments.max_document_bytes,
        parts: Options {
            buffer_rows: arguments.buffer_rows,
            buffer_bytes: arguments.buffer_bytes,
            encoders: (cores / 2).clamp(1, MOST_ENCODERS),
        },
        executable: PathBuf::from("/proc/self/exe"),
    })
}

/// How many threads inflate when nothing is said. Together they do a quarter to a half more than one does alone, and
/// two to four of them keep up with the one that puts together what they give.
fn inflate_threads(cores: usize) -> usize {
    if cores < CORES_TO_INFLATE {
        1
    } else {
        (cores / 3).min(MOST_TO_INFLATE)
    }
}

fn documents(kind: DocumentsKind) -> Documents {
    match kind {
        DocumentsKind::Auto => Documents::Auto,
        DocumentsKind::Json => Documents::Json,
        DocumentsKind::Ndjson => Documents::Ndjson,
        DocumentsKind::Array => Documents::Array,
    }
}

fn demand(sandbox: Sandbox) -> Demand {
    match sandbox {
        Sandbox::Auto => Demand::Auto,
        Sandbox::Require => Demand::Require,
        Sandbox::Off => Demand::Off,
    }
}

fn engine(engine: Engine) -> &'static str {
    match engine {
        Engine::Reference => "reference",
        Engine::SimdJson => "simd-json",
        Engine::Structural => "structural",
    }
}

/// Which members are wanted. A `*` in a glob goes over slashes too: `*.json` is every member of that ending.
fn selection(include: &[String], exclude: &[String]) -> anyhow::Result<Selection> {
    let defaults: Vec<String> = DEFAULT_EXTENSIONS
        .iter()
        .flat_map(|extension| ["", ".gz", ".zst"].map(|compression| format!("*.{extension}{compression}")))
        .collect();
    let include = if include.is_empty() { &defaults } else { include };
    let flags = vec![("--include", include.join(" ")), ("--exclude", exclude.join(" "))];
    let (include, exclude) = (globs(include)?, globs(exclude)?);
    let wanted: Wanted = Box::new(move |name| {
        let name = Path::new(OsStr::from_bytes(name));
        include.is_match(name) && !exclude.is_match(name)
    });
    Ok(Selection { wanted, flags })
}

fn globs(patterns: &[String]) -> anyhow::Result<GlobSet> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        set.add(Glob::new(pattern).with_context(|| format!("`{pattern}` is not a glob"))?);
    }
    Ok(set.build()?)
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

fn print(text: &str) -> io::Result<()> {
    match io::stdout().write_all(text.as_bytes()) {
        // Whoever reads it has seen enough; it is in summary.json too.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_choose_members_by_name() {
        let all = selection(&[], &[]).unwrap().wanted;
        for name in [
            "a.json",
            "deep/down/a.json",
            "a.ndjson",
            "a.jsonl.gz",
            "a.json.zst",
            ".json",
        ] {
            assert!(all(name.as_bytes()), "{name}");
        }
        for name in ["a.xml", "json", "a.json/b", "a.json.bz2", "a.JSON"] {
            assert!(!all(name.as_bytes()), "{name}");
        }
        let some = selection(&["raw/*".to_owned()], &["*.min.json".to_owned()])
            .unwrap()
            .wanted;
        assert!(some(b"raw/x/a.txt") && !some(b"raw/a.min.json") && !some(b"other/a.json"));
        assert!(selection(&["[".to_owned()], &[]).is_err());
    }

    #[test]
    fn names_that_are_not_utf8_match_too() {
        assert!((selection(&[], &[]).unwrap().wanted)(b"caf\xe9.json"));
    }
}

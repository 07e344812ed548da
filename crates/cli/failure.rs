//! How a command fails: what it says, and how the process ends.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use indicatif::MultiProgress;
use nix::sys::signal::Signal;
use tarquet_coordinator::{Progress, RunError};

use crate::args::{DisplayArguments, LogLevel};
use crate::logging::Stderr;
use crate::quantity::counted;
use crate::{command_line, logging, signals};

/// Why the command fails, by exit code.
pub(crate) enum Failure {
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
pub(crate) struct Kept {
    /// Whether there is anything that could be resumed.
    begun: bool,
    /// Members that are committed.
    members: u64,
    /// Documents that are committed.
    documents: u64,
}

impl Kept {
    pub(crate) fn of(progress: Progress) -> Kept {
        Kept {
            begun: progress.begun,
            members: progress.committed,
            documents: progress.committed_documents,
        }
    }
}

/// How the process ends.
pub(crate) enum End {
    Code(u8),
    Signal(Signal),
}

impl Failure {
    /// Says why the command fails, even where nothing is logged, and how the process ends. What a run leaves is in `out_dir`; others
    /// leave nothing.
    fn report(self, stderr: &Stderr, out_dir: Option<&Path>) -> End {
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
                if let Some(out_dir) = out_dir.filter(|_| kept.begun && error.can_be_resumed()) {
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
                match out_dir.filter(|_| can_go_on) {
                    Some(out_dir) => stderr.say(&format!("{stopped}: {}", to_go_on(kept, out_dir))),
                    None => stderr.say(&stopped),
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

/// Does the work of a command, with log lines above its bars, and ends as that ends. What it leaves, if anything, is in `out_dir`.
pub(crate) fn command(
    display: &DisplayArguments,
    out_dir: Option<&Path>,
    work: impl FnOnce(&MultiProgress) -> Result<End, Failure>,
) -> ExitCode {
    let bars = MultiProgress::new();
    let stderr = match logging::start(log_level(display), bars.clone()) {
        Ok(stderr) => stderr,
        Err(error) => {
            writeln!(io::stderr(), "error: cannot start a thread: {error}").ok();
            return ExitCode::FAILURE;
        }
    };
    let end = work(&bars).unwrap_or_else(|failure| failure.report(&stderr, out_dir));
    stderr.wait_until_heard();
    match end {
        End::Code(code) => ExitCode::from(code),
        End::Signal(signal) => signals::die_by(signal),
    }
}

fn log_level(display: &DisplayArguments) -> LogLevel {
    let asked = match display.verbose {
        0 => LogLevel::Off,
        1 => LogLevel::Info,
        _ => LogLevel::Debug,
    };
    match display.quiet {
        true => LogLevel::Error,
        false => display.log.max(asked),
    }
}

//! The `tarquet` command: arguments → settings → run → report.

mod args;
mod attend;
mod cells;
mod check;
mod command_line;
mod completions;
mod extract;
mod failure;
#[cfg(test)]
mod generated;
mod help;
mod inspect;
mod logging;
mod memory;
mod preview;
mod progress;
mod quantity;
mod reading;
mod report;
mod rows;
mod signals;
mod sources;
mod summary;
mod survey;
mod table;
mod verify;
mod version;
mod visible;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::FromArgMatches;
use tarquet_wire::start::Start;

use crate::args::{Arguments, Command};

fn main() -> ExitCode {
    // A worker is this executable too, and starts many times: nothing comes before it.
    if let Some(start) = Start::of(std::env::args_os().skip(1)) {
        return serve(&start);
    }
    memory::give_back_large_blocks();
    match arguments().command {
        Command::Completions(arguments) => completions::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Extract(arguments) => extract::run(&arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Preview(arguments) => preview::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
    }
}

/// The arguments, or the end: help, the version, or what is wrong with them.
fn arguments() -> Arguments {
    let parsed = Arguments::from_arg_matches(&help::command().get_matches());
    parsed.unwrap_or_else(|error| error.format(&mut help::command()).exit())
}

fn serve(start: &Start) -> ExitCode {
    match tarquet_worker::run(start) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // A pipe to the coordinator, which shows it, if it lives.
            writeln!(io::stderr(), "{error}").ok();
            ExitCode::FAILURE
        }
    }
}

/// Writes to standard output.
fn print(text: &str) -> io::Result<()> {
    match io::stdout().write_all(text.as_bytes()) {
        // Whoever reads it has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

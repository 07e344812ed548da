//! The `tarquet` command: arguments → settings → run → report.

mod args;
mod extract;
mod logging;
mod progress;
mod quantity;
mod signals;
mod summary;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use crate::args::{Arguments, Command};

fn main() -> ExitCode {
    // A worker is this executable too, and starts many times: nothing comes before it.
    if let Some(coordinator) = worker_of() {
        return serve(coordinator);
    }
    match Arguments::parse().command {
        Command::Extract(arguments) => extract::run(*arguments),
    }
}

/// The coordinator's process id, if this process was started as a worker.
fn worker_of() -> Option<i32> {
    let mut arguments = std::env::args_os().skip(1);
    let subcommand = arguments.next()?;
    let coordinator = arguments.next()?;
    (subcommand == tarquet_wire::WORKER_SUBCOMMAND)
        .then(|| coordinator.to_str()?.parse().ok())
        .flatten()
}

fn serve(coordinator: i32) -> ExitCode {
    match tarquet_worker::run(coordinator) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // A pipe to the coordinator, which shows it, if it lives.
            writeln!(io::stderr(), "{error}").ok();
            ExitCode::FAILURE
        }
    }
}

//! The `tarquet` command: arguments → settings → run → report.

mod args;
mod command_line;
mod extract;
mod logging;
mod memory;
mod progress;
mod quantity;
mod signals;
mod summary;
mod verify;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use crate::args::{Arguments, Command};

fn main() -> ExitCode {
    // A worker is this executable too, and starts many times: nothing comes before it.
    if let Some(worker) = worker() {
        return serve(&worker);
    }
    memory::give_back_large_blocks();
    match Arguments::parse().command {
        Command::Extract(arguments) => extract::run(*arguments),
        Command::Verify(arguments) => verify::run(&arguments),
    }
}

/// What a worker is started with.
struct Worker {
    /// The coordinator's process id.
    coordinator: i32,
    /// The descriptors that it inherits, besides the standard three.
    inherited: Vec<i32>,
}

/// What this process was started with, if it was started as a worker.
fn worker() -> Option<Worker> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next()? != tarquet_wire::WORKER_SUBCOMMAND {
        return None;
    }
    let mut numbers = arguments.map(|argument| argument.to_str()?.parse().ok());
    Some(Worker {
        coordinator: numbers.next()??,
        inherited: numbers.collect::<Option<_>>()?,
    })
}

fn serve(worker: &Worker) -> ExitCode {
    match tarquet_worker::run(worker.coordinator, &worker.inherited) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // A pipe to the coordinator, which shows it, if it lives.
            writeln!(io::stderr(), "{error}").ok();
            ExitCode::FAILURE
        }
    }
}

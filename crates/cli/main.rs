//! The `tarquet` command: arguments → settings → run → report.

mod args;
mod command_line;
mod extract;
mod logging;
mod memory;
mod progress;
mod quantity;
mod report;
mod signals;
mod sources;
mod summary;
mod verify;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use tarquet_wire::start::Start;

use crate::args::{Arguments, Command};

fn main() -> ExitCode {
    // A worker is this executable too, and starts many times: nothing comes before it.
    if let Some(start) = Start::of(std::env::args_os().skip(1)) {
        return serve(&start);
    }
    memory::give_back_large_blocks();
    match Arguments::parse().command {
        Command::Extract(arguments) => extract::run(*arguments),
        Command::Verify(arguments) => verify::run(&arguments),
    }
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

//! `cargo xtask torture`: the long sweeps of `tests/torture`, and what each of them did, as a table for the README.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// What is to be done.
#[derive(Debug)]
pub(crate) struct Settings {
    /// The seed of the second half of each sweep; another one each time where none is given.
    pub(crate) seed: Option<u64>,
    /// A part of the names of the tests to run; all where none is given.
    pub(crate) only: Option<String>,
}

/// What a sweep's line begins with.
const LINE: &str = "torture | ";

/// Runs the sweeps, shows what they say as they say it, and gives the table.
pub(crate) fn run(repository: &Path, settings: &Settings) -> Result<String> {
    let mut child = command(repository, settings)
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot start cargo")?;
    let stderr = child.stderr.take().context("the child's standard error is a pipe")?;
    let mut rows = Vec::new();
    for line in BufReader::new(stderr).lines() {
        let line = line.context("cannot read what the sweeps say")?;
        writeln!(std::io::stderr(), "{line}").context("cannot write to standard error")?;
        rows.extend(row(&line));
    }
    let status = child.wait().context("cannot wait for cargo")?;
    ensure!(status.success(), "a sweep failed; it is told above ({status})");
    ensure!(!rows.is_empty(), "no sweep was run");
    Ok(table(&rows))
}

/// Sweeps one at a time, in an optimised build that nobody takes for a release: its binary can be made to fail.
fn command(repository: &Path, settings: &Settings) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command
        .current_dir(repository)
        .args([
            "test",
            "--profile",
            "profiling",
            "--package",
            "tarquet",
            "--test",
            "torture",
            "--",
        ])
        .args(["--nocapture", "--test-threads", "1"])
        .args(&settings.only)
        .env("TARQUET_TORTURE", "long");
    if let Some(seed) = settings.seed {
        command.env("TARQUET_SEED", seed.to_string());
    }
    command
}

/// The row of the table in a line, if it has one.
fn row(line: &str) -> Option<String> {
    let (_, row) = line.split_once(LINE)?;
    Some(format!("| {row} |"))
}

fn table(rows: &[String]) -> String {
    let head = "| sweep | what it did | outcome | fresh seed | s |\n|---|---|---|---:|---:|";
    format!("{head}\n{}", rows.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_a_sweep_is_a_row() {
        assert_eq!(
            row("torture | a | 3 kills | passed | 7 | 1.5").as_deref(),
            Some("| a | 3 kills | passed | 7 | 1.5 |")
        );
        assert_eq!(row("test kills::at_random ... ok"), None);
    }
}

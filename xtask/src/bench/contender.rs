//! Who is measured: tarquet with some number of workers, the same engine in one process, and other systems.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::corpus::Archive;
use super::measure::{self, Ended, Measured};
use super::workplace::{Workplace, succeed};

/// One thing that is measured.
#[derive(Debug, Clone)]
pub(crate) struct Contender {
    /// What the records call it: `tarquet-8`, `clickhouse`.
    pub(crate) id: String,
    /// What the table calls it.
    pub(crate) label: String,
    /// What it is.
    pub(crate) kind: Kind,
}

/// What a contender is.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    /// A run of tarquet.
    Tarquet {
        /// The feature map.
        map: PathBuf,
        /// `--workers`.
        workers: u32,
        /// `--inflate-threads`; `None` for what it is when nothing is said.
        inflate_threads: Option<u32>,
    },
    /// Extraction and writing on one thread of one process.
    InProcess {
        /// The feature map.
        map: PathBuf,
    },
    /// Inflating and nothing else.
    Inflate,
    /// Another system, which extracts what `map` says.
    Peer {
        /// Its script, which is called with the archive and a directory for what it writes.
        script: PathBuf,
        /// The feature map that it was written after.
        map: PathBuf,
        /// When it is stopped.
        limit: Duration,
    },
}

/// What a contender is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// It is tarquet.
    Own,
    /// It is another system that does the same.
    Peer,
    /// It does a part of it, to compare with.
    Yardstick,
}

/// How one run of a contender ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Run {
    /// It did what it was asked for.
    Finished {
        /// What it used.
        measured: Measured,
        /// How many rows it wrote; `None` for what writes none.
        rows: Option<u64>,
    },
    /// It was stopped at its limit.
    Over(Duration),
}

impl Contender {
    /// What it extracts; `None` for what extracts nothing. Contenders with one map give the same rows.
    pub(crate) fn map(&self) -> Option<&Path> {
        match &self.kind {
            Kind::Tarquet { map, .. } | Kind::InProcess { map } | Kind::Peer { map, .. } => Some(map),
            Kind::Inflate => None,
        }
    }

    /// What it is there for.
    pub(crate) fn role(&self) -> Role {
        match self.kind {
            Kind::Tarquet { .. } => Role::Own,
            Kind::Peer { .. } => Role::Peer,
            Kind::InProcess { .. } | Kind::Inflate => Role::Yardstick,
        }
    }

    /// Runs it once over `archive`.
    ///
    /// # Errors
    ///
    /// Where it fails, and where a peer's values are not tarquet's.
    pub(crate) fn run(&self, workplace: &Workplace, archive: &Archive) -> Result<Run> {
        match &self.kind {
            Kind::Tarquet {
                map,
                workers,
                inflate_threads,
            } => {
                let mut command = extraction(workplace, &workplace.tarquet, archive, map, *workers)?;
                if let Some(threads) = inflate_threads {
                    command.args(["--inflate-threads", &threads.to_string()]);
                }
                finished(measure::run(&mut command)?)
            }
            Kind::InProcess { map } => {
                let out = workplace.fresh_output("in-process")?;
                let mut command = Command::new(&workplace.in_process);
                finished(measure::run(command.arg(&archive.path).arg(map).arg(out))?)
            }
            Kind::Inflate => inflate(workplace, archive),
            Kind::Peer { script, map, limit } => peer(workplace, archive, script, map, *limit),
        }
    }
}

/// Runs the tarquet at `program` once.
///
/// # Errors
///
/// Where it fails, or does not extract every member.
pub(crate) fn extract(
    workplace: &Workplace,
    program: &Path,
    archive: &Archive,
    map: &Path,
    workers: u32,
) -> Result<Measured> {
    measure::run(&mut extraction(workplace, program, archive, map, workers)?)
}

/// The command that runs the tarquet at `program`.
fn extraction(workplace: &Workplace, program: &Path, archive: &Archive, map: &Path, workers: u32) -> Result<Command> {
    let out = workplace.fresh_output(&output_name(map))?;
    let mut command = Command::new(program);
    command
        .args(["extract", "--quiet", "--progress", "none", "--summary", "json"])
        .args(["--workers", &workers.to_string()])
        .arg("--tar-path")
        .arg(&archive.path)
        .arg("--feature-map")
        .arg(map)
        .arg("--out-dir")
        .arg(out);
    Ok(command)
}

fn inflate(workplace: &Workplace, archive: &Archive) -> Result<Run> {
    let measured = measure::run(Command::new(&workplace.xtask).arg("inflate").arg(&archive.path))?;
    let bytes = number(&measured.output, "bytes")?;
    ensure!(
        bytes == archive.tar_bytes,
        "inflating {} gave {bytes} bytes instead of {}",
        archive.path.display(),
        archive.tar_bytes
    );
    Ok(Run::Finished { measured, rows: None })
}

fn peer(workplace: &Workplace, archive: &Archive, script: &Path, map: &Path, limit: Duration) -> Result<Run> {
    let out = workplace.fresh_output("peer")?;
    let mut command = Command::new(workplace.python());
    match measure::run_within(command.arg(script).arg(&archive.path).arg(&out), limit)? {
        Ended::OverLimit => Ok(Run::Over(limit)),
        Ended::Finished(measured) => {
            // In the first turn tarquet comes first, and every later run of it leaves the same dataset.
            let dataset = workplace.output(&output_name(map));
            let check = workplace.scripts.join("peers/check.py");
            succeed(Command::new(workplace.python()).arg(check).arg(&out).arg(dataset))?;
            finished(measured)
        }
    }
}

fn finished(measured: Measured) -> Result<Run> {
    let rows = Some(number(&measured.output, "rows")?);
    Ok(Run::Finished { measured, rows })
}

/// Where tarquet writes with this map: one directory a map, since a peer is checked against what the typed one gave.
fn output_name(map: &Path) -> String {
    format!("tarquet-{}", map.file_stem().unwrap_or_default().display())
}

/// The number called `name` in the JSON object that a program printed.
fn number(output: &str, name: &str) -> Result<u64> {
    let summary: serde_json::Value = serde_json::from_str(output.trim()).context("no summary on standard output")?;
    match summary[name].as_u64() {
        Some(number) => Ok(number),
        None => bail!("the summary has no `{name}`: {summary}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_from_the_summary() {
        assert_eq!(number("{\"rows\": 7}\n", "rows").unwrap(), 7);
        assert!(number("{}", "rows").is_err() && number("", "rows").is_err());
    }

    #[test]
    fn what_extracts_the_same_has_the_same_map() {
        let contender = |kind| Contender {
            id: String::new(),
            label: String::new(),
            kind,
        };
        let map = PathBuf::from("m.yaml");
        let peer = contender(Kind::Peer {
            script: PathBuf::new(),
            map: map.clone(),
            limit: Duration::MAX,
        });
        let in_process = contender(Kind::InProcess { map: map.clone() });
        assert_eq!((peer.role(), in_process.role()), (Role::Peer, Role::Yardstick));
        assert_eq!(peer.map(), in_process.map());
        assert_eq!(contender(Kind::Inflate).map(), None);
        assert_eq!(output_name(Path::new("a/flights_typed.yaml")), "tarquet-flights_typed");
    }
}

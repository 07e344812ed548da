//! What is measured: tarquet with some number of workers, and other systems.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use super::Settings;
use super::measure::{self, Measured};

/// The archive that the peers' scripts are written for.
const PEERS_ARCHIVE: &str = "flights";

/// Other systems: the name in the table and the script in `xtask/bench/peers/`.
const PEERS: [(&str, &str); 4] = [
    ("DuckDB, after tar", "duckdb_tar"),
    ("Polars, after tar", "polars_tar"),
    ("ClickHouse (chdb)", "clickhouse"),
    ("Python, orjson + pyarrow, 8 processes", "python_orjson"),
];

/// What the runs need.
#[derive(Debug)]
pub(crate) struct Workplace {
    /// `bench/` in the repository, which git ignores: archives, outputs, the peers' Python.
    pub(crate) directory: PathBuf,
    scripts: PathBuf,
    tarquet: PathBuf,
}

/// One thing that is measured.
#[derive(Debug)]
pub(crate) struct Contender {
    /// What the table calls it.
    pub(crate) label: String,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Tarquet { map: PathBuf, workers: u32 },
    Peer { script: PathBuf },
}

impl Workplace {
    /// Builds the release binary and, for `peers`, a Python environment with what they need.
    pub(crate) fn prepare(repository: &Path, peers: bool) -> Result<Self> {
        let directory = repository.join("bench");
        fs::create_dir_all(&directory)?;
        succeed(
            Command::new("cargo")
                .args(["build", "--release", "--bin", "tarquet"])
                .current_dir(repository),
        )?;
        let workplace = Self {
            directory,
            scripts: repository.join("xtask/bench"),
            tarquet: std::env::current_exe()?.with_file_name("tarquet"),
        };
        ensure!(
            workplace.tarquet.exists(),
            "{} is not there: run this as `cargo xtask bench`, which is a release build",
            workplace.tarquet.display()
        );
        if peers {
            workplace.install_peers()?;
        }
        Ok(workplace)
    }

    fn install_peers(&self) -> Result<()> {
        let environment = self.directory.join("venv");
        succeed(Command::new("python3").args(["-m", "venv"]).arg(environment))?;
        let requirements = self.scripts.join("peers/requirements.txt");
        succeed(
            Command::new(self.python())
                .args(["-m", "pip", "install", "--quiet", "-r"])
                .arg(requirements),
        )
    }

    fn python(&self) -> PathBuf {
        self.directory.join("venv/bin/python")
    }

    /// The map for the archive called `name`, with every type written.
    fn typed_map(&self, name: &str) -> PathBuf {
        self.scripts.join(format!("{name}_typed.yaml"))
    }

    /// The directory that a contender writes to, empty.
    fn fresh_output(&self, name: &str) -> Result<PathBuf> {
        let path = self.directory.join(name);
        if path.exists() {
            fs::remove_dir_all(&path)?;
        }
        fs::create_dir_all(&path)?;
        Ok(path)
    }
}

/// Everything that `settings` asks to measure on the archive called `name`.
pub(crate) fn all(workplace: &Workplace, settings: &Settings, name: &str) -> Result<Vec<Contender>> {
    let typed = workplace.typed_map(name);
    let untyped = workplace.directory.join(format!("{name}_untyped.yaml"));
    fs::write(&untyped, without_types(&fs::read_to_string(&typed)?))?;
    let tarquet = |label: String, map: &Path, workers| Contender {
        label,
        kind: Kind::Tarquet {
            map: map.to_owned(),
            workers,
        },
    };
    let mut contenders: Vec<Contender> = settings
        .workers
        .iter()
        .map(|&workers| tarquet(format!("tarquet, workers: {workers}"), &typed, workers))
        .collect();
    if let Some(&workers) = settings.workers.iter().max() {
        contenders.push(tarquet(
            format!("tarquet, workers: {workers}, types inferred"),
            &untyped,
            workers,
        ));
    }
    if settings.peers && name == PEERS_ARCHIVE {
        contenders.extend(PEERS.map(|(label, script)| Contender {
            label: label.to_owned(),
            kind: Kind::Peer {
                script: workplace.scripts.join(format!("peers/{script}.py")),
            },
        }));
    }
    Ok(contenders)
}

impl Contender {
    /// Runs it once over `archive` and gives what it used and how many rows it wrote.
    pub(crate) fn run(&self, workplace: &Workplace, archive: &Path) -> Result<(Measured, u64)> {
        match &self.kind {
            Kind::Tarquet { map, workers } => {
                let out = workplace.fresh_output(&output_name(map))?;
                let measured = measure::run(
                    Command::new(&workplace.tarquet)
                        .args(["extract", "--quiet", "--progress", "none", "--summary", "json"])
                        .args(["--workers", &workers.to_string()])
                        .arg("--tar-path")
                        .arg(archive)
                        .arg("--feature-map")
                        .arg(map)
                        .arg("--out-dir")
                        .arg(out),
                )?;
                let rows = rows(&measured.output)?;
                Ok((measured, rows))
            }
            Kind::Peer { script } => {
                let out = workplace.fresh_output("peer")?;
                let measured = measure::run(Command::new(workplace.python()).arg(script).arg(archive).arg(&out))?;
                let rows = rows(&measured.output)?;
                // In the first turn tarquet comes first, and every later run of it leaves the same dataset.
                let dataset = workplace
                    .directory
                    .join(output_name(&workplace.typed_map(PEERS_ARCHIVE)));
                let check = workplace.scripts.join("peers/check.py");
                succeed(Command::new(workplace.python()).arg(check).arg(&out).arg(dataset))?;
                Ok((measured, rows))
            }
        }
    }
}

/// Where tarquet writes with this map: one directory a map, since a peer is checked against what the typed one gave.
fn output_name(map: &Path) -> String {
    format!("tarquet-{}", map.file_stem().unwrap_or_default().display())
}

/// The rows that a contender says it wrote.
fn rows(output: &str) -> Result<u64> {
    let summary: serde_json::Value = serde_json::from_str(output.trim()).context("no summary on standard output")?;
    match summary["rows"].as_u64() {
        Some(rows) => Ok(rows),
        None => bail!("the summary has no `rows`: {summary}"),
    }
}

fn succeed(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    ensure!(status.success(), "{command:?} failed ({status})");
    Ok(())
}

/// A feature map without its types, as far as they are written `, type: T}` or `, type: T, …`.
fn without_types(map: &str) -> String {
    let mut rest = map;
    let mut kept = String::with_capacity(map.len());
    while let Some(start) = rest.find(", type: ") {
        kept.push_str(&rest[..start]);
        let after = &rest[start + 2..];
        rest = &after[after.find([',', '}']).unwrap_or(after.len())..];
    }
    kept.push_str(rest);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_go_and_all_else_stays() {
        assert_eq!(
            without_types("a: {path: $.a, type: int64}\nb: {path: 'x[0]', type: string, cast: true}\nc: $.type\n"),
            "a: {path: $.a}\nb: {path: 'x[0]', cast: true}\nc: $.type\n"
        );
    }

    #[test]
    fn the_maps_of_the_benchmark_lose_every_type() {
        for map in [
            include_str!("../../bench/flights_typed.yaml"),
            include_str!("../../bench/small_typed.yaml"),
        ] {
            assert!(map.contains("type: int64"));
            assert!(!without_types(map).contains("type: "));
        }
    }

    #[test]
    fn rows_are_read_from_the_summary() {
        assert_eq!(rows("{\"rows\": 7}\n").unwrap(), 7);
        assert!(rows("{}").is_err() && rows("").is_err());
    }
}

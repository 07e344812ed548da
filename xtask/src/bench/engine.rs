//! The engine alone, against C++ simdjson's On-Demand: the same columns of the same documents in memory, on one core.
//!
//! Both programs print the rows and a checksum of every column, which have to agree, and the seconds of each pass. They run
//! in turns.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::corpus::Archive;
use super::statistics::median;
use super::tell;
use super::workplace::{Workplace, output, succeed};

/// Passes of each program in each turn, after one that is not measured.
const PASSES: &str = "3";

/// What the measurement of the engine gave.
#[derive(Debug, Clone)]
pub(crate) struct Engines {
    /// The tar's size in bytes.
    pub(crate) bytes: u64,
    /// Ours: first the one that extraction uses, then the others.
    pub(crate) ours: Vec<Speed>,
    /// On-Demand, or why it was left out.
    pub(crate) peer: Result<Speed, String>,
}

/// The passes of one engine.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Speed {
    /// The engine's name.
    pub(crate) name: String,
    /// Seconds of processor time, pass by pass.
    pub(crate) seconds: Vec<f64>,
}

/// What a program printed.
#[derive(Debug, PartialEq)]
struct Printed {
    speed: Speed,
    /// Tables with rows and checksums.
    tables: Value,
    /// Names of all engines that the program has.
    engines: Vec<String>,
}

impl Speed {
    /// The median of the seconds.
    pub(crate) fn median(&self) -> f64 {
        median(&self.seconds)
    }

    /// The least of the seconds.
    pub(crate) fn best(&self) -> f64 {
        self.seconds.iter().copied().fold(f64::INFINITY, f64::min)
    }
}

impl Engines {
    /// How many times as fast as On-Demand the engine that extraction uses is.
    pub(crate) fn ratio(&self) -> Option<f64> {
        let peer = self.peer.as_ref().ok()?;
        Some(peer.median() / self.ours.first()?.median())
    }
}

/// Measures all engines over `archive`, a tar of flight searches: the one that extraction uses and On-Demand `turns` times,
/// the others once.
///
/// # Errors
///
/// Where a program fails, and where rows or checksums differ.
pub(crate) fn run(workplace: &Workplace, archive: &Archive, turns: u32) -> Result<Engines> {
    let peer = build_peer(workplace);
    let map = workplace.map("flights_typed");
    let ours = |engine: Option<&str>| {
        let mut command = Command::new(&workplace.throughput);
        command.arg(&archive.path).arg(&map).args(["--passes", PASSES]);
        command.args(engine.iter().flat_map(|name| ["--engine", name]));
        printed(&mut command)
    };
    let theirs = |program: &PathBuf| printed(Command::new(program).arg(&archive.path).arg(PASSES));

    let first = ours(None)?;
    let mut engines = Engines {
        bytes: archive.tar_bytes,
        ours: vec![first.speed],
        peer: Err(String::new()),
    };
    engines.peer = match &peer {
        Ok(program) => Ok(agreeing(theirs(program)?, &first.tables)?),
        Err(error) => Err(format!("{error:#}")),
    };
    for _ in 1..turns {
        if let (Ok(program), Ok(speed)) = (&peer, &mut engines.peer) {
            speed.seconds.extend(theirs(program)?.speed.seconds);
        }
        let more = agreeing(ours(None)?, &first.tables)?;
        engines.ours[0].seconds.extend(more.seconds);
    }
    let default = engines.ours[0].name.clone();
    for name in first.engines.iter().filter(|name| **name != default) {
        engines.ours.push(agreeing(ours(Some(name))?, &first.tables)?);
    }
    Ok(engines)
}

/// Compiles the program with simdjson.
///
/// # Errors
///
/// Where there is no compiler or no simdjson: it says how to get them.
fn build_peer(workplace: &Workplace) -> Result<PathBuf> {
    let program = workplace.directory.join("ondemand");
    let mut compiler = Command::new("g++");
    compiler
        .args(["-std=c++17", "-O3", "-march=native"])
        .arg(workplace.scripts.join("ondemand/main.cpp"))
        .arg("-o")
        .arg(&program)
        .arg("-lsimdjson");
    succeed(&mut compiler).context("left out: it needs g++ and simdjson (Debian: apt install g++ libsimdjson-dev)")?;
    Ok(program)
}

fn printed(command: &mut Command) -> Result<Printed> {
    let printed = parse(&output(command)?).with_context(|| format!("{command:?} printed what cannot be read"))?;
    let best = printed.speed.best();
    tell(&format!("  {}: {best:.3} s", printed.speed.name));
    Ok(printed)
}

fn parse(text: &str) -> Result<Printed> {
    let mut value: Value = serde_json::from_str(text)?;
    let name = value["engine"].as_str().context("no `engine`")?.to_owned();
    let seconds: Option<Vec<f64>> = value["seconds"]
        .as_array()
        .context("no `seconds`")?
        .iter()
        .map(Value::as_f64)
        .collect();
    let seconds = seconds.filter(|seconds| !seconds.is_empty());
    let engines = value["engines"].as_array().into_iter().flatten();
    Ok(Printed {
        engines: engines.filter_map(|name| Some(name.as_str()?.to_owned())).collect(),
        speed: Speed {
            name,
            seconds: seconds.context("`seconds` are not numbers")?,
        },
        tables: value["tables"].take(),
    })
}

/// The passes of a program whose tables are `tables`.
fn agreeing(printed: Printed, tables: &Value) -> Result<Speed> {
    ensure!(
        printed.tables == *tables,
        "{} extracts something else:\n{}\ninstead of\n{tables}",
        printed.speed.name,
        printed.tables
    );
    Ok(printed.speed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{"engine": "e", "engines": ["e", "f"], "seconds": [3, 1.5, 2],
        "tables": [{"table": "t", "rows": 2, "checksums": {"c": "00ff"}}]}"#;

    #[test]
    fn what_programs_print_is_read() {
        let printed = parse(TEXT).unwrap();
        assert_eq!(printed.engines, ["e", "f"]);
        assert_eq!((printed.speed.median(), printed.speed.best()), (2.0, 1.5));
        for wrong in [
            "",
            "{}",
            r#"{"engine": "e", "seconds": []}"#,
            r#"{"engine": "e", "seconds": ["x"]}"#,
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn another_checksum_is_refused() {
        let tables = parse(TEXT).unwrap().tables;
        assert!(agreeing(parse(TEXT).unwrap(), &tables).is_ok());
        let other = parse(&TEXT.replace("00ff", "00fe")).unwrap();
        let error = agreeing(other, &tables).unwrap_err().to_string();
        assert!(error.contains("00fe") && error.contains("00ff"), "{error}");
    }

    #[test]
    fn the_ratio_is_of_medians() {
        let speed = |seconds: &[f64]| Speed {
            name: String::new(),
            seconds: seconds.to_vec(),
        };
        let mut engines = Engines {
            bytes: 1,
            ours: vec![speed(&[1.0, 2.0, 9.0]), speed(&[100.0])],
            peer: Ok(speed(&[3.0, 3.0, 4.0])),
        };
        assert_eq!(engines.ratio(), Some(1.5));
        engines.peer = Err("no compiler".to_owned());
        assert_eq!(engines.ratio(), None);
    }
}

//! How far a run had come that is no more, by what it left.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::ledger::Ledger;

/// Where in its life a run was cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// There is no ledger.
    BeforeTheLedger,
    /// There is a ledger, and nothing is committed.
    BeforeTheFirstCheckpoint,
    /// All that the last checkpoint had to do is done, and no other one was begun.
    BetweenCheckpoints,
    /// A checkpoint was being written: it is not in the ledger yet.
    WithinACheckpoint,
    /// A checkpoint is in the ledger, and something that follows from that is left to do: a rename, or a removal.
    DuringPublication,
    /// The old dataset was being removed.
    Replacing,
    /// The ledger says that the run is finished.
    Finished,
}

impl Found {
    /// What is in `dir`.
    pub(crate) fn at(dir: &Path) -> Found {
        let Some(ledger) = Ledger::read(dir) else {
            return Found::BeforeTheLedger;
        };
        let run = names_in(&dir.join("run"));
        let number = ledger.checkpoint();
        let next = format!("checkpoint-{}", number + 1);
        match ledger.state() {
            "replacing" => Found::Replacing,
            _ if !ledger.pending(dir).is_empty() => Found::DuringPublication,
            "finished" => Found::Finished,
            _ if run.iter().any(|name| *name == next || name == "ledger.json.draft") => Found::WithinACheckpoint,
            _ if run.iter().filter(|name| name.starts_with("checkpoint-")).count() > 1 => Found::DuringPublication,
            _ if number == 0 => Found::BeforeTheFirstCheckpoint,
            _ => Found::BetweenCheckpoints,
        }
    }

    /// What it is called where kills are counted.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Found::BeforeTheLedger => "before the ledger",
            Found::BeforeTheFirstCheckpoint => "before the first checkpoint",
            Found::BetweenCheckpoints => "between checkpoints",
            Found::WithinACheckpoint => "within a checkpoint",
            Found::DuringPublication => "during publication",
            Found::Replacing => "while the old dataset was removed",
            Found::Finished => "behind the last commit",
        }
    }
}

/// The names in a directory; none if it is not there.
fn names_in(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).into_iter().flatten();
    let name =
        |entry: std::io::Result<fs::DirEntry>| entry.expect("an entry").file_name().to_string_lossy().into_owned();
    entries.map(name).collect()
}

/// The files below `dir/relative`, as paths in `dir`; none if it is not there.
pub(crate) fn files_below(dir: &Path, relative: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let entries = fs::read_dir(dir.join(relative)).into_iter().flatten();
    for entry in entries {
        let relative = relative.join(entry.expect("an entry").file_name());
        if dir.join(&relative).is_dir() {
            files.extend(files_below(dir, &relative));
        } else {
            files.push(relative);
        }
    }
    files
}

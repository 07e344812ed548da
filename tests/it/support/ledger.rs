//! What a run has committed, as its ledger says.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// `run/ledger.json`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ledger(Value);

impl Ledger {
    /// The ledger of the dataset in `dir`, if it has one.
    pub(crate) fn read(dir: &Path) -> Option<Ledger> {
        let path = dir.join("run/ledger.json");
        let text = match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return None,
            result => result.expect("it can be read"),
        };
        let ledger = serde_json::from_slice(&text);
        Some(Ledger(
            ledger.unwrap_or_else(|error| panic!("{}: {error}", path.display())),
        ))
    }

    /// `running`, `finished` or `replacing`.
    pub(crate) fn state(&self) -> &str {
        self.0["state"].as_str().expect("a state")
    }

    /// The number of the last checkpoint; 0 when nothing is committed.
    pub(crate) fn checkpoint(&self) -> u64 {
        self.0["checkpoint"]["number"].as_u64().expect("a number")
    }

    /// How many members are committed.
    pub(crate) fn members(&self) -> u64 {
        self.0["position"]["members"].as_u64().expect("a count")
    }

    /// Parts that are committed and not in their place, as paths in the dataset.
    pub(crate) fn pending(&self, dir: &Path) -> Vec<PathBuf> {
        let parts = self.parts().into_iter();
        parts.filter(|part| !dir.join(part).exists()).collect()
    }

    /// All parts that are committed, as paths in the dataset.
    pub(crate) fn parts(&self) -> Vec<PathBuf> {
        let tables = self.0["tables"].as_array().expect("a list").iter();
        let parts = tables.flat_map(|table| {
            let directory = Path::new("features_raw").join(table["directory"].as_str().expect("a name"));
            let parts = table["parts"].as_array().expect("a list").iter();
            parts.map(move |part| directory.join(part["file"].as_str().expect("a name")))
        });
        parts.collect()
    }
}

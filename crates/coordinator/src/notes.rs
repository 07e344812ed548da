//! What a finished run knows besides its dataset, kept in the ledger: a run that died between its last commit and its summary
//! needs no archive to write that.

use serde::{Deserialize, Serialize};

use crate::ending::Ending;

/// What was found in the archive.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Notes {
    /// Members that were skipped by rule.
    pub(crate) skipped: u64,
    /// Bytes of all wanted members, decompressed.
    pub(crate) document_bytes: u64,
    /// Bytes of the archive; 0 for standard input.
    pub(crate) archive_bytes: u64,
    /// How many archives there were, where there were, or could be, several.
    pub(crate) archives: Option<u64>,
    /// How archives ended, of those whose end is worth a word.
    pub(crate) endings: Vec<Ending>,
    /// A member name whose id some member before had.
    pub(crate) repeated_id: Option<String>,
    /// A member of many documents, all of which have its id.
    pub(crate) shared_id: Option<String>,
}

impl Notes {
    /// As a ledger keeps them.
    pub(crate) fn to_text(&self) -> String {
        // There is nothing in them that JSON cannot express.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// What a ledger kept. Another version's notes are none: they are for people alone.
    pub(crate) fn of(text: &str) -> Notes {
        serde_json::from_str(text).unwrap_or_default()
    }
}

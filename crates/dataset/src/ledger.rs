//! The ledger: what is published.
//!
//! `run/ledger.json` names every part before it appears, so that whoever finds the directory later knows which of its
//! files are the dataset's. It is replaced as a whole, never changed in place.
//!
//! ```json
//! {
//!   "format": 1,
//!   "written_by": "tarquet 0.1.0",
//!   "tables": [
//!     {
//!       "name": "search_route",
//!       "directory": "feature=search_route",
//!       "parts": [{"file": "part-00000.parquet", "rows": 100000, "bytes": 1284093, "crc32": "9a3bc016"}]
//!     }
//!   ]
//! }
//! ```
//!
//! `crc32` is the checksum of the whole file (ISO-HDLC, as in gzip), as eight hexadecimal digits. The names are those a
//! run makes from the table's name and the part's number; a ledger with any other is refused, so that no ledger can
//! point at files outside the dataset.

use std::fs;
use std::io::ErrorKind;

use serde::{Deserialize, Serialize};

use crate::durable;
use crate::error::{DatasetError, LedgerFault};
use crate::hive::partition_directory;
use crate::layout::{Layout, part_file_name};

/// The format that this version reads and writes.
const FORMAT: u32 = 1;

/// What is published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ledger {
    format: u32,
    written_by: String,
    pub(crate) tables: Vec<LedgerTable>,
}

/// One table and its published parts, by number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LedgerTable {
    pub(crate) name: String,
    pub(crate) directory: String,
    pub(crate) parts: Vec<LedgerPart>,
}

/// One published part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LedgerPart {
    pub(crate) file: String,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    pub(crate) crc32: Crc32,
}

/// A CRC-32, written as eight hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Crc32(pub(crate) u32);

impl Ledger {
    /// A ledger of these tables, without parts.
    pub(crate) fn new<'a>(names: impl Iterator<Item = &'a str>) -> Ledger {
        let table = |name: &str| LedgerTable {
            name: name.to_owned(),
            directory: partition_directory(name),
            parts: Vec::new(),
        };
        Ledger {
            format: FORMAT,
            written_by: format!("tarquet {}", env!("CARGO_PKG_VERSION")),
            tables: names.map(table).collect(),
        }
    }

    /// The ledger of the dataset, if there is one.
    pub(crate) fn load(layout: &Layout) -> Result<Option<Ledger>, DatasetError> {
        let path = layout.ledger();
        let contents = match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            result => result.map_err(DatasetError::io("read", &path))?,
        };
        Ledger::parse(&contents)
            .map(Some)
            .map_err(|fault| DatasetError::Ledger { path, fault })
    }

    /// Replaces the dataset's ledger, durably.
    pub(crate) fn store(&self, layout: &Layout) -> Result<(), DatasetError> {
        let path = layout.ledger();
        let mut contents = serde_json::to_vec_pretty(self).map_err(|error| DatasetError::Ledger {
            path: path.clone(),
            fault: LedgerFault::Json(error),
        })?;
        contents.push(b'\n');
        durable::replace_file(&path, &layout.draft(&path), &contents)
    }

    /// How many parts are published, in all tables.
    pub(crate) fn part_count(&self) -> usize {
        self.tables.iter().map(|table| table.parts.len()).sum()
    }

    fn parse(contents: &[u8]) -> Result<Ledger, LedgerFault> {
        #[derive(Deserialize)]
        struct Header {
            format: u32,
        }
        let header: Header = serde_json::from_slice(contents).map_err(LedgerFault::Json)?;
        if header.format != FORMAT {
            return Err(LedgerFault::Format {
                found: header.format,
                known: FORMAT,
            });
        }
        let ledger: Ledger = serde_json::from_slice(contents).map_err(LedgerFault::Json)?;
        ledger.tables.iter().try_for_each(LedgerTable::check)?;
        Ok(ledger)
    }
}

impl LedgerTable {
    /// Refuses names that no run makes.
    fn check(&self) -> Result<(), LedgerFault> {
        same_name(&self.directory, partition_directory(&self.name))?;
        let mut parts = self.parts.iter().enumerate();
        parts.try_for_each(|(number, part)| same_name(&part.file, part_file_name(number)))
    }
}

fn same_name(name: &str, expected: String) -> Result<(), LedgerFault> {
    if name == expected {
        Ok(())
    } else {
        Err(LedgerFault::Name {
            name: name.to_owned(),
            expected,
        })
    }
}

impl From<Crc32> for String {
    fn from(crc: Crc32) -> String {
        format!("{:08x}", crc.0)
    }
}

impl TryFrom<String> for Crc32 {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Crc32, Self::Error> {
        u32::from_str_radix(&text, 16).map(Crc32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Ledger {
        let mut ledger = Ledger::new(["a/b", "c"].into_iter());
        for (number, crc) in [0, 0x0000_00ff, u32::MAX].into_iter().enumerate() {
            let part = LedgerPart {
                file: part_file_name(number),
                rows: 7,
                bytes: 99,
                crc32: Crc32(crc),
            };
            ledger.tables[0].parts.push(part);
        }
        ledger
    }

    #[test]
    fn round_trips() {
        let ledger = sample();
        let text = serde_json::to_vec(&ledger).expect("serializes");
        assert_eq!(Ledger::parse(&text).expect("parses"), ledger);
        assert_eq!(ledger.part_count(), 3);
    }

    #[test]
    fn refuses_what_no_run_writes() {
        let good = serde_json::to_string(&sample()).expect("serializes");
        let cases = [
            (
                r#""feature=c""#,
                r#""../../home""#,
                "where a run would have made \"feature=c\"",
            ),
            (
                "part-00001.parquet",
                "../c/part-00001.parquet",
                "where a run would have made",
            ),
            (
                "part-00001.parquet",
                "part-00002.parquet",
                "where a run would have made",
            ),
            (r#""format":1"#, r#""format":2"#, "format 2"),
            (r#""rows":7"#, r#""rows":-7"#, "damaged"),
            (r#""rows":7"#, r#""lines":7"#, "damaged"),
            ("}", "", "damaged"),
        ];
        for (from, to, message) in cases {
            let bad = good.replacen(from, to, 1);
            assert_ne!(bad, good, "{from}");
            let fault = Ledger::parse(bad.as_bytes()).expect_err(to);
            assert!(fault.to_string().contains(message), "{to}: {fault}");
        }
    }
}

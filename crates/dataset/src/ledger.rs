//! The ledger: what is committed.
//!
//! `run/ledger.json` is replaced as a whole at each checkpoint, never changed in place. It names every part before the part
//! appears, so that whoever finds the directory later knows which of its files are the dataset's, and holds all that a
//! run needs to go on.
//!
//! ```json
//! {
//!   "format": 2,
//!   "written_by": "tarquet 0.1.0",
//!   "state": "running",
//!   "inputs": [{"name": "--buffer-rows", "value": "100000"}],
//!   "resolved_map": "version: 1\n…",
//!   "checkpoint": {"number": 3, "file": {"bytes": 81920, "crc32": "04d1b5a7"}},
//!   "position": {"members": 812, "failed": 2, "rescued": 0, "rows": [100730], "source": null},
//!   "logs": {"failed": 231, "rescued": 0},
//!   "tables": [
//!     {
//!       "name": "search_route",
//!       "directory": "feature=search_route",
//!       "buffer": {"rows": 730, "bytes": 5110, "stream": {"offset": 0, "bytes": 81920}},
//!       "parts": [{"file": "part-00000.parquet", "rows": 100000, "bytes": 1284093, "crc32": "9a3bc016", "checkpoint": 2}]
//!     }
//!   ]
//! }
//! ```
//!
//! - `checkpoint.file` describes `run/checkpoint-<number>`, which holds the open buffers; it is `null` where none holds
//!   rows. `buffer.stream` is a table's place in it. `buffer.bytes` is the length of the rows' values, which decides
//!   where parts end.
//! - `crc32` is the checksum of the whole file (ISO-HDLC, as in gzip), as eight hexadecimal digits.
//! - A part's `checkpoint` is the one that published it. Those of the last one may still be in `run/tmp`.
//! - `logs` are the lengths in bytes of `failed.log` and `rescued.ndjson`; what is longer was not committed.
//!
//! The names are those a run makes from the table's name and the part's number; a ledger with any other is refused, so
//! that no ledger can point at files outside the dataset. So is one whose numbers contradict each other.

use serde::{Deserialize, Serialize};

use crate::checksum::{Checksum, Crc32};
use crate::durable;
use crate::error::{DatasetError, LedgerFault};
use crate::files;
use crate::hive::partition_directory;
use crate::layout::{Layout, part_file_name};
use crate::position::{Description, Input, Position};

/// The format that this version reads and writes.
const FORMAT: u32 = 2;

/// What is committed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ledger {
    format: u32,
    written_by: String,
    pub(crate) state: State,
    pub(crate) inputs: Vec<Input>,
    pub(crate) resolved_map: String,
    pub(crate) checkpoint: Checkpoint,
    pub(crate) position: Position,
    pub(crate) logs: LogLengths,
    pub(crate) tables: Vec<LedgerTable>,
}

/// What is to happen to the dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// A run writes it, or was stopped and can go on.
    Running,
    /// It is finished.
    Finished,
    /// It is being removed, to be replaced.
    Replacing,
}

/// The last checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Checkpoint {
    /// Counted from 0, which is the run's beginning.
    pub(crate) number: u64,
    /// Its file, if there is one.
    pub(crate) file: Option<Checksum>,
}

/// The lengths of the logs, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogLengths {
    pub(crate) failed: u64,
    pub(crate) rescued: u64,
}

/// One table: its open buffer and its published parts, by number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LedgerTable {
    pub(crate) name: String,
    pub(crate) directory: String,
    pub(crate) buffer: LedgerBuffer,
    pub(crate) parts: Vec<LedgerPart>,
}

/// What was buffered of a table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LedgerBuffer {
    pub(crate) rows: u64,
    /// Length of the rows' values.
    pub(crate) bytes: u64,
    /// Where the rows are in the checkpoint's file, if there are any.
    pub(crate) stream: Option<Place>,
}

/// A place in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Place {
    pub(crate) offset: u64,
    pub(crate) bytes: u64,
}

/// One published part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LedgerPart {
    pub(crate) file: String,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    pub(crate) crc32: Crc32,
    /// The checkpoint that published it.
    pub(crate) checkpoint: u64,
}

impl LedgerPart {
    /// What its file has to be.
    pub(crate) fn checksum(&self) -> Checksum {
        Checksum {
            bytes: self.bytes,
            crc32: self.crc32,
        }
    }
}

impl Ledger {
    /// The ledger of a run that begins: these tables, nothing committed.
    pub(crate) fn new<'a>(names: impl Iterator<Item = &'a str>, run: Description) -> Ledger {
        let table = |name: &str| LedgerTable {
            name: name.to_owned(),
            directory: partition_directory(name),
            buffer: LedgerBuffer::default(),
            parts: Vec::new(),
        };
        let tables: Vec<_> = names.map(table).collect();
        Ledger {
            format: FORMAT,
            written_by: format!("tarquet {}", env!("CARGO_PKG_VERSION")),
            state: State::Running,
            inputs: run.inputs,
            resolved_map: run.resolved_map,
            checkpoint: Checkpoint { number: 0, file: None },
            position: Position {
                rows: vec![0; tables.len()],
                ..Position::default()
            },
            logs: LogLengths::default(),
            tables,
        }
    }

    /// The ledger of the dataset, if there is one.
    pub(crate) fn load(layout: &Layout) -> Result<Option<Ledger>, DatasetError> {
        let path = layout.ledger();
        let Some(contents) = files::read(&path).map_err(DatasetError::io("read", &path))? else {
            return Ok(None);
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

    /// All parts: their table's index, the table, their number.
    pub(crate) fn parts(&self) -> impl Iterator<Item = NamedPart<'_>> {
        self.tables.iter().enumerate().flat_map(|(index, table)| {
            table.parts.iter().enumerate().map(move |(number, part)| NamedPart {
                index,
                table,
                number,
                part,
            })
        })
    }

    /// Whether the part was published by the last checkpoint, so that its rename may not have happened.
    pub(crate) fn is_of_last_checkpoint(&self, part: &LedgerPart) -> bool {
        part.checkpoint == self.checkpoint.number
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
        ledger.tables.iter().try_for_each(LedgerTable::check_names)?;
        ledger.check_numbers()?;
        Ok(ledger)
    }

    /// Refuses numbers that contradict each other.
    fn check_numbers(&self) -> Result<(), LedgerFault> {
        let contradiction = |what| Err(LedgerFault::Contradiction { what });
        let last = self.checkpoint.number;
        if self.parts().any(|named| !(1..=last).contains(&named.part.checkpoint)) {
            return contradiction("a part belongs to a checkpoint that was not taken");
        }
        let rows: Option<Vec<_>> = self.tables.iter().map(LedgerTable::rows).collect();
        if rows.is_none_or(|rows| rows != self.position.rows) {
            return contradiction("the rows of its parts and buffers are not those of its position");
        }
        if self.end_of_streams() != Some(self.checkpoint.file.map_or(0, |file| file.bytes)) {
            return contradiction("the buffers do not fill the checkpoint's file");
        }
        let buffers = self.tables.iter().map(|table| table.buffer);
        if self.state == State::Finished && buffers.into_iter().any(|buffer| buffer.rows > 0) {
            return contradiction("it is finished, but holds buffered rows");
        }
        Ok(())
    }

    /// Where the last buffer ends in the checkpoint's file; `None` if they do not follow each other, or if there is one
    /// without rows, or rows without one.
    fn end_of_streams(&self) -> Option<u64> {
        self.tables.iter().try_fold(0_u64, |end, table| match table.buffer {
            LedgerBuffer {
                rows: 0, stream: None, ..
            } => Some(end),
            LedgerBuffer {
                rows: 1..,
                stream: Some(place),
                ..
            } if place.offset == end && place.bytes > 0 => end.checked_add(place.bytes),
            _ => None,
        })
    }
}

/// A part, with where it belongs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NamedPart<'a> {
    pub(crate) index: usize,
    pub(crate) table: &'a LedgerTable,
    pub(crate) number: usize,
    pub(crate) part: &'a LedgerPart,
}

impl LedgerTable {
    /// All rows of the table, buffered ones too; `None` for more than can be.
    fn rows(&self) -> Option<u64> {
        let mut parts = self.parts.iter();
        parts.try_fold(self.buffer.rows, |sum, part| sum.checked_add(part.rows))
    }

    /// Refuses names that no run makes.
    fn check_names(&self) -> Result<(), LedgerFault> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Ledger {
        let run = Description {
            inputs: vec![Input {
                name: "--buffer-rows".to_owned(),
                value: "7".to_owned(),
            }],
            resolved_map: "version: 1\n".to_owned(),
        };
        let mut ledger = Ledger::new(["a/b", "c"].into_iter(), run);
        for (number, crc) in [0, 0x0000_00ff, u32::MAX].into_iter().enumerate() {
            let part = LedgerPart {
                file: part_file_name(number),
                rows: 7,
                bytes: 99,
                crc32: Crc32(crc),
                checkpoint: 1 + number as u64 / 2,
            };
            ledger.tables[0].parts.push(part);
        }
        ledger.checkpoint = Checkpoint {
            number: 2,
            file: Some(Checksum {
                bytes: 640,
                crc32: Crc32(1),
            }),
        };
        ledger.tables[1].buffer = LedgerBuffer {
            rows: 5,
            bytes: 50,
            stream: Some(Place { offset: 0, bytes: 640 }),
        };
        ledger.position.rows = vec![21, 5];
        ledger
    }

    #[test]
    fn round_trips() {
        let ledger = sample();
        let text = serde_json::to_vec(&ledger).expect("serializes");
        assert_eq!(Ledger::parse(&text).expect("parses"), ledger);
        assert_eq!(ledger.part_count(), 3);
        let last: Vec<_> = ledger
            .parts()
            .map(|named| ledger.is_of_last_checkpoint(named.part))
            .collect();
        assert_eq!(last, [false, false, true]);
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
            (r#""format":2"#, r#""format":1"#, "format 1"),
            (r#""rows":7"#, r#""rows":-7"#, "damaged"),
            (r#""rows":7"#, r#""lines":7"#, "damaged"),
            (r#""running""#, r#""walking""#, "damaged"),
            ("}", "", "damaged"),
            (r#""rows":7"#, r#""rows":8"#, "not those of its position"),
            (r#""rows":[21,5]"#, r#""rows":[21,5,0]"#, "not those of its position"),
            (
                r#""rows":7"#,
                r#""rows":18446744073709551615"#,
                "not those of its position",
            ),
            (r#""checkpoint":2"#, r#""checkpoint":3"#, "that was not taken"),
            (r#""checkpoint":1"#, r#""checkpoint":0"#, "that was not taken"),
            (r#""offset":0"#, r#""offset":1"#, "do not fill"),
            (r#""bytes":640"#, r#""bytes":641"#, "do not fill"),
            (r#""running""#, r#""finished""#, "holds buffered rows"),
        ];
        for (from, to, message) in cases {
            let bad = good.replacen(from, to, 1);
            assert_ne!(bad, good, "{from}");
            let fault = Ledger::parse(bad.as_bytes()).expect_err(to);
            assert!(fault.to_string().contains(message), "{to}: {fault}");
        }
    }
}

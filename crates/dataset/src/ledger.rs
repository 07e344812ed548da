//! The ledger: what is committed.
//!
//! `run/ledger.json` is replaced as a whole at each checkpoint, never changed in place. It names every part before the part
//! appears, so that whoever finds the directory later knows which of its files are the dataset's, and holds all that a
//! run needs to go on.
//!
//! ```json
//! {
//!   "format": 4,
//!   "written_by": "tarquet 0.1.0",
//!   "state": "running",
//!   "inputs": [{"name": "--buffer-rows", "value": "100000"}],
//!   "resolved_map": "version: 1\n…",
//!   "map_before": null,
//!   "notes": null,
//!   "checkpoint": {"number": 3, "file": {"bytes": 81920, "crc32": "04d1b5a7"}},
//!   "position": {"members": 812, "failed": 2, "open": null, "documents": 810, "failures": 2, "rescued": 0,
//!                "rows": [100730], "source": null},
//!   "logs": {"failed": {"bytes": 231, "crc32": "77d0ab01"}, "rescued": {"bytes": 0, "crc32": "00000000"}},
//!   "tables": [
//!     {
//!       "name": "search_route",
//!       "directory": "feature=search_route",
//!       "buffer": {"rows": 730, "bytes": 5110, "stream": {"offset": 0, "bytes": 81920}},
//!       "parts": [{"file": "part-00000.parquet", "rows": 100000, "bytes": 1284093, "crc32": "9a3bc016", "checkpoint": 2}]
//!     }
//!   ],
//!   "ledger_crc32": "51f2e3c8"
//! }
//! ```
//!
//! - `checkpoint.file` describes `run/checkpoint-<number>`, which holds the open buffers; it is `null` where none holds
//!   rows. `buffer.stream` is a table's place in it. `buffer.bytes` is the length of the rows' values, which decides
//!   where parts end.
//! - `crc32` is the checksum of the whole file (ISO-HDLC, as in gzip), as eight hexadecimal digits.
//! - A part's `checkpoint` is the one that published it. Those of the last one may still be in `run/tmp`.
//! - `logs` are the lengths in bytes and the checksums of `failed.log` and `rescued.ndjson`; what is behind that was not
//!   committed.
//! - `notes` are the caller's, of a run that is finished.
//! - `map_before` is the file that stood in the resolved map's place when the run began over an older dataset: until the
//!   new map is there, it may still stand there. `edited` says whether it was somebody's own text.
//! - `ledger_crc32` is the checksum of the ledger's own text, with `00000000` in this place.
//!
//! The names are those a run makes from the table's name and the part's number; a ledger with any other is refused, so
//! that no ledger can point at files outside the dataset. So is one whose numbers contradict each other.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::checksum::{Checksum, Crc32};
use crate::durable;
use crate::error::{DatasetError, LedgerFault};
use crate::files;
use crate::hive::partition_directory;
use crate::layout::{Layout, part_file_name};
use crate::position::{Description, Input, Position};

/// The format that this version reads and writes.
const FORMAT: u32 = 4;

/// What is committed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ledger {
    format: u32,
    written_by: String,
    pub(crate) state: State,
    pub(crate) inputs: Vec<Input>,
    pub(crate) resolved_map: String,
    /// What stood in the resolved map's place when the run began.
    pub(crate) map_before: Option<MapBefore>,
    /// What the caller wants to keep of a run that is finished.
    pub(crate) notes: Option<String>,
    pub(crate) checkpoint: Checkpoint,
    pub(crate) position: Position,
    pub(crate) logs: LogSums,
    pub(crate) tables: Vec<LedgerTable>,
    /// What [`sum_of_text`] gives, in the text; nothing here.
    ledger_crc32: Crc32,
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

/// What the logs hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogSums {
    pub(crate) failed: Checksum,
    pub(crate) rescued: Checksum,
}

/// The file that stood in the resolved map's place when a run began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MapBefore {
    pub(crate) file: Checksum,
    /// Whether it is not the text that the run before had written there.
    pub(crate) edited: bool,
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
            map_before: None,
            notes: None,
            checkpoint: Checkpoint { number: 0, file: None },
            position: Position {
                rows: vec![0; tables.len()],
                ..Position::default()
            },
            logs: LogSums::default(),
            tables,
            ledger_crc32: Crc32::default(),
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
        let contents = self.to_text().map_err(|error| DatasetError::Ledger {
            path: path.clone(),
            fault: LedgerFault::Json(error),
        })?;
        durable::replace_file(&path, &layout.draft(&path), &contents)
    }

    /// The contents of its file.
    fn to_text(&self) -> serde_json::Result<Vec<u8>> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        if let (Some(place), Some(sum)) = (place_of_sum(&text), sum_of_text(&text)) {
            text[place].copy_from_slice(String::from(sum).as_bytes());
        }
        Ok(text)
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
        let mut ledger: Ledger = serde_json::from_slice(contents).map_err(LedgerFault::Json)?;
        let sum = std::mem::take(&mut ledger.ledger_crc32);
        if sum_of_text(contents) != Some(sum) {
            return Err(LedgerFault::Checksum);
        }
        ledger.tables.iter().try_for_each(LedgerTable::check_names)?;
        ledger.check_numbers()?;
        Ok(ledger)
    }

    /// Refuses numbers that contradict each other.
    fn check_numbers(&self) -> Result<(), LedgerFault> {
        let contradiction = |what| Err(LedgerFault::Contradiction { what });
        let position = &self.position;
        if position.failed > position.members {
            return contradiction("more members failed than it accounts for");
        }
        if (position.rescued == 0) != (self.logs.rescued.bytes == 0) {
            return contradiction("the length of rescued.ndjson does not go with the number of its lines");
        }
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
        let has_notes = self.notes.is_some();
        match self.state {
            State::Running if has_notes => contradiction("it is not finished, but holds the notes of its end"),
            State::Finished if !has_notes => contradiction("it is finished, but lacks the notes of its end"),
            State::Running | State::Finished | State::Replacing => Ok(()),
        }
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

/// The digits of the checksum in a ledger's text.
fn place_of_sum(text: &[u8]) -> Option<Range<usize>> {
    /// Not to be found in a value, in which quotes have a backslash before them.
    const BEFORE: &[u8] = br#""ledger_crc32": ""#;
    const DIGITS: usize = 8;
    let start = text.windows(BEFORE.len()).rposition(|window| window == BEFORE)? + BEFORE.len();
    Some(start..start + DIGITS).filter(|place| place.end <= text.len())
}

/// The CRC-32 of a ledger's text, with `00000000` where it has its own; `None` if it has none.
fn sum_of_text(text: &[u8]) -> Option<Crc32> {
    let place = place_of_sum(text)?;
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&text[..place.start]);
    hasher.update(b"00000000");
    hasher.update(&text[place.end..]);
    Some(Crc32(hasher.finalize()))
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
        (ledger.position.members, ledger.position.failed) = (9, 2);
        ledger
    }

    fn text(ledger: &Ledger) -> String {
        String::from_utf8(ledger.to_text().expect("serializes")).expect("UTF-8")
    }

    #[test]
    fn round_trips() {
        let ledger = sample();
        assert_eq!(Ledger::parse(text(&ledger).as_bytes()).expect("parses"), ledger);
        assert_eq!(ledger.part_count(), 3);
        let last: Vec<_> = ledger
            .parts()
            .map(|named| ledger.is_of_last_checkpoint(named.part))
            .collect();
        assert_eq!(last, [false, false, true]);
    }

    /// A map may hold anything, also what looks like the end of a ledger.
    #[test]
    fn values_are_not_taken_for_the_checksum() {
        let mut ledger = sample();
        ledger.resolved_map = "\"ledger_crc32\": \"00000000\"".to_owned();
        assert_eq!(Ledger::parse(text(&ledger).as_bytes()).expect("parses"), ledger);
    }

    /// Whatever byte is changed: what is still JSON has the wrong checksum.
    #[test]
    fn an_edited_ledger_is_refused() {
        let good = text(&sample()).into_bytes();
        let place = place_of_sum(&good).expect("it has one");
        let mut by_checksum = 0;
        for at in 0..good.len() {
            for bit in 0..7 {
                let mut bad = good.clone();
                bad[at] ^= 1 << bit;
                // The digits of the checksum itself have two cases.
                if place.contains(&at) && bad.eq_ignore_ascii_case(&good) {
                    continue;
                }
                let fault = Ledger::parse(&bad).expect_err("damaged");
                by_checksum += u32::from(matches!(fault, LedgerFault::Checksum));
            }
        }
        assert!(by_checksum > 100, "{by_checksum}");
        let members = text(&sample()).replace("\"members\": 9", "\"members\": 8");
        let fault = Ledger::parse(members.as_bytes()).expect_err("edited").to_string();
        assert!(fault.contains("does not match: it was edited or damaged"), "{fault}");
    }

    /// The text with the checksum that belongs to it, if it is JSON that has one.
    fn summed(text: &str) -> String {
        let mut text = text.to_owned();
        if let (Some(place), Some(sum)) = (place_of_sum(text.as_bytes()), sum_of_text(text.as_bytes())) {
            text.replace_range(place, &String::from(sum));
        }
        text
    }

    #[test]
    fn refuses_what_no_run_writes() {
        let good = text(&sample());
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
            (r#""format": 4"#, r#""format": 3"#, "format 3"),
            (r#""rows": 7"#, r#""rows": -7"#, "damaged"),
            (r#""rows": 7"#, r#""lines": 7"#, "damaged"),
            (r#""running""#, r#""walking""#, "damaged"),
            ("}", "", "damaged"),
            (r#""rows": 7"#, r#""rows": 8"#, "not those of its position"),
            (r#""rows": ["#, r#""rows": [0,"#, "not those of its position"),
            (
                r#""rows": 7"#,
                r#""rows": 18446744073709551615"#,
                "not those of its position",
            ),
            (r#""checkpoint": 2"#, r#""checkpoint": 3"#, "that was not taken"),
            (r#""checkpoint": 1"#, r#""checkpoint": 0"#, "that was not taken"),
            (r#""offset": 0"#, r#""offset": 1"#, "do not fill"),
            (r#""bytes": 640"#, r#""bytes": 641"#, "do not fill"),
            (r#""running""#, r#""finished""#, "holds buffered rows"),
            (r#""notes": null"#, r#""notes": "n""#, "holds the notes of its end"),
            (r#""failed": 2"#, r#""failed": 900"#, "more members failed"),
            (r#""rescued": 0"#, r#""rescued": 1"#, "rescued.ndjson"),
        ];
        for (from, to, message) in cases {
            let bad = good.replacen(from, to, 1);
            assert_ne!(bad, good, "{from}");
            let fault = Ledger::parse(summed(&bad).as_bytes()).expect_err(to);
            assert!(fault.to_string().contains(message), "{to}: {fault}");
        }
    }

    #[test]
    fn a_finished_ledger_has_the_notes_of_its_end() {
        let mut ledger = Ledger::new(["a"].into_iter(), Description::default());
        ledger.state = State::Finished;
        let fault = Ledger::parse(text(&ledger).as_bytes())
            .expect_err("no notes")
            .to_string();
        assert!(fault.contains("lacks the notes of its end"), "{fault}");
        ledger.notes = Some(String::new());
        assert_eq!(Ledger::parse(text(&ledger).as_bytes()).expect("parses"), ledger);
    }
}

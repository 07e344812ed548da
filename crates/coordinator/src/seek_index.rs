//! The seek index: places in compressed archives, and beginnings of archives, at which a resumed run can begin, in the file
//! `run/seek-index`.
//!
//! ```text
//! magic, 8 bytes, the last of them the version
//! frame: what the index is of (Subject)
//! frame: the first place (Record)
//! frame: the second place …
//! ```
//!
//! A frame is a length (4 bytes, little-endian), the XXH3 hash of that many bytes (8 bytes, little-endian, 64 bits with
//! seed 0), and the bytes: a postcard. Frames are appended while the archive is decompressed.
//!
//! The file is advisory. It is never made durable, and what of it cannot be read, or is of something else, is as if it
//! were not there: reading ends at the first frame that is not whole. So nothing that happens to it can do more than
//! have a run begin earlier.

use std::io::{self, ErrorKind, Read, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tarquet_archive::SeekPoint;
use tarquet_dataset::{DatasetError, Input, SeekIndexFile, SourcePrefix};
use twox_hash::XxHash3_64;

use crate::ending::Ending;
use crate::names::Known;

/// How the file begins; the last byte is the version of all that follows.
const MAGIC: [u8; 8] = *b"tqseek\0\x02";

/// The most bytes of a frame: far more than a window, the names between two places, and the records of global headers are.
const MOST: u32 = 32 << 20;

/// The run that an index is of. One of another run says nothing: its archive, or which of the members are wanted, may be
/// others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Subject {
    /// The length of the archive, in bytes.
    len: u64,
    /// The hash of all that the run depends on, the fingerprint of the archive's content included.
    inputs: u64,
}

impl Subject {
    /// A run over an archive of this length.
    pub(crate) fn new(len: u64, inputs: &[Input]) -> Subject {
        let texts = inputs.iter().flat_map(|input| [&input.name, &input.value]);
        Subject {
            len,
            inputs: texts.fold(0, |before, text| XxHash3_64::oneshot_with_seed(before, text.as_bytes())),
        }
    }
}

/// What a walk has passed before a member.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Passed {
    /// Members that are wanted.
    pub(crate) wanted: u64,
    /// Members that are not.
    pub(crate) skipped: u64,
    /// Bytes of the wanted ones that are read, decompressed.
    pub(crate) document_bytes: u64,
}

/// A place at which a walk can begin: in an archive, or at the beginning of one of several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// The archive's position.
    pub(crate) archive: u64,
    /// What it passes over then.
    pub(crate) passed: Passed,
    /// How much of the archive that is, in bytes of its file.
    pub(crate) file: u64,
    /// What is known of the members' names since the record before.
    pub(crate) names: Known,
    /// How archives ended since the record before, as far as that is worth a word.
    pub(crate) endings: Vec<Ending>,
    /// The point, encoded; `None` for the beginning.
    pub(crate) point: Option<Vec<u8>>,
}

/// An index that is being written.
pub(crate) struct SeekIndex {
    file: SeekIndexFile,
}

impl SeekIndex {
    /// An empty one, whatever the file was.
    pub(crate) fn begin(mut file: SeekIndexFile, subject: &Subject) -> Result<SeekIndex, DatasetError> {
        file.cut(0)?;
        let start = [&MAGIC[..], &frame(subject)].concat();
        file.write_all(&start).map_err(file.error("write the seek index"))?;
        Ok(SeekIndex { file })
    }

    /// One of which so many bytes are good.
    pub(crate) fn go_on(mut file: SeekIndexFile, end: u64) -> Result<SeekIndex, DatasetError> {
        file.cut(end)?;
        Ok(SeekIndex { file })
    }

    /// Adds a place, which lies behind all others.
    pub(crate) fn add(&mut self, record: &Record) -> Result<(), DatasetError> {
        let written = self.file.write_all(&frame(record));
        written.map_err(self.file.error("write the seek index"))
    }
}

/// The best place in an index.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) archive: u64,
    pub(crate) point: Option<SeekPoint>,
    pub(crate) passed: Passed,
    /// What is known of all names before it.
    pub(crate) names: Known,
    /// How archives before it ended.
    pub(crate) endings: Vec<Ending>,
    /// Where its record ends, in bytes of the index.
    pub(crate) end: u64,
}

/// The last place in an index of `subject` before which no more lies than `most` members that are wanted, and which is a
/// beginning, or one in the archive of which `read` was read, with no more than that before it. Of others it is not known
/// any more whether they are what they were.
///
/// # Errors
///
/// When the index cannot be read. That it says nothing is none.
pub(crate) fn last_before(
    index: &mut impl Read,
    subject: &Subject,
    most: u64,
    read: Option<&SourcePrefix>,
) -> io::Result<Option<Found>> {
    let mut frames = Frames::new(index);
    if frames.magic()? != Some(MAGIC) || frames.next::<Subject>()? != Some(*subject) {
        return Ok(None);
    }
    let is_known = |record: &Record| {
        record.point.is_none() || read.is_some_and(|read| read.archive == record.archive && record.file <= read.bytes)
    };
    let (mut names, mut endings) = (Known::default(), Vec::new());
    let mut best: Option<(Record, usize, usize, u64)> = None;
    while let Some(mut record) = frames.next::<Record>()? {
        if record.passed.wanted > most {
            break;
        }
        names.ids.append(&mut record.names.ids);
        endings.append(&mut record.endings);
        if is_known(&record) {
            best = Some((record, names.ids.len(), endings.len(), frames.end));
        }
    }
    Ok(best.and_then(|(record, known, ended, end)| {
        names.ids.truncate(known);
        endings.truncate(ended);
        names.repeated = record.names.repeated;
        let point = match record.point {
            Some(point) => Some(SeekPoint::decode(&point)?),
            None => None,
        };
        Some(Found {
            archive: record.archive,
            point,
            passed: record.passed,
            names,
            endings,
            end,
        })
    }))
}

/// What is written of a value.
fn frame(value: &impl Serialize) -> Vec<u8> {
    // Writing to memory fails for nothing that these types are made of.
    let body = postcard::to_allocvec(value).unwrap_or_default();
    let hash = XxHash3_64::oneshot(&body);
    [&(body.len() as u32).to_le_bytes()[..], &hash.to_le_bytes(), &body].concat()
}

/// Reads frames, as long as they are whole.
struct Frames<'a, R> {
    file: &'a mut R,
    /// How many bytes were read.
    end: u64,
}

impl<'a, R: Read> Frames<'a, R> {
    fn new(file: &'a mut R) -> Frames<'a, R> {
        Frames { file, end: 0 }
    }

    fn magic(&mut self) -> io::Result<Option<[u8; 8]>> {
        self.array()
    }

    /// The next value; `None` where there is no whole frame with one.
    fn next<T: DeserializeOwned>(&mut self) -> io::Result<Option<T>> {
        let (Some(len), Some(hash)) = (self.array()?, self.array()?) else {
            return Ok(None);
        };
        let len = u32::from_le_bytes(len);
        if len > MOST {
            return Ok(None);
        }
        // Memory grows with what is there, not with what is claimed.
        let mut body = Vec::new();
        let read = self.file.take(u64::from(len)).read_to_end(&mut body)?;
        self.end += read as u64;
        if read < len as usize || XxHash3_64::oneshot(&body) != u64::from_le_bytes(hash) {
            return Ok(None);
        }
        let value = postcard::take_from_bytes(&body).ok();
        Ok(value.filter(|(_, rest)| rest.is_empty()).map(|(value, _)| value))
    }

    fn array<const LEN: usize>(&mut self) -> io::Result<Option<[u8; LEN]>> {
        let mut array = [0; LEN];
        match self.file.read_exact(&mut array) {
            Ok(()) => {
                self.end += LEN as u64;
                Ok(Some(array))
            }
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::sync::OnceLock;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;
    use proptest::sample::Index;
    use tarquet_archive::{Archive, Spacing, SpoolOptions};

    use super::*;

    /// Points of an archive in which they are as close as can be.
    fn points() -> &'static [SeekPoint] {
        static POINTS: OnceLock<Vec<SeekPoint>> = OnceLock::new();
        POINTS.get_or_init(make_points)
    }

    fn make_points() -> Vec<SeekPoint> {
        let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::new(6)));
        for number in 0..40_u64 {
            // It does not compress, so it takes many blocks.
            let words = (0..2_000_u64).map(|word| XxHash3_64::oneshot_with_seed(number, &word.to_le_bytes()));
            let body: Vec<u8> = words.flat_map(u64::to_le_bytes).collect();
            let mut header = tar::Header::new_ustar();
            header.set_size(body.len() as u64);
            tar.append_data(&mut header, format!("{number}.json"), &body[..])
                .unwrap();
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), tar.into_inner().unwrap().finish().unwrap()).unwrap();
        let mut walk = Archive::open(file.path())
            .unwrap()
            .walk(SpoolOptions::default())
            .unwrap();
        walk.make_points(Spacing { stream: 1, file: 1 });
        let mut points = Vec::new();
        while walk.next().unwrap().is_some() {
            points.extend(walk.take_point());
        }
        assert!(points.len() >= 3, "{}", points.len());
        points
    }

    fn subject() -> Subject {
        Subject::new(7, &[])
    }

    /// The bytes of an index with a record for each point, and what each record is.
    fn index(points: &[SeekPoint]) -> (Vec<u8>, Vec<Record>, Vec<u64>) {
        let record = |(number, point): (u64, &SeekPoint)| Record {
            archive: 3,
            passed: Passed {
                wanted: 10 * number,
                skipped: number,
                document_bytes: 100 * number,
            },
            file: point.file(),
            names: Known {
                ids: vec![2 * number, 2 * number + 1],
                repeated: (number > 1).then(|| "again".to_owned()),
            },
            endings: Vec::from_iter((number == 2).then(ending)),
            point: Some(point.encode()),
        };
        let records: Vec<Record> = (1..).zip(points).map(record).collect();
        let mut bytes = [&MAGIC[..], &frame(&subject())].concat();
        let mut ends = Vec::new();
        for record in &records {
            bytes.extend(frame(record));
            ends.push(bytes.len() as u64);
        }
        (bytes, records, ends)
    }

    fn ending() -> Ending {
        Ending {
            damage: Some("it is cut short".to_owned()),
            ..Ending::default()
        }
    }

    fn read(archive: u64, bytes: u64) -> SourcePrefix {
        SourcePrefix {
            archive,
            bytes,
            hash: 0,
        }
    }

    fn find(bytes: &[u8], most: u64, read: u64) -> Option<Found> {
        let read = self::read(3, read);
        last_before(&mut Cursor::new(bytes), &subject(), most, Some(&read)).expect("memory can be read")
    }

    /// What the first `count` records say together.
    fn expected(records: &[Record], ends: &[u64], count: usize) -> Option<Found> {
        let last = records[..count].last()?;
        Some(Found {
            archive: 3,
            point: Some(SeekPoint::decode(last.point.as_ref().expect("a point")).expect("a point")),
            endings: records[..count]
                .iter()
                .flat_map(|record| record.endings.clone())
                .collect(),
            passed: last.passed,
            names: Known {
                ids: records[..count]
                    .iter()
                    .flat_map(|record| record.names.ids.clone())
                    .collect(),
                repeated: last.names.repeated.clone(),
            },
            end: ends[count - 1],
        })
    }

    #[test]
    fn the_last_place_is_found_that_lies_behind_nothing_new() {
        let (bytes, records, ends) = index(points());
        for count in 0..=records.len() {
            let most = 10 * count as u64;
            assert_eq!(find(&bytes, most, u64::MAX), expected(&records, &ends, count));
            assert_eq!(find(&bytes, most + 9, u64::MAX), expected(&records, &ends, count));
        }
        for (count, record) in (1..).zip(&records) {
            assert_eq!(find(&bytes, u64::MAX, record.file), expected(&records, &ends, count));
            assert_eq!(
                find(&bytes, u64::MAX, record.file - 1),
                expected(&records, &ends, count - 1)
            );
        }
    }

    #[test]
    fn in_archives_of_which_nothing_is_known_only_beginnings_count() {
        let (mut bytes, records, _) = index(points());
        let last = records.last().expect("there are some");
        let passed = Passed {
            wanted: last.passed.wanted + 5,
            ..last.passed
        };
        let beginning = Record {
            archive: 4,
            passed,
            file: 0,
            names: Known {
                ids: vec![1000],
                repeated: None,
            },
            endings: vec![ending()],
            point: None,
        };
        bytes.extend(frame(&beginning));
        // In archive 4, and in one that is not read in order.
        for read in [Some(read(4, 10)), None] {
            let mut index = Cursor::new(&bytes);
            let found = last_before(&mut index, &subject(), u64::MAX, read.as_ref()).expect("memory can be read");
            let found = found.expect("a beginning");
            assert_eq!((found.archive, found.point.is_none(), found.passed), (4, true, passed));
            assert_eq!((found.names.ids.len(), found.endings.len()), (2 * records.len() + 1, 2));
            let most = passed.wanted - 1;
            let found = last_before(&mut Cursor::new(&bytes), &subject(), most, read.as_ref());
            assert_eq!(
                found.expect("memory can be read"),
                None,
                "of archive 3 nothing is known"
            );
        }
    }

    #[test]
    fn an_index_of_another_run_says_nothing() {
        let (bytes, ..) = index(points());
        let input = Input {
            name: "--include".to_owned(),
            value: "*.json".to_owned(),
        };
        for other in [Subject::new(8, &[]), Subject::new(7, &[input])] {
            let found = last_before(&mut Cursor::new(&bytes), &other, u64::MAX, Some(&read(3, u64::MAX)));
            assert_eq!(found.expect("memory can be read"), None);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        /// Whatever happens to an index, what is found are its first records, or fewer.
        #[test]
        fn what_is_not_whole_is_not_there(cut in any::<Index>(), flip in prop::option::of((any::<Index>(), 0..8_u8))) {
            let (mut bytes, records, ends) = index(&points()[..3]);
            let mut good = bytes.len();
            if let Some((at, bit)) = flip {
                let at = at.index(bytes.len());
                bytes[at] ^= 1 << bit;
                good = at;
            }
            bytes.truncate(bytes.len() - cut.index(bytes.len()) / 3);
            let whole = ends.iter().filter(|end| **end <= good.min(bytes.len()) as u64).count();
            let start = MAGIC.len() + frame(&subject()).len();
            let whole = if good < start || bytes.len() < start { 0 } else { whole };
            prop_assert_eq!(find(&bytes, u64::MAX, u64::MAX), expected(&records, &ends, whole));
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), start in any::<bool>()) {
            let start = if start { [&MAGIC[..], &frame(&subject())].concat() } else { Vec::new() };
            prop_assert_eq!(find(&[start, bytes].concat(), u64::MAX, u64::MAX), None);
        }
    }
}

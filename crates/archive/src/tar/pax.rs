//! The records of a PAX header. Format: POSIX.1-2017, pax, "pax Extended Header".
//!
//! A record is `LENGTH KEYWORD=VALUE\n`, where the length counts the whole record. Values may hold newlines, so records
//! are found by their lengths alone.

use crate::error::PaxFault;

/// What is kept of the records that apply to a member: only what says where it is and what it is called.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Records {
    /// `path`, or `GNU.sparse.name` if that comes after it, as in Python's tarfile.
    pub(crate) path: Option<Vec<u8>>,
    /// `size`, in bytes.
    pub(crate) size: Option<u64>,
    /// `GNU.sparse.name`: what a sparse member is called, when its `path` is a stand-in for readers that do not know.
    pub(crate) sparse_name: Option<Vec<u8>>,
    /// Whether there was any `GNU.sparse.*`.
    pub(crate) sparse: bool,
    /// `GNU.volume.filename`: of which file from another volume the next member is the rest, under a name that stands in.
    /// Source: GNU tar, `src/buffer.c`, `add_chunk_header`.
    pub(crate) continued: Option<Vec<u8>>,
}

impl Records {
    /// Reads `bytes`; the last record of a keyword wins, over those that were there before too. An empty `path` is an empty
    /// name, as it is in GNU tar and Python's tarfile.
    pub(crate) fn read(&mut self, bytes: &[u8]) -> Result<(), PaxFault> {
        let mut rest = bytes;
        // GNU tar ends at a NUL: some writers count the padding into the header.
        while rest.first().is_some_and(|&byte| byte != 0) {
            let (record, after) = split_record(rest)?;
            self.apply(record)?;
            rest = after;
        }
        if rest.iter().any(|&byte| byte != 0) {
            return Err(PaxFault::Length);
        }
        Ok(())
    }

    /// Whether a header says more than once what a member is called, or how large it is.
    pub(crate) fn repeats(bytes: &[u8]) -> Result<bool, PaxFault> {
        let (mut paths, mut sizes, mut rest) = (0, 0, bytes);
        while rest.first().is_some_and(|&byte| byte != 0) {
            let (record, after) = split_record(rest)?;
            paths += usize::from(record.starts_with(b"path="));
            sizes += usize::from(record.starts_with(b"size="));
            rest = after;
        }
        Ok(paths > 1 || sizes > 1)
    }

    fn apply(&mut self, record: &[u8]) -> Result<(), PaxFault> {
        let equals = record.iter().position(|&byte| byte == b'=').ok_or(PaxFault::Keyword)?;
        let (keyword, value) = (&record[..equals], &record[equals + 1..]);
        match keyword {
            b"" => return Err(PaxFault::Keyword),
            b"path" => self.path = Some(value.to_vec()),
            b"size" => self.size = Some(decimal(value).ok_or(PaxFault::Size)?),
            b"GNU.sparse.name" => {
                self.sparse_name = Some(value.to_vec());
                self.path = self.sparse_name.clone();
            }
            b"GNU.volume.filename" => self.continued = Some(value.to_vec()),
            _ => {}
        }
        self.sparse |= keyword.starts_with(b"GNU.sparse.");
        Ok(())
    }
}

/// The first record without its length and newline, and what follows it.
fn split_record(bytes: &[u8]) -> Result<(&[u8], &[u8]), PaxFault> {
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 || bytes.get(digits) != Some(&b' ') {
        return Err(PaxFault::Length);
    }
    let length = decimal(&bytes[..digits])
        .and_then(|length| usize::try_from(length).ok())
        .ok_or(PaxFault::Extent)?;
    let record = bytes.get(digits + 1..length).ok_or(PaxFault::Extent)?;
    let record = record.strip_suffix(b"\n").ok_or(PaxFault::Extent)?;
    Ok((record, &bytes[length..]))
}

/// Decimal digits, at least one, and nothing else, as far as they fit.
fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |value, &digit| {
        let digit = char::from(digit).to_digit(10)?;
        value.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn path(path: &[u8]) -> Records {
        Records {
            path: Some(path.to_vec()),
            ..Records::default()
        }
    }

    fn size(size: u64) -> Records {
        Records {
            size: Some(size),
            ..Records::default()
        }
    }

    #[test]
    fn records() {
        let sparse = Records {
            sparse: true,
            ..Records::default()
        };
        let continued = Records {
            continued: Some(b"a".to_vec()),
            ..Records::default()
        };
        let cases: &[(&[u8], Result<Records, PaxFault>)] = &[
            (b"", Ok(Records::default())),
            (b"12 path=a/b\n", Ok(path(b"a/b"))),
            (b"9 path=a\n9 path=b\n", Ok(path(b"b"))),
            (b"9 path=a\n8 path=\n", Ok(path(b""))),
            (b"21 path=a\n9 path=bcd\n", Ok(path(b"a\n9 path=bcd"))),
            (b"12 path=a=b\n", Ok(path(b"a=b"))),
            (b"011 path=ab\n", Err(PaxFault::Extent)),
            (b"011 path=a\n", Ok(path(b"a"))),
            (b"9 path=a\n\0\0\0", Ok(path(b"a"))),
            (b"10 size=12\n", Err(PaxFault::Extent)),
            (b"11 size=12\n", Ok(size(12))),
            (b"10 size=1\n", Ok(size(1))),
            (b"9 size=1\n10 size=22\n", Err(PaxFault::Extent)),
            (b"9 size=1\n11 size=22\n", Ok(size(22))),
            (b"8 size=\n", Err(PaxFault::Size)),
            (b"10 size=-1\n", Err(PaxFault::Extent)),
            (b"11 size=-1\n", Err(PaxFault::Size)),
            (b"11 size=+1\n", Err(PaxFault::Size)),
            (b"12 size=1.0\n", Err(PaxFault::Size)),
            (b"28 size=18446744073709551615\n", Err(PaxFault::Extent)),
            (b"29 size=18446744073709551615\n", Ok(size(u64::MAX))),
            (b"29 size=18446744073709551616\n", Err(PaxFault::Size)),
            (b"25 GNU.volume.filename=a\n", Ok(continued)),
            (b"22 GNU.sparse.major=1\n", Ok(sparse.clone())),
            (b"23 GNU.sparse.major=1\n", Err(PaxFault::Extent)),
            (b"22 GNU.sparse.size=10\n", Ok(sparse)),
            (b"10 comment\n", Err(PaxFault::Extent)),
            (b"11 comment\n", Err(PaxFault::Keyword)),
            (b"6 =ab\n", Err(PaxFault::Keyword)),
            (b"path=a\n", Err(PaxFault::Length)),
            (b" 9 path=a\n", Err(PaxFault::Length)),
            (b"9\tpath=a\n", Err(PaxFault::Length)),
            (b"9 path=a", Err(PaxFault::Extent)),
            (b"99 path=a\n", Err(PaxFault::Extent)),
            (b"1 path=a\n", Err(PaxFault::Extent)),
            (b"0 path=a\n", Err(PaxFault::Extent)),
            (b"99999999999999999999999 path=a\n", Err(PaxFault::Extent)),
            (b"9 path=a\n\0junk", Err(PaxFault::Length)),
        ];
        for (bytes, expected) in cases {
            let mut records = Records::default();
            let result = records.read(bytes).map(|()| records);
            assert_eq!(result, *expected, "{:?}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn records_go_over_those_before() {
        let mut records = path(b"global");
        records.read(b"9 size=7\n").expect("a valid record");
        assert_eq!(
            records,
            Records {
                size: Some(7),
                ..path(b"global")
            }
        );
        records.read(b"8 path=\n").expect("a valid record");
        assert_eq!(records.path.as_deref(), Some(&b""[..]));
    }

    proptest! {
        #[test]
        fn values_of_any_bytes_come_back(paths in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 1..5)) {
            let bytes: Vec<u8> = paths.iter().flat_map(|value| record(b"path", value)).collect();
            let mut records = Records::default();
            records.read(&bytes).expect("valid records");
            prop_assert_eq!(records.path.as_ref(), paths.last());
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in "[0-9 a-z=\n\0]{0,60}") {
            let mut records = Records::default();
            let _verdict = records.read(bytes.as_bytes());
        }
    }

    /// A record with its length, which counts its own digits.
    fn record(keyword: &[u8], value: &[u8]) -> Vec<u8> {
        let rest = [b" ", keyword, b"=", value, b"\n"].concat();
        let mut length = rest.len();
        while length != rest.len() + length.to_string().len() {
            length = rest.len() + length.to_string().len();
        }
        [length.to_string().as_bytes(), &rest].concat()
    }
}

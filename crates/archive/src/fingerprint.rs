//! What tells one archive's file from another: its length, and a hash of its content.
//!
//! A file of up to [`WHOLE`] bytes is hashed as a whole. Of a larger one, [`BLOCKS`] blocks of [`BLOCK`] bytes each are
//! hashed one after another: spread evenly, the first at the file's start and the last at its end. Which blocks these
//! are depends on the length alone. Hash: XXH3, 64 bits, seed 0.

use std::fmt;
use std::fs::File;
use std::hash::Hasher as _;
use std::io;

use twox_hash::XxHash3_64;

use crate::raw::read_at_most;

/// The length of the largest file of which every byte counts: 64 MiB.
const WHOLE: u64 = 64 * 1024 * 1024;
/// How many blocks of a larger file count.
const BLOCKS: u64 = 256;
/// The length of such a block, and of what is read at once: 64 KiB.
pub(crate) const BLOCK: u64 = 64 * 1024;

/// Tells whether an archive has the content that it had before. Neither its path nor its times count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint {
    /// The file's length in bytes.
    pub len: u64,
    /// The XXH3 hash of 64 bits, with seed 0: of every byte of a file of up to 64 MiB, of 256 blocks of 64 KiB of a
    /// larger one.
    pub hash: u64,
}

impl Fingerprint {
    /// The length of the largest file of which every byte counts: 64 MiB.
    pub const WHOLE: u64 = WHOLE;

    /// The fingerprint of a regular file as it is now.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn of(file: &File) -> io::Result<Fingerprint> {
        let len = file.metadata()?.len();
        fingerprint(file, len, len).map_err(|(_, error)| error)
    }
}

impl fmt::Display for Fingerprint {
    /// The hash alone, as 16 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.hash)
    }
}

/// The fingerprint of a file of this length, among files of `total` bytes: of all of them together, as much is read as of one
/// that is as large, though of each at least a block. A failure comes with the offset in the file at which it happened.
pub(crate) fn fingerprint(file: &File, len: u64, total: u64) -> Result<Fingerprint, (u64, io::Error)> {
    let mut hasher = XxHash3_64::new();
    let count = match total <= WHOLE {
        true => len.div_ceil(BLOCK),
        // In u128, because the product may not fit in u64.
        false => (u128::from(BLOCKS) * u128::from(len) / u128::from(total)) as u64,
    };
    for start in starts(len, count) {
        hash(file, start, (len - start).min(BLOCK), &mut hasher)?;
    }
    let hash = hasher.finish();
    Ok(Fingerprint { len, hash })
}

/// Where the blocks start that count of so many bytes, however many files they lie in.
pub(crate) fn samples(len: u64) -> impl Iterator<Item = u64> {
    starts(len, BLOCKS)
}

/// Where `count` blocks start that are spread evenly, but all of them where there are no more; and at least one, the last,
/// since what is compressed ends with a checksum of all of it.
fn starts(len: u64, count: u64) -> impl Iterator<Item = u64> {
    let all = len.div_ceil(BLOCK);
    let last = count.max(1).min(all);
    let is_whole = last == all;
    (0..last).map(move |number| match (is_whole, last) {
        (true, _) => number * BLOCK,
        (false, 1) => len - BLOCK,
        // In u128, because the product of a length and a count may not fit in u64.
        (false, _) => (u128::from(len - BLOCK) * u128::from(number) / u128::from(last - 1)) as u64,
    })
}

/// Hashes `len` bytes from `start`, at most [`BLOCK`].
fn hash(file: &File, start: u64, len: u64, hasher: &mut XxHash3_64) -> Result<(), (u64, io::Error)> {
    let mut buffer = [0; BLOCK as usize];
    let mut filled = 0;
    while filled < len as usize {
        let at = start + filled as u64;
        match read_at_most(file, &mut buffer[filled..len as usize], at) {
            Ok(0) => {
                return Err((
                    at,
                    io::Error::new(io::ErrorKind::UnexpectedEof, "the file became shorter"),
                ));
            }
            Ok(read) => filled += read,
            Err(error) => return Err((at, error)),
        }
    }
    hasher.write(&buffer[..filled]);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_file_is_covered_without_a_gap() {
        for len in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, WHOLE - 1, WHOLE] {
            let mut end = 0;
            for start in starts(len, len.div_ceil(BLOCK)) {
                assert_eq!(start, end, "of {len}");
                end = (start + BLOCK).min(len);
            }
            assert_eq!(end, len);
        }
    }

    #[test]
    fn of_one_among_many_at_least_its_last_block_counts() {
        let all = |len, count| starts(len, count).collect::<Vec<_>>();
        assert_eq!(all(10 * BLOCK + 1, 0), [9 * BLOCK + 1]);
        assert_eq!(all(10 * BLOCK, 2), [0, 9 * BLOCK]);
        assert_eq!(all(2 * BLOCK, 7), [0, BLOCK]);
        assert_eq!(all(5, 0), [0]);
        assert_eq!(all(0, 0), [0; 0]);
    }

    #[test]
    fn a_large_file_is_sampled_evenly_from_its_first_byte_to_its_last() {
        for len in [WHOLE + 1, WHOLE * 2 + 12_345, 50_000_000_000, u64::MAX] {
            let starts: Vec<u64> = starts(len, BLOCKS).collect();
            assert_eq!(starts.len(), 256);
            assert_eq!((starts[0], starts[255]), (0, len - BLOCK), "of {len}");
            let gaps: Vec<u64> = starts.windows(2).map(|two| two[1] - two[0]).collect();
            let (least, most) = (gaps.iter().min().unwrap(), gaps.iter().max().unwrap());
            assert!(*least >= BLOCK && most - least <= 1, "of {len}: {least} to {most}");
        }
    }
}

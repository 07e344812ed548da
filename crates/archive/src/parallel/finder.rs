//! Finding where a deflate block may start.
//!
//! Nothing in a deflate stream marks its blocks, but little else looks like one: a dynamic block starts with complete
//! codes, and a stored one says its length twice. A find is a guess. It counts only if whoever decodes what is before
//! ends there. Fixed blocks are not found: they start with 3 bits and nothing else to tell them by.
//!
//! Source: Knespel and Brunst, "Rapidgzip: Parallel Decompression and Seeking in Gzip Files Using Cache Prefetching",
//! HPDC 2023, section 3.4.

use super::bits::Bits;
use super::deflate::{Input, read_codes};
use super::huffman::Codes;

/// The bits of a dynamic block's start, without the lengths of the code of code lengths.
const DYNAMIC_HEAD: u32 = 17;

/// Finds the first bit in `from..until`, both of the file, at which a block may start. `codes` are scratch.
pub(super) fn find(input: Input<'_>, from: u64, until: u64, codes: &mut Codes) -> Option<u64> {
    let base = input.offset * 8;
    let start = usize::try_from(from.checked_sub(base)?).ok()?;
    let until = usize::try_from(until.saturating_sub(base)).unwrap_or(usize::MAX);
    let end = until.min(input.bytes.len() * 8);
    let found = (start..end).find(|&bit| is_stored(input.bytes, bit) || is_dynamic(input.bytes, bit, codes))?;
    Some(base + found as u64)
}

/// Where a stored block that is not the last one seems to start when it starts at this bit of the file. There are
/// several bits at which the same block can start, if nothing but zeros is from there to the byte where its length is:
/// they have one name.
pub(super) fn canonical(input: Input<'_>, bit: u64) -> u64 {
    let base = input.offset * 8;
    let aligned = (bit + 3).next_multiple_of(8);
    let is_zero = |bit: u64| {
        let byte = usize::try_from((bit - base) / 8)
            .ok()
            .and_then(|at| input.bytes.get(at));
        byte.is_some_and(|byte| byte >> (bit % 8) & 1 == 0)
    };
    if bit >= base && (bit..aligned).all(is_zero) {
        aligned - 3
    } else {
        bit
    }
}

/// Whether a stored block may start at this bit, by its canonical name.
#[inline(always)]
fn is_stored(bytes: &[u8], bit: usize) -> bool {
    if bit % 8 != 5 {
        return false;
    }
    let at = bit / 8;
    let Some(word) = bytes.get(at..at + 5) else {
        return false;
    };
    let length = u16::from_le_bytes([word[1], word[2]]);
    let complement = u16::from_le_bytes([word[3], word[4]]);
    word[0] >> 5 == 0 && length == !complement && length > 0
}

/// Whether a dynamic block may start at this bit.
#[inline(always)]
fn is_dynamic(bytes: &[u8], bit: usize, codes: &mut Codes) -> bool {
    let at = bit / 8;
    let Some(word) = bytes.get(at..at + 8) else {
        return false;
    };
    let word = u64::from_le_bytes(word.try_into().unwrap_or_default()) >> (bit % 8);
    let (literals, distances) = (word >> 3 & 31, word >> 8 & 31);
    if word >> 1 & 3 != 2 || literals > 29 || distances > 29 {
        return false;
    }
    has_length_code(bytes, bit, word) && read_codes(&mut Bits::at(bytes, bit + 3), codes).is_some()
}

/// Whether the code of code lengths is complete.
fn has_length_code(bytes: &[u8], bit: usize, word: u64) -> bool {
    let count = (word >> 13 & 15) as u32 + 4;
    let mut bits = Bits::at(bytes, bit + DYNAMIC_HEAD as usize);
    // All lengths are at most 57 bits, of which 56 are there at once.
    let first = bits.take(3);
    let rest = bits.take(54.min(3 * (count - 1)));
    let share = |length: u64| if length == 0 { 0 } else { 128 >> length };
    let used = share(first) + (0..18).map(|index| share(rest >> (3 * index) & 7)).sum::<u64>();
    used == 128
}

//! Strings of a valid document.

const ONES: u64 = 0x0101_0101_0101_0101;

/// Whether one of eight bytes is a backslash.
#[inline(always)]
pub(super) fn has_backslash_in(bytes: [u8; 8]) -> bool {
    marks(bytes) != 0
}

/// Marks the first of eight bytes that is a backslash, and none before it.
#[inline(always)]
fn marks(bytes: [u8; 8]) -> u64 {
    let word = u64::from_le_bytes(bytes) ^ (ONES * b'\\' as u64);
    word.wrapping_sub(ONES) & !word & (ONES << 7)
}

/// Whether there is a backslash from `from` on and before `until`.
#[inline(always)]
pub(super) fn has_backslash(text: &[u8], mut from: usize, until: usize) -> bool {
    while from < until {
        let Some(chunk) = text[from..].first_chunk() else {
            return text[from..until].contains(&b'\\');
        };
        let marks = marks(*chunk);
        if marks != 0 {
            return ((marks.trailing_zeros() / 8) as usize) < until - from;
        }
        from += 8;
    }
    false
}

/// Whether what is written between two quotes has the escape of a surrogate without its other half.
pub(super) fn has_lone_surrogate(mut rest: &[u8]) -> bool {
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        rest = &rest[at..];
        rest = match code_unit(rest) {
            Some(0xdc00..=0xdfff) => return true,
            Some(0xd800..=0xdbff) => match code_unit(&rest[6..]) {
                Some(0xdc00..=0xdfff) => &rest[12..],
                _ => return true,
            },
            Some(_) => &rest[6..],
            None => &rest[2..],
        };
    }
    false
}

/// The code unit of an escape `\uXXXX` at the start of `rest`, if there is one.
fn code_unit(rest: &[u8]) -> Option<u32> {
    let digits = rest.strip_prefix(b"\\u")?.get(..4)?;
    u32::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
}

//! Where brackets, commas and quotes are among 64 bytes, so that an array is not looked at byte by byte.

#![cfg_attr(
    target_arch = "x86_64",
    expect(
        unsafe_code,
        reason = "the processor's instructions for sixteen bytes at a time are unsafe to call"
    )
)]

/// How many bytes are looked at together.
pub(crate) const BLOCK_BYTES: usize = 64;

/// Which of 64 bytes are what: a bit for each, the first byte's is the lowest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    pub(crate) quotes: u64,
    pub(crate) backslashes: u64,
    /// `[` and `{`.
    pub(crate) opening: u64,
    /// `]` and `}`.
    pub(crate) closing: u64,
    pub(crate) commas: u64,
}

/// The bit by which each bracket differs from its like.
const BRACE: u8 = b'{' ^ b'[';

impl Marks {
    /// Those of a block.
    #[cfg(target_arch = "x86_64")]
    pub(crate) fn of(block: &[u8; BLOCK_BYTES]) -> Marks {
        // SAFETY: SSE2 is a part of x86-64: there is no such processor without it.
        unsafe { Marks::of_sse2(block) }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "sse2")]
    fn of_sse2(block: &[u8; BLOCK_BYTES]) -> Marks {
        use std::arch::x86_64::{_mm_cmpeq_epi8, _mm_movemask_epi8, _mm_or_si128, _mm_set_epi64x, _mm_set1_epi8};

        let mut marks = Marks::default();
        let (words, _) = block.as_chunks::<8>();
        for (position, pair) in words.chunks_exact(2).enumerate() {
            let word = |word: &[u8; 8]| i64::from_le_bytes(*word);
            let bytes = _mm_set_epi64x(word(&pair[1]), word(&pair[0]));
            let braces = _mm_or_si128(bytes, _mm_set1_epi8(BRACE.cast_signed()));
            let set = |bytes, of: u8| {
                let equal = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(of.cast_signed()));
                // The bits of sixteen bytes.
                u64::from(_mm_movemask_epi8(equal).cast_unsigned()) << (16 * position)
            };
            marks.quotes |= set(bytes, b'"');
            marks.backslashes |= set(bytes, b'\\');
            marks.opening |= set(braces, b'{');
            marks.closing |= set(braces, b'}');
            marks.commas |= set(bytes, b',');
        }
        marks
    }

    /// Those of a block.
    #[cfg(not(target_arch = "x86_64"))]
    pub(crate) fn of(block: &[u8; BLOCK_BYTES]) -> Marks {
        let set = |or: u8, of: u8| {
            let bits = block.iter().zip(0..).map(|(byte, at)| u64::from(byte | or == of) << at);
            bits.fold(0, |set, bit| set | bit)
        };
        Marks {
            quotes: set(0, b'"'),
            backslashes: set(0, b'\\'),
            opening: set(BRACE, b'{'),
            closing: set(BRACE, b'}'),
            commas: set(0, b','),
        }
    }

    /// Which bytes are inside strings, the quotes that begin them included, if there are no backslashes; `is_string` says
    /// whether the first byte is.
    pub(crate) fn strings(&self, is_string: bool) -> u64 {
        let mut strings = self.quotes;
        for shift in [1, 2, 4, 8, 16, 32] {
            strings ^= strings << shift;
        }
        if is_string { !strings } else { strings }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn marks_are_where_the_bytes_are(
            bytes in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(&b"\"\\[]{},"[..])], BLOCK_BYTES),
            is_string in any::<bool>(),
        ) {
            let marks = Marks::of(bytes.as_slice().try_into().unwrap());
            let mut inside = is_string;
            for (position, byte) in bytes.iter().enumerate() {
                let is = |set: u64| set >> position & 1 == 1;
                prop_assert_eq!(is(marks.quotes), *byte == b'"');
                prop_assert_eq!(is(marks.backslashes), *byte == b'\\');
                prop_assert_eq!(is(marks.opening), matches!(byte, b'[' | b'{'));
                prop_assert_eq!(is(marks.closing), matches!(byte, b']' | b'}'));
                prop_assert_eq!(is(marks.commas), *byte == b',');
                inside ^= *byte == b'"';
                prop_assert_eq!(is(marks.strings(is_string)), inside);
            }
        }
    }
}

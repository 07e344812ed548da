//! The lens of x86-64 with AVX2: 32 bytes a comparison; sets are plain words.
#![expect(
    unsafe_code,
    reason = "the processor's vector instructions are only had through its intrinsics"
)]

use std::arch::x86_64::*;

use super::lens::{Bits, Bytes, Classes, Lens, ROW, WORDS};
use super::portable::Plain;
use super::words::OneByOne;

/// Looks up white space by the low half of a byte: the byte that has this half and is white space, or one that has not
/// this half, and so is equal to none that is looked up.
const SPACES: [u8; 32] = *b" \0\0\0\0\0\0\0\0\t\n\0\0\r\0\0 \0\0\0\0\0\0\0\0\t\n\0\0\r\0\0";

/// Stands for a processor that has what [`Avx2::new`] asks for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Avx2(());

impl Avx2 {
    /// The lens, if the processor has what it needs: Intel's from Haswell, AMD's from Excavator on.
    pub(super) fn new() -> Option<Self> {
        let there = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("lzcnt")
            && is_x86_feature_detected!("popcnt");
        there.then_some(Self(()))
    }
}

impl Lens for Avx2 {
    type Set = Plain;
    type Words = OneByOne<Self>;

    #[inline(always)]
    fn classify(self, row: &[u8; ROW]) -> Classes<Self> {
        let (blocks, _) = row.as_chunks::<64>();
        let mut bytes = Bytes::none(Plain([0; WORDS]));
        let mut non_ascii = 0;
        for (word, block) in blocks.iter().enumerate() {
            // SAFETY: the processor has AVX2, or there were no such lens; the loads are of the 64 bytes of the block and of
            // the 32 of the table, and need no alignment.
            unsafe {
                let halves = [
                    _mm256_loadu_si256(block.as_ptr().cast()),
                    _mm256_loadu_si256(block.as_ptr().add(32).cast()),
                ];
                let spaces = _mm256_loadu_si256(SPACES.as_ptr().cast());
                let looked_up = [
                    _mm256_shuffle_epi8(spaces, halves[0]),
                    _mm256_shuffle_epi8(spaces, halves[1]),
                ];
                let bit = _mm256_set1_epi8(0x20);
                let folded = [_mm256_or_si256(halves[0], bit), _mm256_or_si256(halves[1], bit)];
                let zero = _mm256_set1_epi8(b'0' as i8);
                let values = [_mm256_sub_epi8(halves[0], zero), _mm256_sub_epi8(halves[1], zero)];
                bytes.quote.0[word] = equal(halves, b'"');
                bytes.backslash.0[word] = equal(halves, b'\\');
                bytes.control.0[word] = at_most(halves, 0x1f);
                bytes.space.0[word] = marks([
                    _mm256_cmpeq_epi8(looked_up[0], halves[0]),
                    _mm256_cmpeq_epi8(looked_up[1], halves[1]),
                ]);
                bytes.open.0[word] = equal(folded, b'{');
                bytes.close.0[word] = equal(folded, b'}');
                bytes.brace.0[word] = equal(halves, b'{') | equal(halves, b'}');
                bytes.comma.0[word] = equal(halves, b',');
                bytes.colon.0[word] = equal(halves, b':');
                bytes.digit.0[word] = at_most(values, 9);
                bytes.zero.0[word] = equal(halves, b'0');
                bytes.minus.0[word] = equal(halves, b'-');
                bytes.dot.0[word] = equal(halves, b'.');
                non_ascii |= marks(halves);
            }
        }
        bytes.non_ascii = non_ascii != 0;
        Classes { bytes, letters: () }
    }

    #[inline(always)]
    fn set(self, bits: Bits) -> Plain {
        Plain(bits)
    }
}

/// The high bits of 64 bytes.
///
/// # Safety
///
/// The processor has AVX2.
#[inline(always)]
unsafe fn marks(halves: [__m256i; 2]) -> u64 {
    // SAFETY: the caller has seen to it.
    let [low, high] = unsafe { [_mm256_movemask_epi8(halves[0]), _mm256_movemask_epi8(halves[1])] };
    u64::from(low as u32) | u64::from(high as u32) << 32
}

/// Which bytes are `byte`.
///
/// # Safety
///
/// The processor has AVX2.
#[inline(always)]
unsafe fn equal(halves: [__m256i; 2], byte: u8) -> u64 {
    // SAFETY: the caller has seen to it.
    unsafe {
        let byte = _mm256_set1_epi8(byte as i8);
        marks([_mm256_cmpeq_epi8(halves[0], byte), _mm256_cmpeq_epi8(halves[1], byte)])
    }
}

/// Which bytes are at most `limit`.
///
/// # Safety
///
/// The processor has AVX2.
#[inline(always)]
unsafe fn at_most(halves: [__m256i; 2], limit: u8) -> u64 {
    // SAFETY: the caller has seen to it.
    unsafe {
        let limit = _mm256_set1_epi8(limit as i8);
        marks([
            _mm256_cmpeq_epi8(_mm256_min_epu8(halves[0], limit), halves[0]),
            _mm256_cmpeq_epi8(_mm256_min_epu8(halves[1], limit), halves[1]),
        ])
    }
}

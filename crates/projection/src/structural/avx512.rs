//! The lens of x86-64 with AVX-512: 64 bytes a comparison, and a whole set in one register.
#![expect(
    unsafe_code,
    reason = "the processor's vector instructions are only had through its intrinsics"
)]

use std::arch::x86_64::*;
use std::ops::{BitAnd, BitOr, BitXor, Not};

use super::lens::{Bits, Bytes, Classes, LIST, Lens, ROW, Set, WORDS};
use super::words::{Letters, Together};

/// For each byte of ASCII eight bits from which its kinds follow (see [`Avx512::classify`]). The first two say which
/// group it is of: both, what strings need; the first alone, brackets and separators; the second alone, numbers. What the
/// others say depends on the group. Those of neither are the letters of words, and all that has no kind.
const CODES: [u8; 128] = {
    const STRUCTURE: u8 = 1;
    const NUMBER: u8 = 2;
    const STRING: u8 = STRUCTURE | NUMBER;
    const A: u8 = 4;
    const B: u8 = 8;
    const C: u8 = 16;
    const D: u8 = 32;
    const E: u8 = 64;
    const F: u8 = 128;
    let mut codes = [0; 128];
    let mut control = 0;
    while control < 0x20 {
        codes[control] = STRING | C;
        control += 1;
    }
    codes[b'\t' as usize] = STRING | C | D;
    codes[b'\n' as usize] = STRING | C | D;
    codes[b'\r' as usize] = STRING | C | D;
    codes[b' ' as usize] = STRING | D;
    codes[b'"' as usize] = STRING | A;
    codes[b'\\' as usize] = STRING | B;
    codes[b'{' as usize] = STRUCTURE | A | C;
    codes[b'[' as usize] = STRUCTURE | A;
    codes[b'}' as usize] = STRUCTURE | B | C;
    codes[b']' as usize] = STRUCTURE | B;
    codes[b':' as usize] = STRUCTURE | D;
    codes[b',' as usize] = STRUCTURE | E;
    let mut digit = b'0';
    while digit <= b'9' {
        codes[digit as usize] = NUMBER | A;
        digit += 1;
    }
    codes[b'0' as usize] = NUMBER | A | E;
    codes[b'-' as usize] = NUMBER | B;
    codes[b'.' as usize] = NUMBER | C;
    codes[b't' as usize] = A;
    codes[b'r' as usize] = B;
    codes[b'a' as usize] = A | B;
    codes[b'u' as usize] = C;
    codes[b'e' as usize] = D;
    codes[b'f' as usize] = C | D;
    codes[b'l' as usize] = E;
    codes[b'n' as usize] = F;
    codes[b's' as usize] = E | F;
    codes
};

/// Turns around every eight bytes.
const TURN: [u8; 64] = {
    let mut order = [0; 64];
    let mut at = 0;
    while at < 64 {
        order[at] = (at ^ 7) as u8;
        at += 1;
    }
    order
};

/// From two blocks whose bytes `8 * g + k` have kind `k` of their bytes `8 * g..8 * g + 8`: of four kinds from `first` on,
/// the eight bytes of the one block and then of the other.
const fn zip(first: usize) -> [u8; 64] {
    let mut order = [0; 64];
    let mut at = 0;
    while at < 64 {
        let (word, group) = (at / 8, at % 8);
        order[at] = (64 * (word % 2) + 8 * group + first + word / 2) as u8;
        at += 1;
    }
    order
}

const ZIP_FIRST: [u8; 64] = zip(0);
const ZIP_LAST: [u8; 64] = zip(4);

const COUNT: [u8; 64] = {
    let mut order = [0; 64];
    let mut at = 0;
    while at < 64 {
        order[at] = at as u8;
        at += 1;
    }
    order
};

/// How far ahead of the row that is looked at memory is asked for, in bytes.
const AHEAD: usize = 4 * ROW;

/// Stands for a processor that has what [`Avx512::new`] asks for. No other code of this module can be reached without.
#[derive(Debug, Clone, Copy)]
pub(super) struct Avx512(());

impl Avx512 {
    /// The lens, if the processor has what it needs: Intel's from Ice Lake, AMD's from Zen 4 on.
    pub(super) fn new() -> Option<Self> {
        let there = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vbmi")
            && is_x86_feature_detected!("avx512vbmi2")
            && is_x86_feature_detected!("gfni")
            && is_x86_feature_detected!("vpclmulqdq")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("lzcnt")
            && is_x86_feature_detected!("popcnt");
        there.then_some(Self(()))
    }
}

/// A set in one register. There is one only where there is an [`Avx512`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Zmm(__m512i);

impl BitAnd for Zmm {
    type Output = Self;

    #[inline(always)]
    fn bitand(self, other: Self) -> Self {
        // SAFETY: the processor has AVX-512, or there were no such set.
        Self(unsafe { _mm512_and_si512(self.0, other.0) })
    }
}

impl BitOr for Zmm {
    type Output = Self;

    #[inline(always)]
    fn bitor(self, other: Self) -> Self {
        // SAFETY: the processor has AVX-512, or there were no such set.
        Self(unsafe { _mm512_or_si512(self.0, other.0) })
    }
}

impl BitXor for Zmm {
    type Output = Self;

    #[inline(always)]
    fn bitxor(self, other: Self) -> Self {
        // SAFETY: the processor has AVX-512, or there were no such set.
        Self(unsafe { _mm512_xor_si512(self.0, other.0) })
    }
}

impl Not for Zmm {
    type Output = Self;

    #[inline(always)]
    fn not(self) -> Self {
        // SAFETY: the processor has AVX-512, or there were no such set.
        Self(unsafe { _mm512_xor_si512(self.0, _mm512_set1_epi64(-1)) })
    }
}

impl Set for Zmm {
    /// The row before.
    type Carry = Self;

    #[inline(always)]
    fn carry(last: bool) -> Self {
        // SAFETY: the grammar that asks for it was given an `Avx512`.
        Self(unsafe { _mm512_set1_epi64(if last { i64::MIN } else { 0 }) })
    }

    #[inline(always)]
    fn any(self) -> bool {
        // SAFETY: the processor has AVX-512, or there were no such set.
        unsafe { _mm512_test_epi64_mask(self.0, self.0) != 0 }
    }

    #[inline(always)]
    fn bits(self) -> Bits {
        let mut bits = [0; WORDS];
        // SAFETY: the processor has AVX-512, or there were no such set; a set has as many bytes as its words.
        unsafe { _mm512_storeu_si512(bits.as_mut_ptr().cast(), self.0) };
        bits
    }

    #[inline(always)]
    fn next(self, carry: &mut Self) -> Self {
        // SAFETY: the processor has AVX-512, or there were no such set.
        unsafe {
            // For each word the one before; the last of the row before for the first.
            let before = _mm512_alignr_epi64::<7>(self.0, carry.0);
            *carry = self;
            Self(_mm512_shldi_epi64::<1>(self.0, before))
        }
    }

    #[inline(always)]
    fn add(self, other: Self, carry: &mut u64) -> Self {
        // SAFETY: the processor has AVX-512, or there were no such set.
        unsafe {
            let ones = _mm512_set1_epi64(-1);
            let sum = _mm512_add_epi64(self.0, other.0);
            let over = u64::from(_mm512_cmplt_epu64_mask(sum, self.0));
            let full = u64::from(_mm512_cmpeq_epi64_mask(sum, ones));
            // A word that is full hands on what it gets: an addition of the masks does that for all words.
            let carries = (over << 1 | *carry) + full;
            *carry = carries >> WORDS;
            Self(_mm512_mask_sub_epi64(sum, (carries ^ full) as __mmask8, sum, ones))
        }
    }

    #[inline(always)]
    fn parity(self, carry: &mut u64) -> Self {
        // SAFETY: the processor has AVX-512 and VPCLMULQDQ, or there were no such set.
        unsafe {
            let ones = _mm512_set1_epi64(-1);
            // The low word of a carry-less product with all ones has the parities.
            let even = _mm512_clmulepi64_epi128::<0x00>(self.0, ones);
            let odd = _mm512_clmulepi64_epi128::<0x01>(self.0, ones);
            let words = _mm512_unpacklo_epi64(even, odd);
            // The parity of a whole word is its top bit; those of the words before it turn a word around.
            let mut flips = u64::from(_mm512_movepi64_mask(words)) << 1 | *carry;
            flips ^= flips << 1;
            flips ^= flips << 2;
            flips ^= flips << 4;
            flips ^= flips << 8;
            *carry = flips >> WORDS & 1;
            Self(_mm512_mask_xor_epi64(words, flips as __mmask8, words, ones))
        }
    }
}

impl Lens for Avx512 {
    type Set = Zmm;
    type Words = Together<Self>;

    #[inline(always)]
    fn classify(self, row: &[u8; ROW]) -> Classes<Self> {
        let (blocks, _) = row.as_chunks::<64>();
        // SAFETY: the processor has what is used here, or there were no such lens; the loads are of 64 bytes that are
        // there, and need no alignment.
        unsafe {
            let mut any = _mm512_setzero_si512();
            for block in blocks {
                _mm_prefetch::<_MM_HINT_T0>(block.as_ptr().wrapping_add(AHEAD).cast());
                any = _mm512_or_si512(any, load(block));
            }
            let [structure, number, a, b, c, d, e, f] = codes_of(blocks);
            let string = structure & number;
            let neither = !(structure | number);
            let structure = structure & !string;
            let number = number & !string;
            let bytes = Bytes {
                quote: string & a,
                backslash: string & b,
                control: string & c,
                space: string & d,
                open: structure & a,
                close: structure & b,
                brace: structure & c,
                comma: structure & e,
                colon: structure & d,
                digit: number & a,
                zero: number & e,
                minus: number & b,
                dot: number & c,
                non_ascii: _mm512_movepi8_mask(any) != 0,
            };
            let [a, b, c, d, e, f] = [a, b, c, d, e, f].map(|set| set & neither);
            let letters = Letters {
                a: a & b,
                e: d & !c,
                f: c & d,
                l: e & !f,
                n: f & !e,
                r: b & !a,
                s: e & f,
                t: a & !b,
                u: c & !d,
            };
            Classes { bytes, letters }
        }
    }

    #[inline(always)]
    fn set(self, bits: Bits) -> Zmm {
        // SAFETY: the processor has AVX-512, or there were no such lens; a set has as many bytes as its words.
        Zmm(unsafe { _mm512_loadu_si512(bits.as_ptr().cast()) })
    }

    #[inline(always)]
    fn list(self, all: Zmm, sets: [Zmm; 4], at: u32, positions: &mut [u32; LIST], flags: &mut [u8; LIST]) -> usize {
        let all = all.bits();
        let sets = [sets[0].bits(), sets[1].bits(), sets[2].bits(), sets[3].bits()];
        let mut count = 0;
        for word in 0..WORDS {
            let number = all[word].count_ones() as usize;
            // SAFETY: the processor has AVX-512, or there were no such lens. What is stored at once is for 16 positions,
            // of which there are at most 64 a word: so no store reaches further than 64 positions behind the count, which
            // is at most 64 for each word before, and the lists have room for 64 more than a row has.
            unsafe {
                let mut to_position = positions.as_mut_ptr().add(count);
                let mut to_flags = flags.as_mut_ptr().add(count);
                let last = to_position.add(number);
                let mut places = _mm512_maskz_compress_epi8(all[word], load(&COUNT));
                let mut kinds = _mm512_maskz_set1_epi8(sets[0][word], 1);
                kinds = _mm512_mask_add_epi8(kinds, sets[1][word], kinds, _mm512_set1_epi8(2));
                kinds = _mm512_mask_add_epi8(kinds, sets[2][word], kinds, _mm512_set1_epi8(4));
                kinds = _mm512_mask_add_epi8(kinds, sets[3][word], kinds, _mm512_set1_epi8(8));
                kinds = _mm512_maskz_compress_epi8(all[word], kinds);
                let start = _mm512_set1_epi32((at + 64 * word as u32) as i32);
                loop {
                    let wide = _mm512_cvtepu8_epi32(_mm512_castsi512_si128(places));
                    _mm512_storeu_si512(to_position.cast(), _mm512_add_epi32(wide, start));
                    _mm_storeu_si128(to_flags.cast(), _mm512_castsi512_si128(kinds));
                    to_position = to_position.add(16);
                    to_flags = to_flags.add(16);
                    if to_position >= last {
                        break;
                    }
                    places = _mm512_alignr_epi64::<2>(places, places);
                    kinds = _mm512_alignr_epi64::<2>(kinds, kinds);
                }
            }
            count += number;
        }
        count
    }
}

/// # Safety
///
/// The processor has AVX-512.
#[inline(always)]
unsafe fn load(bytes: &[u8; 64]) -> __m512i {
    // SAFETY: the caller has seen to the processor; there are 64 bytes, and they need no alignment.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
}

/// The sets of the bytes whose codes have each of the eight bits.
///
/// A byte's code is looked up; then bits are transposed: eight by eight within words, then the bytes,
/// then the words.
///
/// # Safety
///
/// The processor has what an [`Avx512`] stands for.
#[inline(always)]
unsafe fn codes_of(blocks: &[[u8; 64]]) -> [Zmm; 8] {
    let (tables, _) = const { &CODES }.as_chunks::<64>();
    // SAFETY: the caller has seen to the processor.
    unsafe {
        let (low, high) = (load(&tables[0]), load(&tables[1]));
        let (turn, first, last) = (load(&TURN), load(&ZIP_FIRST), load(&ZIP_LAST));
        // Byte `k` of a word is bit `k` alone: the product with a matrix of bits picks out its column `k`.
        let columns = _mm512_set1_epi64(0x8040_2010_0804_0201_u64 as i64);
        let mut transposed = [_mm512_setzero_si512(); WORDS];
        for (at, block) in blocks.iter().enumerate() {
            // The product numbers rows from the other end.
            let block = _mm512_shuffle_epi8(load(block), turn);
            let ascii = !_mm512_movepi8_mask(block);
            let codes = _mm512_maskz_permutex2var_epi8(ascii, low, block, high);
            transposed[at] = _mm512_gf2p8affine_epi64_epi8::<0>(columns, codes);
        }
        let [a, b, c, d] = gather(&transposed, first);
        let [e, f, g, h] = gather(&transposed, last);
        [a, b, c, d, e, f, g, h]
    }
}

/// Four sets, from blocks with the kinds of eight bytes each in words, by one of the orders of [`zip`].
///
/// # Safety
///
/// The processor has what an [`Avx512`] stands for.
#[inline(always)]
unsafe fn gather(blocks: &[__m512i; WORDS], order: __m512i) -> [Zmm; 4] {
    let [a, b, c, d, e, f, g, h] = *blocks;
    // SAFETY: the caller has seen to the processor.
    unsafe {
        let ab = _mm512_permutex2var_epi8(a, order, b);
        let cd = _mm512_permutex2var_epi8(c, order, d);
        let ef = _mm512_permutex2var_epi8(e, order, f);
        let gh = _mm512_permutex2var_epi8(g, order, h);
        let low = _mm512_shuffle_i64x2::<0x44>(ab, cd);
        let low_after = _mm512_shuffle_i64x2::<0x44>(ef, gh);
        let high = _mm512_shuffle_i64x2::<0xee>(ab, cd);
        let high_after = _mm512_shuffle_i64x2::<0xee>(ef, gh);
        [
            Zmm(_mm512_shuffle_i64x2::<0x88>(low, low_after)),
            Zmm(_mm512_shuffle_i64x2::<0xdd>(low, low_after)),
            Zmm(_mm512_shuffle_i64x2::<0x88>(high, high_after)),
            Zmm(_mm512_shuffle_i64x2::<0xdd>(high, high_after)),
        ]
    }
}

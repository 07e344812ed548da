//! The lens of any machine: ordinary words, which compilers make the best of.

use std::ops::{BitAnd, BitOr, BitXor, Not};

use super::lens::{Bits, Bytes, Classes, Lens, ROW, Set, WORDS};
use super::words::OneByOne;

/// Needs nothing of the processor.
#[derive(Debug, Clone, Copy)]
pub(super) struct Portable;

/// A set as plain words.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plain(pub(super) Bits);

impl Plain {
    #[inline(always)]
    fn map(self, other: Self, f: impl Fn(u64, u64) -> u64) -> Self {
        Self(std::array::from_fn(|at| f(self.0[at], other.0[at])))
    }
}

impl BitAnd for Plain {
    type Output = Self;

    #[inline(always)]
    fn bitand(self, other: Self) -> Self {
        self.map(other, |left, right| left & right)
    }
}

impl BitOr for Plain {
    type Output = Self;

    #[inline(always)]
    fn bitor(self, other: Self) -> Self {
        self.map(other, |left, right| left | right)
    }
}

impl BitXor for Plain {
    type Output = Self;

    #[inline(always)]
    fn bitxor(self, other: Self) -> Self {
        self.map(other, |left, right| left ^ right)
    }
}

impl Not for Plain {
    type Output = Self;

    #[inline(always)]
    fn not(self) -> Self {
        self.map(self, |word, _| !word)
    }
}

impl Set for Plain {
    /// 0 or 1.
    type Carry = u64;

    #[inline(always)]
    fn carry(last: bool) -> u64 {
        u64::from(last)
    }

    #[inline(always)]
    fn any(self) -> bool {
        self.0.iter().fold(0, |all, word| all | word) != 0
    }

    #[inline(always)]
    fn bits(self) -> Bits {
        self.0
    }

    #[inline(always)]
    fn next(self, carry: &mut u64) -> Self {
        let first = *carry;
        *carry = self.0[WORDS - 1] >> 63;
        let before = |at: usize| if at == 0 { first } else { self.0[at - 1] >> 63 };
        Self(std::array::from_fn(|at| self.0[at] << 1 | before(at)))
    }

    #[inline(always)]
    fn add(self, other: Self, carry: &mut u64) -> Self {
        let mut over = *carry != 0;
        let sum = std::array::from_fn(|at| {
            let (sum, first) = self.0[at].overflowing_add(other.0[at]);
            let (sum, second) = sum.overflowing_add(u64::from(over));
            over = first | second;
            sum
        });
        *carry = u64::from(over);
        Self(sum)
    }

    #[inline(always)]
    fn parity(self, carry: &mut u64) -> Self {
        let mut before = carry.wrapping_neg();
        let parity = std::array::from_fn(|at| {
            let word = parity(self.0[at]) ^ before;
            before = ((word as i64) >> 63) as u64;
            word
        });
        *carry = before & 1;
        Self(parity)
    }
}

/// For each bit, the parity of the bits up to it.
fn parity(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}

const ONES: u64 = 0x0101_0101_0101_0101;
const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;

impl Lens for Portable {
    type Set = Plain;
    type Words = OneByOne<Self>;

    #[inline(always)]
    fn classify(self, row: &[u8; ROW]) -> Classes<Self> {
        let (words, _) = row.as_chunks::<8>();
        // The high bits of eight bytes, moved next to each other by one multiplication.
        let gather = |marks: &dyn Fn(u64) -> u64| {
            let eighth = |at: usize| {
                (marks(u64::from_le_bytes(words[at])) >> 7 & ONES).wrapping_mul(0x0102_0408_1020_4080) >> 56
            };
            Plain(std::array::from_fn(|word| {
                (0..8).fold(0, |bits, at| bits | eighth(8 * word + at) << (8 * at))
            }))
        };
        let equal = |byte: u8| gather(&|word| zero_bytes(word ^ (ONES * u64::from(byte))));
        let folded = |byte: u8| gather(&|word| zero_bytes((word | (ONES * 0x20)) ^ (ONES * u64::from(byte))));
        let bytes = Bytes {
            quote: equal(b'"'),
            backslash: equal(b'\\'),
            control: gather(&|word| below(word, 0x20)),
            space: equal(b' ') | equal(b'\t') | equal(b'\n') | equal(b'\r'),
            open: folded(b'{'),
            close: folded(b'}'),
            brace: equal(b'{') | equal(b'}'),
            comma: equal(b','),
            colon: equal(b':'),
            digit: gather(&|word| below(word, b'9' + 1) & !below(word, b'0')),
            zero: equal(b'0'),
            minus: equal(b'-'),
            dot: equal(b'.'),
            non_ascii: !row.is_ascii(),
        };
        Classes { bytes, letters: () }
    }

    #[inline(always)]
    fn set(self, bits: Bits) -> Plain {
        Plain(bits)
    }
}

/// The high bits of the bytes of `word` that are zero, and no others.
#[inline(always)]
fn zero_bytes(word: u64) -> u64 {
    !(((word & LOW) + LOW) | word | LOW)
}

/// The high bits of the bytes of `word` that are less than `limit`, which is at most 0x80.
#[inline(always)]
fn below(word: u64, limit: u8) -> u64 {
    !(((word & LOW) + ONES * u64::from(0x80 - limit)) | word | LOW)
}

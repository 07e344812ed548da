//! How a machine looks at many bytes at once: sets of the positions of 512 bytes.

use std::fmt::Debug;
use std::ops::{BitAnd, BitOr, BitXor, Not};

use super::words::Words;

/// How many bytes are looked at together.
pub(super) const ROW: usize = 512;

/// How many words a set has: bit `i` of word `w` stands for byte `64 * w + i`.
pub(super) const WORDS: usize = ROW / 64;

/// A set as words.
pub(super) type Bits = [u64; WORDS];

/// Which of the bytes of a row are of which kind, in strings or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bytes<S> {
    /// `"`
    pub(super) quote: S,
    /// `\`
    pub(super) backslash: S,
    /// Below 0x20.
    pub(super) control: S,
    /// Space, tab, line feed and carriage return.
    pub(super) space: S,
    /// `{` and `[`
    pub(super) open: S,
    /// `}` and `]`
    pub(super) close: S,
    /// `{` and `}`
    pub(super) brace: S,
    /// `,`
    pub(super) comma: S,
    /// `:`
    pub(super) colon: S,
    /// `0` to `9`
    pub(super) digit: S,
    /// `0`
    pub(super) zero: S,
    /// `-`
    pub(super) minus: S,
    /// `.`
    pub(super) dot: S,
    /// Whether any is from 0x80 on.
    pub(super) non_ascii: bool,
}

impl<S: Copy> Bytes<S> {
    /// No byte of any kind, as `none` says it.
    pub(super) fn none(none: S) -> Self {
        Self {
            quote: none,
            backslash: none,
            control: none,
            space: none,
            open: none,
            close: none,
            brace: none,
            comma: none,
            colon: none,
            digit: none,
            zero: none,
            minus: none,
            dot: none,
            non_ascii: false,
        }
    }
}

/// What a lens tells of a row's bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Classes<L: Lens> {
    pub(super) bytes: Bytes<L::Set>,
    pub(super) letters: <L::Words as Words<L>>::Letters,
}

/// A set of positions in a row.
pub(super) trait Set:
    Copy + Debug + BitAnd<Output = Self> + BitOr<Output = Self> + BitXor<Output = Self> + Not<Output = Self>
{
    /// What [`next`](Self::next) has to know of the row before.
    type Carry: Copy + Debug;

    /// That of a row before whose last position was in the set, or was not.
    fn carry(last: bool) -> Self::Carry;

    /// Whether it has any.
    fn any(self) -> bool;

    /// As words.
    fn bits(self) -> Bits;

    /// All positions moved one on, with the last of the row before.
    fn next(self, carry: &mut Self::Carry) -> Self;

    /// The sum of both as numbers of 512 bits, and of `carry` (0 or 1), which then is for the row after.
    fn add(self, other: Self, carry: &mut u64) -> Self;

    /// For each position the parity of those up to it, itself included; `carry` (0 or 1) is that of the rows before.
    fn parity(self, carry: &mut u64) -> Self;
}

/// What looks at bytes. A value of such a type stands for the processor's being able to.
pub(super) trait Lens: Copy + Debug {
    /// Its sets.
    type Set: Set;

    /// How words are checked.
    type Words: Words<Self>;

    /// Sorts the bytes of a row.
    fn classify(self, row: &[u8; ROW]) -> Classes<Self>;

    /// The set of these words.
    fn set(self, bits: Bits) -> Self::Set;

    /// Lists the positions in `all`, `at` added to each, and for each as bits 0 to 3 in which of `sets` it is. Gives
    /// their number. Behind the lists it may leave anything.
    #[inline(always)]
    fn list(
        self,
        all: Self::Set,
        sets: [Self::Set; 4],
        at: u32,
        positions: &mut [u32; LIST],
        flags: &mut [u8; LIST],
    ) -> usize {
        let [a, b, c, d] = sets;
        let sets = [a.bits(), b.bits(), c.bits(), d.bits()];
        let mut count = 0;
        for (word, mut rest) in all.bits().into_iter().enumerate() {
            while rest != 0 {
                let bit = rest.trailing_zeros();
                rest &= rest - 1;
                positions[count] = at + 64 * word as u32 + bit;
                flags[count] = (0..4).fold(0, |flags, set| flags | ((sets[set][word] >> bit & 1) as u8) << set);
                count += 1;
            }
        }
        count
    }
}

/// The room that a list needs: for all positions of a row, and as many more as are written at once.
pub(super) const LIST: usize = ROW + 64;

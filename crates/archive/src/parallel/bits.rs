//! Reading bits, least significant first (RFC 1951, section 3.1.1).

/// A reader of bits over a piece of memory. After the last byte it reads zeros, and its position goes on: whoever uses
/// it compares the position with the end.
#[derive(Clone, Copy)]
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    /// The index of the byte that is loaded next.
    next: usize,
    /// The next bits, of which the lowest `count` count. Those above are either zero or the right ones already.
    buffer: u64,
    count: u32,
}

/// How many bits there are at least after [`Bits::refill`].
pub(super) const REFILLED: u32 = 56;

impl<'a> Bits<'a> {
    /// Starts at this bit, which is inside of `bytes` or at their end.
    pub(super) fn at(bytes: &'a [u8], bit: usize) -> Self {
        let mut bits = Self {
            bytes,
            next: bit / 8,
            buffer: 0,
            count: 0,
        };
        bits.refill();
        bits.consume((bit % 8) as u32);
        bits
    }

    /// Makes sure of [`REFILLED`] bits.
    #[inline(always)]
    pub(super) fn refill(&mut self) {
        let word = match self.bytes.get(self.next..self.next + 8) {
            Some(word) => u64::from_le_bytes(word.try_into().unwrap_or_default()),
            None => self.last_word(),
        };
        self.buffer |= word << self.count;
        self.next += ((63 - self.count) >> 3) as usize;
        self.count |= REFILLED;
    }

    /// The word of what is left.
    #[cold]
    fn last_word(&self) -> u64 {
        let rest = self.bytes.get(self.next..).unwrap_or_default();
        let mut word = [0; 8];
        word[..rest.len()].copy_from_slice(rest);
        u64::from_le_bytes(word)
    }

    /// The next bits, the first one lowest; at least [`REFILLED`] after a refill, less what was consumed since.
    #[inline(always)]
    pub(super) fn peek(&self) -> u64 {
        self.buffer
    }

    /// Passes over bits that are there.
    #[inline(always)]
    pub(super) fn consume(&mut self, count: u32) {
        self.buffer >>= count;
        self.count -= count;
    }

    /// Takes `count` bits, at most [`REFILLED`].
    pub(super) fn take(&mut self, count: u32) -> u64 {
        self.refill();
        let taken = self.buffer & ((1 << count) - 1);
        self.consume(count);
        taken
    }

    /// How many bits lie before the next one.
    #[inline(always)]
    pub(super) fn position(&self) -> usize {
        self.next * 8 - self.count as usize
    }

    /// The index of the byte that is loaded next: no bit before it is unread of the bytes from there on.
    #[inline(always)]
    pub(super) fn loaded(&self) -> usize {
        self.next
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn bits_come_in_order_and_zeros_after_them(
            bytes in prop::collection::vec(any::<u8>(), 0..40),
            start in any::<prop::sample::Index>(),
            counts in prop::collection::vec(0..=REFILLED, 0..20),
        ) {
            let mut at = start.index(bytes.len() * 8 + 1);
            let mut bits = Bits::at(&bytes, at);
            for count in counts {
                prop_assert_eq!(bits.position(), at);
                let bit = |at: usize| u64::from(bytes.get(at / 8).is_some_and(|byte| byte >> (at % 8) & 1 == 1));
                let expected = (0..count).fold(0, |sum, index| sum | bit(at + index as usize) << index);
                prop_assert_eq!(bits.take(count), expected);
                at += count as usize;
            }
        }
    }
}

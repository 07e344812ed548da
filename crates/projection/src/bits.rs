//! Bits that are added up to 64 at a time and can be cut back, and that become an Arrow buffer without a copy.

use arrow_buffer::{BooleanBuffer, Buffer};

/// How many bits a word has, and so how many can be added at once.
pub(crate) const WORD: usize = u64::BITS as usize;

/// A growing row of bits; the first is the lowest of the first word, as in Arrow (on little-endian machines).
#[derive(Debug, Default)]
pub(crate) struct Bits {
    /// What is beyond `len` in the last word is 0.
    words: Vec<u64>,
    len: usize,
}

impl Bits {
    /// How many bits there are.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Adds the lowest `count` of `bits`, at most 64.
    pub(crate) fn push(&mut self, bits: u64, count: usize) {
        if count == 0 {
            return;
        }
        let bits = bits & lowest(count);
        let filled = self.len % WORD;
        match self.words.last_mut() {
            Some(last) if filled > 0 => {
                *last |= bits << filled;
                if filled + count > WORD {
                    self.words.push(bits >> (WORD - filled));
                }
            }
            _ => self.words.push(bits),
        }
        self.len += count;
    }

    /// Takes off all bits after the first `len`.
    pub(crate) fn truncate(&mut self, len: usize) {
        if len >= self.len {
            return;
        }
        self.len = len;
        self.words.truncate(len.div_ceil(WORD));
        let filled = len % WORD;
        match self.words.last_mut() {
            Some(last) if filled > 0 => *last &= lowest(filled),
            _ => {}
        }
    }

    /// Takes all bits, and leaves room for as many.
    pub(crate) fn finish(&mut self) -> BooleanBuffer {
        let room = Vec::with_capacity(self.words.len());
        // Arrow's bits go by bytes, so what the words hold has to lie in memory lowest byte first.
        let mut words = std::mem::replace(&mut self.words, room);
        words.iter_mut().for_each(|word| *word = word.to_le());
        BooleanBuffer::new(Buffer::from_vec(words), 0, std::mem::take(&mut self.len))
    }
}

/// A word whose lowest `count` bits are set, at most 64.
pub(crate) fn lowest(count: usize) -> u64 {
    match count {
        0 => 0,
        _ => u64::MAX >> (WORD - count),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Change {
        Push(u64, usize),
        Truncate(usize),
    }

    fn change() -> impl Strategy<Value = Change> {
        prop_oneof![
            4 => (any::<u64>(), 0..=WORD).prop_map(|(bits, count)| Change::Push(bits, count)),
            1 => (0usize..300).prop_map(Change::Truncate),
        ]
    }

    proptest! {
        #[test]
        fn bits_are_those_of_a_vector(changes in prop::collection::vec(change(), 0..20)) {
            let mut bits = Bits::default();
            for _ in 0..2 {
                let mut model = Vec::new();
                for change in &changes {
                    match *change {
                        Change::Push(word, count) => {
                            bits.push(word, count);
                            model.extend((0..count).map(|at| word >> at & 1 == 1));
                        }
                        Change::Truncate(len) => {
                            bits.truncate(len);
                            model.truncate(len);
                        }
                    }
                    prop_assert_eq!(bits.len(), model.len());
                }
                prop_assert_eq!(bits.finish().iter().collect::<Vec<_>>(), model);
                prop_assert_eq!(bits.len(), 0);
            }
        }
    }
}

//! Whether an object could name a member twice, told by hashes.
//!
//! Members that repeat a name are rare, and objects that are used as maps are large; so what tells that there are none
//! has to be cheap. A wrong *yes* only costs an exact search. That is also what becomes of names that were made to
//! have one hash: no object takes more than a few steps a member here.

/// How many slots are tried for a hash.
const MOST_STEPS: usize = 64;

/// For how many slots room is kept from one object to the next.
const KEPT_SLOTS: usize = 1 << 16;

/// A table of hashes, used again for the next object.
#[derive(Debug, Default)]
pub(crate) struct Repeats {
    /// At most half full; 0 is an empty slot.
    slots: Vec<u64>,
}

impl Repeats {
    /// Whether two of `count` hashes could be the same.
    pub(crate) fn any(&mut self, count: usize, mut hashes: impl Iterator<Item = u64>) -> bool {
        self.slots.clear();
        self.slots.resize((2 * count).next_power_of_two(), 0);
        hashes.any(|hash| self.repeats(hash.max(1)))
    }

    fn repeats(&mut self, hash: u64) -> bool {
        let last = self.slots.len() - 1;
        for step in 0..MOST_STEPS {
            let slot = &mut self.slots[(hash as usize).wrapping_add(step) & last];
            if *slot == 0 {
                *slot = hash;
                return false;
            }
            if *slot == hash {
                return true;
            }
        }
        true
    }

    /// Gives back memory that objects do not usually need.
    pub(crate) fn shrink(&mut self) {
        if self.slots.capacity() > KEPT_SLOTS {
            self.slots.clear();
            self.slots.shrink_to(KEPT_SLOTS);
        }
    }
}

/// A hash of a name: of eight bytes at a time, each time multiplied and folded (as in wyhash).
pub(crate) fn hash(name: &[u8]) -> u64 {
    let hash = fold(name.len() as u64);
    let (words, rest) = name.as_chunks();
    // The last bytes are read together with some before them, which is quicker than one by one.
    let last = match (name.last_chunk(), rest) {
        (_, []) => 0,
        (Some(last), _) => u64::from_le_bytes(*last),
        (None, rest) => rest.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    };
    let add = |hash: u64, word: &[u8; 8]| fold(hash ^ u64::from_le_bytes(*word));
    words.iter().fold(fold(hash ^ last), add)
}

fn fold(value: u64) -> u64 {
    let product = u128::from(value ^ 0xa076_1d64_78bd_642f) * 0xe703_7ed1_a0b4_28db;
    (product >> 64) as u64 ^ product as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_hashes_are_found_and_different_ones_are_not_taken_for_them() {
        let mut repeats = Repeats::default();
        for count in [1, 2, 10, 64, 20_000] {
            let names: Vec<String> = (0..count).map(|at| format!("name {at}")).collect();
            let hashes = || names.iter().map(|name| hash(name.as_bytes()));
            assert!(!repeats.any(count, hashes()), "{count}");
            for again in [0, count / 2, count - 1] {
                assert!(repeats.any(count + 1, hashes().chain([hash(names[again].as_bytes())])));
            }
        }
        repeats.shrink();
        assert!(repeats.slots.capacity() <= KEPT_SLOTS);
    }

    /// Hashes that all want one slot are given up, not searched for ever longer.
    #[test]
    fn crowded_hashes_take_no_more_than_a_few_steps_each() {
        let crowded = (1..).map(|at: u64| at << 32);
        assert!(!Repeats::default().any(MOST_STEPS, crowded.clone().take(MOST_STEPS)));
        assert!(
            Repeats::default().any(
                1 << 20,
                crowded
                    .inspect(|hash| assert!(hash >> 32 <= MOST_STEPS as u64 + 1))
                    .take(1 << 20)
            )
        );
    }

    #[test]
    fn every_byte_of_a_name_counts() {
        for len in 0..40 {
            let name = vec![b'a'; len];
            assert_ne!(hash(&name), hash(&[name.as_slice(), b"a"].concat()));
            for at in 0..len {
                let mut other = name.clone();
                other[at] = b'b';
                assert_ne!(hash(&name), hash(&other), "byte {at} of {len}");
            }
        }
    }
}

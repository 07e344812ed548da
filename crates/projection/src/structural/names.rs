//! Tells of most members that nothing is wanted of them, by the ends of their names.

use tarquet_feature_map::Plan;

/// For each place of the trie, what the names end with that are wanted there.
#[derive(Debug)]
pub(super) struct Endings(Vec<Ending>);

/// Of what names end with, a set of hashes. It may have more than it should, but never less.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ending([u64; 4]);

/// What can be before a name's opening quote.
const BEFORE: [u8; 6] = *b"{, \t\n\r";

impl Endings {
    /// Those of a plan.
    pub(super) fn new(plan: &Plan) -> Self {
        let ending = |node: &tarquet_feature_map::trie::TrieNode| {
            let mut ending = Ending([0; 4]);
            if node.member.is_some() {
                return Ending([u64::MAX; 4]);
            }
            for (name, _) in &node.names {
                ending.add(plan.names[name.0 as usize].as_bytes());
            }
            ending
        };
        Self(plan.trie.nodes.iter().map(ending).collect())
    }

    /// That of the place at this position in the trie.
    #[inline]
    pub(super) fn of(&self, place: u32) -> &Ending {
        &self.0[place as usize]
    }
}

impl Ending {
    fn add(&mut self, name: &[u8]) {
        match *name {
            [.., a, b, c] => self.set([a, b, c]),
            [a, b] => self.set([b'"', a, b]),
            [a] => BEFORE.into_iter().for_each(|before| self.set([before, b'"', a])),
            [] => self.0 = [u64::MAX; 4],
        }
    }

    fn set(&mut self, ending: [u8; 3]) {
        let hash = hash(ending);
        self.0[hash / 64] |= 1 << (hash % 64);
    }

    /// Whether a name can be wanted before whose closing quote there are these bytes, none of them of an escape.
    #[inline(always)]
    pub(super) fn may_be(&self, ending: [u8; 3]) -> bool {
        let hash = hash(ending);
        self.0[hash / 64] >> (hash % 64) & 1 != 0
    }
}

/// A number below 256.
#[inline(always)]
fn hash([a, b, c]: [u8; 3]) -> usize {
    (u32::from_le_bytes([a, b, c, 0]).wrapping_mul(0x9e37_79b1) >> 24) as usize
}

//! Finds which of the names that are wanted at a place of the trie a member has, by how it ends.
//!
//! Of most members nothing is wanted. The last three bytes before a name's closing quote, hashed, lead to the few
//! names that it can be, mostly to none; so nothing has to be known of where it begins.

use std::collections::HashSet;

use tarquet_feature_map::Plan;
use tarquet_feature_map::plan::NameId;
use tarquet_feature_map::trie::{TrieId, TrieNode};

use super::text::has_backslash_in;

/// For each place of the trie, the names that are wanted there.
#[derive(Debug)]
pub(super) struct Names(Vec<Place>);

/// The names that are wanted at one place.
#[derive(Debug)]
pub(super) struct Place {
    /// By the hashes of what names end with: [`NONE`], [`ANY`], or the position of one of `names`.
    slots: [u8; 256],
    /// What the hash multiplies with: one by which few names, if any, share a slot.
    factor: u32,
    names: Vec<Name>,
}

/// No name that is wanted ends so.
const NONE: u8 = u8::MAX;
/// Any name is to be looked at.
const ANY: u8 = NONE - 1;

/// How many factors are tried.
const FACTORS: u32 = 64;

/// A name that is wanted.
#[derive(Debug, Clone)]
pub(super) struct Name {
    text: Box<[u8]>,
    /// Its last eight bytes, and which bits of them are its own.
    end: u64,
    mask: u64,
    pub(super) id: NameId,
    /// Its position among the names that are wanted at the place.
    pub(super) position: u32,
    /// The place of its value.
    pub(super) to: TrieId,
    /// What the slot has that it shares: [`NONE`], or the position of another name.
    also: u8,
}

/// What the end of a name says.
pub(super) enum Found<'a> {
    /// It is not wanted.
    Nothing,
    /// It is this one.
    Name(&'a Name),
    /// It takes a closer look.
    Unclear,
}

/// What can be before a name's opening quote.
const BEFORE: [u8; 6] = *b"{, \t\n\r";

impl Names {
    /// Those of a plan.
    pub(super) fn new(plan: &Plan) -> Self {
        Self(plan.trie.nodes.iter().map(|node| Place::new(plan, node)).collect())
    }

    /// Those of the place at this position in the trie.
    #[inline]
    pub(super) fn of(&self, place: u32) -> &Place {
        &self.0[place as usize]
    }
}

impl Place {
    fn new(plan: &Plan, node: &TrieNode) -> Self {
        let names = (0..).zip(&node.names);
        let names: Vec<Name> = names
            .map(|(position, &(id, to))| Name::new(plan.names[id.0 as usize].as_bytes(), id, position, to))
            .collect();
        // Quotes and backslashes are never themselves in a document's names, so what looks like a wanted name that has any
        // is the end of another; and nothing can be told of a name without bytes.
        let plain = |name: &Name| !name.text.is_empty() && !name.text.iter().any(|byte| matches!(byte, b'"' | b'\\'));
        let endings: Vec<(&Name, [u8; 3])> = names.iter().flat_map(Name::endings).collect();
        if node.member.is_some() || endings.len() >= usize::from(ANY) || !names.iter().all(plain) {
            // No entries, so that none is at the position that `ANY` says.
            return Self {
                slots: [ANY; 256],
                factor: 1,
                names: Vec::new(),
            };
        }
        // Odd numbers whose bits are spread (Knuth's multiplicative hashing, and steps of it).
        let factors = (0..FACTORS).map(|step| 0x9e37_79b1u32.wrapping_mul(2 * step + 1));
        let shared = |factor: &u32| {
            let slots: HashSet<usize> = endings.iter().map(|(_, ending)| hash(*ending, *factor)).collect();
            endings.len() - slots.len()
        };
        // Mostly the first will do.
        let factors = factors.map(|factor| (shared(&factor), factor));
        let apart = factors.clone().find(|(shared, _)| *shared == 0);
        let factor = apart.or_else(|| factors.min()).map_or(1, |(_, factor)| factor);
        let mut slots = [NONE; 256];
        let mut entries = Vec::new();
        for (number, (name, ending)) in (0..).zip(&endings) {
            let slot = &mut slots[hash(*ending, factor)];
            entries.push(Name {
                also: *slot,
                ..(*name).clone()
            });
            *slot = number;
        }
        Self {
            slots,
            factor,
            names: entries,
        }
    }

    /// Which name it is that ends before the quote at `end` in `text`.
    #[inline(always)]
    pub(super) fn find(&self, text: &[u8], end: usize) -> Found<'_> {
        let Some(last) = text[..end].last_chunk::<8>() else {
            return Found::Unclear;
        };
        // Of a name without a backslash here, the last three bytes are what they seem.
        if has_backslash_in(*last) {
            return Found::Unclear;
        }
        let last = u64::from_le_bytes(*last);
        let mut slot = self.slots[slot((last >> 40) as u32, self.factor)];
        while slot != NONE {
            let Some(name) = self.names.get(usize::from(slot)) else {
                return Found::Unclear;
            };
            match name.compare(text, end, last) {
                Found::Nothing => slot = name.also,
                found => return found,
            }
        }
        Found::Nothing
    }
}

impl Name {
    fn new(text: &[u8], id: NameId, position: u32, to: TrieId) -> Self {
        let (mut end, mut mask) = ([0; 8], [0; 8]);
        let own = text.len().min(8);
        end[8 - own..].copy_from_slice(&text[text.len() - own..]);
        mask[8 - own..].fill(0xff);
        Self {
            text: text.into(),
            end: u64::from_le_bytes(end),
            mask: u64::from_le_bytes(mask),
            id,
            position,
            to,
            also: NONE,
        }
    }

    /// What can be before its closing quote.
    fn endings(&self) -> Vec<(&Self, [u8; 3])> {
        let endings = match *self.text {
            [.., a, b, c] => vec![[a, b, c]],
            [a, b] => vec![[b'"', a, b]],
            [a] => BEFORE.map(|before| [before, b'"', a]).to_vec(),
            [] => Vec::new(),
        };
        endings.into_iter().map(|ending| (self, ending)).collect()
    }

    /// Whether it is the name that ends before the quote at `end` in `text`, with these last eight bytes.
    #[inline(always)]
    fn compare(&self, text: &[u8], end: usize, last: u64) -> Found<'_> {
        let len = self.text.len();
        let differs = (last ^ self.end) & self.mask != 0;
        let Some(start @ 2..) = end.checked_sub(len) else {
            return Found::Unclear;
        };
        // Only the quote that begins a name has no backslash before it.
        if !differs
            && text[start - 1] == b'"'
            && text[start - 2] != b'\\'
            && (len <= 8 || text[start..end - 8] == self.text[..len - 8])
        {
            return Found::Name(self);
        }
        // Without a backslash further back, the last eight bytes are none of an escape.
        match end.checked_sub(8).and_then(|end| text[..end].last_chunk()) {
            Some(before) if !has_backslash_in(*before) && (differs || len <= 8) => Found::Nothing,
            _ => Found::Unclear,
        }
    }
}

/// The slot of an ending.
fn hash([a, b, c]: [u8; 3], factor: u32) -> usize {
    slot(u32::from_le_bytes([a, b, c, 0]), factor)
}

/// The slot of three bytes in the low end of a word.
#[inline(always)]
fn slot(ending: u32, factor: u32) -> usize {
    (ending.wrapping_mul(factor) >> 24) as usize
}

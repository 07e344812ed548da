//! Tables for Huffman codes (RFC 1951, sections 3.2.2 and 3.2.5), as libdeflate has them: one lookup by the next bits
//! gives the symbol's base, how many extra bits follow, and the length of both together. Codes that are longer than the
//! first lookup lead to a second table.

/// Bits that the first lookup of a literal or length goes by.
const LITERAL_BITS: u32 = 11;
/// Bits that the first lookup of a distance goes by.
const DISTANCE_BITS: u32 = 8;
/// The longest code, in bits.
const LONGEST: usize = 15;

/// The symbol that ends a block.
pub(super) const END_OF_BLOCK: usize = 256;

/// The length codes from symbol 257 on: base, extra bits.
const LENGTHS: [(u32, u32); 29] = [
    (3, 0),
    (4, 0),
    (5, 0),
    (6, 0),
    (7, 0),
    (8, 0),
    (9, 0),
    (10, 0),
    (11, 1),
    (13, 1),
    (15, 1),
    (17, 1),
    (19, 2),
    (23, 2),
    (27, 2),
    (31, 2),
    (35, 3),
    (43, 3),
    (51, 3),
    (59, 3),
    (67, 4),
    (83, 4),
    (99, 4),
    (115, 4),
    (131, 5),
    (163, 5),
    (195, 5),
    (227, 5),
    (258, 0),
];
/// The distance codes: base, extra bits.
const DISTANCES: [(u32, u32); 30] = [
    (1, 0),
    (2, 0),
    (3, 0),
    (4, 0),
    (5, 1),
    (7, 1),
    (9, 2),
    (13, 2),
    (17, 3),
    (25, 3),
    (33, 4),
    (49, 4),
    (65, 5),
    (97, 5),
    (129, 6),
    (193, 6),
    (257, 7),
    (385, 7),
    (513, 8),
    (769, 8),
    (1025, 9),
    (1537, 9),
    (2049, 10),
    (3073, 10),
    (4097, 11),
    (6145, 11),
    (8193, 12),
    (12289, 12),
    (16385, 13),
    (24577, 13),
];

/// What a lookup gives. From the lowest bit: 6 bits how many bits it takes, extra bits included; 4 bits how many of them
/// are the code; flags; from bit 16 on the literal, or the base of a length or distance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry(u32);

const IS_LITERAL: u32 = 1 << 10;
const IS_END: u32 = 1 << 11;
const IS_INVALID: u32 = 1 << 12;
/// The base is where the second table starts, and the bits are how many it goes by.
const IS_LINK: u32 = 1 << 13;

impl Entry {
    const INVALID: Entry = Entry(IS_INVALID);

    /// A symbol with this base and so many extra bits, before its code is known.
    fn base(base: u32, extra: u32) -> Entry {
        Entry(base << 16 | extra)
    }

    fn with_code(self, bits: u32) -> Entry {
        Entry((self.0 + bits) | (bits << 6))
    }

    fn link(start: usize, bits: u32) -> Entry {
        Entry((start as u32) << 16 | IS_LINK | bits)
    }

    /// How many bits it takes, extra bits included.
    #[inline(always)]
    pub(super) fn bits(self) -> u32 {
        self.0 & 63
    }

    #[inline(always)]
    pub(super) fn is_literal(self) -> bool {
        self.0 & IS_LITERAL != 0
    }

    #[inline(always)]
    pub(super) fn literal(self) -> u8 {
        (self.0 >> 16) as u8
    }

    /// Whether it is neither a literal nor a length or distance.
    #[inline(always)]
    pub(super) fn is_special(self) -> bool {
        self.0 & (IS_END | IS_INVALID | IS_LINK) != 0
    }

    #[inline(always)]
    pub(super) fn is_end(self) -> bool {
        self.0 & IS_END != 0
    }

    #[inline(always)]
    pub(super) fn is_link(self) -> bool {
        self.0 & IS_LINK != 0
    }

    #[inline(always)]
    pub(super) fn is_invalid(self) -> bool {
        self.0 & IS_INVALID != 0
    }

    /// The length or distance, of which the extra bits are in `peeked`, which starts with the code.
    #[inline(always)]
    pub(super) fn value(self, peeked: u64) -> u32 {
        let code = self.0 >> 6 & 15;
        let extra = self.bits() - code;
        (self.0 >> 16) + ((peeked >> code) as u32 & ((1 << extra) - 1))
    }
}

/// The table of one code.
struct Table {
    entries: Vec<Entry>,
    /// Bits that the first lookup goes by.
    root: u32,
}

impl Table {
    fn new(root: u32) -> Self {
        Self {
            entries: vec![Entry::INVALID; 1 << root],
            root,
        }
    }

    #[inline(always)]
    fn first(&self, peeked: u64) -> Entry {
        self.entries[peeked as usize & ((1 << self.root) - 1)]
    }

    #[inline(always)]
    fn second(&self, link: Entry, peeked: u64) -> Entry {
        let index = (peeked >> self.root) as usize & ((1 << link.bits()) - 1);
        self.entries[(link.0 >> 16) as usize + index]
    }

    /// Builds it from the length of each symbol's code, 0 for none. `None` when these lengths are no code. As zlib does,
    /// it takes a code that is not complete only when it has one symbol at most.
    fn build(&mut self, lengths: &[u8], symbol: impl Fn(usize) -> Entry) -> Option<()> {
        let mut counts = [0_u16; LONGEST + 1];
        for &length in lengths {
            counts[usize::from(length)] += 1;
        }
        counts[0] = 0;
        let longest = counts.iter().rposition(|&count| count > 0).unwrap_or(0);
        let unused = unused(&counts)?;
        if unused > 0 && longest > 1 {
            return None;
        }
        self.entries.clear();
        self.entries.resize(1 << self.root, Entry::INVALID);
        let mut starts = [0_usize; LONGEST + 2];
        for length in 1..=LONGEST {
            starts[length + 1] = starts[length] + usize::from(counts[length]);
        }
        let mut sorted = [0_u16; 320];
        for (symbol, &length) in lengths.iter().enumerate().filter(|(_, length)| **length > 0) {
            let place = &mut starts[usize::from(length)];
            sorted[*place] = symbol as u16;
            *place += 1;
        }
        let mut sorted = sorted.iter();
        let mut code = 0_u32;
        let mut link: Option<(u32, Entry)> = None;
        for length in 1..=longest as u32 {
            code <<= 1;
            while counts[length as usize] > 0 {
                let entry = symbol(usize::from(*sorted.next()?)).with_code(length);
                let reversed = code.reverse_bits() >> (32 - length);
                if length <= self.root {
                    self.fill(0, self.root, reversed, length, entry);
                } else {
                    let prefix = reversed & ((1 << self.root) - 1);
                    let second = match link {
                        Some((of, second)) if of == prefix => second,
                        _ => self.add_second(prefix, length, &counts),
                    };
                    link = Some((prefix, second));
                    let rest = length - self.root;
                    self.fill(
                        second.0 as usize >> 16,
                        second.bits(),
                        reversed >> self.root,
                        rest,
                        entry,
                    );
                }
                counts[length as usize] -= 1;
                code += 1;
            }
        }
        Some(())
    }

    /// Puts an entry wherever the lowest `length` of an index of `bits` bits are this code.
    fn fill(&mut self, start: usize, bits: u32, code: u32, length: u32, entry: Entry) {
        let table = &mut self.entries[start..start + (1 << bits)];
        for place in table.iter_mut().skip(code as usize).step_by(1 << length) {
            *place = entry;
        }
    }

    /// Adds a table for codes from `length` bits on that start with `prefix`: as large as the codes that are left
    /// (`counts`) need.
    fn add_second(&mut self, prefix: u32, length: u32, counts: &[u16; LONGEST + 1]) -> Entry {
        let mut bits = length - self.root;
        let mut free = 1_i32 << bits;
        while ((bits + self.root) as usize) < LONGEST {
            free -= i32::from(counts[(bits + self.root) as usize]);
            if free <= 0 {
                break;
            }
            bits += 1;
            free <<= 1;
        }
        let start = self.entries.len();
        self.entries.resize(start + (1 << bits), Entry::INVALID);
        let link = Entry::link(start, bits);
        self.entries[prefix as usize] = link;
        link
    }
}

/// How many codes of the greatest length are unused; `None` when there are more codes than there can be.
fn unused(counts: &[u16; LONGEST + 1]) -> Option<u32> {
    let mut left = 1_u32;
    for &count in &counts[1..] {
        left = (left << 1).checked_sub(u32::from(count))?;
    }
    Some(left)
}

/// The codes of a block.
pub(super) struct Codes {
    literals: Table,
    distances: Table,
    /// Whether they are those of a fixed block. Such blocks can be 10 bits long, and to build tables for each would take a
    /// hundred times as long as to read it.
    are_fixed: bool,
}

impl Codes {
    pub(super) fn new() -> Self {
        Self {
            literals: Table::new(LITERAL_BITS),
            distances: Table::new(DISTANCE_BITS),
            are_fixed: false,
        }
    }

    /// Takes the codes of a dynamic block: the length of each literal's or length's code, and of each distance's.
    /// `None` when they are no codes.
    pub(super) fn set(&mut self, literals: &[u8], distances: &[u8]) -> Option<()> {
        self.are_fixed = false;
        self.literals.build(literals, literal_or_length)?;
        self.distances.build(distances, distance)
    }

    /// Takes the codes of a fixed block (RFC 1951, section 3.2.6).
    pub(super) fn set_fixed(&mut self) {
        if self.are_fixed {
            return;
        }
        let mut literals = [8; 288];
        literals[144..256].fill(9);
        literals[256..280].fill(7);
        let set = self.set(&literals, &[5; 32]);
        debug_assert!(set.is_some(), "the fixed codes are complete");
        self.are_fixed = true;
    }

    /// The literal or length whose code the next bits start with; a link for one that is longer than the first lookup.
    #[inline(always)]
    pub(super) fn literal(&self, peeked: u64) -> Entry {
        self.literals.first(peeked)
    }

    /// What a link for a literal or length leads to.
    #[inline(always)]
    pub(super) fn long_literal(&self, link: Entry, peeked: u64) -> Entry {
        self.literals.second(link, peeked)
    }

    /// The distance whose code the next bits start with.
    #[inline(always)]
    pub(super) fn distance(&self, peeked: u64) -> Entry {
        let entry = self.distances.first(peeked);
        if entry.is_link() {
            self.distances.second(entry, peeked)
        } else {
            entry
        }
    }
}

fn literal_or_length(symbol: usize) -> Entry {
    match symbol {
        0..END_OF_BLOCK => Entry((symbol as u32) << 16 | IS_LITERAL),
        END_OF_BLOCK => Entry(IS_END),
        _ => LENGTHS
            .get(symbol - END_OF_BLOCK - 1)
            .map_or(Entry::INVALID, |&(base, extra)| Entry::base(base, extra)),
    }
}

fn distance(symbol: usize) -> Entry {
    DISTANCES
        .get(symbol)
        .map_or(Entry::INVALID, |&(base, extra)| Entry::base(base, extra))
}

/// The code of code lengths (RFC 1951, section 3.2.7), by the next 7 bits.
pub(super) struct LengthCode {
    /// The symbol and the bits of its code.
    entries: [(u8, u8); 128],
}

impl LengthCode {
    /// From the length of each symbol's code; `None` unless they are a complete code.
    pub(super) fn new(lengths: &[u8; 19]) -> Option<Self> {
        let mut counts = [0; LONGEST + 1];
        for &length in lengths.iter().filter(|length| **length > 0) {
            counts[usize::from(length)] += 1;
        }
        if unused(&counts)? > 0 {
            return None;
        }
        let mut entries = [(0, 0); 128];
        let mut code = 0_u32;
        for bits in 1..=7_u32 {
            code <<= 1;
            for (symbol, _) in lengths
                .iter()
                .enumerate()
                .filter(|(_, length)| u32::from(**length) == bits)
            {
                let reversed = (code.reverse_bits() >> (32 - bits)) as usize;
                for place in entries.iter_mut().skip(reversed).step_by(1 << bits) {
                    *place = (symbol as u8, bits as u8);
                }
                code += 1;
            }
        }
        Some(Self { entries })
    }

    /// The symbol whose code the next bits start with, and how many bits the code has.
    pub(super) fn symbol(&self, peeked: u64) -> (u8, u32) {
        let (symbol, bits) = self.entries[peeked as usize & 127];
        (symbol, u32::from(bits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_codes_are_the_same_whatever_was_there_before() {
        let mut fresh = Codes::new();
        fresh.set_fixed();
        let mut codes = Codes::new();
        codes.set_fixed();
        // Codes of another block, then some that are right for literals alone, and some that are right for nothing.
        for (literals, distances) in [([8; 256], [1, 1]), ([8; 256], [1, 2]), ([1; 256], [1, 1])] {
            codes.set(&literals, &distances);
            codes.set_fixed();
            assert!(codes.literals.entries == fresh.literals.entries);
            assert!(codes.distances.entries == fresh.distances.entries);
        }
    }

    /// A stream of nothing but empty fixed blocks would otherwise hold everybody up for minutes.
    #[test]
    fn fixed_codes_that_are_there_are_not_built_again() {
        let mut codes = Codes::new();
        codes.set_fixed();
        let touched = Entry(!codes.literals.entries[0].0);
        codes.literals.entries[0] = touched;
        codes.set_fixed();
        assert!(codes.literals.entries[0] == touched);
    }
}

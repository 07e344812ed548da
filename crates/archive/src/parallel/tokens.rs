//! What a part of a deflate stream says, without knowing what came before it: literals, and how far back to copy from.

/// The most literals that one sequence has.
const LITERALS: u32 = 255;

/// Some literals and then a match, in 32 bits: from the lowest, 8 bits how many literals, 9 bits how long the match is
/// (0 for none), 15 bits its distance less 1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sequence(u32);

impl Sequence {
    #[inline(always)]
    fn new(literals: u32, length: u32, distance: u32) -> Self {
        Self(literals | length << 8 | (distance - 1) << 17)
    }

    #[inline(always)]
    pub(super) fn literals(self) -> usize {
        (self.0 & LITERALS) as usize
    }

    /// The match's length in bytes; 0 for none.
    #[inline(always)]
    pub(super) fn length(self) -> usize {
        (self.0 >> 8 & 511) as usize
    }

    /// The match's distance in bytes.
    #[inline(always)]
    pub(super) fn distance(self) -> usize {
        (self.0 >> 17) as usize + 1
    }
}

/// Something between two sequences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// Whatever follows needs bytes of the file beyond the next cut (see `Marks`).
    Cut,
    /// A gzip member ends. Its trailer says this CRC-32 of its bytes, and so many of them, modulo 2^32.
    MemberEnd { crc: u32, length: u32 },
}

/// Literals, matches and what lies between them, in order.
#[derive(Default)]
pub(super) struct Tokens {
    pub(super) sequences: Vec<Sequence>,
    /// The literals of all sequences.
    pub(super) literals: Vec<u8>,
    /// Each with the number of sequences before it.
    pub(super) events: Vec<(usize, Event)>,
    /// How many of the literals are in a sequence.
    claimed: usize,
}

impl Tokens {
    /// With room for this many bytes of them. It costs memory only when it is used.
    pub(super) fn with_room(bytes: usize) -> Self {
        Self {
            sequences: Vec::with_capacity(bytes / size_of::<Sequence>()),
            literals: Vec::with_capacity(bytes),
            events: Vec::new(),
            claimed: 0,
        }
    }

    pub(super) fn clear(&mut self) {
        self.sequences.clear();
        self.literals.clear();
        self.events.clear();
        self.claimed = 0;
    }

    /// How much memory they take, in bytes.
    pub(super) fn weight(&self) -> usize {
        self.sequences.len() * size_of::<Sequence>() + self.literals.len()
    }

    #[inline(always)]
    pub(super) fn literal(&mut self, byte: u8) {
        self.literals.push(byte);
    }

    #[inline(always)]
    pub(super) fn copy(&mut self, length: u32, distance: u32) {
        let mut literals = (self.literals.len() - self.claimed) as u32;
        if literals > LITERALS {
            literals = self.claim_many(literals);
        }
        self.sequences.push(Sequence::new(literals, length, distance));
        self.claimed = self.literals.len();
    }

    pub(super) fn event(&mut self, event: Event) {
        self.claim();
        self.events.push((self.sequences.len(), event));
    }

    /// Puts literals that are in no sequence yet into one.
    pub(super) fn claim(&mut self) {
        if self.literals.len() > self.claimed {
            self.copy(0, 1);
        }
    }

    /// Puts literals into sequences, as many as it takes for no more than one to be left over. Says how many it has.
    #[cold]
    fn claim_many(&mut self, mut literals: u32) -> u32 {
        while literals > LITERALS {
            self.sequences.push(Sequence::new(LITERALS, 0, 1));
            literals -= LITERALS;
        }
        literals
    }
}

//! Decoding a gzip file (RFC 1952) into tokens, from any block on (RFC 1951).
//!
//! What a copy copies is not looked at, so nothing before the block has to be known. That is left to whoever replays the
//! tokens, as are checksums. Everything that is taken here zlib takes too, and gives the same; what is refused it may
//! still take.

use super::bits::Bits;
use super::huffman::{Codes, END_OF_BLOCK, LengthCode};
use super::tokens::{Event, Tokens};
use crate::error::PIECE_BYTES;

/// Tokens are handed on when they weigh more than this, in bytes. Between two looks at it they grow by 1 MiB at most:
/// a piece of the file has at most four matches of 4 bytes, or eight literals, in each of its bytes.
pub(super) const FULL: usize = 3 << 20;

/// Bytes that lie between a place in the input and the next cut or the input's end, at least, for a few tokens to be
/// decoded without a look at either.
const STRIDE: usize = 16;

/// The longest code of a token, in bits: length, distance and their extra bits.
const TOKEN_BITS: usize = 48;

/// In which order the lengths of the code of code lengths come (RFC 1951, section 3.2.7).
const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// How a gzip member starts (RFC 1952, section 2.3.1).
const MAGIC: [u8; 2] = [0x1F, 0x8B];

/// Why decoding stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Halt {
    /// The next thing is a block, or a gzip member, at or after where it was to stop.
    Boundary,
    /// There are many tokens. It can go on where it is.
    Full,
    /// The input ends. It can go on where it is, with an input that goes further.
    Dry,
    /// After a gzip member comes something else than another one, or the end of the input.
    NoMember,
    /// The bytes are wrong, or something that is not understood.
    Invalid,
}

/// A piece of the file that is in memory.
#[derive(Clone, Copy)]
pub(super) struct Input<'a> {
    pub(super) bytes: &'a [u8],
    /// Where it starts in the file, in bytes.
    pub(super) offset: u64,
}

impl Input<'_> {
    /// Where a bit of the file is in the input, in bits. `None` outside.
    fn local(&self, bit: u64) -> Option<usize> {
        let local = usize::try_from(bit.checked_sub(self.offset * 8)?).ok()?;
        (local <= self.bytes.len() * 8).then_some(local)
    }
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The header of a gzip member, if there is one.
    Header,
    /// The header of a block.
    Block,
    /// Codes of a block.
    Codes { is_last: bool },
    /// So many bytes of a stored block.
    Stored { left: usize, is_last: bool },
    /// The trailer of a gzip member.
    Trailer,
}

/// Stands between two tokens, and can go on from there.
pub(super) struct Decoder {
    /// The offset in the file of the next bit.
    bit: u64,
    stage: Stage,
    codes: Codes,
    /// The offset in the file of the next cut, in bytes.
    cut: u64,
}

impl Decoder {
    /// Stands where a gzip member starts, at this byte of the file. `cut` is the next one.
    pub(super) fn at_member(file: u64, cut: u64) -> Self {
        Self {
            bit: file * 8,
            stage: Stage::Header,
            codes: Codes::new(),
            cut,
        }
    }

    /// Stands where a block starts. `cut` is the next one.
    pub(super) fn at_block(bit: u64, cut: u64) -> Self {
        Self {
            bit,
            stage: Stage::Block,
            codes: Codes::new(),
            cut,
        }
    }

    /// The offset in the file of the next bit.
    pub(super) fn bit(&self) -> u64 {
        self.bit
    }

    /// Moves to a block. Its cuts are those after it.
    pub(super) fn move_to_block(&mut self, bit: u64) {
        self.bit = bit;
        self.stage = Stage::Block;
        self.cut = cut_at(bit);
    }

    /// The offset in the file of the next cut, in bytes.
    pub(super) fn cut(&self) -> u64 {
        self.cut
    }

    /// Whether it stands where a gzip member may start.
    pub(super) fn is_between_members(&self) -> bool {
        self.stage == Stage::Header
    }

    /// Decodes, to the first block or gzip member at or after the file's bit `until`.
    pub(super) fn run(&mut self, input: Input<'_>, until: u64, tokens: &mut Tokens) -> Halt {
        let halt = self.decode(input, until, tokens);
        tokens.claim();
        halt
    }

    fn decode(&mut self, input: Input<'_>, until: u64, tokens: &mut Tokens) -> Halt {
        let Some(start) = input.local(self.bit) else {
            return Halt::Dry;
        };
        let mut bits = Bits::at(input.bytes, start);
        loop {
            let halt = match self.stage {
                _ if self.bit >= until && self.is_at_boundary(input) => Some(Halt::Boundary),
                _ if tokens.weight() > FULL => Some(Halt::Full),
                Stage::Header => self.header(&mut bits, input, tokens),
                Stage::Block => self.block(&mut bits, input, tokens),
                Stage::Codes { is_last } => self.codes(&mut bits, input, is_last, tokens),
                Stage::Stored { left, is_last } => self.stored(&mut bits, input, left, is_last, tokens),
                Stage::Trailer => self.trailer(&mut bits, input, tokens),
            };
            if let Some(halt) = halt {
                return halt;
            }
        }
    }

    /// Whether a block comes next, or a gzip member. What else may follow a member is none: it could look like a block.
    fn is_at_boundary(&self, input: Input<'_>) -> bool {
        match self.stage {
            Stage::Block => true,
            Stage::Header => {
                let start = input.local(self.bit).map_or(usize::MAX, |bit| bit / 8);
                input.bytes.get(start..).is_some_and(|rest| rest.starts_with(&MAGIC))
            }
            Stage::Codes { .. } | Stage::Stored { .. } | Stage::Trailer => false,
        }
    }

    /// Goes on to `bits`' position, which is in the input.
    fn reach(&mut self, bits: &Bits<'_>, input: Input<'_>, stage: Stage) {
        self.bit = input.offset * 8 + bits.position() as u64;
        self.stage = stage;
    }

    fn header<'a>(&mut self, bits: &mut Bits<'a>, input: Input<'a>, tokens: &mut Tokens) -> Option<Halt> {
        let start = bits.position() / 8;
        match member_header(&input.bytes[start..]) {
            Header::Whole(length) => {
                *bits = Bits::at(input.bytes, (start + length) * 8);
                self.reach(bits, input, Stage::Block);
                self.pass_cuts(tokens);
                None
            }
            Header::Cut => Some(Halt::Dry),
            Header::Other => Some(Halt::NoMember),
            Header::Invalid => Some(Halt::Invalid),
        }
    }

    /// The header of a block.
    fn block<'a>(&mut self, bits: &mut Bits<'a>, input: Input<'a>, tokens: &mut Tokens) -> Option<Halt> {
        let head = bits.take(3);
        let is_last = head & 1 == 1;
        let stage = match head >> 1 {
            0 => {
                let aligned = bits.position().next_multiple_of(8);
                let mut lengths = Bits::at(input.bytes, aligned.min(input.bytes.len() * 8));
                let (length, complement) = (lengths.take(16), lengths.take(16));
                *bits = lengths;
                (length ^ complement == 0xFFFF).then_some(Stage::Stored {
                    left: length as usize,
                    is_last,
                })
            }
            1 => {
                self.codes.set_fixed();
                Some(Stage::Codes { is_last })
            }
            2 => read_codes(bits, &mut self.codes).map(|()| Stage::Codes { is_last }),
            _ => None,
        };
        if bits.position() > input.bytes.len() * 8 {
            return Some(Halt::Dry);
        }
        let Some(stage) = stage else {
            return Some(Halt::Invalid);
        };
        self.reach(bits, input, stage);
        self.pass_cuts(tokens);
        None
    }

    /// Notes the cuts before the next bit.
    fn pass_cuts(&mut self, tokens: &mut Tokens) {
        while self.bit > self.cut * 8 {
            tokens.event(Event::Cut);
            self.cut += PIECE_BYTES;
        }
    }

    /// The bytes of a stored block: up to the next cut, or as many as there are.
    fn stored<'a>(
        &mut self,
        bits: &mut Bits<'a>,
        input: Input<'a>,
        left: usize,
        is_last: bool,
        tokens: &mut Tokens,
    ) -> Option<Halt> {
        if left == 0 {
            self.stage = after_block(is_last);
            return None;
        }
        let start = bits.position() / 8;
        let at = input.offset + start as u64;
        if at == self.cut {
            tokens.event(Event::Cut);
            self.cut += PIECE_BYTES;
        }
        let until_cut = usize::try_from(self.cut - at).unwrap_or(usize::MAX);
        let count = left.min(until_cut).min(input.bytes.len() - start);
        if count == 0 {
            return Some(Halt::Dry);
        }
        tokens.literals.extend_from_slice(&input.bytes[start..start + count]);
        *bits = Bits::at(input.bytes, (start + count) * 8);
        let left = left - count;
        self.reach(bits, input, Stage::Stored { left, is_last });
        None
    }

    /// The codes of a block: up to its end, or to the next cut.
    fn codes<'a>(&mut self, bits: &mut Bits<'a>, input: Input<'a>, is_last: bool, tokens: &mut Tokens) -> Option<Halt> {
        let cut = usize::try_from(self.cut - input.offset).unwrap_or(usize::MAX);
        match fast(&self.codes, bits, cut.min(input.bytes.len()), tokens) {
            Step::Token => {}
            Step::End => {
                self.reach(bits, input, after_block(is_last));
                return None;
            }
            Step::Invalid => return Some(Halt::Invalid),
        }
        let end = input.bytes.len() * 8;
        loop {
            self.reach(bits, input, Stage::Codes { is_last });
            let (before, mark) = (*bits, self.cut);
            let mut careful = Tail::default();
            let step = one(&self.codes, bits, &mut careful);
            if bits.position() > end || (step == Step::Invalid && before.position() + TOKEN_BITS > end) {
                *bits = before;
                return Some(Halt::Dry);
            }
            self.reach(bits, input, Stage::Codes { is_last });
            self.pass_cuts(tokens);
            match step {
                Step::Token => careful.append_to(tokens),
                Step::End => {
                    self.stage = after_block(is_last);
                    return None;
                }
                Step::Invalid => return Some(Halt::Invalid),
            }
            if self.cut != mark {
                return None;
            }
        }
    }

    /// The trailer of a gzip member.
    fn trailer<'a>(&mut self, bits: &mut Bits<'a>, input: Input<'a>, tokens: &mut Tokens) -> Option<Halt> {
        let start = bits.position().div_ceil(8);
        let Some(trailer) = input.bytes.get(start..start + 8) else {
            return Some(Halt::Dry);
        };
        let word = u64::from_le_bytes(trailer.try_into().unwrap_or_default());
        tokens.event(Event::MemberEnd {
            crc: word as u32,
            length: (word >> 32) as u32,
        });
        *bits = Bits::at(input.bytes, (start + 8) * 8);
        self.reach(bits, input, Stage::Header);
        self.pass_cuts(tokens);
        None
    }
}

/// The first cut that is not before this bit of the file; the file's start is none.
pub(super) fn cut_at(bit: u64) -> u64 {
    bit.div_ceil(8 * PIECE_BYTES).max(1) * PIECE_BYTES
}

fn after_block(is_last: bool) -> Stage {
    if is_last { Stage::Trailer } else { Stage::Block }
}

/// What was decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// One token, or as many as could be.
    Token,
    /// The end of the block.
    End,
    /// Something that is no code.
    Invalid,
}

/// Decodes codes up to a place before byte `stop` of the input, or to the block's end.
fn fast(codes: &Codes, bits: &mut Bits<'_>, stop: usize, tokens: &mut Tokens) -> Step {
    let mut here = *bits;
    let mut step = Step::Token;
    while here.loaded() + STRIDE <= stop {
        here.refill();
        let mut entry = codes.literal(here.peek());
        if entry.is_literal() {
            here.consume(entry.bits());
            tokens.literal(entry.literal());
            entry = codes.literal(here.peek());
            if entry.is_literal() {
                here.consume(entry.bits());
                tokens.literal(entry.literal());
                entry = codes.literal(here.peek());
                if entry.is_literal() {
                    here.consume(entry.bits());
                    tokens.literal(entry.literal());
                    continue;
                }
            }
            here.refill();
        }
        if entry.is_special() {
            if entry.is_link() {
                entry = codes.long_literal(entry, here.peek());
            }
            if entry.is_literal() {
                here.consume(entry.bits());
                tokens.literal(entry.literal());
                continue;
            }
            if entry.is_special() {
                here.consume(entry.bits());
                step = if entry.is_end() { Step::End } else { Step::Invalid };
                break;
            }
        }
        let length = entry.value(here.peek());
        here.consume(entry.bits());
        let entry = codes.distance(here.peek());
        if entry.is_special() {
            step = Step::Invalid;
            break;
        }
        let distance = entry.value(here.peek());
        here.consume(entry.bits());
        tokens.copy(length, distance);
    }
    *bits = here;
    step
}

/// A token that is not among the others yet.
#[derive(Default)]
enum Tail {
    #[default]
    Nothing,
    Literal(u8),
    Copy {
        length: u32,
        distance: u32,
    },
}

impl Tail {
    fn append_to(self, tokens: &mut Tokens) {
        match self {
            Self::Nothing => {}
            Self::Literal(byte) => tokens.literal(byte),
            Self::Copy { length, distance } => tokens.copy(length, distance),
        }
    }
}

/// Decodes one token.
fn one(codes: &Codes, bits: &mut Bits<'_>, token: &mut Tail) -> Step {
    bits.refill();
    let mut entry = codes.literal(bits.peek());
    if entry.is_link() {
        entry = codes.long_literal(entry, bits.peek());
    }
    let peeked = bits.peek();
    bits.consume(entry.bits());
    if entry.is_literal() {
        *token = Tail::Literal(entry.literal());
        return Step::Token;
    }
    if entry.is_special() {
        return if entry.is_end() { Step::End } else { Step::Invalid };
    }
    let length = entry.value(peeked);
    let entry = codes.distance(bits.peek());
    if entry.is_invalid() {
        return Step::Invalid;
    }
    let distance = entry.value(bits.peek());
    bits.consume(entry.bits());
    *token = Tail::Copy { length, distance };
    Step::Token
}

/// Reads the codes of a dynamic block (RFC 1951, section 3.2.7), after its first 3 bits. `None` when they are none.
pub(super) fn read_codes(bits: &mut Bits<'_>, codes: &mut Codes) -> Option<()> {
    let counts = bits.take(14);
    let literals = (counts & 31) as usize + 257;
    let distances = (counts >> 5 & 31) as usize + 1;
    if literals > 286 || distances > 30 {
        return None;
    }
    let mut lengths = [0; 19];
    for &place in &ORDER[..(counts >> 10) as usize + 4] {
        lengths[place] = bits.take(3) as u8;
    }
    let code = LengthCode::new(&lengths)?;
    let mut lengths = [0_u8; 286 + 30];
    let lengths = &mut lengths[..literals + distances];
    let mut filled = 0;
    while filled < lengths.len() {
        bits.refill();
        let (symbol, taken) = code.symbol(bits.peek());
        bits.consume(taken);
        let (length, times) = match symbol {
            16 => (*lengths[..filled].last()?, 3 + bits.take(2)),
            17 => (0, 3 + bits.take(3)),
            18 => (0, 11 + bits.take(7)),
            length => (length, 1),
        };
        let end = filled + times as usize;
        lengths.get_mut(filled..end)?.fill(length);
        filled = end;
    }
    let (literals, distances) = lengths.split_at(literals);
    if literals[END_OF_BLOCK] == 0 {
        return None;
    }
    codes.set(literals, distances)
}

/// What a gzip member's header may be.
enum Header {
    /// So many bytes.
    Whole(usize),
    /// It goes beyond the input.
    Cut,
    /// Something else than a gzip member.
    Other,
    /// The start of a gzip member, and then something that is not understood.
    Invalid,
}

/// Reads the header of a gzip member (RFC 1952, section 2.3).
fn member_header(bytes: &[u8]) -> Header {
    const FHCRC: u8 = 2;
    const FEXTRA: u8 = 4;
    const FNAME: u8 = 8;
    const FCOMMENT: u8 = 16;
    const RESERVED: u8 = 0xE0;
    if bytes.iter().zip(MAGIC).any(|(byte, magic)| *byte != magic) {
        return Header::Other;
    }
    let Some(fixed) = bytes.get(..10) else {
        return Header::Cut;
    };
    let flags = fixed[3];
    if fixed[2] != 8 || flags & RESERVED != 0 {
        return Header::Invalid;
    }
    let mut length = 10;
    if flags & FEXTRA != 0 {
        let Some(extra) = bytes.get(length..length + 2) else {
            return Header::Cut;
        };
        length += 2 + usize::from(u16::from_le_bytes([extra[0], extra[1]]));
    }
    for _ in 0..(flags & (FNAME | FCOMMENT)).count_ones() {
        let rest = bytes.get(length..).unwrap_or_default();
        let Some(end) = rest.iter().position(|&byte| byte == 0) else {
            return Header::Cut;
        };
        length += end + 1;
    }
    if flags & FHCRC != 0 {
        let Some(crc) = bytes.get(length..length + 2) else {
            return Header::Cut;
        };
        if crc != &crc32fast::hash(&bytes[..length]).to_le_bytes()[..2] {
            return Header::Invalid;
        }
        length += 2;
    }
    if length > bytes.len() {
        Header::Cut
    } else {
        Header::Whole(length)
    }
}

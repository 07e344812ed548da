//! A gzip stream (RFC 1952) of one or several members, decompressed on demand.
//!
//! Header, CRC-32 and length of every gzip member are checked by the decompressor.

use std::ops::Range;

use flate2::{Decompress, FlushDecompress, Status};

use crate::error::{DamageKind, Place};
use crate::marks::Marks;
use crate::source::{Fault, LOOK_BACK, Pull};

/// Compressed bytes read at once.
const INPUT: usize = 256 * 1024;
/// The largest window that deflate has, as a power of two (RFC 1951, section 2).
const WINDOW_BITS: u8 = 15;
/// The first two bytes of every gzip member (RFC 1952, section 2.3.1).
const MAGIC: [u8; 2] = [0x1F, 0x8B];

/// The decompressor and the compressed bytes that it eats.
pub(crate) struct Inflater<P> {
    raw: P,
    /// How many bytes of the file were read into `input`.
    read: u64,
    input: Box<[u8]>,
    /// The part of `input` that was not eaten yet.
    unread: Range<usize>,
    decompress: Decompress,
    /// How many bytes were given.
    given: u64,
    marks: Marks,
    state: State,
}

/// Where in the stream the decompressor stands.
enum State {
    /// Inside a gzip member, its header and trailer included.
    Inside,
    /// After a gzip member, of which there was at least one.
    Between,
    /// In the zeros that may follow the last gzip member.
    Padding,
    /// At the end of the file, and all is well.
    Ended,
    /// Nothing more can be had.
    Broken { at: u64, kind: DamageKind },
}

impl<P: Pull> Pull for Inflater<P> {
    fn pull(&mut self, out: &mut [u8]) -> Result<usize, Fault> {
        self.inflate(out)
    }

    fn place(&self, at: u64) -> Place {
        Place::in_stream(at, self.marks.piece_of(at))
    }

    fn consumed(&self) -> u64 {
        self.position()
    }

    fn settle(&mut self) -> Result<(), Fault> {
        self.raw.settle()
    }
}

impl<P: Pull> Inflater<P> {
    pub(crate) fn new(raw: P) -> Self {
        Self {
            raw,
            read: 0,
            input: vec![0; INPUT].into(),
            unread: 0..0,
            decompress: Decompress::new_gzip(WINDOW_BITS),
            given: 0,
            marks: Marks::new(LOOK_BACK),
            state: State::Inside,
        }
    }

    /// The offset in the file of the next byte to eat.
    fn position(&self) -> u64 {
        self.read - self.unread.len() as u64
    }

    /// Decompresses into `out`, which is not empty, until it is full or nothing more is to be had. 0 is the clean end.
    ///
    /// A stream that breaks gives what was there before, and its fault with the next call.
    fn inflate(&mut self, out: &mut [u8]) -> Result<usize, Fault> {
        let mut filled = 0;
        while filled < out.len() {
            match &self.state {
                State::Inside => filled += self.step(&mut out[filled..])?,
                State::Between => self.begin_another()?,
                State::Padding => self.pass_padding()?,
                State::Ended => break,
                State::Broken { .. } if filled > 0 => break,
                State::Broken { at, kind } => {
                    return Err(Fault::Stream {
                        file: *at,
                        kind: kind.clone(),
                    });
                }
            }
        }
        Ok(filled)
    }

    /// One call of the decompressor. Returns how many bytes it gave.
    fn step(&mut self, out: &mut [u8]) -> Result<usize, Fault> {
        let until_mark = (self.marks.next() - self.position()) as usize;
        let input = &self.input[self.unread.clone()];
        let input = &input[..input.len().min(until_mark)];
        let is_dry = input.is_empty();
        let (eaten, given) = (self.decompress.total_in(), self.decompress.total_out());
        let result = self.decompress.decompress(input, out, FlushDecompress::None);
        let eaten = (self.decompress.total_in() - eaten) as usize;
        let given = (self.decompress.total_out() - given) as usize;
        self.unread.start += eaten;
        self.given += given as u64;
        match result {
            Ok(Status::StreamEnd) => self.state = State::Between,
            Ok(Status::Ok | Status::BufError) if eaten + given > 0 => {}
            Ok(Status::Ok | Status::BufError) if is_dry => self.feed()?,
            Ok(Status::Ok | Status::BufError) => self.corrupt("no progress is possible"),
            Err(error) => self.corrupt(what_is_wrong(error.message().unwrap_or("invalid data"))),
        }
        Ok(given)
    }

    /// Gets more input, once the decompressor gives nothing any more without: before that the end of the file would
    /// hide bytes that it still had no room for.
    fn feed(&mut self) -> Result<(), Fault> {
        if self.position() == self.marks.next() {
            self.marks.pass(self.given);
        } else if !self.has_input(1)? {
            self.broken(DamageKind::CutGzip);
        }
        Ok(())
    }

    /// Decides what follows a gzip member: another one, padding, the end, or something that does not belong there.
    fn begin_another(&mut self) -> Result<(), Fault> {
        let two = self.has_input(2)?;
        let head = &self.input[self.unread.clone()];
        if head.is_empty() {
            self.state = State::Ended;
        } else if head.starts_with(&MAGIC) || (!two && head[0] == MAGIC[0]) {
            self.decompress = Decompress::new_gzip(WINDOW_BITS);
            self.state = State::Inside;
        } else {
            self.state = State::Padding;
        }
        Ok(())
    }

    /// Passes over zeros to the end of the file. Anything else among them is damage.
    fn pass_padding(&mut self) -> Result<(), Fault> {
        if !self.has_input(1)? {
            self.state = State::Ended;
            return Ok(());
        }
        let zeros = self.input[self.unread.clone()]
            .iter()
            .take_while(|&&byte| byte == 0)
            .count();
        self.unread.start += zeros;
        if !self.unread.is_empty() {
            self.broken(DamageKind::TrailingGarbage);
        }
        Ok(())
    }

    /// Makes sure of `count` bytes of input. Says whether the file still had them.
    fn has_input(&mut self, count: usize) -> Result<bool, Fault> {
        if self.unread.len() < count {
            self.input.copy_within(self.unread.clone(), 0);
            self.unread = 0..self.unread.len();
        }
        while self.unread.len() < count {
            let read = self.raw.pull(&mut self.input[self.unread.end..])?;
            if read == 0 {
                return Ok(false);
            }
            self.unread.end += read;
            self.read += read as u64;
        }
        Ok(true)
    }

    fn corrupt(&mut self, detail: &str) {
        self.broken(DamageKind::Gzip {
            detail: detail.to_owned(),
        });
    }

    fn broken(&mut self, kind: DamageKind) {
        self.state = State::Broken {
            at: self.position(),
            kind,
        };
    }
}

/// What is wrong, in words that depend on the stream alone.
///
/// zlib-rs has two loops over the codes of a block, a fast one where there is much input and room, and they say
/// different things, or nothing of use, of the same code. What is said of a damaged archive must not depend on how its
/// bytes came, or on which members were read.
fn what_is_wrong(message: &str) -> &str {
    match message {
        "invalid literal/length code"
        | "invalid distance code"
        | "invalid distance too far back"
        | "invalid distance code too far back"
        | "repeated call with bad state" => "a code inside a block is invalid",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::*;
    use crate::error::PIECE_BYTES;

    /// Bytes that come in pieces of these sizes, over and over.
    struct Pieces<'a> {
        rest: &'a [u8],
        sizes: std::iter::Cycle<std::slice::Iter<'a, usize>>,
        position: u64,
    }

    impl Pull for Pieces<'_> {
        fn pull(&mut self, out: &mut [u8]) -> Result<usize, Fault> {
            let most = self.sizes.next().copied().unwrap_or(usize::MAX);
            let (piece, rest) = self.rest.split_at(most.min(out.len()).min(self.rest.len()));
            out[..piece.len()].copy_from_slice(piece);
            self.rest = rest;
            self.position += piece.len() as u64;
            Ok(piece.len())
        }

        fn place(&self, at: u64) -> Place {
            Place::in_file(at, None)
        }

        fn consumed(&self) -> u64 {
            self.position
        }

        fn settle(&mut self) -> Result<(), Fault> {
            Ok(())
        }
    }

    /// What a stream holds, and what breaks it where.
    type Held = (Vec<u8>, Option<(u64, DamageKind)>);

    /// Reads a stream whose bytes come in these pieces, with pulls of these sizes. `place` is told of the last byte
    /// of every pull, and of the first that may still be asked for, where they are.
    fn inflate(bytes: &[u8], input: &[usize], output: &[usize], place: &mut dyn FnMut(u64, Place)) -> Held {
        let mut inflater = Inflater::new(Pieces {
            rest: bytes,
            sizes: input.iter().cycle(),
            position: 0,
        });
        let mut held = Vec::new();
        for &size in output.iter().cycle() {
            let mut out = vec![0; size];
            match inflater.pull(&mut out) {
                Ok(0) => break,
                Ok(given) => held.extend(&out[..given]),
                Err(Fault::Stream { file, kind }) => return (held, Some((file, kind))),
                Err(fault) => unreachable!("nothing else is wrong with memory: {fault:?}"),
            }
            let last = held.len() as u64 - 1;
            place(last, inflater.place(last));
            let back = last.saturating_sub(LOOK_BACK - 1);
            place(back, inflater.place(back));
        }
        (held, None)
    }

    /// Codes of every kind: bytes of few values, repeated from near and far.
    fn content() -> impl Strategy<Value = Vec<u8>> {
        let literals = prop::collection::vec(0..40_u8, 1..300);
        let copy = (any::<Index>(), 3..400_usize);
        prop::collection::vec((literals, copy), 1..60).prop_map(|parts| {
            let mut content = Vec::new();
            for (literals, (from, len)) in parts {
                content.extend(literals);
                let from = from.index(content.len());
                let copied = content[from..content.len().min(from + len)].to_vec();
                content.extend(copied);
            }
            content
        })
    }

    fn compressed(content: &[u8], level: u32) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::new(level));
        encoder.write_all(content).expect("memory to write to");
        encoder.finish().expect("memory to write to")
    }

    fn sizes() -> impl Strategy<Value = Vec<usize>> {
        prop::collection::vec(prop_oneof![1..30_usize, 1..1000_usize, 1..20_000_usize], 1..6)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// All that is before the damage is given, and it is found at the same place.
        #[test]
        fn a_stream_is_a_function_of_its_bytes(
            content in content(),
            again in prop::option::of(content()),
            level in prop::sample::select(vec![0, 1, 6, 9]),
            flip in prop::option::of((any::<Index>(), 0..8_u8)),
            cut in prop::option::of(any::<Index>()),
            input in sizes(),
            output in sizes(),
        ) {
            let mut bytes = compressed(&content, level);
            bytes.extend(again.map_or_else(Vec::new, |again| compressed(&again, level)));
            if let Some((at, bit)) = flip {
                let at = at.index(bytes.len());
                bytes[at] ^= 1 << bit;
            }
            bytes.truncate(cut.map_or(bytes.len(), |cut| cut.index(bytes.len())));
            let at_once = inflate(&bytes, &[usize::MAX], &[1 << 20], &mut |_, _| {});
            prop_assert_eq!(inflate(&bytes, &input, &output, &mut |_, _| {}), at_once);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        /// A byte's piece is the one without which it cannot be had.
        #[test]
        fn a_byte_comes_from_its_piece(
            parts in prop::collection::vec((content(), 1..400_usize, prop::sample::select(vec![0, 1, 6])), 1..5),
            input in sizes(),
            output in sizes(),
        ) {
            let members = parts.iter().map(|(content, times, level)| compressed(&content.repeat(*times), *level));
            let bytes: Vec<u8> = members.flatten().collect();
            let pieces = bytes.len() as u64 / PIECE_BYTES;
            let given = |pieces: u64| {
                let start = &bytes[..(pieces * PIECE_BYTES) as usize];
                inflate(start, &[usize::MAX], &[1 << 20], &mut |_, _| {}).0.len() as u64
            };
            let given: Vec<u64> = (0..=pieces).map(given).collect();
            let mut wrong = Vec::new();
            inflate(&bytes, &input, &output, &mut |at, place| {
                let piece = given.partition_point(|&given| given <= at) as u64 - 1;
                if place != Place::in_stream(at, piece * PIECE_BYTES) {
                    wrong.push((at, place, piece));
                }
            });
            prop_assert_eq!(wrong, vec![]);
        }
    }
}

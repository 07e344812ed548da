//! From tokens to bytes.

use crc32fast::Hasher;

use super::tokens::{Event, Sequence, Tokens};
use crate::gzip::Sums;
use crate::point::Inside;

/// How far back a match reaches, in bytes (RFC 1951, section 2).
const WINDOW: usize = 32 * 1024;
/// Bytes that are kept besides the window: few enough to stay in the cache until they are taken.
const FRESH: usize = 96 * 1024;
/// The most bytes that are replayed and not taken.
pub(super) const HELD: usize = WINDOW + FRESH;
/// What is copied at once, in bytes.
const WIDE: usize = 32;
/// The most bytes that one sequence gives, and what may be written after them.
const SEQUENCE: usize = 255 + 258 + 2 * WIDE;

/// Why replaying stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pause {
    /// All tokens were replayed.
    Done,
    /// Bytes have to be taken first.
    Full,
    /// A cut of the file is passed.
    Cut,
    /// A match reaches back before its member's start, or a member is not what its trailer says.
    Wrong,
}

/// Where in the tokens replaying stands.
#[derive(Default)]
pub(super) struct Cursor {
    sequence: usize,
    literal: usize,
    event: usize,
}

/// The last bytes of the stream.
pub(super) struct Replay {
    buffer: Box<[u8]>,
    /// How many bytes of the buffer there are.
    filled: usize,
    /// How many of them were taken.
    taken: usize,
    /// How many bytes there were before the buffer.
    gone: u64,
    /// Where the member starts, or what is kept of it.
    member: usize,
    /// Up to where in the buffer bytes are in the sums.
    summed: usize,
    /// Of the member, up to the last fold.
    sums: Sums,
    /// Over what was replayed since the last point, up to the last fold.
    since: Hasher,
    /// Over what was replayed since the last fold.
    part: Hasher,
    /// How many members ended.
    members: u64,
}

impl Replay {
    /// From the start of a gzip member, or from the middle of one, behind so many bytes of the stream.
    pub(super) fn new(gone: u64, inside: Option<&Inside>) -> Self {
        let mut replay = Self {
            buffer: vec![0; HELD].into(),
            filled: 0,
            taken: 0,
            gone,
            member: 0,
            summed: 0,
            sums: Sums::default(),
            since: Hasher::new(),
            part: Hasher::new(),
            members: 0,
        };
        if let Some(Inside { boundary, sums }) = inside {
            let window = &boundary.window;
            replay.buffer[..window.len()].copy_from_slice(window);
            replay.filled = window.len();
            replay.taken = window.len();
            replay.summed = window.len();
            replay.gone -= window.len() as u64;
            replay.sums = *sums;
        }
        replay
    }

    /// What was not taken yet.
    pub(super) fn fresh(&self) -> &[u8] {
        &self.buffer[self.taken..self.filled]
    }

    /// Takes so many bytes, of those that are fresh.
    pub(super) fn take(&mut self, count: usize) {
        self.taken += count;
    }

    /// How many bytes were replayed.
    pub(super) fn total(&self) -> u64 {
        self.gone + self.filled as u64
    }

    /// How many gzip members ended.
    pub(super) fn members(&self) -> u64 {
        self.members
    }

    /// What the member gave so far, and as much of it as can still be referred to; `None` where it gave nothing yet.
    pub(super) fn so_far(&mut self) -> Option<(Sums, Vec<u8>)> {
        if self.member == self.filled {
            return None;
        }
        self.fold();
        let window = self.member.max(self.filled.saturating_sub(WINDOW));
        Some((self.sums, self.buffer[window..self.filled].to_vec()))
    }

    /// Begins to sum up what is replayed from here on, for [`Replay::crc`].
    pub(super) fn begin_part(&mut self) {
        self.fold();
        self.since = Hasher::new();
    }

    /// The CRC-32 of what was replayed since [`Replay::begin_part`].
    pub(super) fn crc(&mut self) -> u32 {
        self.fold();
        self.since.clone().finalize()
    }

    /// Goes on with the tokens from the cursor.
    pub(super) fn run(&mut self, tokens: &Tokens, cursor: &mut Cursor) -> Pause {
        loop {
            let event = tokens.events.get(cursor.event);
            let stop = event.map_or(tokens.sequences.len(), |(at, _)| *at);
            if let Some(pause) = self.sequences(tokens, cursor, stop) {
                return pause;
            }
            let Some((_, event)) = event else {
                return Pause::Done;
            };
            cursor.event += 1;
            match *event {
                Event::Cut => return Pause::Cut,
                Event::MemberEnd { crc, length } if self.ends_with(crc, length) => {}
                Event::MemberEnd { .. } => return Pause::Wrong,
            }
        }
    }

    /// Replays sequences up to the one at `stop`.
    fn sequences(&mut self, tokens: &Tokens, cursor: &mut Cursor, stop: usize) -> Option<Pause> {
        while cursor.sequence < stop {
            if self.filled + SEQUENCE > self.buffer.len() {
                self.sum();
                if self.taken < self.filled {
                    return Some(Pause::Full);
                }
                self.shift();
            }
            let room = (self.buffer.len() - self.filled) / SEQUENCE;
            let end = stop.min(cursor.sequence + room);
            let some = &tokens.sequences[cursor.sequence..end];
            let literals = &tokens.literals[cursor.literal..];
            let Some(used) = self.some(some, literals) else {
                return Some(Pause::Wrong);
            };
            cursor.sequence = end;
            cursor.literal += used;
        }
        None
    }

    /// Replays sequences for which there is room. Says how many literals they had; `None` when a match is wrong.
    fn some(&mut self, sequences: &[Sequence], literals: &[u8]) -> Option<usize> {
        let buffer = &mut *self.buffer;
        let (mut filled, mut used) = (self.filled, 0);
        let mut is_right = true;
        for sequence in sequences {
            let count = sequence.literals();
            copy_literals(buffer, filled, &literals[used..], count);
            filled += count;
            used += count;
            let length = sequence.length();
            if length > 0 {
                let distance = sequence.distance();
                if distance > filled - self.member {
                    is_right = false;
                    break;
                }
                copy_match(buffer, filled, distance, length);
                filled += length;
            }
        }
        self.filled = filled;
        is_right.then_some(used)
    }

    /// Keeps the window alone.
    fn shift(&mut self) {
        let by = self.filled.saturating_sub(WINDOW);
        self.buffer.copy_within(by..self.filled, 0);
        self.filled -= by;
        self.gone += by as u64;
        self.taken -= by;
        self.summed -= by;
        self.member = self.member.saturating_sub(by);
    }

    /// Adds up what was not yet.
    fn sum(&mut self) {
        let fresh = &self.buffer[self.summed..self.filled];
        self.part.update(fresh);
        self.sums.len = self.sums.len.wrapping_add(fresh.len() as u32);
        self.summed = self.filled;
    }

    /// Puts the part into the sums, and begins another one.
    fn fold(&mut self) {
        self.sum();
        let part = std::mem::take(&mut self.part);
        let mut member = Hasher::new_with_initial(self.sums.crc);
        member.combine(&part);
        self.sums.crc = member.finalize();
        self.since.combine(&part);
    }

    /// Ends a member. Says whether its trailer is right.
    fn ends_with(&mut self, crc: u32, length: u32) -> bool {
        self.fold();
        let sums = std::mem::take(&mut self.sums);
        self.member = self.filled;
        self.members += 1;
        sums.crc == crc && sums.len == length
    }
}

/// Copies `count` literals to `at`. More may be written after them.
#[inline(always)]
fn copy_literals(buffer: &mut [u8], at: usize, literals: &[u8], count: usize) {
    match literals.first_chunk::<WIDE>() {
        Some(wide) if count <= WIDE => buffer[at..at + WIDE].copy_from_slice(wide),
        _ => buffer[at..at + count].copy_from_slice(&literals[..count]),
    }
}

/// Copies `length` bytes to `at` from `distance` before it. More may be written after them.
#[inline(always)]
fn copy_match(buffer: &mut [u8], at: usize, distance: usize, length: usize) {
    let from = at - distance;
    if distance >= WIDE {
        let mut done = 0;
        while done < length {
            let mut wide = [0; WIDE];
            wide.copy_from_slice(&buffer[from + done..from + done + WIDE]);
            buffer[at + done..at + done + WIDE].copy_from_slice(&wide);
            done += WIDE;
        }
    } else if distance == 1 {
        let byte = buffer[from];
        buffer[at..at + length].fill(byte);
    } else {
        // What is copied is read again: each time around there is twice as much of it.
        let mut done = 0;
        while done < length {
            let count = (distance + done).min(length - done);
            buffer.copy_within(from..from + count, at + done);
            done += count;
        }
    }
}

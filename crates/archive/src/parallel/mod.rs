//! Inflating a gzip file with several threads.
//!
//! Most of the work of inflating is to read codes of varying lengths; what they say (copy so many bytes from so far
//! back) is then done quickly. Where a code starts is only known when the one before it was read, but a deflate stream
//! consists of blocks, and a block's start can be guessed. So the file is cut into chunks, read in order. Threads look
//! for the first block of a chunk and read the codes from there, into tokens, without knowing what lies before. Whoever
//! pulls replays the tokens in order. A guess counts if what was before it ends exactly there; what was not guessed is
//! read by whoever pulls.
//!
//! Tokens take about twice the compressed length, whatever they inflate to, and at most a few MiB a chunk. (The other
//! way to do this, which `pugz` and `rapidgzip` follow, is to inflate in the threads, with marks for bytes that are not
//! known yet. For text that compresses well that takes three times the work, and memory by the inflated length.)
//!
//! Nothing is decided here that [`Inflater`](crate::gzip::Inflater) decides: bytes that are wrong, or only unusual, are
//! given to the [`Judge`], who inflates the file in order, from a chunk's start on.

mod bits;
mod chunk;
mod crew;
mod deflate;
mod finder;
mod huffman;
mod judge;
mod replay;
mod tokens;

use std::collections::VecDeque;
use std::fs::File;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use crate::crew::Crew;
use crate::error::{DamageKind, PIECE_BYTES, Place};
use crate::gzip::Boundary;
use crate::marks::{Mark, Marks};
use crate::point::{Inside, Point, Points, Spacing};
use crate::source::{Fault, LOOK_BACK, Pull};
use crate::stop::Stop;
use chunk::{Chunk, Cutter, Sizes, Work};
use crew::{Decoded, From, Job};
use deflate::{Decoder, Halt, cut_at};
use finder::canonical;
use judge::{Given, Judge};
use replay::{Cursor, HELD, Pause, Replay};

/// How a file is cut: in pieces of 1 MiB, which are decoded in milliseconds, and so many that finding a block (some
/// 20 KiB further on, as a rule) is little besides. Blocks are rarely longer than 128 KiB. There are writers who know
/// no dynamic blocks, or make a single one: of such a file 32 chunks are enough to see it.
const SIZES: Sizes = Sizes {
    chunk: 1 << 20,
    beyond: 128 << 10,
    patience: 32,
};

/// A file of this length has no use for threads, in bytes.
pub(crate) const WORTH_IT: u64 = 2 * SIZES.chunk as u64;

/// Inflates a file with several threads.
pub(crate) struct Parallel<P> {
    file: Arc<File>,
    stop: Arc<Stop>,
    threads: usize,
    sizes: Sizes,
    state: State<P>,
    /// How far points are to be apart; `None` where nobody wants any.
    spacing: Option<Spacing>,
}

/// Who inflates.
enum State<P> {
    /// Nobody does yet: from the file's start, or from a point of it.
    Unread { raw: P, point: Option<Point> },
    /// All threads.
    Team(Box<Team<P>>),
    /// One thread, in order.
    Judge(Box<Judge<P>>),
    /// Nobody can: it comes from one of these, and not to another.
    Between,
}

impl<P: Pull> Parallel<P> {
    /// Over a file of which `raw` gives the bytes in order, with so many threads besides the caller's.
    pub(crate) fn new(raw: P, file: Arc<File>, stop: Arc<Stop>, threads: usize) -> Self {
        Self {
            file,
            stop,
            threads,
            sizes: SIZES,
            state: State::Unread { raw, point: None },
            spacing: None,
        }
    }

    /// From a point, as [`Inflater::begin_at`](crate::gzip::Inflater::begin_at).
    pub(crate) fn begin_at(self, point: Point) -> Self {
        let state = match self.state {
            State::Unread { raw, .. } => State::Unread {
                raw,
                point: Some(point),
            },
            begun => begun,
        };
        Self { state, ..self }
    }

    /// Cuts the file into other pieces: chunks of so many bytes, of which decoding may go so far beyond; and after how
    /// many of them it gives up, if less than half were of use.
    #[cfg(feature = "fuzzing")]
    pub(crate) fn with_sizes(self, chunk: usize, beyond: usize, patience: u64) -> Self {
        let sizes = Sizes {
            chunk,
            beyond,
            patience,
        };
        Self { sizes, ..self }
    }

    /// Starts the threads. Where there can be none, one inflates.
    fn begin(&mut self) {
        self.state = match std::mem::replace(&mut self.state, State::Between) {
            State::Unread { raw, point } => match crew::start(self.threads) {
                Ok(crew) => State::Team(Box::new(Team::new(raw, crew, point, self))),
                Err(_) => State::Judge(self.judge(
                    raw,
                    Given {
                        point,
                        bytes: 0,
                        crc: 0,
                        marks: None,
                    },
                )),
            },
            begun => begun,
        };
    }

    /// Gives up what threads do.
    fn call_judge(&mut self) {
        self.state = match std::mem::replace(&mut self.state, State::Between) {
            State::Team(mut team) => {
                let bytes = team.replay.total() - team.point_at;
                let crc = team.replay.crc();
                let Team {
                    cutter, point, marks, ..
                } = *team;
                let given = Given {
                    point,
                    bytes,
                    crc,
                    marks: Some(marks),
                };
                State::Judge(self.judge(cutter.into_raw(), given))
            }
            other => other,
        };
    }

    fn judge(&self, raw: P, given: Given) -> Box<Judge<P>> {
        let (file, stop) = (Arc::clone(&self.file), Arc::clone(&self.stop));
        let mut judge = Judge::new(raw, file, stop, given);
        if let Some(spacing) = self.spacing {
            judge.make_points(spacing);
        }
        Box::new(judge)
    }
}

impl<P: Pull> Pull for Parallel<P> {
    fn pull(&mut self, out: &mut [u8]) -> Result<usize, Fault> {
        loop {
            match &mut self.state {
                State::Unread { .. } => self.begin(),
                // What is decoded already can be a thousand times as long as what was read.
                State::Team(_) if self.stop.is_told() => return Err(Fault::Stopped),
                State::Team(team) => match team.pull(out)? {
                    Some(given) => return Ok(given),
                    None => self.call_judge(),
                },
                State::Judge(judge) => return judge.pull(out),
                State::Between => return Err(Fault::Stopped),
            }
        }
    }

    fn place(&self, at: u64) -> Place {
        match &self.state {
            State::Team(team) => Place::in_stream(at, team.marks.piece_of(at)),
            State::Judge(judge) => judge.place(at),
            State::Unread { point, .. } => Place::in_stream(at, point.as_ref().map_or(0, |point| point.mark.file)),
            State::Between => Place::in_stream(at, 0),
        }
    }

    fn consumed(&self) -> u64 {
        match &self.state {
            State::Unread { raw, .. } => raw.consumed(),
            State::Team(team) => team.consumed(),
            State::Judge(judge) => judge.consumed(),
            State::Between => 0,
        }
    }

    fn settle(&mut self) -> Result<(), Fault> {
        match &mut self.state {
            State::Unread { raw, .. } => raw.settle(),
            State::Team(team) => team.cutter.settle(),
            State::Judge(judge) => judge.settle(),
            State::Between => Ok(()),
        }
    }

    fn make_points(&mut self, spacing: Spacing) {
        self.spacing = Some(spacing);
        match &mut self.state {
            State::Team(team) => team.make_points(spacing),
            State::Judge(judge) => judge.make_points(spacing),
            State::Unread { .. } | State::Between => {}
        }
    }

    fn point_before(&mut self, at: u64) -> Option<Point> {
        match &mut self.state {
            State::Team(team) => team.points.as_mut()?.last_before(at),
            State::Judge(judge) => judge.point_before(at),
            State::Unread { .. } | State::Between => None,
        }
    }
}

/// Threads that decode chunks, and who puts together what they give.
struct Team<P> {
    cutter: Cutter<P>,
    crew: Crew<Job>,
    /// How many chunks are handed out at most.
    most: usize,
    /// Chunks that are handed out, in order.
    handed_out: VecDeque<Receiver<Decoded>>,
    /// The chunk at hand.
    chunk: Chunk,
    /// What is being replayed of it, and where that stands.
    work: Work,
    cursor: Cursor,
    /// What a thread decoded of the chunk, from this bit of the file on, as long as it may be of use.
    offer: Option<(u64, Work)>,
    spare: Vec<Work>,
    replay: Replay,
    marks: Marks,
    /// Where the judge would begin, and how many bytes of the stream are before that.
    point: Option<Point>,
    point_at: u64,
    /// `None` where nobody wants any.
    points: Option<Points>,
    ending: Ending,
    /// How many chunks were taken up, and in how many of them what a thread decoded was of use, since patience was new.
    patience: u64,
    taken: u64,
    adopted: u64,
}

/// What comes after what is replayed.
enum Ending {
    /// More, as far as is known.
    None,
    /// Zeros alone, to the file's end, or damage: looked at up to this byte of the file.
    Padding { at: u64 },
    /// The end of the file, and all is well.
    Clean,
    /// Something else than zeros, after all members.
    Garbage { at: u64 },
    /// A failure to read.
    Fault(Option<Fault>),
    /// Something that the judge has to look at.
    Doubt,
}

impl<P: Pull> Team<P> {
    fn new(raw: P, crew: Crew<Job>, point: Option<Point>, settings: &Parallel<P>) -> Self {
        // Marks are passed when tokens are replayed, which is before they are given.
        let look_back = LOOK_BACK + HELD as u64;
        let mark = point.as_ref().map_or(Mark { file: 0, stream: 0 }, |point| point.mark);
        let point_at = point.as_ref().map_or(0, |point| point.stream);
        let inside = point.as_ref().and_then(|point| point.inside.as_ref());
        let mut team = Self {
            cutter: Cutter::new(raw, settings.sizes),
            crew,
            most: 2 * settings.threads + 1,
            handed_out: VecDeque::new(),
            chunk: Chunk::default(),
            work: Work::new(start(point.as_ref())),
            cursor: Cursor::default(),
            offer: None,
            spare: Vec::new(),
            replay: Replay::new(point_at, inside),
            marks: Marks::begin_at(mark, look_back),
            point,
            point_at,
            points: None,
            ending: Ending::None,
            patience: settings.sizes.patience,
            taken: 0,
            adopted: 0,
        };
        if let Some(spacing) = settings.spacing {
            team.make_points(spacing);
        }
        team.hand_out(From::Here);
        team
    }

    fn make_points(&mut self, spacing: Spacing) {
        let file = self.work.decoder.bit().div_ceil(8);
        self.points = Some(Points::new(spacing, file, self.replay.total()));
    }

    /// As [`Pull::consumed`]: up to where tokens are decoded for those who replay them.
    fn consumed(&self) -> u64 {
        match self.ending {
            Ending::Padding { at } | Ending::Garbage { at } => at,
            Ending::Clean => self.chunk.end(),
            Ending::None | Ending::Fault(_) | Ending::Doubt => self.work.decoder.bit().div_ceil(8),
        }
    }

    /// As [`Pull::pull`]; `None` when the judge has to go on.
    fn pull(&mut self, out: &mut [u8]) -> Result<Option<usize>, Fault> {
        let mut given = 0;
        while given < out.len() {
            let fresh = self.replay.fresh();
            if !fresh.is_empty() {
                let count = fresh.len().min(out.len() - given);
                out[given..given + count].copy_from_slice(&fresh[..count]);
                self.replay.take(count);
                given += count;
                continue;
            }
            match &mut self.ending {
                Ending::None => self.go_on(),
                Ending::Padding { at } => {
                    let at = *at;
                    self.pass_padding(at);
                }
                _ if given > 0 => break,
                Ending::Clean => break,
                Ending::Garbage { at } => {
                    return Err(Fault::Stream {
                        file: *at,
                        kind: DamageKind::TrailingGarbage,
                    });
                }
                Ending::Fault(fault) => return fault.take().map_or(Ok(None), Err),
                Ending::Doubt => return Ok(None),
            }
        }
        Ok(Some(given))
    }

    /// Replays what is decoded, and sees to it that there is more.
    fn go_on(&mut self) {
        match self.replay.run(&self.work.tokens, &mut self.cursor) {
            Pause::Full => {}
            Pause::Cut => self.marks.pass(self.replay.total()),
            Pause::Wrong => self.ending = Ending::Doubt,
            Pause::Done => self.decode_more(),
        }
    }

    /// Goes on where the tokens at hand end.
    fn decode_more(&mut self) {
        let bit = self.work.decoder.bit();
        match self.work.halt {
            Halt::Invalid => self.ending = Ending::Doubt,
            Halt::NoMember if self.replay.members() == 0 => self.ending = Ending::Doubt,
            Halt::NoMember => self.ending = Ending::Padding { at: bit / 8 },
            Halt::Dry if self.chunk.is_last => self.ending = self.end(bit),
            Halt::Dry => self.next_chunk(),
            Halt::Boundary if bit >= self.chunk.until => {
                self.note_point(bit);
                self.next_chunk();
            }
            Halt::Boundary | Halt::Full => self.decode_here(),
        }
    }

    /// What it means that the last chunk is used up at this bit.
    fn end(&mut self, bit: u64) -> Ending {
        match self.cutter.fault.take() {
            Some(fault) => Ending::Fault(Some(fault)),
            None if self.work.decoder.is_between_members()
                && bit == self.chunk.end() * 8
                && self.replay.members() > 0 =>
            {
                Ending::Clean
            }
            None => Ending::Doubt,
        }
    }

    /// Goes on in the next chunk.
    fn next_chunk(&mut self) {
        if self.is_futile() {
            self.ending = Ending::Doubt;
            return;
        }
        if let Some((start, work)) = self.take_next() {
            match start {
                Some(start) => self.offer = Some((start, work)),
                None => self.spare.push(work),
            }
            self.decode_here();
        }
    }

    /// Whether threads are of no use. One that inflates in order is quicker then than who has to decode for them.
    fn is_futile(&mut self) -> bool {
        if self.taken < self.patience {
            return false;
        }
        let is_futile = 2 * self.adopted < self.taken;
        (self.taken, self.adopted) = (0, 0);
        is_futile
    }

    /// Hands out chunks, as many as may be.
    fn hand_out(&mut self, mut from: From) {
        while self.handed_out.len() < self.most {
            let Some(chunk) = self.cutter.next() else { break };
            let mut work = self.spare.pop().unwrap_or_else(|| Work::new(start(None)));
            if from == From::Here {
                work.decoder = start(self.point.as_ref());
            }
            self.handed_out.push_back(self.crew.decode(chunk, work, from));
            from = From::Found;
        }
    }

    /// Takes the next chunk, with what a thread decoded of it and from where on. `None`, in doubt, when its thread came
    /// to grief.
    fn take_next(&mut self) -> Option<(Option<u64>, Work)> {
        self.hand_out(From::Found);
        let decoded = self.handed_out.pop_front().and_then(|decoded| decoded.recv().ok());
        let Some(Decoded { chunk, work, start }) = decoded else {
            self.ending = Ending::Doubt;
            return None;
        };
        self.spare.extend(self.offer.take().map(|(_, work)| work));
        self.taken += 1;
        self.cutter.take_back(std::mem::replace(&mut self.chunk, chunk));
        Some((start, work))
    }

    /// Notes that a block, or a gzip member, starts at this bit, behind what was replayed: the judge can begin there, and
    /// others. Not at the first block of a member, whose header lies before: a point is of either.
    fn note_point(&mut self, bit: u64) {
        let file = bit.div_ceil(8);
        if self.replay.total() == self.point_at {
            return;
        }
        let Some(prefix) = self.cutter.prefix_before(file) else {
            return;
        };
        let inside = self.inside(bit);
        if inside.is_none() && !self.work.decoder.is_between_members() {
            return;
        }
        self.replay.begin_part();
        let point = Point {
            file,
            stream: self.replay.total(),
            mark: self.marks.last(),
            prefix,
            inside,
        };
        self.point_at = point.stream;
        if let Some(points) = &mut self.points
            && points.is_due(file, point.stream)
        {
            points.add(file, point.stream, Some(point.clone()));
        }
        self.point = Some(point);
    }

    /// What is known of the member where its next block starts at this bit; `None` where it gave nothing yet.
    fn inside(&mut self, bit: u64) -> Option<Inside> {
        let (sums, window) = self.replay.so_far()?;
        let file = bit.div_ceil(8);
        let last = (file - 1).checked_sub(self.chunk.offset);
        let last = last.and_then(|last| self.chunk.bytes.get(usize::try_from(last).ok()?));
        let boundary = Boundary {
            bits: (file * 8 - bit) as u8,
            byte: last.copied().unwrap_or_default(),
            window,
        };
        Some(Inside { boundary, sums })
    }

    /// Goes on in the chunk at hand: with what a thread decoded, if it fits.
    fn decode_here(&mut self) {
        let bit = self.work.decoder.bit();
        let name = canonical(self.chunk.input(), bit);
        let is_start = self.work.halt == Halt::Boundary;
        let mut until = self.chunk.until;
        if let Some((start, _)) = &self.offer {
            // A stored block may start up to 7 bits before its name.
            until = until.min(start.saturating_sub(7).max(bit + 1));
        }
        self.cursor = Cursor::default();
        match self.offer.take_if(|(start, _)| *start <= name) {
            Some((start, work)) if start == name && is_start => self.adopt(start, work),
            Some((_, work)) => {
                self.spare.push(work);
                self.work.go_on(&self.chunk, self.chunk.until);
            }
            None => self.work.go_on(&self.chunk, until),
        }
    }

    /// Goes on with what a thread decoded from this bit on.
    fn adopt(&mut self, start: u64, work: Work) {
        let mut cut = self.work.decoder.cut();
        while cut < cut_at(start) {
            self.marks.pass(self.replay.total());
            cut += PIECE_BYTES;
        }
        self.adopted += 1;
        self.spare.push(std::mem::replace(&mut self.work, work));
    }

    /// Passes over the zeros from a byte of the file on.
    fn pass_padding(&mut self, at: u64) {
        let start = usize::try_from(at - self.chunk.offset).unwrap_or(usize::MAX);
        let rest = self.chunk.bytes.get(start..).unwrap_or_default();
        if let Some(zeros) = rest.iter().position(|&byte| byte != 0) {
            let at = at + zeros as u64;
            self.ending = Ending::Garbage { at };
            return;
        }
        let at = at.max(self.chunk.end());
        self.ending = Ending::Padding { at };
        if self.chunk.is_last {
            let fault = self.cutter.fault.take();
            self.ending = fault.map_or(Ending::Clean, |fault| Ending::Fault(Some(fault)));
        } else {
            let passed = self.take_next();
            self.spare.extend(passed.map(|(_, work)| work));
        }
    }
}

/// Who decodes from a point on, or from the start of a file.
fn start(point: Option<&Point>) -> Decoder {
    let Some(point) = point else {
        return Decoder::at_member(0, PIECE_BYTES);
    };
    let cut = point.mark.file + PIECE_BYTES;
    match &point.inside {
        Some(Inside { boundary, .. }) => Decoder::at_block(point.file * 8 - u64::from(boundary.bits), cut),
        None => Decoder::at_member(point.file, cut),
    }
}

#[cfg(test)]
mod tests;

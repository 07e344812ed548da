//! A gzip stream (RFC 1952) of one or several members, decompressed on demand, from its start or from a point.
//!
//! CRC-32 and length of every gzip member are checked, also of one that is begun in its middle: a [`Point`] holds the
//! sums of what the member gave before.

mod deflate;
mod framing;
#[cfg(test)]
mod tests;

use std::ops::Range;

use crate::error::{DamageKind, Place};
use crate::marks::Marks;
use crate::point::{Inside, Point, Points, Spacing};
use crate::source::{Fault, LOOK_BACK, Pull};
pub(crate) use deflate::Boundary;
use deflate::{Deflate, Status, Step, Until};
pub(crate) use framing::Sums;
use framing::{Header, MAGIC, Trailer};

/// Compressed bytes read at once.
const INPUT: usize = 256 * 1024;

/// The decompressor and the compressed bytes that it eats.
pub(crate) struct Inflater<P> {
    raw: P,
    /// How many bytes of the file were read or are before what was: the offset of the end of `input`.
    read: u64,
    input: Box<[u8]>,
    /// The part of `input` that was not eaten yet.
    unread: Range<usize>,
    /// The byte that was eaten last.
    last: u8,
    deflate: Deflate,
    /// What the gzip member gave so far.
    sums: Sums,
    /// How many bytes were given, those before the point included at which it began.
    given: u64,
    marks: Marks,
    state: State,
    /// `None` where nobody wants any.
    points: Option<Points>,
}

/// Where in the stream the decompressor stands.
enum State {
    /// Before the offset in the file at which it begins.
    Before { start: u64, inside: bool },
    /// In the header of a gzip member.
    Header(Header),
    /// In the deflate data of a gzip member.
    Body,
    /// In the trailer of a gzip member.
    Trailer(Trailer),
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

    fn make_points(&mut self, spacing: Spacing) {
        self.points = Some(Points::new(spacing, self.position(), self.given));
    }

    fn point_before(&mut self, at: u64) -> Option<Point> {
        self.points.as_mut()?.last_before(at)
    }
}

impl<P: Pull> Inflater<P> {
    /// From the start of a file.
    pub(crate) fn new(raw: P) -> Self {
        Self {
            raw,
            read: 0,
            input: vec![0; INPUT].into(),
            unread: 0..0,
            last: 0,
            deflate: Deflate::new(),
            sums: Sums::default(),
            given: 0,
            marks: Marks::new(LOOK_BACK),
            state: State::Header(Header::new()),
            points: None,
        }
    }

    /// From a point that another one made of the same file. `raw` begins at the point's [`Point::prefix`]. What comes is what
    /// comes behind the point when everything is read, damage and places included.
    pub(crate) fn begin_at(raw: P, point: Point) -> Self {
        let mut inflater = Inflater {
            read: point.prefix.bytes,
            given: point.stream,
            marks: Marks::begin_at(point.mark, LOOK_BACK),
            state: State::Before {
                start: point.file,
                inside: point.inside.is_some(),
            },
            ..Inflater::new(raw)
        };
        if let Some(Inside { boundary, sums }) = &point.inside {
            inflater.deflate.begin_at(boundary);
            inflater.last = boundary.byte;
            inflater.sums = *sums;
        }
        inflater
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
                State::Before { start, inside } => self.pass_to(*start, *inside)?,
                State::Header(_) => self.read_header()?,
                State::Body => filled += self.step(&mut out[filled..])?,
                State::Trailer(_) => self.read_trailer()?,
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

    /// Passes over what lies before the point.
    fn pass_to(&mut self, start: u64, inside: bool) -> Result<(), Fault> {
        let left = start - self.position();
        if left == 0 {
            self.state = if inside {
                State::Body
            } else {
                State::Header(Header::new())
            };
        } else if self.has_input(1)? {
            self.unread.start += self.unread.len().min(left as usize);
        } else {
            self.broken(DamageKind::CutGzip);
        }
        Ok(())
    }

    fn read_header(&mut self) -> Result<(), Fault> {
        let input = self.until_mark();
        if input.is_empty() {
            return self.feed();
        }
        let State::Header(header) = &mut self.state else {
            return Ok(());
        };
        let (eaten, verdict) = header.read(&self.input[input]);
        let is_whole = header.is_whole();
        self.eat(eaten);
        match verdict {
            Ok(()) if is_whole => {
                self.deflate.begin();
                self.sums = Sums::default();
                self.state = State::Body;
            }
            Ok(()) => {}
            Err(what) => self.corrupt(what),
        }
        Ok(())
    }

    fn read_trailer(&mut self) -> Result<(), Fault> {
        let input = self.until_mark();
        if input.is_empty() {
            return self.feed();
        }
        let State::Trailer(trailer) = &mut self.state else {
            return Ok(());
        };
        let (eaten, verdict) = trailer.read(&self.input[input], self.sums);
        let is_whole = trailer.is_whole();
        self.eat(eaten);
        match verdict {
            Ok(()) if is_whole => self.state = State::Between,
            Ok(()) => {}
            Err(what) => self.corrupt(what),
        }
        Ok(())
    }

    /// One call of the decompressor. Returns how many bytes it gave.
    fn step(&mut self, out: &mut [u8]) -> Result<usize, Fault> {
        let input = self.until_mark();
        let is_dry = input.is_empty();
        let is_due = self.is_point_due();
        let until = if is_due { Until::Block } else { Until::Full };
        let Step { eaten, given, status } = self.deflate.inflate(&self.input[input], out, until);
        self.eat(eaten);
        self.given += given as u64;
        self.sums.add(&out[..given]);
        match status {
            Status::Ended => self.state = State::Trailer(Trailer::default()),
            // Reaching a boundary is progress, though no byte may have been needed for it.
            Status::AtBlock(Some(bits)) if is_due => self.make_point_at(bits),
            Status::AtBlock(_) => {}
            Status::GoesOn if eaten + given > 0 => {}
            Status::GoesOn if is_dry => self.feed()?,
            Status::GoesOn => self.corrupt("no progress is possible"),
            Status::Wrong(what) => self.corrupt(what_is_wrong(what)),
        }
        Ok(given)
    }

    /// The bytes that may be eaten before the next mark is passed, as a part of `input`.
    fn until_mark(&self) -> Range<usize> {
        let until_mark = self.marks.next() - self.position();
        let most = usize::try_from(until_mark).unwrap_or(usize::MAX);
        self.unread.start..self.unread.start + self.unread.len().min(most)
    }

    fn eat(&mut self, count: usize) {
        self.unread.start += count;
        if count > 0 {
            self.last = self.input[self.unread.start - 1];
        }
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
            self.state = State::Header(Header::new());
            if self.is_point_due() {
                self.make_point(None);
            }
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

    fn is_point_due(&self) -> bool {
        let points = self.points.as_ref();
        points.is_some_and(|points| points.is_due(self.position(), self.given))
    }

    /// Makes a point where a block begins in the gzip member.
    fn make_point_at(&mut self, bits: u8) {
        let boundary = Boundary {
            bits,
            byte: self.last,
            window: self.deflate.window(),
        };
        let sums = self.sums;
        self.make_point(Some(Inside { boundary, sums }));
    }

    fn make_point(&mut self, inside: Option<Inside>) {
        let file = self.position();
        let prefix = self.raw.prefix_before(file);
        let Some(points) = &mut self.points else { return };
        points.add(
            file,
            self.given,
            prefix.map(|prefix| Point {
                file,
                stream: self.given,
                mark: self.marks.last(),
                prefix,
                inside,
            }),
        );
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

//! A zstd stream (RFC 8878) of one or several frames, decompressed on demand by libzstd.
//!
//! How much libzstd gives before it finds something wrong, and how far it has read by then, depends on what it is fed and
//! how much room it has. So it is fed one block at a time, whole, and all that a block gives is taken before the next one:
//! where a stream breaks, the blocks before have been given, and the place is the block's. What stands around the blocks
//! is read here.

mod frame;
mod team;
#[cfg(test)]
mod tests;

use std::io;
use std::ops::Range;

use zstd_safe::zstd_sys::ZSTD_ErrorCode;
use zstd_safe::{DCtx, DParameter, ErrorCode, InBuffer, OutBuffer};

use crate::error::{DamageKind, Place};
use crate::marks::Marks;
use crate::point::{Point, Points, Spacing};
use crate::source::{Fault, LOOK_BACK, Pull};
use frame::{
    BLOCK_HEADER, BLOCK_LIMIT, BlockHeader, CHECKSUM, FrameHeader, SKIPPABLE_HEADER, WINDOW_LOG_LIMIT,
    skippable_content,
};
pub(crate) use frame::{Magic, WINDOW_LIMIT};
pub(crate) use team::{Frames, WORTH_IT};

/// Compressed bytes read at once. The largest block is less.
const INPUT: usize = 256 * 1024;

/// What is said of a block that is larger than the window, or than any may be.
const OVERSIZED: &str = "a block is larger than one of its frame may be";

const _: () = assert!(INPUT >= BLOCK_HEADER + BLOCK_LIMIT, "a block has to fit whole");

/// The decompressor and the compressed bytes that it eats.
pub(crate) struct Decoder<P> {
    raw: P,
    /// How many bytes of the file were read: the offset of the end of `input`.
    read: u64,
    input: Box<[u8]>,
    /// The part of `input` that was not eaten yet.
    unread: Range<usize>,
    libzstd: DCtx<'static>,
    /// How many bytes were given.
    given: u64,
    marks: Marks,
    state: State,
    /// `None` where nobody wants any.
    points: Option<Points>,
}

/// Where in the stream the decompressor stands.
enum State {
    /// Where a frame may begin, or the file may end.
    Between,
    /// In what is passed over, of which this many bytes are left: a skippable frame, or what lies before a point.
    Skipping { left: u64 },
    /// Where a block begins.
    Block(Frame),
    /// In a part of a frame that libzstd is fed with, and then in what libzstd gives for it.
    Feeding { part: Part, left: usize, frame: Frame },
    /// At the end of the file, and all is well.
    Ended,
    /// Nothing more can be had.
    Broken { at: u64, kind: DamageKind },
}

/// The frame that is being read.
#[derive(Clone, Copy)]
struct Frame {
    header: FrameHeader,
    /// Where its content begins in the stream.
    start: u64,
}

/// What libzstd is fed with, one at a time and whole.
#[derive(Clone, Copy)]
enum Part {
    Header,
    Block { at: u64, is_last: bool },
    Checksum { at: u64 },
}

impl<P: Pull> Pull for Decoder<P> {
    fn pull(&mut self, out: &mut [u8]) -> Result<usize, Fault> {
        self.decompress(out)
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

impl<P: Pull> Decoder<P> {
    /// From the start of a file.
    ///
    /// # Panics
    ///
    /// When there is no memory for libzstd's own state, about 100 KiB.
    pub(crate) fn new(raw: P) -> Self {
        Self {
            raw,
            read: 0,
            input: vec![0; INPUT].into(),
            unread: 0..0,
            libzstd: DCtx::create(),
            given: 0,
            marks: Marks::new(LOOK_BACK),
            state: State::Between,
            points: None,
        }
    }

    /// From a point that another one made of the same file, which is where a frame starts. `raw` begins at the point's
    /// [`Point::prefix`]. What comes is what comes behind the point when everything is read, damage and places included.
    pub(crate) fn begin_at(raw: P, point: &Point) -> Self {
        let before = point.file - point.prefix.bytes;
        let marks = Marks::begin_at(point.mark, LOOK_BACK);
        Self::go_on(raw, before, point.stream, marks, None)
    }

    /// From where `raw` stands, which is so many bytes before a frame, after others gave so many, and passed these marks.
    fn go_on(raw: P, before: u64, given: u64, marks: Marks, points: Option<Points>) -> Self {
        Self {
            read: raw.consumed(),
            given,
            marks,
            state: State::Skipping { left: before },
            points,
            ..Self::new(raw)
        }
    }

    /// From the start of a frame on, of other bytes, with the memory that it has.
    fn over(self, raw: P, marks: Marks) -> Self {
        Self {
            read: raw.consumed(),
            raw,
            unread: 0..0,
            given: 0,
            marks,
            state: State::Between,
            points: None,
            ..self
        }
    }

    /// The offset in the file of the next byte to eat.
    fn position(&self) -> u64 {
        self.read - self.unread.len() as u64
    }

    /// Decompresses into `out`, which is not empty, until it is full or nothing more is to be had. 0 is the clean end.
    ///
    /// A stream that breaks gives what was there before, and its fault with the next call.
    fn decompress(&mut self, out: &mut [u8]) -> Result<usize, Fault> {
        let mut filled = 0;
        while filled < out.len() {
            match self.state {
                State::Between => self.begin()?,
                State::Skipping { left } => self.skip(left)?,
                State::Block(frame) => self.begin_block(frame)?,
                State::Feeding { part, left, frame } => filled += self.feed(part, left, frame, &mut out[filled..])?,
                State::Ended => break,
                State::Broken { .. } if filled > 0 => break,
                State::Broken { at, ref kind } => {
                    return Err(Fault::Stream {
                        file: at,
                        kind: kind.clone(),
                    });
                }
            }
        }
        Ok(filled)
    }

    /// Decides what stands at the file's start, and behind a frame: another one, the end, or something that does not
    /// belong there.
    fn begin(&mut self) -> Result<(), Fault> {
        self.has_input(SKIPPABLE_HEADER)?;
        let head = &self.input[self.unread.clone()];
        match Magic::of(head) {
            _ if head.is_empty() => self.state = State::Ended,
            Magic::Frame => {
                self.make_point_if_due();
                self.begin_frame()?;
            }
            Magic::Skippable if head.len() >= SKIPPABLE_HEADER => {
                let left = skippable_content(head);
                self.pass_marks_inside(SKIPPABLE_HEADER);
                self.unread.start += SKIPPABLE_HEADER;
                self.state = State::Skipping { left };
            }
            Magic::Skippable | Magic::Cut => self.cut(),
            Magic::None => self.broken(self.position(), DamageKind::GarbageAfterZstd),
        }
        Ok(())
    }

    fn skip(&mut self, left: u64) -> Result<(), Fault> {
        if left == 0 {
            self.state = State::Between;
        } else if self.has_input(1)? {
            let count = self.unread.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            self.pass_marks_inside(count);
            self.unread.start += count;
            self.state = State::Skipping {
                left: left - count as u64,
            };
        } else {
            self.cut();
        }
        Ok(())
    }

    fn begin_frame(&mut self) -> Result<(), Fault> {
        let at = self.position();
        let Some(len) = FrameHeader::len(&self.input[self.unread.clone()]) else {
            self.cut();
            return Ok(());
        };
        if !self.has_input(len)? {
            self.cut();
            return Ok(());
        }
        let header = FrameHeader::read(&self.input[self.unread.start..self.unread.start + len]);
        match header {
            None => self.corrupt(at, "a frame's header has a bit that must not be set"),
            Some(header) if header.dictionary != 0 => {
                let id = header.dictionary;
                self.broken(at, DamageKind::ZstdDictionary { id });
            }
            Some(header) if header.window > WINDOW_LIMIT => {
                let window = header.window;
                self.broken(at, DamageKind::ZstdWindow { window });
            }
            Some(header) => self.start(header, len)?,
        }
        Ok(())
    }

    /// Has libzstd begin a frame.
    fn start(&mut self, header: FrameHeader, len: usize) -> Result<(), Fault> {
        // A new one for each frame: the memory of a larger window, which libzstd keeps, would let a crafted block refer to
        // bytes that whoever begins at this frame does not have.
        self.libzstd = DCtx::try_create().ok_or_else(|| Fault::Read {
            offset: self.position(),
            source: io::ErrorKind::OutOfMemory.into(),
        })?;
        let begun = self.libzstd.set_parameter(DParameter::WindowLogMax(WINDOW_LOG_LIMIT));
        let frame = Frame {
            header,
            start: self.given,
        };
        match begun {
            Ok(_) => self.begin_part(Part::Header, len, frame)?,
            Err(code) => self.refused(code, Part::Header, frame)?,
        }
        Ok(())
    }

    fn begin_block(&mut self, frame: Frame) -> Result<(), Fault> {
        let at = self.position();
        if !self.has_input(BLOCK_HEADER)? {
            self.cut();
            return Ok(());
        }
        let header = &self.input[self.unread.start..self.unread.start + BLOCK_HEADER];
        match BlockHeader::read(header) {
            None => self.corrupt(at, "a block is of no type that there is"),
            Some(block) if block.size > frame.header.block_limit() => self.corrupt(at, OVERSIZED),
            Some(BlockHeader { body, is_last, .. }) => {
                self.begin_part(Part::Block { at, is_last }, BLOCK_HEADER + body, frame)?;
            }
        }
        Ok(())
    }

    /// Waits until all of a part is there.
    fn begin_part(&mut self, part: Part, len: usize, frame: Frame) -> Result<(), Fault> {
        if self.has_input(len)? {
            self.pass_marks_inside(len);
            self.state = State::Feeding { part, left: len, frame };
        } else {
            self.cut();
        }
        Ok(())
    }

    /// One call of libzstd, with what is `left` of a part. Returns how many bytes it gave.
    fn feed(&mut self, part: Part, left: usize, frame: Frame, out: &mut [u8]) -> Result<usize, Fault> {
        let start = self.unread.start;
        let mut input = InBuffer::around(&self.input[start..start + left]);
        let mut output = OutBuffer::around(out);
        let result = self.libzstd.decompress_stream(&mut output, &mut input);
        let (eaten, given) = (input.pos(), output.pos());
        if let Err(code) = result {
            self.refused(code, part, frame)?;
            return Ok(0);
        }
        self.unread.start += eaten;
        self.given += given as u64;
        let left = left - eaten;
        if eaten + given > 0 {
            self.state = State::Feeding { part, left, frame };
        } else if left == 0 {
            self.end_part(part, frame)?;
        } else {
            self.refused(0, part, frame)?;
        }
        Ok(given)
    }

    /// Goes on once libzstd has given all that there is in a part.
    fn end_part(&mut self, part: Part, frame: Frame) -> Result<(), Fault> {
        match part {
            Part::Header | Part::Block { is_last: false, .. } => self.state = State::Block(frame),
            Part::Block { is_last: true, .. } => self.end_content(frame)?,
            Part::Checksum { .. } => self.state = State::Between,
        }
        Ok(())
    }

    fn end_content(&mut self, frame: Frame) -> Result<(), Fault> {
        let content = self.given - frame.start;
        let at = self.position();
        if frame.header.content.is_some_and(|said| said != content) {
            self.corrupt(at, "a frame is not as long as its header says");
        } else if frame.header.has_checksum {
            self.begin_part(Part::Checksum { at }, CHECKSUM, frame)?;
        } else {
            self.state = State::Between;
        }
        Ok(())
    }

    /// libzstd does not take a part. What is said depends on the part alone, and not on libzstd's version or machine.
    fn refused(&mut self, code: ErrorCode, part: Part, frame: Frame) -> Result<(), Fault> {
        if code == code_of(ZSTD_ErrorCode::ZSTD_error_memory_allocation) {
            return Err(Fault::Read {
                offset: self.position(),
                source: io::ErrorKind::OutOfMemory.into(),
            });
        }
        match part {
            Part::Header => self.corrupt(self.position(), "a frame's header is invalid"),
            // It compares the length when it has the last block.
            Part::Block { at, is_last: true } if frame.header.content.is_some() => self.corrupt(
                at,
                "the last block is invalid, or the frame is not as long as its header says",
            ),
            Part::Block { at, .. } => self.corrupt(at, "a block is invalid"),
            Part::Checksum { at } => self.corrupt(at, "the checksum is not that of the content"),
        }
        Ok(())
    }

    /// Makes a point where a frame starts, which needs nothing from before.
    fn make_point_if_due(&mut self) {
        let (file, stream) = (self.position(), self.given);
        let Some(points) = self.points.as_mut().filter(|points| points.is_due(file, stream)) else {
            return;
        };
        let prefix = self.raw.prefix_before(file);
        let point = prefix.map(|prefix| Point {
            file,
            stream,
            mark: self.marks.last(),
            prefix,
            inside: None,
        });
        points.add(file, stream, point);
    }

    /// Passes the cuts of the file that are inside the next `count` bytes. What these give comes only when all of them
    /// were read.
    fn pass_marks_inside(&mut self, count: usize) {
        let end = self.position() + count as u64;
        while self.marks.next() < end {
            self.marks.pass(self.given);
        }
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

    /// The file ends before the frame does.
    fn cut(&mut self) {
        self.broken(self.read, DamageKind::CutZstd);
    }

    fn corrupt(&mut self, at: u64, detail: &'static str) {
        self.broken(at, DamageKind::Zstd { detail });
    }

    fn broken(&mut self, at: u64, kind: DamageKind) {
        self.state = State::Broken { at, kind };
    }
}

/// What libzstd returns for an error. Source: `error_private.h`, `ERROR`.
fn code_of(error: ZSTD_ErrorCode) -> ErrorCode {
    (error as ErrorCode).wrapping_neg()
}

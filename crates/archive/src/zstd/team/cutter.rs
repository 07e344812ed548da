//! Cutting a file into batches of whole frames, by what stands around their blocks.

use super::batch::Batch;
use crate::source::{Fault, Pull};
use crate::zstd::frame::{
    BLOCK_HEADER, BlockHeader, CHECKSUM, FrameHeader, Magic, SKIPPABLE_HEADER, WINDOW_LIMIT, skippable_content,
};

/// Compressed bytes read at once.
const READ: usize = 256 * 1024;

/// How large batches are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    /// A batch has no more frames once it has so many bytes of the file,
    pub(super) file: usize,
    /// or may have so many bytes of the stream.
    pub(super) stream: usize,
    /// The most bytes that a frame may have, and give.
    pub(super) frame: usize,
}

/// Cuts a file.
pub(super) struct Cutter<P> {
    raw: P,
    sizes: Sizes,
    /// Where in the file `ahead` starts, in bytes: what is before is in batches.
    start: u64,
    /// What was read and is in no batch.
    ahead: Vec<u8>,
    /// How many bytes are passed over before the first frame.
    before: u64,
    /// Nothing more is read: the file ends, or there is a fault.
    is_dry: bool,
    /// What comes is in no batch.
    has_ended: bool,
    /// Why nothing more can be read.
    pub(super) fault: Option<Fault>,
}

/// A frame's extent, in bytes.
struct Span {
    /// Of the file.
    len: usize,
    /// At the most, of the stream.
    most: usize,
}

impl<P: Pull> Cutter<P> {
    /// From where `raw` stands, which is so many bytes before a frame.
    pub(super) fn new(raw: P, before: u64, sizes: Sizes) -> Self {
        Self {
            start: raw.consumed(),
            raw,
            sizes,
            ahead: Vec::new(),
            before,
            is_dry: false,
            has_ended: false,
            fault: None,
        }
    }

    /// The next batch. `None` before the first frame that is not plainly right, too large, or not there as a whole, and at
    /// the file's end.
    pub(super) fn next(&mut self) -> Option<Batch> {
        if self.has_ended || !self.pass_to_first() {
            self.has_ended = true;
            return None;
        }
        let prefix = self.raw.prefix_before(self.start);
        let (mut len, mut most) = (0, 0);
        while len < self.sizes.file && most < self.sizes.stream {
            let Some(frame) = self.frame(len) else {
                self.has_ended = true;
                break;
            };
            len += frame.len;
            most += frame.most;
        }
        let rest = self.ahead.split_off(len);
        let bytes = std::mem::replace(&mut self.ahead, rest);
        let batch = Batch::new(self.start, bytes, most, prefix);
        self.start += len as u64;
        (len > 0).then_some(batch)
    }

    /// Passes over what lies before the first frame. Says whether it is there.
    fn pass_to_first(&mut self) -> bool {
        let before = usize::try_from(self.before).unwrap_or(usize::MAX);
        if !self.has(before) {
            return false;
        }
        self.ahead.drain(..before);
        self.start += self.before;
        self.before = 0;
        true
    }

    /// The frame that starts so far into what was read, if it may be in a batch.
    fn frame(&mut self, at: usize) -> Option<Span> {
        self.has(at + SKIPPABLE_HEADER);
        let head = &self.ahead[at..];
        match Magic::of(head) {
            Magic::Frame => self.data_frame(at),
            Magic::Skippable if head.len() >= SKIPPABLE_HEADER => {
                let content = usize::try_from(skippable_content(head)).ok()?;
                self.whole(at, content.checked_add(SKIPPABLE_HEADER)?, 0)
            }
            Magic::Skippable | Magic::Cut | Magic::None => None,
        }
    }

    fn data_frame(&mut self, at: usize) -> Option<Span> {
        let mut len = FrameHeader::len(&self.ahead[at..])?;
        if !self.has(at + len) {
            return None;
        }
        let header = FrameHeader::read(&self.ahead[at..at + len])?;
        if header.dictionary != 0 || header.window > WINDOW_LIMIT {
            return None;
        }
        let mut most = 0;
        loop {
            if !self.has(at + len + BLOCK_HEADER) {
                return None;
            }
            let block = BlockHeader::read(&self.ahead[at + len..at + len + BLOCK_HEADER])?;
            len += BLOCK_HEADER + block.body;
            most += header.block_limit();
            if block.is_last {
                break;
            }
            if len > self.sizes.frame {
                return None;
            }
        }
        let most = match header.content {
            Some(content) => usize::try_from(content).ok()?,
            None => most,
        };
        let checksum = if header.has_checksum { CHECKSUM } else { 0 };
        self.whole(at, len + checksum, most)
    }

    /// A frame of this extent, if it is not too large, and all of it is there.
    fn whole(&mut self, at: usize, len: usize, most: usize) -> Option<Span> {
        let is_small = len.max(most) <= self.sizes.frame;
        (is_small && self.has(at + len)).then_some(Span { len, most })
    }

    /// Reads so many bytes ahead. Says whether the file has them.
    fn has(&mut self, count: usize) -> bool {
        while self.ahead.len() < count && !self.is_dry {
            let known = self.ahead.len();
            self.ahead.resize(known + READ, 0);
            let read = self.raw.pull(&mut self.ahead[known..]);
            self.ahead.truncate(known + *read.as_ref().unwrap_or(&0));
            self.is_dry = self.ahead.len() == known;
            self.fault = read.err();
        }
        self.ahead.len() >= count
    }

    /// Where in the file the first byte is that is in no batch.
    pub(super) fn start(&self) -> u64 {
        self.start
    }

    /// The same, how many bytes before a frame that is, and what the file
    /// is read through.
    pub(super) fn into_raw(self) -> (u64, u64, P) {
        (self.start, self.before, self.raw)
    }

    /// As [`Pull::settle`].
    pub(super) fn settle(&mut self) -> Result<(), Fault> {
        match self.fault.take() {
            Some(fault) => Err(fault),
            None => self.raw.settle(),
        }
    }
}

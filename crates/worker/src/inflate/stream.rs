//! Inflating a member piece by piece, where what it inflates to is not needed as a whole.

use std::io;

use super::{Format, InflateError, Next, Pumps};

/// How many compressed bytes are read at a time.
const INPUT_BYTES: usize = 128 << 10;

/// How many bytes are inflated at a time.
///
/// A decompressor may give less of what is damaged when it has more room. With the same room at the same places each time,
/// what it gives is the same whoever reads it, and from wherever.
const OUTPUT_BYTES: usize = 128 << 10;

/// What a compressed member inflates to, in order.
#[derive(Debug)]
pub(crate) struct Stream {
    format: Format,
    pumps: Pumps,
    input: Vec<u8>,
    /// Which part of `input` was not used yet.
    pending: std::ops::Range<usize>,
    /// Where in the compressed bytes that is.
    at: u64,
    /// Whether nothing comes behind `input`.
    is_last: bool,
    output: Vec<u8>,
    /// Which part of `output` was not taken yet.
    ready: std::ops::Range<usize>,
    is_done: bool,
    /// What comes behind `output`.
    failure: Option<InflateError>,
}

/// Why a piece cannot be had.
#[derive(Debug)]
pub(crate) enum StreamError {
    /// What is compressed is not whole.
    Inflate(InflateError),
    /// The compressed bytes cannot be read.
    Source(io::Error),
}

impl Stream {
    /// At the beginning of what is compressed so.
    pub(crate) fn new(format: Format) -> Stream {
        Stream {
            format,
            pumps: Pumps::default(),
            input: vec![0; INPUT_BYTES],
            pending: 0..0,
            at: 0,
            is_last: false,
            output: vec![0; OUTPUT_BYTES],
            ready: 0..0,
            is_done: false,
            failure: None,
        }
    }

    /// The next bytes, as many as there are at hand and `out` has room for; none at the end. `source` fills a buffer with
    /// the next compressed bytes, as far as they go, and says how many these were.
    pub(crate) fn read(
        &mut self,
        out: &mut [u8],
        source: &mut dyn FnMut(&mut [u8]) -> io::Result<usize>,
    ) -> Result<usize, StreamError> {
        while self.ready.is_empty() && !self.is_done {
            match &self.failure {
                Some(error) => return Err(StreamError::Inflate(error.clone())),
                None => self.pump(source).map_err(StreamError::Source)?,
            }
        }
        let len = out.len().min(self.ready.len());
        out[..len].copy_from_slice(&self.output[self.ready.start..][..len]);
        self.ready.start += len;
        Ok(len)
    }

    /// Goes on until the output is full, or nothing more comes.
    fn pump(&mut self, source: &mut dyn FnMut(&mut [u8]) -> io::Result<usize>) -> io::Result<()> {
        let mut filled = 0;
        while filled < self.output.len() && !self.is_done && self.failure.is_none() {
            let (input, out) = (&self.input[self.pending.clone()], &mut self.output[filled..]);
            let pumped = match self.pumps.pump(self.format, input, self.at, self.is_last, out) {
                Ok(pumped) => pumped,
                Err(error) => {
                    self.failure = Some(error);
                    break;
                }
            };
            self.pending.start += pumped.eaten;
            self.at += pumped.eaten as u64;
            filled += pumped.given;
            match pumped.next {
                Next::Going => {}
                Next::Hungry => self.fill(source)?,
                Next::Done => self.is_done = true,
            }
        }
        self.ready = 0..filled;
        Ok(())
    }

    /// Reads more of what is compressed.
    fn fill(&mut self, source: &mut dyn FnMut(&mut [u8]) -> io::Result<usize>) -> io::Result<()> {
        self.input.copy_within(self.pending.clone(), 0);
        let kept = self.pending.len();
        let read = source(&mut self.input[kept..])?;
        self.pending = 0..kept + read;
        self.is_last = self.pending.end < self.input.len();
        Ok(())
    }
}

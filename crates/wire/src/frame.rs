//! Frames: what a pipe between two processes carries.
//!
//! ```text
//!  0        4      5          8        12             20        24
//!  ┌────────┬──────┬──────────┬────────┬──────────────┬─────────┬─────────…
//!  │ length │ kind │ 0  0  0  │ table  │ task         │ crc32   │ body
//!  └────────┴──────┴──────────┴────────┴──────────────┴─────────┴─────────…
//! ```
//!
//! All integers are little-endian. `length` is the body's, in bytes; `table` and `task` are set for batches only; the
//! checksum is the CRC-32 (IEEE 802.3) of the header's first 20 bytes and the body. The length is checked against the
//! kind's cap before a byte is allocated for it, and memory grows only with bytes that did arrive; a body that was
//! read holds no more than its length.

use std::io::{self, BufReader, ErrorKind, IoSlice, Read, Write};

use arrow_buffer::{Buffer, MutableBuffer};
use thiserror::Error;

/// Bytes of a frame before its body.
pub const HEADER_LEN: usize = 24;

/// Where the checksum begins; it covers the header up to here.
const CHECKSUM_AT: usize = 20;

/// How much is allocated for a body before any of it has arrived, in bytes. From there it doubles with what arrives:
/// while it is copied, three times what has arrived is held.
const ALLOCATION_STEP: usize = 8 << 20;

/// What a frame's body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A message of [`crate::message`].
    Message,
    /// A piece of an Arrow IPC stream: one record batch of one table (with the schema before the first).
    Batch,
}

impl Kind {
    /// The longest body, in bytes.
    ///
    /// A batch holds rows of at most one oversized document (256 MiB by value lengths) with Arrow's offsets,
    /// validity and padding around them.
    pub const fn max_len(self) -> usize {
        match self {
            Kind::Message => 64 << 20,
            Kind::Batch => 512 << 20,
        }
    }

    const fn code(self) -> u8 {
        match self {
            Kind::Message => 1,
            Kind::Batch => 2,
        }
    }

    const fn of(code: u8) -> Option<Kind> {
        match code {
            1 => Some(Kind::Message),
            2 => Some(Kind::Batch),
            _ => None,
        }
    }
}

/// A frame as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// What the body is.
    pub kind: Kind,
    /// The table of a batch.
    pub table: u32,
    /// The task of a batch.
    pub task: u64,
    /// The body, aligned to 64 bytes so that Arrow arrays can point into it.
    pub body: Buffer,
}

/// Why a frame could not be read.
#[derive(Debug, Error)]
pub enum FrameError {
    /// The pipe failed.
    #[error("reading a frame: {0}")]
    Io(#[from] io::Error),
    /// The other end went away inside a frame.
    #[error("the stream ends inside a frame: {missing} bytes are missing")]
    Truncated {
        /// How many bytes were still to come.
        missing: usize,
    },
    /// There is no such kind.
    #[error("a frame of unknown kind {code}")]
    UnknownKind {
        /// The kind's code.
        code: u8,
    },
    /// The body is longer than its kind allows.
    #[error("a frame of {len} bytes; the most for its kind is {max}")]
    TooLong {
        /// The length that the frame claims, in bytes.
        len: usize,
        /// The cap, in bytes.
        max: usize,
    },
    /// What arrived is not what was sent.
    #[error("a frame's checksum is {found:08x}, not {expected:08x}")]
    Checksum {
        /// The checksum in the header.
        expected: u32,
        /// The checksum of what arrived.
        found: u32,
    },
}

/// A frame to be written.
#[derive(Debug, Clone)]
pub struct Outgoing<'a> {
    /// What the body is.
    pub kind: Kind,
    /// The table of a batch.
    pub table: u32,
    /// The task of a batch.
    pub task: u64,
    /// The body, one piece behind the other.
    pub pieces: Vec<&'a [u8]>,
}

impl Outgoing<'_> {
    /// What comes before the body.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for a body over [`Kind::max_len`].
    fn header(&self) -> io::Result<[u8; HEADER_LEN]> {
        let Outgoing { kind, table, task, .. } = *self;
        let len: usize = self.pieces.iter().map(|piece| piece.len()).sum();
        if len > kind.max_len() {
            let message = format!("a {kind:?} frame of {len} bytes; the most is {}", kind.max_len());
            return Err(io::Error::new(ErrorKind::InvalidInput, message));
        }
        let mut header = [0; HEADER_LEN];
        // The cap keeps the length within 32 bits.
        header[0..4].copy_from_slice(&(len as u32).to_le_bytes());
        header[4] = kind.code();
        header[8..12].copy_from_slice(&table.to_le_bytes());
        header[12..20].copy_from_slice(&task.to_le_bytes());
        let mut checksum = crc32fast::Hasher::new();
        checksum.update(&header[..CHECKSUM_AT]);
        self.pieces.iter().for_each(|piece| checksum.update(piece));
        header[CHECKSUM_AT..].copy_from_slice(&checksum.finalize().to_le_bytes());
        Ok(header)
    }
}

/// Writes frames.
#[derive(Debug)]
pub struct FrameWriter<W> {
    inner: W,
}

impl<W: Write> FrameWriter<W> {
    /// A writer of frames to `inner`, which should not buffer: a frame is written with as few calls as possible.
    pub fn new(inner: W) -> FrameWriter<W> {
        FrameWriter { inner }
    }

    /// Writes one frame whose body is the concatenation of `pieces`.
    ///
    /// # Errors
    ///
    /// What the pipe gives, and [`ErrorKind::InvalidInput`] for a body over [`Kind::max_len`].
    pub fn write(&mut self, kind: Kind, table: u32, task: u64, pieces: &[&[u8]]) -> io::Result<()> {
        self.write_together(&[Outgoing {
            kind,
            table,
            task,
            pieces: pieces.to_vec(),
        }])
    }

    /// Writes frames that are all there already with as few calls as possible: each call wakes whoever reads.
    ///
    /// # Errors
    ///
    /// What the pipe gives, and [`ErrorKind::InvalidInput`] for a body over [`Kind::max_len`]; then nothing is written.
    pub fn write_together(&mut self, frames: &[Outgoing<'_>]) -> io::Result<()> {
        let headers: Vec<_> = frames.iter().map(Outgoing::header).collect::<io::Result<_>>()?;
        let mut slices: Vec<IoSlice<'_>> = Vec::new();
        for (frame, header) in frames.iter().zip(&headers) {
            slices.push(IoSlice::new(header));
            let pieces = frame.pieces.iter().filter(|piece| !piece.is_empty());
            slices.extend(pieces.map(|piece| IoSlice::new(piece)));
        }
        write_all_vectored(&mut self.inner, &mut slices)
    }
}

/// `Write::write_all_vectored`, which is not stable yet.
fn write_all_vectored(writer: &mut impl Write, mut slices: &mut [IoSlice<'_>]) -> io::Result<()> {
    while !slices.is_empty() {
        match writer.write_vectored(slices) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut slices, written),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    writer.flush()
}

/// Bytes that are read ahead: some messages, so that each does not cost two calls, and little of a batch, which goes
/// straight into its own memory.
const READ_AHEAD: usize = 4 << 10;

/// Reads frames.
#[derive(Debug)]
pub struct FrameReader<R> {
    inner: BufReader<R>,
}

impl<R: Read> FrameReader<R> {
    /// A reader of frames from `inner`.
    pub fn new(inner: R) -> FrameReader<R> {
        FrameReader {
            inner: BufReader::with_capacity(READ_AHEAD, inner),
        }
    }

    /// The next frame, or `None` where the stream ends between two frames.
    ///
    /// # Errors
    ///
    /// Whatever makes the rest of the stream meaningless: after an error no further frame can be read.
    pub fn read(&mut self) -> Result<Option<Frame>, FrameError> {
        let mut header = [0; HEADER_LEN];
        match read_full(&mut self.inner, &mut header)? {
            0 => return Ok(None),
            HEADER_LEN => {}
            read => {
                return Err(FrameError::Truncated {
                    missing: HEADER_LEN - read,
                });
            }
        }
        let len = u32_at(&header, 0) as usize;
        let kind = Kind::of(header[4]).ok_or(FrameError::UnknownKind { code: header[4] })?;
        if len > kind.max_len() {
            return Err(FrameError::TooLong {
                len,
                max: kind.max_len(),
            });
        }
        let body = self.read_body(len)?;
        let mut checksum = crc32fast::Hasher::new();
        checksum.update(&header[..CHECKSUM_AT]);
        checksum.update(&body);
        let (expected, found) = (u32_at(&header, CHECKSUM_AT), checksum.finalize());
        if expected != found {
            return Err(FrameError::Checksum { expected, found });
        }
        let task = u64::from(u32_at(&header, 12)) | u64::from(u32_at(&header, 16)) << 32;
        Ok(Some(Frame {
            kind,
            table: u32_at(&header, 8),
            task,
            body,
        }))
    }

    /// Reads a body into memory that is exactly as long in the end, and doubles on the way only once it is full.
    fn read_body(&mut self, len: usize) -> Result<Buffer, FrameError> {
        let mut body = MutableBuffer::new(len.min(ALLOCATION_STEP));
        loop {
            let start = body.len();
            let end = len.min((2 * start).max(ALLOCATION_STEP));
            if start > 0 {
                let mut larger = MutableBuffer::new(end);
                larger.extend_from_slice(&body);
                body = larger;
            }
            body.resize(end, 0);
            let read = read_full(&mut self.inner, &mut body.as_slice_mut()[start..])?;
            if start + read < end {
                return Err(FrameError::Truncated {
                    missing: len - start - read,
                });
            }
            if end == len {
                return Ok(body.into());
            }
        }
    }
}

fn u32_at(bytes: &[u8; HEADER_LEN], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// Fills `buffer` unless the stream ends before; gives how many bytes were read.
#[expect(clippy::disallowed_methods, reason = "this is the loop around short reads")]
fn read_full(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(kind: Kind, table: u32, task: u64, pieces: &[&[u8]]) -> Vec<u8> {
        let mut bytes = Vec::new();
        FrameWriter::new(&mut bytes).write(kind, table, task, pieces).unwrap();
        bytes
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            frames in prop::collection::vec((any::<bool>(), any::<u32>(), any::<u64>(), prop::collection::vec(any::<u8>(), 0..300), 0usize..300), 0..8)
        ) {
            let mut bytes = Vec::new();
            let mut writer = FrameWriter::new(&mut bytes);
            for (batch, table, task, body, cut) in &frames {
                let (head, tail) = body.split_at((*cut).min(body.len()));
                writer.write(if *batch { Kind::Batch } else { Kind::Message }, *table, *task, &[head, tail]).unwrap();
            }
            let mut reader = FrameReader::new(bytes.as_slice());
            for (batch, table, task, body, _) in &frames {
                let frame = reader.read().unwrap().unwrap();
                prop_assert_eq!(frame.kind, if *batch { Kind::Batch } else { Kind::Message });
                prop_assert_eq!((frame.table, frame.task, frame.body.as_slice()), (*table, *task, body.as_slice()));
            }
            prop_assert!(reader.read().unwrap().is_none());
        }

        #[test]
        fn a_flipped_bit_is_noticed(body in prop::collection::vec(any::<u8>(), 0..200), at in any::<prop::sample::Index>(), bit in 0u8..8) {
            let mut bytes = written(Kind::Batch, 3, 9, &[&body]);
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            // The three unused bytes are covered as well.
            prop_assert!(FrameReader::new(bytes.as_slice()).read().is_err());
        }

        #[test]
        fn a_cut_is_noticed(body in prop::collection::vec(any::<u8>(), 0..200), at in any::<prop::sample::Index>()) {
            let bytes = written(Kind::Message, 0, 0, &[&body]);
            let cut = at.index(bytes.len());
            let read = FrameReader::new(&bytes[..cut]).read();
            match cut {
                0 => prop_assert!(matches!(read, Ok(None))),
                _ => prop_assert!(matches!(read, Err(FrameError::Truncated { .. })), "{:?}", read),
            }
        }
    }

    #[test]
    fn a_claimed_length_over_the_cap_is_refused_before_it_is_read() {
        for (kind, len) in [
            (Kind::Message, (64 << 20) + 1),
            (Kind::Batch, (512 << 20) + 1),
            (Kind::Batch, u32::MAX),
        ] {
            let mut bytes = written(kind, 0, 0, &[]);
            bytes[0..4].copy_from_slice(&len.to_le_bytes());
            assert!(matches!(
                FrameReader::new(bytes.as_slice()).read(),
                Err(FrameError::TooLong { .. })
            ));
        }
    }

    #[test]
    fn a_claimed_length_that_does_not_arrive_is_missing() {
        let mut bytes = written(Kind::Batch, 0, 0, &[b"short"]);
        bytes[0..4].copy_from_slice(&(512u32 << 20).to_le_bytes());
        let error = FrameReader::new(bytes.as_slice()).read().unwrap_err();
        assert!(
            matches!(error, FrameError::Truncated { missing } if missing == (512 << 20) - 5),
            "{error}"
        );
    }

    #[test]
    fn a_body_of_several_steps_is_read_whole_and_holds_no_more() {
        for len in [ALLOCATION_STEP, ALLOCATION_STEP + 1, 2 * ALLOCATION_STEP + 77] {
            let body: Vec<u8> = (0..len).map(|at| (at % 251) as u8).collect();
            let bytes = written(Kind::Batch, 0, 0, &[&body]);
            let frame = FrameReader::new(bytes.as_slice()).read().unwrap().unwrap();
            assert!(frame.body.as_slice() == body, "{len}");
            assert!(frame.body.capacity() < len + 128, "{len}: {}", frame.body.capacity());
        }
    }

    #[test]
    fn an_overlong_body_is_not_written() {
        let body = vec![0; Kind::Message.max_len() + 1];
        let error = FrameWriter::new(io::sink())
            .write(Kind::Message, 0, 0, &[&body])
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }

    #[test]
    fn frames_that_are_written_together_are_read_one_by_one() {
        let large = vec![7; 3 * READ_AHEAD];
        let bodies: [&[&[u8]]; 4] = [&[b"ab", b"c"], &[], &[&large], &[b"", b"d"]];
        let frames: Vec<Outgoing<'_>> = (1..)
            .zip(bodies)
            .map(|(table, pieces)| Outgoing {
                kind: Kind::Batch,
                table,
                task: 9,
                pieces: pieces.to_vec(),
            })
            .collect();
        let mut bytes = Vec::new();
        FrameWriter::new(&mut bytes).write_together(&frames).unwrap();
        let mut reader = FrameReader::new(bytes.as_slice());
        for frame in &frames {
            let read = reader.read().unwrap().unwrap();
            assert_eq!(
                (read.kind, read.table, read.task),
                (frame.kind, frame.table, frame.task)
            );
            assert_eq!(read.body.as_slice(), frame.pieces.concat());
        }
        assert!(reader.read().unwrap().is_none());
    }

    /// A pipe that takes one byte at a time and is interrupted before each.
    struct Trickle {
        bytes: Vec<u8>,
        interrupt: bool,
    }

    impl Write for Trickle {
        fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
            self.interrupt = !self.interrupt;
            if self.interrupt {
                return Err(ErrorKind::Interrupted.into());
            }
            self.bytes.push(buffer[0]);
            Ok(1)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn short_and_interrupted_writes_lose_nothing() {
        let mut trickle = Trickle {
            bytes: Vec::new(),
            interrupt: false,
        };
        FrameWriter::new(&mut trickle)
            .write(Kind::Batch, 1, 2, &[b"abc", b"", b"def"])
            .unwrap();
        let frame = FrameReader::new(trickle.bytes.as_slice()).read().unwrap().unwrap();
        assert_eq!(frame.body.as_slice(), b"abcdef");
    }
}

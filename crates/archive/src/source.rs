//! Where a tar stream comes from.

use std::fs::File;
use std::io;
use std::sync::Arc;

use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};

use crate::buffered::BUFFER;
use crate::error::{DamageKind, Place};
use crate::point::{Point, Spacing};
use crate::prefix::{Prefix, PrefixDiffers};
use crate::raw::read_at_most;
use crate::tar::BLOCK;

/// Bytes read at once from a plain tar, at most, so that the headers of tiny members do not cost a system call each.
const READ_AHEAD: usize = 64 * 1024;

/// A header is read alone where more than this lies between what was read last and it, in bytes. Copying what lies
/// between would cost more than the system call that it spares.
const NEAR: u64 = 4 * BLOCK as u64;

/// How far ahead of the walk the system is asked to have a plain tar in memory, in bytes. Workers read members long
/// after their headers were passed, so a disk is kept busy by large reads in order, and they wait for none of it.
const FETCHED_AHEAD: u64 = 32 << 20;

/// How much the system is asked for at a time, in bytes.
const FETCH: u64 = 8 << 20;

/// How far back a place may be asked for, in bytes of the stream: two tar blocks.
pub(crate) const REACH: u64 = 2 * BLOCK as u64;

/// How far back with what is read ahead, in bytes of the stream.
pub(crate) const LOOK_BACK: u64 = REACH + BUFFER as u64;

/// A stream of bytes, pulled from its start to its end.
pub(crate) trait Source: Send {
    /// Fills `out`, and returns how many bytes there were: fewer only where the stream ends.
    ///
    /// A fault means that `out` could not be filled; every byte before was given by earlier calls.
    fn fill(&mut self, out: &mut [u8]) -> Result<usize, Fault>;

    /// Passes over `count` bytes, and returns how many there were: fewer only where the stream ends.
    fn skip(&mut self, count: u64) -> Result<u64, Fault>;

    /// How many bytes of the stream were given or passed over. After a fault: how many could be had.
    fn position(&self) -> u64;

    /// The place of the stream's byte `at`: one that was given or passed over, at most [`REACH`] bytes ago, or the
    /// stream's end, once it was seen.
    fn place(&self, at: u64) -> Place;

    /// How many bytes of the file were used up. It depends on how far was read ahead: for progress alone.
    fn consumed(&self) -> u64;

    /// Reads on, as far as it takes to know whether the archive starts as it is expected to. The stream ends here.
    fn settle(&mut self) -> Result<(), Fault>;

    /// Makes points from here on at which reading can begin again, so far apart. A stream that can be begun nowhere makes
    /// none.
    fn make_points(&mut self, _spacing: Spacing) {}

    /// The last point before the stream's byte `at` at which reading can begin again, and that was not given yet. Those
    /// before it are forgotten.
    fn point_before(&mut self, _at: u64) -> Option<Point> {
        None
    }
}

/// A stream whose bytes come in pieces of any size.
pub(crate) trait Pull: Send {
    /// The next bytes into `out`, which is not empty: at least one, 0 only where the stream ends.
    fn pull(&mut self, out: &mut [u8]) -> Result<usize, Fault>;

    /// As [`Source::place`], of a byte at most [`LOOK_BACK`] bytes before what was pulled.
    fn place(&self, at: u64) -> Place;

    /// As [`Source::consumed`].
    fn consumed(&self) -> u64;

    /// As [`Source::settle`].
    fn settle(&mut self) -> Result<(), Fault>;

    /// As [`Source::make_points`].
    fn make_points(&mut self, _spacing: Spacing) {}

    /// As [`Source::point_before`].
    fn point_before(&mut self, _at: u64) -> Option<Point> {
        None
    }

    /// The last prefix of the file, up to its byte `at`, behind which hashing can go on; where there is a running hash.
    fn prefix_before(&self, _at: u64) -> Option<Prefix> {
        None
    }
}

/// Why a stream cannot go on.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The file cannot be read.
    Read { offset: u64, source: io::Error },
    /// The file's bytes are wrong at this offset.
    Stream { file: u64, kind: DamageKind },
    /// The file does not start as it is expected to.
    Differs(PrefixDiffers),
    /// The walk was told to stop.
    Stopped,
}

impl From<PrefixDiffers> for Fault {
    fn from(differs: PrefixDiffers) -> Self {
        Self::Differs(differs)
    }
}

/// A file that is the stream.
pub(crate) struct FileSource {
    file: Arc<File>,
    /// The file's length when it was opened. What is appended later is not part of the archive.
    len: u64,
    /// The offset of the next byte to give.
    position: u64,
    buffer: Vec<u8>,
    /// The offset of the buffer's first byte.
    buffered_at: u64,
    /// How much is read next, if it is near.
    ahead: usize,
    /// Up to where the system was asked to have the file in memory.
    fetched: u64,
}

impl FileSource {
    pub(crate) fn new(file: Arc<File>, len: u64) -> Self {
        Self {
            file,
            len,
            position: 0,
            buffer: Vec::new(),
            buffered_at: 0,
            ahead: BLOCK,
            fetched: 0,
        }
    }

    /// What of the buffer lies at the position and after it.
    fn buffered(&self) -> &[u8] {
        let start = self.position.checked_sub(self.buffered_at);
        start
            .and_then(|start| self.buffer.get(usize::try_from(start).ok()?..))
            .unwrap_or(&[])
    }

    /// Asks the system to read on, once what it was asked for comes to its end. Where it does not, reading is only slower.
    fn fetch(&mut self) {
        // What lies before, in a member larger than all that is fetched ahead, its worker reads in order.
        self.fetched = self.fetched.max(self.position);
        let end = self.len.min(self.position.saturating_add(FETCHED_AHEAD));
        while self.fetched < end && (end - self.fetched >= FETCH || end == self.len) {
            let (from, len) = (self.fetched, FETCH.min(self.len - self.fetched));
            let advice = PosixFadviseAdvice::POSIX_FADV_WILLNEED;
            posix_fadvise(&*self.file, from as i64, len as i64, advice).ok();
            self.fetched = from + len;
        }
    }

    /// Reads the buffer anew from the position on: twice as much as the last time while it goes on nearby, a block where
    /// it begins anew. Leaves it empty at the end of the file.
    fn refill(&mut self) -> Result<(), Fault> {
        let passed = self.position - (self.buffered_at + self.buffer.len() as u64);
        self.ahead = if passed <= NEAR {
            READ_AHEAD.min(2 * self.ahead)
        } else {
            BLOCK
        };
        let wanted = (self.len - self.position).min(self.ahead as u64) as usize;
        self.fetch();
        self.buffer.resize(wanted, 0);
        self.buffered_at = self.position;
        match read_at_most(&self.file, &mut self.buffer, self.position) {
            Ok(read) => {
                self.buffer.truncate(read);
                Ok(())
            }
            Err(source) => {
                self.buffer.clear();
                Err(Fault::Read {
                    offset: self.position,
                    source,
                })
            }
        }
    }
}

impl Source for FileSource {
    fn fill(&mut self, out: &mut [u8]) -> Result<usize, Fault> {
        let mut filled = 0;
        while filled < out.len() {
            if self.buffered().is_empty() {
                self.refill()?;
            }
            let buffered = self.buffered();
            if buffered.is_empty() {
                break;
            }
            let count = buffered.len().min(out.len() - filled);
            out[filled..filled + count].copy_from_slice(&buffered[..count]);
            filled += count;
            self.position += count as u64;
        }
        Ok(filled)
    }

    fn skip(&mut self, count: u64) -> Result<u64, Fault> {
        let skipped = count.min(self.len - self.position);
        self.position += skipped;
        Ok(skipped)
    }

    fn position(&self) -> u64 {
        self.position
    }

    fn place(&self, at: u64) -> Place {
        Place::in_file(at, None)
    }

    fn consumed(&self) -> u64 {
        self.position
    }

    /// What lies in a file is told by its fingerprint.
    fn settle(&mut self) -> Result<(), Fault> {
        Ok(())
    }
}

//! A descriptor that can be read once, from its start to its end: a pipe, or standard input whatever it is.

use std::fs::File;
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::stop::Stop;

/// The most bytes that are kept while it is told what the stream is: 1 MiB. Of a gzip stream far fewer are needed,
/// unless somebody filled its header, or its first blocks, with nothing.
const HEAD_LIMIT: usize = 1024 * 1024;

/// A stream whose first bytes can be read several times, until its walk starts.
#[derive(Debug)]
pub(crate) struct Stream {
    file: File,
    stop: Arc<Stop>,
    is_walked: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// What was read before the walk.
    head: Vec<u8>,
    /// Whether the stream's end was seen. It is not read again: a named pipe may have another writer later.
    ended: bool,
}

impl Stream {
    pub(crate) fn new(file: File) -> io::Result<Stream> {
        Ok(Stream {
            file,
            stop: Arc::new(Stop::for_stream()?),
            is_walked: AtomicBool::new(false),
            state: Mutex::default(),
        })
    }

    /// What ends its walk.
    pub(crate) fn stop(&self) -> &Arc<Stop> {
        &self.stop
    }

    /// Begins its only walk: from now on what is read is kept no longer. `false` when it was begun before.
    pub(crate) fn begin_walk(&self) -> bool {
        !self.is_walked.swap(true, Ordering::Relaxed)
    }

    /// Whether nothing more is read before the walk.
    pub(crate) fn head_is_full(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).head.len() >= HEAD_LIMIT
    }

    /// Reads into `out`, which is not empty, what follows the first `offset` bytes: as much as is there, at least one
    /// byte, 0 only at the end. Everything before `offset` was read. `None` when the walk is told to stop.
    ///
    /// Before the walk the stream ends where its head is full.
    pub(crate) fn read_at(&self, out: &mut [u8], offset: u64) -> io::Result<Option<usize>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        if let Some(again) = state.head.get(offset..).filter(|again| !again.is_empty()) {
            let count = again.len().min(out.len());
            out[..count].copy_from_slice(&again[..count]);
            return Ok(Some(count));
        }
        let is_walked = self.is_walked.load(Ordering::Relaxed);
        if state.ended || (!is_walked && state.head.len() >= HEAD_LIMIT) {
            return Ok(Some(0));
        }
        let room = if is_walked {
            out.len()
        } else {
            HEAD_LIMIT - state.head.len()
        };
        let room = room.min(out.len());
        let read = self.read(&mut out[..room])?;
        state.ended = read == Some(0);
        if is_walked {
            state.head = Vec::new();
        } else {
            state.head.extend(&out[..read.unwrap_or(0)]);
        }
        Ok(read)
    }

    /// One read. Waits for it, and not in a loop, also where the descriptor itself does not wait: that there is nothing
    /// after all, because another reader of it was quicker, means to wait again.
    #[expect(clippy::disallowed_methods, reason = "the callers take what one read gives")]
    fn read(&self, out: &mut [u8]) -> io::Result<Option<usize>> {
        loop {
            self.stop.wait_for(&self.file)?;
            if self.stop.is_told() {
                return Ok(None);
            }
            match (&self.file).read(out) {
                Ok(read) => return Ok(Some(read)),
                Err(error) if matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

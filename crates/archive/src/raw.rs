//! The bytes of an archive as they are stored, read in order.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use crate::directory::Listing;
use crate::error::Place;
use crate::prefix::{Prefix, Running};
use crate::source::{Fault, Pull};
use crate::stop::Stop;
use crate::stream::Stream;

/// Bytes read at once, at most: few enough to be hashed while they are in the cache, and for a probe not to wait.
const READ: usize = 256 * 1024;

/// Where an archive's bytes are.
#[derive(Debug, Clone)]
pub(crate) enum Origin {
    /// In a regular file, which was this long when it was opened, in bytes.
    File { file: Arc<File>, len: u64 },
    /// In a stream, which can be read once.
    Stream(Arc<Stream>),
    /// In the files of a directory.
    Directory(Arc<Listing>),
}

impl Origin {
    /// What stops who reads it.
    pub(crate) fn stop(&self) -> Arc<Stop> {
        match self {
            Origin::File { .. } | Origin::Directory(_) => Arc::default(),
            Origin::Stream(stream) => Arc::clone(stream.stop()),
        }
    }

    /// Whether there may be bytes that cannot be looked at before the walk.
    pub(crate) fn has_more_than_its_head(&self) -> bool {
        match self {
            Origin::File { .. } | Origin::Directory(_) => false,
            Origin::Stream(stream) => stream.head_is_full(),
        }
    }
}

/// An archive's bytes, from the first to the last, with a running hash over them.
pub(crate) struct RawBytes {
    origin: Origin,
    stop: Arc<Stop>,
    /// How many bytes were read.
    position: u64,
    running: Arc<Running>,
}

impl RawBytes {
    pub(crate) fn new(origin: Origin, stop: Arc<Stop>) -> Self {
        Self::after(origin, stop, Prefix::default())
    }

    /// From behind whole blocks of a file that were read before.
    pub(crate) fn after(origin: Origin, stop: Arc<Stop>, read: Prefix) -> Self {
        Self {
            origin,
            stop,
            position: read.bytes,
            running: Arc::new(Running::after(read)),
        }
    }

    /// What was read so far.
    pub(crate) fn running(&self) -> &Arc<Running> {
        &self.running
    }

    /// One read; `None` when the walk is told to stop.
    fn read(&self, out: &mut [u8]) -> io::Result<Option<usize>> {
        match &self.origin {
            Origin::File { .. } if self.stop.is_told() => Ok(None),
            Origin::File { file, .. } => read_at_most(file, out, self.position).map(Some),
            Origin::Stream(stream) => stream.read_at(out, self.position),
            // Its files are opened one by one.
            Origin::Directory(_) => Err(io::ErrorKind::IsADirectory.into()),
        }
    }
}

impl Pull for RawBytes {
    fn pull(&mut self, out: &mut [u8]) -> Result<usize, Fault> {
        let room = self.running.room(out.len().min(READ))?;
        let read = self.read(&mut out[..room]).map_err(|source| Fault::Read {
            offset: self.position,
            source,
        })?;
        let read = read.ok_or(Fault::Stopped)?;
        self.running.read(&out[..read])?;
        self.position += read as u64;
        Ok(read)
    }

    fn place(&self, at: u64) -> Place {
        Place::in_file(at, None)
    }

    fn consumed(&self) -> u64 {
        self.position
    }

    fn prefix_before(&self, at: u64) -> Option<Prefix> {
        self.running.before(at)
    }

    fn settle(&mut self) -> Result<(), Fault> {
        let mut passed = Vec::new();
        while !self.running.probe().is_confirmed() {
            passed.resize(READ, 0);
            self.pull(&mut passed)?;
        }
        Ok(())
    }
}

/// Reads into `out` from `offset`: as much as one call gives, 0 only at the end of the file.
pub(crate) fn read_at_most(file: &File, out: &mut [u8], offset: u64) -> io::Result<usize> {
    loop {
        match file.read_at(out, offset) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

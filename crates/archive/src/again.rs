//! Reading a part of a file a second time, and what follows it for the first time.

use std::fs::File;
use std::io;
use std::sync::Arc;

use crate::error::Place;
use crate::prefix::Prefix;
use crate::raw::read_at_most;
use crate::source::{Fault, Pull};
use crate::stop::Stop;

/// A file, from some place of it on, where some of it was read before. That is not read through `raw` again, which has its hash.
pub(crate) struct Again<P> {
    file: Arc<File>,
    stop: Arc<Stop>,
    raw: P,
    /// How many bytes were given.
    position: u64,
}

impl<P: Pull> Again<P> {
    /// From the file's byte `position` on, up to which `raw` was read, or further.
    pub(crate) fn from(position: u64, file: Arc<File>, stop: Arc<Stop>, raw: P) -> Self {
        Self {
            file,
            stop,
            raw,
            position,
        }
    }
}

impl<P: Pull> Pull for Again<P> {
    fn pull(&mut self, out: &mut [u8]) -> Result<usize, Fault> {
        let before = self.raw.consumed() - self.position;
        let read = if before == 0 {
            self.raw.pull(out)?
        } else if self.stop.is_told() {
            return Err(Fault::Stopped);
        } else {
            let most = usize::try_from(before).unwrap_or(usize::MAX).min(out.len());
            let offset = self.position;
            let read = read_at_most(&self.file, &mut out[..most], offset);
            let read = read.map_err(|source| Fault::Read { offset, source })?;
            if read == 0 {
                return Err(changed(offset));
            }
            read
        };
        self.position += read as u64;
        Ok(read)
    }

    fn place(&self, at: u64) -> Place {
        Place::in_file(at, None)
    }

    fn consumed(&self) -> u64 {
        self.position
    }

    fn settle(&mut self) -> Result<(), Fault> {
        self.raw.settle()
    }

    fn prefix_before(&self, at: u64) -> Option<Prefix> {
        self.raw.prefix_before(at)
    }
}

/// What was given before is not there again.
pub(crate) fn changed(offset: u64) -> Fault {
    let text = "it does not give the bytes again that it gave before; it was changed, or this is an error of tarquet";
    let source = io::Error::new(io::ErrorKind::InvalidData, text);
    Fault::Read { offset, source }
}

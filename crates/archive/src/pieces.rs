//! A file in memory for the tests of decompressors, of which every read gives as much as the test wants.

use crate::error::Place;
use crate::prefix::{Prefix, Running};
use crate::source::{Fault, Pull};

/// Bytes that come in pieces of these sizes, over and over.
pub(crate) struct Pieces<'a> {
    rest: &'a [u8],
    sizes: std::iter::Cycle<std::slice::Iter<'a, usize>>,
    position: u64,
    running: Running,
}

impl<'a> Pieces<'a> {
    /// What of these bytes follows a prefix.
    pub(crate) fn after(bytes: &'a [u8], sizes: &'a [usize], read: Prefix) -> Pieces<'a> {
        Pieces {
            rest: &bytes[read.bytes as usize..],
            sizes: sizes.iter().cycle(),
            position: read.bytes,
            running: Running::after(read),
        }
    }
}

impl Pull for Pieces<'_> {
    fn pull(&mut self, out: &mut [u8]) -> Result<usize, Fault> {
        let most = self.sizes.next().copied().unwrap_or(usize::MAX);
        let (piece, rest) = self.rest.split_at(most.min(out.len()).min(self.rest.len()));
        out[..piece.len()].copy_from_slice(piece);
        self.rest = rest;
        self.position += piece.len() as u64;
        self.running.read(piece)?;
        Ok(piece.len())
    }

    fn place(&self, at: u64) -> Place {
        Place::in_file(at, None)
    }

    fn consumed(&self) -> u64 {
        self.position
    }

    fn settle(&mut self) -> Result<(), Fault> {
        Ok(())
    }

    fn prefix_before(&self, at: u64) -> Option<Prefix> {
        self.running.before(at)
    }
}

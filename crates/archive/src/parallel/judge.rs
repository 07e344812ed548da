//! The inflater that goes in order has the last word on everything that is not plainly right.

use std::fs::File;
use std::sync::Arc;

use crate::again::{Again, changed};
use crate::error::Place;
use crate::gzip::Inflater;
use crate::marks::Marks;
use crate::point::{Point, Spacing};
use crate::source::{Fault, Pull};
use crate::stop::Stop;

/// Bytes that are passed over at once.
const PASS: usize = 64 * 1024;

/// Inflates a file again, and gives what follows what others gave before.
pub(super) struct Judge<P> {
    inflater: Inflater<Again<P>>,
    /// How many bytes of the stream are still to be passed over.
    left: u64,
    /// Over what was passed over.
    crc: crc32fast::Hasher,
    /// What others gave, by its CRC-32.
    expected: u32,
    /// Where the bytes come from that others gave before this byte of the stream.
    before: Option<(u64, Marks)>,
}

/// What others gave before the judge was called.
pub(super) struct Given {
    /// Where the judge begins; `None` for the file's start.
    pub(super) point: Option<Point>,
    /// How many bytes were given since, and their CRC-32.
    pub(super) bytes: u64,
    pub(super) crc: u32,
    /// Where they come from, and those before.
    pub(super) marks: Option<Marks>,
}

impl<P: Pull> Judge<P> {
    /// Goes on after what was given. Of the file, what `raw` has read is read from `file`.
    pub(super) fn new(raw: P, file: Arc<File>, stop: Arc<Stop>, given: Given) -> Self {
        let Given {
            point,
            bytes,
            crc,
            marks,
        } = given;
        let begun = point.as_ref().map_or(0, |point| point.stream);
        let position = point.as_ref().map_or(0, |point| point.prefix.bytes);
        let again = Again::from(position, file, stop, raw);
        Self {
            inflater: match point {
                Some(point) => Inflater::begin_at(again, point),
                None => Inflater::new(again),
            },
            left: bytes,
            crc: crc32fast::Hasher::new(),
            expected: crc,
            before: marks.map(|marks| (begun, marks)),
        }
    }

    /// Passes over what was given before, and makes sure that it is the same.
    #[cold]
    fn pass(&mut self) -> Result<(), Fault> {
        let mut passed = [0; PASS];
        while self.left > 0 {
            let most = usize::try_from(self.left).unwrap_or(PASS).min(PASS);
            let read = match self.inflater.pull(&mut passed[..most]) {
                Ok(read) if read > 0 => read,
                Ok(_) | Err(Fault::Stream { .. }) => return Err(changed(self.inflater.consumed())),
                Err(fault) => return Err(fault),
            };
            self.left -= read as u64;
            self.crc.update(&passed[..read]);
            if self.left == 0 && self.crc.clone().finalize() != self.expected {
                return Err(changed(self.inflater.consumed()));
            }
        }
        Ok(())
    }
}

impl<P: Pull> Pull for Judge<P> {
    fn pull(&mut self, out: &mut [u8]) -> Result<usize, Fault> {
        if self.left > 0 {
            self.pass()?;
        }
        self.inflater.pull(out)
    }

    fn place(&self, at: u64) -> Place {
        match &self.before {
            Some((begun, marks)) if at < *begun => Place::in_stream(at, marks.piece_of(at)),
            _ => self.inflater.place(at),
        }
    }

    fn consumed(&self) -> u64 {
        self.inflater.consumed()
    }

    fn settle(&mut self) -> Result<(), Fault> {
        self.inflater.settle()
    }

    fn make_points(&mut self, spacing: Spacing) {
        self.inflater.make_points(spacing);
    }

    fn point_before(&mut self, at: u64) -> Option<Point> {
        self.inflater.point_before(at)
    }
}

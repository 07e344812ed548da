//! The ways in which a compressed stream is read, held to each other: in order, with threads, in pieces of any size, and
//! from the points that are made on the way. For fuzzing.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use nix::sys::memfd::{MFdFlags, memfd_create};

use crate::error::{DamageKind, Place};
use crate::gzip::Inflater;
use crate::parallel::Parallel;
use crate::pieces::Pieces;
use crate::point::{Point, Spacing};
use crate::prefix::Prefix;
use crate::raw::{Origin, RawBytes};
use crate::source::{Fault, LOOK_BACK, Pull};
use crate::zstd::{Decoder, Frames};

/// What a stream gives, and the offset in the file of what breaks it, and why.
pub type Inflated = (Vec<u8>, Option<(u64, DamageKind)>);

/// How a stream is inflated.
#[derive(Debug, Clone)]
pub struct Ways {
    /// The sizes of the pieces in which the file comes, in bytes, over and over. None is 0.
    pub input: Vec<usize>,
    /// The sizes of what is asked for, in bytes, over and over. None is 0.
    pub output: Vec<usize>,
    /// How far points are apart.
    pub spacing: Spacing,
    /// How many threads there are.
    pub threads: usize,
    /// Of gzip, the length of a thread's chunk, in bytes, and how far it may go beyond; of zstd, after how many bytes of the
    /// file, or of the stream, a thread's batch has no more frames.
    pub chunk: (usize, usize),
    /// The most bytes that a zstd frame may have, or give, which a thread decompresses.
    pub frame: usize,
    /// After how many chunks of which less than half were of use nothing more is expected of threads.
    pub patience: u64,
}

/// How many points are begun at, of each way that makes them: the first ones.
const POINTS: usize = 3;

/// What was read of a stream.
#[derive(Debug, PartialEq)]
struct Read {
    inflated: Inflated,
    /// Where bytes come from, after every request.
    places: Vec<(u64, Place)>,
    points: Vec<Point>,
}

impl Ways {
    /// Inflates a gzip file in all ways, and gives what all of them give.
    ///
    /// # Panics
    ///
    /// Where one gives something else than the others.
    pub fn gzip(&self, bytes: &[u8]) -> Inflated {
        let (expected, points) = self.in_order(bytes, gzip);
        self.with_threads(bytes, expected, &points, gzip, Self::inflating)
    }

    /// Decompresses a zstd file in all ways, and gives what all of them give.
    ///
    /// # Panics
    ///
    /// Where one gives something else than the others.
    pub fn zstd(&self, bytes: &[u8]) -> Inflated {
        let (expected, points) = self.in_order(bytes, zstd);
        self.with_threads(bytes, expected, &points, zstd, Self::decompressing)
    }

    /// Holds threads to what one thread gives, from the start and from the points that it made and they make.
    fn with_threads(&self, bytes: &[u8], expected: Read, points: &[Point], one: Open, several: Several) -> Inflated {
        let file = in_memory(bytes);
        let mut team = several(self, &file, bytes.len(), None);
        team.make_points(self.spacing);
        let together = self.read(&mut *team, 0);
        drop(team);
        assert_eq!(together.inflated, expected.inflated, "with threads");
        assert_eq!(together.places, expected.places, "with threads");
        for point in points.iter().chain(together.points.iter().take(POINTS)) {
            let rest = self.from(point, bytes, one, &expected);
            let mut team = several(self, &file, bytes.len(), Some(point));
            let together = self.read(&mut *team, point.stream);
            assert_eq!(together.inflated, rest.inflated, "with threads, {}", shown(point));
            assert_eq!(together.places, rest.places, "with threads, {}", shown(point));
        }
        expected.inflated
    }

    /// Reads in order: as a whole, and in pieces, which make points.
    fn in_order(&self, bytes: &[u8], open: Open) -> (Read, Vec<Point>) {
        let expected = self.read(&mut *open(bytes, &[usize::MAX], None), 0);
        let mut in_pieces = open(bytes, &self.input, None);
        in_pieces.make_points(self.spacing);
        let mut pieces = self.read(&mut *in_pieces, 0);
        assert_eq!(pieces.inflated, expected.inflated, "in pieces");
        assert_eq!(pieces.places, expected.places, "in pieces");
        pieces.points.truncate(POINTS);
        (expected, pieces.points)
    }

    /// Reads from a point on, what comes behind it of the whole.
    fn from(&self, point: &Point, bytes: &[u8], open: Open, whole: &Read) -> Read {
        assert!(point.is_sound(), "{point:?}");
        let rest = self.read(&mut *open(bytes, &self.input, Some(point)), point.stream);
        let (given, fault) = &whole.inflated;
        let behind = (given[point.stream as usize..].to_vec(), fault.clone());
        assert_eq!(rest.inflated, behind, "{}", shown(point));
        rest
    }

    /// Several threads over gzip, from the start or from a point.
    fn inflating(&self, file: &Arc<File>, len: usize, point: Option<&Point>) -> Box<dyn Pull> {
        let (chunk, beyond) = self.chunk;
        let parallel = Parallel::new(raw(file, len, point), Arc::clone(file), Arc::default(), self.threads);
        let parallel = parallel.with_sizes(chunk, beyond, self.patience);
        Box::new(match point {
            Some(point) => parallel.begin_at(point.clone()),
            None => parallel,
        })
    }

    /// The same over zstd.
    fn decompressing(&self, file: &Arc<File>, len: usize, point: Option<&Point>) -> Box<dyn Pull> {
        let (batch, stream) = self.chunk;
        let sizes = (batch, stream, self.frame);
        let raw = raw(file, len, point);
        Box::new(Frames::with_sizes(sizes, raw, point, Arc::clone(file), self.threads))
    }

    /// Reads a stream, which begins behind `before` bytes, to its end.
    fn read(&self, stream: &mut dyn Pull, before: u64) -> Read {
        let mut read = Read {
            inflated: (Vec::new(), None),
            places: Vec::new(),
            points: Vec::new(),
        };
        for &size in self.output.iter().cycle() {
            let mut out = vec![0; size];
            match fill(stream, &mut out) {
                Ok(0) => break,
                Ok(given) => read.inflated.0.extend(&out[..given]),
                Err(Fault::Stream { file, kind }) => {
                    read.inflated.1 = Some((file, kind));
                    break;
                }
                Err(fault) => unreachable!("nothing else is wrong with memory: {fault:?}"),
            }
            let last = before + read.inflated.0.len() as u64 - 1;
            let back = last.saturating_sub(LOOK_BACK - 1).max(before);
            read.places.extend([last, back].map(|at| (at, stream.place(at))));
            read.points.extend(stream.point_before(u64::MAX));
        }
        read
    }
}

/// Opens a file, whose bytes come in pieces of these sizes, at its start or at a point.
type Open = for<'a> fn(&'a [u8], &'a [usize], Option<&Point>) -> Box<dyn Pull + 'a>;

/// Has several threads read a file of this length, from its start or from a point.
type Several = fn(&Ways, &Arc<File>, usize, Option<&Point>) -> Box<dyn Pull>;

/// The bytes of a file, from its start, or from where whoever begins at a point has them read.
fn raw(file: &Arc<File>, len: usize, point: Option<&Point>) -> RawBytes {
    let origin = Origin::File {
        file: Arc::clone(file),
        len: len as u64,
    };
    RawBytes::after(
        origin,
        Arc::default(),
        point.map_or(Prefix::default(), |point| point.prefix),
    )
}

fn gzip<'a>(bytes: &'a [u8], sizes: &'a [usize], point: Option<&Point>) -> Box<dyn Pull + 'a> {
    Box::new(match point {
        Some(point) => Inflater::begin_at(Pieces::after(bytes, sizes, point.prefix), point.clone()),
        None => Inflater::new(Pieces::after(bytes, sizes, Prefix::default())),
    })
}

fn zstd<'a>(bytes: &'a [u8], sizes: &'a [usize], point: Option<&Point>) -> Box<dyn Pull + 'a> {
    Box::new(match point {
        Some(point) => Decoder::begin_at(Pieces::after(bytes, sizes, point.prefix), point),
        None => Decoder::new(Pieces::after(bytes, sizes, Prefix::default())),
    })
}

fn shown(point: &Point) -> String {
    format!("from byte {} of the file", point.file)
}

/// Fills `out` as far as the stream goes: how much is given at once is free to differ.
fn fill(stream: &mut dyn Pull, out: &mut [u8]) -> Result<usize, Fault> {
    let mut filled = 0;
    while filled < out.len() {
        match stream.pull(&mut out[filled..]) {
            Ok(0) => break,
            Ok(given) => filled += given,
            Err(_) if filled > 0 => break,
            Err(fault) => return Err(fault),
        }
    }
    Ok(filled)
}

/// A file of these bytes.
fn in_memory(bytes: &[u8]) -> Arc<File> {
    let file = memfd_create("tarquet-fuzz", MFdFlags::MFD_CLOEXEC).expect("a file in memory");
    let file = File::from(file);
    file.write_all_at(bytes, 0).expect("room for the bytes");
    Arc::new(file)
}

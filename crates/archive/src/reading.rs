//! Files that are read to their end, for the tests of decompressors.

use std::fs::File;
use std::io::{Seek, Write};
use std::sync::Arc;

use crate::error::{DamageKind, Place};
use crate::point::Point;
use crate::prefix::Prefix;
use crate::raw::{Origin, RawBytes};
use crate::source::{Fault, LOOK_BACK, Pull};

/// What a stream holds, and what breaks it where.
pub(crate) type Held = (Vec<u8>, Option<(u64, DamageKind)>);

/// A file of these bytes.
pub(crate) fn file_of(bytes: &[u8]) -> Arc<File> {
    let mut file = tempfile::tempfile().expect("a temporary file");
    file.write_all(bytes).expect("room for a file");
    file.rewind().expect("a file can be rewound");
    Arc::new(file)
}

/// The bytes of a file behind a prefix.
pub(crate) fn raw(file: &Arc<File>, after: Prefix) -> RawBytes {
    let len = file.metadata().expect("a file that is open").len();
    let file = Arc::clone(file);
    RawBytes::after(Origin::File { file, len }, Arc::default(), after)
}

/// Fills `out` as far as the stream goes.
pub(crate) fn fill(stream: &mut dyn Pull, out: &mut [u8]) -> Result<usize, Fault> {
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

/// Reads to the end in pieces of these sizes, behind `before` bytes. Notes where bytes come from, and points.
pub(crate) fn read(
    stream: &mut dyn Pull,
    before: u64,
    sizes: &[usize],
    places: &mut Vec<(u64, Place)>,
    points: &mut Vec<Point>,
) -> Held {
    let mut held = Vec::new();
    for &size in sizes.iter().cycle() {
        let mut out = vec![0; size];
        match fill(stream, &mut out) {
            Ok(0) => break,
            Ok(given) => held.extend(&out[..given]),
            Err(Fault::Stream { file, kind }) => return (held, Some((file, kind))),
            Err(fault) => unreachable!("nothing else is wrong with this file: {fault:?}"),
        }
        let last = before + held.len() as u64 - 1;
        let back = last.saturating_sub(LOOK_BACK - 1).max(before);
        places.extend([last, back].map(|at| (at, stream.place(at))));
        points.extend(stream.point_before(u64::MAX));
    }
    (held, None)
}

/// Reads to the end or to a fault, of any kind.
pub(crate) fn read_expecting(stream: &mut dyn Pull) -> (Vec<u8>, Option<Fault>) {
    let (mut held, mut out) = (Vec::new(), vec![0; 3000]);
    loop {
        match stream.pull(&mut out) {
            Ok(0) => return (held, None),
            Ok(given) => held.extend(&out[..given]),
            Err(fault) => return (held, Some(fault)),
        }
    }
}

/// What to expect of a file's start: so many bytes of it with their hash or, where it is not to be the same, with another.
pub(crate) fn expected(file: &Arc<File>, bytes: u64, is_same: bool) -> Prefix {
    let mut raw = raw(file, Prefix::default());
    raw.running().expect(Prefix { bytes, hash: 0 });
    let differs = raw.settle();
    let Err(Fault::Differs(differs)) = differs else {
        panic!("no hash is 0: {differs:?}")
    };
    Prefix {
        bytes,
        hash: differs.read.hash ^ u64::from(!is_same),
    }
}

//! What the fuzz targets of `fuzz/` do with their bytes, one function a target.
//!
//! They are functions of a library so that the ordinary tests can run the corpus in `fuzz/corpus` through them, without
//! nightly Rust and libFuzzer (`tests/seeds.rs`). Each panics where a law does not hold, and otherwise says whether its
//! bytes were taken or refused.

#[path = "../../wire/tests/hostile/counting.rs"]
mod counting;
mod engines;
mod feature_map;
mod frames;
mod gzip_spool;
mod input;
mod memory;
mod plain_documents;
mod plain_gzip;
mod plain_tar;
mod stretches;
mod tar_walk;
mod ways;
mod zstd_spool;

pub use engines::engines;
pub use feature_map::feature_map;
pub use frames::{MAP as FRAMES_MAP, frames};
pub use gzip_spool::gzip_spool;
pub use stretches::stretches;
pub use tar_walk::tar_walk;
pub use zstd_spool::zstd_spool;

#[global_allocator]
static COUNTING: counting::Counting = counting::Counting;

/// What became of some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// They were taken for what they claim to be, to their end.
    Sound,
    /// Something in them was refused.
    Refused,
}

impl Verdict {
    fn of(is_sound: bool) -> Verdict {
        if is_sound { Verdict::Sound } else { Verdict::Refused }
    }
}

/// What a target does with its bytes.
pub type Check = fn(&[u8]) -> Verdict;

/// The targets, by the names of their folders in `fuzz/corpus`.
pub const TARGETS: [(&str, Check); 7] = [
    ("engines", engines),
    ("feature_map", feature_map),
    ("frames", frames),
    ("gzip_spool", gzip_spool),
    ("stretches", stretches),
    ("tar_walk", tar_walk),
    ("zstd_spool", zstd_spool),
];

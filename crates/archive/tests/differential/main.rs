//! Our reading of tar against two others: GNU tar and Python's tarfile.
//!
//! The law ([`law`]): no member is ever ours alone, by name, kind, place, size or bytes; and what another reader finds and
//! we do not, we refuse by name. Held over the archives of other projects ([`corpora`]), archives that GNU tar, bsdtar and
//! tarfile write ([`written`]), archives made by hand ([`handmade`]), and all of those with something changed ([`mutated`]).
//!
//! `TARQUET_DIFFERENTIAL_SECONDS=3600 cargo test --release -p tarquet-archive --test differential mutated` goes on for an
//! hour; `TARQUET_DIFFERENTIAL_SEED` begins elsewhere.

#[path = "../archive/build.rs"]
#[expect(dead_code, reason = "the crate's other tests use the rest")]
mod build;
mod corpora;
mod differences;
mod handmade;
mod law;
mod mutated;
mod mutation;
mod ours;
mod readers;
mod written;

use std::path::{Path, PathBuf};

/// Says something that is to be seen: that a test was skipped, or how much was compared.
#[expect(clippy::print_stderr, reason = "it is to be seen")]
fn say(text: &str) {
    eprintln!("{text}");
}

/// Where the archives of other projects are, beside the checkout.
fn corpora_folder() -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpora")).to_owned()
}

/// A sequence of numbers that a seed decides. Generator: SplitMix64 (Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    /// A number from 0, below `limit`.
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % limit as u64) as usize
    }

    /// One of these.
    fn of<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> &'a T {
        choices[self.below(choices.len())]
    }
}

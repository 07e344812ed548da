//! The crate as its users see it: archives on disk, members and their bytes.

mod build;
mod concatenated;
mod cuts;
mod dialects;
mod directory;
mod fingerprint;
mod gzip;
mod open;
mod prefix;
mod same;
mod seek;
mod signals;
mod spool;
mod stream;
mod support;
mod zstd;

//! The crate, driven as a run drives it.

mod crash;
mod directory;
mod grouping;
mod parts;
mod support;

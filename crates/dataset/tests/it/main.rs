//! The crate, driven as a run drives it.

mod crash;
mod directory;
mod grouping;
mod mounts;
mod odd_places;
mod parts;
mod recovery;
mod resume;
mod review;
mod support;
mod verify;

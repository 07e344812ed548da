//! What all tests share: archives made here, a scene to run the binary in, and the dataset read back.

pub(crate) mod archive;
pub(crate) mod blocks;
pub(crate) mod dataset;
pub(crate) mod documents;
pub(crate) mod ledger;
pub(crate) mod process;
pub(crate) mod scene;

pub(crate) use archive::{Tar, global_header, gzip, tar, zstd};
pub(crate) use dataset::Dataset;
pub(crate) use scene::{Run, Scene};

//! Reads tarquet's YAML feature map into a checked plan: paths, loops, types.
//!
//! No I/O happens here: [`parse`](FeatureMap::parse) takes text and gives a [`Plan`] or errors that are ready to show.

pub mod plan;
pub mod trie;

pub use plan::Plan;

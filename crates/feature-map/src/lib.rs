//! Reads tarquet's YAML feature map into a checked plan: paths, loops, types.
//!
//! No I/O happens here: [`parse`] takes text and gives a [`Plan`] or errors that are ready to show. What follows from a
//! plan is here too: the schema of each table ([`Plan::table_schema`]), the types that a sample tells
//! ([`Plan::resolve`]), the ids that members' names give ([`MemberIds`]), and the map with all of it written out
//! ([`Plan::to_yaml`]).

mod compile;
mod emit;
mod error;
mod filter;
mod id;
pub mod infer;
mod locate;
mod map;
mod member;
mod names;
mod older;
mod path;
mod path_text;
pub mod plan;
mod quoted;
mod reader;
mod resolved;
mod schema;
mod source;
mod suggest;
mod table;
#[cfg(test)]
mod tests;
pub mod trie;
mod types;
mod value;
mod yaml;
mod yaml_syntax;

pub use compile::{MAX_DEPTH, MAX_NODES, TrieError};
pub use error::{MapError, MapErrors};
pub use infer::{Evidence, InferenceWarning, Resolved, Seen, SlotEvidence, WarningReason};
pub use map::parse;
pub use member::{MemberIds, PatternError, base_name, display_name};
pub use plan::Plan;
pub use schema::{MEMBER_COLUMN, SchemaError};
pub use types::UnknownType;

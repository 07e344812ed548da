//! Reads tarquet's YAML feature map into a checked plan: paths, loops, types.
//!
//! No I/O happens here: [`parse`] takes text and gives a [`Plan`] or errors that are ready to show. What follows from a
//! plan is here too: the schema of each table ([`Plan::table_schema`]), the types that a sample tells
//! ([`Plan::resolve`]), the ids that members' names give ([`MemberIds`]), and the map with all of it written out
//! ([`Plan::to_yaml`]).
//!
//! ```
//! use tarquet_feature_map::{Evidence, Seen, parse};
//!
//! let map = "version: 1\nid: doc\nfeatures:\n  prices:\n    for: {offer: '$.offers[*]'}\n    columns: {price: offer.price}\n";
//! let plan = parse("map.yaml", map)?;
//! assert!(!plan.is_typed());
//!
//! let mut evidence = Evidence::new(&plan);
//! evidence.slots[0].value(Seen::Fraction);
//! let typed = plan.resolve(&evidence).plan;
//! assert_eq!(typed.table_schema(0)?.field(1).data_type().to_string(), "Float64");
//!
//! let errors = parse("map.yaml", &map.replace("offer.price", "ofer.price")).unwrap_err();
//! assert_eq!(errors.errors()[0].help, "did you mean `offer`?");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

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

/// Pieces of a map's text, for whoever writes one.
pub mod writing {
    pub use crate::emit::{is_printable, key, quote};
    pub use crate::path_text::member_step;
    pub use crate::suggest::nearest;
}

pub use compile::{MAX_DEPTH, MAX_NODES, TrieError};
pub use error::{MapError, MapErrors};
pub use infer::{Evidence, InferenceWarning, Resolved, Seen, SlotEvidence, WarningReason};
pub use map::parse;
pub use member::{MemberIds, PatternError, base_name, display_name};
pub use plan::Plan;
pub use schema::{LINE_COLUMN, MEMBER_COLUMN, SchemaError};
pub use types::UnknownType;

//! What documents hold: a profile of their paths, made document by document, and a feature map to start from.
//!
//! A [`Profiler`] looks at documents one by one. The [`Profile`] that it gives is a tree of paths with what was found at each;
//! profiles of different documents [merge](Profile::merge) to the profile of all of them. So documents can be looked at in
//! many processes, and nobody holds more than one of them.
//!
//! ```
//! use tarquet_profile::{Profile, Profiler};
//! use tarquet_projection::EngineKind;
//!
//! let mut profiler = Profiler::new(EngineKind::Structural);
//! profiler.add(br#"{"id": 7, "tags": ["a", "b"]}"#)?;
//! profiler.add(br#"{"id": 8}"#)?;
//! let profile = profiler.take();
//! let paths: Vec<String> = profile.entries().map(|entry| entry.path).collect();
//! assert_eq!(paths, ["$", "$.id", "$.tags", "$.tags[*]"]);
//! # Ok::<(), tarquet_projection::DocumentError>(())
//! ```
//!
//! # Objects used as maps
//!
//! Where the names of an object's members are data, a path for each is of no use, and there may be millions. Such objects are
//! *folded*: all their members become one, and the names a set of which only the size is known. An object is folded at once
//! when it has too many names ([`MAX_MEMBERS`]), and by [`Profile::fold_maps`] where it looks like a map.

mod distinct;
mod draft;
mod maps;
mod near;
mod node;
mod profile;
mod profiler;

pub use distinct::Distinct;
pub use draft::{Draft, Identity};
pub use near::{Found, Sought};
pub use node::{Kinds, Lengths, Node, Times};
pub use profile::{Entry, MAX_DEPTH, MAX_MEMBERS, MAX_NODES, Malformed, Profile, Step};
pub use profiler::Profiler;

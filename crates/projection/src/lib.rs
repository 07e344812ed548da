//! Projects JSON documents through a feature map's plan into Arrow columns. It knows nothing of processes and does no
//! I/O.
//!
//! A [`Projector`] takes documents one by one and gives their rows as record batches, one table a feature. A document
//! counts whole: one that fails leaves no row anywhere.
//!
//! # How a document becomes rows
//!
//! 1. An *engine* walks over the document once, along the merged paths of the plan, and keeps what they can reach: the
//!    *selection* (`selection`), a small tree in document order. This is the seam between the engines and all the rest.
//! 2. Loops, paths, filters and fallbacks, made ready once (`program`), are worked out on the selection (`rows`, `path`,
//!    `filter`). What depends on one loop's element is looked for when that element comes (`level`), the paths of names
//!    and positions all in one pass over what is below it (`scan`). So a row is a *frame* of nodes (and `lists` of them).
//! 3. Up to 64 rows at a time, column by column, what was found is reduced (`take`), typed (`convert`, `fill`) and added
//!    to column buffers that can be cut back (`columns`, `writer`), or noted as evidence of a type (`observe`).
//!
//! There are three engines. The *reference* (`reference`) is a scalar parser that alone decides whether a document is
//! valid and at which byte it stops being so. The *structural* one (`structural`) validates a document with vector
//! instructions and then walks over an index of it; the *tape* (`tape`) is simd-json. A document that one of these two does
//! not take is read again by the reference, so all give the same rows, the same evidence and the same errors. None has
//! anything to do with types: where a value's exact text is asked for, an engine only tells where the value starts.
//!
//! # What a map leaves open
//!
//! - A list of no matches is an empty list; only where `keep_empty` leaves a path without a start is it null. The
//!   same goes for `count`. `join`, `min`, `max` and `sum` of nothing but nulls are null.
//! - Of several paths that give a list, the first counts that selects anything but nulls; failing that, the first that
//!   selects anything.
//! - `min`, `max`, `sum` and `join` over a value that does not fit do not fit; all the values are rescued together.
//! - `timestamp` with a `unit` takes a fraction if it comes out at whole microseconds. A time with more than six digits
//!   of a second's fraction fits if the rest are zeros. Nothing is ever rounded but `float64`, to the nearest.
//! - `-0` without a point is the integer 0, also as a `float64`; `-0.0` keeps its sign there.
//! - Ids are worked out for every combination of elements of the map's own loops, whether rows come of it or not.

mod bits;
mod cells;
mod columns;
mod convert;
mod decimal;
mod engine;
mod error;
mod fill;
mod filter;
mod ids;
mod level;
mod lists;
mod loader;
mod matcher;
mod memo;
mod observe;
mod origin;
mod path;
mod program;
mod projected;
mod projector;
mod reference;
mod repeats;
mod rescued;
mod rows;
mod scan;
mod selection;
mod structural;
mod table;
mod take;
mod tape;
mod time;
mod view;
mod visit;
mod writer;

pub use engine::{EngineKind, UnknownEngine};
pub use error::{DocumentError, DocumentErrorKind};
pub use origin::Origin;
pub use projected::Projected;
pub use projector::{MAX_BUFFERED_BYTES, Projector};
pub use reference::MAX_DEPTH;
pub use rescued::{Rescued, RescuedValues};
#[cfg(any(test, feature = "fuzzing"))]
pub use structural::Judges;
pub use structural::{UnavailableSimd, simd};
pub use table::FlushError;
pub use visit::{Container, DocumentWalk, Time, Visitor};
pub use writer::MAX_DOCUMENT_BYTES;

//! The only contract between tarquet's processes: frames, messages, credit.
//!
//! The coordinator and a worker share two pipes. What goes through them is a sequence of [frames](frame): either a
//! [message] (small, never metered) or a [batch], rows of one table (metered by [credit]). Rows become
//! final when a [`message::UnitDone`] closes them; what was sent after the last one belongs to an open unit, which
//! ends with its worker. Beside the pipes there is a socket over which the worker is given the descriptors of what it reads,
//! its [sources](source), and nothing else.
//!
//! ```text
//! coordinator                                        worker
//!     ── Hello(plan, engine, credit) ──────────────▶   to one that has locked itself in already
//!     ◀──────────────────── Ready(build, sandbox) ──
//!     ── Sample(task) ─────────────────────────────▶   only where types have to be inferred
//!     ◀────────────────────────────── SampleDone ───
//!     ── Schema(typed plan) ───────────────────────▶
//!     ══ a source's descriptor ════════════════════▶   over the socket, before a task whose source is another one
//!     ── Task(members, byte ranges) ───────────────▶   at most two in flight, in ascending order
//!     ◀─── Started(members) · Batch… · UnitDone ────   units of whole documents
//!     ── Credit(bytes) ────────────────────────────▶   as batches leave the reorder window
//!     ◀──────────────────────────────── TaskDone ───
//!     ── Finish ───────────────────────────────────▶   the sentinel; the worker leaves
//! ```

pub mod array;
pub mod batch;
pub mod credit;
pub mod frame;
pub mod message;
pub mod profile;
pub mod sandbox;
pub mod source;
pub mod start;
pub mod tables;

/// The version of the protocol. Both ends are the same executable, so a difference is a broken installation.
pub const PROTOCOL: u32 = 7;

/// The build that both ends must share: checked in the handshake.
pub const BUILD: &str = env!("CARGO_PKG_VERSION");

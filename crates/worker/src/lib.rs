//! A worker process: byte ranges in, Arrow batches out.
//!
//! A worker opens nothing and creates nothing (but to look at itself in `/proc` when it starts), and soon cannot: before it
//! reads a byte, it locks itself in. It reads commands from its standard input, members' bytes from descriptors that it is
//! sent over a socket that it inherited, and writes frames to what was its standard output. It is single-threaded, and all it knows is in the messages
//! of [`tarquet_wire`], so that [`serve`] can be run over any reader and writer.
//!
//! It closes rows in *units* of whole documents: a unit's batches go out together, once credit covers them, and the
//! [`UnitDone`](tarquet_wire::message::UnitDone) behind them makes them final.

mod buffer;
mod commands;
mod content;
#[cfg(feature = "fuzzing")]
mod cutting;
mod descriptors;
mod documents;
mod elements;
#[cfg(feature = "failpoints")]
mod failpoints;
mod foreign;
mod inflate;
mod limits;
mod lines;
mod marks;
mod process;
mod product;
mod reader;
mod sandbox;
mod scan;
mod serve;
mod unit;
mod window;

#[cfg(feature = "fuzzing")]
pub use cutting::{Cut, Cutting, Found};
#[cfg(feature = "fuzzing")]
pub use inflate::inflate_member;
pub use process::run;
pub use reader::Source;
pub use sandbox::lacks as sandbox_lacks;
pub use serve::{NextSource, WorkerError, serve};
pub use tarquet_projection::{UnavailableSimd, simd};

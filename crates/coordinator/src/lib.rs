//! Plans, dispatches, meters and survives the workers, and keeps archive order.
//!
//! ```text
//!  feeder ──Work──▶ ┌───────────┐ ──Deliver──▶ writer ──▶ Dataset (its encoders)
//!                   │ the loop: │ ◀─Absorbed──
//!  readers ─Unit──▶ │ one Event │
//!  (one a worker)   │ at a time │ ──Send────▶ writers (one a worker)
//!  stop ──────────▶ └───────────┘ ──Spawn───▶ processes
//! ```
//!
//! One loop on one thread takes one input at a time, asks the [`machine`] what to do, and does it. All that could block
//! has a thread of its own: the walk over the archive, both ends of every worker's pipes, and the dataset.
//!
//! What is deliberately absent: the coordinator never parses JSON, and nothing here knows how a worker does its work.

mod archives;
mod at_hand;
mod beginning;
mod counters;
mod course;
mod descriptors;
mod ending;
mod error;
mod event_loop;
mod feeder;
mod goal;
mod history;
mod identity;
mod input;
mod link;
pub mod machine;
mod names;
mod notes;
mod numbering;
mod receive;
mod resume;
mod road;
mod run;
mod seek_index;
mod settings;
mod source;
mod survey;
mod trail;
mod tuning;
mod watch;
mod writer;

pub use at_hand::Busy;
pub use counters::{Counters, Progress};
pub use ending::Ending;
pub use error::RunError;
pub use history::{DeathOfWorker, Done, Lane, Shares, Timeline};
#[cfg(feature = "fuzzing")]
pub use receive::judge::{Heard, hear};
pub use resume::Difference;
pub use run::{Coordinator, Stopper};
pub use settings::{Documents, Ended, Output, Report, Selection, Settings, Several, Source, Wanted};
pub use survey::{Extent, Sink, Survey, Surveyed};

//! What goes on beside a run: a display, and a thread that waits for signals.

use std::sync::Arc;
use std::thread;

use anyhow::Context;
use indicatif::MultiProgress;
use tarquet_coordinator::{Counters, Stopper};

use crate::args::DisplayArguments;
use crate::failure::Failure;
use crate::progress::Display;
use crate::signals::Watch;

/// Does `run` to its end, while it is shown how far that is, and signals stop it.
///
/// # Errors
///
/// When a thread cannot be started, or `run` panics.
pub(crate) fn attend<T: Send + 'static>(
    run: impl FnOnce() -> T + Send + 'static,
    counters: &Arc<Counters>,
    stopper: Stopper,
    watch: &Watch,
    display: &DisplayArguments,
    bars: &MultiProgress,
) -> Result<T, Failure> {
    // Before any other thread, so that all of them leave the signals to the one that waits for them.
    watch.stops(stopper).map_err(Failure::System)?;
    let shown = Display::start(display, Arc::clone(counters), bars.clone())
        .context("cannot start a thread")
        .map_err(Failure::System)?;
    // It has a thread of its own, so that workers are started by one that lives as long as the run.
    let thread = thread::Builder::new().name("coordinator".to_owned()).spawn(run);
    let ended = thread.context("cannot start a thread").map_err(Failure::System)?.join();
    shown.end();
    ended.map_err(|_| Failure::System(anyhow::anyhow!("the coordinator panicked; this is a bug")))
}

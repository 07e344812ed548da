//! SIGINT, SIGTERM and SIGHUP: the first one stops the run in order, the second one at once.
#![expect(unsafe_code, reason = "what a signal does can be changed in no other way")]

use std::io;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use nix::sys::signal::{SigHandler, SigSet, Signal, raise, signal};
use tarquet_coordinator::Stopper;

/// The signals that stop a run, but for those that whoever started this process has it ignore: `nohup`, or a shell that
/// runs it in the background of a script.
fn stopping() -> SigSet {
    let ignored = ignored();
    let signals = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP].into_iter();
    signals
        .filter(|signal| ignored & (1 << (*signal as i32 - 1)) == 0)
        .collect()
}

/// The signals that this process ignores, the lowest bit for signal 1; none where the system does not say.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}

/// Stops what this process is at, at the first signal.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    received: Arc<AtomicI32>,
    /// What stops what is at hand; nothing before there was any, and no thread that waits.
    at_hand: Arc<Mutex<Option<Stopper>>>,
}

impl Watch {
    /// Has `stopper` stop what is at hand from now on, and keeps the signals from every thread that is started after this. Up to
    /// the first call they kill.
    ///
    /// # Errors
    ///
    /// When signals cannot be blocked, or a thread cannot be started.
    pub(crate) fn stops(&self, stopper: Stopper) -> anyhow::Result<()> {
        let mut at_hand = self.at_hand.lock().unwrap_or_else(PoisonError::into_inner);
        if at_hand.is_none() {
            block().context("cannot block signals")?;
            wait(Arc::clone(&self.at_hand), Arc::clone(&self.received)).context("cannot start a thread")?;
        }
        if self.signal().is_some() {
            stopper.stop();
        }
        *at_hand = Some(stopper);
        Ok(())
    }

    /// The signal that came, if one did.
    pub(crate) fn signal(&self) -> Option<Signal> {
        Signal::try_from(self.received.load(Ordering::Acquire)).ok()
    }
}

/// Keeps the signals from every thread that is started after this; a [`Watch`] takes them in instead.
///
/// A file that may not grow (`ulimit -f`) becomes an error that names it, instead of a signal that kills without a word.
pub(crate) fn block() -> io::Result<()> {
    // SAFETY: a signal that is ignored runs no handler.
    unsafe { signal(Signal::SIGXFSZ, SigHandler::SigIgn) }?;
    Ok(stopping().thread_block()?)
}

/// The same signal again within this is no second wish: `timeout(1)` sends its signal to the process and to its group.
const SAME_WISH: Duration = Duration::from_millis(20);

/// Starts the thread that waits for signals and stops what is at hand at the first.
fn wait(at_hand: Arc<Mutex<Option<Stopper>>>, received: Arc<AtomicI32>) -> io::Result<()> {
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        let Ok(first) = stopping().wait() else { return };
        let since = Instant::now();
        received.store(first as i32, Ordering::Release);
        if let Some(stopper) = &*at_hand.lock().unwrap_or_else(PoisonError::into_inner) {
            stopper.stop();
        }
        while let Ok(signal) = stopping().wait() {
            if signal != first || since.elapsed() > SAME_WISH {
                die_by(signal);
            }
        }
    })?;
    Ok(())
}

/// Ends this process by `signal`, as whoever sent it expects.
pub(crate) fn die_by(signal: Signal) -> ! {
    // Its disposition is the default one, which kills.
    stopping().thread_unblock().ok();
    raise(signal).ok();
    // Process 1 of a container is not killed by its own signals.
    std::process::exit(128 + signal as i32)
}

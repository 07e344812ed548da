//! The thread that feeds the dataset: appending may wait for encoders, checkpoints wait for the disk, and the loop must
//! not.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tarquet_archive::PrefixProbe;
use tarquet_dataset::{Dataset, FailedMember, SourcePrefix, Unit};

use crate::counters::{Amounts, Counters};
use crate::error::RunError;
use crate::input::{Input, OnPanic};
use crate::machine::{Event, WorkerId};
use crate::numbering::{Numbering, Sent};
use crate::trail::Trail;

/// What the thread is told.
pub(crate) enum Order {
    /// A unit for the dataset, and whose credit it holds.
    Append { worker: WorkerId, bytes: u64, unit: Sent },
    /// There is no more; the dataset is to be finished, with last failures that are no member's, and notes for whoever
    /// resumes it when there is nothing left to do.
    Finish { last: Vec<FailedMember>, notes: String },
    /// No more will come, and there would have been more: what was appended is to be kept for a resume.
    Suspend,
}

/// What has to hold before anything is committed, and how often that is done.
pub(crate) struct Commit {
    /// How long after a checkpoint the next one is due.
    pub(crate) every: Duration,
    /// The archives that are read.
    pub(crate) trail: Trail,
}

/// The dataset's thread, as the loop holds it. What waits for it is bounded by credit.
///
/// Dropped, it appends and commits nothing more, whatever it was told before.
pub(crate) struct Writer {
    orders: Option<Sender<Order>>,
    abandoned: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread, which first gets the dataset by `begin`. [`Input::Published`], [`Input::Suspended`] or what went
    /// wrong goes to `inputs`.
    pub(crate) fn start(
        begin: impl FnOnce() -> Result<Dataset, RunError> + Send + 'static,
        commit: Commit,
        numbering: Numbering,
        counters: Arc<Counters>,
        inputs: Sender<Input>,
    ) -> io::Result<Writer> {
        let told = inputs.clone();
        Writer::spawn(inputs, move |orders, abandoned| {
            let dataset = begin()?;
            let writing = Writing {
                due: from_now(commit.every),
                numbering: numbering.resume(dataset.position().open.clone()),
                members: dataset.position().members,
                dataset,
                commit,
                counters: &counters,
                inputs: &told,
            };
            writing.run(orders, abandoned)
        })
    }

    /// Starts a thread that follows orders, until it was abandoned, and tells `inputs` what it gives at the end.
    pub(crate) fn spawn(
        inputs: Sender<Input>,
        follow: impl FnOnce(&Receiver<Order>, &AtomicBool) -> Result<Option<Input>, RunError> + Send + 'static,
    ) -> io::Result<Writer> {
        let (orders, receiver) = channel();
        let abandoned = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&abandoned);
        let thread = thread::Builder::new().name("dataset".to_owned()).spawn(move || {
            let _guard = OnPanic::new(
                &inputs,
                Input::Panicked {
                    what: "the dataset's thread",
                },
            );
            let written = follow(&receiver, &seen);
            if let Some(input) = written.unwrap_or_else(|error| Some(Input::WriterFailed(error))) {
                // The loop may have ended.
                inputs.send(input).ok();
            }
        })?;
        Ok(Writer {
            orders: Some(orders),
            abandoned,
            thread: Some(thread),
        })
    }

    /// Hands on a unit.
    pub(crate) fn deliver(&self, worker: WorkerId, bytes: u64, unit: Sent) {
        self.tell(Order::Append { worker, bytes, unit });
    }

    /// Finishes the dataset behind all deliveries.
    pub(crate) fn finish(&self, last: Vec<FailedMember>, notes: String) {
        self.tell(Order::Finish { last, notes });
    }

    /// Makes a last checkpoint behind all deliveries.
    pub(crate) fn suspend(&self) {
        self.tell(Order::Suspend);
    }

    /// Lets nothing more be committed, without waiting for what is being written.
    pub(crate) fn abandon(&mut self) {
        self.abandoned.store(true, Ordering::Release);
        self.thread = None;
    }

    fn tell(&self, order: Order) {
        if let Some(orders) = &self.orders {
            // A thread that failed has said so.
            orders.send(order).ok();
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.abandoned.store(true, Ordering::Release);
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has said so.
            thread.join().ok();
        }
    }
}

struct Writing<'a> {
    dataset: Dataset,
    numbering: Numbering,
    /// Members, of all archives, that were appended to their end.
    members: u64,
    commit: Commit,
    /// When the next checkpoint is due.
    due: Instant,
    counters: &'a Counters,
    inputs: &'a Sender<Input>,
}

/// How the thread ends.
enum Last {
    Finished,
    Suspended,
}

impl Writing<'_> {
    /// Follows all orders, and gives what there is to tell at the end.
    fn run(mut self, orders: &Receiver<Order>, abandoned: &AtomicBool) -> Result<Option<Input>, RunError> {
        let last = self.write(orders, abandoned);
        // What is committed may be more than what was done without an error.
        self.counters.committed(self.dataset.position());
        Ok(match last? {
            Some(Last::Finished) => Some(Input::Published(self.dataset.into_published()?)),
            Some(Last::Suspended) => Some(Input::Suspended),
            None => None,
        })
    }

    /// Follows orders until the last one, which is given back; `None` when nobody wants more.
    fn write(&mut self, orders: &Receiver<Order>, abandoned: &AtomicBool) -> Result<Option<Last>, RunError> {
        loop {
            let order = self.next(orders)?;
            if abandoned.load(Ordering::Acquire) {
                return Ok(None);
            }
            match order {
                Some(Order::Append { worker, bytes, unit }) => {
                    self.append(unit)?;
                    self.inputs.send(Input::Machine(Event::Absorbed { worker, bytes })).ok();
                    if Instant::now() >= self.due {
                        self.checkpoint()?;
                    }
                }
                Some(Order::Finish { last, notes }) => {
                    self.finish(last, &notes)?;
                    return Ok(Some(Last::Finished));
                }
                Some(Order::Suspend) => {
                    self.checkpoint()?;
                    return Ok(Some(Last::Suspended));
                }
                None => return Ok(None),
            }
        }
    }

    /// The next order; makes checkpoints that become due while it is waited for. `None` when no more will come.
    fn next(&mut self, orders: &Receiver<Order>) -> Result<Option<Order>, RunError> {
        while self.dataset.is_changed() {
            match orders.recv_timeout(self.due.saturating_duration_since(Instant::now())) {
                Ok(order) => return Ok(Some(order)),
                Err(RecvTimeoutError::Timeout) => self.checkpoint()?,
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
            }
        }
        Ok(orders.recv().ok())
    }

    fn append(&mut self, sent: Sent) -> Result<(), RunError> {
        let begun = self.commit.trail.of(self.members);
        let archive = begun.and_then(|begun| begun.name);
        let unit = self.numbering.number(sent, archive.as_deref());
        self.members += unit.members;
        let amounts = Amounts::of(&unit);
        tell_failures(&unit);
        self.dataset.append(unit)?;
        self.counters.delivered(&amounts);
        Ok(())
    }

    /// Commits what was appended, if the archive still is what it was.
    fn checkpoint(&mut self) -> Result<(), RunError> {
        self.check_archives()?;
        let begun = self.commit.trail.of(self.members);
        let probe = begun.as_ref().and_then(|begun| begun.prefix.as_ref());
        // What is read again has to be shown to be the same before anything that comes after it is kept.
        if probe.is_none_or(PrefixProbe::is_confirmed) {
            let archive = begun.as_ref().map_or(0, |begun| begun.archive as u64);
            let prefix = probe.map(PrefixProbe::prefix);
            self.dataset.checkpoint(prefix.map(|prefix| SourcePrefix {
                archive,
                bytes: prefix.bytes,
                hash: prefix.hash,
            }))?;
            self.commit.trail.forget_before(self.members);
            self.counters.committed(self.dataset.position());
        }
        self.due = from_now(self.commit.every);
        Ok(())
    }

    /// Refuses archives that are others than they were, of those that are not committed.
    fn check_archives(&self) -> Result<(), RunError> {
        self.commit.trail.check(self.members)
    }

    /// Finishes the dataset, with the failures that are the archives' own.
    fn finish(&mut self, last: Vec<FailedMember>, notes: &str) -> Result<(), RunError> {
        self.check_archives()?;
        self.dataset.append(Unit {
            failures: last,
            ..Unit::default()
        })?;
        Ok(self.dataset.finish(notes)?)
    }
}

/// Says what failed, to whoever wants to see it as it happens: it stands in `failed.log` too.
fn tell_failures(unit: &Unit) {
    if !tracing::enabled!(tracing::Level::INFO) {
        return;
    }
    for failure in &unit.failures {
        let member = failure.member.as_deref().unwrap_or_default();
        let line = failure.line.map(|line| format!(", line {line}")).unwrap_or_default();
        tracing::info!("{member:?}{line} failed: {}: {}", failure.reason, failure.detail);
    }
}

/// A moment so far away from now that an [`Instant`] cannot say it is as good as one that is a year away.
fn from_now(time: Duration) -> Instant {
    const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
    Instant::now() + time.min(YEAR)
}

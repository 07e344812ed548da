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

use crate::counters::{Counters, add};
use crate::error::RunError;
use crate::identity::Identity;
use crate::input::{Input, OnPanic};
use crate::machine::{Event, WorkerId};

/// What the thread is told.
enum Order {
    /// A unit for the dataset, and whose credit it holds.
    Append { worker: WorkerId, bytes: u64, unit: Unit },
    /// There is no more; the dataset is to be finished, with a last failure that is no member's.
    Finish { last: Option<FailedMember> },
    /// No more will come, and there would have been more: what was appended is to be kept for a resume.
    Suspend,
}

/// What has to hold before anything is committed, and how often that is done.
pub(crate) struct Commit {
    /// How long after a checkpoint the next one is due.
    pub(crate) every: Duration,
    /// The archive, where it is a file.
    pub(crate) identity: Option<Arc<Identity>>,
    /// How much was read of a source that is read in order.
    pub(crate) prefix: Option<PrefixProbe>,
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
    /// Starts the thread. [`Input::Published`], [`Input::Suspended`] or what went wrong goes to `inputs`.
    pub(crate) fn start(
        dataset: Dataset,
        commit: Commit,
        counters: Arc<Counters>,
        inputs: Sender<Input>,
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
            let mut writing = Writing {
                due: Instant::now() + commit.every,
                dataset,
                commit,
                counters: &counters,
                inputs: &inputs,
            };
            let last = match writing.write(&receiver, &seen) {
                Ok(Some(last)) => last.end(writing.dataset, &inputs),
                Ok(None) => return,
                Err(error) => Err(error),
            };
            // The loop may have ended.
            if let Err(error) = last {
                inputs.send(Input::WriterFailed(error)).ok();
            }
        })?;
        Ok(Writer {
            orders: Some(orders),
            abandoned,
            thread: Some(thread),
        })
    }

    /// Hands on a unit.
    pub(crate) fn deliver(&self, worker: WorkerId, bytes: u64, unit: Unit) {
        self.tell(Order::Append { worker, bytes, unit });
    }

    /// Finishes the dataset behind all deliveries.
    pub(crate) fn finish(&self, last: Option<FailedMember>) {
        self.tell(Order::Finish { last });
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
    commit: Commit,
    /// When the next checkpoint is due.
    due: Instant,
    counters: &'a Counters,
    inputs: &'a Sender<Input>,
}

/// How the thread ends.
enum Last {
    Finish,
    Suspend,
}

impl Writing<'_> {
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
                Some(Order::Finish { last }) => {
                    self.check_archive()?;
                    self.end_failures(last)?;
                    return Ok(Some(Last::Finish));
                }
                Some(Order::Suspend) => {
                    self.checkpoint()?;
                    return Ok(Some(Last::Suspend));
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

    fn append(&mut self, unit: Unit) -> Result<(), RunError> {
        let rows: u64 = unit.rows.iter().map(|rows| u64::from(*rows)).sum();
        let (members, failed, rescued) = (unit.members, unit.failed, unit.rescued.len() as u64);
        self.dataset.append(unit)?;
        add(&self.counters.extracted, members - failed);
        add(&self.counters.failed, failed);
        add(&self.counters.rows, rows);
        add(&self.counters.rescued, rescued);
        Ok(())
    }

    /// Commits what was appended, if the archive still is what it was.
    fn checkpoint(&mut self) -> Result<(), RunError> {
        self.check_archive()?;
        let prefix = self.commit.prefix.as_ref();
        // What is read again has to be shown to be the same before anything that comes after it is kept.
        if prefix.is_none_or(PrefixProbe::is_confirmed) {
            let prefix = prefix.map(PrefixProbe::prefix);
            self.dataset.checkpoint(prefix.map(|prefix| SourcePrefix {
                bytes: prefix.bytes,
                hash: prefix.hash,
            }))?;
            self.counters.committed(self.dataset.position().members);
        }
        self.due = Instant::now() + self.commit.every;
        Ok(())
    }

    fn check_archive(&self) -> Result<(), RunError> {
        self.commit
            .identity
            .as_ref()
            .map_or(Ok(()), |identity| identity.check())
    }

    /// Appends the failure that is the archive's own, unless that was done before this run was resumed.
    fn end_failures(&mut self, last: Option<FailedMember>) -> Result<(), RunError> {
        if !self.dataset.is_finished() {
            self.dataset.append(Unit {
                failures: Vec::from_iter(last),
                ..Unit::default()
            })?;
        }
        Ok(())
    }
}

impl Last {
    fn end(self, dataset: Dataset, inputs: &Sender<Input>) -> Result<(), RunError> {
        let input = match self {
            Last::Finish => Input::Published(dataset.finish()?),
            Last::Suspend => Input::Suspended,
        };
        // The loop may have ended.
        inputs.send(input).ok();
        Ok(())
    }
}

//! The thread that feeds the dataset: appending may wait for encoders, and the loop must not.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use tarquet_dataset::{Dataset, DatasetError, FailedMember, Unit};

use crate::counters::{Counters, add};
use crate::input::{Input, OnPanic, Rows};
use crate::machine::{Event, WorkerId};

/// What the thread is told.
enum Order {
    /// A unit for the dataset, and whose credit it holds.
    Append { worker: WorkerId, bytes: u64, rows: Rows },
    /// There is no more; the dataset is to be finished, with a last failure that is no member's.
    Finish { last: Option<FailedMember> },
}

/// The dataset's thread, as the loop holds it. What waits for it is bounded by credit.
///
/// Dropped, it appends and publishes nothing more, whatever it was told before.
pub(crate) struct Writer {
    orders: Option<Sender<Order>>,
    abandoned: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread. [`Input::Published`] or a failure of the dataset goes to `inputs`.
    pub(crate) fn start(dataset: Dataset, counters: Arc<Counters>, inputs: Sender<Input>) -> io::Result<Writer> {
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
            let ended = write(dataset, &receiver, &seen, &counters, &inputs);
            // The loop may have ended.
            if let Err(error) = ended {
                inputs.send(Input::DatasetFailed(error)).ok();
            }
        })?;
        Ok(Writer {
            orders: Some(orders),
            abandoned,
            thread: Some(thread),
        })
    }

    /// Hands on a unit.
    pub(crate) fn deliver(&self, worker: WorkerId, bytes: u64, rows: Rows) {
        self.tell(Order::Append { worker, bytes, rows });
    }

    /// Finishes the dataset behind all deliveries.
    pub(crate) fn finish(&self, last: Option<FailedMember>) {
        self.tell(Order::Finish { last });
    }

    /// Lets nothing more be published, without waiting for what is being written.
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

fn write(
    mut dataset: Dataset,
    orders: &Receiver<Order>,
    abandoned: &AtomicBool,
    counters: &Counters,
    inputs: &Sender<Input>,
) -> Result<(), DatasetError> {
    while let Ok(order) = orders.recv() {
        if abandoned.load(Ordering::Acquire) {
            return Ok(());
        }
        let absorbed = match order {
            Order::Append { worker, bytes, rows } => {
                append(&mut dataset, rows, counters)?;
                Input::Machine(Event::Absorbed { worker, bytes })
            }
            Order::Finish { last } => {
                let failures = Vec::from_iter(last);
                dataset.append(Unit {
                    failures,
                    ..Unit::default()
                })?;
                inputs.send(Input::Published(dataset.finish()?)).ok();
                return Ok(());
            }
        };
        inputs.send(absorbed).ok();
    }
    Ok(())
}

fn append(dataset: &mut Dataset, rows: Rows, counters: &Counters) -> Result<(), DatasetError> {
    let Rows { members, failed, unit } = rows;
    let total: u64 = unit.rows.iter().map(|rows| u64::from(*rows)).sum();
    let rescued = unit.rescued.len() as u64;
    dataset.append(unit)?;
    add(&counters.extracted, members - failed);
    add(&counters.failed, failed);
    add(&counters.rows, total);
    add(&counters.rescued, rescued);
    Ok(())
}

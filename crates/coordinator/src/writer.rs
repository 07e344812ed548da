//! The thread that feeds the dataset: appending may wait for encoders, and the loop must not.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use tarquet_dataset::{Dataset, DatasetError, FailedMember, Published, Unit};

use crate::counters::{Counters, add};
use crate::input::{Input, Rows};
use crate::machine::{Event, WorkerId};

/// A unit on its way into the dataset, and whose credit it holds.
struct Delivery {
    worker: WorkerId,
    bytes: u64,
    rows: Rows,
}

/// The dataset's thread, as the loop holds it. What waits for it is bounded by credit.
pub(crate) struct Writer {
    deliveries: Sender<Delivery>,
    thread: JoinHandle<Option<Dataset>>,
}

impl Writer {
    /// Starts the thread. A failure of the dataset goes to `inputs`.
    pub(crate) fn start(dataset: Dataset, counters: Arc<Counters>, inputs: Sender<Input>) -> io::Result<Writer> {
        let (deliveries, receiver) = channel();
        let thread = thread::Builder::new()
            .name("dataset".to_owned())
            .spawn(move || write(dataset, &receiver, &counters, &inputs))?;
        Ok(Writer { deliveries, thread })
    }

    /// Hands on a unit.
    pub(crate) fn deliver(&self, worker: WorkerId, bytes: u64, rows: Rows) {
        // A thread that failed has said so.
        self.deliveries.send(Delivery { worker, bytes, rows }).ok();
    }

    /// Waits for all deliveries, adds a last failure that belongs to no worker, and finishes the dataset.
    ///
    /// `None` when an earlier failure has gone to the inputs.
    pub(crate) fn finish(self, last: Option<FailedMember>) -> Option<Result<Published, DatasetError>> {
        drop(self.deliveries);
        let mut dataset = self.thread.join().ok().flatten()?;
        let failures = Vec::from_iter(last);
        let appended = match failures.is_empty() {
            true => Ok(()),
            false => dataset.append(Unit {
                failures,
                ..Unit::default()
            }),
        };
        Some(appended.and_then(|()| dataset.finish()))
    }
}

fn write(
    mut dataset: Dataset,
    deliveries: &Receiver<Delivery>,
    counters: &Counters,
    inputs: &Sender<Input>,
) -> Option<Dataset> {
    while let Ok(Delivery { worker, bytes, rows }) = deliveries.recv() {
        let Rows { members, failed, unit } = rows;
        let total: u64 = unit.rows.iter().map(|rows| u64::from(*rows)).sum();
        let rescued = unit.rescued.len() as u64;
        if let Err(error) = dataset.append(unit) {
            inputs.send(Input::DatasetFailed(error)).ok();
            return None;
        }
        add(&counters.extracted, members - failed);
        add(&counters.failed, failed);
        add(&counters.rows, total);
        add(&counters.rescued, rescued);
        // The loop may have ended.
        inputs.send(Input::Machine(Event::Absorbed { worker, bytes })).ok();
    }
    Some(dataset)
}

//! Threads that turn closed buffers into files.
//!
//! What they are given and have not finished is limited in bytes, not in parts: whoever closes buffers waits. A part
//! that fails, or panics, is an error of the next call here; the threads themselves outlive both.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use crate::error::DatasetError;

/// A job with the bytes that it keeps in memory until it is done.
#[derive(Debug)]
pub(crate) struct Job<T> {
    pub(crate) work: T,
    pub(crate) bytes: u64,
}

/// What became of one job.
#[derive(Debug)]
struct Outcome<R> {
    /// What the job gave back of its bytes.
    bytes: u64,
    result: Result<R, DatasetError>,
}

/// A pool of encoder threads; `T` goes in, `R` comes out, in no particular order.
#[derive(Debug)]
pub(crate) struct Encoders<T, R> {
    /// `None` once nothing more will come.
    jobs: Option<Sender<Job<T>>>,
    outcomes: Receiver<Outcome<R>>,
    finished: Vec<R>,
    bytes_in_flight: u64,
    jobs_in_flight: usize,
    bytes_limit: u64,
    /// Set when results are no longer wanted: jobs that wait are dropped.
    abandoned: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl<T: Send + 'static, R: Send + 'static> Encoders<T, R> {
    /// Starts `threads` threads that `encode`; `table_of` names the table of a job for messages. Jobs in flight may
    /// together hold `bytes_limit` bytes; one alone may hold more.
    pub(crate) fn start<E, N>(threads: usize, bytes_limit: u64, table_of: N, encode: E) -> Result<Self, DatasetError>
    where
        E: Fn(T) -> Result<R, DatasetError> + Send + Sync + 'static,
        N: Fn(&T) -> String + Send + Sync + 'static,
    {
        let (jobs, queue) = channel::<Job<T>>();
        let (report, outcomes) = channel();
        let queue = Arc::new(Mutex::new(queue));
        let run_one = Arc::new(move |job: T| {
            let table = table_of(&job);
            catch_unwind(AssertUnwindSafe(|| encode(job))).unwrap_or_else(|panic| {
                Err(DatasetError::EncoderPanicked {
                    table,
                    message: panic_message(panic.as_ref()),
                })
            })
        });
        let mut encoders = Encoders {
            jobs: Some(jobs),
            outcomes,
            finished: Vec::new(),
            bytes_in_flight: 0,
            jobs_in_flight: 0,
            bytes_limit,
            abandoned: Arc::new(AtomicBool::new(false)),
            threads: Vec::with_capacity(threads),
        };
        for index in 0..threads {
            let (queue, report) = (Arc::clone(&queue), report.clone());
            let (run_one, abandoned) = (Arc::clone(&run_one), Arc::clone(&encoders.abandoned));
            let thread = thread::Builder::new()
                .name(format!("encoder-{index}"))
                .spawn(move || encode_jobs(&queue, &report, &abandoned, &*run_one))
                .map_err(|error| DatasetError::Thread { error })?;
            encoders.threads.push(thread);
        }
        Ok(encoders)
    }

    /// Hands a job over; waits while the jobs in flight leave no room for it.
    pub(crate) fn submit(&mut self, job: Job<T>) -> Result<(), DatasetError> {
        while self.jobs_in_flight > 0 && self.bytes_in_flight.saturating_add(job.bytes) > self.bytes_limit {
            self.wait_for_one()?;
        }
        self.bytes_in_flight = self.bytes_in_flight.saturating_add(job.bytes);
        self.jobs_in_flight += 1;
        let sent = self.jobs.as_ref().is_some_and(|jobs| jobs.send(job).is_ok());
        if sent { Ok(()) } else { Err(DatasetError::EncodersGone) }
    }

    /// What was finished since the last call; does not wait.
    pub(crate) fn take_finished(&mut self) -> Result<Vec<R>, DatasetError> {
        loop {
            match self.outcomes.try_recv() {
                Ok(outcome) => self.note(outcome)?,
                Err(TryRecvError::Empty) => return Ok(std::mem::take(&mut self.finished)),
                Err(TryRecvError::Disconnected) => return Err(DatasetError::EncodersGone),
            }
        }
    }

    /// Waits for every job that was handed over; gives what was finished since the last call.
    pub(crate) fn wait_for_all(&mut self) -> Result<Vec<R>, DatasetError> {
        while self.jobs_in_flight > 0 {
            self.wait_for_one()?;
        }
        Ok(std::mem::take(&mut self.finished))
    }

    fn wait_for_one(&mut self) -> Result<(), DatasetError> {
        let outcome = self.outcomes.recv().map_err(|_| DatasetError::EncodersGone)?;
        self.note(outcome)
    }

    fn note(&mut self, outcome: Outcome<R>) -> Result<(), DatasetError> {
        self.bytes_in_flight = self.bytes_in_flight.saturating_sub(outcome.bytes);
        self.jobs_in_flight -= 1;
        self.finished.push(outcome.result?);
        Ok(())
    }
}

impl<T, R> Drop for Encoders<T, R> {
    /// Lets the threads end what they have in hand, and waits for them: nothing is written behind the owner's back.
    fn drop(&mut self) {
        self.abandoned.store(true, Ordering::Relaxed);
        self.jobs = None;
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so; there is nobody here to tell.
            drop(thread.join());
        }
    }
}

/// One thread: jobs until no more come, or nobody wants their results.
fn encode_jobs<T, R>(
    queue: &Mutex<Receiver<Job<T>>>,
    report: &Sender<Outcome<R>>,
    abandoned: &AtomicBool,
    run_one: &(dyn Fn(T) -> Result<R, DatasetError> + Send + Sync),
) {
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job { work, bytes }) = next else { return };
        if abandoned.load(Ordering::Relaxed) {
            return;
        }
        let result = run_one(work);
        if report.send(Outcome { bytes, result }).is_err() {
            return;
        }
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    fn job(work: u64, bytes: u64) -> Job<u64> {
        Job { work, bytes }
    }

    fn name(_: &u64) -> String {
        "t".to_owned()
    }

    #[test]
    fn every_job_comes_back_once() {
        for threads in [1, 2, 7] {
            let mut encoders = Encoders::start(threads, 10, name, |work| Ok(work * 2)).expect("starts");
            let mut results = Vec::new();
            for work in 0..500 {
                encoders.submit(job(work, work % 13)).expect("accepted");
                results.extend(encoders.take_finished().expect("sound"));
            }
            results.extend(encoders.wait_for_all().expect("sound"));
            results.sort_unstable();
            assert_eq!(results, (0..500).map(|work| work * 2).collect::<Vec<_>>());
        }
    }

    #[test]
    fn bytes_in_flight_are_limited() {
        const LIMIT: u64 = 10;
        let mut encoders = Encoders::start(4, LIMIT, name, |_| Ok(())).expect("starts");
        for round in 0..400 {
            let bytes = 1 + round % 6;
            encoders.submit(job(round, bytes)).expect("accepted");
            assert!(encoders.bytes_in_flight <= LIMIT, "{}", encoders.bytes_in_flight);
        }
        // One that is larger than the limit goes alone.
        encoders.submit(job(1_000, 1_000)).expect("accepted");
        assert_eq!((encoders.jobs_in_flight, encoders.bytes_in_flight), (1, 1_000));
        assert_eq!(encoders.wait_for_all().expect("sound").len(), 401);
    }

    #[test]
    fn a_panic_is_an_error_and_no_hang() {
        for threads in [1, 3] {
            let mut encoders = Encoders::start(threads, 1, name, |work: u64| -> Result<u64, DatasetError> {
                if work == 5 { panic!("boom at {work}") } else { Ok(work) }
            })
            .expect("starts");
            let error = (0..1_000)
                .map(|work| encoders.submit(job(work, 1)))
                .find_map(Result::err);
            let message = error.expect("the panic comes out").to_string();
            assert!(message.contains("boom at 5") && message.contains("\"t\""), "{message}");
        }
    }

    #[test]
    fn an_error_comes_out_of_whatever_is_called_next() {
        let fail = |_: u64| -> Result<(), DatasetError> { Err(DatasetError::EncodersGone) };
        let mut encoders = Encoders::start(2, 100, name, fail).expect("starts");
        encoders.submit(job(1, 1)).expect("accepted");
        assert!(encoders.wait_for_all().is_err());
    }

    #[test]
    fn dropping_lets_waiting_jobs_go() {
        let gate = Arc::new(Barrier::new(2));
        let done = Arc::new(AtomicBool::new(false));
        let (inside, finished) = (Arc::clone(&gate), Arc::clone(&done));
        let mut encoders = Encoders::start(1, 100, name, move |work: u64| {
            assert_eq!(work, 0, "a job that waits is dropped");
            inside.wait();
            inside.wait();
            finished.store(true, Ordering::SeqCst);
            Ok(())
        })
        .expect("starts");
        for work in 0..5 {
            encoders.submit(job(work, 1)).expect("accepted");
        }
        gate.wait();
        // What `drop` does first, while the thread has the first job in hand.
        encoders.abandoned.store(true, Ordering::SeqCst);
        gate.wait();
        drop(encoders);
        assert!(done.load(Ordering::SeqCst), "the job in hand was ended");
    }
}

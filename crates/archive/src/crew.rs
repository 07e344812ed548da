//! Threads that do jobs.

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

/// Threads that take jobs, in the order in which they are given. They end when it is dropped.
pub(crate) struct Crew<J> {
    jobs: Option<Sender<J>>,
    threads: Vec<JoinHandle<()>>,
}

impl<J: Send + 'static> Crew<J> {
    /// Starts so many threads, or as many as can be, and each with a worker of its own.
    ///
    /// # Errors
    ///
    /// When there can be none.
    pub(crate) fn start<W>(threads: usize, worker: impl Fn() -> W) -> io::Result<Self>
    where
        W: FnMut(J) + Send + 'static,
    {
        let (jobs, waiting) = channel();
        let waiting = Arc::new(Mutex::new(waiting));
        let mut crew = Self {
            jobs: Some(jobs),
            threads: Vec::new(),
        };
        for number in 0..threads {
            let (waiting, worker) = (Arc::clone(&waiting), worker());
            let name = format!("inflate-{number}");
            match Builder::new().name(name).spawn(move || serve(&waiting, worker)) {
                Ok(thread) => crew.threads.push(thread),
                Err(error) if crew.threads.is_empty() => return Err(error),
                Err(_) => break,
            }
        }
        Ok(crew)
    }

    /// Gives a job to the next thread that is free. When a thread comes to grief over it, or all are gone, it is dropped.
    pub(crate) fn give(&self, job: J) {
        if let Some(jobs) = &self.jobs {
            // It fails when all threads are gone.
            jobs.send(job).ok();
        }
    }
}

impl<J> Drop for Crew<J> {
    /// Waits for the jobs that were given, which take milliseconds.
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            // A panic was told of by its hook, and its job was done by others.
            thread.join().ok();
        }
    }
}

/// What a thread does.
fn serve<J>(waiting: &Mutex<Receiver<J>>, mut worker: impl FnMut(J)) {
    loop {
        let job = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match job {
            Ok(job) => worker(job),
            Err(_) => return,
        }
    }
}

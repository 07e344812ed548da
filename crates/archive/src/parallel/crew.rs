//! The threads that decode.

use std::io;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

use super::chunk::{Chunk, Work};
use super::deflate::Halt;
use super::finder::{canonical, find};
use super::huffman::Codes;

/// Places that are tried in a chunk come to an end when this many times its length was decoded for nothing.
const TRIES: u64 = 2;

/// A chunk that is decoded.
pub(super) struct Decoded {
    pub(super) chunk: Chunk,
    pub(super) work: Work,
    /// The offset in the file of the bit where the work starts, by its canonical name; `None` when nothing was decoded.
    pub(super) start: Option<u64>,
}

/// A chunk to be decoded, and where it goes then.
struct Job {
    chunk: Chunk,
    work: Work,
    from: From,
    done: SyncSender<Decoded>,
}

/// Where decoding starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum From {
    /// Where the work's decoder stands.
    Here,
    /// At the first block that is found.
    Found,
}

/// Threads that take chunks. They end when it is dropped.
pub(super) struct Crew {
    jobs: Option<Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
}

impl Crew {
    /// Starts so many threads, or as many as can be.
    ///
    /// # Errors
    ///
    /// When there can be none.
    pub(super) fn start(threads: usize) -> io::Result<Self> {
        let (jobs, waiting) = channel();
        let waiting = Arc::new(Mutex::new(waiting));
        let mut crew = Self {
            jobs: Some(jobs),
            threads: Vec::new(),
        };
        for number in 0..threads {
            let waiting = Arc::clone(&waiting);
            let name = format!("inflate-{number}");
            match Builder::new().name(name).spawn(move || serve(&waiting)) {
                Ok(thread) => crew.threads.push(thread),
                Err(error) if crew.threads.is_empty() => return Err(error),
                Err(_) => break,
            }
        }
        Ok(crew)
    }

    /// Has a chunk decoded. When a thread comes to grief over it, what is returned never gives anything.
    pub(super) fn decode(&self, chunk: Chunk, work: Work, from: From) -> Receiver<Decoded> {
        let (done, decoded) = sync_channel(1);
        if let Some(jobs) = &self.jobs {
            // It fails when all threads are gone. Then the job is dropped, and its other end with it.
            jobs.send(Job {
                chunk,
                work,
                from,
                done,
            })
            .ok();
        }
        decoded
    }
}

impl Drop for Crew {
    /// Waits for the chunks that are being decoded, which takes milliseconds.
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            // A panic was told of by its hook, and its chunk was decoded by others.
            thread.join().ok();
        }
    }
}

/// What a thread does.
fn serve(waiting: &Mutex<Receiver<Job>>) {
    let mut codes = Codes::new();
    loop {
        let job = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job {
            chunk,
            mut work,
            from,
            done,
        }) = job
        else {
            return;
        };
        let start = match from {
            From::Here => decode(&chunk, &mut work),
            From::Found => find_and_decode(&chunk, &mut work, &mut codes),
        };
        // Nobody waits for it any more when the walk has ended.
        done.send(Decoded { chunk, work, start }).ok();
    }
}

/// Decodes a chunk from where the decoder stands. Returns where that is.
fn decode(chunk: &Chunk, work: &mut Work) -> Option<u64> {
    let start = work.decoder.bit();
    work.go_on(chunk, chunk.until);
    Some(canonical(chunk.input(), start))
}

/// Decodes a chunk from the first block that is found in it. Returns where that is.
fn find_and_decode(chunk: &Chunk, work: &mut Work, codes: &mut Codes) -> Option<u64> {
    let (mut from, mut wasted) = (chunk.offset * 8, 0);
    loop {
        let start = find(chunk.input(), from, chunk.until, codes)?;
        work.decoder.move_to_block(start);
        work.go_on(chunk, chunk.until);
        if work.halt != Halt::Invalid {
            return Some(start);
        }
        wasted += work.decoder.bit() - start;
        if wasted > TRIES * chunk.bits() {
            return None;
        }
        from = start + 1;
    }
}

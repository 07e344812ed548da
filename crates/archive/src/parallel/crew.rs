//! What the threads do that decode.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::chunk::{Chunk, Work};
use super::deflate::Halt;
use super::finder::{canonical, find};
use super::huffman::Codes;
use crate::crew::Crew;

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
pub(super) struct Job {
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

/// Starts so many threads that decode chunks, or as many as can be.
///
/// # Errors
///
/// When there can be none.
pub(super) fn start(threads: usize) -> io::Result<Crew<Job>> {
    Crew::start(threads, || {
        let mut codes = Codes::new();
        move |job| serve(job, &mut codes)
    })
}

impl Crew<Job> {
    /// Has a chunk decoded. When a thread comes to grief over it, what is returned never gives anything.
    pub(super) fn decode(&self, chunk: Chunk, work: Work, from: From) -> Receiver<Decoded> {
        let (done, decoded) = sync_channel(1);
        self.give(Job {
            chunk,
            work,
            from,
            done,
        });
        decoded
    }
}

/// What a thread does with a chunk.
fn serve(job: Job, codes: &mut Codes) {
    let Job {
        chunk,
        mut work,
        from,
        done,
    } = job;
    let start = match from {
        From::Here => decode(&chunk, &mut work),
        From::Found => find_and_decode(&chunk, &mut work, codes),
    };
    // Nobody waits for it any more when the walk has ended.
    done.send(Decoded { chunk, work, start }).ok();
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

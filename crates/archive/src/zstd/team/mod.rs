//! Decompressing the frames of a file with several threads.
//!
//! A frame needs nothing of those before it, and where it ends is seen without decompressing it: each block says how
//! long it is. So the file is read in order and cut into batches of whole frames, threads decompress batches, and
//! whoever pulls gets what they give in order. Nobody has to be believed where frames start or how long their content
//! is, as the seek table of the seekable format says it (zstd's `contrib/seekable_format`): that table is one more frame to be
//! passed over.
//!
//! What is not plainly right, and a frame that is too large to be held, is given to the [`Decoder`] that goes in
//! order, from where its batch starts. It alone says what is wrong and where. Nothing of that batch was given before.

mod batch;
mod cutter;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::Decoder;
use crate::again::Again;
use crate::crew::Crew;
use crate::error::Place;
use crate::marks::{Mark, Marks};
use crate::point::{Point, Points, Spacing};
use crate::prefix::Prefix;
use crate::source::{Fault, LOOK_BACK, Pull};
use crate::stop::Stop;
use batch::{Batch, Done};
use cutter::{Cutter, Sizes};

/// Batches that take a thread some milliseconds; several frames together, if they are small. The largest frame is one that
/// `pzstd` makes at its default level: 8 MiB, and what stands around its blocks.
const SIZES: Sizes = Sizes {
    file: 1 << 20,
    stream: 4 << 20,
    frame: 9 << 20,
};

/// How much memory batches may take that are with threads, with what they give, for each thread and in bytes. The last one may
/// take more.
const WEIGHT: usize = 16 << 20;

/// How many buffers are kept that no batch has.
const SPARE: usize = 2;

/// A file of this length has no use for threads, in bytes.
pub(crate) const WORTH_IT: u64 = 2 << 20;

/// Decompresses a file with several threads.
pub(crate) struct Frames<P> {
    file: Arc<File>,
    stop: Arc<Stop>,
    state: State<P>,
}

/// Who decompresses.
enum State<P> {
    /// All threads.
    Team(Box<Team<P>>),
    /// One thread, in order.
    Alone(Box<Decoder<Again<P>>>),
    /// Nobody can: it comes from one of these, and not to another.
    Between,
}

impl<P: Pull> Frames<P> {
    /// Over a file of which `raw` gives the bytes in order, with so many threads besides the caller's: from its start, or as
    /// [`Decoder::begin_at`].
    pub(crate) fn new(raw: P, point: Option<&Point>, file: Arc<File>, stop: Arc<Stop>, threads: usize) -> Self {
        Self::with(SIZES, raw, point, file, stop, threads)
    }

    /// As [`Frames::new`], with batches of at most so many bytes of the file or of the stream and one frame, and no frame of
    /// more than so many.
    #[cfg(feature = "fuzzing")]
    pub(crate) fn with_sizes(
        (file, stream, frame): (usize, usize, usize),
        raw: P,
        point: Option<&Point>,
        whole: Arc<File>,
        threads: usize,
    ) -> Self {
        let sizes = Sizes { file, stream, frame };
        Self::with(sizes, raw, point, whole, Arc::default(), threads)
    }

    fn with(sizes: Sizes, raw: P, point: Option<&Point>, file: Arc<File>, stop: Arc<Stop>, threads: usize) -> Self {
        let before = point.map_or(0, |point| point.file - point.prefix.bytes);
        let mark = point.map_or(Mark { file: 0, stream: 0 }, |point| point.mark);
        let given = point.map_or(0, |point| point.stream);
        let cutter = Cutter::new(raw, before, sizes);
        let team = Team::new(cutter, mark, given, sizes, threads);
        Self {
            file,
            stop,
            state: State::Team(Box::new(team)),
        }
    }

    /// Gives up what threads do.
    fn go_alone(&mut self) {
        self.state = match std::mem::replace(&mut self.state, State::Between) {
            State::Team(team) => {
                let Team {
                    cutter,
                    doubt,
                    given,
                    marks,
                    points,
                    ..
                } = *team;
                let (start, before, raw) = cutter.into_raw();
                let (start, before) = doubt.map_or((start, before), |start| (start, 0));
                let again = Again::from(start, Arc::clone(&self.file), Arc::clone(&self.stop), raw);
                State::Alone(Box::new(Decoder::go_on(again, before, given, marks, points)))
            }
            other => other,
        };
    }
}

impl<P: Pull> Pull for Frames<P> {
    fn pull(&mut self, out: &mut [u8]) -> Result<usize, Fault> {
        loop {
            match &mut self.state {
                State::Team(_) if self.stop.is_told() => return Err(Fault::Stopped),
                State::Team(team) => match team.pull(out)? {
                    Some(given) => return Ok(given),
                    None => self.go_alone(),
                },
                State::Alone(decoder) => return decoder.pull(out),
                State::Between => return Err(Fault::Stopped),
            }
        }
    }

    fn place(&self, at: u64) -> Place {
        match &self.state {
            State::Team(team) => Place::in_stream(at, team.marks.piece_of(at)),
            State::Alone(decoder) => decoder.place(at),
            State::Between => Place::in_stream(at, 0),
        }
    }

    fn consumed(&self) -> u64 {
        match &self.state {
            State::Team(team) => team.position,
            State::Alone(decoder) => decoder.consumed(),
            State::Between => 0,
        }
    }

    fn settle(&mut self) -> Result<(), Fault> {
        match &mut self.state {
            State::Team(team) => team.cutter.settle(),
            State::Alone(decoder) => decoder.settle(),
            State::Between => Ok(()),
        }
    }

    fn make_points(&mut self, spacing: Spacing) {
        match &mut self.state {
            State::Team(team) => team.points = Some(Points::new(spacing, team.position, team.given)),
            State::Alone(decoder) => decoder.make_points(spacing),
            State::Between => {}
        }
    }

    fn point_before(&mut self, at: u64) -> Option<Point> {
        match &mut self.state {
            State::Team(team) => team.points.as_mut()?.last_before(at),
            State::Alone(decoder) => decoder.point_before(at),
            State::Between => None,
        }
    }
}

/// A batch for a thread, memory for what it gives, and where that goes then.
struct Job {
    batch: Batch,
    content: Vec<u8>,
    done: SyncSender<Option<Done>>,
}

/// A batch that a thread has.
struct HandedOut {
    start: u64,
    end: u64,
    prefix: Option<Prefix>,
    weight: usize,
    done: Receiver<Option<Done>>,
}

/// Threads that decompress batches, and who gives what they give.
struct Team<P> {
    cutter: Cutter<P>,
    threads: usize,
    crew: Option<Crew<Job>>,
    /// Batches that threads have, in order, and what they weigh together.
    handed_out: VecDeque<HandedOut>,
    weight: usize,
    /// What the last batch gave, and the part of it that was not taken.
    content: Vec<u8>,
    untaken: Range<usize>,
    /// Memory of batches that are done with.
    spare: Vec<Vec<u8>>,
    /// How many bytes the batches gave that came back, and where in the file these end.
    given: u64,
    position: u64,
    marks: Marks,
    /// `None` where nobody wants any.
    points: Option<Points>,
    /// Where the batch starts with which something is wrong.
    doubt: Option<u64>,
}

impl<P: Pull> Team<P> {
    fn new(cutter: Cutter<P>, mark: Mark, given: u64, sizes: Sizes, threads: usize) -> Self {
        // The marks of a batch are passed before it is given.
        let held = sizes.stream + sizes.frame;
        Self {
            position: cutter.start(),
            cutter,
            threads,
            crew: None,
            handed_out: VecDeque::new(),
            weight: 0,
            content: Vec::new(),
            untaken: 0..0,
            spare: Vec::new(),
            given,
            marks: Marks::begin_at(mark, LOOK_BACK + held as u64),
            points: None,
            doubt: None,
        }
    }

    /// As [`Pull::pull`]; `None` when one thread has to go on alone.
    fn pull(&mut self, out: &mut [u8]) -> Result<Option<usize>, Fault> {
        while self.untaken.is_empty() {
            self.hand_out();
            let Some(next) = self.handed_out.pop_front() else {
                return self.cutter.fault.take().map_or(Ok(None), Err);
            };
            self.weight -= next.weight;
            match next.done.recv() {
                Ok(Some(done)) => self.take(&next, done),
                Ok(None) | Err(_) => {
                    self.doubt = Some(next.start);
                    return Ok(None);
                }
            }
        }
        let count = self.untaken.len().min(out.len());
        let start = self.untaken.start;
        out[..count].copy_from_slice(&self.content[start..start + count]);
        self.untaken.start += count;
        Ok(Some(count))
    }

    /// Hands out batches, as many as may be.
    fn hand_out(&mut self) {
        while self.handed_out.len() <= 2 * self.threads && self.weight < self.threads * WEIGHT {
            let Some(batch) = self.cutter.next() else { break };
            let (done, receiver) = sync_channel(1);
            let content = self.spare.pop().unwrap_or_default();
            let weight = batch.weight(&content);
            self.weight += weight;
            self.handed_out.push_back(HandedOut {
                start: batch.start,
                end: batch.end(),
                prefix: batch.prefix,
                weight,
                done: receiver,
            });
            if let Some(crew) = self.crew() {
                crew.give(Job { batch, content, done });
            }
        }
    }

    /// The threads, which start when there is something to do. Without any, what is handed out never comes back.
    fn crew(&mut self) -> Option<&Crew<Job>> {
        if self.crew.is_none() {
            self.crew = start(self.threads).ok();
        }
        self.crew.as_ref()
    }

    /// Takes what a batch gives.
    fn take(&mut self, batch: &HandedOut, done: Done) {
        let (file, stream) = (batch.start, self.given);
        if let Some(points) = self.points.as_mut().filter(|points| points.is_due(file, stream)) {
            let mark = self.marks.last();
            let point = batch.prefix.map(|prefix| Point {
                file,
                stream,
                mark,
                prefix,
                inside: None,
            });
            points.add(file, stream, point);
        }
        self.marks.append(&done.marks, stream);
        self.given += done.len as u64;
        self.position = batch.end;
        self.untaken = 0..done.len;
        let spare = std::mem::replace(&mut self.content, done.content);
        if self.spare.len() < SPARE {
            self.spare.push(spare);
        }
    }
}

/// Starts so many threads that decompress batches.
fn start(threads: usize) -> io::Result<Crew<Job>> {
    Crew::start(threads, || {
        let mut spare = None;
        move |Job { batch, content, done }: Job| {
            // Nobody waits for it any more when the walk has ended.
            done.send(batch.decompress(content, &mut spare)).ok();
        }
    })
}

//! Members that hold many documents: read piece by piece, announced and closed by their documents.

use std::io::{Read, Write};

use tarquet_feature_map::{Evidence, display_name};
use tarquet_projection::{DocumentError, DocumentErrorKind, Origin};
use tarquet_wire::array::{ArrayState, Cut};
use tarquet_wire::message::{FailedAt, Failure, Member, SampleLimit, Shape, Span, Stretch, Task};
use tarquet_wire::tables::FailureRow;

use super::{ANNOUNCED_TOGETHER, Worker, WorkerError, refused};
use crate::content::Content;
use crate::documents::Documents;
use crate::inflate::StreamError;
use crate::lines::Step;
use crate::reader::Source;
use crate::unit::Unit;
use crate::window::Window;

/// A unit is sent once it has so much of a member's content, in bytes, however few rows that gives: what a death costs.
const UNIT_CONTENT: u64 = 1 << 20;

/// Whoever passes over content that others have extracted says after each so many bytes that it is still at it.
const PASSED_IN_SILENCE: u64 = 16 << 20;

/// How much is read at a time of what is passed over, in bytes.
const PASSED_AT_ONCE: u64 = 128 << 10;

/// Whether not the member is announced, but its documents. Of a small one that is whole, only if somebody died over it.
pub(super) fn is_announced_in_pieces(task: &Task, member: &Member) -> bool {
    let is_small = |stretch: &Stretch| stretch.start == 0 && stretch.is_last && member.size <= ANNOUNCED_TOGETHER;
    let stretch = member.stretch.as_ref().filter(|_| member.failed.is_none());
    stretch.is_some_and(|stretch| task.careful || !is_small(stretch))
}

/// Where, by what word and why a document or the rest of a member fails.
type Reason = (Option<u64>, String, String);

/// What a stretch has next.
enum Item {
    /// A document: its bytes are from the first place to the second.
    Document(u64, u64),
    /// A document that cannot be read.
    Failed(Reason),
    /// Nothing; and why nothing of the member can be read from here on, if so.
    End(Option<Reason>),
}

/// A stretch that is being read.
struct Reading<'t> {
    task: &'t Task,
    /// The stretch's position in the task.
    position: usize,
    member: &'t Member,
    stretch: &'t Stretch,
    documents: Documents,
    window: Window,
    content: Content,
    /// What begins before this is announced.
    announced_to: u64,
}

/// How far a stretch was read before the document at hand.
struct Begun {
    /// [`Documents::next`].
    next: u64,
    /// [`Documents::place`].
    place: u64,
    /// [`Documents::passed`].
    passed: u64,
}

impl Begun {
    fn of(documents: &Documents) -> Begun {
        Begun {
            next: documents.next(),
            place: documents.place(),
            passed: documents.passed(),
        }
    }
}

impl<R: Read, W: Write, S: Source> Worker<R, W, S> {
    /// Looks at the types of the documents of a stretch, up to its limit, and gives what is left of that; and where the
    /// stretch ends, if it is open and the limit does not end before.
    pub(super) fn sample_stretch(
        &mut self,
        task: &Task,
        position: usize,
        evidence: &mut Evidence,
    ) -> Result<(SampleLimit, Option<Cut>), WorkerError> {
        let mut reading = self.read_stretch(task, position)?;
        let name = display_name(&reading.member.name);
        let mut left = reading.stretch.sample;
        let mut cut = None;
        while !left.is_reached() {
            let begun = Begun::of(&reading.documents);
            match reading.next(self)? {
                Item::Document(from, to) => {
                    // One that fails says nothing of types; it fails again, and for good, when it is extracted.
                    let document = reading.window.range(from, to);
                    let seen = self.maker.observe(document, &name, evidence);
                    left.take(to - from);
                    if let Err(error) = seen
                        && reading.ends_with(error.kind)
                    {
                        cut = Some(reading.cut(&begun, Some(refused_at(from, document, error))));
                        break;
                    }
                }
                Item::Failed(_) => left.take(0),
                Item::End(broken) => {
                    cut = Some(reading.cut(&begun, broken));
                    break;
                }
            }
        }
        self.window = reading.window;
        let is_wanted = reading.stretch.is_open && !left.is_reached();
        Ok((left, cut.filter(|_| is_wanted)))
    }

    /// Extracts the documents of a stretch. Units that end in its midst are sent.
    pub(super) fn extract_stretch(&mut self, task: &Task, position: usize, unit: &mut Unit) -> Result<(), WorkerError> {
        let mut reading = self.read_stretch(task, position)?;
        let (member, stretch) = (reading.member, reading.stretch);
        if stretch.start > 0 {
            if !unit.is_empty() {
                self.close(task.id, std::mem::take(unit), &[])?;
            }
            *unit = Unit::continued();
        }
        let name = display_name(&member.name).into_owned();
        let mut before = unit.begin_stretch(name.clone());
        let mut unit_began = reading.documents.place();
        let (begun, broken) = loop {
            let begun = Begun::of(&reading.documents);
            let from = match reading.next(self)? {
                Item::End(reason) => {
                    let number = reading.documents.passed() + 1;
                    break (begun, reason.map(|reason| (number, reason)));
                }
                Item::Document(from, to) => match self.extract_document(&reading, &name, from, to, unit) {
                    Ok(()) => from,
                    Err(reason) => break (begun, Some((reading.documents.passed(), reason))),
                },
                Item::Failed(reason) => {
                    unit.add_failed_line(failure_row(&name, reading.documents.passed(), reason));
                    begun.next
                }
            };
            let place = reading.documents.place();
            let is_far = place - unit_began >= UNIT_CONTENT && place < stretch.end;
            let is_due = is_far || self.is_full(unit) || task.careful && from < stretch.careful_to;
            if is_due && reading.documents.can_pause() {
                unit.pause_stretch(before, place, reading.documents.take_passed());
                self.close(task.id, std::mem::replace(unit, Unit::continued()), &[])?;
                (before, unit_began) = (unit.begin_stretch(name.clone()), place);
            }
        };
        let is_failed = broken.is_some();
        if stretch.is_open {
            let lines = if is_failed {
                begun.passed
            } else {
                reading.documents.passed()
            };
            let cut = reading.cut(&begun, broken.map(|(_, reason)| reason));
            unit.end_open_stretch(before, lines, cut);
        } else {
            // Of a member that is cut off, its end is what failed, and that is told behind it.
            let is_told = stretch.shape == Shape::Array && stretch.is_cut;
            if let Some((number, reason)) = broken.filter(|_| !is_told) {
                unit.add_failed_line(failure_row(&name, number, reason));
            }
            match stretch.is_last {
                true => unit.end_member(is_failed),
                false => unit.end_stretch(before, reading.documents.place(), reading.documents.passed()),
            }
        }
        self.window = reading.window;
        Ok(())
    }

    /// Extracts the document from `from` to `to`; gives why it fails, if none can follow it.
    fn extract_document(
        &mut self,
        reading: &Reading<'_>,
        name: &str,
        from: u64,
        to: u64,
        unit: &mut Unit,
    ) -> Result<(), Reason> {
        let line = reading.documents.passed();
        let document = reading.window.range(from, to);
        #[cfg(feature = "failpoints")]
        crate::failpoints::strike_document(document);
        let origin = Origin {
            member: name,
            line: Some(line),
        };
        match self.maker.add(document, origin) {
            Ok(()) => unit.add_line(line),
            Err(error) => {
                let is_end = reading.ends_with(error.kind);
                let reason = refused_at(from, document, error);
                if is_end {
                    return Err(reason);
                }
                unit.add_failed_line(failure_row(name, line, reason));
            }
        }
        Ok(())
    }

    fn read_stretch<'t>(&mut self, task: &'t Task, position: usize) -> Result<Reading<'t>, WorkerError> {
        let member = &task.members[position];
        // Whoever calls has looked.
        let stretch = member.stretch.as_ref().ok_or(WorkerError::Unexpected {
            what: "documents of a member that is one document",
        })?;
        let documents = Documents::new(stretch, self.max_document_bytes);
        let content = match Content::open(&self.reader, member, stretch, documents.next()) {
            Ok(content) => content,
            Err(error) => return Err(self.source_failed(member, error)),
        };
        let mut window = std::mem::take(&mut self.window);
        window.begin_at(documents.next());
        Ok(Reading {
            task,
            position,
            member,
            stretch,
            documents,
            window,
            content,
            announced_to: match is_announced_in_pieces(task, member) {
                true => 0,
                false => ANNOUNCED_TOGETHER,
            },
        })
    }
}

impl Reading<'_> {
    /// The next document, announced.
    fn next<R: Read, W: Write, S: Source>(&mut self, worker: &mut Worker<R, W, S>) -> Result<Item, WorkerError> {
        if let ArrayState::Broken { offset, failure } = &self.stretch.state {
            let Failure { reason, detail } = failure.clone();
            return Ok(Item::End(Some((*offset, reason, detail))));
        }
        loop {
            match self.documents.step(&self.window) {
                Step::More => {
                    if let Some(reason) = self.fill(worker)? {
                        return Ok(Item::End(Some(reason)));
                    }
                }
                Step::Document { from, to } => {
                    if let Some(failed) = self.failed(|failed| !failed.is_rest && failed.at == from) {
                        return Ok(Item::Failed(failed));
                    }
                    self.announce(worker, from, to)?;
                    return Ok(Item::Document(from, to));
                }
                Step::TooLarge { .. } => {
                    let most = worker.max_document_bytes;
                    let detail = format!("it has more than {most} bytes; --max-document-bytes is {most}");
                    return Ok(Item::Failed((None, "too_large".to_owned(), detail)));
                }
                Step::Broken { at, reason, detail } => {
                    return Ok(Item::End(Some((Some(at), reason.to_owned(), detail.to_owned()))));
                }
                Step::End => return Ok(Item::End(None)),
            }
        }
    }

    /// Whether nothing behind a document that fails so can be told: in an array, where it is not JSON, brackets and commas
    /// mean nothing.
    fn ends_with(&self, error: DocumentErrorKind) -> bool {
        let is_json = matches!(
            error,
            DocumentErrorKind::Id | DocumentErrorKind::TooLarge | DocumentErrorKind::Depth
        );
        self.stretch.shape == Shape::Array && !is_json
    }

    /// Where an open stretch ends: before what breaks it, if something does, which had `begun` there.
    fn cut(&self, begun: &Begun, broken: Option<Reason>) -> Cut {
        match broken {
            None => {
                let (at, state) = self.documents.cut();
                let start = self.documents.place();
                Cut { start, at, state }
            }
            Some((offset, reason, detail)) => Cut {
                start: begun.place,
                at: begun.next,
                state: ArrayState::Broken {
                    offset,
                    failure: Failure { reason, detail },
                },
            },
        }
    }

    /// Why a place fails unread, if there is one.
    fn failed(&self, is_it: impl Fn(&FailedAt) -> bool) -> Option<Reason> {
        let failed = self.stretch.failed.iter().find(|failed| is_it(failed))?;
        Some((None, failed.failure.reason.clone(), failed.failure.detail.clone()))
    }

    /// Announces the document from `from` to `to`, with those behind it that are small, if it was not.
    fn announce<R: Read, W: Write, S: Source>(
        &mut self,
        worker: &mut Worker<R, W, S>,
        from: u64,
        to: u64,
    ) -> Result<(), WorkerError> {
        let careful = self.task.careful && from < self.stretch.careful_to;
        if from < self.announced_to && !careful {
            return Ok(());
        }
        let is_one = careful || to - from >= ANNOUNCED_TOGETHER;
        let span = Span {
            from,
            to: match is_one {
                true => to.max(from + 1),
                false => from + ANNOUNCED_TOGETHER,
            },
            is_one,
        };
        self.announced_to = span.to;
        self.tell(worker, span)
    }

    fn tell<R: Read, W: Write, S: Source>(&self, worker: &mut Worker<R, W, S>, span: Span) -> Result<(), WorkerError> {
        // A task's members are counted in 32 bits by whoever makes tasks.
        Ok(worker.announce(self.task.id, self.position as u32, 1, Some(span))?)
    }

    /// Says that the next document is being looked for, at `at`.
    fn tell_search<R: Read, W: Write, S: Source>(
        &self,
        worker: &mut Worker<R, W, S>,
        at: u64,
    ) -> Result<(), WorkerError> {
        let span = Span {
            from: at,
            to: at,
            is_one: false,
        };
        self.tell(worker, span)
    }

    /// Reads more of the content; gives why it cannot be had, if so.
    fn fill<R: Read, W: Write, S: Source>(
        &mut self,
        worker: &mut Worker<R, W, S>,
    ) -> Result<Option<Reason>, WorkerError> {
        let next = self.documents.next();
        if let Some(reason) = self.failed(|failed| failed.is_rest && failed.at <= next) {
            return Ok(Some(reason));
        }
        if next >= self.announced_to {
            self.tell_search(worker, next)?;
        }
        if self.content.at() < self.window.end()
            && let Some(reason) = self.pass(worker)?
        {
            return Ok(Some(reason));
        }
        let wanted = self.documents.wanted(&self.window) as usize;
        let room = self.window.room(next, wanted);
        let mut filled = 0;
        while filled < room.len() {
            match self.content.read(&worker.reader, self.member, &mut room[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                // What came before is good; the next call says it again.
                Err(_) if filled > 0 => break,
                Err(error) => return self.unreadable(worker, error),
            }
        }
        self.window.advance(filled);
        Ok(None)
    }

    /// Passes over the content up to where the window begins, which is empty; gives why that cannot be, if so.
    fn pass<R: Read, W: Write, S: Source>(
        &mut self,
        worker: &mut Worker<R, W, S>,
    ) -> Result<Option<Reason>, WorkerError> {
        let end = self.window.end();
        let mut told = self.content.at();
        while self.content.at() < end {
            if self.content.at() - told >= PASSED_IN_SILENCE {
                told = self.content.at();
                self.tell_search(worker, told)?;
            }
            let count = (end - self.content.at()).min(PASSED_AT_ONCE);
            let room = self.window.room(end, count as usize);
            match self.content.read(&worker.reader, self.member, room) {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) => return self.unreadable(worker, error),
            }
        }
        Ok(None)
    }

    fn unreadable<R: Read, W: Write, S: Source>(
        &self,
        worker: &mut Worker<R, W, S>,
        error: StreamError,
    ) -> Result<Option<Reason>, WorkerError> {
        match error {
            StreamError::Inflate(error) => Ok(Some((error.offset(), error.reason().to_owned(), error.to_string()))),
            StreamError::Source(error) => Err(worker.source_failed(self.member, error)),
        }
    }
}

/// Where, by what word and why a document that begins at `from` fails.
fn refused_at(from: u64, document: &[u8], error: DocumentError) -> Reason {
    let (offset, reason, detail) = refused(document, error);
    (offset.map(|offset| from + offset), reason, detail)
}

fn failure_row(member: &str, line: u64, (offset, reason, detail): Reason) -> FailureRow {
    FailureRow {
        member: member.to_owned(),
        offset,
        line: Some(line),
        reason,
        detail,
    }
}

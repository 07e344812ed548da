//! The walk over the archives, on a thread of its own: members become tasks of about one mebibyte.

mod elements;
mod gate;
mod portion;
mod stretches;

use std::io;
use std::sync::Arc;
use std::sync::mpsc::Sender;

use tarquet_archive::{Damage, Member as Found, MemberKind, Walk, WalkError};
use tarquet_feature_map::Plan;
use tarquet_wire::message::{Extent, Failure, Member, SampleLimit};

pub(crate) use self::gate::Gate;
use self::gate::Room;
pub(crate) use self::portion::Portion;
use crate::beginning::{Behind, without_index};
use crate::counters::{Counters, add};
use crate::course::{Course, Leg};
use crate::ending::Ending;
use crate::error::RunError;
use crate::input::{Input, OnPanic};
use crate::machine::Event;
use crate::names::Names;
use crate::seek_index::{Passed, Record, SeekIndex};
use crate::settings::{Documents, Wanted};
use crate::source::WorkerSource;

/// A task is closed once its members have so many bytes, headers and names counted, so that tiny files cost no more
/// than large ones.
const TASK_BYTES: u64 = 1 << 20;

/// What a member costs besides its bytes: its header, and its place in messages.
const MEMBER_OVERHEAD: u64 = 512;

/// The sample ends early once its documents have so many bytes.
const SAMPLE_BYTES: u64 = 512 << 20;

/// What the walk found when it ended.
#[derive(Debug, Default)]
pub(crate) struct Walked {
    /// How archives ended, of those whose end is worth a word, in order.
    pub(crate) endings: Vec<Ending>,
    /// A member name whose id some member before had, if there is one.
    pub(crate) repeated_id: Option<String>,
    /// A member of many documents, all of which have its id, if there is one.
    pub(crate) shared_id: Option<String>,
    /// Whether every wanted member was taken.
    pub(crate) is_whole: bool,
}

/// Walks the archives and sends their tasks.
pub(crate) struct Feeder {
    /// The walk over the archive at hand.
    pub(crate) walk: Walk,
    /// What workers read it from.
    pub(crate) source: Arc<WorkerSource>,
    /// Its position, and what it is called where there are several.
    pub(crate) position: usize,
    pub(crate) name: Option<Arc<str>>,
    /// The way to the archives behind it.
    pub(crate) course: Course,
    /// What lies before the walk's beginning.
    pub(crate) behind: Behind,
    /// Where places are noted at which a resumed run can begin.
    pub(crate) index: Option<SeekIndex>,
    pub(crate) wanted: Wanted,
    /// How much of what is wanted is taken.
    pub(crate) portion: Portion,
    /// How many wanted members, from the first archive's first, are committed already.
    pub(crate) committed: u64,
    /// How much of the member behind them is committed already, in bytes of its content.
    pub(crate) committed_bytes: u64,
    /// Which members hold many documents.
    pub(crate) documents: Documents,
    /// A member of lines is cut into stretches at multiples of so many bytes.
    pub(crate) stretch_bytes: u64,
    /// Members larger than this fail, in bytes.
    pub(crate) max_document_bytes: u64,
    pub(crate) plan: Arc<Plan>,
    /// How many documents the sample has; 0 for none.
    pub(crate) sample: u64,
    pub(crate) gate: Gate,
    pub(crate) counters: Arc<Counters>,
    pub(crate) inputs: Sender<Input>,
}

impl Feeder {
    /// Walks to the end, and says how it ended.
    pub(crate) fn run(self) {
        let inputs = self.inputs.clone();
        let _guard = OnPanic::new(
            &inputs,
            Input::Panicked {
                what: "the walk over the archive",
            },
        );
        let last = match Feeding::new(self).walk() {
            Ok(walked) => Input::Walked(walked),
            Err(Halt::Walk(WalkError::Closed)) => return,
            Err(Halt::Walk(error)) => Input::WalkFailed(error.into()),
            Err(Halt::Course(error)) => Input::WalkFailed(error),
            Err(Halt::Lacking(lacking)) => Input::FewerMembers { lacking },
        };
        // The run may be over already, and then nobody listens.
        inputs.send(last).ok();
    }
}

/// Why a walk has no end to tell of.
enum Halt {
    /// It failed.
    Walk(WalkError),
    /// The next archive cannot be begun.
    Course(RunError),
    /// So many members that are committed were not found.
    Lacking(u64),
}

impl From<WalkError> for Halt {
    fn from(error: WalkError) -> Halt {
        Halt::Walk(error)
    }
}

struct Feeding {
    feeder: Feeder,
    batch: Batch,
    names: Names,
    /// How archives ended so far, and how many of these ends are noted in the index.
    endings: Vec<Ending>,
    noted_endings: usize,
    /// What was passed of the archives, committed or not, that before the walk's beginning included.
    passed: Passed,
    /// What is left of the sample.
    sample: Option<SampleLimit>,
}

/// The members of the next task.
#[derive(Default)]
struct Batch {
    members: Vec<Member>,
    weight: u64,
    /// How far the archive was used up when the task before was closed.
    consumed: u64,
}

impl Feeding {
    fn new(mut feeder: Feeder) -> Feeding {
        feeder.walk.set_unlimited(feeder.sample > 0);
        let sample = (feeder.sample > 0).then_some(SampleLimit {
            documents: feeder.sample,
            bytes: SAMPLE_BYTES,
        });
        let Behind {
            passed,
            names,
            endings,
            noted_endings,
            archive_bytes,
        } = std::mem::take(&mut feeder.behind);
        let bytes_before = feeder.course.archives.len_of(0..feeder.position);
        feeder.portion.go_on(bytes_before);
        // All of it is committed.
        feeder.committed -= passed.wanted;
        let mut feeding = Feeding {
            names: Names::new(&feeder.plan, names, feeder.index.is_some()),
            batch: Batch::default(),
            noted_endings,
            endings,
            passed,
            sample,
            feeder,
        };
        add(&feeding.feeder.counters.skipped, passed.skipped);
        feeding.count_resumed(0, bytes_before);
        feeding.batch.consumed = 0;
        feeding.count_resumed(passed.document_bytes, archive_bytes);
        feeding
    }

    fn walk(mut self) -> Result<Walked, Halt> {
        loop {
            let (damage, is_told) = self.walk_archive()?;
            // A task has one source, and a unit one archive.
            self.flush()?;
            if self.feeder.portion.is_over() {
                break;
            }
            self.end_archive(damage.as_ref(), is_told);
            if !self.begin_archive()? {
                break;
            }
        }
        let lacking = self.feeder.committed + u64::from(self.feeder.committed_bytes > 0);
        if lacking > 0 {
            return Err(Halt::Lacking(lacking));
        }
        if self.sample.take().is_some() {
            self.end_sample()?;
        }
        Ok(Walked {
            endings: self.endings,
            repeated_id: self.names.repeated().cloned(),
            shared_id: self.names.shared().cloned(),
            is_whole: self.feeder.portion.is_whole(),
        })
    }

    /// Walks to the end of the archive at hand; gives what damage ended it early, if any did, and whether that is told as the
    /// failure of a wanted member that it cuts off.
    fn walk_archive(&mut self) -> Result<(Option<Damage>, bool), Halt> {
        loop {
            if self.feeder.portion.is_over() {
                return Ok((None, false));
            }
            match self.feeder.walk.next() {
                Ok(Some(found)) => {
                    if let Some(point) = self.feeder.index.as_ref().and_then(|_| self.feeder.walk.take_point()) {
                        self.note_place(point.file(), Some(point.encode()));
                    }
                    match self.take(found) {
                        Ok(()) => {}
                        Err(WalkError::Damage(damage)) => return Ok((Some(damage), true)),
                        Err(error) => return Err(error.into()),
                    }
                }
                Ok(None) => return Ok((None, false)),
                Err(WalkError::Damage(damage)) => return Ok((Some(damage), false)),
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn end_archive(&mut self, damage: Option<&Damage>, is_told: bool) {
        let Feeder { walk, name, .. } = &self.feeder;
        let (unmarked, after) = (walk.has_unmarked_end(), walk.after_end());
        let ending = Ending::of_walk(name.as_deref(), damage, is_told, unmarked, after);
        self.endings.extend(ending);
    }

    /// Begins the next archive; `false` behind the last.
    fn begin_archive(&mut self) -> Result<bool, Halt> {
        let spool = self.feeder.walk.take_spool();
        let leg = self.feeder.course.go_on(spool, self.passed.wanted, &mut self.endings);
        let Some(leg) = leg.map_err(Halt::Course)? else {
            return Ok(false);
        };
        let Leg {
            walk,
            source,
            position,
            name,
        } = leg;
        // What lies behind an archive's last member was no task's.
        let passed = self.feeder.course.archives.len_of(self.feeder.position..position);
        add(
            &self.feeder.counters.archive_bytes,
            passed.saturating_sub(self.batch.consumed),
        );
        self.feeder.portion.go_on(passed);
        self.batch.consumed = 0;
        self.feeder.walk = walk;
        (self.feeder.source, self.feeder.position, self.feeder.name) = (source, position, name);
        self.feeder.walk.set_unlimited(self.sample.is_some());
        if self.feeder.index.is_some() {
            self.note_place(0, None);
        }
        Ok(true)
    }

    /// Notes a place at which a walk can begin: before the member at hand, at a point that is so far in the archive's file; or
    /// at the beginning of the archive, which needs none.
    fn note_place(&mut self, file: u64, point: Option<Vec<u8>>) {
        let Some(index) = &mut self.feeder.index else { return };
        let record = Record {
            archive: self.feeder.position as u64,
            passed: self.passed,
            file,
            names: self.names.take_fresh(),
            endings: self.endings[self.noted_endings..].to_vec(),
            point,
        };
        self.noted_endings = self.endings.len();
        if let Err(error) = index.add(&record) {
            without_index(&error);
            self.feeder.index = None;
            self.names.forget_fresh();
        }
    }

    fn take(&mut self, found: Found) -> Result<(), WalkError> {
        let wanted = matches!(found.kind, MemberKind::File | MemberKind::Refused(_));
        if !wanted || !(self.feeder.wanted)(&found.name) {
            add(&self.feeder.counters.skipped, 1);
            self.passed.skipped += 1;
            return Ok(());
        }
        if !self.feeder.portion.takes(self.feeder.walk.consumed()) {
            return Ok(());
        }
        self.passed.wanted += 1;
        if self.feeder.committed > 0 {
            return self.pass_over(&found);
        }
        if let Some(shape) = self.shape(&found) {
            return self.take_many(&found, shape);
        }
        let member = match self.refuse(&found) {
            Some(failure) => unread(&found, failure),
            None => match self.locate(&found) {
                Err(WalkError::Unreadable { source, .. }) => unread(&found, unreadable(&source)),
                located => located?,
            },
        };
        self.passed.document_bytes += member.size;
        self.names.see(&member.name);
        self.add(member)
    }

    /// Passes over a member that is committed.
    fn pass_over(&mut self, found: &Found) -> Result<(), WalkError> {
        let is_many = self.shape(found).is_some();
        let refused = !is_many && self.refuse(found).is_some();
        match is_many {
            true => self.names.see_many(&found.name),
            false => self.names.see(&found.name),
        }
        let Feeder { walk, committed, .. } = &mut self.feeder;
        *committed -= 1;
        // Whether the end of the archive cuts off the last one, whose failure was committed with it, is known only to
        // who looks for its bytes.
        let looked = if is_many && *committed == 0 {
            self.look_for_the_end(found)
        } else if !refused && *committed == 0 {
            let extents = walk.locate(found, &mut |_| {});
            extents.map(|extents| walk.releaser().release(&extents))
        } else {
            Ok(())
        };
        match looked {
            // It failed by that.
            Err(WalkError::Unreadable { .. }) => {}
            looked => looked?,
        }
        let consumed = self.feeder.walk.consumed();
        let document_bytes = if refused { 0 } else { found.size };
        self.passed.document_bytes += document_bytes;
        self.count_resumed(document_bytes, consumed.saturating_sub(self.batch.consumed));
        Ok(())
    }

    /// Counts what the run before was done with, and what of the archive it stands for.
    fn count_resumed(&mut self, document_bytes: u64, archive_bytes: u64) {
        let counters = &self.feeder.counters;
        add(&counters.document_bytes, document_bytes);
        add(&counters.resumed_bytes, document_bytes);
        add(&counters.archive_bytes, archive_bytes);
        add(&counters.resumed_archive_bytes, archive_bytes);
        self.batch.consumed += archive_bytes;
    }

    /// Why a member fails without being read, if it does. One that is too large must not be: it would take as much memory.
    fn refuse(&self, found: &Found) -> Option<Failure> {
        let most = self.feeder.max_document_bytes;
        match found.kind {
            MemberKind::Refused(refusal) => Some(Failure {
                reason: refusal.code().to_owned(),
                detail: format!("it is {refusal}"),
            }),
            _ if found.size > most => Some(Failure {
                reason: "too_large".to_owned(),
                detail: format!("it has {} bytes; --max-document-bytes is {most}", found.size),
            }),
            _ => None,
        }
    }

    /// Makes a file's bytes readable. A file that the end of the archive cuts off fails in its place.
    fn locate(&mut self, found: &Found) -> Result<Member, WalkError> {
        let Feeding { feeder, batch, .. } = self;
        let Feeder {
            walk,
            source,
            inputs,
            gate,
            ..
        } = feeder;
        // Room becomes free only when tasks are done, so what is held back has to go out before the walk waits.
        let mut ended = false;
        let extents = walk.locate(found, &mut |_| {
            ended |= !batch.send(source, 0, inputs, gate, Room::Unlimited)
        });
        match extents {
            _ if ended => Err(WalkError::Closed),
            Ok(extents) => Ok(located(found, extents)),
            Err(WalkError::Damage(damage)) => {
                self.names.see(&found.name);
                Err(self.fail_by_damage(found, damage)?)
            }
            Err(error) => Err(error),
        }
    }

    /// Has a member fail that the end of the archive cuts off; gives what ends the walk.
    fn fail_by_damage(&mut self, found: &Found, damage: Damage) -> Result<WalkError, WalkError> {
        let failure = Failure {
            reason: "archive_damaged".to_owned(),
            detail: damage.to_string(),
        };
        self.add(unread(found, failure))?;
        Ok(WalkError::Damage(damage))
    }

    fn add(&mut self, member: Member) -> Result<(), WalkError> {
        // Names are held as long as the bytes are.
        let held = member.size + member.name.len() as u64;
        self.push(member)?;
        if let Some(left) = &mut self.sample {
            left.take(held);
            self.end_sample_if_reached()?;
        }
        Ok(())
    }

    fn push(&mut self, member: Member) -> Result<(), WalkError> {
        self.batch.weight += member.size + member.name.len() as u64 + MEMBER_OVERHEAD;
        self.batch.members.push(member);
        match self.batch.weight >= TASK_BYTES || self.feeder.portion.is_full() {
            true => self.flush(),
            false => Ok(()),
        }
    }

    fn end_sample_if_reached(&mut self) -> Result<(), WalkError> {
        if self.sample.is_some_and(|left| left.is_reached()) {
            // The sample's last task may not wait for room: none of its tasks is done before the sample has ended.
            self.flush()?;
            self.sample = None;
            self.end_sample()?;
        }
        Ok(())
    }

    fn end_sample(&mut self) -> Result<(), WalkError> {
        self.feeder.walk.set_unlimited(false);
        send(&self.feeder.inputs, Input::Machine(Event::SampleEnded))
    }

    fn flush(&mut self) -> Result<(), WalkError> {
        let consumed = self.feeder.walk.consumed();
        // A sample is held as a whole, however many tasks it has.
        let room = match self.sample {
            Some(_) => Room::Unlimited,
            None => Room::Limited,
        };
        let Feeder {
            source, inputs, gate, ..
        } = &self.feeder;
        match self.batch.send(source, consumed, inputs, gate, room) {
            true => Ok(()),
            false => Err(WalkError::Closed),
        }
    }
}

impl Batch {
    /// Sends what there is as a task; `false` when the run ends. `consumed` is how far the archive is used up.
    fn send(
        &mut self,
        source: &Arc<WorkerSource>,
        consumed: u64,
        inputs: &Sender<Input>,
        gate: &Gate,
        room: Room,
    ) -> bool {
        if self.members.is_empty() {
            return true;
        }
        self.weight = 0;
        let members = std::mem::take(&mut self.members);
        let archive_bytes = consumed.saturating_sub(self.consumed);
        self.consumed = self.consumed.max(consumed);
        let names = members.iter().map(|member| member.name.len()).sum();
        let work = Input::Work {
            source: Arc::clone(source),
            members,
            archive_bytes,
        };
        gate.enter(names, room) && inputs.send(work).is_ok()
    }
}

fn located(found: &Found, extents: Vec<tarquet_archive::Extent>) -> Member {
    Member {
        name: found.name.clone(),
        offset: found.header_offset,
        size: found.size,
        extents: extents.into_iter().map(on_the_wire).collect(),
        failed: None,
        stretch: None,
    }
}

fn on_the_wire(tarquet_archive::Extent { offset, len }: tarquet_archive::Extent) -> Extent {
    Extent { offset, len }
}

/// Why a file of a directory fails that may not be read.
fn unreadable(error: &io::Error) -> Failure {
    Failure {
        reason: "unreadable".to_owned(),
        detail: format!("it cannot be read: {error}"),
    }
}

/// A member that fails without being read. Its size is what a header claims, and nobody needs it.
fn unread(found: &Found, failure: Failure) -> Member {
    Member {
        size: 0,
        failed: Some(failure),
        ..located(found, Vec::new())
    }
}

fn send(inputs: &Sender<Input>, input: Input) -> Result<(), WalkError> {
    inputs.send(input).map_err(|_| WalkError::Closed)
}

#[cfg(test)]
mod tests;

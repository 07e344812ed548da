//! What a run reads, made ready, and the loop that reads it: the part that an extraction and a survey have in common.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender};
use std::thread::{self, JoinHandle};

use tarquet_archive::{Releaser, Spool, SpoolOptions};
use tarquet_dataset::{Position, SourcePrefix};

use crate::archives::Archives;
use crate::beginning::Beginning;
use crate::counters::Counters;
use crate::course::{Course, Leg};
use crate::error::RunError;
use crate::event_loop::{Crew, End, Run, Way};
use crate::feeder::{Feeder, Gate, Portion};
use crate::goal::Goal;
use crate::input::Input;
use crate::settings::{Settings, Several};
use crate::source::WorkerSource;
use crate::trail::Trail;
use crate::tuning::Tuning;

/// The way through the archives, before its first step.
pub(crate) struct Road {
    pub(crate) course: Course,
    releaser: Releaser,
    pub(crate) tuning: Tuning,
}

impl Road {
    /// The way through these archives, and the spool to begin with; `read` is what a run before had read of one, where it is
    /// resumed.
    pub(crate) fn through(
        archives: Archives,
        settings: &Settings,
        read: Option<SourcePrefix>,
    ) -> Result<(Road, Spool), RunError> {
        let spool = spool(&archives)?;
        let course = Course {
            archives,
            read,
            points: None,
            ignore_zeros: settings.ignore_zeros,
            inflate_threads: settings.inflate_threads,
            trail: Trail::default(),
            spool: spool_source(&spool)?,
            next: 0,
        };
        let road = Road {
            course,
            releaser: spool.releaser(),
            tuning: Tuning::of_run(),
        };
        Ok((road, spool))
    }
}

/// A run that only has to be started.
pub(crate) struct Journey<'a> {
    pub(crate) settings: Settings,
    pub(crate) road: Road,
    pub(crate) beginning: Beginning,
    /// What is committed already.
    pub(crate) position: Option<Position>,
    /// How much of the archives is read.
    pub(crate) portion: Portion,
    pub(crate) goal: Goal,
    pub(crate) counters: &'a Arc<Counters>,
    pub(crate) inputs: &'a Sender<Input>,
    pub(crate) receiver: &'a Receiver<Input>,
}

impl Journey<'_> {
    /// Walks the archives and has workers read them, until all is done or something ends the run; then no worker lives any
    /// more. Gives the loop too, for what it knows.
    pub(crate) fn make(self) -> Result<(Run, End), RunError> {
        let Journey {
            settings,
            road: Road {
                course,
                releaser,
                tuning,
            },
            beginning: Beginning { leg, behind, index },
            position,
            portion,
            goal,
            counters,
            inputs,
            receiver,
        } = self;
        let Leg {
            walk,
            source,
            position: archive,
            name,
        } = leg;
        let plan = Arc::new(settings.plan);
        let sampling = !plan.is_typed();
        counters.sampling.store(sampling, Ordering::Relaxed);
        let crew = Crew {
            workers: settings.workers,
            executable: settings.executable,
            engine: settings.engine,
            max_document_bytes: settings.max_document_bytes,
            memory: settings.worker_memory,
            sandbox: settings.sandbox,
            member_timeout: settings.member_timeout,
        };
        let gate = Gate::default();
        let archives = &course.archives;
        let way = Way {
            gate: gate.clone(),
            releaser,
            trail: course.trail.clone(),
            archives: (archives.several() == Several::Yes).then_some(archives.count() as u64),
        };
        let mut run = Run::new(&plan, way, crew, goal, counters, inputs)?;
        if !sampling {
            run.begin(&plan)?;
        }
        let feeder = start(Feeder {
            walk,
            source,
            position: archive,
            name,
            course,
            behind,
            index,
            wanted: settings.selection.wanted,
            portion,
            committed: position.as_ref().map_or(0, |position| position.members),
            committed_bytes: position.and_then(|position| position.open).map_or(0, |open| open.byte),
            documents: settings.documents,
            stretch_bytes: tuning.stretch_bytes,
            max_document_bytes: settings.max_document_bytes,
            plan,
            sample: if sampling { settings.sample.max(1) } else { 0 },
            gate,
            counters: Arc::clone(counters),
            inputs: inputs.clone(),
        })?;
        let ended = run.work(receiver);
        run.close();
        // The thread has nothing to tell but what it sent.
        feeder.join().ok();
        Ok((run, ended))
    }
}

/// The one spool that the archives go through, of those that have to.
fn spool(archives: &Archives) -> Result<Spool, RunError> {
    Ok(match archives.only() {
        Some(only) => only.spool(SpoolOptions::default())?,
        None if archives.any_is_spooled() => Spool::new(SpoolOptions::default())?,
        None => Spool::without_memory(),
    })
}

/// What workers read the spool from, if it can hold anything.
fn spool_source(spool: &Spool) -> Result<Option<Arc<WorkerSource>>, RunError> {
    let descriptor = spool.reader().map(|reader| reader.try_clone_to_owned()).transpose();
    let descriptor = descriptor.map_err(|error| RunError::Start {
        what: "reading the spool",
        error,
    })?;
    Ok(descriptor.map(WorkerSource::spool).map(Arc::new))
}

fn start(feeder: Feeder) -> Result<JoinHandle<()>, RunError> {
    let thread = thread::Builder::new().name("feeder".to_owned());
    thread.spawn(move || feeder.run()).map_err(|error| RunError::Start {
        what: "the walk",
        error,
    })
}

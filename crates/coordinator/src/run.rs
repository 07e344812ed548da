//! A run, from an archive to a published dataset: what is looked at before it begins, and what surrounds its loop.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use tarquet_archive::{Spool, SpoolOptions};
use tarquet_dataset::{Input as Described, Position, Published, Resumable, Target};
use tarquet_feature_map::Plan;
use tarquet_wire::tables;

use crate::archives::Archives;
use crate::beginning::Beginning;
use crate::counters::{Counters, Progress};
use crate::course::{Course, Leg};
use crate::error::RunError;
use crate::event_loop::{Crew, Ground, Run, dataset_tables};
use crate::feeder::{Feeder, Gate};
use crate::input::Input;
use crate::notes::Notes;
use crate::resume;
use crate::seek_index::Subject;
use crate::settings::{Ended, Report, Settings, Several, Source};
use crate::source::WorkerSource;
use crate::trail::Trail;
use crate::tuning::Tuning;
use crate::writer::Commit;

/// Stops a run from another thread.
#[derive(Debug, Clone)]
pub struct Stopper {
    inputs: Sender<Input>,
}

impl Stopper {
    /// Asks the run to stop: no new tasks, the sentinel to every worker, a checkpoint of what was delivered, and then
    /// [`RunError::Stopped`].
    pub fn stop(&self) {
        // It may have ended.
        self.inputs.send(Input::Stop).ok();
    }
}

/// A run that can be started.
pub struct Coordinator {
    settings: Settings,
    /// `None` where they are not needed: it is standard input, of a run that is finished already.
    archives: Option<Archives>,
    target: Target,
    counters: Arc<Counters>,
    inputs: (Sender<Input>, Receiver<Input>),
}

impl Coordinator {
    /// A run with these settings, whose archives are there and whose directory is taken. For the first bytes of standard
    /// input this waits, and nothing but a signal that kills ends that.
    ///
    /// # Errors
    ///
    /// [`RunError::Archive`], or [`RunError::Dataset`] where the directory cannot be taken.
    pub fn open(settings: Settings) -> Result<Coordinator, RunError> {
        let claim = || Target::claim(&settings.out_dir, settings.existing);
        let open = || Archives::open(&settings.sources, settings.several, &settings.out_dir);
        let (archives, target) = match &settings.sources[..] {
            [Source::StandardInput] => {
                let target = claim()?;
                let is_finished = target.resumable().is_some_and(|earlier| earlier.finished);
                ((!is_finished).then(open).transpose()?, target)
            }
            _ => (Some(open()?), claim()?),
        };
        Ok(Coordinator {
            settings,
            archives,
            target,
            counters: Arc::default(),
            inputs: channel(),
        })
    }

    /// The run's counters.
    pub fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.counters)
    }

    /// What stops the run.
    pub fn stopper(&self) -> Stopper {
        Stopper {
            inputs: self.inputs.0.clone(),
        }
    }

    /// Runs. It returns when the dataset is published, or when the run cannot go on; no worker lives after it.
    ///
    /// # Errors
    ///
    /// Whatever ends a run before its time. What was committed until then stays, and can be resumed.
    pub fn run(mut self) -> Result<Ended, RunError> {
        let started = Instant::now();
        self.settings.plan = resume::canonical(&self.settings.plan)?;
        let sampled = !self.settings.plan.is_typed();
        let described = resume::inputs(&self.settings, self.archives.as_ref())?;
        let earlier = self.target.resumable().cloned();
        let report = match earlier {
            None => self.extract(described, None)?,
            Some(earlier) => {
                let plan = resume::plan(&self.settings, &earlier, &described)?;
                resume::warn_of_samples(self.archives.as_ref(), &earlier.inputs, &described);
                self.counters.resume(&earlier.position);
                match earlier.finished {
                    true if earlier.complete => return Ok(Ended::Already(self.counters.progress())),
                    true => self.complete(&plan, &earlier)?,
                    false => self.extract(described, Some((plan, earlier.position)))?,
                }
            }
        };
        Ok(Ended::Finished(Box::new(Report {
            sampled,
            elapsed: started.elapsed(),
            ..report
        })))
    }

    /// Ends a run whose last commit was made, and that died before its end.
    fn complete(self, plan: &Plan, earlier: &Resumable) -> Result<Report, RunError> {
        let schemas = tables::schemas(plan)?;
        let mut dataset = self.target.resume(
            dataset_tables(plan, &schemas, self.settings.several),
            self.settings.parts,
        )?;
        dataset.finish("")?;
        let notes = Notes::of(earlier.notes.as_deref().unwrap_or_default());
        let progress = Progress {
            skipped: notes.skipped,
            document_bytes: notes.document_bytes,
            resumed_bytes: notes.document_bytes,
            archive_bytes: notes.archive_bytes,
            archive_len: notes.archive_bytes,
            ..self.counters.progress()
        };
        let published = dataset.into_published()?;
        remove_seek_index(&published);
        Ok(Report {
            resumed: true,
            ..Report::of(progress, notes, published)
        })
    }

    /// Extracts the archive, or what of it comes after the position of an earlier run, whose plan is given too.
    fn extract(self, described: Vec<Described>, earlier: Option<(Plan, Position)>) -> Result<Report, RunError> {
        let Coordinator {
            settings,
            archives,
            target,
            counters,
            inputs: (inputs, receiver),
        } = self;
        // They are open wherever there is something to extract.
        let archives = archives.ok_or(RunError::Stopped)?;
        let (several, count) = (archives.several(), archives.count() as u64);
        counters
            .archive_len
            .store(archives.len().unwrap_or(0), Ordering::Relaxed);
        let (plan, position) = match earlier {
            Some((plan, position)) => (plan, Some(position)),
            None => (settings.plan, None),
        };
        let subject = archives.len().filter(|_| archives.any_is_compressed());
        let subject = subject.map(|len| Subject::new(len, &described));
        let tuning = Tuning::of_run();
        let spacing = tuning.seek_spacing;
        let spool = spool(&archives)?;
        let releaser = spool.releaser();
        let trail = Trail::default();
        let mut course = Course {
            archives,
            read: position.as_ref().and_then(|position| position.source),
            points: None,
            ignore_zeros: settings.ignore_zeros,
            inflate_threads: settings.inflate_threads,
            trail: trail.clone(),
            spool: spool_source(&spool)?,
            next: 0,
        };
        let beginning = Beginning::of(&mut course, spool, &target, subject, position.as_ref(), spacing)?;
        let Beginning { leg, behind, index } = beginning;
        let Leg {
            walk,
            source,
            position: archive,
            name,
        } = leg;
        let plan = Arc::new(plan);
        let sampling = !plan.is_typed();
        counters.sampling.store(sampling, Ordering::Relaxed);

        let ground = Ground {
            target,
            options: settings.parts,
            inputs: position.is_none().then_some(described),
            commit: Commit {
                every: settings.checkpoint_every,
                trail,
            },
            archives: (several == Several::Yes).then_some(count),
        };
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
        let mut run = Run::new(&plan, releaser, crew, ground, gate.clone(), &counters, &inputs)?;
        if !sampling {
            run.begin_dataset(&plan)?;
        }
        let resumed = position.is_some();
        let feeder = start(Feeder {
            walk,
            source,
            position: archive,
            name,
            course,
            behind,
            index,
            wanted: settings.selection.wanted,
            committed: position.as_ref().map_or(0, |position| position.members),
            committed_bytes: position.and_then(|position| position.open).map_or(0, |open| open.byte),
            documents: settings.documents,
            stretch_bytes: tuning.stretch_bytes,
            max_document_bytes: settings.max_document_bytes,
            plan,
            sample: if sampling { settings.sample.max(1) } else { 0 },
            gate,
            counters,
            inputs,
        })?;
        let ended = run.work(&receiver);
        run.close();
        // The thread has nothing to tell but what it sent.
        feeder.join().ok();
        let published = ended?;
        remove_seek_index(&published);
        Ok(Report {
            resumed,
            ..run.report(published)
        })
    }
}

/// A finished run is never resumed. That its index stays is no harm.
fn remove_seek_index(published: &Published) {
    if let Err(error) = published.remove_seek_index() {
        tracing::warn!("{error}. Nobody needs the seek index any more");
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

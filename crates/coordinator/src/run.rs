//! A run, from an archive to a published dataset: what is looked at before it begins, and what surrounds its loop.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Instant;

use tarquet_dataset::{Input as Described, Position, Published, Resumable, Target};
use tarquet_feature_map::Plan;
use tarquet_wire::tables;

use crate::archives::Archives;
use crate::beginning::Beginning;
use crate::counters::{Counters, Progress};
use crate::error::RunError;
use crate::feeder::Portion;
use crate::goal::{Goal, Ground, Outcome, dataset_tables};
use crate::input::Input;
use crate::notes::Notes;
use crate::resume;
use crate::road::{Journey, Road};
use crate::seek_index::Subject;
use crate::settings::{Ended, Output, Report, Settings, Source};

/// Stops a run from another thread.
#[derive(Debug, Clone)]
pub struct Stopper {
    inputs: Sender<Input>,
}

impl Stopper {
    /// What stops the run that listens to these inputs.
    pub(crate) fn of(inputs: &Sender<Input>) -> Stopper {
        Stopper { inputs: inputs.clone() }
    }

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
    output: Output,
    /// `None` where they are not needed: it is standard input, of a run that is finished already.
    archives: Option<Archives>,
    target: Target,
    counters: Arc<Counters>,
    inputs: (Sender<Input>, Receiver<Input>),
}

impl Coordinator {
    /// A run with these settings, whose archives are there, into a directory that is taken. For the first bytes of standard
    /// input this waits, and nothing but a signal that kills ends that.
    ///
    /// # Errors
    ///
    /// [`RunError::Archive`], or [`RunError::Dataset`] where the directory cannot be taken.
    pub fn open(settings: Settings, output: Output) -> Result<Coordinator, RunError> {
        let claim = || Target::claim(&output.out_dir, output.existing);
        let open = || Archives::open(&settings.sources, settings.several, Some(&output.out_dir));
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
            output,
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
        Stopper::of(&self.inputs.0)
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
        let described = resume::inputs(&self.settings, &self.output, self.archives.as_ref())?;
        let earlier = self.target.resumable().cloned();
        let report = match earlier {
            None => self.extract(described, None)?,
            Some(earlier) => {
                let plan = resume::plan(&self.output, &earlier, &described)?;
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
        let mut dataset = self
            .target
            .resume(dataset_tables(plan, &schemas, self.settings.several), self.output.parts)?;
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
            output,
            archives,
            target,
            counters,
            inputs: (inputs, receiver),
        } = self;
        // They are open wherever there is something to extract.
        let archives = archives.ok_or(RunError::Stopped)?;
        counters
            .archive_len
            .store(archives.len().unwrap_or(0), Ordering::Relaxed);
        let (plan, position) = match earlier {
            Some((plan, position)) => (plan, Some(position)),
            None => (settings.plan, None),
        };
        let settings = Settings { plan, ..settings };
        let subject = archives.len().filter(|_| archives.any_is_compressed());
        let subject = subject.map(|len| Subject::new(len, &described));
        let read = position.as_ref().and_then(|position| position.source);
        let (mut road, spool) = Road::through(archives, &settings, read)?;
        let spacing = road.tuning.seek_spacing;
        let beginning = Beginning::of(&mut road.course, spool, &target, subject, position.as_ref(), spacing)?;
        let resumed = position.is_some();
        let goal = Goal::Dataset(Box::new(Ground {
            target,
            options: output.parts,
            inputs: (!resumed).then_some(described),
            checkpoint_every: output.checkpoint_every,
        }));
        let journey = Journey {
            settings,
            road,
            beginning,
            position,
            portion: Portion::default(),
            goal,
            counters: &counters,
            inputs: &inputs,
            receiver: &receiver,
        };
        let (run, ended) = journey.make()?;
        let Outcome::Published(published) = ended? else {
            // Only a survey's goal is reached without one.
            return Err(RunError::Stopped);
        };
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

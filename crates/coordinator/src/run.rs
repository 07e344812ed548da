//! A run, from an archive to a published dataset: what is looked at before it begins, and what surrounds its loop.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use tarquet_archive::{Archive, Prefix, SpoolOptions};
use tarquet_dataset::Target;

use crate::counters::Counters;
use crate::error::RunError;
use crate::event_loop::{Crew, Ground, Run};
use crate::feeder::{Feeder, Gate};
use crate::identity::Identity;
use crate::input::Input;
use crate::resume;
use crate::settings::{Ended, Settings, Source};
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
    archive: Archive,
    counters: Arc<Counters>,
    inputs: (Sender<Input>, Receiver<Input>),
}

impl Coordinator {
    /// A run with these settings, whose archive is there. For the first bytes of standard input this waits, and nothing
    /// but a signal that kills ends that.
    ///
    /// # Errors
    ///
    /// [`RunError::Archive`].
    pub fn open(settings: Settings) -> Result<Coordinator, RunError> {
        let archive = match &settings.source {
            Source::File(path) => Archive::open(path)?,
            Source::StandardInput => Archive::stdin()?,
        };
        Ok(Coordinator {
            settings,
            archive,
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
    pub fn run(self) -> Result<Ended, RunError> {
        let started = Instant::now();
        let Coordinator {
            mut settings,
            archive,
            counters,
            inputs: (inputs, receiver),
        } = self;
        settings.plan = resume::canonical(&settings.plan)?;
        let target = Target::claim(&settings.out_dir, settings.existing)?;
        counters
            .archive_len
            .store(archive.len().unwrap_or(0), Ordering::Relaxed);
        let identity = identity(&archive)?;
        let described = resume::inputs(&settings, &archive)?;
        let resumed = match target.resumable() {
            None => None,
            Some(resumable) => {
                let plan = resume::plan(&settings, resumable, &described)?;
                if resumable.complete {
                    counters.resume(&resumable.position);
                    return Ok(Ended::Already(counters.progress()));
                }
                Some((plan, resumable.position.clone()))
            }
        };
        let mut walk = archive.walk(SpoolOptions::default())?;
        let (plan, position) = match resumed {
            Some((plan, position)) => (plan, Some(position)),
            None => (settings.plan, None),
        };
        if let Some(prefix) = position.as_ref().and_then(|position| position.source.as_ref()) {
            walk.expect_prefix(Prefix {
                bytes: prefix.bytes,
                hash: prefix.hash,
            });
        }
        let resumed = position.is_some();
        if let Some(position) = &position {
            counters.resume(position);
        }
        let plan = Arc::new(plan);
        let sampled = !plan.is_typed();
        counters.sampling.store(sampled, Ordering::Relaxed);

        let ground = Ground {
            target,
            options: settings.parts,
            inputs: position.is_none().then_some(described),
            commit: Commit {
                every: settings.checkpoint_every,
                identity: identity.map(Arc::new),
                prefix: walk.prefix(),
            },
        };
        let crew = Crew {
            workers: settings.workers,
            executable: settings.executable,
            engine: settings.engine,
            memory: settings.worker_memory,
            member_timeout: settings.member_timeout,
        };
        let gate = Gate::default();
        let mut run = Run::new(&plan, &walk, crew, ground, gate.clone(), &counters, &inputs)?;
        if !sampled {
            run.begin_dataset(&plan)?;
        }
        let feeder = start(Feeder {
            walk,
            wanted: settings.selection.wanted,
            committed: position.map_or(0, |position| position.members),
            max_document_bytes: settings.max_document_bytes,
            plan,
            sample: if sampled { settings.sample.max(1) } else { 0 },
            gate,
            counters,
            inputs,
        })?;
        let ended = run.work(&receiver);
        run.close();
        // The thread has nothing to tell but what it sent.
        feeder.join().ok();
        Ok(Ended::Finished(Box::new(run.report(ended?, started, resumed, sampled))))
    }
}

/// What the archive's file is now; `None` for standard input, which is never looked at again.
fn identity(archive: &Archive) -> Result<Option<Identity>, RunError> {
    let identity = archive.file().map(|file| Identity::of(archive.path(), file));
    identity.transpose().map_err(|error| RunError::Start {
        what: "looking at the archive",
        error,
    })
}

fn start(feeder: Feeder) -> Result<JoinHandle<()>, RunError> {
    let thread = thread::Builder::new().name("feeder".to_owned());
    thread.spawn(move || feeder.run()).map_err(|error| RunError::Start {
        what: "the walk",
        error,
    })
}

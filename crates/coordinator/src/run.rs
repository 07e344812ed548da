//! A run, from an archive to a published dataset: the one loop, and what surrounds it.

use std::collections::BTreeMap;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use nix::unistd::dup;
use tarquet_archive::{Archive, Damage, Releaser, SpoolOptions, Walk};
use tarquet_dataset::{FailedMember, Options, Published, Table, Target};
use tarquet_feature_map::{Evidence, Plan};
use tarquet_wire::message::{Hello, ToWorker};
use tarquet_wire::{BUILD, PROTOCOL, tables};

use crate::counters::{Counters, Progress, add};
use crate::descriptors;
use crate::error::{RunError, said};
use crate::feeder::{Feeder, Gate, Walked};
use crate::identity::Identity;
use crate::input::{Input, Rows};
use crate::link::Link;
use crate::machine::{Action, Death, Event, Limits, Machine, WorkerId};
use crate::receive::Schemas;
use crate::settings::{Report, Settings};
use crate::writer::Writer;

/// The credit of one worker: bytes of batches that it may have on their way.
const CREDIT: u64 = 4 << 20;

/// A worker closes a unit once its rows weigh so many bytes.
const UNIT_BYTES: u64 = 1 << 20;

/// Tasks that a worker has at a time: one in hand, one so that it never waits for the next.
const TASKS_PER_WORKER: usize = 2;

/// How many tasks for each worker may be given out ahead of the oldest unfinished one.
const WINDOW_PER_WORKER: u64 = 8;

/// How long workers get to leave by themselves.
const LEAVE_WITHIN: Duration = Duration::from_secs(1);

/// Stops a run from another thread.
#[derive(Debug, Clone)]
pub struct Stopper {
    inputs: Sender<Input>,
}

impl Stopper {
    /// Asks the run to stop: no new tasks, the sentinel to every worker, and then [`RunError::Stopped`].
    pub fn stop(&self) {
        // It may have ended.
        self.inputs.send(Input::Stop).ok();
    }
}

/// A run that can be started.
pub struct Coordinator {
    settings: Settings,
    counters: Arc<Counters>,
    inputs: (Sender<Input>, Receiver<Input>),
}

impl Coordinator {
    /// A run with these settings.
    pub fn new(settings: Settings) -> Coordinator {
        Coordinator {
            settings,
            counters: Arc::default(),
            inputs: channel(),
        }
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
    /// Whatever ends a run before its time. What was published until then stays.
    pub fn run(self) -> Result<Report, RunError> {
        let started = Instant::now();
        let Coordinator {
            settings,
            counters,
            inputs: (inputs, receiver),
        } = self;
        let archive = Archive::open(&settings.archive)?;
        let target = Target::claim(&settings.out_dir, settings.existing)?;
        counters.archive_len.store(archive.len(), Ordering::Relaxed);
        let walk = archive.walk(SpoolOptions::default())?;
        let identity = Identity::of(archive)?;

        let plan = Arc::new(settings.plan);
        let sampled = !plan.is_typed();
        counters.sampling.store(sampled, Ordering::Relaxed);
        let gate = Gate::default();
        let crew = Crew {
            workers: settings.workers,
            executable: settings.executable,
            engine: settings.engine,
        };
        let mut run = Run::new(&plan, &walk, crew, gate.clone(), &counters, &inputs)?;
        run.identity = Some(identity);
        run.target = Some((target, settings.parts));
        if !sampled {
            run.begin_dataset(&plan)?;
        }
        let feeder = Feeder {
            walk,
            include: settings.include,
            max_document_bytes: settings.max_document_bytes,
            plan,
            sample: if sampled { settings.sample.max(1) } else { 0 },
            gate,
            counters,
            inputs,
        };
        let feeder = thread::Builder::new()
            .name("feeder".to_owned())
            .spawn(move || feeder.run())
            .map_err(|error| RunError::Start {
                what: "the walk",
                error,
            })?;
        let ended = run.work(&receiver);
        run.close();
        // The thread has nothing to tell but what it sent.
        feeder.join().ok();
        Ok(run.report(ended?, started, sampled))
    }
}

/// The workers that a run has.
struct Crew {
    /// At most so many.
    workers: usize,
    executable: PathBuf,
    engine: String,
}

/// What the loop holds.
struct Run {
    machine: Machine<Rows>,
    links: BTreeMap<WorkerId, Link>,
    /// What the worker that died last said last.
    last_lines: Vec<String>,
    /// Workers that were killed for what they said.
    condemned: BTreeMap<WorkerId, String>,
    hello: Hello,
    /// The descriptor that workers inherit.
    _source: OwnedFd,
    executable: PathBuf,
    schemas: Schemas,
    identity: Option<Identity>,
    /// Until the dataset is begun.
    target: Option<(Target, Options)>,
    /// When workers that were told to leave have to be gone.
    leave_by: Option<Instant>,
    writer: Option<Writer>,
    /// How many bytes of the archive the open tasks stand for, in the order in which they were walked.
    task_bytes: BTreeMap<u64, u64>,
    tasks: u64,
    walked: Option<Walked>,
    gate: Gate,
    releaser: Releaser,
    counters: Arc<Counters>,
    inputs: Sender<Input>,
}

/// Whether the loop goes on.
enum Flow {
    On,
    Published(Published),
}

impl Run {
    fn new(
        plan: &Plan,
        walk: &Walk,
        crew: Crew,
        gate: Gate,
        counters: &Arc<Counters>,
        inputs: &Sender<Input>,
    ) -> Result<Run, RunError> {
        let start = |error| RunError::Start {
            what: "a worker process",
            error,
        };
        descriptors::keep_from_workers().map_err(start)?;
        // A copy that workers inherit: it alone is not close-on-exec.
        let source = dup(walk.source()).map_err(|errno| start(errno.into()))?;
        let limits = Limits {
            workers: crew.workers,
            window: WINDOW_PER_WORKER * crew.workers as u64,
            tasks_per_worker: TASKS_PER_WORKER,
            credit_return: CREDIT / 4,
        };
        let hello = Hello {
            protocol: PROTOCOL,
            build: BUILD.to_owned(),
            plan: plan.clone(),
            engine: crew.engine,
            source: source.as_raw_fd(),
            unit_bytes: UNIT_BYTES,
            credit: CREDIT,
        };
        Ok(Run {
            machine: Machine::new(limits, !plan.is_typed(), Evidence::new(plan)),
            links: BTreeMap::new(),
            last_lines: Vec::new(),
            condemned: BTreeMap::new(),
            hello,
            _source: source,
            executable: crew.executable,
            schemas: Arc::new(OnceLock::new()),
            identity: None,
            target: None,
            leave_by: None,
            writer: None,
            task_bytes: BTreeMap::new(),
            tasks: 0,
            walked: None,
            gate,
            releaser: walk.releaser(),
            counters: Arc::clone(counters),
            inputs: inputs.clone(),
        })
    }

    fn work(&mut self, inputs: &Receiver<Input>) -> Result<Published, RunError> {
        loop {
            match self.next(inputs).and_then(|input| self.take(input)) {
                Ok(Flow::On) => {}
                Ok(Flow::Published(published)) => return Ok(published),
                Err(error) => {
                    if let (RunError::Stopped, Some(writer)) = (&error, &mut self.writer) {
                        writer.abandon();
                    }
                    self.dismiss(inputs);
                    return Err(error);
                }
            }
        }
    }

    /// The next input. While workers leave, it is waited for only so long; who stays then is killed.
    fn next(&mut self, inputs: &Receiver<Input>) -> Result<Input, RunError> {
        if let Some(until) = self.leave_by.filter(|_| !self.links.is_empty()) {
            match inputs.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(input) => return Ok(input),
                Err(_) => self.links.values_mut().for_each(Link::kill),
            }
        }
        // The run holds a sender itself, so the channel cannot end.
        inputs.recv().map_err(|_| RunError::Stopped)
    }

    fn take(&mut self, input: Input) -> Result<Flow, RunError> {
        match input {
            Input::Machine(event) => self.handle(event),
            Input::Work { members, archive_bytes } => {
                self.task_bytes.insert(self.tasks, archive_bytes);
                self.tasks += 1;
                self.handle(Event::Work { members })
            }
            Input::Walked(walked) => {
                self.walked = Some(walked);
                self.handle(Event::WorkEnded)
            }
            Input::WalkFailed(error) => Err(error.into()),
            Input::SourceFailed { member, error } => {
                self.check_archive()?;
                Err(RunError::Source { member, error })
            }
            Input::Hangup { worker, broken } => self.bury(worker, broken),
            Input::DatasetFailed(error) => Err(error.into()),
            Input::Published(published) => Ok(Flow::Published(published)),
            Input::Panicked { what } => Err(RunError::Panicked { what }),
            Input::Stop => Err(RunError::Stopped),
        }
    }

    fn handle(&mut self, event: Event<Rows>) -> Result<Flow, RunError> {
        for action in self.machine.handle(event) {
            self.act(action)?;
        }
        Ok(Flow::On)
    }

    fn act(&mut self, action: Action<Rows>) -> Result<(), RunError> {
        match action {
            Action::Spawn(worker) => self.spawn(worker)?,
            Action::Send(worker, message) => {
                if message == ToWorker::Finish {
                    self.leave_by.get_or_insert(Instant::now() + LEAVE_WITHIN);
                }
                if let Some(link) = self.links.get(&worker) {
                    link.send(message);
                }
            }
            Action::Kill(worker, why) => {
                if let Some(link) = self.links.get_mut(&worker) {
                    link.kill();
                    self.condemned.insert(worker, why);
                }
            }
            Action::FixSchema(evidence) => self.fix_schema(&evidence)?,
            Action::Deliver { worker, bytes, unit } => {
                if let Some(writer) = &self.writer {
                    writer.deliver(worker, bytes, unit);
                }
            }
            Action::Release { task, bytes, extents } => self.release(task.0, bytes, &extents),
            Action::Replaced(worker, death) => {
                add(&self.counters.replaced, 1);
                let said = said(&self.last_lines);
                tracing::warn!("{worker} {death}; another one gets what it had in hand{said}");
            }
            Action::Finished => self.finish()?,
            Action::GiveUp(death) => {
                return Err(RunError::Workers {
                    death,
                    last_lines: std::mem::take(&mut self.last_lines),
                });
            }
        }
        Ok(())
    }

    fn spawn(&mut self, worker: WorkerId) -> Result<(), RunError> {
        let link = Link::start(worker, &self.executable, Arc::clone(&self.schemas), &self.inputs).map_err(|error| {
            RunError::Start {
                what: "a worker process",
                error,
            }
        })?;
        link.send(ToWorker::Hello(Box::new(self.hello.clone())));
        self.links.insert(worker, link);
        self.counters.workers.store(self.links.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    fn bury(&mut self, worker: WorkerId, broken: Option<String>) -> Result<Flow, RunError> {
        let Some(link) = self.links.remove(&worker) else {
            return Ok(Flow::On);
        };
        self.counters.workers.store(self.links.len() as u64, Ordering::Relaxed);
        let (death, last_lines) = link.bury();
        self.last_lines = last_lines;
        let death = match broken.or_else(|| self.condemned.remove(&worker)) {
            Some(why) => Death::Protocol(why),
            None => death,
        };
        self.handle(Event::Died { worker, death })
    }

    fn fix_schema(&mut self, evidence: &Evidence) -> Result<(), RunError> {
        let resolved = self.hello.plan.resolve(evidence);
        for warning in &resolved.warnings {
            tracing::warn!("{warning}");
        }
        self.begin_dataset(&resolved.plan)?;
        self.counters.sampling.store(false, Ordering::Relaxed);
        self.handle(Event::SchemaFixed(Box::new(resolved.plan)))?;
        Ok(())
    }

    fn begin_dataset(&mut self, plan: &Plan) -> Result<(), RunError> {
        let Some((target, parts)) = self.target.take() else {
            return Ok(());
        };
        let schemas = tables::schemas(plan)?;
        let features = plan.features.iter().zip(&schemas);
        let tables = features.map(|(feature, schema)| Table {
            name: feature.name.clone(),
            schema: Arc::clone(schema),
        });
        let dataset = target.begin(tables.collect(), &plan.to_yaml(), parts)?;
        // It is set once: a run has one schema.
        self.schemas.set(schemas).ok();
        let writer = Writer::start(dataset, Arc::clone(&self.counters), self.inputs.clone()).map_err(|error| {
            RunError::Start {
                what: "the dataset's thread",
                error,
            }
        })?;
        self.writer = Some(writer);
        Ok(())
    }

    fn release(&mut self, task: u64, bytes: u64, extents: &[tarquet_wire::message::Extent]) {
        let extents: Vec<tarquet_archive::Extent> = extents
            .iter()
            .map(|extent| tarquet_archive::Extent {
                offset: extent.offset,
                len: extent.len,
            })
            .collect();
        self.releaser.release(&extents);
        self.gate.leave();
        add(&self.counters.document_bytes, bytes);
        add(&self.counters.archive_bytes, self.task_bytes.remove(&task).unwrap_or(0));
    }

    /// Sends every worker away and gives it a moment; who stays is killed.
    fn dismiss(&mut self, inputs: &Receiver<Input>) {
        for link in self.links.values() {
            link.send(ToWorker::Finish);
        }
        let until = Instant::now() + LEAVE_WITHIN;
        while !self.links.is_empty() {
            match inputs.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(Input::Hangup { worker, .. }) => drop(self.links.remove(&worker)),
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => self.links.clear(),
            }
        }
    }

    /// Ends the walk.
    fn close(&self) {
        self.gate.close();
        self.releaser.close();
    }

    /// All rows are delivered: the dataset is to be finished.
    fn finish(&mut self) -> Result<(), RunError> {
        self.check_archive()?;
        let walked = self.walked.as_ref().filter(|walked| !walked.damage_is_told);
        let last = walked.and_then(|walked| walked.damage.as_ref()).map(archive_failure);
        if let Some(writer) = &self.writer {
            writer.finish(last);
        }
        Ok(())
    }

    fn check_archive(&self) -> Result<(), RunError> {
        self.identity.as_ref().map_or(Ok(()), Identity::check)
    }

    fn report(self, published: Published, started: Instant, sampled: bool) -> Report {
        let Walked {
            damage,
            unmarked_end,
            repeated_id,
            ..
        } = self.walked.unwrap_or_default();
        Report {
            progress: Progress {
                workers: 0,
                ..self.counters.progress()
            },
            tables: published.tables.clone(),
            damage,
            unmarked_end,
            repeated_id,
            sampled,
            elapsed: started.elapsed(),
            published,
        }
    }
}

/// The line of `failed.log` for damage that is no member's.
fn archive_failure(damage: &Damage) -> FailedMember {
    FailedMember {
        member: None,
        offset: Some(damage.place.file),
        line: None,
        reason: "archive_damaged".to_owned(),
        detail: damage.to_string(),
    }
}

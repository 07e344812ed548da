//! The one loop of a run: an input at a time, what the machine makes of it, and what the clock demands.

use std::collections::BTreeMap;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use nix::unistd::dup;
use tarquet_archive::{Damage, Releaser, Walk};
use tarquet_dataset::{Dataset, Description, FailedMember, Options, Published, Table, Target, Unit};
use tarquet_feature_map::{Evidence, Plan};
use tarquet_wire::message::{Hello, ToWorker};
use tarquet_wire::{BUILD, PROTOCOL, tables};

use crate::counters::{Counters, Progress, add};
use crate::descriptors;
use crate::error::{RunError, said};
use crate::feeder::{Gate, Walked};
use crate::identity::Identity;
use crate::input::Input;
use crate::link::{Link, Start};
use crate::machine::{Action, Death, Event, Limits, Machine, WorkerId};
use crate::receive::Schemas;
use crate::settings::Report;
use crate::tuning::Tuning;
use crate::watch::Watch;
use crate::writer::{Commit, Writer};

/// A worker closes a unit once its rows weigh so many bytes.
const UNIT_BYTES: u64 = 1 << 20;

/// Tasks that a worker has at a time: one in hand, one so that it never waits for the next.
const TASKS_PER_WORKER: usize = 2;

/// How many tasks for each worker may be given out ahead of the oldest unfinished one.
const WINDOW_PER_WORKER: u64 = 8;

/// How long workers get to leave by themselves, and a dataset to be finished by a run that is stopped.
const LEAVE_WITHIN: Duration = Duration::from_secs(1);

/// The workers that a run has.
pub(crate) struct Crew {
    /// At most so many.
    pub(crate) workers: usize,
    pub(crate) executable: PathBuf,
    pub(crate) engine: String,
    /// What each may allocate, in bytes.
    pub(crate) memory: u64,
    /// How long each may be at one member.
    pub(crate) member_timeout: Duration,
}

/// What a dataset is begun with.
pub(crate) struct Ground {
    pub(crate) target: Target,
    pub(crate) options: Options,
    /// What the bytes of a new run depend on; `None` for one that is resumed.
    pub(crate) inputs: Option<Vec<tarquet_dataset::Input>>,
    pub(crate) commit: Commit,
}

/// What the loop holds.
pub(crate) struct Run {
    machine: Machine<Unit>,
    links: BTreeMap<WorkerId, Link>,
    /// What the worker that died last said last.
    last_lines: Vec<String>,
    /// Workers that were killed, and what for.
    condemned: BTreeMap<WorkerId, Death>,
    hello: Hello,
    /// The descriptor that workers inherit.
    _source: OwnedFd,
    executable: PathBuf,
    tuning: Tuning,
    schemas: Schemas,
    identity: Option<Arc<Identity>>,
    /// Until the dataset is begun.
    ground: Option<Ground>,
    watch: Watch,
    /// When the watch is looked at next.
    tick_at: Instant,
    /// When workers that were told to leave have to be gone.
    leave_by: Option<Instant>,
    /// When a dataset that is being finished has to be, because the run is to stop.
    finish_by: Option<Instant>,
    finishing: bool,
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
    pub(crate) fn new(
        plan: &Plan,
        walk: &Walk,
        crew: Crew,
        ground: Ground,
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
        let tuning = Tuning::of_run();
        let limits = Limits {
            workers: crew.workers,
            window: WINDOW_PER_WORKER * crew.workers as u64,
            tasks_per_worker: TASKS_PER_WORKER,
            credit: tuning.credit,
            credit_return: tuning.credit / 4,
        };
        let hello = Hello {
            protocol: PROTOCOL,
            build: BUILD.to_owned(),
            plan: plan.clone(),
            engine: crew.engine,
            source: source.as_raw_fd(),
            memory: crew.memory,
            unit_bytes: UNIT_BYTES,
            credit: 0,
        };
        let watch = Watch::new(crew.member_timeout);
        Ok(Run {
            machine: Machine::new(limits, !plan.is_typed(), Evidence::new(plan)),
            links: BTreeMap::new(),
            last_lines: Vec::new(),
            condemned: BTreeMap::new(),
            hello,
            _source: source,
            executable: crew.executable,
            tuning,
            schemas: Arc::new(OnceLock::new()),
            identity: ground.commit.identity.clone(),
            ground: Some(ground),
            tick_at: Instant::now() + watch.period(),
            watch,
            leave_by: None,
            finish_by: None,
            finishing: false,
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

    /// Works until the dataset is published, or something ends the run; then no worker lives any more, and what was
    /// delivered is committed, if it can be.
    pub(crate) fn work(&mut self, inputs: &Receiver<Input>) -> Result<Published, RunError> {
        let error = loop {
            match self.next(inputs).and_then(|input| self.take(input)) {
                Ok(Flow::On) => {}
                Ok(Flow::Published(published)) => return Ok(published),
                Err(error) => break error,
            }
        };
        self.dismiss(inputs);
        match self.suspend(&error, inputs) {
            Err(unkept) if matches!(error, RunError::Stopped) => Err(unkept),
            Err(unkept) => {
                tracing::error!("{unkept}");
                Err(error)
            }
            Ok(()) => Err(error),
        }
    }

    /// The next input. What the clock demands is done while it is waited for.
    fn next(&mut self, inputs: &Receiver<Input>) -> Result<Input, RunError> {
        loop {
            let now = Instant::now();
            if self.leave_by.is_some_and(|by| by <= now) {
                self.leave_by = None;
                self.links.values_mut().for_each(Link::kill);
            }
            if self.finish_by.is_some_and(|by| by <= now) {
                if let Some(mut writer) = self.writer.take() {
                    writer.abandon();
                }
                return Err(RunError::Stopped);
            }
            let wake = [self.leave_by, self.finish_by].into_iter().flatten();
            let wake = wake.fold(self.tick_at, Instant::min);
            match inputs.recv_timeout(wake.saturating_duration_since(now)) {
                Ok(input) => return Ok(input),
                // Everything that workers said is taken in, so that none is judged by what it did before.
                Err(RecvTimeoutError::Timeout) if self.tick_at <= Instant::now() => self.tick()?,
                Err(RecvTimeoutError::Timeout) => {}
                // The run holds a sender itself.
                Err(RecvTimeoutError::Disconnected) => return Err(RunError::Stopped),
            }
        }
    }

    /// Looks for workers that are too long at a member.
    fn tick(&mut self) -> Result<(), RunError> {
        let links = &self.links;
        let overdue = self.watch.tick(|worker| links.get(&worker)?.time_used());
        for worker in overdue {
            self.handle(Event::Overdue { worker })?;
        }
        self.tick_at = Instant::now() + self.watch.period();
        Ok(())
    }

    fn take(&mut self, input: Input) -> Result<Flow, RunError> {
        match input {
            Input::Machine(event) => self.hear(event),
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
            Input::FewerMembers { lacking } => Err(RunError::FewerMembers { lacking }),
            Input::SourceFailed { member, error } => {
                self.identity.as_ref().map_or(Ok(()), |identity| identity.check())?;
                Err(RunError::Source { member, error })
            }
            Input::Hangup { worker, broken } => self.bury(worker, broken),
            Input::WriterFailed(error) => {
                self.writer = None;
                Err(error)
            }
            Input::Published(published) => Ok(Flow::Published(published)),
            // It is asked for only when the loop has ended.
            Input::Suspended => Ok(Flow::On),
            Input::Panicked { what } => Err(RunError::Panicked { what }),
            Input::Stop => {
                if self.finishing {
                    self.finish_by.get_or_insert(Instant::now() + LEAVE_WITHIN);
                }
                self.handle(Event::Stop)
            }
        }
    }

    /// Takes in what a worker or the dataset's thread says.
    fn hear(&mut self, event: Event<Unit>) -> Result<Flow, RunError> {
        match &event {
            Event::Started { worker, .. } => self.watch.announced(*worker),
            Event::TaskDone { worker, .. } | Event::SampleDone { worker, .. } => self.watch.idle(*worker),
            _ => {}
        }
        self.handle(event)
    }

    fn handle(&mut self, event: Event<Unit>) -> Result<Flow, RunError> {
        for action in self.machine.handle(event) {
            self.act(action)?;
        }
        Ok(Flow::On)
    }

    fn act(&mut self, action: Action<Unit>) -> Result<(), RunError> {
        match action {
            Action::Spawn { worker, credit } => self.spawn(worker, credit)?,
            Action::Send(worker, message) => {
                if message == ToWorker::Finish {
                    self.leave_by.get_or_insert(Instant::now() + LEAVE_WITHIN);
                }
                if let Some(link) = self.links.get(&worker) {
                    link.send(message);
                }
            }
            Action::Kill(worker, death) => {
                if let Some(link) = self.links.get_mut(&worker) {
                    link.kill();
                    self.condemned.insert(worker, death);
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
            Action::Finished => self.finish(),
            Action::Drained => return Err(RunError::Stopped),
            Action::GiveUp(death) => {
                return Err(RunError::Workers {
                    death,
                    last_lines: std::mem::take(&mut self.last_lines),
                });
            }
        }
        Ok(())
    }

    fn spawn(&mut self, worker: WorkerId, credit: u64) -> Result<(), RunError> {
        let start = Start {
            executable: &self.executable,
            source: self.hello.source,
            pipe_bytes: self.tuning.pipe_bytes,
        };
        let link =
            Link::start(worker, &start, Arc::clone(&self.schemas), &self.inputs).map_err(|error| RunError::Start {
                what: "a worker process",
                error,
            })?;
        link.send(ToWorker::Hello(Box::new(Hello {
            credit,
            ..self.hello.clone()
        })));
        self.links.insert(worker, link);
        self.counters.workers.store(self.links.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    fn bury(&mut self, worker: WorkerId, broken: Option<String>) -> Result<Flow, RunError> {
        let Some(link) = self.links.remove(&worker) else {
            return Ok(Flow::On);
        };
        self.watch.idle(worker);
        self.counters.workers.store(self.links.len() as u64, Ordering::Relaxed);
        let (death, last_lines) = link.bury(broken);
        self.last_lines = last_lines;
        let death = self.condemned.remove(&worker).unwrap_or(death);
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

    /// Begins the dataset, or goes on with it, now that every value has a type.
    pub(crate) fn begin_dataset(&mut self, plan: &Plan) -> Result<(), RunError> {
        let Some(ground) = self.ground.take() else {
            return Ok(());
        };
        let schemas = tables::schemas(plan)?;
        let features = plan.features.iter().zip(&schemas);
        let tables = features.map(|(feature, schema)| Table {
            name: feature.name.clone(),
            schema: Arc::clone(schema),
        });
        let dataset = open_dataset(ground.target, tables.collect(), ground.inputs, plan, ground.options)?;
        self.counters.begun.store(true, Ordering::Relaxed);
        // It is set once: a run has one schema.
        self.schemas.set(schemas).ok();
        let writer = Writer::start(dataset, ground.commit, Arc::clone(&self.counters), self.inputs.clone());
        self.writer = Some(writer.map_err(|error| RunError::Start {
            what: "the dataset's thread",
            error,
        })?);
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

    /// Has what was delivered committed before the run ends by `error`, if neither the archive nor the dataset is what is
    /// wrong.
    fn suspend(&mut self, error: &RunError, inputs: &Receiver<Input>) -> Result<(), RunError> {
        let Some(writer) = self.writer.as_ref().filter(|_| error.spares_the_dataset()) else {
            return Ok(());
        };
        writer.suspend();
        loop {
            match inputs.recv() {
                Ok(Input::Suspended) => return Ok(()),
                Ok(Input::WriterFailed(error)) => return Err(error),
                Ok(Input::Panicked { what }) => return Err(RunError::Panicked { what }),
                Ok(_) => {}
                // The run holds a sender itself.
                Err(_) => return Ok(()),
            }
        }
    }

    /// Ends the walk.
    pub(crate) fn close(&self) {
        self.gate.close();
        self.releaser.close();
    }

    /// All rows are delivered: the dataset is to be finished.
    fn finish(&mut self) {
        self.finishing = true;
        let walked = self.walked.as_ref().filter(|walked| !walked.damage_is_told);
        let last = walked.and_then(|walked| walked.damage.as_ref()).map(archive_failure);
        if let Some(writer) = &self.writer {
            writer.finish(last);
        }
    }

    /// What the run was, that began at `started`.
    pub(crate) fn report(self, published: Published, started: Instant, resumed: bool, sampled: bool) -> Report {
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
            resumed,
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

/// The dataset of a new run, which `inputs` describe, or of the one that is resumed.
fn open_dataset(
    target: Target,
    tables: Vec<Table>,
    inputs: Option<Vec<tarquet_dataset::Input>>,
    plan: &Plan,
    options: Options,
) -> Result<Dataset, RunError> {
    Ok(match inputs {
        Some(inputs) => {
            let resolved_map = plan.to_yaml();
            target.begin(tables, Description { inputs, resolved_map }, options)?
        }
        None => target.resume(tables, options)?,
    })
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

//! The one loop of a run: an input at a time, what the machine makes of it, and what the clock demands.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use tarquet_archive::{Releaser, WalkError};
use tarquet_dataset::Published;
use tarquet_feature_map::{Evidence, Plan, display_name};
use tarquet_wire::message::{Hello, Member, ToWorker};
use tarquet_wire::sandbox::{Demand, Held};
use tarquet_wire::{BUILD, PROTOCOL, tables};

use crate::at_hand::Busy;
use crate::counters::{Counters, Progress, add};
use crate::descriptors;
use crate::ending::Ending;
use crate::error::{RunError, said};
use crate::feeder::{Gate, Walked};
use crate::goal::{Begin, Goal, Outcome, dataset_tables};
use crate::history::History;
use crate::input::Input;
use crate::link::{Link, Start};
use crate::machine::{Action, Death, Event, Limits, Machine, WorkerId};
use crate::notes::Notes;
use crate::numbering::{Numbering, Sent};
use crate::receive::Schemas;
use crate::settings::{Report, Several};
use crate::source::WorkerSource;
use crate::trail::Trail;
use crate::tuning::Tuning;
use crate::watch::Watch;
use crate::writer::Writer;

/// A worker closes a unit once its rows weigh so many bytes.
const UNIT_BYTES: u64 = 1 << 20;

/// Tasks that a worker has at a time: one in hand, one so that it never waits for the next.
const TASKS_PER_WORKER: usize = 2;

/// How many tasks for each worker may be given out ahead of the oldest unfinished one.
const WINDOW_PER_WORKER: u64 = 8;

/// How many bytes of an array may be left over from one part to the next besides those of a document: what has to be seen
/// together.
const LEFT_OVER: u64 = 4;

/// How long workers get to leave by themselves, and to be gone once they were killed: one that is stuck in the kernel may
/// not be gone for as long as it likes.
const LEAVE_WITHIN: Duration = Duration::from_secs(1);

/// How long a run that is stopped waits for its last commit, which a disk may hold up. After that the one before stands.
const COMMIT_WITHIN: Duration = Duration::from_secs(8);

/// The workers that a run has.
pub(crate) struct Crew {
    /// At most so many.
    pub(crate) workers: usize,
    pub(crate) executable: PathBuf,
    pub(crate) engine: String,
    /// Documents larger than this fail, in bytes.
    pub(crate) max_document_bytes: u64,
    /// What each may allocate, in bytes.
    pub(crate) memory: u64,
    /// Whether they are to lock themselves in.
    pub(crate) sandbox: Demand,
    /// How long each may be at one member.
    pub(crate) member_timeout: Duration,
}

/// What a run reads, as far as the loop has to do with it.
pub(crate) struct Way {
    /// How far the walk may run ahead.
    pub(crate) gate: Gate,
    /// Makes room for it.
    pub(crate) releaser: Releaser,
    /// The archives that are read.
    pub(crate) trail: Trail,
    /// How many archives there are, if there are, or could be, several.
    pub(crate) archives: Option<u64>,
}

/// A task that is not done.
struct OpenTask {
    /// What its members are read from.
    source: Arc<WorkerSource>,
    /// How many bytes of its archive it stands for.
    archive_bytes: u64,
}

/// What the loop holds.
pub(crate) struct Run {
    /// When the loop was made ready.
    began: Instant,
    history: History,
    machine: Machine<Sent>,
    links: BTreeMap<WorkerId, Link>,
    /// What the worker that died last said last.
    last_lines: Vec<String>,
    /// Workers that were killed, and what for.
    condemned: BTreeMap<WorkerId, Death>,
    hello: Hello,
    executable: PathBuf,
    /// What each worker may allocate, in bytes.
    memory: u64,
    /// Whether workers are to lock themselves in.
    demand: Demand,
    /// What holds in every worker that was ready so far.
    sandbox: Option<Held>,
    tuning: Tuning,
    schemas: Schemas,
    way: Way,
    /// Until it is begun.
    goal: Option<Goal>,
    watch: Watch,
    /// When the watch is looked at next.
    tick_at: Instant,
    /// When workers that were told to leave have to be gone.
    leave_by: Option<Instant>,
    /// When whoever was killed for staying is no longer waited for.
    desert_by: Option<Instant>,
    phase: Phase,
    /// Whether somebody wants the run to stop.
    stopped: bool,
    /// When the dataset's thread is no longer waited for, because the run is to stop.
    commit_by: Option<Instant>,
    writer: Option<Writer>,
    /// The tasks that are not done, by their numbers, in the order in which they were walked.
    open_tasks: BTreeMap<u64, OpenTask>,
    /// How many there were.
    tasks: u64,
    walked: Option<Walked>,
    counters: Arc<Counters>,
    inputs: Sender<Input>,
}

/// What the loop is at.
enum Phase {
    /// The machine is at work.
    Working,
    /// The dataset's thread finishes the dataset.
    Finishing,
    /// The run ends by this error, once every worker is gone.
    Leaving(RunError),
    /// The run ends by this error, once what was delivered is committed.
    Suspending(RunError),
}

/// How the loop ends.
pub(crate) type End = Result<Outcome, RunError>;

impl Run {
    pub(crate) fn new(
        plan: &Plan,
        way: Way,
        crew: Crew,
        goal: Goal,
        counters: &Arc<Counters>,
        inputs: &Sender<Input>,
    ) -> Result<Run, RunError> {
        let start = |error| RunError::Start {
            what: "a worker process",
            error,
        };
        descriptors::have_as_many_as_may_be();
        descriptors::keep_from_workers().map_err(start)?;
        let tuning = Tuning::of_run();
        let limits = Limits {
            workers: crew.workers,
            window: WINDOW_PER_WORKER * crew.workers as u64,
            tasks_per_worker: TASKS_PER_WORKER,
            credit: tuning.credit,
            credit_return: tuning.credit / 4,
            left_over: crew.max_document_bytes.saturating_add(LEFT_OVER),
        };
        let hello = Hello {
            protocol: PROTOCOL,
            build: BUILD.to_owned(),
            plan: plan.clone(),
            engine: crew.engine,
            product: goal.product(),
            sources: 0,
            unit_bytes: UNIT_BYTES,
            max_document_bytes: crew.max_document_bytes,
            credit: 0,
        };
        let watch = Watch::new(crew.member_timeout);
        Ok(Run {
            began: Instant::now(),
            history: History::new(),
            machine: Machine::new(limits, !plan.is_typed(), Evidence::new(plan)),
            links: BTreeMap::new(),
            last_lines: Vec::new(),
            condemned: BTreeMap::new(),
            hello,
            executable: crew.executable,
            memory: crew.memory,
            demand: crew.sandbox,
            sandbox: None,
            tuning,
            schemas: Arc::new(OnceLock::new()),
            way,
            goal: Some(goal),
            tick_at: Instant::now() + watch.period(),
            watch,
            leave_by: None,
            desert_by: None,
            phase: Phase::Working,
            stopped: false,
            commit_by: None,
            writer: None,
            open_tasks: BTreeMap::new(),
            tasks: 0,
            walked: None,
            counters: Arc::clone(counters),
            inputs: inputs.clone(),
        })
    }

    /// Works until the goal is reached, or something ends the run; then no worker lives any more, and what was
    /// delivered is committed, if it can be.
    pub(crate) fn work(&mut self, inputs: &Receiver<Input>) -> End {
        loop {
            let step = match self.next(inputs) {
                Ok(Some(input)) => self.take(input),
                Ok(None) => Ok(None),
                Err(error) => Err(error),
            };
            match step {
                Ok(Some(end)) => return end,
                Ok(None) => {}
                Err(error) => self.begin_to_end(error),
            }
            if let Some(end) = self.move_on() {
                return end;
            }
        }
    }

    /// The next input, or `None` when the clock demanded something before one came.
    fn next(&mut self, inputs: &Receiver<Input>) -> Result<Option<Input>, RunError> {
        let demands = [self.leave_by, self.desert_by, self.commit_by].into_iter().flatten();
        let next = demands.fold(self.tick_at, Instant::min);
        match inputs.recv_timeout(next.saturating_duration_since(Instant::now())) {
            Ok(input) => Ok(Some(input)),
            // Everything that workers said is taken in, so that none is judged by what it did before.
            Err(RecvTimeoutError::Timeout) => self.look_at_the_clock().map(|()| None),
            // The run holds a sender itself.
            Err(RecvTimeoutError::Disconnected) => Err(RunError::Stopped),
        }
    }

    fn look_at_the_clock(&mut self) -> Result<(), RunError> {
        let now = Instant::now();
        let passed = |by: &mut Option<Instant>| by.take_if(|by| *by <= now).is_some();
        if passed(&mut self.leave_by) {
            self.links.values_mut().for_each(Link::kill);
            self.desert_by = Some(now + LEAVE_WITHIN);
        }
        if passed(&mut self.desert_by) {
            self.desert()?;
        }
        if passed(&mut self.commit_by)
            && let Some(mut writer) = self.writer.take()
        {
            tracing::warn!("the last checkpoint takes too long; the one before stands");
            writer.abandon();
        }
        match self.tick_at <= now {
            true => self.tick(),
            false => Ok(()),
        }
    }

    /// Waits no longer for workers that were killed and are not gone.
    fn desert(&mut self) -> Result<(), RunError> {
        for (worker, link) in std::mem::take(&mut self.links) {
            tracing::warn!("{worker} was killed and is not gone; it is left to the system");
            link.desert();
            if !self.is_ending() {
                self.handle(Event::Died {
                    worker,
                    death: Death::Signal(Signal::SIGKILL as i32),
                })?;
            }
        }
        Ok(())
    }

    /// Looks for workers that are too long at a member.
    fn tick(&mut self) -> Result<(), RunError> {
        self.tick_at = Instant::now() + self.watch.period();
        if self.is_ending() {
            return Ok(());
        }
        let links = &self.links;
        let overdue = self.watch.tick(|worker| links.get(&worker)?.time_used());
        for worker in overdue {
            self.handle(Event::Overdue { worker })?;
        }
        Ok(())
    }

    /// Takes an input, and says whether it is the end.
    fn take(&mut self, input: Input) -> Result<Option<End>, RunError> {
        match input {
            Input::Hangup { worker, broken } => self.bury(worker, broken)?,
            Input::Stop => self.stop()?,
            Input::Published(published) => return Ok(Some(Ok(Outcome::Published(published)))),
            Input::Gathered => return Ok(Some(Ok(Outcome::Gathered))),
            Input::Enough => {
                // What workers have in hand is of no use, so nobody waits for them.
                self.links.values_mut().for_each(Link::kill);
                self.writer = None;
                return Err(RunError::Stopped);
            }
            Input::Suspended => self.writer = None,
            Input::WriterFailed(error) => {
                self.writer = None;
                return Err(error);
            }
            Input::Panicked { what } => {
                // It may be the dataset's thread; whoever else it is, nothing more is committed.
                self.writer = None;
                return Err(RunError::Panicked { what });
            }
            // What else is told to a run that ends comes too late.
            _ if self.is_ending() => {}
            Input::Machine(event) => self.hear(event)?,
            Input::Ready { worker, sandbox } => self.greet(worker, &sandbox)?,
            Input::Work {
                source,
                members,
                archive_bytes,
            } => {
                let id = source.id();
                self.open_tasks.insert(self.tasks, OpenTask { source, archive_bytes });
                self.tasks += 1;
                self.handle(Event::Work { source: id, members })?;
            }
            Input::Walked(walked) => {
                self.walked = Some(walked);
                self.handle(Event::WorkEnded)?;
            }
            Input::WalkFailed(RunError::Walk(WalkError::Changed { path })) => {
                return Err(RunError::ArchiveChanged {
                    archive: path,
                    what: "the file",
                });
            }
            Input::WalkFailed(error) | Input::SourceLost(error) => return Err(error),
            Input::FewerMembers { lacking } => return Err(RunError::FewerMembers { lacking }),
            Input::SourceFailed { member, error } => {
                self.way.trail.check(u64::MAX)?;
                return Err(RunError::Source { member, error });
            }
        }
        Ok(None)
    }

    /// Somebody wants the run to stop. Of one that ends already, the dataset's thread is not waited for without end.
    fn stop(&mut self) -> Result<(), RunError> {
        if !matches!(self.phase, Phase::Working) {
            self.commit_by.get_or_insert(Instant::now() + COMMIT_WITHIN);
        }
        self.stopped = true;
        self.counters.stopping.store(true, Ordering::Relaxed);
        match self.phase {
            Phase::Working => self.handle(Event::Stop),
            _ => Ok(()),
        }
    }

    /// The run cannot go on: every worker is sent away. What goes wrong while it ends is told, but ends it no sooner.
    fn begin_to_end(&mut self, error: RunError) {
        if self.is_ending() {
            return tracing::error!("{error}");
        }
        for link in self.links.values() {
            link.send(ToWorker::Finish);
        }
        self.leave_by = Some(Instant::now() + LEAVE_WITHIN);
        self.phase = Phase::Leaving(error);
    }

    /// Goes on to the next phase of an end, once what it waits for has come.
    fn move_on(&mut self) -> Option<End> {
        match std::mem::replace(&mut self.phase, Phase::Working) {
            Phase::Finishing if self.writer.is_none() => Some(Err(RunError::Stopped)),
            Phase::Leaving(error) if self.links.is_empty() => {
                self.suspend(&error);
                self.phase = Phase::Suspending(error);
                self.move_on()
            }
            Phase::Suspending(error) if self.writer.is_none() => Some(Err(error)),
            phase => {
                self.phase = phase;
                None
            }
        }
    }

    /// Has what was delivered committed before the run ends by `error`, if the dataset is sound and the archive is the
    /// one that it was.
    fn suspend(&mut self, error: &RunError) {
        match self.writer.as_ref().filter(|_| error.spares_the_dataset()) {
            Some(writer) => writer.suspend(),
            None => self.writer = None,
        }
        if self.stopped {
            self.commit_by.get_or_insert(Instant::now() + COMMIT_WITHIN);
        }
    }

    fn is_ending(&self) -> bool {
        matches!(self.phase, Phase::Leaving(_) | Phase::Suspending(_))
    }

    /// Takes in what a worker or the dataset's thread says.
    fn hear(&mut self, event: Event<Sent>) -> Result<(), RunError> {
        match &event {
            Event::Started { worker, .. } => self.watch.announced(*worker),
            Event::TaskDone { worker, .. } | Event::SampleDone { worker, .. } => self.watch.idle(*worker),
            _ => {}
        }
        self.history.heard(&event);
        self.handle(event)
    }

    /// Takes in that a worker is ready, and what holds it in. It gets nothing to read where that is less than what is
    /// demanded.
    fn greet(&mut self, worker: WorkerId, sandbox: &Held) -> Result<(), RunError> {
        let began = self.began.elapsed();
        tracing::debug!("{worker} is ready, {began:?} after the run began; its sandbox: {sandbox}");
        if self.demand == Demand::Require && !sandbox.lacks.is_empty() {
            let lacks = sandbox.lacks.clone();
            return Err(RunError::Sandbox { lacks });
        }
        self.sandbox = Some(match self.sandbox.take() {
            Some(held) => held.and(sandbox),
            None => sandbox.clone(),
        });
        self.handle(Event::Ready(worker))
    }

    fn handle(&mut self, event: Event<Sent>) -> Result<(), RunError> {
        let actions = self.machine.handle(event);
        actions.into_iter().try_for_each(|action| self.act(action))?;
        self.show();
        Ok(())
    }

    /// Notes what is shown of workers, where somebody looks.
    fn show(&self) {
        if self.stopped {
            let in_flight = self.machine.in_flight() as u64;
            self.counters.in_flight.store(in_flight, Ordering::Relaxed);
        }
        self.counters.at_hand.note(|| {
            let busy = |(worker, member): (WorkerId, &Member)| Busy {
                worker: worker.0,
                member: display_name(&member.name).into_owned(),
            };
            self.machine.at_hand().map(busy).collect()
        });
    }

    fn act(&mut self, action: Action<Sent>) -> Result<(), RunError> {
        match action {
            Action::Spawn { worker, credit } => self.spawn(worker, credit)?,
            Action::Send(worker, message) => {
                if message == ToWorker::Finish {
                    self.leave_by.get_or_insert(Instant::now() + LEAVE_WITHIN);
                }
                self.history.told(worker, &message);
                self.tell(worker, message);
            }
            Action::Kill(worker, death) => {
                if let Some(link) = self.links.get_mut(&worker) {
                    link.kill();
                    self.condemned.insert(worker, death);
                }
            }
            Action::Sampled(left) => self.way.gate.sampled(left),
            Action::Cut(cut) => self.way.gate.cut(cut),
            Action::FixSchema(evidence) => self.fix_schema(&evidence)?,
            Action::Deliver { worker, bytes, unit } => {
                self.history.delivered(&unit);
                if let Some(writer) = &self.writer {
                    writer.deliver(worker, bytes, unit);
                }
            }
            Action::Release { task, bytes, extents } => self.release(task.0, bytes, &extents),
            Action::Replaced(worker, death) => {
                self.history.replaced(worker, &death);
                add(&self.counters.replaced, 1);
                let said = said(&self.last_lines);
                tracing::warn!("{worker} {death}; another one gets what it had in hand{said}");
            }
            Action::Finished => self.finish(),
            Action::Drained => return Err(RunError::Stopped),
            Action::GiveUp(death) => {
                let last_lines = std::mem::take(&mut self.last_lines);
                return Err(match death {
                    Death::Sandbox { .. } => RunError::Sandboxed { death, last_lines },
                    death => RunError::Workers { death, last_lines },
                });
            }
        }
        Ok(())
    }

    fn tell(&self, worker: WorkerId, message: ToWorker) {
        let Some(link) = self.links.get(&worker) else { return };
        let task = match &message {
            ToWorker::Task(task) | ToWorker::Sample(task) => self.open_tasks.get(&task.id.0),
            _ => None,
        };
        match task {
            Some(task) => link.give(message, Arc::clone(&task.source)),
            None => link.send(message),
        }
    }

    fn spawn(&mut self, worker: WorkerId, credit: u64) -> Result<(), RunError> {
        let start = Start {
            executable: &self.executable,
            sandbox: self.demand,
            memory: self.memory,
            pipe_bytes: self.tuning.pipe_bytes,
        };
        let link =
            Link::start(worker, &start, Arc::clone(&self.schemas), &self.inputs).map_err(|error| RunError::Start {
                what: "a worker process",
                error,
            })?;
        link.send(ToWorker::Hello(Box::new(Hello {
            credit,
            sources: link.sources(),
            ..self.hello.clone()
        })));
        self.links.insert(worker, link);
        self.history.spawned(worker);
        self.counters.workers.store(self.links.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    fn bury(&mut self, worker: WorkerId, broken: Option<String>) -> Result<(), RunError> {
        let Some(link) = self.links.remove(&worker) else {
            return Ok(());
        };
        self.watch.idle(worker);
        self.history.gone(worker);
        self.counters.workers.store(self.links.len() as u64, Ordering::Relaxed);
        let (death, last_lines) = link.bury(broken);
        if self.is_ending() {
            return Ok(());
        }
        self.last_lines = last_lines;
        let death = self.condemned.remove(&worker).unwrap_or(death);
        self.handle(Event::Died { worker, death })
    }

    fn fix_schema(&mut self, evidence: &Evidence) -> Result<(), RunError> {
        let resolved = self.hello.plan.resolve(evidence);
        for warning in &resolved.warnings {
            tracing::warn!("{warning}");
        }
        self.begin(&resolved.plan)?;
        self.counters.sampling.store(false, Ordering::Relaxed);
        self.handle(Event::SchemaFixed(Box::new(resolved.plan)))?;
        Ok(())
    }

    /// Begins with the goal, now that every value has a type. That a dataset cannot be begun, or gone on with, comes as
    /// [`Input::WriterFailed`].
    pub(crate) fn begin(&mut self, plan: &Plan) -> Result<(), RunError> {
        let Some(goal) = self.goal.take() else {
            return Ok(());
        };
        let schemas = tables::schemas(plan)?;
        let several = match self.way.archives {
            Some(_) => Several::Yes,
            None => Several::No,
        };
        let tables = dataset_tables(plan, &schemas, several);
        // It is set once: a run has one schema.
        self.schemas.set(schemas).ok();
        let writer = goal.begin(Begin {
            plan,
            tables,
            numbering: Numbering::new(plan, several),
            trail: self.way.trail.clone(),
            counters: Arc::clone(&self.counters),
            inputs: self.inputs.clone(),
        });
        self.writer = Some(writer.map_err(|error| RunError::Start {
            what: "the dataset's thread",
            error,
        })?);
        Ok(())
    }

    fn release(&mut self, task: u64, bytes: u64, extents: &[tarquet_wire::message::Extent]) {
        let open = self.open_tasks.remove(&task);
        if open.as_ref().is_some_and(|open| open.source.is_spool()) {
            let extents: Vec<tarquet_archive::Extent> = extents
                .iter()
                .map(|extent| tarquet_archive::Extent {
                    offset: extent.offset,
                    len: extent.len,
                })
                .collect();
            self.way.releaser.release(&extents);
        }
        self.way.gate.leave();
        self.history.released(bytes);
        add(&self.counters.document_bytes, bytes);
        add(&self.counters.archive_bytes, open.map_or(0, |open| open.archive_bytes));
    }

    /// Ends the walk.
    pub(crate) fn close(&self) {
        self.way.gate.close();
        self.way.releaser.close();
    }

    /// All rows are delivered: the dataset is to be finished.
    fn finish(&mut self) {
        self.phase = Phase::Finishing;
        let endings = self.walked.as_ref().map_or(&[][..], |walked| &walked.endings);
        let last = endings.iter().filter_map(Ending::failure).collect();
        let notes = self.notes().to_text();
        if let Some(writer) = &self.writer {
            writer.finish(last, notes);
        }
    }

    /// What the archive was, now that all of it is walked and every task is done.
    pub(crate) fn notes(&self) -> Notes {
        let progress = self.counters.progress();
        let walked = self.walked.as_ref();
        Notes {
            skipped: progress.skipped,
            document_bytes: progress.document_bytes,
            archive_bytes: progress.archive_len,
            archives: self.way.archives,
            endings: walked.map(|walked| walked.endings.clone()).unwrap_or_default(),
            repeated_id: walked.and_then(|walked| walked.repeated_id.clone()),
            shared_id: walked.and_then(|walked| walked.shared_id.clone()),
        }
    }

    /// Whether the walk came to the end of the last archive, and had left out no member that was wanted.
    pub(crate) fn walked_to_the_end(&self) -> bool {
        self.walked.as_ref().is_some_and(|walked| walked.is_whole)
    }

    /// What held every worker in, if there was one.
    pub(crate) fn sandbox(&self) -> Option<&Held> {
        self.sandbox.as_ref()
    }

    /// What the run was, whose dataset is published.
    pub(crate) fn report(&self, published: Published) -> Report {
        let progress = Progress {
            workers: 0,
            ..self.counters.progress()
        };
        Report {
            sandbox: self.sandbox.clone(),
            timeline: Some(self.history.timeline()),
            ..Report::of(progress, self.notes(), published)
        }
    }
}

//! A worker process of the model: it listens, works statement by statement, and keeps to the protocol.

use std::collections::VecDeque;

use rand::RngExt;
use rand::rngs::SmallRng;
use tarquet_wire::array::{ArrayState, Cut};
use tarquet_wire::credit::Balance;
use tarquet_wire::message::{Member, SampleLimit, Span, Stretch, Task, TaskId, ToWorker};

use super::{DOCUMENT_BYTES, Row, World};
use crate::machine::{Closes, Event, WorkerId};
use tarquet_feature_map::Evidence;

#[derive(Debug)]
pub(super) struct Process {
    pub(super) inbox: VecDeque<ToWorker>,
    pub(super) outbox: VecDeque<Event<Vec<Row>>>,
    pub(super) balance: Balance,
    pub(super) state: State,
    /// The weight of the heaviest unit that it sent on a pass.
    pub(super) heaviest_pass: u64,
    script: VecDeque<Statement>,
    requests: u64,
    said_ready: bool,
    schema: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Running,
    /// For credit for a unit of so many bytes.
    Waiting {
        bytes: u64,
        request: u64,
        passed: bool,
    },
    /// Over a member that has no end.
    Endless,
    Aborted,
    Left,
}

/// What a worker still has to do.
#[derive(Debug, Clone)]
enum Statement {
    Start {
        task: TaskId,
        first: u32,
        count: u32,
        span: Option<Span>,
        /// The documents.
        rows: Vec<Row>,
    },
    Send {
        task: TaskId,
        bytes: u64,
        unit: Unit,
    },
    Done {
        task: TaskId,
    },
    Sampled {
        task: TaskId,
        left: Option<SampleLimit>,
        cut: Option<Cut>,
    },
}

/// A unit that is being put together.
#[derive(Debug, Clone, Default)]
struct Unit {
    closes: Closes,
    cut: Option<Cut>,
    rows: Vec<Row>,
}

impl Unit {
    fn add_member(&mut self, member: &Member, rows: impl IntoIterator<Item = Row>) {
        self.add_rows(rows);
        self.closes.members += 1;
        self.closes.ended += u32::from(member.is_last());
        self.closes.within = 0;
        self.cut = cut(member);
    }

    fn add_rows(&mut self, rows: impl IntoIterator<Item = Row>) {
        self.rows.extend(rows);
        self.closes.documents = self.rows.len() as u64;
    }

    fn is_empty(&self) -> bool {
        self.closes.members == 0 && self.closes.within == 0
    }
}

impl Process {
    /// A worker with this credit. It is told the schema with its first message if `schema`.
    pub(super) fn new(credit: u64, schema: bool) -> Process {
        Process {
            inbox: VecDeque::new(),
            outbox: VecDeque::new(),
            balance: Balance::new(credit),
            state: State::Running,
            heaviest_pass: 0,
            script: VecDeque::new(),
            requests: 0,
            said_ready: false,
            schema,
        }
    }

    pub(super) fn can_step(&self) -> bool {
        match self.state {
            State::Running => !self.said_ready || !self.inbox.is_empty() || !self.script.is_empty(),
            State::Waiting { bytes, passed, .. } => !self.inbox.is_empty() || passed || self.balance.covers(bytes),
            State::Endless | State::Aborted | State::Left => false,
        }
    }

    /// The credit that is on its way to it, in bytes.
    pub(super) fn credit_coming(&self) -> u64 {
        let credit = |message: &ToWorker| match message {
            ToWorker::Credit { bytes } => *bytes,
            _ => 0,
        };
        self.inbox.iter().map(credit).sum()
    }

    /// Takes in a message or works off a statement.
    pub(super) fn step(&mut self, worker: WorkerId, world: &World, random: &mut SmallRng) {
        if !self.said_ready {
            self.said_ready = true;
            return self.outbox.push_back(Event::Ready(worker));
        }
        if self.listens(random)
            && let Some(message) = self.inbox.pop_front()
        {
            return self.listen(message, world, random);
        }
        if let Some(statement) = self.script.front().cloned()
            && self.execute(worker, statement, world)
        {
            self.script.pop_front();
        }
    }

    /// It listens between statements and whenever it waits. Behind what it has to do, it leaves.
    fn listens(&self, random: &mut SmallRng) -> bool {
        let idle = self.script.is_empty() || matches!(self.state, State::Waiting { .. });
        idle || self.inbox.front() != Some(&ToWorker::Finish) && random.random_bool(0.3)
    }

    fn listen(&mut self, message: ToWorker, world: &World, random: &mut SmallRng) {
        match message {
            ToWorker::Hello(_) => unreachable!("the driver's affair"),
            ToWorker::Sample(task) => self.plan_sample(&task, random),
            ToWorker::Schema(_) => self.schema = true,
            ToWorker::Task(task) => {
                assert!(self.schema, "a task came before the schema");
                self.plan(&task, world, random);
            }
            ToWorker::Credit { bytes } => self.balance.restore(bytes),
            ToWorker::Pass { request: named } => {
                if let State::Waiting { request, passed, .. } = &mut self.state {
                    *passed |= *request == named;
                }
            }
            ToWorker::Finish => self.state = State::Left,
        }
    }

    fn plan_sample(&mut self, task: &Task, random: &mut SmallRng) {
        for (first, member) in task.members.iter().enumerate() {
            match &member.stretch {
                None => self.start(task, first, 1, None, vec![Row::of(member)]),
                Some(stretch) => {
                    let alone = task.careful;
                    self.plan_documents(task, first, stretch, |_| if alone { 1 } else { 5 }, |_, _, _| {});
                }
            }
        }
        let stretches = task.members.iter().filter_map(|member| member.stretch.as_ref());
        let mut left = stretches.map(|stretch| stretch.sample).next_back();
        let mut cut = task.members.last().and_then(cut);
        // Of what it does not come to the end of, it does not know the end.
        if cut.is_some() && random.random_bool(0.3) {
            (left, cut) = (Some(SampleLimit::default()), None);
        }
        let task = task.id;
        self.script.push_back(Statement::Sampled { task, left, cut });
    }

    /// Cuts a task into announcements and units at random.
    fn plan(&mut self, task: &Task, world: &World, random: &mut SmallRng) {
        let mut unit = Unit::default();
        let mut first = 0;
        while first < task.members.len() {
            first += match &task.members[first].stretch {
                None => self.plan_members(task, first, &mut unit, random),
                Some(stretch) => {
                    self.plan_stretch(task, first, stretch, &mut unit, world, random);
                    1
                }
            };
            let is_complete = task.members[..first].last().is_some_and(|member| !member.is_last());
            if task.careful || is_complete || first == task.members.len() || random.random_bool(0.5) {
                self.send_unit(task, &mut unit, world, random);
            }
        }
        self.script.push_back(Statement::Done { task: task.id });
    }

    /// Some members of one document each, announced together; gives how many.
    fn plan_members(&mut self, task: &Task, first: usize, unit: &mut Unit, random: &mut SmallRng) -> usize {
        let members = &task.members[first..];
        let plain = members.iter().take_while(|member| member.stretch.is_none()).count();
        let count = random.random_range(1..=if task.careful { 1 } else { plain });
        self.start(task, first, count, None, members[..count].iter().map(Row::of).collect());
        members[..count]
            .iter()
            .for_each(|member| unit.add_member(member, [Row::of(member)]));
        count
    }

    /// The documents of a stretch, announced and closed in pieces.
    fn plan_stretch(
        &mut self,
        task: &Task,
        first: usize,
        stretch: &Stretch,
        unit: &mut Unit,
        world: &World,
        random: &mut SmallRng,
    ) {
        if stretch.start > 0 && !unit.is_empty() {
            self.send_unit(task, unit, world, random);
        }
        let careful_to = if task.careful { stretch.careful_to } else { 0 };
        let mut cuts = random.clone();
        let group = |at: u64| if at < careful_to { 1 } else { cuts.random_range(1..5) };
        self.plan_documents(task, first, stretch, group, |process, rows, next| {
            unit.add_rows(rows);
            if next <= careful_to || random.random_bool(0.3) {
                unit.closes.within = next;
                process.send_unit(task, unit, world, random);
            }
        });
        unit.add_member(&task.members[first], []);
    }

    /// Announces the documents of a stretch, so many at a time, each time behind a search; `then` follows each time, with
    /// the byte behind them.
    fn plan_documents(
        &mut self,
        task: &Task,
        first: usize,
        stretch: &Stretch,
        mut group: impl FnMut(u64) -> usize,
        mut then: impl FnMut(&mut Process, Vec<Row>, u64),
    ) {
        let documents = Row::of_stretch(&task.members[first], stretch);
        let mut rest = documents.as_slice();
        let mut from = stretch.start;
        loop {
            let search = Span {
                from,
                to: from,
                is_one: false,
            };
            self.start(task, first, 1, Some(search), Vec::new());
            if rest.is_empty() {
                return;
            }
            let count = group(from).min(rest.len());
            let (some, behind) = rest.split_at(count);
            let to = from + count as u64 * DOCUMENT_BYTES;
            let span = Span {
                from,
                to,
                is_one: count == 1,
            };
            let rows: Vec<Row> = some.iter().map(|(_, row)| row.clone()).collect();
            self.start(task, first, 1, Some(span), rows.clone());
            then(self, rows, to);
            (rest, from) = (behind, to);
        }
    }

    fn start(&mut self, task: &Task, first: usize, count: usize, span: Option<Span>, rows: Vec<Row>) {
        self.script.push_back(Statement::Start {
            task: task.id,
            first: first as u32,
            count: count as u32,
            span,
            rows,
        });
    }

    fn send_unit(&mut self, task: &Task, unit: &mut Unit, world: &World, random: &mut SmallRng) {
        self.script.push_back(Statement::Send {
            task: task.id,
            bytes: random.random_range(0..world.heaviest),
            unit: std::mem::take(unit),
        });
    }

    /// Whether the statement is done.
    fn execute(&mut self, worker: WorkerId, statement: Statement, world: &World) -> bool {
        match statement {
            Statement::Start {
                task,
                first,
                count,
                span,
                rows,
            } => {
                self.outbox.push_back(Event::Started {
                    worker,
                    task,
                    first,
                    count,
                    span,
                });
                self.state = meet(&rows, world);
                true
            }
            Statement::Send { task, bytes, unit } => self.send(worker, task, bytes, unit),
            Statement::Done { task } => {
                self.outbox.push_back(Event::TaskDone { worker, task });
                true
            }
            Statement::Sampled { task, left, cut } => {
                let evidence = Evidence { slots: Vec::new() };
                let done = Event::SampleDone {
                    worker,
                    task,
                    evidence,
                    left,
                    cut,
                };
                self.outbox.push_back(done);
                true
            }
        }
    }

    fn send(&mut self, worker: WorkerId, task: TaskId, bytes: u64, unit: Unit) -> bool {
        let passed = matches!(self.state, State::Waiting { passed: true, .. });
        if !self.balance.covers(bytes) {
            if self.state == State::Running {
                let request = self.requests;
                self.requests += 1;
                self.state = State::Waiting {
                    bytes,
                    request,
                    passed: false,
                };
                self.outbox.push_back(Event::Blocked { worker, task, request });
            }
            if !passed {
                return false;
            }
            self.heaviest_pass = self.heaviest_pass.max(bytes);
        }
        self.state = State::Running;
        self.balance.spend(bytes);
        self.outbox.push_back(Event::Unit {
            worker,
            task,
            closes: unit.closes,
            cut: unit.cut,
            bytes,
            unit: unit.rows,
        });
        true
    }
}

/// Where a member's stretch ends, if that is open: behind the last of its documents that is there.
fn cut(member: &Member) -> Option<Cut> {
    let stretch = member.stretch.as_ref().filter(|stretch| stretch.is_open)?;
    let end = stretch.at + super::bytes(&member.extents);
    let at = end - end % DOCUMENT_BYTES;
    Some(Cut {
        start: at,
        at,
        state: ArrayState::default(),
    })
}

/// What becomes of a worker that reads these members.
fn meet(rows: &[Row], world: &World) -> State {
    let whole = || rows.iter().filter(|row| row.failed.is_none());
    if whole().any(|row| world.poison.contains(&row.number)) {
        State::Aborted
    } else if whole().any(|row| world.endless.contains(&row.number)) {
        State::Endless
    } else {
        State::Running
    }
}

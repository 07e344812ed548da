//! A worker process of the model: it listens, works statement by statement, and keeps to the protocol.

use std::collections::VecDeque;

use rand::RngExt;
use rand::rngs::SmallRng;
use tarquet_wire::credit::Balance;
use tarquet_wire::message::{Member, Task, TaskId, ToWorker};

use super::{Row, World};
use crate::machine::{Event, WorkerId};
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
        members: Vec<Row>,
    },
    Send {
        task: TaskId,
        bytes: u64,
        members: Vec<Row>,
    },
    Done {
        task: TaskId,
    },
    Sampled {
        task: TaskId,
    },
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
            ToWorker::Sample(task) => self.plan_sample(&task),
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

    fn plan_sample(&mut self, task: &Task) {
        let together = if task.careful { 1 } else { task.members.len() };
        for (at, members) in task.members.chunks(together).enumerate() {
            self.script.push_back(Statement::Start {
                task: task.id,
                first: (at * together) as u32,
                members: members.iter().map(Row::of).collect(),
            });
        }
        self.script.push_back(Statement::Sampled { task: task.id });
    }

    /// Cuts a task into announcements and units at random.
    fn plan(&mut self, task: &Task, world: &World, random: &mut SmallRng) {
        let mut open: Vec<&Member> = Vec::new();
        let mut first = 0;
        while first < task.members.len() {
            let most = if task.careful { 1 } else { task.members.len() - first };
            let count = random.random_range(1..=most);
            let members = &task.members[first..first + count];
            self.script.push_back(Statement::Start {
                task: task.id,
                first: first as u32,
                members: members.iter().map(Row::of).collect(),
            });
            open.extend(members);
            first += count;
            if task.careful || first == task.members.len() || random.random_bool(0.5) {
                self.script.push_back(Statement::Send {
                    task: task.id,
                    bytes: random.random_range(0..world.heaviest),
                    members: open.drain(..).map(Row::of).collect(),
                });
            }
        }
        self.script.push_back(Statement::Done { task: task.id });
    }

    /// Whether the statement is done.
    fn execute(&mut self, worker: WorkerId, statement: Statement, world: &World) -> bool {
        match statement {
            Statement::Start { task, first, members } => {
                let count = members.len() as u32;
                self.outbox.push_back(Event::Started {
                    worker,
                    task,
                    first,
                    count,
                });
                self.state = meet(&members, world);
                true
            }
            Statement::Send { task, bytes, members } => self.send(worker, task, bytes, members),
            Statement::Done { task } => {
                self.outbox.push_back(Event::TaskDone { worker, task });
                true
            }
            Statement::Sampled { task } => {
                let evidence = Evidence { slots: Vec::new() };
                self.outbox.push_back(Event::SampleDone { worker, task, evidence });
                true
            }
        }
    }

    fn send(&mut self, worker: WorkerId, task: TaskId, bytes: u64, members: Vec<Row>) -> bool {
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
            members: members.len() as u32,
            bytes,
            unit: members,
        });
        true
    }
}

/// What becomes of a worker that reads these members.
fn meet(members: &[Row], world: &World) -> State {
    let whole = || members.iter().filter(|row| row.failed.is_none());
    if whole().any(|row| world.poison.contains(&row.number)) {
        State::Aborted
    } else if whole().any(|row| world.endless.contains(&row.number)) {
        State::Endless
    } else {
        State::Running
    }
}

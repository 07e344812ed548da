//! A worker process of the model: it listens, works statement by statement, and keeps to the protocol.

use std::collections::VecDeque;

use rand::RngExt;
use rand::rngs::SmallRng;
use tarquet_wire::credit::Balance;
use tarquet_wire::message::{Member, Task, TaskId, ToWorker};

use super::{Row, World, number};
use crate::machine::{Event, WorkerId};
use tarquet_feature_map::Evidence;

#[derive(Debug)]
pub(super) struct Process {
    pub(super) inbox: VecDeque<ToWorker>,
    pub(super) outbox: VecDeque<Event<Vec<Row>>>,
    pub(super) script: VecDeque<Statement>,
    pub(super) balance: Balance,
    pub(super) waiting_for: Option<(u64, u64)>,
    pub(super) passed: bool,
    pub(super) requests: u64,
    pub(super) said_ready: bool,
    pub(super) leaving: bool,
    pub(super) schema: bool,
}

/// What a worker still has to do.
#[derive(Debug, Clone)]
pub(super) enum Statement {
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
    pub(super) fn can_step(&self) -> bool {
        if !self.said_ready || !self.inbox.is_empty() {
            return true;
        }
        match self.waiting_for {
            Some((bytes, _)) => self.passed || self.balance.covers(bytes),
            None => !self.script.is_empty(),
        }
    }

    pub(super) fn listen(&mut self, message: ToWorker, world: &World, random: &mut SmallRng) -> Vec<Statement> {
        match message {
            ToWorker::Hello(_) => unreachable!("the driver's affair"),
            ToWorker::Sample(task) => {
                let rows = |members: &[Member]| -> Vec<Row> {
                    members
                        .iter()
                        .map(|member| (number(member), member.failed.is_some()))
                        .collect()
                };
                let together = if task.careful { 1 } else { task.members.len() };
                let groups = task.members.chunks(together).enumerate();
                let mut statements: Vec<Statement> = groups
                    .map(|(at, members)| Statement::Start {
                        task: task.id,
                        first: (at * together) as u32,
                        members: rows(members),
                    })
                    .collect();
                statements.push(Statement::Sampled { task: task.id });
                statements
            }
            ToWorker::Schema(_) => {
                self.schema = true;
                Vec::new()
            }
            ToWorker::Task(task) => {
                assert!(self.schema, "a task came before the schema");
                self.plan(&task, world, random)
            }
            ToWorker::Credit { bytes } => {
                self.balance.restore(bytes);
                Vec::new()
            }
            ToWorker::Pass { request } => {
                self.passed |= self.waiting_for.is_some_and(|(_, waiting)| waiting == request);
                Vec::new()
            }
            ToWorker::Finish => {
                assert!(self.script.is_empty(), "finish came before the work was done");
                self.leaving = true;
                Vec::new()
            }
        }
    }

    /// Cuts a task into announcements and units at random.
    pub(super) fn plan(&self, task: &Task, world: &World, random: &mut SmallRng) -> Vec<Statement> {
        let mut statements = Vec::new();
        let mut open: Vec<Row> = Vec::new();
        let mut first = 0;
        while first < task.members.len() {
            let most = if task.careful { 1 } else { task.members.len() - first };
            let count = random.random_range(1..=most);
            let members: Vec<Row> = task.members[first..first + count]
                .iter()
                .map(|member| (number(member), member.failed.is_some()))
                .collect();
            statements.push(Statement::Start {
                task: task.id,
                first: first as u32,
                members: members.clone(),
            });
            open.extend(members);
            first += count;
            if task.careful || first == task.members.len() || random.random_bool(0.5) {
                let bytes = random.random_range(0..world.heaviest);
                statements.push(Statement::Send {
                    task: task.id,
                    bytes,
                    members: std::mem::take(&mut open),
                });
            }
        }
        statements.push(Statement::Done { task: task.id });
        statements
    }

    pub(super) fn aborted(&self) -> bool {
        self.waiting_for.is_none()
    }

    /// Whether the statement is done; if not, the worker waits for credit or has aborted.
    pub(super) fn execute(&mut self, worker: WorkerId, statement: Statement, world: &World) -> bool {
        match statement {
            Statement::Start { task, first, members } => {
                let count = members.len() as u32;
                self.outbox.push_back(Event::Started {
                    worker,
                    task,
                    first,
                    count,
                });
                !members
                    .iter()
                    .any(|(number, failed)| !failed && world.poison.contains(number))
            }
            Statement::Send { task, bytes, members } => {
                if !self.passed && !self.balance.covers(bytes) {
                    if self.waiting_for.is_none() {
                        self.waiting_for = Some((bytes, self.requests));
                        self.outbox.push_back(Event::Blocked {
                            worker,
                            task,
                            request: self.requests,
                        });
                        self.requests += 1;
                    }
                    return false;
                }
                (self.waiting_for, self.passed) = (None, false);
                self.balance.spend(bytes);
                let count = members.len() as u32;
                self.outbox.push_back(Event::Unit {
                    worker,
                    task,
                    members: count,
                    bytes,
                    unit: members,
                });
                true
            }
            Statement::Done { task } => {
                self.outbox.push_back(Event::TaskDone { worker, task });
                true
            }
            Statement::Sampled { task } => {
                self.outbox.push_back(Event::SampleDone {
                    worker,
                    task,
                    evidence: Evidence { slots: Vec::new() },
                });
                true
            }
        }
    }
}

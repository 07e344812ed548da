//! A model of the whole: workers, pipes, a walk and a writer in one thread, moved in random order.
//!
//! Every step moves one thing: a message in some pipe, a worker by one statement, the walk, the writer, or death. After
//! each the laws are checked; when nothing can move and the run has not ended, something waits in a circle.

mod process;

use std::collections::{BTreeMap, VecDeque};

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use tarquet_feature_map::trie::Trie;
use tarquet_wire::credit::Balance;
use tarquet_wire::message::Extent;

use process::Process;

use super::*;

/// A member's number in the archive, and whether it failed.
type Row = (u64, bool);

#[derive(Debug, Clone)]
struct World {
    workers: usize,
    window: u64,
    tasks_per_worker: usize,
    capacity: u64,
    members: u64,
    largest_task: usize,
    sample: u64,
    /// One in so many steps is a death; 0 for never.
    death_every: u32,
    /// Members that abort their worker.
    poison: Vec<u64>,
    /// A unit's weight is below this; above the capacity where units are oversized.
    heaviest: u64,
}

struct Model {
    world: World,
    random: SmallRng,
    machine: Machine<Vec<Row>>,
    processes: BTreeMap<WorkerId, Process>,
    dying: VecDeque<(WorkerId, Death)>,
    walked: u64,
    sample_ended: bool,
    work_ended: bool,
    schema_wanted: bool,
    writing: VecDeque<(WorkerId, u64, Vec<Row>)>,
    written: Vec<Row>,
    released: usize,
    deaths: usize,
    finished: bool,
}

fn number(member: &Member) -> u64 {
    member.offset
}

impl Model {
    fn new(world: World, seed: u64) -> Model {
        let limits = Limits {
            workers: world.workers,
            window: world.window,
            tasks_per_worker: world.tasks_per_worker,
            credit_return: world.capacity / 4,
        };
        let machine = Machine::new(limits, world.sample > 0, Evidence { slots: Vec::new() });
        Model {
            random: SmallRng::seed_from_u64(seed),
            machine,
            processes: BTreeMap::new(),
            dying: VecDeque::new(),
            walked: 0,
            sample_ended: world.sample == 0,
            work_ended: false,
            schema_wanted: false,
            writing: VecDeque::new(),
            written: Vec::new(),
            released: 0,
            deaths: 0,
            finished: false,
            world,
        }
    }

    /// Runs to the end; gives what was written.
    fn run(mut self) -> Vec<Row> {
        let mut steps = 0;
        while !self.finished {
            let moves = self.moves();
            assert!(
                !moves.is_empty(),
                "nothing can move: {:#?} {:#?}",
                self.machine,
                self.processes
            );
            let chosen = moves[self.random.random_range(0..moves.len())];
            self.step(chosen);
            self.check();
            steps += 1;
            assert!(steps < 2_000_000, "the run does not end");
        }
        self.written
            .extend(self.writing.drain(..).flat_map(|(_, _, rows)| rows));
        assert!(self.processes.is_empty(), "a worker was left behind");
        assert_eq!(self.released, self.world.members as usize, "bytes of members were kept");
        self.written
    }

    fn moves(&self) -> Vec<Move> {
        let mut moves = Vec::new();
        for (&worker, process) in &self.processes {
            if !process.outbox.is_empty() {
                moves.push(Move::Hear(worker));
            }
            if process.can_step() {
                moves.push(Move::Work(worker));
            }
        }
        if !self.dying.is_empty() {
            moves.push(Move::Reap);
        }
        if !self.work_ended {
            moves.push(Move::Walk);
        }
        if self.schema_wanted {
            moves.push(Move::Decide);
        }
        if !self.writing.is_empty() {
            moves.push(Move::Write);
        }
        moves
    }

    fn step(&mut self, chosen: Move) {
        let every = self.world.death_every;
        if every > 0 && self.random.random_range(0..every) == 0 && !self.processes.is_empty() && self.may_kill() {
            let victim = self.random.random_range(0..self.processes.len());
            let worker = *self.processes.keys().nth(victim).unwrap();
            return self.kill(worker, Death::Signal(9));
        }
        match chosen {
            Move::Hear(worker) => {
                let event = self.processes.get_mut(&worker).unwrap().outbox.pop_front().unwrap();
                self.tell(event);
            }
            Move::Work(worker) => self.work(worker),
            Move::Reap => {
                let (worker, death) = self.dying.pop_front().unwrap();
                self.tell(Event::Died { worker, death });
            }
            Move::Walk => self.walk(),
            Move::Decide => {
                self.schema_wanted = false;
                self.tell(Event::SchemaFixed(Box::new(empty_plan())));
            }
            Move::Write => {
                let (worker, bytes, rows) = self.writing.pop_front().unwrap();
                self.written.extend(rows);
                self.tell(Event::Absorbed { worker, bytes });
            }
        }
    }

    fn tell(&mut self, event: Event<Vec<Row>>) {
        for action in self.machine.handle(event) {
            self.act(action);
        }
    }

    fn act(&mut self, action: Action<Vec<Row>>) {
        match action {
            Action::Spawn(worker) => {
                let process = Process {
                    inbox: VecDeque::new(),
                    outbox: VecDeque::new(),
                    script: VecDeque::new(),
                    balance: Balance::new(self.world.capacity),
                    waiting_for: None,
                    passed: false,
                    requests: 0,
                    said_ready: false,
                    leaving: false,
                    schema: self.world.sample == 0,
                };
                assert!(self.processes.insert(worker, process).is_none());
                assert!(self.processes.len() <= self.world.workers + self.dying.len());
            }
            Action::Send(worker, message) => {
                // To a worker that just died, the pipe is closed.
                if let Some(process) = self.processes.get_mut(&worker) {
                    process.inbox.push_back(message);
                }
            }
            Action::Kill(worker, why) => panic!("{worker} is innocent: {why}"),
            Action::FixSchema(_) => self.schema_wanted = true,
            Action::Deliver { worker, bytes, unit } => self.writing.push_back((worker, bytes, unit)),
            Action::Release { extents, .. } => self.released += extents.len(),
            Action::Replaced(..) => self.deaths += 1,
            Action::Finished => self.finished = true,
            Action::GiveUp(death) => panic!("the machine gave up: {death}"),
        }
    }

    /// Whether one more death from outside is forgiven whomever it hits.
    fn may_kill(&self) -> bool {
        self.machine.tasks.values().all(|task| {
            let suspected = task.suspicion.as_ref().map_or(0, |(_, blame)| blame.foreign);
            let blamed = task.blame.values().map(|blame| blame.foreign).max().unwrap_or(0);
            suspected + blamed < FOREIGN_DEATHS_FORGIVEN
        })
    }

    fn kill(&mut self, worker: WorkerId, death: Death) {
        // What is in the pipe is still read, except for a unit that was not written to its end.
        let mut process = self.processes.remove(&worker).unwrap();
        if matches!(process.outbox.back(), Some(Event::Unit { .. })) && self.random.random_bool(0.5) {
            process.outbox.pop_back();
        }
        for event in process.outbox {
            self.tell(event);
        }
        self.dying.push_back((worker, death));
    }

    fn walk(&mut self) {
        if !self.sample_ended && self.walked >= self.world.sample.min(self.world.members) {
            self.sample_ended = true;
            return self.tell(Event::SampleEnded);
        }
        if self.walked == self.world.members {
            self.work_ended = true;
            return self.tell(Event::WorkEnded);
        }
        let limit = if self.sample_ended {
            self.world.members
        } else {
            self.world.sample.min(self.world.members)
        };
        let count = self
            .random
            .random_range(1..=self.world.largest_task as u64)
            .min(limit - self.walked);
        let members = (self.walked..self.walked + count)
            .map(|number| Member {
                name: Vec::new(),
                offset: number,
                size: 1,
                extents: vec![Extent { offset: number, len: 1 }],
                failed: None,
            })
            .collect();
        self.walked += count;
        self.tell(Event::Work { members });
    }

    fn work(&mut self, worker: WorkerId) {
        let process = self.processes.get_mut(&worker).unwrap();
        if !process.said_ready {
            process.said_ready = true;
            return process.outbox.push_back(Event::Ready(worker));
        }
        // It listens between statements and whenever it waits.
        let listens = process.waiting_for.is_some() || process.script.is_empty() || self.random.random_bool(0.3);
        if listens && let Some(message) = process.inbox.pop_front() {
            let script = process.listen(message, &self.world, &mut self.random);
            process.script.extend(script);
            if process.leaving {
                self.processes.remove(&worker);
                self.dying.push_back((worker, Death::Exit(0)));
            }
            return;
        }
        let Some(statement) = process.script.front().cloned() else {
            return;
        };
        if process.execute(worker, statement, &self.world) {
            process.script.pop_front();
        } else if process.aborted() {
            self.kill(worker, Death::Signal(6));
        }
    }

    /// The laws that hold after every step.
    fn check(&self) {
        for (worker, process) in &self.processes {
            let Some(state) = self.machine.workers.get(worker) else {
                continue;
            };
            let sent: u64 = process
                .outbox
                .iter()
                .map(|event| {
                    if let Event::Unit { bytes, .. } = event {
                        *bytes
                    } else {
                        0
                    }
                })
                .sum();
            let coming: u64 = process
                .inbox
                .iter()
                .map(|message| {
                    if let ToWorker::Credit { bytes } = message {
                        *bytes
                    } else {
                        0
                    }
                })
                .sum();
            let all =
                process.balance.bytes() + (sent + coming + state.account.in_flight() + state.account.owed()) as i64;
            assert_eq!(all, self.world.capacity as i64, "credit of {worker} is not conserved");
            assert!(state.tasks.len() <= self.world.tasks_per_worker);
        }
        let in_order = self.written.iter().enumerate().all(|(at, row)| row.0 == at as u64);
        assert!(in_order, "rows are lost, doubled or out of order: {:?}", self.written);
        let oversized = self
            .machine
            .workers
            .values()
            .filter(|state| state.account.in_flight() > self.world.capacity);
        assert!(oversized.count() <= 1, "more than one oversized unit is in the window");
    }
}

#[derive(Debug, Clone, Copy)]
enum Move {
    Hear(WorkerId),
    Work(WorkerId),
    Reap,
    Walk,
    Decide,
    Write,
}

fn empty_plan() -> Plan {
    Plan {
        ids: Vec::new(),
        provenance: false,
        shared_loops: 0,
        features: Vec::new(),
        names: Vec::new(),
        trie: Trie::default(),
    }
}

fn world() -> World {
    World {
        workers: 4,
        window: 12,
        tasks_per_worker: 2,
        capacity: 1_000,
        members: 120,
        largest_task: 5,
        sample: 0,
        death_every: 0,
        poison: Vec::new(),
        heaviest: 900,
    }
}

fn run_all(world: &World, seeds: u64) {
    for seed in 0..seeds {
        let written = Model::new(world.clone(), seed).run();
        let failed: Vec<u64> = written
            .iter()
            .filter(|(_, failed)| *failed)
            .map(|(number, _)| *number)
            .collect();
        assert_eq!(written.len(), world.members as usize, "seed {seed}");
        assert_eq!(failed, world.poison, "seed {seed}: just the poisonous members fail");
    }
}

#[test]
fn an_undisturbed_run_keeps_the_laws() {
    run_all(&world(), 200);
}

#[test]
fn a_sample_comes_first() {
    for sample in [1, 7, 120, 1_000] {
        run_all(&World { sample, ..world() }, 50);
    }
}

#[test]
fn units_larger_than_all_credit_pass() {
    run_all(
        &World {
            heaviest: 5_000,
            ..world()
        },
        100,
    );
}

#[test]
fn one_byte_of_credit_is_enough() {
    run_all(
        &World {
            capacity: 1,
            heaviest: 10,
            ..world()
        },
        100,
    );
    run_all(
        &World {
            capacity: 0,
            heaviest: 10,
            ..world()
        },
        100,
    );
}

#[test]
fn a_window_of_one_task_is_enough() {
    run_all(&World { window: 1, ..world() }, 100);
    run_all(
        &World {
            window: 1,
            tasks_per_worker: 1,
            capacity: 1,
            heaviest: 10,
            workers: 1,
            ..world()
        },
        100,
    );
}

#[test]
fn workers_that_are_killed_lose_and_double_nothing() {
    run_all(
        &World {
            death_every: 60,
            ..world()
        },
        200,
    );
    run_all(
        &World {
            death_every: 60,
            sample: 40,
            heaviest: 3_000,
            ..world()
        },
        100,
    );
    run_all(
        &World {
            death_every: 60,
            window: 1,
            capacity: 1,
            heaviest: 10,
            ..world()
        },
        50,
    );
}

#[test]
fn poison_fails_alone() {
    run_all(
        &World {
            poison: vec![0, 17, 18, 19, 77, 119],
            ..world()
        },
        100,
    );
    run_all(
        &World {
            poison: vec![5, 6, 50],
            sample: 30,
            ..world()
        },
        100,
    );
    run_all(
        &World {
            poison: vec![40],
            largest_task: 1,
            ..world()
        },
        50,
    );
}

#[test]
fn an_archive_without_members_ends() {
    run_all(&World { members: 0, ..world() }, 5);
    run_all(
        &World {
            members: 0,
            sample: 10,
            ..world()
        },
        5,
    );
}

#[test]
fn workers_that_always_die_end_the_run() {
    let limits = Limits {
        workers: 2,
        window: 4,
        tasks_per_worker: 2,
        credit_return: 0,
    };
    let mut machine: Machine<()> = Machine::new(limits, false, Evidence { slots: Vec::new() });
    let member = Member {
        name: Vec::new(),
        offset: 0,
        size: 0,
        extents: Vec::new(),
        failed: None,
    };
    let mut actions: VecDeque<Action<()>> = machine.handle(Event::Work { members: vec![member] }).into();
    let mut deaths = 0;
    loop {
        match actions
            .pop_front()
            .expect("the machine neither starts workers nor gives up")
        {
            Action::Spawn(worker) => {
                deaths += 1;
                actions.extend(machine.handle(Event::Died {
                    worker,
                    death: Death::Exit(127),
                }));
            }
            Action::GiveUp(death) => {
                assert_eq!(death, Death::Exit(127));
                break;
            }
            _ => {}
        }
    }
    assert!(deaths < 30, "{deaths} workers died before the machine gave up");
}

#[test]
fn a_worker_that_breaks_the_protocol_is_ended() {
    let member = || Member {
        name: Vec::new(),
        offset: 0,
        size: 0,
        extents: Vec::new(),
        failed: None,
    };
    let worker = WorkerId(0);
    let broken: Vec<(&str, Event<()>)> = vec![
        ("ready", Event::Ready(worker)),
        (
            "does not have",
            Event::TaskDone {
                worker,
                task: TaskId(9),
            },
        ),
        (
            "open",
            Event::TaskDone {
                worker,
                task: TaskId(0),
            },
        ),
        (
            "closed",
            Event::Unit {
                worker,
                task: TaskId(0),
                members: 3,
                bytes: 0,
                unit: (),
            },
        ),
        (
            "closed",
            Event::Unit {
                worker,
                task: TaskId(0),
                members: 0,
                bytes: 0,
                unit: (),
            },
        ),
        (
            "started",
            Event::Started {
                worker,
                task: TaskId(0),
                first: 1,
                count: 2,
            },
        ),
        (
            "started",
            Event::Started {
                worker,
                task: TaskId(0),
                first: u32::MAX,
                count: u32::MAX,
            },
        ),
        (
            "sample",
            Event::SampleDone {
                worker,
                task: TaskId(0),
                evidence: Evidence { slots: Vec::new() },
            },
        ),
    ];
    for (word, event) in broken {
        let limits = Limits {
            workers: 1,
            window: 4,
            tasks_per_worker: 2,
            credit_return: 0,
        };
        let mut machine: Machine<()> = Machine::new(limits, false, Evidence { slots: Vec::new() });
        drop(machine.handle(Event::Work {
            members: vec![member(), member()],
        }));
        drop(machine.handle(Event::Ready(worker)));
        let actions = machine.handle(event);
        let killed = matches!(actions.as_slice(), [Action::Kill(id, why)] if *id == worker && why.contains(word));
        assert!(killed, "{word}: {actions:?}");
        let actions = machine.handle(Event::Died {
            worker,
            death: Death::Protocol(String::new()),
        });
        assert!(
            actions.iter().any(|action| matches!(action, Action::Spawn(_))),
            "its task goes to another: {actions:?}"
        );
    }
}

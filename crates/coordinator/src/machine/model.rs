//! A model of the whole: workers, pipes, a walk and a writer in one thread, moved in random order.
//!
//! Every step moves one thing: a message in some pipe, a worker by one statement, the walk, the writer, a clock, or death.
//! After each the laws are checked; when nothing can move and the run has not ended, something waits in a circle.

mod cases;
mod process;
mod worlds;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use tarquet_feature_map::trie::Trie;
use tarquet_wire::array::ArrayState;
use tarquet_wire::message::{Extent, SampleLimit, Shape, Span, Stretch};
use tarquet_wire::source::SourceId;

use process::{Process, State};

use super::*;

/// What a unit holds of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    /// The document's number in the archive. The offset of a member is the number of its first one.
    number: u64,
    /// The reason for which it failed.
    failed: Option<String>,
}

/// How many bytes a document has in a member of many.
const DOCUMENT_BYTES: u64 = 10;

impl Row {
    fn of(member: &Member) -> Row {
        Row {
            number: member.offset,
            failed: member.failed.as_ref().map(|failure| failure.reason.clone()),
        }
    }

    /// The documents of a stretch, each with the byte at which it begins.
    fn of_stretch(member: &Member, stretch: &Stretch) -> Vec<(u64, Row)> {
        let end = match stretch.shape {
            Shape::Lines => stretch.end,
            // Only those that end in what there is of it.
            Shape::Array => stretch.at + bytes(&member.extents),
        };
        let numbers = stretch.start / DOCUMENT_BYTES..end / DOCUMENT_BYTES;
        let row = |number: u64| {
            let at = number * DOCUMENT_BYTES;
            let failed = stretch.failed.iter().find(|failed| failed.at == at && !failed.is_rest);
            let row = Row {
                number: member.offset + number,
                failed: failed.map(|failed| failed.failure.reason.clone()),
            };
            (at, row)
        };
        numbers.map(row).collect()
    }
}

#[derive(Debug, Clone)]
struct World {
    workers: usize,
    window: u64,
    tasks_per_worker: usize,
    capacity: u64,
    /// Documents of all members together.
    members: u64,
    /// How many of a hundred members hold many documents.
    many: u32,
    largest_task: usize,
    sample: u64,
    /// One in so many steps is a death; 0 for never.
    death_every: u32,
    /// Members that abort their worker.
    poison: Vec<u64>,
    /// Members that their worker never comes to the end of.
    endless: Vec<u64>,
    /// A unit's weight is below this; above the capacity where units are oversized.
    heaviest: u64,
    /// The writer takes nothing in until nothing else can move.
    stalled: bool,
    /// The run is told to stop after so many steps.
    stop_after: Option<usize>,
}

/// A worker that died, and what it had written to its pipe.
struct Corpse {
    worker: WorkerId,
    death: Death,
    outbox: VecDeque<Event<Vec<Row>>>,
}

struct Model {
    world: World,
    random: SmallRng,
    machine: Machine<Vec<Row>>,
    processes: BTreeMap<WorkerId, Process>,
    dying: VecDeque<Corpse>,
    walked: u64,
    /// What is left of a member of many documents, and how many there were before.
    rest: Option<(u64, u64)>,
    /// An array that comes part by part.
    array: Option<Array>,
    /// Bytes of members that the walk gave out.
    given_out: u64,
    /// Whether a stretch was the last that the sample has of its member.
    sample_reached: bool,
    sample_ended: bool,
    work_ended: bool,
    schema_wanted: bool,
    writing: VecDeque<(WorkerId, u64, Vec<Row>)>,
    written: Vec<Row>,
    /// Members whose units the machine was told of.
    arrived: BTreeSet<u64>,
    released: u64,
    /// The weight of the heaviest unit that was sent on a pass.
    heaviest_pass: u64,
    /// The most that was sent and not absorbed, in bytes.
    most_unabsorbed: u64,
    stopped: bool,
    finished: bool,
}

/// An array of which parts were given out.
#[derive(Debug, Clone, Copy)]
struct Array {
    /// The number of its first document.
    first: u64,
    documents: u64,
    /// Where the next stretch begins; `None` until that is known.
    next: Option<u64>,
    /// Up to where its bytes were given out.
    end: u64,
}

/// What came of a run.
struct Outcome {
    written: Vec<Row>,
    most_unabsorbed: u64,
    stopped: bool,
}

impl Model {
    fn new(world: World, seed: u64) -> Model {
        let limits = Limits {
            workers: world.workers,
            window: world.window,
            tasks_per_worker: world.tasks_per_worker,
            credit: world.capacity,
            credit_return: world.capacity / 4,
            left_over: DOCUMENT_BYTES,
        };
        let machine = Machine::new(limits, world.sample > 0, Evidence { slots: Vec::new() });
        Model {
            random: SmallRng::seed_from_u64(seed),
            machine,
            processes: BTreeMap::new(),
            dying: VecDeque::new(),
            walked: 0,
            rest: None,
            array: None,
            given_out: 0,
            sample_reached: false,
            sample_ended: world.sample == 0,
            work_ended: false,
            schema_wanted: false,
            writing: VecDeque::new(),
            written: Vec::new(),
            arrived: BTreeSet::new(),
            released: 0,
            heaviest_pass: 0,
            most_unabsorbed: 0,
            stopped: false,
            finished: false,
            world,
        }
    }

    /// Runs to the end.
    fn run(mut self) -> Outcome {
        let mut steps = 0;
        while !self.finished {
            if self.world.stop_after == Some(steps) {
                self.stopped = true;
                self.tell(Event::Stop);
            } else {
                self.step();
            }
            self.check();
            steps += 1;
            assert!(steps < 2_000_000, "the run does not end");
        }
        while let Some((_, _, rows)) = self.writing.pop_front() {
            self.write(rows);
        }
        assert!(
            self.processes.is_empty() && self.dying.is_empty(),
            "a worker was left behind"
        );
        let first_missing = (0..).find(|number| !self.arrived.contains(number));
        let written = self.written.len() as u64;
        // What has arrived may wait for a stretch without documents, which is not looked at here.
        let is_delivered =
            first_missing.is_some_and(|missing| written == missing || written < missing && self.world.many > 0);
        assert!(
            is_delivered,
            "what arrived in order is delivered: {written} of {first_missing:?}"
        );
        if !self.stopped {
            assert_eq!(self.released, self.given_out, "bytes of members were kept");
        }
        Outcome {
            written: self.written,
            most_unabsorbed: self.most_unabsorbed,
            stopped: self.stopped,
        }
    }

    fn moves(&self) -> Vec<Move> {
        let mut moves = Vec::new();
        for (&worker, process) in &self.processes {
            if !process.outbox.is_empty() {
                moves.push(Move::Hear(worker));
            } else if process.state == State::Endless {
                moves.push(Move::FindOverdue(worker));
            }
            if process.can_step() {
                moves.push(Move::Work(worker));
            }
        }
        if !self.dying.is_empty() {
            moves.push(Move::Reap);
        }
        let waits = self.array.is_some_and(|array| array.next.is_none());
        if !self.work_ended && (!waits || self.sample_reached && !self.sample_ended) {
            moves.push(Move::Walk);
        }
        if self.schema_wanted {
            moves.push(Move::Decide);
        }
        if !self.writing.is_empty() && (!self.world.stalled || moves.is_empty()) {
            moves.push(Move::Write);
        }
        moves
    }

    fn step(&mut self) {
        let moves = self.moves();
        assert!(
            !moves.is_empty(),
            "nothing can move: {:#?} {:#?}",
            self.machine,
            self.processes
        );
        let chosen = moves[self.random.random_range(0..moves.len())];
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
            // Who asked for the stop kills what does not leave in time, and may find it overdue before.
            Move::FindOverdue(worker) if self.stopped && self.random.random_bool(0.5) => {
                self.kill(worker, Death::Signal(9));
            }
            Move::FindOverdue(worker) => self.tell(Event::Overdue { worker }),
            Move::Work(worker) => self.work(worker),
            Move::Reap => self.reap(),
            Move::Walk => self.walk(),
            Move::Decide => {
                self.schema_wanted = false;
                self.tell(Event::SchemaFixed(Box::new(empty_plan())));
            }
            Move::Write => {
                // The stall is over.
                self.world.stalled = false;
                let (worker, bytes, rows) = self.writing.pop_front().unwrap();
                self.write(rows);
                self.tell(Event::Absorbed { worker, bytes });
            }
        }
    }

    fn write(&mut self, rows: Vec<Row>) {
        for row in rows {
            assert_eq!(
                row.number,
                self.written.len() as u64,
                "rows are lost, doubled or out of order"
            );
            self.written.push(row);
        }
    }

    fn tell(&mut self, event: Event<Vec<Row>>) {
        if let Event::Unit { unit, .. } = &event {
            self.arrived.extend(unit.iter().map(|row| row.number));
        }
        for action in self.machine.handle(event) {
            self.act(action);
        }
    }

    fn act(&mut self, action: Action<Vec<Row>>) {
        assert!(!self.finished, "something was to be done after the end: {action:?}");
        match action {
            Action::Spawn { worker, credit } => {
                assert!(!self.stopped, "{worker} was started after the stop");
                let process = Process::new(credit, self.world.sample == 0);
                assert!(self.processes.insert(worker, process).is_none());
                assert!(self.processes.len() + self.dying.len() <= self.world.workers);
            }
            Action::Send(worker, message) => {
                let task = matches!(message, ToWorker::Task(_) | ToWorker::Sample(_));
                assert!(!task || !self.stopped, "{worker} was given a task after the stop");
                // To a worker that just died, the pipe is closed.
                if let Some(process) = self.processes.get_mut(&worker) {
                    process.inbox.push_back(message);
                }
            }
            Action::Kill(worker, Death::Timeout) => {
                assert_eq!(self.processes[&worker].state, State::Endless, "{worker} is innocent");
                self.kill(worker, Death::Timeout);
            }
            Action::Kill(worker, why) => panic!("{worker} is innocent: {why}"),
            Action::FixSchema(_) => {
                assert!(!self.stopped, "the types were decided after the stop");
                self.schema_wanted = true;
            }
            Action::Deliver { worker, bytes, unit } => self.writing.push_back((worker, bytes, unit)),
            Action::Sampled(left) => self.sample_reached |= self.array.is_some() && left.is_reached(),
            Action::Cut(cut) => {
                let array = self.array.as_mut().expect("an array");
                assert_eq!(array.next.replace(cut.at), None, "it ends once");
                assert!(cut.start == cut.at && array.end - cut.at < DOCUMENT_BYTES);
            }
            Action::Release { extents, .. } => self.released += bytes(&extents),
            Action::Replaced(worker, _) => assert!(!self.stopped, "{worker} was replaced after the stop"),
            Action::Finished | Action::Drained => {
                assert_eq!(matches!(action, Action::Drained), self.stopped);
                self.finished = true;
            }
            Action::GiveUp(death) => panic!("the machine gave up: {death}"),
        }
    }

    /// Whether one more death from outside is forgiven whomever it hits, and the machine not given up for it.
    fn may_kill(&self) -> bool {
        let dying = self.dying.len() + 1;
        // Members that fail have workers die as well, before anything gets done.
        let own = (self.world.workers + 1) * DEATHS_THAT_FAIL as usize;
        if self.machine.stillborn + dying >= STILLBORN_THAT_STOP
            || self.machine.barren_deaths + dying + own >= self.machine.patience()
        {
            return false;
        }
        self.machine.tasks.values().all(|task| {
            let suspected = task.suspicion.as_ref().map_or(0, |(_, blame)| blame.foreign);
            let blamed = task.blame.values().map(|blame| blame.foreign).max().unwrap_or(0);
            suspected + blamed < FOREIGN_DEATHS_FORGIVEN
        })
    }

    /// Ends a worker. What is in its pipe is still read, except for a unit that was not written to its end.
    fn kill(&mut self, worker: WorkerId, death: Death) {
        let mut outbox = self.processes.remove(&worker).unwrap().outbox;
        if matches!(outbox.back(), Some(Event::Unit { .. })) && self.random.random_bool(0.5) {
            outbox.pop_back();
        }
        self.dying.push_back(Corpse { worker, death, outbox });
    }

    fn reap(&mut self) {
        let Corpse { worker, death, outbox } = self.dying.pop_front().unwrap();
        for event in outbox {
            self.tell(event);
        }
        self.tell(Event::Died { worker, death });
    }

    fn walk(&mut self) {
        let is_between = self.rest.is_none() && self.array.is_none();
        let is_sampled = is_between && self.walked >= self.world.sample.min(self.world.members);
        if !self.sample_ended && (is_sampled || self.sample_reached) {
            self.sample_ended = true;
            return self.tell(Event::SampleEnded);
        }
        if self.walked == self.world.members && is_between {
            self.work_ended = true;
            return self.tell(Event::WorkEnded);
        }
        let limit = if self.sample_ended {
            self.world.members
        } else {
            self.world.sample.min(self.world.members)
        };
        let count = self.random.random_range(1..=self.world.largest_task);
        let mut members = Vec::new();
        while members.len() < count && (self.walked < limit || self.rest.is_some() || self.array.is_some()) {
            members.push(match self.array {
                Some(array) => self.next_part(array),
                None => self.next_member(limit - self.walked),
            });
            if self.array.is_some() {
                break;
            }
        }
        let source = SourceId(0);
        self.tell(Event::Work { source, members });
    }

    /// The next member, or stretch of one, of at most so many documents.
    fn next_member(&mut self, most: u64) -> Member {
        if self.rest.is_none() && self.random.random_range(0..100) >= self.world.many {
            self.walked += 1;
            self.given_out += 1;
            return member(self.walked - 1);
        }
        if self.rest.is_none() && self.random.random_bool(0.5) {
            let array = Array {
                first: self.walked,
                documents: self.random.random_range(0..=most.min(12)),
                next: Some(0),
                end: 0,
            };
            self.walked += array.documents;
            return self.next_part(array);
        }
        let (left, before) = match self.rest.take() {
            Some(rest) => rest,
            None => (self.random.random_range(0..=most.min(12)), 0),
        };
        let count = self.random.random_range(0..=left);
        let is_last = count == left && self.random.random_bool(0.7);
        if !is_last {
            self.rest = Some((left - count, before + count));
        }
        let mut stretch_of_it = member(self.walked - before);
        stretch_of_it.stretch = Some(stretch(before, before + count, is_last));
        self.walked += count;
        self.given_out += 1;
        stretch_of_it
    }

    /// The next stretch of an array: from where the one before has ended.
    fn next_part(&mut self, array: Array) -> Member {
        let at = array.next.expect("it is known where it begins");
        let len = array.documents * DOCUMENT_BYTES;
        let end = self.random.random_range(array.end..=len);
        let is_last = end == len && self.random.random_bool(0.7);
        self.given_out += end - array.end;
        self.array = (!is_last).then_some(Array {
            next: None,
            end,
            ..array
        });
        let extent = Extent {
            offset: 1_000_000 + at,
            len: end - at,
        };
        let sample = SampleLimit {
            documents: 100,
            bytes: 1_000,
        };
        Member {
            size: end - array.end,
            extents: [extent].into_iter().filter(|extent| extent.len > 0).collect(),
            stretch: Some(Stretch {
                shape: Shape::Array,
                at,
                is_open: !is_last,
                sample: if is_last { SampleLimit::default() } else { sample },
                ..stretch(at / DOCUMENT_BYTES, 0, is_last)
            }),
            ..member(array.first)
        }
    }

    fn work(&mut self, worker: WorkerId) {
        let process = self.processes.get_mut(&worker).unwrap();
        process.step(worker, &self.world, &mut self.random);
        self.heaviest_pass = self.heaviest_pass.max(process.heaviest_pass);
        match process.state {
            State::Left => self.kill(worker, Death::Exit(0)),
            State::Aborted => self.kill(worker, Death::Signal(6)),
            State::Waiting { .. } | State::Running | State::Endless => {}
        }
    }

    /// The laws that hold after every step.
    fn check(&mut self) {
        self.check_credit();
        self.check_budget();
        for state in self.machine.workers.values() {
            assert!(state.tasks.len() <= self.world.tasks_per_worker);
        }
    }

    /// No credit is made or lost.
    fn check_credit(&self) {
        for (worker, process) in &self.processes {
            let Some(state) = self.machine.workers.get(worker) else {
                continue;
            };
            let account = state.account;
            let under_way = weight(&process.outbox) + process.credit_coming();
            let all = process.balance.bytes() + (under_way + account.in_flight() + account.owed()) as i64;
            assert_eq!(all, state.granted as i64, "credit of {worker} is not conserved");
            assert!(state.granted <= self.world.capacity);
            let whole = state.granted == self.world.capacity;
            assert!(
                whole || self.machine.pool.orphaned > 0,
                "{worker} was not given all its credit"
            );
        }
    }

    /// What is sent and not absorbed stays within the budget that [`Limits::credit`] states.
    fn check_budget(&mut self) {
        let in_pipes = self.processes.values().map(|process| &process.outbox);
        let in_pipes = in_pipes.chain(self.dying.iter().map(|corpse| &corpse.outbox));
        let in_window = self.machine.tasks.values().flat_map(|task| &task.units);
        let unabsorbed = in_pipes.map(weight).sum::<u64>()
            + in_window.map(|(_, bytes, _)| bytes).sum::<u64>()
            + self.writing.iter().map(|(_, bytes, _)| bytes).sum::<u64>();
        let budget = self.world.workers as u64 * self.world.capacity + self.heaviest_pass;
        assert!(
            unabsorbed <= budget,
            "{unabsorbed} bytes are in flight; {budget} may be"
        );
        self.most_unabsorbed = self.most_unabsorbed.max(unabsorbed);
    }
}

#[derive(Debug, Clone, Copy)]
enum Move {
    Hear(WorkerId),
    FindOverdue(WorkerId),
    Work(WorkerId),
    Reap,
    Walk,
    Decide,
    Write,
}

/// What the units in a pipe weigh, in bytes.
fn weight(outbox: &VecDeque<Event<Vec<Row>>>) -> u64 {
    let weigh = |event: &Event<Vec<Row>>| match event {
        Event::Unit { bytes, .. } => *bytes,
        _ => 0,
    };
    outbox.iter().map(weigh).sum()
}

/// How many bytes some extents have.
fn bytes(extents: &[Extent]) -> u64 {
    extents.iter().map(|extent| extent.len).sum()
}

fn member(number: u64) -> Member {
    Member {
        name: Vec::new(),
        offset: number,
        size: 1,
        extents: vec![Extent { offset: number, len: 1 }],
        failed: None,
        stretch: None,
    }
}

/// The documents of these numbers in their member.
fn stretch(from: u64, to: u64, is_last: bool) -> Stretch {
    Stretch {
        shape: Shape::Lines,
        at: 0,
        start: from * DOCUMENT_BYTES,
        end: to * DOCUMENT_BYTES,
        is_last,
        is_open: false,
        state: ArrayState::Before,
        is_cut: false,
        careful_to: 0,
        failed: Vec::new(),
        sample: SampleLimit::default(),
    }
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

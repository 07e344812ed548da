//! Single cases that the model does not meet by itself.

use tarquet_wire::array::Cut;

use super::*;

const WORKER: WorkerId = WorkerId(0);

const TASK: TaskId = TaskId(0);

fn limits() -> Limits {
    Limits {
        workers: 1,
        window: 4,
        tasks_per_worker: 2,
        credit: 100,
        credit_return: 0,
        left_over: DOCUMENT_BYTES,
    }
}

fn machine(limits: Limits, sampling: bool) -> Machine<()> {
    Machine::new(limits, sampling, Evidence { slots: Vec::new() })
}

/// A machine whose only worker has a task of `members` members.
fn at_work(members: u64) -> Machine<()> {
    let mut machine = machine(limits(), false);
    let spawned = machine.handle(work(members));
    assert!(
        matches!(
            spawned.as_slice(),
            [Action::Spawn {
                worker: WORKER,
                credit: 100
            }]
        ),
        "{spawned:?}"
    );
    let given = machine.handle(Event::Ready(WORKER));
    assert!(
        matches!(given.as_slice(), [Action::Send(WORKER, ToWorker::Task(_))]),
        "{given:?}"
    );
    machine
}

fn work(members: u64) -> Event<()> {
    Event::Work {
        source: SourceId(0),
        members: (0..members).map(member).collect(),
    }
}

fn started(worker: WorkerId, first: u32, count: u32) -> Event<()> {
    Event::Started {
        worker,
        task: TASK,
        first,
        count,
        span: None,
    }
}

fn closes(members: u32) -> Closes {
    Closes {
        members,
        ended: members,
        within: 0,
        documents: u64::from(members),
    }
}

fn unit(members: u32, bytes: u64) -> Event<()> {
    Event::Unit {
        worker: WORKER,
        task: TASK,
        closes: closes(members),
        cut: None,
        bytes,
        unit: (),
    }
}

fn died(worker: WorkerId, death: Death) -> Event<()> {
    Event::Died { worker, death }
}

/// Answers every start with `end`, until the machine gives up; gives how many workers died.
fn give_up(machine: &mut Machine<()>, tasks: u64, end: impl Fn(WorkerId) -> Vec<Event<()>>) -> usize {
    let mut actions: VecDeque<Action<()>> = (0..tasks).flat_map(|_| machine.handle(work(1))).collect();
    let mut deaths = 0;
    while let Some(action) = actions.pop_front() {
        let Action::Spawn { worker, .. } = action else { continue };
        deaths += 1;
        let answer: Vec<Action<()>> = end(worker)
            .into_iter()
            .flat_map(|event| machine.handle(event))
            .collect();
        if let Some(Action::GiveUp(death)) = answer.last() {
            assert_eq!(*death, Death::Exit(127));
            return deaths;
        }
        actions.extend(answer);
    }
    panic!("the machine neither starts workers nor gives up");
}

#[test]
fn workers_that_die_before_they_are_ready_end_the_run_however_many_there_may_be() {
    for workers in [1, 2, 256] {
        let mut machine = machine(
            Limits {
                workers,
                window: 1_000,
                ..limits()
            },
            false,
        );
        let deaths = give_up(&mut machine, 300, |worker| vec![died(worker, Death::Exit(127))]);
        assert_eq!(deaths, STILLBORN_THAT_STOP, "{workers} workers");
    }
}

#[test]
fn workers_that_do_nothing_but_die_end_the_run() {
    let mut machine = machine(Limits { workers: 2, ..limits() }, false);
    let ready_and_gone = |worker| vec![Event::Ready(worker), died(worker, Death::Exit(127))];
    let deaths = give_up(&mut machine, 1, ready_and_gone);
    assert!(
        (10..30).contains(&deaths),
        "{deaths} workers died before the machine gave up"
    );
}

#[test]
fn one_worker_that_gets_ready_speaks_for_the_executable() {
    let mut machine = machine(
        Limits {
            workers: 20,
            window: 1_000,
            ..limits()
        },
        false,
    );
    let spawned = (0..20).flat_map(|_| machine.handle(work(1))).count();
    assert_eq!(spawned, 20);
    let mut give_ups = |from: u64, to: u64| {
        let deaths = (from..to).flat_map(|id| machine.handle(died(WorkerId(id), Death::Exit(1))));
        deaths.filter(|action| matches!(action, Action::GiveUp(_))).count()
    };
    assert_eq!(give_ups(0, 9), 0);
    drop(machine.handle(Event::Ready(WorkerId(9))));
    let mut give_ups = |from: u64, to: u64| {
        let deaths = (from..to).flat_map(|id| machine.handle(died(WorkerId(id), Death::Exit(1))));
        deaths.filter(|action| matches!(action, Action::GiveUp(_))).count()
    };
    assert_eq!(give_ups(10, 19), 0, "the count begins anew");
    assert_eq!(give_ups(19, 20), 1);
}

#[test]
fn a_worker_that_breaks_the_protocol_is_ended() {
    let done = |task| Event::TaskDone { worker: WORKER, task };
    let broken: Vec<(&str, Event<()>)> = vec![
        ("ready", Event::Ready(WORKER)),
        ("does not have", done(TaskId(9))),
        ("open", done(TASK)),
        ("closed", unit(3, 0)),
        ("closed", unit(0, 0)),
        ("credit", unit(1, 101)),
        ("started", started(WORKER, 1, 2)),
        ("started", started(WORKER, u32::MAX, u32::MAX)),
        (
            "sample",
            Event::SampleDone {
                worker: WORKER,
                task: TASK,
                evidence: Evidence { slots: Vec::new() },
                left: None,
                cut: None,
            },
        ),
    ];
    for (word, event) in broken {
        let mut machine = at_work(2);
        let actions = machine.handle(event);
        let killed = matches!(actions.as_slice(), [Action::Kill(WORKER, Death::Protocol(why))] if why.contains(word));
        assert!(killed, "{word}: {actions:?}");
        assert!(
            machine.handle(unit(2, 1)).is_empty(),
            "{word}: what it says counts no more"
        );
        let actions = machine.handle(died(WORKER, Death::Protocol(String::new())));
        let replaced = actions.iter().any(|action| matches!(action, Action::Spawn { .. }));
        assert!(replaced, "its task goes to another: {actions:?}");
    }
}

/// So that what a worker can say while nobody listens is bounded by its tasks.
#[test]
fn a_worker_that_repeats_itself_is_ended() {
    let blocked = |request| Event::Blocked {
        worker: WORKER,
        task: TASK,
        request,
    };
    let pairs: [(&str, [Event<()>; 2]); 3] = [
        ("had started", [started(WORKER, 0, 2), started(WORKER, 1, 1)]),
        ("had started", [started(WORKER, 1, 1), started(WORKER, 0, 1)]),
        ("twice", [blocked(0), blocked(1)]),
    ];
    for (word, [first, again]) in pairs {
        let mut machine = at_work(2);
        let before = machine.handle(first);
        assert!(
            !before.iter().any(|action| matches!(action, Action::Kill(..))),
            "{before:?}"
        );
        let actions = machine.handle(again);
        let killed = matches!(actions.as_slice(), [Action::Kill(WORKER, Death::Protocol(why))] if why.contains(word));
        assert!(killed, "{word}: {actions:?}");
    }
}

#[test]
fn credit_is_held_against_what_was_granted_and_not_absorbed() {
    let mut machine = at_work(9);
    drop(machine.handle(unit(1, 60)));
    drop(machine.handle(Event::Absorbed {
        worker: WORKER,
        bytes: 60,
    }));
    drop(machine.handle(unit(1, 100)));
    let actions = machine.handle(unit(1, 1));
    assert!(
        matches!(actions.as_slice(), [Action::Kill(WORKER, Death::Protocol(_))]),
        "{actions:?}"
    );
}

#[test]
fn a_replacement_begins_with_what_the_dead_left_of_the_credit() {
    let mut machine = at_work(9);
    drop(machine.handle(unit(1, 70)));
    let replacement = WorkerId(1);
    let actions = machine.handle(died(WORKER, Death::Signal(11)));
    assert!(
        matches!(actions.as_slice(), [Action::Replaced(..), Action::Spawn { worker, credit: 30 }] if *worker == replacement),
        "{actions:?}"
    );
    let actions = machine.handle(Event::Absorbed {
        worker: WORKER,
        bytes: 70,
    });
    assert!(
        matches!(actions.as_slice(), [Action::Send(worker, ToWorker::Credit { bytes: 70 })] if *worker == replacement),
        "{actions:?}"
    );
}

#[test]
fn only_a_worker_with_a_member_in_hand_is_overdue() {
    let overdue = || Event::Overdue { worker: WORKER };
    let mut machine = at_work(1);
    assert!(machine.handle(overdue()).is_empty(), "it has started nothing");
    drop(machine.handle(started(WORKER, 0, 1)));
    let actions = machine.handle(overdue());
    assert!(
        matches!(actions.as_slice(), [Action::Kill(WORKER, Death::Timeout)]),
        "{actions:?}"
    );
    assert!(machine.handle(overdue()).is_empty(), "once is enough");

    let mut machine = at_work(1);
    drop(machine.handle(started(WORKER, 0, 1)));
    drop(machine.handle(unit(1, 0)));
    drop(machine.handle(Event::TaskDone {
        worker: WORKER,
        task: TASK,
    }));
    assert!(machine.handle(overdue()).is_empty(), "it is done");
    assert!(machine.handle(Event::Overdue { worker: WorkerId(99) }).is_empty());
}

/// Has the workers of a task's only member die by these deaths, one after the other; gives how often it was tried and how
/// it failed.
fn failed_after(deaths: &[Death]) -> (usize, Option<(String, String)>) {
    let mut machine = at_work(1);
    for (at, death) in deaths.iter().enumerate() {
        let worker = WorkerId(at as u64);
        drop(machine.handle(started(worker, 0, 1)));
        drop(machine.handle(died(worker, death.clone())));
        let replacement = WorkerId(at as u64 + 1);
        let actions = machine.handle(Event::Ready(replacement));
        let [Action::Send(_, ToWorker::Task(task))] = actions.as_slice() else {
            panic!("{actions:?}");
        };
        assert!(task.careful, "it is tried again alone");
        if let Some(failure) = task.members[0].failed.clone() {
            return (at + 1, Some((failure.reason, failure.detail)));
        }
    }
    (deaths.len(), None)
}

#[test]
fn a_failed_member_tells_how_its_last_worker_died() {
    let (segv, kill, exit) = (Death::Signal(11), Death::Signal(9), Death::Exit(7));
    let cases = [
        (
            vec![segv.clone(), segv.clone()],
            2,
            "crash",
            "the last time it was killed by SIGSEGV",
        ),
        (vec![segv.clone(), Death::Signal(6)], 2, "crash", "killed by SIGABRT"),
        (vec![Death::Timeout, Death::Timeout], 2, "timeout", "--member-timeout"),
        (vec![segv.clone(), Death::Timeout], 2, "timeout", "--member-timeout"),
        (vec![Death::Timeout, exit.clone()], 2, "crash", "left with status 7"),
        (
            vec![kill.clone(), kill.clone(), kill.clone(), exit, segv],
            5,
            "crash",
            "killed by SIGSEGV",
        ),
        (vec![kill; 5], 5, "crash", "killed by SIGKILL"),
        (vec![Death::Signal(15); 5], 5, "crash", "killed by SIGTERM"),
    ];
    for (deaths, tries, reason, detail) in cases {
        let (tried, failure) = failed_after(&deaths);
        let (told, text) = failure.unwrap_or_else(|| panic!("{deaths:?}"));
        assert_eq!((tried, told.as_str()), (tries, reason), "{deaths:?}");
        assert!(text.contains(detail), "{deaths:?}: {text}");
    }
}

/// Has members one after the other die by this, twice each; gives how many were failed before the run gave up, if it did.
fn failed_until_it_gave_up(members: u64, death: &Death) -> (usize, bool) {
    let mut machine = at_work(members);
    let (mut failed, mut position) = (0, 0);
    for number in 0.. {
        let worker = WorkerId(number);
        drop(machine.handle(started(worker, position, 1)));
        let actions = machine.handle(died(worker, death.clone()));
        if let Some(Action::GiveUp(last)) = actions.last() {
            assert_eq!(last, death);
            return (failed, true);
        }
        let actions = machine.handle(Event::Ready(WorkerId(number + 1)));
        let [Action::Send(_, ToWorker::Task(task))] = actions.as_slice() else {
            panic!("{actions:?}");
        };
        position = 0;
        if task.members[0].failed.is_some() {
            failed += 1;
            if failed as u64 == members {
                break;
            }
            // It is closed in its place, and the next one is begun with.
            let worker = WorkerId(number + 1);
            drop(machine.handle(started(worker, 0, 1)));
            drop(machine.handle(Event::Unit {
                worker,
                task: TASK,
                closes: closes(1),
                cut: None,
                bytes: 0,
                unit: (),
            }));
            position = 1;
        }
    }
    (failed, false)
}

#[test]
fn the_sandbox_fails_two_members_and_with_the_third_the_run_ends() {
    for call in [Some(41), None] {
        assert_eq!(failed_until_it_gave_up(9, &Death::Sandbox { call }), (2, true));
    }
    assert_eq!(failed_until_it_gave_up(9, &Death::Signal(11)), (9, false));
    assert_eq!(failed_until_it_gave_up(2, &Death::Sandbox { call: None }), (2, false));
}

#[test]
fn deaths_that_do_not_count_fail_nobody() {
    for deaths in [
        vec![Death::Signal(9); 4],
        vec![Death::Timeout],
        vec![Death::Signal(15), Death::Signal(9), Death::Exit(1)],
    ] {
        assert_eq!(failed_after(&deaths), (deaths.len(), None), "{deaths:?}");
    }
}

/// A slow disk has workers wait with a member in hand, for as long as it takes: they are killed then more often than a
/// member is forgiven, and than a run puts up with deaths without anything done.
#[test]
fn kills_of_workers_that_wait_for_credit_fail_nobody() {
    let mut machine = at_work(1);
    let mut die_waiting = |number: u64, death: Death| {
        let worker = WorkerId(number);
        let blocked = Event::Blocked {
            worker,
            task: TASK,
            request: 1_000,
        };
        for event in [started(worker, 0, 1), blocked, died(worker, death)] {
            drop(machine.handle(event));
        }
        let actions = machine.handle(Event::Ready(WorkerId(number + 1)));
        let [Action::Send(_, ToWorker::Task(task))] = actions.as_slice() else {
            panic!("{actions:?}");
        };
        task.members[0].failed.clone()
    };
    for number in 0..100 {
        assert_eq!(die_waiting(number, Death::Signal(9)), None, "kill {number}");
    }
    // What a worker does by itself counts whenever it does it.
    assert_eq!(die_waiting(100, Death::Signal(11)), None);
    assert!(die_waiting(101, Death::Signal(11)).is_some());
}

#[test]
fn a_death_reads_on_from_its_subject() {
    let cases = [
        (Death::Signal(11), "was killed by SIGSEGV"),
        (Death::Signal(6), "was killed by SIGABRT"),
        (Death::Signal(40), "was killed by signal 40"),
        (Death::Exit(101), "left with status 101"),
        (
            Death::Protocol("a frame too many".to_owned()),
            "broke the protocol: a frame too many",
        ),
        (
            Death::Timeout,
            "was killed for taking longer than --member-timeout allows",
        ),
        (
            Death::Sandbox { call: None },
            "was killed by SIGSYS, which is how a sandbox stops a process",
        ),
    ];
    for (death, text) in cases {
        assert_eq!(death.to_string(), text);
    }
}

#[test]
fn a_stop_without_workers_ends_at_once() {
    for sampling in [true, false] {
        let mut machine = machine(limits(), sampling);
        let actions = machine.handle(Event::Stop);
        assert!(matches!(actions.as_slice(), [Action::Drained]), "{actions:?}");
        assert!(machine.handle(work(1)).is_empty(), "nothing follows");
    }
}

#[test]
fn a_stop_sends_every_worker_away_once() {
    let mut machine = at_work(2);
    let actions = machine.handle(Event::Stop);
    assert!(
        matches!(actions.as_slice(), [Action::Send(WORKER, ToWorker::Finish)]),
        "{actions:?}"
    );
    assert!(machine.handle(Event::Stop).is_empty());
    let actions = machine.handle(unit(1, 10));
    assert!(
        matches!(actions.as_slice(), [Action::Deliver { bytes: 10, .. }]),
        "{actions:?}"
    );
    let actions = machine.handle(died(WORKER, Death::Exit(0)));
    assert!(matches!(actions.as_slice(), [Action::Drained]), "{actions:?}");
}

#[test]
fn a_stop_when_all_is_delivered_is_a_stop_all_the_same() {
    let mut machine = at_work(1);
    drop(machine.handle(Event::WorkEnded));
    drop(machine.handle(unit(1, 0)));
    let actions = machine.handle(Event::TaskDone {
        worker: WORKER,
        task: TASK,
    });
    assert!(
        matches!(
            actions.as_slice(),
            [Action::Release { .. }, Action::Send(WORKER, ToWorker::Finish)]
        ),
        "{actions:?}"
    );
    assert!(machine.handle(Event::Stop).is_empty(), "it was told to leave");
    let actions = machine.handle(died(WORKER, Death::Exit(0)));
    assert!(matches!(actions.as_slice(), [Action::Drained]), "{actions:?}");
}

#[test]
fn a_stop_while_the_types_are_decided_drops_them() {
    let mut machine = machine(limits(), true);
    drop(machine.handle(work(1)));
    drop(machine.handle(Event::Ready(WORKER)));
    drop(machine.handle(Event::SampleEnded));
    let actions = machine.handle(Event::SampleDone {
        worker: WORKER,
        task: TASK,
        evidence: Evidence { slots: Vec::new() },
        left: None,
        cut: None,
    });
    assert!(matches!(actions.as_slice(), [Action::FixSchema(_)]), "{actions:?}");
    drop(machine.handle(Event::Stop));
    assert!(machine.handle(Event::SchemaFixed(Box::new(empty_plan()))).is_empty());
    let actions = machine.handle(died(WORKER, Death::Exit(0)));
    assert!(matches!(actions.as_slice(), [Action::Drained]), "{actions:?}");
}

/// A machine whose only worker has a stretch of ten documents, and a member behind it.
fn at_many() -> Machine<()> {
    let mut machine = machine(limits(), false);
    let mut many = member(0);
    many.stretch = Some(stretch(0, 10, true));
    drop(machine.handle(Event::Work {
        source: SourceId(0),
        members: vec![many, member(10)],
    }));
    drop(machine.handle(Event::Ready(WORKER)));
    machine
}

fn span(worker: u64, from: u64, to: u64, is_one: bool) -> Event<()> {
    Event::Started {
        worker: WorkerId(worker),
        task: TASK,
        first: 0,
        count: 1,
        span: Some(Span { from, to, is_one }),
    }
}

/// The end of a worker, after which the next one is ready; gives the stretch that it is sent.
fn replaced(machine: &mut Machine<()>, worker: u64) -> (Stretch, bool) {
    drop(machine.handle(died(WorkerId(worker), Death::Signal(6))));
    let actions = machine.handle(Event::Ready(WorkerId(worker + 1)));
    let [Action::Send(_, ToWorker::Task(task))] = actions.as_slice() else {
        panic!("{actions:?}");
    };
    (task.members[0].stretch.clone().unwrap(), task.careful)
}

fn part_of_stretch(within: u64) -> Event<()> {
    let closes = Closes {
        within,
        documents: 2,
        ..Closes::default()
    };
    Event::Unit {
        worker: WORKER,
        task: TASK,
        closes,
        cut: None,
        bytes: 1,
        unit: (),
    }
}

#[test]
fn a_document_of_many_fails_and_the_others_are_gone_on_with() {
    let mut machine = at_many();
    drop(machine.handle(span(0, 0, 0, false)));
    drop(machine.handle(span(0, 0, 80, false)));
    drop(machine.handle(part_of_stretch(20)));
    // Behind what is closed, each document up to what was announced is suspect.
    let (sent, careful) = replaced(&mut machine, 0);
    assert_eq!((sent.start, sent.careful_to, careful), (20, 80, true));
    assert_eq!(sent.failed, []);
    drop(machine.handle(span(1, 40, 50, true)));
    let (sent, _) = replaced(&mut machine, 1);
    let [failed] = &sent.failed[..] else {
        panic!("{sent:?}");
    };
    assert_eq!(
        (failed.at, failed.is_rest, failed.failure.reason.as_str()),
        (40, false, "crash")
    );
}

#[test]
fn who_cannot_be_read_on_fails_from_there() {
    let mut machine = at_many();
    for worker in 0..2 {
        drop(machine.handle(span(worker, 0, 30, false)));
        drop(machine.handle(span(worker, 30, 30, false)));
        let (sent, _) = replaced(&mut machine, worker);
        let places: Vec<(u64, bool)> = sent.failed.iter().map(|failed| (failed.at, failed.is_rest)).collect();
        assert_eq!(places, [(30, true)][..worker as usize], "after death {worker}");
    }
}

#[test]
fn a_unit_closes_documents_that_follow_and_are_there() {
    let sound = |closes| {
        let mut machine = at_many();
        drop(machine.handle(part_of_stretch(20)));
        let event = Event::Unit {
            worker: WORKER,
            task: TASK,
            closes,
            cut: None,
            bytes: 1,
            unit: (),
        };
        !machine
            .handle(event)
            .iter()
            .any(|action| matches!(action, Action::Kill(..)))
    };
    let base = Closes {
        members: 1,
        ended: 1,
        within: 0,
        documents: 50,
    };
    let cases = [
        (true, base),
        (
            true,
            Closes {
                members: 2,
                ended: 2,
                ..base
            },
        ),
        (
            true,
            Closes {
                members: 0,
                ended: 0,
                within: 21,
                ..base
            },
        ),
        (
            false,
            Closes {
                members: 0,
                ended: 0,
                within: 20,
                ..base
            },
        ),
        (
            false,
            Closes {
                members: 0,
                ended: 0,
                within: 7,
                ..base
            },
        ),
        (false, Closes { ended: 0, ..base }),
        (false, Closes { members: 2, ..base }),
        (
            false,
            Closes {
                members: 3,
                ended: 3,
                ..base
            },
        ),
        // Behind the stretch is a member of one document.
        (false, Closes { within: 5, ..base }),
    ];
    for (expected, closes) in cases {
        assert_eq!(sound(closes), expected, "{closes:?}");
    }
}

#[test]
fn what_is_left_of_a_sample_is_no_more_than_there_was() {
    let limit = SampleLimit {
        documents: 9,
        bytes: 100,
    };
    let mut many = member(0);
    many.stretch = Some(Stretch {
        sample: limit,
        ..stretch(0, 10, true)
    });
    let cases = [
        (Some(many.clone()), Some(limit), true),
        (Some(many.clone()), Some(SampleLimit { documents: 10, ..limit }), false),
        (Some(many.clone()), Some(SampleLimit { bytes: 101, ..limit }), false),
        (Some(many), None, false),
        (None, Some(limit), false),
        (None, None, true),
    ];
    for (many, left, is_sound) in cases {
        let mut machine = machine(limits(), true);
        let members = vec![many.unwrap_or_else(|| member(0))];
        let source = SourceId(0);
        drop(machine.handle(Event::Work { source, members }));
        drop(machine.handle(Event::Ready(WORKER)));
        let actions = machine.handle(Event::SampleDone {
            worker: WORKER,
            task: TASK,
            evidence: Evidence { slots: Vec::new() },
            left,
            cut: None,
        });
        match (is_sound, left, actions.as_slice()) {
            (true, Some(left), [Action::Sampled(told)]) => assert_eq!(*told, left),
            (true, None, []) | (false, _, [Action::Kill(WORKER, Death::Protocol(_))]) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// A machine whose only worker has an open stretch of 40 bytes, from byte 100 on.
fn at_open(sampling: bool) -> Machine<()> {
    let mut open = member(0);
    open.extents = [(500, 15), (700, 25)]
        .map(|(offset, len)| Extent { offset, len })
        .to_vec();
    open.stretch = Some(Stretch {
        shape: Shape::Array,
        at: 100,
        is_open: true,
        sample: SampleLimit {
            documents: 9,
            bytes: 100,
        },
        ..stretch(9, 0, false)
    });
    let mut machine = machine(limits(), sampling);
    drop(machine.handle(Event::Work {
        source: SourceId(0),
        members: vec![open],
    }));
    drop(machine.handle(Event::Ready(WORKER)));
    machine
}

fn cut(start: u64, at: u64, state: ArrayState) -> Option<Cut> {
    Some(Cut { start, at, state })
}

fn ends_open_stretch(cut: Option<Cut>) -> Event<()> {
    Event::Unit {
        worker: WORKER,
        task: TASK,
        closes: Closes {
            members: 1,
            ..Closes::default()
        },
        cut,
        bytes: 0,
        unit: (),
    }
}

fn samples_open_stretch(documents: u64, cut: Option<Cut>) -> Event<()> {
    Event::SampleDone {
        worker: WORKER,
        task: TASK,
        evidence: Evidence { slots: Vec::new() },
        left: Some(SampleLimit { documents, bytes: 50 }),
        cut,
    }
}

#[test]
fn an_open_stretch_ends_within_what_it_has() {
    let between = ArrayState::Between { is_first: false };
    let broken = ArrayState::Broken {
        offset: None,
        failure: blame::failure(&Death::Timeout),
    };
    let cases = [
        (true, cut(138, 139, between.clone())),
        (true, cut(90, 130, between.clone())),
        (true, cut(140, 140, between.clone())),
        (false, None),
        // More is left over than a document has.
        (false, cut(120, 129, between.clone())),
        // Where nothing is read on, nothing is left over.
        (true, cut(90, 100, broken)),
        (false, cut(90, 99, between.clone())),
        (false, cut(90, 141, between.clone())),
        (false, cut(89, 139, between.clone())),
        (false, cut(140, 139, between)),
    ];
    for (is_sound, cut) in cases {
        for sampling in [false, true] {
            let event = match sampling {
                true => samples_open_stretch(5, cut.clone()),
                false => ends_open_stretch(cut.clone()),
            };
            let actions = at_open(sampling).handle(event);
            let told = actions
                .iter()
                .any(|action| matches!(action, Action::Cut(told) if Some(told) == cut.as_ref()));
            let killed = matches!(actions.as_slice(), [Action::Kill(WORKER, Death::Protocol(_))]);
            assert_eq!((told, killed), (is_sound, !is_sound), "{cut:?}: {actions:?}");
        }
    }
}

/// Its last bytes are the next one's, and released with that.
#[test]
fn an_open_stretch_gives_back_what_is_before_its_end() {
    for (at, kept) in [(140, vec![15, 25]), (131, vec![15, 16])] {
        let mut machine = at_open(false);
        drop(machine.handle(ends_open_stretch(cut(120, at, ArrayState::Behind))));
        let actions = machine.handle(Event::TaskDone {
            worker: WORKER,
            task: TASK,
        });
        let [Action::Release { extents, .. }] = actions.as_slice() else {
            panic!("{actions:?}");
        };
        assert_eq!(extents.iter().map(|extent| extent.len).collect::<Vec<_>>(), kept);
    }
}

/// Where the sample ends within it, it is told when it is extracted, and else when it is sampled: once.
#[test]
fn where_an_open_stretch_ends_is_told_once() {
    for (documents, within_sample) in [(0, false), (1, true)] {
        let here = || cut(138, 139, ArrayState::Behind);
        let is_told = |actions: Vec<Action<()>>| actions.iter().any(|action| matches!(action, Action::Cut(_)));
        let mut machine = at_open(true);
        let sampled = samples_open_stretch(documents, here().filter(|_| within_sample));
        assert_eq!(is_told(machine.handle(sampled)), within_sample);
        drop(machine.handle(Event::SampleEnded));
        let given = machine.handle(Event::SchemaFixed(Box::new(empty_plan())));
        let [.., Action::Send(WORKER, ToWorker::Task(task))] = given.as_slice() else {
            panic!("{given:?}");
        };
        let stretch = task.members[0].stretch.as_ref().expect("a stretch");
        assert_eq!(stretch.is_open, !within_sample);
        assert_eq!(bytes(&task.members[0].extents), if within_sample { 39 } else { 40 });
        let extracted = ends_open_stretch(here().filter(|_| !within_sample));
        assert_eq!(is_told(machine.handle(extracted)), !within_sample);
    }
}

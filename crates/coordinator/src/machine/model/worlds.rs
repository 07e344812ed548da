//! Runs of the model in one world after the other.

use super::*;

fn world() -> World {
    World {
        workers: 4,
        window: 12,
        tasks_per_worker: 2,
        capacity: 1_000,
        members: 120,
        many: 0,
        largest_task: 5,
        sample: 0,
        death_every: 0,
        poison: Vec::new(),
        endless: Vec::new(),
        heaviest: 900,
        stalled: false,
        stop_after: None,
    }
}

/// A world with little of everything, or much of it.
fn any_world(seed: u64) -> World {
    let mut random = SmallRng::seed_from_u64(seed);
    let capacity = [0, 1, 100, 1_000, 4_000][random.random_range(0..5)];
    World {
        workers: random.random_range(1..=6),
        window: random.random_range(1..=40),
        tasks_per_worker: random.random_range(1..=3),
        capacity,
        members: random.random_range(0..=150),
        many: [0, 20, 100][random.random_range(0..3)],
        largest_task: random.random_range(1..=8),
        sample: if random.random_bool(0.7) {
            0
        } else {
            random.random_range(1..=60)
        },
        death_every: [0, 0, 40, 100][random.random_range(0..4)],
        poison: Vec::new(),
        endless: Vec::new(),
        heaviest: random.random_range(1..=capacity * 2 + 10),
        stalled: false,
        stop_after: None,
    }
}

/// Runs one world to its end: every member is there, and those that are to fail, and no others, failed.
fn run(world: &World, seed: u64) -> Outcome {
    let outcome = Model::new(world.clone(), seed).run();
    assert_eq!(outcome.written.len(), world.members as usize, "seed {seed}");
    for Row { number, failed } in &outcome.written {
        let expected = match number {
            number if world.poison.contains(number) => Some("crash"),
            number if world.endless.contains(number) => Some("timeout"),
            _ => None,
        };
        assert_eq!(failed.as_deref(), expected, "seed {seed}: member {number}");
    }
    outcome
}

fn run_all(world: &World, seeds: u64) {
    for seed in 0..seeds {
        run(world, seed);
    }
}

#[test]
fn an_undisturbed_run_keeps_the_laws() {
    run_all(&world(), 200);
}

#[test]
fn every_world_keeps_the_laws() {
    for seed in 0..400 {
        run(&any_world(seed), seed);
    }
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
fn endless_members_fail_alone() {
    run_all(
        &World {
            endless: vec![0, 17, 18, 19, 77, 119],
            ..world()
        },
        100,
    );
    run_all(
        &World {
            endless: vec![5, 6, 50],
            poison: vec![4, 7, 51, 52],
            sample: 30,
            ..world()
        },
        100,
    );
    run_all(
        &World {
            endless: vec![40, 41],
            death_every: 100,
            capacity: 1,
            heaviest: 10,
            ..world()
        },
        100,
    );
}

/// In members of many documents too, in arrays that come part by part, and while the types are looked at.
#[test]
fn documents_among_many_fail_alone() {
    for sample in [0, 30, 1_000] {
        let world = World {
            many: 90,
            sample,
            poison: vec![0, 17, 18, 19, 77, 119],
            endless: vec![5, 20, 78, 118],
            ..world()
        };
        run_all(&world, 100);
        // One that has no end may be killed from outside while it goes on, and then fails for that.
        run_all(
            &World {
                endless: Vec::new(),
                death_every: 100,
                capacity: 1,
                heaviest: 10,
                ..world
            },
            100,
        );
    }
}

#[test]
fn a_run_can_be_stopped_at_any_step() {
    let mut stopped_within = 0;
    for seed in 0..1_500 {
        let mut random = SmallRng::seed_from_u64(seed);
        let world = World {
            poison: vec![3, 30],
            endless: vec![20, 21, 60],
            stop_after: Some(random.random_range(0..1_500)),
            ..any_world(seed)
        };
        // That rows are in order, and all that arrived in order are there, is checked in every run.
        let outcome = Model::new(world.clone(), seed).run();
        let rows = outcome.written.len() as u64;
        stopped_within += usize::from(outcome.stopped && rows > 0 && rows < world.members);
    }
    assert!(
        stopped_within > 100,
        "only {stopped_within} runs were stopped while they had something to deliver"
    );
}

#[test]
fn a_stalled_writer_is_waited_for_within_the_budget() {
    // The bound itself is checked after every step of every run; here it is met by every worker that there is.
    for seed in 0..60 {
        let world = World {
            workers: 1 + seed as usize % 9,
            capacity: 500 + seed * 20,
            heaviest: 400,
            members: 400,
            window: 1_000,
            stalled: true,
            ..world()
        };
        let most = run(&world, seed).most_unabsorbed;
        // Who is blocked has less credit left than a unit weighs.
        let least = world.workers as u64 * (world.capacity - world.heaviest);
        assert!(
            most > least,
            "seed {seed}: it held {most} bytes at most, and {least} without being blocked"
        );
    }
}

#[test]
fn a_stalled_writer_gets_everything_once_it_goes_on() {
    for seed in 0..400 {
        run(
            &World {
                stalled: true,
                ..any_world(seed)
            },
            seed,
        );
    }
}

#[test]
fn deaths_do_not_widen_the_budget() {
    run_all(
        &World {
            death_every: 8,
            stalled: true,
            members: 200,
            window: 100,
            capacity: 300,
            heaviest: 250,
            ..world()
        },
        100,
    );
}

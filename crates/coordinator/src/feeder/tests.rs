use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use tarquet_archive::Spool;

use super::gate::{NAMES_AHEAD, TASKS_AHEAD};
use super::*;
use crate::archives::Archives;
use crate::settings::{Several, Source};
use crate::trail::Trail;

const SIZE: u64 = TASK_BYTES;

/// A walk over members of one task each, whose bytes are holes in a file.
fn feed(members: usize, sample: u64) -> (Receiver<Input>, Gate) {
    feed_behind_long_names(0, members, sample)
}

/// The same, and members before it that have no bytes, but names of nearly a mebibyte.
fn feed_behind_long_names(named: usize, members: usize, sample: u64) -> (Receiver<Input>, Gate) {
    let mut archive = tar::Builder::new(tempfile::NamedTempFile::new().unwrap());
    for number in 0..named {
        let name = format!("{}{number:03}", "n".repeat(LONG_NAME - 3));
        archive.append_pax_extensions([("path", name.as_bytes())]).unwrap();
        let mut header = tar::Header::new_ustar();
        header.set_size(0);
        archive.append_data(&mut header, "x", std::io::empty()).unwrap();
    }
    let archive = archive.into_inner().unwrap();
    let file = archive.as_file();
    let end_marker = 1024;
    let begin = file.metadata().unwrap().len() - end_marker;
    for number in 0..members as u64 {
        write_header(file, begin + number * (512 + SIZE), SIZE, &format!("{number}.json"));
    }
    file.set_len(begin + members as u64 * (512 + SIZE) + end_marker)
        .unwrap();
    feed_from(archive.path(), sample)
}

const LONG_NAME: usize = (1 << 20) - 100;

fn feed_from(path: &std::path::Path, sample: u64) -> (Receiver<Input>, Gate) {
    let (inputs, receiver) = channel();
    let gate = Gate::default();
    let source = Source::File(path.to_owned());
    let mut course = Course {
        archives: Archives::open(&[source], Several::No, None).unwrap(),
        read: None,
        points: None,
        ignore_zeros: false,
        inflate_threads: 1,
        trail: Trail::default(),
        spool: None,
        next: 0,
    };
    let leg = course.go_on(Spool::without_memory(), 0, &mut Vec::new()).unwrap();
    let Leg {
        walk,
        source,
        position,
        name,
    } = leg.expect("an archive");
    let feeder = Feeder {
        walk,
        source,
        position,
        name,
        course,
        behind: Behind::default(),
        index: None,
        wanted: Box::new(|_| true),
        portion: Portion::default(),
        committed: 0,
        committed_bytes: 0,
        documents: Documents::Auto,
        stretch_bytes: TASK_BYTES,
        max_document_bytes: SIZE,
        plan: Arc::new(tarquet_feature_map::parse("map.yaml", "{id: doc, features: {a: $.a}}").unwrap()),
        sample,
        gate: gate.clone(),
        counters: Arc::default(),
        inputs,
    };
    thread::spawn(move || feeder.run());
    (receiver, gate)
}

fn write_header(file: &File, at: u64, size: u64, name: &str) {
    let mut header = tar::Header::new_ustar();
    header.set_path(name).unwrap();
    header.set_size(size);
    header.set_cksum();
    file.write_all_at(header.as_bytes(), at).unwrap();
}

fn next(inputs: &Receiver<Input>) -> Input {
    inputs.recv_timeout(Duration::from_secs(20)).expect("the walk goes on")
}

#[test]
fn a_sample_of_more_tasks_than_may_be_open_comes_to_its_end() {
    let sample = TASKS_AHEAD + 40;
    let (inputs, gate) = feed(sample + 5, sample as u64);
    for _ in 0..sample {
        assert!(matches!(next(&inputs), Input::Work { .. }));
    }
    // Nothing is done so far, and nothing has to be.
    assert!(matches!(next(&inputs), Input::Machine(Event::SampleEnded)));
    (0..sample).for_each(|_| gate.leave());
    for _ in 0..5 {
        assert!(matches!(next(&inputs), Input::Work { .. }));
    }
    assert!(matches!(next(&inputs), Input::Walked(walked) if walked.endings.is_empty()));
}

#[test]
fn the_names_of_the_tasks_ahead_are_few_if_they_are_long() {
    let (inputs, gate) = feed_behind_long_names(60, 0, 0);
    let mut ahead = 0;
    let mut names = 0;
    while names < NAMES_AHEAD {
        let Input::Work { members, .. } = next(&inputs) else {
            panic!("the walk ended");
        };
        names += members.iter().map(|member| member.name.len()).sum::<usize>();
        ahead += 1;
    }
    assert!(inputs.try_recv().is_err(), "{ahead} tasks, and one more");
    gate.leave();
    assert!(matches!(next(&inputs), Input::Work { .. }));
    gate.close();
}

#[test]
fn names_count_to_what_is_held_of_a_sample() {
    let (inputs, _gate) = feed_behind_long_names(40, 500, u64::MAX);
    let mut tasks = 0;
    while !matches!(next(&inputs), Input::Machine(Event::SampleEnded)) {
        tasks += 1;
    }
    // It would take 512 members of a mebibyte without the names.
    assert!(tasks < 520, "{tasks} tasks");
}

#[test]
fn the_walk_runs_only_so_far_ahead() {
    let (inputs, gate) = feed(TASKS_AHEAD + 2, 0);
    for _ in 0..TASKS_AHEAD {
        assert!(matches!(next(&inputs), Input::Work { .. }));
    }
    assert!(inputs.try_recv().is_err(), "it went on before any task was done");
    gate.leave();
    assert!(matches!(next(&inputs), Input::Work { .. }));
    gate.close();
    assert!(
        inputs.recv_timeout(Duration::from_secs(20)).is_err(),
        "it went on after the run's end"
    );
}

//! The law: a run that is broken off anywhere and goes on ends with the bytes of one that was not.

use std::path::Path;

use proptest::prelude::*;
use tarquet_dataset::{Dataset, Existing, Options, Position, Resumable, SourcePrefix, Target};

use crate::grouping::{Grouping, documents, grouping, options};
use crate::support::{Document, OPTIONS, Source, begin, description, finish, mix, result, scratch, tables};

/// What happens to a run.
#[derive(Debug, Clone)]
enum Step {
    /// It gets a unit of so many documents.
    Append(usize),
    Checkpoint,
    /// It ends without a word, and is resumed.
    Crash,
}

/// How much was read of the source when so many documents were appended.
pub(crate) fn prefix(documents: usize) -> Option<SourcePrefix> {
    Some(SourcePrefix {
        archive: 3,
        bytes: documents as u64 * 10,
        hash: mix(documents as u64),
    })
}

/// The documents written as one run, which takes one checkpoint, at its end.
pub(crate) fn write_unbroken(dir: &Path, documents: &[Document], options: Options) {
    let mut dataset = begin(dir, Existing::Refuse, options).expect("begins");
    let mut source = Source::new();
    for at in 0..documents.len() {
        let unit = Grouping::one_by_one().unit(documents, at..at + 1, &mut source);
        dataset.append(unit).expect("appends");
    }
    finish(dataset);
}

/// A run that is broken off and resumed.
struct Broken<'a> {
    dir: &'a Path,
    documents: &'a [Document],
    grouping: Grouping,
    options: Options,
    dataset: Option<Dataset>,
    /// What the last checkpoint has to have committed.
    committed: Position,
}

impl Broken<'_> {
    fn dataset(&mut self) -> &mut Dataset {
        self.dataset.as_mut().expect("it runs")
    }

    fn take(&mut self, step: &Step, at: usize) -> usize {
        match step {
            Step::Append(count) => {
                let end = self.documents.len().min(at + count);
                let mut source = Source {
                    next: self.dataset().progress().rows,
                };
                let unit = self.grouping.unit(self.documents, at..end, &mut source);
                self.dataset().append(unit).expect("appends");
                end
            }
            Step::Checkpoint => {
                let was_changed = self.dataset().is_changed();
                self.dataset().checkpoint(prefix(at)).expect("commits");
                assert!(!self.dataset().is_changed());
                let position = self.dataset().position().clone();
                assert_eq!(position.members, at as u64);
                assert_eq!(position.rows, self.dataset().progress().rows);
                if was_changed {
                    assert_eq!(position.source, prefix(at));
                }
                self.committed = position;
                at
            }
            Step::Crash => {
                drop(self.dataset.take());
                let target = Target::claim(self.dir, Existing::Resume).expect("claims");
                assert_eq!(target.resumable(), Some(&self.resumable()));
                self.dataset = Some(target.resume(tables(), self.options).expect("resumes"));
                let position = self.dataset().position().clone();
                assert_eq!(position, self.committed);
                self.committed.members as usize
            }
        }
    }

    fn resumable(&self) -> Resumable {
        let run = description();
        Resumable {
            inputs: run.inputs,
            resolved_map: run.resolved_map,
            position: self.committed.clone(),
            finished: false,
            notes: None,
            complete: false,
        }
    }
}

fn write_broken(dir: &Path, documents: &[Document], grouping: Grouping, options: Options, steps: &[Step]) {
    let dataset = begin(dir, Existing::Refuse, options).expect("begins");
    let mut run = Broken {
        dir,
        documents,
        grouping,
        options,
        committed: dataset.position().clone(),
        dataset: Some(dataset),
    };
    let mut at = 0;
    for step in steps {
        at = run.take(step, at);
    }
    while at < documents.len() {
        at = run.take(&Step::Append(3), at);
    }
    let dataset = run.dataset.expect("it runs");
    finish(dataset);
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1..7_usize).prop_map(Step::Append),
        2 => Just(Step::Checkpoint),
        1 => Just(Step::Crash),
    ];
    proptest::collection::vec(step, 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_broken_run_ends_with_the_bytes_of_an_unbroken_one(
        documents in documents(), grouping in grouping(), options in options(), steps in steps()
    ) {
        let (unbroken, broken) = (scratch(), scratch());
        write_unbroken(unbroken.path(), &documents, options);
        let encoders = grouping.encoders;
        write_broken(broken.path(), &documents, grouping, Options { encoders, ..options }, &steps);
        let (unbroken, broken) = (result(unbroken.path()), result(broken.path()));
        prop_assert_eq!(unbroken.keys().collect::<Vec<_>>(), broken.keys().collect::<Vec<_>>());
        for (path, contents) in &unbroken {
            prop_assert!(contents == &broken[path], "{} differs", path.display());
        }
    }
}

/// At the size of real row groups: what is buffered at a checkpoint holds more than one, and parts are cut in batches.
#[test]
fn a_broken_run_ends_with_the_same_bytes_at_size() {
    let documents: Vec<_> = (0..500)
        .map(|index| Document::with_rows(&[300 + index % 150, 1, index % 2, 0]))
        .collect();
    let options = Options {
        buffer_rows: 140_000,
        ..OPTIONS
    };
    let grouping = Grouping {
        units: vec![1],
        batches: vec![90, 7_000],
        sliced: true,
        encoders: 2,
    };
    let steps: Vec<_> = [170, 60, 190]
        .into_iter()
        .flat_map(|count| [Step::Append(count), Step::Checkpoint, Step::Append(20), Step::Crash])
        .collect();
    let (unbroken, broken) = (scratch(), scratch());
    write_unbroken(unbroken.path(), &documents, options);
    write_broken(broken.path(), &documents, grouping, options, &steps);
    assert!(result(unbroken.path()) == result(broken.path()));
}

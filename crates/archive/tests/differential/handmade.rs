//! Archives made by hand: any mixture of dialects, and what real writers do now and then.

use std::path::PathBuf;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use crate::build::{Tar, specs};
use crate::law::compare;
use crate::readers::{are_there, by_python};

/// How many archives.
const CASES: usize = 150;

/// Archives in any mixture of dialects.
pub(crate) fn archives(count: usize) -> Vec<Tar> {
    let mut runner = TestRunner::deterministic();
    let mut archive = || {
        let specs = specs(5).new_tree(&mut runner).expect("a strategy that rejects nothing");
        let mut tar = Tar::of(&specs.current());
        tar.end(2);
        tar
    };
    (0..count).map(|_| archive()).collect()
}

#[test]
fn archives_made_by_hand_are_read_as_others_read_them() {
    if !are_there() {
        return;
    }
    let scratch = tempfile::tempdir().expect("a directory for temporary files");
    let write = |(number, tar): (usize, Tar)| {
        let path = scratch.path().join(format!("{number}.tar"));
        std::fs::write(&path, tar.bytes).expect("a temporary file");
        path
    };
    let paths: Vec<PathBuf> = archives(CASES).into_iter().enumerate().map(write).collect();
    for (path, python) in paths.iter().zip(by_python(&paths)) {
        // What GNU tar and tarfile make of a body that a link claims is not the same.
        let lines = compare(path, &python).unwrap_or_else(|broken| panic!("{}: {broken}", path.display()));
        assert_eq!(lines, Vec::<String>::new(), "{}", path.display());
    }
}

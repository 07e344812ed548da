//! Archives with something changed: of other projects, of programs, and made by hand.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::law::compare;
use crate::mutation::change;
use crate::readers::{are_there, by_python};
use crate::{Random, corpora, corpora_folder, handmade, say, written};

/// How many archives are compared at a time.
const ROUND: usize = 200;

/// How many of them there are, where nobody asks for more.
const ROUNDS: u64 = 3;

/// Archives to change: all that other tests have, as long as they are small.
fn parents(scratch: &Path, seed: u64) -> Vec<Vec<u8>> {
    const LARGEST: u64 = 64 << 10;
    let corpora = corpora::files().into_iter().map(|file| corpora_folder().join(file));
    let written = written::archives(scratch).into_iter();
    let tarfile = written::by_tarfile(seed, 60, scratch).into_iter();
    let small = corpora.chain(written).chain(tarfile).filter(|path| {
        let is_tar = path.extension().is_some_and(|extension| extension == "tar");
        is_tar && fs::metadata(path).is_ok_and(|metadata| metadata.len() <= LARGEST)
    });
    let read = small.map(|path| fs::read(path).expect("an archive"));
    read.chain(handmade::archives(60).into_iter().map(|tar| tar.bytes))
        .collect()
}

/// A number that somebody asks for.
fn asked(variable: &str) -> Option<u64> {
    std::env::var(variable)
        .ok()
        .map(|value| value.parse().expect("a number"))
}

#[test]
fn archives_with_something_changed_are_read_as_others_read_them() {
    if !are_there() {
        return;
    }
    let seed = asked("TARQUET_DIFFERENTIAL_SEED").unwrap_or(1);
    let limit = asked("TARQUET_DIFFERENTIAL_SECONDS").map(Duration::from_secs);
    let scratch = tempfile::tempdir().expect("a directory for temporary files");
    let parents = parents(scratch.path(), seed);
    let begin = Instant::now();
    let (mut rounds, mut same) = (0, 0);
    while limit.map_or(rounds < ROUNDS, |limit| begin.elapsed() < limit) {
        let mut random = Random(seed << 32 | rounds);
        same += round(&parents, scratch.path(), &mut random);
        rounds += 1;
    }
    say(&format!(
        "{} changed archives, {same} of them read as by both others, the rest by refusal or as by one",
        rounds * ROUND as u64
    ));
}

/// Compares so many archives, and says how many are read alike by all.
fn round(parents: &[Vec<u8>], scratch: &Path, random: &mut Random) -> usize {
    let mut one = || {
        let archive = &parents[random.below(parents.len())];
        let other = &parents[random.below(parents.len())];
        change(archive, other, random)
    };
    let write = |number: usize| {
        let path = scratch.join(format!("changed-{number}"));
        fs::write(&path, one()).expect("a temporary file");
        path
    };
    let paths: Vec<PathBuf> = (0..ROUND).map(write).collect();
    let compared = paths.iter().zip(by_python(&paths)).filter(|(path, python)| {
        let lines = compare(path, python).unwrap_or_else(|broken| panic!("{broken}\n{}", kept(path)));
        lines.is_empty()
    });
    compared.count()
}

/// Keeps an archive that breaks the law, and says where.
fn kept(path: &Path) -> String {
    let to = std::env::temp_dir().join("tarquet-breaks-the-law.tar");
    match fs::copy(path, &to) {
        Ok(_) => format!("the archive is {}", to.display()),
        Err(error) => format!("the archive cannot be kept: {error}"),
    }
}

//! Documents with one thing wrong, and whatever else comes of changing a byte.

use proptest::prelude::*;

use super::documents::document;
use super::{EVERYTHING, cases, judges_of};

const NAMES: &[&str] = &["a", "b", "cd", ""];

/// What is put in: all that means something somewhere.
const BYTES: &[u8] = b"{}[],:\"\\ 019-+.eEtrufalsn/b\n\x00\x1f\x7f\x80\xbf\xc3\xe2\xf0\xff";

/// Documents of one change each to `document`: at every `step`-th byte, of a kind that `turn` chooses.
fn mutants(document: &[u8], step: usize, turn: usize) -> impl Iterator<Item = Vec<u8>> {
    (turn % step..document.len())
        .step_by(step)
        .enumerate()
        .map(move |(number, at)| {
            let choice = turn.wrapping_add(number.wrapping_mul(7919)) ^ at;
            let byte = BYTES[choice / 8 % BYTES.len()];
            let mut mutant = document.to_vec();
            match choice % 8 {
                0 | 1 => mutant[at] = byte,
                2 | 3 => mutant.insert(at, byte),
                4 => drop(mutant.remove(at)),
                5 => mutant.insert(at, document[at]),
                6 => mutant.swap(at, (at + 1).min(document.len() - 1)),
                _ => mutant.truncate(at),
            }
            mutant
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(400), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    #[cfg_attr(miri, ignore = "too much for Miri")]
    fn a_document_and_its_mutants(document in document(NAMES), turn in any::<usize>()) {
        let mut judges = judges_of(EVERYTHING);
        judges.check(&document);
        let step = 1 + document.len() / 64;
        for mutant in mutants(&document, step, turn) {
            judges.check(&mutant);
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "too much for Miri")]
    fn two_documents_in_one(first in document(NAMES), second in document(NAMES), between in prop::sample::select(vec!["", " ", ",", "\n"])) {
        let mut judges = judges_of(EVERYTHING);
        judges.check(&[&first, between.as_bytes(), &second].concat());
    }
}

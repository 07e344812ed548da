//! The corpus in `fuzz/corpus` through the functions of the fuzz targets, without a fuzzer.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use tarquet_fuzz::{TARGETS, Verdict};

/// Every seed holds all laws; and there are seeds of each target that are taken, and such that are refused.
#[test]
fn all_seeds_hold_the_laws() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    for (target, check) in TARGETS {
        let folder = corpus.join(target);
        let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut verdicts = BTreeMap::new();
        for entry in entries {
            let path = entry.expect("a folder that can be listed").path();
            let seed = fs::read(&path).expect("a file that can be read");
            let verdict = std::panic::catch_unwind(|| check(&seed));
            let verdict = verdict.unwrap_or_else(|_| panic!("{} breaks a law", path.display()));
            *verdicts.entry(verdict).or_insert(0) += 1;
        }
        let count = |verdict| verdicts.get(&verdict).copied().unwrap_or(0);
        let (sound, refused) = (count(Verdict::Sound), count(Verdict::Refused));
        assert!(sound > 2 && refused > 2, "{target}: {sound} sound, {refused} refused");
    }
}

//! What `verify` finds.

use std::fs;
use std::path::Path;

use tarquet_dataset::{DatasetError, Depth, Existing, Options, PublishedTable, Verified, verify};

use crate::grouping::Grouping;
use crate::mounts::Mount;
use crate::support::{Document, OPTIONS, Source, begin, edit_ledger, finish, mix, resume, scratch, tree, write};

/// Parts of a few documents each.
const SMALL: Options = Options {
    buffer_rows: 30,
    ..OPTIONS
};

fn documents() -> Vec<Document> {
    vec![Document::with_rows(&[7, 1, 2, 0]); 20]
}

/// A finished dataset, summary and all.
fn write_all(dir: &Path) -> Vec<PublishedTable> {
    let published = write(dir, Existing::Refuse, SMALL, &documents());
    published.write_summary(&1).expect("writes");
    published.tables.clone()
}

const DEPTHS: [Depth; 2] = [Depth::Quick, Depth::Full];

fn check(dir: &Path, depth: Depth) -> Verified {
    verify(dir, depth).expect("there is a dataset")
}

/// The faults as lines, with paths from `dir`.
fn faults(dir: &Path, depth: Depth) -> Vec<String> {
    let prefix = format!("{}/", dir.display());
    let faults = check(dir, depth).faults;
    faults
        .iter()
        .map(|fault| fault.to_string().replace(&prefix, ""))
        .collect()
}

fn flip(path: &Path, at: usize) {
    let mut contents = fs::read(path).expect("reads");
    contents[at] ^= 1;
    fs::write(path, contents).expect("writes");
}

fn cut(path: &Path, bytes: u64) {
    let file = fs::OpenOptions::new().write(true).open(path).expect("opens");
    file.set_len(bytes).expect("cuts");
}

#[test]
fn a_sound_dataset_has_no_faults_and_stays_as_it_is() {
    let dir = scratch();
    let reported = write_all(dir.path());
    let before = tree(dir.path());
    for depth in DEPTHS {
        let verified = check(dir.path(), depth);
        assert!(verified.faults.is_empty(), "{:?}", verified.faults);
        assert!(verified.finished);
        assert_eq!((verified.members, &verified.tables), (20, &reported));
    }
    assert!(tree(dir.path()) == before);
    // A copy without its lock is nobody's to write.
    fs::remove_file(dir.path().join("run/lock")).expect("removes");
    assert!(faults(dir.path(), Depth::Full).is_empty());
    assert!(!dir.path().join("run/lock").exists());
}

#[test]
fn an_interrupted_run_is_sound_up_to_its_checkpoint() {
    let dir = scratch();
    let mut dataset = begin(dir.path(), Existing::Refuse, SMALL).expect("begins");
    for document in documents() {
        dataset
            .append(Source::behind(&dataset).unit(std::slice::from_ref(&document)))
            .expect("appends");
        dataset.checkpoint(None).expect("commits");
    }
    let running = verify(dir.path(), Depth::Quick).expect_err("it is locked");
    assert!(matches!(running, DatasetError::Locked { .. }), "{running}");
    drop(dataset);
    let verified = check(dir.path(), Depth::Full);
    assert!(verified.faults.is_empty(), "{:?}", verified.faults);
    assert!(!verified.finished);
    assert_eq!(verified.members, 20);

    // The last document closed the fourth part of `wide`; as if the run had ended before its rename.
    let part = "features_raw/feature=wide/part-00003.parquet";
    let waiting = dir.path().join("run/tmp/0.part-00003.parquet");
    fs::rename(dir.path().join(part), &waiting).expect("renames");
    for depth in DEPTHS {
        let found = faults(dir.path(), depth);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].starts_with(part) && found[0].contains("interrupted") && found[0].contains("--resume"),
            "{found:?}"
        );
    }
    let published = finish(resume(dir.path(), SMALL).expect("resumes"));
    published.write_summary(&1).expect("writes");
    drop(published);
    assert!(faults(dir.path(), Depth::Full).is_empty());
}

const PART: &str = "features_raw/feature=wide/part-00001.parquet";

/// Puts other contents in the place of [`PART`], and says so in the ledger, so that only what is inside can tell.
fn replace_part(dir: &Path, contents: &[u8], rows: u64) {
    fs::write(dir.join(PART), contents).expect("writes");
    edit_ledger(dir, |ledger| {
        let part = &mut ledger["tables"][0]["parts"][1];
        let before = part["rows"].as_u64().expect("rows");
        part["rows"] = rows.into();
        part["bytes"] = contents.len().into();
        part["crc32"] = format!("{:08x}", crc32fast::hash(contents)).into();
        let sum = ledger["position"]["rows"][0].as_u64().expect("rows");
        ledger["position"]["rows"][0] = (sum - before + rows).into();
    });
}

/// What is done to a finished dataset, and what is found at which depths.
type Damage = (&'static str, &'static [Depth], fn(&Path));

#[test]
fn every_fault_is_named() {
    let cases: [Damage; 18] = [
        ("part-00001.parquet: is missing", &DEPTHS, |dir| {
            fs::remove_file(dir.join(PART)).expect("removes");
        }),
        ("part-00001.parquet: has 100 bytes, the ledger says", &DEPTHS, |dir| {
            cut(&dir.join(PART), 100);
        }),
        ("part-00001.parquet: is damaged: its CRC-32", &[Depth::Full], |dir| {
            flip(&dir.join(PART), 40);
        }),
        ("part-00001.parquet: is damaged", &DEPTHS, |dir| {
            let length = fs::metadata(dir.join(PART)).expect("looks").len() as usize;
            flip(&dir.join(PART), length - 1);
        }),
        ("part-00001.parquet: has 35 rows, the ledger says 36", &DEPTHS, |dir| {
            let contents = fs::read(dir.join(PART)).expect("reads");
            replace_part(dir, &contents, 36);
        }),
        ("part-00001.parquet: has other columns", &DEPTHS, |dir| {
            let other = fs::read(dir.join("features_raw/feature=search_route/part-00000.parquet")).expect("reads");
            replace_part(dir, &other, 20);
        }),
        ("part-00099.parquet: unknown file", &DEPTHS, |dir| {
            fs::write(dir.join("features_raw/feature=wide/part-00099.parquet"), "mine").expect("writes");
        }),
        ("features_raw/feature=other: unknown file", &DEPTHS, |dir| {
            fs::create_dir(dir.join("features_raw/feature=other")).expect("creates");
        }),
        ("features_raw/notes.txt: unknown file", &DEPTHS, |dir| {
            fs::write(dir.join("features_raw/notes.txt"), "mine").expect("writes");
        }),
        ("rescued.ndjson: has 3 bytes, the ledger says 0", &DEPTHS, |dir| {
            fs::write(dir.join("rescued.ndjson"), "{}\n").expect("writes");
        }),
        ("feature_map.resolved.yaml: is not the map", &DEPTHS, |dir| {
            fs::write(dir.join("feature_map.resolved.yaml"), "version: 2\n").expect("writes");
        }),
        ("feature_map.resolved.yaml: is missing", &DEPTHS, |dir| {
            fs::remove_file(dir.join("feature_map.resolved.yaml")).expect("removes");
        }),
        ("run/notes.txt: unknown file", &DEPTHS, |dir| {
            fs::write(dir.join("run/notes.txt"), "mine").expect("writes");
        }),
        ("run/tmp/notes.txt: unknown file", &DEPTHS, |dir| {
            fs::create_dir(dir.join("run/tmp")).expect("creates");
            fs::write(dir.join("run/tmp/notes.txt"), "mine").expect("writes");
        }),
        ("summary.json: is missing: --resume writes it", &DEPTHS, |dir| {
            fs::remove_file(dir.join("summary.json")).expect("removes");
        }),
        ("run/ledger.json: its checksum does not match", &DEPTHS, |dir| {
            let path = dir.join("run/ledger.json");
            let text = fs::read_to_string(&path).expect("reads");
            fs::write(&path, text.replace("\"members\": 20", "\"members\": 10")).expect("writes");
        }),
        ("run/ledger.json: it is damaged", &DEPTHS, |dir| {
            cut(&dir.join("run/ledger.json"), 100);
        }),
        ("run/ledger.json: this dataset was being replaced", &DEPTHS, |dir| {
            edit_ledger(dir, |ledger| ledger["state"] = "replacing".into());
        }),
    ];
    for (expected, depths, damage) in cases {
        let dir = scratch();
        write_all(dir.path());
        damage(dir.path());
        for depth in DEPTHS {
            let found = faults(dir.path(), depth);
            let is_found = found.iter().any(|line| line.contains(expected));
            assert_eq!(is_found, depths.contains(&depth), "{expected}, {depth:?}: {found:?}");
        }
    }
}

/// What is found of an interrupted run, and what is done to it.
type DamageToRun = (&'static str, fn(&Path));

#[test]
fn faults_of_an_interrupted_run_are_named() {
    let cases: [DamageToRun; 5] = [
        ("run/checkpoint-1: is not what was written there", |dir| {
            flip(&dir.join("run/checkpoint-1"), 9)
        }),
        ("run/checkpoint-1: is missing", |dir| {
            fs::remove_file(dir.join("run/checkpoint-1")).expect("removes")
        }),
        ("failed.log: has 3 bytes, the ledger says", |dir| {
            cut(&dir.join("failed.log"), 3)
        }),
        ("failed.log: is damaged: its CRC-32", |dir| {
            flip(&dir.join("failed.log"), 20)
        }),
        ("failed.log: has 0 bytes, the ledger says", |dir| {
            fs::remove_file(dir.join("failed.log")).expect("removes")
        }),
    ];
    for (expected, damage) in cases {
        let dir = scratch();
        let mut dataset = begin(dir.path(), Existing::Refuse, SMALL).expect("begins");
        let unit = Grouping::one_by_one().unit(&documents(), 0..3, &mut Source::new());
        dataset.append(unit).expect("appends");
        dataset.checkpoint(None).expect("commits");
        drop(dataset);
        assert!(faults(dir.path(), Depth::Full).is_empty());
        // Lines behind what was committed are no fault: they are cut off when the run goes on.
        let log = fs::read_to_string(dir.path().join("failed.log")).expect("reads");
        fs::write(dir.path().join("failed.log"), log + "{").expect("writes");
        assert!(faults(dir.path(), Depth::Full).is_empty());
        damage(dir.path());
        let depths = if expected.contains("CRC-32") {
            &DEPTHS[1..]
        } else {
            &DEPTHS
        };
        for depth in depths.iter().copied() {
            let found = faults(dir.path(), depth);
            assert!(
                found.len() == 1 && found[0].starts_with(expected),
                "{expected}: {found:?}"
            );
        }
    }
}

/// Damage that the checksum does not show, because whoever made it wrote the ledger too: found or not, it is no panic,
/// and nothing but that part is blamed.
#[test]
fn damaged_pages_are_a_fault_and_no_panic() {
    let dir = scratch();
    write_all(dir.path());
    let good = fs::read(dir.path().join(PART)).expect("reads");
    let mut found = 0;
    for round in 0..300_u64 {
        let mut bad = good.clone();
        let at = mix(round) as usize % bad.len();
        bad[at] ^= 1 << (round % 8);
        replace_part(dir.path(), &bad, 35);
        let faults = faults(dir.path(), Depth::Full);
        assert!(faults.iter().all(|line| line.starts_with(PART)), "{faults:?}");
        found += faults.len();
    }
    assert!(found > 50, "only {found} of 300");
}

#[test]
fn where_there_is_no_dataset_that_is_said() {
    let dir = scratch();
    for path in [dir.path().to_owned(), dir.path().join("nothing")] {
        let error = verify(&path, Depth::Full).expect_err("there is none");
        assert!(matches!(error, DatasetError::NoDataset { .. }), "{error}");
        assert!(error.to_string().contains("holds no dataset of tarquet"), "{error}");
    }
    assert!(tree(dir.path()).is_empty());
}

/// Nothing is written and nothing is needed but reading.
#[test]
fn a_read_only_file_system_will_do() {
    let dir = scratch();
    write_all(dir.path());
    let mounted = scratch();
    let Some(_mount) = Mount::read_only(dir.path(), mounted.path()) else {
        return;
    };
    fs::write(mounted.path().join("x"), "").expect_err("it is read-only");
    assert!(faults(mounted.path(), Depth::Full).is_empty());
}

//! What a run that was broken off leaves: all of it is taken up, or it is said why that cannot be.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema};
use tarquet_dataset::{Dataset, DatasetError, Existing, Options, Table, Target, Unit};

use crate::grouping::Grouping;
use crate::resume::{prefix, write_unbroken};
use crate::support::{
    Document, NOTES, OPTIONS, Source, TABLES, begin, description, edit_ledger, finish, ledger, result, resume, scratch,
    tables, tree, write,
};

/// Parts of a few documents each.
const SMALL: Options = Options {
    buffer_rows: 30,
    ..OPTIONS
};

fn some_documents() -> Vec<Document> {
    vec![Document::with_rows(&[7, 1, 2, 0]); 26]
}

/// A run that was broken off: two checkpoints, each of which published parts, rows in its buffers, and then some documents
/// more, of which parts and lines are left.
fn broken_off(dir: &Path) {
    let documents = some_documents();
    let mut dataset = begin(dir, Existing::Refuse, SMALL).expect("begins");
    let mut source = Source::new();
    for (at, _) in documents.iter().enumerate().take(24) {
        let unit = Grouping::one_by_one().unit(&documents, at..at + 1, &mut source);
        dataset.append(unit).expect("appends");
        if at == 7 || at == 16 {
            dataset.checkpoint(prefix(at)).expect("commits");
        }
    }
    drop(dataset);
    // Whether an encoder was done with anything is chance; so that something is left every time:
    fs::write(dir.join("run/tmp/0.part-00003.parquet"), "half").expect("writes");
}

/// Ends what [`broken_off`] began.
fn go_on(mut dataset: Dataset) {
    let documents = some_documents();
    let mut source = Source::behind(&dataset);
    for at in dataset.position().members as usize..documents.len() {
        let unit = Grouping::one_by_one().unit(&documents, at..at + 1, &mut source);
        dataset.append(unit).expect("appends");
    }
    finish(dataset);
}

fn unbroken() -> tempfile::TempDir {
    let dir = scratch();
    write_unbroken(dir.path(), &some_documents(), SMALL);
    dir
}

/// The last part of `wide` that the last checkpoint published, and where it was before.
const LAST_PART: &str = "features_raw/feature=wide/part-00002.parquet";
const LAST_PART_UNPUBLISHED: &str = "run/tmp/0.part-00002.parquet";

/// Takes the last rename back, as if the run had ended before it.
fn take_rename_back(dir: &Path) {
    fs::rename(dir.join(LAST_PART), dir.join(LAST_PART_UNPUBLISHED)).expect("renames");
}

fn flip(path: &Path) {
    let mut contents = fs::read(path).expect("reads");
    let middle = contents.len() / 2;
    contents[middle] ^= 1;
    fs::write(path, contents).expect("writes");
}

fn cut(path: &Path, bytes: u64) {
    let file = fs::OpenOptions::new().write(true).open(path).expect("opens");
    file.set_len(bytes).expect("cuts");
}

/// What a crash left undone, and how to make it so.
type Undone = (&'static str, fn(&Path));

#[test]
fn what_a_crash_leaves_undone_is_done() {
    let unbroken = unbroken();
    let cases: [Undone; 7] = [
        ("nothing", |_| {}),
        ("a rename", take_rename_back),
        ("a link's unlink", |dir| {
            fs::hard_link(dir.join(LAST_PART), dir.join(LAST_PART_UNPUBLISHED)).expect("links");
        }),
        ("removing the checkpoint before", |dir| {
            fs::write(dir.join("run/checkpoint-1"), "old").expect("writes");
        }),
        ("writing the next checkpoint and ledger", |dir| {
            fs::write(dir.join("run/checkpoint-3"), "half").expect("writes");
            fs::write(dir.join("run/ledger.json.draft"), "half").expect("writes");
        }),
        ("lines of the logs", |dir| {
            let longer = |name| fs::read_to_string(dir.join(name)).expect("reads") + "{\"half";
            for name in ["failed.log", "rescued.ndjson"] {
                fs::write(dir.join(name), longer(name)).expect("writes");
            }
        }),
        ("the map", |dir| {
            fs::remove_file(dir.join("feature_map.resolved.yaml")).expect("removes");
        }),
    ];
    for (what, undo) in cases {
        let dir = scratch();
        broken_off(dir.path());
        undo(dir.path());
        let dataset = resume(dir.path(), SMALL).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(
            fs::read_dir(dir.path().join("run/tmp")).expect("lists").count(),
            0,
            "{what}"
        );
        assert!(dir.path().join("run/checkpoint-2").exists(), "{what}");
        go_on(dataset);
        assert!(result(dir.path()) == result(unbroken.path()), "{what}");
    }
}

/// Of a run that was cut off while it began, whatever is missing is made.
#[test]
fn a_beginning_that_was_cut_off_is_taken_up() {
    let unbroken = unbroken();
    let made = [
        "rescued.ndjson",
        "failed.log",
        "feature_map.resolved.yaml",
        "features_raw/feature=never",
        "features_raw/feature=a%2Fb",
        "features_raw/feature=search_route",
        "features_raw/feature=wide",
        "features_raw",
        "run/tmp",
    ];
    for missing in 0..=made.len() {
        let dir = scratch();
        drop(begin(dir.path(), Existing::Refuse, SMALL).expect("begins"));
        for path in made.iter().take(missing).map(|name| dir.path().join(name)) {
            match path.is_dir() {
                true => fs::remove_dir(path).expect("removes"),
                false => fs::remove_file(path).expect("removes"),
            }
        }
        go_on(resume(dir.path(), SMALL).expect("resumes"));
        assert!(result(dir.path()) == result(unbroken.path()), "{missing} missing");
    }
}

/// What is done to a run that was broken off, and whether the error is the right one.
type Refusal = (&'static str, fn(&Path), fn(&DatasetError) -> bool);

#[test]
fn what_is_not_as_it_was_is_refused_and_nothing_is_changed() {
    let cases: [Refusal; 13] = [
        (
            "feature_map.resolved.yaml was changed",
            |dir| fs::write(dir.join("feature_map.resolved.yaml"), "x").expect("writes"),
            |error| matches!(error, DatasetError::MapChanged { .. }),
        ),
        (
            "failed.log has",
            |dir| cut(&dir.join("failed.log"), 5),
            |error| matches!(error, DatasetError::LogCut { found: 5, .. }),
        ),
        (
            "failed.log was changed",
            |dir| flip(&dir.join("failed.log")),
            |error| matches!(error, DatasetError::LogChanged { .. }),
        ),
        (
            "rescued.ndjson has 0 bytes",
            |dir| fs::remove_file(dir.join("rescued.ndjson")).expect("removes"),
            |error| matches!(error, DatasetError::LogCut { .. }),
        ),
        (
            "part-00000.parquet is not there",
            |dir| fs::remove_file(dir.join("features_raw/feature=wide/part-00000.parquet")).expect("removes"),
            |error| matches!(error, DatasetError::Part { .. }),
        ),
        (
            "part-00000.parquet has 9 bytes",
            |dir| cut(&dir.join("features_raw/feature=wide/part-00000.parquet"), 9),
            |error| matches!(error, DatasetError::Part { .. }),
        ),
        (
            "part-00002.parquet is not what was written there",
            |dir| flip(&dir.join(LAST_PART)),
            |error| matches!(error, DatasetError::Part { .. }),
        ),
        (
            "part-00002.parquet is not there",
            |dir| fs::remove_file(dir.join(LAST_PART)).expect("removes"),
            |error| matches!(error, DatasetError::Part { .. }),
        ),
        (
            "tarquet verify",
            |dir| {
                take_rename_back(dir);
                flip(&dir.join(LAST_PART_UNPUBLISHED));
            },
            |error| matches!(error, DatasetError::Part { path, .. } if path.ends_with(LAST_PART_UNPUBLISHED)),
        ),
        (
            "something stands there already",
            |dir| {
                take_rename_back(dir);
                fs::write(dir.join(LAST_PART), "mine").expect("writes");
            },
            |error| matches!(error, DatasetError::PartInTheWay { .. }),
        ),
        (
            "checkpoint-2 is not what was written there",
            |dir| flip(&dir.join("run/checkpoint-2")),
            |error| matches!(error, DatasetError::Checkpoint { .. }),
        ),
        (
            "checkpoint-2 is missing",
            |dir| fs::remove_file(dir.join("run/checkpoint-2")).expect("removes"),
            |error| matches!(error, DatasetError::Checkpoint { .. }),
        ),
        (
            "notes.txt is in the way",
            |dir| fs::write(dir.join("features_raw/notes.txt"), "mine").expect("writes"),
            |error| matches!(error, DatasetError::Foreign { .. }),
        ),
    ];
    for (message, spoil, is_right) in cases {
        let dir = scratch();
        broken_off(dir.path());
        spoil(dir.path());
        let before = tree(dir.path());
        let error = resume(dir.path(), SMALL).expect_err(message);
        assert!(
            is_right(&error) && error.to_string().contains(message),
            "{message}: {error}"
        );
        assert!(tree(dir.path()) == before, "{message}");
    }
}

#[test]
fn other_tables_are_refused() {
    let renamed = || {
        let mut tables = tables();
        tables[1].name = "search".to_owned();
        tables
    };
    let reversed = || tables().into_iter().rev().collect();
    let retyped = || {
        let mut tables = tables();
        tables[1].schema = Arc::new(Schema::new(vec![
            Field::new("id", DataType::Utf8, false),
            Field::new("number", DataType::Float64, true),
        ]));
        tables
    };
    let cases: [(&str, &dyn Fn() -> Vec<Table>); 3] = [
        ("\"search\"", &renamed),
        ("its features are", &reversed),
        ("other types", &retyped),
    ];
    for (message, tables) in cases {
        let dir = scratch();
        broken_off(dir.path());
        let before = tree(dir.path());
        let target = Target::claim(dir.path(), Existing::Resume).expect("claims");
        let error = target.resume(tables(), SMALL).expect_err(message).to_string();
        assert!(error.contains(message), "{error}");
        assert!(tree(dir.path()) == before, "{message}");
    }
}

/// The checksum is compared before anything is decoded: wherever the file is damaged or cut, that is said.
#[test]
fn a_damaged_checkpoint_is_refused_wherever_the_damage_is() {
    let dir = scratch();
    broken_off(dir.path());
    let path = dir.path().join("run/checkpoint-2");
    let good = fs::read(&path).expect("reads");
    let step = (good.len() / 60).max(1);
    for at in (0..good.len()).step_by(step) {
        let mut flipped = good.clone();
        flipped[at] ^= 1 << (at % 8);
        for bad in [&flipped, &good[..at]] {
            fs::write(&path, bad).expect("writes");
            let error = resume(dir.path(), SMALL).expect_err("refused");
            assert!(matches!(error, DatasetError::Checkpoint { .. }), "at {at}: {error}");
        }
    }
    fs::write(&path, good).expect("writes");
    go_on(resume(dir.path(), SMALL).expect("resumes"));
}

#[test]
fn a_finished_dataset_has_nothing_left_to_do_but_its_summary() {
    let dir = scratch();
    let published = write(dir.path(), Existing::Refuse, SMALL, &some_documents());
    let reported = published.tables.clone();
    drop(published);
    let claim = || Target::claim(dir.path(), Existing::Resume).expect("claims");
    let state = |target: &Target| target.resumable().map(|run| (run.finished, run.complete));
    assert_eq!(state(&claim()), Some((true, false)));
    assert_eq!(claim().resumable().and_then(|run| run.notes.as_deref()), Some(NOTES));
    let mut dataset = claim().resume(tables(), SMALL).expect("resumes");
    assert!(!dataset.is_changed());
    let error = dataset.append(Unit::default()).expect_err("it is finished");
    assert!(matches!(error, DatasetError::Finished { .. }), "{error}");
    drop(dataset);
    // Its notes are those of its end, whoever ends it once more.
    let mut again = claim().resume(tables(), SMALL).expect("resumes");
    again.finish("other notes").expect("finishes");
    drop(again);
    assert_eq!(claim().resumable().and_then(|run| run.notes.as_deref()), Some(NOTES));
    let published = finish(claim().resume(tables(), SMALL).expect("resumes"));
    assert_eq!(published.tables, reported);
    published.write_summary(&1).expect("writes");
    drop(published);
    let before = tree(dir.path());
    assert_eq!(state(&claim()), Some((true, true)));
    assert!(tree(dir.path()) == before, "looking leaves no trace");
    fs::write(dir.path().join("features_raw/feature=wide/_SUCCESS"), "").expect("writes");
    assert_eq!(
        state(&claim()),
        Some((true, true)),
        "what others put beside it does not matter"
    );
    fs::remove_file(dir.path().join(LAST_PART)).expect("removes");
    assert_eq!(state(&claim()), Some((true, false)));
}

/// What stopped the end of the run does not matter: once its ledger is stored, the position is the end's.
#[test]
fn an_end_that_fails_behind_its_ledger_is_an_end() {
    let dir = scratch();
    let mut dataset = begin(dir.path(), Existing::Refuse, SMALL).expect("begins");
    dataset.append(Source::new().unit(&some_documents())).expect("appends");
    assert_eq!(dataset.position().members, 0);
    let in_the_way = dir.path().join("features_raw/feature=search_route/part-00000.parquet");
    fs::write(&in_the_way, "mine").expect("writes");
    let error = dataset.finish(NOTES).expect_err("something is in the way");
    assert!(matches!(error, DatasetError::PartInTheWay { .. }), "{error}");
    assert_eq!(dataset.position().members, 26);
    assert!(matches!(dataset.into_published(), Err(DatasetError::Stopped { .. })));
    fs::remove_file(in_the_way).expect("removes");
    let target = Target::claim(dir.path(), Existing::Resume).expect("claims");
    let run = target.resumable().expect("it is there");
    assert_eq!(
        (run.finished, run.complete, run.notes.as_deref()),
        (true, false, Some(NOTES))
    );
    finish(target.resume(tables(), SMALL).expect("resumes"));
}

#[test]
fn a_run_that_goes_on_has_published_nothing_for_good() {
    let dir = scratch();
    let dataset = begin(dir.path(), Existing::Refuse, SMALL).expect("begins");
    let error = dataset.into_published().expect_err("it is not finished");
    assert!(matches!(error, DatasetError::NotFinished { .. }), "{error}");
}

#[test]
fn where_nothing_can_go_on_a_run_begins() {
    let unbroken = unbroken();
    let dir = scratch();
    let target = Target::claim(dir.path(), Existing::Resume).expect("claims");
    assert_eq!(target.resumable(), None);
    let error = target.resume(tables(), SMALL).expect_err("nothing to resume");
    assert!(matches!(error, DatasetError::NotResumable { .. }), "{error}");
    drop(begin(dir.path(), Existing::Resume, SMALL).expect("begins"));
    go_on(resume(dir.path(), SMALL).expect("resumes"));
    assert!(result(dir.path()) == result(unbroken.path()));
}

/// Whoever finds a dataset half removed removes the rest, and begins.
#[test]
fn an_overwriting_that_was_cut_off_is_completed() {
    let unbroken = unbroken();
    for existing in [Existing::Resume, Existing::Overwrite] {
        let dir = scratch();
        drop(write(dir.path(), Existing::Refuse, OPTIONS, &some_documents()[..3]));
        edit_ledger(dir.path(), |ledger| ledger["state"] = "replacing".into());
        fs::remove_file(dir.path().join("features_raw/feature=wide/part-00000.parquet")).expect("removes");
        let error = Target::claim(dir.path(), Existing::Refuse).expect_err("refused");
        assert!(matches!(error, DatasetError::HalfReplaced { .. }), "{error}");
        let target = Target::claim(dir.path(), existing).expect("claims");
        assert_eq!(target.resumable(), None);
        go_on(target.begin(tables(), description(), SMALL).expect("begins"));
        assert!(result(dir.path()) == result(unbroken.path()));
    }
}

/// A checkpoint says in the ledger what it holds, and leaves no file where nothing is buffered.
#[test]
fn checkpoints_leave_what_the_ledger_says() {
    let dir = scratch();
    let options = Options {
        buffer_rows: 2,
        ..OPTIONS
    };
    let mut dataset = begin(dir.path(), Existing::Refuse, options).expect("begins");
    let files = || {
        let names = fs::read_dir(dir.path().join("run")).expect("lists");
        let mut names: Vec<_> = names
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
            .filter(|name| name.starts_with("checkpoint"))
            .collect();
        names.sort();
        names
    };
    let mut source = Source::new();
    for number in 1..7_u64 {
        dataset
            .append(source.unit(&[Document::with_rows(&[0, 1, 0, 0])]))
            .expect("appends");
        dataset.checkpoint(None).expect("commits");
        let ledger = ledger(dir.path());
        assert_eq!(ledger["checkpoint"]["number"], number);
        if number % 2 == 0 {
            assert!(ledger["checkpoint"]["file"].is_null());
            assert!(files().is_empty());
        } else {
            let name = format!("checkpoint-{number}");
            let contents = fs::read(dir.path().join("run").join(&name)).expect("reads");
            assert_eq!(ledger["checkpoint"]["file"]["bytes"], contents.len());
            assert_eq!(
                ledger["checkpoint"]["file"]["crc32"],
                format!("{:08x}", crc32fast::hash(&contents))
            );
            assert_eq!(ledger["tables"][1]["buffer"]["rows"], 1);
            assert_eq!(files(), [name]);
        }
        // Nothing was appended since, so nothing is committed.
        dataset.checkpoint(None).expect("does nothing");
        assert_eq!(crate::support::ledger(dir.path()), ledger);
    }
    finish(dataset);
    assert!(files().is_empty());
    assert_eq!(ledger(dir.path())["state"], "finished");
}

#[test]
fn the_tables_of_these_tests_are_where_they_say() {
    let dir = scratch();
    broken_off(dir.path());
    let named = ledger(dir.path());
    assert_eq!(named["tables"].as_array().map(Vec::len), Some(TABLES.len()));
    let checkpoints: Vec<_> = named["tables"][0]["parts"]
        .as_array()
        .expect("parts")
        .iter()
        .map(|part| (part["file"].clone(), part["checkpoint"].clone()))
        .collect();
    let last = PathBuf::from(LAST_PART);
    let last = last.file_name().and_then(|name| name.to_str()).expect("a name");
    assert_eq!(checkpoints.last().map(|(file, _)| file), Some(&last.into()));
    assert_eq!(
        checkpoints.iter().map(|(_, number)| number).collect::<Vec<_>>(),
        [1, 2, 2]
    );
}

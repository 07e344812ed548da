//! Which directories are taken, what is removed from them, and what an error leaves.

use std::fs;
use std::path::{Path, PathBuf};

use tarquet_dataset::{DatasetError, Description, Existing, Options, Table, Target};

use crate::mounts::Mount;
use crate::support::{
    Document, OPTIONS, Source, TABLES, begin, check_rows, description, finish, result, resume, scratch, tables, tree,
    write,
};

fn documents() -> Vec<Document> {
    vec![Document::with_rows(&[7, 1, 2, 0]); 20]
}

/// Parts of a few documents each.
const SMALL: Options = Options {
    buffer_rows: 30,
    ..OPTIONS
};

fn put(path: &Path) {
    fs::create_dir_all(path.parent().expect("a parent")).expect("creates");
    fs::write(path, "mine").expect("writes");
}

fn claim_error(dir: &Path, existing: Existing) -> DatasetError {
    Target::claim(dir, existing).expect_err("refused")
}

#[test]
fn directories_above_are_created() {
    let dir = scratch();
    let deep = dir.path().join("a/b/c");
    write(&deep, Existing::Refuse, SMALL, &documents());
    check_rows(&deep, 0, "feature=wide");
}

#[test]
fn a_dataset_is_refused_and_stays_as_it_is() {
    let dir = scratch();
    drop(write(dir.path(), Existing::Refuse, SMALL, &documents()));
    let before = tree(dir.path());
    let error = claim_error(dir.path(), Existing::Refuse);
    assert!(matches!(error, DatasetError::Exists { .. }), "{error}");
    assert!(error.to_string().contains("--overwrite"), "{error}");
    let after = tree(dir.path());
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    assert!(before == after);
}

#[test]
fn overwriting_leaves_what_a_fresh_run_leaves_and_foreign_files() {
    let fresh = scratch();
    drop(write(fresh.path(), Existing::Refuse, SMALL, &documents()[..5]));
    let dir = scratch();
    let other = Table {
        name: "gone later".to_owned(),
        schema: crate::support::schema(1),
    };
    let old = Target::claim(dir.path(), Existing::Refuse).expect("claims");
    let old = finish(old.begin(vec![other], description(), SMALL).expect("begins"));
    old.write_summary(&1).expect("writes");
    old.write_report("old").expect("writes");
    drop(old);
    drop(write(dir.path(), Existing::Overwrite, SMALL, &documents()));
    let foreign = [
        "notes.txt",
        "run/notes.txt",
        "run/tmp/notes.txt",
        "features/feature=wide/x.parquet",
    ];
    foreign.iter().for_each(|name| put(&dir.path().join(name)));
    drop(write(dir.path(), Existing::Overwrite, SMALL, &documents()[..5]));
    let mut left = tree(dir.path());
    for name in foreign {
        assert_eq!(left.remove(Path::new(name)).as_deref(), Some(&b"mine"[..]), "{name}");
    }
    assert_eq!(
        left.keys().collect::<Vec<_>>(),
        tree(fresh.path()).keys().collect::<Vec<_>>()
    );
    assert!(left == tree(fresh.path()));
}

/// Overwriting removes parts, then directories, then documents, then the ledger: from wherever it was cut off, it can
/// be taken up again, and only with `--overwrite`.
#[test]
fn an_overwriting_that_was_cut_off_can_be_taken_up() {
    let fresh = scratch();
    drop(write(fresh.path(), Existing::Refuse, SMALL, &documents()));
    let order: Vec<PathBuf> = {
        let files = tree(fresh.path());
        let (parts, documents): (Vec<_>, Vec<_>) = files
            .into_keys()
            .filter(|path| !path.starts_with("run"))
            .partition(|path| path.starts_with("features_raw"));
        parts.into_iter().chain(documents).collect()
    };
    for removed in 0..=order.len() {
        let dir = scratch();
        drop(write(dir.path(), Existing::Refuse, SMALL, &documents()));
        for path in &order[..removed] {
            fs::remove_file(dir.path().join(path)).expect("removes");
            drop(fs::remove_dir(dir.path().join(path).parent().expect("a parent")));
        }
        let error = claim_error(dir.path(), Existing::Refuse);
        assert!(matches!(error, DatasetError::Exists { .. }), "{error}");
        drop(write(dir.path(), Existing::Overwrite, SMALL, &documents()));
        assert!(tree(dir.path()) == tree(fresh.path()), "after {removed} removals");
    }
}

#[test]
fn foreign_files_in_the_way_are_refused_and_kept() {
    let without_ledger = [
        "run/checkpoint-500",
        "run/seek-index",
        "run/tmp/0.part-00000.parquet",
        "run/events/x",
        "features_raw/part.parquet",
        "features_raw/feature=wide/part-00000.parquet",
        "features_raw/feature=wide",
        "failed.log",
        "rescued.ndjson",
        "feature_map.resolved.yaml",
        "summary.json",
        "report.html",
    ];
    for name in without_ledger {
        for existing in [Existing::Refuse, Existing::Overwrite] {
            let dir = scratch();
            put(&dir.path().join(name));
            let before = tree(dir.path());
            let error = claim_error(dir.path(), existing);
            assert!(matches!(error, DatasetError::Foreign { .. }), "{name}: {error}");
            assert!(
                tree(dir.path()) == before,
                "{name}: a directory that is refused stays as it was"
            );
        }
    }
    let with_ledger = [
        "features_raw/x",
        "features_raw/feature=other/part-00000.parquet",
        "features_raw/feature=wide/part-00099.parquet",
        "features_raw/feature=wide/.part-00000.parquet.crc",
        "features_raw/feature=never/deeper/x",
    ];
    for name in with_ledger {
        let dir = scratch();
        drop(write(dir.path(), Existing::Refuse, SMALL, &documents()));
        put(&dir.path().join(name));
        let before = tree(dir.path());
        let error = claim_error(dir.path(), Existing::Overwrite);
        assert!(
            matches!(&error, DatasetError::Foreign { path } if dir.path().join(name).starts_with(path)),
            "{error}"
        );
        let after = tree(dir.path());
        assert!(after == before, "{name}");
    }
}

/// What a run leaves that ends before its first ledger is in nobody's way.
#[test]
fn a_run_that_ended_before_its_first_ledger_is_taken_up() {
    let fresh = scratch();
    drop(write(fresh.path(), Existing::Refuse, SMALL, &documents()));
    let dir = scratch();
    drop(Target::claim(dir.path(), Existing::Refuse).expect("claims"));
    fs::write(dir.path().join("run/ledger.json.draft"), "half").expect("writes");
    drop(write(dir.path(), Existing::Refuse, SMALL, &documents()));
    assert!(tree(dir.path()) == tree(fresh.path()));
}

const MAP: &str = "feature_map.resolved.yaml";

/// The map that somebody edited to run with it again is theirs: kept, and readable until the new one is there.
#[test]
fn an_edited_map_is_kept() {
    let dir = scratch();
    let read = |name: &str| fs::read_to_string(dir.path().join(name)).ok();
    let replace = |with: &str| {
        let run = Description {
            resolved_map: with.to_owned(),
            ..description()
        };
        let target = Target::claim(dir.path(), Existing::Overwrite).expect("claims");
        finish(target.begin(tables(), run, SMALL).expect("begins"));
        assert_eq!(read(MAP).as_deref(), Some(with));
    };
    replace("version: 1 # the first\n");
    replace("version: 1 # the second\n");
    let kept = [0, 1, 2].map(|number| match number {
        0 => format!("{MAP}.old"),
        number => format!("{MAP}.old.{number}"),
    });
    assert_eq!(read(&kept[0]), None, "what a run wrote is not kept");
    // Edited twice in one way, and once in another.
    for edited in ["mine", "mine", "mine too"] {
        fs::write(dir.path().join(MAP), edited).expect("writes");
        replace("version: 1 # the third\n");
    }
    let kept = kept.map(|name| read(&name));
    assert_eq!(kept, [Some("mine".to_owned()), Some("mine too".to_owned()), None]);
}

#[test]
fn a_run_that_ended_before_its_first_checkpoint_is_no_dataset() {
    let dir = scratch();
    let mut dataset = begin(dir.path(), Existing::Refuse, OPTIONS).expect("begins");
    dataset.append(Source::new().unit(&documents())).expect("appends");
    drop(dataset);
    assert!(dir.path().join("failed.log").exists());
    drop(write(dir.path(), Existing::Refuse, SMALL, &documents()));
    check_rows(dir.path(), 0, "feature=wide");
}

/// What is committed is not thrown away without a word, even where no part is published yet.
#[test]
fn a_run_that_can_go_on_is_refused_without_resume() {
    let dir = scratch();
    let mut dataset = begin(dir.path(), Existing::Refuse, OPTIONS).expect("begins");
    dataset.append(Source::new().unit(&documents())).expect("appends");
    dataset.checkpoint(None).expect("commits");
    drop(dataset);
    let before = tree(dir.path());
    let error = claim_error(dir.path(), Existing::Refuse);
    assert!(matches!(error, DatasetError::Unfinished { parts: 0, .. }), "{error}");
    assert!(error.to_string().contains("--resume"), "{error}");
    let target = Target::claim(dir.path(), Existing::Resume).expect("claims");
    let error = target.begin(tables(), description(), OPTIONS).expect_err("refused");
    assert!(matches!(error, DatasetError::Unfinished { .. }), "{error}");
    assert!(
        tree(dir.path())
            == before
                .into_iter()
                .chain([(PathBuf::from("run/tmp/"), Vec::new())])
                .collect()
    );
}

#[test]
fn a_run_that_cannot_begin_leaves_the_old_dataset() {
    let dir = scratch();
    drop(write(dir.path(), Existing::Refuse, SMALL, &documents()));
    let before = tree(dir.path());
    let bad = [
        (
            Options {
                buffer_rows: 0,
                ..OPTIONS
            },
            tables(),
            "--buffer-rows is 0",
        ),
        (
            Options {
                buffer_bytes: 0,
                ..OPTIONS
            },
            tables(),
            "--buffer-bytes is 0",
        ),
        (
            Options {
                buffer_bytes: 1 << 31,
                ..OPTIONS
            },
            tables(),
            "at most 1GiB",
        ),
        (Options { encoders: 0, ..OPTIONS }, tables(), "encoders is 0"),
        (OPTIONS, [tables(), tables()].concat(), "two tables are named \"wide\""),
    ];
    for (options, tables, message) in bad {
        let target = Target::claim(dir.path(), Existing::Overwrite).expect("claims");
        let error = target.begin(tables, description(), options).expect_err("refused");
        assert!(error.to_string().contains(message), "{error}");
        let mut after = tree(dir.path());
        after.remove(Path::new("run/tmp/"));
        assert!(after == before, "{message}");
    }
}

#[test]
fn a_damaged_ledger_is_refused_and_nothing_is_deleted() {
    let dir = scratch();
    drop(write(dir.path(), Existing::Refuse, SMALL, &documents()));
    let ledger = dir.path().join("run/ledger.json");
    let good = fs::read_to_string(&ledger).expect("reads");
    for bad in [
        String::new(),
        good.replace("feature=wide", "../../x"),
        good.replace("\"format\": 4", "\"format\": 9"),
    ] {
        fs::write(&ledger, bad).expect("writes");
        let before = tree(dir.path());
        for existing in [Existing::Refuse, Existing::Overwrite] {
            let error = claim_error(dir.path(), existing);
            assert!(matches!(error, DatasetError::Ledger { .. }), "{error}");
        }
        let after = tree(dir.path());
        assert!(after == before);
    }
}

#[test]
fn one_run_at_a_time() {
    let dir = scratch();
    let refused = || {
        assert!(matches!(
            claim_error(dir.path(), Existing::Overwrite),
            DatasetError::Locked { .. }
        ))
    };
    let target = Target::claim(dir.path(), Existing::Refuse).expect("claims");
    refused();
    let dataset = target.begin(tables(), description(), OPTIONS).expect("begins");
    refused();
    let published = finish(dataset);
    refused();
    drop(published);
    drop(Target::claim(dir.path(), Existing::Overwrite).expect("the lock is free again"));
}

#[test]
fn what_stands_in_the_way_is_named() {
    let cases = ["", "run", "run/tmp", "features_raw"];
    for name in cases {
        let dir = scratch();
        let target = dir.path().join("out");
        let path = if name.is_empty() {
            target.clone()
        } else {
            target.join(name)
        };
        put(&path);
        let error = claim_error(&target, Existing::Overwrite).to_string();
        assert!(
            error.contains(path.to_str().expect("UTF-8")) && error.contains("in the way"),
            "{name}: {error}"
        );
        assert_eq!(fs::read(&path).expect("still there"), b"mine");
    }
}

/// A file of somebody else's in a part's place is refused, by a run, by `--resume` and by `--overwrite`; without it the
/// run goes on.
#[test]
fn a_part_never_replaces_a_file_that_is_in_its_way() {
    let fresh = scratch();
    drop(write(fresh.path(), Existing::Refuse, OPTIONS, &documents()));
    let dir = scratch();
    let mut dataset = begin(dir.path(), Existing::Refuse, OPTIONS).expect("begins");
    let in_the_way = dir.path().join("features_raw/feature=search_route/part-00000.parquet");
    put(&in_the_way);
    for document in documents() {
        dataset
            .append(Source::behind(&dataset).unit(&[document]))
            .expect("appends");
        dataset.checkpoint(None).expect("nothing is published yet");
    }
    let is_in_the_way = |error: DatasetError| {
        assert!(
            matches!(&error, DatasetError::PartInTheWay { path } if *path == in_the_way),
            "{error}"
        );
        assert_eq!(fs::read(&in_the_way).expect("still there"), b"mine");
    };
    is_in_the_way(dataset.finish("").expect_err("refused"));
    drop(dataset);
    // The part before it in the order of tables is published and stays; the foreign file is nobody's to remove.
    assert_eq!(check_rows(dir.path(), 0, "feature=wide"), [140]);
    let error = claim_error(dir.path(), Existing::Overwrite);
    assert!(
        matches!(&error, DatasetError::Foreign { path } if *path == in_the_way),
        "{error}"
    );
    is_in_the_way(resume(dir.path(), OPTIONS).expect_err("refused"));
    fs::remove_file(&in_the_way).expect("removes");
    drop(finish(resume(dir.path(), OPTIONS).expect("resumes")));
    assert!(result(dir.path()) == result(fresh.path()));
}

/// A publication that ends between two renames, as a crash would end it: the ledger already names what has appeared.
#[test]
fn a_part_is_named_before_it_appears() {
    let dir = scratch();
    let mut dataset = begin(dir.path(), Existing::Refuse, OPTIONS).expect("begins");
    dataset.append(Source::new().unit(&documents())).expect("appends");
    fs::remove_dir(dir.path().join("features_raw/feature=search_route")).expect("removes");
    let error = dataset.finish("").expect_err("there is nowhere to publish to");
    drop(dataset);
    assert!(matches!(error, DatasetError::Io { .. }), "{error}");
    assert_eq!(check_rows(dir.path(), 0, "feature=wide"), [140]);
    let parts = &crate::support::ledger(dir.path())["tables"][0]["parts"];
    assert_eq!(parts.as_array().map(Vec::len), Some(1));
    // The rest is put in place by whoever goes on, directory and all.
    drop(finish(resume(dir.path(), OPTIONS).expect("resumes")));
    assert_eq!(check_rows(dir.path(), 1, "feature=search_route"), [20]);
}

#[test]
fn an_encoder_that_fails_stops_the_run() {
    let dir = scratch();
    let mut dataset = begin(dir.path(), Existing::Refuse, SMALL).expect("begins");
    let in_the_way = dir.path().join("run/tmp/0.part-00001.parquet");
    fs::create_dir(&in_the_way).expect("creates");
    let mut source = Source::new();
    // The failure comes out of some append, or of `finish` at the latest; after it the dataset takes nothing more.
    let mut append = || dataset.append(source.unit(&documents()));
    let error = (0..100_000)
        .map(|_| append())
        .find_map(Result::err)
        .expect("it comes out");
    assert!(error.to_string().contains("0.part-00001.parquet"), "{error}");
    assert!(matches!(append(), Err(DatasetError::Stopped { .. })));
    assert!(matches!(dataset.finish(""), Err(DatasetError::Stopped { .. })));
}

#[test]
fn other_file_systems_are_refused() {
    let dir = scratch();
    let Some(disk) = Mount::small_disk(&dir.path().join("features_raw"), "1m") else {
        return;
    };
    let error = claim_error(dir.path(), Existing::Refuse);
    assert!(matches!(error, DatasetError::FileSystems { .. }), "{error}");
    drop(disk);
}

/// Two mounts of one file system have one device, and a rename from one to the other fails all the same.
#[test]
fn other_mounts_of_the_same_file_system_are_refused() {
    for name in ["features_raw", "features_raw/feature=wide"] {
        let (dir, elsewhere) = (scratch(), scratch());
        if name != "features_raw" {
            drop(begin(dir.path(), Existing::Refuse, OPTIONS).expect("begins"));
        }
        let at = dir.path().join(name);
        fs::create_dir_all(&at).expect("creates");
        let Some(mount) = Mount::bind(elsewhere.path(), &at) else {
            return;
        };
        for existing in [Existing::Refuse, Existing::Resume] {
            let error = claim_error(dir.path(), existing);
            assert!(
                matches!(&error, DatasetError::FileSystems { other, .. } if *other == at),
                "{error}"
            );
        }
        drop(mount);
    }
}

/// A disk that is full stops the run, with whole parts and a word on what to do. Then there are two ways: replacing the
/// dataset, for which what the run left unfinished makes room, or giving the disk more room and going on.
#[test]
fn a_full_disk_stops_the_run_and_leaves_whole_parts() {
    let options = Options {
        buffer_rows: 500,
        ..OPTIONS
    };
    for existing in [Existing::Overwrite, Existing::Resume] {
        let dir = scratch();
        let Some(disk) = Mount::small_disk(dir.path(), "1m") else {
            return;
        };
        let out = dir.path().join("out");
        let error = write_until_full(&out, options);
        let message = error.to_string();
        assert!(
            message.contains("No space left on device") && message.contains("free space"),
            "{message}"
        );
        assert!(message.contains(out.to_str().expect("UTF-8")), "{message}");
        for (table, name) in TABLES.iter().enumerate() {
            check_rows(&out, table, &format!("feature={}", name.replace('/', "%2F")));
        }
        if existing == Existing::Overwrite {
            drop(write(&out, existing, options, &documents()));
            assert_eq!(check_rows(&out, 0, "feature=wide"), [140]);
        } else {
            disk.resize("8m");
            let mut dataset = resume(&out, options).expect("resumes");
            let committed = dataset.position().rows[0];
            assert!(committed > 0, "something was committed");
            let unit = Source::behind(&dataset).unit(&documents());
            dataset.append(unit).expect("appends");
            finish(dataset);
            let rows: u64 = check_rows(&out, 0, "feature=wide").iter().sum();
            assert_eq!(rows, committed + 140);
        }
        drop(disk);
    }
}

/// Appends and commits until something fails.
fn write_until_full(out: &Path, options: Options) -> DatasetError {
    let mut dataset = begin(out, Existing::Refuse, options).expect("begins");
    let mut source = Source::new();
    for unit in 0..10_000 {
        let appended = dataset.append(source.unit(&documents()));
        let done = appended.and_then(|()| {
            if unit % 5 == 4 {
                dataset.checkpoint(None)
            } else {
                Ok(())
            }
        });
        if let Err(error) = done {
            return error;
        }
    }
    panic!("the disk is full before that");
}

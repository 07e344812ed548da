//! `docs/formats.md` and what really happens: each of its rows has an archive here, and says what comes of it.
//!
//! A new row needs a case of the same text in one of the lists below, and a new case a row; whatever has no other fails.

mod containers;
mod documents;
mod ends;
mod headers;
mod many;
mod names;
mod sets;
mod types;

use std::collections::BTreeSet;
use std::fs;
use std::sync::Mutex;
use std::thread;

use serde_json::Value;

use crate::support::{Run, Scene};

/// The map under which all documents are read.
const MAP: &str = "version: 1\nid: doc\nprovenance: true\nfeatures: {n: {path: $.n, type: int64}}\n";

/// The tables' head, by which they are known.
const HEAD: &str = "answer | words | exit | kept |";

/// What a row is about.
struct Case {
    /// The row's first column.
    row: &'static str,
    /// What is read, in which what the row is about is [`X`](crate::support::blocks::X), the second of three documents.
    input: Input,
    /// Flags, besides those of all cases.
    flags: &'static [&'static str],
}

/// What is read.
enum Input {
    /// One archive.
    Archive(fn() -> Vec<u8>),
    /// Files by their names, and which of them, or of their directories, are given.
    Files(fn() -> Vec<(&'static str, Vec<u8>)>, &'static [&'static str]),
}

/// A case of one archive without flags.
const fn case(row: &'static str, archive: fn() -> Vec<u8>) -> Case {
    Case {
        row,
        input: Input::Archive(archive),
        flags: &[],
    }
}

/// A row of the page.
#[derive(Debug)]
struct Row {
    /// What it is about.
    what: String,
    /// read, skipped, failed, damaged or refused.
    answer: String,
    /// What is said.
    words: Vec<String>,
    exit: i32,
    /// all, the others, what is before it, or nothing.
    kept: String,
}

/// The rows of all tables of the page.
fn rows() -> Vec<Row> {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/formats.md");
    let page = fs::read_to_string(page).expect("the page is there");
    let is_row = |line: &&str| line.starts_with("| ") && !line.ends_with(HEAD);
    page.lines().filter(is_row).map(row).collect()
}

fn row(line: &str) -> Row {
    let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
    let [what, answer, words, exit, kept] = cells[..] else {
        panic!("not five cells: {line}");
    };
    Row {
        what: what.to_owned(),
        answer: answer.to_owned(),
        words: words.split('`').skip(1).step_by(2).map(str::to_owned).collect(),
        exit: exit.parse().unwrap_or_else(|_| panic!("no exit code: {line}")),
        kept: kept.to_owned(),
    }
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    cases.extend(containers::cases());
    cases.extend(ends::cases());
    cases.extend(headers::cases());
    cases.extend(types::cases());
    cases.extend(names::cases());
    cases.extend(documents::cases());
    cases.extend(many::cases());
    cases.extend(sets::cases());
    cases
}

#[test]
fn each_row_of_the_page_has_a_case_and_each_case_a_row() {
    let rows = rows();
    let names: BTreeSet<&str> = rows.iter().map(|row| row.what.as_str()).collect();
    assert_eq!(names.len(), rows.len(), "a row is there twice");
    let cases = cases();
    let tested: BTreeSet<&str> = cases.iter().map(|case| case.row).collect();
    assert_eq!(tested.len(), cases.len(), "a case is there twice");
    let untested: Vec<_> = names.difference(&tested).collect();
    let unwritten: Vec<_> = tested.difference(&names).collect();
    assert!(untested.is_empty(), "rows without a case: {untested:#?}");
    assert!(unwritten.is_empty(), "cases without a row: {unwritten:#?}");
}

#[test]
fn each_row_of_the_page_says_what_happens() {
    let rows = rows();
    let cases = Mutex::new(cases());
    let wrong = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(case) = next(&cases) {
                    let row = rows.iter().find(|row| row.what == case.row);
                    if let Some(Err(reason)) = row.map(|row| hold(row, &case)) {
                        wrong
                            .lock()
                            .expect("nobody panics with it")
                            .push(format!("{}: {reason}", case.row));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().expect("nobody panicked with it");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn next(cases: &Mutex<Vec<Case>>) -> Option<Case> {
    cases.lock().expect("nobody panics with it").pop()
}

/// Holds a row to what comes of its archive.
fn hold(row: &Row, case: &Case) -> Result<(), String> {
    let scene = Scene::new(b"", MAP);
    let paths = match case.input {
        Input::Archive(archive) => {
            scene.write("archive.tar", archive());
            &["archive.tar"][..]
        }
        Input::Files(files, paths) => {
            files().iter().for_each(|(name, content)| scene.write(name, content));
            paths
        }
    };
    let mut command = scene.tarquet(&[
        "extract",
        "--feature-map",
        "map.yaml",
        "--out-dir",
        "out",
        "--workers",
        "1",
    ]);
    command.args(["--max-document-bytes", "1MiB"]).args(case.flags);
    paths.iter().for_each(|path| {
        command.args(["--tar-path", path]);
    });
    let run = Run::of(&mut command);
    let holds = hold_run(row, &scene, &run);
    holds.map_err(|reason| format!("{reason}\n  in {run:#?}"))
}

fn hold_run(row: &Row, scene: &Scene, run: &Run) -> Result<(), String> {
    if run.status.code() != Some(row.exit) {
        return Err(format!("the exit code is not {}", row.exit));
    }
    if !scene.path("out").exists() {
        let is_right = row.answer == "refused" && row.kept == "nothing";
        said(row, &run.stderr)?;
        return is_right.then_some(()).ok_or_else(|| "there is no dataset".to_owned());
    }
    let dataset = scene.dataset("out");
    said(row, &(run.stderr.clone() + &dataset.text("failed.log")))?;
    let kept = dataset.column("n", "n");
    let expected: &[i64] = match row.kept.as_str() {
        "all" => &[1, 2, 3],
        "the others" => &[1, 3],
        "what is before it" => &[1],
        other => return Err(format!("a dataset, of which {other} is kept")),
    };
    if kept != expected {
        return Err(format!("kept are {kept:?}, not {expected:?}"));
    }
    let summary = dataset.summary();
    let is_damaged = summary["archive_damage"] != Value::Null;
    let [_, failed, skipped] = dataset.members();
    let answer = match (is_damaged, failed, skipped) {
        (true, ..) => "damaged",
        (false, 0, 0) => "read",
        (false, 0, _) => "skipped",
        (false, ..) => "failed",
    };
    (answer == row.answer)
        .then_some(())
        .ok_or_else(|| format!("it is {answer}"))
}

/// Whether the row's words are said, and nothing is where it has none.
fn said(row: &Row, text: &str) -> Result<(), String> {
    // In the log they are in JSON's quotes.
    let text = text.replace("\\\"", "\"");
    match row.words.iter().find(|words| !text.contains(words.as_str())) {
        Some(words) => Err(format!("`{words}` is not said")),
        None if row.words.is_empty() && !text.is_empty() => Err("something is said".to_owned()),
        None => Ok(()),
    }
}

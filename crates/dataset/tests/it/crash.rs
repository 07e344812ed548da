//! A run that is killed, and readers while it goes on.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use tarquet_dataset::{DatasetError, Depth, Existing, Options, Target, verify};

use crate::support::{Document, Source, TABLES, begin, check_rows, finish, ledger, result, resume, scratch, write};

/// Where the run of the child process writes.
const CHILD_DIR: &str = "TARQUET_DATASET_TEST_DIR";

/// Parts of two or three documents.
const SMALL: Options = Options {
    buffer_rows: 20,
    buffer_bytes: 400,
    encoders: 2,
};

fn document(index: u32) -> Document {
    Document::with_rows(&[index % 17, 1, index % 3, 0])
}

fn directories() -> impl Iterator<Item = (usize, String)> {
    TABLES
        .iter()
        .enumerate()
        .map(|(table, name)| (table, format!("feature={}", name.replace('/', "%2F"))))
}

/// Not a test of its own: the process that is killed.
#[test]
#[ignore = "run by `a_killed_run_leaves_whole_parts` as a process of its own"]
fn child_that_writes_until_killed() {
    let Some(dir) = std::env::var_os(CHILD_DIR) else { return };
    let mut dataset = begin(Path::new(&dir), Existing::Refuse, SMALL).expect("begins");
    let mut source = Source::new();
    for index in 0.. {
        dataset.append(source.unit(&[document(index)])).expect("appends");
        if index % 5 == 4 {
            dataset.checkpoint(None).expect("commits");
        }
        let said = writeln!(std::io::stdout(), "appended").and_then(|()| std::io::stdout().flush());
        if said.is_err() {
            return;
        }
    }
}

/// The child process; killed when dropped.
struct Run {
    child: Child,
    said: BufReader<ChildStdout>,
}

impl Run {
    fn start(dir: &Path) -> Run {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args([
                "crash::child_that_writes_until_killed",
                "--exact",
                "--ignored",
                "--nocapture",
            ])
            .env(CHILD_DIR, dir)
            .stdout(Stdio::piped())
            .spawn()
            .expect("starts");
        let said = BufReader::new(child.stdout.take().expect("a pipe"));
        Run { child, said }
    }

    /// Waits until the run has appended so many documents.
    fn wait_for(&mut self, documents: usize) {
        let lines = self.said.by_ref().lines().map(|line| line.expect("a line"));
        assert_eq!(
            lines.filter(|line| line.contains("appended")).take(documents).count(),
            documents,
            "the run ended"
        );
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.child.kill().expect("kills");
        self.child.wait().expect("waits");
    }
}

#[test]
fn a_killed_run_leaves_whole_parts_and_can_go_on_or_be_overwritten() {
    let fresh = tempfile::tempdir().expect("a directory");
    let documents: Vec<_> = (0..600).map(document).collect();
    drop(write(fresh.path(), Existing::Refuse, SMALL, &documents));
    let mut most = 0;
    for documents_before in [1, 2, 3, 5, 8, 13, 30, 60, 120, 250] {
        let dir = tempfile::tempdir().expect("a directory");
        let mut run = Run::start(dir.path());
        run.wait_for(documents_before);
        for existing in [Existing::Overwrite, Existing::Resume] {
            let error = Target::claim(dir.path(), existing).expect_err("the run holds the lock");
            assert!(matches!(error, DatasetError::Locked { .. }), "{error}");
        }
        let error = verify(dir.path(), Depth::Quick).expect_err("the run holds the lock");
        assert!(matches!(error, DatasetError::Locked { .. }), "{error}");
        drop(run);
        most = most.max(check_published(dir.path()));
        if documents_before % 2 == 0 {
            drop(write(dir.path(), Existing::Overwrite, SMALL, &documents));
        } else {
            go_on(dir.path(), &documents);
        }
        assert!(
            result(dir.path()) == result(fresh.path()),
            "killed after {documents_before} documents"
        );
    }
    assert!(most > 0, "some run was killed after its first part");
}

/// Resumes the run and gives it the rest of the documents.
fn go_on(dir: &Path, documents: &[Document]) {
    let mut dataset = resume(dir, SMALL).expect("resumes");
    let mut source = Source::behind(&dataset);
    let done = dataset.position().members as usize;
    for document in &documents[done.min(documents.len())..] {
        dataset
            .append(source.unit(std::slice::from_ref(document)))
            .expect("appends");
    }
    finish(dataset);
}

/// What every reader may rely on at any time: parts are whole, they are a prefix of the rows, and the ledger names them.
/// Gives how many there are.
fn check_published(dir: &Path) -> usize {
    let mut files = Vec::new();
    for (table, directory) in directories() {
        if dir.join("features_raw").join(&directory).exists() {
            files.extend(crate::support::parts(dir, &directory));
            check_rows(dir, table, &directory);
        }
    }
    // Read after the files were listed: a part that is there was named before.
    let named = named_parts(&ledger(dir));
    for file in &files {
        let path = file.strip_prefix(dir.join("features_raw")).expect("inside");
        let (_, crc32) = named
            .iter()
            .find(|(name, _)| name == path)
            .unwrap_or_else(|| panic!("{path:?} is not named"));
        assert_eq!(
            *crc32,
            format!("{:08x}", crc32fast::hash(&fs::read(file).expect("reads"))),
            "{path:?}"
        );
    }
    files.len()
}

/// The parts that a ledger names, with their checksums.
fn named_parts(ledger: &serde_json::Value) -> Vec<(PathBuf, String)> {
    let text = |value: &serde_json::Value| value.as_str().expect("text").to_owned();
    let mut parts = Vec::new();
    for table in ledger["tables"].as_array().expect("tables") {
        let named = table["parts"].as_array().expect("parts").iter();
        parts.extend(named.map(|part| {
            (
                Path::new(&text(&table["directory"])).join(text(&part["file"])),
                text(&part["crc32"]),
            )
        }));
    }
    parts
}

#[test]
fn readers_see_whole_parts_while_a_run_goes_on() {
    /// How often the reader looks at a directory with parts in it.
    const LOOKS: usize = 30;
    let mut looks = 0;
    while looks < LOOKS {
        let dir = scratch();
        let mut dataset = begin(dir.path(), Existing::Refuse, SMALL).expect("begins");
        let ended = AtomicBool::new(false);
        looks += thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut looks = 0;
                while !ended.load(Ordering::SeqCst) {
                    looks += usize::from(check_published(dir.path()) > 0);
                }
                looks
            });
            let mut source = Source::new();
            for index in 0..40 {
                dataset.append(source.unit(&[document(index)])).expect("appends");
                dataset.checkpoint(None).expect("commits");
            }
            finish(dataset);
            ended.store(true, Ordering::SeqCst);
            reader.join().expect("what it sees is whole")
        });
        check_published(dir.path());
    }
}

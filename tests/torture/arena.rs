//! What runs are disturbed at: an archive with everything in it that a run has to keep, and what comes of it undisturbed.

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::state::files_below;
use crate::support::dataset::{Contents, assert_same};
use crate::support::documents::{Fault, Random, name, search_with};
use crate::support::process::Running;
use crate::support::{Run, Scene, Tar, gzip, zstd};

/// Nested loops, lists, strings, types that are inferred and types that are written, and a feature without a row.
pub(crate) const MAP: &str = "\
version: 1
id: search
features:
  route: $.route
  traveller:
    columns: {age: $.traveller.age, vip: {path: $.traveller.vip, type: bool}}
  offers:
    for: {offer: '$.offers[*]'}
    columns:
      position: {index: offer}
      price: offer.price
      carrier: {path: offer.carrier, type: string}
      labels: 'offer.labels[*]'
  fees:
    for: {offer: '$.offers[*]', fee: 'offer.terms.fees[*]'}
    columns: {position: {index: fee}, fee: fee}
  gaps:
    for: {gap: '$.gaps[*]'}
    columns: {gap: {path: gap, type: string}}
";

/// So many documents decide the types. What does not fit stands behind them, or it would widen the types.
const SAMPLE: usize = 50;

/// What a document may weigh, in bytes; one of the archive weighs more.
const MOST: usize = 1 << 20;

/// How a run gets its archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Input {
    /// A file that is read at random.
    Tar,
    /// A file that is read in order, through the spool.
    Gzip,
    /// The same, in zstd frames of some documents each.
    Zstd,
    /// Standard input.
    Stream,
}

impl Input {
    /// All of them, for sweeps that take turns.
    pub(crate) const ALL: [Input; 4] = [Input::Tar, Input::Gzip, Input::Zstd, Input::Stream];

    /// Any of them.
    pub(crate) fn any(random: &mut Random) -> Input {
        Input::ALL[random.below(Input::ALL.len() as u64) as usize]
    }

    /// What is read for this tar.
    fn pack(self, tar: Vec<u8>) -> Vec<u8> {
        match self {
            Input::Tar => tar,
            Input::Gzip | Input::Stream => gzip(&tar),
            Input::Zstd => tar.chunks(100_000).flat_map(zstd).collect(),
        }
    }
}

/// The size of an archive.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) documents: usize,
    /// Of a document, on average.
    pub(crate) offers: usize,
    /// Rows of a part.
    pub(crate) buffer_rows: usize,
    /// How often what is done is committed.
    pub(crate) checkpoint_every: &'static str,
}

/// An archive that shows `random` documents, some of them compressed, some of which fail, and one of which is too large.
/// Values that do not fit stand behind the sample.
pub(crate) fn archive(size: Size, random: &mut Random) -> Vec<u8> {
    let first = random.below(900_000) as usize;
    let mut below = |limit: usize| random.below(limit as u64) as usize;
    let (too_large, cut, misfit) = (below(size.documents), below(29), below(31));
    let documents = (0..size.documents).map(|number| {
        let fault = match number {
            number if number % 29 == cut => Some(Fault::Cut),
            // Broken documents are no evidence, so the sample goes a little further.
            number if number % 31 == misfit && number > SAMPLE + 10 => Some(Fault::Misfit),
            _ => None,
        };
        let text = search_with(first + number, size.offers, fault);
        match number == too_large {
            true => format!("{{\"pad\":\"{}\",{}", "x".repeat(MOST), &text[1..]),
            false => text,
        }
    });
    let add = |tar: Tar, (number, text): (usize, String)| tar.file(&name(first + number), packed(number, text));
    documents.enumerate().fold(Tar::new(), add).finish()
}

/// The content of the member with this number: of ten, one is gzip, one is zstd, and the rest are what they hold.
fn packed(number: usize, text: String) -> Vec<u8> {
    match number % 10 {
        3 => gzip(text.as_bytes()),
        8 => zstd(text.as_bytes()),
        _ => text.into_bytes(),
    }
}

/// A place where the same archive is extracted again and again.
pub(crate) struct Arena {
    scene: Scene,
    input: Input,
    arguments: Vec<String>,
    expected: Contents,
    clean: Duration,
}

/// The exit code of a run in which members failed, as in all runs here.
pub(crate) const SOME_FAILED: i32 = 3;

impl Arena {
    /// An arena for an archive of this size, made by `random`, with two to four workers.
    pub(crate) fn new(size: Size, input: Input, random: &mut Random) -> Arena {
        let workers = 2 + random.below(3);
        Arena::with(size, input, &["--workers", &workers.to_string()], random)
    }

    /// An arena for an archive of this size, made by `random`, whose runs have these arguments too.
    pub(crate) fn with(size: Size, input: Input, arguments: &[&str], random: &mut Random) -> Arena {
        Arena::within(&std::env::temp_dir(), size, input, arguments, random)
    }

    /// The same, somewhere else than where temporary files are.
    pub(crate) fn within(parent: &Path, size: Size, input: Input, arguments: &[&str], random: &mut Random) -> Arena {
        let archive = input.pack(archive(size, random));
        let rows = size.buffer_rows.to_string();
        let sample = SAMPLE.to_string();
        let most = MOST.to_string();
        let always = [
            "--sample",
            &sample,
            "--buffer-rows",
            &rows,
            "--max-document-bytes",
            &most,
        ];
        let rest = ["--checkpoint-every", size.checkpoint_every, "--progress", "none"];
        let arguments = always.iter().chain(&rest).chain(arguments);
        let mut arena = Arena {
            scene: Scene::within(parent, &archive, MAP),
            input,
            arguments: arguments.map(|argument| (*argument).to_owned()).collect(),
            expected: Contents::new(),
            clean: Duration::ZERO,
        };
        arena.run_undisturbed();
        arena
    }

    /// Runs without any disturbance, which is what all others are measured by: by the quickest, or instants would fall
    /// behind the end.
    fn run_undisturbed(&mut self) {
        let run = |_| {
            self.remove("undisturbed");
            let started = Instant::now();
            Run::of(&mut self.command("undisturbed", &[])).expect_code(SOME_FAILED);
            started.elapsed()
        };
        self.clean = (0..3).map(run).min().expect("there are three");
        let dataset = self.scene.dataset("undisturbed");
        let reasons = dataset.reasons();
        let failed = |reason: &str| reasons.iter().filter(|(_, found)| found == reason).count();
        assert_eq!(failed("too_large"), 1, "{reasons:?}");
        assert!(failed("truncated") >= 1 && !dataset.rescued().is_empty());
        assert!(
            dataset.parts("offers").len() >= 3,
            "several parts, or nothing is published before the end"
        );
        self.expected = dataset.contents();
    }

    /// How long an undisturbed run takes.
    pub(crate) fn clean(&self) -> Duration {
        self.clean
    }

    /// The scene.
    pub(crate) fn scene(&self) -> &Scene {
        &self.scene
    }

    /// What an undisturbed run writes.
    pub(crate) fn expected(&self) -> &Contents {
        &self.expected
    }

    /// The path of a dataset.
    pub(crate) fn path(&self, out: &str) -> PathBuf {
        self.scene.path(out)
    }

    /// The command that extracts into `out`.
    pub(crate) fn command(&self, out: &str, arguments: &[&str]) -> Command {
        let from = if self.input == Input::Stream {
            "-"
        } else {
            "archive.tar"
        };
        let mut command = self
            .scene
            .tarquet(&["extract", "--tar-path", from, "--feature-map", "map.yaml"]);
        command.args(["--out-dir", out]).args(&self.arguments).args(arguments);
        // So that there are places at which a resumed run can begin.
        command.env("TARQUET_TEST_SEEK_SPACING", "100000");
        if self.input == Input::Stream {
            command.stdin(File::open(self.path("archive.tar")).expect("it is there"));
        }
        command
    }

    /// The command that extracts into `out` with a failpoint: `operation:number:fault`.
    pub(crate) fn failing(&self, out: &str, arguments: &[&str], failpoint: &str) -> Command {
        let mut command = self.command(out, arguments);
        command.env("TARQUET_FAILPOINT", failpoint);
        command
    }

    /// Starts an extraction into `out`.
    pub(crate) fn start(&self, out: &str, arguments: &[&str]) -> Running {
        Running::start(&mut self.command(out, arguments))
    }

    /// Asserts that nothing stands among the features but parts as an undisturbed run writes them, and gives how many.
    #[track_caller]
    pub(crate) fn expect_whole_parts(&self, out: &str, when: &str) -> usize {
        expect_whole_parts(&self.path(out), &[&self.expected], when)
    }

    /// Resumes, which has to come to the end, and asserts that what is there then is what an undisturbed run writes.
    #[track_caller]
    pub(crate) fn finish(&self, out: &str, when: &str) -> Run {
        let run = Run::of(&mut self.command(out, &["--resume", "--log", "info"]));
        // A run that was finished but for its summary is finished already, or goes through its end again.
        assert!(matches!(run.status.code(), Some(0 | SOME_FAILED)), "{when}: {run:#?}");
        self.expect_equal(out, when);
        run
    }

    /// Asserts that the dataset in `out` is the one that an undisturbed run writes.
    #[track_caller]
    pub(crate) fn expect_equal(&self, out: &str, when: &str) {
        assert_same(&self.expected, &self.scene.dataset(out).contents(), when);
    }

    /// Asserts that `tarquet verify` finds nothing wrong.
    #[track_caller]
    pub(crate) fn verify(&self, out: &str) {
        Run::of(&mut self.scene.tarquet(&["verify", "--out-dir", out])).expect_code(0);
    }

    /// Removes a dataset, so that thousands of runs have room.
    pub(crate) fn remove(&self, out: &str) {
        let path = self.path(out);
        if path.exists() {
            fs::remove_dir_all(path).expect("it is the test's own");
        }
    }
}

/// Asserts that every file among the features of the dataset in `dir` is one of those of an undisturbed run, byte for byte,
/// and gives how many there are.
#[track_caller]
pub(crate) fn expect_whole_parts(dir: &Path, undisturbed: &[&Contents], when: &str) -> usize {
    let files = files_below(dir, Path::new("features_raw"));
    for file in &files {
        let bytes = fs::read(dir.join(file)).expect("it is there");
        let whole = undisturbed.iter().any(|contents| contents.get(file) == Some(&bytes));
        assert!(
            whole,
            "{when}: {} is none of a run's parts, {} bytes",
            file.display(),
            bytes.len()
        );
    }
    files.len()
}

/// Whether a run was killed by SIGKILL. One that was not has to have come to its end.
#[track_caller]
pub(crate) fn was_killed(run: &Run, when: &str) -> bool {
    if run.status.signal() == Some(nix::libc::SIGKILL) {
        return true;
    }
    assert!(matches!(run.status.code(), Some(0 | SOME_FAILED)), "{when}: {run:#?}");
    false
}

/// Copies a directory with all that is in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("the scene is writable");
    for entry in fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("the scene is writable");
        }
    }
}

//! Real worker processes: what they refuse, what they may take, and how they die.
//!
//! The executable of the tests is the worker too, as the product's is; so it has its own `main`. Arguments are parts of
//! the names of the tests to run; without any, all run.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it is its own harness, and a worker's last words go to standard error"
)]

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, ExitStatus, Stdio};

use nix::sys::resource::{Resource, setrlimit};
use nix::unistd::dup;
use tarquet_wire::frame::{FrameReader, FrameWriter, Kind};
use tarquet_wire::message::{Extent, FromWorker, Hello, Member, Task, TaskId, ToWorker, decode, send};
use tarquet_wire::sandbox::Demand;
use tarquet_wire::source::{self, SourceId};
use tarquet_wire::start::Start;
use tarquet_wire::{BUILD, PROTOCOL};

type Test = fn() -> Result<(), Box<dyn Error>>;

const TESTS: &[(&str, Test)] = &[
    (
        "a_worker_works_until_it_is_told_to_leave",
        a_worker_works_until_it_is_told_to_leave,
    ),
    ("a_worker_takes_no_more_than_it_may", a_worker_takes_no_more_than_it_may),
    ("a_descriptor_too_many_is_refused", a_descriptor_too_many_is_refused),
    (
        "a_worker_is_locked_in_before_it_is_told_anything",
        a_worker_is_locked_in_before_it_is_told_anything,
    ),
    ("a_source_is_declared", a_source_is_declared),
    ("a_limit_that_is_too_low_is_refused", a_limit_that_is_too_low_is_refused),
    ("rows_that_explode_end_the_worker", rows_that_explode_end_the_worker),
    (
        "a_worker_without_its_coordinator_leaves",
        a_worker_without_its_coordinator_leaves,
    ),
    #[cfg(feature = "failpoints")]
    ("poison_kills", poison_kills),
    #[cfg(feature = "failpoints")]
    ("poison_burns", poison_burns),
    #[cfg(feature = "failpoints")]
    ("a_worker_has_much_to_say", a_worker_has_much_to_say),
];

const MIB: u64 = 1 << 20;

const SIGABRT: i32 = 6;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(start) = Start::of(std::env::args_os().skip(1)) {
        return work(&start);
    }
    let filters: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    let wanted = |name: &str| filters.is_empty() || filters.iter().any(|filter| name.contains(filter.as_str()));
    let mut failed = 0;
    for (name, test) in TESTS.iter().filter(|(name, _)| wanted(name)) {
        let ended = test().map_or_else(|error| format!("FAILED: {error}"), |()| "ok".to_owned());
        println!("test {name} ... {ended}");
        failed += usize::from(ended != "ok");
    }
    ExitCode::from(u8::from(failed > 0))
}

/// What the product's `main` does as a worker.
fn work(start: &Start) -> ExitCode {
    match tarquet_worker::run(start) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// The descriptors that whoever started the tests left open, and that a worker inherits as well: their numbers.
fn inherited() -> io::Result<Vec<i32>> {
    let numbers: io::Result<Vec<i32>> = fs::read_dir("/proc/self/fd")?
        .map(|entry| Ok(entry?.file_name().to_str().unwrap().parse().unwrap()))
        .collect();
    let open = |number: &i32| fs::metadata(format!("/proc/self/fd/{number}")).is_ok();
    // Not the listing's own, which is closed by now.
    Ok(numbers?.into_iter().filter(open).collect())
}

/// A worker process, and the socket over which it is sent its source.
struct Worker {
    child: Child,
    commands: FrameWriter<ChildStdin>,
    answers: FrameReader<ChildStdout>,
    /// The number that it knows its end of the socket by.
    sources: i32,
    /// Our end.
    socket: OwnedFd,
    source: File,
}

impl Worker {
    /// A worker over a file with this content, which may allocate so much.
    fn start(content: &[u8], memory: u64) -> io::Result<Worker> {
        let mut file = tempfile::tempfile()?;
        file.write_all(content)?;
        Worker::start_as(&file, |start, sources, _| {
            start.memory = memory;
            start.inherited.push(sources);
        })
    }

    /// A worker that reads `file`, holds its socket under a number that `prepare` is told, and is started as that makes it.
    fn start_as(file: &File, prepare: impl FnOnce(&mut Start, i32, &mut Command)) -> io::Result<Worker> {
        let mut start = Start {
            coordinator: std::process::id(),
            sandbox: Demand::Auto,
            memory: 512 * MIB,
            inherited: inherited()?,
        };
        let (socket, far) = source::channel()?;
        // The copy alone is not close-on-exec.
        let far = dup(far)?;
        let mut command = Command::new(std::env::current_exe()?);
        prepare(&mut start, far.as_raw_fd(), &mut command);
        command
            .args(start.arguments())
            .env_remove("RUST_BACKTRACE")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let (commands, answers) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Ok(Worker {
            child,
            commands: FrameWriter::new(commands),
            answers: FrameReader::new(answers),
            sources: far.as_raw_fd(),
            socket,
            source: file.try_clone()?,
        })
    }

    /// Greets it; one that has left already hears nothing.
    fn greet(&mut self) {
        let hello = Hello {
            protocol: PROTOCOL,
            build: BUILD.to_owned(),
            plan: tarquet_feature_map::parse("map.yaml", MAP).unwrap(),
            engine: "simd-json".to_owned(),
            product: tarquet_wire::message::Product::Rows,
            sources: self.sources,
            unit_bytes: MIB,
            max_document_bytes: 256 * MIB,
            credit: 1 << 40,
        };
        self.say(&ToWorker::Hello(Box::new(hello)));
    }

    fn say(&mut self, message: &ToWorker) {
        send(&mut self.commands, message).ok();
    }

    /// Has it extract one member, the source's first `len` bytes.
    fn extract(&mut self, name: &str, len: u64) {
        let member = Member {
            name: name.as_bytes().to_vec(),
            offset: 0,
            size: len,
            extents: vec![Extent { offset: 0, len }],
            failed: None,
            stretch: None,
        };
        let source = SourceId(0);
        // One that has left already gets nothing.
        source::send(&self.socket, source, &self.source).ok();
        self.say(&ToWorker::Task(Task {
            id: TaskId(0),
            source,
            members: vec![member],
            careful: false,
        }));
    }

    /// The next message, batches left out; `None` at the end.
    fn hear(&mut self) -> Result<Option<FromWorker>, Box<dyn Error>> {
        while let Some(frame) = self.answers.read()? {
            if frame.kind == Kind::Message {
                return Ok(Some(decode(&frame)?));
            }
        }
        Ok(None)
    }

    /// Its end: how, and the lines that it said on standard error.
    fn end(mut self) -> io::Result<(ExitStatus, Vec<String>)> {
        drop(self.commands);
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said)?;
        let status = self.child.wait()?;
        Ok((status, said.lines().map(str::to_owned).collect()))
    }
}

const MAP: &str = "{id: doc, provenance: true, features: {items: {for: {item: '$.items[*]'}, columns: {item: {path: item, type: int64}}}}}";

const DOCUMENT: &[u8] = br#"{"items": [1, 2, 3]}"#;

fn a_worker_works_until_it_is_told_to_leave() -> Result<(), Box<dyn Error>> {
    let mut worker = Worker::start(DOCUMENT, 2048 * MIB)?;
    worker.greet();
    worker.extract("a.json", DOCUMENT.len() as u64);
    worker.say(&ToWorker::Finish);
    let mut rows = Vec::new();
    while let Some(message) = worker.hear()? {
        if let FromWorker::UnitDone(unit) = message {
            rows.extend(unit.rows);
        }
    }
    assert_eq!(rows, [3]);
    let (status, said) = worker.end()?;
    assert!(status.success() && said.is_empty(), "{status}: {said:?}");
    Ok(())
}

fn a_worker_takes_no_more_than_it_may() -> Result<(), Box<dyn Error>> {
    // A limit that somebody else has set, and that the worker inherits.
    setrlimit(Resource::RLIMIT_DATA, 4096 * MIB, 4096 * MIB)?;
    for (memory, expected) in [(512 * MIB, 512 * MIB), (8192 * MIB, 4096 * MIB)] {
        let mut worker = Worker::start(DOCUMENT, memory)?;
        worker.greet();
        assert!(matches!(worker.hear()?, Some(FromWorker::Ready { .. })));
        let of = |file: &str| fs::read_to_string(format!("/proc/{}/{file}", worker.child.id()));
        assert_eq!(of("oom_score_adj")?.trim(), "1000");
        let limits = of("limits")?;
        let data = limits.lines().find(|line| line.starts_with("Max data size")).unwrap();
        let both = format!("{expected} {expected} bytes");
        let words: Vec<&str> = data.split_whitespace().skip(3).collect();
        assert_eq!(words.join(" "), both);
        worker.end()?;
    }
    Ok(())
}

fn a_descriptor_too_many_is_refused() -> Result<(), Box<dyn Error>> {
    let file = tempfile::NamedTempFile::new()?;
    // The copy is not close-on-exec.
    let copy = dup(file.as_file())?;
    let number = copy.as_raw_fd();
    let worker = Worker::start_as(file.as_file(), |start, sources, _| {
        start.inherited.retain(|declared| *declared != number);
        start.inherited.push(sources);
    })?;
    let (status, said) = worker.end()?;
    assert_eq!(status.code(), Some(1));
    let line = said.last().map_or("", String::as_str);
    let path = file.path().display().to_string();
    assert!(line.contains(&format!("descriptor {number} ({path})")), "{said:?}");
    Ok(())
}

fn a_worker_is_locked_in_before_it_is_told_anything() -> Result<(), Box<dyn Error>> {
    if !tarquet_worker::sandbox_lacks().is_empty() {
        println!("SKIPPED: {}", tarquet_worker::sandbox_lacks().join("; "));
        return Ok(());
    }
    let file = tempfile::tempfile()?;
    for (sandbox, mode) in [(Demand::Auto, "2"), (Demand::Require, "2"), (Demand::Off, "0")] {
        let mut worker = Worker::start_as(&file, |start, sources, _| {
            start.sandbox = sandbox;
            start.inherited.push(sources);
        })?;
        // It waits for its first command, in read(2), which is call 0 on one processor and 63 on the other.
        let waits = |call: &str| ["0 ", "63 "].iter().any(|read| call.starts_with(read));
        while !waits(&fs::read_to_string(format!("/proc/{}/syscall", worker.child.id()))?) {
            std::thread::yield_now();
        }
        let status = fs::read_to_string(format!("/proc/{}/status", worker.child.id()))?;
        let field = |name: &str| status.lines().find_map(|line| Some(line.strip_prefix(name)?.trim()));
        assert_eq!(field("Seccomp:"), Some(mode), "{sandbox:?}");
        assert_eq!(field("NoNewPrivs:") == Some("1"), sandbox != Demand::Off, "{sandbox:?}");
        assert_eq!(field("Threads:"), Some("1"));
        let limits = fs::read_to_string(format!("/proc/{}/limits", worker.child.id()))?;
        let core = limits.lines().find(|line| line.starts_with("Max core file size"));
        let none = core.is_some_and(|line| line.split_whitespace().skip(4).take(2).all(|limit| limit == "0"));
        assert!(none || sandbox == Demand::Off, "{core:?}");
        worker.greet();
        let Some(FromWorker::Ready { sandbox: held, .. }) = worker.hear()? else {
            return Err("it is not ready".into());
        };
        assert_eq!(
            held.seccomp && held.landlock.is_some(),
            sandbox != Demand::Off,
            "{held}"
        );
        assert_eq!(held.lacks, [""; 0]);
        worker.end()?;
    }
    Ok(())
}

fn a_source_is_declared() -> Result<(), Box<dyn Error>> {
    let mut worker = Worker::start(DOCUMENT, 512 * MIB)?;
    worker.sources += 1;
    worker.greet();
    assert!(worker.hear()?.is_none());
    let (status, said) = worker.end()?;
    assert_eq!(status.code(), Some(1));
    assert!(
        said.last().is_some_and(|line| line.contains("did not declare")),
        "{said:?}"
    );
    Ok(())
}

fn a_limit_that_is_too_low_is_refused() -> Result<(), Box<dyn Error>> {
    let mut worker = Worker::start(DOCUMENT, 4096)?;
    worker.greet();
    let (status, said) = worker.end()?;
    assert_eq!(status.code(), Some(1));
    assert!(
        said.last().is_some_and(|line| line.contains("--worker-memory")),
        "{said:?}"
    );
    Ok(())
}

/// Every row repeats the member's name: a document of 80 KB with rows of 160 MB.
fn rows_that_explode_end_the_worker() -> Result<(), Box<dyn Error>> {
    let document = format!("{{\"items\": [{}0]}}", "0,".repeat(40_000));
    let name = format!("{}.json", "n".repeat(4_000));
    let extract = |memory| -> Result<_, Box<dyn Error>> {
        let mut worker = Worker::start(document.as_bytes(), memory)?;
        worker.greet();
        worker.extract(&name, document.len() as u64);
        worker.say(&ToWorker::Finish);
        while worker.hear()?.is_some() {}
        Ok(worker.end()?)
    };
    let (status, said) = extract(2048 * MIB)?;
    assert!(status.success(), "{status}: {said:?}");
    assert_out_of_memory(&extract(64 * MIB)?);
    Ok(())
}

fn assert_out_of_memory((status, said): &(ExitStatus, Vec<String>)) {
    assert_eq!(status.signal(), Some(SIGABRT), "{status}: {said:?}");
    // A hint at RUST_BACKTRACE may follow.
    let told = |line: &String| line.starts_with("memory allocation of") && line.ends_with("bytes failed");
    assert!(said.iter().any(told), "{said:?}");
}

fn a_worker_without_its_coordinator_leaves() -> Result<(), Box<dyn Error>> {
    let file = tempfile::tempfile()?;
    let worker = Worker::start_as(&file, |start, _, _| start.coordinator = 1)?;
    let (status, said) = worker.end()?;
    assert_eq!(status.code(), Some(1));
    assert!(said.last().is_some_and(|line| line.contains("is gone")), "{said:?}");
    Ok(())
}

#[cfg(feature = "failpoints")]
fn poison_kills() -> Result<(), Box<dyn Error>> {
    let die_of = |poison: &str| -> Result<_, Box<dyn Error>> {
        let mut worker = Worker::start(DOCUMENT, 256 * MIB)?;
        worker.greet();
        worker.extract(&format!("raw/{poison}-17.json"), DOCUMENT.len() as u64);
        assert!(matches!(worker.hear()?, Some(FromWorker::Ready { .. })));
        assert!(matches!(worker.hear()?, Some(FromWorker::Started { .. })));
        assert!(worker.hear()?.is_none());
        Ok(worker.end()?)
    };
    assert_eq!(die_of("poison-abort")?.0.signal(), Some(SIGABRT));
    assert_eq!(die_of("poison-exit")?.0.code(), Some(7));
    assert_out_of_memory(&die_of("poison-memory")?);
    let (status, said) = die_of("poison-overflow")?;
    assert_eq!(status.signal(), Some(SIGABRT));
    assert!(
        said.iter().any(|line| line.contains("overflowed its stack")),
        "{said:?}"
    );
    Ok(())
}

#[cfg(feature = "failpoints")]
fn poison_burns() -> Result<(), Box<dyn Error>> {
    let mut worker = Worker::start(DOCUMENT, 256 * MIB)?;
    worker.greet();
    worker.extract("poison-loop.json", DOCUMENT.len() as u64);
    let stat = format!("/proc/{}/stat", worker.child.id());
    // Ticks of CPU time in user mode: the 14th field, the 12th behind the command's name (proc(5)).
    let ticks = || -> Result<u64, Box<dyn Error>> {
        let stat = fs::read_to_string(&stat)?;
        let fields = stat.rsplit_once(')').ok_or("no name")?.1;
        Ok(fields.split_whitespace().nth(11).ok_or("no ticks")?.parse()?)
    };
    while ticks()? < 20 {
        std::thread::yield_now();
    }
    worker.child.kill()?;
    worker.end()?;
    Ok(())
}

#[cfg(feature = "failpoints")]
fn a_worker_has_much_to_say() -> Result<(), Box<dyn Error>> {
    let mut file = tempfile::tempfile()?;
    file.write_all(DOCUMENT)?;
    let mut worker = Worker::start_as(&file, |start, sources, command| {
        start.inherited.push(sources);
        command.env("TARQUET_WORKER_FLOOD", "10000");
    })?;
    worker.greet();
    worker.extract("a.json", DOCUMENT.len() as u64);
    worker.say(&ToWorker::Finish);
    let (status, said) = worker.end()?;
    assert!(status.success());
    let bytes: usize = said.iter().map(|line| line.len() + 1).sum();
    assert!((10_000..10_100).contains(&bytes), "{bytes}");
    Ok(())
}

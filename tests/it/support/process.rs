//! Processes as the system shows them in `/proc` (proc(5)).

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tarquet_wire::start::WORKER_SUBCOMMAND;

use super::scene::Run;

/// How long anything that has to happen may take before a test fails, on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long to wait before looking again.
const PAUSE: Duration = Duration::from_millis(1);

/// Looks again and again until `look` sees something, and fails when it takes too long.
#[track_caller]
pub(crate) fn wait_for<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    wait_within(PATIENCE, what, look)
}

/// Looks again and again until `look` sees something, and fails when it takes longer than `limit`.
#[track_caller]
#[expect(
    clippy::disallowed_methods,
    reason = "there is nothing to wait on: /proc does not tell when it changes"
)]
pub(crate) fn wait_within<T>(limit: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + limit;
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(Instant::now() < until, "{what}: not within {limit:?}");
        thread::sleep(PAUSE);
    }
}

/// A run that goes on. Dropped, it is killed.
pub(crate) struct Running {
    child: Option<Child>,
    pid: Pid,
}

impl Running {
    /// Starts a command that something is to be done to: so it is given the slow engine, to be at work for a while.
    pub(crate) fn start_slowly(command: &mut Command) -> Running {
        Running::start(command.env("TARQUET_ENGINE", "reference"))
    }

    /// Starts a command.
    pub(crate) fn start(command: &mut Command) -> Running {
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().expect("the binary starts");
        Running {
            pid: Pid::from_raw(child.id() as i32),
            child: Some(child),
        }
    }

    /// Whether it has not ended.
    pub(crate) fn is_running(&mut self) -> bool {
        let child = self.child.as_mut().expect("it was not waited for");
        child.try_wait().expect("a child can be waited for").is_none()
    }

    /// Its workers.
    pub(crate) fn workers(&self) -> BTreeSet<Worker> {
        workers_of(self.pid)
    }

    /// The most memory that it had so far, in bytes, what it shares with others included; 0 once it is gone.
    pub(crate) fn peak_memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kibibytes = peak.map_or("0", |peak| peak.trim().trim_end_matches(" kB"));
        kibibytes.parse::<u64>().expect("a count") << 10
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.pid, signal).expect("it is still there");
    }

    /// Its process id, by which its workers are known even after its end.
    pub(crate) fn pid(&self) -> Pid {
        self.pid
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Run {
        let child = self.child.take().expect("it was not waited for");
        child.wait_with_output().expect("a child can be waited for").into()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // It may have ended by itself.
            let _killed = child.kill();
            let _status = child.wait();
        }
    }
}

/// The children of a process, whichever of its threads started them.
pub(crate) fn children_of(parent: Pid) -> Vec<Pid> {
    let Ok(threads) = fs::read_dir(format!("/proc/{parent}/task")) else {
        return Vec::new();
    };
    let lists = threads.filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("children")).ok());
    let ids: Vec<i32> = lists
        .flat_map(|list| {
            list.split_whitespace()
                .map(|id| id.parse().expect("a process id"))
                .collect::<Vec<_>>()
        })
        .collect();
    ids.into_iter().map(Pid::from_raw).collect()
}

/// A worker process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Worker {
    pid: i32,
}

impl Worker {
    /// Kills it, unless it is gone by itself.
    pub(crate) fn kill(self, signal: Signal) {
        let _killed = kill(Pid::from_raw(self.pid), signal);
    }

    /// How many bytes it has read, from the archive and otherwise; 0 once it is gone.
    pub(crate) fn bytes_read(self) -> u64 {
        let counters = fs::read_to_string(format!("/proc/{}/io", self.pid)).unwrap_or_default();
        let read = counters.lines().find_map(|line| line.strip_prefix("rchar: "));
        read.map_or(0, |count| count.parse().expect("a count"))
    }

    /// Its open descriptors. `None` once it is gone.
    pub(crate) fn descriptors(self) -> Option<Vec<Descriptor>> {
        let proc = Path::new("/proc").join(self.pid.to_string());
        let entries = fs::read_dir(proc.join("fd")).ok()?;
        let describe = |entry: std::io::Result<fs::DirEntry>| {
            let entry = entry.ok()?;
            let number = entry.file_name();
            let target = fs::read_link(entry.path()).ok()?;
            let info = fs::read_to_string(proc.join("fdinfo").join(number)).ok()?;
            let flags = info.lines().find_map(|line| line.strip_prefix("flags:"))?;
            let flags = i32::from_str_radix(flags.trim(), 8).ok()?;
            Some(Descriptor {
                target,
                writable: flags & nix::libc::O_ACCMODE != nix::libc::O_RDONLY,
            })
        };
        entries.map(describe).collect()
    }
}

/// An open descriptor of a process.
#[derive(Debug, Clone)]
pub(crate) struct Descriptor {
    /// What it refers to: a path, `pipe:[inode]` or `socket:[inode]`.
    pub(crate) target: PathBuf,
    /// Whether it can be written to.
    pub(crate) writable: bool,
}

impl Descriptor {
    /// Whether it is an end of something that leads to another process.
    pub(crate) fn is_channel(&self) -> bool {
        let target = self.target.to_string_lossy();
        ["pipe:", "socket:"].iter().any(|kind| target.starts_with(kind))
    }
}

/// The workers that `coordinator` started and that live, whoever their parent is by now. A process that has ended and
/// waits for its parent has no command line, so it is none of them.
pub(crate) fn workers_of(coordinator: Pid) -> BTreeSet<Worker> {
    let coordinator = coordinator.to_string();
    let is_worker = |pid: &i32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let mut arguments = line.split(|byte| *byte == 0).skip(1);
        arguments.next() == Some(WORKER_SUBCOMMAND.as_bytes()) && arguments.next() == Some(coordinator.as_bytes())
    };
    let processes = fs::read_dir("/proc").expect("/proc is mounted");
    processes
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(is_worker)
        .map(|pid| Worker { pid })
        .collect()
}

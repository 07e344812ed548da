//! Runs a command and measures what it and all its descendants use.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fs::File;
use std::io::{Read, Seek};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::errno::Errno;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;

use super::processes::{self, Memory};

/// How often the memory of the processes is read, which takes about half a millisecond of a processor. What a process
/// reaches in its last moments goes unseen, which for the kernel's own peak (`VmHWM`) loses only growth within this time
/// before its end.
const POLL: Duration = Duration::from_millis(25);

/// What a run used.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Measured {
    /// From the start of the command to its end.
    pub(crate) wall: Duration,
    /// User and system time of the command and of every descendant that was waited for.
    pub(crate) cpu: Duration,
    /// The largest resident size of the command's own process, in bytes.
    pub(crate) first_peak: u64,
    /// The largest resident size of any of its descendants, in bytes; 0 without descendants.
    pub(crate) other_peak: u64,
    /// The most memory that all of them held at once, in bytes: anonymous memory, and shared memory once.
    pub(crate) total_peak: u64,
    /// What the command wrote to standard output.
    pub(crate) output: String,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Ended {
    /// By itself.
    Finished(Measured),
    /// It ran for longer than it was allowed to, and was killed.
    OverLimit,
}

/// Runs `command` to its end.
///
/// # Errors
///
/// Where it cannot be started, and where it ends with anything but success; then its standard error is in the message.
pub(crate) fn run(command: &mut Command) -> Result<Measured> {
    match run_within(command, Duration::MAX)? {
        Ended::Finished(measured) => Ok(measured),
        Ended::OverLimit => unreachable!("no run takes forever"),
    }
}

/// Runs `command` to its end, but for at most `limit`.
///
/// # Errors
///
/// As [`run`].
pub(crate) fn run_within(command: &mut Command, limit: Duration) -> Result<Ended> {
    // Files, not pipes: nobody has to read them while the command runs.
    let (mut output, mut errors) = (tempfile::tempfile()?, tempfile::tempfile()?);
    let cpu_before = cpu_of_children()?;
    let start = Instant::now();
    let child = command
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(errors.try_clone()?)
        .spawn()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    let Watched { peaks, status, wall } = watch(child, start, limit)?;
    if peaks.killed {
        return Ok(Ended::OverLimit);
    }
    ensure!(
        status.success(),
        "{command:?} failed ({status}):\n{}",
        text(&mut errors)?
    );
    Ok(Ended::Finished(Measured {
        wall,
        cpu: cpu_of_children()? - cpu_before,
        first_peak: peaks.first,
        other_peak: peaks.others.values().copied().max().unwrap_or(0),
        total_peak: peaks.total,
        output: text(&mut output)?,
    }))
}

#[derive(Debug, Default)]
struct Peaks {
    first: u64,
    others: HashMap<u32, u64>,
    total: u64,
    /// Whether the processes were killed at the limit.
    killed: bool,
}

impl Peaks {
    fn take(&mut self, first: u32, processes: &[(u32, Memory)]) {
        for &(pid, memory) in processes {
            let peak = if pid == first {
                &mut self.first
            } else {
                self.others.entry(pid).or_default()
            };
            // It only ever grows, but for a process that was just forked: until it becomes another program, it shows the
            // memory of the one that forked it.
            *peak = memory.peak;
        }
        let anonymous: u64 = processes.iter().map(|(_, memory)| memory.anonymous).sum();
        let shared = processes.iter().map(|(_, memory)| memory.shared).max().unwrap_or(0);
        self.total = self.total.max(anonymous + shared);
    }
}

/// What is known of a child that has ended.
struct Watched {
    peaks: Peaks,
    status: ExitStatus,
    wall: Duration,
}

/// Waits for `child`, reading the memory of its processes meanwhile, which are all killed at `limit`.
fn watch(mut child: Child, start: Instant, limit: Duration) -> Result<Watched> {
    let first = child.id();
    let (running, ended) = mpsc::channel::<Infallible>();
    let (peaks, wall) = thread::scope(|scope| {
        let watcher = scope.spawn(move || {
            let mut peaks = Peaks::default();
            while ended.recv_timeout(POLL) == Err(RecvTimeoutError::Timeout) {
                let processes = processes::tree(first);
                peaks.take(first, &processes);
                if start.elapsed() > limit {
                    peaks.killed = true;
                    processes.iter().for_each(|&(pid, _)| end(pid));
                }
            }
            peaks
        });
        let waited = wait_without_reaping(first);
        let wall = start.elapsed();
        drop(running);
        let peaks = watcher.join().expect("reading /proc does not panic");
        waited.map(|()| (peaks, wall))
    })?;
    let status = child.wait()?;
    Ok(Watched { peaks, status, wall })
}

/// Waits for the end of a child whose process id stays its own, so that the watcher cannot meet another by it.
fn wait_without_reaping(child: u32) -> Result<()> {
    loop {
        match waitid(Id::Pid(pid(child)), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT) {
            Err(Errno::EINTR) => {}
            waited => return waited.map(drop).context("cannot wait for a child process"),
        }
    }
}

/// Ends one of the processes of a run. That it may have ended by itself is all right.
fn end(process: u32) {
    kill(pid(process), Signal::SIGKILL).ok();
}

fn pid(process: u32) -> Pid {
    Pid::from_raw(process as i32)
}

fn cpu_of_children() -> Result<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).context("cannot read the resource usage of child processes")?;
    let microseconds = |time: nix::sys::time::TimeVal| time.tv_sec() as u64 * 1_000_000 + time.tv_usec() as u64;
    Ok(Duration::from_micros(
        microseconds(usage.user_time()) + microseconds(usage.system_time()),
    ))
}

fn text(file: &mut File) -> Result<String> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Result<Measured> {
        run(Command::new("sh").args(["-c", script]))
    }

    #[test]
    fn a_process_that_was_just_forked_does_not_count_as_the_one_that_forked_it() {
        let memory = |peak| Memory {
            peak,
            ..Memory::default()
        };
        let mut peaks = Peaks::default();
        for second in [80, 10, 20] {
            peaks.take(1, &[(1, memory(80)), (2, memory(second))]);
        }
        assert_eq!((peaks.first, peaks.others[&2]), (80, 20));
    }

    #[test]
    fn output_time_and_processor_are_those_of_the_command() {
        // Half a second of work in a grandchild, which the shell waits for.
        let script = "python3 -c 'import time\nwhile time.process_time() < 0.5: pass'; echo done";
        let measured = shell(script).unwrap();
        assert_eq!(measured.output, "done\n");
        assert!(measured.cpu >= Duration::from_millis(500), "{measured:?}");
        assert!(measured.wall >= Duration::from_millis(500), "{measured:?}");
    }

    #[test]
    fn memory_of_a_descendant_is_not_that_of_the_command() {
        let script =
            "python3 -c 'import time; held = bytes(range(256)) * 800_000\nwhile time.process_time() < 0.5: pass'; true";
        let measured = shell(script).unwrap();
        assert!(measured.other_peak > 200_000_000, "{measured:?}");
        assert!(measured.total_peak > 200_000_000, "{measured:?}");
        assert!(measured.first_peak < 50_000_000, "{measured:?}");
    }

    #[test]
    fn a_run_over_its_limit_is_killed_with_all_its_processes() {
        let script = "sleep 1000 & echo $! > \"$0\"; wait";
        let told = tempfile::NamedTempFile::new().unwrap();
        let start = Instant::now();
        let ended = run_within(
            Command::new("sh").args(["-c", script]).arg(told.path()),
            Duration::from_millis(200),
        );
        assert_eq!(ended.unwrap(), Ended::OverLimit);
        let sleeper = std::fs::read_to_string(told.path()).unwrap();
        let stat = format!("/proc/{}/stat", sleeper.trim());
        // Gone, or waiting for whoever inherited it to take notice; the signal takes a moment to get there.
        let is_gone = || std::fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z "));
        while !is_gone() {
            assert!(start.elapsed() < Duration::from_secs(100), "it still runs");
            thread::yield_now();
        }
    }

    #[test]
    fn a_failure_says_what_the_command_said() {
        let error = shell("echo no luck >&2; exit 3").unwrap_err().to_string();
        assert!(error.contains("no luck") && error.contains('3'), "{error}");
    }
}

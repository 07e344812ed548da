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
use nix::sys::resource::{UsageWho, getrusage};

use super::processes::{self, Memory};

/// How often the memory of the processes is read. What a process reaches in its last moments goes unseen, which for
/// the kernel's own peak (`VmHWM`) loses only growth within this time before its end.
const POLL: Duration = Duration::from_millis(10);

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

/// Runs `command` to its end.
///
/// # Errors
///
/// Where it cannot be started, and where it ends with anything but success; then its standard error is in the message.
pub(crate) fn run(command: &mut Command) -> Result<Measured> {
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
    let (peaks, status, wall) = watch(child, start)?;
    ensure!(
        status.success(),
        "{command:?} failed ({status}):\n{}",
        text(&mut errors)?
    );
    Ok(Measured {
        wall,
        cpu: cpu_of_children()? - cpu_before,
        first_peak: peaks.first,
        other_peak: peaks.others.values().copied().max().unwrap_or(0),
        total_peak: peaks.total,
        output: text(&mut output)?,
    })
}

#[derive(Debug, Default)]
struct Peaks {
    first: u64,
    others: HashMap<u32, u64>,
    total: u64,
}

impl Peaks {
    fn take(&mut self, first: u32, processes: &[(u32, Memory)]) {
        for &(pid, memory) in processes {
            let peak = if pid == first {
                &mut self.first
            } else {
                self.others.entry(pid).or_default()
            };
            *peak = memory.peak.max(*peak);
        }
        let anonymous: u64 = processes.iter().map(|(_, memory)| memory.anonymous).sum();
        let shared = processes.iter().map(|(_, memory)| memory.shared).max().unwrap_or(0);
        self.total = self.total.max(anonymous + shared);
    }
}

/// Waits for `child`, reading the memory of its processes meanwhile.
fn watch(mut child: Child, start: Instant) -> Result<(Peaks, ExitStatus, Duration)> {
    let first = child.id();
    let (running, ended) = mpsc::channel::<Infallible>();
    thread::scope(|scope| {
        let watcher = scope.spawn(move || {
            let mut peaks = Peaks::default();
            while ended.recv_timeout(POLL) == Err(RecvTimeoutError::Timeout) {
                peaks.take(first, &processes::tree(first));
            }
            peaks
        });
        let status = child.wait();
        let wall = start.elapsed();
        drop(running);
        let peaks = watcher.join().expect("reading /proc does not panic");
        Ok((peaks, status?, wall))
    })
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
    fn a_failure_says_what_the_command_said() {
        let error = shell("echo no luck >&2; exit 3").unwrap_err().to_string();
        assert!(error.contains("no luck") && error.contains('3'), "{error}");
    }
}

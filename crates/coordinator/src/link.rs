//! A worker process as the coordinator holds it: the child, its pipes, and a thread for each.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader};
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::signal::Signal;
use tarquet_wire::frame::FrameWriter;
use tarquet_wire::message::{ToWorker, send};
use tarquet_wire::sandbox::{Demand, stopped_at};
use tarquet_wire::source;

use crate::error::RunError;
use crate::input::Input;
use crate::machine::{Death, WorkerId};
use crate::receive::{Schemas, printable, receive};
use crate::source::WorkerSource;
use crate::watch;

/// How long a worker whose pipe has ended may live on.
const LEAVE_WITHIN: Duration = Duration::from_secs(1);

/// How many of a worker's last lines on standard error are kept for the message about its death.
const LAST_LINES: usize = 10;

/// How a worker is started.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Start<'a> {
    /// What is started, with the arguments of a [worker](tarquet_wire::start::Start).
    pub(crate) executable: &'a Path,
    /// Whether it is to lock itself in.
    pub(crate) sandbox: Demand,
    /// What it may allocate, in bytes.
    pub(crate) memory: u64,
    /// The size that its pipes are asked to have, in bytes.
    pub(crate) pipe_bytes: i32,
}

/// What is said to a worker.
enum Order {
    /// A message.
    Say(ToWorker),
    /// One with a task, whose members are read from this.
    Give(ToWorker, Arc<WorkerSource>),
}

/// Held while a worker is started: only what it is to inherit may be inherited then.
static STARTING: Mutex<()> = Mutex::new(());

/// A living worker. Dropped, it is killed and waited for: no child is left behind.
#[derive(Debug)]
pub(crate) struct Link {
    child: Child,
    /// `None` once nothing more is to be said.
    commands: Option<Sender<Order>>,
    /// The number by which the worker knows its socket for sources.
    sources: i32,
    last_lines: Arc<Mutex<VecDeque<String>>>,
    /// Ends when standard error does.
    silent: Receiver<()>,
    threads: Vec<JoinHandle<()>>,
}

impl Link {
    /// Starts a worker whose events go to `inputs`.
    ///
    /// # Errors
    ///
    /// When the system gives no process, no pipe or no thread.
    pub(crate) fn start(
        worker: WorkerId,
        start: &Start<'_>,
        schemas: Schemas,
        inputs: &Sender<Input>,
    ) -> io::Result<Link> {
        let (socket, far) = source::channel()?;
        let sources = far.as_raw_fd();
        let made_with = tarquet_wire::start::Start {
            coordinator: std::process::id(),
            sandbox: start.sandbox,
            memory: start.memory,
            inherited: vec![sources],
        };
        let mut command = Command::new(start.executable);
        command
            .arg0("tarquet-worker")
            .args(made_with.arguments())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // The terminal's Ctrl-C is for the coordinator alone.
            .process_group(0);
        let child = {
            let _starting = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
            fcntl(&far, FcntlArg::F_SETFD(FdFlag::empty()))?;
            let child = command.spawn();
            // The worker's end is the worker's alone.
            drop(far);
            child?
        };
        let (sender, receiver) = channel();
        let (speaking, silent) = channel::<()>();
        let mut link = Link {
            commands: Some(sender),
            sources,
            last_lines: Arc::default(),
            silent,
            threads: Vec::new(),
            child,
        };
        let (stdin, stdout, stderr) = match (
            link.child.stdin.take(),
            link.child.stdout.take(),
            link.child.stderr.take(),
        ) {
            (Some(stdin), Some(stdout), Some(stderr)) => (stdin, stdout, stderr),
            _ => return Err(io::Error::other("a worker without pipes")),
        };
        resize(&stdin, start.pipe_bytes);
        resize(&stdout, start.pipe_bytes);
        let (inputs, lines) = (inputs.clone(), Arc::clone(&link.last_lines));
        let loser = inputs.clone();
        link.threads = vec![
            named(format!("{worker} commands"), move || {
                if let Err(lost) = write_commands(stdin, &socket, &receiver) {
                    // The run may be over.
                    loser.send(Input::SourceLost(lost)).ok();
                }
            })?,
            named(format!("{worker} events"), move || {
                receive(worker, stdout, &schemas, &inputs)
            })?,
            named(format!("{worker} stderr"), move || {
                keep_lines(stderr, &lines);
                drop(speaking);
            })?,
        ];
        Ok(link)
    }

    /// Says something to the worker; to one that is gone, nothing.
    pub(crate) fn send(&self, message: ToWorker) {
        self.order(Order::Say(message));
    }

    /// Gives the worker a task, behind the descriptor of what its members are read from.
    pub(crate) fn give(&self, task: ToWorker, source: Arc<WorkerSource>) {
        self.order(Order::Give(task, source));
    }

    fn order(&self, order: Order) {
        if let Some(commands) = &self.commands {
            // The writer ends with its pipe, and the reader tells of that.
            commands.send(order).ok();
        }
    }

    /// The number by which the worker knows its socket for sources.
    pub(crate) fn sources(&self) -> i32 {
        self.sources
    }

    /// Ends the worker. That it is gone comes as a [`Input::Hangup`].
    pub(crate) fn kill(&mut self) {
        // It may be gone already.
        self.child.kill().ok();
    }

    /// The time that the worker was on a processor, as far as the system tells.
    pub(crate) fn time_used(&self) -> Option<Duration> {
        watch::time_used(self.child.id())
    }

    /// Waits for a worker whose pipe has ended, and says how it died and what it said last. One that broke the protocol,
    /// in the way that `broken` says, is killed; its death is that.
    pub(crate) fn bury(mut self, broken: Option<String>) -> (Death, Vec<String>) {
        // A worker holds its pipes until it ends, so it is a matter of microseconds. One that lives on has no use any
        // more.
        let leaving = broken.is_some() || self.silent.recv_timeout(LEAVE_WITHIN) != Err(RecvTimeoutError::Timeout);
        // To one that is leaving this does nothing: its status stands.
        self.kill();
        let death = match (broken, self.child.wait()) {
            (Some(why), _) => Death::Protocol(why),
            (None, Ok(_)) if !leaving => Death::Protocol("it closed its pipe and went on".to_owned()),
            (None, Ok(status)) => match (status.signal(), status.code()) {
                (Some(signal), _) => Death::Signal(signal),
                (None, code) => Death::Exit(code.unwrap_or_default()),
            },
            (None, Err(error)) => Death::Protocol(format!("its status cannot be read: {error}")),
        };
        self.join();
        let mut lines: Vec<String> = self
            .last_lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .drain(..)
            .collect();
        let death = told(death, &lines);
        if matches!(death, Death::Sandbox { call: Some(_) }) {
            // The death says what this line says.
            lines.pop();
        }
        (death, lines)
    }

    /// Waits for nothing any more: a worker that is stuck in the kernel, dead already, would hold everything up. It and
    /// what listens to it end with this process at the latest.
    pub(crate) fn desert(self) {
        std::mem::forget(self);
    }

    fn join(&mut self) {
        self.commands = None;
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so; the worker is gone either way.
            thread.join().ok();
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.kill();
        self.child.wait().ok();
        self.join();
    }
}

/// What a worker's death was, now that its last lines are known.
fn told(death: Death, lines: &[String]) -> Death {
    const ABORTED: i32 = Signal::SIGABRT as i32;
    const STOPPED: i32 = Signal::SIGSYS as i32;
    match death {
        Death::Signal(ABORTED) if lines.iter().any(|line| is_out_of_memory(line)) => Death::Memory,
        Death::Signal(STOPPED) => Death::Sandbox {
            call: lines.last().and_then(|line| stopped_at(line)),
        },
        death => death,
    }
}

/// Whether this is what Rust's standard library says before it aborts because an allocation failed.
fn is_out_of_memory(line: &str) -> bool {
    line.starts_with("memory allocation of ") && line.ends_with(" bytes failed")
}

fn named(name: String, body: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name(name).spawn(body)
}

/// Asks for a pipe of this size. The system may refuse (`/proc/sys/fs/pipe-user-pages-soft`); any size works.
fn resize(pipe: impl AsFd, bytes: i32) {
    fcntl(pipe, FcntlArg::F_SETPIPE_SZ(bytes)).ok();
}

/// Writes what there is to say until there is no more, or the worker is gone.
///
/// # Errors
///
/// When what a task is to be read from cannot be opened any more.
fn write_commands(pipe: ChildStdin, socket: &OwnedFd, orders: &Receiver<Order>) -> Result<(), RunError> {
    let mut writer = FrameWriter::new(pipe);
    let mut last = None;
    while let Ok(order) = orders.recv() {
        let message = match order {
            Order::Say(message) => message,
            Order::Give(task, from) => {
                if last.replace(from.id()) != Some(from.id())
                    && from
                        .with_descriptor(|file| source::send(socket, from.id(), file))?
                        .is_err()
                {
                    return Ok(());
                }
                task
            }
        };
        if send(&mut writer, &message).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// Drains standard error, so that a worker never waits for it, and keeps its end.
fn keep_lines(stderr: ChildStderr, last: &Mutex<VecDeque<String>>) {
    let mut reader = BufReader::new(stderr);
    let mut line = Vec::new();
    while let Ok(1..) = read_line(&mut reader, &mut line) {
        let text = printable(String::from_utf8_lossy(&line).trim_end());
        tracing::debug!(target: "worker", "{text}");
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.len() == LAST_LINES {
            last.pop_front();
        }
        last.push_back(text);
        line.clear();
    }
}

/// Reads a line, or a piece of an endless one.
fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<usize> {
    const MOST: u64 = 16 << 10;
    io::Read::take(reader, MOST).read_until(b'\n', line)
}

#[cfg(test)]
mod tests;

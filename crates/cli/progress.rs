//! How far a run is, on standard error: a bar, plain lines, or JSON lines.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};
use serde::Serialize;
use tarquet_coordinator::{Busy, Counters, Progress};

use crate::args::{DisplayArguments, ProgressKind};
use crate::quantity::{bytes, counted, duration, grouped, rate};
use crate::visible::harmless;

/// How often a bar is drawn.
const BAR_EVERY: Duration = Duration::from_millis(100);

/// How often a plain line is written.
const PLAIN_EVERY: Duration = Duration::from_secs(10);

/// How often a JSON line is written.
const JSON_EVERY: Duration = Duration::from_secs(1);

/// How long the end of a display is waited for.
const GONE_WITHIN: Duration = Duration::from_millis(500);

/// A display that runs until its end is called.
pub(crate) struct Display {
    /// Dropped to end the thread, and what tells that it has ended.
    running: Option<(Sender<()>, Receiver<()>)>,
}

impl Display {
    /// Starts showing `counters`, if they are to be shown.
    pub(crate) fn start(
        arguments: &DisplayArguments,
        counters: Arc<Counters>,
        bars: MultiProgress,
    ) -> io::Result<Display> {
        let terminal = io::stderr().is_terminal();
        let (every, mut shown): (Duration, Box<dyn Shown + Send>) = match arguments.progress {
            _ if arguments.quiet => return Ok(Display { running: None }),
            ProgressKind::None => return Ok(Display { running: None }),
            ProgressKind::Auto if terminal => {
                let workers = (arguments.verbose > 0).then(|| WorkerLines::new(&bars, &counters));
                (BAR_EVERY, Box::new(Bar::new(&bars, workers)))
            }
            ProgressKind::Auto | ProgressKind::Plain => (PLAIN_EVERY, Box::new(Plain)),
            ProgressKind::Json => (JSON_EVERY, Box::new(Json)),
        };
        let (end, ended) = channel::<()>();
        let (showing, shown_all) = channel::<()>();
        let started = Instant::now();
        thread::Builder::new().name("progress".to_owned()).spawn(move || {
            while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(every) {
                shown.show(counters.progress(), started.elapsed());
            }
            shown.end(counters.progress(), started.elapsed());
            drop(showing);
        })?;
        Ok(Display {
            running: Some((end, shown_all)),
        })
    }

    /// Takes the display away, unless standard error is a pipe that nobody reads: nothing waits for that.
    pub(crate) fn end(self) {
        if let Some((end, shown_all)) = self.running {
            drop(end);
            shown_all.recv_timeout(GONE_WITHIN).ok();
        }
    }
}

/// A way to show progress.
trait Shown {
    fn show(&mut self, progress: Progress, elapsed: Duration);
    fn end(&mut self, progress: Progress, elapsed: Duration);
}

/// A bar over the archive's bytes: how many members a stream has is not known before its end. Of standard input even the
/// bytes are not; then it is a line without a bar.
struct Bar {
    bar: ProgressBar,
    /// Whether the line has its bar.
    measured: bool,
    /// Above it, a line for each worker.
    workers: Option<WorkerLines>,
    taskbar: Taskbar,
}

impl Bar {
    fn new(bars: &MultiProgress, workers: Option<WorkerLines>) -> Bar {
        let bar = bars.add(ProgressBar::new(0));
        bar.set_style(text_style());
        Bar {
            bar,
            measured: false,
            workers,
            taskbar: Taskbar::of_terminal(),
        }
    }
}

fn text_style() -> ProgressStyle {
    ProgressStyle::with_template("{wide_msg}").unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// A line for each busy worker, with the member that it has in hand.
struct WorkerLines {
    bars: MultiProgress,
    counters: Arc<Counters>,
    lines: BTreeMap<u64, ProgressBar>,
}

impl WorkerLines {
    fn new(bars: &MultiProgress, counters: &Arc<Counters>) -> WorkerLines {
        counters.want_workers();
        WorkerLines {
            bars: bars.clone(),
            counters: Arc::clone(counters),
            lines: BTreeMap::new(),
        }
    }

    fn show(&mut self, below: &ProgressBar) {
        let busy = self.counters.busy_workers();
        let is_busy = |worker: &u64| busy.iter().any(|busy| busy.worker == *worker);
        self.lines.retain(|worker, line| {
            let stays = is_busy(worker);
            if !stays {
                line.finish_and_clear();
                self.bars.remove(line);
            }
            stays
        });
        for Busy { worker, member } in busy {
            let line = self.lines.entry(worker).or_insert_with(|| {
                let line = self.bars.insert_before(below, ProgressBar::new(0));
                line.set_style(text_style());
                line
            });
            line.set_message(format!("worker {worker:>3}  {}", harmless(&member)));
        }
    }

    fn end(&mut self) {
        self.lines.values().for_each(ProgressBar::finish_and_clear);
    }
}

/// The progress that some terminals show in their tab or in the taskbar: ConEmu's sequence OSC 9;4.
struct Taskbar {
    is_supported: bool,
    /// What was told last, in percent.
    told: Option<u8>,
}

impl Taskbar {
    /// Terminals that know the sequence say who they are; others may show it as text.
    fn of_terminal() -> Taskbar {
        let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|is| is == value);
        let has = |name: &str| std::env::var_os(name).is_some();
        Taskbar {
            is_supported: has("WT_SESSION")
                || is("ConEmuANSI", "ON")
                || is("TERM_PROGRAM", "WezTerm")
                || is("TERM_PROGRAM", "ghostty"),
            told: None,
        }
    }

    fn show(&mut self, share: Option<f64>) {
        let percent = share.map_or(0, |share| (share * 100.0).clamp(0.0, 100.0) as u8);
        // Where nobody knows how much there is, it only moves.
        let state = if share.is_some() { 1 } else { 3 };
        if self.is_supported && self.told != Some(percent) {
            self.told = Some(percent);
            write!(io::stderr(), "\u{1b}]9;4;{state};{percent}\u{7}").ok();
        }
    }

    fn end(&mut self) {
        if self.told.take().is_some() {
            write!(io::stderr(), "\u{1b}]9;4;0;0\u{7}").ok();
        }
    }
}

fn style() -> ProgressStyle {
    let coloured = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let bar = if coloured { "{bar:16.cyan}" } else { "{bar:16}" };
    let template = format!("{bar} {{share}} · {{wide_msg}}");
    ProgressStyle::with_template(&template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .with_key("share", |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            // A display that cannot be written to is no reason to stop.
            write!(out, "{:3.0} %", state.fraction() * 100.0).ok();
        })
        .progress_chars("━━╌")
}

impl Shown for Bar {
    fn show(&mut self, progress: Progress, elapsed: Duration) {
        if progress.archive_len > 0 && !std::mem::replace(&mut self.measured, true) {
            self.bar.set_style(style());
        }
        self.bar.set_length(progress.archive_len);
        self.bar.set_position(progress.archive_bytes);
        // A narrow terminal cuts the line, so what is waited for comes first.
        let left = time_left(progress, elapsed).map(|left| format!("{} left · ", duration(left)));
        let left = left.filter(|_| !progress.stopping);
        self.bar
            .set_message(left.unwrap_or_default() + &line(progress, elapsed));
        if let Some(workers) = &mut self.workers {
            workers.show(&self.bar);
        }
        self.taskbar.show(share(progress));
    }

    fn end(&mut self, _progress: Progress, _elapsed: Duration) {
        if let Some(workers) = &mut self.workers {
            workers.end();
        }
        self.bar.finish_and_clear();
        self.taskbar.end();
    }
}

/// A line now and then, for logs.
struct Plain;

impl Shown for Plain {
    fn show(&mut self, progress: Progress, elapsed: Duration) {
        let share = share(progress).map(|share| format!("{:3.0} % · ", share * 100.0));
        let left = time_left(progress, elapsed).map(|left| format!(" · {} left", duration(left)));
        let (share, left) = (share.unwrap_or_default(), left.unwrap_or_default());
        writeln!(io::stderr(), "{share}{}{left}", line(progress, elapsed)).ok();
    }

    fn end(&mut self, _progress: Progress, _elapsed: Duration) {}
}

/// A JSON object now and then, for programs; the last one is the end's.
struct Json;

#[derive(Serialize)]
struct JsonLine {
    elapsed_seconds: f64,
    sampling: bool,
    stopping: bool,
    /// Once it is stopping.
    tasks_in_flight: u64,
    workers: u64,
    workers_replaced: u64,
    members_extracted: u64,
    members_failed: u64,
    members_skipped: u64,
    documents_extracted: u64,
    documents_failed: u64,
    /// A resume would begin behind so many.
    members_committed: u64,
    values_rescued: u64,
    rows: u64,
    document_bytes: u64,
    archive_bytes: u64,
    archive_len: u64,
}

impl Shown for Json {
    fn show(&mut self, progress: Progress, elapsed: Duration) {
        let line = JsonLine {
            elapsed_seconds: elapsed.as_secs_f64(),
            sampling: progress.sampling,
            stopping: progress.stopping,
            tasks_in_flight: progress.in_flight,
            workers: progress.workers,
            workers_replaced: progress.replaced,
            members_extracted: progress.extracted,
            members_failed: progress.failed,
            members_skipped: progress.skipped,
            documents_extracted: progress.documents,
            documents_failed: progress.failures,
            members_committed: progress.committed,
            values_rescued: progress.rescued,
            rows: progress.rows,
            document_bytes: progress.document_bytes,
            archive_bytes: progress.archive_bytes,
            archive_len: progress.archive_len,
        };
        if let Ok(text) = serde_json::to_string(&line) {
            writeln!(io::stderr(), "{text}").ok();
        }
    }

    fn end(&mut self, progress: Progress, elapsed: Duration) {
        self.show(progress, elapsed);
    }
}

fn line(progress: Progress, elapsed: Duration) -> String {
    if progress.stopping {
        return format!("stopping: {} in flight", counted(progress.in_flight, "task"));
    }
    if progress.sampling {
        return "looking at the types of the first documents".to_owned();
    }
    let members = progress.extracted + progress.failed;
    let mut line = format!(
        "{} files · {:.0} files/s · {}/s · {} rows",
        grouped(members),
        rate(progress.own_members(), elapsed),
        bytes(rate(progress.own_bytes(), elapsed) as u64),
        grouped(progress.rows),
    );
    if progress.failures > 0 {
        write!(line, " · {} failed", grouped(progress.failures)).ok();
    }
    if progress.replaced > 0 {
        write!(line, " · {} workers replaced", grouped(progress.replaced)).ok();
    }
    line
}

/// How much of the archive is done, by its bytes, if it is known how many there are.
fn share(progress: Progress) -> Option<f64> {
    (progress.archive_len > 0).then(|| progress.archive_bytes as f64 / progress.archive_len as f64)
}

/// How long the rest takes if it goes on as it did, by bytes of the archive; nothing before there is something to go by.
fn time_left(progress: Progress, elapsed: Duration) -> Option<Duration> {
    let own = progress.archive_bytes.saturating_sub(progress.resumed_archive_bytes);
    let left = progress.archive_len.checked_sub(progress.archive_bytes)?;
    let enough = elapsed >= Duration::from_secs(1) && own > 0;
    enough.then(|| elapsed.mul_f64(left as f64 / own as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_matters() {
        let progress = Progress {
            extracted: 1_499,
            failed: 1,
            failures: 1,
            rows: 291_687,
            document_bytes: 722_000_000,
            archive_bytes: 50,
            archive_len: 100,
            ..Progress::default()
        };
        let elapsed = Duration::from_secs(2);
        assert_eq!(
            line(progress, elapsed),
            "1,500 files · 750 files/s · 361.0 MB/s · 291,687 rows · 1 failed"
        );
        let stopping = Progress {
            stopping: true,
            in_flight: 12,
            ..progress
        };
        assert_eq!(line(stopping, elapsed), "stopping: 12 tasks in flight");
        assert_eq!(time_left(progress, elapsed), Some(elapsed));
        assert_eq!(time_left(Progress::default(), elapsed), None);
    }
}

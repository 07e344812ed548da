//! Log lines on standard error, which never tear a progress bar.

use std::fmt;
use std::io::{self, Write};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::Duration;

use indicatif::MultiProgress;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::registry::LookupSpan;

use crate::args::LogLevel;
use crate::signals;

impl LogLevel {
    fn filter(self) -> LevelFilter {
        match self {
            LogLevel::Off => LevelFilter::OFF,
            LogLevel::Error => LevelFilter::ERROR,
            LogLevel::Warn => LevelFilter::WARN,
            LogLevel::Info => LevelFilter::INFO,
            LogLevel::Debug => LevelFilter::DEBUG,
            LogLevel::Trace => LevelFilter::TRACE,
        }
    }
}

/// Lines that may wait until somebody reads standard error; what is logged beyond them is dropped.
const LINES_WAITING: usize = 1024;

/// How long the end of a run waits for somebody to read what it said.
const HEARD_WITHIN: Duration = Duration::from_millis(500);

/// Standard error, behind a thread of its own: it may be a pipe that nobody reads, and no run waits for that.
#[derive(Debug, Clone)]
pub(crate) struct Stderr {
    said: SyncSender<Said>,
}

#[derive(Debug)]
enum Said {
    Text(Vec<u8>),
    /// Everything before it was written.
    Heard(Sender<()>),
}

impl Stderr {
    /// Writes a line. Standard error may be full or closed; the exit code tells what matters too.
    pub(crate) fn say(&self, line: &str) {
        self.said.try_send(Said::Text(format!("{line}\n").into())).ok();
    }

    /// Waits until everything is written that was said, but not for ever.
    pub(crate) fn wait_until_heard(&self) {
        let (heard, hearing) = channel();
        if self.said.try_send(Said::Heard(heard)).is_ok() {
            hearing.recv_timeout(HEARD_WITHIN).ok();
        }
    }
}

/// Sends everything of `level` and worse to standard error, above the bars of `bars`.
pub(crate) fn start(level: LogLevel, bars: MultiProgress) -> io::Result<Stderr> {
    let (said, saying) = sync_channel(LINES_WAITING);
    thread::Builder::new().name("stderr".to_owned()).spawn(move || {
        // They are for the thread that waits for them. Until there is one, they are to kill.
        signals::block().ok();
        write_all(&saying, &bars);
    })?;
    let stderr = Stderr { said };
    tracing_subscriber::fmt()
        .with_max_level(level.filter())
        // Standard error may be full or closed, and then there is nowhere to say so.
        .log_internal_errors(false)
        .event_format(Plain)
        .with_writer(stderr.clone())
        .init();
    Ok(stderr)
}

fn write_all(saying: &Receiver<Said>, bars: &MultiProgress) {
    while let Ok(said) = saying.recv() {
        match said {
            Said::Text(text) => bars.suspend(|| io::stderr().write_all(&text)).unwrap_or_default(),
            Said::Heard(heard) => heard.send(()).unwrap_or_default(),
        }
    }
}

/// `warning: text`, as compilers say it.
struct Plain;

impl<S, N> FormatEvent<S, N> for Plain
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let level = match *event.metadata().level() {
            Level::ERROR => "error",
            Level::WARN => "warning",
            Level::INFO => "info",
            Level::DEBUG => "debug",
            Level::TRACE => "trace",
        };
        write!(writer, "{level}: ")?;
        context.field_format().format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}

impl<'a> MakeWriter<'a> for Stderr {
    type Writer = Stderr;

    fn make_writer(&'a self) -> Stderr {
        self.clone()
    }
}

impl Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.said.try_send(Said::Text(bytes.to_vec())).ok();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

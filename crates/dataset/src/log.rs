//! The logs of a run: one JSON object a line, appended in archive order.

use std::io::{BufWriter, Write as _};
use std::path::PathBuf;

use serde::Serialize;

use crate::checksum::{Checksum, Checksummed};
use crate::durable;
use crate::error::DatasetError;
use crate::files::File;
use crate::layout::Layout;
use crate::ledger::LogSums;
use crate::unit::{FailedMember, RescuedValue};

/// `failed.log` and `rescued.ndjson`.
#[derive(Debug)]
pub(crate) struct Logs {
    failed: Log,
    rescued: Log,
}

impl Logs {
    /// Creates both, empty. Their names become durable with the next fsync of the dataset's directory.
    pub(crate) fn create(layout: &Layout) -> Result<Logs, DatasetError> {
        Ok(Logs {
            failed: Log::create(layout.failed_log())?,
            rescued: Log::create(layout.rescued())?,
        })
    }

    /// Refuses logs that do not begin with what they held at the checkpoint. One of which nothing was committed may be
    /// missing.
    pub(crate) fn check(layout: &Layout, committed: LogSums) -> Result<(), DatasetError> {
        check_prefix(layout.failed_log(), committed.failed)?;
        check_prefix(layout.rescued(), committed.rescued)
    }

    /// Cuts both back to what was committed, and goes on there; creates one that is missing. They were
    /// [checked](Logs::check). Their names become durable with the next fsync of the dataset's directory.
    pub(crate) fn reopen(layout: &Layout, committed: LogSums) -> Result<Logs, DatasetError> {
        Ok(Logs {
            failed: Log::reopen(layout.failed_log(), committed.failed)?,
            rescued: Log::reopen(layout.rescued(), committed.rescued)?,
        })
    }

    /// Appends the lines of one unit.
    pub(crate) fn append(&mut self, failures: &[FailedMember], rescued: &[RescuedValue]) -> Result<(), DatasetError> {
        self.failed.append(failures)?;
        self.rescued.append(rescued)
    }

    /// Makes everything that was appended durable, and says what the logs hold.
    pub(crate) fn sync(&mut self) -> Result<LogSums, DatasetError> {
        Ok(LogSums {
            failed: self.failed.sync()?,
            rescued: self.rescued.sync()?,
        })
    }
}

#[derive(Debug)]
struct Log {
    path: PathBuf,
    /// Summed up with what is buffered.
    file: Checksummed<BufWriter<File>>,
    /// Whether something changed since the last fsync.
    changed: bool,
}

impl Log {
    fn create(path: PathBuf) -> Result<Log, DatasetError> {
        let file = durable::create_file(&path)?;
        Ok(Log::behind(path, file, Checksum::default()))
    }

    fn reopen(path: PathBuf, committed: Checksum) -> Result<Log, DatasetError> {
        let mut file = File::open_for_writing(&path).map_err(DatasetError::io("open", &path))?;
        file.cut(committed.bytes).map_err(DatasetError::io("cut back", &path))?;
        let mut log = Log::behind(path, file, committed);
        log.sync()?;
        Ok(log)
    }

    fn behind(path: PathBuf, file: File, before: Checksum) -> Log {
        Log {
            path,
            file: Checksummed::behind(BufWriter::new(file), before),
            changed: true,
        }
    }

    fn append<T: Serialize>(&mut self, lines: &[T]) -> Result<(), DatasetError> {
        for line in lines {
            let mut text = serde_json::to_vec(line)
                .map_err(std::io::Error::from)
                .map_err(DatasetError::io("write", &self.path))?;
            text.push(b'\n');
            self.file
                .write_all(&text)
                .map_err(DatasetError::io("write", &self.path))?;
            self.changed = true;
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<Checksum, DatasetError> {
        if self.changed {
            self.file.flush().map_err(DatasetError::io("write", &self.path))?;
            self.file
                .inner()
                .get_ref()
                .sync()
                .map_err(DatasetError::io("fsync", &self.path))?;
            self.changed = false;
        }
        Ok(self.file.checksum())
    }
}

fn check_prefix(path: PathBuf, committed: Checksum) -> Result<(), DatasetError> {
    let found = Checksum::of_prefix(&path, committed.bytes).map_err(DatasetError::io("read", &path))?;
    let found = found.unwrap_or_default();
    if found.bytes < committed.bytes {
        return Err(DatasetError::LogCut {
            path,
            found: found.bytes,
            committed: committed.bytes,
        });
    }
    if found != committed {
        return Err(DatasetError::LogChanged { path });
    }
    Ok(())
}

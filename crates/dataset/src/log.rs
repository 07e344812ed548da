//! The logs of a run: one JSON object a line, appended in archive order.

use std::io::{BufWriter, Write as _};
use std::path::PathBuf;

use serde::Serialize;

use crate::durable;
use crate::error::DatasetError;
use crate::files::{self, File};
use crate::layout::Layout;
use crate::ledger::LogLengths;
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

    /// Refuses logs that are shorter than they were at the checkpoint. One of which nothing was committed may be missing.
    pub(crate) fn check(layout: &Layout, committed: LogLengths) -> Result<(), DatasetError> {
        check_length(layout.failed_log(), committed.failed)?;
        check_length(layout.rescued(), committed.rescued)
    }

    /// Cuts both back to what was committed, and goes on there; creates one that is missing. Their names become durable
    /// with the next fsync of the dataset's directory.
    pub(crate) fn reopen(layout: &Layout, committed: LogLengths) -> Result<Logs, DatasetError> {
        Logs::check(layout, committed)?;
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

    /// Makes everything that was appended durable, and says how long the logs are.
    pub(crate) fn sync(&mut self) -> Result<LogLengths, DatasetError> {
        Ok(LogLengths {
            failed: self.failed.sync()?,
            rescued: self.rescued.sync()?,
        })
    }
}

#[derive(Debug)]
struct Log {
    path: PathBuf,
    file: BufWriter<File>,
    /// Its length, with what is buffered.
    bytes: u64,
    /// Whether something changed since the last fsync.
    changed: bool,
}

impl Log {
    fn create(path: PathBuf) -> Result<Log, DatasetError> {
        let file = durable::create_file(&path)?;
        Ok(Log::at(path, file, 0))
    }

    fn reopen(path: PathBuf, bytes: u64) -> Result<Log, DatasetError> {
        let mut file = File::open_for_writing(&path).map_err(DatasetError::io("open", &path))?;
        file.cut(bytes).map_err(DatasetError::io("cut back", &path))?;
        let mut log = Log::at(path, file, bytes);
        log.sync()?;
        Ok(log)
    }

    fn at(path: PathBuf, file: File, bytes: u64) -> Log {
        Log {
            path,
            file: BufWriter::new(file),
            bytes,
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
            self.bytes += text.len() as u64;
            self.changed = true;
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<u64, DatasetError> {
        if self.changed {
            self.file.flush().map_err(DatasetError::io("write", &self.path))?;
            self.file
                .get_ref()
                .sync()
                .map_err(DatasetError::io("fsync", &self.path))?;
            self.changed = false;
        }
        Ok(self.bytes)
    }
}

fn check_length(path: PathBuf, committed: u64) -> Result<(), DatasetError> {
    let found = files::look_at(&path).map_err(DatasetError::io("look at", &path))?;
    let found = found.map_or(0, |metadata| metadata.len());
    if found < committed {
        return Err(DatasetError::LogCut { path, found, committed });
    }
    Ok(())
}

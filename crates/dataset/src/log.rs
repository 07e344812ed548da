//! The logs of a run: one JSON object a line, appended in archive order.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::PathBuf;

use serde::Serialize;

use crate::durable;
use crate::error::DatasetError;
use crate::layout::Layout;
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

    /// Appends the lines of one unit.
    pub(crate) fn append(&mut self, failures: &[FailedMember], rescued: &[RescuedValue]) -> Result<(), DatasetError> {
        self.failed.append(failures)?;
        self.rescued.append(rescued)
    }

    /// Makes everything that was appended durable.
    pub(crate) fn sync(&mut self) -> Result<(), DatasetError> {
        self.failed.sync()?;
        self.rescued.sync()
    }
}

#[derive(Debug)]
struct Log {
    path: PathBuf,
    file: BufWriter<File>,
    /// Whether lines were appended since the last fsync.
    changed: bool,
}

impl Log {
    fn create(path: PathBuf) -> Result<Log, DatasetError> {
        let file = BufWriter::new(durable::create_file(&path)?);
        Ok(Log {
            path,
            file,
            changed: true,
        })
    }

    fn append<T: Serialize>(&mut self, lines: &[T]) -> Result<(), DatasetError> {
        for line in lines {
            serde_json::to_writer(&mut self.file, line)
                .map_err(std::io::Error::from)
                .and_then(|()| self.file.write_all(b"\n"))
                .map_err(DatasetError::io("write", &self.path))?;
            self.changed = true;
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<(), DatasetError> {
        if !self.changed {
            return Ok(());
        }
        self.file.flush().map_err(DatasetError::io("write", &self.path))?;
        self.file
            .get_ref()
            .sync_all()
            .map_err(DatasetError::io("fsync", &self.path))?;
        self.changed = false;
        Ok(())
    }
}

//! A look at what is committed, for a report to people.
//!
//! It is read back from the files, and not counted while they are written: so there is one way for a run that nothing
//! disturbed, for one that was resumed, and for one that only had its end left to do, and a report cannot say anything else
//! than the files do. Lines of logs are read one at a time, however many there are; of parts, footers alone are read.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;

use parquet::file::metadata::ParquetMetaData;
use serde::de::DeserializeOwned;

use crate::error::DatasetError;
use crate::files::File;
use crate::inspect::footer;
use crate::layout::Layout;
use crate::ledger::{Ledger, LedgerTable};
use crate::unit::{FailedMember, RescuedValue};
use crate::verify::Fault;

/// Of a dataset with more parts than this, no footers are read: that would take longer than a report is worth.
pub const MOST_PARTS_REVIEWED: usize = 4096;

/// What is committed of a dataset.
#[derive(Debug)]
pub struct Review {
    layout: Layout,
    ledger: Ledger,
}

/// A column of a table, and how many of its cells are null.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnNulls {
    /// The column's name.
    pub name: String,
    /// Cells that are null, in all parts; `None` where the parts do not say.
    pub nulls: Option<u64>,
}

impl Review {
    pub(crate) fn of(layout: &Layout) -> Result<Review, DatasetError> {
        let ledger = Ledger::load(layout)?.ok_or_else(|| DatasetError::NoDataset {
            dir: layout.dir().to_owned(),
            ledger: layout.ledger(),
        })?;
        Ok(Review {
            layout: layout.clone(),
            ledger,
        })
    }

    /// The feature map with every type filled in.
    pub fn resolved_map(&self) -> &str {
        &self.ledger.resolved_map
    }

    /// Gives each line of `failed.log` to `take`, in order.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Io`], also for a line that no run writes.
    pub fn failures(&self, take: impl FnMut(FailedMember)) -> Result<(), DatasetError> {
        each_line(&self.layout.failed_log(), self.ledger.logs.failed.bytes, take)
    }

    /// Gives each line of `rescued.ndjson` to `take`, in order.
    ///
    /// # Errors
    ///
    /// As [`Review::failures`].
    pub fn rescued(&self, take: impl FnMut(RescuedValue)) -> Result<(), DatasetError> {
        each_line(&self.layout.rescued(), self.ledger.logs.rescued.bytes, take)
    }

    /// The columns of every table, and their nulls in all parts; or the first part that cannot be read. Of
    /// [too many](MOST_PARTS_REVIEWED) parts, no columns.
    pub fn columns(&self) -> Vec<Result<Vec<ColumnNulls>, Fault>> {
        let columns = |table: &LedgerTable| match self.ledger.part_count() > MOST_PARTS_REVIEWED {
            true => Ok(Vec::new()),
            false => self.columns_of(table),
        };
        self.ledger.tables.iter().map(columns).collect()
    }

    fn columns_of(&self, table: &LedgerTable) -> Result<Vec<ColumnNulls>, Fault> {
        let mut sums: Vec<ColumnNulls> = Vec::new();
        for number in 0..table.parts.len() {
            let path = self.layout.part(&table.directory, number);
            let found = match footer(&path) {
                Ok(footer) => nulls(&footer),
                Err(what) => return Err(Fault { path, what }),
            };
            if sums.is_empty() {
                sums = found;
                continue;
            }
            for (sum, part) in sums.iter_mut().zip(found) {
                sum.nulls = sum.nulls.zip(part.nulls).map(|(sum, part)| sum + part);
            }
        }
        Ok(sums)
    }
}

/// Gives the lines of the first `bytes` bytes to `take`. A line is in memory as a whole, as it was when it was written.
fn each_line<T: DeserializeOwned>(path: &Path, bytes: u64, mut take: impl FnMut(T)) -> Result<(), DatasetError> {
    if bytes == 0 {
        return Ok(());
    }
    let file = File::open(path).map_err(DatasetError::io("open", path))?;
    let mut lines = BufReader::with_capacity(1 << 16, file).take(bytes);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = lines.read_until(b'\n', &mut line);
        if read.map_err(DatasetError::io("read", path))? == 0 {
            return Ok(());
        }
        let parsed = serde_json::from_slice(&line).map_err(std::io::Error::from);
        take(parsed.map_err(DatasetError::io("read a line of", path))?);
    }
}

/// The columns of a part. A null is counted where its column's definition level is 0: of a list, the null count of its
/// statistics would be one of elements, and of empty lists too. Format: `SizeStatistics` in parquet.thrift.
fn nulls(footer: &ParquetMetaData) -> Vec<ColumnNulls> {
    let schema = footer.file_metadata().schema_descr();
    let roots = schema.root_schema().get_fields();
    let first_leaf = |root| (0..schema.num_columns()).find(|leaf| schema.get_column_root_idx(*leaf) == root);
    let column = |(index, root): (usize, &parquet::schema::types::TypePtr)| ColumnNulls {
        name: root.name().to_owned(),
        nulls: match root.is_optional() {
            true => first_leaf(index).and_then(|leaf| nulls_of_leaf(footer, leaf)),
            false => Some(0),
        },
    };
    roots.iter().enumerate().map(column).collect()
}

fn nulls_of_leaf(footer: &ParquetMetaData, leaf: usize) -> Option<u64> {
    let groups = footer.row_groups().iter();
    let counts = groups.map(|group| {
        let levels = group.column(leaf).definition_level_histogram()?;
        u64::try_from(*levels.values().first()?).ok()
    });
    counts.sum()
}

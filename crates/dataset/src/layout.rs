//! Where everything of a dataset lies.

use std::path::{Path, PathBuf};

/// The paths of one dataset.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    dir: PathBuf,
}

impl Layout {
    pub(crate) fn new(dir: &Path) -> Layout {
        Layout { dir: dir.to_owned() }
    }

    /// The dataset's directory.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where the run keeps what is not for readers.
    pub(crate) fn run(&self) -> PathBuf {
        self.dir.join("run")
    }

    /// Where parts are written before they are published.
    pub(crate) fn tmp(&self) -> PathBuf {
        self.dir.join("run/tmp")
    }

    pub(crate) fn lock(&self) -> PathBuf {
        self.dir.join("run/lock")
    }

    pub(crate) fn ledger(&self) -> PathBuf {
        self.dir.join("run/ledger.json")
    }

    /// Where whoever reads the archive keeps the places at which reading can begin again.
    pub(crate) fn seek_index(&self) -> PathBuf {
        self.dir.join("run/seek-index")
    }

    /// The parent of all tables.
    pub(crate) fn features(&self) -> PathBuf {
        self.dir.join("features_raw")
    }

    /// The directory of one table; `directory` is its partition name.
    pub(crate) fn table(&self, directory: &str) -> PathBuf {
        self.features().join(directory)
    }

    /// Where a part is published.
    pub(crate) fn part(&self, directory: &str, part: usize) -> PathBuf {
        self.table(directory).join(part_file_name(part))
    }

    /// Where a part is written.
    pub(crate) fn unpublished_part(&self, table: usize, part: usize) -> PathBuf {
        self.tmp().join(format!("{table}.{}", part_file_name(part)))
    }

    pub(crate) fn failed_log(&self) -> PathBuf {
        self.dir.join("failed.log")
    }

    pub(crate) fn rescued(&self) -> PathBuf {
        self.dir.join("rescued.ndjson")
    }

    pub(crate) fn resolved_map(&self) -> PathBuf {
        self.dir.join("feature_map.resolved.yaml")
    }

    /// Where an edited map is kept that stood in the resolved map's place: the first of these, one after the other, that
    /// is free.
    pub(crate) fn kept_map(&self, number: usize) -> PathBuf {
        let name = match number {
            0 => "feature_map.resolved.yaml.old".to_owned(),
            number => format!("feature_map.resolved.yaml.old.{number}"),
        };
        self.dir.join(name)
    }

    pub(crate) fn summary(&self) -> PathBuf {
        self.dir.join("summary.json")
    }

    pub(crate) fn report(&self) -> PathBuf {
        self.dir.join("report.html")
    }

    /// The files of a run that stand beside `features_raw`.
    pub(crate) fn documents(&self) -> [PathBuf; 5] {
        [
            self.failed_log(),
            self.rescued(),
            self.resolved_map(),
            self.summary(),
            self.report(),
        ]
    }

    /// Where the open buffers of a checkpoint are kept.
    pub(crate) fn checkpoint(&self, number: u64) -> PathBuf {
        self.run().join(checkpoint_file_name(number))
    }

    /// Where the next contents of a file that is replaced as a whole are written: in `run/`, on the same file system.
    pub(crate) fn draft(&self, target: &Path) -> PathBuf {
        let mut name = target.file_name().unwrap_or_default().to_owned();
        name.push(".draft");
        self.run().join(name)
    }

    /// The files that are replaced as a whole.
    pub(crate) fn replaced(&self) -> [PathBuf; 4] {
        [self.ledger(), self.resolved_map(), self.summary(), self.report()]
    }
}

/// `part-00000.parquet`; the numbers count from 0.
pub(crate) fn part_file_name(part: usize) -> String {
    format!("part-{part:05}.parquet")
}

/// Whether `name` is one that [`Layout::unpublished_part`] makes.
pub(crate) fn is_unpublished_part_name(name: &str) -> bool {
    let parse = || {
        let (table, part) = name.split_once('.')?;
        let number = part.strip_prefix("part-")?.strip_suffix(".parquet")?;
        let number = number.parse::<usize>().ok()?;
        let table = table.parse::<usize>().ok()?;
        Some(format!("{table}.{}", part_file_name(number)) == name)
    };
    parse().unwrap_or(false)
}

fn checkpoint_file_name(number: u64) -> String {
    format!("checkpoint-{number}")
}

/// Whether `name` is one that [`Layout::checkpoint`] makes.
pub(crate) fn is_checkpoint_name(name: &str) -> bool {
    let number = name.strip_prefix("checkpoint-").and_then(|number| number.parse().ok());
    number.is_some_and(|number| checkpoint_file_name(number) == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unpublished_parts_are_known_by_name() {
        let layout = Layout::new(Path::new("x"));
        for (table, part) in [(0, 0), (12, 7), (3, 123_456)] {
            let path = layout.unpublished_part(table, part);
            let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
            assert!(is_unpublished_part_name(name), "{name}");
        }
        for name in [
            "part-00000.parquet",
            "0.part-0.parquet",
            "0.part-00000.parquet~",
            "a.part-00000.parquet",
            "",
            ".",
        ] {
            assert!(!is_unpublished_part_name(name), "{name}");
        }
    }

    #[test]
    fn checkpoints_are_known_by_name() {
        let layout = Layout::new(Path::new("x"));
        for number in [0, 7, u64::MAX] {
            let path = layout.checkpoint(number);
            let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
            assert!(is_checkpoint_name(name), "{name}");
        }
        for name in [
            "checkpoint-",
            "checkpoint-07",
            "checkpoint-7~",
            "checkpoint--7",
            "checkpoint-+7",
            "7",
        ] {
            assert!(!is_checkpoint_name(name), "{name}");
        }
    }
}

//! Taking a directory for a new dataset.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use crate::dataset::{Dataset, Options, Table};
use crate::durable;
use crate::error::DatasetError;
use crate::layout::{Layout, is_unpublished_part_name};
use crate::ledger::Ledger;
use crate::log::Logs;

/// What to do where a dataset is already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Refuse.
    Refuse,
    /// Replace it.
    Overwrite,
}

/// A directory that is taken for a new dataset: it can be written to, nobody else's files are in the way, and its lock
/// is held until this value, or the [`Dataset`] or [`Published`](crate::Published) made of it, is dropped.
#[derive(Debug)]
pub struct Target {
    layout: Layout,
    lock: Lock,
    /// The ledger of the dataset that is to be replaced.
    old: Option<Ledger>,
}

/// The lock `run/lock`. It is the kernel's (`flock(2)`), so it ends with its holder however that ends.
pub(crate) type Lock = Flock<File>;

impl Target {
    /// Takes the directory `dir`, creating it and those above it if they are missing.
    ///
    /// Files that are none of a dataset's are left alone and do not matter, unless they stand where the dataset's own
    /// go: then the directory is refused, whatever `existing` says. Nothing of an old dataset is removed before
    /// [`Target::begin`], so a run that cannot begin leaves it whole.
    ///
    /// With [`Existing::Refuse`] a directory is also taken if an earlier run ended in it before its first part: its ledger
    /// names no part, so there are no rows to lose. The logs of that run are replaced.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Exists`], [`DatasetError::Locked`], [`DatasetError::Foreign`], [`DatasetError::FileSystems`],
    /// [`DatasetError::Ledger`], or [`DatasetError::Io`] where the directory cannot be written to.
    pub fn claim(dir: &Path, existing: Existing) -> Result<Target, DatasetError> {
        let layout = Layout::new(dir);
        // A directory that no run was ever in is looked at before anything is made in it, so that one that is refused
        // stays as it was.
        if !layout.run().exists() {
            inspect(&layout, existing)?;
        }
        durable::create_dir(&layout.run())?;
        let lock = take_lock(&layout)?;
        let old = inspect(&layout, existing)?;
        durable::create_dir(&layout.tmp())?;
        check_file_systems(&layout)?;
        Ok(Target { layout, lock, old })
    }

    /// Removes what the old ledger names, if there is one, and makes the directory ready for `tables`, whose order is the
    /// map's. `resolved_map` becomes `feature_map.resolved.yaml`.
    ///
    /// The ledger comes first and says which tables the run has, so that whatever a crash leaves is known as a run's.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Option`], [`DatasetError::DuplicateTable`], [`DatasetError::Io`], [`DatasetError::Thread`].
    pub fn begin(self, tables: Vec<Table>, resolved_map: &str, options: Options) -> Result<Dataset, DatasetError> {
        let Target { layout, lock, old } = self;
        options.check()?;
        check_names(&tables)?;
        clear_unfinished(&layout)?;
        if let Some(old) = old {
            remove_old(&layout, &old)?;
        }
        let ledger = Ledger::new(tables.iter().map(|table| table.name.as_str()));
        ledger.store(&layout)?;
        for table in &ledger.tables {
            durable::create_dir(&layout.table(&table.directory))?;
        }
        let resolved = layout.resolved_map();
        durable::replace_file(&resolved, &layout.draft(&resolved), resolved_map.as_bytes())?;
        let logs = Logs::create(&layout)?;
        durable::sync_dir(layout.dir())?;
        Dataset::new(tables, options, layout, ledger, logs, lock)
    }
}

/// Takes the lock, or says who has it.
fn take_lock(layout: &Layout) -> Result<Lock, DatasetError> {
    let path = layout.lock();
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path);
    let file = file.map_err(DatasetError::io("create", &path))?;
    Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| match errno {
        Errno::EWOULDBLOCK => DatasetError::Locked {
            dir: layout.dir().to_owned(),
            lock: path,
        },
        errno => DatasetError::Io {
            action: "lock",
            path,
            error: errno.into(),
        },
    })
}

/// The ledger of the dataset that is there, if it may be replaced and everything in the way is the dataset's.
fn inspect(layout: &Layout, existing: Existing) -> Result<Option<Ledger>, DatasetError> {
    let old = Ledger::load(layout)?;
    let parts = old.as_ref().map_or(0, Ledger::part_count);
    if existing == Existing::Refuse && parts > 0 {
        return Err(DatasetError::Exists {
            dir: layout.dir().to_owned(),
            parts,
        });
    }
    match find_foreign(layout, old.as_ref())? {
        Some(path) => Err(DatasetError::Foreign { path }),
        None => Ok(old),
    }
}

/// The first path, in the order of names, that stands where the dataset's own go and is not named by the ledger.
fn find_foreign(layout: &Layout, old: Option<&Ledger>) -> Result<Option<PathBuf>, DatasetError> {
    let Some(old) = old else {
        // Without a ledger nothing here is a dataset's; an empty `features_raw` is in nobody's way.
        let document = layout
            .documents()
            .into_iter()
            .find(|path| fs::symlink_metadata(path).is_ok());
        return match document {
            Some(path) => Ok(Some(path)),
            None => Ok(list(&layout.features())?.pop_first()),
        };
    };
    let mut tables = list(&layout.features())?;
    for table in &old.tables {
        let directory = layout.table(&table.directory);
        if !tables.remove(&directory) {
            continue;
        }
        let mut files = list(&directory)?;
        for part in &table.parts {
            files.remove(&directory.join(&part.file));
        }
        if let Some(file) = files.pop_first() {
            return Ok(Some(file));
        }
    }
    Ok(tables.pop_first())
}

/// What is in a directory; nothing if it is not there.
fn list(dir: &Path) -> Result<BTreeSet<PathBuf>, DatasetError> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeSet::new()),
        result => result.map_err(DatasetError::io("list", dir))?,
    };
    let paths: Result<_, _> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
    paths.map_err(DatasetError::io("list", dir))
}

/// Refuses a directory in which a part could not be renamed from where it is written to where it is published.
fn check_file_systems(layout: &Layout) -> Result<(), DatasetError> {
    let device = |path: &Path| {
        fs::metadata(path)
            .map(|meta| meta.dev())
            .map_err(DatasetError::io("look at", path))
    };
    let tmp = device(&layout.tmp())?;
    for other in [layout.run(), layout.features(), layout.dir().to_owned()] {
        if other.exists() && device(&other)? != tmp {
            return Err(DatasetError::FileSystems {
                one: layout.tmp(),
                other,
            });
        }
    }
    Ok(())
}

/// Removes what a run left unfinished in `run/`: files by the names that runs give them, and nothing else.
fn clear_unfinished(layout: &Layout) -> Result<(), DatasetError> {
    for path in list(&layout.tmp())? {
        let name = path.file_name().and_then(|name| name.to_str());
        if name.is_some_and(is_unpublished_part_name) {
            durable::remove_file(&path)?;
        }
    }
    layout
        .replaced()
        .iter()
        .try_for_each(|target| durable::remove_file(&layout.draft(target)))
}

/// Removes the dataset that `old` describes, and nothing else: its parts, their directories if that empties them, and
/// the documents beside them. All of that durably: only then may the ledger that names it be replaced.
fn remove_old(layout: &Layout, old: &Ledger) -> Result<(), DatasetError> {
    for table in &old.tables {
        let directory = layout.table(&table.directory);
        for part in &table.parts {
            durable::remove_file(&directory.join(&part.file))?;
        }
        if directory.exists() {
            durable::sync_dir(&directory)?;
            durable::remove_dir_if_empty(&directory)?;
        }
    }
    if layout.features().exists() {
        durable::sync_dir(&layout.features())?;
    }
    layout
        .documents()
        .iter()
        .try_for_each(|document| durable::remove_file(document))?;
    durable::sync_dir(layout.dir())
}

fn check_names(tables: &[Table]) -> Result<(), DatasetError> {
    let mut names = BTreeSet::new();
    match tables.iter().find(|table| !names.insert(table.name.as_str())) {
        Some(table) => Err(DatasetError::DuplicateTable {
            name: table.name.clone(),
        }),
        None => Ok(()),
    }
}

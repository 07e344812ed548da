//! Taking a directory for a dataset.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use crate::dataset::{Dataset, Options, Table};
use crate::durable;
use crate::error::DatasetError;
use crate::files::{self, File};
use crate::layout::Layout;
use crate::ledger::{Ledger, State};
use crate::log::Logs;
use crate::map;
use crate::position::{Description, Input, Position};
use crate::recover::{is_in_place, make_tables, recover};
use crate::replace::{clear_unfinished, find_foreign, find_impostor, list, remove_old};
use crate::seek_index::SeekIndexFile;

/// What to do where a dataset is already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Refuse.
    Refuse,
    /// Replace it.
    Overwrite,
    /// Go on with the run that is there. Where there is none, this is like [`Existing::Refuse`]: a fresh start. One that
    /// was being replaced when that was cut off is replaced.
    Resume,
}

/// A directory that is taken for a dataset: it can be written to, nobody else's files are in the way, and its lock is
/// held until this value, or the [`Dataset`] or [`Published`](crate::Published) made of it, is dropped.
#[derive(Debug)]
pub struct Target {
    layout: Layout,
    lock: Lock,
    found: Found,
}

/// The lock `run/lock`. It is the kernel's (`flock(2)`), so it ends with its holder however that ends.
pub(crate) type Lock = Flock<fs::File>;

/// What is in a directory.
#[derive(Debug)]
enum Found {
    /// No dataset.
    Nothing,
    /// One that is to be replaced.
    Old(Box<Ledger>),
    /// One that is to go on.
    Run(Box<Ledger>, Box<Resumable>),
}

/// A run that can go on, or that is finished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resumable {
    /// What it was begun with.
    pub inputs: Vec<Input>,
    /// The text of its `feature_map.resolved.yaml`.
    pub resolved_map: String,
    /// Where it goes on.
    pub position: Position,
    /// Whether all of it is committed.
    pub finished: bool,
    /// The notes given to [`Dataset::finish`], if it is finished.
    pub notes: Option<String>,
    /// Whether nothing is left to do: it is finished, every part is in its place, and `summary.json` is written.
    pub complete: bool,
}

impl Target {
    /// Takes the directory `dir`, creating it and those above it if they are missing.
    ///
    /// Files that are none of a dataset's are left alone and do not matter, unless they stand where the dataset's own
    /// go: then the directory is refused, whatever `existing` says, but for a finished dataset that is resumed. Nothing of
    /// an old dataset is removed before [`Target::begin`], so a run that cannot begin leaves it whole.
    ///
    /// With [`Existing::Refuse`] a directory is also taken if an earlier run ended in it before its first checkpoint: it
    /// committed nothing, so there is nothing to lose. The logs of that run are replaced.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Exists`], [`DatasetError::Locked`], [`DatasetError::Foreign`], [`DatasetError::FileSystems`],
    /// [`DatasetError::Ledger`], or [`DatasetError::Io`] where the directory cannot be written to.
    pub fn claim(dir: &Path, existing: Existing) -> Result<Target, DatasetError> {
        let layout = Layout::new(dir);
        // A directory that no run was ever in is looked at before anything is made in it, so that one that is refused
        // stays as it was.
        if !durable::exists(&layout.lock())? {
            inspect(&layout, existing)?;
        }
        durable::create_dir(&layout.run())?;
        let lock = take_lock(&layout)?;
        let found = inspect(&layout, existing)?;
        if !matches!(&found, Found::Run(_, run) if run.complete) {
            durable::create_dir(&layout.tmp())?;
            check_file_systems(&layout)?;
        }
        Ok(Target { layout, lock, found })
    }

    /// The run that is there, if the directory was claimed with [`Existing::Resume`] and there is one. Whoever calls
    /// compares what it was begun with, and then calls [`Target::resume`].
    pub fn resumable(&self) -> Option<&Resumable> {
        match &self.found {
            Found::Run(_, run) => Some(run),
            Found::Nothing | Found::Old(_) => None,
        }
    }

    /// The file in which whoever reads the archive keeps the places at which reading can begin again. It outlives this
    /// value, and goes with [`Published::remove_seek_index`](crate::Published::remove_seek_index).
    ///
    /// # Errors
    ///
    /// [`DatasetError::Io`]. A run can do without it.
    pub fn seek_index(&self) -> Result<SeekIndexFile, DatasetError> {
        SeekIndexFile::open(&self.layout)
    }

    /// Removes what the old ledger names, if there is one, and makes the directory ready for `tables`, whose order is the
    /// map's.
    ///
    /// A resolved map that somebody has edited is none of what the old ledger names: it stays readable until the new ledger
    /// is stored, and is then kept as `feature_map.resolved.yaml.old` (`.old.1` and so on, where that is taken).
    ///
    /// The ledger comes first and says which tables the run has, so that whatever a crash leaves is known as a run's, and
    /// can go on.
    ///
    /// # Errors
    ///
    /// [`DatasetError::Option`], [`DatasetError::DuplicateTable`], [`DatasetError::Io`], [`DatasetError::Thread`];
    /// [`DatasetError::Exists`] if there is a run that can be [resumed](Target::resume).
    pub fn begin(self, tables: Vec<Table>, run: Description, options: Options) -> Result<Dataset, DatasetError> {
        let Target { layout, lock, found } = self;
        options.check()?;
        check_names(&tables)?;
        let mut ledger = Ledger::new(tables.iter().map(|table| table.name.as_str()), run);
        match found {
            Found::Nothing => clear_unfinished(&layout, &BTreeSet::new())?,
            Found::Old(old) => {
                ledger.map_before = map::look_before(&layout, &old)?;
                remove_old(&layout, *old)?;
            }
            Found::Run(ledger, _) => return Err(exists(&layout, &ledger)),
        }
        ledger.store(&layout)?;
        make_tables(&layout, &ledger)?;
        map::put(&layout, &ledger)?;
        let logs = Logs::create(&layout)?;
        durable::sync_dir(layout.dir())?;
        Dataset::new(tables, options, layout, ledger, logs, lock)
    }

    /// Goes on with the run that is there: its last checkpoint is completed, and what came after it is forgotten. The
    /// next unit is the one behind [`Dataset::position`]. The parts will be those of an unbroken run, byte for byte, if
    /// the tables, `options`' buffers and the documents are the same.
    ///
    /// # Errors
    ///
    /// [`DatasetError::NotResumable`] if there is no [`Resumable`]. With nothing changed:
    /// [`DatasetError::TablesDiffer`], [`DatasetError::MapChanged`], [`DatasetError::LogCut`], [`DatasetError::Part`],
    /// [`DatasetError::PartInTheWay`], [`DatasetError::Checkpoint`], [`DatasetError::Option`]. Otherwise
    /// [`DatasetError::Io`], [`DatasetError::Thread`].
    pub fn resume(self, tables: Vec<Table>, options: Options) -> Result<Dataset, DatasetError> {
        let Target { layout, lock, found } = self;
        options.check()?;
        let Found::Run(ledger, _) = found else {
            return Err(DatasetError::NotResumable {
                dir: layout.dir().to_owned(),
            });
        };
        check_tables(&layout, &ledger, &tables)?;
        let recovered = recover(&layout, &ledger, &tables)?;
        Dataset::resumed(tables, options, layout, *ledger, recovered, lock)
    }
}

/// Takes the lock, or says who has it.
fn take_lock(layout: &Layout) -> Result<Lock, DatasetError> {
    let path = layout.lock();
    let file = File::open_for_writing(&path).map_err(DatasetError::io("create", &path))?;
    lock(layout, file, FlockArg::LockExclusiveNonblock)
}

/// Takes the lock in one of the ways that do not wait, or says who has it.
pub(crate) fn lock(layout: &Layout, file: File, how: FlockArg) -> Result<Lock, DatasetError> {
    Flock::lock(file.into_inner(), how).map_err(|(_, errno)| match errno {
        Errno::EWOULDBLOCK => DatasetError::Locked {
            dir: layout.dir().to_owned(),
            lock: layout.lock(),
        },
        errno => DatasetError::Io {
            action: "lock",
            path: layout.lock(),
            error: errno.into(),
        },
    })
}

/// What is in the directory, if it may be taken and everything in the way is a dataset's.
fn inspect(layout: &Layout, existing: Existing) -> Result<Found, DatasetError> {
    let Some(ledger) = Ledger::load(layout)? else {
        refuse_foreign(layout, None)?;
        return Ok(Found::Nothing);
    };
    let ledger = Box::new(ledger);
    match (existing, ledger.state) {
        (Existing::Resume, State::Running | State::Finished) => {
            let run = resumable(layout, &ledger)?;
            if !run.finished {
                refuse_foreign(layout, Some(&ledger))?;
            }
            Ok(Found::Run(ledger, Box::new(run)))
        }
        (Existing::Refuse, _) if ledger.checkpoint.number > 0 => Err(exists(layout, &ledger)),
        (Existing::Refuse | Existing::Overwrite | Existing::Resume, _) => {
            refuse_foreign(layout, Some(&ledger))?;
            match find_impostor(layout, &ledger)? {
                Some(path) => Err(DatasetError::Foreign { path }),
                None => Ok(Found::Old(ledger)),
            }
        }
    }
}

fn refuse_foreign(layout: &Layout, ledger: Option<&Ledger>) -> Result<(), DatasetError> {
    match find_foreign(layout, ledger)? {
        Some(path) => Err(DatasetError::Foreign { path }),
        None => Ok(()),
    }
}

fn exists(layout: &Layout, ledger: &Ledger) -> DatasetError {
    let (dir, parts) = (layout.dir().to_owned(), ledger.part_count());
    match ledger.state {
        State::Finished => DatasetError::Exists { dir, parts },
        State::Running => DatasetError::Unfinished { dir, parts },
        State::Replacing => DatasetError::HalfReplaced { dir },
    }
}

fn resumable(layout: &Layout, ledger: &Ledger) -> Result<Resumable, DatasetError> {
    let finished = ledger.state == State::Finished;
    Ok(Resumable {
        inputs: ledger.inputs.clone(),
        resolved_map: ledger.resolved_map.clone(),
        position: ledger.position.clone(),
        finished,
        notes: ledger.notes.clone(),
        complete: finished && is_in_place(layout, ledger)? && durable::exists(&layout.summary())?,
    })
}

/// Refuses a directory in which a part could not be renamed from where it is written to where it is published, or a draft
/// to what it replaces. Such a rename would fail after its ledger was stored, and in every run that goes on.
fn check_file_systems(layout: &Layout) -> Result<(), DatasetError> {
    let tmp = layout.tmp();
    let device = device_of(&tmp)?;
    let others = [layout.run(), layout.dir().to_owned(), layout.features()];
    for other in others.into_iter().chain(list(&layout.features())?) {
        if !durable::is_dir(&other)? {
            continue;
        }
        // Neither tells all: subvolumes of one mount have devices of their own, mounts of one device do not.
        if device_of(&other)? != device || !durable::can_rename_between(&tmp, &other)? {
            return Err(DatasetError::FileSystems { one: tmp, other });
        }
    }
    Ok(())
}

fn device_of(path: &Path) -> Result<u64, DatasetError> {
    let metadata = files::metadata(path).map_err(DatasetError::io("look at", path))?;
    Ok(metadata.dev())
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

/// Refuses tables that are not those of the run.
fn check_tables(layout: &Layout, ledger: &Ledger, tables: &[Table]) -> Result<(), DatasetError> {
    let names = |names: &mut dyn Iterator<Item = &String>| names.cloned().collect::<Vec<_>>();
    let (committed, given) = (
        names(&mut ledger.tables.iter().map(|table| &table.name)),
        names(&mut tables.iter().map(|table| &table.name)),
    );
    if committed == given {
        return Ok(());
    }
    Err(DatasetError::TablesDiffer {
        dir: layout.dir().to_owned(),
        committed,
        given,
    })
}

//! What stands in a new dataset's way, and how an old dataset goes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::checksum::Checksum;
use crate::durable;
use crate::error::DatasetError;
use crate::files;
use crate::layout::{Layout, is_checkpoint_name, is_unpublished_part_name};
use crate::ledger::{Ledger, State};

/// The first path, in the order of names, that stands where a dataset's own go and is not the dataset's of `old`.
pub(crate) fn find_foreign(layout: &Layout, old: Option<&Ledger>) -> Result<Option<PathBuf>, DatasetError> {
    match old {
        Some(old) => Ok(unknown_files(layout, old)?.into_iter().next()),
        None => in_a_first_runs_way(layout),
    }
}

/// Without a ledger nothing here is a dataset's; an empty `features_raw` is in nobody's way.
fn in_a_first_runs_way(layout: &Layout) -> Result<Option<PathBuf>, DatasetError> {
    for document in layout.documents() {
        if durable::exists(&document)? {
            return Ok(Some(document));
        }
    }
    match list(&layout.features())?.pop_first() {
        Some(path) => Ok(Some(path)),
        None => in_the_way_in_run(layout),
    }
}

/// `run/` is a common name, so without a ledger it is only a run's if it holds nothing but what one makes before its
/// first ledger. It makes the lock before all else, so a seek index without one is somebody else's.
fn in_the_way_in_run(layout: &Layout) -> Result<Option<PathBuf>, DatasetError> {
    let mut found = list(&layout.run())?;
    if found.remove(&layout.lock()) {
        found.remove(&layout.seek_index());
    }
    found.remove(&layout.draft(&layout.ledger()));
    if found.remove(&layout.tmp()) {
        found.extend(list(&layout.tmp())?);
    }
    Ok(found.pop_first())
}

/// What is in `run/` and has no name that a run gives.
pub(crate) fn unknown_in_run(layout: &Layout) -> Result<Vec<PathBuf>, DatasetError> {
    let mut found = list(&layout.run())?;
    let drafts = layout.replaced().map(|target| layout.draft(&target));
    for known in drafts
        .iter()
        .chain(&[layout.lock(), layout.ledger(), layout.seek_index()])
    {
        found.remove(known);
    }
    if found.remove(&layout.tmp()) {
        let parts = list(&layout.tmp())?;
        found.extend(
            parts
                .into_iter()
                .filter(|path| !is_named(path, is_unpublished_part_name)),
        );
    }
    found.retain(|path| !is_named(path, is_checkpoint_name));
    Ok(Vec::from_iter(found))
}

/// What is in `features_raw` and not named by the ledger: files in its tables, then whatever stands beside them.
pub(crate) fn unknown_files(layout: &Layout, ledger: &Ledger) -> Result<Vec<PathBuf>, DatasetError> {
    let mut unknown = Vec::new();
    let mut tables = list(&layout.features())?;
    for table in &ledger.tables {
        let directory = layout.table(&table.directory);
        if !tables.remove(&directory) {
            continue;
        }
        let mut files = list(&directory)?;
        for part in &table.parts {
            files.remove(&directory.join(&part.file));
        }
        unknown.extend(files);
    }
    unknown.extend(tables);
    Ok(unknown)
}

/// The first file that stands in the place of a part of the last checkpoint and is not that part. Such a part may not have
/// been renamed yet, so its name alone does not make a file the dataset's.
pub(crate) fn find_impostor(layout: &Layout, old: &Ledger) -> Result<Option<PathBuf>, DatasetError> {
    for named in old.parts().filter(|named| old.is_of_last_checkpoint(named.part)) {
        let path = layout.part(&named.table.directory, named.number);
        let found = Checksum::of_file(&path).map_err(DatasetError::io("read", &path))?;
        if found.is_some_and(|found| found != named.part.checksum()) {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

/// Removes the dataset that `old` describes, and nothing else, after the ledger says that this is going on: what its run
/// left unfinished, its parts, their directories if that empties them, and the documents beside them but for the
/// resolved map. All of that durably: only then may the ledger that names it be replaced.
pub(crate) fn remove_old(layout: &Layout, mut old: Ledger) -> Result<(), DatasetError> {
    // First what nobody needs: the disk may be full.
    clear_unfinished(layout, &needed(layout, &old))?;
    old.state = State::Replacing;
    old.store(layout)?;
    clear_unfinished(layout, &BTreeSet::new())?;
    for table in &old.tables {
        let directory = layout.table(&table.directory);
        for part in &table.parts {
            durable::remove_file(&directory.join(&part.file))?;
        }
        if durable::is_dir(&directory)? {
            durable::sync_dir(&directory)?;
            durable::remove_dir_if_empty(&directory)?;
        }
    }
    if durable::is_dir(&layout.features())? {
        durable::sync_dir(&layout.features())?;
    }
    // Not the resolved map, which may be the map of the run that is to begin: see `map`.
    [layout.failed_log(), layout.rescued(), layout.summary(), layout.report()]
        .iter()
        .try_for_each(|document| durable::remove_file(document))?;
    durable::sync_dir(layout.dir())
}

/// The files in `run/` without which the run of `ledger` cannot go on: parts of the last checkpoint that may not have been
/// renamed, and the file of that checkpoint. And the file of the one before: until a ledger is stored anew, this one's
/// name may not be durable, and the ledger before would need it.
pub(crate) fn needed(layout: &Layout, ledger: &Ledger) -> BTreeSet<PathBuf> {
    let last = ledger.parts().filter(|named| ledger.is_of_last_checkpoint(named.part));
    let parts = last.map(|named| layout.unpublished_part(named.index, named.number));
    let last = ledger.checkpoint.number;
    let checkpoints = (last.saturating_sub(1)..=last).map(|number| layout.checkpoint(number));
    parts.chain(checkpoints).collect()
}

/// Removes what a run left unfinished in `run/`: files by the names that runs give them, and nothing else. Those in `keep`
/// stay.
pub(crate) fn clear_unfinished(layout: &Layout, keep: &BTreeSet<PathBuf>) -> Result<(), DatasetError> {
    remove_named(&layout.tmp(), is_unpublished_part_name, keep)?;
    remove_named(&layout.run(), is_checkpoint_name, keep)?;
    layout
        .replaced()
        .iter()
        .try_for_each(|target| durable::remove_file(&layout.draft(target)))
}

fn remove_named(dir: &Path, is_ours: fn(&str) -> bool, keep: &BTreeSet<PathBuf>) -> Result<(), DatasetError> {
    for path in list(dir)? {
        if is_named(&path, is_ours) && !keep.contains(&path) {
            durable::remove_file(&path)?;
        }
    }
    Ok(())
}

fn is_named(path: &Path, is_name: fn(&str) -> bool) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(is_name)
}

/// What is in a directory, in the order of names; nothing if it is not there.
pub(crate) fn list(dir: &Path) -> Result<BTreeSet<PathBuf>, DatasetError> {
    files::list(dir)
        .map(BTreeSet::from_iter)
        .map_err(DatasetError::io("list", dir))
}

//! From what a run left to where it goes on.
//!
//! First everything is looked at, and whatever is not as the ledger says is refused with nothing changed. Then what the
//! ledger's checkpoint left to do is done: renames, removals, the logs cut back. All of it can be done again, so a crash
//! in here changes nothing.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;

use crate::checkpoint;
use crate::checksum::Checksum;
use crate::dataset::Table;
use crate::durable;
use crate::error::{DatasetError, PartFault};
use crate::files;
use crate::layout::Layout;
use crate::ledger::{Ledger, LedgerBuffer, NamedPart};
use crate::log::Logs;
use crate::map;
use crate::replace::{clear_unfinished, needed};

/// What a run goes on with.
#[derive(Debug)]
pub(crate) struct Recovered {
    pub(crate) logs: Logs,
    /// The buffered rows, by table.
    pub(crate) buffers: Vec<Vec<RecordBatch>>,
}

/// Makes the directory as the ledger says, and reads what was buffered.
pub(crate) fn recover(layout: &Layout, ledger: &Ledger, tables: &[Table]) -> Result<Recovered, DatasetError> {
    map::check(layout, ledger)?;
    Logs::check(layout, ledger.logs)?;
    check_older_parts(layout, ledger)?;
    let pending = find_pending(layout, ledger)?;
    let buffers = read_buffers(layout, ledger, tables)?;

    // First what nobody needs: the disk may be full.
    clear_unfinished(layout, &needed(layout, ledger))?;
    // Anew, in case that the last one was cut off between the ledger's rename and the fsync of its directory.
    ledger.store(layout)?;
    make_tables(layout, ledger)?;
    put_in_place(layout, ledger, &pending)?;
    clear_unfinished(layout, &BTreeSet::from([layout.checkpoint(ledger.checkpoint.number)]))?;
    map::put(layout, ledger)?;
    let logs = Logs::reopen(layout, ledger.logs)?;
    durable::sync_dir(layout.dir())?;
    Ok(Recovered { logs, buffers })
}

/// Makes the directories of all tables, durably; those that are there are fine.
pub(crate) fn make_tables(layout: &Layout, ledger: &Ledger) -> Result<(), DatasetError> {
    let features = layout.features();
    durable::create_dir(&features)?;
    let tables = ledger.tables.iter().map(|table| layout.table(&table.directory));
    durable::create_dirs_in(&features, tables)
}

/// Whether every part is where it belongs, by its length.
pub(crate) fn is_in_place(layout: &Layout, ledger: &Ledger) -> Result<bool, DatasetError> {
    for NamedPart {
        table, number, part, ..
    } in ledger.parts()
    {
        if length(&layout.part(&table.directory, number))? != Some(part.bytes) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Refuses a dataset of whose earlier parts one is gone. Those were in place, durably, before the last checkpoint, so
/// looking at their lengths is enough to notice what people and their programs do.
fn check_older_parts(layout: &Layout, ledger: &Ledger) -> Result<(), DatasetError> {
    for NamedPart {
        table, number, part, ..
    } in ledger.parts()
    {
        if ledger.is_of_last_checkpoint(part) {
            continue;
        }
        let path = layout.part(&table.directory, number);
        match length(&path)? {
            Some(found) if found == part.bytes => {}
            Some(found) => {
                return Err(PartFault::Length {
                    found,
                    expected: part.bytes,
                }
                .at(path));
            }
            None => return Err(PartFault::Missing.at(path)),
        }
    }
    Ok(())
}

/// A part that is whole in `run/tmp`, and where it belongs.
struct Pending {
    from: PathBuf,
    to: PathBuf,
}

/// The parts of the last checkpoint whose renames did not happen.
fn find_pending(layout: &Layout, ledger: &Ledger) -> Result<Vec<Pending>, DatasetError> {
    let mut pending = Vec::new();
    for NamedPart {
        index,
        table,
        number,
        part,
    } in ledger.parts()
    {
        if !ledger.is_of_last_checkpoint(part) {
            continue;
        }
        let to = layout.part(&table.directory, number);
        let expected = part.checksum();
        let in_place = checksum(&to)?;
        if in_place == Some(expected) {
            continue;
        }
        let from = layout.unpublished_part(index, number);
        match (checksum(&from)?, in_place) {
            (Some(written), None) if written == expected => pending.push(Pending { from, to }),
            (Some(written), Some(_)) if written == expected => return Err(DatasetError::PartInTheWay { path: to }),
            (_, Some(_)) => return Err(PartFault::Changed.at(to)),
            (Some(_), None) => return Err(PartFault::Changed.at(from)),
            (None, None) => return Err(PartFault::Missing.at(to)),
        }
    }
    Ok(pending)
}

/// Renames parts into place; then all directories that the last checkpoint renamed into are made durable, because the
/// run before may have ended between its renames and that. Where that fsync had failed, this one may say too much; but names
/// are the file system's own data, and one that cannot write those goes read-only rather than on. A name lost all the
/// same is found when the run goes on, by [`check_older_parts`], and by `verify`.
fn put_in_place(layout: &Layout, ledger: &Ledger, pending: &[Pending]) -> Result<(), DatasetError> {
    for Pending { from, to } in pending {
        durable::rename_into_place(from, to)?;
    }
    let last = ledger.parts().filter(|named| ledger.is_of_last_checkpoint(named.part));
    let directories: BTreeSet<_> = last.map(|named| layout.table(&named.table.directory)).collect();
    directories
        .iter()
        .try_for_each(|directory| durable::sync_dir(directory))
}

fn read_buffers(layout: &Layout, ledger: &Ledger, tables: &[Table]) -> Result<Vec<Vec<RecordBatch>>, DatasetError> {
    let path = layout.checkpoint(ledger.checkpoint.number);
    let buffers: Vec<LedgerBuffer> = ledger.tables.iter().map(|table| table.buffer).collect();
    checkpoint::read(&path, ledger.checkpoint.file, tables, &buffers)
}

fn length(path: &Path) -> Result<Option<u64>, DatasetError> {
    let metadata = files::look_at(path).map_err(DatasetError::io("look at", path))?;
    Ok(metadata.map(|metadata| metadata.len()))
}

fn checksum(path: &Path) -> Result<Option<Checksum>, DatasetError> {
    Checksum::of_file(path).map_err(DatasetError::io("read", path))
}

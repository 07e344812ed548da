//! The file of the resolved map, whose place a map that somebody edited may hold.
//!
//! The resolved map is there to be edited and run with again, over the dataset that it describes:
//! `--feature-map DIR/feature_map.resolved.yaml --out-dir DIR --overwrite`. So the file in its place may be the only copy
//! of somebody's work, and the very map that the run reads. It stays until the new ledger is stored, so that the same
//! command can be given again, with `--resume` too; then a text that no run wrote is kept beside it before the new map
//! takes its place.

use std::io::ErrorKind;

use crate::checksum::Checksum;
use crate::durable;
use crate::error::DatasetError;
use crate::files;
use crate::layout::Layout;
use crate::ledger::{Ledger, MapBefore};

/// What stands in the resolved map's place before a run that replaces the dataset of `old`.
pub(crate) fn look_before(layout: &Layout, old: &Ledger) -> Result<Option<MapBefore>, DatasetError> {
    let found = read(layout)?;
    Ok(found.map(|found| {
        let file = Checksum::of_bytes(&found);
        let is_of_old = found == old.resolved_map.as_bytes();
        let is_of_the_one_before = old
            .map_before
            .is_some_and(|before| before.file == file && !before.edited);
        MapBefore {
            file,
            edited: !is_of_old && !is_of_the_one_before,
        }
    }))
}

/// Whether `found` may stand in the resolved map's place: it is the map, or was there before and is yet to be replaced.
pub(crate) fn is_expected(found: &[u8], ledger: &Ledger) -> bool {
    found == ledger.resolved_map.as_bytes() || is_before(found, ledger).is_some()
}

/// Refuses a resolved map that someone has changed during the run. One that is missing is written again.
pub(crate) fn check(layout: &Layout, ledger: &Ledger) -> Result<(), DatasetError> {
    match read(layout)? {
        Some(found) if !is_expected(&found, ledger) => Err(DatasetError::MapChanged {
            path: layout.resolved_map(),
        }),
        Some(_) | None => Ok(()),
    }
}

/// Puts the resolved map in its place, after what somebody edited there is kept. Can be done again at any time.
pub(crate) fn put(layout: &Layout, ledger: &Ledger) -> Result<(), DatasetError> {
    let path = layout.resolved_map();
    match read(layout)? {
        Some(found) if found == ledger.resolved_map.as_bytes() => return Ok(()),
        Some(found) if is_before(&found, ledger).is_some_and(|before| before.edited) => keep(layout, &found)?,
        Some(_) | None => {}
    }
    durable::replace_file(&path, &layout.draft(&path), ledger.resolved_map.as_bytes())
}

fn is_before(found: &[u8], ledger: &Ledger) -> Option<MapBefore> {
    ledger
        .map_before
        .filter(|before| before.file == Checksum::of_bytes(found))
}

/// Copies an edited map to the first name that is free, unless a copy is there. A copy and no rename, so that the map can
/// be read under its own name until the new one is there.
fn keep(layout: &Layout, contents: &[u8]) -> Result<(), DatasetError> {
    let mut number = 0;
    loop {
        let path = layout.kept_map(number);
        match files::read(&path) {
            Ok(Some(found)) if found == contents => return Ok(()),
            Ok(None) => return durable::replace_file(&path, &layout.draft(&layout.resolved_map()), contents),
            Err(error) if error.kind() != ErrorKind::IsADirectory => {
                return Err(DatasetError::io("read", &path)(error));
            }
            Ok(Some(_)) | Err(_) => number += 1,
        }
    }
}

fn read(layout: &Layout) -> Result<Option<Vec<u8>>, DatasetError> {
    let path = layout.resolved_map();
    files::read(&path).map_err(DatasetError::io("read", &path))
}

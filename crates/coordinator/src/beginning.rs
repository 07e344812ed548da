//! Where the walk over an archive begins: at its start, or, where a compressed archive is resumed, at a place that the run
//! before has noted.

use tarquet_archive::{Archive, Container, Prefix, Spacing, SpoolOptions, Walk};
use tarquet_dataset::{DatasetError, Position, SeekIndexFile, SourcePrefix, Target};

use crate::error::RunError;
use crate::names::Known;
use crate::seek_index::{self, Found, Passed, SeekIndex, Subject};

/// A walk that can start.
pub(crate) struct Beginning {
    pub(crate) walk: Walk,
    /// What lies before it.
    pub(crate) behind: Behind,
    /// Where places on its way are noted, if there is any use for them.
    pub(crate) index: Option<SeekIndex>,
}

/// What lies before the place at which a walk begins.
#[derive(Debug, Default)]
pub(crate) struct Behind {
    pub(crate) passed: Passed,
    pub(crate) names: Known,
    /// Bytes of the archive.
    pub(crate) archive_bytes: u64,
}

impl Beginning {
    /// The walk for a run of `subject` into `target`: behind `position`, or not far before it. Places are noted so far apart.
    ///
    /// # Errors
    ///
    /// [`RunError::Archive`]. That there is no index, or no place in it, is none.
    pub(crate) fn of(
        archive: &Archive,
        target: &Target,
        subject: Option<Subject>,
        position: Option<&Position>,
        spacing: Spacing,
    ) -> Result<Beginning, RunError> {
        let subject = subject.filter(|_| archive.container() != Container::Tar);
        let mut beginning = match subject {
            None => Beginning::at_start(archive, position)?,
            Some(subject) => match target.seek_index() {
                Ok(file) => Beginning::indexed(archive, file, &subject, position)?,
                Err(error) => {
                    without_index(&error);
                    Beginning::at_start(archive, position)?
                }
            },
        };
        if beginning.index.is_some() {
            beginning.walk.make_points(spacing);
        }
        Ok(beginning)
    }

    fn at_start(archive: &Archive, position: Option<&Position>) -> Result<Beginning, RunError> {
        let mut walk = archive.walk(SpoolOptions::default())?;
        if let Some(source) = position.and_then(|position| position.source.as_ref()) {
            walk.expect_prefix(prefix(source));
        }
        Ok(Beginning {
            walk,
            behind: Behind::default(),
            index: None,
        })
    }

    /// The same with an index: from the last place in it that is not behind the position; at the start where there is none.
    fn indexed(
        archive: &Archive,
        mut file: SeekIndexFile,
        subject: &Subject,
        position: Option<&Position>,
    ) -> Result<Beginning, RunError> {
        let index = match find(&mut file, subject, position) {
            Some((found, read)) => {
                let end = found.end;
                if let Some(beginning) = Beginning::at(archive, found, read)? {
                    let index = SeekIndex::go_on(file, end);
                    return Ok(beginning.with(index));
                }
                SeekIndex::begin(file, subject)
            }
            None => SeekIndex::begin(file, subject),
        };
        Ok(Beginning::at_start(archive, position)?.with(index))
    }

    /// At a place, if the archive is the one that the place is of.
    fn at(archive: &Archive, found: Found, read: Prefix) -> Result<Option<Beginning>, RunError> {
        let Found {
            point, passed, names, ..
        } = found;
        let archive_bytes = point.file();
        let walk = archive.walk_from(point, read, SpoolOptions::default())?;
        Ok(walk.map(|walk| {
            tracing::info!(
                "decompression goes on at byte {archive_bytes} of {}, behind {} members",
                archive.len().unwrap_or(0),
                passed.wanted + passed.skipped
            );
            Beginning {
                walk,
                behind: Behind {
                    passed,
                    names,
                    archive_bytes,
                },
                index: None,
            }
        }))
    }

    fn with(self, index: Result<SeekIndex, DatasetError>) -> Beginning {
        let index = index.map_err(|error| without_index(&error)).ok();
        Beginning { index, ..self }
    }
}

/// The place to begin at, and what was read of the archive up to the position.
fn find(file: &mut SeekIndexFile, subject: &Subject, position: Option<&Position>) -> Option<(Found, Prefix)> {
    let position = position?;
    let read = prefix(position.source.as_ref()?);
    match seek_index::last_before(file, subject, position.members, read.bytes) {
        Ok(found) => Some((found?, read)),
        Err(error) => {
            without_index(&file.error("read the seek index")(error));
            None
        }
    }
}

fn prefix(source: &SourcePrefix) -> Prefix {
    Prefix {
        bytes: source.bytes,
        hash: source.hash,
    }
}

/// Says that an index is of no use. The run is as good without it.
pub(crate) fn without_index(error: &DatasetError) {
    tracing::warn!(
        "{error}. The run goes on without it; a resumed one may have to decompress the archive from its start"
    );
}

//! Where the walk over the archives begins: at the start, or, where a run is resumed, at a place that the run before has
//! noted.

use tarquet_archive::{Spacing, Spool};
use tarquet_dataset::{DatasetError, Position, SeekIndexFile, Target};

use crate::course::{Course, Leg};
use crate::ending::Ending;
use crate::error::RunError;
use crate::names::Known;
use crate::seek_index::{self, Found, Passed, SeekIndex, Subject};

/// A walk that can start.
pub(crate) struct Beginning {
    /// The archive that it starts in.
    pub(crate) leg: Leg,
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
    /// How archives before it ended, and of how many of these the index knows.
    pub(crate) endings: Vec<Ending>,
    pub(crate) noted_endings: usize,
    /// Bytes of the archive that it begins in.
    pub(crate) archive_bytes: u64,
}

impl Beginning {
    /// The walk for a run of `subject`, if anything of it can be noted, into `target`: behind `position`, or not far before
    /// it. Places are noted so far apart.
    ///
    /// # Errors
    ///
    /// As [`Course::go_on`]. That there is no index, or no place in it, is none.
    pub(crate) fn of(
        course: &mut Course,
        spool: Spool,
        target: &Target,
        subject: Option<Subject>,
        position: Option<&Position>,
        spacing: Spacing,
    ) -> Result<Beginning, RunError> {
        let Some(subject) = subject else {
            return Beginning::at_start(course, spool);
        };
        match target.seek_index() {
            Ok(file) => {
                course.points = Some(spacing);
                Beginning::indexed(course, spool, file, &subject, position)
            }
            Err(error) => {
                without_index(&error);
                Beginning::at_start(course, spool)
            }
        }
    }

    /// The walk from the first archive's start, of which nothing is noted.
    pub(crate) fn at_start(course: &mut Course, spool: Spool) -> Result<Beginning, RunError> {
        let mut behind = Behind::default();
        // There is one: a run of which nothing can be read was refused.
        let leg = course.go_on(spool, 0, &mut behind.endings)?.ok_or(RunError::Stopped)?;
        Ok(Beginning {
            leg,
            behind,
            index: None,
        })
    }

    /// The same with an index: from the last place in it that is not behind the position; at the start where there is none.
    fn indexed(
        course: &mut Course,
        spool: Spool,
        mut file: SeekIndexFile,
        subject: &Subject,
        position: Option<&Position>,
    ) -> Result<Beginning, RunError> {
        let found = find(&mut file, subject, position);
        let end = found.as_ref().map(|found| found.end);
        let spool = match found {
            Some(found) => match Beginning::at(course, spool, found)? {
                Ok(beginning) => {
                    let index = SeekIndex::go_on(file, end.unwrap_or(0));
                    return Ok(beginning.with(index));
                }
                Err(spool) => spool,
            },
            None => spool,
        };
        let index = SeekIndex::begin(file, subject);
        Ok(Beginning::at_start(course, spool)?.with(index))
    }

    /// At a place, if the archive is the one that the place is of; else gives the spool back.
    fn at(course: &mut Course, spool: Spool, found: Found) -> Result<Result<Beginning, Spool>, RunError> {
        let Found {
            archive,
            point,
            passed,
            names,
            mut endings,
            ..
        } = found;
        let position = archive as usize;
        if position >= course.archives.count() {
            return Ok(Err(spool));
        }
        let noted_endings = endings.len();
        let archive_bytes = point.as_ref().map_or(0, |point| point.file());
        let what = if point.is_some() { "decompression" } else { "reading" };
        let leg = match point {
            Some(point) => match course.begin_at(position, point, spool, passed.wanted)? {
                Ok(leg) => leg,
                Err(spool) => return Ok(Err(spool)),
            },
            None => {
                course.next = position;
                let leg = course.go_on(spool, passed.wanted, &mut endings)?;
                leg.ok_or(RunError::Stopped)?
            }
        };
        let which = leg.name.as_ref().map(|name| format!(" of {name}")).unwrap_or_default();
        tracing::info!(
            "{what} goes on at byte {archive_bytes}{which}, behind {} members",
            passed.wanted + passed.skipped
        );
        Ok(Ok(Beginning {
            leg,
            behind: Behind {
                passed,
                names,
                endings,
                noted_endings,
                archive_bytes,
            },
            index: None,
        }))
    }

    fn with(self, index: Result<SeekIndex, DatasetError>) -> Beginning {
        let index = index.map_err(|error| without_index(&error)).ok();
        Beginning { index, ..self }
    }
}

/// The place to begin at.
fn find(file: &mut SeekIndexFile, subject: &Subject, position: Option<&Position>) -> Option<Found> {
    let position = position?;
    match seek_index::last_before(file, subject, position.members, position.source.as_ref()) {
        Ok(found) => found,
        Err(error) => {
            without_index(&file.error("read the seek index")(error));
            None
        }
    }
}

/// Says that an index is of no use. The run is as good without it.
pub(crate) fn without_index(error: &DatasetError) {
    tracing::warn!(
        "{error}. The run goes on without it; a resumed one may have to decompress the archive from its start"
    );
}

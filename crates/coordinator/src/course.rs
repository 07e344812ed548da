//! The way through the archives of a run: each is opened when its turn comes, and walked in the one spool that all share.

use std::sync::Arc;

use tarquet_archive::{Archive, Prefix, SeekPoint, Spacing, Spool, Walk};
use tarquet_dataset::SourcePrefix;

use crate::archives::Archives;
use crate::ending::Ending;
use crate::error::RunError;
use crate::source::WorkerSource;
use crate::trail::{Begun, Trail};

/// The way through the archives.
pub(crate) struct Course {
    pub(crate) archives: Archives,
    /// What the run before had read of an archive, where it is resumed.
    pub(crate) read: Option<SourcePrefix>,
    /// How far apart points are made at which a walk can begin, if there is any use for them.
    pub(crate) points: Option<Spacing>,
    pub(crate) ignore_zeros: bool,
    /// How many threads decompress an archive.
    pub(crate) inflate_threads: usize,
    pub(crate) trail: Trail,
    /// What workers read from where the spool is what they read; `None` where nothing is spooled.
    pub(crate) spool: Option<Arc<WorkerSource>>,
    /// The position of the next archive.
    pub(crate) next: usize,
}

/// An archive on the way, open.
pub(crate) struct Leg {
    pub(crate) walk: Walk,
    /// What workers read its members from.
    pub(crate) source: Arc<WorkerSource>,
    /// Its position among all archives.
    pub(crate) position: usize,
    /// What it is called, where there are several.
    pub(crate) name: Option<Arc<str>>,
}

impl Course {
    /// Begins the next archive that can be read, before whose members there are so many that are wanted. How those ended
    /// that cannot be read at all is added to `endings`. `None` behind the last.
    ///
    /// # Errors
    ///
    /// [`RunError::Archive`] where it cannot be opened, [`RunError::ArchiveChanged`] where it is another than it was.
    pub(crate) fn go_on(
        &mut self,
        spool: Spool,
        first_member: u64,
        endings: &mut Vec<Ending>,
    ) -> Result<Option<Leg>, RunError> {
        while self.next < self.archives.count() {
            let position = self.next;
            self.next += 1;
            if let Some(fault) = self.archives.fault(position) {
                endings.push(Ending::of_fault(self.archives.name(position).as_deref(), fault));
                continue;
            }
            let archive = self.open(position)?;
            let mut walk = archive.walk_in(spool)?;
            if let Some(read) = self.read.filter(|read| read.archive == position as u64) {
                walk.expect_prefix(prefix(&read));
            }
            return self.begin(position, &archive, walk, first_member).map(Some);
        }
        Ok(None)
    }

    /// Begins the archive in this position at a point of it, if it can be begun there; else gives the spool back.
    ///
    /// # Errors
    ///
    /// As [`Course::go_on`].
    pub(crate) fn begin_at(
        &mut self,
        position: usize,
        point: SeekPoint,
        spool: Spool,
        first_member: u64,
    ) -> Result<Result<Leg, Spool>, RunError> {
        let read = self.read.filter(|read| read.archive == position as u64);
        let archive = self.open(position)?;
        let can_begin = match read {
            Some(read) => archive.can_begin_at(&point, prefix(&read))?,
            None => false,
        };
        if !can_begin {
            self.archives.put_back(position, archive);
            return Ok(Err(spool));
        }
        self.next = position + 1;
        let walk = archive.walk_from_in(point, spool);
        self.begin(position, &archive, walk, first_member).map(Ok)
    }

    fn open(&mut self, position: usize) -> Result<Archive, RunError> {
        let mut archive = self.archives.take(position)?;
        archive.set_inflate_threads(self.inflate_threads);
        Ok(archive)
    }

    fn begin(
        &mut self,
        position: usize,
        archive: &Archive,
        mut walk: Walk,
        first_member: u64,
    ) -> Result<Leg, RunError> {
        if self.ignore_zeros {
            walk.ignore_zeros();
        }
        if let Some(spacing) = self.points {
            walk.make_points(spacing);
        }
        let name = self.archives.name(position);
        let identity = self.archives.identity(position);
        self.trail.begin(Begun {
            archive: position,
            name: name.clone(),
            first_member,
            prefix: walk.prefix(),
            identity: identity.clone(),
        });
        let source = match (&self.spool, archive.file(), identity) {
            (_, Some(_), Some(identity)) if walk.is_in_place() && name.is_some() => {
                let path = self.archives.path(position).to_owned();
                Arc::new(WorkerSource::of_several(position, path, identity))
            }
            (_, Some(file), _) if walk.is_in_place() => {
                let descriptor = file.try_clone().map_err(|error| RunError::Start {
                    what: "reading the archive",
                    error,
                })?;
                Arc::new(WorkerSource::only(descriptor.into()))
            }
            (Some(spool), ..) => Arc::clone(spool),
            // There is a spool wherever an archive needs one.
            (None, ..) => return Err(RunError::Stopped),
        };
        Ok(Leg {
            walk,
            source,
            position,
            name,
        })
    }
}

fn prefix(read: &SourcePrefix) -> Prefix {
    Prefix {
        bytes: read.bytes,
        hash: read.hash,
    }
}

//! The walk over an archive: members in order, and where their bytes can be read.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use crate::archive::{Container, in_order};
use crate::buffered::Buffered;
use crate::directory::{Files, Listing};
use crate::end::AfterEnd;
use crate::error::{Damage, WalkError};
use crate::gzip::Inflater;
use crate::member::{Member, MemberKind};
use crate::members::Members;
use crate::parallel::{Parallel, WORTH_IT};
use crate::point::{Point, Spacing};
use crate::prefix::{Prefix, PrefixDiffers, PrefixProbe, Running};
use crate::raw::{Origin, RawBytes};
use crate::seek::SeekPoint;
use crate::source::{FileSource, Pull, Source};
use crate::spool::{Extent, Releaser, Shared, Spool, SpoolFull};
use crate::tar::Entries;
use crate::zstd::{self, Decoder, Frames};

/// A walk over the members of an archive, in archive order.
pub struct Walk {
    pub(crate) entries: Members,
    pub(crate) bytes: Bytes,
    /// What is read of an archive that is read in order.
    prefix: Option<Arc<Running>>,
    shared: Arc<Shared>,
    /// The index of the member that may be located.
    locatable: Option<u64>,
    stopped: Option<Stopped>,
}

/// Where the bytes of members are read.
pub(crate) enum Bytes {
    /// In the archive itself, which is this long; the spool is only kept.
    InPlace { file: Arc<File>, len: u64, spool: Spool },
    /// In the spool.
    Spooled(Spool),
}

/// Why nothing more comes.
enum Stopped {
    Ended,
    Damaged(Damage),
    Differs(PrefixDiffers),
    Failed,
}

impl Walk {
    /// `threads` is how many inflate, where there is something to inflate.
    pub(crate) fn start(origin: Origin, container: Container, spool: Spool, threads: usize) -> Walk {
        match (origin, container) {
            (Origin::File { file, len }, Container::Tar) => Walk::in_place(file, len, spool),
            (Origin::Directory(listing), _) => Walk::over_files(listing, spool),
            (origin, container) => Walk::spooled(origin, container, spool, threads),
        }
    }

    /// Over a plain tar that can be read at any place.
    fn in_place(file: Arc<File>, len: u64, spool: Spool) -> Walk {
        let shared = Arc::clone(spool.shared());
        let entries = Entries::new(Box::new(FileSource::new(Arc::clone(&file), len)));
        Walk {
            entries: Members::Tar(Box::new(entries)),
            bytes: Bytes::InPlace { file, len, spool },
            prefix: None,
            shared,
            locatable: None,
            stopped: None,
        }
    }

    /// Over the files of a directory.
    fn over_files(listing: Arc<Listing>, spool: Spool) -> Walk {
        let shared = Arc::clone(spool.shared());
        Walk {
            entries: Members::Files(Files::new(listing)),
            bytes: Bytes::Spooled(spool),
            prefix: None,
            shared,
            locatable: None,
            stopped: None,
        }
    }

    /// Over an archive that is read in order.
    fn spooled(origin: Origin, container: Container, spool: Spool, threads: usize) -> Walk {
        let raw = RawBytes::new(origin.clone(), Arc::clone(spool.shared().stop()));
        let running = Arc::clone(raw.running());
        let source = match container {
            Container::Gzip => inflated(raw, None, &origin, &spool, threads),
            Container::Zstd => decompressed(raw, None, &origin, &spool, threads),
            Container::Tar | Container::Files => in_order(raw, container),
        };
        Walk::over(Entries::new(source), running, spool)
    }

    /// Over a compressed file, from a point of it on.
    pub(crate) fn begin_at(
        point: SeekPoint,
        origin: Origin,
        container: Container,
        spool: Spool,
        threads: usize,
    ) -> Walk {
        let raw = RawBytes::after(origin.clone(), Arc::clone(spool.shared().stop()), point.prefix());
        let running = Arc::clone(raw.running());
        let SeekPoint { point, start } = point;
        let source = match container {
            Container::Zstd => decompressed(raw, Some(&point), &origin, &spool, threads),
            Container::Tar | Container::Files | Container::Gzip => inflated(raw, Some(point), &origin, &spool, threads),
        };
        Walk::over(Entries::begin_at(source, start), running, spool)
    }

    fn over(entries: Entries, running: Arc<Running>, spool: Spool) -> Walk {
        let shared = Arc::clone(spool.shared());
        Walk {
            entries: Members::Tar(Box::new(entries)),
            bytes: Bytes::Spooled(spool),
            prefix: Some(running),
            shared,
            locatable: None,
            stopped: None,
        }
    }

    /// Makes points from here on at which a walk can begin again, so far apart. Only a gzip stream can have any, and one of
    /// several zstd frames.
    pub fn make_points(&mut self, spacing: Spacing) {
        self.entries.make_points(spacing);
    }

    /// Takes blocks of zeros between members for nothing, and not for the archive's end: archives that were put one behind
    /// the other are walked as one. As in GNU tar, what a global PAX header of one says holds in those behind it.
    pub fn ignore_zeros(&mut self) {
        self.entries.ignore_zeros();
    }

    /// A point at which a walk can begin ([`Archive::walk_from`](crate::Archive::walk_from)) that gives the member which
    /// [`Walk::next`] has just given, and all after it. There is one only now and then, and it is given once.
    pub fn take_point(&mut self) -> Option<SeekPoint> {
        let (point, start) = self.entries.take_point()?;
        Some(SeekPoint { point, start })
    }

    /// What looks at the bytes that were read so far, compressed as they are. `None` for a plain tar in a file, which is
    /// not read in order.
    pub fn prefix(&self) -> Option<PrefixProbe> {
        self.prefix.as_ref().map(Running::probe)
    }

    /// Expects the archive to start with what was read of it before. The walk stops reading exactly at the prefix's
    /// end and compares; members before that are given as they are found, and count only once it is confirmed
    /// ([`PrefixProbe::is_confirmed`]). It does nothing for a plain tar in a file.
    ///
    /// # Panics
    ///
    /// When something was read already.
    pub fn expect_prefix(&mut self, prefix: Prefix) {
        if let Some(running) = &self.prefix {
            running.expect(prefix);
        }
    }

    /// The next member; `None` after the last. A member before it that was not located is passed over.
    ///
    /// # Errors
    ///
    /// [`WalkError::Damage`] where the archive's bytes are wrong; it is repeated by every later call, and all members
    /// given before stand. [`WalkError::PrefixDiffers`], repeated likewise, when the archive does not start as it is
    /// expected to; damage is only told of one that does. [`WalkError::Read`] when the file cannot be read,
    /// [`WalkError::Closed`] after that, and when [`Releaser::close`] was called.
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator of results would hide that damage is final"
    )]
    pub fn next(&mut self) -> Result<Option<Member>, WalkError> {
        match &self.stopped {
            Some(Stopped::Ended) => return Ok(None),
            Some(Stopped::Damaged(damage)) => return Err(damage.clone().into()),
            Some(Stopped::Differs(differs)) => return Err((*differs).into()),
            Some(Stopped::Failed) => return Err(WalkError::Closed),
            None => {}
        }
        if self.shared.is_closed() {
            return Err(WalkError::Closed);
        }
        let next = self.entries.next(&|| self.shared.is_closed());
        let next = next.map_err(|error| self.stop_at(error))?;
        self.locatable = next.as_ref().map(|member| member.index);
        if next.is_none() {
            self.stopped = Some(Stopped::Ended);
        }
        Ok(next)
    }

    /// Makes the bytes of `member` readable, and says where they are in the file that [`Walk::source`] gives. An empty
    /// member has no extents.
    ///
    /// Of a plain tar in a file this costs nothing. Otherwise the bytes are read into the spool, and every extent has to
    /// be given back through a [`Releaser`]. While the spool is full this waits; `wait` is called once before, so that
    /// the caller can hand on what it holds back and the room can ever become free.
    ///
    /// # Errors
    ///
    /// [`WalkError::Damage`], which names the member, when its bytes are not all there; nothing stays stored of it.
    /// [`WalkError::PrefixDiffers`] instead when the archive does not start as it is expected to.
    /// [`WalkError::Unreadable`] for a file of a directory that may not be read: the walk goes on behind it.
    /// [`WalkError::Changed`] for one that is not what it was when it was listed. [`WalkError::Read`] and [`WalkError::Spool`] when the system fails, [`WalkError::Closed`] when
    /// [`Releaser::close`] was called.
    ///
    /// # Panics
    ///
    /// When `member` is not the one that [`Walk::next`] gave last, was located before, or is no regular file.
    pub fn locate(&mut self, member: &Member, wait: &mut dyn FnMut(SpoolFull)) -> Result<Vec<Extent>, WalkError> {
        self.begin_to_locate(member)?;
        let located = match &mut self.bytes {
            Bytes::InPlace { len, .. } => in_place(&self.entries, member, *len),
            Bytes::Spooled(spool) => self
                .entries
                .begin_body()
                .and_then(|()| spool.store(member.size, 0, wait, &mut |piece| self.entries.read_body(piece))),
        };
        located.map_err(|error| self.stop_at(error))
    }

    /// Makes sure that a member can be located.
    pub(crate) fn begin_to_locate(&mut self, member: &Member) -> Result<(), WalkError> {
        assert_eq!(
            member.kind,
            MemberKind::File,
            "only the bytes of regular files can be located"
        );
        assert_eq!(
            self.locatable.take(),
            Some(member.index),
            "a member is located once, before the next one"
        );
        match self.shared.is_closed() {
            true => Err(WalkError::Closed),
            false => Ok(()),
        }
    }

    /// What extents are ranges of: the archive's file, or the spool's. A descriptor for reading only; `None` where there is
    /// none, because the spool that the walk was given cannot hold anything.
    pub fn source(&self) -> Option<BorrowedFd<'_>> {
        match &self.bytes {
            Bytes::InPlace { file, .. } => Some(file.as_fd()),
            Bytes::Spooled(spool) => spool.reader(),
        }
    }

    /// Whether members are read where they lie in the archive's file; else they are in the spool.
    pub fn is_in_place(&self) -> bool {
        matches!(self.bytes, Bytes::InPlace { .. })
    }

    /// Ends the walk, and gives the spool back for the next one. What is stored stays until it is released.
    pub fn take_spool(&mut self) -> Spool {
        self.stopped.get_or_insert(Stopped::Failed);
        match &mut self.bytes {
            Bytes::InPlace { spool, .. } | Bytes::Spooled(spool) => std::mem::replace(spool, Spool::without_memory()),
        }
    }

    /// How many bytes of the archive's file were used up so far, of [`Archive::len`](crate::Archive::len). For progress
    /// alone: of one that is read in order it depends on which members were located, and on how its bytes came.
    pub fn consumed(&self) -> u64 {
        self.entries.consumed()
    }

    /// Whether the walk ended between two members where no end-of-archive marker is: as an archive does that was cut off
    /// just there, and as some writers leave theirs.
    pub fn has_unmarked_end(&self) -> bool {
        self.entries.unmarked_end()
    }

    /// What stands behind the end-of-archive marker at which the walk ended. It was not read.
    pub fn after_end(&self) -> Option<AfterEnd> {
        self.entries.after_end()
    }

    /// What gives extents back that this walk has given.
    pub fn releaser(&self) -> Releaser {
        match self.bytes {
            Bytes::InPlace { .. } => self.shared.releaser_in_place(),
            Bytes::Spooled(_) => self.shared.releaser(),
        }
    }

    /// Whether the spool may grow beyond its capacity as far as memory goes: for a stretch of the archive that has to
    /// be held as a whole. When this is taken back, slots beyond the capacity go as soon as they are free.
    pub fn set_unlimited(&mut self, unlimited: bool) {
        if let Bytes::Spooled(spool) = &self.bytes {
            spool.set_unlimited(unlimited);
        }
    }

    /// How many bytes of memory the spool holds, free slots included. 0 for a plain tar.
    pub fn spool_bytes(&self) -> u64 {
        match &self.bytes {
            Bytes::InPlace { .. } => 0,
            Bytes::Spooled(spool) => spool.held(),
        }
    }

    /// Ends the walk with this error. Of an archive that was expected to be another, damage is not the news.
    pub(crate) fn stop_at(&mut self, error: WalkError) -> WalkError {
        self.locatable = None;
        if let WalkError::Unreadable { .. } = error {
            return error;
        }
        let error = match error {
            WalkError::Damage(damage) => self.entries.settle().err().unwrap_or(WalkError::Damage(damage)),
            error => error,
        };
        self.stopped = Some(match &error {
            WalkError::Damage(damage) => Stopped::Damaged(damage.clone()),
            WalkError::PrefixDiffers(differs) => Stopped::Differs(*differs),
            WalkError::Read { .. }
            | WalkError::ReadFile { .. }
            | WalkError::Changed { .. }
            | WalkError::Unreadable { .. }
            | WalkError::Spool { .. }
            | WalkError::Closed => Stopped::Failed,
        });
        error
    }
}

/// A gzip stream, from its start or from a point on. Several threads inflate it where there are to be several, the
/// whole of it is there, and it is worth their while.
fn inflated(raw: RawBytes, point: Option<Point>, origin: &Origin, spool: &Spool, threads: usize) -> Box<dyn Source> {
    let before = point.as_ref().map_or(0, |point| point.stream);
    let read = raw.consumed();
    match (origin, point) {
        (Origin::File { file, len }, point) if threads > 1 && len.saturating_sub(read) >= WORTH_IT => {
            let stop = Arc::clone(spool.shared().stop());
            let parallel = Parallel::new(raw, Arc::clone(file), stop, threads);
            let parallel = match point {
                Some(point) => parallel.begin_at(point),
                None => parallel,
            };
            Box::new(Buffered::begin_at(parallel, before))
        }
        (_, Some(point)) => Box::new(Buffered::begin_at(Inflater::begin_at(raw, point), before)),
        (_, None) => Box::new(Buffered::new(Inflater::new(raw))),
    }
}

/// A zstd stream, as [`inflated`].
fn decompressed(
    raw: RawBytes,
    point: Option<&Point>,
    origin: &Origin,
    spool: &Spool,
    threads: usize,
) -> Box<dyn Source> {
    let before = point.map_or(0, |point| point.stream);
    let read = raw.consumed();
    match (origin, point) {
        (Origin::File { file, len }, point) if threads > 1 && len.saturating_sub(read) >= zstd::WORTH_IT => {
            let stop = Arc::clone(spool.shared().stop());
            let frames = Frames::new(raw, point, Arc::clone(file), stop, threads);
            Box::new(Buffered::begin_at(frames, before))
        }
        (_, Some(point)) => Box::new(Buffered::begin_at(Decoder::begin_at(raw, point), before)),
        (_, None) => Box::new(Buffered::new(Decoder::new(raw))),
    }
}

/// The extent of a member of a plain tar that is `len` bytes long.
fn in_place(entries: &Members, member: &Member, len: u64) -> Result<Vec<Extent>, WalkError> {
    if member.size == 0 {
        return Ok(Vec::new());
    }
    if member.data_offset + member.size > len {
        return Err(entries.cut_at(len).into());
    }
    Ok(vec![Extent {
        offset: member.data_offset,
        len: member.size,
    }])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::SpoolOptions;

    /// A directory opens as a file does, and every read of it fails.
    #[test]
    fn a_file_that_cannot_be_read_is_no_damage() {
        for container in [Container::Tar, Container::Gzip, Container::Zstd] {
            let file = Arc::new(File::open(env!("CARGO_MANIFEST_DIR")).expect("the crate's directory"));
            let origin = Origin::File { file, len: 1000 };
            let spool = Spool::new(SpoolOptions::default()).expect("memory");
            let mut walk = Walk::start(origin, container, spool, 1);
            let first = walk.next();
            assert!(
                matches!(first, Err(WalkError::Read { offset: 0, .. })),
                "{container}: {first:?}"
            );
            let second = walk.next();
            assert!(matches!(second, Err(WalkError::Closed)), "{container}: {second:?}");
        }
    }
}

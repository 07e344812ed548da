//! The members of what is walked over: the entries of a tar, or the files of a directory.

use crate::directory::Files;
use crate::end::AfterEnd;
use crate::error::{Damage, WalkError};
use crate::member::Member;
use crate::point::{Point, Spacing};
use crate::tar::{Entries, Start};

/// Members in order.
pub(crate) enum Members {
    /// Those of a tar stream.
    Tar(Box<Entries>),
    /// Files that lie loose in a directory.
    Files(Files),
}

impl Members {
    /// The next one; what was not read of the last one is passed over. `stop` is asked on the way.
    pub(crate) fn next(&mut self, stop: &dyn Fn() -> bool) -> Result<Option<Member>, WalkError> {
        match self {
            Members::Tar(entries) => entries.next(stop),
            Members::Files(files) => Ok(files.next()),
        }
    }

    /// Makes the last one's bytes readable. A tar's are at hand.
    pub(crate) fn begin_body(&mut self) -> Result<(), WalkError> {
        match self {
            Members::Tar(_) => Ok(()),
            Members::Files(files) => files.open(),
        }
    }

    /// The next bytes of the last one, of which there are as many.
    pub(crate) fn read_body(&mut self, out: &mut [u8]) -> Result<(), WalkError> {
        match self {
            Members::Tar(entries) => entries.read_body(out),
            Members::Files(files) => files.read(out),
        }
    }

    /// How many bytes of the archive, or of all files, were used up.
    pub(crate) fn consumed(&self) -> u64 {
        match self {
            Members::Tar(entries) => entries.consumed(),
            Members::Files(files) => files.consumed(),
        }
    }

    /// The damage of a tar that ends at `end`, inside the last member.
    pub(crate) fn cut_at(&self, end: u64) -> Damage {
        match self {
            Members::Tar(entries) => entries.cut_at(end),
            Members::Files(_) => unreachable!("files lie in no archive that could be cut"),
        }
    }

    /// Reads on, as far as it takes to know whether the archive starts as it is expected to.
    pub(crate) fn settle(&mut self) -> Result<(), WalkError> {
        match self {
            Members::Tar(entries) => entries.settle(),
            Members::Files(_) => Ok(()),
        }
    }

    /// Takes an end marker for nothing from here on.
    pub(crate) fn ignore_zeros(&mut self) {
        if let Members::Tar(entries) = self {
            entries.ignore_zeros();
        }
    }

    /// Makes points from here on, if the stream can be begun at any.
    pub(crate) fn make_points(&mut self, spacing: Spacing) {
        if let Members::Tar(entries) = self {
            entries.make_points(spacing);
        }
    }

    /// Where a walk can begin that gives the same from the last member on.
    pub(crate) fn take_point(&mut self) -> Option<(Point, Start)> {
        match self {
            Members::Tar(entries) => entries.take_point(),
            Members::Files(_) => None,
        }
    }

    /// Whether a tar ended, between two members, without an end marker.
    pub(crate) fn unmarked_end(&self) -> bool {
        match self {
            Members::Tar(entries) => entries.unmarked_end(),
            Members::Files(_) => false,
        }
    }

    /// What follows a tar's end marker.
    pub(crate) fn after_end(&self) -> Option<AfterEnd> {
        match self {
            Members::Tar(entries) => entries.after_end(),
            Members::Files(_) => None,
        }
    }
}

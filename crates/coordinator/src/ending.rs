//! How an archive ended, where that is worth a word.

use serde::{Deserialize, Serialize};
use tarquet_archive::{AfterEnd, Damage};
use tarquet_dataset::FailedMember;

use crate::archives::Fault;

/// How an archive ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// The archive, where there are several.
    pub archive: Option<String>,
    /// Where and why it ended early, or why nothing of it could be read.
    pub damage: Option<String>,
    /// The line of `failed.log` for the damage; `None` where it is a member's failure already.
    pub(crate) line: Option<Line>,
    /// Whether it ended without an end-of-archive marker.
    pub unmarked_end: bool,
    /// What stands behind the end-of-archive marker, and where.
    pub after_end: Option<String>,
}

/// What a line of `failed.log` says of an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    offset: Option<u64>,
    reason: String,
}

impl Ending {
    /// The end of an archive that was walked to `damage` or, if there is none, to its end. `is_told` says whether the damage
    /// is a member's failure. `None` where there is nothing to say.
    pub(crate) fn of_walk(
        archive: Option<&str>,
        damage: Option<&Damage>,
        is_told: bool,
        unmarked_end: bool,
        after_end: Option<AfterEnd>,
    ) -> Option<Ending> {
        let line = damage.filter(|_| !is_told).map(|damage| Line {
            offset: Some(damage.place.file),
            reason: "archive_damaged".to_owned(),
        });
        let ending = Ending {
            archive: archive.map(str::to_owned),
            damage: damage.map(Damage::to_string),
            line,
            unmarked_end,
            after_end: after_end.map(|after| after.to_string()),
        };
        (ending.damage.is_some() || unmarked_end || ending.after_end.is_some()).then_some(ending)
    }

    /// The end of an archive of which nothing can be read.
    pub(crate) fn of_fault(archive: Option<&str>, fault: &Fault) -> Ending {
        Ending {
            archive: archive.map(str::to_owned),
            damage: Some(fault.detail.clone()),
            line: Some(Line {
                offset: None,
                reason: fault.reason.to_owned(),
            }),
            ..Ending::default()
        }
    }

    /// Whether nothing of the archive could be read.
    pub fn is_unreadable(&self) -> bool {
        self.line.as_ref().is_some_and(|line| line.offset.is_none())
    }

    /// Its line of `failed.log`, if it has one of its own.
    pub(crate) fn failure(&self) -> Option<FailedMember> {
        let Line { offset, reason } = self.line.clone()?;
        Some(FailedMember {
            archive: self.archive.clone(),
            member: None,
            offset,
            line: None,
            reason,
            detail: self.damage.clone().unwrap_or_default(),
        })
    }
}

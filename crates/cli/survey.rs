//! Looking into archives without writing a dataset: what `inspect`, `preview` and `check` have in common.

use indicatif::MultiProgress;
use tarquet_coordinator::{Extent, RunError, Settings, Sink, Survey, Surveyed};
use tarquet_dataset::{FailedMember, Unit};

use crate::args::DisplayArguments;
use crate::attend::attend;
use crate::failure::{Failure, Kept};
use crate::quantity::{counted, grouped};
use crate::signals::Watch;

/// Reads so much of the archives into `sink`, shows how far it is, and keeps to signals.
pub(crate) fn survey<S: Sink>(
    settings: Settings,
    extent: Extent,
    sink: S,
    display: &DisplayArguments,
    watch: &Watch,
    bars: &MultiProgress,
) -> Result<(S, Surveyed), Failure> {
    let survey = Survey::open(settings, extent, sink).map_err(failed)?;
    let (counters, stopper) = (survey.counters(), survey.stopper());
    let ended = attend(move || survey.run(), &counters, stopper, watch, display, bars)?;
    match (ended, watch.signal()) {
        (Ok(surveyed), None) => Ok(surveyed),
        (Ok(_) | Err(RunError::Stopped), Some(signal)) => Err(Failure::Stopped(signal, Kept::default(), None)),
        (Err(error), Some(signal)) => Err(Failure::Stopped(signal, Kept::default(), Some(error))),
        (Err(error), None) => Err(failed(error)),
    }
}

fn failed(error: RunError) -> Failure {
    Failure::Run(error, Kept::default())
}

/// Documents of a survey: how many, and those that could not be read.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) documents: u64,
    pub(crate) failed: u64,
    /// Whether a member holds many.
    pub(crate) many_a_member: bool,
    first_failure: Option<FailedMember>,
}

impl Seen {
    /// Counts a unit.
    pub(crate) fn add(&mut self, unit: &Unit) {
        self.documents += unit.documents as u64;
        self.failed += unit.failures.len() as u64;
        self.many_a_member |= unit.open.is_some() || (unit.documents + unit.failures.len()) as u64 > unit.members;
        if self.first_failure.is_none() {
            self.first_failure = unit.failures.first().cloned();
        }
    }

    /// Whether so many documents were seen that there need be no more. Of members that are one document each, the walk takes no more
    /// than so many, and knows best whether there are.
    pub(crate) fn is_enough(&self, most: u64) -> bool {
        self.documents > most || (self.documents == most && self.many_a_member)
    }

    /// What was looked at, in words.
    pub(crate) fn describe(&self, surveyed: &Surveyed) -> String {
        let documents = counted(self.documents, "document");
        let of = match () {
            () if surveyed.is_whole => "all there are",
            () if damage(surveyed).is_some() => "up to where the archive is damaged",
            () if surveyed.is_spread => "from all over the archive",
            () if surveyed.has_enough => "the first ones",
            () => "the first ones; there are more",
        };
        let failed = match self.failed {
            0 => String::new(),
            failed => format!(", {} failed", grouped(failed)),
        };
        format!("{documents} ({of}){failed}")
    }

    /// Warns of documents that could not be read, and of an archive without any.
    pub(crate) fn warn(&self, surveyed: &Surveyed) {
        if let Some(first) = &self.first_failure {
            let member = first.member.as_deref().unwrap_or_default();
            let has_more_values = first
                .detail
                .contains("nothing but white space may follow the document's value");
            tracing::warn!(
                "{} could not be read and {} left out; the first is {member:?}: {}: {}{}",
                counted(self.failed, "document"),
                if self.failed == 1 { "is" } else { "are" },
                first.reason,
                first.detail,
                if has_more_values {
                    ". If members have a document on each line, --documents ndjson reads them"
                } else {
                    ""
                }
            );
        }
        if let Some(damage) = damage(surveyed) {
            tracing::warn!("{damage}. Everything before it was looked at");
        }
        if self.documents + self.failed == 0 {
            match surveyed.progress.skipped {
                0 => tracing::warn!("the archive has no members"),
                skipped => {
                    tracing::warn!("no member of the archive was wanted ({skipped} skipped); --include says which are");
                }
            }
        }
    }
}

/// What damage ended an archive early, the first if several.
pub(crate) fn damage(surveyed: &Surveyed) -> Option<&str> {
    surveyed.endings.iter().find_map(|ending| ending.damage.as_deref())
}

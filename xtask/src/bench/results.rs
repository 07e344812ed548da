//! All that a run of the benchmark gave.

use std::time::Duration;

use super::arguments::Arguments;
use super::contender::Role;
use super::engine::Engines;
use super::machine::Place;
use super::measure::Measured;
use super::race::SectionResult;

/// All that a run of the benchmark gave.
#[derive(Debug)]
pub(crate) struct Results {
    /// Where and of what.
    pub(crate) place: Place,
    /// The number of workers that tarquet starts by itself here.
    pub(crate) default_workers: u32,
    /// How often each contender ran, and each peer.
    pub(crate) runs: (u32, u32),
    /// Whether other systems ran.
    pub(crate) has_peers: bool,
    /// Whether every archive had all its documents.
    pub(crate) is_full_size: bool,
    /// What was measured on the archives.
    pub(crate) sections: Vec<SectionResult>,
    /// What was measured of the engine, if it was.
    pub(crate) engines: Option<Engines>,
    /// How long all of it took.
    pub(crate) took: Duration,
}

impl Results {
    /// Nothing yet.
    pub(crate) fn new(place: Place, default_workers: u32, arguments: &Arguments) -> Self {
        Self {
            place,
            default_workers,
            runs: (arguments.runs(), arguments.peer_runs),
            has_peers: arguments.peers,
            is_full_size: arguments.scale == 1.0,
            sections: Vec::new(),
            engines: None,
            took: Duration::ZERO,
        }
    }

    /// The section called `id`, if it was measured.
    pub(crate) fn section(&self, id: &str) -> Option<&SectionResult> {
        self.sections.iter().find(|section| section.id == id)
    }

    /// What `contender` needed in `section`, if it was measured and got to the end.
    pub(crate) fn median(&self, section: &str, contender: &str) -> Option<&Measured> {
        self.section(section)?.median(contender)
    }

    /// The seconds that `contender` took in `section`.
    pub(crate) fn wall(&self, section: &str, contender: &str) -> Option<f64> {
        Some(self.median(section, contender)?.wall.as_secs_f64())
    }

    /// Every run of tarquet, with the section that it is from.
    pub(crate) fn own(&self) -> impl Iterator<Item = (&SectionResult, &Measured)> {
        self.sections.iter().flat_map(|section| {
            let own = section.outcomes.iter().filter(|outcome| outcome.role == Role::Own);
            own.filter_map(move |outcome| Some((section, outcome.median()?)))
        })
    }
}

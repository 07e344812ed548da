//! Results for the tests of what is made of results.

use std::path::PathBuf;
use std::time::Duration;

use super::contender::Role;
use super::corpus::Archive;
use super::machine::Place;
use super::measure::Measured;
use super::race::{Finish, Outcome, SectionResult};
use super::results::Results;

/// A run of so many milliseconds, with peaks of 50, 40 and 90 MB.
pub(crate) fn measured(milliseconds: u64) -> Measured {
    Measured {
        wall: Duration::from_millis(milliseconds),
        cpu: Duration::from_millis(2 * milliseconds),
        first_peak: 50_000_000,
        other_peak: 40_000_000,
        total_peak: 90_000_000,
        output: String::new(),
    }
}

/// What tarquet needed: so many milliseconds, for 3 rows.
pub(crate) fn outcome(id: &str, milliseconds: u64) -> Outcome {
    Outcome {
        id: id.to_owned(),
        label: format!("{id} & co"),
        role: Role::Own,
        result: Finish::Median {
            run: Box::new(measured(milliseconds)),
            rows: Some(3),
            walls: vec![Duration::from_millis(milliseconds)],
        },
    }
}

/// What another needed that was stopped after 120 s.
pub(crate) fn stopped(id: &str) -> Outcome {
    Outcome {
        id: id.to_owned(),
        label: id.to_owned(),
        role: Role::Peer,
        result: Finish::Over(Duration::from_secs(120)),
    }
}

/// A section of an archive of 40 MB.
pub(crate) fn section<const N: usize>(id: &str, documents: u64, outcomes: [Outcome; N]) -> SectionResult {
    SectionResult {
        id: id.to_owned(),
        title: format!("The {id} ones"),
        archive: Archive {
            path: PathBuf::new(),
            documents,
            file_bytes: 40_000_000,
            tar_bytes: 40_000_000,
            largest_document: 5_000_000,
        },
        outcomes: outcomes.into(),
    }
}

/// The results of a run on 2 cores.
pub(crate) fn results<const N: usize>(sections: [SectionResult; N]) -> Results {
    Results {
        place: Place {
            processor: "a processor".to_owned(),
            cores: 2,
            memory: 8_000_000_000,
            kernel: "6.1".to_owned(),
            commit: "abcdef".to_owned(),
        },
        default_workers: 8,
        runs: (5, 3),
        has_peers: true,
        is_full_size: true,
        sections: sections.into(),
        engines: None,
        took: Duration::from_secs(90),
    }
}

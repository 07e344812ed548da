//! How far a run is, for whoever shows it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tarquet_dataset::{Position, Unit};

use crate::at_hand::{AtHand, Busy};

/// Counters that the run's threads add to and a display reads. Every value only grows, except `workers`.
#[derive(Debug, Default)]
pub struct Counters {
    /// Whether the types are being decided.
    pub(crate) sampling: AtomicBool,
    pub(crate) begun: AtomicBool,
    pub(crate) stopping: AtomicBool,
    pub(crate) in_flight: AtomicU64,
    pub(crate) at_hand: AtHand,
    pub(crate) workers: AtomicU64,
    pub(crate) replaced: AtomicU64,
    pub(crate) extracted: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) documents: AtomicU64,
    pub(crate) failures: AtomicU64,
    pub(crate) skipped: AtomicU64,
    pub(crate) rescued: AtomicU64,
    pub(crate) rows: AtomicU64,
    pub(crate) document_bytes: AtomicU64,
    pub(crate) committed: AtomicU64,
    pub(crate) committed_documents: AtomicU64,
    pub(crate) resumed_members: AtomicU64,
    pub(crate) resumed_bytes: AtomicU64,
    pub(crate) resumed_archive_bytes: AtomicU64,
    pub(crate) archive_bytes: AtomicU64,
    pub(crate) archive_len: AtomicU64,
}

/// The counters at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Whether the types are being decided; nothing is extracted before that.
    pub sampling: bool,
    /// Whether the dataset is begun: from then on a run that stops can be resumed.
    pub begun: bool,
    /// Whether somebody wants the run to stop.
    pub stopping: bool,
    /// Tasks that workers have, counted once the run is to stop: what is waited for then.
    pub in_flight: u64,
    /// Workers that live.
    pub workers: u64,
    /// Workers that died and were replaced.
    pub replaced: u64,
    /// Members whose rows are in order behind all rows before them.
    pub extracted: u64,
    /// Members that failed.
    pub failed: u64,
    /// Documents whose rows are in order behind all rows before them.
    pub documents: u64,
    /// Documents that failed, failed members included.
    pub failures: u64,
    /// Members that were skipped by rule: no regular file, or not included.
    pub skipped: u64,
    /// Values that did not fit their column.
    pub rescued: u64,
    /// Rows of all features together.
    pub rows: u64,
    /// Bytes of the members that workers are done with, decompressed.
    pub document_bytes: u64,
    /// Members that are committed: a resume begins behind them.
    pub committed: u64,
    /// Documents that are committed, failed ones included.
    pub committed_documents: u64,
    /// Members that were done before this run, by the one that it resumes.
    pub resumed_members: u64,
    /// Bytes of those of them that were passed over so far.
    pub resumed_bytes: u64,
    /// Bytes of the archive that they stand for.
    pub resumed_archive_bytes: u64,
    /// Bytes of the archive that all this stands for, of `archive_len`.
    pub archive_bytes: u64,
    /// Bytes of the archive; 0 until it is open, and for standard input, of which nobody knows.
    pub archive_len: u64,
}

impl Progress {
    /// Members that this run itself is done with.
    pub fn own_members(&self) -> u64 {
        (self.extracted + self.failed).saturating_sub(self.resumed_members)
    }

    /// Bytes of the members that this run's workers are done with, decompressed.
    pub fn own_bytes(&self) -> u64 {
        self.document_bytes.saturating_sub(self.resumed_bytes)
    }
}

impl Counters {
    /// Counts a unit that was delivered.
    pub(crate) fn delivered(&self, amounts: &Amounts) {
        add(&self.extracted, amounts.members - amounts.failed);
        add(&self.failed, amounts.failed);
        add(&self.documents, amounts.documents);
        add(&self.failures, amounts.failures);
        add(&self.rows, amounts.rows);
        add(&self.rescued, amounts.rescued);
    }

    /// What is committed now.
    pub(crate) fn committed(&self, position: &Position) {
        let documents = position.documents + position.failures;
        self.committed.store(position.members, Ordering::Relaxed);
        self.committed_documents.store(documents, Ordering::Relaxed);
    }

    /// Begins where a run stopped that is resumed.
    pub(crate) fn resume(&self, position: &Position) {
        let set = |counter: &AtomicU64, value: u64| counter.store(value, Ordering::Relaxed);
        set(&self.extracted, position.members - position.failed);
        set(&self.failed, position.failed);
        set(&self.documents, position.documents);
        set(&self.failures, position.failures);
        set(&self.rescued, position.rescued);
        set(&self.rows, position.rows.iter().sum());
        set(&self.resumed_members, position.members);
        self.committed(position);
    }

    /// Has it noted from now on what workers have in hand.
    pub fn want_workers(&self) {
        self.at_hand.want();
    }

    /// What busy workers have in hand, by their numbers, as it was noted last.
    pub fn busy_workers(&self) -> Vec<Busy> {
        self.at_hand.workers()
    }

    /// The counters now.
    pub fn progress(&self) -> Progress {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Progress {
            sampling: self.sampling.load(Ordering::Relaxed),
            begun: self.begun.load(Ordering::Relaxed),
            stopping: self.stopping.load(Ordering::Relaxed),
            in_flight: get(&self.in_flight),
            workers: get(&self.workers),
            replaced: get(&self.replaced),
            extracted: get(&self.extracted),
            failed: get(&self.failed),
            documents: get(&self.documents),
            failures: get(&self.failures),
            skipped: get(&self.skipped),
            rescued: get(&self.rescued),
            rows: get(&self.rows),
            document_bytes: get(&self.document_bytes),
            resumed_members: get(&self.resumed_members),
            resumed_bytes: get(&self.resumed_bytes),
            resumed_archive_bytes: get(&self.resumed_archive_bytes),
            committed: get(&self.committed),
            committed_documents: get(&self.committed_documents),
            archive_bytes: get(&self.archive_bytes),
            archive_len: get(&self.archive_len),
        }
    }
}

/// What a unit adds to the counters.
pub(crate) struct Amounts {
    members: u64,
    failed: u64,
    documents: u64,
    failures: u64,
    rows: u64,
    rescued: u64,
}

impl Amounts {
    pub(crate) fn of(unit: &Unit) -> Amounts {
        Amounts {
            members: unit.members,
            failed: unit.failed,
            documents: unit.documents as u64,
            failures: unit.failures.len() as u64,
            rows: unit.rows.iter().map(|rows| u64::from(*rows)).sum(),
            rescued: unit.rescued.len() as u64,
        }
    }
}

/// Adds to a counter. The counters are for people: no order between them is promised.
pub(crate) fn add(counter: &AtomicU64, amount: u64) {
    counter.fetch_add(amount, Ordering::Relaxed);
}

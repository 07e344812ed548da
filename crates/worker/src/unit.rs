//! The open unit: documents that are read and whose rows have not been sent.

use arrow_array::RecordBatch;
use arrow_schema::ArrowError;
use tarquet_feature_map::Plan;
use tarquet_feature_map::plan::{Column, Feature};
use tarquet_projection::{Projected, RescuedValues};
use tarquet_wire::array::Cut;
use tarquet_wire::message::{Open, TaskId, UnitDone};
use tarquet_wire::tables::{self, FailureRow, RescuedRow};

use crate::serve::WorkerError;

/// What a unit has besides the rows, which their maker holds.
#[derive(Debug, Default)]
pub(crate) struct Unit {
    /// Members of the task that it closes, failed ones included; a stretch counts as one.
    members: u32,
    /// How many of them are the last of their members.
    ended: u32,
    /// How many members failed.
    failed: u32,
    /// The members that gave documents, in order.
    names: Vec<String>,
    /// The documents that gave rows, in order.
    documents: Vec<Place>,
    failures: Vec<FailureRow>,
    /// What the texts of `failures` weigh, in bytes.
    failures_bytes: usize,
    /// Whether it begins in the midst of a member.
    is_continued: bool,
    /// Up to where the stretch behind `members` is closed.
    within: u64,
    /// The member in whose midst it ends.
    open: Option<Open>,
    /// Where the open stretch ends that it closes.
    cut: Option<Cut>,
}

/// Where a document comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    /// The position of its member's name.
    name: usize,
    line: Option<u64>,
}

impl Unit {
    /// A unit that goes on in the midst of a member.
    pub(crate) fn continued() -> Unit {
        Unit {
            is_continued: true,
            ..Unit::default()
        }
    }

    /// Whether it closes nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.members == 0 && self.within == 0
    }

    /// Whether it can hold nothing else than it does: it is of one member that others begin or go on with.
    pub(crate) fn is_complete(&self) -> bool {
        self.is_continued || self.open.is_some()
    }

    /// What it weighs besides the rows, in bytes.
    pub(crate) fn weight(&self) -> usize {
        self.failures_bytes
    }

    pub(crate) fn add_document(&mut self, member: String) {
        self.close_member();
        self.documents.push(Place {
            name: self.names.len(),
            line: None,
        });
        self.names.push(member);
    }

    pub(crate) fn add_failure(&mut self, failure: FailureRow) {
        self.close_member();
        self.failed += 1;
        self.add_failed_line(failure);
    }

    fn close_member(&mut self) {
        self.members += 1;
        self.ended += 1;
    }

    /// Begins a stretch of the member of this name, and gives how many documents there were before.
    pub(crate) fn begin_stretch(&mut self, member: String) -> usize {
        self.names.push(member);
        self.documents.len()
    }

    /// A document of the stretch gave rows.
    pub(crate) fn add_line(&mut self, line: u64) {
        self.documents.push(Place {
            name: self.names.len() - 1,
            line: Some(line),
        });
    }

    /// A document of the stretch failed.
    pub(crate) fn add_failed_line(&mut self, failure: FailureRow) {
        let FailureRow {
            member, reason, detail, ..
        } = &failure;
        self.failures_bytes += member.len() + reason.len() + detail.len();
        self.failures.push(failure);
    }

    /// The unit ends in the midst of the stretch that began behind `before` documents: at `byte`, behind `lines` lines of it.
    pub(crate) fn pause_stretch(&mut self, before: usize, byte: u64, lines: u64) {
        self.within = byte;
        self.open = Some(self.open_at(before, byte, lines));
    }

    /// The stretch ends here, and its member goes on; of an open one it is told how.
    pub(crate) fn end_open_stretch(&mut self, before: usize, lines: u64, cut: Cut) {
        self.end_stretch(before, cut.start, lines);
        self.cut = Some(cut);
    }

    /// The stretch ends, and its member goes on.
    pub(crate) fn end_stretch(&mut self, before: usize, byte: u64, lines: u64) {
        self.members += 1;
        self.open = Some(self.open_at(before, byte, lines));
    }

    /// The stretch ends, and its member with it.
    pub(crate) fn end_member(&mut self, is_failed: bool) {
        self.close_member();
        self.failed += u32::from(is_failed);
    }

    fn open_at(&self, before: usize, byte: u64, lines: u64) -> Open {
        Open {
            byte,
            lines,
            // Units are sent long before they have so many.
            documents: (self.documents.len() - before) as u32,
        }
    }

    /// The unit's batches, by table, and the message that closes them.
    pub(crate) fn close(
        self,
        task: TaskId,
        plan: &Plan,
        projected: Projected,
    ) -> Result<(Vec<(usize, RecordBatch)>, UnitDone), WorkerError> {
        let features = plan.features.len();
        let mut batches = projected.batches;
        if !self.failures.is_empty() {
            batches.push((
                tables::failures_table(features),
                tables::failures_batch(&self.failures)?,
            ));
        }
        if !projected.rescued.is_empty() {
            let rows = self.rows_in_members(&projected.rescued, &projected.rows, features);
            batches.push((
                tables::rescued_table(features),
                self.rescued_batch(plan, &projected.rescued, &rows)?,
            ));
        }
        let done = UnitDone {
            task: task.0,
            members: self.members,
            ended: self.ended,
            failed: self.failed,
            // Units are sent long before they have so many.
            failures: self.failures.len() as u32,
            within: self.within,
            is_continued: self.is_continued,
            open: self.open,
            cut: self.cut,
            documents: projected.documents as u32,
            rows: projected.rows,
            bytes: projected.bytes,
        };
        Ok((batches, done))
    }

    /// The position of each value's row among the rows of its member: behind those of the documents before, of which
    /// `rows` has the counts.
    fn rows_in_members(&self, values: &RescuedValues, rows: &[u32], features: usize) -> Vec<u64> {
        let mut before = vec![0; features];
        let mut at = 0;
        let row = |value: tarquet_projection::Rescued<'_>| {
            while at < value.document {
                let goes_on = self.documents[at].name == self.documents[at + 1].name;
                for (sum, rows) in before.iter_mut().zip(&rows[at * features..]) {
                    *sum = if goes_on { *sum + u64::from(*rows) } else { 0 };
                }
                at += 1;
            }
            before[value.feature] + value.row
        };
        values.iter().map(row).collect()
    }

    /// The batch of values that do not fit. There can be millions, so no name is copied before it is in its column.
    fn rescued_batch(&self, plan: &Plan, values: &RescuedValues, rows: &[u64]) -> Result<RecordBatch, ArrowError> {
        let types: Vec<Vec<String>> = plan.features.iter().map(column_types).collect();
        let rows = values.iter().zip(rows).map(|(value, row)| {
            let feature = &plan.features[value.feature];
            let Place { name, line } = self.documents[value.document];
            RescuedRow {
                member: self.names[name].as_str(),
                feature: feature.name.as_str(),
                row: *row,
                line,
                column: feature.columns[value.column].name.as_str(),
                expected: types[value.feature][value.column].as_str(),
                value: value.value,
            }
        });
        tables::rescued_batch(rows)
    }
}

/// The names of the types of a feature's columns, which all have one once there are rows.
fn column_types(feature: &Feature) -> Vec<String> {
    let name = |column: &Column| {
        column
            .source
            .column_type()
            .map_or_else(String::new, |ty| ty.to_string())
    };
    feature.columns.iter().map(name).collect()
}

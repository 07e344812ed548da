//! The open unit: members that are read and whose rows have not been sent.

use arrow_array::RecordBatch;
use tarquet_feature_map::Plan;
use tarquet_feature_map::plan::Feature;
use tarquet_projection::{Projected, Rescued};
use tarquet_wire::message::{TaskId, UnitDone};
use tarquet_wire::tables::{self, FailureRow, RescuedRow};

use crate::serve::WorkerError;

/// What a unit has besides the rows, which the projector holds.
#[derive(Debug, Default)]
pub(crate) struct Unit {
    /// Members of the unit, failed ones included.
    members: u32,
    /// Names of the members that gave the projector's documents, in order.
    documents: Vec<String>,
    failures: Vec<FailureRow>,
}

impl Unit {
    pub(crate) fn is_empty(&self) -> bool {
        self.members == 0
    }

    pub(crate) fn add_document(&mut self, member: String) {
        self.members += 1;
        self.documents.push(member);
    }

    pub(crate) fn add_failure(&mut self, failure: FailureRow) {
        self.members += 1;
        self.failures.push(failure);
    }

    /// The unit's batches, by table, and the message that closes them.
    pub(crate) fn close(
        self,
        task: TaskId,
        plan: &Plan,
        projected: Projected,
    ) -> Result<(Vec<(usize, RecordBatch)>, UnitDone), WorkerError> {
        let features = plan.features.len();
        let done = UnitDone {
            task: task.0,
            members: self.members,
            // Within `members`, which is 32 bits.
            failed: self.failures.len() as u32,
            documents: projected.documents as u32,
            rows: projected.rows,
            bytes: projected.bytes,
        };
        let mut batches = projected.batches;
        if !self.failures.is_empty() {
            batches.push((
                tables::failures_table(features),
                tables::failures_batch(&self.failures)?,
            ));
        }
        if !projected.rescued.is_empty() {
            let rows: Vec<RescuedRow> = projected
                .rescued
                .into_iter()
                .map(|value| rescued_row(&self.documents, &plan.features, value))
                .collect();
            batches.push((tables::rescued_table(features), tables::rescued_batch(&rows)?));
        }
        Ok((batches, done))
    }
}

fn rescued_row(documents: &[String], features: &[Feature], value: Rescued) -> RescuedRow {
    RescuedRow {
        member: documents[value.document].clone(),
        feature: features[value.feature].name.clone(),
        row: value.row,
        column: value.column,
        expected: value.expected,
        value: value.value,
    }
}

//! The open unit: members that are read and whose rows have not been sent.

use arrow_array::RecordBatch;
use arrow_schema::ArrowError;
use tarquet_feature_map::Plan;
use tarquet_feature_map::plan::{Column, Feature};
use tarquet_projection::{Projected, RescuedValues};
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
            batches.push((
                tables::rescued_table(features),
                rescued_batch(&self.documents, plan, &projected.rescued)?,
            ));
        }
        Ok((batches, done))
    }
}

/// The batch of values that do not fit. There can be millions, so no name is copied before it is in its column.
fn rescued_batch(documents: &[String], plan: &Plan, values: &RescuedValues) -> Result<RecordBatch, ArrowError> {
    let types: Vec<Vec<String>> = plan.features.iter().map(column_types).collect();
    let rows = values.iter().map(|value| {
        let feature = &plan.features[value.feature];
        RescuedRow {
            member: documents[value.document].as_str(),
            feature: feature.name.as_str(),
            row: value.row,
            column: feature.columns[value.column].name.as_str(),
            expected: types[value.feature][value.column].as_str(),
            value: value.value,
        }
    });
    tables::rescued_batch(rows)
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

//! How the profile of a unit's documents travels: as the one row of the only table of a plan.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{RecordBatch, StringArray};
use arrow_schema::{ArrowError, SchemaRef};
use tarquet_feature_map::Plan;

/// The plan of a run that has workers [make profiles](crate::message::Product::Profile).
pub fn plan() -> Plan {
    let map = "{version: 1, id: unit, features: {profile: {path: $, type: json}}}";
    tarquet_feature_map::parse("", map).expect("it is a feature map")
}

/// The row with this profile, of a table of the plan's schema.
///
/// # Errors
///
/// A profile of more than 2 GiB.
pub fn batch(schema: &SchemaRef, profile: String) -> Result<RecordBatch, ArrowError> {
    i32::try_from(profile.len()).map_err(|_| ArrowError::OffsetOverflowError(profile.len()))?;
    let columns: [StringArray; 2] = [vec![""].into(), vec![profile].into()];
    RecordBatch::try_new(Arc::clone(schema), columns.map(|column| Arc::new(column) as _).into())
}

/// The profiles of a batch, which has the plan's schema.
pub fn texts(batch: &RecordBatch) -> impl Iterator<Item = &str> {
    let profiles = batch
        .column_by_name("profile")
        .and_then(|column| column.as_string_opt::<i32>());
    profiles.into_iter().flat_map(|profiles| profiles.iter().flatten())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_comes_back() {
        let schema = plan().table_schema(0).unwrap();
        let batch = batch(&schema, "{}".to_owned()).unwrap();
        assert_eq!(texts(&batch).collect::<Vec<_>>(), ["{}"]);
    }
}

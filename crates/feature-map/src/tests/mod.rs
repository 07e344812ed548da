//! Tests of whole maps. Those of one module's rules stand beside its code.

mod configs;
mod covering;
mod design;
mod generate;
mod inference;
mod laws;
mod messages;
mod naive;
mod oracle;
mod paths;
mod robust;

use crate::plan::{ColumnSource, Plan, Value};

/// The plan of a map that must be right.
pub(crate) fn plan(text: &str) -> Plan {
    crate::parse("map.yaml", text).unwrap_or_else(|errors| panic!("{text}\n{errors}"))
}

/// The plan of a map of version 1, its features in flow or block style, indented by two.
pub(crate) fn features(text: &str) -> Plan {
    plan(&format!("version: 1\nid: doc\nfeatures:\n{text}\n"))
}

/// The value of a plan's column.
pub(crate) fn value<'p>(plan: &'p Plan, feature: &str, column: &str) -> &'p Value {
    match column_source(plan, feature, column) {
        ColumnSource::Value(value) => value,
        other => panic!("{feature}.{column} is {other:?}"),
    }
}

/// The source of a plan's column.
pub(crate) fn column_source<'p>(plan: &'p Plan, feature: &str, column: &str) -> &'p ColumnSource {
    let table = plan
        .features
        .iter()
        .find(|table| table.name == feature)
        .expect("the feature is there");
    &table
        .columns
        .iter()
        .find(|known| known.name == column)
        .expect("the column is there")
        .source
}

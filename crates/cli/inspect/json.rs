//! The paths as JSON, for programs.

use serde::Serialize;
use serde_json::{Map, Value, json};
use tarquet_coordinator::Surveyed;
use tarquet_profile::{Entry, Lengths, Profile};

use super::types::types;
use crate::survey::{Seen, damage};

/// All that is known, as one object.
pub(super) fn render(profile: &Profile, seen: &Seen, surveyed: &Surveyed) -> String {
    let report = json!({
        "documents": profile.documents(),
        "failed": seen.failed,
        "is_whole": surveyed.is_whole,
        "damage": damage(surveyed),
        "paths": profile.entries().map(|entry| path(&entry)).collect::<Vec<_>>(),
    });
    format!("{report:#}\n")
}

/// A path.
#[derive(Serialize)]
struct Path<'a> {
    path: &'a str,
    /// Values at it.
    count: u64,
    /// Of the objects that could have the member, the share that has it.
    present: f64,
    nulls: u64,
    /// Values that are not null, by type.
    types: Map<String, Value>,
    distinct: Option<u64>,
    distinct_is_exact: Option<bool>,
    least: Option<f64>,
    greatest: Option<f64>,
    array_lengths: Option<Value>,
    object_sizes: Option<Value>,
    /// The names of a map.
    keys: Option<u64>,
    examples: &'a [String],
    key_examples: &'a [String],
}

fn path(entry: &Entry<'_>) -> Value {
    let node = entry.node;
    let has_scalars = node.kinds.scalars() > 0;
    json!(Path {
        path: &entry.path,
        count: node.kinds.all(),
        present: entry.presence(),
        nulls: node.kinds.all() - node.kinds.present(),
        types: types(node)
            .into_iter()
            .map(|(name, count)| (name.to_owned(), count.into()))
            .collect(),
        distinct: has_scalars.then(|| node.distinct_values()),
        distinct_is_exact: has_scalars.then(|| node.distinct.is_exact()),
        least: node.numbers.map(|(least, _)| least),
        greatest: node.numbers.map(|(_, greatest)| greatest),
        array_lengths: lengths(&node.lengths),
        object_sizes: lengths(&node.sizes),
        keys: Some(node.distinct_keys()).filter(|keys| *keys > 0),
        examples: &node.examples,
        key_examples: &node.key_examples,
    })
}

fn lengths(lengths: &Lengths) -> Option<Value> {
    let Lengths { count, least, most, .. } = *lengths;
    (count > 0).then(|| json!({"least": least, "most": most, "mean": lengths.mean()}))
}

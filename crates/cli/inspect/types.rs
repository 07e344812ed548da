//! The types that were seen at a path, in words.

use tarquet_feature_map::Seen;
use tarquet_profile::{Kinds, Node};

/// The types of values that are not null, with how many have each; the commonest first.
pub(super) fn types(node: &Node) -> Vec<(&'static str, u64)> {
    let Kinds { arrays, objects, .. } = node.kinds;
    let of = |seen: &[Seen]| seen.iter().map(|seen| node.kinds.of(*seen)).sum::<u64>();
    let fractions = of(&[Seen::Fraction]);
    let integers = of(&[Seen::Int, Seen::WideInt]);
    // Integers among fractions are numbers like the others.
    let (int64, float64) = match fractions {
        0 => (integers, 0),
        fractions => (0, integers + fractions),
    };
    let mut types = vec![
        ("object", objects),
        ("array", arrays),
        (string_type(node), of(&[Seen::String])),
        ("int64", int64),
        ("float64", float64),
        ("huge number", of(&[Seen::HugeInt])),
        ("bool", of(&[Seen::Bool])),
        ("unusual", of(&[Seen::JsonOnly])),
    ];
    types.retain(|(_, count)| *count > 0);
    types.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    types
}

/// What strings are, if they are all times.
fn string_type(node: &Node) -> &'static str {
    let strings = node.kinds.of(Seen::String);
    let times = node.times;
    match strings {
        0 => "string",
        _ if times.instants == strings => "timestamp",
        _ if times.wall_clocks == strings => "datetime",
        _ if times.days == strings => "date",
        _ => "string",
    }
}

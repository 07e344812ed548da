//! The paths as a tree, for people.

use console::Style;
use tarquet_profile::{Entry, Lengths, Node, Profile, Step};

use super::types::types;
use crate::quantity::grouped;
use crate::table::{self, Cell, Head};
use crate::visible::harmless;

/// The tree, with what it is of above it.
pub(super) fn render(profile: &Profile, about: &str) -> String {
    let head = [
        Head::left("path"),
        Head::right("present"),
        Head::left("type"),
        Head::right("null"),
        Head::right("distinct"),
        Head::left("examples"),
    ];
    let rows: Vec<Vec<Cell>> = profile.entries().map(|entry| row(&entry)).collect();
    let table = table::render(&head, &rows, table::terminal_width());
    format!("{about}\n\n{table}")
}

fn row(entry: &Entry<'_>) -> Vec<Cell> {
    let node = entry.node;
    let is_leaf = node.kinds.scalars() > 0;
    let present = match entry.step {
        Step::Member(_) | Step::Root => percent(entry.presence()),
        Step::AnyMember | Step::Element => String::new(),
    };
    let null = match entry.null_share() {
        share if share > 0.0 => percent(share),
        _ => String::new(),
    };
    let distinct = match is_leaf {
        true if node.distinct.is_exact() => grouped(node.distinct_values()),
        true => format!("~{}", grouped(node.distinct_values())),
        false => String::new(),
    };
    vec![
        name(entry),
        present.into(),
        Cell {
            text: type_text(node),
            style: Style::new().cyan(),
        },
        null.into(),
        distinct.into(),
        Cell::dim(examples(node)),
    ]
}

/// The last step, below the lines of the tree.
fn name(entry: &Entry<'_>) -> Cell {
    let mut text = String::new();
    if let Some((last, before)) = entry.is_last.split_last() {
        for is_last in before {
            text += if *is_last { "   " } else { "│  " };
        }
        text += if *last { "└─ " } else { "├─ " };
    }
    let step = match entry.step {
        Step::Member(name) => harmless(name),
        Step::AnyMember => "*".to_owned(),
        step => step.to_string(),
    };
    (text + &step).into()
}

fn type_text(node: &Node) -> String {
    let types = types(node);
    let all: u64 = types.iter().map(|(_, count)| count).sum();
    let is_mixed = types.len() > 1;
    let mut texts: Vec<String> = types
        .into_iter()
        .map(|(name, count)| {
            let text = match name {
                "array" => format!("array of {}", lengths(&node.lengths)),
                "object" if node.keys.count() > 0 => format!("map of {}", lengths(&node.sizes)),
                name => name.to_owned(),
            };
            match is_mixed {
                true => format!("{text} {}", percent(count as f64 / all.max(1) as f64)),
                false => text,
            }
        })
        .collect();
    if texts.is_empty() {
        texts.push("null".to_owned());
    }
    texts.join(", ")
}

/// How many elements there are: `3`, `0–12 (mean 4.5)`.
fn lengths(lengths: &Lengths) -> String {
    let Lengths { least, most, .. } = *lengths;
    match least == most {
        true => grouped(most),
        false => format!("{}–{} (mean {:.1})", grouped(least), grouped(most), lengths.mean()),
    }
}

/// Values, or the names that a map has.
fn examples(node: &Node) -> String {
    let values = match node.keys.count() {
        0 => &node.examples,
        _ => &node.key_examples,
    };
    let mut text = harmless(&values.join(", "));
    if node.keys.count() > 0 {
        let about = if node.keys.is_exact() { "" } else { "~" };
        text = format!("{about}{} names: {text}", grouped(node.distinct_keys()));
    }
    text
}

fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent {
        _ if share >= 1.0 => "100%".to_owned(),
        99.0.. => "99%".to_owned(),
        1.0.. => format!("{percent:.0}%"),
        0.0 => "0%".to_owned(),
        _ => "<1%".to_owned(),
    }
}

//! The paths as CSV (RFC 4180), a line each.

use tarquet_profile::{Entry, Profile};

use super::types::types;

const HEAD: &str =
    "path,count,present,nulls,types,distinct,least,greatest,array_least,array_most,array_mean,examples\n";

pub(super) fn render(profile: &Profile) -> String {
    let lines = profile.entries().map(|entry| line(&entry));
    HEAD.to_owned() + &lines.collect::<String>()
}

fn line(entry: &Entry<'_>) -> String {
    let node = entry.node;
    let types = types(node).into_iter().map(|(name, count)| format!("{name}={count}"));
    let number = |number: f64| number.to_string();
    let has_scalars = node.kinds.scalars() > 0;
    let lengths = node.lengths;
    let of_arrays = |text: String| if lengths.count > 0 { text } else { String::new() };
    let fields = [
        entry.path.clone(),
        node.kinds.all().to_string(),
        number(entry.presence()),
        (node.kinds.all() - node.kinds.present()).to_string(),
        types.collect::<Vec<_>>().join(" "),
        if has_scalars {
            node.distinct_values().to_string()
        } else {
            String::new()
        },
        node.numbers.map(|(least, _)| number(least)).unwrap_or_default(),
        node.numbers.map(|(_, greatest)| number(greatest)).unwrap_or_default(),
        of_arrays(lengths.least.to_string()),
        of_arrays(lengths.most.to_string()),
        of_arrays(number(lengths.mean())),
        node.examples.join(" "),
    ];
    fields.map(|text| field(&text)).join(",") + "\n"
}

/// A field, in quotes where it has to be.
fn field(text: &str) -> String {
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_where_they_must_be() {
        assert_eq!(field("a b"), "a b");
        assert_eq!(field("a,\"b\"\n"), "\"a,\"\"b\"\"\n\"");
    }
}

//! Horizontal bars with a label before each and its number behind it.

use super::{WIDTH, escape, page};

const LABEL_WIDTH: usize = 290;
const BAR_HEIGHT: usize = 20;
const STEP: usize = 28;
const HEAD_HEIGHT: usize = 44;
/// Room to the right of the longest bar for its number.
const NUMBER_WIDTH: usize = 90;

/// Bars with a title, on a scale of their own.
#[derive(Debug)]
pub(crate) struct Group {
    /// What they show.
    pub(crate) title: String,
    /// The bars, from the top.
    pub(crate) bars: Vec<Bar>,
}

/// One bar.
#[derive(Debug)]
pub(crate) struct Bar {
    /// What stands before it.
    pub(crate) label: String,
    /// Whether it is tarquet's.
    pub(crate) is_own: bool,
    /// How long it is.
    pub(crate) length: Length,
}

/// How long a bar is.
#[derive(Debug)]
pub(crate) enum Length {
    /// This long.
    Value(f64),
    /// There is no bar, but this text in its place.
    Unknown(String),
}

/// A picture of all groups, one below the other.
pub(crate) fn svg(title: &str, groups: &[Group]) -> String {
    let mut top = 0;
    let mut content = String::new();
    for group in groups {
        content.push_str(&draw(group, top));
        top += HEAD_HEIGHT + STEP * group.bars.len();
    }
    page(title, top + 12, &content)
}

fn draw(group: &Group, top: usize) -> String {
    let lengths = group.bars.iter().filter_map(|bar| match bar.length {
        Length::Value(value) => Some(value),
        Length::Unknown(_) => None,
    });
    let longest = lengths.fold(f64::MIN_POSITIVE, f64::max);
    let mut content = format!(
        "<text class=\"head\" x=\"0\" y=\"{}\">{}</text>\n",
        top + 28,
        escape(&group.title)
    );
    for (position, bar) in group.bars.iter().enumerate() {
        let y = top + HEAD_HEIGHT + STEP * position;
        let baseline = y + BAR_HEIGHT - 5;
        let (width, text) = match &bar.length {
            Length::Value(value) => (
                (WIDTH - LABEL_WIDTH - NUMBER_WIDTH) as f64 * value / longest,
                format!("{value:.0}"),
            ),
            Length::Unknown(text) => (0.0, text.clone()),
        };
        content.push_str(&format!(
            "<text x=\"{label_end}\" y=\"{baseline}\" text-anchor=\"end\">{label}</text>\
             <rect class=\"{class}\" x=\"{LABEL_WIDTH}\" y=\"{y}\" width=\"{width:.1}\" height=\"{BAR_HEIGHT}\" rx=\"3\"/>\
             <text x=\"{number:.1}\" y=\"{baseline}\">{text}</text>\n",
            label_end = LABEL_WIDTH - 10,
            label = escape(&bar.label),
            class = if bar.is_own { "own" } else { "other" },
            number = LABEL_WIDTH as f64 + width + 8.0,
            text = escape(&text),
        ));
    }
    content
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(label: &str, length: Length) -> Bar {
        Bar {
            label: label.to_owned(),
            is_own: label.starts_with("tarquet"),
            length,
        }
    }

    #[test]
    fn bars_are_as_long_as_what_they_show() {
        let picture = svg(
            "speed",
            &[Group {
                title: "of A < B".to_owned(),
                bars: vec![
                    bar("tarquet, 2 workers", Length::Value(400.0)),
                    bar("A & B", Length::Value(100.0)),
                    bar("C", Length::Unknown("too slow".to_owned())),
                ],
            }],
        );
        for part in [
            "of A &lt; B",
            "A &amp; B",
            "class=\"own\" x=\"290\" y=\"44\" width=\"380.0\"",
            "class=\"other\" x=\"290\" y=\"72\" width=\"95.0\"",
            "class=\"other\" x=\"290\" y=\"100\" width=\"0.0\"",
            ">400</text>",
            ">100</text>",
            ">too slow</text>",
            "viewBox=\"0 0 760 140\"",
        ] {
            assert!(picture.contains(part), "{part} is not in {picture}");
        }
    }
}

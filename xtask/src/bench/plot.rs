//! The results as a picture: one bar a contender, as long as its throughput.

use super::Series;
use super::report::megabytes;

const WIDTH: usize = 760;
const LABEL_WIDTH: usize = 290;
const BAR_HEIGHT: usize = 20;
const STEP: usize = 28;
const HEAD_HEIGHT: usize = 44;
/// Room to the right of the longest bar for its number.
const NUMBER_WIDTH: usize = 90;

/// Both colour schemes in one file: a page that shows it as an image passes the reader's choice on.
const STYLE: &str = "\
text{font:13px system-ui,sans-serif;fill:#1f2328}\
.head{font-weight:600}\
.bar{fill:#8c959f}\
.own{fill:#0969da}\
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.bar{fill:#6e7681}.own{fill:#4493f8}}";

/// The plot of all archives, as the text of an SVG file.
pub(crate) fn svg(all: &[Series]) -> String {
    let mut top = 0;
    let mut groups = String::new();
    for series in all {
        groups.push_str(&group(series, top));
        top += HEAD_HEIGHT + STEP * series.results.len();
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
         height=\"{height}\" role=\"img\">\n<title>Throughput in MB of archive a second</title>\n\
         <style>{STYLE}</style>\n{groups}</svg>\n",
        height = top + 12
    )
}

fn group(series: &Series, top: usize) -> String {
    let throughput: Vec<f64> = series
        .results
        .iter()
        .map(|result| megabytes(series.bytes) / result.median.wall.as_secs_f64())
        .collect();
    let longest = throughput.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let mut group = format!(
        "<text class=\"head\" x=\"0\" y=\"{}\">{}: {} documents, {:.0} MB — MB/s</text>\n",
        top + 28,
        series.name,
        series.documents,
        megabytes(series.bytes)
    );
    for (position, (result, speed)) in series.results.iter().zip(throughput).enumerate() {
        let y = top + HEAD_HEIGHT + STEP * position;
        let width = (WIDTH - LABEL_WIDTH - NUMBER_WIDTH) as f64 * speed / longest;
        let class = if result.label.starts_with("tarquet") {
            "own"
        } else {
            "bar"
        };
        group.push_str(&format!(
            "<text x=\"{label_end}\" y=\"{baseline}\" text-anchor=\"end\">{label}</text>\
             <rect class=\"{class}\" x=\"{LABEL_WIDTH}\" y=\"{y}\" width=\"{width:.1}\" height=\"{BAR_HEIGHT}\" rx=\"3\"/>\
             <text x=\"{number:.1}\" y=\"{baseline}\">{speed:.0}</text>\n",
            label_end = LABEL_WIDTH - 10,
            baseline = y + BAR_HEIGHT - 5,
            label = escape(&result.label),
            number = LABEL_WIDTH as f64 + width + 8.0,
        ));
    }
    group
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::Outcome;
    use super::super::measure::Measured;
    use super::*;

    fn outcome(label: &str, seconds: u64) -> Outcome {
        let median = Measured {
            wall: Duration::from_secs(seconds),
            cpu: Duration::ZERO,
            first_peak: 0,
            other_peak: 0,
            total_peak: 0,
            output: String::new(),
        };
        Outcome {
            label: label.to_owned(),
            median,
            rows: 0,
        }
    }

    #[test]
    fn bars_are_as_long_as_the_throughput() {
        let results = vec![outcome("tarquet, 2 workers", 1), outcome("A & B", 4)];
        let picture = svg(&[Series {
            name: "flights",
            documents: 10,
            bytes: 400_000_000,
            results,
        }]);
        assert!(picture.contains("A &amp; B"));
        assert!(
            picture.contains("class=\"own\" x=\"290\" y=\"44\" width=\"380.0\""),
            "{picture}"
        );
        assert!(
            picture.contains("class=\"bar\" x=\"290\" y=\"72\" width=\"95.0\""),
            "{picture}"
        );
        assert!(
            picture.contains(">400</text>") && picture.contains(">100</text>"),
            "{picture}"
        );
    }
}

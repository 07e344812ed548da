//! The results as pictures: SVG files that follow the reader's choice of light or dark.

mod bars;
mod lines;

use super::contender::Role;
use super::race::{Finish, SectionResult};
use super::report::{heading, megabytes, thousands};
use super::results::Results;
use super::suite::{SCALE, tarquet_id};
use bars::{Bar, Group, Length};
use lines::{Line, Panel, Scale};

/// How wide every picture is.
const WIDTH: usize = 760;

/// Both colour schemes in one file: a page that shows it as an image passes the reader's choice on. The blue and the orange
/// are told apart by the colour-blind too.
const STYLE: &str = "\
text{font:13px system-ui,sans-serif;fill:#1f2328}\
.small{font-size:11px}\
.head{font-weight:600}\
.axis{stroke:#d1d9e0}\
.other{fill:#8c959f}\
.own,.fill0{fill:#0969da}\
.fill1{fill:#bc4c00}\
.line{fill:none;stroke-width:2}\
.line0{stroke:#0969da}\
.line1{stroke:#bc4c00}\
@media(prefers-color-scheme:dark){\
text{fill:#e6edf3}.axis{stroke:#3d444d}.other{fill:#6e7681}\
.own,.fill0{fill:#4493f8}.fill1{fill:#f0883e}.line0{stroke:#4493f8}.line1{stroke:#f0883e}}";

/// A picture and its file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Plot {
    /// The name of the file, in the directory of the results.
    pub(crate) file: &'static str,
    /// What it shows.
    pub(crate) title: &'static str,
    /// The text of the SVG file.
    pub(crate) svg: String,
}

/// The pictures for which everything was measured.
pub(crate) fn all(results: &Results) -> Vec<Plot> {
    [peers(results), workers(results), scaling(results)]
        .into_iter()
        .flatten()
        .collect()
}

/// Throughput against other systems.
fn peers(results: &Results) -> Option<Plot> {
    let own = tarquet_id(results.default_workers);
    let groups: Vec<Group> = ["large", "large-gzip", "small"]
        .iter()
        .filter_map(|id| results.section(id))
        .map(|section| group(section, &own))
        .collect();
    let title = "Throughput against other systems";
    let is_worth_it = results.has_peers && !groups.is_empty();
    is_worth_it.then(|| Plot {
        file: "bench-peers.svg",
        title,
        svg: bars::svg(title, &groups),
    })
}

/// tarquet as it comes and everybody else; the other numbers of workers have a picture of their own.
fn group(section: &SectionResult, own: &str) -> Group {
    Group {
        title: format!("{} — MB/s", heading(section)),
        bars: section
            .competitors(own)
            .map(|outcome| Bar {
                label: outcome.label.clone(),
                is_own: outcome.role == Role::Own,
                length: match &outcome.result {
                    Finish::Median { run, .. } => {
                        Length::Value(megabytes(section.archive.tar_bytes) / run.wall.as_secs_f64())
                    }
                    Finish::Over(limit) => Length::Unknown(format!("stopped after {} s", limit.as_secs())),
                },
            })
            .collect(),
    }
}

/// Throughput and memory by number of workers.
fn workers(results: &Results) -> Option<Plot> {
    let (large, small) = (results.section("large")?, results.section("small")?);
    let counts: Vec<u32> = large
        .outcomes
        .iter()
        .filter_map(|outcome| outcome.id.strip_prefix("tarquet-")?.parse().ok())
        .collect();
    let line = |name: &str, section: &SectionResult, figure: fn(&SectionResult, &str) -> Option<f64>| Line {
        name: name.to_owned(),
        values: counts
            .iter()
            .map(|&count| figure(section, &tarquet_id(count)))
            .collect(),
    };
    let panel = |title: &str, figure| Panel {
        title: title.to_owned(),
        scale: Scale::Linear,
        places: counts.iter().map(u32::to_string).collect(),
        lines: vec![
            line("large documents", large, figure),
            line("small documents", small, figure),
        ],
    };
    let throughput = |section: &SectionResult, id: &str| {
        Some(megabytes(section.archive.tar_bytes) / section.median(id)?.wall.as_secs_f64())
    };
    let memory = |section: &SectionResult, id: &str| Some(megabytes(section.median(id)?.total_peak));
    let title = "Throughput and memory by number of workers";
    Some(Plot {
        file: "bench-workers.svg",
        title,
        svg: lines::svg(
            title,
            &[
                panel("MB/s by number of workers", throughput),
                panel("MB of memory, all processes", memory),
            ],
        ),
    })
}

/// Time and memory by number of members.
fn scaling(results: &Results) -> Option<Plot> {
    let sections: Option<Vec<&SectionResult>> = SCALE
        .iter()
        .map(|documents| results.section(&format!("tiny-{documents}")))
        .collect();
    let sections = sections?;
    let own = tarquet_id(results.default_workers);
    let line = |name: &str, figure: fn(&SectionResult, &str) -> Option<f64>| Line {
        name: name.to_owned(),
        values: sections.iter().map(|section| figure(section, &own)).collect(),
    };
    let panel = |title: &str, scale, lines| Panel {
        title: title.to_owned(),
        scale,
        places: sections
            .iter()
            .map(|section| thousands(section.archive.documents))
            .collect(),
        lines,
    };
    let time = |section: &SectionResult, id: &str| {
        Some(section.median(id)?.wall.as_secs_f64() * 1e6 / section.archive.documents as f64)
    };
    let coordinator = |section: &SectionResult, id: &str| Some(megabytes(section.median(id)?.first_peak));
    // None was seen where all were gone before anybody looked.
    let worker = |section: &SectionResult, id: &str| {
        let peak = section.median(id)?.other_peak;
        (peak > 0).then(|| megabytes(peak))
    };
    let title = "Time and memory by number of members";
    Some(Plot {
        file: "bench-scaling.svg",
        title,
        svg: lines::svg(
            title,
            &[
                panel(
                    "µs per member, start to end",
                    Scale::Logarithmic,
                    vec![line("tiny documents", time)],
                ),
                panel(
                    "MB of memory, at most",
                    Scale::Linear,
                    vec![line("coordinator", coordinator), line("largest worker", worker)],
                ),
            ],
        ),
    })
}

/// A whole SVG file of this height.
fn page(title: &str, height: usize, content: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         role=\"img\">\n<title>{title}</title>\n<style>{STYLE}</style>\n{content}</svg>\n",
        title = escape(title)
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{outcome, results, section, stopped};
    use super::*;

    #[test]
    fn only_what_was_measured_is_shown() {
        let large = || {
            section(
                "large",
                10,
                [outcome("tarquet-1", 200), outcome("tarquet-8", 100), stopped("duckdb")],
            )
        };
        let small = section("small", 10, [outcome("tarquet-8", 100)]);
        let files = |results: &Results| all(results).iter().map(|plot| plot.file).collect::<Vec<_>>();
        assert_eq!(files(&results([large()])), ["bench-peers.svg"]);
        assert_eq!(
            files(&results([large(), small])),
            ["bench-peers.svg", "bench-workers.svg"]
        );
        let tiny = SCALE.map(|documents| section(&format!("tiny-{documents}"), documents, [outcome("tarquet-8", 100)]));
        let mut results = results(tiny);
        results.has_peers = false;
        assert_eq!(files(&results), ["bench-scaling.svg"]);
    }

    #[test]
    fn other_numbers_of_workers_are_not_among_the_peers() {
        let large = section(
            "large",
            10,
            [outcome("tarquet-1", 200), outcome("tarquet-8", 100), stopped("duckdb")],
        );
        let svg = &all(&results([large]))[0].svg;
        assert!(
            svg.contains("tarquet-8 &amp; co") && svg.contains("stopped after 120 s"),
            "{svg}"
        );
        assert!(!svg.contains("tarquet-1 "), "{svg}");
    }
}

//! The part of the README that is made of results.

use anyhow::{Context, Result};

use super::contender::Role;
use super::plot;
use super::race::{Finish, SectionResult};
use super::report::{heading, megabytes, target_table, thousands};
use super::results::Results;
use super::suite::tarquet_id;
use super::targets::targets;

/// The lines between which the README's part stands.
const BEGIN: &str = "<!-- made by `cargo xtask bench --peers`: begin -->\n";
const END: &str = "<!-- made by `cargo xtask bench --peers`: end -->\n";

/// The README with its part made anew; the pictures are in the directory `docs`.
///
/// # Errors
///
/// Where the lines between which it stands are not there.
pub(crate) fn renew(readme: &str, results: &Results, docs: &str) -> Result<String> {
    let missing = "the README has no lines between which the benchmark stands";
    let (before, rest) = readme.split_once(BEGIN).context(missing)?;
    let (_, after) = rest.split_once(END).context(missing)?;
    Ok(format!("{before}{BEGIN}{}{END}{after}", part(results, docs)))
}

fn part(results: &Results, docs: &str) -> String {
    let place = &results.place;
    let mut part = format!(
        "On {} cores of {}, archive in the page cache, medians:\n",
        place.cores, place.processor
    );
    for id in ["large", "large-gzip", "small"] {
        if let Some(section) = results.section(id) {
            part.push_str(&format!(
                "\n{}\n",
                against(section, &tarquet_id(results.default_workers))
            ));
        }
    }
    part.push_str(&format!("\n{}", target_table(&targets(results))));
    for plot in plot::all(results) {
        part.push_str(&format!("\n![{}]({docs}/{})\n", plot.title, plot.file));
    }
    part
}

/// A section's table for those who compare systems: tarquet as it comes and everybody else, by time.
fn against(section: &SectionResult, own: &str) -> String {
    let base = section.median(own).map(|run| run.wall.as_secs_f64());
    let mut table = format!(
        "| {} | wall s | MB/s | files/s | first process MB | |\n|---|---:|---:|---:|---:|---:|\n",
        heading(section)
    );
    let mut shown: Vec<_> = section.competitors(own).collect();
    shown.sort_by_key(|outcome| match &outcome.result {
        Finish::Median { run, .. } => run.wall,
        Finish::Over(limit) => *limit,
    });
    for outcome in shown {
        let mark = if outcome.role == Role::Own { "**" } else { "" };
        let run = match &outcome.result {
            Finish::Median { run, .. } => run,
            Finish::Over(limit) => {
                table.push_str(&format!("| {} | over {} | | | | |\n", outcome.label, limit.as_secs()));
                continue;
            }
        };
        let seconds = run.wall.as_secs_f64();
        let times = base.map_or_else(String::new, |base| format!("{:.1}×", seconds / base));
        table.push_str(&format!(
            "| {mark}{}{mark} | {seconds:.2} | {:.0} | {} | {:.0} | {times} |\n",
            outcome.label,
            megabytes(section.archive.tar_bytes) / seconds,
            thousands((section.archive.documents as f64 / seconds) as u64),
            megabytes(run.first_peak),
        ));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{outcome, results, section, stopped};
    use super::*;

    #[test]
    fn only_the_part_changes() {
        let readme = format!("before\n{BEGIN}old\n{END}after\n");
        let mut peer = outcome("clickhouse", 1_000);
        peer.role = Role::Peer;
        let results = results([section(
            "large",
            2_000,
            [outcome("tarquet-8", 500), stopped("duckdb"), peer],
        )]);
        let renewed = renew(&readme, &results, "docs").unwrap();
        assert!(renewed.starts_with(&format!("before\n{BEGIN}On 2 cores")), "{renewed}");
        assert!(renewed.ends_with(&format!("{END}after\n")), "{renewed}");
        for line in [
            "| **tarquet-8 & co** | 0.50 | 80 | 4,000 | 50 | 1.0× |\n| clickhouse & co | 1.00 | 40 | 2,000 | 50 | 2.0× |\n\
             | duckdb | over 120 | | | | |\n",
            "](docs/bench-peers.svg)",
        ] {
            assert!(renewed.contains(line), "{line} is not in {renewed}");
        }
        assert!(!renewed.contains("old"));
        assert_eq!(renew(&renewed, &results, "docs").unwrap(), renewed);
    }

    #[test]
    fn the_readme_has_a_place_for_it() {
        let readme = include_str!("../../../README.md");
        assert!(renew(readme, &results([]), "docs").is_ok());
    }

    #[test]
    fn a_readme_without_a_place_for_it_is_refused() {
        let results = results([]);
        assert!(renew("text", &results, "docs").is_err());
        assert!(renew(&format!("{BEGIN}text"), &results, "docs").is_err());
    }
}

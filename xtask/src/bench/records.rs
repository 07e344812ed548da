//! The results as JSON lines, one for each contender of each section.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::engine::Engines;
use super::race::{Finish, Outcome, SectionResult};
use super::results::Results;

/// The results as the text of `docs/bench.jsonl`: one object a line, each with the commit and the machine.
pub(crate) fn text(results: &Results) -> String {
    let sections = results
        .sections
        .iter()
        .flat_map(|section| section.outcomes.iter().map(|outcome| record(section, outcome)));
    let engines = results.engines.iter().flat_map(engine_records);
    let mut text = String::new();
    for mut record in sections.chain(engines) {
        record.insert("commit".to_owned(), json!(results.place.commit));
        record.insert("machine".to_owned(), results.place.machine_json());
        text.push_str(&Value::Object(record).to_string());
        text.push('\n');
    }
    text
}

fn record(section: &SectionResult, outcome: &Outcome) -> Map<String, Value> {
    let archive = &section.archive;
    let mut record = object(json!({
        "case": section.id,
        "contender": outcome.id,
        "documents": archive.documents,
        "tar_bytes": archive.tar_bytes,
        "file_bytes": archive.file_bytes,
        "largest_document_bytes": archive.largest_document,
    }));
    record.extend(object(match &outcome.result {
        Finish::Over(limit) => json!({"over_s": limit.as_secs_f64()}),
        Finish::Median { run, rows, walls } => json!({
            "wall_s": run.wall.as_secs_f64(),
            "walls_s": walls.iter().map(Duration::as_secs_f64).collect::<Vec<_>>(),
            "cpu_s": run.cpu.as_secs_f64(),
            "files_per_s": archive.documents as f64 / run.wall.as_secs_f64(),
            "mb_per_s": archive.tar_bytes as f64 / 1e6 / run.wall.as_secs_f64(),
            "first_peak_bytes": run.first_peak,
            "largest_other_peak_bytes": run.other_peak,
            "all_peak_bytes": run.total_peak,
            "rows": rows,
        }),
    }));
    record
}

fn engine_records(engines: &Engines) -> impl Iterator<Item = Map<String, Value>> {
    engines.ours.iter().chain(&engines.peer).map(|speed| {
        object(json!({
            "case": "engine",
            "contender": speed.name,
            "tar_bytes": engines.bytes,
            "cpu_s": speed.median(),
            "cpus_s": speed.seconds,
            "mb_per_s": engines.bytes as f64 / 1e6 / speed.median(),
        }))
    })
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        other => unreachable!("{other} is written as an object"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::engine::Speed;
    use super::super::fixture::{outcome, results, section, stopped};
    use super::*;

    #[test]
    fn every_contender_has_a_line_with_its_figures_the_commit_and_the_machine() {
        let mut results = results([section("large", 2_000, [outcome("tarquet-8", 500), stopped("duckdb")])]);
        results.engines = Some(Engines {
            bytes: 2_000_000,
            ours: vec![Speed {
                name: "ours".to_owned(),
                seconds: vec![0.5],
            }],
            peer: Err("left out".to_owned()),
        });
        let text = text(&results);
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let contenders: Vec<&str> = lines.iter().map(|line| line["contender"].as_str().unwrap()).collect();
        assert_eq!(contenders, ["tarquet-8", "duckdb", "ours"]);
        assert_eq!(lines[0]["wall_s"], 0.5);
        assert_eq!(lines[0]["files_per_s"], 4_000.0);
        assert_eq!(lines[0]["first_peak_bytes"], 50_000_000);
        assert_eq!(lines[1]["over_s"], 120.0);
        assert_eq!(lines[2]["mb_per_s"], 4.0);
        for line in lines {
            assert_eq!(
                (&line["commit"], &line["machine"]["cores"]),
                (&json!("abcdef"), &json!(2))
            );
        }
    }
}

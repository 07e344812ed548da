//! A report as a page.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use tarquet_dataset::MOST_PARTS_REVIEWED;

use crate::quantity::{bytes, counted, duration, grouped, rate};
use crate::report::charts;
use crate::report::model::{Column, Cut, Failure, Failures, Model, Outcome, Table};

/// Nothing but the style that is in the page.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

const STYLE: &str = include_str!("style.css");

/// The page.
pub(super) fn page(model: &Model) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { "tarquet: " (title(model)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    (head(model))
                    (run(model))
                    @if let Some(timeline) = &model.timeline {
                        section {
                            h2 { "Throughput" }
                            (charts::throughput(timeline))
                            p.muted {
                                "Data counts when a worker is done with it, a document when its rows are in archive order, \
                                 behind those of all documents before it"
                                @if model.types_inferred { "; while types are inferred from the first documents, none does" }
                                ". Last of all, parts are encoded and written."
                            }
                        }
                        section {
                            h2 { "Workers" }
                            (charts::workers(timeline))
                        }
                    }
                    (members(model))
                    (failures(model))
                    (features(model))
                }
                footer { p { "Written by tarquet " (env!("CARGO_PKG_VERSION")) ". This file needs no other, and asks for none." } }
            }
        }
    }
}

fn title(model: &Model) -> String {
    match &model.archives.shown[..] {
        [only] if model.archives.more == 0 => only.clone(),
        archives => counted((archives.len() + model.archives.more) as u64, "archive"),
    }
}

fn outcome(model: &Model) -> (&'static str, String) {
    let failures = model.progress.failures;
    match model.outcome {
        Outcome::Complete if failures == 0 => ("good", "Every document was extracted".to_owned()),
        Outcome::Complete => (
            "good",
            format!("Finished; {} failed, as is allowed", counted(failures, "document")),
        ),
        Outcome::SomeFailed if failures == 0 => ("bad", "Finished, but the archive is damaged".to_owned()),
        Outcome::SomeFailed => ("bad", format!("Finished, but {} failed", counted(failures, "document"))),
    }
}

fn head(model: &Model) -> Markup {
    let progress = &model.progress;
    let (class, outcome) = outcome(model);
    let documents = progress.documents + progress.failures;
    html! {
        header {
            p.kind { "tarquet run report" }
            h1 { (title(model)) }
            p class={ "outcome " (class) } { (outcome) }
        }
        div.tiles {
            (tile("documents", "Documents", documents, "ink"))
            (tile("rows", "Rows", progress.rows, "ink"))
            (tile("failures", "Failed", progress.failures, if progress.failures > 0 { "bad" } else { "ink" }))
            div.tile { span.label { "Elapsed" } b { (duration(model.elapsed)) } }
            div.tile { span.label { "Data a second" } b { (bytes(rate(progress.own_bytes(), model.elapsed) as u64)) } }
            div.tile { span.label { "Files a second" } b { (charts::per_second(progress.own_members(), model.elapsed)) } }
        }
    }
}

fn tile(id: &str, label: &str, number: u64, class: &str) -> Markup {
    html! {
        div.tile { span.label { (label) } b class=(class) { data id=(id) value=(number) { (grouped(number)) } } }
    }
}

/// What the run was.
fn run(model: &Model) -> Markup {
    let progress = &model.progress;
    html! {
        section {
            h2 { "Run" }
            dl {
                dt { @if model.archives.shown.len() == 1 { "Archive" } @else { "Archives" } }
                dd {
                    @for archive in &model.archives.shown { div.path { (archive) } }
                    (more(model.archives.more, "archive"))
                }
                dt { "Dataset" } dd.path { (model.out_dir) }
                dt { "Size" }
                dd {
                    @if progress.archive_len > 0 { (bytes(progress.archive_len)) ", " }
                    (bytes(progress.document_bytes)) " of documents"
                }
                dt { "Ended" } dd { (model.written.format("%Y-%m-%d %H:%M UTC")) }
                dt { "Workers" }
                dd { (grouped(model.workers as u64)) @if progress.replaced > 0 { ", " (grouped(progress.replaced)) " replaced" } }
                dt { "Sandbox" } dd { (model.sandbox.as_deref().unwrap_or("no worker was started")) }
                dt { "Types" } dd { @if model.types_inferred { "inferred from the first documents" } @else { "as the map says" } }
                dt { "Resumed" }
                dd {
                    @if model.resumed {
                        "after " (counted(progress.resumed_members, "member")) "; times and speed are of what came then"
                    } @else { "no" }
                }
                dt { "Build" }
                dd { "tarquet " (env!("CARGO_PKG_VERSION")) ", " (std::env::consts::OS) " " (std::env::consts::ARCH) }
                @if !model.endings.shown.is_empty() {
                    dt { "Archive’s end" }
                    dd {
                        @for ending in &model.endings.shown { div { (ending) } }
                        (more(model.endings.more, "archive"))
                    }
                }
            }
            @if model.timeline.is_none() {
                p.muted { "An earlier run had committed everything; this one only finished the dataset, so there is nothing to \
                           show of its workers." }
            }
        }
    }
}

/// That something was cut.
fn more(more: usize, thing: &str) -> Markup {
    html! { @if more > 0 { div.muted { "and " (counted(more as u64, &format!("more {thing}"))) } } }
}

fn members(model: &Model) -> Markup {
    let progress = &model.progress;
    let counts = [
        ("extracted", "Extracted", progress.extracted),
        ("failed", "Failed", progress.failed),
        ("skipped", "Skipped by rule", progress.skipped),
    ];
    let all: u64 = counts.iter().map(|(_, _, count)| count).sum();
    let said: Vec<String> = counts
        .iter()
        .map(|(_, name, count)| format!("{name}: {}", grouped(*count)))
        .collect();
    html! {
        section {
            h2 { "Members" }
            div.bar role="img" aria-label=(said.join(", ")) {
                @for (class, _, count) in &counts {
                    @if *count > 0 { i class=(class) style=(format!("flex-grow:{count}")) {} }
                }
            }
            div.scroll tabindex="0" role="region" aria-label="Members by outcome" {
                table {
                    thead { tr { th scope="col" { "Outcome" } th.number scope="col" { "Members" } th.number scope="col" { "Share" } } }
                    tbody {
                        @for (class, name, count) in &counts {
                            tr {
                                th scope="row" { i class={ "swatch " (class) } {} (name) }
                                td.number { data id=(format!("members-{class}")) value=(count) { (grouped(*count)) } }
                                td.number { (percent(*count, all)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A share that is zero, or all, only if it is.
fn percent(part: u64, all: u64) -> String {
    let percent = part as f64 * 100.0 / all.max(1) as f64;
    match percent {
        _ if part == 0 => "0 %".to_owned(),
        _ if part == all => "100 %".to_owned(),
        ..0.1 => "< 0.1 %".to_owned(),
        99.9.. => "> 99.9 %".to_owned(),
        _ => format!("{percent:.1} %"),
    }
}

fn failures(model: &Model) -> Markup {
    let all: u64 = model.failures.shown.iter().map(|group| group.count).sum();
    html! {
        section {
            h2 { "Failures" }
            @if model.failures.shown.is_empty() {
                p.muted { "None." }
            } @else {
                p.muted { (counted(all, "line")) " in " code { "failed.log" } "; up to five examples of each reason." }
            }
            @for group in &model.failures.shown { (failures_of(group)) }
            @if model.failures.more > 0 { p.muted { (counted(model.failures.more as u64, "more reason")) " not shown." } }
        }
    }
}

fn failures_of(group: &Failures) -> Markup {
    let name = &group.reason;
    let line = |failure: &Failure| {
        html! {
            tr {
                td.path {
                    @match &failure.member {
                        Some(member) => (member),
                        None => span.muted { "the archive" },
                    }
                    @if let Some(archive) = &failure.archive { div.muted { (archive) } }
                }
                td.number { (maybe(failure.line)) }
                td.number { (maybe(failure.offset)) }
                td.detail { (failure.detail) }
            }
        }
    };
    html! {
        article.failures data-reason=(name) data-count=(group.count) {
            h3 { code { (name) } " " span.muted { (grouped(group.count)) } }
            div.scroll tabindex="0" role="region" aria-label=(format!("Examples of {name}")) {
                table {
                    thead { tr {
                        th scope="col" { "Member" } th.number scope="col" { "Line" }
                        th.number scope="col" { "Offset" } th scope="col" { "Detail" }
                    } }
                    tbody { @for failure in &group.examples { (line(failure)) } }
                }
            }
        }
    }
}

fn maybe(number: Option<u64>) -> String {
    number.map_or_else(|| "–".to_owned(), grouped)
}

fn features(model: &Model) -> Markup {
    let Cut { shown, more } = &model.features;
    html! {
        section {
            h2 { "Features" }
            @for table in shown { (feature(table)) }
            @if *more > 0 { p.muted { (counted(*more as u64, "more feature")) " not shown; " code { "summary.json" } " has them all." } }
            @if model.are_nulls_unknown() {
                p.muted { "– where the parts do not say, or cannot be read, or are more than " (grouped(MOST_PARTS_REVIEWED as u64)) "." }
            }
        }
    }
}

fn feature(table: &Table) -> Markup {
    html! {
        article.feature data-feature=(table.name) data-rows=(table.rows) {
            h3 { code { (table.name) } }
            p.muted { (counted(table.rows, "row")) " · " (counted(table.parts, "part")) " · " (bytes(table.bytes)) }
            div.scroll tabindex="0" role="region" aria-label=(format!("Columns of {}", table.name)) {
                table {
                    thead { tr {
                        th scope="col" { "Column" } th scope="col" { "Type" } th.number scope="col" { "Null" }
                        th.number scope="col" { "Did not fit" } th scope="col" { "Example" }
                    } }
                    tbody { @for column in &table.columns.shown { (column_row(column, table.rows)) } }
                }
            }
            @if table.columns.more > 0 {
                p.muted { (counted(table.columns.more as u64, "more column")) " not shown." }
            }
        }
    }
}

fn column_row(column: &Column, rows: u64) -> Markup {
    html! {
        tr data-column=(column.name) {
            th scope="row" { code { (column.name) } }
            td { (column.ty) }
            td.number {
                @match column.nulls {
                    Some(nulls) => {
                        data value=(nulls) title=(counted(nulls, "null")) { (percent(nulls, rows)) }
                        meter min="0" max=(rows.max(1)) value=(nulls) aria-hidden="true" {}
                    },
                    None => "–",
                }
            }
            @match &column.misfits {
                Some(misfits) => {
                    td.number { data value=(misfits.count) { (grouped(misfits.count)) } }
                    td.detail { code { (misfits.value) } div.muted { (misfits.member) } }
                },
                None => { td.number { "0" } td {} },
            }
        }
    }
}

//! `tarquet check`: whether a feature map is valid, and what it finds in a sample.

use std::process::ExitCode;

use anyhow::Context;
use indicatif::MultiProgress;
use tarquet_coordinator::Source;
use tarquet_feature_map::Plan;
use tarquet_feature_map::plan::{Column, ColumnSource, Feature, Origin, Take, Value};
use tarquet_profile::{Found, Profile, Sought};
use tarquet_wire::profile;

use crate::args::CheckArguments;
use crate::failure::{self, End, Failure};
use crate::inspect::Profiles;
use crate::quantity::{counted, grouped};
use crate::rows::{Misfits, Rows, TableRows};
use crate::signals::Watch;
use crate::survey::{damage, survey};
use crate::table;
use crate::visible::harmless;
use crate::{print, reading};

/// The exit code of a map that is valid, and that does not find what it names.
const SOMETHING_AMISS: u8 = 3;

/// Runs `tarquet check`.
pub(crate) fn run(arguments: &CheckArguments) -> ExitCode {
    failure::command(&arguments.display, None, |bars| check(arguments, bars).map(End::Code))
}

fn check(arguments: &CheckArguments, bars: &MultiProgress) -> Result<u8, Failure> {
    let plan = reading::read_map(&arguments.feature_map)?;
    let mut report = described(&arguments.feature_map.display().to_string(), &plan);
    let mut code = 0;
    if !arguments.input.tar_path.is_empty() {
        reading::check(&arguments.running)?;
        let (text, problems) = against_archive(arguments, plan, bars)?;
        report += &text;
        if problems > 0 {
            code = SOMETHING_AMISS;
        }
    }
    print(&report).context("cannot show it").map_err(Failure::System)?;
    Ok(code)
}

/// What a valid map is.
fn described(file: &str, plan: &Plan) -> String {
    let columns: usize = plan.features.iter().map(|feature| feature.columns.len()).sum();
    let open = plan.untyped().count() as u64;
    let types = match open {
        0 => "all types are written".to_owned(),
        open => format!("the types of {} are inferred", counted(open, "value")),
    };
    format!(
        "{file} is valid: {}, {}; {types}\n",
        counted(plan.features.len() as u64, "feature"),
        counted(columns as u64, "column")
    )
}

/// What the map gives of a sample, and in how many places that is not what it should.
fn against_archive(arguments: &CheckArguments, plan: Plan, bars: &MultiProgress) -> Result<(String, usize), Failure> {
    let watch = Watch::default();
    let extent = arguments.sample.extent(false);
    let most = arguments.sample.most();
    let settings = reading::settings(&arguments.input, &arguments.running, None, plan, most.min(1_000))?;
    let is_read_once = settings.sources.contains(&Source::StandardInput);
    let sink = Rows::of_documents(most, arguments.rows);
    let (rows, surveyed) = survey(settings, extent, sink, &arguments.display, &watch, bars)?;
    rows.seen.warn(&surveyed);
    let Some(plan) = &rows.plan else {
        return Ok((String::new(), 0));
    };
    let mut findings = Vec::new();
    for (feature, table) in plan.features.iter().zip(&rows.tables) {
        findings.extend(findings_of(plan, feature, table, rows.seen.documents));
    }
    let is_looked_for = |finding: &Finding<'_>| !finding.sought.is_empty();
    if findings.iter().any(is_looked_for) && !is_read_once {
        // Only now it is worth to look at everything that there is.
        let settings = reading::settings(&arguments.input, &arguments.running, None, profile::plan(), 1)?;
        let (profiles, _) = survey(settings, extent, Profiles::of(most), &arguments.display, &watch, bars)?;
        for finding in &mut findings {
            finding.look_in(&profiles.profile);
        }
    }
    let about = rows.seen.describe(&surveyed);
    // What is always null is there.
    findings.retain(|finding| !finding.is_there);
    let mut text = format!("{about}\n");
    let width = table::terminal_width();
    for table in &rows.tables {
        let heading = console::Style::new().bold().green().apply_to(&table.name);
        text += &format!("\n{heading} ({})\n", counted(table.rows, "row"));
        if !table.kept.is_empty() {
            text += &table.render(width);
        }
        for finding in findings.iter().filter(|finding| finding.feature == table.name) {
            text += &finding.render();
        }
    }
    text += &match findings.len() {
        0 => "\nevery column finds something that fits\n".to_owned(),
        count => format!("\n{} to look at\n", counted(count as u64, "thing")),
    };
    let damaged = usize::from(damage(&surveyed).is_some());
    Ok((text, findings.len() + damaged))
}

/// Something in a sample that is not as a map has it.
struct Finding<'p> {
    feature: &'p str,
    text: String,
    help: Option<String>,
    /// Paths that find nothing, each from the document on.
    sought: Vec<Vec<Sought>>,
    /// Whether one of them is there, and is but always null, or left out by a filter or a position.
    is_there: bool,
}

impl Finding<'_> {
    /// Says where a path ends that finds nothing, and which one is near.
    fn look_in(&mut self, profile: &Profile) {
        for steps in &self.sought {
            match profile.seek(steps) {
                Found::Part { near: Some(near), .. } => {
                    self.help = Some(format!("`{}` is there", harmless(&near)));
                    return;
                }
                Found::Part { there, near: None } => {
                    self.help = Some(format!("what is there ends with `{}`", harmless(&there)));
                }
                Found::All => {
                    self.is_there = true;
                    return;
                }
            }
        }
    }

    fn render(&self) -> String {
        let warning = console::Style::new().bold().yellow().apply_to("warning");
        let help = self.help.as_ref().map(|help| format!("  = help: {help}\n"));
        format!("{warning}: {}\n{}", self.text, help.unwrap_or_default())
    }
}

/// What is amiss with a feature.
fn findings_of<'p>(plan: &'p Plan, feature: &'p Feature, table: &TableRows, documents: u64) -> Vec<Finding<'p>> {
    let name = feature.name.as_str();
    if documents == 0 {
        return Vec::new();
    }
    if table.rows == 0 {
        let paths = feature.loops.iter().flat_map(|element| &element.paths);
        let texts: Vec<&str> = paths.map(|path| path.text.as_str()).collect();
        let (what, help) = match feature.filter {
            Some(_) => ("and no row passes `where`, or there is none", None),
            None => ("so there are no rows", None),
        };
        return vec![Finding {
            feature: name,
            text: format!("feature `{name}`: `{}` finds nothing, {what}", texts.join("`, `")),
            help,
            sought: start_of(plan, feature, Origin::Loop(feature.loops.len().saturating_sub(1))),
            is_there: false,
        }];
    }
    let first = table.found.len() - feature.columns.len();
    let columns = feature.columns.iter().zip(&table.found[first..]);
    columns
        .flat_map(|(column, found)| {
            let misfits = table.misfits.get(&column.name);
            let misfit = misfits.map(|misfits| Finding {
                feature: name,
                text: misfit_text(column, misfits, table.rows),
                help: Some("they become null, and go to rescued.ndjson; `type: json` keeps any value".to_owned()),
                sought: Vec::new(),
                is_there: false,
            });
            let nothing = (*found == 0 && misfits.is_none()).then(|| nothing(plan, feature, column, table.rows));
            [misfit, nothing.flatten()]
        })
        .flatten()
        .collect()
}

fn misfit_text(column: &Column, misfits: &Misfits, rows: u64) -> String {
    let first: String = harmless(&misfits.first).chars().take(60).collect();
    format!(
        "column `{}`: {} in {} {} not fit {}, {first} for example",
        column.name,
        counted(misfits.count, "value"),
        counted(rows, "row"),
        if misfits.count == 1 { "does" } else { "do" },
        misfits.expected
    )
}

/// A column that has nothing in any row.
fn nothing<'p>(plan: &Plan, feature: &'p Feature, column: &Column, rows: u64) -> Option<Finding<'p>> {
    let ColumnSource::Value(value) = &column.source else {
        return None;
    };
    if value.take == Some(Take::Count) {
        return None;
    }
    let paths: Vec<&str> = value.paths.iter().map(|path| path.path.text.as_str()).collect();
    Some(Finding {
        feature: &feature.name,
        text: format!(
            "column `{}`: `{}` finds nothing in {} rows",
            column.name,
            paths.join("`, `"),
            grouped(rows)
        ),
        help: None,
        sought: sought(plan, feature, value),
        is_there: false,
    })
}

/// The paths of a value, each from the document on.
fn sought(plan: &Plan, feature: &Feature, value: &Value) -> Vec<Vec<Sought>> {
    let whole = value.paths.iter().flat_map(|path| {
        let starts = start_of(plan, feature, path.from);
        let own = Sought::of(&path.path, plan);
        starts.into_iter().map(move |start| [start, own.clone()].concat())
    });
    whole.collect()
}

/// The paths of the node that a path starts at, from the document on.
fn start_of(plan: &Plan, feature: &Feature, origin: Origin) -> Vec<Vec<Sought>> {
    let mut starts = vec![Vec::new()];
    if let Origin::Loop(last) = origin {
        for element in feature.loops.iter().take(last + 1) {
            let steps = |start: &Vec<Sought>| {
                let paths = element.paths.iter();
                let whole = paths.map(|path| [start.clone(), Sought::of(path, plan)].concat());
                whole.collect::<Vec<_>>()
            };
            starts = starts.iter().flat_map(steps).collect();
        }
    }
    starts
}

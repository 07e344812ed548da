//! `tarquet preview`: the first rows of every feature.

use std::io;
use std::process::ExitCode;

use anyhow::{Context, anyhow, bail};
use arrow_array::RecordBatch;
use arrow_ipc::writer::StreamWriter;
use indicatif::MultiProgress;
use serde::{Serialize, Serializer};
use serde_json::Value;
use tarquet_feature_map::Plan;
use tarquet_feature_map::writing::nearest;

use crate::args::{PreviewArguments, PreviewFormat};
use crate::failure::{self, End, Failure};
use crate::quantity::counted;
use crate::rows::{Rows, TableRows};
use crate::signals::Watch;
use crate::survey::survey;
use crate::{cells, print, reading, table};

/// Runs `tarquet preview`.
pub(crate) fn run(arguments: &PreviewArguments) -> ExitCode {
    failure::command(&arguments.display, None, |bars| {
        preview(arguments, bars).map(|()| End::Code(0))
    })
}

fn preview(arguments: &PreviewArguments, bars: &MultiProgress) -> Result<(), Failure> {
    reading::check(&arguments.running)?;
    let plan = reading::read_map(&arguments.map.feature_map)?;
    check_features(&plan, arguments).map_err(Failure::Usage)?;
    let documents = arguments.sample.most();
    let types = documents.div_ceil(10).min(1_000);
    let settings = reading::settings(&arguments.input, &arguments.running, None, plan, types)?;
    let sink = Rows::first(documents, arguments.rows, arguments.feature.clone());
    let extent = arguments.sample.extent(false);
    let (rows, surveyed) = survey(settings, extent, sink, &arguments.display, &Watch::default(), bars)?;
    rows.seen.warn(&surveyed);
    let is_shown = |table: &&TableRows| arguments.feature.is_empty() || arguments.feature.contains(&table.name);
    let tables: Vec<&TableRows> = rows.tables.iter().filter(is_shown).collect();
    let shown = match arguments.format {
        PreviewFormat::Table => print(&format!("{}\n\n{}", rows.seen.describe(&surveyed), text(&tables))),
        PreviewFormat::Json => print(&json(&tables)),
        PreviewFormat::Arrow => arrow(&tables),
    };
    shown.context("cannot show the rows").map_err(Failure::System)
}

/// Refuses features that there are not, and several where there can be one.
fn check_features(plan: &Plan, arguments: &PreviewArguments) -> anyhow::Result<()> {
    let names: Vec<&str> = plan.features.iter().map(|feature| feature.name.as_str()).collect();
    if let Some(unknown) = arguments.feature.iter().find(|name| !names.contains(&name.as_str())) {
        let help = match nearest(unknown, names.iter().copied()) {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("there are {}", names.join(", ")),
        };
        bail!(
            "--feature: {} has no feature `{unknown}`; {help}",
            arguments.map.feature_map.display()
        );
    }
    let count = if arguments.feature.is_empty() {
        names.len()
    } else {
        arguments.feature.len()
    };
    match arguments.format {
        PreviewFormat::Arrow if count != 1 => Err(anyhow!(
            "--format arrow writes a stream of one table, and {count} are wanted: name one with --feature"
        )),
        _ => Ok(()),
    }
}

fn text(tables: &[&TableRows]) -> String {
    let width = table::terminal_width();
    let heading = console::Style::new().bold().green();
    let tables = tables.iter().map(|table| {
        let shown: usize = table.kept.iter().map(|batch| batch.num_rows()).sum();
        let columns = counted(table.schema.fields().len() as u64, "column");
        let rows = match shown {
            0 => "no rows".to_owned(),
            shown => format!("first {}", counted(shown as u64, "row")),
        };
        format!(
            "{} ({rows}, {columns})\n{}",
            heading.apply_to(&table.name),
            table.render(width)
        )
    });
    tables.collect::<Vec<_>>().join("\n")
}

fn json(tables: &[&TableRows]) -> String {
    let mut lines = String::new();
    for table in tables {
        for batch in &table.kept {
            for row in 0..batch.num_rows() {
                let row = Row { table, batch, row };
                // A String takes any text.
                lines += &serde_json::to_string(&row).unwrap_or_default();
                lines.push('\n');
            }
        }
    }
    lines
}

/// A row, with its values in the order of the columns.
struct Row<'a> {
    table: &'a TableRows,
    batch: &'a RecordBatch,
    row: usize,
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let columns = self.table.schema.fields().iter().zip(self.batch.columns());
        let values = columns.map(|(field, column)| (field.name().as_str(), cells::value(column, self.row)));
        let feature = ("feature", Value::from(self.table.name.as_str()));
        serializer.collect_map(std::iter::once(feature).chain(values))
    }
}

fn arrow(tables: &[&TableRows]) -> io::Result<()> {
    let written = tables.iter().try_for_each(|table| {
        let mut stream = StreamWriter::try_new(io::stdout().lock(), &table.schema)?;
        table.kept.iter().try_for_each(|batch| stream.write(batch))?;
        stream.finish()
    });
    match written {
        Err(arrow_schema::ArrowError::IoError(_, error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(io::Error::other),
    }
}

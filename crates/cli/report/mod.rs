//! `report.html`: what a run was, in one file that needs nothing else.
//!
//! ```text
//!  Report, Timeline ─┐
//!  failed.log ───────┼─▶ model ─▶ page (charts, style.css) ─▶ report.html
//!  rescued.ndjson ───┤
//!  Parquet footers ──┘
//! ```
//!
//! The model is bounded whatever the run: names are cut, examples and columns are capped, and what is left out is
//! counted. The page has no script and asks for nothing; its Content-Security-Policy forbids both. All text goes through
//! maud, which escapes it, and texts of the archive through [`text`] before that.

mod charts;
mod model;
mod page;
mod scale;
mod text;

use tarquet_coordinator::Report;
use tarquet_dataset::DatasetError;

pub(crate) use model::{Asked, Outcome};

/// Writes the report of a finished run beside its dataset.
///
/// # Errors
///
/// What was written cannot be read back, or the file cannot be written. The dataset is as good without it.
pub(crate) fn write(report: &Report, asked: &Asked, outcome: Outcome) -> Result<(), DatasetError> {
    let review = report.published.review()?;
    let model = model::Model::of(report, asked, outcome, &review)?;
    report.published.write_report(&page::page(&model).into_string())
}

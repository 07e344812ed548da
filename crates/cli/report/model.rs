//! What a report says, before it is a page.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tarquet_coordinator::{Ending, Progress, Report, Source, Timeline};
use tarquet_dataset::{ColumnNulls, DatasetError, FailedMember, PublishedTable, RescuedValue, Review};
use tarquet_feature_map::plan::{Feature, IdSource};
use tarquet_feature_map::{LINE_COLUMN, Plan};

use crate::report::text::shown;

/// Archives that are named.
const MOST_ARCHIVES: usize = 8;

/// Ends of archives that are told.
const MOST_ENDINGS: usize = 20;

/// Reasons of failures that are told apart; there are fewer.
const MOST_REASONS: usize = 40;

/// Failures that are shown of one reason.
const MOST_EXAMPLES: usize = 5;

/// Features that are shown.
const MOST_FEATURES: usize = 60;

/// Columns that are shown of one feature.
const MOST_COLUMNS: usize = 80;

/// The most characters of a member's name, of an archive's, or of a detail.
const LONGEST_NAME: usize = 160;

/// The most characters of a feature's or a column's name.
const LONGEST_COLUMN: usize = 80;

/// The most characters of a value.
const LONGEST_VALUE: usize = 60;

/// What the run was asked for.
pub(crate) struct Asked {
    archives: Vec<String>,
    archive_count: usize,
    out_dir: String,
    workers: usize,
}

impl Asked {
    /// To extract `sources` into `out_dir`, with so many workers.
    pub(crate) fn new(sources: &[Source], out_dir: &std::path::Path, workers: usize) -> Asked {
        let name = |source: &Source| match source {
            Source::File(path) => shown(&path.display().to_string(), LONGEST_NAME),
            Source::StandardInput => "standard input".to_owned(),
        };
        Asked {
            archives: sources.iter().take(MOST_ARCHIVES).map(name).collect(),
            archive_count: sources.len(),
            out_dir: shown(&out_dir.display().to_string(), LONGEST_NAME),
            workers,
        }
    }
}

/// How the run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// With everything extracted, or with no more failures than are allowed.
    Complete,
    /// With failures.
    SomeFailed,
}

/// All that a report says. Every text in it is ready to be escaped, and short.
pub(super) struct Model {
    pub(super) outcome: Outcome,
    pub(super) archives: Cut<String>,
    pub(super) out_dir: String,
    pub(super) written: DateTime<Utc>,
    pub(super) elapsed: Duration,
    pub(super) progress: Progress,
    pub(super) workers: usize,
    pub(super) sandbox: Option<String>,
    pub(super) resumed: bool,
    pub(super) types_inferred: bool,
    pub(super) endings: Cut<String>,
    pub(super) timeline: Option<Timeline>,
    /// By count, the largest first.
    pub(super) failures: Cut<Failures>,
    pub(super) features: Cut<Table>,
}

/// Some of many.
#[derive(Debug)]
pub(super) struct Cut<T> {
    pub(super) shown: Vec<T>,
    /// How many more there are.
    pub(super) more: usize,
}

impl<T> Cut<T> {
    fn first<U>(most: usize, all: impl ExactSizeIterator<Item = U>, make: impl FnMut(U) -> T) -> Cut<T> {
        let more = all.len().saturating_sub(most);
        let shown = all.take(most).map(make).collect();
        Cut { shown, more }
    }
}

/// The failures of one reason.
#[derive(Debug, Default)]
pub(super) struct Failures {
    pub(super) reason: String,
    pub(super) count: u64,
    pub(super) examples: Vec<Failure>,
}

/// A failure.
#[derive(Debug)]
pub(super) struct Failure {
    /// The member; `None` where the failure is the archive's own.
    pub(super) member: Option<String>,
    pub(super) archive: Option<String>,
    pub(super) line: Option<u64>,
    pub(super) offset: Option<u64>,
    pub(super) detail: String,
}

/// One feature.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) rows: u64,
    pub(super) parts: u64,
    pub(super) bytes: u64,
    pub(super) columns: Cut<Column>,
}

/// One column.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) ty: String,
    /// Cells that are null, where that is known.
    pub(super) nulls: Option<u64>,
    pub(super) misfits: Option<Misfits>,
}

/// Values that did not fit a column.
#[derive(Debug, Clone)]
pub(super) struct Misfits {
    pub(super) count: u64,
    /// The first of them.
    pub(super) value: String,
    pub(super) member: String,
}

impl Model {
    /// What is to be said of a run, whose logs and parts `review` reads back.
    pub(super) fn of(report: &Report, asked: &Asked, outcome: Outcome, review: &Review) -> Result<Model, DatasetError> {
        let mut failures = Grouped::default();
        review.failures(|failure| failures.add(failure))?;
        let mut misfits = HashMap::new();
        review.rescued(|value| note_misfit(&mut misfits, value))?;
        let plan = tarquet_feature_map::parse("the resolved map", review.resolved_map()).ok();
        let columns = review.columns();
        let tables = report.tables.iter().zip(columns).enumerate();
        Ok(Model {
            outcome,
            archives: Cut {
                shown: asked.archives.clone(),
                more: asked.archive_count - asked.archives.len(),
            },
            out_dir: asked.out_dir.clone(),
            written: Utc::now(),
            elapsed: report.elapsed,
            progress: report.progress,
            workers: asked.workers,
            sandbox: report.sandbox.as_ref().map(ToString::to_string),
            resumed: report.resumed,
            types_inferred: report.sampled,
            endings: Cut::first(MOST_ENDINGS, report.endings.iter(), ending_text),
            timeline: report.timeline.clone(),
            failures: failures.by_count(),
            features: Cut::first(MOST_FEATURES, tables, |(index, (table, columns))| {
                let types = plan.as_ref().and_then(|plan| Types::of(plan, index));
                let columns = columns.unwrap_or_else(|fault| {
                    tracing::warn!("{fault}. report.html does not say what is null in its table");
                    Vec::new()
                });
                table_of(table, columns, types.as_ref(), &misfits)
            }),
        })
    }

    /// Whether of some column it is not known how many nulls it has.
    pub(super) fn are_nulls_unknown(&self) -> bool {
        let mut columns = self.features.shown.iter().flat_map(|table| &table.columns.shown);
        columns.any(|column| column.nulls.is_none())
    }
}

fn ending_text(ending: &Ending) -> String {
    let unmarked = ending
        .unmarked_end
        .then_some("the archive has no end-of-archive marker");
    let parts = [ending.damage.as_deref(), unmarked, ending.after_end.as_deref()];
    let of = ending.archive.as_ref().map(|archive| format!("{archive}: "));
    let said = parts.into_iter().flatten().collect::<Vec<_>>().join("; ");
    shown(&(of.unwrap_or_default() + &said), 2 * LONGEST_NAME)
}

/// Failures by their reasons.
#[derive(Default)]
struct Grouped {
    groups: BTreeMap<String, Failures>,
}

impl Grouped {
    fn add(&mut self, failure: FailedMember) {
        let group = self.groups.entry(failure.reason).or_default();
        group.count += 1;
        if group.examples.len() < MOST_EXAMPLES {
            let name = |name: &String| shown(name, LONGEST_NAME);
            group.examples.push(Failure {
                member: failure.member.as_ref().map(name),
                archive: failure.archive.as_ref().map(name),
                line: failure.line,
                offset: failure.offset,
                detail: name(&failure.detail),
            });
        }
    }

    fn by_count(self) -> Cut<Failures> {
        let named = self.groups.into_iter().map(|(reason, group)| Failures {
            reason: shown(&reason, LONGEST_COLUMN),
            ..group
        });
        let mut groups: Vec<Failures> = named.collect();
        groups.sort_by_key(|group| std::cmp::Reverse(group.count));
        Cut::first(MOST_REASONS, groups.into_iter(), |group| group)
    }
}

/// Misfits by feature and column, both in full.
type AllMisfits = HashMap<(String, String), Misfits>;

fn note_misfit(misfits: &mut AllMisfits, value: RescuedValue) {
    misfits
        .entry((value.feature, value.column))
        .and_modify(|known| known.count += 1)
        .or_insert_with(|| Misfits {
            count: 1,
            value: shown(&value.value, LONGEST_VALUE),
            member: shown(&value.member, LONGEST_NAME),
        });
}

fn table_of(
    table: &PublishedTable,
    columns: Vec<ColumnNulls>,
    types: Option<&Types<'_>>,
    misfits: &AllMisfits,
) -> Table {
    let columns = match types {
        // The parts do not say.
        Some(types) if columns.is_empty() => types.columns(),
        _ => columns,
    };
    Table {
        name: shown(&table.name, LONGEST_COLUMN),
        rows: table.rows,
        parts: table.parts,
        bytes: table.bytes,
        columns: Cut::first(MOST_COLUMNS, columns.into_iter(), |column| Column {
            name: shown(&column.name, LONGEST_COLUMN),
            ty: types.map_or_else(String::new, |types| types.of_column(&column.name)),
            nulls: column.nulls,
            misfits: misfits.get(&(table.name.clone(), column.name)).cloned(),
        }),
    }
}

/// The types of a feature's columns, in the words of the map.
struct Types<'a> {
    plan: &'a Plan,
    feature: &'a Feature,
}

impl<'a> Types<'a> {
    fn of(plan: &'a Plan, feature: usize) -> Option<Types<'a>> {
        let feature = plan.features.get(feature)?;
        Some(Types { plan, feature })
    }

    /// The columns, of whose nulls nothing is known.
    fn columns(&self) -> Vec<ColumnNulls> {
        let ids = self.plan.ids.iter().map(|id| &id.name);
        let names = ids.chain(self.feature.columns.iter().map(|column| &column.name));
        let unknown = |name: &String| ColumnNulls {
            name: name.clone(),
            nulls: None,
        };
        names.map(unknown).collect()
    }

    fn of_column(&self, name: &str) -> String {
        let own = self.feature.columns.iter().find(|column| column.name == name);
        let id = || self.plan.ids.iter().find(|id| id.name == name);
        let ty = match own {
            Some(column) => column.source.column_type(),
            None => id().and_then(|id| match &id.source {
                IdSource::Value(value) => value.ty,
                IdSource::BaseName | IdSource::Pattern(_) => None,
            }),
        };
        match ty {
            Some(ty) => ty.to_string(),
            None if name == LINE_COLUMN => "int64".to_owned(),
            // Names of members and archives, and ids made of them.
            None => "string".to_owned(),
        }
    }
}

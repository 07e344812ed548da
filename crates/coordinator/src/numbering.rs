//! Numbers of lines and rows where a member's documents came in several units.
//!
//! Workers share members that hold many documents, so none knows how many lines there are before its own: it counts from
//! its unit's beginning. Here units are in archive order, and what was before is known.

use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use tarquet_dataset::{OpenMember, Unit};
use tarquet_feature_map::Plan;
use tarquet_wire::message::Open;

use crate::settings::Several;

/// A unit as a worker sent it.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    /// The unit. Lines, and rows of rescued values, count from its beginning if it is continued.
    pub(crate) unit: Unit,
    /// Whether it begins in the midst of a member, and has nothing else.
    pub(crate) is_continued: bool,
    /// How far the member is in whose midst it ends.
    pub(crate) open: Option<Open>,
}

/// Numbers units in archive order.
pub(crate) struct Numbering {
    /// The names of the features, in the order of their tables.
    features: Vec<String>,
    /// Which column of every table has lines' numbers.
    line_column: Option<usize>,
    /// Which column of every table has the archive's name, where there are several.
    archive_column: Option<usize>,
    /// How far the member is in whose midst the unit before ended.
    open: Option<OpenMember>,
}

impl Numbering {
    /// For the tables of a plan, at the beginning of an archive.
    pub(crate) fn new(plan: &Plan, several: Several) -> Numbering {
        Numbering {
            features: plan.features.iter().map(|feature| feature.name.clone()).collect(),
            // Behind the ids and the member.
            line_column: plan.provenance.then_some(plan.ids.len() + 1),
            archive_column: archive_column(plan, several),
            open: None,
        }
    }

    /// Goes on in the midst of a member, if a run was stopped there.
    pub(crate) fn resume(self, open: Option<OpenMember>) -> Numbering {
        Numbering { open, ..self }
    }

    /// The unit with the numbers that its documents have in their members and, where there are several, with the name of
    /// their archive.
    pub(crate) fn number(&mut self, sent: Sent, archive: Option<&str>) -> Unit {
        let Sent {
            mut unit,
            is_continued,
            open,
        } = sent;
        let mut before = self.open.take().filter(|_| is_continued).unwrap_or_default();
        before.rows.resize(self.features.len(), 0);
        if is_continued {
            self.shift(&mut unit, &before);
        }
        unit.open = open.map(|open| behind(before, &unit, open));
        self.open.clone_from(&unit.open);
        if let Some(archive) = archive {
            self.name(&mut unit, archive);
        }
        unit
    }

    /// Says of everything in the unit which archive it is of.
    fn name(&self, unit: &mut Unit, archive: &str) {
        let name = || Some(archive.to_owned());
        unit.failures.iter_mut().for_each(|failure| failure.archive = name());
        unit.rescued.iter_mut().for_each(|value| value.archive = name());
        let Some(column) = self.archive_column else { return };
        for (_, batch) in &mut unit.batches {
            // A table has fewer rows than a column of them can hold, and the names are text; so nothing can be refused.
            if let Ok(named) = with_archive(batch, column, archive) {
                *batch = named;
            }
        }
        for (bytes, rows) in unit.bytes.iter_mut().zip(&unit.rows) {
            *bytes = bytes.saturating_add(u64::from(*rows).saturating_mul(archive.len() as u64));
        }
    }

    fn shift(&self, unit: &mut Unit, before: &OpenMember) {
        let shift = |line: &mut Option<u64>| *line = line.map(|line| line.saturating_add(before.line));
        unit.failures.iter_mut().for_each(|failure| shift(&mut failure.line));
        for value in &mut unit.rescued {
            shift(&mut value.line);
            let feature = self.features.iter().position(|name| *name == value.feature);
            let rows = feature.map_or(0, |feature| before.rows[feature]);
            value.row = value.row.saturating_add(rows);
        }
        if let Some(column) = self.line_column {
            for (_, batch) in &mut unit.batches {
                shift_column(batch, column, before.line.cast_signed());
            }
        }
    }
}

/// The column that names the archive a row comes from, in maps with `provenance: true`, where there are several archives.
const ARCHIVE_COLUMN: &str = "_archive";

/// Where in every table that column is, if it is there: behind the ids, the member and the line.
fn archive_column(plan: &Plan, several: Several) -> Option<usize> {
    (plan.provenance && several == Several::Yes).then_some(plan.ids.len() + 2)
}

/// The schema of a table that workers send, as the dataset has it: workers do not know of archives.
pub(crate) fn with_archive_column(schema: &SchemaRef, plan: &Plan, several: Several) -> SchemaRef {
    match archive_column(plan, several) {
        Some(column) => insert_field(schema, column),
        None => Arc::clone(schema),
    }
}

fn insert_field(schema: &SchemaRef, column: usize) -> SchemaRef {
    let mut fields: Vec<_> = schema.fields().iter().cloned().collect();
    let field = Field::new(ARCHIVE_COLUMN, DataType::Utf8, false);
    fields.insert(column.min(fields.len()), Arc::new(field));
    Arc::new(Schema::new(fields))
}

/// The batch with the same name of an archive in every row.
fn with_archive(batch: &RecordBatch, column: usize, archive: &str) -> Result<RecordBatch, ArrowError> {
    let rows = batch.num_rows();
    let mut names = StringBuilder::with_capacity(rows, rows * archive.len());
    (0..rows).for_each(|_| names.append_value(archive));
    let mut columns = batch.columns().to_vec();
    columns.insert(column.min(columns.len()), Arc::new(names.finish()) as ArrayRef);
    RecordBatch::try_new(insert_field(batch.schema_ref(), column), columns)
}

/// How far a member is behind a unit that ends in its midst.
fn behind(before: OpenMember, unit: &Unit, open: Open) -> OpenMember {
    let tables = before.rows.len();
    let own = (open.documents as usize).saturating_mul(tables).min(unit.rows.len());
    let mut rows = before.rows;
    for (at, count) in unit.rows[unit.rows.len() - own..].iter().enumerate() {
        rows[at % tables] += u64::from(*count);
    }
    OpenMember {
        byte: open.byte,
        line: before.line.saturating_add(open.lines),
        rows,
    }
}

/// Adds to all values of a column of integers.
fn shift_column(batch: &mut RecordBatch, column: usize, by: i64) {
    let mut columns = batch.columns().to_vec();
    let shifted = columns
        .get(column)
        .and_then(|lines| lines.as_primitive_opt::<Int64Type>());
    let Some(shifted) = shifted.map(|lines| lines.unary::<_, Int64Type>(|line| line.wrapping_add(by))) else {
        return;
    };
    columns[column] = Arc::new(shifted) as ArrayRef;
    // The schema and the lengths are those of before, so there is nothing that could be refused.
    if let Ok(numbered) = RecordBatch::try_new(batch.schema(), columns) {
        *batch = numbered;
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::{Int64Array, StringArray};
    use arrow_schema::{DataType, Field, Schema};
    use tarquet_dataset::{FailedMember, RescuedValue};

    use super::*;

    fn numbering() -> Numbering {
        let map = "{id: doc, provenance: true, features: {a: {path: $.a, type: int64}, b: {path: $.b, type: int64}}}";
        Numbering::new(&tarquet_feature_map::parse("map.yaml", map).unwrap(), Several::Yes)
    }

    /// A unit with one row of `a` for each of these lines, a failure and a rescued value in the last one.
    fn sent(lines: &[Option<i64>], is_continued: bool, open: Option<Open>) -> Sent {
        let schema = Schema::new(vec![
            Field::new("doc", DataType::Utf8, false),
            Field::new("_member", DataType::Utf8, false),
            Field::new("_line", DataType::Int64, true),
        ]);
        let names: ArrayRef = Arc::new(StringArray::from_iter_values(lines.iter().map(|_| "m")));
        let numbers: ArrayRef = Arc::new(Int64Array::from(lines.to_vec()));
        let batch = RecordBatch::try_new(Arc::new(schema), vec![Arc::clone(&names), names, numbers]).unwrap();
        let line = lines.last().unwrap().map(i64::cast_unsigned);
        let text = || "x".to_owned();
        let unit = Unit {
            documents: lines.len(),
            rows: lines.iter().flat_map(|_| [1, 0]).collect(),
            bytes: lines.iter().flat_map(|_| [0, 0]).collect(),
            batches: vec![(0, batch)],
            failures: vec![FailedMember {
                archive: None,
                member: None,
                offset: None,
                line,
                reason: text(),
                detail: text(),
            }],
            rescued: vec![RescuedValue {
                archive: None,
                member: text(),
                feature: "a".to_owned(),
                row: 1,
                line,
                column: text(),
                expected: text(),
                value: text(),
            }],
            ..Unit::default()
        };
        Sent {
            unit,
            is_continued,
            open,
        }
    }

    fn lines(unit: &Unit) -> Vec<Option<i64>> {
        let lines = unit.batches[0].1.column(2).as_primitive::<Int64Type>();
        lines.iter().collect()
    }

    fn open(byte: u64, lines: u64, documents: u32) -> Option<Open> {
        Some(Open { byte, lines, documents })
    }

    #[test]
    fn what_comes_behind_other_units_of_its_member_counts_on() {
        let mut numbering = numbering();
        // Another member, then two of five lines of this one.
        let first = numbering.number(sent(&[None, Some(2), Some(5)], false, open(100, 5, 2)), None);
        assert_eq!(lines(&first), [None, Some(2), Some(5)]);
        assert_eq!((first.failures[0].line, first.rescued[0].row), (Some(5), 1));
        let expected = OpenMember {
            byte: 100,
            line: 5,
            rows: vec![2, 0],
        };
        assert_eq!(first.open, Some(expected));

        let second = numbering.number(sent(&[Some(1), Some(3)], true, open(200, 4, 2)), None);
        assert_eq!(lines(&second), [Some(6), Some(8)]);
        assert_eq!((second.failures[0].line, second.rescued[0].line), (Some(8), Some(8)));
        assert_eq!(second.rescued[0].row, 3, "behind two rows");
        let after = OpenMember {
            byte: 200,
            line: 9,
            rows: vec![4, 0],
        };
        assert_eq!(second.open, Some(after.clone()));

        let last = numbering.number(sent(&[Some(1)], true, None), None);
        assert_eq!((lines(&last), last.open), (vec![Some(10)], None));
        let next = numbering.number(sent(&[Some(1)], false, None), None);
        assert_eq!(lines(&next), [Some(1)], "another member");

        let mut resumed = self::numbering().resume(Some(after));
        assert_eq!(lines(&resumed.number(sent(&[Some(1)], true, None), None)), [Some(10)]);
    }

    #[test]
    fn what_comes_out_of_several_archives_says_of_which() {
        let mut numbering = numbering();
        let unit = numbering.number(sent(&[Some(1), Some(2)], false, None), Some("b.tar"));
        let batch = &unit.batches[0].1;
        assert_eq!(batch.schema().field(3).name(), ARCHIVE_COLUMN);
        let names: Vec<_> = batch.column(3).as_string::<i32>().iter().flatten().collect();
        assert_eq!(names, ["b.tar", "b.tar"]);
        assert_eq!(unit.bytes, [5, 0, 5, 0], "their length counts where parts end");
        assert_eq!(unit.failures[0].archive.as_deref(), Some("b.tar"));
        assert_eq!(unit.rescued[0].archive.as_deref(), Some("b.tar"));
        let untold = numbering.number(sent(&[Some(1)], false, None), None);
        assert_eq!(
            (untold.batches[0].1.num_columns(), untold.failures[0].archive.as_deref()),
            (3, None)
        );
    }
}

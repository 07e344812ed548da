//! What a dataset is fed with: whole documents, in archive order.

use arrow_array::RecordBatch;
use serde::{Deserialize, Serialize};

use crate::dataset::Table;
use crate::error::UnitFault;
use crate::position::OpenMember;

/// The rows of some consecutive documents, and what went wrong near them.
///
/// How documents are grouped into units, and rows into batches, has no influence on the dataset's bytes. A unit may
/// hold failures alone.
#[derive(Debug, Clone, Default)]
pub struct Unit {
    /// How many members of the archive the unit closes, failed ones included. A run that goes on after this unit goes on
    /// behind them.
    pub members: u64,
    /// How many of these members failed.
    pub failed: u64,
    /// How far the member is that goes on behind the unit, if one does: a run that goes on after this unit goes on there.
    pub open: Option<OpenMember>,
    /// How many documents the unit holds.
    pub documents: usize,
    /// Rows of each document in each table: `documents` × tables, a document's entries side by side.
    pub rows: Vec<u32>,
    /// Bytes of each document's values in each table, in the same order; they decide when a buffer is full
    /// ([`Options::buffer_bytes`](crate::Options::buffer_bytes)), and so they must be a function of the document alone.
    pub bytes: Vec<u64>,
    /// The rows: table and batch, possibly several a table, each table's in order. A table's batches have as many rows
    /// as `rows` accounts for, and the columns of its schema.
    pub batches: Vec<(usize, RecordBatch)>,
    /// Lines for `failed.log`, in order.
    pub failures: Vec<FailedMember>,
    /// Lines for `rescued.ndjson`, in order.
    pub rescued: Vec<RescuedValue>,
}

/// A line of `failed.log`: a member, or a document of one, that gave no rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedMember {
    /// The archive, where there are several; else it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive: Option<String>,
    /// The member's name; `None` if the failure is the archive's own.
    pub member: Option<String>,
    /// The byte offset at which it failed: in the member's content, or in the archive where there is no member.
    pub offset: Option<u64>,
    /// The line in an NDJSON member, from 1; in one that is an array of documents, the element.
    pub line: Option<u64>,
    /// The reason, one word that programs can match.
    pub reason: String,
    /// The reason, for people.
    pub detail: String,
}

/// A line of `rescued.ndjson`: a value that does not fit its column's type; its cell is null.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RescuedValue {
    /// As in [`FailedMember::archive`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive: Option<String>,
    /// The member's name.
    pub member: String,
    /// The feature's name.
    pub feature: String,
    /// The row's position among that member's rows of that feature, from 0.
    pub row: u64,
    /// As in [`FailedMember::line`]; left out where the member is one document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The column's name.
    pub column: String,
    /// The type the column has.
    pub expected: String,
    /// The value's exact text.
    pub value: String,
}

impl Unit {
    /// Refuses a unit that contradicts itself or `tables`, and gives each batch its table's very schema.
    pub(crate) fn conform(&mut self, tables: &[Table]) -> Result<(), UnitFault> {
        if self.failed > self.members {
            return Err(UnitFault::Members {
                members: self.members,
                failed: self.failed,
            });
        }
        self.check_shape("rows", self.rows.len(), tables.len())?;
        self.check_shape("bytes", self.bytes.len(), tables.len())?;
        let mut delivered = vec![0; tables.len()];
        for (index, batch) in &mut self.batches {
            let fault = UnitFault::Table {
                table: *index,
                tables: tables.len(),
            };
            let table = tables.get(*index).ok_or(fault)?;
            conform_batch(table, batch)?;
            delivered[*index] += batch.num_rows() as u64;
        }
        self.check_rows(tables, &delivered)
    }

    /// The rows and bytes of each document, table by table.
    pub(crate) fn documents<'a>(&'a self, tables: usize) -> impl Iterator<Item = (&'a [u32], &'a [u64])> + use<'a> {
        let of = move |document: usize| document * tables..(document + 1) * tables;
        (0..self.documents).map(move |document| (&self.rows[of(document)], &self.bytes[of(document)]))
    }

    /// Whether there is nothing in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.members == 0
            && self.open.is_none()
            && self.documents == 0
            && self.failures.is_empty()
            && self.rescued.is_empty()
    }

    fn check_shape(&self, field: &'static str, found: usize, tables: usize) -> Result<(), UnitFault> {
        let documents = self.documents;
        if documents.checked_mul(tables) == Some(found) {
            return Ok(());
        }
        Err(UnitFault::Shape {
            field,
            found,
            documents,
            tables,
        })
    }

    fn check_rows(&self, tables: &[Table], delivered: &[u64]) -> Result<(), UnitFault> {
        let mut declared = vec![0; tables.len()];
        for (rows, _) in self.documents(tables.len()) {
            for (sum, rows) in declared.iter_mut().zip(rows) {
                *sum += u64::from(*rows);
            }
        }
        for ((table, &declared), &delivered) in tables.iter().zip(&declared).zip(delivered) {
            if declared != delivered {
                return Err(UnitFault::Rows {
                    table: table.name.clone(),
                    declared,
                    delivered,
                });
            }
        }
        Ok(())
    }
}

/// Refuses a batch whose columns are not the table's, by name, type and nulls; then its schema is the table's.
fn conform_batch(table: &Table, batch: &mut RecordBatch) -> Result<(), UnitFault> {
    if *batch.schema_ref() == table.schema {
        return Ok(());
    }
    let fault = |why: String| UnitFault::Columns {
        table: table.name.clone(),
        why,
    };
    let names = |fields: &arrow_schema::Fields| fields.iter().map(|field| field.name().clone()).collect::<Vec<_>>();
    let (found, expected) = (names(batch.schema_ref().fields()), names(table.schema.fields()));
    if found != expected {
        return Err(fault(format!("it has {found:?}, the table {expected:?}")));
    }
    *batch = RecordBatch::try_new(table.schema.clone(), batch.columns().to_vec())
        .map_err(|error| fault(error.to_string()))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int32Array, Int64Array};
    use arrow_schema::{DataType, Field, Schema};

    use super::*;

    fn table(name: &str) -> Table {
        let schema = Schema::new(vec![
            Field::new("a", DataType::Int64, false),
            Field::new("b", DataType::Int64, true),
        ]);
        Table {
            name: name.to_owned(),
            schema: Arc::new(schema),
        }
    }

    fn batch(columns: [(&str, ArrayRef); 2]) -> RecordBatch {
        RecordBatch::try_from_iter_with_nullable(columns.map(|(name, array)| (name, array, true))).expect("a batch")
    }

    fn ints(values: &[Option<i64>]) -> ArrayRef {
        Arc::new(Int64Array::from(values.to_vec()))
    }

    /// Two documents in two tables: one row and two in the first, none in the second.
    fn unit() -> Unit {
        let rows = batch([
            ("a", ints(&[Some(1), Some(2), Some(3)])),
            ("b", ints(&[None, None, None])),
        ]);
        Unit {
            documents: 2,
            rows: vec![1, 0, 2, 0],
            bytes: vec![8, 0, 16, 0],
            batches: vec![(0, rows)],
            ..Unit::default()
        }
    }

    #[test]
    fn a_sound_unit_gets_the_tables_schema() {
        let tables = [table("t"), table("u")];
        let mut unit = unit();
        unit.conform(&tables).expect("sound");
        assert_eq!(unit.batches[0].1.schema_ref(), &tables[0].schema);
        let documents: Vec<_> = unit.documents(2).collect();
        assert_eq!(documents, [(&[1, 0][..], &[8, 0][..]), (&[2, 0][..], &[16, 0][..])]);
    }

    /// What is done to a sound unit.
    type Spoil = Box<dyn Fn(&mut Unit)>;

    #[test]
    fn inconsistent_units_are_refused() {
        let wrong_type: ArrayRef = Arc::new(Int32Array::from(vec![1, 2, 3]));
        let three = || ints(&[Some(1), Some(2), Some(3)]);
        let cases: [(&str, Spoil); 10] = [
            ("closes 0 members, of which 1 failed", Box::new(|unit| unit.failed = 1)),
            (
                "`rows` has 3 entries, not 2 documents × 2 tables",
                Box::new(|unit| unit.rows.truncate(3)),
            ),
            ("`bytes` has 5 entries", Box::new(|unit| unit.bytes.push(0))),
            (
                "`rows` has 4 entries, not 18446744073709551615",
                Box::new(|unit| unit.documents = usize::MAX),
            ),
            ("a batch is for table 2", Box::new(|unit| unit.batches[0].0 = 2)),
            (
                "account for 2 rows of table \"t\", the batches hold 3",
                Box::new(|unit| unit.rows[2] = 1),
            ),
            (
                "account for 7 rows of table \"u\", the batches hold 0",
                Box::new(|unit| unit.rows[3] = 7),
            ),
            (
                "it has [\"b\", \"a\"]",
                Box::new(move |unit| unit.batches[0].1 = batch([("b", three()), ("a", three())])),
            ),
            (
                "column types must match",
                Box::new(move |unit| unit.batches[0].1 = batch([("a", wrong_type.clone()), ("b", three())])),
            ),
            (
                "non-nullable",
                Box::new(move |unit| {
                    unit.batches[0].1 = batch([("a", ints(&[None, Some(2), Some(3)])), ("b", three())]);
                }),
            ),
        ];
        for (message, spoil) in cases {
            let mut unit = unit();
            spoil(&mut unit);
            let fault = unit.conform(&[table("t"), table("u")]).expect_err(message);
            assert!(fault.to_string().contains(message), "{message}: {fault}");
        }
    }
}

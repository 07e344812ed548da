//! Columns that rows are added to and can be taken off again, and that become Arrow arrays without a copy.
//!
//! Arrow's own builders cannot be cut back, and a document that fails must leave no row.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, ListArray, StringArray, TimestampMicrosecondArray,
};
use arrow_buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, Field};
use tarquet_feature_map::plan::{ColumnType, Scalar};

use crate::bits::Bits;
use crate::convert::Cell;

/// How many bytes the length of a string or of a list counts.
pub(crate) const LENGTH_BYTES: usize = size_of::<i32>();

/// Up to how many elements a column keeps room for from one flush to the next.
const KEPT_CAPACITY: usize = 1 << 16;

/// A column of any type.
#[derive(Debug)]
pub(crate) enum Column {
    /// One value a row.
    Scalar(ScalarColumn),
    /// A list a row.
    List(ListColumn),
}

/// A column of one value a row.
#[derive(Debug)]
pub(crate) struct ScalarColumn {
    ty: Scalar,
    pub(crate) values: Values,
    /// Which values are not null.
    pub(crate) validity: Bits,
}

/// The values, those of nulls included.
#[derive(Debug)]
pub(crate) enum Values {
    /// Of an `int64`, a `timestamp` or a `datetime`.
    Int(Vec<i64>),
    /// Of a `float64`.
    Float(Vec<f64>),
    /// Of a `date`.
    Days(Vec<i32>),
    /// Of a `bool`.
    Bool(Bits),
    /// Of a `string` or a `json`.
    Text {
        /// Where each begins, and where the last ends.
        offsets: Vec<i32>,
        bytes: Vec<u8>,
    },
}

/// A column of a list a row.
#[derive(Debug)]
pub(crate) struct ListColumn {
    offsets: Vec<i32>,
    validity: Bits,
    /// The elements of all lists, the one that is being written included.
    pub(crate) elements: ScalarColumn,
}

impl Column {
    /// An empty column of a type.
    pub(crate) fn new(ty: ColumnType) -> Self {
        match ty {
            ColumnType::Scalar(scalar) => Self::Scalar(ScalarColumn::new(scalar)),
            ColumnType::List(scalar) => Self::List(ListColumn {
                offsets: vec![0],
                validity: Bits::default(),
                elements: ScalarColumn::new(scalar),
            }),
        }
    }

    /// Takes off all rows after the first `rows`.
    pub(crate) fn truncate(&mut self, rows: usize) {
        match self {
            Self::Scalar(column) => column.truncate(rows),
            Self::List(column) => column.truncate(rows),
        }
    }

    /// Takes all rows, as an array.
    pub(crate) fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        match self {
            Self::Scalar(column) => column.finish(),
            Self::List(column) => column.finish(),
        }
    }
}

impl ScalarColumn {
    fn new(ty: Scalar) -> Self {
        let values = match ty {
            Scalar::Int64 | Scalar::Timestamp { .. } | Scalar::Datetime => Values::Int(Vec::new()),
            Scalar::Float64 => Values::Float(Vec::new()),
            Scalar::Date => Values::Days(Vec::new()),
            Scalar::Bool => Values::Bool(Bits::default()),
            Scalar::String | Scalar::Json => Values::Text {
                offsets: vec![0],
                bytes: Vec::new(),
            },
        };
        Self {
            ty,
            values,
            validity: Bits::default(),
        }
    }

    /// Adds a value that is of the column's type, or a null. Gives the bytes that it counts.
    pub(crate) fn push(&mut self, cell: Option<Cell<'_>>) -> usize {
        self.validity.push(u64::from(cell.is_some()), 1);
        match (&mut self.values, cell) {
            (Values::Int(values), Some(Cell::Int(value))) => values.push(value),
            (Values::Int(values), None) => values.push(0),
            (Values::Float(values), Some(Cell::Float(value))) => values.push(value),
            (Values::Float(values), None) => values.push(0.0),
            (Values::Days(values), Some(Cell::Days(value))) => values.push(value),
            (Values::Days(values), None) => values.push(0),
            (Values::Bool(values), Some(Cell::Bool(value))) => values.push(u64::from(value), 1),
            (Values::Bool(values), None) => values.push(0, 1),
            (Values::Text { offsets, bytes }, Some(Cell::Text(text))) => {
                bytes.extend_from_slice(text);
                offsets.push(bytes.len() as i32);
                return LENGTH_BYTES + text.len();
            }
            (Values::Text { offsets, bytes }, None) => offsets.push(bytes.len() as i32),
            (values, Some(cell)) => unreachable!("{cell:?} is no cell for {values:?}"),
        }
        self.width()
    }

    /// The bytes that a value counts, without those of its text.
    pub(crate) fn width(&self) -> usize {
        match self.values {
            Values::Int(_) => size_of::<i64>(),
            Values::Float(_) => size_of::<f64>(),
            Values::Days(_) => size_of::<i32>(),
            Values::Bool(_) => size_of::<bool>(),
            Values::Text { .. } => LENGTH_BYTES,
        }
    }

    fn len(&self) -> usize {
        self.validity.len()
    }

    fn truncate(&mut self, rows: usize) {
        self.validity.truncate(rows);
        match &mut self.values {
            Values::Int(values) => values.truncate(rows),
            Values::Float(values) => values.truncate(rows),
            Values::Days(values) => values.truncate(rows),
            Values::Bool(values) => values.truncate(rows),
            Values::Text { offsets, bytes } => {
                offsets.truncate(rows + 1);
                bytes.truncate(last_offset(offsets));
            }
        }
    }

    fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        let nulls = nulls(&mut self.validity);
        Ok(match &mut self.values {
            Values::Int(values) => int_array(self.ty, take_values(values).into(), nulls)?,
            Values::Float(values) => Arc::new(Float64Array::try_new(take_values(values).into(), nulls)?),
            Values::Days(values) => Arc::new(Date32Array::try_new(take_values(values).into(), nulls)?),
            Values::Bool(values) => Arc::new(BooleanArray::new(values.finish(), nulls)),
            Values::Text { offsets, bytes } => {
                let bytes = Buffer::from_vec(take_values(bytes));
                Arc::new(StringArray::try_new(take_offsets(offsets), bytes, nulls)?)
            }
        })
    }
}

fn int_array(ty: Scalar, values: ScalarBuffer<i64>, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
    Ok(match ty {
        Scalar::Timestamp { .. } => Arc::new(TimestampMicrosecondArray::try_new(values, nulls)?.with_timezone("UTC")),
        Scalar::Datetime => Arc::new(TimestampMicrosecondArray::try_new(values, nulls)?),
        _ => Arc::new(Int64Array::try_new(values, nulls)?),
    })
}

impl ListColumn {
    /// Ends the list that is being written: a null, if it is not `there`. Gives the bytes of its length.
    pub(crate) fn end_list(&mut self, there: bool) -> usize {
        self.offsets.push(self.elements.len() as i32);
        self.validity.push(u64::from(there), 1);
        LENGTH_BYTES
    }

    fn truncate(&mut self, rows: usize) {
        self.validity.truncate(rows);
        self.offsets.truncate(rows + 1);
        self.elements.truncate(last_offset(&self.offsets));
    }

    fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        let elements = self.elements.finish()?;
        let field = Arc::new(Field::new_list_field(self.elements.ty.data_type(), true));
        let offsets = take_offsets(&mut self.offsets);
        Ok(Arc::new(ListArray::try_new(
            field,
            offsets,
            elements,
            nulls(&mut self.validity),
        )?))
    }
}

/// What is null of the values, if any is.
fn nulls(validity: &mut Bits) -> Option<NullBuffer> {
    Some(NullBuffer::new(validity.finish())).filter(|nulls| nulls.null_count() > 0)
}

fn last_offset(offsets: &[i32]) -> usize {
    offsets.last().map_or(0, |offset| *offset as usize)
}

/// Takes the values, and leaves room for as many.
fn take_values<T>(values: &mut Vec<T>) -> Vec<T> {
    let room = values.len().min(KEPT_CAPACITY);
    std::mem::replace(values, Vec::with_capacity(room))
}

fn take_offsets(offsets: &mut Vec<i32>) -> OffsetBuffer<i32> {
    let taken = take_values(offsets);
    offsets.push(0);
    OffsetBuffer::new(taken.into())
}

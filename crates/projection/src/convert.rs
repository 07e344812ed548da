//! From a value to a cell of a type, without losing anything.

use tarquet_feature_map::plan::{Scalar, TimeUnit};

use crate::decimal::Decimal;
use crate::reference::{nearest_f64, number_text};
use crate::selection::{NodeId, Number, Text, Value};
use crate::time;
use crate::view::View;

/// One value of a column, not null. The column knows what it stands for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Cell<'a> {
    /// An `int64`, or the microseconds of a `timestamp` or a `datetime`.
    Int(i64),
    /// A `float64`, finite.
    Float(f64),
    /// A `bool`.
    Bool(bool),
    /// A `date`: days since 1970-01-01.
    Days(i32),
    /// A `string` or a `json`; UTF-8.
    Text(&'a [u8]),
}

impl Cell<'_> {
    /// The value of a column that holds `Int`s.
    pub(crate) fn into_int(self) -> i64 {
        match self {
            Self::Int(value) => value,
            other => unreachable!("{other:?} is no integer"),
        }
    }

    /// The value of a column that holds `Float`s.
    pub(crate) fn into_float(self) -> f64 {
        match self {
            Self::Float(value) => value,
            other => unreachable!("{other:?} is no float"),
        }
    }

    /// The value of a column that holds `Days`.
    pub(crate) fn into_days(self) -> i32 {
        match self {
            Self::Days(value) => value,
            other => unreachable!("{other:?} is no day"),
        }
    }
}

/// The value does not fit the type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Misfit;

/// A cell, or null, or that the value does not fit.
pub(crate) type Fit<'a> = Result<Option<Cell<'a>>, Misfit>;

/// A type, and whether its values may be written as another kind of JSON value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Target {
    /// The type of one value.
    pub(crate) ty: Scalar,
    /// Whether number ↔ string and bool ↔ string are converted, by exact text.
    pub(crate) cast: bool,
}

impl Target {
    /// The cell for the value at `node`.
    pub(crate) fn cell<'a>(self, view: &View<'a>, node: NodeId) -> Fit<'a> {
        let value = view.value(node);
        if value == Value::Null {
            return Ok(None);
        }
        if self.ty == Scalar::Json {
            return Ok(Some(Cell::Text(view.exact(node))));
        }
        let cell = match value {
            Value::Null | Value::Array { .. } | Value::Object => None,
            Value::Bool(value) => self.bool_cell(value),
            Value::Number(number) => self.number_cell(view, node, number),
            Value::String(text) => self.text_cell(view, text),
        };
        cell.map(Some).ok_or(Misfit)
    }

    fn bool_cell<'a>(self, value: bool) -> Option<Cell<'a>> {
        match self.ty {
            Scalar::Bool => Some(Cell::Bool(value)),
            Scalar::String if self.cast => Some(Cell::Text(if value { b"true" } else { b"false" })),
            _ => None,
        }
    }

    fn number_cell<'a>(self, view: &View<'a>, node: NodeId, number: Number) -> Option<Cell<'a>> {
        match (self.ty, number) {
            (Scalar::Int64, Number::Int(value)) => Some(Cell::Int(value)),
            (Scalar::Int64, Number::Fraction(_) | Number::HugeFraction) => {
                Decimal::read(view.exact(node)).whole(0).map(Cell::Int)
            }
            (Scalar::Float64, Number::Int(value)) => Some(Cell::Float(value as f64)),
            (Scalar::Float64, Number::Fraction(value)) => Some(Cell::Float(value)),
            (Scalar::Float64, Number::HugeInt) => finite(nearest_f64(view.exact(node))),
            (Scalar::String, _) if self.cast => Some(Cell::Text(view.exact(node))),
            (Scalar::Timestamp { unit: Some(unit) }, Number::Int(value)) => {
                value.checked_mul(micros_of(unit)).map(Cell::Int)
            }
            (Scalar::Timestamp { unit: Some(unit) }, _) => since_1970(view.exact(node), unit),
            _ => None,
        }
    }

    fn text_cell<'a>(self, view: &View<'a>, text: Text) -> Option<Cell<'a>> {
        self.string_cell(view.text(text)?)
    }

    /// The cell for a string.
    pub(crate) fn string_cell(self, text: &[u8]) -> Option<Cell<'_>> {
        match self.ty {
            Scalar::String => Some(Cell::Text(text)),
            Scalar::Timestamp { unit: None } => time::instant(text).map(Cell::Int),
            Scalar::Datetime => time::wall_clock(text).map(Cell::Int),
            Scalar::Date => time::day(text).map(Cell::Days),
            Scalar::Bool if self.cast && text == b"true" => Some(Cell::Bool(true)),
            Scalar::Bool if self.cast && text == b"false" => Some(Cell::Bool(false)),
            Scalar::Int64 | Scalar::Float64 | Scalar::Timestamp { .. } if self.cast => self.number_text_cell(text),
            _ => None,
        }
    }

    /// The cell for a string that is a number as JSON writes it, without anything around it.
    fn number_text_cell<'a>(self, text: &[u8]) -> Option<Cell<'a>> {
        let token = number_text(text)?;
        match self.ty {
            Scalar::Int64 => Decimal::read(text).whole(0).map(Cell::Int),
            // `-0` is the integer 0, as it is outside of quotes.
            Scalar::Float64 if token.integer && Decimal::read(text).whole(0) == Some(0) => Some(Cell::Float(0.0)),
            Scalar::Float64 => finite(nearest_f64(text)),
            Scalar::Timestamp { unit: Some(unit) } => since_1970(text, unit),
            _ => None,
        }
    }
}

fn finite<'a>(value: f64) -> Option<Cell<'a>> {
    value.is_finite().then_some(Cell::Float(value))
}

/// The microseconds of a number of units since 1970, if they are whole.
fn since_1970<'a>(number: &[u8], unit: TimeUnit) -> Option<Cell<'a>> {
    Decimal::read(number)
        .whole(i64::from(micros_of(unit).ilog10()))
        .map(Cell::Int)
}

fn micros_of(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1_000_000,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1,
    }
}

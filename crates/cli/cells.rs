//! The values of a table's rows, for people and for programs.

use arrow_array::cast::AsArray;
use arrow_array::temporal_conversions::{date32_to_datetime, timestamp_us_to_datetime};
use arrow_array::types::{Date32Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, TimeUnit};
use serde_json::Value;

/// The value in this row, as JSON has it: times as ISO 8601, what is no number as text.
pub(crate) fn value(column: &ArrayRef, row: usize) -> Value {
    if column.is_null(row) {
        return Value::Null;
    }
    match column.data_type() {
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).into(),
        DataType::Float64 => column.as_primitive::<Float64Type>().value(row).into(),
        DataType::Boolean => column.as_boolean().value(row).into(),
        DataType::Utf8 => column.as_string::<i32>().value(row).into(),
        DataType::Date32 => {
            let day = date32_to_datetime(column.as_primitive::<Date32Type>().value(row));
            day.map_or(Value::Null, |day| day.date().to_string().into())
        }
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            let micros = column.as_primitive::<TimestampMicrosecondType>().value(row);
            let offset = if zone.is_some() { "Z" } else { "" };
            let time = timestamp_us_to_datetime(micros);
            time.map_or(Value::Null, |time| format!("{time:?}{offset}").into())
        }
        DataType::List(_) => {
            let elements = column.as_list::<i32>().value(row);
            (0..elements.len()).map(|element| value(&elements, element)).collect()
        }
        // Tables have no others.
        other => other.to_string().into(),
    }
}

/// The value in this row, as a cell of a table shows it.
pub(crate) fn text(column: &ArrayRef, row: usize) -> String {
    match value(column, row) {
        Value::Null => String::new(),
        Value::String(text) => text,
        other => other.to_string(),
    }
}

/// Whether a column's values are numbers, which stand at the right.
pub(crate) fn is_number(ty: &DataType) -> bool {
    matches!(ty, DataType::Int64 | DataType::Float64)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::builder::{Int64Builder, ListBuilder};
    use arrow_array::{BooleanArray, Date32Array, Float64Array, StringArray, TimestampMicrosecondArray};
    use serde_json::json;

    use super::*;

    #[test]
    fn every_type_of_a_column_is_shown() {
        let mut lists = ListBuilder::new(Int64Builder::new());
        lists.append_value([Some(1), None]);
        let micros = 1_714_557_600_123_456;
        let columns: [(ArrayRef, Value); 7] = [
            (Arc::new(Float64Array::from(vec![0.5])), json!(0.5)),
            (Arc::new(BooleanArray::from(vec![true])), json!(true)),
            (Arc::new(StringArray::from(vec!["x"])), json!("x")),
            (Arc::new(Date32Array::from(vec![19_844])), json!("2024-05-01")),
            (
                Arc::new(TimestampMicrosecondArray::from(vec![micros]).with_timezone("UTC")),
                json!("2024-05-01T10:00:00.123456Z"),
            ),
            (
                Arc::new(TimestampMicrosecondArray::from(vec![micros])),
                json!("2024-05-01T10:00:00.123456"),
            ),
            (Arc::new(lists.finish()), json!([1, null])),
        ];
        for (column, expected) in columns {
            assert_eq!(value(&column, 0), expected);
        }
        let nothing: ArrayRef = Arc::new(StringArray::from(vec![None::<&str>]));
        assert_eq!((value(&nothing, 0), text(&nothing, 0)), (Value::Null, String::new()));
    }
}

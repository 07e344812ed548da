//! From a typed plan to the Arrow schema of each of its tables.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit as ArrowTimeUnit};

use crate::plan::{ColumnSource, ColumnType, IdColumn, IdSource, Plan, Scalar};

/// The column that names the member a row comes from, in maps with `provenance: true`.
pub const MEMBER_COLUMN: &str = "_member";

/// The column that names the line a row comes from, in the same maps: from 1; of an array the element. Null where the
/// member is one document.
pub const LINE_COLUMN: &str = "_line";

/// Why a table has no schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// The plan has no feature with this position.
    #[error("the plan has {count} features, so none at position {position}")]
    NoSuchFeature {
        /// The position that was asked for, from 0.
        position: usize,
        /// How many features there are.
        count: usize,
    },
    /// A column has no type yet.
    #[error("column `{column}` has no type: resolve the plan over a sample first, or write `type:` in the feature map")]
    Untyped {
        /// The column's name.
        column: String,
    },
}

impl Plan {
    /// The Arrow schema of the table of the feature at position `feature`: the ids, `_member` and `_line` with
    /// [`provenance`](Plan::provenance), the feature's own columns.
    ///
    /// Ids and `_member` are never null, all other columns may be. Lists use Arrow's usual field name `item`.
    ///
    /// # Errors
    ///
    /// When there is no such feature, or a value without a type.
    pub fn table_schema(&self, feature: usize) -> Result<SchemaRef, SchemaError> {
        let table = self.features.get(feature).ok_or(SchemaError::NoSuchFeature {
            position: feature,
            count: self.features.len(),
        })?;
        let mut fields = self.ids.iter().map(id_field).collect::<Result<Vec<_>, _>>()?;
        if self.provenance {
            fields.push(Field::new(MEMBER_COLUMN, DataType::Utf8, false));
            fields.push(Field::new(LINE_COLUMN, DataType::Int64, true));
        }
        for column in &table.columns {
            let ty = column.source.column_type().ok_or_else(|| untyped(&column.name))?;
            fields.push(Field::new(&column.name, ty.data_type(), true));
        }
        Ok(Arc::new(Schema::new(fields)))
    }
}

fn id_field(id: &IdColumn) -> Result<Field, SchemaError> {
    let data_type = match &id.source {
        IdSource::BaseName | IdSource::Pattern(_) => DataType::Utf8,
        IdSource::Value(value) => value.ty.ok_or_else(|| untyped(&id.name))?.data_type(),
    };
    Ok(Field::new(&id.name, data_type, false))
}

fn untyped(column: &str) -> SchemaError {
    SchemaError::Untyped {
        column: column.to_owned(),
    }
}

impl ColumnSource {
    /// The column's type; `None` while it is not inferred.
    pub fn column_type(&self) -> Option<ColumnType> {
        match self {
            Self::Index { .. } => Some(ColumnType::Scalar(Scalar::Int64)),
            Self::Key { .. } => Some(ColumnType::Scalar(Scalar::String)),
            Self::Value(value) => value.ty,
        }
    }
}

impl ColumnType {
    /// The Arrow type of a column of this type.
    pub fn data_type(self) -> DataType {
        match self {
            Self::Scalar(scalar) => scalar.data_type(),
            Self::List(scalar) => DataType::List(Arc::new(Field::new_list_field(scalar.data_type(), true))),
        }
    }
}

impl Scalar {
    /// The Arrow type of one value.
    pub fn data_type(self) -> DataType {
        match self {
            Self::Int64 => DataType::Int64,
            Self::Float64 => DataType::Float64,
            Self::Bool => DataType::Boolean,
            Self::String | Self::Json => DataType::Utf8,
            Self::Timestamp { .. } => DataType::Timestamp(ArrowTimeUnit::Microsecond, Some("UTC".into())),
            Self::Datetime => DataType::Timestamp(ArrowTimeUnit::Microsecond, None),
            Self::Date => DataType::Date32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(map: &str) -> Result<SchemaRef, SchemaError> {
        crate::parse("m", map)
            .unwrap_or_else(|errors| panic!("{errors}"))
            .table_schema(0)
    }

    #[test]
    fn every_type_has_its_arrow_type() {
        let item = |data_type| DataType::List(Arc::new(Field::new("item", data_type, true)));
        let utc = || DataType::Timestamp(ArrowTimeUnit::Microsecond, Some("UTC".into()));
        let cases = [
            ("path: $.x, type: int64", DataType::Int64),
            ("path: $.x, type: float64", DataType::Float64),
            ("path: $.x, type: bool", DataType::Boolean),
            ("path: $.x, type: string", DataType::Utf8),
            ("path: $.x, type: timestamp", utc()),
            ("path: $.x, type: timestamp, unit: ms", utc()),
            (
                "path: $.x, type: datetime",
                DataType::Timestamp(ArrowTimeUnit::Microsecond, None),
            ),
            ("path: $.x, type: date", DataType::Date32),
            ("path: $.x, type: json", DataType::Utf8),
            ("path: $.x, type: list<int64>", item(DataType::Int64)),
            ("path: '$.x[*]', type: list<timestamp>, unit: s", item(utc())),
            ("path: '$.x[*]', take: count", DataType::Int64),
            ("path: '$.x[*]', take: join", DataType::Utf8),
            ("index: i", DataType::Int64),
            ("key: i", DataType::Utf8),
        ];
        for (column, expected) in cases {
            let map = format!("id: doc\nfeatures:\n  t: {{for: {{i: $.i}}, columns: {{c: {{{column}}}}}}}");
            let schema = schema(&map).expect("typed");
            assert_eq!(schema.field(1), &Field::new("c", expected, true), "{column}");
        }
    }

    #[test]
    fn ids_and_provenance_come_first_and_are_never_null() {
        let map = "id: [a, {column: b, path: $.b, type: int64}, {column: c, pattern: '(x)'}]\nprovenance: true\nfeatures: {t: {path: $.t, type: date}}";
        let fields = schema(map).expect("typed");
        let expected = [
            Field::new("a", DataType::Utf8, false),
            Field::new("b", DataType::Int64, false),
            Field::new("c", DataType::Utf8, false),
            Field::new("_member", DataType::Utf8, false),
            Field::new("_line", DataType::Int64, true),
            Field::new("t", DataType::Date32, true),
        ];
        assert_eq!(fields.as_ref(), &Schema::new(expected.to_vec()));
    }

    #[test]
    fn what_has_no_schema_says_why() {
        let untyped = schema("id: a\nfeatures: {t: $.t}").expect_err("untyped");
        assert_eq!(untyped, SchemaError::Untyped { column: "t".to_owned() });
        let untyped =
            schema("id: {column: i, path: $.i}\nfeatures: {t: {path: $.t, type: json}}").expect_err("untyped");
        assert_eq!(untyped, SchemaError::Untyped { column: "i".to_owned() });
        let plan = crate::parse("m", "id: a\nfeatures: {t: $.t}").expect("valid");
        assert_eq!(
            plan.table_schema(1),
            Err(SchemaError::NoSuchFeature { position: 1, count: 1 })
        );
    }
}

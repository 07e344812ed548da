//! The names of types, and which of them go with which `take`.

use std::fmt;
use std::str::FromStr;

use crate::plan::{ColumnType, Scalar, TimeUnit};

/// Every scalar type by its name.
pub(crate) const SCALARS: [(&str, Scalar); 8] = [
    ("int64", Scalar::Int64),
    ("float64", Scalar::Float64),
    ("bool", Scalar::Bool),
    ("string", Scalar::String),
    ("timestamp", Scalar::Timestamp { unit: None }),
    ("datetime", Scalar::Datetime),
    ("date", Scalar::Date),
    ("json", Scalar::Json),
];

/// Every unit by its name.
pub(crate) const UNITS: [(&str, TimeUnit); 3] = [
    ("s", TimeUnit::Second),
    ("ms", TimeUnit::Millisecond),
    ("us", TimeUnit::Microsecond),
];

/// A text names no type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no type: there are int64, float64, bool, string, timestamp, datetime, date, json, and list<T> of one of these"
)]
pub struct UnknownType(pub String);

impl fmt::Display for Scalar {
    /// The type's name in a map. The unit of a timestamp is not part of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Int64 => "int64",
            Self::Float64 => "float64",
            Self::Bool => "bool",
            Self::String => "string",
            Self::Timestamp { .. } => "timestamp",
            Self::Datetime => "datetime",
            Self::Date => "date",
            Self::Json => "json",
        })
    }
}

impl fmt::Display for ColumnType {
    /// The type's name in a map. The unit of a timestamp is not part of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scalar(scalar) => scalar.fmt(f),
            Self::List(scalar) => write!(f, "list<{scalar}>"),
        }
    }
}

impl fmt::Display for TimeUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Second => "s",
            Self::Millisecond => "ms",
            Self::Microsecond => "us",
        })
    }
}

impl FromStr for ColumnType {
    type Err = UnknownType;

    fn from_str(text: &str) -> Result<Self, UnknownType> {
        let scalar = |name: &str| {
            let found = SCALARS.iter().find(|(known, _)| *known == name);
            found
                .map(|(_, scalar)| *scalar)
                .ok_or_else(|| UnknownType(text.to_owned()))
        };
        match text.strip_prefix("list<").and_then(|rest| rest.strip_suffix('>')) {
            Some(element) => scalar(element).map(Self::List),
            None => scalar(text).map(Self::Scalar),
        }
    }
}

impl ColumnType {
    /// The type of one value of it: itself, or a list's elements.
    pub fn scalar(self) -> Scalar {
        match self {
            Self::Scalar(scalar) | Self::List(scalar) => scalar,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for (name, scalar) in SCALARS {
            for ty in [ColumnType::Scalar(scalar), ColumnType::List(scalar)] {
                assert_eq!(ty.to_string().parse(), Ok(ty), "{name}");
            }
            assert_eq!(scalar.to_string(), name);
        }
        for (name, unit) in UNITS {
            assert_eq!(unit.to_string(), name);
        }
    }

    #[test]
    fn other_words_are_no_types() {
        for text in [
            "",
            "int",
            "Int64",
            "list",
            "list<>",
            "list<list<int64>>",
            "list<int64",
            "list <int64>",
            "int64 ",
        ] {
            assert_eq!(text.parse::<ColumnType>(), Err(UnknownType(text.to_owned())));
        }
    }
}

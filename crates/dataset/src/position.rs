//! How far a run is, and what it was started with.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What is committed: everything before here, nothing after.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// Members of the archive, failed ones included.
    pub members: u64,
    /// How many of them failed.
    pub failed: u64,
    /// How far the next member is, if something of it is committed.
    pub open: Option<OpenMember>,
    /// Documents that gave rows.
    pub documents: u64,
    /// Documents that failed, failed members included.
    pub failures: u64,
    /// Lines of `rescued.ndjson`.
    pub rescued: u64,
    /// Rows, by table.
    pub rows: Vec<u64>,
    /// How much was read of a source that is read once, in order.
    pub source: Option<SourcePrefix>,
}

/// How far a member is that holds many documents.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenMember {
    /// Up to which byte of its content; a document ends before, and the next one begins at or behind it.
    pub byte: u64,
    /// How many lines (or, in an array, elements) that is.
    pub line: u64,
    /// How many rows these gave, by table.
    pub rows: Vec<u64>,
}

/// What was read of a source that is read once, in order. Whoever reads the source gives it a meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourcePrefix {
    /// Which of several sources it is, from 0.
    #[serde(default)]
    pub archive: u64,
    /// How many bytes.
    pub bytes: u64,
    /// Their hash; in JSON sixteen hexadecimal digits, because many readers of JSON hold numbers as doubles.
    #[serde(serialize_with = "to_hex", deserialize_with = "from_hex")]
    pub hash: u64,
}

/// What a run's bytes depend on, besides its tables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Description {
    /// What has to be the same for a run to go on. The caller compares them; here they are kept.
    pub inputs: Vec<Input>,
    /// The text of `feature_map.resolved.yaml`.
    pub resolved_map: String,
}

/// One thing that a run's bytes depend on: an option, a property of the archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// What it is called where it is compared, such as `--buffer-rows`.
    pub name: String,
    /// Its value.
    pub value: String,
}

fn to_hex<S: Serializer>(hash: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{hash:016x}"))
}

fn from_hex<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let text = String::deserialize(deserializer)?;
    u64::from_str_radix(&text, 16).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_round_trip() {
        for hash in [0, 1, u64::MAX] {
            let position = Position {
                members: 3,
                rows: vec![1, 2],
                open: Some(OpenMember {
                    byte: 7,
                    line: 2,
                    rows: vec![1, 0],
                }),
                source: Some(SourcePrefix {
                    archive: 0,
                    bytes: 9,
                    hash,
                }),
                ..Position::default()
            };
            let text = serde_json::to_string(&position).expect("serializes");
            assert!(text.contains(&format!("\"{hash:016x}\"")), "{text}");
            assert_eq!(serde_json::from_str::<Position>(&text).expect("parses"), position);
        }
    }
}

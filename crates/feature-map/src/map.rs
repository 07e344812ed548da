//! A whole map: its keys, and the rules that span its features.

use std::collections::HashMap;
use std::ops::Range;

use crate::error::{MapError, MapErrors};
use crate::id::PlacedId;
use crate::plan::{Feature, Loop, Plan};
use crate::reader::{Entry, Fields, Reader};
use crate::schema::{LINE_COLUMN, MEMBER_COLUMN};
use crate::source::Source;
use crate::table::{Loops, loop_names};
use crate::trie::Trie;
use crate::yaml::{self, Kind, Meaning, Node};

/// The keys of a map.
const MAP_KEYS: [&str; 5] = ["version", "id", "provenance", "for", "features"];

/// The columns that `provenance: true` may add.
const PROVENANCE_COLUMNS: [&str; 3] = [MEMBER_COLUMN, LINE_COLUMN, "_archive"];

/// The column that engines make of the partition directories `feature=NAME`.
const PARTITION_COLUMN: &str = "feature";

/// Reads a feature map. `file` is only its name in messages; nothing is opened.
///
/// Both forms are read: version 1, and the older list of `name`, `path` and `dtype`.
///
/// # Errors
///
/// Everything that is wrong with the map, as far as one error does not hide another.
pub fn parse(file: &str, text: &str) -> Result<Plan, MapErrors> {
    // The YAML parser skips a byte order mark without counting it, and so must everything that uses its positions.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader::new(Source::new(file, text));
    let root = yaml::read(&reader.source, text, &mut reader.errors);
    let plan = root.and_then(|root| reader.map(&root));
    match (MapErrors::new(reader.errors), plan) {
        (Some(errors), _) => Err(errors),
        (None, Some(plan)) => Ok(plan),
        (None, None) => unreachable!("whatever leaves a map without a plan notes an error"),
    }
}

/// What all features of a map have in common.
pub(crate) struct Head {
    pub(crate) ids: Option<Vec<PlacedId>>,
    pub(crate) provenance: bool,
    pub(crate) shared: Vec<Loop>,
}

impl Reader<'_> {
    fn map(&mut self, root: &Node) -> Option<Plan> {
        let fields = self.fields(root, root.span.clone(), "the feature map", &MAP_KEYS)?;
        self.check_version(&fields);
        let provenance = fields.get("provenance").map_or(Some(false), |entry| self.bool(entry));
        let Some(features) = fields.get("features") else {
            return self.missing(
                &fields,
                root.span.clone(),
                "the feature map has no `features`",
                "write `features:` with at least one `NAME: PATH`",
            );
        };
        let head = |ids, shared| Head {
            ids,
            provenance: provenance.unwrap_or(false),
            shared,
        };
        if let Kind::Sequence(items) = &features.value.kind {
            let ids = self.older_ids(&fields);
            return self.older_features(features, items, head(ids, Vec::new()));
        }
        let no_loops = Loops {
            list: Vec::new(),
            whole: true,
        };
        let shared = fields.get("for").map_or(no_loops, |entry| self.loops(entry, &[])).list;
        let ids = self.required_ids(&fields, root, &shared);
        let entries = self.entries(
            features.value,
            features.place(),
            "`features`",
            "write `NAME: PATH` for each feature",
        )?;
        let read: Vec<_> = entries
            .iter()
            .map(|&entry| (entry, self.feature(entry, &shared)))
            .collect();
        self.plan(features, head(ids, shared), read)
    }

    fn check_version(&mut self, fields: &Fields<'_>) {
        let Some(entry) = fields.get("version") else { return };
        let Kind::Scalar(text, style) = &entry.value.kind else {
            return self.wrong_version(entry, entry.value.kind_name());
        };
        match yaml::meaning(text, *style) {
            Meaning::Number if text == "1" => {}
            Meaning::Number => self.wrong_version(entry, text),
            _ => self.wrong_version(entry, entry.value.kind_name()),
        }
    }

    fn wrong_version(&mut self, entry: Entry<'_>, found: &str) {
        self.error::<()>(
            entry.place(),
            format!("the version of a feature map is the number 1, and this is {found}"),
            "write `version: 1`",
        );
    }

    fn required_ids(&mut self, fields: &Fields<'_>, root: &Node, shared: &[Loop]) -> Option<Vec<PlacedId>> {
        match fields.get("id") {
            Some(entry) => self.ids(entry, &loop_names(shared)),
            None => self.missing(
                fields,
                root.span.clone(),
                "the feature map has no `id`, so nothing would say which document a row comes from",
                "write `id: doc_id` to name each document by its file's base name",
            ),
        }
    }

    /// Checks what spans the features, and merges their paths.
    pub(crate) fn plan(
        &mut self,
        features: Entry<'_>,
        head: Head,
        read: Vec<(Entry<'_>, Option<Feature>)>,
    ) -> Option<Plan> {
        if read.is_empty() {
            return self.error(
                features.place(),
                "the feature map has no features",
                "write at least one `NAME: PATH` under `features`",
            );
        }
        self.check_feature_names(&read);
        let reserved = self.check_ids(&head);
        for (entry, feature) in &read {
            let Some(feature) = feature else { continue };
            self.check_columns(*entry, feature, &reserved);
        }
        let list: Option<Vec<_>> = read.into_iter().map(|(_, feature)| feature).collect();
        let ids = head.ids?.into_iter().map(|placed| placed.id).collect();
        let names = std::mem::take(&mut self.names).into_list();
        let mut plan = Plan {
            ids,
            provenance: head.provenance,
            shared_loops: head.shared.len(),
            features: list?,
            names,
            trie: Trie::default(),
        };
        match Trie::compile(&plan) {
            Ok(trie) => plan.trie = trie,
            Err(error) => {
                return self.error(
                    features.key_node.span.clone(),
                    error.to_string(),
                    "write simpler paths, or several maps",
                );
            }
        }
        Some(plan)
    }

    fn check_feature_names(&mut self, read: &[(Entry<'_>, Option<Feature>)]) {
        let mut seen = HashMap::new();
        for (entry, _) in read {
            let place = entry.key_node.span.clone();
            if entry.key.is_empty() {
                self.error::<()>(place, "a feature's name is empty", "give it a name");
            } else if let Some(first) = seen.insert(entry.key.to_lowercase(), entry.key) {
                self.error::<()>(place, same_name("features", first, entry.key), "rename one of them");
            }
        }
    }

    /// Checks the ids' names, and gives the names that no column may have, each with the reason.
    fn check_ids(&mut self, head: &Head) -> Reserved {
        let mut reserved = Reserved::new(head.provenance);
        for PlacedId { id, place } in head.ids.iter().flatten() {
            if let Some(error) = reserved.refuse(&id.name, place.clone(), &self.source) {
                self.errors.push(error);
            }
            reserved.reasons.insert(
                id.name.to_lowercase(),
                format!("an id column is named `{}` already", id.name),
            );
        }
        reserved
    }

    fn check_columns(&mut self, entry: Entry<'_>, feature: &Feature, reserved: &Reserved) {
        let places = column_places(entry);
        let mut seen: HashMap<String, &str> = HashMap::new();
        for column in &feature.columns {
            let place = places.get(column.name.as_str()).unwrap_or(&entry.key_node.span);
            if let Some(error) = reserved.refuse(&column.name, place.clone(), &self.source) {
                self.errors.push(error);
            }
            if let Some(first) = seen.insert(column.name.to_lowercase(), &column.name) {
                self.error::<()>(
                    place.clone(),
                    same_name("columns", first, &column.name),
                    "rename one of them",
                );
            }
        }
    }
}

/// Column names that are taken, in lower case, each with the reason.
struct Reserved {
    reasons: HashMap<String, String>,
}

impl Reserved {
    fn new(provenance: bool) -> Self {
        let mut reasons = HashMap::new();
        reasons.insert(
            PARTITION_COLUMN.to_owned(),
            "engines read a column `feature` from the directories `feature=NAME`".to_owned(),
        );
        if provenance {
            reasons.extend(
                PROVENANCE_COLUMNS.map(|name| (name.to_owned(), format!("`provenance: true` adds a column `{name}`"))),
            );
        }
        Self { reasons }
    }

    /// The error of a column with this name at `place`, if it may not have it.
    fn refuse(&self, name: &str, place: Range<usize>, source: &Source<'_>) -> Option<MapError> {
        if name.is_empty() {
            return Some(source.error(place, "a column's name is empty", "give it a name"));
        }
        let reason = self.reasons.get(&name.to_lowercase())?;
        Some(source.error(
            place,
            format!("a column cannot be named `{name}`: {reason}"),
            "give it another name",
        ))
    }
}

/// Where the columns of a feature are named.
fn column_places<'n>(feature: Entry<'n>) -> HashMap<&'n str, Range<usize>> {
    let entries = |node: &'n Node| match &node.kind {
        Kind::Mapping(entries) => entries.as_slice(),
        Kind::Scalar(..) | Kind::Sequence(_) => &[],
    };
    let named = |(key, value): &'n (Node, Node)| match &key.kind {
        Kind::Scalar(name, _) => Some((name.as_str(), key, value)),
        Kind::Sequence(_) | Kind::Mapping(_) => None,
    };
    let columns = entries(feature.value)
        .iter()
        .filter_map(named)
        .find(|(name, ..)| *name == "columns");
    let columns = columns.map_or(&[][..], |(_, _, columns)| entries(columns));
    columns
        .iter()
        .filter_map(named)
        .map(|(name, key, _)| (name, key.span.clone()))
        .collect()
}

fn same_name(what: &str, first: &str, second: &str) -> String {
    if first == second {
        return format!("two {what} are named `{first}`");
    }
    format!("two {what} are named `{first}` and `{second}`: engines take names that differ only in case for the same")
}

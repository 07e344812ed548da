//! From a profile to a feature map that runs as it is.
//!
//! - What the document itself has of scalars becomes one table, and so does each object at its root; objects below are a part of
//!   these, their names joined by `_`.
//! - An array of objects becomes a table of its own, with a loop; arrays below it go on with its loops.
//! - An object that is used as a map becomes a table too, with its keys as a column.
//! - A value that is sometimes one object and sometimes an array of them becomes a loop with a fallback.
//! - An array of scalars is a list; all else is `json`, with its exact text. Where nearly all values are objects, or arrays of them,
//!   they count as if all were.

mod names;
mod tables;
mod text;

use tarquet_feature_map::MapErrors;

use crate::profile::Profile;

use self::tables::{Columns, Table, Tables};

/// What is known of where documents come from, as far as ids need it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Identity {
    /// Whether some members hold many documents, so that a member's name is no id.
    pub many_a_member: bool,
    /// Whether members in different directories have the same base name.
    pub repeated_names: bool,
}

/// A feature map to start from.
#[derive(Debug)]
pub struct Draft {
    documents: u64,
    id: Id,
    tables: Vec<Table>,
    /// How many tables more there would be, were there no limit.
    left_out: usize,
    /// The map.
    yaml: String,
}

/// The id column.
#[derive(Debug, PartialEq, Eq)]
enum Id {
    /// The member's base name.
    BaseName,
    /// The member's whole name.
    WholeName,
    /// A value of the document.
    Member { column: String, name: String, ty: String },
    /// The member's name, which is none; provenance tells documents apart.
    Provenance,
}

/// What the id column is called where it is made from the member's name.
const ID_COLUMN: &str = "file";

impl Draft {
    /// A map for documents of this profile, of which maps have been [folded](Profile::fold_maps): the largest that is valid.
    ///
    /// # Errors
    ///
    /// No map of any size is valid, which is a bug.
    pub fn of(profile: &Profile, identity: Identity) -> Result<Draft, MapErrors> {
        let mut most = tables::MOST_TABLES;
        loop {
            let mut draft = Draft::within(profile, identity, most);
            draft.yaml = text::yaml(&draft);
            match tarquet_feature_map::parse("the map", &draft.yaml) {
                Ok(_) => return Ok(draft),
                Err(errors) if most == 1 => return Err(errors),
                // A plan may have only so many paths.
                Err(_) => most /= 2,
            }
        }
    }

    /// A map of so many tables at the most.
    fn within(profile: &Profile, identity: Identity, most: usize) -> Draft {
        let mut profile = profile.clone();
        let id = id(&profile, identity);
        let (taken, known) = match &id {
            Id::Member { column, name, .. } => (column.as_str(), Some(name.as_str())),
            _ => (ID_COLUMN, None),
        };
        let documents = profile.documents();
        let tables = Tables::of(&mut profile, taken, known, most);
        Draft {
            documents,
            id,
            left_out: tables.left_out,
            tables: tables.done,
            yaml: String::new(),
        }
    }

    /// How many tables it has.
    pub fn tables(&self) -> usize {
        self.tables.len()
    }

    /// How many columns its tables have together.
    pub fn columns(&self) -> usize {
        self.tables.iter().map(|table| table.columns.len()).sum()
    }

    /// The map, with a comment for each table and each column.
    pub fn yaml(&self) -> &str {
        &self.yaml
    }
}

/// Names of members that are ids, if there are such, best ones first.
const ID_NAMES: [&str; 12] = [
    "id", "_id", "uuid", "guid", "key", "doi", "url", "uri", "name", "code", "number", "slug",
];

fn id(profile: &Profile, identity: Identity) -> Id {
    if !identity.many_a_member {
        return match identity.repeated_names {
            true => Id::WholeName,
            false => Id::BaseName,
        };
    }
    let root = profile.node(profile.root());
    let unique = root.members.iter().filter_map(|(name, child)| {
        let node = profile.node(*child);
        let ty = Columns::scalar_type(node)?;
        let is_always_there = node.kinds.scalars() == profile.documents() && node.kinds.all() == profile.documents();
        let distinct = node.distinct_values();
        let is_unique = match node.distinct.is_exact() {
            true => distinct == profile.documents(),
            // Twice what the estimate errs by.
            false => distinct as f64 >= 0.91 * profile.documents() as f64,
        };
        let is_key = matches!(ty.as_str(), "int64" | "string");
        (is_always_there && is_unique && is_key).then_some((name, ty))
    });
    let rank = |name: &str| {
        let lower = name.to_ascii_lowercase();
        let known = ID_NAMES.iter().position(|known| lower == *known);
        known.unwrap_or(if lower.ends_with("id") {
            ID_NAMES.len()
        } else {
            ID_NAMES.len() + 1
        })
    };
    match unique.min_by_key(|(name, _)| rank(name)) {
        Some((name, ty)) => Id::Member {
            column: names::Taken::with(tables::RESERVED).take([names::snake_case(name)]),
            name: name.clone(),
            ty,
        },
        None => Id::Provenance,
    }
}

#[cfg(test)]
mod tests;

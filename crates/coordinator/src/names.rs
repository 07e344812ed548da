//! Looking for ids that members' names give twice.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

use serde::{Deserialize, Serialize};
use tarquet_feature_map::plan::IdSource;
use tarquet_feature_map::{MemberIds, Plan, display_name};
use twox_hash::XxHash3_64;

/// Names are looked at for repeats up to this many members, so that memory stays bounded: what fits into a table of 2^20
/// places, of 9 bytes each. The next larger one would take twice as much.
const NAMES_COMPARED: usize = (1 << 20) / 8 * 7;

/// What is known of the names of some members.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Known {
    /// The hashes of their ids.
    pub(crate) ids: Vec<u64>,
    /// A name whose id some member before had, if there was one.
    pub(crate) repeated: Option<String>,
}

/// Looks for ids that members' names give twice.
pub(crate) struct Names {
    ids: Option<MemberIds>,
    columns: usize,
    /// A member of many documents whose ids are all the same.
    shared: Option<String>,
    seen: HashSet<u64, BuildHasherDefault<AsItIs>>,
    repeated: Option<String>,
    /// What was seen since [`Names::take_fresh`], where somebody asks for that.
    fresh: Option<Vec<u64>>,
}

impl Names {
    /// For members behind those of which `known` is known. `keep` says whether somebody will ask for what is new.
    pub(crate) fn new(plan: &Plan, known: Known, keep: bool) -> Names {
        let by_name = plan.ids.iter().all(|id| !matches!(id.source, IdSource::Value(_)));
        Names {
            // The pattern of a checked map compiles; without ids there is nothing to compare.
            ids: by_name.then(|| MemberIds::new(plan).ok()).flatten(),
            columns: plan.ids.len(),
            shared: None,
            seen: known.ids.into_iter().collect(),
            repeated: known.repeated,
            fresh: keep.then(Vec::new),
        }
    }

    /// Looks at the next member's name.
    pub(crate) fn see(&mut self, name: &[u8]) {
        let Some(ids) = self
            .ids
            .as_ref()
            .filter(|_| self.repeated.is_none() && self.seen.len() < NAMES_COMPARED)
        else {
            return;
        };
        let name = display_name(name);
        let id = (0..self.columns).fold(0, |before, column| match ids.id(column, &name) {
            Some(id) => XxHash3_64::oneshot_with_seed(before, id.as_bytes()),
            None => XxHash3_64::oneshot_with_seed(!before, &[]),
        });
        if self.seen.insert(id) {
            self.fresh.iter_mut().for_each(|fresh| fresh.push(id));
        } else {
            self.repeated = Some(name.into_owned());
        }
    }

    /// Looks at the name of the next member, which holds many documents.
    pub(crate) fn see_many(&mut self, name: &[u8]) {
        if self.ids.is_some() && self.shared.is_none() {
            self.shared = Some(display_name(name).into_owned());
        }
        self.see(name);
    }

    /// The first member of many documents, if their ids are all the same.
    pub(crate) fn shared(&self) -> Option<&String> {
        self.shared.as_ref()
    }

    /// The first name whose id some member before had.
    pub(crate) fn repeated(&self) -> Option<&String> {
        self.repeated.as_ref()
    }

    /// What became known since the last call.
    pub(crate) fn take_fresh(&mut self) -> Known {
        Known {
            ids: self.fresh.as_mut().map(std::mem::take).unwrap_or_default(),
            repeated: self.repeated.clone(),
        }
    }

    /// Nobody asks for what is new any more.
    pub(crate) fn forget_fresh(&mut self) {
        self.fresh = None;
    }
}

/// Takes a hash for a hash.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        // Nothing but whole hashes is ever put into the set.
        self.0 = XxHash3_64::oneshot_with_seed(self.0, bytes);
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(map: &str, known: Known) -> Names {
        Names::new(&tarquet_feature_map::parse("map.yaml", map).unwrap(), known, true)
    }

    const BY_NAME: &str = "{id: doc, features: {a: $.a}}";

    #[test]
    fn the_first_id_that_repeats_is_told() {
        let mut names = names(BY_NAME, Known::default());
        for name in ["a/1.json", "a/2.json", "b/3.json"] {
            names.see(name.as_bytes());
            assert_eq!(names.repeated(), None, "{name}");
        }
        names.see(b"b/2.json");
        names.see(b"b/1.json");
        assert_eq!(names.repeated().map(String::as_str), Some("b/2.json"));
    }

    #[test]
    fn ids_of_several_columns_repeat_as_a_whole() {
        let column = |name: &str, pattern: &str| format!("{{column: {name}, pattern: '{pattern}'}}");
        let (one, two) = (column("one", "^([^/]*)/"), column("two", "/x([^/]*)$"));
        let map = format!("{{id: [{one}, {two}], features: {{a: $.a}}}}");
        let mut names = names(&map, Known::default());
        for name in ["a/xb", "b/xa", "a/xa", "b/xb", "ab/x", "a/y", "/xa", "a/x", "/x"] {
            names.see(name.as_bytes());
            assert_eq!(names.repeated(), None, "{name}");
        }
        names.see(b"b/c/xa");
        assert_eq!(names.repeated().map(String::as_str), Some("b/c/xa"));
    }

    #[test]
    fn ids_of_documents_are_nobodys_names() {
        let mut names = names("{id: {column: id, path: $.id}, features: {a: $.a}}", Known::default());
        names.see(b"1.json");
        names.see(b"1.json");
        assert_eq!(names.repeated(), None);
    }

    #[test]
    fn what_was_seen_before_is_known() {
        let mut first = names(BY_NAME, Known::default());
        let mut parts = Vec::new();
        for name in ["1.json", "2.json", "3.json"] {
            first.see(name.as_bytes());
            parts.push(first.take_fresh());
        }
        let ids: Vec<u64> = parts.iter().flat_map(|part| part.ids.clone()).collect();
        assert_eq!(ids.len(), 3);
        let mut second = names(BY_NAME, Known { ids, repeated: None });
        second.see(b"4.json");
        assert_eq!(second.repeated(), None);
        second.see(b"x/2.json");
        assert_eq!(second.take_fresh().repeated.as_deref(), Some("x/2.json"));
    }
}

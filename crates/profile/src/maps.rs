//! Which objects are used as maps: their members' names are data, and what is below one name is like what is below another.
//!
//! These are rules of thumb. They look at how many names there are, at how few of them an object has, at what the names look
//! like, and at how alike the values are.

use std::collections::{BTreeMap, BTreeSet};

use crate::node::{Node, NodeId};
use crate::profile::{Profile, share};

/// Fewer names are never data.
const FEWEST: usize = 4;

/// So many names are data if their values are alike, whatever else: nobody wants a table of so many columns.
const TOO_MANY_FOR_COLUMNS: usize = 150;

/// So many are, where too few objects were seen to tell how many of them each has.
const MANY_OF_FEW_OBJECTS: usize = 40;

/// From so many objects on, it is telling which names each has.
const OBJECTS: u64 = 4;

/// Where names are data, an object has few of them.
const MOST_PRESENCE: f64 = 0.25;

/// So many names are enough for that.
const MANY: usize = 12;

/// So many are, where what is below each is a map itself: nobody wants a table for each.
const FEWEST_OF_MAPS: usize = 6;

/// Where many names have objects below them that share so much of their names, these are rows of one table.
const SAME_STRUCTURE: f64 = 0.6;

/// Objects with fewer names in the mean tell nothing by them.
const TELLING_NAMES: f64 = 3.0;

/// Values are alike if such a share of them is of one kind.
const SAME_KIND: f64 = 0.9;

/// Objects are alike if each has, in the mean, such a share of the names that all of them have.
const SAME_NAMES: f64 = 0.3;

impl Profile {
    /// Folds every object that looks like a map.
    pub fn fold_maps(&mut self) {
        let mut ahead = vec![self.root()];
        while let Some(id) = ahead.pop() {
            if self.is_map(id) {
                self.fold(id);
            }
            ahead.extend(self.node(id).children());
        }
    }

    /// Whether the objects at a node are used as maps.
    pub(crate) fn is_map(&self, id: NodeId) -> bool {
        let node = self.node(id);
        if node.any.is_some() {
            return true;
        }
        let names = node.members.len();
        if names < FEWEST || !self.are_alike(node) {
            return false;
        }
        if self.are_maps(node) && names >= FEWEST_OF_MAPS || names >= MANY && self.similarity(node) >= SAME_STRUCTURE {
            return true;
        }
        let are_data = node.members.iter().filter(|(name, _)| looks_like_data(name)).count();
        if share(are_data as u64, names as u64) >= 0.5 || names >= TOO_MANY_FOR_COLUMNS {
            return true;
        }
        if node.kinds.objects < OBJECTS {
            return names >= MANY_OF_FEW_OBJECTS;
        }
        names >= MANY && node.sizes.mean() / names as f64 <= MOST_PRESENCE
    }

    /// Whether what is below one name is like what is below another.
    fn are_alike(&self, node: &Node) -> bool {
        let children: Vec<&Node> = node.members.iter().map(|(_, child)| self.node(*child)).collect();
        let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
        for child in &children {
            *kinds.entry(main_kind(child)).or_default() += 1;
        }
        let (kind, count) = kinds.into_iter().max_by_key(|(_, count)| *count).unwrap_or_default();
        if share(count, children.len() as u64) < SAME_KIND {
            return false;
        }
        kind != "object" || self.are_maps(node) || self.shared_names(node).0 >= SAME_NAMES
    }

    /// Whether what is below the names are maps themselves.
    fn are_maps(&self, node: &Node) -> bool {
        let children = node.members.iter().map(|(_, child)| *child);
        let objects: Vec<NodeId> = children.filter(|child| self.node(*child).kinds.objects > 0).collect();
        let (maps, others): (Vec<NodeId>, Vec<NodeId>) = objects.into_iter().partition(|child| self.is_map(*child));
        // Some have too few names to tell, but values like those of the others.
        let kinds = |id: &NodeId| -> BTreeSet<&str> {
            let node = self.node(*id);
            node.children().map(|child| main_kind(self.node(child))).collect()
        };
        let known: BTreeSet<&str> = maps.iter().flat_map(kinds).collect();
        let alike = others
            .iter()
            .filter(|id| self.node(**id).members.len() < MANY && kinds(id).is_subset(&known));
        let all = node.members.len() as u64;
        share(maps.len() as u64, all) >= 0.5 && share((maps.len() + alike.count()) as u64, all) >= SAME_KIND
    }

    /// How alike objects below different names are, if they have enough names to tell.
    fn similarity(&self, node: &Node) -> f64 {
        match self.shared_names(node) {
            (shared, mean) if mean >= TELLING_NAMES => shared,
            _ => 0.0,
        }
    }

    /// Which share of all names of the objects below a node's names each of these has in the mean, and how many that is. Of objects
    /// without names, which are as alike as can be, all.
    fn shared_names(&self, node: &Node) -> (f64, f64) {
        let objects = node.members.iter().map(|(_, child)| self.node(*child));
        let objects: Vec<&Node> = objects.filter(|child| child.kinds.objects > 0).collect();
        let names: BTreeSet<&str> = objects
            .iter()
            .flat_map(|child| &child.members)
            .map(|(name, _)| name.as_str())
            .collect();
        let all: usize = objects.iter().map(|child| child.members.len()).sum();
        let mean = all as f64 / objects.len().max(1) as f64;
        match names.len() {
            0 => (1.0, mean),
            count => (mean / count as f64, mean),
        }
    }
}

/// What most values at a node are.
fn main_kind(node: &Node) -> &'static str {
    use tarquet_feature_map::Seen;
    let of = |seen: &[Seen]| seen.iter().map(|seen| node.kinds.of(*seen)).sum::<u64>();
    let kinds = [
        ("object", node.kinds.objects),
        ("array", node.kinds.arrays),
        ("string", of(&[Seen::String])),
        ("number", of(&[Seen::Int, Seen::WideInt, Seen::HugeInt, Seen::Fraction])),
        ("bool", of(&[Seen::Bool])),
        ("other", of(&[Seen::JsonOnly])),
        ("null", of(&[Seen::Null])),
    ];
    let most = kinds.into_iter().rev().max_by_key(|(_, count)| *count);
    most.map_or("null", |(kind, _)| kind)
}

/// Whether a name is none that somebody would give a field: a number, a version, a date, a path, a text of several words.
fn looks_like_data(name: &str) -> bool {
    name.is_empty()
        || name.starts_with(|first: char| first.is_ascii_digit() || first == '/')
        || name.contains(|character: char| character.is_whitespace() || character == '/')
        || name.len() > 60
}

#[cfg(test)]
mod tests {
    use tarquet_projection::EngineKind;

    use crate::Profiler;

    /// The paths of these documents, once maps are folded.
    fn paths<D: AsRef<str>>(documents: impl IntoIterator<Item = D>) -> Vec<String> {
        let mut profiler = Profiler::new(EngineKind::Structural);
        for document in documents {
            profiler.add(document.as_ref().as_bytes()).unwrap();
        }
        let mut profile = profiler.take();
        profile.fold_maps();
        profile.entries().map(|entry| entry.path).collect()
    }

    #[test]
    fn names_that_are_data_are_folded() {
        let versions = r#"{"time": {"1.0.0": "a", "1.0.1": "b", "2.0.0": "c", "created": "d"}}"#;
        assert_eq!(paths([versions]), ["$", "$.time", "$.time.*"]);
        let routes = r#"{"paths": {"/a": {"get": 1}, "/b": {"get": 2}, "/c": {"post": 1}, "/d": {"get": 1}}}"#;
        assert_eq!(
            paths([routes]),
            ["$", "$.paths", "$.paths.*", "$.paths.*.get", "$.paths.*.post"]
        );
    }

    #[test]
    fn names_of_which_each_object_has_few_are_folded() {
        let document =
            |number: usize| format!(r#"{{"icons": {{"i{number}": {{"body": "x"}}, "j{number}": {{"body": "y"}}}}}}"#);
        assert_eq!(
            paths((0..10).map(document)),
            ["$", "$.icons", "$.icons.*", "$.icons.*.body"]
        );
    }

    #[test]
    fn fields_are_not_folded() {
        // All of one kind, but each document has all of them.
        let names: Vec<String> = (0..30).map(|number| format!("\"field_{number}\": {number}")).collect();
        let document = format!("{{\"config\": {{{}}}}}", names.join(", "));
        assert_eq!(paths(vec![document.as_str(); 5]).len(), 32);
        // One object, and not so many that they must be data.
        assert_eq!(paths([document.as_str()]).len(), 32);
        // Many names of which each document has few, but each is something else.
        let document = |number: usize| {
            let value = ["1", "\"x\"", "{\"a\": 1}", "[1]"][number % 4];
            format!("{{\"kind_{number}\": {value}}}")
        };
        assert!(paths((0..20).map(document)).len() > 20);
    }

    #[test]
    fn maps_of_maps_are_folded() {
        let document = |number: usize| {
            let versions: Vec<String> = (0..9)
                .map(|browser| {
                    let support: Vec<String> = (0..6).map(|version| format!("\"{version}.{number}\": \"y\"")).collect();
                    format!("\"browser_{browser}\": {{{}}}", support.join(", "))
                })
                .collect();
            format!("{{\"stats\": {{{}}}}}", versions.join(", "))
        };
        assert_eq!(
            paths((0..3).map(document)),
            ["$", "$.stats", "$.stats.*", "$.stats.*.*"]
        );
    }
}

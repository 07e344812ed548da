//! Which objects are used as maps: their members' names are data, and what is below one name is like what is below another.
//!
//! These are rules of thumb. They look at how many names there are, at how few of them an object has, at what the names look
//! like, and at how alike the values are.

use std::collections::BTreeMap;

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
        kind != "object" || self.have_the_same_names(node)
    }

    /// Whether objects below different names have the same names, or are maps themselves.
    fn have_the_same_names(&self, node: &Node) -> bool {
        let objects = node.members.iter().map(|(_, child)| *child);
        let objects: Vec<NodeId> = objects.filter(|child| self.node(*child).kinds.objects > 0).collect();
        let maps = objects.iter().filter(|child| self.is_map(**child)).count();
        if share(maps as u64, objects.len() as u64) >= SAME_KIND {
            return true;
        }
        let mut names: BTreeMap<&str, u64> = BTreeMap::new();
        for (name, _) in objects.iter().flat_map(|child| &self.node(*child).members) {
            *names.entry(name).or_default() += 1;
        }
        // Empty ones are as alike as can be.
        names.is_empty() || share(names.values().sum(), (names.len() * objects.len()) as u64) >= SAME_NAMES
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
        let paths = paths((0..3).map(document));
        assert!(paths.contains(&"$.stats.browser_0.*".to_owned()), "{paths:?}");
    }
}

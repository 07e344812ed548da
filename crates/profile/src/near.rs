//! Where in a profile a path ends that finds nothing, and which path that does is near it.

use std::collections::BTreeSet;

use tarquet_feature_map::plan::{Path, Plan, Selector};
use tarquet_feature_map::writing::{member_step, nearest};

use crate::node::NodeId;
use crate::profile::Profile;

/// A step of a path, as far as names go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sought {
    /// The member of one of these names.
    Members(Vec<String>),
    /// An element, whichever.
    Elements,
    /// An element or a member of any name.
    Any,
}

impl Sought {
    /// The steps of a plan's path, filters and positions not looked at.
    pub fn of(path: &Path, plan: &Plan) -> Vec<Sought> {
        let steps = path.segments.iter().map(|segment| {
            let names = segment.selectors.iter().filter_map(|selector| match selector {
                Selector::Name(name) => Some(plan.names[name.0 as usize].clone()),
                _ => None,
            });
            let names: Vec<String> = names.collect();
            let is_any = |selector: &Selector| matches!(selector, Selector::Wildcard | Selector::Filter(_));
            if segment.selectors.iter().any(is_any) {
                Sought::Any
            } else if names.len() == segment.selectors.len() {
                Sought::Members(names)
            } else {
                Sought::Elements
            }
        });
        steps.collect()
    }
}

/// How far a path finds something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// To its end.
    All,
    /// Up to a step, where there is no such thing.
    Part {
        /// What is there, from the document on.
        there: String,
        /// A path that goes on from there, and is near.
        near: Option<String>,
    },
}

impl Profile {
    /// How far the steps find something.
    pub fn seek(&self, steps: &[Sought]) -> Found {
        let mut there = "$".to_owned();
        let mut nodes = BTreeSet::from([self.root()]);
        for (at, step) in steps.iter().enumerate() {
            let next: BTreeSet<NodeId> = nodes.iter().flat_map(|id| self.step(*id, step)).collect();
            if next.is_empty() {
                let near = self.near(&there, &nodes, step, &steps[at + 1..]);
                return Found::Part { there, near };
            }
            there += &self.text(step, &nodes);
            nodes = next;
        }
        Found::All
    }

    fn step(&self, id: NodeId, step: &Sought) -> Vec<NodeId> {
        let node = self.node(id);
        let members = node.members.iter();
        match step {
            Sought::Members(names) => members
                .filter(|(name, _)| names.contains(name))
                .map(|(_, child)| *child)
                .chain(node.any)
                .collect(),
            Sought::Elements => node.element.into_iter().collect(),
            Sought::Any => members
                .map(|(_, child)| *child)
                .chain(node.any)
                .chain(node.element)
                .collect(),
        }
    }

    /// A step that is there instead, and with which all the rest of the path is there.
    fn near(&self, there: &str, nodes: &BTreeSet<NodeId>, step: &Sought, rest: &[Sought]) -> Option<String> {
        let names: BTreeSet<&str> = nodes
            .iter()
            .flat_map(|id| self.node(*id).members.iter().map(|(name, _)| name.as_str()))
            .collect();
        let missing_array = [Sought::Elements, step.clone()];
        let mut candidates: Vec<Vec<Sought>> = Vec::new();
        if let Sought::Members(sought) = step {
            let similar = sought.iter().find_map(|name| nearest(name, names.iter().copied()));
            candidates.extend(similar.map(|name| vec![Sought::Members(vec![name.to_owned()])]));
            candidates.push(missing_array.to_vec());
            candidates.push(vec![Sought::Any, step.clone()]);
        } else {
            // No array is there, but what it was to hold.
            candidates.push(Vec::new());
        }
        let is_there = |steps: &[Sought]| {
            let mut nodes = nodes.clone();
            for step in steps {
                nodes = nodes.iter().flat_map(|id| self.step(*id, step)).collect();
            }
            !nodes.is_empty()
        };
        let whole = candidates.iter().find(|steps| is_there(&[steps, rest].concat()));
        let steps = match whole {
            Some(steps) => [steps, rest].concat(),
            // Better than nothing: the next step alone.
            None => candidates
                .into_iter()
                .find(|steps| !steps.is_empty() && is_there(steps))?,
        };
        let mut nodes = nodes.clone();
        let mut near = there.to_owned();
        for step in &steps {
            near += &self.text(step, &nodes);
            nodes = nodes.iter().flat_map(|id| self.step(*id, step)).collect();
        }
        Some(near)
    }

    /// A step from these nodes, as a map has it.
    fn text(&self, step: &Sought, nodes: &BTreeSet<NodeId>) -> String {
        let have_elements = nodes.iter().any(|id| self.node(*id).element.is_some());
        match step {
            Sought::Members(names) => names.first().map(|name| member_step(name)).unwrap_or_default(),
            Sought::Any if !have_elements => ".*".to_owned(),
            Sought::Elements | Sought::Any => "[*]".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use tarquet_projection::EngineKind;

    use super::*;
    use crate::Profiler;

    fn seek(document: &str, steps: &[Sought]) -> Found {
        let mut profiler = Profiler::new(EngineKind::Reference);
        profiler.add(document.as_bytes()).unwrap();
        profiler.take().seek(steps)
    }

    fn member(name: &str) -> Sought {
        Sought::Members(vec![name.to_owned()])
    }

    #[test]
    fn the_nearest_path_is_found() {
        let document = r#"{"data": {"offers": [{"totalPrice": 1, "legs": {"from": "x"}}]}}"#;
        let near = |steps: &[Sought]| match seek(document, steps) {
            Found::All => panic!("it is there"),
            Found::Part { there, near } => (there, near),
        };
        let found = |there: &str, path: &str| (there.to_owned(), Some(path.to_owned()));
        let (data, offers) = (member("data"), member("offers"));
        assert_eq!(
            seek(
                document,
                &[data.clone(), offers.clone(), Sought::Any, member("totalPrice")]
            ),
            Found::All
        );
        assert_eq!(
            near(&[data.clone(), offers.clone(), Sought::Any, member("totalPrise")]),
            found("$.data.offers[*]", "$.data.offers[*].totalPrice")
        );
        assert_eq!(
            near(&[data.clone(), member("Offer"), Sought::Elements, member("totalPrice")]),
            found("$.data", "$.data.offers[*].totalPrice")
        );
        // An array was forgotten, or is none.
        assert_eq!(
            near(&[data.clone(), offers.clone(), member("totalPrice")]),
            found("$.data.offers", "$.data.offers[*].totalPrice")
        );
        assert_eq!(
            near(&[
                data.clone(),
                offers,
                Sought::Any,
                member("legs"),
                Sought::Elements,
                member("from")
            ]),
            found("$.data.offers[*].legs", "$.data.offers[*].legs.from")
        );
        assert_eq!(near(&[data, member("something")]), ("$.data".to_owned(), None));
    }
}

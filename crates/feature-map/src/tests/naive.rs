//! A plain evaluation of paths over a whole document, straight from RFC 9535: what the trie is held against.

use serde_json::Value as Json;

use crate::plan::{Filter, FilterPath, FilterRoot, Path, Plan, Selector};

/// One step from a value to one inside it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    /// To a member.
    Member(String),
    /// To an element.
    Element(usize),
}

/// A value and the way to it.
#[derive(Debug, Clone)]
pub(crate) struct Place<'d> {
    pub(crate) way: Vec<Step>,
    pub(crate) value: &'d Json,
}

/// Evaluates the paths of one plan over one document, and notes where their ends are.
pub(crate) struct Naive<'d> {
    pub(crate) plan: &'d Plan,
    pub(crate) document: &'d Json,
    /// The ways to all values that filters look at.
    pub(crate) tested: Vec<Vec<Step>>,
}

impl<'d> Naive<'d> {
    pub(crate) fn root(&self) -> Place<'d> {
        Place {
            way: Vec::new(),
            value: self.document,
        }
    }

    pub(crate) fn path(&mut self, start: &Place<'d>, path: &Path) -> Vec<Place<'d>> {
        let mut places = vec![start.clone()];
        for segment in &path.segments {
            let mut next = Vec::new();
            for place in &places {
                for selector in &segment.selectors {
                    next.extend(self.select(place, selector));
                }
            }
            places = next;
        }
        places
    }

    fn select(&mut self, place: &Place<'d>, selector: &Selector) -> Vec<Place<'d>> {
        match (selector, place.value) {
            (Selector::Name(name), Json::Object(members)) => {
                let name = &self.plan.names[name.0 as usize];
                members
                    .get(name)
                    .map(|value| child(place, Step::Member(name.clone()), value))
                    .into_iter()
                    .collect()
            }
            (Selector::Index(index), Json::Array(items)) => {
                let length = items.len() as i64;
                let index = if *index < 0 { index + length } else { *index };
                let found = usize::try_from(index)
                    .ok()
                    .and_then(|index| items.get(index).map(|item| (index, item)));
                found
                    .map(|(index, item)| child(place, Step::Element(index), item))
                    .into_iter()
                    .collect()
            }
            (Selector::Slice { start, end, step }, Json::Array(items)) => slice(items.len(), *start, *end, *step)
                .into_iter()
                .map(|index| child(place, Step::Element(index), &items[index]))
                .collect(),
            (Selector::Wildcard, _) => children(place),
            (Selector::Filter(filter), _) => children(place)
                .into_iter()
                .filter(|place| self.holds(place, filter))
                .collect(),
            _ => Vec::new(),
        }
    }

    /// Whether a condition may hold. Comparisons are taken as always true: only where they look matters here.
    pub(crate) fn holds(&mut self, current: &Place<'d>, filter: &Filter) -> bool {
        match filter {
            // Every part is looked at, as an evaluation in another order would.
            Filter::And(parts) => parts.iter().fold(true, |all, part| self.holds(current, part) & all),
            Filter::Or(parts) => parts.iter().fold(false, |any, part| self.holds(current, part) | any),
            Filter::Not(inner) => !self.holds(current, inner),
            Filter::Exists(path) => self.tested(current, path),
            Filter::Compare { path, .. } => {
                self.tested(current, path);
                true
            }
        }
    }

    fn tested(&mut self, current: &Place<'d>, path: &FilterPath) -> bool {
        let start = match path.root {
            FilterRoot::Current => current.clone(),
            FilterRoot::Document => self.root(),
        };
        let found = self.path(&start, &path.path);
        self.tested.extend(found.iter().map(|place| place.way.clone()));
        !found.is_empty()
    }
}

fn child<'d>(place: &Place<'d>, step: Step, value: &'d Json) -> Place<'d> {
    let mut way = place.way.clone();
    way.push(step);
    Place { way, value }
}

pub(crate) fn children<'d>(place: &Place<'d>) -> Vec<Place<'d>> {
    match place.value {
        Json::Array(items) => items
            .iter()
            .enumerate()
            .map(|(index, item)| child(place, Step::Element(index), item))
            .collect(),
        Json::Object(members) => members
            .iter()
            .map(|(name, value)| child(place, Step::Member(name.clone()), value))
            .collect(),
        _ => Vec::new(),
    }
}

/// RFC 9535, section 2.3.4.2.2, word for word.
fn slice(length: usize, start: Option<i64>, end: Option<i64>, step: i64) -> Vec<usize> {
    let length = length as i64;
    let normal = |index: i64| if index >= 0 { index } else { length + index };
    let mut found = Vec::new();
    if step > 0 {
        let lower = normal(start.unwrap_or(0)).clamp(0, length);
        let upper = normal(end.unwrap_or(length)).clamp(0, length);
        let mut index = lower;
        while index < upper {
            found.push(index as usize);
            index += step;
        }
    } else if step < 0 {
        let upper = normal(start.unwrap_or(length - 1)).clamp(-1, length - 1);
        let lower = normal(end.unwrap_or(-length - 1)).clamp(-1, length - 1);
        let mut index = upper;
        while lower < index {
            found.push(index as usize);
            index += step;
        }
    }
    found
}

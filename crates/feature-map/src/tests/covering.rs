//! The law of the trie: every value that any path of the plan reaches in any document, a walk along the trie meets.

use proptest::prelude::*;
use serde_json::Value as Json;

use super::generate;
use super::naive::{Naive, Place, Step, children};
use crate::plan::*;
use crate::trie::{Trie, TrieId};

/// The node at which a walk along the trie stands after `way`.
fn walk(plan: &Plan, way: &[Step]) -> Option<TrieId> {
    let mut at = Trie::ROOT;
    for step in way {
        let node = plan.trie.node(at);
        at = match step {
            Step::Member(name) => {
                let id = plan
                    .names
                    .iter()
                    .position(|known| known == name)
                    .map(|id| NameId(id as u32));
                let named = node
                    .names
                    .iter()
                    .find(|(known, _)| Some(*known) == id)
                    .map(|(_, child)| *child);
                named.or(node.member)?
            }
            Step::Element(index) => {
                let at = node
                    .indices
                    .iter()
                    .find(|(known, _)| *known == *index as u64)
                    .map(|(_, child)| *child);
                at.or(node.element)?
            }
        };
    }
    Some(at)
}

fn assert_kept(plan: &Plan, way: &[Step], value: bool) -> Result<(), TestCaseError> {
    let Some(node) = walk(plan, way) else {
        return Err(TestCaseError::fail(format!("no node for {way:?}\n{}", plan.to_yaml())));
    };
    prop_assert!(
        !value || plan.trie.node(node).value,
        "{:?} is passed, not kept\n{}",
        way,
        plan.to_yaml()
    );
    Ok(())
}

/// The places of a feature's elements: for each loop, those that any of its paths selects.
fn elements<'d>(naive: &mut Naive<'d>, feature: &Feature) -> Vec<Vec<Place<'d>>> {
    let mut levels: Vec<Vec<Place<'d>>> = Vec::new();
    for a_loop in &feature.loops {
        let outer = levels.last().cloned().unwrap_or_else(|| vec![naive.root()]);
        let found = outer.iter().flat_map(|place| {
            let paths = a_loop.paths.iter();
            paths.flat_map(|path| naive.path(place, path)).collect::<Vec<_>>()
        });
        levels.push(found.collect());
    }
    levels
}

fn check_value(naive: &mut Naive<'_>, levels: &[Vec<Place<'_>>], value: &Value) -> Result<(), TestCaseError> {
    for path in &value.paths {
        let starts = match path.from {
            Origin::Document => vec![Vec::new()],
            Origin::Loop(of) => levels[of].iter().map(|place| place.way.clone()).collect(),
        };
        for start in starts {
            let start = at(naive.document, start);
            for place in naive.path(&start, &path.path) {
                assert_kept(naive.plan, &place.way, true)?;
                let single = matches!(value.take, None | Some(Take::First | Take::Last));
                if single && !matches!(value.ty, Some(ColumnType::Scalar(_))) && place.value.is_array() {
                    children(&place)
                        .iter()
                        .try_for_each(|element| assert_kept(naive.plan, &element.way, true))?;
                }
            }
        }
    }
    Ok(())
}

fn at(document: &Json, way: Vec<Step>) -> Place<'_> {
    let mut value = document;
    for step in &way {
        value = match step {
            Step::Member(name) => &value[name.as_str()],
            Step::Element(index) => &value[*index],
        };
    }
    Place { way, value }
}

fn check(plan: &Plan, document: &Json) -> Result<(), TestCaseError> {
    let mut naive = Naive {
        plan,
        document,
        tested: Vec::new(),
    };
    for feature in &plan.features {
        let levels = elements(&mut naive, feature);
        for place in levels.iter().flatten() {
            assert_kept(plan, &place.way, false)?;
        }
        if let Some(filter) = &feature.filter {
            let innermost = levels.last().cloned().unwrap_or_else(|| vec![naive.root()]);
            innermost.iter().for_each(|place| {
                naive.holds(place, filter);
            });
        }
        for value in feature.columns.iter().filter_map(|column| column.source.value()) {
            check_value(&mut naive, &levels, value)?;
        }
        for value in plan.ids.iter().filter_map(|id| id.source.value()) {
            check_value(&mut naive, &levels, value)?;
        }
    }
    naive.tested.iter().try_for_each(|way| assert_kept(plan, way, true))
}

/// What [`Trie`] promises of its form.
fn check_form(plan: &Plan) -> Result<(), TestCaseError> {
    let mut parents = vec![0; plan.trie.nodes.len()];
    for node in &plan.trie.nodes {
        prop_assert!(node.names.is_sorted_by(|one, next| one.0 < next.0));
        prop_assert!(node.indices.is_sorted_by(|one, next| one.0 < next.0));
        let children = node
            .names
            .iter()
            .map(|(_, child)| child)
            .chain(node.indices.iter().map(|(_, child)| child));
        for child in children.chain(&node.member).chain(&node.element) {
            parents[child.0 as usize] += 1;
        }
    }
    prop_assert_eq!(parents[0], 0, "nothing leads to the document");
    prop_assert!(
        parents[1..].iter().all(|&count| count == 1),
        "each other node has one parent"
    );
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_walk_meets_whatever_a_path_reaches(plan in generate::plan(), documents in proptest::collection::vec(generate::document(), 8)) {
        check_form(&plan)?;
        for document in &documents {
            check(&plan, document)?;
        }
    }
}

#[test]
fn the_trie_of_a_small_map() {
    let plan = super::features(
        "  a:\n    for: {x: '$.m.*', y: 'x[1]'}\n    columns: {n: $.m.k.n, v: 'x.v[*]', w: {index: y}}",
    );
    let id = |name: &str| NameId(plan.names.iter().position(|known| known == name).expect("known") as u32);
    let node = |way: &[Step]| plan.trie.node(walk(&plan, way).expect("covered"));
    let (m, k, other) = (
        Step::Member("m".into()),
        Step::Member("k".into()),
        Step::Member("other".into()),
    );

    let root = node(&[]);
    assert_eq!(root.names.iter().map(|(name, _)| *name).collect::<Vec<_>>(), [id("m")]);
    assert!(root.member.is_none() && root.element.is_none() && !root.value);
    // Under `k` there is all that is under any member, and more.
    let named = node(&[m.clone(), k.clone()]);
    let wild = node(&[m.clone(), other.clone()]);
    assert_eq!(
        named.names.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
        [id("n"), id("v")]
    );
    assert_eq!(wild.names.iter().map(|(name, _)| *name).collect::<Vec<_>>(), [id("v")]);
    assert_eq!(wild.indices.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [1]);
    // A loop's element is passed, not kept; a column's value is kept, and so are the elements of one without a type.
    assert!(!node(&[m.clone(), other.clone(), Step::Element(1)]).value);
    let n = node(&[m.clone(), k, Step::Member("n".into())]);
    assert!(n.value && n.element.is_some());
    assert!(!node(&[m.clone(), other.clone(), Step::Member("v".into())]).value);
    let v = node(&[m, other, Step::Member("v".into()), Step::Element(7)]);
    assert!(v.value && v.element.is_none());
}

#[test]
fn types_take_elements_out_of_the_trie() {
    let map = |ty: &str| super::features(&format!("  a: {{path: $.a{ty}}}"));
    let elements = |ty: &str| map(ty).trie.nodes.iter().filter(|node| node.element.is_some()).count();
    let cases = [
        ("", 1),
        (", type: list<json>", 1),
        (", type: list<int64>", 1),
        (", type: json", 0),
        (", type: int64", 0),
    ];
    for (ty, expected) in cases {
        assert_eq!(elements(ty), expected, "{ty}");
    }
}

#[test]
fn a_map_of_too_many_places_is_refused() {
    let path = format!("${}", "['a', 'b', *]".repeat(12));
    let text = format!("id: doc\nfeatures:\n  x: \"{path}\"\n");
    let errors = crate::parse("map.yaml", &text).expect_err("3^12 places");
    assert_eq!(
        errors.errors()[0].message,
        "the paths of the map lead to more than 65536 places in a document"
    );
}

#[test]
fn a_path_deeper_than_any_document_is_refused() {
    let map = |levels: usize| {
        format!(
            "id: doc\nfeatures:\n  x: {{path: $.a{}, type: json}}\n",
            ".a".repeat(levels - 1)
        )
    };
    assert!(crate::parse("map.yaml", &map(1024)).is_ok());
    let errors = crate::parse("map.yaml", &map(1025)).expect_err("too deep");
    assert_eq!(
        errors.errors()[0].message,
        "a path of the map leads deeper than 1024 levels, and no document may nest so deep"
    );
}

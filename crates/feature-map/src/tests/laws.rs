//! Laws of the written map: it reads back as the plan that it was written from.

use proptest::prelude::*;

use super::generate;
use crate::path_text::{filter_text, path_text};
use crate::plan::*;

/// The plan without the texts of its paths, which a written map has in one spelling.
fn without_texts(mut plan: Plan) -> Plan {
    for id in &mut plan.ids {
        if let IdSource::Value(value) = &mut id.source {
            value.paths.iter_mut().for_each(|path| clear(&mut path.path));
        }
    }
    for feature in &mut plan.features {
        feature
            .loops
            .iter_mut()
            .flat_map(|a_loop| &mut a_loop.paths)
            .for_each(clear);
        feature.filter.iter_mut().for_each(clear_filter);
        for column in &mut feature.columns {
            if let ColumnSource::Value(value) = &mut column.source {
                value.paths.iter_mut().for_each(|path| clear(&mut path.path));
            }
        }
    }
    plan
}

pub(crate) fn clear(path: &mut Path) {
    path.text.clear();
    for selector in path.segments.iter_mut().flat_map(|segment| &mut segment.selectors) {
        if let Selector::Filter(filter) = selector {
            clear_filter(filter);
        }
    }
}

pub(crate) fn clear_filter(filter: &mut Filter) {
    match filter {
        Filter::And(parts) | Filter::Or(parts) => parts.iter_mut().for_each(clear_filter),
        Filter::Not(inner) => clear_filter(inner),
        Filter::Exists(path) | Filter::Compare { path, .. } => clear(&mut path.path),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_written_map_reads_back(plan in generate::plan()) {
        let written = plan.to_yaml();
        let read = crate::parse("written.yaml", &written);
        let read = read.map_err(|errors| TestCaseError::fail(format!("{written}\n{errors}")))?;
        prop_assert_eq!(read.to_yaml(), written.clone(), "writing is a fixed point");
        prop_assert_eq!(without_texts(read), without_texts(plan), "{}", written);
    }

    #[test]
    fn a_plan_travels_whole(plan in generate::plan()) {
        let sent = serde_json::to_string(&plan).expect("a plan is plain data");
        prop_assert_eq!(serde_json::from_str::<Plan>(&sent).expect("what was sent"), plan);
    }

    #[test]
    fn a_path_reads_back(path in generate::path(2)) {
        let mut plan = super::features("  x: $");
        plan.names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"].map(str::to_owned).to_vec();
        let text = path_text("$", &path, &plan.names);
        let mut names = crate::names::Names::default();
        plan.names.iter().for_each(|name| { names.intern(name); });
        let (_, mut read) = crate::path::parse_path(&text, &mut names).map_err(|e| TestCaseError::fail(format!("{text} {e:?}")))?;
        clear(&mut read);
        prop_assert_eq!(read, path, "{}", text);
    }

    #[test]
    fn a_filter_reads_back(filter in generate::filter(2)) {
        let list = ["é", "a b", "it's", "\"", "\\", "\u{7}", "", "0", "x-y", "$", "@", "*"].map(str::to_owned);
        let mut names = crate::names::Names::default();
        list.iter().for_each(|name| { names.intern(name); });
        let text = filter_text(&filter, &list);
        let read = crate::filter::parse_filter(&text, &mut names);
        let mut read = read.map_err(|e| TestCaseError::fail(format!("{text} {e:?}")))?;
        clear_filter(&mut read);
        prop_assert_eq!(read, filter, "{}", text);
    }
}

/// YAML takes a key of more than 1,024 characters only with a question mark before it, and escaping makes them longer.
#[test]
fn names_of_any_length_read_back() {
    for name in [
        "x".repeat(1024),
        "x".repeat(1025),
        "\u{10}".repeat(103),
        "é ".repeat(2000),
    ] {
        let map = format!(
            "id: doc\nfeatures:\n  ? {0}\n  :\n    columns:\n      plain: $.a\n      ? {0}\n      : $.b\n  last: $.c\n",
            crate::emit::quote(&name)
        );
        let plan = super::plan(&map);
        assert_eq!(plan.features[0].name, name);
        assert_eq!(plan.features[0].columns[1].name, name);
        let written = plan.to_yaml();
        assert_eq!(without_texts(super::plan(&written)), without_texts(plan), "{written}");
    }
}

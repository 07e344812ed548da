//! What is kept of documents, under random maps.

use proptest::prelude::*;

use super::documents::document;
use super::model_documents::any_document;
use super::model_plans::any_plan;
use super::{EVERYTHING, cases, judges_of};
use crate::structural::judges::Judges;

/// The names that random maps mention.
const NAMES: &[&str] = &["a", "b", "c", "\u{e9}", ""];

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(400), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    #[cfg_attr(miri, ignore = "too much for Miri")]
    fn random_maps(
        (_, plan) in any_plan(),
        written in prop::collection::vec(document(NAMES), 3),
        models in prop::collection::vec(any_document(), 6),
        offset in 0usize..600,
    ) {
        let mut judges = Judges::new(&plan);
        for document in written {
            prop_assume!(document.len() < 1 << 20);
            judges.check(&document);
        }
        for model in models {
            judges.check(format!("{}{}", " ".repeat(offset), model.text()).as_bytes());
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "too much for Miri")]
    fn everything(documents in prop::collection::vec(document(NAMES), 4)) {
        let mut judges = judges_of(EVERYTHING);
        documents.iter().for_each(|document| { judges.check(document); });
    }
}

//! From rows to evidence of the types of their values.

use tarquet_feature_map::Plan;
use tarquet_feature_map::plan::{Feature, Value};
use tarquet_feature_map::{Evidence, Seen, SlotEvidence};

use crate::error::DocumentError;
use crate::ids;
use crate::program::Source;
use crate::rows::{Chunk, RowSink};
use crate::selection::{NodeId, Number, TextForm, Value as Kept};
use crate::take::{Taken, taken};
use crate::view::View;

/// The integers that a `f64` holds without a gap end here.
const EXACT_INTEGERS: u64 = 1 << 53;

/// Collects evidence from the rows of one document.
pub(crate) struct Observer<'a> {
    /// What to look at.
    pub(crate) plan: &'a Plan,
    /// Room for a text that stands nowhere in the document.
    pub(crate) scratch: &'a mut Vec<u8>,
    /// Where the slots of each feature begin.
    pub(crate) slots: &'a [usize],
    /// What was seen of this document.
    pub(crate) evidence: &'a mut Evidence,
}

/// For each feature, the position of its first untyped value among all of the plan's.
pub(crate) fn first_slots(plan: &Plan) -> Vec<usize> {
    let ids = plan
        .ids
        .iter()
        .filter_map(|id| id.source.value())
        .filter(|value| value.ty.is_none())
        .count();
    let untyped = |feature: &Feature| {
        feature
            .columns
            .iter()
            .filter_map(|column| column.source.value())
            .filter(|value| value.ty.is_none())
            .count()
    };
    let mut next = ids;
    let first = |feature| {
        let first = next;
        next += untyped(feature);
        first
    };
    plan.features.iter().map(first).collect()
}

impl RowSink for Observer<'_> {
    fn check_ids(&mut self, view: &View<'_>, ids: Chunk<'_>) -> Result<(), DocumentError> {
        ids::check(self.plan, view, ids, self.scratch)?;
        let values = self.plan.ids.iter().map(|id| id.source.value());
        note(view, values.zip(&ids.layout.ids), ids, &mut self.evidence.slots);
        Ok(())
    }

    fn rows(&mut self, view: &View<'_>, feature: usize, rows: Chunk<'_>) -> Result<(), DocumentError> {
        let slots = &mut self.evidence.slots[self.slots[feature]..];
        let columns = self.plan.features[feature].columns.iter();
        let values = columns.map(|column| column.source.value());
        note(view, values.zip(&rows.layout.columns), rows, slots);
        Ok(())
    }
}

/// Notes what the rows have of values without a type, which have a slot each.
fn note<'p>(
    view: &View<'_>,
    values: impl Iterator<Item = (Option<&'p Value>, &'p Source)>,
    rows: Chunk<'_>,
    slots: &mut [SlotEvidence],
) {
    let untyped = values.filter_map(|(value, source)| Some((value.filter(|value| value.ty.is_none())?, *source)));
    for ((value, source), evidence) in untyped.zip(slots) {
        let (Source::Node(slot) | Source::List(slot)) = source else {
            continue;
        };
        for cell in rows.cells(slot).iter() {
            note_taken(view, taken(value, source, cell, rows.lists), evidence);
        }
    }
}

fn note_taken(view: &View<'_>, taken: Taken<'_>, slot: &mut SlotEvidence) {
    match taken {
        Taken::Nothing => {}
        Taken::One(node) => note_value(view, node, slot),
        Taken::List(nodes) => nodes.iter().for_each(|node| slot.element(seen(view, *node))),
        Taken::Reduced(nodes, _) => nodes.iter().for_each(|node| note_value(view, *node, slot)),
    }
}

fn note_value(view: &View<'_>, node: NodeId, slot: &mut SlotEvidence) {
    if let Kept::Array { .. } = view.value(node) {
        slot.array();
        view.selection
            .children(node)
            .for_each(|element| slot.element(seen(view, element)));
    } else {
        slot.value(seen(view, node));
    }
}

fn seen(view: &View<'_>, node: NodeId) -> Seen {
    match view.value(node) {
        Kept::Null => Seen::Null,
        Kept::Bool(_) => Seen::Bool,
        Kept::Number(number) => seen_number(number),
        Kept::String(text) if text.form != TextForm::Lone => Seen::String,
        Kept::String(_) | Kept::Array { .. } | Kept::Object => Seen::JsonOnly,
    }
}

/// What a number is, as far as inference tells values apart.
pub(crate) fn seen_number(number: Number) -> Seen {
    match number {
        Number::Int(value) if value.unsigned_abs() <= EXACT_INTEGERS => Seen::Int,
        Number::Int(_) => Seen::WideInt,
        Number::HugeInt => Seen::HugeInt,
        Number::Fraction(_) => Seen::Fraction,
        Number::HugeFraction => Seen::JsonOnly,
    }
}

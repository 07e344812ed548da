//! From rows to evidence of the types of their values.

use tarquet_feature_map::Plan;
use tarquet_feature_map::plan::{Feature, IdSource, Value};
use tarquet_feature_map::{Evidence, Seen, SlotEvidence};

use crate::error::DocumentError;
use crate::ids::Ids;
use crate::rows::{Row, RowSink};
use crate::selection::{NodeId, Number, TextForm, Value as Kept};
use crate::take::{Picked, Taken, take};
use crate::view::View;

/// The integers that a `f64` holds without a gap end here.
const EXACT_INTEGERS: u64 = 1 << 53;

/// Collects evidence from the rows of one document.
pub(crate) struct Observer<'a> {
    /// What to look at.
    pub(crate) plan: &'a Plan,
    /// The ids, which fail a document here as they would when it is projected.
    pub(crate) ids: &'a mut Ids,
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
    fn begin(&mut self, view: &View<'_>, picked: &[Picked]) -> Result<(), DocumentError> {
        self.ids.set_values(self.plan, view, picked, self.scratch)?;
        let mut slots = self.evidence.slots.iter_mut();
        for (id, picked) in self.plan.ids.iter().zip(picked) {
            if let IdSource::Value(value) = &id.source {
                note(view, value, picked, &mut slots);
            }
        }
        Ok(())
    }

    fn row(&mut self, view: &View<'_>, feature: usize, row: Row<'_>) -> Result<(), DocumentError> {
        let mut slots = self.evidence.slots[self.slots[feature]..].iter_mut();
        for (column, picked) in self.plan.features[feature].columns.iter().zip(row.columns) {
            if let Some(value) = column.source.value() {
                note(view, value, picked, &mut slots);
            }
        }
        Ok(())
    }
}

/// Notes what was picked for a value in the next slot, if the value has no type.
fn note<'s>(view: &View<'_>, value: &Value, picked: &Picked, slots: &mut impl Iterator<Item = &'s mut SlotEvidence>) {
    if value.ty.is_some() {
        return;
    }
    let Some(slot) = slots.next() else { return };
    match take(value, picked) {
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
        Kept::Number(Number::Int(value)) if value.unsigned_abs() <= EXACT_INTEGERS => Seen::Int,
        Kept::Number(Number::Int(_)) => Seen::WideInt,
        Kept::Number(Number::HugeInt) => Seen::HugeInt,
        Kept::Number(Number::Fraction(_)) => Seen::Fraction,
        Kept::String(text) if text.form != TextForm::Lone => Seen::String,
        Kept::Number(Number::HugeFraction) | Kept::String(_) | Kept::Array { .. } | Kept::Object => Seen::JsonOnly,
    }
}

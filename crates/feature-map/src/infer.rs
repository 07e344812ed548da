//! From the values of a sample to the types that the map leaves out.
//!
//! [`Evidence`] is a set of facts for each untyped value, so that merging is a union: commutative, associative and
//! idempotent. The types of a run therefore do not depend on which worker saw which document.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::plan::{ColumnSource, ColumnType, IdSource, Plan, Scalar, Take, Value};
use crate::trie::Trie;

/// What a value of a document is, as far as inference tells values apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Seen {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool,
    /// A number written without `.` and `e`, of magnitude up to 2^53.
    Int,
    /// A number written without `.` and `e`, beyond 2^53, that fits 64 bits.
    WideInt,
    /// A number written without `.` and `e` that does not fit 64 bits.
    HugeInt,
    /// A number written with `.` or `e`.
    Fraction,
    /// A string.
    String,
    /// What `json` alone holds: an object, an array where an array has no meaning as a list (as an element of one), a number
    /// beyond the finite float64, a string with a lone surrogate.
    JsonOnly,
}

/// A set of [`Seen`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct SeenSet(u8);

impl SeenSet {
    fn insert(&mut self, seen: Seen) {
        self.0 |= 1 << seen as u8;
    }

    fn has(self, seen: Seen) -> bool {
        self.0 & (1 << seen as u8) != 0
    }

    fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn without(self, seen: Seen) -> Self {
        Self(self.0 & !(1 << seen as u8))
    }

    fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether nothing outside of `kinds` was seen.
    fn only(self, kinds: &[Seen]) -> bool {
        kinds.iter().fold(self, |set, &kind| set.without(kind)).is_empty()
    }
}

/// What was seen of one untyped value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotEvidence {
    /// Scalars and objects that were the value itself.
    values: SeenSet,
    /// Whether the value was ever an array.
    arrays: bool,
    /// The elements of arrays, or the matches of a path that gives a list.
    elements: SeenSet,
}

impl SlotEvidence {
    /// Notes that the value itself was this.
    pub fn value(&mut self, seen: Seen) {
        self.values.insert(seen);
    }

    /// Notes that the value was an array. Its elements follow by [`element`](Self::element).
    pub fn array(&mut self) {
        self.arrays = true;
    }

    /// Notes an element of an array, or a match of a path that gives a list.
    pub fn element(&mut self, seen: Seen) {
        self.elements.insert(seen);
    }

    /// The narrowest type that holds what was seen, of a value that is one node; nothing but null makes `json`.
    pub fn column_type(self) -> ColumnType {
        single_type(self).0
    }

    fn merge(&mut self, other: &Self) {
        self.values = self.values.union(other.values);
        self.arrays |= other.arrays;
        self.elements = self.elements.union(other.elements);
    }
}

/// What was seen of every untyped value of a plan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// One slot for each value that [`Plan::untyped`] gives, in its order.
    pub slots: Vec<SlotEvidence>,
}

impl Evidence {
    /// Nothing seen yet, with a slot for every untyped value of `plan`.
    pub fn new(plan: &Plan) -> Self {
        Self {
            slots: vec![SlotEvidence::default(); plan.untyped().count()],
        }
    }

    /// Adds what `other`, evidence for the same plan, has seen. A slot that one of them lacks counts as nothing seen.
    pub fn merge(&mut self, other: &Self) {
        self.slots
            .resize(self.slots.len().max(other.slots.len()), SlotEvidence::default());
        for (slot, theirs) in self.slots.iter_mut().zip(&other.slots) {
            slot.merge(theirs);
        }
    }
}

/// A plan whose every value has a type, and what is worth a look in it.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Resolved {
    /// The plan.
    pub plan: Plan,
    /// Types that rest on little: in the order of the values.
    pub warnings: Vec<InferenceWarning>,
}

/// A type that was chosen for want of values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InferenceWarning {
    /// The feature; `None` for an id column.
    pub feature: Option<String>,
    /// The column.
    pub column: String,
    /// What the sample held of it.
    pub reason: WarningReason,
    /// The type that it has now.
    pub ty: ColumnType,
}

/// Why a type was chosen for want of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WarningReason {
    /// The sample has no such value at all.
    NothingSeen,
    /// The sample has nothing but nulls there.
    OnlyNull,
    /// `take: min`, `max` or `sum` over values that have none: they will not fit.
    NotOrdered,
}

impl fmt::Display for InferenceWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.feature {
            Some(feature) => write!(f, "feature `{feature}`, column `{}`: ", self.column)?,
            None => write!(f, "id column `{}`: ", self.column)?,
        }
        match self.reason {
            WarningReason::NothingSeen => f.write_str("the sample has no value there")?,
            WarningReason::OnlyNull => f.write_str("the sample has nothing but null there")?,
            WarningReason::NotOrdered => f.write_str("the sample has values there that its `take` cannot reduce")?,
        }
        write!(
            f,
            "; its type is {}. Write `type:` in the feature map to choose another",
            self.ty
        )
    }
}

impl Plan {
    /// Every value that is looked up in documents: those of the ids, then those of the features' columns.
    pub fn values(&self) -> impl Iterator<Item = &Value> {
        let ids = self.ids.iter().filter_map(|id| id.source.value());
        let columns = self.features.iter().flat_map(|feature| &feature.columns);
        ids.chain(columns.filter_map(|column| column.source.value()))
    }

    /// The values without a type, in the order of [`values`](Self::values): the slots of an [`Evidence`].
    pub fn untyped(&self) -> impl Iterator<Item = &Value> {
        self.values().filter(|value| value.ty.is_none())
    }

    /// Whether every value has a type, so that every table has a schema.
    pub fn is_typed(&self) -> bool {
        self.untyped().next().is_none()
    }

    /// Gives every untyped value the narrowest type that holds all that `evidence` has seen of it.
    ///
    /// `bool`; `int64`, or `float64` once a number was written with `.` or `e`; `string`; a list for arrays of one of
    /// these. All else is `json`: mixtures, objects, integers outside int64 (beyond 2^53 beside fractions), and
    /// nothing but null, which is a warning too. Types that are there stay, so a resolved plan resolves to itself.
    pub fn resolve(&self, evidence: &Evidence) -> Resolved {
        let mut plan = self.clone();
        let mut resolver = Resolver {
            slots: evidence.slots.iter(),
            warnings: Vec::new(),
        };
        for id in &mut plan.ids {
            if let IdSource::Value(value) = &mut id.source {
                resolver.resolve(None, &id.name, value);
            }
        }
        for feature in &mut plan.features {
            for column in &mut feature.columns {
                if let ColumnSource::Value(value) = &mut column.source {
                    resolver.resolve(Some(&feature.name), &column.name, value);
                }
            }
        }
        // Types only ever remove places from the trie, so this cannot exceed a limit that the plan itself kept.
        if let Ok(trie) = Trie::compile(&plan) {
            plan.trie = trie;
        }
        Resolved {
            plan,
            warnings: resolver.warnings,
        }
    }
}

impl IdSource {
    /// The value that the id is, where it is one of the document.
    pub fn value(&self) -> Option<&Value> {
        match self {
            Self::Value(value) => Some(value),
            Self::BaseName | Self::Pattern(_) => None,
        }
    }
}

impl ColumnSource {
    /// The value that the column is, where it is one of the document.
    pub fn value(&self) -> Option<&Value> {
        match self {
            Self::Value(value) => Some(value),
            Self::Index { .. } | Self::Key { .. } => None,
        }
    }
}

/// Hands the slots out to the untyped values, one after the other.
struct Resolver<'a> {
    slots: std::slice::Iter<'a, SlotEvidence>,
    warnings: Vec<InferenceWarning>,
}

impl Resolver<'_> {
    /// Types `value`, a column of `feature` or, without one, an id column.
    fn resolve(&mut self, feature: Option<&str>, column: &str, value: &mut Value) {
        if value.ty.is_some() {
            return;
        }
        let slot = self.slots.next().copied().unwrap_or_default();
        let (ty, reason) = match &value.take {
            _ if feature.is_none() => id_type(slot),
            None | Some(Take::First | Take::Last) => single_type(slot),
            Some(Take::List) => list_type(slot),
            Some(Take::Min | Take::Max) => extreme_type(slot),
            Some(Take::Sum) => sum_type(slot),
            Some(Take::Count) => (ColumnType::Scalar(Scalar::Int64), None),
            Some(Take::Join { .. }) => (ColumnType::Scalar(Scalar::String), None),
        };
        value.ty = Some(ty);
        self.warnings.extend(reason.map(|reason| InferenceWarning {
            feature: feature.map(str::to_owned),
            column: column.to_owned(),
            reason,
            ty,
        }));
    }
}

/// A type, and what there is to warn of.
type Inferred = (ColumnType, Option<WarningReason>);

/// The type of a value that is one node: a scalar, or an array read as a list.
fn single_type(slot: SlotEvidence) -> Inferred {
    let values = slot.values.without(Seen::Null);
    match (slot.arrays, values.is_empty()) {
        (false, true) => (ColumnType::Scalar(Scalar::Json), Some(nothing(slot.values))),
        (false, false) => (ColumnType::Scalar(scalar_type(values)), None),
        (true, true) => match scalar_type(slot.elements.without(Seen::Null)) {
            Scalar::Json => (ColumnType::Scalar(Scalar::Json), None),
            element => (ColumnType::List(element), None),
        },
        (true, false) => (ColumnType::Scalar(Scalar::Json), None),
    }
}

/// The type of an id: never a list.
fn id_type(slot: SlotEvidence) -> Inferred {
    match single_type(slot) {
        (ColumnType::List(_), reason) => (ColumnType::Scalar(Scalar::Json), reason),
        scalar => scalar,
    }
}

/// The type of all matches of a path, as a list.
fn list_type(slot: SlotEvidence) -> Inferred {
    let elements = slot.elements.without(Seen::Null);
    let reason = elements.is_empty().then(|| nothing(slot.elements));
    (ColumnType::List(scalar_type(elements)), reason)
}

/// The type of the least or greatest of several values: that of the numbers if there are any, else that of strings.
fn extreme_type(slot: SlotEvidence) -> Inferred {
    let values = slot.values.without(Seen::Null);
    if !slot.arrays && !values.is_empty() && values.only(&[Seen::String]) {
        return (ColumnType::Scalar(Scalar::String), None);
    }
    sum_type(slot)
}

/// The type of a sum: `int64`, or `float64` where that alone holds all the numbers (an integer is then rounded).
fn sum_type(slot: SlotEvidence) -> Inferred {
    let values = slot.values.without(Seen::Null);
    let reason = if slot.arrays || !values.only(&[Seen::Int, Seen::WideInt, Seen::HugeInt, Seen::Fraction]) {
        Some(WarningReason::NotOrdered)
    } else {
        values.is_empty().then(|| nothing(slot.values))
    };
    let whole = values.has(Seen::Int) || values.has(Seen::WideInt);
    let scalar = if whole && !values.has(Seen::HugeInt) && !values.has(Seen::Fraction) {
        Scalar::Int64
    } else {
        Scalar::Float64
    };
    (ColumnType::Scalar(scalar), reason)
}

/// The narrowest type that holds everything in a set without null; `json` for the empty set.
fn scalar_type(seen: SeenSet) -> Scalar {
    if seen.is_empty() {
        Scalar::Json
    } else if seen.only(&[Seen::Bool]) {
        Scalar::Bool
    } else if seen.only(&[Seen::Int, Seen::WideInt]) {
        Scalar::Int64
    } else if seen.only(&[Seen::Int, Seen::Fraction]) {
        Scalar::Float64
    } else if seen.only(&[Seen::String]) {
        Scalar::String
    } else {
        Scalar::Json
    }
}

/// Tells a value that was never there from one that was only ever null.
fn nothing(seen: SeenSet) -> WarningReason {
    if seen.is_empty() {
        WarningReason::NothingSeen
    } else {
        WarningReason::OnlyNull
    }
}

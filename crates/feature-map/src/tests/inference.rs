//! The rule of DESIGN for types that are not written, and the laws of evidence.

use proptest::collection::vec;
use proptest::prelude::*;

use super::{features, value};
use crate::plan::{ColumnType, Plan, Scalar};
use crate::{Evidence, Seen, SlotEvidence, WarningReason};

const KINDS: [Seen; 8] = [
    Seen::Null,
    Seen::Bool,
    Seen::Int,
    Seen::WideInt,
    Seen::HugeInt,
    Seen::Fraction,
    Seen::String,
    Seen::JsonOnly,
];

/// Something that a projection notes.
#[derive(Debug, Clone, Copy)]
enum Note {
    Value(Seen),
    /// An array with one element of this kind, or with none.
    Array(Option<Seen>),
    /// A match of a path that gives a list.
    Match(Seen),
}

fn slot(notes: &[Note]) -> SlotEvidence {
    let mut slot = SlotEvidence::default();
    for note in notes {
        match *note {
            Note::Value(seen) => slot.value(seen),
            Note::Match(seen) => slot.element(seen),
            Note::Array(element) => {
                slot.array();
                element.into_iter().for_each(|seen| slot.element(seen));
            }
        }
    }
    slot
}

/// The type of the one column of a map, and its warning.
fn inferred(column: &str, notes: &[Note]) -> (String, Option<WarningReason>) {
    let plan = features(&format!("  t: {{columns: {{x: {column}}}}}"));
    let resolved = plan.resolve(&Evidence {
        slots: vec![slot(notes)],
    });
    assert!(resolved.plan.is_typed());
    let ty = value(&resolved.plan, "t", "x").ty.expect("resolved");
    let warning = resolved.warnings.first();
    if let Some(warning) = warning {
        assert_eq!(
            (warning.feature.as_deref(), warning.column.as_str(), warning.ty),
            (Some("t"), "x", ty)
        );
    }
    (ty.to_string(), warning.map(|warning| warning.reason))
}

fn types(column: &str, cases: &[(&[Note], &str, Option<WarningReason>)]) {
    for (notes, ty, warning) in cases {
        assert_eq!(
            inferred(column, notes),
            ((*ty).to_owned(), *warning),
            "{column} {notes:?}"
        );
    }
}

#[test]
fn types_of_single_values() {
    use Note::{Array, Value};
    use Seen::*;
    let cases: &[(&[Note], &str, Option<WarningReason>)] = &[
        (&[], "json", Some(WarningReason::NothingSeen)),
        (&[Value(Null)], "json", Some(WarningReason::OnlyNull)),
        (&[Value(Bool), Value(Null)], "bool", None),
        (&[Value(Int)], "int64", None),
        (&[Value(WideInt), Value(Int)], "int64", None),
        (&[Value(Fraction)], "float64", None),
        (&[Value(Int), Value(Fraction)], "float64", None),
        (&[Value(WideInt), Value(Fraction)], "json", None),
        (&[Value(HugeInt)], "json", None),
        (&[Value(HugeInt), Value(Fraction)], "json", None),
        (&[Value(String), Value(Null)], "string", None),
        (&[Value(String), Value(Int)], "json", None),
        (&[Value(Bool), Value(Int)], "json", None),
        (&[Value(JsonOnly)], "json", None),
        (&[Array(Some(Int)), Array(None), Value(Null)], "list<int64>", None),
        (&[Array(Some(Int)), Array(Some(Fraction))], "list<float64>", None),
        (&[Array(Some(String)), Array(Some(Null))], "list<string>", None),
        (&[Array(Some(Bool))], "list<bool>", None),
        (&[Array(Some(String)), Array(Some(Int))], "json", None),
        (&[Array(Some(JsonOnly))], "json", None),
        (&[Array(Some(HugeInt))], "json", None),
        (&[Array(None)], "json", None),
        (&[Array(Some(Null))], "json", None),
        (&[Array(Some(Int)), Value(Int)], "json", None),
        (&[Array(Some(Int)), Value(JsonOnly)], "json", None),
    ];
    types("$.x", cases);
    types("{path: '$.x[*]', take: first}", cases);
    types("{path: '$.x[*]', take: last}", cases);
    types("{path: [$.x, $.y]}", cases);
}

#[test]
fn types_of_lists() {
    use Note::Match;
    use Seen::*;
    types(
        "'$.x[*]'",
        &[
            (&[], "list<json>", Some(WarningReason::NothingSeen)),
            (&[Match(Null)], "list<json>", Some(WarningReason::OnlyNull)),
            (&[Match(Int), Match(Null)], "list<int64>", None),
            (&[Match(Int), Match(Fraction)], "list<float64>", None),
            (&[Match(String)], "list<string>", None),
            (&[Match(String), Match(Bool)], "list<json>", None),
            (&[Match(JsonOnly)], "list<json>", None),
            (&[Match(HugeInt)], "list<json>", None),
        ],
    );
}

#[test]
fn types_of_reduced_matches() {
    use Note::{Array, Value};
    use Seen::*;
    for take in ["min", "max", "sum"] {
        types(
            &format!("{{path: '$.x[*]', take: {take}}}"),
            &[
                (&[], "float64", Some(WarningReason::NothingSeen)),
                (&[Value(Null)], "float64", Some(WarningReason::OnlyNull)),
                (&[Value(Int), Value(Null)], "int64", None),
                (&[Value(WideInt)], "int64", None),
                (&[Value(Int), Value(Fraction)], "float64", None),
                (&[Value(WideInt), Value(Fraction)], "float64", None),
                (&[Value(HugeInt)], "float64", None),
                (&[Value(Int), Value(String)], "int64", Some(WarningReason::NotOrdered)),
                (&[Value(Bool)], "float64", Some(WarningReason::NotOrdered)),
                (&[Value(JsonOnly)], "float64", Some(WarningReason::NotOrdered)),
                (&[Array(Some(Int))], "float64", Some(WarningReason::NotOrdered)),
            ],
        );
    }
    let strings: &[Note] = &[Value(String), Value(Null)];
    types("{path: '$.x[*]', take: min}", &[(strings, "string", None)]);
    types("{path: '$.x[*]', take: max}", &[(strings, "string", None)]);
    types(
        "{path: '$.x[*]', take: sum}",
        &[(strings, "float64", Some(WarningReason::NotOrdered))],
    );
}

#[test]
fn what_has_a_type_needs_no_evidence() {
    let plan = features(
        "  t:\n    for: {i: '$[*]'}\n    columns: {a: {index: i}, b: {key: i}, c: {path: 'i[*]', take: count}, d: {path: 'i[*]', take: join}, e: {path: $.e, type: date}}",
    );
    assert!(plan.is_typed());
    assert_eq!(Evidence::new(&plan).slots.len(), 0);
    let resolved = plan.resolve(&Evidence::new(&plan));
    assert_eq!(resolved.plan, plan);
    assert!(resolved.warnings.is_empty());
}

#[test]
fn slots_go_to_ids_first_and_then_to_columns_in_the_order_of_the_map() {
    let plan = super::plan(
        "id: [{column: i, path: $.i}, {column: j, path: $.j, type: string}]\nfeatures:\n  a: {columns: {x: $.x, t: {path: $.t, type: date}, y: $.y}}\n  z: $.z\n",
    );
    let texts: Vec<_> = plan.untyped().map(|value| value.paths[0].path.text.as_str()).collect();
    assert_eq!(texts, ["$.i", "$.x", "$.y", "$.z"]);
    let mut evidence = Evidence::new(&plan);
    for (slot, seen) in evidence
        .slots
        .iter_mut()
        .zip([Seen::Int, Seen::Bool, Seen::String, Seen::Fraction])
    {
        slot.value(seen);
    }
    let types: Vec<_> = plan
        .resolve(&evidence)
        .plan
        .values()
        .map(|value| value.ty.expect("typed").to_string())
        .collect();
    assert_eq!(types, ["int64", "string", "bool", "date", "string", "float64"]);
}

#[test]
fn an_id_is_never_a_list() {
    let plan = super::plan("id: {column: i, path: $.i}\nfeatures: {a: {path: $.a, type: json}}\n");
    let evidence = Evidence {
        slots: vec![slot(&[Note::Array(Some(Seen::Int))])],
    };
    assert_eq!(
        plan.resolve(&evidence).plan.ids[0].source.value().and_then(|id| id.ty),
        Some(ColumnType::Scalar(Scalar::Json))
    );
    let warnings = plan.resolve(&Evidence::default()).warnings;
    assert_eq!(
        warnings[0].to_string(),
        "id column `i`: the sample has no value there; its type is json. Write `type:` in the feature map to choose another"
    );
}

#[test]
fn the_resolved_map_is_valid_and_complete() {
    let plan = features("  a: $.a\n  b: {path: '$.b[*]', take: max}\n  c: '$.c[*]'");
    let resolved = plan.resolve(&Evidence::default()).plan;
    let read = super::plan(&resolved.to_yaml());
    assert!(read.is_typed());
    assert_eq!(read.to_yaml(), resolved.to_yaml());
    assert_eq!(read.trie, resolved.trie);
    assert!(resolved.to_yaml().contains("c: {path: '$.c[*]', type: list<json>}"));
}

/// Whether a type without `cast` takes every value of a kind. Kinds that only some types take in part are not asked for.
fn holds(ty: Scalar, seen: Seen) -> bool {
    match (ty, seen) {
        (_, Seen::Null) | (Scalar::Json, _) => true,
        (Scalar::Bool, Seen::Bool) | (Scalar::String, Seen::String) => true,
        (Scalar::Int64, Seen::Int | Seen::WideInt) => true,
        // Wider integers are numbers too, but not exact ones.
        (Scalar::Float64, Seen::Int | Seen::Fraction) => true,
        _ => false,
    }
}

/// Scalar types that inference chooses, the narrower before the wider.
const LADDER: [Scalar; 5] = [
    Scalar::Bool,
    Scalar::Int64,
    Scalar::Float64,
    Scalar::String,
    Scalar::Json,
];

fn note() -> impl Strategy<Value = Note> {
    let kind = || proptest::sample::select(KINDS.to_vec());
    prop_oneof![
        kind().prop_map(Note::Value),
        proptest::option::of(kind()).prop_map(Note::Array),
        kind().prop_map(Note::Match),
    ]
}

fn evidence() -> impl Strategy<Value = Evidence> {
    vec(vec(note(), 0..4).prop_map(|notes| slot(&notes)), 0..4).prop_map(|slots| Evidence { slots })
}

fn merged(one: &Evidence, other: &Evidence) -> Evidence {
    let mut merged = one.clone();
    merged.merge(other);
    merged
}

fn one_column() -> Plan {
    features("  x: $.x")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn merging_is_a_union(a in evidence(), b in evidence(), c in evidence()) {
        prop_assert_eq!(merged(&a, &b), merged(&b, &a));
        prop_assert_eq!(merged(&merged(&a, &b), &c), merged(&a, &merged(&b, &c)));
        prop_assert_eq!(merged(&a, &a), a.clone());
        prop_assert_eq!(merged(&a, &Evidence::default()), a);
    }

    #[test]
    fn merging_is_seeing_both(one in vec(note(), 0..6), other in vec(note(), 0..6)) {
        let both: Vec<Note> = one.iter().chain(&other).copied().collect();
        let parts = merged(&Evidence { slots: vec![slot(&one)] }, &Evidence { slots: vec![slot(&other)] });
        prop_assert_eq!(parts, Evidence { slots: vec![slot(&both)] });
    }

    #[test]
    fn a_scalar_type_is_the_narrowest_that_holds_what_was_seen(seen in vec(proptest::sample::select(KINDS.to_vec()), 1..5)) {
        prop_assume!(seen.iter().any(|seen| *seen != Seen::Null));
        let notes: Vec<_> = seen.iter().map(|seen| Note::Value(*seen)).collect();
        let resolved = one_column().resolve(&Evidence { slots: vec![slot(&notes)] });
        let ty = value(&resolved.plan, "x", "x").ty;
        let narrowest = LADDER.into_iter().find(|ty| seen.iter().all(|seen| holds(*ty, *seen)));
        prop_assert_eq!(ty, narrowest.map(ColumnType::Scalar), "{:?}", seen);
    }

    #[test]
    fn resolving_twice_changes_nothing(plan in super::generate::plan(), slots in vec(vec(note(), 0..4), 0..8)) {
        let evidence = Evidence { slots: slots.iter().map(|notes| slot(notes)).collect() };
        let once = plan.resolve(&evidence).plan;
        prop_assert!(once.is_typed());
        prop_assert_eq!(&once.resolve(&evidence).plan, &once);
        // What inference chooses, a map may say.
        let read = crate::parse("written.yaml", &once.to_yaml());
        let read = read.map_err(|errors| TestCaseError::fail(format!("{errors}")))?;
        prop_assert_eq!(read.to_yaml(), once.to_yaml());
        for feature in 0..once.features.len() {
            prop_assert!(once.table_schema(feature).is_ok());
        }
    }
}

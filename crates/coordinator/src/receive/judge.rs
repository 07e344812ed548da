//! What holds of a reader whatever a worker sends: it ends with one hang-up, and what came before holds together. For
//! tests, and for fuzzing.

use std::sync::mpsc::channel;
#[cfg(feature = "fuzzing")]
use std::sync::{Arc, OnceLock};

use arrow_array::Array;
use arrow_schema::SchemaRef;
use tarquet_dataset::Unit;
#[cfg(feature = "fuzzing")]
use tarquet_feature_map::Plan;

use super::{Schemas, receive, sums};
use crate::input::Input;
use crate::machine::{Event, WorkerId};

/// The worker that is heard.
pub(super) const WORKER: WorkerId = WorkerId(3);

/// What came of what a worker sent.
#[cfg(feature = "fuzzing")]
#[derive(Debug)]
pub struct Heard {
    /// How many units reach the loop.
    pub units: usize,
    /// Why the worker is ended before its pipe is, if it is.
    pub broken: Option<String>,
}

/// Has a coordinator's reader read what a worker sends, in a run of `plan`.
///
/// # Panics
///
/// Where what reaches the loop does not hold together, and for a plan whose values have no types.
#[cfg(feature = "fuzzing")]
pub fn hear(plan: &Plan, sent: &[u8]) -> Heard {
    let schemas = tarquet_wire::tables::schemas(plan).expect("a plan with types");
    let schemas = Arc::new(OnceLock::from(schemas));
    let mut inputs = heard(sent, &schemas);
    check(&inputs, &schemas);
    let Some(Input::Hangup { broken, .. }) = inputs.pop() else {
        unreachable!("it was looked at");
    };
    let is_unit = |input: &&Input| matches!(input, Input::Machine(Event::Unit { .. }));
    Heard {
        units: inputs.iter().filter(is_unit).count(),
        broken,
    }
}

/// Everything that reaches the loop of what is sent.
pub(super) fn heard(sent: &[u8], schemas: &Schemas) -> Vec<Input> {
    let (sender, receiver) = channel();
    receive(WORKER, sent, schemas, &sender);
    drop(sender);
    receiver.iter().collect()
}

/// Checks what holds whatever was sent: there is one hang-up, at the end, and units are what they say.
pub(super) fn check(inputs: &[Input], schemas: &Schemas) {
    let Some((Input::Hangup { worker: WORKER, broken }, before)) = inputs.split_last() else {
        panic!("no hang-up at the end: {inputs:?}");
    };
    let is_seen_through = broken.as_ref().is_none_or(|why| !why.contains("panic"));
    assert!(is_seen_through, "it was not seen through in time: {broken:?}");
    for input in before {
        match input {
            Input::Hangup { .. } => panic!("two hang-ups: {inputs:?}"),
            Input::Machine(Event::Unit { unit, .. }) => check_unit(&unit.unit, schemas.get().expect("a schema")),
            _ => {}
        }
    }
}

fn check_unit(unit: &Unit, schemas: &[SchemaRef]) {
    let features = schemas.len() - 2;
    let mut rows = vec![0; features];
    for (table, batch) in &unit.batches {
        assert_eq!(batch.schema(), schemas[*table]);
        for column in batch.columns() {
            column.to_data().validate_full().expect("valid columns");
        }
        rows[*table] += batch.num_rows() as u64;
    }
    assert_eq!(unit.rows.len(), unit.documents * features);
    assert_eq!(sums(unit.rows.iter().map(|rows| u64::from(*rows)), features), rows);
    assert!(unit.failures.len() as u64 >= unit.failed);
    // Whoever reads texts of them reads valid ones.
    let texts = unit.rescued.iter().map(|value| value.member.len() + value.value.len());
    assert!(texts.sum::<usize>() < 1 << 20);
}

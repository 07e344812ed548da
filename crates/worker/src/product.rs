//! What a worker makes of documents: rows, or a profile of what they hold.

use std::sync::Arc;

use arrow_schema::SchemaRef;
use tarquet_feature_map::{Evidence, Plan, SchemaError};
use tarquet_profile::Profiler;
use tarquet_projection::{DocumentError, EngineKind, Origin, Projected, Projector};
use tarquet_wire::message::Product;
use tarquet_wire::{profile, tables};

use crate::serve::WorkerError;

/// What documents go into. A document counts whole: of one that fails, nothing is in it.
pub(crate) enum Maker {
    /// The rows of a plan.
    Rows(Box<Projector>),
    /// What they hold, for a table of this schema.
    Profile(Box<Profiler>, SchemaRef),
}

impl Maker {
    /// # Errors
    ///
    /// A plan that is none for a profile.
    pub(crate) fn new(product: Product, plan: &Arc<Plan>, engine: EngineKind) -> Result<Maker, SchemaError> {
        Ok(match product {
            Product::Rows => Maker::Rows(Box::new(Projector::new(Arc::clone(plan), engine))),
            Product::Profile => Maker::Profile(Box::new(Profiler::new(engine)), plan.table_schema(0)?),
        })
    }

    /// Adds a document.
    pub(crate) fn add<'a>(&mut self, document: &[u8], origin: impl Into<Origin<'a>>) -> Result<(), DocumentError> {
        match self {
            Maker::Rows(projector) => projector.project(document, origin),
            Maker::Profile(profiler, _) => profiler.add(document),
        }
    }

    /// Looks at the types of a document. A profile's plan leaves none open.
    pub(crate) fn observe(
        &mut self,
        document: &[u8],
        member: &str,
        evidence: &mut Evidence,
    ) -> Result<(), DocumentError> {
        match self {
            Maker::Rows(projector) => projector.observe(document, member, evidence),
            Maker::Profile(..) => Ok(()),
        }
    }

    /// The bytes that are held. A profile hardly grows with the number of documents, so it fills no unit.
    pub(crate) fn buffered_bytes(&self) -> usize {
        match self {
            Maker::Rows(projector) => projector.buffered_bytes(),
            Maker::Profile(..) => 0,
        }
    }

    /// Takes all that is held. The profile of all documents is the row of the last one.
    pub(crate) fn flush(&mut self) -> Result<Projected, WorkerError> {
        let (profiler, schema) = match self {
            Maker::Rows(projector) => return Ok(projector.flush()?),
            Maker::Profile(profiler, schema) => (profiler, schema),
        };
        // A profiler counts in 64 bits what a unit has in 32.
        let documents = profiler.documents() as usize;
        if documents == 0 {
            return Ok(Projected::default());
        }
        let batch = profile::batch(schema, serde_json::to_string(&profiler.take())?)?;
        let mut projected = Projected {
            documents,
            rows: vec![0; documents],
            bytes: vec![0; documents],
            ..Projected::default()
        };
        projected.rows[documents - 1] = 1;
        projected.bytes[documents - 1] = tables::value_bytes(&batch);
        projected.batches.push((0, batch));
        Ok(projected)
    }
}

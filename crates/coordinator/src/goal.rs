//! Where a run's units go, and how that begins: into a dataset, or to whoever asked for them.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Sender;
use std::time::Duration;

use arrow_schema::SchemaRef;
use tarquet_dataset::{Dataset, Description, Options, Published, Table, Target};
use tarquet_feature_map::Plan;
use tarquet_feature_map::plan::Feature;
use tarquet_wire::message::Product;

use crate::counters::Counters;
use crate::error::RunError;
use crate::input::Input;
use crate::numbering::{Numbering, with_archive_column};
use crate::settings::Several;
use crate::survey::Gathering;
use crate::trail::Trail;
use crate::writer::{Commit, Writer};

/// Where units go.
pub(crate) enum Goal {
    /// Into a dataset.
    Dataset(Box<Ground>),
    /// To whoever asked for them.
    Sink(Gathering),
}

/// What a dataset is begun with.
pub(crate) struct Ground {
    pub(crate) target: Target,
    pub(crate) options: Options,
    /// What the bytes of a new run depend on; `None` for one that is resumed.
    pub(crate) inputs: Option<Vec<tarquet_dataset::Input>>,
    /// How long after a checkpoint the next one is due.
    pub(crate) checkpoint_every: Duration,
}

/// How a run ends that is not ended by an error.
pub(crate) enum Outcome {
    /// The dataset is finished.
    Published(Published),
    /// The sink has all units.
    Gathered,
}

/// What a goal begins with, once every value has a type.
pub(crate) struct Begin<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) tables: Vec<Table>,
    pub(crate) numbering: Numbering,
    /// The archives that are read.
    pub(crate) trail: Trail,
    pub(crate) counters: Arc<Counters>,
    pub(crate) inputs: Sender<Input>,
}

impl Goal {
    /// What workers make of documents.
    pub(crate) fn product(&self) -> Product {
        match self {
            Goal::Dataset(_) => Product::Rows,
            Goal::Sink(gathering) => gathering.product,
        }
    }

    /// Starts the thread that takes the units.
    pub(crate) fn begin(self, begin: Begin<'_>) -> io::Result<Writer> {
        match self {
            Goal::Dataset(ground) => ground.begin(begin),
            Goal::Sink(gathering) => gathering.begin(begin),
        }
    }
}

impl Ground {
    fn begin(self, begin: Begin<'_>) -> io::Result<Writer> {
        let Ground {
            target,
            options,
            inputs: described,
            checkpoint_every,
        } = self;
        let Begin {
            plan,
            tables,
            numbering,
            trail,
            counters,
            inputs,
        } = begin;
        let commit = Commit {
            every: checkpoint_every,
            trail,
        };
        let (plan, begun) = (plan.clone(), Arc::clone(&counters));
        // On the dataset's thread: it waits for the disk, and workers can start meanwhile.
        let open = move || {
            let dataset = open_dataset(target, tables, described, &plan, options)?;
            begun.begun.store(true, Ordering::Relaxed);
            Ok(dataset)
        };
        Writer::start(open, commit, numbering, counters, inputs)
    }
}

/// The tables of a dataset: the plan's features, without the tables that are reserved for what is none of its rows.
pub(crate) fn dataset_tables(plan: &Plan, schemas: &[SchemaRef], several: Several) -> Vec<Table> {
    let features = plan.features.iter().zip(schemas);
    let table = |(feature, schema): (&Feature, &SchemaRef)| Table {
        name: feature.name.clone(),
        schema: with_archive_column(schema, plan, several),
    };
    features.map(table).collect()
}

/// The dataset of a new run, which `inputs` describe, or of the one that is resumed.
fn open_dataset(
    target: Target,
    tables: Vec<Table>,
    inputs: Option<Vec<tarquet_dataset::Input>>,
    plan: &Plan,
    options: Options,
) -> Result<Dataset, RunError> {
    Ok(match inputs {
        Some(inputs) => {
            let resolved_map = plan.to_yaml();
            target.begin(tables, Description { inputs, resolved_map }, options)?
        }
        None => target.resume(tables, options)?,
    })
}

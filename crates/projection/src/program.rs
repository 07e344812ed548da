//! A plan made ready for its rows: which cells a row has, and at which loop each is found.

use std::collections::HashMap;

use tarquet_feature_map::Plan;
use tarquet_feature_map::plan::{self, ColumnSource, Feature, IdSource, Origin, Take, Value};

use crate::filter::Condition;
use crate::level::{Level, Slots, What};
use crate::path::Path;
use crate::scan::Slot;

/// A plan made ready for its rows.
#[derive(Debug)]
pub(crate) struct Program {
    /// What is looked for from the document, for all features together.
    pub(crate) document: Level,
    /// How many cells the document's frame has.
    pub(crate) document_width: usize,
    /// One for each feature.
    pub(crate) features: Vec<FeatureProgram>,
}

/// A feature made ready for its rows.
#[derive(Debug)]
pub(crate) struct FeatureProgram {
    /// What its rows are made of.
    pub(crate) layout: Layout,
    /// The loops, outermost first.
    pub(crate) loops: Vec<LoopProgram>,
}

/// What the rows of a feature are made of.
#[derive(Debug)]
pub(crate) struct Layout {
    /// What rows take over from the document: from which slot of its frame to which of the feature's.
    pub(crate) imports: Vec<(Slot, Slot)>,
    /// Rows whose innermost element does not pass are dropped.
    pub(crate) filter: Option<Condition>,
    /// As [`Feature::keep_empty`].
    pub(crate) keep_empty: bool,
    /// Whether the ids are to be checked while this feature's rows are found; for others it would be the same again.
    pub(crate) checks_ids: bool,
    /// Where the ids are, one for each id of the plan.
    pub(crate) ids: Vec<Source>,
    /// Where the columns are.
    pub(crate) columns: Vec<Source>,
    /// How many cells a frame has.
    pub(crate) width: usize,
}

/// A loop made ready.
#[derive(Debug)]
pub(crate) struct LoopProgram {
    /// Where the elements are, from the element before: the first of these that selects any node.
    pub(crate) paths: Vec<Path>,
    /// What is looked for from an element.
    pub(crate) level: Level,
}

/// Where the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// The name of the member that the document is of, or part of it.
    Member,
    /// The position of the element in this cell.
    Index(Slot),
    /// The name by which the element in this cell was reached.
    Key(Slot),
    /// The node in this cell.
    Node(Slot),
    /// The list in this cell.
    List(Slot),
}

impl Program {
    /// Makes `plan` ready.
    pub(crate) fn new(plan: &Plan) -> Self {
        let mut document = Builder::new();
        let mut checked = Vec::new();
        let features = plan.features.iter().map(|feature| {
            // Features find the same elements for the map's own loops, but for what they keep of empty ones.
            let way = feature.keep_empty && plan.shared_loops > 0;
            let checks_ids = !checked.contains(&way);
            if checks_ids {
                checked.push(way);
            }
            FeatureProgram::new(plan, feature, checks_ids, &mut document)
        });
        let features = features.collect();
        Self {
            document: document.level,
            document_width: document.slots.width(),
            features,
        }
    }
}

/// What all features share while they are made ready.
struct Builder {
    level: Level,
    slots: Slots,
    /// How many conditions of the plan start at `$`.
    questions: usize,
}

impl Builder {
    fn new() -> Self {
        let mut slots = Slots::new();
        Self {
            level: Level::new(&mut slots),
            slots,
            questions: 0,
        }
    }
}

impl FeatureProgram {
    fn new(plan: &Plan, feature: &Feature, checks_ids: bool, document: &mut Builder) -> Self {
        let mut values = Values::new(feature, document);
        let ids = plan.ids.iter().map(|id| match &id.source {
            IdSource::BaseName | IdSource::Pattern(_) => Source::Member,
            IdSource::Value(value) => values.value(value),
        });
        let ids = ids.collect();
        let columns = feature.columns.iter().map(|column| match &column.source {
            ColumnSource::Index { of } => Source::Index(values.loops[*of].level.element),
            ColumnSource::Key { of } => Source::Key(values.loops[*of].level.element),
            ColumnSource::Value(value) => values.value(value),
        });
        let columns = columns.collect();
        let Values {
            slots, imports, loops, ..
        } = values;
        let layout = Layout {
            imports: imports.into_iter().collect(),
            filter: feature
                .filter
                .as_ref()
                .map(|filter| Condition::new(filter, &mut document.questions)),
            keep_empty: feature.keep_empty,
            checks_ids,
            ids,
            columns,
            width: slots.width(),
        };
        Self { layout, loops }
    }
}

/// The values of one feature while it is made ready.
struct Values<'d> {
    document: &'d mut Builder,
    slots: Slots,
    imports: HashMap<Slot, Slot>,
    loops: Vec<LoopProgram>,
}

impl<'d> Values<'d> {
    fn new(feature: &Feature, document: &'d mut Builder) -> Self {
        let mut slots = Slots::new();
        let loops = feature.loops.iter().map(|a_loop| {
            let paths = a_loop.paths.iter();
            LoopProgram {
                paths: paths
                    .map(|path| Path::new(&path.segments, &mut document.questions))
                    .collect(),
                level: Level::new(&mut slots),
            }
        });
        Self {
            loops: loops.collect(),
            slots,
            imports: HashMap::new(),
            document,
        }
    }

    fn value(&mut self, value: &Value) -> Source {
        let what = match (&value.take, value.paths.as_slice()) {
            (None, _) | (Some(Take::First), [_]) => What::First,
            (Some(Take::Last), [_]) => What::Last,
            // Which of several paths counts is told by all of its nodes.
            _ => What::List,
        };
        let slot = match value.paths.as_slice() {
            [path] => self.path(path, what),
            _ => self.choice(value, what),
        };
        match what {
            What::First | What::Last => Source::Node(slot),
            What::List => Source::List(slot),
        }
    }

    fn path(&mut self, path: &plan::ValuePath, what: What) -> Slot {
        match path.from {
            Origin::Document => {
                let slot = self.document_path(&path.path, what);
                self.import(slot)
            }
            Origin::Loop(of) => {
                let level = &mut self.loops[of].level;
                level.path(&path.path, what, &mut self.slots, &mut self.document.questions)
            }
        }
    }

    fn document_path(&mut self, path: &plan::Path, what: What) -> Slot {
        let Builder {
            level,
            slots,
            questions,
        } = &mut *self.document;
        level.path(path, what, slots, questions)
    }

    fn choice(&mut self, value: &Value, what: What) -> Slot {
        let lists = what == What::List;
        let innermost = value.paths.iter().filter_map(|path| match path.from {
            Origin::Document => None,
            Origin::Loop(of) => Some(of),
        });
        let Some(innermost) = innermost.max() else {
            let of = value.paths.iter();
            let of = of.map(|path| self.document_path(&path.path, what)).collect();
            let slot = self.document.level.choice(of, lists, &mut self.document.slots);
            return self.import(slot);
        };
        let of = value.paths.iter().map(|path| self.path(path, what)).collect();
        self.loops[innermost].level.choice(of, lists, &mut self.slots)
    }

    /// The feature's slot for what is in a slot of the document's frame.
    fn import(&mut self, from: Slot) -> Slot {
        *self.imports.entry(from).or_insert_with(|| self.slots.allocate())
    }
}

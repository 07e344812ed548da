//! Documents in, rows out.

use std::sync::Arc;

use tarquet_feature_map::{Evidence, Plan};

use crate::engine::EngineKind;
use crate::error::DocumentError;
use crate::ids::Ids;
use crate::loader::Loader;
use crate::observe::{Observer, first_slots};
use crate::origin::Origin;
use crate::projected::Projected;
use crate::rescued::RescuedValues;
use crate::rows::Rows;
use crate::table::{FlushError, Table};
use crate::writer::{Budget, RescueLog, Writer};

/// How much a projector may hold when a document is added: 1 GiB, so that the 32-bit offsets of its columns last.
pub const MAX_BUFFERED_BYTES: usize = 1 << 30;

/// Projects documents through a plan, and holds their rows until they are flushed.
///
/// Everything that it needs for a document is kept for the next one, so one projector should see many documents.
///
/// ```
/// # use std::sync::Arc;
/// # use tarquet_projection::{EngineKind, Projector};
/// let map = "{version: 1, id: file, features: {price: {path: $.price, type: float64}}}";
/// let plan = tarquet_feature_map::parse("map.yaml", map)?;
/// let mut projector = Projector::new(Arc::new(plan), EngineKind::Structural);
/// projector.project(br#"{"price": 12.5}"#, "offers/1.json")?;
/// let error = projector.project(br#"{"price": 12.5"#, "offers/2.json").unwrap_err();
/// assert_eq!((error.kind.code(), error.offset), ("truncated", Some(14)));
/// let projected = projector.flush()?;
/// assert_eq!((projected.documents, projected.rows), (1, vec![1]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Projector {
    plan: Arc<Plan>,
    loader: Loader,
    rows: Rows,
    ids: Ids,
    /// One a feature; `None` while the plan has values without a type.
    tables: Option<Vec<Table>>,
    held: Held,
    slots: Vec<usize>,
    scratch: Vec<u8>,
}

/// What is held beside the tables.
#[derive(Debug, Default)]
struct Held {
    documents: usize,
    rows: Vec<u32>,
    bytes: Vec<u64>,
    /// What `bytes` adds up to.
    all_bytes: u64,
    rescued: RescuedValues,
}

impl Projector {
    /// A projector that holds nothing yet.
    ///
    /// # Panics
    ///
    /// When an id's pattern is no regular expression, which those of a plan from
    /// [`parse`](tarquet_feature_map::parse) always are; and where the structural engine is asked for and
    /// [`simd`](crate::simd) gives an error.
    pub fn new(plan: Arc<Plan>, engine: EngineKind) -> Self {
        Self {
            loader: Loader::new(&plan, engine),
            rows: Rows::new(&plan),
            ids: Ids::new(&plan),
            tables: (0..plan.features.len())
                .map(|feature| Table::new(&plan, feature))
                .collect(),
            held: Held::default(),
            slots: first_slots(&plan),
            scratch: Vec::new(),
            plan,
        }
    }

    /// Adds the rows of one document, or, on error, none. `origin` is where it comes from: of a member that is one
    /// document, its display name.
    ///
    /// # Errors
    ///
    /// When the document is not valid JSON, has no id, or gives more rows than [`MAX_DOCUMENT_BYTES`] hold.
    ///
    /// # Panics
    ///
    /// When a value of the plan has no type, or when more than [`MAX_BUFFERED_BYTES`] are held.
    ///
    /// [`MAX_DOCUMENT_BYTES`]: crate::MAX_DOCUMENT_BYTES
    pub fn project<'a>(&mut self, document: &[u8], origin: impl Into<Origin<'a>>) -> Result<(), DocumentError> {
        let origin = origin.into();
        assert!(
            self.buffered_bytes() <= MAX_BUFFERED_BYTES,
            "a projector has to be flushed before it holds so much"
        );
        let tables = self
            .tables
            .as_mut()
            .expect("a plan has to have all its types before documents are projected");
        tables.iter_mut().for_each(Table::open);
        let rescued = self.held.rescued.mark();
        let view = self.loader.load(document)?;
        self.ids.set_member(&self.plan, origin.member)?;
        let mut writer = Writer {
            plan: &self.plan,
            tables,
            ids: &self.ids,
            origin,
            rescue: RescueLog {
                document: self.held.documents,
                rescued: &mut self.held.rescued,
            },
            scratch: &mut self.scratch,
            budget: Budget::default(),
        };
        if let Err(error) = self.rows.run(&self.plan, &view, &mut writer) {
            tables.iter_mut().for_each(Table::roll_back);
            self.held.rescued.roll_back(rescued);
            return Err(error);
        }
        self.held.documents += 1;
        self.held
            .rows
            .extend(tables.iter().map(|table| table.open_rows() as u32));
        self.held.bytes.extend(tables.iter().map(Table::open_bytes));
        self.held.all_bytes += tables.iter().map(Table::open_bytes).sum::<u64>();
        Ok(())
    }

    /// Looks at the values of a document that have no type in the plan, and adds what they are to `evidence`; on error
    /// nothing.
    ///
    /// # Errors
    ///
    /// When the document is not valid JSON or has no id. Its rows may still turn out to be too large.
    pub fn observe(&mut self, document: &[u8], member: &str, evidence: &mut Evidence) -> Result<(), DocumentError> {
        let mut seen = Evidence::new(&self.plan);
        let view = self.loader.load(document)?;
        self.ids.set_member(&self.plan, member)?;
        let mut observer = Observer {
            plan: &self.plan,
            scratch: &mut self.scratch,
            slots: &self.slots,
            evidence: &mut seen,
        };
        self.rows.run(&self.plan, &view, &mut observer)?;
        evidence.merge(&seen);
        Ok(())
    }

    /// The bytes that the rows held count, as [`Projected::bytes`] has them, and those that the rescued values count.
    pub fn buffered_bytes(&self) -> usize {
        (self.held.all_bytes + self.held.rescued.counted()) as usize
    }

    /// How many documents are held, those without rows included.
    pub fn buffered_documents(&self) -> usize {
        self.held.documents
    }

    /// Takes all that is held.
    ///
    /// # Errors
    ///
    /// When the rows do not make Arrow batches of the plan's schemas, which is a defect of the program.
    pub fn flush(&mut self) -> Result<Projected, FlushError> {
        let Held {
            documents,
            rows,
            bytes,
            rescued,
            ..
        } = std::mem::take(&mut self.held);
        let mut batches = Vec::new();
        for (feature, table) in self.tables.iter_mut().flatten().enumerate() {
            batches.extend(table.finish(&self.plan, feature)?.map(|batch| (feature, batch)));
        }
        Ok(Projected {
            documents,
            rows,
            bytes,
            batches,
            rescued,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MAX_DOCUMENT_BYTES;

    /// A list is stopped in its midst: no more of its values are noted than the document may have, whatever its length.
    #[test]
    fn a_list_of_values_that_do_not_fit_is_not_noted_to_its_end() {
        let map =
            "{version: 1, id: {column: i, path: $.id, type: int64}, features: {f: {path: $.l, type: 'list<int64>'}}}";
        let plan = tarquet_feature_map::parse("map.yaml", map).expect("a map");
        let mut projector = Projector::new(Arc::new(plan), EngineKind::Reference);
        let member = "m".repeat(10_000);
        let most = MAX_DOCUMENT_BYTES as usize / member.len();
        let document = format!("{{\"id\": 1, \"l\": [{}0]}}", "\"\",".repeat(20 * most));
        let error = projector
            .project(document.as_bytes(), &member)
            .expect_err("a document of too much");
        assert_eq!(error.kind.code(), "too_large");
        assert!(projector.held.rescued.is_empty());
        let room = projector.held.rescued.capacity();
        assert!(room <= 2 * most, "{room} values");
    }
}

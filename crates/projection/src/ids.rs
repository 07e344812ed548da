//! The ids of the rows that are being written.

use tarquet_feature_map::plan::{ColumnType, IdSource, Value};
use tarquet_feature_map::{MemberIds, Plan};

use crate::convert::{Cell, Misfit};
use crate::error::{DocumentError, DocumentErrorKind};
use crate::take::{Picked, take, target};
use crate::view::View;

/// How much of a value that does not fit an error shows, in bytes.
const SHOWN_BYTES: usize = 80;

/// The ids of the rows that are being written.
#[derive(Debug)]
pub(crate) struct Ids {
    from_member: MemberIds,
    values: Vec<IdValue>,
}

/// The value of one id, kept from row to row.
#[derive(Debug, Default)]
struct IdValue {
    /// The value, unless it is a text.
    fixed: Option<Cell<'static>>,
    text: Vec<u8>,
}

impl IdValue {
    fn cell(&self) -> Cell<'_> {
        self.fixed.unwrap_or(Cell::Text(&self.text))
    }

    fn set(&mut self, cell: Cell<'_>) {
        self.fixed = match cell {
            Cell::Int(value) => Some(Cell::Int(value)),
            Cell::Float(value) => Some(Cell::Float(value)),
            Cell::Bool(value) => Some(Cell::Bool(value)),
            Cell::Days(value) => Some(Cell::Days(value)),
            Cell::Text(text) => {
                self.text.clear();
                self.text.extend_from_slice(text);
                None
            }
        };
    }
}

impl Ids {
    pub(crate) fn new(plan: &Plan) -> Self {
        let from_member = MemberIds::new(plan).expect("the id patterns of a checked plan are regular expressions");
        Self {
            from_member,
            values: plan.ids.iter().map(|_| IdValue::default()).collect(),
        }
    }

    /// Sets the ids that come from the member's name.
    pub(crate) fn set_member(&mut self, plan: &Plan, member: &str) -> Result<(), DocumentError> {
        for (at, id) in plan.ids.iter().enumerate() {
            if let IdSource::Value(_) = id.source {
                continue;
            }
            let Some(text) = self.from_member.id(at, member) else {
                return Err(failed(&id.name, "its pattern does not match the member's name"));
            };
            self.values[at].set(Cell::Text(text.as_bytes()));
        }
        Ok(())
    }

    /// Sets the ids that come from the document. None may be null. One without a type is only looked at.
    pub(crate) fn set_values(
        &mut self,
        plan: &Plan,
        view: &View<'_>,
        picked: &[Picked],
        scratch: &mut Vec<u8>,
    ) -> Result<(), DocumentError> {
        for ((id, picked), stored) in plan.ids.iter().zip(picked).zip(&mut self.values) {
            if let IdSource::Value(value) = &id.source {
                set_value(&id.name, value, view, picked, scratch, stored)?;
            }
        }
        Ok(())
    }

    /// The ids, in the order of the plan.
    pub(crate) fn cells(&self) -> impl Iterator<Item = Cell<'_>> {
        self.values.iter().map(IdValue::cell)
    }
}

fn set_value(
    name: &str,
    value: &Value,
    view: &View<'_>,
    picked: &Picked,
    scratch: &mut Vec<u8>,
    stored: &mut IdValue,
) -> Result<(), DocumentError> {
    let Some(ty) = value.ty else {
        return if picked.nodes.iter().all(|node| view.is_null(*node)) {
            Err(absent(name, value))
        } else {
            Ok(())
        };
    };
    let taken = take(value, picked);
    let fit = match ty {
        ColumnType::Scalar(_) => taken.cell(view, target(value, ty), scratch),
        ColumnType::List(_) => Err(Misfit),
    };
    match fit {
        Ok(Some(cell)) => {
            stored.set(cell);
            Ok(())
        }
        Ok(None) => Err(absent(name, value)),
        Err(Misfit) => Err(failed(
            name,
            &format!("`{}` does not fit {ty}", shown(&taken.exact(view))),
        )),
    }
}

fn absent(name: &str, value: &Value) -> DocumentError {
    let path = value.paths.first().map_or("", |path| path.path.text.as_str());
    failed(name, &format!("`{path}` is missing or null"))
}

fn failed(name: &str, why: &str) -> DocumentError {
    DocumentError::whole(
        DocumentErrorKind::Id,
        format!("the document has no id for column `{name}`: {why}"),
    )
}

/// The text of a value, cut to what an error can show.
fn shown(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    match text.char_indices().find(|(at, _)| *at >= SHOWN_BYTES) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into_owned(),
    }
}

//! The ids of the rows that are being written.

use tarquet_feature_map::plan::{ColumnType, IdSource, Value};
use tarquet_feature_map::{MemberIds, Plan};

use crate::convert::Misfit;
use crate::error::{DocumentError, DocumentErrorKind};
use crate::program::Source;
use crate::rows::Chunk;
use crate::take::{Taken, taken, target};
use crate::view::View;

/// How much of a value that does not fit an error shows, in bytes.
const SHOWN_BYTES: usize = 80;

/// The ids that are the same for all rows of a member.
#[derive(Debug)]
pub(crate) struct Ids {
    from_member: MemberIds,
    /// One for each id of the plan; those that come from the document are empty.
    of_member: Vec<String>,
    /// The member whose ids these are, if they are anybody's: one of many documents is not looked at each time.
    member: Option<String>,
}

impl Ids {
    pub(crate) fn new(plan: &Plan) -> Self {
        let from_member = MemberIds::new(plan).expect("the id patterns of a checked plan are regular expressions");
        Self {
            from_member,
            of_member: vec![String::new(); plan.ids.len()],
            member: None,
        }
    }

    /// Sets the ids that come from the member's name.
    pub(crate) fn set_member(&mut self, plan: &Plan, member: &str) -> Result<(), DocumentError> {
        if self.member.as_deref() == Some(member) {
            return Ok(());
        }
        let mut known = self.member.take().unwrap_or_default();
        for (at, id) in plan.ids.iter().enumerate() {
            if let IdSource::Value(_) = id.source {
                continue;
            }
            let Some(text) = self.from_member.id(at, member) else {
                return Err(failed(&id.name, "its pattern does not match the member's name"));
            };
            self.of_member[at].replace_range(.., &text);
        }
        member.clone_into(&mut known);
        self.member = Some(known);
        Ok(())
    }

    /// The id at a position, if it comes from the member's name.
    pub(crate) fn of_member(&self, at: usize) -> &str {
        &self.of_member[at]
    }
}

/// Checks the ids that come from the document: none may be null. One without a type is only looked at.
pub(crate) fn check(plan: &Plan, view: &View<'_>, ids: Chunk<'_>, scratch: &mut Vec<u8>) -> Result<(), DocumentError> {
    for (id, source) in plan.ids.iter().zip(&ids.layout.ids) {
        if let (IdSource::Value(value), Source::Node(slot) | Source::List(slot)) = (&id.source, *source) {
            let taken = taken(value, *source, ids.cell(slot), ids.lists);
            check_value(&id.name, value, view, taken, scratch)?;
        }
    }
    Ok(())
}

fn check_value(
    name: &str,
    value: &Value,
    view: &View<'_>,
    taken: Taken<'_>,
    scratch: &mut Vec<u8>,
) -> Result<(), DocumentError> {
    let Some(ty) = value.ty else {
        return if taken.nodes().iter().all(|node| view.is_null(*node)) {
            Err(absent(name, value))
        } else {
            Ok(())
        };
    };
    let fit = match ty {
        ColumnType::Scalar(_) => taken.cell(view, target(value, ty), scratch),
        ColumnType::List(_) => Err(Misfit),
    };
    match fit {
        Ok(Some(_)) => Ok(()),
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

//! Where a document comes from.

/// Where a document comes from: what `_member` and `_line` say of its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin<'a> {
    /// The display name of the member.
    pub member: &'a str,
    /// The line, from 1, or the element, of a member that holds many documents.
    pub line: Option<u64>,
}

/// A member that is one document.
impl<'a> From<&'a str> for Origin<'a> {
    fn from(member: &'a str) -> Origin<'a> {
        Origin { member, line: None }
    }
}

/// A member that is one document.
impl<'a> From<&'a String> for Origin<'a> {
    fn from(member: &'a String) -> Origin<'a> {
        Origin::from(member.as_str())
    }
}

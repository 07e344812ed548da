//! What stands in an archive behind its end.

use std::fmt;

use crate::error::Place;

/// Bytes behind an archive's end marker, and the zeros that fill up its last record. They are no part of the archive, but
/// somebody may have put one archive behind another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AfterEnd {
    /// Where the first of them is.
    pub place: Place,
    /// Whether they begin as a tar does.
    pub is_header: bool,
}

impl fmt::Display for AfterEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.is_header {
            "another archive begins"
        } else {
            "there are bytes that are no archive"
        };
        write!(f, "behind the end-of-archive marker {what}, at {}", self.place)
    }
}

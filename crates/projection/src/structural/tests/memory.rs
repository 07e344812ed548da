//! Documents that need much room, and what they leave for the next one.

use super::{EVERYTHING, judges_of};
use crate::structural::lens::ROW;

/// Elements whose brackets take more room than is kept for the next document, and which are long enough to be taken.
const ELEMENT: &str = "[12345678],";
const MANY: usize = 200_000;

/// Where a document ended that closes more than it opens must not matter to one that has less room.
#[test]
#[cfg_attr(miri, ignore = "too much for Miri")]
fn too_many_closing_brackets_after_a_large_document() {
    let mut judges = judges_of(EVERYTHING);
    let ends = "[]]]]]]]]";
    let large = format!("[{}{ends}", ELEMENT.repeat(MANY));
    assert!(
        large.len() % ROW > ends.len(),
        "the brackets that are too many stand in one row"
    );
    for small in ["[]]]]]]]", "{}}}}}}}", "[[]]"] {
        judges.check(large.as_bytes());
        judges.check(small.as_bytes());
    }
}

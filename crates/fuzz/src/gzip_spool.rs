//! Inflating gzip in all ways that there are, held to inflating it at once.

use tarquet_worker::inflate_member;

use crate::Verdict;
use crate::input::Input;
use crate::plain_gzip::{inflate, mend_trailers};
use crate::ways::{MOST, ways};

/// Inflates a file: in order, with threads, in pieces of any size, and from the points made on the way; and gives the same
/// bytes, or the same damage at the same place, as inflating it at once. A worker that finds the file in an archive takes it
/// for the same, or refuses it if anything is wrong with it.
///
/// The first thirteen bytes say how; the file is what follows.
///
/// # Panics
///
/// Where one way differs from another.
pub fn gzip_spool(data: &[u8]) -> Verdict {
    let mut input = Input::new(data);
    let mend = input.byte() & 1 != 0;
    let ways = ways(&mut input);
    let mut file = input.rest().to_vec();
    if mend {
        mend_trailers(&mut file, MOST);
    }
    let Some(expected) = inflate(&file, MOST) else {
        return Verdict::Refused;
    };
    let found = ways.gzip(&file);
    assert_eq!(found.1, expected.1);
    assert!(found.0 == expected.0, "other bytes than at once");
    if let Some(member) = inflate_member(&file, MOST as u64) {
        let whole = found.1.is_none().then_some(&found.0);
        assert_eq!(
            member.as_ref().ok(),
            whole,
            "{:?} and {:?}",
            member.as_ref().err(),
            found.1
        );
    }
    Verdict::of(found.1.is_none())
}

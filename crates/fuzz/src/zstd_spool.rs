//! Decompressing zstd in all ways that there are, held to decompressing it at once.

use tarquet_worker::inflate_member;

use crate::Verdict;
use crate::input::Input;
use crate::ways::{MOST, ways};

/// Decompresses a file: in order, with threads, in pieces of any size, and from the points made on the way; always the same
/// bytes, from the same places, and the same damage. They are whole where libzstd, at once, says so, and are the same bytes then. A worker that finds the file
/// in an archive says the same as libzstd, but for what is too large a window.
///
/// The first thirteen bytes say how; the file is what follows.
///
/// # Panics
///
/// Where one way differs from another.
pub fn zstd_spool(data: &[u8]) -> Verdict {
    let mut input = Input::new(data);
    // As many as gzip takes, so that seeds can be told from each other by eye.
    input.byte();
    let ways = ways(&mut input);
    let file = input.rest();
    let Some(expected) = at_once(file) else {
        return Verdict::Refused;
    };
    let (found, fault) = ways.zstd(file);
    let is_refusal = fault.as_ref().is_some_and(|(_, kind)| kind.is_refusal());
    match &expected {
        Some(expected) if !is_refusal => {
            assert_eq!(fault, None);
            assert!(found == *expected, "other bytes than at once");
        }
        _ => assert!(fault.is_some(), "libzstd does not take it"),
    }
    if let Some(member) = inflate_member(file, MOST as u64) {
        let whole = fault.is_none().then_some(&found);
        assert_eq!(member.as_ref().ok(), whole, "{:?} and {fault:?}", member.as_ref().err());
    }
    Verdict::of(fault.is_none())
}

/// What libzstd makes of all frames of a file at once, if it takes them; `None` when that is more than [`MOST`] bytes.
fn at_once(file: &[u8]) -> Option<Option<Vec<u8>>> {
    let mut held = vec![0; MOST];
    match zstd_safe::decompress(&mut held[..], file) {
        Ok(len) => {
            held.truncate(len);
            Some(Some(held))
        }
        Err(code) if zstd_safe::get_error_name(code) == "Destination buffer is too small" => None,
        Err(_) => Some(None),
    }
}

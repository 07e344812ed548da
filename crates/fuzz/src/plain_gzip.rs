//! A gzip file that is inflated at once, one member after the other, by `flate2`, which reads headers and trailers itself
//! (RFC 1952).

use flate2::{Decompress, FlushDecompress, Status};
use tarquet_archive::{DamageKind, Inflated};

/// The longest header of deflate's window, as zlib has it.
const WINDOW_BITS: u8 = 15;

/// What a file holds; `None` when that is more than `most` bytes.
pub(crate) fn inflate(bytes: &[u8], most: usize) -> Option<Inflated> {
    // One more, so that a stream of exactly so many ends.
    let mut held = Vec::with_capacity(most + 1);
    let mut at = 0;
    loop {
        let (end, fault) = member(&bytes[at..], &mut held);
        if held.len() > most {
            return None;
        }
        at += end;
        if let Some(kind) = fault {
            return Some((held, Some((at as u64, kind))));
        }
        match &bytes[at..] {
            [] => return Some((held, None)),
            [0x1F] | [0x1F, 0x8B, ..] => {}
            rest => {
                let garbage = rest.iter().position(|byte| *byte != 0);
                let fault = garbage.map(|zeros| ((at + zeros) as u64, DamageKind::TrailingGarbage));
                return Some((held, fault));
            }
        }
    }
}

/// Writes what a member's trailer has to hold into every trailer that is there and wrong.
pub(crate) fn mend_trailers(bytes: &mut [u8], most: usize) {
    while let Some((at, trailer)) = wrong_trailer(bytes, most) {
        bytes[at..at + trailer.len()].copy_from_slice(&trailer);
    }
}

/// Where the first trailer is that is whole and wrong, and what it should be.
fn wrong_trailer(bytes: &[u8], most: usize) -> Option<(usize, [u8; 8])> {
    let mut at = 0;
    while bytes[at..].starts_with(&[0x1F, 0x8B]) {
        let mut held = Vec::with_capacity(most + 1);
        let (end, fault) = member(&bytes[at..], &mut held);
        at += end;
        let back = match fault {
            None => continue,
            Some(DamageKind::Gzip { detail }) if detail == "incorrect data check" => 4,
            Some(DamageKind::Gzip { detail }) if detail == "incorrect length check" => 8,
            Some(_) => return None,
        };
        let trailer = [crc32fast::hash(&held).to_le_bytes(), (held.len() as u32).to_le_bytes()];
        let trailer = trailer.concat().try_into().ok()?;
        return (at - back + 8 <= bytes.len()).then_some((at - back, trailer));
    }
    None
}

/// Inflates the member at the front into what room there is. Gives where it ends, or where and why it breaks.
fn member(bytes: &[u8], held: &mut Vec<u8>) -> (usize, Option<DamageKind>) {
    let mut inflater = Decompress::new_gzip(WINDOW_BITS);
    loop {
        let before = (inflater.total_in(), inflater.total_out());
        let rest = &bytes[before.0 as usize..];
        let fault = match inflater.decompress_vec(rest, held, FlushDecompress::None) {
            Ok(Status::StreamEnd) => None,
            Ok(_) if before == (inflater.total_in(), inflater.total_out()) => Some(DamageKind::CutGzip),
            Ok(_) => continue,
            Err(error) => Some(DamageKind::Gzip {
                detail: in_our_words(error.message().unwrap_or_default()).to_owned(),
            }),
        };
        return (inflater.total_in() as usize, fault);
    }
}

/// What zlib says of an invalid code depends on which of its loops meets it.
fn in_our_words(message: &str) -> &str {
    match message {
        "invalid literal/length code"
        | "invalid distance code"
        | "invalid distance too far back"
        | "invalid distance code too far back"
        | "repeated call with bad state" => "a code inside a block is invalid",
        other => other,
    }
}

//! What is in members.

use super::{Case, case};
use crate::support::blocks::{Blocks, NAME, WIDE_ZSTD, X, around, three};
use crate::support::{gzip, zstd};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("JSON in UTF-8", || of(r#"{"n":2,"s":"日本"}"#.as_bytes())),
        case("JSON behind a byte order mark", || of(&[b"\xef\xbb\xbf", X].concat())),
        case("UTF-16, and its byte order mark", || {
            let text: Vec<u8> = X.iter().flat_map(|&byte| [byte, 0]).collect();
            of(&[b"\xff\xfe", &text[..]].concat())
        }),
        case("UTF-16 without one", || {
            of(&X.iter().flat_map(|&byte| [byte, 0]).collect::<Vec<u8>>())
        }),
        case("JSON in Latin-1", || of(b"{\"n\":2,\"s\":\"caf\xe9\"}")),
        case("no byte at all", || of(b"")),
        case("cut short", || of(&X[..X.len() - 1])),
        case("not JSON", || of(b"{\"n\" 2}")),
        case("more than 1,024 arrays in each other", || {
            of(&[vec![b'['; 1_025], vec![b']'; 1_025]].concat())
        }),
        case("gzip around JSON", || of(&gzip(X))),
        case("zstd around JSON", || of(&zstd(X))),
        case("gzip around JSON, cut short", || {
            let whole = gzip(X);
            of(&whole[..whole.len() - 9])
        }),
        case("zstd around JSON, cut short", || {
            let whole = zstd(X);
            of(&whole[..whole.len() - 1])
        }),
        case("gzip around JSON, whose checksum does not match", || {
            let mut whole = gzip(X);
            let checksum = whole.len() - 8;
            whole[checksum] ^= 1;
            of(&whole)
        }),
        case("gzip around JSON, and other bytes behind it", || {
            of(&[&gzip(X), &b"other"[..]].concat())
        }),
        case("a bomb: gzip of more than `--max-document-bytes`", || {
            of(&gzip(&large()))
        }),
        case("a bomb: zstd of more than `--max-document-bytes`", || {
            of(&zstd(&large()))
        }),
        case("zstd with a window of 2 GiB, in a member", || of(WIDE_ZSTD)),
        case("gzip around zstd around JSON", || of(&gzip(&zstd(X)))),
        case("a member that is a tar itself", || of(&three())),
        case("larger than `--max-document-bytes`", || of(&large())),
    ]
}

/// A document of these bytes.
fn of(bytes: &[u8]) -> Vec<u8> {
    around(&Blocks::default().file(NAME, bytes))
}

/// A document of more than a mebibyte.
fn large() -> Vec<u8> {
    [X, &vec![b' '; 1 << 20]].concat()
}

//! Members of many documents.

use super::{Case, Input, case};
use crate::support::blocks::{Blocks, X, around, end};
use crate::support::gzip;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("NDJSON", || lines(b"x.ndjson", &[X, b"\n"].concat())),
        case("NDJSON, and a line that is not JSON", || {
            lines(b"x.jsonl", &[X, b"\nnot JSON\n"].concat())
        }),
        case("NDJSON in gzip", || lines(b"x.ndjson.gz", &gzip(X))),
        case("NDJSON in gzip, whose checksum does not match", || {
            let mut whole = gzip(&[X, b"\n"].concat());
            let checksum = whole.len() - 8;
            whole[checksum] ^= 1;
            lines(b"x.ndjson.gz", &whole)
        }),
        Case {
            row: "a JSON array, and `--documents array`",
            input: Input::Archive(|| arrays(br#"[{"n":2}]"#)),
            flags: &["--documents", "array"],
        },
        Case {
            row: "a JSON array that is cut short, and `--documents array`",
            input: Input::Archive(|| arrays(br#"[{"n":2}, {"#)),
            flags: &["--documents", "array"],
        },
    ]
}

fn lines(name: &[u8], content: &[u8]) -> Vec<u8> {
    around(&Blocks::default().file(name, content))
}

/// An array between two others.
fn arrays(content: &[u8]) -> Vec<u8> {
    let blocks = Blocks::default()
        .file(b"first.json", br#"[{"n":1}]"#)
        .file(b"x.json", content)
        .file(b"last.json", br#"[{"n":3}]"#);
    [blocks.0, end()].concat()
}

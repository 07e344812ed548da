//! What members there are besides files.

use super::{Case, case};
use crate::support::blocks::{Blocks, Header, NAME, X, around, around_header};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = passed_over();
    cases.extend(failed());
    cases
}

fn passed_over() -> Vec<Case> {
    vec![
        case("a contiguous file, type `7`", || {
            around_header(&mut Header::new(NAME, b'7', X.len() as u64), X)
        }),
        case("a directory", || flagged(b'5', 0)),
        case("a directory that claims bytes, and has none", || flagged(b'5', 600)),
        case("a directory that claims bytes, and has them", || {
            around_header(&mut Header::new(NAME, b'5', 600), &[b'x'; 600])
        }),
        case("a symbolic link", || {
            around_header(Header::new(NAME, b'2', 0).put(157, b"first.json"), b"")
        }),
        case("a symbolic link that claims bytes", || {
            around_header(Header::new(NAME, b'2', 10).put(157, b"first.json"), b"")
        }),
        case("a hard link", || {
            around_header(Header::new(NAME, b'1', 0).put(157, b"first.json"), b"")
        }),
        case("a named pipe", || flagged(b'6', 0)),
        case("a character device", || flagged(b'3', 0)),
        case("a block device", || flagged(b'4', 0)),
        case("the list of a directory, type `D` of GNU", || {
            around_header(&mut Header::new(NAME, b'D', 12), b"Yfirst.json\0")
        }),
        case("the label of a volume, type `V` of GNU", || flagged(b'V', 0)),
    ]
}

fn failed() -> Vec<Case> {
    vec![
        case("a sparse file, type `S` of GNU", || {
            let mut header = Header::new(NAME, b'S', X.len() as u64);
            around_header(
                header
                    .put(386, b"00000000000\x0000000000007\0")
                    .put(483, b"00000000007\0"),
                X,
            )
        }),
        case("a sparse file in PAX records, version 0.0", || {
            sparse(&[
                ("GNU.sparse.size", b"7"),
                ("GNU.sparse.numblocks", b"1"),
                ("GNU.sparse.offset", b"0"),
                ("GNU.sparse.numbytes", b"7"),
            ])
        }),
        case("a sparse file in PAX records, version 0.1", || {
            sparse(&[
                ("GNU.sparse.name", NAME),
                ("GNU.sparse.size", b"7"),
                ("GNU.sparse.numblocks", b"1"),
                ("GNU.sparse.map", b"0,7"),
            ])
        }),
        case("a sparse file in PAX records, version 1.0", || {
            sparse(&[
                ("GNU.sparse.major", b"1"),
                ("GNU.sparse.minor", b"0"),
                ("GNU.sparse.name", NAME),
                ("GNU.sparse.realsize", b"7"),
            ])
        }),
        case("PAX records of a sparse file, and a header of type `S` of GNU", || {
            around(
                &Blocks::default()
                    .pax(b'x', &[("GNU.sparse.major", b"1")])
                    .flagged(b'S', 0),
            )
        }),
        case("the rest of a file from another volume, type `M` of GNU", || {
            around_header(&mut Header::new(NAME, b'M', X.len() as u64), X)
        }),
        case("the rest of a file from another volume, in PAX records", || {
            let volume: &[(&str, &[u8])] = &[
                ("GNU.volume.filename", NAME),
                ("GNU.volume.size", b"7"),
                ("GNU.volume.offset", b"100"),
            ];
            around(&Blocks::default().pax(b'g', volume).file(b"GNUFileParts/x.json.2", X))
        }),
        case("renamings, type `N` of GNU's oldest", || {
            around_header(&mut Header::new(NAME, b'N', 20), b"Rename a to b.json\n\0")
        }),
        case("an unknown type", || {
            around_header(&mut Header::new(NAME, b'?', X.len() as u64), X)
        }),
    ]
}

/// A member that is no more than a header of this type.
fn flagged(flag: u8, size: u64) -> Vec<u8> {
    around(&Blocks::default().flagged(flag, size))
}

/// A sparse file whose PAX header has these records.
fn sparse(records: &[(&str, &[u8])]) -> Vec<u8> {
    around(&Blocks::default().pax(b'x', records).file(b"GNUSparseFile.0/x.json", X))
}

//! The dialects of tar, and headers with something wrong.

use super::{Case, case};
use crate::support::blocks::{Blocks, Header, NAME, X, around, around_header, before, end};

const SIZE: u64 = X.len() as u64;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = sound();
    cases.extend(unsound());
    cases.extend(unsound_pax());
    cases
}

fn sound() -> Vec<Case> {
    vec![
        case("v7", || around_header(file().put(257, &[0; 8]), X)),
        case("ustar, and a name in two parts", || {
            around_header(file().put(345, b"raw"), X)
        }),
        case("GNU, and a long name", || {
            around(&Blocks::default().meta(b'L', &long()).x())
        }),
        case("GNU, and a long link target that nothing needs", || {
            around(&Blocks::default().meta(b'K', &long()).x())
        }),
        case("PAX, and a path", || {
            around(&Blocks::default().pax(b'x', &[("path", &long())]).x())
        }),
        case("PAX, type `X` of old Solaris", || {
            around(&Blocks::default().pax(b'X', &[("path", b"other.json")]).x())
        }),
        case("PAX global header", || {
            around(&Blocks::default().pax(b'g', &[("comment", b"for all")]).x())
        }),
        case("a PAX header, then a GNU long name", || {
            let body = [X, &[b' '; 600]].concat();
            let size = body.len().to_string();
            let both = Blocks::default()
                .pax(b'x', &[("size", size.as_bytes())])
                .meta(b'L', &long());
            around(&both.header(&mut file(), &body))
        }),
        case("a size in base-256", || {
            let size = [&[0x80, 0, 0, 0][..], &SIZE.to_be_bytes()].concat();
            around_header(file().put(124, &size), X)
        }),
        case("a size in a PAX record alone", || {
            let size = SIZE.to_string();
            let sized = Blocks::default().pax(b'x', &[("size", size.as_bytes())]);
            around(&sized.header(&mut Header::new(NAME, b'0', 0), X))
        }),
        case("a PAX header with two sizes, of which the last is right", || {
            let size = SIZE.to_string();
            around(
                &Blocks::default()
                    .pax(b'x', &[("size", b"4096"), ("size", size.as_bytes())])
                    .x(),
            )
        }),
        case("a PAX value with a newline in it, spelled like another record", || {
            around(
                &Blocks::default()
                    .pax(b'x', &[("comment", b"x\n13 size=4096\n14 path=x.xml\n")])
                    .x(),
            )
        }),
        case("a checksum of signed bytes", || {
            let header = Header::new(b"caf\xe9.json", b'0', SIZE).block(|byte| i64::from(byte.cast_signed()));
            around(&Blocks::default().bytes(&header).bytes(X))
        }),
    ]
}

fn unsound() -> Vec<Case> {
    vec![
        case("a wrong checksum", || {
            let mut archive = around(&Blocks::default().x());
            archive[before().0.len()] ^= 1;
            archive
        }),
        case("a size that is no number", || {
            around_header(file().put(124, b"0000000000x\0"), X)
        }),
        case("a size that is negative", || {
            around_header(file().put(124, &[0xFF; 12]), X)
        }),
        case("a size of 2^64 and more", || {
            around_header(file().put(124, b"\x80\0\0\x01\0\0\0\0\0\0\0\0"), X)
        }),
        case("a size of 2^63", || {
            around_header(file().put(124, b"\x80\0\0\0\x80\0\0\0\0\0\0\0"), X)
        }),
        case("a size of blanks", || around_header(file().put(124, &[b' '; 12]), X)),
        case("metadata headers of more than 1 MiB", || {
            around(
                &Blocks::default()
                    .meta(b'K', &[b'k'; 1_000_000])
                    .meta(b'L', &[b'l'; 100_000])
                    .x(),
            )
        }),
        case("a long name of 1 GiB", || {
            around_header(&mut Header::new(b"long", b'L', 1 << 30), &[b'l'; 4096])
        }),
        case("a metadata header, and no member behind it", || {
            [before().0, Blocks::default().meta(b'L', b"long.json\0").0, end()].concat()
        }),
    ]
}

fn unsound_pax() -> Vec<Case> {
    vec![
        case("a PAX record that is not as long as it says", || {
            pax(b"14 path=x.json\n")
        }),
        case("a PAX record without a length", || pax(b"path=x.json\n")),
        case("a PAX record without a keyword", || pax(b"4 x\n")),
        case("a PAX size that is no number", || pax(b"12 size=1e3\n")),
        case("a PAX size that is empty", || pax(b"8 size=\n")),
        case("two PAX headers with two sizes", || {
            let one = Blocks::default().pax(b'x', &[("size", b"4096")]);
            around(&one.pax(b'x', &[("size", SIZE.to_string().as_bytes())]).x())
        }),
        case("a global PAX header with a size that is not the member's", || {
            around(&Blocks::default().pax(b'g', &[("size", b"4096")]).x())
        }),
        case("a global PAX header with two sizes", || {
            around(&Blocks::default().pax(b'g', &[("size", b"7"), ("size", b"7")]).x())
        }),
        case("a global PAX header with a name of more than 4 KiB", || {
            around(&Blocks::default().pax(b'g', &[("path", &[b'n'; 4097])]).x())
        }),
        case("a global PAX header with records of a sparse file", || {
            around(&Blocks::default().pax(b'g', &[("GNU.sparse.major", b"1")]).x())
        }),
    ]
}

/// The header of a document as it should be.
fn file() -> Header {
    Header::new(NAME, b'0', SIZE)
}

/// A name of 306 bytes.
fn long() -> Vec<u8> {
    [b"long/".repeat(60), b"x.json".to_vec()].concat()
}

/// A PAX header with these bytes in it, before a document.
fn pax(body: &[u8]) -> Vec<u8> {
    around(&Blocks::default().meta(b'x', body).x())
}

//! Several archives, and directories of loose files.

use super::{Case, Input};
use crate::support::blocks::{WIDE_ZSTD, X, after, before, end};
use crate::support::{gzip, tar, zstd};

pub(super) fn cases() -> Vec<Case> {
    let case = |row, files, paths| Case {
        row,
        input: Input::Files(files, paths),
        flags: &[],
    };
    const THREE: &[&str] = &["1.tar", "2.tar", "3.tar"];
    vec![
        case("several archives, each in its own way", || with(gzip(&second())), THREE),
        case("several archives, found by a glob", || with(second()), &["?.tar"]),
        case("one of several that holds no member", || with(end()), THREE),
        case(
            "one of several that is cut short",
            || with(second()[..514].to_vec()),
            THREE,
        ),
        case("one of several that is no archive", || with(b"other".to_vec()), THREE),
        case("one of several that is an empty file", || with(Vec::new()), THREE),
        case(
            "one of several in zstd with a window of 2 GiB",
            || with(WIDE_ZSTD.to_vec()),
            THREE,
        ),
        case("a directory of loose files", || loose("in/x.json", X.to_vec()), &["in"]),
        case(
            "a loose file in a directory that is in it",
            || loose("in/x/x/y.json", X.to_vec()),
            &["in"],
        ),
        case(
            "a loose file that no `--include` matches",
            || loose("in/x.txt", X.to_vec()),
            &["in"],
        ),
        case(
            "a loose file that is not JSON",
            || loose("in/x.json", b"{".to_vec()),
            &["in"],
        ),
        case(
            "a loose file that is gzip around JSON",
            || loose("in/x.json.gz", gzip(X)),
            &["in"],
        ),
        case(
            "an archive among the files of a directory",
            || loose("in/x.tar", second()),
            &["in"],
        ),
        case("a directory among several archives", mixed, &["1.tar", "in", "3.tar"]),
        case(
            "a loose JSON file that is given itself",
            || loose("in/x.json", X.to_vec()),
            &["in/x.json"],
        ),
    ]
}

/// An archive of the second document.
fn second() -> Vec<u8> {
    tar(&[("x.json", X)])
}

/// Three archives, of which the second is this.
fn with(second: Vec<u8>) -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("1.tar", [before().0, end()].concat()),
        ("2.tar", second),
        ("3.tar", zstd(&[after().0, end()].concat())),
    ]
}

/// A directory in which the second of three files is this.
fn loose(name: &'static str, content: Vec<u8>) -> Vec<(&'static str, Vec<u8>)> {
    let document = |n| format!("{{\"n\":{n}}}").into_bytes();
    vec![("in/a.json", document(1)), (name, content), ("in/z.json", document(3))]
}

fn mixed() -> Vec<(&'static str, Vec<u8>)> {
    let [first, _, third] = with(Vec::new()).try_into().expect("three");
    vec![first, ("in/x.json", X.to_vec()), third]
}

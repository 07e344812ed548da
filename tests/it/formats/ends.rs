//! Where an archive ends, and where it should not.

use super::{Case, case};
use crate::support::blocks::{Blocks, NAME, X, after, around, before, end, three};

pub(super) fn cases() -> Vec<Case> {
    let ignoring_zeros = |row, archive| Case {
        flags: &["--ignore-zeros"],
        ..case(row, archive)
    };
    vec![
        case("no end-of-archive marker", || {
            let mut three = three();
            three.truncate(three.len() - end().len());
            three
        }),
        case("an end marker of one block of zeros", || {
            let mut three = three();
            three.truncate(three.len() - 512);
            three
        }),
        case("another archive behind the end marker", two_archives),
        ignoring_zeros(
            "another archive behind the end marker, and `--ignore-zeros`",
            two_archives,
        ),
        case("other bytes behind the end marker", other_bytes),
        ignoring_zeros("other bytes behind the end marker, and `--ignore-zeros`", other_bytes),
        case("a block of zeros between members", a_block_of_zeros),
        ignoring_zeros(
            "a block of zeros between members, and `--ignore-zeros`",
            a_block_of_zeros,
        ),
        case("cut inside a header", || cut(100)),
        case("cut inside a member", || cut(512 + 3)),
        case("cut inside the padding behind a member", || {
            let first = before().0;
            first[..512 + 100].to_vec()
        }),
        case("cut inside a metadata header", || {
            let named = Blocks::default().pax(b'x', &[("path", NAME)]).x();
            let whole = around(&named);
            whole[..before().0.len() + 512 + 10].to_vec()
        }),
    ]
}

/// One document, and behind the end marker an archive with two.
fn two_archives() -> Vec<u8> {
    let second = Blocks::default().x();
    [before().0, end(), vec![0; 4 * 512], second.0, after().0, end()].concat()
}

fn other_bytes() -> Vec<u8> {
    [before().0, end(), b"other bytes".repeat(100)].concat()
}

fn a_block_of_zeros() -> Vec<u8> {
    [before().0, vec![0; 512], Blocks::default().x().0, after().0, end()].concat()
}

/// Three documents, cut so many bytes behind the start of the second.
fn cut(at: usize) -> Vec<u8> {
    assert!(at < 512 + X.len());
    three()[..before().0.len() + at].to_vec()
}

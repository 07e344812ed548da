//! `null`, `true` and `false`, and what is nearly one of them: under every lens, and by both ways to check words whatever
//! lenses the machine has.

use super::{EVERYTHING, judges_of};
use crate::structural::index::Index;
use crate::structural::lens::{Bits, Classes, Lens, ROW};
use crate::structural::portable::{Plain, Portable};
use crate::structural::words::{Letters, Together};

/// The portable lens, but for words.
#[derive(Debug, Clone, Copy)]
struct Spelling;

impl Lens for Spelling {
    type Set = Plain;
    type Words = Together<Self>;

    fn classify(self, row: &[u8; ROW]) -> Classes<Self> {
        let of = |letter: u8| {
            let mut bits = Bits::default();
            for at in (0..ROW).filter(|at| row[*at] == letter) {
                bits[at / 64] |= 1 << (at % 64);
            }
            Plain(bits)
        };
        Classes {
            bytes: Portable.classify(row).bytes,
            letters: Letters {
                a: of(b'a'),
                e: of(b'e'),
                f: of(b'f'),
                l: of(b'l'),
                n: of(b'n'),
                r: of(b'r'),
                s: of(b's'),
                t: of(b't'),
                u: of(b'u'),
            },
        }
    }

    fn set(self, bits: Bits) -> Plain {
        Plain(bits)
    }
}

/// Calls `each` with what stands between two brackets: the words, each with one byte exchanged for every other, taken out,
/// put in front or behind, and two of them without anything between.
fn nearly_words(each: &mut impl FnMut(&[u8])) {
    const WORDS: [&[u8]; 3] = [b"null", b"true", b"false"];
    for word in WORDS {
        each(word);
        for at in 0..word.len() {
            each(&[&word[..at], &word[at + 1..]].concat());
            for byte in 0..=u8::MAX {
                each(&[&word[..at], &[byte], &word[at + 1..]].concat());
            }
        }
        for byte in 0..=u8::MAX {
            each(&[&[byte], word].concat());
            each(&[word, &[byte]].concat());
            each(&[word, &[byte], word].concat());
        }
        for other in WORDS {
            each(&[word, other].concat());
            each(&[&word[..2], &other[2..]].concat());
        }
    }
}

/// White space before the bracket, so that a word lies before, across or behind the end of a row or a word of bits.
const OFFSETS: [usize; 9] = [0, 58, 60, 62, 63, 506, 508, 510, 511];

fn document(offset: usize, inside: &[u8], document: &mut Vec<u8>) {
    document.clear();
    document.resize(offset, b' ');
    for part in [b"[", inside, b"]"] {
        document.extend_from_slice(part);
    }
}

#[test]
#[cfg_attr(miri, ignore = "too much for Miri")]
fn every_lens_knows_words() {
    let mut judges = judges_of(EVERYTHING);
    let (mut text, mut number) = (Vec::new(), 0);
    nearly_words(&mut |inside| {
        number += 1;
        document(OFFSETS[number % OFFSETS.len()], inside, &mut text);
        judges.check(&text);
    });
    for offset in OFFSETS {
        for word in ["null", "true", "false"] {
            document(offset, word.as_bytes(), &mut text);
            assert!(judges.check(&text), "{word} at {offset}");
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "too much for Miri")]
fn words_are_the_same_one_by_one_and_together() {
    let (mut one_by_one, mut together) = (Index::default(), Index::default());
    let (mut text, mut valid) = (Vec::new(), 0);
    nearly_words(&mut |inside| {
        for offset in OFFSETS {
            document(offset, inside, &mut text);
            let expected = one_by_one.build(Portable, &text);
            assert_eq!(
                together.build(Spelling, &text),
                expected,
                "{:?}",
                text.escape_ascii().to_string()
            );
            valid += usize::from(expected);
        }
    });
    assert!(valid > 0);
}

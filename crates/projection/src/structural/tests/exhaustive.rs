//! All short texts there are of the bytes that matter, across the ends of words and rows.

use super::{EVERYTHING, judges_of};

/// Calls `each` with all texts of up to `longest` of the bytes of `alphabet`.
fn all_texts(alphabet: &[u8], longest: usize, each: &mut impl FnMut(&[u8])) {
    let mut digits = Vec::with_capacity(longest);
    let mut text = Vec::with_capacity(longest);
    loop {
        text.clear();
        text.extend(digits.iter().map(|digit| alphabet[*digit]));
        each(&text);
        // The next one: counts up, and is one longer when all digits are full.
        let last = alphabet.len() - 1;
        match digits.iter().rposition(|digit| *digit < last) {
            Some(at) => {
                digits[at] += 1;
                digits[at + 1..].fill(0);
            }
            None if digits.len() == longest => return,
            None => digits = vec![0; digits.len() + 1],
        }
    }
}

/// Holds `before`, a text and `after` against the reference, for all texts, with each of `offsets` white space before them:
/// of the longest texts only one offset each. Gives how many were valid.
fn check_all(alphabet: &[u8], longest: usize, [before, after]: [&str; 2], offsets: &[usize]) -> usize {
    let mut judges = judges_of(EVERYTHING);
    let mut valid = 0;
    let mut number = 0;
    let mut document = Vec::new();
    all_texts(alphabet, longest, &mut |text| {
        number += 1;
        let only = (text.len() == longest).then_some(number % offsets.len());
        for (at, offset) in offsets.iter().enumerate() {
            if only.is_none_or(|only| only == at) {
                document.clear();
                document.resize(*offset, b' ');
                for part in [before.as_bytes(), text, after.as_bytes()] {
                    document.extend_from_slice(part);
                }
                valid += usize::from(judges.check(&document));
            }
        }
    });
    valid
}

const TOKENS: &[u8] = b"{}[],:\"1a-.e0\\ t";
const OFFSETS: [usize; 9] = [0, 60, 61, 62, 63, 508, 509, 510, 511];

#[test]
#[cfg_attr(miri, ignore = "too much for Miri")]
fn all_short_documents() {
    assert!(check_all(TOKENS, 5, ["", ""], &OFFSETS) > 0);
}

#[test]
#[cfg_attr(miri, ignore = "too much for Miri")]
fn all_short_insides_of_arrays_and_objects() {
    for around in [
        ["[", "]"],
        ["{", "}"],
        ["{\"\":", "}"],
        ["[{\"\":0,", "}]"],
        ["[[", "],{}]"],
        ["[\"\",\"", "\"]"],
    ] {
        assert!(check_all(TOKENS, 4, around, &OFFSETS) > 0, "{around:?}");
    }
}

#[test]
#[cfg_attr(miri, ignore = "too much for Miri")]
fn all_short_numbers() {
    for around in [["[", "]"], ["[0,", ",0]"], ["{\"\":", "}"]] {
        assert!(check_all(b"01-+.e", 6, around, &OFFSETS) > 1000, "{around:?}");
    }
}

#[test]
#[cfg_attr(miri, ignore = "too much for Miri")]
fn all_short_texts_of_the_letters_of_words() {
    for around in [["[", "]"], ["[0,", ",\"\"]"]] {
        assert!(check_all(b"truefalsn", 5, around, &OFFSETS) >= 3, "{around:?}");
    }
}

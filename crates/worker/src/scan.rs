//! Looking for the end of an element of an array: by its brackets, commas and strings alone.

use memchr::memchr2;
use tarquet_wire::array::Inside;

use crate::marks::{BLOCK_BYTES, Marks};

/// A place in an element's bytes.
#[derive(Debug)]
pub(crate) struct Scan {
    /// Up to here they were looked at.
    pub(crate) at: usize,
    /// What is there.
    pub(crate) inside: Inside,
}

impl Scan {
    /// Where the comma or the bracket is that ends the element; `None` if it does not end in these bytes.
    pub(crate) fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        loop {
            let Some(block) = bytes[self.at..].first_chunk::<BLOCK_BYTES>() else {
                return self.step_to(bytes, bytes.len());
            };
            let marks = Marks::of(block);
            let end = match marks.backslashes {
                0 => self.pass(block, marks),
                _ => {
                    let before = self.at;
                    let end = self.step_to(bytes, before + BLOCK_BYTES);
                    if end.is_none() && self.at < before + BLOCK_BYTES {
                        // A backslash is the last of all.
                        return None;
                    }
                    end
                }
            };
            if end.is_some() {
                return end;
            }
        }
    }

    /// Passes a block without backslashes.
    fn pass(&mut self, block: &[u8; BLOCK_BYTES], marks: Marks) -> Option<usize> {
        let strings = marks.strings(self.inside.is_string);
        let (opening, closing) = (marks.opening & !strings, marks.closing & !strings);
        let depth = self.inside.depth;
        // Mostly the element is too deep to end here, and brackets need not be matched one by one.
        if depth > u64::from(closing.count_ones()) {
            self.inside.depth = depth + u64::from(opening.count_ones()) - u64::from(closing.count_ones());
        } else {
            let mut left = opening | closing | marks.commas & !strings;
            while left != 0 {
                let at = left.trailing_zeros() as usize;
                if self.meets(block[at]) {
                    return Some(self.at + at);
                }
                left &= left - 1;
            }
        }
        self.inside.is_string = strings >> (BLOCK_BYTES - 1) == 1;
        self.at += BLOCK_BYTES;
        None
    }

    /// Looks at the bytes up to `to`, one by one; in a string, perhaps further.
    fn step_to(&mut self, bytes: &[u8], to: usize) -> Option<usize> {
        while self.at < to {
            if self.inside.is_string {
                let Some(found) = memchr2(b'"', b'\\', &bytes[self.at..]) else {
                    self.at = bytes.len();
                    return None;
                };
                self.at += found;
                if bytes[self.at] == b'"' {
                    self.inside.is_string = false;
                    self.at += 1;
                } else if self.at + 1 < bytes.len() {
                    self.at += 2;
                } else {
                    // What is escaped is not looked at; it may not be there yet.
                    return None;
                }
                continue;
            }
            match bytes[self.at] {
                b'"' => self.inside.is_string = true,
                byte if self.meets(byte) => return Some(self.at),
                _ => {}
            }
            self.at += 1;
        }
        None
    }

    /// Whether a byte outside of strings ends the element.
    fn meets(&mut self, byte: u8) -> bool {
        let depth = &mut self.inside.depth;
        match byte {
            b'[' | b'{' => *depth += 1,
            b',' | b']' if *depth == 0 => return true,
            b']' | b'}' => *depth = depth.saturating_sub(1),
            _ => {}
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same, byte by byte.
    fn naive(bytes: &[u8], from: Inside) -> (Option<usize>, usize, Inside) {
        let mut scan = Scan { at: 0, inside: from };
        let end = scan.step_to(bytes, bytes.len());
        (end, scan.at, scan.inside)
    }

    proptest! {
        /// In whatever pieces it is looked at, an element ends where it does byte by byte.
        #[test]
        fn blocks_are_what_their_bytes_are(
            pieces in prop::collection::vec(
                prop_oneof![
                    2 => "[a-z ]{0,40}", 2 => Just("\"".to_owned()), 1 => "[\\[{]{1,5}", 1 => "[\\]}]{1,5}", 1 => Just("\\".to_owned()), 1 => Just(",".to_owned()),
                ],
                0..60,
            ),
            depth in 0..9_u64,
            is_string in any::<bool>(),
        ) {
            let bytes = pieces.concat().into_bytes();
            let from = Inside { from: 0, depth, is_string };
            let mut scan = Scan { at: 0, inside: from };
            let end = scan.end(&bytes);
            let (expected, at, inside) = naive(&bytes, from);
            prop_assert_eq!(end, expected);
            if end.is_none() {
                prop_assert_eq!((scan.at, scan.inside), (at, inside));
            }
        }
    }
}

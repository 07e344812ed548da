//! The words of RFC 8259: `null`, `true` and `false`.

use std::fmt::Debug;

use super::lens::{Bits, Lens, Set, WORDS};

/// What is known of a row when its words are checked. All of it is outside of strings.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<S> {
    /// What numbers and words are made of.
    pub(super) scalar: S,
    /// Where those begin.
    pub(super) start: S,
    /// Of `scalar`, what is no digit, no minus sign and no point.
    pub(super) other: S,
}

/// What the words of a row are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found<S> {
    /// Their bytes, where nothing is wrong.
    pub(super) words: S,
    pub(super) wrong: S,
}

/// A way to check words, and what of earlier rows matters to it.
pub(super) trait Words<L: Lens>: Copy + Debug {
    /// What it has to be told of a row's bytes.
    type Letters: Copy + Debug;

    /// At the start of a document.
    fn new() -> Self;

    /// Takes the next row, which starts at `at` in `document`.
    fn row(&mut self, lens: L, row: &Row<L::Set>, letters: &Self::Letters, document: &[u8], at: usize)
    -> Found<L::Set>;
}

/// By looking at each word: for lenses to which a further kind of bytes costs more than that.
#[derive(Debug, Clone, Copy)]
pub(super) struct OneByOne<L: Lens> {
    /// The rest of a word that began in the row before, from bit 0 on.
    rest: u64,
    /// Whether the row before had anything that could be a word.
    any: bool,
    ended: <L::Set as Set>::Carry,
}

impl<L: Lens> Words<L> for OneByOne<L> {
    type Letters = ();

    fn new() -> Self {
        Self {
            rest: 0,
            any: false,
            ended: L::Set::carry(false),
        }
    }

    #[inline(always)]
    fn row(&mut self, lens: L, row: &Row<L::Set>, (): &(), document: &[u8], at: usize) -> Found<L::Set> {
        let none = row.other & !row.other;
        let any = row.other.any();
        if !any & !self.any {
            return Found {
                words: none,
                wrong: none,
            };
        }
        self.any = any;
        let words = lens.set(self.words((row.other & row.start).bits(), document, at));
        // The byte after a word is none of a number or a word.
        let after_word = words.next(&mut self.ended);
        Found {
            words,
            wrong: after_word & row.scalar & !words,
        }
    }
}

impl<L: Lens> OneByOne<L> {
    /// The bytes of the words that begin at `starts`, and of the one that began before.
    #[inline(always)]
    fn words(&mut self, starts: Bits, document: &[u8], at: usize) -> Bits {
        let mut words = [0; WORDS];
        let mut over = std::mem::take(&mut self.rest);
        for (number, mut starts) in starts.into_iter().enumerate() {
            let mut word = std::mem::take(&mut over);
            while starts != 0 {
                let offset = starts.trailing_zeros();
                starts &= starts - 1;
                let here = u128::from(word_at(document, at + 64 * number + offset as usize)) << offset;
                word |= here as u64;
                over |= (here >> 64) as u64;
            }
            words[number] = word;
        }
        self.rest = over;
        words
    }
}

/// The bits of the word `null`, `true` or `false` that starts at `at`, from bit 0 on; 0 if there is none.
#[inline(always)]
fn word_at(document: &[u8], at: usize) -> u64 {
    const NULL: u64 = u64::from_le_bytes(*b"null\0\0\0\0");
    const TRUE: u64 = u64::from_le_bytes(*b"true\0\0\0\0");
    const FALSE: u64 = u64::from_le_bytes(*b"false\0\0\0");
    let rest = document.get(at..).unwrap_or(&[]);
    let bytes = match rest.first_chunk() {
        Some(chunk) => u64::from_le_bytes(*chunk),
        None => rest.iter().rev().fold(0, |bytes, byte| bytes << 8 | u64::from(*byte)),
    };
    let four = bytes & 0xffff_ffff;
    let five = bytes & 0xff_ffff_ffff;
    (u64::from(four == NULL || four == TRUE) * 0b1111) | (u64::from(five == FALSE) * 0b1_1111)
}

/// The letters of the words, in strings or not.
#[derive(Debug, Clone, Copy)]
pub(super) struct Letters<S> {
    pub(super) a: S,
    pub(super) e: S,
    pub(super) f: S,
    pub(super) l: S,
    pub(super) n: S,
    pub(super) r: S,
    pub(super) s: S,
    pub(super) t: S,
    pub(super) u: S,
}

/// All together, letter after letter: without a branch, for lenses that know letters at no cost.
#[derive(Debug, Clone, Copy)]
pub(super) struct Together<L: Lens> {
    /// Whether a word reaches into the next row: 0 or 1.
    run: u64,
    carries: [<L::Set as Set>::Carry; 10],
}

impl<L: Lens> Words<L> for Together<L> {
    type Letters = Letters<L::Set>;

    fn new() -> Self {
        Self {
            run: 0,
            carries: [L::Set::carry(false); 10],
        }
    }

    #[inline(always)]
    fn row(&mut self, _: L, row: &Row<L::Set>, letters: &Letters<L::Set>, _: &[u8], _: usize) -> Found<L::Set> {
        let Letters {
            a,
            e,
            f,
            l,
            n,
            r,
            s,
            t,
            u,
        } = *letters;
        let [t_, r_, f_, a_, fal_, us_, n_, u_, nul_, end_] = &mut self.carries;
        let starts = row.other & row.start;
        let tru = u & (r & (t & starts).next(t_)).next(r_);
        let fals = s & (l & (a & (f & starts).next(f_)).next(a_)).next(fal_);
        let null = l & (l & (u & (n & starts).next(n_)).next(u_)).next(nul_);
        let after_word = ((e & (tru | fals).next(us_)) | null).next(end_);
        // A bit at the start of a run of ones, added to it, clears the run and comes out behind it.
        let sum = starts.add(row.scalar, &mut self.run);
        Found {
            words: row.scalar & !sum,
            wrong: sum & !row.scalar & !after_word,
        }
    }
}

//! Cutting content into lines, of which never more is held than a line and what was read with it.

use memchr::memchr;
use tarquet_wire::message::Stretch;

use crate::window::Window;

/// How many bytes are read at a time, of content that goes on for long.
pub(crate) const READ_BYTES: u64 = 1 << 20;

/// How many bytes are read behind the end of a stretch, where its last line may end.
const READ_BEHIND: u64 = 32 << 10;

/// The byte order mark, which content may begin with, in UTF-8.
pub(crate) const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// What comes next. Places are in bytes of the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// More of the content has to be read first.
    More,
    /// A document.
    Document {
        /// Where it begins.
        from: u64,
        /// Where it ends, its line end not included.
        to: u64,
    },
    /// A document of more bytes than one may have. It is passed over.
    TooLarge {
        /// Where it begins.
        from: u64,
    },
    /// Nothing can be told of what comes here: an array is none.
    Broken {
        /// Which byte it is.
        at: u64,
        /// What is wrong, in a word.
        reason: &'static str,
        /// What is wrong, in a sentence.
        detail: &'static str,
    },
    /// There are no more documents.
    End,
}

/// The lines that begin in a stretch.
#[derive(Debug)]
pub(crate) struct Lines {
    /// Where the next line begins; inside a line that is passed over, how far that is.
    next: u64,
    /// Up to here there is no line end behind `next`.
    searched: u64,
    /// Lines that begin here or behind are not wanted.
    end: u64,
    /// The largest line, in bytes.
    most: u64,
    is_cut: bool,
    /// Whether `next` is inside a line that is not wanted.
    is_inside: bool,
    /// Lines since somebody asked, empty ones included.
    passed: u64,
}

impl Lines {
    /// Those of `stretch`, none of which may have more than `most` bytes. What has to be read first begins at
    /// [`Lines::next`].
    pub(crate) fn new(stretch: &Stretch, most: u64) -> Lines {
        // Only the byte before tells whether a line begins here, except where one does in any case.
        let is_inside = stretch.start != stretch.at;
        let next = stretch.start - u64::from(is_inside);
        Lines {
            next,
            searched: next,
            end: stretch.end,
            most,
            is_cut: stretch.is_cut,
            is_inside,
            passed: 0,
        }
    }

    /// Where the next line begins; inside a line that is passed over, how far that is. Lines that begin here or behind have
    /// not been given.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// How many lines were passed since the last call of [`Lines::take_passed`]: the number of the last one, from 1.
    pub(crate) fn passed(&self) -> u64 {
        self.passed
    }

    /// Has lines counted from here on.
    pub(crate) fn take_passed(&mut self) -> u64 {
        std::mem::take(&mut self.passed)
    }

    /// How many bytes to read next.
    pub(crate) fn wanted(&self, window: &Window) -> u64 {
        match self.end.checked_sub(window.end()) {
            Some(rest) if rest > 0 => rest.min(READ_BYTES) + READ_BEHIND,
            // Twice as much each time, so that a long line is not read in small pieces.
            _ => READ_BEHIND.max(window.end() - self.next),
        }
        .min(READ_BEHIND.max(self.most.saturating_add(1)))
    }

    /// The next document in what was read.
    pub(crate) fn step(&mut self, window: &Window) -> Step {
        loop {
            if !self.is_inside && self.next >= self.end {
                return Step::End;
            }
            let (from, to) = match memchr(b'\n', window.from(self.searched)) {
                Some(position) => {
                    let to = self.searched + position as u64;
                    let from = std::mem::replace(&mut self.next, to + 1);
                    self.searched = self.next;
                    if std::mem::take(&mut self.is_inside) {
                        continue;
                    }
                    (from, to)
                }
                None => match self.unended(window) {
                    Ok(line) => line,
                    Err(step) => return step,
                },
            };
            self.passed += 1;
            if to - from > self.most {
                return Step::TooLarge { from };
            }
            if !is_blank(window.range(from, to), from) {
                return Step::Document { from, to };
            }
        }
    }

    /// A line that has no end in what was read: the last one, or none as yet.
    fn unended(&mut self, window: &Window) -> Result<(u64, u64), Step> {
        self.searched = window.end();
        if self.is_inside {
            self.next = self.next.max(window.end().min(self.end));
            let is_over = window.is_ended() || window.end() >= self.end;
            return Err(if is_over { Step::End } else { Step::More });
        }
        let from = self.next;
        if window.end() - from > self.most {
            self.is_inside = true;
            self.next = window.end();
            self.passed += 1;
            return Err(Step::TooLarge { from });
        }
        if !window.is_ended() {
            return Err(Step::More);
        }
        if from == window.end() || self.is_cut {
            return Err(Step::End);
        }
        self.next = window.end();
        Ok((from, self.next))
    }
}

/// Whether a line that begins at `at` has nothing but white space.
fn is_blank(line: &[u8], at: u64) -> bool {
    let line = match line.strip_prefix(BYTE_ORDER_MARK) {
        Some(rest) if at == 0 => rest,
        _ => line,
    };
    line.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tarquet_wire::array::ArrayState;
    use tarquet_wire::message::{SampleLimit, Shape};

    use super::*;

    fn stretch(start: u64, end: u64) -> Stretch {
        Stretch {
            shape: Shape::Lines,
            at: 0,
            start,
            end,
            is_last: true,
            is_open: false,
            state: ArrayState::Before,
            is_cut: false,
            careful_to: 0,
            failed: Vec::new(),
            sample: SampleLimit::default(),
        }
    }

    /// A document, or one that is too large: where it begins, its number among the lines, and its bytes.
    type Found = (u64, u64, Option<Vec<u8>>);

    /// The documents of a stretch, and how many lines it has, read so many bytes at a time.
    fn read(content: &[u8], stretch: &Stretch, most: u64, at_once: usize) -> (Vec<Found>, u64) {
        let mut lines = Lines::new(stretch, most);
        let mut window = Window::default();
        window.begin_at(lines.next());
        let mut found = Vec::new();
        loop {
            match lines.step(&window) {
                Step::More => {
                    let count = at_once.min(lines.wanted(&window) as usize);
                    let rest = &content[(window.end() as usize).min(content.len())..];
                    let room = window.room(lines.next(), count);
                    let read = room.len().min(rest.len());
                    room[..read].copy_from_slice(&rest[..read]);
                    window.advance(read);
                }
                Step::Document { from, to } => {
                    found.push((from, lines.passed(), Some(window.range(from, to).to_vec())));
                }
                Step::TooLarge { from } => found.push((from, lines.passed(), None)),
                Step::End => return (found, lines.passed()),
                Step::Broken { .. } => unreachable!("there is nothing that is no line"),
            }
        }
    }

    /// The same, found in the plainest way.
    fn naive(content: &[u8], most: u64) -> (Vec<Found>, u64) {
        let (mut found, mut at, mut number) = (Vec::new(), 0, 0);
        let mut rest = content;
        while !rest.is_empty() {
            let end = rest.iter().position(|byte| *byte == b'\n');
            let line = &rest[..end.unwrap_or(rest.len())];
            number += 1;
            let is_large = line.len() as u64 > most;
            if is_large || !is_blank(line, at) {
                found.push((at, number, (!is_large).then(|| line.to_vec())));
            }
            let passed = end.map_or(rest.len(), |end| end + 1);
            at += passed as u64;
            rest = &rest[passed..];
        }
        (found, number)
    }

    fn content() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            4 => Just(b"\n".to_vec()),
            2 => Just(b" \t\r".to_vec()),
            1 => Just(BYTE_ORDER_MARK.to_vec()),
            4 => prop::collection::vec(b'a'..b'd', 0..30),
        ];
        prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        /// Wherever content is cut, each of its lines is in one stretch, and is what it is.
        #[test]
        fn stretches_have_all_lines_together(
            content in content(), cuts in prop::collection::btree_set(1..400_u64, 0..12), most in 0..40_u64, at_once in 1..50_usize,
        ) {
            let len = content.len() as u64;
            let cuts: Vec<u64> = cuts.into_iter().filter(|cut| *cut < len).collect();
            let starts = std::iter::once(0).chain(cuts.iter().copied());
            let ends = cuts.iter().copied().chain([len]);
            let (mut found, mut before) = (Vec::new(), 0);
            for (start, end) in starts.zip(ends) {
                let (some, lines) = read(&content, &stretch(start, end), most, at_once);
                found.extend(some.into_iter().map(|(at, number, line)| (at, before + number, line)));
                before += lines;
            }
            prop_assert_eq!((found, before), naive(&content, most));
        }

        /// Whoever goes on where another has stopped gets what the other had not.
        #[test]
        fn a_stretch_can_be_gone_on_with(content in content(), stop in 0..20_usize, most in 0..40_u64, at_once in 1..50_usize) {
            let all = read(&content, &stretch(0, u64::MAX), most, at_once);
            let mut lines = Lines::new(&stretch(0, u64::MAX), most);
            let mut window = Window::default();
            let mut given = 0;
            while given < stop {
                match lines.step(&window) {
                    Step::More => {
                        let at = (window.end() as usize).min(content.len());
                        let rest = &content[at..content.len().min(at + at_once)];
                        window.room(lines.next(), rest.len()).copy_from_slice(rest);
                        window.advance(rest.len());
                    }
                    Step::Document { .. } | Step::TooLarge { .. } => given += 1,
                    Step::End | Step::Broken { .. } => break,
                }
            }
            let (passed, next) = (lines.passed(), lines.next());
            let (rest, lines) = read(&content, &stretch(next, u64::MAX), most, at_once);
            let rest: Vec<Found> = rest.into_iter().map(|(at, number, line)| (at, passed + number, line)).collect();
            prop_assert_eq!(&rest[..], &all.0[given..]);
            prop_assert_eq!(passed + lines, all.1);
        }
    }

    #[test]
    fn a_line_that_is_cut_off_is_none() {
        let cut = Stretch {
            is_cut: true,
            ..stretch(0, 100)
        };
        assert_eq!(read(b"1\n23", &cut, 9, 9), (vec![(0, 1, Some(b"1".to_vec()))], 1));
        assert_eq!(read(b"1\n23\n", &cut, 9, 9).0.len(), 2);
    }
}

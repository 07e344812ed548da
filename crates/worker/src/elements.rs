//! Cutting an array into its elements, of which never more is held than one and what was read with it.
//!
//! Where an element ends is told by brackets, commas and strings alone; whether it is JSON, the projector says. If it is
//! not, the brackets may mean nothing, and so what is behind it is not looked at.
//!
//! Of an open stretch, whose array goes on where others read it, the elements that end in it are given, and behind them where
//! the next stretch is to begin. An element that is too large is given where it ends: so it is told of once.

use tarquet_wire::array::{ArrayState, Inside};
use tarquet_wire::message::Stretch;

use crate::lines::{BYTE_ORDER_MARK, READ_BYTES, Step};
use crate::scan::Scan;
use crate::window::Window;

/// The elements of an array.
#[derive(Debug)]
pub(crate) struct Elements {
    /// Up to here it was looked at.
    scanned: u64,
    state: State,
    /// Behind the last element that has ended: see [`Elements::place`].
    place: u64,
    /// The largest element, in bytes.
    most: u64,
    /// Whether the array goes on behind what can be read of it.
    goes_on: bool,
    /// Elements since somebody asked.
    passed: u64,
}

/// What the next byte is a part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// White space before the array, or its bracket.
    Before,
    /// White space before an element, or the element.
    Between {
        /// Whether it is the first, in whose place the array may end.
        is_first: bool,
    },
    /// An element.
    Inside {
        inside: Inside,
        /// Whether it is too large, and only its end is wanted.
        is_passed: bool,
    },
    /// The comma or the bracket behind an element that somebody else has read.
    Separator,
    /// White space behind the array.
    Behind,
    /// Nothing: the array ended in an element that is too large.
    CutShort,
}

/// What the place of a byte is not for.
fn broken(at: u64, reason: &'static str, detail: &'static str) -> Step {
    Step::Broken { at, reason, detail }
}

fn cut_short(at: u64) -> Step {
    broken(at, "truncated", "the array is cut short")
}

impl Elements {
    /// Those of the array that `stretch` is of, none of which may have more than `most` bytes. What has to be read first
    /// begins at [`Elements::next`].
    pub(crate) fn new(stretch: &Stretch, most: u64) -> Elements {
        let is_separator = stretch.start > 0 && stretch.start >= stretch.at;
        Elements {
            scanned: if is_separator { stretch.start } else { stretch.at },
            state: match &stretch.state {
                _ if is_separator => State::Separator,
                ArrayState::Before => State::Before,
                ArrayState::Between { is_first } => State::Between { is_first: *is_first },
                ArrayState::Passed(inside) => State::Inside {
                    inside: *inside,
                    is_passed: true,
                },
                // Of one that is broken, nobody reads anything.
                ArrayState::Behind | ArrayState::Broken { .. } => State::Behind,
            },
            place: stretch.start,
            most,
            goes_on: !stretch.is_last,
            passed: 0,
        }
    }

    /// What is before this is not needed any more.
    pub(crate) fn next(&self) -> u64 {
        match self.state {
            State::Inside {
                inside,
                is_passed: false,
            } => inside.from,
            _ => self.scanned,
        }
    }

    /// The byte behind the last element that has ended, from which a stretch can go on.
    pub(crate) fn place(&self) -> u64 {
        self.place
    }

    /// Whether all elements that were given have ended before [`Elements::place`].
    pub(crate) fn can_pause(&self) -> bool {
        self.state != State::CutShort
    }

    /// From which byte on, and as what, the array goes on where what can be read of it ends.
    pub(crate) fn cut(&self) -> (u64, ArrayState) {
        let state = match self.state {
            State::Before => ArrayState::Before,
            State::Between { is_first } => ArrayState::Between { is_first },
            State::Inside {
                inside,
                is_passed: true,
            } => ArrayState::Passed(inside),
            State::Inside { .. } | State::Separator => ArrayState::Between { is_first: false },
            State::Behind | State::CutShort => ArrayState::Behind,
        };
        (self.next(), state)
    }

    /// How many elements were passed since the last call of [`Elements::take_passed`].
    pub(crate) fn passed(&self) -> u64 {
        self.passed
    }

    /// Has elements counted from here on.
    pub(crate) fn take_passed(&mut self) -> u64 {
        std::mem::take(&mut self.passed)
    }

    /// How many bytes to read next.
    pub(crate) fn wanted(&self, window: &Window) -> u64 {
        READ_BYTES
            .max(window.end() - self.next())
            .min(READ_BYTES.max(self.most.saturating_add(1)))
    }

    /// The next element in what was read.
    pub(crate) fn step(&mut self, window: &Window) -> Step {
        loop {
            let step = match self.state {
                State::Inside { inside, is_passed } => self.inside(window, inside, is_passed),
                State::CutShort => Some(cut_short(window.end())),
                state => self.outside(window, state),
            };
            if let Some(step) = step {
                return step;
            }
        }
    }

    /// Looks for the next byte that is no white space.
    fn outside(&mut self, window: &Window, state: State) -> Option<Step> {
        let rest = window.from(self.scanned);
        if state == State::Before && self.scanned == 0 {
            match rest.strip_prefix(BYTE_ORDER_MARK) {
                Some(_) => self.scanned = BYTE_ORDER_MARK.len() as u64,
                None if rest.len() >= BYTE_ORDER_MARK.len() => {}
                None if !window.is_ended() => return Some(Step::More),
                // Who has more of it reads this again.
                None if self.goes_on => return Some(Step::End),
                None => {}
            }
        }
        let rest = window.from(self.scanned);
        let Some(passed) = rest
            .iter()
            .position(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
        else {
            self.scanned = window.end();
            return Some(match (window.is_ended(), state) {
                (false, _) => Step::More,
                (true, State::Behind) => Step::End,
                (true, _) if self.goes_on => Step::End,
                (true, _) => cut_short(self.scanned),
            });
        };
        let at = self.scanned + passed as u64;
        self.scanned = at + 1;
        let (next, step) = match (state, rest[passed]) {
            (State::Before, b'[') => (State::Between { is_first: true }, None),
            (State::Before, _) => {
                let detail = "the member is no array of documents, which `--documents array` says that it is";
                (state, Some(broken(at, "syntax", detail)))
            }
            (State::Behind, _) => {
                let detail = "there is something behind the end of the array";
                (state, Some(broken(at, "syntax", detail)))
            }
            (State::Separator, b',') => (State::Between { is_first: false }, None),
            (State::Separator, b']') | (State::Between { is_first: true }, b']') => (State::Behind, None),
            (_, b']' | b',') | (State::Separator, _) => {
                let detail = "an element of the array was expected here";
                (state, Some(broken(at, "syntax", detail)))
            }
            _ => {
                // It is a part of the element.
                self.scanned = at;
                let inside = Inside {
                    from: at,
                    ..Inside::default()
                };
                let element = State::Inside {
                    inside,
                    is_passed: false,
                };
                (element, None)
            }
        };
        self.state = next;
        step
    }

    /// Looks for the end of an element.
    fn inside(&mut self, window: &Window, inside: Inside, is_passed: bool) -> Option<Step> {
        let from = inside.from;
        let bytes = window.from(self.scanned);
        let mut scan = Scan { at: 0, inside };
        if let Some(at) = scan.end(bytes) {
            return Some(self.end(from, self.scanned + at as u64, bytes[at] == b','));
        }
        self.scanned += scan.at as u64;
        let is_passed = is_passed || self.scanned - from > self.most;
        self.state = State::Inside {
            inside: scan.inside,
            is_passed,
        };
        Some(match (window.is_ended(), self.goes_on) {
            (false, _) => Step::More,
            (true, true) => Step::End,
            (true, false) if is_passed => {
                self.state = State::CutShort;
                self.passed += 1;
                Step::TooLarge { from }
            }
            (true, false) => cut_short(window.end()),
        })
    }

    /// The element ends before the byte at `to`.
    fn end(&mut self, from: u64, to: u64, is_comma: bool) -> Step {
        self.scanned = to + 1;
        self.place = to;
        self.state = match is_comma {
            true => State::Between { is_first: false },
            false => State::Behind,
        };
        self.passed += 1;
        match to - from > self.most {
            true => Step::TooLarge { from },
            false => Step::Document { from, to },
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tarquet_wire::message::{SampleLimit, Shape};

    use super::*;

    fn stretch(start: u64) -> Stretch {
        Stretch {
            shape: Shape::Array,
            at: 0,
            start,
            end: u64::MAX,
            is_last: true,
            is_open: false,
            state: ArrayState::Before,
            is_cut: false,
            careful_to: 0,
            failed: Vec::new(),
            sample: SampleLimit::default(),
        }
    }

    /// The elements from `start` on, each with where a stretch can begin behind it, and how the array ends: `None` for well.
    type Read = (Vec<(Option<String>, u64)>, Option<(u64, &'static str)>);

    fn read(content: &[u8], start: u64, most: u64, at_once: usize) -> Read {
        let mut elements = Elements::new(&stretch(start), most);
        let mut found = Vec::new();
        let end = read_on(&mut elements, content, at_once, &mut found);
        (found, end)
    }

    /// Reads to the end of what there is, so many bytes at a time.
    fn read_on(
        elements: &mut Elements,
        content: &[u8],
        at_once: usize,
        found: &mut Vec<(Option<String>, u64)>,
    ) -> Option<(u64, &'static str)> {
        let mut window = Window::default();
        window.begin_at(elements.next());
        loop {
            let element = match elements.step(&window) {
                Step::More => {
                    let at = (window.end() as usize).min(content.len());
                    let rest = &content[at..content.len().min(at + at_once)];
                    window.room(elements.next(), rest.len()).copy_from_slice(rest);
                    window.advance(rest.len());
                    continue;
                }
                Step::Document { from, to } => {
                    Some(String::from_utf8_lossy(window.range(from, to)).trim_end().to_owned())
                }
                Step::TooLarge { .. } => None,
                Step::End => return None,
                Step::Broken { at, reason, .. } => return Some((at, reason)),
            };
            found.push((element, elements.place()));
        }
    }

    /// The same as [`read`], of stretches that follow one another, each with so many more bytes of the content than those
    /// before; the last has all that is left.
    fn read_in_parts(content: &[u8], parts: &[usize], most: u64, at_once: usize) -> Read {
        let (mut found, mut end) = (Vec::new(), 0);
        let mut next = stretch(0);
        for part in parts {
            end = (end + part).min(content.len());
            let open = Stretch {
                is_last: false,
                is_open: true,
                ..next
            };
            let mut elements = Elements::new(&open, most);
            let before = found.len();
            let broken = read_on(&mut elements, &content[..end], at_once, &mut found);
            if broken.is_some() {
                return (found, broken);
            }
            // However often somebody goes on in its midst, behind the last element, the same comes.
            for position in before..found.len() {
                let again = Stretch {
                    start: found[position].1,
                    ..open.clone()
                };
                let (mut again, mut rest) = (Elements::new(&again, most), Vec::new());
                assert_eq!(read_on(&mut again, &content[..end], at_once, &mut rest), None);
                assert_eq!(rest[..], found[position + 1..]);
                assert_eq!((again.cut(), again.place()), (elements.cut(), elements.place()));
            }
            let (at, state) = elements.cut();
            assert!(at <= end as u64 && at >= open.at && end as u64 - at <= most.max(1).saturating_add(1));
            next = Stretch {
                at,
                start: elements.place(),
                state,
                ..stretch(0)
            };
        }
        let mut elements = Elements::new(&next, most);
        let broken = read_on(&mut elements, content, at_once, &mut found);
        (found, broken)
    }

    fn texts(read: Read) -> (Vec<Option<String>>, Option<(u64, &'static str)>) {
        (read.0.into_iter().map(|(text, _)| text).collect(), read.1)
    }

    #[test]
    fn what_is_no_array_is_told_where_it_stops_being_one() {
        /// A text, its elements, and where and why it stops being an array.
        type Case = (&'static str, &'static [&'static str], Option<(u64, &'static str)>);
        let cases: [Case; 17] = [
            ("[]", &[], None),
            (" \n[ ] ", &[], None),
            ("\u{feff}[1]", &["1"], None),
            (
                "[1,{\"a\":[2,{}]},\"],[\\\"\"]\n",
                &["1", "{\"a\":[2,{}]}", "\"],[\\\"\""],
                None,
            ),
            ("", &[], Some((0, "truncated"))),
            ("\u{feff}", &[], Some((3, "truncated"))),
            ("{\"a\":1}", &[], Some((0, "syntax"))),
            ("[1]2", &["1"], Some((3, "syntax"))),
            ("[1][2]", &["1"], Some((3, "syntax"))),
            ("[1,]", &["1"], Some((3, "syntax"))),
            ("[,1]", &[], Some((1, "syntax"))),
            ("[1,,2]", &["1"], Some((3, "syntax"))),
            ("[1, 2", &["1"], Some((5, "truncated"))),
            ("[1,", &["1"], Some((3, "truncated"))),
            ("[", &[], Some((1, "truncated"))),
            ("[\"a\\", &[], Some((4, "truncated"))),
            // The projector refuses the element, and then nothing more is read.
            ("[1}, 2]", &["1}", "2"], None),
        ];
        for (content, elements, end) in cases {
            let expected: Vec<Option<String>> = elements.iter().map(|text| Some((*text).to_owned())).collect();
            for at_once in [1, 2, 100] {
                let found = texts(read(content.as_bytes(), 0, 1 << 20, at_once));
                assert_eq!(found, (expected.clone(), end), "{content:?}");
                for part in 0..content.len() {
                    let parts = [part, 1, 2];
                    let found = texts(read_in_parts(content.as_bytes(), &parts, 1 << 20, at_once));
                    assert_eq!(found, (expected.clone(), end), "{content:?}, {part}");
                }
            }
        }
    }

    /// JSON of some depth.
    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            any::<i32>().prop_map(serde_json::Value::from),
            "[a\"\\\\\\[\\]{},é]{0,12}".prop_map(serde_json::Value::from),
            Just(serde_json::Value::Null),
        ];
        leaf.prop_recursive(3, 12, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
                prop::collection::btree_map("[a-c\"]{0,3}", inner, 0..4)
                    .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        /// However it is read, an array has the elements that a parser finds, and can be gone on with behind each.
        #[test]
        fn elements_are_those_of_a_parser(
            elements in prop::collection::vec(json(), 0..12), most in 0..60_u64, at_once in 1..40_usize, pretty in any::<bool>(),
        ) {
            let array = serde_json::Value::from(elements.clone());
            let content = if pretty { serde_json::to_string_pretty(&array) } else { serde_json::to_string(&array) };
            let content = content.unwrap();
            let (found, end) = read(content.as_bytes(), 0, u64::MAX, at_once);
            prop_assert_eq!(end, None);
            let parsed: Vec<serde_json::Value> =
                found.iter().map(|(text, _)| serde_json::from_str(text.as_deref().unwrap()).unwrap()).collect();
            prop_assert_eq!(parsed, elements);
            let (limited, end) = read(content.as_bytes(), 0, most, at_once);
            prop_assert_eq!((limited.len(), end), (found.len(), None));
            for ((limited, _), (text, _)) in limited.iter().zip(&found) {
                let text = text.as_ref().unwrap();
                prop_assert!(limited.as_ref().is_none_or(|limited| limited == text && text.len() as u64 <= most));
            }
            for (position, (_, next)) in found.iter().enumerate() {
                prop_assert_eq!(&read(content.as_bytes(), *next, u64::MAX, at_once).0[..], &found[position + 1..]);
            }
        }

        /// Wherever it is cut into open stretches, an array has the same elements, and stops being one at the same place:
        /// damaged ones too, which are those whose bytes were changed or left out.
        #[test]
        fn open_stretches_have_all_elements_together(
            elements in prop::collection::vec(json(), 0..12),
            blanks in 0..50_usize,
            most in 0..60_u64,
            at_once in 1..40_usize,
            parts in prop::collection::vec(0..60_usize, 0..12),
            damage in prop::option::of((any::<prop::sample::Index>(), "[\\[\\]{},\"\\\\ x]")),
            is_cut in any::<bool>(),
        ) {
            let texts: Vec<String> = elements.iter().map(serde_json::Value::to_string).collect();
            let blank = " ".repeat(blanks);
            let mut content = format!("{blank}[{}{blank}]\n{blank}", texts.join(&format!(" ,{blank}"))).into_bytes();
            if let Some((place, byte)) = damage {
                let at = place.index(content.len());
                content[at] = byte.as_bytes()[0];
                content.truncate(if is_cut { at } else { content.len() });
            }
            prop_assert_eq!(read_in_parts(&content, &parts, most, at_once), read(&content, 0, most, at_once));
        }
    }
}

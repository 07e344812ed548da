//! Cutting an array into its elements, of which never more is held than one and what was read with it.
//!
//! Where an element ends is told by brackets, commas and strings alone; whether it is JSON, the projector says. If it is
//! not, the brackets may mean nothing, and so what is behind it is not looked at.

use memchr::memchr2;
use tarquet_wire::message::Stretch;

use crate::lines::{BYTE_ORDER_MARK, READ_BYTES, Step};
use crate::window::Window;

/// The elements of an array.
#[derive(Debug)]
pub(crate) struct Elements {
    /// Up to here it was looked at.
    scanned: u64,
    state: State,
    /// The largest element, in bytes.
    most: u64,
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
    /// An element that began here.
    Inside {
        from: u64,
        /// How many of its brackets are open.
        depth: u64,
        is_string: bool,
        /// Whether it is too large, and only its end is wanted.
        is_passed: bool,
    },
    /// White space behind the array.
    Behind,
}

/// What the place of a byte is not for.
fn broken(at: u64, reason: &'static str, detail: &'static str) -> Step {
    Step::Broken { at, reason, detail }
}

impl Elements {
    /// Those of the array that `stretch` is of, none of which may have more than `most` bytes. What has to be read first
    /// begins at [`Elements::next`].
    pub(crate) fn new(stretch: &Stretch, most: u64) -> Elements {
        Elements {
            scanned: stretch.start,
            // A stretch that does not begin at the array's beginning begins behind a comma.
            state: match stretch.start {
                0 => State::Before,
                _ => State::Between { is_first: false },
            },
            most,
            passed: 0,
        }
    }

    /// What is before this is not needed any more.
    pub(crate) fn next(&self) -> u64 {
        match self.state {
            State::Inside {
                from, is_passed: false, ..
            } => from,
            _ => self.scanned,
        }
    }

    /// Whether a stretch of what is left can begin at [`Elements::next`].
    pub(crate) fn is_between(&self) -> bool {
        matches!(self.state, State::Between { .. })
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
                State::Inside {
                    from,
                    depth,
                    is_string,
                    is_passed,
                } => self.inside(window, from, depth, is_string, is_passed),
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
                None if rest.len() < BYTE_ORDER_MARK.len() && !window.is_ended() => return Some(Step::More),
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
                (true, _) => broken(self.scanned, "truncated", "the array is cut short"),
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
            (State::Between { is_first: true }, b']') => (State::Behind, None),
            (_, b']' | b',') => {
                let detail = "an element of the array was expected here";
                (state, Some(broken(at, "syntax", detail)))
            }
            _ => {
                // It is a part of the element.
                self.scanned = at;
                let element = State::Inside {
                    from: at,
                    depth: 0,
                    is_string: false,
                    is_passed: false,
                };
                (element, None)
            }
        };
        self.state = next;
        step
    }

    /// Looks for the end of the element that began at `from`.
    fn inside(
        &mut self,
        window: &Window,
        from: u64,
        mut depth: u64,
        mut is_string: bool,
        is_passed: bool,
    ) -> Option<Step> {
        let bytes = window.from(self.scanned);
        let mut at = 0;
        while at < bytes.len() {
            if is_string {
                let Some(found) = memchr2(b'"', b'\\', &bytes[at..]) else {
                    at = bytes.len();
                    break;
                };
                at += found;
                if bytes[at] == b'\\' {
                    // What is escaped is not looked at; it may not be there yet.
                    if at + 1 == bytes.len() {
                        break;
                    }
                    at += 2;
                } else {
                    is_string = false;
                    at += 1;
                }
                continue;
            }
            match bytes[at] {
                b'"' => is_string = true,
                b'[' | b'{' => depth += 1,
                b',' | b']' if depth == 0 => {
                    let to = self.scanned + at as u64;
                    return self.end(from, to, bytes[at] == b',', is_passed);
                }
                b']' | b'}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            at += 1;
        }
        self.scanned += at as u64;
        let is_large = !is_passed && self.scanned - from > self.most;
        self.state = State::Inside {
            from,
            depth,
            is_string,
            is_passed: is_passed || is_large,
        };
        if is_large {
            self.passed += 1;
            return Some(Step::TooLarge { from });
        }
        Some(match window.is_ended() {
            true => broken(window.end(), "truncated", "the array is cut short"),
            false => Step::More,
        })
    }

    /// The element ends before the byte at `to`.
    fn end(&mut self, from: u64, to: u64, is_comma: bool, is_passed: bool) -> Option<Step> {
        self.scanned = to + 1;
        self.state = match is_comma {
            true => State::Between { is_first: false },
            false => State::Behind,
        };
        if is_passed {
            return None;
        }
        self.passed += 1;
        Some(match to - from > self.most {
            true => Step::TooLarge { from },
            false => Step::Document { from, to },
        })
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
            is_cut: false,
            careful_to: 0,
            failed: Vec::new(),
            sample: SampleLimit::default(),
        }
    }

    /// The elements from `start` on, each with where a stretch can begin behind it, and how the array ends: `None` for well.
    type Read = (Vec<(Option<String>, Option<u64>)>, Option<(u64, &'static str)>);

    fn read(content: &[u8], start: u64, most: u64, at_once: usize) -> Read {
        let mut elements = Elements::new(&stretch(start), most);
        let mut window = Window::default();
        window.begin_at(elements.next());
        let mut found = Vec::new();
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
                Step::End => return (found, None),
                Step::Broken { at, reason, .. } => return (found, Some((at, reason))),
            };
            found.push((element, elements.is_between().then(|| elements.next())));
        }
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
                match next {
                    Some(next) => prop_assert_eq!(&read(content.as_bytes(), *next, u64::MAX, at_once).0[..], &found[position + 1..]),
                    None => prop_assert_eq!(position, found.len() - 1),
                }
            }
        }
    }
}

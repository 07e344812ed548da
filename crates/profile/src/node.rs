//! One path of a profile: what was found there.

use serde::{Deserialize, Serialize};
use tarquet_feature_map::{Seen, SlotEvidence};
use tarquet_projection::Time;

use crate::distinct::Distinct;

/// How many examples are kept of a path's values.
const EXAMPLES: usize = 4;

/// How long an example is at the most, in bytes.
const EXAMPLE_BYTES: usize = 80;

/// A node's place among a profile's nodes.
pub(crate) type NodeId = u32;

/// What was found at a path.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Node {
    /// How many values of each kind.
    pub kinds: Kinds,
    /// How many of the strings are times.
    #[serde(skip_serializing_if = "is_default")]
    pub times: Times,
    /// The least and the greatest number.
    #[serde(skip_serializing_if = "is_default")]
    pub numbers: Option<(f64, f64)>,
    /// How many elements arrays have.
    #[serde(skip_serializing_if = "is_default")]
    pub lengths: Lengths,
    /// How many members objects have.
    #[serde(skip_serializing_if = "is_default")]
    pub sizes: Lengths,
    /// The scalars, nulls not among them.
    #[serde(skip_serializing_if = "is_default")]
    pub distinct: Distinct,
    /// Some of these, the first that were found, each as JSON has it; a long one is cut.
    #[serde(skip_serializing_if = "is_default")]
    pub examples: Vec<String>,
    /// The objects' members by name, in the order in which the names were found.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) members: Vec<(String, NodeId)>,
    /// All members whatever their names, where names are not told apart.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) any: Option<NodeId>,
    /// The names of these.
    #[serde(skip_serializing_if = "is_default")]
    pub keys: Distinct,
    /// Some of these.
    #[serde(skip_serializing_if = "is_default")]
    pub key_examples: Vec<String>,
    /// The arrays' elements.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) element: Option<NodeId>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// How many values are of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kinds {
    /// Scalars, by [`Seen`].
    scalars: [u64; SCALARS.len()],
    /// Arrays.
    pub arrays: u64,
    /// Objects.
    pub objects: u64,
}

const SCALARS: [Seen; 8] = [
    Seen::Null,
    Seen::Bool,
    Seen::Int,
    Seen::WideInt,
    Seen::HugeInt,
    Seen::Fraction,
    Seen::String,
    Seen::JsonOnly,
];

impl Kinds {
    /// How many scalars are this.
    pub fn of(&self, seen: Seen) -> u64 {
        self.scalars[seen as usize]
    }

    /// All values.
    pub fn all(&self) -> u64 {
        self.sum().saturating_add(self.arrays).saturating_add(self.objects)
    }

    /// All that are not null.
    pub fn present(&self) -> u64 {
        self.all().saturating_sub(self.of(Seen::Null))
    }

    /// Scalars that are not null.
    pub fn scalars(&self) -> u64 {
        self.sum().saturating_sub(self.of(Seen::Null))
    }

    /// All scalars. Counts come from workers, so they may be anything.
    fn sum(&self) -> u64 {
        self.scalars.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    fn merge(&mut self, other: &Kinds) {
        let counts = self.scalars.iter_mut().zip(other.scalars);
        counts.for_each(|(count, theirs)| *count = count.saturating_add(theirs));
        self.arrays = self.arrays.saturating_add(other.arrays);
        self.objects = self.objects.saturating_add(other.objects);
    }
}

/// How many strings are times.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Times {
    /// With an offset.
    pub instants: u64,
    /// Without one.
    pub wall_clocks: u64,
    /// Days.
    pub days: u64,
}

/// How long things are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lengths {
    /// How many things.
    pub count: u64,
    /// The shortest.
    pub least: u64,
    /// The longest.
    pub most: u64,
    /// All together.
    pub total: u64,
}

impl Lengths {
    pub(crate) fn add(&mut self, length: u64) {
        self.merge(&Lengths {
            count: 1,
            least: length,
            most: length,
            total: length,
        });
    }

    fn merge(&mut self, other: &Lengths) {
        if other.count == 0 {
            return;
        }
        self.least = if self.count == 0 {
            other.least
        } else {
            self.least.min(other.least)
        };
        self.most = self.most.max(other.most);
        self.count = self.count.saturating_add(other.count);
        self.total = self.total.saturating_add(other.total);
    }

    /// The mean; 0 of nothing.
    pub fn mean(&self) -> f64 {
        self.total as f64 / self.count.max(1) as f64
    }
}

impl Node {
    /// How many different scalars there are, or about so many: never more than there are scalars.
    pub fn distinct_values(&self) -> u64 {
        self.distinct.count().min(self.kinds.scalars())
    }

    /// How many different names the members have that are not told apart, likewise.
    pub fn distinct_keys(&self) -> u64 {
        self.keys.count().min(self.sizes.total)
    }

    pub(crate) fn add_scalar(&mut self, seen: Seen, text: &[u8]) {
        self.kinds.scalars[seen as usize] += 1;
        if seen == Seen::Null {
            return;
        }
        self.distinct.add(text);
        match seen {
            Seen::String => match Time::of(text) {
                Some(Time::Instant) => self.times.instants += 1,
                Some(Time::WallClock) => self.times.wall_clocks += 1,
                Some(Time::Day) => self.times.days += 1,
                None => {}
            },
            Seen::Int | Seen::WideInt | Seen::HugeInt | Seen::Fraction => {
                let number = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
                if let Some(number) = number.filter(|number: &f64| number.is_finite()) {
                    self.add_numbers((number, number));
                }
            }
            _ => {}
        }
        if self.examples.len() < EXAMPLES {
            let example = match seen {
                Seen::String => quoted(text),
                _ => cut(&String::from_utf8_lossy(text)),
            };
            add_example(&mut self.examples, example);
        }
    }

    fn add_numbers(&mut self, (least, most): (f64, f64)) {
        let (our_least, our_most) = self.numbers.unwrap_or((least, most));
        self.numbers = Some((our_least.min(least), our_most.max(most)));
    }

    pub(crate) fn add_key(&mut self, name: &str) {
        self.keys.add(name.as_bytes());
        if self.key_examples.len() < EXAMPLES {
            add_example(&mut self.key_examples, cut(name));
        }
    }

    /// Adds what is no other node.
    pub(crate) fn merge_own(&mut self, other: &Node) {
        self.kinds.merge(&other.kinds);
        self.times.instants = self.times.instants.saturating_add(other.times.instants);
        self.times.wall_clocks = self.times.wall_clocks.saturating_add(other.times.wall_clocks);
        self.times.days = self.times.days.saturating_add(other.times.days);
        if let Some(numbers) = other.numbers {
            self.add_numbers(numbers);
        }
        self.lengths.merge(&other.lengths);
        self.sizes.merge(&other.sizes);
        self.distinct.merge(&other.distinct);
        self.keys.merge(&other.keys);
        let examples = [
            (&mut self.examples, &other.examples),
            (&mut self.key_examples, &other.key_examples),
        ];
        for (ours, theirs) in examples {
            theirs.iter().for_each(|example| add_example(ours, example.clone()));
        }
    }

    /// The kinds as evidence of a column's type, `element` being what arrays have.
    pub(crate) fn evidence(&self, element: Option<&Node>) -> SlotEvidence {
        let mut evidence = SlotEvidence::default();
        let seen = |kinds: &Kinds| {
            SCALARS
                .into_iter()
                .filter(move |seen| kinds.of(*seen) > 0)
                .collect::<Vec<_>>()
        };
        seen(&self.kinds).into_iter().for_each(|seen| evidence.value(seen));
        if self.kinds.objects > 0 {
            evidence.value(Seen::JsonOnly);
        }
        if self.kinds.arrays > 0 {
            evidence.array();
            if let Some(element) = element {
                seen(&element.kinds).into_iter().for_each(|seen| evidence.element(seen));
                if element.kinds.arrays + element.kinds.objects > 0 {
                    evidence.element(Seen::JsonOnly);
                }
            }
        }
        evidence
    }
}

fn add_example(examples: &mut Vec<String>, example: String) {
    if examples.len() < EXAMPLES && !examples.contains(&example) {
        examples.push(example);
    }
}

/// A string as JSON has it, cut if it is long.
fn quoted(text: &[u8]) -> String {
    let text = cut(&String::from_utf8_lossy(text));
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            control if control.is_control() => quoted.push_str(&format!("\\u{:04x}", control as u32)),
            character => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

/// The text, cut if it is long.
fn cut(text: &str) -> String {
    if text.len() <= EXAMPLE_BYTES {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(EXAMPLE_BYTES)])
}

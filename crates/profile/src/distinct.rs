//! How many different values there are: exact while they are few, else an estimate of bounded size.
//!
//! The estimate is a HyperLogLog (Flajolet, Fusy, Gandouet, Meunier: "HyperLogLog: the analysis of a near-optimal cardinality
//! estimation algorithm", 2007) of 2^9 registers over 64-bit hashes, with linear counting where registers are still empty: its
//! standard error is 1.04 / √512, or 4.6 %. Both forms merge to what one of all values would be.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_64;

/// Up to so many different values are counted.
const EXACT: usize = 64;

/// How many bits of a hash choose the register.
const REGISTER_BITS: u32 = 9;

const REGISTERS: usize = 1 << REGISTER_BITS;

/// A set of values of which only the size is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Form", into = "Form")]
pub struct Distinct {
    form: Form,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Form {
    /// The values' hashes.
    #[serde(rename = "exact")]
    Exact(BTreeSet<u64>),
    /// One more than the longest run of zeros that a hash of each register begins with, as characters from `0` on, so that it
    /// is short in JSON.
    #[serde(rename = "registers")]
    Registers(String),
}

impl Default for Distinct {
    fn default() -> Distinct {
        Distinct {
            form: Form::Exact(BTreeSet::new()),
        }
    }
}

impl From<Distinct> for Form {
    fn from(distinct: Distinct) -> Form {
        distinct.form
    }
}

/// Whatever was received is made a set: what has the wrong shape is an empty one.
impl From<Form> for Distinct {
    fn from(form: Form) -> Distinct {
        let form = match form {
            Form::Exact(hashes) if hashes.len() <= EXACT => Form::Exact(hashes),
            Form::Registers(ranks)
                if ranks.len() == REGISTERS && ranks.bytes().all(|rank| (b'0'..=b'0' + MAX_RANK).contains(&rank)) =>
            {
                Form::Registers(ranks)
            }
            _ => return Distinct::default(),
        };
        Distinct { form }
    }
}

/// The longest run of zeros, and one.
const MAX_RANK: u8 = (u64::BITS - REGISTER_BITS + 1) as u8;

impl Distinct {
    /// Adds a value.
    pub fn add(&mut self, value: &[u8]) {
        self.add_hash(XxHash3_64::oneshot(value));
    }

    fn add_hash(&mut self, hash: u64) {
        match &mut self.form {
            Form::Exact(hashes) => {
                hashes.insert(hash);
                if hashes.len() > EXACT {
                    self.estimate();
                }
            }
            Form::Registers(ranks) => {
                let mut bytes = std::mem::take(ranks).into_bytes();
                raise(&mut bytes, hash);
                *ranks = ascii(bytes);
            }
        }
    }

    /// Goes over from the values' hashes to registers.
    fn estimate(&mut self) {
        if let Form::Exact(hashes) = &self.form {
            let mut ranks = vec![b'0'; REGISTERS];
            hashes.iter().for_each(|hash| raise(&mut ranks, *hash));
            self.form = Form::Registers(ascii(ranks));
        }
    }

    /// Adds the values of another set.
    pub fn merge(&mut self, other: &Distinct) {
        match &other.form {
            Form::Exact(hashes) => hashes.iter().for_each(|hash| self.add_hash(*hash)),
            Form::Registers(theirs) => {
                self.estimate();
                let Form::Registers(ours) = &mut self.form else { return };
                let greater = ours.bytes().zip(theirs.bytes()).map(|(our, their)| our.max(their));
                *ours = ascii(greater.collect());
            }
        }
    }

    /// How many values there are, or about so many.
    pub fn count(&self) -> u64 {
        match &self.form {
            Form::Exact(hashes) => hashes.len() as u64,
            Form::Registers(ranks) => estimated(ranks.as_bytes()),
        }
    }

    /// Whether [`count`](Distinct::count) is exact.
    pub fn is_exact(&self) -> bool {
        matches!(self.form, Form::Exact(_))
    }
}

fn raise(ranks: &mut [u8], hash: u64) {
    let register = (hash >> (u64::BITS - REGISTER_BITS)) as usize;
    let rest = hash << REGISTER_BITS | 1 << (REGISTER_BITS - 1);
    let rank = b'0' + 1 + rest.leading_zeros() as u8;
    ranks[register] = ranks[register].max(rank);
}

/// The estimate of the paper; hashes of 64 bits need no correction for large numbers.
fn estimated(ranks: &[u8]) -> u64 {
    let registers = REGISTERS as f64;
    let sum: f64 = ranks.iter().map(|rank| (-f64::from(rank - b'0')).exp2()).sum();
    let bias = 0.7213 / (1.0 + 1.079 / registers);
    let raw = bias * registers * registers / sum;
    let empty = ranks.iter().filter(|rank| **rank == b'0').count();
    let estimate = if raw <= 2.5 * registers && empty > 0 {
        registers * (registers / empty as f64).ln()
    } else {
        raw
    };
    // There were more than can be counted.
    (estimate.round() as u64).max(EXACT as u64 + 1)
}

fn ascii(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: impl IntoIterator<Item = u64>) -> Distinct {
        let mut distinct = Distinct::default();
        values.into_iter().for_each(|value| distinct.add(&value.to_le_bytes()));
        distinct
    }

    #[test]
    fn few_are_counted_and_many_are_estimated() {
        for count in [0, 1, 7, 64] {
            let distinct = of((0..count).chain(0..count));
            assert_eq!((distinct.count(), distinct.is_exact()), (count, true));
        }
        for count in [65, 100, 300, 1_000, 5_000, 100_000, 1_000_000] {
            let distinct = of(0..count);
            let error = (distinct.count() as f64 / count as f64 - 1.0).abs();
            // Three times the standard error; the hash is fixed, so this does not vary.
            assert!(!distinct.is_exact() && error < 0.14, "{count}: {}", distinct.count());
        }
    }

    #[test]
    fn merging_gives_what_one_set_of_all_would_be() {
        for (one, other) in [
            (0..10, 5..20),
            (0..60, 40..90),
            (0..5_000, 3..9),
            (3..9, 0..5_000),
            (0..700, 600..3_000),
        ] {
            let mut merged = of(one.clone());
            merged.merge(&of(other.clone()));
            assert_eq!(merged, of(one.clone().chain(other.clone())), "{one:?} {other:?}");
        }
    }

    #[test]
    fn it_travels_as_json_and_nothing_of_another_shape_does() {
        for distinct in [of(0..5), of(0..5_000)] {
            let text = serde_json::to_string(&distinct).unwrap();
            assert!(text.len() < 600, "{text}");
            assert_eq!(serde_json::from_str::<Distinct>(&text).unwrap(), distinct);
        }
        for text in [
            r#"{"registers":"000"}"#,
            &format!(r#"{{"registers":"{}"}}"#, "~".repeat(512)),
        ] {
            assert_eq!(serde_json::from_str::<Distinct>(text).unwrap(), Distinct::default());
        }
    }
}

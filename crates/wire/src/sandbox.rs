//! How far a worker locks itself in, in the words of both ends.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Whether workers are to lock themselves in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Demand {
    /// As far as the system lets them.
    Auto,
    /// In full, or there is no run.
    Require,
    /// Not at all.
    Off,
}

impl Demand {
    /// Every demand.
    pub const ALL: [Demand; 3] = [Demand::Auto, Demand::Require, Demand::Off];

    /// Its word on a command line.
    pub fn word(self) -> &'static str {
        match self {
            Demand::Auto => "auto",
            Demand::Require => "require",
            Demand::Off => "off",
        }
    }
}

/// There is no demand of this word.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no sandbox `{0}`")]
pub struct NoSuchDemand(pub String);

impl FromStr for Demand {
    type Err = NoSuchDemand;

    fn from_str(word: &str) -> Result<Demand, NoSuchDemand> {
        let demand = Demand::ALL.into_iter().find(|demand| demand.word() == word);
        demand.ok_or_else(|| NoSuchDemand(word.to_owned()))
    }
}

/// What holds a worker in. The default is what holds one that was not to lock itself in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The version of Landlock's interface (its "ABI") whose restrictions hold; `None` where none do.
    pub landlock: Option<u32>,
    /// Whether the filter of system calls holds.
    pub seccomp: bool,
    /// What was to hold and does not, and why, each a clause for people.
    pub lacks: Vec<String>,
}

impl Held {
    /// What holds two workers in alike.
    #[must_use]
    pub fn and(self, other: &Held) -> Held {
        let mut lacks = self.lacks;
        for lack in &other.lacks {
            if !lacks.contains(lack) {
                lacks.push(lack.clone());
            }
        }
        Held {
            landlock: self.landlock.zip(other.landlock).map(|(one, two)| one.min(two)),
            seccomp: self.seccomp && other.seccomp,
            lacks,
        }
    }
}

/// For a summary: `landlock (ABI 7), seccomp`; `off` where nothing was to hold.
impl fmt::Display for Held {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let landlock = self.landlock.map(|abi| format!("landlock (ABI {abi})"));
        let seccomp = self.seccomp.then(|| "seccomp".to_owned());
        let holds: Vec<String> = landlock.into_iter().chain(seccomp).collect();
        match (holds.is_empty(), self.lacks.is_empty()) {
            (true, true) => out.write_str("off"),
            (true, false) => write!(out, "none ({})", self.lacks.join("; ")),
            (false, true) => out.write_str(&holds.join(", ")),
            (false, false) => write!(out, "{} ({})", holds.join(", "), self.lacks.join("; ")),
        }
    }
}

/// The last line of a worker that the sandbox stopped, up to the number of the system call, which ends it.
pub const LAST_WORDS: &str = "the sandbox stops this worker at system call ";

/// The number of the system call that a line names as what the sandbox stopped its worker at.
pub fn stopped_at(line: &str) -> Option<u32> {
    line.strip_prefix(LAST_WORDS)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(landlock: Option<u32>, seccomp: bool, lacks: &[&str]) -> Held {
        Held {
            landlock,
            seccomp,
            lacks: lacks.iter().map(|&lack| lack.to_owned()).collect(),
        }
    }

    #[test]
    fn a_demand_is_its_word() {
        for demand in Demand::ALL {
            assert_eq!(demand.word().parse(), Ok(demand));
        }
        assert!("never".parse::<Demand>().is_err());
    }

    #[test]
    fn what_held_is_told_in_one_line() {
        let cases = [
            (held(Some(7), true, &[]), "landlock (ABI 7), seccomp"),
            (
                held(None, true, &["no Landlock: it is off"]),
                "seccomp (no Landlock: it is off)",
            ),
            (held(None, false, &["no a", "no b"]), "none (no a; no b)"),
            (Held::default(), "off"),
        ];
        for (held, expected) in cases {
            assert_eq!(held.to_string(), expected);
        }
    }

    #[test]
    fn workers_are_held_as_the_weakest_of_them() {
        let full = held(Some(7), true, &[]);
        assert_eq!(full.clone().and(&full), full);
        let older = held(Some(3), true, &["old"]);
        assert_eq!(full.clone().and(&older), older);
        assert_eq!(older.clone().and(&older), older);
        assert_eq!(
            older.and(&held(None, false, &["none"])),
            held(None, false, &["old", "none"])
        );
    }

    #[test]
    fn last_words_name_a_number_and_nothing_else() {
        assert_eq!(stopped_at(&format!("{LAST_WORDS}41")), Some(41));
        for line in ["41", "the sandbox", LAST_WORDS, &format!("{LAST_WORDS}41 or so")] {
            assert_eq!(stopped_at(line), None, "{line}");
        }
    }
}

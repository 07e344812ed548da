//! What a worker process is made with: its command line.
//!
//! What it is to *do* comes in [`Hello`](crate::message::Hello). This is what has to be known before: a worker takes its
//! limits on and locks itself in before it reads the first byte from anybody.

use std::ffi::OsString;

use crate::sandbox::Demand;

/// The hidden subcommand with which the executable starts itself as a worker; [`Start`] is what follows.
pub const WORKER_SUBCOMMAND: &str = "__worker";

/// What a worker process is made with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// The coordinator's process id.
    pub coordinator: u32,
    /// Whether it is to lock itself in.
    pub sandbox: Demand,
    /// The most that it may have of data (heap and private mappings), in bytes: one that needs more dies.
    pub memory: u64,
    /// The descriptors that it inherits besides the standard three, all of them.
    pub inherited: Vec<i32>,
}

impl Start {
    /// The arguments behind the executable.
    pub fn arguments(&self) -> Vec<String> {
        let mut arguments = vec![
            WORKER_SUBCOMMAND.to_owned(),
            self.coordinator.to_string(),
            self.sandbox.word().to_owned(),
            self.memory.to_string(),
        ];
        arguments.extend(self.inherited.iter().map(i32::to_string));
        arguments
    }

    /// What the arguments behind the executable say; `None` where they are no worker's.
    pub fn of(arguments: impl IntoIterator<Item = OsString>) -> Option<Start> {
        let mut arguments = arguments.into_iter();
        if arguments.next()? != WORKER_SUBCOMMAND {
            return None;
        }
        let mut words = arguments.map(|argument| argument.into_string().ok());
        let mut next = || words.next().flatten();
        Some(Start {
            coordinator: next()?.parse().ok()?,
            sandbox: next()?.parse().ok()?,
            memory: next()?.parse().ok()?,
            inherited: words.map(|word| word?.parse().ok()).collect::<Option<_>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(words: &[&str]) -> Option<Start> {
        Start::of(words.iter().map(OsString::from))
    }

    #[test]
    fn a_start_is_its_arguments() {
        for sandbox in Demand::ALL {
            for inherited in [vec![], vec![3], vec![7, 3]] {
                let start = Start {
                    coordinator: 4711,
                    sandbox,
                    memory: 2 << 30,
                    inherited,
                };
                let arguments = start.arguments();
                assert_eq!(Start::of(arguments.into_iter().map(OsString::from)), Some(start));
            }
        }
    }

    #[test]
    fn other_arguments_are_no_workers() {
        for words in [
            &["extract", "1", "auto", "5", "3"][..],
            &[],
            &[WORKER_SUBCOMMAND],
            &[WORKER_SUBCOMMAND, "1", "auto"],
            &[WORKER_SUBCOMMAND, "1", "never", "5", "3"],
            &[WORKER_SUBCOMMAND, "1", "auto", "5", "three"],
        ] {
            assert_eq!(of(words), None, "{words:?}");
        }
    }
}

//! Runs contenders in turns.
//!
//! Turns go forwards and backwards, so that a machine that slows down or warms up does so for all. Of each contender's runs
//! the one with the median time is reported, whole.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::contender::{Contender, Role, Run};
use super::corpus::Archive;
use super::measure::Measured;
use super::suite::Section;
use super::tell;
use super::workplace::Workplace;

/// The results for one archive.
#[derive(Debug)]
pub(crate) struct SectionResult {
    /// The section's identifier.
    pub(crate) id: String,
    /// The section's title.
    pub(crate) title: String,
    /// The archive.
    pub(crate) archive: Archive,
    /// What each contender needed, in the section's order.
    pub(crate) outcomes: Vec<Outcome>,
}

/// What one contender needed.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    /// The contender's identifier.
    pub(crate) id: String,
    /// The contender's label.
    pub(crate) label: String,
    /// What it is there for.
    pub(crate) role: Role,
    /// What it needed.
    pub(crate) result: Finish,
}

/// What a contender needed, if it got to the end.
#[derive(Debug, Clone)]
pub(crate) enum Finish {
    /// It did.
    Median {
        /// The run of median time.
        run: Box<Measured>,
        /// The rows that it wrote.
        rows: Option<u64>,
        /// The wall time of every run, in the order they ran in.
        walls: Vec<Duration>,
    },
    /// It was stopped after this time.
    Over(Duration),
}

impl SectionResult {
    /// tarquet as it comes, which is called `own`, and other systems.
    pub(crate) fn competitors(&self, own: &str) -> impl Iterator<Item = &Outcome> {
        self.outcomes
            .iter()
            .filter(move |outcome| outcome.role == Role::Peer || outcome.id == own)
    }

    /// What the contender called `id` needed, if it was there.
    pub(crate) fn outcome(&self, id: &str) -> Option<&Outcome> {
        self.outcomes.iter().find(|outcome| outcome.id == id)
    }

    /// The same, if it got to the end.
    pub(crate) fn median(&self, id: &str) -> Option<&Measured> {
        self.outcome(id)?.median()
    }
}

impl Outcome {
    /// The run of median time, if there is one.
    pub(crate) fn median(&self) -> Option<&Measured> {
        match &self.result {
            Finish::Median { run, .. } => Some(run),
            Finish::Over(_) => None,
        }
    }
}

/// Runs everybody in `section` `runs` times, peers `peer_runs` times.
///
/// # Errors
///
/// Where one fails, or gives other rows than another with the same map.
pub(crate) fn run(workplace: &Workplace, section: &Section, runs: u32, peer_runs: u32) -> Result<SectionResult> {
    let start = Instant::now();
    tell(&format!("{}: making ready", section.id));
    let archive = section.corpus.prepare(&workplace.directory)?;
    let wanted: Vec<u32> = section
        .contenders
        .iter()
        .map(|contender| match contender.role() {
            Role::Peer => peer_runs,
            Role::Own | Role::Yardstick => runs,
        })
        .collect();
    let workplace = &workplace.with_outputs_in_memory(section.in_memory);
    let all = in_turns(&wanted, |position| {
        let run = section.contenders[position].run(workplace, &archive)?;
        tell(&format!("  {}: {}", section.contenders[position].id, seconds(&run)));
        Ok(run)
    })?;
    let outcomes: Vec<Outcome> = section.contenders.iter().zip(all).map(outcome).collect();
    check_rows(section, &outcomes)?;
    workplace.clean_up()?;
    tell(&format!(
        "{}: done in {:.0} s",
        section.id,
        start.elapsed().as_secs_f64()
    ));
    Ok(SectionResult {
        id: section.id.clone(),
        title: section.title.clone(),
        archive,
        outcomes,
    })
}

fn seconds(run: &Run) -> String {
    match run {
        Run::Finished { measured, .. } => format!("{:.3} s", measured.wall.as_secs_f64()),
        Run::Over(limit) => format!("over {} s", limit.as_secs()),
    }
}

/// Runs each position as often as `wanted` says, in turns that go forwards and then backwards. Who was stopped once is not
/// run again.
fn in_turns(wanted: &[u32], mut run: impl FnMut(usize) -> Result<Run>) -> Result<Vec<Vec<Run>>> {
    let mut all: Vec<Vec<Run>> = vec![Vec::new(); wanted.len()];
    for turn in 0..wanted.iter().copied().max().unwrap_or(0) {
        let mut order: Vec<usize> = (0..wanted.len()).filter(|&position| turn < wanted[position]).collect();
        if turn % 2 == 1 {
            order.reverse();
        }
        for position in order {
            if !matches!(all[position].last(), Some(Run::Over(_))) {
                all[position].push(run(position)?);
            }
        }
    }
    Ok(all)
}

fn outcome((contender, runs): (&Contender, Vec<Run>)) -> Outcome {
    Outcome {
        id: contender.id.clone(),
        label: contender.label.clone(),
        role: contender.role(),
        result: finish(runs),
    }
}

/// The median of runs, of which there is one at least.
fn finish(runs: Vec<Run>) -> Finish {
    let mut finished = Vec::new();
    for run in runs {
        match run {
            Run::Finished { measured, rows } => finished.push((measured, rows)),
            Run::Over(limit) => return Finish::Over(limit),
        }
    }
    let walls = finished.iter().map(|(run, _)| run.wall).collect();
    finished.sort_by_key(|(run, _)| run.wall);
    let (run, rows) = finished.swap_remove(finished.len() / 2);
    Finish::Median {
        run: Box::new(run),
        rows,
        walls,
    }
}

fn check_rows(section: &Section, outcomes: &[Outcome]) -> Result<()> {
    let rows: Vec<_> = section
        .contenders
        .iter()
        .zip(outcomes)
        .filter_map(|(contender, outcome)| match outcome.result {
            Finish::Median { rows: Some(rows), .. } => Some((contender.map()?, rows, &outcome.label)),
            _ => None,
        })
        .collect();
    for (map, rows_of_one, one) in &rows {
        for (other_map, rows_of_other, other) in &rows {
            ensure!(
                map != other_map || rows_of_one == rows_of_other,
                "{}: {one} gives {rows_of_one} rows where {other} gives {rows_of_other}",
                section.id
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::measured;
    use super::*;

    fn took(milliseconds: u64) -> Run {
        Run::Finished {
            measured: measured(milliseconds),
            rows: Some(3),
        }
    }

    #[test]
    fn turns_go_forwards_and_backwards_and_end_when_each_has_had_enough() {
        let mut order = Vec::new();
        let all = in_turns(&[3, 1, 2], |position| {
            order.push(position);
            Ok(took(10 * position as u64))
        })
        .unwrap();
        assert_eq!(order, [0, 1, 2, 2, 0, 0]);
        assert_eq!(all.iter().map(Vec::len).collect::<Vec<_>>(), [3, 1, 2]);
    }

    #[test]
    fn who_is_stopped_does_not_run_again() {
        let limit = Duration::from_secs(9);
        let mut runs = 0;
        let all = in_turns(&[5], |_| {
            runs += 1;
            Ok(if runs == 2 { Run::Over(limit) } else { took(1) })
        })
        .unwrap();
        assert_eq!(runs, 2);
        assert!(matches!(finish(all.into_iter().next().unwrap()), Finish::Over(after) if after == limit));
    }

    #[test]
    fn the_run_in_the_middle_is_reported() {
        match finish(vec![took(30), took(10), took(20)]) {
            Finish::Median { run, rows, walls } => {
                assert_eq!((*run, rows), (measured(20), Some(3)));
                assert_eq!(walls, [30, 10, 20].map(Duration::from_millis));
            }
            other => panic!("{other:?}"),
        }
    }
}

//! `cargo xtask bench --compare BASE`: is the working tree slower than BASE?
//!
//! BASE is built from its tree, in a directory and with a target directory of its own. Both programs then run in turns, and
//! the rule of [`Verdict`] says what is a loss.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use super::contender::{self, Kind};
use super::corpus::Archive;
use super::statistics::{median, median_interval};
use super::suite::Section;
use super::tell;
use super::workplace::{Workplace, output, succeed};

/// A ratio of times up to which nothing is called a loss.
const MARGIN: f64 = 1.02;

/// Pairs of runs that are needed for an interval of 95 %, and that there are by default.
pub(crate) const LEAST_RUNS: u32 = 7;
/// See [`LEAST_RUNS`].
pub(crate) const DEFAULT_RUNS: u32 = 9;

/// What the pairs of runs of one case say: times of the working tree through those of the base.
#[derive(Debug, Clone, PartialEq)]
struct Ratios {
    median: f64,
    /// Holds the true median with 95 %.
    interval: (f64, f64),
}

/// Whether a case is slower.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// The whole interval is above the margin, in two series of runs.
    Lost,
    /// The whole interval is below the margin's inverse.
    Won,
    /// Neither.
    Same,
}

/// One case, measured.
#[derive(Debug)]
struct Case {
    name: String,
    /// Median seconds of the base and of the working tree.
    seconds: (f64, f64),
    ratios: Ratios,
    verdict: Verdict,
}

/// One of the two, again and again.
struct Pair<'a> {
    workplace: &'a Workplace,
    base: &'a Path,
    archive: &'a Archive,
    map: &'a Path,
    workers: u32,
}

/// Compares and gives the table.
///
/// # Errors
///
/// Where something cannot be built or run, and where the working tree has lost: then the table is the error's text.
pub(crate) fn run(workplace: &Workplace, sections: &[Section], base: &str, runs: u32) -> Result<String> {
    ensure!(
        runs >= LEAST_RUNS,
        "--compare needs --runs {LEAST_RUNS} or more to tell a loss from noise"
    );
    let (commit, program) = build(workplace, base)?;
    let mut cases = Vec::new();
    for section in sections {
        let archive = section.corpus.prepare(&workplace.directory)?;
        let workplace = &workplace.with_outputs_in_memory(section.in_memory);
        for contender in &section.contenders {
            // A commit before has not every flag.
            if let Kind::Tarquet {
                map,
                workers,
                inflate_threads: None,
            } = &contender.kind
            {
                let pair = Pair {
                    workplace,
                    base: &program,
                    archive: &archive,
                    map,
                    workers: *workers,
                };
                let case = measure(format!("{}, {}", section.id, contender.id), &pair, runs)?;
                tell(line(&case).trim_end());
                cases.push(case);
            }
        }
        workplace.clean_up()?;
    }
    let table = table(&commit, &cases, runs);
    let lost = cases.iter().filter(|case| case.verdict == Verdict::Lost).count();
    match lost {
        0 => Ok(table),
        lost => bail!("{table}\nslower than {base} in {lost} of {} cases", cases.len()),
    }
}

/// Builds the commit that `base` names. Gives its hash and the program, which is kept for the next time.
fn build(workplace: &Workplace, base: &str) -> Result<(String, PathBuf)> {
    let name = format!("{base}^{{commit}}");
    let mut git = Command::new("git");
    git.args(["rev-parse", "--verify", "--short=12", &name])
        .current_dir(&workplace.root);
    let commit = output(&mut git)
        .with_context(|| format!("{base} is no commit"))?
        .trim()
        .to_owned();
    let directory = workplace.directory.join("base");
    let program = directory.join(format!("tarquet-{commit}"));
    if !program.exists() {
        tell(&format!("building {base} ({commit})"));
        let tree = directory.join("tree");
        unpack(&workplace.root, &commit, &tree)?;
        let target = directory.join("target");
        let mut cargo = Command::new("cargo");
        cargo
            .args(["build", "--release", "--quiet", "--bin", "tarquet", "--target-dir"])
            .arg(&target);
        succeed(cargo.current_dir(&tree))?;
        fs::copy(target.join("release/tarquet"), &program)?;
        fs::remove_dir_all(&tree)?;
    }
    Ok((commit, program))
}

/// Writes the files of `commit` to the directory `tree`, which is made anew.
fn unpack(root: &Path, commit: &str, tree: &Path) -> Result<()> {
    if tree.exists() {
        fs::remove_dir_all(tree)?;
    }
    fs::create_dir_all(tree)?;
    let mut git = Command::new("git")
        .args(["archive", commit])
        .current_dir(root)
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start git")?;
    let files = git.stdout.take().context("git has no output")?;
    tar::Archive::new(files).unpack(tree)?;
    ensure!(git.wait()?.success(), "git archive {commit} failed");
    Ok(())
}

/// Runs one case `runs` times, and as often again if it seems to be lost.
fn measure(name: String, pair: &Pair, runs: u32) -> Result<Case> {
    let mut times = in_pairs(runs, |is_base| pair.run(is_base))?;
    let mut verdict = verdict(&ratios(&times));
    if verdict == Verdict::Lost {
        tell(&format!("{name}: {:.3}, again", ratios(&times).median));
        times = in_pairs(runs, |is_base| pair.run(is_base))?;
        verdict = self::verdict(&ratios(&times));
    }
    let (base, own): (Vec<f64>, Vec<f64>) = times.iter().copied().unzip();
    Ok(Case {
        name,
        seconds: (median(&base), median(&own)),
        ratios: ratios(&times),
        verdict,
    })
}

impl Pair<'_> {
    /// The wall time of one run in seconds.
    fn run(&self, is_base: bool) -> Result<f64> {
        let program = if is_base { self.base } else { &self.workplace.tarquet };
        let measured = contender::extract(self.workplace, program, self.archive, self.map, self.workers)?;
        Ok(measured.wall.as_secs_f64())
    }
}

/// Seconds of the base and of the working tree, side by side: A B, B A, A B, …
fn in_pairs(runs: u32, mut run: impl FnMut(bool) -> Result<f64>) -> Result<Vec<(f64, f64)>> {
    (0..runs)
        .map(|turn| {
            let first = run(turn % 2 == 0)?;
            let second = run(turn % 2 == 1)?;
            Ok(if turn % 2 == 0 {
                (first, second)
            } else {
                (second, first)
            })
        })
        .collect()
}

fn ratios(times: &[(f64, f64)]) -> Ratios {
    let ratios: Vec<f64> = times.iter().map(|(base, own)| own / base).collect();
    Ratios {
        median: median(&ratios),
        interval: median_interval(&ratios),
    }
}

/// What one series of runs says by itself.
fn verdict(ratios: &Ratios) -> Verdict {
    match ratios.interval {
        (low, _) if low > MARGIN => Verdict::Lost,
        (_, high) if high < 1.0 / MARGIN => Verdict::Won,
        _ => Verdict::Same,
    }
}

fn table(commit: &str, cases: &[Case], runs: u32) -> String {
    let lines: String = cases.iter().map(line).collect();
    format!(
        "The working tree against {commit}: medians of {runs} pairs of runs, the ratio of their times with its interval \
         of 95 %.\n\n\
         | case | {commit} s | working tree s | ratio | 95 % | |\n|---|---:|---:|---:|---|---|\n{lines}"
    )
}

fn line(case: &Case) -> String {
    let (base, own) = case.seconds;
    let (low, high) = case.ratios.interval;
    let verdict = match case.verdict {
        Verdict::Lost => "slower",
        Verdict::Won => "faster",
        Verdict::Same => "",
    };
    format!(
        "| {} | {base:.3} | {own:.3} | {:.3} | {low:.3} to {high:.3} | {verdict} |\n",
        case.name, case.ratios.median
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(ratio: f64, noise: &[f64]) -> Vec<(f64, f64)> {
        noise.iter().map(|noise| (1.0, ratio * noise)).collect()
    }

    const NOISE: [f64; 9] = [0.96, 1.05, 0.99, 1.01, 0.97, 1.04, 1.0, 1.02, 0.98];

    #[test]
    fn pairs_go_one_way_and_then_the_other() {
        let mut order = String::new();
        let pairs = in_pairs(3, |is_base| {
            order.push(if is_base { 'A' } else { 'B' });
            Ok(if is_base { 1.0 } else { 2.0 })
        })
        .unwrap();
        assert_eq!(order, "ABBAAB");
        assert_eq!(pairs, [(1.0, 2.0); 3]);
    }

    #[test]
    fn noise_is_neither_loss_nor_gain() {
        assert_eq!(verdict(&ratios(&times(1.0, &NOISE))), Verdict::Same);
        assert_eq!(verdict(&ratios(&times(1.03, &NOISE))), Verdict::Same);
    }

    #[test]
    fn what_is_beyond_noise_counts() {
        let lost = ratios(&times(1.1, &NOISE));
        assert_eq!((lost.median, verdict(&lost)), (1.1, Verdict::Lost));
        assert_eq!(verdict(&ratios(&times(0.9, &NOISE))), Verdict::Won);
    }

    #[test]
    fn a_drift_of_the_machine_changes_nothing() {
        // Each pair is three times as slow as the one before; the working tree needs 2 % less in each.
        let drift: Vec<(f64, f64)> = (0..9).map(|turn| (3_f64.powi(turn), 0.97 * 3_f64.powi(turn))).collect();
        assert_eq!(verdict(&ratios(&drift)), Verdict::Won);
    }

    #[test]
    fn the_table_says_who_lost() {
        let case = |name: &str, ratio| {
            let ratios = ratios(&times(ratio, &NOISE));
            Case {
                name: name.to_owned(),
                seconds: (1.0, ratio),
                verdict: verdict(&ratios),
                ratios,
            }
        };
        let table = table("abc", &[case("large", 1.0), case("small", 1.1)], 9);
        assert!(
            table.contains("| large | 1.000 | 1.000 | 1.000 | 0.970 to 1.040 |  |\n"),
            "{table}"
        );
        assert!(
            table.contains("| small | 1.000 | 1.100 | 1.100 | 1.067 to 1.144 | slower |\n"),
            "{table}"
        );
    }
}

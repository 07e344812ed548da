//! What a run has to share with the run that it resumes, and how it differs.

use std::fmt;
use std::fs::File;
use std::panic::resume_unwind;
use std::path::Path;
use std::thread;

use tarquet_archive::Fingerprint;
use tarquet_dataset::{Input, Resumable};
use tarquet_feature_map::Plan;

use crate::archives::Archives;
use crate::error::RunError;
use crate::settings::{Output, Settings, Several};

/// The name of the input that is a text of many lines.
const FEATURE_MAP: &str = "the feature map";

/// The name of the input that matters only where types are inferred.
const SAMPLE: &str = "--sample";

/// The name of the input that may differ, since a copy of an archive is as good.
const MODIFIED: &str = "the archive's time of modification";

/// Everything that the bytes of a run depend on: names for people, values to be compared. Without archives, what is known
/// of standard input before it is read.
pub(crate) fn inputs(
    settings: &Settings,
    output: &Output,
    archives: Option<&Archives>,
) -> Result<Vec<Input>, RunError> {
    let Settings { plan, executable, .. } = settings;
    let mut inputs = Inputs(Vec::new());
    inputs.add("the version of tarquet", env!("CARGO_PKG_VERSION"));
    // Two files of some megabytes, read at the same time: no worker starts before both are known.
    let (build, fingerprint) = thread::scope(|scope| {
        let build = scope.spawn(|| build(executable));
        let fingerprint = archives.map(Archives::fingerprint).transpose();
        (build.join().unwrap_or_else(|panic| resume_unwind(panic)), fingerprint)
    });
    inputs.add("the executable", build);
    match (fingerprint?.flatten(), archives) {
        (Some(fingerprint), Some(archives)) if archives.several() == Several::Yes => {
            inputs.add("the number of archives", archives.count());
            // They stand in the rows.
            inputs.add(
                "the archives' names, as a checksum",
                format_args!("{:016x}", archives.names()),
            );
            inputs.add("the archives' size in bytes", fingerprint.len);
            inputs.add("the archives' content, as a checksum", fingerprint);
        }
        (Some(fingerprint), _) => {
            inputs.add("the archive's size in bytes", fingerprint.len);
            inputs.add("the archive's content, as a checksum", fingerprint);
        }
        (None, _) => inputs.add("the archive", "standard input"),
    }
    if let Some(modified) = archives.and_then(modified_and_sampled) {
        inputs.add(MODIFIED, modified);
    }
    inputs.add(FEATURE_MAP, plan.to_yaml());
    if !plan.is_typed() {
        inputs.add(SAMPLE, settings.sample);
    }
    for (flag, value) in &settings.selection.flags {
        inputs.add(flag, value);
    }
    inputs.add("--documents", settings.documents);
    inputs.add("--ignore-zeros", settings.ignore_zeros);
    inputs.add("--max-document-bytes", settings.max_document_bytes);
    inputs.add("--buffer-rows", output.parts.buffer_rows);
    inputs.add("--buffer-bytes", output.parts.buffer_bytes);
    Ok(inputs.0)
}

/// When archives were modified whose fingerprint is of samples alone.
fn modified_and_sampled(archives: &Archives) -> Option<String> {
    archives.are_sampled().then(|| archives.modified()).flatten()
}

struct Inputs(Vec<Input>);

impl Inputs {
    fn add(&mut self, name: &str, value: impl fmt::Display) {
        self.0.push(Input {
            name: name.to_owned(),
            value: value.to_string(),
        });
    }
}

/// What tells one build from another: its executable's content. Where that may not be read, the version alone has to do.
fn build(executable: &Path) -> String {
    let fingerprint = File::open(executable).and_then(|file| Fingerprint::of(&file));
    fingerprint.map_or_else(|_| "unreadable".to_owned(), |fingerprint| fingerprint.to_string())
}

/// The plan as its own text says it. Some lines of `failed.log` show paths, and a resumed run has only that text to take
/// them from: with this, no byte depends on how a map spells its paths.
///
/// # Errors
///
/// [`RunError::Map`], which would be a bug: every plan can be written and read back.
pub(crate) fn canonical(plan: &Plan) -> Result<Plan, RunError> {
    tarquet_feature_map::parse("feature_map.resolved.yaml", &plan.to_yaml()).map_err(|errors| RunError::Map {
        error: errors.to_string(),
    })
}

/// Warns of an archive that may be another one, and of which no more than samples are compared. One that is compressed, and
/// was modified, is read from its start, and so compared as a whole: the seek index is of the one that was not.
pub(crate) fn warn_of_samples(archives: Option<&Archives>, then: &[Input], now: &[Input]) {
    let are_sampled = archives.is_some_and(|archives| archives.are_sampled() && !archives.are_read_again());
    if are_sampled && value(then, MODIFIED) != value(now, MODIFIED) {
        tracing::warn!(
            "what is read was modified, or copied, since the run began. It has the size that it had, and samples of it have \
             the same content; the rest is not compared, because it is large, or many files"
        );
    }
}

/// The plan to go on with.
///
/// # Errors
///
/// [`RunError::Another`] with all that differs; [`RunError::Map`] where the ledger's map is none.
pub(crate) fn plan(output: &Output, resumable: &Resumable, inputs: &[Input]) -> Result<Plan, RunError> {
    let mut differences = differences(&resumable.inputs, inputs);
    // The resolved map is as good as the one that it was made of, and then there is no sample.
    if value(inputs, FEATURE_MAP).as_ref() == Some(&resumable.resolved_map) {
        differences.retain(|difference| ![FEATURE_MAP, SAMPLE].contains(&difference.name.as_str()));
    }
    if !differences.is_empty() {
        return Err(RunError::Another {
            out_dir: output.out_dir.clone(),
            differences,
        });
    }
    let plan = tarquet_feature_map::parse("feature_map.resolved.yaml", &resumable.resolved_map);
    let unusable = |error| RunError::Map { error };
    match plan.map_err(|errors| unusable(errors.to_string()))? {
        plan if plan.is_typed() => Ok(plan),
        _ => Err(unusable("it leaves types open".to_owned())),
    }
}

/// Something in which two runs differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What.
    name: String,
    /// What it was; `None` where it was not there.
    then: Option<String>,
    /// What it is.
    now: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Difference { name, then, now } = self;
        match (then, now) {
            (Some(then), Some(now)) if name == FEATURE_MAP => {
                let (then, now) = first_differing_lines(then, now);
                write!(formatter, "{name} says `{now}` where it said `{then}`")
            }
            (Some(then), Some(now)) => write!(formatter, "{name} is {now}; it was {then}"),
            (Some(then), None) => write!(formatter, "{name} is not there; it was {then}"),
            (None, Some(now)) => write!(formatter, "{name} is {now}; it was not there"),
            (None, None) => write!(formatter, "{name}"),
        }
    }
}

/// The first lines that differ, without what they are indented by; an end of the text is an empty line.
fn first_differing_lines<'a>(then: &'a str, now: &'a str) -> (&'a str, &'a str) {
    let (mut then, mut now) = (then.lines(), now.lines());
    loop {
        match (then.next(), now.next()) {
            (Some(then), Some(now)) if then == now => {}
            (then, now) => return (then.unwrap_or("").trim(), now.unwrap_or("").trim()),
        }
    }
}

/// What differs, in the order of the run at hand, and then what only the earlier one had.
fn differences(then: &[Input], now: &[Input]) -> Vec<Difference> {
    let only_then = then.iter().filter(|input| value(now, &input.name).is_none());
    let names = now.iter().chain(only_then).map(|input| &input.name);
    let names = names.filter(|name| *name != MODIFIED);
    let difference = |name: &String| {
        let (then, now) = (value(then, name), value(now, name));
        (then != now).then(|| Difference {
            name: name.clone(),
            then,
            now,
        })
    };
    names.filter_map(difference).collect()
}

fn value(inputs: &[Input], name: &str) -> Option<String> {
    let input = inputs.iter().find(|input| input.name == name);
    input.map(|input| input.value.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs(pairs: &[(&str, &str)]) -> Vec<Input> {
        let mut inputs = Inputs(Vec::new());
        pairs.iter().for_each(|(name, value)| inputs.add(name, value));
        inputs.0
    }

    #[test]
    fn what_differs_is_named_with_both_values() {
        let then = inputs(&[
            ("--buffer-rows", "4"),
            (FEATURE_MAP, "a:\n  b: 1\n  c: 2"),
            ("--sample", "9"),
            ("same", "x"),
        ]);
        let now = inputs(&[
            ("--buffer-rows", "5"),
            (FEATURE_MAP, "a:\n  b: 1\n  d: 2"),
            ("same", "x"),
            ("--new", "y"),
        ]);
        let told: Vec<String> = differences(&then, &now).iter().map(ToString::to_string).collect();
        let expected = [
            "--buffer-rows is 5; it was 4",
            "the feature map says `d: 2` where it said `c: 2`",
            "--new is y; it was not there",
            "--sample is not there; it was 9",
        ];
        assert_eq!(told, expected);
        assert_eq!(differences(&then, &then), []);
    }

    #[test]
    fn a_map_that_goes_on_differs_at_its_end() {
        assert_eq!(first_differing_lines("a\nb", "a\nb\n  c"), ("", "c"));
        assert_eq!(first_differing_lines("a\nb", "a"), ("b", ""));
    }
}

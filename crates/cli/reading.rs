//! What is read and how: from arguments to settings.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::Context;
use globset::{Glob, GlobSet, GlobSetBuilder};
use tarquet_coordinator::{Documents, RunError, Selection, Settings, Wanted};
use tarquet_feature_map::Plan;
use tarquet_wire::sandbox::Demand;

use crate::args::{DocumentsKind, Engine, InputArguments, RunningArguments, Sandbox};
use crate::failure::{Failure, Kept};
use crate::sources::sources;

/// What members are wanted when nothing is said.
const DEFAULT_EXTENSIONS: [&str; 3] = ["json", "ndjson", "jsonl"];

/// How many workers there are when nothing is said: one for each core within these.
const DEFAULT_WORKERS: std::ops::RangeInclusive<usize> = 8..=12;

/// With fewer cores than this, one thread inflates: the others are busy with what it gives.
const CORES_TO_INFLATE: usize = 8;

/// The most threads that inflate when nothing is said.
const MOST_TO_INFLATE: usize = 4;

/// Whether this system has what the arguments demand of it.
pub(crate) fn check(running: &RunningArguments) -> Result<(), Failure> {
    if running.engine == Engine::Structural {
        // Each worker would find the same.
        tarquet_worker::simd().map_err(|error| Failure::Usage(error.into()))?;
    }
    if running.sandbox == Sandbox::Require {
        // Before anything is there that would have to be resumed.
        match &tarquet_worker::sandbox_lacks()[..] {
            [] => {}
            lacks => {
                return Err(Failure::Run(
                    RunError::Sandbox { lacks: lacks.to_vec() },
                    Kept::default(),
                ));
            }
        }
    }
    Ok(())
}

/// The plan of a feature map.
pub(crate) fn read_map(file: &Path) -> Result<Plan, Failure> {
    let text = std::fs::read_to_string(file)
        .with_context(|| {
            format!(
                "cannot read the feature map {} (--feature-map names another)",
                file.display()
            )
        })
        .map_err(Failure::Usage)?;
    tarquet_feature_map::parse(&file.display().to_string(), &text).map_err(|errors| Failure::Usage(errors.into()))
}

/// The settings of whoever reads these archives, and writes into `out_dir` if anywhere.
pub(crate) fn settings(
    input: &InputArguments,
    running: &RunningArguments,
    out_dir: Option<&Path>,
    plan: Plan,
    sample: u64,
) -> Result<Settings, Failure> {
    let (sources, several) = sources(&input.tar_path, out_dir).map_err(Failure::System)?;
    let cores = cores();
    Ok(Settings {
        documents: documents(input.documents),
        selection: selection(&input.include, &input.exclude).map_err(Failure::Usage)?,
        sources,
        several,
        ignore_zeros: input.ignore_zeros,
        plan,
        sample,
        workers: running.workers.map_or(
            cores.clamp(*DEFAULT_WORKERS.start(), *DEFAULT_WORKERS.end()),
            usize::from,
        ),
        worker_memory: running.worker_memory,
        inflate_threads: running
            .inflate_threads
            .map_or_else(|| inflate_threads(cores), usize::from),
        sandbox: demand(running.sandbox),
        member_timeout: running.member_timeout,
        engine: engine(running.engine).to_owned(),
        max_document_bytes: input.max_document_bytes,
        executable: PathBuf::from("/proc/self/exe"),
    })
}

/// How many cores there are.
pub(crate) fn cores() -> usize {
    thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// How many threads inflate when nothing is said. Together they do a quarter to a half more than one does alone, and
/// two to four of them keep up with the one that puts together what they give.
fn inflate_threads(cores: usize) -> usize {
    if cores < CORES_TO_INFLATE {
        1
    } else {
        (cores / 3).min(MOST_TO_INFLATE)
    }
}

fn documents(kind: DocumentsKind) -> Documents {
    match kind {
        DocumentsKind::Auto => Documents::Auto,
        DocumentsKind::Json => Documents::Json,
        DocumentsKind::Ndjson => Documents::Ndjson,
        DocumentsKind::Array => Documents::Array,
    }
}

fn demand(sandbox: Sandbox) -> Demand {
    match sandbox {
        Sandbox::Auto => Demand::Auto,
        Sandbox::Require => Demand::Require,
        Sandbox::Off => Demand::Off,
    }
}

fn engine(engine: Engine) -> &'static str {
    match engine {
        Engine::Reference => "reference",
        Engine::SimdJson => "simd-json",
        Engine::Structural => "structural",
    }
}

/// Which members are wanted. A `*` in a glob goes over slashes too: `*.json` is every member of that ending.
fn selection(include: &[String], exclude: &[String]) -> anyhow::Result<Selection> {
    let defaults: Vec<String> = DEFAULT_EXTENSIONS
        .iter()
        .flat_map(|extension| ["", ".gz", ".zst"].map(|compression| format!("*.{extension}{compression}")))
        .collect();
    let include = if include.is_empty() { &defaults } else { include };
    let flags = vec![("--include", include.join(" ")), ("--exclude", exclude.join(" "))];
    let (include, exclude) = (globs(include)?, globs(exclude)?);
    let wanted: Wanted = Box::new(move |name| {
        let name = Path::new(OsStr::from_bytes(name));
        include.is_match(name) && !exclude.is_match(name)
    });
    Ok(Selection { wanted, flags })
}

fn globs(patterns: &[String]) -> anyhow::Result<GlobSet> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        set.add(Glob::new(pattern).with_context(|| format!("`{pattern}` is not a glob"))?);
    }
    Ok(set.build()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_choose_members_by_name() {
        let all = selection(&[], &[]).unwrap().wanted;
        for name in [
            "a.json",
            "deep/down/a.json",
            "a.ndjson",
            "a.jsonl.gz",
            "a.json.zst",
            ".json",
        ] {
            assert!(all(name.as_bytes()), "{name}");
        }
        for name in ["a.xml", "json", "a.json/b", "a.json.bz2", "a.JSON"] {
            assert!(!all(name.as_bytes()), "{name}");
        }
        let some = selection(&["raw/*".to_owned()], &["*.min.json".to_owned()])
            .unwrap()
            .wanted;
        assert!(some(b"raw/x/a.txt") && !some(b"raw/a.min.json") && !some(b"other/a.json"));
        assert!(selection(&["[".to_owned()], &[]).is_err());
    }

    #[test]
    fn names_that_are_not_utf8_match_too() {
        assert!((selection(&[], &[]).unwrap().wanted)(b"caf\xe9.json"));
    }
}

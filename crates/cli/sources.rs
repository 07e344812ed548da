//! `--tar-path`: which archives are meant.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use glob::{MatchOptions, glob_with};
use tarquet_coordinator::{Several, Source};

/// What a glob has that a path seldom has.
const GLOB_CHARACTERS: [char; 3] = ['*', '?', '['];

/// As shells have it: no `*` goes over a slash, or finds a name with a dot before it.
const AS_IN_SHELLS: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

/// The archives that these paths and globs mean, in the order given, and those of each glob by their names; and whether there
/// are, or could be, several. `out_dir` is none of them, whatever a glob finds.
///
/// # Errors
///
/// A glob that is none, that finds nothing, or that cannot be followed; and standard input among others, which can be read
/// once and in order alone.
pub(crate) fn sources(paths: &[PathBuf], out_dir: &Path) -> anyhow::Result<(Vec<Source>, Several)> {
    if paths == [Path::new("-")] {
        return Ok((vec![Source::StandardInput], Several::No));
    }
    let mut sources = Vec::new();
    let mut several = paths.len() > 1;
    for path in paths {
        if path == Path::new("-") {
            bail!("standard input (`-`) can only be the only archive: a resumed run could not come back to it");
        }
        match as_glob(path) {
            None => sources.push(path.clone()),
            Some(pattern) => {
                several = true;
                sources.extend(found(pattern, out_dir)?);
            }
        }
    }
    let several = if several { Several::Yes } else { Several::No };
    Ok((sources.into_iter().map(Source::File).collect(), several))
}

/// The path as a glob, if it has to be one: something that is there is meant as it is spelled.
fn as_glob(path: &Path) -> Option<&str> {
    let pattern = path.to_str().filter(|pattern| pattern.contains(GLOB_CHARACTERS));
    pattern.filter(|_| path.symlink_metadata().is_err())
}

fn found(pattern: &str, out_dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let paths = glob_with(pattern, AS_IN_SHELLS).with_context(|| format!("`{pattern}` is not a glob"))?;
    let mut paths = paths
        .collect::<Result<Vec<_>, _>>()
        .context("cannot look for archives")?;
    let is_out_dir = |path: &Path| match (path.metadata(), out_dir.metadata()) {
        (Ok(found), Ok(out)) => (found.dev(), found.ino()) == (out.dev(), out.ino()),
        _ => false,
    };
    paths.retain(|path| !is_out_dir(path));
    paths.sort_unstable();
    match paths.is_empty() {
        true => bail!("no file matches `{pattern}`"),
        false => Ok(paths),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// What paths in a directory with some files mean there.
    fn meant(given: &[&str]) -> anyhow::Result<(Vec<String>, Several)> {
        let directory = tempfile::tempdir()?;
        for name in [
            "b.tar",
            "a.tar",
            ".hidden.tar",
            "c[1].tar",
            "d/e.tar",
            "d/f.tar.gz",
            "out/ledger",
        ] {
            let path = directory.path().join(name);
            fs::create_dir_all(path.parent().unwrap_or(&path))?;
            fs::write(path, "")?;
        }
        let absolute = |path: &&str| match *path {
            "-" => PathBuf::from("-"),
            path => directory.path().join(path),
        };
        let given: Vec<PathBuf> = given.iter().map(absolute).collect();
        let (sources, several) = sources(&given, &directory.path().join("d/../out"))?;
        let shown = |source: &Source| match source {
            Source::File(path) => path
                .strip_prefix(directory.path())
                .unwrap_or(path)
                .display()
                .to_string(),
            Source::StandardInput => "-".to_owned(),
        };
        Ok((sources.iter().map(shown).collect(), several))
    }

    #[test]
    fn paths_stand_as_they_are_given_and_globs_for_what_they_find() {
        let cases: [(&[&str], &[&str], Several); 9] = [
            (&["a.tar"], &["a.tar"], Several::No),
            (&["missing.tar"], &["missing.tar"], Several::No),
            (&["-"], &["-"], Several::No),
            (&["b.tar", "a.tar", "b.tar"], &["b.tar", "a.tar", "b.tar"], Several::Yes),
            (&["*.tar"], &["a.tar", "b.tar", "c[1].tar"], Several::Yes),
            (&["a*.tar"], &["a.tar"], Several::Yes),
            (&["c[1].tar"], &["c[1].tar"], Several::No),
            (
                &["d/*", "?.tar"],
                &["d/e.tar", "d/f.tar.gz", "a.tar", "b.tar"],
                Several::Yes,
            ),
            (&["*"], &["a.tar", "b.tar", "c[1].tar", "d"], Several::Yes),
        ];
        for (given, expected, several) in cases {
            let (found, is_several) = meant(given).unwrap();
            assert_eq!(
                (found, is_several),
                (expected.iter().map(|&path| path.to_owned()).collect(), several)
            );
        }
    }

    #[test]
    fn what_means_nothing_is_refused() {
        for (given, why) in [
            (&["a.tar", "-"][..], "can only be the only archive"),
            (&["x*.tar"], "no file matches"),
            (&["x[.tar"], "is not a glob"),
        ] {
            let error = format!("{:#}", meant(given).unwrap_err());
            assert!(error.contains(why), "{error}");
        }
    }
}

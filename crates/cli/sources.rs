//! `--tar-path`: which archives are meant.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, bail};
use globset::{GlobBuilder, GlobMatcher};
use tarquet_coordinator::{Several, Source};

/// What a glob has that a path seldom has.
const GLOB_CHARACTERS: [u8; 4] = *b"*?[{";

/// A component of a glob that stands for any number of directories, none included.
const ANY_DIRECTORIES: &str = "**";

/// The archives that these paths and globs mean, in the order given, and those of each glob in the order of the bytes of
/// their paths; and whether there are, or could be, several. What a glob finds of `out_dir`, if there is to be one, or of what
/// it is in, is none.
///
/// # Errors
///
/// A glob that is none, that finds nothing, or that cannot be followed; standard input among others, which can be read
/// once and in order alone; and `out_dir` itself.
pub(crate) fn sources(paths: &[PathBuf], out_dir: Option<&Path>) -> anyhow::Result<(Vec<Source>, Several)> {
    if paths == [Path::new("-")] {
        return Ok((vec![Source::StandardInput], Several::No));
    }
    let mut sources = Vec::new();
    let mut several = paths.len() > 1;
    for path in paths {
        if path == Path::new("-") {
            bail!("standard input (`-`) can only be the only archive: a resumed run could not come back to it");
        }
        if is_glob(path) {
            several = true;
            sources.extend(found(path, out_dir)?);
            continue;
        }
        if let (Some(given), Some(out)) = (identity(path), out_dir.and_then(identity))
            && given == out
        {
            bail!(
                "{} is read, and cannot be --out-dir as well: what is written there would be read too. A directory in it can",
                path.display()
            );
        }
        sources.push(path.clone());
    }
    let several = if several { Several::Yes } else { Several::No };
    Ok((sources.into_iter().map(Source::File).collect(), several))
}

/// Whether the path has to be a glob: something that is there is meant as it is spelled.
fn is_glob(path: &Path) -> bool {
    let has_glob = path
        .as_os_str()
        .as_bytes()
        .iter()
        .any(|byte| GLOB_CHARACTERS.contains(byte));
    has_glob && path.symlink_metadata().is_err()
}

/// Device and inode.
fn identity(path: &Path) -> Option<(u64, u64)> {
    path.metadata().ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

fn found(pattern: &Path, out_dir: Option<&Path>) -> anyhow::Result<Vec<PathBuf>> {
    let steps = steps(pattern)?;
    let mut paths = Vec::new();
    follow(PathBuf::new(), &steps, &mut paths)?;
    // The run makes these itself; it would find them when it is resumed.
    let own = out_dir.map(|out_dir| std::path::absolute(out_dir).unwrap_or_else(|_| out_dir.to_owned()));
    let own: Vec<_> = own
        .iter()
        .flat_map(|own| own.ancestors())
        .filter_map(identity)
        .collect();
    paths.retain(|path| identity(path).is_none_or(|found| !own.contains(&found)));
    paths.sort_unstable_by(|one, other| one.as_os_str().as_bytes().cmp(other.as_os_str().as_bytes()));
    paths.dedup();
    match paths.is_empty() {
        true => bail!("no file matches `{}`", pattern.display()),
        false => Ok(paths),
    }
}

/// A component of a glob.
enum Step {
    /// It is what it says.
    Plain(OsString),
    /// Names that match. Those with a dot before them only if the pattern has one, as in shells.
    Names { matcher: GlobMatcher, has_dot: bool },
    /// Any number of directories.
    Directories,
}

fn steps(pattern: &Path) -> anyhow::Result<Vec<Step>> {
    let step = |component: Component<'_>| {
        let text = component.as_os_str();
        if text == ANY_DIRECTORIES {
            return Ok(Step::Directories);
        }
        if !text.as_bytes().iter().any(|byte| GLOB_CHARACTERS.contains(byte)) {
            return Ok(Step::Plain(text.to_owned()));
        }
        let glob = text
            .to_str()
            .with_context(|| format!("`{}`: a glob has to be UTF-8", pattern.display()))?;
        let glob = GlobBuilder::new(glob).literal_separator(true).build();
        let glob = glob.with_context(|| format!("`{}` is not a glob", pattern.display()))?;
        Ok(Step::Names {
            matcher: glob.compile_matcher(),
            has_dot: text.as_bytes().starts_with(b"."),
        })
    };
    pattern.components().map(step).collect()
}

/// Adds what `steps` find from `base` on.
fn follow(base: PathBuf, steps: &[Step], found: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let Some((step, rest)) = steps.split_first() else {
        found.push(base);
        return Ok(());
    };
    match step {
        Step::Plain(name) => {
            let path = base.join(name);
            match path.symlink_metadata() {
                Ok(_) => follow(path, rest, found),
                Err(_) => Ok(()),
            }
        }
        Step::Names { matcher, has_dot } => {
            for name in names(&base)? {
                if matcher.is_match(&name) && (*has_dot || !is_hidden(&name)) {
                    follow(base.join(name), rest, found)?;
                }
            }
            Ok(())
        }
        Step::Directories => {
            follow(base.clone(), rest, found)?;
            for name in names(&base)? {
                let path = base.join(&name);
                let is_directory = path.symlink_metadata().is_ok_and(|metadata| metadata.is_dir());
                if is_directory && !is_hidden(&name) {
                    follow(path, steps, found)?;
                }
            }
            Ok(())
        }
    }
}

fn is_hidden(name: &OsStr) -> bool {
    name.as_bytes().starts_with(b".")
}

/// What is in a directory; nothing if it is none.
fn names(directory: &Path) -> anyhow::Result<Vec<OsString>> {
    let path = if directory.as_os_str().is_empty() {
        Path::new(".")
    } else {
        directory
    };
    let entries = match fs::read_dir(path) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(Vec::new()),
        entries => entries.with_context(|| format!("cannot look for archives in {}", path.display()))?,
    };
    let names: Result<Vec<_>, _> = entries.map(|entry| entry.map(|entry| entry.file_name())).collect();
    names.with_context(|| format!("cannot look for archives in {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What paths in a directory with some files mean there.
    fn meant(given: &[&str]) -> anyhow::Result<(Vec<String>, Several)> {
        let directory = tempfile::tempdir()?;
        let files = [
            "b.tar",
            "a.tar",
            ".hidden.tar",
            "c[1].tar",
            "d/e.tar",
            "d/f.tar.gz",
            "d-1/e.tar",
            "o/out/ledger",
            "o/b.tar",
        ];
        for name in files {
            let path = directory.path().join(name);
            fs::create_dir_all(path.parent().unwrap_or(&path))?;
            fs::write(path, "")?;
        }
        // Somebody else's file has a name that is no text.
        fs::write(directory.path().join(OsStr::from_bytes(b"\xfe.other")), "")?;
        let absolute = |path: &&str| match *path {
            "-" => PathBuf::from("-"),
            path => directory.path().join(path),
        };
        let given: Vec<PathBuf> = given.iter().map(absolute).collect();
        let (sources, several) = sources(&given, Some(&directory.path().join("o/out")))?;
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
        let cases: [(&[&str], &[&str], Several); 13] = [
            (&["a.tar"], &["a.tar"], Several::No),
            (&["missing.tar"], &["missing.tar"], Several::No),
            (&["-"], &["-"], Several::No),
            (&["b.tar", "a.tar", "b.tar"], &["b.tar", "a.tar", "b.tar"], Several::Yes),
            (&["*.tar"], &["a.tar", "b.tar", "c[1].tar"], Several::Yes),
            (&["a*.tar"], &["a.tar"], Several::Yes),
            (&["c[1].tar"], &["c[1].tar"], Several::No),
            (
                &["{d,b}*", "?.tar"],
                &["b.tar", "d", "d-1", "a.tar", "b.tar"],
                Several::Yes,
            ),
            // The order is that of bytes: a dash is before a slash.
            (&["d*/e.tar"], &["d-1/e.tar", "d/e.tar"], Several::Yes),
            (&["**/e.tar"], &["d-1/e.tar", "d/e.tar"], Several::Yes),
            (&[".*.tar"], &[".hidden.tar"], Several::Yes),
            // Without the dataset's directory, and without what it is in.
            (&["o/*"], &["o/b.tar"], Several::Yes),
            (&["[do]"], &["d"], Several::Yes),
        ];
        for (given, expected, several) in cases {
            let (found, is_several) = meant(given).unwrap();
            let expected: Vec<String> = expected.iter().map(|&path| path.to_owned()).collect();
            assert_eq!((found, is_several), (expected, several), "{given:?}");
        }
    }

    #[test]
    fn what_means_nothing_is_refused() {
        for (given, why) in [
            (&["a.tar", "-"][..], "can only be the only archive"),
            (&["x*.tar"], "no file matches"),
            (&["x[.tar"], "is not a glob"),
            (&["o/out"], "cannot be --out-dir as well"),
        ] {
            let error = format!("{:#}", meant(given).unwrap_err());
            assert!(error.contains(why), "{error}");
        }
    }
}

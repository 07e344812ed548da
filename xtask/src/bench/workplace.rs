//! What the runs need: the programs, built, and a directory of their own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// What the runs need.
#[derive(Debug, Clone)]
pub(crate) struct Workplace {
    /// The repository.
    pub(crate) root: PathBuf,
    /// `bench/` in the repository, which git ignores: archives, outputs, the peers' Python.
    pub(crate) directory: PathBuf,
    /// Where everything that is measured writes to.
    pub(crate) outputs: PathBuf,
    /// `xtask/bench/`: maps and the peers' scripts.
    pub(crate) scripts: PathBuf,
    /// The release build of tarquet.
    pub(crate) tarquet: PathBuf,
    /// The example of `tarquet-projection` that measures an engine alone.
    pub(crate) throughput: PathBuf,
    /// The example of `tarquet-projection` that extracts in one process.
    pub(crate) in_process: PathBuf,
    /// This program, which inflates when it is asked to.
    pub(crate) xtask: PathBuf,
}

impl Workplace {
    /// Builds what is measured.
    ///
    /// # Errors
    ///
    /// Where a build fails.
    pub(crate) fn prepare(root: &Path) -> Result<Self> {
        let directory = root.join("bench");
        fs::create_dir_all(&directory)?;
        // Apart, because examples are built with the development dependencies of every package that is named.
        let examples = [
            "-p",
            "tarquet-projection",
            "--example",
            "throughput",
            "--example",
            "in_process",
        ];
        for what in [&["--bin", "tarquet"][..], &examples] {
            let mut cargo = Command::new("cargo");
            succeed(
                cargo
                    .args(["build", "--release", "--quiet"])
                    .args(what)
                    .current_dir(root),
            )?;
        }
        let xtask = std::env::current_exe()?;
        let workplace = Self {
            root: root.to_owned(),
            outputs: directory.join("out"),
            directory,
            scripts: root.join("xtask/bench"),
            tarquet: xtask.with_file_name("tarquet"),
            throughput: xtask.with_file_name("examples").join("throughput"),
            in_process: xtask.with_file_name("examples").join("in_process"),
            xtask,
        };
        ensure!(
            workplace.tarquet.exists(),
            "{} is not there: run this as `cargo xtask bench`, which is a release build",
            workplace.tarquet.display()
        );
        Ok(workplace)
    }

    /// Makes a Python environment with what the peers need.
    ///
    /// # Errors
    ///
    /// Where Python or one of the packages is not to be had.
    pub(crate) fn install_peers(&self) -> Result<()> {
        let environment = self.directory.join("venv");
        succeed(Command::new("python3").args(["-m", "venv"]).arg(environment))?;
        let mut pip = Command::new(self.python());
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]);
        succeed(pip.arg(self.scripts.join("peers/requirements.txt")))
    }

    /// The peers' Python.
    pub(crate) fn python(&self) -> PathBuf {
        self.directory.join("venv/bin/python")
    }

    /// A map of the benchmark by its name.
    pub(crate) fn map(&self, name: &str) -> PathBuf {
        self.scripts.join(format!("{name}.yaml"))
    }

    /// The map called `name` without the types that are written in it.
    ///
    /// # Errors
    ///
    /// Where the one cannot be read or the other not be written.
    pub(crate) fn map_without_types(&self, name: &str) -> Result<PathBuf> {
        let typed = self.map(name);
        let text = fs::read_to_string(&typed).with_context(|| format!("cannot read {}", typed.display()))?;
        let untyped = self.directory.join(format!("{name}_untyped.yaml"));
        fs::write(&untyped, without_types(&text))?;
        Ok(untyped)
    }

    /// The same, with its outputs in memory (tmpfs(5)), where an fsync costs nothing, or where they were.
    pub(crate) fn with_outputs_in_memory(&self, in_memory: bool) -> Self {
        let mut workplace = self.clone();
        if in_memory {
            workplace.outputs = PathBuf::from(format!("/dev/shm/tarquet-bench-{}", std::process::id()));
        }
        workplace
    }

    /// Where what writes to the directory called `name` writes to.
    pub(crate) fn output(&self, name: &str) -> PathBuf {
        self.outputs.join(name)
    }

    /// That directory, empty.
    ///
    /// # Errors
    ///
    /// Where it cannot be emptied or made.
    pub(crate) fn fresh_output(&self, name: &str) -> Result<PathBuf> {
        let path = self.output(name);
        if path.exists() {
            fs::remove_dir_all(&path)?;
        }
        fs::create_dir_all(&path)?;
        Ok(path)
    }

    /// Removes what was written; the archives stay.
    ///
    /// # Errors
    ///
    /// Where it cannot be removed.
    pub(crate) fn clean_up(&self) -> Result<()> {
        match self.outputs.exists() {
            true => {
                fs::remove_dir_all(&self.outputs).with_context(|| format!("cannot remove {}", self.outputs.display()))
            }
            false => Ok(()),
        }
    }
}

/// Runs a command that has to succeed, with its output on this process's.
///
/// # Errors
///
/// Where it cannot be started or fails.
pub(crate) fn succeed(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    ensure!(status.success(), "{command:?} failed ({status})");
    Ok(())
}

/// Runs a command that has to succeed and gives its standard output.
///
/// # Errors
///
/// Where it cannot be started or fails; then its standard error is in the message.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    ensure!(
        output.status.success(),
        "{command:?} failed ({}):\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8(output.stdout)?)
}

/// A feature map without its types, as far as they are written `, type: T}` or `, type: T, …`.
fn without_types(map: &str) -> String {
    let mut rest = map;
    let mut kept = String::with_capacity(map.len());
    while let Some(start) = rest.find(", type: ") {
        kept.push_str(&rest[..start]);
        let after = &rest[start + 2..];
        rest = &after[after.find([',', '}']).unwrap_or(after.len())..];
    }
    kept.push_str(rest);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_go_and_all_else_stays() {
        assert_eq!(
            without_types("a: {path: $.a, type: int64}\nb: {path: 'x[0]', type: string, cast: true}\nc: $.type\n"),
            "a: {path: $.a}\nb: {path: 'x[0]', cast: true}\nc: $.type\n"
        );
    }

    #[test]
    fn the_map_of_the_benchmark_loses_every_type() {
        let map = include_str!("../../bench/flights_typed.yaml");
        assert!(map.contains("type: int64"));
        assert!(!without_types(map).contains("type: "));
    }

    #[test]
    fn output_is_that_of_the_command_and_its_failure_says_why() {
        let shell = |script: &str| output(Command::new("sh").args(["-c", script]));
        assert_eq!(shell("echo done").unwrap(), "done\n");
        let error = shell("echo no luck >&2; exit 3").unwrap_err().to_string();
        assert!(error.contains("no luck") && error.contains('3'), "{error}");
    }
}

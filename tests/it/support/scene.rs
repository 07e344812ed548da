//! A directory with an archive and a map in it, and the binary run there.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};
use std::rc::Rc;

use serde_json::Value;
use tempfile::TempDir;

use super::dataset::Dataset;
use super::process::Running;

/// An archive, a map, and room for what comes of them. Commands run inside, so that paths are short.
pub(crate) struct Scene {
    dir: Rc<TempDir>,
}

/// What a run ended with.
#[derive(Debug)]
pub(crate) struct Run {
    /// How it ended.
    pub(crate) status: ExitStatus,
    /// What it wrote to standard output.
    pub(crate) stdout: String,
    /// What it wrote to standard error.
    pub(crate) stderr: String,
}

impl Scene {
    /// A scene with `archive` as `archive.tar` and `map` as `map.yaml`.
    pub(crate) fn new(archive: &[u8], map: &str) -> Scene {
        Scene::within(&std::env::temp_dir(), archive, map)
    }

    /// The same, in another directory than the one for temporary files.
    pub(crate) fn within(parent: &Path, archive: &[u8], map: &str) -> Scene {
        let scene = Scene {
            dir: Rc::new(TempDir::new_in(parent).expect("a temporary directory")),
        };
        scene.write("archive.tar", archive);
        scene.write("map.yaml", map);
        scene
    }

    /// A path in the scene.
    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file into the scene.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("it is inside")).expect("the scene is writable");
        fs::write(path, content).expect("the scene is writable");
    }

    /// The bare command, in the scene and without any setting from the environment of the test.
    pub(crate) fn tarquet(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tarquet"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("TARQUET_") {
                command.env_remove(name);
            }
        }
        command
            .current_dir(self.dir.path())
            .args(arguments)
            .stdin(Stdio::null());
        command
    }

    /// The command that extracts the scene's archive into `out`.
    pub(crate) fn command(&self, out: &str, arguments: &[&str]) -> Command {
        let mut command = self.tarquet(&["extract", "--tar-path", "archive.tar", "--feature-map", "map.yaml"]);
        command.args(["--out-dir", out]).args(arguments);
        if !arguments.contains(&"--workers") {
            command.args(["--workers", "2"]);
        }
        command
    }

    /// Extracts into `out/`, whatever comes of it.
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        Run::of(&mut self.command("out", arguments))
    }

    /// Extracts into `out/`, which has to succeed without failures, and gives the dataset.
    pub(crate) fn extract(&self, arguments: &[&str]) -> Dataset {
        self.extract_to("out", arguments)
    }

    /// Extracts into `out`, which has to succeed without failures, and gives the dataset.
    pub(crate) fn extract_to(&self, out: &str, arguments: &[&str]) -> Dataset {
        Run::of(&mut self.command(out, arguments)).expect_code(0);
        self.dataset(out)
    }

    /// Starts an extraction into `out` and does not wait for it.
    pub(crate) fn start(&self, out: &str, arguments: &[&str]) -> Running {
        Running::start_slowly(&mut self.command(out, arguments))
    }

    /// The dataset in `out`.
    pub(crate) fn dataset(&self, out: &str) -> Dataset {
        Dataset::at(Rc::clone(&self.dir), out)
    }
}

/// The same command, after a shell has done `preparation`.
pub(crate) fn after(preparation: &str, command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell
        .args(["-c", &format!("{preparation} && exec \"$@\""), "sh"])
        .arg(command.get_program())
        .args(command.get_args())
        .current_dir(command.get_current_dir().expect("a scene's command has one"))
        .stdin(Stdio::null());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell
}

impl Run {
    /// Runs a command to its end.
    pub(crate) fn of(command: &mut Command) -> Run {
        command.output().expect("the binary starts").into()
    }

    /// Asserts the exit code.
    #[track_caller]
    pub(crate) fn expect_code(&self, code: i32) -> &Run {
        assert_eq!(self.status.code(), Some(code), "{self:#?}");
        self
    }

    /// Asserts that the run ended by a signal.
    #[track_caller]
    pub(crate) fn expect_signal(&self, signal: i32) -> &Run {
        assert_eq!(self.status.signal(), Some(signal), "{self:#?}");
        self
    }

    /// Asserts that standard error has these texts.
    #[track_caller]
    pub(crate) fn expect_stderr(&self, texts: &[&str]) -> &Run {
        for text in texts {
            assert!(self.stderr.contains(text), "no {text:?} in {self:#?}");
        }
        self
    }

    /// Asserts that nothing was written to standard error.
    #[track_caller]
    pub(crate) fn expect_quiet_stderr(&self) -> &Run {
        assert_eq!(self.stderr, "", "{self:#?}");
        self
    }

    /// Standard output as one JSON value.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in {self:#?}"))
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Run {
        Run {
            status: output.status,
            stdout: String::from_utf8(output.stdout).expect("standard output is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("standard error is UTF-8"),
        }
    }
}

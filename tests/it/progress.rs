//! Progress on a terminal, which `script` of util-linux makes one.

use std::process::{Command, Stdio};

use crate::support::documents::{Fault, MAP, searches};
use crate::support::{Scene, tar};

/// What the command writes to a terminal; `None` where there is no `script` to make one.
fn on_a_terminal(scene: &Scene, command: &str, environment: &[(&str, &str)]) -> Option<String> {
    let line = format!("{} {command}", env!("CARGO_BIN_EXE_tarquet"));
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command", &line, "/dev/null"]);
    script.current_dir(scene.path("")).stdin(Stdio::null());
    script.env("TERM", "xterm-256color").envs(environment.iter().copied());
    script.env_remove("WT_SESSION").env_remove("NO_COLOR");
    match script.output() {
        Ok(output) => Some(String::from_utf8_lossy(&output.stdout).into_owned()),
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
            {
                eprintln!("SKIPPED: `script` cannot be run: {error}");
            }
            None
        }
    }
}

#[test]
fn with_v_there_is_a_line_for_each_worker_and_for_what_fails() {
    let archive = searches(4_000, 120, |number| (number == 2).then_some(Fault::Cut));
    let scene = Scene::new(&archive, MAP);
    let Some(shown) = on_a_terminal(
        &scene,
        "extract -v --tar-path archive.tar --feature-map map.yaml --out-dir out --workers 2",
        &[("TERM_PROGRAM", "ghostty")],
    ) else {
        return;
    };
    assert!(
        shown.contains("info: \"raw/000002.json\" failed: truncated: "),
        "{shown}"
    );
    assert!(shown.contains("worker   0  raw/"), "{shown}");
    assert!(shown.contains("files/s"), "{shown}");
    // The terminal's own progress begins, and is taken away.
    assert!(shown.contains("\u{1b}]9;4;1;"), "{shown}");
    let last = shown.rfind("\u{1b}]9;4;").expect("there is one");
    assert!(shown[last..].starts_with("\u{1b}]9;4;0;0\u{7}"), "{shown}");
}

#[test]
fn terminals_that_do_not_say_that_they_know_it_get_no_sequence() {
    let scene = Scene::new(&tar(&[("a.json", "{}")]), MAP);
    let command = "extract --tar-path archive.tar --feature-map map.yaml --out-dir out --workers 1";
    if let Some(shown) = on_a_terminal(&scene, command, &[("TERM_PROGRAM", "vscode")]) {
        assert!(!shown.contains("\u{1b}]9;4;"), "{shown}");
        assert!(shown.contains("1 member extracted"), "{shown}");
    }
}

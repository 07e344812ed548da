//! What is made from the command line and kept in the repository: the help, completions, and manual pages. After a change
//! of the command line, this makes them anew:
//!
//! ```text
//! UPDATE_EXPECT=1 cargo test --bin tarquet generated
//! ```

mod manual;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory};
use expect_test::expect_file;

use crate::args::Arguments;
use crate::completions::{Shell, script};
use crate::help;

/// The files of one directory are these, and no others.
#[expect(
    clippy::print_stdout,
    reason = "what to run is shown where a test fails, and only there"
)]
fn hold(directory: &str, files: &[(String, String)]) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
    println!(
        "to make {} anew: UPDATE_EXPECT=1 cargo test --bin tarquet generated",
        directory.display()
    );
    for (name, text) in files {
        expect_file![directory.join(name)].assert_eq(text);
    }
    let there = fs::read_dir(&directory).expect("it was just read from");
    let there: BTreeSet<PathBuf> = there.map(|entry| entry.expect("it can be listed").path()).collect();
    let expected = files.iter().map(|(name, _)| directory.join(name)).collect();
    let beyond: Vec<&PathBuf> = there.difference(&expected).collect();
    assert!(
        beyond.is_empty(),
        "nothing makes these any more; remove them: {beyond:?}"
    );
}

/// A command and those within it, each with its name in full: `tarquet-extract`.
fn all(command: &Command, outer: &str) -> Vec<(String, Command)> {
    let name = format!("{outer}{}", command.get_name());
    let inner = command.get_subcommands().filter(|inner| inner.get_name() != "help");
    let inner: Vec<_> = inner.flat_map(|inner| all(inner, &format!("{name}-"))).collect();
    [vec![(name, command.clone())], inner].concat()
}

#[test]
fn help_is_what_was_agreed_to() {
    let mut command = help::command().term_width(100);
    command.build();
    let files = all(&command, "").into_iter().flat_map(|(name, mut command)| {
        let (short, long) = (
            command.render_help().to_string(),
            command.render_long_help().to_string(),
        );
        [(format!("{name}-h.txt"), short), (format!("{name}--help.txt"), long)]
    });
    hold("crates/cli/snapshots", &files.collect::<Vec<_>>());
}

#[test]
fn completions_are_in_step() {
    let shells = [
        (Shell::Bash, "tarquet.bash"),
        (Shell::Zsh, "_tarquet"),
        (Shell::Fish, "tarquet.fish"),
    ];
    let files = shells.map(|(shell, name)| {
        let text = String::from_utf8(script(shell)).expect("scripts are text");
        (name.to_owned(), text)
    });
    hold("contrib/completions", &files);
}

#[test]
fn manual_pages_are_in_step() {
    // As clap has it, and not as `--help` shows it: pages have their own way to show variables and values.
    let mut command = Arguments::command()
        .version(env!("CARGO_PKG_VERSION"))
        .long_version(None)
        .disable_help_subcommand(true);
    command.build();
    let pages = all(&command, "")
        .into_iter()
        .map(|(name, command)| (format!("{name}.1"), manual::page(&name, command)));
    hold("contrib/man", &pages.collect::<Vec<_>>());
}

//! `tarquet completions`: what makes a shell complete tarquet's command line.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use clap_complete::aot::{self, Generator};

use crate::help;

/// Where each shell looks for scripts of this kind.
pub(crate) const HELP: &str = "\
Examples:
  tarquet completions bash > ~/.local/share/bash-completion/completions/tarquet
  tarquet completions zsh  > ~/.zfunc/_tarquet    # a directory of your $fpath, before compinit
  tarquet completions fish > ~/.config/fish/completions/tarquet.fish";

/// The arguments of `completions`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArguments {
    /// The shell: bash, zsh or fish
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

/// A shell whose completion is tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shell {
    /// Loaded by the package bash-completion, or with `source`.
    Bash,
    /// A function for `compinit`.
    Zsh,
    /// Loaded when it is needed.
    Fish,
}

/// Runs `tarquet completions`.
pub(crate) fn run(arguments: &CompletionsArguments) -> ExitCode {
    match io::stdout().write_all(&script(arguments.shell)) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            writeln!(io::stderr(), "error: cannot write to standard output: {error}").ok();
            ExitCode::FAILURE
        }
        // Whoever closed the pipe has seen enough.
        _ => ExitCode::SUCCESS,
    }
}

/// The script for a shell.
pub(crate) fn script(shell: Shell) -> Vec<u8> {
    match shell {
        Shell::Bash => generate(aot::Bash),
        Shell::Zsh => generate(aot::Zsh),
        Shell::Fish => generate(aot::Fish),
    }
}

fn generate(shell: impl Generator) -> Vec<u8> {
    let mut script = Vec::new();
    aot::generate(shell, &mut help::command(), "tarquet", &mut script);
    script
}

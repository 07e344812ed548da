//! Help as people read it: `-h` has one line a flag, `--help` and the manual pages have the rest.
//!
//! A flag's first paragraph in `args.rs` is its line, so it has to be short; further paragraphs are for `--help` alone, and so
//! are examples and exit codes (`after_long_help`). What clap would add to both, variables and values, is told in `--help`.
//! Files made of this are held in step by `generated.rs`.

use std::fmt::Write as _;

use clap::builder::PossibleValue;
use clap::builder::styling::{AnsiColor, Styles};
use clap::{Arg, Command, CommandFactory, ValueHint};

use crate::args::Arguments;

/// The colours that Cargo made usual; clap leaves them out where there is no terminal, or `NO_COLOR` is set.
const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default())
    .error(AnsiColor::Red.on_default().bold())
    .valid(AnsiColor::Cyan.on_default().bold())
    .invalid(AnsiColor::Yellow.on_default().bold());

/// Longer lines are hard to read, however wide the terminal is.
const WIDTH: usize = 100;

/// The command line that is parsed, with its help.
pub(crate) fn command() -> Command {
    // A map can be checked without an archive.
    let command = Arguments::command().mut_subcommands(|command| match command.get_name() {
        "check" => command.mut_arg("tar_path", |archive| archive.required(false)),
        _ => command,
    });
    spread(command).styles(STYLES).max_term_width(WIDTH)
}

fn spread(command: Command) -> Command {
    command.mut_args(spread_out).mut_subcommands(spread)
}

/// Moves what `-h` has no room for to `--help`.
fn spread_out(argument: Arg) -> Arg {
    let long = details(&argument);
    let argument = argument.long_help(long).hide_env(true);
    if !argument.get_action().takes_values() {
        return argument;
    }
    let argument = argument.hide_possible_values(true);
    // A shell would offer files where a number is wanted.
    match argument.get_value_hint() {
        ValueHint::Unknown if values(&argument).is_empty() => argument.value_hint(ValueHint::Other),
        _ => argument,
    }
}

/// All that there is to say of a flag but its default, which clap adds.
fn details(argument: &Arg) -> String {
    let help = argument.get_long_help().or_else(|| argument.get_help());
    let mut text = help.map(ToString::to_string).unwrap_or_default();
    let values = values(argument);
    let longest = values
        .iter()
        .map(|value| value.get_name().len())
        .max()
        .unwrap_or_default();
    for (position, value) in values.iter().enumerate() {
        let gap = if position == 0 { "\n\n" } else { "\n" };
        let (name, width) = (format!("{}:", value.get_name()), longest + 1);
        let meaning = value.get_help().map(ToString::to_string).unwrap_or_default();
        write!(text, "{gap}  {name:width$} {meaning}").ok();
    }
    if let Some(variable) = argument.get_env() {
        write!(text, "\n\n[env: {}]", variable.display()).ok();
    }
    text
}

/// What may stand behind a flag, where that is a choice; to clap, what the variable of a switch may be is one too.
fn values(argument: &Arg) -> Vec<PossibleValue> {
    match argument.get_action().takes_values() {
        true => argument.get_possible_values(),
        false => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All commands, from the outermost on.
    fn all(command: Command) -> Vec<Command> {
        let inner = command.get_subcommands().cloned().flat_map(all).collect::<Vec<_>>();
        [vec![command], inner].concat()
    }

    #[test]
    fn short_help_has_one_line_a_flag() {
        for mut command in all(command()) {
            let help = command.clone().term_width(WIDTH).render_help().to_string();
            let wrapped: Vec<&str> = help.lines().filter(|line| line.starts_with("          ")).collect();
            assert!(
                wrapped.is_empty(),
                "`{} -h` does not fit {WIDTH} columns: shorten the first paragraph of the flag before each of {wrapped:#?}",
                command.get_name()
            );
            assert!(!help.contains("[env: "), "{help}");
            let long = command.render_long_help().to_string();
            for variable in command.get_arguments().filter_map(Arg::get_env) {
                assert!(long.contains(&format!("[env: {}]", variable.display())), "{long}");
            }
        }
    }

    #[test]
    fn short_help_names_every_value() {
        for command in all(command()) {
            for argument in command.get_opts() {
                let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
                for value in values(argument) {
                    assert!(help.contains(value.get_name()), "{}: {help}", argument.get_id());
                }
            }
        }
    }

    #[test]
    fn no_line_of_examples_or_exit_codes_is_wrapped() {
        for command in all(command()) {
            let text = command
                .get_after_long_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            for line in text.lines() {
                assert!(line.chars().count() <= WIDTH, "{}: {line}", command.get_name());
            }
        }
    }
}

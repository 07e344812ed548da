//! The command line that goes on with this run.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use clap::ValueEnum;

use crate::args::{DocumentsKind, InputArguments};

/// This process's command line, with `--resume`, as a shell reads it. Where the run had not begun, what it was to overwrite
/// is still there: then it is the command line as it was.
pub(crate) fn to_go_on(begun: bool) -> String {
    let overwriting = std::env::var_os("TARQUET_OVERWRITE").is_some();
    let mut command = going_on(std::env::args_os().collect(), begun, overwriting);
    if overwriting && begun {
        // It would contradict the flag.
        command.splice(..0, ["env", "-u", "TARQUET_OVERWRITE"].map(OsString::from));
    }
    quoted(command)
}

/// The arguments that go on with what these began, or were to begin; `overwriting` if the environment says so.
fn going_on(mut arguments: Vec<OsString>, begun: bool, overwriting: bool) -> Vec<OsString> {
    if !begun && (overwriting || arguments.iter().any(|argument| argument == "--overwrite")) {
        return arguments;
    }
    // A value that looks like the flag would stand behind another flag, which clap does not allow.
    arguments.retain(|argument| argument != "--overwrite" && argument != "--resume");
    arguments.push("--resume".into());
    arguments
}

/// A path as a shell reads it.
pub(crate) fn word(path: &Path) -> String {
    quoted(vec![path.as_os_str().to_owned()])
}

/// The flags that say what is read, as they were given, each with a space before it.
pub(crate) fn input_flags(input: &InputArguments) -> String {
    let mut flags = String::new();
    let mut add = |flag: &str, value: &OsStr| {
        // A value that begins with a dash would be taken for a flag.
        let is_flag = value.as_bytes().starts_with(b"-") && value != "-";
        let gap = if is_flag { '=' } else { ' ' };
        flags += &format!(" {flag}{gap}{}", quoted(vec![value.to_owned()]));
    };
    input
        .tar_path
        .iter()
        .for_each(|archive| add("--tar-path", archive.as_os_str()));
    input.include.iter().for_each(|glob| add("--include", OsStr::new(glob)));
    input.exclude.iter().for_each(|glob| add("--exclude", OsStr::new(glob)));
    if input.documents != DocumentsKind::Auto
        && let Some(kind) = input.documents.to_possible_value()
    {
        add("--documents", OsStr::new(kind.get_name()));
    }
    if input.ignore_zeros {
        flags += " --ignore-zeros";
    }
    flags
}

/// Arguments as a shell reads them.
fn quoted(arguments: Vec<OsString>) -> String {
    let quote = |argument: &OsString| {
        let quoted = shlex::bytes::try_quote(argument.as_bytes());
        // Only a NUL cannot be quoted, and no argument has one.
        quoted.map_or_else(|_| argument.clone(), |bytes| OsStr::from_bytes(&bytes).to_owned())
    };
    let words: Vec<OsString> = arguments.iter().map(quote).collect();
    words.join(OsStr::new(" ")).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_can_be_pasted() {
        let arguments = |text: &[&str]| text.iter().map(OsString::from).collect::<Vec<_>>();
        let cases = [
            (
                arguments(&["tarquet", "extract", "--tar-path", "a b.tar", "--out-dir", "o"]),
                "tarquet extract --tar-path 'a b.tar' --out-dir o --resume",
            ),
            (
                arguments(&["./t", "extract", "--overwrite", "--include", "*.json"]),
                "./t extract --include '*.json' --resume",
            ),
            (arguments(&["t", "extract", "--resume"]), "t extract --resume"),
        ];
        for (arguments, expected) in cases {
            assert_eq!(quoted(going_on(arguments, true, false)), expected);
        }
        let overwrite = arguments(&["t", "extract", "--overwrite"]);
        assert_eq!(quoted(going_on(overwrite, false, false)), "t extract --overwrite");
        assert_eq!(
            quoted(going_on(arguments(&["t", "extract"]), false, false)),
            "t extract --resume"
        );
    }
}

//! The command line that goes on with this run.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// This process's command line, with `--resume`, as a shell reads it.
pub(crate) fn to_resume() -> String {
    quoted(resuming(std::env::args_os().collect()))
}

/// The arguments that resume what these began.
fn resuming(mut arguments: Vec<OsString>) -> Vec<OsString> {
    // A value that looks like the flag would stand behind another flag, which clap does not allow.
    arguments.retain(|argument| argument != "--overwrite" && argument != "--resume");
    arguments.push("--resume".into());
    arguments
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
            assert_eq!(quoted(resuming(arguments)), expected);
        }
    }
}

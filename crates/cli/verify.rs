//! `tarquet verify`: is every published part whole and exactly what the ledger says?

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::ExitCode;

use tarquet_dataset::{Depth, Verified, verify};

use crate::args::VerifyArguments;
use crate::quantity::{bytes, counted};

/// The exit code for a dataset that is not what it should be.
const FAULTY: u8 = 3;

/// Runs `tarquet verify`.
pub(crate) fn run(arguments: &VerifyArguments) -> ExitCode {
    let depth = if arguments.quick { Depth::Quick } else { Depth::Full };
    let verified = match verify(&arguments.out_dir, depth) {
        Ok(verified) => verified,
        Err(error) => {
            writeln!(io::stderr(), "error: {error}").ok();
            return ExitCode::FAILURE;
        }
    };
    // Whoever reads it may have seen enough; the exit code tells it too.
    io::stdout().write_all(report(&verified, arguments).as_bytes()).ok();
    match verified.faults.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(FAULTY),
    }
}

/// What was found, for people: the faults one a line, then what there is.
fn report(verified: &Verified, arguments: &VerifyArguments) -> String {
    let mut text = String::new();
    for fault in &verified.faults {
        writeln!(text, "{fault}").ok();
    }
    if arguments.quiet {
        return text;
    }
    let sum = |count: fn(&tarquet_dataset::PublishedTable) -> u64| verified.tables.iter().map(count).sum();
    let (parts, size, rows) = (
        counted(sum(|table| table.parts), "part"),
        bytes(sum(|table| table.bytes)),
        counted(sum(|table| table.rows), "row"),
    );
    let out_dir = arguments.out_dir.display();
    let verdict = match (verified.faults.len() as u64, arguments.quick) {
        (0, false) => "every part is whole, to its last page".to_owned(),
        (0, true) => "every part has its size and its rows (--quick: pages were not read)".to_owned(),
        (faults, _) => format!("{} found", counted(faults, "fault")),
    };
    let tables = counted(verified.tables.len() as u64, "feature");
    writeln!(text, "{out_dir}: {verdict}; {tables}, {parts}, {rows}, {size}").ok();
    if !verified.finished {
        let members = counted(verified.members, "member");
        writeln!(text, "the run is not finished: {members} committed; --resume goes on").ok();
    }
    text
}

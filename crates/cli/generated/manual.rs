//! Manual pages, in the sections that man-pages(7) asks for.

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, roman};

/// The page of a command; `name` is its name in full, `tarquet-extract`.
pub(super) fn page(name: &str, mut command: Command) -> String {
    let usage = command.render_usage().to_string();
    let man = Man::new(command.clone())
        .title(name.to_uppercase())
        .source(concat!("tarquet ", env!("CARGO_PKG_VERSION")))
        .manual("tarquet")
        // Pages change with releases, which `source` names; left empty, the other fields would move up.
        .date(" ");
    let mut page = Vec::new();
    man.render_title(&mut page).expect("a vector takes everything");
    man.render_name_section(&mut page).expect("a vector takes everything");
    synopsis(&usage)
        .to_writer(&mut page)
        .expect("a vector takes everything");
    man.render_description_section(&mut page)
        .expect("a vector takes everything");
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)
            .expect("a vector takes everything");
    }
    man.render_options_section(&mut page)
        .expect("a vector takes everything");
    let ends = command
        .get_after_long_help()
        .map(ToString::to_string)
        .unwrap_or_default();
    sections(&ends).to_writer(&mut page).expect("a vector takes everything");
    if name != "tarquet" {
        see_also().to_writer(&mut page).expect("a vector takes everything");
    }
    let page = String::from_utf8(page).expect("pages are text");
    // What roff's checkers complain of: blank lines between a flag's paragraphs, breaks beside them, blanks at an end.
    let page: Vec<&str> = page.lines().map(str::trim_end).collect();
    let page = page.join("\n").replace("\n\n", "\n.sp\n") + "\n";
    page.replace("\n.br\n.sp\n.br\n", "\n.sp\n")
}

fn synopsis(usage: &str) -> Roff {
    let usage = usage.trim_start_matches("Usage: ");
    let words: Vec<Inline> = usage.split_inclusive(' ').map(word).collect();
    let mut roff = Roff::new();
    roff.control("SH", ["SYNOPSIS"]).text(words);
    roff
}

/// Bold, if it is typed as it stands.
fn word(word: &str) -> Inline {
    match word.starts_with(['<', '[']) {
        true => roman(word),
        false => bold(word),
    }
}

/// What stands at the end of `--help`, as sections: examples line by line, codes as a list, text as paragraphs.
fn sections(text: &str) -> Roff {
    let mut roff = Roff::new();
    for section in text.split("\n\n") {
        let (title, body) = section.split_once('\n').unwrap_or((section, ""));
        match title {
            "Exit codes:" => roff.control("SH", ["EXIT STATUS"]),
            _ => roff.control("SH", [title.trim_end_matches(':').to_uppercase().as_str()]),
        };
        if title == "Examples:" {
            roff.control("nf", []);
        }
        for line in body.lines().map(str::trim_start) {
            match line.split_once("  ") {
                Some((code, meaning)) if code.parse::<u8>().is_ok() => {
                    roff.control("TP", []).text([bold(code)]).text([roman(meaning)])
                }
                _ => roff.text([roman(line)]),
            };
        }
        if title == "Examples:" {
            roff.control("fi", []);
        }
    }
    roff
}

fn see_also() -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["SEE ALSO"]).text([bold("tarquet"), roman("(1)")]);
    roff
}

//! Which commit this is built from, and what for, told by `tarquet --version`.

use std::path::Path;
use std::process::Command;

fn main() {
    // Without a repository nothing but this file can change the answer.
    println!("cargo:rerun-if-changed=crates/cli/build.rs");
    let version = env!("CARGO_PKG_VERSION");
    let line = match packaged().or_else(checked_out) {
        Some(commit) => format!("{version} ({commit})"),
        None => version.to_owned(),
    };
    println!("cargo:rustc-env=TARQUET_BUILT_FROM={line}");
    let target = std::env::var("TARGET").expect("cargo tells build scripts the target");
    println!("cargo:rustc-env=TARQUET_TARGET={target}");
}

/// How many digits of a commit's hash are shown: what `git log --abbrev=9` shows, and rustc.
const DIGITS: usize = 9;

/// The commit that `cargo package` noted, in a source package such as crates.io has: it knows no date.
fn packaged() -> Option<String> {
    const NOTE: &str = ".cargo_vcs_info.json";
    if !Path::new(NOTE).exists() {
        return None;
    }
    println!("cargo:rerun-if-changed={NOTE}");
    // {"git": {"sha1": "…", …}, …}: too little for a JSON parser to be built before everything else.
    let text = std::fs::read_to_string(NOTE).ok()?;
    let hash = text.split('"').skip_while(|word| *word != "sha1").nth(2)?;
    Some(hash.get(..DIGITS)?.to_owned())
}

/// The commit that is checked out, and its date.
fn checked_out() -> Option<String> {
    // Not one of a repository that only happens to lie around these sources.
    let root = git(&["rev-parse", "--show-toplevel"])?;
    if Path::new(&root).canonicalize().ok()? != Path::new(".").canonicalize().ok()? {
        return None;
    }
    // What changes with a commit, a checkout, or a reset. Cargo would take a file that is not there for changed each time.
    let branch = git(&["symbolic-ref", "--quiet", "HEAD"]);
    for name in ["HEAD", "logs/HEAD", "packed-refs"]
        .into_iter()
        .chain(branch.as_deref())
    {
        if let Some(path) = git(&["rev-parse", "--git-path", name]).filter(|path| Path::new(path).exists()) {
            println!("cargo:rerun-if-changed={path}");
        }
    }
    git(&[
        "log",
        "-1",
        "--date=short",
        &format!("--abbrev={DIGITS}"),
        "--format=%h %cd",
    ])
}

/// What git says in one line; `None` where there is no git, or no repository.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let line = text.trim_end();
    (output.status.success() && !line.is_empty()).then(|| line.to_owned())
}

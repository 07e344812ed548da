//! Archives that GNU tar, bsdtar and Python's tarfile write.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use crate::law::compare;
use crate::readers::{are_there, by_python, is_there};
use crate::say;

/// How GNU tar is asked to write, besides the members' names.
const GNU_WAYS: &[&[&str]] = &[
    &["--format=v7"],
    &["--format=oldgnu"],
    &["--format=gnu"],
    &["--format=ustar"],
    &["--format=posix"],
    &["--format=posix", "--pax-option=globexthdr.name=global,comment=for all"],
    &["--format=posix", "--pax-option=delete=mtime,comment:=for each"],
    &["--format=gnu", "--blocking-factor=1"],
    &["--format=gnu", "--label=a label"],
    &["--format=posix", "--label=a label"],
    &["--format=gnu", "--hard-dereference", "--dereference"],
    &["--format=gnu", "--gzip"],
    &["--format=gnu", "--sparse"],
    &["--format=oldgnu", "--sparse"],
    &["--format=posix", "--sparse", "--sparse-version=0.0"],
    &["--format=posix", "--sparse", "--sparse-version=0.1"],
    &["--format=posix", "--sparse", "--sparse-version=1.0"],
];

/// The same for an archive of GNU tar's with times where ustar has a part of the name. tarfile takes them for that.
const GNU_TIMES: &[&[&str]] = &[
    &["--format=gnu", "--listed-incremental=/dev/null"],
    &["--format=oldgnu", "--listed-incremental=/dev/null"],
];

/// How bsdtar is asked.
const BSD_WAYS: &[&[&str]] = &[
    &["--format=v7"],
    &["--format=ustar"],
    &["--format=pax"],
    &["--format=gnutar"],
    &["--format=pax", "--read-sparse"],
];

/// How many archives tarfile writes.
const BY_TARFILE: usize = 150;

/// Files of all kinds, of many sizes and names.
fn make_tree(root: &Path) {
    let long = format!("{}/{}", "d".repeat(120), "e".repeat(120));
    fs::create_dir_all(root.join("raw").join(long.as_str())).expect("a directory");
    for (name, size) in [
        ("empty", 0),
        ("tiny", 2),
        ("block", 512),
        ("more", 513),
        ("large", 70_000),
    ] {
        fs::write(root.join(format!("raw/{name}.json")), vec![b'1'; size]).expect("a file");
    }
    let names: [&[u8]; 6] = [
        b"raw/two words.json",
        b"raw/new\nline.json",
        b"raw/caf\xe9.json",
        "raw/日本.json".as_bytes(),
        b"raw/back\\slash.json",
        b"raw/quote\".json",
    ];
    for name in names {
        fs::write(root.join(std::ffi::OsStr::from_bytes(name)), b"{}").expect("a file");
    }
    fs::write(
        root.join(format!("raw/{long}/{}.json", "f".repeat(150))),
        b"{\"long\":1}",
    )
    .expect("a file");
    symlink("tiny.json", root.join("raw/symlink.json")).expect("a link");
    fs::hard_link(root.join("raw/tiny.json"), root.join("raw/z-hardlink.json")).expect("a link");
    mkfifo(&root.join("raw/fifo"), Mode::S_IRWXU).expect("a pipe");
    let sparse = File::create(root.join("raw/sparse.json")).expect("a file");
    for at in [0, 1 << 20, 3 << 20, 9 << 20] {
        sparse.write_all_at(b"[1,2]", at).expect("a file to write to");
    }
    sparse.set_len(10 << 20).expect("a file to write to");
}

/// The archives that a program of tar's options writes, one a way.
fn by_program(program: &str, ways: &[&[&str]], tree: &Path, to: &Path) -> Vec<PathBuf> {
    let write = |way: &&[&str]| {
        let path = to.join(format!("{program}-{}.tar", way.concat().replace('/', "-")));
        let mut command = Command::new(program);
        command.args(*way).arg("--create").arg("--file").arg(&path);
        command
            .current_dir(tree)
            .arg("raw")
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        // The older formats cannot hold every file of the tree. Then the exit code says so, and the others are there.
        command.status().expect("a program that was there a moment ago");
        path
    };
    ways.iter().map(write).collect()
}

/// What GNU tar writes into several volumes.
fn volumes(format: &str, tree: &Path, to: &Path) -> Vec<PathBuf> {
    let paths: Vec<PathBuf> = (0..9)
        .map(|number| to.join(format!("{format}-volume-{number}.tar")))
        .collect();
    let mut command = Command::new("tar");
    command.args(["--create", "--multi-volume", "--tape-length=40"]);
    command
        .arg(format!("--format={format}"))
        .args(["--exclude=raw/sparse.json", "raw"]);
    for path in &paths {
        command.arg("--file").arg(path);
    }
    command.current_dir(tree).stdin(Stdio::null()).stderr(Stdio::null());
    command.status().expect("tar, which was there a moment ago");
    paths.into_iter().filter(|path| path.exists()).collect()
}

/// What Python's tarfile writes.
pub(crate) fn by_tarfile(seed: u64, count: usize, to: &Path) -> Vec<PathBuf> {
    let output = Command::new("python3")
        .args(["-X", "utf8", "-c", include_str!("write.py")])
        .arg(to)
        .args([seed.to_string(), count.to_string()])
        .stderr(Stdio::inherit())
        .output()
        .expect("python3, which was there a moment ago");
    assert!(output.status.success(), "write.py fails");
    let paths = String::from_utf8(output.stdout).expect("paths");
    paths.lines().map(PathBuf::from).collect()
}

/// All that programs write, as they are asked to.
pub(crate) fn archives(to: &Path) -> Vec<PathBuf> {
    let tree = to.join("tree");
    make_tree(&tree);
    let mut archives = by_program("tar", GNU_WAYS, &tree, to);
    for format in ["gnu", "oldgnu", "posix"] {
        archives.extend(volumes(format, &tree, to));
    }
    if is_there("bsdtar") {
        archives.extend(by_program("bsdtar", BSD_WAYS, &tree, to));
    } else {
        say("without bsdtar, which is not installed");
    }
    archives
}

/// Differences that there may be in what honest programs write: what is refused, and what one of both readers lacks.
fn is_known(line: &str, path: &Path) -> bool {
    let refused = ["refused as sparse: ", "refused as continuation: "];
    // A volume's end is no archive's end: what is there last, a metadata header perhaps, goes on in the next one.
    let is_volume = path.display().to_string().contains("-volume-");
    let is_volume_end = is_volume && line.starts_with("the archive is damaged");
    is_volume_end || refused.iter().any(|start| line.starts_with(start))
}

#[test]
fn what_programs_write_is_read_as_others_read_it() {
    if !are_there() {
        return;
    }
    let scratch = tempfile::tempdir().expect("a directory for temporary files");
    let mut paths = archives(scratch.path());
    let with_times = by_program("tar", GNU_TIMES, &scratch.path().join("tree"), scratch.path());
    paths.extend(with_times.clone());
    paths.extend(by_tarfile(1, BY_TARFILE, scratch.path()));
    let mut refused = 0;
    for (path, python) in paths.iter().zip(by_python(&paths)) {
        let mut lines = compare(path, &python).unwrap_or_else(|broken| panic!("{}: {broken}", path.display()));
        if with_times.contains(path) {
            lines.retain(|line| !line.starts_with("as GNU tar alone: "));
        }
        let unknown: Vec<_> = lines.iter().filter(|line| !is_known(line, path)).collect();
        assert!(unknown.is_empty(), "{}: {unknown:#?}", path.display());
        refused += usize::from(lines.iter().any(|line| line.starts_with("refused")));
    }
    assert!(refused >= 7, "only {refused} archives with what is refused");
}

/// Archives one behind the other are one, where blocks of zeros are passed over, in GNU tar too.
#[test]
fn concatenated_archives_are_read_as_gnu_tar_reads_them() {
    if !are_there() {
        return;
    }
    let scratch = tempfile::tempdir().expect("a directory for temporary files");
    let parts = by_tarfile(2, 12, scratch.path());
    let path = scratch.path().join("all.tar");
    let mut all = File::create(&path).expect("a file");
    for part in &parts {
        let plain = Command::new("gzip")
            .args(["--decompress", "--force", "--stdout"])
            .stdin(File::open(part).expect("an archive"))
            .output();
        all.write_all(&plain.expect("gzip, which tar uses").stdout)
            .expect("a file to write to");
    }
    let listed = Command::new("tar")
        .args(["--list", "--ignore-zeros", "--quoting-style=escape", "--file"])
        .arg(&path)
        .env("LC_ALL", "C")
        .output()
        .expect("tar, which was there a moment ago");
    let gnu = String::from_utf8(listed.stdout).expect("escaped names");
    let ours = crate::ours::read_ignoring_zeros(&path);
    assert_eq!(ours.damage, None);
    assert_eq!(ours.members.len(), gnu.lines().count());
    assert!(ours.members.len() > crate::ours::read(&path).expect("an archive").members.len());
}

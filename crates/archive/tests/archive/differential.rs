//! Our reading of tar against two others: Python's tarfile and GNU tar.
//!
//! The law: no member and no byte range is ever ours alone. What the others read and we do not, we refuse by name.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use tarquet_archive::{Archive, Member, MemberKind};

use crate::build::{BLOCK, Tar, specs};
use crate::differences::DIFFERENCES;
use crate::support::{Listing, Scratch, corpora, corpus, gzip, read_all, say};

/// A regular file as a reader sees it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Found {
    data_offset: u64,
    size: u64,
    name: Vec<u8>,
}

impl From<&Member> for Found {
    fn from(member: &Member) -> Found {
        Found {
            data_offset: member.data_offset,
            size: member.size,
            name: member.name.clone(),
        }
    }
}

/// A regular file as GNU tar lists it.
#[derive(Debug, Clone)]
struct GnuFile {
    /// The offset of one of its headers: with several, which one depends on their kinds.
    header: u64,
    size: u64,
    name: Vec<u8>,
}

impl GnuFile {
    /// Whether it has the place of a member of ours.
    fn is_at(&self, member: &Member) -> bool {
        (member.header_offset..member.data_offset).contains(&self.header) && self.size == member.size
    }
}

/// The regular files that Python's tarfile finds in each archive.
fn by_python(archives: &[PathBuf]) -> Vec<BTreeSet<Found>> {
    let mut python = Command::new("python3")
        .args(["-c", include_str!("listing.py")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3, which was there a moment ago");
    let mut paths = python.stdin.take().expect("a pipe");
    let lines: String = archives.iter().map(|path| format!("{}\n", path.display())).collect();
    let writer = std::thread::spawn(move || paths.write_all(lines.as_bytes()));
    let output = python.wait_with_output().expect("the listing");
    writer.join().expect("no panic").expect("python reads to the end");
    let lines = String::from_utf8(output.stdout).expect("JSON");
    let listings: Vec<_> = lines.lines().map(python_files).collect();
    assert_eq!(listings.len(), archives.len(), "python lists every archive");
    listings
}

fn python_files(line: &str) -> BTreeSet<Found> {
    let members: serde_json::Value = serde_json::from_str(line).expect("JSON");
    let files = members
        .as_array()
        .expect("a list")
        .iter()
        .filter(|member| member["kind"] == "file");
    files
        .filter_map(|member| {
            // Python takes a negative size from a PAX record.
            let size = member["size"].as_u64()?;
            let data_offset = member["data"].as_u64().expect("an offset");
            Some(Found {
                data_offset,
                size,
                name: unhex(member["name"].as_str().expect("a name")),
            })
        })
        .collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal digits");
    (0..text.len()).step_by(2).map(digit).collect()
}

/// The regular files that GNU tar finds, from its verbose listing with block numbers.
fn by_gnu(archive: &Path) -> Vec<GnuFile> {
    let output = Command::new("tar")
        .args([
            "--list",
            "--verbose",
            "--block-number",
            "--numeric-owner",
            "--quoting-style=literal",
            "--file",
        ])
        .arg(archive)
        .env("LC_ALL", "C")
        .output()
        .expect("tar, which was there a moment ago");
    output
        .stdout
        .split(|&byte| byte == b'\n')
        .filter_map(gnu_file)
        .collect()
}

/// `block 2: -rw-r--r-- 0/0     5 1970-01-01 00:00 NAME`, where the block is that of a header.
fn gnu_file(line: &[u8]) -> Option<GnuFile> {
    let mut rest = line;
    let mut word = || {
        rest = rest.trim_ascii_start();
        let end = rest.iter().position(u8::is_ascii_whitespace)?;
        let (word, after) = rest.split_at(end);
        rest = after;
        std::str::from_utf8(word).ok()
    };
    let (_, block, mode) = (word()?, word()?, word()?);
    let (_, size, _, _) = (word()?, word()?, word()?, word()?);
    if !mode.starts_with(['-', 'C']) {
        return None;
    }
    let block: u64 = block.strip_suffix(':')?.parse().ok()?;
    let name = rest.strip_prefix(b" ")?.to_vec();
    Some(GnuFile {
        header: block * BLOCK as u64,
        size: size.parse().ok()?,
        name,
    })
}

/// Whether both other readers are there; says so when not.
fn readers_are_there() -> bool {
    let missing = ["python3", "tar"].into_iter().find(|tool| {
        Command::new(tool)
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_err()
    });
    if let Some(tool) = missing {
        say(&format!("skipped: {tool} is not installed"));
    }
    missing.is_none()
}

fn our_files(listing: &Listing) -> impl Iterator<Item = &Member> {
    listing
        .members
        .iter()
        .map(|(member, _)| member)
        .filter(|member| member.kind == MemberKind::File)
}

/// How our reading of an archive differs from both others, one line a difference. Panics where the law is broken.
fn differences(archive: &Path, python: &BTreeSet<Found>) -> Vec<String> {
    let at = archive.display();
    let listing = match Archive::open(archive) {
        Ok(archive) => read_all(&archive),
        Err(error) => return vec![error.to_string().replace(&at.to_string(), "FILE")],
    };
    let gnu = by_gnu(archive);
    let mut lines = Vec::new();
    for member in our_files(&listing) {
        let python_has = python
            .iter()
            .any(|other| (other.data_offset, other.size) == (member.data_offset, member.size));
        let by_gnu = gnu.iter().find(|other| other.is_at(member));
        assert!(
            python_has || by_gnu.is_some(),
            "{at}: a byte range is ours alone: {member:?}"
        );
        let named = python.contains(&Found::from(member)) || by_gnu.is_some_and(|other| other.name == member.name);
        if !named {
            lines.push(format!(
                "named as by neither: {}",
                String::from_utf8_lossy(&member.name)
            ));
        }
    }
    for (member, _) in &listing.members {
        if let MemberKind::Refused(refusal) = member.kind {
            lines.push(format!(
                "refused as {}: {}",
                refusal.code(),
                String::from_utf8_lossy(&member.name)
            ));
        }
    }
    match listing.damage {
        Some(damage) => lines.push(damage.to_string()),
        None => {
            let known: BTreeSet<u64> = listing.members.iter().map(|(member, _)| member.data_offset).collect();
            let lost = python.iter().find(|found| !known.contains(&found.data_offset));
            assert_eq!(lost, None, "{at}: a member is lost");
        }
    }
    lines
}

#[test]
fn the_archives_of_other_projects_are_read_as_others_read_them() {
    let files = corpus();
    if files.is_empty() {
        return say("skipped: the reference archives are not beside the checkout");
    }
    if !readers_are_there() {
        return;
    }
    let paths: Vec<PathBuf> = files.iter().map(|file| corpora().join(file)).collect();
    let mut found = Vec::new();
    for ((file, path), python) in files.iter().zip(&paths).zip(by_python(&paths)) {
        let lines = differences(path, &python);
        if !lines.is_empty() {
            say(&format!("{file}:\n    {}", lines.join("\n    ")));
            found.push((file.as_str(), lines));
        }
    }
    let expected: Vec<_> = DIFFERENCES
        .iter()
        .map(|(file, lines)| (*file, lines.iter().map(|&line| line.to_owned()).collect::<Vec<_>>()))
        .collect();
    assert_eq!(found, expected);
}

/// A bit to flip: of a header's byte at this offset, or of any byte.
type Change = (Option<usize>, Index, u8);

fn changes() -> impl Strategy<Value = Vec<Change>> {
    prop::collection::vec((prop::option::weighted(0.7, 0..BLOCK), any::<Index>(), 0..8_u8), 4)
}

/// Flips a bit; in a header it mends the checksum, so that the change is read and not merely noticed.
fn change(tar: &Tar, (in_header, index, bit): Change) -> Vec<u8> {
    let headers: Vec<usize> = tar.headers.iter().copied().collect();
    let at = match in_header {
        Some(offset) if !headers.is_empty() => headers[index.index(headers.len())] + offset,
        _ => index.index(tar.bytes.len()),
    };
    let mut bytes = tar.bytes.clone();
    bytes[at] ^= 1 << bit;
    let block = at / BLOCK * BLOCK..at / BLOCK * BLOCK + BLOCK;
    if tar.headers.contains(&block.start) {
        let mut header = tar::Header::from_byte_slice(&bytes[block.clone()]).clone();
        header.set_cksum();
        bytes[block].copy_from_slice(header.as_bytes());
    }
    bytes
}

#[test]
fn random_archives_are_read_as_others_read_them() {
    if !readers_are_there() {
        return;
    }
    let scratch = Scratch::new();
    let mut runner = TestRunner::deterministic();
    let mut whole = Vec::new();
    let mut changed = Vec::new();
    for case in 0..120 {
        let random = (specs(5), changes())
            .new_tree(&mut runner)
            .expect("a strategy that rejects nothing");
        let (specs, changes) = random.current();
        let mut tar = Tar::of(&specs);
        tar.end(2);
        whole.push(scratch.file(&format!("{case}.tar"), &tar.bytes));
        whole.push(scratch.file(&format!("{case}.tar.gz"), &gzip(&tar.bytes)));
        for (number, random) in changes.into_iter().enumerate() {
            changed.push(scratch.file(&format!("{case}-{number}.tar"), &change(&tar, random)));
        }
    }
    for (path, python) in whole.iter().zip(by_python(&whole)) {
        assert_eq!(differences(path, &python), Vec::<String>::new(), "{}", path.display());
        let listing = read_all(&Archive::open(path).expect("an archive"));
        assert_eq!(
            our_files(&listing).map(Found::from).collect::<BTreeSet<_>>(),
            python,
            "{}",
            path.display()
        );
    }
    // What differs here differs by refusal: `differences` itself checks that nothing is ours alone and nothing is lost.
    let listings = by_python(&changed);
    let differing = changed
        .iter()
        .zip(&listings)
        .filter(|(path, python)| !differences(path, python).is_empty());
    say(&format!(
        "{} of {} changed archives are not read as by Python",
        differing.count(),
        changed.len()
    ));
}

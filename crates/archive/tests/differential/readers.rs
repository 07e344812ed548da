//! How GNU tar and Python's tarfile read an archive.

use std::fmt;
use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::build::BLOCK;
use crate::say;

/// What a member is, as far as readers tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Directory,
    SymbolicLink,
    HardLink,
    Fifo,
    CharacterDevice,
    BlockDevice,
    VolumeLabel,
    /// A file whose stored bytes are not its content.
    Sparse,
    /// A file whose bytes are not all there.
    Cut,
    /// What has no name of its own here.
    Other,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::File => "file",
            Kind::Directory => "directory",
            Kind::SymbolicLink => "symbolic link",
            Kind::HardLink => "hard link",
            Kind::Fifo => "fifo",
            Kind::CharacterDevice => "character device",
            Kind::BlockDevice => "block device",
            Kind::VolumeLabel => "volume label",
            Kind::Sparse => "sparse",
            Kind::Cut => "cut",
            Kind::Other => "other",
        })
    }
}

/// A member as another reader finds it.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) name: Vec<u8>,
    pub(crate) kind: Kind,
    /// Where one of its headers is: GNU tar says which only roughly.
    pub(crate) header: u64,
    /// Where its bytes are, if the reader says so.
    pub(crate) data: Option<u64>,
    pub(crate) size: u64,
    /// The CRC-32 of its bytes, if the reader says so.
    pub(crate) crc: Option<u32>,
}

impl Entry {
    /// Where a member lies whose headers and bytes are here.
    pub(crate) fn is_within(&self, headers: Range<u64>) -> bool {
        match self.data {
            Some(data) => data == headers.end,
            None => headers.contains(&self.header),
        }
    }
}

/// Whether both readers are there; says so when not.
pub(crate) fn are_there() -> bool {
    let missing = ["python3", "tar"].into_iter().find(|tool| !is_there(tool));
    if let Some(tool) = missing {
        say(&format!("skipped: {tool} is not installed"));
    }
    missing.is_none()
}

/// Whether a program can be run.
pub(crate) fn is_there(tool: &str) -> bool {
    let mut command = Command::new(tool);
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// What Python's tarfile finds in each archive.
pub(crate) fn by_python(archives: &[PathBuf]) -> Vec<Vec<Entry>> {
    let mut python = Command::new("python3")
        .args(["-X", "utf8", "-c", include_str!("listing.py")])
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
    let listings: Vec<_> = lines.lines().map(python_entries).collect();
    assert_eq!(listings.len(), archives.len(), "python lists every archive");
    listings
}

fn python_entries(line: &str) -> Vec<Entry> {
    let members: serde_json::Value = serde_json::from_str(line).expect("JSON");
    members
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(python_entry)
        .collect()
}

/// `None` for a size or a place that is negative: tarfile takes that from a PAX record.
fn python_entry(member: &serde_json::Value) -> Option<Entry> {
    Some(Entry {
        name: unhex(member["name"].as_str().expect("a name")),
        kind: python_kind(member["kind"].as_str().expect("a kind")),
        header: member["header"].as_u64()?,
        data: Some(member["data"].as_u64()?),
        size: member["size"].as_u64()?,
        crc: member["crc"].as_u64().map(|crc| crc as u32),
    })
}

fn python_kind(kind: &str) -> Kind {
    let all = [
        Kind::File,
        Kind::Directory,
        Kind::SymbolicLink,
        Kind::HardLink,
        Kind::Fifo,
        Kind::CharacterDevice,
        Kind::BlockDevice,
        Kind::VolumeLabel,
        Kind::Sparse,
        Kind::Cut,
    ];
    let found = all.into_iter().find(|known| known.to_string() == kind);
    found.unwrap_or(Kind::Other)
}

fn unhex(text: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal digits");
    (0..text.len()).step_by(2).map(digit).collect()
}

/// What GNU tar finds in an archive, from its verbose listing with block numbers.
pub(crate) fn by_gnu(archive: &Path) -> Vec<Entry> {
    let output = Command::new("tar")
        .args(["--list", "--verbose", "--block-number", "--numeric-owner"])
        .args(["--quoting-style=c", "--force-local", "--file"])
        .arg(archive)
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .output()
        .expect("tar, which was there a moment ago");
    let lines = output.stdout.split(|&byte| byte == b'\n');
    lines.filter_map(gnu_entry).collect()
}

/// `block 2: -rw-r--r-- 0/0     5 1970-01-01 00:00 "NAME"`, where the block is that of a header. The name is in C's quotes,
/// so it has no line break, and no field before it has a quote.
fn gnu_entry(line: &[u8]) -> Option<Entry> {
    let quote = line.iter().position(|&byte| byte == b'"')?;
    let fields = std::str::from_utf8(&line[..quote]).ok()?;
    // A message goes to standard error, behind the number of its block, and the next number behind that.
    let fields = fields.rsplit("block ").next()?;
    let mut words = fields.split_ascii_whitespace();
    let (block, mode, _, size) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let block: u64 = block.strip_suffix(':')?.parse().ok()?;
    Some(Entry {
        name: unquoted(&line[quote + 1..]),
        kind: gnu_kind(mode.as_bytes()[0]),
        header: block * BLOCK as u64,
        data: None,
        // Of devices it is their numbers.
        size: size.parse().unwrap_or(0),
        crc: None,
    })
}

/// The kind by the first letter of what looks like `ls -l`.
fn gnu_kind(mode: u8) -> Kind {
    match mode {
        b'-' | b'C' => Kind::File,
        b'd' => Kind::Directory,
        b'l' => Kind::SymbolicLink,
        b'h' => Kind::HardLink,
        b'p' => Kind::Fifo,
        b'c' => Kind::CharacterDevice,
        b'b' => Kind::BlockDevice,
        b'V' => Kind::VolumeLabel,
        _ => Kind::Other,
    }
}

/// The text up to the closing quote, as C spells it.
fn unquoted(text: &[u8]) -> Vec<u8> {
    let mut name = Vec::new();
    let mut rest = text.iter().copied();
    while let Some(byte) = rest.next().filter(|&byte| byte != b'"') {
        if byte != b'\\' {
            name.push(byte);
            continue;
        }
        name.push(match rest.next() {
            Some(b'a') => 7,
            Some(b'b') => 8,
            Some(b't') => b'\t',
            Some(b'n') => b'\n',
            Some(b'v') => 11,
            Some(b'f') => 12,
            Some(b'r') => b'\r',
            Some(digit @ b'0'..=b'3') => {
                let octal = |digit: Option<u8>| digit.expect("three octal digits") - b'0';
                (digit - b'0') * 64 + octal(rest.next()) * 8 + octal(rest.next())
            }
            Some(other) => other,
            None => break,
        });
    }
    name
}

#[test]
fn quoted_names_are_read() {
    assert_eq!(unquoted(br#"a\n\\\"\303\244" -> "b""#), b"a\n\\\"\xc3\xa4");
}

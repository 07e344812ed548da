//! Archives made by hand, byte by byte, with what a reader must find in them.

use std::collections::BTreeSet;

use proptest::prelude::*;
use tarquet_archive::MemberKind;

pub(crate) const BLOCK: usize = 512;

/// What a reader must say of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) name: Vec<u8>,
    pub(crate) kind: MemberKind,
    pub(crate) header_offset: u64,
    pub(crate) data_offset: u64,
    pub(crate) body: Vec<u8>,
}

impl Expected {
    /// The offset after the member's padding.
    pub(crate) fn next_header(&self) -> u64 {
        (self.data_offset + self.body.len() as u64).next_multiple_of(BLOCK as u64)
    }
}

/// The dialects of tar, as the writers of this module speak them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    V7,
    Ustar,
    Gnu,
    Pax,
}

/// A member to write.
#[derive(Debug, Clone)]
pub(crate) struct Spec {
    pub(crate) dialect: Dialect,
    pub(crate) name: String,
    pub(crate) flag: u8,
    pub(crate) body: Vec<u8>,
    pub(crate) twist: Twist,
}

/// What real writers do now and then, and readers must see through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Twist {
    None,
    /// The size is in base-256 although it would fit in octal.
    Base256,
    /// The checksum is the sum of signed bytes.
    SignedChecksum,
    /// The size is in a PAX record alone; the header says something else.
    PaxSize,
    /// PAX records that are overridden by later ones, of one keyword.
    Repeated,
    /// A PAX record whose value looks like another record.
    Decoy,
    /// A long link target goes before the member.
    LongLink,
    /// A global PAX header that says nothing of use goes before the member.
    Global,
}

/// A tar that is being written.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tar {
    pub(crate) bytes: Vec<u8>,
    pub(crate) expected: Vec<Expected>,
    /// Where header blocks start, those of metadata too.
    pub(crate) headers: BTreeSet<usize>,
}

impl Tar {
    /// Writes members, without an end marker.
    pub(crate) fn of(specs: &[Spec]) -> Tar {
        let mut tar = Tar::default();
        specs.iter().for_each(|spec| tar.add(spec));
        tar
    }

    /// Writes a member.
    pub(crate) fn add(&mut self, spec: &Spec) {
        if spec.twist == Twist::Global {
            self.meta(b'g', &record("comment", b"nothing"));
        }
        let header_offset = self.bytes.len() as u64;
        self.metadata(spec);
        let (prefix, name) = fields(spec);
        let mut header = Header::new(spec.flag);
        header
            .put(0, name.as_bytes())
            .put(345, prefix.as_bytes())
            .put(257, magic(spec.dialect));
        match spec.twist {
            Twist::Base256 => header.base_256(spec.body.len() as u64),
            Twist::PaxSize => header.octal(spec.body.len() as u64 + 1000),
            _ => header.octal(spec.body.len() as u64),
        };
        self.header(header.finish(spec.twist == Twist::SignedChecksum));
        let data_offset = self.bytes.len() as u64;
        self.padded(&spec.body);
        let (name, kind, body) = (spec.name.clone().into_bytes(), kind(spec), spec.body.clone());
        self.expected.push(Expected {
            name,
            kind,
            header_offset,
            data_offset,
            body,
        });
    }

    /// Writes what goes before the header.
    fn metadata(&mut self, spec: &Spec) {
        if spec.twist == Twist::LongLink {
            self.meta(b'K', format!("{}\0", "far/away/".repeat(20)).as_bytes());
        }
        let mut records = Vec::new();
        match spec.twist {
            Twist::PaxSize => records.extend(record("size", spec.body.len().to_string().as_bytes())),
            Twist::Repeated => {
                records.extend([record("path", b"wrong"), record("size", b"123456789")].concat());
                records.extend(record("path", spec.name.as_bytes()));
                records.extend(record("size", spec.body.len().to_string().as_bytes()));
            }
            Twist::Decoy => records.extend(record("comment", b"x\n14 path=wrong\n11 size=99\n")),
            _ => {}
        }
        match spec.dialect {
            Dialect::Gnu if spec.name.len() > 100 => self.meta(b'L', format!("{}\0", spec.name).as_bytes()),
            Dialect::Pax => records.extend(record("path", spec.name.as_bytes())),
            _ => {}
        }
        if !records.is_empty() {
            self.meta(b'x', &records);
        }
    }

    /// Writes a metadata header with its body.
    pub(crate) fn meta(&mut self, flag: u8, body: &[u8]) {
        let mut header = Header::new(flag);
        header
            .put(0, b"metadata")
            .put(257, b"ustar\x0000")
            .octal(body.len() as u64);
        self.header(header.finish(false));
        self.padded(body);
    }

    fn header(&mut self, block: [u8; BLOCK]) {
        self.headers.insert(self.bytes.len());
        self.bytes.extend(block);
    }

    /// Writes a body and its padding.
    pub(crate) fn padded(&mut self, body: &[u8]) {
        self.bytes.extend(body);
        self.bytes.resize(self.bytes.len().next_multiple_of(BLOCK), 0);
    }

    /// Writes the end marker, in a record of this many blocks, at least two.
    pub(crate) fn end(&mut self, blocks: usize) {
        self.bytes.resize(self.bytes.len() + blocks.max(2) * BLOCK, 0);
    }
}

/// A header block that is being filled.
pub(crate) struct Header([u8; BLOCK]);

impl Header {
    pub(crate) fn new(flag: u8) -> Header {
        let mut header = Header([0; BLOCK]);
        header
            .put(100, b"0000644\0")
            .put(108, b"0001750\0")
            .put(116, b"0001750\0")
            .put(136, b"14700000000\0");
        header.put(156, &[flag]);
        header
    }

    /// Puts bytes at a place.
    pub(crate) fn put(&mut self, place: usize, bytes: &[u8]) -> &mut Header {
        self.0[place..place + bytes.len()].copy_from_slice(bytes);
        self
    }

    /// Puts the size in octal.
    pub(crate) fn octal(&mut self, size: u64) -> &mut Header {
        self.put(124, format!("{size:011o}\0").as_bytes())
    }

    /// Puts the size in base-256.
    pub(crate) fn base_256(&mut self, size: u64) -> &mut Header {
        self.put(124, &[0x80, 0, 0, 0]).put(128, &size.to_be_bytes())
    }

    /// The block with its checksum.
    pub(crate) fn finish(&mut self, signed: bool) -> [u8; BLOCK] {
        self.put(148, b"        ");
        let value = |&byte: &u8| {
            if signed {
                i64::from(byte.cast_signed())
            } else {
                i64::from(byte)
            }
        };
        let sum: i64 = self.0.iter().map(value).sum();
        self.put(148, format!("{sum:06o}\0 ").as_bytes());
        self.0
    }
}

/// A PAX record: its length counts its own digits.
pub(crate) fn record(keyword: &str, value: &[u8]) -> Vec<u8> {
    let rest = [b" ", keyword.as_bytes(), b"=", value, b"\n"].concat();
    let mut length = rest.len();
    while length != rest.len() + length.to_string().len() {
        length = rest.len() + length.to_string().len();
    }
    [length.to_string().as_bytes(), &rest].concat()
}

fn magic(dialect: Dialect) -> &'static [u8] {
    match dialect {
        Dialect::V7 => b"",
        Dialect::Ustar | Dialect::Pax => b"ustar\x0000",
        Dialect::Gnu => b"ustar  \0",
    }
}

/// The name as far as the header has it: prefix and name.
fn fields(spec: &Spec) -> (&str, &str) {
    let name = spec.name.as_str();
    if name.len() <= 100 {
        return ("", name);
    }
    let cut = name.len() - 100;
    match spec.dialect {
        Dialect::Ustar => {
            let slash = cut - 1 + name[cut - 1..].find('/').expect("a name that ustar can hold");
            (&name[..slash], &name[slash + 1..])
        }
        _ => ("", &name[..100]),
    }
}

fn kind(spec: &Spec) -> MemberKind {
    match spec.flag {
        b'\0' if spec.name.ends_with('/') => MemberKind::Directory,
        b'\0' | b'0' | b'7' => MemberKind::File,
        b'1' => MemberKind::HardLink,
        b'2' => MemberKind::SymbolicLink,
        b'3' => MemberKind::CharacterDevice,
        b'4' => MemberKind::BlockDevice,
        b'5' => MemberKind::Directory,
        b'6' => MemberKind::Fifo,
        other => panic!("no expectation for type {other}"),
    }
}

/// Archives of up to `most` members, in any mixture of dialects.
pub(crate) fn specs(most: usize) -> impl Strategy<Value = Vec<Spec>> {
    prop::collection::vec(spec(), 0..=most)
}

fn spec() -> impl Strategy<Value = Spec> {
    let dialect = prop::sample::select(vec![Dialect::V7, Dialect::Ustar, Dialect::Gnu, Dialect::Pax]);
    let flag = prop_oneof![8 => Just(b'0'), 2 => Just(b'\0'), 1 => Just(b'7'), 3 => b'1'..=b'6'];
    (dialect, name(), flag, body(), twist()).prop_map(|(dialect, name, flag, body, twist)| {
        let longest = match dialect {
            // Python takes a `\0` member for a directory by the header's part of a long name alone.
            _ if flag == b'\0' => 100,
            Dialect::V7 => 100,
            Dialect::Ustar => 200,
            Dialect::Gnu | Dialect::Pax => 400,
        };
        let mut name: String = name.chars().take(longest - 1).collect();
        if name.ends_with('/') {
            name.pop();
        }
        if flag == b'5' {
            name.push('/');
        }
        let only_header = (b'1'..=b'6').contains(&flag);
        let body = if only_header { Vec::new() } else { body };
        Spec {
            dialect,
            name,
            flag,
            body,
            twist,
        }
    })
}

/// Names of ASCII, with a slash at least every few characters, so that ustar can cut them.
fn name() -> impl Strategy<Value = String> {
    let part = "[a-zA-Z0-9_.-]{1,20}";
    prop_oneof![
        part.prop_map(|name| name + ".json"),
        prop::collection::vec(part, 1..30).prop_map(|parts| parts.join("/")),
    ]
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let len = prop_oneof![
        Just(0),
        1..40_usize,
        500..530_usize,
        Just(512),
        Just(1024),
        1000..5000_usize
    ];
    (len, any::<u8>()).prop_map(|(len, seed)| (0..len).map(|at| seed.wrapping_add((at * 7) as u8)).collect())
}

fn twist() -> impl Strategy<Value = Twist> {
    prop::sample::select(vec![
        Twist::None,
        Twist::None,
        Twist::Base256,
        Twist::SignedChecksum,
        Twist::PaxSize,
        Twist::Repeated,
        Twist::Decoy,
        Twist::LongLink,
        Twist::Global,
    ])
}

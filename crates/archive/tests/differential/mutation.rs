//! Small changes to archives: what wear, mistakes and attackers make of them.

use crate::Random;
use crate::build::{BLOCK, Header, record};

/// Fields of a header, by where they start, and what they may say.
const FIELDS: &[(usize, &[&[u8]])] = &[
    (
        124,
        &[
            b"00000000000\0",
            b"00000000001\0",
            b"00000001000\0",
            b"77777777777\0",
            b"000000001000",
            b"         12 ",
            b"            ",
            b"\0\0\0\0\0\0\0\0\0\0\0\0",
            b"0000000008\0\0",
            b"-0000000001\0",
            b"\x80\0\0\0\0\0\0\0\0\0\x02\0",
            b"\x80\0\0\0\x80\0\0\0\0\0\0\0",
            b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff",
            b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
            b"\x80\0\0\0\0\0\x01\0\0\0\0\0",
        ],
    ),
    (
        257,
        &[
            b"ustar\x0000",
            b"ustar  \0",
            b"ustar\0\0\0",
            b"\0\0\0\0\0\0\0\0",
            b"USTAR\x0000",
        ],
    ),
    (
        0,
        &[b"new.json\0", b"a\0b", b"\xff\xfe\0", b"dir/\0", b"\0", b"../up.json\0"],
    ),
    (345, &[b"prefix\0", b"\0", &[b'p'; 155]]),
    (482, &[b"\x01", b"\0"]),
];

/// Type flags, those that no reader knows too.
const FLAGS: &[u8] = b"\x000123456789ABDEIKLMNSVXgxz?\xff";

/// What PAX records may say.
const RECORDS: &[(&str, &[&[u8]])] = &[
    (
        "size",
        &[
            b"0",
            b"1",
            b"512",
            b"00000513",
            b"99999",
            b"9223372036854775807",
            b"9223372036854775808",
            b"18446744073709551615",
            b"-1",
            b"+1",
            b"1.5",
            b"0x10",
            b" 1",
            b"1 ",
            b"",
        ],
    ),
    (
        "path",
        &[
            b"new.json",
            b"",
            b"a\0b.json",
            b"a\nb.json",
            b"12 path=x\n",
            b"dir/",
            b"\xff.json",
            b"/abs.json",
        ],
    ),
    ("linkpath", &[b"to", b""]),
    ("hdrcharset", &[b"BINARY"]),
    ("comment", &[b"x\n11 size=99\n", b""]),
    ("GNU.sparse.major", &[b"1"]),
    ("GNU.sparse.minor", &[b"0"]),
    ("GNU.sparse.name", &[b"sparse.json"]),
    ("GNU.sparse.size", &[b"5"]),
    ("GNU.sparse.realsize", &[b"5"]),
    ("GNU.sparse.map", &[b"0,5"]),
    ("GNU.volume.filename", &[b"big.json"]),
    ("mtime", &[b"1.5", b"x"]),
    ("SCHILY.realsize", &[b"7"]),
];

/// An archive with one to three changes; some are parts of `other`.
pub(crate) fn change(archive: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = archive.to_vec();
    for _ in 0..=random.below(3) {
        change_once(&mut bytes, other, random);
    }
    bytes
}

fn change_once(bytes: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    if bytes.is_empty() {
        return;
    }
    match random.below(12) {
        0 => {
            let at = random.below(bytes.len());
            bytes[at] ^= 1 << random.below(8);
        }
        1 => in_header(bytes, random, |header, random| {
            header[random.below(BLOCK)] ^= 1 << random.below(8);
        }),
        2..=4 => in_header(bytes, random, put_field),
        5 | 6 => in_header(bytes, random, |header, random| {
            header[156] = FLAGS[random.below(FLAGS.len())]
        }),
        7 => bytes.truncate(random.below(bytes.len())),
        8 => {
            let (from, to) = (block(bytes, random), block(bytes, random));
            bytes.drain(from.min(to)..from.max(to));
        }
        9 => {
            let (from, to) = (block(other, random), block(other, random));
            insert(bytes, &other[from.min(to)..from.max(to)], random);
        }
        _ => {
            let metadata = metadata(random);
            match headers(bytes) {
                headers if headers.is_empty() => insert(bytes, &metadata, random),
                headers => {
                    let at = headers[random.below(headers.len())];
                    bytes.splice(at..at, metadata);
                }
            }
        }
    }
}

/// The start of a block.
fn block(bytes: &[u8], random: &mut Random) -> usize {
    random.below(bytes.len() / BLOCK + 1) * BLOCK
}

fn insert(bytes: &mut Vec<u8>, what: &[u8], random: &mut Random) {
    let at = block(bytes, random);
    bytes.splice(at..at, what.iter().copied());
}

fn put_field(header: &mut [u8; BLOCK], random: &mut Random) {
    let (at, values) = FIELDS[random.below(FIELDS.len())];
    let value = values[random.below(values.len())];
    header[at..at + value.len()].copy_from_slice(value);
}

/// Changes a header and mends its checksum, so that the change is read and not merely noticed.
fn in_header(bytes: &mut [u8], random: &mut Random, change: impl FnOnce(&mut [u8; BLOCK], &mut Random)) {
    let headers = headers(bytes);
    if headers.is_empty() {
        return;
    }
    let at = headers[random.below(headers.len())];
    let header: &mut [u8; BLOCK] = (&mut bytes[at..at + BLOCK]).try_into().expect("a whole block");
    change(header, random);
    let sum = checksum(header);
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

/// Where blocks start whose checksum is that of a header.
fn headers(bytes: &[u8]) -> Vec<usize> {
    let blocks = bytes.chunks_exact(BLOCK).enumerate();
    let is_header = |block: &[u8]| {
        let block: &[u8; BLOCK] = block.try_into().expect("a whole block");
        let written = std::str::from_utf8(&block[148..154]).ok();
        let written = written.and_then(|text| u32::from_str_radix(text.trim(), 8).ok());
        written == Some(checksum(block))
    };
    blocks
        .filter(|(_, block)| is_header(block))
        .map(|(number, _)| number * BLOCK)
        .collect()
}

/// The sum of a header's bytes, its own field taken as spaces.
fn checksum(header: &[u8; BLOCK]) -> u32 {
    let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
    let field: u32 = header[148..156].iter().map(|&byte| u32::from(byte)).sum();
    sum - field + 8 * u32::from(b' ')
}

/// A metadata header with its body.
fn metadata(random: &mut Random) -> Vec<u8> {
    let flag = b"xxxxgLKX"[random.below(8)];
    let mut body = Vec::new();
    match flag {
        b'L' | b'K' => {
            body.extend(random.of::<[u8]>(&[b"long.json\0", b"long.json", b"a\0b\0", b"", b"dir/\0", &[b'n'; 600]]))
        }
        _ => {
            for _ in 0..=random.below(3) {
                let (keyword, values) = RECORDS[random.below(RECORDS.len())];
                body.extend(record(keyword, values[random.below(values.len())]));
            }
        }
    }
    if random.below(10) == 0 && !body.is_empty() {
        let at = random.below(body.len());
        body[at] = b"0 1=\n\0"[random.below(6)];
    }
    let mut metadata = Header::new(flag)
        .put(0, b"meta")
        .put(257, b"ustar\x0000")
        .octal(body.len() as u64)
        .finish(false)
        .to_vec();
    metadata.extend(&body);
    metadata.resize(metadata.len().next_multiple_of(BLOCK), 0);
    metadata
}

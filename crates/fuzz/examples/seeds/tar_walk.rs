//! Archives of every dialect, and broken ones.

/// In the first byte of a seed: mend checksums, read in order, ignore zeros; and which members are located.
const WAYS: [u8; 5] = [0, 0b0101_0001, 0b1111_1011, 0b1010_1110, 0b1111_1100];

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let ways = WAYS.iter().cycle();
    archives()
        .into_iter()
        .zip(ways)
        .map(|(tar, way)| [&[*way], &tar[..]].concat())
        .collect()
}

fn archives() -> Vec<Vec<u8>> {
    let body = [b'{'; 700];
    let long = "directory/".repeat(15) + "name.json";
    let pax = |flag: u8, records: &[u8]| entry(flag, b"PaxHeader", b"ustar\x0000", records);
    let file = |name: &str| entry(b'0', name.as_bytes(), b"ustar\x0000", &body);
    let mut archives = vec![
        [
            entry(b'\0', b"v7.json", b"", &body),
            entry(b'\0', b"v7/", b"", b""),
            end(),
        ]
        .concat(),
        [file("a.json"), file("b.json"), end()].concat(),
        [
            entry(b'L', b"././@LongLink", b"ustar  \0", long.as_bytes()),
            file("cut.json"),
            end(),
        ]
        .concat(),
        [
            entry(b'K', b"././@LongLink", b"ustar  \0", long.as_bytes()),
            entry(b'2', b"link", b"ustar  \0", b""),
            end(),
        ]
        .concat(),
        [
            pax(
                b'x',
                &[record("path", long.as_bytes()), record("size", b"700")].concat(),
            ),
            file("short.json"),
            end(),
        ]
        .concat(),
        [
            pax(
                b'x',
                &[
                    record("size", b"9"),
                    record("size", b"700"),
                    record("comment", b"a\n9 path=b\n"),
                ]
                .concat(),
            ),
            file("two.json"),
            end(),
        ]
        .concat(),
        [
            pax(b'g', &record("path", b"all.json")),
            file("one.json"),
            pax(b'x', &record("path", b"")),
            file("other.json"),
            end(),
        ]
        .concat(),
        [
            pax(b'g', &record("size", b"700")),
            file("a.json"),
            entry(b'0', b"b.json", b"ustar\x0000", b"[]"),
            end(),
        ]
        .concat(),
        [
            pax(b'x', &record("GNU.sparse.name", b"sparse.json")),
            file("GNUSparseFile.0/sparse.json"),
            end(),
        ]
        .concat(),
        [pax(b'x', &record("path", b"a\0b")), file("nul.json"), end()].concat(),
        [pax(b'x', b"12 path=a.json\n"), file("lie.json"), end()].concat(),
        [
            entry(b'7', b"contiguous", b"ustar\x0000", b"1"),
            entry(b'V', b"label", b"ustar  \0", b""),
            entry(b'D', b"dumpdir", b"ustar  \0", b"Ya\0\0"),
            entry(b'M', b"rest", b"ustar  \0", b"2"),
            entry(b'N', b"names", b"", b"3"),
            entry(b'A', b"solaris", b"ustar\x0000", b"4"),
            end(),
        ]
        .concat(),
        (b'1'..=b'6')
            .flat_map(|flag| entry(flag, b"special", b"ustar\x0000", b""))
            .chain(end())
            .collect(),
        [file("unmarked.json")].concat(),
        [file("half.json"), vec![0; 512]].concat(),
        [file("lone.json"), vec![0; 512], file("after.json")].concat(),
        [pax(b'x', &record("path", b"dangling")), end()].concat(),
        end(),
    ];
    archives.push(with_prefix());
    archives.push(old_sparse());
    archives.push(base_256());
    let whole = archives[1].clone();
    // One behind the other: behind end markers of any length, and with what describes a member before one.
    let behind = |zeros: usize| [&whole[..], &vec![0; zeros], &whole].concat();
    archives.extend([0, 512, 512, 7000, 7000, 7000, 300].map(behind));
    archives.extend([[&pax(b'x', &record("path", b"dangling"))[..], &behind(0)].concat()]);
    archives.extend([300, 512, 1000, 1300, 1536, 1800].map(|len| whole[..len].to_vec()));
    archives
}

/// A name in two parts.
fn with_prefix() -> Vec<u8> {
    let mut header = header(b'0', b"name.json", b"ustar\x0000", 3);
    header[345..352].copy_from_slice(b"prefix/");
    [seal(header), padded(b"[1]"), end()].concat()
}

/// A sparse file whose map goes on in another block.
fn old_sparse() -> Vec<u8> {
    let mut header = header(b'S', b"sparse", b"ustar  \0", 4);
    header[482] = 1;
    let mut more = vec![0; 512];
    more[504] = 0;
    [seal(header), more, padded(b"1234"), end()].concat()
}

/// A size that is no octal number.
fn base_256() -> Vec<u8> {
    let mut header = header(b'0', b"large.json", b"ustar  \0", 0);
    header[124..136].copy_from_slice(b"\x80\0\0\0\0\0\0\0\0\0\0\x02");
    [seal(header), padded(b"{}"), end()].concat()
}

fn entry(flag: u8, name: &[u8], magic: &[u8], body: &[u8]) -> Vec<u8> {
    [seal(header(flag, name, magic, body.len())), padded(body)].concat()
}

fn header(flag: u8, name: &[u8], magic: &[u8], size: usize) -> Vec<u8> {
    let mut block = vec![0; 512];
    let size = format!("{size:011o}\0");
    for (at, field) in [
        (0, name),
        (100, b"0000644\0"),
        (124, size.as_bytes()),
        (156, &[flag]),
        (257, magic),
    ] {
        block[at..at + field.len()].copy_from_slice(field);
    }
    block
}

/// Puts the checksum in.
fn seal(mut block: Vec<u8>) -> Vec<u8> {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

fn padded(body: &[u8]) -> Vec<u8> {
    let mut padded = body.to_vec();
    padded.resize(body.len().next_multiple_of(512), 0);
    padded
}

fn end() -> Vec<u8> {
    vec![0; 1024]
}

/// A PAX record: its length counts its own digits.
fn record(keyword: &str, value: &[u8]) -> Vec<u8> {
    let rest = [b" ", keyword.as_bytes(), b"=", value, b"\n"].concat();
    let len = (1..)
        .map(|digits| rest.len() + digits)
        .find(|len| len.to_string().len() + rest.len() == *len);
    [len.expect("some length fits").to_string().as_bytes(), &rest].concat()
}

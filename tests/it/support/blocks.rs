//! Archives put together block by block.

/// The bytes of a block.
const BLOCK: usize = 512;

/// What the second of three documents is.
pub(crate) const X: &[u8] = br#"{"n":2}"#;

/// A zstd frame with a window of 2^(10 + 21) bytes, and an empty last block. Format: RFC 8878, section 3.1.1.
pub(crate) const WIDE_ZSTD: &[u8] = b"\x28\xb5\x2f\xfd\0\xa8\x01\0\0";

/// The name of the second of three documents, where it matters none.
pub(crate) const NAME: &[u8] = b"x.json";

/// Some of an archive.
#[derive(Clone, Default)]
pub(crate) struct Blocks(pub(crate) Vec<u8>);

/// A header that is to be changed before its checksum is written.
pub(crate) struct Header([u8; BLOCK]);

impl Header {
    /// A ustar header.
    pub(crate) fn new(name: &[u8], flag: u8, size: u64) -> Header {
        let mut header = Header([0; BLOCK]);
        header
            .put(0, &name[..name.len().min(100)])
            .put(100, b"0000644\0")
            .put(136, b"14700000000\0");
        header.put(124, format!("{size:011o}\0").as_bytes());
        header.put(156, &[flag]).put(257, b"ustar\x0000");
        header
    }

    /// Puts bytes at a place.
    pub(crate) fn put(&mut self, place: usize, bytes: &[u8]) -> &mut Header {
        self.0[place..place + bytes.len()].copy_from_slice(bytes);
        self
    }

    /// The block, with the sum of its bytes as they are to be taken.
    pub(crate) fn block(&mut self, value: fn(u8) -> i64) -> Vec<u8> {
        self.put(148, b"        ");
        let sum: i64 = self.0.iter().map(|&byte| value(byte)).sum();
        self.put(148, format!("{sum:06o}\0 ").as_bytes());
        self.0.to_vec()
    }
}

impl Blocks {
    /// Adds a block of a header, and bytes behind it with their padding.
    pub(crate) fn header(mut self, header: &mut Header, body: &[u8]) -> Blocks {
        self.0.extend(header.block(i64::from));
        self.bytes(body)
    }

    /// Adds bytes, with their padding.
    pub(crate) fn bytes(mut self, body: &[u8]) -> Blocks {
        self.0.extend(body);
        self.0.resize(self.0.len().next_multiple_of(BLOCK), 0);
        self
    }

    /// Adds a regular file.
    pub(crate) fn file(self, name: &[u8], body: &[u8]) -> Blocks {
        self.header(&mut Header::new(name, b'0', body.len() as u64), body)
    }

    /// Adds what is no more than a header.
    pub(crate) fn flagged(self, flag: u8, size: u64) -> Blocks {
        self.header(&mut Header::new(NAME, flag, size), b"")
    }

    /// Adds a metadata header.
    pub(crate) fn meta(self, flag: u8, body: &[u8]) -> Blocks {
        self.header(&mut Header::new(b"metadata", flag, body.len() as u64), body)
    }

    /// Adds a PAX header with these records.
    pub(crate) fn pax(self, flag: u8, records: &[(&str, &[u8])]) -> Blocks {
        let body: Vec<u8> = records
            .iter()
            .flat_map(|(keyword, value)| record(keyword, value))
            .collect();
        self.meta(flag, &body)
    }

    /// Adds a document that is as it should be.
    pub(crate) fn x(self) -> Blocks {
        self.file(NAME, X)
    }
}

/// A PAX record: its length counts its own digits.
fn record(keyword: &str, value: &[u8]) -> Vec<u8> {
    let rest = [b" ", keyword.as_bytes(), b"=", value, b"\n"].concat();
    let is_length = |length: &usize| rest.len() + length.to_string().len() == *length;
    let length = (rest.len()..).find(is_length).expect("one that counts itself");
    [length.to_string().as_bytes(), &rest].concat()
}

/// The first of three documents.
pub(crate) fn before() -> Blocks {
    Blocks::default().file(b"first.json", br#"{"n":1}"#)
}

/// The last of three documents.
pub(crate) fn after() -> Blocks {
    Blocks::default().file(b"last.json", br#"{"n":3}"#)
}

/// The end marker.
pub(crate) fn end() -> Vec<u8> {
    vec![0; 2 * BLOCK]
}

/// An archive with something between two documents.
pub(crate) fn around(middle: &Blocks) -> Vec<u8> {
    [before().0, middle.0.clone(), after().0, end()].concat()
}

/// The same with one header and its bytes.
pub(crate) fn around_header(header: &mut Header, body: &[u8]) -> Vec<u8> {
    around(&Blocks::default().header(header, body))
}

/// Three documents as they should be.
pub(crate) fn three() -> Vec<u8> {
    around(&Blocks::default().x())
}

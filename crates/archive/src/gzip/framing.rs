//! What stands around the deflate data of a gzip member: its header and its trailer (RFC 1952, section 2.3).
//!
//! Both come in pieces, so they are read byte by byte. What is wrong is said where zlib says it, and in its words.

use crc32fast::Hasher;

/// The first two bytes of every gzip member.
pub(crate) const MAGIC: [u8; 2] = [0x1F, 0x8B];
/// The only method of compression that there is: deflate.
const DEFLATE: u8 = 8;

/// Flags of the header: which fields follow its fixed part.
const HEADER_CHECKSUM: u8 = 1 << 1;
const EXTRA: u8 = 1 << 2;
const NAME: u8 = 1 << 3;
const COMMENT: u8 = 1 << 4;
const RESERVED: u8 = 0b1110_0000;

/// The length of the fixed part: magic, method, flags, time, extra flags, system.
const FIXED: usize = 10;

/// A header that is being read.
#[derive(Debug, Clone)]
pub(crate) struct Header {
    field: Field,
    /// How many bytes of the field were read.
    read: usize,
    flags: u8,
    /// The field's number, of a field that is one.
    number: u16,
    /// Over all bytes before the checksum.
    crc: Hasher,
}

/// The fields that are left, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Fixed,
    ExtraLength,
    Extra,
    Name,
    Comment,
    Checksum,
    /// There is none left.
    End,
}

impl Header {
    /// Before its first byte.
    pub(crate) fn new() -> Header {
        Header {
            field: Field::Fixed,
            read: 0,
            flags: 0,
            number: 0,
            crc: Hasher::new(),
        }
    }

    /// Reads what of `input` belongs to the header, and says how much that is, and what is wrong with its last byte.
    pub(crate) fn read(&mut self, input: &[u8]) -> (usize, Result<(), &'static str>) {
        for (eaten, &byte) in input.iter().enumerate() {
            if self.is_whole() {
                return (eaten, Ok(()));
            }
            if let Err(what) = self.push(byte) {
                return (eaten + 1, Err(what));
            }
        }
        (input.len(), Ok(()))
    }

    /// Whether all of it was read.
    pub(crate) fn is_whole(&self) -> bool {
        self.field == Field::End
    }

    fn push(&mut self, byte: u8) -> Result<(), &'static str> {
        let at = self.read;
        self.read += 1;
        if self.field != Field::Checksum {
            self.crc.update(&[byte]);
        }
        let ends = match self.field {
            Field::Fixed => {
                self.check_fixed(at, byte)?;
                self.read == FIXED
            }
            Field::Name | Field::Comment => byte == 0,
            Field::Extra => self.read == usize::from(self.number),
            Field::ExtraLength | Field::Checksum => {
                self.number = self.number >> 8 | u16::from(byte) << 8;
                self.read == size_of::<u16>()
            }
            Field::End => false,
        };
        if ends {
            self.end_field()?;
        }
        Ok(())
    }

    /// Checks the first bytes. zlib takes them two at a time, and says nothing before it has both.
    fn check_fixed(&mut self, at: usize, byte: u8) -> Result<(), &'static str> {
        self.number = self.number >> 8 | u16::from(byte) << 8;
        let [first, second] = self.number.to_le_bytes();
        match at {
            1 if [first, second] != MAGIC => Err("incorrect header check"),
            3 if first != DEFLATE => Err("unknown compression method"),
            3 if second & RESERVED != 0 => Err("unknown header flags set"),
            3 => {
                self.flags = second;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Goes on with the next field that is there.
    fn end_field(&mut self) -> Result<(), &'static str> {
        if self.field == Field::Checksum && u32::from(self.number) != self.crc.clone().finalize() & 0xFFFF {
            return Err("header crc mismatch");
        }
        self.field = self.next_field();
        self.read = 0;
        Ok(())
    }

    fn next_field(&self) -> Field {
        let has = |flag| self.flags & flag != 0;
        let is_left = [
            (Field::ExtraLength, has(EXTRA)),
            // One of no bytes is over at once.
            (Field::Extra, self.field == Field::ExtraLength && self.number > 0),
            (Field::Name, has(NAME)),
            (Field::Comment, has(COMMENT)),
            (Field::Checksum, has(HEADER_CHECKSUM)),
        ];
        let next = is_left
            .iter()
            .find(|(field, is_there)| *is_there && *field as u8 > self.field as u8);
        next.map_or(Field::End, |(field, _)| *field)
    }
}

/// What a gzip member has given so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Sums {
    /// The CRC-32 of its bytes.
    pub(crate) crc: u32,
    /// How many they are, modulo 2^32.
    pub(crate) len: u32,
}

impl Sums {
    /// Adds the bytes that were given next.
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        let mut crc = Hasher::new_with_initial(self.crc);
        crc.update(bytes);
        self.crc = crc.finalize();
        self.len = self.len.wrapping_add(bytes.len() as u32);
    }
}

/// A trailer that is being read: CRC-32 and length of what its member gave.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Trailer {
    bytes: [u8; 8],
    read: usize,
}

impl Trailer {
    /// Reads what of `input` belongs to the trailer, and says how much that is, and what is wrong with its last byte.
    pub(crate) fn read(&mut self, input: &[u8], expected: Sums) -> (usize, Result<(), &'static str>) {
        for (eaten, &byte) in input.iter().enumerate() {
            if self.is_whole() {
                return (eaten, Ok(()));
            }
            self.bytes[self.read] = byte;
            self.read += 1;
            if let Err(what) = self.check(expected) {
                return (eaten + 1, Err(what));
            }
        }
        (input.len(), Ok(()))
    }

    /// Whether all of it was read.
    pub(crate) fn is_whole(&self) -> bool {
        self.read == self.bytes.len()
    }

    fn check(&self, expected: Sums) -> Result<(), &'static str> {
        let (crc, len) = self.bytes.split_at(4);
        match self.read {
            4 if crc != expected.crc.to_le_bytes() => Err("incorrect data check"),
            8 if len != expected.len.to_le_bytes() => Err("incorrect length check"),
            _ => Ok(()),
        }
    }
}

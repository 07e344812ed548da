//! One header block.

use tar::Header;

use crate::error::HeaderFault;
use crate::member::{MemberKind, Refusal};

/// The bytes of a block, in which everything in a tar is measured.
pub(crate) const BLOCK: usize = 512;

/// Where the checksum stands in a header.
const CHECKSUM: std::ops::Range<usize> = 148..156;
/// Where ustar's second part of the name stands, which comes before the first.
const PREFIX: std::ops::Range<usize> = 345..500;
/// Where an old GNU sparse header says whether a block with more of its map follows.
const SPARSE_EXTENDED: usize = 482;
/// Where such a block says whether another one follows.
const SPARSE_EXTENDED_AGAIN: usize = 504;

/// What a block is, where a header is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Block {
    /// A header: its checksum is right.
    Header,
    /// Half of an end marker.
    Zeros,
    /// Anything else.
    Other,
}

/// Tells what a block is.
pub(crate) fn classify(block: &[u8; BLOCK]) -> Block {
    if is_zero(block) {
        Block::Zeros
    } else if has_checksum(block) {
        Block::Header
    } else {
        Block::Other
    }
}

pub(crate) fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|&byte| byte == 0)
}

/// Whether the header's checksum is the sum of its bytes, its own field taken as spaces.
///
/// Some old writers summed signed bytes; like GNU tar and Python's tarfile, both sums are accepted.
fn has_checksum(block: &[u8; BLOCK]) -> bool {
    let Ok(Some(written)) = number(&block[CHECKSUM]) else {
        return false;
    };
    let mut bytes = *block;
    bytes[CHECKSUM].fill(b' ');
    let unsigned: u32 = bytes.iter().map(|&byte| u32::from(byte)).sum();
    // As a signed byte, one with the first bit set counts 256 less.
    let negative: u32 = bytes.iter().map(|&byte| u32::from(byte >> 7)).sum();
    let signed = i64::from(unsigned) - 256 * i64::from(negative);
    i64::try_from(written).is_ok_and(|written| written == i64::from(unsigned) || written == signed)
}

/// The number in a field: octal digits between spaces, ended by a NUL or by the field's end; or, when the first bit is
/// set, the rest as a signed big-endian number (GNU base-256). `None` when there are only spaces.
pub(crate) fn number(field: &[u8]) -> Result<Option<u64>, HeaderFault> {
    if field[0] & 0x80 != 0 {
        return base_256(field).map(Some);
    }
    let digits = until_nul(field).trim_ascii();
    if digits.is_empty() {
        return Ok(None);
    }
    digits
        .iter()
        .try_fold(0_u64, |value, &digit| octal(value, digit))
        .map(Some)
}

fn octal(value: u64, digit: u8) -> Result<u64, HeaderFault> {
    let digit = char::from(digit).to_digit(8).ok_or(HeaderFault::Size)?;
    let shifted = value.checked_mul(8).ok_or(HeaderFault::SizeRange)?;
    Ok(shifted + u64::from(digit))
}

/// A number whose first bit only marks the encoding; the second is its sign.
fn base_256(field: &[u8]) -> Result<u64, HeaderFault> {
    if field[0] & 0x40 != 0 {
        return Err(HeaderFault::SizeRange);
    }
    let first = u64::from(field[0] & 0x3F);
    field[1..].iter().try_fold(first, |value, &byte| {
        let shifted = value.checked_mul(256).ok_or(HeaderFault::SizeRange)?;
        Ok(shifted + u64::from(byte))
    })
}

/// A field's text: what is before the first NUL.
pub(crate) fn until_nul(field: &[u8]) -> &[u8] {
    field.split(|&byte| byte == 0).next().unwrap_or(field)
}

/// What a header announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Announces {
    /// A member.
    Member(MemberKind),
    /// An old GNU sparse member, whose map may go on in further blocks.
    OldSparse,
    /// The next member's name (GNU).
    LongName,
    /// The next member's link target (GNU), which is of no use here.
    LongLink,
    /// PAX records for the next member.
    Pax,
    /// PAX records for every member from here on.
    GlobalPax,
}

/// A header whose checksum is right.
pub(crate) struct EntryHeader(Header);

impl EntryHeader {
    pub(crate) fn new(block: &[u8; BLOCK]) -> Self {
        Self(Header::from_byte_slice(block).clone())
    }

    /// What it announces, by its type flag alone.
    pub(crate) fn announces(&self) -> Announces {
        Announces::Member(match self.flag() {
            b'\0' | b'0' | b'7' => MemberKind::File,
            b'1' => MemberKind::HardLink,
            b'2' => MemberKind::SymbolicLink,
            b'3' => MemberKind::CharacterDevice,
            b'4' => MemberKind::BlockDevice,
            // `D` is a directory followed by the list of its files, of GNU's incremental archives.
            b'5' | b'D' => MemberKind::Directory,
            b'6' => MemberKind::Fifo,
            b'V' => MemberKind::VolumeLabel,
            b'M' => MemberKind::Refused(Refusal::Continuation),
            b'N' => MemberKind::Refused(Refusal::OldLongNames),
            b'S' => return Announces::OldSparse,
            b'L' => return Announces::LongName,
            b'K' => return Announces::LongLink,
            // `X` is what Solaris wrote before the format was standard.
            b'x' | b'X' => return Announces::Pax,
            b'g' => return Announces::GlobalPax,
            other => MemberKind::Refused(Refusal::UnknownType(other)),
        })
    }

    /// The type flag.
    fn flag(&self) -> u8 {
        self.0.as_old().linkflag[0]
    }

    /// Whether a member of this type has no bytes, whatever its size field says (POSIX leaves it undefined).
    pub(crate) fn is_header_only(&self) -> bool {
        matches!(self.flag(), b'1'..=b'6')
    }

    /// Whether all readers agree that a member of this type has no bytes, whatever its size field says: hard links and
    /// directories.
    pub(crate) fn may_claim_bytes(&self) -> bool {
        matches!(self.flag(), b'1' | b'5')
    }

    /// Whether the type flag is the only one that the v7 format has for files and directories alike.
    pub(crate) fn is_v7_file(&self) -> bool {
        self.flag() == 0
    }

    /// The size field, in bytes. An empty one is 0; but one of blanks says nothing: Python's tarfile takes it for 0, and GNU
    /// tar refuses it.
    pub(crate) fn size(&self) -> Result<u64, HeaderFault> {
        let field = &self.0.as_old().size;
        match number(field)? {
            Some(size) if size > i64::MAX as u64 => Err(HeaderFault::SizeRange),
            Some(size) => Ok(size),
            None if field.contains(&b' ') => Err(HeaderFault::Size),
            None => Ok(0),
        }
    }

    /// The name, both parts of it in a ustar header.
    pub(crate) fn name(&self) -> Vec<u8> {
        let name = until_nul(&self.0.as_old().name);
        match self.prefix() {
            [] => name.to_vec(),
            prefix => [prefix, b"/", name].concat(),
        }
    }

    /// The second part of the name. GNU headers keep times where ustar keeps it, and v7 headers anything.
    fn prefix(&self) -> &[u8] {
        if &self.0.as_bytes()[257..263] == b"ustar\0" {
            until_nul(&self.0.as_bytes()[PREFIX])
        } else {
            &[]
        }
    }

    /// Whether a block with more of an old GNU sparse map follows this header.
    pub(crate) fn sparse_map_goes_on(&self) -> bool {
        self.0.as_bytes()[SPARSE_EXTENDED] != 0
    }
}

/// Whether another block follows this one of an old GNU sparse map.
pub(crate) fn sparse_block_goes_on(block: &[u8; BLOCK]) -> bool {
    block[SPARSE_EXTENDED_AGAIN] != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header block: these bytes at these places, and the checksum over it all.
    fn block(fields: &[(usize, &[u8])]) -> [u8; BLOCK] {
        let mut block = [0; BLOCK];
        for (place, bytes) in fields {
            block[*place..place + bytes.len()].copy_from_slice(bytes);
        }
        write_checksum(&mut block, i64::from);
        block
    }

    fn write_checksum(block: &mut [u8; BLOCK], value: impl Fn(u8) -> i64) {
        block[CHECKSUM].fill(b' ');
        let sum: i64 = block.iter().map(|&byte| value(byte)).sum();
        block[CHECKSUM].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }

    /// A field, and the number in it.
    type Case = (&'static [u8], Result<Option<u64>, HeaderFault>);

    #[test]
    fn numbers() {
        let cases: &[Case] = &[
            (b"00000000017\0", Ok(Some(15))),
            (b"000000000017", Ok(Some(15))),
            (b"       17 \0\0", Ok(Some(15))),
            (b"17\0 garbage ", Ok(Some(15))),
            (b"777777777777", Ok(Some(0o777_777_777_777))),
            (b"\0\0\0\0\0\0\0\0\0\0\0\0", Ok(None)),
            (b"            ", Ok(None)),
            (b"00000000018\0", Err(HeaderFault::Size)),
            (b"+0000000017\0", Err(HeaderFault::Size)),
            (b"-0000000017\0", Err(HeaderFault::Size)),
            (b"0x000000017\0", Err(HeaderFault::Size)),
            (b"1 7\0\0\0\0\0\0\0\0\0", Err(HeaderFault::Size)),
            (b"\x80\0\0\0\0\0\0\x04\0\0\0\0", Ok(Some(1 << 34))),
            (b"\x80\0\0\0\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", Ok(Some(u64::MAX))),
            (b"\x80\0\0\x01\0\0\0\0\0\0\0\0", Err(HeaderFault::SizeRange)),
            (b"\xBF\0\0\0\0\0\0\0\0\0\0\0", Err(HeaderFault::SizeRange)),
            (
                b"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF",
                Err(HeaderFault::SizeRange),
            ),
        ];
        for (field, expected) in cases {
            assert_eq!(number(field), *expected, "{:?}", String::from_utf8_lossy(field));
        }
    }

    #[test]
    fn both_checksums_are_accepted_and_no_other() {
        let mut header = block(&[(0, b"umlaut-\xE4"), (124, b"00000000000\0")]);
        assert_eq!(classify(&header), Block::Header);
        write_checksum(&mut header, |byte| i64::from(byte.cast_signed()));
        assert_eq!(classify(&header), Block::Header);
        write_checksum(&mut header, |byte| i64::from(byte) + i64::from(byte == 0xE4));
        assert_eq!(classify(&header), Block::Other);
        header[CHECKSUM].fill(b' ');
        assert_eq!(classify(&header), Block::Other);
        assert_eq!(classify(&[0; BLOCK]), Block::Zeros);
    }

    #[test]
    fn every_flipped_bit_breaks_the_checksum() {
        let header = block(&[
            (0, b"name"),
            (124, b"00000000017\0"),
            (156, b"0"),
            (257, b"ustar\x0000"),
        ]);
        for bit in (0..BLOCK * 8).filter(|bit| !CHECKSUM.contains(&(bit / 8))) {
            let mut flipped = header;
            flipped[bit / 8] ^= 1 << (bit % 8);
            // The top bit of a byte counts the same in the one sum as in the other, with the opposite sign.
            assert_eq!(classify(&flipped), Block::Other, "bit {bit}");
        }
    }

    #[test]
    fn names_have_a_prefix_in_ustar_alone() {
        let cases: &[(&[u8], &[u8])] = &[
            (b"ustar\x0000", b"some/prefix/name"),
            (b"ustar\0\0\0", b"some/prefix/name"),
            (b"ustar  \0", b"name"),
            (b"\0\0\0\0\0\0\0\0", b"name"),
        ];
        for (magic, expected) in cases {
            let header = block(&[(0, b"name\0junk"), (257, magic), (345, b"some/prefix")]);
            assert_eq!(
                EntryHeader::new(&header).name(),
                *expected,
                "{:?}",
                String::from_utf8_lossy(magic)
            );
        }
        let full = block(&[(0, &[b'n'; 100]), (257, b"ustar\x0000"), (345, &[b'p'; 155])]);
        assert_eq!(
            EntryHeader::new(&full).name(),
            [&[b'p'; 155][..], b"/", &[b'n'; 100]].concat()
        );
    }

    #[test]
    fn type_flags() {
        let member = Announces::Member;
        let cases = [
            (b'\0', member(MemberKind::File), false),
            (b'0', member(MemberKind::File), false),
            (b'7', member(MemberKind::File), false),
            (b'1', member(MemberKind::HardLink), true),
            (b'2', member(MemberKind::SymbolicLink), true),
            (b'3', member(MemberKind::CharacterDevice), true),
            (b'4', member(MemberKind::BlockDevice), true),
            (b'5', member(MemberKind::Directory), true),
            (b'6', member(MemberKind::Fifo), true),
            (b'D', member(MemberKind::Directory), false),
            (b'V', member(MemberKind::VolumeLabel), false),
            (b'M', member(MemberKind::Refused(Refusal::Continuation)), false),
            (b'N', member(MemberKind::Refused(Refusal::OldLongNames)), false),
            (b'A', member(MemberKind::Refused(Refusal::UnknownType(b'A'))), false),
            (b'8', member(MemberKind::Refused(Refusal::UnknownType(b'8'))), false),
            (b'S', Announces::OldSparse, false),
            (b'L', Announces::LongName, false),
            (b'K', Announces::LongLink, false),
            (b'x', Announces::Pax, false),
            (b'X', Announces::Pax, false),
            (b'g', Announces::GlobalPax, false),
        ];
        for (flag, announces, header_only) in cases {
            let header = EntryHeader::new(&block(&[(156, &[flag])]));
            assert_eq!(header.announces(), announces, "{:?}", char::from(flag));
            assert_eq!(header.is_header_only(), header_only, "{:?}", char::from(flag));
        }
    }
}

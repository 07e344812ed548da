//! A slow reader of tar over a slice, written from the formats' definitions and sharing no code with the walk that it
//! is held against.
//!
//! Sources: POSIX.1-2017, pax, "ustar Interchange Format" and "pax Extended Header"; GNU tar manual, "Basic Tar Format".
//! What is refused where readers disagree is what `docs/formats.md` and the documentation of `tarquet_archive` say.

use tarquet_archive::{
    DamageKind, GLOBAL_NAME_LIMIT, HeaderFault, METADATA_LIMIT, Member, MemberKind, PaxFault, Refusal,
};

/// In what everything is measured, in bytes.
const BLOCK: usize = 512;

/// What there is in an archive.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    pub(crate) members: Vec<Member>,
    /// Where the archive breaks, why, and whether that is inside of the last member.
    pub(crate) damage: Option<Broken>,
    /// Whether it ended between two members, with nothing behind the last one.
    pub(crate) unmarked_end: bool,
    /// Where the first byte is that stands behind the end marker and is not zero, or the header that has it; and whether it
    /// is a header's.
    pub(crate) after_end: Option<(u64, bool)>,
}

/// Damage.
#[derive(Debug, PartialEq)]
pub(crate) struct Broken {
    pub(crate) at: u64,
    pub(crate) kind: DamageKind,
    pub(crate) in_member: bool,
}

/// Reads an archive to its end, or to what breaks it. Where zeros are ignored, blocks of them between members are nothing.
pub(crate) fn read(bytes: &[u8], ignores_zeros: bool) -> Reading {
    let mut reader = Reader {
        bytes,
        ignores_zeros,
        at: 0,
        global: Records::default(),
        reading: Reading::default(),
    };
    let damage = reader.members().err();
    Reading {
        damage,
        ..reader.reading
    }
}

/// Whether an archive begins here: with a header, or with an end.
pub(crate) fn is_tar(bytes: &[u8]) -> bool {
    let first = bytes.get(..BLOCK);
    first.is_some_and(|block| block.iter().all(|byte| *byte == 0) || checksum_holds(block))
}

/// Writes a right checksum into every block where a header is expected that has a wrong one.
pub(crate) fn mend_checksums(bytes: &mut [u8], ignores_zeros: bool) {
    while let Some(Broken {
        at,
        kind: DamageKind::Header(HeaderFault::Checksum),
        ..
    }) = read(bytes, ignores_zeros).damage
    {
        let block = &mut bytes[at as usize..at as usize + BLOCK];
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
}

/// What PAX records say.
#[derive(Debug, Clone, Default)]
struct Records {
    path: Option<Vec<u8>>,
    size: Option<u64>,
    sparse_name: Option<Vec<u8>>,
    /// Of which file from another volume this is the rest.
    continued: Option<Vec<u8>>,
    is_sparse: bool,
}

/// What stands before a member's own header.
#[derive(Default)]
struct Before {
    long_name: Option<Vec<u8>>,
    /// Of the last PAX header alone, but whether the file is sparse.
    pax: Records,
    /// What was said first.
    first_name: Option<Vec<u8>>,
    first_size: Option<u64>,
    /// Where the first header is that describes the next member alone.
    start: Option<usize>,
    bytes: u64,
}

struct Reader<'a> {
    bytes: &'a [u8],
    ignores_zeros: bool,
    at: usize,
    global: Records,
    reading: Reading,
}

impl<'a> Reader<'a> {
    fn members(&mut self) -> Result<(), Broken> {
        let mut before = Before::default();
        loop {
            // Between what describes a member and the member, nothing is ignored.
            let passed = match before.start {
                Some(_) => 0,
                None => self.pass_zeros(),
            };
            let at = self.at;
            let Some(header) = self.header()? else {
                self.reading.unmarked_end &= passed == 0;
                if before.start.is_some() {
                    return Err(broken(at, DamageKind::DanglingMetadata));
                }
                self.reading.after_end = self.after_end();
                return Ok(());
            };
            match header[156] {
                b'L' | b'K' | b'x' | b'X' | b'g' => self.describe(header, at, &mut before)?,
                _ => self.member(header, at, std::mem::take(&mut before))?,
            }
        }
    }

    /// Passes over blocks of zeros, where they are nothing. Gives how many.
    fn pass_zeros(&mut self) -> usize {
        let blocks = self.bytes[self.at..].chunks_exact(BLOCK);
        let zeros = blocks.take_while(|block| block.iter().all(|byte| *byte == 0)).count();
        let passed = if self.ignores_zeros { zeros } else { 0 };
        self.at += passed * BLOCK;
        passed
    }

    /// What stands behind the end marker, in the first block that is not all zeros.
    fn after_end(&self) -> Option<(u64, bool)> {
        let rest = &self.bytes[self.at..];
        let other = rest.iter().position(|byte| *byte != 0)?;
        let block = other / BLOCK * BLOCK;
        let is_header = rest.get(block..block + BLOCK).is_some_and(checksum_holds);
        let first = if is_header { block } else { other };
        Some(((self.at + first) as u64, is_header))
    }

    /// The next header; `None` at the end.
    fn header(&mut self) -> Result<Option<&'a [u8]>, Broken> {
        let at = self.at;
        let block = self.take(BLOCK);
        if block.len() < BLOCK {
            let is_zero = block.iter().all(|byte| *byte == 0);
            self.reading.unmarked_end = is_zero;
            return if is_zero {
                Ok(None)
            } else {
                Err(self.cut(DamageKind::CutHeader))
            };
        }
        if block.iter().all(|byte| *byte == 0) {
            return match self.take(BLOCK).iter().all(|byte| *byte == 0) {
                true => Ok(None),
                false => Err(broken(at, DamageKind::LoneZeroBlock)),
            };
        }
        match checksum_holds(block) {
            true => Ok(Some(block)),
            false => Err(broken(at, DamageKind::Header(HeaderFault::Checksum))),
        }
    }

    /// Reads what describes the next member, or all of them.
    fn describe(&mut self, header: &[u8], at: usize, before: &mut Before) -> Result<(), Broken> {
        let size = header_size(header).map_err(|fault| broken(at, DamageKind::Header(fault)))?;
        before.bytes = before.bytes.saturating_add(size);
        if before.bytes > METADATA_LIMIT {
            return Err(broken(at, DamageKind::MetadataTooLarge { size: before.bytes }));
        }
        let size = size as usize;
        let padded = size.div_ceil(BLOCK) * BLOCK;
        let body = self.take(padded);
        if body.len() < padded {
            return Err(self.cut(DamageKind::CutMetadata));
        }
        let pax = |fault| broken(at, DamageKind::Pax(fault));
        match header[156] {
            b'g' => return self.describe_all(&body[..size]).map_err(pax),
            b'L' => {
                before.first_name.get_or_insert_with(|| text(body).to_vec());
                before.long_name = Some(text(body).to_vec());
            }
            b'K' => {}
            _ => {
                let own = with_records(Records::default(), &body[..size]).map_err(pax)?;
                let name = own.path.as_ref().or(self.global.path.as_ref());
                before.first_name = before.first_name.take().or_else(|| name.cloned());
                before.first_size = before.first_size.or(own.size);
                before.pax = Records {
                    is_sparse: own.is_sparse || before.pax.is_sparse,
                    ..own
                };
            }
        }
        before.start.get_or_insert(at);
        Ok(())
    }

    /// Takes the records of a global header, which says nothing twice, and nothing of sparse files.
    fn describe_all(&mut self, body: &[u8]) -> Result<(), PaxFault> {
        let global = std::mem::take(&mut self.global);
        self.global = with_records(global, body)?;
        let repeats = |keyword: &[u8]| records_of(body).filter(|record| record.starts_with(keyword)).count() > 1;
        if self.global.is_sparse {
            return Err(PaxFault::GlobalSparse);
        }
        if repeats(b"path=") || repeats(b"size=") {
            return Err(PaxFault::GlobalRepeats);
        }
        let names = [&self.global.path, &self.global.continued];
        if names.into_iter().flatten().any(|name| name.len() > GLOBAL_NAME_LIMIT) {
            return Err(PaxFault::GlobalName);
        }
        Ok(())
    }

    /// Notes a member and passes over its bytes.
    fn member(&mut self, header: &[u8], at: usize, before: Before) -> Result<(), Broken> {
        let pax = |fault| broken(at, DamageKind::Pax(fault));
        if before.first_size != before.pax.size {
            return Err(pax(PaxFault::TwoSizes));
        }
        let records = Records {
            path: before.pax.path.or_else(|| self.global.path.clone()),
            continued: before.pax.continued.or_else(|| self.global.continued.clone()),
            ..before.pax
        };
        let size = self.size(header, at, &records)?;
        if records.is_sparse && !is_file(header[156]) {
            return Err(pax(PaxFault::SparseType));
        }
        let is_old_sparse = header[156] == b'S';
        let mut goes_on = is_old_sparse && header[482] != 0;
        while goes_on {
            let map = self.take(BLOCK);
            if map.len() < BLOCK {
                return Err(self.cut(DamageKind::CutHeader));
            }
            goes_on = map[504] != 0;
        }
        let name = [&records.path, &before.long_name].into_iter().find_map(Clone::clone);
        let name = name.unwrap_or_else(|| header_name(header));
        let kind = match kind(header[156], &name, &records) {
            MemberKind::File if before.first_name.is_some_and(|first| first != name) => {
                MemberKind::Refused(Refusal::TwoNames)
            }
            kind => kind,
        };
        let data = self.at as u64;
        let padded = u128::from(data) + u128::from(size).div_ceil(BLOCK as u128) * BLOCK as u128;
        if i64::try_from(padded).is_err() {
            return Err(broken(at, DamageKind::Header(HeaderFault::SizeRange)));
        }
        self.reading.members.push(Member {
            index: self.reading.members.len() as u64,
            name: name_of(kind, name, records),
            kind,
            header_offset: before.start.unwrap_or(at) as u64,
            data_offset: data,
            size,
        });
        self.global.continued = None;
        self.pass(size, padded as u64)
    }

    fn size(&self, header: &[u8], at: usize, records: &Records) -> Result<u64, Broken> {
        let written = header_size(header).map_err(|fault| broken(at, DamageKind::Header(fault)))?;
        if (b'1'..=b'6').contains(&header[156]) {
            let claimed = records.size.or(self.global.size).unwrap_or(written);
            return match header[156] {
                b'1' | b'5' => Ok(0),
                _ if claimed == 0 => Ok(0),
                _ => Err(broken(at, DamageKind::ClaimedBytes { size: claimed })),
            };
        }
        match (records.size, self.global.size) {
            (Some(size), _) => Ok(size),
            (None, Some(global)) if global != written => Err(broken(
                at,
                DamageKind::GlobalSize {
                    global,
                    header: written,
                },
            )),
            (None, _) => Ok(written),
        }
    }

    /// Passes over a body of `size` bytes, to where the next header starts.
    fn pass(&mut self, size: u64, next: u64) -> Result<(), Broken> {
        let (end, len) = (self.at as u64 + size, self.bytes.len() as u64);
        if len < end {
            let kind = DamageKind::CutBody { missing: end - len };
            return Err(Broken {
                in_member: true,
                ..self.cut(kind)
            });
        }
        if len < next {
            return Err(self.cut(DamageKind::CutPadding));
        }
        self.at = next as usize;
        Ok(())
    }

    /// The next bytes, fewer at the end.
    fn take(&mut self, count: usize) -> &'a [u8] {
        let end = (self.at + count).min(self.bytes.len());
        let taken = &self.bytes[self.at..end];
        self.at = end;
        taken
    }

    /// Damage where the archive ends.
    fn cut(&self, kind: DamageKind) -> Broken {
        broken(self.bytes.len(), kind)
    }
}

fn broken(at: usize, kind: DamageKind) -> Broken {
    Broken {
        at: at as u64,
        kind,
        in_member: false,
    }
}

/// What is before the first NUL.
fn text(field: &[u8]) -> &[u8] {
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    &field[..end]
}

/// The sum of the block's bytes, with eight spaces for the field itself; signed or unsigned.
fn checksum_holds(block: &[u8]) -> bool {
    let Ok(Some(written)) = number(&block[148..156]) else {
        return false;
    };
    let byte_at = |at: usize| if (148..156).contains(&at) { b' ' } else { block[at] };
    let unsigned: i128 = (0..BLOCK).map(|at| i128::from(byte_at(at))).sum();
    let signed: i128 = (0..BLOCK).map(|at| i128::from(byte_at(at).cast_signed())).sum();
    [unsigned, signed].contains(&i128::from(written))
}

fn header_size(header: &[u8]) -> Result<u64, HeaderFault> {
    let field = &header[124..136];
    match number(field)? {
        Some(size) if i64::try_from(size).is_err() => Err(HeaderFault::SizeRange),
        Some(size) => Ok(size),
        None if field.contains(&b' ') => Err(HeaderFault::Size),
        None => Ok(0),
    }
}

/// Octal digits, or GNU's base-256: the first bit set, and the others a number in two's complement.
fn number(field: &[u8]) -> Result<Option<u64>, HeaderFault> {
    if field[0] >= 0x80 {
        let is_negative = field[0] & 0x40 != 0;
        // The longest field has 12 bytes, so 95 bits.
        let value = field.iter().fold(0_u128, |value, byte| value << 8 | u128::from(*byte));
        let value = value & ((1 << (8 * field.len() - 1)) - 1);
        return match u64::try_from(value) {
            Ok(value) if !is_negative => Ok(Some(value)),
            _ => Err(HeaderFault::SizeRange),
        };
    }
    let digits = text(field).trim_ascii();
    if digits.is_empty() {
        return Ok(None);
    }
    if !digits.iter().all(|digit| (b'0'..=b'7').contains(digit)) {
        return Err(HeaderFault::Size);
    }
    let value = digits
        .iter()
        .fold(0, |value, digit| value << 3 | u64::from(digit - b'0'));
    Ok(Some(value))
}

fn header_name(header: &[u8]) -> Vec<u8> {
    let mut name = Vec::new();
    let is_ustar = header[257..263] == *b"ustar\0";
    if is_ustar && header[345] != 0 {
        name.extend(text(&header[345..500]));
        name.push(b'/');
    }
    name.extend(text(&header[..100]));
    name
}

fn is_file(flag: u8) -> bool {
    matches!(flag, b'0' | b'7' | b'\0')
}

fn kind(flag: u8, name: &[u8], records: &Records) -> MemberKind {
    match flag {
        _ if is_file(flag) && records.is_sparse => MemberKind::Refused(Refusal::Sparse),
        _ if is_file(flag) && records.continued.is_some() => MemberKind::Refused(Refusal::Continuation),
        _ if is_file(flag) && name.contains(&0) => MemberKind::Refused(Refusal::NulInName),
        b'\0' if name.last() == Some(&b'/') => MemberKind::Directory,
        b'0' | b'7' | b'\0' => MemberKind::File,
        b'1' => MemberKind::HardLink,
        b'2' => MemberKind::SymbolicLink,
        b'3' => MemberKind::CharacterDevice,
        b'4' => MemberKind::BlockDevice,
        b'5' | b'D' => MemberKind::Directory,
        b'6' => MemberKind::Fifo,
        b'V' => MemberKind::VolumeLabel,
        b'S' => MemberKind::Refused(Refusal::Sparse),
        b'M' => MemberKind::Refused(Refusal::Continuation),
        b'N' => MemberKind::Refused(Refusal::OldLongNames),
        other => MemberKind::Refused(Refusal::UnknownType(other)),
    }
}

/// A member's name, where what stands in for a file has that file's, and that of no file ends at a NUL.
fn name_of(kind: MemberKind, name: Vec<u8>, records: Records) -> Vec<u8> {
    match kind {
        MemberKind::Refused(Refusal::Continuation) => records.continued.unwrap_or(name),
        MemberKind::Refused(Refusal::Sparse) => records.sparse_name.unwrap_or(name),
        MemberKind::File | MemberKind::Refused(_) => name,
        _ => text(&name).to_vec(),
    }
}

/// Reads `LENGTH KEYWORD=VALUE\n` over and over, to the end or to a NUL behind which are only others.
fn with_records(mut records: Records, body: &[u8]) -> Result<Records, PaxFault> {
    let end = body.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let mut at = 0;
    while at < end && body[at] != 0 {
        let space = at + body[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if space == at || body.get(space) != Some(&b' ') {
            return Err(PaxFault::Length);
        }
        let length = decimal(&body[at..space]).ok_or(PaxFault::Extent)?;
        let next = u64::try_from(at).map_or(u128::MAX, u128::from) + u128::from(length);
        let is_inside = next <= body.len() as u128 && next > space as u128 + 1;
        if !is_inside || body[next as usize - 1] != b'\n' {
            return Err(PaxFault::Extent);
        }
        apply(&mut records, &body[space + 1..next as usize - 1])?;
        at = next as usize;
    }
    if at < end { Err(PaxFault::Length) } else { Ok(records) }
}

/// The records of a body that was read before, without their lengths.
fn records_of(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = body;
    std::iter::from_fn(move || {
        let space = rest.iter().position(|byte| *byte == b' ').filter(|_| rest[0] != 0)?;
        let (record, after) = rest.split_at(decimal(&rest[..space])? as usize);
        rest = after;
        Some(&record[space + 1..])
    })
}

fn apply(records: &mut Records, record: &[u8]) -> Result<(), PaxFault> {
    let mut halves = record.splitn(2, |byte| *byte == b'=');
    let (Some(keyword), Some(value)) = (halves.next(), halves.next()) else {
        return Err(PaxFault::Keyword);
    };
    match keyword {
        b"" => return Err(PaxFault::Keyword),
        b"path" => records.path = Some(value.to_vec()),
        b"GNU.sparse.name" => {
            records.path = Some(value.to_vec());
            records.sparse_name = Some(value.to_vec());
        }
        b"GNU.volume.filename" => records.continued = Some(value.to_vec()),
        b"size" => records.size = Some(decimal(value).ok_or(PaxFault::Size)?),
        _ => {}
    }
    records.is_sparse |= keyword.starts_with(b"GNU.sparse.");
    Ok(())
}

/// Decimal digits alone, of a number of 64 bits.
fn decimal(digits: &[u8]) -> Option<u64> {
    let is_number = digits.iter().all(u8::is_ascii_digit);
    let text = std::str::from_utf8(digits).ok().filter(|_| is_number)?;
    text.parse().ok()
}

//! The walk over a tar stream: headers and the metadata before them become members.

use serde::{Deserialize, Serialize};

use crate::end::AfterEnd;
use crate::error::{Damage, DamageKind, PaxFault, Place, WalkError};
use crate::member::{Member, MemberKind, Refusal};
use crate::point::{Point, Spacing};
use crate::source::{Fault, Source};
use crate::tar::GLOBAL_NAME_LIMIT;
use crate::tar::header::{Announces, BLOCK, Block, EntryHeader, classify, is_zero, sparse_block_goes_on, until_nul};
use crate::tar::metadata::Metadata;
use crate::tar::pax::Records;

/// Bytes that are passed over between two looks at whether to stop.
const STRIDE: u64 = 16 * 1024 * 1024;

/// The members of a tar stream, in order.
pub(crate) struct Entries {
    source: Box<dyn Source>,
    /// The PAX records that hold for every member from here on.
    globals: Records,
    /// The member given last.
    last: Option<Member>,
    /// The position of the next one among all members.
    next_index: u64,
    /// Where the bytes of the last member end, and where the next header starts.
    body_end: u64,
    next_header: u64,
    /// Whether blocks of zeros between members are passed over.
    ignore_zeros: bool,
    /// Whether the stream ended where an end marker should be.
    unmarked_end: bool,
    /// What follows the end marker.
    after_end: Option<AfterEnd>,
    /// The point before the member given last, if there is one behind the member before that; until it is taken.
    point: Option<(Point, Start)>,
}

/// Where a walk can begin that is not the start: a header, with all that those before it leave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Start {
    /// Where the header is, in bytes of the stream.
    pub(crate) header: u64,
    /// The position of its member among all members.
    pub(crate) index: u64,
    /// The PAX records that hold for every member.
    pub(crate) globals: Records,
}

impl Entries {
    pub(crate) fn new(source: Box<dyn Source>) -> Self {
        let start = Start {
            header: 0,
            index: 0,
            globals: Records::default(),
        };
        Self::begin_at(source, start)
    }

    /// The members from a start on, of a stream that begins there or before.
    pub(crate) fn begin_at(source: Box<dyn Source>, start: Start) -> Self {
        Self {
            source,
            globals: start.globals,
            last: None,
            next_index: start.index,
            body_end: 0,
            next_header: start.header,
            ignore_zeros: false,
            unmarked_end: false,
            after_end: None,
            point: None,
        }
    }

    /// Takes an end marker for nothing from here on, so that what follows it is read too.
    pub(crate) fn ignore_zeros(&mut self) {
        self.ignore_zeros = true;
    }

    /// Makes points from here on, if the stream can be begun at any.
    pub(crate) fn make_points(&mut self, spacing: Spacing) {
        self.source.make_points(spacing);
    }

    /// Whether the stream ended, between two members, without an end marker.
    pub(crate) fn unmarked_end(&self) -> bool {
        self.unmarked_end
    }

    /// What follows the end marker, once the walk has ended at it.
    pub(crate) fn after_end(&self) -> Option<AfterEnd> {
        self.after_end
    }

    /// How many bytes of the file were used up.
    pub(crate) fn consumed(&self) -> u64 {
        self.source.consumed()
    }

    /// The next member; what was not read of the last one is passed over. `stop` is asked on the way.
    pub(crate) fn next(&mut self, stop: &dyn Fn() -> bool) -> Result<Option<Member>, WalkError> {
        self.pass_last(stop)?;
        self.look_for_point();
        let mut metadata = Metadata::default();
        let mut starts_at = None;
        loop {
            let Some((at, header)) = self.read_header(&metadata, stop)? else {
                return Ok(None);
            };
            // Now, while it is near: much may follow before something turns out to be wrong with it.
            let place = self.source.place(at);
            if let Announces::Member(_) | Announces::OldSparse = header.announces() {
                let member = self.member(&header, &metadata, starts_at.unwrap_or(at), place)?;
                self.last = Some(member.clone());
                return Ok(Some(member));
            }
            if header.announces() != Announces::GlobalPax {
                starts_at.get_or_insert(at);
            }
            self.read_metadata(&header, place, &mut metadata)?;
        }
    }

    /// Where a walk can begin that gives the same from the last member on. Once for it, and only now and then for any.
    pub(crate) fn take_point(&mut self) -> Option<(Point, Start)> {
        self.point.take()
    }

    /// Looks for a point behind the last header, now that the next one is known. Between both no member starts.
    fn look_for_point(&mut self) {
        let header = self.source.position();
        let point = self.source.point_before(header);
        self.point = point.map(|point| {
            let start = Start {
                header,
                index: self.next_index,
                globals: self.globals.clone(),
            };
            (point, start)
        });
    }

    /// The next bytes of the last member, as many as `out` holds.
    pub(crate) fn read_body(&mut self, out: &mut [u8]) -> Result<(), WalkError> {
        let filled = self.source.fill(out).map_err(|fault| self.fault(fault))?;
        if filled < out.len() {
            Err(self.cut().into())
        } else {
            Ok(())
        }
    }

    /// Reads on, as far as it takes to know whether the archive starts as it is expected to. Nothing can be read after.
    pub(crate) fn settle(&mut self) -> Result<(), WalkError> {
        self.source.settle().map_err(|fault| self.fault(fault))
    }

    /// Damage for a file that ends at byte `end`, inside the last member's bytes.
    pub(crate) fn cut_at(&self, end: u64) -> Damage {
        let kind = DamageKind::CutBody {
            missing: self.body_end - end,
        };
        Damage {
            place: self.source.place(end),
            kind,
            member: self.last.clone().map(Box::new),
        }
    }

    /// Passes over what is left of the last member and its padding.
    fn pass_last(&mut self, stop: &dyn Fn() -> bool) -> Result<(), WalkError> {
        while self.source.position() < self.next_header {
            let left = self.next_header - self.source.position();
            if self.pass(left, stop)? == 0 {
                return Err(self.cut().into());
            }
        }
        Ok(())
    }

    /// Passes over at most `most` bytes; 0 only at the end of the stream.
    fn pass(&mut self, most: u64, stop: &dyn Fn() -> bool) -> Result<u64, WalkError> {
        if stop() {
            return Err(WalkError::Closed);
        }
        self.source.skip(most.min(STRIDE)).map_err(|fault| self.fault(fault))
    }

    /// The next header, and where it is; `None` at the end of the archive.
    fn read_header(
        &mut self,
        metadata: &Metadata,
        stop: &dyn Fn() -> bool,
    ) -> Result<Option<(u64, EntryHeader)>, WalkError> {
        let mut passed_zeros = false;
        loop {
            let at = self.source.position();
            let mut block = [0; BLOCK];
            let filled = self.fill(&mut block)?;
            if filled < BLOCK {
                // Whatever of an end marker is missing, nothing is missing of the members.
                if !is_zero(&block[..filled]) {
                    return Err(self.cut_in(DamageKind::CutHeader));
                }
                self.unmarked_end = !passed_zeros;
                return self.end(metadata, at, stop).map(|()| None);
            }
            match classify(&block) {
                Block::Header => return Ok(Some((at, EntryHeader::new(&block)))),
                Block::Zeros if self.ignore_zeros && !metadata.expects_member => {
                    passed_zeros = true;
                    if stop() {
                        return Err(WalkError::Closed);
                    }
                }
                Block::Zeros => {
                    self.finish_end_marker(at)?;
                    return self.end(metadata, at, stop).map(|()| None);
                }
                Block::Other => return Err(damage(self.source.place(at), crate::HeaderFault::Checksum)),
            }
        }
    }

    /// After the end marker at `at`, or the end of the stream there.
    fn end(&mut self, metadata: &Metadata, at: u64, stop: &dyn Fn() -> bool) -> Result<(), WalkError> {
        if metadata.expects_member {
            return Err(damage(self.source.place(at), DamageKind::DanglingMetadata));
        }
        self.body_end = self.source.position();
        self.look_behind_end(stop)?;
        while self.pass(STRIDE, stop)? > 0 {}
        Ok(())
    }

    /// Passes over the zeros that may fill up the archive's last record, and notes what follows them. What that holds is
    /// not looked at; but a compressed stream is read to its end, because its checksums stand there.
    fn look_behind_end(&mut self, stop: &dyn Fn() -> bool) -> Result<(), WalkError> {
        let mut block = [0; BLOCK];
        loop {
            if stop() {
                return Err(WalkError::Closed);
            }
            let at = self.source.position();
            let filled = self.fill(&mut block)?;
            let other = block[..filled].iter().position(|&byte| byte != 0);
            if let Some(other) = other {
                let is_header = filled == BLOCK && classify(&block) == Block::Header;
                let first = if is_header { at } else { at + other as u64 };
                let place = self.source.place(first);
                self.after_end = Some(AfterEnd { place, is_header });
                return Ok(());
            }
            if filled < BLOCK {
                return Ok(());
            }
        }
    }

    /// After one block of zeros there must be another one, or nothing.
    fn finish_end_marker(&mut self, at: u64) -> Result<(), WalkError> {
        let mut block = [0; BLOCK];
        let filled = self.fill(&mut block)?;
        if is_zero(&block[..filled]) {
            Ok(())
        } else {
            Err(damage(self.source.place(at), DamageKind::LoneZeroBlock))
        }
    }

    /// Reads the body of a metadata header.
    fn read_metadata(&mut self, header: &EntryHeader, place: Place, metadata: &mut Metadata) -> Result<(), WalkError> {
        let size = header.size().map_err(|fault| damage(place, fault))?;
        metadata.count(size).map_err(|kind| damage(place, kind))?;
        let mut body = vec![0; size.next_multiple_of(BLOCK as u64) as usize];
        if self.fill(&mut body)? < body.len() {
            return Err(self.cut_in(DamageKind::CutMetadata));
        }
        let records = &body[..size as usize];
        let read = match header.announces() {
            Announces::GlobalPax => return self.read_globals(records).map_err(|fault| damage(place, fault)),
            Announces::Pax => metadata.add_pax(records, &self.globals),
            Announces::LongName => {
                metadata.add_long_name(&body);
                Ok(())
            }
            Announces::LongLink | Announces::Member(_) | Announces::OldSparse => Ok(()),
        };
        metadata.expects_member = true;
        read.map_err(|fault| damage(place, fault))
    }

    /// Reads the records of a global PAX header. Nobody writes any of a sparse file there, or any twice, and no two readers
    /// agree on what that would mean.
    fn read_globals(&mut self, body: &[u8]) -> Result<(), PaxFault> {
        self.globals.read(body)?;
        if self.globals.sparse {
            return Err(PaxFault::GlobalSparse);
        }
        if Records::repeats(body)? {
            return Err(PaxFault::GlobalRepeats);
        }
        let Records { path, continued, .. } = &self.globals;
        if [path, continued]
            .into_iter()
            .flatten()
            .any(|name| name.len() > GLOBAL_NAME_LIMIT)
        {
            return Err(PaxFault::GlobalName);
        }
        Ok(())
    }

    /// The member of a header and of the metadata before it.
    fn member(
        &mut self,
        header: &EntryHeader,
        metadata: &Metadata,
        header_offset: u64,
        place: Place,
    ) -> Result<Member, WalkError> {
        let records = metadata.records(&self.globals).map_err(|fault| damage(place, fault))?;
        let size = self.size(header, &records, place)?;
        let name = metadata.name(&records, || header.name());
        let kind = match kind(header, &records, &name) {
            MemberKind::File if metadata.has_another_name(&name) => MemberKind::Refused(Refusal::TwoNames),
            kind => kind,
        };
        let name = name_by_kind(name, kind, &records);
        if records.sparse && header.announces() != Announces::Member(MemberKind::File) {
            return Err(damage(place, PaxFault::SparseType));
        }
        if header.announces() == Announces::OldSparse && header.sparse_map_goes_on() {
            self.pass_sparse_map()?;
        }
        let data_offset = self.source.position();
        let ends = ends(data_offset, size);
        (self.body_end, self.next_header) = ends.ok_or_else(|| damage(place, crate::HeaderFault::SizeRange))?;
        // It says so of the first member of a volume alone.
        self.globals.continued = None;
        let index = self.next_index;
        self.next_index += 1;
        Ok(Member {
            index,
            name,
            kind,
            header_offset,
            data_offset,
            size,
        })
    }

    /// How many bytes a member has.
    fn size(&self, header: &EntryHeader, records: &Records, place: Place) -> Result<u64, WalkError> {
        let written = header.size().map_err(|fault| damage(place, fault))?;
        if header.is_header_only() {
            let claimed = records.size.or(self.globals.size).unwrap_or(written);
            return match header.may_claim_bytes() || claimed == 0 {
                true => Ok(0),
                false => Err(damage(place, DamageKind::ClaimedBytes { size: claimed })),
            };
        }
        match (records.size, self.globals.size) {
            (Some(own), _) => Ok(own),
            (None, Some(global)) if global != written => {
                let kind = DamageKind::GlobalSize {
                    global,
                    header: written,
                };
                Err(damage(place, kind))
            }
            (None, _) => Ok(written),
        }
    }

    /// Passes over the blocks in which the map of an old GNU sparse member goes on.
    fn pass_sparse_map(&mut self) -> Result<(), WalkError> {
        let mut block = [0; BLOCK];
        loop {
            if self.fill(&mut block)? < BLOCK {
                return Err(self.cut_in(DamageKind::CutHeader));
            }
            if !sparse_block_goes_on(&block) {
                return Ok(());
            }
        }
    }

    fn fill(&mut self, out: &mut [u8]) -> Result<usize, WalkError> {
        self.source.fill(out).map_err(|fault| self.fault(fault))
    }

    /// The stream has ended where the last member or its padding has not.
    fn cut(&self) -> Damage {
        let end = self.source.position();
        if end < self.body_end {
            return self.cut_at(end);
        }
        Damage {
            place: self.source.place(end),
            kind: DamageKind::CutPadding,
            member: None,
        }
    }

    fn fault(&self, fault: Fault) -> WalkError {
        match fault {
            Fault::Read { offset, source } => WalkError::Read { offset, source },
            Fault::Differs(differs) => differs.into(),
            Fault::Stopped => WalkError::Closed,
            Fault::Stream { file, kind } => {
                let position = self.source.position();
                let place = Place::in_file(file, Some(position));
                let member = if position < self.body_end {
                    self.last.clone().map(Box::new)
                } else {
                    None
                };
                Damage { place, kind, member }.into()
            }
        }
    }

    /// The stream has ended in the middle of this.
    fn cut_in(&self, kind: DamageKind) -> WalkError {
        damage(self.source.place(self.source.position()), kind)
    }
}

fn damage(place: Place, kind: impl Into<DamageKind>) -> WalkError {
    Damage {
        place,
        kind: kind.into(),
        member: None,
    }
    .into()
}

/// What a member is called that is of this kind. What stands in for a file under another name has that of the file; and of
/// what is no file a NUL ends the name, as in GNU tar.
fn name_by_kind(name: Vec<u8>, kind: MemberKind, records: &Records) -> Vec<u8> {
    let file = match kind {
        MemberKind::Refused(Refusal::Continuation) => records.continued.clone(),
        MemberKind::Refused(Refusal::Sparse) => records.sparse_name.clone(),
        MemberKind::File | MemberKind::Refused(_) => None,
        _ => Some(until_nul(&name).to_vec()),
    };
    file.unwrap_or(name)
}

/// Where so many bytes from `data_offset` on end, and their padding; `None` for more than a file can have.
fn ends(data_offset: u64, size: u64) -> Option<(u64, u64)> {
    let body_end = data_offset.checked_add(size)?;
    let next_header = body_end.checked_next_multiple_of(BLOCK as u64)?;
    (next_header <= i64::MAX as u64).then_some((body_end, next_header))
}

/// What a member is.
fn kind(header: &EntryHeader, records: &Records, name: &[u8]) -> MemberKind {
    let kind = match header.announces() {
        Announces::Member(kind) => kind,
        _ => MemberKind::Refused(Refusal::Sparse),
    };
    match kind {
        MemberKind::File if records.sparse => MemberKind::Refused(Refusal::Sparse),
        MemberKind::File if records.continued.is_some() => MemberKind::Refused(Refusal::Continuation),
        MemberKind::File if name.contains(&0) => MemberKind::Refused(Refusal::NulInName),
        // The v7 format has no other way to say so.
        MemberKind::File if header.is_v7_file() && name.ends_with(b"/") => MemberKind::Directory,
        kind => kind,
    }
}

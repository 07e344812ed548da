//! What has to hold between our reading of an archive and the others', and how they differ where they may.

use std::path::Path;

use tarquet_archive::{Member, MemberKind, Refusal};

use crate::ours::{Listing, read};
use crate::readers::{Entry, Kind, by_gnu};

/// How our reading of an archive differs from the others', one line a difference.
///
/// # Errors
///
/// How the law is broken: by a member that neither of the others has, or by one that they have and that is neither here nor
/// refused.
pub(crate) fn compare(archive: &Path, python: &[Entry]) -> Result<Vec<String>, String> {
    let listing = match read(archive) {
        Ok(listing) => listing,
        Err(error) => return Ok(vec![error.replace(&archive.display().to_string(), "FILE")]),
    };
    let gnu = by_gnu(archive);
    let mut lines = Vec::new();
    for (member, crc) in &listing.members {
        lines.extend(differs(member, *crc, python, &gnu)?);
    }
    for (reader, entries) in [("Python", python), ("GNU tar", &gnu)] {
        let mut certain = entries.iter().enumerate().filter(|(at, _)| {
            let next = entries.get(at + 1);
            is_before_damage(next, &listing)
        });
        if let Some((_, entry)) = certain.find(|(_, entry)| is_lost(entry, &listing)) {
            return Err(format!("{reader} alone has {entry:?}"));
        }
    }
    lines.extend(listing.damage.map(|damage| damage.to_string()));
    Ok(lines)
}

/// How our reading of a member differs, if it does.
fn differs(member: &Member, crc: Option<u32>, python: &[Entry], gnu: &[Entry]) -> Result<Option<String>, String> {
    let name = String::from_utf8_lossy(&member.name);
    let kind = match kind(member.kind) {
        Ok(kind) => kind,
        Err(refusal) => return Ok(Some(format!("refused as {}: {name}", refusal.code()))),
    };
    let is_same = |entry: &&Entry| is_same_but_for_its_name(entry, member, kind, crc);
    let by_python = python.iter().find(is_same);
    let by_gnu = gnu.iter().filter(is_same).any(|entry| is_named(entry, &member.name));
    match (by_python.is_some_and(|entry| is_named(entry, &member.name)), by_gnu) {
        (true, true) => Ok(None),
        (true, false) => Ok(Some(format!("as Python alone: {kind} {name}"))),
        (false, true) => Ok(Some(format!("as GNU tar alone: {kind} {name}"))),
        // Whatever it is called, it is skipped.
        (false, false) if kind != Kind::File && (by_python.is_some() || gnu.iter().any(|entry| is_same(&entry))) => {
            Ok(Some(format!("named as by neither: {kind} {name}")))
        }
        (false, false) if by_python.is_some_and(|entry| is_named_with_a_prefix(entry, &member.name)) => {
            Ok(Some(format!("as Python alone, but for a prefix: {kind} {name}")))
        }
        (false, false) => Err(format!("ours alone: {member:?}")),
    }
}

/// What other readers call a kind that we do not refuse.
fn kind(kind: MemberKind) -> Result<Kind, Refusal> {
    Ok(match kind {
        MemberKind::File => Kind::File,
        MemberKind::Directory => Kind::Directory,
        MemberKind::SymbolicLink => Kind::SymbolicLink,
        MemberKind::HardLink => Kind::HardLink,
        MemberKind::Fifo => Kind::Fifo,
        MemberKind::CharacterDevice => Kind::CharacterDevice,
        MemberKind::BlockDevice => Kind::BlockDevice,
        MemberKind::VolumeLabel => Kind::VolumeLabel,
        MemberKind::Refused(refusal) => return Err(refusal),
    })
}

/// Whether another reader has this member: the same kind and place, and of a file the same bytes.
fn is_same_but_for_its_name(entry: &Entry, member: &Member, kind: Kind, crc: Option<u32>) -> bool {
    let bytes = kind != Kind::File || entry.size == member.size && entry.crc.is_none_or(|other| Some(other) == crc);
    // GNU tar takes a slash at the end of any name for a directory's, and we and tarfile one of the oldest type alone.
    let by_slash = kind == Kind::File && entry.kind == Kind::Directory && member.name.ends_with(b"/");
    entry.is_within(member.header_offset..member.data_offset) && (entry.kind == kind || by_slash) && bytes
}

/// Whether another reader has this name for it.
fn is_named(entry: &Entry, name: &[u8]) -> bool {
    without_slashes(&entry.name) == without_slashes(name)
}

/// Whether another reader has something before it. tarfile takes whatever stands where ustar has a part of the name for
/// that, in other dialects too.
fn is_named_with_a_prefix(entry: &Entry, name: &[u8]) -> bool {
    let before = without_slashes(&entry.name).strip_suffix(without_slashes(name));
    before.is_some_and(|before| before.ends_with(b"/"))
}

/// A name without what readers put at its end, or take from there, to mark a directory.
fn without_slashes(name: &[u8]) -> &[u8] {
    let slashes = name.iter().rev().take_while(|&&byte| byte == b'/').count();
    &name[..name.len() - slashes]
}

/// Whether all of a member lies before where our reading stopped: another reader found one behind it that begins there or
/// before.
fn is_before_damage(next: Option<&Entry>, listing: &Listing) -> bool {
    let Some(damage) = &listing.damage else { return true };
    let place = damage.place.stream.unwrap_or(damage.place.file);
    let stopped_at = damage.member.as_ref().map_or(place, |member| member.data_offset);
    next.is_some_and(|next| next.header <= stopped_at)
}

/// Whether another reader has a file that we neither give nor refuse. What it finds inside the bytes of a member that we
/// refuse is refused with it.
fn is_lost(entry: &Entry, listing: &Listing) -> bool {
    let is_ours = |member: &Member| entry.is_within(member.header_offset..member.data_offset);
    let is_refused = |member: &Member| {
        let bytes = member.data_offset..member.data_offset + member.size;
        matches!(member.kind, MemberKind::Refused(_)) && bytes.contains(&entry.header)
    };
    let mut members = listing.members.iter().map(|(member, _)| member);
    entry.kind == Kind::File && !members.any(|member| is_ours(member) || is_refused(member))
}

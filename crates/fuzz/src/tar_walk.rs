//! The walk over tar, held to a plain reader of the same bytes.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use tarquet_archive::{
    Archive, ArchiveError, Damage, Extent, Member, MemberKind, Place, SpoolOptions, Walk, WalkError,
};

use crate::Verdict;
use crate::memory::in_memory;
use crate::plain_tar::{Reading, is_tar, mend_checksums, read};

/// In the first byte: wrong checksums are mended, so that damage elsewhere is reached.
const MEND: u8 = 1;
/// In the first byte: the archive is read in order, into a spool, and not in place.
const IN_ORDER: u8 = 2;
/// In the first byte: blocks of zeros between members are ignored.
const IGNORE_ZEROS: u8 = 4;
/// Behind these three, the first byte says which members are located, over and over.
const LOCATED: u8 = 3;

/// Walks over an archive: the same members, at the same places, with the same bytes, the same refusals and the same
/// damage as a plain reader finds, and the same behind the end, whichever members are located, in place as in a spool,
/// and where blocks of zeros are ignored as where they are not.
///
/// The first byte says how; the archive is what follows.
///
/// # Panics
///
/// Where the walk and the plain reader differ.
pub fn tar_walk(data: &[u8]) -> Verdict {
    let Some((&how, tar)) = data.split_first() else {
        return Verdict::Refused;
    };
    let (mut tar, ignores_zeros) = (tar.to_vec(), how & IGNORE_ZEROS != 0);
    if how & MEND != 0 {
        mend_checksums(&mut tar, ignores_zeros);
    }
    if is_compressed(&tar) {
        return Verdict::Refused;
    }
    let archive = open(in_memory(&tar), how & IN_ORDER != 0);
    if !is_tar(&tar) {
        let error = archive.expect_err("this is no tar");
        assert!(matches!(error, ArchiveError::NotAnArchive { .. }), "{error}");
        return Verdict::Refused;
    }
    let mut walk = archive
        .and_then(|archive| archive.walk(SpoolOptions::default()))
        .expect("this is a tar");
    if ignores_zeros {
        walk.ignore_zeros();
    }
    let expected = read(&tar, ignores_zeros);
    let located = |index: u64| how >> LOCATED & 1 << (index % 5) != 0;
    let (members, damage) = walked(&mut walk, &tar, located);
    assert_eq!(members, expected.members);
    assert_eq!(damage, damage_of(&expected));
    if damage.is_none() {
        assert_eq!(walk.has_unmarked_end(), expected.unmarked_end);
        let after_end = walk.after_end().map(|after| (after.place.file, after.is_header));
        assert_eq!(after_end, expected.after_end);
    }
    Verdict::of(damage.is_none())
}

/// Whether these bytes begin as gzip (RFC 1952) or zstd (RFC 8878), so that they may be that too, though they are a tar.
fn is_compressed(head: &[u8]) -> bool {
    let skippable = |head: &[u8]| matches!(head, [0x50..=0x5F, 0x2A, 0x4D, 0x18, ..]);
    head.starts_with(&[0x1F, 0x8B]) || head.starts_with(&[0x28, 0xB5, 0x2F, 0xFD]) || skippable(head)
}

fn open(file: File, in_order: bool) -> Result<Archive, ArchiveError> {
    if in_order {
        Archive::stream(file)
    } else {
        Archive::open(&PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd())))
    }
}

/// Walks to the end or to damage, and looks at the bytes of some members.
fn walked(walk: &mut Walk, tar: &[u8], located: impl Fn(u64) -> bool) -> (Vec<Member>, Option<Damage>) {
    let (mut members, releaser) = (Vec::new(), walk.releaser());
    loop {
        let member = match walk.next() {
            Ok(Some(member)) => member,
            Ok(None) => return (members, None),
            Err(error) => return (members, Some(damage(error))),
        };
        members.push(member.clone());
        if member.kind != MemberKind::File || !located(member.index) {
            continue;
        }
        match walk.locate(&member, &mut |full| panic!("nothing else is stored: {full:?}")) {
            Ok(extents) => {
                assert!(bytes(walk, &extents) == body(tar, &member), "{member:?}");
                releaser.release(&extents);
            }
            Err(error) => return (members, Some(damage(error))),
        }
    }
}

fn damage(error: WalkError) -> Damage {
    match error {
        WalkError::Damage(damage) => damage,
        other => panic!("memory can be read: {other}"),
    }
}

/// What extents hold.
fn bytes(walk: &Walk, extents: &[Extent]) -> Vec<u8> {
    let source = walk
        .source()
        .expect("a source")
        .try_clone_to_owned()
        .expect("another descriptor");
    let source = File::from(source);
    let read = |extent: &Extent| {
        let mut bytes = vec![0; extent.len as usize];
        source.read_exact_at(&mut bytes, extent.offset).expect("bytes to read");
        bytes
    };
    extents.iter().flat_map(read).collect()
}

/// The bytes of a member that is whole.
fn body<'a>(tar: &'a [u8], member: &Member) -> &'a [u8] {
    &tar[member.data_offset as usize..][..member.size as usize]
}

/// What the walk has to say of what a plain reader met.
fn damage_of(reading: &Reading) -> Option<Damage> {
    let broken = reading.damage.as_ref()?;
    let last = reading.members.last().cloned().map(Box::new);
    Some(Damage {
        place: Place {
            file: broken.at,
            is_exact: true,
            stream: None,
        },
        kind: broken.kind.clone(),
        member: last.filter(|_| broken.in_member),
    })
}

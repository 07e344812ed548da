//! How the crate reads an archive, through what it gives its users.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use tarquet_archive::{Archive, Damage, Member, MemberKind, SpoolOptions, Walk, WalkError};

/// All that is in an archive.
pub(crate) struct Listing {
    /// The members, and of files the CRC-32 of their bytes.
    pub(crate) members: Vec<(Member, Option<u32>)>,
    /// Where and why the walk stopped early.
    pub(crate) damage: Option<Damage>,
}

/// Reads an archive.
///
/// # Errors
///
/// Why it is none, in our words.
pub(crate) fn read(archive: &Path) -> Result<Listing, String> {
    Ok(read_walk(archive, walk(archive)?))
}

/// Reads an archive and those behind it.
pub(crate) fn read_ignoring_zeros(archive: &Path) -> Listing {
    let mut walk = walk(archive).expect("an archive");
    walk.ignore_zeros();
    read_walk(archive, walk)
}

fn walk(archive: &Path) -> Result<Walk, String> {
    let opened = Archive::open(archive).map_err(|error| error.to_string())?;
    Ok(opened.walk(SpoolOptions::default()).expect("room for a spool"))
}

fn read_walk(archive: &Path, mut walk: Walk) -> Listing {
    let mut members = Vec::new();
    let damage = loop {
        match next(&mut walk) {
            Ok(Some(member)) => members.push(member),
            Ok(None) => break None,
            Err(WalkError::Damage(damage)) => break Some(damage),
            Err(error) => panic!("{}: {error}", archive.display()),
        }
    };
    Listing { members, damage }
}

fn next(walk: &mut Walk) -> Result<Option<(Member, Option<u32>)>, WalkError> {
    let Some(member) = walk.next()? else { return Ok(None) };
    let is_file = member.kind == MemberKind::File;
    let crc = is_file.then(|| checksum(walk, &member)).transpose()?;
    Ok(Some((member, crc)))
}

/// Reads a member where workers would.
fn checksum(walk: &mut Walk, member: &Member) -> Result<u32, WalkError> {
    let extents = walk.locate(member, &mut |_| panic!("nothing else is stored"))?;
    let source = File::from(
        walk.source()
            .expect("a source")
            .try_clone_to_owned()
            .expect("a duplicate descriptor"),
    );
    let mut hasher = crc32fast::Hasher::new();
    for extent in &extents {
        let mut bytes = vec![0; extent.len as usize];
        source
            .read_exact_at(&mut bytes, extent.offset)
            .expect("an extent's bytes");
        hasher.update(&bytes);
    }
    walk.releaser().release(&extents);
    Ok(hasher.finalize())
}

//! What the tests share: archives on disk, and reading them back.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use flate2::Compression;
use tarquet_archive::{Archive, Damage, Extent, Member, MemberKind, Prefix, SLOT_BYTES, SpoolOptions, Walk, WalkError};
use twox_hash::XxHash3_64;

use crate::build::Expected;

/// A directory that is gone after the test.
pub(crate) struct Scratch {
    directory: tempfile::TempDir,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        Self {
            directory: tempfile::tempdir().expect("a directory for temporary files"),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Writes a file of this name.
    pub(crate) fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, bytes).expect("a temporary file");
        path
    }

    /// Writes an archive and opens it.
    pub(crate) fn archive(&self, bytes: &[u8]) -> Archive {
        Archive::open(&self.file("archive", bytes)).expect("an archive")
    }
}

/// Compresses into one gzip member.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Compression::new(4));
    encoder.write_all(bytes).expect("memory to write to");
    encoder.finish().expect("memory to write to")
}

/// Compresses into one zstd frame with a checksum.
pub(crate) fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = zstd_safe::CCtx::create();
    encoder
        .set_parameter(zstd_safe::CParameter::ChecksumFlag(true))
        .expect("a parameter that there is");
    let mut frame = vec![0; zstd_safe::compress_bound(bytes.len())];
    let len = encoder.compress2(&mut frame[..], bytes).expect("memory to write to");
    frame.truncate(len);
    frame
}

/// Bytes that do not compress. Generator: SplitMix64 (Steele, Lea, Flood 2014).
pub(crate) fn noise(len: usize) -> Vec<u8> {
    let mut state = 0_u64;
    let mut word = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)).to_le_bytes()
    };
    let mut bytes: Vec<u8> = (0..len.div_ceil(8)).flat_map(|_| word()).collect();
    bytes.truncate(len);
    bytes
}

/// A spool of so many slots.
pub(crate) fn slots(count: u64) -> SpoolOptions {
    SpoolOptions {
        capacity: count * SLOT_BYTES,
    }
}

/// The reading end of a pipe into which somebody writes these bytes, in pieces of these sizes over and over, and which
/// ends then.
pub(crate) fn pipe(bytes: &[u8], sizes: &[usize]) -> File {
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    let mut rest = bytes.to_vec();
    let sizes = sizes.to_vec();
    std::thread::spawn(move || {
        for size in sizes.into_iter().cycle() {
            let piece: Vec<u8> = rest.drain(..size.min(rest.len())).collect();
            match writer.write_all(&piece) {
                // Whoever has seen enough closes its end.
                Err(error) if error.kind() == ErrorKind::BrokenPipe => return,
                result => result.expect("a pipe to write to"),
            }
            if rest.is_empty() {
                return;
            }
        }
    });
    File::from(OwnedFd::from(reader))
}

/// Where the archives of other projects are, beside the checkout.
pub(crate) fn corpora() -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpora")).to_owned()
}

/// Every file of the corpora of tar readers, by its path below the corpora. None where they are not beside the checkout.
pub(crate) fn corpus() -> Vec<String> {
    let mut files = Vec::new();
    let mut folders: Vec<PathBuf> = ["tar-rs", "astral-tokio-tar", "go-archive-tar", "cpython-tarfile"]
        .map(PathBuf::from)
        .into();
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(corpora().join(&folder)) else {
            continue;
        };
        for entry in entries {
            let entry = entry.expect("a readable folder");
            let path = folder.join(entry.file_name());
            if entry.path().is_dir() {
                folders.push(path);
            } else if !entry.file_name().to_string_lossy().starts_with("LICENSE") {
                files.push(path.to_str().expect("a UTF-8 path").to_owned());
            }
        }
    }
    files.sort();
    files
}

/// Says something that is to be seen: that a test was skipped, or a table of differences.
#[expect(clippy::print_stderr, reason = "it is to be seen")]
pub(crate) fn say(text: &str) {
    eprintln!("{text}");
}

/// Everything that a walk gives.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Listing {
    pub(crate) members: Vec<(Member, Vec<u8>)>,
    /// What ended it, when that was not the archive's end.
    pub(crate) damage: Option<Damage>,
}

impl Listing {
    /// The members as the builder would have described them.
    pub(crate) fn expected(&self) -> Vec<Expected> {
        let describe = |(member, body): &(Member, Vec<u8>)| Expected {
            name: member.name.clone(),
            kind: member.kind,
            header_offset: member.header_offset,
            data_offset: member.data_offset,
            body: body.clone(),
        };
        self.members.iter().map(describe).collect()
    }
}

/// Walks an archive to its end and reads the bytes of every regular file.
pub(crate) fn read_all(archive: &Archive) -> Listing {
    let mut walk = archive.walk(SpoolOptions::default()).expect("a walk");
    let listing = read_walk(&mut walk).expect("the archive can be read");
    if let (None, Some(len)) = (&listing.damage, archive.len()) {
        assert_eq!(walk.consumed(), len);
    }
    listing
}

/// Walks to the end and reads the bytes of every regular file.
pub(crate) fn read_walk(walk: &mut Walk) -> Result<Listing, WalkError> {
    let mut members = Vec::new();
    let damage = loop {
        match next(walk) {
            Ok(Some(member)) => members.push(member),
            Ok(None) => break None,
            Err(WalkError::Damage(damage)) => break Some(damage),
            Err(error) => return Err(error),
        }
    };
    if let Some(damage) = &damage {
        let again = walk.next();
        assert!(
            matches!(&again, Err(WalkError::Damage(same)) if same == damage),
            "damage is final: {again:?}"
        );
    } else {
        assert!(matches!(walk.next(), Ok(None)), "an end is final");
    }
    assert!(
        members
            .iter()
            .enumerate()
            .all(|(at, (member, _))| member.index == at as u64)
    );
    Ok(Listing { members, damage })
}

/// The next member with its bytes.
fn next(walk: &mut Walk) -> Result<Option<(Member, Vec<u8>)>, WalkError> {
    let Some(member) = walk.next()? else { return Ok(None) };
    let bytes = if member.kind == MemberKind::File {
        read_member(walk, &member)?
    } else {
        Vec::new()
    };
    Ok(Some((member, bytes)))
}

/// Reads a member through the descriptor that workers get, and gives its room back.
pub(crate) fn read_member(walk: &mut Walk, member: &Member) -> Result<Vec<u8>, WalkError> {
    let extents = walk.locate(member, &mut |_| panic!("nothing else is stored"))?;
    let bytes = read_extents(&reader(walk), &extents);
    walk.releaser().release(&extents);
    assert_eq!(bytes.len() as u64, member.size);
    Ok(bytes)
}

/// A duplicate of the descriptor that workers get.
pub(crate) fn reader(walk: &Walk) -> File {
    File::from(
        walk.source()
            .expect("a source")
            .try_clone_to_owned()
            .expect("a duplicate descriptor"),
    )
}

/// Reads byte ranges as a worker does.
pub(crate) fn read_extents(file: &File, extents: &[Extent]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for extent in extents {
        let start = bytes.len();
        bytes.resize(start + extent.len as usize, 0);
        file.read_exact_at(&mut bytes[start..], extent.offset)
            .expect("an extent's bytes");
    }
    bytes
}

/// The bytes of which a hash is the seed of the next.
const BLOCK: usize = 256 * 1024;

/// The prefix of this many bytes.
pub(crate) fn prefix(bytes: &[u8], len: usize) -> Prefix {
    let blocks = bytes[..len].chunks(BLOCK);
    Prefix {
        bytes: len as u64,
        hash: blocks.fold(0, XxHash3_64::oneshot_with_seed),
    }
}

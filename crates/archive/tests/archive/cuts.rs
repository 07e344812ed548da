//! An archive that is cut anywhere: what is before the cut is given, and the cut is told.

use std::fs::{File, OpenOptions};

use tarquet_archive::{Archive, ArchiveError, DamageKind, LooksLike};

use crate::build::{BLOCK, Dialect, Expected, Spec, Tar, Twist};
use crate::support::{Listing, Scratch, gzip, noise, read_all, zstd};

fn sample() -> Tar {
    let spec = |dialect, name: &str, flag, len: usize, twist| Spec {
        dialect,
        name: name.to_owned(),
        flag,
        body: (0..len).map(|at| b'a' + (at % 23) as u8).collect(),
        twist,
    };
    let mut tar = Tar::of(&[
        spec(Dialect::V7, "old.json", b'0', 700, Twist::None),
        spec(Dialect::Ustar, "dir/", b'5', 0, Twist::None),
        spec(Dialect::Gnu, &"long/".repeat(30), b'0', 512, Twist::Base256),
        spec(Dialect::Pax, "pax.json", b'0', 10, Twist::PaxSize),
        spec(Dialect::Pax, "global.json", b'0', 0, Twist::Global),
    ]);
    tar.end(2);
    tar
}

/// Cuts a file to every length, from the longest down, and calls `check` with each.
fn at_every_cut(bytes: &[u8], check: impl Fn(usize, Result<Listing, ArchiveError>)) {
    let scratch = Scratch::new();
    let path = scratch.file("archive", bytes);
    let file: File = OpenOptions::new().write(true).open(&path).expect("the temporary file");
    for len in (0..bytes.len()).rev() {
        file.set_len(len as u64).expect("a shorter file");
        check(len, Archive::open(&path).map(|archive| read_all(&archive)));
    }
}

#[test]
fn a_tar_cut_at_any_byte() {
    let tar = sample();
    let end_of = |member: &Expected| member.data_offset as usize + member.body.len();
    let members_end = tar.expected.last().map_or(0, Expected::next_header) as usize;
    // A global header belongs to no member, so a cut after it is not inside one.
    let mut boundaries: Vec<usize> = tar
        .expected
        .iter()
        .map(|member| member.header_offset as usize)
        .collect();
    boundaries.push(tar.expected[3].next_header() as usize);
    at_every_cut(&tar.bytes, |len, result| {
        let Ok(listing) = result else {
            assert!(len < BLOCK, "a whole first header is an archive, at {len}");
            return;
        };
        assert!(len >= BLOCK);
        let whole: Vec<Expected> = tar
            .expected
            .iter()
            .filter(|member| end_of(member) <= len)
            .cloned()
            .collect();
        assert_eq!(listing.expected(), whole, "cut at {len}");
        let clean = len >= members_end || boundaries.contains(&len);
        assert_eq!(listing.damage.is_none(), clean, "cut at {len}: {:?}", listing.damage);
        if let Some(damage) = listing.damage {
            assert_eq!((damage.place.file, damage.place.stream), (len as u64, None));
            check_cut(&tar, len, &damage);
        }
    });
}

/// Whether damage at a cut says which part of the archive the cut went through.
fn check_cut(tar: &Tar, len: usize, damage: &tarquet_archive::Damage) {
    let inside = tar.expected.iter().find(|member| {
        let start = member.data_offset as usize;
        (start..start + member.body.len()).contains(&len)
    });
    assert_eq!(
        damage.member.as_ref().map(|member| &member.name),
        inside.map(|member| &member.name),
        "cut at {len}"
    );
    let fits = match &damage.kind {
        DamageKind::CutBody { missing } => {
            inside.is_some_and(|member| len + *missing as usize == member.data_offset as usize + member.body.len())
        }
        DamageKind::CutHeader | DamageKind::CutMetadata | DamageKind::CutPadding | DamageKind::DanglingMetadata => {
            inside.is_none()
        }
        _ => false,
    };
    assert!(fits, "cut at {len}: {damage}");
}

#[test]
fn a_gzip_cut_at_any_byte() {
    let tar = sample();
    compressed_and_cut(&tar, &gzip(&tar.bytes), 2, &DamageKind::CutGzip);
}

#[test]
fn a_zstd_cut_at_any_byte() {
    let tar = sample();
    compressed_and_cut(&tar, &zstd(&tar.bytes), 4, &DamageKind::CutZstd);
}

/// `magic` is how many bytes it takes to know how it is compressed.
fn compressed_and_cut(tar: &Tar, compressed: &[u8], magic: usize, cut: &DamageKind) {
    at_every_cut(compressed, |len, result| match result {
        Ok(listing) => {
            let read = listing.expected();
            assert_eq!(read, tar.expected[..read.len()], "cut at {len}");
            let damage = listing.damage.unwrap_or_else(|| panic!("the cut at {len} is not told"));
            assert_eq!((&damage.kind, damage.place.file), (cut, len as u64), "cut at {len}");
        }
        Err(ArchiveError::Damaged { damage, .. }) => {
            assert_eq!((&damage.kind, damage.place.file), (cut, len as u64), "cut at {len}");
        }
        Err(ArchiveError::NotAnArchive { looks_like, .. }) => {
            assert!(len < magic, "at {len} it is known how it is compressed");
            assert_eq!(looks_like == LooksLike::Empty, len == 0);
        }
        Err(other) => panic!("cut at {len}: {other}"),
    });
}

/// Members of more than what is decompressed at once: those before the cut come although the cut was already seen.
#[test]
fn a_gzip_cut_behind_what_is_read_ahead() {
    let body = noise(1_000_000);
    let spec = |name: &str| Spec {
        dialect: Dialect::Ustar,
        name: name.to_owned(),
        flag: b'0',
        body: body.clone(),
        twist: Twist::None,
    };
    let tar = Tar::of(&[spec("first"), spec("second"), spec("third")]);
    let compressed = gzip(&tar.bytes);
    let listing = read_all(&Scratch::new().archive(&compressed[..compressed.len() - compressed.len() / 6]));
    assert_eq!(listing.expected(), tar.expected[..2]);
    let damage = listing.damage.expect("the cut is told");
    assert_eq!(damage.kind, DamageKind::CutGzip);
    assert_eq!(damage.member.map(|member| member.name), Some(b"third".to_vec()));
}

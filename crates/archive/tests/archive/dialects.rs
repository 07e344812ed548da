//! Every dialect of tar, from writers of ours and from the `tar` crate, read back as it was written.

use proptest::prelude::*;
use tarquet_archive::{DamageKind, MemberKind, Refusal};

use crate::build::{BLOCK, Dialect, Header, Spec, Tar, Twist, record, specs};
use crate::support::{Scratch, gzip, read_all, zstd};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_mixture_of_dialects_is_read_back(specs in specs(8), blocks in 2..20_usize) {
        let mut tar = Tar::of(&specs);
        tar.end(blocks);
        let scratch = Scratch::new();
        for bytes in [tar.bytes.clone(), gzip(&tar.bytes), zstd(&tar.bytes)] {
            let listing = read_all(&scratch.archive(&bytes));
            prop_assert_eq!(&listing.damage, &None);
            prop_assert_eq!(&listing.expected(), &tar.expected);
        }
    }

    #[test]
    fn what_the_tar_crate_writes_is_read_back(
        members in prop::collection::vec(("([a-z]{1,9}/){0,30}[a-z]{1,9}", prop::collection::vec(any::<u8>(), 0..2000)), 1..8),
        gnu in any::<bool>(),
    ) {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, body) in &members {
            let mut header = if gnu { tar::Header::new_gnu() } else { tar::Header::new_ustar() };
            header.set_size(body.len() as u64);
            if !gnu {
                builder.append_pax_extensions([("path", name.as_bytes())]).expect("memory to write to");
                header.set_path("stand-in").expect("a short name");
                header.set_cksum();
                builder.append(&header, body.as_slice()).expect("memory to write to");
            } else {
                builder.append_data(&mut header, name, body.as_slice()).expect("a valid name");
            }
        }
        let bytes = builder.into_inner().expect("memory to write to");
        let listing = read_all(&Scratch::new().archive(&bytes));
        prop_assert_eq!(&listing.damage, &None);
        let read: Vec<_> = listing.members.into_iter().map(|(member, body)| (member.name, body)).collect();
        let written: Vec<_> = members.into_iter().map(|(name, body)| (name.into_bytes(), body)).collect();
        prop_assert_eq!(read, written);
    }

    #[test]
    fn no_flipped_bit_of_a_tar_leads_outside_of_it(specs in specs(4), at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let mut tar = Tar::of(&specs);
        tar.end(2);
        let at = at.index(tar.bytes.len());
        tar.bytes[at] ^= 1 << bit;
        if at < BLOCK {
            return Ok(()); // The first header decides whether it is an archive at all.
        }
        let listing = read_all(&Scratch::new().archive(&tar.bytes));
        let mut end = 0;
        for (member, _) in &listing.members {
            prop_assert!(member.header_offset >= end && member.data_offset > member.header_offset);
            end = member.data_offset + member.size;
            prop_assert!(end <= tar.bytes.len() as u64);
        }
    }
}

/// A regular file to write.
pub(crate) fn file(name: &str, body: &[u8]) -> Spec {
    Spec {
        dialect: Dialect::Ustar,
        name: name.to_owned(),
        flag: b'0',
        body: body.to_vec(),
        twist: Twist::None,
    }
}

/// What a hand-made beginning does to the file `after.json` that follows it.
#[derive(Debug, PartialEq)]
enum Fate {
    /// Its name, the kind of what is before it, if anything is, and whether it is there.
    Read(Vec<(String, MemberKind)>),
    /// The walk ends with damage of this kind, at this byte.
    Damaged(DamageKind, u64),
}

fn fate(tar: &Tar) -> Fate {
    let listing = read_all(&Scratch::new().archive(&tar.bytes));
    match listing.damage {
        Some(damage) => Fate::Damaged(damage.kind, damage.place.file),
        None => Fate::Read(
            listing
                .members
                .into_iter()
                .map(|(member, _)| (String::from_utf8_lossy(&member.name).into_owned(), member.kind))
                .collect(),
        ),
    }
}

/// An archive that begins as `begin` says and goes on with `after.json`.
fn tar_of(begin: impl FnOnce(&mut Tar)) -> Tar {
    let mut tar = Tar::default();
    begin(&mut tar);
    tar.add(&file("after.json", b"{}"));
    tar.end(2);
    tar
}

fn with_header(flag: u8, size: u64, body: &[u8]) -> Tar {
    tar_of(|tar| {
        tar.bytes
            .extend(Header::new(flag).put(0, b"odd").octal(size).finish(false));
        tar.padded(body);
    })
}

#[test]
fn what_cannot_be_read_is_refused_and_passed_over() {
    let refused = |refusal| {
        Fate::Read(vec![
            ("odd".to_owned(), MemberKind::Refused(refusal)),
            ("after.json".to_owned(), MemberKind::File),
        ])
    };
    assert_eq!(fate(&with_header(b'S', 600, &[1; 600])), refused(Refusal::Sparse));
    assert_eq!(fate(&with_header(b'M', 600, &[1; 600])), refused(Refusal::Continuation));
    assert_eq!(fate(&with_header(b'N', 600, &[1; 600])), refused(Refusal::OldLongNames));
    assert_eq!(
        fate(&with_header(b'?', 600, &[1; 600])),
        refused(Refusal::UnknownType(b'?'))
    );
    let pax = |records: Vec<u8>| {
        tar_of(|tar| {
            tar.meta(b'x', &records);
            tar.add(&file("stand-in", &[1; 600]));
        })
    };
    let sparse = [record("GNU.sparse.name", b"odd"), record("GNU.sparse.major", b"1")].concat();
    assert_eq!(fate(&pax(sparse)), refused(Refusal::Sparse));
    let nul = fate(&pax(record("path", b"od\0d")));
    assert_eq!(
        nul,
        Fate::Read(vec![
            ("od\0d".to_owned(), MemberKind::Refused(Refusal::NulInName)),
            ("after.json".to_owned(), MemberKind::File)
        ])
    );
}

#[test]
fn the_map_of_an_old_sparse_member_may_go_on_in_more_blocks() {
    let tar = tar_of(|tar| {
        tar.bytes
            .extend(Header::new(b'S').put(0, b"odd").octal(600).put(482, &[1]).finish(false));
        let mut block = [7; BLOCK];
        tar.bytes.extend(block);
        block[504] = 0;
        tar.bytes.extend(block);
        tar.padded(&[1; 600]);
    });
    let listing = read_all(&Scratch::new().archive(&tar.bytes));
    let places: Vec<_> = listing
        .members
        .iter()
        .map(|(member, _)| (member.header_offset, member.data_offset))
        .collect();
    assert_eq!((places, listing.damage), (vec![(0, 1536), (2560, 3072)], None));
}

#[test]
fn what_has_no_bytes_has_none_whatever_it_claims() {
    for flag in *b"15" {
        let listing = read_all(&Scratch::new().archive(&with_header(flag, 600, b"").bytes));
        let sizes: Vec<_> = listing.members.iter().map(|(member, _)| member.size).collect();
        assert_eq!(
            (sizes, listing.damage),
            (vec![0, 2], None),
            "type {:?}",
            char::from(flag)
        );
    }
    for flag in *b"2346" {
        let claimed = Fate::Damaged(DamageKind::ClaimedBytes { size: 600 }, 0);
        assert_eq!(
            fate(&with_header(flag, 600, b"")),
            claimed,
            "type {:?}",
            char::from(flag)
        );
    }
    let dump = fate(&with_header(b'D', 600, &[1; 600]));
    assert!(matches!(dump, Fate::Read(members) if members.len() == 2 && members[0].1 == MemberKind::Directory));
    let label = fate(&with_header(b'V', 0, b""));
    assert!(matches!(label, Fate::Read(members) if members.len() == 2 && members[0].1 == MemberKind::VolumeLabel));
}

#[test]
fn a_directory_of_v7_is_told_by_its_slash() {
    let slash = |flag| {
        let header = Header::new(flag).put(0, b"dir.json/").octal(0).finish(false);
        let tar = Tar {
            bytes: header.to_vec(),
            ..Tar::default()
        };
        read_all(&Scratch::new().archive(&tar.bytes)).members[0].0.kind
    };
    assert_eq!((slash(b'\0'), slash(b'0')), (MemberKind::Directory, MemberKind::File));
}

#[test]
fn metadata_is_for_the_member_that_follows() {
    let names = |begin: &dyn Fn(&mut Tar)| match fate(&tar_of(begin)) {
        Fate::Read(members) => members.into_iter().map(|(name, _)| name).collect::<Vec<_>>(),
        damaged => panic!("{damaged:?}"),
    };
    let path = |name: &str| record("path", name.as_bytes());
    assert_eq!(names(&|tar| tar.meta(b'L', b"long\0rest")), ["long"]);
    assert_eq!(names(&|tar| tar.meta(b'x', &path("pax"))), ["pax"]);
    assert_eq!(names(&|tar| tar.meta(b'X', &path("sun"))), ["sun"]);
    assert_eq!(names(&|tar| tar.meta(b'g', &path("global"))), ["global"]);
    let both = |first: u8, second: u8| {
        names(&|tar| {
            for flag in [first, second] {
                let body = if flag == b'L' { b"long\0".to_vec() } else { path("pax") };
                tar.meta(flag, &body);
            }
        })
    };
    assert_eq!(
        (both(b'L', b'x'), both(b'x', b'L')),
        (vec!["pax".to_owned()], vec!["pax".to_owned()])
    );
    let twice = |first: Vec<u8>, second: Vec<u8>| {
        names(&|tar| {
            tar.meta(b'x', &first);
            tar.meta(b'x', &second);
        })
    };
    assert_eq!(twice(path("one"), path("two")), ["two"]);
    assert_eq!(
        twice(path("one"), record("comment", b"two")),
        ["after.json"],
        "a PAX header replaces one before it"
    );
    let over = names(&|tar| {
        tar.meta(b'g', &path("global"));
        tar.meta(b'x', &path("local"));
        tar.add(&file("first", b""));
    });
    assert_eq!(over, ["local", "global"]);
    let between = names(&|tar| {
        tar.meta(b'x', &path("local"));
        tar.meta(b'g', &path("global"));
        tar.add(&file("first", b""));
    });
    assert_eq!(between, ["local", "global"]);
    let taken_back = names(&|tar| {
        tar.meta(b'g', &path("global"));
        tar.meta(b'g', &record("path", b""));
    });
    assert_eq!(taken_back, [""], "an empty name, as others read it");
}

#[test]
fn what_cannot_be_located_is_damage() {
    use tarquet_archive::{HeaderFault, PaxFault};
    let header = |size: &[u8]| tar_of(|tar| tar.bytes.extend(Header::new(b'0').put(124, size).finish(false)));
    let cases = [
        (header(b"0000000009x\0"), DamageKind::Header(HeaderFault::Size), 0),
        (header(&[0xFF; 12]), DamageKind::Header(HeaderFault::SizeRange), 0),
        (
            header(b"\x80\0\0\0\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"),
            DamageKind::Header(HeaderFault::SizeRange),
            0,
        ),
        (
            tar_of(|tar| tar.meta(b'x', b"12 path=abc")),
            DamageKind::Pax(PaxFault::Extent),
            0,
        ),
        (
            tar_of(|tar| tar.meta(b'g', b"path=abc\n")),
            DamageKind::Pax(PaxFault::Length),
            0,
        ),
        (
            tar_of(|tar| tar.meta(b'x', b"12 size=1e3\n")),
            DamageKind::Pax(PaxFault::Size),
            0,
        ),
        (
            tar_of(|tar| tar.meta(b'x', &record("size", b""))),
            DamageKind::Pax(PaxFault::Size),
            0,
        ),
        (
            tar_of(|tar| tar.meta(b'g', &record("size", b"77"))),
            DamageKind::GlobalSize { global: 77, header: 2 },
            1024,
        ),
        (
            tar_of(|tar| tar.meta(b'L', &[b'a'; 1024 * 1024 + 1])),
            DamageKind::MetadataTooLarge { size: 1024 * 1024 + 1 },
            0,
        ),
        (
            tar_of(|tar| {
                tar.add(&file("first", b"12"));
                tar.bytes.extend([b'x'; BLOCK]);
            }),
            DamageKind::Header(HeaderFault::Checksum),
            1024,
        ),
        (
            tar_of(|tar| {
                tar.add(&file("first", b"12"));
                tar.bytes.extend([0; BLOCK]);
            }),
            DamageKind::LoneZeroBlock,
            1024,
        ),
    ];
    for (tar, kind, at) in cases {
        assert_eq!(fate(&tar), Fate::Damaged(kind, at));
    }
}

#[test]
fn metadata_of_up_to_the_limit_is_read() {
    let name = "a".repeat(1024 * 1024);
    let tar = tar_of(|tar| tar.meta(b'L', name.as_bytes()));
    assert_eq!(fate(&tar), Fate::Read(vec![(name, MemberKind::File)]));
}

#[test]
fn a_global_size_counts_only_where_it_changes_nothing() {
    let global = |size: &[u8], local: &[u8]| {
        tar_of(|tar| {
            tar.meta(b'g', &record("size", size));
            tar.meta(b'x', local);
        })
    };
    let read = Fate::Read(vec![("after.json".to_owned(), MemberKind::File)]);
    assert_eq!(fate(&global(b"2", &record("comment", b"equal"))), read);
    assert_eq!(
        fate(&global(b"77", &record("size", b"2"))),
        read,
        "the member's own record holds"
    );
    let damaged = Fate::Damaged(DamageKind::GlobalSize { global: 77, header: 2 }, 2048);
    assert_eq!(fate(&global(b"77", &record("comment", b"not equal"))), damaged);
}

#[test]
fn nothing_after_the_end_marker_is_a_member() {
    let mut tar = tar_of(|_| {});
    let whole = tar.bytes.clone();
    tar.bytes.extend(whole);
    tar.bytes.extend(b"and junk");
    let once = Fate::Read(vec![("after.json".to_owned(), MemberKind::File)]);
    assert_eq!(fate(&tar), once);
    tar.bytes = gzip(&tar.bytes);
    assert_eq!(fate(&tar), once);
}

#[test]
fn an_archive_may_be_empty() {
    for blocks in [1, 2, 20] {
        let tar = Tar {
            bytes: vec![0; blocks * BLOCK],
            ..Tar::default()
        };
        assert_eq!(fate(&tar), Fate::Read(Vec::new()));
        assert_eq!(
            fate(&Tar {
                bytes: gzip(&tar.bytes),
                ..tar
            }),
            Fate::Read(Vec::new())
        );
    }
}

#[test]
fn headers_that_say_different_things_of_one_member_are_refused() {
    use tarquet_archive::PaxFault;
    let of = |metadata: &[(u8, Vec<u8>)]| {
        fate(&tar_of(|tar| {
            metadata.iter().for_each(|(flag, body)| tar.meta(*flag, body));
        }))
    };
    let read = |name: &str, kind| Fate::Read(vec![(name.to_owned(), kind)]);
    let two = MemberKind::Refused(Refusal::TwoNames);
    let path = |name: &str| (b'x', record("path", name.as_bytes()));
    let size = |size: &str| (b'x', record("size", size.as_bytes()));
    let long = |name: &str| (b'L', format!("{name}\0").into_bytes());
    assert_eq!(of(&[path("a"), path("b")]), read("b", two));
    assert_eq!(of(&[long("a"), long("b")]), read("b", two));
    assert_eq!(of(&[long("a"), path("b")]), read("b", two));
    assert_eq!(of(&[long("a"), path("b"), long("a")]), read("b", two));
    assert_eq!(of(&[(b'g', record("path", b"a")), long("b")]), read("a", two));
    for same in [
        vec![path("a"), path("a")],
        vec![long("a"), path("a"), long("a")],
        vec![(b'x', record("comment", b"b")), path("a")],
    ] {
        assert_eq!(of(&same), read("a", MemberKind::File), "{same:?}");
    }
    // tarfile goes by the first of them, and GNU tar by the last.
    assert_eq!(of(&[path("b"), long("a")]), read("b", MemberKind::File));
    let sizes = Fate::Damaged(DamageKind::Pax(PaxFault::TwoSizes), 2048);
    assert_eq!(of(&[size("2"), size("3")]), sizes);
    assert_eq!(of(&[size("2"), path("a")]), sizes);
    assert_eq!(of(&[size("2"), size("2")]), read("after.json", MemberKind::File));
    let sparse = (b'x', record("GNU.sparse.major", b"1"));
    assert_eq!(
        of(&[sparse, path("a")]),
        read("a", MemberKind::Refused(Refusal::Sparse)),
        "whichever it is of"
    );
    let global = (b'g', record("GNU.sparse.major", b"1"));
    assert_eq!(of(&[global]), Fate::Damaged(DamageKind::Pax(PaxFault::GlobalSparse), 0));
    let repeats = (b'g', [record("path", b"a"), record("path", b"a")].concat());
    assert_eq!(
        of(&[repeats]),
        Fate::Damaged(DamageKind::Pax(PaxFault::GlobalRepeats), 0)
    );
    for keyword in ["path", "GNU.volume.filename"] {
        let global = |length| (b'g', record(keyword, &vec![b'n'; length]));
        assert_eq!(
            of(&[global(4097)]),
            Fate::Damaged(DamageKind::Pax(PaxFault::GlobalName), 0)
        );
        assert!(matches!(of(&[global(4096)]), Fate::Read(_)), "{keyword}");
    }
}

#[test]
fn a_volume_begins_with_the_rest_of_a_file_and_goes_on_with_others() {
    let tar = tar_of(|tar| {
        tar.meta(b'g', &record("GNU.volume.filename", b"big.json"));
        tar.add(&file("GNUFileParts/big.json.2", b"rest"));
    });
    let members = [
        ("big.json", MemberKind::Refused(Refusal::Continuation)),
        ("after.json", MemberKind::File),
    ];
    let read = members.map(|(name, kind)| (name.to_owned(), kind)).to_vec();
    assert_eq!(fate(&tar), Fate::Read(read));
}

#[test]
fn no_size_is_larger_than_a_file_can_have() {
    use tarquet_archive::HeaderFault;
    let tar = |size: u64| {
        tar_of(|tar| {
            tar.bytes
                .extend(Header::new(b'0').put(0, b"odd").base_256(size).finish(false))
        })
    };
    let out_of_range = Fate::Damaged(DamageKind::Header(HeaderFault::SizeRange), 0);
    assert_eq!(fate(&tar(1 << 63)), out_of_range);
    assert_eq!(fate(&tar((1 << 63) - 1)), out_of_range, "with its header it is more");
    let blanks = tar_of(|tar| tar.bytes.extend(Header::new(b'0').put(124, &[b' '; 12]).finish(false)));
    assert_eq!(fate(&blanks), Fate::Damaged(DamageKind::Header(HeaderFault::Size), 0));
}

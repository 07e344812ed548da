//! Directories of loose files, taken as archives.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use tarquet_archive::{Archive, Container, MemberKind, Parts, SpoolOptions, Walk, WalkError};
use tempfile::TempDir;

use crate::support::read_member;

/// A directory with these files, whose directories are made.
fn directory(files: &[(&str, &[u8])]) -> TempDir {
    let directory = TempDir::new().expect("a directory");
    for (name, content) in files {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
        fs::write(path, content).expect("a file");
    }
    directory
}

fn walk(directory: &TempDir) -> Walk {
    let archive = Archive::open(directory.path()).expect("a directory");
    assert_eq!(archive.container(), Container::Files);
    archive.walk(SpoolOptions::default()).expect("a walk")
}

/// The names, kinds and bytes of all members.
fn all(walk: &mut Walk) -> Vec<(String, MemberKind, Vec<u8>)> {
    let mut members = Vec::new();
    while let Some(member) = walk.next().expect("it can be read") {
        let bytes = match member.kind {
            MemberKind::File => read_member(walk, &member).expect("its bytes"),
            _ => Vec::new(),
        };
        members.push((String::from_utf8(member.name).expect("a name"), member.kind, bytes));
    }
    members
}

#[test]
fn files_at_any_depth_come_in_the_order_of_their_names() {
    // A slash is behind a dot and before a digit.
    let files: [(&str, &[u8]); 7] = [
        ("a/b/c.json", b"1"),
        ("a.json", b"22"),
        ("a0.json", b""),
        ("a/z.json", b"333"),
        (".hidden", b"4"),
        ("b.json", &[5; 3 << 20]),
        ("a/b.json", b"6"),
    ];
    let directory = directory(&files);
    symlink("b.json", directory.path().join("link.json")).expect("a link");
    symlink("a", directory.path().join("linked")).expect("a link");
    fs::create_dir(directory.path().join("empty")).expect("a directory");
    let found = all(&mut walk(&directory));
    let names: Vec<&str> = found.iter().map(|(name, ..)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            ".hidden",
            "a.json",
            "a/b.json",
            "a/b/c.json",
            "a/z.json",
            "a0.json",
            "b.json",
            "link.json",
            "linked"
        ]
    );
    for (name, kind, bytes) in &found {
        match files.iter().find(|(file, _)| file == name) {
            Some((_, content)) => assert_eq!((*kind, bytes.as_slice()), (MemberKind::File, *content), "{name}"),
            None => assert_eq!(*kind, MemberKind::SymbolicLink, "{name}"),
        }
    }
}

#[test]
fn a_file_that_changes_behind_the_listing_ends_the_walk() {
    let change: [fn(&Path); 4] = [
        |path| fs::write(path, "other").expect("a file"),
        |path| fs::write(path, "longer").expect("a file"),
        |path| fs::remove_file(path).expect("it is there"),
        |path| {
            fs::remove_file(path).expect("it is there");
            symlink("/etc/passwd", path).expect("a link");
        },
    ];
    for change in change {
        let directory = directory(&[("a.json", b"first"), ("b.json", b"after")]);
        let mut walk = walk(&directory);
        let member = walk.next().expect("a listing").expect("a member");
        change(&directory.path().join("a.json"));
        let error = walk.locate(&member, &mut |_| {}).expect_err("another file");
        assert!(
            matches!(&error, WalkError::Changed { path } if path.ends_with("a.json")),
            "{error}"
        );
        assert!(matches!(walk.next(), Err(WalkError::Closed)));
    }
}

#[test]
fn a_file_that_grows_while_it_is_read_ends_the_walk() {
    let directory = directory(&[("a.ndjson", &[b'\n'; 10])]);
    let mut walk = walk(&directory);
    let member = walk.next().expect("a listing").expect("a member");
    assert_eq!(walk.locate_parts(&member).expect("a file"), Parts::InOrder);
    let part = walk.store_part(5, 0, &mut |_| {}).expect("its bytes");
    fs::write(directory.path().join("a.ndjson"), [b'\n'; 11]).expect("a file");
    let error = walk.store_part(5, 5, &mut |_| {}).expect_err("another file");
    assert!(matches!(error, WalkError::Changed { .. }), "{error}");
    walk.releaser().release(&part.extents);
}

#[test]
fn a_file_that_may_not_be_read_costs_itself_alone() {
    let directory = directory(&[("a.json", b"1"), ("b.json", b"2"), ("c.json", b"3")]);
    let path = directory.path().join("b.json");
    fs::set_permissions(&path, Permissions::from_mode(0o000)).expect("it is ours");
    // Root may read everything.
    let may_be_read = fs::File::open(&path).is_ok();
    let mut walk = walk(&directory);
    for is_readable in [true, may_be_read, true] {
        let member = walk.next().expect("a listing").expect("a member");
        let located = walk.locate(&member, &mut |_| {});
        match &located {
            Ok(extents) => walk.releaser().release(extents),
            Err(error) => assert!(matches!(error, WalkError::Unreadable { .. }), "{error}"),
        }
        assert_eq!(located.is_ok(), is_readable);
    }
    assert_eq!(walk.next().expect("a listing"), None);
}

#[test]
fn a_directory_in_it_can_be_left_out() {
    let directory = directory(&[("a.json", b"1"), ("out/summary.json", b"2"), ("z/out/b.json", b"3")]);
    let out = directory.path().join("z/../out");
    let archive = Archive::directory(directory.path(), Some(&out)).expect("a directory");
    let found = all(&mut archive.walk(SpoolOptions::default()).expect("a walk"));
    let names: Vec<&str> = found.iter().map(|(name, ..)| name.as_str()).collect();
    assert_eq!(names, ["a.json", "z/out/b.json"]);
}

#[test]
fn a_fingerprint_tells_names_lengths_and_content() {
    let of = |files: &[(&str, &[u8])]| {
        let directory = directory(files);
        let archive = Archive::open(directory.path()).expect("a directory");
        archive.fingerprint().expect("it can be read").expect("it has one")
    };
    let files: [(&str, &[u8]); 3] = [("a", b"one"), ("b", b""), ("c/d", b"three")];
    assert_eq!(of(&files), of(&files), "whatever the times are");
    assert_eq!(of(&files).len, 8);
    let others: [[(&str, &[u8]); 3]; 4] = [
        [("a", b"one"), ("b", b""), ("c/e", b"three")],
        [("a", b"one"), ("b", b"t"), ("c/d", b"hree")],
        [("a", b"onE"), ("b", b""), ("c/d", b"three")],
        [("a", b"one"), ("b", b""), ("c", b"three")],
    ];
    for other in others {
        assert_ne!(of(&files), of(&other), "{other:?}");
    }
    assert_eq!(of(&[]).len, 0);
}

//! The spool, used as a run uses it: one thread walks, others read and release.

use std::collections::BTreeSet;
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::sync::mpsc;
use std::thread;

use tarquet_archive::{
    Archive, Extent, Member, Parts, Releaser, SLOT_BYTES, Spool, SpoolFull, SpoolOptions, Walk, WalkError,
};

use crate::build::{Dialect, Spec, Tar, Twist};
use crate::support::{Scratch, gzip, noise, read_extents, reader, slots};

/// The bytes of the member at this position: different for each, and cheap to make.
fn body(index: u64, len: u64) -> Vec<u8> {
    (0..len)
        .map(|at| ((at / 8).wrapping_mul(31).wrapping_add(index * 131) >> (at % 8)) as u8)
        .collect()
}

/// A gzip archive of members of these sizes.
fn archive(scratch: &Scratch, sizes: &[u64]) -> Archive {
    let mut tar = Tar::default();
    for (index, &len) in sizes.iter().enumerate() {
        let (name, body) = (format!("{index}.json"), body(index as u64, len));
        tar.add(&Spec {
            dialect: Dialect::Ustar,
            name,
            flag: b'0',
            body,
            twist: Twist::None,
        });
    }
    tar.end(2);
    scratch.archive(&gzip(&tar.bytes))
}

/// Sizes from nothing to several slots, small ones more often.
fn mixed_sizes(count: u64) -> Vec<u64> {
    let size = |at: u64| match at % 7 {
        0 => at * 13 % 50,
        1 | 2 => at * 977 % 20_000,
        3 => SLOT_BYTES - 512 + at % 3,
        4 | 5 => at * 104_729 % 300_000,
        _ => at * 104_729 % (3 * SLOT_BYTES),
    };
    (0..count).map(size).collect()
}

fn next(walk: &mut Walk) -> Option<Member> {
    walk.next().expect("a whole archive")
}

fn store(walk: &mut Walk, member: &Member) -> Vec<Extent> {
    walk.locate(member, &mut |_| {}).expect("a whole archive")
}

fn stored(extents: &[Extent]) -> u64 {
    extents.iter().map(|extent| extent.len).sum()
}

/// A worker: reads what it is sent, and gives it back. It holds back one small member until it has read the next one,
/// so that slots are not freed in the order in which they were filled. Returns how many members it read.
fn read_and_release(tasks: &mpsc::Receiver<(Member, Vec<Extent>)>, releaser: &Releaser, source: &File) -> usize {
    let mut held = Vec::new();
    let mut read = 0;
    for (member, extents) in tasks {
        assert_eq!(read_extents(source, &extents), body(member.index, member.size));
        read += 1;
        let small = member.size < 20_000;
        let done = if small {
            std::mem::replace(&mut held, extents)
        } else {
            extents
        };
        releaser.release(&done);
    }
    releaser.release(&held);
    read
}

#[test]
fn many_readers_release_in_any_order_and_memory_stays_bounded() {
    // Three readers may hold back one member of two slots each; the largest member needs four more, and one is current.
    const SLOTS: u64 = 12;
    let sizes = mixed_sizes(120);
    let scratch = Scratch::new();
    let mut walk = archive(&scratch, &sizes).walk(slots(SLOTS)).expect("a walk");
    let (senders, readers): (Vec<_>, Vec<_>) = (0..3)
        .map(|_| {
            let (sender, tasks) = mpsc::channel();
            let (releaser, source) = (walk.releaser(), reader(&walk));
            (
                sender,
                thread::spawn(move || read_and_release(&tasks, &releaser, &source)),
            )
        })
        .unzip();
    let (mut wanted, mut offsets) = (0, BTreeSet::new());
    while let Some(member) = next(&mut walk) {
        if member.index % 5 == 0 {
            continue; // Not wanted: passed over.
        }
        let extents = store(&mut walk, &member);
        assert!(
            walk.spool_bytes() <= SLOTS * SLOT_BYTES,
            "member {}: {}",
            member.index,
            walk.spool_bytes()
        );
        assert_eq!(stored(&extents), member.size);
        offsets.extend(extents.iter().map(|extent| extent.offset / SLOT_BYTES));
        senders[wanted % senders.len()]
            .send((member, extents))
            .expect("a reader");
        wanted += 1;
    }
    drop(senders);
    let read: usize = readers
        .into_iter()
        .map(|reader| reader.join().expect("a reader without a failure"))
        .sum();
    assert_eq!((read, wanted), (96, 96));
    assert!(
        sizes.iter().sum::<u64>() > 2 * SLOTS * SLOT_BYTES,
        "slots had to be used again"
    );
    assert!(offsets.len() as u64 <= SLOTS);
}

#[test]
fn small_members_share_slots_and_touching_extents_are_one() {
    let scratch = Scratch::new();
    let mut walk = archive(&scratch, &[300, 0, 200, 3 * SLOT_BYTES])
        .walk(slots(8))
        .expect("a walk");
    let mut all = Vec::new();
    while let Some(member) = next(&mut walk) {
        all.push(store(&mut walk, &member));
    }
    let extent = |offset, len| vec![Extent { offset, len }];
    assert_eq!(
        all,
        [extent(0, 300), vec![], extent(300, 200), extent(500, 3 * SLOT_BYTES)]
    );
    assert_eq!(walk.spool_bytes(), 4 * SLOT_BYTES);
    // Joined across members: bytes are what is released, not extents.
    walk.releaser().release(&extent(0, 500 + 3 * SLOT_BYTES));
    assert_eq!(
        walk.spool_bytes(),
        4 * SLOT_BYTES,
        "free slots stay for the next members"
    );
}

#[test]
fn the_caller_is_told_once_before_it_waits() {
    let scratch = Scratch::new();
    let sizes = [SLOT_BYTES, SLOT_BYTES, 2 * SLOT_BYTES];
    let mut walk = archive(&scratch, &sizes).walk(slots(2)).expect("a walk");
    let releaser = walk.releaser();
    let mut held: Vec<Vec<Extent>> = Vec::new();
    for _ in 0..2 {
        let member = next(&mut walk).expect("a member");
        held.push(store(&mut walk, &member));
    }
    let last = next(&mut walk).expect("a member");
    let mut told = Vec::new();
    let mut release_all = |full: SpoolFull| {
        told.push(full.stored);
        held.drain(..).for_each(|extents| releaser.release(&extents));
    };
    let extents = walk
        .locate(&last, &mut release_all)
        .expect("room after all was released");
    assert_eq!(told, [2 * SLOT_BYTES]);
    assert_eq!(read_extents(&reader(&walk), &extents), body(2, 2 * SLOT_BYTES));
}

#[test]
fn a_member_larger_than_the_spool_grows_it_once_it_is_alone() {
    let scratch = Scratch::new();
    let sizes = [1000, 7 * SLOT_BYTES + 5, 1000];
    let mut walk = archive(&scratch, &sizes).walk(slots(2)).expect("a walk");
    let (releaser, source) = (walk.releaser(), reader(&walk));
    let first = next(&mut walk).expect("a member");
    let held = store(&mut walk, &first);
    let large = next(&mut walk).expect("a member");
    let mut waits = 0;
    let extents = walk
        .locate(&large, &mut |_| {
            waits += 1;
            releaser.release(&held);
        })
        .expect("a member alone always finds room");
    assert_eq!(waits, 1, "it waited for the other member to go");
    assert_eq!(read_extents(&source, &extents), body(1, sizes[1]));
    assert!(walk.spool_bytes() <= 9 * SLOT_BYTES, "{}", walk.spool_bytes());
    releaser.release(&extents);
    assert_eq!(walk.spool_bytes(), 2 * SLOT_BYTES);
    assert!(memory_of(&walk) <= 2 * SLOT_BYTES, "the system has its memory back");
    let last = next(&mut walk).expect("a member");
    let extents = store(&mut walk, &last);
    assert_eq!(read_extents(&source, &extents), body(2, 1000));
}

/// How much memory the spool's file really has, in bytes.
fn memory_of(walk: &Walk) -> u64 {
    reader(walk).metadata().expect("the spool's file").blocks() * 512
}

#[test]
fn without_limit_everything_is_held_and_later_given_back() {
    let sizes = mixed_sizes(60);
    let scratch = Scratch::new();
    let mut walk = archive(&scratch, &sizes).walk(slots(2)).expect("a walk");
    walk.set_unlimited(true);
    let mut held = Vec::new();
    while held.len() < 50 {
        let member = next(&mut walk).expect("a member");
        let extents = walk
            .locate(&member, &mut |_| panic!("no limit, no wait"))
            .expect("a whole archive");
        held.push((member, extents));
    }
    let total: u64 = sizes[..50].iter().sum();
    assert!(
        walk.spool_bytes() >= total && walk.spool_bytes() < total + SLOT_BYTES,
        "{}",
        walk.spool_bytes()
    );
    walk.set_unlimited(false);
    let source = reader(&walk);
    for (member, extents) in held.iter().rev() {
        assert_eq!(read_extents(&source, extents), body(member.index, member.size));
        walk.releaser().release(extents);
    }
    assert!(walk.spool_bytes() <= 2 * SLOT_BYTES);
    assert!(memory_of(&walk) <= 2 * SLOT_BYTES);
    while let Some(member) = next(&mut walk) {
        let extents = store(&mut walk, &member);
        assert_eq!(
            read_extents(&source, &extents),
            body(member.index, member.size),
            "in a slot that is used again"
        );
        walk.releaser().release(&extents);
    }
}

#[test]
fn a_wait_ends_when_the_walk_is_closed() {
    let scratch = Scratch::new();
    let mut walk = archive(&scratch, &[SLOT_BYTES, 10]).walk(slots(1)).expect("a walk");
    let first = next(&mut walk).expect("a member");
    let _held = store(&mut walk, &first);
    let second = next(&mut walk).expect("a member");
    let releaser = walk.releaser();
    let (about_to_wait, waits) = mpsc::channel();
    let closer = thread::spawn(move || {
        waits.recv().expect("the walk waits");
        releaser.close();
    });
    let result = walk.locate(&second, &mut |_| about_to_wait.send(()).expect("a closer"));
    closer.join().expect("a closer without a failure");
    assert!(matches!(result, Err(WalkError::Closed)), "{result:?}");
    assert!(matches!(walk.next(), Err(WalkError::Closed)));
}

#[test]
fn a_closed_walk_gives_nothing_more() {
    let mut tar = Tar::default();
    for name in ["a", "b"] {
        let (name, body) = (name.to_owned(), Vec::new());
        tar.add(&Spec {
            dialect: Dialect::V7,
            name,
            flag: b'0',
            body,
            twist: Twist::None,
        });
    }
    let scratch = Scratch::new();
    for bytes in [tar.bytes.clone(), gzip(&tar.bytes)] {
        let mut walk = scratch.archive(&bytes).walk(slots(1)).expect("a walk");
        let member = next(&mut walk).expect("a member");
        walk.releaser().close();
        let located = walk.locate(&member, &mut |_| {});
        assert!(matches!(located, Err(WalkError::Closed)), "{located:?}");
        assert!(matches!(walk.next(), Err(WalkError::Closed)));
    }
}

#[test]
fn a_member_is_located_once_and_before_the_next() {
    let scratch = Scratch::new();
    let located_again = |pass: bool| {
        let mut walk = archive(&scratch, &[10, 10]).walk(slots(1)).expect("a walk");
        let first = next(&mut walk).expect("a member");
        if pass {
            next(&mut walk);
        } else {
            store(&mut walk, &first);
        }
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| store(&mut walk, &first))).is_err()
    };
    assert!(located_again(false) && located_again(true));
}

#[test]
fn a_member_that_is_cut_leaves_nothing_stored() {
    let mut tar = Tar::default();
    let body = noise(1_500_000);
    tar.add(&Spec {
        dialect: Dialect::Ustar,
        name: "cut".to_owned(),
        flag: b'0',
        body,
        twist: Twist::None,
    });
    let bytes = gzip(&tar.bytes);
    let scratch = Scratch::new();
    let mut walk = scratch
        .archive(&bytes[..bytes.len() / 10 * 9])
        .walk(slots(2))
        .expect("a walk");
    let member = next(&mut walk).expect("a header before the cut");
    let error = walk.locate(&member, &mut |_| {}).expect_err("the member is cut");
    assert!(
        matches!(&error, WalkError::Damage(damage) if damage.member.as_deref() == Some(&member)),
        "{error}"
    );
    let releaser = walk.releaser();
    let released = std::panic::catch_unwind(move || releaser.release(&[Extent { offset: 0, len: 1 }]));
    assert!(released.is_err(), "a byte was still stored");
}

#[test]
fn the_spool_cannot_be_written_through_the_descriptor_that_is_handed_out() {
    use std::os::unix::fs::FileExt;
    let scratch = Scratch::new();
    let mut walk = archive(&scratch, &[100]).walk(slots(1)).expect("a walk");
    let member = next(&mut walk).expect("a member");
    let _extents = store(&mut walk, &member);
    assert!(reader(&walk).write_at(b"x", 0).is_err());
    assert!(reader(&walk).set_len(0).is_err());
}

/// A member of any size goes through a spool of one slot, part by part, and every byte of it is what it is.
#[test]
fn a_large_member_goes_through_a_small_spool() {
    let content: Vec<u8> = (0..600_000_u32)
        .flat_map(|number| format!("{number}\n").into_bytes())
        .collect();
    let mut tar = Tar::default();
    tar.add(&Spec {
        dialect: Dialect::Ustar,
        name: "a.ndjson".to_owned(),
        flag: b'0',
        body: content.clone(),
        twist: Twist::None,
    });
    tar.end(2);
    let scratch = Scratch::new();
    let mut walk = scratch.archive(&gzip(&tar.bytes)).walk(slots(1)).unwrap();
    let member = walk.next().unwrap().unwrap();
    assert_eq!(walk.locate_parts(&member).unwrap(), Parts::InOrder);
    let (releaser, source) = (walk.releaser(), reader(&walk));
    let mut read = 0;
    while read < content.len() {
        let size = (content.len() - read).min(100_000);
        let part = walk
            .store_part(size as u64, 0, &mut |full| panic!("there is room: {full:?}"))
            .unwrap();
        let expected = &content[read..read + size];
        assert_eq!(read_extents(&source, &part.extents), expected);
        let behind = |position: usize| position as u64 + 1;
        assert_eq!(
            part.first_line,
            expected.iter().position(|byte| *byte == b'\n').map(behind)
        );
        assert_eq!(
            part.all_lines,
            expected.iter().rposition(|byte| *byte == b'\n').map(behind)
        );
        assert!(!part.is_compressed);
        assert!(walk.spool_bytes() <= SLOT_BYTES, "{}", walk.spool_bytes());
        releaser.release(&part.extents);
        read += size;
    }
    assert!(walk.next().unwrap().is_none());
}

/// What lies in a plain tar is not taken for what is stored of another archive.
#[test]
fn archives_share_a_spool_one_after_the_other() {
    let scratch = Scratch::new();
    let mut tar = Tar::default();
    tar.add(&Spec {
        dialect: Dialect::Ustar,
        name: "a.json".to_owned(),
        flag: b'0',
        body: body(0, 3_000),
        twist: Twist::None,
    });
    tar.end(2);
    let tar = tar.bytes;
    let archives = [
        ("1.tar.gz", gzip(&tar)),
        ("2.tar", tar.clone()),
        ("3.tar.gz", gzip(&tar)),
    ];
    let mut spool = Spool::new(SpoolOptions { capacity: SLOT_BYTES }).expect("memory");
    let mut stored = Vec::new();
    for (name, bytes) in archives {
        let archive = Archive::open(&scratch.file(name, &bytes)).expect("an archive");
        let mut walk = archive.walk_in(spool).expect("a walk");
        let member = walk.next().expect("it can be read").expect("a member");
        let extents = walk
            .locate(&member, &mut |_| panic!("there is room"))
            .expect("its bytes");
        match walk.is_in_place() {
            true => walk.releaser().release(&extents),
            false => stored.extend(extents),
        }
        spool = walk.take_spool();
        assert!(matches!(walk.next(), Err(WalkError::Closed)));
    }
    assert_eq!(stored.iter().map(|extent| extent.len).sum::<u64>(), 6_000);
    spool.releaser().release(&stored);
}

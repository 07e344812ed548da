//! Power that is lost: only what was fsynced is left.
//!
//! The strictest file system that `fsync(2)` allows: a file's contents are those of its last fsync, a directory has the
//! names of its last fsync, and whatever was neither is gone. Real ones keep more, and sometimes in another order; a run
//! that goes on from here owes nothing to luck.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::fs::{self, File};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tarquet_dataset::failpoint::arm;
use tarquet_dataset::{Depth, Existing, verify};

use crate::scenario::{check_completes, check_whole, is_older, run, undisturbed, write_older};
use crate::support::{say, scratch};

/// What is durable.
#[derive(Debug)]
struct Disk {
    /// Where it begins; what is above is of no interest.
    root: PathBuf,
    /// Contents by inode.
    files: HashMap<u64, Vec<u8>>,
    /// Names by directory.
    directories: HashMap<PathBuf, BTreeMap<OsString, Entry>>,
}

#[derive(Debug, Clone, Copy)]
enum Entry {
    Directory,
    File(u64),
}

impl Disk {
    /// A disk with all that is in `root` now.
    fn of(root: &Path) -> Disk {
        let mut disk = Disk {
            root: root.to_owned(),
            files: HashMap::new(),
            directories: HashMap::new(),
        };
        disk.settle(root);
        disk
    }

    /// Takes note of a successful fsync.
    fn synced(&mut self, file: &File) {
        let link = format!("/proc/self/fd/{}", file.as_raw_fd());
        let metadata = file.metadata().expect("it is open");
        if metadata.is_dir() {
            let path = fs::read_link(link).expect("it is open");
            if !path.starts_with(&self.root) {
                return;
            }
            let names = fs::read_dir(&path).expect("lists").map(|entry| {
                let entry = entry.expect("an entry");
                let metadata = entry.metadata().expect("looks");
                let what = if metadata.is_dir() {
                    Entry::Directory
                } else {
                    Entry::File(metadata.ino())
                };
                (entry.file_name(), what)
            });
            let names = names.collect();
            self.directories.insert(path, names);
        } else {
            // Through /proc, because the descriptor may be for writing alone.
            self.files.insert(metadata.ino(), fs::read(link).expect("reads"));
        }
    }

    /// All of `dir` as it is: what an older run left was made durable long ago.
    fn settle(&mut self, dir: &Path) {
        for entry in fs::read_dir(dir).expect("lists") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                self.settle(&path);
            } else {
                self.synced(&File::open(&path).expect("opens"));
            }
        }
        self.synced(&File::open(dir).expect("opens"));
    }

    /// Makes `to` what is left of `from`.
    fn restore(&self, from: &Path, to: &Path) {
        fs::create_dir_all(to).expect("creates");
        for (name, entry) in self.directories.get(from).into_iter().flatten() {
            let (from, to) = (from.join(name), to.join(name));
            match entry {
                Entry::Directory => self.restore(&from, &to),
                Entry::File(inode) => {
                    let contents = self.files.get(inode).map_or(&[][..], Vec::as_slice);
                    fs::write(to, contents).expect("writes");
                }
            }
        }
    }
}

/// Runs in a directory that `prepare` made, or nobody, until the power is lost at a call, and gives what is left to `check`;
/// over and over, until the run ends before that call. With `killed_at`, another run was killed at that fsync before, which loses
/// nothing of what the kernel has and nobody fsynced.
fn lose_power_everywhere(existing: Existing, killed_at: Option<u64>, prepare: fn(&Path), check: impl Fn(&Path, &str)) {
    for number in 1.. {
        let what = format!("killed at fsync {killed_at:?}, power lost at call {number}");
        let (before, after) = (scratch(), scratch());
        let armed = arm("any:0:crash");
        let dir = before.path().join("out");
        prepare(&dir);
        drop(armed);
        let disk = Arc::new(Mutex::new(Disk::of(before.path())));
        let run_until = |op: &str, call: u64| {
            let armed = arm(&format!("{op}:{call}:crash"));
            let noted = Arc::clone(&disk);
            armed.on_fsync(move |file| noted.lock().expect("no panic").synced(file));
            run(&dir, existing).is_ok()
        };
        if let Some(call) = killed_at {
            run_until("fsync", call);
        }
        let ended = run_until("any", number);
        let _alone = arm("any:0:crash");
        disk.lock().expect("no panic").restore(before.path(), after.path());
        let left = after.path().join("out");
        if ended {
            // What a run said that it ended with is there for good.
            let verified = verify(&left, Depth::Full).unwrap_or_else(|error| panic!("{what}: {error}"));
            assert!(verified.finished && verified.faults.is_empty(), "{what}: {verified:?}");
        }
        check(&left, &what);
        if ended {
            say(&format!("power was lost at {} calls", number - 1));
            return;
        }
    }
}

#[test]
fn a_run_that_loses_power_anywhere_goes_on() {
    let expected = {
        let _alone = arm("any:0:crash");
        undisturbed()
    };
    lose_power_everywhere(
        Existing::Resume,
        None,
        |_| {},
        |dir, what| {
            check_whole(dir);
            check_completes(dir, Existing::Resume, &expected, what);
        },
    );
}

#[test]
fn an_overwriting_that_loses_power_anywhere_can_be_completed() {
    let expected = {
        let _alone = arm("any:0:crash");
        undisturbed()
    };
    lose_power_everywhere(Existing::Overwrite, None, write_older, |dir, what| {
        let existing = if is_older(dir) {
            Existing::Overwrite
        } else {
            Existing::Resume
        };
        check_completes(dir, existing, &expected, what);
    });
}

/// A process that is killed leaves names and contents that only the kernel has. The run that goes on may not take them
/// for durable.
#[test]
fn a_killed_run_that_then_loses_power_goes_on() {
    /// Each of the first, which follow on the making of directories, and then every so many.
    const FIRST: u64 = 4;
    const STRIDE: usize = 11;
    let (expected, fsyncs) = {
        let armed = arm("fsync:0:crash");
        (undisturbed(), armed.calls())
    };
    for killed_at in (1..FIRST).chain((FIRST..fsyncs).step_by(STRIDE)) {
        lose_power_everywhere(
            Existing::Resume,
            Some(killed_at),
            |_| {},
            |dir, what| {
                check_whole(dir);
                check_completes(dir, Existing::Resume, &expected, what);
            },
        );
    }
}

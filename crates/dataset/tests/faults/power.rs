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

use tarquet_dataset::Existing;
use tarquet_dataset::failpoint::arm;

use crate::scenario::{check_completes, check_whole, is_older, run, undisturbed, write_older};
use crate::support::{say, scratch};

/// What is durable.
#[derive(Debug, Default)]
struct Disk {
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
    /// Takes note of a successful fsync.
    fn synced(&mut self, file: &File) {
        let link = format!("/proc/self/fd/{}", file.as_raw_fd());
        let metadata = file.metadata().expect("it is open");
        if metadata.is_dir() {
            let path = fs::read_link(link).expect("it is open");
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

/// Runs in a fresh directory that `prepare` made until the power is lost at a call, and gives what is left to `check`;
/// over and over, until the run ends before that call.
fn lose_power_everywhere(existing: Existing, prepare: fn(&Path), check: impl Fn(&Path, &str)) {
    for number in 1.. {
        let what = format!("power lost at call {number}");
        let (before, after) = (scratch(), scratch());
        let armed = arm("any:0:crash");
        prepare(before.path());
        drop(armed);
        let disk = Arc::new(Mutex::new(Disk::default()));
        disk.lock().expect("no panic").settle(before.path());
        let armed = arm(&format!("any:{number}:crash"));
        let noted = Arc::clone(&disk);
        armed.on_fsync(move |file| noted.lock().expect("no panic").synced(file));
        let ended = run(before.path(), existing).is_ok();
        drop(armed);
        let _alone = arm("any:0:crash");
        disk.lock().expect("no panic").restore(before.path(), after.path());
        check(after.path(), &what);
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
    lose_power_everywhere(Existing::Overwrite, write_older, |dir, what| {
        let existing = if is_older(dir) {
            Existing::Overwrite
        } else {
            Existing::Resume
        };
        check_completes(dir, existing, &expected, what);
    });
}

//! File systems that refuse things, made for one test. As root, permissions would refuse nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::say;

/// A mounted file system, unmounted when dropped.
pub(crate) struct Mount {
    at: PathBuf,
}

impl Mount {
    /// A file system in memory of this size. `None`, and a line that says so, where mounting is refused.
    pub(crate) fn small_disk(at: &Path, size: &str) -> Option<Mount> {
        fs::create_dir_all(at).expect("creates");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size}"), "tarquet-test"]);
        Mount::made_by(mount.arg(at), at)
    }

    /// What is in `dir`, at `at` too.
    pub(crate) fn bind(dir: &Path, at: &Path) -> Option<Mount> {
        let mut mount = Command::new("mount");
        Mount::made_by(mount.arg("--bind").arg(dir).arg(at), at)
    }

    /// What is in `dir`, to be read at `at` and not to be written.
    pub(crate) fn read_only(dir: &Path, at: &Path) -> Option<Mount> {
        let mount = Mount::bind(dir, at)?;
        let remounted = Command::new("mount").args(["-o", "remount,bind,ro"]).arg(at).status();
        assert!(remounted.is_ok_and(|status| status.success()), "makes it read-only");
        Some(mount)
    }

    /// Gives a file system in memory another size.
    pub(crate) fn resize(&self, size: &str) {
        let option = format!("remount,size={size}");
        let resized = Command::new("mount").args(["-o", &option]).arg(&self.at).status();
        assert!(resized.is_ok_and(|status| status.success()), "resizes");
    }

    fn made_by(command: &mut Command, at: &Path) -> Option<Mount> {
        if command.output().is_ok_and(|output| output.status.success()) {
            return Some(Mount { at: at.to_owned() });
        }
        say("skipped: this test mounts a file system, which is refused here");
        None
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(&self.at).status();
        assert!(
            unmounted.is_ok_and(|status| status.success()),
            "unmounts {}",
            self.at.display()
        );
    }
}

//! The same with a real process that kills itself.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, ExitStatus};

use tarquet_dataset::Existing;
use tarquet_dataset::failpoint::{FAILPOINT, FAILPOINT_FIFO, arm};

use crate::scenario::{check_completes, check_whole, run, undisturbed};
use crate::support::scratch;

/// Where the run of the child process writes.
const CHILD_DIR: &str = "TARQUET_DATASET_TEST_DIR";

/// Not a test of its own: the process that is killed.
#[test]
#[ignore = "run by the tests below as a process of its own"]
fn child() {
    let Some(dir) = std::env::var_os(CHILD_DIR) else { return };
    run(Path::new(&dir), Existing::Resume).expect("runs");
}

fn child_process(dir: &Path, failpoint: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command
        .args(["killed::child", "--exact", "--ignored"])
        .env(CHILD_DIR, dir)
        .env(FAILPOINT, failpoint)
        .stdout(std::process::Stdio::null());
    command
}

fn run_child(dir: &Path, failpoint: &str) -> ExitStatus {
    child_process(dir, failpoint).status().expect("runs")
}

#[test]
fn a_process_killed_at_any_kind_of_call_goes_on() {
    let _alone = arm("any:0:crash");
    let expected = undisturbed();
    let mut killed = 0;
    for op in ["open", "write", "fsync", "rename", "mkdir", "unlink", "read"] {
        for fault in ["kill", "kill-after"] {
            for number in [1, 2, 3, 5, 8, 13] {
                let what = format!("{op}:{number}:{fault}");
                let dir = scratch();
                let status = run_child(dir.path(), &what);
                match status.signal() {
                    Some(signal) => assert_eq!(signal, 9, "{what}"),
                    None => assert!(status.success(), "{what}: {status}"),
                }
                killed += u32::from(status.signal().is_some());
                check_whole(dir.path());
                check_completes(dir.path(), Existing::Resume, &expected, &what);
            }
        }
    }
    assert!(killed > 60, "only {killed} processes were killed");
}

/// A call that stalls holds the run, and nothing but the run, until someone opens the other end.
#[test]
fn a_stalled_run_goes_on_when_it_is_let() {
    let _alone = arm("any:0:crash");
    let expected = undisturbed();
    let dir = scratch();
    let fifo = dir.path().join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).expect("makes a FIFO");
    let out = dir.path().join("out");
    let mut child = child_process(&out, "fsync:9:stall")
        .env(FAILPOINT_FIFO, &fifo)
        .spawn()
        .expect("starts");
    // Opening a FIFO for writing waits for a reader, which is the stalled call.
    let other_end = std::fs::OpenOptions::new().write(true).open(&fifo).expect("opens");
    assert!(child.try_wait().expect("looks").is_none(), "it waits");
    drop(other_end);
    assert!(child.wait().expect("waits").success());
    check_completes(&out, Existing::Resume, &expected, "fsync:9:stall");
}

//! What workers cannot do, and what is said of it: the ways out that `worker::failpoints::escapes` tries, in the real binary.

#![expect(
    unsafe_code,
    reason = "a filter that a process is to be started under is set between fork and exec"
)]
#![expect(clippy::print_stdout, reason = "each way out is told with what came of it")]

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use serde_json::json;

use crate::support::dataset::assert_same;
use crate::support::documents::{MAP, searches};
use crate::support::{Run, Scene, Tar};

/// What comes of a way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The kernel refuses, with this error, and the worker goes on.
    Refused(&'static str),
    /// The worker dies at this system call.
    Stopped(i64),
}

use End::{Refused, Stopped};

const EACCES: End = Refused("EACCES");

const ENDS: &[(&str, End)] = &[
    ("open", EACCES),
    ("create", EACCES),
    ("open-directory", EACCES),
    ("open-memory-of-parent", EACCES),
    ("reopen-source", EACCES),
    ("openat2", EACCES),
    ("stat", EACCES),
    ("statx", EACCES),
    ("access", EACCES),
    ("readlink", EACCES),
    ("getcwd", EACCES),
    ("unlink", Stopped(libc::SYS_unlinkat)),
    ("rename", Stopped(libc::SYS_renameat2)),
    ("mkdir", Stopped(libc::SYS_mkdirat)),
    ("link", Stopped(libc::SYS_linkat)),
    ("symlink", Stopped(libc::SYS_symlinkat)),
    ("mknod", Stopped(libc::SYS_mknodat)),
    ("chdir", Stopped(libc::SYS_chdir)),
    ("chroot", Stopped(libc::SYS_chroot)),
    ("mount", Stopped(libc::SYS_mount)),
    ("open_tree", Stopped(libc::SYS_open_tree)),
    ("open_by_handle_at", Stopped(libc::SYS_open_by_handle_at)),
    ("inotify", Stopped(libc::SYS_inotify_init1)),
    ("execve", Stopped(libc::SYS_execve)),
    ("execveat", Stopped(libc::SYS_execveat)),
    #[cfg(target_arch = "x86_64")]
    ("fork", Stopped(libc::SYS_fork)),
    #[cfg(target_arch = "x86_64")]
    ("vfork", Stopped(libc::SYS_vfork)),
    ("clone", Stopped(libc::SYS_clone)),
    ("clone3", Stopped(libc::SYS_clone3)),
    ("mprotect-exec", Stopped(libc::SYS_mprotect)),
    ("mmap-exec", Stopped(libc::SYS_mmap)),
    ("mmap-shared", Stopped(libc::SYS_mmap)),
    ("mmap-stack", Stopped(libc::SYS_mmap)),
    ("futex-lends-priority", Stopped(libc::SYS_futex)),
    ("pkey_mprotect", Stopped(libc::SYS_pkey_mprotect)),
    ("memfd_create", Stopped(libc::SYS_memfd_create)),
    ("personality", Stopped(libc::SYS_personality)),
    ("madvise-poison", Stopped(libc::SYS_madvise)),
    ("userfaultfd", Stopped(libc::SYS_userfaultfd)),
    ("bpf", Stopped(libc::SYS_bpf)),
    ("perf_event_open", Stopped(libc::SYS_perf_event_open)),
    ("io_uring_setup", Stopped(libc::SYS_io_uring_setup)),
    ("ptrace", Stopped(libc::SYS_ptrace)),
    ("kill-parent", Stopped(libc::SYS_kill)),
    ("kill-sibling", Stopped(libc::SYS_kill)),
    ("kill-all", Stopped(libc::SYS_kill)),
    ("tgkill-parent", Stopped(libc::SYS_tgkill)),
    ("tkill-parent", Stopped(libc::SYS_tkill)),
    ("sigqueue-parent", Stopped(libc::SYS_rt_sigqueueinfo)),
    ("process_vm_readv", Stopped(libc::SYS_process_vm_readv)),
    ("process_vm_writev", Stopped(libc::SYS_process_vm_writev)),
    ("pidfd_open", Stopped(libc::SYS_pidfd_open)),
    ("pidfd_getfd", Stopped(libc::SYS_pidfd_getfd)),
    ("prlimit-parent", Stopped(libc::SYS_prlimit64)),
    ("setpriority", Stopped(libc::SYS_setpriority)),
    ("keyctl", Stopped(libc::SYS_keyctl)),
    ("shmget", Stopped(libc::SYS_shmget)),
    ("msgget", Stopped(libc::SYS_msgget)),
    ("semget", Stopped(libc::SYS_semget)),
    ("mq_open", Stopped(libc::SYS_mq_open)),
    ("socket-tcp", Stopped(libc::SYS_socket)),
    ("socket-udp", Stopped(libc::SYS_socket)),
    ("socket-unix", Stopped(libc::SYS_socket)),
    ("socket-netlink", Stopped(libc::SYS_socket)),
    ("socketpair", Stopped(libc::SYS_socketpair)),
    ("connect", Stopped(libc::SYS_connect)),
    ("bind", Stopped(libc::SYS_bind)),
    ("tcp-connect", Stopped(libc::SYS_socket)),
    ("tcp-bind", Stopped(libc::SYS_socket)),
    ("sendmsg", Stopped(libc::SYS_sendmsg)),
    ("unshare", Stopped(libc::SYS_unshare)),
    ("setns", Stopped(libc::SYS_setns)),
    ("setuid", Stopped(libc::SYS_setresuid)),
    ("capset", Stopped(libc::SYS_capset)),
    ("prctl-dumpable", Stopped(libc::SYS_prctl)),
    ("prctl-outlive-parent", Stopped(libc::SYS_prctl)),
    ("raise-limit", Stopped(libc::SYS_prlimit64)),
    ("catch-sigsys", Stopped(libc::SYS_rt_sigaction)),
    ("another-filter", Stopped(libc::SYS_seccomp)),
    ("reboot", Stopped(libc::SYS_reboot)),
    ("set-clock", Stopped(libc::SYS_settimeofday)),
    ("syslog", Stopped(libc::SYS_syslog)),
    // It is allowed to write, but its source was opened for reading.
    ("write-source", Refused("EBADF")),
    ("pwrite-source", Stopped(libc::SYS_pwrite64)),
    ("truncate-source", Stopped(libc::SYS_ftruncate)),
    ("chmod-source", Stopped(libc::SYS_fchmod)),
    ("chown-source", Stopped(libc::SYS_fchown)),
    ("touch-source", Stopped(libc::SYS_utimensat)),
    ("label-source", Stopped(libc::SYS_fsetxattr)),
    ("lock-source", Stopped(libc::SYS_flock)),
    ("own-source", Stopped(libc::SYS_fcntl)),
    ("ioctl", Stopped(libc::SYS_ioctl)),
    ("replace-stderr", Stopped(libc::SYS_dup3)),
    ("pipe", Stopped(libc::SYS_pipe2)),
    ("splice", Stopped(libc::SYS_splice)),
    ("sendfile", Stopped(libc::SYS_sendfile)),
    ("foreign-call", Stopped(0x4000_0000 + 39)),
];

const SMALL_MAP: &str = "id: doc\nfeatures: {a: {path: $.a, type: int64}}\n";

/// An archive in which these ways out are tried, one member each, between two that do nothing.
fn archive_of(words: &[&str]) -> Vec<u8> {
    let mut archive = Tar::new().file("1.json", r#"{"a":1}"#);
    for word in words {
        archive = archive.file(&format!("poison-escape-{word}.json"), r#"{"a":2}"#);
    }
    archive.file("3.json", r#"{"a":3}"#).finish()
}

/// What a worker said that came of a way out, as far as it lived to say it.
fn answer<'a>(run: &'a Run, word: &str) -> Option<&'a str> {
    let start = format!("escape {word}: ");
    run.stderr.lines().find_map(|line| Some(line.split_once(&start)?.1))
}

/// Runs an archive with these ways out, and says on standard error what workers say.
fn run(scene: &Scene, words: &[&str], arguments: &[&str]) -> Run {
    scene.write("archive.tar", archive_of(words));
    scene.run(&[&["--workers", "1", "-vv", "--overwrite"], arguments].concat())
}

#[test]
fn there_is_no_way_out() {
    if lacks_something() {
        return;
    }
    let scene = Scene::new(&[], SMALL_MAP);
    for (word, end) in ENDS {
        let run = run(&scene, &[word], &["--sandbox", "require"]);
        let dataset = scene.dataset("out");
        match end {
            Refused(errno) => {
                run.expect_code(0);
                assert_eq!(answer(&run, word), Some(*errno), "{word}: {run:#?}");
            }
            Stopped(call) => {
                run.expect_code(3);
                assert_eq!(answer(&run, word), None, "{word}: {run:#?}");
                let [failed] = &dataset.failed()[..] else {
                    panic!("{word}: {run:#?}");
                };
                assert_eq!(failed["reason"], "crash", "{word}");
                let detail = failed["detail"].as_str().expect("a detail");
                let told = format!("was stopped at system call {call} (");
                assert!(detail.contains(&told), "{word}: {detail}");
                assert!(run.stderr.contains(&told), "{word}: {run:#?}");
            }
        }
        println!("{word}: {end:?}");
        let rows = dataset.rows("a");
        assert_eq!(
            (&rows[0], rows.last()),
            (&json!(["1", 1]), Some(&json!(["3", 3]))),
            "{word}"
        );
    }
}

/// The test above can fail: these are ways out where nothing is in their way.
#[test]
fn without_the_sandbox_there_are_ways_out() {
    let words = [
        "open",
        "openat2",
        "open-directory",
        "getcwd",
        "memfd_create",
        "clone",
        "clone3",
        "kill-parent",
    ];
    let words = [
        &words[..],
        &[
            "socket-tcp",
            "mmap-exec",
            "mprotect-exec",
            "mmap-shared",
            "mmap-stack",
            "futex-lends-priority",
            "chdir",
            "setuid",
            "prctl-dumpable",
        ],
    ]
    .concat();
    let scene = Scene::new(&[], SMALL_MAP);
    let run = run(&scene, &words, &["--sandbox", "off"]);
    for word in &words {
        println!("{word}: {:?}", answer(&run, word));
    }
    // A container may stop some of them by itself.
    let open: Vec<_> = words
        .iter()
        .filter(|word| answer(&run, word) == Some("nothing stops it"))
        .collect();
    assert!(open.len() > words.len() / 2, "{open:?} of {run:#?}");
    assert!(run.stdout.ends_with("sandbox: off\n"), "{run:#?}");
    assert_eq!(scene.dataset("out").summary()["sandbox"], "off");
}

/// Landlock alone, without the filter before it, lets nobody at the file system, the network, or at other processes.
#[test]
fn landlock_holds_by_itself() {
    if lacks_something() {
        return;
    }
    let cases = [
        ("open", "EACCES"),
        ("create", "EACCES"),
        ("open-directory", "EACCES"),
        ("open-memory-of-parent", "EACCES"),
        ("reopen-source", "EACCES"),
        ("openat2", "EACCES"),
        ("execve", "EACCES"),
        ("tcp-connect", "EACCES"),
        ("tcp-bind", "EACCES"),
        ("kill-parent", "EPERM"),
        ("tgkill-parent", "EPERM"),
        ("ptrace", "EPERM"),
    ];
    let words: Vec<&str> = cases.iter().map(|(word, _)| *word).collect();
    let scene = Scene::new(&archive_of(&words), SMALL_MAP);
    let mut command = scene.command("out", &["--workers", "1", "-vv"]);
    let run = Run::of(command.env("TARQUET_TEST_LANDLOCK_ALONE", "1"));
    for (word, errno) in cases {
        assert_eq!(answer(&run, word), Some(errno), "{word}: {run:#?}");
    }
}

/// Whether this system lacks a part of the sandbox, which is then said.
fn lacks_something() -> bool {
    let scene = Scene::new(&archive_of(&[]), SMALL_MAP);
    let run = scene.run(&["--sandbox", "require"]);
    let lacks = run.status.code() == Some(1);
    if lacks {
        println!("SKIPPED: {}", run.stderr);
    }
    lacks
}

#[test]
fn the_summary_says_what_held() {
    let scene = Scene::new(&archive_of(&[]), SMALL_MAP);
    let run = scene.run(&[]);
    run.expect_code(0).expect_quiet_stderr();
    let held = scene.dataset("out").summary()["sandbox"].clone();
    let held = held.as_str().expect("a text");
    assert!(run.stdout.ends_with(&format!("\nsandbox: {held}\n")), "{run:#?}");
    if !lacks_something() {
        assert!(
            held.starts_with("landlock (ABI ") && held.ends_with("), seccomp"),
            "{held}"
        );
    }
    // There is nobody to be held in where there is nothing to read.
    scene.write("archive.tar", Tar::new().finish());
    scene.run(&["--overwrite"]).expect_code(0);
    assert_eq!(scene.dataset("out").summary()["sandbox"], json!(null));
}

#[test]
fn a_sandbox_changes_nothing_that_is_written_and_a_run_may_go_on_with_another() {
    let scene = Scene::new(&searches(300, 20, |_| None), MAP);
    let expected = scene.extract_to("off", &["--sandbox", "off"]).contents();
    for engine in ["structural", "simd-json", "reference"] {
        let dataset = scene.extract_to(engine, &["--engine", engine]);
        assert_same(&expected, &dataset.contents(), engine);
    }
    let finished = Run::of(&mut scene.command("off", &["--resume", "--sandbox", "auto"]));
    finished.expect_code(0);
    assert!(finished.stdout.contains("finished already"), "{finished:#?}");
}

#[test]
fn a_panic_in_the_sandbox_tells_itself_with_whatever_backtrace_it_can_get() {
    let archive = Tar::new()
        .file("1.json", r#"{"a":1}"#)
        .file("poison-panic.json", r#"{"a":2}"#)
        .file("3.json", r#"{"a":3}"#);
    let scene = Scene::new(&archive.finish(), SMALL_MAP);
    for backtrace in ["0", "1", "full"] {
        let mut command = scene.command("out", &["--overwrite", "-vv"]);
        let run = Run::of(command.env("RUST_BACKTRACE", backtrace));
        run.expect_code(3)
            .expect_stderr(&["a member that makes its worker panic", "left with status 101"]);
        let dataset = scene.dataset("out");
        assert_eq!(dataset.rows("a"), [json!(["1", 1]), json!(["3", 3])]);
        assert_eq!(
            dataset.reasons(),
            [("poison-panic.json".to_owned(), "crash".to_owned())]
        );
    }
}

/// A system whose C library makes a call that nobody thought of: not every member is to pay for it.
#[test]
fn a_sandbox_that_stops_member_after_member_stops_the_run() {
    if lacks_something() {
        return;
    }
    let words = ["clone", "mkdir", "chdir", "setns", "pipe", "unshare"];
    let scene = Scene::new(&[], SMALL_MAP);
    let run = run(&scene, &words, &[]);
    let told = [
        "error: the sandbox stops worker after worker",
        "was stopped at system call",
        "which the sandbox does not let through",
        "--sandbox off",
        "--resume",
    ];
    run.expect_code(1).expect_stderr(&told);
    let resumed = scene.run(&["--resume", "--sandbox", "off"]);
    assert!(matches!(resumed.status.code(), Some(0 | 3)), "{resumed:#?}");
    let dataset = scene.dataset("out");
    assert!(dataset.failed().len() < 3, "{resumed:#?}");
    assert_eq!(dataset.rows("a").len(), 2 + words.len() - dataset.failed().len());
}

/// What a container's filter answers to a system call that it does not know or want.
#[derive(Debug, Clone, Copy)]
struct Denial {
    call: libc::c_long,
    errno: i32,
}

/// Has a command run where a system call is denied, as in a container.
fn denying(command: &mut Command, denial: Denial) -> &mut Command {
    let word = |code: u32, k: u32, jt: u8, jf: u8| libc::sock_filter {
        code: code as u16,
        jt,
        jf,
        k,
    };
    let load = word(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0);
    let is_it = word(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, denial.call as u32, 0, 1);
    let answer = |answer: u32| word(libc::BPF_RET | libc::BPF_K, answer, 0, 0);
    let deny = answer(libc::SECCOMP_RET_ERRNO | denial.errno as u32);
    let mut program = [load, is_it, deny, answer(libc::SECCOMP_RET_ALLOW)];
    let set = move || {
        let program = libc::sock_fprog {
            len: 4,
            filter: program.as_mut_ptr(),
        };
        // SAFETY: the program lives as long as the call, which copies it; prctl(2) is safe between fork and exec.
        let done = unsafe {
            libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
                && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) == 0
        };
        if done { Ok(()) } else { Err(io::Error::last_os_error()) }
    };
    // SAFETY: the closure allocates nothing and takes no lock.
    unsafe { command.pre_exec(set) }
}

#[test]
fn where_something_is_lacking_auto_goes_on_and_says_so_and_require_refuses() {
    if lacks_something() {
        return;
    }
    let cases = [
        (
            libc::SYS_landlock_create_ruleset,
            libc::EPERM,
            "no Landlock",
            "seccomp (no Landlock",
        ),
        (
            libc::SYS_landlock_create_ruleset,
            libc::ENOSYS,
            "no Landlock",
            "seccomp (no Landlock",
        ),
        (
            libc::SYS_landlock_create_ruleset,
            libc::EOPNOTSUPP,
            "no Landlock",
            "seccomp (no Landlock",
        ),
        (libc::SYS_seccomp, libc::EPERM, "no seccomp", "landlock (ABI "),
        (libc::SYS_seccomp, libc::ENOSYS, "no seccomp", "landlock (ABI "),
    ];
    let scene = Scene::new(&archive_of(&[]), SMALL_MAP);
    for (call, errno, lacks, held) in cases {
        let denial = Denial { call, errno };
        let mut required = scene.command("refused", &["--sandbox", "require"]);
        let run = Run::of(denying(&mut required, denial));
        run.expect_code(1)
            .expect_stderr(&["error: ", "--sandbox require", lacks, "--sandbox auto"]);
        assert!(!scene.path("refused").exists(), "nothing was begun: {denial:?}");

        let run = Run::of(denying(&mut scene.command("out", &["--overwrite"]), denial));
        run.expect_code(0).expect_quiet_stderr();
        let told = scene.dataset("out").summary()["sandbox"].clone();
        let told = told.as_str().expect("a text");
        assert!(told.starts_with(held) && told.contains(lacks), "{denial:?}: {told}");
        assert!(run.stdout.contains(&format!("sandbox: {told}\n")), "{run:#?}");
    }
}

/// What a system says that it has, and then refuses: workers find that out, before they get anything to read.
#[test]
fn a_system_that_promises_more_than_it_has_is_found_out() {
    if lacks_something() {
        return;
    }
    let scene = Scene::new(&archive_of(&[]), SMALL_MAP);
    let denial = Denial {
        call: libc::SYS_landlock_restrict_self,
        errno: libc::EPERM,
    };
    let run = Run::of(denying(&mut scene.command("out", &["--sandbox", "require"]), denial));
    run.expect_code(1)
        .expect_stderr(&["error: ", "--sandbox require", "no Landlock", "--sandbox auto"]);
    assert!(!scene.path("out/summary.json").exists());
}

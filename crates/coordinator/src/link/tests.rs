//! Real processes in the place of workers.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::sync::mpsc::channel;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use tarquet_wire::sandbox::LAST_WORDS;
use tarquet_wire::start::WORKER_SUBCOMMAND;

use super::*;

/// What a process holds of the system.
#[derive(Debug, PartialEq, Eq)]
struct Holdings {
    descriptors: Vec<OsString>,
    threads: usize,
    children: String,
}

impl Holdings {
    fn of_this_process() -> Holdings {
        // The listing's own descriptor is among them, each time.
        let entries = fs::read_dir("/proc/self/fd").unwrap();
        let mut descriptors: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        descriptors.sort();
        Holdings {
            descriptors,
            threads: fs::read_dir("/proc/self/task").unwrap().count(),
            children: fs::read_to_string("/proc/thread-self/children").unwrap_or_default(),
        }
    }

    /// Those of this process, once no thread is on its way out any more: a joined one stays listed for a moment.
    fn settled(threads: usize) -> Holdings {
        let until = Instant::now() + Duration::from_secs(10);
        loop {
            let holdings = Holdings::of_this_process();
            if holdings.threads <= threads || Instant::now() > until {
                return holdings;
            }
            thread::yield_now();
        }
    }
}

/// Starts a program as the worker with this number.
fn start(number: u64, executable: &str, inputs: &Sender<Input>) -> Link {
    let start = Start {
        executable: Path::new(executable),
        sandbox: Demand::Auto,
        memory: 1 << 30,
        pipe_bytes: 4096,
    };
    Link::start(WorkerId(number), &start, Arc::new(OnceLock::new()), inputs).unwrap()
}

/// Waits for the worker's hangup, and for its end.
fn bury(link: Link, inputs: &Receiver<Input>) -> (Death, Vec<String>) {
    match inputs.recv_timeout(Duration::from_secs(20)).unwrap() {
        Input::Hangup { broken, .. } => link.bury(broken),
        other => panic!("{other:?}"),
    }
}

/// Runs the test `name` in a process of its own, in which no other test opens anything; tells whether this is it.
fn alone(name: &str) -> bool {
    const ALONE: &str = "TARQUET_TEST_ALONE";
    if env::var_os(ALONE).as_deref() == Some(OsStr::new(name)) {
        return true;
    }
    let mut command = Command::new(env::current_exe().unwrap());
    let path = format!("{}::{name}", module_path!().split_once("::").unwrap().1);
    let output = command
        .args(["--exact", &path, "--nocapture"])
        .env(ALONE, name)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    false
}

#[test]
fn a_thousand_workers_leave_nothing_behind() {
    if !alone("a_thousand_workers_leave_nothing_behind") {
        return;
    }
    const STARTS: u64 = 1_000;
    let (inputs, receiver) = channel();
    let before = Holdings::of_this_process();
    for number in 0..STARTS {
        match number % 4 {
            // It leaves by itself.
            0 => assert_eq!(
                bury(start(number, "/bin/true", &inputs), &receiver),
                (Death::Exit(0), vec![])
            ),
            // It fails, since there is no script by the name of its first argument, and says so.
            1 => {
                let (death, lines) = bury(start(number, "/bin/sh", &inputs), &receiver);
                assert!(matches!(death, Death::Exit(1..)), "{death}");
                assert!(lines.concat().contains(WORKER_SUBCOMMAND), "{lines:?}");
            }
            // It speaks nonsense, and would go on with it.
            2 => {
                let (death, _) = bury(start(number, "/usr/bin/yes", &inputs), &receiver);
                assert!(matches!(death, Death::Protocol(_)), "{death}");
            }
            // It is killed without a word.
            _ => {
                drop(start(number, "/usr/bin/yes", &inputs));
                assert!(matches!(receiver.recv(), Ok(Input::Hangup { .. })));
            }
        }
    }
    // One that cannot be started.
    let start = Start {
        executable: Path::new("/nonexistent"),
        sandbox: Demand::Auto,
        memory: 1 << 30,
        pipe_bytes: 4096,
    };
    for number in 0..10 {
        Link::start(WorkerId(number), &start, Arc::new(OnceLock::new()), &inputs).unwrap_err();
    }
    assert_eq!(Holdings::settled(before.threads), before);
}

#[test]
fn last_words_tell_what_a_signal_was_for() {
    let (abort, sigsys) = (
        Death::Signal(Signal::SIGABRT as i32),
        Death::Signal(Signal::SIGSYS as i32),
    );
    let memory = "memory allocation of 16777216 bytes failed";
    let stopped = format!("{LAST_WORDS}41");
    let cases = [
        (&abort, vec![memory], Death::Memory),
        (&abort, vec![memory, "note: run with something"], Death::Memory),
        (&abort, vec!["something else"], abort.clone()),
        (&abort, vec![&stopped], abort.clone()),
        (&sigsys, vec!["before", &stopped], Death::Sandbox { call: Some(41) }),
        (&sigsys, vec![&stopped, "behind"], Death::Sandbox { call: None }),
        (&sigsys, vec![], Death::Sandbox { call: None }),
    ];
    for (death, lines, expected) in cases {
        let lines: Vec<String> = lines.into_iter().map(str::to_owned).collect();
        assert_eq!(told(death.clone(), &lines), expected, "{lines:?}");
    }
}

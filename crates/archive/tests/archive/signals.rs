//! A signal that arrives while a stream is read interrupts nothing.

#![expect(unsafe_code, reason = "a handler of signals is unsafe to set")]

use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::sync::mpsc;
use std::thread;

use nix::sys::pthread::{pthread_kill, pthread_self};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use tarquet_archive::Archive;

use crate::stream::tar_of;
use crate::support::{gzip, read_all};

extern "C" fn do_nothing(_: i32) {}

/// Lets SIGUSR1 interrupt system calls, which are not begun again by themselves.
fn interrupt_by_signals() {
    let action = SigAction::new(SigHandler::Handler(do_nothing), SaFlags::empty(), SigSet::empty());
    // SAFETY: The handler touches nothing, and nobody else in this process handles this signal.
    unsafe { sigaction(Signal::SIGUSR1, &action) }.expect("a signal that can be handled");
}

#[test]
fn reads_and_waits_go_on_after_a_signal() {
    interrupt_by_signals();
    for bytes in [tar_of(&[2000]), gzip(&tar_of(&[2000]))] {
        let (reader, mut writer) = std::io::pipe().expect("a pipe");
        let (sender, thread) = mpsc::channel();
        let walking = thread::spawn(move || {
            sender.send(pthread_self()).expect("somebody who sends signals");
            read_all(&Archive::stream(File::from(OwnedFd::from(reader))).expect("an archive"))
        });
        let thread = thread.recv().expect("a thread that reads");
        for byte in bytes.chunks(2) {
            pthread_kill(thread, Signal::SIGUSR1).expect("a thread that was not joined");
            writer.write_all(byte).expect("a reader");
            pthread_kill(thread, Signal::SIGUSR1).expect("a thread that was not joined");
        }
        drop(writer);
        let listing = walking.join().expect("a walk without a failure");
        assert_eq!((listing.members.len(), listing.damage), (1, None));
    }
}

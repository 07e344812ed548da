//! Members that break a worker, for tests of what the coordinator makes of that. Only with the feature `failpoints`.
//!
//! What a member does is in its name: `poison-abort`, `poison-overflow`, `poison-memory`, `poison-loop`, `poison-exit`,
//! `poison-panic`, anywhere in it, and the ways out of the sandbox in [`escapes`]. It happens before the member is read, when its types are looked at and when it is extracted.
//! Of a member that holds many documents, it is the document's own text that says it, when it is extracted.
//!
//! With `TARQUET_WORKER_FLOOD` set to a number, a worker also writes so many bytes of lines to standard error before
//! each member.

mod escapes;

use std::hint::{black_box, spin_loop};
use std::io::{self, Write};
use std::process;

/// How many bytes a worker writes to standard error before each member.
const FLOOD: &str = "TARQUET_WORKER_FLOOD";

/// The status of a worker that leaves in the middle of its work.
const EXIT_STATUS: i32 = 7;

/// What a member's name can hold, and what it does.
const POISONS: [(&str, fn()); 6] = [
    ("poison-abort", || process::abort()),
    ("poison-overflow", || {
        black_box(overflow(0));
    }),
    ("poison-memory", exhaust_memory),
    ("poison-loop", || {
        loop {
            spin_loop();
        }
    }),
    ("poison-exit", || process::exit(EXIT_STATUS)),
    ("poison-panic", || panic!("a member that makes its worker panic")),
];

/// Does what the name of a member says.
pub(crate) fn strike(name: &[u8]) {
    flood();
    let name = String::from_utf8_lossy(name);
    poison(&name);
    escapes::attempt(&name);
}

/// Does what a document says that is one of many.
pub(crate) fn strike_document(document: &[u8]) {
    poison(&String::from_utf8_lossy(document));
}

fn poison(text: &str) {
    let poison = POISONS.iter().find(|(word, _)| text.contains(word));
    if let Some((_, act)) = poison {
        act();
    }
}

/// Whether the filter of system calls is left out, to see what Landlock does alone: where `TARQUET_TEST_LANDLOCK_ALONE` is
/// set.
pub(crate) fn landlock_alone() -> bool {
    std::env::var_os("TARQUET_TEST_LANDLOCK_ALONE").is_some()
}

/// A recursion without end that the compiler can neither shorten nor see through.
#[expect(unconditional_recursion, reason = "it is to overflow the stack")]
fn overflow(depth: u64) -> u64 {
    let frame = black_box([depth; 64]);
    black_box(overflow(frame[0] + 1)) + frame[63]
}

/// Takes memory and touches it until there is none.
fn exhaust_memory() {
    const STEP: usize = 16 << 20;
    let mut held = Vec::new();
    loop {
        held.push(black_box(vec![1_u8; STEP]));
    }
}

fn flood() {
    let line = "a worker that has much to say\n";
    let bytes = std::env::var(FLOOD).ok().and_then(|bytes| bytes.parse::<usize>().ok());
    let mut stderr = io::stderr().lock();
    for _ in 0..bytes.unwrap_or(0).div_ceil(line.len()) {
        // Whether anybody listens is not a worker's affair.
        stderr.write_all(line.as_bytes()).ok();
    }
}

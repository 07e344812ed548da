//! What a worker says when the sandbox stops it.
//!
//! Without this a filter that stops a harmless call, on a system whose C library makes one that nobody thought of, would
//! be a mystery: that a process died of SIGSYS says nothing of which call it was.
//!
//! It gives nothing to whoever has taken a worker over. The call was not made. The handler goes with the first signal,
//! before it runs ([`SaFlags::SA_RESETHAND`]), and the filter lets nobody set another, so the next SIGSYS kills; and
//! SIGSYS of a filter cannot be held up.
#![expect(
    unsafe_code,
    reason = "handlers of signals get raw pointers, and so does whoever sets them"
)]

use std::ffi::{c_int, c_void};
use std::process;

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, raise, sigaction};
use tarquet_wire::sandbox::LAST_WORDS;

/// `SYS_SECCOMP`, as `si_code`: the signal comes from a filter.
const FROM_A_FILTER: c_int = 1;

/// The most digits that a number of 32 bits has.
const MOST_DIGITS: usize = 10;

/// `siginfo_t` of a SIGSYS that comes from a filter (sigaction(2), "The siginfo_t argument").
#[repr(C)]
struct Stopped {
    signal: c_int,
    errno: c_int,
    code: c_int,
    /// Where the call was made.
    address: *const c_void,
    call: c_int,
    processor: u32,
}

/// Has this process say, when a filter stops it, at which call, and die of it.
///
/// # Errors
///
/// None that sigaction(2) has for this.
pub(super) fn set() -> nix::Result<()> {
    let flags = SaFlags::SA_SIGINFO | SaFlags::SA_RESETHAND | SaFlags::SA_NODEFER | SaFlags::SA_ONSTACK;
    let action = SigAction::new(SigHandler::SigAction(stopped), flags, SigSet::empty());
    // SAFETY: the handler calls nothing but what is safe in one (signal-safety(7)), allocates nothing, and does not return.
    unsafe { sigaction(Signal::SIGSYS, &action) }.map(drop)
}

extern "C" fn stopped(_: c_int, info: *mut libc::siginfo_t, _: *mut c_void) {
    // SAFETY: the kernel gives handlers that are set with `SA_SIGINFO` a whole `siginfo_t`; what is read here lies within it,
    // and is integers, of which every value is one.
    let (code, call) = unsafe {
        let info = info.cast::<Stopped>();
        ((*info).code, (*info).call)
    };
    if code == FROM_A_FILTER {
        say(call.unsigned_abs());
    }
    // It has no handler any more, and is not blocked in here.
    raise(Signal::SIGSYS).ok();
    process::abort()
}

/// Writes the last line, with nothing but a write(2).
fn say(call: u32) {
    const LEN: usize = LAST_WORDS.len();
    let mut line = [b'\n'; LEN + MOST_DIGITS + 1];
    line[..LEN].copy_from_slice(LAST_WORDS.as_bytes());
    let mut digits = [b'0'; MOST_DIGITS];
    let mut rest = call;
    let mut first = MOST_DIGITS;
    loop {
        first -= 1;
        digits[first] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    let count = MOST_DIGITS - first;
    line[LEN..LEN + count].copy_from_slice(&digits[first..]);
    // SAFETY: the bytes are those of `line`, as many as are told. Whether anybody listens does not matter.
    unsafe { libc::write(libc::STDERR_FILENO, line.as_ptr().cast(), LEN + count + 1) };
}

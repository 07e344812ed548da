//! An allocator that counts what a thread holds.
#![expect(unsafe_code, reason = "an allocator is unsafe to write")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, counted thread by thread.
pub(crate) struct Counting;

thread_local! {
    /// What this thread has allocated and not freed, in bytes, and the most that it was.
    static HELD: Cell<(isize, isize)> = const { Cell::new((0, 0)) };
}

/// The most that this thread held while it did `what`, above what it held before, in bytes.
pub(crate) fn peak<T>(what: impl FnOnce() -> T) -> (T, usize) {
    let (before, _) = HELD.get();
    HELD.set((before, before));
    let done = what();
    let (_, most) = HELD.get();
    (done, (most - before).unsigned_abs())
}

fn note(bytes: isize) {
    let (held, most) = HELD.get();
    HELD.set((held + bytes, most.max(held + bytes)));
}

// SAFETY: all is the system allocator's; what is counted needs no memory itself.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size() as isize);
        // SAFETY: the caller keeps to the contract, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        note(-(layout.size() as isize));
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[test]
fn what_is_held_is_counted() {
    let (len, most) = peak(|| {
        let first = vec![0_u8; 1000].len();
        first + vec![0_u8; 3000].len()
    });
    assert_eq!((len, most), (4000, 3000));
}

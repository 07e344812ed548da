//! The promise, on the real binary: whatever is killed, filled up or torn, and whenever, the dataset holds whole parts only,
//! and a resume ends with exactly the bytes that an undisturbed run writes.
//!
//! Each test is a sweep: many runs, each disturbed at another point. All of them run twice, with a fixed seed and with a
//! fresh one, which is printed and which `TARQUET_SEED` sets. `TARQUET_TORTURE=long` makes the sweeps long; `cargo xtask
//! torture` runs these and shows what each of them did.
//!
//! A sweep that disturbed nothing shows nothing: every one asserts that what it does did happen.

mod arena;
mod disks;
mod failpoints;
mod kills;
mod pipes;
mod poison;
mod signals;
mod stall;
mod state;
mod sweep;
mod workers;

#[path = "../it/support/mod.rs"]
#[expect(
    dead_code,
    unused_imports,
    reason = "the other tests of the binary use the rest of it"
)]
mod support;

//! Runs whose file system calls fail, one after the other: whatever fails and whenever, what is published is whole, and
//! the run that goes on ends with the bytes of one that nothing happened to.
//!
//! Every test here arms failpoints, which count the calls of the whole process, so this is a program of its own.

#[path = "../it/support.rs"]
#[expect(dead_code, reason = "the tests of the other program need more of it")]
mod support;

mod killed;
mod power;
mod scenario;
mod sweep;

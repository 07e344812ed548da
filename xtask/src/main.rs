//! Chores of the project: `cargo xtask sample`, `cargo xtask bench`.

fn main() {}

//! The `tarquet` command.

fn main() {}

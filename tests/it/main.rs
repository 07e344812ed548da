//! The real binary, driven as a user drives it: what it says, what it leaves, and what happens to its workers.

mod archives;
mod arrays;
mod arrays_in_order;
mod bad_input;
mod bad_map;
mod command_line;
mod compressed;
mod concatenated;
mod damage;
mod formats;
mod inflating;
mod laws;
mod limits;
mod lines;
mod many;
mod maps;
mod names;
mod out_dir;
mod parts;
mod resume;
mod sandbox;
mod signals;
mod support;
mod verify;
mod workers;
mod zstd;

//! Writes seeds for the fuzz targets: `cargo run -p tarquet-fuzz --example seeds FOLDER` makes one folder a target.
//!
//! They are made here and taken from nobody. What is in `fuzz/corpus` is what `cargo fuzz cmin` keeps of them, and of what
//! grew out of them.

mod engines;
mod feature_map;
mod frames;
mod gzip_spool;
mod stretches;
mod tar_walk;
mod zstd_spool;

use std::fs;
use std::path::{Path, PathBuf};

fn main() -> std::io::Result<()> {
    let folder = std::env::args_os().nth(1).expect("the folder to write to");
    let folder = PathBuf::from(folder);
    let targets = [
        ("engines", engines::seeds()),
        ("feature_map", feature_map::seeds()),
        ("frames", frames::seeds()),
        ("gzip_spool", gzip_spool::seeds()),
        ("stretches", stretches::seeds()),
        ("tar_walk", tar_walk::seeds()),
        ("zstd_spool", zstd_spool::seeds()),
    ];
    targets
        .iter()
        .try_for_each(|(target, seeds)| write(&folder.join(target), seeds))
}

fn write(folder: &Path, seeds: &[Vec<u8>]) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    for (number, seed) in seeds.iter().enumerate() {
        fs::write(folder.join(format!("made-{number:03}")), seed)?;
    }
    Ok(())
}

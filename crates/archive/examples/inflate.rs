//! Shows that decompression is the ceiling: walks a `.tar.gz` through the spool, with and without points at which a walk
//! can begin again, and inflates the same file into nothing, three times each, and prints how many decompressed MB each did in a second of a core.
//!
//! ```text
//! cargo run --release -p tarquet-archive --example inflate -- ARCHIVE.tar.gz
//! ```

#![expect(clippy::print_stdout, reason = "a benchmark says what it measured")]

use std::error::Error;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike};
use tarquet_archive::{Archive, MemberKind, Spacing, SpoolOptions, Walk};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os()
        .nth(1)
        .map(PathBuf::from)
        .ok_or("give the path of a .tar.gz")?;
    for _ in 0..3 {
        report("plain inflation", inflate, &path)?;
        report("walk and spool", walk, &path)?;
        report("with points", walk_with_points, &path)?;
        report("walk alone", skip, &path)?;
    }
    Ok(())
}

/// Runs one way of reading the archive, which returns how many bytes it saw.
fn report(what: &str, run: fn(&Path) -> Result<u64, Box<dyn Error>>, path: &Path) -> Result<(), Box<dyn Error>> {
    let (start, cpu) = (Instant::now(), cpu_seconds()?);
    let bytes = run(path)?;
    let (seconds, cpu) = (start.elapsed().as_secs_f64(), cpu_seconds()? - cpu);
    println!(
        "{what:16} {:6.0} MB per CPU second  ({bytes} bytes in {seconds:.3} s)",
        bytes as f64 / cpu / 1e6
    );
    Ok(())
}

/// What this thread has used of a core, in the kernel too: the measure that other load disturbs least.
fn cpu_seconds() -> nix::Result<f64> {
    let usage = getrusage(UsageWho::RUSAGE_THREAD)?;
    let seconds = |time: TimeVal| time.num_microseconds() as f64 / 1e6;
    Ok(seconds(usage.user_time()) + seconds(usage.system_time()))
}

/// The decompressor alone, into a buffer that stays in the cache.
#[expect(clippy::disallowed_methods, reason = "this is the loop around short reads")]
fn inflate(path: &Path) -> Result<u64, Box<dyn Error>> {
    let file = BufReader::with_capacity(256 * 1024, File::open(path)?);
    let mut decoder = flate2::bufread::MultiGzDecoder::new(file);
    let mut buffer = vec![0; 256 * 1024];
    let mut total = 0;
    loop {
        match decoder.read(&mut buffer)? {
            0 => return Ok(total),
            read => total += read as u64,
        }
    }
}

/// Every regular file into the spool, and given back at once.
fn walk(path: &Path) -> Result<u64, Box<dyn Error>> {
    through_the_spool(Archive::open(path)?.walk(SpoolOptions::default())?)
}

/// The same, with points as close as a run has them.
fn walk_with_points(path: &Path) -> Result<u64, Box<dyn Error>> {
    let mut walk = Archive::open(path)?.walk(SpoolOptions::default())?;
    walk.make_points(Spacing::default());
    through_the_spool(walk)
}

fn through_the_spool(mut walk: Walk) -> Result<u64, Box<dyn Error>> {
    let mut points = 0;
    let releaser = walk.releaser();
    let mut end = 0;
    let mut held = std::collections::VecDeque::new();
    while let Some(member) = walk.next()? {
        if member.kind == MemberKind::File {
            // As many members are held as a run would have in flight, so that slots are not reused while in the cache.
            held.push_back(walk.locate(&member, &mut |_| {})?);
            if held.len() > 64 {
                releaser.release(&held.pop_front().unwrap_or_default());
            }
        }
        points += walk.take_point().map_or(0, |point| point.encode().len());
        end = member.data_offset + member.size;
    }
    std::hint::black_box(points);
    Ok(end)
}

/// Members passed over.
fn skip(path: &Path) -> Result<u64, Box<dyn Error>> {
    let mut walk = Archive::open(path)?.walk(SpoolOptions::default())?;
    let mut end = 0;
    while let Some(member) = walk.next()? {
        end = member.data_offset + member.size;
    }
    Ok(end)
}

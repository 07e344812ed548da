//! Standard input: whatever comes through it is read as the same bytes in a file are.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, gettid, mkfifo};
use proptest::prelude::*;
use tarquet_archive::{Archive, ArchiveError, Container, SpoolOptions, WalkError};

use crate::build::{Dialect, Spec, Tar, Twist, specs};
use crate::support::{Listing, Scratch, corpora, corpus, gzip, noise, pipe, read_all, read_walk, say, zstd};

/// What an archive holds, or what is said of it, in the words for standard input.
fn told(archive: Result<Archive, ArchiveError>, path: &Path) -> Result<(Container, Listing), String> {
    match archive {
        Ok(archive) => Ok((archive.container(), read_all(&archive))),
        Err(error) => Err(error.to_string().replace(&path.display().to_string(), "standard input")),
    }
}

/// A tar of one member for each size.
pub(crate) fn tar_of(sizes: &[usize]) -> Vec<u8> {
    let mut tar = Tar::default();
    for (index, &size) in sizes.iter().enumerate() {
        tar.add(&Spec {
            dialect: Dialect::Ustar,
            name: format!("{index}.json"),
            flag: b'0',
            body: noise(size),
            twist: Twist::None,
        });
    }
    tar.end(2);
    tar.bytes
}

#[test]
fn the_archives_of_other_projects_are_read_as_from_a_file() {
    let files = corpus();
    if files.is_empty() {
        return say("skipped: the reference archives are not beside the checkout");
    }
    for file in files {
        let path = corpora().join(&file);
        let expected = told(Archive::open(&path), &path);
        let opened = File::open(&path).expect("a readable file");
        assert_eq!(
            told(Archive::stream(opened), &path),
            expected,
            "{file}, as standard input"
        );
        let bytes = std::fs::read(&path).expect("a readable file");
        for sizes in [&[1 << 20], &[511], &[1]] {
            // Byte by byte costs a system call and two switches each.
            if bytes.len() / sizes[0] < 100_000 {
                let piped = Archive::stream(pipe(&bytes, sizes));
                assert_eq!(told(piped, &path), expected, "{file}, in pieces of {}", sizes[0]);
            }
        }
    }
}

/// Sizes of the pieces in which a pipe gives its bytes. All of them are tiny only now and then: each piece costs a system
/// call and a switch to another thread.
pub(crate) fn sizes() -> impl Strategy<Value = Vec<usize>> {
    let tiny = prop::collection::vec(1..20_usize, 1..5);
    let mixed = prop::collection::vec(prop_oneof![1..600_usize, 1..100_000_usize], 1..5);
    let last = 10_000..100_000_usize;
    prop_oneof![1 => tiny, 9 => (mixed, last).prop_map(|(sizes, last)| [sizes, vec![last]].concat())]
}

/// The bytes of an archive: plain or compressed, whole, cut or with a flipped bit.
pub(crate) fn any_archive() -> impl Strategy<Value = Vec<u8>> {
    let harm = prop_oneof![
        2 => Just(None),
        1 => any::<prop::sample::Index>().prop_map(|at| Some((at, None))),
        2 => (any::<prop::sample::Index>(), 0..8_u8).prop_map(|(at, bit)| Some((at, Some(bit)))),
    ];
    (specs(6), 0..3_u8, 0..3_usize, harm).prop_map(|(specs, compress, large, harm)| {
        let mut tar = Tar::of(&specs);
        tar.bytes.extend(tar_of(&vec![90_000; large]));
        let mut bytes = match compress {
            0 => tar.bytes,
            1 => gzip(&tar.bytes),
            _ => zstd(&tar.bytes),
        };
        match harm {
            Some((at, None)) => bytes.truncate(at.index(bytes.len())),
            Some((at, Some(bit))) => {
                let at = at.index(bytes.len());
                bytes[at] ^= 1 << bit;
            }
            None => {}
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_pipe_is_read_as_the_same_file_however_its_bytes_come(bytes in any_archive(), sizes in sizes()) {
        let scratch = Scratch::new();
        let path = scratch.file("archive", &bytes);
        let from_file = told(Archive::open(&path), &path);
        prop_assert_eq!(told(Archive::stream(pipe(&bytes, &sizes)), &path), from_file);
    }
}

#[test]
fn a_descriptor_is_read_from_where_it_stands() {
    use std::io::Seek;
    let bytes = [b"before".to_vec(), tar_of(&[10])].concat();
    let mut file = File::open(Scratch::new().file("archive", &bytes)).expect("the file");
    file.seek(std::io::SeekFrom::Start(6)).expect("a regular file");
    assert_eq!(read_all(&Archive::stream(file).expect("an archive")).members.len(), 1);
}

#[test]
fn a_descriptor_that_does_not_wait_is_waited_for() {
    let bytes = tar_of(&[3000, 10]);
    let file = pipe(&bytes, &[1]);
    fcntl(&file, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).expect("a pipe");
    assert_eq!(read_all(&Archive::stream(file).expect("an archive")).members.len(), 2);
}

#[test]
fn a_stream_has_no_file_and_is_walked_once() {
    for bytes in [tar_of(&[10]), gzip(&tar_of(&[10])), zstd(&tar_of(&[10]))] {
        let archive = Archive::stream(pipe(&bytes, &[100])).expect("an archive");
        assert_eq!((archive.len(), archive.path()), (None, Path::new("-")));
        assert!(archive.file().is_none());
        assert_eq!(archive.fingerprint().expect("nothing is read"), None);
        assert_eq!(read_all(&archive).members.len(), 1);
        let again = archive.walk(SpoolOptions::default()).err().expect("it is read already");
        assert_eq!(
            again.to_string(),
            "standard input was read before, and can be read only once"
        );
    }
}

/// Whether a thread of this process waits for something. See proc_pid_stat(5), field 3.
fn sleeps(thread: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/self/task/{thread}/stat")).expect("a thread that was not joined");
    stat.rsplit(") ").next().is_some_and(|fields| fields.starts_with('S'))
}

#[test]
fn a_wait_for_a_silent_pipe_ends_when_the_walk_is_closed() {
    let large = tar_of(&[5_000_000]);
    for bytes in [gzip(&large), zstd(&large), large] {
        let (reader, mut writer) = std::io::pipe().expect("a pipe");
        let half = bytes[..bytes.len() / 2].to_vec();
        let writer = thread::spawn(move || {
            writer.write_all(&half).expect("a reader");
            writer
        });
        let archive = Archive::stream(File::from(OwnedFd::from(reader))).expect("an archive");
        let mut walk = archive.walk(SpoolOptions::default()).expect("a walk");
        let releaser = walk.releaser();
        let (sender, walker) = mpsc::channel();
        let walking = thread::spawn(move || {
            sender.send(gettid()).expect("somebody who closes");
            read_walk(&mut walk)
        });
        // Half of the archive is read, and the other half never comes although the pipe stays open.
        let open = writer.join().expect("a writer without a failure");
        let walker = walker.recv().expect("a walker");
        while !sleeps(walker) {
            thread::yield_now();
        }
        releaser.close();
        let ended = walking.join().expect("a walk without a failure");
        assert!(matches!(ended, Err(WalkError::Closed)), "{ended:?}");
        drop(open);
    }
}

/// A gzip stream is looked at as far as 64 KiB decompressed, so of a small one the end is seen before the walk.
#[test]
fn the_end_of_a_named_pipe_is_its_end_although_somebody_writes_more() {
    let scratch = Scratch::new();
    let path = scratch.path().join("fifo");
    mkfifo(&path, Mode::S_IRWXU).expect("a named pipe");
    let name = path.clone();
    let writer = thread::spawn(move || std::fs::write(name, gzip(&tar_of(&[10]))).expect("a reader"));
    let archive = Archive::stream(File::open(&path).expect("a named pipe")).expect("an archive");
    writer.join().expect("a writer without a failure");
    let mut late = OpenOptions::new().write(true).open(&path).expect("a reader");
    late.write_all(b"not gzip").expect("a reader");
    let listing = read_all(&archive);
    assert_eq!((listing.members.len(), listing.damage), (1, None));
}

/// Its first bytes are 2 MB of empty blocks, more than is kept before the walk. RFC 1951, section 3.2.4.
#[test]
fn a_gzip_stream_that_starts_with_nothing_at_length_is_read() {
    let whole = gzip(&tar_of(&[10]));
    let empty_block = [0, 0, 0, 0xFF, 0xFF];
    let bytes = [&whole[..10], &empty_block.repeat(400_000), &whole[10..]].concat();
    let scratch = Scratch::new();
    let path = scratch.file("archive", &bytes);
    let from_file = told(Archive::open(&path), &path);
    assert!(matches!(&from_file, Ok((Container::Gzip, listing)) if listing.members.len() == 1));
    assert_eq!(told(Archive::stream(pipe(&bytes, &[70_000])), &path), from_file);
}

#[test]
fn messages_speak_of_standard_input() {
    let message = |file| Archive::stream(file).expect_err("no archive").to_string();
    assert_eq!(
        message(pipe(b"{}", &[1])),
        "standard input is not a tar archive: it looks like JSON text; pack the files into one first \
         (tar -cf ARCHIVE.tar FILES), or give the directory that they are in"
    );
    let directory = File::open(env!("CARGO_MANIFEST_DIR")).expect("the crate's directory");
    assert_eq!(
        message(directory),
        "cannot read standard input at byte 0: Is a directory (os error 21)"
    );
    let write_only = OpenOptions::new()
        .write(true)
        .open("/dev/null")
        .expect("the null device");
    assert!(message(write_only).starts_with("cannot read standard input at byte 0: Bad file descriptor"));
    assert_eq!(
        message(pipe(&gzip(&tar_of(&[]))[..15], &[1])),
        "standard input has no readable member: the archive is damaged at byte 15 (byte 0 decompressed): \
         the gzip data is cut short"
    );
}

#[test]
fn a_terminal_is_refused() {
    // The controlling end of a pseudo-terminal is one, too.
    let Ok(terminal) = File::open("/dev/ptmx") else {
        return say("skipped: there are no pseudo-terminals");
    };
    let error = Archive::stream(terminal).expect_err("a terminal");
    assert!(matches!(error, ArchiveError::Terminal), "{error}");
}

/// Set for the copy of this test that is run with an archive as its standard input.
const IS_CHILD: &str = "TARQUET_TEST_READS_STANDARD_INPUT";

#[test]
fn descriptor_0_is_read() {
    if std::env::var_os(IS_CHILD).is_some() {
        let listing = read_all(&Archive::open(Path::new("-")).expect("an archive"));
        assert_eq!(listing.members.len(), 3);
        return;
    }
    let scratch = Scratch::new();
    let bytes = gzip(&tar_of(&[5, 100_000, 7]));
    let file = File::open(scratch.file("archive", &bytes)).expect("the file");
    for stdin in [Stdio::from(file), Stdio::from(pipe(&bytes, &[1000]))] {
        let child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "stream::descriptor_0_is_read"])
            .env(IS_CHILD, "")
            .stdin(stdin)
            .output()
            .expect("this program again");
        let said = String::from_utf8_lossy(&child.stdout);
        assert!(child.status.success() && said.contains("1 passed"), "{said}");
    }
}

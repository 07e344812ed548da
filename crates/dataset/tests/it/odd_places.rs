//! Directories that are not what they were, and what stands in them is not what it should be.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use tarquet_dataset::{DatasetError, Depth, Existing, verify};

use crate::support::{Document, OPTIONS, Source, begin, finish, resume, scratch, tree, write};

fn documents() -> Vec<Document> {
    vec![Document::with_rows(&[7, 1, 2, 0]); 20]
}

/// The lock is a file's, everything else goes by path: whoever comes after must not be written to.
#[test]
fn a_dataset_whose_directory_was_moved_writes_into_no_other() {
    let dir = scratch();
    let (here, elsewhere) = (dir.path().join("here"), dir.path().join("elsewhere"));
    let mut first = begin(&here, Existing::Refuse, OPTIONS).expect("begins");
    first.append(Source::new().unit(&documents())).expect("appends");
    fs::rename(&here, &elsewhere).expect("renames");
    let mut second = begin(&here, Existing::Refuse, OPTIONS).expect("nobody holds it");
    second.append(Source::new().unit(&documents()[..3])).expect("appends");
    second.checkpoint(None).expect("commits");

    let before = tree(&here);
    let error = first.checkpoint(None).expect_err("it is another directory");
    assert!(matches!(&error, DatasetError::Moved { dir } if *dir == here), "{error}");
    assert!(tree(&here) == before);
    drop(finish(second));

    drop(first);
    drop(finish(
        resume(&elsewhere, OPTIONS).expect("it can go on where it is now"),
    ));
}

/// What a link points at is not the dataset's.
#[test]
fn a_log_that_became_a_link_is_refused_and_its_target_stays() {
    let dir = scratch();
    let target = dir.path().join("mine");
    fs::write(&target, "mine").expect("writes");
    for log in ["failed.log", "rescued.ndjson"] {
        let out = dir.path().join(format!("{log} of"));
        drop(begin(&out, Existing::Refuse, OPTIONS).expect("begins"));
        fs::remove_file(out.join(log)).expect("removes");
        symlink(&target, out.join(log)).expect("links");
        let error = resume(&out, OPTIONS).expect_err("refused").to_string();
        assert!(error.contains(log) && error.contains("symbolic link"), "{error}");
        assert_eq!(fs::read_to_string(&target).expect("reads"), "mine");
    }
}

/// Opening a pipe waits for its other end, which would be for ever.
#[test]
fn a_pipe_in_the_place_of_a_file_is_named_and_not_waited_for() {
    let dir = scratch();
    for file in ["run/ledger.json", "run/lock", "feature_map.resolved.yaml", "failed.log"] {
        let out = dir.path().join(file.replace('/', " "));
        drop(write(&out, Existing::Refuse, OPTIONS, &documents()));
        replace_by_pipe(&out.join(file));
        let told = match verify(&out, Depth::Full) {
            Ok(verified) => format!("{:?}", verified.faults),
            Err(error) => error.to_string(),
        };
        let name = Path::new(file).file_name().expect("a name").display().to_string();
        assert!(told.contains(&name), "{file}: {told}");
        if let Err(error) = resume(&out, OPTIONS) {
            assert!(error.to_string().contains(&name), "{file}: {error}");
        }
    }
}

fn replace_by_pipe(path: &Path) {
    fs::remove_file(path).expect("removes");
    mkfifo(path, Mode::S_IRWXU).expect("makes a pipe");
}
